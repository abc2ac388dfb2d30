#include "cache/cache.h"

#include <stdlib.h>
#include <sys/mman.h>

#include "base/hash.h"
#include "cache/answers.h"
#include "cache/shard.h"

enum {
    CACHE_OCTETS_MIN = 1024 * 1024, /* below it the tables beside the entries would take most of it */
    LINEAGES_SHARE = 16,            /* of the whole, one part in so many: a set of keys for each zone that signs */
    DENIAL_SHARE = 8,
    FAILURES_SHARE = 32,
    READY_SHARE = 4,
};

struct cache_options cache_options_default(void)
{
    return (struct cache_options) {
        .size_octets = UINT64_C(256) << 20,
        .max_ttl_s = CACHE_TTL_S_DEFAULT,
        .max_negative_ttl_s = NEGATIVE_TTL_S_DEFAULT,
        .max_bogus_ttl_s = BOGUS_TTL_S,
        .keep_expired_s = CACHE_TTL_S_DEFAULT,
        .signature_ttl_cap = true,
    };
}

static uint64_t size_of(const struct cache_options *options)
{
    return options->size_octets < CACHE_OCTETS_MIN ? CACHE_OCTETS_MIN : options->size_octets;
}

static uint64_t entries_octets(uint64_t size)
{
    return (size - sizeof(struct cache) - size / LINEAGES_SHARE - size / DENIAL_SHARE - size / FAILURES_SHARE -
            size / READY_SHARE) /
           PAGE_OCTETS * PAGE_OCTETS;
}

/* Without any memory but its own. */
static struct cache *make(const struct cache_options *options)
{
    struct cache *cache = memory_new(1, sizeof(*cache));
    cache->size_octets = size_of(options);
    pthread_mutex_init(&cache->sites_lock, NULL);
    cache_set_options(cache, options);
    return cache;
}

/* What is never kept, and is there once entries and lineages are.  NULL if anything could not be had. */
static struct cache *complete(struct cache *cache)
{
    cache->failures = pool_new(cache->size_octets / FAILURES_SHARE, cache->seed);
    cache->ready = pool_new(cache->size_octets / READY_SHARE, cache->seed);
    if (cache->lineages != NULL)
        cache->denial = denial_index_new(cache->size_octets / DENIAL_SHARE, cache->lineages);
    if (cache->entries != NULL && cache->failures != NULL && cache->ready != NULL && cache->denial != NULL)
        return cache;
    cache_free(cache);
    return NULL;
}

struct cache *cache_new(const struct cache_options *options, struct random *random)
{
    struct cache *cache = make(options);
    cache->seed = random_u64(random);
    cache->lineages = lineages_new(cache->size_octets / LINEAGES_SHARE);
    cache->entries = pool_new(entries_octets(cache->size_octets), cache->seed);
    return complete(cache);
}

/* ---- what outlives the process: a page for this, the lineages, the entries ---- */

enum cache_state { STATE_OPEN = 1, STATE_CLOSED };
enum { LAYOUT = 9 }; /* another number for every change of what is kept, in any file of this folder */

struct cache_header {
    uint64_t layout, octets;
    uint64_t seed;
    uint64_t routes, trust;
    uint64_t check;          /* keyed, over all before */
    _Atomic uint64_t state;  /* enum cache_state */
    uint64_t lineages_check; /* once it is closed */
};

static uint64_t header_check(const struct cache_header *header)
{
    return hash_octets((struct octets) { (const uint8_t *)header, offsetof(struct cache_header, check) }, LAYOUT);
}

static uint64_t lineages_kept_octets(uint64_t size)
{
    return size / LINEAGES_SHARE / PAGE_OCTETS * PAGE_OCTETS;
}

uint64_t cache_kept_octets(const struct cache_options *options)
{
    uint64_t size = size_of(options);
    return PAGE_OCTETS + lineages_kept_octets(size) + entries_octets(size);
}

/* Where everything lies. */
static uint64_t layout_of(uint64_t size)
{
    return entries_octets(size) << 8 | LAYOUT;
}

