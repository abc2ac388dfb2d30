/* Who signed: the zone whose keys count for an RRset, and what its signatures say.  For this folder alone. */
#ifndef VALIDATOR_SIGNERS_H
#define VALIDATOR_SIGNERS_H

#include "validator/chain.h"

enum { NO_SIGNER = -1 }; /* in place of a number of labels */

/* Names that are said to have signed.  As they are all ancestors of one name, their numbers of labels tell them
 * apart. */
struct signers {
    bool at[DNAME_LABELS_MAX + 1];
};

/* What is known of one RRset. */
struct rrset_judgement {
    struct verdict verdict;
    bool expanded;           /* Secure so far: from a wildcard, a proof is still needed … */
    uint8_t encloser_labels; /* … that nothing stands between this closest encloser and the owner */
    struct zone signer;      /* SECURE only */
};

/* Adds the signers of rrset that may hold data of `holder`: at or above it, at or below the anchor. */
void signers_add(const struct rrset *rrset, const struct dname *anchor, const struct dname *holder,
                 struct signers *signers);
/* The keys of the deepest signer that is a zone.  ZONE_NO_CUT if none is. */
enum judgement signers_zone(struct judge *judge, const struct dname *holder, const struct signers *signers,
                            struct zone *zone);
/* One of the rrset's signatures names the zone; unverified. */
bool signers_include(const struct rrset *rrset, const struct dname *zone);

/* The signatures of the zone (ZONE_SECURE) over data that it may hold. */
enum judgement signers_judge(struct judge *judge, const struct rrset *rrset, const struct zone *zone,
                             struct rrset_judgement *judgement);
/* BOGUS: this RRset must not come from a wildcard. */
void signers_refuse_expansion(struct judge *judge, const struct rrset *rrset, struct verdict *verdict);

#endif
