#include "transport/udp_answers.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>

#include "base/arena.h"
#include "message/message.h"
#include "transport/sockaddr.h"

enum {
    CONTROL_OCTETS = CMSG_SPACE(sizeof(struct in6_pktinfo)),
    LINE_OCTETS = 64,
};
static_assert(CONTROL_OCTETS >= CMSG_SPACE(sizeof(struct in_pktinfo)), "room for either family");
static_assert((int)UDP_ANSWER_OCTETS_MAX % (int)LINE_OCTETS == 0, "a full batch of the largest has room");
static_assert((int)CLIENT_BUFFER_OCTETS <= (int)UDP_ANSWER_OCTETS_MAX,
              "answers at once are made where they are sent from");

/* What the members of a mmsghdr point to. */
struct ends {
    struct sockaddr_storage peer;
    _Alignas(struct cmsghdr) uint8_t control[CONTROL_OCTETS];
};

struct udp_answers {
    int fd;
    unsigned count;
    size_t octets; /* of messages, one behind the other: few pages are touched */
    struct udp_counters *counters;
    struct mmsghdr headers[UDP_BATCH];
    struct iovec parts[UDP_BATCH];
    struct ends ends[UDP_BATCH];
    uint8_t messages[UDP_BATCH * UDP_ANSWER_OCTETS_MAX];
};

struct udp_answers *udp_answers_new(int fd, struct udp_counters *counters)
{
    struct udp_answers *answers = memory_new(1, sizeof(*answers));
    answers->fd = fd;
    answers->counters = counters;
    return answers;
}

void udp_answers_free(struct udp_answers *answers)
{
    free(answers);
}

/* The whole record, if it is the OPT record; else nothing. */
static struct octets next_if_opt(struct reader *r)
{
    const uint8_t *start = r->at;
    struct dname owner;
    reader_dname(r, &owner);
    bool is_opt = reader_u16(r) == TYPE_OPT;
    reader_octets(r, 6); /* class, TTL */
    reader_octets(r, reader_u16(r));
    return is_opt && !r->failed ? (struct octets) { start, (size_t)(r->at - start) } : (struct octets) { NULL, 0 };
}

/* The answer is larger than the interface takes: the client must come by TCP (RFC 9715 section 3.1).  Header, question
 * and OPT stay: who sends EDNS gets EDNS (RFC 6891 section 6.1.1), and who sends a cookie may believe nothing without
 * it (RFC 7873 section 5.3).  False if nothing is left to cut. */
static bool cut_to_question(struct iovec *part)
{
    uint8_t *data = part->iov_base;
    struct octets message = { data, part->iov_len }, opt = { NULL, 0 };
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
    uint8_t *end = data + (r.at - data);
    unsigned records = header.counts[1] + header.counts[2] + header.counts[3];
    for (; records > 0 && opt.len == 0 && !r.failed; records--)
        opt = next_if_opt(&r);
    data[2] |= 0x02;        /* TC, RFC 1035 section 4.1.1 */
    memset(data + 6, 0, 6); /* ANCOUNT, NSCOUNT, ARCOUNT */
    data[11] = opt.len > 0;
    if (opt.len > 0)
        memmove(end, opt.data, opt.len);
    part->iov_len = (size_t)(end - data) + opt.len;
    return true;
}

/* The cheapest system call that can. */
static ssize_t send_single(int fd, const struct msghdr *header)
{
    if (header->msg_controllen > 0)
        return sendmsg(fd, header, MSG_DONTWAIT);
    return sendto(fd, header->msg_iov->iov_base, header->msg_iov->iov_len, MSG_DONTWAIT, header->msg_name,
                  header->msg_namelen);
}

/* How many of them; below 0: not the first one, errno says why. */
static int send_some(struct udp_answers *answers, unsigned first)
{
    struct mmsghdr *headers = answers->headers + first;
    unsigned count = answers->count - first;
    if (count > 1)
        return sendmmsg(answers->fd, headers, count, MSG_DONTWAIT);
    return send_single(answers->fd, &headers->msg_hdr) < 0 ? -1 : 1;
}

void udp_answers_send(struct udp_answers *answers)
{
    unsigned done = 0;
    while (done < answers->count) {
        int sent = send_some(answers, done);
        if (sent > 0) {
            done += (unsigned)sent;
            answers->counters->sent += (unsigned)sent;
            continue;
        }
        if (errno == EINTR)
            continue;
        if (errno == EMSGSIZE && cut_to_question(&answers->parts[done])) {
            answers->counters->cut++;
            continue;
        }
        answers->counters->dropped++; /* this one cannot be sent: no route, a full buffer; its client will ask again */
        done++;
    }
    answers->count = 0;
    answers->octets = 0;
}

bool udp_answers_are_sent(const struct udp_answers *answers)
{
    return answers->count == 0;
}

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

uint8_t *udp_answers_next(struct udp_answers *answers)
{
    if (answers->count == UDP_BATCH)
        udp_answers_send(answers);
    return answers->messages + answers->octets;
}

void udp_answers_queue(struct udp_answers *answers, struct sockaddr_storage *peer, socklen_t peer_octets,
                       const struct address *local, struct octets message)
{
    unsigned at = answers->count++;
    struct iovec *part = &answers->parts[at];
    struct msghdr *header = &answers->headers[at].msg_hdr;
    uint8_t *octets = answers->messages + (message.data - answers->messages);
    *part = (struct iovec) { octets, message.len };
    *header = (struct msghdr) { .msg_name = peer, .msg_namelen = peer_octets, .msg_iov = part, .msg_iovlen = 1 };
    if (local->family != 0) {
        header->msg_control = answers->ends[at].control;
        put_local_address(header, local);
    }
    size_t end = (size_t)(octets - answers->messages) + message.len; /* filled up to whole lines: */
    answers->octets = (end + LINE_OCTETS - 1) / LINE_OCTETS * LINE_OCTETS;
}

void udp_answers_queue_copy(struct udp_answers *answers, const struct client *client, struct octets message)
{
    assert(message.len <= UDP_ANSWER_OCTETS_MAX);
    uint8_t *octets = udp_answers_next(answers);
    struct sockaddr_storage *peer = &answers->ends[answers->count].peer;
    memcpy(octets, message.data, message.len);
    udp_answers_queue(answers, peer, sockaddr_from_address(&client->address, peer), &client->local,
                      (struct octets) { octets, message.len });
}
