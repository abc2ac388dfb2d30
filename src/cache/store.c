#include "cache/store.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

enum {
    SHARD_OCTETS = 512 * 1024, /* a larger budget means more shards, not larger ones, up to SHARDS_MAX */
    SHARDS_MAX = 4096,
    SEGMENT_BUCKETS = 64,
    SPARSE = 4, /* more buckets for one entry than this: the table shrinks */
    TTL_CLASSES = 64,
    HAND_STEPS_MAX = 64, /* entries looked at for one eviction: nobody waits for a long walk of the hand */
    MALLOC_OVERHEAD = 8, /* of a chunk of glibc's malloc, and what its size is rounded up to */
    MALLOC_ROUNDING = 16,
};

struct link {
    struct link *previous, *next;
};

struct entry {
    struct entry *chain; /* of its bucket */
    struct link queue;   /* of the shard, in order of insertion */
    struct link expiry;  /* of its class of TTLs, in order of insertion */
    int64_t expires_ms;
    uint64_t hash;
    uint32_t value_len;
    uint16_t key_len;
    uint8_t tag;
    _Atomic bool visited; /* set by readers, cleared by the hand */
    uint8_t data[];       /* key, then value */
};

struct segment {
    struct entry *buckets[SEGMENT_BUCKETS];
};

/* Invariants, under the lock: bucket_count is in [rounded, 2 * rounded); an entry is in the bucket that bucket_of() says,
 * in `queue`, and in one of `classes`; used_octets is what the entries and segments cost and at most budget_octets. */
struct shard {
    pthread_rwlock_t lock;
    uint64_t budget_octets, used_octets;
    uint64_t entries, evictions, insertions;
    uint64_t tagged[STORE_TAGS]; /* of the entries */
    size_t bucket_count;
    size_t rounded; /* the largest power of two that is not above bucket_count */
    size_t walkers; /* walks in progress: the table does not shrink, lest they miss an entry */
    size_t segments_max;
    struct segment **segments;
    struct link queue; /* next: the newest */
    struct link *hand; /* where the search for a victim goes on, from old to new; &queue: begin at the oldest */
    struct link classes[TTL_CLASSES];
    uint8_t sweep_class; /* looked at next for entries nobody needs any more */
};

struct store {
    size_t shard_count; /* a power of two */
    struct shard shards[];
};

/* ---- lists ---- */

static void list_init(struct link *list)
{
    list->previous = list->next = list;
}

static bool list_is_empty(const struct link *list)
{
    return list->next == list;
}

static void list_add_first(struct link *list, struct link *link)
{
    link->previous = list;
    link->next = list->next;
    list->next->previous = link;
    list->next = link;
}

static void list_remove(struct link *link)
{
    link->previous->next = link->next;
    link->next->previous = link->previous;
}

static struct entry *entry_of_queue(struct link *link)
{
    return (struct entry *)((uint8_t *)link - offsetof(struct entry, queue));
}

static struct entry *entry_of_expiry(struct link *link)
{
    return (struct entry *)((uint8_t *)link - offsetof(struct entry, expiry));
}

/* ---- entries ---- */

static size_t malloc_octets(size_t size)
{
    return (size + MALLOC_OVERHEAD + MALLOC_ROUNDING - 1) / MALLOC_ROUNDING * MALLOC_ROUNDING;
}

static size_t entry_octets(size_t key_len, size_t value_len)
{
    return malloc_octets(sizeof(struct entry) + key_len + value_len);
}

static struct octets entry_key(const struct entry *entry)
{
    return (struct octets) { entry->data, entry->key_len };
}

static struct octets entry_value(const struct entry *entry)
{
    return (struct octets) { entry->data + entry->key_len, entry->value_len };
}

static bool begins_with(struct octets octets, struct octets head)
{
    return octets.len >= head.len && (head.len == 0 || memcmp(octets.data, head.data, head.len) == 0);
}

/* Entries whose TTLs differ by less than a third share a class, so that the oldest of a class is among the first of it to
 * expire. */
static unsigned ttl_class(int64_t ttl_ms)
{
    enum { STEPS = 3 }; /* per doubling */
    uint64_t ttl_s = ttl_ms < 1000 ? 1 : (uint64_t)ttl_ms / 1000;
    unsigned log2 = 63 - (unsigned)__builtin_clzll(ttl_s);
    unsigned step = (unsigned)((ttl_s - (UINT64_C(1) << log2)) * STEPS >> log2);
    unsigned class = log2 * STEPS + step;
    return class < TTL_CLASSES ? class : TTL_CLASSES - 1;
}

