/* "Our clock is wrong" told from "their signature expired": one zone that fails by the time has a fault of its own;
 * many unrelated ones that fail the same way, while few others are well, point at us.  Sets of hashes, bounded, in
 * windows that end after a time or once enough zones were found well: a hint, not a proof. */
#ifndef TIME_SUSPICION_H
#define TIME_SUSPICION_H

#include "time/now.h"

enum {
    SUSPICION_WINDOW_MS =
        600000,               /* zones sign anew days ahead: their faults do not come within minutes of each other */
    SUSPICION_ZONES_MIN = 8,  /* a few zones are expired at any time */
    SUSPICION_ZONES_MAX = 64, /* so many that are well end the window: a busy resolver meets many of both kinds */
};

enum symptom { SYMPTOM_SECURE, SYMPTOM_EXPIRED, SYMPTOM_NOT_YET, SYMPTOMS };

struct suspicion {
    int64_t began_ms; /* the window, monotonic */
    unsigned counts[SYMPTOMS];
    uint64_t zones[SYMPTOMS][SUSPICION_ZONES_MAX];
    int64_t held_until_ms[SYMPTOMS]; /* the last time it pointed at us, and a window more */
};

/* zone: a hash of what makes zones related, such as the two labels under the root.  Points at us when
 * SUSPICION_ZONES_MIN unrelated zones fail so, and they are as many as half of those that are well. */
void suspicion_note(struct suspicion *suspicion, enum symptom symptom, uint64_t zone, struct now now);
/* The zone that all others hang from: it points at us at once. */
void suspicion_note_root(struct suspicion *suspicion, enum symptom symptom, struct now now);
bool suspicion_points_at_us(const struct suspicion *suspicion, enum symptom symptom, struct now now);

#endif
