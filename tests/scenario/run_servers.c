/* Servers: the questions that the resolver sends, and which entry of the story answers them. */
#include "tests/scenario/run.h"

static void send_question(struct run *run, const struct exchange *exchange)
{
    struct pending *pending = ARENA_NEW(run->arena, struct pending);
    *pending = (struct pending) { .id = exchange->id, .server = exchange->server };
    pending->packet.octets = octets_copy(run->arena, exchange->packet);
    pending->packet.transport = exchange->transport;
    if (message_read(pending->packet.octets, run->arena, &pending->packet.message) != OK)
        run_fail(run, "our question cannot be read");
    TAILQ_INSERT_TAIL(&run->pending, pending, next);
    if (++run->upstream_count > run->config->upstream_max && run->config->upstream_max > 0)
        run_fail(run, "more than %u upstream questions", run->config->upstream_max);
    char server[ADDRESS_TEXT_MAX];
    run_trace(run, "    -> %s %s %s", address_host_to_text(&pending->server, server),
              exchange->transport == TRANSPORT_TCP ? "TCP" : "UDP",
              run_question_text(run->arena, &pending->packet.message));
    run_show_message(run, &pending->packet.message);
}

static void cancel(struct run *run, uint64_t id)
{
    struct pending *pending;
    TAILQ_FOREACH(pending, &run->pending, next)
    {
        if (pending->id == id) {
            TAILQ_REMOVE(&run->pending, pending, next);
            return;
        }
    }
}

static void end_question(struct run *run, struct asker *asker, const struct outcome *outcome)
{
    if (asker->probe == NULL) {
        run_answer_client(run, asker, outcome);
        return;
    }
    run->probes--;
    rollover_answer(run->rollover, asker->probe, outcome, run->now);
}

void run_pump(struct run *run)
{
    struct want want;
    while (run->failure == NULL && resolver_next(run->resolver, run->now, &want)) {
        if (++run->rounds > ROUNDS_MAX)
            run_fail(run, "does not come to rest");
        if (want.kind == WANT_EXCHANGE)
            send_question(run, &want.exchange);
        else if (want.kind == WANT_CANCEL)
            cancel(run, want.exchange.id);
        else if (want.kind == WANT_DONE)
            end_question(run, want.waiter, want.outcome);
    }
}

void run_give_reply(struct run *run, struct pending *pending, struct story_entry *entry)
{
    char rcode[16], server[ADDRESS_TEXT_MAX];
    struct message message;
    entry->used = true;
    if (entry->adjust & ADJUST_NO_ANSWER) {
        pending->was_answered = true;
        return;
    }
    struct octets reply = story_write_reply(run->arena, run->story, entry, &pending->packet);
    enum err read = message_read(reply, run->arena, &message);
    run_trace(run, "    <- %s: %s: entry of line %u: %s", address_host_to_text(&pending->server, server),
              run_question_text(run->arena, &pending->packet.message), entry->line,
              read == OK ? rcode_to_text(message.rcode, rcode) : "malformed");
    if (read == OK)
        run_show_message(run, &message);
    if (resolver_absorb(run->resolver, pending->id, reply, run->now) == ABSORBED)
        cancel(run, pending->id);
    else
        pending->was_answered = true;
    run_pump(run);
}

void run_break_off(struct run *run, struct pending *pending, enum exchange_failure how)
{
    cancel(run, pending->id);
    resolver_exchange_failed(run->resolver, pending->id, how, run->now);
    run_pump(run);
}

/* Deckard's servers must have an answer, and where the story has no server there is no host. */
static void leave_unanswered(struct run *run, struct pending *pending)
{
    char server[ADDRESS_TEXT_MAX];
    if (!story_knows_server(run->story, &pending->server))
        run_break_off(run, pending, EXCHANGE_UNREACHABLE);
    else
        run_fail(run, "no entry answers the question %s asked of %s",
                 run_question_text(run->arena, &pending->packet.message),
                 address_host_to_text(&pending->server, server));
}

bool run_answer_one(struct run *run)
{
    struct pending *pending;
    TAILQ_FOREACH(pending, &run->pending, next)
    {
        if (pending->was_answered)
            continue;
        struct story_entry *entry =
            story_find_reply(run->arena, run->story, run->range_step, &pending->server, &pending->packet);
        if (entry != NULL)
            run_give_reply(run, pending, entry);
        else if (run->config->unanswered_fails)
            leave_unanswered(run, pending);
        else
            continue;
        return true;
    }
    return false;
}

struct pending *run_find_pending(struct run *run, const struct story_step *step, struct story_entry **entry)
{
    struct comparison comparison = { .arena = run->arena };
    struct pending *pending;
    TAILQ_FOREACH(pending, &run->pending, next)
    {
        if (pending->was_answered || (step->has_address && !story_address_is(&step->address, &pending->server)))
            continue;
        *entry = story_entries_find(&comparison, &step->entries, &pending->packet);
        if (*entry != NULL)
            return pending;
    }
    return NULL;
}

bool run_step_looks_at_question(struct run *run)
{
    struct story_entry *entry;
    return run->step != NULL && run->step->kind == STEP_CHECK_OUT_QUERY && run->story->has_sections &&
           run_find_pending(run, run->step, &entry) != NULL;
}

void run_answer_all(struct run *run)
{
    while (run->failure == NULL && !run_step_looks_at_question(run) && run_answer_one(run))
        continue;
}
