#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"
#include "time/judgement.h"

enum { MAX_OFFSET_S = 60 };

#define WALL_S  INT64_C(1795219200) /* 2026-11-21 */
#define BUILD_S (WALL_S - 86400)
#define R(name) (1u << REASON_##name)

static const struct now now = { .wall_ms = WALL_S * 1000, .monotonic_ms = 5000, .wall_is_fit = true };

/* What a server says whose time is so many seconds ahead of ours. */
static struct clock_sample sample_of(double offset_s)
{
    return (struct clock_sample) { .true_minus_monotonic_ms =
                                       now.wall_ms - now.monotonic_ms + (int64_t)(offset_s * 1000) };
}

static const struct {
    const char *what;
    enum clock_floor floor;
    int64_t floor_s, seen_s;
    enum clock_kernel kernel;
    unsigned servers, samples, authenticated; /* the first ones are */
    unsigned silent;                          /* servers that would have to prove who they are */
    double offsets_s[5];
    bool many_expired, many_not_yet;
    enum clock_fitness fitness;
    unsigned reasons;
} cases[] = {
    /* D4-init-b: floors */
    { "all is well", FLOOR_STORED, 0, WALL_S - 10, .fitness = CLOCK_FIT },
    { "no time is remembered", FLOOR_STORED, 0, CLOCK_NO_FLOOR, .fitness = CLOCK_FIT },
    { "before the time seen last", FLOOR_STORED, 0, WALL_S + 61, .fitness = CLOCK_UNFIT, .reasons = R(BELOW_SEEN) },
    { "a small step back is none", FLOOR_STORED, 0, WALL_S + 60, .fitness = CLOCK_FIT },
    { "the time seen last does not count", FLOOR_BUILD, 0, WALL_S + 1000, .fitness = CLOCK_FIT },
    { "before the operator's time", FLOOR_SET, WALL_S + 1, 0, .fitness = CLOCK_UNFIT, .reasons = R(BELOW_SET) },
    { "at the operator's time", FLOOR_SET, WALL_S, 0, .fitness = CLOCK_FIT },
    { "no floor", FLOOR_NONE, WALL_S + 1000, WALL_S + 1000, .fitness = CLOCK_FIT },
    /* D4-init-a: servers, unsynchronised kernel */
    { "nobody to ask", FLOOR_NONE, .kernel = KERNEL_UNSYNCHRONISED, .fitness = CLOCK_DOUBTFUL,
      .reasons = R(NO_SERVERS) },
    { "nobody answers", FLOOR_NONE, .kernel = KERNEL_UNSYNCHRONISED, .servers = 3, .fitness = CLOCK_DOUBTFUL,
      .reasons = R(UNCONFIRMED) },
    { "three agree", FLOOR_NONE, .kernel = KERNEL_UNSYNCHRONISED, .servers = 3, .samples = 3,
      .offsets_s = { 0, 60, -60 }, .fitness = CLOCK_FIT },
    { "three differ", FLOOR_NONE, .kernel = KERNEL_UNSYNCHRONISED, .servers = 3, .samples = 3,
      .offsets_s = { 61, 100, 1e6 }, .fitness = CLOCK_UNFIT, .reasons = R(OUTVOTED) },
    { "two of three differ", FLOOR_NONE, .kernel = KERNEL_UNSYNCHRONISED, .servers = 3, .samples = 3,
      .offsets_s = { 0, -61, -1e6 }, .fitness = CLOCK_UNFIT, .reasons = R(OUTVOTED) },
    { "one of three differs", FLOOR_NONE, .kernel = KERNEL_UNSYNCHRONISED, .servers = 3, .samples = 3,
      .offsets_s = { 0, 0, 1e6 }, .fitness = CLOCK_FIT },
    { "two differ, the third is silent", FLOOR_NONE, .kernel = KERNEL_UNSYNCHRONISED, .servers = 3, .samples = 2,
      .offsets_s = { 1e6, 1e6 }, .fitness = CLOCK_DOUBTFUL, .reasons = R(UNCONFIRMED) },
    { "one server says another time", FLOOR_NONE, .kernel = KERNEL_UNSYNCHRONISED, .servers = 1, .samples = 1,
      .offsets_s = { 1e6 }, .fitness = CLOCK_DOUBTFUL, .reasons = R(UNCONFIRMED) },
    { "two of four differ", FLOOR_NONE, .kernel = KERNEL_UNSYNCHRONISED, .servers = 4, .samples = 4,
      .offsets_s = { 0, 0, 1e6, 1e6 }, .fitness = CLOCK_DOUBTFUL, .reasons = R(UNCONFIRMED) },
    /* synchronised kernel: an alarm, no hold */
    { "synchronised, nobody to ask", FLOOR_NONE, .fitness = CLOCK_FIT },
    { "synchronised, nobody answers", FLOOR_NONE, .servers = 3, .fitness = CLOCK_FIT },
    { "synchronised, three differ", FLOOR_NONE, .servers = 3, .samples = 3, .offsets_s = { 1e6, 1e6, 1e6 },
      .fitness = CLOCK_DOUBTFUL, .reasons = R(CONTRADICTED) },
    { "synchronised, one of two differs", FLOOR_NONE, .servers = 2, .samples = 2, .offsets_s = { 1e6, 0 },
      .fitness = CLOCK_FIT },
    /* D4-run-d: authenticated servers decide */
    { "the authenticated one differs", FLOOR_NONE, .kernel = KERNEL_UNSYNCHRONISED, .servers = 3, .samples = 3,
      .authenticated = 1, .offsets_s = { 1e6, 0, 0 }, .fitness = CLOCK_UNFIT, .reasons = R(OUTVOTED) },
    { "the authenticated one is silent, the others differ", FLOOR_NONE, .kernel = KERNEL_UNSYNCHRONISED, .servers = 4,
      .samples = 3, .silent = 1, .offsets_s = { 1e6, 1e6, 1e6 }, .fitness = CLOCK_DOUBTFUL, .reasons = R(UNCONFIRMED) },
    { "the authenticated one is silent, the others agree", FLOOR_NONE, .kernel = KERNEL_UNSYNCHRONISED, .servers = 4,
      .samples = 3, .silent = 1, .offsets_s = { 0, 0, 0 }, .fitness = CLOCK_DOUBTFUL, .reasons = R(UNCONFIRMED) },
    { "one of two authenticated ones is silent", FLOOR_NONE, .kernel = KERNEL_UNSYNCHRONISED, .servers = 5,
      .samples = 4, .authenticated = 1, .silent = 1, .offsets_s = { 0, 1e6, 1e6, 1e6 }, .fitness = CLOCK_FIT },
    { "synchronised, the authenticated one is silent, the others differ", FLOOR_NONE, .servers = 4, .samples = 3,
      .silent = 1, .offsets_s = { 1e6, 1e6, 1e6 }, .fitness = CLOCK_FIT },
    { "the authenticated one agrees", FLOOR_NONE, .kernel = KERNEL_UNSYNCHRONISED, .servers = 4, .samples = 4,
      .authenticated = 1, .offsets_s = { 0, 1e6, 1e6, 1e6 }, .fitness = CLOCK_FIT },
    /* D4-run-b */
    { "many zones expired", FLOOR_NONE, .many_expired = true, .fitness = CLOCK_DOUBTFUL, .reasons = R(SEEMS_FAST) },
    { "many zones of the future", FLOOR_NONE, .many_not_yet = true, .fitness = CLOCK_DOUBTFUL,
      .reasons = R(SEEMS_SLOW) },
    { "several at once: the worst counts", FLOOR_SET, WALL_S + 1, .kernel = KERNEL_UNSYNCHRONISED, .many_not_yet = true,
      .fitness = CLOCK_UNFIT, .reasons = R(BELOW_SET) | R(NO_SERVERS) | R(SEEMS_SLOW) },
};

