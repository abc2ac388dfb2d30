/* The loop that tells a story.  Before each step all upstream questions that a server
 * answers at this step are answered; what nobody answers stays in flight until the
 * story, or the time that a client waits for its answer, lets it time out. */
#include "tests/scenario/story_run.h"

#include <stdio.h>
#include <stdlib.h>

#include "message/text.h"
#include "policy/sentinel.h"
#include "resolver/known.h"
#include "resolver/response.h"
#include "steward/rollover.h"
#include "tests/scenario/story_anchors.h"
#include "tests/scenario/story_eval.h"
#include "tests/scenario/story_servers.h"

enum {
    ROUNDS_MAX = 20000,   /* a story that takes more does not come to rest */
    TRACE_LINES_MAX = 60, /* of a failed story's report */
    CLIENT_ID_FIRST = 1000,
    RESPONSE_OCTETS_MAX = MESSAGE_OCTETS_MAX,
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

/* ---- telling people ---- */

static PRINTF_LIKE(2, 3) bool fail(struct run *run, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    const char *what = arena_vprintf(run->arena, format, arguments);
    va_end(arguments);
    if (run->failure == NULL && run->step != NULL)
        run->failure = arena_printf(run->arena, "step %u (%s, line %u): %s", run->step->number,
                                    step_kind_text(run->step->kind), run->step->line, what);
    else if (run->failure == NULL)
        run->failure = arena_printf(run->arena, "at the end: %s", what);
    return false;
}

static PRINTF_LIKE(2, 3) void trace(struct run *run, const char *format, ...)
{
    struct trace_line *line = ARENA_NEW(run->arena, struct trace_line);
    va_list arguments;
    va_start(arguments, format);
    line->text = arena_vprintf(run->arena, format, arguments);
    va_end(arguments);
    STAILQ_INSERT_TAIL(&run->trace, line, next);
    if (++run->trace_count > TRACE_LINES_MAX) {
        STAILQ_REMOVE_HEAD(&run->trace, next);
        run->trace_count--;
    }
    if (run->options->verbose)
        puts(line->text);
}

static void show_message(struct run *run, const struct message *message)
{
    if (run->options->verbose)
        puts(message_to_text(run->arena, message));
}

static const char *question_text(struct arena *arena, const struct message *message)
{
    char name[DNAME_TEXT_MAX], type[RR_TYPE_TEXT_MAX];
    if (!message->has_question)
        return "no question";
    return arena_printf(arena, "%s %s", dname_to_text(&message->question.qname, name),
                        rr_type_to_text(message->question.qtype, type));
}

static void explain_cuts(struct text *text, const struct explanation *explanation)
{
    char name[DNAME_TEXT_MAX];
    for (uint8_t i = 0; i < explanation->cut_count; i++) {
        const struct explained_cut *cut = &explanation->cuts[i];
        text_printf(text, "        cut %s: %s (%s)\n", dname_to_text(&cut->zone, name), security_text(cut->security),
                    cut->how == NULL ? "" : cut->how);
    }
}

static const char *explain(struct run *run, const struct outcome *outcome)
{
    struct text text = text_new(run->arena);
    text_printf(&text, "    %s", security_text(outcome->security));
    if (outcome->site != NULL)
        text_printf(&text, ", site %s", outcome->site);
    for (uint16_t i = 0; i < outcome->ede_count; i++)
        text_printf(&text, ", EDE %d \"%s\"", outcome->edes[i].code,
                    outcome->edes[i].text == NULL ? "" : outcome->edes[i].text);
    text_printf(&text, "\n");
    for (uint16_t i = 0; i < outcome->link_count; i++) {
        const struct verdict *verdict = &outcome->links[i]->verdict;
        char name[DNAME_TEXT_MAX];
        text_printf(&text, "      link %s: %s, site %s %s\n", dname_to_text(&outcome->links[i]->question.qname, name),
                    security_text(verdict->security), verdict->site == NULL ? "-" : verdict->site, verdict->text);
        if (verdict->explanation != NULL)
            explain_cuts(&text, verdict->explanation);
    }
    return text.data;
}

/* ---- clients ---- */

static void keep_answer(struct run *run, struct octets octets, enum transport transport, const char *why)
{
    struct client_answer *answer = ARENA_NEW(run->arena, struct client_answer);
    *answer = (struct client_answer) { .packet = { .octets = octets_copy(run->arena, octets), .transport = transport },
                                       .why = why };
    if (message_read(answer->packet.octets, run->arena, &answer->packet.message) != OK)
        fail(run, "our response cannot be read");
    TAILQ_INSERT_TAIL(&run->answers, answer, next);
    char rcode[16];
    trace(run, "  <= client: %s: %s", question_text(run->arena, &answer->packet.message),
          rcode_to_text(answer->packet.message.rcode, rcode));
    show_message(run, &answer->packet.message);
}

static void check_cost(struct run *run, const struct budget *left)
{
    unsigned checks = SIGNATURE_CHECKS_MAX - left->signature_checks, hashes = NSEC3_HASHES_MAX - left->hashes;
    unsigned packets = run->config->resolver.packets_max - (unsigned)left->packets;
    trace(run, "  cost: %u signature checks, %u hashes, %u packets", checks, hashes, packets);
    if (checks > run->config->checks_max && run->config->checks_max > 0)
        fail(run, "%u signature checks, not %u at most", checks, run->config->checks_max);
    if (hashes > run->config->hashes_max && run->config->hashes_max > 0)
        fail(run, "%u hashes, not %u at most", hashes, run->config->hashes_max);
}

static const struct trust *trust_of(const struct run *run)
{
    return run->trust == NULL ? run->config->trust : run->trust;
}

static void done(struct run *run, struct asker *asker, const struct outcome *outcome)
{
    struct outcome told;
    struct question question;
    check_cost(run, outcome->budget);
    enum retold retold = retell_outcome(&run->config->retelling, trust_of(run), &asker->query, &asker->retelling,
                                        outcome, run->now, run->arena, &told, &question);
    if (retold == RETOLD_ASK) {
        resolver_ask(run->resolver, &question, front_disables_checking(&run->config->front, &asker->query.header),
                     asker, run->now);
        return;
    }
    run->asking--;
    uint8_t *buffer = memory_new(RESPONSE_OCTETS_MAX, 1);
    struct client_query query = asker->query;
    uint8_t options[FRONT_OPTIONS_OCTETS_MAX];
    query.options = front_write_options(&run->config->front, &asker->front, run->config->keepalive_ms, options);
    struct octets octets = response_write(&run->config->answers, &query, retold == RETOLD_OTHER ? &told : outcome,
                                          run->now, buffer, RESPONSE_OCTETS_MAX);
    keep_answer(run, octets, asker->transport, explain(run, outcome));
    free(buffer);
}

static struct client_query client_query_of(const struct run *run, const struct packet *packet)
{
    const struct message *message = &packet->message;
    const struct edns *edns = &message->edns;
    size_t client_max = edns->present ? edns->udp_octets : UDP_OCTETS_CLASSIC;
    size_t our_max = run->config->answers.edns_octets;
    return (struct client_query) {
        .header = message->header,
        .question = message->question,
        .edns = edns->present,
        .dnssec_ok = edns->present && edns->dnssec_ok,
        .size_max = packet->transport == TRANSPORT_TCP ? MESSAGE_OCTETS_MAX
                    : client_max < our_max             ? client_max
                                                       : our_max,
    };
}

static void answer_at_once(struct run *run, const struct asker *asker, const struct message *message,
                           const struct front_decision *decision)
{
    uint8_t *buffer = memory_new(RESPONSE_OCTETS_MAX, 1);
    const struct question *question = message->has_question ? &message->question : NULL;
    struct client_query query = asker->query;
    uint8_t options[FRONT_OPTIONS_OCTETS_MAX];
    query.options = front_write_options(&run->config->front, &asker->front, run->config->keepalive_ms, options);
    query.use_stream = decision->verdict == FRONT_USE_STREAM;
    const struct answer_options *answers = &run->config->answers;
    const char *text =
        decision->verdict == FRONT_ANCHORS ? sentinel_anchors(trust_of(run), run->now, run->arena) : decision->text;
    struct octets octets = decision->verdict == FRONT_TEXT || decision->verdict == FRONT_ANCHORS
                               ? response_write_text(answers, &query, text, buffer, RESPONSE_OCTETS_MAX)
                               : response_write_error(answers, &query, question, decision->rcode, decision->ede,
                                                      decision->text, buffer, RESPONSE_OCTETS_MAX);
    keep_answer(run, octets, asker->transport,
                arena_printf(run->arena, "    front: EDE %d \"%s\"\n", decision->ede,
                             decision->text == NULL ? "" : decision->text));
    free(buffer);
}

static struct resolver_parts parts_of(const struct run *run)
{
    return (struct resolver_parts) {
        .cache = run->cache,
        .random = run->random,
        .options = &run->config->resolver,
        .policy = &run->config->policy,
        .trust = trust_of(run),
        .hooks = &run->hooks,
        .explain = true,
    };
}

/* Questions with RD=0 are resolved all the same, but for clients that may look into the cache when that
 * holds an NS set. */
static void resolve(struct run *run, struct asker *asker, const struct address *client)
{
    struct question question = retell_question(&run->config->retelling, &asker->query, &asker->retelling), referral;
    struct resolver_parts parts = parts_of(run);
    if (run->asking >= run->config->front.waiting_max && run->config->front.drops_when_busy) {
        trace(run, "  dropped: %u questions are being worked on", run->asking);
        return;
    }
    run->asking++;
    bool snoops = !asker->query.header.rd && front_may_snoop(&run->config->front, client);
    if (snoops && known_at_all(&parts, &asker->query.question, run->now, run->arena, &referral) == KNOWN_CUT) {
        asker->query.wants_referral = true;
        asker->retelling.stage = RETELLING_AS_IT_IS;
        question = referral;
    }
    resolver_ask(run->resolver, &question, front_disables_checking(&run->config->front, &asker->query.header), asker,
                 run->now);
}

static void ask(struct run *run, const struct story_step *step, const struct story_entry *entry)
{
    struct packet packet = { .octets = story_write_entry(run->arena, entry, run->next_id++) };
    packet.transport = entry->match & MATCH_TCP ? TRANSPORT_TCP : TRANSPORT_UDP;
    struct address client = { .family = 4, .port = 53, .octets = { 127, 0, 0, 1 } };
    if (step->has_address)
        client = step->address;
    enum err read = message_read(packet.octets, run->arena, &packet.message);
    struct asker *asker = ARENA_NEW(run->arena, struct asker);
    *asker = (struct asker) { .query = client_query_of(run, &packet), .transport = packet.transport };
    struct cookie_keys keys = { 0 };
    struct edns_wishes wishes = edns_wishes_of(&packet.message.edns);
    cookie_keys_set(&keys, &run->config->front.cookies, &run->config->cookie_master, run->now);
    asker->front = front_asker_of(&keys, &wishes, &client, packet.transport == TRANSPORT_TCP, run->now);
    struct front_decision decision = front_judge(&run->config->front, &client, &asker->front, read, &packet.message);
    trace(run, "  => client asks: %s", question_text(run->arena, &packet.message));
    if (decision.verdict == FRONT_RESOLVE) {
        resolve(run, asker, &client);
    } else if (decision.verdict != FRONT_DROP) {
        answer_at_once(run, asker, &packet.message, &decision);
    }
}

/* ---- the resolver's wishes ---- */

static void send_question(struct run *run, const struct exchange *exchange)
{
    struct pending *pending = ARENA_NEW(run->arena, struct pending);
    *pending = (struct pending) { .id = exchange->id, .server = exchange->server };
    pending->packet.octets = octets_copy(run->arena, exchange->packet);
    pending->packet.transport = exchange->transport;
    if (message_read(pending->packet.octets, run->arena, &pending->packet.message) != OK)
        fail(run, "our question cannot be read");
    TAILQ_INSERT_TAIL(&run->pending, pending, next);
    if (++run->upstream_count > run->config->upstream_max && run->config->upstream_max > 0)
        fail(run, "more than %u upstream questions", run->config->upstream_max);
    char server[ADDRESS_TEXT_MAX];
    trace(run, "    -> %s %s %s", address_host_to_text(&pending->server, server),
          exchange->transport == TRANSPORT_TCP ? "TCP" : "UDP", question_text(run->arena, &pending->packet.message));
    show_message(run, &pending->packet.message);
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
        done(run, asker, outcome);
        return;
    }
    run->probes--;
    rollover_answer(run->rollover, asker->probe, outcome, run->now);
}

