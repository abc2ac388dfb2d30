#include "transport/tcp_server.h"

#include <errno.h>

#include "transport/testing.h"

struct fixture {
    struct ev_loop *loop;
    struct questions questions;
    struct tcp_counters counters;
    struct tcp_server *server;
    struct address address;
};

static struct fixture *start_limited(unsigned connections_max, unsigned per_prefix_max)
{
    struct fixture *f = memory_new(1, sizeof(*f));
    struct address any = loopback("127.0.0.1@0");
    struct client_handler handler = test_handler(&f->questions);
    struct tcp_limits limits = { connections_max, per_prefix_max };
    int fd = socket_listen_tcp(&any);
    assert_true(fd >= 0);
    f->loop = loop_new();
    f->address = bound_address(fd);
    f->server = tcp_server_new(f->loop, &limits, &handler, &f->counters);
    tcp_server_listen(f->server, fd, &f->address);
    return f;
}

static struct fixture *start(void)
{
    return start_limited(100, 100);
}

static void end(struct fixture *f)
{
    tcp_server_free(f->server);
    ev_loop_destroy(f->loop);
    free(f);
}

static int connect_to(const struct fixture *f)
{
    int fd = socket_connect_tcp(&f->address);
    assert_true(fd >= 0);
    return fd;
}

static void send_all(struct fixture *f, int fd, const uint8_t *data, size_t len)
{
    size_t done = 0;
    while (done < len) {
        ssize_t sent = send(fd, data + done, len - done, MSG_NOSIGNAL | MSG_DONTWAIT);
        assert_true(sent > 0 || errno == EAGAIN);
        done += sent > 0 ? (size_t)sent : 0;
        turn_for(f->loop, 1);
    }
}

enum { QUESTION_OCTETS = 14 };

/* Length and an empty message with a mark as its id. */
static void ask(struct fixture *f, int fd, uint8_t mark)
{
    uint8_t message[QUESTION_OCTETS] = { 0, 12, 0, mark };
    send_all(f, fd, message, sizeof(message));
}

static bool is_closed(int fd)
{
    uint8_t octet;
    ssize_t got = recv(fd, &octet, 1, MSG_DONTWAIT);
    return got == 0 || (got < 0 && errno == ECONNRESET);
}

/* The mark of the next answer; -1 if there is none. */
static int answer_of(int fd)
{
    uint8_t message[QUESTION_OCTETS];
    ssize_t got = recv(fd, message, sizeof(message), MSG_DONTWAIT);
    return got == sizeof(message) ? message[3] : -1;
}

static void test_order_of_answers(void **state)
{
    (void)state;
    struct fixture *f = start();
    uint8_t messages[3 * QUESTION_OCTETS] = { 0 };
    for (uint8_t i = 0; i < 3; i++)
        memcpy(messages + i * QUESTION_OCTETS, (uint8_t[]) { 0, 12, 0, i }, 4);
    int fd = connect_to(f);
    turn_for(f->loop, TURN_MS);
    send_all(f, fd, messages, sizeof(messages));
    TURN_UNTIL(f->loop, f->questions.count == 3); /* RFC 7766 section 6.2.1.1: pipelined in one segment */
    static const unsigned order[] = { 2, 0, 1 };  /* RFC 7766 section 7 */
    for (size_t i = 0; i < ARRAY_LEN(order); i++)
        answer_question(&f->questions, order[i]);
    turn_for(f->loop, TURN_MS);
    for (size_t i = 0; i < ARRAY_LEN(order); i++)
        assert_int_equal(answer_of(fd), order[i]);
    assert_false(is_closed(fd));
    close(fd);
    end(f);
}

/* More than a batch of them in one segment, every other one answered later. */
static void test_answers_at_once(void **state)
{
    (void)state;
    enum { ASKED = 80 };
    struct fixture *f = start();
    uint8_t messages[ASKED * QUESTION_OCTETS] = { 0 };
    for (uint8_t i = 0; i < ASKED; i++)
        memcpy(messages + i * QUESTION_OCTETS, (uint8_t[]) { 0, 12, 0, i }, 4);
    f->questions.evens_at_hand = true;
    int fd = connect_to(f);
    send_all(f, fd, messages, sizeof(messages));
    TURN_UNTIL(f->loop, f->counters.received == ASKED);
    turn_for(f->loop, TURN_MS);
    for (int i = 0; i < ASKED; i += 2)
        assert_int_equal(answer_of(fd), i);
    assert_int_equal(f->questions.count, ASKED / 2);
    for (int i = 0; i < ASKED / 2; i++)
        answer_question(&f->questions, (unsigned)i);
    turn_for(f->loop, TURN_MS);
    for (int i = 1; i < ASKED; i += 2)
        assert_int_equal(answer_of(fd), i);
    assert_int_equal(f->counters.sent, ASKED);
    close(fd);
    end(f);
}

