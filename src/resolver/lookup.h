/* A lookup: one question, asked of authoritative servers from the closest known cut downwards, or of forwarders. */
#ifndef RESOLVER_LOOKUP_H
#define RESOLVER_LOOKUP_H

#include "resolver/internal.h"

enum {
    CUT_TARGETS_MAX = 64,       /* addresses considered at one cut */
    SENDS_PER_TARGET_MAX = 3,   /* per transport: RFC 9520 section 3.1 */
    REFUSALS_BORNE = 2,         /* by servers that are asked again: a failure may pass */
    MINIMISE_COUNT_MAX = 10,    /* RFC 9156 section 2.3 */
    MINIMISE_ONE_LABEL = 4,     /* the same: the first so many questions add one label each */
    MINIMISED_TIMEOUTS_MAX = 3, /* then servers get the whole name: some drop what they do not expect */
    FORGED_MAX = 20,            /* wrong replies to one question until it is asked over TCP (RFC 5452 section 9.2) */
    CROWD_LARGE = 128,          /* lookups that wait for one zone: their time-outs are short, and spread */
    CROWD_BUSY_SHARE = 2,       /* once one in so many of the sockets is taken … */
    CROWD_ZONE_SHARE = 8, /* … no zone gets more than this part of them: as with one client's part of the places */
    STRAYS_MAX = 20,      /* those of other questions that are no sign of it */
    SILENCES_BORNE = 2,   /* questions at a cut that wait for as long as they should; then it is time to hurry */
    LATE_QUESTIONS_MAX = 512, /* of all lookups together: each holds a socket.  A lookup has a dozen at the worst */
    AVOID_MAX = 4,            /* servers whose data did not validate, while another is tried */
};

struct target { /* one address of a server of the cut */
    struct address address;
    uint8_t udp_sent, tcp_sent; /* of one question, and so bounded */
    uint8_t asked;              /* of all */
    bool has_replied;
    bool given_up;       /* lame, refused, malformed …: not asked again in this lookup */
    bool is_last_resort; /* answered from recursion, with nothing, or without glue: for when nobody does better */
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
    struct target *truncating;                 /* who replied last, and has more to say than UDP takes; NULL: nobody */
    struct server_name names[NS_PER_ZONE_MAX]; /* of delegation->servers */
    uint8_t names_asked;
    bool glue_is_doubted; /* nobody could be reached by it */
    bool wants_more;      /* addresses of a kind that glue does not tell are looked for, too */
    bool tcp_is_tried;    /* of somebody who was silent over UDP */
    bool names_are_known; /* the cache was looked into for their addresses */
    int64_t asked_ms;     /* monotonic: the first question since somebody has replied … */
    uint8_t silences;     /* … and how many since then have waited in vain */
};

/* What has been tried at the cut's servers, or is borne from them: forgotten when a referral leads on. */
struct at_cut {
    bool full_name;             /* no more minimised questions (doc/decisions/0005) */
    uint8_t minimised_timeouts; /* of such questions */
    bool accepts_last_resorts;  /* nobody else is left but those … */
    bool accepts_avoided;       /* … or those in distrust.avoid */
    bool was_empty;             /* a reply: the next one is believed */
    bool lacked_glue;           /* a referral: the next one is taken */
    bool glue_used;             /* glue of other zones' delegations was tried for server names */
};

/* A question on its way, as it was sent.  When it has waited for long enough somebody else is asked, but its reply is
 * still welcome: no answer is thrown away because a server is slow, or was asked twice since packets are lost.  It ends
 * with the lookup, with the cut, or when others need its socket. */
struct flight {
    LIST_ENTRY(flight) bucket;    /* by exchange */
    LIST_ENTRY(flight) of_lookup; /* in flight, or landed */
    TAILQ_ENTRY(flight) overdue;
    bool is_late; /* among r->late */
    struct lookup *lookup;
    const struct cut *cut;
    uint64_t exchange;
    struct target *target;
    uint8_t forged;   /* replies that did not belong to it */
    uint8_t strays;   /* … and before them those that belonged to another question, by what they say */
    bool is_hopeful;  /* the target was not known to be silent */
    bool is_counted;  /* as having waited in vain */
    bool is_returned; /* it does not count as one of those that the target may get */
    int64_t at_ms;    /* monotonic */
    uint16_t id;
    struct question question;  /* minimised, perhaps */
    struct dname name_on_wire; /* its name as it was written … */
    bool case_is_random;       /* … in random case (0x20) */
    bool over_tcp;
    bool with_edns;
    bool with_options;
    bool plainly; /* neither CD nor random case */
    bool with_cookie;
    uint8_t cookie[COOKIE_CLIENT_OCTETS]; /* our part of it */
};

