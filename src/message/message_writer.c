/* Writes messages.  A name is written as the labels that are new and a pointer to the longest suffix that already
 * stands in the message with the same letter case (RFC 1035 section 4.1.4; case is kept: RFC 4343).  In the question
 * any case is the same: the answer shows the names as they were asked for, and has one length for all who ask. */
#include "message/message.h"

enum {
    POINTER = 0xc000,
    COMPRESSION_PROBES = 8,     /* slots looked at for one suffix */
    COMPRESSION_MISSES_MAX = 4, /* equal tags on unequal names before the whole name is written */
};

/* Where the labels of a name begin, and a hash, without case, of what stands from there to the end. */
struct suffixes {
    uint8_t starts[DNAME_LABELS_MAX + 1]; /* the last is the root label's */
    uint32_t hashes[DNAME_LABELS_MAX];
};

/* Length octets of labels are no letters: they stay. */
static uint8_t to_lower(uint8_t octet)
{
    return octet >= 'A' && octet <= 'Z' ? octet | 0x20 : octet;
}

static void find_suffixes(const struct dname *name, struct suffixes *suffixes)
{
    uint8_t at = 0;
    for (uint8_t i = 0; i < name->labels; i++) {
        suffixes->starts[i] = at;
        at = (uint8_t)(at + 1 + name->octets[at]);
    }
    suffixes->starts[name->labels] = at;
    uint32_t hash = 0;
    for (uint8_t i = name->labels; i-- > 0;) {
        while (at > suffixes->starts[i])
            hash = (hash ^ to_lower(name->octets[--at])) * 0x01000193u; /* the step of FNV-1a */
        suffixes->hashes[i] = hash ^ hash >> 15;
    }
}

static uint16_t tag_of(uint32_t hash)
{
    return (uint16_t)(hash >> 16);
}

static struct compression_slot *slot_of(struct message_writer *m, uint32_t hash, unsigned probe)
{
    return &m->slots[(hash + probe) % COMPRESSION_SLOTS];
}

static bool label_equal(const uint8_t *a, const uint8_t *b)
{
    for (uint8_t i = 0; i <= *a; i++)
        if (to_lower(a[i]) != to_lower(b[i]))
            return false;
    return true;
}

/* Only places that this writer remembered are looked at: labels and pointers there are its own. */
static bool stands_at(const struct message_writer *m, size_t at, const uint8_t *name)
{
    for (;;) {
        const uint8_t *label = m->w.data + at;
        if (*label >= POINTER >> 8) {
            at = (size_t)(label[0] << 8 | label[1]) - POINTER;
        } else if (at < m->question_end ? !label_equal(label, name) : memcmp(label, name, 1 + (size_t)*label) != 0) {
            return false;
        } else if (*label == 0) {
            return true;
        } else {
            name += 1 + *label;
            at += 1 + (size_t)*label;
        }
    }
}

/* The place of a suffix that stands in the message; 0: none is known. */
static uint16_t place_of(struct message_writer *m, const uint8_t *name, uint32_t hash, unsigned *misses)
{
    for (unsigned probe = 0; probe < COMPRESSION_PROBES; probe++) {
        const struct compression_slot *slot = slot_of(m, hash, probe);
        if (slot->offset == 0)
            return 0;
        if (slot->tag != tag_of(hash) || slot->offset >= m->pointers_end)
            continue;
        if (stands_at(m, slot->offset, name))
            return slot->offset;
        ++*misses;
    }
    return 0;
}

static void remember(struct message_writer *m, uint32_t hash, size_t offset)
{
    if (offset >= POINTER_TARGET_END)
        return;
    for (unsigned probe = 0; probe < COMPRESSION_PROBES; probe++) {
        struct compression_slot *slot = slot_of(m, hash, probe);
        if (slot->offset != 0 && slot->tag == tag_of(hash))
            return;
        if (slot->offset == 0) {
            *slot = (struct compression_slot) { (uint16_t)offset, tag_of(hash) };
            return;
        }
    }
}