/* Until the resolver wants nothing more for now. */
static void pump(struct run *run)
{
    struct want want;
    while (run->failure == NULL && resolver_next(run->resolver, run->now, &want)) {
        if (++run->rounds > ROUNDS_MAX)
            fail(run, "does not come to rest");
        if (want.kind == WANT_EXCHANGE)
            send_question(run, &want.exchange);
        else if (want.kind == WANT_CANCEL)
            cancel(run, want.exchange.id);
        else if (want.kind == WANT_DONE)
            end_question(run, want.waiter, want.outcome);
    }
}

/* ---- servers ---- */

static void give(struct run *run, struct pending *pending, struct story_entry *entry)
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
    trace(run, "    <- %s: %s: entry of line %u: %s", address_host_to_text(&pending->server, server),
          question_text(run->arena, &pending->packet.message), entry->line,
          read == OK ? rcode_to_text(message.rcode, rcode) : "malformed");
    if (read == OK)
        show_message(run, &message);
    if (resolver_absorb(run->resolver, pending->id, reply, run->now) == ABSORBED)
        cancel(run, pending->id);
    else
        pending->was_answered = true;
    pump(run);
}

static void break_off(struct run *run, struct pending *pending, enum exchange_failure how)
{
    cancel(run, pending->id);
    resolver_exchange_failed(run->resolver, pending->id, how, run->now);
    pump(run);
}

