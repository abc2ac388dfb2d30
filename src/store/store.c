#include "store/internal.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"

#define SET_ASIDE ".corrupt-"

enum {
    SCHEMA_VERSION = 1,     /* PRAGMA user_version */
    BUSY_TIMEOUT_MS = 1000, /* somebody looks at the file with other tools */
};

/* Run at each start: tables that a release adds, and that those before do not know, need no new version. */
static const char schema[] =
    "BEGIN IMMEDIATE;"
    "CREATE TABLE IF NOT EXISTS zones (zone TEXT PRIMARY KEY, asked_s INTEGER NOT NULL, refreshed_s INTEGER NOT NULL,"
    " next_s INTEGER NOT NULL, retry_s INTEGER NOT NULL, failures INTEGER NOT NULL) STRICT;"
    "CREATE TABLE IF NOT EXISTS anchors (zone TEXT NOT NULL, type INTEGER NOT NULL, rdata BLOB NOT NULL,"
    " state INTEGER NOT NULL, source INTEGER NOT NULL, since_s INTEGER NOT NULL, first_seen_s INTEGER NOT NULL,"
    " last_seen_s INTEGER NOT NULL, due_s INTEGER NOT NULL, signs INTEGER NOT NULL, has_signed INTEGER NOT NULL,"
    " PRIMARY KEY (zone, type, rdata)) STRICT;"
    "CREATE TABLE IF NOT EXISTS history (id INTEGER PRIMARY KEY, time_s INTEGER NOT NULL, zone TEXT NOT NULL,"
    " key_tag INTEGER NOT NULL, algorithm INTEGER NOT NULL, what TEXT NOT NULL, why TEXT NOT NULL, who TEXT NOT NULL)"
    " STRICT;"
    "CREATE TABLE IF NOT EXISTS evidence_zones (zone TEXT PRIMARY KEY, is_failing INTEGER NOT NULL,"
    " first_s INTEGER NOT NULL, last_s INTEGER NOT NULL, ended_s INTEGER NOT NULL, failures INTEGER NOT NULL,"
    " rescued INTEGER NOT NULL) STRICT;"
    "CREATE TABLE IF NOT EXISTS evidence (zone TEXT NOT NULL, place INTEGER NOT NULL, question TEXT NOT NULL,"
    " failed_name TEXT NOT NULL, site TEXT NOT NULL, text TEXT NOT NULL, time_s INTEGER NOT NULL,"
    " question_type INTEGER NOT NULL, outcome INTEGER NOT NULL, cause INTEGER NOT NULL, ede INTEGER NOT NULL,"
    " failed_type INTEGER NOT NULL, key_tag INTEGER NOT NULL, algorithm INTEGER NOT NULL, is_healed INTEGER NOT NULL,"
    " ds TEXT NOT NULL, keys TEXT NOT NULL, trials TEXT NOT NULL, PRIMARY KEY (zone, place)) STRICT;"
    "CREATE TABLE IF NOT EXISTS evidence_servers (zone TEXT NOT NULL, address TEXT NOT NULL, is_tcp INTEGER NOT NULL,"
    " bad INTEGER NOT NULL, good INTEGER NOT NULL, last_bad_s INTEGER NOT NULL, PRIMARY KEY (zone, address, is_tcp))"
    " STRICT;"
    "CREATE TABLE IF NOT EXISTS documents (name TEXT PRIMARY KEY, time_s INTEGER NOT NULL, content BLOB NOT NULL) "
    "STRICT;"
    "CREATE TABLE IF NOT EXISTS ntas (zone TEXT NOT NULL, source INTEGER NOT NULL, since_s INTEGER NOT NULL,"
    " until_s INTEGER NOT NULL, named_until_s INTEGER NOT NULL, has_ended INTEGER NOT NULL, reason TEXT NOT NULL,"
    " who TEXT NOT NULL, questions TEXT NOT NULL, PRIMARY KEY (zone, source)) STRICT;"
    "CREATE TABLE IF NOT EXISTS nta_history (id INTEGER PRIMARY KEY, time_s INTEGER NOT NULL, zone TEXT NOT NULL,"
    " what TEXT NOT NULL, why TEXT NOT NULL, who TEXT NOT NULL) STRICT;"
    "CREATE TABLE IF NOT EXISTS times (name TEXT PRIMARY KEY, time_s INTEGER NOT NULL) STRICT;";
