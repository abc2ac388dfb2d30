/* The storage engine of the cache: a pool of blobs under keys, in a fixed budget of octets.  It knows nothing of DNS.
 *
 * Blobs go in and come out by copy.  Readers take no lock and never wait; writers of different shards do not meet.  No
 * operation works on more than one shard at a time, nor for long: the index grows and shrinks by one bucket at a time,
 * and a walk lets go of the shard after each slice.  shard.h tells how, and why it is right.
 *
 * Entries stand in segments by the time they expire.  Under pressure segments that have expired go first, then what has
 * not been read since it was last looked at (SIEVE). */
#ifndef CACHE_POOL_H
#define CACHE_POOL_H

#include "base/arena.h"

enum {
    POOL_OCTETS_MIN = 32 * 1024, /* a few entries beside the pool's own tables */
    POOL_TAGS = 2,
    POOL_KEY_OCTETS_MAX = 512,
    /* A 64 KiB message whose names are written out.  Larger ones are not kept, and in a pool below 8 MiB none that
     * fills more than a 64th of it. */
    POOL_VALUE_OCTETS_MAX = 96 * 1024,
    POOL_STAMP_MAX = (1u << 31) - 1,
};

struct pool;

struct pool_key {
    uint64_t hash; /* hash_octets() of the octets, with the pool's seed */
    struct octets octets;
};

/* The budget counts all the memory that entries and index may take; resident is what is used.  POOL_OCTETS_MIN at
 * least.  NULL: there is no room for it among the addresses. */
struct pool *pool_new(uint64_t budget_octets, uint64_t seed);
/* The same in memory of the caller's, aligned to a page: zeroed, or left by a pool of the same size, layout, hash
 * secret and seed, whatever ended it.  NULL: this is no such pool.  is_shared: a file is mapped there. */
struct pool *pool_new_at(void *memory, uint64_t octets, uint64_t seed, bool is_shared);
void pool_free(struct pool *pool);

/* A copy in the arena; false if there is none. */
bool pool_find(struct pool *pool, const struct pool_key *key, struct arena *arena, struct octets *value);
/* The same with the entry's stamp. */
bool pool_find_stamped(struct pool *pool, const struct pool_key *key, struct arena *arena, struct octets *value,
                       uint32_t *stamp);
/* Copies the first `size` octets of the value; false if there is none, or it is shorter. */
bool pool_peek(struct pool *pool, const struct pool_key *key, void *to, size_t size);
/* Copies no more than the first `size` octets: the number copied, and the stamp; 0 if there is none. */
size_t pool_peek_upto(struct pool *pool, const struct pool_key *key, void *to, size_t size, uint32_t *stamp);
/* Copies the whole value into the caller's buffer, without allocating: its length; 0 if there is none, it is empty, or
 * longer than `size`. */
size_t pool_read(struct pool *pool, const struct pool_key *key, void *to, size_t size);
/* Asks for the memory that a read of this key will need: the index first, and, a while later, the entry. */
void pool_prefetch_index(const struct pool *pool, uint64_t hash);
void pool_prefetch_entry(const struct pool *pool, uint64_t hash);

struct pool_write {
    struct octets value;
    int64_t expires_ms; /* from then on it goes first */
    int64_t now_ms;
    uint8_t tag;        /* below POOL_TAGS: entries are counted by it */
    uint32_t stamp;     /* POOL_STAMP_MAX at most: the part that pool_restamp() may change */
    int64_t keep_ms;    /* what expired longer ago than this may be swept up on the way */
    uint32_t old_stamp; /* for decide: of what stands there now */
    /* If not NULL: called under the writers' lock with what stands there now (len 0: nothing).  May change value, stamp
     * and expires_ms; false: nothing is written. */
    bool (*decide)(void *context, struct octets old, struct pool_write *write);
    void *context;
};
/* false: not written (decide said no, or it is too large). */
bool pool_put(struct pool *pool, const struct pool_key *key, struct pool_write write);
/* If the value is still this one, and its stamp `from`, the stamp becomes `to`. */
bool pool_restamp(struct pool *pool, const struct pool_key *key, struct octets value, uint32_t from, uint32_t to);
/* Removes the entry if its value begins with head (an empty head always does). */
bool pool_remove(struct pool *pool, const struct pool_key *key, struct octets head);

struct pool_item {
    struct octets key, value;
    uint32_t stamp;
};
/* Calls `doomed` for every entry that is there from beginning to end of the sweep, under the lock of its shard, and
 * removes those for which it is true; returns their number.  An entry that is moved meanwhile may be shown twice. */
size_t pool_sweep(struct pool *pool, bool (*doomed)(void *context, const struct pool_item *item), void *context);
/* Shows copies, without any lock, until visit returns false.  The same holds for what is seen. */
void pool_walk(struct pool *pool, bool (*visit)(void *context, const struct pool_item *item), void *context);

struct pool_stats {
    uint64_t used_octets; /* index, segments as far as they are filled, tables */
    uint64_t evictions, insertions;
    uint64_t refusals; /* the times that a file had no space for more: what is there already had to do */
    uint64_t entries[POOL_TAGS];
};
void pool_measure(struct pool *pool, struct pool_stats *stats);

#endif
