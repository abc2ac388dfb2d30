#include "message/address.h"

#include <arpa/inet.h>
#include <stdio.h>

#include "base/hash.h"
#include "message/rrtype.h"

enum { IPV4_OCTETS = 4, IPV6_OCTETS = 16, MAPPED_AT = 12 };

/* ::ffff:0:0/96 (RFC 4291 section 2.5.5.2) */
static const uint8_t mapped_prefix[MAPPED_AT] = { [10] = 0xff, [11] = 0xff };

static size_t octet_count(const struct address *address)
{
    return address->family == 4 ? IPV4_OCTETS : IPV6_OCTETS;
}

static bool is_mapped(const uint8_t octets[IPV6_OCTETS])
{
    return memcmp(octets, mapped_prefix, sizeof(mapped_prefix)) == 0;
}

static struct address address_of_ipv4(const uint8_t octets[IPV4_OCTETS])
{
    struct address address = { .family = 4 };
    memcpy(address.octets, octets, IPV4_OCTETS);
    return address;
}

static struct address address_of_ipv6(const uint8_t octets[IPV6_OCTETS])
{
    if (is_mapped(octets))
        return address_of_ipv4(octets + MAPPED_AT);
    struct address address = { .family = 6 };
    memcpy(address.octets, octets, IPV6_OCTETS);
    return address;
}

bool address_equal(const struct address *a, const struct address *b)
{
    return a->family == b->family && a->port == b->port && a->scope == b->scope &&
           memcmp(a->octets, b->octets, octet_count(a)) == 0;
}

uint64_t address_hash(const struct address *address, uint64_t seed)
{
    uint8_t all[IPV6_OCTETS + sizeof(address->scope) + sizeof(address->port) + 1] = { 0 };
    uint8_t *at = all;
    memcpy(at, address->octets, octet_count(address));
    at += IPV6_OCTETS;
    memcpy(at, &address->scope, sizeof(address->scope));
    at += sizeof(address->scope);
    memcpy(at, &address->port, sizeof(address->port));
    at += sizeof(address->port);
    *at = address->family;
    return hash_octets((struct octets) { all, sizeof(all) }, seed);
}

/* ---- text ---- */

/* An unsigned decimal number that fills the text. */
static bool number_from_text(const char *text, uint32_t max, uint32_t *number)
{
    uint64_t value = 0;
    const char *at = text;
    for (; *at >= '0' && *at <= '9'; at++) {
        value = value * 10 + (uint64_t)(*at - '0');
        if (value > max)
            return false;
    }
    *number = (uint32_t)value;
    return at != text && *at == '\0';
}

/* Cuts text at the last `mark`; NULL if it holds none. */
static char *cut_at(char *text, char mark)
{
    char *at = strrchr(text, mark);
    if (at == NULL)
        return NULL;
    *at = '\0';
    return at + 1;
}

/* "fe80::1%2": the zone index is a number (RFC 4007 section 11.2), its names belong to the host. */
static enum err host_from_text(char *text, struct address *address)
{
    uint8_t octets[IPV6_OCTETS];
    if (inet_pton(AF_INET, text, octets) == 1) {
        *address = address_of_ipv4(octets);
        return OK;
    }
    uint32_t scope = 0;
    const char *zone = cut_at(text, '%');
    if (inet_pton(AF_INET6, text, octets) != 1 || (zone != NULL && !number_from_text(zone, UINT32_MAX, &scope)))
        return ERR_FORMAT;
    *address = address_of_ipv6(octets);
    address->scope = scope;
    return OK;
}

enum err address_from_text(const char *text, uint16_t default_port, struct address *address)
{
    char copy[ADDRESS_TEXT_MAX];
    uint32_t port = default_port;
    if (strlen(text) >= sizeof(copy))
        return ERR_FORMAT;
    strcpy(copy, text);
    const char *port_text = cut_at(copy, '@');
    if (port_text != NULL && !number_from_text(port_text, UINT16_MAX, &port))
        return ERR_FORMAT;
    if (host_from_text(copy, address) != OK)
        return ERR_FORMAT;
    address->port = (uint16_t)port;
    return OK;
}

char *address_host_to_text(const struct address *address, char text[ADDRESS_TEXT_MAX])
{
    if (address->family == 0) {
        strcpy(text, "none");
        return text;
    }
    inet_ntop(address->family == 4 ? AF_INET : AF_INET6, address->octets, text, ADDRESS_TEXT_MAX);
    if (address->scope != 0) {
        size_t len = strlen(text);
        snprintf(text + len, ADDRESS_TEXT_MAX - len, "%%%u", address->scope);
    }
    return text;
}

char *address_to_text(const struct address *address, char text[ADDRESS_TEXT_MAX])
{
    address_host_to_text(address, text);
    size_t len = strlen(text);
    snprintf(text + len, ADDRESS_TEXT_MAX - len, "@%u", address->port);
    return text;
}

/* ---- prefixes ---- */

/* The first bits of two runs of octets. */
static bool same_bits(const uint8_t *a, const uint8_t *b, unsigned bits)
{
    unsigned whole = bits / 8, mask = (unsigned)(0xff00 >> bits % 8) & 0xff;
    return memcmp(a, b, whole) == 0 && (mask == 0 || ((a[whole] ^ b[whole]) & mask) == 0);
}

