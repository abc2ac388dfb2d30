#include "daemon/desk.h"

#include <pthread.h>
#include <poll.h>
#include <stdatomic.h>

#include "base/writer.h"
#include "cache/ready.h"
#include "cache/testing.h"
#include "transport/testing.h"

enum { QUESTION_OCTETS_MAX = 64, ADDRESS_TTL_S = 600 };

/* The desk asks nothing else of it. */
bool clock_is_fit(const struct clock *clock)
{
    (void)clock;
    return true;
}

struct fixture {
    struct ev_loop *loop;
    ev_async ending;
    unsigned endings;
    struct cache *cache;
    struct prefix loopback;
    struct config open, closed; /* who may ask: loopback, nobody */
    struct siphash_key cookie_master;
    struct questions rest;
    struct client_handler rest_handler;
    struct desk *desk;
    struct address address;
};

static void on_ending(struct ev_loop *loop, ev_async *watcher, int events)
{
    (void)loop, (void)events;
    struct fixture *f = watcher->data;
    f->endings++;
}

static struct desk *new_desk(struct fixture *f, const struct address *address)
{
    int fd = socket_listen_udp(address);
    assert_true(fd >= 0);
    f->address = bound_address(fd);
    const struct desk_parts parts = {
        .loop = f->loop,
        .cache = f->cache,
        .config = &f->open,
        .cookie_master = &f->cookie_master,
        .rest = f->rest_handler,
        .ending = &f->ending,
    };
    struct desk *desk = desk_new(&parts, fd, &f->address);
    assert_non_null(desk);
    return desk;
}

static struct fixture *start_desk(void)
{
    struct fixture *f = memory_new(1, sizeof(*f));
    struct address any_port = loopback("127.0.0.1@0");
    f->loop = loop_new();
    ev_async_init(&f->ending, on_ending);
    f->ending.data = f;
    ev_async_start(f->loop, &f->ending);
    f->cache = small_cache();
    assert_int_equal(prefix_from_text("127.0.0.0/8", &f->loopback), OK);
    f->closed.answers.edns_octets = UDP_OCTETS_DEFAULT;
    f->closed.resolver.prefetch = true;
    f->open = f->closed;
    f->open.front.allow = &f->loopback;
    f->open.front.allow_count = 1;
    f->rest_handler = (struct client_handler) { .context = &f->rest, .question = on_test_question };
    f->desk = new_desk(f, &any_port);
    return f;
}

static void end(struct fixture *f)
{
    struct worker_stats stats = { 0 };
    desk_free(f->desk, &stats);
    cache_free(f->cache);
    ev_loop_destroy(f->loop);
    free(f);
}

/* ---- what is ready, and what is asked ---- */

static void write_question(struct writer *w, uint16_t flags, uint16_t answers, const struct question *question)
{
    const uint16_t words[] = { 1, flags, 1, answers, 0, 0 };
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        writer_u16(w, words[i]);
    writer_octets_put(w, dname_octets(&question->qname));
    writer_u16(w, question->qtype);
    writer_u16(w, CLASS_IN);
}

static void make_ready(struct cache *cache, const char *name, int64_t refresh_ms)
{
    struct now now = now_from_system();
    now.wall_is_fit = true;
    struct question question = question_of(name, TYPE_A);
    uint8_t buffer[128];
    struct writer w = writer_of(buffer, sizeof(buffer));
    write_question(&w, 0x8180, 1, &question);
    size_t begin = w.len;
    writer_u16(&w, 0xc00c);
    writer_u16(&w, TYPE_A);
    writer_u16(&w, CLASS_IN);
    writer_u32(&w, ADDRESS_TTL_S);
    writer_u16(&w, 4);
    writer_u32(&w, 0xc0000201);
    struct octets message = writer_octets(&w);
    int64_t end_ms = now.wall_ms + ADDRESS_TTL_S * 1000;
    struct ready_draft draft = { .message = message };
    assert_true(ready_add_set(&draft, READY_ANSWERS, message, begin, end_ms, ADDRESS_TTL_S));
    draft.head.received_ms = now.wall_ms;
    draft.head.expires_ms = end_ms;
    draft.head.refresh_ms = refresh_ms;
    draft.head.epoch = cache_epoch(cache);
    for (int part = 0; part < READY_PARTS; part++)
        draft.head.part_ends[part] = (uint16_t)message.len;
    draft.head.counts[READY_ANSWERS] = 1;
    draft.head.question_octets = question.qname.len;
    draft.head.security = SECURE;
    ready_put(cache, &question, ORIGIN_ITERATIVE, &draft, now);
}

