/* An outcome for people and for programs: records, state, and the chain of trust as a tree. */
#ifndef TOOLS_PICTURE_H
#define TOOLS_PICTURE_H

#include <stdio.h>

#include "resolver/resolver.h"

void picture_print(const struct outcome *outcome, struct now now, FILE *to);
/* One object; "version" 1. */
void picture_print_json(const struct outcome *outcome, struct now now, FILE *to);

#endif
