/* Evidence of failing zones: a row for each zone, a row for each of its records and of its servers. */
#include "store/internal.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- lists in a record: one line each, for people who look at the file too ---- */

static void write_ds(const struct evidence_record *record, FILE *to)
{
    for (uint8_t i = 0; i < record->ds_count; i++) {
        const struct evidence_ds *ds = &record->ds[i];
        fprintf(to, "%u %u %u %d %d\n", ds->key_tag, ds->algorithm, ds->digest_type, ds->usable, ds->matched);
    }
}

static void read_ds(const char *line, struct evidence_record *record)
{
    struct evidence_ds *ds = &record->ds[record->ds_count];
    int usable, matched;
    if (record->ds_count < EVIDENCE_DS_MAX &&
        sscanf(line, "%hu %hhu %hhu %d %d", &ds->key_tag, &ds->algorithm, &ds->digest_type, &usable, &matched) == 5) {
        ds->usable = usable != 0;
        ds->matched = matched != 0;
        record->ds_count++;
    }
}

static void write_keys(const struct evidence_record *record, FILE *to)
{
    for (uint8_t i = 0; i < record->key_count; i++) {
        const struct explained_key *key = &record->keys[i];
        fprintf(to, "%u %u %u %d %d\n", key->key_tag, key->algorithm, key->flags, key->in_ds, key->signed_set);
    }
}

static void read_key(const char *line, struct evidence_record *record)
{
    struct explained_key *key = &record->keys[record->key_count];
    int in_ds, signed_set;
    if (record->key_count < EVIDENCE_KEYS_MAX &&
        sscanf(line, "%hu %hhu %hu %d %d", &key->key_tag, &key->algorithm, &key->flags, &in_ds, &signed_set) == 5) {
        key->in_ds = in_ds != 0;
        key->signed_set = signed_set != 0;
        record->key_count++;
    }
}

static void write_trials(const struct evidence_record *record, FILE *to)
{
    for (uint8_t i = 0; i < record->trial_count; i++) {
        const struct evidence_trial *trial = &record->trials[i];
        char server[ADDRESS_TEXT_MAX] = "cache";
        if (trial->server.family != 0)
            address_to_text(&trial->server, server);
        fprintf(to, "%s %d %d %s\n", server, trial->transport == TRANSPORT_TCP, (int)trial->security, trial->site);
    }
}

static void read_trial(const char *line, struct evidence_record *record)
{
    static_assert(ADDRESS_TEXT_MAX == 64 && EVIDENCE_SITE_MAX == 32, "the widths below");
    struct evidence_trial trial = { .transport = TRANSPORT_UDP };
    char server[ADDRESS_TEXT_MAX];
    int is_tcp, security;
    if (record->trial_count == TRIALS_MAX ||
        sscanf(line, "%63s %d %d %31s", server, &is_tcp, &security, trial.site) != 4 || security < UNCHECKED ||
        security > INDETERMINATE)
        return;
    if (strcmp(server, "cache") != 0 && address_from_text(server, 53, &trial.server) != OK)
        return;
    trial.transport = is_tcp != 0 ? TRANSPORT_TCP : TRANSPORT_UDP;
    trial.security = (enum security)security;
    record->trials[record->trial_count++] = trial;
}

static void read_lines(const char *text, struct evidence_record *record,
                       void (*read)(const char *line, struct evidence_record *record))
{
    char *copy = strdup(text), *rest = copy, *line;
    while ((line = strsep(&rest, "\n")) != NULL)
        if (*line != '\0')
            read(line, record);
    free(copy);
}

static void bind_lines(sqlite3_stmt *statement, int at, const struct evidence_record *record,
                       void (*write)(const struct evidence_record *record, FILE *to))
{
    char *text = NULL;
    size_t len = 0;
    FILE *to = open_memstream(&text, &len);
    if (to != NULL) {
        write(record, to);
        fclose(to);
    }
    sqlite3_bind_text(statement, at, text == NULL ? "" : text, -1, SQLITE_TRANSIENT);
    free(text);
}

/* ---- saving ---- */

