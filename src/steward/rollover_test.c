#include "steward/rollover.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "message/testing.h"
#include "tests/support/signer.h"

#define HISTORY VOUCH_SOURCE_ROOT "/../shared/data/root-dnskey-history.txt"

enum { HOUR_S = 3600, DAY_S = 86400, TTL_S = 172800, QUESTIONS_MAX = 8, BLOCKS_MAX = 256, P256 = 13 };

#define START_S INT64_C(1800000000)

/* ---- a host whose zone is one RRset ---- */

struct asked {
    struct question question;
    bool checking_disabled;
    void *waiter;
};

struct net {
    struct arena *arena;
    struct managed *managed;
    struct trust *configured, *snapshot;
    struct crypto_policy policy;
    struct random *random;
    struct rollover *rollover;
    struct asked asked[QUESTIONS_MAX];
    size_t asked_count;
    unsigned observed;
    struct anchor_changes changes; /* of the last observation that had any */
    int64_t changed_s;
};

static struct now at(int64_t wall_s)
{
    return (struct now) { .wall_ms = wall_s * 1000, .monotonic_ms = wall_s * 1000, .wall_is_fit = true };
}

static void on_probe(void *context, const struct question *question, bool checking_disabled, void *waiter)
{
    struct net *net = context;
    assert_true(net->asked_count < QUESTIONS_MAX);
    net->asked[net->asked_count++] = (struct asked) { *question, checking_disabled, waiter };
}

static void on_observed(void *context, const struct managed_zone *zone, const struct anchor_changes *changes,
                        struct now now)
{
    struct net *net = context;
    (void)zone;
    net->observed++;
    if (changes->count == 0)
        return;
    net->changes = *changes;
    net->changed_s = now_wall_s(now);
    trust_free(net->snapshot);
    net->snapshot = managed_snapshot(net->managed, net->configured);
    rollover_configure(net->rollover, &(struct rollover_options) { true, true }, &net->policy, net->snapshot);
}

static void net_init(struct net *net, const char *zone, struct octets dnskey)
{
    struct crypto_options options = crypto_options_default();
    struct rollover_host host = { net, on_probe, on_observed };
    struct anchor anchor = { .zone = name_of(zone),
                             .type = TYPE_DNSKEY,
                             .rdata = dnskey,
                             .source = ANCHOR_CONFIGURED,
                             .valid_from_s = INT64_MIN,
                             .valid_until_s = INT64_MAX };
    *net = (struct net) { .arena = arena_new(), .managed = managed_new(), .configured = trust_new() };
    net->random = random_seeded_new(7);
    assert_int_equal(trust_add_anchor(net->configured, &anchor), OK);
    managed_merge(net->managed, net->configured, START_S);
    net->snapshot = managed_snapshot(net->managed, net->configured);
    crypto_policy_make(&options, &net->policy);
    net->rollover = rollover_new(&host, net->managed, net->random);
    rollover_configure(net->rollover, &(struct rollover_options) { true, true }, &net->policy, net->snapshot);
}

static void net_clear(struct net *net)
{
    rollover_free(net->rollover);
    managed_free(net->managed);
    trust_free(net->configured);
    trust_free(net->snapshot);
    random_free(net->random);
    arena_free(net->arena);
}

/* Answers all that was asked: DNSKEY questions with the set (NULL: SERVFAIL), others with nothing. */
static void answer_all(struct net *net, struct rrset *dnskeys, int64_t wall_s)
{
    for (size_t i = 0; i < net->asked_count; i++) {
        struct asked *asked = &net->asked[i];
        struct answer answer = { .question = asked->question, .kind = ANSWER_DATA, .rrsets = { &dnskeys, 1 } };
        struct answer *links[] = { &answer };
        struct outcome outcome = { .question = asked->question, .links = links };
        outcome.link_count = dnskeys != NULL && asked->question.qtype == TYPE_DNSKEY;
        rollover_answer(net->rollover, asked->waiter, &outcome, at(wall_s));
    }
    net->asked_count = 0;
}

static enum anchor_state state_of(struct net *net, uint16_t tag)
{
    const struct managed_zone *zone = &net->managed->zones[0];
    for (size_t i = 0; i < zone->count; i++)
        if (managed_key_tag(&zone->keys[i]) == tag)
            return zone->keys[i].state;
    return STATE_START;
}

