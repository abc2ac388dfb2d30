/* One worker, as the parts of it know it: worker.c is its thread and what the main thread calls, worker_clients.c
 * goes from a client's question to its answer, worker_witness.c counts what validation sees. */
#ifndef DAEMON_WORKER_INTERNAL_H
#define DAEMON_WORKER_INTERNAL_H

#include <pthread.h>

#include "daemon/desk.h"
#include "daemon/waiting.h"
#include "daemon/worker.h"
#include "lib/driver.h"
#include "resolver/witness.h"

struct worker {
    struct workers *workers;
    unsigned index;
    pthread_t thread;
    struct ev_loop *loop;
    ev_async called; /* the main thread wants something */
    ev_prepare before_wait;
    bool has_call; /* guarded by workers->mutex */

    const struct settings *settings;
    struct cache *cache;
    struct clock *clock;
    struct watcher *watcher;
    struct key_tally *keys;
    struct witness witness;
    struct random *random;
    struct driver *driver;
    struct desk **desks; /* one an address; retired ones until they are done */
    unsigned desk_count;
    ev_async ending; /* a desk has given answers that are to be asked for anew */
    struct tcp_server *tcp;
    struct at_once *at_once; /* for TCP */

    struct waiting_room *waiting;
    unsigned places_max; /* in it: as many as there are sockets for */
    int64_t trimmed_ms;
    int64_t log_second;
    unsigned log_lines;

    const struct siphash_key *cookie_master;
    struct cookie_keys cookie_keys;

    struct arena *arena; /* of the question being read */
    uint8_t buffer[MESSAGE_OCTETS_MAX];
    struct worker_stats stats;
};

/* What the worker's resolver works by. */
struct resolver_parts worker_resolver_parts(const struct worker *worker);

/* TCP's has answers at hand, too. */
struct client_handler worker_client_handler(struct worker *worker);
/* For the driver: a waiter's question is settled. */
void worker_on_done(void *context, void *waiter, const struct outcome *outcome, struct now now);

struct witness worker_witness(struct worker *worker);

#endif
