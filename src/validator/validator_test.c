#include "validator/validator.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "message/testing.h"
#include "tests/support/world.h"
#include "validator/answer_proofs.h"

enum { P256 = ALGORITHM_ECDSAP256SHA256, DAY_S = 86400, HOUR_S = 3600 };

#define NOW_S INT64_C(1795000000) /* 2026-11-18 */

/* ---- the world: root, example. (NSEC), optout. (NSEC3 opt-out), zones below them ---- */

/* example. and what stands below it; NSEC in canonical order. */
static void build_example(struct world *world)
{
    static const char *const sets[] = {
        "alias.example. 300 CNAME www.example.",
        "d.example. 300 DNAME www.",
        "www.example. 300 A 192.0.2.1",
        "*.wild.example. 300 A 192.0.2.2",
        "example. NSEC alias.example. NS SOA RRSIG NSEC DNSKEY",
        "alias.example. NSEC child.example. CNAME RRSIG NSEC",
        "child.example. NSEC d.example. NS DS RRSIG NSEC",
        "d.example. NSEC gost.example. DNAME RRSIG NSEC",
        "gost.example. NSEC plain.example. NS DS RRSIG NSEC",
        "plain.example. NSEC *.wild.example. NS RRSIG NSEC",
        "*.wild.example. NSEC www.example. A RRSIG NSEC",
        "www.example. NSEC example. A RRSIG NSEC",
    };
    struct world_zone *example = world_add_zone(world, "example.", P256);
    for (size_t i = 0; i < ARRAY_LEN(sets); i++)
        world_add(world, example, sets[i]);
    struct world_zone *child = world_add_zone(world, "child.example.", P256);
    world_add(world, child, "www.child.example. 300 A 192.0.2.3");
    world_add(world, child, "child.example. NSEC www.child.example. NS SOA RRSIG NSEC DNSKEY");
    world_add(world, child, "www.child.example. NSEC child.example. A RRSIG NSEC");
    struct world_zone *plain = world_add_zone(world, "plain.example.", 0);
    world_add(world, plain, "www.plain.example. 300 A 192.0.2.4");
    struct world_zone *gost = world_add_zone(world, "gost.example.", P256);
    world_add(world, gost, "www.gost.example. 300 A 192.0.2.5");
}

/* The NSEC3 of a name that stands alone in its chain: everything else is covered by it. */
static void build_optout(struct world *world)
{
    struct world_zone *optout = world_add_zone(world, "optout.", P256);
    struct dname apex = name_of("optout.");
    char *hash = nsec3_label(world->arena, &apex, (struct octets) { NULL, 0 }, 0);
    world_add(world, optout,
              arena_printf(world->arena, "%s.optout. NSEC3 1 1 0 - %s NS SOA RRSIG DNSKEY NSEC3PARAM", hash, hash));
    struct world_zone *below = world_add_zone(world, "u.optout.", 0);
    world_add(world, below, "www.u.optout. 300 A 192.0.2.6");
}

static void set_unsupported_ds(struct world *world, const char *zone, uint8_t algorithm, uint8_t digest_type)
{
    uint8_t data[4 + 32] = { 0x12, 0x34, algorithm, digest_type };
    struct octets ds = { data, sizeof(data) };
    ds = octets_copy(world->arena, ds);
    world_set_ds(world, world_zone(world, zone), &ds, 1);
}

static struct world *build_at(int64_t now_s)
{
    struct world *world = world_new(now_s);
    struct world_zone *root = world_zone(world, ".");
    world_add(world, root, ". NSEC example. NS SOA RRSIG NSEC DNSKEY");
    world_add(world, root, "example. NSEC optout. NS DS RRSIG NSEC");
    world_add(world, root, "optout. NSEC . NS DS RRSIG NSEC");
    build_example(world);
    build_optout(world);
    set_unsupported_ds(world, "gost.example.", 12, DIGEST_SHA256);
    return world;
}

static int set_up(void **state)
{
    *state = build_at(NOW_S);
    return 0;
}

static int tear_down(void **state)
{
    world_free(*state);
    return 0;
}

static void must_be(const char *why, const struct verdict *verdict, enum security security, int ede, const char *site)
{
    if (verdict->security != security || verdict->ede != ede || (site != NULL && strcmp(verdict->site, site) != 0))
        fail_msg("%s: %s, EDE %d, %s (%s) instead of %s, EDE %d, %s", why, security_text(verdict->security),
                 verdict->ede, verdict->site, verdict->text, security_text(security), ede, site == NULL ? "any" : site);
}

static const struct verdict *judge_name(struct world *world, const char *qname, uint16_t qtype)
{
    return world_judge(world, world_answer(world, qname, qtype));
}

/* ---- all is well ---- */

static const struct {
    const char *qname;
    uint16_t qtype;
    enum answer_kind kind;
    enum security security;
    int ede;
    const char *site;
} good[] = {
    { ".", TYPE_DNSKEY, ANSWER_DATA, SECURE, EDE_NONE, NULL },
    { ".", TYPE_SOA, ANSWER_DATA, SECURE, EDE_NONE, NULL },
    { ".", TYPE_DS, ANSWER_NODATA, SECURE, EDE_NONE, NULL },
    { "example.", TYPE_DNSKEY, ANSWER_DATA, SECURE, EDE_NONE, NULL },
    { "example.", TYPE_DS, ANSWER_DATA, SECURE, EDE_NONE, NULL },
    { "www.example.", TYPE_A, ANSWER_DATA, SECURE, EDE_NONE, "secure" },
    { "WWW.Example.", TYPE_A, ANSWER_DATA, SECURE, EDE_NONE, "secure" },
    { "www.example.", TYPE_TXT, ANSWER_NODATA, SECURE, EDE_NONE, NULL },
    { "www.example.", TYPE_DS, ANSWER_NODATA, SECURE, EDE_NONE, NULL },
    { "www.example.", TYPE_DNSKEY, ANSWER_NODATA, SECURE, EDE_NONE, NULL },
    { "alias.example.", TYPE_A, ANSWER_CNAME, SECURE, EDE_NONE, NULL },
    { "alias.example.", TYPE_DS, ANSWER_CNAME, SECURE, EDE_NONE, NULL },
    { "x.d.example.", TYPE_A, ANSWER_DNAME, SECURE, EDE_NONE, NULL }, /* R4.8 */
    { "x.d.example.", TYPE_DS, ANSWER_DNAME, SECURE, EDE_NONE, NULL },
    { "nope.example.", TYPE_A, ANSWER_NXDOMAIN, SECURE, EDE_NONE, NULL },
    { "nope.example.", TYPE_DS, ANSWER_NXDOMAIN, SECURE, EDE_NONE, NULL },
    { "wild.example.", TYPE_A, ANSWER_NODATA, SECURE, EDE_NONE, NULL }, /* an empty non-terminal */
    { "x.wild.example.", TYPE_A, ANSWER_DATA, SECURE, EDE_NONE, NULL }, /* R4.2-b */
    { "x.y.wild.example.", TYPE_A, ANSWER_DATA, SECURE, EDE_NONE, NULL },
    { "*.wild.example.", TYPE_A, ANSWER_DATA, SECURE, EDE_NONE, NULL }, /* RFC 4592 section 3.3.1 */
    { "x.wild.example.", TYPE_TXT, ANSWER_NODATA, SECURE, EDE_NONE, NULL },
    { "child.example.", TYPE_DS, ANSWER_DATA, SECURE, EDE_NONE, NULL },
    { "child.example.", TYPE_SOA, ANSWER_DATA, SECURE, EDE_NONE, NULL },
    { "www.child.example.", TYPE_A, ANSWER_DATA, SECURE, EDE_NONE, NULL },
    { "nope.child.example.", TYPE_A, ANSWER_NXDOMAIN, SECURE, EDE_NONE, NULL },
    { "plain.example.", TYPE_DS, ANSWER_NODATA, SECURE, EDE_NONE, NULL },
    { "plain.example.", TYPE_SOA, ANSWER_DATA, INSECURE, EDE_NONE, "insecure-delegation" },
    { "plain.example.", TYPE_DNSKEY, ANSWER_NODATA, INSECURE, EDE_NONE, "insecure-delegation" },
    { "www.plain.example.", TYPE_A, ANSWER_DATA, INSECURE, EDE_NONE, "insecure-delegation" },
    { "nope.plain.example.", TYPE_A, ANSWER_NXDOMAIN, INSECURE, EDE_NONE, "insecure-delegation" },
    { "nope.plain.example.", TYPE_DS, ANSWER_NXDOMAIN, INSECURE, EDE_NONE, "insecure-delegation" },
    { "www.gost.example.", TYPE_A, ANSWER_DATA, INSECURE, EDE_UNSUPPORTED_DNSKEY_ALGORITHM, "ds-unsupported" },
    { "gost.example.", TYPE_DNSKEY, ANSWER_DATA, INSECURE, EDE_UNSUPPORTED_DNSKEY_ALGORITHM, "ds-unsupported" },
    { "optout.", TYPE_TXT, ANSWER_NODATA, SECURE, EDE_NONE, NULL },
    { "u.optout.", TYPE_DS, ANSWER_NODATA, INSECURE, EDE_NONE, "opt-out" }, /* RFC 5155 section 9.2 */
    { "www.u.optout.", TYPE_A, ANSWER_DATA, INSECURE, EDE_NONE, "opt-out" },
    { "nope.optout.", TYPE_A, ANSWER_NXDOMAIN, INSECURE, EDE_NONE, "opt-out" },
};

