/* A story as it runs, for the files of story_run.h. */
#ifndef SCENARIO_RUN_H
#define SCENARIO_RUN_H

#include "policy/sentinel.h"
#include "resolver/response.h"
#include "steward/rollover.h"
#include "tests/scenario/story_eval.h"
#include "tests/scenario/story_run.h"
#include "tests/scenario/story_servers.h"

enum {
    ROUNDS_MAX = 20000, /* a story that takes more does not come to rest */
};

struct pending { /* an upstream question in flight */
    uint64_t id;
    struct address server;
    struct packet packet;
    bool was_answered; /* the resolver did not take what it got: it waits on */
    TAILQ_ENTRY(pending) next;
};

struct asker {   /* a client's question … */
    void *probe; /* … or, if not NULL, one of the rollover's: all else is empty */
    struct client_query query;
    struct retelling retelling;
    struct front_asker front;
    enum transport transport;
};

struct client_answer {
    struct packet packet;
    const char *why; /* for the report */
    TAILQ_ENTRY(client_answer) next;
};

struct trace_line {
    const char *text;
    STAILQ_ENTRY(trace_line) next;
};

struct run {
    struct arena *arena;
    const struct story *story;
    const struct story_config *config;
    const struct story_run_options *options;
    struct resolver *resolver;
    struct rollover *rollover; /* NULL: no anchors follow RFC 5011 */
    unsigned probes;           /* of it under way */
    struct trust *trust;       /* the snapshot in use; NULL: the configuration's */
    struct story_variables variables;
    struct cache *cache;
    struct local_names local;
    struct hooks hooks;
    struct random *random;
    struct now now;
    const struct story_step *step; /* to be done next; NULL at the end */
    unsigned range_step;           /* which ranges count */
    uint16_t next_id;
    unsigned rounds;
    unsigned upstream_count; /* questions sent */
    unsigned asking;         /* questions of clients that are being worked on */
    TAILQ_HEAD(, pending) pending;
    TAILQ_HEAD(, client_answer) answers;
    STAILQ_HEAD(, trace_line) trace;
    unsigned trace_count;
    const char *failure;
};

/* ---- run_report.c ---- */

/* The story has failed, unless it has before; always false. */
PRINTF_LIKE(2, 3) bool run_fail(struct run *run, const char *format, ...);
PRINTF_LIKE(2, 3) void run_trace(struct run *run, const char *format, ...);
/* If every packet is wanted. */
void run_show_message(struct run *run, const struct message *message);
const char *run_question_text(struct arena *arena, const struct message *message);
/* The verdicts behind an outcome, for the report of a failure. */
const char *run_explain(struct run *run, const struct outcome *outcome);
/* Of the failure, and of what came before. */
const char *run_report(struct run *run);

/* ---- run_clients.c ---- */

struct resolver_parts run_parts(const struct run *run);
/* The entry, as a client's question. */
void run_ask(struct run *run, const struct story_step *step, const struct story_entry *entry);
void run_answer_client(struct run *run, struct asker *asker, const struct outcome *outcome);

/* ---- run_servers.c ---- */

/* Until the resolver wants nothing more for now. */
void run_pump(struct run *run);
/* The entry, as the reply to a question. */
void run_give_reply(struct run *run, struct pending *pending, struct story_entry *entry);
void run_break_off(struct run *run, struct pending *pending, enum exchange_failure how);
/* Answers one upstream question, if one can be answered at this step. */
bool run_answer_one(struct run *run);
/* The oldest question that an entry of the step fits; NULL: there is none. */
struct pending *run_find_pending(struct run *run, const struct story_step *step, struct story_entry **entry);
/* A question that this step looks at is not answered before. */
bool run_step_looks_at_question(struct run *run);
void run_answer_all(struct run *run);

/* ---- run_time.c ---- */

void run_let_pass(struct run *run, int64_t ms);
/* To the next time-out; false if none is ahead. */
bool run_let_time_out(struct run *run);
/* A step TIME_PASSES. */
bool run_pass_time(struct run *run, const struct story_step *step);
/* Trust anchors that follow RFC 5011, if the story has some. */
void run_follow_anchors(struct run *run);
void run_tick_anchors(struct run *run);
/* Until none of their questions is under way. */
void run_settle(struct run *run);
/* Steps ASSIGN and CHECK_AUTOTRUST. */
bool run_assign(struct run *run, const struct story_step *step);
bool run_check_anchors(struct run *run, const struct story_step *step);

/* ---- run_steps.c ---- */

/* From the first step to the last, or to a failure. */
void run_tell(struct run *run);

#endif
