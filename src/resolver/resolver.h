/* The resolver: iteration (RFC 1034 section 5.3.3), validation of every answer, CNAME chains, budgets.  It does no I/O
 * and asks no clock.  One per worker thread, not shared.
 *
 * How a host (worker, scenario runner, the vouch tool, a fuzzer) drives it:
 *
 *     resolver_ask(r, …)                       a client's question
 *     while (resolver_next(r, now, &want))     until it wants nothing more for now
 *         WANT_EXCHANGE   send exchange->packet to exchange->server, keep the exchange's id
 *         WANT_CANCEL     drop that exchange; nothing is awaited from it any more
 *         WANT_DONE       the waiter's question is settled: write its response from the outcome
 *         WANT_TURN       serve others, then call resolver_next() again soon
 *     resolver_absorb(r, id, reply)            when a datagram or TCP message comes from the exchange's server
 *     resolver_exchange_failed(r, id, how)     when the system says it cannot be reached
 *     resolver_tick(r, now)                    not later than resolver_deadline_ms(r)
 *
 * and calls resolver_next() again after each of the latter. */
#ifndef RESOLVER_RESOLVER_H
#define RESOLVER_RESOLVER_H

#include "base/random.h"
#include "cache/cache.h"
#include "resolver/hooks.h"
#include "resolver/options.h"
#include "validator/validator.h"

struct resolver;
struct witness; /* resolver/witness.h */

/* All of these outlive the resolver, or are replaced by resolver_configure(). */
struct resolver_parts {
    struct cache *cache;
    struct random *random;
    const struct resolver_options *options;
    const struct crypto_policy *policy;
    const struct trust *trust;
    const struct hooks *hooks;     /* may be NULL */
    const struct witness *witness; /* may be NULL */
    bool explain;                  /* outcomes carry explanations */
};
struct resolver *resolver_new(const struct resolver_parts *parts);
void resolver_free(struct resolver *resolver);
/* The host has sockets for so many exchanges, and says so before the first question.  EXCHANGES_MAX: as many are shared
 * out, whatever there is. */
enum { EXCHANGES_MAX = 4096 };
void resolver_limit_exchanges(struct resolver *resolver, unsigned exchanges_max);
/* New options, policy or trust.  What is in flight goes on and decides its next step by the new ones.  The old parts
 * are not used any more when this returns. */
void resolver_configure(struct resolver *resolver, const struct resolver_parts *parts);

enum transport { TRANSPORT_UDP, TRANSPORT_TCP };

struct exchange {
    uint64_t id; /* never used twice by one resolver */
    struct address server;
    enum transport transport;
    struct octets packet; /* the question in wire form, without TCP length; borrowed until the next resolver_… call */
};

/* The end of a question. */
struct outcome {
    struct question question;
    uint16_t rcode;
    enum security security; /* the weakest link's; UNCHECKED if the waiter set CD and nothing was known */
    uint16_t link_count;
    struct answer *const *links; /* the chain in order; each with the time it was received */
    uint16_t ede_count;
    struct outcome_ede {
        int code;
        const char *text;
    } edes[4];                   /* root cause first */
    const char *site;            /* which check or step decided, for the log; NULL when all is well */
    bool from_cache;             /* no question was sent for it */
    bool is_stale;               /* RFC 8767: it, or what it was validated by, has expired; AD as answer_options say */
    bool is_repeatable;          /* every link is the cache's: asked again, it is the same until one of them ends */
    uint64_t epoch;              /* of the cache when it was decided */
    const struct budget *budget; /* what is left of it */
};

/* Unless it is there, or there is no room left. */
void outcome_add_ede(struct outcome *outcome, int code, const char *text);
/* The same with other links, for this client alone: what was proven was proven of those that it had. */
void outcome_retell(struct outcome *told, const struct outcome *outcome, struct answer *const *links,
                    uint16_t link_count);

