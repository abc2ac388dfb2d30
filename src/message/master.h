/* Master files (RFC 1035 section 5): $ORIGIN, $TTL, parentheses, comments, relative names, repeated owners, RFC 3597
 * types.  For trust-anchor files, root hints, local data and tests; zones are served by authoritative servers. */
#ifndef MESSAGE_MASTER_H
#define MESSAGE_MASTER_H

#include "message/rrset.h"

struct master_record {
    struct dname owner;
    uint16_t type, class;
    uint32_t ttl_s;      /* its own, else that of $TTL (RFC 2308 section 4), else the last stated, else 3600 */
    struct octets rdata; /* uncompressed wire form; valid until the next call */
    unsigned line;       /* where the record began, from 1 */
};

struct master; /* a reader over a text in memory */

/* text is borrowed and need not be NUL-terminated.  origin NULL: the root. */
struct master *master_new(const char *text, size_t len, const struct dname *origin);
void master_free(struct master *master);
/* OK: *record is filled.  ERR_NOT_FOUND: the end.  ERR_FORMAT: master_error() says where and what; the next call goes
 * on behind the bad line. */
MUST_USE enum err master_next(struct master *master, struct master_record *record);
/* "line 12: RDATA of DS: not a number: 2x"; valid until the next call. */
const char *master_error(const struct master *master);

#endif
