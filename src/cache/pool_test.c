#include "cache/pool.h"

#include "cache/testing.h"

#include <stdio.h>

static int start(void **state)
{
    (void)state;
    set_hash_secret();
    return 0;
}

enum { BUDGET = 1 << 20 };

static struct octets octets_of(const char *text)
{
    return (struct octets) { (const uint8_t *)text, strlen(text) };
}

static struct pool_key key_of(const char *text)
{
    return (struct pool_key) { .hash = hash_octets(octets_of(text), 1), .octets = octets_of(text) };
}

static bool put(struct pool *pool, const char *key, const char *value, int64_t expires_ms, int64_t now_ms)
{
    struct pool_key stored = key_of(key);
    return pool_put(pool, &stored,
                    (struct pool_write) { .value = octets_of(value), .expires_ms = expires_ms, .now_ms = now_ms });
}

static bool has(struct pool *pool, const char *key, const char *value)
{
    struct arena *arena = arena_new();
    struct pool_key stored = key_of(key);
    struct octets found;
    bool same = pool_find(pool, &stored, arena, &found) && octets_equal(found, octets_of(value));
    arena_free(arena);
    return same;
}

static struct pool_stats stats_of(struct pool *pool)
{
    struct pool_stats stats;
    pool_measure(pool, &stats);
    return stats;
}

static void test_put_find_remove(void **state)
{
    (void)state;
    struct pool *pool = pool_new(BUDGET, 1);
    struct pool_key key = key_of("a"), none = key_of("b");
    char head[3];
    assert_true(put(pool, "a", "one", 10, 0));
    assert_true(has(pool, "a", "one"));
    assert_true(put(pool, "a", "another", 10, 0));
    assert_true(has(pool, "a", "another"));
    assert_int_equal(stats_of(pool).entries[0], 1);
    assert_true(pool_peek(pool, &key, head, 3));
    assert_memory_equal(head, "ano", 3);
    assert_false(pool_peek(pool, &none, head, 3));
    char whole[7];
    assert_int_equal(pool_read(pool, &key, whole, sizeof(whole)), 7);
    assert_memory_equal(whole, "another", 7);
    assert_int_equal(pool_read(pool, &key, whole, sizeof(whole) - 1), 0); /* not in part */
    assert_int_equal(pool_read(pool, &none, whole, sizeof(whole)), 0);
    assert_true(put(pool, "b", "xy", 10, 0));
    assert_false(pool_peek(pool, &none, head, 3)); /* shorter than that */
    uint32_t stamp = 1;
    assert_int_equal(pool_peek_upto(pool, &none, head, 3, &stamp), 2);
    assert_int_equal(stamp, 0);
    assert_true(pool_restamp(pool, &key, octets_of("another"), 0, POOL_STAMP_MAX));
    assert_false(pool_restamp(pool, &key, octets_of("another"), 0, 5));
    assert_false(pool_restamp(pool, &key, octets_of("one"), POOL_STAMP_MAX, 5));
    assert_int_equal(pool_peek_upto(pool, &key, head, 3, &stamp), 3);
    assert_int_equal(stamp, POOL_STAMP_MAX);
    assert_true(has(pool, "a", "another"));
    assert_false(pool_remove(pool, &key, octets_of("no")));
    assert_true(pool_remove(pool, &key, octets_of("an")));
    assert_false(pool_remove(pool, &key, (struct octets) { NULL, 0 }));
    assert_false(has(pool, "a", "another"));
    pool_free(pool);
}

static bool append(void *context, struct octets old, struct pool_write *write)
{
    char *buffer = context;
    if (old.len >= 4)
        return false;
    if (old.len > 0)
        memcpy(buffer, old.data, old.len);
    buffer[old.len] = '+';
    write->value = (struct octets) { (const uint8_t *)buffer, old.len + 1 };
    return true;
}

/* The decision is made with the old value under the lock. */
static void test_decide(void **state)
{
    (void)state;
    struct pool *pool = pool_new(BUDGET, 1);
    struct pool_key key = key_of("a");
    char buffer[8];
    for (int i = 0; i < 6; i++)
        assert_int_equal(pool_put(pool, &key, (struct pool_write) { .decide = append, .context = buffer }), i < 4);
    assert_true(has(pool, "a", "++++"));
    pool_free(pool);
}

/* What is replaced again and again takes its room once, and whoever stands behind it is found. */
static void test_holes(void **state)
{
    (void)state;
    enum { COUNT = 1000 };
    struct pool *pool = pool_new(4 * BUDGET, 1);
    uint64_t used_octets = 0;
    char key[16];
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < COUNT; i++) {
            snprintf(key, sizeof(key), "%d", i + round * COUNT);
            assert_true(put(pool, key, "a verdict is not known yet", 1000000, 0));
            if (round > 0) /* the same key once more, larger by a word, and then smaller by two */
                assert_true(put(pool, key, "the verdict: it stands for a while", 1000000, 0) &&
                            put(pool, key, "the verdict: it falls", 1000000, 0));
        }
        used_octets = stats_of(pool).used_octets - (round == 0 ? 0 : used_octets);
    }
    for (int i = 0; i < 2 * COUNT; i++) {
        snprintf(key, sizeof(key), "%d", i);
        assert_true(has(pool, key, i < COUNT ? "a verdict is not known yet" : "the verdict: it falls"));
    }
    assert_in_range(used_octets, COUNT * 40, COUNT * 90);
    pool_free(pool);
}

