#include "resolver/response.h"

#include <string.h>

enum { EDE_TEXT_OCTETS_MAX = EXTRA_TEXT_MAX, EDE_OPTIONS_MAX = READY_EDES_MAX };

/* ---- header and EDNS ---- */

static bool is_denied_compactly(const struct outcome *outcome)
{
    if (outcome->link_count == 0)
        return false;
    const struct verdict *last = &outcome->links[outcome->link_count - 1]->verdict;
    return last->security == SECURE && last->site != NULL && strcmp(last->site, SITE_COMPACT_DENIAL) == 0;
}

/* Compact denial (RFC 9824 section 5): clients that did not ask for signatures cannot see NXNAME; they get
 * NXDOMAIN.  Those who did see an NSEC at the name, and to who does not know NXNAME that contradicts NXDOMAIN,
 * whatever the server said. */
static uint16_t rcode_for(bool dnssec_ok, const struct outcome *outcome)
{
    bool is_rcode_of_denial = outcome->rcode == RCODE_NOERROR || outcome->rcode == RCODE_NXDOMAIN;
    if (!is_rcode_of_denial || !is_denied_compactly(outcome))
        return outcome->rcode;
    return dnssec_ok ? RCODE_NOERROR : RCODE_NXDOMAIN;
}

static struct header header_for(const struct client_query *query, uint16_t rcode)
{
    return (struct header) {
        .id = query->header.id,
        .opcode = query->header.opcode,
        .rcode = rcode & 0xf,
        .qr = true,
        .rd = query->header.rd,
        .ra = true,
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
        .more = query->options,
    };
}

/* ---- records ---- */

struct message_parts { /* what goes into one response */
    struct message_writer *m;
    const struct answer_options *options;
    const struct outcome *outcome;
    bool dnssec_ok;
    bool minimal;         /* no NS records beside what was asked for */
    enum section answers; /* where they stand: a referral's are in Authority */
    struct now now;
    uint16_t id;               /* of the question */
    struct ready_draft *draft; /* NULL: the message is for one client alone */
    enum ready_part part;      /* being written */
};

typedef bool put_function(struct message_parts *parts, enum section section, const struct answer *answer,
                          const struct rrset *set);

/* What was written since `begin` has one TTL. */
static bool note(struct message_parts *parts, size_t begin, const struct answer *answer, const struct rrset *set)
{
    return parts->draft == NULL || ready_add_set(parts->draft, parts->part, writer_octets(&parts->m->w), begin,
                                                 answer_ttl_end_ms(answer, set->ttl_s), set->ttl_s);
}

/* As ready_answer() does it. */
static bool put_rotated(struct message_parts *parts, const struct rrset *set, uint32_t ttl_s)
{
    struct octets rdata[ROTATED_RECORDS_MAX];
    struct rrset turned = *set;
    turned.rdata = rdata;
    for (uint16_t i = 0; i < set->count; i++)
        rdata[i] = set->rdata[(i + parts->id) % set->count];
    return message_put_rrset(parts->m, SECTION_ANSWER, &turned, ttl_s);
}

static uint32_t shown_ttl(const struct message_parts *parts, const struct answer *answer, const struct rrset *set)
{
    return parts->options->original_ttls ? set->ttl_s : answer_ttl_left(answer, set->ttl_s, parts->now);
}

static bool put_records(struct message_parts *parts, enum section section, const struct answer *answer,
                        const struct rrset *set)
{
    size_t begin = parts->m->w.len;
    uint32_t ttl_s = shown_ttl(parts, answer, set);
    bool turns = parts->options->rotate && parts->draft == NULL && section == SECTION_ANSWER &&
                 set->type == parts->outcome->question.qtype && is_rotated(set->type, set->count);
    return (turns ? put_rotated(parts, set, ttl_s) : message_put_rrset(parts->m, section, set, ttl_s)) &&
           note(parts, begin, answer, set);
}

static bool put_signatures(struct message_parts *parts, enum section section, const struct answer *answer,
                           const struct rrset *set)
{
    size_t begin = parts->m->w.len;
    uint32_t ttl_s = shown_ttl(parts, answer, set);
    return message_put_signatures(parts->m, section, set, ttl_s) && note(parts, begin, answer, set);
}

/* The CNAME that a DNAME yields (RFC 6672 section 3.1): the DNAME's TTL, never signed. */
static bool put_synthesized_cname(struct message_parts *parts, const struct answer *answer, put_function *put)
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
    return answer->rcode == RCODE_YXDOMAIN || put(parts, parts->answers, answer, &cname);
}

