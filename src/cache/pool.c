#include "cache/pool.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "cache/shard.h"

enum {
    SHARD_OCTETS = 48 << 20, /* a larger budget means more shards, up to SHARDS_MAX */
    SHARDS_MAX = 16,
    SHARD_SHIFT = 36,  /* the index of a shard takes the bits of the hash below, the tags those from 40 on */
    ATTEMPTS_MAX = 64, /* of a read that finds out that writers were faster: it gives up, as if there were no entry */
    WALK_BUCKETS = 32, /* under one lock */
    HUGE_PAGE_OCTETS = 2 << 20,
    PREFETCHED_LINES = 5, /* of an entry: most have no more */
};

struct pool {
    void *mapped; /* NULL: the caller's memory */
    uint64_t octets;
    size_t shard_count;
    struct shard shards[];
};

/* ---- making ---- */

static size_t choose_shard_count(uint64_t octets)
{
    size_t count = 1;
    while (count < SHARDS_MAX && octets / (2 * count) >= SHARD_OCTETS)
        count *= 2;
    return count;
}

static uint64_t page_floor(uint64_t octets)
{
    return octets / PAGE_OCTETS * PAGE_OCTETS;
}

struct pool *pool_new_at(void *memory, uint64_t octets, uint64_t seed, bool is_shared)
{
    assert(octets >= POOL_OCTETS_MIN);
    size_t count = choose_shard_count(octets);
    struct pool *pool = memory_new(1, sizeof(*pool) + count * sizeof(struct shard));
    uint64_t each = page_floor(octets / count);
    pool->shard_count = count;
    pool->octets = octets;
    bool sound = true;
    for (size_t i = 0; i < count; i++) {
        shard_init(&pool->shards[i], (uint8_t *)memory + i * each, each, seed, is_shared);
        sound = sound && shard_is_sound(&pool->shards[i]);
    }
    if (!sound) {
        pool_free(pool);
        return NULL;
    }
    for (size_t i = 0; i < count; i++)
        table_repair(&pool->shards[i]);
    return pool;
}

/* A large pool is asked for names all over it: each would wait for the page table first.  The beginning of a shard
 * keeps small pages, so that little content takes little memory. */
static void ask_for_huge_pages(const struct pool *pool, uint8_t *memory)
{
    uint64_t each = page_floor(pool->octets / pool->shard_count);
    for (size_t i = 0; i < pool->shard_count && each > HUGE_PAGE_OCTETS; i++)
        madvise(memory + i * each + HUGE_PAGE_OCTETS, each - HUGE_PAGE_OCTETS, MADV_HUGEPAGE); /* if there are any */
}

struct pool *pool_new(uint64_t budget_octets, uint64_t seed)
{
    uint64_t octets = page_floor(budget_octets);
    void *memory = mmap(NULL, octets, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED)
        return NULL;
    struct pool *pool = pool_new_at(memory, octets, seed, false);
    assert(pool != NULL);
    ask_for_huge_pages(pool, memory);
    pool->mapped = memory;
    return pool;
}

void pool_free(struct pool *pool)
{
    if (pool == NULL)
        return;
    for (size_t i = 0; i < pool->shard_count; i++)
        pthread_mutex_destroy(&pool->shards[i].lock);
    if (pool->mapped != NULL)
        munmap(pool->mapped, pool->octets);
    free(pool);
}

static const struct shard *shard_of_hash(const struct pool *pool, uint64_t hash)
{
    return &pool->shards[hash >> SHARD_SHIFT & (pool->shard_count - 1)];
}

static struct shard *shard_of(struct pool *pool, uint64_t hash)
{
    return &pool->shards[hash >> SHARD_SHIFT & (pool->shard_count - 1)];
}

/* ---- reading, without a lock: shard.h ---- */

