#include "cache/pack.h"

static const int64_t time_ms_max = INT64_C(0xffffffffffff); /* forty-eight bits: that late is never */

/* ---- numbers ---- */

void pack_number(struct writer *w, uint64_t number)
{
    for (; number > 0x7f; number >>= 7)
        writer_u8(w, (uint8_t)(number | 0x80));
    writer_u8(w, (uint8_t)number);
}

uint64_t unpack_number(struct reader *r)
{
    uint64_t number = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        uint8_t octet = reader_u8(r);
        number |= (uint64_t)(octet & 0x7f) << shift;
        if (!(octet & 0x80))
            return number;
    }
    r->failed = true;
    return 0;
}

uint64_t unpack_upto(struct reader *r, uint64_t max)
{
    uint64_t number = unpack_number(r);
    if (number > max)
        r->failed = true;
    return r->failed ? 0 : number;
}

void pack_time(struct writer *w, int64_t ms)
{
    writer_u48(w, ms < 0 ? 0 : ms > time_ms_max ? time_ms_max : (uint64_t)ms);
}

int64_t unpack_time(struct reader *r)
{
    uint64_t ms = reader_u48(r);
    return ms == (uint64_t)time_ms_max ? INT64_MAX : (int64_t)ms;
}

enum { SPAN_HAS_MS = 1 };

void pack_span(struct writer *w, int64_t ms)
{
    pack_number(w, ms % 1000 == 0 ? (uint64_t)ms / 1000 << 1 : (uint64_t)ms << 1 | SPAN_HAS_MS);
}

int64_t unpack_span(struct reader *r)
{
    uint64_t span = unpack_upto(r, UINT32_MAX);
    return (int64_t)(span & SPAN_HAS_MS ? span >> 1 : (span >> 1) * 1000);
}

uint16_t unpack_count(struct reader *r)
{
    uint64_t count = unpack_upto(r, UINT16_MAX);
    if (count > reader_left(r))
        r->failed = true;
    return r->failed ? 0 : (uint16_t)count;
}

void pack_text(struct writer *w, const char *text, size_t size)
{
    size_t len = text == NULL ? 0 : strnlen(text, size - 1);
    writer_u8(w, (uint8_t)len);
    writer_octets_put(w, (struct octets) { (const uint8_t *)text, len });
}

void unpack_text(struct reader *r, char *text, size_t size)
{
    struct octets octets = reader_octets(r, reader_u8(r));
    if (octets.len >= size)
        r->failed = true;
    else if (octets.len > 0)
        memcpy(text, octets.data, octets.len);
}
/* ---- names ---- */

uint8_t shared_labels(const struct dname *a, const struct dname *b)
{
    uint8_t most = a->labels < b->labels ? a->labels : b->labels;
    for (uint8_t labels = dname_common_labels(a, b); labels > 0; labels--) {
        struct dname suffix_a, suffix_b;
        if (labels > most)
            continue;
        dname_suffix(a, labels, &suffix_a);
        dname_suffix(b, labels, &suffix_b);
        if (dname_same_case(&suffix_a, &suffix_b))
            return labels;
    }
    return 0;
}

enum { NAME_SHARED_SHIFT = 4, NAME_LEN_MASK = 15, NAME_IS_LONG = 0xff };

void pack_name(struct writer *w, const struct dname *base, const struct dname *name)
{
    struct dname suffix;
    uint8_t shared = shared_labels(base, name);
    dname_suffix(name, shared, &suffix);
    uint8_t len = name->len - suffix.len;
    if (shared < NAME_IS_LONG >> NAME_SHARED_SHIFT && len <= NAME_LEN_MASK) {
        writer_u8(w, (uint8_t)(shared << NAME_SHARED_SHIFT | len));
    } else {
        writer_u8(w, NAME_IS_LONG);
        writer_u8(w, shared);
        writer_u8(w, len);
    }
    writer_octets_put(w, (struct octets) { name->octets, len });
}

void unpack_name(struct reader *r, const struct dname *base, struct dname *name)
{
    uint8_t form = reader_u8(r), octets[2 * DNAME_OCTETS_MAX];
    uint8_t shared = form == NAME_IS_LONG ? reader_u8(r) : form >> NAME_SHARED_SHIFT;
    struct octets front = reader_octets(r, form == NAME_IS_LONG ? reader_u8(r) : form & NAME_LEN_MASK);
    struct dname suffix = *dname_root();
    *name = suffix;
    if (r->failed || shared > base->labels) {
        r->failed = true;
        return;
    }
    dname_suffix(base, shared, &suffix);
    if (front.len > 0)
        memcpy(octets, front.data, front.len);
    memcpy(octets + front.len, suffix.octets, suffix.len);
    if (dname_from_wire((struct octets) { octets, front.len + suffix.len }, name) != OK)
        r->failed = true;
}
