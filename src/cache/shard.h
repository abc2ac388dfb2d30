/* Inside the storage engine (pool.h): the layout of a shard in memory, and the argument why readers need no lock.
 *
 * A shard is a run of octets without pointers: struct shard_region, directory, table of segments, then the segments.  A
 * segment holds entries, appended one after another, or lines of the index.  Writers hold the shard's lock; readers
 * hold nothing, and may stand still anywhere for any time without holding up a writer.
 *
 * Everything readers look at is read and written as atomic words.  What they rely on:
 *
 * 1. Publish.  The words of an entry are written before the slot that names it (release); a reader that has loaded the
 *    slot (acquire) sees them.  A slot goes from one entry to the next of the same key by one store: there is no moment
 *    without an entry.  But for its first word, an entry never changes while its segment lives.
 * 2. Split.  The new bucket is filled, then bucket_count is stored (release), then moved slots are cleared (release).
 *    A reader that missed a slot because it was cleared sees the new bucket_count behind an acquire fence: on a miss it
 *    compares bucket_count with what it began with, and begins again.  A merge fills the remaining bucket first, too.
 * 3. Reclaim.  Before memory is used for something else, be it a segment or the place of a single entry, or a slot
 *    moves against the readers' direction, no slot leads there any more, then `reuse` is raised, and a release fence
 *    stands before the first store into the memory.  A reader that saw any such store sees the raised `reuse` behind
 *    its acquire fence, and begins again, hit or miss.
 * 4. Mark.  A reader's one store marks the state of an entry as visited, by compare and exchange: where the memory has
 *    become something else the word is not the same, a keyed check is part of it, and nothing is stored.  Writers read
 *    entries plainly; so that no mark of the memory's former life is concurrent with that, they exchange each word of a
 *    new entry.
 *
 * So a reader begins again only if a writer has done something meanwhile, and what it returns was all there at once.
 * interleaving_test.c runs this code through the schedules of a reader and a writer, access by access; threads_test.c
 * runs under ThreadSanitizer.
 *
 * After a crash the memory holds what was stored up to some point in a writer's order: a state that readers can meet
 * anyway.  `intent` tells which step is to be finished; entries carry a keyed check, so that a torn one is dropped. */
#ifndef CACHE_SHARD_H
#define CACHE_SHARD_H

#include <pthread.h>
#include <stdatomic.h>

#include "cache/pages.h"
#include "cache/pool.h"

enum {
    LINE_SLOTS = 7, /* and a link: a cache line */
    LINE_OCTETS = 64,
    BUCKET_ENTRIES = 5, /* on average: buckets not split yet hold up to twice as many */
    TTL_CLASSES = 20,   /* one for each doubling of seconds: the last begins at six days */
    WORD = sizeof(uint64_t),
    CHECK_BITS = 32,
    TAG_BITS = 24,
    HOLES = 64, /* remembered of a shard: more than are made before the next entry comes */
};

/* A slot: place of the entry in words from the beginning of the segments, plus one; then the upper bits of its hash. */
typedef _Atomic uint64_t word;

struct line {
    word slots[LINE_SLOTS]; /* 0: empty */
    word next;              /* number of the line that continues the bucket, plus one; 0: none */
};
_Static_assert(sizeof(struct line) == LINE_OCTETS, "a cache line");

/* An entry begins with these words; its value and then its key follow, filled up with zeros to whole words. */
enum entry_word {
    ENTRY_STATE, /* check, stamp and the mark that it was read: the one word that changes */
    ENTRY_SIZES, /* expiry, slack, tag, lengths */
    ENTRY_DATA,
};

enum segment_state { SEGMENT_FREE, SEGMENT_ENTRIES, SEGMENT_LINES };

struct segment {
    uint64_t position; /* in the order of eviction */
    uint32_t fill;     /* octets */
    uint32_t live;     /* entries that slots lead to; a crash may leave it too high, never too low */
    int64_t expires_s; /* the last of its entries */
    uint32_t reserved; /* octets of the file that can be written to whatever becomes of its space */
    uint8_t state;
    uint8_t unused[3];
};

