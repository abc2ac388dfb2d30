#include "daemon/worker.h"

#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "daemon/worker_internal.h"
#include "transport/loop.h"
#include "transport/precedence.h"

enum {
    TRIM_MS = 1000, /* memory goes back to the system not more often than that: it takes a millisecond */
};

/* The main thread has one call at a time done by all workers, and waits until it is. */
struct workers {
    pthread_mutex_t mutex;
    pthread_cond_t done;
    void (*call)(struct worker *worker, void *argument);
    void *argument;
    unsigned calls_left;
    struct siphash_key cookie_master;
    unsigned count;
    struct worker *list[];
};

/* ---- the thread ---- */

static void free_done_desks(struct worker *worker)
{
    for (unsigned i = worker->desk_count; i-- > 0;) {
        if (desk_is_done(worker->desks[i])) {
            desk_free(worker->desks[i], &worker->stats);
            worker->desks[i] = worker->desks[--worker->desk_count];
        }
    }
}

/* The allocator keeps what a burst took, for the next one: it is not the operator's only program. */
static void give_back_memory(struct worker *worker)
{
    if (!waiting_burst_is_over(worker->waiting))
        return;
    int64_t now_ms = driver_now(worker->driver).monotonic_ms;
    if (now_ms - worker->trimmed_ms < TRIM_MS)
        return;
    malloc_trim(0);
    worker->trimmed_ms = now_ms;
    waiting_forget_burst(worker->waiting);
}

static void refresh(struct worker *worker, const struct question *questions, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        driver_refresh(worker->driver, &questions[i]);
}

static void on_before_wait(struct ev_loop *loop, ev_prepare *watcher, int events)
{
    (void)loop, (void)events;
    struct worker *worker = watcher->data;
    struct question questions[AT_ONCE_REFRESHES_MAX];
    free_done_desks(worker);
    refresh(worker, questions, at_once_take_refreshes(worker->at_once, questions));
    give_back_memory(worker);
}

static void on_ending(struct ev_loop *loop, ev_async *watcher, int events)
{
    (void)loop, (void)events;
    struct worker *worker = watcher->data;
    struct question questions[AT_ONCE_REFRESHES_MAX];
    for (unsigned i = 0; i < worker->desk_count; i++)
        refresh(worker, questions, desk_take_refreshes(worker->desks[i], questions));
}

static void on_called(struct ev_loop *loop, ev_async *watcher, int events)
{
    (void)loop, (void)events;
    struct worker *worker = watcher->data;
    struct workers *workers = worker->workers;
    pthread_mutex_lock(&workers->mutex);
    bool has_call = worker->has_call;
    worker->has_call = false;
    pthread_mutex_unlock(&workers->mutex);
    if (!has_call)
        return;
    workers->call(worker, workers->argument); /* stays the same until calls_left is 0 */
    pthread_mutex_lock(&workers->mutex);
    if (--workers->calls_left == 0)
        pthread_cond_signal(&workers->done);
    pthread_mutex_unlock(&workers->mutex);
}

static void *run(void *argument)
{
    struct worker *worker = argument;
    ev_run(worker->loop, 0);
    return NULL;
}

static void init_watchers(struct worker *worker)
{
    ev_async_init(&worker->called, on_called);
    worker->called.data = worker;
    ev_async_start(worker->loop, &worker->called);
    ev_async_init(&worker->ending, on_ending);
    worker->ending.data = worker;
    ev_async_start(worker->loop, &worker->ending);
    ev_prepare_init(&worker->before_wait, on_before_wait);
    worker->before_wait.data = worker;
    ev_prepare_start(worker->loop, &worker->before_wait);
}

struct resolver_parts worker_resolver_parts(const struct worker *worker)
{
    struct resolver_parts parts = settings_parts(worker->settings, worker->cache, worker->random);
    parts.witness = &worker->witness;
    return parts;
}

static bool may_judge(void *context)
{
    const struct worker *worker = context;
    return clock_is_fit(worker->clock);
}

static void on_expect(void *context, const struct octets *messages, unsigned count)
{
    struct worker *worker = context;
    at_once_expect(worker->at_once, messages, count, driver_now(worker->driver));
}

static struct octets on_answer(void *context, unsigned place, const struct client *client, uint8_t *buffer)
{
    struct worker *worker = context;
    return at_once_answer(worker->at_once, place, client, buffer);
}

