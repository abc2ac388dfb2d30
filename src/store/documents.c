#include "store/internal.h"

enum err store_put_document(struct store *store, const char *name, int64_t time_s, struct octets content)
{
    sqlite3_stmt *put = store_prepare(store, "INSERT OR REPLACE INTO documents VALUES (?, ?, ?)", "write");
    if (put == NULL)
        return ERR_SYSTEM;
    sqlite3_bind_text(put, 1, name, -1, SQLITE_STATIC);
    sqlite3_bind_int64(put, 2, time_s);
    sqlite3_bind_blob(put, 3, content.data, (int)content.len, SQLITE_STATIC);
    enum err err = store_run(store, put, "write");
    sqlite3_finalize(put);
    return err;
}

enum err store_get_document(struct store *store, const char *name, struct arena *arena, int64_t *time_s,
                            struct octets *content)
{
    if (!store_has_table(store, "documents")) /* an older file, on a disk that cannot be written */
        return ERR_NOT_FOUND;
    sqlite3_stmt *row = store_prepare(store, "SELECT time_s, content FROM documents WHERE name = ?", "read");
    if (row == NULL)
        return ERR_SYSTEM;
    sqlite3_bind_text(row, 1, name, -1, SQLITE_STATIC);
    int code = sqlite3_step(row);
    if (code == SQLITE_ROW) {
        struct octets found = { sqlite3_column_blob(row, 1), (size_t)sqlite3_column_bytes(row, 1) };
        *time_s = sqlite3_column_int64(row, 0);
        *content = octets_copy(arena, found);
    }
    sqlite3_finalize(row);
    return code == SQLITE_ROW ? OK : code == SQLITE_DONE ? ERR_NOT_FOUND : store_fail(store, "read");
}
