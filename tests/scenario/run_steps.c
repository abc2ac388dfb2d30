/* The steps of a story, one by one.  Before each step all upstream questions that a server answers at this step are
 * answered; what nobody answers stays in flight until the story, or the time that a client waits for its answer, lets
 * it time out. */
#include "tests/scenario/run.h"

#include <stdio.h>

static void advance(struct run *run)
{
    run->step = STAILQ_NEXT(run->step, next);
    if (run->step != NULL && run->story->has_sections) /* Deckard: those of the last question */
        run->range_step = run->step->number;
}

static void query(struct run *run, const struct story_step *step)
{
    struct story_entry *entry;
    run_tick_anchors(run);
    run_settle(run);
    if (!run->story->has_sections)
        run->range_step = step->number;
    advance(run);
    STAILQ_FOREACH(entry, &step->entries, next)
    run_ask(run, step, entry);
    run_pump(run);
    run_answer_all(run);
    while (!run->story->has_sections && run->failure == NULL && TAILQ_EMPTY(&run->answers) && run_let_time_out(run))
        continue;
}

static const char *entry_text(struct run *run, const struct story_entry *entry)
{
    struct message message;
    if (message_read(story_write_entry(run->arena, entry, 0), run->arena, &message) != OK)
        return "(cannot be shown)";
    return message_to_text(run->arena, &message);
}

static void fail_by_answer(struct run *run, const struct story_step *step, const char *difference)
{
    const struct client_answer *answer = TAILQ_FIRST(&run->answers);
    const struct story_entry *entry = STAILQ_FIRST(&step->entries);
    if (entry == NULL)
        run_fail(run, "an answer that no entry describes");
    else
        run_fail(run, "%s\n--- expected (line %u)\n%s\n--- got\n%s\n%s", difference, entry->line,
                 entry_text(run, entry), message_to_text(run->arena, &answer->packet.message), answer->why);
}

/* Takes the answer that one of the entries describes. */
static bool take_answer(struct run *run, const struct story_step *step, const char **difference)
{
    struct comparison comparison = {
        .arena = run->arena,
        .may_be_shorter = run->story->has_sections,
        .may_deny_longer = run->story->has_sections && run->config->resolver.shows_ns,
        .without_keepalive = !run->config->keepalive,
    };
    struct client_answer *answer;
    TAILQ_FOREACH(answer, &run->answers, next)
    {
        if (story_entries_find(&comparison, &step->entries, &answer->packet) != NULL) {
            TAILQ_REMOVE(&run->answers, answer, next);
            return true;
        }
    }
    *difference = comparison.difference;
    return false;
}

static void check_answer(struct run *run, const struct story_step *step)
{
    const char *difference = NULL;
    while (run->failure == NULL && TAILQ_EMPTY(&run->answers) && run_let_time_out(run))
        continue;
    if (run->failure != NULL)
        return;
    if (TAILQ_EMPTY(&run->answers))
        run_fail(run, "no answer");
    else if (!take_answer(run, step, &difference))
        fail_by_answer(run, step, difference);
    else
        advance(run);
}

/* Who falls back from letter case (draft-vixie-dnsext-dns0x20) asks one server after another and compares, or asks once
 * over TCP: its own business.  What is told of it beyond the client's answer means nothing. */
static bool has_fallen_back(const struct run *run)
{
    return run->config->resolver.random_case && !TAILQ_EMPTY(&run->answers);
}

static void check_out_query(struct run *run, const struct story_step *step)
{
    struct story_entry *entry;
    struct pending *pending = run_find_pending(run, step, &entry);
    while (pending == NULL && run->failure == NULL && TAILQ_EMPTY(&run->answers) && run_let_time_out(run))
        pending = run_find_pending(run, step, &entry);
    if (run->failure != NULL)
        return;
    if (pending == NULL && !has_fallen_back(run)) {
        run_fail(run, "no such question was sent");
        return;
    }
    advance(run);
    if (pending != NULL && entry->adjust & ADJUST_COPY_ID)
        run_give_reply(run, pending, entry);
}

/* SERVFAIL and its like: who gets it may ask the same server again, or not. */
static bool may_be_too_many(const struct story_entry *entry)
{
    return entry != NULL && entry->header.rcode != RCODE_NOERROR && entry->header.rcode != RCODE_NXDOMAIN;
}

/* The oldest question that the entry fits, else the oldest that waits on. */
static struct pending *find_replied(struct run *run, const struct story_step *step)
{
    struct story_entry *entry;
    struct pending *pending = run_find_pending(run, step, &entry);
    if (pending != NULL)
        return pending;
    TAILQ_FOREACH(pending, &run->pending, next)
    if (!pending->was_answered)
        return pending;
    return NULL;
}

