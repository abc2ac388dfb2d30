/* RR types as a table: mnemonic and RDATA layout.  Parser, writer, canonical form and text form walk the rows; a
 * type without a row is handled as RFC 3597 says. */
#ifndef MESSAGE_RRTYPE_H
#define MESSAGE_RRTYPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* IANA "Resource Record (RR) TYPEs"; those that code names */
enum rr_type_number {
    TYPE_A = 1,
    TYPE_NS = 2,
    TYPE_CNAME = 5,
    TYPE_SOA = 6,
    TYPE_NULL = 10,
    TYPE_PTR = 12,
    TYPE_MX = 15,
    TYPE_TXT = 16,
    TYPE_SIG = 24,
    TYPE_KEY = 25,
    TYPE_AAAA = 28,
    TYPE_NXT = 30,
    TYPE_SRV = 33,
    TYPE_DNAME = 39,
    TYPE_OPT = 41,
    TYPE_DS = 43,
    TYPE_RRSIG = 46,
    TYPE_NSEC = 47,
    TYPE_DNSKEY = 48,
    TYPE_NSEC3 = 50,
    TYPE_NSEC3PARAM = 51,
    TYPE_CDS = 59,
    TYPE_CDNSKEY = 60,
    TYPE_ZONEMD = 63,
    TYPE_SVCB = 64,
    TYPE_HTTPS = 65,
    TYPE_NXNAME = 128, /* RFC 9824: only in NSEC bitmaps */
    TYPE_TKEY = 249,
    TYPE_TSIG = 250,
    TYPE_IXFR = 251,
    TYPE_AXFR = 252,
    TYPE_MAILB = 253,
    TYPE_MAILA = 254,
    TYPE_ANY = 255,
};

enum rr_class_number { CLASS_IN = 1, CLASS_CH = 3, CLASS_NONE = 254, CLASS_ANY = 255 };

enum { RDATA_FIELDS_MAX = 12, RR_TYPE_TEXT_MAX = 16 };

/* How a field of RDATA is laid out.  Wire, canonical and text form follow from it. */
enum rdata_field {
    FIELD_END = 0,
    FIELD_NAME_COMPRESSIBLE, /* RFC 1035 types: may be compressed, lower-cased in canonical form */
    FIELD_NAME_LOWER,        /* never written compressed, read compressed where rdata.c says so; lower-cased
                              * in canonical form (RFC 4034 section 6.2 as changed by RFC 6840 section 5.1) */
    FIELD_NAME,              /* the same, but case is kept in canonical form */
    FIELD_U8,
    FIELD_U16,
    FIELD_U32,
    FIELD_TIME,      /* 32-bit RRSIG time, YYYYMMDDHHmmSS in text (RFC 4034 section 3.2) */
    FIELD_TYPE,      /* 16-bit RR type, mnemonic in text */
    FIELD_ALGORITHM, /* 8-bit DNSSEC algorithm, a number in text */
    FIELD_IPV4,
    FIELD_IPV6,
    FIELD_STRING,    /* one <character-string> */
    FIELD_STRINGS,   /* <character-string>s to the end, at least one */
    FIELD_TAG,       /* one <character-string> of letters and digits, bare in text (RFC 8659 section 4.1) */
    FIELD_TEXT_REST, /* the rest as one quoted string (CAA value, URI target) */
    FIELD_HEX_REST,
    FIELD_BASE64_REST,
    FIELD_SALT,   /* 8-bit length, hex in text, "-" if empty (RFC 5155 section 3.3) */
    FIELD_HASH,   /* 8-bit length, base32hex in text (RFC 5155 section 3.3) */
    FIELD_BITMAP, /* type bit maps (RFC 4034 section 4.1.2); may be empty */
    FIELD_EUI48,
    FIELD_EUI64,
    FIELD_NODE64,       /* NID, L64 (RFC 6742) */
    FIELD_LOC,          /* RFC 1876 */
    FIELD_APL,          /* RFC 3123 */
    FIELD_HIP,          /* RFC 8005 */
    FIELD_IPSECKEY,     /* RFC 4025, gateway and key by gateway type */
    FIELD_AMTRELAY,     /* RFC 8777 */
    FIELD_A6,           /* RFC 2874; its name is lower-cased in canonical form */
    FIELD_SVCPARAMS,    /* RFC 9460 */
    FIELD_UNKNOWN_REST, /* \# form of the whole RDATA in text */
    RDATA_FIELDS,
};

struct rr_type {
    uint16_t number;
    const char *mnemonic;
    uint8_t fields[RDATA_FIELDS_MAX]; /* enum rdata_field, FIELD_END at the end */
};

/* NULL: no row, RFC 3597 applies. */
const struct rr_type *rr_type_find(uint16_t number);
/* The whole table, ascending by number: for tests and for printing. */
const struct rr_type *rr_type_table(size_t *count);

/* "AAAA" or "TYPE65534" (RFC 3597 section 5).  Returns text. */
char *rr_type_to_text(uint16_t number, char text[RR_TYPE_TEXT_MAX]);
MUST_USE enum err rr_type_from_text(const char *text, uint16_t *number);
/* "IN", "CH", "CLASS42". */
char *rr_class_to_text(uint16_t number, char text[RR_TYPE_TEXT_MAX]);
MUST_USE enum err rr_class_from_text(const char *text, uint16_t *number);

/* QTYPEs and meta types never stand in a zone: OPT, TSIG, TKEY, 128–255 (RFC 6895 section 3.1). */
bool rr_type_is_meta(uint16_t number);

#endif
