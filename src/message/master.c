/* A master file is read entry by entry.  An entry is first brought onto one line: comments, line ends and parentheses
 * become blanks, quoted strings and escapes stay as they are.  Then its fields are taken from the left; what remains
 * is the RDATA, which message/rdata.h reads. */
#include "message/master.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "message/token.h"

enum { TTL_S_DEFAULT = 3600, ERROR_TEXT_MAX = 256, QUOTED_TEXT_MAX = 60 };

struct master {
    const char *at, *end; /* what was not read yet */
    unsigned line;        /* of at */
    struct dname origin;
    struct dname owner; /* of the entry before */
    bool has_owner;
    uint16_t class;         /* the last stated */
    uint32_t last_ttl_s;    /* the last stated */
    uint32_t default_ttl_s; /* of $TTL */
    bool has_default_ttl;
    struct arena *arena; /* RDATA of the record handed out */
    char *entry;         /* the entry on one line */
    size_t entry_len, entry_size;
    unsigned entry_line; /* where it began */
    bool starts_blank;   /* it has no owner field */
    char error[ERROR_TEXT_MAX];
};

struct master *master_new(const char *text, size_t len, const struct dname *origin)
{
    struct master *master = memory_new(1, sizeof(*master));
    master->at = text;
    master->end = len == 0 ? text : text + len;
    master->line = 1;
    master->origin = origin == NULL ? *dname_root() : *origin;
    master->class = CLASS_IN;
    master->last_ttl_s = TTL_S_DEFAULT;
    master->arena = arena_new();
    return master;
}

void master_free(struct master *master)
{
    if (master == NULL)
        return;
    free(master->entry);
    arena_free(master->arena);
    free(master);
}

const char *master_error(const struct master *master)
{
    return master->error;
}

static PRINTF_LIKE(2, 3) enum err fail(struct master *master, const char *format, ...)
{
    int len = snprintf(master->error, sizeof(master->error), "line %u: ", master->entry_line);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(master->error + len, sizeof(master->error) - (size_t)len, format, arguments);
    va_end(arguments);
    return ERR_FORMAT;
}

/* ---- an entry on one line ---- */

static void entry_put(struct master *master, char c)
{
    if (master->entry_len == master->entry_size) {
        master->entry_size = master->entry_size == 0 ? 256 : 2 * master->entry_size;
        master->entry = memory_resize(master->entry, master->entry_size, 1);
    }
    master->entry[master->entry_len++] = c;
}

static void skip_to_line_end(struct master *master)
{
    while (master->at < master->end && *master->at != '\n')
        master->at++;
}

/* A character and, after a backslash, the one that it protects. */
static void copy_character(struct master *master)
{
    char c = *master->at++;
    entry_put(master, c);
    if (c == '\\' && master->at < master->end && *master->at != '\n')
        entry_put(master, *master->at++);
}

/* From the opening quote to the closing one, which must stand on the same line. */
static enum err copy_quoted(struct master *master)
{
    entry_put(master, *master->at++);
    while (master->at < master->end && *master->at != '"' && *master->at != '\n')
        copy_character(master);
    if (master->at == master->end || *master->at != '"')
        return fail(master, "the quoted string does not end");
    entry_put(master, *master->at++);
    return OK;
}

/* Up to the line end that ends the entry.  A fault is told after the whole entry was passed. */
static enum err copy_entry(struct master *master)
{
    unsigned depth = 0;
    while (master->at < master->end) {
        char c = *master->at;
        if (c == '\n' && depth == 0)
            return OK;
        master->line += c == '\n';
        if (c == '"' && copy_quoted(master) != OK) {
            skip_to_line_end(master);
            return ERR_FORMAT;
        }
        if (c == '"')
            continue;
        if (c == ')' && depth == 0) {
            skip_to_line_end(master);
            return fail(master, "a closing parenthesis without an opening one");
        }
        if (c == ';') {
            skip_to_line_end(master);
        } else if (c == '(' || c == ')' || c == '\n' || c == '\r' || c == '\t') {
            depth += (unsigned)(c == '(') - (unsigned)(c == ')');
            entry_put(master, ' ');
            master->at++;
        } else {
            copy_character(master);
        }
    }
    return depth == 0 ? OK : fail(master, "the parenthesis is never closed");
}

/* ERR_NOT_FOUND: the end of the text. */
static enum err next_entry(struct master *master)
{
    if (master->at == master->end)
        return ERR_NOT_FOUND;
    master->entry_len = 0;
    master->entry_line = master->line;
    master->starts_blank = *master->at == ' ' || *master->at == '\t';
    enum err err = copy_entry(master);
    if (master->at < master->end) {
        master->at++;
        master->line++;
    }
    entry_put(master, '\0');
    if (err == OK && strlen(master->entry) != master->entry_len - 1)
        err = fail(master, "a NUL octet");
    return err;
}

/* ---- its fields ---- */

/* Cuts the next field off *rest; NULL if there is none. */
static char *next_field(char **rest)
{
    struct tokens tokens = { .at = *rest };
    struct token token;
    if (!tokens_next(&tokens, &token))
        return NULL;
    char *field = *rest + (token.text - *rest);
    char *end = field + token.len;
    *rest = *end == '\0' ? end : end + 1;
    *end = '\0';
    return field;
}

