/* Clients' questions that wait for their answers: a place for each, and no client takes them all.  One room for each
 * worker. */
#ifndef DAEMON_WAITING_H
#define DAEMON_WAITING_H

#include <sys/queue.h>

#include "front/front.h"
#include "policy/retelling.h"
#include "resolver/response.h"
#include "transport/client.h"

enum {
    CLIENT_SHARE = 8,  /* one client's part of the places, once half of them are taken: none shuts the others out */
    GIVE_WAY_MS = 200, /* who has waited for longer may have to, when all places are taken: as long as Unbound has it */
    SOCKETS_PER_TWO = 3,  /* to servers, per two places: some are for what else must be known, and for late replies */
    PLACES_AT_HAND = 64,  /* beyond all others, for questions whose answers need not be waited for */
    BURST_QUESTIONS = 32, /* waiting at a time: what they took, some 40 KiB each, may go back to the system */
};

/* A client's question that waits for its answer: the resolver's waiter. */
struct waiting {
    TAILQ_ENTRY(waiting) place; /* among those that wait, the longest first, or the free ones */
    int64_t since_ms;           /* monotonic */
    struct question asked;      /* of the resolver: the client's own, or what is resolved in its place */
    struct client client;
    struct client_query query;
    struct retelling retelling;
    struct front_asker asker;
    uint16_t bucket;
};

struct waiting_room;

/* seed: of the hash by which clients share a limit; nobody outside knows it. */
struct waiting_room *waiting_room_new(uint64_t seed);
void waiting_room_free(struct waiting_room *room);

/* With client and asker; NULL: as many are waiting as may, FRONT_WAITING_MAX at most. */
struct waiting *waiting_admit(struct waiting_room *room, unsigned max, const struct client *client,
                              const struct front_asker *asker, struct now now);
/* Who is to be released first, so that this one is admitted: the one that has waited for longest, if that is long.
 * NULL: nobody, or it would be of no use. */
struct waiting *waiting_in_the_way(struct waiting_room *room, unsigned max, const struct client *client,
                                   const struct front_asker *asker, struct now now);
/* The answer is at hand: whoever waits, there is a place. */
struct waiting *waiting_admit_beside(struct waiting_room *room, const struct client *client,
                                     const struct front_asker *asker, struct now now);
void waiting_release(struct waiting_room *room, struct waiting *waiting);

unsigned waiting_count(const struct waiting_room *room);
/* Many waited, and none does now. */
bool waiting_burst_is_over(const struct waiting_room *room);
void waiting_forget_burst(struct waiting_room *room);

#endif
