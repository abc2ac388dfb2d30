/* The receiving end of a UDP socket: a thread that blocks until datagrams come, answers what is at hand and hands all
 * else on.  Two system calls a batch, and none else while it is answers at hand alone.
 *
 * Ownership and locking.  What the thread uses belongs to it while it works on a batch, and to nobody while it waits
 * for the next one: it holds the lock from when they have come until the answers are sent.  The owner (one other
 * thread) takes the lock with udp_receiver_pause() and then may read and change whatever the thread uses: the handlers'
 * context, what they count, the inbox.  What the owner has changed when it resumes counts from the next batch on; what
 * was answered before it paused is counted.  The thread waits for nobody else and calls nothing that does, so a pause
 * lasts a batch at most. */
#ifndef TRANSPORT_UDP_RECEIVER_H
#define TRANSPORT_UDP_RECEIVER_H

#include "transport/udp_answers.h"
#include "transport/udp_inbox.h"

enum {
    UDP_QUERY_OCTETS_MAX = 4096, /* no question without a zone transfer's worth of options is longer */
};

struct udp_receiver_parts {
    int fd; /* borrowed; of socket_listen_udp(), made to block */
    bool is_wildcard;
    const char *thread_name; /* 15 octets at most */
    struct at_hand at_hand;  /* called by the thread, while it holds the lock */
    struct client client;    /* what all of its clients have: transport and endpoint */
    void *context;
    void (*wake)(void *context); /* called by the thread: the inbox is not empty any more */
};

struct udp_receiver;

/* The thread is running when it returns.  NULL, and a line in the log: the system gives none. */
struct udp_receiver *udp_receiver_new(const struct udp_receiver_parts *parts);
/* Takes what has arrived, then ends the thread.  The inbox is left to be taken. */
void udp_receiver_end(struct udp_receiver *receiver);
/* It has ended. */
void udp_receiver_free(struct udp_receiver *receiver);

void udp_receiver_pause(struct udp_receiver *receiver);
void udp_receiver_resume(struct udp_receiver *receiver);

/* Exchanges the inbox for another, which is empty. */
struct udp_inbox *udp_receiver_exchange(struct udp_receiver *receiver, struct udp_inbox *empty);
struct udp_counters udp_receiver_counters(struct udp_receiver *receiver);

#endif
