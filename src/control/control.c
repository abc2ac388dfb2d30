#include "control/control.h"

#include <assert.h>
#include <errno.h>
#include <libgen.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "control/commands.h"
#include "control/dump.h"

enum { BACKLOG = 16, ACCEPT_PAUSE_S = 1 };

/* First the request comes in, then the reply goes out. */
struct connection {
    struct control *control;
    ev_io io;
    ev_timer timeout;
    char *reply;      /* malloc'd; NULL while the request is read */
    size_t len, sent; /* of the reply */
    enum next next;
    enum next awaits; /* NEXT_NOTHING, or somebody will answer */
    size_t read;
    char request[CONTROL_REQUEST_OCTETS_MAX];
};

struct control {
    struct ev_loop *loop;
    struct orders orders;
    struct admins admins;
    int listen_fd;
    ev_io acceptable;
    ev_timer pause; /* no descriptors left: accept again later */
    ev_async dump_ended;
    struct dump *dumps[CONTROL_DUMPS_MAX];
    struct connection *connections[CONTROL_CONNECTIONS_MAX];
};

/* ---- the listening socket ---- */

static enum err make_directory(const char *path, gid_t group)
{
    char copy[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
    snprintf(copy, sizeof(copy), "%s", path);
    const char *directory = dirname(copy);
    if (mkdir(directory, 0750) != 0)
        return errno == EEXIST ? OK : ERR_SYSTEM;
    bool is_ready = chmod(directory, 0750) == 0 && chown(directory, (uid_t)-1, group) == 0;
    return is_ready ? OK : ERR_SYSTEM;
}

/* What a process that has gone left behind.  Anything else that stands there stays. */
static enum err remove_stale_socket(const struct sockaddr_un *address)
{
    struct stat status;
    if (lstat(address->sun_path, &status) != 0)
        return errno == ENOENT ? OK : ERR_SYSTEM;
    if (!S_ISSOCK(status.st_mode)) {
        errno = ENOTSOCK;
        return ERR_SYSTEM;
    }
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return ERR_SYSTEM;
    bool is_stale = connect(fd, (const struct sockaddr *)address, sizeof(*address)) != 0 && errno == ECONNREFUSED;
    close(fd);
    if (!is_stale) {
        errno = EADDRINUSE;
        return ERR_SYSTEM;
    }
    return unlink(address->sun_path) == 0 ? OK : ERR_SYSTEM;
}

static bool bind_socket(int fd, const struct sockaddr_un *address, gid_t group)
{
    mode_t before = umask(0117); /* 0660 from the first moment on */
    int error = bind(fd, (const struct sockaddr *)address, sizeof(*address));
    umask(before);
    return error == 0 && lchown(address->sun_path, (uid_t)-1, group) == 0 && listen(fd, BACKLOG) == 0;
}

enum err control_listen(const char *path, gid_t group, int *fd)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    if (strlen(path) >= sizeof(address.sun_path)) {
        errno = ENAMETOOLONG;
        return ERR_SYSTEM;
    }
    strcpy(address.sun_path, path);
    if (make_directory(path, group) != OK || remove_stale_socket(&address) != OK)
        return ERR_SYSTEM;
    *fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (*fd < 0)
        return ERR_SYSTEM;
    if (bind_socket(*fd, &address, group))
        return OK;
    int error = errno;
    close(*fd);
    errno = error;
    return ERR_SYSTEM;
}

void control_close(int fd)
{
    struct sockaddr_un address;
    socklen_t len = sizeof(address);
    /* as long as it listens, nobody else has taken its place */
    if (getsockname(fd, (struct sockaddr *)&address, &len) == 0 && address.sun_path[0] == '/')
        unlink(address.sun_path);
    close(fd);
}

/* ---- connections ---- */

/* Gives the place back; the descriptor is the caller's from here on. */
static int release(struct connection *connection)
{
    struct control *control = connection->control;
    int fd = connection->io.fd;
    ev_io_stop(control->loop, &connection->io);
    ev_timer_stop(control->loop, &connection->timeout);
    for (size_t i = 0; i < CONTROL_CONNECTIONS_MAX; i++) {
        if (control->connections[i] == connection)
            control->connections[i] = NULL;
    }
    free(connection->reply);
    free(connection);
    return fd;
}

static void begin_dump(struct connection *connection);

static void end_connection(struct connection *connection)
{
    struct control *control = connection->control;
    bool stops = connection->next == NEXT_STOP;
    close(release(connection));
    if (stops)
        control->orders.stop(control->orders.context);
}

static void send_reply(struct connection *connection)
{
    struct control *control = connection->control;
    while (connection->sent < connection->len) {
        ssize_t sent = send(connection->io.fd, connection->reply + connection->sent, connection->len - connection->sent,
                            MSG_NOSIGNAL);
        if (sent < 0 && errno == EAGAIN) {
            ev_timer_again(control->loop, &connection->timeout);
            return;
        }
        if (sent < 0 && errno != EINTR)
            break;
        connection->sent += sent > 0 ? (size_t)sent : 0;
    }
    end_connection(connection);
}

