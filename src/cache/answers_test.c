#include "cache/testing.h"

struct bench {
    struct cache *cache;
    struct arena *arena;
};

static int set_up(void **state)
{
    struct bench *bench = memory_new(1, sizeof(*bench));
    set_hash_secret();
    bench->cache = small_cache();
    bench->arena = arena_new();
    *state = bench;
    return 0;
}

static int tear_down(void **state)
{
    struct bench *bench = *state;
    cache_free(bench->cache);
    arena_free(bench->arena);
    free(bench);
    return 0;
}

/* R4.5-a: RRset, signatures, proofs and verdict come out together, as they went in. */
static void test_one_atomic_entry(void **state)
{
    struct bench *b = *state;
    static const char data[] = "WWW.example. 300 IN A 192.0.2.1\nWWW.example. 300 IN A 192.0.2.2\n"
                               "WWW.example. 300 IN RRSIG A 13 1 300 20300101000000 20200101000000 7 example. AAAA\n";
    static const char *const proofs[] = { "a.example. 60 IN NSEC z.example. A RRSIG NSEC\n",
                                          "example. 60 IN SOA a. b. 1 2 3 4 5\n", NULL };
    struct answer *put = judged(answer_of(b->arena, "www.example.", TYPE_A, ANSWER_DATA, data, 300, at(0)), SECURE);
    struct answer *got;
    struct dname asked_name = name_of("www.EXAMPLE.");
    put->proofs = list_of(b->arena, proofs);
    put->zone = name_of("example.");
    put->verdict.ede = EDE_SYNTHESIZED;
    put->verdict.valid_until_s = TEST_TIME_S + 1000;
    put->verdict.ttl_cap_s = 299;
    strcpy(put->verdict.text, "from a wildcard");
    lineage_add(&put->verdict.lineage, 77);
    lineage_add(&put->verdict.lineage, 42);
    cache_put_answer(b->cache, put, at(0));
    assert_int_equal(find(b->cache, "www.EXAMPLE.", TYPE_A, at(1), b->arena, &got), CACHE_FRESH);
    assert_true(dname_same_case(&got->question.qname, &asked_name));
    assert_int_equal(got->kind, ANSWER_DATA);
    assert_int_equal(got->rrsets.count, 1);
    assert_string_equal(rrset_to_text(b->arena, got->rrsets.items[0]), rrset_to_text(b->arena, put->rrsets.items[0]));
    assert_int_equal(got->proofs.count, 2);
    for (uint16_t i = 0; i < 2; i++)
        assert_string_equal(rrset_to_text(b->arena, got->proofs.items[i]),
                            rrset_to_text(b->arena, put->proofs.items[i]));
    assert_true(dname_equal(&got->zone, &put->zone));
    assert_int_equal(got->received_ms, put->received_ms);
    assert_int_equal(got->expires_ms, at(299).wall_ms);
    assert_int_equal(got->verdict.security, SECURE);
    assert_int_equal(got->verdict.ede, EDE_SYNTHESIZED);
    assert_string_equal(got->verdict.site, "test-site");
    assert_string_equal(got->verdict.text, "from a wildcard");
    assert_int_equal(got->verdict.valid_until_s, TEST_TIME_S + 1000);
    assert_int_equal(got->verdict.lineage.count, 2);
    assert_int_equal(got->verdict.lineage.keys[0], 77);
    assert_int_equal(got->verdict.lineage.keys[1], 42);
    assert_null(got->verdict.explanation);
}

