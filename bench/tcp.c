/* Pipelined questions on a few connections (RFC 7766 section 6.2.1.1); replies come in any order. */
#include "load.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

enum { POLL_TIMEOUT_MS = 20, OUT_OCTETS = 64 << 10, IN_OCTETS = 256 << 10, LENGTH_OCTETS = 2 };

struct connection {
    struct load *load;
    int fd;
    struct flight flight;
    size_t out_octets, in_octets;
    uint8_t out[OUT_OCTETS], in[IN_OCTETS];
};

static int open_connection(const struct load *load)
{
    int fd = socket(load->server.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (const struct sockaddr *)&load->server, load->server_octets) != 0)
        err(EX_UNAVAILABLE, "TCP connection");
    if (fcntl(fd, F_SETFL, O_NONBLOCK) != 0)
        err(EX_OSERR, "O_NONBLOCK");
    return fd;
}

static struct connection *connection_new(struct load *load, unsigned window)
{
    struct connection *connection = calloc(1, sizeof(*connection));
    if (connection == NULL)
        err(EX_OSERR, "calloc");
    connection->load = load;
    connection->fd = open_connection(load);
    flight_init(&connection->flight, window, load->timeout_ns);
    return connection;
}

static void connection_free(struct connection *connection)
{
    flight_abandon(&connection->flight, &connection->load->tally);
    close(connection->fd);
    free(connection);
}

/* The server has closed it: what was on its way is lost. */
static void connection_renew(struct connection *connection)
{
    flight_abandon(&connection->flight, &connection->load->tally);
    close(connection->fd);
    connection->out_octets = connection->in_octets = 0;
    connection->fd = open_connection(connection->load);
}

static void fill_window(struct connection *connection, int64_t now_ns)
{
    while (!flight_is_full(&connection->flight) &&
           connection->out_octets + LENGTH_OCTETS + QUERY_OCTETS_MAX <= OUT_OCTETS &&
           load_goes_on(connection->load, now_ns)) {
        const struct question *question = load_next_question(connection->load);
        struct place *place = flight_take(&connection->flight, question, now_ns);
        uint8_t *at = connection->out + connection->out_octets;
        at[0] = (uint8_t)(question->query_octets >> 8);
        at[1] = (uint8_t)question->query_octets;
        memcpy(at + LENGTH_OCTETS, place->query, question->query_octets);
        connection->out_octets += LENGTH_OCTETS + (size_t)question->query_octets;
        connection->load->tally.sent++;
    }
}

/* False: the connection is gone.  So connection_read(). */
static bool connection_write(struct connection *connection)
{
    if (connection->out_octets == 0)
        return true;
    ssize_t written = send(connection->fd, connection->out, connection->out_octets, MSG_NOSIGNAL);
    if (written < 0)
        return errno == EAGAIN || errno == EINTR;
    connection->out_octets -= (size_t)written;
    memmove(connection->out, connection->out + written, connection->out_octets);
    return true;
}

static void take_replies(struct connection *connection, int64_t now_ns)
{
    size_t at = 0;
    while (connection->in_octets - at >= LENGTH_OCTETS) {
        size_t octets = (size_t)(connection->in[at] << 8 | connection->in[at + 1]);
        if (connection->in_octets - at < LENGTH_OCTETS + octets)
            break;
        flight_reply(&connection->flight, connection->in + at + LENGTH_OCTETS, octets, connection->load->judge, now_ns,
                     &connection->load->tally);
        at += LENGTH_OCTETS + octets;
    }
    connection->in_octets -= at;
    memmove(connection->in, connection->in + at, connection->in_octets);
}

static bool connection_read(struct connection *connection)
{
    ssize_t octets = recv(connection->fd, connection->in + connection->in_octets, IN_OCTETS - connection->in_octets, 0);
    if (octets <= 0)
        return octets < 0 && (errno == EAGAIN || errno == EINTR);
    connection->in_octets += (size_t)octets;
    take_replies(connection, clock_ns());
    return true;
}

static bool are_empty(struct connection *const *connections, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        if (!flight_is_empty(&connections[i]->flight))
            return false;
    return true;
}

static void serve(struct connection *const *connections, unsigned count)
{
    struct pollfd polls[CONNECTIONS_MAX];
    int64_t now_ns = clock_ns();
    for (unsigned i = 0; i < count; i++) {
        fill_window(connections[i], now_ns);
        if (!connection_write(connections[i]))
            connection_renew(connections[i]);
        polls[i] = (struct pollfd) {
            .fd = connections[i]->fd,
            .events = (short)(POLLIN | (connections[i]->out_octets > 0 ? POLLOUT : 0)),
        };
    }
    if (poll(polls, count, POLL_TIMEOUT_MS) < 0 && errno != EINTR)
        err(EX_OSERR, "poll");
    for (unsigned i = 0; i < count; i++) {
        if ((polls[i].revents & ~POLLOUT) && !connection_read(connections[i]))
            connection_renew(connections[i]);
        flight_expire(&connections[i]->flight, now_ns, &connections[i]->load->tally);
    }
}

void tcp_window(struct load *load)
{
    struct connection *connections[CONNECTIONS_MAX];
    for (unsigned i = 0; i < load->connections; i++)
        connections[i] = connection_new(load, load->window / load->connections);
    do
        serve(connections, load->connections);
    while (load_goes_on(load, clock_ns()) || !are_empty(connections, load->connections));
    for (unsigned i = 0; i < load->connections; i++)
        connection_free(connections[i]);
}
