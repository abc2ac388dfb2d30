/* A request: a client's question, followed link by link and judged, until there is an outcome. */
#ifndef RESOLVER_REQUEST_H
#define RESOLVER_REQUEST_H

#include "resolver/lookup.h"
#include "resolver/witness.h"

enum {
    PINS_MAX = 160,          /* links, and DS and DNSKEY sets on the way to the anchors: LOOKUPS_MAX binds earlier */
    DISTRUST_ROUNDS_MAX = 4, /* before Bogus is final: two other servers, then TCP, then a forwarder's own validation */
    EPOCH_RESTARTS_MAX = 2,
    BACKGROUND_MAX = 512, /* requests that nobody waits for: an eighth of what a worker's clients may have */
};

/* Something a request has learnt, or waits for; stays with it whatever the cache does. */
struct pin {
    struct question question;
    uint16_t origin;
    bool is_wanted; /* a lookup is under way; answer is what was there before it, or NULL */
    bool from_cache;
    bool retry_after_budget;     /* the lookup we had joined spent somebody else's budget */
    struct answer *answer;       /* NULL: failed, or not here yet */
    const struct answer *stored; /* the one that is in the cache with the verdict it has */
    struct answer *doubted;      /* what it was, and was found to be, before somebody else was asked */
    struct verdict *doubted_verdict;
    struct failure failure;
    bool failure_is_cached;
    struct provenance from;
    int64_t left_ms;     /* of the answer that is asked for anew, when that was decided */
    bool stale_is_known; /* expired data was looked for in its place */
};

/* What became of looking for a whole answer that has expired. */
struct stale_search {
    bool is_done;
    uint64_t epoch;        /* of the cache then */
    uint32_t max_age_s;    /* nothing older */
    struct outcome *found; /* NULL: nothing */
};

struct waiter {
    void *who;
    STAILQ_ENTRY(waiter) next;
};

struct request {
    struct task task;
    LIST_ENTRY(request) bucket; /* by question while it runs; among the buried afterwards */
    struct arena *arena;
    struct question question;
    bool checking_disabled;
    bool is_probe;                      /* its own name is asked of the network, whatever is known … */
    const struct single_server *single; /* … and of this server alone; NULL: of any */
    bool is_refresh;                    /* so are the links that end soon */
    bool in_background;                 /* goes on though nobody waits */
    struct purse *purse;
    struct budget synthesis; /* of its own: what is left must do for the proof of what servers say */
    uint64_t epoch;          /* of the cache when it began: a flush since then makes it begin again */
    uint8_t epoch_restarts;
    struct validation_memo *memo;
    struct timer timer; /* gives up */
    STAILQ_HEAD(, waiter) waiters;
    struct wait_list waits;

    struct pin *pins[PINS_MAX];
    uint16_t pin_count;
    uint16_t link_count;
    struct pin *links[CNAME_LINKS_MAX + 1];
    struct distrust distrust; /* whose data did not validate */
    uint16_t doubted_links;   /* the last of so many was Bogus, and somebody else is asked; 0: none was */
    bool doubt_failed;        /* and could not tell */
    uint8_t word_doubts;      /* what others are Bogus by was asked for anew, since one server alone had told it */
    bool asked_somebody;      /* a lookup was started */
    struct testimony testimony;

    int64_t give_up_ms;  /* monotonic */
    bool client_is_late; /* it has waited for long enough, a stale answer will do */
    bool rests_on_stale; /* a DS or DNSKEY set that has expired was used: verdicts are for this request alone */
    struct stale_search stale_search;

    bool finished;
    struct outcome outcome;
};

/* request.c */
void request_decide(struct resolver *r, struct request *q, struct now now, bool *turn_is_over);
void request_deliver(struct resolver *r, struct request *q, const struct lookup *found, struct now now);
void request_timed_out(struct resolver *r, struct request *q, struct now now);
struct request *request_new(struct resolver *r, const struct question *question, bool checking_disabled,
                            struct now now);
void request_free(struct resolver *r, struct request *q);
/* Nobody needs to wait for it; it may go on all the same. */
void request_to_background(struct resolver *r, struct request *q);

/* outcome.c: the end */
/* All who wait get the outcome, and wait no more. */
void request_tell_waiters(struct resolver *r, struct request *q, const struct outcome *outcome);
/* Nothing more is done for it. */
void request_abandon(struct resolver *r, struct request *q);
/* With what is in q->outcome. */
void request_finish(struct resolver *r, struct request *q, struct now now);
void request_finish_servfail(struct resolver *r, struct request *q, enum security security, const char *site,
                             struct now now);
