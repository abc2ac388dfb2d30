/* A command as the table of commands.c has it, and the functions that carry commands out, each by its subject in a file
 * of its own.  For commands.c and those files alone. */
#ifndef CONTROL_COMMAND_H
#define CONTROL_COMMAND_H

#include "control/commands.h"
#include "control/objects.h"

struct command {
    const char *name;
    bool weakens; /* trust, or takes the cache away: not for everybody who can reach the socket */
    bool changes; /* worth a line in the log */
    enum next next;
    /* The reply; NULL: *refusal says why. */
    json_t *(*run)(const struct orders *orders, const json_t *request, struct refusal *refusal);
    /* The same where it counts who orders it. */
    json_t *(*run_for)(const struct orders *orders, const json_t *request, const struct peer *peer,
                       struct refusal *refusal);
};

/* status_commands.c */
json_t *run_status(const struct orders *orders, const json_t *request, struct refusal *refusal);
json_t *run_stats(const struct orders *orders, const json_t *request, struct refusal *refusal);

/* cache_commands.c */
json_t *run_flush_all(const struct orders *orders, const json_t *request, struct refusal *refusal);
json_t *run_flush_name(const struct orders *orders, const json_t *request, struct refusal *refusal);
json_t *run_flush_zone(const struct orders *orders, const json_t *request, struct refusal *refusal);
json_t *run_flush_key(const struct orders *orders, const json_t *request, struct refusal *refusal);

/* time_commands.c */
json_t *run_time(const struct orders *orders, const json_t *request, struct refusal *refusal);

/* evidence_commands.c */
json_t *run_failures(const struct orders *orders, const json_t *request, struct refusal *refusal);
json_t *run_metrics(const struct orders *orders, const json_t *request, struct refusal *refusal);
json_t *run_nta_explain(const struct orders *orders, const json_t *request, struct refusal *refusal);

/* anchor_commands.c */
json_t *run_ta_status(const struct orders *orders, const json_t *request, struct refusal *refusal);
json_t *run_ta_refresh(const struct orders *orders, const json_t *request, struct refusal *refusal);
json_t *run_ta_add(const struct orders *orders, const json_t *request, const struct peer *peer,
                   struct refusal *refusal);
json_t *run_ta_remove(const struct orders *orders, const json_t *request, const struct peer *peer,
                      struct refusal *refusal);
json_t *run_ta_check(const struct orders *orders, const json_t *request, struct refusal *refusal);
json_t *run_ta_bootstrap(const struct orders *orders, const json_t *request, const struct peer *peer,
                         struct refusal *refusal);
/* What these two were waited for. */
json_t *anchors_checked(const struct orders *orders);
json_t *anchors_bootstrapped(const struct orders *orders, struct refusal *refusal);

/* nta_commands.c */
json_t *run_nta_list(const struct orders *orders, const json_t *request, struct refusal *refusal);
json_t *run_nta_history(const struct orders *orders, const json_t *request, struct refusal *refusal);
json_t *run_nta_add(const struct orders *orders, const json_t *request, const struct peer *peer,
                    struct refusal *refusal);
json_t *run_nta_remove(const struct orders *orders, const json_t *request, const struct peer *peer,
                       struct refusal *refusal);

/* process_commands.c */
json_t *run_reload(const struct orders *orders, const json_t *request, struct refusal *refusal);
json_t *run_stop(const struct orders *orders, const json_t *request, struct refusal *refusal);

#endif
