/* DNSSEC validation (RFC 4035 section 5, RFC 5155, RFC 6840) as a function of facts: a verdict, or the one DS or DNSKEY
 * set that is missing.
 *
 * One question's way: resolver has an answer, calls validator_judge().  The validator looks at who signed it, wants the
 * signer's keys (DNSKEY set), for them the DS set of the signer, for that the keys of the zone that signed the DS set …
 * up to a trust anchor.  Each set is a fact, a struct answer of its own, and is judged when first used: its verdict is
 * written into it, so that a link proven once stays proven.  Data without signatures needs a proof that a delegation
 * above it is insecure: then the chain is walked from the anchor downwards.
 *
 * The function is called again and again for the same answer while facts arrive; nothing is verified twice. */
#ifndef VALIDATOR_VALIDATOR_H
#define VALIDATOR_VALIDATOR_H

#include "base/arena.h"
#include "base/budget.h"
#include "crypto/verify.h"
#include "message/answer.h"
#include "time/now.h"
#include "trust/trust.h"

struct signature_watch; /* validator/signature.h */

enum fact {
    FACT_KNOWN,   /* *answer is it: DATA, NODATA, NXDOMAIN, CNAME; its verdict may be UNCHECKED */
    FACT_MISSING, /* not here yet: return JUDGE_NEEDS with it, the resolver gets it and calls again */
    FACT_FAILED,  /* cannot be had: *failure says why */
};
struct fact_failure {
    int ede;          /* 22, 23 … of the lookup that failed */
    const char *text; /* borrowed for the duration of the call */
};

/* Where the facts are: implemented by the resolver over its cache and what the query has pinned. */
struct facts {
    void *context;
    /* type is TYPE_DS or TYPE_DNSKEY.  The answer stays valid as long as the query; the validator writes its
     * verdict. */
    enum fact (*find)(void *context, const struct dname *name, uint16_t type, struct answer **answer,
                      struct fact_failure *failure);
    /* The highest zone cut known from delegations that is strictly below `above` and at or above `name`: unsigned
     * hints for where a DS question makes sense.  false: none known. */
    bool (*next_cut)(void *context, const struct dname *above, const struct dname *name, struct dname *cut);
};

/* What a query has verified so far: each RRset costs its public-key operations once, however often the judge is called
 * again.  One for each query, in its arena, never NULL; a new one when trust or policy change. */
struct validation_memo;
struct validation_memo *validation_memo_new(struct arena *arena);
/* Some of the sets will be had anew, from other servers: keeps what was found good, forgets what was not. */
void validation_memo_doubt(struct validation_memo *memo);

struct validation {
    struct arena *arena;          /* of the query */
    struct validation_memo *memo; /* of the query */
    struct budget *budget;        /* shared by the query and all it causes */
    struct verifier *verifier;    /* of the thread */
    const struct crypto_policy *policy;
    const struct trust *trust;
    struct now now;
    const struct facts *facts;
    const struct signature_watch *watch; /* may be NULL */
    bool explain;                        /* build the explanation (costs memory; vouch, logs of failures) */
};

enum judgement {
    JUDGED,      /* answer->verdict is final for these facts */
    JUDGE_NEEDS, /* *need_name, *need_type: the DS or DNSKEY set to get before calling again */
    JUDGE_TURN,  /* the turn's share of checks or hashes is used up: call again after a turn */
};

/* verdict.site of a Secure no-data answer whose NSEC says that the name does not exist (RFC 9824): whoever did not ask
 * for signatures gets NXDOMAIN.  No NXDOMAIN cut follows from it.  Compare with strcmp(): it may come out of a
 * cache. */
#define SITE_COMPACT_DENIAL "compact-denial"
/* verdict.site of an Indeterminate answer: a DS or DNSKEY set that is needed cannot be had; explanation->failed_name
 * and failed_type say which. */
#define SITE_FACT_UNAVAILABLE "fact-unavailable"

/* Judges one link: data, CNAME, DNAME, no-data or name error.  A verdict that is there already is left alone.  Never
 * touches records, but turns a name error into no data where the signed records say so (kind and rcode), and takes out
 * of answer->proofs of a Secure answer what the verdict does not rest on, and signatures that name other zones: behind
 * an AD bit stands nothing that was not verified (RFC 4035 section 3.2.3), and what enters the denial index neither.
 * An exhausted budget yields INDETERMINATE with the budget's name as site, so that it is not held against the zone. */
MUST_USE enum judgement validator_judge(const struct validation *validation, struct answer *answer,
                                        struct dname *need_name, uint16_t *need_type);

/* Is BOGUS all that can become of the question, whatever servers say?  So it is below anchors none of which can be
 * used. */
bool validator_fails_closed(const struct validation *validation, const struct question *question,
                            struct verdict *verdict);

/* The chain of trust from the anchor down to the answer, for people, from the facts known now; cheap, no cryptography.
 * In the arena of the query. */
struct explanation *validator_explain(const struct validation *validation, const struct answer *answer);

#endif
