/* Clients' questions that wait for their answers: a place for each, and no client takes them all.  One room for each
 * worker. */
#ifndef DAEMON_WAITING_H
#define DAEMON_WAITING_H

#include "front/front.h"
#include "policy/retelling.h"
#include "resolver/response.h"
#include "transport/client.h"

enum {
    CLIENT_SHARE = 8,     /* one client's part of the places, once half of them are taken: none shuts the others out */
    BURST_QUESTIONS = 32, /* waiting at a time: what they took, some 40 KiB each, may go back to the system */
};

/* A client's question that waits for its answer: the resolver's waiter. */
struct waiting {
    struct waiting *next_free;
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
                              const struct front_asker *asker);
void waiting_release(struct waiting_room *room, struct waiting *waiting);

unsigned waiting_count(const struct waiting_room *room);
/* Many waited, and none does now. */
bool waiting_burst_is_over(const struct waiting_room *room);
void waiting_forget_burst(struct waiting_room *room);

#endif
