#include "transport/udp_server.h"

#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/wait.h>

#include "message/edns.h"
#include "message/rrtype.h"
#include "transport/testing.h"

struct fixture {
    struct ev_loop *loop;
    struct questions questions;
    struct udp_server *server;
    struct address address;
};

/* NULL: those of the fixture get the questions. */
static struct fixture *start_for(const char *listen, const struct client_handler *handler)
{
    struct fixture *f = memory_new(1, sizeof(*f));
    struct address address = loopback(listen);
    int fd = socket_listen_udp(&address);
    assert_true(fd >= 0);
    f->loop = loop_new();
    f->address = bound_address(fd);
    struct udp_server_parts parts = { .loop = f->loop,
                                      .fd = fd,
                                      .address = f->address,
                                      .handler = handler == NULL ? test_handler(&f->questions) : *handler,
                                      .thread_name = "udp test" };
    f->server = udp_server_new(&parts);
    assert_non_null(f->server);
    return f;
}

static struct fixture *start(const char *listen)
{
    return start_for(listen, NULL);
}

static void end(struct fixture *f)
{
    udp_server_free(f->server);
    ev_loop_destroy(f->loop);
    free(f);
}

static struct udp_counters counters(struct fixture *f)
{
    struct udp_counters sum = { 0 };
    udp_server_add_counters(f->server, &sum);
    return sum;
}

static unsigned at_hand(struct fixture *f)
{
    udp_server_pause(f->server);
    unsigned count = f->questions.at_hand;
    udp_server_resume(f->server);
    return count;
}

static int client_at(const char *host, uint16_t port)
{
    struct address address = loopback(host);
    address.port = port;
    int fd = socket_connect_udp(&address);
    assert_true(fd >= 0);
    return fd;
}

static void ask(int fd, uint8_t mark, size_t len)
{
    uint8_t message[65000] = { 0, mark };
    assert_int_equal(send(fd, message, len, 0), len);
}

/* The mark of the answer; -1 if there is none. */
static int answer_of(int fd)
{
    uint8_t message[65000];
    return recv(fd, message, sizeof(message), MSG_DONTWAIT) >= 12 ? message[1] : -1;
}

/* Waits for it. */
static int awaited_answer_of(int fd)
{
    struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
    assert_int_equal(poll(&poll_fd, 1, PATIENCE_MS), 1);
    return answer_of(fd);
}

static void test_batches(void **state)
{
    (void)state;
    struct fixture *f = start("127.0.0.1@0");
    f->questions.answer_at_once = true;
    int fd = client_at("127.0.0.1", f->address.port);
    for (int i = 0; i < 3 * UDP_BATCH; i++)
        ask(fd, (uint8_t)i, 12);
    TURN_UNTIL(f->loop, counters(f).sent == 3 * UDP_BATCH);
    for (int i = 0; i < 3 * UDP_BATCH; i++)
        assert_int_equal(answer_of(fd), i);
    close(fd);
    end(f);
}

/* After many that came alone, and one by one again. */
static void test_bursts(void **state)
{
    (void)state;
    struct fixture *f = start("127.0.0.1@0");
    f->questions.evens_at_hand = true;
    int fd = client_at("127.0.0.1", f->address.port);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 50; i++) {
            ask(fd, 2, 12);
            assert_int_equal(awaited_answer_of(fd), 2);
        }
        for (int i = 0; i < UDP_BATCH; i++)
            ask(fd, (uint8_t)(2 * i), 12);
        for (int i = 0; i < UDP_BATCH; i++)
            assert_int_equal(awaited_answer_of(fd), 2 * i);
    }
    close(fd);
    end(f);
}

/* Answers at once do not wait for the others. */
static void test_answers_at_once(void **state)
{
    (void)state;
    struct fixture *f = start("0.0.0.0@0");
    f->questions.answer_at_once = true;
    f->questions.evens_at_hand = true;
    int fd = client_at("127.0.0.2", f->address.port);
    ask(fd, 1, UDP_QUERY_OCTETS_MAX + 1); /* shown, but dropped */
    for (int i = 0; i < 3 * UDP_BATCH; i++)
        ask(fd, (uint8_t)i, 12);
    TURN_UNTIL(f->loop, counters(f).received == 3 * UDP_BATCH + 1 && counters(f).sent == 3 * UDP_BATCH);
    int next[2] = { 0, 1 };
    for (int i = 0; i < 3 * UDP_BATCH; i++) { /* each kind in order */
        int mark = answer_of(fd);
        assert_in_range(mark, 0, 3 * UDP_BATCH);
        assert_int_equal(mark, next[mark % 2]);
        next[mark % 2] += 2;
    }
    assert_int_equal(at_hand(f), 3 * UDP_BATCH / 2);
    assert_int_equal(counters(f).dropped, 1);
    close(fd);
    end(f);
}