/* How many labels must be written before a pointer to *target, or before the root label if that is 0. */
static uint8_t find_target(struct message_writer *m, const struct dname *name, const struct suffixes *suffixes,
                           uint16_t *target)
{
    unsigned misses = 0;
    for (uint8_t i = 0; i < name->labels && misses < COMPRESSION_MISSES_MAX; i++) {
        *target = place_of(m, name->octets + suffixes->starts[i], suffixes->hashes[i], &misses);
        if (*target != 0)
            return i;
    }
    return name->labels;
}

/* A name at the writer's place, as a pointer to an earlier one as far as it may; remembers it for later names. */
static void put_dname(struct message_writer *m, const struct dname *name, bool may_point)
{
    struct suffixes suffixes;
    find_suffixes(name, &suffixes);
    uint16_t target = 0;
    uint8_t new_labels = may_point ? find_target(m, name, &suffixes, &target) : name->labels;
    size_t begin = m->w.len;
    writer_octets_put(&m->w, (struct octets) { name->octets, suffixes.starts[new_labels] });
    if (target != 0)
        writer_u16(&m->w, POINTER | target);
    else
        writer_u8(&m->w, 0);
    for (uint8_t i = 0; i < new_labels && !m->w.failed; i++)
        remember(m, suffixes.hashes[i], begin + suffixes.starts[i]);
}

/* Takes back all that was written after the first len octets. */
static void forget(struct message_writer *m, size_t len)
{
    writer_rewind(&m->w, len);
    for (size_t i = 0; i < COMPRESSION_SLOTS; i++)
        if (m->slots[i].offset >= len)
            m->slots[i] = (struct compression_slot) { 0 };
}

void message_begin(struct message_writer *m, uint8_t *buffer, size_t size, const struct header *header)
{
    *m = (struct message_writer) { .w = writer_of(buffer, size), .pointers_end = POINTER_TARGET_END };
    writer_u16(&m->w, header->id);
    writer_u16(&m->w, (uint16_t)((header->opcode & 0xf) << 11 | (header->rcode & 0xf) | (header->qr ? FLAG_QR : 0) |
                                 (header->aa ? FLAG_AA : 0) | (header->tc ? FLAG_TC : 0) | (header->rd ? FLAG_RD : 0) |
                                 (header->ra ? FLAG_RA : 0) | (header->ad ? FLAG_AD : 0) | (header->cd ? FLAG_CD : 0)));
    for (size_t i = 0; i < ARRAY_LEN(m->counts); i++)
        writer_u16(&m->w, 0);
}

void message_put_question(struct message_writer *m, const struct question *question)
{
    put_dname(m, &question->qname, true);
    writer_u16(&m->w, question->qtype);
    writer_u16(&m->w, question->qclass);
    m->counts[0]++;
    m->question_end = m->w.len;
}

static bool field_is_name(uint8_t field)
{
    return field == FIELD_NAME_COMPRESSIBLE || field == FIELD_NAME_LOWER || field == FIELD_NAME;
}

/* Length of the field at r, for those that can stand before a name; all that is left for others. */
static size_t field_octets(const struct reader *r, uint8_t field)
{
    switch (field) {
    case FIELD_U8:
    case FIELD_ALGORITHM:
        return 1;
    case FIELD_U16:
    case FIELD_TYPE:
        return 2;
    case FIELD_U32:
    case FIELD_TIME:
        return 4;
    case FIELD_STRING:
        return reader_left(r) == 0 ? 1 : 1 + (size_t)*r->at;
    default:
        return reader_left(r);
    }
}

static bool has_names(const struct rr_type *type)
{
    for (size_t i = 0; type != NULL && i < RDATA_FIELDS_MAX && type->fields[i] != FIELD_END; i++)
        if (field_is_name(type->fields[i]))
            return true;
    return false;
}