static struct clock_facts facts_of(size_t i)
{
    struct clock_options options = { cases[i].floor, cases[i].floor_s, MAX_OFFSET_S };
    struct clock_facts facts = {
        .floors = clock_floors_of(&options, BUILD_S, cases[i].seen_s),
        .kernel = cases[i].kernel,
        .server_count = cases[i].servers,
        .sample_count = cases[i].samples,
        .proving_count = cases[i].authenticated + cases[i].silent,
        .max_offset_s = MAX_OFFSET_S,
        .many_expired = cases[i].many_expired,
        .many_not_yet = cases[i].many_not_yet,
    };
    for (unsigned k = 0; k < cases[i].samples; k++) {
        facts.samples[k] = sample_of(cases[i].offsets_s[k]);
        facts.samples[k].is_authenticated = k < cases[i].authenticated;
    }
    return facts;
}

static void the_clock_is_judged(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct clock_facts facts = facts_of(i);
        struct clock_judgement judgement = clock_judge(&facts, now);
        if (judgement.fitness != cases[i].fitness || judgement.reasons != cases[i].reasons)
            fail_msg("%s: %s, reasons %#x", cases[i].what, clock_fitness_text(judgement.fitness), judgement.reasons);
    }
}

/* D4-init-b: a machine without a real-time clock wakes up in 1970. */
static void the_beginning_of_time_is_below_the_build(void **state)
{
    (void)state;
    static const enum clock_floor kinds[] = { FLOOR_STORED, FLOOR_BUILD };
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        struct clock_options options = { .floor = kinds[i], .max_offset_s = MAX_OFFSET_S };
        struct clock_facts facts = { .floors = clock_floors_of(&options, BUILD_S, CLOCK_NO_FLOOR) };
        struct now then = { .wall_ms = 1000, .monotonic_ms = 1000 };
        struct clock_judgement judgement = clock_judge(&facts, then);
        assert_int_equal(judgement.fitness, CLOCK_UNFIT);
        assert_int_equal(judgement.reasons, R(BELOW_BUILD));
        assert_int_equal(clock_floors_max(&facts.floors), BUILD_S);
        then.wall_ms = BUILD_S * 1000;
        assert_int_equal(clock_judge(&facts, then).fitness, CLOCK_FIT);
    }
}

