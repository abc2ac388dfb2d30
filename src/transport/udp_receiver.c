#include "transport/udp_receiver.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include "base/arena.h"
#include "base/log.h"
#include "transport/precedence.h"
#include "transport/sockaddr.h"
#include "transport/sockets.h"

enum {
    CONTROL_OCTETS = CMSG_SPACE(sizeof(struct in6_pktinfo)),
    LINE_OCTETS = 64,
    STACK_OCTETS = 256 << 10, /* address space; a batch touches some pages of it */
    DATAGRAM_OCTETS = 768,    /* what the kernel counts for a short one */
    /* That are still taken at the end: all that its buffer may hold, of which it gives twice what it is asked for; a
     * flood does not keep the thread. */
    LAST_BATCHES = 2 * SOCKET_BUFFER_OCTETS / DATAGRAM_OCTETS / UDP_BATCH,
    SINGLES = 15,        /* datagrams between two looks for batches, where none were */
    FAULT_PAUSE_MS = 10, /* no fault of recvmmsg(2) is known to last, and none shall burn a core */
};
static_assert(CONTROL_OCTETS >= CMSG_SPACE(sizeof(struct in_pktinfo)), "room for either family");

/* What the members of a mmsghdr point to. */
struct ends {
    struct sockaddr_storage peer;
    _Alignas(struct cmsghdr) uint8_t control[CONTROL_OCTETS];
};

/* A whole page apart, all of them would fall into the same few sets of the processor's cache. */
struct query {
    uint8_t octets[UDP_QUERY_OCTETS_MAX];
    uint8_t apart[LINE_OCTETS];
};

/* The lock is a pair.  Who wants it takes the gate first and leaves it when it has the lock: whoever has waited at
 * the lock is next, however soon the other one comes again.  With the lock alone a thread that is never without
 * questions could take it again before a sleeper has woken up, any number of times. */
struct udp_receiver {
    struct udp_receiver_parts parts;
    pthread_t thread;
    pthread_mutex_t gate, lock;

    /* under the lock */
    bool is_ending;
    struct udp_inbox *inbox;
    struct udp_counters counters;
    struct udp_answers *answers;

    /* the thread's own */
    unsigned batches_left; /* once it is ending */
    unsigned singles_left; /* until the next look for a batch */
    struct mmsghdr headers[UDP_BATCH];
    struct iovec iovecs[UDP_BATCH];
    struct ends ends[UDP_BATCH];
    struct query queries[UDP_BATCH];
};

void udp_receiver_pause(struct udp_receiver *receiver)
{
    pthread_mutex_lock(&receiver->gate);
    pthread_mutex_lock(&receiver->lock);
    pthread_mutex_unlock(&receiver->gate);
}

void udp_receiver_resume(struct udp_receiver *receiver)
{
    pthread_mutex_unlock(&receiver->lock);
}

/* ---- the batch ---- */

static void prepare_batch(struct udp_receiver *receiver)
{
    bool is_wildcard = receiver->parts.is_wildcard;
    for (unsigned i = 0; i < UDP_BATCH; i++) {
        struct ends *ends = &receiver->ends[i];
        receiver->iovecs[i] = (struct iovec) { receiver->queries[i].octets, UDP_QUERY_OCTETS_MAX };
        receiver->headers[i].msg_hdr = (struct msghdr) {
            .msg_name = &ends->peer,
            .msg_namelen = sizeof(ends->peer),
            .msg_iov = &receiver->iovecs[i],
            .msg_iovlen = 1,
            .msg_control = is_wildcard ? ends->control : NULL,
            .msg_controllen = is_wildcard ? sizeof(ends->control) : 0,
        };
    }
}

/* What the kernel has written over where it put a datagram. */
static void prepare_again(struct udp_receiver *receiver, unsigned i)
{
    receiver->headers[i].msg_hdr.msg_namelen = sizeof(receiver->ends[i].peer);
    receiver->headers[i].msg_hdr.msg_controllen = receiver->parts.is_wildcard ? sizeof(receiver->ends[i].control) : 0;
}