/* reply is malloc'd; taken over. */
static void answer(struct connection *connection, char *reply)
{
    struct control *control = connection->control;
    connection->reply = reply;
    connection->len = strlen(reply);
    ev_io_stop(control->loop, &connection->io);
    ev_io_modify(&connection->io, EV_WRITE);
    ev_io_start(control->loop, &connection->io);
    send_reply(connection);
}

static bool find_peer(int fd, struct peer *peer)
{
    struct ucred credentials;
    socklen_t len = sizeof(credentials);
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &len) != 0)
        return false;
    *peer = (struct peer) { credentials.uid, credentials.pid };
    return true;
}

/* The check takes less time than a connection may wait. */
static_assert(SNTP_SENDS_MAX * SNTP_TIMEOUT_MS < CONTROL_TIMEOUT_S * 1000, "asking ends before the connection does");

static void begin_check(struct connection *connection)
{
    struct control *control = connection->control;
    ev_io_stop(control->loop, &connection->io);
    connection->awaits = NEXT_CHECK;
    control->orders.check_time(control->orders.context);
}

/* Under way already; it may take longer than a reply. */
static void await_inquiry(struct connection *connection)
{
    struct control *control = connection->control;
    ev_io_stop(control->loop, &connection->io);
    connection->awaits = connection->next;
    connection->timeout.repeat = CONTROL_INQUIRY_S;
    ev_timer_again(control->loop, &connection->timeout);
}

/* Those that wait for one of `nexts`. */
static void answer_waiting(struct control *control, unsigned nexts)
{
    for (size_t i = 0; i < CONTROL_CONNECTIONS_MAX; i++) {
        struct connection *connection = control->connections[i];
        if (connection == NULL || connection->awaits == NEXT_NOTHING || (nexts & 1u << connection->awaits) == 0)
            continue;
        connection->awaits = NEXT_NOTHING;
        connection->timeout.repeat = CONTROL_TIMEOUT_S;
        ev_timer_again(control->loop, &connection->timeout);
        answer(connection, command_awaited(&control->orders, connection->next));
    }
}

void control_time_checked(struct control *control)
{
    answer_waiting(control, 1u << NEXT_CHECK);
}

void control_anchors_inquired(struct control *control)
{
    answer_waiting(control, 1u << NEXT_ANCHOR_CHECK | 1u << NEXT_BOOTSTRAP);
}

static void answer_nta(struct connection *connection, bool is_late)
{
    const char *end = memchr(connection->request, '\n', connection->read);
    char *reply = command_nta_added(&connection->control->orders, connection->request,
                                    (size_t)(end - connection->request), is_late);
    if (reply == NULL)
        return;
    connection->awaits = NEXT_NOTHING;
    connection->timeout.repeat = CONTROL_TIMEOUT_S;
    ev_timer_again(connection->control->loop, &connection->timeout);
    answer(connection, reply);
}

/* It is known already, or somebody will know, or it takes too long. */
static void await_nta(struct connection *connection)
{
    struct control *control = connection->control;
    ev_io_stop(control->loop, &connection->io);
    connection->awaits = NEXT_NTA;
    connection->timeout.repeat = CONTROL_NTA_WAIT_S;
    ev_timer_again(control->loop, &connection->timeout);
    answer_nta(connection, false);
}

void control_nta_checked(struct control *control)
{
    for (size_t i = 0; i < CONTROL_CONNECTIONS_MAX; i++)
        if (control->connections[i] != NULL && control->connections[i]->awaits == NEXT_NTA)
            answer_nta(control->connections[i], false);
}

static void carry_out(struct connection *connection, size_t len)
{
    struct control *control = connection->control;
    struct peer peer;
    if (!find_peer(connection->io.fd, &peer)) {
        end_connection(connection);
        return;
    }
    char *reply =
        command_answer(&control->orders, &control->admins, &peer, connection->request, len, &connection->next);
    if (connection->next == NEXT_DUMP)
        begin_dump(connection);
    else if (connection->next == NEXT_CHECK)
        begin_check(connection);
    else if (connection->next == NEXT_NTA)
        await_nta(connection);
    else if (connection->next == NEXT_ANCHOR_CHECK || connection->next == NEXT_BOOTSTRAP)
        await_inquiry(connection);
    else
        answer(connection, reply);
}

static void read_request(struct connection *connection)
{
    char *at = connection->request + connection->read;
    ssize_t got = recv(connection->io.fd, at, CONTROL_REQUEST_OCTETS_MAX - connection->read, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0) {
        end_connection(connection);
        return;
    }
    connection->read += (size_t)got;
    const char *end = memchr(at, '\n', (size_t)got);
    if (end != NULL)
        carry_out(connection, (size_t)(end - connection->request));
    else if (connection->read == CONTROL_REQUEST_OCTETS_MAX)
        answer(connection, command_refusal("bad-request", "the request is larger than 64 KiB", NULL));
}

