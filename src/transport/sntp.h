/* A client of time servers: SNTP, RFC 4330, in the packet of RFC 5905.  Servers are asked by numeric address: no
 * name must be resolved, since validation may wait for the time.  Our own time is told to nobody. */
#ifndef TRANSPORT_SNTP_H
#define TRANSPORT_SNTP_H

#include <ev.h>

#include "base/random.h"
#include "message/address.h"
#include "time/judgement.h"
#include "transport/nts_records.h"

enum {
    SNTP_PORT = 123,
    SNTP_OCTETS = 48,       /* RFC 5905 section 7.3, without extensions */
    SNTP_SENDS_MAX = 2,     /* of one question: datagrams get lost */
    SNTP_TIMEOUT_MS = 1500, /* of one datagram */
};

enum sntp_end {
    SNTP_ANSWERED,
    SNTP_SILENT,          /* nothing that answers the question came */
    SNTP_UNREACHABLE,     /* the system says so */
    SNTP_UNSYNCHRONISED,  /* the server does not know the time: leap indicator 3, stratum above 15, great dispersion */
    SNTP_KISSED,          /* stratum 0, RFC 5905 section 7.4: it does not want to be asked */
    SNTP_UNAUTHENTICATED, /* it should prove who it is, and has not */
};

#define SNTP_KISS_NAK "NTSN" /* RFC 8915 section 5.7: the server cannot read its own cookie */

const char *sntp_end_text(enum sntp_end end); /* "answered", … */

struct sntp_reply {
    enum sntp_end end;
    char kiss[5];    /* SNTP_KISSED: printable, "DENY", "RSTR", "RATE" … */
    const char *why; /* SNTP_UNAUTHENTICATED: static, "its certificate has expired" */
    uint8_t stratum; /* SNTP_ANSWERED, as are those below */
    struct clock_sample sample;
    int64_t delay_ms; /* there and back, without the server's own time */
};

/* One question under way; lives with its owner. */
struct sntp_question {
    void *context;
    void (*done)(void *context, const struct sntp_reply *reply);
    struct ev_loop *loop; /* NULL: nothing is under way */
    struct random *random;
    uint8_t nonce[8]; /* our transmit timestamp: random, for the server to repeat (RFC 5905 section 6, origin) */
    int64_t sent_ms;  /* monotonic */
    unsigned sends;
    struct nts_session *session; /* NULL: anybody's word is taken */
    uint8_t unique[NTS_UNIQUE_OCTETS];
    bool has_nak; /* unproven, so that a better answer is awaited as long as one would be */
    ev_io io;
    ev_timer timeout;
};

/* Asks; done() is called once, from the loop, unless the question is cancelled first.  context and done are set. */
void sntp_ask(struct sntp_question *question, struct ev_loop *loop, struct random *random,
              const struct address *server);
/* The same, by the keys of a session, which lives as long as the question and has a cookie; an answer that is not
 * sealed with them is none. */
void sntp_ask_sealed(struct sntp_question *question, struct ev_loop *loop, struct random *random,
                     const struct address *server, struct nts_session *session);
/* No done() for it any more.  One that is not under way is allowed. */
void sntp_cancel(struct sntp_question *question);

/* ---- the packet ---- */

/* False: not an answer to the question with this nonce. */
bool sntp_read(struct octets packet, const uint8_t nonce[8], int64_t sent_ms, int64_t received_ms,
               struct sntp_reply *reply);

#endif
