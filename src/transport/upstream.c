#include "transport/upstream.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/limits.h"
#include "transport/sockets.h"

enum {
    LENGTH_OCTETS = 2,       /* RFC 1035 section 4.2.2 */
    BUCKETS = 1024,          /* ids count upwards: they spread by themselves */
    DATAGRAMS_PER_TURN = 16, /* a flood of forgeries to one port leaves others their turn */
    PRESS_SHARE = 8,         /* with more than so much of its sockets open, ports are dearer than good manners */
    TCP_REPLIES_MAX = 8,     /* that are not the answer; then the server is not worth the descriptor */
};

/* One question under way.  TCP: first `data` holds length and question, [done, size) still to be sent; then the reply's
 * length and the reply, [0, done) of size received. */
struct exchange_socket {
    struct exchange_socket *next; /* of the same bucket */
    struct upstream *upstream;
    uint64_t id;
    ev_io io;
    bool is_stream, is_sending; /* TCP */
    bool is_answered;
    bool busy, is_cancelled; /* busy: the owner is being asked about a reply; cancelling must wait until it returns */
    unsigned wrong_replies;
    uint8_t *data;
    size_t done, size;
};

struct upstream {
    struct ev_loop *loop;
    struct upstream_handler handler;
    unsigned count, count_max;
    struct exchange_socket *buckets[BUCKETS];
    uint8_t datagram[MESSAGE_OCTETS_MAX];
};

/* ---- life of an exchange ---- */

static struct exchange_socket **find(struct upstream *upstream, uint64_t id)
{
    struct exchange_socket **at = &upstream->buckets[id % BUCKETS];
    while (*at != NULL && (*at)->id != id)
        at = &(*at)->next;
    return at;
}

static void end(struct exchange_socket *exchange)
{
    struct upstream *upstream = exchange->upstream;
    *find(upstream, exchange->id) = exchange->next;
    upstream->count--;
    ev_io_stop(upstream->loop, &exchange->io);
    if (exchange->is_stream && (!exchange->is_answered || upstream->count > upstream->count_max / PRESS_SHARE))
        socket_reset_on_close(exchange->io.fd);
    close(exchange->io.fd);
    free(exchange->data);
    free(exchange);
}

static void fail(struct exchange_socket *exchange, enum upstream_failure how)
{
    struct upstream *upstream = exchange->upstream;
    uint64_t id = exchange->id;
    end(exchange);
    upstream->handler.failed(upstream->handler.context, id, how);
}

/* Asks the owner about a reply.  True: the exchange is gone. */
static bool offer(struct exchange_socket *exchange, struct octets reply)
{
    struct upstream_handler *handler = &exchange->upstream->handler;
    exchange->busy = true;
    bool is_over = handler->reply(handler->context, exchange->id, reply);
    exchange->busy = false;
    exchange->is_answered = is_over;
    if (is_over || exchange->is_cancelled) {
        end(exchange);
        return true;
    }
    return false;
}

static enum upstream_failure failure_of(int error)
{
    switch (error) {
    case ECONNREFUSED:
        return UPSTREAM_REFUSED;
    case ECONNRESET:
    case EPIPE:
    case ETIMEDOUT:
        return UPSTREAM_CLOSED;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
    case EAGAIN:
    case EADDRINUSE:
    case EADDRNOTAVAIL: /* connect(2): no port is left */
        return UPSTREAM_NO_SOCKET;
    default:
        return UPSTREAM_UNREACHABLE;
    }
}

