/* The engine itself, made to stop at each access to shared words: a reader and a writer take turns by every schedule of
 * a few turns.  Whatever the schedule, a key that is there all the time is found, and nothing is found that was not
 * put.
 *
 * Accesses happen one after another here: that the orders asked of the processor are enough is argued in shard.h and
 * watched by ThreadSanitizer in threads_test.c. */
#include <stdatomic.h>

#include "cache/turns.h"

#undef atomic_load_explicit
#undef atomic_store_explicit
#undef atomic_exchange_explicit
#undef atomic_fetch_add_explicit
#define atomic_load_explicit(at, order)             (stop_here(), *(at))
#define atomic_store_explicit(at, value, order)     (stop_here(), (void)(*(at) = (value)))
#define atomic_exchange_explicit(at, value, order)  (stop_here(), (void)(*(at) = (value)))
#define atomic_fetch_add_explicit(at, value, order) (stop_here(), *(at) += (value))

#include "cache/evict.c"
#include "cache/segments.c"
#include "cache/pool.c"
#include "cache/table.c"

#include "cache/testing.h"

enum { SEARCHED_MAX = 300, OCTETS = 32 * 1024, VALUE_OCTETS = 40 };

/* ---- what the two do ---- */

struct scene {
    const char *name;
    unsigned filled;        /* keys put before, from 0 on */
    int asked;              /* by the reader; read once before if is_used */
    bool is_used, may_miss; /* may_miss: it may be gone in the end */
    void (*act)(struct pool *pool);
};

static struct octets value_of_version(unsigned number, unsigned version, uint8_t value[VALUE_OCTETS])
{
    for (size_t i = 0; i < VALUE_OCTETS; i += 2) { /* each pair of octets tells what it belongs to */
        value[i] = (uint8_t)number;
        value[i + 1] = (uint8_t)version;
    }
    return (struct octets) { value, VALUE_OCTETS };
}

static struct pool_key key_of_number(const unsigned *number)
{
    struct octets octets = { (const uint8_t *)number, sizeof(*number) };
    return (struct pool_key) { hash_octets(octets, 1), octets };
}

static void put_version(struct pool *pool, unsigned number, unsigned version)
{
    uint8_t value[VALUE_OCTETS];
    struct pool_key key = key_of_number(&number);
    pool_put(pool, &key,
             (struct pool_write) { .value = value_of_version(number, version, value), .expires_ms = 1000000 });
}

static void remove_number(struct pool *pool, unsigned number)
{
    struct pool_key key = key_of_number(&number);
    pool_remove(pool, &key, (struct octets) { NULL, 0 });
}

/* The version found; -1: none. */
static int read_version(struct pool *pool, unsigned number)
{
    uint8_t value[VALUE_OCTETS], expected[VALUE_OCTETS];
    struct pool_key key = key_of_number(&number);
    if (pool_read(pool, &key, value, sizeof(value)) == 0)
        return -1;
    value_of_version(number, value[1], expected);
    assert_memory_equal(value, expected, sizeof(value));
    return value[1];
}

static void act_replace(struct pool *pool)
{
    put_version(pool, 3, 1);
}

static void act_split(struct pool *pool)
{
    const struct shard_region *region = pool->shards[0].region;
    uint64_t buckets = (region->entries - 1) / BUCKET_ENTRIES; /* more or less: looking would count as an access */
    for (unsigned i = 400; (region->entries - 1) / BUCKET_ENTRIES == buckets; i++)
        put_version(pool, i, 0);
}

static void act_merge(struct pool *pool)
{
    for (unsigned i = 4; i < 30; i++)
        remove_number(pool, i);
}

static void act_remove_and_put(struct pool *pool)
{
    remove_number(pool, 3);
    put_version(pool, 3, 1);
}

/* The old entry's place is taken by another key's, and that one's by the next. */
static void act_reuse_hole(struct pool *pool)
{
    put_version(pool, 3, 1);
    put_version(pool, 100, 0);
    put_version(pool, 3, 2);
    put_version(pool, 101, 0);
}

static void act_evict(struct pool *pool)
{
    for (unsigned i = 1000; i < 1012; i++) /* one segment's worth */
        put_version(pool, i, 0);
}

enum {
    MOVING = -1
}; /* as what is asked for: an entry that the next split moves from the second line of a bucket to the first */

