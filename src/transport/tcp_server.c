#include "transport/tcp_server.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/arena.h"
#include "message/message.h"
#include "transport/sockaddr.h"

enum {
    LENGTH_OCTETS = 2,     /* RFC 1035 section 4.2.2 */
    ACCEPTS_PER_TURN = 32, /* then others have their turn */
    READS_PER_TURN = 8,
    ACCEPT_PAUSE_MS = 100,       /* out of descriptors: the listener would wake us without end */
    OUTPUT_OCTETS_KEPT = 16384,  /* of an empty output buffer; a larger one is given back */
    BATCH_OUTPUT_OCTETS = 65536, /* answers to one batch of questions, sent together */
};

/* A connection is in one of three conditions:
 *   open      fd >= 0; in server->connections, the longest untouched first
 *   finishing fd >= 0 and at_eof: the client sends no more, its answers are awaited (RFC 7766 section 6.2.4)
 *   closed    fd < 0; exists only as long as somebody owes it answers
 * busy: one of our functions further up the stack works on it, and calls settle() at its end. */
struct tcp_connection {
    struct tcp_server *server;
    struct tcp_connection *older, *newer;
    ev_io io;
    ev_timer timer;
    int fd;
    bool at_eof, busy;
    struct address peer;
    unsigned unanswered;
    size_t in_len;
    uint8_t *out;
    size_t out_sent, out_len, out_size; /* octets [out_sent, out_len) wait */
    uint8_t in[LENGTH_OCTETS + TCP_QUERY_OCTETS_MAX];
};

struct tcp_listener {
    struct tcp_listener *next;
    struct tcp_server *server;
    struct address address;
    ev_io io;
    ev_timer pause;
};

struct tcp_server {
    struct ev_loop *loop;
    struct tcp_limits limits;
    struct client_handler handler;
    struct tcp_counters *counters;
    struct tcp_listener *listeners;
    struct tcp_connection *oldest, *newest; /* open connections by time of last progress */
    struct tcp_connection *closed;          /* still owed answers; linked by `newer` */
    unsigned open_count;
    size_t batch_len; /* answers at once to the batch in hand, on their way to its connection */
    uint8_t batch[BATCH_OUTPUT_OCTETS];
};

/* ---- the list of open connections ---- */

static void list_remove(struct tcp_connection *connection)
{
    struct tcp_server *server = connection->server;
    *(connection->older == NULL ? &server->oldest : &connection->older->newer) = connection->newer;
    *(connection->newer == NULL ? &server->newest : &connection->newer->older) = connection->older;
    connection->older = connection->newer = NULL;
}

static void list_append(struct tcp_connection *connection)
{
    struct tcp_server *server = connection->server;
    connection->older = server->newest;
    connection->newer = NULL;
    *(server->newest == NULL ? &server->oldest : &server->newest->newer) = connection;
    server->newest = connection;
}

/* ---- connections ---- */

static bool has_output(const struct tcp_connection *connection)
{
    return connection->out_len > connection->out_sent;
}

static bool may_take_more(const struct tcp_connection *connection)
{
    return connection->fd >= 0 && connection->unanswered < TCP_PIPELINE_MAX &&
           connection->out_len - connection->out_sent < TCP_OUTPUT_PAUSE_OCTETS;
}

static unsigned idle_ms(const struct tcp_server *server)
{
    bool is_busy = server->open_count > server->limits.connections_max / 2;
    return is_busy ? TCP_IDLE_BUSY_MS : TCP_IDLE_MS;
}

/* A whole question came or the last answer left. */
static void note_progress(struct tcp_connection *connection)
{
    struct tcp_server *server = connection->server;
    connection->timer.repeat = idle_ms(server) / 1000.0;
    ev_timer_again(server->loop, &connection->timer);
    list_remove(connection);
    list_append(connection);
}

