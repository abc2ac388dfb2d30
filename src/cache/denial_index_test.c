#include "cache/testing.h"

static int start(void **state)
{
    (void)state;
    set_hash_secret();
    return 0;
}

#define SIG(type, labels, signer)                                                                                      \
    " IN RRSIG " type " 13 " labels " 3600 20300101000000 20200101000000 7 " signer " AAAA\n"
#define SOA "example. 3600 IN SOA ns. host. 1 2 3 4 900\nexample. 3600" SIG("SOA", "1", "example.")

/* Files one negative answer that holds these proofs. */
static void put(struct cache *cache, const char *const *proofs, enum security security, struct now now)
{
    struct arena *arena = arena_new();
    static unsigned number;
    char *name = arena_printf(arena, "q%u.example.", number++);
    struct answer *answer = answer_of(arena, name, TYPE_A, ANSWER_NXDOMAIN, NULL, 3600, now);
    answer->proofs = list_of(arena, proofs);
    lineage_add(&answer->verdict.lineage, 11);
    cache_put_answer(cache, judged(answer, security), now);
    arena_free(arena);
}

/* The owner of the NSEC found for name in example., as text; "-" if none. */
static const char *owner_for(struct cache *cache, struct arena *arena, const char *name, struct now now,
                             int64_t *expires_ms)
{
    struct dname zone = name_of("example."), asked = name_of(name);
    struct denial_asked where = { &zone, 0, now, arena };
    struct denial_found found;
    if (!cache_denial_nsec(cache, &where, &asked, TYPE_A, &found))
        return "-";
    *expires_ms = found.expires_ms;
    return dname_to_text(found.rrset->owner, arena_alloc(arena, DNAME_TEXT_MAX));
}

static const char *const zone_nsecs[] = {
    SOA,
    "example. 3600 IN NSEC b.example. NS SOA RRSIG NSEC\nexample. 3600" SIG("NSEC", "1", "example."),
    "b.example. 3600 IN NSEC cut.example. A RRSIG NSEC\nb.example. 3600" SIG("NSEC", "2", "example."),
    "cut.example. 3600 IN NSEC d.example. NS RRSIG NSEC\ncut.example. 3600" SIG("NSEC", "2", "example."),
    "d.example. 3600 IN NSEC \\000\\001.e.example. DNAME RRSIG NSEC\nd.example. 3600" SIG("NSEC", "2", "example."),
    "m.example. 3600 IN NSEC example. A RRSIG NSEC\nm.example. 3600" SIG("NSEC", "2", "example."),
    NULL,
};

/* RFC 8198 section 5.1, with RFC 6840 section 4.1 and RFC 4034 section 6.1. */
static void test_nsec_spans(void **state)
{
    (void)state;
    static const struct {
        const char *name, *owner;
    } cases[] = {
        { "example.", "example." },   /* a match */
        { "a.example.", "example." }, /* covered */
        { "B.example.", "b.example." },
        { "x.b.example.", "b.example." },
        { "c.example.", "b.example." },
        { "cut.example.", "-" },            /* parent side: denies nothing at the cut */
        { "www.cut.example.", "-" },        /* nor below */
        { "cuu.example.", "cut.example." }, /* but the gap behind it */
        { "d.example.", "d.example." },     /* no-data at a DNAME */
        { "x.d.example.", "-" },            /* nothing below it */
        { "e.example.", "d.example." },
        { "\\000.e.example.", "d.example." },
        { "\\000\\001.e.example.", "-" }, /* the next owner, of which nothing is known */
        { "f.example.", "-" },
        { "l.example.", "-" },
        { "zz.example.", "m.example." }, /* the last one leads back to the apex */
        { "other.", "-" },
    };
    struct cache *cache = small_cache();
    struct arena *arena = arena_new();
    int64_t expires_ms;
    put(cache, zone_nsecs, SECURE, at(0));
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_string_equal(owner_for(cache, arena, cases[i].name, at(1), &expires_ms), cases[i].owner);
    cache_free(cache);
    arena_free(arena);
}

