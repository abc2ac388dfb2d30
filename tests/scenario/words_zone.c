/* Sections, and words about zones that are asked for elsewhere, or answered here. */
#include "message/text.h"
#include "tests/scenario/story_words.h"

/* ---- stub and forward zones ---- */

static struct zone_rule *add_rule(struct mapping *m, enum zone_rule_kind kind)
{
    struct resolver_options *resolver = &m->config.resolver;
    if (resolver->zone_rule_count == ZONE_RULES_MAX)
        return NULL;
    struct zone_rule *rule = &resolver->zone_rules[resolver->zone_rule_count++];
    *rule = (struct zone_rule) { .zone = *dname_root(), .kind = kind };
    return rule;
}

static bool open_section(struct mapping *m, enum zone_rule_kind kind)
{
    m->rule = add_rule(m, kind);
    return m->rule != NULL || story_fail(m, "fewer zones", "");
}

static bool begin_server(struct mapping *m, const char *value)
{
    (void)value;
    m->rule = NULL;
    return true;
}

static bool begin_stub(struct mapping *m, const char *value)
{
    (void)value;
    return open_section(m, ZONE_RULE_STUB);
}

static bool begin_forward(struct mapping *m, const char *value)
{
    (void)value;
    return open_section(m, ZONE_RULE_FORWARD_ONLY);
}

static bool set_zone_name(struct mapping *m, const char *value)
{
    return (m->rule != NULL || story_fail(m, "a zone around it", value)) && parse_name(m, value, &m->rule->zone);
}

/* Deckard's flat configuration names no zone: it means the root. */
static bool add_zone_address(struct mapping *m, const char *value, enum zone_rule_kind kind)
{
    if (m->rule == NULL && !open_section(m, kind))
        return false;
    if (m->rule->address_count == ADDRESSES_PER_NS_MAX)
        return story_fail(m, "fewer addresses", value);
    return address_from_text(value, 53, &m->rule->addresses[m->rule->address_count++]) == OK ||
           story_fail(m, "an address", value);
}

static bool add_stub_address(struct mapping *m, const char *value)
{
    return add_zone_address(m, value, ZONE_RULE_STUB);
}

static bool add_forward_address(struct mapping *m, const char *value)
{
    return add_zone_address(m, value, ZONE_RULE_FORWARD_ONLY);
}

static bool add_zone_server(struct mapping *m, const char *value)
{
    if (m->rule == NULL || m->rule->name_count == RULE_NAMES_MAX)
        return story_fail(m, "a zone around it, and fewer names", value);
    struct dname *names = ARENA_ARRAY(m->arena, RULE_NAMES_MAX, struct dname);
    for (uint16_t i = 0; i < m->rule->name_count; i++)
        names[i] = m->rule->names[i];
    m->rule->names = names;
    return parse_name(m, value, &names[m->rule->name_count++]);
}

static bool set_uncached(struct mapping *m, const char *value)
{
    return m->rule == NULL ? story_fail(m, "a zone around it", value) : parse_switch(m, value, &m->rule->is_uncached);
}

static bool set_forward_first(struct mapping *m, const char *value)
{
    bool first;
    if (m->rule == NULL || !parse_switch(m, value, &first))
        return story_fail(m, "yes or no in a forward-zone", value);
    m->rule->kind = first ? ZONE_RULE_FORWARD_FIRST : ZONE_RULE_FORWARD_ONLY;
    return true;
}

static bool set_stub_first(struct mapping *m, const char *value)
{
    bool first;
    if (m->rule == NULL || !parse_switch(m, value, &first))
        return story_fail(m, "yes or no in a stub-zone", value);
    m->rule->kind = first ? ZONE_RULE_STUB_FIRST : ZONE_RULE_STUB;
    return true;
}

static bool set_stub_prime(struct mapping *m, const char *value)
{
    return m->rule == NULL ? story_fail(m, "a stub-zone around it", value) : parse_switch(m, value, &m->rule->primes);
}

static bool set_zone_tcp(struct mapping *m, const char *value)
{
    if (m->rule == NULL)
        return story_fail(m, "a zone around it", value);
    return parse_switch(m, value, &m->rule->tcp);
}

/* ---- local data ---- */