static void reply(struct run *run, const struct story_step *step)
{
    struct pending *pending = find_replied(run, step);
    bool falls_back = run->config->resolver.random_case;
    while (pending == NULL && falls_back && run->failure == NULL && TAILQ_EMPTY(&run->answers) && run_let_time_out(run))
        pending = find_replied(run, step);
    if (pending == NULL)
        pending = TAILQ_FIRST(&run->pending);
    struct story_entry *entry = STAILQ_FIRST(&step->entries);
    if (entry == NULL || (pending == NULL && !may_be_too_many(entry) && !has_fallen_back(run))) {
        run_fail(run, "no question to reply to");
        return;
    }
    advance(run);
    if (pending != NULL)
        run_give_reply(run, pending, entry);
}

/* How often a resolver asks before it gives up is its own business: a step too many means nothing. */
static void time_out(struct run *run, const struct story_step *step)
{
    (void)step;
    advance(run);
    if (!TAILQ_EMPTY(&run->pending))
        run_let_time_out(run);
}

static void error(struct run *run, const struct story_step *step)
{
    (void)step;
    struct pending *pending = TAILQ_FIRST(&run->pending);
    advance(run);
    if (pending != NULL)
        run_break_off(run, pending, pending->packet.transport == TRANSPORT_TCP ? EXCHANGE_CLOSED : EXCHANGE_REFUSED);
}

static void flush(struct run *run, const struct story_step *step)
{
    struct dname name;
    const char *text = arena_printf(run->arena, "%.*s", (int)strcspn(step->rest, " "), step->rest);
    if (dname_from_text(text, &name) != OK) {
        run_fail(run, "not a name: \"%s\"", text);
        return;
    }
    cache_flush_name(run->cache, &name);
    advance(run);
}

/* "www.example.com. A IN": what is cached of it goes on as if its TTL were over. */
static void expire(struct run *run, const struct story_step *step)
{
    char name[DNAME_TEXT_MAX], type[RR_TYPE_TEXT_MAX];
    struct question question = { .qclass = CLASS_IN };
    struct answer *answer;
    if (sscanf(step->rest, "%1020s %15s", name, type) != 2 || dname_from_text(name, &question.qname) != OK ||
        rr_type_from_text(type, &question.qtype) != OK) {
        run_fail(run, "not a name and a type: \"%s\"", step->rest);
        return;
    }
    uint16_t origin = resolver_origin(&run->config->resolver, &question);
    if (cache_find_answer(run->cache, &question, origin, run->now, run->arena, &answer) == CACHE_FRESH) {
        answer->expires_ms = run->now.wall_ms + 1;
        cache_put_answer(run->cache, answer, run->now);
        run_let_pass(run, 2);
    }
    advance(run);
}

static void let_time_pass(struct run *run, const struct story_step *step)
{
    if (run_pass_time(run, step))
        advance(run);
}

static void settle(struct run *run, const struct story_step *step)
{
    (void)step;
    run_settle(run);
    advance(run);
}

static void assign(struct run *run, const struct story_step *step)
{
    if (run_assign(run, step))
        advance(run);
}

static void check_anchors(struct run *run, const struct story_step *step)
{
    if (run_check_anchors(run, step))
        advance(run);
}

static void go_on(struct run *run, const struct story_step *step)
{
    (void)step;
    advance(run);
}

static void (*const step_does[])(struct run *run, const struct story_step *step) = {
    [STEP_QUERY] = query,
    [STEP_CHECK_ANSWER] = check_answer,
    [STEP_CHECK_OUT_QUERY] = check_out_query,
    [STEP_REPLY] = reply,
    [STEP_TIMEOUT] = time_out,
    [STEP_ERROR] = error,
    [STEP_NOTHING] = go_on, /* before each step everything is answered anyway */
    [STEP_TIME_PASSES] = let_time_pass,
    [STEP_ASSIGN] = assign,
    [STEP_TRAFFIC] = settle,
    [STEP_CHECK_AUTOTRUST] = check_anchors,
    [STEP_INFRA_RTT] = go_on,
    [STEP_FLUSH_MESSAGE] = flush,
    [STEP_EXPIRE_MESSAGE] = expire,
    [STEP_CHECK_TEMPFILE] = go_on, /* stories with this one are skipped */
};

static void do_step(struct run *run, const struct story_step *step)
{
    bool is_told_to_servers = step->kind == STEP_REPLY || step->kind == STEP_CHECK_OUT_QUERY;
    if (!run->story->has_sections && is_told_to_servers) /* Deckard: nothing to be done now */
        advance(run);
    else
        step_does[step->kind](run, step);
}

static bool answer_is_due(struct run *run)
{
    const char *difference;
    return run->step->kind == STEP_CHECK_ANSWER && take_answer(run, run->step, &difference);
}

void run_tell(struct run *run)
{
    while (run->failure == NULL && run->step != NULL) {
        if (++run->rounds > ROUNDS_MAX)
            run_fail(run, "does not come to rest");
        else if (answer_is_due(run))
            advance(run);
        else if (run_step_looks_at_question(run) || !run_answer_one(run))
            do_step(run, run->step);
    }
}