/* The record comes back with its signatures, and the SOA with it. */
static void test_records_are_whole(void **state)
{
    (void)state;
    struct cache *cache = small_cache();
    struct arena *arena = arena_new();
    struct dname zone = name_of("example."), name = name_of("a.example.");
    struct denial_asked asked = { &zone, 0, at(1), arena }, other = { &zone, 1, at(1), arena };
    struct denial_asked below = { &name, 0, at(1), arena };
    struct denial_found found;
    put(cache, zone_nsecs, SECURE, at(0));
    assert_true(cache_denial_nsec(cache, &asked, &name, TYPE_A, &found));
    assert_string_equal(rrset_to_text(arena, found.rrset), rrset_to_text(arena, rrset_of(arena, zone_nsecs[1])));
    assert_int_equal(found.lineage.count, 1);
    assert_int_equal(found.lineage.keys[0], 11);
    assert_true(cache_denial_soa(cache, &asked, &found));
    assert_string_equal(rrset_to_text(arena, found.rrset), rrset_to_text(arena, rrset_of(arena, SOA)));
    assert_int_equal(found.expires_ms, at(900).wall_ms);
    assert_false(cache_denial_nsec(cache, &other, &name, TYPE_A, &found)); /* another origin */
    assert_false(cache_denial_soa(cache, &below, &found));
    cache_free(cache);
    arena_free(arena);
}

/* RFC 4035 section 5.3.3: a TTL above the signed one, be it forged, be it the operator's wish, makes nothing last
 * longer. */
static void test_signed_ttl(void **state)
{
    (void)state;
    static const char *const proofs[] = {
        "example. 3600 IN SOA ns. host. 1 2 3 4 3600\n"
        "example. 3600 IN RRSIG SOA 13 1 60 20300101000000 20200101000000 7 example. AAAA\n",
        "example. 3600 IN NSEC b.example. NS SOA RRSIG NSEC\n"
        "example. 3600 IN RRSIG NSEC 13 1 30 20300101000000 20200101000000 7 example. AAAA\n",
        NULL,
    };
    struct cache *cache = small_cache();
    struct arena *arena = arena_new();
    struct dname zone = name_of("example.");
    struct denial_asked asked = { &zone, 0, at(1), arena };
    struct denial_found soa;
    int64_t expires_ms = 0;
    put(cache, proofs + 1, SECURE, at(0));
    assert_string_equal(owner_for(cache, arena, "a.example.", at(1), &expires_ms), "example.");
    assert_int_equal(expires_ms, at(30).wall_ms);
    put(cache, proofs, SECURE, at(0));
    assert_true(cache_denial_soa(cache, &asked, &soa));
    assert_int_equal(soa.expires_ms, at(60).wall_ms);
    cache_free(cache);
    arena_free(arena);
}

/* RFC 4035 section 3.1.4.1: of DS the parent speaks, at the cut too. */
static void test_ds_at_the_cut(void **state)
{
    (void)state;
    struct cache *cache = small_cache();
    struct arena *arena = arena_new();
    struct dname zone = name_of("example."), cut = name_of("cut.example."), below = name_of("www.cut.example.");
    struct denial_asked asked = { &zone, 0, at(1), arena };
    struct denial_found found;
    put(cache, zone_nsecs, SECURE, at(0));
    assert_true(cache_denial_nsec(cache, &asked, &cut, TYPE_DS, &found) && found.matches);
    assert_false(cache_denial_nsec(cache, &asked, &cut, TYPE_NS, &found));
    assert_false(cache_denial_nsec(cache, &asked, &below, TYPE_DS, &found));
    cache_free(cache);
    arena_free(arena);
}

static void test_deepest_zone(void **state)
{
    (void)state;
    struct cache *cache = small_cache();
    struct dname name = name_of("x.Y.example."), other = name_of("com."), zone;
    assert_false(cache_denial_zone(cache, &name, 0, &zone));
    put(cache, zone_nsecs, SECURE, at(0));
    assert_true(cache_denial_zone(cache, &name, 0, &zone));
    assert_int_equal(zone.labels, 1);
    assert_false(cache_denial_zone(cache, &name, 1, &zone));
    assert_false(cache_denial_zone(cache, &other, 0, &zone));
    cache_free(cache);
}

