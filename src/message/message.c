/* Reads messages: records first, in the order of the message, then RRsets out of them.  Every step is linear in the
 * size of the message, whatever is in it: records find their RRset and duplicates find each other by keyed hashes. */
#include "message/message.h"

#include "base/hash.h"

enum { RR_OCTETS_MIN = 11 }; /* the root as owner, TYPE, CLASS, TTL, RDLENGTH and no RDATA */

/* What malformed RDATA spoil. */
enum spoiling { SPOILS_MESSAGE, SPOILS_RRSET, SPOILS_RECORD };

/* One record on its way into an RRset. */
struct record {
    const struct dname *owner;
    uint64_t owner_hash;
    struct octets rdata;
    uint32_t ttl_s;
    uint16_t type;
    uint16_t class;
    uint16_t group; /* index of its RRset */
    uint8_t section;
    bool is_spoilt; /* its RDATA do not fit its type */
};

/* One RRset being put together. */
struct group {
    struct rrset *rrset;
    uint16_t records, signatures; /* duplicates included */
    uint8_t section;
    bool is_spoilt; /* by one of its records */
    struct octets *rdata, *sigs;
};

/* Open addressing; holds an index plus one, 0: empty.  At least half of it stays empty. */
struct table {
    uint16_t *slots;
    size_t mask;
};

struct parse {
    struct arena *arena;
    struct message *message;
    struct reader r;
    bool is_cut_off;        /* the message ended inside a record */
    enum spoiling spoiling; /* SPOILS_MESSAGE: so do a malformed OPT, and octets behind the last record */
    size_t name_octets;     /* as expanded, so far */
    struct record *records;
    uint16_t record_count;
    struct group *groups;
    uint16_t group_count;
    struct table groups_by_key;
};

enum err header_read(struct octets octets, struct header *header)
{
    struct reader r = reader_of_octets(octets);
    *header = (struct header) { .id = reader_u16(&r) };
    uint16_t flags = reader_u16(&r);
    for (size_t i = 0; i < ARRAY_LEN(header->counts); i++)
        header->counts[i] = reader_u16(&r);
    header->opcode = (flags >> 11) & 0xf;
    header->rcode = flags & 0xf;
    header->qr = (flags & FLAG_QR) != 0;
    header->aa = (flags & FLAG_AA) != 0;
    header->tc = (flags & FLAG_TC) != 0;
    header->rd = (flags & FLAG_RD) != 0;
    header->ra = (flags & FLAG_RA) != 0;
    header->ad = (flags & FLAG_AD) != 0;
    header->cd = (flags & FLAG_CD) != 0;
    return r.failed ? ERR_FORMAT : OK;
}

static enum err read_question(struct parse *p)
{
    struct message *message = p->message;
    if (message->header.counts[0] > 1) /* RFC 9619 section 4 */
        return ERR_FORMAT;
    if (message->header.counts[0] == 0)
        return OK;
    struct question *question = &message->question;
    reader_dname(&p->r, &question->qname);
    question->qtype = reader_u16(&p->r);
    question->qclass = reader_u16(&p->r);
    message->has_question = !p->r.failed;
    return p->r.failed ? ERR_FORMAT : OK;
}

/* RFC 6891 section 6.1.1.  In a reply one that should not be there is none, and options count up to the first
 * that does not fit. */
static enum err read_opt(struct parse *p, const struct record *record, size_t rdlength)
{
    struct message *message = p->message;
    struct octets options = reader_octets(&p->r, rdlength);
    enum err err = ERR_FORMAT;
    if (record->section == SECTION_ADDITIONAL && !message->edns.present && dname_is_root(record->owner)) {
        err = edns_read(record->class, record->ttl_s, options, &message->edns);
        message->rcode = (uint16_t)(message->edns.rcode_high << 4 | message->header.rcode);
    }
    return p->spoiling == SPOILS_MESSAGE ? err : OK;
}

/* A signature over the message: a SIG record in Additional that covers type 0 (RFC 2931 section 3). */
static bool is_sig0(const struct parse *p, const struct record *record, size_t rdlength)
{
    return record->section == SECTION_ADDITIONAL && record->type == TYPE_SIG && rdlength >= 2 && p->r.at[0] == 0 &&
           p->r.at[1] == 0;
}

static bool owner_is_as_before(const struct parse *p, const struct dname *owner)
{
    return p->record_count > 0 && dname_same_case(p->records[p->record_count - 1].owner, owner);
}

/* RFC 1035 section 4.1.3: RDLENGTH tells where the next record begins, whatever this one holds. */
static enum err read_rdata(struct parse *p, struct record *record, size_t rdlength)
{
    struct reader rdata = p->r;
    record->rdata = rdata_read(&rdata, record->type, rdlength, p->arena);
    record->is_spoilt = rdata.failed;
    reader_octets(&p->r, rdlength);
    p->name_octets += record->rdata.len > rdlength ? record->rdata.len - rdlength : 0;
    return record->is_spoilt && p->spoiling == SPOILS_MESSAGE ? ERR_FORMAT : OK;
}

