/* One question of a client, whatever it came over.  Who gets it owes it exactly one client_reply() or client_drop(), at
 * once or later: keep the struct by value until then.  Both are allowed when the client has long gone. */
#ifndef TRANSPORT_CLIENT_H
#define TRANSPORT_CLIENT_H

#include "message/address.h"

struct client;

struct client_transport {
    const char *name; /* "udp", "tcp" */
    bool is_stream;   /* answers need not fit into a datagram */
    void (*reply)(const struct client *client, struct octets message);
    void (*drop)(const struct client *client);
    unsigned (*idle_ms)(const struct client *client); /* streams: how long a connection may be idle */
};

struct client {
    const struct client_transport *transport;
    void *endpoint;         /* the transport's own */
    struct address address; /* who asked */
    struct address local;   /* the address that was asked; family 0 when the socket has but one */
};

enum {
    CLIENT_BATCH_MAX = 64,       /* messages that come together */
    CLIENT_BUFFER_OCTETS = 4096, /* what an answer at once is made in */
};

/* Answers that are at hand, without the cost of keeping a client.  Messages that have come together are shown to
 * expect(), which can fetch what they will need.  Then each of them, by its place among those shown, is handed to
 * answer(), which makes an answer anywhere in the buffer and returns it; what it does not answer goes the long way. */
struct at_hand {
    void *context;
    /* May be NULL, both. */
    void (*expect)(void *context, const struct octets *messages, unsigned count);
    struct octets (*answer)(void *context, unsigned place, const struct client *client, uint8_t *buffer);
};

struct client_handler {
    void *context;
    /* message is borrowed for the time of the call. */
    void (*question)(void *context, const struct client *client, struct octets message);
    struct at_hand at_hand; /* over UDP, called by a thread of the socket's own */
};

static inline void client_expect(const struct at_hand *at_hand, const struct octets *messages, unsigned count)
{
    if (at_hand->expect != NULL)
        at_hand->expect(at_hand->context, messages, count);
}

/* Empty: nothing is at hand. */
static inline struct octets client_at_once(const struct at_hand *at_hand, unsigned place, const struct client *client,
                                           uint8_t *buffer)
{
    return at_hand->answer == NULL ? (struct octets) { NULL, 0 }
                                   : at_hand->answer(at_hand->context, place, client, buffer);
}

static inline void client_reply(const struct client *client, struct octets message)
{
    client->transport->reply(client, message);
}

/* How long the client's connection may be idle; 0: it has none. */
static inline unsigned client_idle_ms(const struct client *client)
{
    return client->transport->idle_ms == NULL ? 0 : client->transport->idle_ms(client);
}

/* No answer.  Over a stream the connection is closed: nobody sends such a thing by mistake. */
static inline void client_drop(const struct client *client)
{
    client->transport->drop(client);
}

#endif
