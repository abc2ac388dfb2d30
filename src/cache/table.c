/* The index of a shard: linear hashing (Litwin, VLDB '80) over cache lines.  It grows and shrinks by one bucket at a
 * time. */

#include "cache/shard.h"

enum { SPARSE = 4 }; /* fewer entries than one of so many it was made for: the table shrinks */

static struct line *line_at(const struct shard *shard, uint64_t number)
{
    return (struct line *)(void *)(shard->data + number * LINE_OCTETS);
}

static uint64_t line_number(const struct shard *shard, const struct line *line)
{
    return (uint64_t)((const uint8_t *)line - shard->data) / LINE_OCTETS;
}

/* By the content of a link; NULL: the end, or garbage. */
static struct line *line_of_link(const struct shard *shard, uint64_t link)
{
    return link == 0 || link > data_octets(shard) / LINE_OCTETS ? NULL : line_at(shard, link - 1);
}

struct line *line_next(const struct shard *shard, const struct line *line)
{
    return line_of_link(shard, atomic_load_explicit(&line->next, memory_order_acquire));
}

static uint64_t rounded(uint64_t bucket_count)
{
    return UINT64_C(1) << (63 - __builtin_clzll(bucket_count));
}

uint64_t bucket_of(uint64_t bucket_count, uint64_t hash)
{
    uint64_t low = rounded(bucket_count), bucket = hash & (2 * low - 1);
    return bucket < bucket_count ? bucket : hash & (low - 1);
}

uint64_t bucket_split_by(uint64_t added)
{
    return added - rounded(added);
}

struct line *bucket_line(const struct shard *shard, uint64_t bucket)
{
    uint64_t run = bucket >> shard->lines_shift;
    if (run >= shard->segment_count)
        return NULL;
    uint32_t segment = atomic_load_explicit(&shard->directory[run], memory_order_acquire);
    if (segment >= shard->segment_count)
        return NULL;
    return line_at(shard, ((uint64_t)segment << shard->lines_shift) + (bucket & (shard->lines_per_segment - 1)));
}

static struct line *own_line(const struct shard *shard, uint64_t hash)
{
    return bucket_line(shard, bucket_of(word_get(&shard->region->bucket_count), hash));
}

/* ---- finding, for writers ---- */

word *table_slot_of(const struct shard *shard, uint64_t offset, uint64_t hash)
{
    uint64_t slot = slot_make(offset, hash);
    for (struct line *line = own_line(shard, hash); line != NULL; line = line_next(shard, line)) {
        for (size_t i = 0; i < LINE_SLOTS; i++) {
            if (word_get(&line->slots[i]) == slot)
                return &line->slots[i];
        }
    }
    return NULL;
}

static bool slot_names(const struct shard *shard, uint64_t slot, const struct pool_key *key)
{
    struct entry_sizes sizes;
    word *entry = slot_has_tag(slot, key->hash) ? entry_at(shard, slot_offset(slot), &sizes) : NULL;
    return entry != NULL && octets_equal(entry_key(entry, &sizes), key->octets);
}

word *table_find(const struct shard *shard, const struct pool_key *key)
{
    for (struct line *line = own_line(shard, key->hash); line != NULL; line = line_next(shard, line)) {
        for (size_t i = 0; i < LINE_SLOTS; i++) {
            if (slot_names(shard, word_get(&line->slots[i]), key))
                return &line->slots[i];
        }
    }
    return NULL;
}

/* ---- lines ---- */

/* One that was given back; NULL if there is none. */
static struct line *used_line(struct shard *shard)
{
    struct line *line = line_of_link(shard, shard->region->free_lines);
    shard->region->free_lines = line == NULL ? 0 : word_get(&line->next); /* garbage only after a crash */
    return line;
}

static bool reserve_line(struct shard *shard, uint64_t number)
{
    uint32_t upto = (uint32_t)(number % shard->lines_per_segment + 1) * LINE_OCTETS;
    return segment_reserve(shard, (uint32_t)(number / shard->lines_per_segment), upto);
}

/* One that was never used, of a new segment if need be; NULL if there is none. */
static struct line *fresh_line(struct shard *shard)
{
    struct shard_region *region = shard->region;
    if (region->fresh_line == 0) {
        uint32_t segment = segment_take(shard, SEGMENT_LINES);
        region->fresh_line = segment == UINT32_MAX ? 0 : (uint64_t)segment * shard->lines_per_segment + 1;
    }
    struct line *line = line_of_link(shard, region->fresh_line);
    if (line == NULL || !reserve_line(shard, region->fresh_line - 1))
        return NULL;
    bool is_last = region->fresh_line % shard->lines_per_segment == 0;
    region->fresh_line = is_last ? 0 : region->fresh_line + 1;
    return line;
}