/* Whatever the loop's thread is busy with: here it never runs. */
static void test_answers_at_once_while_the_loop_is_busy(void **state)
{
    (void)state;
    struct fixture *f = start("127.0.0.1@0");
    f->questions.evens_at_hand = true;
    int fd = client_at("127.0.0.1", f->address.port);
    for (int i = 1; i <= 10; i++) {
        ask(fd, (uint8_t)(2 * i - 1), 12);
        ask(fd, (uint8_t)(2 * i), 12);
        assert_int_equal(awaited_answer_of(fd), 2 * i);
    }
    assert_int_equal(f->questions.count, 0);
    TURN_UNTIL(f->loop, f->questions.count == 10); /* then the others */
    for (unsigned i = 0; i < 10; i++) {
        assert_int_equal(f->questions.first_octets[i][1], 2 * i + 1);
        client_drop(&f->questions.clients[i]);
    }
    close(fd);
    end(f);
}

/* What the loop does not come to see is bounded, and its clients ask again; the others are served. */
static void test_too_much_for_the_loop(void **state)
{
    (void)state;
    enum { WINDOW = 16, LARGE = UDP_QUERY_OCTETS_MAX, ASKED = UDP_INBOX_OCTETS / LARGE + WINDOW };
    struct fixture *f = start("127.0.0.1@0");
    f->questions.evens_at_hand = true;
    int fd = client_at("127.0.0.1", f->address.port);
    for (int i = 0; i < ASKED; i++) {
        ask(fd, 1, LARGE);
        if (i % WINDOW == 0) { /* the socket's own buffer must not be what overflows */
            ask(fd, 2, 12);
            assert_int_equal(awaited_answer_of(fd), 2);
        }
    }
    ask(fd, 4, 12);
    assert_int_equal(awaited_answer_of(fd), 4);
    unsigned lost = (unsigned)counters(f).overflowed;
    assert_in_range(lost, 1, 2 * WINDOW);
    TURN_UNTIL(f->loop, f->questions.count == ASKED - lost);
    for (unsigned i = 0; i < f->questions.count; i++)
        client_drop(&f->questions.clients[i]);
    close(fd);
    end(f);
}

static void count_and_drop(void *context, const struct client *client, struct octets message)
{
    unsigned *count = context;
    (void)message;
    ++*count;
    client_drop(client);
}

/* Nothing is forgotten of what takes more than one turn of the loop, nor of what comes meanwhile. */
static void test_more_than_a_turn_takes(void **state)
{
    (void)state;
    enum { ASKED = 3 * UDP_QUESTIONS_PER_TURN, WINDOW = 32 };
    unsigned count = 0;
    struct client_handler handler = { .context = &count, .question = count_and_drop };
    struct fixture *f = start_for("127.0.0.1@0", &handler);
    int fd = client_at("127.0.0.1", f->address.port);
    for (unsigned round = 0; round < 2; round++) {
        for (unsigned i = 1; i <= ASKED; i++) {
            ask(fd, 1, 12);
            while (i % WINDOW == 0 && counters(f).received < round * ASKED + i)
                sched_yield();
        }
        ev_run(f->loop, EVRUN_NOWAIT);
        assert_true(count < (round + 1) * ASKED); /* others have their turn */
        TURN_UNTIL(f->loop, count == (round + 1) * ASKED);
    }
    assert_int_equal(counters(f).overflowed, 0);
    close(fd);
    end(f);
}

/* The loop's thread is alone with what both touch, however many questions come, and it need not wait for an end of
 * them. */
static void test_pausing(void **state)
{
    (void)state;
    struct fixture *f = start("127.0.0.1@0");
    f->questions.evens_at_hand = true;
    int fd = client_at("127.0.0.1", f->address.port);
    udp_server_pause(f->server);
    for (int i = 0; i < UDP_BATCH; i++)
        ask(fd, 2, 12);
    assert_int_equal(f->questions.at_hand, 0);
    f->questions.evens_at_hand = false;
    udp_server_resume(f->server);
    TURN_UNTIL(f->loop, f->questions.count == UDP_BATCH);
    assert_int_equal(at_hand(f), 0);
    for (unsigned i = 0; i < UDP_BATCH; i++)
        client_drop(&f->questions.clients[i]);
    close(fd);
    end(f);
}

