#include "message/text.h"

#include <assert.h>
#include <stdio.h>

enum { TEXT_OCTETS_FIRST = 512 };

struct text text_new(struct arena *arena)
{
    return (struct text) { .arena = arena, .data = arena_alloc(arena, TEXT_OCTETS_FIRST), .size = TEXT_OCTETS_FIRST };
}

static void make_room(struct text *text, size_t more)
{
    size_t size = text->size;
    while (size - text->len <= more)
        size *= 2;
    if (size == text->size)
        return;
    char *data = arena_alloc(text->arena, size);
    memcpy(data, text->data, text->len + 1);
    text->data = data;
    text->size = size;
}

void text_printf(struct text *text, const char *format, ...)
{
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    int len = vsnprintf(text->data + text->len, text->size - text->len, format, arguments);
    if (len > 0 && (size_t)len >= text->size - text->len) {
        text->data[text->len] = '\0';
        make_room(text, (size_t)len);
        vsnprintf(text->data + text->len, text->size - text->len, format, again);
    }
    text->len += len > 0 ? (size_t)len : 0;
    va_end(again);
    va_end(arguments);
}

void text_escaped(struct text *text, struct octets octets)
{
    for (size_t i = 0; i < octets.len; i++) {
        uint8_t c = octets.data[i];
        if (c == '"' || c == '\\')
            text_printf(text, "\\%c", c);
        else if (c >= 0x20 && c < 0x7f)
            text_printf(text, "%c", c);
        else
            text_printf(text, "\\%03u", c);
    }
}

void text_hex(struct text *text, struct octets octets)
{
    for (size_t i = 0; i < octets.len; i++)
        text_printf(text, "%02x", octets.data[i]);
}

void text_rewind(struct text *text, size_t len)
{
    assert(len <= text->len);
    text->len = len;
    text->data[len] = '\0';
}
