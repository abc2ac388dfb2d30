/* The resolver from inside.  Two kinds of task share one run queue:
 *
 *   request  a client's question: follows CNAMEs link by link, has each link judged, gets the DS and DNSKEY sets that
 *            the validator lacks.  Same question, same CD: one request, several waiters.
 *   lookup   one (qname, qtype) asked of authoritative servers or forwarders, CNAMEs not followed, nothing validated.
 *            Requests wait for lookups; lookups wait for lookups (addresses of name servers, priming).
 *
 * A task keeps facts, not progress: its decide function looks at all it knows and names the next want.  Data lives in
 * the arena of the task; what goes from a lookup to those who wait for it is copied. */
#ifndef RESOLVER_INTERNAL_H
#define RESOLVER_INTERNAL_H

#include <sys/queue.h>

#include "resolver/reply.h"
#include "resolver/resolver.h"
#include "resolver/servers.h"
#include "resolver/witness.h"
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

/* ---- lookup ---- */

enum {
    CUT_TARGETS_MAX = 64,       /* addresses considered at one cut */
    SENDS_PER_TARGET_MAX = 3,   /* per transport: RFC 9520 section 3.1 */
    REFUSALS_BORNE = 2,         /* by servers that are asked again: a failure may pass */
    MINIMISE_COUNT_MAX = 10,    /* RFC 9156 section 2.3 */
    MINIMISE_ONE_LABEL = 4,     /* the same: the first so many questions add one label each */
    MINIMISED_TIMEOUTS_MAX = 3, /* then servers get the whole name: some drop what they do not expect */
    FORGED_MAX = 20,            /* wrong replies to one question until it is asked over TCP (RFC 5452 section 9.2) */
    AVOID_MAX = 4,              /* servers whose data did not validate, while another is tried */
};

struct target { /* one address of a server of the cut */
    struct address address;
    uint8_t udp_sent, tcp_sent;
    bool given_up;       /* lame, refused, malformed …: not asked again in this lookup */
    bool recursion_lame; /* answered from recursion, or with nothing: only when nobody else does better */
    bool use_tcp;        /* truncated, or forged replies were seen */
    bool udp_alone;      /* the latter, and it speaks no TCP: whatever is forged */
    bool no_edns;
    bool plain;          /* refused a question with CD set and letters in both cases */
    bool no_options;     /* stumbled over EDNS options, or seemed to */
    bool cookie_was_bad; /* BADCOOKIE: asked once more with the new one */
};

struct server_name { /* how far its addresses are looked for */
    bool asked_ipv4, asked_ipv6;
    bool is_hinted;       /* glue of a zone above it was looked for */
    bool is_awaited;      /* a lookup is under way */
    bool has_failed;      /* one of them, rather than told that there is no address */
    bool is_paid;         /* out of the budget, until there is one */
    struct dname *target; /* it is an alias of that, as it must not be (RFC 2181 section 10.3); NULL: it is none */
};

struct cut { /* where the question stands */
    struct delegation *delegation;
    bool configured;            /* addresses out of the configuration: special ones may be asked */
    bool recursive;             /* a forwarder: RD=1 */
    bool tcp_alone;             /* the rule says so */
    bool from_cache;            /* known before this lookup: may be outdated */
    const struct address *only; /* NULL: any target will do */
    struct arena *arena;        /* the lookup's */
    uint16_t target_count;
    struct target *targets[CUT_TARGETS_MAX];
    struct server_name names[NS_PER_ZONE_MAX]; /* of delegation->servers */
    uint8_t names_asked;
    bool glue_is_doubted; /* nobody could be reached by it */
    bool wants_more;      /* addresses of a kind that glue does not tell are looked for, too */
    bool tcp_is_tried;    /* of somebody who was silent over UDP */
    bool names_are_known; /* the cache was looked into for their addresses */
};

/* How a lookup asks when data from earlier servers did not validate. */
struct distrust {
    uint8_t rounds; /* 0: nothing wrong yet */
    uint8_t avoid_count;
    struct address avoid[AVOID_MAX]; /* asked only when nobody else is left, and then over TCP */
    bool checking_enabled;           /* forwarders: CD=0, so that they sort the bad data out themselves */
};

