/* Evidence of failing zones (row D6-confirm): bounds, spells, and what it suggests. */
#include "monitor/diagnosis.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

enum { BEGIN_S = 1800000000 };

/* One question as the resolver would tell it. */
struct story {
    struct outcome outcome;
    struct verdict failure;
    struct explanation explanation;
    struct explained_cut cuts[2];
    struct testimony testimony;
};

static struct now at(int64_t later_s)
{
    return (struct now) { .wall_ms = (BEGIN_S + later_s) * 1000, .monotonic_ms = later_s * 1000, .wall_is_fit = true };
}

static void set_name(struct dname *name, const char *text)
{
    assert_int_equal(dname_from_text(text, name), OK);
}

/* "www.ZONE A" does not validate. */
static void tell(struct story *story, const char *zone, int ede, const char *site)
{
    char owner[300];
    snprintf(owner, sizeof(owner), "www.%s", zone);
    *story = (struct story) { .outcome = { .security = BOGUS } };
    set_name(&story->outcome.question.qname, owner);
    story->outcome.question.qtype = TYPE_A;
    story->outcome.question.qclass = CLASS_IN;
    story->failure = (struct verdict) { .security = BOGUS, .ede = ede, .site = site, .text = "as told" };
    story->failure.explanation = &story->explanation;
    set_name(&story->explanation.failed_name, owner);
    story->explanation.failed_type = TYPE_A;
    story->explanation.failed_key_tag = 7;
    story->explanation.failed_algorithm = 13;
    story->explanation.cuts = story->cuts;
    story->explanation.cut_count = 2;
    story->cuts[0].zone = *dname_root();
    set_name(&story->cuts[1].zone, zone);
    story->cuts[1].ds_count = story->cuts[1].key_count = 1;
    story->cuts[1].ds[0].key_tag = 7;
    story->cuts[1].ds[0].matched = true;
    story->cuts[1].keys[0] = (struct explained_key) { .key_tag = 7, .algorithm = 13, .signed_set = true };
    story->testimony.outcome = &story->outcome;
    story->testimony.failure = &story->failure;
    story->testimony.culprit = &story->outcome.question;
}

static void try_at(struct story *story, const char *server, enum transport transport, enum security security)
{
    struct trial *trial = &story->testimony.trials[story->testimony.trial_count++];
    *trial = (struct trial) { .transport = transport, .security = security, .site = "as-told" };
    assert_int_equal(address_from_text(server, 53, &trial->server), OK);
}

/* The same question, all well; at that server. */
static void tell_good(struct story *story, const char *zone, const char *server)
{
    tell(story, zone, EDE_NONE, "secure");
    story->outcome.security = SECURE;
    story->testimony.failure = NULL;
    try_at(story, server, TRANSPORT_UDP, SECURE);
}

static const struct evidence_zone *file(struct evidence *evidence, const struct story *story, int64_t later_s,
                                        enum evidence_event expected)
{
    const struct evidence_zone *zone;
    assert_int_equal(evidence_failed(evidence, &story->testimony, at(later_s), &zone), expected);
    return zone;
}

static void test_a_spell_begins_and_heals(void **state)
{
    (void)state;
    struct evidence *evidence = evidence_new();
    struct story story;
    const struct evidence_zone *zone;
    tell(&story, "a.example.", EDE_SIGNATURE_EXPIRED, "rrsig-expired");
    try_at(&story, "192.0.2.1", TRANSPORT_UDP, BOGUS);
    zone = file(evidence, &story, 0, EVIDENCE_BEGINS);
    assert_int_equal(zone->records[0].ds_count, 1);
    assert_int_equal(zone->records[0].key_tag, 7);
    file(evidence, &story, 5, EVIDENCE_NOTHING);
    assert_int_equal(zone->failures, 2);
    assert_int_equal(zone->record_count, 1); /* the same question again takes its place */
    assert_int_equal(evidence_failing(evidence), 1);
    tell_good(&story, "b.example.", "192.0.2.1");
    assert_int_equal(evidence_good(evidence, &story.testimony, at(6), &zone), EVIDENCE_NOTHING);
    tell_good(&story, "a.example.", "192.0.2.1");
    assert_int_equal(evidence_good(evidence, &story.testimony, at(7), &zone), EVIDENCE_HEALS);
    assert_int_equal(zone->ended_s, BEGIN_S + 7);
    assert_int_equal(evidence_failing(evidence), 0);
    tell(&story, "a.example.", EDE_SIGNATURE_EXPIRED, "rrsig-expired");
    zone = file(evidence, &story, 9, EVIDENCE_BEGINS); /* a new spell forgets the one before */
    assert_int_equal(zone->first_s, BEGIN_S + 9);
    assert_int_equal(zone->failures, 1);
    evidence_free(evidence);
}

