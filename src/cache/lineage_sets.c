/* Sets of keys: each is one key behind another set. */
#include "cache/lineage_shared.h"
#include "cache/shard.h"

#include "base/hash.h"

enum { ATTEMPTS_MAX = 64 }; /* of a read that finds out that a writer was faster: then the set counts as gone */

/* ---- records ---- */

static uint32_t get(const _Atomic uint32_t *at)
{
    return atomic_load_explicit(at, memory_order_relaxed);
}

static void set(_Atomic uint32_t *at, uint32_t value)
{
    atomic_store_explicit(at, value, memory_order_relaxed);
}

static uint32_t *bucket_for(const struct lineages *lineages, uint32_t before, uint32_t key)
{
    uint32_t link[] = { before, key };
    uint64_t hash = hash_octets((struct octets) { (const uint8_t *)link, sizeof(link) }, 0);
    return &lineages->set_buckets[bucket_of(lineages->table->set_supply.fresh, hash)];
}

/* A record that was never used; 0 if there is none.  With it comes a bucket, which takes what is its own from the one
 * that held it so far. */
static uint32_t take_fresh(struct lineages *lineages)
{
    struct supply *supply = &lineages->table->set_supply;
    uint32_t taken = supply->fresh, *to = &lineages->set_buckets[taken];
    if (taken == supply->count || !lineages_may_grow(lineages, &lineages->sets[taken], sizeof(struct set_record)) ||
        !lineages_may_grow(lineages, to, sizeof(*to)))
        return 0;
    supply->fresh++;
    for (uint32_t *place = &lineages->set_buckets[bucket_split_by(taken)]; *place != 0;) {
        uint32_t moving = *place;
        struct set_record *record = &lineages->sets[moving];
        if (bucket_for(lineages, get(&record->before), get(&record->key)) == to) {
            *place = record->next;
            record->next = *to;
            *to = moving;
        } else {
            place = &record->next;
        }
    }
    return taken;
}

static uint32_t find_set(const struct lineages *lineages, uint32_t before, uint32_t key)
{
    uint32_t found = *bucket_for(lineages, before, key);
    while (found != 0 && (get(&lineages->sets[found].before) != before || get(&lineages->sets[found].key) != key))
        found = lineages->sets[found].next;
    return found;
}

static void drop_set(struct lineages *lineages, uint32_t dropped)
{
    struct set_record *record = &lineages->sets[dropped];
    uint32_t before = get(&record->before), *place = bucket_for(lineages, before, get(&record->key));
    while (*place != dropped)
        place = &lineages->sets[*place].next;
    *place = record->next;
    set(&record->life, ((get(&record->life) >> LIFE_BITS) + 1) << LIFE_BITS); /* the next generation, not yet alive */
    lineages_reuse(lineages);
    key_release(lineages, get(&record->key));
    if (before != 0)
        lineages->sets[before].continuing--;
    record->next = lineages->table->set_supply.free;
    lineages->table->set_supply.free = dropped;
}

/* Gives up a set that no other one continues and that was not used lately; after some steps, any. */
static void set_reclaim(struct lineages *lineages)
{
    struct table *table = lineages->table;
    for (size_t steps = 0; steps < 2 * CLOCK_STEPS_MAX; steps++) {
        if (table->set_hand == 0 || table->set_hand >= table->set_supply.fresh)
            table->set_hand = 1;
        uint32_t candidate = table->set_hand++, life = get(&lineages->sets[candidate].life);
        if (!(life & LIFE_IS_LIVE) || lineages->sets[candidate].continuing > 0)
            continue;
        if (steps >= CLOCK_STEPS_MAX || !(life & LIFE_USED)) {
            drop_set(lineages, candidate);
            return;
        }
        atomic_fetch_and_explicit(&lineages->sets[candidate].life, ~(uint32_t)LIFE_USED, memory_order_relaxed);
    }
}

static uint32_t take_record(struct lineages *lineages)
{
    struct supply *supply = &lineages->table->set_supply;
    uint32_t taken = supply->free == 0 ? take_fresh(lineages) : 0;
    for (size_t i = 0; taken == 0 && supply->free == 0 && i < RECLAIMS_MAX; i++)
        set_reclaim(lineages);
    if (taken == 0 && supply->free != 0) {
        taken = supply->free;
        supply->free = lineages->sets[taken].next;
    }
    return taken;
}

/* ---- interning ---- */

/* The set that holds this key behind those of `before`, which is held meanwhile; 0 if there is no room. */
static uint32_t make_set(struct lineages *lineages, uint32_t before, uint32_t key)
{
    uint32_t made = take_record(lineages);
    if (made == 0)
        return 0;
    struct set_record *record = &lineages->sets[made];
    uint32_t *bucket = bucket_for(lineages, before, key), generation = get(&record->life) >> LIFE_BITS;
    set(&record->before, before);
    set(&record->key, key);
    record->continuing = 0;
    record->next = *bucket;
    *bucket = made;
    lineages->keys[key].refs++;
    if (before != 0)
        lineages->sets[before].continuing++;
    atomic_store_explicit(&record->life, generation << LIFE_BITS | LIFE_USED | LIFE_IS_LIVE, memory_order_release);
    return made;
}