static void close_connection(struct tcp_connection *connection)
{
    struct tcp_server *server = connection->server;
    if (connection->fd < 0)
        return;
    ev_io_stop(server->loop, &connection->io);
    ev_timer_stop(server->loop, &connection->timer);
    close(connection->fd);
    connection->fd = -1;
    free(connection->out);
    connection->out = NULL;
    connection->out_len = connection->out_sent = connection->out_size = 0;
    list_remove(connection);
    server->open_count--;
    server->counters->open--;
    connection->newer = server->closed;
    server->closed = connection;
}

static void free_closed(struct tcp_connection *connection)
{
    struct tcp_connection **at = &connection->server->closed;
    while (*at != connection)
        at = &(*at)->newer;
    *at = connection->newer;
    free(connection);
}

static void break_connection(struct tcp_connection *connection)
{
    connection->server->counters->broken += connection->fd >= 0;
    close_connection(connection);
}

/* Octets that the kernel took; fewer than all when it has no room for more, or the connection is broken: it is
 * closed. */
static size_t send_octets(struct tcp_connection *connection, struct octets octets)
{
    size_t done = 0;
    while (done < octets.len) {
        ssize_t sent = send(connection->fd, octets.data + done, octets.len - done, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent >= 0) {
            done += (size_t)sent;
        } else if (errno != EINTR) {
            if (errno != EAGAIN && errno != EWOULDBLOCK)
                break_connection(connection);
            break;
        }
    }
    return done;
}

static void write_output(struct tcp_connection *connection)
{
    struct octets waiting = { connection->out + connection->out_sent, connection->out_len - connection->out_sent };
    size_t sent = send_octets(connection, waiting);
    if (connection->fd < 0)
        return;
    connection->out_sent += sent;
    if (has_output(connection))
        return;
    connection->out_len = connection->out_sent = 0;
    note_progress(connection);
    if (connection->out_size > OUTPUT_OCTETS_KEPT) {
        free(connection->out);
        connection->out = NULL;
        connection->out_size = 0;
    }
}

static size_t question_octets(const uint8_t *at)
{
    return (size_t)at[0] << 8 | at[1];
}

static bool has_question(const struct tcp_connection *connection)
{
    return connection->in_len >= LENGTH_OCTETS && connection->in_len - LENGTH_OCTETS >= question_octets(connection->in);
}

/* Asks the loop for what can be used now.  A question that was read but had to wait comes from the loop, too, and not
 * from here: an answer that leads to a question that leads to an answer … must not nest. */
static void watch(struct tcp_connection *connection)
{
    struct ev_loop *loop = connection->server->loop;
    int events =
        (may_take_more(connection) && !connection->at_eof ? EV_READ : 0) | (has_output(connection) ? EV_WRITE : 0);
    if (!ev_is_active(&connection->io) || (connection->io.events & (EV_READ | EV_WRITE)) != events) {
        ev_io_stop(loop, &connection->io);
        ev_io_set(&connection->io, connection->fd, events);
        if (events != 0)
            ev_io_start(loop, &connection->io);
    }
    if (may_take_more(connection) && has_question(connection))
        ev_feed_event(loop, &connection->io, EV_READ);
}

/* The end of every function that did something to a connection; it may be gone afterwards. */
static void settle(struct tcp_connection *connection)
{
    if (connection->fd >= 0 && has_output(connection))
        write_output(connection);
    if (connection->fd >= 0 && connection->at_eof && connection->unanswered == 0 && !has_output(connection))
        close_connection(connection);
    if (connection->fd >= 0)
        watch(connection);
    else if (connection->unanswered == 0)
        free_closed(connection);
}

/* ---- answers ---- */

static void append_octets(struct tcp_connection *connection, struct octets octets)
{
    size_t waiting = connection->out_len - connection->out_sent;
    size_t need = waiting + octets.len;
    if (need > TCP_OUTPUT_OCTETS_MAX) {
        break_connection(connection);
        return;
    }
    if (connection->out_sent > 0) {
        memmove(connection->out, connection->out + connection->out_sent, waiting);
        connection->out_len = waiting;
        connection->out_sent = 0;
    }
    if (need > connection->out_size) {
        connection->out_size = need < OUTPUT_OCTETS_KEPT ? OUTPUT_OCTETS_KEPT : TCP_OUTPUT_OCTETS_MAX;
        connection->out = memory_resize(connection->out, connection->out_size, 1);
    }
    memcpy(connection->out + connection->out_len, octets.data, octets.len);
    connection->out_len = need;
}