/* One of two servers is bad: a good answer of the other one heals nothing. */
static void test_a_bad_server_must_heal_itself(void **state)
{
    (void)state;
    struct evidence *evidence = evidence_new();
    struct story story;
    const struct evidence_zone *zone;
    tell(&story, "a.example.", EDE_SIGNATURE_EXPIRED, "rrsig-expired");
    try_at(&story, "192.0.2.1", TRANSPORT_UDP, BOGUS);
    try_at(&story, "192.0.2.2", TRANSPORT_UDP, SECURE);
    story.outcome.security = SECURE;
    zone = file(evidence, &story, 0, EVIDENCE_BEGINS);
    assert_int_equal(zone->rescued, 1);
    assert_int_equal(zone->failures, 0);
    tell_good(&story, "a.example.", "192.0.2.2");
    assert_int_equal(evidence_good(evidence, &story.testimony, at(1), &zone), EVIDENCE_NOTHING);
    tell_good(&story, "a.example.", "192.0.2.1");
    assert_int_equal(evidence_good(evidence, &story.testimony, at(2), &zone), EVIDENCE_HEALS);
    evidence_free(evidence);
}

/* D6-confirm: any name of the zone shows that its keys are good again; its DS set, which its parent signs, shows
 * nothing. */
static void test_what_shows_that_keys_have_healed(void **state)
{
    (void)state;
    struct evidence *evidence = evidence_new();
    struct story story;
    const struct evidence_zone *zone;
    tell(&story, "a.example.", EDE_SIGNATURE_EXPIRED, "rrsig-expired");
    set_name(&story.explanation.failed_name, "a.example.");
    story.explanation.failed_type = TYPE_DNSKEY;
    try_at(&story, "192.0.2.1", TRANSPORT_UDP, BOGUS);
    file(evidence, &story, 0, EVIDENCE_BEGINS);
    tell_good(&story, "a.example.", "192.0.2.1");
    set_name(&story.outcome.question.qname, "a.example.");
    story.outcome.question.qtype = TYPE_DS;
    assert_int_equal(evidence_good(evidence, &story.testimony, at(1), &zone), EVIDENCE_NOTHING);
    story.outcome.question.qtype = TYPE_SOA;
    assert_int_equal(evidence_good(evidence, &story.testimony, at(2), &zone), EVIDENCE_HEALS);
    evidence_free(evidence);
}

