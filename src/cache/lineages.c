#include "cache/lineages.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "base/hash.h"
#include "cache/shard.h"
#include "message/text.h"

enum {
    SETS_MIN = 64,
    SETS_MAX = 1 << 20,
    KEYS_PER_SET = 2,   /* room for keys: a signed zone has two or three, and about as many sets rest on them */
    BLOCKS_PER_SET = 4, /* one or two for its keys, one for the name of each key */
    BLOCK_OCTETS = 28,  /* of content: the keys of four levels of zones, most zones' names */
    BLOCK_KEYS = BLOCK_OCTETS / sizeof(uint32_t),
    CLOCK_STEPS_MAX = 64, /* records looked at to find one that may go: bounded work for one answer */
    RECLAIMS_MAX = 8,     /* sets and keys given up to make room for one */
    REVOKED_MAX = 1024, /* keys flushed one by one; with more, all older verdicts are forgotten, which is always safe */
};

/* Indexes into the arrays below stand for references; 0: none. */
struct key_record {
    uint64_t id;   /* key_id() */
    uint32_t next; /* in its bucket, or in the free list */
    uint32_t refs; /* sets that hold it: only a key without any may go */
    uint32_t name; /* first block with its zone's name, in lower case */
    uint16_t key_tag;
    uint8_t name_len; /* 0: not named yet */
    bool is_live : 1;
    bool used : 1;
};
_Static_assert(sizeof(struct key_record) == 24, "there are many");

struct set_record {
    uint64_t hash;       /* of its key ids in ascending order */
    uint32_t next;       /* in its bucket, or in the free list */
    uint32_t generation; /* one more for each set that has stood here */
    uint32_t keys;       /* first block with indexes of key records, in the order of their ids */
    uint16_t count;
    bool is_live;
    _Atomic bool used; /* set under the read lock */
};

struct block {
    uint32_t next;
    union {
        uint32_t keys[BLOCK_KEYS];
        uint8_t octets[BLOCK_OCTETS];
    };
};

/* Records that may be taken: those given back, then those never used, which cost no resident memory yet. */
struct supply {
    uint32_t free;  /* first of the list of those given back */
    uint32_t fresh; /* the first never used */
    uint32_t count; /* index 0 included */
};

struct revoked {
    uint64_t key;
    uint64_t epoch;
};

/* What outlives the process; the arrays follow.  Zeroed memory is an empty table of no epoch. */
struct table {
    _Atomic uint64_t epoch;    /* written under the lock */
    uint64_t forgotten_before; /* verdicts of an epoch below this are forgotten */
    struct supply set_supply, key_supply, block_supply;
    uint32_t set_hand, key_hand; /* second chance: where the search for a victim goes on */
    uint64_t revoked_count;
    struct revoked revoked[REVOKED_MAX]; /* ascending by key */
};

struct lineages {
    pthread_rwlock_t lock; /* of everything but the epoch */
    void *mapped;          /* NULL: the caller's memory */
    uint64_t octets;
    uint32_t set_count;
    struct table *table;
    struct set_record *sets;
    struct key_record *keys;
    struct block *blocks;
    uint32_t *set_buckets, *key_buckets; /* linear hashing: as many are used as records have ever been */
};

/* ---- making ---- */

static uint64_t octets_of(uint64_t sets)
{
    return sizeof(struct table) +
           sets * (sizeof(struct set_record) + KEYS_PER_SET * sizeof(struct key_record) +
                   BLOCKS_PER_SET * sizeof(struct block) + (1 + KEYS_PER_SET) * sizeof(uint32_t));
}

static struct supply supply_of(uint32_t count)
{
    return (struct supply) { .fresh = 1, .count = count };
}

static uint32_t sets_for(uint64_t octets)
{
    uint32_t sets = SETS_MIN;
    while (sets < SETS_MAX && octets_of(sets + SETS_MIN) <= octets)
        sets += SETS_MIN;
    return sets;
}

