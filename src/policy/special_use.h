/* Special-use and locally served names (RFC 6761, 6762, 6303, 7686, 7793, 8375, 9462, 9476): answered here, never asked
 * upstream, unless a forward or stub zone says that somebody serves them. */
#ifndef POLICY_SPECIAL_USE_H
#define POLICY_SPECIAL_USE_H

#include "resolver/hooks.h"
#include "resolver/options.h"

/* Hooks that answer for these names under the given options, which outlive the hooks. */
void special_use_hooks(const struct resolver_options *options, struct hooks *hooks);

#endif
