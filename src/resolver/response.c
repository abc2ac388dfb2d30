#include "resolver/response.h"

#include <string.h>

enum { EDE_TEXT_OCTETS_MAX = EXTRA_TEXT_MAX, EDE_OPTIONS_MAX = 4 };

/* ---- header and EDNS ---- */

/* Compact denial (RFC 9824 section 5): clients that did not ask for signatures cannot see NXNAME; they get NXDOMAIN. */
static uint16_t rcode_for(const struct client_query *query, const struct outcome *outcome)
{
    if (outcome->rcode != RCODE_NOERROR || query->dnssec_ok || outcome->link_count == 0)
        return outcome->rcode;
    const struct verdict *last = &outcome->links[outcome->link_count - 1]->verdict;
    bool denied = last->security == SECURE && last->site != NULL && strcmp(last->site, SITE_COMPACT_DENIAL) == 0;
    return denied ? RCODE_NXDOMAIN : RCODE_NOERROR;
}

static struct header header_for(const struct client_query *query, uint16_t rcode, bool authentic)
{
    return (struct header) {
        .id = query->header.id,
        .opcode = query->header.opcode,
        .rcode = rcode & 0xf,
        .qr = true,
        .rd = query->header.rd,
        .ra = true,
        .ad = authentic && (query->dnssec_ok || query->header.ad), /* RFC 6840 section 5.8 */
        .cd = query->header.cd,
    };
}

static void add_ede_option(struct edns *edns, uint8_t *buffer, int code, const char *text)
{
    size_t len = text == NULL ? 0 : strnlen(text, EDE_TEXT_OCTETS_MAX);
    struct writer w = writer_of(buffer, 2 + EDE_TEXT_OCTETS_MAX);
    writer_u16(&w, (uint16_t)code);
    writer_octets_put(&w, (struct octets) { (const uint8_t *)text, len });
    edns->options[edns->option_count++] = (struct edns_option) { .code = EDNS_EDE, .data = writer_octets(&w) };
}

static struct edns edns_for(const struct answer_options *options, const struct client_query *query, uint16_t rcode)
{
    return (struct edns) {
        .present = query->edns,
        .udp_octets = options->edns_octets,
        .rcode_high = (uint8_t)(rcode >> 4),
        .dnssec_ok = query->dnssec_ok,
    };
}

/* ---- records ---- */

struct message_parts { /* what goes into one response */
    struct message_writer *m;
    const struct answer_options *options;
    const struct client_query *query;
    struct now now;
};

static bool put(const struct message_parts *parts, enum section section, const struct answer *answer,
                const struct rrset *set)
{
    uint32_t ttl_s = answer_ttl_left(answer, set->ttl_s, parts->now);
    return message_put_rrset(parts->m, section, set, ttl_s, parts->query->dnssec_ok);
}

/* The CNAME that a DNAME yields (RFC 6672 section 3.1): the DNAME's TTL, never signed. */
static bool put_synthesized_cname(const struct message_parts *parts, const struct answer *answer)
{
    struct octets target = dname_octets(&answer->target);
    struct rrset cname = {
        .owner = &answer->question.qname,
        .type = TYPE_CNAME,
        .class = answer->question.qclass,
        .count = 1,
        .ttl_s = answer->rrsets.items[0]->ttl_s,
        .rdata = &target,
    };
    return answer->rcode == RCODE_YXDOMAIN || put(parts, SECTION_ANSWER, answer, &cname);
}

static bool put_answers(const struct message_parts *parts, const struct answer *answer)
{
    for (uint16_t i = 0; i < answer->rrsets.count; i++)
        if (!put(parts, SECTION_ANSWER, answer, answer->rrsets.items[i]))
            return false;
    return answer->kind != ANSWER_DNAME || put_synthesized_cname(parts, answer);
}

static bool stood_before(const struct outcome *outcome, uint16_t link, uint16_t proof)
{
    const struct rrset *set = outcome->links[link]->proofs.items[proof];
    for (uint16_t i = 0; i < link; i++)
        if (rrset_list_find(&outcome->links[i]->proofs, set->owner, set->type) != NULL)
            return true;
    return false;
}