/* Deckard's servers must have an answer, and where the story has no server there is no host. */
static void leave_unanswered(struct run *run, struct pending *pending)
{
    char server[ADDRESS_TEXT_MAX];
    if (!story_knows_server(run->story, &pending->server))
        break_off(run, pending, EXCHANGE_UNREACHABLE);
    else
        fail(run, "no entry answers the question %s asked of %s", question_text(run->arena, &pending->packet.message),
             address_host_to_text(&pending->server, server));
}

/* Answers one upstream question, if one can be answered at this step. */
static bool answer_one(struct run *run)
{
    struct pending *pending;
    TAILQ_FOREACH(pending, &run->pending, next)
    {
        if (pending->was_answered)
            continue;
        struct story_entry *entry =
            story_find_reply(run->arena, run->story, run->range_step, &pending->server, &pending->packet);
        if (entry != NULL)
            give(run, pending, entry);
        else if (run->config->unanswered_fails)
            leave_unanswered(run, pending);
        else
            continue;
        return true;
    }
    return false;
}

static struct pending *find_pending(struct run *run, const struct story_step *step, struct story_entry **entry)
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

/* A question that this step looks at is not answered before. */
static bool is_looked_at(struct run *run)
{
    struct story_entry *entry;
    return run->step != NULL && run->step->kind == STEP_CHECK_OUT_QUERY && run->story->has_sections &&
           find_pending(run, run->step, &entry) != NULL;
}