/* ---- the table of a shard: linear hashing, one bucket at a time ---- */

static size_t bucket_of(const struct shard *shard, uint64_t hash)
{
    size_t bucket = hash & (2 * shard->rounded - 1);
    return bucket < shard->bucket_count ? bucket : hash & (shard->rounded - 1);
}

static struct entry **bucket_at(const struct shard *shard, size_t bucket)
{
    return &shard->segments[bucket / SEGMENT_BUCKETS]->buckets[bucket % SEGMENT_BUCKETS];
}

/* Where the pointer to the entry stands; it holds NULL if there is none. */
static struct entry **place_of(const struct shard *shard, const struct store_key *key)
{
    struct entry **place = bucket_at(shard, bucket_of(shard, key->hash));
    while (*place != NULL && ((*place)->hash != key->hash || !octets_equal(entry_key(*place), key->octets)))
        place = &(*place)->chain;
    return place;
}

static void add_segment(struct shard *shard, size_t segment)
{
    shard->segments[segment] = memory_new(1, sizeof(struct segment));
    shard->used_octets += malloc_octets(sizeof(struct segment));
}

static void drop_segment(struct shard *shard, size_t segment)
{
    free(shard->segments[segment]);
    shard->segments[segment] = NULL;
    shard->used_octets -= malloc_octets(sizeof(struct segment));
}

static void split_bucket(struct shard *shard)
{
    size_t added = shard->bucket_count;
    if (added == shard->segments_max * SEGMENT_BUCKETS)
        return;
    if (added % SEGMENT_BUCKETS == 0)
        add_segment(shard, added / SEGMENT_BUCKETS);
    struct entry **from = bucket_at(shard, added - shard->rounded), **to = bucket_at(shard, added);
    shard->bucket_count++;
    if (shard->bucket_count == 2 * shard->rounded)
        shard->rounded *= 2;
    while (*from != NULL) {
        struct entry *entry = *from;
        if (bucket_of(shard, entry->hash) != added) {
            from = &entry->chain;
            continue;
        }
        *from = entry->chain;
        entry->chain = *to;
        *to = entry;
    }
}

static bool is_sparse(const struct shard *shard)
{
    return shard->entries * SPARSE < shard->bucket_count && shard->bucket_count > SEGMENT_BUCKETS &&
           shard->walkers == 0;
}

static void merge_bucket(struct shard *shard)
{
    if (shard->bucket_count == shard->rounded)
        shard->rounded /= 2;
    size_t removed = --shard->bucket_count;
    struct entry **from = bucket_at(shard, removed), **to = bucket_at(shard, removed - shard->rounded);
    while (*to != NULL)
        to = &(*to)->chain;
    *to = *from;
    *from = NULL;
    if (removed % SEGMENT_BUCKETS == 0)
        drop_segment(shard, removed / SEGMENT_BUCKETS);
}

/* ---- entries of a shard ---- */

static void remove_at(struct shard *shard, struct entry **place)
{
    struct entry *entry = *place;
    *place = entry->chain;
    if (shard->hand == &entry->queue)
        shard->hand = entry->queue.previous;
    list_remove(&entry->queue);
    list_remove(&entry->expiry);
    shard->used_octets -= entry_octets(entry->key_len, entry->value_len);
    shard->entries--;
    shard->tagged[entry->tag]--;
    free(entry);
}

static void remove_entry(struct shard *shard, struct entry *entry)
{
    struct entry **place = bucket_at(shard, bucket_of(shard, entry->hash));
    while (*place != entry)
        place = &(*place)->chain;
    remove_at(shard, place);
    for (size_t i = 0; i < SPARSE && is_sparse(shard); i++) /* keeps step with the removals */
        merge_bucket(shard);
}

static struct entry *first_expired(struct shard *shard, int64_t now_ms)
{
    for (size_t class = 0; class < TTL_CLASSES; class ++) {
        struct link *oldest = shard->classes[class].previous;
        if (oldest != &shard->classes[class] && entry_of_expiry(oldest)->expires_ms <= now_ms)
            return entry_of_expiry(oldest);
    }
    return NULL;
}

/* SIEVE (Zhang et al., NSDI '24): the hand goes from old to new, spares what was read since it last came by, and takes the
 * first that was not.  The shard is not empty. */
