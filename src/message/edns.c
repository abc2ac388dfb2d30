#include "message/edns.h"

#include "message/rrtype.h"

enum { EDNS_FLAG_DO = 0x8000 }; /* RFC 3225 section 3; RFC 6891 section 6.1.4 */

enum err edns_read(uint16_t class, uint32_t ttl, struct octets rdata, struct edns *edns)
{
    *edns = (struct edns) {
        .present = true,
        .udp_octets = class < UDP_OCTETS_CLASSIC ? UDP_OCTETS_CLASSIC : class,
        .rcode_high = (uint8_t)(ttl >> 24),
        .version = (uint8_t)(ttl >> 16),
        .dnssec_ok = (ttl & EDNS_FLAG_DO) != 0,
    };
    struct reader r = reader_of_octets(rdata);
    while (!r.failed && reader_left(&r) > 0) {
        struct edns_option option = { .code = reader_u16(&r) };
        option.data = reader_octets(&r, reader_u16(&r));
        if (!r.failed && edns->option_count < EDNS_OPTIONS_MAX)
            edns->options[edns->option_count++] = option;
    }
    return r.failed ? ERR_FORMAT : OK;
}

const struct edns_option *edns_option_find(const struct edns *edns, uint16_t code)
{
    for (uint16_t i = 0; i < edns->option_count; i++)
        if (edns->options[i].code == code)
            return &edns->options[i];
    return NULL;
}

bool cookie_is_well_formed(struct octets cookie)
{
    return cookie.len == COOKIE_CLIENT_OCTETS ||
           (cookie.len >= COOKIE_CLIENT_OCTETS + COOKIE_SERVER_OCTETS_MIN && cookie.len <= COOKIE_OCTETS_MAX);
}

void edns_wish(struct edns_wishes *wishes, uint16_t code, struct octets data)
{
    if (code == EDNS_NSID) {
        wishes->nsid = true;
    } else if (code == EDNS_TCP_KEEPALIVE) {
        wishes->keepalive_is_malformed |= data.len > 0;
    } else if (code == EDNS_COOKIE && wishes->cookie.len == 0 && !wishes->cookie_is_malformed) {
        wishes->cookie_is_malformed = !cookie_is_well_formed(data);
        wishes->cookie = wishes->cookie_is_malformed ? (struct octets) { NULL, 0 } : data;
    }
}

struct edns_wishes edns_wishes_of(const struct edns *edns)
{
    struct edns_wishes wishes = { 0 };
    for (uint16_t i = 0; i < edns->option_count; i++)
        edns_wish(&wishes, edns->options[i].code, edns->options[i].data);
    return wishes;
}

void writer_edns(struct writer *w, const struct edns *edns)
{
    writer_u8(w, 0); /* the root: RFC 6891 section 6.1.2 */
    writer_u16(w, TYPE_OPT);
    writer_u16(w, edns->udp_octets);
    writer_u8(w, edns->rcode_high);
    writer_u8(w, edns->version);
    writer_u16(w, edns->dnssec_ok ? EDNS_FLAG_DO : 0);
    size_t rdlength_at = w->len;
    writer_u16(w, 0);
    for (uint16_t i = 0; i < edns->option_count; i++) {
        const struct edns_option *option = &edns->options[i];
        writer_u16(w, option->code);
        writer_u16(w, (uint16_t)option->data.len);
        writer_octets_put(w, option->data);
        w->failed |= option->data.len > UINT16_MAX;
    }
    writer_octets_put(w, edns->more);
    if (w->failed)
        return;
    size_t rdlength = w->len - rdlength_at - sizeof(uint16_t);
    w->failed = rdlength > UINT16_MAX;
    if (!w->failed)
        writer_u16_at(w, rdlength_at, (uint16_t)rdlength);
}