/* D6-confirm: what nobody could judge, and what a stale answer hid from the client, is evidence as well. */
static void test_failures_that_clients_may_not_see(void **state)
{
    (void)state;
    struct evidence *evidence = evidence_new();
    struct diagnosis diagnosis;
    struct story story;
    tell(&story, "a.example.", EDE_NO_REACHABLE_AUTHORITY, "dnskey-unavailable");
    story.outcome.security = story.failure.security = INDETERMINATE;
    const struct evidence_zone *zone = file(evidence, &story, 0, EVIDENCE_BEGINS);
    assert_int_equal(zone->failures, 1);
    assert_int_equal(zone->by_cause[CAUSE_UNREACHABLE], 1);
    assert_int_equal(zone->server_count, 0);
    diagnose(zone, false, &diagnosis);
    assert_int_equal(diagnosis.leaning, LEANING_UNCLEAR);
    assert_int_equal(diagnosis.reason_count, 1);
    struct story good;
    tell_good(&good, "a.example.", "192.0.2.1");
    assert_int_equal(evidence_good(evidence, &good.testimony, at(1), &zone), EVIDENCE_HEALS);
    tell(&story, "b.example.", EDE_SIGNATURE_EXPIRED, "rrsig-expired");
    story.outcome.security = SECURE;
    story.outcome.is_stale = true;
    zone = file(evidence, &story, 1, EVIDENCE_BEGINS);
    assert_int_equal(zone->failures, 1);
    assert_int_equal(zone->rescued, 0);
    assert_int_equal(zone->records[0].outcome, BOGUS);
    evidence_free(evidence);
}

static void test_quiet_zones_are_not_failing(void **state)
{
    (void)state;
    struct evidence *evidence = evidence_new();
    struct story story;
    tell(&story, "a.example.", EDE_BOGUS, "rrsig-bad");
    file(evidence, &story, 0, EVIDENCE_BEGINS);
    evidence_expire(evidence, at(EVIDENCE_QUIET_S));
    assert_int_equal(evidence_failing(evidence), 1);
    evidence_expire(evidence, at(EVIDENCE_QUIET_S + 1));
    assert_int_equal(evidence_failing(evidence), 0);
    evidence_free(evidence);
}

/* The first record of a spell stays, the newest follow. */
static void test_records_are_bounded(void **state)
{
    (void)state;
    struct evidence *evidence = evidence_new();
    const struct evidence_zone *zone = NULL;
    for (int i = 0; i < 50; i++) {
        struct story story;
        char server[32];
        tell(&story, "a.example.", EDE_BOGUS, "rrsig-bad");
        story.outcome.question.qtype = (uint16_t)(100 + i);
        snprintf(server, sizeof(server), "192.0.2.%d", i);
        for (int k = 0; k < TRIALS_MAX; k++)
            try_at(&story, server, TRANSPORT_UDP, BOGUS);
        zone = file(evidence, &story, i, i == 0 ? EVIDENCE_BEGINS : EVIDENCE_NOTHING);
    }
    assert_int_equal(zone->record_count, EVIDENCE_RECORDS_MAX);
    assert_int_equal(zone->server_count, EVIDENCE_SERVERS_MAX);
    assert_int_equal(zone->records[0].question.qtype, 100);
    for (int i = 1; i < EVIDENCE_RECORDS_MAX; i++)
        assert_int_equal(zone->records[i].question.qtype, 150 - i);
    evidence_free(evidence);
}

static void test_zones_are_bounded(void **state)
{
    (void)state;
    struct evidence *evidence = evidence_new();
    struct story story;
    struct dname name;
    for (int i = 0; i < 3 * EVIDENCE_ZONES_MAX; i++) {
        char zone[32];
        snprintf(zone, sizeof(zone), "z%d.example.", i);
        tell(&story, zone, EDE_BOGUS, "rrsig-bad");
        file(evidence, &story, i, EVIDENCE_BEGINS);
    }
    assert_int_equal(evidence_count(evidence), EVIDENCE_ZONES_MAX);
    assert_int_equal(evidence_failing(evidence), EVIDENCE_ZONES_MAX);
    assert_int_equal(evidence_dropped(evidence), 2 * EVIDENCE_ZONES_MAX);
    set_name(&name, "z0.example.");
    assert_null(evidence_find(evidence, &name));
    set_name(&name, "z767.example.");
    assert_non_null(evidence_find(evidence, &name));
    evidence_free(evidence);
}

