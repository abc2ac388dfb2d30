/* Is the answer in the cache already, so that nobody would have to be asked?  For questions with RD=0. */
#ifndef DAEMON_KNOWN_H
#define DAEMON_KNOWN_H

#include "resolver/resolver.h"

bool is_known(const struct resolver_parts *parts, const struct question *question, struct now now, struct arena *arena);

#endif
