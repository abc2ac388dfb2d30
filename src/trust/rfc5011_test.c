#include "trust/rfc5011.h"

#include <setjmp.h>
#include <stdio.h>
#include <cmocka.h>

#include "message/testing.h"

enum { DAY_S = 86400, TTL_S = 172800, START_S = 1700000000 };

/* ---- a zone with keys that are letters ---- */

enum { FLAGS_KSK = DNSKEY_ZONE | DNSKEY_SEP, KEY_OCTETS = 4 + 32 };

struct letter {
    uint8_t rdata[KEY_OCTETS];
};

static struct octets key_of(struct letter *letter, char name, uint16_t flags)
{
    memset(letter->rdata, name, sizeof(letter->rdata));
    letter->rdata[0] = (uint8_t)(flags >> 8);
    letter->rdata[1] = (uint8_t)flags;
    letter->rdata[2] = 3;
    letter->rdata[3] = 13;
    return (struct octets) { letter->rdata, sizeof(letter->rdata) };
}

struct world {
    struct managed *managed;
    struct trust *configured;
    struct managed_zone *zone;
    struct anchor_changes changes;
};

static void add_configured(struct trust *trust, char name)
{
    struct letter letter;
    struct anchor anchor = {
        .zone = *dname_root(),
        .type = TYPE_DNSKEY,
        .rdata = key_of(&letter, name, FLAGS_KSK),
        .source = ANCHOR_CONFIGURED,
        .valid_from_s = INT64_MIN,
        .valid_until_s = INT64_MAX,
    };
    assert_int_equal(trust_add_anchor(trust, &anchor), OK);
}

static void world_init(struct world *world, const char *anchors)
{
    *world = (struct world) { .managed = managed_new(), .configured = trust_new() };
    for (; *anchors != '\0'; anchors++)
        add_configured(world->configured, *anchors);
    managed_merge(world->managed, world->configured, START_S);
    world->zone = managed_find(world->managed, dname_root());
}

static void world_clear(struct world *world)
{
    managed_free(world->managed);
    trust_free(world->configured);
}

/* The set as a word: each letter is a key; small ones have no SEP flag; "*" behind one: it signs; "!" behind one: it is
 * revoked. */
static bool observe(struct world *world, const char *set, int64_t now_s)
{
    struct letter letters[16];
    struct seen_key keys[16];
    struct observation seen = { .keys = keys, .original_ttl_s = TTL_S };
    for (; *set != '\0'; set++) {
        uint16_t flags = *set >= 'a' ? DNSKEY_ZONE : FLAGS_KSK;
        char name = *set;
        bool signs = false;
        for (; set[1] == '*' || set[1] == '!'; set++) {
            signs = signs || set[1] == '*';
            flags |= set[1] == '!' ? DNSKEY_REVOKE : 0;
        }
        keys[seen.count] = (struct seen_key) { .rdata = key_of(&letters[seen.count], name, flags), .signs = signs };
        seen.count++;
    }
    return rfc5011_observe(world->zone, &seen, now_s, &world->changes);
}

static enum anchor_state state_of(struct world *world, char name)
{
    struct letter letter;
    uint16_t flags = name >= 'a' ? DNSKEY_ZONE : FLAGS_KSK;
    const struct managed_key *key = managed_find_key(world->zone, TYPE_DNSKEY, key_of(&letter, name, flags));
    return key == NULL ? STATE_START : key->state;
}

static const char *stage_of(struct world *world, char name)
{
    struct letter letter;
    return managed_key_stage(managed_find_key(world->zone, TYPE_DNSKEY, key_of(&letter, name, FLAGS_KSK)));
}

/* ---- stories: D5-run, RFC 5011 sections 2 and 4 ---- */

struct line {
    int day;
    const char *set;
    bool validated;
    const char *states; /* "A=VALID B=ADDPEND": those named */
};

struct story {
    const char *name, *anchors;
    struct line lines[10];
};

