/* A resolver on an event loop: does over the network what the resolver wants.  The one place where the core meets
 * transport; vouchd's workers and the tools are built on it. */
#ifndef LIB_DRIVER_H
#define LIB_DRIVER_H

#include <ev.h>

#include "resolver/resolver.h"

struct driver;

struct driver_handler {
    void *context;
    /* The waiter's question is settled; outcome is valid during the call.  It may ask new questions. */
    void (*done)(void *context, void *waiter, const struct outcome *outcome, struct now now);
    /* Is the clock fit to judge signatures by?  NULL: it is. */
    bool (*clock_is_fit)(void *context);
};

/* sockets_max: questions in flight at once. */
struct driver *driver_new(struct ev_loop *loop, const struct resolver_parts *parts,
                          const struct driver_handler *handler, unsigned sockets_max);
void driver_free(struct driver *driver);

struct resolver *driver_resolver(struct driver *driver);
/* The clocks as the driver sees them. */
struct now driver_now(const struct driver *driver);

/* Asks and does what can be done at once: done() may be called before it returns (an answer out of the cache). */
void driver_ask(struct driver *driver, const struct question *question, bool checking_disabled, void *waiter);
/* resolver_abandon() */
bool driver_abandon(struct driver *driver, const struct question *question, bool checking_disabled, const void *waiter);
/* As driver_ask(), but the network is asked whatever is known (resolver_probe()). */
void driver_probe(struct driver *driver, const struct question *question, bool checking_disabled, void *waiter);
/* resolver_probe_server() */
void driver_probe_server(struct driver *driver, const struct question *question, const struct single_server *single,
                         void *waiter);
/* resolver_refresh() */
void driver_refresh(struct driver *driver, const struct question *question);

#endif
