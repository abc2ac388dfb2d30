/* Answers that are at hand: a plain question whose answer is ready-made (cache/ready.h) is answered within its batch, before
 * anything is kept of its client.  What is not answered here goes the long way, which says the same, octet for octet.
 *
 * One for each worker.  Nothing is allocated after at_once_new(). */
#ifndef DAEMON_AT_ONCE_H
#define DAEMON_AT_ONCE_H

#include "config/config.h"
#include "daemon/worker_stats.h"
#include "transport/client.h"

struct at_once;

/* stats: the worker's, counted up from here, too.  config is borrowed until the next at_once_use(). */
struct at_once *at_once_new(struct cache *cache, const struct config *config, const struct siphash_key *cookie_master,
                            struct worker_stats *stats);
void at_once_free(struct at_once *at_once);
void at_once_use(struct at_once *at_once, const struct config *config);

/* As client_handler has them: the messages of a batch, then each by its place among them. */
void at_once_expect(struct at_once *at_once, const struct octets *messages, unsigned count, struct now now);
struct octets at_once_answer(struct at_once *at_once, unsigned place, const struct client *client, uint8_t *buffer);

/* Of the batch that was shown last. */
struct now at_once_now(const struct at_once *at_once);
const struct cookie_keys *at_once_cookie_keys(const struct at_once *at_once);

/* A question whose ready-made answer was given and ends soon: it is to be asked anew, so that its next client finds one, too.
 * false: there is none. */
bool at_once_next_refresh(struct at_once *at_once, struct question *question);

/* What a client's answer may have: theirs is what it takes over UDP, 0 without EDNS. */
uint16_t answer_octets_max(const struct config *config, const struct client *client, uint16_t theirs);
/* Where its question is counted. */
uint64_t *questions_counter(struct worker_stats *stats, const struct client *client);

#endif
