/* Questions over UDP.  Datagrams move in batches (recvmmsg, sendmmsg); while a batch comes back full the kernel is asked
 * for the next one without going through epoll.  An answer given from within handler->question() goes out with its batch. */
#ifndef TRANSPORT_UDP_SERVER_H
#define TRANSPORT_UDP_SERVER_H

#include <ev.h>

#include "transport/client.h"

enum {
    UDP_BATCH = CLIENT_BATCH_MAX, /* datagrams a system call: more gains little and evicts the first from the L2 cache */
    UDP_BATCHES_PER_TURN = 16,   /* then upstream replies and TCP have their turn */
    UDP_QUERY_OCTETS_MAX = 4096, /* no question without a zone transfer's worth of options is longer */
    UDP_ANSWER_OCTETS_MAX = 4096, /* the largest answers.edns-size */
};

struct udp_server;

struct udp_counters {
    uint64_t received, sent, dropped; /* dropped: oversized, from port 0, or no room to send */
};

/* Takes over fd, a socket of socket_listen_udp(), bound to `address`.  counters, shared by the servers of one loop, outlive
 * it. */
struct udp_server *udp_server_new(struct ev_loop *loop, int fd, const struct address *address,
                                  const struct client_handler *handler, struct udp_counters *counters);
/* Takes what has arrived, then reads no more.  Answers still go out. */
void udp_server_retire(struct udp_server *server);
bool udp_server_is_retired(const struct udp_server *server);
/* Nothing is left to answer or to send. */
bool udp_server_is_done(const struct udp_server *server);
/* Clients that wait must not be answered any more. */
void udp_server_free(struct udp_server *server);

const struct address *udp_server_address(const struct udp_server *server);

#endif
