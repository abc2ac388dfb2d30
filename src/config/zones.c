/* Kinds of options whose value is a list of small maps, each about one zone or one server. */
#include "config/option.h"
#include "time/rfc3339.h"
#include "transport/nts_handshake.h"
#include "transport/sntp.h"
#include "trust/nta.h"

enum { FIELDS_MAX = 7 };

/* Finds the fields of one map by their names; found[] is NULL for those that are not written. */
static enum err find_fields(struct loading *loading, const struct option *option, const struct node *map,
                            const char *const names[FIELDS_MAX], const struct node *found[FIELDS_MAX])
{
    memset(found, 0, FIELDS_MAX * sizeof(found[0]));
    if (map->kind != NODE_MAP)
        return config_refuse_node(loading, option, map);
    for (const struct node *node = map->first; node != NULL; node = node->next) {
        int i = 0;
        while (i < FIELDS_MAX && (names[i] == NULL || strcmp(names[i], node->key) != 0))
            i++;
        if (i == FIELDS_MAX)
            return config_refuse(loading, node->line, option->key, "unknown key %s, expected %s",
                                 text_describe(loading->arena, node->key), option->kind->what);
        if (found[i] != NULL)
            return config_refuse(loading, node->line, option->key, "%s is written twice", names[i]);
        found[i] = node;
    }
    return OK;
}

static enum err refuse_field(struct loading *loading, const struct option *option, const struct node *map,
                             const struct node *field, const char *name, const char *expected)
{
    const char *got = field == NULL ? "nothing" : node_describe(loading->arena, field);
    return config_refuse(loading, field == NULL ? map->line : field->line, option->key, "%s: expected %s, got %s", name,
                         expected, got);
}

static enum err read_zone(struct loading *loading, const struct option *option, const struct node *map,
                          const struct node *field, struct dname *zone)
{
    const char *text = field == NULL ? NULL : node_text(field);
    if (text == NULL || text[0] == '\0' || dname_from_text(text, zone) != OK)
        return refuse_field(loading, option, map, field, "zone", "a domain name");
    return OK;
}

static enum err read_reason(struct loading *loading, const struct option *option, const struct node *map,
                            const struct node *field, const char **reason)
{
    *reason = NULL;
    if (field == NULL)
        return OK;
    *reason = node_text(field);
    return *reason != NULL ? OK : refuse_field(loading, option, map, field, "reason", "a text");
}

static void print_zone(struct text *to, const struct dname *zone)
{
    char text[DNAME_TEXT_MAX];
    text_printf(to, "{ zone: ");
    print_yaml_text(to, dname_to_text(zone, text));
}

static void print_reason(struct text *to, const char *reason)
{
    if (reason != NULL) {
        text_printf(to, ", reason: ");
        print_yaml_text(to, reason);
    }
    text_printf(to, " }");
}

/* ---- forward and stub zones ---- */

static enum err read_server_names(struct loading *loading, const struct option *option, const struct node *map,
                                  const struct node *field, struct zone_rule *rule)
{
    if (field == NULL)
        return OK;
    struct dname *names = ARENA_ARRAY(loading->arena, RULE_NAMES_MAX, struct dname);
    rule->names = names;
    if (field->kind != NODE_LIST)
        return refuse_field(loading, option, map, field, "names", "a list of domain names");
    for (const struct node *item = field->first; item != NULL; item = item->next) {
        if (rule->name_count == RULE_NAMES_MAX)
            return config_refuse(loading, item->line, option->key, "names: more than %d names", RULE_NAMES_MAX);
        if (item->kind != NODE_TEXT || dname_from_text(item->text, &names[rule->name_count++]) != OK)
            return refuse_field(loading, option, map, item, "names", "a list of domain names");
    }
    return OK;
}

static enum err read_servers(struct loading *loading, const struct option *option, const struct node *map,
                             const struct node *to, struct zone_rule *rule)
{
    static const char expected[] = "a list of addresses such as 192.0.2.1 or \"2001:db8::1@53\"";
    if (to == NULL && rule->name_count > 0)
        return OK;
    if (to == NULL || to->kind != NODE_LIST || to->first == NULL)
        return refuse_field(loading, option, map, to, "to", expected);
    for (const struct node *item = to->first; item != NULL; item = item->next) {
        struct address address;
        if (rule->address_count == ADDRESSES_PER_NS_MAX)
            return config_refuse(loading, item->line, option->key, "to: more than %d addresses", ADDRESSES_PER_NS_MAX);
        if (item->kind != NODE_TEXT || address_from_text(item->text, 53, &address) != OK || address.port == 0)
            return refuse_field(loading, option, map, item, "to", expected);
        rule->addresses[rule->address_count++] = address;
    }
    return OK;
}