/* How a lookup asks when data from earlier servers did not validate. */
struct distrust {
    uint8_t rounds; /* 0: nothing wrong yet */
    uint8_t avoid_count;
    struct address avoid[AVOID_MAX]; /* asked only when nobody else is left, and then over TCP */
    bool checking_enabled;           /* forwarders: CD=0, so that they sort the bad data out themselves */
};

/* Who has said it, and how. */
struct provenance {
    struct address server; /* family 0: nobody just now, it is out of the cache */
    bool over_tcp;
    bool without_edns;         /* the reply was */
    const struct dname *agent; /* which the server wants told of errors (RFC 9567); NULL: it names none */
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

    struct cut *cut; /* NULL: to be found */
    struct at_cut at_cut;
    bool primed;                   /* priming was tried by this lookup */
    bool news_used;                /* what another lookup was told by the parent was taken, once */
    bool cut_is_doubted;           /* a delegation of the cache led nowhere: its parent is asked, once */
    struct dname doubted;          /* … the zone it is of */
    const struct cut *doubted_cut; /* … and whom of it we have asked */
    bool old_cut_is_tried;         /* an expired delegation was looked for */
    int64_t began_ms;              /* monotonic */
    uint64_t epoch;                /* of the cache when it began */
    uint8_t referrals;
    uint8_t known_labels; /* no cut at or above that many labels of qname, below the cut's zone */
    uint8_t minimised;    /* minimised questions sent */
    bool asked_plainly;   /* who refused was asked once more */
    bool is_in_crowd;
    uint16_t crowd;   /* … of those who wait for a zone's servers, its cut's as a rule */
    bool lacks_names; /* the budget did not suffice for all that could be found */

    bool awaits_reply;            /* to the last question */
    struct timer timer;           /* … no longer than this */
    struct flight *flight;        /* the last question, or that whose reply is looked at; NULL: none was asked yet */
    struct flight_list in_flight; /* late ones, too */
    struct flight_list landed;    /* for use again */

    enum lookup_end end;
    struct answer *answer;  /* LOOKUP_ANSWERED */
    struct provenance from; /* … in the last reply */
    struct failure failure; /* LOOKUP_FAILED */
    bool failure_is_cached;
    uint8_t timeouts, refusals; /* for the text of the failure */
};

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
/* Goes on at the servers of this delegation. */
void lookup_enter_cut(struct resolver *r, struct lookup *l, struct delegation *delegation);
/* Nobody waits for it any more. */
void lookup_free(struct resolver *r, struct lookup *l);

/* crowd.c: how many wait for a zone */
/* Before a question is sent; false: too many wait for the cut's zone already. */
bool crowd_admits(struct resolver *r, struct lookup *l);
/* So many wait for the same zone that what one does all do together. */
bool crowd_is_large(const struct resolver *r, const struct lookup *l);
/* It waits for another zone, or no longer. */
void crowd_leave(struct resolver *r, struct lookup *l);

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
/* Its addresses in the delegation may be asked at once: they are the delegated zone's own glue, or others' is good
 * enough. */
bool cut_uses_glue(const struct resolver_options *options, const struct delegation *delegation,
                   const struct delegation_server *server);
void cut_add_target(const struct resolver_options *options, struct cut *cut, const struct address *address);
/* One of the fastest that may still be asked; NULL if none is left. */
struct target *cut_choose_target(struct resolver *r, struct lookup *l, struct now now);
bool cut_has_targets_left(struct resolver *r, const struct lookup *l, struct now now);
/* Questions that its servers may still get. */
unsigned cut_sends_left(struct resolver *r, const struct lookup *l, struct now now);
/* Others have found out, before or meanwhile. */
bool target_is_silent(struct resolver *r, const struct target *target, struct now now);
/* All its servers have been silent since cut->asked_ms; how much longer is it worth to wait?  Who gets SERVFAIL knows
 * more than who has given up before. */
