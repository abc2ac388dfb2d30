/* What requests and replies are made of: the protocol's objects, refusals, and arguments that several commands take. */
#ifndef CONTROL_OBJECTS_H
#define CONTROL_OBJECTS_H

#include <jansson.h>

#include "control/commands.h"

json_t *json_of_text(const char *text); /* NULL: null; what is not UTF-8 is replaced */
json_t *json_of_name(const struct dname *name);
json_t *json_of_time(int64_t unix_s);
json_t *json_of_time_or_null(int64_t unix_s); /* 0: null */

/* With the version alone. */
json_t *new_object(void);
/* One line, malloc'd; object is given back. */
char *line_of(json_t *object);

struct refusal {
    const char *code; /* static storage; NULL: none */
    char text[sizeof(((struct order_failure *)NULL)->text)];
    char hint[sizeof(((struct order_failure *)NULL)->hint)];
};
/* Both return NULL, as a command that is refused does. */
json_t *refuse(struct refusal *refusal, const char *code, const char *format, ...) PRINTF_LIKE(3, 4);
json_t *refuse_failed(struct refusal *refusal, const struct order_failure *failure);

const char *store_condition_text(enum store_condition condition); /* "none", "good", "failing" */

/* False: refused, with the key and what was expected. */
bool name_argument(const json_t *request, const char *key, struct dname *name, struct refusal *refusal);
bool tag_argument(const json_t *request, uint16_t *key_tag, struct refusal *refusal);

/* For the history: "uid 0 (root)".  Returns text. */
enum { PEER_TEXT_MAX = 64 };
const char *name_peer(const struct peer *peer, char text[PEER_TEXT_MAX]);

#endif
