#include "config/config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "config/option.h"

/* ---- messages ---- */

enum err config_refuse(struct loading *loading, unsigned line, const char *key, const char *format, ...)
{
    struct text text = text_new(loading->arena);
    va_list arguments;
    va_start(arguments, format);
    text_printf(&text, "%s", loading->path == NULL ? "defaults" : loading->path);
    if (line > 0)
        text_printf(&text, ":%u", line);
    text_printf(&text, ": ");
    if (key != NULL)
        text_printf(&text, "%s: ", key);
    text_printf(&text, "%s", arena_vprintf(loading->arena, format, arguments));
    va_end(arguments);
    snprintf(loading->error->text, sizeof(loading->error->text), "%s", text.data);
    return ERR_FORMAT;
}

enum err config_refuse_node(struct loading *loading, const struct option *option, const struct node *node)
{
    return config_refuse(loading, node->line, option->key, "expected %s, got %s",
                         option_expected(loading->arena, option), node_describe(loading->arena, node));
}

void config_warn(const struct loading *loading, unsigned line, const char *key, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    log_warning("%s:%u: %s: %s", loading->path == NULL ? "defaults" : loading->path, line, key,
                arena_vprintf(loading->arena, format, arguments));
    va_end(arguments);
}

/* ---- files ---- */

/* buffer holds TREE_OCTETS_MAX + 1 octets. */
static enum err read_descriptor(int file, char *buffer, size_t *len)
{
    *len = 0;
    while (*len <= TREE_OCTETS_MAX) {
        ssize_t got = read(file, buffer + *len, TREE_OCTETS_MAX + 1 - *len);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return ERR_SYSTEM;
        if (got == 0)
            return OK;
        *len += (size_t)got;
    }
    return ERR_LIMIT;
}

enum err read_whole_file(const char *path, char **data, size_t *len)
{
    *data = NULL;
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a FIFO must not hold us up */
    if (file < 0)
        return ERR_SYSTEM;
    *data = memory_new(TREE_OCTETS_MAX + 1, 1);
    enum err err = read_descriptor(file, *data, len);
    int error = errno;
    close(file);
    if (err == ERR_SYSTEM) {
        free(*data);
        *data = NULL;
    }
    errno = error;
    return err;
}

/* ---- from the tree to the rows ---- */

static enum err refuse_unknown(struct loading *loading, const struct node *node, const char *key)
{
    const char *nearest = option_nearest(loading->arena, key);
    struct text described = text_new(loading->arena);
    text_escaped(&described, (struct octets) { (const uint8_t *)key, strnlen(key, 80) });
    if (nearest == NULL)
        return config_refuse(loading, node->line, described.data, "unknown key");
    return config_refuse(loading, node->line, described.data, "unknown key, did you mean %s?", nearest);
}

/* A group whose keys are all commented out is empty text to YAML. */
static bool is_empty_group(const struct node *node)
{
    return node->kind == NODE_TEXT && node->is_plain && node->text[0] == '\0';
}

/* Hangs every node of the map to the row of its key.  prefix is "" or ends in a dot. */
static enum err sort_nodes(struct loading *loading, const struct node *map, const char *prefix,
                           const struct node **nodes)
{
    for (const struct node *node = map->first; node != NULL; node = node->next) {
        const char *key = arena_printf(loading->arena, "%s%s", prefix, node->key);
        int row = option_find(key);
        if (row >= 0 && nodes[row] != NULL)
            return config_refuse(loading, node->line, key, "written twice, first in line %u", nodes[row]->line);
        if (row >= 0) {
            nodes[row] = node;
            continue;
        }
        if (!option_is_group(key))
            return refuse_unknown(loading, node, key);
        if (node->kind != NODE_MAP && !is_empty_group(node))
            return config_refuse(loading, node->line, key, "expected a group of keys, got %s",
                                 node_describe(loading->arena, node));
        enum err err = sort_nodes(loading, node, arena_printf(loading->arena, "%s.", key), nodes);
        if (err != OK)
            return err;
    }
    return OK;
}

static enum err read_nodes(struct loading *loading, struct octets data, const struct node **nodes)
{
    struct node *root;
    struct tree_fault fault;
    if (tree_read(loading->arena, (const char *)data.data, data.len, &root, &fault) != OK)
        return config_refuse(loading, fault.line, NULL, "%s", fault.text);
    if (root == NULL)
        return OK;
    if (root->kind != NODE_MAP)
        return config_refuse(loading, root->line, NULL, "expected keys such as listen, got %s",
                             node_describe(loading->arena, root));
    return sort_nodes(loading, root, "", nodes);
}

