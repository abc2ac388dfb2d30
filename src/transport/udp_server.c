#include "transport/udp_server.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/arena.h"
#include "message/message.h"
#include "transport/sockaddr.h"

enum {
    CONTROL_OCTETS = CMSG_SPACE(sizeof(struct in6_pktinfo)),
    LINE_OCTETS = 64,
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

static_assert((int)UDP_ANSWER_OCTETS_MAX % (int)LINE_OCTETS == 0, "a full batch of the largest has room");
static_assert((int)CLIENT_BUFFER_OCTETS <= (int)UDP_ANSWER_OCTETS_MAX,
              "answers at once are made where they are sent from");

struct udp_server {
    struct ev_loop *loop;
    ev_io readable;
    ev_prepare before_wait; /* late answers go out before the loop sleeps */
    int fd;
    struct address address;
    bool is_wildcard;
    bool is_retired;
    uint64_t unanswered;
    struct client_handler handler;
    struct udp_counters *counters;
    unsigned out_count;
    size_t out_octets; /* of answers, one behind the other: few pages are touched */
    struct mmsghdr in[UDP_BATCH], out[UDP_BATCH];
    struct iovec in_parts[UDP_BATCH], out_parts[UDP_BATCH];
    struct ends in_ends[UDP_BATCH], out_ends[UDP_BATCH];
    struct query queries[UDP_BATCH];
    uint8_t answers[UDP_BATCH * UDP_ANSWER_OCTETS_MAX];
};

/* ---- sending ---- */

/* The answer is larger than the interface takes: the client must come by TCP (RFC 9715 section 3.1).  Only header and
 * question stay.  False if nothing is left to cut. */
static bool cut_to_question(struct iovec *part)
{
    uint8_t *data = part->iov_base;
    struct octets message = { data, part->iov_len };
    struct header header;
    if (header_read(message, &header) != OK || header.tc)
        return false;
    struct reader r = reader_of_octets(message);
    struct dname qname;
    reader_octets(&r, HEADER_OCTETS);
    if (header.counts[0] == 1) {
        reader_dname(&r, &qname);
        reader_u32(&r); /* QTYPE, QCLASS */
    }
    if (r.failed)
        return false;
    data[2] |= 0x02;        /* TC, RFC 1035 section 4.1.1 */
    memset(data + 6, 0, 6); /* ANCOUNT, NSCOUNT, ARCOUNT */
    part->iov_len = (size_t)(r.at - data);
    return true;
}

static void send_batch(struct udp_server *server)
{
    unsigned done = 0;
    while (done < server->out_count) {
        int sent = sendmmsg(server->fd, server->out + done, server->out_count - done, MSG_DONTWAIT);
        if (sent > 0) {
            done += (unsigned)sent;
            server->counters->sent += (unsigned)sent;
            continue;
        }
        if (errno == EINTR || (errno == EMSGSIZE && cut_to_question(&server->out_parts[done])))
            continue;
        server->counters->dropped++; /* this one cannot be sent: no route, a full buffer; its client will ask again */
        done++;
    }
    server->out_count = 0;
    server->out_octets = 0;
}

/* The datagram leaves from the address that the question came to. */
static void put_local_address(struct msghdr *header, const struct address *local)
{
    header->msg_controllen =
        local->family == 4 ? CMSG_SPACE(sizeof(struct in_pktinfo)) : CMSG_SPACE(sizeof(struct in6_pktinfo));
    memset(header->msg_control, 0, header->msg_controllen);
    struct cmsghdr *control = CMSG_FIRSTHDR(header);
    if (local->family == 4) {
        struct in_pktinfo info = { 0 };
        memcpy(&info.ipi_spec_dst, local->octets, 4);
        control->cmsg_level = IPPROTO_IP;
        control->cmsg_type = IP_PKTINFO;
        control->cmsg_len = CMSG_LEN(sizeof(info));
        memcpy(CMSG_DATA(control), &info, sizeof(info));
    } else {
        struct in6_pktinfo info = { .ipi6_ifindex = local->scope };
        memcpy(&info.ipi6_addr, local->octets, 16);
        control->cmsg_level = IPPROTO_IPV6;
        control->cmsg_type = IPV6_PKTINFO;
        control->cmsg_len = CMSG_LEN(sizeof(info));
        memcpy(CMSG_DATA(control), &info, sizeof(info));
    }
}

/* Where the next answer is made: UDP_ANSWER_OCTETS_MAX. */
static uint8_t *next_answer(struct udp_server *server)
{
    if (server->out_count == UDP_BATCH)
        send_batch(server);
    return server->answers + server->out_octets;
}

/* The message stands where next_answer() said, or a little behind that.  peer: borrowed until the batch is sent. */
static void queue(struct udp_server *server, struct sockaddr_storage *peer, socklen_t peer_octets,
                  const struct address *local, struct octets message)
{
    unsigned at = server->out_count++;
    struct iovec *part = &server->out_parts[at];
    struct msghdr *header = &server->out[at].msg_hdr;
    uint8_t *octets = server->answers + (message.data - server->answers);
    *part = (struct iovec) { octets, message.len };
    *header = (struct msghdr) { .msg_name = peer, .msg_namelen = peer_octets, .msg_iov = part, .msg_iovlen = 1 };
    if (local->family != 0) {
        header->msg_control = server->out_ends[at].control;
        put_local_address(header, local);
    }
    size_t end = (size_t)(octets - server->answers) + message.len; /* filled up to whole lines: */
    server->out_octets = (end + LINE_OCTETS - 1) / LINE_OCTETS * LINE_OCTETS;
}

static void udp_reply(const struct client *client, struct octets message)
{
    struct udp_server *server = client->endpoint;
    assert(message.len <= UDP_ANSWER_OCTETS_MAX);
    assert(server->unanswered > 0);
    server->unanswered--;
    uint8_t *octets = next_answer(server);
    struct sockaddr_storage *peer = &server->out_ends[server->out_count].peer;
    memcpy(octets, message.data, message.len);
    queue(server, peer, sockaddr_from_address(&client->address, peer), &client->local,
          (struct octets) { octets, message.len });
}

static void udp_drop(const struct client *client)
{
    struct udp_server *server = client->endpoint;
    assert(server->unanswered > 0);
    server->unanswered--;
}

static const struct client_transport udp_transport = { .name = "udp", .reply = udp_reply, .drop = udp_drop };

/* ---- receiving ---- */

static void prepare_batch(struct udp_server *server)
{
    for (unsigned i = 0; i < UDP_BATCH; i++) {
        struct ends *ends = &server->in_ends[i];
        server->in_parts[i] = (struct iovec) { server->queries[i].octets, UDP_QUERY_OCTETS_MAX };
        server->in[i].msg_hdr = (struct msghdr) {
            .msg_name = &ends->peer,
            .msg_namelen = sizeof(ends->peer),
            .msg_iov = &server->in_parts[i],
            .msg_iovlen = 1,
            .msg_control = server->is_wildcard ? ends->control : NULL,
            .msg_controllen = server->is_wildcard ? sizeof(ends->control) : 0,
        };
    }
}

/* What the kernel has written over where it put a datagram. */
static void prepare_again(struct udp_server *server, unsigned i)
{
    server->in[i].msg_hdr.msg_namelen = sizeof(server->in_ends[i].peer);
    server->in[i].msg_hdr.msg_controllen = server->is_wildcard ? sizeof(server->in_ends[i].control) : 0;
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
static struct client client_of(struct udp_server *server, unsigned i)
{
    struct msghdr *header = &server->in[i].msg_hdr;
    struct client client = { .transport = &udp_transport, .endpoint = server };
    if ((header->msg_flags & MSG_TRUNC) == 0)
        client.address = address_from_sockaddr(&server->in_ends[i].peer);
    if (client.address.port == 0)
        client.address.family = 0;
    if (server->is_wildcard)
        client.local = local_address(header);
    return client;
}

static void take_datagram(struct udp_server *server, unsigned i, struct octets message)
{
    struct client client = client_of(server, i);
    if (client.address.family == 0) {
        server->counters->dropped++;
        return;
    }
    struct octets answer = client_at_once(&server->handler, i, &client, next_answer(server));
    if (answer.len > 0) {
        queue(server, &server->in_ends[i].peer, server->in[i].msg_hdr.msg_namelen, &client.local, answer);
        return;
    }
    server->unanswered++;
    server->handler.question(server->handler.context, &client, message);
}

static void take_batch(struct udp_server *server, unsigned count)
{
    struct octets messages[UDP_BATCH];
    for (unsigned i = 0; i < count; i++)
        messages[i] = (struct octets) { server->queries[i].octets, server->in[i].msg_len };
    client_expect(&server->handler, messages, count);
    for (unsigned i = 0; i < count; i++)
        take_datagram(server, i, messages[i]);
    server->counters->received += count;
}

/* Number of datagrams that were there.  Answers at once lead to where their questions lie: they are gone when the next
 * ones come. */
static unsigned receive_batch(struct udp_server *server)
{
    int count = recvmmsg(server->fd, server->in, UDP_BATCH, MSG_DONTWAIT, NULL);
    if (count > 0)
        take_batch(server, (unsigned)count);
    send_batch(server);
    for (int i = 0; i < count; i++)
        prepare_again(server, (unsigned)i);
    return count < 0 ? 0 : (unsigned)count;
}

static void on_readable(struct ev_loop *loop, ev_io *watcher, int events)
{
    (void)loop, (void)events;
    for (int i = 0; i < UDP_BATCHES_PER_TURN; i++)
        if (receive_batch(watcher->data) < UDP_BATCH)
            return;
}

static void on_before_wait(struct ev_loop *loop, ev_prepare *watcher, int events)
{
    (void)loop, (void)events;
    send_batch(watcher->data);
}

/* ---- life ---- */

struct udp_server *udp_server_new(struct ev_loop *loop, int fd, const struct address *address,
                                  const struct client_handler *handler, struct udp_counters *counters)
{
    struct udp_server *server = memory_new(1, sizeof(*server));
    server->loop = loop;
    server->fd = fd;
    server->address = *address;
    server->is_wildcard = address_is_wildcard(address);
    server->handler = *handler;
    server->counters = counters;
    prepare_batch(server);
    ev_io_init(&server->readable, on_readable, fd, EV_READ);
    server->readable.data = server;
    ev_io_start(loop, &server->readable);
    ev_prepare_init(&server->before_wait, on_before_wait);
    server->before_wait.data = server;
    ev_prepare_start(loop, &server->before_wait);
    return server;
}

void udp_server_retire(struct udp_server *server)
{
    for (int i = 0; i < UDP_BATCHES_PER_TURN && receive_batch(server) == UDP_BATCH; i++)
        ;
    ev_io_stop(server->loop, &server->readable);
    server->is_retired = true;
}

bool udp_server_is_retired(const struct udp_server *server)
{
    return server->is_retired;
}

bool udp_server_is_done(const struct udp_server *server)
{
    return server->is_retired && server->unanswered == 0 && server->out_count == 0;
}

void udp_server_free(struct udp_server *server)
{
    if (server == NULL)
        return;
    ev_io_stop(server->loop, &server->readable);
    ev_prepare_stop(server->loop, &server->before_wait);
    close(server->fd);
    free(server);
}

const struct address *udp_server_address(const struct udp_server *server)
{
    return &server->address;
}
