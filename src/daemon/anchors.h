/* Trust anchors in the running daemon: the set that follows RFC 5011, the store that keeps it, the chore that asks for
 * it with a resolver of its own.  All of it on the main thread, where the disk may be waited for. */
#ifndef DAEMON_ANCHORS_H
#define DAEMON_ANCHORS_H

#include "control/orders.h"
#include "daemon/bootstrap.h"
#include "daemon/clock.h"
#include "daemon/settings.h"
#include "steward/rollover.h"
#include "store/store.h"

struct anchors;

struct anchors_handler {
    void *context;
    /* The workers shall use this trust from now on (taken over), and anchors_use() the settings with it.  is_other:
     * some cached verdict could be another one under it. */
    void (*publish)(void *context, struct trust *trust, bool is_other);
    /* An inquiry has ended (anchors_inquiry()). */
    void (*inquired)(void *context);
};

/* Opens the store, and merges what it knows with the configuration. */
struct anchors *anchors_new(const struct config *config, struct now now);
void anchors_free(struct anchors *anchors);
/* Is there a store, and did it take what is known? */
bool anchors_are_kept(const struct anchors *anchors);
/* For what else must outlive the process; NULL: there is none.  As long as the anchors. */
struct store *anchors_store(const struct anchors *anchors);
/* Validation waits until an anchor of the root is had: nothing that is known locally can be used. */
void anchors_hold(struct anchors *anchors);
/* What is to be believed under that configuration. */
struct trust *anchors_snapshot(const struct anchors *anchors, const struct config *config);
/* Behind a reload, before the snapshot: the operator's word has changed. */
void anchors_merge(struct anchors *anchors, const struct config *config, struct now now);

/* Begins to ask, on the loop.  settings with the snapshot. */
void anchors_start(struct anchors *anchors, struct ev_loop *loop, struct cache *cache, const struct clock *clock,
                   const struct settings *settings, const struct anchors_handler *handler);
/* The next settings; those before are not used any more when it returns. */
void anchors_use(struct anchors *anchors, const struct settings *settings);

/* The latest time that was believed, over all runs; 0: none is known. */
int64_t anchors_latest_time(struct anchors *anchors);

/* Orders.  who: "uid 0"; for the history. */
void anchors_report(const struct anchors *anchors, struct anchors_report *report);
void anchors_walk_history(struct anchors *anchors, size_t max, void (*each)(void *to, const struct history_row *row),
                          void *to);
bool anchors_refresh(struct anchors *anchors, size_t *asked, struct order_failure *failure);
bool anchors_add(struct anchors *anchors, const char *text, const char *who, struct order_failure *failure);
bool anchors_remove(struct anchors *anchors, const struct dname *zone, uint16_t key_tag, const char *who,
                    struct order_failure *failure);

/* As the orders of control/orders.h. */
bool anchors_check(struct anchors *anchors, struct order_failure *failure);
bool anchors_bootstrap(struct anchors *anchors, struct documents *given, const char *who,
                       struct order_failure *failure);
void anchors_inquiry(const struct anchors *anchors, struct inquiry_report *report);

struct anchors_stats {
    uint64_t in_state[ANCHOR_STATES];
    uint64_t changes;
    int64_t refreshed_s; /* the longest ago of all zones; 0: one has never been */
    struct rollover_stats rollover;
    struct bootstrap_stats bootstrap;
    bool is_held;
    bool has_store;
    struct store_stats store;
};
void anchors_get_stats(const struct anchors *anchors, struct anchors_stats *stats);

#endif
