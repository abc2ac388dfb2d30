/* Kinds of options whose value is a list of texts: addresses, networks, names, algorithms. */
#include "config/option.h"

static uint16_t count_items(const struct node *node)
{
    uint16_t count = 0;
    for (const struct node *item = node->first; item != NULL && count <= LIST_ITEMS_MAX; item = item->next)
        count++;
    return count;
}

enum err list_read(struct loading *loading, const struct option *option, const struct node *node, struct value *value)
{
    const struct kind *kind = option->kind;
    uint16_t count = count_items(node);
    int64_t max = option->max == 0 ? LIST_ITEMS_MAX : option->max;
    if (node->kind != NODE_LIST)
        return config_refuse_node(loading, option, node);
    if (count > max)
        return config_refuse(loading, node->line, option->key, "expected at most %d items", (int)max);
    uint8_t *items = arena_array(loading->arena, count, kind->item_octets);
    for (const struct node *item = node->first; item != NULL; item = item->next) {
        enum err err = kind->item_read(loading, option, item, items + value->count * kind->item_octets);
        if (err != OK)
            return err;
        value->count++;
    }
    value->items = items;
    return OK;
}

void list_print(const struct option *option, const struct value *value, struct text *to)
{
    const struct kind *kind = option->kind;
    text_printf(to, "[");
    for (uint16_t i = 0; i < value->count; i++) {
        text_printf(to, i == 0 ? "" : ", ");
        kind->item_print((const uint8_t *)value->items + i * kind->item_octets, to);
    }
    text_printf(to, "]");
}

void list_put(const struct option *option, const struct value *value, struct config *config)
{
    memcpy((uint8_t *)config + option->at, &value->items, sizeof(value->items));
    memcpy((uint8_t *)config + option->count_at, &value->count, sizeof(value->count));
}

/* An item that is good, or the refusal of the node. */
static enum err good(bool is_good, struct loading *loading, const struct option *option, const struct node *node)
{
    return is_good ? OK : config_refuse_node(loading, option, node);
}

/* ---- addresses and networks ---- */

static bool read_address(const struct node *node, uint16_t default_port, struct address *address)
{
    return node->kind == NODE_TEXT && address_from_text(node->text, default_port, address) == OK && address->port != 0;
}

static enum err address_read(struct loading *loading, const struct option *option, const struct node *node, void *item)
{
    return good(read_address(node, 53, item), loading, option, node);
}

static void address_print(const void *item, struct text *to)
{
    char text[ADDRESS_TEXT_MAX];
    print_yaml_text(to, address_to_text(item, text));
}

const struct kind kind_addresses = {
    .read = list_read,
    .print = list_print,
    .put = list_put,
    .what = "a list of addresses such as 192.0.2.1 or \"2001:db8::1@53\"",
    .item_octets = sizeof(struct address),
    .item_read = address_read,
    .item_print = address_print,
};

static enum err prefix_read(struct loading *loading, const struct option *option, const struct node *node, void *item)
{
    return good(node->kind == NODE_TEXT && prefix_from_text(node->text, item) == OK, loading, option, node);
}

static void prefix_print(const void *item, struct text *to)
{
    char text[ADDRESS_TEXT_MAX];
    print_yaml_text(to, prefix_to_text(item, text));
}

const struct kind kind_prefixes = {
    .read = list_read,
    .print = list_print,
    .put = list_put,
    .what = "a list of networks such as 192.0.2.0/24 or \"2001:db8::/32\", without host bits",
    .item_octets = sizeof(struct prefix),
    .item_read = prefix_read,
    .item_print = prefix_print,
};

/* ---- texts and paths ---- */

static enum err text_line_read(struct loading *loading, const struct option *option, const struct node *node,
                               void *item)
{
    *(struct line_text *)item = (struct line_text) { node_text(node), node->line };
    return good(node->kind == NODE_TEXT && node->text[0] != '\0', loading, option, node);
}

static enum err path_line_read(struct loading *loading, const struct option *option, const struct node *node,
                               void *item)
{
    *(struct line_text *)item = (struct line_text) { node_text(node), node->line };
    return good(node->kind == NODE_TEXT && node->text[0] == '/', loading, option, node);
}

static void line_print(const void *item, struct text *to)
{
    print_yaml_text(to, ((const struct line_text *)item)->text);
}

/* It would end in logs and in questions for help. */
static void secret_print(const void *item, struct text *to)
{
    (void)item;
    text_printf(to, "(hidden)");
}

const struct kind kind_texts = {
    .read = list_read,
    .print = list_print,
    .what = "a list of texts",
    .item_octets = sizeof(struct line_text),
    .item_read = text_line_read,
    .item_print = line_print,
};

const struct kind kind_secrets = {
    .read = list_read,
    .print = list_print,
    .what = "a list of texts",
    .item_octets = sizeof(struct line_text),
    .item_read = text_line_read,
    .item_print = secret_print,
};

const struct kind kind_paths = {
    .read = list_read,
    .print = list_print,
    .what = "a list of absolute paths",
    .item_octets = sizeof(struct line_text),
    .item_read = path_line_read,
    .item_print = line_print,
};

/* ---- names ---- */

static enum err name_read(struct loading *loading, const struct option *option, const struct node *node, void *item)
{
    return good(node->kind == NODE_TEXT && dname_from_text(node->text, item) == OK, loading, option, node);
}

static void name_print(const void *item, struct text *to)
{
    char text[DNAME_TEXT_MAX];
    print_yaml_text(to, dname_to_text(item, text));
}

const struct kind kind_names = {
    .read = list_read,
    .print = list_print,
    .put = list_put,
    .what = "a list of domain names",
    .item_octets = sizeof(struct dname),
    .item_read = name_read,
    .item_print = name_print,
};

/* ---- algorithms and digests: their numbers ---- */

/* The list itself is in struct config. */
static void numbers_put(const struct option *option, const struct value *value, struct config *config)
{
    memcpy((uint8_t *)config + option->at, value->items, value->count);
    *((uint8_t *)config + option->count_at) = (uint8_t)value->count;
}

static enum err algorithm_read(struct loading *loading, const struct option *option, const struct node *node,
                               void *item)
{
    return good(node->kind == NODE_TEXT && algorithm_from_text(node->text, item) == OK, loading, option, node);
}

static void algorithm_print(const void *item, struct text *to)
{
    char text[8];
    print_yaml_text(to, algorithm_text(*(const uint8_t *)item, text));
}

const struct kind kind_algorithms = {
    .read = list_read,
    .print = list_print,
    .what = "a list of algorithms by number or mnemonic, such as 13 or ECDSAP256SHA256",
    .put = numbers_put,
    .item_octets = sizeof(uint8_t),
    .item_read = algorithm_read,
    .item_print = algorithm_print,
};

static enum err digest_read(struct loading *loading, const struct option *option, const struct node *node, void *item)
{
    return good(node->kind == NODE_TEXT && digest_from_text(node->text, item) == OK, loading, option, node);
}

static void digest_print(const void *item, struct text *to)
{
    text_printf(to, "%u", *(const uint8_t *)item);
}

const struct kind kind_digests = {
    .read = list_read,
    .print = list_print,
    .what = "a list of DS digest types by number or mnemonic, such as 2 or SHA-256",
    .put = numbers_put,
    .item_octets = sizeof(uint8_t),
    .item_read = digest_read,
    .item_print = digest_print,
};