static bool put_answers(struct message_parts *parts, put_function *put)
{
    for (uint16_t link = 0; link < parts->outcome->link_count; link++) {
        const struct answer *answer = parts->outcome->links[link];
        for (uint16_t i = 0; i < answer->rrsets.count; i++)
            if (!put(parts, parts->answers, answer, answer->rrsets.items[i]))
                return false;
        if (answer->kind == ANSWER_DNAME && !put_synthesized_cname(parts, answer, put))
            return false;
    }
    return true;
}

static bool stood_before(const struct outcome *outcome, uint16_t link, uint16_t proof)
{
    const struct rrset *set = outcome->links[link]->proofs.items[proof];
    for (uint16_t i = 0; i < link; i++)
        if (rrset_list_find(&outcome->links[i]->proofs, set->owner, set->type) != NULL)
            return true;
    return false;
}

static bool is_denial(const struct rrset *set)
{
    return set->type == TYPE_NSEC || set->type == TYPE_NSEC3;
}

/* NS records beside what was asked for are for nobody, unless the operator wants them shown. */
static bool is_left_out(struct message_parts *parts, const struct rrset *set)
{
    if (set->type == TYPE_NS && parts->draft != NULL && !parts->minimal)
        parts->draft->head.has_extras = 1;
    return set->type == TYPE_NS && parts->minimal;
}

/* Of the Authority section: the SOA says how long a denial is true (RFC 2308 section 3), proofs are for those who asked
 * for them (RFC 4035 section 3.2.1). */
static bool put_for_all(struct message_parts *parts, enum section section, const struct answer *answer,
                        const struct rrset *set)
{
    return is_denial(set) || is_left_out(parts, set) || put_records(parts, section, answer, set);
}

static bool put_for_dnssec(struct message_parts *parts, enum section section, const struct answer *answer,
                           const struct rrset *set)
{
    return is_left_out(parts, set) || ((!is_denial(set) || put_records(parts, section, answer, set)) &&
                                       put_signatures(parts, section, answer, set));
}

/* Once, whatever the number of links that their zone has said. */
static bool put_shown_ns(struct message_parts *parts, uint16_t link, put_function *put)
{
    const struct answer *answer = parts->outcome->links[link];
    for (uint16_t i = 0; i < link && answer->shown_ns != NULL; i++) {
        const struct rrset *before = parts->outcome->links[i]->shown_ns;
        if (before != NULL && dname_equal(before->owner, answer->shown_ns->owner))
            return true;
    }
    return answer->shown_ns == NULL || put(parts, SECTION_AUTHORITY, answer, answer->shown_ns);
}

static bool put_proofs(struct message_parts *parts, put_function *put)
{
    for (uint16_t link = 0; link < parts->outcome->link_count; link++) {
        const struct answer *answer = parts->outcome->links[link];
        if (!put_shown_ns(parts, link, put))
            return false;
        for (uint16_t i = 0; i < answer->proofs.count; i++)
            if (!stood_before(parts->outcome, link, i) &&
                !put(parts, SECTION_AUTHORITY, answer, answer->proofs.items[i]))
                return false;
    }
    return true;
}

/* Each section ends with what only DO asks for, and what all get points into nothing else: with and without it the
 * message is the same but for the gaps. */
static bool put_part(struct message_parts *parts, enum ready_part part)
{
    static const struct {
        bool (*put_section)(struct message_parts *parts, put_function *put);
        put_function *put;
        enum section section;
        bool for_dnssec;
    } rows[READY_PARTS] = {
        [READY_ANSWERS] = { put_answers, put_records, SECTION_ANSWER, false },
        [READY_ANSWER_SIGNATURES] = { put_answers, put_signatures, SECTION_ANSWER, true },
        [READY_AUTHORITY] = { put_proofs, put_for_all, SECTION_AUTHORITY, false },
        [READY_AUTHORITY_DNSSEC] = { put_proofs, put_for_dnssec, SECTION_AUTHORITY, true },
    };
    uint16_t before = parts->m->counts[1 + rows[part].section];
    parts->part = part;
    if ((!rows[part].for_dnssec || parts->dnssec_ok) && !rows[part].put_section(parts, rows[part].put))
        return false;
    if (parts->draft != NULL) {
        parts->draft->head.part_ends[part] = (uint16_t)parts->m->w.len;
        parts->draft->head.counts[part] = (uint16_t)(parts->m->counts[1 + rows[part].section] - before);
    }
    return true;
}

