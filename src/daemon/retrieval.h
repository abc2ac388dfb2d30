/* root-anchors.xml, its signature and the bundle of certificates, from one of the configured sources.  Names of servers
 * are resolved by a driver of ours with validation off: what they give is believed by its signature alone. */
#ifndef DAEMON_RETRIEVAL_H
#define DAEMON_RETRIEVAL_H

#include "daemon/settings.h"
#include "lib/driver.h"
#include "steward/inquiry.h"

struct retrieval;

struct retrieval_handler {
    void *context;
    /* What a source gave, or why it did not (borrowed).  Called from the loop, and not before retrieval_new() has
     * returned. */
    void (*done)(void *context, const struct documents *documents);
};

/* Begins with the first source.  settings outlive it; each waiter of driver comes back to retrieval_answer(). */
struct retrieval *retrieval_new(struct ev_loop *loop, struct driver *driver, const struct settings *settings,
                                const struct retrieval_handler *handler);
/* Questions that are still open come to nothing: the driver must not answer them any more. */
void retrieval_free(struct retrieval *retrieval);
void retrieval_answer(struct retrieval *retrieval, void *waiter, const struct outcome *outcome);
/* The next source; false: there is none.  From done() or later. */
bool retrieval_next(struct retrieval *retrieval);

#endif