static enum cache_warmth judge_header(const struct cache_header *header, const struct cache_keeping *keeping,
                                      uint64_t layout, uint64_t octets)
{
    if (header->layout != layout || header->octets != octets || header->check != header_check(header) ||
        header->routes != keeping->routes)
        return CACHE_COLD;
    return header->trust == keeping->trust && atomic_load(&header->state) == STATE_CLOSED ? CACHE_WARM : CACHE_DEMOTED;
}

/* Holes in the file, where there is one: emptying it costs no time. */
static void empty(void *memory, uint64_t octets)
{
    if (madvise(memory, octets, MADV_REMOVE) != 0)
        memset(memory, 0, octets);
}

void cache_bind(struct cache *cache, uint64_t routes, uint64_t trust)
{
    struct cache_header *header = cache->kept;
    if (header == NULL)
        return;
    header->routes = routes;
    header->trust = trust;
    header->check = header_check(header);
}

static void open_header(struct cache *cache, const struct cache_keeping *keeping, uint64_t octets)
{
    struct cache_header *header = cache->kept;
    atomic_store(&header->state, STATE_OPEN);
    header->layout = layout_of(cache->size_octets);
    header->octets = octets;
    header->seed = cache->seed;
    cache_bind(cache, keeping->routes, keeping->trust);
}

struct cache *cache_new_kept(const struct cache_options *options, struct random *random,
                             const struct cache_keeping *keeping, enum cache_warmth *warmth)
{
    struct cache *cache = make(options);
    uint64_t octets = cache_kept_octets(options), lineages_octets = lineages_kept_octets(cache->size_octets);
    uint8_t *lineages = (uint8_t *)keeping->memory + PAGE_OCTETS, *entries = lineages + lineages_octets;
    if (!pages_reserve(keeping->memory, PAGE_OCTETS)) {
        cache_free(cache);
        return NULL;
    }
    cache->kept = keeping->memory;
    *warmth = judge_header(cache->kept, keeping, layout_of(cache->size_octets), octets);
    cache->seed = *warmth == CACHE_COLD ? random_u64(random) : cache->kept->seed;
    if (*warmth != CACHE_COLD)
        cache->entries = pool_new_at(entries, entries_octets(cache->size_octets), cache->seed, true);
    if (cache->entries == NULL) {
        *warmth = CACHE_COLD;
        empty(lineages, octets - PAGE_OCTETS);
        cache->entries = pool_new_at(entries, entries_octets(cache->size_octets), cache->seed, true);
    }
    open_header(cache, keeping, octets);
    cache->lineages = lineages_new_at(lineages, lineages_octets, *warmth == CACHE_WARM);
    if (*warmth == CACHE_WARM && cache->lineages != NULL &&
        lineages_check(cache->lineages) != cache->kept->lineages_check) {
        lineages_reset(cache->lineages);
        *warmth = CACHE_DEMOTED;
    }
    return complete(cache);
}

void cache_free(struct cache *cache)
{
    if (cache == NULL)
        return;
    pool_free(cache->entries);
    pool_free(cache->failures);
    pool_free(cache->ready);
    if (cache->denial != NULL)
        denial_index_free(cache->denial);
    if (cache->kept != NULL && cache->lineages != NULL) {
        cache->kept->lineages_check = lineages_check(cache->lineages);
        atomic_store(&cache->kept->state, STATE_CLOSED);
    }
    lineages_free(cache->lineages);
    pthread_mutex_destroy(&cache->sites_lock);
    free(cache);
}

void cache_set_options(struct cache *cache, const struct cache_options *options)
{
    atomic_store(&cache->max_ttl_s, options->max_ttl_s < TTL_S_MAX ? options->max_ttl_s : TTL_S_MAX);
    atomic_store(&cache->max_negative_ttl_s,
                 options->max_negative_ttl_s < TTL_S_MAX ? options->max_negative_ttl_s : TTL_S_MAX);
    atomic_store(&cache->keep_expired_s, options->keep_expired_s);
    atomic_store(&cache->max_bogus_ttl_s, options->max_bogus_ttl_s);
    atomic_store(&cache->dname_grace_s, options->dname_grace_s);
    atomic_store(&cache->signature_ttl_cap, options->signature_ttl_cap);
}

struct pool_key cache_key(const struct cache *cache, const struct blob_key *key, uint8_t buffer[BLOB_KEY_OCTETS_MAX])
{
    struct octets octets = blob_key_encode(key, buffer);
    return (struct pool_key) { .hash = hash_octets(octets, cache->seed), .octets = octets };
}

