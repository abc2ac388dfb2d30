/* Threads that answer out of the cache go before those that resolve: where they share a core, a hit waits for no
 * signature that is being checked there. */
#ifndef TRANSPORT_PRECEDENCE_H
#define TRANSPORT_PRECEDENCE_H

/* For a process that is root and is about to become somebody else: precedence_take() may still have all it asks for. */
void precedence_permit(void);

/* For the calling thread: slices of time as short as can be, and a nicer value by PRECEDENCE_NICE if that is permitted.
 * A wish: what the system refuses is told in the log, or (the nice value) left. */
void precedence_take(const char *thread_name);

/* For a calling thread that resolves: where others may not have the nice value that they ask for, this one's is made
 * higher by as much.  Threads that it makes afterwards have that, too. */
void precedence_give(void);

#endif
