/* The resolver from inside.  Two kinds of task share one run queue:
 *
 *   request  a client's question: follows CNAMEs link by link, has each link judged, gets the DS and DNSKEY sets that
 *            the validator lacks.  Same question, same CD: one request, several waiters.
 *   lookup   one (qname, qtype) asked of authoritative servers or forwarders, CNAMEs not followed, nothing validated.
 *            Requests wait for lookups; lookups wait for lookups (addresses of name servers, priming).
 *
 * A task keeps facts, not progress: its decide function looks at all it knows and names the next want.  Data lives in
 * the arena of the task; what goes from a lookup to those who wait for it is copied.  resolver/request.h and
 * resolver/lookup.h have the tasks, here is what they share. */
#ifndef RESOLVER_INTERNAL_H
#define RESOLVER_INTERNAL_H

#include <sys/queue.h>

#include "resolver/resolver.h"
#include "resolver/servers.h"
#include "time/timers.h"

enum task_kind { TASK_REQUEST, TASK_LOOKUP };

struct task {
    enum task_kind kind;
    bool queued;
    bool dead; /* freed when it leaves the queue */
    STAILQ_ENTRY(task) next;
};

/* A budget and how many tasks spend out of it. */
struct purse {
    struct budget budget;
    unsigned holders;
};

/* waiter waits for lookup. */
struct wait {
    struct task *waiter;
    struct lookup *lookup;
    LIST_ENTRY(wait) of_lookup; /* all who wait for the same lookup */
    LIST_ENTRY(wait) of_waiter; /* all that the same task waits for */
};
LIST_HEAD(wait_list, wait);

/* ---- the whole ---- */

enum {
    TABLE_BUCKETS = 4096,
    CROWD_BUCKETS = 4096, /* zones that share one share its limit */
};

/* Lookups that servers have been asked for. */
struct crowds {
    unsigned total;
    uint32_t of_zone[CROWD_BUCKETS]; /* whose servers they are */
};

STAILQ_HEAD(task_queue, task);
LIST_HEAD(lookup_list, lookup);
LIST_HEAD(request_list, request);
LIST_HEAD(flight_list, flight);
TAILQ_HEAD(flight_queue, flight);

struct queued_want {
    struct want want;
    struct octets packet; /* memory_new()ed; the exchange's packet */
    STAILQ_ENTRY(queued_want) next;
};

struct resolver {
    struct resolver_parts parts;
    struct verifier *verifier;
    uint64_t verifier_epoch; /* of the cache: what was verified before the last flush is verified anew */
    struct servers *servers;
    struct timers exchange_timers, request_timers;
    struct task_queue ready;
    STAILQ_HEAD(, queued_want) wants;
    struct queued_want *handed_out; /* what the last resolver_next() lent to the host */
    struct request_list buried;     /* finished, their outcome may still be lent */
    struct lookup_list lookups[TABLE_BUCKETS];
    struct request_list requests[TABLE_BUCKETS];
    struct flight_list exchanges[TABLE_BUCKETS];
    struct crowds crowds;
    unsigned exchanges_max;   /* that the host has sockets for */
    struct flight_queue late; /* the oldest first */
    unsigned late_count;
    uint64_t last_exchange, last_walk;
    int64_t reports_since_ms; /* monotonic: when the second began in which … */
    unsigned reports_in_second;
    struct resolver_stats stats;
};

/* resolver.c: queue and wants */
void task_wake(struct resolver *r, struct task *task);
struct purse *purse_new(const struct resolver_options *options);
struct purse *purse_hold(struct purse *purse);
void purse_release(struct purse *purse);
void want_exchange(struct resolver *r, const struct exchange *exchange);
void want_cancel(struct resolver *r, uint64_t exchange);
void want_done(struct resolver *r, void *waiter, const struct outcome *outcome);
uint64_t question_hash(const struct question *question, uint64_t seed);
bool question_equal(const struct question *a, const struct question *b);
/* At a cut it is the parent that answers (RFC 4035 section 3.1.4.1). */
bool question_is_for_parent(const struct question *question);
/* The forward or stub zone that holds the name (for DS: its parent's side); NULL if none.  *origin is set. */
const struct zone_rule *zone_rule_for(const struct resolver_options *options, const struct question *question,
                                      uint16_t *origin);
/* At or below one of them. */
bool is_in_zones(const struct dname *name, const struct dname *zones, uint16_t count);
/* Answers from there go into the cache. */
bool origin_is_cached(const struct resolver_options *options, uint16_t origin);
/* What would hold the name if this rule, or the more specific ones, were not there. */
const struct zone_rule *zone_rule_above(const struct resolver_options *options, const struct zone_rule *rule,
                                        const struct question *question, uint16_t *origin);

/* waits.c */
void wait_for(struct task *waiter, struct wait_list *waits, struct lookup *lookup);
/* Lookups that nobody else waits for are abandoned. */
void wait_no_more(struct resolver *r, struct wait_list *waits);
/* Does `from` wait, however indirectly, for the goal?  true, too, where that is too much work to find out. */
bool waits_lead_to(struct resolver *r, struct lookup *from, const struct lookup *goal);

#endif
