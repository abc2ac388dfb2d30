#include "message/plain.h"

enum {
    QUESTION_TAIL_OCTETS = 4, /* QTYPE, QCLASS */
    OPT_OCTETS = 11,          /* RFC 6891 section 6.1.2, RDLENGTH 0 */
    OPTION_HEAD_OCTETS = 4,
    PLAIN_OPTIONS_MAX = 8, /* nobody has a use for more at once */
};

static uint16_t u16_at(const uint8_t *at)
{
    return (uint16_t)(at[0] << 8 | at[1]);
}

/* The octets of the name at `at`, which ends before `end`; 0: it is compressed, too long or cut off. */
static uint8_t name_octets(const uint8_t *at, const uint8_t *end)
{
    const uint8_t *label = at;
    const uint8_t *limit = end - at > DNAME_OCTETS_MAX ? at + DNAME_OCTETS_MAX : end;
    while (label < limit && *label != 0) {
        if (*label > LABEL_OCTETS_MAX)
            return 0;
        label += 1 + *label;
    }
    return label < limit ? (uint8_t)(label + 1 - at) : 0;
}

/* What asks for a FORMERR is left to the long way, as are options that do not fill the RDATA. */
static bool read_options(const uint8_t *at, const uint8_t *end, struct plain_question *plain)
{
    plain->wishes = (struct edns_wishes) { 0 };
    for (unsigned i = 0; i < PLAIN_OPTIONS_MAX && end - at >= OPTION_HEAD_OCTETS; i++) {
        struct octets data = { at + OPTION_HEAD_OCTETS, u16_at(at + 2) };
        if ((size_t)(end - data.data) < data.len)
            return false;
        edns_wish(&plain->wishes, u16_at(at), data);
        at = data.data + data.len;
    }
    return at == end && !plain->wishes.cookie_is_malformed && !plain->wishes.keepalive_is_malformed;
}

/* DO and the extended RCODE's octets apart, all of it is fixed but for the size. */
static bool read_opt(const uint8_t *at, const uint8_t *end, struct plain_question *plain)
{
    static const uint8_t root_opt[] = { 0, 0, TYPE_OPT };
    uint16_t udp_octets = u16_at(at + 3);
    plain->edns = true;
    plain->udp_octets = udp_octets < UDP_OCTETS_CLASSIC ? UDP_OCTETS_CLASSIC : udp_octets;
    plain->dnssec_ok = (at[7] & 0x80) != 0; /* RFC 3225 section 3 */
    plain->has_options = end - at > OPT_OCTETS;
    return memcmp(at, root_opt, sizeof(root_opt)) == 0 && at[6] == 0 && u16_at(at + 9) == end - at - OPT_OCTETS &&
           (!plain->has_options || read_options(at + OPT_OCTETS, end, plain));
}

bool plain_question_read(struct octets message, struct plain_question *plain)
{
    static const uint8_t counts_but_ar[] = { 0, 1, 0, 0, 0, 0 };
    const uint8_t *at = message.data;
    const uint8_t *end = at + message.len;
    if (message.len < HEADER_OCTETS + 1 + QUESTION_TAIL_OCTETS)
        return false;
    uint16_t flags = u16_at(at + 2), arcount = u16_at(at + 10);
    if ((flags & ~(FLAG_AD | FLAG_CD)) != FLAG_RD || memcmp(at + 4, counts_but_ar, sizeof(counts_but_ar)) != 0)
        return false;
    memcpy(plain->id, at, sizeof(plain->id));
    plain->ad = (flags & FLAG_AD) != 0;
    plain->cd = (flags & FLAG_CD) != 0;
    plain->name = at + HEADER_OCTETS;
    plain->name_octets = name_octets(plain->name, end);
    at = plain->name + plain->name_octets;
    size_t rest = (size_t)(end - at);
    bool is_long_enough =
        arcount == 0 ? rest == QUESTION_TAIL_OCTETS : rest >= QUESTION_TAIL_OCTETS + (size_t)OPT_OCTETS;
    if (plain->name_octets == 0 || arcount > 1 || !is_long_enough || u16_at(at + 2) != CLASS_IN)
        return false;
    plain->qtype = u16_at(at);
    plain->edns = plain->dnssec_ok = plain->has_options = false;
    return arcount == 0 || read_opt(at + QUESTION_TAIL_OCTETS, end, plain);
}