static void answer_all(struct run *run)
{
    while (run->failure == NULL && !is_looked_at(run) && answer_one(run))
        continue;
}

/* ---- time ---- */

static void let_pass(struct run *run, int64_t ms)
{
    run->now.wall_ms += ms;
    run->now.monotonic_ms += ms;
    resolver_tick(run->resolver, run->now);
    pump(run);
}

static void set_times(struct run *run)
{
    const struct managed *managed = run->config->managed;
    int64_t next_s = INT64_MAX;
    for (size_t i = 0; managed != NULL && i < managed->count; i++)
        if (managed->zones[i].next_s < next_s)
            next_s = managed->zones[i].next_s;
    run->variables.time_s = now_wall_s(run->now);
    run->variables.timeout_s = next_s - now_wall_s(run->now);
}

static void tick_anchors(struct run *run)
{
    if (run->rollover != NULL)
        rollover_tick(run->rollover, run->now);
    pump(run);
}

/* To the next time-out; false if none is ahead. */
static bool let_time_out(struct run *run)
{
    int64_t deadline_ms = resolver_deadline_ms(run->resolver);
    if (deadline_ms == INT64_MAX)
        return false;
    if (++run->rounds > ROUNDS_MAX)
        return fail(run, "does not come to rest");
    let_pass(run, deadline_ms > run->now.monotonic_ms ? deadline_ms - run->now.monotonic_ms : 1);
    answer_all(run);
    return true;
}

