#include "cache/testing.h"

static int start(void **state)
{
    (void)state;
    set_hash_secret();
    return 0;
}

static struct delegation delegation_of(struct arena *arena, const char *zone, const char *server, int64_t expires_s)
{
    struct delegation delegation = { .zone = name_of(zone), .expires_ms = at(expires_s).wall_ms, .server_count = 2 };
    delegation.servers = ARENA_ARRAY(arena, 2, struct delegation_server);
    delegation.servers[0].name = name_of(server);
    delegation.servers[0].address_count = 2;
    delegation.servers[0].addresses = ARENA_ARRAY(arena, 2, struct address);
    assert_int_equal(address_from_text("192.0.2.53", 53, &delegation.servers[0].addresses[0]), OK);
    assert_int_equal(address_from_text("2001:db8::53@5353", 53, &delegation.servers[0].addresses[1]), OK);
    delegation.servers[1].name = name_of("ns.elsewhere.");
    return delegation;
}

static void put(struct cache *cache, const char *zone, const char *server, int64_t expires_s, int64_t now_s)
{
    struct arena *arena = arena_new();
    struct delegation delegation = delegation_of(arena, zone, server, expires_s);
    cache_put_delegation(cache, &delegation, at(now_s));
    arena_free(arena);
}

static void test_comes_back_whole(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    struct cache *cache = small_cache();
    struct delegation in = delegation_of(arena, "example.", "ns1.example.", 100), *out;
    struct dname name = name_of("www.EXAMPLE.");
    cache_put_delegation(cache, &in, at(0));
    out = cache_find_delegation(cache, &name, 0, at(1), arena);
    assert_non_null(out);
    out = delegation_copy(arena, out);
    assert_true(dname_equal(&out->zone, &in.zone));
    assert_int_equal(out->expires_ms, in.expires_ms);
    assert_int_equal(out->server_count, 2);
    assert_false(out->is_hint);
    assert_true(dname_equal(&out->servers[0].name, &in.servers[0].name));
    assert_int_equal(out->servers[0].address_count, 2);
    for (int i = 0; i < 2; i++)
        assert_true(address_equal(&out->servers[0].addresses[i], &in.servers[0].addresses[i]));
    assert_int_equal(out->servers[1].address_count, 0);
    cache_free(cache);
    arena_free(arena);
}

static void test_deepest(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        bool above;
        uint16_t origin;
        int64_t second;
        const char *zone; /* NULL: none */
    } cases[] = {
        { "www.a.example.", false, 0, 1, "a.example." },
        { "a.example.", false, 0, 1, "a.example." },
        { "a.example.", true, 0, 1, "example." }, /* strictly above: where the DS set is */
        { "b.example.", false, 0, 1, "example." },
        { "notexample.", false, 0, 1, "." },
        { ".", false, 0, 1, "." },
        { ".", true, 0, 1, NULL },
        { "www.a.example.", false, 0, 50, "example." }, /* the deepest has expired */
        { "www.a.example.", false, 0, 300, NULL },
        { "www.a.example.", false, 1, 1, NULL },    /* origins never cross */
        { "www.a.example.", false, 0, -100, NULL }, /* from the future */
    };
    struct arena *arena = arena_new();
    struct cache *cache = small_cache();
    put(cache, ".", "ns.", 200, 0);
    put(cache, "example.", "ns.", 100, 0);
    put(cache, "a.example.", "ns.", 50, 0);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct dname name = name_of(cases[i].name);
        struct delegation *(*look_up)(struct cache *, const struct dname *, uint16_t, struct now, struct arena *) =
            cases[i].above ? cache_find_delegation_above : cache_find_delegation;
        const struct delegation *found = look_up(cache, &name, cases[i].origin, at(cases[i].second), arena);
        assert_int_equal(found != NULL, cases[i].zone != NULL);
        if (found != NULL) {
            struct dname zone = name_of(cases[i].zone);
            assert_true(dname_equal(&found->zone, &zone));
            assert_true(cache_has_delegation(cache, &zone, 0, at(cases[i].second)));
        }
    }
    struct dname zone = name_of("A.example."), none = name_of("b.example.");
    assert_true(cache_has_delegation(cache, &zone, 0, at(1)));
    assert_false(cache_has_delegation(cache, &none, 0, at(1)));
    cache_drop_delegation(cache, &zone, 0);
    assert_false(cache_has_delegation(cache, &zone, 0, at(1)));
    cache_free(cache);
    arena_free(arena);
}

/* Never an answer: R4.5-b's sibling, RFC 2181 section 5.4.1. */
static void test_is_no_answer(void **state)
{
    (void)state;
    struct cache *cache = small_cache();
    put(cache, "example.", "ns.example.", 100, 0);
    assert_false(holds(cache, "example.", TYPE_NS, at(1)));
    assert_false(holds(cache, "ns.example.", TYPE_A, at(1)));
    cache_free(cache);
}

/* CVE-2012-1033: what the child says of itself is an answer, and moves no deadline of the parent's word. */
static void test_ghost_domains(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    struct cache *cache = small_cache();
    struct dname zone = name_of("ghost.example.");
    put(cache, "ghost.example.", "ns.old.", 100, 0);
    cache_put_answer(
        cache,
        answer_of(arena, "ghost.example.", TYPE_NS, ANSWER_DATA, "ghost.example. 86400 IN NS ns.new.\n", 86400, at(90)),
        at(90));
    assert_true(cache_has_delegation(cache, &zone, 0, at(99)));
    assert_false(cache_has_delegation(cache, &zone, 0, at(100)));
    put(cache, "ghost.example.", "ns.parent.", 200, 90); /* the parent says it again */
    assert_true(cache_has_delegation(cache, &zone, 0, at(199)));
    cache_free(cache);
    arena_free(arena);
}

static const struct delegation *root_of(struct cache *cache, int64_t second, struct arena *arena)
{
    const struct delegation *root = cache_find_delegation(cache, dname_root(), 0, at(second), arena);
    assert_non_null(root);
    return root;
}

/* RFC 9609: hints stand in until the root has spoken, and do not unsay it. */
static void test_hints(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    struct cache *cache = small_cache();
    struct delegation hints = delegation_of(arena, ".", "a.hints.", 1000000000);
    hints.is_hint = true;
    cache_put_delegation(cache, &hints, at(0));
    assert_true(root_of(cache, 900000000, arena)->is_hint); /* not capped */
    put(cache, ".", "a.root.", 100, 0);
    cache_put_delegation(cache, &hints, at(50));
    assert_false(root_of(cache, 50, arena)->is_hint);
    cache_put_delegation(cache, &hints, at(100));
    assert_true(root_of(cache, 100, arena)->is_hint);
    cache_free(cache);
    arena_free(arena);
}

/* D7-ttl holds for delegations, too. */
static void test_maximum(void **state)
{
    (void)state;
    struct cache *cache = small_cache();
    struct dname zone = name_of("example.");
    put(cache, "example.", "ns.", 7 * 86400, 0);
    assert_true(cache_has_delegation(cache, &zone, 0, at(86399)));
    assert_false(cache_has_delegation(cache, &zone, 0, at(86400)));
    cache_free(cache);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_comes_back_whole), cmocka_unit_test(test_deepest), cmocka_unit_test(test_is_no_answer),
        cmocka_unit_test(test_ghost_domains),    cmocka_unit_test(test_hints),   cmocka_unit_test(test_maximum),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
