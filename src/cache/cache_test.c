#include "cache/testing.h"

#include <stdio.h>

static int start(void **state)
{
    (void)state;
    set_hash_secret();
    return 0;
}

/* ---- D7-flush ---- */

/* Names at, below and beside what is flushed, resting on different keys. */
static const struct item {
    const char *name;
    uint64_t keys[2];
} items[] = {
    { "example.", { 1, 2 } }, { "a.example.", { 1, 2 } },  { "b.a.example.", { 1, 3 } },    { "other.", { 1, 4 } },
    { "a.other.", { 1, 4 } }, { "notexample.", { 1, 5 } }, { "elsewhere.test.", { 1, 2 } },
};

static struct cache *filled_cache(struct arena *arena)
{
    struct cache *cache = small_cache();
    for (size_t i = 0; i < ARRAY_LEN(items); i++) {
        struct answer *answer = resting_on(secure_address(arena, items[i].name, at(0)), items[i].keys[0]);
        lineage_add(&answer->verdict.lineage, items[i].keys[1]);
        cache_put_answer(cache, answer, at(0));
    }
    return cache;
}

static void expect(struct cache *cache, const char *left)
{
    for (size_t i = 0; i < ARRAY_LEN(items); i++) {
        bool is_left = holds(cache, items[i].name, TYPE_A, at(1));
        if (is_left != (left[i] == '+'))
            fail_msg("%s: %d, expected %c", items[i].name, is_left, left[i]);
    }
}

/* Everything validated through the key goes; siblings that rest on others stay. */
static void test_flush_keys(void **state)
{
    (void)state;
    static const struct {
        uint64_t keys[2];
        size_t count, removed;
        const char *left; /* by item */
    } cases[] = {
        { { 2 }, 1, 3, "--++++-" }, { { 3 }, 1, 1, "++-++++" },    { { 1 }, 1, 7, "-------" },
        { { 9 }, 1, 0, "+++++++" }, { { 4, 5 }, 2, 3, "+++---+" },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct arena *arena = arena_new();
        struct cache *cache = filled_cache(arena);
        uint64_t epoch = cache_epoch(cache);
        assert_int_equal(cache_flush_keys(cache, cases[i].keys, cases[i].count), cases[i].removed);
        assert_true(cache_epoch(cache) > epoch);
        expect(cache, cases[i].left);
        expect(cache, cases[i].left); /* restamped by now */
        cache_free(cache);
        arena_free(arena);
    }
}

static void test_flush_name_zone_all(void **state)
{
    (void)state;
    static const struct {
        char how;
        const char *name;
        size_t removed;
        const char *left;
    } cases[] = {
        { 'n', "A.example.", 1, "+-+++++" }, { 'n', "none.", 0, "+++++++" }, { 'z', "example.", 3, "---++++" },
        { 'z', "a.example.", 2, "+--++++" }, { 'z', ".", 7, "-------" },     { 'a', NULL, 7, "-------" },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct arena *arena = arena_new();
        struct cache *cache = filled_cache(arena);
        struct dname name = cases[i].name == NULL ? *dname_root() : name_of(cases[i].name);
        uint64_t epoch = cache_epoch(cache);
        size_t removed = cases[i].how == 'n'   ? cache_flush_name(cache, &name)
                         : cases[i].how == 'z' ? cache_flush_zone(cache, &name)
                                               : cache_flush_all(cache);
        assert_int_equal(removed, cases[i].removed);
        assert_true(cache_epoch(cache) > epoch);
        expect(cache, cases[i].left);
        cache_free(cache);
        arena_free(arena);
    }
}

