#include "message/rdata.h"

#include "message/rdata_field.h"

/* ---- reading out of a message ---- */

/* The RFC 1035 types, and those that RFC 3597 section 4 tells a receiver to decompress; and names of DNSSEC's records,
 * which nobody may compress (RFC 4034 sections 3.1.7 and 4.1.1), and all other resolvers expand. */
static bool may_be_compressed(uint16_t type, enum rdata_field field)
{
    if (field == FIELD_NAME)
        return type == TYPE_NSEC;
    if (field != FIELD_NAME_LOWER)
        return field == FIELD_NAME_COMPRESSIBLE;
    switch (type) {
    case 17: /* RP */
    case 18: /* AFSDB */
    case 21: /* RT */
    case TYPE_SIG:
    case 26: /* PX */
    case TYPE_NXT:
    case TYPE_SRV:
    case 35: /* NAPTR */
    case TYPE_DNAME:
    case TYPE_RRSIG:
        return true;
    default:
        return false;
    }
}

/* How many of the fields stand before or are the last name that may be compressed. */
static unsigned fields_to_expand(const struct rr_type *row)
{
    unsigned count = 0;
    for (unsigned i = 0; row->fields[i] != FIELD_END; i++) {
        if (may_be_compressed(row->number, row->fields[i]))
            count = i + 1;
    }
    return count;
}

static void expand_field(struct reader *r, uint16_t type, enum rdata_field field, struct writer *w)
{
    const uint8_t *begin = r->at;
    struct dname name;
    if (may_be_compressed(type, field)) {
        reader_dname(r, &name);
        if (field == FIELD_NAME && r->at - begin < name.len) /* case counts, and a pointer may lead to the question's */
            dname_lower(&name, &name);
        writer_dname(w, &name);
    } else {
        rdata_field_skip(r, field);
        writer_octets_put(w, (struct octets) { begin, (size_t)(r->at - begin) });
    }
}

static void skip_fields(struct reader *r, const uint8_t *fields)
{
    for (; *fields != FIELD_END; fields++)
        rdata_field_skip(r, *fields);
}

/* Reads fields with names that may be compressed, expanded, into head; returns what lies behind them, checked. */
static struct octets read_parts(struct reader *r, const struct rr_type *row, struct writer *head)
{
    if (row == NULL)
        return reader_rest(r);
    unsigned expanded = fields_to_expand(row);
    for (unsigned i = 0; i < expanded; i++)
        expand_field(r, row->number, row->fields[i], head);
    struct octets tail = { r->at, reader_left(r) };
    skip_fields(r, row->fields + expanded);
    if (reader_left(r) > 0)
        r->failed = true;
    return tail;
}

struct octets rdata_read(struct reader *r, uint16_t type, size_t len, struct arena *arena)
{
    /* NAPTR's fields are the largest: two numbers, three strings, a name. */
    uint8_t expanded[2 * sizeof(uint16_t) + 3 * (1 + UINT8_MAX) + DNAME_OCTETS_MAX];
    struct writer head = writer_of(expanded, sizeof(expanded));
    struct reader in = reader_sub(r, len);
    struct octets tail = read_parts(&in, rr_type_find(type), &head);
    size_t size = head.len + tail.len;
    if (in.failed || head.failed || size > UINT16_MAX) {
        r->failed = true;
        return (struct octets) { 0 };
    }
    struct writer w = writer_of(arena_alloc(arena, size), size);
    writer_octets_put(&w, writer_octets(&head));
    writer_octets_put(&w, tail);
    return writer_octets(&w);
}

bool rdata_is_valid(uint16_t type, struct octets rdata)
{
    const struct rr_type *row = rr_type_find(type);
    if (row == NULL)
        return rdata.len <= UINT16_MAX;
    struct reader r = reader_of_octets(rdata);
    skip_fields(&r, row->fields);
    return !r.failed && reader_left(&r) == 0 && rdata.len <= UINT16_MAX;
}

/* ---- canonical form ---- */

static void write_canonical_field(struct writer *w, enum rdata_field field, struct octets octets)
{
    struct dname name;
    if (field == FIELD_A6) {
        a6_write_canonical(w, octets);
    } else if ((field == FIELD_NAME_COMPRESSIBLE || field == FIELD_NAME_LOWER) &&
               dname_from_wire(octets, &name) == OK) {
        dname_lower(&name, &name);
        writer_dname(w, &name);
    } else {
        writer_octets_put(w, octets);
    }
}

void rdata_write_canonical(struct writer *w, uint16_t type, struct octets rdata)
{
    const struct rr_type *row = rr_type_find(type);
    struct reader r = reader_of_octets(rdata);
    for (unsigned i = 0; row != NULL && row->fields[i] != FIELD_END; i++) {
        const uint8_t *begin = r.at;
        rdata_field_skip(&r, row->fields[i]);
        if (r.failed) /* not what we store: it has no canonical form but itself */
            break;
        write_canonical_field(w, row->fields[i], (struct octets) { begin, (size_t)(r.at - begin) });
    }
    writer_octets_put(w, (struct octets) { r.at, reader_left(&r) });
}