static void good_world(struct world *world)
{
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        struct answer *answer = world_answer(world, good[i].qname, good[i].qtype);
        if (answer->kind != good[i].kind)
            fail_msg("the world answers %s in another way", good[i].qname);
        must_be(good[i].qname, world_judge(world, answer), good[i].security, good[i].ede, good[i].site);
    }
}

/* R4.2-a, R4.3 */
static void what_is_good_is_secure_or_insecure(void **state)
{
    good_world(*state);
}

/* The same over the places where delegations hint at cuts. */
static void hints_change_no_verdict(void **state)
{
    struct world *world = *state;
    static const char *const cuts[] = { "example.", "optout.", "child.example.", "plain.example.", "u.optout." };
    for (size_t i = 0; i < ARRAY_LEN(cuts); i++)
        world_hint(world, cuts[i]);
    good_world(world);
    world_hint(world, "www.example."); /* nobody must believe it */
    world_hint(world, "x.wild.example.");
    good_world(world);
}

/* RFC 4034 section 3.1.5: RRSIG times wrap in 2106. */
static void serial_time_wraps(void **state)
{
    (void)state;
    static const int64_t times[] = { INT64_C(4294967296), INT64_C(4294967295), INT64_C(2147483648) };
    for (size_t i = 0; i < ARRAY_LEN(times); i++) {
        struct world *world = build_at(times[i]);
        good_world(world);
        assert_true(judge_name(world, "www.example.", TYPE_A)->valid_until_s == times[i] + DAY_S);
        world_free(world);
    }
}

/* R4.2-c: bottom-up, no more than what the signatures name. */
static void asks_for_what_it_needs(void **state)
{
    struct world *world = *state;
    static const struct {
        const char *qname;
        uint16_t qtype;
        const char *asked[6];
    } rows[] = {
        { "www.example.", TYPE_A, { "DS example.", "DNSKEY .", "DNSKEY example." } },
        { ".", TYPE_DNSKEY, { NULL } },
        { ".", TYPE_SOA, { "DNSKEY ." } },
        { "example.", TYPE_DNSKEY, { "DS example.", "DNSKEY ." } },
        { "example.", TYPE_DS, { "DNSKEY ." } },
        { "www.child.example.",
          TYPE_A,
          { "DS child.example.", "DS example.", "DNSKEY .", "DNSKEY example.", "DNSKEY child.example." } },
        { "www.plain.example.", TYPE_A, { "DNSKEY .", "DS example.", "DNSKEY example.", "DS plain.example." } },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        size_t n = 0;
        judge_name(world, rows[i].qname, rows[i].qtype);
        for (; n < ARRAY_LEN(rows[i].asked) && rows[i].asked[n] != NULL; n++)
            assert_string_equal(n < world->asked_count ? world->asked[n] : "nothing", rows[i].asked[n]);
        assert_int_equal(world->asked_count, n);
    }
}

/* Nothing is verified twice, however often facts and turns bring us back. */
static void nothing_is_verified_twice(void **state)
{
    struct world *world = *state;
    judge_name(world, "www.example.", TYPE_A); /* DNSKEY ., DS example., DNSKEY example., the A RRset */
    assert_int_equal(SIGNATURE_CHECKS_MAX - world->budget.signature_checks, 4);
    assert_int_equal(world->turns, 1);          /* R-budget: CHECKS_PER_TURN */
    judge_name(world, "nope.example.", TYPE_A); /* 3 for the keys, SOA and 8 NSEC */
    assert_int_equal(SIGNATURE_CHECKS_MAX - world->budget.signature_checks, 3 + 1 + 8);
}

/* What a verdict rests on. */
static void verdicts_name_their_grounds(void **state)
{
    struct world *world = *state;
    struct world_zone *root = world_zone(world, "."), *example = world_zone(world, "example.");
    uint64_t root_key = key_id(&root->name, signer_dnskey(root->key));
    uint64_t example_key = key_id(&example->name, signer_dnskey(example->key));

    struct rrset *ds = world_set(world, "example.", TYPE_DS);
    struct rrsig fields = world_fields(world, root, ds);
    fields.expiration = (uint32_t)(NOW_S + HOUR_S);
    world_sign_as(world, root, ds, &fields);
    const struct verdict *verdict = judge_name(world, "www.example.", TYPE_A);
    assert_int_equal(verdict->lineage.count, 2);
    assert_true(verdict->lineage.keys[0] == root_key || verdict->lineage.keys[1] == root_key);
    assert_true(verdict->lineage.keys[0] == example_key || verdict->lineage.keys[1] == example_key);
    assert_true(verdict->valid_until_s == NOW_S + HOUR_S); /* the DS set's: the first to end */
    assert_int_equal(verdict->ttl_cap_s, 300);             /* RFC 4035 section 5.3.3: of the A RRset alone */

    verdict = judge_name(world, "www.plain.example.", TYPE_A); /* Insecure by proof rests on the proof */
    assert_int_equal(verdict->lineage.count, 2);
    assert_true(verdict->valid_until_s == NOW_S + HOUR_S);
    assert_true(verdict->ttl_cap_s == UINT32_MAX);

    verdict = judge_name(world, "www.example.", TYPE_TXT);
    assert_int_equal(verdict->ttl_cap_s, 900); /* the SOA's; the NSEC stay an hour */
}

/* R4.6-b: no record behind an AD bit that was not verified. */
static void unverified_proofs_are_taken_out(void **state)
{
    struct world *world = *state;
    struct answer *answer = world_answer(world, "nope.example.", TYPE_A);
    struct rrset *bad = rrset_copy(world->arena, world_set(world, "www.example.", TYPE_NSEC));
    uint16_t count = answer->proofs.count;
    struct dname evil = name_of("evil.example.");
    bad->owner = &evil;
    world_put(world, &answer->proofs, bad);
    world_put(world, &answer->proofs, rrset_of(world->arena, "evil.example. NSEC z.example. A RRSIG NSEC"));
    world_put(world, &answer->proofs, world_set(world, "www.child.example.", TYPE_NSEC)); /* another zone's */
    must_be("R4.6-b", world_judge(world, answer), SECURE, EDE_NONE, NULL);
    assert_int_equal(answer->proofs.count, count);
    answer = world_answer(world, "www.example.", TYPE_A);
    world_put_denial(world, answer, "example.");
    must_be("R4.6-b", world_judge(world, answer), SECURE, EDE_NONE, NULL);
    assert_int_equal(answer->proofs.count, 0);
}

/* Nor a signature: one that names a name below the zone would make the proof, once out of the cache, one of a zone that
 * does not exist, and what it proves Bogus. */
static void signatures_of_others_are_taken_out_of_proofs(void **state)
{
    static const char stray[] = "a.example. 300 NSEC b.example. A\n"
                                "a.example. 300 RRSIG NSEC 13 2 300 20300101000000 20200101000000 7 wild.example. AAAA";
    struct world *world = *state;
    struct answer *answer = world_new_answer(world, "x.wild.example.", TYPE_DS, ANSWER_NODATA);
    struct rrset *nsec = rrset_copy(world->arena, world_set(world, "*.wild.example.", TYPE_NSEC));
    add_signature(world->arena, nsec, rrset_of(world->arena, stray)->sigs[0]);
    world_put(world, &answer->proofs, nsec);
    world_put(world, &answer->proofs, world_set(world, "example.", TYPE_SOA));
    must_be("R4.6-b", world_judge(world, answer), SECURE, EDE_NONE, NULL);
    assert_int_equal(answer->proofs.count, 2);
    for (uint16_t i = 0; i < answer->proofs.count; i++)
        assert_int_equal(answer->proofs.items[i]->sig_count, 1);
}

/* ---- signatures ---- */

struct alteration {
    const char *why;
    int32_t inception_s, expiration_s; /* from now; 0: as it was */
    int labels;                        /* -1: as they were */
    uint8_t algorithm;
    uint16_t key_tag_xor;
    const char *signer;
    bool spoil;
    enum security security;
    int ede;
    const char *site;
};

