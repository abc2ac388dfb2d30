#include "message/pref64.h"

#include <string.h>

enum { RESERVED_OCTET = 8 }; /* of the prefix, zero (RFC 6052 section 2.2) */

enum err pref64_from_text(const char *text, struct prefix *prefix)
{
    static const uint8_t lengths[] = { 32, 40, 48, 56, 64, 96 };
    if (prefix_from_text(text, prefix) != OK || prefix->address.family != 6)
        return ERR_FORMAT;
    for (size_t i = 0; i < ARRAY_LEN(lengths); i++)
        if (prefix->bits == lengths[i])
            return prefix->address.octets[RESERVED_OCTET] == 0 ? OK : ERR_FORMAT;
    return ERR_FORMAT;
}

/* Where the octets of the IPv4 address stand: behind the prefix, octet 8 left out (RFC 6052 section 2.2). */
static unsigned place_of(const struct prefix *prefix, unsigned octet)
{
    unsigned place = prefix->bits / 8 + octet;
    return prefix->bits <= 64 && place >= RESERVED_OCTET ? place + 1 : place;
}

void pref64_embed(const struct prefix *prefix, const uint8_t ipv4[4], uint8_t ipv6[16])
{
    memset(ipv6, 0, 16);
    memcpy(ipv6, prefix->address.octets, prefix->bits / 8);
    for (unsigned i = 0; i < 4; i++)
        ipv6[place_of(prefix, i)] = ipv4[i];
}

void pref64_extract(const struct prefix *prefix, const uint8_t ipv6[16], uint8_t ipv4[4])
{
    for (unsigned i = 0; i < 4; i++)
        ipv4[i] = ipv6[place_of(prefix, i)];
}