/* What outlives the process.  Zeroed memory with the first line filled in is an empty shard. */
struct shard_region {
    _Alignas(LINE_OCTETS) word bucket_count; /* at least one */
    word reuse;
    /* Writers alone, from here on. */
    _Alignas(LINE_OCTETS) uint64_t entries;
    uint64_t tagged[POOL_TAGS];
    uint64_t evictions, insertions;
    uint64_t next_position;
    uint64_t hand;       /* the position up to which the last round of eviction has come */
    uint64_t intent;     /* 1 + the bucket whose entries are moving from or to it; 0: none */
    uint64_t free_lines; /* the first, linked by `next`, as there */
    uint64_t fresh_line; /* the same: of those in its segment that were never used, and take no memory yet */
    uint32_t free_segments;
    uint32_t survivors;         /* 1 + the segment that takes what eviction spares; 0: none */
    uint32_t open[TTL_CLASSES]; /* 1 + the segment of each class that takes new entries; 0: none */
};

/* Where an entry was replaced or removed, in a segment that still takes new ones: the next of about its size stands
 * there.  An answer that is stored unjudged, and again with its verdict, so takes its room once. */
struct hole {
    uint64_t offset;
    size_t octets; /* 0: none */
};

struct shard {
    pthread_mutex_t lock; /* of writers */
    uint64_t seed;        /* of the keys' hash */
    struct shard_region *region;
    _Atomic uint32_t *directory; /* which segment holds the n-th run of buckets */
    struct segment *segments;
    uint8_t *data; /* the segments */
    uint32_t segment_count, segment_octets;
    uint32_t lines_per_segment; /* a power of two … */
    uint32_t lines_shift;       /* … this one */
    uint32_t fixed_octets;      /* everything before the data */
    uint32_t sweep_at;          /* segment looked at next for entries nobody needs any more */
    uint32_t take_at;           /* where the search for a free segment begins */
    size_t walkers;             /* walks in progress: the table does not shrink, lest they miss an entry */
    bool is_shared;             /* the memory is a file's … */
    bool is_starved;            /* … that can have no more: what is there already must do … */
    int64_t starved_until_s;    /* … until it is asked for more again */
    uint64_t refusals;          /* the times that it had no more */
    uint32_t hole_at;           /* where the next one is remembered */
    struct hole holes[HOLES];
};

/* ---- words ---- */

static inline uint64_t word_get(const word *at)
{
    return atomic_load_explicit(at, memory_order_relaxed);
}

static inline void word_set(word *at, uint64_t value)
{
    atomic_store_explicit(at, value, memory_order_relaxed);
}

/* Of an entry that is being written: the memory may have held another one's state, which a reader has marked (release).
 * To take the old word along (acquire) puts that mark before all that the writer does with the memory from now on. */
static inline void word_take_over(word *at, uint64_t value)
{
    atomic_exchange_explicit(at, value, memory_order_acquire);
}

/* ---- entries ---- */

struct entry_sizes {
    int64_t expires_s;
    size_t value_len, key_len;
    size_t slack; /* words behind it, of an entry that was larger */
    uint8_t tag;
};
enum {
    VALUE_LEN_BITS = 17,
    KEY_LEN_BITS = 10,
    ENTRY_TAG_BITS = 1,
    SLACK_SHIFT = VALUE_LEN_BITS + KEY_LEN_BITS + ENTRY_TAG_BITS,
    SLACK_BITS = 3,
    SLACK_MAX = (1 << SLACK_BITS) - 1,
    EXPIRES_SHIFT = SLACK_SHIFT + SLACK_BITS,
};
_Static_assert(POOL_VALUE_OCTETS_MAX < 1 << VALUE_LEN_BITS && POOL_KEY_OCTETS_MAX < 1 << KEY_LEN_BITS, "they fit");
_Static_assert((int)POOL_TAGS <= 1 << ENTRY_TAG_BITS, "they fit");
static const int64_t expires_s_max = (INT64_C(1) << (64 - EXPIRES_SHIFT)) - 1; /* in the 23rd century */