static void ask(int fd, const char *name)
{
    struct question question = question_of(name, TYPE_A);
    uint8_t buffer[QUESTION_OCTETS_MAX];
    struct writer w = writer_of(buffer, sizeof(buffer));
    write_question(&w, 0x0100, 0, &question);
    send(fd, buffer, w.len, 0); /* while nobody listens it fails, and so would a client's */
}

static int client_of(const struct fixture *f)
{
    int fd = socket_connect_udp(&f->address);
    assert_true(fd >= 0);
    return fd;
}

static void await_answer(int fd)
{
    uint8_t answer[UDP_ANSWER_OCTETS_MAX];
    struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
    assert_int_equal(poll(&poll_fd, 1, PATIENCE_MS), 1);
    assert_true(recv(fd, answer, sizeof(answer), 0) > HEADER_OCTETS);
    assert_int_equal(answer[7], 1); /* ANCOUNT */
}

/* ---- tests ---- */

/* KeyTrap's victims: whatever the worker is at, a hit is answered.  Here its loop never runs. */
static void test_hits_wait_for_no_worker(void **state)
{
    (void)state;
    struct fixture *f = start_desk();
    int fd = client_of(f);
    make_ready(f->cache, "ready.", INT64_MAX);
    for (uint64_t i = 1; i <= 100; i++) {
        struct worker_stats stats = { 0 };
        ask(fd, "other.");
        ask(fd, "ready.");
        await_answer(fd);
        desk_add_stats(f->desk, &stats); /* what was answered is counted */
        assert_true(stats.questions_udp == i && stats.answers_ready == i && stats.answers[RCODE_NOERROR] == i);
        assert_true(stats.udp.sent == i && stats.udp.received >= 2 * i - 1);
    }
    assert_int_equal(f->rest.count, 0);
    TURN_UNTIL(f->loop, f->rest.count == 100);
    for (unsigned i = 0; i < 100; i++)
        client_drop(&f->rest.clients[i]);
    close(fd);
    end(f);
}

/* A reload: when it has returned, nobody is answered by what was before. */
static void test_new_settings_count_at_once(void **state)
{
    (void)state;
    struct fixture *f = start_desk();
    int fd = client_of(f);
    make_ready(f->cache, "ready.", INT64_MAX);
    for (unsigned i = 0; i < 50; i++) {
        ask(fd, "ready.");
        await_answer(fd);
        desk_use(f->desk, &f->closed);
        memset(&f->open, 0xff, sizeof(f->open)); /* nobody reads it any more */
        ask(fd, "ready.");
        TURN_UNTIL(f->loop, f->rest.count == i + 1);
        client_drop(&f->rest.clients[i]);
        f->open = f->closed;
        f->open.front.allow = &f->loopback;
        f->open.front.allow_count = 1;
        desk_use(f->desk, &f->open);
    }
    close(fd);
    end(f);
}

/* Clients who get what ends soon have it asked for anew: the worker is told. */
static void test_what_ends_is_told(void **state)
{
    (void)state;
    struct fixture *f = start_desk();
    struct question questions[AT_ONCE_REFRESHES_MAX], ending = question_of("ending.", TYPE_A);
    int fd = client_of(f);
    make_ready(f->cache, "ready.", INT64_MAX);
    make_ready(f->cache, "ending.", 0);
    ask(fd, "ready.");
    await_answer(fd);
    turn_for(f->loop, TURN_MS);
    assert_int_equal(f->endings, 0);
    assert_int_equal(desk_take_refreshes(f->desk, questions), 0);
    for (int i = 0; i < 3; i++) {
        ask(fd, "ending.");
        await_answer(fd);
    }
    TURN_UNTIL(f->loop, f->endings > 0);
    assert_int_equal(desk_take_refreshes(f->desk, questions), 1);
    assert_int_equal(desk_take_refreshes(f->desk, questions), 0);
    assert_int_equal(questions[0].qtype, TYPE_A);
    assert_true(dname_equal(&questions[0].qname, &ending.qname));
    close(fd);
    end(f);
}