static void append_answer(struct tcp_connection *connection, struct octets message)
{
    const uint8_t len[LENGTH_OCTETS] = { (uint8_t)(message.len >> 8), (uint8_t)message.len };
    append_octets(connection, (struct octets) { len, sizeof(len) });
    if (connection->fd >= 0)
        append_octets(connection, message);
}

static void finish_question(struct tcp_connection *connection)
{
    assert(connection->unanswered > 0);
    connection->unanswered--;
    if (!connection->busy)
        settle(connection);
}

static void tcp_reply(const struct client *client, struct octets message)
{
    struct tcp_connection *connection = client->endpoint;
    assert(message.len <= UINT16_MAX);
    if (connection->fd >= 0) {
        connection->server->counters->sent++;
        append_answer(connection, message);
    }
    finish_question(connection);
}

static void tcp_drop(const struct client *client)
{
    struct tcp_connection *connection = client->endpoint;
    break_connection(connection);
    finish_question(connection);
}

static unsigned tcp_idle_ms(const struct client *client)
{
    const struct tcp_connection *connection = client->endpoint;
    return idle_ms(connection->server);
}

static const struct client_transport tcp_transport = {
    .name = "tcp", .is_stream = true, .reply = tcp_reply, .drop = tcp_drop, .idle_ms = tcp_idle_ms
};

/* ---- questions ---- */

/* Sends the answers at once, behind what had to wait before. */
static void send_answers_at_once(struct tcp_connection *connection)
{
    struct tcp_server *server = connection->server;
    struct octets answers = { server->batch, server->batch_len };
    server->batch_len = 0;
    if (connection->fd < 0 || answers.len == 0)
        return;
    size_t sent = has_output(connection) ? 0 : send_octets(connection, answers);
    if (connection->fd >= 0 && sent < answers.len)
        append_octets(connection, (struct octets) { answers.data + sent, answers.len - sent });
}

static bool answer_at_once(struct tcp_connection *connection, unsigned place, const struct client *client)
{
    struct tcp_server *server = connection->server;
    if (sizeof(server->batch) - server->batch_len < LENGTH_OCTETS + CLIENT_BUFFER_OCTETS)
        send_answers_at_once(connection);
    uint8_t *to = server->batch + server->batch_len;
    struct octets answer = client_at_once(&server->handler.at_hand, place, client, to + LENGTH_OCTETS);
    if (answer.len == 0)
        return false;
    memmove(to + LENGTH_OCTETS, answer.data, answer.len);
    to[0] = (uint8_t)(answer.len >> 8);
    to[1] = (uint8_t)answer.len;
    server->batch_len += LENGTH_OCTETS + answer.len;
    server->counters->sent++;
    return true;
}

static void take_question(struct tcp_connection *connection, unsigned place, struct octets message)
{
    struct tcp_server *server = connection->server;
    struct client client = { .transport = &tcp_transport, .endpoint = connection, .address = connection->peer };
    server->counters->received++;
    if (answer_at_once(connection, place, &client))
        return;
    connection->unanswered++;
    server->handler.question(server->handler.context, &client, message);
}

/* The whole questions that have come, up to a batch of them.  A bad length ends the list, and the connection. */
static unsigned list_questions(struct tcp_connection *connection, struct octets messages[CLIENT_BATCH_MAX])
{
    unsigned count = 0;
    for (size_t at = 0; count < CLIENT_BATCH_MAX && connection->in_len - at >= LENGTH_OCTETS; count++) {
        size_t len = question_octets(connection->in + at);
        if (len < HEADER_OCTETS || len > TCP_QUERY_OCTETS_MAX) {
            break_connection(connection);
            break;
        }
        if (connection->in_len - at < LENGTH_OCTETS + len)
            break;
        messages[count] = (struct octets) { connection->in + at + LENGTH_OCTETS, len };
        at += LENGTH_OCTETS + len;
    }
    return count;
}