/* Where a value goes: into `arena`, or into `to`, which holds `size` octets. */
struct wanted {
    struct arena *arena;
    uint8_t *to;
    size_t size;
    bool is_part; /* the first `size` octets, if there are so many, are enough */
    size_t len;   /* found */
    uint32_t stamp;
};

/* The first octets of an entry's data, loaded as words. */
static void copy_out(uint8_t *to, const word *entry, size_t len)
{
    const word *at = &entry[ENTRY_DATA];
    size_t whole = len / WORD;
    for (size_t i = 0; i < whole; i++) {
        uint64_t loaded = word_get(&at[i]);
        memcpy(to + i * WORD, &loaded, WORD);
    }
    if (len % WORD > 0) {
        uint64_t loaded = word_get(&at[whole]);
        memcpy(to + whole * WORD, &loaded, len % WORD);
    }
}

/* The key begins within a word: whole ones are loaded. */
static bool has_key(const word *entry, const struct entry_sizes *sizes, const struct pool_key *key)
{
    uint64_t words[1 + (POOL_KEY_OCTETS_MAX + WORD - 1) / WORD];
    size_t skip = sizes->value_len % WORD;
    if (sizes->key_len != key->octets.len)
        return false;
    const word *at = &entry[ENTRY_DATA + sizes->value_len / WORD];
    for (size_t i = 0; i < words_of(skip + sizes->key_len); i++)
        words[i] = word_get(&at[i]);
    return memcmp((const uint8_t *)words + skip, key->octets.data, sizes->key_len) == 0;
}

/* The entry of this key, as its bucket has it now: maybe garbage, and maybe NULL where a moment later there is one. */
static word *walk_bucket(const struct shard *shard, const struct pool_key *key, uint64_t bucket_count,
                         struct entry_sizes *sizes)
{
    size_t lines = 0;
    for (struct line *line = bucket_line(shard, bucket_of(bucket_count, key->hash));
         line != NULL && lines < shard->lines_per_segment; line = line_next(shard, line), lines++) {
        for (size_t i = 0; i < LINE_SLOTS; i++) {
            uint64_t slot = atomic_load_explicit(&line->slots[i], memory_order_acquire);
            word *entry = slot_has_tag(slot, key->hash) ? entry_at(shard, slot_offset(slot), sizes) : NULL;
            if (entry != NULL && has_key(entry, sizes, key))
                return entry;
        }
    }
    return NULL;
}

static void take_value(const word *entry, const struct entry_sizes *sizes, struct wanted *wanted)
{
    size_t len = wanted->is_part && wanted->size < sizes->value_len ? wanted->size : sizes->value_len;
    wanted->len = sizes->value_len;
    if (wanted->arena != NULL && sizes->value_len > wanted->size) {
        wanted->to = arena_alloc(wanted->arena, sizes->value_len);
        wanted->size = sizes->value_len;
    }
    if (len <= wanted->size)
        copy_out(wanted->to, entry, len);
}

/* So that eviction spares it.  shard.h, 4. */
static void mark_visited(word *entry, uint64_t state)
{
    if (!(state & STATE_VISITED))
        atomic_compare_exchange_strong_explicit(&entry[ENTRY_STATE], &state, state | STATE_VISITED,
                                                memory_order_release, memory_order_relaxed);
}

static bool is_whole(uint64_t state, const struct entry_sizes *sizes, const struct pool_key *key, struct octets value)
{
    uint64_t check = entry_check(key->hash, *sizes, state_stamp(state), value, key->octets);
    return check >> CHECK_BITS == state >> CHECK_BITS;
}

/* Only a crash tears entries: what readers see is whole by the rules of shard.h.  Private memory survives no crash. */
static bool may_be_torn(const struct shard *shard, const struct wanted *wanted)
{
    return shard->is_shared && !wanted->is_part && wanted->len <= wanted->size;
}

