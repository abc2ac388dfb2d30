/* What the process may do, and when it gives up the rest: everything that needs root (binding, making directories)
 * comes before privileges_drop(), everything that the network can reach comes after it. */
#ifndef DAEMON_PRIVILEGES_H
#define DAEMON_PRIVILEGES_H

#include <stdbool.h>
#include <sys/types.h>

#include "config/config.h"

struct identity {
    bool is_change;   /* false: stay who we are */
    const char *user; /* borrowed from the configuration */
    uid_t uid;
    gid_t gid;
};

/* Does `user` exist?  sysexits: EX_OK, or a line in the log and EX_CONFIG. */
int privileges_check(const struct config *config);

/* Who `user` is; without it, who we are.  sysexits: EX_OK, or a line in the log and EX_CONFIG (no such user) or
 * EX_NOPERM (we are somebody else, and not root). */
int privileges_find(const struct config *config, struct identity *identity);

/* Makes the directory (and none above it), 0700 or 0750, for the user to be, if it is not there.  What cannot be done
 * is seen by who needs it. */
void privileges_make_directory(const char *path, mode_t mode, const struct identity *identity);

/* For good: no group, no capability, no set-user-ID program brings anything back.  sysexits: EX_OK, or EX_NOPERM after
 * a line in the log. */
int privileges_drop(const struct identity *identity);

#endif
