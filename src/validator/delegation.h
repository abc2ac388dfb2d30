/* From DS records, or trust anchors, to the keys they name: RFC 4035 section 5.2, RFC 4509, RFC 6840 section 5.11. */
#ifndef VALIDATOR_DELEGATION_H
#define VALIDATOR_DELEGATION_H

#include "base/limits.h"
#include "crypto/algorithms.h"
#include "message/rrset.h"
#include "trust/trust.h"

/* What may vouch for a key.  Octets are borrowed from the DS RRset or the anchors. */
struct voucher {
    uint16_t type; /* TYPE_DS, or TYPE_DNSKEY: an anchor that is the key itself */
    struct ds ds;
    struct octets dnskey;
};
struct vouchers {
    uint16_t count; /* usable ones; 0: `ede` says why */
    struct voucher list[DS_PER_ZONE_MAX];
    int ede;             /* EDE_UNSUPPORTED_DNSKEY_ALGORITHM or EDE_UNSUPPORTED_DS_DIGEST */
    uint8_t unsupported; /* number of the first algorithm or digest that is not supported */
};

/* Drops unusable pairs of algorithm and digest; then SHA-1, if SHA-2 is left (RFC 4509 section 3). */
void vouchers_of_ds(const struct crypto_policy *policy, const struct rrset *ds_set, struct vouchers *vouchers);
/* The anchors of the zone that are valid now; how many there are, usable or not. */
size_t vouchers_of_anchors(const struct crypto_policy *policy, const struct trust *trust, const struct dname *zone,
                           struct now now, struct vouchers *vouchers);

/* The keys of the DNSKEY set that a voucher names; they may still lack what a zone key needs.  Number written. */
uint16_t vouched_keys(const struct crypto_policy *policy, const struct vouchers *vouchers, const struct rrset *dnskeys,
                      struct octets keys[DNSKEYS_PER_ZONE_MAX]);

#endif
