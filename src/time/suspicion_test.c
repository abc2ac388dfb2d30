#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "time/suspicion.h"

static struct now at(int64_t ms)
{
    return (struct now) { .wall_ms = ms, .monotonic_ms = ms, .wall_is_fit = true };
}

static void note_zones(struct suspicion *suspicion, enum symptom symptom, unsigned from, unsigned count, int64_t ms)
{
    for (unsigned i = 0; i < count; i++)
        suspicion_note(suspicion, symptom, from + i, at(ms));
}

/* D4-run-b: what is theirs, and what is ours. */
static const struct {
    const char *what;
    unsigned secure, expired, not_yet;
    bool fast, slow;
} cases[] = {
    { "all is well", 40, 0, 0, false, false },
    { "one zone has expired", 40, 1, 0, false, false },
    { "nearly enough", 0, 7, 0, false, false },
    { "nothing but expired zones", 0, 8, 0, true, false },
    { "half as many as are well", 16, 8, 0, true, false },
    { "less than half", 17, 8, 0, false, false },
    { "a wave of them among many", 60, 30, 0, true, false },
    { "some of each kind", 0, 7, 7, false, false },
    { "signatures of the future", 2, 1, 9, false, true },
};

static void many_unrelated_zones_point_at_us(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct suspicion suspicion = { .began_ms = 0 };
        note_zones(&suspicion, SYMPTOM_SECURE, 1000, cases[i].secure, 1);
        note_zones(&suspicion, SYMPTOM_EXPIRED, 2000, cases[i].expired, 2);
        note_zones(&suspicion, SYMPTOM_NOT_YET, 3000, cases[i].not_yet, 3);
        if (suspicion_points_at_us(&suspicion, SYMPTOM_EXPIRED, at(4)) != cases[i].fast ||
            suspicion_points_at_us(&suspicion, SYMPTOM_NOT_YET, at(4)) != cases[i].slow)
            fail_msg("%s", cases[i].what);
    }
}

static void related_zones_count_once(void **state)
{
    (void)state;
    struct suspicion suspicion = { .began_ms = 0 };
    for (int i = 0; i < 100; i++)
        suspicion_note(&suspicion, SYMPTOM_EXPIRED, 7, at(i));
    assert_false(suspicion_points_at_us(&suspicion, SYMPTOM_EXPIRED, at(100)));
}

/* When our clock is weeks off, the root's own keys fail, and nothing else is ever looked at. */
static void the_root_points_at_us_alone(void **state)
{
    (void)state;
    struct suspicion suspicion = { .began_ms = 0 };
    suspicion_note_root(&suspicion, SYMPTOM_SECURE, at(0));
    assert_false(suspicion_points_at_us(&suspicion, SYMPTOM_SECURE, at(1)));
    suspicion_note_root(&suspicion, SYMPTOM_EXPIRED, at(0));
    assert_true(suspicion_points_at_us(&suspicion, SYMPTOM_EXPIRED, at(1)));
    assert_false(suspicion_points_at_us(&suspicion, SYMPTOM_NOT_YET, at(1)));
}

/* The same ones, spread over time, are faults of their own. */
static void windows_end(void **state)
{
    (void)state;
    struct suspicion suspicion = { .began_ms = 0 };
    note_zones(&suspicion, SYMPTOM_EXPIRED, 0, 7, 0);
    note_zones(&suspicion, SYMPTOM_EXPIRED, 7, 7, SUSPICION_WINDOW_MS);
    assert_false(suspicion_points_at_us(&suspicion, SYMPTOM_EXPIRED, at(SUSPICION_WINDOW_MS)));
    note_zones(&suspicion, SYMPTOM_EXPIRED, 14, 1, SUSPICION_WINDOW_MS + 1);
    assert_true(suspicion_points_at_us(&suspicion, SYMPTOM_EXPIRED, at(SUSPICION_WINDOW_MS + 1)));
    assert_false(suspicion_points_at_us(&suspicion, SYMPTOM_EXPIRED, at(2 * SUSPICION_WINDOW_MS + 1)));
}

/* Thousands of zones an hour, of which one in forty has expired. */
static void a_busy_resolver_is_not_fooled(void **state)
{
    (void)state;
    struct suspicion suspicion = { .began_ms = 0 };
    for (unsigned i = 1; i <= 20000; i++)
        suspicion_note(&suspicion, i % 40 == 0 ? SYMPTOM_EXPIRED : SYMPTOM_SECURE, i, at(i));
    assert_false(suspicion_points_at_us(&suspicion, SYMPTOM_EXPIRED, at(20000)));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_unrelated_zones_point_at_us), cmocka_unit_test(related_zones_count_once),
        cmocka_unit_test(the_root_points_at_us_alone),      cmocka_unit_test(windows_end),
        cmocka_unit_test(a_busy_resolver_is_not_fooled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
