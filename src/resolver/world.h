/* For tests and fuzz targets: a resolver and all that it works by, made from the same seed each time. */
#ifndef RESOLVER_WORLD_H
#define RESOLVER_WORLD_H

#include "resolver/resolver.h"

struct world {
    struct arena *arena;
    struct random *random;
    struct cache *cache;
    struct trust *trust;
    struct resolver_options options;
    struct crypto_policy policy;
    struct resolver *resolver;
    struct now now;
};

/* A resolver that knows nothing yet; owned by the caller, borrows the rest of the world. */
static inline struct resolver *world_resolver(const struct world *world)
{
    return resolver_new(&(const struct resolver_parts) {
        .cache = world->cache,
        .random = world->random,
        .options = &world->options,
        .policy = &world->policy,
        .trust = world->trust,
    });
}

/* No anchors; the defaults, but the root is not primed. */
static inline void world_make(struct world *world, size_t cache_octets, struct now now)
{
    struct cache_options cache_options = cache_options_default();
    struct crypto_options crypto_options = crypto_options_default();
    cache_options.size_octets = cache_octets;
    world->now = now;
    world->arena = arena_new();
    world->random = random_seeded_new(1);
    world->cache = cache_new(&cache_options, world->random);
    world->trust = trust_new();
    world->options = resolver_options_default(world->arena);
    world->options.prime_root = false;
    crypto_policy_make(&crypto_options, &world->policy);
    world->resolver = world_resolver(world);
}

static inline void world_clear(struct world *world)
{
    resolver_free(world->resolver);
    cache_free(world->cache);
    trust_free(world->trust);
    random_free(world->random);
    arena_free(world->arena);
}

#endif
