/* What is known of one question: the atomic unit that cache, validator and resolver hand to each other (RFC 4035
 * section 4.5): an RRset with its signatures and the proofs that belong to it, or the proof that there is none.  A
 * CNAME or DNAME chain is a list of answers, one a link. */
#ifndef MESSAGE_ANSWER_H
#define MESSAGE_ANSWER_H

#include "base/arena.h"
#include "message/message.h"
#include "message/verdict.h"

enum answer_kind {
    ANSWER_DATA,  /* rrsets[0] is the RRset asked for (several for ANY) */
    ANSWER_CNAME, /* rrsets[0] is the CNAME at qname; qtype was something else */
    ANSWER_DNAME, /* rrsets[0] is a DNAME above qname; `target` is what qname becomes; the CNAME is made when sent */
    ANSWER_NODATA,
    ANSWER_NXDOMAIN,
};

enum { ORIGIN_ITERATIVE = 0 }; /* else 1 + index of the forward, stub or local zone it came from: entries never cross */

struct answer {
    struct question question;
    enum answer_kind kind;
    uint16_t rcode; /* NOERROR, NXDOMAIN; YXDOMAIN when a DNAME's result is too long (RFC 6672) */
    uint16_t origin;
    struct dname zone;        /* the zone whose servers said it, as far as delegations tell: unsigned, a hint */
    struct dname target;      /* CNAME, DNAME: the next name of the chain */
    struct rrset_list rrsets; /* Answer section of this link */
    struct rrset_list proofs; /* SOA, NSEC, NSEC3 with their signatures: Authority section of this link */
    int64_t received_ms;      /* wall time, whole seconds; TTLs count from here */
    int64_t expires_ms;       /* wall time: the least TTL of all parts, capped; not yet by signatures (verdict) */
    struct rrset *shown_ns;   /* NS of the zone that said it, for clients to see: never used or cached; NULL: none */
    bool is_local;            /* our own word (policy/): authoritative, and never cached */
    bool lacks_records;       /* malformed ones came along and were left out: the operator wants the rest */
    bool contradicted;        /* DNAME: a CNAME came along that it does not yield (RFC 6672 section 3.1) */
    struct verdict verdict;   /* of the whole link: UNCHECKED until the validator has spoken */
    bool verdict_is_new;      /* judged since it came out of the cache: worth storing */
};

struct answer *answer_copy(struct arena *arena, const struct answer *answer);
/* Sets target, and rcode for a DNAME (RFC 6672 section 2.2), from kind, question and rrsets[0].  false: the record is
 * no CNAME or DNAME of the question's name, or malformed.  Other kinds have no target: true. */
bool answer_set_target(struct answer *answer);
/* The chain goes on at target: a CNAME or DNAME that was not itself what was asked for. */
bool answer_leads_on(const struct answer *answer);
/* The SOA of a negative answer; NULL if there is none. */
const struct rrset *answer_soa(const struct answer *answer);

#endif