static bool get(const struct shard *shard, const struct pool_key *key, struct wanted *wanted)
{
    const struct shard_region *region = shard->region;
    for (size_t attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
        struct entry_sizes sizes;
        uint64_t reuse = atomic_load_explicit(&region->reuse, memory_order_acquire), state = 0;
        uint64_t bucket_count = atomic_load_explicit(&region->bucket_count, memory_order_acquire);
        word *entry = walk_bucket(shard, key, bucket_count, &sizes);
        if (entry != NULL) {
            state = word_get(&entry[ENTRY_STATE]);
            take_value(entry, &sizes, wanted);
        }
        atomic_thread_fence(memory_order_acquire);
        if (word_get(&region->reuse) != reuse || (entry == NULL && word_get(&region->bucket_count) != bucket_count))
            continue;
        if (entry == NULL ||
            (may_be_torn(shard, wanted) && !is_whole(state, &sizes, key, (struct octets) { wanted->to, wanted->len })))
            return false;
        wanted->stamp = state_stamp(state);
        mark_visited(entry, state);
        return true;
    }
    return false;
}

bool pool_find_stamped(struct pool *pool, const struct pool_key *key, struct arena *arena, struct octets *value,
                       uint32_t *stamp)
{
    struct wanted wanted = { .arena = arena };
    if (!get(shard_of(pool, key->hash), key, &wanted))
        return false;
    *value = (struct octets) { wanted.to, wanted.len };
    *stamp = wanted.stamp;
    return true;
}

bool pool_find(struct pool *pool, const struct pool_key *key, struct arena *arena, struct octets *value)
{
    uint32_t stamp;
    return pool_find_stamped(pool, key, arena, value, &stamp);
}

bool pool_peek(struct pool *pool, const struct pool_key *key, void *to, size_t size)
{
    struct wanted wanted = { .to = to, .size = size, .is_part = true };
    return get(shard_of(pool, key->hash), key, &wanted) && wanted.len >= size;
}

size_t pool_peek_upto(struct pool *pool, const struct pool_key *key, void *to, size_t size, uint32_t *stamp)
{
    struct wanted wanted = { .to = to, .size = size, .is_part = true };
    if (!get(shard_of(pool, key->hash), key, &wanted))
        return 0;
    *stamp = wanted.stamp;
    return wanted.len < size ? wanted.len : size;
}

size_t pool_read(struct pool *pool, const struct pool_key *key, void *to, size_t size)
{
    struct wanted wanted = { .to = to, .size = size };
    return get(shard_of(pool, key->hash), key, &wanted) && wanted.len <= size ? wanted.len : 0;
}

static const struct line *line_of_hash(const struct shard *shard, uint64_t hash)
{
    return bucket_line(shard, bucket_of(word_get(&shard->region->bucket_count), hash));
}

void pool_prefetch_index(const struct pool *pool, uint64_t hash)
{
    __builtin_prefetch(line_of_hash(shard_of_hash(pool, hash), hash));
}

void pool_prefetch_entry(const struct pool *pool, uint64_t hash)
{
    const struct shard *shard = shard_of_hash(pool, hash);
    const struct line *line = line_of_hash(shard, hash);
    for (size_t i = 0; line != NULL && i < LINE_SLOTS; i++) {
        uint64_t slot = word_get(&line->slots[i]);
        if (!slot_has_tag(slot, hash))
            continue;
        const uint8_t *entry = shard->data + slot_offset(slot);
        for (size_t k = 0; k < PREFETCHED_LINES; k++)
            __builtin_prefetch(entry + k * LINE_OCTETS);
    }
}

/* ---- writing, under the lock of the shard ---- */

static int64_t seconds_of(int64_t ms)
{
    return ms < 0 ? 0 : ms / 1000;
}

static bool begins_with(struct octets octets, struct octets head)
{
    return octets.len >= head.len && (head.len == 0 || memcmp(octets.data, head.data, head.len) == 0);
}

