/* The root key sentinel: clients can learn which root keys are trusted here (RFC 8509, D5-signal). */
#ifndef POLICY_SENTINEL_H
#define POLICY_SENTINEL_H

#include "resolver/response.h"
#include "trust/trust.h"

/* The first label begins as those of the sentinel do: what is told may change with each trust anchor. */
bool sentinel_is_name(const struct dname *name);
/* The label says what is not so (section 3.2): the client gets SERVFAIL instead of the outcome. */
bool sentinel_denies(const struct client_query *query, const struct outcome *outcome, const struct trust *trust,
                     struct now now);

/* The zones of the anchors in use, each with its key tags: ". 20326 38696; example. 12345" (D5-signal). */
const char *sentinel_anchors(const struct trust *trust, struct now now, struct arena *arena);

#endif
