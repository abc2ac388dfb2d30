#include "message/token.h"

#include "message/coding.h"

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void skip_space(struct tokens *tokens)
{
    while (is_space(*tokens->at))
        tokens->at++;
}

bool tokens_left(const struct tokens *tokens)
{
    struct tokens ahead = *tokens;
    skip_space(&ahead);
    return *ahead.at != '\0';
}

bool tokens_next(struct tokens *tokens, struct token *token)
{
    skip_space(tokens);
    const char *at = tokens->at;
    bool quoted = false;
    for (; *at != '\0' && (quoted || !is_space(*at)); at++) {
        if (*at == '"')
            quoted = !quoted;
        else if (at[0] == '\\' && at[1] != '\0')
            at++;
    }
    *token = (struct token) { tokens->at, (size_t)(at - tokens->at) };
    if (quoted || token->len == 0)
        return false;
    tokens->at = at;
    return true;
}

struct octets tokens_join(struct tokens *tokens)
{
    uint8_t *joined = arena_alloc(tokens->arena, strlen(tokens->at) + 1);
    size_t len = 0;
    for (; *tokens->at != '\0'; tokens->at++) {
        if (!is_space(*tokens->at))
            joined[len++] = (uint8_t)*tokens->at;
    }
    return (struct octets) { joined, len };
}

bool token_is(struct token token, const char *word)
{
    return token.len == strlen(word) && strncasecmp(token.text, word, token.len) == 0;
}

bool token_number(struct token token, uint32_t max, uint32_t *value)
{
    uint64_t number = 0;
    for (size_t i = 0; i < token.len; i++) {
        if (token.text[i] < '0' || token.text[i] > '9')
            return false;
        number = number * 10 + (uint64_t)(token.text[i] - '0');
        if (number > max)
            return false;
    }
    *value = (uint32_t)number;
    return token.len > 0;
}

bool token_octets(struct token token, struct writer *w)
{
    const char *at = token.text, *end = token.text + token.len;
    bool quoted = token.len > 0 && *at == '"';
    if (quoted)
        at++;
    while (at < end && *at != '"') {
        uint8_t octet;
        if (unescape_octet(&at, &octet) != OK || at > end)
            return false;
        writer_u8(w, octet);
    }
    return at == (quoted ? end - 1 : end) && !w->failed;
}

bool token_text(struct token token, char *text, size_t size)
{
    if (token.len >= size)
        return false;
    memcpy(text, token.text, token.len);
    text[token.len] = '\0';
    return true;
}

bool tokens_number(struct tokens *tokens, uint32_t max, uint32_t *value)
{
    struct token token;
    return tokens_next(tokens, &token) && token_number(token, max, value);
}

bool tokens_dname(struct tokens *tokens, struct writer *w)
{
    struct token token;
    char text[DNAME_TEXT_MAX];
    struct dname name;
    if (!tokens_next(tokens, &token) || !token_text(token, text, sizeof(text)) ||
        dname_from_text_below(text, tokens->origin, &name) != OK)
        return false;
    writer_dname(w, &name);
    return !w->failed;
}
