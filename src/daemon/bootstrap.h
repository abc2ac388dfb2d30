/* Looks after the anchors of the root as a whole: when none of them is published any more it has root-anchors.xml
 * brought (RFC 9718), else holds validation; and it answers for their state on demand. */
#ifndef DAEMON_BOOTSTRAP_H
#define DAEMON_BOOTSTRAP_H

#include "control/orders.h"
#include "daemon/inquirer.h"

struct bootstrap;

struct bootstrap_host {
    void *context;
    struct managed *managed;
    /* inquiry_adopt() with all that follows from it: log, history, store, workers. */
    bool (*adopt)(void *context, const struct inquiry *inquiry, const struct inquiry_rules *rules, const char *who,
                  struct anchor_changes *changes, const char **fault);
    /* Validation shall be held, or go on. */
    void (*hold)(void *context, bool is_held);
    /* An inquiry has ended: bootstrap_report() has it. */
    void (*inquired)(void *context);
};

struct bootstrap *bootstrap_new(struct ev_loop *loop, struct cache *cache, struct random *random,
                                const struct clock *clock, const struct settings *settings,
                                const struct bootstrap_host *host);
void bootstrap_free(struct bootstrap *bootstrap);
void bootstrap_use(struct bootstrap *bootstrap, const struct settings *settings);

/* A refresh of the root's keys has ended, well or not. */
void bootstrap_note_refresh(struct bootstrap *bootstrap, bool is_good);
/* Now and then; is_held: validation is held for want of an anchor. */
void bootstrap_tick(struct bootstrap *bootstrap, bool is_held, struct now now);

/* Orders; false: *failure says why none begins.  given is taken over, or NULL: what the sources have. */
bool bootstrap_check(struct bootstrap *bootstrap, struct order_failure *failure);
bool bootstrap_order(struct bootstrap *bootstrap, struct documents *given, const char *who,
                     struct order_failure *failure);
void bootstrap_report(const struct bootstrap *bootstrap, struct inquiry_report *report);
/* Signing time of the root-anchors.xml that was accepted last; 0: none. */
void bootstrap_set_signed(struct bootstrap *bootstrap, int64_t signed_s);

struct bootstrap_stats {
    uint64_t inquiries, adopted, failed; /* the latter two: bootstraps */
    enum anchor_verdict verdict;         /* the last one; UNKNOWN before */
};
void bootstrap_get_stats(const struct bootstrap *bootstrap, struct bootstrap_stats *stats);

#endif
