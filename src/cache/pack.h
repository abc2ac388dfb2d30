/* What the blobs of the cache are packed of.  Each pack_ has its unpack_, which reads what was written and sets
 * r->failed at anything else; it gives something harmless then. */
#ifndef CACHE_PACK_H
#define CACHE_PACK_H

#include "base/arena.h"
#include "base/reader.h"
#include "base/writer.h"
#include "message/rrset.h"

/* Seven bits in an octet, the least first; the upper bit: there are more. */
void pack_number(struct writer *w, uint64_t number);
uint64_t unpack_number(struct reader *r);
uint64_t unpack_upto(struct reader *r, uint64_t max);
/* A number of things that take an octet at least each. */
uint16_t unpack_count(struct reader *r);

/* A moment.  What is too late for it comes back as INT64_MAX, never. */
void pack_time(struct writer *w, int64_t ms);
int64_t unpack_time(struct reader *r);
/* Milliseconds that are mostly whole seconds, and no more than days: no TTL is kept for longer than TTL_S_MAX. */
void pack_span(struct writer *w, int64_t ms);
int64_t unpack_span(struct reader *r);

/* As much of it as `size`, at most 256, holds with its NUL; NULL is "".  The octets of `text` behind it stay as they
 * are. */
void pack_text(struct writer *w, const char *text, size_t size);
void unpack_text(struct reader *r, char *text, size_t size);

/* The labels that two names share from the root, letter case and all. */
uint8_t shared_labels(const struct dname *a, const struct dname *b);
/* The number of labels shared with base and that of the octets before them, mostly in one octet; then those. */
void pack_name(struct writer *w, const struct dname *base, const struct dname *name);
void unpack_name(struct reader *r, const struct dname *base, struct dname *name);

/* What a set mostly is like. */
struct usual {
    const struct dname *owner;
    uint16_t type;
    uint32_t ttl_s;
};

/* RRsets, the first mostly as `usual`, each further one near the one before it. */
void pack_sets(struct writer *w, struct usual usual, const struct rrset_list *list);
struct rrset_list unpack_sets(struct reader *r, struct usual usual, uint16_t count, struct arena *arena);

#endif