/* Which entry answers which question. */
static void test_kinds(void **state)
{
    struct bench *b = *state;
    static const struct {
        const char *qname;
        uint16_t qtype;
        enum cache_hit hit;
        enum answer_kind kind;
        const char *target;
    } cases[] = {
        { "alias.example.", TYPE_A, CACHE_FRESH, ANSWER_CNAME, "real.example." },
        { "alias.example.", TYPE_AAAA, CACHE_FRESH, ANSWER_CNAME, "real.example." },
        { "alias.example.", TYPE_CNAME, CACHE_FRESH, ANSWER_DATA, "." },
        { "alias.example.", TYPE_NSEC, CACHE_MISS, 0, NULL },  /* RFC 4034 section 4: stands beside the CNAME */
        { "alias.example.", TYPE_RRSIG, CACHE_MISS, 0, NULL }, /* R4.5-b */
        { "alias.example.", TYPE_ANY, CACHE_MISS, 0, NULL },   /* R4.5-b */
        { "alias.example.", TYPE_DS, CACHE_MISS, 0, NULL },    /* the parent's to say */
        { "alias.example.", TYPE_DNSKEY, CACHE_MISS, 0, NULL },
        { "other.example.", TYPE_A, CACHE_MISS, 0, NULL },
        { "none.example.", TYPE_A, CACHE_FRESH, ANSWER_NODATA, "." },
        { "none.example.", TYPE_TXT, CACHE_MISS, 0, NULL },
        { "no-cname.example.", TYPE_CNAME, CACHE_FRESH, ANSWER_NODATA, "." },
        { "no-cname.example.", TYPE_A, CACHE_MISS, 0, NULL }, /* no CNAME there: says nothing of A */
        { "asked.example.", TYPE_CNAME, CACHE_FRESH, ANSWER_DATA, "." },
        { "asked.example.", TYPE_A, CACHE_FRESH, ANSWER_CNAME, "real.example." },
        { "gone.example.", TYPE_A, CACHE_FRESH, ANSWER_NXDOMAIN, "." },
        { "gone.example.", TYPE_MX, CACHE_FRESH, ANSWER_NXDOMAIN, "." }, /* RFC 2308 section 5: all types */
        { "gone.example.", TYPE_DS, CACHE_FRESH, ANSWER_NXDOMAIN, "." },
        { "below.gone.example.", TYPE_A, CACHE_MISS, 0, NULL }, /* cache_find_nxdomain_above() is for that */
        { "cut.example.", TYPE_DS, CACHE_FRESH, ANSWER_CNAME, "real.example." },
        { "cut.example.", TYPE_A, CACHE_MISS, 0, NULL }, /* a CNAME that answered DS is kept for DS alone */
        { "lost.example.", TYPE_A, CACHE_FRESH, ANSWER_NXDOMAIN, "." },
        { "lost.example.", TYPE_MX, CACHE_MISS, 0, NULL }, /* R4.7: Bogus for the question that brought it */
        { "forged.example.", TYPE_A, CACHE_FRESH, ANSWER_CNAME, "real.example." },
        { "forged.example.", TYPE_MX, CACHE_MISS, 0, NULL },
    };
    struct now now = at(0);
    struct arena *a = b->arena;
    cache_put_answer(b->cache,
                     judged(answer_of(a, "alias.example.", TYPE_A, ANSWER_CNAME,
                                      "alias.example. 60 IN CNAME real.example.\n", 60, now),
                            SECURE),
                     now);
    cache_put_answer(
        b->cache,
        answer_of(a, "asked.example.", TYPE_CNAME, ANSWER_DATA, "asked.example. 60 IN CNAME real.example.\n", 60, now),
        now);
    cache_put_answer(
        b->cache,
        answer_of(a, "cut.example.", TYPE_DS, ANSWER_CNAME, "cut.example. 60 IN CNAME real.example.\n", 60, now), now);
    cache_put_answer(b->cache, answer_of(a, "none.example.", TYPE_A, ANSWER_NODATA, NULL, 60, now), now);
    cache_put_answer(b->cache, answer_of(a, "no-cname.example.", TYPE_CNAME, ANSWER_NODATA, NULL, 60, now), now);
    cache_put_answer(b->cache, judged(answer_of(a, "gone.example.", TYPE_A, ANSWER_NXDOMAIN, NULL, 60, now), INSECURE),
                     now);
    cache_put_answer(b->cache, judged(answer_of(a, "lost.example.", TYPE_A, ANSWER_NXDOMAIN, NULL, 60, now), BOGUS),
                     now);
    cache_put_answer(b->cache,
                     judged(answer_of(a, "forged.example.", TYPE_A, ANSWER_CNAME,
                                      "forged.example. 60 IN CNAME real.example.\n", 60, now),
                            BOGUS),
                     now);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct answer *got;
        assert_int_equal(find(b->cache, cases[i].qname, cases[i].qtype, at(1), a, &got), cases[i].hit);
        if (cases[i].hit == CACHE_MISS)
            continue;
        assert_int_equal(got->kind, cases[i].kind);
        struct dname target = name_of(cases[i].target);
        assert_true(dname_equal(&got->target, &target));
        assert_int_equal(got->question.qtype, cases[i].qtype);
    }
}

/* R4.5-b: neither a stored RRSIG nor an ANY answer ever serves another question. */
static void test_rrsig_and_any(void **state)
{
    struct bench *b = *state;
    static const char rrsig[] = "w.example. 60 IN RRSIG A 13 1 300 20300101000000 20200101000000 7 example. AAAA\n";
    struct now now = at(0);
    struct answer *any =
        answer_of(b->arena, "w.example.", TYPE_ANY, ANSWER_DATA, "w.example. 60 IN A 192.0.2.1\n", 60, now);
    cache_put_answer(b->cache, answer_of(b->arena, "w.example.", TYPE_RRSIG, ANSWER_DATA, rrsig, 60, now), now);
    cache_put_answer(b->cache, any, now);
    assert_false(holds(b->cache, "w.example.", TYPE_RRSIG, now));
    assert_false(holds(b->cache, "w.example.", TYPE_A, now));
    assert_true(holds(b->cache, "w.example.", TYPE_ANY, now));
    cache_put_answer(b->cache, answer_of(b->arena, "v.example.", TYPE_A, ANSWER_DATA, rrsig, 60, now), now);
    assert_false(holds(b->cache, "v.example.", TYPE_A, now));
    any = answer_of(b->arena, "x.example.", TYPE_ANY, ANSWER_DATA, rrsig, 60, now);
    cache_put_answer(b->cache, any, now);
    assert_false(holds(b->cache, "x.example.", TYPE_ANY, now));
}

