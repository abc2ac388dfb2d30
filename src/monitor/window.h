/* Counts over the last hour and the last day: rings of slots, so that what is old goes by itself.  A window is exact to
 * one of its slots: "the last hour" is fifty to sixty minutes. */
#ifndef MONITOR_WINDOW_H
#define MONITOR_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

enum { WINDOW_SLOTS = 6, WINDOW_HOUR_SLOT_S = 600, WINDOW_DAY_SLOT_S = 14400 };

enum window { WINDOW_HOUR, WINDOW_DAY, WINDOWS };
/* "1h", "1d" */
const char *window_text(enum window window);
bool window_from_text(const char *text, enum window *window);

/* All zeroes: nothing was counted. */
struct windowed {
    int64_t slot[WINDOWS]; /* number of the newest slot since 1970, or since the machine's start: the caller's clock */
    uint32_t counts[WINDOWS][WINDOW_SLOTS];
};
/* now_s never goes back: monotonic time.  Counts stop at their highest value. */
void windowed_count(struct windowed *windowed, int64_t now_s);
uint64_t windowed_sum(const struct windowed *windowed, enum window window, int64_t now_s);

#endif
