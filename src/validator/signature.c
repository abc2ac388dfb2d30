#include "validator/signature.h"

#include "time/serial.h"

enum {
    DNSSEC_PROTOCOL = 3,   /* RFC 4034 section 2.1.2 */
    OCTETS_OF_COST = 4096, /* signed data put in order and hashed, for what a quarter of a P-256 check costs */
};

const struct fault_row fault_rows[FAULTS] = {
    [FAULT_NONE] = { EDE_NONE, "rrsig-good", "is good" },
    [FAULT_MISSING] = { EDE_RRSIGS_MISSING, "rrsig-missing", "is missing" },
    [FAULT_MALFORMED] = { EDE_RRSIGS_MISSING, "rrsig-malformed", "is malformed" },
    [FAULT_ALGORITHM] = { EDE_RRSIGS_MISSING, "rrsig-algorithm", "has an unsupported algorithm" },
    [FAULT_LABELS] = { EDE_BOGUS, "rrsig-labels", "has an impossible number of labels" },
    [FAULT_KEY_MISSING] = { EDE_DNSKEY_MISSING, "dnskey-missing", "has no matching DNSKEY" },
    [FAULT_KEY_UNUSABLE] = { EDE_DNSKEY_MISSING, "dnskey-unusable",
                             "is by a key that is malformed or outside the limits" },
    [FAULT_KEY_REVOKED] = { EDE_DNSKEY_MISSING, "dnskey-revoked", "is by a revoked key" },
    [FAULT_KEY_NOT_ZONE] = { EDE_NO_ZONE_KEY_BIT, "dnskey-not-zone-key", "is by a key that is no zone key" },
    [FAULT_INVERTED] = { EDE_EXPIRED_BEFORE_VALID, "rrsig-inverted", "ends before it begins" },
    [FAULT_NOT_YET] = { EDE_SIGNATURE_NOT_YET_VALID, "rrsig-not-yet-valid", "is not valid before" },
    [FAULT_EXPIRED] = { EDE_SIGNATURE_EXPIRED, "rrsig-expired", "expired" },
    [FAULT_BAD] = { EDE_BOGUS, "rrsig-bad", "does not verify" },
    [FAULT_NOT_BY_ALL] = { EDE_RRSIGS_MISSING, "rrsig-not-by-all",
                           "is not enough: the DS set or trust anchors name another algorithm, too" },
};

uint8_t owner_labels(const struct dname *owner)
{
    return (uint8_t)(owner->labels - dname_is_wildcard(owner));
}

bool rrsig_is_expanded(const struct rrsig *sig, const struct dname *owner)
{
    return sig->labels < owner_labels(owner);
}

/* RFC 4035 section 5.3.1, without what depends on the key and without the times. */
static enum signature_fault check_form(const struct crypto_policy *policy, const struct rrset *rrset,
                                       const struct rrsig *sig)
{
    if (sig->type_covered != rrset->type)
        return FAULT_MALFORMED;
    if (!algorithm_is_usable(policy, sig->algorithm))
        return FAULT_ALGORITHM;
    /* Fewer labels than the signer: a wildcard above the zone, which could stand for any name. */
    if (sig->labels > owner_labels(rrset->owner) || sig->labels < sig->signer.labels)
        return FAULT_LABELS;
    return FAULT_NONE;
}

static enum signature_fault check_times(const struct rrsig *sig, struct now now)
{
    uint32_t now_s = (uint32_t)now_wall_s(now); /* serial arithmetic: RFC 4034 section 3.1.5 */
    if (serial_lt(sig->expiration, sig->inception))
        return FAULT_INVERTED;
    if (serial_lt(now_s, sig->inception))
        return FAULT_NOT_YET;
    if (!serial_le(now_s, sig->expiration))
        return FAULT_EXPIRED;
    return FAULT_NONE;
}

/* FAULT_KEY_MISSING: another key than the one meant. */
static enum signature_fault check_key(const struct rrsig *sig, const struct dnskey *key, bool is_revocation)
{
    if (key->algorithm != sig->algorithm || key->key_tag != sig->key_tag)
        return FAULT_KEY_MISSING;
    if ((key->flags & DNSKEY_ZONE) == 0 || key->protocol != DNSSEC_PROTOCOL)
        return FAULT_KEY_NOT_ZONE;
    if ((key->flags & DNSKEY_REVOKE) != 0 && !is_revocation)
        return FAULT_KEY_REVOKED;
    return FAULT_NONE;
}

/* A key that one of the signatures may have been made with. */
struct candidate {
    struct dnskey key;
    struct octets rdata;
};

/* State of one rrset_verify(). */
struct attempt {
    const struct signature_means *means;
    const struct rrset *rrset;
    struct candidate *keys;
    uint16_t key_count;
    bool keys_are_revoked;
    unsigned checks_left;         /* KeyTrap: pairs of key and signature still to be tried */
    enum signature_fault reached; /* by the signature in hand */
    struct signature_result *result;
};

/* Remembers the signature if it came further than those before. */
static void note_fault(struct attempt *attempt, enum signature_fault fault, const struct rrsig *sig)
{
    struct signature_result *result = attempt->result;
    if (fault > attempt->reached)
        attempt->reached = fault;
    if (fault <= result->fault && result->has_rrsig)
        return;
    result->fault = fault;
    result->has_rrsig = true;
    result->rrsig = *sig;
}