/* Family 0 if the kernel did not say. */
static struct address local_address(struct msghdr *header)
{
    struct address local = { 0 };
    for (struct cmsghdr *control = CMSG_FIRSTHDR(header); control != NULL; control = CMSG_NXTHDR(header, control)) {
        if (control->cmsg_level == IPPROTO_IP && control->cmsg_type == IP_PKTINFO) {
            struct in_pktinfo info;
            memcpy(&info, CMSG_DATA(control), sizeof(info));
            local.family = 4;
            memcpy(local.octets, &info.ipi_spec_dst, 4);
        } else if (control->cmsg_level == IPPROTO_IPV6 && control->cmsg_type == IPV6_PKTINFO) {
            struct in6_pktinfo info;
            memcpy(&info, CMSG_DATA(control), sizeof(info));
            local.family = 6;
            memcpy(local.octets, &info.ipi6_addr, 16);
            if (IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr))
                local.scope = (uint32_t)info.ipi6_ifindex;
        }
    }
    return local;
}

/* The client of a datagram; family 0: it is not one to answer. */
static struct client client_of(struct udp_receiver *receiver, unsigned i)
{
    struct msghdr *header = &receiver->headers[i].msg_hdr;
    struct client client = receiver->parts.client;
    if ((header->msg_flags & MSG_TRUNC) == 0)
        client.address = address_from_sockaddr(&receiver->ends[i].peer);
    if (client.address.port == 0)
        client.address.family = 0;
    if (receiver->parts.is_wildcard)
        client.local = local_address(header);
    return client;
}

static void take_datagram(struct udp_receiver *receiver, unsigned i, struct octets message)
{
    struct client client = client_of(receiver, i);
    if (client.address.family == 0) {
        receiver->counters.dropped++;
        return;
    }
    struct octets answer = client_at_once(&receiver->parts.at_hand, i, &client, udp_answers_next(receiver->answers));
    if (answer.len > 0)
        udp_answers_queue(receiver->answers, &receiver->ends[i].peer, receiver->headers[i].msg_hdr.msg_namelen,
                          &client.local, answer);
    else if (!udp_inbox_put(receiver->inbox, &client, message))
        receiver->counters.overflowed++;
}

/* Answers at once lead to where their questions lie: they are sent before the next ones come.
 *
 * The owner is woken from under the lock, once, when the inbox stops being empty.  It empties the inbox under the lock
 * alone, so each time it has done so the next datagram wakes it again; and when a wake-up is seen before the lock is
 * left, it waits for the lock and finds what it was woken for. */
static void take_batch(struct udp_receiver *receiver, unsigned count)
{
    struct octets messages[UDP_BATCH];
    bool was_empty = udp_inbox_is_empty(receiver->inbox);
    for (unsigned i = 0; i < count; i++)
        messages[i] = (struct octets) { receiver->queries[i].octets, receiver->headers[i].msg_len };
    client_expect(&receiver->parts.at_hand, messages, count);
    for (unsigned i = 0; i < count; i++)
        take_datagram(receiver, i, messages[i]);
    receiver->counters.received += count;
    udp_answers_send(receiver->answers);
    if (was_empty && !udp_inbox_is_empty(receiver->inbox))
        receiver->parts.wake(receiver->parts.context);
}

/* Once reading is shut down and nothing is left, recvmmsg(2) yields what no client sent: it has no address. */
static unsigned datagrams_of(const struct udp_receiver *receiver, unsigned count)
{
    unsigned i = 0;
    while (i < count && receiver->headers[i].msg_hdr.msg_namelen > 0)
        i++;
    return i;
}

/* ---- the thread ---- */

static void pause_after_fault(void)
{
    const struct timespec pause = { .tv_nsec = FAULT_PAUSE_MS * 1000000L };
    if (errno != EINTR)
        nanosleep(&pause, NULL);
}

/* As recvmsg(2), of which recvfrom(2) is the cheaper half; only recvmsg(2) says which address it came to. */
static ssize_t receive_from(struct udp_receiver *receiver)
{
    struct msghdr *header = &receiver->headers[0].msg_hdr;
    ssize_t octets = recvfrom(receiver->parts.fd, receiver->queries[0].octets, UDP_QUERY_OCTETS_MAX, MSG_TRUNC,
                              header->msg_name, &header->msg_namelen);
    header->msg_flags = octets > UDP_QUERY_OCTETS_MAX ? MSG_TRUNC : 0;
    return octets;
}

static int receive_single(struct udp_receiver *receiver)
{
    ssize_t octets = receiver->parts.is_wildcard ? recvmsg(receiver->parts.fd, &receiver->headers[0].msg_hdr, 0)
                                                 : receive_from(receiver);
    receiver->headers[0].msg_len = octets < 0 ? 0 : (unsigned)octets;
    return octets < 0 ? -1 : 1;
}

