/* Questions to servers.  UDP: a connected socket, and so a random source port, for each; TCP: a connection for each.
 * There are no time-outs here: the owner cancels what it does not want to wait for any longer. */
#ifndef TRANSPORT_UPSTREAM_H
#define TRANSPORT_UPSTREAM_H

#include <ev.h>

#include "message/address.h"

struct upstream;

enum upstream_failure {
    UPSTREAM_REFUSED,     /* connection refused, port unreachable */
    UPSTREAM_UNREACHABLE, /* no route, network down, forbidden here */
    UPSTREAM_CLOSED,      /* TCP closed or reset before the answer */
    UPSTREAM_NO_SOCKET,   /* out of descriptors or ports, or sockets_max reached: not the server's fault */
};

struct upstream_handler {
    void *context;
    /* True: that was it, the exchange is over.  False: not the answer, keep waiting.  It may start and cancel
     * exchanges. */
    bool (*reply)(void *context, uint64_t id, struct octets reply);
    /* The exchange is over. */
    void (*failed)(void *context, uint64_t id, enum upstream_failure how);
};

struct upstream *upstream_new(struct ev_loop *loop, const struct upstream_handler *handler, unsigned sockets_max);
void upstream_free(struct upstream *upstream);

/* ids are the owner's, each used once.  The packet (no TCP length) is copied.  False: it could not even begin, *how
 * says why, and nothing more is heard of it. */
bool upstream_start_udp(struct upstream *upstream, uint64_t id, const struct address *server, struct octets packet,
                        enum upstream_failure *how);
bool upstream_start_tcp(struct upstream *upstream, uint64_t id, const struct address *server, struct octets packet,
                        enum upstream_failure *how);
/* An unknown id is allowed. */
void upstream_cancel(struct upstream *upstream, uint64_t id);
unsigned upstream_count(const struct upstream *upstream);

#endif
