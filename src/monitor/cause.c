#include "monitor/cause.h"

#include <string.h>

static const struct {
    int ede;
    const char *text;
} causes[CAUSES] = {
    [CAUSE_EXPIRED] = { EDE_SIGNATURE_EXPIRED, "expired" },
    [CAUSE_NOT_YET_VALID] = { EDE_SIGNATURE_NOT_YET_VALID, "not_yet_valid" },
    [CAUSE_EXPIRED_BEFORE_VALID] = { EDE_EXPIRED_BEFORE_VALID, "expired_before_valid" },
    [CAUSE_DNSKEY_MISSING] = { EDE_DNSKEY_MISSING, "dnskey_missing" },
    [CAUSE_RRSIGS_MISSING] = { EDE_RRSIGS_MISSING, "rrsigs_missing" },
    [CAUSE_NO_ZONE_KEY_BIT] = { EDE_NO_ZONE_KEY_BIT, "no_zone_key_bit" },
    [CAUSE_NSEC_MISSING] = { EDE_NSEC_MISSING, "nsec_missing" },
    [CAUSE_BAD_SIGNATURE] = { EDE_BOGUS, "bad_signature" }, /* EDE 6 says less: the check decides */
    [CAUSE_OTHER] = { EDE_NONE, "other" },
    [CAUSE_UNREACHABLE] = { EDE_NO_REACHABLE_AUTHORITY, "unreachable" },
};

const char *cause_text(enum cause cause)
{
    return causes[cause].text;
}

enum cause cause_of(int ede, const char *site)
{
    if (ede == EDE_NO_REACHABLE_AUTHORITY)
        return CAUSE_UNREACHABLE;
    if (ede == EDE_BOGUS)
        return strcmp(site, fault_rows[FAULT_BAD].site) == 0 ? CAUSE_BAD_SIGNATURE : CAUSE_OTHER;
    for (int cause = 0; cause < CAUSE_BAD_SIGNATURE; cause++)
        if (causes[cause].ede == ede)
            return (enum cause)cause;
    return CAUSE_OTHER;
}

enum cause cause_of_fault(enum signature_fault fault)
{
    return cause_of(fault_rows[fault].ede, fault_rows[fault].site);
}
