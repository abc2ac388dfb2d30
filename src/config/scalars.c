/* Kinds of options whose value is one text: truth, numbers, durations, sizes, choices, names of things. */
#include <inttypes.h>

#include "config/option.h"
#include "message/pref64.h"
#include "time/rfc3339.h"

const char *node_text(const struct node *node)
{
    return node->kind == NODE_TEXT ? node->text : NULL;
}

static void number_put(const struct option *option, const struct value *value, struct config *config)
{
    uint64_t number = (uint64_t)(option->unit == 0 ? value->number : value->number / option->unit);
    uint8_t *place = (uint8_t *)config + option->at;
    switch (option->octets) {
    case 1:
        *place = (uint8_t)number;
        break;
    case 2:
        *(uint16_t *)place = (uint16_t)number;
        break;
    case 4:
        *(uint32_t *)place = (uint32_t)number;
        break;
    case 8:
        *(uint64_t *)place = number;
        break;
    }
}

/* ---- truth ---- */

static enum err truth_read(struct loading *loading, const struct option *option, const struct node *node,
                           struct value *value)
{
    const char *text = node_text(node);
    if (text == NULL || (strcmp(text, "true") != 0 && strcmp(text, "false") != 0))
        return config_refuse_node(loading, option, node);
    value->number = text[0] == 't';
    return OK;
}

static void truth_print(const struct option *option, const struct value *value, struct text *to)
{
    (void)option;
    text_printf(to, "%s", value->number != 0 ? "true" : "false");
}

const struct kind kind_truth = {
    .read = truth_read,
    .print = truth_print,
    .put = number_put,
    .what = "true or false",
};

/* ---- numbers ---- */

/* Decimal digits at the start of text; *rest is what follows.  false: no digit, or above INT64_MAX. */
static bool digits_from_text(const char *text, int64_t *number, const char **rest)
{
    *number = 0;
    for (*rest = text; **rest >= '0' && **rest <= '9'; (*rest)++) {
        if (__builtin_mul_overflow(*number, 10, number) || __builtin_add_overflow(*number, **rest - '0', number))
            return false;
    }
    return *rest != text;
}

static bool is_in_range(const struct option *option, int64_t number)
{
    bool is_whole = option->unit == 0 || number % option->unit == 0;
    return is_whole && number >= option->min && number <= option->max;
}

static enum err number_read(struct loading *loading, const struct option *option, const struct node *node,
                            struct value *value)
{
    const char *text = node_text(node), *rest;
    if (text == NULL || !digits_from_text(text, &value->number, &rest) || *rest != '\0' ||
        !is_in_range(option, value->number))
        return config_refuse_node(loading, option, node);
    return OK;
}

static void number_print(const struct option *option, const struct value *value, struct text *to)
{
    (void)option;
    text_printf(to, "%" PRId64, value->number);
}

static const char *number_expected(struct arena *arena, const struct option *option)
{
    return arena_printf(arena, "a number from %" PRId64 " to %" PRId64, option->min, option->max);
}

const struct kind kind_number = {
    .read = number_read,
    .print = number_print,
    .put = number_put,
    .expected = number_expected,
};

/* ---- numbers with a unit ---- */

struct unit {
    const char *name;
    int64_t factor;
};

/* Ascending, the last one without a name.  Numbers are multiples of the first. */
static const struct unit durations[] = {
    { "ms", 1 }, { "s", 1000 }, { "m", 60 * 1000 }, { "h", 3600 * 1000 }, { "d", 24 * 3600 * 1000 }, { NULL, 0 },
};
static const struct unit sizes[] = {
    { "KiB", INT64_C(1) << 10 },
    { "MiB", INT64_C(1) << 20 },
    { "GiB", INT64_C(1) << 30 },
    { NULL, 0 },
};

static bool quantity_from_text(const char *text, const struct unit *unit, int64_t *number)
{
    const char *rest;
    if (!digits_from_text(text, number, &rest))
        return false;
    while (unit->name != NULL && strcmp(rest, unit->name) != 0)
        unit++;
    return unit->name != NULL && !__builtin_mul_overflow(*number, unit->factor, number);
}

bool duration_from_text(const char *text, int64_t *ms)
{
    return quantity_from_text(text, durations, ms);
}

/* In the largest unit that divides it; all divide 0, which is told in seconds. */
static void print_quantity(const struct unit *units, int64_t number, struct text *to)
{
    const struct unit *largest = number == 0 ? &units[1] : units;
    for (const struct unit *unit = units; number != 0 && unit->name != NULL; unit++) {
        if (number % unit->factor == 0)
            largest = unit;
    }
    text_printf(to, "%" PRId64 "%s", number / largest->factor, largest->name);
}

static const char *expect_quantity(struct arena *arena, const struct option *option, const char *what,
                                   const struct unit *units)
{
    struct text expected = text_new(arena);
    text_printf(&expected, "%s, from ", what);
    print_quantity(units, option->min, &expected);
    text_printf(&expected, " to ");
    print_quantity(units, option->max, &expected);
    return expected.data;
}

static enum err duration_read(struct loading *loading, const struct option *option, const struct node *node,
                              struct value *value)
{
    const char *text = node_text(node);
    bool is_good = text != NULL && duration_from_text(text, &value->number) && is_in_range(option, value->number);
    return is_good ? OK : config_refuse_node(loading, option, node);
}

static void duration_print(const struct option *option, const struct value *value, struct text *to)
{
    (void)option;
    print_quantity(durations, value->number, to);
}