static void alter(struct world *world, const struct world_zone *zone, struct rrset *rrset, const struct alteration *row)
{
    struct rrsig fields = world_fields(world, zone, rrset);
    if (row->inception_s != 0)
        fields.inception = (uint32_t)(NOW_S + row->inception_s);
    if (row->expiration_s != 0)
        fields.expiration = (uint32_t)(NOW_S + row->expiration_s);
    if (row->labels >= 0)
        fields.labels = (uint8_t)row->labels;
    if (row->algorithm != 0)
        fields.algorithm = row->algorithm;
    if (row->signer != NULL)
        fields.signer = name_of(row->signer);
    fields.key_tag ^= row->key_tag_xor;
    if (fields.labels > rrset->owner->labels) { /* cannot be signed, only claimed */
        uint8_t labels = fields.labels;
        fields.labels = rrset->owner->labels;
        world_sign_as(world, zone, rrset, &fields);
        ((uint8_t *)rrset->sigs[0].data)[3] = labels;
    } else {
        world_sign_as(world, zone, rrset, &fields);
    }
    if (row->spoil)
        ((uint8_t *)rrset->sigs[0].data)[rrset->sigs[0].len - 1] ^= 1;
}

static const struct alteration alterations[] = {
    { "untouched", .labels = -1, .security = SECURE, .ede = EDE_NONE },
    { "RFC 4035 5.3.1: expired", .labels = -1, .expiration_s = -1, .security = BOGUS, .ede = EDE_SIGNATURE_EXPIRED,
      .site = "rrsig-expired" },
    { "RFC 4035 5.3.1: the last second", .labels = -1, .inception_s = -HOUR_S, .expiration_s = 1, .security = SECURE,
      .ede = EDE_NONE },
    { "RFC 4035 5.3.1: not yet valid", .labels = -1, .inception_s = 1, .security = BOGUS,
      .ede = EDE_SIGNATURE_NOT_YET_VALID, .site = "rrsig-not-yet-valid" },
    { "RFC 8914 25: ends before it begins", .labels = -1, .inception_s = 100, .expiration_s = -100, .security = BOGUS,
      .ede = EDE_EXPIRED_BEFORE_VALID, .site = "rrsig-inverted" },
    { "RFC 4035 5.3.1: more labels than the owner", .labels = 4, .security = BOGUS, .ede = EDE_BOGUS,
      .site = "rrsig-labels" },
    { "CVE-2026-11721: fewer labels than the signer", .labels = 1, .security = BOGUS, .ede = EDE_BOGUS,
      .site = "rrsig-labels" },
    { "R4.2-b: a wildcard without its proof", .labels = 2, .security = BOGUS, .ede = EDE_NSEC_MISSING,
      .site = "nsec-missing" },
    { "no key of that tag", .labels = -1, .key_tag_xor = 1, .security = BOGUS, .ede = EDE_DNSKEY_MISSING,
      .site = "dnskey-missing" },
    { "rules: signatures of unsupported algorithms only", .labels = -1, .algorithm = 12, .security = BOGUS,
      .ede = EDE_RRSIGS_MISSING, .site = "rrsig-algorithm" },
    { "another supported algorithm than the key's", .labels = -1, .algorithm = 8, .security = BOGUS,
      .ede = EDE_DNSKEY_MISSING, .site = "dnskey-missing" },
    { "the signature is wrong", .labels = -1, .spoil = true, .security = BOGUS, .ede = EDE_BOGUS, .site = "rrsig-bad" },
    { "a zone above signed", .labels = -1, .signer = "example.", .security = BOGUS, .ede = EDE_DNSKEY_MISSING,
      .site = "dnskey-missing" },
    { "a signer that is no zone", .labels = -1, .signer = "www.child.example.", .security = BOGUS,
      .ede = EDE_RRSIGS_MISSING, .site = "rrsig-missing" },
    { "a signer elsewhere", .labels = -1, .signer = "optout.", .security = BOGUS, .ede = EDE_RRSIGS_MISSING,
      .site = "rrsig-missing" },
    { "expired and wrong: what the clock says comes first", .labels = -1, .expiration_s = -1, .spoil = true,
      .security = BOGUS, .ede = EDE_SIGNATURE_EXPIRED, .site = "rrsig-expired" },
};

static void every_alteration(void **state)
{
    struct world *world = *state;
    struct world_zone *child = world_zone(world, "child.example.");
    for (size_t i = 0; i < ARRAY_LEN(alterations); i++) {
        alter(world, child, world_set(world, "www.child.example.", TYPE_A), &alterations[i]);
        const struct verdict *verdict = judge_name(world, "www.child.example.", TYPE_A);
        must_be(alterations[i].why, verdict, alterations[i].security, alterations[i].ede, alterations[i].site);
        if (verdict->security == BOGUS) {
            assert_true(verdict->text[0] != '\0');
            assert_non_null(verdict->explanation);
            assert_int_equal(verdict->explanation->failed_type, TYPE_A);
        }
    }
}

/* One good signature suffices, whatever stands beside it (RFC 6840 section 5.11). */
static void one_good_signature_suffices(void **state)
{
    struct world *world = *state;
    struct world_zone *child = world_zone(world, "child.example.");
    struct rrset *rrset = world_set(world, "www.child.example.", TYPE_A);
    struct octets honest = rrset->sigs[0];
    for (size_t i = 1; i < ARRAY_LEN(alterations); i++) {
        if (strcmp(alterations[i].why, "R4.2-b: a wildcard without its proof") == 0)
            continue;
        alter(world, child, rrset, &alterations[i]);
        add_signature(world->arena, rrset, honest);
        must_be(alterations[i].why, judge_name(world, "www.child.example.", TYPE_A), SECURE, EDE_NONE, NULL);
    }
}

/* The cause is told where it is, not where it shows; text and key are those of the root cause. */
static void the_cause_is_told(void **state)
{
    struct world *world = *state;
    struct world_zone *root = world_zone(world, "."), *example = world_zone(world, "example.");
    struct alteration expired = { .labels = -1, .expiration_s = -DAY_S };
    alter(world, example, world_set(world, "example.", TYPE_DNSKEY), &expired);
    const struct verdict *verdict = judge_name(world, "www.child.example.", TYPE_A);
    char text[EXTRA_TEXT_MAX];
    snprintf(text, sizeof(text), "RRSIG DNSKEY example. by example. key %u alg 13 expired 2026-11-17T11:06:40Z",
             signer_key_tag(example->key));
    must_be("D9-run-a", verdict, BOGUS, EDE_SIGNATURE_EXPIRED, "rrsig-expired");
    assert_string_equal(verdict->text, text);
    assert_int_equal(verdict->explanation->failed_key_tag, signer_key_tag(example->key));
    assert_int_equal(verdict->explanation->failed_algorithm, P256);
    assert_int_equal(verdict->explanation->failed_type, TYPE_DNSKEY);
    assert_true(dname_equal(&verdict->explanation->failed_name, &example->name));

    alter(world, root, world_set(world, "example.", TYPE_DS), &(struct alteration) { .labels = -1, .spoil = true });
    verdict = judge_name(world, "www.plain.example.", TYPE_A); /* even where data is not signed */
    must_be("D9-run-a", verdict, BOGUS, EDE_BOGUS, "rrsig-bad");
    assert_int_equal(verdict->explanation->failed_type, TYPE_DS);
}

/* RFC 4035 section 3.1.4.1: the DS set is signed by the parent, the keys by the child. */
static void who_may_sign_what(void **state)
{
    struct world *world = *state;
    struct world_zone *child = world_zone(world, "child.example."), *example = world_zone(world, "example.");
    world_sign(world, child, child->ds);
    must_be("the child signs its DS", judge_name(world, "child.example.", TYPE_DS), BOGUS, EDE_RRSIGS_MISSING, NULL);
    world_sign(world, example, child->ds);
    struct rrset *dnskeys = world_set(world, "child.example.", TYPE_DNSKEY);
    world_sign(world, example, dnskeys);
    must_be("the parent signs the keys", judge_name(world, "child.example.", TYPE_DNSKEY), BOGUS, EDE_RRSIGS_MISSING,
            "rrsig-missing");
    must_be("… and below", judge_name(world, "www.child.example.", TYPE_A), BOGUS, EDE_RRSIGS_MISSING, "rrsig-missing");
    world_sign(world, child, dnskeys);

    struct rrset *data = world_set(world, "www.child.example.", TYPE_A);
    world_sign(world, example, data);
    world_hint(world, "child.example.");
    must_be("the parent signs the child's data", judge_name(world, "www.child.example.", TYPE_A), BOGUS, EDE_BOGUS,
            "rrsig-not-the-zone");
}

/* ---- keys and DS ---- */

static void use_keys(struct world *world, struct world_zone *zone, struct octets *rdata, uint16_t count)
{
    struct rrset *dnskeys = world_set(world, ".", TYPE_DNSKEY);
    for (uint16_t i = 0; i < zone->count; i++)
        if (zone->sets[i]->type == TYPE_DNSKEY)
            dnskeys = zone->sets[i];
    dnskeys->rdata = rdata;
    dnskeys->count = count;
    world_sign(world, zone, dnskeys);
}

