/* What a reply means for the question that was asked of a zone's server: a pure function over the message that drops
 * all that the server had no business to say (RFC 2181 section 5.4.1, bailiwick). */
#ifndef RESOLVER_REPLY_H
#define RESOLVER_REPLY_H

#include "cache/cache.h"

enum reply_kind {
    REPLY_ANSWER,         /* answers[0] is for the question; the others go on along its CNAME chain inside the zone */
    REPLY_REFERRAL,       /* delegation, deeper than the zone; ds if the referral says something about it */
    REPLY_LAME,           /* not authoritative for the zone, or a referral that does not lead down */
    REPLY_RECURSION_LAME, /* an answer out of the server's own recursion (RA without AA) */
    REPLY_EMPTY,          /* "no data" without a record that says so: answers[0], but another server may know better */
    REPLY_REFUSED,        /* SERVFAIL, REFUSED, NOTIMP, NOTAUTH … */
    REPLY_NO_EDNS,        /* FORMERR or NOTIMP without OPT to a question with OPT (RFC 6891 section 7) */
    REPLY_TRUNCATED,
    REPLY_SPOILT, /* what was asked for is there, but cannot be read */
};

struct reply {
    enum reply_kind kind;
    uint16_t rcode;
    bool is_spoilt; /* the next link of the chain cannot be read */
    uint16_t answer_count;
    struct answer *answers[CNAME_LINKS_MAX];
    struct delegation *delegation;
    const struct rrset *apex_ns; /* REPLY_ANSWER: what the zone itself says of its servers; NULL: nothing */
    struct delegation *apex;     /* … and who they are, where asked.child_ns wants to know */
    struct answer *apex_set;     /* the same where it is signed, UNCHECKED: whoever said it */
    struct answer *ds; /* UNCHECKED: (delegation->zone, DS) as DATA or NODATA; NULL: the referral says nothing of it */
};

struct asked { /* what the reply answers */
    const struct question *question;
    const struct dname *zone; /* of the cut whose server was asked */
    uint16_t origin;
    bool recursive; /* asked with RD=1 of a forwarder */
    bool with_edns;
    bool shows_ns;      /* NS sets beside proofs of positive answers are kept for clients to see */
    bool child_ns;      /* what the zone says of its servers is wanted */
    bool any_glue;      /* glue counts whatever zone its name is in */
    uint16_t ns_max;    /* so many records of an NS set count, at most; 0: all */
    bool original_ttls; /* TTLs stay as they are, however long the answer is kept */
    uint32_t least_ttl_s, least_negative_ttl_s; /* shorter TTLs are taken for these */
    struct now now;
};

/* Answer of a priming question (RFC 9609): the zone's servers with the addresses that came along; NULL if it is
 * none. */
struct delegation *reply_priming(const struct message *message, const struct asked *asked, struct arena *arena);

/* The message's question was compared before.  Everything in *reply lives in the arena and may share the message's
 * parts, which live there too. */
void reply_read(const struct message *message, const struct asked *asked, struct arena *arena, struct reply *reply);

#endif
