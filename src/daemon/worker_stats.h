/* What a worker counts, for itself alone; added up when somebody asks. */
#ifndef DAEMON_WORKER_STATS_H
#define DAEMON_WORKER_STATS_H

#include "front/cookies.h"
#include "monitor/cause.h"
#include "resolver/resolver.h"
#include "transport/tcp_server.h"
#include "transport/udp_server.h"

enum {
    SCHEMES_COUNTED = 32, /* scheme_text() */
    RCODES_COUNTED = 24,  /* 0 to BADCOOKIE (23) */
};

/* Every field is a counter of 64 bits. */
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
    uint64_t failures[CAUSES];                /* of validation, as found (cached ones not): Bogus, Indeterminate */
    uint64_t signatures[SCHEMES_COUNTED][2];  /* tried: failed, good */
    uint64_t answers_signed[SCHEMES_COUNTED]; /* secure ones, by the signature over their data; as failures */
    uint64_t stripped[3][2];                  /* RRSIGs, proofs, EDNS with them; over UDP, TCP */
};
void worker_stats_add(struct worker_stats *sum, const struct worker_stats *part);

/* Where an algorithm is counted: registered ones by their row, all others together. */
size_t scheme_of(uint8_t algorithm);
/* "ECDSAP256SHA256", "other"; NULL: there is none. */
const char *scheme_text(size_t scheme);

#endif