/* What must not be used aggressively is not filed. */
static void test_not_filed(void **state)
{
    (void)state;
    static const struct {
        enum security security;
        const char *proof;
        bool is_filed;
    } cases[] = {
        { SECURE, "b.example. 60 IN NSEC d.example. A\nb.example. 60" SIG("NSEC", "2", "example."), true },
        { INSECURE, "b.example. 60 IN NSEC d.example. A\nb.example. 60" SIG("NSEC", "2", "example."), false },
        { UNCHECKED, "b.example. 60 IN NSEC d.example. A\nb.example. 60" SIG("NSEC", "2", "example."), false },
        { BOGUS, "b.example. 60 IN NSEC d.example. A\nb.example. 60" SIG("NSEC", "2", "example."), false },
        { SECURE, "b.example. 60 IN NSEC d.example. A\n", false }, /* unsigned */
        { SECURE, "b.example. 60 IN NSEC d.other. A\nb.example. 60" SIG("NSEC", "2", "example."),
          false }, /* RFC 9077 */
        { SECURE, "b.example. 60 IN NSEC d.example. A\nb.example. 60" SIG("NSEC", "1", "example."),
          false }, /* expanded */
        { SECURE, "b.example. 60 IN NSEC d.example. A\nb.example. 60" SIG("NSEC", "2", "other."), false },
        { SECURE, "*.b.example. 60 IN NSEC d.example. A\n*.b.example. 60" SIG("NSEC", "2", "example."), true },
        { SECURE, "b.example. 60 IN NSEC \\000.b.example. A\nb.example. 60" SIG("NSEC", "2", "example."), false },
        { SECURE,
          "b.example. 60 IN NSEC d.example. A\nb.example. 60 IN NSEC e.example. A\nb.example. 60" SIG("NSEC", "2",
                                                                                                      "example."),
          false },
        { SECURE, "b.example. 0 IN NSEC d.example. A\nb.example. 0" SIG("NSEC", "2", "example."), false },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const char *const proofs[] = { cases[i].proof, NULL };
        struct cache *cache = small_cache();
        struct arena *arena = arena_new();
        int64_t expires_ms;
        put(cache, proofs, cases[i].security, at(0));
        if ((strcmp(owner_for(cache, arena, "c.example.", at(1), &expires_ms), "-") != 0) != cases[i].is_filed)
            fail_msg("case %zu", i);
        cache_free(cache);
        arena_free(arena);
    }
}

/* RFC 8198 section 5.4, RFC 9077 section 3: the least of the NSEC's TTL, the SOA's, its MINIMUM, and what the
 * signatures and the configuration allow. */
static void test_deadlines(void **state)
{
    (void)state;
    static const struct {
        uint32_t nsec_ttl_s, soa_ttl_s, minimum_s;
        int64_t valid_s;
        uint32_t max_negative_s;
        int64_t lives_s;
    } cases[] = {
        { 300, 600, 900, 9999, 10800, 300 }, { 900, 600, 900, 9999, 10800, 600 }, { 900, 900, 60, 9999, 10800, 60 },
        { 900, 900, 900, 30, 10800, 30 },    { 900, 900, 900, 9999, 120, 120 },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct cache_options options = cache_options_default();
        options.size_octets = SIZE_OF_TESTS;
        options.max_negative_ttl_s = cases[i].max_negative_s;
        options.signature_ttl_cap = false; /* the answer lives on, what is made of the record does not */
        struct cache *cache = cache_of(&options);
        struct arena *arena = arena_new();
        const char *const proofs[] = {
            arena_printf(arena, "example. %u IN SOA a. b. 1 2 3 4 %u\n", cases[i].soa_ttl_s, cases[i].minimum_s),
            arena_printf(arena, "a.example. %u IN NSEC z.example. A\na.example. %u" SIG("NSEC", "2", "example."),
                         cases[i].nsec_ttl_s, cases[i].nsec_ttl_s),
            NULL,
        };
        struct answer *answer = answer_of(arena, "m.example.", TYPE_A, ANSWER_NXDOMAIN, NULL, 9999, at(0));
        int64_t expires_ms;
        answer->proofs = list_of(arena, proofs);
        answer->verdict.valid_until_s = TEST_TIME_S + cases[i].valid_s;
        cache_put_answer(cache, judged(answer, SECURE), at(0));
        assert_string_equal(owner_for(cache, arena, "m.example.", at(cases[i].lives_s - 1), &expires_ms), "a.example.");
        assert_int_equal(expires_ms, at(cases[i].lives_s).wall_ms);
        assert_string_equal(owner_for(cache, arena, "m.example.", at(cases[i].lives_s), &expires_ms), "-");
        assert_string_equal(owner_for(cache, arena, "m.example.", at(-60), &expires_ms), "-"); /* from the future */
        cache_free(cache);
        arena_free(arena);
    }
}

