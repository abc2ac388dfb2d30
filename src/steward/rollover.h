/* The chore that follows trust anchors: asks each managed zone for its DNSKEY set at the intervals of RFC 5011 section
 * 2.3, has rfc5011.h judge what came, and signals the anchors in use (RFC 8145 section 5).  No I/O, no clock: its host
 * asks for it. */
#ifndef STEWARD_ROLLOVER_H
#define STEWARD_ROLLOVER_H

#include "resolver/resolver.h"
#include "trust/rfc5011.h"

struct rollover;

struct rollover_host {
    void *context;
    /* resolver_probe(); rollover_answer() has to follow with the same waiter, or rollover_free(). */
    void (*probe)(void *context, const struct question *question, bool checking_disabled, void *waiter);
    /* A question has been answered or has failed: the zone's timers are new, and as many of its keys as changes->count
     * have another state. */
    void (*observed)(void *context, const struct managed_zone *zone, const struct anchor_changes *changes,
                     struct now now);
};

struct rollover_options {
    bool refresh; /* trust.automatic-update; false: nothing is asked */
    bool signal;  /* trust.signal-anchors */
};

struct rollover_stats {
    uint64_t refreshes, failures, signals;
};

/* managed and random outlive it; only it and its host's orders change the former. */
struct rollover *rollover_new(const struct rollover_host *host, struct managed *managed, struct random *random);
void rollover_free(struct rollover *rollover);
/* Before the first tick, and whenever one of them has changed; policy and trust outlive the next call. */
void rollover_configure(struct rollover *rollover, const struct rollover_options *options,
                        const struct crypto_policy *policy, const struct trust *trust);

/* Asks the zones whose time has come; call it now and then, at least once a minute. */
void rollover_tick(struct rollover *rollover, struct now now);
/* Asks all of them now; how many.  0: switched off, or the clock is unfit. */
size_t rollover_refresh_all(struct rollover *rollover, struct now now);
void rollover_answer(struct rollover *rollover, void *waiter, const struct outcome *outcome, struct now now);
void rollover_get_stats(const struct rollover *rollover, struct rollover_stats *stats);

#endif
