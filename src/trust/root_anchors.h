/* root-anchors.xml, the root's trust anchors as IANA publishes them (RFC 9718 section 2; RFC 7958 without public
 * keys). */
#ifndef TRUST_ROOT_ANCHORS_H
#define TRUST_ROOT_ANCHORS_H

#include "base/arena.h"
#include "trust/trust.h"

enum {
    ROOT_ANCHORS_OCTETS_MAX = 64 << 10, /* IANA's had 2 KB for four keys */
    ROOT_ANCHORS_MAX = 32,              /* a key every three years */
    ROOT_ANCHORS_FAULT_OCTETS_MAX = 160,
};

struct key_digest {
    const char *id;
    int64_t valid_from_s, valid_until_s; /* INT64_MAX: open */
    struct octets ds;                    /* RDATA */
    struct octets dnskey;                /* RDATA, without REVOKE; empty: the file has only the digest */
};

struct root_anchors {
    const char *id; /* of the document */
    struct key_digest items[ROOT_ANCHORS_MAX];
    size_t count;
};

/* All in the arena.  ERR_FORMAT: fault is a printable sentence; *anchors then means nothing.  What breaks the schema, a
 * zone that is not the root, a key that is not that of its digest: the whole file is refused.  No DTD, no entities. */
MUST_USE enum err root_anchors_read(struct arena *arena, struct octets xml, struct root_anchors *anchors,
                                    char fault[ROOT_ANCHORS_FAULT_OCTETS_MAX]);

static inline bool key_digest_is_current(const struct key_digest *item, int64_t now_s)
{
    return item->valid_from_s <= now_s && now_s <= item->valid_until_s;
}

/* Does it speak of this DS or DNSKEY of the root? */
bool key_digest_is_of(const struct key_digest *item, uint16_t type, struct octets rdata);
/* The DNSKEY if the file has it, else the DS; source, zone and validity with it.  rdata is borrowed. */
struct anchor key_digest_anchor(const struct key_digest *item);

#endif