/* A link could not be looked up. */
void request_finish_failed(struct resolver *r, struct request *q, const struct pin *pin, struct now now);
/* A link is Bogus or Indeterminate. */
void request_finish_refused(struct resolver *r, struct request *q, const struct pin *pin, struct now now);
/* A DNAME came with a CNAME that it does not yield. */
void request_finish_contradicted(struct resolver *r, struct request *q, struct now now);
/* All links are there. */
void request_finish_answered(struct resolver *r, struct request *q, struct now now);

/* pins.c */
struct pin *pin_find(struct request *q, const struct question *question);
/* NULL: a request has room for PINS_MAX. */
struct pin *pin_add(struct resolver *r, struct request *q, const struct question *question);
/* A DS or DNSKEY set: for the validator, unless it is what the client asked for. */
bool pin_is_fact(const struct pin *pin);
/* The pin has neither an answer nor a failure yet. */
bool pin_is_open(const struct pin *pin);
/* false: the cache has no fresh answer. */
bool pin_take_cached(struct resolver *r, struct request *q, struct pin *pin, struct now now);
/* Waits for a lookup. */
void pin_wish(struct resolver *r, struct request *q, struct pin *pin, struct now now);

/* facts.c: for the validator */
struct fact_source {
    struct resolver *r;
    struct request *q;
    struct now now;
};
struct facts facts_of(struct fact_source *source);
/* What came along with an alias may be all that there is to say of a DS set below its zone (RFC 4035 section 3.1.4):
 * then nobody needs to be asked.  false: it proves nothing of the kind. */
bool facts_take_companions(struct request *q, struct pin *pin, const struct validation *validation);

/* doubt.c */
/* Before Bogus is final: keys that may be out of date, other servers of the zone, then TCP, within the budget.  true:
 * try again. */
bool doubt_begin(struct resolver *r, struct request *q, struct pin *link, struct now now);
/* That somebody else cannot tell does not make Bogus data Indeterminate. */
void doubt_give_up(struct request *q);
/* Where the chain broke: the bogus set nearest to the anchor, DS before the keys below it; else the link itself. */
struct pin *doubt_culprit(struct request *q, struct pin *link);

/* renewal.c: the DNSKEY or DS set by which the culprit is Bogus for want of a key, if it is the cache's and may be out
 * of date; NULL: it is not. */
struct pin *renewal_find(struct request *q, const struct pin *culprit, struct now now);
/* When two servers have said the same: what the culprit is Bogus by, or for want of signatures the DS set or its
 * denial, if that may be out of date, or if one server has told it just now; NULL: it is neither. */
struct pin *renewal_find_word(struct request *q, const struct pin *culprit, struct now now);

/* testimony.c */
/* A link was judged: whose word made it so? */
void testimony_note(struct request *q, struct pin *link, const struct validation *validation);

/* synthesis.c: answers made of what was proven for other names */
enum { SYNTHESIS_HASHES_MAX = 32 }; /* of one client's question: HASHES_PER_TURN */
/* The answer as the zone would give it now, Secure, in the arena of q; NULL: somebody must be asked. */
struct answer *synthesise(struct resolver *r, struct request *q, const struct question *question, struct now now);
/* An answer that came from a wildcard says what others below the same name get (RFC 8198 section 5.3). */
void synthesis_learn(struct resolver *r, struct request *q, const struct answer *answer, struct now now);

/* stale.c: expired data (RFC 8767) */
/* How long ago data may have expired where nobody can tell anything newer. */
uint32_t stale_last_age_s(const struct resolver *r);
bool stale_is_allowed(const struct resolver *r, const struct request *q, struct now now);
/* The request has failed: is there something to serve instead?  Then it is the outcome. */
bool stale_stands_in(struct resolver *r, struct request *q, const char *why, struct now now);
/* The request waits.  Its clients may have waited for long enough: they are served what there is, and it goes on in the
 * background.  true: it is in q->outcome, and there is no room in the background. */
bool stale_while_waiting(struct resolver *r, struct request *q, struct now now);
/* A DS or DNSKEY set cannot be had: one that has expired stands in. */
bool stale_fact(struct resolver *r, struct request *q, struct pin *pin, struct now now);
/* The same for a client that has waited for long enough: whoever is asked for the set goes on being asked.  true:
 * decide again. */
bool stale_facts_stand_in(struct resolver *r, struct request *q, struct now now);
/* The outcome is fresh but for the facts that it was validated by. */
void stale_mark_verdict(struct resolver *r, struct request *q, struct now now);

/* prefetch.c */
/* A request in the background that joins the lookup under way at once, before whoever started that leaves. */
void refresh_join(struct resolver *r, const struct question *question, struct now now);
bool prefetch_is_due(const struct answer *answer, struct now now);
/* The cached answer to this question is in use. */
void prefetch_used(struct resolver *r, const struct question *question, uint16_t origin, const struct answer *answer,
                   struct now now);

/* report.c */
/* The request has failed: whoever wants to know is told, in the background. */
void report_failure(struct resolver *r, const struct request *q, struct now now);

#endif