/* D7-ttl; R4.7 for BOGUS. */
static void test_deadlines(void **state)
{
    struct bench *b = *state;
    enum { DAY = 86400 };
    static const struct {
        enum answer_kind kind;
        enum security security;
        bool signature_cap;
        int64_t ttl_s, valid_s;
        uint32_t ttl_cap_s;
        int64_t lives_s;
    } cases[] = {
        { ANSWER_DATA, UNCHECKED, true, 300, 10 * DAY, UINT32_MAX, 300 },
        { ANSWER_DATA, SECURE, true, 300, 10 * DAY, UINT32_MAX, 300 },
        { ANSWER_DATA, SECURE, true, 5 * DAY, 10 * DAY, UINT32_MAX, 2 * DAY }, /* max-ttl */
        { ANSWER_NODATA, SECURE, true, 5 * DAY, 10 * DAY, UINT32_MAX, 3600 },  /* max-negative-ttl */
        { ANSWER_NXDOMAIN, UNCHECKED, true, 5 * DAY, 10 * DAY, UINT32_MAX, 3600 },
        { ANSWER_DATA, SECURE, true, DAY, 1000, UINT32_MAX, 1000 },   /* signature-ttl-cap: its end */
        { ANSWER_DATA, SECURE, true, DAY, 10 * DAY, 500, 500 },       /* RFC 4035 section 5.3.3: original TTL */
        { ANSWER_DATA, INSECURE, true, DAY, 1000, UINT32_MAX, 1000 }, /* of the proof */
        { ANSWER_DATA, UNCHECKED, true, DAY, 1000, 500, DAY },        /* says nothing before it is judged */
        { ANSWER_DATA, SECURE, false, DAY, 1000, 500, DAY },          /* only the verdict dies */
        { ANSWER_DATA, BOGUS, true, DAY, 10 * DAY, UINT32_MAX, 30 },  /* R4.7 */
        { ANSWER_NXDOMAIN, INDETERMINATE, true, DAY, 10 * DAY, UINT32_MAX, 30 },
        { ANSWER_DATA, BOGUS, true, 7, 10 * DAY, UINT32_MAX, 7 },
        { ANSWER_DATA, SECURE, true, 0, 10 * DAY, UINT32_MAX, 0 }, /* TTL 0: not stored */
        { ANSWER_DATA, SECURE, true, -5, 10 * DAY, UINT32_MAX, 0 },
    };
    struct cache_options options = cache_options_default();
    options.max_ttl_s = 2 * DAY;
    options.max_negative_ttl_s = 3600;
    options.max_bogus_ttl_s = 30;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *name = arena_printf(b->arena, "n%zu.example.", i);
        const char *text = cases[i].kind == ANSWER_DATA ? arena_printf(b->arena, "%s 60 IN A 192.0.2.1\n", name) : NULL;
        struct answer *put =
            judged(answer_of(b->arena, name, TYPE_A, cases[i].kind, text, 0, at(0)), cases[i].security);
        struct answer *got;
        options.signature_ttl_cap = cases[i].signature_cap;
        cache_set_options(b->cache, &options);
        put->expires_ms = at(cases[i].ttl_s).wall_ms;
        put->verdict.valid_until_s = TEST_TIME_S + cases[i].valid_s;
        put->verdict.ttl_cap_s = cases[i].ttl_cap_s;
        cache_put_answer(b->cache, put, at(0));
        enum cache_hit first = find(b->cache, name, TYPE_A, at(0), b->arena, &got);
        assert_int_equal(first, cases[i].lives_s > 0 ? CACHE_FRESH : CACHE_MISS);
        if (first == CACHE_MISS)
            continue;
        assert_int_equal(got->expires_ms, at(cases[i].lives_s).wall_ms);
        assert_int_equal(find(b->cache, name, TYPE_A, at(cases[i].lives_s - 1), b->arena, &got), CACHE_FRESH);
        assert_int_equal(find(b->cache, name, TYPE_A, at(cases[i].lives_s), b->arena, &got), CACHE_EXPIRED);
    }
}

/* RFC 1035 section 3.2.1, and what the operator adds: for DNAMEs alone, whatever their signatures cap, and never
 * stale. */
static void test_dname_grace(void **state)
{
    struct bench *b = *state;
    static const struct {
        enum security security;
        uint32_t grace_s, ttl_cap_s;
        int64_t valid_s, lives_s;
    } cases[] = {
        { SECURE, 0, 0, 100, 0 },    { SECURE, 2, 0, 100, 2 }, { INSECURE, 2, UINT32_MAX, 100, 2 },
        { UNCHECKED, 2, 0, 100, 0 }, { BOGUS, 2, 0, 100, 0 },  { SECURE, 2, 0, 1, 1 },
    };
    struct cache_options options = cache_options_default();
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *owner = arena_printf(b->arena, "d%zu.example.", i), *below = arena_printf(b->arena, "a.%s", owner);
        char *text = arena_printf(b->arena, "%s 0 IN DNAME other.example.\n", owner);
        struct answer *put =
            judged(answer_of(b->arena, below, TYPE_A, ANSWER_DNAME, text, 0, at(0)), cases[i].security);
        struct answer *got;
        options.dname_grace_s = cases[i].grace_s;
        cache_set_options(b->cache, &options);
        put->verdict.valid_until_s = TEST_TIME_S + cases[i].valid_s;
        put->verdict.ttl_cap_s = cases[i].ttl_cap_s;
        cache_put_answer(b->cache, put, at(0));
        char *other = arena_printf(b->arena, "b.%s", owner);
        for (int64_t second = 0; second < cases[i].lives_s; second++) {
            assert_int_equal(find(b->cache, other, TYPE_A, at(second), b->arena, &got), CACHE_FRESH);
            assert_int_equal(got->kind, ANSWER_DNAME);
            assert_int_equal(answer_ttl_left(got, got->rrsets.items[0]->ttl_s, at(second)), 0);
        }
        struct question question = { .qname = name_of(other), .qtype = TYPE_A, .qclass = CLASS_IN };
        assert_int_not_equal(find(b->cache, other, TYPE_A, at(cases[i].lives_s), b->arena, &got), CACHE_FRESH);
        assert_null(cache_find_stale(b->cache, &question, ORIGIN_ITERATIVE, 86400, at(cases[i].lives_s + 1), b->arena));
    }
    cache_put_answer(
        b->cache,
        judged(answer_of(b->arena, "w.example.", TYPE_A, ANSWER_DATA, "w.example. 0 IN A 192.0.2.1\n", 0, at(0)),
               SECURE),
        at(0));
    assert_false(holds(b->cache, "w.example.", TYPE_A, at(0)));
}

