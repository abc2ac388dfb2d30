#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/signer.h"
#include "trust/anchor_diagnosis.h"

/* Each diagnosis and its near misses (D5-demand-b): three keys, and what is known of each from each side. */

enum { KEYS = 3, NOW_S = 1800000000, DAY_S = 86400 };

static const struct {
    const char *name;
    const char *held; /* here: "V"ALID, "A"DDPEND, "M"ISSING, "R"EVOKED, "-": not known */
    const char *live; /* "s"igns, "p"ublished alone, "x": its signature has expired, "n": begins later, "r"evoked, "-";
                        * NULL: could not be had */
    const char *xml;  /* "v"alid for long, "y"oung: since ten days, "e"nded, "f"uture, "-"; NULL: could not be had */
    bool xml_is_about_time;
    char clock;        /* "c"onfirmed, "u"nconfirmed, "b"ad */
    int refreshed_ago; /* days; -1: never */
    bool is_fixed;     /* trust.automatic-update is off */
    enum anchor_verdict verdict;
} cases[] = {
    { "all is well", "V--", "s--", "v--", false, 'c', 1, false, VERDICT_MATCH },
    { "the same without the file", "V--", "s--", NULL, false, 'c', 1, false, VERDICT_MATCH },
    { "two that sign", "VV-", "ss-", "vv-", false, 'u', 1, false, VERDICT_MATCH },
    { "one that was revoked long ago", "RV-", "-s-", "ev-", false, 'c', 1, false, VERDICT_MATCH },

    { "a new key in its hold-down", "VA-", "sp-", "vv-", false, 'c', 1, false, VERDICT_NORMAL_ROLL },
    { "a new key that is not known yet", "V--", "sp-", NULL, false, 'c', 1, false, VERDICT_NORMAL_ROLL },
    { "a new key that is announced", "V--", "s--", "vv-", false, 'c', 1, false, VERDICT_NORMAL_ROLL },
    { "a key that waits for its turn", "VV-", "sp-", "vv-", false, 'c', 1, false, VERDICT_NORMAL_ROLL },
    { "an old key that is revoked", "RV-", "rs-", "vv-", false, 'c', 1, false, VERDICT_NORMAL_ROLL },
    { "announced for later: no roll yet", "V--", "s--", "vf-", false, 'c', 1, false, VERDICT_MATCH },

    { "a successor out of nothing, which the file lists", "V--", "-s-", "ey-", false, 'c', 1, false,
      VERDICT_EMERGENCY_ROLL },
    { "the same, the old one still published", "V--", "ps-", "vy-", false, 'c', 1, false, VERDICT_EMERGENCY_ROLL },
    { "a successor in hold-down that takes over early", "VA-", "-s-", "-v-", false, 'c', 1, false,
      VERDICT_EMERGENCY_ROLL },
    { "a successor of long standing that was slept through", "V--", "-s-", "ev-", false, 'c', 200, false,
      VERDICT_STALE_CONFIGURATION },
    { "a successor that the file does not list", "V--", "-s-", "v--", false, 'c', 1, false, VERDICT_POSSIBLE_ATTACK },

    { "the anchor is published, and its signature is bad", "V--", "p--", "v--", false, 'c', 1, false,
      VERDICT_FAILED_ROLL },
    { "a successor signs before its time", "VA-", "ps-", NULL, false, 'c', 1, false, VERDICT_FAILED_ROLL },
    { "the anchor is not published at all", "V--", "---", "v--", false, 'c', 1, false, VERDICT_POSSIBLE_ATTACK },

    { "an anchor of an old release", "V--", "-s-", "-v-", false, 'c', -1, false, VERDICT_STALE_CONFIGURATION },
    { "the same without the file", "V--", "-s-", NULL, false, 'c', 200, false, VERDICT_STALE_CONFIGURATION },
    { "an anchor that has ended beside a good one", "VV-", "-s-", "ev-", false, 'c', 1, false,
      VERDICT_STALE_CONFIGURATION },
    { "a new key, and nobody who would follow it", "V--", "sp-", "vv-", false, 'c', 1, true,
      VERDICT_STALE_CONFIGURATION },
    { "a fixed configuration that is complete", "VV-", "ss-", "vv-", false, 'c', -1, true, VERDICT_MATCH },

    { "expired, and nobody vouches for the clock", "V--", "x--", NULL, false, 'u', 1, false, VERDICT_CLOCK_PROBLEM },
    { "not yet valid, and certificates neither", "V--", "n--", NULL, true, 'c', 1, false, VERDICT_CLOCK_PROBLEM },
    { "certificates, and an unfit clock", "V--", NULL, NULL, true, 'b', 1, false, VERDICT_CLOCK_PROBLEM },
    { "expired by a clock that is confirmed", "V--", "x--", "v--", false, 'c', 1, false, VERDICT_POSSIBLE_ATTACK },
    { "an unconfirmed clock alone", "V--", "s--", "v--", false, 'u', 1, false, VERDICT_MATCH },
    { "certificates alone", "V--", "s--", NULL, true, 'c', 1, false, VERDICT_MATCH },

    { "a stranger signs, we were there yesterday, the file is out of reach", "V--", "-s-", NULL, false, 'c', 1, false,
      VERDICT_POSSIBLE_ATTACK },

    { "nothing can be had", "V--", NULL, NULL, false, 'c', 1, false, VERDICT_UNKNOWN },
    { "the file alone", "V--", NULL, "v--", false, 'c', 1, false, VERDICT_UNKNOWN },
};

