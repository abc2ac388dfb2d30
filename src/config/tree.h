/* A YAML file as a tree of nodes that know their line.  Narrower than YAML: one document, UTF-8, keys are plain text,
 * and neither anchors, aliases nor tags, so that what is written is what is there. */
#ifndef CONFIG_TREE_H
#define CONFIG_TREE_H

#include "base/arena.h"

enum {
    TREE_OCTETS_MAX = 1 << 20, /* a configuration is a few hundred lines */
    TREE_DEPTH_MAX = 8,        /* the option table needs five */
};

enum node_kind { NODE_TEXT, NODE_LIST, NODE_MAP };

struct node {
    enum node_kind kind;
    unsigned line;
    const char *text;   /* NODE_TEXT: no NUL inside */
    bool is_plain;      /* NODE_TEXT: written without quotes */
    const char *key;    /* what it is called in the map that holds it */
    struct node *first; /* NODE_LIST, NODE_MAP: in the order of the file */
    struct node *next;
};

struct tree_fault {
    unsigned line;
    const char *text; /* in the arena or static */
};

/* *root is NULL when there is nothing but comments.  ERR_FORMAT: *fault says what; ERR_LIMIT: larger than
 * TREE_OCTETS_MAX, likewise. */
MUST_USE enum err tree_read(struct arena *arena, const char *data, size_t len, struct node **root,
                            struct tree_fault *fault);

/* "nothing", "a list", or the text in quotes, shortened, everything but printable ASCII as \DDD: for error messages. */
const char *node_describe(struct arena *arena, const struct node *node);
/* The text as described above. */
const char *text_describe(struct arena *arena, const char *text);

#endif