static void test_ttl_left(void **state)
{
    struct bench *b = *state;
    static const struct {
        uint32_t ttl_s;
        int64_t second;
        uint32_t left_s;
    } cases[] = {
        { 200, 0, 200 },        { 200, 100, 100 }, { 100, 100, 0 }, { 50, 100, 0 },
        { 300, 0, 250 },        { 300, 249, 1 },   { 300, 250, 0 }, /* capped by the whole answer's deadline */
        { 100, -5, 100 },                                           /* a clock that went back */
        { UINT32_MAX, 0, 250 },
    };
    struct answer *answer = secure_address(b->arena, "a.example.", at(0));
    answer->expires_ms = at(250).wall_ms;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_int_equal(answer_ttl_left(answer, cases[i].ttl_s, at(cases[i].second)), cases[i].left_s);
    }
}

/* The resolver reads compact denial off it: RFC 9824 section 5. */
static void test_site_of_no_data(void **state)
{
    struct bench *b = *state;
    struct answer *answer = answer_of(b->arena, "none.example.", TYPE_A, ANSWER_NODATA, NULL, 60, at(0));
    cache_put_answer(b->cache, judged(answer, SECURE), at(0));
    assert_int_equal(find(b->cache, "none.example.", TYPE_A, at(1), b->arena, &answer), CACHE_FRESH);
    assert_string_equal(answer->verdict.site, "test-site");
}

/* RFC 8767: expired data stays for keep-expired, then it is gone. */
static void test_expired_is_kept(void **state)
{
    struct bench *b = *state;
    struct answer *got;
    cache_put_answer(b->cache, secure_address(b->arena, "a.example.", at(0)), at(0));
    assert_int_equal(find(b->cache, "a.example.", TYPE_A, at(3600), b->arena, &got), CACHE_EXPIRED);
    assert_int_equal(got->verdict.security, SECURE);
    assert_int_equal(find(b->cache, "a.example.", TYPE_A, at(3600 + 86400), b->arena, &got), CACHE_EXPIRED);
    assert_int_equal(find(b->cache, "a.example.", TYPE_A, at(3600 + 86401), b->arena, &got), CACHE_MISS);
    assert_int_equal(find(b->cache, "a.example.", TYPE_A, at(3601), b->arena, &got), CACHE_MISS);
}

/* Both deadlines are checked: a verdict ends with its first signature (RFC 4035 section 5.3.1). */
static void test_verdict_ends_with_signature(void **state)
{
    struct bench *b = *state;
    struct cache_options options = cache_options_default();
    struct answer *put = secure_address(b->arena, "a.example.", at(0)), *got;
    options.signature_ttl_cap = false;
    cache_set_options(b->cache, &options);
    put->verdict.valid_until_s = TEST_TIME_S + 100;
    lineage_add(&put->verdict.lineage, 5);
    cache_put_answer(b->cache, put, at(0));
    assert_int_equal(find(b->cache, "a.example.", TYPE_A, at(99), b->arena, &got), CACHE_FRESH);
    assert_int_equal(got->verdict.security, SECURE);
    assert_int_equal(find(b->cache, "a.example.", TYPE_A, at(100), b->arena, &got), CACHE_FRESH);
    assert_int_equal(got->verdict.security, UNCHECKED);
    assert_int_equal(got->verdict.lineage.count, 0);
    assert_int_equal(got->verdict.ede, EDE_NONE);
    assert_null(got->verdict.site);
}

/* R4.7: whoever can forge answers cannot push out what was proven. */
static void test_what_replaces_what(void **state)
{
    struct bench *b = *state;
    static const struct {
        enum security old, new;
        int64_t second; /* the old one lives for 3600 */
        enum security found;
    } cases[] = {
        { SECURE, UNCHECKED, 10, SECURE },      { SECURE, BOGUS, 10, SECURE },
        { SECURE, INDETERMINATE, 10, SECURE },  { SECURE, SECURE, 10, SECURE },
        { SECURE, INSECURE, 10, INSECURE }, /* a negative trust anchor was set */
        { SECURE, UNCHECKED, 3600, UNCHECKED }, { INSECURE, UNCHECKED, 10, UNCHECKED },
        { UNCHECKED, BOGUS, 10, BOGUS },        { BOGUS, UNCHECKED, 10, UNCHECKED },
        { BOGUS, SECURE, 10, SECURE },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct now now = at(cases[i].second);
        struct answer *got;
        char *name = arena_printf(b->arena, "r%zu.example.", i);
        cache_put_answer(b->cache, judged(secure_address(b->arena, name, at(0)), cases[i].old), at(0));
        cache_put_answer(b->cache, judged(secure_address(b->arena, name, now), cases[i].new), now);
        assert_int_equal(find(b->cache, name, TYPE_A, now, b->arena, &got), CACHE_FRESH);
        assert_int_equal(got->verdict.security, cases[i].found);
    }
}

