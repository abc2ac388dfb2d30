/* A worker: a thread with its own event loop, sockets and resolver.  Workers share the cache, and the settings they are
 * handed. */
#ifndef DAEMON_WORKER_H
#define DAEMON_WORKER_H

#include "daemon/clock.h"
#include "daemon/evidence.h"
#include "daemon/settings.h"
#include "daemon/worker_stats.h"
#include "monitor/key_tally.h"

struct worker_parts {
    struct cache *cache;
    struct clock *clock;
    struct watcher *watcher;
    const struct settings *settings;
    struct tcp_limits tcp_limits;
    unsigned upstream_sockets_max;
};

struct workers;

/* Threads are running when it returns.  Ends the process with a message if the system gives no thread. */
struct workers *workers_start(unsigned count, const struct worker_parts *parts);
/* Ends the threads and frees everything of theirs. */
void workers_stop(struct workers *workers);
unsigned workers_count(const struct workers *workers);

/* What one address is listened to with: one pair of sockets a worker.  The workers take the descriptors over. */
struct listen_sockets {
    struct address address;
    int (*fds)[2]; /* [worker]: UDP, TCP */
};
/* All of these return when every worker has done it.  For the main thread alone. */
/* false: the system gave none of them a thread to receive by UDP, as the log says; TCP is listened to. */
bool workers_listen(struct workers *workers, const struct listen_sockets *sockets);
void workers_unlisten(struct workers *workers, const struct address *address);
/* Those who receive go first (transport/precedence); for once all addresses of the start are listened to. */
void workers_give_precedence(struct workers *workers);
/* Afterwards nobody reads the settings before. */
void workers_use(struct workers *workers, const struct settings *settings);

/* The sum over all workers, as of now.  For the main thread alone: it waits until each has counted. */
void workers_get_stats(struct workers *workers, struct worker_stats *stats);
/* The same of signatures by key; the caller clears it. */
void workers_get_keys(struct workers *workers, struct key_sum *sum);

#endif