/* Everything that was there is gone, but no verdict made before may be believed: the epoch goes on. */
static void empty_table(struct lineages *lineages)
{
    struct table *table = lineages->table;
    uint32_t sets = lineages->set_count;
    uint64_t epoch = atomic_load(&table->epoch) + 1;
    if (table->set_supply.count > 0) /* else it is all zeros */
        memset(table, 0, octets_of(sets));
    atomic_store(&table->epoch, epoch);
    table->forgotten_before = epoch;
    table->set_supply = supply_of(sets);
    table->key_supply = supply_of(sets * KEYS_PER_SET);
    table->block_supply = supply_of(sets * BLOCKS_PER_SET);
}

struct lineages *lineages_new_at(void *memory, uint64_t octets, bool is_whole)
{
    uint32_t sets = sets_for(octets);
    struct lineages *lineages = memory_new(1, sizeof(*lineages));
    pthread_rwlock_init(&lineages->lock, NULL);
    lineages->octets = octets_of(sets);
    lineages->table = memory;
    lineages->sets = (struct set_record *)(lineages->table + 1);
    lineages->blocks = (struct block *)(lineages->sets + sets);
    lineages->keys = (struct key_record *)(void *)(lineages->blocks + (size_t)sets * BLOCKS_PER_SET);
    lineages->set_buckets = (uint32_t *)(lineages->keys + (size_t)sets * KEYS_PER_SET);
    lineages->key_buckets = lineages->set_buckets + sets;
    lineages->set_count = sets;
    if (!is_whole)
        empty_table(lineages);
    return lineages;
}

struct lineages *lineages_new(uint64_t size_octets)
{
    uint64_t octets = octets_of(sets_for(size_octets));
    void *memory = mmap(NULL, octets, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED)
        return NULL;
    struct lineages *lineages = lineages_new_at(memory, octets, false);
    lineages->mapped = memory;
    return lineages;
}

uint64_t lineages_check(const struct lineages *lineages)
{
    const struct table *table = lineages->table;
    const struct { /* what was never used is all zeros */
        const void *data;
        size_t size, used, max;
    } parts[] = {
        { table, 1, sizeof(*table), sizeof(*table) },
        { lineages->sets, sizeof(struct set_record), table->set_supply.fresh, table->set_supply.count },
        { lineages->keys, sizeof(struct key_record), table->key_supply.fresh, table->key_supply.count },
        { lineages->blocks, sizeof(struct block), table->block_supply.fresh, table->block_supply.count },
        { lineages->set_buckets, sizeof(uint32_t), table->set_supply.fresh, table->set_supply.count },
        { lineages->key_buckets, sizeof(uint32_t), table->key_supply.fresh, table->key_supply.count },
    };
    uint64_t check = 0;
    if (table->set_supply.count != lineages->set_count ||
        table->key_supply.count != table->set_supply.count * KEYS_PER_SET ||
        table->block_supply.count != table->set_supply.count * BLOCKS_PER_SET)
        return 0;
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        size_t count = parts[i].used < parts[i].max ? parts[i].used : parts[i].max;
        check = hash_octets((struct octets) { parts[i].data, count * parts[i].size }, check);
    }
    return check | 1;
}

void lineages_reset(struct lineages *lineages)
{
    empty_table(lineages);
}

void lineages_free(struct lineages *lineages)
{
    if (lineages == NULL)
        return;
    pthread_rwlock_destroy(&lineages->lock);
    if (lineages->mapped != NULL)
        munmap(lineages->mapped, lineages->octets);
    free(lineages);
}

uint64_t lineages_octets(const struct lineages *lineages)
{
    return lineages->octets;
}

/* ---- blocks ---- */

static void give_back_blocks(struct lineages *lineages, uint32_t first)
{
    while (first != 0) {
        struct block *block = &lineages->blocks[first];
        uint32_t next = block->next;
        block->next = lineages->table->block_supply.free;
        lineages->table->block_supply.free = first;
        first = next;
    }
}

