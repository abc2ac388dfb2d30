#include "cache/denial_index.h"

#include <assert.h>
#include <stdlib.h>

#include "cache/blob.h"
#include "cache/denial_shared.h"

enum {
    RECORDS_PER_ZONE_MAX = 4096, /* the root has about 1,450 NSEC records; larger zones keep what is asked for */
    ZONE_SHARE = 4,              /* no zone takes more than this fraction of the budget */
    VICTIMS_MAX = 64,            /* records given up for one new one */
    RESERVE_SHARE = 8,
    BUCKET_SHARE = 4096, /* octets of the budget for each bucket of zones */
    BUCKETS_MIN = 16,
    BUCKETS_MAX = 1 << 16,
};

/* ---- tables ---- */

uint32_t table_upto(const struct table *table, struct octets key)
{
    uint32_t low = 0, high = table->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (octets_compare(span_owner(SHARED_GET(table->items[middle])), key) <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct table *table_of(const struct spans *spans)
{
    return SHARED_GET(spans->table);
}

static uint32_t spans_count(const struct spans *spans)
{
    const struct table *table = table_of(spans);
    return table == NULL ? 0 : table->count;
}

static size_t table_size(uint32_t count, size_t salt_len)
{
    return sizeof(struct table) + count * sizeof(span_pointer) + salt_len;
}

/* Without items yet. */
static struct table *table_new(struct denial_index *index, uint32_t count, struct octets salt, uint16_t iterations)
{
    struct table *table = block_new(index, table_size(count, salt.len));
    table->count = count;
    table->salt_len = (uint16_t)salt.len;
    table->iterations = iterations;
    if (salt.len > 0)
        memcpy(&table->items[count], salt.data, salt.len);
    return table;
}

static void table_copy_items(struct table *to, uint32_t at, const struct table *from, uint32_t first, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        FRESH_SET(to->items[at + i], SHARED_GET(from->items[first + i]));
}

/* ---- what a zone holds ---- */

static void add_block(struct zone *zone, const struct block *block)
{
    zone->octets += block->octets;
}

static void drop_block(struct denial_index *index, struct zone *zone, struct block *block)
{
    zone->octets -= block->octets;
    block_retire(index, block);
}

/* The new table, which may be NULL, takes the place of the old one; the spans are the caller's matter. */
static void spans_set_table(struct denial_index *index, struct zone *zone, struct spans *spans, struct table *table)
{
    struct table *old = table_of(spans);
    if (table != NULL)
        add_block(zone, &table->block);
    SHARED_SET(spans->table, table);
    if (old != NULL)
        drop_block(index, zone, &old->block);
}

static size_t spans_clear(struct denial_index *index, struct zone *zone, struct spans *spans)
{
    struct table *table = table_of(spans);
    uint32_t count = spans_count(spans);
    SHARED_SET(spans->table, NULL);
    for (uint32_t i = 0; i < count; i++)
        drop_block(index, zone, &SHARED_GET(table->items[i])->block);
    if (table != NULL)
        drop_block(index, zone, &table->block);
    spans->hand = 0;
    return count;
}

/* Takes out those for which `doomed` is true, and returns their number.  Where there is no memory for a smaller copy,
 * all of them go: what is forgotten is asked for again. */
static size_t spans_filter(struct denial_index *index, struct zone *zone, struct spans *spans,
                           bool (*doomed)(struct denial_index *index, struct span *span, void *context), void *context)
{
    struct table *old = table_of(spans);
    uint32_t count = spans_count(spans), kept = 0, fallen = 0;
    if (count == 0)
        return 0;
    struct span **spared = memory_new(count, sizeof(*spared)), **victims = memory_new(count, sizeof(*victims));
    for (uint32_t i = 0; i < count; i++) {
        struct span *span = SHARED_GET(old->items[i]);
        if (doomed(index, span, context))
            victims[fallen++] = span;
        else
            spared[kept++] = span;
    }
    uint64_t copy = block_octets(table_size(kept, old->salt_len));
    bool has_room = index->used_octets + copy <= index->budget_octets;
    if (fallen > 0 && (kept == 0 || !has_room)) {
        fallen = (uint32_t)spans_clear(index, zone, spans);
    } else if (fallen > 0) {
        struct table *table = table_new(index, kept, table_salt(old), old->iterations);
        for (uint32_t i = 0; i < kept; i++)
            FRESH_SET(table->items[i], spared[i]);
        spans_set_table(index, zone, spans, table);
        for (uint32_t i = 0; i < fallen; i++)
            drop_block(index, zone, &victims[i]->block);
    }
    free(spared);
    free(victims);
    return fallen;
}

/* ---- zones ---- */

static zone_pointer *zone_bucket(struct denial_index *index, const struct dname *name, uint16_t origin)
{
    return &index->buckets[dname_hash(name, origin) % index->bucket_count];
}

struct zone *zone_find(struct denial_index *index, const struct dname *name, uint16_t origin)
{
    struct zone *zone = SHARED_GET(*zone_bucket(index, name, origin));
    while (zone != NULL && (zone->origin != origin || !dname_equal(&zone->name, name)))
        zone = SHARED_GET(zone->chain);
    if (zone != NULL && !atomic_load_explicit(&zone->used, memory_order_relaxed))
        atomic_store_explicit(&zone->used, true, memory_order_relaxed);
    return zone;
}

static struct zone *zone_make(struct denial_index *index, const struct dname *name, uint16_t origin)
{
    struct zone *zone = block_new(index, sizeof(*zone));
    zone_pointer *bucket = zone_bucket(index, name, origin);
    zone->name = *name;
    zone->origin = origin;
    zone->negative_ttl_s = UINT32_MAX;
    if (index->hand == NULL)
        index->hand = zone->previous = zone->next = zone;
    zone->next = index->hand;
    zone->previous = index->hand->previous;
    zone->previous->next = zone;
    zone->next->previous = zone;
    add_block(zone, &zone->block);
    FRESH_SET(zone->chain, SHARED_GET(*bucket));
    SHARED_SET(*bucket, zone);
    atomic_fetch_or_explicit(&index->depths[name->labels / 64], UINT64_C(1) << name->labels % 64, memory_order_relaxed);
    return zone;
}

static size_t zone_drop(struct denial_index *index, struct zone *zone)
{
    zone_pointer *place = zone_bucket(index, &zone->name, zone->origin);
    while (SHARED_GET(*place) != zone)
        place = &SHARED_GET(*place)->chain;
    SHARED_SET(*place, SHARED_GET(zone->chain));
    if (index->hand == zone)
        index->hand = zone->next == zone ? NULL : zone->next;
    zone->previous->next = zone->next;
    zone->next->previous = zone->previous;
    size_t count = spans_clear(index, zone, &zone->nsec) + spans_clear(index, zone, &zone->nsec3);
    struct span *soa = SHARED_GET(zone->soa);
    SHARED_SET(zone->soa, NULL);
    if (soa != NULL)
        drop_block(index, zone, &soa->block);
    drop_block(index, zone, &zone->block);
    assert(zone->octets == 0);
    return count;
}

/* ---- room ---- */

/* Second chance among the spans; an expired one has none. */
static struct span *choose_victim(struct spans *spans, int64_t now_ms)
{
    const struct table *table = table_of(spans);
    for (size_t steps = 0;; steps++, spans->hand++) {
        if (spans->hand >= table->count)
            spans->hand = 0;
        struct span *span = SHARED_GET(table->items[spans->hand]);
        if (span->expires_ms <= now_ms || steps >= VICTIMS_MAX ||
            !atomic_load_explicit(&span->used, memory_order_relaxed))
            return span;
        atomic_store_explicit(&span->used, false, memory_order_relaxed);
    }
}

static bool is_victim(struct denial_index *index, struct span *span, void *context)
{
    (void)index;
    return span == context;
}

static void evict_span(struct denial_index *index, struct zone *zone, struct spans *spans, int64_t now_ms)
{
    spans_filter(index, zone, spans, is_victim, choose_victim(spans, now_ms));
}

static void evict_from(struct denial_index *index, struct zone *zone, int64_t now_ms)
{
    struct spans *larger = spans_count(&zone->nsec) >= spans_count(&zone->nsec3) ? &zone->nsec : &zone->nsec3;
    if (spans_count(larger) > 0)
        evict_span(index, zone, larger, now_ms);
}

/* A zone that was not used since the hand last came by loses a record, an empty one its place. */
static void evict_anywhere(struct denial_index *index, const struct zone *spared, int64_t now_ms)
{
    struct zone *zone = index->hand;
    if (zone == NULL)
        return;
    index->hand = zone->next;
    if (atomic_exchange_explicit(&zone->used, false, memory_order_relaxed) && zone->next != zone)
        return;
    if (spans_count(&zone->nsec) + spans_count(&zone->nsec3) > 0)
        evict_from(index, zone, now_ms);
    else if (zone != spared)
        zone_drop(index, zone);
}

/* What stays free for the copy that is made of a table before it gives something up. */
static uint64_t reserve_octets(const struct denial_index *index)
{
    uint64_t share = index->budget_octets / RESERVE_SHARE, largest = table_size(RECORDS_PER_ZONE_MAX, UINT8_MAX);
    return share < largest ? share : largest;
}

static bool fits(const struct denial_index *index, uint64_t octets)
{
    return index->used_octets + octets + reserve_octets(index) <= index->budget_octets;
}

/* Room for so many octets more: false if it cannot be had with bounded work, or readers stand in what was given up. */
static bool make_room(struct denial_index *index, const struct zone *spared, uint64_t octets, int64_t now_ms)
{
    for (size_t i = 0; i < VICTIMS_MAX && !fits(index, octets) && index->retired == NULL; i++) {
        evict_anywhere(index, spared, now_ms);
        blocks_reclaim(index);
    }
    return fits(index, octets);
}

/* The same in this zone's share. */
static bool make_room_in(struct denial_index *index, struct zone *zone, uint64_t octets, int64_t now_ms)
{
    uint64_t zone_max = index->budget_octets / ZONE_SHARE;
    for (size_t i = 0; i < VICTIMS_MAX && zone->octets + octets > zone_max; i++) {
        evict_from(index, zone, now_ms);
        blocks_reclaim(index);
    }
    return zone->octets + octets <= zone_max && make_room(index, zone, octets, now_ms);
}

/* ---- the index ---- */

struct denial_index *denial_index_new(uint64_t budget_octets, struct lineages *lineages)
{
    uint64_t buckets = budget_octets / BUCKET_SHARE;
    buckets = buckets < BUCKETS_MIN ? BUCKETS_MIN : buckets > BUCKETS_MAX ? BUCKETS_MAX : buckets;
    size_t size = sizeof(struct denial_index) + buckets * sizeof(zone_pointer);
    size = (size + CACHE_LINE_OCTETS - 1) / CACHE_LINE_OCTETS * CACHE_LINE_OCTETS;
    struct denial_index *index = aligned_alloc(CACHE_LINE_OCTETS, size);
    if (index == NULL)
        abort();
    memset(index, 0, size);
    pthread_mutex_init(&index->lock, NULL);
    SHARED_SET(index->era, 1);
    index->lineages = lineages;
    index->budget_octets = budget_octets;
    index->used_octets = block_octets(size);
    index->bucket_count = buckets;
    return index;
}

void denial_index_free(struct denial_index *index)
{
    denial_index_drop_all(index);
    assert(index->retired == NULL);
    pthread_mutex_destroy(&index->lock);
    free(index);
}

uint64_t denial_index_octets(struct denial_index *index)
{
    pthread_mutex_lock(&index->lock);
    uint64_t octets = index->used_octets;
    pthread_mutex_unlock(&index->lock);
    return octets;
}

/* ---- filing ---- */

/* The record as it is kept; NULL if it cannot be. */
struct draft {
    struct octets owner, next, blob;
    int64_t expires_ms;
};

static size_t span_size(const struct draft *draft)
{
    return sizeof(struct span) + draft->owner.len + draft->next.len + draft->blob.len;
}

static void put_octets(uint8_t **to, struct octets octets)
{
    if (octets.len > 0)
        memcpy(*to, octets.data, octets.len);
    *to += octets.len;
}

static struct span *span_new(struct denial_index *index, const struct draft *draft, const struct denial_stamp *stamp)
{
    struct span *span = block_new(index, span_size(draft));
    uint8_t *to = span->data;
    span->owner_len = (uint16_t)draft->owner.len;
    span->next_len = (uint16_t)draft->next.len;
    span->blob_len = (uint32_t)draft->blob.len;
    put_octets(&to, draft->owner);
    put_octets(&to, draft->next);
    put_octets(&to, draft->blob);
    span->expires_ms = draft->expires_ms;
    span->received_ms = stamp->received_ms;
    atomic_init(&span->epoch, stamp->epoch);
    span->lineage = stamp->lineage;
    return span;
}

/* false: too large, or it would be over before it began.  The octets live in the buffer. */
static bool draft_make(struct draft *draft, const struct rrset *rrset, uint32_t ttl_s, const struct denial_stamp *stamp,
                       struct now now, uint8_t buffer[MESSAGE_OCTETS_MAX])
{
    struct writer w = writer_of(buffer, MESSAGE_OCTETS_MAX);
    rrset_encode(&w, dname_root(), rrset);
    draft->blob = writer_octets(&w);
    draft->expires_ms = stamp->received_ms + (int64_t)ttl_s * 1000;
    if (draft->expires_ms > stamp->expires_ms_max)
        draft->expires_ms = stamp->expires_ms_max;
    return !w.failed && draft->expires_ms > now.wall_ms;
}

/* What the table becomes with the span in it.  It may be in its place already. */
static void spans_put(struct denial_index *index, struct zone *zone, struct spans *spans, struct span *span,
                      const struct nsec3 *chain)
{
    struct table *old = table_of(spans), *table;
    uint32_t at = old == NULL ? 0 : table_upto(old, span_owner(span)), count = spans_count(spans);
    add_block(zone, &span->block);
    if (at > 0 && span_matches(SHARED_GET(old->items[at - 1]), span_owner(span))) {
        struct span *before = SHARED_GET(old->items[at - 1]);
        SHARED_SET(old->items[at - 1], span);
        drop_block(index, zone, &before->block);
        return;
    }
    table = table_new(index, count + 1, chain == NULL ? (struct octets) { NULL, 0 } : chain->salt,
                      chain == NULL ? 0 : chain->iterations);
    if (old != NULL) {
        table_copy_items(table, 0, old, 0, at);
        table_copy_items(table, at + 1, old, at, count - at);
    }
    FRESH_SET(table->items[at], span);
    spans_set_table(index, zone, spans, table);
    if (spans->hand > at)
        spans->hand++;
}

/* A zone has one chain at a time, the one seen last: another one's hashes mean nothing in it. */
static void choose_chain(struct denial_index *index, struct zone *zone, const struct nsec3 *nsec3)
{
    const struct table *table = table_of(&zone->nsec3);
    if (table != NULL && (table->iterations != nsec3->iterations || !octets_equal(table_salt(table), nsec3->salt)))
        spans_clear(index, zone, &zone->nsec3);
}

static void file_record(struct denial_index *index, struct zone *zone, const struct denial_record *record,
                        const struct denial_stamp *stamp, struct now now)
{
    struct spans *spans = record->is_nsec3 ? &zone->nsec3 : &zone->nsec;
    uint8_t buffer[MESSAGE_OCTETS_MAX];
    struct draft draft = { { record->owner, record->owner_len }, { record->next, record->next_len }, .expires_ms = 0 };
    /* RFC 9077 section 3: no longer than a negative answer */
    uint32_t ttl_s = denial_ttl_s(record->rrset);
    if (ttl_s > zone->negative_ttl_s)
        ttl_s = zone->negative_ttl_s;
    if (!draft_make(&draft, record->rrset, ttl_s, stamp, now, buffer))
        return;
    if (record->is_nsec3)
        choose_chain(index, zone, &record->nsec3);
    if (spans_count(spans) >= RECORDS_PER_ZONE_MAX)
        evict_span(index, zone, spans, now.wall_ms);
    blocks_reclaim(index);
    uint64_t octets = block_octets(span_size(&draft)) + block_octets(table_size(spans_count(spans) + 1, UINT8_MAX));
    if (!make_room_in(index, zone, octets, now.wall_ms))
        return;
    struct span *span = span_new(index, &draft, stamp);
    span->is_name = !record->is_nsec3;
    span->is_parent_side = bitmap_has(record->bitmap, TYPE_NS) && !bitmap_has(record->bitmap, TYPE_SOA);
    span->has_dname = bitmap_has(record->bitmap, TYPE_DNAME);
    spans_put(index, zone, spans, span, record->is_nsec3 ? &record->nsec3 : NULL);
}

static void file_soa(struct denial_index *index, struct zone *zone, const struct rrset *rrset,
                     const struct denial_stamp *stamp, struct now now)
{
    struct soa soa;
    uint8_t buffer[MESSAGE_OCTETS_MAX];
    struct draft draft = { .expires_ms = 0 };
    if (rrset->count != 1 || soa_read(rrset->rdata[0], &soa) != OK)
        return;
    uint32_t ttl_s = denial_ttl_s(rrset);
    zone->negative_ttl_s = ttl_s < soa.minimum_s ? ttl_s : soa.minimum_s; /* RFC 2308 section 5 */
    if (!draft_make(&draft, rrset, zone->negative_ttl_s, stamp, now, buffer) ||
        !make_room_in(index, zone, block_octets(span_size(&draft)), now.wall_ms))
        return;
    struct span *old = SHARED_GET(zone->soa), *span = span_new(index, &draft, stamp);
    add_block(zone, &span->block);
    SHARED_SET(zone->soa, span);
    if (old != NULL)
        drop_block(index, zone, &old->block);
}

static struct zone *zone_of_record(struct denial_index *index, const struct denial_record *record, uint16_t origin,
                                   struct now now)
{
    struct zone *zone = zone_find(index, &record->zone, origin);
    if (zone != NULL)
        return zone;
    return make_room(index, NULL, block_octets(sizeof(*zone)), now.wall_ms) ? zone_make(index, &record->zone, origin)
                                                                            : NULL;
}

void denial_index_add(struct denial_index *index, const struct answer *answer, const struct denial_stamp *stamp,
                      struct now now)
{
    const struct rrset *soa = answer_soa(answer);
    pthread_mutex_lock(&index->lock);
    for (uint16_t i = 0; i < answer->proofs.count; i++) {
        struct denial_record record;
        if (!denial_record_read(answer->proofs.items[i], &record))
            continue;
        struct zone *zone = zone_of_record(index, &record, stamp->origin, now);
        if (zone == NULL)
            continue;
        if (soa != NULL && dname_equal(soa->owner, &zone->name)) {
            file_soa(index, zone, soa, stamp, now);
            soa = NULL;
        }
        file_record(index, zone, &record, stamp, now);
    }
    blocks_reclaim(index);
    pthread_mutex_unlock(&index->lock);
}

/* ---- dropping ---- */

/* Drops every zone for which `doomed` is true. */
static size_t drop_zones(struct denial_index *index, bool (*doomed)(const struct zone *zone, const struct dname *name),
                         const struct dname *name)
{
    size_t count = 0;
    for (size_t i = 0; i < index->bucket_count; i++) {
        pthread_mutex_lock(&index->lock);
        for (struct zone *zone = SHARED_GET(index->buckets[i]), *next; zone != NULL; zone = next) {
            next = SHARED_GET(zone->chain);
            if (doomed(zone, name))
                count += zone_drop(index, zone);
        }
        blocks_reclaim(index);
        pthread_mutex_unlock(&index->lock);
    }
    return count;
}

static bool is_any(const struct zone *zone, const struct dname *name)
{
    (void)zone;
    (void)name;
    return true;
}

size_t denial_index_drop_all(struct denial_index *index)
{
    return drop_zones(index, is_any, NULL);
}

static bool is_at_or_below(const struct zone *zone, const struct dname *name)
{
    return dname_is_subdomain(&zone->name, name);
}

size_t denial_index_drop_below(struct denial_index *index, const struct dname *zone)
{
    return drop_zones(index, is_at_or_below, zone);
}

static bool is_at(const struct zone *zone, const struct dname *name)
{
    return dname_equal(&zone->name, name);
}

size_t denial_index_drop_for(struct denial_index *index, const struct dname *name)
{
    struct dname deepest = *dname_root();
    pthread_mutex_lock(&index->lock);
    for (size_t i = 0; i < index->bucket_count; i++) {
        for (const struct zone *zone = SHARED_GET(index->buckets[i]); zone != NULL; zone = SHARED_GET(zone->chain)) {
            if (dname_is_subdomain(name, &zone->name) && zone->name.labels > deepest.labels)
                deepest = zone->name;
        }
    }
    pthread_mutex_unlock(&index->lock);
    return drop_zones(index, is_at, &deepest);
}

static bool has_fallen(struct denial_index *index, struct span *span, void *context)
{
    (void)context;
    return !span_stands(index, span);
}

size_t denial_index_drop_fallen(struct denial_index *index)
{
    size_t count = 0;
    for (size_t i = 0; i < index->bucket_count; i++) {
        pthread_mutex_lock(&index->lock);
        for (struct zone *zone = SHARED_GET(index->buckets[i]); zone != NULL; zone = SHARED_GET(zone->chain)) {
            count += spans_filter(index, zone, &zone->nsec, has_fallen, NULL);
            count += spans_filter(index, zone, &zone->nsec3, has_fallen, NULL);
        }
        blocks_reclaim(index);
        pthread_mutex_unlock(&index->lock);
    }
    return count;
}
