/* The denial index: verified NSEC records of a zone in canonical order (RFC 4034 section 6.1) and NSEC3 records in the
 * order of their hashes, for answers made from them (RFC 8198).  Bounded for each zone and in all.
 *
 * Not in it: opt-out NSEC3 (RFC 5155 section 9.2), NSEC whose next name is outside the zone or that were expanded from
 * a wildcard, NSEC made for one name alone (RFC 9824).  A record from the parent's side of a cut, or at a DNAME, denies
 * nothing at the cut, or below either name (RFC 6840 section 4.1). */
#ifndef CACHE_DENIAL_INDEX_H
#define CACHE_DENIAL_INDEX_H

#include "cache/cache.h"
#include "cache/lineages.h"

struct denial_index;

/* lineages is borrowed.  The budget counts everything the index allocates, itself included. */
struct denial_index *denial_index_new(uint64_t budget_octets, struct lineages *lineages);
void denial_index_free(struct denial_index *index);

/* What all records of one answer share. */
struct denial_stamp {
    uint16_t origin;
    int64_t received_ms;
    int64_t expires_ms_max; /* signature's end and configured maximum; each record has its own TTL besides */
    uint64_t epoch;
    struct lineage_ref lineage;
};
/* Files the NSEC and NSEC3 records, and the SOA, of a Secure answer's proofs.  Every one of them is verified. */
void denial_index_add(struct denial_index *index, const struct answer *answer, const struct denial_stamp *stamp,
                      struct now now);

/* What cache.h says of cache_denial_...(). */
bool denial_index_zone(struct denial_index *index, const struct dname *name, uint16_t origin, struct dname *zone);
bool denial_index_nsec(struct denial_index *index, const struct denial_asked *asked, const struct dname *name,
                       uint16_t qtype, struct denial_found *found);
bool denial_index_nsec3(struct denial_index *index, const struct denial_asked *asked, const uint8_t *hash,
                        uint16_t qtype, struct denial_found *found);
bool denial_index_nsec3_chain(struct denial_index *index, const struct denial_asked *asked, struct octets *salt,
                              uint16_t *iterations);
bool denial_index_soa(struct denial_index *index, const struct denial_asked *asked, struct denial_found *found);

/* Drop zones with all their records and return the number of these: all; those at or below `zone`; the deepest one at
 * or above name, for each origin. */
size_t denial_index_drop_all(struct denial_index *index);
size_t denial_index_drop_below(struct denial_index *index, const struct dname *zone);
size_t denial_index_drop_for(struct denial_index *index, const struct dname *name);
/* Drops the records whose verdict does not stand any more. */
size_t denial_index_drop_fallen(struct denial_index *index);

uint64_t denial_index_octets(struct denial_index *index);

#endif