/* The zone's own key with other flags or protocol, and a DS that names it. */
static void key_flags(void **state)
{
    struct world *world = *state;
    static const struct {
        const char *why;
        uint16_t flags;
        uint8_t protocol;
        enum security security;
        int ede;
        const char *site;
    } rows[] = {
        { "SEP says nothing", DNSKEY_ZONE, 3, SECURE, EDE_NONE, NULL },
        { "RFC 4035 5.3.1: no ZONE flag", DNSKEY_SEP, 3, BOGUS, EDE_NO_ZONE_KEY_BIT, "dnskey-not-zone-key" },
        { "RFC 4034 2.1.2: protocol", DNSKEY_ZONE, 2, BOGUS, EDE_NO_ZONE_KEY_BIT, "dnskey-not-zone-key" },
        { "RFC 5011 2.1: revoked", DNSKEY_ZONE | DNSKEY_REVOKE, 3, BOGUS, EDE_DNSKEY_MISSING, "dnskey-revoked" },
    };
    struct world_zone *child = world_zone(world, "child.example.");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct octets own = octets_copy(world->arena, signer_dnskey(child->key));
        uint8_t *octets = (uint8_t *)own.data;
        octets[0] = (uint8_t)(rows[i].flags >> 8);
        octets[1] = (uint8_t)rows[i].flags;
        octets[2] = rows[i].protocol;
        struct octets ds = make_ds(world->arena, &child->name, own, DIGEST_SHA256);
        world_set_ds(world, child, &ds, 1);
        struct rrset *dnskeys = world_set(world, "child.example.", TYPE_DNSKEY);
        dnskeys->rdata = arena_copy(world->arena, &own, sizeof(own));
        struct rrsig fields = world_fields(world, child, dnskeys);
        fields.key_tag = dnskey_tag(own);
        world_sign_as(world, child, dnskeys, &fields);
        must_be(rows[i].why, judge_name(world, "child.example.", TYPE_DNSKEY), rows[i].security, rows[i].ede,
                rows[i].site);
    }
}

/* RFC 4509 section 3, RFC 6840 section 5.11, RFC 4035 section 5.2 */
static void ds_choice(void **state)
{
    struct world *world = *state;
    struct world_zone *child = world_zone(world, "child.example.");
    struct octets key = signer_dnskey(child->key);
    struct octets sha1 = make_ds(world->arena, &child->name, key, DIGEST_SHA1);
    struct octets sha256 = make_ds(world->arena, &child->name, key, DIGEST_SHA256);
    struct octets sha384 = make_ds(world->arena, &child->name, key, DIGEST_SHA384);
    struct octets wrong256 = octets_copy(world->arena, sha256), gost = octets_copy(world->arena, sha256);
    struct octets gost_digest = octets_copy(world->arena, sha256);
    ((uint8_t *)wrong256.data)[10] ^= 1;
    ((uint8_t *)gost.data)[2] = 12;
    ((uint8_t *)gost_digest.data)[3] = 3;
    const struct {
        const char *why;
        struct octets ds[3];
        uint16_t count;
        enum security security;
        int ede;
    } rows[] = {
        { "SHA-1 alone", { sha1 }, 1, SECURE, EDE_NONE },
        { "SHA-384", { sha384 }, 1, SECURE, EDE_NONE },
        { "no match", { wrong256 }, 1, BOGUS, EDE_DNSKEY_MISSING },
        { "any match suffices", { wrong256, sha384 }, 2, SECURE, EDE_NONE },
        { "SHA-1 is dropped beside SHA-2", { sha1, wrong256 }, 2, BOGUS, EDE_DNSKEY_MISSING },
        { "SHA-1 stays beside what is unsupported", { sha1, gost }, 2, SECURE, EDE_NONE },
        { "unsupported algorithm", { gost }, 1, INSECURE, EDE_UNSUPPORTED_DNSKEY_ALGORITHM },
        { "unsupported digest", { gost_digest }, 1, INSECURE, EDE_UNSUPPORTED_DS_DIGEST },
        { "both unsupported", { gost, gost_digest }, 2, INSECURE, EDE_UNSUPPORTED_DS_DIGEST },
        { "one supported: the others say nothing", { gost, gost_digest, sha256 }, 3, SECURE, EDE_NONE },
        { "one supported and wrong: no way round it", { gost, wrong256 }, 2, BOGUS, EDE_DNSKEY_MISSING },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        world_set_ds(world, child, rows[i].ds, rows[i].count);
        must_be(rows[i].why, judge_name(world, "www.child.example.", TYPE_A), rows[i].security, rows[i].ede, NULL);
    }
    struct octets many[40]; /* however they are ordered, those beyond the limit must not hide a supported one */
    for (size_t i = 0; i < ARRAY_LEN(many); i++)
        many[i] = i == 39 ? sha256 : gost;
    world_set_ds(world, child, many, ARRAY_LEN(many));
    must_be("the last of many", judge_name(world, "www.child.example.", TYPE_A), SECURE, EDE_NONE, NULL);
}

/* RFC 9905 and the operator's choice: switched off is unsupported is insecure. */
static void policy_decides_what_is_supported(void **state)
{
    struct world *world = *state;
    world->policy.algorithms[P256] = NULL;
    must_be("the anchor fails closed", judge_name(world, "www.example.", TYPE_A), BOGUS,
            EDE_UNSUPPORTED_DNSKEY_ALGORITHM, "anchor-unsupported");
    must_be("… for what is unsigned too", judge_name(world, "www.plain.example.", TYPE_A), BOGUS,
            EDE_UNSUPPORTED_DNSKEY_ALGORITHM, "anchor-unsupported");
    struct crypto_options options = crypto_options_default();
    crypto_policy_make(&options, &world->policy);
    world->policy.digests[DIGEST_SHA256] = NULL;
    must_be("digest off", judge_name(world, "www.example.", TYPE_A), INSECURE, EDE_UNSUPPORTED_DS_DIGEST,
            "ds-unsupported");
}

/* What RFC 6840 section 5.11 advises against, and an operator may want. */
static void all_algorithms_where_demanded(void **state)
{
    struct world *world = *state;
    struct world_zone *child = world_zone(world, "child.example.");
    struct signer *second = signer_new(ALGORITHM_ED25519, DNSKEY_ZONE | DNSKEY_SEP, 77);
    struct octets keys[] = { signer_dnskey(child->key), signer_dnskey(second) };
    struct octets ds[] = { make_ds(world->arena, &child->name, keys[0], DIGEST_SHA256),
                           make_ds(world->arena, &child->name, keys[1], DIGEST_SHA256) };
    struct rrset *data = world_set(world, "www.child.example.", TYPE_A);
    struct rrset *dnskeys = world_set(world, "child.example.", TYPE_DNSKEY);
    world_set_ds(world, child, ds, ARRAY_LEN(ds));
    use_keys(world, child, keys, ARRAY_LEN(keys));
    must_be("any path will do", judge_name(world, "www.child.example.", TYPE_A), SECURE, EDE_NONE, NULL);
    world->policy.demands_all = true;
    must_be("the keys", judge_name(world, "www.child.example.", TYPE_A), BOGUS, EDE_RRSIGS_MISSING, "rrsig-not-by-all");
    sign_rrset(world->arena, second, dnskeys, &child->name, NOW_S - HOUR_S, NOW_S + DAY_S);
    must_be("the data", judge_name(world, "www.child.example.", TYPE_A), BOGUS, EDE_RRSIGS_MISSING, "rrsig-not-by-all");
    sign_rrset(world->arena, second, data, &child->name, NOW_S - HOUR_S, NOW_S + HOUR_S);
    const struct verdict *verdict = judge_name(world, "www.child.example.", TYPE_A);
    must_be("both", verdict, SECURE, EDE_NONE, NULL);
    assert_int_equal(verdict->valid_until_s, NOW_S + HOUR_S);
    must_be("a zone of one algorithm", judge_name(world, "www.example.", TYPE_A), SECURE, EDE_NONE, NULL);
    signer_free(second);
}

static void key_sets(void **state)
{
    struct world *world = *state;
    struct world_zone *child = world_zone(world, "child.example.");
    struct octets own = signer_dnskey(child->key);
    enum { KEYS = 240 };
    struct octets *keys = ARENA_ARRAY(world->arena, KEYS, struct octets);
    for (uint16_t i = 0; i < KEYS; i++) {
        keys[i] = octets_copy(world->arena, own);
        ((uint8_t *)keys[i].data)[10] ^= (uint8_t)(i + 1);
    }
    keys[KEYS - 1] = own;
    use_keys(world, child, keys, KEYS);
    must_be("many keys", judge_name(world, "www.child.example.", TYPE_A), SECURE, EDE_NONE, NULL);
    world_answer_with(world, "child.example.", TYPE_DNSKEY,
                      world_new_answer(world, "child.example.", TYPE_DNSKEY, ANSWER_NODATA));
    must_be("no keys", judge_name(world, "www.child.example.", TYPE_A), BOGUS, EDE_DNSKEY_MISSING, "dnskey-none");
    must_be("no keys, asked for", world_judge(world, world->specials[0].answer), BOGUS, EDE_DNSKEY_MISSING, NULL);
}

