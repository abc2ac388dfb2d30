/* What the files of this folder share: the open file, and calls of SQLite that say what fails. */
#ifndef STORE_INTERNAL_H
#define STORE_INTERNAL_H

#include <limits.h>
#include <sqlite3.h>

#include "store/store.h"

struct store {
    sqlite3 *db;
    char path[PATH_MAX];
    int lock;          /* of the directory: -1: none */
    bool is_lost;      /* store_is_lost() at the start */
    bool is_read_only; /* the disk, or whoever mounted it, takes no writes: what is known is read all the same */
    struct store_stats stats;
};

/* `what` could not be done: a line in the log, unless the one before failed, too.  ERR_SYSTEM. */
enum err store_fail(struct store *store, const char *what);

/* Each has called store_fail() when it fails; what: "read", "write". */
MUST_USE enum err store_execute(struct store *store, const char *sql, const char *what);
sqlite3_stmt *store_prepare(struct store *store, const char *sql, const char *what); /* NULL: failed */
/* A statement without rows, made ready for the next ones. */
MUST_USE enum err store_run(struct store *store, sqlite3_stmt *statement, const char *what);

/* Adds a row to a history and takes away what is above STORE_HISTORY_MAX, which is the one parameter of trim_sql. */
MUST_USE enum err store_append_history(struct store *store, const char *insert_sql, const char *trim_sql,
                                       void (*bind)(sqlite3_stmt *insert, const void *row), const void *row);
struct store_visitor {
    void (*visit)(sqlite3_stmt *row, const struct store_visitor *visitor);
};
/* select_sql has one parameter: how many rows at most. */
MUST_USE enum err store_walk_newest(struct store *store, const char *select_sql, size_t max,
                                    const struct store_visitor *visitor);

/* A file of an earlier release that cannot be written may lack it. */
bool store_has_table(struct store *store, const char *table);

void bind_name(sqlite3_stmt *statement, int at, const struct dname *name);
bool column_name(sqlite3_stmt *statement, int at, struct dname *name); /* false: not one that we have written */
bool column_flag(sqlite3_stmt *statement, int at);
const char *column_text(sqlite3_stmt *statement, int at); /* never NULL */

#endif
