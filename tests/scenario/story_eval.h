/* The arithmetic of stories: "${30*24*3600}", "${range 4800 ${timeout} 5400}", "${$t0 + $probe}". */
#ifndef SCENARIO_STORY_EVAL_H
#define SCENARIO_STORY_EVAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"

enum { STORY_VARIABLES_MAX = 64 };

struct story_variable {
    const char *name; /* without its dollar sign */
    int64_t value;
};

struct story_variables {
    struct story_variable items[STORY_VARIABLES_MAX];
    unsigned count;
    int64_t time_s;    /* ${time} */
    int64_t timeout_s; /* ${timeout}: until the next probe of a trust anchor */
};

/* false: *error says what is wrong, in the arena; a number outside its range is. */
bool story_evaluate(struct arena *arena, const struct story_variables *variables, const char *text, int64_t *value,
                    const char **error);
/* "t0 = ${time}" */
bool story_assign(struct arena *arena, struct story_variables *variables, const char *text, const char **error);

#endif
