/* IPSECKEY (RFC 4025) and AMTRELAY (RFC 8777): a gateway or relay that is an address or a name, by its type. */
#include "message/coding.h"
#include "message/rdata_field.h"

enum gateway_type { GATEWAY_NONE, GATEWAY_IPV4, GATEWAY_IPV6, GATEWAY_NAME };

enum { DISCOVERY_OPTIONAL = 0x80 }; /* RFC 8777 section 4.2.2, in the octet of the type */

/* What a later type looks like nobody knows: the rest. */
static void gateway_skip(struct reader *r, uint8_t type)
{
    if (type == GATEWAY_IPV4 || type == GATEWAY_IPV6)
        reader_octets(r, type == GATEWAY_IPV4 ? 4 : 16);
    else if (type == GATEWAY_NAME)
        dname_skip(r);
    else if (type > GATEWAY_NAME)
        reader_rest(r);
}

static bool gateway_print(struct text *text, struct reader *r, uint8_t type)
{
    switch (type) {
    case GATEWAY_NONE:
        text_printf(text, ".");
        return true;
    case GATEWAY_IPV4:
        return ipv4_print(text, r);
    case GATEWAY_IPV6:
        return ipv6_print(text, r);
    case GATEWAY_NAME:
        return dname_print(text, r);
    default:
        return false;
    }
}

static bool gateway_parse(struct tokens *tokens, struct writer *w, uint32_t type)
{
    struct token token;
    switch (type) {
    case GATEWAY_NONE:
        return tokens_next(tokens, &token) && token_is(token, ".");
    case GATEWAY_IPV4:
        return ipv4_parse(tokens, w);
    case GATEWAY_IPV6:
        return ipv6_parse(tokens, w);
    case GATEWAY_NAME:
        return tokens_dname(tokens, w);
    default:
        return false;
    }
}

void ipseckey_skip(struct reader *r)
{
    reader_u8(r);
    uint8_t type = reader_u8(r);
    reader_u8(r);
    gateway_skip(r, type);
    reader_rest(r);
}

bool ipseckey_print(struct text *text, struct reader *r)
{
    uint8_t precedence = reader_u8(r), type = reader_u8(r), algorithm = reader_u8(r);
    text_printf(text, "%u %u %u ", precedence, type, algorithm);
    if (!gateway_print(text, r, type))
        return false;
    struct octets public_key = reader_rest(r);
    if (public_key.len > 0)
        text_printf(text, " ");
    text_base64(text, public_key);
    return !r->failed;
}

bool ipseckey_parse(struct tokens *tokens, struct writer *w)
{
    uint32_t precedence, type, algorithm;
    if (!tokens_number(tokens, UINT8_MAX, &precedence) || !tokens_number(tokens, UINT8_MAX, &type) ||
        !tokens_number(tokens, UINT8_MAX, &algorithm))
        return false;
    writer_u8(w, (uint8_t)precedence);
    writer_u8(w, (uint8_t)type);
    writer_u8(w, (uint8_t)algorithm);
    return gateway_parse(tokens, w, type) && base64_decode(tokens_join(tokens), w);
}

void amtrelay_skip(struct reader *r)
{
    reader_u8(r);
    uint8_t type = reader_u8(r);
    gateway_skip(r, type & (uint8_t)~DISCOVERY_OPTIONAL);
}

bool amtrelay_print(struct text *text, struct reader *r)
{
    uint8_t precedence = reader_u8(r), flag_and_type = reader_u8(r);
    uint8_t type = flag_and_type & (uint8_t)~DISCOVERY_OPTIONAL;
    text_printf(text, "%u %u %u ", precedence, flag_and_type != type, type);
    return gateway_print(text, r, type) && !r->failed;
}

bool amtrelay_parse(struct tokens *tokens, struct writer *w)
{
    uint32_t precedence, optional, type;
    if (!tokens_number(tokens, UINT8_MAX, &precedence) || !tokens_number(tokens, 1, &optional) ||
        !tokens_number(tokens, DISCOVERY_OPTIONAL - 1, &type))
        return false;
    writer_u8(w, (uint8_t)precedence);
    writer_u8(w, (uint8_t)(type | (optional == 1 ? DISCOVERY_OPTIONAL : 0)));
    return gateway_parse(tokens, w, type) && !w->failed;
}
