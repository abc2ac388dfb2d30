/* Everything that is counted, as a flat table in the Prometheus text form. */
#ifndef DAEMON_STATS_H
#define DAEMON_STATS_H

#include "daemon/vouchd.h"

/* Calls back for each row: "vouch_answers_total{rcode=\"NOERROR\"}" and its value.  name is borrowed for the call. */
void stats_walk(struct vouchd *vouchd, void (*row)(void *context, const char *name, int64_t value), void *context);

#endif
