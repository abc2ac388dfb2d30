/* Special-use and locally served names (RFC 6761, 6762, 6303, 7686, 7793, 8375, 8880, 9462, 9476): answered here, never
 * asked upstream, unless a forward or stub zone says that somebody serves them. */
#ifndef POLICY_SPECIAL_USE_H
#define POLICY_SPECIAL_USE_H

#include "resolver/hooks.h"
#include "resolver/options.h"

/* What is said of the question; NULL: nothing.  `open`, which may be NULL: a zone that is resolved all the same, with
 * all that is special below it. */
struct answer *special_use_answer(const struct resolver_options *options, const struct question *question,
                                  const struct dname *open, struct now now, struct arena *arena);

#endif
