/* The parameters of SVCB and HTTPS records, RFC 9460.  A resolver passes them on as they are (section 4.3): the wire
 * form is checked for its layout alone.  A value that its key does not allow is printed in the generic form. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

#include "message/coding.h"
#include "message/rdata_field.h"
#include "message/svcb.h"

enum { KEY_TEXT_MAX = 24 };

struct svcparam {
    uint16_t key;
    struct octets value;
};

static struct svcparam read_param(struct reader *r)
{
    struct svcparam param = { .key = reader_u16(r) };
    param.value = reader_octets(r, reader_u16(r));
    return param;
}

/* Section 2.2: keys in strictly increasing order. */
void svcparams_skip(struct reader *r)
{
    int last_key = -1;
    while (!r->failed && reader_left(r) > 0) {
        uint16_t key = read_param(r).key;
        if (key <= last_key)
            r->failed = true;
        last_key = key;
    }
}

struct octets svcb_param(struct octets rdata, uint16_t key)
{
    struct reader r = reader_of_octets(rdata);
    struct dname target;
    reader_u16(&r);
    reader_dname(&r, &target);
    while (!r.failed && reader_left(&r) > 0) {
        struct svcparam param = read_param(&r);
        if (param.key == key && !r.failed)
            return param.value;
    }
    return (struct octets) { NULL, 0 };
}

/* ---- keys ---- */

struct param_kind {
    uint16_t key;
    const char *name;
    /* "=" and the value.  False: the key does not allow that value. */
    bool (*print)(struct text *text, struct octets value);
    /* From the value without quotes and escapes. */
    bool (*parse)(struct octets value, struct writer *w);
};
static const struct param_kind *kind_find(uint16_t key);
static bool key_from_text(const char *text, uint16_t *key);

static char *key_to_text(uint16_t key, char text[KEY_TEXT_MAX])
{
    const struct param_kind *kind = kind_find(key);
    if (kind != NULL)
        snprintf(text, KEY_TEXT_MAX, "%s", kind->name);
    else
        snprintf(text, KEY_TEXT_MAX, "key%u", key);
    return text;
}

/* ---- lists of values ---- */

/* The next item of a comma-separated list, which moves on behind it; *more tells whether another one follows. */
static struct octets next_item(struct octets *list, bool *more)
{
    const uint8_t *comma = list->len == 0 ? NULL : memchr(list->data, ',', list->len);
    struct octets item = { list->data, comma == NULL ? list->len : (size_t)(comma - list->data) };
    *more = comma != NULL;
    size_t taken = item.len + (*more ? 1 : 0);
    if (taken > 0)
        *list = (struct octets) { list->data + taken, list->len - taken };
    return item;
}

/* NUL-terminated.  False if it does not fit or holds a NUL of its own. */
static bool item_text(struct octets item, char *text, size_t size)
{
    if (item.len == 0 || item.len >= size || memchr(item.data, '\0', item.len) != NULL)
        return false;
    memcpy(text, item.data, item.len);
    text[item.len] = '\0';
    return true;
}

/* ---- mandatory (section 8) ---- */

static bool mandatory_print(struct text *text, struct octets value)
{
    char key_text[KEY_TEXT_MAX];
    struct reader r = reader_of_octets(value);
    const char *separator = "=";
    int last_key = 0; /* key 0 is "mandatory" itself, which may not be listed */
    while (!r.failed && reader_left(&r) > 0) {
        uint16_t key = reader_u16(&r);
        if (key <= last_key)
            return false;
        text_printf(text, "%s%s", separator, key_to_text(key, key_text));
        separator = ",";
        last_key = key;
    }
    return !r.failed && value.len > 0;
}

static int compare_keys(const void *a, const void *b)
{
    return *(const uint16_t *)a - *(const uint16_t *)b;
}

static bool mandatory_parse(struct octets value, struct writer *w)
{
    enum { LISTED_MAX = 256 };
    uint16_t keys[LISTED_MAX];
    size_t count = 0;
    for (bool more = true; more; count++) {
        char text[KEY_TEXT_MAX];
        if (count == LISTED_MAX || !item_text(next_item(&value, &more), text, sizeof(text)) ||
            !key_from_text(text, &keys[count]))
            return false;
    }
    qsort(keys, count, sizeof(keys[0]), compare_keys);
    for (size_t i = 0; i < count; i++) {
        if (keys[i] == (i == 0 ? 0 : keys[i - 1]))
            return false;
        writer_u16(w, keys[i]);
    }
    return true;
}

/* ---- alpn (section 7.1) ---- */