/* An empty line. */
static struct line *line_take(struct shard *shard)
{
    struct line *line = used_line(shard);
    if (line == NULL)
        line = fresh_line(shard);
    if (line == NULL)
        return NULL;
    for (size_t i = 0; i < LINE_SLOTS; i++)
        word_set(&line->slots[i], 0);
    word_set(&line->next, 0);
    return line;
}

/* No link leads to it any more. */
static void line_give_back(struct shard *shard, struct line *line)
{
    shard_reuse(shard);
    word_set(&line->next, shard->region->free_lines);
    shard->region->free_lines = line_number(shard, line) + 1;
}

static bool chain_add(struct shard *shard, struct line *line, uint64_t slot)
{
    for (struct line *next = line; next != NULL; next = line_next(shard, line)) {
        line = next;
        for (size_t i = 0; i < LINE_SLOTS; i++) {
            if (word_get(&line->slots[i]) == 0) {
                atomic_store_explicit(&line->slots[i], slot, memory_order_release);
                return true;
            }
        }
    }
    struct line *added = line_take(shard);
    if (added == NULL)
        return false;
    word_set(&added->slots[0], slot);
    atomic_store_explicit(&line->next, line_number(shard, added) + 1, memory_order_release);
    return true;
}

bool table_add(struct shard *shard, uint64_t slot, uint64_t hash)
{
    struct line *line = own_line(shard, hash);
    return line != NULL && chain_add(shard, line, slot);
}

/* Any slot of the line; NULL if it is empty. */
static word *last_slot(struct line *line)
{
    for (size_t i = LINE_SLOTS; i-- > 0;) {
        if (word_get(&line->slots[i]) != 0)
            return &line->slots[i];
    }
    return NULL;
}

/* Moves slots from the last line of the bucket into holes before it, and gives the line back once it is empty.  A
 * reader might miss a slot that moves towards it from behind: `reuse` tells it to begin again. */
static void settle_last(struct shard *shard, struct line *first, struct line *before, struct line *last)
{
    for (struct line *line = first; line != last; line = line_next(shard, line)) {
        for (size_t i = 0; i < LINE_SLOTS; i++) {
            word *moving = last_slot(last);
            if (moving == NULL || word_get(&line->slots[i]) != 0)
                continue;
            atomic_store_explicit(&line->slots[i], word_get(moving), memory_order_release);
            shard_reuse(shard);
            atomic_store_explicit(moving, 0, memory_order_release);
        }
    }
    if (last_slot(last) == NULL) {
        atomic_store_explicit(&before->next, 0, memory_order_release);
        line_give_back(shard, last);
    }
}

static void settle_chain(struct shard *shard, struct line *first)
{
    struct line *before, *last;
    do {
        before = NULL;
        last = first;
        for (struct line *next; (next = line_next(shard, last)) != NULL; last = next)
            before = last;
        if (before != NULL)
            settle_last(shard, first, before, last);
    } while (before != NULL && word_get(&before->next) == 0); /* it is the last one now */
}

/* ---- growing and shrinking ---- */

/* Where an entry's hash says that it belongs; UINT64_MAX: the slot leads nowhere. */
static uint64_t bucket_of_slot(const struct shard *shard, uint64_t slot, uint64_t bucket_count)
{
    struct entry_sizes sizes;
    word *entry = entry_at(shard, slot_offset(slot), &sizes);
    return entry == NULL ? UINT64_MAX : bucket_of(bucket_count, entry_hash(shard, entry, &sizes));
}

/* Clears slots that do not belong to the bucket, having been copied to another one. */
static void clear_foreign(struct shard *shard, uint64_t bucket)
{
    uint64_t bucket_count = word_get(&shard->region->bucket_count);
    struct line *first = bucket_line(shard, bucket);
    for (struct line *line = first; line != NULL; line = line_next(shard, line)) {
        for (size_t i = 0; i < LINE_SLOTS; i++) {
            uint64_t slot = word_get(&line->slots[i]);
            if (slot != 0 && bucket_of_slot(shard, slot, bucket_count) != bucket)
                atomic_store_explicit(&line->slots[i], 0, memory_order_release);
        }
    }
    if (first != NULL)
        settle_chain(shard, first);
}