enum lookup_end { LOOKUP_RUNNING, LOOKUP_ANSWERED, LOOKUP_FAILED };

struct lookup {
    struct task task;
    LIST_ENTRY(lookup) bucket;
    struct arena *arena;
    struct question question;
    uint16_t origin;
    struct zone_rule *rule;             /* the forward or stub zone that holds the name; NULL: iterate.  A copy */
    bool is_priming;                    /* ". NS" asked of the hints, or the same of a stub zone */
    bool is_fresh;                      /* no cached failure counts, never shared */
    int64_t leeway_ms;                  /* delegations that have no longer to live are passed over */
    const struct single_server *single; /* NULL: any server will do */
    uint8_t depth;
    struct distrust distrust;
    struct purse *purse;
    struct wait_list waiters;
    struct wait_list waits;
    int64_t give_up_ms; /* monotonic */
    uint64_t last_walk; /* of the waits-for graph that came by */

    struct cut *cut;       /* NULL: to be found */
    bool primed;           /* priming was tried by this lookup */
    bool news_used;        /* what another lookup was told by the parent was taken, once */
    bool cut_is_doubted;   /* a delegation of the cache led nowhere: its parent is asked, once */
    struct dname doubted;  /* … the zone it is of */
    bool old_cut_is_tried; /* an expired delegation was looked for */
    int64_t began_ms;      /* monotonic */
    uint64_t epoch;        /* of the cache when it began */
    uint8_t referrals;
    uint8_t known_labels;       /* no cut at or above that many labels of qname, below the cut's zone */
    uint8_t minimised;          /* minimised questions sent */
    uint8_t minimised_timeouts; /* at this cut */
    bool full_name;             /* no more minimised questions at this cut (doc/decisions/0005) */
    bool accept_recursion_lame;
    bool was_empty;      /* a reply: the next one is believed */
    bool asked_plainly;  /* who refused was asked once more */
    bool accept_avoided; /* nobody else is left but those in distrust.avoid */
    bool lacks_names;    /* the budget did not suffice for all that could be found */
    bool glue_used;      /* glue of other zones' delegations was tried for server names */

    uint64_t exchange; /* 0: nothing in flight */
    LIST_ENTRY(lookup) exchange_bucket;
    struct timer timer; /* of the exchange */
    int64_t sent_ms;
    uint16_t id;
    bool sent_tcp;
    bool sent_edns;
    bool sent_options;
    bool sent_plain;
    bool sent_cookie;
    uint8_t cookie[COOKIE_CLIENT_OCTETS]; /* our part */
    uint8_t forged;                       /* replies that did not belong to the question */
    struct target *target;                /* asked now */
    struct question asked;                /* the question in flight */
    bool case_is_random;                  /* 0x20 */
    struct dname asked_on_wire;           /* its name as it was written: in random case, perhaps */

    enum lookup_end end;
    struct answer *answer; /* LOOKUP_ANSWERED */
    struct address from;   /* … by this server */
    bool from_tcp;
    bool without_edns;         /* the last reply was */
    const struct dname *agent; /* … which wants errors reported there (RFC 9567); NULL: it does not say */
    struct failure failure;    /* LOOKUP_FAILED */
    bool failure_is_cached;
    uint8_t timeouts, refusals; /* for the text of the failure */
};

/* ---- request ---- */

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
    bool retry_after_budget; /* the lookup we had joined spent somebody else's budget */
    struct answer *answer;   /* NULL: failed, or not here yet */
    struct answer *doubted;  /* what it was, and was found to be, before somebody else was asked */
    struct verdict *doubted_verdict;
    struct failure failure;
    bool failure_is_cached;
    struct address from; /* the server that said it; family 0: out of the cache */
    bool from_tcp, without_edns;
    const struct dname *agent; /* to whom that server wants errors reported; NULL: to nobody */
    int64_t left_ms;           /* of the answer that is asked for anew, when that was decided */
    bool stale_is_known;       /* expired data was looked for in its place */
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
    bool asked_somebody;      /* a lookup was started */
    struct testimony testimony;

    int64_t give_up_ms;       /* monotonic */
    bool client_is_late;      /* it has waited for long enough, a stale answer will do */
    bool rests_on_stale;      /* a DS or DNSKEY set that has expired was used: verdicts are for this request alone */
    bool stale_is_known;      /* expired data was looked for … */
    uint64_t stale_epoch;     /* … in this epoch of the cache … */
    uint32_t stale_max_age_s; /* … no older than this … */
    struct outcome *stale;    /* … and this was found; NULL: nothing */

    bool finished;
    struct outcome outcome;
};

