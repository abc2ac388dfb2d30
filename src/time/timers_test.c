#include "time/timers.h"

#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>

#include "base/random.h"

static void test_they_come_in_order(void **state)
{
    (void)state;
    struct timers timers = { 0 };
    struct timer a = { 0 }, b = { 0 }, c = { 0 };
    assert_true(timers_next_ms(&timers) == INT64_MAX);
    timers_set(&timers, &a, 30);
    timers_set(&timers, &b, 10);
    timers_set(&timers, &c, 20);
    assert_int_equal(timers_next_ms(&timers), 10);
    assert_null(timers_pop_due(&timers, 9));
    assert_ptr_equal(timers_pop_due(&timers, 25), &b);
    assert_int_equal(b.slot, 0);
    assert_ptr_equal(timers_pop_due(&timers, 25), &c);
    assert_null(timers_pop_due(&timers, 25));
    timers_cancel(&timers, &a);
    timers_cancel(&timers, &a); /* not armed any more */
    assert_null(timers_pop_due(&timers, INT64_MAX));
    timers_clear(&timers);
}

static void test_setting_again_moves(void **state)
{
    (void)state;
    struct timers timers = { 0 };
    struct timer a = { 0 }, b = { 0 };
    timers_set(&timers, &a, 10);
    timers_set(&timers, &b, 20);
    timers_set(&timers, &a, 30);
    assert_int_equal(timers.count, 2);
    assert_ptr_equal(timers_pop_due(&timers, 100), &b);
    timers_set(&timers, &a, -5);
    assert_ptr_equal(timers_pop_due(&timers, -5), &a);
    timers_clear(&timers);
}

enum { COUNT = 300 };

/* The earliest armed timer, found the plain way. */
static struct timer *earliest(struct timer *all)
{
    struct timer *found = NULL;
    for (size_t i = 0; i < COUNT; i++)
        if (all[i].slot != 0 && (found == NULL || all[i].due_ms < found->due_ms))
            found = &all[i];
    return found;
}

static void test_against_a_plain_list(void **state)
{
    (void)state;
    struct random *random = random_seeded_new(1);
    struct timers timers = { 0 };
    struct timer all[COUNT] = { 0 };
    for (int step = 0; step < 20000; step++) {
        struct timer *timer = &all[random_below(random, COUNT)];
        uint32_t action = random_below(random, 4);
        if (action < 2)
            timers_set(&timers, timer, random_below(random, 500));
        else if (action == 2)
            timers_cancel(&timers, timer);
        else
            timers_pop_due(&timers, random_below(random, 100));
        const struct timer *first = earliest(all);
        assert_true(timers_next_ms(&timers) == (first == NULL ? INT64_MAX : first->due_ms));
    }
    timers_clear(&timers);
    random_free(random);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_they_come_in_order),
        cmocka_unit_test(test_setting_again_moves),
        cmocka_unit_test(test_against_a_plain_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
