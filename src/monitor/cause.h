/* Why validation failed, as a closed set: labels of metrics, columns of lists. */
#ifndef MONITOR_CAUSE_H
#define MONITOR_CAUSE_H

#include "message/ede.h"
#include "validator/signature.h"

/* Kept on disk: never renumber. */
enum cause {
    CAUSE_EXPIRED,
    CAUSE_NOT_YET_VALID,
    CAUSE_EXPIRED_BEFORE_VALID,
    CAUSE_DNSKEY_MISSING,
    CAUSE_RRSIGS_MISSING,
    CAUSE_NO_ZONE_KEY_BIT,
    CAUSE_NSEC_MISSING,
    CAUSE_BAD_SIGNATURE,
    CAUSE_OTHER,
    CAUSE_UNREACHABLE, /* a DS or DNSKEY set could not be had */
    CAUSES,
};
/* "expired", "not_yet_valid", … */
const char *cause_text(enum cause cause);
/* By the root cause of a verdict (RFC 8914), and the check that spoke. */
enum cause cause_of(int ede, const char *site);
/* Of one signature; fault is not FAULT_NONE. */
enum cause cause_of_fault(enum signature_fault fault);

#endif
