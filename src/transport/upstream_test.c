#include "transport/upstream.h"

#include <errno.h>
#include <fcntl.h>

#include "transport/testing.h"

enum { SEEN_MAX = 64 };

struct fixture {
    struct ev_loop *loop;
    struct upstream *upstream;
    int server; /* a UDP socket, or a TCP listener */
    struct address address;
    unsigned replies, failures;
    uint64_t last_id;
    size_t last_len;
    enum upstream_failure last_failure;
    unsigned wait_for_reply; /* which reply is accepted; those before are not */
    bool cancel_in_reply;
};

static bool on_reply(void *context, uint64_t id, struct octets reply)
{
    struct fixture *f = context;
    f->replies++;
    f->last_id = id;
    f->last_len = reply.len;
    if (f->cancel_in_reply) {
        upstream_cancel(f->upstream, id);
        return false;
    }
    return f->replies >= f->wait_for_reply;
}

static void on_failed(void *context, uint64_t id, enum upstream_failure how)
{
    struct fixture *f = context;
    f->failures++;
    f->last_id = id;
    f->last_failure = how;
}

static struct fixture *start(int (*listen)(const struct address *address), const char *address)
{
    struct fixture *f = memory_new(1, sizeof(*f));
    struct upstream_handler handler = { f, on_reply, on_failed };
    struct address any = loopback(address);
    f->server = listen(&any);
    assert_true(f->server >= 0);
    f->address = bound_address(f->server);
    f->loop = loop_new();
    f->upstream = upstream_new(f->loop, &handler, SEEN_MAX);
    return f;
}

static void end(struct fixture *f)
{
    upstream_free(f->upstream);
    ev_loop_destroy(f->loop);
    close(f->server);
    free(f);
}

static const uint8_t question[] = "the question";
static const struct octets packet = { question, sizeof(question) };

static void ask_udp(struct fixture *f, uint64_t id)
{
    enum upstream_failure how;
    assert_true(upstream_start_udp(f->upstream, id, &f->address, packet, &how));
}

static void ask_tcp(struct fixture *f, uint64_t id)
{
    enum upstream_failure how;
    assert_true(upstream_start_tcp(f->upstream, id, &f->address, packet, &how));
}

/* Who asked. */
static struct sockaddr_storage take_question(int server)
{
    struct sockaddr_storage from;
    socklen_t len = sizeof(from);
    uint8_t buffer[512];
    assert_int_equal(recvfrom(server, buffer, sizeof(buffer), 0, (struct sockaddr *)&from, &len), sizeof(question));
    assert_memory_equal(buffer, question, sizeof(question));
    return from;
}

static void send_reply(int server, const struct sockaddr_storage *to, size_t len)
{
    static const uint8_t zeros[65000];
    struct address address = address_from_sockaddr(to);
    struct sockaddr_storage copy;
    socklen_t copy_len = sockaddr_from_address(&address, &copy);
    assert_int_equal(sendto(server, zeros, len, 0, (struct sockaddr *)&copy, copy_len), len);
}

static void test_udp(void **state)
{
    (void)state;
    static const char *const addresses[] = { "127.0.0.1@0", "::1@0" };
    for (size_t i = 0; i < ARRAY_LEN(addresses); i++) {
        struct fixture *f = start(socket_listen_udp, addresses[i]);
        ask_udp(f, 42);
        struct sockaddr_storage from = take_question(f->server);
        send_reply(f->server, &from, 100);
        TURN_UNTIL(f->loop, f->replies == 1);
        assert_int_equal(f->last_id, 42);
        assert_int_equal(f->last_len, 100);
        assert_int_equal(upstream_count(f->upstream), 0);
        end(f);
    }
}

/* RFC 5452 section 9.1: what does not come from the address and port that was asked is not even seen. */
static void test_udp_from_elsewhere(void **state)
{
    (void)state;
    struct fixture *f = start(socket_listen_udp, "127.0.0.1@0");
    struct address elsewhere = loopback("127.0.0.2@0");
    int forger = socket_listen_udp(&elsewhere);
    ask_udp(f, 1);
    struct sockaddr_storage from = take_question(f->server);
    send_reply(forger, &from, 100);
    turn_for(f->loop, TURN_MS);
    assert_int_equal(f->replies, 0);
    send_reply(f->server, &from, 50);
    TURN_UNTIL(f->loop, f->replies == 1);
    assert_int_equal(f->last_len, 50);
    close(forger);
    end(f);
}

static void test_udp_keeps_waiting(void **state)
{
    (void)state;
    struct fixture *f = start(socket_listen_udp, "127.0.0.1@0");
    f->wait_for_reply = 40; /* more than one turn takes */
    ask_udp(f, 1);
    struct sockaddr_storage from = take_question(f->server);
    for (int i = 0; i < 50; i++)
        send_reply(f->server, &from, 12);
    TURN_UNTIL(f->loop, upstream_count(f->upstream) == 0);
    assert_int_equal(f->replies, 40);
    end(f);
}

