#include "cache/denial_index.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/hash.h"
#include "cache/blob.h"

enum {
    RECORDS_PER_ZONE_MAX = 4096, /* the root has about 1,450 NSEC records; larger zones keep what is asked for */
    ZONE_SHARE = 4,              /* no zone takes more than this fraction of the budget */
    VICTIMS_MAX = 64,            /* records given up for one new one */
    BUCKET_SHARE = 4096,         /* octets of the budget for each bucket of zones */
    BUCKETS_MIN = 16,
    BUCKETS_MAX = 1 << 16,
    NSEC3_HASH_SHA1 = 1, /* RFC 5155 section 11: the only algorithm there is */
    NSEC3_SHA1_OCTETS = 20,
    SORT_KEY_MAX = 2 * DNAME_OCTETS_MAX,
    MALLOC_OVERHEAD = 16,
};

/* A span from owner to next.  For NSEC both are sort keys of names, for NSEC3 hashes: octets in either case. */
struct span {
    int64_t expires_ms, received_ms;
    _Atomic uint64_t epoch; /* renewed under the read lock */
    struct lineage_ref lineage;
    uint16_t owner_len, next_len;
    uint32_t blob_len;
    bool is_parent_side; /* NS without SOA: the delegation's own record (RFC 6840 section 4.1) */
    bool has_dname;
    bool is_name;      /* owner and next are sort keys of names */
    _Atomic bool used; /* set under the read lock, cleared by the hand */
    uint8_t data[];    /* owner, next, the encoded RRset */
};

/* Ascending by owner. */
struct spans {
    struct span **items;
    uint32_t count, size;
    uint32_t hand; /* second chance */
};

struct zone {
    struct zone *chain;           /* of its bucket */
    struct zone *previous, *next; /* ring of all zones */
    struct dname name;
    uint16_t origin;
    _Atomic bool used;
    struct spans nsec, nsec3;
    uint16_t iterations;
    uint8_t salt_len;
    uint8_t salt[UINT8_MAX]; /* of the chain in nsec3 */
    uint32_t negative_ttl_s; /* lesser of the SOA's TTL and MINIMUM, last seen; UINT32_MAX: not yet */
    struct span *soa;        /* with empty owner and next; may be NULL */
    uint64_t octets;         /* all of it */
};

struct denial_index {
    pthread_rwlock_t lock;
    uint64_t budget_octets, used_octets;
    struct lineages *lineages;
    struct zone *hand; /* in the ring; NULL: it is empty */
    size_t bucket_count;
    struct zone *buckets[];
};

/* ---- order ---- */

/* Octets whose order is the canonical order of names (RFC 4034 section 6.1): labels from the root down, in lower case,
 * a zero octet behind each; zero and one inside a label are written as two octets. */
static size_t sort_key(const struct dname *name, uint8_t key[SORT_KEY_MAX])
{
    struct dname lower;
    size_t len = 0;
    dname_lower(name, &lower);
    for (unsigned n = lower.labels; n-- > 0;) {
        struct octets label = dname_label(&lower, (uint8_t)n);
        for (size_t i = 0; i < label.len; i++) {
            if (label.data[i] <= 1)
                key[len++] = 1;
            key[len++] = label.data[i] <= 1 ? label.data[i] + 1 : label.data[i];
        }
        key[len++] = 0;
    }
    return len;
}

static struct octets span_owner(const struct span *span)
{
    return (struct octets) { span->data, span->owner_len };
}

static struct octets span_next(const struct span *span)
{
    return (struct octets) { span->data + span->owner_len, span->next_len };
}

static struct octets span_blob(const struct span *span)
{
    return (struct octets) { span->data + span->owner_len + span->next_len, span->blob_len };
}