/* A chain of at least one block; 0 if there are not so many. */
static uint32_t take_blocks(struct lineages *lineages, size_t count)
{
    uint32_t first = 0;
    for (size_t i = 0; i == 0 || i < count; i++) {
        struct supply *supply = &lineages->table->block_supply;
        uint32_t taken = supply->free;
        if (taken != 0) {
            supply->free = lineages->blocks[taken].next;
        } else if (supply->fresh < supply->count) {
            taken = supply->fresh++;
        } else {
            give_back_blocks(lineages, first);
            return 0;
        }
        lineages->blocks[taken].next = first;
        first = taken;
    }
    return first;
}

/* ---- keys ---- */

static uint32_t *key_bucket(struct lineages *lineages, uint64_t id)
{
    return &lineages->key_buckets[bucket_of(lineages->table->key_supply.fresh, id)]; /* the id is a keyed hash */
}

/* A record that was never used; 0 if there is none.  With it comes a bucket, which takes what is its own from the one that
 * held it so far. */
static uint32_t take_fresh_key(struct lineages *lineages)
{
    struct supply *supply = &lineages->table->key_supply;
    if (supply->fresh == supply->count)
        return 0;
    uint32_t taken = supply->fresh++, *to = &lineages->key_buckets[taken];
    for (uint32_t *place = &lineages->key_buckets[bucket_split_by(taken)]; *place != 0;) {
        uint32_t moving = *place;
        struct key_record *record = &lineages->keys[moving];
        if (key_bucket(lineages, record->id) == to) {
            *place = record->next;
            record->next = *to;
            *to = moving;
        } else {
            place = &record->next;
        }
    }
    return taken;
}

static uint32_t find_key(struct lineages *lineages, uint64_t id)
{
    uint32_t key = *key_bucket(lineages, id);
    while (key != 0 && lineages->keys[key].id != id)
        key = lineages->keys[key].next;
    return key;
}

static void drop_key(struct lineages *lineages, uint32_t dropped)
{
    struct key_record *record = &lineages->keys[dropped];
    uint32_t *place = key_bucket(lineages, record->id);
    while (*place != dropped)
        place = &lineages->keys[*place].next;
    *place = record->next;
    give_back_blocks(lineages, record->name);
    *record = (struct key_record) { .next = lineages->table->key_supply.free };
    lineages->table->key_supply.free = dropped;
}

/* Second chance among the keys that no set holds. */
static void reclaim_key(struct lineages *lineages)
{
    for (size_t steps = 0; steps < CLOCK_STEPS_MAX; steps++) {
        if (lineages->table->key_hand == 0 || lineages->table->key_hand >= lineages->table->key_supply.fresh)
            lineages->table->key_hand = 1;
        uint32_t candidate = lineages->table->key_hand++;
        struct key_record *record = &lineages->keys[candidate];
        if (!record->is_live || record->refs > 0)
            continue;
        if (!record->used) {
            drop_key(lineages, candidate);
            return;
        }
        record->used = false;
    }
}

/* The record of this key, made if there is none; 0 if there is no room. */
static uint32_t take_key(struct lineages *lineages, uint64_t id)
{
    uint32_t taken = find_key(lineages, id);
    if (taken != 0)
        return taken;
    struct supply *supply = &lineages->table->key_supply;
    if (supply->free == 0 && supply->fresh == supply->count)
        reclaim_key(lineages);
    if (supply->free != 0) {
        taken = supply->free;
        supply->free = lineages->keys[taken].next;
    } else {
        taken = take_fresh_key(lineages);
    }
    if (taken == 0)
        return 0;
    uint32_t *bucket = key_bucket(lineages, id);
    lineages->keys[taken] = (struct key_record) { .id = id, .next = *bucket, .is_live = true, .used = true };
    *bucket = taken;
    return taken;
}

/* ---- sets ---- */

static uint32_t *set_bucket(struct lineages *lineages, uint64_t hash)
{
    return &lineages->set_buckets[bucket_of(lineages->table->set_supply.fresh, hash)];
}

