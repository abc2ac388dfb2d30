/* Answers that are at hand: a plain question whose answer is ready-made (cache/ready.h) is answered within its
 * batch, before anything is kept of its client.  What is not answered here goes the long way, which says the same,
 * octet for octet.
 *
 * One for each thread that gives such answers: a worker's, for TCP, and that of each of its UDP sockets (desk.h).
 * Nothing is allocated after at_once_new(). */
#ifndef DAEMON_AT_ONCE_H
#define DAEMON_AT_ONCE_H

#include "config/config.h"
#include "daemon/worker_stats.h"
#include "transport/client.h"

struct at_once;

/* stats: counted up from here.  config is borrowed until the next at_once_use(). */
struct at_once *at_once_new(struct cache *cache, const struct config *config, const struct siphash_key *cookie_master,
                            struct worker_stats *stats);
void at_once_free(struct at_once *at_once);
void at_once_use(struct at_once *at_once, const struct config *config);

/* As client_handler has them: the messages of a batch, then each by its place among them. */
void at_once_expect(struct at_once *at_once, const struct octets *messages, unsigned count, struct now now);
struct octets at_once_answer(struct at_once *at_once, unsigned place, const struct client *client, uint8_t *buffer);

enum {
    AT_ONCE_REFRESHES_MAX = 16, /* answers that are asked for anew at a time */
};
/* Questions whose ready-made answers were given and end soon: they are to be asked anew, so that their next clients
 * find one, too.  How many there are. */
unsigned at_once_refreshes(const struct at_once *at_once);
/* The same; they are the caller's then. */
unsigned at_once_take_refreshes(struct at_once *at_once, struct question questions[AT_ONCE_REFRESHES_MAX]);

/* What a client's answer may have: theirs is what it takes over UDP, 0 without EDNS. */
uint16_t answer_octets_max(const struct config *config, const struct client *client, uint16_t theirs);
/* Where its question is counted. */
uint64_t *questions_counter(struct worker_stats *stats, const struct client *client);

#endif
