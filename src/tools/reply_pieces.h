/* What the replies' text is made of.  For the reply files alone. */
#ifndef TOOLS_REPLY_PIECES_H
#define TOOLS_REPLY_PIECES_H

#include "tools/reply.h"

/* Names and reasons come from the network: nothing but printable ASCII reaches the terminal. */
void print_text(const char *text);
/* The label, and the value behind it in a column of its own: a line. */
void print_field(const char *label, const json_t *value);

json_int_t number_of(const json_t *object, const char *key);

#endif
