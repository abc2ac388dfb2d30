/* Ready-made answers: whole messages, as response_write() makes them, that a worker copies, patches and sends.
 *
 * One serves every plain question of its name and type, with and without DO and CD (what was never judged: with CD
 * alone): the records that only DO asks for are the second part of each section, and no name in another part points
 * into them.  It is derived from answers that the cache held, ends with the first deadline of theirs, TTL or verdict,
 * and dies with the trust epoch: any flush and any change of trust or settings.  It lives in memory of its own, so that
 * it never displaces what it was made of. */
#ifndef CACHE_READY_H
#define CACHE_READY_H

#include "cache/cache.h"
#include "message/plain.h"

enum {
    READY_SETS_MAX = 32,   /* RRsets in one; those with more are made anew each time, as are longer ones */
    READY_MARKS_MAX = 128, /* TTLs in one */
    READY_EDES_MAX = 4,
    READY_EDE_OCTETS_MAX = READY_EDES_MAX * (4 + 2 + EXTRA_TEXT_MAX), /* options of the OPT record */
    READY_MESSAGE_OCTETS_MAX = 2048,
    READY_OPTIONS_OCTETS_MAX = 256, /* of the OPT record, for one client alone */
    READY_BUFFER_OCTETS = 4096,     /* what ready_answer() works in */
};

/* Sets of addresses are turned by the question's id, so that each record comes first as often as the others (RFC 1794).
 * Larger ones stay as they are. */
enum { ROTATED_RECORDS_MAX = 32 };
static inline bool is_rotated(uint16_t type, unsigned count)
{
    return (type == TYPE_A || type == TYPE_AAAA) && count > 1 && count <= ROTATED_RECORDS_MAX;
}

/* Of the message, in this order. */
enum ready_part {
    READY_ANSWERS,
    READY_ANSWER_SIGNATURES, /* DO alone */
    READY_AUTHORITY,
    READY_AUTHORITY_DNSSEC, /* DO alone: signatures, NSEC, NSEC3 */
    READY_PARTS,
};

/* ---- making one ---- */

struct ready_set {  /* records whose TTL ends together */
    int64_t end_ms; /* wall time */
    uint32_t ttl_s; /* never more than that */
    uint32_t unused;
};
struct ready_mark { /* a TTL in the message */
    uint16_t at;
    uint8_t set;
    uint8_t part;
};
struct ready_head {
    int64_t received_ms, expires_ms; /* when it may be served */
    int64_t refresh_ms;              /* from then on it is to be asked for anew: answer_refresh_ms() */
    uint64_t epoch;
    uint16_t part_ends[READY_PARTS]; /* in the message with all parts */
    uint16_t counts[READY_PARTS];    /* records */
    uint16_t question_octets;        /* the name's */
    uint16_t ede_octets;
    uint8_t rcode, rcode_dnssec; /* without and with DO: RFC 9824 section 5 */
    uint8_t security;            /* enum security: SECURE, INSECURE, or UNCHECKED, which is for CD=1 alone */
    uint8_t set_count, mark_count;
    uint8_t has_extras; /* NS records that nobody has to get: they go before TC=1 does */
    uint8_t unused[6];
};
_Static_assert(sizeof(struct ready_head) == 64, "no padding");

struct ready_draft {
    struct ready_head head;
    struct ready_set sets[READY_SETS_MAX];
    struct ready_mark marks[READY_MARKS_MAX];
    uint8_t ede[READY_EDE_OCTETS_MAX];
    struct octets message; /* borrowed; with all parts, without OPT */
};

/* Another set, whose records the message holds from `begin` to the end of what is written.  false: there is no room. */
MUST_USE bool ready_add_set(struct ready_draft *draft, enum ready_part part, struct octets message, size_t begin,
                            int64_t end_ms, uint32_t ttl_s);
/* head, sets, marks, ede and message are set.  Nothing happens if it does not fit. */
void ready_put(struct cache *cache, const struct question *question, uint16_t origin, const struct ready_draft *draft,
               struct now now);
/* What was made for this question is worth nothing any more. */
void ready_drop(struct cache *cache, const struct question *question, uint16_t origin);

/* ---- using one ---- */

enum { READY_KEY_OCTETS_MAX = 4 + DNAME_OCTETS_MAX };
struct ready_key {
    uint64_t hash;
    uint16_t octet_count;
    uint8_t octets[READY_KEY_OCTETS_MAX]; /* origin, type, name in lower case; the class is IN */
};
void ready_key_make(const struct cache *cache, const struct plain_question *plain, uint16_t origin,
                    struct ready_key *key);

/* cache_claim_refresh() for this key. */
bool ready_claim_refresh(struct cache *cache, const struct ready_key *key, struct now now);

/* Asks for the memory that ready_answer() will need: for a whole batch first the one, then the other. */
void ready_prefetch_index(const struct cache *cache, const struct ready_key *key);
void ready_prefetch_entry(const struct cache *cache, const struct ready_key *key);

struct ready_manner {     /* what is the same for all clients, and for this one */
    uint16_t edns_octets; /* offered to clients */
    bool ede;
    bool rotate;
    uint16_t octets_max;   /* the smaller of the client's size and ours */
    struct octets options; /* of the OPT record, for this client alone; READY_OPTIONS_OCTETS_MAX at most */
};
struct ready_answer {
    struct octets message; /* in the buffer; empty: none is ready */
    uint8_t rcode;
    bool is_truncated;
    bool is_ending; /* its time to be refreshed has come */
};
/* The answer to a plain question.  What is ready but cannot be served now, by its deadlines, epoch or size, or to this
 * client, is left to the long way. */
struct ready_answer ready_answer(struct cache *cache, const struct ready_key *key, const struct plain_question *plain,
                                 const struct ready_manner *manner, struct now now,
                                 uint8_t buffer[READY_BUFFER_OCTETS]);

#endif
