#include "transport/udp_server.h"

#include <assert.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/arena.h"
#include "transport/sockaddr.h"
#include "transport/sockets.h"

struct udp_server {
    struct udp_server_parts parts;
    ev_async woken;         /* by the receiving thread */
    ev_prepare before_wait; /* late answers go out before the loop sleeps */
    bool is_retired;
    uint64_t unanswered;
    struct udp_receiver *receiver;
    struct udp_inbox *inbox; /* what is being worked on */
    struct udp_answers *answers;
    struct udp_counters counters;
};

/* ---- late answers ---- */

static void udp_reply(const struct client *client, struct octets message)
{
    struct udp_server *server = client->endpoint;
    assert(server->unanswered > 0);
    server->unanswered--;
    udp_answers_queue_copy(server->answers, client, message);
}

static void udp_drop(const struct client *client)
{
    struct udp_server *server = client->endpoint;
    assert(server->unanswered > 0);
    server->unanswered--;
}

static const struct client_transport udp_transport = { .name = "udp", .reply = udp_reply, .drop = udp_drop };

static void on_before_wait(struct ev_loop *loop, ev_prepare *watcher, int events)
{
    (void)loop, (void)events;
    struct udp_server *server = watcher->data;
    udp_answers_send(server->answers);
}

/* ---- questions that were handed on ---- */

/* False: there was none. */
static bool take_one(struct udp_server *server)
{
    struct client client;
    struct octets message;
    if (!udp_inbox_take(server->inbox, &client, &message))
        return false;
    server->unanswered++;
    server->parts.handler.question(server->parts.handler.context, &client, message);
    return true;
}

/* Those that were left by the turn before come first.  It ends when the receiver has no more, or says so itself
 * later. */
static void on_woken(struct ev_loop *loop, ev_async *watcher, int events)
{
    (void)events;
    struct udp_server *server = watcher->data;
    for (int i = 0; i < UDP_QUESTIONS_PER_TURN; i++) {
        if (udp_inbox_is_empty(server->inbox))
            server->inbox = udp_receiver_exchange(server->receiver, server->inbox);
        if (!take_one(server))
            return;
    }
    ev_async_send(loop, watcher);
}

/* In the receiving thread. */
static void wake(void *context)
{
    struct udp_server *server = context;
    ev_async_send(server->parts.loop, &server->woken);
}

/* ---- life ---- */

static struct udp_receiver *start_receiver(struct udp_server *server)
{
    const struct udp_receiver_parts parts = {
        .fd = server->parts.fd,
        .is_wildcard = address_is_wildcard(&server->parts.address),
        .thread_name = server->parts.thread_name,
        .at_hand = server->parts.handler.at_hand,
        .client = { .transport = &udp_transport, .endpoint = server },
        .context = server,
        .wake = wake,
    };
    return udp_receiver_new(&parts);
}

struct udp_server *udp_server_new(const struct udp_server_parts *parts)
{
    struct udp_server *server = memory_new_apart(sizeof(*server));
    server->parts = *parts;
    server->inbox = udp_inbox_new();
    server->answers = udp_answers_new(parts->fd, &server->counters);
    ev_async_init(&server->woken, on_woken);
    server->woken.data = server;
    ev_async_start(parts->loop, &server->woken);
    ev_prepare_init(&server->before_wait, on_before_wait);
    server->before_wait.data = server;
    ev_prepare_start(parts->loop, &server->before_wait);
    socket_make_blocking(parts->fd);
    server->receiver = start_receiver(server);
    if (server->receiver != NULL)
        return server;
    server->is_retired = true;
    udp_server_free(server);
    return NULL;
}

void udp_server_retire(struct udp_server *server)
{
    udp_receiver_end(server->receiver);
    while (take_one(server))
        ;
    server->inbox = udp_receiver_exchange(server->receiver, server->inbox);
    while (take_one(server))
        ;
    server->is_retired = true;
}

bool udp_server_is_retired(const struct udp_server *server)
{
    return server->is_retired;
}

bool udp_server_is_done(const struct udp_server *server)
{
    return server->is_retired && server->unanswered == 0 && udp_answers_are_sent(server->answers);
}

void udp_server_free(struct udp_server *server)
{
    if (server == NULL)
        return;
    if (!server->is_retired)
        udp_receiver_end(server->receiver);
    ev_async_stop(server->parts.loop, &server->woken);
    ev_prepare_stop(server->parts.loop, &server->before_wait);
    udp_receiver_free(server->receiver);
    udp_answers_free(server->answers);
    udp_inbox_free(server->inbox);
    close(server->parts.fd);
    free(server);
}

const struct address *udp_server_address(const struct udp_server *server)
{
    return &server->parts.address;
}

/* ---- what both threads touch ---- */

void udp_server_pause(struct udp_server *server)
{
    udp_receiver_pause(server->receiver);
}

void udp_server_resume(struct udp_server *server)
{
    udp_receiver_resume(server->receiver);
}

void udp_server_add_counters(struct udp_server *server, struct udp_counters *sum)
{
    struct udp_counters received = udp_receiver_counters(server->receiver);
    sum->received += received.received;
    sum->sent += received.sent + server->counters.sent;
    sum->cut += received.cut + server->counters.cut;
    sum->dropped += received.dropped + server->counters.dropped;
    sum->overflowed += received.overflowed;
}