/* ---- a zone that rolls its key ---- */

static struct rrset *sign(struct net *net, const struct signer *const *keys, size_t count, size_t signing,
                          int64_t wall_s)
{
    struct dname zone = name_of("example.");
    struct rrset *rrset = dnskey_rrset(net->arena, &zone, TTL_S, keys, count);
    for (size_t i = 0; i < signing; i++)
        sign_rrset(net->arena, keys[i], rrset, &zone, (uint32_t)(wall_s - HOUR_S), (uint32_t)(wall_s + 20 * DAY_S));
    return rrset;
}

static void refresh(struct net *net, struct rrset *rrset, int64_t wall_s)
{
    rollover_refresh_all(net->rollover, at(wall_s));
    answer_all(net, rrset, wall_s);
}

/* D5-run, with real signatures: prepublished, added, in use, the old one revoked, removed. */
static void test_a_roll(void **state)
{
    (void)state;
    struct net net;
    struct signer *old = signer_new(P256, DNSKEY_ZONE | DNSKEY_SEP, 1);
    struct signer *revoked = signer_new(P256, DNSKEY_ZONE | DNSKEY_SEP | DNSKEY_REVOKE, 1);
    struct signer *new = signer_new(P256, DNSKEY_ZONE | DNSKEY_SEP, 2);
    uint16_t old_tag = signer_key_tag(old), new_tag = signer_key_tag(new);
    int64_t now_s = START_S;
    net_init(&net, "example.", signer_dnskey(old));
    refresh(&net, sign(&net, (const struct signer *[]) { old, new }, 2, 1, now_s), now_s);
    assert_int_equal(state_of(&net, new_tag), STATE_ADD_PEND);
    now_s += 30 * DAY_S - 1;
    refresh(&net, sign(&net, (const struct signer *[]) { old, new }, 2, 1, now_s), now_s);
    assert_int_equal(state_of(&net, new_tag), STATE_ADD_PEND);
    now_s += 1;
    refresh(&net, sign(&net, (const struct signer *[]) { old, new }, 2, 1, now_s), now_s);
    assert_int_equal(state_of(&net, new_tag), STATE_VALID);
    now_s += DAY_S;
    refresh(&net, sign(&net, (const struct signer *[]) { new, old }, 2, 1, now_s), now_s);
    assert_int_equal(state_of(&net, old_tag), STATE_VALID);
    refresh(&net, sign(&net, (const struct signer *[]) { new, revoked }, 2, 1, now_s), now_s);
    assert_int_equal(state_of(&net, old_tag), STATE_MISSING); /* REVOKE, but not signed by itself */
    refresh(&net, sign(&net, (const struct signer *[]) { new, revoked }, 2, 2, now_s), now_s);
    assert_int_equal(state_of(&net, old_tag), STATE_REVOKED);
    now_s += 31 * DAY_S;
    refresh(&net, sign(&net, (const struct signer *[]) { new }, 1, 1, now_s), now_s);
    assert_int_equal(state_of(&net, old_tag), STATE_REMOVED);
    refresh(&net, sign(&net, (const struct signer *[]) { old, new }, 2, 1, now_s), now_s);
    assert_int_equal(net.managed->zones[0].failures, 1);
    assert_int_equal(state_of(&net, new_tag), STATE_VALID);
    signer_free(old);
    signer_free(revoked);
    signer_free(new);
    net_clear(&net);
}

