#include "daemon/waiting.h"

#include <assert.h>
#include <stdlib.h>

#include "transport/tcp_server.h"

enum {
    CLIENT_BUCKETS = 4096, /* a power of two; clients that share one share its limit */
};

static_assert((CLIENT_BUCKETS & (CLIENT_BUCKETS - 1)) == 0, "used as a mask");

TAILQ_HEAD(waiting_list, waiting);

struct waiting_room {
    struct waiting_list free, taken;
    unsigned count, most;
    unsigned used; /* of the places, ever: what lies behind them has no memory yet */
    uint64_t seed;
    uint16_t per_client[CLIENT_BUCKETS];
    struct waiting places[FRONT_WAITING_MAX + PLACES_AT_HAND];
};

struct waiting_room *waiting_room_new(uint64_t seed)
{
    struct waiting_room *room = memory_new(1, sizeof(*room));
    room->seed = seed;
    TAILQ_INIT(&room->free);
    TAILQ_INIT(&room->taken);
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

static bool has_its_share(const struct waiting_room *room, unsigned max, uint16_t bucket)
{
    unsigned per_client = max > CLIENT_SHARE ? max / CLIENT_SHARE : 1;
    return room->count >= max / 2 && room->per_client[bucket] >= per_client;
}

/* NULL: all are taken. */
static struct waiting *take_place(struct waiting_room *room)
{
    struct waiting *place = TAILQ_FIRST(&room->free);
    if (place != NULL)
        TAILQ_REMOVE(&room->free, place, place);
    else if (room->used < ARRAY_LEN(room->places))
        place = &room->places[room->used++];
    return place;
}

static struct waiting *admit(struct waiting_room *room, const struct client *client, const struct front_asker *asker,
                             uint16_t bucket, struct now now)
{
    struct waiting *waiting = take_place(room);
    if (waiting == NULL)
        return NULL;
    TAILQ_INSERT_TAIL(&room->taken, waiting, place);
    room->per_client[bucket]++;
    room->count++;
    if (room->most < room->count)
        room->most = room->count;
    waiting->since_ms = now.monotonic_ms;
    waiting->client = *client;
    waiting->asker = *asker;
    waiting->bucket = bucket;
    return waiting;
}

static uint16_t bucket_of(const struct waiting_room *room, const struct client *client, const struct front_asker *asker)
{
    return client_bucket(room, &client->address, front_is_proven(asker));
}

struct waiting *waiting_admit(struct waiting_room *room, unsigned max, const struct client *client,
                              const struct front_asker *asker, struct now now)
{
    uint16_t bucket = bucket_of(room, client, asker);
    bool is_full = room->count >= max || has_its_share(room, max, bucket);
    return is_full ? NULL : admit(room, client, asker, bucket, now);
}

struct waiting *waiting_admit_beside(struct waiting_room *room, const struct client *client,
                                     const struct front_asker *asker, struct now now)
{
    return admit(room, client, asker, bucket_of(room, client, asker), now);
}

struct waiting *waiting_in_the_way(struct waiting_room *room, unsigned max, const struct client *client,
                                   const struct front_asker *asker, struct now now)
{
    struct waiting *oldest = TAILQ_FIRST(&room->taken);
    if (room->count < max || oldest == NULL || has_its_share(room, max, bucket_of(room, client, asker)))
        return NULL;
    return now.monotonic_ms - oldest->since_ms > GIVE_WAY_MS ? oldest : NULL;
}

void waiting_release(struct waiting_room *room, struct waiting *waiting)
{
    room->per_client[waiting->bucket]--;
    room->count--;
    TAILQ_REMOVE(&room->taken, waiting, place);
    TAILQ_INSERT_HEAD(&room->free, waiting, place);
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