/* Answers at once wait for a client that is slow to read; meanwhile it is read no further. */
static void test_answers_at_once_to_a_slow_client(void **state)
{
    (void)state;
    enum { ASKED_MAX = 1 << 20 };
    struct fixture *f = start();
    uint8_t message[QUESTION_OCTETS] = { 0, 12, 0, 2 };
    f->questions.evens_at_hand = true;
    int fd = connect_to(f), idle_turns = 0;
    size_t octets = 0, answered = 0;
    while (idle_turns < 3 && octets < ASKED_MAX * QUESTION_OCTETS) { /* until no more is read of what we ask */
        size_t begun = octets % QUESTION_OCTETS;
        ssize_t sent = send(fd, message + begun, sizeof(message) - begun, MSG_NOSIGNAL | MSG_DONTWAIT);
        assert_true(sent > 0 || errno == EAGAIN);
        octets += sent > 0 ? (size_t)sent : 0;
        idle_turns = sent > 0 ? 0 : idle_turns + 1;
        if (sent < 0)
            turn_for(f->loop, TURN_MS);
    }
    for (int waits = 0; answered < octets - octets % QUESTION_OCTETS && waits < PATIENCE_MS; waits++) {
        uint8_t answers[QUESTION_OCTETS * 4096];
        ssize_t got;
        while ((got = recv(fd, answers, sizeof(answers), MSG_DONTWAIT)) > 0) {
            for (ssize_t i = 0; i < got; i++)
                assert_int_equal(answers[i], message[(answered + (size_t)i) % QUESTION_OCTETS]);
            answered += (size_t)got;
        }
        turn_for(f->loop, 1);
    }
    assert_int_equal(answered, octets - octets % QUESTION_OCTETS);
    assert_int_equal(f->counters.broken, 0);
    close(fd);
    end(f);
}

static void test_one_octet_at_a_time(void **state)
{
    (void)state;
    struct fixture *f = start();
    static const uint8_t message[QUESTION_OCTETS] = { 0, 12, 0, 9 };
    f->questions.answer_at_once = true;
    int fd = connect_to(f);
    for (size_t i = 0; i < sizeof(message); i++)
        send_all(f, fd, message + i, 1);
    TURN_UNTIL(f->loop, f->questions.count == 1);
    turn_for(f->loop, TURN_MS);
    assert_int_equal(answer_of(fd), 9);
    close(fd);
    end(f);
}

/* A client that asks without end is read no further than TCP_PIPELINE_MAX unanswered questions. */
static void test_pipeline_limit(void **state)
{
    (void)state;
    struct fixture *f = start();
    int fd = connect_to(f);
    enum { ASKED = 2 * TCP_PIPELINE_MAX + 10 };
    for (unsigned i = 0; i < ASKED; i++)
        ask(f, fd, (uint8_t)i);
    turn_for(f->loop, TURN_MS);
    assert_int_equal(f->questions.count, TCP_PIPELINE_MAX);
    for (unsigned i = 0; i < ASKED; i++) {
        TURN_UNTIL(f->loop, f->questions.count > i);
        assert_true(f->questions.count <= i + TCP_PIPELINE_MAX);
        answer_question(&f->questions, i);
    }
    turn_for(f->loop, TURN_MS);
    for (unsigned i = 0; i < ASKED; i++)
        assert_int_equal(answer_of(fd), i);
    close(fd);
    end(f);
}