void cache_remove(const struct cache *cache, struct pool *pool, const struct blob_key *key)
{
    uint8_t buffer[BLOB_KEY_OCTETS_MAX];
    struct pool_key stored = cache_key(cache, key, buffer);
    pool_remove(pool, &stored, (struct octets) { NULL, 0 });
}

/* ---- flushing ---- */

/* What a sweep looks for.  `name` NULL: any; `keys`: also what rests on keys that were flushed. */
struct sweep {
    struct cache *cache;
    const struct dname *name;
    bool below; /* all names below it, too */
    bool keys;
};

static bool rests_on_flushed_key(struct cache *cache, const struct blob_key *key, const struct pool_item *item)
{
    struct answer_head head;
    uint64_t current;
    if ((key->kind != BLOB_ANSWER && key->kind != BLOB_ASIDE) || !answer_head_decode(item->value, key, &head))
        return false;
    stamp_read(item->stamp, lineages_epoch(cache->lineages), &head);
    return lineages_judge(cache->lineages, head.epoch, head.lineage, &current) == REVOKED;
}

static bool is_doomed(void *context, const struct pool_item *item)
{
    const struct sweep *sweep = context;
    struct blob_key key;
    if (!blob_key_decode(item->key, &key))
        return true;
    if (sweep->name != NULL &&
        (sweep->below ? dname_is_subdomain(&key.qname, sweep->name) : dname_equal(&key.qname, sweep->name)))
        return true;
    return sweep->keys ? rests_on_flushed_key(sweep->cache, &key, item) : sweep->name == NULL;
}

static size_t sweep_stores(struct cache *cache, struct sweep sweep)
{
    sweep.cache = cache;
    return pool_sweep(cache->entries, is_doomed, &sweep) + pool_sweep(cache->failures, is_doomed, &sweep);
}

static bool any(void *context, const struct pool_item *item)
{
    (void)context, (void)item;
    return true;
}

void cache_drop_ready(struct cache *cache)
{
    lineages_raise(cache->lineages);
    pool_sweep(cache->ready, any, NULL);
}

size_t cache_flush_all(struct cache *cache)
{
    cache_drop_ready(cache);
    denial_index_drop_all(cache->denial);
    return sweep_stores(cache, (struct sweep) { .name = NULL });
}

size_t cache_flush_name(struct cache *cache, const struct dname *name)
{
    lineages_raise(cache->lineages);
    denial_index_drop_for(cache->denial, name);
    return sweep_stores(cache, (struct sweep) { .name = name });
}

size_t cache_flush_zone(struct cache *cache, const struct dname *zone)
{
    lineages_revoke_zone(cache->lineages, zone);
    denial_index_drop_below(cache->denial, zone);
    denial_index_drop_fallen(cache->denial);
    return sweep_stores(cache, (struct sweep) { .name = zone, .below = true, .keys = true });
}

/* The epoch alone makes all of it die at its next use; the sweep gives the memory back and counts. */
size_t cache_flush_keys(struct cache *cache, const uint64_t *keys, size_t count)
{
    lineages_revoke(cache->lineages, keys, count);
    denial_index_drop_fallen(cache->denial);
    return sweep_stores(cache, (struct sweep) { .keys = true });
}

struct doubt {
    struct cache *cache;
    const struct dname *zone;
    struct question *bogus;
    uint16_t bogus_count, bogus_max;
    size_t doubted;
};

static bool is_bogus(enum security security)
{
    return security == BOGUS || security == INDETERMINATE;
}

/* An entry at or below the zone, with what its stamp says. */
static bool is_answer_below(const struct doubt *doubt, const struct pool_item *item, struct blob_key *key,
                            struct answer_head *head)
{
    if (!blob_key_decode(item->key, key) || key->kind != BLOB_ANSWER || !dname_is_subdomain(&key->qname, doubt->zone) ||
        !answer_head_decode(item->value, key, head))
        return false;
    stamp_read(item->stamp, lineages_epoch(doubt->cache->lineages), head);
    return true;
}

