#include "base/log.h"
#include "daemon/worker_internal.h"
#include "policy/sentinel.h"
#include "resolver/known.h"

enum {
    LOG_LINES_PER_SECOND = 5, /* about failed answers, by one worker: the network decides how many there are */
};

/* ---- answers ---- */

static void send_response(struct worker *worker, const struct client *client, struct octets response, uint16_t rcode)
{
    struct header header;
    if (header_read(response, &header) == OK)
        worker->stats.answers_truncated += header.tc;
    if (rcode < RCODES_COUNTED)
        worker->stats.answers[rcode]++;
    client_reply(client, response);
}

static struct octets options_for(const struct worker *worker, const struct client *client,
                                 const struct front_asker *asker, uint8_t buffer[FRONT_OPTIONS_OCTETS_MAX])
{
    return front_write_options(&worker->settings->config->front, asker, client_idle_ms(client), buffer);
}

static void answer_error(struct worker *worker, const struct client *client, const struct client_query *query,
                         const struct question *question, const struct front_decision *why)
{
    const struct response_error error = {
        .question = question,
        .rcode = why->rcode,
        .ede = why->ede,
        .text = why->text,
        .use_stream = why->verdict == FRONT_USE_STREAM,
    };
    struct octets response =
        response_write_error(&worker->settings->config->answers, query, &error, worker->buffer, sizeof(worker->buffer));
    send_response(worker, client, response, why->rcode);
}

static bool may_log(struct worker *worker, struct now now)
{
    int64_t second = now.monotonic_ms / 1000;
    if (second != worker->log_second) {
        if (worker->log_lines > LOG_LINES_PER_SECOND)
            log_info("no answer for %u others either, which were not logged", worker->log_lines - LOG_LINES_PER_SECOND);
        worker->log_second = second;
        worker->log_lines = 0;
    }
    return worker->log_lines++ < LOG_LINES_PER_SECOND;
}

/* One line names the question, the root cause and the check that spoke. */
static void log_failure(struct worker *worker, const struct outcome *outcome, struct now now)
{
    char name[DNAME_TEXT_MAX], type[RR_TYPE_TEXT_MAX];
    if (outcome->from_cache || !log_wanted(LOG_LEVEL_INFO) || !may_log(worker, now))
        return;
    bool has_ede = outcome->ede_count > 0;
    const char *kind = has_ede ? ede_text(outcome->edes[0].code) : NULL;
    const char *text = has_ede ? outcome->edes[0].text : NULL;
    log_info("no answer for %s %s (%s): %s%s%s [%s]", dname_to_text(&outcome->question.qname, name),
             rr_type_to_text(outcome->question.qtype, type), security_text(outcome->security),
             kind == NULL ? "failed" : kind, text == NULL ? "" : ": ", text == NULL ? "" : text,
             outcome->site == NULL ? "" : outcome->site);
}

/* Whoever asks next gets it without being kept waiting. */
static void keep_ready(struct worker *worker, const struct outcome *outcome, struct now now)
{
    const struct config *config = worker->settings->config;
    struct ready_draft draft;
    if (retelling_keeps(&config->retelling, outcome, now) &&
        response_make_ready(&config->answers, outcome, now, worker->buffer, sizeof(worker->buffer), &draft))
        ready_put(worker->cache, &outcome->question, resolver_origin(&config->resolver, &outcome->question), &draft,
                  now);
}

