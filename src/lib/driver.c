#include "lib/driver.h"

#include <stdlib.h>

#include "transport/upstream.h"

struct driver {
    struct ev_loop *loop;
    struct driver_handler handler;
    struct resolver *resolver;
    struct upstream *upstream;
    struct ev_timer deadline;
    struct ev_timer next_turn; /* due at once, after what else has happened */
    bool is_running;           /* run() is on the stack: what happens meanwhile is seen by its loop */
};

struct now driver_now(const struct driver *driver)
{
    struct now now = now_from_system();
    if (driver->handler.clock_is_fit != NULL)
        now.wall_is_fit = driver->handler.clock_is_fit(driver->handler.context);
    return now;
}

static enum exchange_failure failure_of(enum upstream_failure how)
{
    switch (how) {
    case UPSTREAM_REFUSED:
        return EXCHANGE_REFUSED;
    case UPSTREAM_UNREACHABLE:
        return EXCHANGE_UNREACHABLE;
    case UPSTREAM_CLOSED:
        return EXCHANGE_CLOSED;
    case UPSTREAM_NO_SOCKET:
        return EXCHANGE_NO_SOCKET;
    }
    return EXCHANGE_UNREACHABLE;
}

static void send_exchange(struct driver *driver, const struct exchange *exchange, struct now now)
{
    enum upstream_failure how;
    uint64_t id = exchange->id;
    bool began = exchange->transport == TRANSPORT_TCP
                     ? upstream_start_tcp(driver->upstream, id, &exchange->server, exchange->packet, &how)
                     : upstream_start_udp(driver->upstream, id, &exchange->server, exchange->packet, &how);
    if (!began)
        resolver_exchange_failed(driver->resolver, id, failure_of(how), now);
}

/* One timer for all that the resolver waits for. */
static void set_deadline(struct driver *driver, struct now now)
{
    int64_t due_ms = resolver_deadline_ms(driver->resolver);
    ev_timer_stop(driver->loop, &driver->deadline);
    if (due_ms == INT64_MAX)
        return;
    int64_t in_ms = due_ms > now.monotonic_ms ? due_ms - now.monotonic_ms : 0;
    ev_timer_set(&driver->deadline, (double)in_ms / 1000.0, 0.0);
    ev_timer_start(driver->loop, &driver->deadline);
}

/* Does all that is wanted now. */
static void run(struct driver *driver)
{
    if (driver->is_running)
        return;
    driver->is_running = true;
    struct now now = driver_now(driver);
    struct want want;
    while (resolver_next(driver->resolver, now, &want)) {
        switch (want.kind) {
        case WANT_EXCHANGE:
            send_exchange(driver, &want.exchange, now);
            break;
        case WANT_CANCEL:
            upstream_cancel(driver->upstream, want.exchange.id);
            break;
        case WANT_DONE:
            driver->handler.done(driver->handler.context, want.waiter, want.outcome, now);
            break;
        case WANT_TURN:
            ev_timer_start(driver->loop, &driver->next_turn);
            break;
        case WANT_NOTHING:
            break;
        }
        if (want.kind == WANT_TURN)
            break;
    }
    set_deadline(driver, now);
    driver->is_running = false;
}

static void on_next_turn(struct ev_loop *loop, struct ev_timer *watcher, int events)
{
    (void)loop;
    (void)events;
    struct driver *driver = watcher->data;
    run(driver);
}

static void on_deadline(struct ev_loop *loop, struct ev_timer *watcher, int events)
{
    (void)loop;
    (void)events;
    struct driver *driver = watcher->data;
    resolver_tick(driver->resolver, driver_now(driver));
    run(driver);
}

static bool on_reply(void *context, uint64_t id, struct octets reply)
{
    struct driver *driver = context;
    bool is_over = resolver_absorb(driver->resolver, id, reply, driver_now(driver)) == ABSORBED;
    run(driver); /* too many wrong replies are news, too */
    return is_over;
}

static void on_failed(void *context, uint64_t id, enum upstream_failure how)
{
    struct driver *driver = context;
    resolver_exchange_failed(driver->resolver, id, failure_of(how), driver_now(driver));
    run(driver);
}

struct driver *driver_new(struct ev_loop *loop, const struct resolver_parts *parts,
                          const struct driver_handler *handler, unsigned sockets_max)
{
    struct driver *driver = memory_new(1, sizeof(*driver));
    struct upstream_handler upstream = { .context = driver, .reply = on_reply, .failed = on_failed };
    driver->loop = loop;
    driver->handler = *handler;
    driver->resolver = resolver_new(parts);
    resolver_limit_exchanges(driver->resolver, sockets_max);
    driver->upstream = upstream_new(loop, &upstream, sockets_max);
    ev_init(&driver->deadline, on_deadline);
    ev_timer_init(&driver->next_turn, on_next_turn, 0.0, 0.0);
    driver->deadline.data = driver;
    driver->next_turn.data = driver;
    return driver;
}

void driver_free(struct driver *driver)
{
    if (driver == NULL)
        return;
    ev_timer_stop(driver->loop, &driver->deadline);
    ev_timer_stop(driver->loop, &driver->next_turn);
    upstream_free(driver->upstream);
    resolver_free(driver->resolver);
    free(driver);
}

struct resolver *driver_resolver(struct driver *driver)
{
    return driver->resolver;
}

void driver_ask(struct driver *driver, const struct question *question, bool checking_disabled, void *waiter)
{
    resolver_ask(driver->resolver, question, checking_disabled, waiter, driver_now(driver));
    run(driver);
}

bool driver_abandon(struct driver *driver, const struct question *question, bool checking_disabled, const void *waiter)
{
    bool is_gone = resolver_abandon(driver->resolver, question, checking_disabled, waiter);
    run(driver); /* its sockets go, too */
    return is_gone;
}

void driver_probe(struct driver *driver, const struct question *question, bool checking_disabled, void *waiter)
{
    resolver_probe(driver->resolver, question, checking_disabled, waiter, driver_now(driver));
    run(driver);
}

void driver_probe_server(struct driver *driver, const struct question *question, const struct single_server *single,
                         void *waiter)
{
    resolver_probe_server(driver->resolver, question, single, waiter, driver_now(driver));
    run(driver);
}

void driver_refresh(struct driver *driver, const struct question *question)
{
    resolver_refresh(driver->resolver, question, driver_now(driver));
    run(driver);
}