/* ---- everything at the same time ---- */

enum { STEPS = 200, NAMES = 8, CHANGE_EVERY = 10 };
static const char *const names[NAMES] = { "a.", "b.", "c.", "d.", "e.", "f.", "g.", "h." };

struct crowd {
    struct fixture *f;
    struct address address;
    atomic_bool is_over;
};

static void *ask_on(void *argument)
{
    struct crowd *crowd = argument;
    uint8_t answer[UDP_ANSWER_OCTETS_MAX];
    int fd = socket_connect_udp(&crowd->address);
    for (unsigned i = 0; !atomic_load(&crowd->is_over); i++) {
        ask(fd, names[i % NAMES]);
        while (recv(fd, answer, sizeof(answer), MSG_DONTWAIT) > 0)
            ;
    }
    close(fd);
    return NULL;
}

static void *write_on(void *argument)
{
    struct crowd *crowd = argument;
    for (unsigned i = 0; !atomic_load(&crowd->is_over); i++) {
        make_ready(crowd->f->cache, names[i % (NAMES / 2)], i % 3 == 0 ? 0 : INT64_MAX);
        if (i % 100 == 0)
            cache_drop_ready(crowd->f->cache);
    }
    return NULL;
}

static void count_and_drop(void *context, const struct client *client, struct octets message)
{
    unsigned *count = context;
    (void)message;
    ++*count;
    client_drop(client);
}

/* The socket gives way to another on the same address. */
static void change_desk(struct fixture *f, struct worker_stats *total)
{
    struct address address = f->address;
    desk_retire(f->desk);
    assert_true(desk_is_done(f->desk));
    desk_free(f->desk, total);
    f->desk = new_desk(f, &address);
}

/* Settings, counters, refreshes, sockets that come and go, while clients ask and others write: for ThreadSanitizer,
 * and the figures must add up. */
static void test_everything_at_the_same_time(void **state)
{
    (void)state;
    struct fixture *f = start_desk();
    struct worker_stats total = { 0 };
    struct crowd crowd = { .f = f, .address = f->address };
    struct question questions[AT_ONCE_REFRESHES_MAX];
    unsigned rest = 0;
    pthread_t clients, writer;
    f->rest_handler = (struct client_handler) { .context = &rest, .question = count_and_drop };
    change_desk(f, &total);
    assert_int_equal(pthread_create(&clients, NULL, ask_on, &crowd), 0);
    assert_int_equal(pthread_create(&writer, NULL, write_on, &crowd), 0);
    for (unsigned step = 1; step <= STEPS; step++) {
        struct worker_stats stats = { 0 };
        desk_use(f->desk, step % 3 == 0 ? &f->closed : &f->open);
        desk_take_refreshes(f->desk, questions);
        turn_for(f->loop, 1);
        desk_add_stats(f->desk, &stats);
        assert_true(stats.answers_ready == stats.questions_udp && stats.answers_ready <= stats.udp.received);
        if (step % CHANGE_EVERY == 0)
            change_desk(f, &total);
    }
    atomic_store(&crowd.is_over, true);
    pthread_join(clients, NULL);
    pthread_join(writer, NULL);
    change_desk(f, &total);
    assert_true(total.answers_ready > 0 && rest > 0);
    assert_true(total.udp.received == total.answers_ready + rest + total.udp.overflowed);
    end(f);
}

static int start(void **state)
{
    (void)state;
    set_hash_secret();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hits_wait_for_no_worker),
        cmocka_unit_test(test_new_settings_count_at_once),
        cmocka_unit_test(test_what_ends_is_told),
        cmocka_unit_test(test_everything_at_the_same_time),
    };
    return cmocka_run_group_tests_name("daemon/desk", tests, start, NULL);
}