int64_t cut_patience_left_ms(struct resolver *r, const struct lookup *l, struct now now);
/* How much of it is left for questions over UDP, before there is no time for anything else. */
int64_t cut_hurry_ms(struct resolver *r, const struct lookup *l, struct now now);
/* Servers that have not replied there are silent here, too. */
void cut_inherit(struct cut *cut, const struct cut *before);
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

/* detours.c: when all servers of the cut have failed */
/* true: there is somebody to ask, or a cut to be found. */
bool lookup_try_another_way(struct resolver *r, struct lookup *l, struct now now);
/* Its silence may be lost packets. */
bool lookup_may_try_tcp(struct resolver *r, const struct lookup *l, const struct target *target, struct now now);
/* The parent of a doubted cut has spoken, or says nothing: the zone's other names are no reason to ask it again soon
 * (RFC 9520 section 3.3). */
void lookup_spare_parent(struct resolver *r, const struct lookup *l, struct now now);

/* absorb.c: what became of a question in flight */
/* A reply that belongs to it.  It lives in the scratch arena, as does what is made of it: a lookup keeps the delegation
 * alone, whatever many servers send. */
void lookup_absorb(struct resolver *r, struct flight *flight, const struct message *reply, enum err read,
                   struct arena *scratch, struct now now);
void lookup_exchange_failed(struct resolver *r, struct flight *flight, enum exchange_failure how, struct now now);
/* A reply came that does not belong to it. */
void lookup_forged(struct resolver *r, struct flight *flight, struct now now);
void lookup_timed_out(struct resolver *r, struct lookup *l, struct now now);
/* The next question may be sent; no harm if none is awaited. */
void lookup_await_no_more(struct resolver *r, struct lookup *l);

/* flight.c */
/* A question to be sent: l->flight. */
struct flight *flight_begin(struct resolver *r, struct lookup *l, struct target *target, struct now now);
/* There will be no reply, or it has come. */
void flight_end(struct resolver *r, struct flight *flight);
void flight_cancel(struct resolver *r, struct flight *flight);
/* The lookup goes on, and hears the reply all the same. */
void flight_is_late(struct resolver *r, struct flight *flight);
/* It is waited for once more. */
void flight_is_late_no_more(struct resolver *r, struct flight *flight);
/* One late question less, if there is any: a socket for somebody else. */
void flight_cancel_oldest(struct resolver *r);
/* All of the lookup, or all but those to the servers of this cut. */
void flights_cancel(struct resolver *r, struct lookup *l, const struct cut *but);
struct flight *flight_find(const struct resolver *r, uint64_t exchange);

/* question.c: what goes over the wire */
/* The name and type to ask the cut's servers next (RFC 9156). */
void lookup_minimise(const struct resolver_options *options, const struct lookup *l, struct question *ask);
/* Writes the question into the buffer; l->flight says how. */
struct octets lookup_write_question(struct resolver *r, struct lookup *l, const struct question *ask, struct now now,
                                    uint8_t *buffer, size_t size);

/* cookies.c */
/* Our cookie for the target, and the server's own if it has shown one; l->flight says which. */
void lookup_put_cookie(struct resolver *r, struct lookup *l, struct now now, struct edns *edns,
                       uint8_t buffer[COOKIE_OCTETS_MAX]);
/* It shows another client's cookie: not for us. */
bool lookup_cookie_is_forged(const struct flight *flight, const struct message *reply);
/* Remembers what the server shows.  true: the reply must not be used, the server is to be asked again. */
bool lookup_cookie_wants_more(struct resolver *r, struct lookup *l, const struct message *reply);

/* What files of requests know for lookups, too */
/* stale.c: the servers of the cut are silent: go on from an expired delegation below it.  false: there is none. */
bool stale_use_old_cut(struct resolver *r, struct lookup *l, struct now now);
/* How long a failure is to be kept: STALE_RECHECK_S if something stale can be served meanwhile; 0: as any failure. */
uint32_t stale_recheck_s(struct resolver *r, const struct question *question, struct now now);
/* synthesis.c: may a name error be used for names below?  By the options alone. */
bool synthesis_may_cut(const struct resolver_options *options, const struct question *question, uint16_t origin);
/* prefetch.c: asks for it in the background, by a request without waiters. */
void refresh_start(struct resolver *r, const struct question *question, struct now now);
/* report.c: the agent that a server names, in the arena; NULL if it names none. */
const struct dname *report_agent_of(const struct edns *edns, struct arena *arena);

#endif
