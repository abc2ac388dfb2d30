#include "tests/scenario/story_match.h"

#include "message/ede.h"
#include "message/edns.h"
#include "policy/local_answer.h"

static PRINTF_LIKE(2, 3) bool differ(struct comparison *c, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    c->difference = arena_vprintf(c->arena, format, arguments);
    va_end(arguments);
    return false;
}

/* ---- header and question ---- */

static bool match_name(struct comparison *c, const struct story_entry *entry, const struct packet *packet)
{
    char expected[DNAME_TEXT_MAX], got[DNAME_TEXT_MAX];
    const struct dname *told = &entry->question.qname, *asked = &packet->message.question.qname;
    bool exact = (entry->match & (MATCH_QNAME | MATCH_QUESTION)) != 0;
    if (entry->match & MATCH_QCASE)
        return dname_same_case(told, asked) || differ(c, "letter case of the name asked for");
    if (exact ? dname_equal(told, asked) : dname_is_subdomain(asked, told))
        return true;
    return differ(c, "name: expected %s%s, got %s", exact ? "" : "one at or below ", dname_to_text(told, expected),
                  dname_to_text(asked, got));
}

static bool match_question(struct comparison *c, const struct story_entry *entry, const struct packet *packet)
{
    const struct message *message = &packet->message;
    uint32_t wanted = entry->match & (MATCH_QTYPE | MATCH_QNAME | MATCH_QCASE | MATCH_SUBDOMAIN | MATCH_QUESTION);
    if (wanted == 0 || (!entry->has_question && !message->has_question))
        return true;
    if (!entry->has_question || !message->has_question)
        return differ(c, "only one of the two has a question");
    char expected[RR_TYPE_TEXT_MAX], got[RR_TYPE_TEXT_MAX];
    if ((wanted & (MATCH_QTYPE | MATCH_QUESTION)) && entry->question.qtype != message->question.qtype)
        return differ(c, "type: expected %s, got %s", rr_type_to_text(entry->question.qtype, expected),
                      rr_type_to_text(message->question.qtype, got));
    if ((wanted & MATCH_QUESTION) && entry->question.qclass != message->question.qclass)
        return differ(c, "class: expected %u, got %u", entry->question.qclass, message->question.qclass);
    return (wanted & ~(uint32_t)MATCH_QTYPE) == 0 || match_name(c, entry, packet);
}

static bool match_flags(struct comparison *c, const struct header *expected, const struct header *got)
{
    const struct {
        const char *name;
        bool expected, got;
    } flags[] = {
        { "QR", expected->qr, got->qr }, { "AA", expected->aa, got->aa }, { "TC", expected->tc, got->tc },
        { "RD", expected->rd, got->rd }, { "RA", expected->ra, got->ra }, { "AD", expected->ad, got->ad },
        { "CD", expected->cd, got->cd },
    };
    for (size_t i = 0; i < ARRAY_LEN(flags); i++)
        if (flags[i].expected != flags[i].got)
            return differ(c, "flag %s: expected %d, got %d", flags[i].name, flags[i].expected, flags[i].got);
    return true;
}

static bool match_header(struct comparison *c, const struct story_entry *entry, const struct packet *packet)
{
    const struct header *expected = &entry->header, *got = &packet->message.header;
    char expected_text[16], got_text[16];
    if ((entry->match & MATCH_OPCODE) && expected->opcode != got->opcode)
        return differ(c, "opcode: expected %u, got %u", expected->opcode, got->opcode);
    if ((entry->match & MATCH_RCODE) && expected->rcode != got->rcode)
        return differ(c, "rcode: expected %s, got %s", rcode_to_text(expected->rcode, expected_text),
                      rcode_to_text(got->rcode, got_text));
    if ((entry->match & MATCH_RCODE) && entry->rcode_high != 0 && entry->rcode_high != packet->message.rcode >> 4)
        return differ(c, "extended rcode: expected %u, got %u", entry->rcode_high << 4 | expected->rcode,
                      packet->message.rcode);
    return !(entry->match & MATCH_FLAGS) || match_flags(c, expected, got);
}

/* ---- EDNS ---- */

/* RFC 8914 section 4.7: DNSSEC Bogus is the general code; one that says why (4.8 to 4.13) says that too. */
static bool is_ede_met(int expected, uint16_t got)
{
    bool names_cause = got >= EDE_SIGNATURE_EXPIRED && got <= EDE_NSEC_MISSING;
    return expected == EDE_ANY || expected == got || (expected == EDE_BOGUS && names_cause);
}

static bool match_ede(struct comparison *c, int expected, const struct edns *edns)
{
    for (uint16_t i = 0; i < edns->option_count; i++) {
        struct reader r = reader_of_octets(edns->options[i].data);
        if (edns->options[i].code == EDNS_EDE && is_ede_met(expected, reader_u16(&r)))
            return true;
    }
    return expected == EDE_ANY ? differ(c, "no EDE") : differ(c, "no EDE %d", expected);
}

