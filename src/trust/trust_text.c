#include <stdio.h>

#include "message/master.h"
#include "trust/trust.h"

static void tell(char **error, const char *format, ...) PRINTF_LIKE(2, 3);

static void tell(char **error, const char *format, ...)
{
    va_list arguments;
    if (error == NULL)
        return;
    va_start(arguments, format);
    if (vasprintf(error, format, arguments) < 0)
        *error = NULL;
    va_end(arguments);
}

static enum err add_record(struct trust *trust, const struct master_record *record, enum anchor_source source,
                           char **error)
{
    struct anchor anchor = {
        .zone = record->owner,
        .type = record->type,
        .rdata = record->rdata,
        .source = source,
        .valid_from_s = INT64_MIN,
        .valid_until_s = INT64_MAX,
    };
    const char *fault = record->class == CLASS_IN ? trust_anchor_fault(record->type, record->rdata) : "not of class IN";
    if (fault == NULL)
        return trust_add_anchor(trust, &anchor);
    tell(error, "line %u: no trust anchor: %s", record->line, fault);
    return ERR_FORMAT;
}

static enum err add_all(struct trust *trust, struct master *master, enum anchor_source source, char **error)
{
    struct master_record record;
    enum err err;
    while ((err = master_next(master, &record)) == OK) {
        if (record.type != TYPE_DS && record.type != TYPE_DNSKEY)
            continue;
        err = add_record(trust, &record, source, error);
        if (err != OK)
            return err;
    }
    if (err == ERR_NOT_FOUND)
        return OK;
    tell(error, "%s", master_error(master));
    return err;
}

enum err trust_add_text(struct trust *trust, const char *text, size_t len, enum anchor_source source, size_t *added,
                        char **error)
{
    size_t before, after;
    if (error != NULL)
        *error = NULL;
    trust_anchors(trust, &before);
    struct master *master = master_new(text, len, NULL);
    enum err err = add_all(trust, master, source, error);
    master_free(master);
    trust_anchors(trust, &after);
    *added = after - before;
    return err;
}
