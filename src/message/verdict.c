#include "message/verdict.h"

#include <assert.h>

#include "base/hash.h"

const char *security_text(enum security security)
{
    static const char *const texts[] = {
        [UNCHECKED] = "unchecked",         [SECURE] = "secure", [INSECURE] = "insecure", [BOGUS] = "bogus",
        [INDETERMINATE] = "indeterminate",
    };
    assert((size_t)security < ARRAY_LEN(texts));
    return texts[security];
}

bool security_is_trusted(enum security security)
{
    return security == SECURE || security == INSECURE;
}

uint64_t key_id(const struct dname *zone, struct octets dnskey_rdata)
{
    return hash_octets(dnskey_rdata, dname_hash(zone, 0));
}

static bool lineage_has(const struct lineage *lineage, uint64_t key)
{
    for (uint16_t i = 0; i < lineage->count; i++)
        if (lineage->keys[i] == key)
            return true;
    return false;
}

void lineage_add(struct lineage *lineage, uint64_t key)
{
    if (lineage_has(lineage, key))
        return;
    if (lineage->count == LINEAGE_KEYS_MAX)
        lineage->overflow = true;
    else
        lineage->keys[lineage->count++] = key;
}

void lineage_merge(struct lineage *into, const struct lineage *from)
{
    for (uint16_t i = 0; i < from->count; i++)
        lineage_add(into, from->keys[i]);
    into->overflow |= from->overflow;
}

struct verdict verdict_of(enum security security, const char *site)
{
    return (struct verdict) {
        .security = security,
        .ede = EDE_NONE,
        .site = site,
        .valid_until_s = INT64_MAX,
        .ttl_cap_s = UINT32_MAX,
    };
}
