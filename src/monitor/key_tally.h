/* Good and failed signatures for each DNSKEY, known by zone, tag and algorithm as the signatures name it (row D6-run):
 * hints for people, and nothing decides by them.  One tally for each thread, which alone touches it; who asks gets the
 * sum.  Bounded: where room is short, keys that never failed go first, then those that failed the least. */
#ifndef MONITOR_KEY_TALLY_H
#define MONITOR_KEY_TALLY_H

#include "message/rdata.h"
#include "monitor/cause.h"
#include "monitor/window.h"

enum {
    KEY_TALLY_KEYS_MAX = 2048, /* of one thread: some 330 KB */
    KEY_TALLY_WAYS = 16,       /* places that the keys of one zone may have */
};

struct key_tally;

struct key_tally *key_tally_new(void);
void key_tally_free(struct key_tally *tally);

/* One signature, and how far it came. */
void key_tally_count(struct key_tally *tally, const struct rrsig *sig, enum signature_fault fault, int64_t now_s);

struct key_counts {
    struct dname zone; /* in lower case */
    uint16_t key_tag;
    uint8_t algorithm;
    enum cause last_failure; /* once failed > 0 */
    uint64_t good[WINDOWS], failed[WINDOWS];
};

/* The sum of several tallies: begins zeroed. */
struct key_sum {
    struct key_counts *keys;
    size_t count, room;
    uint64_t evicted; /* keys that were given up, all told */
};
void key_sum_add(struct key_sum *sum, const struct key_tally *tally, int64_t now_s);
/* The worst first: by failures in the window, then by name, tag and algorithm. */
void key_sum_sort(struct key_sum *sum, enum window window);
void key_sum_clear(struct key_sum *sum);

#endif
