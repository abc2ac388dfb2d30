/* Threads that answer out of the cache go before those that resolve: where they share a core, a hit waits for no
 * signature that is being checked there. */
#ifndef TRANSPORT_PRECEDENCE_H
#define TRANSPORT_PRECEDENCE_H

/* For a process that is root and is about to become somebody else: precedence_take() may still have all it asks for. */
void precedence_permit(void);

/* For the calling thread: slices of time as short as can be, and a nicer value by PRECEDENCE_NICE if that is permitted.
 * A wish: what the system refuses is told in the log, or (the nice value) left. */
void precedence_take(const char *thread_name);

#endif