/* Section 2.3: what fails is asked again at the retry interval; nothing is asked while an answer is awaited. */
static void test_intervals_and_failures(void **state)
{
    (void)state;
    struct net net;
    struct signer *key = signer_new(P256, DNSKEY_ZONE | DNSKEY_SEP, 1);
    struct signer *other = signer_new(P256, DNSKEY_ZONE | DNSKEY_SEP, 2);
    struct rrset *bad;
    int64_t now_s = START_S;
    net_init(&net, "example.", signer_dnskey(key));
    const struct managed_zone *zone = &net.managed->zones[0];
    rollover_tick(net.rollover, at(now_s)); /* never asked: due at once */
    assert_int_equal(net.asked_count, 2);
    assert_int_equal(net.asked[0].question.qtype, TYPE_DNSKEY);
    assert_false(net.asked[0].checking_disabled);
    rollover_tick(net.rollover, at(now_s));
    assert_int_equal(net.asked_count, 2);
    answer_all(&net, NULL, now_s);
    assert_int_equal(zone->failures, 1);
    assert_int_equal(zone->next_s, now_s + HOUR_S);
    now_s += HOUR_S;
    rollover_tick(net.rollover, at(now_s));
    answer_all(&net, sign(&net, (const struct signer *[]) { key }, 1, 1, now_s), now_s);
    assert_int_equal(zone->failures, 0);
    assert_int_equal(zone->refreshed_s, now_s);
    assert_in_range(zone->next_s, now_s + TTL_S / 2 * 9 / 10, now_s + TTL_S / 2);
    rollover_tick(net.rollover, at(zone->next_s - 1));
    assert_int_equal(net.asked_count, 0);
    now_s = zone->next_s;
    rollover_tick(net.rollover, at(now_s));
    bad = sign(&net, (const struct signer *[]) { other, key }, 2, 1, now_s);
    answer_all(&net, bad, now_s);
    assert_int_equal(zone->failures, 1);
    assert_in_range(zone->next_s, now_s + TTL_S / 10 * 9 / 10, now_s + TTL_S / 10);
    assert_int_equal(state_of(&net, signer_key_tag(other)), STATE_START);
    rollover_tick(net.rollover, at(now_s - 40 * DAY_S)); /* the clock was wrong, and has been set back */
    assert_int_equal(net.asked_count, 2);
    answer_all(&net, NULL, now_s - 40 * DAY_S);
    signer_free(key);
    signer_free(other);
    net_clear(&net);
}

/* trust.automatic-update: false, or a clock that cannot be believed: nothing is asked, nothing is concluded. */
static void test_quiet_when_told_so(void **state)
{
    (void)state;
    struct net net;
    struct signer *key = signer_new(P256, DNSKEY_ZONE | DNSKEY_SEP, 1);
    struct now unfit = at(START_S);
    unfit.wall_is_fit = false;
    net_init(&net, "example.", signer_dnskey(key));
    rollover_tick(net.rollover, unfit);
    assert_int_equal(rollover_refresh_all(net.rollover, unfit), 0);
    rollover_configure(net.rollover, &(struct rollover_options) { false, true }, &net.policy, net.snapshot);
    rollover_tick(net.rollover, at(START_S));
    assert_int_equal(rollover_refresh_all(net.rollover, at(START_S)), 0);
    assert_int_equal(net.asked_count, 0);
    rollover_configure(net.rollover, &(struct rollover_options) { true, false }, &net.policy, net.snapshot);
    rollover_tick(net.rollover, at(START_S));
    assert_int_equal(net.asked_count, 1); /* no signal */
    answer_all(&net, NULL, START_S);
    signer_free(key);
    net_clear(&net);
}

/* ---- the real root, 2023-11 to 2026-08 ---- */

struct block {
    int64_t from_s;
    struct rrset *rrset;
};

/* "; serial 2023110400": what the root served from that day on. */
static size_t read_history(struct arena *arena, char *text, struct block blocks[BLOCKS_MAX])
{
    static const char mark[] = "; serial ";
    size_t count = 0;
    for (char *at_block = strstr(text, mark); at_block != NULL && count < BLOCKS_MAX;) {
        char *next = strstr(at_block + 1, mark);
        size_t len = next == NULL ? strlen(at_block) : (size_t)(next - at_block);
        unsigned year, month, day;
        assert_int_equal(sscanf(at_block + strlen(mark), "%4u%2u%2u", &year, &month, &day), 3);
        unsigned y = month <= 2 ? year - 1 : year, m = month <= 2 ? month + 9 : month - 3; /* from March */
        int64_t days = (int64_t)y * 365 + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719468;
        blocks[count].from_s = days * DAY_S;
        blocks[count++].rrset = rrset_of(arena, arena_printf(arena, "%.*s", (int)len, at_block));
        at_block = next;
    }
    return count;
}

static char *read_all(const char *path)
{
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return NULL;
    char *text = memory_new(1, 1 << 20);
    assert_true(fread(text, 1, (1 << 20) - 1, file) > 0);
    fclose(file);
    return text;
}