/* The same across kinds: data, CNAME and name error at one name. */
static void test_rivals(void **state)
{
    struct bench *b = *state;
    struct arena *a = b->arena;
    struct now now = at(0);
    struct answer *got;
    const char *cname = "a.example. 60 IN CNAME b.example.\n";
    cache_put_answer(b->cache, secure_address(a, "a.example.", now), now);
    cache_put_answer(b->cache, answer_of(a, "a.example.", TYPE_A, ANSWER_NXDOMAIN, NULL, 60, now), now);
    cache_put_answer(b->cache, answer_of(a, "a.example.", TYPE_A, ANSWER_CNAME, cname, 60, now), now);
    find(b->cache, "a.example.", TYPE_A, now, a, &got);
    assert_int_equal(got->kind, ANSWER_DATA);
    assert_false(holds(b->cache, "a.example.", TYPE_MX, now));
    cache_put_answer(b->cache, judged(answer_of(a, "a.example.", TYPE_A, ANSWER_NXDOMAIN, NULL, 60, now), SECURE), now);
    find(b->cache, "a.example.", TYPE_A, now, a, &got);
    assert_int_equal(got->kind, ANSWER_NXDOMAIN);
    cache_put_answer(b->cache, answer_of(a, "a.example.", TYPE_A, ANSWER_CNAME, cname, 60, now), now);
    find(b->cache, "a.example.", TYPE_A, now, a, &got);
    assert_int_equal(got->kind, ANSWER_NXDOMAIN);
    cache_put_answer(b->cache, judged(answer_of(a, "a.example.", TYPE_A, ANSWER_CNAME, cname, 60, now), SECURE), now);
    find(b->cache, "a.example.", TYPE_A, now, a, &got);
    assert_int_equal(got->kind, ANSWER_CNAME);
    find(b->cache, "a.example.", TYPE_MX, now, a, &got);
    assert_int_equal(got->kind, ANSWER_CNAME);
}

/* A verdict that rests on more keys than a lineage holds enters as UNCHECKED. */
static void test_lineage_overflow(void **state)
{
    struct bench *b = *state;
    struct answer *put = secure_address(b->arena, "a.example.", at(0)), *got;
    for (uint64_t key = 1; key <= LINEAGE_KEYS_MAX + 1; key++)
        lineage_add(&put->verdict.lineage, key);
    cache_put_answer(b->cache, put, at(0));
    assert_int_equal(find(b->cache, "a.example.", TYPE_A, at(0), b->arena, &got), CACHE_FRESH);
    assert_int_equal(got->verdict.security, UNCHECKED);
}

static void test_origins_never_cross(void **state)
{
    struct bench *b = *state;
    struct answer *put = secure_address(b->arena, "a.example.", at(0)), *got;
    struct question question = question_of("a.example.", TYPE_A);
    put->origin = 3;
    cache_put_answer(b->cache, put, at(0));
    assert_int_equal(cache_find_answer(b->cache, &question, 0, at(0), b->arena, &got), CACHE_MISS);
    assert_int_equal(cache_find_answer(b->cache, &question, 3, at(0), b->arena, &got), CACHE_FRESH);
    assert_int_equal(got->origin, 3);
    question.qclass = CLASS_CH;
    assert_int_equal(cache_find_answer(b->cache, &question, 3, at(0), b->arena, &got), CACHE_MISS);
}

/* After a backward jump of the clock entries "from the future" are dropped. */
static void test_clock_jumps_back(void **state)
{
    struct bench *b = *state;
    cache_put_answer(b->cache, secure_address(b->arena, "a.example.", at(1000)), at(1000));
    assert_true(holds(b->cache, "a.example.", TYPE_A, at(995))); /* workers differ a little */
    assert_false(holds(b->cache, "a.example.", TYPE_A, at(900)));
    assert_false(holds(b->cache, "a.example.", TYPE_A, at(1000)));
    cache_put_answer(b->cache, secure_address(b->arena, "b.example.", at(1000)), at(0));
    assert_false(holds(b->cache, "b.example.", TYPE_A, at(1000)));
}

