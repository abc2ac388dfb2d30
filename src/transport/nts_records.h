/* What NTS says before and around the time: the records of its key establishment (RFC 8915 section 4), without the TLS
 * that carries them, and the extension fields of its packets (section 5). */
#ifndef TRANSPORT_NTS_RECORDS_H
#define TRANSPORT_NTS_RECORDS_H

#include "base/err.h"
#include "base/random.h"
#include "base/reader.h"
#include "base/writer.h"

enum {
    NTS_KE_OCTETS_MAX = 65536, /* of a reply; RFC 8915 section 4 wants so much to be accepted */
    NTS_KE_REQUEST_OCTETS = 16,
    NTS_NTPV4 = 0,             /* section 7.7: the next protocol */
    NTS_AES_SIV_CMAC_256 = 15, /* RFC 5297, the one that all must have (RFC 8915 section 5.1) */
    NTS_KEY_OCTETS = 32,
    NTS_COOKIES_MAX = 8,        /* sections 4.1.6 and 5.7 */
    NTS_COOKIE_OCTETS_MIN = 16, /* less would need padding, which is not the cookie's own (RFC 7822 section 3) */
    NTS_COOKIE_OCTETS_MAX = 256,
    NTS_NAME_OCTETS_MAX = 255,
    NTS_UNIQUE_OCTETS = 32,       /* section 5.3: at least */
    NTS_PACKET_OCTETS_MAX = 1232, /* of a question, and with that of its answer: 1280 (IPv6) less the headers */
};

struct nts_cookie {
    uint16_t len;
    uint8_t octets[NTS_COOKIE_OCTETS_MAX];
};

/* Each is used once (RFC 8915 section 5.7), the newest first. */
struct nts_cookies {
    unsigned count;
    struct nts_cookie cookies[NTS_COOKIES_MAX];
};

/* What client and server share. */
struct nts_session {
    uint8_t to_server_key[NTS_KEY_OCTETS], to_client_key[NTS_KEY_OCTETS];
    struct nts_cookies cookies;
};

/* ---- key establishment ---- */

struct nts_ke_reply {
    bool is_over;      /* nothing more will come */
    const char *fault; /* static; NULL: none so far */
    bool has_protocol, has_algorithm;
    struct nts_cookies cookies;
    char server[NTS_NAME_OCTETS_MAX + 1]; /* to be asked for the time; "": the one that sent this */
    uint16_t port;                        /* likewise; 0: the usual one */
};

void nts_ke_write(uint8_t request[NTS_KE_REQUEST_OCTETS]);
/* Takes the whole records out of the reader until the last one, or one with a fault: what is left of the reader comes
 * again, with more behind it. */
void nts_ke_take(struct nts_ke_reply *reply, struct reader *reader);

/* ---- packets ---- */

/* Adds unique identifier, a cookie (which is gone then), placeholders for as many as there is room for, and the
 * authenticator to the header of a question.  There is a cookie.  False: it cannot be done. */
MUST_USE bool nts_seal(struct nts_session *session, struct random *random, struct writer *packet,
                       uint8_t unique[NTS_UNIQUE_OCTETS]);

enum nts_seal {
    NTS_GOOD,     /* from the server, and as it was sent; its cookies have been taken */
    NTS_UNSEALED, /* it answers the question that is meant, and nobody vouches for it: a NAK perhaps (section 5.7) */
    NTS_FORGED,
};
enum nts_seal nts_open(struct nts_session *session, const uint8_t unique[NTS_UNIQUE_OCTETS], struct octets packet);

#endif
