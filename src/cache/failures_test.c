#include "cache/testing.h"

static int start(void **state)
{
    (void)state;
    set_hash_secret();
    return 0;
}

static bool find_failure(struct cache *cache, int64_t second, struct failure *failure)
{
    struct question question = question_of("lame.EXAMPLE.", TYPE_A);
    return cache_find_failure(cache, &question, 0, at(second), failure);
}

static void put_failure(struct cache *cache, int64_t second, bool is_budget)
{
    struct question question = question_of("lame.example.", TYPE_A);
    struct failure failure = { .ede = is_budget ? EDE_OTHER : EDE_NO_REACHABLE_AUTHORITY, .is_budget = is_budget };
    failure.site = is_budget ? "packets" : "time-out";
    strcpy(failure.text, "192.0.2.1 and others");
    cache_put_failure(cache, &question, 0, &failure, at(second));
}

/* R4.7, RFC 9520 section 3.2: 5 s, doubling up to 300; a rest as long as that begins anew.  A spent budget never
 * doubles and is soon forgotten. */
static void test_how_long(void **state)
{
    (void)state;
    static const struct {
        int64_t second;
        bool is_budget;
        int64_t ends;
    } steps[] = {
        { 0, false, 5 },       { 2, false, 5 }, /* another worker's word on the same failure */
        { 5, false, 15 },      { 20, false, 40 },     { 40, false, 80 },  { 80, false, 160 },
        { 160, false, 320 },   { 320, false, 620 },                                             /* 300, not 320 */
        { 620, false, 920 },   { 925, true, 930 },    { 930, true, 935 }, { 940, false, 1240 }, /* remembers */
        { 1541, false, 1546 },                        /* 301 s later: from the beginning */
        { 1547, true, 1552 },  { 1548, false, 1558 }, /* a budget's failure gives way */
        { 1549, true, 1558 },                         /* and replaces no other */
    };
    struct cache *cache = small_cache();
    struct failure failure;
    assert_false(find_failure(cache, 0, &failure));
    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        put_failure(cache, steps[i].second, steps[i].is_budget);
        assert_true(find_failure(cache, steps[i].ends - 1, &failure));
        if (find_failure(cache, steps[i].ends, &failure))
            fail_msg("step %zu", i);
    }
    cache_free(cache);
}

static void test_cause_is_kept(void **state)
{
    (void)state;
    struct cache *cache = small_cache();
    struct failure failure;
    struct question other = question_of("lame.example.", TYPE_AAAA), question = question_of("lame.example.", TYPE_A);
    put_failure(cache, 0, false);
    assert_true(find_failure(cache, 1, &failure));
    assert_int_equal(failure.ede, EDE_NO_REACHABLE_AUTHORITY);
    assert_string_equal(failure.text, "192.0.2.1 and others");
    assert_string_equal(failure.site, "time-out");
    assert_false(failure.is_budget);
    assert_false(cache_find_failure(cache, &other, 0, at(1), &failure));    /* for this question alone */
    assert_false(cache_find_failure(cache, &question, 1, at(1), &failure)); /* and origin */
    assert_false(find_failure(cache, -100, &failure));                      /* from the future */
    cache_clear_failure(cache, &question, 0);
    assert_false(find_failure(cache, 1, &failure));
    put_failure(cache, 5, false);
    assert_true(find_failure(cache, 9, &failure));
    assert_false(find_failure(cache, 10, &failure)); /* a success in between: no doubling */
    cache_free(cache);
}

/* All types at a name, and all of a zone, lose their failures with a flush. */
static void test_flush(void **state)
{
    (void)state;
    struct cache *cache = small_cache();
    struct dname name = name_of("lame.example."), zone = name_of("example.");
    struct failure failure;
    put_failure(cache, 0, false);
    assert_int_equal(cache_flush_name(cache, &name), 1);
    assert_false(find_failure(cache, 1, &failure));
    put_failure(cache, 0, false);
    assert_int_equal(cache_flush_zone(cache, &zone), 1);
    assert_false(find_failure(cache, 1, &failure));
    cache_free(cache);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_how_long),
        cmocka_unit_test(test_cause_is_kept),
        cmocka_unit_test(test_flush),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