static void on_ready(struct ev_loop *loop, ev_io *watcher, int events)
{
    (void)loop, (void)events;
    struct connection *connection = watcher->data;
    if (connection->reply == NULL)
        read_request(connection);
    else
        send_reply(connection);
}

static void on_timeout(struct ev_loop *loop, ev_timer *watcher, int events)
{
    (void)loop, (void)events;
    struct connection *connection = watcher->data;
    if (connection->awaits == NEXT_NTA)
        answer_nta(connection, true);
    else
        end_connection(connection);
}

static void add_connection(struct control *control, size_t place, int fd)
{
    struct connection *connection = memory_new(1, sizeof(*connection));
    control->connections[place] = connection;
    connection->control = control;
    ev_io_init(&connection->io, on_ready, fd, EV_READ);
    connection->io.data = connection;
    ev_io_start(control->loop, &connection->io);
    ev_init(&connection->timeout, on_timeout);
    connection->timeout.data = connection;
    connection->timeout.repeat = CONTROL_TIMEOUT_S;
    ev_timer_again(control->loop, &connection->timeout);
}

void control_serve(struct control *control, int fd)
{
    for (size_t i = 0; i < CONTROL_CONNECTIONS_MAX; i++) {
        if (control->connections[i] == NULL) {
            add_connection(control, i, fd);
            return;
        }
    }
    close(fd);
}

static void on_acceptable(struct ev_loop *loop, ev_io *watcher, int events)
{
    (void)events;
    struct control *control = watcher->data;
    int fd = accept4(watcher->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd >= 0) {
        control_serve(control, fd);
    } else if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) {
        ev_io_stop(loop, watcher);
        ev_timer_set(&control->pause, ACCEPT_PAUSE_S, 0);
        ev_timer_start(loop, &control->pause);
    }
}

static void on_pause_over(struct ev_loop *loop, ev_timer *watcher, int events)
{
    (void)events;
    struct control *control = watcher->data;
    ev_io_start(loop, &control->acceptable);
}

/* ---- dumps ---- */

static void begin_dump(struct connection *connection)
{
    struct control *control = connection->control;
    struct dump **place = NULL;
    for (size_t i = 0; i < CONTROL_DUMPS_MAX; i++) {
        if (control->dumps[i] == NULL)
            place = &control->dumps[i];
    }
    if (place != NULL)
        *place = dump_start(&control->orders, connection->io.fd, control->loop, &control->dump_ended);
    if (place != NULL && *place != NULL)
        release(connection);
    else
        answer(connection, command_refusal("busy", "the cache is being dumped already", "try again later"));
}

static void on_dump_ended(struct ev_loop *loop, ev_async *watcher, int events)
{
    (void)loop, (void)events;
    struct control *control = watcher->data;
    for (size_t i = 0; i < CONTROL_DUMPS_MAX; i++) {
        if (control->dumps[i] != NULL && dump_is_over(control->dumps[i])) {
            dump_free(control->dumps[i]);
            control->dumps[i] = NULL;
        }
    }
}

/* ---- the whole ---- */

struct control *control_new(struct ev_loop *loop, int listen_fd, const struct orders *orders,
                            const struct config *config)
{
    struct control *control = memory_new(1, sizeof(*control));
    control->loop = loop;
    control->orders = *orders;
    control->listen_fd = listen_fd;
    control_configure(control, config);
    ev_async_init(&control->dump_ended, on_dump_ended);
    control->dump_ended.data = control;
    ev_async_start(loop, &control->dump_ended);
    ev_init(&control->pause, on_pause_over);
    control->pause.data = control;
    ev_io_init(&control->acceptable, on_acceptable, listen_fd, EV_READ);
    control->acceptable.data = control;
    if (listen_fd >= 0)
        ev_io_start(loop, &control->acceptable);
    return control;
}

void control_configure(struct control *control, const struct config *config)
{
    struct admins *admins = &control->admins;
    admins->count = config->control_admin_count;
    admins->uids = memory_resize(admins->uids, admins->count + 1u, sizeof(admins->uids[0]));
    if (admins->count > 0)
        memcpy(admins->uids, config->control_admins, admins->count * sizeof(admins->uids[0]));
}

void control_free(struct control *control)
{
    if (control == NULL)
        return;
    for (size_t i = 0; i < CONTROL_CONNECTIONS_MAX; i++) {
        if (control->connections[i] != NULL)
            close(release(control->connections[i]));
    }
    for (size_t i = 0; i < CONTROL_DUMPS_MAX; i++) {
        if (control->dumps[i] != NULL)
            dump_free(control->dumps[i]);
    }
    ev_async_stop(control->loop, &control->dump_ended);
    ev_timer_stop(control->loop, &control->pause);
    ev_io_stop(control->loop, &control->acceptable);
    if (control->listen_fd >= 0)
        control_close(control->listen_fd);
    free(control->admins.uids);
    free(control);
}
