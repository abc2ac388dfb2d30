/* APL, RFC 3123: a list of address prefixes, trailing zero octets left out. */
#include <arpa/inet.h>

#include "message/rdata_field.h"

enum { APL_NEGATION = 0x80, APL_IPV4 = 1, APL_IPV6 = 2 };

static const struct family {
    uint16_t number; /* IANA "Address Family Numbers" */
    int socket_family;
    uint8_t octets;
} families[] = {
    { APL_IPV4, AF_INET, 4 },
    { APL_IPV6, AF_INET6, 16 },
};

static const struct family *family_find(uint32_t number)
{
    for (size_t i = 0; i < ARRAY_LEN(families); i++) {
        if (families[i].number == number)
            return &families[i];
    }
    return NULL;
}

struct apl_item {
    uint16_t family;
    uint8_t bits;
    bool negated;
    struct octets part;
};

static struct apl_item read_item(struct reader *r)
{
    struct apl_item item = { .family = reader_u16(r), .bits = reader_u8(r) };
    uint8_t len = reader_u8(r);
    item.negated = (len & APL_NEGATION) != 0;
    item.part = reader_octets(r, len & ~APL_NEGATION);
    return item;
}

void apl_skip(struct reader *r)
{
    while (!r->failed && reader_left(r) > 0)
        read_item(r);
}

/* False for what the text form cannot say: other families, octets that are too many or not left out. */
static bool print_item(struct text *text, const struct apl_item *item)
{
    const struct family *family = family_find(item->family);
    uint8_t octets[16] = { 0 };
    char address[INET6_ADDRSTRLEN];
    if (family == NULL || item->part.len > family->octets || item->bits > family->octets * 8 ||
        (item->part.len > 0 && item->part.data[item->part.len - 1] == 0))
        return false;
    if (item->part.len > 0)
        memcpy(octets, item->part.data, item->part.len);
    inet_ntop(family->socket_family, octets, address, sizeof(address));
    text_printf(text, "%s%u:%s/%u", item->negated ? "!" : "", item->family, address, item->bits);
    return true;
}

bool apl_print(struct text *text, struct reader *r)
{
    const char *separator = "";
    while (!r->failed && reader_left(r) > 0) {
        struct apl_item item = read_item(r);
        text_printf(text, "%s", separator);
        if (r->failed || !print_item(text, &item))
            return false;
        separator = " ";
    }
    return !r->failed;
}

/* "!1:192.168.32.0/21" */
static bool parse_item(char *text, struct writer *w)
{
    bool negated = *text == '!';
    char *colon = strchr(text, ':'), *slash = strchr(text, '/');
    uint32_t number, bits;
    uint8_t octets[16];
    if (negated)
        text++;
    if (colon == NULL || slash == NULL || slash < colon)
        return false;
    *slash = '\0';
    const struct family *family = NULL;
    if (token_number((struct token) { text, (size_t)(colon - text) }, UINT16_MAX, &number))
        family = family_find(number);
    if (family == NULL || !token_number((struct token) { slash + 1, strlen(slash + 1) }, family->octets * 8u, &bits) ||
        inet_pton(family->socket_family, colon + 1, octets) != 1)
        return false;
    uint8_t len = family->octets;
    while (len > 0 && octets[len - 1] == 0)
        len--;
    writer_u16(w, family->number);
    writer_u8(w, (uint8_t)bits);
    writer_u8(w, (uint8_t)(len | (negated ? APL_NEGATION : 0)));
    writer_octets_put(w, (struct octets) { octets, len });
    return !w->failed;
}

bool apl_parse(struct tokens *tokens, struct writer *w)
{
    struct token token;
    char text[sizeof("!65535:") + INET6_ADDRSTRLEN + sizeof("/128")];
    while (tokens_left(tokens)) {
        if (!tokens_next(tokens, &token) || !token_text(token, text, sizeof(text)) || !parse_item(text, w))
            return false;
    }
    return true;
}
