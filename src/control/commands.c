#include "control/commands.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "control/command.h"
#include "control/control.h"

static const struct command commands[] = {
    { "status", .run = run_status },
    { "stats", .run = run_stats },
    { "metrics", .run = run_metrics },
    { "failures", .run = run_failures },
    { "nta explain", .run = run_nta_explain },
    { "flush all", .run = run_flush_all, .weakens = true, .changes = true },
    { "flush name", .run = run_flush_name, .weakens = true, .changes = true },
    { "flush zone", .run = run_flush_zone, .weakens = true, .changes = true },
    { "flush key", .run = run_flush_key, .weakens = true, .changes = true },
    { "time", .run = run_time },
    { "time check", .next = NEXT_CHECK },
    { "dump-cache", .next = NEXT_DUMP },
    { "ta status", .run = run_ta_status },
    { "ta check", .run = run_ta_check, .next = NEXT_ANCHOR_CHECK },
    { "ta bootstrap", .run_for = run_ta_bootstrap, .weakens = true, .changes = true, .next = NEXT_BOOTSTRAP },
    { "ta refresh", .run = run_ta_refresh, .changes = true },
    { "ta add", .run_for = run_ta_add, .weakens = true, .changes = true },
    { "ta remove", .run_for = run_ta_remove, .weakens = true, .changes = true },
    { "nta list", .run = run_nta_list },
    { "nta history", .run = run_nta_history },
    { "nta add", .run_for = run_nta_add, .weakens = true, .changes = true, .next = NEXT_NTA },
    { "nta remove", .run_for = run_nta_remove, .weakens = true, .changes = true },
    { "reload", .run = run_reload, .changes = true },
    { "stop", .run = run_stop, .weakens = true, .changes = true, .next = NEXT_STOP },
};

static const struct command *find_command(const char *name)
{
    for (size_t i = 0; name != NULL && i < ARRAY_LEN(commands); i++) {
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    }
    return NULL;
}

static bool is_allowed(const struct command *command, const struct admins *admins, const struct peer *peer)
{
    bool is_trusted = !command->weakens || peer->uid == 0 || peer->uid == geteuid();
    for (uint16_t i = 0; i < admins->count; i++)
        is_trusted = is_trusted || admins->uids[i] == peer->uid;
    return is_trusted;
}

/* Which command the request is for; NULL: *refusal says why it is for none. */
static const struct command *choose(const json_t *request, const struct admins *admins, const struct peer *peer,
                                    struct refusal *refusal)
{
    const json_t *version = json_object_get(request, "version");
    const struct command *command = find_command(json_string_value(json_object_get(request, "command")));
    if (!json_is_object(request)) {
        refuse(refusal, "bad-request", "expected one JSON object on one line");
    } else if (json_integer_value(version) != CONTROL_VERSION) {
        refuse(refusal, "bad-version", "expected \"version\":%d", CONTROL_VERSION);
        snprintf(refusal->hint, sizeof(refusal->hint), "vouchctl and vouchd must be of the same release");
    } else if (command == NULL) {
        refuse(refusal, "unknown-command", "this vouchd knows no such command");
    } else if (!is_allowed(command, admins, peer)) {
        refuse(refusal, "not-permitted", "user %u may not order \"%s\"", (unsigned)peer->uid, command->name);
        snprintf(refusal->hint, sizeof(refusal->hint), "ask as root, or list the user under control.admins");
        log_warning("control: user %u (process %d) is refused: %s", (unsigned)peer->uid, (int)peer->pid, command->name);
    } else {
        return command;
    }
    return NULL;
}

/* Orders are part of the history of a resolver: who, what, and about which name. */
static void log_order(const json_t *request, const struct peer *peer)
{
    char *text = json_dumps(request, JSON_COMPACT | JSON_ENSURE_ASCII | JSON_SORT_KEYS);
    log_info("control: user %u (process %d): %.1000s", (unsigned)peer->uid, (int)peer->pid, text == NULL ? "" : text);
    free(text);
}

char *command_answer(const struct orders *orders, const struct admins *admins, const struct peer *peer,
                     const char *line, size_t len, enum next *next)
{
    struct refusal refusal = { .code = NULL };
    json_t *reply = NULL, *request = json_loadb(line, len, JSON_REJECT_DUPLICATES, NULL);
    const struct command *command = choose(request, admins, peer, &refusal);
    if (command != NULL && command->changes)
        log_order(request, peer);
    if (command != NULL && command->run != NULL)
        reply = command->run(orders, request, &refusal);
    else if (command != NULL && command->run_for != NULL)
        reply = command->run_for(orders, request, peer, &refusal);
    json_decref(request);
    *next = refusal.code == NULL ? command->next : NEXT_NOTHING;
    if (refusal.code != NULL)
        return command_refusal(refusal.code, refusal.text, refusal.hint);
    return reply == NULL ? NULL : line_of(reply);
}

char *command_awaited(const struct orders *orders, enum next next)
{
    struct refusal refusal = { .code = NULL };
    json_t *reply = next == NEXT_CHECK          ? run_time(orders, NULL, &refusal)
                    : next == NEXT_ANCHOR_CHECK ? anchors_checked(orders)
                                                : anchors_bootstrapped(orders, &refusal);
    return reply == NULL ? command_refusal(refusal.code, refusal.text, refusal.hint) : line_of(reply);
}
