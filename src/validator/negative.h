/* Judges no data and name errors (RFC 4035 section 5.4, RFC 5155 sections 8.4 to 8.7).  For this folder alone. */
#ifndef VALIDATOR_NEGATIVE_H
#define VALIDATOR_NEGATIVE_H

#include "validator/chain.h"
#include "validator/denial.h"

enum judgement negative_judge(struct judge *judge, struct answer *answer, struct verdict *verdict);

/* What a Secure no-data or name-error answer proves; PROOF_TURN and PROOF_BUDGET as in denial.h. */
enum proof negative_proof(struct judge *judge, struct answer *answer);

#endif