static const struct scene scenes[] = {
    { "replace", 6, 3, false, false, act_replace },
    { "split", 8, 3, false, false, act_split },
    { "split", 8, 5, false, false, act_split },
    { "split of a long bucket", 30, MOVING, false, false, act_split },
    { "merge", 30, 3, false, false, act_merge },
    { "remove and put", 6, 3, false, true, act_remove_and_put },
    { "put into a hole", 6, 3, false, false, act_reuse_hole },
    { "evict, spared", 600, 599, true, false, act_evict },
    { "evict, dropped", 600, 400, false, true, act_evict },
};

/* ---- schedules ---- */

static struct pool *pool_now;
static const struct scene *scene_now;
static unsigned asked_now;
static int found_now;

static void read_asked(void)
{
    found_now = read_version(pool_now, asked_now);
}

static void act_scene(void)
{
    scene_now->act(pool_now);
}

/* An entry in the second line of the bucket that is split next, and that will stay in that bucket; -1: there is
 * none. */
static int find_moving(struct pool *pool)
{
    struct shard *shard = &pool->shards[0];
    uint64_t count = word_get(&shard->region->bucket_count), bucket = count - rounded(count);
    struct line *line = line_next(shard, bucket_line(shard, bucket));
    for (size_t i = 0; line != NULL && i < LINE_SLOTS; i++) {
        uint64_t slot = word_get(&line->slots[i]);
        struct pool_item item = item_of(shard, &line->slots[i]);
        unsigned number;
        if (item.key.data == NULL || bucket_of_slot(shard, slot, count + 1) != bucket)
            continue;
        memcpy(&number, item.key.data, sizeof(number));
        return (int)number;
    }
    return -1;
}

static uint8_t *memory_before, *memory_now; /* aligned to a page */

static void prepare(const struct scene *scene)
{
    memset(memory_now, 0, OCTETS);
    struct pool *pool = pool_new_at(memory_now, OCTETS, 1, true);
    int moving = -1;
    for (unsigned i = 0; i < scene->filled || (scene->asked == MOVING && moving < 0 && i < SEARCHED_MAX); i++) {
        put_version(pool, i, 0);
        if (scene->is_used)
            read_version(pool, (unsigned)scene->asked);
        moving = find_moving(pool);
    }
    asked_now = (unsigned)(scene->asked == MOVING ? moving : scene->asked);
    if (!scene->may_miss)
        assert_int_equal(read_version(pool, asked_now), 0);
    pool_free(pool);
    memcpy(memory_before, memory_now, OCTETS);
}

static bool run(const struct scene *scene, const int turns[3])
{
    memcpy(memory_now, memory_before, OCTETS);
    pool_now = pool_new_at(memory_now, OCTETS, 1, true);
    scene_now = scene;
    bool is_of_use = turns_run(turns);
    if (found_now < 0 && !scene->may_miss)
        fail_msg("%s: missed after %d, %d, %d accesses", scene->name, turns[0], turns[1], turns[2]);
    pool_free(pool_now);
    return is_of_use;
}

/* The reader begins, the writer goes on, and the reader has the last word: every first turn, and every second one that
 * is short. */
static unsigned reader_first(const struct scene *scene)
{
    enum { FINE = 60, COARSE = 7, SECOND_MAX = 1500 };
    unsigned schedules = 0;
    for (int first = 0; run(scene, (int[3]) { first, 0, NEVER }); first++) {
        bool goes_on = true;
        for (int second = 0; goes_on && second < SECOND_MAX; second += second < FINE ? 1 : COARSE, schedules++)
            goes_on = run(scene, (int[3]) { first, second + first % COARSE, NEVER });
    }
    return schedules;
}

/* The writer begins, the reader goes on, then the writer comes to its end, then the reader. */
static unsigned writer_first(const struct scene *scene)
{
    enum { READER_MAX = 26, FIRST_MAX = 700 };
    unsigned schedules = 0;
    bool goes_on = true;
    for (int first = 0; goes_on && first < FIRST_MAX; first++) {
        for (int second = 1; second < READER_MAX; second++, schedules++)
            goes_on = run(scene, (int[3]) { 0, first, second });
    }
    return schedules;
}

static void run_all(const struct scene *scene)
{
    prepare(scene);
    unsigned schedules = reader_first(scene) + writer_first(scene);
    print_message("%s: %u schedules\n", scene->name, schedules);
}

static void test_schedules(void **state)
{
    (void)state;
    set_hash_secret();
    memory_before = memory_new(1, OCTETS);
    memory_now = aligned_alloc(PAGE_OCTETS, OCTETS);
    turns_begin(read_asked, act_scene);
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
