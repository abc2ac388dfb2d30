/* vouchd's replies, as people read them: one function a command. */
#ifndef TOOLS_REPLY_H
#define TOOLS_REPLY_H

#include <jansson.h>

/* One reply on its way to the terminal. */
struct reply {
    const json_t *object;
    char **parameters; /* as written: as many as the command takes */
};

/* The member's text; "-" if it has none.  Borrowed from object. */
const char *reply_text(const json_t *object, const char *key);

void reply_print_status(const struct reply *reply);
void reply_print_stats(const struct reply *reply);
void reply_print_metrics(const struct reply *reply);
void reply_print_failures(const struct reply *reply);
void reply_print_explained(const struct reply *reply);
void reply_print_flushed(const struct reply *reply);
void reply_print_flushed_key(const struct reply *reply);
void reply_print_anchor_status(const struct reply *reply);
void reply_print_diagnosis(const struct reply *reply);
void reply_print_bootstrap(const struct reply *reply);
void reply_print_asked(const struct reply *reply);
void reply_print_done(const struct reply *reply);
void reply_print_row(const struct reply *reply);
void reply_print_reloaded(const struct reply *reply);
void reply_print_ntas(const struct reply *reply);
void reply_print_nta_history(const struct reply *reply);
void reply_print_nta_added(const struct reply *reply);
void reply_print_nta_removed(const struct reply *reply);
void reply_print_time(const struct reply *reply);
void reply_print_stopping(const struct reply *reply);

#endif
