/* A writer of wire data into a buffer of the caller's, with a sticky failure: what does not fit is not written,
 * and all later writes fail.  A caller that wants to back out saves len and calls writer_rewind(). */
#ifndef BASE_WRITER_H
#define BASE_WRITER_H

#include "base/octets.h"

struct writer {
    uint8_t *data;
    size_t len;  /* written so far */
    size_t size; /* of the buffer */
    bool failed;
};

static inline struct writer writer_of(void *data, size_t size)
{
    return (struct writer) { .data = data, .size = size };
}

static inline struct octets writer_octets(const struct writer *w)
{
    return (struct octets) { w->data, w->len };
}

void writer_u8(struct writer *w, uint8_t value);
void writer_u16(struct writer *w, uint16_t value); /* network byte order, as all below */
void writer_u32(struct writer *w, uint32_t value);
void writer_u48(struct writer *w, uint64_t value);
void writer_octets_put(struct writer *w, struct octets octets);
/* Overwrites two octets written before; at + 2 <= len. */
void writer_u16_at(struct writer *w, size_t at, uint16_t value);
/* Back to an earlier length; clears the failure. */
void writer_rewind(struct writer *w, size_t len);

#endif