/* A key is found by zone and tag, and a flush of the zone reaches all that rests on its keys, wherever it stands. */
static void test_keys_have_names(void **state)
{
    (void)state;
    static const char keys[] =
        "example. 3600 IN DNSKEY 257 3 13 AwEAAaHcq6Y=\nexample. 3600 IN DNSKEY 256 3 13 AwEAAbPr1wI=\n";
    struct arena *arena = arena_new();
    struct cache *cache = small_cache();
    struct answer *set = answer_of(arena, "example.", TYPE_DNSKEY, ANSWER_DATA, keys, 3600, at(0));
    struct dname zone = name_of("EXAMPLE."), other = name_of("other.");
    struct octets first = set->rrsets.items[0]->rdata[0], second = set->rrsets.items[0]->rdata[1];
    uint64_t id = key_id(&zone, first), found[4];
    cache_put_answer(cache, set, at(0)); /* found in the set itself, even unchecked */
    assert_int_equal(cache_keys_of(cache, &zone, dnskey_tag(first), found, 4), 1);
    assert_true(found[0] == id);
    cache_put_answer(cache, resting_on(set, id), at(0));
    assert_int_equal(cache_keys_of(cache, &zone, dnskey_tag(first), found, 4), 1);
    assert_int_equal(cache_keys_of(cache, &zone, dnskey_tag(second), found, 4), 1);
    assert_int_equal(cache_keys_of(cache, &zone, dnskey_tag(first) + 1, found, 4), 0);
    assert_int_equal(cache_keys_of(cache, &other, dnskey_tag(first), found, 4), 0);
    assert_int_equal(cache_keys_of(cache, &zone, dnskey_tag(first), found, 0), 0);
    cache_put_answer(cache, resting_on(secure_address(arena, "www.elsewhere.", at(0)), id), at(0));
    cache_put_answer(cache, resting_on(secure_address(arena, "www.sibling.", at(0)), 99), at(0));
    assert_int_equal(cache_flush_zone(cache, &zone), 2);
    assert_false(holds(cache, "www.elsewhere.", TYPE_A, at(1)));
    assert_true(holds(cache, "www.sibling.", TYPE_A, at(1)));
    cache_free(cache);
    arena_free(arena);
}

/* A negative trust anchor begins (D6-demand): what is Bogus at and below it goes, other verdicts are made anew, data
 * and delegations stay; nothing above or beside it is touched. */
static void test_doubt_zone(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    struct cache *cache = small_cache();
    struct answer *got;
    struct dname zone = name_of("Example.");
    struct question lame = question_of("lame.example.", TYPE_A), beside = question_of("lame.test.", TYPE_A), bogus[1];
    struct failure failure;
    struct delegation delegation = { .zone = zone, .expires_ms = at(3600).wall_ms };
    uint16_t count = ARRAY_LEN(bogus);
    cache_put_answer(cache, secure_address(arena, "good.example.", at(0)), at(0));
    cache_put_answer(cache, judged(secure_address(arena, "bad.example.", at(0)), BOGUS), at(0));
    cache_put_answer(cache, judged(secure_address(arena, "worse.example.", at(0)), BOGUS), at(0));
    cache_put_answer(cache, judged(secure_address(arena, "bad.test.", at(0)), BOGUS), at(0));
    cache_put_answer(cache, secure_address(arena, "good.test.", at(0)), at(0));
    cache_put_delegation(cache, &delegation, at(0));
    cache_put_failure(cache, &lame, 0, &(struct failure) { .ede = EDE_NETWORK_ERROR, .site = "time-out" }, at(0));
    cache_put_failure(cache, &beside, 0, &(struct failure) { .ede = EDE_NETWORK_ERROR, .site = "time-out" }, at(0));
    uint64_t epoch = cache_epoch(cache);
    assert_int_equal(cache_doubt_zone(cache, &zone, bogus, &count), 4);
    assert_true(cache_epoch(cache) > epoch);
    assert_int_equal(count, 1); /* as many as there is room for */
    assert_true(dname_is_below(&bogus[0].qname, &zone) && bogus[0].qtype == TYPE_A);
    assert_int_equal(find(cache, "good.example.", TYPE_A, at(1), arena, &got), CACHE_FRESH);
    assert_int_equal(got->verdict.security, UNCHECKED);
    assert_false(holds(cache, "bad.example.", TYPE_A, at(1)) || holds(cache, "worse.example.", TYPE_A, at(1)));
    assert_int_equal(find(cache, "bad.test.", TYPE_A, at(1), arena, &got), CACHE_FRESH);
    assert_int_equal(got->verdict.security, BOGUS);
    assert_int_equal(find(cache, "good.test.", TYPE_A, at(1), arena, &got), CACHE_FRESH);
    assert_int_equal(got->verdict.security, SECURE);
    assert_true(cache_has_delegation(cache, &zone, 0, at(1)));
    assert_false(cache_find_failure(cache, &lame, 0, at(1), &failure));
    assert_true(cache_find_failure(cache, &beside, 0, at(1), &failure));
    cache_free(cache);
    arena_free(arena);
}

