/* Counts over an hour and a day. */
#include "base/err.h"
#include "monitor/window.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void test_counts_leave_the_window(void **state)
{
    (void)state;
    static const struct {
        int64_t later_s;
        uint64_t hour, day;
    } cases[] = {
        { 0, 3, 3 },          { 3000, 3, 3 },  { 3599, 3, 3 }, /* in the same six slots */
        { 3600, 0, 3 },       { 7200, 0, 3 },                  /* the hour's ring has gone round */
        { 86400 - 1, 0, 3 },  { 86400, 0, 0 },                 /* the day's */
        { 10 * 86400, 0, 0 },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct windowed windowed = { .slot = { 0 } };
        int64_t begin = 864000; /* a slot of both begins */
        for (int k = 0; k < 3; k++)
            windowed_count(&windowed, begin);
        assert_int_equal(windowed_sum(&windowed, WINDOW_HOUR, begin + cases[i].later_s), cases[i].hour);
        assert_int_equal(windowed_sum(&windowed, WINDOW_DAY, begin + cases[i].later_s), cases[i].day);
    }
}

static void test_slots_are_used_again(void **state)
{
    (void)state;
    struct windowed windowed = { .slot = { 0 } };
    for (int64_t now_s = 0; now_s < 3 * 86400; now_s += 100)
        windowed_count(&windowed, now_s);
    assert_int_equal(windowed_sum(&windowed, WINDOW_HOUR, 3 * 86400 - 1), 36);
    assert_int_equal(windowed_sum(&windowed, WINDOW_DAY, 3 * 86400 - 1), 864);
}

static void test_counts_stop_at_their_highest(void **state)
{
    (void)state;
    struct windowed windowed = { .slot = { 0 } };
    windowed.counts[WINDOW_HOUR][0] = UINT32_MAX;
    windowed_count(&windowed, 1);
    assert_int_equal(windowed_sum(&windowed, WINDOW_HOUR, 1), UINT32_MAX);
}

static void test_texts(void **state)
{
    (void)state;
    enum window window;
    assert_true(window_from_text("1d", &window));
    assert_int_equal(window, WINDOW_DAY);
    assert_string_equal(window_text(WINDOW_HOUR), "1h");
    assert_false(window_from_text("2d", &window));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counts_leave_the_window),
        cmocka_unit_test(test_slots_are_used_again),
        cmocka_unit_test(test_counts_stop_at_their_highest),
        cmocka_unit_test(test_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
