#include <assert.h>
#include <sys/mman.h>

#include "base/hash.h"
#include "cache/shard.h"

enum {
    SEGMENTS_MIN = 16,
    SEGMENT_OCTETS_MIN = 1024,
    SEGMENTS_SMALL = 64,   /* about so many in a small shard … */
    SEGMENTS_LARGE = 1024, /* … and in one whose segments would take the largest value even so */
    SEGMENT_OCTETS_WHOLE = 128 * 1024,
};
_Static_assert(SEGMENT_OCTETS_WHOLE > POOL_VALUE_OCTETS_MAX + POOL_KEY_OCTETS_MAX + ENTRY_DATA * WORD, "it fits");

/* Octets that a shard needs beside its segments. */
static size_t beside_segments(uint32_t segment_count)
{
    size_t octets = sizeof(struct shard_region) + segment_count * (sizeof(struct segment) + sizeof(uint32_t));
    return (octets + LINE_OCTETS - 1) / LINE_OCTETS * LINE_OCTETS;
}

static uint32_t power_of_two_upto(uint64_t number)
{
    return number < 1 ? 1 : UINT32_C(1) << (63 - __builtin_clzll(number));
}

static uint32_t choose_segment_octets(uint64_t octets)
{
    uint32_t small = power_of_two_upto(octets / SEGMENTS_SMALL), large = power_of_two_upto(octets / SEGMENTS_LARGE);
    if (large >= SEGMENT_OCTETS_WHOLE)
        return large;
    if (small >= SEGMENT_OCTETS_WHOLE)
        return SEGMENT_OCTETS_WHOLE;
    return small > SEGMENT_OCTETS_MIN ? small : SEGMENT_OCTETS_MIN;
}

/* Segments begin on a page where that costs little: whole pages can be given back. */
static size_t fixed_octets(uint32_t segment_count, uint32_t segment_octets)
{
    size_t octets = beside_segments(segment_count);
    return segment_octets < PAGE_OCTETS ? octets : (octets + PAGE_OCTETS - 1) / PAGE_OCTETS * PAGE_OCTETS;
}

static void lay_out(struct shard *shard, uint8_t *memory, uint64_t octets)
{
    shard->segment_octets = choose_segment_octets(octets);
    shard->segment_count = (uint32_t)(octets / shard->segment_octets);
    while (fixed_octets(shard->segment_count, shard->segment_octets) + data_octets(shard) > octets)
        shard->segment_count--;
    assert(shard->segment_count >= SEGMENTS_MIN);
    shard->lines_per_segment = shard->segment_octets / LINE_OCTETS;
    shard->lines_shift = (uint32_t)__builtin_ctz(shard->lines_per_segment);
    shard->fixed_octets = (uint32_t)fixed_octets(shard->segment_count, shard->segment_octets);
    shard->region = (struct shard_region *)(void *)memory;
    shard->segments = (struct segment *)(void *)(memory + sizeof(struct shard_region));
    shard->directory = (_Atomic uint32_t *)(void *)(shard->segments + shard->segment_count);
    shard->data = memory + shard->fixed_octets;
}

static uint32_t count_free(const struct shard *shard)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < shard->segment_count; i++)
        count += shard->segments[i].state == SEGMENT_FREE;
    return count;
}

void shard_init(struct shard *shard, uint8_t *memory, uint64_t octets, uint64_t seed, bool is_shared)
{
    *shard = (struct shard) { .seed = seed, .is_shared = is_shared };
    pthread_mutex_init(&shard->lock, NULL);
    lay_out(shard, memory, octets);
    struct shard_region *region = shard->region;
    if (is_shared && !pages_reserve(memory, shard->fixed_octets + LINE_OCTETS)) {
        shard->is_starved = true;
        return;
    }
    if (word_get(&region->bucket_count) != 0) {
        region->free_segments = count_free(shard); /* a crash may have left another number */
        return;
    }
    region->free_segments = shard->segment_count;
    region->next_position = 1;
    atomic_store_explicit(&shard->directory[0], segment_take(shard, SEGMENT_LINES), memory_order_relaxed);
    atomic_store_explicit(&region->bucket_count, 1, memory_order_release);
}

