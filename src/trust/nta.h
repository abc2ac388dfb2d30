/* Negative trust anchors that come and go while the resolver runs (RFC 7646): the set that changes, from which each
 * snapshot of trust.h gets its own.  What the operator ordered, and what the configuration names, each with who, when
 * and why.  steward/ looks whether they are needed still, store/ keeps them.  For one thread. */
#ifndef TRUST_NTA_H
#define TRUST_NTA_H

#include "message/message.h"
#include "trust/trust.h"

enum {
    NTA_S_DEFAULT = 24 * 3600, /* RFC 7646 section 2: no longer than needed; operators look once a day */
    NTA_S_MAX = 7 * 24 * 3600, /* RFC 7646 section 2.1: "on the order of" a week at most */
    NTAS_MAX = 1000,           /* each is a hole somebody has to look after */
    NTA_REASON_OCTETS_MAX = 255,
    NTA_WHO_OCTETS_MAX = 63,
    NTA_FINDING_OCTETS_MAX = 128,
    NTA_QUESTIONS_MAX = 8, /* that failed, and are asked again to see whether the zone is well */
    NTA_GOOD_ROUNDS = 3,   /* in a row: a zone with one good server among bad ones is not well yet */
};

/* Kept on disk: never renumber. */
enum nta_source {
    NTA_CONFIGURED,
    NTA_ORDERED,
    NTA_SOURCES,
};
/* "configured", "ordered".  Static storage. */
const char *nta_source_text(enum nta_source source);

enum zone_cut { CUT_PENDING, CUT_IS, CUT_IS_NOT, CUT_UNKNOWN };

struct nta {
    struct dname zone;
    enum nta_source source;
    int64_t since_s; /* UNIX time; 0: no believed clock has seen it yet */
    int64_t until_s;
    int64_t named_until_s; /* NTA_CONFIGURED: as it is written there, which tells one from the next */
    bool has_ended;        /* NTA_CONFIGURED: over before its text was taken away; it does not come back */
    char reason[NTA_REASON_OCTETS_MAX + 1];
    char who[NTA_WHO_OCTETS_MAX + 1];
    struct question questions[NTA_QUESTIONS_MAX]; /* what failed below it when it came */
    uint16_t question_count;
    /* Of this process: */
    enum zone_cut cut;
    int64_t checked_s;                       /* when a round of questions ended; 0: none has */
    uint8_t good_rounds;                     /* in a row */
    size_t forgotten;                        /* entries of the cache that went or lost their verdict when it came */
    char finding[NTA_FINDING_OCTETS_MAX];    /* what the last round found; empty: none yet */
    uint8_t servers_asked, servers_answered; /* one by one, in the last round; none if it was bad without */
    int64_t next_ms;                         /* monotonic: when to ask again; 0: not known yet */
};

struct nta_set {
    struct nta **items; /* stay where they are until they are dropped */
    size_t count;
};

struct nta_set *nta_set_new(void);
void nta_set_free(struct nta_set *set);
/* NULL: none. */
struct nta *nta_find(const struct nta_set *set, const struct dname *zone, enum nta_source source);
/* NULL: NTAS_MAX are there.  There is none yet. */
struct nta *nta_add(struct nta_set *set, const struct dname *zone, enum nta_source source);
void nta_drop(struct nta_set *set, struct nta *nta);
bool nta_is_active(const struct nta *nta);
size_t nta_count_active(const struct nta_set *set);
/* Cut to its size, behind the last whole character of UTF-8. */
void nta_set_reason(struct nta *nta, const char *reason);

enum nta_event {
    NTA_BEGUN,
    NTA_CHANGED,      /* its end or its reason; here its life goes on */
    NTA_REMOVED,      /* by order; from here on it has ended */
    NTA_EXPIRED,      /* its time is over */
    NTA_WELL,         /* the zone validates again */
    NTA_UNCONFIGURED, /* taken out of the configuration */
    NTA_EVENTS,
};
/* "begun", … Static storage. */
const char *nta_event_text(enum nta_event event);
static inline bool nta_event_is_end(enum nta_event event)
{
    return event >= NTA_REMOVED;
}
struct nta_listener {
    void *context;
    void (*heard)(void *context, struct nta *nta, enum nta_event event); /* nta lives until it returns */
};

/* What the configuration says: new ones begin, those that it names no more end, those that it names still go on as they
 * are, counted from when they were first seen. */
void nta_merge(struct nta_set *set, const struct trust *configured, int64_t now_s, const struct nta_listener *listener);
/* Ends those whose time has come, and sees to it that none lasts longer after the clock was set back.  Under a clock
 * that is believed alone.  Whether anything has changed. */
bool nta_tick(struct nta_set *set, int64_t now_s, const struct nta_listener *listener);
/* event says why.  nta may be gone afterwards. */
void nta_end(struct nta_set *set, struct nta *nta, enum nta_event event, const struct nta_listener *listener);
/* The active ones take the place of all that trust has. */
void nta_apply(const struct nta_set *set, struct trust *trust);

#endif
