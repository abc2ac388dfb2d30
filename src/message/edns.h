/* EDNS(0), RFC 6891: the OPT record and its options. */
#ifndef MESSAGE_EDNS_H
#define MESSAGE_EDNS_H

#include "base/arena.h"
#include "base/limits.h"
#include "base/reader.h"
#include "base/writer.h"
#include "message/ede.h"

/* IANA "DNS EDNS0 Option Codes (OPT)" */
enum edns_option_code {
    EDNS_NSID = 3,
    EDNS_DAU = 5,
    EDNS_DHU = 6,
    EDNS_N3U = 7,
    EDNS_CLIENT_SUBNET = 8,
    EDNS_COOKIE = 10,
    EDNS_TCP_KEEPALIVE = 11,
    EDNS_PADDING = 12,
    EDNS_KEY_TAG = 14,
    EDNS_EDE = 15,
    EDNS_REPORT_CHANNEL = 18,
    EDNS_LOCAL_FIRST = 65001, /* to EDNS_LOCAL_LAST: local and experimental use (RFC 6891 section 9) */
    EDNS_LOCAL_LAST = 65534,
};

struct edns_option {
    uint16_t code;
    struct octets data; /* borrowed from the message */
};

struct edns {
    bool present;
    uint8_t version;
    bool dnssec_ok;
    uint16_t udp_octets; /* as offered; values below 512 mean 512 (RFC 6891 section 6.2.3) */
    uint8_t rcode_high;  /* upper eight bits of the extended RCODE */
    uint16_t option_count;
    struct edns_option options[EDNS_OPTIONS_MAX]; /* those beyond are ignored */
    struct octets more;                           /* to be written behind them: options in wire form; borrowed */
};

/* From an OPT record's CLASS, TTL and RDATA (RFC 6891 section 6.1.3).  ERR_FORMAT if the options do not fill the RDATA
 * exactly. */
MUST_USE enum err edns_read(uint16_t class, uint32_t ttl, struct octets rdata, struct edns *edns);

/* What a client wants by its options.  All others (client subnet, padding, …) are none of our business. */
struct edns_wishes {
    bool nsid;                   /* RFC 5001 */
    bool keepalive_is_malformed; /* RFC 7828 section 3.2.1: a question names no time */
    bool cookie_is_malformed;
    struct octets cookie; /* RFC 7873: the client's part and perhaps a server's; empty: none; borrowed */
};
enum { /* RFC 7873 section 4 */
       COOKIE_CLIENT_OCTETS = 8,
       COOKIE_SERVER_OCTETS_MIN = 8,
       COOKIE_SERVER_OCTETS_MAX = 32,
       COOKIE_OCTETS_MAX = COOKIE_CLIENT_OCTETS + COOKIE_SERVER_OCTETS_MAX,
};
bool cookie_is_well_formed(struct octets cookie);
/* Notes one more option; of cookies the first counts (RFC 7873 section 5.2). */
void edns_wish(struct edns_wishes *wishes, uint16_t code, struct octets data);
struct edns_wishes edns_wishes_of(const struct edns *edns);

/* NULL if it is not there. */
const struct edns_option *edns_option_find(const struct edns *edns, uint16_t code);

/* Writes an OPT record, root owner and all; the caller counts it in ARCOUNT.  Fails if the options do not fit into one
 * RDATA. */
void writer_edns(struct writer *w, const struct edns *edns);

#endif
