/* DNS cookies towards clients (RFC 7873, in the form of RFC 9018, which servers behind one address can share).  A right
 * one proves that the client is where it says it is. */
#ifndef FRONT_COOKIES_H
#define FRONT_COOKIES_H

#include "base/siphash.h"
#include "message/address.h"
#include "message/edns.h"
#include "time/now.h"

enum {
    COOKIE_SECRETS_MAX = 4,   /* RFC 9018 section 5: the one in use, the one before, the one to come */
    COOKIE_OCTETS = 24,       /* client cookie; version, reserved, timestamp, hash (RFC 9018 section 4) */
    COOKIE_AGE_S_MAX = 3600,  /* RFC 9018 section 4.3 … */
    COOKIE_AHEAD_S_MAX = 300, /* … as are these: clocks of servers that share a secret differ */
    COOKIE_RENEW_S = 1800,    /* an older one is answered with a new one */
    COOKIE_SECRET_S = 86400,  /* RFC 7873 section 7.1: at most 36 days, better one */
};

struct cookie_options {
    bool enabled;
    uint8_t secret_count;                           /* 0: of our own, which roll */
    struct siphash_key secrets[COOKIE_SECRETS_MAX]; /* the first makes cookies, all of them are believed */
};

enum cookie_state {
    COOKIE_NONE,
    COOKIE_CLIENT_ONLY,
    COOKIE_WRONG, /* too old, of another secret, of another client, or made up */
    COOKIE_GOOD,
    COOKIE_STATES,
};

/* The secrets of the moment; count 0: not set, no cookie is looked at. */
struct cookie_keys {
    int64_t period;
    uint8_t count;
    struct siphash_key keys[COOKIE_SECRETS_MAX];
};
/* To be called before cookies are looked at, whenever time has passed; costs nothing while they stay.  master: of this
 * process.  From it and the day the rolling secrets are made, the same in all workers: nobody has to be told. */
void cookie_keys_set(struct cookie_keys *keys, const struct cookie_options *options, const struct siphash_key *master,
                     struct now now);

/* cookie: well-formed, or empty.  What the client is to get is put into reply, unless it is COOKIE_NONE. */
enum cookie_state cookie_judge(const struct cookie_keys *keys, struct octets cookie, const struct address *client,
                               struct now now, uint8_t reply[COOKIE_OCTETS]);

#endif