static struct octets ksk_2017(void)
{
    static struct trust *built_in;
    size_t count;
    if (built_in == NULL) {
        built_in = trust_new();
        trust_add_built_in(built_in);
    }
    const struct anchor *anchors = trust_anchors(built_in, &count);
    return dnskey_tag(anchors[0].rdata) == 20326 ? anchors[0].rdata : anchors[1].rdata;
}

enum { FIRST_SEEN_S = 1736553600, REFRESHES_MIN = 900 }; /* 2025-01-11; three years, about one a day */

/* D5-run: starting with 20326 alone, 38696 is valid at the first refresh that is 30 days behind its first sighting. */
static void test_the_real_history(void **state)
{
    (void)state;
    struct net net;
    struct block blocks[BLOCKS_MAX];
    char *text = read_all(HISTORY);
    if (text == NULL) {
        print_message("SKIPPED: no %s: nothing is proven on real data\n", HISTORY);
        skip();
    }
    net_init(&net, ".", ksk_2017());
    size_t count = read_history(net.arena, text, blocks), block = 0;
    assert_true(count > 90);
    const struct managed_zone *zone = &net.managed->zones[0];
    int64_t seen_s = 0, valid_s = 0, before_s = 0;
    for (int64_t now_s = blocks[0].from_s; now_s < blocks[count - 1].from_s + 20 * DAY_S; now_s += HOUR_S) {
        while (block + 1 < count && blocks[block + 1].from_s <= now_s)
            block++;
        rollover_tick(net.rollover, at(now_s));
        if (net.asked_count == 0)
            continue;
        int64_t last_s = zone->refreshed_s;
        answer_all(&net, blocks[block].rrset, now_s);
        enum anchor_state is = state_of(&net, 38696);
        if (is == STATE_ADD_PEND && seen_s == 0)
            seen_s = now_s;
        if (is == STATE_VALID && valid_s == 0) {
            valid_s = now_s;
            before_s = last_s;
        }
    }
    struct rollover_stats stats;
    rollover_get_stats(net.rollover, &stats);
    assert_true(stats.refreshes > REFRESHES_MIN);
    assert_int_equal(stats.failures, 0);
    assert_in_range(seen_s, FIRST_SEEN_S, FIRST_SEEN_S + DAY_S);
    assert_true(valid_s >= seen_s + ADD_HOLD_DOWN_S && before_s < seen_s + ADD_HOLD_DOWN_S);
    assert_true(valid_s <= seen_s + ADD_HOLD_DOWN_S + DAY_S);
    assert_int_equal(state_of(&net, 20326), STATE_VALID);
    assert_int_equal(zone->count, 2);
    free(text);
    net_clear(&net);
}

/* RFC 8145 section 5.1 */
static void test_signal(void **state)
{
    (void)state;
    struct net net;
    char text[DNAME_TEXT_MAX];
    net_init(&net, ".", ksk_2017());
    struct managed_key *key =
        managed_add_key(&net.managed->zones[0], TYPE_DNSKEY, (struct octets) { (const uint8_t *)"\1\1\3\15key", 7 });
    key->state = STATE_VALID;
    trust_free(net.snapshot);
    net.snapshot = managed_snapshot(net.managed, net.configured);
    rollover_configure(net.rollover, &(struct rollover_options) { true, true }, &net.policy, net.snapshot);
    uint16_t tag = managed_key_tag(key), low = tag < 20326 ? tag : 20326, high = tag < 20326 ? 20326 : tag;
    rollover_tick(net.rollover, at(START_S));
    assert_int_equal(net.asked[1].question.qtype, TYPE_NULL);
    assert_string_equal(dname_to_text(&net.asked[1].question.qname, text),
                        arena_printf(net.arena, "_ta-%04x-%04x.", low, high));
    answer_all(&net, NULL, START_S);
    net_clear(&net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_roll),
        cmocka_unit_test(test_intervals_and_failures),
        cmocka_unit_test(test_quiet_when_told_so),
        cmocka_unit_test(test_the_real_history),
        cmocka_unit_test(test_signal),
    };
    set_hash_secret();
    return cmocka_run_group_tests_name("steward/rollover", tests, NULL, NULL);
}