static struct tcp_server *new_tcp_server(struct worker *worker, const struct tcp_limits *limits)
{
    struct client_handler clients = worker_client_handler(worker);
    clients.at_hand = (struct at_hand) { .context = worker, .expect = on_expect, .answer = on_answer };
    return tcp_server_new(worker->loop, limits, &clients, &worker->stats.tcp);
}

static struct worker *worker_new(struct workers *workers, unsigned index, const struct worker_parts *parts)
{
    struct worker *worker = memory_new_apart(sizeof(*worker));
    worker->workers = workers;
    worker->index = index;
    worker->settings = parts->settings;
    worker->cache = parts->cache;
    worker->clock = parts->clock;
    worker->cookie_master = &workers->cookie_master;
    worker->loop = loop_new();
    worker->random = random_secure_new();
    worker->places_max = 2 * (parts->upstream_sockets_max / SOCKETS_PER_TWO);
    worker->waiting = waiting_room_new(random_u64(worker->random));
    worker->arena = arena_new();
    worker->watcher = parts->watcher;
    worker->keys = key_tally_new();
    worker->witness = worker_witness(worker);
    struct resolver_parts resolver_parts = worker_resolver_parts(worker);
    struct driver_handler settled = { .context = worker, .done = worker_on_done, .clock_is_fit = may_judge };
    worker->driver = driver_new(worker->loop, &resolver_parts, &settled, parts->upstream_sockets_max);
    worker->at_once = at_once_new(worker->cache, worker->settings->config, &workers->cookie_master, &worker->stats);
    worker->tcp = new_tcp_server(worker, &parts->tcp_limits);
    init_watchers(worker);
    return worker;
}

static void worker_free(struct worker *worker)
{
    for (unsigned i = 0; i < worker->desk_count; i++)
        desk_free(worker->desks[i], &worker->stats);
    free(worker->desks);
    tcp_server_free(worker->tcp);
    driver_free(worker->driver);
    at_once_free(worker->at_once);
    key_tally_free(worker->keys);
    ev_loop_destroy(worker->loop);
    arena_free(worker->arena);
    random_free(worker->random);
    waiting_room_free(worker->waiting);
    free(worker);
}

/* ---- from the main thread ---- */

static void call_all(struct workers *workers, void (*call)(struct worker *worker, void *argument), void *argument)
{
    pthread_mutex_lock(&workers->mutex);
    workers->call = call;
    workers->argument = argument;
    workers->calls_left = workers->count;
    for (unsigned i = 0; i < workers->count; i++) {
        workers->list[i]->has_call = true;
        ev_async_send(workers->list[i]->loop, &workers->list[i]->called);
    }
    while (workers->calls_left > 0)
        pthread_cond_wait(&workers->done, &workers->mutex);
    pthread_mutex_unlock(&workers->mutex);
}

static void start_thread(struct worker *worker)
{
    int error = pthread_create(&worker->thread, NULL, run, worker);
    if (error != 0) {
        log_error("the system gives no thread for worker %u: %s", worker->index, strerror(error));
        abort();
    }
    char name[16]; /* pthread_setname_np(3) */
    snprintf(name, sizeof(name), "worker %u", worker->index);
    pthread_setname_np(worker->thread, name);
}

struct workers *workers_start(unsigned count, const struct worker_parts *parts)
{
    struct workers *workers = memory_new(1, sizeof(*workers) + count * sizeof(workers->list[0]));
    sigset_t all, before;
    pthread_mutex_init(&workers->mutex, NULL);
    pthread_cond_init(&workers->done, NULL);
    workers->count = count;
    struct random *random = random_secure_new();
    random->fill(random, workers->cookie_master.octets, sizeof(workers->cookie_master.octets));
    random_free(random);
    for (unsigned i = 0; i < count; i++)
        workers->list[i] = worker_new(workers, i, parts);
    sigfillset(&all); /* signals are the main thread's */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    for (unsigned i = 0; i < count; i++)
        start_thread(workers->list[i]);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return workers;
}

static void stop_worker(struct worker *worker, void *argument)
{
    (void)argument;
    ev_break(worker->loop, EVBREAK_ALL);
}

void workers_stop(struct workers *workers)
{
    if (workers == NULL)
        return;
    call_all(workers, stop_worker, NULL);
    for (unsigned i = 0; i < workers->count; i++)
        pthread_join(workers->list[i]->thread, NULL);
    for (unsigned i = 0; i < workers->count; i++)
        worker_free(workers->list[i]);
    pthread_cond_destroy(&workers->done);
    pthread_mutex_destroy(&workers->mutex);
    free(workers);
}

