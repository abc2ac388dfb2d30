/* A queue of deadlines: a binary heap of intrusive timers, no allocation per timer. */
#ifndef TIME_TIMERS_H
#define TIME_TIMERS_H

#include <stddef.h>
#include <stdint.h>

struct timer {
    int64_t due_ms; /* monotonic */
    size_t slot;    /* 0: not armed; else 1 + place in the heap */
};

struct timers {
    struct timer **heap;
    size_t count, size;
};

void timers_clear(struct timers *timers); /* gives the heap's memory back; the timers belong to their owners */
/* Arms, or re-arms, the timer. */
void timers_set(struct timers *timers, struct timer *timer, int64_t due_ms);
void timers_cancel(struct timers *timers, struct timer *timer); /* a timer not armed is allowed */
/* INT64_MAX when nothing is armed. */
int64_t timers_next_ms(const struct timers *timers);
/* Takes one timer that is due out of the queue; NULL if none is. */
struct timer *timers_pop_due(struct timers *timers, int64_t now_ms);

#endif