static uint32_t unit_s(char unit)
{
    switch (unit) {
    case 'w':
    case 'W':
        return 7 * 24 * 3600;
    case 'd':
    case 'D':
        return 24 * 3600;
    case 'h':
    case 'H':
        return 3600;
    case 'm':
    case 'M':
        return 60;
    case 's':
    case 'S':
        return 1;
    default:
        return 0;
    }
}

/* Seconds, or numbers with units: "1h30m".  RFC 2181 section 8: at most 2^31 - 1. */
static enum err ttl_from_text(const char *text, uint32_t *ttl_s)
{
    uint64_t sum = 0;
    do {
        uint64_t number = 0;
        if (*text < '0' || *text > '9')
            return ERR_FORMAT;
        for (; *text >= '0' && *text <= '9' && number <= INT32_MAX; text++)
            number = 10 * number + (uint64_t)(*text - '0');
        uint32_t unit = *text == '\0' ? 1 : unit_s(*text++);
        sum += number * unit;
        if (unit == 0 || sum > INT32_MAX)
            return ERR_FORMAT;
    } while (*text != '\0');
    *ttl_s = (uint32_t)sum;
    return OK;
}

static enum err name_from_field(struct master *master, const char *field, struct dname *name)
{
    if (dname_from_text_below(field, &master->origin, name) == OK)
        return OK;
    return fail(master, "not a domain name: %.*s", QUOTED_TEXT_MAX, field);
}

static enum err read_directive(struct master *master, const char *directive, char *rest)
{
    const char *argument = next_field(&rest);
    if (strcasecmp(directive, "$INCLUDE") == 0)
        return fail(master, "$INCLUDE is not followed");
    if (argument == NULL || next_field(&rest) != NULL)
        return fail(master, "%.*s takes one value", QUOTED_TEXT_MAX, directive);
    if (strcasecmp(directive, "$ORIGIN") == 0)
        return name_from_field(master, argument, &master->origin);
    if (strcasecmp(directive, "$TTL") != 0)
        return fail(master, "unknown directive %.*s", QUOTED_TEXT_MAX, directive);
    if (ttl_from_text(argument, &master->default_ttl_s) != OK)
        return fail(master, "not a TTL: %.*s", QUOTED_TEXT_MAX, argument);
    master->has_default_ttl = true;
    return OK;
}

static bool class_is_of_data(uint16_t class)
{
    return class != CLASS_NONE && class != CLASS_ANY;
}

/* [TTL] [class] type, or [class] [TTL] type. */
static enum err read_ttl_class_type(struct master *master, char **rest, struct master_record *record)
{
    bool has_ttl = false, has_class = false;
    for (const char *field; (field = next_field(rest)) != NULL;) {
        if (!has_ttl && ttl_from_text(field, &record->ttl_s) == OK) {
            has_ttl = true;
            master->last_ttl_s = record->ttl_s;
        } else if (!has_class && rr_class_from_text(field, &record->class) == OK && class_is_of_data(record->class)) {
            has_class = true;
            master->class = record->class;
        } else if (rr_type_from_text(field, &record->type) == OK && !rr_type_is_meta(record->type)) {
            if (!has_ttl)
                record->ttl_s = master->has_default_ttl ? master->default_ttl_s : master->last_ttl_s;
            if (!has_class)
                record->class = master->class;
            return OK;
        } else {
            return fail(master, "neither TTL, class nor type of data: %.*s", QUOTED_TEXT_MAX, field);
        }
    }
    return fail(master, "the record has no type");
}

static enum err read_owner(struct master *master, char **rest)
{
    if (!master->starts_blank) {
        enum err err = name_from_field(master, next_field(rest), &master->owner);
        master->has_owner = err == OK;
        return err;
    }
    return master->has_owner ? OK : fail(master, "the first record has no owner");
}

static enum err read_rdata(struct master *master, const char *text, struct master_record *record)
{
    char type[RR_TYPE_TEXT_MAX];
    if (rdata_from_text(master->arena, record->type, text, &master->origin, &record->rdata) == OK)
        return OK;
    return fail(master, "not the RDATA of %s: %.*s", rr_type_to_text(record->type, type), QUOTED_TEXT_MAX, text);
}

static enum err read_record(struct master *master, char *entry, struct master_record *record)
{
    *record = (struct master_record) { .line = master->entry_line };
    enum err err = read_owner(master, &entry);
    if (err == OK)
        err = read_ttl_class_type(master, &entry, record);
    if (err == OK)
        err = read_rdata(master, entry, record);
    record->owner = master->owner;
    return err;
}

enum err master_next(struct master *master, struct master_record *record)
{
    arena_reset(master->arena);
    for (;;) {
        enum err err = next_entry(master);
        if (err != OK)
            return err;
        char *entry = master->entry + strspn(master->entry, " ");
        if (*entry == '\0')
            continue;
        if (*entry != '$' || master->starts_blank)
            return read_record(master, entry, record);
        const char *directive = next_field(&entry);
        err = read_directive(master, directive, entry);
        if (err != OK)
            return err;
    }
}