/* RFC 5452 section 9.2, CVE-2026-50252. */
static void test_udp_ports_differ(void **state)
{
    (void)state;
    struct fixture *f = start(socket_listen_udp, "127.0.0.1@0");
    struct port_range range;
    uint16_t ports[SEEN_MAX];
    unsigned ascending = 0;
    assert_int_equal(port_range_read(&range), OK);
    assert_true(port_range_bits(range) >= 10);
    for (unsigned i = 0; i < SEEN_MAX; i++) {
        ask_udp(f, i);
        struct sockaddr_storage from = take_question(f->server);
        ports[i] = address_from_sockaddr(&from).port;
        assert_true(range.first <= ports[i] && ports[i] <= range.last);
        for (unsigned k = 0; k < i; k++)
            assert_int_not_equal(ports[k], ports[i]);
        ascending += i > 0 && ports[i] > ports[i - 1];
    }
    assert_in_range(ascending, 5, SEEN_MAX - 5); /* 2^-40 is the chance that this fails for a fair draw */
    enum upstream_failure how;
    assert_false(upstream_start_udp(f->upstream, SEEN_MAX, &f->address, packet, &how));
    assert_int_equal(how, UPSTREAM_NO_SOCKET);
    end(f);
}

static void test_udp_refused(void **state)
{
    (void)state;
    struct fixture *f = start(socket_listen_udp, "127.0.0.1@0");
    close(f->server); /* nobody is there: ICMP says so */
    ask_udp(f, 5);
    TURN_UNTIL(f->loop, f->failures == 1);
    assert_int_equal(f->last_id, 5);
    assert_int_equal(f->last_failure, UPSTREAM_REFUSED);
    f->server = dup(STDIN_FILENO);
    end(f);
}

static void test_no_route(void **state)
{
    (void)state;
    struct fixture *f = start(socket_listen_udp, "127.0.0.1@0");
    enum upstream_failure how;
    f->address = loopback("240.0.0.1@53");
    if (!upstream_start_udp(f->upstream, 1, &f->address, packet, &how))
        assert_int_equal(how, UPSTREAM_UNREACHABLE);
    f->address = loopback("127.0.0.1@0"); /* a hostile NS set cannot name ports, a bad configuration can */
    assert_false(upstream_start_udp(f->upstream, 2, &f->address, packet, &how));
    assert_int_equal(how, UPSTREAM_UNREACHABLE);
    end(f);
}

static void test_cancelling(void **state)
{
    (void)state;
    struct fixture *f = start(socket_listen_udp, "127.0.0.1@0");
    ask_udp(f, 1);
    ask_udp(f, 1 + 1024); /* of the same bucket */
    struct sockaddr_storage first = take_question(f->server), second = take_question(f->server);
    upstream_cancel(f->upstream, 1);
    upstream_cancel(f->upstream, 1);
    send_reply(f->server, &first, 12);
    f->cancel_in_reply = true;
    send_reply(f->server, &second, 12);
    TURN_UNTIL(f->loop, upstream_count(f->upstream) == 0);
    assert_int_equal(f->replies, 1);
    assert_int_equal(f->last_id, 1 + 1024);
    end(f);
}

static int accept_question(struct fixture *f)
{
    uint8_t buffer[64];
    int fd = -1;
    for (int waited_ms = 0; fd < 0 && waited_ms < PATIENCE_MS; waited_ms += TURN_MS) {
        turn_for(f->loop, TURN_MS);
        fd = accept(f->server, NULL, NULL);
    }
    assert_true(fd >= 0);
    size_t got = 0;
    while (got < 2 + sizeof(question)) {
        turn_for(f->loop, TURN_MS);
        ssize_t part = recv(fd, buffer + got, sizeof(buffer) - got, MSG_DONTWAIT);
        got += part > 0 ? (size_t)part : 0;
    }
    assert_int_equal(buffer[1], sizeof(question)); /* RFC 1035 section 4.2.2 */
    assert_memory_equal(buffer + 2, question, sizeof(question));
    return fd;
}