/* ---- views ---- */

enum err rrsig_read(struct octets rdata, struct rrsig *sig)
{
    struct reader r = reader_of_octets(rdata);
    sig->type_covered = reader_u16(&r);
    sig->algorithm = reader_u8(&r);
    sig->labels = reader_u8(&r);
    sig->original_ttl_s = reader_u32(&r);
    sig->expiration = reader_u32(&r);
    sig->inception = reader_u32(&r);
    sig->key_tag = reader_u16(&r);
    reader_dname_uncompressed(&r, &sig->signer);
    sig->signed_part = (struct octets) { rdata.data, rdata.len - reader_left(&r) };
    sig->signature = reader_rest(&r);
    return r.failed ? ERR_FORMAT : OK;
}

enum err dnskey_read(struct octets rdata, struct dnskey *key)
{
    struct reader r = reader_of_octets(rdata);
    key->flags = reader_u16(&r);
    key->protocol = reader_u8(&r);
    key->algorithm = reader_u8(&r);
    key->public_key = reader_rest(&r);
    key->key_tag = dnskey_tag(rdata);
    return r.failed ? ERR_FORMAT : OK;
}

enum err ds_read(struct octets rdata, struct ds *ds)
{
    struct reader r = reader_of_octets(rdata);
    ds->key_tag = reader_u16(&r);
    ds->algorithm = reader_u8(&r);
    ds->digest_type = reader_u8(&r);
    ds->digest = reader_rest(&r);
    return r.failed ? ERR_FORMAT : OK;
}

/* A view of the rest as a checked bitmap: what says "that type is not there" must not be garbage. */
static struct octets reader_bitmap(struct reader *r)
{
    struct octets bitmap = { r->at, reader_left(r) };
    rdata_field_skip(r, FIELD_BITMAP);
    return bitmap;
}

enum err nsec_read(struct octets rdata, struct nsec *nsec)
{
    struct reader r = reader_of_octets(rdata);
    reader_dname_uncompressed(&r, &nsec->next);
    nsec->bitmap = reader_bitmap(&r);
    return r.failed ? ERR_FORMAT : OK;
}

enum err nsec3_read(struct octets rdata, struct nsec3 *nsec3)
{
    struct reader r = reader_of_octets(rdata);
    nsec3->hash_algorithm = reader_u8(&r);
    nsec3->flags = reader_u8(&r);
    nsec3->iterations = reader_u16(&r);
    nsec3->salt = reader_octets(&r, reader_u8(&r));
    nsec3->next = reader_octets(&r, reader_u8(&r));
    nsec3->bitmap = reader_bitmap(&r);
    return r.failed || nsec3->next.len == 0 ? ERR_FORMAT : OK;
}

enum err soa_read(struct octets rdata, struct soa *soa)
{
    struct reader r = reader_of_octets(rdata);
    reader_dname_uncompressed(&r, &soa->mname);
    reader_dname_uncompressed(&r, &soa->rname);
    soa->serial = reader_u32(&r);
    soa->refresh_s = reader_u32(&r);
    soa->retry_s = reader_u32(&r);
    soa->expire_s = reader_u32(&r);
    soa->minimum_s = reader_u32(&r);
    return r.failed || reader_left(&r) > 0 ? ERR_FORMAT : OK;
}

enum err rdata_name(struct octets rdata, struct dname *name)
{
    return dname_from_wire(rdata, name);
}

enum { DNSKEY_ALGORITHM_AT = 3, ALGORITHM_RSAMD5 = 1 };

uint16_t dnskey_tag(struct octets rdata)
{
    uint32_t sum = 0;
    if (rdata.len > DNSKEY_ALGORITHM_AT + 3 && rdata.data[DNSKEY_ALGORITHM_AT] == ALGORITHM_RSAMD5) /* appendix B.1 */
        return (uint16_t)(rdata.data[rdata.len - 3] << 8 | rdata.data[rdata.len - 2]);
    for (size_t i = 1; i < rdata.len; i += 2)
        sum += (uint32_t)(rdata.data[i - 1] << 8 | rdata.data[i]);
    if (rdata.len % 2 == 1)
        sum += (uint32_t)rdata.data[rdata.len - 1] << 8;
    return (uint16_t)(sum + (sum >> 16));
}

bool bitmap_has(struct octets bitmap, uint16_t type)
{
    struct reader r = reader_of_octets(bitmap);
    bool found = false;
    rdata_field_skip(&r, FIELD_BITMAP);
    if (r.failed)
        return false;
    for (r = reader_of_octets(bitmap); reader_left(&r) > 0;) {
        uint8_t window = reader_u8(&r);
        struct octets bits = reader_octets(&r, reader_u8(&r));
        unsigned octet = (type & 0xff) / 8;
        if (window == type >> 8)
            found = octet < bits.len && (bits.data[octet] & 0x80 >> type % 8) != 0;
    }
    return found;
}