void worker_on_done(void *context, void *waiter, const struct outcome *outcome, struct now now)
{
    struct worker *worker = context;
    struct waiting *waiting = waiter;
    const struct config *config = worker->settings->config;
    const struct retelling_means means = { &config->retelling, worker->settings->trust, now, worker->arena };
    struct told told;
    arena_reset(worker->arena);
    enum retold retold = retell_outcome(&means, &waiting->query, &waiting->retelling, outcome, &told);
    if (retold == RETOLD_ASK) {
        keep_ready(worker, outcome, now);
        waiting->asked = told.question;
        driver_ask(worker->driver, &waiting->asked, front_disables_checking(&config->front, &waiting->query.header),
                   waiting);
        return;
    }
    uint8_t options[FRONT_OPTIONS_OCTETS_MAX];
    waiting->query.options = options_for(worker, &waiting->client, &waiting->asker, options);
    struct octets response =
        response_write(&config->answers, &waiting->query, retold == RETOLD_OTHER ? &told.outcome : outcome, now,
                       worker->buffer, sizeof(worker->buffer));
    uint16_t rcode = response.data[3] & 0x0f; /* RFC 1035 section 4.1.1; outcomes have no extended ones */
    worker->stats.answers_from_cache += outcome->from_cache;
    if (rcode == RCODE_SERVFAIL)
        log_failure(worker, outcome, now);
    send_response(worker, &waiting->client, response, rcode);
    waiting_release(worker->waiting, waiting);
    keep_ready(worker, outcome, now);
}

/* ---- questions ---- */

/* RD=0: what is there to be told without asking for it? */
static enum known look_for(struct worker *worker, const struct client *client, const struct question *question,
                           struct question *referral)
{
    struct resolver_parts parts = worker_resolver_parts(worker);
    struct now now = driver_now(worker->driver);
    return front_may_snoop(&worker->settings->config->front, &client->address)
               ? known_at_all(&parts, question, now, worker->arena, referral)
               : known_answer(&parts, question, now, worker->arena);
}

static void refuse_for_load(struct worker *worker, const struct client *client, const struct client_query *query)
{
    static const struct front_decision overloaded = { .rcode = RCODE_SERVFAIL,
                                                      .ede = EDE_OTHER,
                                                      .text = "too many questions are being worked on" };
    worker->stats.overloaded++;
    if (worker->settings->config->front.drops_when_busy)
        client_drop(client);
    else
        answer_error(worker, client, query, &query->question, &overloaded);
}

/* Places for questions that wait. */
static unsigned places_max(const struct worker *worker)
{
    unsigned wanted = worker->settings->config->front.waiting_max;
    return wanted < worker->places_max ? wanted : worker->places_max;
}

/* Who has waited for long waits for servers that are slow, or silent: others have better prospects.  true: there is a
 * place. */
static bool make_room(struct worker *worker, const struct client *client, const struct front_asker *asker)
{
    const struct front_options *front = &worker->settings->config->front;
    struct waiting *oldest =
        waiting_in_the_way(worker->waiting, places_max(worker), client, asker, driver_now(worker->driver));
    if (oldest == NULL ||
        !driver_abandon(worker->driver, &oldest->asked, front_disables_checking(front, &oldest->query.header), oldest))
        return false;
    uint8_t options[FRONT_OPTIONS_OCTETS_MAX];
    oldest->query.options = options_for(worker, &oldest->client, &oldest->asker, options);
    refuse_for_load(worker, &oldest->client, &oldest->query);
    waiting_release(worker->waiting, oldest);
    return true;
}

static bool is_at_hand(struct worker *worker, const struct client_query *query)
{
    struct resolver_parts parts = worker_resolver_parts(worker);
    return !query->header.rd ||
           known_answer(&parts, &query->question, driver_now(worker->driver), worker->arena) == KNOWN_ANSWER;
}

/* NULL: there is no place. */
static struct waiting *admit(struct worker *worker, const struct client *client, const struct front_asker *asker,
                             const struct client_query *query)
{
    unsigned max = places_max(worker);
    struct now now = driver_now(worker->driver);
    struct waiting *waiting = waiting_admit(worker->waiting, max, client, asker, now);
    if (waiting == NULL && is_at_hand(worker, query))
        waiting = waiting_admit_beside(worker->waiting, client, asker, now);
    if (waiting == NULL && make_room(worker, client, asker))
        waiting = waiting_admit(worker->waiting, max, client, asker, now);
    return waiting;
}

