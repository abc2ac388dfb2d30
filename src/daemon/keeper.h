/* The file that lets the cache outlive the process, and the key of its checks in the state directory.  Whatever is
 * wrong with either costs a warning and the warmth of the cache, never the start. */
#ifndef DAEMON_KEEPER_H
#define DAEMON_KEEPER_H

#include "config/config.h"
#include "daemon/privileges.h"

struct keeper {
    int fd; /* -1: the cache is in private memory */
    void *memory;
    uint64_t octets;
};

/* Opens the file, which may take root's rights, and makes its directory. */
void keeper_open(struct keeper *keeper, const struct config *config, const struct identity *identity);
/* Maps the file, after rights were dropped.  Sets the hash secret: before any hash that is kept. */
void keeper_map(struct keeper *keeper, const struct config *config, struct random *random);
void keeper_close(struct keeper *keeper);

#endif