/* A verdict made before the flush and stored behind it dies all the same; one made after it lives. */
static void test_late_verdicts(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    struct cache *cache = small_cache();
    uint64_t before = cache_epoch(cache), key = 7;
    struct answer *answer = resting_on(secure_address(arena, "a.example.", at(0)), key), *got;
    cache_flush_keys(cache, &key, 1);
    cache_put_answer_since(cache, answer, before, at(0));
    assert_false(holds(cache, "a.example.", TYPE_A, at(0)));
    cache_put_answer(cache, answer, at(0));
    assert_true(holds(cache, "a.example.", TYPE_A, at(0)));
    before = cache_epoch(cache);
    cache_forget_verdicts(cache);
    cache_put_answer_since(cache, answer, before, at(0));
    assert_int_equal(find(cache, "a.example.", TYPE_A, at(0), arena, &got), CACHE_FRESH);
    assert_int_equal(got->verdict.security, UNCHECKED);
    cache_free(cache);
    arena_free(arena);
}

/* The trust epoch: data stays, every older verdict must be made again. */
static void test_forget_verdicts(void **state)
{
    (void)state;
    static const enum security cases[] = { SECURE, INSECURE, BOGUS, INDETERMINATE, UNCHECKED };
    struct arena *arena = arena_new();
    struct cache *cache = small_cache();
    struct answer *got;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *name = arena_printf(arena, "f%zu.example.", i);
        cache_put_answer(cache, judged(secure_address(arena, name, at(0)), cases[i]), at(0));
    }
    cache_forget_verdicts(cache);
    for (size_t round = 0; round < 2; round++) {
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
            char *name = arena_printf(arena, "f%zu.example.", i);
            assert_int_equal(find(cache, name, TYPE_A, at(1), arena, &got), CACHE_FRESH);
            assert_int_equal(got->verdict.security, UNCHECKED);
            assert_int_equal(got->rrsets.count, 1);
        }
    }
    cache_put_answer(cache, secure_address(arena, "f0.example.", at(1)), at(1));
    assert_int_equal(find(cache, "f0.example.", TYPE_A, at(1), arena, &got), CACHE_FRESH);
    assert_int_equal(got->verdict.security, SECURE);
    cache_put_answer(cache, judged(secure_address(arena, "f1.example.", at(1)), UNCHECKED), at(1));
    cache_free(cache);
    arena_free(arena);
}

/* More keys than are remembered one by one: older verdicts are forgotten, never believed. */
static void test_many_flushed_keys(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    struct cache *cache = small_cache();
    uint64_t before = cache_epoch(cache);
    struct answer *answer = resting_on(secure_address(arena, "a.example.", at(0)), 1), *got;
    for (uint64_t key = 1; key <= 3000; key++)
        cache_flush_keys(cache, &key, 1);
    cache_put_answer_since(cache, answer, before, at(0));
    if (find(cache, "a.example.", TYPE_A, at(0), arena, &got) == CACHE_FRESH)
        assert_int_equal(got->verdict.security, UNCHECKED);
    cache_put_answer(cache, answer, at(0));
    assert_int_equal(find(cache, "a.example.", TYPE_A, at(0), arena, &got), CACHE_FRESH);
    assert_int_equal(got->verdict.security, SECURE);
    cache_free(cache);
    arena_free(arena);
}