/* D7-flush: by key, by zone, by name, and with every change of trust. */
static void test_flush(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    struct dname zone = name_of("example."), other = name_of("other."), below = name_of("x.b.example.");
    uint64_t key = 11, other_key = 12;
    int64_t expires_ms;
    for (int how = 0; how < 8; how++) {
        struct cache *cache = small_cache();
        put(cache, zone_nsecs, SECURE, at(0));
        bool stays = how >= 5;
        switch (how) {
        case 0:
            cache_flush_keys(cache, &key, 1);
            break;
        case 1:
            cache_flush_zone(cache, &zone);
            break;
        case 2:
            cache_flush_name(cache, &below);
            break;
        case 3:
            cache_flush_all(cache);
            break;
        case 4:
            cache_forget_verdicts(cache);
            break;
        case 5:
            cache_flush_keys(cache, &other_key, 1);
            break;
        case 6:
            cache_flush_zone(cache, &other);
            break;
        case 7:
            cache_flush_zone(cache, &below);
            break;
        }
        assert_string_equal(owner_for(cache, arena, "a.example.", at(1), &expires_ms), stays ? "example." : "-");
        put(cache, zone_nsecs, SECURE, at(1));
        assert_string_equal(owner_for(cache, arena, "a.example.", at(1), &expires_ms), "example.");
        cache_free(cache);
    }
    arena_free(arena);
}

/* RFC 5155 section 9.2: no opt-out; one chain at a time; the order of hashes, a ring. */
static void test_nsec3(void **state)
{
    (void)state;
    enum { OCTETS = 20 };
    static const char hash_2[] = "10000000000000000000000000000000"; /* first octet 0x08 */
    static const char hash_8[] = "80000000000000000000000000000000"; /* 0x40 */
    static const char hash_c[] = "g0000000000000000000000000000000"; /* 0x80 */
    static const char hash_f[] = "s0000000000000000000000000000000"; /* 0xe0 */
    static const struct {
        uint8_t first, last;
        const char *owner;
    } cases[] = {
        { 0x08, 0, hash_2 }, { 0x08, 1, hash_2 }, { 0x30, 0, hash_2 }, { 0x40, 0, "-" }, /* parent side, a match */
        { 0x40, 1, hash_8 }, { 0x80, 0, "-" },    { 0x90, 0, "-" },    { 0xe0, 0, hash_f },
        { 0xf0, 0, hash_f }, { 0x00, 0, hash_f },
    };
    struct cache *cache = small_cache();
    struct arena *arena = arena_new();
    struct dname zone = name_of("example.");
    struct denial_asked asked = { &zone, 0, at(1), arena };
    struct denial_found found;
    struct octets salt;
    uint16_t iterations;
#define NSEC3(owner, flags, salt_text, next, types)                                                                    \
    arena_printf(arena, "%s.example. 60 IN NSEC3 1 %d 5 %s %s %s\n%s.example. 60" SIG("NSEC3", "2", "example."),       \
                 owner, flags, salt_text, next, types, owner)
    const char *const chain[] = {
        NSEC3(hash_2, 0, "aabb", hash_8, "A RRSIG"), NSEC3(hash_8, 0, "aabb", hash_c, "NS"),
        NSEC3(hash_c, 1, "aabb", hash_f, "NS"), /* opt-out */
        NSEC3(hash_f, 0, "aabb", hash_2, "A RRSIG"), NULL,
    };
    const char *const resalted[] = { NSEC3(hash_2, 0, "cc", hash_8, "A RRSIG"), NULL };
    assert_false(cache_denial_nsec3_chain(cache, &asked, &salt, &iterations));
    put(cache, chain, SECURE, at(0));
    assert_true(cache_denial_nsec3_chain(cache, &asked, &salt, &iterations));
    assert_int_equal(iterations, 5);
    assert_int_equal(salt.len, 2);
    assert_memory_equal(salt.data, "\xaa\xbb", 2);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        uint8_t hash[OCTETS] = { cases[i].first };
        char text[DNAME_TEXT_MAX] = "-";
        hash[OCTETS - 1] = cases[i].last;
        if (cache_denial_nsec3(cache, &asked, hash, TYPE_A, &found))
            *strchr(dname_to_text(found.rrset->owner, text), '.') = '\0';
        assert_string_equal(text, cases[i].owner);
    }
    put(cache, resalted, SECURE, at(1));
    assert_true(cache_denial_nsec3_chain(cache, &asked, &salt, &iterations));
    assert_int_equal(salt.len, 1);
    assert_false(cache_denial_nsec3(cache, &asked, (uint8_t[OCTETS]) { 0xf0 }, TYPE_A, &found));
    assert_true(cache_denial_nsec3(cache, &asked, (uint8_t[OCTETS]) { 0x10 }, TYPE_A, &found));
    cache_free(cache);
    arena_free(arena);
}

