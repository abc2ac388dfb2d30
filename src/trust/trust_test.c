#include "trust/trust.h"

#include <setjmp.h>
#include <cmocka.h>

#include "crypto/verify.h"
#include "message/testing.h"

enum { NOW_S = 1800000000 };
static const struct now now = { .wall_ms = INT64_C(1000) * NOW_S, .wall_is_fit = true };

#define DS_TEXT  "20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D"
#define DS2_TEXT "38696 8 2 683D2D0ACB8C9B712A1948B27F741219298D0A450D612C483AF444A4C0FB2B16"

static void add(struct trust *trust, const char *zone, uint16_t type, const char *rdata, int64_t from_s,
                int64_t until_s)
{
    struct arena *arena = arena_new();
    struct anchor anchor = { .zone = name_of(zone), .type = type, .valid_from_s = from_s, .valid_until_s = until_s };
    assert_int_equal(rdata_from_text(arena, type, rdata, NULL, &anchor.rdata), OK);
    assert_int_equal(trust_add_anchor(trust, &anchor), OK);
    arena_free(arena);
}

static void add_ds(struct trust *trust, const char *zone)
{
    add(trust, zone, TYPE_DS, DS_TEXT, INT64_MIN, INT64_MAX);
}

static void add_negative(struct trust *trust, const char *zone, int64_t until_s)
{
    struct dname name = name_of(zone);
    trust_add_negative(trust, &name, until_s, "test");
}

static void add_insecure(struct trust *trust, const char *zone)
{
    struct dname name = name_of(zone);
    trust_add_insecure(trust, &name, NULL);
}

static void assert_covered(const struct trust *trust, const char *name, enum coverage coverage, const char *zone)
{
    struct dname found, qname = name_of(name), expected = name_of(zone);
    enum coverage result = trust_covers(trust, &qname, now, &found);
    if (result != coverage || !dname_equal(&found, &expected))
        fail_msg("%s: coverage %d", name, result);
}

/* R4.4-a, D6-only, RFC 7646 section 4 */
static void test_the_closest_entry_speaks(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        enum coverage coverage;
        const char *zone;
    } cases[] = {
        { ".", COVERAGE_ANCHOR, "." },
        { "example.", COVERAGE_ANCHOR, "." },
        { "zz.", COVERAGE_ANCHOR, "." },
        { "negative.example.", COVERAGE_NEGATIVE, "negative.example." },
        { "A.B.NEGATIVE.example.", COVERAGE_NEGATIVE, "negative.example." },
        { "notnegative.example.", COVERAGE_ANCHOR, "." },
        { "anchor.negative.example.", COVERAGE_ANCHOR, "anchor.negative.example." }, /* wins for its subtree */
        { "x.anchor.negative.example.", COVERAGE_ANCHOR, "anchor.negative.example." },
        { "anchos.negative.example.", COVERAGE_NEGATIVE, "negative.example." },
        { "expired.example.", COVERAGE_ANCHOR, "." },
        { "x.expired.example.", COVERAGE_ANCHOR, "." },
        { "expired.negative.example.", COVERAGE_NEGATIVE, "negative.example." },
        { "corp.", COVERAGE_INSECURE, "corp." },
        { "host.corp.", COVERAGE_INSECURE, "corp." },
        { "all.", COVERAGE_NEGATIVE, "all." }, /* of several at one name */
        { "two.all.", COVERAGE_INSECURE, "two.all." },
        { "past.", COVERAGE_ANCHOR, "past." }, /* all its anchors have ended: it fails closed */
    };
    struct trust *trust = trust_new();
    assert_covered(trust, "example.", COVERAGE_NONE, ".");
    add_negative(trust, "negative.example.", NOW_S + 1);
    assert_covered(trust, "example.", COVERAGE_NONE, ".");
    add_ds(trust, ".");
    add_ds(trust, "anchor.negative.example.");
    add_negative(trust, "expired.example.", NOW_S);
    add_negative(trust, "expired.negative.example.", NOW_S - 1);
    add_insecure(trust, "corp.");
    add_ds(trust, "all.");
    add_insecure(trust, "all.");
    add_negative(trust, "all.", INT64_MAX);
    add_ds(trust, "two.all.");
    add_insecure(trust, "two.all.");
    add(trust, "past.", TYPE_DS, DS_TEXT, 0, 1);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_covered(trust, cases[i].name, cases[i].coverage, cases[i].zone);
    trust_free(trust);
}

/* A name of at most five labels out of three letters: ancestors, siblings and wide gaps all occur. */
static struct dname random_name(struct random *random)
{
    static const char letters[] = "abZ";
    struct dname name = *dname_root();
    for (uint32_t labels = random_below(random, 6); labels > 0; labels--) {
        struct octets label = { (const uint8_t *)&letters[random_below(random, 3)], 1 };
        assert_int_equal(dname_prepend(label, &name, &name), OK);
    }
    return name;
}

