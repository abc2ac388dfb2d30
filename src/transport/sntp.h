/* A client of time servers: SNTP, RFC 4330, in the packet of RFC 5905.  Servers are asked by numeric address: no
 * name must be resolved, since validation may wait for the time.  Our own time is told to nobody. */
#ifndef TRANSPORT_SNTP_H
#define TRANSPORT_SNTP_H

#include <ev.h>

#include "base/random.h"
#include "message/address.h"
#include "time/judgement.h"

enum {
    SNTP_PORT = 123,
    SNTP_OCTETS = 48,       /* RFC 5905 section 7.3, without extensions */
    SNTP_SENDS_MAX = 2,     /* of one question: datagrams get lost */
    SNTP_TIMEOUT_MS = 1500, /* of one datagram */
};

enum sntp_end {
    SNTP_ANSWERED,
    SNTP_SILENT,         /* nothing that answers the question came */
    SNTP_UNREACHABLE,    /* the system says so */
    SNTP_UNSYNCHRONISED, /* the server does not know the time: leap indicator 3, stratum above 15, great dispersion */
    SNTP_KISSED,         /* stratum 0, RFC 5905 section 7.4: it does not want to be asked */
};
const char *sntp_end_text(enum sntp_end end); /* "answered", … */

struct sntp_reply {
    enum sntp_end end;
    char kiss[5];    /* SNTP_KISSED: printable, "DENY", "RSTR", "RATE" … */
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
    ev_io io;
    ev_timer timeout;
};

/* Asks; done() is called once, from the loop, unless the question is cancelled first.  context and done are set. */
void sntp_ask(struct sntp_question *question, struct ev_loop *loop, struct random *random,
              const struct address *server);
/* No done() for it any more.  One that is not under way is allowed. */
void sntp_cancel(struct sntp_question *question);

/* ---- the packet ---- */

void sntp_write(const uint8_t nonce[8], uint8_t packet[SNTP_OCTETS]);
/* False: not an answer to the question with this nonce. */
bool sntp_read(struct octets packet, const uint8_t nonce[8], int64_t sent_ms, int64_t received_ms,
               struct sntp_reply *reply);

#endif
