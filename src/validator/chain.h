/* The chain of trust between an anchor and the zone that holds the data: RFC 4035 sections 5.1 and 5.2.  For this
 * folder alone.  chain.c, link.c and negative.c call each other: keys are vouched for by DS sets, DS sets are answers
 * that are judged like any other, which takes the keys of a zone above.  Each step leads to a shorter name, or from a
 * zone's keys to its DS set: there are never more than two for a label. */
#ifndef VALIDATOR_CHAIN_H
#define VALIDATOR_CHAIN_H

#include "validator/signature.h"
#include "validator/validator.h"

/* One call of validator_judge(). */
struct judge {
    const struct validation *v;
    struct answer *self;     /* what is judged: itself a fact, should its DS or DNSKEY set be needed */
    struct dname *need_name; /* set with JUDGE_NEEDS */
    uint16_t *need_type;
    int64_t insecure_until_s; /* when the first denial of a DS set ends that something was found insecure by */
};

enum zone_state {
    ZONE_SECURE,
    ZONE_INSECURE,
    ZONE_NO_CUT,  /* proven: no zone begins at that name */
    ZONE_NO_NAME, /* proven: nothing stands at that name or below it */
    ZONE_FAILED,  /* verdict is BOGUS or INDETERMINATE */
};

struct zone {
    struct dname name;
    enum zone_state state;
    const struct rrset *rrset; /* ZONE_SECURE: its DNSKEY or DS set; borrowed from the fact */
    struct verdict verdict;    /* of that set, or of what stands for it */
    uint8_t demanded_count; /* of its keys: algorithms that must all have signed what the zone holds; 0: any will do */
    uint8_t demanded[DS_PER_ZONE_MAX];
};

/* The DS or DNSKEY answer of that name: what is judged itself, or a fact.  *answer and *failure as in struct facts. */
enum fact chain_find(const struct judge *judge, const struct dname *name, uint16_t type, struct answer **answer,
                     struct fact_failure *failure);

/* All below: JUDGED, and then *zone or *verdict is filled, or why the caller is to return. */

/* The DNSKEY set of the zone called name, by anchor or DS set. */
enum judgement chain_keys(struct judge *judge, const struct dname *name, struct zone *zone);

/* There is data of `name` without a signature that counts, below or at the secure zone `from`.  INSECURE if a cut on
 * the way from there to name has no usable DS; else BOGUS with these words, or what stopped us. */
struct unsigned_data {
    const struct dname *name; /* the deepest zone that could hold the data */
    const struct dname *owner;
    uint16_t type;
    int ede;
    const char *site;
    const char *words; /* behind "A www.example." */
};
enum judgement chain_insecurity(struct judge *judge, const struct dname *from, const struct unsigned_data *data,
                                struct verdict *verdict);

/* ZONE_NO_CUT if no cut that delegations know of lies below `signer`, down to `holder`; else the zone that cut
 * makes. */
enum judgement chain_cut_below(struct judge *judge, const struct dname *signer, const struct dname *holder,
                               struct zone *zone);

/* True if an anchor covers name, at *anchor; else *verdict says INSECURE and why. */
bool chain_covers(const struct judge *judge, const struct dname *name, struct dname *anchor, struct verdict *verdict);

/* The anchors at or above holder, none of which can be used, make all data there BOGUS: *verdict says why. */
bool chain_fails_closed(struct judge *judge, const struct dname *holder, struct verdict *verdict);

/* The signatures that the zone's keys (ZONE_SECURE, from chain_keys()) made over rrset.  JUDGE_TURN, or JUDGED with
 * *result.  Remembered; an exhausted budget is not. */
enum judgement chain_verify(struct judge *judge, const struct rrset *rrset, const struct zone *zone,
                            struct signature_result *result);

#endif
