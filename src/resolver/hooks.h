/* Where policy (special-use names, local data) hooks into resolving. */
#ifndef RESOLVER_HOOKS_H
#define RESOLVER_HOOKS_H

#include "message/answer.h"
#include "time/now.h"

struct hooks {
    void *context;
    /* Before a name (the client's, or one that a chain leads to) is looked up: an answer of our own, already
     * judged (INSECURE, never SECURE), or NULL to resolve it.  All of it lies in the arena: whoever asks may wait for
     * longer than the configuration lasts that it was made of. */
    struct answer *(*local)(void *context, const struct question *question, struct now now, struct arena *arena);
};

#endif