/* RFC 6672 section 2.2 and 3.2: a DNAME once proven answers for every name below its owner. */
static void test_dname(void **state)
{
    struct bench *b = *state;
    static const char text[] = "old.example. 60 IN DNAME new.example.\n";
    struct answer *put = judged(answer_of(b->arena, "a.old.example.", TYPE_A, ANSWER_DNAME, text, 60, at(0)), SECURE);
    struct answer *got;
    struct dname target = name_of("x.y.new.example.");
    put->target = name_of("a.new.example.");
    cache_put_answer(b->cache, put, at(0));
    assert_int_equal(find(b->cache, "x.y.OLD.example.", TYPE_MX, at(1), b->arena, &got), CACHE_FRESH);
    assert_int_equal(got->kind, ANSWER_DNAME);
    assert_int_equal(got->verdict.security, SECURE);
    assert_int_equal(got->rcode, RCODE_NOERROR);
    assert_true(dname_equal(&got->target, &target));
    assert_int_equal(find(b->cache, "old.example.", TYPE_DNAME, at(1), b->arena, &got), CACHE_FRESH);
    assert_int_equal(got->kind, ANSWER_DATA);
    assert_int_equal(find(b->cache, "old.example.", TYPE_A, at(1), b->arena, &got), CACHE_MISS); /* not below itself */
    assert_int_equal(find(b->cache, "x.older.example.", TYPE_A, at(1), b->arena, &got), CACHE_MISS);
    assert_int_equal(find(b->cache, "x.old.example.", TYPE_A, at(60), b->arena, &got), CACHE_MISS);
}

/* RFC 6672 section 2.2: what becomes too long is YXDOMAIN. */
static void test_dname_too_long(void **state)
{
    struct bench *b = *state;
    char label[] = "0123456789012345678901234567890123456789012345678901234567890";
    char *owner = arena_printf(b->arena, "s.example.");
    char *long_target = arena_printf(b->arena, "%s.%s.%s.example.", label, label, label);
    char *text = arena_printf(b->arena, "%s 60 IN DNAME %s\n", owner, long_target);
    struct answer *put = judged(answer_of(b->arena, "a.s.example.", TYPE_A, ANSWER_DNAME, text, 60, at(0)), SECURE);
    struct answer *got;
    cache_put_answer(b->cache, put, at(0));
    assert_int_equal(find(b->cache, arena_printf(b->arena, "%s.s.example.", label), TYPE_A, at(0), b->arena, &got),
                     CACHE_FRESH);
    assert_int_equal(got->kind, ANSWER_DNAME);
    assert_int_equal(got->rcode, RCODE_YXDOMAIN);
}

/* One forged DNAME must not answer for a whole subtree: it serves the question alone that brought it. */
static void test_unproven_dname(void **state)
{
    struct bench *b = *state;
    static const enum security cases[] = { UNCHECKED, BOGUS, INDETERMINATE };
    struct dname target = name_of("a.new.example.");
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *asked = arena_printf(b->arena, "a.d%zu.example.", i),
             *other = arena_printf(b->arena, "b.d%zu.example.", i);
        char *text = arena_printf(b->arena, "d%zu.example. 60 IN DNAME new.example.\n", i);
        struct answer *got;
        cache_put_answer(b->cache, judged(answer_of(b->arena, asked, TYPE_A, ANSWER_DNAME, text, 60, at(0)), cases[i]),
                         at(0));
        assert_int_equal(find(b->cache, asked, TYPE_A, at(0), b->arena, &got), CACHE_FRESH);
        assert_int_equal(got->kind, ANSWER_DNAME);
        assert_true(dname_equal(&got->target, &target));
        assert_int_equal(find(b->cache, other, TYPE_A, at(0), b->arena, &got), CACHE_MISS);
    }
}

/* RFC 8020, with RFC 9824 section 3.1 in mind. */
static void test_nxdomain_cut(void **state)
{
    struct bench *b = *state;
    static const struct {
        const char *name;
        enum security security;
        const char *proof;
        bool cuts;
    } cases[] = {
        { "a.example.", SECURE, "0.example. 60 IN NSEC z.example. A RRSIG NSEC\n", true },
        { "b.example.", INSECURE, "0.example. 60 IN NSEC z.example. A RRSIG NSEC\n", false },
        { "c.example.", BOGUS, "0.example. 60 IN NSEC z.example. A RRSIG NSEC\n", false },
        { "d.example.", UNCHECKED, "0.example. 60 IN NSEC z.example. A RRSIG NSEC\n", false },
        { "e.example.", SECURE, "e.example. 60 IN NSEC \\000.e.example. NXNAME RRSIG NSEC\n", false },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const char *const proofs[] = { cases[i].proof, NULL };
        struct answer *put = answer_of(b->arena, cases[i].name, TYPE_A, ANSWER_NXDOMAIN, NULL, 60, at(0));
        put->proofs = list_of(b->arena, proofs);
        cache_put_answer(b->cache, judged(put, cases[i].security), at(0));
        struct question below = question_of(arena_printf(b->arena, "x.y.%s", cases[i].name), TYPE_MX);
        struct question itself = question_of(cases[i].name, TYPE_MX);
        const struct answer *found = cache_find_nxdomain_above(b->cache, &below, 0, at(1), b->arena);
        assert_int_equal(found != NULL, cases[i].cuts);
        if (found != NULL)
            assert_true(dname_equal(&found->question.qname, &itself.qname));
        assert_null(cache_find_nxdomain_above(b->cache, &itself, 0, at(1), b->arena));
        assert_null(cache_find_nxdomain_above(b->cache, &below, 0, at(60), b->arena));
    }
}

/* R4.5-a: signatures come back octet for octet, in whichever form they are kept: labels and original TTL of the records
 * or others, a signer above the owner or anywhere, too short to be one. */