static struct entry *next_victim(struct shard *shard)
{
    struct entry *entry = NULL;
    for (size_t steps = 0; steps < HAND_STEPS_MAX; steps++) {
        if (shard->hand == &shard->queue)
            shard->hand = shard->queue.previous;
        entry = entry_of_queue(shard->hand);
        if (!atomic_load_explicit(&entry->visited, memory_order_relaxed))
            break;
        atomic_store_explicit(&entry->visited, false, memory_order_relaxed);
        shard->hand = shard->hand->previous;
    }
    return entry;
}

static void make_room(struct shard *shard, size_t octets, int64_t now_ms)
{
    while (shard->used_octets + octets > shard->budget_octets && shard->entries > 0) {
        struct entry *victim = first_expired(shard, now_ms);
        remove_entry(shard, victim != NULL ? victim : next_victim(shard));
        shard->evictions++;
    }
}

/* One class of TTLs at each write: what nobody needs any more does not wait for pressure. */
static void sweep_one(struct shard *shard, int64_t now_ms, int64_t keep_ms)
{
    struct link *class = &shard->classes[shard->sweep_class];
    shard->sweep_class = (shard->sweep_class + 1) % TTL_CLASSES;
    if (list_is_empty(class))
        return;
    struct entry *oldest = entry_of_expiry(class->previous);
    if (oldest->expires_ms <= now_ms && now_ms - oldest->expires_ms > keep_ms)
        remove_entry(shard, oldest);
}

static void insert(struct shard *shard, const struct store_key *key, const struct store_write *write)
{
    struct entry *entry = memory_new(1, sizeof(*entry) + key->octets.len + write->value.len);
    entry->hash = key->hash;
    entry->tag = write->tag;
    entry->expires_ms = write->expires_ms;
    entry->key_len = (uint16_t)key->octets.len;
    entry->value_len = (uint32_t)write->value.len;
    memcpy(entry->data, key->octets.data, key->octets.len);
    if (write->value.len > 0)
        memcpy(entry->data + key->octets.len, write->value.data, write->value.len);
    struct entry **bucket = bucket_at(shard, bucket_of(shard, key->hash));
    entry->chain = *bucket;
    *bucket = entry;
    list_add_first(&shard->queue, &entry->queue);
    list_add_first(&shard->classes[ttl_class(write->expires_ms - write->now_ms)], &entry->expiry);
    shard->used_octets += entry_octets(entry->key_len, entry->value_len);
    shard->entries++;
    shard->tagged[entry->tag]++;
    shard->insertions++;
    if (shard->entries > shard->bucket_count)
        split_bucket(shard);
}

/* ---- the store ---- */

static void shard_init(struct shard *shard, uint64_t budget_octets)
{
    *shard = (struct shard) { .bucket_count = SEGMENT_BUCKETS, .rounded = SEGMENT_BUCKETS };
    pthread_rwlock_init(&shard->lock, NULL);
    list_init(&shard->queue);
    shard->hand = &shard->queue;
    for (size_t class = 0; class < TTL_CLASSES; class ++)
        list_init(&shard->classes[class]);
    shard->segments_max = 1 + budget_octets / entry_octets(0, 0) / SEGMENT_BUCKETS;
    shard->segments = memory_new(shard->segments_max, sizeof(struct segment *));
    shard->budget_octets = budget_octets;
    shard->used_octets = malloc_octets(shard->segments_max * sizeof(struct segment *));
    add_segment(shard, 0);
}

struct store *store_new(uint64_t budget_octets)
{
    assert(budget_octets >= STORE_OCTETS_MIN);
    size_t count = 1;
    while (count < SHARDS_MAX && budget_octets / (2 * count) >= SHARD_OCTETS)
        count *= 2;
    struct store *store = memory_new(1, sizeof(*store) + count * sizeof(struct shard));
    store->shard_count = count;
    uint64_t own = malloc_octets(sizeof(*store) + count * sizeof(struct shard));
    for (size_t i = 0; i < count; i++)
        shard_init(&store->shards[i], (budget_octets - own) / count);
    return store;
}

void store_free(struct store *store)
{
    for (size_t i = 0; i < store->shard_count; i++) {
        struct shard *shard = &store->shards[i];
        for (struct link *link = shard->queue.next; link != &shard->queue;) {
            struct entry *entry = entry_of_queue(link);
            link = link->next;
            free(entry);
        }
        for (size_t segment = 0; segment < shard->segments_max; segment++)
            free(shard->segments[segment]);
        free(shard->segments);
        pthread_rwlock_destroy(&shard->lock);
    }
    free(store);
}