static void test_no_room_among_addresses(void **state)
{
    (void)state;
    assert_null(pool_new(UINT64_C(1) << 60, 1));
}

static void test_too_large(void **state)
{
    (void)state;
    struct pool *pool = pool_new(16 * BUDGET, 1);
    char *large = memory_new(1, POOL_VALUE_OCTETS_MAX + 2);
    memset(large, 'x', POOL_VALUE_OCTETS_MAX + 1);
    assert_false(put(pool, "a", large, 10, 0));
    large[POOL_VALUE_OCTETS_MAX] = '\0';
    assert_true(put(pool, "a", large, 10, 0));
    assert_true(has(pool, "a", large));
    pool_free(pool);
    pool = pool_new(POOL_OCTETS_MIN, 1);
    assert_false(put(pool, "a", large, 10, 0)); /* nothing may empty a small pool */
    free(large);
    for (int i = 0; i < 1000; i++) {
        char key[16];
        snprintf(key, sizeof(key), "%d", i);
        assert_true(put(pool, key, "value", 10, 0));
        assert_true(has(pool, key, "value"));
    }
    assert_true(stats_of(pool).used_octets <= POOL_OCTETS_MIN);
    pool_free(pool);
}

/* Index and segments grow and shrink with what is in them, and give all of it back. */
static void test_grows_and_shrinks(void **state)
{
    (void)state;
    enum { COUNT = 3000 };
    struct pool *pool = pool_new(BUDGET, 1);
    uint64_t empty = stats_of(pool).used_octets;
    char key[16], value[16];
    for (int i = 0; i < COUNT; i++) {
        snprintf(key, sizeof(key), "k%d", i);
        snprintf(value, sizeof(value), "v%d", i);
        assert_true(put(pool, key, value, 10, 0));
    }
    assert_int_equal(stats_of(pool).entries[0], COUNT);
    for (int i = 0; i < COUNT; i++) {
        snprintf(key, sizeof(key), "k%d", i);
        snprintf(value, sizeof(value), "v%d", i);
        assert_true(has(pool, key, value));
    }
    for (int i = 0; i < COUNT; i++) {
        snprintf(key, sizeof(key), "k%d", i);
        struct pool_key stored = key_of(key);
        assert_true(pool_remove(pool, &stored, (struct octets) { NULL, 0 }));
    }
    assert_int_equal(stats_of(pool).entries[0], 0);
    assert_int_equal(stats_of(pool).used_octets, empty);
    pool_free(pool);
}

static bool count_all(void *context, const struct pool_item *item)
{
    (void)item;
    ++*(size_t *)context;
    return true;
}

static bool is_odd(void *context, const struct pool_item *item)
{
    (void)context;
    return item->key.data[item->key.len - 1] % 2 == 1;
}

static bool stop_at_ten(void *context, const struct pool_item *item)
{
    (void)item;
    return ++*(size_t *)context < 10;
}

static void test_sweep_and_walk(void **state)
{
    (void)state;
    enum { COUNT = 2000 };
    struct pool *pool = pool_new(BUDGET, 1);
    size_t count = 0;
    for (int i = 0; i < COUNT; i++) {
        char key[16];
        snprintf(key, sizeof(key), "%d", i);
        put(pool, key, "value", 10, 0);
    }
    pool_walk(pool, count_all, &count);
    assert_int_equal(count, COUNT);
    count = 0;
    pool_walk(pool, stop_at_ten, &count);
    assert_int_equal(count, 10);
    assert_int_equal(pool_sweep(pool, is_odd, NULL), COUNT / 2);
    assert_int_equal(pool_sweep(pool, is_odd, NULL), 0);
    assert_int_equal(stats_of(pool).entries[0], COUNT / 2);
    assert_true(has(pool, "2", "value"));
    assert_false(has(pool, "3", "value"));
    pool_free(pool);
}

/* Expired entries go first, then those that were not read; what expired too long ago goes without pressure. */
static void test_who_goes_first(void **state)
{
    (void)state;
    struct pool *pool = pool_new(64 * 1024, 1);
    char key[16];
    for (int i = 0; stats_of(pool).evictions == 0; i++) {
        snprintf(key, sizeof(key), "%d", i);
        put(pool, key, "value", i == 100 ? 5000 : 1000000, 0);
        if (i == 1 || i == 2)
            assert_true(has(pool, key, "value")); /* and now it is read */
    }
    assert_false(has(pool, "0", "value")); /* the oldest */
    assert_true(has(pool, "100", "value"));
    for (int i = 0; has(pool, "100", "value"); i++) {
        snprintf(key, sizeof(key), "late%d", i);
        put(pool, key, "value", 1000000, 10000);
        assert_true(has(pool, "1", "value") && has(pool, "2", "value"));
        assert_in_range(i, 0, 100); /* first of all that go */
    }
    pool_free(pool);
    pool = pool_new(BUDGET, 1);
    put(pool, "old", "value", 1000, 0);
    for (int i = 0; i < 200; i++) {
        snprintf(key, sizeof(key), "%d", i);
        put(pool, key, "value", 1000000, 100000);
    }
    assert_false(has(pool, "old", "value"));
    pool_free(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_put_find_remove), cmocka_unit_test(test_decide),
        cmocka_unit_test(test_holes),           cmocka_unit_test(test_no_room_among_addresses),
        cmocka_unit_test(test_too_large),       cmocka_unit_test(test_grows_and_shrinks),
        cmocka_unit_test(test_sweep_and_walk),  cmocka_unit_test(test_who_goes_first),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
