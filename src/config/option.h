/* The table of options.  A row serves the parser, the checks, --print-config, the manual page and the sample file. */
#ifndef CONFIG_OPTION_H
#define CONFIG_OPTION_H

#include "config/config.h"
#include "config/tree.h"
#include "message/text.h"

struct option;

enum { LIST_ITEMS_MAX = 4096 };

/* What was written for one option, or its default. */
struct value {
    bool is_default;
    bool is_word;   /* option->word was written */
    unsigned line;  /* where it was written */
    int64_t number; /* truth, number, milliseconds, octets, index of a choice */
    const char *text;
    uint16_t count; /* lists: of items, whose type is the kind's */
    const void *items;
};

/* One configuration on its way from the file. */
struct loading {
    struct arena *arena; /* of the configuration */
    const char *path;    /* NULL: defaults alone */
    struct now now;
    struct config *config;
    struct config_error *error;
};

struct kind {
    /* Fills number, text or items.  Not called for the row's word. */
    enum err (*read)(struct loading *loading, const struct option *option, const struct node *node,
                     struct value *value);
    /* As YAML on one line that read() takes back; secrets are not shown. */
    void (*print)(const struct option *option, const struct value *value, struct text *to);
    /* Puts it at the row's place in struct config. */
    void (*put)(const struct option *option, const struct value *value, struct config *config);
    /* "a number from 0 to 150": for messages and the manual page.  One of the two. */
    const char *what;
    const char *(*expected)(struct arena *arena, const struct option *option);
    /* lists, whose read() is list_read() */
    size_t item_octets;
    enum err (*item_read)(struct loading *loading, const struct option *option, const struct node *node, void *item);
    void (*item_print)(const void *item, struct text *to);
};

struct option {
    const char *key; /* dotted */
    const struct kind *kind;
    const char *initial;      /* the default as YAML */
    const char *help;         /* sentences */
    const char *word;         /* may stand in place of a value; number is 0 then, text NULL, and count 0 */
    const char *const *words; /* choices in the order of the enum they are stored as; NULL ends them */
    int64_t min, max;         /* of numbers, in octets or milliseconds where they have a unit; of texts: max octets;
                               * of lists: max items, 0 for LIST_ITEMS_MAX */
    int64_t unit;             /* numbers are stored divided by it, and must be a multiple; 0: as they are */
    size_t at, octets;        /* place in struct config; octets 0: it has none */
    size_t count_at;          /* lists: place of what counts them: uint16_t; uint8_t for algorithms and digests */
    /* For what is more than to fill a place.  Called in the order of the rows. */
    enum err (*take)(struct loading *loading, const struct option *option, const struct value *value);
    bool not_yet;     /* what it would switch on is not there: nothing but the default may be written … */
    bool is_harmless; /* … but that nothing comes of it is only warned of: nobody is less safe */
    bool needs_restart;
};

const struct option *option_table(size_t *count);
/* The index of the row; -1 if there is none. */
int option_find(const char *key);
/* Is this the first part of the key of some row: "cache" of "cache.size"? */
bool option_is_group(const char *key);
/* The known key or group that looks most like it; NULL if none is near. */
const char *option_nearest(struct arena *arena, const char *key);
/* What may be written there, for messages and the manual page. */
const char *option_expected(struct arena *arena, const struct option *option);
/* As YAML on one line. */
const char *option_text(struct arena *arena, const struct option *option, const struct value *value);

extern const struct kind kind_truth, kind_number, kind_duration, kind_size, kind_choice, kind_text, kind_path;
extern const struct kind kind_addresses, kind_time_servers, kind_prefixes, kind_texts, kind_secrets, kind_paths;
extern const struct kind kind_names, kind_algorithms, kind_digests;
extern const struct kind kind_forwards, kind_stubs, kind_negatives, kind_insecures, kind_client_strings, kind_floor,
    kind_pref64, kind_local_zones;
/* Whatever stands there: of features to come. */
extern const struct kind kind_later_group;

/* Items of lists: struct address, struct time_server, struct prefix, struct dname, uint8_t (algorithms, digests),
 * struct zone_rule (forwards, stubs), struct local_zone, struct client_string, or one of these. */
struct line_text { /* texts, secrets, paths */
    const char *text;
    unsigned line;
};
struct line_negative {
    struct dname zone;
    int64_t until_s;
    const char *reason; /* may be NULL, as below */
    unsigned line;
};
struct line_insecure {
    struct dname zone;
    const char *reason;
    unsigned line;
};

/* What the rows of special options do with their values (take.c). */
enum err take_listen(struct loading *loading, const struct option *option, const struct value *value);
enum err take_admins(struct loading *loading, const struct option *option, const struct value *value);
enum err take_root_hints(struct loading *loading, const struct option *option, const struct value *value);
enum err take_minimisation_type(struct loading *loading, const struct option *option, const struct value *value);
enum err take_zone_rules(struct loading *loading, const struct option *option, const struct value *value);
enum err take_allowed_algorithms(struct loading *loading, const struct option *option, const struct value *value);
enum err take_anchors(struct loading *loading, const struct option *option, const struct value *value);
enum err take_anchor_files(struct loading *loading, const struct option *option, const struct value *value);
enum err take_bootstrap_sources(struct loading *loading, const struct option *option, const struct value *value);
enum err take_bootstrap_authorities(struct loading *loading, const struct option *option, const struct value *value);
enum err take_negatives(struct loading *loading, const struct option *option, const struct value *value);
enum err take_least_ttl(struct loading *loading, const struct option *option, const struct value *value);
enum err take_least_negative_ttl(struct loading *loading, const struct option *option, const struct value *value);
enum err take_families(struct loading *loading, const struct option *option, const struct value *value);
enum err take_insecures(struct loading *loading, const struct option *option, const struct value *value);
enum err take_pref64(struct loading *loading, const struct option *option, const struct value *value);
enum err take_nat64(struct loading *loading, const struct option *option, const struct value *value);
enum err take_cookie_secrets(struct loading *loading, const struct option *option, const struct value *value);
enum err take_nsid(struct loading *loading, const struct option *option, const struct value *value);
enum err take_original_ttls(struct loading *loading, const struct option *option, const struct value *value);
enum err take_local_data(struct loading *loading, const struct option *option, const struct value *value);
enum err take_local_zones(struct loading *loading, const struct option *option, const struct value *value);
enum err take_floor(struct loading *loading, const struct option *option, const struct value *value);

/* ---- messages ---- */

/* Writes loading->error: "FILE:LINE: KEY: ...".  line 0: the whole file; key NULL: none.  Returns ERR_FORMAT. */
enum err config_refuse(struct loading *loading, unsigned line, const char *key, const char *format, ...)
    PRINTF_LIKE(4, 5);
/* "expected ..., got ..." */
enum err config_refuse_node(struct loading *loading, const struct option *option, const struct node *node);
/* To the log. */
void config_warn(const struct loading *loading, unsigned line, const char *key, const char *format, ...)
    PRINTF_LIKE(4, 5);

/* ---- for kinds ---- */

/* NULL for a list or map. */
const char *node_text(const struct node *node);
enum err list_read(struct loading *loading, const struct option *option, const struct node *node, struct value *value);
/* Puts items and count at the place of the row. */
void list_put(const struct option *option, const struct value *value, struct config *config);
void list_print(const struct option *option, const struct value *value, struct text *to);
/* Plain where that is safe, else in double quotes. */
void print_yaml_text(struct text *to, const char *text);

#endif
