/* What the files of this folder share. */
#ifndef CACHE_INTERNAL_H
#define CACHE_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "cache/blob.h"
#include "cache/cache.h"
#include "cache/denial_index.h"
#include "cache/lineages.h"
#include "cache/ready.h"
#include "cache/pool.h"

enum {
    SITES_MAX = 256,      /* names of our own checks in failures: there are fewer in the sources */
    REFRESHES_MAX = 4096, /* refreshes under way that are told from each other */
};

enum entry_tag { TAG_ANSWER, TAG_DELEGATION };
_Static_assert((int)TAG_DELEGATION < (int)POOL_TAGS, "every tag is counted");

struct cache_header;

struct cache {
    struct cache_header *kept; /* NULL: in private memory */
    uint64_t size_octets;
    uint64_t seed;         /* of the tables' hash */
    struct pool *entries;  /* answers and delegations */
    struct pool *ready;    /* ready-made answers: what is derived evicts nothing but its like */
    struct pool *failures; /* apart: a flood of failures evicts nothing but failures */
    struct lineages *lineages;
    struct denial_index *denial;
    _Atomic uint32_t max_ttl_s, max_negative_ttl_s, max_bogus_ttl_s, keep_expired_s, dname_grace_s;
    _Atomic bool signature_ttl_cap;
    _Atomic uint64_t dname_depths[2]; /* bit n: a DNAME whose owner has n labels was cached once */
    _Atomic uint64_t hits, misses;
    _Atomic uint64_t refreshes[REFRESHES_MAX]; /* part of a hash, and when it was claimed */
    pthread_mutex_t sites_lock;
    size_t site_count;
    const char *sites[SITES_MAX]; /* static storage of the callers' */
};

/* The octets live in `buffer`. */
struct pool_key cache_key(const struct cache *cache, const struct blob_key *key, uint8_t buffer[BLOB_KEY_OCTETS_MAX]);

/* Whatever stands under the key goes. */
void cache_remove(const struct cache *cache, struct pool *pool, const struct blob_key *key);

/* Seconds as milliseconds, saturating. */
static inline int64_t ms_of_s(int64_t seconds)
{
    return seconds > INT64_MAX / 1000 ? INT64_MAX : seconds < INT64_MIN / 1000 ? INT64_MIN : seconds * 1000;
}

static inline int64_t least_of(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static inline int64_t cache_keep_ms(const struct cache *cache)
{
    return ms_of_s(atomic_load_explicit(&cache->keep_expired_s, memory_order_relaxed));
}

/* The failure that stands in a blob of the failures' pool; false if it is over. */
bool failure_read(struct cache *cache, const struct failure_blob *blob, struct now now, struct failure *failure);

#endif
