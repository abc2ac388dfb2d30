#include "tests/scenario/story_servers.h"

enum { EDNS_OCTETS = 4096 };

/* ---- who answers ---- */

bool story_address_is(const struct address *told, const struct address *asked)
{
    struct address host = *told;
    host.port = asked->port;
    return address_equal(&host, asked);
}

static bool range_has_address(const struct story_range *range, const struct address *address)
{
    for (uint16_t i = 0; i < range->address_count; i++)
        if (story_address_is(&range->addresses[i], address))
            return true;
    return range->address_count == 0;
}

static struct story_entry *find_in_ranges(struct comparison *comparison, const struct story *story, unsigned step,
                                          const struct address *server, const struct packet *question)
{
    const struct story_range *range;
    STAILQ_FOREACH(range, &story->ranges, next)
    {
        if (step < range->first || step > range->last || !range_has_address(range, server))
            continue;
        struct story_entry *entry = story_entries_find(comparison, &range->entries, question);
        if (entry != NULL)
            return entry;
    }
    return NULL;
}

/* Deckard: what a REPLY step has is said once, by whoever is asked. */
static struct story_entry *find_in_steps(struct comparison *comparison, const struct story *story, unsigned from,
                                         const struct packet *question)
{
    const struct story_step *step;
    STAILQ_FOREACH(step, &story->steps, next)
    {
        if (step->kind != STEP_REPLY || step->number < from)
            continue;
        struct story_entry *entry = story_entries_find(comparison, &step->entries, question);
        if (entry != NULL && !entry->used)
            return entry;
    }
    return NULL;
}

struct story_entry *story_find_reply(struct arena *arena, const struct story *story, unsigned step,
                                     const struct address *server, const struct packet *question)
{
    struct comparison comparison = { .arena = arena };
    struct story_entry *entry = find_in_ranges(&comparison, story, step, server, question);
    return entry != NULL || story->has_sections ? entry : find_in_steps(&comparison, story, step, question);
}

bool story_knows_server(const struct story *story, const struct address *server)
{
    const struct story_range *range;
    STAILQ_FOREACH(range, &story->ranges, next)
    if (range_has_address(range, server))
        return true;
    return false;
}

/* ---- messages ---- */

/* As the story has it: neither compressed, nor gathered into RRsets, nor checked. */
static uint16_t write_records(struct writer *w, const struct story_records *records)
{
    uint16_t count = 0;
    const struct story_record *record;
    STAILQ_FOREACH(record, records, next)
    {
        writer_dname(w, &record->owner);
        writer_u16(w, record->type);
        writer_u16(w, record->class);
        writer_u32(w, record->ttl_s);
        writer_u16(w, (uint16_t)record->rdata.len);
        writer_octets_put(w, record->rdata);
        count++;
    }
    return count;
}

static uint16_t write_opt(struct writer *w, const struct story_entry *entry, bool dnssec_ok)
{
    writer_dname(w, dname_root());
    writer_u16(w, TYPE_OPT);
    writer_u16(w, EDNS_OCTETS);
    writer_u32(w, (uint32_t)entry->rcode_high << 24 | (dnssec_ok ? 0x8000 : 0)); /* RFC 6891 section 6.1.3 */
    writer_u16(w, (uint16_t)entry->edns_data.len);
    writer_octets_put(w, entry->edns_data);
    return 1;
}

static uint16_t flags_of(const struct header *header)
{
    return (uint16_t)((header->qr ? FLAG_QR : 0) | (header->aa ? FLAG_AA : 0) | (header->tc ? FLAG_TC : 0) |
                      (header->rd ? FLAG_RD : 0) | (header->ra ? FLAG_RA : 0) | (header->ad ? FLAG_AD : 0) |
                      (header->cd ? FLAG_CD : 0) | header->opcode << 11 | header->rcode);
}

struct packet_plan {
    uint16_t id;
    const struct question *question; /* NULL: none */
    bool has_opt, dnssec_ok;
};

static struct octets write_message(struct arena *arena, const struct story_entry *entry, const struct packet_plan *plan)
{
    struct writer w = writer_of(arena_alloc(arena, MESSAGE_OCTETS_MAX), MESSAGE_OCTETS_MAX);
    writer_u16(&w, plan->id);
    writer_u16(&w, flags_of(&entry->header));
    writer_u16(&w, plan->question != NULL);
    writer_u48(&w, 0); /* the other counts, set below */
    if (plan->question != NULL) {
        writer_dname(&w, &plan->question->qname);
        writer_u16(&w, plan->question->qtype);
        writer_u16(&w, plan->question->qclass);
    }
    uint16_t counts[SECTIONS];
    for (size_t i = 0; i < SECTIONS; i++)
        counts[i] = write_records(&w, &entry->sections[i]);
    if (plan->has_opt)
        counts[SECTION_ADDITIONAL] += write_opt(&w, entry, plan->dnssec_ok);
    for (size_t i = 0; i < SECTIONS; i++)
        writer_u16_at(&w, 6 + 2 * i, counts[i]);
    return writer_octets(&w);
}

static bool needs_opt(const struct story_entry *entry)
{
    return entry->dnssec_ok || entry->has_edns_data || entry->rcode_high != 0;
}

static struct octets write_raw(struct arena *arena, const struct story_entry *entry, const uint16_t *id)
{
    struct octets copy = octets_copy(arena, entry->raw);
    struct writer w = writer_of(arena_copy(arena, copy.data, copy.len), copy.len);
    if (id == NULL || copy.len < HEADER_OCTETS)
        return copy;
    writer_u16(&w, *id);
    return (struct octets) { w.data, copy.len };
}

struct octets story_write_reply(struct arena *arena, const struct story *story, const struct story_entry *entry,
                                const struct packet *question)
{
    const struct message *asked = &question->message;
    /* Unbound's runner hands a reply over as the one to its question, whatever its id. */
    bool copies_id = (entry->adjust & ADJUST_COPY_ID) != 0 || story->has_sections;
    if (entry->has_raw)
        return write_raw(arena, entry, copies_id ? &asked->header.id : NULL);
    struct question told = entry->question;
    struct packet_plan plan = {
        .id = copies_id ? asked->header.id : 0,
        .question = entry->has_question ? &told : NULL,
        .has_opt = needs_opt(entry),
        .dnssec_ok = entry->dnssec_ok,
    };
    if (entry->adjust & ADJUST_COPY_QUERY)
        plan.question = &asked->question;
    if (!story->has_sections) { /* Deckard's servers speak EDNS to who does, and copy_id takes the name along */
        plan.has_opt = asked->edns.present;
        plan.dnssec_ok = asked->edns.dnssec_ok;
        if (copies_id)
            told.qname = asked->question.qname;
    }
    return write_message(arena, entry, &plan);
}

struct octets story_write_entry(struct arena *arena, const struct story_entry *entry, uint16_t id)
{
    if (entry->has_raw)
        return write_raw(arena, entry, NULL);
    struct packet_plan plan = {
        .id = id,
        .question = entry->has_question ? &entry->question : NULL,
        .has_opt = needs_opt(entry),
        .dnssec_ok = entry->dnssec_ok,
    };
    return write_message(arena, entry, &plan);
}
