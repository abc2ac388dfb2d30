/* Answers over UDP on their way out, in batches (sendmmsg): made where they are sent from, one behind the other.  A
 * socket may have several of these, one for each thread that answers there. */
#ifndef TRANSPORT_UDP_ANSWERS_H
#define TRANSPORT_UDP_ANSWERS_H

#include <sys/socket.h>

#include "transport/client.h"

enum {
    UDP_BATCH =
        CLIENT_BATCH_MAX, /* datagrams a system call: more gains little and evicts the first from the L2 cache */
    UDP_ANSWER_OCTETS_MAX = 4096, /* the largest answers.edns-size */
};

struct udp_counters {
    uint64_t received, sent;
    uint64_t cut;        /* larger than the interface or the path takes: TC instead */
    uint64_t dropped;    /* oversized, from port 0, or no room to send */
    uint64_t overflowed; /* no room on the way to the worker, which is busy */
};

struct udp_answers;

/* fd is borrowed; counters are counted up from here. */
struct udp_answers *udp_answers_new(int fd, struct udp_counters *counters);
void udp_answers_free(struct udp_answers *answers);

/* Where the next answer may be made: UDP_ANSWER_OCTETS_MAX.  Sends those before, if the batch is full. */
uint8_t *udp_answers_next(struct udp_answers *answers);
/* The message stands where udp_answers_next() said, or a little behind that.  peer: borrowed until the batch is
 * sent.  local: the address that it leaves from, as the question came to; family 0: the socket has but one. */
void udp_answers_queue(struct udp_answers *answers, struct sockaddr_storage *peer, socklen_t peer_octets,
                       const struct address *local, struct octets message);
/* The same for a message and a client that stand elsewhere: both are copied. */
void udp_answers_queue_copy(struct udp_answers *answers, const struct client *client, struct octets message);
/* Never waits: what cannot be sent is dropped. */
void udp_answers_send(struct udp_answers *answers);
bool udp_answers_are_sent(const struct udp_answers *answers);

#endif