/* One of two words, the first of which need not be written; *is_second says which. */
static enum err read_word(struct loading *loading, const struct option *option, const struct node *map,
                          const struct node *field, const char *name, const char *const words[2], bool *is_second)
{
    const char *text = field == NULL ? words[0] : node_text(field);
    *is_second = text != NULL && strcmp(text, words[1]) == 0;
    if (*is_second || (text != NULL && strcmp(text, words[0]) == 0))
        return OK;
    const char *expected = arena_printf(loading->arena, "%s or %s", words[0], words[1]);
    return refuse_field(loading, option, map, field, name, expected);
}

static enum err read_rule(struct loading *loading, const struct option *option, const struct node *map,
                          enum zone_rule_kind only, enum zone_rule_kind first, struct zone_rule *rule)
{
    static const char *const names[FIELDS_MAX] = { "zone", "to", "mode", "transport", "cache", "names", "prime" };
    static const char *const modes[] = { "only", "first" }, *const transports[] = { "udp", "tcp" },
                             *const caches[] = { "true", "false" }, *const primes[] = { "false", "true" };
    const struct node *found[FIELDS_MAX];
    bool is_first = false;
    enum err err = find_fields(loading, option, map, names, found);
    if (err == OK)
        err = read_zone(loading, option, map, found[0], &rule->zone);
    if (err == OK)
        err = read_server_names(loading, option, map, found[5], rule);
    if (err == OK)
        err = read_servers(loading, option, map, found[1], rule);
    if (err == OK)
        err = read_word(loading, option, map, found[2], "mode", modes, &is_first);
    if (err == OK)
        err = read_word(loading, option, map, found[3], "transport", transports, &rule->tcp);
    if (err == OK)
        err = read_word(loading, option, map, found[4], "cache", caches, &rule->is_uncached);
    if (err == OK)
        err = read_word(loading, option, map, found[6], "prime", primes, &rule->primes);
    rule->kind = is_first ? first : only;
    if (err == OK && rule->primes && zone_rule_forwards(rule))
        return refuse_field(loading, option, map, found[6], "prime", "it for stub zones alone");
    return err;
}

static enum err forward_read(struct loading *loading, const struct option *option, const struct node *node, void *item)
{
    return read_rule(loading, option, node, ZONE_RULE_FORWARD_ONLY, ZONE_RULE_FORWARD_FIRST, item);
}

static enum err stub_read(struct loading *loading, const struct option *option, const struct node *node, void *item)
{
    return read_rule(loading, option, node, ZONE_RULE_STUB, ZONE_RULE_STUB_FIRST, item);
}

static void print_server_names(const struct zone_rule *rule, struct text *to)
{
    for (uint16_t i = 0; i < rule->name_count; i++) {
        char text[DNAME_TEXT_MAX];
        text_printf(to, i == 0 ? ", names: [" : ", ");
        print_yaml_text(to, dname_to_text(&rule->names[i], text));
    }
    text_printf(to, rule->name_count == 0 ? "" : "]");
}

static void rule_print(const void *item, struct text *to)
{
    const struct zone_rule *rule = item;
    print_zone(to, &rule->zone);
    text_printf(to, rule->address_count == 0 ? "" : ", to: [");
    for (uint16_t i = 0; i < rule->address_count; i++) {
        char text[ADDRESS_TEXT_MAX];
        text_printf(to, i == 0 ? "" : ", ");
        print_yaml_text(to, address_to_text(&rule->addresses[i], text));
    }
    text_printf(to, rule->address_count == 0 ? "" : "]");
    print_server_names(rule, to);
    text_printf(to, ", mode: %s%s%s%s }", zone_rule_is_first(rule) ? "first" : "only",
                rule->tcp ? ", transport: tcp" : "", rule->is_uncached ? ", cache: false" : "",
                rule->primes ? ", prime: true" : "");
}

const struct kind kind_forwards = {
    .read = list_read,
    .print = list_print,
    .what = "a list of { zone: example., to: [192.0.2.1@53], names: [], mode: only, transport: udp, cache: true } (or "
            "first, tcp, false)",
    .item_octets = sizeof(struct zone_rule),
    .item_read = forward_read,
    .item_print = rule_print,
};

const struct kind kind_stubs = {
    .read = list_read,
    .print = list_print,
    .what = "a list of { zone: example., to: [192.0.2.1@53], names: [], mode: only, transport: udp, cache: true, "
            "prime: false } (or first, tcp, false, true)",
    .item_octets = sizeof(struct zone_rule),
    .item_read = stub_read,
    .item_print = rule_print,
};

/* ---- local zones ---- */

