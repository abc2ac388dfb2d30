/* Negative trust anchors in the running daemon: the set, the store that keeps it, the chore that looks whether they are
 * needed still, with a resolver and a cache of its own that know nothing of them.  All of it on the main thread. */
#ifndef DAEMON_NEGATIVES_H
#define DAEMON_NEGATIVES_H

#include "control/orders.h"
#include "daemon/clock.h"
#include "daemon/settings.h"
#include "steward/nta_check.h"
#include "store/store.h"

struct negatives;

struct negatives_handler {
    void *context;
    /* The set has changed: the workers shall use what negatives_apply() makes of it, and negatives_use() the settings
     * with it.  Before the next two. */
    void (*publish)(void *context);
    /* One begins at this zone: what the cache holds at and below it is to be judged anew.  Notes questions there that
     * were Bogus; *count: how many fit, and how many there were of them.  How many entries went or lost their
     * verdict. */
    size_t (*begun)(void *context, const struct dname *zone, struct question *bogus, uint16_t *count);
    /* One has ended: all that rests on it goes.  How many entries. */
    size_t (*ended)(void *context, const struct dname *zone);
    /* An order waits for this no more: struct nta_row.cut is known. */
    void (*cut_known)(void *context);
};

/* Reads the store (NULL: there is none), and merges what it knows with the configuration. */
struct negatives *negatives_new(struct store *store, const struct config *config, struct now now);
void negatives_free(struct negatives *negatives);
/* The negative anchors of trust are replaced by those in effect. */
void negatives_apply(const struct negatives *negatives, struct trust *trust);
/* Behind a reload, before the snapshot. */
void negatives_merge(struct negatives *negatives, const struct config *config, struct now now);

/* settings with what negatives_apply() made. */
void negatives_start(struct negatives *negatives, struct ev_loop *loop, const struct clock *clock,
                     const struct settings *settings, const struct negatives_handler *handler);
/* The next settings; those before are not used any more when it returns. */
void negatives_use(struct negatives *negatives, const struct settings *settings);

/* Orders. */
void negatives_report(const struct negatives *negatives, struct negatives_report *report);
void negatives_walk_history(struct negatives *negatives, size_t max,
                            void (*each)(void *to, const struct nta_history_row *row), void *to);
bool negatives_add(struct negatives *negatives, const struct nta_order *order, struct order_failure *failure);
bool negatives_remove(struct negatives *negatives, const struct dname *zone, const char *who, size_t *entries,
                      struct order_failure *failure);

struct negatives_stats {
    uint64_t active[NTA_SOURCES];
    uint64_t events[NTA_EVENTS];
    struct nta_check_stats check;
};
void negatives_get_stats(const struct negatives *negatives, struct negatives_stats *stats);

#endif