unsigned workers_count(const struct workers *workers)
{
    return workers->count;
}

struct listen_call {
    const struct listen_sockets *sockets;
    _Atomic unsigned receivers;
};

static void worker_listen(struct worker *worker, void *argument)
{
    struct listen_call *call = argument;
    const struct listen_sockets *sockets = call->sockets;
    const int *fds = sockets->fds[worker->index];
    const struct desk_parts parts = {
        .loop = worker->loop,
        .cache = worker->cache,
        .clock = worker->clock,
        .config = worker->settings->config,
        .cookie_master = worker->cookie_master,
        .worker = worker->index,
        .rest = worker_client_handler(worker),
        .ending = &worker->ending,
    };
    struct desk *desk = desk_new(&parts, fds[0], &sockets->address);
    char text[ADDRESS_TEXT_MAX];
    if (desk == NULL) { /* the kernel gives its questions to the other workers, if there are any */
        log_error("worker %u does not listen on %s by UDP", worker->index, address_to_text(&sockets->address, text));
    } else {
        worker->desks = memory_resize(worker->desks, worker->desk_count + 1, sizeof(worker->desks[0]));
        worker->desks[worker->desk_count++] = desk;
        call->receivers++;
    }
    tcp_server_listen(worker->tcp, fds[1], &sockets->address);
}

bool workers_listen(struct workers *workers, const struct listen_sockets *sockets)
{
    struct listen_call call = { .sockets = sockets };
    call_all(workers, worker_listen, &call);
    return call.receivers > 0;
}

static void worker_give_precedence(struct worker *worker, void *argument)
{
    (void)worker, (void)argument;
    precedence_give();
}

void workers_give_precedence(struct workers *workers)
{
    call_all(workers, worker_give_precedence, NULL);
}

static void worker_unlisten(struct worker *worker, void *argument)
{
    const struct address *address = argument;
    for (unsigned i = 0; i < worker->desk_count; i++)
        if (desk_serves(worker->desks[i], address))
            desk_retire(worker->desks[i]);
    tcp_server_unlisten(worker->tcp, address);
}

void workers_unlisten(struct workers *workers, const struct address *address)
{
    call_all(workers, worker_unlisten, (void *)address);
}

static void worker_use(struct worker *worker, void *argument)
{
    worker->settings = argument;
    worker->cookie_keys.count = 0; /* set again with the next question */
    at_once_use(worker->at_once, worker->settings->config);
    for (unsigned i = 0; i < worker->desk_count; i++)
        desk_use(worker->desks[i], worker->settings->config);
    struct resolver_parts parts = worker_resolver_parts(worker);
    resolver_configure(driver_resolver(worker->driver), &parts);
}

void workers_use(struct workers *workers, const struct settings *settings)
{
    call_all(workers, worker_use, (void *)settings);
}

/* One sum for all workers, which come here at the same time. */
struct stats_call {
    pthread_mutex_t mutex;
    struct worker_stats *sum;
};

static void worker_add_stats(struct worker *worker, void *argument)
{
    struct stats_call *call = argument;
    worker->stats.waiting = waiting_count(worker->waiting);
    resolver_get_stats(driver_resolver(worker->driver), &worker->stats.resolver);
    pthread_mutex_lock(&call->mutex);
    worker_stats_add(call->sum, &worker->stats);
    for (unsigned i = 0; i < worker->desk_count; i++)
        desk_add_stats(worker->desks[i], call->sum);
    pthread_mutex_unlock(&call->mutex);
}

void workers_get_stats(struct workers *workers, struct worker_stats *stats)
{
    struct stats_call call = { .mutex = PTHREAD_MUTEX_INITIALIZER, .sum = stats };
    *stats = (struct worker_stats) { 0 };
    call_all(workers, worker_add_stats, &call);
}

/* ---- keys ---- */

struct keys_call {
    pthread_mutex_t mutex;
    struct key_sum *sum;
};

static void worker_add_keys(struct worker *worker, void *argument)
{
    struct keys_call *call = argument;
    pthread_mutex_lock(&call->mutex);
    key_sum_add(call->sum, worker->keys, driver_now(worker->driver).monotonic_ms / 1000);
    pthread_mutex_unlock(&call->mutex);
}

void workers_get_keys(struct workers *workers, struct key_sum *sum)
{
    struct keys_call call = { .mutex = PTHREAD_MUTEX_INITIALIZER, .sum = sum };
    *sum = (struct key_sum) { .count = 0 };
    call_all(workers, worker_add_keys, &call);
}
