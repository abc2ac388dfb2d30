/* Trust anchors that follow their zones (RFC 5011): the set that changes, from which each snapshot of trust.h is made.
 *
 * A key enters as the operator's word (built in, configured, a file, an order) and is VALID at once, or is seen in a
 * DNSKEY set that a valid key signed and waits out its hold-down.  A zone is managed as long as the operator names an
 * anchor of it.  rfc5011.h has the rules by which observations change the set; store/ keeps it.  For one thread. */
#ifndef TRUST_MANAGED_H
#define TRUST_MANAGED_H

#include "base/limits.h"
#include "trust/trust.h"

enum {
    MANAGED_KEYS_MAX = DNSKEYS_PER_ZONE_MAX, /* of one zone, removed ones included; what is above is not followed */
};

/* RFC 5011 section 4.  Kept on disk: never renumber. */
enum anchor_state {
    STATE_START,
    STATE_ADD_PEND,
    STATE_VALID,
    STATE_MISSING,
    STATE_REVOKED,
    STATE_REMOVED,
    STATE_DOUBTED, /* none of the RFC's: managed_doubt() */
    ANCHOR_STATES
};
/* "VALID" and its like.  Static storage. */
const char *anchor_state_text(enum anchor_state state);

struct managed_key {
    uint16_t type;       /* TYPE_DNSKEY; TYPE_DS until its key has been seen */
    struct octets rdata; /* without REVOKE, whatever was seen; owned */
    enum anchor_state state;
    enum anchor_source source;           /* ANCHOR_STORE: learnt by RFC 5011 */
    int64_t valid_from_s, valid_until_s; /* as struct anchor */
    int64_t since_s;                     /* in this state */
    int64_t first_seen_s;                /* in a validated set; 0: never */
    int64_t last_seen_s;
    int64_t due_s;   /* end of the hold-down: ADD_PEND, REVOKED; else 0 */
    bool signs;      /* it signed the DNSKEY set last seen … */
    bool has_signed; /* … or an earlier one */
};

struct managed_zone {
    struct dname zone;
    struct managed_key *keys;
    size_t count;
    int64_t asked_s, refreshed_s, next_s; /* last question, last validated answer, next question; 0: never, at once */
    int64_t retry_s;                      /* how long to wait after a failure; 0: not known yet */
    uint32_t failures;                    /* in a row … */
    const char *failure;                  /* … and why the last one; static storage; not kept; NULL: none */
};

struct managed {
    struct managed_zone *zones; /* pointers into it last until a zone is added or dropped */
    size_t count;
};

struct managed *managed_new(void);
void managed_free(struct managed *managed);
/* NULL: not managed. */
struct managed_zone *managed_find(struct managed *managed, const struct dname *zone);
struct managed_zone *managed_add_zone(struct managed *managed, const struct dname *zone);

/* The same content, or DS and DNSKEY of one key. */
bool managed_key_is(const struct managed_zone *zone, const struct managed_key *key, uint16_t type, struct octets rdata);
/* The first that is it; NULL: none. */
struct managed_key *managed_find_key(struct managed_zone *zone, uint16_t type, struct octets rdata);
/* rdata is copied; NULL: MANAGED_KEYS_MAX are there. */
struct managed_key *managed_add_key(struct managed_zone *zone, uint16_t type, struct octets rdata);
void managed_drop_key(struct managed_zone *zone, struct managed_key *key);
uint16_t managed_key_tag(const struct managed_key *key);
uint8_t managed_key_algorithm(const struct managed_key *key);

/* May signatures be judged by it?  A missing key stays an anchor (RFC 5011 section 4.2). */
static inline bool managed_key_is_trusted(const struct managed_key *key)
{
    return key->state == STATE_VALID || key->state == STATE_MISSING;
}
size_t managed_zone_trusted(const struct managed_zone *zone); /* how many */

/* What was known of revocations is lost: keys that were trusted by the operator's word or by what was built in could
 * have been revoked meanwhile.  They are doubted, and not trusted, until root-anchors.xml lists them
 * (bootstrap_adopt()) or an order adds them. */
void managed_doubt(struct managed_zone *zone, int64_t now_s);
/* Nobody can be asked: their word counts again. */
void managed_trust_doubted(struct managed_zone *zone, int64_t now_s);
size_t managed_zone_doubted(const struct managed_zone *zone); /* how many */

/* The operator's word: every anchor of `configured` becomes VALID unless it is revoked or removed, which is final, or
 * doubted.
 * Keys that the configuration named before and names no more go, and so does what was learnt of a zone when none of
 * it is known to the operator: it grew from another anchor.  Revoked and removed keys always stay. */
void managed_merge(struct managed *managed, const struct trust *configured, int64_t now_s);

/* The snapshot: negative anchors and exceptions of `configured`, and all trusted keys.  A root without any fails
 * closed; any other zone without is as if it had never been configured (RFC 5011 section 5). */
struct trust *managed_snapshot(const struct managed *managed, const struct trust *configured);

/* RFC 7583 section 3.3 words: "generated", "published", "ready", "active", "retired", "removed", "revoked". */
const char *managed_key_stage(const struct managed_key *key);

#endif
