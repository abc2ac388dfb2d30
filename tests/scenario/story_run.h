/* One story against the core, in virtual time. */
#ifndef SCENARIO_STORY_RUN_H
#define SCENARIO_STORY_RUN_H

#include "tests/scenario/story_config.h"

struct story_run_options {
    uint64_t seed;
    bool verbose; /* every packet to stdout */
};

/* True: the client saw what the story tells.  False: *report says where not, what was expected, what came and
 * why, in the arena. */
bool story_run(struct arena *arena, const struct story *story, const struct story_config *config,
               const struct story_run_options *options, const char **report);

#endif