/* Inside a list "," and "\" have a backslash before them, which is then escaped like any other (appendix A.1). */
static void print_alpn(struct text *text, struct octets id)
{
    for (size_t i = 0; i < id.len; i++) {
        if (id.data[i] == ',' || id.data[i] == '\\')
            text_printf(text, "\\\\");
        text_escaped(text, (struct octets) { id.data + i, 1 });
    }
}

static bool alpn_print(struct text *text, struct octets value)
{
    struct reader r = reader_of_octets(value);
    const char *separator = "=\"";
    while (!r.failed && reader_left(&r) > 0) {
        struct octets id = reader_octets(&r, reader_u8(&r));
        text_printf(text, "%s", separator);
        print_alpn(text, id);
        separator = ",";
        if (id.len == 0)
            return false;
    }
    text_printf(text, "\"");
    return !r.failed && value.len > 0;
}

/* One id up to its comma, behind which value begins afterwards; *more as above. */
static bool parse_alpn(struct octets *value, bool *more, struct writer *w)
{
    size_t at = w->len, i = 0;
    writer_u8(w, 0);
    for (; i < value->len && value->data[i] != ','; i++) {
        if (value->data[i] == '\\' && ++i == value->len)
            return false;
        writer_u8(w, value->data[i]);
    }
    *more = i < value->len;
    size_t taken = i + (*more ? 1 : 0);
    size_t len = w->len - at - 1;
    if (w->failed || len == 0 || len > UINT8_MAX)
        return false;
    w->data[at] = (uint8_t)len;
    *value = (struct octets) { value->data + taken, value->len - taken };
    return true;
}

static bool alpn_parse(struct octets value, struct writer *w)
{
    bool more = true, good = true;
    while (more && good)
        good = parse_alpn(&value, &more, w);
    return good;
}

/* ---- the other kinds of value ---- */

static bool empty_print(struct text *text, struct octets value)
{
    (void)text;
    return value.len == 0;
}

static bool empty_parse(struct octets value, struct writer *w)
{
    (void)w;
    return value.len == 0;
}

static bool port_print(struct text *text, struct octets value)
{
    struct reader r = reader_of_octets(value);
    text_printf(text, "=%u", reader_u16(&r));
    return !r.failed && reader_left(&r) == 0;
}

static bool port_parse(struct octets value, struct writer *w)
{
    uint32_t port;
    if (!token_number((struct token) { (const char *)value.data, value.len }, UINT16_MAX, &port))
        return false;
    writer_u16(w, (uint16_t)port);
    return true;
}

static bool hints_print(struct text *text, struct octets value, bool (*print)(struct text *, struct reader *))
{
    struct reader r = reader_of_octets(value);
    const char *separator = "=";
    while (reader_left(&r) > 0) {
        text_printf(text, "%s", separator);
        if (!print(text, &r))
            return false;
        separator = ",";
    }
    return value.len > 0;
}

static bool hints_parse(struct octets value, int family, size_t len, struct writer *w)
{
    for (bool more = true; more;) {
        char text[INET6_ADDRSTRLEN];
        uint8_t octets[16];
        if (!item_text(next_item(&value, &more), text, sizeof(text)) || inet_pton(family, text, octets) != 1)
            return false;
        writer_octets_put(w, (struct octets) { octets, len });
    }
    return true;
}

static bool ipv4hint_print(struct text *text, struct octets value)
{
    return hints_print(text, value, ipv4_print);
}

static bool ipv4hint_parse(struct octets value, struct writer *w)
{
    return hints_parse(value, AF_INET, 4, w);
}

static bool ipv6hint_print(struct text *text, struct octets value)
{
    return hints_print(text, value, ipv6_print);
}

static bool ipv6hint_parse(struct octets value, struct writer *w)
{
    return hints_parse(value, AF_INET6, 16, w);
}

static bool ech_print(struct text *text, struct octets value)
{
    text_printf(text, "=");
    text_base64(text, value);
    return value.len > 0;
}

static bool ech_parse(struct octets value, struct writer *w)
{
    return value.len > 0 && base64_decode(value, w);
}

static bool text_print(struct text *text, struct octets value)
{
    if (value.len == 0)
        return true;
    text_printf(text, "=\"");
    text_escaped(text, value);
    text_printf(text, "\"");
    return true;
}

static bool text_parse(struct octets value, struct writer *w)
{
    writer_octets_put(w, value);
    return true;
}