struct world {
    struct arena *arena;
    struct managed *managed;
    struct octets keys[KEYS];
    struct live_key live[KEYS];
    size_t live_count;
    struct root_anchors xml;
};

static enum anchor_state state_of(char c)
{
    return c == 'V' ? STATE_VALID : c == 'A' ? STATE_ADD_PEND : c == 'M' ? STATE_MISSING : STATE_REVOKED;
}

static void hold_key(struct world *world, size_t i, char c)
{
    if (c == '-')
        return;
    struct managed_zone *zone = managed_find(world->managed, dname_root());
    struct managed_key *key = managed_add_key(zone, TYPE_DNSKEY, world->keys[i]);
    key->state = state_of(c);
    key->first_seen_s = NOW_S - 100 * DAY_S;
}

static void publish_key(struct world *world, size_t i, char c)
{
    if (c == '-')
        return;
    uint8_t *rdata = arena_copy(world->arena, world->keys[i].data, world->keys[i].len);
    if (c == 'r')
        rdata[1] |= DNSKEY_REVOKE;
    world->live[world->live_count++] = (struct live_key) {
        .rdata = { rdata, world->keys[i].len },
        .signs = c == 's' || c == 'r',
        .timing = c == 'x'   ? TIMING_EXPIRED
                  : c == 'n' ? TIMING_NOT_YET
                             : TIMING_GOOD,
    };
}

static void list_key(struct world *world, size_t i, char c)
{
    if (c == '-')
        return;
    world->xml.items[world->xml.count++] = (struct key_digest) {
        .id = "K",
        .valid_from_s = c == 'y'   ? NOW_S - 10 * DAY_S
                        : c == 'f' ? NOW_S + DAY_S
                                   : NOW_S - 400 * DAY_S,
        .valid_until_s = c == 'e' ? NOW_S - DAY_S : INT64_MAX,
        .ds = make_ds(world->arena, dname_root(), world->keys[i], 2),
        .dnskey = world->keys[i],
    };
}

static void make_world(struct world *world, const char *held, const char *live, const char *xml)
{
    *world = (struct world) { .arena = arena_new(), .managed = managed_new() };
    managed_add_zone(world->managed, dname_root());
    for (size_t i = 0; i < KEYS; i++) {
        struct signer *signer = signer_new(13, DNSKEY_ZONE | DNSKEY_SEP, i + 1);
        world->keys[i] = octets_copy(world->arena, signer_dnskey(signer));
        signer_free(signer);
        hold_key(world, i, held[i]);
        publish_key(world, i, live == NULL ? '-' : live[i]);
        list_key(world, i, xml == NULL ? '-' : xml[i]);
    }
}

