/* Trust anchors, negative trust anchors and standing exceptions as one immutable snapshot that the validator reads.
 * A new snapshot is made for each change and published; readers take no lock. */
#ifndef TRUST_TRUST_H
#define TRUST_TRUST_H

#include "base/err.h"
#include "message/dname.h"
#include "message/rdata.h"
#include "time/now.h"

struct trust;

/* Kept on disk: never renumber. */
enum anchor_source {
    ANCHOR_BUILT_IN,
    ANCHOR_CONFIGURED,
    ANCHOR_FILE,
    ANCHOR_STORE,   /* learnt by RFC 5011 */
    ANCHOR_ORDERED, /* vouchctl ta add */
    ANCHOR_SYSTEM,  /* the distribution's package dns-root-data */
    ANCHOR_XML,     /* bootstrap from root-anchors.xml (RFC 9718) */
    ANCHOR_SOURCES,
};
/* "built-in" and its like.  Static storage. */
const char *anchor_source_text(enum anchor_source source);

struct anchor {
    struct dname zone;
    uint16_t type;       /* TYPE_DS or TYPE_DNSKEY */
    struct octets rdata; /* owned by the snapshot */
    enum anchor_source source;
    int64_t valid_from_s, valid_until_s; /* UNIX time; INT64_MIN, INT64_MAX: no bound (RFC 9718 section 2.1) */
};

/* What is said of a name by the closest entry at or above it. */
enum coverage {
    COVERAGE_NONE, /* no anchor above: insecure */
    COVERAGE_ANCHOR,
    COVERAGE_NEGATIVE, /* a negative trust anchor (RFC 7646): insecure, EDE 33 */
    COVERAGE_INSECURE, /* a standing exception (trust.insecure): insecure */
};

/* ---- reading ---- */

/* The closest entry at or above name; of several at one name: negative, insecure, anchor.  *zone is where it stands
 * (the root for COVERAGE_NONE).  Negative anchors past their end do not count; anchors outside their validity do: what
 * they cover fails closed. */
enum coverage trust_covers(const struct trust *trust, const struct dname *name, struct now now, struct dname *zone);
/* Usable anchors (inside their validity, not revoked) at exactly this zone; borrowed.  Number written. */
size_t trust_anchors_at(const struct trust *trust, const struct dname *zone, struct now now, const struct anchor **list,
                        size_t max);
/* Their key tags, ascending, each once, as RFC 8145 signals them.  Number written. */
enum { SIGNALLED_TAGS_MAX = 16 };
size_t trust_key_tags(const struct trust *trust, const struct dname *zone, struct now now, uint16_t *tags, size_t max);
/* All of them, in canonical order of their zones. */
const struct anchor *trust_anchors(const struct trust *trust, size_t *count);
/* The root's published keys are none of these: nothing can be judged by them until that is over. */
bool trust_is_held(const struct trust *trust);
/* A hash over all that verdicts depend on (not reasons and sources), in whatever order it was added, the same in every
 * process: cached verdicts are only as good as the snapshot they were made under. */
uint64_t trust_fingerprint(const struct trust *trust);

struct negative_anchor {
    struct dname zone;
    int64_t until_s;    /* UNIX time */
    const char *reason; /* owned by the snapshot */
};
/* In canonical order of their zones, those past their end included. */
const struct negative_anchor *trust_negatives(const struct trust *trust, size_t *count);

/* In canonical order of their zones, as the anchors. */
struct insecure_zone {
    struct dname zone;
    const char *reason; /* owned by the snapshot */
};
const struct insecure_zone *trust_insecures(const struct trust *trust, size_t *count);

/* ---- making ---- */

struct trust *trust_new(void); /* empty; fill, then publish and never change again */
void trust_free(struct trust *trust);
struct trust *trust_copy(const struct trust *trust);
/* Negative anchors and insecure zones alone. */
struct trust *trust_copy_exceptions(const struct trust *trust);
/* Why RDATA of that type cannot be an anchor: not a DS or DNSKEY, malformed, a DNSKEY without ZONE flag or with REVOKE.
 * NULL: it can.  Static storage. */
const char *trust_anchor_fault(uint16_t type, struct octets rdata);
/* rdata is copied.  A duplicate (same zone, type, RDATA) is not added twice: the first stays.  ERR_FORMAT: see
 * trust_anchor_fault(). */
MUST_USE enum err trust_add_anchor(struct trust *trust, const struct anchor *anchor);
/* A second one at the same name takes the place of the first; so with trust_add_insecure().  reason may be NULL. */
void trust_add_negative(struct trust *trust, const struct dname *zone, int64_t until_s, const char *reason);
void trust_add_insecure(struct trust *trust, const struct dname *zone, const char *reason);
void trust_drop_negatives(struct trust *trust); /* all of them */
/* See trust_is_held(). */
void trust_hold(struct trust *trust);
/* The IANA root anchors known when this release was made: KSK-2017 (20326) and KSK-2024 (38696). */
void trust_add_built_in(struct trust *trust);
/* All DS and DNSKEY records of a text in master format (several lines, parentheses, comments); records of other types,
 * as dig prints them along, are passed over.  On failure *error, if not NULL, is a sentence with line and cause
 * (malloc'd, the caller frees it) and trust may hold what came before.  *added counts those that were not there yet. */
MUST_USE enum err trust_add_text(struct trust *trust, const char *text, size_t len, enum anchor_source source,
                                 size_t *added, char **error);

#endif