/* As take_fresh_key(). */
static uint32_t take_fresh_set(struct lineages *lineages)
{
    struct supply *supply = &lineages->table->set_supply;
    if (supply->fresh == supply->count)
        return 0;
    uint32_t taken = supply->fresh++, *to = &lineages->set_buckets[taken];
    for (uint32_t *place = &lineages->set_buckets[bucket_split_by(taken)]; *place != 0;) {
        uint32_t moving = *place;
        struct set_record *record = &lineages->sets[moving];
        if (set_bucket(lineages, record->hash) == to) {
            *place = record->next;
            record->next = *to;
            *to = moving;
        } else {
            place = &record->next;
        }
    }
    return taken;
}

/* The n-th key of a set; callers ask in ascending order and keep the block they are in. */
static uint32_t key_of_set(const struct lineages *lineages, uint32_t *block, size_t n)
{
    if (n > 0 && n % BLOCK_KEYS == 0)
        *block = lineages->blocks[*block].next;
    return lineages->blocks[*block].keys[n % BLOCK_KEYS];
}

static bool set_holds(const struct lineages *lineages, const struct set_record *set, const struct lineage *sorted)
{
    if (set->count != sorted->count)
        return false;
    uint32_t block = set->keys;
    for (uint16_t i = 0; i < set->count; i++) {
        if (lineages->keys[key_of_set(lineages, &block, i)].id != sorted->keys[i])
            return false;
    }
    return true;
}

static uint32_t find_set(struct lineages *lineages, uint64_t hash, const struct lineage *sorted)
{
    uint32_t set = *set_bucket(lineages, hash);
    while (set != 0 && (lineages->sets[set].hash != hash || !set_holds(lineages, &lineages->sets[set], sorted)))
        set = lineages->sets[set].next;
    return set;
}

static void release_keys(struct lineages *lineages, uint32_t blocks, size_t count)
{
    uint32_t block = blocks;
    for (size_t i = 0; i < count; i++)
        lineages->keys[key_of_set(lineages, &block, i)].refs--;
    give_back_blocks(lineages, blocks);
}

static void drop_set(struct lineages *lineages, uint32_t dropped)
{
    struct set_record *set = &lineages->sets[dropped];
    uint32_t *place = set_bucket(lineages, set->hash);
    while (*place != dropped)
        place = &lineages->sets[*place].next;
    *place = set->next;
    release_keys(lineages, set->keys, set->count);
    set->is_live = false;
    set->generation++;
    set->next = lineages->table->set_supply.free;
    lineages->table->set_supply.free = dropped;
}

/* Second chance; after so many steps whatever stands under the hand. */
static void reclaim_set(struct lineages *lineages)
{
    for (size_t steps = 0; steps < 2 * CLOCK_STEPS_MAX; steps++) {
        if (lineages->table->set_hand == 0 || lineages->table->set_hand >= lineages->table->set_supply.fresh)
            lineages->table->set_hand = 1;
        uint32_t candidate = lineages->table->set_hand++;
        struct set_record *set = &lineages->sets[candidate];
        if (!set->is_live)
            continue;
        if (steps >= CLOCK_STEPS_MAX || !atomic_load_explicit(&set->used, memory_order_relaxed)) {
            drop_set(lineages, candidate);
            return;
        }
        atomic_store_explicit(&set->used, false, memory_order_relaxed);
    }
}

/* Blocks with the records of these keys, each held; 0 if there is no room. */
static uint32_t take_keys(struct lineages *lineages, const struct lineage *sorted)
{
    uint32_t blocks = take_blocks(lineages, (sorted->count + BLOCK_KEYS - 1u) / BLOCK_KEYS);
    if (blocks == 0)
        return 0;
    uint32_t block = blocks;
    for (uint16_t i = 0; i < sorted->count; i++) {
        uint32_t key = take_key(lineages, sorted->keys[i]);
        if (key == 0) {
            release_keys(lineages, blocks, i);
            return 0;
        }
        if (i > 0 && i % BLOCK_KEYS == 0)
            block = lineages->blocks[block].next;
        lineages->blocks[block].keys[i % BLOCK_KEYS] = key;
        lineages->keys[key].refs++;
        lineages->keys[key].used = true;
    }
    return blocks;
}

