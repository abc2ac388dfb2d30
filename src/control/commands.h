/* The commands of the control socket as a table, and the protocol's objects.  No I/O here. */
#ifndef CONTROL_COMMANDS_H
#define CONTROL_COMMANDS_H

#include <jansson.h>

#include "control/orders.h"

struct peer { /* who asks: SO_PEERCRED */
    uid_t uid;
    pid_t pid;
};

struct admins { /* control.admins */
    uid_t *uids;
    uint16_t count;
};

/* What remains to be done once the reply is sent. */
enum next {
    NEXT_NOTHING,
    NEXT_DUMP,         /* there is no reply yet: it comes out of the cache */
    NEXT_CHECK,        /* there is no reply yet: it waits for a check of the clock */
    NEXT_NTA,          /* there is no reply yet: it waits for what command_nta_added() tells */
    NEXT_ANCHOR_CHECK, /* the same for an inquiry into the anchors of the root ... */
    NEXT_BOOTSTRAP,    /* ... and for one that may add some */
    NEXT_STOP,
};

/* Carries out the request in one line.  The reply is one object on one line, malloc'd; NULL with NEXT_DUMP and what
 * else is waited for. */
char *command_answer(const struct orders *orders, const struct admins *admins, const struct peer *peer,
                     const char *line, size_t len, enum next *next);

/* {"version":1,"error":{…}} on one line, malloc'd.  hint may be NULL. */
char *command_refusal(const char *code, const char *text, const char *hint);

/* The reply to what was waited for, once there is one; as above. */
char *command_awaited(const struct orders *orders, enum next next);

/* The reply to that "nta add" request, carried out before, as above; NULL: it has to wait still, unless `is_late`. */
char *command_nta_added(const struct orders *orders, const char *line, size_t len, bool is_late);

/* One line of dump-cache, and its last one, which tells a whole dump from one that was cut. */
json_t *dump_row(const struct cache_row *row);
json_t *dump_end(size_t rows);
/* Compact, in ASCII, without a line end; as json_dumpb(). */
size_t object_write(const json_t *object, char *buffer, size_t size);

#endif