static unsigned ttl_class(int64_t ttl_s)
{
    unsigned class = ttl_s <= 1 ? 0 : 63 - (unsigned)__builtin_clzll((uint64_t)ttl_s);
    return class < TTL_CLASSES ? class : TTL_CLASSES - 1;
}

/* The slot's entry, if it is whole; else NULL. */
static word *entry_of(const struct shard *shard, const word *slot, struct entry_sizes *sizes)
{
    word *entry = entry_at(shard, slot_offset(word_get(slot)), sizes);
    if (entry == NULL)
        return NULL;
    struct pool_key key = { entry_hash(shard, entry, sizes), entry_key(entry, sizes) };
    return is_whole(word_get(&entry[ENTRY_STATE]), sizes, &key, entry_value(entry, sizes)) ? entry : NULL;
}

/* What the slot leads to; empty if that is nothing whole. */
static struct pool_item item_of(const struct shard *shard, const word *slot)
{
    struct entry_sizes sizes;
    word *entry = slot == NULL || word_get(slot) == 0 ? NULL : entry_of(shard, slot, &sizes);
    if (entry == NULL)
        return (struct pool_item) { .stamp = 0 };
    return (struct pool_item) { entry_key(entry, &sizes), entry_value(entry, &sizes),
                                state_stamp(word_get(&entry[ENTRY_STATE])) };
}

/* The two runs of octets, one behind the other, as words. */
static void copy_in(word *to, struct octets value, struct octets key)
{
    size_t len = value.len + key.len;
    for (size_t at = 0; at < len; at += WORD, to++) {
        uint64_t stored = 0;
        size_t in_value = at < value.len ? value.len - at : 0;
        size_t first = in_value < WORD ? in_value : WORD;
        size_t second = len - at < WORD ? len - at - first : WORD - first;
        if (first > 0)
            memcpy(&stored, value.data + at, first);
        if (second > 0)
            memcpy((uint8_t *)&stored + first, key.data + (at + first - value.len), second);
        word_take_over(to, stored);
    }
}

/* The slot of a new entry; 0 if there is no room. */
static uint64_t write_entry(struct shard *shard, const struct pool_key *key, const struct pool_write *write)
{
    struct entry_sizes sizes = {
        .expires_s = seconds_of(write->expires_ms) < expires_s_max ? seconds_of(write->expires_ms) : expires_s_max,
        .value_len = write->value.len,
        .key_len = key->octets.len,
        .tag = write->tag,
    };
    int64_t now_s = seconds_of(write->now_ms);
    uint32_t *open = &shard->region->open[ttl_class(sizes.expires_s - now_s)];
    evict(shard, now_s);
    uint64_t offset = segment_place(shard, open, &sizes);
    if (offset == UINT64_MAX)
        return 0;
    shard->segments[*open - 1].live++;
    word *entry = (word *)(void *)(shard->data + offset);
    uint64_t check = entry_check(key->hash, sizes, write->stamp, write->value, key->octets);
    word_take_over(&entry[ENTRY_STATE], check | (uint64_t)write->stamp << STAMP_SHIFT);
    copy_in(&entry[ENTRY_DATA], write->value, key->octets);
    return slot_make(offset, key->hash);
}

/* The slot's entry is not in the table any more. */
static void give_back(struct shard *shard, uint64_t slot)
{
    segment_leave_hole(shard, slot);
    segment_reclaim(shard, slot);
}

static bool publish(struct shard *shard, const struct pool_key *key, uint64_t entry, uint8_t tag)
{
    struct shard_region *region = shard->region;
    word *slot = table_find(shard, key);
    if (slot != NULL) {
        uint64_t replaced = word_get(slot);
        atomic_store_explicit(slot, entry, memory_order_release);
        entry_forget(shard, replaced);
        give_back(shard, replaced);
    } else if (table_add(shard, entry, key->hash)) {
        region->entries++;
    } else {
        return false;
    }
    region->tagged[tag]++;
    region->insertions++;
    return true;
}

