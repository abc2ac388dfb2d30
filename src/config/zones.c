/* Kinds of options whose value is a list of small maps, each about one zone or one server. */
#include "config/option.h"
#include "time/rfc3339.h"
#include "transport/nts_handshake.h"
#include "transport/sntp.h"
#include "trust/nta.h"

/* One map of the list. */
struct fields {
    struct loading *loading;
    const struct option *option;
    const struct node *map;
};

/* NULL: it is not written. */
static const struct node *field_of(const struct fields *fields, const char *name)
{
    const struct node *node = fields->map->first;
    while (node != NULL && strcmp(node->key, name) != 0)
        node = node->next;
    return node;
}

/* NULL: it is not written, or not as a text. */
static const char *field_text(const struct fields *fields, const char *name)
{
    const struct node *field = field_of(fields, name);
    return field == NULL ? NULL : node_text(field);
}

static bool is_one_of(const char *name, const char *const *names)
{
    while (*names != NULL && strcmp(*names, name) != 0)
        names++;
    return *names != NULL;
}

/* Each field has one of these names, which NULL ends, and stands there once. */
static enum err check_fields(const struct fields *fields, const char *const *names)
{
    if (fields->map->kind != NODE_MAP)
        return config_refuse_node(fields->loading, fields->option, fields->map);
    for (const struct node *node = fields->map->first; node != NULL; node = node->next) {
        if (!is_one_of(node->key, names))
            return config_refuse(fields->loading, node->line, fields->option->key, "unknown key %s, expected %s",
                                 text_describe(fields->loading->arena, node->key), fields->option->kind->what);
        if (field_of(fields, node->key) != node)
            return config_refuse(fields->loading, node->line, fields->option->key, "%s is written twice", node->key);
    }
    return OK;
}

/* By this value of the field, or of one of its items; NULL: it is not written. */
static enum err refuse_value(const struct fields *fields, const char *name, const struct node *value,
                             const char *expected)
{
    const char *got = value == NULL ? "nothing" : node_describe(fields->loading->arena, value);
    return config_refuse(fields->loading, value == NULL ? fields->map->line : value->line, fields->option->key,
                         "%s: expected %s, got %s", name, expected, got);
}

static enum err refuse_field(const struct fields *fields, const char *name, const char *expected)
{
    return refuse_value(fields, name, field_of(fields, name), expected);
}

static enum err read_zone(const struct fields *fields, struct dname *zone)
{
    const char *text = field_text(fields, "zone");
    if (text == NULL || text[0] == '\0' || dname_from_text(text, zone) != OK)
        return refuse_field(fields, "zone", "a domain name");
    return OK;
}

