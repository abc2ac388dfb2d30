/* What a host may see of validation besides its outcome: each signature that was tried, and each question whose data
 * somebody's word made bad, be it that another server's word made it good in the end, or that could not be judged for
 * want of a DS or DNSKEY set.  For counters and evidence. */
#ifndef RESOLVER_WITNESS_H
#define RESOLVER_WITNESS_H

#include "resolver/resolver.h"
#include "validator/signature.h"

enum {
    TRIALS_MAX = 6, /* DISTRUST_ROUNDS_MAX and the first one, and the last good one */
};

/* What became of the data that one server gave. */
struct trial {
    struct address server; /* family 0: it came out of the cache */
    enum transport transport;
    bool without_edns; /* so without signatures: the server knows no EDNS, or something on the way took it out */
    enum security security;
    const char *site; /* which check decided; static storage */
};

struct testimony {
    const struct outcome *outcome;  /* of the question: SECURE too, when another server had good data */
    const struct verdict *failure;  /* the first that was BOGUS or INDETERMINATE, explained with all cuts */
    const struct question *culprit; /* the set that broke the chain: what the servers were asked for */
    uint8_t trial_count;
    struct trial trials[TRIALS_MAX]; /* in the order of asking */
};

/* What came of the network's data, whatever stale answer the client was given in its place. */
static inline enum security testimony_verdict(const struct testimony *testimony)
{
    bool is_replaced = testimony->outcome->is_stale && testimony->failure != NULL;
    return is_replaced ? testimony->failure->security : testimony->outcome->security;
}

struct witness {
    void *context;
    struct signature_watch signatures;
    /* Once for each question that was resolved and judged, not for those that the cache answers.  If nothing
     * that came was bad, testimony->failure is NULL, and the only trial is that of the last link.  All is
     * borrowed for the call. */
    void (*judged)(void *context, const struct testimony *testimony, struct now now);
};

#endif