/* ---- looking inside ---- */

struct seen {
    size_t answers, delegations, failures, until;
    char lineage[200];
    char names[400];
};

static bool see(void *context, const struct cache_row *row)
{
    struct seen *seen = context;
    char name[DNAME_TEXT_MAX], type[RR_TYPE_TEXT_MAX];
    size_t len = strlen(seen->names);
    snprintf(seen->names + len, sizeof(seen->names) - len, "%s %s; ", dname_to_text(&row->question.qname, name),
             rr_type_to_text(row->question.qtype, type));
    seen->answers += row->answer != NULL && strcmp(row->kind, "answer") == 0;
    seen->delegations += row->delegation != NULL && strcmp(row->kind, "delegation") == 0;
    seen->failures += row->failure != NULL && strcmp(row->kind, "failure") == 0;
    if (row->lineage != NULL)
        snprintf(seen->lineage, sizeof(seen->lineage), "%s", row->lineage);
    assert_true(row->ttl_ms > 0);
    return seen->answers + seen->delegations + seen->failures < seen->until;
}

/* R4.5-a: a dump shows each entry, its kind, its question and the keys it rests on. */
static void test_walk(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    struct cache *cache = small_cache();
    const char *dnskey = "example. 3600 IN DNSKEY 257 3 13 AwEAAaHcq6Y=\n";
    struct answer *set = answer_of(arena, "example.", TYPE_DNSKEY, ANSWER_DATA, dnskey, 3600, at(0));
    struct question lame = question_of("lame.example.", TYPE_MX);
    struct delegation delegation = { .zone = name_of("cut.example."), .expires_ms = at(100).wall_ms };
    struct octets rdata = set->rrsets.items[0]->rdata[0];
    struct dname zone = name_of("example.");
    cache_put_answer(cache, resting_on(set, key_id(&zone, rdata)), at(0));
    cache_put_answer(cache, answer_of(arena, "gone.example.", TYPE_TXT, ANSWER_NXDOMAIN, NULL, 60, at(0)), at(0));
    cache_put_delegation(cache, &delegation, at(0));
    cache_put_failure(cache, &lame, 0, &(struct failure) { .ede = EDE_NETWORK_ERROR, .site = "time-out" }, at(0));
    struct seen seen = { .until = 100 };
    cache_walk(cache, at(1), see, &seen);
    assert_int_equal(seen.answers, 2);
    assert_int_equal(seen.delegations, 1);
    assert_int_equal(seen.failures, 1);
    assert_string_equal(seen.lineage, arena_printf(arena, "example. %u", dnskey_tag(rdata)));
    assert_non_null(strstr(seen.names, "gone.example. TXT; "));
    assert_non_null(strstr(seen.names, "cut.example. NS; "));
    assert_non_null(strstr(seen.names, "lame.example. MX; "));
    seen = (struct seen) { .until = 1 };
    cache_walk(cache, at(1), see, &seen);
    assert_int_equal(seen.answers + seen.delegations + seen.failures, 1);
    struct cache_stats stats;
    cache_get_stats(cache, &stats);
    assert_int_equal(stats.answers, 2);
    assert_int_equal(stats.delegations, 1);
    assert_int_equal(stats.failures, 1);
    assert_int_equal(stats.entries, 4);
    cache_free(cache);
    arena_free(arena);
}

/* ---- memory ---- */

static struct cache_stats stats_of(struct cache *cache)
{
    struct cache_stats stats;
    cache_get_stats(cache, &stats);
    return stats;
}