bool shard_is_sound(const struct shard *shard)
{
    const struct shard_region *region = shard->region;
    if (shard->is_starved)
        return false;
    uint64_t buckets = word_get(&region->bucket_count);
    bool sound = buckets > 0 && buckets <= (uint64_t)shard->segment_count * shard->lines_per_segment &&
                 region->survivors <= shard->segment_count;
    for (size_t class = 0; class < TTL_CLASSES; class ++)
        sound = sound && region->open[class] <= shard->segment_count;
    for (uint32_t i = 0; sound && i < shard->segment_count; i++)
        sound = shard->segments[i].state <= SEGMENT_LINES && shard->segments[i].fill <= shard->segment_octets &&
                shard->segments[i].reserved <= shard->segment_octets;
    return sound;
}

uint64_t shard_used_octets(const struct shard *shard)
{
    uint64_t used = shard->fixed_octets;
    for (uint32_t i = 0; i < shard->segment_count; i++)
        used += shard->segments[i].state == SEGMENT_FREE ? 0 : shard->segments[i].fill;
    return used;
}

void shard_reuse(struct shard *shard)
{
    atomic_fetch_add_explicit(&shard->region->reuse, 1, memory_order_release);
    atomic_thread_fence(memory_order_release);
}

/* ---- segments ---- */

bool segment_reserve(struct shard *shard, uint32_t segment, uint32_t octets)
{
    struct segment *reserved = &shard->segments[segment];
    if (!shard->is_shared || octets <= reserved->reserved)
        return true;
    uint32_t upto = (octets + PAGE_OCTETS - 1) / PAGE_OCTETS * PAGE_OCTETS;
    if (upto > shard->segment_octets)
        upto = shard->segment_octets;
    if (shard->is_starved ||
        !pages_reserve(shard->data + segment_offset(shard, segment) + reserved->reserved, upto - reserved->reserved)) {
        shard->refusals += !shard->is_starved;
        shard->is_starved = true;
        return false;
    }
    reserved->reserved = upto;
    return true;
}

/* While the file can have no more, only those that were in use before. */
static bool can_be_taken(const struct shard *shard, uint32_t segment)
{
    return shard->segments[segment].state == SEGMENT_FREE &&
           (!shard->is_starved || shard->segments[segment].reserved > 0);
}

uint32_t segments_free(const struct shard *shard)
{
    uint32_t count = 0;
    if (!shard->is_starved)
        return shard->region->free_segments;
    for (uint32_t i = 0; i < shard->segment_count; i++)
        count += can_be_taken(shard, i);
    return count;
}

uint32_t segment_take(struct shard *shard, enum segment_state state)
{
    struct shard_region *region = shard->region;
    for (uint32_t i = 0; region->free_segments > 0 && i < shard->segment_count; i++) {
        uint32_t taken = (shard->take_at + i) % shard->segment_count;
        if (!can_be_taken(shard, taken))
            continue;
        shard->segments[taken] = (struct segment) {
            .reserved = shard->segments[taken].reserved,
            .state = (uint8_t)state,
            .fill = state == SEGMENT_LINES ? shard->segment_octets : 0,
            .position = region->next_position++,
        };
        region->free_segments--;
        shard->take_at = taken + 1;
        return taken;
    }
    return UINT32_MAX;
}

void segment_give_back(struct shard *shard, uint32_t segment)
{
    struct shard_region *region = shard->region;
    for (size_t class = 0; class < TTL_CLASSES; class ++) {
        if (region->open[class] == segment + 1)
            region->open[class] = 0;
    }
    if (region->survivors == segment + 1)
        region->survivors = 0;
    for (size_t i = 0; i < HOLES; i++) {
        if (shard->holes[i].offset / shard->segment_octets == segment)
            shard->holes[i].octets = 0;
    }
    shard->segments[segment].state = SEGMENT_FREE;
    region->free_segments++;
    shard_reuse(shard);
}

/* Not while the file can have no more: a reader that is late would ask for its pages again. */
void segment_release(struct shard *shard, uint32_t segment)
{
    if (shard->segment_octets >= PAGE_OCTETS && !shard->is_starved) {
        shard->segments[segment].reserved = 0;
        madvise(shard->data + segment_offset(shard, segment), shard->segment_octets,
                shard->is_shared ? MADV_REMOVE : MADV_DONTNEED); /* if it cannot be had, the memory stays: no harm */
    }
    if (segment < shard->take_at)
        shard->take_at = segment;
}

