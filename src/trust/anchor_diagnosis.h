/* How the root's anchors stand: what is believed here beside what is published, in the DNS and in root-anchors.xml, and
 * what time it is.  A pure function of facts; each verdict rests on two of them that do not come from the same
 * place. */
#ifndef TRUST_ANCHOR_DIAGNOSIS_H
#define TRUST_ANCHOR_DIAGNOSIS_H

#include "trust/rfc5011.h"
#include "trust/root_anchors.h"

enum anchor_verdict {
    VERDICT_MATCH,
    VERDICT_NORMAL_ROLL,
    VERDICT_EMERGENCY_ROLL,
    VERDICT_FAILED_ROLL,
    VERDICT_STALE_CONFIGURATION,
    VERDICT_CLOCK_PROBLEM,
    VERDICT_POSSIBLE_ATTACK,
    VERDICT_UNKNOWN, /* too little could be had to say */
    VERDICTS
};
/* "match", "normal-roll" and their like.  Static storage. */
const char *anchor_verdict_text(enum anchor_verdict verdict);

enum key_timing { TIMING_GOOD, TIMING_EXPIRED, TIMING_NOT_YET };

/* One key of the DNSKEY set, as one looks at it without believing anything. */
struct live_key {
    struct octets rdata;
    bool signs;             /* a signature of its own over the set is good, by the clock as well */
    enum key_timing timing; /* why not, if the clock alone stands against it */
};

struct anchor_facts {
    const struct managed_zone *zone; /* the root; NULL: no anchor */
    const struct live_key *live;     /* NULL: the set could not be had, live_fault says why */
    size_t live_count;
    const char *live_fault;
    const struct root_anchors *xml; /* verified; NULL: could not be had, or not believed: xml_fault */
    const char *xml_fault;
    bool xml_is_about_time; /* its certificates are not valid by our clock */
    bool automatic_update;
    bool clock_is_fit;       /* struct now */
    bool clock_is_confirmed; /* by more than our own word */
    int64_t now_s;
};

enum { FINDINGS_MAX = 12, FINDING_OCTETS_MAX = 400 };

struct anchor_finding {
    const char *code; /* "live-signed-by-anchor"; static storage */
    const char *from; /* where the fact comes from: "dns", "xml", "store", "clock", "configuration" */
    char text[FINDING_OCTETS_MAX];
};

struct anchor_diagnosis {
    enum anchor_verdict verdict;
    struct anchor_finding findings[FINDINGS_MAX]; /* those that the verdict rests on first */
    size_t count;
    const char *next_step; /* static storage */
    bool is_mismatch;      /* none of the published keys is an anchor: validation cannot work */
};

void anchor_diagnose(const struct anchor_facts *facts, struct anchor_diagnosis *diagnosis);

#endif