/* ---- values ---- */

static const struct node *initial_node(struct loading *loading, const struct option *option)
{
    struct node *node;
    struct tree_fault fault;
    enum err err = tree_read(loading->arena, option->initial, strlen(option->initial), &node, &fault);
    return err == OK ? node : NULL;
}

static enum err read_value(struct loading *loading, const struct option *option, const struct node *node,
                           struct value *value)
{
    const char *text = node_text(node);
    value->line = node->line;
    value->is_word = option->word != NULL && text != NULL && strcmp(text, option->word) == 0;
    return value->is_word ? OK : option->kind->read(loading, option, node, value);
}

/* What a feature to come would do cannot be had by asking for it. */
static enum err check_availability(struct loading *loading, const struct option *option, const struct value *written,
                                   const struct value *initial)
{
    const char *only = option_text(loading->arena, option, initial);
    const char *got = option_text(loading->arena, option, written);
    if (strcmp(only, got) == 0)
        return OK;
    if (option->is_harmless) {
        config_warn(loading, written->line, option->key, "not available yet, nothing comes of it");
        return OK;
    }
    return config_refuse(loading, written->line, option->key, "not available yet: expected %s, got %s", only, got);
}

static enum err load_option(struct loading *loading, const struct option *option, const struct node *node,
                            struct value *value)
{
    struct value initial = { .is_default = true };
    enum err err = OK;
    if (node == NULL || option->not_yet)
        err = read_value(loading, option, initial_node(loading, option), &initial);
    *value = initial;
    if (err == OK && node != NULL) {
        *value = (struct value) { 0 };
        err = read_value(loading, option, node, value);
        if (err == OK && option->not_yet)
            err = check_availability(loading, option, value, &initial);
    }
    if (err != OK)
        return err;
    if (option->octets > 0)
        option->kind->put(option, value, loading->config);
    return option->take == NULL ? OK : option->take(loading, option, value);
}

static enum err load(struct loading *loading, struct octets data)
{
    size_t count;
    const struct option *options = option_table(&count);
    const struct node **nodes = ARENA_ARRAY(loading->arena, count, const struct node *);
    struct value *values = ARENA_ARRAY(loading->arena, count, struct value);
    enum err err = read_nodes(loading, data, nodes);
    for (size_t i = 0; i < count && err == OK; i++)
        err = load_option(loading, &options[i], nodes[i], &values[i]);
    loading->config->values = values;
    return err;
}

enum err config_read(struct octets data, const char *path, struct now now, struct config **config,
                     struct config_error *error)
{
    struct arena *arena = arena_new();
    struct config *loaded = ARENA_NEW(arena, struct config);
    loaded->arena = arena;
    loaded->path = path == NULL ? NULL : arena_strdup(arena, path);
    loaded->trust = trust_new();
    loaded->resolver = resolver_options_default(arena);
    struct loading loading = { .arena = arena, .path = loaded->path, .now = now, .config = loaded, .error = error };
    error->text[0] = '\0';
    enum err err = load(&loading, data);
    if (err == OK) {
        *config = loaded;
        return OK;
    }
    int system_error = errno;
    config_free(loaded);
    errno = system_error;
    *config = NULL;
    return err == ERR_SYSTEM ? ERR_SYSTEM : ERR_FORMAT;
}

const char *config_path(const char *asked_for)
{
    if (asked_for != NULL)
        return asked_for;
    /* One that is there but cannot be reached is not passed over. */
    bool is_missing = access(CONFIG_PATH_DEFAULT, F_OK) != 0 && (errno == ENOENT || errno == ENOTDIR);
    return is_missing ? NULL : CONFIG_PATH_DEFAULT;
}

enum err config_load(const char *path, struct now now, struct config **config, struct config_error *error)
{
    struct octets data = { NULL, 0 };
    char *text = NULL;
    *config = NULL;
    if (path != NULL && read_whole_file(path, &text, &data.len) == ERR_SYSTEM) {
        int system_error = errno;
        snprintf(error->text, sizeof(error->text), "%s: cannot be read: %s", path, strerror(system_error));
        errno = system_error;
        return ERR_SYSTEM;
    }
    data.data = (const uint8_t *)text;
    enum err err = config_read(data, path, now, config, error);
    int system_error = errno;
    free(text);
    errno = system_error;
    return err;
}

void config_free(struct config *config)
{
    if (config == NULL)
        return;
    trust_free(config->trust);
    arena_free(config->arena);
}