/* One public-key operation.  True: nothing more is to be tried. */
static bool try_pair(struct attempt *attempt, const struct rrsig *sig, const struct candidate *candidate,
                     struct octets data)
{
    const struct signature_means *means = attempt->means;
    const struct algorithm *algorithm = means->policy->algorithms[sig->algorithm];
    uint16_t cost = (uint16_t)(signature_cost(algorithm, candidate->key.public_key) + data.len / OCTETS_OF_COST);
    if (!budget_take_check(means->budget, cost)) {
        attempt->result->out_of_budget = true;
        return true;
    }
    attempt->checks_left--;
    switch (signature_verify(means->verifier, algorithm, &candidate->key, data, sig->signature)) {
    case SIGNATURE_GOOD:
        attempt->reached = FAULT_NONE;
        *attempt->result = (struct signature_result) {
            .fault = FAULT_NONE, .has_rrsig = true, .rrsig = *sig, .key = candidate->rdata
        };
        return true;
    case SIGNATURE_KEY_UNUSABLE:
        note_fault(attempt, FAULT_KEY_UNUSABLE, sig);
        return false;
    case SIGNATURE_BAD:
        break;
    }
    note_fault(attempt, FAULT_BAD, sig);
    attempt->result->out_of_budget = !budget_take_failure(means->budget, cost);
    return attempt->result->out_of_budget;
}

/* True: nothing more is to be tried. */
static bool try_signature(struct attempt *attempt, const struct rrsig *sig)
{
    struct octets data = { NULL, 0 };
    enum signature_fault fault = check_form(attempt->means->policy, attempt->rrset, sig);
    if (fault != FAULT_NONE) {
        note_fault(attempt, fault, sig);
        return false;
    }
    note_fault(attempt, FAULT_KEY_MISSING, sig);
    for (uint16_t i = 0; i < attempt->key_count && attempt->checks_left > 0; i++) {
        fault = check_key(sig, &attempt->keys[i].key, attempt->keys_are_revoked);
        if (fault == FAULT_NONE)
            fault = check_times(sig, attempt->means->now);
        if (fault != FAULT_NONE) {
            note_fault(attempt, fault, sig);
            continue;
        }
        if (data.data == NULL)
            data = signed_data(attempt->means->arena, attempt->rrset, sig);
        if (try_pair(attempt, sig, &attempt->keys[i], data))
            return true;
    }
    return false;
}

static void tell(const struct attempt *attempt, const struct rrsig *sig)
{
    const struct signature_watch *watch = attempt->means->watch;
    if (watch != NULL && !attempt->result->out_of_budget)
        watch->saw(watch->context, attempt->rrset, sig, attempt->reached);
}

static bool is_meant(const struct dnskey *key, const struct rrsig *sigs, uint16_t sig_count)
{
    for (uint16_t i = 0; i < sig_count; i++)
        if (sigs[i].key_tag == key->key_tag && sigs[i].algorithm == key->algorithm)
            return true;
    return false;
}

/* The keys that one of the signatures may mean: of a set of hundreds few are left. */
static void read_keys(struct attempt *attempt, const struct signer_keys *signers, const struct rrsig *sigs,
                      uint16_t sig_count)
{
    uint16_t most = signers->count < CANDIDATES_MAX ? signers->count : CANDIDATES_MAX;
    attempt->keys = ARENA_ARRAY(attempt->means->arena, most, struct candidate);
    for (uint16_t i = 0; i < signers->count && attempt->key_count < most; i++) {
        struct candidate *candidate = &attempt->keys[attempt->key_count];
        candidate->rdata = signers->rdata[i];
        attempt->key_count +=
            dnskey_read_usable(candidate->rdata, &candidate->key) && is_meant(&candidate->key, sigs, sig_count);
    }
}

/* The zone's signatures, those with the most labels first: who holds the name's own signature needs no proof that a
 * wildcard was the closest match, in whatever order they came.  Their number. */
static uint16_t read_signatures(const struct rrset *rrset, const struct dname *zone, struct rrsig *sigs)
{
    uint16_t count = 0;
    for (uint16_t i = 0; i < rrset->sig_count && i < RRSIGS_PER_RRSET_MAX; i++) {
        struct rrsig sig;
        if (rrsig_read(rrset->sigs[i], &sig) != OK || !dname_equal(&sig.signer, zone))
            continue;
        uint16_t at = count++;
        for (; at > 0 && sigs[at - 1].labels < sig.labels; at--)
            sigs[at] = sigs[at - 1];
        sigs[at] = sig;
    }
    return count;
}

void rrset_verify(const struct signature_means *means, const struct rrset *rrset, const struct signer_keys *keys,
                  struct signature_result *result)
{
    struct attempt attempt = {
        .means = means,
        .rrset = rrset,
        .keys_are_revoked = keys->are_revoked,
        .checks_left = RRSIG_CHECKS_PER_RRSET_MAX,
        .result = result,
    };
    uint16_t sig_count = rrset->sig_count < RRSIGS_PER_RRSET_MAX ? rrset->sig_count : RRSIGS_PER_RRSET_MAX;
    struct rrsig *sigs = ARENA_ARRAY(means->arena, sig_count, struct rrsig);
    sig_count = read_signatures(rrset, keys->zone, sigs);
    read_keys(&attempt, keys, sigs, sig_count);
    *result = (struct signature_result) { .fault = FAULT_MISSING };
    for (uint16_t i = 0; i < sig_count && attempt.checks_left > 0; i++) {
        attempt.reached = FAULT_NONE;
        bool is_over = try_signature(&attempt, &sigs[i]);
        tell(&attempt, &sigs[i]);
        if (is_over)
            return;
    }
}
