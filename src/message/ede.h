/* Extended DNS Errors (RFC 8914) as a table made from the IANA registry. */
#ifndef MESSAGE_EDE_H
#define MESSAGE_EDE_H

#include <stddef.h>
#include <stdint.h>

/* IANA "Extended DNS Error Codes", copy of 2026-11 */
enum ede {
    EDE_NONE = -1,
    EDE_OTHER = 0,
    EDE_UNSUPPORTED_DNSKEY_ALGORITHM = 1,
    EDE_UNSUPPORTED_DS_DIGEST = 2,
    EDE_STALE_ANSWER = 3,
    EDE_FORGED_ANSWER = 4,
    EDE_INDETERMINATE = 5,
    EDE_BOGUS = 6,
    EDE_SIGNATURE_EXPIRED = 7,
    EDE_SIGNATURE_NOT_YET_VALID = 8,
    EDE_DNSKEY_MISSING = 9,
    EDE_RRSIGS_MISSING = 10,
    EDE_NO_ZONE_KEY_BIT = 11,
    EDE_NSEC_MISSING = 12,
    EDE_CACHED_ERROR = 13,
    EDE_NOT_READY = 14,
    EDE_BLOCKED = 15,
    EDE_CENSORED = 16,
    EDE_FILTERED = 17,
    EDE_PROHIBITED = 18,
    EDE_STALE_NXDOMAIN_ANSWER = 19,
    EDE_NOT_AUTHORITATIVE = 20,
    EDE_NOT_SUPPORTED = 21,
    EDE_NO_REACHABLE_AUTHORITY = 22,
    EDE_NETWORK_ERROR = 23,
    EDE_INVALID_DATA = 24,
    EDE_EXPIRED_BEFORE_VALID = 25,
    EDE_TOO_EARLY = 26,
    EDE_UNSUPPORTED_NSEC3_ITERATIONS = 27,
    EDE_UNABLE_TO_CONFORM_TO_POLICY = 28,
    EDE_SYNTHESIZED = 29,
    EDE_INVALID_QUERY_TYPE = 30,
    EDE_RATE_LIMITED = 31,
    EDE_OVER_QUOTA = 32,
    EDE_NEGATIVE_TRUST_ANCHOR = 33,
};

/* The registry's purpose text ("Signature Expired"); NULL for an unregistered code. */
const char *ede_text(int code);

#endif
