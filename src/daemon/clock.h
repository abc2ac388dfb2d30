/* The clock under watch: brings the facts that time/judgement judges by, again and again, and tells the workers whether
 * signatures may be judged.  On the main thread but for what says otherwise. */
#ifndef DAEMON_CLOCK_H
#define DAEMON_CLOCK_H

#include "control/orders.h"
#include "time/suspicion.h"

struct clock;

struct clock_handler {
    void *context;
    /* The clock went back by more than time.max-offset: what the cache holds seems to come from the future. */
    void (*jumped_back)(void *context);
    /* The clock is unfit, and time.on-unfit is exit. */
    void (*must_exit)(void *context);
    /* A check has ended. */
    void (*checked)(void *context);
};

/* Judges at once by floors and kernel, and begins the first check of the servers.  seen_s: the latest time that a
 * process before believed, UNIX time, or CLOCK_NO_FLOOR. */
struct clock *clock_new(struct ev_loop *loop, struct random *random, const struct config *config, int64_t seen_s,
                        const struct clock_handler *handler);
void clock_free(struct clock *clock);
/* After a reload. */
void clock_configure(struct clock *clock, const struct config *config);

/* Runs the loop until the first check is over, if the kernel does not vouch for the clock and there are servers to ask.
 * False: somebody has ended the loop meanwhile. */
bool clock_settle(struct clock *clock);
/* Begins a check unless one is under way; handler.checked() may be called before it returns. */
void clock_check(struct clock *clock);
void clock_report(struct clock *clock, struct time_report *report);

/* From any thread: may signatures be judged? */
bool clock_is_fit(const struct clock *clock);
/* Does more than our own word speak for it: a synchronised kernel that nobody contradicts, or most of three
 * servers?  Such a time may become a floor of later runs. */
bool clock_is_confirmed(const struct clock *clock);
/* From any thread: how a zone fared that was judged just now. */
void clock_note(struct clock *clock, enum symptom symptom, const struct dname *zone, struct now now);

#endif
