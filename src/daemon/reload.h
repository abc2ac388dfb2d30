/* What changes while vouchd runs: sockets and settings by a reload, trust by itself and by orders.  Everything is
 * handed out whole: when a call returns, all workers go by what is new. */
#ifndef DAEMON_RELOAD_H
#define DAEMON_RELOAD_H

#include "daemon/vouchd.h"

/* Reads the configuration again.  Either all of it takes effect (but what needs a restart: a line each in notes), or
 * nothing does: then false, and *error is a sentence. */
bool vouchd_reload(struct vouchd *vouchd, FILE *notes, struct config_error *error);

/* Workers serve these sockets from now on; false: by TCP alone. */
bool vouchd_listen_on(struct vouchd *vouchd, const struct listen_sockets *sockets);

/* The configuration's own trust gives way to what has become of it.  Takes settings over. */
struct settings *vouchd_follow_anchors(const struct vouchd *vouchd, struct settings *settings);

/* So that the next process knows what the cached verdicts rest on. */
void vouchd_bind_cache(const struct vouchd *vouchd);

/* They hand new trust to the workers. */
struct anchors_handler vouchd_anchors_handler(struct vouchd *vouchd);
struct negatives_handler vouchd_negatives_handler(struct vouchd *vouchd);

#endif