/* ---- the whole ---- */

enum { TABLE_BUCKETS = 4096 };

STAILQ_HEAD(task_queue, task);
LIST_HEAD(lookup_list, lookup);
LIST_HEAD(request_list, request);

struct queued_want {
    struct want want;
    struct octets packet; /* memory_new()ed; the exchange's packet */
    STAILQ_ENTRY(queued_want) next;
};

struct resolver {
    struct resolver_parts parts;
    struct verifier *verifier;
    struct servers *servers;
    struct timers exchange_timers, request_timers;
    struct task_queue ready;
    STAILQ_HEAD(, queued_want) wants;
    struct queued_want *handed_out; /* what the last resolver_next() lent to the host */
    struct request_list buried;     /* finished, their outcome may still be lent */
    struct lookup_list lookups[TABLE_BUCKETS];
    struct request_list requests[TABLE_BUCKETS];
    struct lookup_list exchanges[TABLE_BUCKETS];
    uint64_t last_exchange, last_walk;
    int64_t reports_since_ms; /* monotonic: when the second began in which … */
    unsigned reports_in_second;
    struct resolver_stats stats;
};

/* resolver.c: queue, wants, waiting */
void task_wake(struct resolver *r, struct task *task);
struct purse *purse_new(const struct resolver_options *options);
struct purse *purse_hold(struct purse *purse);
void purse_release(struct purse *purse);
void wait_for(struct task *waiter, struct wait_list *waits, struct lookup *lookup);
void wait_end(struct resolver *r, struct wait *wait);
void want_exchange(struct resolver *r, const struct exchange *exchange);
void want_cancel(struct resolver *r, uint64_t exchange);
void want_done(struct resolver *r, void *waiter, const struct outcome *outcome);
uint64_t question_hash(const struct question *question, uint64_t seed);
bool question_equal(const struct question *a, const struct question *b);
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

/* lookup.c */
struct lookup_wish {
    const struct question *question;
    const struct distrust *distrust;    /* NULL: none */
    const struct single_server *single; /* NULL: any server will do */
    bool is_fresh;                      /* ask the network, whatever failed before; not shared */
    int64_t leeway_ms;
    struct purse *purse;
    uint8_t depth;
};
/* Joins the lookup that is under way, or starts one. */
struct lookup *lookup_want(struct resolver *r, const struct lookup_wish *wish, struct now now);
void lookup_decide(struct resolver *r, struct lookup *l, struct now now);
/* One that others may join. */
bool lookup_is_under_way(struct resolver *r, const struct question *question);
/* Waits for the lookup of question; false: it would wait for us, or the budget says no. */
bool lookup_join(struct resolver *r, struct lookup *l, const struct question *question, struct now now);
/* Nothing was flushed since it began, nor other servers configured: what it finds may be kept, and shared with those
 * who ask now.  Else it is for those alone who wait for it. */
bool lookup_is_current(const struct resolver *r, const struct lookup *l);
/* For the cache, unless its zone goes without. */
void lookup_keep(struct resolver *r, const struct lookup *l, const struct answer *answer, struct now now);
/* The answer, for the cache and all who wait; the lookup is gone then. */
void lookup_finish(struct resolver *r, struct lookup *l, struct answer *answer, struct now now);
/* The parent of a doubted cut has spoken, or says nothing: the zone's other names are no reason to ask it again soon
 * (RFC 9520 section 3.3). */
void lookup_spare_parent(struct resolver *r, const struct lookup *l, struct now now);
/* Goes on at the servers of this delegation. */
void lookup_enter_cut(struct resolver *r, struct lookup *l, struct delegation *delegation);
/* Nobody waits for it any more. */
void lookup_abandon(struct resolver *r, struct lookup *l);

/* renewal.c: the DNSKEY or DS set by which the culprit is Bogus for want of a key, if it is the cache's and may be out
 * of date; NULL: it is not. */
struct pin *renewal_find(struct request *q, const struct pin *culprit, struct now now);

