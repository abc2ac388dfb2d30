#include "daemon/waiting.h"

#include <assert.h>
#include <stdlib.h>

#include "transport/tcp_server.h"

enum {
    CLIENT_BUCKETS = 4096, /* a power of two; clients that share one share its limit */
};

static_assert((CLIENT_BUCKETS & (CLIENT_BUCKETS - 1)) == 0, "used as a mask");

struct waiting_room {
    struct waiting *free;
    unsigned count, most;
    uint64_t seed;
    uint16_t per_client[CLIENT_BUCKETS];
    struct waiting places[FRONT_WAITING_MAX];
};

struct waiting_room *waiting_room_new(uint64_t seed)
{
    struct waiting_room *room = memory_new(1, sizeof(*room));
    room->seed = seed;
    for (size_t i = FRONT_WAITING_MAX; i-- > 0;) {
        room->places[i].next_free = room->free;
        room->free = &room->places[i];
    }
    return room;
}

void waiting_room_free(struct waiting_room *room)
{
    free(room);
}

/* What counts as one client: an IPv4 address, an IPv6 /56.  Who has proven to be there does not share the limit of
 * those that only say so: nobody is shut out by questions that others forge in their name. */
static uint16_t client_bucket(const struct waiting_room *room, const struct address *client, bool is_proven)
{
    struct address prefix = { .family = client->family };
    memcpy(prefix.octets, client->octets, client->family == 4 ? 4 : TCP_PREFIX_BITS_IPV6 / 8);
    return (uint16_t)(address_hash(&prefix, room->seed + is_proven) & (CLIENT_BUCKETS - 1));
}

struct waiting *waiting_admit(struct waiting_room *room, unsigned max, const struct client *client,
                              const struct front_asker *asker)
{
    unsigned per_client = max > CLIENT_SHARE ? max / CLIENT_SHARE : 1;
    uint16_t bucket = client_bucket(room, &client->address, front_is_proven(asker));
    bool is_busy = room->count >= max / 2;
    struct waiting *waiting = room->free;
    if (waiting == NULL || room->count >= max || (is_busy && room->per_client[bucket] >= per_client))
        return NULL;
    room->free = waiting->next_free;
    room->per_client[bucket]++;
    room->count++;
    if (room->most < room->count)
        room->most = room->count;
    waiting->client = *client;
    waiting->asker = *asker;
    waiting->bucket = bucket;
    return waiting;
}

void waiting_release(struct waiting_room *room, struct waiting *waiting)
{
    room->per_client[waiting->bucket]--;
    room->count--;
    waiting->next_free = room->free;
    room->free = waiting;
}

unsigned waiting_count(const struct waiting_room *room)
{
    return room->count;
}

bool waiting_burst_is_over(const struct waiting_room *room)
{
    return room->count == 0 && room->most >= BURST_QUESTIONS;
}

void waiting_forget_burst(struct waiting_room *room)
{
    room->most = 0;
}