static void resolve(struct worker *worker, const struct client *client, const struct front_asker *asker,
                    const struct client_query *query)
{
    static const struct front_decision would_have_to_ask = {
        .rcode = RCODE_REFUSED, .ede = EDE_NOT_AUTHORITATIVE, .text = "not in the cache, and recursion was not desired"
    };
    struct question referral;
    enum known known = query->header.rd ? KNOWN_ANSWER : look_for(worker, client, &query->question, &referral);
    if (known == KNOWN_NOTHING) {
        answer_error(worker, client, query, &query->question, &would_have_to_ask);
        return;
    }
    const struct config *config = worker->settings->config;
    struct waiting *waiting = admit(worker, client, asker, query);
    if (waiting == NULL) {
        refuse_for_load(worker, client, query);
        return;
    }
    waiting->query = *query;
    waiting->query.options = (struct octets) { NULL, 0 }; /* our caller's; written anew with the answer */
    waiting->query.wants_referral = known == KNOWN_CUT;
    waiting->asked = retell_question(&config->retelling, query, &waiting->retelling);
    if (known == KNOWN_CUT) {
        waiting->asked = referral;
        waiting->retelling.stage = RETELLING_AS_IT_IS;
    }
    driver_ask(worker->driver, &waiting->asked, front_disables_checking(&config->front, &query->header), waiting);
}

static void answer_text(struct worker *worker, const struct client *client, const struct client_query *query,
                        const char *text)
{
    struct octets response =
        response_write_text(&worker->settings->config->answers, query, text, worker->buffer, sizeof(worker->buffer));
    send_response(worker, client, response, RCODE_NOERROR);
}

static struct client_query query_of(const struct worker *worker, const struct client *client,
                                    const struct front_asker *asker, const struct message *message,
                                    uint8_t options[FRONT_OPTIONS_OCTETS_MAX])
{
    uint16_t octets_max = message->edns.present ? message->edns.udp_octets : 0;
    return (struct client_query) {
        .header = message->header,
        .question = message->question,
        .edns = message->edns.present,
        .dnssec_ok = message->edns.dnssec_ok,
        .options = options_for(worker, client, asker, options),
        .size_max = answer_octets_max(worker->settings->config, client, octets_max),
    };
}

static void do_as_decided(struct worker *worker, const struct client *client, const struct front_asker *asker,
                          const struct message *message, const struct front_decision *decision)
{
    uint8_t options[FRONT_OPTIONS_OCTETS_MAX];
    struct client_query query = query_of(worker, client, asker, message, options);
    switch (decision->verdict) {
    case FRONT_RESOLVE:
        resolve(worker, client, asker, &query);
        break;
    case FRONT_TEXT:
        answer_text(worker, client, &query, decision->text);
        break;
    case FRONT_ANCHORS:
        answer_text(worker, client, &query,
                    sentinel_anchors(worker->settings->trust, driver_now(worker->driver), worker->arena));
        break;
    case FRONT_ANSWER:
    case FRONT_USE_STREAM:
        answer_error(worker, client, &query, message->has_question ? &message->question : NULL, decision);
        break;
    case FRONT_DROP:
        client_drop(client);
        break;
    }
}

static void on_question(void *context, const struct client *client, struct octets octets)
{
    struct worker *worker = context;
    struct message message;
    ++*questions_counter(&worker->stats, client);
    if (octets.len < HEADER_OCTETS) {
        worker->stats.malformed++;
        client_drop(client);
        return;
    }
    arena_reset(worker->arena);
    enum err read = message_read(octets, worker->arena, &message);
    struct edns_wishes wishes = edns_wishes_of(&message.edns);
    const struct front_options *front = &worker->settings->config->front;
    struct now now = driver_now(worker->driver);
    cookie_keys_set(&worker->cookie_keys, &front->cookies, worker->cookie_master, now);
    struct front_asker asker =
        front_asker_of(&worker->cookie_keys, &wishes, &client->address, client->transport->is_stream, now);
    struct front_decision decision = front_judge(front, &client->address, &asker, read, &message);
    worker->stats.malformed += read != OK;
    worker->stats.cookies[asker.cookie]++;
    do_as_decided(worker, client, &asker, &message, &decision);
}

struct client_handler worker_client_handler(struct worker *worker)
{
    return (struct client_handler) { .context = worker, .question = on_question };
}