/* A wildcard's expansion comes with an NSEC, too (RFC 8198 section 5.3). */
static void test_positive_answers(void **state)
{
    (void)state;
    struct cache *cache = small_cache();
    struct arena *arena = arena_new();
    struct answer *answer = secure_address(arena, "w.example.", at(0));
    int64_t expires_ms;
    answer->proofs = list_of(arena, (const char *const[]) { zone_nsecs[1], NULL });
    cache_put_answer(cache, answer, at(0));
    assert_string_equal(owner_for(cache, arena, "a.example.", at(1), &expires_ms), "example.");
    cache_free(cache);
    arena_free(arena);
}

/* Bounded for one zone and in all, at every moment. */
static void test_memory(void **state)
{
    (void)state;
    struct cache *cache = small_cache();
    struct cache_stats stats;
    int64_t expires_ms;
    cache_get_stats(cache, &stats);
    uint64_t empty = stats.used_octets;
    for (int i = 0; i < 20000; i++) {
        struct arena *arena = arena_new();
        const char *zone = i % 2 == 0 ? "example." : arena_printf(arena, "z%d.example.", i);
        const char *owner = arena_printf(arena, "n%d.%s", i, zone);
        const char *labels = i % 2 == 0 ? "2" : "3";
        const char *const proofs[] = {
            arena_printf(
                arena,
                "%s 3600 IN NSEC o.%s A\n%s 3600 IN RRSIG NSEC 13 %s 3600 20300101000000 20200101000000 7 %s AAAA\n",
                owner, zone, owner, labels, zone),
            NULL,
        };
        put(cache, proofs, SECURE, at(0));
        const char *asked = arena_printf(arena, "n%dx.%s", i, zone);
        if (i % 2 == 0) /* the newest is always there */
            assert_string_equal(owner_for(cache, arena, asked, at(0), &expires_ms), owner);
        arena_free(arena);
    }
    cache_get_stats(cache, &stats);
    assert_true(stats.used_octets <= stats.size_octets);
    cache_flush_all(cache);
    cache_get_stats(cache, &stats);
    assert_int_equal(stats.used_octets, empty);
    cache_free(cache);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nsec_spans),   cmocka_unit_test(test_records_are_whole),
        cmocka_unit_test(test_signed_ttl),   cmocka_unit_test(test_ds_at_the_cut),
        cmocka_unit_test(test_deepest_zone), cmocka_unit_test(test_not_filed),
        cmocka_unit_test(test_deadlines),    cmocka_unit_test(test_flush),
        cmocka_unit_test(test_nsec3),        cmocka_unit_test(test_positive_answers),
        cmocka_unit_test(test_memory),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
