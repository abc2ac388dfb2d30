/* RDATA: wire, canonical and text form by the layouts of message/rrtype.h, and typed views of the DNSSEC records.
 * Stored RDATA is always uncompressed wire form with letter case kept. */
#ifndef MESSAGE_RDATA_H
#define MESSAGE_RDATA_H

#include "base/arena.h"
#include "message/dname.h"
#include "message/rrtype.h"

/* Reads the RDATA of `len` octets at r's position out of a message, expands compressed names, checks the layout.  The
 * copy lives in the arena.  Sets r->failed if it does not fit the type. */
struct octets rdata_read(struct reader *r, uint16_t type, size_t len, struct arena *arena);
/* Does stored RDATA fit its type's layout? */
bool rdata_is_valid(uint16_t type, struct octets rdata);
/* Canonical form (RFC 4034 section 6.2, RFC 6840 section 5.1) appended to w. */
void rdata_write_canonical(struct writer *w, uint16_t type, struct octets rdata);
/* Presentation form, NUL-terminated, in the arena; malformed RDATA comes out as \# (RFC 3597). */
char *rdata_to_text(struct arena *arena, uint16_t type, struct octets rdata);
/* One record's RDATA from presentation form (also \# form); relative names are completed with origin (NULL: root).
 * Quotes and escapes as in master files; parentheses and comments are for message/master.h. */
MUST_USE enum err rdata_from_text(struct arena *arena, uint16_t type, const char *text, const struct dname *origin,
                                  struct octets *rdata);

/* Views: octets in them are borrowed from the RDATA they were read from. */
struct rrsig { /* RFC 4034 section 3.1 */
    uint16_t type_covered;
    uint8_t algorithm;
    uint8_t labels;
    uint32_t original_ttl_s;
    uint32_t expiration; /* serial arithmetic: compare with serial_lt() */
    uint32_t inception;
    uint16_t key_tag;
    struct dname signer;
    struct octets signature;
    struct octets signed_part; /* the RDATA up to and without the signature, as received */
};
struct dnskey { /* RFC 4034 section 2.1 */
    uint16_t flags;
    uint8_t protocol;
    uint8_t algorithm;
    struct octets public_key;
    uint16_t key_tag; /* computed, RFC 4034 appendix B */
};
enum { DNSKEY_ZONE = 0x0100, DNSKEY_REVOKE = 0x0080, DNSKEY_SEP = 0x0001 };
struct ds { /* RFC 4034 section 5.1 */
    uint16_t key_tag;
    uint8_t algorithm;
    uint8_t digest_type;
    struct octets digest;
};
struct nsec { /* RFC 4034 section 4.1 */
    struct dname next;
    struct octets bitmap;
};
struct nsec3 { /* RFC 5155 section 3.2 */
    uint8_t hash_algorithm;
    uint8_t flags;
    uint16_t iterations;
    struct octets salt;
    struct octets next; /* hash, binary */
    struct octets bitmap;
};
enum { NSEC3_OPT_OUT = 0x01 };
struct soa {
    struct dname mname, rname;
    uint32_t serial, refresh_s, retry_s, expire_s, minimum_s;
};

MUST_USE enum err rrsig_read(struct octets rdata, struct rrsig *sig);
MUST_USE enum err dnskey_read(struct octets rdata, struct dnskey *key);
MUST_USE enum err ds_read(struct octets rdata, struct ds *ds);
MUST_USE enum err nsec_read(struct octets rdata, struct nsec *nsec);
MUST_USE enum err nsec3_read(struct octets rdata, struct nsec3 *nsec3);
MUST_USE enum err soa_read(struct octets rdata, struct soa *soa);
/* NS, CNAME, DNAME, PTR: the one name. */
MUST_USE enum err rdata_name(struct octets rdata, struct dname *name);

uint16_t dnskey_tag(struct octets rdata); /* RFC 4034 appendix B */
/* A malformed bitmap contains nothing. */
bool bitmap_has(struct octets bitmap, uint16_t type);

#endif
