/* RRsets with the signatures that cover them: one thing, never parted (RFC 4035 section 4.5). */
#ifndef MESSAGE_RRSET_H
#define MESSAGE_RRSET_H

#include "base/arena.h"
#include "message/dname.h"
#include "message/rdata.h"

struct rrset {
    const struct dname *owner; /* case as first seen */
    uint16_t type;
    uint16_t class;
    uint16_t count; /* of rdata; 0 only in a message that was read: see message_read_reply() */
    uint16_t sig_count;
    uint32_t ttl_s;     /* the least of its records' (RFC 2181 section 5.2), top bit set counts as 0 (section 8) */
    uint32_t sig_ttl_s; /* the same of its RRSIGs */
    const struct octets *rdata; /* uncompressed wire form, no duplicates, order as received */
    const struct octets *sigs;  /* RDATA of RRSIGs whose Type Covered is `type`, same owner and class */
};

struct rrset_list {
    struct rrset **items;
    uint16_t count;
};

/* Deep copy. */
struct rrset *rrset_copy(struct arena *arena, const struct rrset *rrset);
/* The first with that owner and type; NULL if none. */
struct rrset *rrset_list_find(const struct rrset_list *list, const struct dname *owner, uint16_t type);

/* One line a record, signatures behind, in the arena: for logs, tools and failing tests. */
char *rrset_to_text(struct arena *arena, const struct rrset *rrset);

/* Canonical form and order of a whole RRset (RFC 4034 section 6.3): the RDATAs in canonical form, sorted, without
 * duplicates.  Result in the arena; *count is at most rrset->count. */
const struct octets *rrset_canonical_rdata(struct arena *arena, const struct rrset *rrset, uint16_t *count);

#endif