/* The words of both programs for the same; what is not here, ours has not. */
static bool add_local_zone(struct mapping *m, const char *value)
{
    static const struct {
        const char *type;
        enum local_zone_kind kind;
    } kinds[] = {
        { "nodefault", LOCAL_TRANSPARENT },
        { "transparent", LOCAL_TRANSPARENT },
        { "inform", LOCAL_TRANSPARENT },
        { "always_transparent", LOCAL_TRANSPARENT },
        { "static", LOCAL_STATIC },
        { "redirect", LOCAL_REDIRECT },
        { "inform_redirect", LOCAL_REDIRECT },
        { "refuse", LOCAL_REFUSE },
        { "always_refuse", LOCAL_REFUSE },
        { "always_nxdomain", LOCAL_NXDOMAIN },
        { "always_nodata", LOCAL_NODATA },
        { "always_null", LOCAL_NULL },
        { "typetransparent", LOCAL_TYPE_TRANSPARENT },
    };
    const char *type = value + strcspn(value, " ");
    struct local_data *data = &m->config.local;
    type += strspn(type, " ");
    if (data->zone_count == ZONE_RULES_MAX)
        return story_fail(m, "fewer zones", value);
    struct local_zone *zone = &data->zones[data->zone_count];
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        if (strcmp(type, kinds[i].type) != 0)
            continue;
        zone->kind = kinds[i].kind;
        data->zone_count++;
        return parse_name(m, arena_printf(m->arena, "%.*s", (int)strcspn(value, " "), value), &zone->zone);
    }
    m->config.needs = "local zones of another kind";
    return true;
}

static bool add_local_data(struct mapping *m, const char *value)
{
    const char *error;
    if (m->config.local.set_count == STORY_LIST_MAX)
        return story_fail(m, "fewer records", value);
    return local_data_add(m->arena, &m->config.local, value, &error) == OK || story_fail(m, error, value);
}

/* "192.0.2.1 3600 name." */
static bool add_local_pointer(struct mapping *m, const char *value)
{
    struct address address;
    size_t len = strcspn(value, " ");
    if (address_from_text(arena_printf(m->arena, "%.*s", (int)len, value), 53, &address) != OK)
        return story_fail(m, "an address and a name", value);
    struct text text = text_new(m->arena);
    for (int i = address.family == 4 ? 3 : 15; i >= 0; i--) {
        unsigned octet = address.octets[i];
        if (address.family == 4)
            text_printf(&text, "%u.", octet);
        else
            text_printf(&text, "%x.%x.", octet & 15, octet >> 4);
    }
    const char *rest = value + len + strspn(value + len, " ");
    size_t ttl = strspn(rest, "0123456789"); /* stands before the name, as it would before a type */
    text_printf(&text, "%s. %.*s PTR %s", address.family == 4 ? "in-addr.arpa" : "ip6.arpa",
                rest[ttl] == ' ' ? (int)ttl : 0, rest, rest[ttl] == ' ' ? rest + ttl : rest);
    return add_local_data(m, text.data);
}

/* ---- the table ---- */

static const struct word words[] = {
    { "server", .apply = begin_server },
    { "stub-zone", .apply = begin_stub },
    { "forward-zone", .apply = begin_forward },
    { "name", .apply = set_zone_name },
    { "stub-addr", .apply = add_stub_address },
    { "forward-addr", .apply = add_forward_address },
    { "stub-host", .apply = add_zone_server },
    { "forward-host", .apply = add_zone_server },
    { "stub-name", .why = "the name of the root server; its address counts" },
    { "stub-prime", .apply = set_stub_prime },
    { "stub-first", .apply = set_stub_first },
    { "forward-first", .apply = set_forward_first },
    { "stub-tcp-upstream", .apply = set_zone_tcp },
    { "forward-tcp-upstream", .apply = set_zone_tcp },
    { "stub-no-cache", .apply = set_uncached },
    { "forward-no-cache", .apply = set_uncached },

    { "local-zone", .apply = add_local_zone },
    { "local-data", .apply = add_local_data },
    { "local-data-ptr", .apply = add_local_pointer },
};

const struct word_list zone_words = { words, ARRAY_LEN(words) };
