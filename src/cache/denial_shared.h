/* Inside the denial index (denial_index.h): its layout, and the argument why readers need no lock.
 *
 * Writers hold the index's lock.  Readers hold nothing and never wait, neither for writers nor for each other; all they
 * do is to say, in a place of their own, that they are there.  They go from a bucket to a zone, from the zone to a
 * table of spans or the SOA, from the table to a span.  What they rely on:
 *
 * 1. Publish.  A block (zone, table, span) is filled before the pointer to it is stored.  After that nothing in it
 *    changes but other such pointers, the mark that it was used, and the epoch of its verdict.  A table is never
 *    changed in length or order: a writer puts a changed copy in its place by one store; so a reader finds a record
 *    that is there all the time.
 * 2. Enter.  A reader writes the era of the moment into a free place, then loads its first pointer.  It empties the
 *    place after its last access.
 * 3. Retire.  A writer takes the last pointer to a block away, notes the era in the block, raises the era, and looks at
 *    all places.  It frees a block once no place holds the block's era or an older one.
 *
 * Pointers, places and era are accessed in one order that all threads agree on (memory_order_seq_cst).  In it either
 * the reader's entry in its place comes before the writer's look at the place: then the writer sees an era not above
 * the block's, and does not free.  Or it comes after the look: then the pointer was taken away before the reader's
 * first load, and no way leads to the block any more.  A pointer inside a block that is retired itself leads to blocks
 * that are retired later, if at all, in eras not below the reader's.
 *
 * A reader that stands still keeps memory from being freed, never anybody from going on: retired blocks count as used,
 * and a writer that finds no room gives its record up.  A reader that finds no place has found nothing.
 *
 * denial_turns_test.c runs the code through schedules of a reader and a writer, access by access; denial_threads_test.c
 * runs under ThreadSanitizer. */
#ifndef CACHE_DENIAL_SHARED_H
#define CACHE_DENIAL_SHARED_H

#include <pthread.h>
#include <stdatomic.h>

#include "cache/denial_index.h"

enum {
    NSEC3_HASH_SHA1 = 1, /* RFC 5155 section 11: the only algorithm there is */
    NSEC3_SHA1_OCTETS = 20,
    SORT_KEY_MAX = 2 * DNAME_OCTETS_MAX,
    READERS_MAX = 64, /* at the same moment; CONFIG_WORKERS_MAX */
    CACHE_LINE_OCTETS = 64,
};

/* What is allocated, counted and retired as one. */
struct block {
    struct block *next; /* of the retired ones */
    uint64_t retired;   /* the era */
    uint64_t octets;    /* with what malloc adds */
};

/* A span from owner to next.  For NSEC both are sort keys of names, for NSEC3 hashes: octets in either case. */
struct span {
    struct block block;
    int64_t expires_ms, received_ms;
    _Atomic uint64_t epoch; /* of the verdict: renewed by readers */
    struct lineage_ref lineage;
    uint16_t owner_len, next_len;
    uint32_t blob_len;
    bool is_name;        /* NSEC: owner and next are sort keys of names */
    bool is_parent_side; /* NS without SOA: the delegation's own record (RFC 6840 section 4.1) */
    bool has_dname;
    _Atomic bool used; /* set by readers, cleared by the hand */
    uint8_t data[];    /* owner, next, the encoded RRset */
};

typedef struct span *_Atomic span_pointer;

/* Spans in ascending order of their owners; of NSEC3, all of one chain. */
struct table {
    struct block block;
    uint32_t count;
    uint16_t iterations;
    uint16_t salt_len;
    span_pointer items[]; /* the salt stands behind the last one */
};

typedef struct table *_Atomic table_pointer;

struct spans {
    table_pointer table; /* NULL: empty */
    uint32_t hand;       /* of writers: second chance */
};

typedef struct zone *_Atomic zone_pointer;

