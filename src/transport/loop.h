/* The event loop of a worker: libev over epoll.  Nothing in this folder shares state between two loops. */
#ifndef TRANSPORT_LOOP_H
#define TRANSPORT_LOOP_H

#include <ev.h>

/* Ends the process with a message if the system has no descriptor for it. */
struct ev_loop *loop_new(void) __attribute__((returns_nonnull));

#endif