/* Of the Authority section of a negative answer: the SOA says how long it is true (RFC 2308 section 3), proofs are for those
 * who asked for them (RFC 4035 section 3.2.1), NS records for nobody. */
static bool is_wanted(const struct message_parts *parts, const struct rrset *set)
{
    if (set->type == TYPE_NSEC || set->type == TYPE_NSEC3)
        return parts->query->dnssec_ok;
    return set->type != TYPE_NS || !parts->options->minimal;
}

static bool put_proofs(const struct message_parts *parts, const struct outcome *outcome, uint16_t link)
{
    const struct answer *answer = outcome->links[link];
    for (uint16_t i = 0; i < answer->proofs.count; i++) {
        const struct rrset *set = answer->proofs.items[i];
        if (is_wanted(parts, set) && !stood_before(outcome, link, i) && !put(parts, SECTION_AUTHORITY, answer, set))
            return false;
    }
    return true;
}

static bool put_everything(const struct message_parts *parts, const struct outcome *outcome)
{
    for (uint16_t i = 0; i < outcome->link_count; i++)
        if (!put_answers(parts, outcome->links[i]))
            return false;
    for (uint16_t i = 0; i < outcome->link_count; i++)
        if (!put_proofs(parts, outcome, i))
            return false;
    return true;
}

/* ---- the whole ---- */

static size_t limit_of(const struct client_query *query, size_t size)
{
    return query->size_max < size ? query->size_max : size;
}

static void begin(struct message_writer *m, const struct header *header, const struct question *question,
                  uint8_t *buffer, size_t size)
{
    message_begin(m, buffer, size, header);
    if (question != NULL)
        message_put_question(m, question);
}

/* Room for the OPT record is kept free while sections are written. */
static size_t edns_octets(const struct edns *edns)
{
    size_t octets = edns->present ? 11 : 0;
    for (uint16_t i = 0; i < edns->option_count; i++)
        octets += 4 + edns->options[i].data.len;
    return octets;
}

/* Texts are the first to go when space is short: codes alone still say why. */
static void shorten(struct edns *edns)
{
    for (uint16_t i = 0; i < edns->option_count; i++)
        if (edns->options[i].code == EDNS_EDE)
            edns->options[i].data.len = 2;
}

struct octets response_write(const struct answer_options *options, const struct client_query *query,
                             const struct outcome *outcome, struct now now, uint8_t *buffer, size_t size)
{
    uint16_t rcode = rcode_for(query, outcome);
    bool authentic = outcome->security == SECURE && rcode != RCODE_SERVFAIL;
    struct header header = header_for(query, rcode, authentic);
    struct edns edns = edns_for(options, query, rcode);
    uint8_t ede[EDE_OPTIONS_MAX][2 + EDE_TEXT_OCTETS_MAX];
    for (uint16_t i = 0; options->ede && i < outcome->ede_count && i < EDE_OPTIONS_MAX; i++)
        add_ede_option(&edns, ede[i], outcome->edes[i].code, outcome->edes[i].text);

    struct message_writer m;
    size_t limit = limit_of(query, size);
    struct message_parts parts = { .m = &m, .options = options, .query = query, .now = now };
    begin(&m, &header, &query->question, buffer, limit - edns_octets(&edns));
    if (rcode != RCODE_SERVFAIL && !put_everything(&parts, outcome)) {
        header.tc = true;
        shorten(&edns);
        begin(&m, &header, &query->question, buffer, limit - edns_octets(&edns));
    }
    m.w.size = limit;
    if (edns.present)
        message_put_edns(&m, &edns);
    return message_end(&m);
}

struct octets response_write_error(const struct answer_options *options, const struct client_query *query,
                                   const struct question *question, uint16_t rcode, int ede, const char *text,
                                   uint8_t *buffer, size_t size)
{
    struct header header = header_for(query, rcode, false);
    struct edns edns = edns_for(options, query, rcode);
    uint8_t option[2 + EDE_TEXT_OCTETS_MAX];
    if (options->ede && ede != EDE_NONE)
        add_ede_option(&edns, option, ede, text);
    struct message_writer m;
    begin(&m, &header, question, buffer, limit_of(query, size));
    if (edns.present)
        message_put_edns(&m, &edns);
    return message_end(&m);
}