static uint32_t take_set_slot(struct lineages *lineages)
{
    struct supply *supply = &lineages->table->set_supply;
    uint32_t taken = supply->free == 0 ? take_fresh_set(lineages) : 0;
    if (taken != 0)
        return taken;
    if (supply->free == 0)
        reclaim_set(lineages);
    taken = supply->free;
    if (taken != 0)
        supply->free = lineages->sets[taken].next;
    return taken;
}

static uint32_t make_set(struct lineages *lineages, uint64_t hash, const struct lineage *sorted)
{
    uint32_t slot = take_set_slot(lineages);
    if (slot == 0)
        return 0;
    uint32_t keys = take_keys(lineages, sorted);
    for (size_t i = 0; keys == 0 && i < RECLAIMS_MAX; i++) {
        reclaim_set(lineages);
        reclaim_key(lineages);
        keys = take_keys(lineages, sorted);
    }
    struct set_record *set = &lineages->sets[slot];
    if (keys == 0) {
        set->next = lineages->table->set_supply.free;
        lineages->table->set_supply.free = slot;
        return 0;
    }
    uint32_t *bucket = set_bucket(lineages, hash);
    set->hash = hash;
    set->next = *bucket;
    set->keys = keys;
    set->count = sorted->count;
    set->is_live = true;
    *bucket = slot;
    return slot;
}