/* cut.c: where the question stands */
struct cut *cut_new(const struct resolver_options *options, struct lookup *l, struct delegation *delegation);
/* With its names, in the arena. */
struct zone_rule *zone_rule_copy(struct arena *arena, const struct zone_rule *rule);
/* A forward or stub zone, as if it were delegated to the configured addresses. */
struct cut *cut_of_rule(const struct resolver_options *options, struct lookup *l);
/* The deepest one known that holds the name; NULL if there is none. */
struct cut *cut_of_cache(struct resolver *r, struct lookup *l, struct now now);
/* Can servers with IPv4 addresses be reached, by themselves or through NAT64? */
bool cut_speaks_ipv4(const struct resolver_options *options);
bool cut_may_ask(const struct resolver_options *options, const struct address *address);
/* Its addresses in the delegation may be asked at once: they are the delegated zone's own glue, or
 * others' is good enough. */
bool cut_uses_glue(const struct resolver_options *options, const struct delegation *delegation,
                   const struct delegation_server *server);
void cut_add_target(const struct resolver_options *options, struct cut *cut, const struct address *address);
/* One of the fastest that may still be asked; NULL if none is left. */
struct target *cut_choose_target(struct resolver *r, struct lookup *l, struct now now);
bool cut_has_targets_left(struct resolver *r, const struct lookup *l, struct now now);
/* Its data did not validate. */
bool lookup_avoids(const struct lookup *l, const struct address *address);

/* addresses.c: of name servers whose delegation did not tell them */
/* All that the cache knows, once at a cut: those asked first are no good.  true: somebody new can be asked. */
bool lookup_take_known_addresses(struct resolver *r, struct lookup *l, struct now now);
/* Takes them from the cache, or waits for them; false: there are no more names to look up. */
bool lookup_want_addresses(struct resolver *r, struct lookup *l, struct now now);
bool lookup_has_names_left(const struct resolver *r, const struct lookup *l);
/* Glue may be outdated, or of a kind that cannot be reached: once, names outside the zone are looked up all the same.
 * false: there are none. */
bool lookup_doubt_glue(struct resolver *r, struct lookup *l);
/* Data of all addresses that are known did not validate: once, names are looked up for those of the kind that glue does
 * not tell, if options say so.  false: there are none. */
bool lookup_want_more_addresses(struct resolver *r, struct lookup *l);
/* What else could be found is of no use any more. */
void lookup_wait_no_more(struct resolver *r, struct lookup *l);
/* Servers of a rule that are known by name: those whose addresses are cached may be asked, the others' are looked for
 * in the background, so that they are at hand when the servers known by address fail. */
void lookup_add_named_servers(struct resolver *r, struct lookup *l, struct now now);
/* What a lookup that this one waited for has found. */
void lookup_deliver(struct resolver *r, struct lookup *l, const struct lookup *found, struct now now);
/* The last hope, once: glue that came with the delegation of the names' own zones.  true: there is somebody to ask. */
bool lookup_use_foreign_glue(struct resolver *r, struct lookup *l, struct now now);

/* absorb.c: what became of the question in flight */
/* A reply that belongs to it.  It lives in the scratch arena, as does what is made of it: a lookup keeps the delegation
 * alone, whatever many servers send. */
void lookup_absorb(struct resolver *r, struct lookup *l, const struct message *reply, enum err read,
                   struct arena *scratch, struct now now);
void lookup_exchange_failed(struct resolver *r, struct lookup *l, enum exchange_failure how, struct now now);
/* A reply came that does not belong to it. */
void lookup_forged(struct resolver *r, struct lookup *l, struct now now);
void lookup_timed_out(struct resolver *r, struct lookup *l, struct now now);
/* Nothing is in flight any more; no harm if nothing was. */
void lookup_exchange_over(struct resolver *r, struct lookup *l);

/* request.c */
void request_decide(struct resolver *r, struct request *q, struct now now, bool *turn_is_over);
void request_deliver(struct resolver *r, struct request *q, const struct lookup *found, struct now now);
void request_timed_out(struct resolver *r, struct request *q, struct now now);
struct request *request_new(struct resolver *r, const struct question *question, bool checking_disabled,
                            struct now now);