/* ---- anchors, exceptions ---- */

static void trust_in(struct world *world, const char *zone_text, uint16_t type, struct octets rdata)
{
    struct anchor anchor = {
        .zone = name_of(zone_text), .type = type, .rdata = rdata, .valid_from_s = INT64_MIN, .valid_until_s = INT64_MAX
    };
    assert_int_equal(trust_add_anchor(world->trust, &anchor), OK);
}

static void new_trust(struct world *world)
{
    trust_free(world->trust);
    world->trust = trust_new();
}

/* R4.4-a */
static void anchors_anywhere(void **state)
{
    struct world *world = *state;
    struct world_zone *example = world_zone(world, "example."), *child = world_zone(world, "child.example.");
    new_trust(world);
    must_be("no anchor", judge_name(world, "www.example.", TYPE_A), INSECURE, EDE_NONE, "no-anchor");
    trust_in(world, "example.", TYPE_DS,
             make_ds(world->arena, &example->name, signer_dnskey(example->key), DIGEST_SHA256));
    must_be("DS form", judge_name(world, "www.example.", TYPE_A), SECURE, EDE_NONE, NULL);
    must_be("below", judge_name(world, "www.child.example.", TYPE_A), SECURE, EDE_NONE, NULL);
    must_be("beside", judge_name(world, "optout.", TYPE_TXT), INSECURE, EDE_NONE, "no-anchor");
    must_be("the DS at the anchor is the parent's", judge_name(world, "example.", TYPE_DS), INSECURE, EDE_NONE,
            "no-anchor");
    must_be("insecure below", judge_name(world, "www.plain.example.", TYPE_A), INSECURE, EDE_NONE, NULL);
    trust_in(world, "example.", TYPE_DNSKEY, signer_dnskey(child->key));
    must_be("any anchor suffices", judge_name(world, "www.example.", TYPE_A), SECURE, EDE_NONE, NULL);

    new_trust(world);
    trust_in(world, "example.", TYPE_DNSKEY, signer_dnskey(child->key));
    must_be("none of the anchors matches", judge_name(world, "www.example.", TYPE_A), BOGUS, EDE_DNSKEY_MISSING,
            "dnskey-no-match");
    struct anchor ended = { .zone = name_of("example."),
                            .type = TYPE_DNSKEY,
                            .rdata = signer_dnskey(example->key),
                            .valid_from_s = INT64_MIN,
                            .valid_until_s = NOW_S - 1 };
    new_trust(world);
    assert_int_equal(trust_add_anchor(world->trust, &ended), OK);
    must_be("RFC 9718 2.1: the anchor's time is over", judge_name(world, "www.example.", TYPE_A), BOGUS,
            EDE_DNSKEY_MISSING, "anchor-outside-validity");
}

/* RFC 7646, D6-demand; D6-only */
static void exceptions(void **state)
{
    struct world *world = *state;
    struct dname child = name_of("child.example."), alias = name_of("alias.example.");
    struct alteration spoilt = { .labels = -1, .spoil = true };
    alter(world, world_zone(world, "child.example."), world_set(world, "www.child.example.", TYPE_A), &spoilt);
    trust_add_negative(world->trust, &child, NOW_S + HOUR_S, "test");
    trust_add_insecure(world->trust, &alias, "test");
    const struct verdict *verdict = judge_name(world, "www.child.example.", TYPE_A);
    must_be("RFC 7646", verdict, INSECURE, EDE_NEGATIVE_TRUST_ANCHOR, "negative-anchor");
    assert_int_equal(verdict->lineage.count, 1);
    assert_int_equal(world->asked_count, 0);
    must_be("RFC 7646: nothing above", judge_name(world, "www.example.", TYPE_A), SECURE, EDE_NONE, NULL);
    must_be("… the DS is above", judge_name(world, "child.example.", TYPE_DS), SECURE, EDE_NONE, NULL);
    must_be("trust.insecure", judge_name(world, "alias.example.", TYPE_A), INSECURE, EDE_NONE, "insecure-zone");
    world->now_s += 2 * HOUR_S;
    must_be("RFC 7646: over", judge_name(world, "www.child.example.", TYPE_A), BOGUS, EDE_BOGUS, "rrsig-bad");

    struct world_zone *zone = world_zone(world, "child.example.");
    trust_add_negative(world->trust, &world_zone(world, "example.")->name, NOW_S + DAY_S, "test");
    trust_in(world, "child.example.", TYPE_DNSKEY, signer_dnskey(zone->key));
    must_be("rules: an anchor below an NTA wins", judge_name(world, "www.child.example.", TYPE_A), BOGUS, EDE_BOGUS,
            "rrsig-bad");
    must_be("NTA above an unsigned zone", judge_name(world, "www.plain.example.", TYPE_A), INSECURE,
            EDE_NEGATIVE_TRUST_ANCHOR, NULL);
}

/* ---- what cannot be had ---- */

static void missing_facts_are_indeterminate(void **state)
{
    struct world *world = *state;
    world_fail(world, "child.example.", TYPE_DNSKEY, EDE_NO_REACHABLE_AUTHORITY, "4 servers timed out");
    const struct verdict *verdict = judge_name(world, "www.child.example.", TYPE_A);
    must_be("RFC 4035 4.3", verdict, INDETERMINATE, EDE_NO_REACHABLE_AUTHORITY, "fact-unavailable");
    assert_string_equal(verdict->text, "DNSKEY child.example. cannot be had: 4 servers timed out");
    must_be("other zones go on", judge_name(world, "www.example.", TYPE_A), SECURE, EDE_NONE, NULL);
    world_fail(world, "plain.example.", TYPE_DS, EDE_NETWORK_ERROR, NULL);
    must_be("RFC 4035 4.3", judge_name(world, "www.plain.example.", TYPE_A), INDETERMINATE, EDE_NETWORK_ERROR,
            "fact-unavailable");
}

/* ---- what was stripped or replayed ---- */

static struct rrset *without_signatures(struct world *world, const struct rrset *rrset)
{
    struct rrset *copy = rrset_copy(world->arena, rrset);
    copy->sig_count = 0;
    return copy;
}

/* Where a cut might be between a zone and data far below it, somebody must be asked for each label. */
static void the_way_down_ends(void **state)
{
    struct world *world = *state;
    struct world_zone *zone = world_add_zone(world, "deep.", P256);
    const char *name = "a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.deep.";
    world_add(world, zone, "deep. 60 SOA . . 1 2 3 4 60");
    world_add(world, zone, arena_printf(world->arena, "deep. 60 NSEC %s NS SOA RRSIG NSEC DNSKEY", name));
    world_add(world, zone, arena_printf(world->arena, "%s 60 NSEC deep. A RRSIG NSEC", name));
    world_add(world, zone, arena_printf(world->arena, "%s 60 A 192.0.2.1", name));
    struct answer *answer = world_new_answer(world, name, TYPE_A, ANSWER_DATA);
    world_put(world, &answer->rrsets, without_signatures(world, world_set(world, name, TYPE_A)));
    must_be("far below", world_judge(world, answer), BOGUS, EDE_RRSIGS_MISSING, NULL);
    assert_in_range(world->asked_count, 12, 16);
}

/* Reverse names behind a forwarder: zones of several labels each, unknown until they are asked for.  What counts is the
 * way from the last signed one. */
static void the_way_down_begins_at_each_signed_zone(void **state)
{
    struct world *world = *state;
    static const char upper[] = "1.2.3.4.5.6.7.8.deep.", lower[] = "a.b.c.d.e.f.g.h.1.2.3.4.5.6.7.8.deep.";
    struct world_zone *deep = world_add_zone(world, "deep.", P256);
    struct world_zone *middle = world_add_zone(world, upper, P256);
    struct world_zone *plain = world_add_zone(world, lower, 0);
    world_add(world, deep, arena_printf(world->arena, "deep. 60 NSEC %s NS SOA RRSIG NSEC DNSKEY", upper));
    world_add(world, deep, arena_printf(world->arena, "%s 60 NSEC deep. NS DS RRSIG NSEC", upper));
    world_add(world, deep, "deep. 60 SOA . . 1 2 3 4 60");
    world_add(world, middle, arena_printf(world->arena, "%s 60 SOA . . 1 2 3 4 60", upper));
    world_add(world, middle, arena_printf(world->arena, "%s 60 NSEC %s NS SOA RRSIG NSEC DNSKEY", upper, lower));
    world_add(world, middle, arena_printf(world->arena, "%s 60 NSEC %s NS RRSIG NSEC", lower, upper));
    const char *name = arena_printf(world->arena, "www.%s", lower);
    world_add(world, plain, arena_printf(world->arena, "%s 60 A 192.0.2.1", name));
    struct answer *answer = world_new_answer(world, name, TYPE_A, ANSWER_DATA);
    world_put(world, &answer->rrsets, world_set(world, name, TYPE_A));
    must_be("sixteen labels, two zones", world_judge(world, answer), INSECURE, EDE_NONE, "insecure-delegation");
}