static enum err save_record(struct store *store, sqlite3_stmt *insert, const struct dname *zone, int place,
                            const struct evidence_record *record)
{
    const int64_t numbers[] = { record->time_s,   record->question.qtype, record->outcome, record->cause,
                                record->ede,      record->failed_type,    record->key_tag, record->algorithm,
                                record->is_healed };
    int at = 1;
    bind_name(insert, at++, zone);
    sqlite3_bind_int(insert, at++, place);
    bind_name(insert, at++, &record->question.qname);
    bind_name(insert, at++, &record->failed_name);
    sqlite3_bind_text(insert, at++, record->site, -1, SQLITE_STATIC);
    sqlite3_bind_text(insert, at++, record->text, -1, SQLITE_STATIC);
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
        sqlite3_bind_int64(insert, at++, numbers[i]);
    bind_lines(insert, at++, record, write_ds);
    bind_lines(insert, at++, record, write_keys);
    bind_lines(insert, at++, record, write_trials);
    return store_run(store, insert, "write");
}

static enum err save_server(struct store *store, sqlite3_stmt *insert, const struct dname *zone,
                            const struct evidence_server *server)
{
    char text[ADDRESS_TEXT_MAX];
    bind_name(insert, 1, zone);
    sqlite3_bind_text(insert, 2, address_to_text(&server->address, text), -1, SQLITE_STATIC);
    sqlite3_bind_int(insert, 3, server->transport == TRANSPORT_TCP);
    sqlite3_bind_int64(insert, 4, (int64_t)server->bad);
    sqlite3_bind_int64(insert, 5, (int64_t)server->good);
    sqlite3_bind_int64(insert, 6, server->last_bad_s);
    return store_run(store, insert, "write");
}

static enum err save_zone(struct store *store, sqlite3_stmt *insert, const struct evidence_zone *zone)
{
    const int64_t numbers[] = { zone->is_failing, zone->first_s,           zone->last_s,
                                zone->ended_s,    (int64_t)zone->failures, (int64_t)zone->rescued };
    bind_name(insert, 1, &zone->zone);
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
        sqlite3_bind_int64(insert, 2 + (int)i, numbers[i]);
    return store_run(store, insert, "write");
}

static enum err forget_rows(struct store *store, const char *sql, const struct dname *zone)
{
    sqlite3_stmt *delete = store_prepare(store, sql, "write");
    enum err err = ERR_SYSTEM;
    if (delete != NULL) {
        bind_name(delete, 1, zone);
        err = store_run(store, delete, "write");
    }
    sqlite3_finalize(delete);
    return err;
}

static enum err save_parts(struct store *store, sqlite3_stmt *records, sqlite3_stmt *servers,
                           const struct evidence_zone *zone)
{
    enum err err = OK;
    for (uint8_t i = 0; i < zone->record_count && err == OK; i++)
        err = save_record(store, records, &zone->zone, i, &zone->records[i]);
    for (uint8_t i = 0; i < zone->server_count && err == OK; i++)
        err = save_server(store, servers, &zone->zone, &zone->servers[i]);
    return err;
}

enum err store_save_evidence(struct store *store, const struct evidence_zone *zone)
{
    sqlite3_stmt *zones =
        store_prepare(store, "INSERT OR REPLACE INTO evidence_zones VALUES (?, ?, ?, ?, ?, ?, ?)", "write");
    sqlite3_stmt *records = store_prepare(
        store, "INSERT INTO evidence VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", "write");
    sqlite3_stmt *servers =
        store_prepare(store, "INSERT OR REPLACE INTO evidence_servers VALUES (?, ?, ?, ?, ?, ?)", "write");
    enum err err = zones != NULL && records != NULL && servers != NULL ? OK : ERR_SYSTEM;
    if (err == OK)
        err = forget_rows(store, "DELETE FROM evidence WHERE zone = ?", &zone->zone);
    if (err == OK)
        err = forget_rows(store, "DELETE FROM evidence_servers WHERE zone = ?", &zone->zone);
    if (err == OK)
        err = save_zone(store, zones, zone);
    if (err == OK)
        err = save_parts(store, records, servers, zone);
    sqlite3_finalize(zones);
    sqlite3_finalize(records);
    sqlite3_finalize(servers);
    return err;
}

enum err store_trim_evidence(struct store *store)
{
    static_assert(EVIDENCE_ZONES_MAX == 256, "the number below");
    return store_execute(store,
                         "DELETE FROM evidence_zones WHERE zone NOT IN"
                         " (SELECT zone FROM evidence_zones ORDER BY is_failing DESC, last_s DESC LIMIT 256);"
                         "DELETE FROM evidence WHERE zone NOT IN (SELECT zone FROM evidence_zones);"
                         "DELETE FROM evidence_servers WHERE zone NOT IN (SELECT zone FROM evidence_zones);",
                         "write");
}

/* ---- loading ---- */

