/* Trust anchors of a story that follow RFC 5011: Unbound's state files as states of our set. */
#ifndef SCENARIO_STORY_ANCHORS_H
#define SCENARIO_STORY_ANCHORS_H

#include "trust/managed.h"

/* What a file holds is added to the set: keys with their states, and when their zone is asked next; a key without a
 * state is VALID, as the operator's word.  false: *error is a sentence, in the arena. */
bool story_anchors_load(struct arena *arena, struct managed *managed, const char *text, const char **error);

/* The set against a file as it is expected to be: key tags, algorithms and states.  NULL: as told; else where
 * not, in the arena. */
const char *story_anchors_difference(struct arena *arena, struct managed *managed, const char *text, int64_t now_s);

#endif
