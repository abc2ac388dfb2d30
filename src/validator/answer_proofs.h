/* The NSEC and NSEC3 RRsets that came with an answer: which of them verify, and what those prove.  For this folder
 * alone. */
#ifndef VALIDATOR_ANSWER_PROOFS_H
#define VALIDATOR_ANSWER_PROOFS_H

#include "validator/chain.h"
#include "validator/denial.h"

enum { BAD_PROOFS_MAX = 2 }; /* of one answer; to verify more would spend what asking another server takes */

/* Those of one zone, as far as they verified. */
struct answer_proofs {
    const struct rrset *sets[PROOF_RRSETS_MAX];
    uint16_t count;
    struct verdict ground;  /* what they rest on */
    struct verdict failure; /* SECURE: none.  BOGUS: of one that did not verify.  INDETERMINATE: the budget is spent */
};

/* The n-th NSEC or NSEC3 RRset of the answer; NULL behind the last one that is looked at. */
const struct rrset *answer_proofs_set(const struct answer *answer, uint16_t n);
/* A record of the chain itself, not one that a wildcard was made into. */
bool signature_stands_in_zone(const struct rrset *rrset, const struct signature_result *result);

/* Verifies the sets that the zone (ZONE_SECURE) signed; those of others prove nothing about it.  One that does not
 * verify is no proof, but what is wrong with it is the likely cause if the others do not suffice. */
enum judgement answer_proofs_verify(struct judge *judge, const struct answer *answer, const struct zone *zone,
                                    struct answer_proofs *proofs);
/* The same for denial.h; borrows both. */
struct denial answer_proofs_denial(struct judge *judge, const struct dname *zone, const struct answer_proofs *proofs);

/* What they say of a negative answer, which becomes no data where a name error is not what they prove.  Remembered. */
enum proof answer_proofs_of_denial(struct judge *judge, const struct denial *denial, struct answer *answer);
/* What they say of an RRset that came from the wildcard below a closest encloser of so many labels.  Remembered. */
enum proof answer_proofs_of_expansion(struct judge *judge, const struct denial *denial, const struct rrset *rrset,
                                      uint8_t encloser_labels);
/* What a proof, or its absence, makes of a verdict that was SECURE so far. */
void answer_proofs_apply(struct judge *judge, enum proof proof, const struct answer_proofs *proofs,
                         const struct dname *name, uint16_t type, struct verdict *verdict);

#endif