static struct octets option_octets(const struct comparison *c, const struct edns *edns)
{
    struct writer w = writer_of(arena_alloc(c->arena, MESSAGE_OCTETS_MAX), MESSAGE_OCTETS_MAX);
    for (uint16_t i = 0; i < edns->option_count; i++) {
        if (edns->options[i].code == EDNS_TCP_KEEPALIVE && c->without_keepalive)
            continue;
        writer_u16(&w, edns->options[i].code);
        writer_u16(&w, (uint16_t)edns->options[i].data.len);
        writer_octets_put(&w, edns->options[i].data);
    }
    return writer_octets(&w);
}

enum { COOKIE_WITH_SERVER_PART_OCTETS_MIN = 16 }; /* RFC 7873 section 4 */

static bool match_edns(struct comparison *c, const struct story_entry *entry, const struct packet *packet)
{
    const struct edns *edns = &packet->message.edns;
    bool dnssec_ok = edns->present && edns->dnssec_ok;
    if ((entry->match & MATCH_DO) && !dnssec_ok)
        return differ(c, "DO is not set");
    bool compares_do = (entry->match & MATCH_SAME_DO) && (entry->match & MATCH_TTL);
    if (compares_do && dnssec_ok != entry->dnssec_ok)
        return differ(c, "DO: expected %d, got %d", entry->dnssec_ok, dnssec_ok);
    if ((entry->match & MATCH_EDE) && !match_ede(c, entry->ede, edns))
        return false;
    if ((entry->match & MATCH_EDNS_DATA) && !octets_equal(entry->edns_data, option_octets(c, edns)))
        return differ(c, "EDNS options");
    const struct edns_option *cookie = edns_option_find(edns, EDNS_COOKIE);
    if ((entry->match & MATCH_SERVER_COOKIE) &&
        (cookie == NULL || cookie->data.len < COOKIE_WITH_SERVER_PART_OCTETS_MIN))
        return differ(c, "no server cookie");
    if ((entry->match & MATCH_CLIENT_COOKIE) &&
        (cookie == NULL || cookie->data.len >= COOKIE_WITH_SERVER_PART_OCTETS_MIN))
        return differ(c, "no cookie of a client alone");
    return !(entry->match & MATCH_NO_EDNS) || !edns->present || differ(c, "EDNS");
}

/* ---- sections ---- */

/* A record in the form that is compared. */
struct shape {
    const struct dname *owner;
    uint16_t type, class;
    uint32_t ttl_s;
    struct octets rdata, canonical;
};
struct shapes {
    size_t count;
    struct shape *items;
};

static struct octets canonical_of(struct arena *arena, uint16_t type, struct octets rdata)
{
    struct writer w = writer_of(arena_alloc(arena, rdata.len), rdata.len);
    rdata_write_canonical(&w, type, rdata);
    return w.failed || w.len != rdata.len ? rdata : writer_octets(&w);
}

static struct shapes expected_shapes(struct arena *arena, const struct story_records *records)
{
    struct shapes shapes = { 0 };
    const struct story_record *record;
    STAILQ_FOREACH(record, records, next)
    shapes.count++;
    shapes.items = ARENA_ARRAY(arena, shapes.count, struct shape);
    size_t i = 0;
    STAILQ_FOREACH(record, records, next)
    shapes.items[i++] =
        (struct shape) { &record->owner, record->type,  record->class,
                         record->ttl_s,  record->rdata, canonical_of(arena, record->type, record->rdata) };
    return shapes;
}

static struct shapes got_shapes(struct arena *arena, const struct rrset_list *list)
{
    struct shapes shapes = { 0 };
    for (uint16_t i = 0; i < list->count; i++)
        shapes.count += (size_t)list->items[i]->count + list->items[i]->sig_count;
    shapes.items = ARENA_ARRAY(arena, shapes.count, struct shape);
    size_t n = 0;
    for (uint16_t i = 0; i < list->count; i++) {
        const struct rrset *set = list->items[i];
        for (uint16_t j = 0; j < set->count; j++)
            shapes.items[n++] =
                (struct shape) { set->owner, set->type,     set->class,
                                 set->ttl_s, set->rdata[j], canonical_of(arena, set->type, set->rdata[j]) };
        for (uint16_t j = 0; j < set->sig_count; j++)
            shapes.items[n++] =
                (struct shape) { set->owner,     TYPE_RRSIG,   set->class,
                                 set->sig_ttl_s, set->sigs[j], canonical_of(arena, TYPE_RRSIG, set->sigs[j]) };
    }
    return shapes;
}

