#include "tally.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

int64_t clock_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

/* Below LATENCY_STEPS a bucket is one nanosecond; above, each power of two has half as many buckets. */
static unsigned bucket_of(uint64_t ns)
{
    if (ns < LATENCY_STEPS)
        return (unsigned)ns;
    unsigned shift = 63 - (unsigned)__builtin_clzll(ns) - (__builtin_ctz(LATENCY_STEPS) - 1);
    unsigned bucket = shift * (LATENCY_STEPS / 2) + (unsigned)(ns >> shift);
    return bucket < LATENCY_POWERS * LATENCY_STEPS ? bucket : LATENCY_POWERS * LATENCY_STEPS - 1;
}

static uint64_t bucket_ns(unsigned bucket)
{
    if (bucket < LATENCY_STEPS)
        return bucket;
    unsigned shift = (bucket - LATENCY_STEPS / 2) / (LATENCY_STEPS / 2);
    return (uint64_t)(bucket - shift * (LATENCY_STEPS / 2)) << shift;
}

void tally_reply(struct tally *tally, enum fault fault, size_t octets, int64_t latency_ns)
{
    uint64_t ns = latency_ns > 0 ? (uint64_t)latency_ns : 0;
    tally->replies[fault]++;
    tally->octets += octets;
    tally->latencies[bucket_of(ns)]++;
    if (ns > tally->latency_max_ns)
        tally->latency_max_ns = ns;
}

uint64_t tally_replies(const struct tally *tally)
{
    uint64_t replies = 0;
    for (unsigned fault = 0; fault < FAULTS; fault++)
        replies += tally->replies[fault];
    return replies;
}

uint64_t tally_latency_ns(const struct tally *tally, unsigned per_mille)
{
    uint64_t wanted = (tally_replies(tally) * per_mille + 999) / 1000, seen = 0;
    for (unsigned bucket = 0; bucket < LATENCY_POWERS * LATENCY_STEPS; bucket++) {
        seen += tally->latencies[bucket];
        if (seen >= wanted && seen > 0)
            return bucket_ns(bucket);
    }
    return 0;
}

void tally_print(const struct tally *tally)
{
    uint64_t replies = tally_replies(tally);
    printf("{\"sent\": %" PRIu64 ", \"replies\": %" PRIu64 ", \"lost\": %" PRIu64 ", \"strays\": %" PRIu64, tally->sent,
           replies, tally->lost, tally->strays);
    for (unsigned fault = 0; fault < FAULTS; fault++)
        printf(", \"%s\": %" PRIu64, fault_names[fault], tally->replies[fault]);
    printf(", \"octets\": %.1f", replies == 0 ? 0.0 : (double)tally->octets / (double)replies);
    printf(", \"p50_ns\": %" PRIu64 ", \"p99_ns\": %" PRIu64 ", \"p999_ns\": %" PRIu64 ", \"max_ns\": %" PRIu64,
           tally_latency_ns(tally, 500), tally_latency_ns(tally, 990), tally_latency_ns(tally, 999),
           tally->latency_max_ns);
    printf(", \"seconds\": %.6f, \"ended_ns\": %" PRId64 "}\n", (double)(tally->ended_ns - tally->started_ns) / 1e9,
           tally->ended_ns);
}