/* What is Bogus is left for the sweep behind this walk. */
static bool doubt_entry(void *context, const struct pool_item *item)
{
    struct doubt *doubt = context;
    struct blob_key key;
    struct answer_head head;
    if (!is_answer_below(doubt, item, &key, &head) || head.security == UNCHECKED)
        return true;
    if (is_bogus(head.security)) {
        if (doubt->bogus_count < doubt->bogus_max)
            doubt->bogus[doubt->bogus_count++] =
                (struct question) { .qname = key.qname, .qtype = head.qtype, .qclass = CLASS_IN };
        return true;
    }
    struct pool_key stored = { .hash = hash_octets(item->key, doubt->cache->seed), .octets = item->key };
    head.security = UNCHECKED;
    head.epoch = lineages_epoch(doubt->cache->lineages);
    doubt->doubted += pool_restamp(doubt->cache->entries, &stored, item->value, item->stamp, stamp_make(&head));
    return true;
}

static bool is_bogus_below(void *context, const struct pool_item *item)
{
    struct blob_key key;
    struct answer_head head;
    return is_answer_below(context, item, &key, &head) && is_bogus(head.security);
}

size_t cache_doubt_zone(struct cache *cache, const struct dname *zone, struct question *bogus, uint16_t *bogus_count)
{
    struct doubt doubt = { .cache = cache, .zone = zone, .bogus = bogus, .bogus_max = *bogus_count };
    struct sweep failures = { .cache = cache, .name = zone, .below = true };
    cache_drop_ready(cache);
    denial_index_drop_below(cache->denial, zone);
    pool_walk(cache->entries, doubt_entry, &doubt);
    *bogus_count = doubt.bogus_count;
    return doubt.doubted + pool_sweep(cache->entries, is_bogus_below, &doubt) +
           pool_sweep(cache->failures, is_doomed, &failures);
}

void cache_forget_verdicts(struct cache *cache)
{
    lineages_forget(cache->lineages);
    denial_index_drop_fallen(cache->denial);
}

uint64_t cache_epoch(const struct cache *cache)
{
    return lineages_epoch(cache->lineages);
}

/* ---- keys by zone and tag ---- */

struct key_search {
    struct cache *cache;
    const struct dname *zone;
    uint16_t key_tag;
    uint64_t *keys;
    size_t count, max;
};

static void add_found_key(struct key_search *search, uint64_t key)
{
    for (size_t i = 0; i < search->count; i++) {
        if (search->keys[i] == key)
            return;
    }
    if (search->count < search->max)
        search->keys[search->count++] = key;
}

/* DNSKEY sets that are cached but not Secure: nothing rests on them, yet they are the zone's. */
static bool search_entry(void *context, const struct pool_item *item)
{
    struct key_search *search = context;
    struct blob_key key;
    struct answer_head head;
    struct answer answer;
    if (!blob_key_decode(item->key, &key) || key.kind != BLOB_ANSWER || key.qtype != TYPE_DNSKEY ||
        !dname_equal(&key.qname, search->zone))
        return true;
    struct arena *arena = arena_new();
    stamp_read(item->stamp, lineages_epoch(search->cache->lineages), &head);
    if (answer_decode(item->value, &key, arena, &head, &answer) && answer.kind == ANSWER_DATA &&
        answer.rrsets.count > 0 && answer.rrsets.items[0]->type == TYPE_DNSKEY) {
        const struct rrset *keys = answer.rrsets.items[0];
        for (uint16_t i = 0; i < keys->count; i++) {
            if (dnskey_tag(keys->rdata[i]) == search->key_tag)
                add_found_key(search, key_id(search->zone, keys->rdata[i]));
        }
    }
    arena_free(arena);
    return true;
}

size_t cache_keys_of(struct cache *cache, const struct dname *zone, uint16_t key_tag, uint64_t *keys, size_t max)
{
    struct key_search search = { .cache = cache, .zone = zone, .key_tag = key_tag, .keys = keys, .max = max };
    search.count = lineages_keys_of(cache->lineages, zone, key_tag, keys, max);
    pool_walk(cache->entries, search_entry, &search);
    return search.count;
}

/* ---- looking inside ---- */

struct walk {
    struct cache *cache;
    struct now now;
    struct arena *arena;
    bool (*row)(void *context, const struct cache_row *row);
    void *context;
};

