/* dump-cache: a thread of its own walks the cache and waits for a slow reader, so that nobody else does. */
#ifndef CONTROL_DUMP_H
#define CONTROL_DUMP_H

#include "control/orders.h"
#include "transport/loop.h"

struct dump;

/* Takes the connected socket over.  `ended` is woken when the thread has nothing more to do.  NULL: the system gives no
 * thread; fd stays the caller's. */
struct dump *dump_start(const struct orders *orders, int fd, struct ev_loop *loop, ev_async *ended);
/* Nothing is left but dump_free(). */
bool dump_is_over(struct dump *dump);
/* Ends it if need be, and closes the socket. */
void dump_free(struct dump *dump);

#endif
