/* Evidence of failing zones in the running daemon: every worker files what it sees, the main thread keeps it in the
 * store, tells the log and answers vouchctl.  Workers take the lock for failures, and for good answers while some zone
 * fails; never for what comes out of the cache. */
#ifndef DAEMON_EVIDENCE_H
#define DAEMON_EVIDENCE_H

#include "control/orders.h"
#include "daemon/clock.h"
#include "monitor/diagnosis.h"
#include "store/store.h"

struct watcher;

enum {
    EVIDENCE_LINES_PER_MINUTE = 10, /* about zones that begin to fail or heal: the network decides how many there are */
    EVIDENCE_KEEP_DELAY_S = 5,      /* what comes in until then is written in one transaction */
    EVIDENCE_EXPIRE_S = 60,
};

/* store: of the anchors; NULL: nothing is kept.  Both outlive the watcher. */
struct watcher *watcher_new(struct ev_loop *loop, struct store *store, struct clock *clock);
/* Keeps what is not kept yet. */
void watcher_free(struct watcher *watcher);

/* From any thread: one question was resolved and judged. */
void watcher_judged(struct watcher *watcher, const struct testimony *testimony, struct now now);

struct watcher_stats {
    uint64_t zones, failing, dropped, begun, healed;
};
void watcher_get_stats(struct watcher *watcher, struct watcher_stats *stats);

/* Under the lock; the zone is borrowed for the call.  now_s: monotonic, what its windows go by. */
void watcher_walk(struct watcher *watcher, void (*each)(void *to, const struct evidence_zone *zone, int64_t now_s),
                  void *to);
/* False: nothing is known of it. */
bool watcher_show(struct watcher *watcher, const struct dname *zone,
                  void (*show)(void *to, const struct evidence_zone *zone, const struct diagnosis *diagnosis),
                  void *to);

#endif