/* "ELAPSE 1.5" or "EVAL ${30*24*3600}" */
static bool read_duration(struct run *run, const struct story_step *step, int64_t *ms)
{
    static const char eval[] = "EVAL ";
    double seconds;
    const char *error;
    if (sscanf(step->rest, "ELAPSE %lf", &seconds) == 1) {
        *ms = (int64_t)(seconds * 1000);
        return true;
    }
    if (strncmp(step->rest, eval, sizeof(eval) - 1) != 0)
        return fail(run, "TIME_PASSES wants ELAPSE or EVAL");
    set_times(run);
    if (!story_evaluate(run->arena, &run->variables, step->rest + sizeof(eval) - 1, ms, &error))
        return fail(run, "%s", error);
    *ms *= 1000;
    return true;
}

/* In Unbound's stories a question in flight ends by REPLY or TIMEOUT alone; only where a client's patience
 * counts do timers run. */
static bool has_no_timeouts(const struct run *run)
{
    const struct stale_options *stale = &run->config->resolver.stale;
    return run->story->has_sections && !TAILQ_EMPTY(&run->pending) && !stale->enabled;
}

static bool pass_time(struct run *run, const struct story_step *step)
{
    int64_t ms;
    if (!read_duration(run, step, &ms))
        return false;
    if (has_no_timeouts(run)) {
        run->now.wall_ms += ms;
        return true;
    }
    int64_t until_ms = run->now.monotonic_ms + ms;
    while (run->failure == NULL && resolver_deadline_ms(run->resolver) < until_ms)
        let_time_out(run);
    if (until_ms > run->now.monotonic_ms)
        let_pass(run, until_ms - run->now.monotonic_ms);
    tick_anchors(run);
    return run->failure == NULL;
}

/* ---- trust anchors ---- */

/* Until no question of the rollover is under way. */
static void settle(struct run *run)
{
    answer_all(run);
    while (run->failure == NULL && run->probes > 0 && let_time_out(run))
        continue;
}

static bool assign(struct run *run, const struct story_step *step)
{
    const char *error;
    settle(run);
    set_times(run);
    return story_assign(run->arena, &run->variables, step->rest, &error) || fail(run, "%s", error);
}

static bool check_anchors(struct run *run, const struct story_step *step)
{
    settle(run);
    const char *difference = run->config->managed == NULL ? "no trust anchors follow RFC 5011"
                                                          : story_anchors_difference(run->arena, run->config->managed,
                                                                                     step->file, now_wall_s(run->now));
    return difference == NULL || fail(run, "%s", difference);
}