/* Hands on one batch of questions; returns their number. */
static unsigned take_batch(struct tcp_connection *connection)
{
    struct octets messages[CLIENT_BATCH_MAX];
    unsigned count = list_questions(connection, messages), taken = 0;
    size_t at = 0;
    if (count == 0)
        return 0;
    client_expect(&connection->server->handler.at_hand, messages, count);
    for (; taken < count && may_take_more(connection); taken++) {
        take_question(connection, taken, messages[taken]);
        at += LENGTH_OCTETS + messages[taken].len;
    }
    send_answers_at_once(connection);
    connection->in_len -= at;
    memmove(connection->in, connection->in + at, connection->in_len);
    if (taken > 0 && connection->fd >= 0)
        note_progress(connection);
    return taken;
}

/* Hands on the whole questions that have come. */
static void take_questions(struct tcp_connection *connection)
{
    while (may_take_more(connection) && take_batch(connection) > 0)
        ;
}

static void read_input(struct tcp_connection *connection)
{
    bool may_be_more = true;
    for (int i = 0; i < READS_PER_TURN && may_be_more; i++) {
        take_questions(connection);
        if (!may_take_more(connection) || connection->at_eof)
            return;
        size_t room = sizeof(connection->in) - connection->in_len;
        ssize_t got = recv(connection->fd, connection->in + connection->in_len, room, MSG_DONTWAIT);
        if (got > 0) {
            connection->in_len += (size_t)got;
            may_be_more = (size_t)got == room; /* else the loop says when there is */
        } else if (got == 0) {
            connection->at_eof = true;
        } else if (errno != EINTR) {
            if (errno != EAGAIN && errno != EWOULDBLOCK)
                break_connection(connection);
            return;
        }
    }
    take_questions(connection);
}

static void on_connection(struct ev_loop *loop, ev_io *watcher, int events)
{
    (void)loop;
    struct tcp_connection *connection = watcher->data;
    connection->busy = true;
    if ((events & EV_READ) != 0)
        read_input(connection);
    connection->busy = false;
    settle(connection); /* writes */
}

/* Neither a whole question nor a whole answer for TCP_IDLE_MS.  While only we are slow, that is no fault of the
 * client's. */
static void on_timer(struct ev_loop *loop, ev_timer *watcher, int events)
{
    (void)events;
    struct tcp_connection *connection = watcher->data;
    bool waits_for_us = connection->unanswered > 0 && !has_output(connection) &&
                        (connection->in_len == 0 || !may_take_more(connection));
    if (waits_for_us) {
        ev_timer_again(loop, watcher);
        return;
    }
    connection->server->counters->timed_out++;
    close_connection(connection);
    settle(connection);
}

/* ---- accepting ---- */

static bool is_same_client(const struct address *a, const struct address *b)
{
    size_t bits = a->family == 4 ? TCP_PREFIX_BITS_IPV4 : TCP_PREFIX_BITS_IPV6;
    return a->family == b->family && memcmp(a->octets, b->octets, bits / 8) == 0;
}

/* A walk over all connections: their number is limited, and it costs less than the accept() before it. */
static unsigned count_of_client(const struct tcp_server *server, const struct address *peer)
{
    unsigned count = 0;
    for (const struct tcp_connection *c = server->oldest; c != NULL; c = c->newer)
        count += is_same_client(&c->peer, peer);
    return count;
}

/* Closes the connection that has been of no use for the longest time.  False if all are in use. */
static bool evict_idle(struct tcp_server *server)
{
    for (struct tcp_connection *c = server->oldest; c != NULL; c = c->newer) {
        if (c->unanswered == 0 && !has_output(c) && !c->busy) {
            server->counters->evicted++;
            close_connection(c);
            settle(c);
            return true;
        }
    }
    return false;
}

