/* NSEC: RFC 4034 section 4, RFC 4035 section 5.4, RFC 6840 section 4. */
#include "validator/proofs.h"

/* The gap from an owner to the next name of the zone. */
struct gap {
    const struct dname *owner;
    struct nsec nsec;
};

/* False: not an NSEC of this zone that could prove anything. */
static bool gap_read(const struct denial *denial, uint16_t i, struct gap *gap)
{
    const struct rrset *set = denial->sets[i];
    gap->owner = set->owner;
    return set->type == TYPE_NSEC && set->count == 1 && dname_is_subdomain(set->owner, denial->zone) &&
           nsec_read(set->rdata[0], &gap->nsec) == OK && dname_is_subdomain(&gap->nsec.next, denial->zone);
}

/* RFC 4034 section 6.1: name sorts strictly between the two.  The last NSEC of a zone leads back to the apex. */
static bool gap_covers(const struct gap *gap, const struct dname *zone, const struct dname *name)
{
    if (dname_compare(gap->owner, name) >= 0)
        return false;
    if (dname_compare(gap->owner, &gap->nsec.next) < 0)
        return dname_compare(name, &gap->nsec.next) < 0;
    return dname_equal(&gap->nsec.next, zone);
}

/* No RRs stand at name, which may still be an empty non-terminal. */
static bool gap_denies_types(const struct gap *gap, const struct dname *zone, const struct dname *name)
{
    bool is_elsewhere = dname_is_below(name, gap->owner) && bitmap_ends_authority(gap->nsec.bitmap);
    return gap_covers(gap, zone, name) && !is_elsewhere;
}

/* The next name is below: name exists although nothing stands there (RFC 4592 section 2.2.2). */
static bool gap_shows_empty_nonterminal(const struct gap *gap, const struct dname *name)
{
    return dname_is_below(&gap->nsec.next, name);
}

static bool gap_denies_name(const struct gap *gap, const struct dname *zone, const struct dname *name)
{
    return gap_denies_types(gap, zone, name) && !gap_shows_empty_nonterminal(gap, name);
}

/* Both ends of a gap exist: what name shares with them is its closest encloser, as nothing between them exists. */
static uint8_t encloser_labels_of(const struct gap *gap, const struct dname *name)
{
    uint8_t owner = dname_common_labels(name, gap->owner), next = dname_common_labels(name, &gap->nsec.next);
    return owner > next ? owner : next;
}

/* The wildcard at the closest encloser that this gap, which denies name, shows. */
static bool wildcard_of(const struct gap *gap, const struct dname *name, struct dname *wildcard)
{
    dname_suffix(name, encloser_labels_of(gap, name), wildcard);
    return dname_wildcard(wildcard, wildcard) == OK;
}

static bool name_is_denied(const struct denial *denial, const struct dname *name)
{
    struct gap gap;
    for (uint16_t i = 0; i < denial->count; i++)
        if (gap_read(denial, i, &gap) && gap_denies_name(&gap, denial->zone, name))
            return true;
    return false;
}

enum proof nsec_name_error(const struct denial *denial, const struct dname *qname)
{
    for (uint16_t i = 0; i < denial->count; i++) {
        struct gap gap;
        struct dname wildcard;
        if (!gap_read(denial, i, &gap))
            continue;
        if (dname_equal(gap.owner, qname) && bitmap_has(gap.nsec.bitmap, TYPE_NXNAME))
            return PROOF_NXNAME;
        if (gap_denies_name(&gap, denial->zone, qname) && wildcard_of(&gap, qname, &wildcard) &&
            name_is_denied(denial, &wildcard))
            return PROOF_GOOD;
    }
    return PROOF_NONE;
}

/* The wildcard that would answer for a name that does not exist is there, but not with this type. */
static enum proof wildcard_no_data(const struct denial *denial, const struct dname *wildcard, uint16_t qtype)
{
    for (uint16_t i = 0; i < denial->count; i++) {
        struct gap gap;
        if (!gap_read(denial, i, &gap))
            continue;
        if (dname_equal(gap.owner, wildcard))
            return bitmap_no_data_at_wildcard(gap.nsec.bitmap, wildcard, qtype);
        if (gap_denies_types(&gap, denial->zone, wildcard) && gap_shows_empty_nonterminal(&gap, wildcard))
            return PROOF_GOOD;
    }
    return PROOF_NONE;
}

enum proof nsec_no_data(const struct denial *denial, const struct dname *qname, uint16_t qtype)
{
    for (uint16_t i = 0; i < denial->count; i++) {
        struct gap gap;
        struct dname wildcard;
        enum proof proof = PROOF_NONE;
        if (!gap_read(denial, i, &gap))
            continue;
        if (dname_equal(gap.owner, qname))
            proof = bitmap_no_data(gap.nsec.bitmap, qname, qtype);
        else if (!gap_denies_types(&gap, denial->zone, qname))
            continue;
        else if (gap_shows_empty_nonterminal(&gap, qname))
            proof = PROOF_GOOD;
        else if (wildcard_of(&gap, qname, &wildcard))
            proof = wildcard_no_data(denial, &wildcard, qtype);
        if (proof != PROOF_NONE)
            return proof;
    }
    return PROOF_NONE;
}

enum proof nsec_wildcard_expansion(const struct denial *denial, const struct dname *qname, uint8_t encloser_labels)
{
    struct gap gap;
    for (uint16_t i = 0; i < denial->count; i++)
        if (gap_read(denial, i, &gap) && gap_denies_name(&gap, denial->zone, qname) &&
            encloser_labels_of(&gap, qname) == encloser_labels)
            return PROOF_GOOD;
    return PROOF_NONE;
}
