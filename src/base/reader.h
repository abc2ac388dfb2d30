/* A reader of wire data with a sticky failure: a failed read yields zero, moves nothing, and all later reads fail. */
#ifndef BASE_READER_H
#define BASE_READER_H

#include "base/octets.h"

struct reader {
    const uint8_t *start; /* of the whole message: compression pointers count from here */
    const uint8_t *at;
    const uint8_t *end; /* of what may be read: the message, or one RDATA inside it */
    bool failed;
};

static inline struct reader reader_of(const void *data, size_t len)
{
    const uint8_t *start = data;
    return (struct reader) { .start = start, .at = start, .end = start == NULL ? NULL : start + len };
}

static inline struct reader reader_of_octets(struct octets octets)
{
    return reader_of(octets.data, octets.len);
}

static inline size_t reader_left(const struct reader *r)
{
    return (size_t)(r->end - r->at);
}

uint8_t reader_u8(struct reader *r);
uint16_t reader_u16(struct reader *r); /* network byte order, as all below */
uint32_t reader_u32(struct reader *r);
uint64_t reader_u48(struct reader *r);
struct octets reader_octets(struct reader *r, size_t len); /* borrowed from the message */
struct octets reader_rest(struct reader *r);               /* borrowed from the message; may be empty */
/* A reader of the next len octets that still sees the whole message (for compression); r stands behind them. */
struct reader reader_sub(struct reader *r, size_t len);

#endif