static bool put_everything(struct message_parts *parts)
{
    if (!put_part(parts, READY_ANSWERS))
        return false;
    size_t pointers_end = parts->m->pointers_end, answers_end = parts->m->w.len;
    if (!put_part(parts, READY_ANSWER_SIGNATURES))
        return false;
    parts->m->pointers_end = answers_end < pointers_end ? answers_end : pointers_end;
    if (!put_part(parts, READY_AUTHORITY))
        return false;
    parts->m->pointers_end = pointers_end;
    return put_part(parts, READY_AUTHORITY_DNSSEC);
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
    size_t octets = 11;
    if (!edns->present)
        return 0;
    for (uint16_t i = 0; i < edns->option_count; i++)
        octets += 4 + edns->options[i].data.len;
    return octets + edns->more.len;
}

/* Texts are the first to go when space is short: codes alone still say why. */
static void shorten(struct edns *edns)
{
    for (uint16_t i = 0; i < edns->option_count; i++)
        if (edns->options[i].code == EDNS_EDE)
            edns->options[i].data.len = 2;
}

/* Header and question have room, whatever the OPT record carries. */
static size_t room_beside(struct edns *edns, const struct question *question, size_t limit)
{
    size_t least = HEADER_OCTETS + (size_t)question->qname.len + 4;
    if (edns_octets(edns) + least > limit)
        shorten(edns);
    size_t octets = edns_octets(edns);
    return limit > octets ? limit - octets : 0;
}

static bool may_be_authentic(const struct answer_options *options, const struct outcome *outcome, uint16_t rcode)
{
    return rcode != RCODE_SERVFAIL && !(rcode == RCODE_YXDOMAIN && options->yxdomain_without_ad) &&
           (!outcome->is_stale || options->stale_ad);
}

struct octets response_write(const struct answer_options *options, const struct client_query *query,
                             const struct outcome *outcome, struct now now, uint8_t *buffer, size_t size)
{
    uint16_t rcode = rcode_for(query->dnssec_ok, outcome);
    /* What was Secure by a clock that is not believed any more goes on for CD=1, without AD. */
    bool authentic = outcome->security == SECURE && now.wall_is_fit && may_be_authentic(options, outcome, rcode);
    struct header header = header_for(query, rcode);
    header.ad = authentic && (query->dnssec_ok || query->header.ad); /* RFC 6840 section 5.8 */
    header.aa = outcome->link_count > 0 && outcome->links[0]->is_local;
    struct edns edns = edns_for(options, query, rcode);
    uint8_t ede[EDE_OPTIONS_MAX][2 + EDE_TEXT_OCTETS_MAX];
    for (uint16_t i = 0; options->ede && i < outcome->ede_count && i < EDE_OPTIONS_MAX; i++)
        add_ede_option(&edns, ede[i], outcome->edes[i].code, outcome->edes[i].text);

    struct message_writer m;
    size_t limit = limit_of(query, size);
    struct message_parts parts = { .m = &m,
                                   .options = options,
                                   .outcome = outcome,
                                   .dnssec_ok = query->dnssec_ok,
                                   .minimal = options->minimal,
                                   .answers = query->wants_referral ? SECTION_AUTHORITY : SECTION_ANSWER,
                                   .now = now,
                                   .id = query->header.id };
    size_t room = room_beside(&edns, &query->question, limit);
    begin(&m, &header, &query->question, buffer, room);
    bool fits = rcode == RCODE_SERVFAIL || put_everything(&parts);
    if (!fits && !parts.minimal) {
        parts.minimal = true;
        header.tc |= options->tc_for_ns; /* by default it is not for what nobody has to get (RFC 2181 section 9) */
        begin(&m, &header, &query->question, buffer, room);
        fits = put_everything(&parts);
    }
    if (!fits) {
        header.tc = true;
        shorten(&edns);
        begin(&m, &header, &query->question, buffer, room_beside(&edns, &query->question, limit));
    }
    m.w.size = limit;
    if (edns.present)
        message_put_edns(&m, &edns);
    return message_end(&m);
}

struct octets response_write_error(const struct answer_options *options, const struct client_query *query,
                                   const struct response_error *error, uint8_t *buffer, size_t size)
{
    struct header header = header_for(query, error->rcode);
    header.tc = error->use_stream;
    struct edns edns = edns_for(options, query, error->rcode);
    uint8_t option[2 + EDE_TEXT_OCTETS_MAX];
    if (options->ede && error->ede != EDE_NONE)
        add_ede_option(&edns, option, error->ede, error->text);
    struct message_writer m;
    begin(&m, &header, error->question, buffer, limit_of(query, size));
    if (edns.present)
        message_put_edns(&m, &edns);
    return message_end(&m);
}

