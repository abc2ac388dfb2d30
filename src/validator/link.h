/* Judges one answer: its RRsets, or its denial.  For this folder alone. */
#ifndef VALIDATOR_LINK_H
#define VALIDATOR_LINK_H

#include "validator/chain.h"

/* The verdict, copied from the answer if it is there already; else it is written into the answer too, but for
 * INDETERMINATE, which says something about this query and not about the answer. */
enum judgement link_judge(struct judge *judge, struct answer *answer, struct verdict *verdict);

/* Does the RRset asked for stand in a DATA answer to (name, type)?  NULL if not. */
const struct rrset *link_data(const struct answer *answer, const struct dname *name, uint16_t type);

#endif
