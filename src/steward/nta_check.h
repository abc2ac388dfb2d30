/* The chore that looks whether negative trust anchors are needed still (RFC 7646 section 2): it asks for the zone's
 * SOA, NS and DNSKEY sets and for what failed when the anchor came, validated as if there were no negative trust anchor
 * at all, round by round; if all is well, the same of each server of the zone by itself, for those that are well would
 * hide one that is not.  And it finds out whether the name is a zone cut.  No I/O, no clock: its host asks for it. */
#ifndef STEWARD_NTA_CHECK_H
#define STEWARD_NTA_CHECK_H

#include "resolver/resolver.h"
#include "trust/nta.h"

enum {
    NTA_CONFIRM_S = 60,  /* the longest wait for the next round behind a good one */
    NTA_SERVERS_MAX = 8, /* whose names are looked up, and addresses that are asked one by one */
};

struct nta_check;

struct nta_check_host {
    void *context;
    /* resolver_probe(), by a resolver that knows no negative trust anchors; nta_check_answer() has to follow with the
     * same waiter, or nta_check_free(). */
    void (*probe)(void *context, const struct question *question, bool checking_disabled, void *waiter);
    /* resolver_probe_server(), by the same. */
    void (*probe_server)(void *context, const struct question *question, const struct single_server *single,
                         void *waiter);
    /* A round begins: what that resolver has cached is to be forgotten, the network shall answer. */
    void (*refresh)(void *context);
    /* A round is over: nta->good_rounds and nta->finding are new.  May drop it. */
    void (*checked)(void *context, struct nta *nta);
    /* nta->cut is known, as far as it can be. */
    void (*cut_known)(void *context, struct nta *nta);
};

struct nta_check_stats {
    uint64_t rounds_good, rounds_bad;
};

/* set and random outlive it. */
struct nta_check *nta_check_new(const struct nta_check_host *host, struct nta_set *set, struct random *random);
void nta_check_free(struct nta_check *check);
/* trust.negative-recheck; before the first tick, and after a reload. */
void nta_check_configure(struct nta_check *check, uint32_t interval_s);

/* Whether nta->zone is a zone cut: asks for it, unless it is known or asked for already. */
void nta_check_find_cut(struct nta_check *check, struct nta *nta);
/* Begins the rounds whose time has come.  Nothing is asked while the clock is unfit. */
void nta_check_tick(struct nta_check *check, struct now now);
void nta_check_answer(struct nta_check *check, void *waiter, const struct outcome *outcome, struct now now);
void nta_check_get_stats(const struct nta_check *check, struct nta_check_stats *stats);

#endif