static void test_forms_of_signatures(void **state)
{
    enum { TTL_S = 300 };
    struct bench *b = *state;
    const char *deepest = arena_strdup(b->arena, "");
    for (size_t i = 0; i < 127; i++) /* as many labels as a name can have */
        deepest = arena_printf(b->arena, "a.%s", deepest);
    const struct {
        const char *owner, *signer;
        uint16_t type;
        int labels_less;
        uint32_t ttl_s;
        size_t octets;
    } cases[] = {
        { "www.example.", "example.", TYPE_A, 0, TTL_S, 90 },  { "www.example.", ".", TYPE_A, 0, TTL_S, 90 },
        { "www.example.", "example.", TYPE_A, 0, 3600, 90 },   { "www.example.", "example.", TYPE_A, 1, TTL_S, 90 },
        { "*.example.", "example.", TYPE_A, 1, TTL_S, 90 },    { "www.example.", "elsewhere.", TYPE_A, 0, TTL_S, 90 },
        { "www.example.", "example.", TYPE_MX, 0, TTL_S, 90 }, { "www.example.", "example.", TYPE_A, 0, TTL_S, 5 },
        { deepest, deepest, TYPE_A, 0, TTL_S, 300 },           { "www.example.", "example.", TYPE_A, 0, TTL_S, 18 },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct dname owner = name_of(cases[i].owner), signer = name_of(cases[i].signer);
        uint8_t octets[300] = { 0 };
        struct writer w = writer_of(octets, sizeof(octets));
        writer_u16(&w, cases[i].type);
        writer_u8(&w, 13);
        writer_u8(&w, (uint8_t)(owner.labels - cases[i].labels_less));
        writer_u32(&w, cases[i].ttl_s);
        writer_u32(&w, TEST_TIME_S + 1000);
        writer_u32(&w, TEST_TIME_S - 1000);
        writer_u16(&w, 4711);
        writer_dname(&w, &signer);
        struct octets sig = { octets, cases[i].octets };
        struct answer *got,
            *put = answer_of(b->arena, cases[i].owner, TYPE_A, ANSWER_DATA,
                             arena_printf(b->arena, "%s 300 IN A 192.0.2.1\n", cases[i].owner), TTL_S, at(0));
        put->rrsets.items[0]->sigs = &sig;
        put->rrsets.items[0]->sig_count = 1;
        put->rrsets.items[0]->sig_ttl_s = TTL_S;
        put->zone = i % 2 == 0 ? signer : *dname_root();
        cache_put_answer(b->cache, put, at((int64_t)i));
        assert_int_equal(cache_find_answer(b->cache, &put->question, 0, at((int64_t)i), b->arena, &got), CACHE_FRESH);
        assert_int_equal(got->rrsets.items[0]->sig_count, 1);
        assert_true(octets_equal(got->rrsets.items[0]->sigs[0], sig));
        assert_true(dname_equal(&got->zone, &put->zone));
    }
}

/* ---- stale answers (RFC 8767) ---- */

enum { MAX_AGE_S = 1000 };

static struct answer *find_stale(struct bench *b, const char *qname, uint16_t qtype, int64_t second)
{
    struct question question = question_of(qname, qtype);
    return cache_find_stale(b->cache, &question, ORIGIN_ITERATIVE, MAX_AGE_S, at(second), b->arena);
}

static void put_address(struct bench *b, const char *qname, enum security security, uint32_t ttl_s, int64_t second)
{
    char *text = arena_printf(b->arena, "%s %u IN A 192.0.2.1\n", qname, ttl_s);
    cache_put_answer(b->cache,
                     judged(answer_of(b->arena, qname, TYPE_A, ANSWER_DATA, text, ttl_s, at(second)), security),
                     at(second));
}

/* What is trusted is found until max-age, whatever its kind; nothing else ever. */
static void test_what_may_be_stale(void **state)
{
    struct bench *b = *state;
    static const struct {
        const char *qname;
        enum security security;
        bool is_found;
    } rows[] = {
        { "secure.example.", SECURE, true },
        { "insecure.example.", INSECURE, true },
        { "unchecked.example.", UNCHECKED, false },
        { "bogus.example.", BOGUS, false },
        { "indeterminate.example.", INDETERMINATE, false },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        put_address(b, rows[i].qname, rows[i].security, 50, 0);
        assert_int_equal(find_stale(b, rows[i].qname, TYPE_A, 60) != NULL, rows[i].is_found);
        assert_int_equal(find_stale(b, rows[i].qname, TYPE_A, 50 + MAX_AGE_S) != NULL, rows[i].is_found);
        assert_null(find_stale(b, rows[i].qname, TYPE_A, 51 + MAX_AGE_S));
    }
    cache_put_answer(
        b->cache, judged(answer_of(b->arena, "no.example.", TYPE_A, ANSWER_NXDOMAIN, NULL, 50, at(0)), SECURE), at(0));
    assert_int_equal(find_stale(b, "no.example.", TYPE_MX, 60)->kind, ANSWER_NXDOMAIN);
    cache_put_answer(b->cache,
                     judged(answer_of(b->arena, "a.dname.example.", TYPE_A, ANSWER_DNAME,
                                      "dname.example. 50 IN DNAME other.example.\n", 50, at(0)),
                            SECURE),
                     at(0));
    assert_int_equal(find_stale(b, "b.dname.example.", TYPE_A, 60)->kind, ANSWER_DNAME);
}

