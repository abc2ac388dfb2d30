/* What evidence looks like: somebody's mistake, somebody's attack, or our own fault.  A suggestion with its reasons,
 * for a human who decides about a negative trust anchor (RFC 7646 section 2 wants that human to be sure that it is a
 * mistake). */
#ifndef MONITOR_DIAGNOSIS_H
#define MONITOR_DIAGNOSIS_H

#include "monitor/evidence.h"

enum leaning { LEANING_UNCLEAR, LEANING_OPERATOR_ERROR, LEANING_ATTACK, LEANING_OURSELVES, LEANINGS };
/* "unclear", "operator-error-like", "attack-like", "our-own-clock" */
const char *leaning_text(enum leaning leaning);

enum tcp_says { TCP_UNTRIED, TCP_SAME, TCP_DIFFERS };
const char *tcp_says_text(enum tcp_says says);

enum { DIAGNOSIS_REASONS_MAX = 8 };

struct diagnosis {
    enum leaning leaning;
    unsigned servers_bad, servers_good; /* addresses that gave bad data; that gave nothing but good data */
    bool all_servers_fail;              /* of those that were asked, and there was one at least */
    enum tcp_says tcp;
    uint8_t reason_count;
    struct {
        enum leaning towards;
        const char *text; /* a sentence; static storage */
    } reasons[DIAGNOSIS_REASONS_MAX];
};
/* clock_is_doubted: many unrelated zones fail by the time (time/suspicion.h), or validation is held. */
void diagnose(const struct evidence_zone *zone, bool clock_is_doubted, struct diagnosis *diagnosis);

/* What other resolvers see: a sentence. */
const char *diagnosis_others(const struct diagnosis *diagnosis);

#endif