static bool put_locked(struct shard *shard, const struct pool_key *key, struct pool_write *write)
{
    struct pool_item old = item_of(shard, table_find(shard, key));
    write->old_stamp = old.stamp;
    if (write->decide != NULL && !write->decide(write->context, old.value, write))
        return false;
    if (write->value.len > POOL_VALUE_OCTETS_MAX ||
        entry_octets(key->octets.len, write->value.len) > shard->segment_octets)
        return false;
    sweep_segment(shard, seconds_of(write->now_ms), seconds_of(write->keep_ms));
    uint64_t entry = write_entry(shard, key, write);
    bool written = entry != 0 && publish(shard, key, entry, write->tag);
    table_adjust(shard);
    return written;
}

bool pool_put(struct pool *pool, const struct pool_key *key, struct pool_write write)
{
    assert(key->octets.len <= POOL_KEY_OCTETS_MAX && write.tag < POOL_TAGS && write.stamp <= POOL_STAMP_MAX);
    struct shard *shard = shard_of(pool, key->hash);
    pthread_mutex_lock(&shard->lock);
    bool written = put_locked(shard, key, &write);
    pthread_mutex_unlock(&shard->lock);
    return written;
}

bool pool_restamp(struct pool *pool, const struct pool_key *key, struct octets value, uint32_t from, uint32_t to)
{
    assert(to <= POOL_STAMP_MAX);
    struct shard *shard = shard_of(pool, key->hash);
    struct entry_sizes sizes;
    pthread_mutex_lock(&shard->lock);
    word *slot = table_find(shard, key), *entry = slot == NULL ? NULL : entry_of(shard, slot, &sizes);
    uint64_t state = entry == NULL ? 0 : word_get(&entry[ENTRY_STATE]);
    bool same = entry != NULL && state_stamp(state) == from && octets_equal(entry_value(entry, &sizes), value);
    if (same) { /* a mark that a reader sets at this moment may be lost: a matter of taste, not of truth */
        uint64_t check = entry_check(key->hash, sizes, to, entry_value(entry, &sizes), key->octets);
        word_set(&entry[ENTRY_STATE], check | (uint64_t)to << STAMP_SHIFT | (state & STATE_VISITED));
    }
    pthread_mutex_unlock(&shard->lock);
    return same;
}

bool pool_remove(struct pool *pool, const struct pool_key *key, struct octets head)
{
    struct shard *shard = shard_of(pool, key->hash);
    pthread_mutex_lock(&shard->lock);
    word *slot = table_find(shard, key);
    bool same = slot != NULL && begins_with(item_of(shard, slot).value, head);
    if (same) {
        uint64_t removed = word_get(slot);
        entry_drop(shard, slot);
        give_back(shard, removed);
        table_adjust(shard);
    }
    pthread_mutex_unlock(&shard->lock);
    return same;
}

/* ---- all of them ---- */

static void begin_walk(struct shard *shard)
{
    pthread_mutex_lock(&shard->lock);
    shard->walkers++;
    pthread_mutex_unlock(&shard->lock);
}

static void end_walk(struct shard *shard)
{
    uint64_t before, after;
    do { /* what the walk has kept from shrinking */
        pthread_mutex_lock(&shard->lock);
        shard->walkers -= shard->walkers > 0;
        before = word_get(&shard->region->bucket_count);
        table_adjust(shard);
        after = word_get(&shard->region->bucket_count);
        pthread_mutex_unlock(&shard->lock);
    } while (after < before);
}

/* Is there a bucket from `at` on?  If so, the shard is locked, and *end is behind the last one of this slice. */
static bool lock_buckets(struct shard *shard, uint64_t at, uint64_t *end)
{
    pthread_mutex_lock(&shard->lock);
    uint64_t count = word_get(&shard->region->bucket_count);
    *end = at + WALK_BUCKETS < count ? at + WALK_BUCKETS : count;
    if (at < count)
        return true;
    pthread_mutex_unlock(&shard->lock);
    return false;
}