/* Until its first signature ends. */
static void test_stale_ends_with_its_signatures(void **state)
{
    struct bench *b = *state;
    struct answer *answer = secure_address(b->arena, "www.example.", at(0));
    answer->expires_ms = at(50).wall_ms;
    answer->verdict.valid_until_s = TEST_TIME_S + 100;
    cache_put_answer(b->cache, answer, at(0));
    assert_non_null(find_stale(b, "www.example.", TYPE_A, 99));
    assert_null(find_stale(b, "www.example.", TYPE_A, 100));
}

/* No stale answer after a flush of any kind, nor after a change of trust. */
static void test_no_stale_after_a_flush(void **state)
{
    struct bench *b = *state;
    static const uint64_t key = 4711;
    struct dname name = name_of("www.example."), zone = name_of("example.");
    for (int how = 0; how < 5; how++) {
        struct answer *answer = resting_on(secure_address(b->arena, "www.example.", at(0)), key);
        answer->expires_ms = at(50).wall_ms;
        cache_put_answer(b->cache, answer, at(0));
        put_address(b, "www.example.", BOGUS, 50, 55); /* the good one is set aside … */
        assert_non_null(find_stale(b, "www.example.", TYPE_A, 60));
        if (how == 0)
            cache_flush_name(b->cache, &name);
        else if (how == 1)
            cache_flush_zone(b->cache, &zone);
        else if (how == 2)
            cache_flush_keys(b->cache, &key, 1);
        else if (how == 3)
            cache_forget_verdicts(b->cache);
        else
            cache_flush_all(b->cache);
        assert_null(find_stale(b, "www.example.", TYPE_A, 60)); /* … but not out of reach */
        cache_flush_all(b->cache);
    }
}

/* Whoever can send a forged answer must not be able to take the stale one away; the zone's own word does. */
static void test_unproven_data_hides_nothing(void **state)
{
    struct bench *b = *state;
    put_address(b, "www.example.", SECURE, 50, 0);
    put_address(b, "www.example.", UNCHECKED, 50, 60);
    assert_int_equal(find_stale(b, "www.example.", TYPE_A, 61)->received_ms, at(0).wall_ms);
    cache_put_answer(b->cache, answer_of(b->arena, "www.example.", TYPE_A, ANSWER_NXDOMAIN, NULL, 50, at(62)), at(62));
    assert_int_equal(find_stale(b, "www.example.", TYPE_A, 63)->kind, ANSWER_DATA);
    put_address(b, "www.example.", INSECURE, 50, 64);
    put_address(b, "www.example.", BOGUS, 50, 120);
    assert_int_equal(find_stale(b, "www.example.", TYPE_A, 121)->received_ms, at(64).wall_ms);
    cache_put_answer(b->cache,
                     judged(answer_of(b->arena, "www.example.", TYPE_A, ANSWER_NXDOMAIN, NULL, 50, at(122)), SECURE),
                     at(122));
    assert_int_equal(find_stale(b, "www.example.", TYPE_A, 200)->kind, ANSWER_NXDOMAIN);
}

/* RFC 1035 section 3.2.1: TTL 0 is not kept, but what it says is newer. */
static void test_ttl_0_ends_what_was(void **state)
{
    struct bench *b = *state;
    put_address(b, "www.example.", SECURE, 50, 0);
    put_address(b, "www.example.", UNCHECKED, 0, 60);
    assert_non_null(find_stale(b, "www.example.", TYPE_A, 61));
    put_address(b, "www.example.", SECURE, 0, 60);
    assert_null(find_stale(b, "www.example.", TYPE_A, 61));
}

/* ---- prefetch ---- */

static void test_when_to_refresh(void **state)
{
    struct bench *b = *state;
    struct answer *answer = secure_address(b->arena, "www.example.", at(0));
    struct question question = answer->question;
    assert_int_equal(answer_refresh_ms(answer), at(3240).wall_ms);
    answer->expires_ms = at(PREFETCH_TTL_S_MIN - 1).wall_ms;
    assert_int_equal(answer_refresh_ms(answer), INT64_MAX);
    answer->expires_ms = at(3600).wall_ms;
    answer->verdict.security = BOGUS;
    assert_int_equal(answer_refresh_ms(answer), INT64_MAX);

    assert_true(cache_claim_refresh(b->cache, &question, ORIGIN_ITERATIVE, at(100)));
    assert_false(cache_claim_refresh(b->cache, &question, ORIGIN_ITERATIVE, at(100)));
    assert_true(cache_claim_refresh(b->cache, &question, 1, at(100)));
    assert_false(cache_claim_refresh(b->cache, &question, ORIGIN_ITERATIVE, at(104)));
    assert_true(cache_claim_refresh(b->cache, &question, ORIGIN_ITERATIVE, at(105)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_one_atomic_entry, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_forms_of_signatures, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_kinds, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_rrsig_and_any, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_deadlines, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_dname_grace, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_ttl_left, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_site_of_no_data, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_expired_is_kept, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_verdict_ends_with_signature, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_replaces_what, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_rivals, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_lineage_overflow, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_origins_never_cross, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_clock_jumps_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_dname, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_dname_too_long, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_unproven_dname, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_nxdomain_cut, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_may_be_stale, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_stale_ends_with_its_signatures, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_stale_after_a_flush, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_unproven_data_hides_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_ttl_0_ends_what_was, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_when_to_refresh, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
