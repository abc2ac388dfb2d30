/* Key establishment with a time server (RFC 8915 section 4): one TLS 1.3 connection that brings keys and cookies. */
#ifndef TRANSPORT_NTS_HANDSHAKE_H
#define TRANSPORT_NTS_HANDSHAKE_H

#include <ev.h>

#include "message/address.h"
#include "transport/nts_records.h"

enum {
    NTS_KE_PORT = 4460,
    NTS_KE_TIMEOUT_MS = 5000, /* of all of it */
};

/* How far our clock is believed when certificates are judged (RFC 8915 section 8.5). */
struct nts_dates {
    bool by_our_clock; /* a certificate is good for now, or not at all */
    int64_t floor_s;   /* else: it is refused if it ended before this UNIX time */
};

struct nts_agreement {
    const char *fault; /* static; NULL: what follows is there */
    struct nts_session session;
    char server[NTS_NAME_OCTETS_MAX + 1]; /* to be asked, if not the same one: "" */
    uint16_t port;                        /* 0: the usual one */
    int64_t valid_from_s, valid_until_s;  /* of the certificates, UNIX time */
};

/* Who gives keys, and how that is proven. */
struct nts_server {
    struct address address;
    const char *name;        /* what its certificate must be for */
    const char *authorities; /* a file of those that may say so (PEM); NULL: the system's */
};

struct nts_handshake;
/* Connects to the server and reads the authorities.  done() is called once, from the loop, unless the handshake is
 * freed before; it may free it.  The server's name outlives it. */
struct nts_handshake *nts_handshake_new(struct ev_loop *loop, const struct nts_server *server,
                                        const struct nts_dates *dates,
                                        void (*done)(void *context, const struct nts_agreement *agreement),
                                        void *context);
void nts_handshake_free(struct nts_handshake *handshake);

#endif