/* The whole pipe in one segment, then the end: nothing is lost (RFC 7766 section 6.2.4). */
static void test_half_closed(void **state)
{
    (void)state;
    struct fixture *f = start();
    enum { ASKED = TCP_PIPELINE_MAX + 40 };
    uint8_t messages[ASKED * QUESTION_OCTETS] = { 0 };
    for (unsigned i = 0; i < ASKED; i++)
        memcpy(messages + i * QUESTION_OCTETS, (uint8_t[]) { 0, 12, 0, (uint8_t)i }, 4);
    int fd = connect_to(f);
    turn_for(f->loop, TURN_MS);
    assert_int_equal(send(fd, messages, sizeof(messages), MSG_NOSIGNAL), sizeof(messages));
    shutdown(fd, SHUT_WR);
    turn_for(f->loop, TURN_MS);
    assert_int_equal(f->questions.count, TCP_PIPELINE_MAX);
    for (unsigned i = 0; i < TCP_PIPELINE_MAX; i++) /* all before the loop has its turn */
        answer_question(&f->questions, i);
    TURN_UNTIL(f->loop, f->questions.count == ASKED);
    for (unsigned i = TCP_PIPELINE_MAX; i < ASKED; i++)
        answer_question(&f->questions, i);
    turn_for(f->loop, TURN_MS);
    for (unsigned i = 0; i < ASKED; i++)
        assert_int_equal(answer_of(fd), i);
    assert_true(is_closed(fd));
    assert_int_equal(f->counters.open, 0);
    close(fd);
    end(f);
}

static void test_bad_lengths(void **state)
{
    (void)state;
    static const uint8_t bad[][2] = { { 0, 0 }, { 0, 11 }, { 0x10, 0x01 }, { 0xff, 0xff } };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct fixture *f = start();
        int fd = connect_to(f);
        turn_for(f->loop, TURN_MS);
        send_all(f, fd, bad[i], 2);
        TURN_UNTIL(f->loop, is_closed(fd));
        assert_int_equal(f->counters.broken, 1);
        assert_int_equal(f->questions.count, 0);
        close(fd);
        end(f);
    }
}

static void test_dropping_closes(void **state)
{
    (void)state;
    struct fixture *f = start();
    int fd = connect_to(f);
    ask(f, fd, 1);
    ask(f, fd, 2);
    TURN_UNTIL(f->loop, f->questions.count == 2);
    client_drop(&f->questions.clients[0]);
    TURN_UNTIL(f->loop, is_closed(fd));
    answer_question(&f->questions, 1); /* to nobody */
    close(fd);
    end(f);
}

static void test_client_gone_before_the_answer(void **state)
{
    (void)state;
    struct fixture *f = start();
    int fd = connect_to(f);
    struct linger reset = { .l_onoff = 1 };
    ask(f, fd, 1);
    ask(f, fd, 2);
    TURN_UNTIL(f->loop, f->questions.count == 2);
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
    close(fd);
    TURN_UNTIL(f->loop, f->counters.open == 0);
    answer_question(&f->questions, 0);
    answer_question(&f->questions, 1);
    end(f);
}