static struct answer *stripped(struct world *world, const char *qname, uint16_t qtype, bool denial_too)
{
    struct answer *answer = world_answer(world, qname, qtype);
    for (uint16_t i = 0; i < answer->rrsets.count; i++)
        answer->rrsets.items[i] = without_signatures(world, answer->rrsets.items[i]);
    if (denial_too)
        answer->proofs.count = 0;
    return answer;
}

/* D9-strip */
static void stripped_answers_are_bogus(void **state)
{
    struct world *world = *state;
    static const struct {
        const char *qname;
        uint16_t qtype;
        int ede;
    } rows[] = {
        { "www.example.", TYPE_A, EDE_RRSIGS_MISSING },
        { "example.", TYPE_SOA, EDE_RRSIGS_MISSING },
        { "www.child.example.", TYPE_A, EDE_RRSIGS_MISSING },
        { "alias.example.", TYPE_A, EDE_RRSIGS_MISSING },
        { "alias.example.", TYPE_DS, EDE_RRSIGS_MISSING },
        { "x.d.example.", TYPE_A, EDE_RRSIGS_MISSING },
        { "x.wild.example.", TYPE_A, EDE_RRSIGS_MISSING },
        { "child.example.", TYPE_DS, EDE_RRSIGS_MISSING },
        { "example.", TYPE_DNSKEY, EDE_RRSIGS_MISSING },
        { ".", TYPE_DNSKEY, EDE_RRSIGS_MISSING },
        { "www.example.", TYPE_TXT, EDE_NSEC_MISSING },
        { "nope.example.", TYPE_A, EDE_NSEC_MISSING },
        { "nope.child.example.", TYPE_A, EDE_NSEC_MISSING },
        { "plain.example.", TYPE_DS, EDE_NSEC_MISSING },
        { "nope.", TYPE_A, EDE_NSEC_MISSING },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        must_be(rows[i].qname, world_judge(world, stripped(world, rows[i].qname, rows[i].qtype, true)), BOGUS,
                rows[i].ede, NULL);
    world_hint(world, "example.");
    world_hint(world, "child.example.");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        must_be(rows[i].qname, world_judge(world, stripped(world, rows[i].qname, rows[i].qtype, true)), BOGUS,
                rows[i].ede, NULL);
}

/* The same one step up: a DS answer without signatures proves no insecurity. */
static void stripped_delegations_are_bogus(void **state)
{
    struct world *world = *state;
    struct answer *denied = world_new_answer(world, "child.example.", TYPE_DS, ANSWER_NODATA);
    world_put(world, &denied->proofs,
              without_signatures(world, rrset_of(world->arena, "child.example. NSEC d.example. NS RRSIG NSEC")));
    world_answer_with(world, "child.example.", TYPE_DS, denied);
    must_be("forged", judge_name(world, "www.child.example.", TYPE_A), BOGUS, EDE_RRSIGS_MISSING, NULL);
    must_be("forged", world_judge(world, stripped(world, "www.child.example.", TYPE_A, true)), BOGUS,
            EDE_RRSIGS_MISSING, NULL);
    denied->proofs.count = 0;
    world_put_denial(world, denied, "example."); /* genuine, but they say that the DS is there */
    must_be("replayed", judge_name(world, "www.child.example.", TYPE_A), BOGUS, EDE_NSEC_MISSING, NULL);
    denied->proofs.count = 0;
    world_put_denial(world, denied, "child.example."); /* RFC 6840 section 4.4: the child's own denial */
    must_be("the child's", judge_name(world, "www.child.example.", TYPE_A), BOGUS, EDE_RRSIGS_MISSING, NULL);
    denied->kind = ANSWER_NXDOMAIN;
    must_be("the child's", judge_name(world, "www.child.example.", TYPE_A), BOGUS, EDE_RRSIGS_MISSING, NULL);
}

static struct answer *denied_with(struct world *world, const char *qname, uint16_t qtype, enum answer_kind kind,
                                  const char *zone)
{
    struct answer *answer = world_new_answer(world, qname, qtype, kind);
    world_put_denial(world, answer, zone);
    return answer;
}

/* The RCODE is not signed: where the records deny the type alone, the name error was none. */
static void name_errors_that_deny_the_type(void **state)
{
    struct world *world = *state;
    struct answer *answer = denied_with(world, "www.example.", TYPE_TXT, ANSWER_NXDOMAIN, "example.");
    must_be("a name that exists", world_judge(world, answer), SECURE, EDE_NONE, NULL);
    assert_int_equal(answer->kind, ANSWER_NODATA);
    assert_int_equal(answer->rcode, RCODE_NOERROR);

    answer = denied_with(world, "wild.example.", TYPE_A, ANSWER_NXDOMAIN, "example.");
    must_be("an empty non-terminal", world_judge(world, answer), SECURE, EDE_NONE, NULL);
    assert_int_equal(answer->kind, ANSWER_NODATA);

    answer = denied_with(world, "u.optout.", TYPE_A, ANSWER_NXDOMAIN, "optout.");
    assert_int_not_equal(world_judge(world, answer)->security, SECURE);
    assert_int_equal(answer->kind, ANSWER_NXDOMAIN);
}

/* RFC 6840 section 4.1: the parent's NSEC denies nothing in the child. */
static void replayed_denials_are_bogus(void **state)
{
    struct world *world = *state;
    static const struct {
        const char *why, *qname;
        uint16_t qtype;
        enum answer_kind kind;
        const char *zone;
        enum security security;
        int ede;
    } rows[] = {
        { "R4.2-d: the parent's for the child's types", "child.example.", TYPE_A, ANSWER_NODATA, "example.", BOGUS,
          EDE_NSEC_MISSING },
        { "the parent's for a name below", "www.child.example.", TYPE_A, ANSWER_NXDOMAIN, "example.", BOGUS,
          EDE_NSEC_MISSING },
        { "the grandparent's", "www.child.example.", TYPE_A, ANSWER_NXDOMAIN, ".", BOGUS, EDE_NSEC_MISSING },
        { "the root's for a name in optout.", "u.optout.", TYPE_DS, ANSWER_NODATA, ".", BOGUS, EDE_NSEC_MISSING },
        { "a name that exists, with the type", "www.example.", TYPE_A, ANSWER_NXDOMAIN, "example.", BOGUS,
          EDE_NSEC_MISSING },
        { "a type that exists", "www.example.", TYPE_A, ANSWER_NODATA, "example.", BOGUS, EDE_NSEC_MISSING },
        { "RFC 6840 4.3: an alias", "alias.example.", TYPE_A, ANSWER_NODATA, "example.", BOGUS, EDE_NSEC_MISSING },
        { "RFC 6672 5.3.4.1: below a DNAME", "x.d.example.", TYPE_A, ANSWER_NXDOMAIN, "example.", BOGUS,
          EDE_NSEC_MISSING },
        { "a wildcard answers", "x.wild.example.", TYPE_A, ANSWER_NXDOMAIN, "example.", BOGUS, EDE_NSEC_MISSING },
        { "a wildcard has the type", "x.wild.example.", TYPE_A, ANSWER_NODATA, "example.", BOGUS, EDE_NSEC_MISSING },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        must_be(rows[i].why,
                world_judge(world, denied_with(world, rows[i].qname, rows[i].qtype, rows[i].kind, rows[i].zone)),
                rows[i].security, rows[i].ede, NULL);
}

/* Below an unsigned zone nothing is owed, whatever else the parent's server put into the answer. */
static void stray_proofs_do_not_hide_an_unsigned_zone(void **state)
{
    struct world *world = *state;
    struct answer *answer = world_new_answer(world, "www.plain.example.", TYPE_TXT, ANSWER_NODATA);
    world_put_denial(world, answer, "example.");
    assert_ptr_equal(answer->proofs.items[0], world_set(world, "example.", TYPE_SOA));
    answer->proofs.items[0] = world_set(world, "plain.example.", TYPE_SOA);
    must_be("RFC 4035 5.2", world_judge(world, answer), INSECURE, EDE_NONE, "insecure-delegation");
}

/* Wildcards: RFC 4035 section 5.3.4 */
static void wildcards(void **state)
{
    struct world *world = *state;
    struct answer *answer = world_answer(world, "x.wild.example.", TYPE_A);
    answer->proofs.count = 0;
    must_be("R4.2-b: no proof", world_judge(world, answer), BOGUS, EDE_NSEC_MISSING, "nsec-missing");
    answer = world_answer(world, "x.wild.example.", TYPE_A);
    for (uint16_t i = 0; i < answer->proofs.count; i++)
        answer->proofs.items[i] = without_signatures(world, answer->proofs.items[i]);
    must_be("proof without signatures", world_judge(world, answer), BOGUS, EDE_NSEC_MISSING, "nsec-missing");

    /* The wildcard's data made to answer for a name that exists: www.example. */
    struct world_zone *example = world_zone(world, "example.");
    struct rrset *star = world_add(world, example, "*.example. 300 A 192.0.2.66");
    struct rrset *forged = rrset_copy(world->arena, star);
    forged->owner = world_set(world, "www.example.", TYPE_A)->owner;
    answer = world_new_answer(world, "www.example.", TYPE_A, ANSWER_DATA);
    world_put(world, &answer->rrsets, forged);
    world_put_denial(world, answer, "example.");
    must_be("CVE-2026-52688: a name that exists", world_judge(world, answer), BOGUS, EDE_NSEC_MISSING, NULL);

    /* An NSEC that a wildcard was made into proves nothing (it would sit anywhere). */
    struct rrset *nsec = rrset_copy(world->arena, world_set(world, "*.wild.example.", TYPE_NSEC));
    struct dname owner = name_of("q.wild.example.");
    nsec->owner = &owner;
    answer = world_new_answer(world, "q.wild.example.", TYPE_TXT, ANSWER_NODATA);
    world_put(world, &answer->proofs, nsec);
    must_be("an expanded NSEC", world_judge(world, answer), BOGUS, EDE_NSEC_MISSING, NULL);
}

/* A wildcard CNAME needs the proof as much (CVE-2026-52686); a wildcard DNAME redirects nothing (RFC 6672 section
 * 3.3). */
static void wildcard_aliases(void **state)
{
    struct world *world = *state;
    struct world_zone *child = world_zone(world, "child.example.");
    struct rrset *cname = world_add(world, child, "*.w.child.example. 300 CNAME www.example.");
    struct rrset *dname = world_add(world, child, "*.v.child.example. 300 DNAME www.example.");
    struct dname cname_owner = name_of("x.w.child.example."), dname_owner = name_of("x.v.child.example.");
    cname = rrset_copy(world->arena, cname);
    dname = rrset_copy(world->arena, dname);
    cname->owner = &cname_owner;
    dname->owner = &dname_owner;
    for (int with_proof = 0; with_proof < 2; with_proof++) {
        if (with_proof)
            world_add(world, child, "*.v.child.example. NSEC *.w.child.example. DNAME RRSIG NSEC");
        if (with_proof)
            world_add(world, child, "*.w.child.example. NSEC www.child.example. CNAME RRSIG NSEC");
        struct answer *alias = world_new_answer(world, "x.w.child.example.", TYPE_A, ANSWER_CNAME);
        world_put(world, &alias->rrsets, cname);
        world_put_denial(world, alias, "child.example.");
        struct answer *redirection = world_new_answer(world, "y.x.v.child.example.", TYPE_A, ANSWER_DNAME);
        world_put(world, &redirection->rrsets, dname);
        world_put_denial(world, redirection, "child.example.");
        must_be("DNAME", world_judge(world, redirection), BOGUS, EDE_BOGUS, "expanded-type");
        if (with_proof) {
            must_be("CNAME", world_judge(world, alias), SECURE, EDE_NONE, NULL);
            continue;
        }
        alias->proofs.count = 0;
        must_be("CNAME without proof", world_judge(world, alias), BOGUS, EDE_NSEC_MISSING, NULL);
    }
}

/* A proof whose signature is at fault: that is the cause. */
static void faults_of_proofs_are_told(void **state)
{
    struct world *world = *state;
    struct world_zone *example = world_zone(world, "example.");
    struct alteration expired = { .labels = -1, .expiration_s = -1 };
    alter(world, example, world_set(world, "www.example.", TYPE_NSEC), &expired);
    const struct verdict *verdict = judge_name(world, "www.example.", TYPE_TXT);
    must_be("NSEC", verdict, BOGUS, EDE_SIGNATURE_EXPIRED, "rrsig-expired");
    assert_int_equal(verdict->explanation->failed_type, TYPE_NSEC);
    alter(world, example, world_set(world, "example.", TYPE_SOA), &expired);
    must_be("SOA", judge_name(world, "nope.example.", TYPE_TXT), BOGUS, EDE_SIGNATURE_EXPIRED, "rrsig-expired");
}

/* RFC 9276 section 3.2: the signature comes first. */
static void iterations(void **state)
{
    struct world *world = *state;
    struct world_zone *zone = world_add_zone(world, "costly.", P256);
    char *hash = nsec3_label(world->arena, &zone->name, (struct octets) { NULL, 0 }, 51);
    struct rrset *nsec3 = world_add(
        world, zone, arena_printf(world->arena, "%s.costly. NSEC3 1 0 51 - %s NS SOA RRSIG DNSKEY", hash, hash));
    must_be("too many", judge_name(world, "nope.costly.", TYPE_A), INSECURE, EDE_UNSUPPORTED_NSEC3_ITERATIONS,
            "nsec3-iterations");
    must_be("too many", judge_name(world, "costly.", TYPE_TXT), INSECURE, EDE_UNSUPPORTED_NSEC3_ITERATIONS, NULL);
    must_be("no denial needed", judge_name(world, "costly.", TYPE_SOA), SECURE, EDE_NONE, NULL);
    world->policy.nsec3_iterations = 51;
    must_be("as many as allowed", judge_name(world, "costly.", TYPE_TXT), SECURE, EDE_NONE, NULL);
    world->policy.nsec3_iterations = 50;
    alter(world, zone, nsec3, &(struct alteration) { .labels = -1, .spoil = true });
    must_be("bad signature", judge_name(world, "nope.costly.", TYPE_A), BOGUS, EDE_BOGUS, "rrsig-bad");
}

/* RFC 9824 */
static void compact_denial(void **state)
{
    struct world *world = *state;
    struct world_zone *zone = world_add_zone(world, "compact.", P256);
    world_add(world, zone, "nope.compact. NSEC \\000.nope.compact. RRSIG NSEC NXNAME");
    struct answer *answer = world_new_answer(world, "nope.compact.", TYPE_A, ANSWER_NODATA);
    world_put_denial(world, answer, "compact.");
    must_be("NODATA", world_judge(world, answer), SECURE, EDE_NONE, SITE_COMPACT_DENIAL);
    answer = world_new_answer(world, "nope.compact.", TYPE_A, ANSWER_NXDOMAIN);
    world_put_denial(world, answer, "compact.");
    must_be("NXDOMAIN", world_judge(world, answer), SECURE, EDE_NONE, SITE_COMPACT_DENIAL);
    answer =
        world_new_answer(world, "x.nope.compact.", TYPE_A, ANSWER_DATA); /* unsigned data below a name that is not */
    world_put(world, &answer->rrsets, rrset_of(world->arena, "x.nope.compact. A 192.0.2.1"));
    must_be("data below", world_judge(world, answer), BOGUS, EDE_RRSIGS_MISSING, NULL);
}

/* ---- answers of several RRsets, odd ones ---- */

static void any_is_as_good_as_its_weakest(void **state)
{
    struct world *world = *state;
    struct answer *answer = world_new_answer(world, "example.", TYPE_ANY, ANSWER_DATA);
    world_put(world, &answer->rrsets, world_set(world, "example.", TYPE_SOA));
    world_put(world, &answer->rrsets, world_set(world, "example.", TYPE_DNSKEY));
    world_put(world, &answer->rrsets, world_set(world, "example.", TYPE_NSEC));
    must_be("all good", world_judge(world, answer), SECURE, EDE_NONE, NULL);
    world_put(world, &answer->rrsets,
              rrset_of(world->arena, "example. RRSIG TXT 13 1 300 20270101000000 20260101000000 1 example. AAAA"));
    must_be("R4.5-b: a stray RRSIG", world_judge(world, answer), INSECURE, EDE_NONE, "rrsig-unsigned");
    world_put(world, &answer->rrsets, rrset_of(world->arena, "example. TXT \"evil\""));
    must_be("an unsigned one", world_judge(world, answer), BOGUS, EDE_RRSIGS_MISSING, NULL);
}

static void what_does_not_answer_is_bogus(void **state)
{
    struct world *world = *state;
    static const struct {
        const char *qname;
        uint16_t qtype;
        enum answer_kind kind;
    } rows[] = {
        { "other.example.", TYPE_A, ANSWER_DATA },   { "www.example.", TYPE_TXT, ANSWER_DATA },
        { "www.example.", TYPE_A, ANSWER_CNAME },    { "x.www.example.", TYPE_A, ANSWER_DNAME },
        { "www.example.", TYPE_TXT, ANSWER_NODATA },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct answer *answer = world_new_answer(world, rows[i].qname, rows[i].qtype, rows[i].kind);
        world_put(world, &answer->rrsets, world_set(world, "www.example.", TYPE_A));
        must_be(rows[i].qname, world_judge(world, answer), BOGUS, EDE_INVALID_DATA, "not-an-answer");
    }
    must_be("nothing", world_judge(world, world_new_answer(world, "www.example.", TYPE_A, ANSWER_DATA)), BOGUS,
            EDE_INVALID_DATA, "not-an-answer");
    struct answer *answer = world_answer(world, "www.example.", TYPE_A);
    answer->question.qclass = CLASS_CH;
    must_be("another class", world_judge(world, answer), INSECURE, EDE_NONE, "other-class");
}

/* ---- budgets ---- */

/* KeyTrap and CVE-2026-11605: however much is thrown at us, the budget ends it. */
static void padded_denials_end(void **state)
{
    struct world *world = *state;
    struct world_zone *example = world_zone(world, "example.");
    struct answer *answer = world_new_answer(world, "nope.example.", TYPE_A, ANSWER_NXDOMAIN);
    for (int i = 0; i < 200; i++) {
        struct rrset *set =
            rrset_of(world->arena, arena_printf(world->arena, "n%d.example. NSEC n%dx.example. A RRSIG NSEC", i, i));
        world_sign(world, example, set);
        ((uint8_t *)set->sigs[0].data)[set->sigs[0].len - 1] ^= 1;
        world_put(world, &answer->proofs, set);
    }
    const struct verdict *verdict = world_judge(world, answer);
    must_be("bad ones", verdict, BOGUS, EDE_BOGUS, "rrsig-bad");
    assert_int_equal(SIGNATURE_CHECKS_MAX - world->budget.signature_checks, 3 + BAD_PROOFS_MAX);
    answer = world_new_answer(world, "nope.example.", TYPE_A, ANSWER_NXDOMAIN);
    for (int i = 0; i < 200; i++) {
        struct rrset *set =
            rrset_of(world->arena, arena_printf(world->arena, "n%d.example. NSEC n%dx.example. A RRSIG NSEC", i, i));
        world_sign(world, example, set);
        world_put(world, &answer->proofs, set);
    }
    unsigned left = world->budget.signature_checks;
    must_be("good ones", world_judge(world, answer), BOGUS, EDE_NSEC_MISSING, "nsec-missing");
    assert_in_range(left - world->budget.signature_checks, PROOFS_AT_PAR + 1, PROOF_RRSETS_MAX - 1);
    assert_null(world->budget.spent);
    assert_in_range(world->budget.signature_work, WORK_BESIDE_PROOFS / 2,
                    WORK_BESIDE_PROOFS + COST_OF_P256 * DEAR_CHECK_PRICE);
}

/* ---- the explanation ---- */

static void explanations(void **state)
{
    struct world *world = *state;
    world->explain = true;
    const struct explanation *explanation = judge_name(world, "www.child.example.", TYPE_A)->explanation;
    assert_int_equal(explanation->cut_count, 3);
    assert_true(explanation->cuts[0].is_anchor);
    assert_string_equal(explanation->cuts[0].how, "trust anchor");
    for (int i = 0; i < 3; i++) {
        const struct explained_cut *cut = &explanation->cuts[i];
        assert_int_equal(cut->security, SECURE);
        assert_int_equal(cut->key_count, 1);
        assert_true(cut->keys[0].in_ds && cut->keys[0].signed_set);
        assert_int_equal(cut->ds_count, i == 0 ? 0 : 1);
        if (i > 0)
            assert_true(cut->ds[0].usable && cut->ds[0].matched);
    }
    assert_true(explanation->has_signature);
    assert_int_equal(explanation->key_tag, signer_key_tag(world_zone(world, "child.example.")->key));

    explanation = judge_name(world, "www.plain.example.", TYPE_A)->explanation;
    assert_int_equal(explanation->cut_count, 3);
    assert_int_equal(explanation->cuts[2].security, INSECURE);
    assert_string_equal(explanation->cuts[2].how, "no DS: proven");
    explanation = judge_name(world, "www.u.optout.", TYPE_A)->explanation;
    assert_int_equal(explanation->cut_count, 3);
    assert_string_equal(explanation->cuts[2].how, "opt-out");

    alter(world, world_zone(world, "child.example."), world_set(world, "child.example.", TYPE_DNSKEY),
          &(struct alteration) { .labels = -1, .expiration_s = -1 });
    explanation = judge_name(world, "www.child.example.", TYPE_A)->explanation;
    assert_int_equal(explanation->failed_type, TYPE_DNSKEY);
    assert_int_equal(explanation->cut_count, 3);
    assert_int_equal(explanation->cuts[2].security, BOGUS);
}

/* A chain through many zones: verified as far as the budget goes, and no stack is too small for it. */
static void deep_chains(void **state)
{
    (void)state;
    struct world *world = world_new(NOW_S);
    char name[2 * DNAME_LABELS_MAX + 1] = "";
    for (int depth = 1; depth <= DNAME_LABELS_MAX; depth++) {
        memmove(name + 2, name, strlen(name) + 1);
        memcpy(name, "a.", 2);
        world_add_zone(world, name, P256);
        if (depth == 20)
            must_be("20 cuts", judge_name(world, name, TYPE_SOA), SECURE, EDE_NONE, NULL);
    }
    must_be("127 cuts", judge_name(world, name, TYPE_SOA), INDETERMINATE, EDE_INDETERMINATE, "signature-work");
    world_free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_good_is_secure_or_insecure, set_up, tear_down),
        cmocka_unit_test_setup_teardown(hints_change_no_verdict, set_up, tear_down),
        cmocka_unit_test(serial_time_wraps),
        cmocka_unit_test_setup_teardown(asks_for_what_it_needs, set_up, tear_down),
        cmocka_unit_test_setup_teardown(nothing_is_verified_twice, set_up, tear_down),
        cmocka_unit_test_setup_teardown(verdicts_name_their_grounds, set_up, tear_down),
        cmocka_unit_test_setup_teardown(unverified_proofs_are_taken_out, set_up, tear_down),
        cmocka_unit_test_setup_teardown(signatures_of_others_are_taken_out_of_proofs, set_up, tear_down),
        cmocka_unit_test_setup_teardown(every_alteration, set_up, tear_down),
        cmocka_unit_test_setup_teardown(one_good_signature_suffices, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_cause_is_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(who_may_sign_what, set_up, tear_down),
        cmocka_unit_test_setup_teardown(key_flags, set_up, tear_down),
        cmocka_unit_test_setup_teardown(ds_choice, set_up, tear_down),
        cmocka_unit_test_setup_teardown(policy_decides_what_is_supported, set_up, tear_down),
        cmocka_unit_test_setup_teardown(all_algorithms_where_demanded, set_up, tear_down),
        cmocka_unit_test_setup_teardown(key_sets, set_up, tear_down),
        cmocka_unit_test_setup_teardown(anchors_anywhere, set_up, tear_down),
        cmocka_unit_test_setup_teardown(exceptions, set_up, tear_down),
        cmocka_unit_test_setup_teardown(missing_facts_are_indeterminate, set_up, tear_down),
        cmocka_unit_test_setup_teardown(stripped_answers_are_bogus, set_up, tear_down),
        cmocka_unit_test_setup_teardown(stripped_delegations_are_bogus, set_up, tear_down),
        cmocka_unit_test_setup_teardown(name_errors_that_deny_the_type, set_up, tear_down),
        cmocka_unit_test_setup_teardown(replayed_denials_are_bogus, set_up, tear_down),
        cmocka_unit_test_setup_teardown(stray_proofs_do_not_hide_an_unsigned_zone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_way_down_ends, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_way_down_begins_at_each_signed_zone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(wildcards, set_up, tear_down),
        cmocka_unit_test_setup_teardown(wildcard_aliases, set_up, tear_down),
        cmocka_unit_test_setup_teardown(faults_of_proofs_are_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(iterations, set_up, tear_down),
        cmocka_unit_test_setup_teardown(compact_denial, set_up, tear_down),
        cmocka_unit_test_setup_teardown(any_is_as_good_as_its_weakest, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_does_not_answer_is_bogus, set_up, tear_down),
        cmocka_unit_test_setup_teardown(padded_denials_end, set_up, tear_down),
        cmocka_unit_test_setup_teardown(explanations, set_up, tear_down),
        cmocka_unit_test(deep_chains),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
