/* A text that grows in an arena: what the to_text functions of this folder print into. */
#ifndef MESSAGE_TEXT_H
#define MESSAGE_TEXT_H

#include "base/arena.h"

struct text {
    struct arena *arena;
    char *data; /* NUL-terminated */
    size_t len; /* without the NUL */
    size_t size;
};

struct text text_new(struct arena *arena);
void text_printf(struct text *text, const char *format, ...) PRINTF_LIKE(2, 3);
/* Printable ASCII as it is, but '"' and '\' with a backslash before them and all else as \DDD: for octets out of the
 * network. */
void text_escaped(struct text *text, struct octets octets);
void text_hex(struct text *text, struct octets octets);
/* Back to an earlier length. */
void text_rewind(struct text *text, size_t len);

#endif