static int compare_ids(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

bool lineages_intern(struct lineages *lineages, const struct lineage *lineage, struct lineage_ref *ref)
{
    *ref = (struct lineage_ref) { 0, 0 };
    if (lineage->overflow)
        return false;
    if (lineage->count == 0)
        return true;
    struct lineage sorted = *lineage;
    qsort(sorted.keys, sorted.count, sizeof(sorted.keys[0]), compare_ids);
    struct octets ids = { (const uint8_t *)sorted.keys, sorted.count * sizeof(sorted.keys[0]) };
    uint64_t hash = hash_octets(ids, 0);
    pthread_rwlock_wrlock(&lineages->lock);
    uint32_t slot = find_set(lineages, hash, &sorted);
    if (slot == 0)
        slot = make_set(lineages, hash, &sorted);
    if (slot != 0) {
        atomic_store_explicit(&lineages->sets[slot].used, true, memory_order_relaxed);
        *ref = (struct lineage_ref) { slot, lineages->sets[slot].generation };
    }
    pthread_rwlock_unlock(&lineages->lock);
    return slot != 0;
}

/* The set, if it is still the one meant; marked as used.  Under the lock. */
static const struct set_record *set_of(const struct lineages *lineages, struct lineage_ref ref)
{
    if (ref.slot == 0 || ref.slot >= lineages->table->set_supply.fresh)
        return NULL;
    struct set_record *set = &lineages->sets[ref.slot];
    if (!set->is_live || set->generation != ref.generation)
        return NULL;
    if (!atomic_load_explicit(&set->used, memory_order_relaxed))
        atomic_store_explicit(&set->used, true, memory_order_relaxed);
    return set;
}

bool lineages_get(struct lineages *lineages, struct lineage_ref ref, struct lineage *lineage)
{
    lineage->count = 0;
    lineage->overflow = false;
    if (ref.slot == 0)
        return true;
    pthread_rwlock_rdlock(&lineages->lock);
    const struct set_record *set = set_of(lineages, ref);
    if (set != NULL) {
        uint32_t block = set->keys;
        for (uint16_t i = 0; i < set->count; i++)
            lineage->keys[i] = lineages->keys[key_of_set(lineages, &block, i)].id;
        lineage->count = set->count;
    }
    pthread_rwlock_unlock(&lineages->lock);
    return set != NULL;
}

/* ---- names of keys ---- */

static bool zone_of_key(const struct lineages *lineages, const struct key_record *key, struct dname *zone)
{
    uint8_t octets[DNAME_OCTETS_MAX];
    uint32_t block = key->name;
    for (size_t at = 0; at < key->name_len; at += BLOCK_OCTETS) {
        size_t left = (size_t)key->name_len - at;
        memcpy(octets + at, lineages->blocks[block].octets, left < BLOCK_OCTETS ? left : BLOCK_OCTETS);
        block = lineages->blocks[block].next;
    }
    return key->name_len > 0 && dname_from_wire((struct octets) { octets, key->name_len }, zone) == OK;
}

static void set_zone_of_key(struct lineages *lineages, struct key_record *key, const struct dname *zone)
{
    struct dname lower;
    dname_lower(zone, &lower);
    uint32_t block = take_blocks(lineages, (lower.len + BLOCK_OCTETS - 1u) / BLOCK_OCTETS);
    key->refs++; /* not this one */
    for (size_t i = 0; block == 0 && i < RECLAIMS_MAX; i++) {
        reclaim_key(lineages);
        block = take_blocks(lineages, (lower.len + BLOCK_OCTETS - 1u) / BLOCK_OCTETS);
    }
    key->refs--;
    if (block == 0)
        return;
    key->name = block;
    key->name_len = lower.len;
    for (size_t at = 0; at < lower.len; at += BLOCK_OCTETS) {
        size_t left = (size_t)lower.len - at;
        memcpy(lineages->blocks[block].octets, lower.octets + at, left < BLOCK_OCTETS ? left : BLOCK_OCTETS);
        block = lineages->blocks[block].next;
    }
}

void lineages_name_key(struct lineages *lineages, uint64_t key, const struct dname *zone, uint16_t key_tag)
{
    pthread_rwlock_wrlock(&lineages->lock);
    uint32_t taken = take_key(lineages, key);
    struct key_record *record = &lineages->keys[taken];
    if (taken != 0 && record->name_len == 0)
        set_zone_of_key(lineages, record, zone);
    if (taken != 0) {
        record->key_tag = key_tag;
        record->used = true;
    }
    pthread_rwlock_unlock(&lineages->lock);
}

size_t lineages_keys_of(struct lineages *lineages, const struct dname *zone, uint16_t key_tag, uint64_t *keys,
                        size_t max)
{
    size_t count = 0;
    pthread_rwlock_rdlock(&lineages->lock);
    for (uint32_t i = 1; i < lineages->table->key_supply.fresh && count < max; i++) {
        const struct key_record *record = &lineages->keys[i];
        struct dname of;
        if (record->is_live && record->key_tag == key_tag && zone_of_key(lineages, record, &of) &&
            dname_equal(&of, zone))
            keys[count++] = record->id;
    }
    pthread_rwlock_unlock(&lineages->lock);
    return count;
}

char *lineages_text(struct lineages *lineages, struct lineage_ref ref, struct arena *arena)
{
    struct text text = text_new(arena);
    pthread_rwlock_rdlock(&lineages->lock);
    const struct set_record *set = set_of(lineages, ref);
    uint32_t block = set == NULL ? 0 : set->keys;
    for (uint16_t i = 0; set != NULL && i < set->count; i++) {
        const struct key_record *key = &lineages->keys[key_of_set(lineages, &block, i)];
        struct dname zone;
        char name[DNAME_TEXT_MAX];
        const char *separator = i == 0 ? "" : ", ";
        if (zone_of_key(lineages, key, &zone))
            text_printf(&text, "%s%s %u", separator, dname_to_text(&zone, name), key->key_tag);
        else
            text_printf(&text, "%skey %016llx", separator, (unsigned long long)key->id);
    }
    pthread_rwlock_unlock(&lineages->lock);
    return set == NULL ? NULL : text.data;
}

/* ---- the trust epoch ---- */

uint64_t lineages_epoch(const struct lineages *lineages)
{
    return atomic_load_explicit(&lineages->table->epoch, memory_order_acquire);
}

/* Under the lock; what the epoch means is written before it is raised. */
static void publish_epoch(struct lineages *lineages, uint64_t epoch)
{
    atomic_store_explicit(&lineages->table->epoch, epoch, memory_order_release);
}

/* Place of the key among the revoked, or where it would stand. */
static size_t revoked_place(const struct lineages *lineages, uint64_t key)
{
    size_t low = 0, high = lineages->table->revoked_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (lineages->table->revoked[middle].key < key)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void revoke_key(struct lineages *lineages, uint64_t key, uint64_t epoch)
{
    size_t at = revoked_place(lineages, key);
    if (at < lineages->table->revoked_count && lineages->table->revoked[at].key == key) {
        lineages->table->revoked[at].epoch = epoch;
        return;
    }
    if (lineages->table->revoked_count == REVOKED_MAX) {
        lineages->table->forgotten_before = epoch;
        lineages->table->revoked_count = 0;
        return;
    }
    memmove(&lineages->table->revoked[at + 1], &lineages->table->revoked[at],
            (lineages->table->revoked_count - at) * sizeof(struct revoked));
    lineages->table->revoked[at] = (struct revoked) { key, epoch };
    lineages->table->revoked_count++;
}

void lineages_raise(struct lineages *lineages)
{
    lineages_revoke(lineages, NULL, 0);
}

void lineages_revoke(struct lineages *lineages, const uint64_t *keys, size_t count)
{
    pthread_rwlock_wrlock(&lineages->lock);
    uint64_t epoch = lineages_epoch(lineages) + 1;
    for (size_t i = 0; i < count; i++)
        revoke_key(lineages, keys[i], epoch);
    publish_epoch(lineages, epoch);
    pthread_rwlock_unlock(&lineages->lock);
}

void lineages_revoke_zone(struct lineages *lineages, const struct dname *zone)
{
    pthread_rwlock_wrlock(&lineages->lock);
    uint64_t epoch = lineages_epoch(lineages) + 1;
    for (uint32_t i = 1; i < lineages->table->key_supply.fresh; i++) {
        const struct key_record *record = &lineages->keys[i];
        struct dname of;
        if (record->is_live && zone_of_key(lineages, record, &of) && dname_is_subdomain(&of, zone))
            revoke_key(lineages, record->id, epoch);
    }
    publish_epoch(lineages, epoch);
    pthread_rwlock_unlock(&lineages->lock);
}

void lineages_forget(struct lineages *lineages)
{
    pthread_rwlock_wrlock(&lineages->lock);
    uint64_t epoch = lineages_epoch(lineages) + 1;
    lineages->table->forgotten_before = epoch;
    publish_epoch(lineages, epoch);
    pthread_rwlock_unlock(&lineages->lock);
}

static bool is_revoked(const struct lineages *lineages, uint64_t key, uint64_t since)
{
    size_t at = revoked_place(lineages, key);
    return at < lineages->table->revoked_count && lineages->table->revoked[at].key == key &&
           lineages->table->revoked[at].epoch > since;
}

static enum standing judge_set(struct lineages *lineages, uint64_t epoch, struct lineage_ref ref)
{
    const struct set_record *set = set_of(lineages, ref);
    if (set == NULL)
        return ref.slot == 0 ? STANDS : FORGOTTEN;
    uint32_t block = set->keys;
    for (uint16_t i = 0; i < set->count; i++) {
        if (is_revoked(lineages, lineages->keys[key_of_set(lineages, &block, i)].id, epoch))
            return REVOKED;
    }
    return STANDS;
}

enum standing lineages_judge(struct lineages *lineages, uint64_t epoch, struct lineage_ref ref, uint64_t *current)
{
    *current = lineages_epoch(lineages);
    if (epoch == *current)
        return STANDS;
    pthread_rwlock_rdlock(&lineages->lock);
    *current = lineages_epoch(lineages);
    enum standing standing = judge_set(lineages, epoch, ref);
    if (standing == STANDS && epoch < lineages->table->forgotten_before)
        standing = FORGOTTEN;
    pthread_rwlock_unlock(&lineages->lock);
    return standing;
}