typedef bool judge(void *context, const struct pool_item *item);

/* Drops what is doomed, or torn. */
static size_t sweep_bucket(struct shard *shard, uint64_t bucket, judge *doomed, void *context)
{
    size_t removed = 0;
    for (struct line *line = bucket_line(shard, bucket); line != NULL; line = line_next(shard, line)) {
        for (size_t i = 0; i < LINE_SLOTS; i++) {
            word *slot = &line->slots[i];
            struct pool_item item = item_of(shard, slot);
            if (word_get(slot) == 0 || (item.key.data != NULL && !doomed(context, &item)))
                continue;
            uint64_t dropped = word_get(slot);
            entry_drop(shard, slot);
            segment_reclaim(shard, dropped);
            removed++;
        }
    }
    return removed;
}

size_t pool_sweep(struct pool *pool, judge *doomed, void *context)
{
    size_t removed = 0;
    for (size_t i = 0; i < pool->shard_count; i++) {
        struct shard *shard = &pool->shards[i];
        begin_walk(shard);
        for (uint64_t at = 0, end; lock_buckets(shard, at, &end); at = end) {
            for (uint64_t bucket = at; bucket < end; bucket++)
                removed += sweep_bucket(shard, bucket, doomed, context);
            pthread_mutex_unlock(&shard->lock);
        }
        end_walk(shard);
    }
    return removed;
}

struct copied_item {
    struct copied_item *next;
    struct pool_item item;
};

/* Copies of all entries of the bucket, in front of the list. */
static struct copied_item *copy_bucket(const struct shard *shard, uint64_t bucket, struct arena *arena,
                                       struct copied_item *list)
{
    for (struct line *line = bucket_line(shard, bucket); line != NULL; line = line_next(shard, line)) {
        for (size_t i = 0; i < LINE_SLOTS; i++) {
            struct pool_item item = item_of(shard, &line->slots[i]);
            if (item.key.data == NULL)
                continue;
            struct copied_item *copied = ARENA_NEW(arena, struct copied_item);
            copied->next = list;
            copied->item =
                (struct pool_item) { octets_copy(arena, item.key), octets_copy(arena, item.value), item.stamp };
            list = copied;
        }
    }
    return list;
}

static bool walk_shard(struct shard *shard, struct arena *arena, judge *visit, void *context)
{
    for (uint64_t at = 0, end; lock_buckets(shard, at, &end); at = end) {
        struct copied_item *list = NULL;
        arena_reset(arena);
        for (uint64_t bucket = at; bucket < end; bucket++)
            list = copy_bucket(shard, bucket, arena, list);
        pthread_mutex_unlock(&shard->lock);
        for (; list != NULL; list = list->next) {
            if (!visit(context, &list->item))
                return false;
        }
    }
    return true;
}

void pool_walk(struct pool *pool, judge *visit, void *context)
{
    struct arena *arena = arena_new();
    bool goes_on = true;
    for (size_t i = 0; goes_on && i < pool->shard_count; i++) {
        begin_walk(&pool->shards[i]);
        goes_on = walk_shard(&pool->shards[i], arena, visit, context);
        end_walk(&pool->shards[i]);
    }
    arena_free(arena);
}

void pool_measure(struct pool *pool, struct pool_stats *stats)
{
    *stats = (struct pool_stats) { .used_octets = 0 };
    for (size_t i = 0; i < pool->shard_count; i++) {
        struct shard *shard = &pool->shards[i];
        pthread_mutex_lock(&shard->lock);
        stats->used_octets += shard_used_octets(shard);
        for (size_t tag = 0; tag < POOL_TAGS; tag++)
            stats->entries[tag] += shard->region->tagged[tag];
        stats->evictions += shard->region->evictions;
        stats->insertions += shard->region->insertions;
        stats->refusals += shard->refusals;
        pthread_mutex_unlock(&shard->lock);
    }
}
