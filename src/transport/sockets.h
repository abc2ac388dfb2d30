/* Sockets with the options that all of ours have.  Every function returns a descriptor (non-blocking, closed on exec),
 * or -1 with errno. */
#ifndef TRANSPORT_SOCKETS_H
#define TRANSPORT_SOCKETS_H

#include "message/address.h"

enum {
    TCP_MSS_OCTETS = 1220, /* 1280 (the least IPv6 MTU, RFC 8200 section 5) less IPv6 and TCP headers: row D10-a */
    TCP_BACKLOG = 512,     /* connections the kernel holds for us between two turns of the loop */
    SOCKET_BUFFER_OCTETS =
        4 << 20, /* asked for on listening UDP sockets; the kernel gives what net.core.*mem_max allows */
};

/* For listening.  One per worker on the same address (SO_REUSEPORT). */
int socket_listen_udp(const struct address *address);
int socket_listen_tcp(const struct address *address);
/* For a thread that has nothing to do but wait for it. */
void socket_make_blocking(int fd);
/* Is anybody else on that address?  SO_REUSEPORT would share the port with another process of ours without a word, so
 * this binds without it and closes again.  ERR_SYSTEM and errno when it cannot be bound. */
MUST_USE enum err socket_probe_listen(const struct address *address);

/* For asking: connected, so that the kernel chooses the source port at random and drops what others send. */
int socket_connect_udp(const struct address *server);
/* The connection is still under way when this returns. */
int socket_connect_tcp(const struct address *server);

/* Closing it tells the other side at once, and leaves its port free: after a FIN it is taken for a minute (RFC 9293
 * section 3.6.1), and connect() looks ever longer for another. */
void socket_reset_on_close(int fd);

/* The source ports that connect() chooses from. */
struct port_range {
    uint16_t first, last;
};
MUST_USE enum err port_range_read(struct port_range *range);
/* The whole bits of log2 of their number. */
unsigned port_range_bits(struct port_range range);

/* Raises the soft limit of open descriptors to the hard one; returns what is allowed now. */
unsigned long descriptor_limit_raise(void);

#endif