/* The number of spans whose owner is not above key. */
static uint32_t spans_upto(const struct spans *spans, struct octets key)
{
    uint32_t low = 0, high = spans->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (octets_compare(span_owner(spans->items[middle]), key) <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool span_matches(const struct span *span, struct octets key)
{
    return octets_equal(span_owner(span), key);
}

/* owner < key < next, or behind the last owner, whose next leads back to the beginning. */
static bool span_covers(const struct span *span, struct octets key)
{
    bool is_last = octets_compare(span_next(span), span_owner(span)) <= 0;
    bool behind_owner = octets_compare(span_owner(span), key) < 0;
    bool before_next = octets_compare(key, span_next(span)) < 0;
    return is_last ? behind_owner || before_next : behind_owner && before_next;
}

/* The span next below key, or the last one if key is before the first: a ring. */
static struct span *spans_find(const struct spans *spans, struct octets key)
{
    if (spans->count == 0)
        return NULL;
    uint32_t upto = spans_upto(spans, key);
    return spans->items[upto > 0 ? upto - 1 : spans->count - 1];
}

/* ---- memory ---- */

static uint64_t span_octets(const struct span *span)
{
    return sizeof(*span) + span->owner_len + span->next_len + span->blob_len + MALLOC_OVERHEAD;
}

static void charge(struct denial_index *index, struct zone *zone, uint64_t octets)
{
    index->used_octets += octets;
    zone->octets += octets;
}

static void discharge(struct denial_index *index, struct zone *zone, uint64_t octets)
{
    index->used_octets -= octets;
    zone->octets -= octets;
}

static void span_free(struct denial_index *index, struct zone *zone, struct span *span)
{
    if (span == NULL)
        return;
    discharge(index, zone, span_octets(span));
    free(span);
}

static void spans_remove(struct denial_index *index, struct zone *zone, struct spans *spans, uint32_t at)
{
    span_free(index, zone, spans->items[at]);
    spans->count--;
    memmove(&spans->items[at], &spans->items[at + 1], (spans->count - at) * sizeof(struct span *));
    if (spans->hand > at)
        spans->hand--;
}

static size_t spans_clear(struct denial_index *index, struct zone *zone, struct spans *spans)
{
    size_t count = spans->count;
    for (uint32_t i = 0; i < spans->count; i++)
        span_free(index, zone, spans->items[i]);
    discharge(index, zone, spans->size * sizeof(struct span *));
    free(spans->items);
    *spans = (struct spans) { .count = 0 };
    return count;
}

/* How many places more the array gets when one more is needed. */
static uint32_t spans_growth(const struct spans *spans)
{
    enum { STEP_MIN = 16 };
    if (spans->count < spans->size)
        return 0;
    return spans->size < STEP_MIN ? STEP_MIN : spans->size / 2;
}

static void spans_reserve(struct denial_index *index, struct zone *zone, struct spans *spans)
{
    uint32_t growth = spans_growth(spans);
    if (growth == 0)
        return;
    spans->size += growth;
    spans->items = memory_resize(spans->items, spans->size, sizeof(struct span *));
    charge(index, zone, growth * sizeof(struct span *));
}

/* ---- zones ---- */

static struct zone **zone_bucket(struct denial_index *index, const struct dname *name, uint16_t origin)
{
    return &index->buckets[dname_hash(name, origin) % index->bucket_count];
}

static struct zone *zone_find(struct denial_index *index, const struct dname *name, uint16_t origin)
{
    struct zone *zone = *zone_bucket(index, name, origin);
    while (zone != NULL && (zone->origin != origin || !dname_equal(&zone->name, name)))
        zone = zone->chain;
    if (zone != NULL && !atomic_load_explicit(&zone->used, memory_order_relaxed))
        atomic_store_explicit(&zone->used, true, memory_order_relaxed);
    return zone;
}

static struct zone *zone_make(struct denial_index *index, const struct dname *name, uint16_t origin)
{
    struct zone *zone = memory_new(1, sizeof(*zone));
    struct zone **bucket = zone_bucket(index, name, origin);
    zone->name = *name;
    zone->origin = origin;
    zone->negative_ttl_s = UINT32_MAX;
    zone->chain = *bucket;
    *bucket = zone;
    if (index->hand == NULL)
        index->hand = zone->previous = zone->next = zone;
    zone->next = index->hand;
    zone->previous = index->hand->previous;
    zone->previous->next = zone;
    zone->next->previous = zone;
    charge(index, zone, sizeof(*zone) + MALLOC_OVERHEAD);
    return zone;
}

static size_t zone_drop(struct denial_index *index, struct zone *zone)
{
    struct zone **place = zone_bucket(index, &zone->name, zone->origin);
    while (*place != zone)
        place = &(*place)->chain;
    *place = zone->chain;
    if (index->hand == zone)
        index->hand = zone->next == zone ? NULL : zone->next;
    zone->previous->next = zone->next;
    zone->next->previous = zone->previous;
    size_t count = spans_clear(index, zone, &zone->nsec) + spans_clear(index, zone, &zone->nsec3);
    span_free(index, zone, zone->soa);
    discharge(index, zone, sizeof(*zone) + MALLOC_OVERHEAD);
    assert(zone->octets == 0);
    free(zone);
    return count;
}

/* ---- room ---- */

/* Second chance among the spans; an expired one has none. */
static void evict_span(struct denial_index *index, struct zone *zone, struct spans *spans, int64_t now_ms)
{
    for (size_t steps = 0;; steps++) {
        if (spans->hand >= spans->count)
            spans->hand = 0;
        struct span *span = spans->items[spans->hand];
        if (span->expires_ms <= now_ms || steps >= VICTIMS_MAX ||
            !atomic_load_explicit(&span->used, memory_order_relaxed)) {
            spans_remove(index, zone, spans, spans->hand);
            return;
        }
        atomic_store_explicit(&span->used, false, memory_order_relaxed);
        spans->hand++;
    }
}

static void evict_from(struct denial_index *index, struct zone *zone, int64_t now_ms)
{
    struct spans *larger = zone->nsec.count >= zone->nsec3.count ? &zone->nsec : &zone->nsec3;
    if (larger->count > 0)
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
    if (zone->nsec.count + zone->nsec3.count > 0)
        evict_from(index, zone, now_ms);
    else if (zone != spared)
        zone_drop(index, zone);
}

/* Room for so many octets more in this zone: false if it cannot be had with bounded work. */
static bool make_room(struct denial_index *index, struct zone *zone, uint64_t octets, int64_t now_ms)
{
    uint64_t zone_max = index->budget_octets / ZONE_SHARE;
    for (size_t i = 0; i < VICTIMS_MAX && zone->octets + octets > zone_max; i++)
        evict_from(index, zone, now_ms);
    for (size_t i = 0; i < VICTIMS_MAX && index->used_octets + octets > index->budget_octets; i++)
        evict_anywhere(index, zone, now_ms);
    return zone->octets + octets <= zone_max && index->used_octets + octets <= index->budget_octets;
}

/* ---- the index ---- */

struct denial_index *denial_index_new(uint64_t budget_octets, struct lineages *lineages)
{
    uint64_t buckets = budget_octets / BUCKET_SHARE;
    buckets = buckets < BUCKETS_MIN ? BUCKETS_MIN : buckets > BUCKETS_MAX ? BUCKETS_MAX : buckets;
    size_t size = sizeof(struct denial_index) + buckets * sizeof(struct zone *);
    struct denial_index *index = memory_new(1, size);
    pthread_rwlock_init(&index->lock, NULL);
    index->lineages = lineages;
    index->budget_octets = budget_octets;
    index->used_octets = size + MALLOC_OVERHEAD;
    index->bucket_count = buckets;
    return index;
}

void denial_index_free(struct denial_index *index)
{
    denial_index_drop_all(index);
    pthread_rwlock_destroy(&index->lock);
    free(index);
}

uint64_t denial_index_octets(struct denial_index *index)
{
    pthread_rwlock_rdlock(&index->lock);
    uint64_t octets = index->used_octets;
    pthread_rwlock_unlock(&index->lock);
    return octets;
}

/* ---- filing ---- */

/* A record that may be filed, taken apart. */
struct denial_record {
    const struct rrset *rrset;
    struct dname zone; /* its signer */
    bool is_nsec3;
    struct octets bitmap;
    struct nsec3 nsec3;
    size_t owner_len, next_len;
    uint8_t owner[SORT_KEY_MAX], next[SORT_KEY_MAX];
};

/* All signatures name the same signer, and none was made over a wildcard (RFC 4035 section 5.3.4). */
static bool read_signer(const struct rrset *rrset, struct dname *zone)
{
    unsigned labels = rrset->owner->labels - (unsigned)dname_is_wildcard(rrset->owner);
    for (uint16_t i = 0; i < rrset->sig_count; i++) {
        struct rrsig sig;
        if (rrsig_read(rrset->sigs[i], &sig) != OK || sig.labels != labels ||
            !dname_is_subdomain(rrset->owner, &sig.signer) || (i > 0 && !dname_equal(&sig.signer, zone)))
            return false;
        *zone = sig.signer;
    }
    return rrset->sig_count > 0;
}

/* RFC 9824 section 3.1: next is the first name below the owner, so that only the owner is spoken of. */
static bool is_compact(const struct dname *owner, const struct dname *next)
{
    return next->labels == owner->labels + 1 && next->octets[0] == 1 && next->octets[1] == 0 &&
           dname_is_subdomain(next, owner);
}

static bool read_nsec(const struct rrset *rrset, struct denial_record *record)
{
    struct nsec nsec;
    if (nsec_read(rrset->rdata[0], &nsec) != OK || !dname_is_subdomain(&nsec.next, &record->zone) ||
        is_compact(rrset->owner, &nsec.next))
        return false;
    record->bitmap = nsec.bitmap;
    record->owner_len = sort_key(rrset->owner, record->owner);
    record->next_len = sort_key(&nsec.next, record->next);
    return true;
}

/* Base32hex (RFC 4648 section 7) of exactly a SHA-1 hash. */
static bool read_hash_label(struct octets label, uint8_t hash[NSEC3_SHA1_OCTETS])
{
    enum { CHARACTERS = NSEC3_SHA1_OCTETS * 8 / 5 };
    uint64_t bits = 0;
    if (label.len != CHARACTERS)
        return false;
    for (size_t i = 0; i < CHARACTERS; i++) {
        uint8_t c = label.data[i] | (label.data[i] >= 'A' ? 0x20 : 0);
        if ((c < '0' || c > '9') && (c < 'a' || c > 'v'))
            return false;
        bits = bits << 5 | (uint8_t)(c <= '9' ? c - '0' : c - 'a' + 10);
        if (i % 8 == 7) {
            for (size_t k = 0; k < 5; k++)
                hash[i / 8 * 5 + k] = (uint8_t)(bits >> (32 - 8 * k));
        }
    }
    return true;
}

static bool read_nsec3(const struct rrset *rrset, struct denial_record *record)
{
    struct nsec3 *nsec3 = &record->nsec3;
    struct dname parent;
    if (nsec3_read(rrset->rdata[0], nsec3) != OK || nsec3->hash_algorithm != NSEC3_HASH_SHA1 || nsec3->flags != 0 ||
        nsec3->next.len != NSEC3_SHA1_OCTETS || dname_is_root(rrset->owner))
        return false;
    dname_parent(rrset->owner, &parent);
    if (!dname_equal(&parent, &record->zone) || !read_hash_label(dname_label(rrset->owner, 0), record->owner))
        return false;
    record->is_nsec3 = true;
    record->bitmap = nsec3->bitmap;
    record->owner_len = record->next_len = NSEC3_SHA1_OCTETS;
    memcpy(record->next, nsec3->next.data, NSEC3_SHA1_OCTETS);
    return true;
}

static bool read_record(const struct rrset *rrset, struct denial_record *record)
{
    record->rrset = rrset;
    record->is_nsec3 = false;
    if (rrset->count != 1 || rrset->class != CLASS_IN || !read_signer(rrset, &record->zone))
        return false;
    return rrset->type == TYPE_NSEC ? read_nsec(rrset, record) : rrset->type == TYPE_NSEC3 && read_nsec3(rrset, record);
}

static struct span *span_new(const struct rrset *rrset, struct octets owner, struct octets next)
{
    uint8_t buffer[MESSAGE_OCTETS_MAX];
    struct writer w = writer_of(buffer, sizeof(buffer));
    rrset_encode(&w, dname_root(), rrset);
    if (w.failed)
        return NULL;
    struct span *span = memory_new(1, sizeof(*span) + owner.len + next.len + w.len);
    span->owner_len = (uint16_t)owner.len;
    span->next_len = (uint16_t)next.len;
    span->blob_len = (uint32_t)w.len;
    if (owner.len > 0)
        memcpy(span->data, owner.data, owner.len);
    if (next.len > 0)
        memcpy(span->data + owner.len, next.data, next.len);
    memcpy(span->data + owner.len + next.len, buffer, w.len);
    return span;
}

static void stamp_span(struct span *span, const struct denial_stamp *stamp, uint32_t ttl_s)
{
    int64_t expires_ms = stamp->received_ms + (int64_t)ttl_s * 1000;
    span->expires_ms = expires_ms < stamp->expires_ms_max ? expires_ms : stamp->expires_ms_max;
    span->received_ms = stamp->received_ms;
    atomic_init(&span->epoch, stamp->epoch);
    span->lineage = stamp->lineage;
}

static void spans_put(struct denial_index *index, struct zone *zone, struct spans *spans, struct span *span)
{
    uint32_t at = spans_upto(spans, span_owner(span));
    charge(index, zone, span_octets(span));
    if (at > 0 && span_matches(spans->items[at - 1], span_owner(span))) {
        span_free(index, zone, spans->items[at - 1]);
        spans->items[at - 1] = span;
        return;
    }
    spans_reserve(index, zone, spans);
    memmove(&spans->items[at + 1], &spans->items[at], (spans->count - at) * sizeof(struct span *));
    spans->items[at] = span;
    spans->count++;
    if (spans->hand > at)
        spans->hand++;
}

/* A zone has one chain at a time, the one seen last: another one's hashes mean nothing in it. */
static void choose_chain(struct denial_index *index, struct zone *zone, const struct nsec3 *nsec3)
{
    struct octets salt = { zone->salt, zone->salt_len };
    if (zone->iterations == nsec3->iterations && octets_equal(salt, nsec3->salt))
        return;
    spans_clear(index, zone, &zone->nsec3);
    zone->iterations = nsec3->iterations;
    zone->salt_len = (uint8_t)nsec3->salt.len;
    if (nsec3->salt.len > 0)
        memcpy(zone->salt, nsec3->salt.data, nsec3->salt.len);
}

static void file_record(struct denial_index *index, struct zone *zone, const struct denial_record *record,
                        const struct denial_stamp *stamp, struct now now)
{
    struct spans *spans = record->is_nsec3 ? &zone->nsec3 : &zone->nsec;
    struct span *span = span_new(record->rrset, (struct octets) { record->owner, record->owner_len },
                                 (struct octets) { record->next, record->next_len });
    if (span == NULL)
        return;
    if (record->is_nsec3)
        choose_chain(index, zone, &record->nsec3);
    /* RFC 9077 section 3: no longer than a negative answer */
    uint32_t ttl_s = record->rrset->ttl_s < zone->negative_ttl_s ? record->rrset->ttl_s : zone->negative_ttl_s;
    stamp_span(span, stamp, ttl_s);
    span->is_parent_side = bitmap_has(record->bitmap, TYPE_NS) && !bitmap_has(record->bitmap, TYPE_SOA);
    span->has_dname = bitmap_has(record->bitmap, TYPE_DNAME);
    span->is_name = !record->is_nsec3;
    if (spans->count >= RECORDS_PER_ZONE_MAX)
        evict_span(index, zone, spans, now.wall_ms);
    uint64_t octets = span_octets(span) + spans_growth(spans) * sizeof(struct span *);
    if (span->expires_ms <= now.wall_ms || !make_room(index, zone, octets, now.wall_ms)) {
        free(span);
        return;
    }
    spans_put(index, zone, spans, span);
}

static void file_soa(struct denial_index *index, struct zone *zone, const struct rrset *rrset,
                     const struct denial_stamp *stamp, struct now now)
{
    struct soa soa;
    struct octets none = { NULL, 0 };
    if (rrset->count != 1 || soa_read(rrset->rdata[0], &soa) != OK)
        return;
    zone->negative_ttl_s = rrset->ttl_s < soa.minimum_s ? rrset->ttl_s : soa.minimum_s; /* RFC 2308 section 5 */
    struct span *span = span_new(rrset, none, none);
    if (span == NULL)
        return;
    stamp_span(span, stamp, zone->negative_ttl_s);
    if (span->expires_ms <= now.wall_ms || !make_room(index, zone, span_octets(span), now.wall_ms)) {
        free(span);
        return;
    }
    span_free(index, zone, zone->soa);
    charge(index, zone, span_octets(span));
    zone->soa = span;
}

static struct zone *zone_of_record(struct denial_index *index, const struct denial_record *record, uint16_t origin,
                                   struct now now)
{
    uint64_t octets = sizeof(struct zone) + MALLOC_OVERHEAD;
    struct zone *zone = zone_find(index, &record->zone, origin);
    if (zone != NULL)
        return zone;
    for (size_t i = 0; i < VICTIMS_MAX && index->used_octets + octets > index->budget_octets; i++)
        evict_anywhere(index, NULL, now.wall_ms);
    return index->used_octets + octets > index->budget_octets ? NULL : zone_make(index, &record->zone, origin);
}

void denial_index_add(struct denial_index *index, const struct answer *answer, const struct denial_stamp *stamp,
                      struct now now)
{
    const struct rrset *soa = answer_soa(answer);
    pthread_rwlock_wrlock(&index->lock);
    for (uint16_t i = 0; i < answer->proofs.count; i++) {
        struct denial_record record;
        if (!read_record(answer->proofs.items[i], &record))
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
    pthread_rwlock_unlock(&index->lock);
}

/* ---- asking ---- */

static bool span_stands(struct denial_index *index, struct span *span)
{
    uint64_t epoch = atomic_load_explicit(&span->epoch, memory_order_relaxed), current;
    if (lineages_judge(index->lineages, epoch, span->lineage, &current) != STANDS)
        return false;
    if (current != epoch)
        atomic_store_explicit(&span->epoch, current, memory_order_relaxed);
    return true;
}

static bool span_is_fresh(struct denial_index *index, struct span *span, struct now now)
{
    return span->expires_ms > now.wall_ms && span->received_ms <= now.wall_ms + CACHE_FUTURE_MS &&
           span_stands(index, span);
}

static bool copy_span(struct denial_index *index, struct span *span, struct arena *arena, struct denial_found *found)
{
    struct reader r = reader_of_octets(octets_copy(arena, span_blob(span)));
    if (!atomic_load_explicit(&span->used, memory_order_relaxed))
        atomic_store_explicit(&span->used, true, memory_order_relaxed);
    found->rrset = rrset_decode(&r, dname_root(), arena);
    found->expires_ms = span->expires_ms;
    return !r.failed && lineages_get(index->lineages, span->lineage, &found->lineage);
}

/* RFC 6840 section 4.1: what stands at a cut on the parent's side speaks of DS alone there, and of nothing below; what
 * stands at a DNAME of nothing below it. */
static bool speaks_of(const struct span *span, struct octets key, uint16_t qtype, struct denial_found *found)
{
    found->matches = span_matches(span, key);
    if (found->matches)
        return !span->is_parent_side || qtype == TYPE_DS;
    bool below = span->is_name && key.len > span->owner_len && memcmp(key.data, span->data, span->owner_len) == 0;
    return span_covers(span, key) && !(below && (span->is_parent_side || span->has_dname));
}

static bool find_span(struct denial_index *index, const struct denial_asked *asked, const struct spans *spans,
                      struct octets key, uint16_t qtype, struct denial_found *found)
{
    struct span *span = spans_find(spans, key);
    return span != NULL && speaks_of(span, key, qtype, found) && span_is_fresh(index, span, asked->now) &&
           copy_span(index, span, asked->arena, found);
}

bool denial_index_zone(struct denial_index *index, const struct dname *name, uint16_t origin, struct dname *zone)
{
    bool found = false;
    pthread_rwlock_rdlock(&index->lock);
    for (int labels = name->labels; labels >= 0 && !found; labels--) {
        dname_suffix(name, (uint8_t)labels, zone);
        found = zone_find(index, zone, origin) != NULL;
    }
    pthread_rwlock_unlock(&index->lock);
    return found;
}

bool denial_index_nsec(struct denial_index *index, const struct denial_asked *asked, const struct dname *name,
                       uint16_t qtype, struct denial_found *found)
{
    uint8_t octets[SORT_KEY_MAX];
    struct octets key = { octets, sort_key(name, octets) };
    if (!dname_is_subdomain(name, asked->zone))
        return false;
    pthread_rwlock_rdlock(&index->lock);
    struct zone *zone = zone_find(index, asked->zone, asked->origin);
    bool is_found = zone != NULL && find_span(index, asked, &zone->nsec, key, qtype, found);
    pthread_rwlock_unlock(&index->lock);
    return is_found;
}

bool denial_index_nsec3(struct denial_index *index, const struct denial_asked *asked, const uint8_t *hash,
                        uint16_t qtype, struct denial_found *found)
{
    struct octets key = { hash, NSEC3_SHA1_OCTETS };
    pthread_rwlock_rdlock(&index->lock);
    struct zone *zone = zone_find(index, asked->zone, asked->origin);
    bool is_found = zone != NULL && find_span(index, asked, &zone->nsec3, key, qtype, found);
    pthread_rwlock_unlock(&index->lock);
    return is_found;
}

bool denial_index_nsec3_chain(struct denial_index *index, const struct denial_asked *asked, struct octets *salt,
                              uint16_t *iterations)
{
    pthread_rwlock_rdlock(&index->lock);
    struct zone *zone = zone_find(index, asked->zone, asked->origin);
    bool found = zone != NULL && zone->nsec3.count > 0;
    if (found) {
        *salt = octets_copy(asked->arena, (struct octets) { zone->salt, zone->salt_len });
        *iterations = zone->iterations;
    }
    pthread_rwlock_unlock(&index->lock);
    return found;
}

bool denial_index_soa(struct denial_index *index, const struct denial_asked *asked, struct denial_found *found)
{
    pthread_rwlock_rdlock(&index->lock);
    struct zone *zone = zone_find(index, asked->zone, asked->origin);
    bool is_found = zone != NULL && zone->soa != NULL && span_is_fresh(index, zone->soa, asked->now) &&
                    copy_span(index, zone->soa, asked->arena, found);
    pthread_rwlock_unlock(&index->lock);
    return is_found;
}

/* ---- dropping ---- */

/* Drops every zone for which `doomed` is true. */
static size_t drop_zones(struct denial_index *index, bool (*doomed)(const struct zone *zone, const struct dname *name),
                         const struct dname *name)
{
    size_t count = 0;
    for (size_t i = 0; i < index->bucket_count; i++) {
        pthread_rwlock_wrlock(&index->lock);
        for (struct zone *zone = index->buckets[i], *next; zone != NULL; zone = next) {
            next = zone->chain;
            if (doomed(zone, name))
                count += zone_drop(index, zone);
        }
        pthread_rwlock_unlock(&index->lock);
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
    pthread_rwlock_rdlock(&index->lock);
    for (size_t i = 0; i < index->bucket_count; i++) {
        for (const struct zone *zone = index->buckets[i]; zone != NULL; zone = zone->chain) {
            if (dname_is_subdomain(name, &zone->name) && zone->name.labels > deepest.labels)
                deepest = zone->name;
        }
    }
    pthread_rwlock_unlock(&index->lock);
    return drop_zones(index, is_at, &deepest);
}

static size_t drop_fallen_spans(struct denial_index *index, struct zone *zone, struct spans *spans)
{
    size_t count = 0;
    for (uint32_t i = spans->count; i-- > 0;) {
        if (span_stands(index, spans->items[i]))
            continue;
        spans_remove(index, zone, spans, i);
        count++;
    }
    return count;
}

size_t denial_index_drop_fallen(struct denial_index *index)
{
    size_t count = 0;
    for (size_t i = 0; i < index->bucket_count; i++) {
        pthread_rwlock_wrlock(&index->lock);
        for (struct zone *zone = index->buckets[i]; zone != NULL; zone = zone->chain) {
            count += drop_fallen_spans(index, zone, &zone->nsec);
            count += drop_fallen_spans(index, zone, &zone->nsec3);
        }
        pthread_rwlock_unlock(&index->lock);
    }
    return count;
}
