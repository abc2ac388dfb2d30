/* What a query has verified so far, see validator.h.  For this folder alone.  Its keys are the addresses of RRsets and
 * answers, which stay where they are as long as the query. */
#ifndef VALIDATOR_MEMO_H
#define VALIDATOR_MEMO_H

#include "validator/denial.h"
#include "validator/signature.h"
#include "validator/validator.h"

/* What came of the signatures that `signer` made over the RRset.  NULL: not verified yet. */
const struct signature_result *memo_signature(const struct validation_memo *memo, const struct rrset *rrset,
                                              const struct dname *signer);
/* result->has_rrsig */
void memo_put_signature(struct validation_memo *memo, const struct rrset *rrset, const struct signature_result *result);

/* What the proofs of an answer say of `about` (an RRset expanded from a wildcard, or the answer itself). */
bool memo_proof(const struct validation_memo *memo, const void *about, enum proof *proof);
void memo_put_proof(struct validation_memo *memo, const void *about, enum proof proof);

#endif
