/* Between struct address and what the system calls want. */
#ifndef TRANSPORT_SOCKADDR_H
#define TRANSPORT_SOCKADDR_H

#include <sys/socket.h>

#include "message/address.h"

/* address->family is 4 or 6.  Returns the length. */
socklen_t sockaddr_from_address(const struct address *address, struct sockaddr_storage *to);
/* Family 0 for anything but IPv4 and IPv6, and for IPv4-mapped IPv6: none of our sockets speaks it (IPV6_V6ONLY). */
struct address address_from_sockaddr(const struct sockaddr_storage *from);

/* 0.0.0.0 or ::. */
bool address_is_wildcard(const struct address *address);

#endif