static void test_tcp(void **state)
{
    (void)state;
    struct fixture *f = start(socket_listen_tcp, "127.0.0.1@0");
    ask_tcp(f, 3);
    int fd = accept_question(f);
    static uint8_t reply[2 + 65535] = { 0xff, 0xff };
    for (size_t done = 0; done < sizeof(reply);) { /* one octet, then large parts */
        size_t part = done < 4 ? 1 : sizeof(reply) - done < 20000 ? sizeof(reply) - done : 20000;
        ssize_t sent = send(fd, reply + done, part, MSG_DONTWAIT);
        done += sent > 0 ? (size_t)sent : 0;
        turn_for(f->loop, 1);
    }
    TURN_UNTIL(f->loop, f->replies == 1);
    assert_int_equal(f->last_len, 65535);
    assert_int_equal(upstream_count(f->upstream), 0);
    close(fd);
    end(f);
}

static void test_tcp_wrong_replies(void **state)
{
    (void)state;
    struct fixture *f = start(socket_listen_tcp, "127.0.0.1@0");
    static const uint8_t replies[] = { 0, 1, 7, 0, 0, 0, 2, 8, 8 };
    f->wait_for_reply = 3;
    ask_tcp(f, 1);
    int fd = accept_question(f);
    send(fd, replies, sizeof(replies), 0);
    TURN_UNTIL(f->loop, upstream_count(f->upstream) == 0);
    assert_int_equal(f->replies, 3);
    assert_int_equal(f->last_len, 2);
    close(fd);
    f->replies = 0;
    f->wait_for_reply = 100; /* never */
    ask_tcp(f, 2);
    fd = accept_question(f);
    for (int i = 0; i < 20; i++)
        send(fd, replies, 3, MSG_NOSIGNAL);
    TURN_UNTIL(f->loop, f->failures == 1);
    assert_int_equal(f->last_failure, UPSTREAM_CLOSED);
    close(fd);
    end(f);
}

static void test_tcp_failures(void **state)
{
    (void)state;
    struct fixture *f = start(socket_listen_tcp, "127.0.0.1@0");
    ask_tcp(f, 1);
    int fd = accept_question(f);
    send(fd, "\0", 1, 0);
    close(fd); /* in the middle of the length */
    TURN_UNTIL(f->loop, f->failures == 1);
    assert_int_equal(f->last_failure, UPSTREAM_CLOSED);
    close(f->server);
    ask_tcp(f, 2);
    TURN_UNTIL(f->loop, f->failures == 2);
    assert_int_equal(f->last_id, 2);
    assert_int_equal(f->last_failure, UPSTREAM_REFUSED);
    f->server = dup(STDIN_FILENO);
    end(f);
}

/* 0: the other side has said that it is done; -1 with ECONNRESET: it has gone. */
static ssize_t await_close(int fd)
{
    uint8_t octet;
    assert_int_equal(fcntl(fd, F_SETFL, 0), 0);
    return recv(fd, &octet, 1, 0);
}

/* Who drips, or says nothing, is left at once: no port of ours is kept for a minute because of it.  Who answers is bid
 * farewell. */
static void test_tcp_leaves_no_port_behind(void **state)
{
    (void)state;
    struct fixture *f = start(socket_listen_tcp, "127.0.0.1@0");
    ask_tcp(f, 1);
    int fd = accept_question(f);
    send(fd, "\0", 1, 0);
    turn_for(f->loop, TURN_MS);
    upstream_cancel(f->upstream, 1);
    assert_int_equal(await_close(fd), -1);
    assert_int_equal(errno, ECONNRESET);
    close(fd);
    ask_tcp(f, 2);
    fd = accept_question(f);
    send(fd, "\0\1\7", 3, 0);
    TURN_UNTIL(f->loop, f->replies == 1);
    assert_int_equal(await_close(fd), 0);
    close(fd);
    for (uint64_t id = 3; id < 3 + SEEN_MAX / 4; id++)
        ask_tcp(f, id);
    fd = accept_question(f);
    send(fd, "\0\1\7", 3, 0);
    TURN_UNTIL(f->loop, f->replies == 2);
    assert_int_equal(await_close(fd), -1); /* ports are dear now */
    close(fd);
    end(f);
}

static void test_ending_with_exchanges_under_way(void **state)
{
    (void)state;
    struct fixture *f = start(socket_listen_tcp, "127.0.0.1@0");
    ask_tcp(f, 1);
    ask_tcp(f, 2);
    assert_int_equal(upstream_count(f->upstream), 2);
    end(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_udp),
        cmocka_unit_test(test_udp_from_elsewhere),
        cmocka_unit_test(test_udp_keeps_waiting),
        cmocka_unit_test(test_udp_ports_differ),
        cmocka_unit_test(test_udp_refused),
        cmocka_unit_test(test_no_route),
        cmocka_unit_test(test_cancelling),
        cmocka_unit_test(test_tcp),
        cmocka_unit_test(test_tcp_wrong_replies),
        cmocka_unit_test(test_tcp_failures),
        cmocka_unit_test(test_tcp_leaves_no_port_behind),
        cmocka_unit_test(test_ending_with_exchanges_under_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
