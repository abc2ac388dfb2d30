#include "config/tree.h"

#include <assert.h>
#include <yaml.h>

#include "message/text.h"

enum { DESCRIBED_OCTETS_MAX = 40 };

struct level {
    struct node *node;
    struct node **end; /* where the next child is hung */
};

struct builder {
    struct arena *arena;
    struct tree_fault *fault;
    struct level levels[TREE_DEPTH_MAX];
    unsigned depth;
    const char *key; /* read, its value not yet */
    struct node *root;
};

static enum err refuse(struct builder *builder, unsigned line, const char *text)
{
    *builder->fault = (struct tree_fault) { line, text };
    return ERR_FORMAT;
}

static unsigned line_of(yaml_mark_t mark)
{
    return (unsigned)mark.line + 1;
}

static bool awaits_key(const struct builder *builder)
{
    return builder->depth > 0 && builder->levels[builder->depth - 1].node->kind == NODE_MAP && builder->key == NULL;
}

static struct node *add_node(struct builder *builder, enum node_kind kind, unsigned line)
{
    struct node *node = ARENA_NEW(builder->arena, struct node);
    *node = (struct node) { .kind = kind, .line = line, .key = builder->key };
    builder->key = NULL;
    if (builder->depth == 0) {
        builder->root = node;
    } else {
        struct level *level = &builder->levels[builder->depth - 1];
        *level->end = node;
        level->end = &node->next;
    }
    return node;
}

static enum err add_text(struct builder *builder, const yaml_event_t *event)
{
    const char *text = (const char *)event->data.scalar.value;
    size_t len = event->data.scalar.length;
    unsigned line = line_of(event->start_mark);
    if (event->data.scalar.anchor != NULL || event->data.scalar.tag != NULL)
        return refuse(builder, line, "anchors and tags are not supported");
    if (strlen(text) != len)
        return refuse(builder, line, "a NUL character in a text");
    char *copy = arena_strdup(builder->arena, text);
    if (awaits_key(builder)) {
        builder->key = copy;
        return OK;
    }
    struct node *node = add_node(builder, NODE_TEXT, line);
    node->text = copy;
    node->is_plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    return OK;
}

static enum err begin(struct builder *builder, enum node_kind kind, const yaml_event_t *event)
{
    bool is_list = kind == NODE_LIST;
    const yaml_char_t *anchor = is_list ? event->data.sequence_start.anchor : event->data.mapping_start.anchor;
    const yaml_char_t *tag = is_list ? event->data.sequence_start.tag : event->data.mapping_start.tag;
    unsigned line = line_of(event->start_mark);
    if (anchor != NULL || tag != NULL)
        return refuse(builder, line, "anchors and tags are not supported");
    if (awaits_key(builder))
        return refuse(builder, line, "a key must be plain text");
    if (builder->depth == TREE_DEPTH_MAX)
        return refuse(builder, line, "nested too deeply");
    struct node *node = add_node(builder, kind, line);
    builder->levels[builder->depth++] = (struct level) { node, &node->first };
    return OK;
}

static enum err absorb(struct builder *builder, const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_SCALAR_EVENT:
        return add_text(builder, event);
    case YAML_SEQUENCE_START_EVENT:
        return begin(builder, NODE_LIST, event);
    case YAML_MAPPING_START_EVENT:
        return begin(builder, NODE_MAP, event);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        assert(builder->depth > 0); /* libyaml pairs them */
        builder->depth--;
        return OK;
    case YAML_ALIAS_EVENT:
        return refuse(builder, line_of(event->start_mark), "aliases are not supported");
    case YAML_DOCUMENT_START_EVENT:
        if (builder->root != NULL)
            return refuse(builder, line_of(event->start_mark), "a second document");
        return OK;
    default:
        return OK;
    }
}

static unsigned line_at(const char *data, size_t offset)
{
    unsigned line = 1;
    for (size_t i = 0; i < offset; i++)
        line += data[i] == '\n';
    return line;
}

/* What libyaml could not read. */
static enum err refuse_syntax(struct builder *builder, const yaml_parser_t *parser, const char *data, size_t len)
{
    const char *problem = parser->problem == NULL ? "not YAML" : parser->problem;
    if (parser->error == YAML_READER_ERROR) {
        size_t offset = parser->problem_offset < len ? parser->problem_offset : len;
        return refuse(builder, line_at(data, offset), arena_printf(builder->arena, "not UTF-8 text: %s", problem));
    }
    size_t at = parser->problem_mark.index; /* in characters: right as long as what stands before is ASCII */
    unsigned line = line_of(parser->problem_mark);
    if (at < len && data[at] == '\t')
        return refuse(builder, line, "a tab: YAML is indented with spaces");
    return refuse(builder, line, arena_strdup(builder->arena, problem));
}

static enum err read_events(struct builder *builder, yaml_parser_t *parser, const char *data, size_t len)
{
    yaml_event_t event;
    yaml_event_type_t type;
    do {
        if (!yaml_parser_parse(parser, &event))
            return refuse_syntax(builder, parser, data, len);
        type = event.type;
        enum err err = absorb(builder, &event);
        yaml_event_delete(&event);
        if (err != OK)
            return err;
    } while (type != YAML_STREAM_END_EVENT);
    return OK;
}

enum err tree_read(struct arena *arena, const char *data, size_t len, struct node **root, struct tree_fault *fault)
{
    struct builder builder = { .arena = arena, .fault = fault };
    yaml_parser_t parser;
    *root = NULL;
    if (len > TREE_OCTETS_MAX) {
        *fault = (struct tree_fault) { 1, "larger than 1 MiB" };
        return ERR_LIMIT;
    }
    if (!yaml_parser_initialize(&parser)) /* out of memory: ends as base/arena.h has it */
        abort();
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, (const unsigned char *)(len == 0 ? "" : data), len);
    enum err err = read_events(&builder, &parser, data, len);
    yaml_parser_delete(&parser);
    if (err == OK)
        *root = builder.root;
    return err;
}

const char *text_describe(struct arena *arena, const char *text)
{
    struct text to = text_new(arena);
    size_t len = strlen(text);
    bool is_long = len > DESCRIBED_OCTETS_MAX;
    text_printf(&to, "\"");
    text_escaped(&to, (struct octets) { (const uint8_t *)text, is_long ? DESCRIBED_OCTETS_MAX : len });
    text_printf(&to, is_long ? "...\"" : "\"");
    return to.data;
}

const char *node_describe(struct arena *arena, const struct node *node)
{
    if (node->kind == NODE_LIST)
        return "a list";
    if (node->kind == NODE_MAP)
        return "a group of keys";
    if (node->is_plain && node->text[0] == '\0')
        return "nothing";
    return text_describe(arena, node->text);
}
