#include "cache/lineages.h"

#include "cache/lineage_shared.h"
#include "cache/testing.h"

static int start(void **state)
{
    (void)state;
    set_hash_secret();
    return 0;
}

static struct lineage lineage_of(uint64_t first, uint16_t count)
{
    struct lineage lineage = { .count = 0 };
    for (uint64_t key = first + count; key-- > first;)
        lineage_add(&lineage, key * UINT64_C(0x9e3779b97f4a7c15));
    return lineage;
}

static bool same_chain(const struct lineage *a, const struct lineage *b)
{
    return a->count == b->count && memcmp(a->keys, b->keys, a->count * sizeof(a->keys[0])) == 0;
}

/* Many entries share one set. */
static void test_interned_once(void **state)
{
    (void)state;
    static const uint16_t counts[] = { 1, 2, 14, 15, 16, 30, 31, LINEAGE_KEYS_MAX };
    struct lineages *lineages = lineages_new(1 << 20);
    for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
        struct lineage in = lineage_of(100, counts[i]), out;
        struct lineage_ref first, second;
        assert_true(lineages_intern(lineages, &in, &first));
        assert_true(lineages_intern(lineages, &in, &second));
        assert_int_equal(first.slot, second.slot);
        assert_int_equal(first.generation, second.generation);
        assert_true(lineages_get(lineages, first, &out));
        assert_true(same_chain(&in, &out));
    }
    struct lineage empty = { .count = 0 }, over = { .overflow = true };
    struct lineage_ref ref;
    assert_true(lineages_intern(lineages, &empty, &ref));
    assert_int_equal(ref.slot, 0);
    assert_false(lineages_intern(lineages, &over, &ref));
    lineages_free(lineages);
}

/* What rests on a zone's keys continues the set of its parent: a zone costs a record for each key of its own, and its
 * name once. */
static void test_chain_shared(void **state)
{
    (void)state;
    enum { PARENTS = 6, ZONES = 100 };
    struct lineages *lineages = lineages_new(1 << 20);
    struct lineage_ref refs[ZONES], ds, keys_of_zone;
    for (uint64_t i = 0; i < ZONES; i++) {
        struct lineage chain = lineage_of(1, PARENTS);
        char text[32];
        snprintf(text, sizeof(text), "z%03u.example.", (unsigned)i);
        struct dname zone = name_of(text);
        struct named_key keys[] = { { 1000 + i, 1 }, { 2000 + i, 2 } };
        lineages_name_keys(lineages, &zone, keys, ARRAY_LEN(keys));
        assert_true(lineages_intern(lineages, &chain, &ds));
        lineage_add(&chain, keys[0].id);
        assert_true(lineages_intern(lineages, &chain, &keys_of_zone));
        lineage_add(&chain, keys[1].id);
        assert_true(lineages_intern(lineages, &chain, &refs[i]));
    }
    assert_int_equal(lineages->table->set_supply.fresh, 1 + PARENTS + 2 * ZONES);
    assert_int_equal(lineages->table->key_supply.fresh, 1 + PARENTS + 2 * ZONES);
    assert_int_equal(lineages->table->block_supply.fresh, 1 + 2 * ZONES);
    for (uint64_t i = 0; i < ZONES; i++) {
        struct lineage out, chain = lineage_of(1, PARENTS);
        lineage_add(&chain, 1000 + i);
        lineage_add(&chain, 2000 + i);
        assert_true(lineages_get(lineages, refs[i], &out));
        assert_true(same_chain(&out, &chain));
    }
    lineages_free(lineages);
}

/* When the table is full the sets not used lately give way; what has pointed to them knows nothing any more, and never
 * something wrong.  The table does not grow. */
static void test_bounded(void **state)
{
    (void)state;
    struct lineages *lineages = lineages_new(0);
    struct dname zone = name_of("example.");
    struct lineage busy = lineage_of(1000000, 4), out;
    struct lineage_ref busy_ref, refs[2000];
    uint64_t octets = lineages_octets(lineages), current;
    assert_true(lineages_intern(lineages, &busy, &busy_ref));
    for (uint64_t i = 0; i < ARRAY_LEN(refs); i++) {
        struct lineage lineage = lineage_of(i * 64, (uint16_t)(1 + i % LINEAGE_KEYS_MAX));
        assert_true(lineages_intern(lineages, &lineage, &refs[i]));
        assert_true(lineages_get(lineages, refs[i], &out));
        assert_true(same_chain(&lineage, &out));
        lineages_name_keys(lineages, &zone, &(struct named_key) { lineage.keys[0], (uint16_t)i }, 1);
        assert_true(lineages_get(lineages, busy_ref, &out) || i > 0);
    }
    size_t known = 0;
    lineages_raise(lineages);
    for (uint64_t i = 0; i < ARRAY_LEN(refs); i++) {
        struct lineage lineage = lineage_of(i * 64, (uint16_t)(1 + i % LINEAGE_KEYS_MAX));
        bool is_known = lineages_get(lineages, refs[i], &out);
        assert_true(!is_known || same_chain(&lineage, &out));
        assert_int_equal(lineages_judge(lineages, 1, refs[i], &current), is_known ? STANDS : FORGOTTEN);
        known += is_known;
    }
    assert_true(known > 0 && known < ARRAY_LEN(refs));
    assert_int_equal(lineages_octets(lineages), octets);
    lineages_free(lineages);
}

