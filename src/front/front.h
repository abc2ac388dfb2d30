/* Before the resolver: is this a question, may this client ask it?  No I/O. */
#ifndef FRONT_FRONT_H
#define FRONT_FRONT_H

#include "message/address.h"
#include "message/message.h"

struct front_options {
    struct prefix *allow; /* who may ask */
    uint16_t allow_count;
};

/* Is it in `allow`? */
bool front_may_ask(const struct front_options *options, const struct address *client);

enum front_verdict {
    FRONT_RESOLVE, /* hand the question to the resolver */
    FRONT_ANSWER,  /* answer at once with rcode, ede and text */
    FRONT_DROP,    /* say nothing: not a question (QR=1), or too short to answer */
};
struct front_decision {
    enum front_verdict verdict;
    uint16_t rcode;
    int ede;          /* EDE_NONE if there is none */
    const char *text; /* static storage; may be NULL */
};

/* message: as message_read() left it; read: what it returned.  Checks in order: QR, access, opcode, format (RFC 9619),
 * EDNS version, TSIG (NOTAUTH: no key is known here), class, meta types (AXFR, IXFR,
 * MAILA, MAILB, OPT, TSIG, TKEY: NOTIMP or FORMERR or REFUSED with EDE 21 or 30; NXNAME:
 * FORMERR with EDE 30, RFC 9824).  What is too short for a header is not brought here: the
 * host drops it.  RD=0 passes: the host answers from its cache, or REFUSED with EDE 20. */
struct front_decision front_judge(const struct front_options *options, const struct address *client, enum err read,
                                  const struct message *message);

#endif