static enum err read_reason(const struct fields *fields, const char **reason)
{
    *reason = field_text(fields, "reason");
    return *reason != NULL || field_of(fields, "reason") == NULL ? OK : refuse_field(fields, "reason", "a text");
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

static enum err read_server_names(const struct fields *fields, struct zone_rule *rule)
{
    static const char expected[] = "a list of domain names";
    const struct node *field = field_of(fields, "names");
    if (field == NULL)
        return OK;
    struct dname *names = ARENA_ARRAY(fields->loading->arena, RULE_NAMES_MAX, struct dname);
    rule->names = names;
    if (field->kind != NODE_LIST)
        return refuse_field(fields, "names", expected);
    for (const struct node *item = field->first; item != NULL; item = item->next) {
        if (rule->name_count == RULE_NAMES_MAX)
            return config_refuse(fields->loading, item->line, fields->option->key, "names: more than %d names",
                                 RULE_NAMES_MAX);
        if (item->kind != NODE_TEXT || dname_from_text(item->text, &names[rule->name_count++]) != OK)
            return refuse_value(fields, "names", item, expected);
    }
    return OK;
}

static enum err read_servers(const struct fields *fields, struct zone_rule *rule)
{
    static const char expected[] = "a list of addresses such as 192.0.2.1 or \"2001:db8::1@53\"";
    const struct node *to = field_of(fields, "to");
    if (to == NULL && rule->name_count > 0)
        return OK;
    if (to == NULL || to->kind != NODE_LIST || to->first == NULL)
        return refuse_field(fields, "to", expected);
    for (const struct node *item = to->first; item != NULL; item = item->next) {
        struct address address;
        if (rule->address_count == ADDRESSES_PER_NS_MAX)
            return config_refuse(fields->loading, item->line, fields->option->key, "to: more than %d addresses",
                                 ADDRESSES_PER_NS_MAX);
        if (item->kind != NODE_TEXT || address_from_text(item->text, 53, &address) != OK || address.port == 0)
            return refuse_value(fields, "to", item, expected);
        rule->addresses[rule->address_count++] = address;
    }
    return OK;
}

/* One of two words, the first of which need not be written; *is_second says which. */
static enum err read_word(const struct fields *fields, const char *name, const char *const words[2], bool *is_second)
{
    const char *text = field_of(fields, name) == NULL ? words[0] : field_text(fields, name);
    *is_second = text != NULL && strcmp(text, words[1]) == 0;
    if (*is_second || (text != NULL && strcmp(text, words[0]) == 0))
        return OK;
    return refuse_field(fields, name, arena_printf(fields->loading->arena, "%s or %s", words[0], words[1]));
}

/* All but its kind; *is_first: other servers are asked when these fail. */
static enum err read_rule(const struct fields *fields, struct zone_rule *rule, bool *is_first)
{
    static const char *const names[] = { "zone", "to", "mode", "transport", "cache", "names", "prime", NULL };
    static const char *const modes[] = { "only", "first" }, *const transports[] = { "udp", "tcp" },
                             *const caches[] = { "true", "false" }, *const primes[] = { "false", "true" };
    enum err err = check_fields(fields, names);
    if (err == OK)
        err = read_zone(fields, &rule->zone);
    if (err == OK)
        err = read_server_names(fields, rule);
    if (err == OK)
        err = read_servers(fields, rule);
    if (err == OK)
        err = read_word(fields, "mode", modes, is_first);
    if (err == OK)
        err = read_word(fields, "transport", transports, &rule->tcp);
    if (err == OK)
        err = read_word(fields, "cache", caches, &rule->is_uncached);
    if (err == OK)
        err = read_word(fields, "prime", primes, &rule->primes);
    return err;
}

static enum err forward_read(struct loading *loading, const struct option *option, const struct node *node, void *item)
{
    const struct fields fields = { loading, option, node };
    struct zone_rule *rule = item;
    bool is_first = false;
    enum err err = read_rule(&fields, rule, &is_first);
    rule->kind = is_first ? ZONE_RULE_FORWARD_FIRST : ZONE_RULE_FORWARD_ONLY;
    if (err == OK && rule->primes)
        return refuse_field(&fields, "prime", "it for stub zones alone");
    return err;
}

static enum err stub_read(struct loading *loading, const struct option *option, const struct node *node, void *item)
{
    const struct fields fields = { loading, option, node };
    struct zone_rule *rule = item;
    bool is_first = false;
    enum err err = read_rule(&fields, rule, &is_first);
    rule->kind = is_first ? ZONE_RULE_STUB_FIRST : ZONE_RULE_STUB;
    return err;
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
    static const char *const names[] = { "zone", "type", NULL };
    const struct fields fields = { loading, option, node };
    struct local_zone *zone = item;
    enum err err = check_fields(&fields, names);
    if (err == OK)
        err = read_zone(&fields, &zone->zone);
    if (err != OK)
        return err;
    const char *type = field_text(&fields, "type");
    for (size_t i = 0; type != NULL && i < ARRAY_LEN(local_zone_types); i++) {
        zone->kind = (enum local_zone_kind)i;
        if (strcmp(type, local_zone_types[i]) == 0)
            return OK;
    }
    return refuse_field(&fields, "type",
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
    static const char *const names[] = { "to", "text", NULL };
    const struct fields fields = { loading, option, node };
    struct client_string *string = item;
    enum err err = check_fields(&fields, names);
    if (err != OK)
        return err;
    const char *to = field_text(&fields, "to");
    if (to == NULL || prefix_from_text(to, &string->to) != OK)
        return refuse_field(&fields, "to", "a network such as 192.0.2.0/24");
    string->text = field_text(&fields, "text");
    if (string->text == NULL || strlen(string->text) > CLIENT_STRING_OCTETS_MAX)
        return refuse_field(&fields, "text", "a text of at most 255 octets");
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
    static const char *const names[] = { "zone", "until", "reason", NULL };
    const struct fields fields = { loading, option, node };
    struct line_negative *negative = item;
    negative->line = node->line;
    enum err err = check_fields(&fields, names);
    if (err == OK)
        err = read_zone(&fields, &negative->zone);
    if (err == OK)
        err = read_reason(&fields, &negative->reason);
    if (err != OK)
        return err;
    const char *until = field_text(&fields, "until");
    if (until == NULL || rfc3339_from_text(until, &negative->until_s) != OK)
        return refuse_field(&fields, "until", "a time such as 2026-12-01T00:00:00Z");
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
    static const char *const names[] = { "zone", "reason", NULL };
    const struct fields fields = { loading, option, node };
    struct line_insecure *insecure = item;
    insecure->line = node->line;
    enum err err = check_fields(&fields, names);
    if (err == OK)
        err = read_zone(&fields, &insecure->zone);
    return err != OK ? err : read_reason(&fields, &insecure->reason);
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

static enum err read_time_address(const struct fields *fields, struct address *address)
{
    const char *text = field_text(fields, "address");
    if (text == NULL || address_from_text(text, NTS_KE_PORT, address) != OK || address->port == 0)
        return refuse_field(fields, "address", "an address such as 192.0.2.1");
    return OK;
}

/* As certificates and TLS have it: RFC 6066 section 3, no final dot. */
static enum err read_nts_name(const struct fields *fields, const char **name)
{
    struct dname dname;
    char text[DNAME_TEXT_MAX];
    const char *written = field_text(fields, "nts");
    if (written == NULL || dname_from_text(written, &dname) != OK || dname_is_root(&dname) ||
        strchr(dname_to_text(&dname, text), '\\') != NULL)
        return refuse_field(fields, "nts", "the name in the server's certificate");
    text[strlen(text) - 1] = '\0';
    *name = arena_strdup(fields->loading->arena, text);
    return OK;
}

static enum err time_server_read(struct loading *loading, const struct option *option, const struct node *node,
                                 void *item)
{
    static const char *const names[] = { "address", "nts", NULL };
    const struct fields fields = { loading, option, node };
    struct time_server *server = item;
    server->nts = NULL;
    if (node->kind == NODE_TEXT && address_from_text(node->text, SNTP_PORT, &server->address) == OK &&
        server->address.port != 0)
        return OK;
    enum err err = check_fields(&fields, names);
    if (err == OK)
        err = read_time_address(&fields, &server->address);
    return err != OK ? err : read_nts_name(&fields, &server->nts);
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
