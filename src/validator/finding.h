/* What the checks find, as verdicts: the words, the registry code, and what the verdict rests on.  For this folder
 * alone. */
#ifndef VALIDATOR_FINDING_H
#define VALIDATOR_FINDING_H

#include "message/rrset.h"
#include "message/verdict.h"
#include "validator/signature.h"

/* In the arena: the long buffer must not stand in functions that call each other zone by zone. */
const char *name_text(struct arena *arena, const struct dname *name);

/* SECURE, rests on nothing yet. */
struct verdict verdict_new(void);
/* Of data that fares as `ground` did: its words and what it rests on, but not its TTL. */
struct verdict verdict_from(const struct verdict *ground);
/* A good signature over rrset by a key of zone. */
void verdict_rest_on_signature(struct verdict *verdict, const struct dname *zone, const struct signature_result *result,
                               struct now now);

/* States security, registry code, site and text; keeps what the verdict rests on. */
void verdict_state(struct verdict *verdict, enum security security, int ede, const char *site, const char *format, ...)
    PRINTF_LIKE(5, 6);
/* BOGUS or INDETERMINATE, and which RRset it was: explanation with failed_… alone. */
void verdict_fail(struct verdict *verdict, struct arena *arena, enum security security, int ede, const char *site,
                  const struct dname *name, uint16_t type, const char *format, ...) PRINTF_LIKE(8, 9);
/* BOGUS for the fault of the signatures over rrset. */
void verdict_fail_signature(struct verdict *verdict, struct arena *arena, const struct rrset *rrset,
                            const struct dname *zone, const struct signature_result *result, struct now now);
/* INDETERMINATE: the budget is spent. */
void verdict_fail_budget(struct verdict *verdict, struct arena *arena, const struct budget *budget,
                         const struct dname *name, uint16_t type);

/* The weaker of the two speaks; both are rested on. */
void verdict_weaken(struct verdict *verdict, const struct verdict *other);

#endif
