/* The keys that verdicts rest on, and the names of their zones. */
#include "cache/lineage_shared.h"
#include "cache/shard.h"

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

static uint32_t take_block(struct lineages *lineages)
{
    struct supply *supply = &lineages->table->block_supply;
    uint32_t taken = supply->free;
    if (taken != 0)
        supply->free = lineages->blocks[taken].next;
    else if (supply->fresh < supply->count &&
             lineages_may_grow(lineages, &lineages->blocks[supply->fresh], sizeof(struct block)))
        taken = supply->fresh++;
    return taken;
}

/* A chain of so many; 0 if there are not enough. */
static uint32_t take_blocks(struct lineages *lineages, size_t count)
{
    uint32_t first = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t taken = take_block(lineages);
        if (taken == 0) {
            give_back_blocks(lineages, first);
            return 0;
        }
        lineages->blocks[taken].next = first;
        first = taken;
    }
    return first;
}

/* ---- keys ---- */

static uint32_t *key_bucket(const struct lineages *lineages, uint64_t id)
{
    return &lineages->key_buckets[bucket_of(lineages->table->key_supply.fresh, id)]; /* the id is a keyed hash */
}

/* A record that was never used; 0 if there is none.  With it comes a bucket, which takes what is its own from the one
 * that held it so far. */
static uint32_t take_fresh(struct lineages *lineages)
{
    struct supply *supply = &lineages->table->key_supply;
    uint32_t taken = supply->fresh, *to = &lineages->key_buckets[taken];
    if (taken == supply->count || !lineages_may_grow(lineages, &lineages->keys[taken], sizeof(struct key_record)) ||
        !lineages_may_grow(lineages, to, sizeof(*to)))
        return 0;
    supply->fresh++;
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

static uint32_t find_key(const struct lineages *lineages, uint64_t id)
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
    if (record->shares_name)
        lineages->keys[record->name].refs--;
    else
        give_back_blocks(lineages, record->name);
    record->is_live = false;
    lineages_reuse(lineages);
    record->next = lineages->table->key_supply.free;
    lineages->table->key_supply.free = dropped;
}

void key_reclaim(struct lineages *lineages)
{
    struct table *table = lineages->table;
    for (size_t steps = 0; steps < CLOCK_STEPS_MAX; steps++) {
        if (table->key_hand == 0 || table->key_hand >= table->key_supply.fresh)
            table->key_hand = 1;
        uint32_t candidate = table->key_hand++;
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

static uint32_t take_record(struct lineages *lineages)
{
    struct supply *supply = &lineages->table->key_supply;
    uint32_t taken = supply->free == 0 ? take_fresh(lineages) : 0;
    if (taken != 0)
        return taken;
    if (supply->free == 0)
        key_reclaim(lineages);
    taken = supply->free;
    if (taken != 0)
        supply->free = lineages->keys[taken].next;
    return taken;
}

static uint32_t make_key(struct lineages *lineages, uint64_t id)
{
    uint32_t made = take_record(lineages);
    if (made == 0)
        return 0;
    uint32_t *bucket = key_bucket(lineages, id);
    struct key_record *record = &lineages->keys[made];
    atomic_store_explicit(&record->id, id, memory_order_relaxed);
    record->next = *bucket;
    record->refs = record->name = 0;
    record->key_tag = 0;
    record->name_len = 0;
    record->is_live = true;
    record->shares_name = false;
    *bucket = made;
    return made;
}

uint32_t key_hold(struct lineages *lineages, uint64_t id)
{
    uint32_t key = find_key(lineages, id);
    if (key == 0)
        key = make_key(lineages, id);
    if (key != 0) {
        lineages->keys[key].refs++;
        lineages->keys[key].used = true;
    }
    return key;
}

void key_release(struct lineages *lineages, uint32_t key)
{
    lineages->keys[key].refs--;
}

/* ---- the names of their zones ---- */

bool key_zone(const struct lineages *lineages, const struct key_record *key, struct dname *zone)
{
    uint8_t octets[DNAME_OCTETS_MAX];
    if (key->shares_name)
        key = &lineages->keys[key->name];
    uint32_t block = key->name;
    for (size_t at = 0; at < key->name_len; at += BLOCK_OCTETS) {
        size_t left = (size_t)key->name_len - at;
        memcpy(octets + at, lineages->blocks[block].octets, left < BLOCK_OCTETS ? left : BLOCK_OCTETS);
        block = lineages->blocks[block].next;
    }
    return key->name_len > 0 && dname_from_wire((struct octets) { octets, key->name_len }, zone) == OK;
}

static void write_name(struct lineages *lineages, struct key_record *key, const struct dname *lower)
{
    size_t count = (lower->len + BLOCK_OCTETS - 1u) / BLOCK_OCTETS;
    uint32_t block = take_blocks(lineages, count);
    for (size_t i = 0; block == 0 && i < RECLAIMS_MAX; i++) {
        key_reclaim(lineages);
        block = take_blocks(lineages, count);
    }
    if (block == 0)
        return;
    key->name = block;
    key->name_len = lower->len;
    for (size_t at = 0; at < lower->len; at += BLOCK_OCTETS) {
        size_t left = (size_t)lower->len - at;
        memcpy(lineages->blocks[block].octets, lower->octets + at, left < BLOCK_OCTETS ? left : BLOCK_OCTETS);
        block = lineages->blocks[block].next;
    }
}

static void share_name(struct lineages *lineages, struct key_record *key, uint32_t with)
{
    if (lineages->keys[with].shares_name)
        with = lineages->keys[with].name;
    lineages->keys[with].refs++;
    key->name = with;
    key->name_len = lineages->keys[with].name_len;
    key->shares_name = true;
}

void lineages_name_keys(struct lineages *lineages, const struct dname *zone, const struct named_key *keys, size_t count)
{
    uint32_t named = 0;
    struct dname lower;
    dname_lower(zone, &lower);
    pthread_mutex_lock(&lineages->lock);
    for (size_t i = 0; i < count && named == 0; i++) { /* one that has its name already */
        uint32_t found = find_key(lineages, keys[i].id);
        named = found != 0 && lineages->keys[found].name_len > 0 ? found : 0;
    }
    if (named != 0)
        lineages->keys[named].refs++;
    uint32_t held = named;
    for (size_t i = 0; i < count; i++) {
        uint32_t key = key_hold(lineages, keys[i].id);
        if (key == 0)
            continue;
        struct key_record *record = &lineages->keys[key];
        record->key_tag = keys[i].tag;
        if (record->name_len == 0 && named != 0)
            share_name(lineages, record, named);
        else if (record->name_len == 0)
            write_name(lineages, record, &lower);
        if (named == 0 && record->name_len > 0)
            named = held = key; /* until all others share it */
        else
            key_release(lineages, key);
    }
    if (held != 0)
        key_release(lineages, held);
    pthread_mutex_unlock(&lineages->lock);
}

size_t lineages_keys_of(struct lineages *lineages, const struct dname *zone, uint16_t key_tag, uint64_t *keys,
                        size_t max)
{
    size_t count = 0;
    pthread_mutex_lock(&lineages->lock);
    for (uint32_t i = 1; i < lineages->table->key_supply.fresh && count < max; i++) {
        const struct key_record *record = &lineages->keys[i];
        struct dname of;
        if (record->is_live && record->key_tag == key_tag && key_zone(lineages, record, &of) && dname_equal(&of, zone))
            keys[count++] = record->id;
    }
    pthread_mutex_unlock(&lineages->lock);
    return count;
}