static void add_connection(struct tcp_server *server, int fd, const struct address *peer)
{
    struct tcp_connection *connection = memory_new(1, sizeof(*connection));
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    connection->server = server;
    connection->fd = fd;
    connection->peer = *peer;
    ev_io_init(&connection->io, on_connection, fd, EV_READ);
    connection->io.data = connection;
    ev_init(&connection->timer, on_timer);
    connection->timer.data = connection;
    list_append(connection);
    server->open_count++;
    server->counters->open++;
    server->counters->accepted++;
    note_progress(connection);
    ev_io_start(server->loop, &connection->io);
}

static void admit(struct tcp_server *server, int fd, const struct address *peer)
{
    bool has_room = peer->family != 0 && count_of_client(server, peer) < server->limits.connections_per_prefix_max &&
                    (server->open_count < server->limits.connections_max || evict_idle(server));
    if (has_room) {
        add_connection(server, fd, peer);
    } else {
        server->counters->refused++;
        close(fd);
    }
}

static void on_listener(struct ev_loop *loop, ev_io *watcher, int events)
{
    (void)events;
    struct tcp_listener *listener = watcher->data;
    for (int i = 0; i < ACCEPTS_PER_TURN; i++) {
        struct sockaddr_storage storage = { 0 };
        socklen_t len = sizeof(storage);
        int fd = accept4(watcher->fd, (struct sockaddr *)&storage, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            struct address peer = address_from_sockaddr(&storage);
            admit(listener->server, fd, &peer);
        } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            evict_idle(listener->server);
            ev_io_stop(loop, watcher);
            ev_timer_set(&listener->pause, ACCEPT_PAUSE_MS / 1000.0, 0);
            ev_timer_start(loop, &listener->pause);
            return;
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            return;
        } /* else one connection died before we took it (accept(2)) */
    }
}

static void on_pause_over(struct ev_loop *loop, ev_timer *watcher, int events)
{
    (void)events;
    struct tcp_listener *listener = watcher->data;
    ev_io_start(loop, &listener->io);
}

/* ---- life ---- */

struct tcp_server *tcp_server_new(struct ev_loop *loop, const struct tcp_limits *limits,
                                  const struct client_handler *handler, struct tcp_counters *counters)
{
    struct tcp_server *server = memory_new(1, sizeof(*server));
    server->loop = loop;
    server->limits = *limits;
    server->handler = *handler;
    server->counters = counters;
    return server;
}

void tcp_server_listen(struct tcp_server *server, int fd, const struct address *address)
{
    struct tcp_listener *listener = memory_new(1, sizeof(*listener));
    listener->server = server;
    listener->address = *address;
    listener->next = server->listeners;
    server->listeners = listener;
    ev_io_init(&listener->io, on_listener, fd, EV_READ);
    listener->io.data = listener;
    ev_init(&listener->pause, on_pause_over);
    listener->pause.data = listener;
    ev_io_start(server->loop, &listener->io);
}

static void free_listener(struct tcp_listener *listener)
{
    ev_io_stop(listener->server->loop, &listener->io);
    ev_timer_stop(listener->server->loop, &listener->pause);
    close(listener->io.fd);
    free(listener);
}

void tcp_server_unlisten(struct tcp_server *server, const struct address *address)
{
    for (struct tcp_listener **at = &server->listeners; *at != NULL; at = &(*at)->next) {
        struct tcp_listener *listener = *at;
        if (address_equal(&listener->address, address)) {
            on_listener(server->loop, &listener->io, EV_READ); /* those that the kernel holds for us already */
            *at = listener->next;
            free_listener(listener);
            return;
        }
    }
}

void tcp_server_free(struct tcp_server *server)
{
    if (server == NULL)
        return;
    while (server->listeners != NULL) {
        struct tcp_listener *listener = server->listeners;
        server->listeners = listener->next;
        free_listener(listener);
    }
    while (server->oldest != NULL)
        close_connection(server->oldest);
    while (server->closed != NULL)
        free_closed(server->closed);
    free(server);
}