/* As recvmmsg(2), which looks for a second datagram behind each first one.  Where questions come one by one that look
 * costs more than it finds, so after a batch of one the next ones are received singly. */
static int receive(struct udp_receiver *receiver)
{
    if (receiver->singles_left > 0) {
        receiver->singles_left--;
        return receive_single(receiver);
    }
    int count = recvmmsg(receiver->parts.fd, receiver->headers, UDP_BATCH, MSG_WAITFORONE, NULL);
    receiver->singles_left = count == 1 ? SINGLES : 0;
    return count;
}

/* False: that was the last one. */
static bool receive_batch(struct udp_receiver *receiver)
{
    int count = receive(receiver);
    if (count < 0)
        pause_after_fault();
    unsigned filled = count < 0 ? 0 : (unsigned)count, datagrams = datagrams_of(receiver, filled);
    udp_receiver_pause(receiver);
    if (datagrams > 0)
        take_batch(receiver, datagrams);
    bool is_ending = receiver->is_ending;
    udp_receiver_resume(receiver);
    for (unsigned i = 0; i < filled; i++)
        prepare_again(receiver, i);
    bool is_drained = datagrams < filled;
    return !is_ending || (!is_drained && --receiver->batches_left > 0);
}

static void *run(void *argument)
{
    const struct udp_receiver *receiver = argument;
    precedence_take(receiver->parts.thread_name);
    while (receive_batch(argument))
        ;
    return NULL;
}

/* Signals are other threads'. */
static int start_thread(struct udp_receiver *receiver)
{
    pthread_attr_t attributes;
    sigset_t all;
    sigfillset(&all);
    int error = pthread_attr_init(&attributes);
    if (error != 0)
        return error;
    pthread_attr_setstacksize(&attributes, STACK_OCTETS);
    pthread_attr_setsigmask_np(&attributes, &all);
    error = pthread_create(&receiver->thread, &attributes, run, receiver);
    pthread_attr_destroy(&attributes);
    if (error == 0)
        pthread_setname_np(receiver->thread, receiver->parts.thread_name);
    return error;
}

/* ---- life ---- */

struct udp_receiver *udp_receiver_new(const struct udp_receiver_parts *parts)
{
    struct udp_receiver *receiver = memory_new(1, sizeof(*receiver));
    receiver->parts = *parts;
    receiver->batches_left = LAST_BATCHES;
    receiver->inbox = udp_inbox_new();
    receiver->answers = udp_answers_new(parts->fd, &receiver->counters);
    pthread_mutex_init(&receiver->gate, NULL);
    pthread_mutex_init(&receiver->lock, NULL);
    prepare_batch(receiver);
    int error = start_thread(receiver);
    if (error == 0)
        return receiver;
    log_error("%s: the system gives no thread: %s", parts->thread_name, strerror(error));
    udp_receiver_free(receiver);
    return NULL;
}

/* In Linux, shutdown(2) of a UDP socket that is not connected says ENOTCONN, and yet whoever waits for datagrams is
 * woken, gets those that are there, and then waits no more.  Writing goes on: late answers have yet to leave. */
void udp_receiver_end(struct udp_receiver *receiver)
{
    udp_receiver_pause(receiver);
    receiver->is_ending = true;
    udp_receiver_resume(receiver);
    shutdown(receiver->parts.fd, SHUT_RD);
    pthread_join(receiver->thread, NULL);
}

void udp_receiver_free(struct udp_receiver *receiver)
{
    if (receiver == NULL)
        return;
    udp_answers_free(receiver->answers);
    udp_inbox_free(receiver->inbox);
    pthread_mutex_destroy(&receiver->lock);
    pthread_mutex_destroy(&receiver->gate);
    free(receiver);
}

/* ---- from the owner ---- */

struct udp_inbox *udp_receiver_exchange(struct udp_receiver *receiver, struct udp_inbox *empty)
{
    udp_receiver_pause(receiver);
    struct udp_inbox *inbox = receiver->inbox;
    receiver->inbox = empty;
    udp_receiver_resume(receiver);
    return inbox;
}

struct udp_counters udp_receiver_counters(struct udp_receiver *receiver)
{
    udp_receiver_pause(receiver);
    struct udp_counters counters = receiver->counters;
    udp_receiver_resume(receiver);
    return counters;
}
