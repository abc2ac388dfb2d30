/* Messages as dig prints them, and the mnemonics of header fields. */
#include <stdio.h>
#include <strings.h>

#include "message/message.h"
#include "message/text.h"

static const struct {
    uint16_t number;
    const char *mnemonic;
} rcodes[] = {
    /* IANA "DNS RCODEs" */
    { 0, "NOERROR" },  { 1, "FORMERR" },    { 2, "SERVFAIL" }, { 3, "NXDOMAIN" },  { 4, "NOTIMP" },
    { 5, "REFUSED" },  { 6, "YXDOMAIN" },   { 7, "YXRRSET" },  { 8, "NXRRSET" },   { 9, "NOTAUTH" },
    { 10, "NOTZONE" }, { 11, "DSOTYPENI" }, { 16, "BADVERS" }, { 17, "BADKEY" },   { 18, "BADTIME" },
    { 19, "BADMODE" }, { 20, "BADNAME" },   { 21, "BADALG" },  { 22, "BADTRUNC" }, { 23, "BADCOOKIE" },
};

char *rcode_to_text(uint16_t rcode, char text[16])
{
    for (size_t i = 0; i < ARRAY_LEN(rcodes); i++)
        if (rcodes[i].number == rcode) {
            snprintf(text, 16, "%s", rcodes[i].mnemonic);
            return text;
        }
    snprintf(text, 16, "RCODE%u", rcode);
    return text;
}

static enum err number_from_text(const char *text, uint16_t *number)
{
    unsigned value = 0;
    const char *at = text;
    for (; *at >= '0' && *at <= '9' && value <= UINT16_MAX; at++)
        value = 10 * value + (unsigned)(*at - '0');
    if (at == text || *at != '\0' || value > UINT16_MAX)
        return ERR_FORMAT;
    *number = (uint16_t)value;
    return OK;
}

enum err rcode_from_text(const char *text, uint16_t *rcode)
{
    for (size_t i = 0; i < ARRAY_LEN(rcodes); i++)
        if (strcasecmp(text, rcodes[i].mnemonic) == 0) {
            *rcode = rcodes[i].number;
            return OK;
        }
    return strncasecmp(text, "RCODE", 5) == 0 ? number_from_text(text + 5, rcode) : ERR_FORMAT;
}

static const char *opcode_text(uint8_t opcode)
{
    static const char *const texts[16] = {
        [OPCODE_QUERY] = "QUERY",   [OPCODE_IQUERY] = "IQUERY", [OPCODE_STATUS] = "STATUS",
        [OPCODE_NOTIFY] = "NOTIFY", [OPCODE_UPDATE] = "UPDATE", [6] = "DSO",
    };
    return texts[opcode & 0xf] == NULL ? "RESERVED" : texts[opcode & 0xf];
}

static void put_header(struct text *text, const struct message *message)
{
    const struct header *h = &message->header;
    char rcode[16];
    text_printf(text, ";; ->>HEADER<<- opcode: %s, status: %s, id: %u\n", opcode_text(h->opcode),
                rcode_to_text(message->rcode, rcode), h->id);
    text_printf(text, ";; flags:%s%s%s%s%s%s%s; QUERY: %u, ANSWER: %u, AUTHORITY: %u, ADDITIONAL: %u\n",
                h->qr ? " qr" : "", h->aa ? " aa" : "", h->tc ? " tc" : "", h->rd ? " rd" : "", h->ra ? " ra" : "",
                h->ad ? " ad" : "", h->cd ? " cd" : "", h->counts[0], h->counts[1], h->counts[2], h->counts[3]);
}

/* RFC 8914 section 2: INFO-CODE and EXTRA-TEXT. */
static void put_ede(struct text *text, struct octets data)
{
    struct reader r = reader_of_octets(data);
    uint16_t code = reader_u16(&r);
    const char *purpose = ede_text(code);
    text_printf(text, "; EDE: %u", code);
    if (purpose != NULL)
        text_printf(text, " (%s)", purpose);
    if (reader_left(&r) > 0) {
        text_printf(text, ": \"");
        text_escaped(text, reader_rest(&r));
        text_printf(text, "\"");
    }
    text_printf(text, "\n");
}

static void put_option(struct text *text, const struct edns_option *option)
{
    static const struct {
        uint16_t code;
        const char *name;
    } names[] = {
        { EDNS_NSID, "NSID" },       { EDNS_DAU, "DAU" },
        { EDNS_DHU, "DHU" },         { EDNS_N3U, "N3U" },
        { EDNS_COOKIE, "COOKIE" },   { EDNS_CLIENT_SUBNET, "CLIENT-SUBNET" },
        { EDNS_PADDING, "PAD" },     { EDNS_TCP_KEEPALIVE, "TCP-KEEPALIVE" },
        { EDNS_KEY_TAG, "KEY-TAG" }, { EDNS_REPORT_CHANNEL, "REPORT-CHANNEL" },
    };
    if (option->code == EDNS_EDE && option->data.len >= sizeof(uint16_t)) {
        put_ede(text, option->data);
        return;
    }
    const char *name = NULL;
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (names[i].code == option->code)
            name = names[i].name;
    if (name != NULL)
        text_printf(text, "; %s: ", name);
    else
        text_printf(text, "; OPT=%u: ", option->code);
    text_hex(text, option->data);
    text_printf(text, "\n");
}

static void put_edns(struct text *text, const struct edns *edns)
{
    text_printf(text, "\n;; OPT PSEUDOSECTION:\n; EDNS: version: %u, flags:%s; udp: %u\n", edns->version,
                edns->dnssec_ok ? " do" : "", edns->udp_octets);
    for (uint16_t i = 0; i < edns->option_count; i++)
        put_option(text, &edns->options[i]);
}

static void put_question(struct text *text, const struct question *question)
{
    char qname[DNAME_TEXT_MAX], qclass[RR_TYPE_TEXT_MAX], qtype[RR_TYPE_TEXT_MAX];
    text_printf(text, "\n;; QUESTION SECTION:\n;%s\t%s\t%s\n", dname_to_text(&question->qname, qname),
                rr_class_to_text(question->qclass, qclass), rr_type_to_text(question->qtype, qtype));
}

static void put_section(struct text *text, const char *title, const struct rrset_list *list)
{
    if (list->count == 0)
        return;
    text_printf(text, "\n;; %s SECTION:\n", title);
    for (uint16_t i = 0; i < list->count; i++)
        text_printf(text, "%s", rrset_to_text(text->arena, list->items[i]));
}

char *message_to_text(struct arena *arena, const struct message *message)
{
    static const char *const titles[SECTIONS] = { "ANSWER", "AUTHORITY", "ADDITIONAL" };
    struct text text = text_new(arena);
    put_header(&text, message);
    if (message->edns.present)
        put_edns(&text, &message->edns);
    if (message->has_question)
        put_question(&text, &message->question);
    for (enum section section = SECTION_ANSWER; section < SECTIONS; section++)
        put_section(&text, titles[section], &message->sections[section]);
    return text.data;
}
