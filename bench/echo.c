/* The limit: sends every query back as a reply of a given size, and does nothing else.  See README.md. */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

enum { BATCH = 64, QUERY_OCTETS = 512, REPLY_OCTETS = 4096, FLAG_QR = 0x80, CONNECTIONS_MAX = 64 };
enum { LENGTH_OCTETS = 2, IN_OCTETS = 64 << 10, OUT_OCTETS = 1 << 20 };

static size_t reply_octets;

static int open_socket(const char *address, unsigned port, int type)
{
    struct sockaddr_in name = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    if (inet_pton(AF_INET, address, &name.sin_addr) != 1)
        errx(EX_USAGE, "%s: not an IPv4 address", address);
    int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0), on = 1;
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
        bind(fd, (struct sockaddr *)&name, sizeof(name)) != 0 ||
        (type == SOCK_STREAM && listen(fd, CONNECTIONS_MAX) != 0))
        err(EX_UNAVAILABLE, "%s", address);
    return fd;
}

/* The query with QR set, lengthened or shortened; what follows it in the buffer does not matter. */
static size_t make_reply(uint8_t *message, size_t octets)
{
    message[2] |= FLAG_QR;
    return reply_octets == 0 ? octets : reply_octets;
}

struct batch {
    uint8_t buffers[BATCH][REPLY_OCTETS];
    struct sockaddr_in clients[BATCH];
    struct iovec parts[BATCH];
    struct mmsghdr messages[BATCH];
};

static void prepare(struct batch *batch, int i)
{
    batch->parts[i] = (struct iovec) { batch->buffers[i], QUERY_OCTETS };
    batch->messages[i].msg_hdr = (struct msghdr) { .msg_name = &batch->clients[i],
                                                   .msg_namelen = sizeof(batch->clients[i]),
                                                   .msg_iov = &batch->parts[i],
                                                   .msg_iovlen = 1 };
}

/* Queries that were there; 0 or less: none. */
static int echo_batch(int fd, struct batch *batch, int flags)
{
    int count = recvmmsg(fd, batch->messages, BATCH, flags, NULL);
    for (int i = 0; i < count; i++)
        batch->parts[i].iov_len = make_reply(batch->buffers[i], batch->messages[i].msg_len);
    for (int done = 0; done < count;) {
        int sent = sendmmsg(fd, batch->messages + done, (unsigned)(count - done), 0);
        done += sent > 0 ? sent : 1;
    }
    for (int i = 0; i < count; i++)
        prepare(batch, i);
    return count;
}

static struct batch *new_batch(void)
{
    static struct batch batch;
    for (int i = 0; i < BATCH; i++)
        prepare(&batch, i);
    return &batch;
}

static _Noreturn void echo_batches(int fd)
{
    struct batch *batch = new_batch();
    for (;;)
        echo_batch(fd, batch, MSG_WAITFORONE);
}

/* As any server waits that has more than one socket. */
static _Noreturn void echo_polled(int fd)
{
    struct batch *batch = new_batch();
    int poll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = { .events = EPOLLIN };
    if (poll < 0 || epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event) != 0)
        err(EX_OSERR, "epoll");
    for (;;) {
        if (epoll_wait(poll, &event, 1, -1) == 1)
            while (echo_batch(fd, batch, MSG_DONTWAIT) == BATCH)
                ;
    }
}

static _Noreturn void echo_singly(int fd)
{
    static uint8_t buffer[REPLY_OCTETS];
    for (;;) {
        struct sockaddr_in client;
        socklen_t client_octets = sizeof(client);
        ssize_t octets = recvfrom(fd, buffer, QUERY_OCTETS, 0, (struct sockaddr *)&client, &client_octets);
        if (octets > 0)
            sendto(fd, buffer, make_reply(buffer, (size_t)octets), 0, (struct sockaddr *)&client, client_octets);
    }
}

struct connection {
    size_t in_octets;
    uint8_t in[IN_OCTETS];
};