/* Copies those slots of one bucket to another that will belong there when there are bucket_count. */
static bool copy_slots(struct shard *shard, const struct line *from, struct line *to, uint64_t bucket,
                       uint64_t bucket_count)
{
    for (const struct line *line = from; line != NULL; line = line_next(shard, line)) {
        for (size_t i = 0; i < LINE_SLOTS; i++) {
            uint64_t slot = word_get(&line->slots[i]);
            if (slot != 0 && bucket_of_slot(shard, slot, bucket_count) == bucket && !chain_add(shard, to, slot))
                return false;
        }
    }
    return true;
}

static void drop_chain(struct shard *shard, struct line *line)
{
    while (line != NULL) {
        struct line *next = line_next(shard, line);
        line_give_back(shard, line);
        line = next;
    }
}

static bool has_run_for(struct shard *shard, uint64_t bucket)
{
    if (bucket % shard->lines_per_segment != 0)
        return reserve_line(shard, line_number(shard, bucket_line(shard, bucket)));
    uint64_t run = bucket / shard->lines_per_segment;
    uint32_t segment = run < shard->segment_count ? segment_take(shard, SEGMENT_LINES) : UINT32_MAX;
    if (segment == UINT32_MAX)
        return false;
    if (!segment_reserve(shard, segment, LINE_OCTETS)) {
        segment_give_back(shard, segment);
        return false;
    }
    atomic_store_explicit(&shard->directory[run], segment, memory_order_release);
    return true;
}

static void give_back_run_of(struct shard *shard, uint64_t bucket)
{
    if (bucket % shard->lines_per_segment == 0)
        segment_give_back(
            shard, atomic_load_explicit(&shard->directory[bucket / shard->lines_per_segment], memory_order_relaxed));
}

static void split_bucket(struct shard *shard)
{
    struct shard_region *region = shard->region;
    uint64_t added = word_get(&region->bucket_count), old = bucket_split_by(added);
    if (!has_run_for(shard, added))
        return;
    struct line *from = bucket_line(shard, old), *to = bucket_line(shard, added);
    for (size_t i = 0; i < LINE_SLOTS; i++)
        word_set(&to->slots[i], 0);
    word_set(&to->next, 0);
    if (!copy_slots(shard, from, to, added, added + 1)) {
        drop_chain(shard, line_next(shard, to));
        give_back_run_of(shard, added);
        return;
    }
    region->intent = old + 1;
    atomic_store_explicit(&region->bucket_count, added + 1, memory_order_release);
    clear_foreign(shard, old);
    region->intent = 0;
}

static void merge_bucket(struct shard *shard)
{
    struct shard_region *region = shard->region;
    uint64_t removed = word_get(&region->bucket_count) - 1, into = bucket_split_by(removed);
    struct line *from = bucket_line(shard, removed), *to = bucket_line(shard, into);
    region->intent = into + 1;
    if (!copy_slots(shard, from, to, into, removed)) {
        clear_foreign(shard, into);
        region->intent = 0;
        return;
    }
    atomic_store_explicit(&region->bucket_count, removed, memory_order_release);
    region->intent = 0;
    shard_reuse(shard);
    drop_chain(shard, line_next(shard, from));
    give_back_run_of(shard, removed);
}

/* With nothing in the table, no line but the first bucket's is in use. */
static void give_back_lines(struct shard *shard)
{
    struct line *first = bucket_line(shard, 0);
    uint32_t own = atomic_load_explicit(&shard->directory[0], memory_order_relaxed);
    for (struct line *line = first; line != NULL; line = line_next(shard, line)) {
        if (last_slot(line) != NULL)
            return;
    }
    if (first != NULL)
        atomic_store_explicit(&first->next, 0, memory_order_release);
    shard->region->free_lines = 0;
    shard->region->fresh_line = 0;
    for (uint32_t i = 0; i < shard->segment_count; i++) {
        if (shard->segments[i].state == SEGMENT_LINES && i != own) {
            segment_give_back(shard, i);
            segment_release(shard, i);
        }
    }
}

void table_adjust(struct shard *shard)
{
    struct shard_region *region = shard->region;
    uint64_t buckets = word_get(&region->bucket_count);
    if (region->entries > buckets * BUCKET_ENTRIES)
        split_bucket(shard);
    for (size_t i = 0; i < SPARSE; i++) { /* keeps step with removals */
        buckets = word_get(&region->bucket_count);
        if (buckets == 1 || shard->walkers > 0 || region->entries * SPARSE >= buckets * BUCKET_ENTRIES)
            break;
        merge_bucket(shard);
    }
    if (buckets == 1 && region->entries == 0)
        give_back_lines(shard);
}

void table_repair(struct shard *shard)
{
    struct shard_region *region = shard->region;
    if (region->intent > 0 && region->intent <= word_get(&region->bucket_count))
        clear_foreign(shard, region->intent - 1);
    region->intent = 0;
}