/* The table of the shard takes the low bits. */
static struct shard *shard_of(struct store *store, uint64_t hash)
{
    return &store->shards[hash >> 48 & (store->shard_count - 1)];
}

/* The entry, marked as read, with its shard locked for reading; NULL, and nothing is locked, if there is none. */
static const struct entry *lock_entry(struct shard *shard, const struct store_key *key)
{
    pthread_rwlock_rdlock(&shard->lock);
    struct entry *entry = *place_of(shard, key);
    if (entry == NULL)
        pthread_rwlock_unlock(&shard->lock);
    else if (!atomic_load_explicit(&entry->visited, memory_order_relaxed))
        atomic_store_explicit(&entry->visited, true, memory_order_relaxed);
    return entry;
}

bool store_find(struct store *store, const struct store_key *key, struct arena *arena, struct octets *value)
{
    struct shard *shard = shard_of(store, key->hash);
    const struct entry *entry = lock_entry(shard, key);
    if (entry == NULL)
        return false;
    *value = octets_copy(arena, entry_value(entry));
    pthread_rwlock_unlock(&shard->lock);
    return true;
}

bool store_peek(struct store *store, const struct store_key *key, void *to, size_t size)
{
    struct shard *shard = shard_of(store, key->hash);
    const struct entry *entry = lock_entry(shard, key);
    if (entry == NULL)
        return false;
    bool is_whole = entry->value_len >= size;
    if (is_whole)
        memcpy(to, entry_value(entry).data, size);
    pthread_rwlock_unlock(&shard->lock);
    return is_whole;
}

size_t store_read(struct store *store, const struct store_key *key, void *to, size_t size)
{
    struct shard *shard = shard_of(store, key->hash);
    const struct entry *entry = lock_entry(shard, key);
    if (entry == NULL)
        return 0;
    size_t len = entry->value_len <= size ? entry->value_len : 0;
    if (len > 0)
        memcpy(to, entry_value(entry).data, len);
    pthread_rwlock_unlock(&shard->lock);
    return len;
}

/* No entry takes more than a quarter of its shard, so that one cannot empty it. */
static bool fits(const struct shard *shard, size_t octets)
{
    return octets <= shard->budget_octets / 4;
}

static bool put_locked(struct shard *shard, const struct store_key *key, struct store_write *write)
{
    struct entry **place = place_of(shard, key);
    struct octets old = *place == NULL ? (struct octets) { NULL, 0 } : entry_value(*place);
    if (write->decide != NULL && !write->decide(write->context, old, write))
        return false;
    size_t octets = entry_octets(key->octets.len, write->value.len);
    if (write->value.len > STORE_VALUE_OCTETS_MAX || !fits(shard, octets))
        return false;
    if (*place != NULL)
        remove_at(shard, place);
    sweep_one(shard, write->now_ms, write->keep_ms);
    make_room(shard, octets + malloc_octets(sizeof(struct segment)), write->now_ms);
    insert(shard, key, write);
    assert(shard->used_octets <= shard->budget_octets);
    return true;
}

bool store_put(struct store *store, const struct store_key *key, struct store_write write)
{
    assert(key->octets.len <= STORE_KEY_OCTETS_MAX && write.tag < STORE_TAGS);
    struct shard *shard = shard_of(store, key->hash);
    pthread_rwlock_wrlock(&shard->lock);
    bool written = put_locked(shard, key, &write);
    pthread_rwlock_unlock(&shard->lock);
    return written;
}

bool store_patch(struct store *store, const struct store_key *key, struct octets from, struct octets to)
{
    assert(from.len == to.len && from.len > 0);
    struct shard *shard = shard_of(store, key->hash);
    pthread_rwlock_wrlock(&shard->lock);
    struct entry *entry = *place_of(shard, key);
    bool same = entry != NULL && begins_with(entry_value(entry), from);
    if (same)
        memcpy(entry->data + entry->key_len, to.data, to.len);
    pthread_rwlock_unlock(&shard->lock);
    return same;
}

bool store_remove(struct store *store, const struct store_key *key, struct octets head)
{
    struct shard *shard = shard_of(store, key->hash);
    pthread_rwlock_wrlock(&shard->lock);
    struct entry *entry = *place_of(shard, key);
    bool same = entry != NULL && begins_with(entry_value(entry), head);
    if (same)
        remove_entry(shard, entry);
    pthread_rwlock_unlock(&shard->lock);
    return same;
}

/* ---- all of them ---- */