static void test_late_answers(void **state)
{
    (void)state;
    struct fixture *f = start("127.0.0.1@0");
    int fd = client_at("127.0.0.1", f->address.port);
    ask(fd, 1, 12);
    ask(fd, 2, 12);
    TURN_UNTIL(f->loop, f->questions.count == 2);
    assert_int_equal(answer_of(fd), -1);
    answer_question(&f->questions, 1);
    turn_for(f->loop, TURN_MS);
    assert_int_equal(answer_of(fd), 2);
    client_drop(&f->questions.clients[0]);
    close(fd);
    end(f);
}

/* The client is connected: an answer from another address than it asked would not reach it. */
static void test_answers_come_from_the_address_that_was_asked(void **state)
{
    (void)state;
    static const struct {
        const char *listen, *ask;
    } cases[] = {
        { "0.0.0.0@0", "127.0.0.1" },
        { "0.0.0.0@0", "127.53.53.53" },
        { "127.0.0.9@0", "127.0.0.9" },
        { "::@0", "::1" },
        { "::1@0", "::1" },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct fixture *f = start(cases[i].listen);
        int fd = client_at(cases[i].ask, f->address.port);
        ask(fd, 7, 12);
        TURN_UNTIL(f->loop, f->questions.count == 1);
        answer_question(&f->questions, 0);
        turn_for(f->loop, TURN_MS);
        assert_int_equal(answer_of(fd), 7);
        close(fd);
        end(f);
    }
}

/* In a batch as well as one by one, which other system calls bring. */
static void test_oversized_questions_are_dropped(void **state)
{
    (void)state;
    static const char *const listen[] = { "127.0.0.1@0", "0.0.0.0@0" };
    for (size_t i = 0; i < ARRAY_LEN(listen); i++) {
        struct fixture *f = start(listen[i]);
        int fd = client_at("127.0.0.1", f->address.port);
        for (unsigned round = 1; round <= 3; round++) {
            ask(fd, 1, UDP_QUERY_OCTETS_MAX + 1);
            TURN_UNTIL(f->loop, counters(f).dropped == round);
            ask(fd, 2, UDP_QUERY_OCTETS_MAX);
            TURN_UNTIL(f->loop, f->questions.count == round);
            assert_int_equal(counters(f).received, 2 * round);
            assert_int_equal(f->questions.lens[round - 1], UDP_QUERY_OCTETS_MAX);
            client_drop(&f->questions.clients[round - 1]);
        }
        close(fd);
        end(f);
    }
}

/* What had arrived, or waits for its answer, is served to the end: a reload loses no question. */
static void test_retiring(void **state)
{
    (void)state;
    static const char *const listen[] = { "127.0.0.1@0", "0.0.0.0@0", "::1@0", "::@0" };
    for (size_t i = 0; i < ARRAY_LEN(listen); i++) {
        struct fixture *f = start(listen[i]);
        int fd = client_at(f->address.family == 4 ? "127.0.0.1" : "::1", f->address.port);
        for (unsigned k = 1; k <= 5 * UDP_BATCH; k++)
            ask(fd, (uint8_t)(k % 100), 12);
        udp_server_retire(f->server);
        assert_int_equal(f->questions.count, 5 * UDP_BATCH);
        assert_int_equal(counters(f).received, 5 * UDP_BATCH);
        ask(fd, 101, 12);
        turn_for(f->loop, TURN_MS);
        assert_int_equal(f->questions.count, 5 * UDP_BATCH);
        for (unsigned k = 1; k < 5 * UDP_BATCH; k++)
            client_drop(&f->questions.clients[k]);
        assert_false(udp_server_is_done(f->server));
        answer_question(&f->questions, 0);
        turn_for(f->loop, TURN_MS);
        assert_true(udp_server_is_done(f->server));
        assert_int_equal(answer_of(fd), 1);
        close(fd);
        end(f);
    }
}

/* Servers come and go under load; none is waited for in vain. */
static void test_coming_and_going(void **state)
{
    (void)state;
    for (int i = 0; i < 50; i++) {
        struct fixture *f = start("127.0.0.1@0");
        int fd = client_at("127.0.0.1", f->address.port);
        f->questions.evens_at_hand = true;
        for (int k = 0; k < i; k++)
            ask(fd, 2, 12);
        if (i % 2 == 0)
            udp_server_retire(f->server);
        close(fd);
        end(f);
    }
}

