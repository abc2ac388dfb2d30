#include "validator/delegation.h"

#include "crypto/verify.h"
#include "message/ede.h"

enum {
    DS_DIGESTS_PER_ZONE_MAX = 64, /* computed for one DNSKEY set, however many keys share a tag: KeyTrap's sister */
    ANCHORS_PER_ZONE_MAX = 64,    /* looked at; more are ignored, as are more usable ones than DS_PER_ZONE_MAX */
};

static bool ds_is_usable(const struct crypto_policy *policy, const struct ds *ds)
{
    return algorithm_is_usable(policy, ds->algorithm) && digest_is_usable(policy, ds->digest_type);
}

static void note_unsupported(const struct crypto_policy *policy, const struct ds *ds, struct vouchers *vouchers)
{
    bool is_digest = algorithm_is_usable(policy, ds->algorithm);
    if (vouchers->ede == EDE_UNSUPPORTED_DS_DIGEST || (!is_digest && vouchers->ede != EDE_NONE))
        return; /* a digest alone was missing: that came nearer to being usable */
    vouchers->ede = is_digest ? EDE_UNSUPPORTED_DS_DIGEST : EDE_UNSUPPORTED_DNSKEY_ALGORITHM;
    vouchers->unsupported = is_digest ? ds->digest_type : ds->algorithm;
}

static void add_ds(struct vouchers *vouchers, const struct ds *ds)
{
    if (vouchers->count < DS_PER_ZONE_MAX)
        vouchers->list[vouchers->count++] = (struct voucher) { .type = TYPE_DS, .ds = *ds };
}

void vouchers_of_ds(const struct crypto_policy *policy, const struct rrset *ds_set, struct vouchers *vouchers)
{
    struct ds ds;
    bool has_sha2 = false;
    *vouchers = (struct vouchers) { .ede = EDE_NONE };
    for (uint16_t i = 0; i < ds_set->count; i++)
        has_sha2 |= ds_read(ds_set->rdata[i], &ds) == OK && ds_is_usable(policy, &ds) && ds.digest_type != DIGEST_SHA1;
    for (uint16_t i = 0; i < ds_set->count; i++) {
        if (ds_read(ds_set->rdata[i], &ds) != OK)
            continue;
        if (!ds_is_usable(policy, &ds))
            note_unsupported(policy, &ds, vouchers);
        else if (!has_sha2 || ds.digest_type != DIGEST_SHA1)
            add_ds(vouchers, &ds);
    }
}

static void add_anchor(const struct crypto_policy *policy, const struct anchor *anchor, struct vouchers *vouchers)
{
    struct ds ds;
    struct dnskey key;
    if (anchor->type == TYPE_DS && ds_read(anchor->rdata, &ds) == OK) {
        if (ds_is_usable(policy, &ds))
            add_ds(vouchers, &ds);
        else
            note_unsupported(policy, &ds, vouchers);
    } else if (anchor->type == TYPE_DNSKEY && dnskey_read(anchor->rdata, &key) == OK) {
        if (!algorithm_is_usable(policy, key.algorithm))
            note_unsupported(policy, &(const struct ds) { .algorithm = key.algorithm }, vouchers);
        else if (vouchers->count < DS_PER_ZONE_MAX)
            vouchers->list[vouchers->count++] = (struct voucher) { .type = TYPE_DNSKEY, .dnskey = anchor->rdata };
    }
}

size_t vouchers_of_anchors(const struct crypto_policy *policy, const struct trust *trust, const struct dname *zone,
                           struct now now, struct vouchers *vouchers)
{
    const struct anchor *anchors[ANCHORS_PER_ZONE_MAX];
    size_t count = trust_anchors_at(trust, zone, now, anchors, ANCHORS_PER_ZONE_MAX);
    *vouchers = (struct vouchers) { .ede = EDE_NONE };
    for (size_t i = 0; i < count; i++)
        add_anchor(policy, anchors[i], vouchers);
    return count;
}

static bool key_is_vouched(const struct crypto_policy *policy, const struct vouchers *vouchers,
                           const struct dname *zone, struct octets rdata, unsigned *digests_left)
{
    struct dnskey key;
    if (!dnskey_read_usable(rdata, &key))
        return false;
    for (uint16_t i = 0; i < vouchers->count; i++) {
        const struct voucher *voucher = &vouchers->list[i];
        if (voucher->type == TYPE_DNSKEY) {
            if (octets_equal(voucher->dnskey, rdata))
                return true;
        } else if (voucher->ds.key_tag == key.key_tag && voucher->ds.algorithm == key.algorithm && *digests_left > 0) {
            --*digests_left;
            if (ds_matches(policy->digests[voucher->ds.digest_type], &voucher->ds, zone, rdata))
                return true;
        }
    }
    return false;
}

uint16_t vouched_keys(const struct crypto_policy *policy, const struct vouchers *vouchers, const struct rrset *dnskeys,
                      struct octets keys[DNSKEYS_PER_ZONE_MAX])
{
    unsigned digests_left = DS_DIGESTS_PER_ZONE_MAX;
    uint16_t written = 0;
    for (uint16_t i = 0; i < dnskeys->count && written < DNSKEYS_PER_ZONE_MAX; i++)
        if (key_is_vouched(policy, vouchers, dnskeys->owner, dnskeys->rdata[i], &digests_left))
            keys[written++] = dnskeys->rdata[i];
    return written;
}
