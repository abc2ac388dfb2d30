/* IPv4 addresses inside IPv6 addresses, for networks behind NAT64 (RFC 6052). */
#ifndef MESSAGE_PREF64_H
#define MESSAGE_PREF64_H

#include "message/address.h"

/* Reads Pref64::/n.  ERR_FORMAT: not an IPv6 prefix of 32, 40, 48, 56, 64 or 96 bits, or octet 8 is not zero. */
MUST_USE enum err pref64_from_text(const char *text, struct prefix *prefix);

/* The IPv6 address that stands for an IPv4 address (section 2.2), and back. */
void pref64_embed(const struct prefix *prefix, const uint8_t ipv4[4], uint8_t ipv6[16]);
void pref64_extract(const struct prefix *prefix, const uint8_t ipv6[16], uint8_t ipv4[4]);

#endif