static bool has_shape(const struct shapes *shapes, const struct shape *wanted, bool with_ttl)
{
    for (size_t i = 0; i < shapes->count; i++) {
        const struct shape *shape = &shapes->items[i];
        if (shape->type == wanted->type && shape->class == wanted->class && dname_equal(shape->owner, wanted->owner) &&
            octets_equal(shape->canonical, wanted->canonical) && (!with_ttl || shape->ttl_s == wanted->ttl_s))
            return true;
    }
    return false;
}

static bool differ_by(struct comparison *c, const char *section, const char *how, const struct shape *shape)
{
    char owner[DNAME_TEXT_MAX], type[RR_TYPE_TEXT_MAX];
    return differ(c, "%s: %s: %s %u %s %s", section, how, dname_to_text(shape->owner, owner), shape->ttl_s,
                  rr_type_to_text(shape->type, type), rdata_to_text(c->arena, shape->type, shape->rdata));
}

static bool is_ns_of_authority(enum section section, const struct shape *shape)
{
    struct rrsig sig;
    bool is_ns = shape->type == TYPE_NS;
    bool signs_ns = shape->type == TYPE_RRSIG && rrsig_read(shape->rdata, &sig) == OK && sig.type_covered == TYPE_NS;
    return section == SECTION_AUTHORITY && (is_ns || signs_ns);
}

/* What a minimal response leaves out. */
static bool may_be_missing(enum section section, const struct shape *shape)
{
    return section == SECTION_ADDITIONAL || is_ns_of_authority(section, shape);
}

/* We say how long a local zone's denial is true, which Unbound does only for zones whose SOA is configured. */
static bool is_soa_of_local_zone(struct comparison *c, enum section section, const struct shape *shape)
{
    return c->may_be_shorter && section == SECTION_AUTHORITY && shape->type == TYPE_SOA &&
           octets_equal(shape->rdata, local_soa_new(c->arena, shape->owner)->rdata[0]);
}

static bool has_soa(const struct shapes *shapes)
{
    for (size_t i = 0; i < shapes->count; i++)
        if (shapes->items[i].type == TYPE_SOA)
            return true;
    return false;
}

static bool match_section(struct comparison *c, const struct story_entry *entry, const struct packet *packet,
                          enum section section)
{
    static const char *const names[] = { "answer", "authority", "additional" };
    bool with_ttl = (entry->match & MATCH_TTL) != 0;
    struct shapes expected = expected_shapes(c->arena, &entry->sections[section]);
    struct shapes got = got_shapes(c->arena, &packet->message.sections[section]);
    for (size_t i = 0; i < expected.count; i++) {
        const struct shape *shape = &expected.items[i];
        if (!has_shape(&got, shape, with_ttl) && !(c->may_be_shorter && may_be_missing(section, shape)))
            return differ_by(c, names[section], "missing", shape);
    }
    bool denies_longer = c->may_deny_longer && has_soa(&got);
    for (size_t i = 0; i < got.count; i++)
        if (!has_shape(&expected, &got.items[i], with_ttl) &&
            !(denies_longer && is_ns_of_authority(section, &got.items[i])) &&
            !is_soa_of_local_zone(c, section, &got.items[i]))
            return differ_by(c, names[section], "not expected", &got.items[i]);
    return true;
}

static bool match_sections(struct comparison *c, const struct story_entry *entry, const struct packet *packet)
{
    static const uint32_t fields[] = { MATCH_ANSWER, MATCH_AUTHORITY, MATCH_ADDITIONAL };
    for (size_t i = 0; i < ARRAY_LEN(fields); i++)
        if ((entry->match & fields[i]) && !match_section(c, entry, packet, (enum section)i))
            return false;
    return true;
}

/* ---- the whole ---- */

static bool match_transport(struct comparison *c, const struct story_entry *entry, const struct packet *packet)
{
    if ((entry->match & MATCH_UDP) && packet->transport != TRANSPORT_UDP)
        return differ(c, "not over UDP");
    if ((entry->match & MATCH_TCP) && packet->transport != TRANSPORT_TCP)
        return differ(c, "not over TCP");
    return true;
}

static bool entry_matches(struct comparison *comparison, const struct story_entry *entry, const struct packet *packet)
{
    return match_transport(comparison, entry, packet) && match_header(comparison, entry, packet) &&
           match_question(comparison, entry, packet) && match_edns(comparison, entry, packet) &&
           match_sections(comparison, entry, packet);
}

struct story_entry *story_entries_find(struct comparison *comparison, const struct story_entries *entries,
                                       const struct packet *packet)
{
    struct story_entry *entry;
    STAILQ_FOREACH(entry, entries, next)
    if (entry_matches(comparison, entry, packet))
        return entry;
    return NULL;
}
