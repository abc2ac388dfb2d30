/* What one configuration means, as an immutable snapshot.  Workers read the one they were handed last; the main thread
 * frees a snapshot when every worker has said that it uses the next one. */
#ifndef DAEMON_SETTINGS_H
#define DAEMON_SETTINGS_H

#include "config/config.h"
#include "resolver/resolver.h"

struct settings {
    struct config *config; /* shared by settings that differ in trust alone */
    unsigned *config_users;
    struct trust *trust; /* owned */
    struct crypto_policy policy;
    struct local_names local;
    struct hooks hooks; /* of local */
};

/* Takes the configuration over; trust is what it says. */
struct settings *settings_new(struct config *config);
/* The same under other trust, which is taken over. */
struct settings *settings_with_trust(const struct settings *settings, struct trust *trust);
void settings_free(struct settings *settings);

/* What a resolver works by; borrowed from settings. */
struct resolver_parts settings_parts(const struct settings *settings, struct cache *cache, struct random *random);

/* May anchors of the root be taken from root-anchors.xml without an order? */
bool settings_may_bootstrap(const struct config *config);
/* Can this build and policy verify what the anchor vouches for? */
bool settings_can_use(const struct settings *settings, const struct anchor *anchor);
/* Is an anchor usable for the declared model, or was none wanted (row D5-model)? */
bool settings_have_anchor(const struct settings *settings, struct now now);
/* sysexits: EX_OK, or EX_UNAVAILABLE after a line in the log when none is, unless bootstrap may find one.  Anchors that
 * no usable algorithm can serve, and space that no anchor covers, are only warned of. */
int settings_check_trust(const struct settings *settings, struct now now);

/* Equal numbers mean the same, under the same hash secret. */
/* How data is judged, the program included: with another one cached verdicts are worth nothing. */
uint64_t settings_judge_fingerprint(const struct settings *settings);
/* What origins (message/answer.h) mean: with another one nothing that is cached may be served. */
uint64_t settings_route_fingerprint(const struct settings *settings);

#endif