static const char *duration_expected(struct arena *arena, const struct option *option)
{
    const char *what =
        option->unit == 0 ? "a duration such as 1800ms, 30s or 5m" : "a duration such as 30s, 5m, 3h or 1d";
    return expect_quantity(arena, option, what, durations);
}

const struct kind kind_duration = {
    .read = duration_read,
    .print = duration_print,
    .put = number_put,
    .expected = duration_expected,
};

static enum err size_read(struct loading *loading, const struct option *option, const struct node *node,
                          struct value *value)
{
    const char *text = node_text(node);
    bool is_good =
        text != NULL && quantity_from_text(text, sizes, &value->number) && is_in_range(option, value->number);
    return is_good ? OK : config_refuse_node(loading, option, node);
}

static void size_print(const struct option *option, const struct value *value, struct text *to)
{
    (void)option;
    print_quantity(sizes, value->number, to);
}

static const char *size_expected(struct arena *arena, const struct option *option)
{
    return expect_quantity(arena, option, "a size such as 512KiB, 256MiB or 2GiB", sizes);
}

const struct kind kind_size = {
    .read = size_read,
    .print = size_print,
    .put = number_put,
    .expected = size_expected,
};

/* ---- choices ---- */

static enum err choice_read(struct loading *loading, const struct option *option, const struct node *node,
                            struct value *value)
{
    const char *text = node_text(node);
    for (int i = 0; text != NULL && option->words[i] != NULL; i++) {
        if (strcmp(text, option->words[i]) == 0) {
            value->number = i;
            return OK;
        }
    }
    return config_refuse_node(loading, option, node);
}

static void choice_print(const struct option *option, const struct value *value, struct text *to)
{
    text_printf(to, "%s", option->words[value->number]);
}

static const char *choice_expected(struct arena *arena, const struct option *option)
{
    struct text expected = text_new(arena);
    for (int i = 0; option->words[i] != NULL; i++) {
        const char *between = i == 0 ? "" : option->words[i + 1] == NULL ? " or " : ", ";
        text_printf(&expected, "%s%s", between, option->words[i]);
    }
    return expected.data;
}

const struct kind kind_choice = {
    .read = choice_read,
    .print = choice_print,
    .put = number_put,
    .expected = choice_expected,
};

/* ---- texts ---- */

static enum err text_read(struct loading *loading, const struct option *option, const struct node *node,
                          struct value *value)
{
    value->text = node_text(node);
    bool is_good = value->text != NULL && value->text[0] != '\0' && strlen(value->text) <= (size_t)option->max;
    return is_good ? OK : config_refuse_node(loading, option, node);
}

static void text_print(const struct option *option, const struct value *value, struct text *to)
{
    (void)option;
    print_yaml_text(to, value->text);
}

static void text_put(const struct option *option, const struct value *value, struct config *config)
{
    *(const char **)((uint8_t *)config + option->at) = value->text;
}

static const char *text_expected(struct arena *arena, const struct option *option)
{
    return arena_printf(arena, "a text of at most %" PRId64 " octets", option->max);
}

const struct kind kind_text = {
    .read = text_read,
    .print = text_print,
    .put = text_put,
    .expected = text_expected,
};

static enum err path_read(struct loading *loading, const struct option *option, const struct node *node,
                          struct value *value)
{
    enum err err = text_read(loading, option, node, value);
    return err == OK && value->text[0] != '/' ? config_refuse_node(loading, option, node) : err;
}

static const char *path_expected(struct arena *arena, const struct option *option)
{
    return arena_printf(arena, "an absolute path of at most %" PRId64 " octets", option->max);
}

const struct kind kind_path = {
    .read = path_read,
    .print = text_print,
    .put = text_put,
    .expected = path_expected,
};

/* ---- the floor of the clock ---- */

static enum err floor_read(struct loading *loading, const struct option *option, const struct node *node,
                           struct value *value)
{
    static const char *const words[] = { "stored", "build" };
    value->text = node_text(node);
    for (size_t i = 0; value->text != NULL && i < ARRAY_LEN(words); i++) {
        if (strcmp(value->text, words[i]) == 0)
            return OK;
    }
    if (value->text == NULL || rfc3339_from_text(value->text, &value->number) != OK)
        return config_refuse_node(loading, option, node);
    return OK;
}

const struct kind kind_floor = {
    .read = floor_read,
    .print = text_print,
    .what = "stored, build, a time such as 2026-12-01T00:00:00Z",
};

/* ---- the prefix of a NAT64 ---- */

static enum err pref64_read(struct loading *loading, const struct option *option, const struct node *node,
                            struct value *value)
{
    struct prefix prefix;
    value->text = node_text(node);
    bool is_good = value->text != NULL && pref64_from_text(value->text, &prefix) == OK;
    return is_good ? OK : config_refuse_node(loading, option, node);
}

const struct kind kind_pref64 = {
    .read = pref64_read,
    .print = text_print,
    .what = "an IPv6 prefix of 32, 40, 48, 56, 64 or 96 bits such as \"64:ff9b::/96\"",
};

/* ---- features to come ---- */

static enum err later_group_read(struct loading *loading, const struct option *option, const struct node *node,
                                 struct value *value)
{
    value->number = node->first != NULL;
    return node->kind == NODE_MAP ? OK : config_refuse_node(loading, option, node);
}

static void later_group_print(const struct option *option, const struct value *value, struct text *to)
{
    (void)option;
    text_printf(to, value->number == 0 ? "{}" : "{...}");
}

const struct kind kind_later_group = {
    .read = later_group_read,
    .print = later_group_print,
    .what = "a group of keys",
};
