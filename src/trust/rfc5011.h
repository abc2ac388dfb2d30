/* RFC 5011: how the keys that a zone publishes change the anchors that are held of it.  Pure functions: what was seen,
 * and when, goes in; what has changed comes out.  Whose signatures verified is for the caller to say. */
#ifndef TRUST_RFC5011_H
#define TRUST_RFC5011_H

#include "trust/managed.h"

enum {
    ADD_HOLD_DOWN_S = 30 * 86400,    /* section 2.4.1, or the TTL if that is longer */
    REMOVE_HOLD_DOWN_S = 30 * 86400, /* section 2.4.2 */
    REFRESH_S_MIN = 3600,            /* section 2.3, as all four */
    REFRESH_S_MAX = 15 * 86400,
    RETRY_S_MAX = 86400,
};

/* One key of the DNSKEY set. */
struct seen_key {
    struct octets rdata; /* borrowed */
    bool signs;          /* a signature of its own over the set verified; false too if nobody looked */
};

struct observation { /* a DNSKEY set as it was answered */
    const struct seen_key *keys;
    size_t count;
    uint32_t original_ttl_s; /* of its RRSIGs, the least */
};

struct anchor_change {
    enum anchor_state from, to; /* to START: forgotten */
    uint16_t key_tag;           /* as the key stands in the set, or of the DS */
    uint8_t algorithm;
    const char *why; /* static storage */
};
enum { ANCHOR_CHANGES_MAX = 2 * MANAGED_KEYS_MAX };
struct anchor_changes {
    struct anchor_change items[ANCHOR_CHANGES_MAX];
    size_t count;
};

/* Does anything hang on a signature by this key of the set: is it trusted, or the revocation of one that is known? */
bool rfc5011_wants_signature(struct managed_zone *zone, struct octets dnskey_rdata);

/* Section 4: applies all that the set says.  true: a key that is trusted (and not revoked in it) signed the set, which
 * counts as a refresh; false: nothing but revocations was believed. */
bool rfc5011_observe(struct managed_zone *zone, const struct observation *seen, int64_t now_s,
                     struct anchor_changes *changes);

/* Section 2.3.  life_s: until the earliest of the signatures that counted ends. */
int64_t rfc5011_refresh_interval_s(uint32_t original_ttl_s, int64_t life_s);
int64_t rfc5011_retry_interval_s(uint32_t original_ttl_s, int64_t life_s);

#endif