void request_free(struct resolver *r, struct request *q);

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
/* Before Bogus is final: keys that may be out of date, other servers of the zone, then TCP, within the
 * budget.  true: try again. */
bool doubt_begin(struct resolver *r, struct request *q, struct pin *link, struct now now);
/* That somebody else cannot tell does not make Bogus data Indeterminate. */
void doubt_give_up(struct request *q);
/* Where the chain broke: the bogus set nearest to the anchor, DS before the keys below it; else the link itself. */
struct pin *doubt_culprit(struct request *q, struct pin *link);

/* testimony.c */
/* A link was judged: whose word made it so? */
void testimony_note(struct request *q, struct pin *link, const struct validation *validation);

/* synthesis.c: answers made of what was proven for other names */
enum { SYNTHESIS_HASHES_MAX = 32 }; /* of one client's question: HASHES_PER_TURN */
/* The answer as the zone would give it now, Secure, in the arena of q; NULL: somebody must be asked. */
struct answer *synthesise(struct resolver *r, struct request *q, const struct question *question, struct now now);
/* May a name error be used for names below?  By the options alone. */
bool synthesis_may_cut(const struct resolver_options *options, const struct question *question, uint16_t origin);
/* An answer that came from a wildcard says what others below the same name get (RFC 8198 section 5.3). */
void synthesis_learn(struct resolver *r, struct request *q, const struct answer *answer, struct now now);

/* cookies.c */
/* Our cookie for l->target, and the server's own if it has shown one; l->sent_cookie and l->cookie are set. */
void lookup_put_cookie(struct resolver *r, struct lookup *l, struct now now, struct edns *edns,
                       uint8_t buffer[COOKIE_OCTETS_MAX]);
/* It shows another client's cookie: not for us. */
bool lookup_cookie_is_forged(const struct lookup *l, const struct message *reply);
/* Remembers what the server shows.  true: the reply must not be used, the server is to be asked again. */
bool lookup_cookie_wants_more(struct resolver *r, struct lookup *l, const struct message *reply);

/* Nobody needs to wait for it; it may go on all the same. */
void request_to_background(struct resolver *r, struct request *q);
/* All who wait get the outcome, and wait no more. */
void request_tell_waiters(struct resolver *r, struct request *q, const struct outcome *outcome);

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
/* The same for a client that has waited for long enough: whoever is asked for the set goes on being
 * asked.  true: decide again. */
bool stale_facts_stand_in(struct resolver *r, struct request *q, struct now now);
/* The outcome is fresh but for the facts that it was validated by. */
void stale_mark_verdict(struct resolver *r, struct request *q, struct now now);
void stale_mark(struct outcome *outcome, const char *why);
/* How long a failure is to be kept: STALE_RECHECK_S if something stale can be served meanwhile; 0: as any failure. */
uint32_t stale_recheck_s(struct resolver *r, const struct question *question, struct now now);
/* The servers of the cut are silent: go on from an expired delegation below it.  false: there is none. */
bool stale_use_old_cut(struct resolver *r, struct lookup *l, struct now now);

/* prefetch.c */
/* A request in the background that joins the lookup under way at once, before whoever started that leaves. */
void refresh_join(struct resolver *r, const struct question *question, struct now now);
/* One that starts by itself. */
void refresh_start(struct resolver *r, const struct question *question, struct now now);
bool prefetch_is_due(const struct answer *answer, struct now now);
/* The cached answer to this question is in use. */
void prefetch_used(struct resolver *r, const struct question *question, uint16_t origin, const struct answer *answer,
                   struct now now);

/* report.c */
/* The agent that a server names, in the arena; NULL if it names none. */
const struct dname *report_agent_of(const struct edns *edns, struct arena *arena);
/* The request has failed: whoever wants to know is told, in the background. */
void report_failure(struct resolver *r, const struct request *q, struct now now);

/* question.c: what goes over the wire */
/* The name and type to ask the cut's servers next (RFC 9156). */
void lookup_minimise(const struct resolver_options *options, const struct lookup *l, struct question *ask);
/* Writes the question into the buffer; l->asked, l->id, l->sent_edns are set. */
struct octets lookup_write_question(struct resolver *r, struct lookup *l, const struct question *ask, struct now now,
                                    uint8_t *buffer, size_t size);

#endif
