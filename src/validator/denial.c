#include "validator/denial.h"

#include "base/reader.h"
#include "validator/proofs.h"

bool bitmap_ends_authority(struct octets bitmap)
{
    return bitmap_has(bitmap, TYPE_DNAME) || (bitmap_has(bitmap, TYPE_NS) && !bitmap_has(bitmap, TYPE_SOA));
}

/* Nothing stands there but what denial itself needs: the only way in which a name that exists has no answer for ANY. */
static bool bitmap_is_bare(struct octets bitmap)
{
    struct reader r = reader_of_octets(bitmap);
    while (reader_left(&r) > 0 && !r.failed) {
        unsigned window = reader_u8(&r);
        struct octets bits = reader_octets(&r, reader_u8(&r));
        for (unsigned type = 0; type < 8 * bits.len; type++) {
            bool is_set = bits.data[type / 8] & (0x80 >> type % 8);
            unsigned number = 256 * window + type;
            if (is_set && number != TYPE_NSEC && number != TYPE_RRSIG && number != TYPE_NXNAME)
                return false;
        }
    }
    return !r.failed;
}

enum proof bitmap_no_data(struct octets bitmap, const struct dname *name, uint16_t qtype)
{
    if (bitmap_has(bitmap, qtype) || bitmap_has(bitmap, TYPE_CNAME)) /* RFC 6840 section 4.3 */
        return PROOF_NONE;
    if (qtype == TYPE_ANY && !bitmap_is_bare(bitmap))
        return PROOF_NONE;
    if (bitmap_has(bitmap, TYPE_NXNAME))
        return PROOF_NXNAME;
    bool is_apex = bitmap_has(bitmap, TYPE_SOA), is_cut = bitmap_has(bitmap, TYPE_NS) && !is_apex;
    if (qtype != TYPE_DS)
        return is_cut ? PROOF_NONE : PROOF_GOOD; /* the parent's word on the child's types: RFC 6840 section 4.1 */
    if (is_apex && !dname_is_root(name))
        return PROOF_NONE; /* the child's word on the parent's type: RFC 4035 section 5.2 */
    return is_cut ? PROOF_INSECURE_DELEGATION : PROOF_GOOD;
}

enum proof bitmap_no_data_at_wildcard(struct octets bitmap, const struct dname *wildcard, uint16_t qtype)
{
    return bitmap_no_data(bitmap, wildcard, qtype) == PROOF_GOOD ? PROOF_GOOD : PROOF_NONE;
}

enum proof denial_name_error(const struct denial *denial, const struct dname *qname, struct budget *budget)
{
    if (!dname_is_subdomain(qname, denial->zone))
        return PROOF_NONE;
    enum proof proof = nsec_name_error(denial, qname);
    return proof != PROOF_NONE ? proof : nsec3_name_error(denial, qname, budget);
}

enum proof denial_no_data(const struct denial *denial, const struct dname *qname, uint16_t qtype, struct budget *budget)
{
    if (!dname_is_subdomain(qname, denial->zone))
        return PROOF_NONE;
    enum proof proof = nsec_no_data(denial, qname, qtype);
    return proof != PROOF_NONE ? proof : nsec3_no_data(denial, qname, qtype, budget);
}

enum proof denial_wildcard_expansion(const struct denial *denial, const struct dname *qname, uint8_t encloser_labels,
                                     struct budget *budget)
{
    if (!dname_is_subdomain(qname, denial->zone) || encloser_labels < denial->zone->labels ||
        encloser_labels >= qname->labels)
        return PROOF_NONE;
    enum proof proof = nsec_wildcard_expansion(denial, qname, encloser_labels);
    return proof != PROOF_NONE ? proof : nsec3_wildcard_expansion(denial, qname, encloser_labels, budget);
}
