/* Questions over UDP.  A socket has two ends:
 *
 *     receiving   a thread of its own (udp_receiver): takes datagrams in batches, and answers what is at hand
 *     the loop's  the thread whose loop it is: gets all other questions, and sends late answers
 *
 * handler->question(), client_reply(), client_drop() and all functions below belong to the loop's thread,
 * handler->at_hand to the receiving one.  What both touch is guarded as udp_receiver.h says: between
 * udp_server_pause() and udp_server_resume() the loop's thread has it for itself. */
#ifndef TRANSPORT_UDP_SERVER_H
#define TRANSPORT_UDP_SERVER_H

#include <ev.h>

#include "transport/udp_receiver.h"

enum {
    UDP_QUESTIONS_PER_TURN = 1024, /* then upstream replies and TCP have their turn */
};

struct udp_server;

struct udp_server_parts {
    struct ev_loop *loop;
    int fd; /* of socket_listen_udp(), bound to address */
    struct address address;
    struct client_handler handler;
    const char *thread_name; /* 15 octets at most */
};

/* Takes over fd.  NULL, and a line in the log: the system gives no thread; fd is closed. */
struct udp_server *udp_server_new(const struct udp_server_parts *parts);
/* Takes what has arrived, then reads no more: the receiving thread has ended.  Answers still go out. */
void udp_server_retire(struct udp_server *server);
bool udp_server_is_retired(const struct udp_server *server);
/* Nothing is left to answer or to send. */
bool udp_server_is_done(const struct udp_server *server);
/* Clients that wait must not be answered any more. */
void udp_server_free(struct udp_server *server);

const struct address *udp_server_address(const struct udp_server *server);

/* No handler->at_hand is under way, and none begins. */
void udp_server_pause(struct udp_server *server);
void udp_server_resume(struct udp_server *server);
/* Of both ends. */
void udp_server_add_counters(struct udp_server *server, struct udp_counters *sum);

#endif