static const char *const local_zone_types[] = {
    [LOCAL_TRANSPARENT] = "transparent",
    [LOCAL_STATIC] = "static",
    [LOCAL_REDIRECT] = "redirect",
    [LOCAL_REFUSE] = "refuse",
    [LOCAL_NXDOMAIN] = "nxdomain",
    [LOCAL_NODATA] = "nodata",
    [LOCAL_NULL] = "null",
    [LOCAL_TYPE_TRANSPARENT] = "type-transparent",
};

static enum err local_zone_read(struct loading *loading, const struct option *option, const struct node *node,
                                void *item)
{
    static const char *const names[FIELDS_MAX] = { "zone", "type" };
    const struct node *found[FIELDS_MAX];
    struct local_zone *zone = item;
    enum err err = find_fields(loading, option, node, names, found);
    if (err == OK)
        err = read_zone(loading, option, node, found[0], &zone->zone);
    if (err != OK)
        return err;
    const char *type = found[1] == NULL ? NULL : node_text(found[1]);
    for (size_t i = 0; type != NULL && i < ARRAY_LEN(local_zone_types); i++) {
        zone->kind = (enum local_zone_kind)i;
        if (strcmp(type, local_zone_types[i]) == 0)
            return OK;
    }
    return refuse_field(loading, option, node, found[1], "type",
                        "transparent, type-transparent, static, redirect, refuse, nxdomain, nodata or null");
}

static void local_zone_print(const void *item, struct text *to)
{
    const struct local_zone *zone = item;
    print_zone(to, &zone->zone);
    text_printf(to, ", type: %s }", local_zone_types[zone->kind]);
}

const struct kind kind_local_zones = {
    .read = list_read,
    .print = list_print,
    .what = "a list of { zone: lan., type: static } (or transparent, type-transparent, redirect, "
            "refuse, nxdomain, nodata, null)",
    .item_octets = sizeof(struct local_zone),
    .item_read = local_zone_read,
    .item_print = local_zone_print,
};

/* ---- what servers are told about us ---- */

static enum err client_string_read(struct loading *loading, const struct option *option, const struct node *node,
                                   void *item)
{
    static const char *const names[FIELDS_MAX] = { "to", "text" };
    const struct node *found[FIELDS_MAX];
    struct client_string *string = item;
    enum err err = find_fields(loading, option, node, names, found);
    if (err != OK)
        return err;
    const char *to = found[0] == NULL ? NULL : node_text(found[0]);
    if (to == NULL || prefix_from_text(to, &string->to) != OK)
        return refuse_field(loading, option, node, found[0], "to", "a network such as 192.0.2.0/24");
    string->text = found[1] == NULL ? NULL : node_text(found[1]);
    if (string->text == NULL || strlen(string->text) > CLIENT_STRING_OCTETS_MAX)
        return refuse_field(loading, option, node, found[1], "text", "a text of at most 255 octets");
    return OK;
}

static void client_string_print(const void *item, struct text *to)
{
    const struct client_string *string = item;
    char network[ADDRESS_TEXT_MAX];
    text_printf(to, "{ to: ");
    print_yaml_text(to, prefix_to_text(&string->to, network));
    text_printf(to, ", text: ");
    print_yaml_text(to, string->text);
    text_printf(to, " }");
}

const struct kind kind_client_strings = {
    .read = list_read,
    .print = list_print,
    .put = list_put,
    .what = "a list of { to: 192.0.2.0/24, text: \"...\" }",
    .item_octets = sizeof(struct client_string),
    .item_read = client_string_read,
    .item_print = client_string_print,
};

/* ---- exceptions from validation ---- */

/* RFC 7646 section 2.1: no longer than a week, which nta_merge() counts from when it was first seen. */
static void warn_of_length(const struct loading *loading, const struct option *option,
                           const struct line_negative *negative)
{
    char zone[DNAME_TEXT_MAX];
    if (negative->until_s > now_wall_s(loading->now) + NTA_S_MAX)
        config_warn(loading, negative->line, option->key, "%s is cut to seven days, counted from when it is first seen",
                    dname_to_text(&negative->zone, zone));
}

static enum err negative_read(struct loading *loading, const struct option *option, const struct node *node, void *item)
{
    static const char *const names[FIELDS_MAX] = { "zone", "until", "reason" };
    const struct node *found[FIELDS_MAX];
    struct line_negative *negative = item;
    negative->line = node->line;
    enum err err = find_fields(loading, option, node, names, found);
    if (err == OK)
        err = read_zone(loading, option, node, found[0], &negative->zone);
    if (err == OK)
        err = read_reason(loading, option, node, found[2], &negative->reason);
    if (err != OK)
        return err;
    const char *until = found[1] == NULL ? NULL : node_text(found[1]);
    if (until == NULL || rfc3339_from_text(until, &negative->until_s) != OK)
        return refuse_field(loading, option, node, found[1], "until", "a time such as 2026-12-01T00:00:00Z");
    if (dname_is_root(&negative->zone))
        return config_refuse(loading, node->line, option->key,
                             "zone: expected a zone below the root: without the root nothing would be validated");
    warn_of_length(loading, option, negative);
    return OK;
}