static const char schema_version[] = "PRAGMA user_version = 1;"; /* in the same transaction, if it is not there … */
static const char schema_lost[] =
    "INSERT INTO times VALUES ('lost', unixepoch());"; /* … and this, behind a corrupted one */

/* ---- failures ---- */

enum err store_fail(struct store *store, const char *what)
{
    store->stats.failures++;
    if (!store->stats.is_failing)
        log_error("store: %s: cannot %s: %s; changes of trust would be lost with this process", store->path, what,
                  sqlite3_errmsg(store->db));
    store->stats.is_failing = true;
    return ERR_SYSTEM;
}

static void note_success(struct store *store)
{
    store->stats.writes++;
    if (store->stats.is_failing)
        log_info("store: %s can be written again", store->path);
    store->stats.is_failing = false;
}

/* ---- statements ---- */

enum err store_execute(struct store *store, const char *sql, const char *what)
{
    return sqlite3_exec(store->db, sql, NULL, NULL, NULL) == SQLITE_OK ? OK : store_fail(store, what);
}

sqlite3_stmt *store_prepare(struct store *store, const char *sql, const char *what)
{
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(store->db, sql, -1, &statement, NULL) != SQLITE_OK)
        store_fail(store, what);
    return statement;
}

enum err store_run(struct store *store, sqlite3_stmt *statement, const char *what)
{
    enum err err = sqlite3_step(statement) == SQLITE_DONE ? OK : store_fail(store, what);
    sqlite3_reset(statement);
    return err;
}

bool store_has_table(struct store *store, const char *table)
{
    sqlite3_stmt *row = store_prepare(store, "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", "read");
    if (row != NULL)
        sqlite3_bind_text(row, 1, table, -1, SQLITE_STATIC);
    bool is_there = row != NULL && sqlite3_step(row) == SQLITE_ROW;
    sqlite3_finalize(row);
    return is_there;
}

void bind_name(sqlite3_stmt *statement, int at, const struct dname *name)
{
    char text[DNAME_TEXT_MAX];
    struct dname lower;
    dname_lower(name, &lower);
    sqlite3_bind_text(statement, at, dname_to_text(&lower, text), -1, SQLITE_TRANSIENT);
}

bool column_name(sqlite3_stmt *statement, int at, struct dname *name)
{
    const char *text = (const char *)sqlite3_column_text(statement, at);
    return text != NULL && dname_from_text(text, name) == OK;
}

bool column_flag(sqlite3_stmt *statement, int at)
{
    return sqlite3_column_int(statement, at) != 0;
}

const char *column_text(sqlite3_stmt *statement, int at)
{
    const char *text = (const char *)sqlite3_column_text(statement, at);
    return text == NULL ? "" : text;
}

/* 0: there is none. */
static enum err get_time(struct store *store, const char *name, int64_t *time_s)
{
    sqlite3_stmt *row = store_prepare(store, "SELECT time_s FROM times WHERE name = ?", "read");
    if (row != NULL)
        sqlite3_bind_text(row, 1, name, -1, SQLITE_STATIC);
    int code = row == NULL ? SQLITE_ERROR : sqlite3_step(row);
    *time_s = code == SQLITE_ROW ? sqlite3_column_int64(row, 0) : 0;
    sqlite3_finalize(row);
    return code == SQLITE_ROW || code == SQLITE_DONE ? OK : store_fail(store, "read");
}

/* ---- opening ---- */