static void test_ports_are_not_shared(void **state)
{
    (void)state;
    struct fixture *f = start("127.0.0.1@0");
    assert_int_equal(socket_probe_listen(&f->address), ERR_SYSTEM);
    end(f);
}

/* A network of our own whose only interface takes 1280 octets.  False if the system does not allow one. */
static bool enter_narrow_network(void)
{
    struct ifreq request = { .ifr_name = "lo" };
    if (unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0)
        return false;
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    request.ifr_mtu = 1280;
    bool is_set = ioctl(fd, SIOCSIFMTU, &request) == 0;
    request.ifr_flags = IFF_UP;
    is_set = is_set && ioctl(fd, SIOCSIFFLAGS, &request) == 0;
    close(fd);
    return is_set;
}

enum { NARROW_DONE, NARROW_IMPOSSIBLE, NARROW_WRONG };
enum { OPT_OCTETS = 30 };

/* Asks one question, "." NS, and gives an answer of 2000 octets: a TXT record that fills it, and OPT. */
static int answer_in_narrow_network(void)
{
    static const uint8_t question[] = { 0, 1, 0x80, 0, 0, 1, 0, 9, 0, 0, 0, 0, 0, 0, 2, 0, 1 };
    static const uint8_t record[] = { 0, 0, TYPE_TXT, 0, 1, 0, 0, 0, 0, 1942 >> 8, 1942 & 0xff };
    static const uint8_t opt[] = { 0, 0, TYPE_OPT, 4, 208, 0, 0, 0, 0, 0, 19, 0, EDNS_COOKIE, 0, 15, 'c' };
    uint8_t answer[2000] = { 0 }, got[2000];
    if (!enter_narrow_network())
        return NARROW_IMPOSSIBLE;
    struct fixture *f = start("127.0.0.1@0");
    int fd = client_at("127.0.0.1", f->address.port);
    ask(fd, 1, 12);
    TURN_UNTIL(f->loop, f->questions.count == 1);
    memcpy(answer, question, sizeof(question));
    memcpy(answer + sizeof(question), record, sizeof(record));
    memcpy(answer + sizeof(answer) - OPT_OCTETS, opt, sizeof(opt));
    answer[7] = answer[11] = 1; /* ANCOUNT, ARCOUNT */
    client_reply(&f->questions.clients[0], (struct octets) { answer, sizeof(answer) });
    turn_for(f->loop, TURN_MS);
    ssize_t len = recv(fd, got, sizeof(got), MSG_DONTWAIT);
    bool is_cut = len == sizeof(question) + OPT_OCTETS && got[2] == 0x82 && got[5] == 1 && got[7] == 0 &&
                  got[11] == 1 && memcmp(got + 12, question + 12, 5) == 0 &&
                  memcmp(got + sizeof(question), opt, sizeof(opt)) == 0;
    is_cut = is_cut && counters(f).cut == 1 && counters(f).sent == 1 && counters(f).dropped == 0;
    close(fd);
    end(f);
    return is_cut ? NARROW_DONE : NARROW_WRONG;
}

/* D10-a, RFC 9715: DF is set, and what does not fit the interface goes out as TC=1 instead of in fragments; with the
 * OPT record, which the client's cookie is in. */
static void test_too_large_for_the_interface(void **state)
{
    (void)state;
    int status;
    pid_t child = fork();
    if (child == 0)
        _exit(answer_in_narrow_network());
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == NARROW_IMPOSSIBLE)
        skip();
    assert_int_equal(WEXITSTATUS(status), NARROW_DONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_batches),
        cmocka_unit_test(test_bursts),
        cmocka_unit_test(test_answers_at_once),
        cmocka_unit_test(test_answers_at_once_while_the_loop_is_busy),
        cmocka_unit_test(test_too_much_for_the_loop),
        cmocka_unit_test(test_more_than_a_turn_takes),
        cmocka_unit_test(test_pausing),
        cmocka_unit_test(test_late_answers),
        cmocka_unit_test(test_answers_come_from_the_address_that_was_asked),
        cmocka_unit_test(test_oversized_questions_are_dropped),
        cmocka_unit_test(test_retiring),
        cmocka_unit_test(test_coming_and_going),
        cmocka_unit_test(test_ports_are_not_shared),
        cmocka_unit_test(test_too_large_for_the_interface),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
