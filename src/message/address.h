/* Transport addresses of servers and clients, and prefixes of them. */
#ifndef MESSAGE_ADDRESS_H
#define MESSAGE_ADDRESS_H

#include "base/err.h"
#include "base/octets.h"

enum { ADDRESS_TEXT_MAX = 64 };

struct address {
    uint8_t family;     /* 4 or 6; 0: none */
    uint16_t port;      /* host byte order */
    uint8_t octets[16]; /* 4 or 16 of them count; an IPv4-mapped IPv6 address is stored as IPv4 */
    uint32_t scope;     /* IPv6 zone index, 0: none */
};

struct prefix {
    struct address address;
    uint8_t bits;
};

bool address_equal(const struct address *a, const struct address *b); /* port and scope included */
uint64_t address_hash(const struct address *address, uint64_t seed);
/* "192.0.2.1@53", "2001:db8::1@53", or without "@port": default_port.  "[::1]:53" is not accepted. */
MUST_USE enum err address_from_text(const char *text, uint16_t default_port, struct address *address);
/* "192.0.2.1@53".  Returns text. */
char *address_to_text(const struct address *address, char text[ADDRESS_TEXT_MAX]);
/* Without the port. */
char *address_host_to_text(const struct address *address, char text[ADDRESS_TEXT_MAX]);
/* "10.0.0.0/8", or an address alone: a host prefix.  ERR_FORMAT also if host bits are set. */
MUST_USE enum err prefix_from_text(const char *text, struct prefix *prefix);
char *prefix_to_text(const struct prefix *prefix, char text[ADDRESS_TEXT_MAX]);
bool prefix_contains(const struct prefix *prefix, const struct address *address);
/* From the RDATA of A or AAAA. */
MUST_USE enum err address_from_rdata(uint16_t type, struct octets rdata, uint16_t port, struct address *address);
/* Not a unicast address of the public Internet: 0/8, 127/8, RFC 1918, 169.254/16, 100.64/10, multicast, ::, ::1,
 * fc00::/7, fe80::/10, mapped … (IANA special-purpose registries). */
bool address_is_special(const struct address *address);

#endif