static size_t count_places(const struct anchor_diagnosis *diagnosis)
{
    size_t places = 0;
    for (size_t i = 0; i < diagnosis->count; i++) {
        bool is_new = true;
        for (size_t k = 0; k < i; k++)
            is_new = is_new && strcmp(diagnosis->findings[k].from, diagnosis->findings[i].from) != 0;
        places += is_new;
    }
    return places;
}

static void each_verdict_rests_on_two_facts(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct world world;
        struct anchor_diagnosis diagnosis;
        make_world(&world, cases[i].held, cases[i].live, cases[i].xml);
        struct managed_zone *zone = managed_find(world.managed, dname_root());
        zone->refreshed_s = cases[i].refreshed_ago < 0 ? 0 : NOW_S - cases[i].refreshed_ago * DAY_S;
        struct anchor_facts facts = {
            .zone = zone,
            .live = cases[i].live == NULL ? NULL : world.live,
            .live_count = world.live_count,
            .live_fault = "was not answered",
            .xml = cases[i].xml == NULL ? NULL : &world.xml,
            .xml_fault = "HTTP status 404",
            .xml_is_about_time = cases[i].xml_is_about_time,
            .automatic_update = !cases[i].is_fixed,
            .clock_is_fit = cases[i].clock != 'b',
            .clock_is_confirmed = cases[i].clock == 'c',
            .now_s = NOW_S,
        };
        anchor_diagnose(&facts, &diagnosis);
        if (diagnosis.verdict != cases[i].verdict)
            fail_msg("%s: %s", cases[i].name, anchor_verdict_text(diagnosis.verdict));
        assert_true(count_places(&diagnosis) >= 2);
        assert_non_null(diagnosis.next_step);
        arena_free(world.arena);
        managed_free(world.managed);
    }
}

/* Two sources may have failed, each for a reason of its own: people see both to the end. */
static void faults_are_told_to_the_end(void **state)
{
    enum { FAULT_OCTETS = 300 };
    (void)state;
    char fault[FAULT_OCTETS + 1];
    memset(fault, 'x', FAULT_OCTETS);
    fault[FAULT_OCTETS] = '\0';
    struct world world;
    struct anchor_diagnosis diagnosis;
    make_world(&world, "V--", "ps-", NULL);
    struct anchor_facts facts = { .zone = managed_find(world.managed, dname_root()),
                                  .live = world.live,
                                  .live_count = world.live_count,
                                  .xml_fault = fault,
                                  .now_s = NOW_S };
    anchor_diagnose(&facts, &diagnosis);
    bool is_whole = false;
    for (size_t i = 0; i < diagnosis.count; i++)
        is_whole |= strstr(diagnosis.findings[i].text, fault) != NULL;
    assert_true(is_whole);
    arena_free(world.arena);
    managed_free(world.managed);
}

/* Only keys that are published decide whether validation can work, not who signed. */
static void a_mismatch_is_that_no_anchor_is_published(void **state)
{
    (void)state;
    static const struct {
        const char *held, *live;
        bool is_mismatch;
    } mismatches[] = {
        { "V--", "-s-", true },  { "V--", "---", true }, { "VA-", "-s-", true },
        { "V--", "ps-", false }, { "V--", NULL, false }, { "RV-", "s--", true },
    };
    for (size_t i = 0; i < ARRAY_LEN(mismatches); i++) {
        struct world world;
        struct anchor_diagnosis diagnosis;
        make_world(&world, mismatches[i].held, mismatches[i].live, NULL);
        struct anchor_facts facts = {
            .zone = managed_find(world.managed, dname_root()),
            .live = mismatches[i].live == NULL ? NULL : world.live,
            .live_count = world.live_count,
            .live_fault = "",
            .clock_is_fit = true,
            .now_s = NOW_S,
        };
        anchor_diagnose(&facts, &diagnosis);
        assert_int_equal(diagnosis.is_mismatch, mismatches[i].is_mismatch);
        arena_free(world.arena);
        managed_free(world.managed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_verdict_rests_on_two_facts),
        cmocka_unit_test(faults_are_told_to_the_end),
        cmocka_unit_test(a_mismatch_is_that_no_anchor_is_published),
    };
    return cmocka_run_group_tests_name("trust/anchor_diagnosis", tests, NULL, NULL);
}