enum want_kind { WANT_NOTHING, WANT_EXCHANGE, WANT_CANCEL, WANT_DONE, WANT_TURN };
struct want {
    enum want_kind kind;
    struct exchange exchange;      /* WANT_EXCHANGE; WANT_CANCEL: id alone */
    void *waiter;                  /* WANT_DONE */
    const struct outcome *outcome; /* WANT_DONE: valid until the next resolver_… call */
};

/* Asks a question on behalf of waiter, which comes back with WANT_DONE exactly once.  checking_disabled: the client set
 * CD (RFC 4035 section 3.2.2).  The same questions of several waiters are resolved once. */
void resolver_ask(struct resolver *resolver, const struct question *question, bool checking_disabled, void *waiter,
                  struct now now);
/* A question of our own that the network must answer: neither the cache nor local data does.  What is missing for its
 * validation may come out of the cache. */
void resolver_probe(struct resolver *resolver, const struct question *question, bool checking_disabled, void *waiter,
                    struct now now);

/* One server of a zone, asked apart from the others. */
struct single_server {
    struct dname zone;
    struct address address;
};
/* As resolver_probe(), but of that zone's servers none else is asked, and what it says is believed to be all there is:
 * nobody else is asked when it does not validate.  Its failure to answer is no failure of the question. */
void resolver_probe_server(struct resolver *resolver, const struct question *question,
                           const struct single_server *single, void *waiter, struct now now);

/* Asks anew for what is in use and ends soon, if options say so: in the background, nobody is told. */
void resolver_refresh(struct resolver *resolver, const struct question *question, struct now now);

/* Who has asked that by resolver_ask() does not wait any more, and is not told.  false: he waits for nothing, or what
 * he waits for is on its way to him. */
bool resolver_abandon(struct resolver *resolver, const struct question *question, bool checking_disabled,
                      const void *waiter);

/* Fills *want with the next thing wanted; false (WANT_NOTHING) if there is none until something happens. */
bool resolver_next(struct resolver *resolver, struct now now, struct want *want);

enum absorbed {
    ABSORBED,    /* the exchange is over: close its socket */
    ABSORB_WAIT, /* not an answer to our question (id, question, 0x20 or cookie differ): keep waiting */
};
enum absorbed resolver_absorb(struct resolver *resolver, uint64_t exchange, struct octets reply, struct now now);

enum exchange_failure {
    EXCHANGE_REFUSED,     /* connection refused, port unreachable */
    EXCHANGE_UNREACHABLE, /* no route, network down */
    EXCHANGE_CLOSED,      /* TCP closed or reset before the answer */
    EXCHANGE_NO_SOCKET,   /* out of descriptors or ports: not the server's fault */
};
void resolver_exchange_failed(struct resolver *resolver, uint64_t exchange, enum exchange_failure how, struct now now);

/* Monotonic time of the next thing that must happen by itself (a time-out); INT64_MAX if nothing is in flight. */
int64_t resolver_deadline_ms(const struct resolver *resolver);
void resolver_tick(struct resolver *resolver, struct now now);

/* Where the data for a question comes from by these options: the origin of its cache entries (message/answer.h). */
uint16_t resolver_origin(const struct resolver_options *options, const struct question *question);

enum synthesis_kind { SYNTHESIS_NXDOMAIN, SYNTHESIS_NODATA, SYNTHESIS_WILDCARD, SYNTHESIS_KINDS };

struct resolver_stats {
    uint64_t questions, exchanges_udp, exchanges_tcp, timeouts, forged_dropped, secure, insecure, bogus, indeterminate,
        servfail, signature_checks, nsec3_hashes, budgets_spent, coalesced, in_flight, stale_answers, prefetches,
        reports, background, signatures_recalled, crowded_out;
    uint64_t synthesised[2][SYNTHESIS_KINDS]; /* of NSEC, of NSEC3: RFC 8198 */
    uint64_t synthesised_cut;                 /* RFC 8020 */
};
void resolver_get_stats(const struct resolver *resolver, struct resolver_stats *stats);

#endif