static enum err keep_record(struct parse *p, struct record *record, size_t rdlength)
{
    if (p->record_count == MESSAGE_RRS_MAX)
        return ERR_LIMIT;
    enum err err = read_rdata(p, record, rdlength);
    bool goes_alone = record->type == TYPE_RRSIG || p->spoiling == SPOILS_RECORD;
    p->message->lacks_records |=
        record->is_spoilt && p->spoiling == SPOILS_RECORD && record->section != SECTION_ADDITIONAL;
    if (err != OK || (record->is_spoilt && goes_alone))
        return err;
    if (owner_is_as_before(p, record->owner)) {
        record->owner_hash = p->records[p->record_count - 1].owner_hash;
        record->owner = p->records[p->record_count - 1].owner;
    } else {
        record->owner_hash = dname_hash(record->owner, 0);
        record->owner = dname_copy(p->arena, record->owner);
    }
    if (record->ttl_s > INT32_MAX) /* RFC 2181 section 8 */
        record->ttl_s = 0;
    p->records[p->record_count++] = *record;
    return OK;
}

static enum err read_record(struct parse *p, enum section section, bool is_last)
{
    struct dname owner;
    struct record record = { .owner = &owner, .section = (uint8_t)section };
    reader_dname(&p->r, &owner);
    p->name_octets += owner.len;
    if (p->name_octets > NAME_OCTETS_MAX) /* few octets that lead to long names, thousands of times */
        return ERR_LIMIT;
    record.type = reader_u16(&p->r);
    record.class = reader_u16(&p->r);
    record.ttl_s = reader_u32(&p->r);
    size_t rdlength = reader_u16(&p->r);
    if (p->r.failed || rdlength > reader_left(&p->r)) {
        p->is_cut_off = true;
        return p->message->header.tc ? OK : ERR_FORMAT;
    }
    if (record.type == TYPE_OPT)
        return read_opt(p, &record, rdlength);
    if (record.type == TYPE_TSIG || is_sig0(p, &record, rdlength)) {
        p->message->has_tsig = true;
        reader_octets(&p->r, rdlength);
        return is_last || record.type == TYPE_SIG ? OK : ERR_FORMAT; /* RFC 8945 section 5.1 */
    }
    return keep_record(p, &record, rdlength);
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static enum err read_records(struct parse *p)
{
    const uint16_t *counts = p->message->header.counts + 1;
    size_t announced = (size_t)counts[SECTION_ANSWER] + counts[SECTION_AUTHORITY] + counts[SECTION_ADDITIONAL];
    size_t possible = least(announced, reader_left(&p->r) / RR_OCTETS_MIN);
    p->records = ARENA_ARRAY(p->arena, least(possible, MESSAGE_RRS_MAX), struct record);
    for (enum section section = SECTION_ANSWER; section < SECTIONS; section++)
        for (uint16_t left = counts[section]; left > 0 && !p->is_cut_off; left--) {
            enum err err = read_record(p, section, section == SECTION_ADDITIONAL && left == 1);
            if (err != OK)
                return err;
        }
    return p->is_cut_off || p->spoiling != SPOILS_MESSAGE || reader_left(&p->r) == 0 ? OK : ERR_FORMAT;
}

static struct table table_new(struct arena *arena, size_t entries)
{
    size_t slots = 4;
    while (slots < 2 * entries)
        slots *= 2;
    return (struct table) { ARENA_ARRAY(arena, slots, uint16_t), slots - 1 };
}

static bool group_is_for(const struct group *group, const struct record *record, uint16_t type)
{
    const struct rrset *rrset = group->rrset;
    return rrset->type == type && rrset->class == record->class && group->section == record->section &&
           dname_equal(rrset->owner, record->owner);
}

/* The slot of the RRset of that type with the record's owner, class and section; an empty one if there is none. */
static uint16_t *group_slot(struct parse *p, const struct record *record, uint16_t type)
{
    const uint64_t key[] = { record->owner_hash, type, record->class, record->section };
    size_t at = hash_octets((struct octets) { (const uint8_t *)key, sizeof(key) }, 0);
    const struct table *table = &p->groups_by_key;
    for (at &= table->mask; table->slots[at] != 0; at = (at + 1) & table->mask)
        if (group_is_for(&p->groups[table->slots[at] - 1], record, type))
            break;
    return &table->slots[at];
}

static void join_group(struct parse *p, struct record *record)
{
    uint16_t *slot = group_slot(p, record, record->type);
    if (*slot == 0) {
        struct rrset *rrset = ARENA_NEW(p->arena, struct rrset);
        rrset->owner = record->owner;
        rrset->type = record->type;
        rrset->class = record->class;
        p->groups[p->group_count] = (struct group) { .rrset = rrset, .section = record->section };
        *slot = ++p->group_count;
        p->message->sections[record->section].count++;
    }
    record->group = (uint16_t)(*slot - 1);
    p->groups[record->group].records++;
    p->groups[record->group].is_spoilt |= record->is_spoilt;
}

/* A signature stands with what it covers, or by itself if that is not in the section. */
static void join_covered_group(struct parse *p, struct record *record)
{
    uint16_t covered = (uint16_t)(record->rdata.data[0] << 8 | record->rdata.data[1]);
    uint16_t slot = covered == TYPE_RRSIG ? 0 : *group_slot(p, record, covered);
    if (slot == 0) {
        join_group(p, record);
        return;
    }
    record->group = (uint16_t)(slot - 1);
    p->groups[record->group].signatures++;
}

static void find_groups(struct parse *p)
{
    p->groups = ARENA_ARRAY(p->arena, p->record_count, struct group);
    p->groups_by_key = table_new(p->arena, p->record_count);
    for (uint16_t i = 0; i < p->record_count; i++)
        if (p->records[i].type != TYPE_RRSIG)
            join_group(p, &p->records[i]);
    for (uint16_t i = 0; i < p->record_count; i++)
        if (p->records[i].type == TYPE_RRSIG)
            join_covered_group(p, &p->records[i]);
}

/* RFC 2181 section 5: an RRset has no duplicates. */
static bool is_duplicate(struct parse *p, struct table *seen, uint16_t index)
{
    const struct record *record = &p->records[index];
    size_t at = hash_octets(record->rdata, record->group) & seen->mask;
    for (; seen->slots[at] != 0; at = (at + 1) & seen->mask) {
        const struct record *other = &p->records[seen->slots[at] - 1];
        if (other->group == record->group && other->type == record->type && octets_equal(other->rdata, record->rdata))
            return true;
    }
    seen->slots[at] = (uint16_t)(index + 1);
    return false;
}

static void lower_ttl(uint32_t *ttl_s, uint16_t count, uint32_t record_ttl_s)
{
    if (count == 0 || record_ttl_s < *ttl_s)
        *ttl_s = record_ttl_s;
}

static void add_to_group(struct group *group, const struct record *record, bool is_new)
{
    struct rrset *rrset = group->rrset;
    if (group->is_spoilt)
        return;
    if (record->type == rrset->type) {
        lower_ttl(&rrset->ttl_s, rrset->count, record->ttl_s);
        if (is_new)
            group->rdata[rrset->count++] = record->rdata;
    } else if (rrset->sig_count < RRSIGS_PER_RRSET_MAX) {
        lower_ttl(&rrset->sig_ttl_s, rrset->sig_count, record->ttl_s);
        if (is_new)
            group->sigs[rrset->sig_count++] = record->rdata;
    }
}

static void fill_groups(struct parse *p)
{
    struct octets *pool = ARENA_ARRAY(p->arena, p->record_count, struct octets);
    for (uint16_t i = 0; i < p->group_count; i++) {
        struct group *group = &p->groups[i];
        group->rrset->rdata = group->rdata = pool;
        group->rrset->sigs = group->sigs = pool + group->records;
        pool += group->records + group->signatures;
    }
    struct table seen = table_new(p->arena, p->record_count);
    for (uint16_t i = 0; i < p->record_count; i++)
        add_to_group(&p->groups[p->records[i].group], &p->records[i], !is_duplicate(p, &seen, i));
}

static void list_groups(struct parse *p)
{
    for (enum section section = SECTION_ANSWER; section < SECTIONS; section++) {
        struct rrset_list *list = &p->message->sections[section];
        list->items = ARENA_ARRAY(p->arena, list->count, struct rrset *);
        list->count = 0;
    }
    for (uint16_t i = 0; i < p->group_count; i++) {
        struct rrset_list *list = &p->message->sections[p->groups[i].section];
        list->items[list->count++] = p->groups[i].rrset;
    }
}

static void make_rrsets(struct parse *p)
{
    find_groups(p);
    fill_groups(p);
    list_groups(p);
}

static enum err read_message(struct octets octets, enum spoiling spoiling, struct arena *arena, struct message *message)
{
    memset(message, 0, sizeof(*message));
    struct parse p = { .arena = arena, .message = message, .r = reader_of_octets(octets), .spoiling = spoiling };
    enum err err = header_read(reader_octets(&p.r, HEADER_OCTETS), &message->header);
    message->rcode = message->header.rcode;
    if (err == OK)
        err = read_question(&p);
    if (err == OK)
        err = read_records(&p);
    if (err == OK)
        make_rrsets(&p);
    return err;
}

enum err message_read(struct octets octets, struct arena *arena, struct message *message)
{
    return read_message(octets, SPOILS_MESSAGE, arena, message);
}

enum err message_read_reply(struct octets octets, struct arena *arena, struct message *message)
{
    return read_message(octets, SPOILS_RRSET, arena, message);
}

enum err message_read_reply_records(struct octets octets, struct arena *arena, struct message *message)
{
    return read_message(octets, SPOILS_RECORD, arena, message);
}
