#include "time/suspicion.h"

#include <string.h>

static void begin_window(struct suspicion *suspicion, struct now now)
{
    memset(suspicion->counts, 0, sizeof(suspicion->counts));
    suspicion->began_ms = now.monotonic_ms;
}

static bool has_zone(const struct suspicion *suspicion, enum symptom symptom, uint64_t zone)
{
    for (unsigned i = 0; i < suspicion->counts[symptom]; i++)
        if (suspicion->zones[symptom][i] == zone)
            return true;
    return false;
}

static void point_at_us(struct suspicion *suspicion, enum symptom symptom, struct now now)
{
    suspicion->held_until_ms[symptom] = now.monotonic_ms + SUSPICION_WINDOW_MS;
}

void suspicion_note_root(struct suspicion *suspicion, enum symptom symptom, struct now now)
{
    if (symptom != SYMPTOM_SECURE)
        point_at_us(suspicion, symptom, now);
}

void suspicion_note(struct suspicion *suspicion, enum symptom symptom, uint64_t zone, struct now now)
{
    unsigned *counts = suspicion->counts;
    if (now.monotonic_ms - suspicion->began_ms >= SUSPICION_WINDOW_MS || counts[SYMPTOM_SECURE] == SUSPICION_ZONES_MAX)
        begin_window(suspicion, now);
    if (counts[symptom] < SUSPICION_ZONES_MAX && !has_zone(suspicion, symptom, zone))
        suspicion->zones[symptom][counts[symptom]++] = zone;
    if (symptom != SYMPTOM_SECURE && counts[symptom] >= SUSPICION_ZONES_MIN &&
        2 * counts[symptom] >= counts[SYMPTOM_SECURE])
        point_at_us(suspicion, symptom, now);
}

bool suspicion_points_at_us(const struct suspicion *suspicion, enum symptom symptom, struct now now)
{
    return now.monotonic_ms < suspicion->held_until_ms[symptom];
}