/* What a slow way could explain is not held against the clock. */
static void errors_are_forgiven(void **state)
{
    (void)state;
    struct clock_facts facts = { .kernel = KERNEL_UNSYNCHRONISED,
                                 .server_count = 3,
                                 .sample_count = 3,
                                 .max_offset_s = MAX_OFFSET_S,
                                 .floors = { CLOCK_NO_FLOOR, CLOCK_NO_FLOOR, CLOCK_NO_FLOOR } };
    for (unsigned i = 0; i < 3; i++)
        facts.samples[i] = sample_of(-61);
    assert_int_equal(clock_judge(&facts, now).fitness, CLOCK_UNFIT);
    for (unsigned i = 0; i < 3; i++)
        facts.samples[i].error_ms = 1000;
    assert_int_equal(clock_judge(&facts, now).fitness, CLOCK_FIT);
}

/* What was proven stays true while the monotonic clock can be trusted to have kept it. */
static void samples_age(void **state)
{
    (void)state;
    struct clock_sample sample = { .error_ms = 10 };
    assert_true(clock_sample_age(&sample, INT64_C(1000) * 1000, MAX_OFFSET_S));
    assert_int_equal(sample.error_ms, 510);
    assert_true(clock_sample_age(&sample, INT64_C(1000) * 86400, MAX_OFFSET_S));
    assert_int_equal(sample.error_ms, 510 + 43200);
    assert_false(clock_sample_age(&sample, INT64_C(1000) * 86400, MAX_OFFSET_S));
    sample.error_ms = 0;
    assert_false(clock_sample_age(&sample, INT64_MAX, MAX_OFFSET_S));
}

/* D4-run-a: the offset shown is the middle one. */
static void the_middle_offset_is_named(void **state)
{
    (void)state;
    struct clock_facts facts = { .sample_count = 3, .max_offset_s = MAX_OFFSET_S };
    facts.samples[0] = sample_of(1e6);
    facts.samples[1] = sample_of(-0.5);
    facts.samples[2] = sample_of(0.25);
    assert_int_equal(clock_judge(&facts, now).offset_ms, 250);
    facts.samples[2].is_authenticated = true;
    facts.proving_count = 1;
    assert_int_equal(clock_judge(&facts, now).deciding, 1);
}

/* Samples outlive a jump of our clock: it is known at once, before anybody is asked again. */
static void samples_stay_true(void **state)
{
    (void)state;
    struct clock_sample sample = sample_of(0);
    struct now later = { .wall_ms = now.wall_ms + 10000, .monotonic_ms = now.monotonic_ms + 10000 };
    assert_int_equal(clock_offset_ms(&sample, later), 0);
    assert_int_equal(clock_jump_ms(now, later), 0);
    later.wall_ms -= 3600000;
    assert_int_equal(clock_offset_ms(&sample, later), 3600000);
    assert_int_equal(clock_jump_ms(now, later), -3600000);
    later.wall_ms += 2 * 3600000;
    assert_int_equal(clock_jump_ms(now, later), 3600000);
}

static void every_reason_has_words(void **state)
{
    (void)state;
    for (unsigned i = 0; i < CLOCK_REASONS; i++) {
        assert_non_null(clock_reason_code((enum clock_reason)i));
        assert_non_null(clock_reason_text((enum clock_reason)i));
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_clock_is_judged),        cmocka_unit_test(the_beginning_of_time_is_below_the_build),
        cmocka_unit_test(errors_are_forgiven),        cmocka_unit_test(samples_age),
        cmocka_unit_test(the_middle_offset_is_named), cmocka_unit_test(samples_stay_true),
        cmocka_unit_test(every_reason_has_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
