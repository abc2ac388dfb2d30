/* Answers as entries: what those who find and those who store them share. */
#ifndef CACHE_ANSWERS_H
#define CACHE_ANSWERS_H

#include "cache/internal.h"

/* ---- keys ---- */

/* The question's own. */
struct blob_key answer_key(const struct question *question, uint16_t origin);
/* A CNAME's, which answers questions of nearly all types. */
struct blob_key answer_cname_key(const struct question *question, uint16_t origin);
bool answer_follows_cname(uint16_t qtype);
/* A name error answers every type: one entry, under a type that is none (RFC 6895 section 3.1). */
struct blob_key answer_nxdomain_key(const struct question *question, uint16_t origin);
/* A DNAME's that answers for every name below its owner. */
struct blob_key answer_dname_key(const struct dname *owner, uint16_t qclass, uint16_t origin);
/* A DNAME that a client may rely on is one; any other one is for the question alone that brought it. */
bool answer_is_shared_dname(const struct answer *answer, enum security security);
/* Under which of them this answer is stored.  What a client may not rely on answers for the question alone that brought
 * it (RFC 4035 section 4.7): a forged alias or name error would take the name's other types away. */
struct blob_key answer_entry_key(const struct answer *answer, enum security security);

/* ---- entries ---- */

/* The clock has been set back since it came. */
bool answer_is_from_future(int64_t received_ms, struct now now);
/* RFC 4035 section 5.3.1: after the end of the first signature the data must be judged again. */
bool answer_signature_has_ended(const struct answer_head *head, struct now now);
/* What stands at the beginning of the entry under this key; false: there is none. */
bool answer_peek_head(struct cache *cache, const struct blob_key *key, struct answer_head *head);

/* An answer's entry as it lies in the pool, and the question that it is shown for. */
struct stored_answer {
    const struct blob_key *key;
    const struct question *question;
    struct octets blob;
    uint32_t stamp;
};
/* The entry as it may be served now, for lookups and walks.  CACHE_MISS: it must not be seen any more.  The question is
 * the one given, the origin the key's. */
struct judged {
    struct answer *answer;
    struct answer_head head;    /* as stored */
    struct answer_head renewed; /* as it should be stored from now on, when an older epoch was judged */
};
enum cache_hit answer_judge(struct cache *cache, const struct stored_answer *stored, struct now now,
                            struct arena *arena, struct judged *judged);

#endif