static uint32_t hold_key(struct lineages *lineages, uint64_t id)
{
    uint32_t key = key_hold(lineages, id);
    for (size_t i = 0; key == 0 && i < RECLAIMS_MAX; i++) {
        set_reclaim(lineages);
        key_reclaim(lineages);
        key = key_hold(lineages, id);
    }
    return key;
}

/* The same of the key with this id. */
static uint32_t continue_set(struct lineages *lineages, uint32_t before, uint64_t id)
{
    if (before != 0)
        lineages->sets[before].continuing++; /* none of those before it goes to make room for it */
    uint32_t key = hold_key(lineages, id), found = 0;
    if (key != 0) {
        found = find_set(lineages, before, key);
        if (found == 0)
            found = make_set(lineages, before, key);
        key_release(lineages, key);
    }
    if (before != 0)
        lineages->sets[before].continuing--;
    return found;
}

bool lineages_intern(struct lineages *lineages, const struct lineage *lineage, struct lineage_ref *ref)
{
    uint32_t slot = 0;
    *ref = (struct lineage_ref) { 0, 0 };
    if (lineage->overflow)
        return false;
    if (lineage->count == 0)
        return true;
    pthread_mutex_lock(&lineages->lock);
    for (uint16_t i = 0; i < lineage->count && (i == 0 || slot != 0); i++)
        slot = continue_set(lineages, slot, lineage->keys[i]);
    if (slot != 0) {
        atomic_fetch_or_explicit(&lineages->sets[slot].life, LIFE_USED, memory_order_relaxed);
        *ref = (struct lineage_ref) { slot, get(&lineages->sets[slot].life) >> LIFE_BITS };
    }
    pthread_mutex_unlock(&lineages->lock);
    return slot != 0;
}

/* ---- reading ---- */

/* Its life, if the set is the one meant; else 0. */
static uint32_t life_of(const struct lineages *lineages, struct lineage_ref ref)
{
    if (ref.slot >= lineages->table->set_supply.count)
        return 0;
    uint32_t life = atomic_load_explicit(&lineages->sets[ref.slot].life, memory_order_acquire);
    return life & LIFE_IS_LIVE && life >> LIFE_BITS == ref.generation ? life : 0;
}

/* As its records stand now, which may be garbage: nothing outside the table is read. */
static size_t walk_set(const struct lineages *lineages, uint32_t slot, uint32_t keys[LINEAGE_KEYS_MAX])
{
    size_t count = 0;
    while (slot != 0 && slot < lineages->table->set_supply.count && count < LINEAGE_KEYS_MAX) {
        uint32_t key = get(&lineages->sets[slot].key);
        keys[count++] = key < lineages->table->key_supply.count ? key : 0;
        slot = get(&lineages->sets[slot].before);
    }
    return count;
}

/* So that it is spared when room is needed.  It may have become another one since, which is then spared once. */
static void mark_used(const struct lineages *lineages, uint32_t slot, uint32_t life)
{
    if (!(life & LIFE_USED))
        atomic_compare_exchange_strong_explicit(&lineages->sets[slot].life, &life, life | LIFE_USED,
                                                memory_order_relaxed, memory_order_relaxed);
}

size_t set_keys(const struct lineages *lineages, struct lineage_ref ref, uint32_t keys[LINEAGE_KEYS_MAX])
{
    uint32_t life = life_of(lineages, ref);
    if (life == 0)
        return 0;
    mark_used(lineages, ref.slot, life);
    return walk_set(lineages, ref.slot, keys);
}

/* From the first of the chain to the last. */
static void take_ids(const struct lineages *lineages, const uint32_t *keys, size_t count, struct lineage *lineage)
{
    for (size_t i = 0; i < count; i++)
        lineage->keys[i] = atomic_load_explicit(&lineages->keys[keys[count - 1 - i]].id, memory_order_relaxed);
    lineage->count = (uint16_t)count;
}

bool lineages_get(struct lineages *lineages, struct lineage_ref ref, struct lineage *lineage)
{
    const struct table *table = lineages->table;
    lineage->count = 0;
    lineage->overflow = false;
    if (ref.slot == 0)
        return true;
    for (size_t attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
        uint32_t keys[LINEAGE_KEYS_MAX];
        uint64_t reuse = atomic_load_explicit(&table->reuse, memory_order_acquire);
        uint32_t life = life_of(lineages, ref);
        if (life == 0)
            return false;
        take_ids(lineages, keys, walk_set(lineages, ref.slot, keys), lineage);
        atomic_thread_fence(memory_order_acquire);
        if (atomic_load_explicit(&table->reuse, memory_order_relaxed) != reuse)
            continue;
        mark_used(lineages, ref.slot, life);
        return true;
    }
    lineage->count = 0;
    return false;
}
