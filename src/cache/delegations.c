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

static bool is_live(const struct delegation_head *head, struct now now)
{
    return now.wall_ms < head->expires_ms && head->stored_ms - now.wall_ms <= CACHE_FUTURE_MS;
}

static bool peek_live(struct cache *cache, const struct dname *zone, uint16_t origin, struct now now)
{
    uint8_t buffer[BLOB_KEY_OCTETS_MAX], octets[DELEGATION_HEAD_OCTETS];
    struct blob_key key = key_of(zone, origin);
    struct store_key stored = cache_key(cache, &key, buffer);
    struct delegation_head head;
    return store_peek(cache->entries, &stored, octets, sizeof(octets)) &&
           delegation_head_decode((struct octets) { octets, sizeof(octets) }, &head) && is_live(&head, now);
}

static struct delegation *read_live(struct cache *cache, const struct dname *zone, uint16_t origin, struct now now,
                                    struct arena *arena)
{
    uint8_t buffer[BLOB_KEY_OCTETS_MAX];
    struct blob_key key = key_of(zone, origin);
    struct store_key stored = cache_key(cache, &key, buffer);
    struct delegation_head head;
    struct octets blob;
    if (!store_find(cache->entries, &stored, arena, &blob))
        return NULL;
    struct delegation *delegation = ARENA_NEW(arena, struct delegation);
    delegation->zone = *zone;
    delegation->origin = origin;
    return delegation_decode(blob, arena, &head, delegation) && is_live(&head, now) ? delegation : NULL;
}

bool cache_find_delegation(struct cache *cache, const struct dname *name, bool above, uint16_t origin, struct now now,
                           struct arena *arena, struct delegation **delegation)
{
    for (int labels = name->labels - (int)above; labels >= 0; labels--) {
        struct dname zone;
        dname_suffix(name, (uint8_t)labels, &zone);
        struct delegation *found =
            peek_live(cache, &zone, origin, now) ? read_live(cache, &zone, origin, now, arena) : NULL;
        if (found != NULL) {
            *delegation = found;
            return true;
        }
    }
    return false;
}

bool cache_has_delegation(struct cache *cache, const struct dname *zone, uint16_t origin, struct now now)
{
    return peek_live(cache, zone, origin, now);
}

/* Hints are older than any word of the root's servers. */
static bool decide_replace(void *context, struct octets old, struct store_write *write)
{
    const struct delegation_head *head = context;
    struct delegation_head old_head;
    if (!head->is_hint || !delegation_head_decode(old, &old_head))
        return true;
    return old_head.is_hint || !is_live(&old_head, (struct now) { .wall_ms = write->now_ms });
}

void cache_put_delegation(struct cache *cache, const struct delegation *delegation, struct now now)
{
    uint8_t buffer[STORE_VALUE_OCTETS_MAX], key_buffer[BLOB_KEY_OCTETS_MAX];
    struct writer w = writer_of(buffer, sizeof(buffer));
    struct blob_key key = key_of(&delegation->zone, delegation->origin);
    struct store_key stored = cache_key(cache, &key, key_buffer);
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
    store_put(cache->entries, &stored,
              (struct store_write) {
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
    uint8_t buffer[BLOB_KEY_OCTETS_MAX];
    struct blob_key key = key_of(zone, origin);
    struct store_key stored = cache_key(cache, &key, buffer);
    store_remove(cache->entries, &stored, (struct octets) { NULL, 0 });
}

struct delegation *delegation_copy(struct arena *arena, const struct delegation *delegation)
{
    struct delegation *copy = arena_copy(arena, delegation, sizeof(*delegation));
    copy->servers = arena_copy(arena, delegation->servers, delegation->server_count * sizeof(*delegation->servers));
    return copy;
}
