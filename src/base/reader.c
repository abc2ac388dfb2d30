#include "base/reader.h"

/* The next len octets, or NULL when they are not there. */
static const uint8_t *take(struct reader *r, size_t len)
{
    if (r->failed || reader_left(r) < len) {
        r->failed = true;
        return NULL;
    }
    const uint8_t *at = r->at;
    if (len > 0) /* an empty reader may hold NULL, to which nothing may be added */
        r->at += len;
    return at;
}

static uint64_t take_number(struct reader *r, size_t len)
{
    const uint8_t *at = take(r, len);
    uint64_t value = 0;
    for (size_t i = 0; at != NULL && i < len; i++)
        value = value << 8 | at[i];
    return value;
}

uint8_t reader_u8(struct reader *r)
{
    return (uint8_t)take_number(r, 1);
}

uint16_t reader_u16(struct reader *r)
{
    return (uint16_t)take_number(r, 2);
}

uint32_t reader_u32(struct reader *r)
{
    return (uint32_t)take_number(r, 4);
}

uint64_t reader_u48(struct reader *r)
{
    return take_number(r, 6);
}

struct octets reader_octets(struct reader *r, size_t len)
{
    const uint8_t *at = take(r, len);
    return (struct octets) { at, at == NULL ? 0 : len };
}

struct octets reader_rest(struct reader *r)
{
    return reader_octets(r, reader_left(r));
}

struct reader reader_sub(struct reader *r, size_t len)
{
    struct reader sub = *r;
    take(r, len);
    sub.end = r->at;
    sub.failed = r->failed;
    return sub;
}
