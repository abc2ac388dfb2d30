/* The denial index as the cache's callers see it. */
#include "cache/internal.h"

bool cache_denial_zone(struct cache *cache, const struct dname *name, uint16_t origin, struct dname *zone)
{
    return denial_index_zone(cache->denial, name, origin, zone);
}

bool cache_denial_nsec(struct cache *cache, const struct denial_asked *asked, const struct dname *name, uint16_t qtype,
                       struct denial_found *found)
{
    return denial_index_nsec(cache->denial, asked, name, qtype, found);
}

bool cache_denial_nsec3(struct cache *cache, const struct denial_asked *asked, const uint8_t *hash, uint16_t qtype,
                        struct denial_found *found)
{
    return denial_index_nsec3(cache->denial, asked, hash, qtype, found);
}

bool cache_denial_nsec3_chain(struct cache *cache, const struct denial_asked *asked, struct octets *salt,
                              uint16_t *iterations)
{
    return denial_index_nsec3_chain(cache->denial, asked, salt, iterations);
}

bool cache_denial_soa(struct cache *cache, const struct denial_asked *asked, struct denial_found *found)
{
    return denial_index_soa(cache->denial, asked, found);
}