static void test_search_agrees_with_a_walk(void **state)
{
    (void)state;
    struct random *random = random_seeded_new(7);
    for (int round = 0; round < 200; round++) {
        struct trust *trust = trust_new();
        for (uint32_t entries = random_below(random, 12); entries > 0; entries--) {
            struct dname zone = random_name(random);
            trust_add_negative(trust, &zone, random_below(random, 2) == 0 ? NOW_S : NOW_S + 1, NULL);
        }
        size_t count;
        const struct negative_anchor *negatives = trust_negatives(trust, &count);
        for (size_t i = 1; i < count; i++)
            assert_true(dname_compare(&negatives[i - 1].zone, &negatives[i].zone) < 0);
        for (int n = 0; n < 50; n++) {
            struct dname name = random_name(random), found;
            int best = -1;
            for (size_t i = 0; i < count; i++) {
                if (negatives[i].until_s > NOW_S && dname_is_subdomain(&name, &negatives[i].zone) &&
                    negatives[i].zone.labels > best)
                    best = negatives[i].zone.labels;
            }
            enum coverage coverage = trust_covers(trust, &name, now, &found);
            assert_int_equal(coverage, best < 0 ? COVERAGE_NONE : COVERAGE_NEGATIVE);
            assert_int_equal(found.labels, best < 0 ? 0 : best);
            assert_true(dname_is_subdomain(&name, &found));
        }
        trust_free(trust);
    }
    random_free(random);
}

/* RFC 9718 section 2.1: validFrom and validUntil */
static void test_only_valid_anchors_are_usable(void **state)
{
    (void)state;
    struct trust *trust = trust_new();
    struct dname zone = name_of("example."), other = name_of("example.org.");
    const struct anchor *list[4];
    size_t count;
    add(trust, "example.", TYPE_DS, DS_TEXT, NOW_S, NOW_S);
    add(trust, "Example.", TYPE_DS, DS_TEXT, INT64_MIN, INT64_MAX); /* a duplicate: the first stays */
    add(trust, "example.", TYPE_DS, DS2_TEXT, NOW_S + 1, INT64_MAX);
    add(trust, "example.", TYPE_DNSKEY, "257 3 15 l02Woi0iS8Aa25FQkUd9RMzZHJpBoRQwAQEX1SxZJA4=", 0, NOW_S - 1);
    add_ds(trust, "a.example.");
    add_ds(trust, ".");
    trust_anchors(trust, &count);
    assert_int_equal(count, 5);
    assert_int_equal(trust_anchors_at(trust, &zone, now, list, 4), 1);
    assert_int_equal(list[0]->valid_from_s, NOW_S);
    struct now later = { .wall_ms = now.wall_ms + 1000 };
    assert_int_equal(trust_anchors_at(trust, &zone, later, list, 4), 1);
    assert_int_equal(list[0]->valid_from_s, NOW_S + 1);
    assert_int_equal(trust_anchors_at(trust, &zone, later, list, 0), 0);
    assert_int_equal(trust_anchors_at(trust, &other, now, list, 4), 0);
    trust_free(trust);
}

static void test_what_cannot_be_an_anchor(void **state)
{
    (void)state;
    static const struct {
        uint16_t type;
        const char *rdata; /* in hexadecimal, RFC 3597 */
        bool good;
    } cases[] = {
        { TYPE_DS, "\\# 24 1234 08 01 0102030405060708090a0b0c0d0e0f1011121314", true },
        { TYPE_DS, "\\# 23 1234 08 01 0102030405060708090a0b0c0d0e0f10111213",
          true }, /* a short SHA-1: it will match nothing */
        { TYPE_DS, "\\# 24 1234 08 02 0102030405060708090a0b0c0d0e0f1011121314", true },
        { TYPE_DS, "\\# 6 1234 08 fa 0102", true }, /* a digest nobody knows: it fails closed where it is used */
        { TYPE_DS, "\\# 4 1234 08 fa", false },
        { TYPE_DS, "\\# 3 1234 08", false },
        { TYPE_DNSKEY, "\\# 6 0101 03 08 0102", true },
        { TYPE_DNSKEY, "\\# 6 0100 03 08 0102", true },
        { TYPE_DNSKEY, "\\# 6 0001 03 08 0102", false }, /* no ZONE flag */
        { TYPE_DNSKEY, "\\# 6 0181 03 08 0102", false }, /* revoked */
        { TYPE_DNSKEY, "\\# 6 0101 02 08 0102", false }, /* protocol 2 */
        { TYPE_DNSKEY, "\\# 3 0101 03", false },
        { TYPE_DNSKEY, "\\# 4 0101 03 08", false },
        { TYPE_A, "\\# 4 c0000201", false },
    };
    struct trust *trust = trust_new();
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct arena *arena = arena_new();
        struct anchor anchor = { .zone = *dname_root(), .type = cases[i].type };
        /* as a type without a layout: what is malformed must come this far */
        assert_int_equal(rdata_from_text(arena, 65280, cases[i].rdata, NULL, &anchor.rdata), OK);
        assert_int_equal(trust_add_anchor(trust, &anchor), cases[i].good ? OK : ERR_FORMAT);
        assert_int_equal(trust_anchor_fault(anchor.type, anchor.rdata) == NULL, cases[i].good);
        arena_free(arena);
    }
    trust_free(trust);
}