static void test_ending_with_unanswered_questions(void **state)
{
    (void)state;
    struct fixture *f = start();
    int gone = connect_to(f), waits = connect_to(f);
    struct linger reset = { .l_onoff = 1 };
    ask(f, gone, 1);
    ask(f, waits, 2);
    TURN_UNTIL(f->loop, f->questions.count == 2);
    setsockopt(gone, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
    close(gone);
    TURN_UNTIL(f->loop, f->counters.open == 1);
    end(f);
    close(waits);
}

static void test_limit_for_one_client(void **state)
{
    (void)state;
    struct fixture *f = start_limited(100, 2);
    int fds[3];
    for (int i = 0; i < 3; i++) {
        fds[i] = connect_to(f);
        turn_for(f->loop, TURN_MS);
    }
    TURN_UNTIL(f->loop, f->counters.refused == 1);
    assert_int_equal(f->counters.open, 2);
    assert_true(is_closed(fds[2]));
    for (int i = 0; i < 3; i++)
        close(fds[i]);
    end(f);
}

/* An idle connection gives way; one whose question is being worked on does not. */
static void test_limit_of_all(void **state)
{
    (void)state;
    struct fixture *f = start_limited(2, 100);
    int busy = connect_to(f);
    ask(f, busy, 1);
    TURN_UNTIL(f->loop, f->questions.count == 1);
    int idle = connect_to(f);
    TURN_UNTIL(f->loop, f->counters.open == 2);
    int third = connect_to(f);
    TURN_UNTIL(f->loop, f->counters.evicted == 1);
    assert_true(is_closed(idle));
    assert_false(is_closed(busy));
    ask(f, third, 2);
    TURN_UNTIL(f->loop, f->questions.count == 2);
    int fourth = connect_to(f);
    TURN_UNTIL(f->loop, f->counters.refused == 1);
    answer_question(&f->questions, 0);
    answer_question(&f->questions, 1);
    turn_for(f->loop, TURN_MS);
    assert_int_equal(answer_of(busy), 1);
    assert_int_equal(answer_of(third), 2);
    close(busy), close(idle), close(third), close(fourth);
    end(f);
}

/* A client that asks and does not read costs no more than TCP_OUTPUT_OCTETS_MAX. */
static void test_client_that_does_not_read(void **state)
{
    (void)state;
    struct fixture *f = start();
    int fd = connect_to(f);
    static uint8_t large[60000];
    unsigned answered = 0;
    for (unsigned i = 0; i < TCP_PIPELINE_MAX; i++)
        ask(f, fd, (uint8_t)i);
    TURN_UNTIL(f->loop, f->questions.count == TCP_PIPELINE_MAX);
    /* The kernel's buffers take some megabytes; what they do not take is ours to bound. */
    while (f->counters.open == 1 && answered < QUESTIONS_MAX - 2) {
        client_reply(&f->questions.clients[answered++], (struct octets) { large, sizeof(large) });
        if (answered == f->questions.count) {
            ask(f, fd, 0);
            turn_for(f->loop, TURN_MS);
        }
        if (answered == f->questions.count) /* not read any more, and still below the limit */
            break;
    }
    assert_true(f->counters.broken == 1 || answered == f->questions.count);
    while (answered < f->questions.count)
        answer_question(&f->questions, answered++);
    close(fd);
    end(f);
}

/* An octet now and then keeps no connection (slow loris): a whole question does. */
static void test_time_out(void **state)
{
    (void)state;
    struct fixture *f = start_limited(1, 1); /* more than half is taken: TCP_IDLE_BUSY_MS */
    f->questions.answer_at_once = true;
    int fd = connect_to(f);
    ask(f, fd, 1);
    turn_for(f->loop, TCP_IDLE_BUSY_MS / 2);
    ask(f, fd, 2);
    turn_for(f->loop, TCP_IDLE_BUSY_MS * 3 / 4);
    assert_int_equal(f->counters.open, 1);
    assert_int_equal(answer_of(fd), 1);
    assert_int_equal(answer_of(fd), 2);
    for (int i = 0; i < 5 && f->counters.open == 1; i++) {
        send(fd, &(uint8_t[]) { 0, 12, 0, 3, 0 }[i], 1, MSG_NOSIGNAL);
        turn_for(f->loop, 100);
    }
    TURN_UNTIL(f->loop, f->counters.timed_out == 1);
    assert_true(is_closed(fd));
    close(fd);
    end(f);
}

/* While the answer is being looked for, nobody is timed out. */
static void test_waiting_is_no_idleness(void **state)
{
    (void)state;
    struct fixture *f = start_limited(1, 1);
    int fd = connect_to(f);
    ask(f, fd, 1);
    turn_for(f->loop, TCP_IDLE_BUSY_MS + 500);
    assert_int_equal(f->counters.open, 1);
    answer_question(&f->questions, 0);
    turn_for(f->loop, TURN_MS);
    assert_int_equal(answer_of(fd), 1);
    close(fd);
    end(f);
}

static void test_unlisten(void **state)
{
    (void)state;
    struct fixture *f = start();
    int stands = connect_to(f), waits = connect_to(f);
    tcp_server_unlisten(f->server, &f->address);
    assert_int_equal(f->counters.open, 2); /* the kernel had them for us */
    ask(f, stands, 1);
    ask(f, waits, 2);
    TURN_UNTIL(f->loop, f->questions.count == 2);
    answer_question(&f->questions, 0);
    answer_question(&f->questions, 1);
    turn_for(f->loop, TURN_MS);
    assert_int_equal(answer_of(stands), 1);
    assert_int_equal(answer_of(waits), 2);
    close(stands), close(waits);
    end(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order_of_answers),
        cmocka_unit_test(test_answers_at_once),
        cmocka_unit_test(test_answers_at_once_to_a_slow_client),
        cmocka_unit_test(test_one_octet_at_a_time),
        cmocka_unit_test(test_pipeline_limit),
        cmocka_unit_test(test_half_closed),
        cmocka_unit_test(test_bad_lengths),
        cmocka_unit_test(test_dropping_closes),
        cmocka_unit_test(test_client_gone_before_the_answer),
        cmocka_unit_test(test_ending_with_unanswered_questions),
        cmocka_unit_test(test_limit_for_one_client),
        cmocka_unit_test(test_limit_of_all),
        cmocka_unit_test(test_client_that_does_not_read),
        cmocka_unit_test(test_time_out),
        cmocka_unit_test(test_waiting_is_no_idleness),
        cmocka_unit_test(test_unlisten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