static bool has_room(struct shard *shard, uint32_t segment, size_t octets)
{
    size_t end = shard->segments[segment].fill + octets;
    return end <= shard->segment_octets && segment_reserve(shard, segment, (uint32_t)end);
}

uint64_t segment_append(struct shard *shard, uint32_t *open, const struct entry_sizes *sizes)
{
    size_t octets = entry_extent(sizes);
    if (*open == 0 || !has_room(shard, *open - 1, octets)) {
        uint32_t taken = segment_take(shard, SEGMENT_ENTRIES);
        if (taken == UINT32_MAX)
            return UINT64_MAX;
        *open = taken + 1;
        if (!has_room(shard, taken, octets))
            return UINT64_MAX;
    }
    struct segment *segment = &shard->segments[*open - 1];
    uint64_t offset = segment_offset(shard, *open - 1) + segment->fill;
    word *entry = (word *)(void *)(shard->data + offset);
    word_take_over(&entry[ENTRY_SIZES], sizes_pack(sizes));
    atomic_thread_fence(memory_order_release); /* whoever walks the segment after a crash needs the sizes */
    segment->fill += (uint32_t)octets;
    if (segment->expires_s < sizes->expires_s)
        segment->expires_s = sizes->expires_s;
    return offset;
}

/* ---- holes ---- */

void segment_leave_hole(struct shard *shard, uint64_t slot)
{
    struct entry_sizes sizes;
    uint64_t segment = slot_offset(slot) / shard->segment_octets;
    bool is_open = false;
    for (size_t class = 0; class < TTL_CLASSES; class ++)
        is_open = is_open || shard->region->open[class] == segment + 1;
    if (!is_open || entry_at(shard, slot_offset(slot), &sizes) == NULL)
        return;
    shard->holes[shard->hole_at] = (struct hole) { slot_offset(slot), entry_extent(&sizes) };
    shard->hole_at = (shard->hole_at + 1) % HOLES;
}

/* Does it leave no more than an entry can have behind it? */
static bool fits(const struct hole *hole, size_t octets)
{
    return hole->octets >= octets && hole->octets - octets <= SLACK_MAX * WORD;
}

/* The smallest one that will do. */
static struct hole *find_hole(struct shard *shard, uint32_t segment, size_t octets)
{
    struct hole *found = NULL;
    for (size_t i = 0; i < HOLES; i++) {
        struct hole *hole = &shard->holes[i];
        if (fits(hole, octets) && hole->offset / shard->segment_octets == segment &&
            (found == NULL || hole->octets < found->octets))
            found = hole;
    }
    return found;
}

uint64_t segment_place(struct shard *shard, uint32_t *open, struct entry_sizes *sizes)
{
    struct hole *hole = *open == 0 ? NULL : find_hole(shard, *open - 1, entry_extent(sizes));
    if (hole == NULL)
        return segment_append(shard, open, sizes);
    struct segment *segment = &shard->segments[*open - 1];
    sizes->slack = (hole->octets - entry_extent(sizes)) / WORD;
    hole->octets = 0;
    shard_reuse(shard);
    word *entry = (word *)(void *)(shard->data + hole->offset);
    word_take_over(&entry[ENTRY_SIZES], sizes_pack(sizes)); /* the next entry stays where it is at every moment */
    if (segment->expires_s < sizes->expires_s)
        segment->expires_s = sizes->expires_s;
    return hole->offset;
}

/* ---- checks ---- */

uint64_t entry_check(uint64_t hash, struct entry_sizes sizes, uint32_t stamp, struct octets value, struct octets key)
{
    sizes.slack = 0;
    uint64_t seed = hash_octets(key, hash ^ (uint64_t)stamp << CHECK_BITS);
    return hash_octets(value, seed ^ sizes_pack(&sizes)) << CHECK_BITS;
}

uint64_t entry_hash(const struct shard *shard, word *entry, const struct entry_sizes *sizes)
{
    return hash_octets(entry_key(entry, sizes), shard->seed);
}
