/* What the root's DNSKEY set and root-anchors.xml are worth (D5-demand-b, RFC 9718), before any of it is believed.  The
 * signature itself is crypto/cms_test.c's. */
#include "steward/inquiry.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/algorithms.h"
#include "message/testing.h"
#include "tests/support/signer.h"

enum { NOW_S = 1800000000, DAY_S = 86400, TTL_S = 172800 };

struct world {
    struct arena *arena;
    struct signer *anchor, *other;
    struct rrset *set;
    struct crypto_policy policy;
    struct inquiry_rules rules;
    struct answer answer;
    struct answer *links[1];
    struct outcome outcome;
};

/* Both are published; the test signs. */
static void world_init(struct world *world)
{
    *world = (struct world) { .arena = arena_new() };
    world->anchor = signer_new(13, DNSKEY_ZONE | DNSKEY_SEP, 1);
    world->other = signer_new(13, DNSKEY_ZONE | DNSKEY_SEP, 2);
    const struct signer *const both[] = { world->anchor, world->other };
    world->set = dnskey_rrset(world->arena, dname_root(), TTL_S, both, ARRAY_LEN(both));
    struct crypto_options options = crypto_options_default();
    crypto_policy_make(&options, &world->policy);
    world->rules = (struct inquiry_rules) {
        .policy = &world->policy,
        .verifier = verifier_new(),
        .signer = "dnssec@iana.org",
        .now = { .wall_ms = INT64_C(1000) * NOW_S, .wall_is_fit = true },
    };
    world->answer = (struct answer) { .kind = ANSWER_DATA, .rrsets = { &world->set, 1 } };
    world->links[0] = &world->answer;
    world->outcome = (struct outcome) { .links = world->links, .link_count = 1 };
}

static void world_clear(struct world *world)
{
    signer_free(world->anchor);
    signer_free(world->other);
    verifier_free(world->rules.verifier);
    arena_free(world->arena);
}

static void sign(struct world *world, const struct signer *signer, int64_t begins_s, int64_t ends_s)
{
    sign_rrset(world->arena, signer, world->set, dname_root(), (uint32_t)(NOW_S + begins_s),
               (uint32_t)(NOW_S + ends_s));
}

static const struct live_key *find_live(const struct inquiry *inquiry, const struct signer *signer)
{
    for (size_t i = 0; i < inquiry->live_count; i++)
        if (octets_equal(inquiry->live[i].rdata, signer_dnskey(signer)))
            return &inquiry->live[i];
    fail_msg("the key is not there");
    return NULL;
}

static void test_who_signs_the_published_set(void **state)
{
    (void)state;
    static const struct {
        int64_t begins_s, ends_s;
        bool signs;
        enum key_timing timing;
    } cases[] = {
        { -DAY_S, DAY_S, true, TIMING_GOOD },
        { -2 * DAY_S, -DAY_S, false, TIMING_EXPIRED },
        { DAY_S, 2 * DAY_S, false, TIMING_NOT_YET },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct world world;
        struct inquiry *inquiry = inquiry_new();
        world_init(&world);
        sign(&world, world.anchor, cases[i].begins_s, cases[i].ends_s);
        inquiry_take_live(inquiry, &world.rules, &world.outcome);
        assert_true(inquiry->has_live);
        assert_int_equal(inquiry->live_count, 2);
        assert_int_equal(find_live(inquiry, world.anchor)->signs, cases[i].signs);
        assert_int_equal(find_live(inquiry, world.anchor)->timing, cases[i].timing);
        assert_false(find_live(inquiry, world.other)->signs);
        assert_int_equal(find_live(inquiry, world.other)->timing, TIMING_GOOD);
        if (cases[i].signs)
            assert_int_equal(inquiry->live_ttl_s, TTL_S);
        inquiry_free(inquiry);
        world_clear(&world);
    }
}

/* Rubbish that claims to be an old signature points at no clock. */
static void test_a_forged_old_signature_is_no_old_signature(void **state)
{
    (void)state;
    struct world world;
    struct inquiry *inquiry = inquiry_new();
    world_init(&world);
    struct rrsig fields = honest_fields(world.anchor, world.set, dname_root(), NOW_S - 2 * DAY_S, NOW_S - DAY_S);
    struct octets rdata = sign_as(world.arena, world.anchor, world.set, &fields);
    ((uint8_t *)(uintptr_t)rdata.data)[rdata.len - 1] ^= 1;
    add_signature(world.arena, world.set, rdata);
    inquiry_take_live(inquiry, &world.rules, &world.outcome);
    assert_false(find_live(inquiry, world.anchor)->signs);
    assert_int_equal(find_live(inquiry, world.anchor)->timing, TIMING_GOOD);
    inquiry_free(inquiry);
    world_clear(&world);
}

static void test_what_is_no_answer(void **state)
{
    (void)state;
    struct world world;
    struct inquiry *inquiry = inquiry_new();
    world_init(&world);
    world.answer.kind = ANSWER_NODATA;
    inquiry_take_live(inquiry, &world.rules, &world.outcome);
    assert_false(inquiry->has_live);
    assert_string_equal(inquiry->live_fault, "was not answered");
    world.answer.kind = ANSWER_DATA;
    world.set->type = TYPE_NS;
    inquiry_take_live(inquiry, &world.rules, &world.outcome);
    assert_false(inquiry->has_live);
    world.outcome.link_count = 0;
    world.outcome.ede_count = 1;
    world.outcome.edes[0].text = "nobody is there";
    inquiry_take_live(inquiry, &world.rules, &world.outcome);
    assert_string_equal(inquiry->live_fault, "nobody is there");
    inquiry_free(inquiry);
    world_clear(&world);
}

static void test_documents_that_are_not_believed(void **state)
{
    (void)state;
    static const uint8_t rubbish[] = "rubbish";
    struct world world;
    struct inquiry *inquiry = inquiry_new();
    struct anchor_changes changes;
    const char *fault;
    world_init(&world);
    sign(&world, world.anchor, -DAY_S, DAY_S);
    inquiry_take_live(inquiry, &world.rules, &world.outcome);
    struct documents documents = { .source = "http://data/", .fault = "HTTP status 404" };
    assert_false(inquiry_take_documents(inquiry, &world.rules, &documents));
    assert_string_equal(inquiry->xml_fault, "http://data/: HTTP status 404");
    documents.fault[0] = '\0';
    documents.xml = documents.signature = (struct octets) { rubbish, sizeof(rubbish) };
    assert_false(inquiry_take_documents(inquiry, &world.rules, &documents));
    assert_string_equal(inquiry->xml_fault, "http://data/: not genuine: not a CMS message in DER");
    world.rules.now.wall_is_fit = false;
    assert_false(inquiry_take_documents(inquiry, &world.rules, &documents));
    assert_string_equal(inquiry->xml_fault, "http://data/: the clock is unfit, certificates cannot be judged by it");
    struct managed *managed = managed_new();
    assert_false(inquiry_adopt(inquiry, &world.rules, managed_add_zone(managed, dname_root()), &changes, &fault));
    assert_ptr_equal(fault, inquiry->xml_fault);
    assert_int_equal(changes.count, 0);
    managed_free(managed);
    inquiry_free(inquiry);
    world_clear(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_signs_the_published_set),
        cmocka_unit_test(test_a_forged_old_signature_is_no_old_signature),
        cmocka_unit_test(test_what_is_no_answer),
        cmocka_unit_test(test_documents_that_are_not_believed),
    };
    set_hash_secret();
    return cmocka_run_group_tests_name("steward/inquiry", tests, NULL, NULL);
}
