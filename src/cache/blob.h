/* Entries of the cache as contiguous octets without pointers.  Decoding copies nothing that the blob holds: RDATA in the
 * result points into it.  Malformed blobs are refused, never trusted. */
#ifndef CACHE_BLOB_H
#define CACHE_BLOB_H

#include "cache/cache.h"
#include "cache/lineages.h"

/* What was received later than now by more than this is from before a backward jump of the clock; less is the difference
 * between two workers' ideas of now. */
enum { CACHE_FUTURE_MS = 10000 };

/* The beginning of an answer's blob, fixed in size: what decides whether it may be served, and how. */
struct answer_head {
    int64_t received_ms, expires_ms, valid_until_s;
    uint64_t epoch;             /* the verdict was made, or last judged again, in it */
    struct lineage_ref lineage;
    uint32_t ttl_cap_s;
    int32_t ede;
    uint16_t qtype;             /* as asked: not in the key of a name error, which answers all types */
    uint16_t rcode;
    uint8_t kind;               /* enum answer_kind */
    uint8_t security;           /* enum security */
    uint8_t may_cut;            /* NXDOMAIN that holds for all names below (RFC 8020) */
    uint8_t unused[5];
};
_Static_assert(sizeof(struct answer_head) == 64, "no padding: heads are compared as octets");

void answer_encode(struct writer *w, const struct answer_head *head, const struct answer *answer);
/* Everything but question, origin and lineage, which the blob does not hold. */
bool answer_decode(struct octets blob, struct arena *arena, struct answer_head *head, struct answer *answer);

void rrset_encode(struct writer *w, const struct rrset *rrset);
struct rrset *rrset_decode(struct reader *r, struct arena *arena); /* may be incomplete when r has failed */

struct delegation_head {
    int64_t stored_ms, expires_ms;
    uint16_t server_count;
    uint8_t is_hint;
    uint8_t unused[5];
};
_Static_assert(sizeof(struct delegation_head) == 24, "no padding");

void delegation_encode(struct writer *w, const struct delegation_head *head, const struct delegation *delegation);
/* Everything but zone and origin. */
bool delegation_decode(struct octets blob, struct arena *arena, struct delegation_head *head,
                       struct delegation *delegation);

/* A failure has no variable part. */
enum { FAILURE_SITE_OCTETS = 47 };
struct failure_blob {
    int64_t failed_ms, expires_ms;
    uint32_t ttl_s;       /* of the last failure that was not a budget's: what doubles */
    int32_t ede;
    uint8_t is_budget;
    char site[FAILURE_SITE_OCTETS]; /* cut off if longer: ours are short */
    char text[EXTRA_TEXT_MAX];
};
_Static_assert(sizeof(struct failure_blob) == 72 + EXTRA_TEXT_MAX, "no padding");

/* The keys of all kinds. */
enum blob_kind { BLOB_ANSWER = 'a', BLOB_DELEGATION = 'd', BLOB_FAILURE = 'f' };
struct blob_key {
    enum blob_kind kind;
    uint16_t origin;
    uint16_t qclass;
    uint16_t qtype;
    struct dname qname; /* in lower case once it comes out */
};
enum { BLOB_KEY_OCTETS_MAX = 7 + DNAME_OCTETS_MAX };
struct octets blob_key_encode(const struct blob_key *key, uint8_t octets[BLOB_KEY_OCTETS_MAX]);
bool blob_key_decode(struct octets octets, struct blob_key *key);

#endif