static void put_fields(struct message_writer *m, const struct rr_type *type, struct octets rdata)
{
    struct reader r = reader_of_octets(rdata);
    for (size_t i = 0; i < RDATA_FIELDS_MAX && type->fields[i] != FIELD_END; i++) {
        if (field_is_name(type->fields[i])) {
            struct dname name;
            reader_dname_uncompressed(&r, &name);
            put_dname(m, &name, type->fields[i] == FIELD_NAME_COMPRESSIBLE);
        } else {
            writer_octets_put(&m->w, reader_octets(&r, field_octets(&r, type->fields[i])));
        }
    }
    m->w.failed |= r.failed || reader_left(&r) > 0;
}

static void put_rdata(struct message_writer *m, const struct rr_type *type, struct octets rdata)
{
    size_t rdlength_at = m->w.len;
    writer_u16(&m->w, 0);
    if (has_names(type))
        put_fields(m, type, rdata);
    else
        writer_octets_put(&m->w, rdata);
    m->w.failed |= rdata.len > UINT16_MAX;
    if (!m->w.failed)
        writer_u16_at(&m->w, rdlength_at, (uint16_t)(m->w.len - rdlength_at - sizeof(uint16_t)));
}

/* The owner of the first record, which begins at first_at, may need labels; the others point to it. */
static void put_owner(struct message_writer *m, const struct dname *owner, size_t first_at)
{
    bool is_first = first_at == m->w.len;
    if (!is_first && m->w.data[first_at] >= POINTER >> 8)
        writer_octets_put(&m->w, (struct octets) { m->w.data + first_at, sizeof(uint16_t) });
    else if (!is_first && !dname_is_root(owner) && first_at < m->pointers_end)
        writer_u16(&m->w, (uint16_t)(POINTER | first_at));
    else
        put_dname(m, owner, true);
}

/* Of one owner and type. */
struct records {
    const struct dname *owner;
    uint16_t class, type;
    const struct octets *rdata;
    uint16_t count;
};

static bool put_records(struct message_writer *m, enum section section, const struct records *records, uint32_t ttl_s)
{
    if (m->w.failed)
        return false;
    size_t begin = m->w.len, count = (size_t)m->counts[1 + section] + records->count;
    const struct rr_type *row = rr_type_find(records->type);
    for (uint16_t i = 0; i < records->count && !m->w.failed; i++) {
        put_owner(m, records->owner, begin);
        writer_u16(&m->w, records->type);
        writer_u16(&m->w, records->class);
        writer_u32(&m->w, ttl_s);
        put_rdata(m, row, records->rdata[i]);
    }
    if (m->w.failed || count > UINT16_MAX) {
        forget(m, begin);
        return false;
    }
    m->counts[1 + section] = (uint16_t)count;
    return true;
}

bool message_put_rrset(struct message_writer *m, enum section section, const struct rrset *rrset, uint32_t ttl_s)
{
    const struct records records = { rrset->owner, rrset->class, rrset->type, rrset->rdata, rrset->count };
    return put_records(m, section, &records, ttl_s);
}

bool message_put_signatures(struct message_writer *m, enum section section, const struct rrset *rrset, uint32_t ttl_s)
{
    const struct records records = { rrset->owner, rrset->class, TYPE_RRSIG, rrset->sigs, rrset->sig_count };
    return put_records(m, section, &records, ttl_s);
}

bool message_put_edns(struct message_writer *m, const struct edns *edns)
{
    if (m->w.failed)
        return false;
    size_t begin = m->w.len;
    writer_edns(&m->w, edns);
    if (m->w.failed) {
        writer_rewind(&m->w, begin);
        return false;
    }
    m->counts[1 + SECTION_ADDITIONAL]++;
    return true;
}

struct octets message_end(struct message_writer *m)
{
    if (m->w.failed)
        return (struct octets) { m->w.data, 0 };
    for (size_t i = 0; i < ARRAY_LEN(m->counts); i++)
        writer_u16_at(&m->w, 4 + sizeof(uint16_t) * i, m->counts[i]);
    return writer_octets(&m->w);
}
