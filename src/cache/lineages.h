/* What verdicts rest on: a pinned, bounded table of keys and of sets of keys, and the trust epoch.  It stands beside
 * the evictable memory: an entry names its lineage by slot and generation, and many entries share one.
 * lineage_shared.h tells how it lies in memory.
 *
 * The epoch rises with every flush and change of trust.  An entry of the current epoch stands, by one compare; an older
 * one is judged once by what was revoked or forgotten since, and then restamped or dropped. */
#ifndef CACHE_LINEAGES_H
#define CACHE_LINEAGES_H

#include <stdatomic.h>

#include "message/verdict.h"

struct lineages;

struct lineage_ref {
    uint32_t slot; /* 0: rests on no key */
    uint32_t generation;
};

/* Takes about size_octets of memory, resident as far as it is used; exactly lineages_octets().  NULL: there is no room
 * for it among the addresses. */
struct lineages *lineages_new(uint64_t size_octets);
/* The same in memory of the caller's: zeroed, or what another process left there; NULL: it is a file's that has no
 * space.  is_whole: it ended in order, and nothing has changed that verdicts rest on; else only the epoch is taken
 * over, and all verdicts are forgotten. */
struct lineages *lineages_new_at(void *memory, uint64_t octets, bool is_whole);
/* A keyed hash of all that lineages_new_at() would believe. */
uint64_t lineages_check(const struct lineages *lineages);
/* All verdicts are forgotten, and what they rest on: for memory that is not what it should be. */
void lineages_reset(struct lineages *lineages);
void lineages_free(struct lineages *lineages);
uint64_t lineages_octets(const struct lineages *lineages);

/* The slot of these keys, which stand in the order of the chain, the anchor's first: what the same chain leads to
 * shares their records.  false: there is no room, the verdict cannot be kept. */
bool lineages_intern(struct lineages *lineages, const struct lineage *lineage, struct lineage_ref *ref);
/* The keys, in the same order, without a lock; false: the slot was given to another set since, the verdict's lineage is
 * not known any more. */
bool lineages_get(struct lineages *lineages, struct lineage_ref ref, struct lineage *lineage);
/* "example. 12345, . 38696" in the arena; NULL if it rests on no key or is not known any more. */
char *lineages_text(struct lineages *lineages, struct lineage_ref ref, struct arena *arena);

struct named_key {
    uint64_t id;
    uint16_t tag;
};
/* Gives keys of one zone their zone and tags, so that they can be found by them. */
void lineages_name_keys(struct lineages *lineages, const struct dname *zone, const struct named_key *keys,
                        size_t count);
/* The keys of this zone with this tag; returns the number written. */
size_t lineages_keys_of(struct lineages *lineages, const struct dname *zone, uint16_t key_tag, uint64_t *keys,
                        size_t max);

uint64_t lineages_epoch(const struct lineages *lineages);
/* Each raises the epoch: no more than that; for a flush of these keys; of all keys at or below the zone; of all
 * verdicts. */
void lineages_raise(struct lineages *lineages);
void lineages_revoke(struct lineages *lineages, const uint64_t *keys, size_t count);
void lineages_revoke_zone(struct lineages *lineages, const struct dname *zone);
void lineages_forget(struct lineages *lineages);

enum standing {
    STANDS,
    FORGOTTEN, /* the verdict must be made again; the data may stay */
    REVOKED,   /* it rests on a key that was flushed: entry and verdict go */
};
/* What the epochs since `epoch` mean for a verdict that rests on ref.  *current: the epoch this was judged in, the new
 * stamp of an entry that stands. */
enum standing lineages_judge(struct lineages *lineages, uint64_t epoch, struct lineage_ref ref, uint64_t *current);

#endif