/* Nobody else may put a file of his there.  realpath: SQLite follows no link in the path it is given. */
static bool is_private(const char *directory, char path[PATH_MAX])
{
    struct stat found;
    char resolved[PATH_MAX];
    if (realpath(directory, resolved) == NULL || stat(resolved, &found) != 0) {
        log_error("store: %s: %s; nothing is remembered", directory, strerror(errno));
        return false;
    }
    if (!S_ISDIR(found.st_mode) || found.st_uid != geteuid() || (found.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        log_error("store: %s must be a directory of user %u that nobody else may write (mode 0700); nothing is "
                  "remembered",
                  directory, (unsigned)geteuid());
        return false;
    }
    return (size_t)snprintf(path, PATH_MAX, "%s/" STORE_FILE, resolved) < PATH_MAX;
}

/* Two processes would each write what it believes over what the other has learnt.  The lock ends with the process,
 * however that ends; a file system without locks goes without. */
static bool lock_directory(struct store *store, const char *directory)
{
    store->lock = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (store->lock < 0 || flock(store->lock, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK)
        return true;
    log_error("store: %s: another vouchd uses it; nothing is remembered", directory);
    return false;
}

/* Makes it if need be: SQLite would make it readable for others. */
static bool make_file(const char *path, bool *is_read_only)
{
    struct stat found;
    int fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    int error = errno;
    *is_read_only = fd < 0 && (error == EROFS || error == EACCES);
    if (*is_read_only)
        fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    errno = error;
    bool is_good = fd >= 0 && fstat(fd, &found) == 0;
    if (is_good && (!S_ISREG(found.st_mode) || found.st_uid != geteuid() || found.st_nlink != 1)) {
        errno = EPERM;
        is_good = false;
    }
    if (!is_good)
        log_error("store: %s: %s; nothing is remembered", path, strerror(errno));
    if (fd >= 0)
        close(fd);
    return is_good;
}

static void harden(sqlite3 *db)
{
    sqlite3_extended_result_codes(db, 1);
    sqlite3_busy_timeout(db, BUSY_TIMEOUT_MS);
    sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
    sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
}

/* The one number or word that a pragma answers; false: not answered. */
static bool pragma_is(sqlite3 *db, const char *pragma, const char *expected)
{
    sqlite3_stmt *statement = NULL;
    bool is_it = sqlite3_prepare_v2(db, pragma, -1, &statement, NULL) == SQLITE_OK &&
                 sqlite3_step(statement) == SQLITE_ROW && strcmp(column_text(statement, 0), expected) == 0;
    sqlite3_finalize(statement);
    return is_it;
}

enum health { HEALTHY, CORRUPT, TOO_NEW, UNUSABLE };

static enum health examine(sqlite3 *db, bool is_read_only, bool follows_corrupted)
{
    static const char reading[] = "PRAGMA cell_size_check = ON; PRAGMA mmap_size = 0;";
    static const char writing[] = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;";
    int code = sqlite3_exec(db, reading, NULL, NULL, NULL) & 0xff;
    if (code == SQLITE_OK && !is_read_only)
        code = sqlite3_exec(db, writing, NULL, NULL, NULL) & 0xff;
    if (code == SQLITE_OK && !pragma_is(db, "PRAGMA quick_check(1)", "ok"))
        code = SQLITE_CORRUPT;
    if (code == SQLITE_CORRUPT || code == SQLITE_NOTADB)
        return CORRUPT;
    if (code != SQLITE_OK)
        return UNUSABLE;
    static_assert(SCHEMA_VERSION == 1, "the words below");
    bool is_ours = pragma_is(db, "PRAGMA user_version", "1");
    if (!is_ours && !pragma_is(db, "PRAGMA user_version", "0"))
        return TOO_NEW;
    if (is_ours && is_read_only)
        return HEALTHY;
    code = sqlite3_exec(db, schema, NULL, NULL, NULL) & 0xff;
    if (code == SQLITE_OK && !is_ours)
        code = sqlite3_exec(db, schema_version, NULL, NULL, NULL) & 0xff;
    if (code == SQLITE_OK && !is_ours && follows_corrupted)
        code = sqlite3_exec(db, schema_lost, NULL, NULL, NULL) & 0xff;
    if (code == SQLITE_OK)
        code = sqlite3_exec(db, "COMMIT", NULL, NULL, NULL) & 0xff;
    if (code != SQLITE_OK)
        sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
    if (code == SQLITE_OK || (is_ours && code != SQLITE_CORRUPT))
        return HEALTHY; /* a full disk: what is there can be read */
    return code == SQLITE_CORRUPT ? CORRUPT : UNUSABLE;
}

/* SQLite wants to be told that nobody else can write either: it can make no lock files. */
static void write_immutable_uri(const char *path, char uri[3 * PATH_MAX + 32])
{
    char *to = stpcpy(uri, "file:");
    for (; *path != '\0'; path++)
        to += strchr("%?#", *path) != NULL ? sprintf(to, "%%%02x", (unsigned char)*path) : sprintf(to, "%c", *path);
    strcpy(to, "?immutable=1");
}

/* One was set aside, be it by a process that did not live to begin a new one. */
static bool follows_corrupted(const struct store *store)
{
    char pattern[2 * PATH_MAX], *to = pattern;
    glob_t found;
    for (const char *at = store->path; *at != '\0'; *to++ = *at++)
        if (strchr("*?[\\", *at) != NULL)
            *to++ = '\\';
    strcpy(to, SET_ASIDE "*");
    bool is_there = glob(pattern, GLOB_NOSORT, NULL, &found) == 0;
    globfree(&found);
    return is_there;
}

static enum health try_open(struct store *store)
{
    const int flags = SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_NOMUTEX;
    char uri[3 * PATH_MAX + 32];
    write_immutable_uri(store->path, uri);
    int code = store->is_read_only
                   ? sqlite3_open_v2(uri, &store->db, flags | SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, NULL)
                   : sqlite3_open_v2(store->path, &store->db, flags | SQLITE_OPEN_READWRITE, NULL);
    if (code != SQLITE_OK)
        return UNUSABLE;
    harden(store->db);
    return examine(store->db, store->is_read_only, follows_corrupted(store));
}

/* What it knew of revocations is lost, so an operator should know.  SQLite's files beside it go with it. */
static bool set_aside(const struct store *store, int64_t now_s)
{
    static const char *const endings[] = { "", "-wal", "-shm" };
    char from[PATH_MAX + 8], to[PATH_MAX + 48];
    bool is_done = true;
    for (size_t i = 0; i < ARRAY_LEN(endings); i++) {
        snprintf(from, sizeof(from), "%s%s", store->path, endings[i]);
        snprintf(to, sizeof(to), "%s" SET_ASIDE "%lld%s", store->path, (long long)now_s, endings[i]);
        is_done = (rename(from, to) == 0 || errno == ENOENT) && is_done;
    }
    log_error("store: %s is corrupted and was %s; trust begins anew from built-in and configured anchors, revocations "
              "that were seen are forgotten",
              store->path, is_done ? "set aside (" SET_ASIDE "...)" : "left where it is, for it cannot be renamed");
    return is_done;
}

static enum health open_or_renew(struct store *store, int64_t now_s)
{
    enum health health = try_open(store);
    if (health != CORRUPT)
        return health;
    sqlite3_close(store->db);
    store->db = NULL;
    store->stats.set_aside++;
    return set_aside(store, now_s) && make_file(store->path, &store->is_read_only) ? try_open(store) : UNUSABLE;
}

enum err store_open(const char *directory, int64_t now_s, struct store **opened)
{
    struct store *store = memory_new(1, sizeof(*store));
    enum health health = UNUSABLE;
    *opened = NULL;
    store->lock = -1;
    if (is_private(directory, store->path) && lock_directory(store, directory) &&
        make_file(store->path, &store->is_read_only)) {
        health = open_or_renew(store, now_s);
        if (health == TOO_NEW)
            log_error("store: %s was written by a later release; it is left alone, and nothing is remembered",
                      store->path);
        else if (health != HEALTHY)
            log_error("store: %s: %s; nothing is remembered", store->path, sqlite3_errmsg(store->db));
    }
    int64_t lost_s;
    bool is_corrupted = store->stats.set_aside > 0;
    if (health == HEALTHY) {
        store->is_lost = get_time(store, "lost", &lost_s) == OK && lost_s != 0;
        *opened = store;
        return OK;
    }
    store_close(store);
    return health == TOO_NEW ? ERR_FORMAT : is_corrupted ? ERR_NOT_FOUND : ERR_SYSTEM;
}

void store_close(struct store *store)
{
    if (store == NULL)
        return;
    sqlite3_close(store->db);
    if (store->lock >= 0)
        close(store->lock);
    free(store);
}

bool store_is_lost(const struct store *store)
{
    return store->is_lost;
}

void store_get_stats(const struct store *store, struct store_stats *stats)
{
    *stats = store->stats;
}

/* ---- transactions ---- */

enum err store_begin(struct store *store)
{
    return store_execute(store, "BEGIN IMMEDIATE", "begin a change");
}

enum err store_commit(struct store *store)
{
    enum err err = store_execute(store, "COMMIT", "write");
    if (err == OK)
        note_success(store);
    else
        store_rollback(store);
    return err;
}

void store_rollback(struct store *store)
{
    if (sqlite3_get_autocommit(store->db) == 0)
        sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
}

/* ---- anchors ---- */

static enum err load_zones(struct store *store, struct managed *managed)
{
    sqlite3_stmt *rows =
        store_prepare(store, "SELECT zone, asked_s, refreshed_s, next_s, retry_s, failures FROM zones", "read");
    int code = SQLITE_ERROR;
    struct dname name;
    while (rows != NULL && (code = sqlite3_step(rows)) == SQLITE_ROW) {
        if (!column_name(rows, 0, &name))
            continue;
        struct managed_zone *zone = managed_add_zone(managed, &name);
        zone->asked_s = sqlite3_column_int64(rows, 1);
        zone->refreshed_s = sqlite3_column_int64(rows, 2);
        zone->next_s = sqlite3_column_int64(rows, 3);
        zone->retry_s = sqlite3_column_int64(rows, 4);
        zone->failures = (uint32_t)sqlite3_column_int64(rows, 5);
    }
    sqlite3_finalize(rows);
    return code == SQLITE_DONE ? OK : store_fail(store, "read");
}

/* A row that this release cannot have written is not believed. */
static void load_key(sqlite3_stmt *row, struct managed *managed)
{
    struct dname name;
    struct octets rdata = { sqlite3_column_blob(row, 2), (size_t)sqlite3_column_bytes(row, 2) };
    int type = sqlite3_column_int(row, 1), state = sqlite3_column_int(row, 3), source = sqlite3_column_int(row, 4);
    bool is_good = column_name(row, 0, &name) && (type == TYPE_DS || type == TYPE_DNSKEY) && rdata.data != NULL &&
                   state > STATE_START && state < ANCHOR_STATES && source >= 0 && source < ANCHOR_SOURCES &&
                   trust_anchor_fault((uint16_t)type, rdata) == NULL;
    struct managed_key *key = is_good ? managed_add_key(managed_add_zone(managed, &name), (uint16_t)type, rdata) : NULL;
    if (key == NULL) {
        log_warning("store: a row of the table `anchors` makes no sense, and is passed over");
        return;
    }
    key->state = (enum anchor_state)state;
    key->source = (enum anchor_source)source;
    key->since_s = sqlite3_column_int64(row, 5);
    key->first_seen_s = sqlite3_column_int64(row, 6);
    key->last_seen_s = sqlite3_column_int64(row, 7);
    key->due_s = sqlite3_column_int64(row, 8);
    key->signs = column_flag(row, 9);
    key->has_signed = column_flag(row, 10);
}

enum err store_load_anchors(struct store *store, struct managed *managed)
{
    enum err err = load_zones(store, managed);
    sqlite3_stmt *rows =
        store_prepare(store,
                      "SELECT zone, type, rdata, state, source, since_s, first_seen_s, last_seen_s, due_s,"
                      " signs, has_signed FROM anchors ORDER BY rowid",
                      "read");
    int code = SQLITE_ERROR;
    while (rows != NULL && (code = sqlite3_step(rows)) == SQLITE_ROW)
        load_key(rows, managed);
    sqlite3_finalize(rows);
    return code == SQLITE_DONE ? err : store_fail(store, "read");
}

static enum err save_zone(struct store *store, sqlite3_stmt *insert, const struct managed_zone *zone)
{
    bind_name(insert, 1, &zone->zone);
    sqlite3_bind_int64(insert, 2, zone->asked_s);
    sqlite3_bind_int64(insert, 3, zone->refreshed_s);
    sqlite3_bind_int64(insert, 4, zone->next_s);
    sqlite3_bind_int64(insert, 5, zone->retry_s);
    sqlite3_bind_int64(insert, 6, zone->failures);
    return store_run(store, insert, "write");
}

static enum err save_key(struct store *store, sqlite3_stmt *insert, const struct managed_zone *zone,
                         const struct managed_key *key)
{
    const int64_t numbers[] = { key->state,       key->source, key->since_s, key->first_seen_s,
                                key->last_seen_s, key->due_s,  key->signs,   key->has_signed };
    bind_name(insert, 1, &zone->zone);
    sqlite3_bind_int(insert, 2, key->type);
    sqlite3_bind_blob(insert, 3, key->rdata.data, (int)key->rdata.len, SQLITE_STATIC);
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
        sqlite3_bind_int64(insert, 4 + (int)i, numbers[i]);
    return store_run(store, insert, "write");
}

static enum err save_all(struct store *store, sqlite3_stmt *zones, sqlite3_stmt *anchors, const struct managed *managed)
{
    enum err err =
        store_execute(store, "DELETE FROM zones; DELETE FROM anchors; DELETE FROM times WHERE name = 'lost'", "write");
    for (size_t i = 0; i < managed->count && err == OK; i++) {
        const struct managed_zone *zone = &managed->zones[i];
        err = save_zone(store, zones, zone);
        for (size_t k = 0; k < zone->count && err == OK; k++)
            err = save_key(store, anchors, zone, &zone->keys[k]);
    }
    return err;
}

enum err store_save_anchors(struct store *store, const struct managed *managed)
{
    sqlite3_stmt *zones = store_prepare(store, "INSERT INTO zones VALUES (?, ?, ?, ?, ?, ?)", "write");
    sqlite3_stmt *anchors =
        store_prepare(store, "INSERT INTO anchors VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", "write");
    enum err err = zones != NULL && anchors != NULL ? save_all(store, zones, anchors, managed) : ERR_SYSTEM;
    sqlite3_finalize(zones);
    sqlite3_finalize(anchors);
    return err;
}

/* ---- history ---- */

enum err store_append_history(struct store *store, const char *insert_sql, const char *trim_sql,
                              void (*bind)(sqlite3_stmt *insert, const void *row), const void *row)
{
    sqlite3_stmt *insert = store_prepare(store, insert_sql, "write"), *trim = store_prepare(store, trim_sql, "write");
    enum err err = ERR_SYSTEM;
    if (insert != NULL && trim != NULL) {
        bind(insert, row);
        sqlite3_bind_int(trim, 1, STORE_HISTORY_MAX);
        err = store_run(store, insert, "write");
        if (err == OK)
            err = store_run(store, trim, "write");
    }
    sqlite3_finalize(insert);
    sqlite3_finalize(trim);
    return err;
}

enum err store_walk_newest(struct store *store, const char *select_sql, size_t max, const struct store_visitor *visitor)
{
    sqlite3_stmt *rows = store_prepare(store, select_sql, "read");
    int code = SQLITE_ERROR;
    if (rows != NULL)
        sqlite3_bind_int64(rows, 1, (int64_t)max);
    while (rows != NULL && (code = sqlite3_step(rows)) == SQLITE_ROW)
        visitor->visit(rows, visitor);
    sqlite3_finalize(rows);
    return code == SQLITE_DONE ? OK : store_fail(store, "read");
}

static void bind_history(sqlite3_stmt *insert, const void *bound)
{
    const struct history_row *row = bound;
    sqlite3_bind_int64(insert, 1, row->time_s);
    bind_name(insert, 2, &row->zone);
    sqlite3_bind_int(insert, 3, row->key_tag);
    sqlite3_bind_int(insert, 4, row->algorithm);
    sqlite3_bind_text(insert, 5, row->what, -1, SQLITE_STATIC);
    sqlite3_bind_text(insert, 6, row->why, -1, SQLITE_STATIC);
    sqlite3_bind_text(insert, 7, row->who, -1, SQLITE_STATIC);
}

enum err store_add_history(struct store *store, const struct history_row *row)
{
    return store_append_history(
        store, "INSERT INTO history (time_s, zone, key_tag, algorithm, what, why, who) VALUES (?, ?, ?, ?, ?, ?, ?)",
        "DELETE FROM history WHERE id <= (SELECT max(id) FROM history) - ?", bind_history, row);
}

struct history_visitor {
    struct store_visitor visitor; /* first */
    void (*each)(void *to, const struct history_row *row);
    void *to;
};

static void visit_history(sqlite3_stmt *found, const struct store_visitor *visitor)
{
    const struct history_visitor *to = (const struct history_visitor *)visitor;
    struct history_row row = {
        .time_s = sqlite3_column_int64(found, 0),
        .key_tag = (uint16_t)sqlite3_column_int(found, 2),
        .algorithm = (uint8_t)sqlite3_column_int(found, 3),
        .what = column_text(found, 4),
        .why = column_text(found, 5),
        .who = column_text(found, 6),
    };
    if (column_name(found, 1, &row.zone))
        to->each(to->to, &row);
}

enum err store_walk_history(struct store *store, size_t max, void (*each)(void *to, const struct history_row *row),
                            void *to)
{
    struct history_visitor visitor = { { visit_history }, each, to };
    return store_walk_newest(
        store, "SELECT time_s, zone, key_tag, algorithm, what, why, who FROM history ORDER BY id DESC LIMIT ?", max,
        &visitor.visitor);
}

/* ---- time ---- */

enum err store_get_latest_time(struct store *store, int64_t *latest_s)
{
    return get_time(store, "latest", latest_s);
}

enum err store_put_latest_time(struct store *store, int64_t latest_s)
{
    sqlite3_stmt *put = store_prepare(store, "INSERT OR REPLACE INTO times VALUES ('latest', ?)", "write");
    if (put == NULL)
        return ERR_SYSTEM;
    sqlite3_bind_int64(put, 1, latest_s);
    enum err err = store_run(store, put, "write");
    sqlite3_finalize(put);
    if (err == OK)
        note_success(store);
    return err;
}
