/* Turns an outcome into the message that a client gets (RFC 4035 section 3.2, RFC 6840 section 5). */
#ifndef RESOLVER_RESPONSE_H
#define RESOLVER_RESPONSE_H

#include "cache/ready.h"
#include "resolver/resolver.h"

/* The client's question as far as the response depends on it. */
struct client_query {
    struct header header;
    struct question question;
    bool edns; /* the client sent an OPT record */
    bool dnssec_ok;
    struct octets options; /* of our OPT record, for this client alone, in wire form; borrowed */
    bool wants_referral;   /* the outcome is an NS set above the name that was asked for (RFC 1034 section 4.3.2) */
    size_t size_max;       /* the smaller of the client's UDP size and ours; MESSAGE_OCTETS_MAX over TCP */
};

/* Writes the response into buffer (size at least size_max): AA=0, RA=1, AD by RFC 6840 section 5.8, TTLs as left at
 * `now`, signatures and proofs only with DO, SERVFAIL for what is Bogus or Indeterminate unless CD, EDE options, TC
 * when it does not fit (then only the question and OPT).  Returns the whole message, borrowed from buffer. */
struct octets response_write(const struct answer_options *options, const struct client_query *query,
                             const struct outcome *outcome, struct now now, uint8_t *buffer, size_t size);
/* The same for whoever asks the question next, for ready_put(): what response_write() would write for any plain
 * question until the deadlines, octet for octet.  The draft borrows from the buffer.  false: such an answer must be
 * made each time. */
bool response_make_ready(const struct answer_options *options, const struct outcome *outcome, struct now now,
                         uint8_t *buffer, size_t size, struct ready_draft *draft);
/* An error without any data: FORMERR, REFUSED, NOTIMP, BADVERS … */
struct response_error {
    const struct question *question; /* NULL: it could not be read */
    uint16_t rcode;
    int ede;          /* EDE_NONE: none */
    const char *text; /* may be NULL */
    bool use_stream;  /* TC: the client shall come back over TCP */
};
struct octets response_write_error(const struct answer_options *options, const struct client_query *query,
                                   const struct response_error *error, uint8_t *buffer, size_t size);

/* A TXT record of class CHAOS at the name that was asked for (RFC 4892).  text: 255 octets at most. */
struct octets response_write_text(const struct answer_options *options, const struct client_query *query,
                                  const char *text, uint8_t *buffer, size_t size);

#endif
