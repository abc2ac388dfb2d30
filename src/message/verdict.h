/* What validation says of data, and why: plain records, the one explanation that everything prints from. */
#ifndef MESSAGE_VERDICT_H
#define MESSAGE_VERDICT_H

#include "base/limits.h"
#include "base/octets.h"
#include "message/dname.h"
#include "message/ede.h"

/* RFC 4035 section 4.3 */
enum security {
    UNCHECKED, /* not looked at yet: never given to a client that did not set CD */
    SECURE,
    INSECURE,
    BOGUS,
    INDETERMINATE, /* something that is needed cannot be had: SERVFAIL like Bogus, but not the zone's word */
};
const char *security_text(enum security security); /* "secure", … */
/* Clients may rely on it: verified, or proven to be unsigned. */
bool security_is_trusted(enum security security);

/* How a key is known in lineages: a keyed hash (base/hash.h) of its zone in lower case and its whole DNSKEY RDATA;
 * never its tag. */
uint64_t key_id(const struct dname *zone, struct octets dnskey_rdata);

/* Keys that a verdict rests on, all the way up to the anchor: their key_id()s. */
struct lineage {
    uint16_t count;
    bool overflow; /* more than fit: the verdict may not be cached */
    uint64_t keys[LINEAGE_KEYS_MAX];
};
/* Adds the key if it is not there. */
void lineage_add(struct lineage *lineage, uint64_t key);
void lineage_merge(struct lineage *into, const struct lineage *from);

enum { EXTRA_TEXT_MAX = 160, EXPLAINED_CUTS_MAX = 32, EXPLAINED_KEYS_MAX = 16 };

/* One key at one cut, for people. */
struct explained_key {
    uint16_t key_tag;
    uint8_t algorithm;
    uint16_t flags;
    bool in_ds;      /* a DS record (or anchor) matches it */
    bool signed_set; /* its signature over the DNSKEY set was good */
};
/* One zone on the way from the anchor to the data. */
struct explained_cut {
    struct dname zone;
    enum security security;
    bool is_anchor; /* the configured trust anchor stands here */
    uint8_t ds_count, key_count;
    struct {
        uint16_t key_tag;
        uint8_t algorithm, digest_type;
        bool usable;
        bool matched;
    } ds[EXPLAINED_KEYS_MAX];
    struct explained_key keys[EXPLAINED_KEYS_MAX];
    const char *how; /* "DS secure", "no DS: proven by NSEC3 opt-out", … static storage */
};
struct explanation {
    uint8_t cut_count;
    struct explained_cut *cuts; /* from the anchor downwards */
    /* the signature over the data itself, if there was one that decided */
    bool has_signature;
    uint16_t key_tag;
    uint8_t algorithm;
    uint32_t inception, expiration;
    struct dname signer;
    /* the first cause of a failure */
    struct dname failed_name; /* which RRset … */
    uint16_t failed_type;
    uint16_t failed_key_tag; /* … by which key; 0 if none */
    uint8_t failed_algorithm;
};

struct verdict {
    enum security security;
    int ede;          /* enum ede: the root cause when not SECURE; EDE_NONE if there is nothing to say */
    const char *site; /* which of our checks decided ("rrsig-expired"); static storage; never NULL once judged */
    char text[EXTRA_TEXT_MAX]; /* for EXTRA-TEXT and the log: names zone, key and time; may be empty */
    int64_t valid_until_s;     /* UNIX time when the first signature it rests on ends; INT64_MAX if none */
    uint32_t ttl_cap_s;        /* no RRset of the answer may be kept longer: the least original TTL of its signatures
                                 * (RFC 4035 section 5.3.3); UINT32_MAX if none.  Means something once judged. */
    struct lineage lineage;
    struct explanation *explanation; /* may be NULL (verdict out of the cache); lives in the query's arena */
};
/* Without a cause, without bounds.  site: as above; NULL for UNCHECKED. */
struct verdict verdict_of(enum security security, const char *site);

#endif