struct octets response_write_text(const struct answer_options *options, const struct client_query *query,
                                  const char *text, uint8_t *buffer, size_t size)
{
    struct header header = header_for(query, RCODE_NOERROR);
    struct edns edns = edns_for(options, query, RCODE_NOERROR);
    uint8_t data[1 + UINT8_MAX];
    struct writer w = writer_of(data, sizeof(data));
    size_t len = strnlen(text, UINT8_MAX);
    writer_u8(&w, (uint8_t)len);
    writer_octets_put(&w, (struct octets) { (const uint8_t *)text, len });
    struct octets rdata = writer_octets(&w);
    struct rrset set = {
        .owner = &query->question.qname, .type = TYPE_TXT, .class = query->question.qclass, .count = 1, .rdata = &rdata
    };
    struct message_writer m;
    size_t limit = limit_of(query, size);
    begin(&m, &header, &query->question, buffer, room_beside(&edns, &query->question, limit));
    if (!message_put_rrset(&m, SECTION_ANSWER, &set, 0)) {
        header.tc = true;
        begin(&m, &header, &query->question, buffer, room_beside(&edns, &query->question, limit));
    }
    m.w.size = limit;
    if (edns.present)
        message_put_edns(&m, &edns);
    return message_end(&m);
}

/* ---- ready-made ---- */

/* A DNAME's CNAME repeats the letter case of the question, and TC wants its own decision each time. */
static bool may_repeat(const struct outcome *outcome)
{
    if (!outcome->is_repeatable || outcome->security == BOGUS || outcome->security == INDETERMINATE ||
        outcome->rcode == RCODE_SERVFAIL)
        return false;
    for (uint16_t i = 0; i < outcome->link_count; i++)
        if (outcome->links[i]->kind == ANSWER_DNAME)
            return false;
    return true;
}

static void set_deadlines(const struct outcome *outcome, struct ready_head *head)
{
    head->received_ms = INT64_MIN;
    head->expires_ms = INT64_MAX;
    head->refresh_ms = INT64_MAX;
    for (uint16_t i = 0; i < outcome->link_count; i++) {
        const struct answer *link = outcome->links[i];
        int64_t judged_until_ms =
            link->verdict.valid_until_s > INT64_MAX / 1000 ? INT64_MAX : link->verdict.valid_until_s * 1000;
        int64_t end_ms = link->expires_ms < judged_until_ms ? link->expires_ms : judged_until_ms;
        head->received_ms = link->received_ms > head->received_ms ? link->received_ms : head->received_ms;
        head->expires_ms = end_ms < head->expires_ms ? end_ms : head->expires_ms;
        int64_t refresh_ms = answer_refresh_ms(link);
        head->refresh_ms = refresh_ms < head->refresh_ms ? refresh_ms : head->refresh_ms;
    }
}

static void draft_edes(const struct outcome *outcome, struct ready_draft *draft)
{
    struct writer w = writer_of(draft->ede, sizeof(draft->ede));
    for (uint16_t i = 0; i < outcome->ede_count && i < EDE_OPTIONS_MAX; i++) {
        const char *text = outcome->edes[i].text;
        size_t len = text == NULL ? 0 : strnlen(text, EDE_TEXT_OCTETS_MAX);
        writer_u16(&w, EDNS_EDE);
        writer_u16(&w, (uint16_t)(2 + len));
        writer_u16(&w, (uint16_t)outcome->edes[i].code);
        writer_octets_put(&w, (struct octets) { (const uint8_t *)text, len });
    }
    draft->head.ede_octets = (uint16_t)w.len;
}

bool response_make_ready(const struct answer_options *options, const struct outcome *outcome, struct now now,
                         uint8_t *buffer, size_t size, struct ready_draft *draft)
{
    if (!may_repeat(outcome) || options->original_ttls) /* TTLs of ready-made answers run */
        return false;
    draft->head = (struct ready_head) {
        .epoch = outcome->epoch,
        .question_octets = outcome->question.qname.len,
        .rcode = (uint8_t)rcode_for(false, outcome),
        .rcode_dnssec = (uint8_t)rcode_for(true, outcome),
        .security = (uint8_t)outcome->security,
    };
    set_deadlines(outcome, &draft->head);
    draft_edes(outcome, draft);
    struct message_writer m;
    struct header header = { .qr = true };
    struct message_parts parts = { .m = &m,
                                   .options = options,
                                   .outcome = outcome,
                                   .dnssec_ok = true,
                                   .minimal = options->minimal,
                                   .now = now,
                                   .draft = draft };
    begin(&m, &header, &outcome->question, buffer, size);
    if (!put_everything(&parts))
        return false;
    draft->message = writer_octets(&m.w);
    return true;
}