/* ---- steps ---- */

static void advance(struct run *run)
{
    run->step = STAILQ_NEXT(run->step, next);
    if (run->step != NULL && run->story->has_sections) /* Deckard: those of the last question */
        run->range_step = run->step->number;
}

static void query(struct run *run, const struct story_step *step)
{
    struct story_entry *entry;
    if (!run->story->has_sections)
        run->range_step = step->number;
    advance(run);
    STAILQ_FOREACH(entry, &step->entries, next)
    ask(run, step, entry);
    pump(run);
    answer_all(run);
    while (!run->story->has_sections && run->failure == NULL && TAILQ_EMPTY(&run->answers) && let_time_out(run))
        continue;
}

static const char *entry_text(struct run *run, const struct story_entry *entry)
{
    struct message message;
    if (message_read(story_write_entry(run->arena, entry, 0), run->arena, &message) != OK)
        return "(cannot be shown)";
    return message_to_text(run->arena, &message);
}

static bool answer_is_wrong(struct run *run, const struct story_step *step, const char *difference)
{
    const struct client_answer *answer = TAILQ_FIRST(&run->answers);
    const struct story_entry *entry = STAILQ_FIRST(&step->entries);
    if (entry == NULL)
        return fail(run, "an answer that no entry describes");
    return fail(run, "%s\n--- expected (line %u)\n%s\n--- got\n%s\n%s", difference, entry->line, entry_text(run, entry),
                message_to_text(run->arena, &answer->packet.message), answer->why);
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

static bool check_answer(struct run *run, const struct story_step *step)
{
    const char *difference = NULL;
    while (run->failure == NULL && TAILQ_EMPTY(&run->answers) && let_time_out(run))
        continue;
    if (run->failure != NULL)
        return false;
    if (TAILQ_EMPTY(&run->answers))
        return fail(run, "no answer");
    if (!take_answer(run, step, &difference))
        return answer_is_wrong(run, step, difference);
    advance(run);
    return true;
}

/* Who falls back from letter case (draft-vixie-dnsext-dns0x20) asks one server after another and compares, or asks once
 * over TCP: its own business.  What is told of it beyond the client's answer means nothing. */
static bool has_fallen_back(const struct run *run)
{
    return run->config->resolver.random_case && !TAILQ_EMPTY(&run->answers);
}

static bool check_out_query(struct run *run, const struct story_step *step)
{
    struct story_entry *entry;
    struct pending *pending = find_pending(run, step, &entry);
    while (pending == NULL && run->failure == NULL && TAILQ_EMPTY(&run->answers) && let_time_out(run))
        pending = find_pending(run, step, &entry);
    if (run->failure != NULL)
        return false;
    if (pending == NULL && !has_fallen_back(run))
        return fail(run, "no such question was sent");
    advance(run);
    if (pending != NULL && entry->adjust & ADJUST_COPY_ID)
        give(run, pending, entry);
    return true;
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
    struct pending *pending = find_pending(run, step, &entry);
    if (pending != NULL)
        return pending;
    TAILQ_FOREACH(pending, &run->pending, next)
    if (!pending->was_answered)
        return pending;
    return NULL;
}

static bool reply(struct run *run, const struct story_step *step)
{
    struct pending *pending = find_replied(run, step);
    bool falls_back = run->config->resolver.random_case;
    while (pending == NULL && falls_back && run->failure == NULL && TAILQ_EMPTY(&run->answers) && let_time_out(run))
        pending = find_replied(run, step);
    if (pending == NULL)
        pending = TAILQ_FIRST(&run->pending);
    struct story_entry *entry = STAILQ_FIRST(&step->entries);
    if (entry == NULL || (pending == NULL && !may_be_too_many(entry) && !has_fallen_back(run)))
        return fail(run, "no question to reply to");
    advance(run);
    if (pending != NULL)
        give(run, pending, entry);
    return true;
}

/* How often a resolver asks before it gives up is its own business: a step too many means nothing. */
static void time_out(struct run *run)
{
    advance(run);
    if (!TAILQ_EMPTY(&run->pending))
        let_time_out(run);
}

static void error(struct run *run)
{
    struct pending *pending = TAILQ_FIRST(&run->pending);
    advance(run);
    if (pending != NULL)
        break_off(run, pending, pending->packet.transport == TRANSPORT_TCP ? EXCHANGE_CLOSED : EXCHANGE_REFUSED);
}

static void flush(struct run *run, const struct story_step *step)
{
    struct dname name;
    const char *text = arena_printf(run->arena, "%.*s", (int)strcspn(step->rest, " "), step->rest);
    if (dname_from_text(text, &name) != OK) {
        fail(run, "not a name: \"%s\"", text);
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
        fail(run, "not a name and a type: \"%s\"", step->rest);
        return;
    }
    uint16_t origin = resolver_origin(&run->config->resolver, &question);
    if (cache_find_answer(run->cache, &question, origin, run->now, run->arena, &answer) == CACHE_FRESH) {
        answer->expires_ms = run->now.wall_ms + 1;
        cache_put_answer(run->cache, answer, run->now);
        let_pass(run, 2);
    }
    advance(run);
}

static void do_step(struct run *run, const struct story_step *step)
{
    bool is_told_to_servers = step->kind == STEP_REPLY || step->kind == STEP_CHECK_OUT_QUERY;
    if (!run->story->has_sections && is_told_to_servers) { /* Deckard: nothing to be done now */
        advance(run);
        return;
    }
    switch (step->kind) {
    case STEP_QUERY:
        tick_anchors(run);
        settle(run);
        query(run, step);
        return;
    case STEP_CHECK_ANSWER:
        check_answer(run, step);
        return;
    case STEP_CHECK_OUT_QUERY:
        check_out_query(run, step);
        return;
    case STEP_REPLY:
        reply(run, step);
        return;
    case STEP_TIMEOUT:
        time_out(run);
        return;
    case STEP_ERROR:
        error(run);
        return;
    case STEP_TIME_PASSES:
        if (pass_time(run, step))
            advance(run);
        return;
    case STEP_TRAFFIC:
        settle(run);
        advance(run);
        return;
    case STEP_FLUSH_MESSAGE:
        flush(run, step);
        return;
    case STEP_EXPIRE_MESSAGE:
        expire(run, step);
        return;
    case STEP_INFRA_RTT:
    case STEP_CHECK_TEMPFILE: /* stories with this one are skipped */
    case STEP_NOTHING:        /* before each step everything is answered anyway */
        advance(run);
        return;
    case STEP_ASSIGN:
        if (assign(run, step))
            advance(run);
        return;
    case STEP_CHECK_AUTOTRUST:
        if (check_anchors(run, step))
            advance(run);
        return;
    }
}

static bool answer_is_due(struct run *run)
{
    const char *difference;
    return run->step->kind == STEP_CHECK_ANSWER && take_answer(run, run->step, &difference);
}

static void tell(struct run *run)
{
    while (run->failure == NULL && run->step != NULL) {
        if (++run->rounds > ROUNDS_MAX)
            fail(run, "does not come to rest");
        else if (answer_is_due(run))
            advance(run);
        else if (is_looked_at(run) || !answer_one(run))
            do_step(run, run->step);
    }
}

/* ---- the end ---- */

static void check_entries_used(struct run *run, const struct story_entries *entries)
{
    const struct story_entry *entry;
    STAILQ_FOREACH(entry, entries, next)
    if (entry->mandatory && !entry->used)
        fail(run, "the entry of line %u was never asked for", entry->line);
}

/* What is refreshed in the background may find no server any more: it comes to an end by itself. */
static bool may_outlast_story(const struct run *run)
{
    const struct resolver_options *resolver = &run->config->resolver;
    return run->story->has_sections && (resolver->stale.enabled || resolver->prefetch) && TAILQ_EMPTY(&run->answers);
}

static void check_end(struct run *run)
{
    const struct story_range *range;
    while (may_outlast_story(run) && !TAILQ_EMPTY(&run->pending) && let_time_out(run))
        continue;
    STAILQ_FOREACH(range, &run->story->ranges, next)
    check_entries_used(run, &range->entries);
    if (!TAILQ_EMPTY(&run->pending))
        fail(run, "an upstream question that nobody waits for");
    if (run->failure == NULL && run->story->has_sections && !TAILQ_EMPTY(&run->answers))
        fail(run, "an answer that the story does not tell of:\n%s",
             message_to_text(run->arena, &TAILQ_FIRST(&run->answers)->packet.message));
}

static const char *report_of(struct run *run)
{
    struct text text = text_new(run->arena);
    struct trace_line *line;
    text_printf(&text, "%s\n--- what happened\n", run->failure);
    STAILQ_FOREACH(line, &run->trace, next)
    text_printf(&text, "%s\n", line->text);
    return text.data;
}

static void on_probe(void *context, const struct question *question, bool checking_disabled, void *waiter)
{
    struct run *run = context;
    struct asker *asker = ARENA_NEW(run->arena, struct asker);
    *asker = (struct asker) { .probe = waiter };
    run->probes++;
    resolver_probe(run->resolver, question, checking_disabled, asker, run->now);
}

static void use_anchors(struct run *run)
{
    struct rollover_options options = { .refresh = true };
    struct resolver_parts parts = parts_of(run);
    resolver_configure(run->resolver, &parts);
    rollover_configure(run->rollover, &options, parts.policy, parts.trust);
}

static void on_observed(void *context, const struct managed_zone *zone, const struct anchor_changes *changes,
                        struct now now)
{
    struct run *run = context;
    struct trust *old = run->trust;
    (void)now;
    trace(run, "  anchors: %s", zone->failure == NULL ? "refreshed" : zone->failure);
    for (size_t i = 0; i < changes->count; i++)
        trace(run, "  anchors: key %u: %s: %s", changes->items[i].key_tag, anchor_state_text(changes->items[i].to),
              changes->items[i].why);
    run->trust = managed_snapshot(run->config->managed, run->config->trust);
    use_anchors(run);
    trust_free(old);
}

static void follow_anchors(struct run *run)
{
    struct rollover_host host = { run, on_probe, on_observed };
    if (run->config->managed == NULL)
        return;
    run->rollover = rollover_new(&host, run->config->managed, run->random);
    use_anchors(run);
}

bool story_run(struct arena *arena, const struct story *story, const struct story_config *config,
               const struct story_run_options *options, const char **report)
{
    struct run run = {
        .arena = arena,
        .story = story,
        .config = config,
        .options = options,
        .random = random_seeded_new(options->seed),
        .now = { .wall_ms = config->start_ms, .monotonic_ms = 1000, .wall_is_fit = true },
        .step = STAILQ_FIRST(&story->steps),
        .next_id = CLIENT_ID_FIRST,
        .local = { &config->resolver, &config->local },
    };
    local_hooks(&run.local, &run.hooks);
    TAILQ_INIT(&run.pending);
    TAILQ_INIT(&run.answers);
    STAILQ_INIT(&run.trace);
    if (run.step != NULL)
        run.range_step = run.step->number;
    run.cache = cache_new(&config->cache, run.random);
    struct resolver_parts parts = parts_of(&run);
    run.resolver = resolver_new(&parts);
    follow_anchors(&run);
    tell(&run);
    if (run.failure == NULL)
        check_end(&run);
    if (run.failure != NULL)
        *report = report_of(&run);
    resolver_free(run.resolver);
    rollover_free(run.rollover);
    trust_free(run.trust);
    cache_free(run.cache);
    random_free(run.random);
    return run.failure == NULL;
}
