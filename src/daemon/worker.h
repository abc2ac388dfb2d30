/* A worker: a thread with its own event loop, sockets and resolver.  Workers share the cache, and the settings they are
 * handed. */
#ifndef DAEMON_WORKER_H
#define DAEMON_WORKER_H

#include "daemon/clock.h"
#include "daemon/evidence.h"
#include "daemon/settings.h"
#include "front/cookies.h"
#include "monitor/key_tally.h"
#include "transport/tcp_server.h"
#include "transport/udp_server.h"

enum {
    WORKER_QUESTIONS_MAX = 4096,       /* clients' questions waiting for their answers */
    WORKER_QUESTIONS_PER_CLIENT = 512, /* of one client, once half of them are taken: no client shuts the others out */
    WORKER_BUSY_QUESTIONS = WORKER_QUESTIONS_MAX / 2,
    SCHEMES_COUNTED = 32, /* scheme_text() */
    RCODES_COUNTED = 24,  /* 0 to BADCOOKIE (23) */
};

struct worker_parts {
    struct cache *cache;
    struct clock *clock;
    struct watcher *watcher;
    const struct settings *settings;
    struct tcp_limits tcp_limits;
    unsigned upstream_sockets_max;
};

struct worker_stats { /* since the start; the last ones of each part are as of now */
    uint64_t questions_udp, questions_tcp;
    uint64_t answers[RCODES_COUNTED];
    uint64_t answers_from_cache, answers_ready, answers_truncated; /* answers_ready: of those from the cache */
    uint64_t malformed, overloaded;
    uint64_t cookies[COOKIE_STATES]; /* questions by what their cookie was worth */
    struct udp_counters udp;
    struct tcp_counters tcp;
    struct resolver_stats resolver;
    uint64_t waiting;
    uint64_t failures[CAUSES];                /* of validation, as they were found: not those out of the cache */
    uint64_t signatures[SCHEMES_COUNTED][2];  /* tried: failed, good */
    uint64_t answers_signed[SCHEMES_COUNTED]; /* secure ones, by the signature over their data; as failures */
    uint64_t stripped[2][2];                  /* RRSIGs, proofs; over UDP, TCP */
};
/* Where an algorithm is counted: registered ones by their row, all others together. */
size_t scheme_of(uint8_t algorithm);
/* "ECDSAP256SHA256", "other"; NULL: there is none. */
const char *scheme_text(size_t scheme);

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
void workers_listen(struct workers *workers, const struct listen_sockets *sockets);
void workers_unlisten(struct workers *workers, const struct address *address);
/* Afterwards nobody reads the settings before. */
void workers_use(struct workers *workers, const struct settings *settings);

/* The sum over all workers, as of now.  For the main thread alone: it waits until each has counted. */
void workers_get_stats(struct workers *workers, struct worker_stats *stats);
/* The same of signatures by key; the caller clears it. */
void workers_get_keys(struct workers *workers, struct key_sum *sum);

#endif