/* Which zone it is that fails. */
static void test_the_zone_that_had_to_sign(void **state)
{
    (void)state;
    static const struct {
        const char *failed_name;
        uint16_t failed_type;
        const char *zone;
    } cases[] = {
        { "www.a.example.", TYPE_A, "a.example." },
        { "a.example.", TYPE_DNSKEY, "a.example." },
        { "a.example.", TYPE_DS, "." }, /* the parent's */
        { "hash.a.example.", TYPE_NSEC3, "a.example." },
        { "b.example.", TYPE_NSEC, "." },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct evidence *evidence = evidence_new();
        struct story story;
        struct dname expected;
        tell(&story, "a.example.", EDE_BOGUS, "rrsig-bad");
        set_name(&story.explanation.failed_name, cases[i].failed_name);
        story.explanation.failed_type = cases[i].failed_type;
        const struct evidence_zone *zone = file(evidence, &story, 0, EVIDENCE_BEGINS);
        set_name(&expected, cases[i].zone);
        assert_true(dname_equal(&zone->zone, &expected));
        evidence_free(evidence);
    }
}

static void test_suggestions(void **state)
{
    (void)state;
    static const struct {
        int ede;
        const char *site;
        enum transport transports[2];
        const char *servers[2];
        enum security securities[2];
        bool clock_is_doubted;
        enum leaning leaning;
    } cases[] = {
        { EDE_SIGNATURE_EXPIRED,
          "rrsig-expired",
          { TRANSPORT_UDP, TRANSPORT_UDP },
          { "192.0.2.1", "192.0.2.2" },
          { BOGUS, SECURE },
          false,
          LEANING_OPERATOR_ERROR },
        { EDE_SIGNATURE_EXPIRED,
          "rrsig-expired",
          { TRANSPORT_UDP, TRANSPORT_UDP },
          { "192.0.2.1", "192.0.2.2" },
          { BOGUS, BOGUS },
          true,
          LEANING_OURSELVES },
        { EDE_BOGUS,
          "rrsig-bad",
          { TRANSPORT_UDP, TRANSPORT_UDP },
          { "192.0.2.1", "192.0.2.2" },
          { BOGUS, BOGUS },
          true,
          LEANING_OPERATOR_ERROR }, /* a wrong clock makes no bad signatures */
        { EDE_RRSIGS_MISSING,
          "rrsig-missing",
          { TRANSPORT_UDP, TRANSPORT_TCP },
          { "192.0.2.1", "192.0.2.1" },
          { BOGUS, SECURE },
          false,
          LEANING_ATTACK },
        { EDE_RRSIGS_MISSING,
          "rrsig-missing",
          { TRANSPORT_UDP, TRANSPORT_UDP },
          { "192.0.2.1", "192.0.2.2" },
          { BOGUS, BOGUS },
          false,
          LEANING_ATTACK },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct evidence *evidence = evidence_new();
        struct diagnosis diagnosis;
        struct story story;
        tell(&story, "a.example.", cases[i].ede, cases[i].site);
        for (int k = 0; k < 2; k++)
            try_at(&story, cases[i].servers[k], cases[i].transports[k], cases[i].securities[k]);
        diagnose(file(evidence, &story, 0, EVIDENCE_BEGINS), cases[i].clock_is_doubted, &diagnosis);
        assert_string_equal(leaning_text(diagnosis.leaning), leaning_text(cases[i].leaning));
        assert_true(diagnosis.reason_count > 0);
        assert_int_equal(diagnosis.all_servers_fail, cases[i].securities[1] == BOGUS || i == 3);
        assert_int_equal(diagnosis.tcp, i == 3 ? TCP_DIFFERS : TCP_UNTRIED);
        evidence_free(evidence);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_spell_begins_and_heals),
        cmocka_unit_test(test_a_bad_server_must_heal_itself),
        cmocka_unit_test(test_what_shows_that_keys_have_healed),
        cmocka_unit_test(test_failures_that_clients_may_not_see),
        cmocka_unit_test(test_quiet_zones_are_not_failing),
        cmocka_unit_test(test_records_are_bounded),
        cmocka_unit_test(test_zones_are_bounded),
        cmocka_unit_test(test_the_zone_that_had_to_sign),
        cmocka_unit_test(test_suggestions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
