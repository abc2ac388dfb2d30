/* A6 (RFC 2874), historic (RFC 6563), but RFC 4034 section 6.2 names it: the address suffix that a prefix of so many
 * bits leaves, then the name where the prefix is found. */
#include <arpa/inet.h>

#include "message/rdata_field.h"

enum { IPV6_BITS = 128, IPV6_OCTETS = 16 };

static size_t suffix_octets(uint8_t prefix_bits)
{
    return (IPV6_BITS - (size_t)prefix_bits + 7) / 8;
}

void a6_skip(struct reader *r)
{
    uint8_t prefix_bits = reader_u8(r);
    if (prefix_bits > IPV6_BITS) {
        r->failed = true;
        return;
    }
    reader_octets(r, suffix_octets(prefix_bits));
    if (prefix_bits > 0)
        dname_skip(r);
}

/* The bits of the suffix's first octet that belong to the prefix. */
static uint8_t pad_mask(uint8_t prefix_bits)
{
    return (uint8_t) ~(0xff >> prefix_bits % 8);
}

bool a6_print(struct text *text, struct reader *r)
{
    uint8_t address[IPV6_OCTETS] = { 0 };
    char address_text[INET6_ADDRSTRLEN];
    uint8_t prefix_bits = reader_u8(r);
    if (prefix_bits > IPV6_BITS)
        return false;
    struct octets suffix = reader_octets(r, suffix_octets(prefix_bits));
    text_printf(text, "%u", prefix_bits);
    if (suffix.len > 0) {
        if ((suffix.data[0] & pad_mask(prefix_bits)) != 0) /* text has no place for these */
            return false;
        memcpy(address + IPV6_OCTETS - suffix.len, suffix.data, suffix.len);
        text_printf(text, " %s", inet_ntop(AF_INET6, address, address_text, sizeof(address_text)));
    }
    if (prefix_bits > 0) {
        text_printf(text, " ");
        dname_print(text, r);
    }
    return !r->failed;
}

bool a6_parse(struct tokens *tokens, struct writer *w)
{
    uint8_t address[IPV6_OCTETS];
    struct writer address_writer = writer_of(address, sizeof(address));
    uint32_t prefix_bits;
    if (!tokens_number(tokens, IPV6_BITS, &prefix_bits))
        return false;
    size_t len = suffix_octets((uint8_t)prefix_bits);
    writer_u8(w, (uint8_t)prefix_bits);
    if (len > 0) {
        if (!ipv6_parse(tokens, &address_writer))
            return false;
        address[IPV6_OCTETS - len] &= (uint8_t)~pad_mask((uint8_t)prefix_bits);
        writer_octets_put(w, (struct octets) { address + IPV6_OCTETS - len, len });
    }
    return prefix_bits == 0 ? !w->failed : tokens_dname(tokens, w);
}

void a6_write_canonical(struct writer *w, struct octets field)
{
    struct dname name;
    size_t name_at = 1 + suffix_octets(field.data[0]);
    writer_octets_put(w, (struct octets) { field.data, name_at });
    if (field.len == name_at ||
        dname_from_wire((struct octets) { field.data + name_at, field.len - name_at }, &name) != OK)
        return;
    dname_lower(&name, &name);
    writer_dname(w, &name);
}
