#include "message/rrtype.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#define C       FIELD_NAME_COMPRESSIBLE
#define L       FIELD_NAME_LOWER
#define N       FIELD_NAME
#define U8      FIELD_U8
#define U16     FIELD_U16
#define U32     FIELD_U32
#define ALG     FIELD_ALGORITHM
#define TEXT    FIELD_STRING
#define TEXTS   FIELD_STRINGS
#define HEX     FIELD_HEX_REST
#define B64     FIELD_BASE64_REST
#define UNKNOWN FIELD_UNKNOWN_REST

/* IANA "Resource Record (RR) TYPEs".  Types with RDATA of a kind of its own that nobody serves any more, and types that
 * never stand in a zone, are there for their mnemonic: their RDATA is octets. */
static const struct rr_type types[] = {
    { 1, "A", { FIELD_IPV4 } }, /* RFC 1035, to TXT */
    { 2, "NS", { C } },
    { 3, "MD", { C } },
    { 4, "MF", { C } },
    { 5, "CNAME", { C } },
    { 6, "SOA", { C, C, U32, U32, U32, U32, U32 } },
    { 7, "MB", { C } },
    { 8, "MG", { C } },
    { 9, "MR", { C } },
    { 10, "NULL", { UNKNOWN } },
    { 11, "WKS", { UNKNOWN } },
    { 12, "PTR", { C } },
    { 13, "HINFO", { TEXT, TEXT } },
    { 14, "MINFO", { C, C } },
    { 15, "MX", { U16, C } },
    { 16, "TXT", { TEXTS } },
    { 17, "RP", { L, L } }, /* RFC 1183, to RT */
    { 18, "AFSDB", { U16, L } },
    { 19, "X25", { TEXT } },
    { 20, "ISDN", { TEXTS } }, /* the second string is optional */
    { 21, "RT", { U16, L } },
    { 22, "NSAP", { UNKNOWN } }, /* RFC 1706 */
    { 23, "NSAP-PTR", { N } },
    { 24, "SIG", { FIELD_TYPE, ALG, U8, U32, FIELD_TIME, FIELD_TIME, U16, L, B64 } }, /* RFC 2535 */
    { 25, "KEY", { U16, U8, ALG, B64 } },
    { 26, "PX", { U16, L, L } },          /* RFC 2163 */
    { 27, "GPOS", { TEXT, TEXT, TEXT } }, /* RFC 1712 */
    { 28, "AAAA", { FIELD_IPV6 } },       /* RFC 3596 */
    { 29, "LOC", { FIELD_LOC } },         /* RFC 1876 */
    { 30, "NXT", { L, UNKNOWN } },        /* RFC 2535: a bitmap of its own */
    { 31, "EID", { UNKNOWN } },
    { 32, "NIMLOC", { UNKNOWN } },
    { 33, "SRV", { U16, U16, U16, L } }, /* RFC 2782 */
    { 34, "ATMA", { UNKNOWN } },
    { 35, "NAPTR", { U16, U16, TEXT, TEXT, TEXT, L } }, /* RFC 3403 */
    { 36, "KX", { U16, L } },                           /* RFC 2230 */
    { 37, "CERT", { U16, U16, ALG, B64 } },             /* RFC 4398 */
    { 38, "A6", { FIELD_A6 } },                         /* RFC 2874 */
    { 39, "DNAME", { L } },                             /* RFC 6672 */
    { 40, "SINK", { UNKNOWN } },
    { 41, "OPT", { UNKNOWN } },                                                         /* RFC 6891: message/edns.h */
    { 42, "APL", { FIELD_APL } },                                                       /* RFC 3123 */
    { 43, "DS", { U16, ALG, U8, HEX } },                                                /* RFC 4034 */
    { 44, "SSHFP", { U8, U8, HEX } },                                                   /* RFC 4255 */
    { 45, "IPSECKEY", { FIELD_IPSECKEY } },                                             /* RFC 4025 */
    { 46, "RRSIG", { FIELD_TYPE, ALG, U8, U32, FIELD_TIME, FIELD_TIME, U16, L, B64 } }, /* RFC 4034, to DNSKEY */
    { 47, "NSEC", { N, FIELD_BITMAP } },
    { 48, "DNSKEY", { U16, U8, ALG, B64 } },
    { 49, "DHCID", { B64 } },                                               /* RFC 4701 */
    { 50, "NSEC3", { U8, U8, U16, FIELD_SALT, FIELD_HASH, FIELD_BITMAP } }, /* RFC 5155 */
    { 51, "NSEC3PARAM", { U8, U8, U16, FIELD_SALT } },
    { 52, "TLSA", { U8, U8, U8, HEX } },   /* RFC 6698 */
    { 53, "SMIMEA", { U8, U8, U8, HEX } }, /* RFC 8162 */
    { 55, "HIP", { FIELD_HIP } },          /* RFC 8005 */
    { 56, "NINFO", { TEXTS } },
    { 57, "RKEY", { U16, U8, ALG, B64 } },
    { 58, "TALINK", { N, N } },
    { 59, "CDS", { U16, ALG, U8, HEX } }, /* RFC 7344 */
    { 60, "CDNSKEY", { U16, U8, ALG, B64 } },
    { 61, "OPENPGPKEY", { B64 } },               /* RFC 7929 */
    { 62, "CSYNC", { U32, U16, FIELD_BITMAP } }, /* RFC 7477 */
    { 63, "ZONEMD", { U32, U8, U8, HEX } },      /* RFC 8976 */
    { 64, "SVCB", { U16, N, FIELD_SVCPARAMS } }, /* RFC 9460 */
    { 65, "HTTPS", { U16, N, FIELD_SVCPARAMS } },
    { 66, "DSYNC", { FIELD_TYPE, U8, U16, N } }, /* RFC 9859 */
    { 99, "SPF", { TEXTS } },                    /* RFC 7208 */
    { 100, "UINFO", { UNKNOWN } },
    { 101, "UID", { UNKNOWN } },
    { 102, "GID", { UNKNOWN } },
    { 103, "UNSPEC", { UNKNOWN } },
    { 104, "NID", { U16, FIELD_NODE64 } }, /* RFC 6742, to LP */
    { 105, "L32", { U16, FIELD_IPV4 } },
    { 106, "L64", { U16, FIELD_NODE64 } },
    { 107, "LP", { U16, N } },
    { 108, "EUI48", { FIELD_EUI48 } }, /* RFC 7043 */
    { 109, "EUI64", { FIELD_EUI64 } },
    { 128, "NXNAME", { UNKNOWN } }, /* RFC 9824 */
    { 249, "TKEY", { UNKNOWN } },
    { 250, "TSIG", { UNKNOWN } },
    { 251, "IXFR", { UNKNOWN } },
    { 252, "AXFR", { UNKNOWN } },
    { 253, "MAILB", { UNKNOWN } },
    { 254, "MAILA", { UNKNOWN } },
    { 255, "ANY", { UNKNOWN } },
    { 256, "URI", { U16, U16, FIELD_TEXT_REST } },      /* RFC 7553 */
    { 257, "CAA", { U8, FIELD_TAG, FIELD_TEXT_REST } }, /* RFC 8659 */
    { 258, "AVC", { TEXTS } },
    { 259, "DOA", { UNKNOWN } },
    { 260, "AMTRELAY", { FIELD_AMTRELAY } }, /* RFC 8777 */
    { 261, "RESINFO", { TEXTS } },           /* RFC 9606 */
    { 262, "WALLET", { TEXTS } },
    { 263, "CLA", { TEXTS } },
    { 264, "IPN", { UNKNOWN } },
    { 32768, "TA", { U16, ALG, U8, HEX } },
    { 32769, "DLV", { U16, ALG, U8, HEX } }, /* RFC 4431 */
};

