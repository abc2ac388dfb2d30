/* Delegations in the cache: the parent's word on where a zone's servers are. */
#include "cache/internal.h"

static struct blob_key key_of(const struct dname *zone, uint16_t origin)
{
    return (struct blob_key) {
        .kind = BLOB_DELEGATION,
        .origin = origin,
        .qclass = CLASS_IN,
        .qtype = TYPE_NS,
        .qname = *zone,
    };
}

static bool is_kept(const struct delegation_head *head, int64_t age_ms, struct now now)
{
    return now.wall_ms - age_ms < head->expires_ms && head->stored_ms - now.wall_ms <= CACHE_FUTURE_MS;
}

/* age_ms: how long ago it may have expired. */
static bool peek(struct cache *cache, const struct dname *zone, uint16_t origin, int64_t age_ms, struct now now)
{
    uint8_t buffer[BLOB_KEY_OCTETS_MAX], octets[DELEGATION_HEAD_OCTETS_MAX];
    struct blob_key key = key_of(zone, origin);
    struct pool_key stored = cache_key(cache, &key, buffer);
    struct delegation_head head;
    uint32_t stamp;
    size_t len = pool_peek_upto(cache->entries, &stored, octets, sizeof(octets), &stamp);
    return len > 0 && delegation_head_decode((struct octets) { octets, len }, &head) && is_kept(&head, age_ms, now);
}

static struct delegation *read_kept(struct cache *cache, const struct dname *zone, uint16_t origin, int64_t age_ms,
                                    struct now now, struct arena *arena)
{
    uint8_t buffer[BLOB_KEY_OCTETS_MAX];
    struct blob_key key = key_of(zone, origin);
    struct pool_key stored = cache_key(cache, &key, buffer);
    struct delegation_head head;
    struct octets blob;
    if (!pool_find(cache->entries, &stored, arena, &blob))
        return NULL;
    struct delegation *delegation = ARENA_NEW(arena, struct delegation);
    delegation->zone = *zone;
    delegation->origin = origin;
    return delegation_decode(blob, arena, &head, delegation) && is_kept(&head, age_ms, now) ? delegation : NULL;
}

struct delegation *cache_find_old_delegation(struct cache *cache, const struct dname *name, uint16_t origin,
                                             uint32_t max_age_s, struct now now, struct arena *arena)
{
    int64_t age_ms = least_of(ms_of_s(max_age_s), cache_keep_ms(cache));
    struct delegation *found = NULL;
    for (int labels = name->labels; labels >= 0 && found == NULL; labels--) {
        struct dname zone;
        dname_suffix(name, (uint8_t)labels, &zone);
        if (peek(cache, &zone, origin, age_ms, now))
            found = read_kept(cache, &zone, origin, age_ms, now, arena);
    }
    return found;
}

struct delegation *cache_find_delegation(struct cache *cache, const struct dname *name, uint16_t origin, struct now now,
                                         struct arena *arena)
{
    return cache_find_old_delegation(cache, name, origin, 0, now, arena);
}

struct delegation *cache_find_delegation_above(struct cache *cache, const struct dname *name, uint16_t origin,
                                               struct now now, struct arena *arena)
{
    struct dname parent;
    if (dname_is_root(name))
        return NULL;
    dname_parent(name, &parent);
    return cache_find_delegation(cache, &parent, origin, now, arena);
}

bool cache_had_delegation(struct cache *cache, const struct dname *zone, uint16_t origin, uint32_t max_age_s,
                          struct now now)
{
    return peek(cache, zone, origin, least_of(ms_of_s(max_age_s), cache_keep_ms(cache)), now);
}

bool cache_has_delegation(struct cache *cache, const struct dname *zone, uint16_t origin, struct now now)
{
    return cache_had_delegation(cache, zone, origin, 0, now);
}

/* Hints are older than any word of the root's servers. */
static bool decide_replace(void *context, struct octets old, struct pool_write *write)
{
    const struct delegation_head *head = context;
    struct delegation_head old_head;
    if (!head->is_hint || !delegation_head_decode(old, &old_head))
        return true;
    return old_head.is_hint || !is_kept(&old_head, 0, (struct now) { .wall_ms = write->now_ms });
}

void cache_put_delegation(struct cache *cache, const struct delegation *delegation, struct now now)
{
    uint8_t buffer[POOL_VALUE_OCTETS_MAX], key_buffer[BLOB_KEY_OCTETS_MAX];
    struct writer w = writer_of(buffer, sizeof(buffer));
    struct blob_key key = key_of(&delegation->zone, delegation->origin);
    struct pool_key stored = cache_key(cache, &key, key_buffer);
    int64_t max_ms = ms_of_s(atomic_load_explicit(&cache->max_ttl_s, memory_order_relaxed));
    struct delegation_head head;
    head.stored_ms = now.wall_ms;
    head.expires_ms =
        delegation->is_hint ? delegation->expires_ms : least_of(delegation->expires_ms, now.wall_ms + max_ms);
    head.server_count = delegation->server_count < NS_PER_ZONE_MAX ? delegation->server_count : NS_PER_ZONE_MAX;
    head.is_hint = delegation->is_hint;
    delegation_encode(&w, &head, delegation);
    if (w.failed || head.expires_ms <= now.wall_ms)
        return;
    pool_put(cache->entries, &stored,
             (struct pool_write) {
                 .value = writer_octets(&w),
                 .expires_ms = head.expires_ms,
                 .now_ms = now.wall_ms,
                 .tag = TAG_DELEGATION,
                 .keep_ms = cache_keep_ms(cache), /* of all entries that are met on the way */
                 .decide = decide_replace,
                 .context = &head,
             });
}

void cache_drop_delegation(struct cache *cache, const struct dname *zone, uint16_t origin)
{
    struct blob_key key = key_of(zone, origin);
    cache_remove(cache, cache->entries, &key);
}

struct delegation *delegation_copy(struct arena *arena, const struct delegation *delegation)
{
    struct delegation *copy = arena_copy(arena, delegation, sizeof(*delegation));
    copy->servers = arena_copy(arena, delegation->servers, delegation->server_count * sizeof(*delegation->servers));
    for (uint16_t i = 0; i < copy->server_count; i++) {
        struct delegation_server *server = &copy->servers[i];
        server->addresses = arena_copy(arena, server->addresses, server->address_count * sizeof(*server->addresses));
    }
    return copy;
}

struct delegation_server *delegation_find_server(const struct delegation *delegation, const struct dname *name)
{
    for (uint16_t i = 0; i < delegation->server_count; i++)
        if (dname_equal(&delegation->servers[i].name, name))
            return &delegation->servers[i];
    return NULL;
}