/* A row that this release cannot have written is passed over. */
static void load_record(sqlite3_stmt *row, struct evidence_zone *zone)
{
    struct evidence_record record = { .question = { .qclass = CLASS_IN } };
    int outcome = sqlite3_column_int(row, 6), cause = sqlite3_column_int(row, 7);
    if (!column_name(row, 0, &record.question.qname) || !column_name(row, 1, &record.failed_name) ||
        outcome < UNCHECKED || outcome > INDETERMINATE || cause < 0 || cause >= CAUSES ||
        zone->record_count == EVIDENCE_RECORDS_MAX)
        return;
    snprintf(record.site, sizeof(record.site), "%s", column_text(row, 2));
    snprintf(record.text, sizeof(record.text), "%s", column_text(row, 3));
    record.time_s = sqlite3_column_int64(row, 4);
    record.question.qtype = (uint16_t)sqlite3_column_int(row, 5);
    record.outcome = (enum security)outcome;
    record.cause = (enum cause)cause;
    record.ede = sqlite3_column_int(row, 8);
    record.failed_type = (uint16_t)sqlite3_column_int(row, 9);
    record.key_tag = (uint16_t)sqlite3_column_int(row, 10);
    record.algorithm = (uint8_t)sqlite3_column_int(row, 11);
    record.is_healed = column_flag(row, 12);
    read_lines(column_text(row, 13), &record, read_ds);
    read_lines(column_text(row, 14), &record, read_key);
    read_lines(column_text(row, 15), &record, read_trial);
    zone->by_cause[record.cause]++;
    zone->records[zone->record_count++] = record;
}

static void load_server(sqlite3_stmt *row, struct evidence_zone *zone)
{
    struct evidence_server server = { .transport = column_flag(row, 1) ? TRANSPORT_TCP : TRANSPORT_UDP };
    if (zone->server_count == EVIDENCE_SERVERS_MAX || address_from_text(column_text(row, 0), 53, &server.address) != OK)
        return;
    server.bad = (uint64_t)sqlite3_column_int64(row, 2);
    server.good = (uint64_t)sqlite3_column_int64(row, 3);
    server.last_bad_s = sqlite3_column_int64(row, 4);
    zone->servers[zone->server_count++] = server;
}

static enum err load_parts(struct store *store, const char *sql, struct evidence_zone *zone,
                           void (*load)(sqlite3_stmt *row, struct evidence_zone *zone))
{
    sqlite3_stmt *rows = store_prepare(store, sql, "read");
    int code = SQLITE_ERROR;
    if (rows != NULL)
        bind_name(rows, 1, &zone->zone);
    while (rows != NULL && (code = sqlite3_step(rows)) == SQLITE_ROW)
        load(rows, zone);
    sqlite3_finalize(rows);
    return code == SQLITE_DONE ? OK : store_fail(store, "read");
}

static enum err load_zone(struct store *store, sqlite3_stmt *row, struct evidence *evidence)
{
    struct evidence_zone *zone = memory_new(1, sizeof(*zone));
    enum err err = OK;
    if (column_name(row, 0, &zone->zone)) {
        zone->is_failing = column_flag(row, 1);
        zone->first_s = sqlite3_column_int64(row, 2);
        zone->last_s = sqlite3_column_int64(row, 3);
        zone->ended_s = sqlite3_column_int64(row, 4);
        zone->failures = (uint64_t)sqlite3_column_int64(row, 5);
        zone->rescued = (uint64_t)sqlite3_column_int64(row, 6);
        err = load_parts(store,
                         "SELECT question, failed_name, site, text, time_s, question_type, outcome, cause, ede,"
                         " failed_type, key_tag, algorithm, is_healed, ds, keys, trials FROM evidence WHERE zone = ?"
                         " ORDER BY place",
                         zone, load_record);
        if (err == OK)
            err =
                load_parts(store, "SELECT address, is_tcp, bad, good, last_bad_s FROM evidence_servers WHERE zone = ?",
                           zone, load_server);
        if (zone->record_count > 0)
            evidence_restore(evidence, zone);
    }
    free(zone);
    return err;
}

enum err store_load_evidence(struct store *store, struct evidence *evidence)
{
    if (!store_has_table(store, "evidence"))
        return OK;
    sqlite3_stmt *rows = store_prepare(
        store, "SELECT zone, is_failing, first_s, last_s, ended_s, failures, rescued FROM evidence_zones", "read");
    int code = SQLITE_ERROR;
    enum err err = OK;
    while (rows != NULL && err == OK && (code = sqlite3_step(rows)) == SQLITE_ROW)
        err = load_zone(store, rows, evidence);
    sqlite3_finalize(rows);
    return code == SQLITE_DONE || err != OK ? err : store_fail(store, "read");
}