static bool is_transient(int error)
{
    return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

/* ---- UDP ---- */

static void on_datagram(struct ev_loop *loop, ev_io *watcher, int events)
{
    (void)loop, (void)events;
    struct exchange_socket *exchange = watcher->data;
    struct upstream *upstream = exchange->upstream;
    for (int i = 0; i < DATAGRAMS_PER_TURN; i++) {
        ssize_t got = recv(watcher->fd, upstream->datagram, sizeof(upstream->datagram), MSG_DONTWAIT);
        if (got >= 0) {
            if (offer(exchange, (struct octets) { upstream->datagram, (size_t)got }))
                return;
        } else if (is_transient(errno)) {
            return;
        } else if (errno != EMSGSIZE) { /* that one is anybody's "fragmentation needed": it changes nothing */
            fail(exchange, failure_of(errno));
            return;
        }
    }
}

/* ---- TCP ---- */

static void watch_for(struct exchange_socket *exchange, int events)
{
    ev_io_stop(exchange->upstream->loop, &exchange->io);
    ev_io_set(&exchange->io, exchange->io.fd, events);
    ev_io_start(exchange->upstream->loop, &exchange->io);
}

static void await_reply(struct exchange_socket *exchange)
{
    exchange->is_sending = false;
    exchange->done = 0;
    exchange->size = LENGTH_OCTETS;
}

static void send_question(struct exchange_socket *exchange)
{
    ssize_t sent = send(exchange->io.fd, exchange->data + exchange->done, exchange->size - exchange->done,
                        MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0) { /* also what became of the connection: the first send() reports it */
        if (!is_transient(errno))
            fail(exchange, failure_of(errno));
        return;
    }
    exchange->done += (size_t)sent;
    if (exchange->done == exchange->size) {
        await_reply(exchange);
        watch_for(exchange, EV_READ);
    }
}

/* The length, or the whole reply, is there. */
static void take_part(struct exchange_socket *exchange)
{
    if (exchange->size == LENGTH_OCTETS) {
        exchange->size += (size_t)exchange->data[0] << 8 | exchange->data[1];
        exchange->data = memory_resize(exchange->data, exchange->size, 1);
        if (exchange->size > LENGTH_OCTETS)
            return;
    }
    struct octets reply = { exchange->data + LENGTH_OCTETS, exchange->size - LENGTH_OCTETS };
    if (offer(exchange, reply))
        return;
    if (++exchange->wrong_replies == TCP_REPLIES_MAX)
        fail(exchange, UPSTREAM_CLOSED);
    else
        await_reply(exchange);
}

static void receive_reply(struct exchange_socket *exchange)
{
    ssize_t got = recv(exchange->io.fd, exchange->data + exchange->done, exchange->size - exchange->done, MSG_DONTWAIT);
    if (got == 0) {
        fail(exchange, UPSTREAM_CLOSED);
    } else if (got < 0) {
        if (!is_transient(errno))
            fail(exchange, failure_of(errno));
    } else {
        exchange->done += (size_t)got;
        if (exchange->done == exchange->size)
            take_part(exchange);
    }
}

static void on_stream(struct ev_loop *loop, ev_io *watcher, int events)
{
    (void)loop, (void)events;
    struct exchange_socket *exchange = watcher->data;
    if (exchange->is_sending)
        send_question(exchange);
    else
        receive_reply(exchange);
}

/* ---- interface ---- */

static struct exchange_socket *add(struct upstream *upstream, uint64_t id, int fd)
{
    struct exchange_socket *exchange = memory_new(1, sizeof(*exchange));
    struct exchange_socket **at = find(upstream, id);
    assert(*at == NULL);
    exchange->upstream = upstream;
    exchange->id = id;
    exchange->io.fd = fd;
    *at = exchange;
    upstream->count++;
    return exchange;
}

static bool refuse(int fd, int error, enum upstream_failure *how)
{
    if (fd >= 0)
        close(fd);
    *how = failure_of(error);
    return false;
}

bool upstream_start_udp(struct upstream *upstream, uint64_t id, const struct address *server, struct octets packet,
                        enum upstream_failure *how)
{
    if (upstream->count == upstream->count_max)
        return refuse(-1, EMFILE, how);
    int fd = socket_connect_udp(server);
    if (fd < 0 || send(fd, packet.data, packet.len, MSG_DONTWAIT) < 0)
        return refuse(fd, errno, how);
    struct exchange_socket *exchange = add(upstream, id, fd);
    ev_io_init(&exchange->io, on_datagram, fd, EV_READ);
    exchange->io.data = exchange;
    ev_io_start(upstream->loop, &exchange->io);
    return true;
}

bool upstream_start_tcp(struct upstream *upstream, uint64_t id, const struct address *server, struct octets packet,
                        enum upstream_failure *how)
{
    assert(packet.len <= MESSAGE_OCTETS_MAX);
    if (upstream->count == upstream->count_max)
        return refuse(-1, EMFILE, how);
    int fd = socket_connect_tcp(server);
    if (fd < 0)
        return refuse(fd, errno, how);
    struct exchange_socket *exchange = add(upstream, id, fd);
    exchange->is_stream = exchange->is_sending = true;
    exchange->size = LENGTH_OCTETS + packet.len;
    exchange->data = memory_new(exchange->size, 1);
    exchange->data[0] = (uint8_t)(packet.len >> 8);
    exchange->data[1] = (uint8_t)packet.len;
    memcpy(exchange->data + LENGTH_OCTETS, packet.data, packet.len);
    ev_io_init(&exchange->io, on_stream, fd, EV_WRITE);
    exchange->io.data = exchange;
    ev_io_start(upstream->loop, &exchange->io);
    return true;
}

void upstream_cancel(struct upstream *upstream, uint64_t id)
{
    struct exchange_socket *exchange = *find(upstream, id);
    if (exchange == NULL)
        return;
    if (exchange->busy)
        exchange->is_cancelled = true;
    else
        end(exchange);
}

struct upstream *upstream_new(struct ev_loop *loop, const struct upstream_handler *handler, unsigned sockets_max)
{
    struct upstream *upstream = memory_new(1, sizeof(*upstream));
    upstream->loop = loop;
    upstream->handler = *handler;
    upstream->count_max = sockets_max;
    return upstream;
}

void upstream_free(struct upstream *upstream)
{
    if (upstream == NULL)
        return;
    for (size_t i = 0; i < BUCKETS; i++)
        while (upstream->buckets[i] != NULL)
            end(upstream->buckets[i]);
    free(upstream);
}

unsigned upstream_count(const struct upstream *upstream)
{
    return upstream->count;
}
