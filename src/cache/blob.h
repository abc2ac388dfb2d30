/* Entries of the cache as contiguous octets without pointers.  Decoding copies nothing that the blob holds: RDATA in
 * the result points into it.  Malformed blobs are refused, never trusted. */
#ifndef CACHE_BLOB_H
#define CACHE_BLOB_H

#include "cache/cache.h"
#include "cache/lineages.h"

/* What was received later than now by more than this is from before a backward jump of the clock; less is the
 * difference between two workers' ideas of now. */
enum { CACHE_FUTURE_MS = 10000 };

/* What decides whether an answer may be served, and how: the first part of its blob, but for epoch and security, which
 * are the entry's stamp: they may change while the entry stands. */
struct answer_head {
    int64_t received_ms, expires_ms, valid_until_s;
    uint64_t epoch; /* the verdict was made, or last judged again, in it */
    struct lineage_ref lineage;
    uint32_t ttl_cap_s;
    int32_t ede;
    uint16_t qtype; /* as asked: not in the key of a name error, which answers all types */
    uint16_t rcode;
    enum answer_kind kind;
    enum security security;
    bool may_cut; /* NXDOMAIN that holds for all names below (RFC 8020) */
};
enum { ANSWER_HEAD_OCTETS_MAX = 48 };

/* The last EPOCH_BITS of the epoch are enough: an entry is not a quarter of a billion flushes old. */
enum { EPOCH_BITS = 28 };
uint32_t stamp_make(const struct answer_head *head);
/* Sets epoch and security; `current` is the epoch now. */
void stamp_read(uint32_t stamp, uint64_t current, struct answer_head *head);

struct blob_key;
/* What the key says is not said again in the blob. */
void answer_encode(struct writer *w, const struct blob_key *key, const struct answer_head *head,
                   const struct answer *answer);
/* Reads the head, from the blob or its first ANSWER_HEAD_OCTETS_MAX octets. */
bool answer_head_decode(struct octets blob, const struct blob_key *key, struct answer_head *head);
/* Everything but question, origin and lineage, which the blob does not hold.  head: epoch and security are set. */
bool answer_decode(struct octets blob, const struct blob_key *key, struct arena *arena, struct answer_head *head,
                   struct answer *answer);

/* An RRset somewhere at or near the name `base`, which must be the same when it is decoded. */
void rrset_encode(struct writer *w, const struct dname *base, const struct rrset *rrset);
/* May be incomplete when r has failed.  RDATA points into what is read, but for signatures. */
struct rrset *rrset_decode(struct reader *r, const struct dname *base, struct arena *arena);

struct delegation_head {
    int64_t stored_ms, expires_ms;
    uint16_t server_count;
    bool is_hint;
};
enum { DELEGATION_HEAD_OCTETS_MAX = 12 };

void delegation_encode(struct writer *w, const struct delegation_head *head, const struct delegation *delegation);
bool delegation_head_decode(struct octets blob, struct delegation_head *head);
/* Everything but origin; delegation->zone is set. */
bool delegation_decode(struct octets blob, struct arena *arena, struct delegation_head *head,
                       struct delegation *delegation);

enum { FAILURE_SITE_OCTETS = 47, FAILURE_OCTETS_MAX = 24 + FAILURE_SITE_OCTETS + EXTRA_TEXT_MAX };
struct failure_blob {
    int64_t failed_ms, expires_ms;
    uint32_t ttl_s; /* of the last failure that was not a budget's: what doubles */
    int32_t ede;
    bool is_budget;
    char site[FAILURE_SITE_OCTETS]; /* cut off if longer: ours are short */
    char text[EXTRA_TEXT_MAX];
};
void failure_encode(struct writer *w, const struct failure_blob *failure);
bool failure_decode(struct octets blob, struct failure_blob *failure);

/* The keys of all kinds. */
enum blob_kind {
    BLOB_ANSWER,
    BLOB_DELEGATION,
    BLOB_FAILURE,
    BLOB_ASIDE, /* an answer whose place was taken by one that has not been proven */
};
struct blob_key {
    enum blob_kind kind;
    uint16_t origin;
    uint16_t qclass;
    uint16_t qtype;
    struct dname qname; /* in lower case once it comes out */
};
enum { BLOB_KEY_OCTETS_MAX = 8 + DNAME_OCTETS_MAX };
struct octets blob_key_encode(const struct blob_key *key, uint8_t octets[BLOB_KEY_OCTETS_MAX]);
bool blob_key_decode(struct octets octets, struct blob_key *key);

#endif
