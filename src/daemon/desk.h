/* Where clients of one UDP socket are served: its receiving thread answers what is ready-made (at_once.h), all else
 * goes to the worker whose socket it is.  All functions are for that worker's thread. */
#ifndef DAEMON_DESK_H
#define DAEMON_DESK_H

#include "daemon/at_once.h"
#include "daemon/clock.h"

struct desk;

struct desk_parts {
    struct ev_loop *loop;
    struct cache *cache;
    const struct clock *clock;
    const struct config *config; /* borrowed until the next desk_use() */
    const struct siphash_key *cookie_master;
    unsigned worker;            /* its number, for the thread's name */
    struct client_handler rest; /* gets what is not at hand */
    ev_async *ending;           /* sent when desk_take_refreshes() has something */
};

/* Takes over fd.  NULL, and a line in the log: the system gives no thread. */
struct desk *desk_new(const struct desk_parts *parts, int fd, const struct address *address);
/* What it has counted is added to stats.  Clients that wait must not be answered any more. */
void desk_free(struct desk *desk, struct worker_stats *stats);

/* When it returns, nothing is answered by the configuration before. */
void desk_use(struct desk *desk, const struct config *config);
/* When it returns, all questions that have come are answered, or the worker's. */
void desk_retire(struct desk *desk);
/* Retired, and nothing is left to answer or to send. */
bool desk_is_done(const struct desk *desk);
bool desk_serves(const struct desk *desk, const struct address *address);

/* at_once_take_refreshes() */
unsigned desk_take_refreshes(struct desk *desk, struct question questions[AT_ONCE_REFRESHES_MAX]);
/* What was answered before is counted. */
void desk_add_stats(struct desk *desk, struct worker_stats *sum);

#endif
