/* Questions with RD=0: what can be said without asking any server for it (RFC 1034 section 4.3.2). */
#ifndef RESOLVER_KNOWN_H
#define RESOLVER_KNOWN_H

#include "resolver/resolver.h"

enum known {
    KNOWN_NOTHING,
    KNOWN_ANSWER, /* resolver_ask() has it at hand */
    KNOWN_CUT,    /* of what stands above the name an NS set is: *ns asks for it */
};

/* An answer counts when it has been judged, and was not found Bogus. */
enum known known_answer(const struct resolver_parts *parts, const struct question *question, struct now now,
                        struct arena *arena);
/* For who may see whatever is cached: also that something is Bogus, or has failed, and the closest NS set.  To judge
 * that may take keys that somebody has to be asked for. */
enum known known_at_all(const struct resolver_parts *parts, const struct question *question, struct now now,
                        struct arena *arena, struct question *ns);

#endif
