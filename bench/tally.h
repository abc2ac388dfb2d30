/* What came back, and how long it took. */
#ifndef BENCH_TALLY_H
#define BENCH_TALLY_H

#include "question.h"

enum {
    LATENCY_STEPS = 64,  /* buckets for each power of two: 1.6 % */
    LATENCY_POWERS = 40, /* of nanoseconds: up to 18 minutes */
};

struct tally {
    uint64_t sent, lost, strays, octets; /* octets: of all replies */
    uint64_t replies[FAULTS];
    uint64_t latencies[LATENCY_POWERS * LATENCY_STEPS];
    uint64_t latency_max_ns;
    int64_t started_ns, ended_ns;
};

int64_t clock_ns(void); /* CLOCK_MONOTONIC */

void tally_reply(struct tally *tally, enum fault fault, size_t octets, int64_t latency_ns);
uint64_t tally_replies(const struct tally *tally);
/* The latency that so many of a thousand replies stayed below. */
uint64_t tally_latency_ns(const struct tally *tally, unsigned per_mille);
/* One JSON object on standard output. */
void tally_print(const struct tally *tally);

#endif