static bool show_answer(struct walk *walk, const struct blob_key *key, const struct pool_item *item,
                        struct cache_row *row)
{
    const struct stored_answer stored = { key, &row->question, item->value, item->stamp };
    struct judged judged;
    if (answer_judge(walk->cache, &stored, walk->now, walk->arena, &judged) == CACHE_MISS)
        return false;
    judged.answer->question.qtype = judged.head.qtype;
    row->kind = "answer";
    row->question.qtype = judged.head.qtype;
    row->answer = judged.answer;
    row->ttl_ms = judged.head.expires_ms - walk->now.wall_ms;
    if (judged.answer->verdict.security != UNCHECKED)
        row->lineage = lineages_text(walk->cache->lineages, judged.head.lineage, walk->arena);
    return true;
}

static bool show_delegation(struct walk *walk, const struct blob_key *key, struct octets value, struct cache_row *row)
{
    struct delegation_head head;
    struct delegation *delegation = ARENA_NEW(walk->arena, struct delegation);
    delegation->zone = key->qname;
    if (!delegation_decode(value, walk->arena, &head, delegation) || head.expires_ms <= walk->now.wall_ms)
        return false;
    delegation->origin = key->origin;
    row->kind = "delegation";
    row->delegation = delegation;
    row->ttl_ms = head.expires_ms - walk->now.wall_ms;
    return true;
}

static bool show_failure(struct walk *walk, struct octets value, struct cache_row *row)
{
    struct failure_blob blob;
    struct failure *failure = ARENA_NEW(walk->arena, struct failure);
    if (!failure_decode(value, &blob))
        return false;
    row->kind = "failure";
    row->failure = failure;
    row->ttl_ms = blob.expires_ms - walk->now.wall_ms;
    return failure_read(walk->cache, &blob, walk->now, failure);
}

static bool show(void *context, const struct pool_item *item)
{
    struct walk *walk = context;
    struct blob_key key;
    struct cache_row row = { .kind = NULL };
    bool is_shown = false;
    if (!blob_key_decode(item->key, &key))
        return true;
    arena_reset(walk->arena);
    row.question = (struct question) { .qname = key.qname, .qtype = key.qtype, .qclass = key.qclass };
    switch (key.kind) {
    case BLOB_ANSWER:
        is_shown = show_answer(walk, &key, item, &row);
        break;
    case BLOB_DELEGATION:
        is_shown = show_delegation(walk, &key, item->value, &row);
        break;
    case BLOB_FAILURE:
        is_shown = show_failure(walk, item->value, &row);
        break;
    case BLOB_ASIDE:
        break;
    }
    return !is_shown || walk->row(walk->context, &row);
}

struct limited {
    struct walk walk;
    bool ended;
};

static bool show_until_end(void *context, const struct pool_item *item)
{
    struct limited *limited = context;
    limited->ended = !show(&limited->walk, item);
    return !limited->ended;
}

void cache_walk(struct cache *cache, struct now now, bool (*row)(void *context, const struct cache_row *row),
                void *context)
{
    struct limited limited = {
        .walk = { .cache = cache, .now = now, .arena = arena_new(), .row = row, .context = context },
    };
    pool_walk(cache->entries, show_until_end, &limited);
    if (!limited.ended)
        pool_walk(cache->failures, show_until_end, &limited);
    arena_free(limited.walk.arena);
}

void cache_get_stats(struct cache *cache, struct cache_stats *stats)
{
    struct pool_stats entries, failures, ready;
    pool_measure(cache->entries, &entries);
    pool_measure(cache->failures, &failures);
    pool_measure(cache->ready, &ready);
    *stats = (struct cache_stats) {
        .size_octets = cache->size_octets,
        .used_octets = sizeof(*cache) + entries.used_octets + failures.used_octets + ready.used_octets +
                       lineages_octets(cache->lineages) + denial_index_octets(cache->denial),
        .answers = entries.entries[TAG_ANSWER],
        .delegations = entries.entries[TAG_DELEGATION],
        .failures = failures.entries[0],
        .ready = ready.entries[0],
        .hits = atomic_load(&cache->hits),
        .misses = atomic_load(&cache->misses),
        .evictions = entries.evictions + failures.evictions,
        .insertions = entries.insertions + failures.insertions,
        .refusals = entries.refusals,
    };
    stats->entries = stats->answers + stats->delegations + stats->failures;
}
