/* Orders over sockets, and the listening socket. */
#include "control/testing.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/log.h"
#include "transport/loop.h"

struct server {
    struct daemon daemon;
    struct control *control;
    pthread_t thread;
    ev_async leave;
};

static void on_leave(struct ev_loop *loop, ev_async *watcher, int events)
{
    (void)watcher, (void)events;
    ev_break(loop, EVBREAK_ALL);
}

static void *run_loop(void *argument)
{
    struct server *server = argument;
    ev_run(server->daemon.loop, 0);
    return NULL;
}

/* listen_fd -1: it has the clients of server_connect() alone. */
static void server_start(struct server *server, int listen_fd)
{
    server->daemon = daemon_new("");
    server->daemon.loop = loop_new();
    struct orders orders = orders_of(&server->daemon);
    server->control = control_new(server->daemon.loop, listen_fd, &orders, server->daemon.config);
    ev_async_init(&server->leave, on_leave);
    ev_async_start(server->daemon.loop, &server->leave);
}

/* Before server_run().  Returns the client's end. */
static int server_connect(struct server *server)
{
    int fds[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    control_serve(server->control, fds[1]);
    return fds[0];
}

static void server_run(struct server *server)
{
    assert_int_equal(pthread_create(&server->thread, NULL, run_loop, server), 0);
}

static void server_end(struct server *server)
{
    ev_async_send(server->daemon.loop, &server->leave);
    pthread_join(server->thread, NULL);
    control_free(server->control);
    ev_loop_destroy(server->daemon.loop);
    daemon_clear(&server->daemon);
}

/* Everything until the end of the connection; malloc'd. */
static char *read_all(int fd)
{
    size_t size = 1 << 16, len = 0;
    char *text = malloc(size);
    ssize_t got;
    while ((got = read(fd, text + len, size - len - 1)) > 0) {
        len += (size_t)got;
        if (size - len < 1024)
            text = realloc(text, size *= 2);
    }
    text[len] = '\0';
    close(fd);
    return text;
}

static void write_text(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

static void a_request_may_come_in_pieces(void **state)
{
    (void)state;
    struct server server;
    server_start(&server, -1);
    int client = server_connect(&server);
    server_run(&server);
    write_text(client, "{\"version\":1,\"comm");
    usleep(20000);
    write_text(client, "and\":\"flush all\"}\n{\"version\":1,\"command\":\"stop\"}\n");
    char *reply = read_all(client);
    assert_string_equal(reply, "{\"version\":1,\"entries\":7}\n"); /* one request a connection */
    free(reply);
    server_end(&server);
    assert_int_equal(server.daemon.stops, 0);
}

/* D4-demand: all who wait get the outcome of the same check. */
static void a_check_of_the_clock_is_waited_for(void **state)
{
    (void)state;
    struct server server;
    int clients[CLIENTS_OF_CHECK];
    server_start(&server, -1);
    server.daemon.control = server.control;
    for (unsigned i = 0; i < CLIENTS_OF_CHECK; i++) {
        clients[i] = server_connect(&server);
        write_text(clients[i], "{\"version\":1,\"command\":\"time check\"}\n");
    }
    server_run(&server);
    for (unsigned i = 0; i < CLIENTS_OF_CHECK; i++) {
        char *reply = read_all(clients[i]);
        assert_non_null(strstr(reply, "\"checks\":2,\"last_check\":\"2026-11-21T00:00:00Z\",\"next_check_in_s\":64,"));
        free(reply);
    }
    server_end(&server);
    assert_int_equal(server.daemon.time_checks, CLIENTS_OF_CHECK);
}

/* The order counts at once; the reply waits until it is known whether the name is a zone cut. */
static void what_an_nta_covers_is_waited_for(void **state)
{
    (void)state;
    static const char request[] = "{\"version\":1,\"command\":\"nta add\",\"zone\":\"example.\"}";
    struct daemon daemon = daemon_new("");
    struct orders orders = orders_of(&daemon);
    struct negatives_report report;
    enum next next;
    orders.negatives(orders.context, &report);
    assert_null(answer_to(&orders, request, &next));
    assert_int_equal(next, NEXT_NTA);
    assert_string_equal(daemon.ordered, "nta example. 86400 ");
    assert_null(command_nta_added(&orders, request, sizeof(request) - 1, false));
    char *reply = command_nta_added(&orders, request, sizeof(request) - 1, true);
    assert_non_null(strstr(reply, "could not be found out"));
    free(reply);
    report.set->items[0]->cut = CUT_IS_NOT;
    reply = command_nta_added(&orders, request, sizeof(request) - 1, false);
    assert_non_null(strstr(reply, "\"zone_cut\":false"));
    assert_non_null(strstr(reply, "this is no zone cut"));
    assert_non_null(strstr(reply, "a restart forgets it"));
    free(reply);
    nta_drop(daemon.ntas, daemon.ntas->items[0]);
    reply = command_nta_added(&orders, request, sizeof(request) - 1, false);
    assert_non_null(strstr(reply, "it has ended meanwhile"));
    free(reply);
    daemon_clear(&daemon);
}

/* An inquiry answers those who wait for it, each in its way, and nobody else. */
static void an_inquiry_is_waited_for(void **state)
{
    (void)state;
    struct daemon daemon = daemon_new("");
    struct orders orders = orders_of(&daemon);
    static const char check[] = "{\"version\":1,\"command\":\"ta check\"}";
    static const char given[] = "{\"version\":1,\"command\":\"ta bootstrap\",\"file\":\"PGE+\",\"signature\":\"MA==\"}";
    static const char half[] = "{\"version\":1,\"command\":\"ta bootstrap\",\"file\":\"PGE+\"}";
    enum next next;
    assert_null(answer_to(&orders, check, &next));
    assert_int_equal(next, NEXT_ANCHOR_CHECK);
    assert_int_equal(daemon.anchor_checks, 1);
    char *reply = command_awaited(&orders, next);
    assert_string_equal(reply, "{\"version\":1,\"verdict\":\"match\",\"reasons\":[{\"code\":\"signed-by-anchor\","
                               "\"from\":\"dns\",\"text\":\"key 1\"}],\"next_step\":\"nothing\",\"published\":[],"
                               "\"root_anchors_xml\":{\"genuine\":false,\"source\":null,\"fault\":\"HTTP status 404\","
                               "\"signed\":null,\"authority_ends\":null,\"keys\":[]}}\n");
    free(reply);
    assert_null(answer_to(&orders, given, &next));
    assert_int_equal(next, NEXT_BOOTSTRAP);
    assert_string_equal(daemon.ordered, "bootstrap <a>");
    reply = command_awaited(&orders, next);
    assert_non_null(strstr(reply, "\"text\":\"no such file\""));
    free(reply);
    reply = answer_to(&orders, half, &next);
    assert_non_null(strstr(reply, "signature: expected the content of a file in base64"));
    assert_int_equal(next, NEXT_NOTHING);
    free(reply);
    daemon.is_busy = true;
    reply = answer_to(&orders, check, &next);
    assert_non_null(strstr(reply, "\"code\":\"failed\",\"text\":\"busy\""));
    assert_int_equal(next, NEXT_NOTHING);
    free(reply);
    daemon_clear(&daemon);
}

static void stop_comes_after_its_reply(void **state)
{
    (void)state;
    struct server server;
    server_start(&server, -1);
    int client = server_connect(&server);
    server_run(&server);
    write_text(client, "{\"version\":1,\"command\":\"stop\"}\n");
    char *reply = read_all(client);
    assert_string_equal(reply, "{\"version\":1}\n");
    free(reply);
    server_end(&server);
    assert_int_equal(server.daemon.stops, 1);
}

static void a_request_without_end_is_refused(void **state)
{
    (void)state;
    struct server server;
    server_start(&server, -1);
    int client = server_connect(&server);
    server_run(&server);
    char *request = malloc(CONTROL_REQUEST_OCTETS_MAX);
    memset(request, ' ', CONTROL_REQUEST_OCTETS_MAX);
    size_t sent = 0;
    while (sent < CONTROL_REQUEST_OCTETS_MAX) {
        ssize_t now = send(client, request + sent, CONTROL_REQUEST_OCTETS_MAX - sent, MSG_NOSIGNAL);
        assert_true(now > 0);
        sent += (size_t)now;
    }
    free(request);
    char *reply = read_all(client);
    assert_string_equal(reply, REFUSED("bad-request", "the request is larger than 64 KiB", "") "\n");
    free(reply);
    server_end(&server);
}

static void who_says_nothing_is_sent_away(void **state)
{
    (void)state;
    struct server server;
    server_start(&server, -1);
    int client = server_connect(&server);
    server_run(&server);
    int64_t before_ms = now_from_system().monotonic_ms;
    char *reply = read_all(client);
    int64_t waited_ms = now_from_system().monotonic_ms - before_ms;
    assert_string_equal(reply, "");
    assert_true(waited_ms > 4000 && waited_ms < 20000);
    free(reply);
    server_end(&server);
}

static void connections_are_limited(void **state)
{
    (void)state;
    struct server server;
    int clients[CONTROL_CONNECTIONS_MAX + 1];
    char octet;
    server_start(&server, -1);
    for (int i = 0; i <= CONTROL_CONNECTIONS_MAX; i++)
        clients[i] = server_connect(&server);
    assert_int_equal(recv(clients[CONTROL_CONNECTIONS_MAX], &octet, 1, MSG_DONTWAIT), 0); /* closed */
    assert_int_equal(recv(clients[0], &octet, 1, MSG_DONTWAIT), -1);
    server_run(&server);
    server_end(&server); /* gives back what is open */
    for (int i = 0; i <= CONTROL_CONNECTIONS_MAX; i++)
        close(clients[i]);
}

static void a_dump_is_a_line_for_each_entry(void **state)
{
    (void)state;
    enum { ROWS = 5000 }; /* more than socket and buffer take at once */
    static const char row[] = "{\"version\":1,\"kind\":\"answer\",\"name\":\"www.example.\",\"type\":\"AAAA\","
                              "\"security\":\"secure\",\"ede\":null,\"ttl_s\":1,"
                              "\"lineage\":\"example. 12345, . 38696\"}\n";
    struct server server;
    server_start(&server, -1);
    int client = server_connect(&server);
    server.daemon.rows = ROWS;
    server_run(&server);
    write_text(client, "{\"version\":1,\"command\":\"dump-cache\"}\n");
    char *reply = read_all(client);
    assert_true(strlen(reply) > ROWS * (sizeof(row) - 1));
    for (size_t i = 0; i < ROWS; i++)
        assert_memory_equal(reply + i * (sizeof(row) - 1), row, sizeof(row) - 1);
    assert_string_equal(reply + ROWS * (sizeof(row) - 1), "{\"version\":1,\"end\":true,\"entries\":5000}\n");
    free(reply);
    server_end(&server);
}

/* Who reads slowly holds up neither the loop nor the end of the process. */
static void dumps_are_limited_and_end_with_the_process(void **state)
{
    (void)state;
    struct server server;
    int clients[CONTROL_DUMPS_MAX + 1];
    server_start(&server, -1);
    server.daemon.rows = 1000000;
    for (int i = 0; i <= CONTROL_DUMPS_MAX; i++)
        clients[i] = server_connect(&server);
    server_run(&server);
    for (int i = 0; i < CONTROL_DUMPS_MAX; i++) {
        char octet;
        write_text(clients[i], "{\"version\":1,\"command\":\"dump-cache\"}\n");
        assert_int_equal(recv(clients[i], &octet, 1, 0), 1); /* it has begun */
    }
    write_text(clients[CONTROL_DUMPS_MAX], "{\"version\":1,\"command\":\"dump-cache\"}\n");
    char *reply = read_all(clients[CONTROL_DUMPS_MAX]);
    assert_string_equal(reply, REFUSED("busy", "the cache is being dumped already", "try again later") "\n");
    free(reply);
    server_end(&server);
    for (int i = 0; i < CONTROL_DUMPS_MAX; i++) {
        reply = read_all(clients[i]);
        assert_null(strstr(reply, "\"end\""));
        free(reply);
    }
}

/* ---- the listening socket ---- */

static int connect_to(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    strcpy(address.sun_path, path);
    assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

static unsigned mode_of(const char *path)
{
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    return status.st_mode & 07777;
}

static void the_socket_is_for_its_group(void **state)
{
    (void)state;
    char directory[] = "/tmp/vouch-test-XXXXXX", inner[64], path[64];
    struct server server;
    int fd, other;
    assert_non_null(mkdtemp(directory));
    snprintf(inner, sizeof(inner), "%s/run", directory);
    snprintf(path, sizeof(path), "%s/run/control.sock", directory);
    assert_int_equal(control_listen(path, getegid(), &fd), OK);
    assert_int_equal(mode_of(inner), 0750);
    assert_int_equal(mode_of(path), 0660);

    assert_int_equal(control_listen(path, getegid(), &other), ERR_SYSTEM); /* somebody listens */
    assert_int_equal(errno, EADDRINUSE);

    server_start(&server, fd);
    server_run(&server);
    close(connect_to(path)); /* what the attempt above left behind is no harm either */
    int client = connect_to(path);
    write_text(client, "{\"version\":1,\"command\":\"flush all\"}\n");
    char *reply = read_all(client);
    assert_string_equal(reply, "{\"version\":1,\"entries\":7}\n");
    free(reply);
    server_end(&server);
    assert_int_equal(access(path, F_OK), -1); /* a clean end leaves nothing behind */

    assert_int_equal(control_listen(path, getegid(), &fd), OK);
    close(fd);
    assert_int_equal(control_listen(path, getegid(), &fd), OK); /* what a process left behind is replaced */
    control_close(fd);
    assert_int_equal(access(path, F_OK), -1);
    assert_int_equal(close(creat(path, 0600)), 0);
    assert_int_equal(control_listen(path, getegid(), &fd), ERR_SYSTEM); /* but nothing else is */
    assert_int_equal(errno, ENOTSOCK);
    unlink(path);
    rmdir(inner);
    rmdir(directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_may_come_in_pieces),
        cmocka_unit_test(a_check_of_the_clock_is_waited_for),
        cmocka_unit_test(what_an_nta_covers_is_waited_for),
        cmocka_unit_test(an_inquiry_is_waited_for),
        cmocka_unit_test(stop_comes_after_its_reply),
        cmocka_unit_test(a_request_without_end_is_refused),
        cmocka_unit_test(who_says_nothing_is_sent_away),
        cmocka_unit_test(connections_are_limited),
        cmocka_unit_test(a_dump_is_a_line_for_each_entry),
        cmocka_unit_test(dumps_are_limited_and_end_with_the_process),
        cmocka_unit_test(the_socket_is_for_its_group),
    };
    return cmocka_run_group_tests_name("control/control", tests, set_up_quietly, NULL);
}
