/* The sockets that clients ask at: opened by the main thread, before rights are given up, and handed to the workers. */
#ifndef DAEMON_LISTENERS_H
#define DAEMON_LISTENERS_H

#include "daemon/worker.h"

struct listeners {
    struct listen_sockets *items;
    size_t count;
};

/* Opens one pair of sockets a worker for each address that is not in `open` yet (NULL: none is).  sysexits: EX_OK; else
 * a line in the log says what is wrong, nothing is open, and it is EX_CONFIG (no such address here), EX_UNAVAILABLE (in
 * use), EX_NOPERM or EX_OSERR.  A default address that the host lacks is a warning. */
int listeners_open(const struct config *config, const struct listeners *open, unsigned workers,
                   struct listeners *opened);
/* Closes the descriptors of sockets that no worker has taken over, and forgets all. */
void listeners_close(struct listeners *listeners, unsigned workers);
/* Forgets them; the descriptors are the workers'. */
void listeners_clear(struct listeners *listeners);

void listeners_add(struct listeners *listeners, const struct listen_sockets *sockets);
/* Swaps the last one into its place. */
void listeners_remove(struct listeners *listeners, size_t index);

#endif