static void test_fingerprint(void **state)
{
    (void)state;
    struct trust *trusts[8];
    for (size_t i = 0; i < ARRAY_LEN(trusts); i++)
        trusts[i] = trust_new();
    add_ds(trusts[0], ".");
    add_ds(trusts[0], "example.");
    add_negative(trusts[0], "a.example.", NOW_S);
    add_insecure(trusts[0], "corp.");

    add_insecure(trusts[1], "CORP."); /* the same in another order and letter case */
    add_negative(trusts[1], "A.example.", NOW_S);
    add_ds(trusts[1], "EXAMPLE.");
    add_ds(trusts[1], ".");
    add_ds(trusts[1], ".");

    for (size_t i = 2; i < 6; i++)
        add_ds(trusts[i], ".");
    add_negative(trusts[3], "example.", NOW_S);
    add_negative(trusts[4], "example.", NOW_S + 1);
    add_insecure(trusts[5], "example.");
    add(trusts[6], ".", TYPE_DS, DS_TEXT, 0, INT64_MAX);

    assert_true(trust_fingerprint(trusts[0]) == trust_fingerprint(trusts[1]));
    for (size_t i = 1; i < ARRAY_LEN(trusts); i++) {
        for (size_t j = i + 1; j < ARRAY_LEN(trusts); j++)
            assert_true(trust_fingerprint(trusts[i]) != trust_fingerprint(trusts[j]));
        struct trust *copy = trust_copy(trusts[i]);
        assert_true(trust_fingerprint(copy) == trust_fingerprint(trusts[i]));
        trust_free(copy);
    }
    for (size_t i = 0; i < ARRAY_LEN(trusts); i++)
        trust_free(trusts[i]);
}

static void test_a_copy_stands_alone(void **state)
{
    (void)state;
    struct trust *trust = trust_new();
    struct dname corp = name_of("corp.");
    size_t count;
    add_ds(trust, ".");
    add_negative(trust, "example.", NOW_S);
    trust_add_insecure(trust, &corp, "internal");
    trust_add_insecure(trust, &corp, "still internal");
    struct trust *copy = trust_copy(trust);
    add_ds(copy, "more.");
    trust_free(trust);
    trust_anchors(copy, &count);
    assert_int_equal(count, 2);
    const struct negative_anchor *negatives = trust_negatives(copy, &count);
    assert_int_equal(count, 1);
    assert_string_equal(negatives[0].reason, "test");
    const struct insecure_zone *insecures = trust_insecures(copy, &count);
    assert_int_equal(count, 1);
    assert_string_equal(insecures[0].reason, "still internal");
    trust_free(copy);
    trust_free(NULL);
}

/* D5-init: the keys of this release match the DS that IANA publishes, and their days. */
static void test_built_in_root_anchors(void **state)
{
    (void)state;
    static const struct {
        const char *ds;
        int64_t valid_from_s;
    } published[] = {
        { DS_TEXT, 1485993600 },  /* 2017-02-02T00:00:00Z */
        { DS2_TEXT, 1721260800 }, /* 2024-07-18T00:00:00Z */
    };
    struct arena *arena = arena_new();
    struct crypto_options options = crypto_options_default();
    struct crypto_policy policy;
    struct trust *trust = trust_new();
    const struct anchor *list[4];
    crypto_policy_make(&options, &policy);
    trust_add_built_in(trust);
    trust_add_built_in(trust);
    size_t count = trust_anchors_at(trust, dname_root(), now, list, 4);
    assert_int_equal(count, ARRAY_LEN(published));
    for (size_t i = 0; i < count; i++) {
        struct octets rdata;
        struct ds ds;
        size_t matching = 0;
        assert_int_equal(rdata_from_text(arena, TYPE_DS, published[i].ds, NULL, &rdata), OK);
        assert_int_equal(ds_read(rdata, &ds), OK);
        for (size_t j = 0; j < count; j++) {
            if (!ds_matches(policy.digests[ds.digest_type], &ds, dname_root(), list[j]->rdata))
                continue;
            assert_int_equal(list[j]->valid_from_s, published[i].valid_from_s);
            assert_int_equal(list[j]->source, ANCHOR_BUILT_IN);
            matching++;
        }
        assert_int_equal(matching, 1);
    }
    struct now in_2020 = { .wall_ms = INT64_C(1577836800000) };
    assert_int_equal(trust_anchors_at(trust, dname_root(), in_2020, list, 4), 1);
    trust_free(trust);
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_closest_entry_speaks),
        cmocka_unit_test(test_search_agrees_with_a_walk),
        cmocka_unit_test(test_only_valid_anchors_are_usable),
        cmocka_unit_test(test_what_cannot_be_an_anchor),
        cmocka_unit_test(test_fingerprint),
        cmocka_unit_test(test_a_copy_stands_alone),
        cmocka_unit_test(test_built_in_root_anchors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