static void begin_walk(struct shard *shard)
{
    pthread_rwlock_wrlock(&shard->lock);
    shard->walkers++;
    pthread_rwlock_unlock(&shard->lock);
}

static void end_walk(struct shard *shard)
{
    pthread_rwlock_wrlock(&shard->lock);
    shard->walkers--;
    while (is_sparse(shard))
        merge_bucket(shard);
    pthread_rwlock_unlock(&shard->lock);
}

static size_t sweep_segment(struct shard *shard, size_t segment,
                            bool (*doomed)(void *context, struct octets key, struct octets value), void *context)
{
    size_t removed = 0;
    for (size_t i = 0; i < SEGMENT_BUCKETS; i++) {
        struct entry **place = &shard->segments[segment]->buckets[i];
        while (*place != NULL) {
            if (!doomed(context, entry_key(*place), entry_value(*place))) {
                place = &(*place)->chain;
                continue;
            }
            remove_at(shard, place);
            removed++;
        }
    }
    return removed;
}

/* Is there such a segment?  If so, the shard is locked for writing. */
static bool lock_segment(struct shard *shard, size_t segment)
{
    pthread_rwlock_wrlock(&shard->lock);
    if (segment * SEGMENT_BUCKETS < shard->bucket_count)
        return true;
    pthread_rwlock_unlock(&shard->lock);
    return false;
}

size_t store_sweep(struct store *store, bool (*doomed)(void *context, struct octets key, struct octets value),
                   void *context)
{
    size_t removed = 0;
    for (size_t i = 0; i < store->shard_count; i++) {
        struct shard *shard = &store->shards[i];
        begin_walk(shard);
        for (size_t segment = 0; lock_segment(shard, segment); segment++) {
            removed += sweep_segment(shard, segment, doomed, context);
            pthread_rwlock_unlock(&shard->lock);
        }
        end_walk(shard);
    }
    return removed;
}

struct slice_item {
    struct octets key, value;
};
struct slice {
    size_t count;
    struct slice_item *items; /* all copies */
};

static struct slice copy_segment(struct arena *arena, const struct segment *segment)
{
    struct slice slice = { .count = 0 };
    for (size_t i = 0; i < SEGMENT_BUCKETS; i++) {
        for (const struct entry *entry = segment->buckets[i]; entry != NULL; entry = entry->chain)
            slice.count++;
    }
    slice.items = ARENA_ARRAY(arena, slice.count, struct slice_item);
    size_t at = 0;
    for (size_t i = 0; i < SEGMENT_BUCKETS; i++) {
        for (const struct entry *entry = segment->buckets[i]; entry != NULL; entry = entry->chain) {
            slice.items[at++] =
                (struct slice_item) { octets_copy(arena, entry_key(entry)), octets_copy(arena, entry_value(entry)) };
        }
    }
    return slice;
}

static bool walk_shard(struct shard *shard, struct arena *arena,
                       bool (*visit)(void *context, struct octets key, struct octets value), void *context)
{
    bool goes_on = true;
    for (size_t segment = 0; goes_on && lock_segment(shard, segment); segment++) {
        arena_reset(arena);
        struct slice slice = copy_segment(arena, shard->segments[segment]);
        pthread_rwlock_unlock(&shard->lock);
        for (size_t i = 0; goes_on && i < slice.count; i++)
            goes_on = visit(context, slice.items[i].key, slice.items[i].value);
    }
    return goes_on;
}

void store_walk(struct store *store, bool (*visit)(void *context, struct octets key, struct octets value),
                void *context)
{
    struct arena *arena = arena_new();
    bool goes_on = true;
    for (size_t i = 0; goes_on && i < store->shard_count; i++) {
        begin_walk(&store->shards[i]);
        goes_on = walk_shard(&store->shards[i], arena, visit, context);
        end_walk(&store->shards[i]);
    }
    arena_free(arena);
}

void store_get_stats(struct store *store, struct store_stats *stats)
{
    *stats = (struct store_stats) {
        .used_octets = malloc_octets(sizeof(*store) + store->shard_count * sizeof(struct shard)),
    };
    for (size_t i = 0; i < store->shard_count; i++) {
        struct shard *shard = &store->shards[i];
        pthread_rwlock_rdlock(&shard->lock);
        stats->used_octets += shard->used_octets;
        for (size_t tag = 0; tag < STORE_TAGS; tag++)
            stats->entries[tag] += shard->tagged[tag];
        stats->evictions += shard->evictions;
        stats->insertions += shard->insertions;
        pthread_rwlock_unlock(&shard->lock);
    }
}
