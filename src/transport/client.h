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
};

struct client {
    const struct client_transport *transport;
    void *endpoint;         /* the transport's own */
    struct address address; /* who asked */
    struct address local;   /* the address that was asked; family 0 when the socket has but one */
};

struct client_handler {
    void *context;
    /* message is borrowed for the time of the call. */
    void (*question)(void *context, const struct client *client, struct octets message);
};

static inline void client_reply(const struct client *client, struct octets message)
{
    client->transport->reply(client, message);
}

/* No answer.  Over a stream the connection is closed: nobody sends such a thing by mistake. */
static inline void client_drop(const struct client *client)
{
    client->transport->drop(client);
}

#endif