static inline uint64_t sizes_pack(const struct entry_sizes *sizes)
{
    return (uint64_t)sizes->expires_s << EXPIRES_SHIFT | (uint64_t)sizes->slack << SLACK_SHIFT |
           (uint64_t)sizes->tag << (VALUE_LEN_BITS + KEY_LEN_BITS) | (uint64_t)sizes->key_len << VALUE_LEN_BITS |
           sizes->value_len;
}

static inline struct entry_sizes sizes_unpack(uint64_t packed)
{
    return (struct entry_sizes) {
        .expires_s = (int64_t)(packed >> EXPIRES_SHIFT),
        .slack = packed >> SLACK_SHIFT & SLACK_MAX,
        .tag = packed >> (VALUE_LEN_BITS + KEY_LEN_BITS) & ((1 << ENTRY_TAG_BITS) - 1),
        .key_len = packed >> VALUE_LEN_BITS & ((1 << KEY_LEN_BITS) - 1),
        .value_len = packed & ((1 << VALUE_LEN_BITS) - 1),
    };
}

static inline size_t words_of(size_t octets)
{
    return (octets + WORD - 1) / WORD;
}

static inline size_t entry_octets(size_t key_len, size_t value_len)
{
    return (ENTRY_DATA + words_of(key_len + value_len)) * WORD;
}

/* Up to where the next entry begins. */
static inline size_t entry_extent(const struct entry_sizes *sizes)
{
    return entry_octets(sizes->key_len, sizes->value_len) + sizes->slack * WORD;
}

/* The state word: check, then stamp, then the mark. */
enum { STATE_VISITED = 1, STAMP_SHIFT = 1 };

static inline uint32_t state_stamp(uint64_t state)
{
    return (uint32_t)(state >> STAMP_SHIFT) & POOL_STAMP_MAX;
}

/* ---- places ---- */

static inline uint64_t slot_make(uint64_t offset, uint64_t hash)
{
    return (offset / WORD + 1) << TAG_BITS | hash >> (64 - TAG_BITS);
}

static inline bool slot_has_tag(uint64_t slot, uint64_t hash)
{
    return slot != 0 && (slot & ((1 << TAG_BITS) - 1)) == hash >> (64 - TAG_BITS);
}

static inline uint64_t slot_offset(uint64_t slot)
{
    return ((slot >> TAG_BITS) - 1) * WORD;
}

static inline uint64_t data_octets(const struct shard *shard)
{
    return (uint64_t)shard->segment_count * shard->segment_octets;
}

/* The entry at this offset and its sizes; NULL if no whole entry can stand there.  Readers may be told of garbage,
 * which they find out later: nothing outside the segment is ever read. */
static inline word *entry_at(const struct shard *shard, uint64_t offset, struct entry_sizes *sizes)
{
    if (offset >= data_octets(shard))
        return NULL;
    uint32_t left = shard->segment_octets - (uint32_t)(offset & (shard->segment_octets - 1));
    if (left < ENTRY_DATA * WORD)
        return NULL;
    word *entry = (word *)(void *)(shard->data + offset);
    *sizes = sizes_unpack(word_get(&entry[ENTRY_SIZES]));
    return entry_extent(sizes) <= left ? entry : NULL;
}

/* For writers: nobody changes this memory but they. */
static inline struct octets entry_value(word *entry, const struct entry_sizes *sizes)
{
    return (struct octets) { (const uint8_t *)&entry[ENTRY_DATA], sizes->value_len };
}

static inline struct octets entry_key(word *entry, const struct entry_sizes *sizes)
{
    return (struct octets) { (const uint8_t *)&entry[ENTRY_DATA] + sizes->value_len, sizes->key_len };
}

