/* What is answered here, because operators or registries say so: local data, then special-use names. */
#ifndef POLICY_LOCAL_H
#define POLICY_LOCAL_H

#include "policy/local_data.h"

/* Borrowed: all outlives the hooks. */
struct local_names {
    const struct resolver_options *options;
    const struct local_data *data;
};
void local_hooks(const struct local_names *names, struct hooks *hooks);

#endif
