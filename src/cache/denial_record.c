/* NSEC and NSEC3 records taken apart for the denial index: which may be filed, and in what order. */
#include "cache/denial_shared.h"
#include "message/coding.h"

/* Octets whose order is the canonical order of names (RFC 4034 section 6.1): labels from the root down, in lower case,
 * a zero octet behind each; zero and one inside a label are written as two octets. */
size_t sort_key(const struct dname *name, uint8_t key[SORT_KEY_MAX])
{
    struct dname lower;
    size_t len = 0;
    dname_lower(name, &lower);
    for (unsigned n = lower.labels; n-- > 0;) {
        struct octets label = dname_label(&lower, (uint8_t)n);
        for (size_t i = 0; i < label.len; i++) {
            if (label.data[i] <= 1)
                key[len++] = 1;
            key[len++] = label.data[i] <= 1 ? label.data[i] + 1 : label.data[i];
        }
        key[len++] = 0;
    }
    return len;
}

/* All signatures name the same signer, and none was made over a wildcard (RFC 4035 section 5.3.4). */
static bool read_signer(const struct rrset *rrset, struct dname *zone)
{
    unsigned labels = rrset->owner->labels - (unsigned)dname_is_wildcard(rrset->owner);
    for (uint16_t i = 0; i < rrset->sig_count; i++) {
        struct rrsig sig;
        if (rrsig_read(rrset->sigs[i], &sig) != OK || sig.labels != labels ||
            !dname_is_subdomain(rrset->owner, &sig.signer) || (i > 0 && !dname_equal(&sig.signer, zone)))
            return false;
        *zone = sig.signer;
    }
    return rrset->sig_count > 0;
}

uint32_t denial_ttl_s(const struct rrset *rrset)
{
    uint32_t ttl_s = rrset->ttl_s;
    struct rrsig sig;
    for (uint16_t i = 0; i < rrset->sig_count; i++)
        if (rrsig_read(rrset->sigs[i], &sig) == OK && sig.original_ttl_s < ttl_s)
            ttl_s = sig.original_ttl_s;
    return ttl_s;
}

/* RFC 9824 section 3.1: next is the first name below the owner, so that only the owner is spoken of. */
static bool is_compact(const struct dname *owner, const struct dname *next)
{
    return next->labels == owner->labels + 1 && next->octets[0] == 1 && next->octets[1] == 0 &&
           dname_is_subdomain(next, owner);
}

static bool read_nsec(const struct rrset *rrset, struct denial_record *record)
{
    struct nsec nsec;
    if (nsec_read(rrset->rdata[0], &nsec) != OK || !dname_is_subdomain(&nsec.next, &record->zone) ||
        is_compact(rrset->owner, &nsec.next))
        return false;
    record->bitmap = nsec.bitmap;
    record->owner_len = sort_key(rrset->owner, record->owner);
    record->next_len = sort_key(&nsec.next, record->next);
    return true;
}

/* Base32hex (RFC 4648 section 7) of exactly a SHA-1 hash. */
static bool read_hash_label(struct octets label, uint8_t hash[NSEC3_SHA1_OCTETS])
{
    struct writer w = writer_of(hash, NSEC3_SHA1_OCTETS);
    return base32hex_decode(label, &w) && !w.failed && w.len == NSEC3_SHA1_OCTETS;
}

static bool read_nsec3(const struct rrset *rrset, struct denial_record *record)
{
    struct nsec3 *nsec3 = &record->nsec3;
    struct dname parent;
    if (nsec3_read(rrset->rdata[0], nsec3) != OK || nsec3->hash_algorithm != NSEC3_HASH_SHA1 || nsec3->flags != 0 ||
        nsec3->next.len != NSEC3_SHA1_OCTETS || dname_is_root(rrset->owner))
        return false;
    dname_parent(rrset->owner, &parent);
    if (!dname_equal(&parent, &record->zone) || !read_hash_label(dname_label(rrset->owner, 0), record->owner))
        return false;
    record->is_nsec3 = true;
    record->bitmap = nsec3->bitmap;
    record->owner_len = record->next_len = NSEC3_SHA1_OCTETS;
    memcpy(record->next, nsec3->next.data, NSEC3_SHA1_OCTETS);
    return true;
}

bool denial_record_read(const struct rrset *rrset, struct denial_record *record)
{
    record->rrset = rrset;
    record->is_nsec3 = false;
    if (rrset->count != 1 || rrset->class != CLASS_IN || !read_signer(rrset, &record->zone))
        return false;
    return rrset->type == TYPE_NSEC ? read_nsec(rrset, record) : rrset->type == TYPE_NSEC3 && read_nsec3(rrset, record);
}
