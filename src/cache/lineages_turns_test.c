/* Lineages, made to stop at each access to shared words: a reader and a writer take turns by schedules of a few turns.
 * Whatever the schedule, a set is read as it was interned, or is gone; and the reader, which takes no lock, comes to
 * its end while the writer holds the lock.
 *
 * Accesses happen one after another here: that the orders asked of the processor are enough is argued in
 * lineage_shared.h. */
#include <stdatomic.h>

#include "cache/turns.h"

#undef atomic_load_explicit
#undef atomic_store_explicit
#undef atomic_fetch_add_explicit
#define atomic_load_explicit(at, order)             (stop_here(), *(at))
#define atomic_store_explicit(at, value, order)     (stop_here(), (void)(*(at) = (value)))
#define atomic_fetch_add_explicit(at, value, order) (stop_here(), *(at) += (value))

#define take_fresh                                  take_fresh_key
#define take_record                                 take_key_record
#include "cache/lineage_keys.c"
#undef take_fresh
#undef take_record
#include "cache/lineage_epoch.c"
#include "cache/lineage_sets.c"
#include "cache/lineages.c"

#include "cache/testing.h"

enum { CHAIN = 4, ASKED = 3, NEVER_INTERNED = 1000000 };

struct scene {
    const char *name;
    uint64_t filled; /* chains interned before */
    bool may_miss;
    void (*act)(void);
};

static struct lineages *lineages_now;
static struct lineage_ref asked_ref;
static bool is_found;
static uint8_t *memory_before, *memory_now;
static uint64_t octets;

/* Two keys that all chains begin with, two of its own. */
static struct lineage chain_of(uint64_t number)
{
    return (struct lineage) { .count = CHAIN, .keys = { 1, 2, 10 + 2 * number, 11 + 2 * number } };
}

static struct lineage_ref intern(uint64_t number)
{
    struct lineage chain = chain_of(number);
    struct lineage_ref ref;
    assert_true(lineages_intern(lineages_now, &chain, &ref));
    return ref;
}

static void read_asked(void)
{
    struct lineage expected = chain_of(ASKED), found;
    is_found = lineages_get(lineages_now, asked_ref, &found);
    if (!is_found)
        return;
    assert_int_equal(found.count, CHAIN);
    assert_memory_equal(found.keys, expected.keys, CHAIN * sizeof(found.keys[0]));
}

static void act_intern(void)
{
    intern(NEVER_INTERNED);
}

static void act_revoke(void)
{
    uint64_t key = 11 + 2 * ASKED;
    lineages_revoke(lineages_now, &key, 1);
}

/* The set that is asked for goes, and others stand where it and its keys did. */
static void act_reclaim(void)
{
    for (uint64_t i = 0; i < 8; i++)
        intern(NEVER_INTERNED + i);
}

static const struct scene scenes[] = {
    { "intern beside it", 8, false, act_intern },
    { "revoke", 8, false, act_revoke },
    { "reclaim", 62, true, act_reclaim },
};

static bool run(const struct scene *scene, const int turns[3])
{
    memcpy(memory_now, memory_before, octets);
    lineages_now = lineages_new_at(memory_now, octets, true);
    bool is_of_use = turns_run(turns);
    if (!is_found && !scene->may_miss)
        fail_msg("%s: missed after %d, %d, %d accesses", scene->name, turns[0], turns[1], turns[2]);
    lineages_free(lineages_now);
    return is_of_use;
}

/* None was used since the hand last came by. */
static void forget_uses(void)
{
    for (uint32_t i = 1; i < lineages_now->table->set_supply.fresh; i++)
        lineages_now->sets[i].life &= ~(uint32_t)LIFE_USED;
}

static void prepare(const struct scene *scene)
{
    memset(memory_now, 0, octets);
    lineages_now = lineages_new_at(memory_now, octets, false);
    for (uint64_t i = 0; i < scene->filled; i++) {
        struct lineage_ref ref = intern(i);
        asked_ref = i == ASKED ? ref : asked_ref;
    }
    forget_uses();
    memcpy(memory_before, memory_now, octets);
    lineages_free(lineages_now);
}

static void run_all(const struct scene *scene)
{
    enum { WRITER_MAX = 600, READER_MAX = 24 };
    unsigned schedules = 0, missed = 0;
    prepare(scene);
    act_of[WRITER] = scene->act;
    for (int first = 0; run(scene, (int[3]) { first, 0, NEVER }); first++) {
        bool goes_on = true;
        for (int second = first % 3; goes_on && second < WRITER_MAX; second += 3, schedules++) {
            goes_on = run(scene, (int[3]) { first, second, NEVER });
            missed += !is_found;
        }
    }
    for (int first = 0; first < WRITER_MAX; first++)
        for (int second = 1 + first % 3; second < READER_MAX; second += 3, schedules++)
            run(scene, (int[3]) { 0, first, second });
    print_message("%s: %u schedules, %u misses\n", scene->name, schedules, missed);
    assert_true(!scene->may_miss || missed > 0); /* it was reclaimed, then */
}

static void test_schedules(void **state)
{
    (void)state;
    set_hash_secret();
    octets = octets_of(zones_for(0));
    memory_before = memory_new(1, octets);
    memory_now = memory_new(1, octets);
    turns_begin(read_asked, act_intern);
    for (size_t i = 0; i < ARRAY_LEN(scenes); i++)
        run_all(&scenes[i]);
    turns_end();
    free(memory_before);
    free(memory_now);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_schedules),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