static const struct story stories[] = {
    { "section 2.4.1: a key is added at the first refresh behind the hold-down",
      "A",
      { { 0, "A*b", true, "A=VALID b=START" },
        { 1, "A*Bb", true, "B=ADDPEND" },
        { 30, "A*B", true, "B=ADDPEND" },
        { 31, "A*B", true, "B=VALID" },
        { 32, "AB*", true, "A=VALID B=VALID" } } },
    { "section 2.2: what is not signed by a valid key changes nothing",
      "A",
      { { 0, "A*", true, "A=VALID" },
        { 1, "AB*", false, "B=START" },
        { 2, "B*", false, "A=VALID B=START" },
        { 3, "A*B", true, "B=ADDPEND" },
        { 40, "AB*", false, "B=ADDPEND" },
        { 41, "A*B*", true, "B=VALID" } } },
    { "section 2.2: a validated set without the key starts over",
      "A",
      { { 0, "A*B", true, "B=ADDPEND" },
        { 20, "A*", true, "B=START" },
        { 31, "A*B", true, "B=ADDPEND" },
        { 60, "A*B", true, "B=ADDPEND" },
        { 61, "A*B", true, "B=VALID" } } },
    { "a bogus set without the key does not",
      "A",
      { { 0, "A*B", true, "B=ADDPEND" }, { 20, "A", false, "B=ADDPEND" }, { 30, "A*B", true, "B=VALID" } } },
    { "section 4: missing, and back",
      "AB",
      { { 0, "A*B", true, "A=VALID B=VALID" },
        { 9, "A*", true, "B=MISSING" },
        { 90, "A*", true, "B=MISSING" },
        { 91, "AB*", true, "A=VALID B=VALID" } } },
    { "early removal: what is missing still vouches",
      "AB",
      { { 0, "A*B", true, "" }, { 5, "B*", true, "A=MISSING" }, { 6, "A*", true, "A=VALID B=MISSING" } } },
    { "section 2.1: revoked by itself, then removed",
      "AB",
      { { 0, "A*B", true, "" },
        { 1, "A!*B*", true, "A=REVOKED" },
        { 30, "B*", true, "A=REVOKED" },
        { 31, "B*", true, "A=REMOVED" },
        { 32, "A*B*", true, "A=REMOVED" } } },
    { "section 2.1: REVOKE without its own signature is not a revocation",
      "AB",
      { { 0, "A*B", true, "" }, { 1, "A!B*", true, "A=MISSING" }, { 2, "A*B", true, "A=VALID" } } },
    { "section 2.1: a revoked key vouches for nothing else",
      "A",
      { { 0, "A*", true, "" }, { 1, "A!*B", false, "A=REVOKED B=START" }, { 2, "A*B", false, "A=REVOKED" } } },
    { "revoked without a successor that is ready",
      "A",
      { { 0, "A*B", true, "B=ADDPEND" },
        { 9, "A!*B*", false, "A=REVOKED B=ADDPEND" },
        { 40, "B*", false, "B=ADDPEND" } } },
    { "two new keys, one of which goes",
      "A",
      { { 0, "A*B", true, "B=ADDPEND" },
        { 3, "A*BC", true, "C=ADDPEND" },
        { 30, "A*BC", true, "B=VALID C=ADDPEND" },
        { 31, "A*B", true, "C=START" } } },
    { "revoked while it waits: it never was an anchor",
      "A",
      { { 0, "A*B", true, "B=ADDPEND" }, { 1, "A*B!*", true, "B=START" }, { 2, "A*B", true, "B=ADDPEND" } } },
    { "a key that is revoked when first seen is nobody's", "A", { { 0, "A*B!*", true, "B=START" } } },
    { "missing, then revoked",
      "AB",
      { { 0, "A*B", true, "" }, { 1, "A*", true, "B=MISSING" }, { 2, "A*B!*", true, "B=REVOKED" } } },
    { "a configured key that is not published yet is not missing",
      "AB",
      { { 0, "A*", true, "A=VALID B=VALID" }, { 1, "A*B", true, "B=VALID" }, { 2, "A*", true, "B=MISSING" } } },
};

static void assert_states(struct world *world, const struct story *story, const struct line *line)
{
    char words[128], *rest = words, *word;
    snprintf(words, sizeof(words), "%s", line->states);
    while ((word = strsep(&rest, " ")) != NULL && word[0] != '\0') {
        const char *is = anchor_state_text(state_of(world, word[0]));
        if (strcmp(is, word + 2) != 0)
            fail_msg("%s, day %d: %c is %s, not %s", story->name, line->day, word[0], is, word + 2);
    }
}

static void test_stories(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(stories); i++) {
        struct world world;
        world_init(&world, stories[i].anchors);
        for (const struct line *line = stories[i].lines; line->set != NULL; line++) {
            bool validated = observe(&world, line->set, START_S + (int64_t)line->day * DAY_S);
            if (validated != line->validated)
                fail_msg("%s, day %d: validated %d", stories[i].name, line->day, validated);
            assert_states(&world, &stories[i], line);
        }
        world_clear(&world);
    }
}

/* RFC 5011 section 2.4.1: the TTL if it is longer than 30 days. */
/* A key that is doubted proves nothing but its own end. */
static void test_doubted_keys_validate_nothing(void **state)
{
    (void)state;
    struct world world;
    world_init(&world, "AB");
    managed_doubt(world.zone, START_S);
    assert_false(observe(&world, "A*B*", START_S + DAY_S));
    assert_int_equal(state_of(&world, 'A'), STATE_DOUBTED);
    assert_false(observe(&world, "A*!B*", START_S + 2 * DAY_S));
    assert_int_equal(state_of(&world, 'A'), STATE_REVOKED);
    assert_int_equal(state_of(&world, 'B'), STATE_DOUBTED);
    world_clear(&world);
}

