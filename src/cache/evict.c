/* What goes under pressure: first segments in which all has expired, then entries that were not read since the hand
 * last came by, from old to new, segment by segment; those that were read stay in their place of the order (SIEVE,
 * Zhang et al., NSDI '24, by segments that are merged as in Segcache, Yang et al., NSDI '21). */
#include "cache/shard.h"

enum {
    SEGMENTS_SPARE = 2,  /* one for survivors, one for whoever needs it */
    ROUND_SEGMENTS = 16, /* looked at for one write; the last half without mercy */
    STARVED_S = 10,      /* so often a file that had no more space is asked again */
};

void entry_forget(struct shard *shard, uint64_t slot)
{
    struct shard_region *region = shard->region;
    struct entry_sizes sizes;
    if (entry_at(shard, slot_offset(slot), &sizes) == NULL)
        return;
    struct segment *segment = &shard->segments[slot_offset(slot) / shard->segment_octets];
    segment->live -= segment->live > 0;
    region->tagged[sizes.tag] -= region->tagged[sizes.tag] > 0; /* a crash may have left it one too low */
}

void entry_drop(struct shard *shard, word *slot)
{
    struct shard_region *region = shard->region;
    uint64_t dropped = word_get(slot);
    atomic_store_explicit(slot, 0, memory_order_release);
    region->entries -= region->entries > 0;
    entry_forget(shard, dropped);
}

void segment_reclaim(struct shard *shard, uint64_t slot)
{
    uint64_t at = slot_offset(slot) / shard->segment_octets;
    if (at >= shard->segment_count || shard->segments[at].state != SEGMENT_ENTRIES || shard->segments[at].live > 0)
        return;
    segment_give_back(shard, (uint32_t)at);
    segment_release(shard, (uint32_t)at);
}

/* Calls back with each entry of the segment that the table knows. */
static void for_each_live(struct shard *shard, uint32_t segment, void (*act)(struct shard *, word *, word *, void *),
                          void *context)
{
    uint64_t offset = segment_offset(shard, segment), end = offset + shard->segments[segment].fill;
    while (offset < end) {
        struct entry_sizes sizes;
        word *entry = entry_at(shard, offset, &sizes);
        if (entry == NULL)
            return;
        word *slot = table_slot_of(shard, offset, entry_hash(shard, entry, &sizes));
        if (slot != NULL)
            act(shard, slot, entry, context);
        offset += entry_extent(&sizes);
    }
}

static void drop(struct shard *shard, word *slot, word *entry, void *context)
{
    (void)entry;
    (void)context;
    entry_drop(shard, slot);
    shard->region->evictions++;
}

static void drop_segment(struct shard *shard, uint32_t segment)
{
    for_each_live(shard, segment, drop, NULL);
    segment_give_back(shard, segment);
}

struct mercy {
    bool any;
    int64_t now_s;
};

static bool survive(struct shard *shard, word *slot, word *entry)
{
    uint64_t state = word_get(&entry[ENTRY_STATE]);
    struct entry_sizes sizes = sizes_unpack(word_get(&entry[ENTRY_SIZES]));
    sizes.slack = 0;
    uint64_t offset = segment_append(shard, &shard->region->survivors, &sizes);
    if (offset == UINT64_MAX)
        return false;
    shard->segments[shard->region->survivors - 1].live++;
    word *copy = (word *)(void *)(shard->data + offset);
    size_t words = entry_extent(&sizes) / WORD;
    word_take_over(&copy[ENTRY_STATE], state & ~(uint64_t)STATE_VISITED);
    for (size_t i = ENTRY_DATA; i < words; i++)
        word_take_over(&copy[i], word_get(&entry[i]));
    atomic_store_explicit(slot, slot_make(offset, entry_hash(shard, entry, &sizes)), memory_order_release);
    return true;
}

static void spare_or_drop(struct shard *shard, word *slot, word *entry, void *context)
{
    const struct mercy *mercy = context;
    struct entry_sizes sizes = sizes_unpack(word_get(&entry[ENTRY_SIZES]));
    bool is_spared = mercy->any && word_get(&entry[ENTRY_STATE]) & STATE_VISITED && sizes.expires_s > mercy->now_s;
    if (!is_spared || !survive(shard, slot, entry))
        drop(shard, slot, entry, NULL);
}

/* The oldest segment behind the hand; UINT32_MAX if there is none. */
static uint32_t next_behind(const struct shard *shard, uint64_t hand)
{
    uint32_t next = UINT32_MAX;
    for (uint32_t i = 0; i < shard->segment_count; i++) {
        const struct segment *segment = &shard->segments[i];
        if (segment->state == SEGMENT_ENTRIES && segment->position > hand &&
            (next == UINT32_MAX || segment->position < shard->segments[next].position))
            next = i;
    }
    return next;
}

/* The segment's survivors join those of the segments before it. */
static void merge_next(struct shard *shard, struct mercy mercy)
{
    struct shard_region *region = shard->region;
    uint32_t victim = next_behind(shard, region->hand);
    if (victim == UINT32_MAX) { /* begin at the oldest again */
        region->hand = 0;
        region->survivors = 0;
        victim = next_behind(shard, 0);
    }
    if (victim == UINT32_MAX)
        return;
    region->hand = shard->segments[victim].position;
    for_each_live(shard, victim, spare_or_drop, &mercy);
    if (region->survivors != 0)
        shard->segments[region->survivors - 1].position = region->hand;
    segment_give_back(shard, victim);
}

static uint32_t first_expired(const struct shard *shard, int64_t now_s)
{
    uint32_t first = UINT32_MAX;
    for (uint32_t i = 0; i < shard->segment_count; i++) {
        const struct segment *segment = &shard->segments[i];
        if (segment->state == SEGMENT_ENTRIES && segment->expires_s <= now_s &&
            (first == UINT32_MAX || segment->expires_s < shard->segments[first].expires_s))
            first = i;
    }
    return first;
}

void evict(struct shard *shard, int64_t now_s)
{
    if (shard->is_starved && now_s >= shard->starved_until_s) {
        shard->is_starved = false;
        shard->starved_until_s = now_s + STARVED_S;
    }
    for (size_t i = 0; i < ROUND_SEGMENTS && segments_free(shard) < SEGMENTS_SPARE; i++) {
        uint32_t expired = first_expired(shard, now_s);
        if (expired != UINT32_MAX)
            drop_segment(shard, expired);
        else
            merge_next(shard, (struct mercy) { .any = i < ROUND_SEGMENTS / 2, .now_s = now_s });
    }
}

void sweep_segment(struct shard *shard, int64_t now_s, int64_t keep_s)
{
    uint32_t at = shard->sweep_at;
    const struct segment *segment = &shard->segments[at];
    shard->sweep_at = (at + 1) % shard->segment_count;
    if (segment->state != SEGMENT_ENTRIES || segment->expires_s > now_s || now_s - segment->expires_s <= keep_s)
        return;
    drop_segment(shard, at);
    segment_release(shard, at);
}
