/* RDATA in presentation form (RFC 1035 section 5, RFC 3597 section 5, and the section of each type's own RFC). */
#include "message/coding.h"
#include "message/rdata.h"
#include "message/rdata_field.h"

static bool print_fields(struct text *text, const struct rr_type *row, struct octets rdata)
{
    struct reader r = reader_of_octets(rdata);
    for (unsigned i = 0; row->fields[i] != FIELD_END; i++) {
        size_t before = text->len;
        if (before > 0)
            text_printf(text, " ");
        size_t begin = text->len;
        if (!rdata_field_kind(row->fields[i])->print(text, &r))
            return false;
        if (text->len == begin) /* an empty rest leaves no blank behind */
            text_rewind(text, before);
    }
    return !r.failed && reader_left(&r) == 0;
}

char *rdata_to_text(struct arena *arena, uint16_t type, struct octets rdata)
{
    struct text text = text_new(arena);
    const struct rr_type *row = rr_type_find(type);
    if (row == NULL || !print_fields(&text, row, rdata)) {
        text_rewind(&text, 0);
        text_printf(&text, rdata.len > 0 ? "\\# %zu " : "\\# %zu", rdata.len);
        text_hex(&text, rdata);
    }
    return text.data;
}

/* Behind the "\#": the length, then so many octets in hexadecimal. */
static bool parse_generic(struct tokens *tokens, struct writer *w)
{
    uint32_t len;
    return tokens_number(tokens, UINT16_MAX, &len) && hex_decode(tokens_join(tokens), w) && w->len == len;
}

static bool parse_fields(struct tokens *tokens, const struct rr_type *row, struct writer *w)
{
    for (unsigned i = 0; row->fields[i] != FIELD_END; i++) {
        if (!rdata_field_kind(row->fields[i])->parse(tokens, w))
            return false;
    }
    return !tokens_left(tokens);
}

enum err rdata_from_text(struct arena *arena, uint16_t type, const char *text, const struct dname *origin,
                         struct octets *rdata)
{
    uint8_t wire[UINT16_MAX];
    struct writer w = writer_of(wire, sizeof(wire));
    struct tokens tokens = { text, origin == NULL ? dname_root() : origin, arena };
    struct tokens behind_first = tokens;
    struct token first;
    const struct rr_type *row = rr_type_find(type);
    bool good;
    if (tokens_next(&behind_first, &first) && token_is(first, "\\#"))
        good = parse_generic(&behind_first, &w);
    else
        good = row != NULL && parse_fields(&tokens, row, &w);
    if (!good || !rdata_is_valid(type, writer_octets(&w)))
        return ERR_FORMAT;
    *rdata = octets_copy(arena, writer_octets(&w));
    return OK;
}