static void test_a_long_ttl_holds_longer(void **state)
{
    (void)state;
    struct world world;
    struct letter a, b;
    struct seen_key keys[] = { { key_of(&a, 'A', FLAGS_KSK), true }, { key_of(&b, 'B', FLAGS_KSK), false } };
    struct observation seen = { keys, 2, 40 * DAY_S };
    world_init(&world, "A");
    assert_true(rfc5011_observe(world.zone, &seen, START_S, &world.changes));
    assert_true(rfc5011_observe(world.zone, &seen, START_S + 40 * DAY_S - 1, &world.changes));
    assert_int_equal(state_of(&world, 'B'), STATE_ADD_PEND);
    assert_true(rfc5011_observe(world.zone, &seen, START_S + 40 * DAY_S, &world.changes));
    assert_int_equal(state_of(&world, 'B'), STATE_VALID);
    assert_int_equal(world.changes.count, 1);
    assert_int_equal(world.changes.items[0].from, STATE_ADD_PEND);
    world_clear(&world);
}

/* RFC 7583 section 3.3 */
static void test_stages(void **state)
{
    (void)state;
    struct world world;
    world_init(&world, "AB");
    assert_string_equal(stage_of(&world, 'A'), "generated");
    observe(&world, "A*BC", START_S);
    assert_string_equal(stage_of(&world, 'A'), "active");
    assert_string_equal(stage_of(&world, 'B'), "ready");
    assert_string_equal(stage_of(&world, 'C'), "published");
    observe(&world, "AB*C", START_S + DAY_S);
    assert_string_equal(stage_of(&world, 'A'), "retired");
    assert_string_equal(stage_of(&world, 'B'), "active");
    observe(&world, "A!*B*", START_S + 2 * DAY_S);
    assert_string_equal(stage_of(&world, 'A'), "revoked");
    observe(&world, "B*", START_S + 40 * DAY_S);
    assert_string_equal(stage_of(&world, 'A'), "removed");
    world_clear(&world);
}

/* Whose signatures are worth an operation. */
static void test_wanted_signatures(void **state)
{
    (void)state;
    struct world world;
    struct letter letter;
    world_init(&world, "A");
    observe(&world, "A*B", START_S);
    assert_true(rfc5011_wants_signature(world.zone, key_of(&letter, 'A', FLAGS_KSK)));
    assert_true(rfc5011_wants_signature(world.zone, key_of(&letter, 'A', FLAGS_KSK | DNSKEY_REVOKE)));
    assert_false(rfc5011_wants_signature(world.zone, key_of(&letter, 'B', FLAGS_KSK)));
    assert_false(rfc5011_wants_signature(world.zone, key_of(&letter, 'C', FLAGS_KSK)));
    world_clear(&world);
}

/* A set as large as the limit allows, all of it new, again and again. */
static void test_a_flood_of_keys_is_bounded(void **state)
{
    (void)state;
    struct world world;
    static struct letter letters[DNSKEYS_PER_ZONE_MAX];
    struct seen_key keys[DNSKEYS_PER_ZONE_MAX];
    world_init(&world, "A");
    for (int round = 0; round < 4; round++) {
        for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
            keys[i] = (struct seen_key) { .rdata = key_of(&letters[i], 'A', FLAGS_KSK), .signs = i == 0 };
            if (i > 0)
                memcpy(letters[i].rdata + 4, &(int[]) { round * 1000 + (int)i }, sizeof(int));
        }
        struct observation seen = { keys, ARRAY_LEN(keys), TTL_S };
        assert_true(rfc5011_observe(world.zone, &seen, START_S + round, &world.changes));
        assert_true(world.zone->count <= MANAGED_KEYS_MAX);
        assert_int_equal(state_of(&world, 'A'), STATE_VALID);
    }
    world_clear(&world);
}

/* RFC 5011 section 2.3 */
static void test_intervals(void **state)
{
    (void)state;
    static const struct {
        uint32_t ttl_s;
        int64_t life_s, refresh_s, retry_s;
    } cases[] = {
        { 172800, 20 * DAY_S, 86400, 17280 },          /* the root */
        { 3600, 20 * DAY_S, 3600, 3600 },              /* no more often than once an hour */
        { 90 * DAY_S, 90 * DAY_S, 15 * DAY_S, DAY_S }, /* at least every 15 days; a retry each day */
        { 172800, 2 * DAY_S, 86400, 17280 },
        { 172800, DAY_S, DAY_S / 2, 8640 },
        { 172800, 0, 3600, 3600 },
        { 172800, -5, 3600, 3600 },
        { 10800, 30 * DAY_S, 5400, 3600 }, /* as Unbound's stories have it */
        { UINT32_MAX, INT64_MAX, 15 * DAY_S, DAY_S },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_int_equal(rfc5011_refresh_interval_s(cases[i].ttl_s, cases[i].life_s), cases[i].refresh_s);
        assert_int_equal(rfc5011_retry_interval_s(cases[i].ttl_s, cases[i].life_s), cases[i].retry_s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stories),
        cmocka_unit_test(test_a_long_ttl_holds_longer),
        cmocka_unit_test(test_doubted_keys_validate_nothing),
        cmocka_unit_test(test_stages),
        cmocka_unit_test(test_wanted_signatures),
        cmocka_unit_test(test_a_flood_of_keys_is_bounded),
        cmocka_unit_test(test_intervals),
    };
    set_hash_secret();
    return cmocka_run_group_tests_name("trust/rfc5011", tests, NULL, NULL);
}
