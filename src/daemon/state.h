/* The state directory: may we write there? */
#ifndef DAEMON_STATE_H
#define DAEMON_STATE_H

#include "config/config.h"

/* Writes and removes a file.  sysexits: EX_OK; EX_CANTCREAT when it fails and `state: required`, else a warning. */
int state_check(const struct config *config);

#endif
