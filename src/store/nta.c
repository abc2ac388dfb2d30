#include "store/internal.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- questions: "www.example. A" on a line each ---- */

static void write_questions(const struct nta *nta, FILE *to)
{
    for (uint16_t i = 0; i < nta->question_count; i++) {
        char name[DNAME_TEXT_MAX], type[RR_TYPE_TEXT_MAX];
        fprintf(to, "%s %s\n", dname_to_text(&nta->questions[i].qname, name),
                rr_type_to_text(nta->questions[i].qtype, type));
    }
}

static bool read_question(char *line, struct question *question)
{
    char *type = strrchr(line, ' ');
    if (type == NULL)
        return false;
    *type++ = '\0';
    question->qclass = CLASS_IN;
    return dname_from_text(line, &question->qname) == OK && rr_type_from_text(type, &question->qtype) == OK;
}

static void read_questions(const char *text, struct nta *nta)
{
    char *copy = strdup(text), *rest = copy, *line;
    while ((line = strsep(&rest, "\n")) != NULL && nta->question_count < NTA_QUESTIONS_MAX)
        if (read_question(line, &nta->questions[nta->question_count]))
            nta->question_count++;
    free(copy);
}

/* ---- the set ---- */

static void load_row(sqlite3_stmt *row, struct nta_set *set)
{
    struct dname zone;
    int source = sqlite3_column_int(row, 1);
    bool is_known = source >= 0 && source < NTA_SOURCES && column_name(row, 0, &zone) && !dname_is_root(&zone) &&
                    nta_find(set, &zone, (enum nta_source)source) == NULL;
    struct nta *nta = is_known ? nta_add(set, &zone, (enum nta_source)source) : NULL;
    if (nta == NULL)
        return;
    nta->since_s = sqlite3_column_int64(row, 2);
    nta->until_s = sqlite3_column_int64(row, 3);
    nta->named_until_s = sqlite3_column_int64(row, 4);
    nta->has_ended = column_flag(row, 5);
    nta_set_reason(nta, column_text(row, 6));
    snprintf(nta->who, sizeof(nta->who), "%s", column_text(row, 7));
    read_questions(column_text(row, 8), nta);
}

enum err store_load_ntas(struct store *store, struct nta_set *set)
{
    if (!store_has_table(store, "ntas"))
        return OK;
    sqlite3_stmt *rows = store_prepare(
        store, "SELECT zone, source, since_s, until_s, named_until_s, has_ended, reason, who, questions FROM ntas",
        "read");
    int code = SQLITE_ERROR;
    while (rows != NULL && (code = sqlite3_step(rows)) == SQLITE_ROW)
        load_row(rows, set);
    sqlite3_finalize(rows);
    return code == SQLITE_DONE ? OK : store_fail(store, "read");
}

static enum err save_row(struct store *store, sqlite3_stmt *insert, const struct nta *nta)
{
    char *questions = NULL;
    size_t len;
    FILE *text = open_memstream(&questions, &len);
    if (text == NULL)
        return ERR_SYSTEM;
    write_questions(nta, text);
    fclose(text);
    bind_name(insert, 1, &nta->zone);
    sqlite3_bind_int(insert, 2, nta->source);
    sqlite3_bind_int64(insert, 3, nta->since_s);
    sqlite3_bind_int64(insert, 4, nta->until_s);
    sqlite3_bind_int64(insert, 5, nta->named_until_s);
    sqlite3_bind_int(insert, 6, nta->has_ended);
    sqlite3_bind_text(insert, 7, nta->reason, -1, SQLITE_STATIC);
    sqlite3_bind_text(insert, 8, nta->who, -1, SQLITE_STATIC);
    sqlite3_bind_text(insert, 9, questions, -1, SQLITE_STATIC);
    enum err err = store_run(store, insert, "write");
    free(questions);
    return err;
}

enum err store_save_ntas(struct store *store, const struct nta_set *set)
{
    enum err err = store_execute(store, "DELETE FROM ntas", "write");
    if (err != OK)
        return err;
    sqlite3_stmt *insert = store_prepare(store, "INSERT INTO ntas VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", "write");
    err = insert == NULL ? ERR_SYSTEM : OK;
    for (size_t i = 0; i < set->count && err == OK; i++)
        err = save_row(store, insert, set->items[i]);
    sqlite3_finalize(insert);
    return err;
}

/* ---- history ---- */

static void bind_history(sqlite3_stmt *insert, const void *bound)
{
    const struct nta_history_row *row = bound;
    sqlite3_bind_int64(insert, 1, row->time_s);
    bind_name(insert, 2, &row->zone);
    sqlite3_bind_text(insert, 3, row->what, -1, SQLITE_STATIC);
    sqlite3_bind_text(insert, 4, row->why, -1, SQLITE_STATIC);
    sqlite3_bind_text(insert, 5, row->who, -1, SQLITE_STATIC);
}

enum err store_add_nta_history(struct store *store, const struct nta_history_row *row)
{
    return store_append_history(store, "INSERT INTO nta_history (time_s, zone, what, why, who) VALUES (?, ?, ?, ?, ?)",
                                "DELETE FROM nta_history WHERE id <= (SELECT max(id) FROM nta_history) - ?",
                                bind_history, row);
}

struct nta_history_visitor {
    struct store_visitor visitor; /* first */
    void (*each)(void *to, const struct nta_history_row *row);
    void *to;
};

static void visit_history(sqlite3_stmt *found, const struct store_visitor *visitor)
{
    const struct nta_history_visitor *to = (const struct nta_history_visitor *)visitor;
    struct nta_history_row row = {
        .time_s = sqlite3_column_int64(found, 0),
        .what = column_text(found, 2),
        .why = column_text(found, 3),
        .who = column_text(found, 4),
    };
    if (column_name(found, 1, &row.zone))
        to->each(to->to, &row);
}

enum err store_walk_nta_history(struct store *store, size_t max,
                                void (*each)(void *to, const struct nta_history_row *row), void *to)
{
    struct nta_history_visitor visitor = { { visit_history }, each, to };
    if (!store_has_table(store, "nta_history"))
        return OK;
    return store_walk_newest(store, "SELECT time_s, zone, what, why, who FROM nta_history ORDER BY id DESC LIMIT ?",
                             max, &visitor.visitor);
}
