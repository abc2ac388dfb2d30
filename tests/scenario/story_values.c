#include "tests/scenario/story_words.h"

#include <stdlib.h>
#include <strings.h>

bool story_fail(struct mapping *m, const char *expected, const char *value)
{
    m->error = arena_printf(m->arena, "expected %s, got \"%s\"", expected, value);
    return false;
}

bool is_no(const char *value)
{
    return *value == '\0' || strcasecmp(value, "no") == 0 || strcasecmp(value, "off") == 0 || strcmp(value, "0") == 0;
}

bool parse_switch(struct mapping *m, const char *value, bool *on)
{
    *on = strcasecmp(value, "yes") == 0 || strcasecmp(value, "on") == 0;
    return *on || is_no(value) || story_fail(m, "yes or no", value);
}

bool parse_number(struct mapping *m, const char *value, uint32_t *number)
{
    char *end;
    unsigned long parsed = strtoul(value, &end, 10);
    *number = (uint32_t)parsed;
    return (*value != '\0' && *end == '\0' && parsed <= UINT32_MAX) || story_fail(m, "a number", value);
}

bool parse_short(struct mapping *m, const char *value, uint16_t *number)
{
    uint32_t parsed;
    if (!parse_number(m, value, &parsed) || parsed > UINT16_MAX)
        return story_fail(m, "a number of 16 bits", value);
    *number = (uint16_t)parsed;
    return true;
}

bool parse_name(struct mapping *m, const char *value, struct dname *name)
{
    return dname_from_text(value, name) == OK || story_fail(m, "a name", value);
}

bool add_prefix(struct mapping *m, struct prefix *list, uint16_t *count, const char *text)
{
    if (*count == STORY_LIST_MAX)
        return story_fail(m, "fewer prefixes", text);
    return prefix_from_text(text, &list[(*count)++]) == OK || story_fail(m, "an address or prefix", text);
}
