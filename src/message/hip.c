/* HIP, RFC 8005 section 5: host identity tag, public key, names of rendezvous servers. */
#include "message/coding.h"
#include "message/rdata_field.h"

struct hip {
    uint8_t algorithm;
    struct octets tag, public_key;
};

/* Up to the rendezvous servers. */
static struct hip read_identity(struct reader *r)
{
    uint8_t tag_len = reader_u8(r);
    struct hip hip = { .algorithm = reader_u8(r) };
    uint16_t key_len = reader_u16(r);
    hip.tag = reader_octets(r, tag_len);
    hip.public_key = reader_octets(r, key_len);
    if (tag_len == 0 || key_len == 0) /* section 5.1 and 5.3: greater than zero */
        r->failed = true;
    return hip;
}

void hip_skip(struct reader *r)
{
    read_identity(r);
    while (!r->failed && reader_left(r) > 0)
        dname_skip(r);
}

bool hip_print(struct text *text, struct reader *r)
{
    struct hip hip = read_identity(r);
    text_printf(text, "%u ", hip.algorithm);
    text_hex(text, hip.tag);
    text_printf(text, " ");
    text_base64(text, hip.public_key);
    while (!r->failed && reader_left(r) > 0) {
        text_printf(text, " ");
        dname_print(text, r);
    }
    return !r->failed;
}

bool hip_parse(struct tokens *tokens, struct writer *w)
{
    struct token tag, public_key;
    uint32_t algorithm;
    size_t begin = w->len;
    writer_u8(w, 0);
    if (!tokens_number(tokens, UINT8_MAX, &algorithm) || !tokens_next(tokens, &tag) ||
        !tokens_next(tokens, &public_key))
        return false;
    writer_u8(w, (uint8_t)algorithm);
    writer_u16(w, 0);
    size_t tag_at = w->len;
    if (!hex_decode(token_characters(tag), w))
        return false;
    size_t key_at = w->len;
    if (!base64_decode(token_characters(public_key), w) || key_at - tag_at > UINT8_MAX || w->len - key_at > UINT16_MAX)
        return false;
    w->data[begin] = (uint8_t)(key_at - tag_at);
    writer_u16_at(w, begin + 2, (uint16_t)(w->len - key_at));
    while (tokens_left(tokens)) {
        if (!tokens_dname(tokens, w))
            return false;
    }
    return true;
}
