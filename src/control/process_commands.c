#include "control/command.h"

#include <stdlib.h>

/* The lines of a text as an array. */
static json_t *json_of_lines(char *text)
{
    json_t *lines = json_array();
    char *rest = text, *line;
    while ((line = strsep(&rest, "\n")) != NULL) {
        if (line[0] != '\0')
            json_array_append_new(lines, json_of_text(line));
    }
    return lines;
}

json_t *run_reload(const struct orders *orders, const json_t *request, struct refusal *refusal)
{
    (void)request;
    struct order_failure failure = { .text = "" };
    char *notes = NULL;
    size_t len;
    FILE *to = open_memstream(&notes, &len);
    if (to == NULL)
        return refuse(refusal, "failed", "%s", err_text(ERR_SYSTEM));
    bool is_done = orders->reload(orders->context, to, &failure);
    fclose(to);
    json_t *object = NULL;
    if (is_done) {
        object = new_object();
        json_object_set_new(object, "notes", json_of_lines(notes));
    } else {
        refuse_failed(refusal, &failure);
    }
    free(notes);
    return object;
}

json_t *run_stop(const struct orders *orders, const json_t *request, struct refusal *refusal)
{
    (void)orders;
    (void)request;
    (void)refusal;
    return new_object();
}
