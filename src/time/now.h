/* The core asks no clock: whoever calls it says what time it is. */
#ifndef TIME_NOW_H
#define TIME_NOW_H

#include <stdbool.h>
#include <stdint.h>

struct now {
    int64_t wall_ms;      /* UNIX time: deadlines of data (TTL, signatures), which outlive the process */
    int64_t monotonic_ms; /* drives timers */
    bool wall_is_fit;     /* false: validation is held (clock below a floor, sources disagree) */
};

static inline int64_t now_wall_s(struct now now)
{
    return now.wall_ms / 1000;
}

/* The system's clocks, through libc.  The only function of the core's folders that asks them: for the programs'
 * outer loops. */
struct now now_from_system(void);

#endif