static int compare_number(const void *number, const void *row)
{
    return *(const uint16_t *)number - ((const struct rr_type *)row)->number;
}

const struct rr_type *rr_type_find(uint16_t number)
{
    return bsearch(&number, types, ARRAY_LEN(types), sizeof(types[0]), compare_number);
}

const struct rr_type *rr_type_table(size_t *count)
{
    *count = ARRAY_LEN(types);
    return types;
}

bool rr_type_is_meta(uint16_t number)
{
    return number == TYPE_OPT || (number >= 128 && number <= 255);
}

/* "TYPE65534", "CLASS42": the prefix in any case, then a decimal number of 16 bits (RFC 3597 section 5). */
static enum err generic_from_text(const char *text, const char *prefix, size_t prefix_len, uint16_t *number)
{
    if (strncasecmp(text, prefix, prefix_len) != 0)
        return ERR_NOT_FOUND;
    unsigned value = 0;
    const char *digits = text + prefix_len, *at = digits;
    for (; *at >= '0' && *at <= '9' && at - digits < 5; at++)
        value = value * 10 + (unsigned)(*at - '0');
    if (at == digits || *at != '\0' || value > UINT16_MAX)
        return ERR_NOT_FOUND;
    *number = (uint16_t)value;
    return OK;
}

char *rr_type_to_text(uint16_t number, char text[RR_TYPE_TEXT_MAX])
{
    const struct rr_type *type = rr_type_find(number);
    if (type != NULL)
        snprintf(text, RR_TYPE_TEXT_MAX, "%s", type->mnemonic);
    else
        snprintf(text, RR_TYPE_TEXT_MAX, "TYPE%u", number);
    return text;
}

enum err rr_type_from_text(const char *text, uint16_t *number)
{
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        if (strcasecmp(text, types[i].mnemonic) == 0) {
            *number = types[i].number;
            return OK;
        }
    }
    return generic_from_text(text, "TYPE", 4, number);
}

static const struct {
    uint16_t number;
    const char *mnemonic;
} classes[] = {
    /* IANA "DNS CLASSes" */
    { CLASS_IN, "IN" }, { CLASS_CH, "CH" }, { 4, "HS" }, { CLASS_NONE, "NONE" }, { CLASS_ANY, "ANY" },
};

char *rr_class_to_text(uint16_t number, char text[RR_TYPE_TEXT_MAX])
{
    snprintf(text, RR_TYPE_TEXT_MAX, "CLASS%u", number);
    for (size_t i = 0; i < ARRAY_LEN(classes); i++) {
        if (classes[i].number == number)
            snprintf(text, RR_TYPE_TEXT_MAX, "%s", classes[i].mnemonic);
    }
    return text;
}

enum err rr_class_from_text(const char *text, uint16_t *number)
{
    for (size_t i = 0; i < ARRAY_LEN(classes); i++) {
        if (strcasecmp(text, classes[i].mnemonic) == 0) {
            *number = classes[i].number;
            return OK;
        }
    }
    return generic_from_text(text, "CLASS", 5, number);
}