static bool host_bits_are_zero(const struct prefix *prefix)
{
    struct address network = { 0 };
    for (unsigned bit = 0; bit < prefix->bits; bit++)
        network.octets[bit / 8] |= prefix->address.octets[bit / 8] & (uint8_t)(0x80 >> bit % 8);
    return memcmp(network.octets, prefix->address.octets, octet_count(&prefix->address)) == 0;
}

/* The length behind the slash.  "::ffff:192.0.2.0/120" has become an IPv4 address: 96 bits of it are gone. */
static bool bits_from_text(const char *text, bool written_as_ipv6, struct prefix *prefix)
{
    unsigned gone = written_as_ipv6 && prefix->address.family == 4 ? 8 * MAPPED_AT : 0;
    unsigned all = 8 * (unsigned)octet_count(&prefix->address);
    uint32_t bits;
    if (!number_from_text(text, all + gone, &bits) || bits < gone)
        return false;
    prefix->bits = (uint8_t)(bits - gone);
    return true;
}

enum err prefix_from_text(const char *text, struct prefix *prefix)
{
    char copy[ADDRESS_TEXT_MAX];
    if (strlen(text) >= sizeof(copy) || strchr(text, '%') != NULL)
        return ERR_FORMAT;
    strcpy(copy, text);
    bool written_as_ipv6 = strchr(copy, ':') != NULL;
    const char *bits_text = cut_at(copy, '/');
    if (host_from_text(copy, &prefix->address) != OK)
        return ERR_FORMAT;
    prefix->bits = (uint8_t)(8 * octet_count(&prefix->address));
    if (bits_text != NULL && !bits_from_text(bits_text, written_as_ipv6, prefix))
        return ERR_FORMAT;
    return host_bits_are_zero(prefix) ? OK : ERR_FORMAT;
}

char *prefix_to_text(const struct prefix *prefix, char text[ADDRESS_TEXT_MAX])
{
    address_host_to_text(&prefix->address, text);
    size_t len = strlen(text);
    snprintf(text + len, ADDRESS_TEXT_MAX - len, "/%u", prefix->bits);
    return text;
}

bool prefix_contains(const struct prefix *prefix, const struct address *address)
{
    return prefix->address.family == address->family &&
           same_bits(prefix->address.octets, address->octets, prefix->bits);
}

enum err address_from_rdata(uint16_t type, struct octets rdata, uint16_t port, struct address *address)
{
    if (type == TYPE_A && rdata.len == IPV4_OCTETS)
        *address = address_of_ipv4(rdata.data);
    else if (type == TYPE_AAAA && rdata.len == IPV6_OCTETS)
        *address = address_of_ipv6(rdata.data);
    else
        return ERR_FORMAT;
    address->port = port;
    return OK;
}

/* ---- special addresses ---- */

struct network {
    uint8_t bits;
    uint8_t octets[IPV6_OCTETS];
};

/* IANA "IPv4 Special-Purpose Address Registry" (RFC 6890), without the globally reachable AS112 and AMT networks, and
 * multicast.  Networks for documentation and benchmarking are not here: nothing that deserves protection lives in them,
 * and laboratories use them. */
static const struct network special_ipv4[] = {
    { 8, { 0 } },            /* this network */
    { 8, { 10 } },           /* RFC 1918 */
    { 10, { 100, 64 } },     /* RFC 6598 */
    { 8, { 127 } },          /* loopback */
    { 16, { 169, 254 } },    /* link local */
    { 12, { 172, 16 } },     /* RFC 1918 */
    { 24, { 192, 0, 0 } },   /* IETF protocol assignments */
    { 24, { 192, 88, 99 } }, /* 6to4 relays, RFC 7526 */
    { 16, { 192, 168 } },    /* RFC 1918 */
    { 4, { 224 } },          /* multicast */
    { 4, { 240 } },          /* reserved, broadcast */
};

/* Global unicast is 2000::/3 (IANA "Internet Protocol Version 6 Address Space"); special inside of it are: */
static const struct network global_ipv6 = { 3, { 0x20 } };
static const struct network special_ipv6[] = {
    { 32, { 0x20, 0x01 } },             /* Teredo, RFC 4380: the address of an IPv4 host is in it */
    { 28, { 0x20, 0x01, 0x00, 0x10 } }, /* ORCHID, RFC 4843 */
    { 28, { 0x20, 0x01, 0x00, 0x20 } }, /* ORCHIDv2, RFC 7343 */
    { 28, { 0x20, 0x01, 0x00, 0x30 } }, /* DRIP, RFC 9374 */
    { 16, { 0x20, 0x02 } },             /* 6to4, RFC 3056: likewise */
};

static bool is_in(const struct address *address, const struct network *networks, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (same_bits(address->octets, networks[i].octets, networks[i].bits))
            return true;
    }
    return false;
}

bool address_is_special(const struct address *address)
{
    if (address->family == 4)
        return is_in(address, special_ipv4, ARRAY_LEN(special_ipv4));
    return !is_in(address, &global_ipv6, 1) || is_in(address, special_ipv6, ARRAY_LEN(special_ipv6));
}
