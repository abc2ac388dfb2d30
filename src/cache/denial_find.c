/* Asking the denial index: the readers' side, without a lock (denial_shared.h). */
#include "cache/blob.h"
#include "cache/denial_shared.h"

/* What a reader takes along, all copied. */
struct taken {
    struct octets blob;
    struct lineage_ref lineage;
};

bool span_stands(struct denial_index *index, struct span *span)
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

static bool take_span(struct denial_index *index, struct span *span, const struct denial_asked *asked,
                      struct taken *taken, struct denial_found *found)
{
    if (!span_is_fresh(index, span, asked->now))
        return false;
    if (!atomic_load_explicit(&span->used, memory_order_relaxed))
        atomic_store_explicit(&span->used, true, memory_order_relaxed);
    taken->blob = octets_copy(asked->arena, span_blob(span));
    taken->lineage = span->lineage;
    found->expires_ms = span->expires_ms;
    return true;
}

/* The rest, when nothing shared is looked at any more. */
static bool read_taken(struct denial_index *index, const struct denial_asked *asked, const struct taken *taken,
                       struct denial_found *found)
{
    struct reader r = reader_of_octets(taken->blob);
    found->rrset = rrset_decode(&r, dname_root(), asked->arena);
    return !r.failed && lineages_get(index->lineages, taken->lineage, &found->lineage);
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
static struct span *span_for(const struct table *table, struct octets key)
{
    uint32_t upto = table_upto(table, key);
    return SHARED_GET(table->items[upto > 0 ? upto - 1 : table->count - 1]);
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

bool denial_index_zone(struct denial_index *index, const struct dname *name, uint16_t origin, struct dname *zone)
{
    bool found = false;
    struct place *place = reader_enter(index);
    for (int labels = name->labels; place != NULL && labels >= 0 && !found; labels--) {
        uint64_t depths = atomic_load_explicit(&index->depths[labels / 64], memory_order_relaxed);
        if ((depths >> labels % 64 & 1) == 0)
            continue;
        dname_suffix(name, (uint8_t)labels, zone);
        found = zone_find(index, zone, origin) != NULL;
    }
    if (place != NULL)
        reader_leave(place);
    return found;
}

/* ---- one question, between entering and leaving ---- */

struct search {
    struct octets key;
    uint16_t qtype;
    struct taken taken;
    struct octets salt;
    uint16_t iterations;
};

typedef bool look_function(struct denial_index *index, const struct zone *zone, const struct denial_asked *asked,
                           struct search *search, struct denial_found *found);

static bool look(struct denial_index *index, const struct denial_asked *asked, look_function *function,
                 struct search *search, struct denial_found *found)
{
    struct place *place = reader_enter(index);
    if (place == NULL)
        return false;
    struct zone *zone = zone_find(index, asked->zone, asked->origin);
    bool is_found = zone != NULL && function(index, zone, asked, search, found);
    reader_leave(place);
    return is_found;
}

static bool look_in(struct denial_index *index, const struct table *table, const struct denial_asked *asked,
                    struct search *search, struct denial_found *found)
{
    struct span *span = table == NULL ? NULL : span_for(table, search->key);
    return span != NULL && speaks_of(span, search->key, search->qtype, found) &&
           take_span(index, span, asked, &search->taken, found);
}

static bool look_in_nsec(struct denial_index *index, const struct zone *zone, const struct denial_asked *asked,
                         struct search *search, struct denial_found *found)
{
    return look_in(index, SHARED_GET(zone->nsec.table), asked, search, found);
}

static bool look_in_nsec3(struct denial_index *index, const struct zone *zone, const struct denial_asked *asked,
                          struct search *search, struct denial_found *found)
{
    return look_in(index, SHARED_GET(zone->nsec3.table), asked, search, found);
}

static bool look_at_chain(struct denial_index *index, const struct zone *zone, const struct denial_asked *asked,
                          struct search *search, struct denial_found *found)
{
    const struct table *table = SHARED_GET(zone->nsec3.table);
    (void)index, (void)found;
    if (table == NULL)
        return false;
    search->salt = octets_copy(asked->arena, table_salt(table));
    search->iterations = table->iterations;
    return true;
}

static bool look_at_soa(struct denial_index *index, const struct zone *zone, const struct denial_asked *asked,
                        struct search *search, struct denial_found *found)
{
    struct span *soa = SHARED_GET(zone->soa);
    found->matches = true;
    return soa != NULL && take_span(index, soa, asked, &search->taken, found);
}

bool denial_index_nsec(struct denial_index *index, const struct denial_asked *asked, const struct dname *name,
                       uint16_t qtype, struct denial_found *found)
{
    uint8_t octets[SORT_KEY_MAX];
    struct search search = { .key = { octets, sort_key(name, octets) }, .qtype = qtype };
    return dname_is_subdomain(name, asked->zone) && look(index, asked, look_in_nsec, &search, found) &&
           read_taken(index, asked, &search.taken, found);
}

bool denial_index_nsec3(struct denial_index *index, const struct denial_asked *asked, const uint8_t *hash,
                        uint16_t qtype, struct denial_found *found)
{
    struct search search = { .key = { hash, NSEC3_SHA1_OCTETS }, .qtype = qtype };
    return look(index, asked, look_in_nsec3, &search, found) && read_taken(index, asked, &search.taken, found);
}

bool denial_index_nsec3_chain(struct denial_index *index, const struct denial_asked *asked, struct octets *salt,
                              uint16_t *iterations)
{
    struct search search;
    if (!look(index, asked, look_at_chain, &search, NULL))
        return false;
    *salt = search.salt;
    *iterations = search.iterations;
    return true;
}

bool denial_index_soa(struct denial_index *index, const struct denial_asked *asked, struct denial_found *found)
{
    struct search search;
    return look(index, asked, look_at_soa, &search, found) && read_taken(index, asked, &search.taken, found);
}
