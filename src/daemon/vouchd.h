/* The daemon as a whole: what the main thread knows.  It starts and ends things, keeps house, and obeys signals and
 * orders; clients never wait for it. */
#ifndef DAEMON_VOUCHD_H
#define DAEMON_VOUCHD_H

#include <ev.h>

#include "control/control.h"
#include "daemon/anchors.h"
#include "daemon/clock.h"
#include "daemon/keeper.h"
#include "daemon/listeners.h"
#include "daemon/negatives.h"
#include "daemon/settings.h"
#include "daemon/worker.h"

struct vouchd {
    const char *path_asked_for; /* of the configuration; NULL: the default one, or defaults alone */
    struct ev_loop *loop;
    struct random *random;
    struct settings *settings; /* what the workers use */
    struct settings *first;    /* those of the start: what needs a restart is still as they say */
    struct keeper keeper;
    struct cache *cache;
    struct listeners listeners;
    struct clock *clock;
    struct anchors *anchors;
    struct watcher *watcher;
    struct negatives *negatives;
    struct workers *workers;
    int control_fd;          /* listens for orders; -1: none */
    struct control *control; /* NULL: none */
    struct now started;
    uint64_t reloads, reloads_failed;
    int exit_code; /* what vouchd_run() returns once its loop has ended */
    ev_signal on_term, on_int, on_hup;
};

/* Runs until it is told to stop.  Takes settings over.  sysexits: EX_OK, or why it could not start (said in the
 * log). */
int vouchd_run(const char *path_asked_for, struct settings *settings, struct random *random);

/* vouchd_run() returns soon. */
void vouchd_stop(struct vouchd *vouchd);

#endif
