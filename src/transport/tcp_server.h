/* Questions over TCP (RFC 7766): many on one connection, answered in any order.  Nothing a client does or leaves undone
 * costs more than the limits below. */
#ifndef TRANSPORT_TCP_SERVER_H
#define TRANSPORT_TCP_SERVER_H

#include <ev.h>

#include "transport/client.h"

enum {
    TCP_QUERY_OCTETS_MAX = 4096,       /* as over UDP; a longer one ends the connection */
    TCP_PIPELINE_MAX = 64,             /* unanswered questions of one connection; then it is read no more */
    TCP_OUTPUT_PAUSE_OCTETS = 65537,   /* one answer of the largest size; with more unsent it is read no more */
    TCP_OUTPUT_OCTETS_MAX = 256 << 10, /* unsent; the connection of a client that does not read is closed */
    TCP_IDLE_MS = 10000,               /* without a whole question or a whole answer: RFC 7766 section 6.2.3 */
    TCP_IDLE_BUSY_MS = 2000,           /* the same when more than half of the connections are taken */
    TCP_PREFIX_BITS_IPV4 = 32,         /* what counts as one client */
    TCP_PREFIX_BITS_IPV6 = 56,         /* RFC 6177 section 2: what a home gets */
};

struct tcp_limits {
    unsigned connections_max;
    unsigned connections_per_prefix_max;
};

struct tcp_counters {
    uint64_t accepted, received, sent;
    uint64_t refused; /* at accept: per-prefix limit, or all taken and none idle */
    uint64_t evicted; /* idle ones that made room for another */
    uint64_t timed_out;
    uint64_t broken; /* bad length, reset, output limit */
    uint64_t open;   /* now */
};

struct tcp_server;

/* All connections of one loop. */
struct tcp_server *tcp_server_new(struct ev_loop *loop, const struct tcp_limits *limits,
                                  const struct client_handler *handler, struct tcp_counters *counters);
/* Closes everything at once.  Clients must not be answered any more. */
void tcp_server_free(struct tcp_server *server);

/* Takes over fd, a socket of socket_listen_tcp(). */
void tcp_server_listen(struct tcp_server *server, int fd, const struct address *address);
/* Accepts no more there; connections that stand go on.  An unknown address is allowed. */
void tcp_server_unlisten(struct tcp_server *server, const struct address *address);

#endif
