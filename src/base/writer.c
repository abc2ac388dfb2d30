#include "base/writer.h"

#include <assert.h>

/* Room for len octets, or NULL when they do not fit. */
static uint8_t *make_room(struct writer *w, size_t len)
{
    if (w->failed || w->size - w->len < len) {
        w->failed = true;
        return NULL;
    }
    uint8_t *at = w->data + w->len;
    w->len += len;
    return at;
}

static void put_number(struct writer *w, uint64_t value, size_t len)
{
    uint8_t *at = make_room(w, len);
    for (size_t i = 0; at != NULL && i < len; i++)
        at[i] = (uint8_t)(value >> 8 * (len - 1 - i));
}

void writer_u8(struct writer *w, uint8_t value)
{
    put_number(w, value, 1);
}

void writer_u16(struct writer *w, uint16_t value)
{
    put_number(w, value, 2);
}

void writer_u32(struct writer *w, uint32_t value)
{
    put_number(w, value, 4);
}

void writer_u48(struct writer *w, uint64_t value)
{
    assert(value < UINT64_C(1) << 48);
    put_number(w, value, 6);
}

void writer_octets_put(struct writer *w, struct octets octets)
{
    if (octets.len == 0)
        return;
    uint8_t *at = make_room(w, octets.len);
    if (at != NULL)
        memcpy(at, octets.data, octets.len);
}

void writer_u16_at(struct writer *w, size_t at, uint16_t value)
{
    assert(at <= w->len && w->len - at >= 2);
    w->data[at] = (uint8_t)(value >> 8);
    w->data[at + 1] = (uint8_t)value;
}

void writer_rewind(struct writer *w, size_t len)
{
    assert(len <= w->len);
    w->len = len;
    w->failed = false;
}
