#include "message/ede.h"

#include "base/err.h"

/* IANA "Extended DNS Error Codes", 0 to 24 from RFC 8914.  A code without a text is not registered: it is printed as a
 * number.  doc/ede.md says when each is sent. */
static const char *const texts[] = {
    [EDE_OTHER] = "Other Error",
    [EDE_UNSUPPORTED_DNSKEY_ALGORITHM] = "Unsupported DNSKEY Algorithm",
    [EDE_UNSUPPORTED_DS_DIGEST] = "Unsupported DS Digest Type",
    [EDE_STALE_ANSWER] = "Stale Answer",
    [EDE_FORGED_ANSWER] = "Forged Answer",
    [EDE_INDETERMINATE] = "DNSSEC Indeterminate",
    [EDE_BOGUS] = "DNSSEC Bogus",
    [EDE_SIGNATURE_EXPIRED] = "Signature Expired",
    [EDE_SIGNATURE_NOT_YET_VALID] = "Signature Not Yet Valid",
    [EDE_DNSKEY_MISSING] = "DNSKEY Missing",
    [EDE_RRSIGS_MISSING] = "RRSIGs Missing",
    [EDE_NO_ZONE_KEY_BIT] = "No Zone Key Bit Set",
    [EDE_NSEC_MISSING] = "NSEC Missing",
    [EDE_CACHED_ERROR] = "Cached Error",
    [EDE_NOT_READY] = "Not Ready",
    [EDE_BLOCKED] = "Blocked",
    [EDE_CENSORED] = "Censored",
    [EDE_FILTERED] = "Filtered",
    [EDE_PROHIBITED] = "Prohibited",
    [EDE_STALE_NXDOMAIN_ANSWER] = "Stale NXDOMAIN Answer",
    [EDE_NOT_AUTHORITATIVE] = "Not Authoritative",
    [EDE_NOT_SUPPORTED] = "Not Supported",
    [EDE_NO_REACHABLE_AUTHORITY] = "No Reachable Authority",
    [EDE_NETWORK_ERROR] = "Network Error",
    [EDE_INVALID_DATA] = "Invalid Data",
    [EDE_EXPIRED_BEFORE_VALID] = "Signature Expired before Valid",
    [EDE_TOO_EARLY] = "Too Early",
    [EDE_UNSUPPORTED_NSEC3_ITERATIONS] = "Unsupported NSEC3 Iterations Value",
    [EDE_UNABLE_TO_CONFORM_TO_POLICY] = "Unable to conform to policy",
    [EDE_SYNTHESIZED] = "Synthesized",
    [EDE_INVALID_QUERY_TYPE] = "Invalid Query Type",
    [EDE_RATE_LIMITED] = "Rate Limited",
    [EDE_OVER_QUOTA] = "Over Quota",
    [EDE_NEGATIVE_TRUST_ANCHOR] = "Negative Trust Anchor",
};

const char *ede_text(int code)
{
    return code < 0 || (size_t)code >= ARRAY_LEN(texts) ? NULL : texts[code];
}
