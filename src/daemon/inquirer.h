/* Brings what steward/inquiry judges: asks the root for its keys, has root-anchors.xml retrieved.  One inquiry at a
 * time, with a resolver of its own, on the main thread. */
#ifndef DAEMON_INQUIRER_H
#define DAEMON_INQUIRER_H

#include "daemon/clock.h"
#include "daemon/settings.h"
#include "steward/inquiry.h"

struct inquirer;

struct inquirer_handler {
    void *context;
    /* The DNSKEY set is there: shall root-anchors.xml be retrieved as well? */
    bool (*wants_documents)(void *context, const struct inquiry *inquiry);
    /* From the loop; the inquiry is taken over. */
    void (*done)(void *context, struct inquiry *inquiry);
};

struct inquirer *inquirer_new(struct ev_loop *loop, struct cache *cache, struct random *random,
                              const struct clock *clock, const struct settings *settings,
                              const struct inquirer_handler *handler);
void inquirer_free(struct inquirer *inquirer);
/* The next settings; an inquiry that is under way begins anew. */
void inquirer_use(struct inquirer *inquirer, const struct settings *settings);

/* None is under way.  given: taken over, in place of what the sources have; NULL: those.  last_signed_s: of the
 * root-anchors.xml that was accepted last, or 0. */
void inquirer_begin(struct inquirer *inquirer, struct documents *given, int64_t last_signed_s);
/* Ends the one that is under way, if any, without a word. */
void inquirer_abandon(struct inquirer *inquirer);
bool inquirer_is_busy(const struct inquirer *inquirer);
/* By which the inquiry is judged now. */
struct inquiry_rules inquirer_rules(const struct inquirer *inquirer);

#endif