static const struct param_kind kinds[] = {
    /* IANA "DNS SVCB Service Parameter Keys (SvcParamKeys)" */
    { 0, "mandatory", mandatory_print, mandatory_parse },
    { 1, "alpn", alpn_print, alpn_parse },
    { 2, "no-default-alpn", empty_print, empty_parse },
    { 3, "port", port_print, port_parse },
    { SVCPARAM_IPV4HINT, "ipv4hint", ipv4hint_print, ipv4hint_parse },
    { 5, "ech", ech_print, ech_parse }, /* RFC 9848 */
    { SVCPARAM_IPV6HINT, "ipv6hint", ipv6hint_print, ipv6hint_parse },
    { 7, "dohpath", text_print, text_parse }, /* RFC 9461 */
    { 8, "ohttp", empty_print, empty_parse }, /* RFC 9540 */
};

static const struct param_kind *kind_find(uint16_t key)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        if (kinds[i].key == key)
            return &kinds[i];
    }
    return NULL;
}

/* A name of the table, or "key123" (*kind is NULL then).  False: neither. */
static bool find_by_name(const char *name, const struct param_kind **kind, uint16_t *key)
{
    *kind = NULL;
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        if (strcmp(name, kinds[i].name) == 0) {
            *kind = &kinds[i];
            *key = kinds[i].key;
            return true;
        }
    }
    uint32_t number;
    if (strncmp(name, "key", 3) != 0 ||
        !token_number((struct token) { name + 3, strlen(name + 3) }, UINT16_MAX, &number))
        return false;
    *key = (uint16_t)number;
    return true;
}

static bool key_from_text(const char *text, uint16_t *key)
{
    const struct param_kind *kind;
    return find_by_name(text, &kind, key);
}

/* ---- the whole list ---- */

static void print_param(struct text *text, const struct svcparam *param)
{
    const struct param_kind *kind = kind_find(param->key);
    size_t begin = text->len;
    if (kind != NULL) {
        text_printf(text, "%s", kind->name);
        if (kind->print(text, param->value))
            return;
        text_rewind(text, begin);
    }
    text_printf(text, "key%u", param->key);
    text_print(text, param->value);
}

bool svcparams_print(struct text *text, struct reader *r)
{
    const char *separator = "";
    while (!r->failed && reader_left(r) > 0) {
        struct svcparam param = read_param(r);
        text_printf(text, "%s", separator);
        print_param(text, &param);
        separator = " ";
    }
    return !r->failed;
}

/* `key`, `key=value` or `key="value"`; the value in wire form in the arena. */
static bool parse_param(struct token token, struct arena *arena, struct svcparam *param)
{
    const char *equals = memchr(token.text, '=', token.len);
    size_t name_len = equals == NULL ? token.len : (size_t)(equals - token.text);
    char name[KEY_TEXT_MAX];
    const struct param_kind *kind;
    if (!token_text((struct token) { token.text, name_len }, name, sizeof(name)) ||
        !find_by_name(name, &kind, &param->key))
        return false;
    struct token value = { token.text + token.len, 0 };
    if (equals != NULL)
        value = (struct token) { equals + 1, token.len - name_len - 1 };
    struct writer plain = writer_of(arena_alloc(arena, value.len), value.len);
    size_t wire_size = 16 * value.len; /* an IPv6 address is written with at least two characters, "::" */
    struct writer wire = writer_of(arena_alloc(arena, wire_size), wire_size);
    if (!token_octets(value, &plain) || !(kind == NULL ? text_parse : kind->parse)(writer_octets(&plain), &wire) ||
        wire.failed || wire.len > UINT16_MAX)
        return false;
    param->value = writer_octets(&wire);
    return true;
}

static int compare_params(const void *a, const void *b)
{
    return ((const struct svcparam *)a)->key - ((const struct svcparam *)b)->key;
}

static size_t count_tokens(struct tokens tokens)
{
    struct token token;
    size_t count = 0;
    while (tokens_next(&tokens, &token))
        count++;
    return count;
}

bool svcparams_parse(struct tokens *tokens, struct writer *w)
{
    size_t count = count_tokens(*tokens);
    struct svcparam *params = ARENA_ARRAY(tokens->arena, count, struct svcparam);
    struct token token;
    for (size_t i = 0; i < count; i++) {
        if (!tokens_next(tokens, &token) || !parse_param(token, tokens->arena, &params[i]))
            return false;
    }
    qsort(params, count, sizeof(params[0]), compare_params);
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && params[i].key == params[i - 1].key) /* section 2.1: a key at most once */
            return false;
        writer_u16(w, params[i].key);
        writer_u16(w, (uint16_t)params[i].value.len);
        writer_octets_put(w, params[i].value);
    }
    return !w->failed && !tokens_left(tokens);
}