struct zone {
    struct block block;
    zone_pointer chain; /* of its bucket */
    struct dname name;
    uint16_t origin;
    _Atomic bool used;
    struct spans nsec, nsec3;
    span_pointer soa; /* with empty owner and next; may be NULL */
    /* Writers alone, from here on. */
    struct zone *previous, *next; /* ring of all zones */
    uint32_t negative_ttl_s;      /* lesser of the SOA's TTL and MINIMUM, last seen; UINT32_MAX: not yet */
    uint64_t octets;              /* all of it */
};

struct place {
    _Alignas(CACHE_LINE_OCTETS) _Atomic uint64_t era; /* 0: free */
};

struct denial_index {
    struct place places[READERS_MAX];
    _Alignas(CACHE_LINE_OCTETS) _Atomic uint64_t era; /* from 1 on */
    struct lineages *lineages;
    _Atomic uint64_t depths[2]; /* bit n: a zone whose name has n labels was filed once */
    size_t bucket_count;
    /* Writers alone, but for the buckets. */
    _Alignas(CACHE_LINE_OCTETS) pthread_mutex_t lock;
    uint64_t budget_octets, used_octets; /* what is retired counts until it is freed */
    struct block *retired;
    struct zone *hand; /* in the ring; NULL: it is empty */
    zone_pointer buckets[];
};

/* Every access that the argument above speaks of. */
#define SHARED_GET(pointer)        atomic_load_explicit(&(pointer), memory_order_seq_cst)
#define SHARED_SET(pointer, value) atomic_store_explicit(&(pointer), value, memory_order_seq_cst)

/* Of a block that is not published yet. */
#define FRESH_SET(pointer, value) atomic_store_explicit(&(pointer), value, memory_order_relaxed)

/* ---- denial_blocks.c ---- */

/* A place to be in, which reader_leave() takes; NULL: all are taken. */
struct place *reader_enter(struct denial_index *index);
void reader_leave(struct place *place);

uint64_t block_octets(size_t size);
/* Zeroed, of `size` octets, and counted. */
void *block_new(struct denial_index *index, size_t size);
/* Nothing leads to it any more. */
void block_retire(struct denial_index *index, struct block *block);
/* Frees what no reader can stand in. */
void blocks_reclaim(struct denial_index *index);

/* ---- denial_record.c ---- */

/* Octets whose order is the canonical order of names (RFC 4034 section 6.1). */
size_t sort_key(const struct dname *name, uint8_t key[SORT_KEY_MAX]);

/* A record that may be filed, taken apart. */
struct denial_record {
    const struct rrset *rrset;
    struct dname zone; /* its signer */
    bool is_nsec3;
    struct octets bitmap;
    struct nsec3 nsec3;
    size_t owner_len, next_len;
    uint8_t owner[SORT_KEY_MAX], next[SORT_KEY_MAX];
};
/* false: it must not be used for other names than it was sent for (denial_index.h). */
bool denial_record_read(const struct rrset *rrset, struct denial_record *record);
/* No more than its signatures say (RFC 4035 section 5.3.3): a TTL on its way is anybody's, or made longer by the
 * operator. */
uint32_t denial_ttl_s(const struct rrset *rrset);

/* ---- zones, tables, spans ---- */

static inline struct octets span_owner(const struct span *span)
{
    return (struct octets) { span->data, span->owner_len };
}

static inline struct octets span_next(const struct span *span)
{
    return (struct octets) { span->data + span->owner_len, span->next_len };
}

static inline struct octets span_blob(const struct span *span)
{
    return (struct octets) { span->data + span->owner_len + span->next_len, span->blob_len };
}

static inline bool span_matches(const struct span *span, struct octets key)
{
    return octets_equal(span_owner(span), key);
}

static inline struct octets table_salt(const struct table *table)
{
    return (struct octets) { (const uint8_t *)&table->items[table->count], table->salt_len };
}

/* The number of spans whose owner is not above key. */
uint32_t table_upto(const struct table *table, struct octets key);

/* Does the verdict that it rests on still stand? */
bool span_stands(struct denial_index *index, struct span *span);
/* For readers and writers; NULL if there is none. */
struct zone *zone_find(struct denial_index *index, const struct dname *name, uint16_t origin);

#endif
