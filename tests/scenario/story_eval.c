#include "tests/scenario/story_eval.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { NESTING_MAX = 16 };

struct evaluation {
    struct arena *arena;
    const struct story_variables *variables;
    const char *at;
    unsigned depth;
    const char *error;
};

static int64_t fail(struct evaluation *e, const char *what)
{
    if (e->error == NULL)
        e->error = arena_printf(e->arena, "%s at \"%s\"", what, e->at);
    return 0;
}

static void skip_blanks(struct evaluation *e)
{
    while (isspace((unsigned char)*e->at))
        e->at++;
}

/* Takes the text if it comes next. */
static bool take(struct evaluation *e, const char *text)
{
    skip_blanks(e);
    size_t len = strlen(text);
    if (strncmp(e->at, text, len) != 0)
        return false;
    e->at += len;
    return true;
}

static size_t word_len(const char *text)
{
    size_t len = 0;
    while (isalnum((unsigned char)text[len]) || text[len] == '_')
        len++;
    return len;
}

static bool take_word(struct evaluation *e, const char *word)
{
    skip_blanks(e);
    return word_len(e->at) == strlen(word) && take(e, word);
}

static int64_t sum(struct evaluation *e);
static int64_t factor(struct evaluation *e);

static int64_t variable(struct evaluation *e)
{
    size_t len = word_len(e->at);
    for (unsigned i = 0; i < e->variables->count; i++) {
        const struct story_variable *known = &e->variables->items[i];
        if (strlen(known->name) != len || strncmp(known->name, e->at, len) != 0)
            continue;
        e->at += len;
        return known->value;
    }
    return fail(e, "no such variable");
}

static int64_t number(struct evaluation *e)
{
    char *end;
    skip_blanks(e);
    if (!isdigit((unsigned char)*e->at))
        return fail(e, "not a number");
    long long value = strtoll(e->at, &end, 10);
    e->at = end;
    return value;
}

static int64_t range(struct evaluation *e)
{
    int64_t low = factor(e), value = factor(e), high = factor(e);
    if (value < low || value > high)
        fail(e, arena_printf(e->arena, "%lld is not between %lld and %lld", (long long)value, (long long)low,
                             (long long)high));
    return value;
}

/* What stands between "${" and "}". */
static int64_t macro(struct evaluation *e)
{
    if (++e->depth > NESTING_MAX)
        return fail(e, "nested too deeply");
    int64_t value = take_word(e, "time")      ? e->variables->time_s
                    : take_word(e, "timeout") ? e->variables->timeout_s
                    : take_word(e, "range")   ? range(e)
                                              : sum(e);
    e->depth--;
    return take(e, "}") ? value : fail(e, "expected }");
}

static int64_t factor(struct evaluation *e)
{
    return take(e, "${") ? macro(e) : take(e, "$") ? variable(e) : number(e);
}

static int64_t product(struct evaluation *e)
{
    int64_t value = factor(e);
    while (e->error == NULL) {
        if (take(e, "*")) {
            if (__builtin_mul_overflow(value, factor(e), &value))
                fail(e, "too large");
        } else if (take(e, "/")) {
            int64_t divisor = factor(e);
            value = divisor > 0 ? value / divisor : fail(e, "division by what is no positive number");
        } else {
            break;
        }
    }
    return value;
}

static int64_t sum(struct evaluation *e)
{
    int64_t value = product(e);
    while (e->error == NULL) {
        bool is_plus = take(e, "+");
        if (!is_plus && !take(e, "-"))
            break;
        int64_t other = product(e);
        if (is_plus ? __builtin_add_overflow(value, other, &value) : __builtin_sub_overflow(value, other, &value))
            fail(e, "too large");
    }
    return value;
}

bool story_evaluate(struct arena *arena, const struct story_variables *variables, const char *text, int64_t *value,
                    const char **error)
{
    struct evaluation e = { .arena = arena, .variables = variables, .at = text };
    *value = sum(&e);
    skip_blanks(&e);
    if (*e.at != '\0')
        fail(&e, "more than a number");
    *error = e.error;
    return e.error == NULL;
}

bool story_assign(struct arena *arena, struct story_variables *variables, const char *text, const char **error)
{
    size_t len = word_len(text);
    const char *equals = text + len + strspn(text + len, " \t");
    int64_t value;
    *error = len == 0 || *equals != '='                ? "expected \"name = value\""
             : variables->count == STORY_VARIABLES_MAX ? "too many variables"
                                                       : NULL;
    if (*error != NULL || !story_evaluate(arena, variables, equals + 1, &value, error))
        return false;
    unsigned i = 0;
    while (i < variables->count &&
           (strlen(variables->items[i].name) != len || strncmp(variables->items[i].name, text, len) != 0))
        i++;
    variables->count += i == variables->count;
    variables->items[i] = (struct story_variable) { arena_printf(arena, "%.*s", (int)len, text), value };
    return true;
}
