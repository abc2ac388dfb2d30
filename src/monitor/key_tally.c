#include "monitor/key_tally.h"

#include <assert.h>
#include <stdlib.h>

#include "base/arena.h"

/* One DNSKEY.  hash 0: free. */
struct tallied {
    uint64_t hash;
    uint8_t *zone; /* wire form in lower case, as long as it is: most are far shorter than the longest */
    uint8_t zone_octets;
    uint8_t algorithm;
    uint16_t key_tag;
    uint8_t last_failure;
    int64_t used_s;
    struct windowed good, failed;
};

struct key_tally {
    uint64_t evicted;
    struct tallied keys[KEY_TALLY_KEYS_MAX];
};

static_assert(KEY_TALLY_KEYS_MAX % KEY_TALLY_WAYS == 0, "whole sets");

struct key_tally *key_tally_new(void)
{
    return memory_new(1, sizeof(struct key_tally));
}

void key_tally_free(struct key_tally *tally)
{
    for (size_t i = 0; i < KEY_TALLY_KEYS_MAX; i++)
        free(tally->keys[i].zone);
    free(tally);
}

static bool is_key(const struct tallied *key, uint64_t hash, const struct dname *zone, const struct rrsig *sig)
{
    return key->hash == hash && key->key_tag == sig->key_tag && key->algorithm == sig->algorithm &&
           octets_equal((struct octets) { key->zone, key->zone_octets }, dname_octets(zone));
}

/* Is a worth less than b? */
static bool is_lesser(const struct tallied *a, const struct tallied *b, int64_t now_s)
{
    uint64_t failed_a = windowed_sum(&a->failed, WINDOW_DAY, now_s);
    uint64_t failed_b = windowed_sum(&b->failed, WINDOW_DAY, now_s);
    return failed_a != failed_b ? failed_a < failed_b : a->used_s < b->used_s;
}

static void take_place(struct tallied *key, uint64_t hash, const struct dname *zone, const struct rrsig *sig)
{
    free(key->zone);
    *key = (struct tallied) {
        .hash = hash,
        .zone = memory_new(zone->len, 1),
        .zone_octets = zone->len,
        .algorithm = sig->algorithm,
        .key_tag = sig->key_tag,
    };
    memcpy(key->zone, zone->octets, zone->len);
}

/* The key's place; a new one's is the place of the least of its set.  A zone's keys share a set: one that makes tags up
 * crowds out few others. */
static struct tallied *find_place(struct key_tally *tally, const struct rrsig *sig, int64_t now_s)
{
    struct dname zone;
    dname_lower(&sig->signer, &zone);
    uint64_t hash = dname_hash(&zone, 0) | 1;
    struct tallied *set = &tally->keys[(hash >> 1) % (KEY_TALLY_KEYS_MAX / KEY_TALLY_WAYS) * KEY_TALLY_WAYS];
    struct tallied *least = set;
    for (size_t i = 0; i < KEY_TALLY_WAYS; i++) {
        if (is_key(&set[i], hash, &zone, sig))
            return &set[i];
        if (least->hash != 0 && (set[i].hash == 0 || is_lesser(&set[i], least, now_s)))
            least = &set[i];
    }
    tally->evicted += least->hash != 0;
    take_place(least, hash, &zone, sig);
    return least;
}

void key_tally_count(struct key_tally *tally, const struct rrsig *sig, enum signature_fault fault, int64_t now_s)
{
    struct tallied *key = find_place(tally, sig, now_s);
    key->used_s = now_s;
    windowed_count(fault == FAULT_NONE ? &key->good : &key->failed, now_s);
    if (fault != FAULT_NONE)
        key->last_failure = (uint8_t)cause_of_fault(fault);
}

/* ---- the sum ---- */

static int compare_keys(const struct key_counts *a, const struct key_counts *b)
{
    int order = dname_compare(&a->zone, &b->zone);
    if (order == 0)
        order = a->key_tag != b->key_tag ? a->key_tag - b->key_tag : a->algorithm - b->algorithm;
    return order;
}

static struct key_counts *place_in_sum(struct key_sum *sum, const struct key_counts *counts)
{
    if (sum->count == sum->room) {
        sum->room = sum->room == 0 ? 256 : 2 * sum->room;
        sum->keys = memory_resize(sum->keys, sum->room, sizeof(*sum->keys));
    }
    sum->keys[sum->count] = *counts;
    return &sum->keys[sum->count++];
}

static void add_up(struct key_counts *to, const struct key_counts *from)
{
    if (from->failed[WINDOW_DAY] > to->failed[WINDOW_DAY])
        to->last_failure = from->last_failure;
    for (int window = 0; window < WINDOWS; window++) {
        to->good[window] += from->good[window];
        to->failed[window] += from->failed[window];
    }
}

static int compare_places(const void *a, const void *b)
{
    return compare_keys(a, b);
}

/* Sorted by key, two of one key become one. */
static void merge(struct key_sum *sum)
{
    size_t kept = 0;
    if (sum->count == 0)
        return;
    qsort(sum->keys, sum->count, sizeof(*sum->keys), compare_places);
    for (size_t i = 1; i < sum->count; i++) {
        if (compare_keys(&sum->keys[kept], &sum->keys[i]) == 0)
            add_up(&sum->keys[kept], &sum->keys[i]);
        else
            sum->keys[++kept] = sum->keys[i];
    }
    sum->count = kept + 1;
}

void key_sum_add(struct key_sum *sum, const struct key_tally *tally, int64_t now_s)
{
    sum->evicted += tally->evicted;
    for (size_t i = 0; i < KEY_TALLY_KEYS_MAX; i++) {
        const struct tallied *key = &tally->keys[i];
        if (key->hash == 0)
            continue;
        struct key_counts *counts = place_in_sum(sum, &(struct key_counts) {
                                                          .key_tag = key->key_tag,
                                                          .algorithm = key->algorithm,
                                                          .last_failure = (enum cause)key->last_failure,
                                                      });
        enum err err = dname_from_wire((struct octets) { key->zone, key->zone_octets }, &counts->zone);
        assert(err == OK); /* it was a name when it came */
        (void)err;
        for (int window = 0; window < WINDOWS; window++) {
            counts->good[window] = windowed_sum(&key->good, (enum window)window, now_s);
            counts->failed[window] = windowed_sum(&key->failed, (enum window)window, now_s);
        }
    }
    merge(sum);
}

static int compare_failures(const void *a, const void *b, void *context)
{
    const struct key_counts *first = a, *second = b;
    enum window window = *(const enum window *)context;
    if (first->failed[window] != second->failed[window])
        return first->failed[window] > second->failed[window] ? -1 : 1;
    return compare_keys(first, second);
}

void key_sum_sort(struct key_sum *sum, enum window window)
{
    if (sum->count > 0)
        qsort_r(sum->keys, sum->count, sizeof(*sum->keys), compare_failures, &window);
}

void key_sum_clear(struct key_sum *sum)
{
    free(sum->keys);
    *sum = (struct key_sum) { .count = 0 };
}