static void negative_print(const void *item, struct text *to)
{
    const struct line_negative *negative = item;
    char until[RFC3339_TEXT_MAX];
    print_zone(to, &negative->zone);
    text_printf(to, ", until: ");
    print_yaml_text(to, rfc3339_to_text(negative->until_s, until));
    print_reason(to, negative->reason);
}

const struct kind kind_negatives = {
    .read = list_read,
    .print = list_print,
    .what = "a list of { zone: example., until: 2026-12-01T00:00:00Z, reason: \"...\" }",
    .item_octets = sizeof(struct line_negative),
    .item_read = negative_read,
    .item_print = negative_print,
};

static enum err insecure_read(struct loading *loading, const struct option *option, const struct node *node, void *item)
{
    static const char *const names[FIELDS_MAX] = { "zone", "reason" };
    const struct node *found[FIELDS_MAX];
    struct line_insecure *insecure = item;
    insecure->line = node->line;
    enum err err = find_fields(loading, option, node, names, found);
    if (err == OK)
        err = read_zone(loading, option, node, found[0], &insecure->zone);
    return err != OK ? err : read_reason(loading, option, node, found[1], &insecure->reason);
}

static void insecure_print(const void *item, struct text *to)
{
    const struct line_insecure *insecure = item;
    print_zone(to, &insecure->zone);
    print_reason(to, insecure->reason);
}

const struct kind kind_insecures = {
    .read = list_read,
    .print = list_print,
    .what = "a list of { zone: corp.example., reason: \"...\" }",
    .item_octets = sizeof(struct line_insecure),
    .item_read = insecure_read,
    .item_print = insecure_print,
};

/* ---- time servers ---- */

static enum err read_time_address(struct loading *loading, const struct option *option, const struct node *map,
                                  const struct node *field, struct address *address)
{
    const char *text = field == NULL ? NULL : node_text(field);
    if (text == NULL || address_from_text(text, NTS_KE_PORT, address) != OK || address->port == 0)
        return refuse_field(loading, option, map, field, "address", "an address such as 192.0.2.1");
    return OK;
}

/* As certificates and TLS have it: RFC 6066 section 3, no final dot. */
static enum err read_nts_name(struct loading *loading, const struct option *option, const struct node *map,
                              const struct node *field, const char **name)
{
    struct dname dname;
    char text[DNAME_TEXT_MAX];
    const char *written = field == NULL ? NULL : node_text(field);
    if (written == NULL || dname_from_text(written, &dname) != OK || dname_is_root(&dname) ||
        strchr(dname_to_text(&dname, text), '\\') != NULL)
        return refuse_field(loading, option, map, field, "nts", "the name in the server's certificate");
    text[strlen(text) - 1] = '\0';
    *name = arena_strdup(loading->arena, text);
    return OK;
}

static enum err time_server_read(struct loading *loading, const struct option *option, const struct node *node,
                                 void *item)
{
    static const char *const names[FIELDS_MAX] = { "address", "nts" };
    const struct node *found[FIELDS_MAX];
    struct time_server *server = item;
    server->nts = NULL;
    if (node->kind == NODE_TEXT && address_from_text(node->text, SNTP_PORT, &server->address) == OK &&
        server->address.port != 0)
        return OK;
    enum err err = find_fields(loading, option, node, names, found);
    if (err == OK)
        err = read_time_address(loading, option, node, found[0], &server->address);
    return err != OK ? err : read_nts_name(loading, option, node, found[1], &server->nts);
}

static void time_server_print(const void *item, struct text *to)
{
    const struct time_server *server = item;
    char text[ADDRESS_TEXT_MAX];
    address_to_text(&server->address, text);
    if (server->nts == NULL) {
        print_yaml_text(to, text);
        return;
    }
    text_printf(to, "{ address: ");
    print_yaml_text(to, text);
    text_printf(to, ", nts: ");
    print_yaml_text(to, server->nts);
    text_printf(to, " }");
}

const struct kind kind_time_servers = {
    .read = list_read,
    .print = list_print,
    .put = list_put,
    .what = "a list of addresses such as 192.0.2.1 or \"2001:db8::1@123\", or of { address: 192.0.2.1, nts: "
            "time.example }",
    .item_octets = sizeof(struct time_server),
    .item_read = time_server_read,
    .item_print = time_server_print,
};