/* The generator leaves no more replies unread than the buffers hold: blocking for a moment is no deadlock. */
static bool send_all(int fd, const uint8_t *at, size_t octets)
{
    while (octets > 0) {
        ssize_t sent = send(fd, at, octets, MSG_NOSIGNAL);
        if (sent <= 0)
            return false;
        at += sent;
        octets -= (size_t)sent;
    }
    return true;
}

/* All whole queries that are there, their replies in one send.  False: the connection is gone. */
static bool echo_stream(int fd, struct connection *connection)
{
    static uint8_t out[OUT_OCTETS];
    ssize_t octets = recv(fd, connection->in + connection->in_octets, IN_OCTETS - connection->in_octets, 0);
    if (octets <= 0)
        return false;
    connection->in_octets += (size_t)octets;
    size_t at = 0, out_octets = 0;
    while (connection->in_octets - at >= LENGTH_OCTETS) {
        size_t length = (size_t)(connection->in[at] << 8 | connection->in[at + 1]);
        if (connection->in_octets - at < LENGTH_OCTETS + length)
            break;
        if (length > QUERY_OCTETS || out_octets + LENGTH_OCTETS + REPLY_OCTETS > OUT_OCTETS)
            return false;
        uint8_t *reply = out + out_octets + LENGTH_OCTETS;
        memcpy(reply, connection->in + at + LENGTH_OCTETS, length);
        size_t reply_length = make_reply(reply, length);
        out[out_octets] = (uint8_t)(reply_length >> 8);
        out[out_octets + 1] = (uint8_t)reply_length;
        out_octets += LENGTH_OCTETS + reply_length;
        at += LENGTH_OCTETS + length;
    }
    connection->in_octets -= at;
    memmove(connection->in, connection->in + at, connection->in_octets);
    return send_all(fd, out, out_octets);
}

static void drop(struct pollfd *polls, unsigned *count, unsigned i, struct connection *connections)
{
    close(polls[i].fd);
    --*count;
    polls[i] = polls[*count];
    connections[i] = connections[*count];
}

static _Noreturn void echo_streams(int listener)
{
    static struct connection connections[CONNECTIONS_MAX];
    struct pollfd polls[CONNECTIONS_MAX] = { { .fd = listener, .events = POLLIN } };
    unsigned count = 1;
    for (;;) {
        if (poll(polls, count, -1) < 0)
            err(EX_OSERR, "poll");
        for (unsigned i = count; i-- > 1;)
            if (polls[i].revents != 0 && !echo_stream(polls[i].fd, &connections[i]))
                drop(polls, &count, i, connections);
        if ((polls[0].revents & POLLIN) && count < CONNECTIONS_MAX) {
            int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
            if (fd >= 0) {
                connections[count].in_octets = 0;
                polls[count++] = (struct pollfd) { .fd = fd, .events = POLLIN };
            }
        }
    }
}

int main(int argc, char **argv)
{
    if (argc != 5)
        errx(EX_USAGE, "usage: echo mmsg|epoll|msg|tcp ADDRESS PORT REPLY-OCTETS (0: as the query)");
    unsigned port = (unsigned)strtoul(argv[3], NULL, 10);
    reply_octets = strtoul(argv[4], NULL, 10);
    if (reply_octets > REPLY_OCTETS)
        errx(EX_USAGE, "%s: at most %d octets", argv[4], REPLY_OCTETS);
    if (strcmp(argv[1], "mmsg") == 0)
        echo_batches(open_socket(argv[2], port, SOCK_DGRAM));
    if (strcmp(argv[1], "epoll") == 0)
        echo_polled(open_socket(argv[2], port, SOCK_DGRAM));
    if (strcmp(argv[1], "msg") == 0)
        echo_singly(open_socket(argv[2], port, SOCK_DGRAM));
    if (strcmp(argv[1], "tcp") == 0)
        echo_streams(open_socket(argv[2], port, SOCK_STREAM));
    errx(EX_USAGE, "%s: mmsg, epoll, msg or tcp is expected", argv[1]);
}