/* The budget holds at every moment, whatever comes; what is flushed is given back. */
static void test_memory_budget(void **state)
{
    (void)state;
    enum { ROUNDS = 40000 };
    struct cache *cache = small_cache();
    uint64_t empty = stats_of(cache).used_octets;
    char filler[2000];
    memset(filler, 'x', sizeof(filler));
    assert_true(empty < SIZE_OF_TESTS);
    for (int i = 0; i < ROUNDS; i++) {
        struct arena *arena = arena_new();
        char *name = arena_printf(arena, "n%d.example.", i);
        char *text = arena_printf(arena, "%s 3600 IN TXT %.*s\n", name, i * 37 % 250 + 1, filler);
        struct answer *answer = answer_of(arena, name, TYPE_TXT, ANSWER_DATA, text, 60 + i % 1000, at(i / 100));
        struct question question = question_of(name, TYPE_MX);
        lineage_add(&answer->verdict.lineage, (uint64_t)i % 500);
        cache_put_answer(cache, judged(answer, SECURE), at(i / 100));
        cache_put_failure(cache, &question, 0, &(struct failure) { .site = "test" }, at(i / 100));
        if (i % 100 == 0)
            assert_true(stats_of(cache).used_octets <= SIZE_OF_TESTS);
        arena_free(arena);
    }
    struct cache_stats stats = stats_of(cache);
    assert_true(stats.used_octets <= stats.size_octets);
    assert_true(stats.used_octets > SIZE_OF_TESTS / 2); /* and it is used */
    assert_true(stats.evictions > 0);
    assert_true(stats.answers > 1000);
    cache_flush_all(cache);
    stats = stats_of(cache);
    assert_int_equal(stats.entries, 0);
    assert_int_equal(stats.used_octets, empty);
    cache_free(cache);
}

/* R4.7, RFC 9520 section 3.2: a flood of failures costs other failures their place, and no answer. */
static void test_failures_evict_no_answers(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    struct cache *cache = small_cache();
    for (int i = 0; i < 500; i++)
        cache_put_answer(cache, secure_address(arena, arena_printf(arena, "n%d.example.", i), at(0)), at(0));
    for (int i = 0; i < 20000; i++) {
        struct question question = question_of("x.example.", TYPE_A);
        uint8_t label[] = { (uint8_t)(i >> 8), (uint8_t)i };
        assert_int_equal(dname_prepend((struct octets) { label, 2 }, &question.qname, &question.qname), OK);
        cache_put_failure(cache, &question, 0, &(struct failure) { .site = "test" }, at(0));
    }
    for (int i = 0; i < 500; i++)
        assert_true(holds(cache, arena_printf(arena, "n%d.example.", i), TYPE_A, at(1)));
    assert_true(stats_of(cache).failures < 1000);
    cache_free(cache);
    arena_free(arena);
}

/* What was just read stays when others are evicted; what has expired goes first. */
static void test_who_goes_first(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    struct cache *cache = small_cache();
    struct answer *mayfly = secure_address(arena, "mayfly.example.", at(0));
    mayfly->expires_ms = at(10).wall_ms;
    cache_put_answer(cache, mayfly, at(0));
    cache_put_answer(cache, secure_address(arena, "busy.example.", at(0)), at(0));
    for (int i = 0; stats_of(cache).evictions < 2000 && i < 100000; i++) {
        struct arena *scratch = arena_new();
        cache_put_answer(cache, secure_address(scratch, arena_printf(scratch, "n%d.example.", i), at(20)), at(20));
        assert_true(holds(cache, "busy.example.", TYPE_A, at(20)));
        arena_free(scratch);
    }
    struct answer *got;
    assert_true(stats_of(cache).evictions >= 2000);
    assert_int_equal(find(cache, "mayfly.example.", TYPE_A, at(20), arena, &got), CACHE_MISS);
    cache_free(cache);
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_flush_keys),        cmocka_unit_test(test_flush_name_zone_all),
        cmocka_unit_test(test_keys_have_names),   cmocka_unit_test(test_doubt_zone),
        cmocka_unit_test(test_late_verdicts),     cmocka_unit_test(test_forget_verdicts),
        cmocka_unit_test(test_many_flushed_keys), cmocka_unit_test(test_walk),
        cmocka_unit_test(test_memory_budget),     cmocka_unit_test(test_failures_evict_no_answers),
        cmocka_unit_test(test_who_goes_first),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
