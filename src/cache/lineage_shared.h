/* Inside lineages.h: its layout in memory, and the argument why a set is read without a lock.
 *
 * A set of keys is its last key and the set of those before it, in the order of the chain of trust: what rests on a
 * zone's keys continues the set of its parent zone, and takes one record for each key of its own.  Records name each
 * other by index; 0: none.  Only a set that no other one continues may go, only a key that no set holds and whose name
 * no other key shares: so while a set lives all that it leads to does.
 *
 * Writers hold the lock.  Readers of a set hold nothing:
 *
 * 1. Publish.  The words of a set, of those before it and of their keys are written before its life (release).  A
 *    reader that finds the generation that it was told in the life (acquire) sees them.
 * 2. Reclaim.  A record that goes gets its new life first, then `reuse` is raised, and a release fence stands before
 *    the first store into it.  A reader that saw any such store sees the raised `reuse` behind its acquire fence, and
 *    begins again.
 *
 * lineages_turns_test.c runs this through the schedules of a reader and a writer. */
#ifndef CACHE_LINEAGE_SHARED_H
#define CACHE_LINEAGE_SHARED_H

#include <pthread.h>

#include "cache/lineages.h"
#include "cache/pages.h"

enum {
    BLOCK_OCTETS = 12,  /* of a name: one or two hold most zones' names */
    REVOKED_MAX = 1024, /* keys flushed one by one; with more, all older verdicts are forgotten, which is always safe */
    CLOCK_STEPS_MAX = 64, /* records looked at to find one that may go: bounded work for one answer */
    RECLAIMS_MAX = 8,     /* sets and keys given up to make room for one */
};

struct set_record {
    _Atomic uint32_t life; /* generation, then LIFE_USED and LIFE_IS_LIVE */
    _Atomic uint32_t before;
    _Atomic uint32_t key;
    uint32_t next;       /* in its bucket, or in the free list */
    uint32_t continuing; /* sets that continue it */
};
enum { LIFE_IS_LIVE = 1, LIFE_USED = 2, LIFE_BITS = 2 };

struct key_record {
    _Atomic uint64_t id; /* key_id() */
    uint32_t next;       /* in its bucket, or in the free list */
    uint32_t refs;       /* sets that hold it, keys that share its name */
    uint32_t name;       /* first block with its zone's name, in lower case; or the key whose name it shares */
    uint16_t key_tag;
    uint8_t name_len; /* 0: not named yet */
    bool is_live : 1;
    bool used : 1;
    bool shares_name : 1;
};
_Static_assert(sizeof(struct set_record) == 20 && sizeof(struct key_record) == 24, "there are many");

struct block {
    uint32_t next;
    uint8_t octets[BLOCK_OCTETS];
};

/* Records that may be taken: those given back, then those never used, which cost no resident memory yet. */
struct supply {
    uint32_t free;  /* first of the list of those given back */
    uint32_t fresh; /* the first never used */
    uint32_t count; /* index 0 included */
};

struct revoked {
    uint64_t key;
    uint64_t epoch;
};

/* What outlives the process; the arrays follow.  Zeroed memory is an empty table of no epoch. */
struct table {
    _Atomic uint64_t epoch;    /* written under the lock */
    _Atomic uint64_t reuse;    /* the same */
    uint64_t forgotten_before; /* verdicts of an epoch below this are forgotten */
    struct supply set_supply, key_supply, block_supply;
    uint32_t set_hand, key_hand; /* second chance: where the search for a victim goes on */
    uint64_t revoked_count;
    struct revoked revoked[REVOKED_MAX]; /* ascending by key */
};

struct lineages {
    pthread_mutex_t lock; /* of writers, and of whoever reads more than a set or the epoch */
    void *mapped;         /* NULL: the caller's memory */
    uint64_t octets;
    uint32_t zone_count;
    struct table *table;
    struct set_record *sets;
    struct key_record *keys;
    struct block *blocks;
    uint32_t *set_buckets, *key_buckets; /* linear hashing: as many are used as records have ever been */
};

/* ---- lineage_keys.c: all under the lock ---- */

/* The record of this key, made if there is none, held until key_release(); 0 if there is no room. */
uint32_t key_hold(struct lineages *lineages, uint64_t id);
void key_release(struct lineages *lineages, uint32_t key);
/* Gives up a key that nobody holds and that was not used lately, if it finds one. */
void key_reclaim(struct lineages *lineages);
bool key_zone(const struct lineages *lineages, const struct key_record *key, struct dname *zone);

/* ---- lineage_sets.c ---- */

/* Under the lock: indexes of its keys, the last of the chain first; marks it as used.  Their number; 0: it is gone. */
size_t set_keys(const struct lineages *lineages, struct lineage_ref ref, uint32_t keys[LINEAGE_KEYS_MAX]);

/* Can this record, the next of its array, be written to? */
static inline bool lineages_may_grow(const struct lineages *lineages, void *record, size_t octets)
{
    return lineages->mapped != NULL || pages_reserve_next(record, octets);
}

/* Rule 2 above: to be called once nothing leads to a record any more, and before it becomes another one. */
static inline void lineages_reuse(struct lineages *lineages)
{
    atomic_fetch_add_explicit(&lineages->table->reuse, 1, memory_order_release);
    atomic_thread_fence(memory_order_release);
}

#endif
