/* Reads one record's RDATA in presentation form token by token (RFC 1035 section 5.1).  Parentheses and comments are
 * gone by now (message/master.h). */
#ifndef MESSAGE_TOKEN_H
#define MESSAGE_TOKEN_H

#include "message/dname.h"

struct token {
    const char *text; /* borrowed, quotes and escapes still in it; a delimiter or the NUL follows behind len */
    size_t len;
};

struct tokens {
    const char *at;
    const struct dname *origin; /* of relative names */
    struct arena *arena;        /* for what must be put together */
};

/* False: none is left, or a quoted string does not end. */
bool tokens_next(struct tokens *tokens, struct token *token);
bool tokens_left(const struct tokens *tokens);
/* All that are left, without what parts them: hexadecimal and base64 may be broken anywhere.  In the arena. */
struct octets tokens_join(struct tokens *tokens);

/* Without regard to case. */
bool token_is(struct token token, const char *word);
/* An unsigned decimal number up to max. */
bool token_number(struct token token, uint32_t max, uint32_t *value);
/* Its octets, without escapes and the quotes around it.  False if they do not fit, too. */
bool token_octets(struct token token, struct writer *w);
/* Copies it, quotes and escapes and all, and ends it with a NUL.  False if it does not fit. */
bool token_text(struct token token, char *text, size_t size);

/* The next token as one of the above. */
bool tokens_number(struct tokens *tokens, uint32_t max, uint32_t *value);
bool tokens_dname(struct tokens *tokens, struct writer *w);
static inline struct octets token_characters(struct token token)
{
    return (struct octets) { (const uint8_t *)token.text, token.len };
}

#endif
