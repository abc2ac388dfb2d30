/* What a genuine root-anchors.xml does to the anchors of the root (D5-init, RFC 9718): three keys, as letters. */
#include "trust/bootstrap.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/signer.h"

enum { KEYS = 3, NOW_S = 1800000000, DAY_S = 86400 };

static const struct {
    const char *what;
    const char *held; /* "V"ALID, "A"DDPEND, "R"EVOKED, "X": removed, "D"OUBTED, "-": not known */
    const char *live; /* "s"igns, "p"ublished alone, "r"evoked and signs, "-" */
    const char *xml;  /* "v"alid, "e"nded, "f"uture, "d": valid, the digest alone, "-" */
    const char *then; /* as held; NULL: nothing is done */
    size_t changes;
} cases[] = {
    { "a key that nobody knew", "V--", "-s-", "-v-", "VV-", 1 },
    { "the same, by its digest", "V--", "-s-", "-d-", "VV-", 1 },
    { "all that it lists, if one of them signs", "V--", "-s-", "-vv", "VVV", 2 },
    { "one in its hold-down", "VA-", "-s-", "-v-", "VV-", 1 },
    { "nothing is new", "V--", "s--", "v--", "V--", 0 },
    { "a doubted one", "DD-", "s--", "v--", "VD-", 1 },
    { "a revoked one stays revoked", "RV-", "ss-", "vv-", "RV-", 0 },
    { "a removed one stays removed", "XV-", "-s-", "vv-", "XV-", 0 },
    { "nothing is taken away", "VV-", "-s-", "-v-", "VV-", 0 },
    { "none that it lists signs", "V--", "sp-", "-v-", NULL, 0 },
    { "the one that signs has ended", "V--", "-s-", "-e-", NULL, 0 },
    { "… or begins later", "V--", "-s-", "-f-", NULL, 0 },
    { "it is revoked by what is published", "V--", "-r-", "-v-", NULL, 0 },
    { "it was revoked before", "RV-", "s--", "v--", NULL, 0 },
    { "nothing is published", "V--", "---", "-v-", NULL, 0 },
    { "nothing is listed", "V--", "s--", "---", NULL, 0 },
};

struct world {
    struct arena *arena;
    struct signer *signers[KEYS];
    struct managed *managed;
    struct managed_zone *root;
    struct seen_key seen[KEYS];
    struct observation live;
    struct root_anchors xml;
};

static const char letters[ANCHOR_STATES] = {
    [STATE_START] = '-',   [STATE_ADD_PEND] = 'A', [STATE_VALID] = 'V',   [STATE_MISSING] = 'M',
    [STATE_REVOKED] = 'R', [STATE_REMOVED] = 'X',  [STATE_DOUBTED] = 'D',
};

static void hold(struct world *world, size_t i, char letter)
{
    if (letter == '-')
        return;
    struct managed_key *key = managed_add_key(world->root, TYPE_DNSKEY, signer_dnskey(world->signers[i]));
    key->state = (enum anchor_state)((const char *)memchr(letters, letter, ANCHOR_STATES) - letters);
}

static void publish(struct world *world, size_t i, char letter)
{
    if (letter == '-')
        return;
    struct octets rdata = octets_copy(world->arena, signer_dnskey(world->signers[i]));
    if (letter == 'r')
        ((uint8_t *)(uintptr_t)rdata.data)[1] |= DNSKEY_REVOKE;
    world->seen[world->live.count++] = (struct seen_key) { rdata, letter != 'p' };
}

static void list(struct world *world, size_t i, char letter)
{
    if (letter == '-')
        return;
    struct octets dnskey = signer_dnskey(world->signers[i]);
    struct key_digest *item = &world->xml.items[world->xml.count++];
    *item = (struct key_digest) {
        .id = "K",
        .valid_from_s = letter == 'f' ? NOW_S + DAY_S : NOW_S - DAY_S,
        .valid_until_s = letter == 'e' ? NOW_S - 1 : INT64_MAX,
        .ds = make_ds(world->arena, dname_root(), dnskey, 2),
    };
    if (letter != 'd')
        item->dnskey = dnskey;
}

static void world_init(struct world *world, const char *held, const char *live, const char *xml)
{
    *world = (struct world) { .arena = arena_new(), .managed = managed_new() };
    world->root = managed_add_zone(world->managed, dname_root());
    world->live.keys = world->seen;
    for (size_t i = 0; i < KEYS; i++) {
        world->signers[i] = signer_new(13, DNSKEY_ZONE | DNSKEY_SEP, 100 + i);
        hold(world, i, held[i]);
        publish(world, i, live[i]);
        list(world, i, xml[i]);
    }
}

static void world_clear(struct world *world)
{
    for (size_t i = 0; i < KEYS; i++)
        signer_free(world->signers[i]);
    managed_free(world->managed);
    arena_free(world->arena);
}

static void tell(struct world *world, char then[KEYS + 1])
{
    for (size_t i = 0; i < KEYS; i++) {
        const struct managed_key *key = managed_find_key(world->root, TYPE_DNSKEY, signer_dnskey(world->signers[i]));
        then[i] = letters[key == NULL ? STATE_START : key->state];
    }
    then[KEYS] = '\0';
}

static void test_adoption(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct world world;
        struct anchor_changes changes;
        const char *fault;
        char then[KEYS + 1];
        world_init(&world, cases[i].held, cases[i].live, cases[i].xml);
        bool is_done = bootstrap_adopt(world.root, &world.xml, &world.live, NOW_S, &changes, &fault);
        tell(&world, then);
        if (is_done != (cases[i].then != NULL) || is_done != (fault == NULL) || changes.count != cases[i].changes ||
            strcmp(then, cases[i].then != NULL ? cases[i].then : cases[i].held) != 0)
            fail_msg("%s: %s, %zu changes: %s", cases[i].what, then, changes.count, fault == NULL ? "done" : fault);
        world_clear(&world);
    }
}

/* Its validity bounds whatever key it speaks of. */
static void test_bounds(void **state)
{
    (void)state;
    struct world world;
    world_init(&world, "VV-", "---", "ef-");
    world.root->keys[1].source = ANCHOR_XML;
    bootstrap_bound(world.root, &world.xml);
    assert_int_equal(world.root->keys[0].valid_until_s, NOW_S - 1);
    assert_true(world.root->keys[0].valid_from_s == INT64_MIN); /* the operator's word, or ours */
    assert_int_equal(world.root->keys[1].valid_from_s, NOW_S + DAY_S);
    assert_true(world.root->keys[1].valid_until_s == INT64_MAX);
    world_clear(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_adoption),
        cmocka_unit_test(test_bounds),
    };
    return cmocka_run_group_tests_name("trust/bootstrap", tests, NULL, NULL);
}
