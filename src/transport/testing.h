/* For unit tests only: real sockets on loopback, served by a loop in the same thread. */
#ifndef TRANSPORT_TESTING_H
#define TRANSPORT_TESTING_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>

#include <sys/socket.h>

#include "base/arena.h"
#include "transport/client.h"
#include "transport/loop.h"
#include "transport/sockaddr.h"
#include "transport/sockets.h"

enum { TURN_MS = 5, PATIENCE_MS = 5000 };

static inline struct address loopback(const char *text)
{
    struct address address;
    assert_int_equal(address_from_text(text, 0, &address), OK);
    return address;
}

/* The address with the port that the kernel gave. */
static inline struct address bound_address(int fd)
{
    struct sockaddr_storage storage;
    socklen_t len = sizeof(storage);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&storage, &len), 0);
    return address_from_sockaddr(&storage);
}

static inline void on_turn_over(struct ev_loop *loop, ev_timer *timer, int events)
{
    (void)timer, (void)events;
    ev_break(loop, EVBREAK_ONE);
}

/* Lets the loop work for some time. */
static inline void turn_for(struct ev_loop *loop, int time_ms)
{
    ev_timer timer;
    ev_now_update(loop);
    ev_timer_init(&timer, on_turn_over, time_ms / 1000.0, 0);
    ev_timer_start(loop, &timer);
    ev_run(loop, 0);
    ev_timer_stop(loop, &timer);
}

/* Lets the loop work until the condition holds. */
#define TURN_UNTIL(loop, condition)                                                                                    \
    do {                                                                                                               \
        for (int waited_ms = 0; !(condition) && waited_ms < PATIENCE_MS; waited_ms += TURN_MS)                         \
            turn_for((loop), TURN_MS);                                                                                 \
        assert_true(condition);                                                                                        \
    } while (0)

/* Questions as they come, in order, so that a test can answer them when it likes. */
enum { QUESTIONS_MAX = 512 };
struct questions {
    unsigned count;
    bool answer_at_once; /* the question itself, with QR */
    bool evens_at_hand;  /* those with an even id are answered at once, and not in the list */
    unsigned shown, at_hand;
    uint8_t batch[CLIENT_BATCH_MAX][12];
    struct client clients[QUESTIONS_MAX];
    uint8_t first_octets[QUESTIONS_MAX][12];
    size_t lens[QUESTIONS_MAX];
};

static inline void on_test_question(void *context, const struct client *client, struct octets message)
{
    struct questions *questions = context;
    assert_true(questions->count < QUESTIONS_MAX && message.len >= 12);
    unsigned i = questions->count++;
    questions->clients[i] = *client;
    questions->lens[i] = message.len;
    memcpy(questions->first_octets[i], message.data, 12);
    if (questions->answer_at_once)
        client_reply(client, message);
}

static inline void on_test_expect(void *context, const struct octets *messages, unsigned count)
{
    struct questions *questions = context;
    questions->shown = count;
    for (unsigned i = 0; i < count; i++)
        memcpy(questions->batch[i], messages[i].data, messages[i].len < 12 ? messages[i].len : 12);
}

static inline struct octets on_test_at_once(void *context, unsigned place, const struct client *client, uint8_t *buffer)
{
    struct questions *questions = context;
    (void)client;
    assert_true(place < questions->shown);
    if (!questions->evens_at_hand || questions->batch[place][1] % 2 != 0)
        return (struct octets) { NULL, 0 };
    questions->at_hand++;
    memset(buffer, 0xff, CLIENT_BUFFER_OCTETS);
    memcpy(buffer + CLIENT_BUFFER_OCTETS - 12, questions->batch[place], 12); /* anywhere in the buffer */
    return (struct octets) { buffer + CLIENT_BUFFER_OCTETS - 12, 12 };
}

static inline struct client_handler test_handler(struct questions *questions)
{
    return (struct client_handler) { questions, on_test_question, { questions, on_test_expect, on_test_at_once } };
}

/* Answers the question with its own first octets. */
static inline void answer_question(struct questions *questions, unsigned i)
{
    client_reply(&questions->clients[i], (struct octets) { questions->first_octets[i], 12 });
}

#endif
