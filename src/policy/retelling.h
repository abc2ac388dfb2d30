/* What a client is told instead of what was resolved: addresses for IPv6-only networks (DNS64, RFC 6147), no private
 * addresses (DNS rebinding), and the word on root keys (RFC 8509).  It stands between the resolver, which knows nothing
 * of it, and the response, and is decided anew for each client: nothing of it is cached.
 *
 *     retell_question()    names the question to resolve first
 *     retell_outcome()     takes each outcome: tell it, tell another, or resolve one more question before
 */
#ifndef POLICY_RETELLING_H
#define POLICY_RETELLING_H

#include "policy/dns64.h"
#include "policy/rebinding.h"
#include "resolver/response.h"
#include "trust/trust.h"

struct retelling_options {
    struct dns64 dns64;
    struct rebinding rebinding;
    bool sentinel; /* RFC 8509 */
};

/* Where one client's question stands. */
struct retelling {
    enum { RETELLING_ASKED, RETELLING_REVERSE, RETELLING_ADDRESSES, RETELLING_AS_IT_IS } stage;
    uint32_t ttl_max_s;
};

/* The question to resolve for the query; begins the retelling. */
struct question retell_question(const struct retelling_options *options, const struct client_query *query,
                                struct retelling *retelling);

/* What an outcome is retold by. */
struct retelling_means {
    const struct retelling_options *options;
    const struct trust *trust; /* for the sentinel; NULL without it */
    struct now now;
    struct arena *arena; /* of what is told */
};
enum retold {
    RETOLD_SAME,  /* the outcome, as it is */
    RETOLD_OTHER, /* told->outcome, in the arena and borrowing from the outcome */
    RETOLD_ASK,   /* resolve told->question, then come again */
};
struct told { /* one of them, as the enum says */
    struct outcome outcome;
    struct question question;
};
enum retold retell_outcome(const struct retelling_means *means, const struct client_query *query,
                           struct retelling *retelling, const struct outcome *outcome, struct told *told);

/* Whoever asks the outcome's question is told the outcome: it may be kept ready-made. */
bool retelling_keeps(const struct retelling_options *options, const struct outcome *outcome, struct now now);

#endif
