#include "monitor/window.h"

#include <string.h>

static const struct {
    const char *text;
    int64_t slot_s;
} windows[WINDOWS] = {
    [WINDOW_HOUR] = { "1h", WINDOW_HOUR_SLOT_S },
    [WINDOW_DAY] = { "1d", WINDOW_DAY_SLOT_S },
};

const char *window_text(enum window window)
{
    return windows[window].text;
}

bool window_from_text(const char *text, enum window *window)
{
    for (int i = 0; i < WINDOWS; i++) {
        if (strcmp(windows[i].text, text) == 0) {
            *window = (enum window)i;
            return true;
        }
    }
    return false;
}

static void count_in(struct windowed *windowed, enum window window, int64_t now_s)
{
    int64_t slot = now_s / windows[window].slot_s;
    if (slot - windowed->slot[window] >= WINDOW_SLOTS)
        memset(windowed->counts[window], 0, sizeof(windowed->counts[window]));
    else
        for (int64_t empty = windowed->slot[window] + 1; empty <= slot; empty++)
            windowed->counts[window][empty % WINDOW_SLOTS] = 0;
    windowed->slot[window] = slot;
    uint32_t *count = &windowed->counts[window][slot % WINDOW_SLOTS];
    *count += *count < UINT32_MAX;
}

void windowed_count(struct windowed *windowed, int64_t now_s)
{
    for (int window = 0; window < WINDOWS; window++)
        count_in(windowed, (enum window)window, now_s);
}

uint64_t windowed_sum(const struct windowed *windowed, enum window window, int64_t now_s)
{
    int64_t oldest = now_s / windows[window].slot_s - WINDOW_SLOTS + 1;
    uint64_t sum = 0;
    for (int64_t slot = windowed->slot[window]; slot >= oldest && slot > windowed->slot[window] - WINDOW_SLOTS; slot--)
        sum += slot < 0 ? 0 : windowed->counts[window][slot % WINDOW_SLOTS];
    return sum;
}
