/* Before the resolver: is this a question, may this client ask it?  No I/O. */
#ifndef FRONT_FRONT_H
#define FRONT_FRONT_H

#include "front/cookies.h"
#include "message/address.h"
#include "message/message.h"

enum {
    FRONT_WAITING_MAX = 4096, /* clients' questions of one worker that wait for their answers: some 40 KiB each */
    NSID_OCTETS_MAX = 128,    /* it is in every answer that is asked for it */
    FRONT_OPTIONS_OCTETS_MAX = 3 * 4 + COOKIE_OCTETS + 2 + NSID_OCTETS_MAX,
};

struct front_options {
    struct prefix *allow; /* who may ask */
    uint16_t allow_count;
    struct prefix *refuse, *ignore; /* who is told no, or nothing: of all three lists the most specific prefix counts */
    uint16_t refuse_count, ignore_count;
    struct prefix *snoop; /* who may ask and look into the cache by questions with RD=0 */
    uint16_t snoop_count;
    bool denies_any; /* QTYPE ANY gets no records (RFC 8482) */
    struct cookie_options cookies;
    struct prefix *require_cookie; /* who may ask over UDP with a right cookie alone */
    uint16_t require_cookie_count;
    struct octets nsid;   /* RFC 5001; empty: none */
    const char *identity; /* id.server (RFC 4892), hostname.bind; NULL: hidden */
    const char *version;  /* version.server, version.bind; NULL: hidden */
    bool tells_anchors;   /* trustanchor.vouch and its like */
    uint16_t waiting_max; /* questions of one worker's clients that may wait for their answers */
    bool drops_when_busy; /* who asks beyond that gets no answer, not even a refusal */
    bool ignores_cd;      /* clients cannot have checking disabled */
};

/* The client checks by itself, and may have what we would not believe (RFC 4035 section 3.2.2). */
static inline bool front_disables_checking(const struct front_options *options, const struct header *header)
{
    return header->cd && !options->ignores_cd;
}
enum front_access { FRONT_MAY_ASK, FRONT_IS_REFUSED, FRONT_IS_IGNORED };
/* Who is in no list is refused. */
enum front_access front_access(const struct front_options *options, const struct address *client);

bool front_may_snoop(const struct front_options *options, const struct address *client);

/* What the EDNS options of a question, and the way it came, say about the client. */
struct front_asker {
    bool is_stream;
    enum cookie_state cookie;
    bool wants_nsid;
    bool is_malformed;
    uint8_t reply_cookie[COOKIE_OCTETS];
};
struct front_asker front_asker_of(const struct cookie_keys *keys, const struct edns_wishes *wishes,
                                  const struct address *client, bool is_stream, struct now now);
/* The address is the client's own, and not that of a victim. */
bool front_is_proven(const struct front_asker *asker);
/* Must this client show a right cookie before it gets anything? */
bool front_lacks_cookie(const struct front_options *options, const struct address *client,
                        const struct front_asker *asker);
/* What the OPT record of its answer, if there is one, carries for it alone, in wire form.  idle_ms: how long its
 * connection may be idle.  Returns the octets, borrowed from the buffer. */
struct octets front_write_options(const struct front_options *options, const struct front_asker *asker,
                                  unsigned idle_ms, uint8_t buffer[FRONT_OPTIONS_OCTETS_MAX]);

enum front_verdict {
    FRONT_RESOLVE,    /* hand the question to the resolver */
    FRONT_TEXT,       /* answer at once with text as TXT record of class CHAOS */
    FRONT_ANCHORS,    /* the same with the trust anchors in use */
    FRONT_ANSWER,     /* answer at once with rcode, ede and text */
    FRONT_USE_STREAM, /* the same, with TC: the client shall come back over TCP */
    FRONT_DROP,       /* say nothing: not a question (QR=1), or too short to answer */
};
struct front_decision {
    enum front_verdict verdict;
    uint16_t rcode;
    int ede;          /* EDE_NONE if there is none */
    const char *text; /* static storage, or the options'; may be NULL */
};

/* message: as message_read() left it; read: what it returned.  Checks in order: QR, access, opcode, format (RFC 9619; a
 * question for a cookie alone has none, RFC 7873 section 5.4), EDNS version, options, cookie, TSIG (NOTAUTH: no key is
 * known here), class, meta types (AXFR, IXFR, MAILA, MAILB, OPT, TSIG, TKEY: NOTIMP or FORMERR or REFUSED with EDE 21
 * or 30; NXNAME: FORMERR with EDE 30, RFC 9824).  What is too short for a header is not brought here: the host drops
 * it.  RD=0 passes: the host answers from its cache, or REFUSED with EDE 20. */
struct front_decision front_judge(const struct front_options *options, const struct address *client,
                                  const struct front_asker *asker, enum err read, const struct message *message);

#endif