/* Of a key that hashes to this: the check of an entry as it stands in the upper half of its state.  Its slack does not
 * count. */
uint64_t entry_check(uint64_t hash, struct entry_sizes sizes, uint32_t stamp, struct octets value, struct octets key);
/* The hash of the entry's key, for writers. */
uint64_t entry_hash(const struct shard *shard, word *entry, const struct entry_sizes *sizes);

/* ---- segments.c ---- */

/* `memory` is zeroed, or holds a shard of the same size that a process left. */
void shard_init(struct shard *shard, uint8_t *memory, uint64_t octets, uint64_t seed, bool is_shared);
/* Is the region such as a shard of this size could have left? */
bool shard_is_sound(const struct shard *shard);
uint64_t shard_used_octets(const struct shard *shard);

/* Rule 3 above: to be called between taking memory from the readers and writing into it. */
void shard_reuse(struct shard *shard);

/* Can the first octets of the segment be written to?  To be asked before they are. */
bool segment_reserve(struct shard *shard, uint32_t segment, uint32_t octets);
/* How many segments can be taken. */
uint32_t segments_free(const struct shard *shard);
/* A free segment, which is then used for `state`; UINT32_MAX if there is none. */
uint32_t segment_take(struct shard *shard, enum segment_state state);
/* No slot leads into it any more. */
void segment_give_back(struct shard *shard, uint32_t segment);
/* Gives the memory of a free segment back to the system. */
void segment_release(struct shard *shard, uint32_t segment);
static inline uint64_t segment_offset(const struct shard *shard, uint32_t segment)
{
    return (uint64_t)segment * shard->segment_octets;
}
/* Room for an entry at the end of *open, which is 1 + the number of a segment, or in a new one: its offset.  Its sizes
 * are written.  UINT64_MAX if there is no segment left. */
uint64_t segment_append(struct shard *shard, uint32_t *open, const struct entry_sizes *sizes);
/* The same, if there is a hole in that segment, there. */
uint64_t segment_place(struct shard *shard, uint32_t *open, struct entry_sizes *sizes);
/* No slot leads to the entry any more that this one led to. */
void segment_leave_hole(struct shard *shard, uint64_t slot);

/* ---- table.c ---- */

uint64_t bucket_of(uint64_t bucket_count, uint64_t hash);
/* The bucket out of which this one, the last, is filled when it comes. */
uint64_t bucket_split_by(uint64_t added);
/* The first line of a bucket; NULL if the directory, torn, leads nowhere. */
struct line *bucket_line(const struct shard *shard, uint64_t bucket);
/* The line that continues this one's bucket. */
struct line *line_next(const struct shard *shard, const struct line *line);

/* For writers.  The slot of the key's entry; NULL if there is none. */
word *table_find(const struct shard *shard, const struct pool_key *key);
/* The slot that leads to this entry; NULL: it is not in the table any more. */
word *table_slot_of(const struct shard *shard, uint64_t offset, uint64_t hash);
/* false: no memory for another line. */
bool table_add(struct shard *shard, uint64_t slot, uint64_t hash);
/* Grows or shrinks by a bucket or two, as the number of entries demands. */
void table_adjust(struct shard *shard);
/* Finishes what a crash has interrupted. */
void table_repair(struct shard *shard);

/* ---- evict.c ---- */

/* The slot does not lead there any more. */
void entry_forget(struct shard *shard, uint64_t slot);
/* Takes the entry out of the table. */
void entry_drop(struct shard *shard, word *slot);
/* Gives back the slot's segment if nothing lives there. */
void segment_reclaim(struct shard *shard, uint64_t slot);
/* Leaves two free segments, if that is possible with bounded work. */
void evict(struct shard *shard, int64_t now_s);
/* One segment at each write: what nobody needs any more does not wait for pressure. */
void sweep_segment(struct shard *shard, int64_t now_s, int64_t keep_s);

#endif
