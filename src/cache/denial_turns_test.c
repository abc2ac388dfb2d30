/* The denial index, made to stop at each access to shared words: a reader and a writer take turns by every schedule of
 * a few turns.  Whatever the schedule, a record that is there all the time is found, whole; and, as the sanitizer
 * watches, nothing is read that was freed.
 *
 * Accesses happen one after another here: that the orders asked of the processor are enough is argued in
 * denial_shared.h and watched by ThreadSanitizer in denial_threads_test.c. */
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "cache/turns.h"

#undef atomic_load_explicit
#undef atomic_store_explicit
#undef atomic_compare_exchange_strong_explicit
#define atomic_load_explicit(at, order)         (stop_here(), *(at))
#define atomic_store_explicit(at, value, order) (stop_here(), (void)(*(at) = (value)))
#define atomic_compare_exchange_strong_explicit(at, expected, desired, success, failure)                               \
    exchange_in_turn(at, expected, desired)

static bool exchange_in_turn(_Atomic uint64_t *at, uint64_t *expected, uint64_t desired)
{
    stop_here();
    bool same = *at == *expected;
    if (same)
        *at = desired;
    else
        *expected = *at;
    return same;
}

#include "cache/denial_blocks.c"
#include "cache/denial_find.c"
#include "cache/denial_index.c"
#include "cache/denial_record.c"

#include "cache/testing.h"

enum { BUDGET_OCTETS = 32 * 1024, LINEAGES_OCTETS = 64 * 1024, FLOOD = 24, KEPT_BACK = 2 };

#define SIGNED(owner, next, signer)                                                                                    \
    owner " 3600 IN NSEC " next " A RRSIG NSEC\n" owner                                                                \
          " 3600 IN RRSIG NSEC 13 2 3600 20300101000000 20200101000000 7 " signer " AAAA\n"

static struct lineages *lineages;
static struct arena *arena; /* of the whole test */
static struct denial_index *index_now;
static struct denial_stamp stamp = {
    .received_ms = (int64_t)TEST_TIME_S * 1000,
    .expires_ms_max = INT64_MAX,
};
static struct answer *asked_for, *beside, *of_other_zone, *flood[FLOOD];

static struct answer *answer_with(const char *proof)
{
    struct answer *answer = answer_of(arena, "q.example.", TYPE_A, ANSWER_NXDOMAIN, NULL, 3600, at(0));
    answer->proofs = list_of(arena, (const char *const[]) { proof, NULL });
    return answer;
}

static void add(const struct answer *answer)
{
    denial_index_add(index_now, answer, &stamp, at(0));
}

/* ---- what the two do ---- */

static bool is_found;

static void read_asked(void)
{
    struct arena *own = arena_new();
    struct dname zone = name_of("example."), name = name_of("c.example.");
    struct denial_asked asked = { &zone, 0, at(1), own };
    struct denial_found found;
    is_found = denial_index_nsec(index_now, &asked, &name, TYPE_A, &found);
    if (is_found)
        assert_true(rrset_equal(found.rrset, asked_for->proofs.items[0]));
    arena_free(own);
}

static void act_replace(void)
{
    add(asked_for);
}

static void act_insert(void)
{
    add(beside);
    add(of_other_zone);
}

static void act_drop_other(void)
{
    struct dname other = name_of("other.");
    denial_index_drop_below(index_now, &other);
}

static void act_drop_and_add(void)
{
    denial_index_drop_all(index_now);
    add(asked_for);
}

static void act_evict(void)
{
    for (size_t i = FLOOD - KEPT_BACK; i < FLOOD; i++)
        add(flood[i]);
}

struct scene {
    const char *name;
    bool is_full; /* the zone has no room for more */
    bool may_miss;
    void (*act)(void);
};
static const struct scene scenes[] = {
    { "replace", false, false, act_replace },
    { "insert", false, false, act_insert },
    { "drop another zone", false, false, act_drop_other },
    { "drop and add", false, true, act_drop_and_add },
    { "evict", true, true, act_evict },
};

/* ---- schedules ---- */

static bool run(const struct scene *scene, const int turns[3])
{
    index_now = denial_index_new(BUDGET_OCTETS, lineages);
    add(of_other_zone);
    add(asked_for);
    for (size_t i = 0; scene->is_full && i < FLOOD - KEPT_BACK; i++)
        add(flood[i]);
    bool is_of_use = turns_run(turns);
    if (!is_found && !scene->may_miss)
        fail_msg("%s: missed after %d, %d, %d accesses", scene->name, turns[0], turns[1], turns[2]);
    denial_index_free(index_now);
    return is_of_use;
}

/* Short turns of the writer one by one, longer ones in steps. */
static int next_turn(int turn)
{
    enum { FINE = 40, COARSE = 13 };
    return turn + (turn < FINE ? 1 : COARSE);
}

static void run_all(const struct scene *scene)
{
    enum { WRITER_MAX = 400, READER_MAX = 24 };
    unsigned schedules = 0;
    act_of[WRITER] = scene->act;
    for (int first = 0; run(scene, (int[3]) { first, 0, NEVER }); first++) {
        bool goes_on = true;
        for (int second = first % 2; goes_on && second < WRITER_MAX; second = next_turn(second), schedules++)
            goes_on = run(scene, (int[3]) { first, second, NEVER });
    }
    for (int first = 0; first < WRITER_MAX; first = next_turn(first))
        for (int second = 1 + first % 2; second < READER_MAX; second += 2, schedules++)
            run(scene, (int[3]) { 0, first, second });
    print_message("%s: %u schedules\n", scene->name, schedules);
}

static void test_schedules(void **state)
{
    (void)state;
    set_hash_secret();
    arena = arena_new();
    lineages = lineages_new(LINEAGES_OCTETS);
    stamp.epoch = lineages_epoch(lineages);
    asked_for = answer_with(SIGNED("b.example.", "d.example.", "example."));
    beside = answer_with(SIGNED("a.example.", "b.example.", "example."));
    of_other_zone = answer_with(SIGNED("a.other.", "b.other.", "other."));
    for (size_t i = 0; i < FLOOD; i++)
        flood[i] = answer_with(arena_printf(arena, SIGNED("n%zu.example.", "n%zux.example.", "example."), i, i, i));
    turns_begin(read_asked, act_replace);
    for (size_t i = 0; i < ARRAY_LEN(scenes); i++)
        run_all(&scenes[i]);
    turns_end();
    lineages_free(lineages);
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_schedules),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