/* The trust epoch, as a table of what happened between the verdict and its next use. */
static void test_judge(void **state)
{
    (void)state;
    enum what { NOTHING, RAISE, REVOKE_1, REVOKE_9, FORGET };
    static const struct {
        enum what before[3], after[3];
        enum standing standing;
    } cases[] = {
        { { NOTHING }, { NOTHING }, STANDS },
        { { NOTHING }, { RAISE }, STANDS },
        { { NOTHING }, { REVOKE_1 }, REVOKED },
        { { NOTHING }, { REVOKE_9 }, STANDS },
        { { NOTHING }, { FORGET }, FORGOTTEN },
        { { REVOKE_1, FORGET }, { RAISE }, STANDS },       /* a verdict made after the flush */
        { { REVOKE_1 }, { REVOKE_9, REVOKE_1 }, REVOKED }, /* flushed once more */
        { { NOTHING }, { REVOKE_1, FORGET }, REVOKED },
        { { NOTHING }, { FORGET, REVOKE_1 }, REVOKED },
        { { FORGET }, { REVOKE_9, RAISE }, STANDS },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct lineages *lineages = lineages_new(0);
        struct lineage lineage = { .count = 2, .keys = { 1, 2 } };
        struct lineage_ref ref;
        uint64_t epoch = 0, current;
        for (int phase = 0; phase < 2; phase++) {
            const enum what *what = phase == 0 ? cases[i].before : cases[i].after;
            for (int k = 0; k < 3; k++) {
                uint64_t key = what[k] == REVOKE_1 ? 1 : 9;
                if (what[k] == RAISE)
                    lineages_raise(lineages);
                else if (what[k] == FORGET)
                    lineages_forget(lineages);
                else if (what[k] != NOTHING)
                    lineages_revoke(lineages, &key, 1);
            }
            if (phase == 0)
                epoch = lineages_epoch(lineages);
        }
        assert_true(lineages_intern(lineages, &lineage, &ref));
        assert_int_equal(lineages_judge(lineages, epoch, ref, &current), cases[i].standing);
        assert_true(current == lineages_epoch(lineages));
        assert_int_equal(lineages_judge(lineages, current, ref, &current), STANDS);
        lineages_free(lineages);
    }
}

static void test_names(void **state)
{
    (void)state;
    struct lineages *lineages = lineages_new(0);
    struct arena *arena = arena_new();
    char label[] = "0123456789012345678901234567890123456789012345678901234567890";
    struct dname zone = name_of("Example."), below = name_of("a.example.");
    struct dname longest = name_of(arena_printf(arena, "%s.%s.%s.%s.", label, label, label, label));
    struct lineage lineage = { .count = 3, .keys = { 1, 2, 3 } };
    struct lineage_ref ref;
    uint64_t keys[4], current;
    assert_true(lineages_intern(lineages, &lineage, &ref));
    lineages_name_keys(lineages, &zone, &(struct named_key) { 1, 11 }, 1);
    lineages_name_keys(lineages, &longest, &(struct named_key) { 2, 22 }, 1);
    assert_string_equal(
        lineages_text(lineages, ref, arena),
        arena_printf(arena, "key 0000000000000003, %s.%s.%s.%s. 22, example. 11", label, label, label, label));
    assert_null(lineages_text(lineages, (struct lineage_ref) { 0, 0 }, arena));
    assert_int_equal(lineages_keys_of(lineages, &zone, 11, keys, 4), 1);
    assert_true(keys[0] == 1);
    assert_int_equal(lineages_keys_of(lineages, &longest, 22, keys, 4), 1);
    assert_int_equal(lineages_keys_of(lineages, &zone, 22, keys, 4), 0);
    uint64_t epoch = lineages_epoch(lineages);
    lineages_revoke_zone(lineages, &below);
    assert_int_equal(lineages_judge(lineages, epoch, ref, &current), STANDS);
    lineages_revoke_zone(lineages, &zone);
    assert_int_equal(lineages_judge(lineages, epoch, ref, &current), REVOKED);
    lineages_free(lineages);
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_interned_once), cmocka_unit_test(test_chain_shared), cmocka_unit_test(test_bounded),
        cmocka_unit_test(test_judge),         cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
