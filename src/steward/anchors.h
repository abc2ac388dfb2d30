/* The chore that follows trust anchors: asks each managed zone for its DNSKEY set at the intervals of RFC 5011 section
 * 2.3, has rfc5011.h judge what came, and signals the anchors in use (RFC 8145 section 5).  No I/O, no clock: its host
 * asks for it. */
#ifndef STEWARD_ANCHORS_H
#define STEWARD_ANCHORS_H

#include "resolver/resolver.h"
#include "trust/rfc5011.h"

struct anchor_keeper;

struct keeper_host {
    void *context;
    /* resolver_probe(); keeper_answer() has to follow with the same waiter, or keeper_free(). */
    void (*probe)(void *context, const struct question *question, bool checking_disabled, void *waiter);
    /* A question has been answered or has failed: the zone's timers are new, and as many of its keys as changes->count
     * have another state. */
    void (*observed)(void *context, const struct managed_zone *zone, const struct anchor_changes *changes,
                     struct now now);
};

struct keeper_options {
    bool refresh; /* trust.automatic-update; false: nothing is asked */
    bool signal;  /* trust.signal-anchors */
};

struct keeper_stats {
    uint64_t refreshes, failures, signals;
};

/* managed and random outlive the keeper; only the keeper and its host's orders change the former. */
struct anchor_keeper *keeper_new(const struct keeper_host *host, struct managed *managed, struct random *random);
void keeper_free(struct anchor_keeper *keeper);
/* Before the first tick, and whenever one of them has changed; policy and trust outlive the next call. */
void keeper_configure(struct anchor_keeper *keeper, const struct keeper_options *options,
                      const struct crypto_policy *policy, const struct trust *trust);

/* Asks the zones whose time has come; call it now and then, at least once a minute. */
void keeper_tick(struct anchor_keeper *keeper, struct now now);
/* Asks all of them now; how many.  0: switched off, or the clock is unfit. */
size_t keeper_refresh_all(struct anchor_keeper *keeper, struct now now);
void keeper_answer(struct anchor_keeper *keeper, void *waiter, const struct outcome *outcome, struct now now);
void keeper_get_stats(const struct anchor_keeper *keeper, struct keeper_stats *stats);

#endif
