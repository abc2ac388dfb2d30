/* Clients: they ask through the front, and get what vouchd would send. */
#include "tests/scenario/run.h"

#include <stdlib.h>

#include "resolver/known.h"

enum { RESPONSE_OCTETS_MAX = MESSAGE_OCTETS_MAX };

static void keep_answer(struct run *run, struct octets octets, enum transport transport, const char *why)
{
    struct client_answer *answer = ARENA_NEW(run->arena, struct client_answer);
    *answer = (struct client_answer) { .packet = { .octets = octets_copy(run->arena, octets), .transport = transport },
                                       .why = why };
    if (message_read(answer->packet.octets, run->arena, &answer->packet.message) != OK)
        run_fail(run, "our response cannot be read");
    TAILQ_INSERT_TAIL(&run->answers, answer, next);
    char rcode[16];
    run_trace(run, "  <= client: %s: %s", run_question_text(run->arena, &answer->packet.message),
              rcode_to_text(answer->packet.message.rcode, rcode));
    run_show_message(run, &answer->packet.message);
}

static void check_cost(struct run *run, const struct budget *left)
{
    unsigned checks = SIGNATURE_CHECKS_MAX - left->signature_checks, hashes = NSEC3_HASHES_MAX - left->hashes;
    unsigned packets = run->config->resolver.packets_max - (unsigned)left->packets;
    run_trace(run, "  cost: %u signature checks, %u hashes, %u packets", checks, hashes, packets);
    if (checks > run->config->checks_max && run->config->checks_max > 0)
        run_fail(run, "%u signature checks, not %u at most", checks, run->config->checks_max);
    if (hashes > run->config->hashes_max && run->config->hashes_max > 0)
        run_fail(run, "%u hashes, not %u at most", hashes, run->config->hashes_max);
}

static const struct trust *trust_of(const struct run *run)
{
    return run->trust == NULL ? run->config->trust : run->trust;
}

/* The options live in the buffer. */
static struct client_query query_with_options(const struct run *run, const struct asker *asker,
                                              uint8_t buffer[FRONT_OPTIONS_OCTETS_MAX])
{
    struct client_query query = asker->query;
    query.options = front_write_options(&run->config->front, &asker->front, run->config->keepalive_ms, buffer);
    return query;
}

void run_answer_client(struct run *run, struct asker *asker, const struct outcome *outcome)
{
    const struct retelling_means means = { &run->config->retelling, trust_of(run), run->now, run->arena };
    struct told told;
    check_cost(run, outcome->budget);
    enum retold retold = retell_outcome(&means, &asker->query, &asker->retelling, outcome, &told);
    if (retold == RETOLD_ASK) {
        resolver_ask(run->resolver, &told.question, front_disables_checking(&run->config->front, &asker->query.header),
                     asker, run->now);
        return;
    }
    run->asking--;
    uint8_t *buffer = memory_new(RESPONSE_OCTETS_MAX, 1);
    uint8_t options[FRONT_OPTIONS_OCTETS_MAX];
    struct client_query query = query_with_options(run, asker, options);
    struct octets octets =
        response_write(&run->config->answers, &query, retold == RETOLD_OTHER ? &told.outcome : outcome, run->now,
                       buffer, RESPONSE_OCTETS_MAX);
    keep_answer(run, octets, asker->transport, run_explain(run, outcome));
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
    uint8_t options[FRONT_OPTIONS_OCTETS_MAX];
    struct client_query query = query_with_options(run, asker, options);
    const struct response_error error = {
        .question = message->has_question ? &message->question : NULL,
        .rcode = decision->rcode,
        .ede = decision->ede,
        .text = decision->text,
        .use_stream = decision->verdict == FRONT_USE_STREAM,
    };
    const struct answer_options *answers = &run->config->answers;
    const char *text =
        decision->verdict == FRONT_ANCHORS ? sentinel_anchors(trust_of(run), run->now, run->arena) : decision->text;
    struct octets octets = decision->verdict == FRONT_TEXT || decision->verdict == FRONT_ANCHORS
                               ? response_write_text(answers, &query, text, buffer, RESPONSE_OCTETS_MAX)
                               : response_write_error(answers, &query, &error, buffer, RESPONSE_OCTETS_MAX);
    keep_answer(run, octets, asker->transport,
                arena_printf(run->arena, "    front: EDE %d \"%s\"\n", decision->ede,
                             decision->text == NULL ? "" : decision->text));
    free(buffer);
}

struct resolver_parts run_parts(const struct run *run)
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

/* Questions with RD=0 are resolved all the same, but for clients that may look into the cache when that holds an NS
 * set. */
static void resolve(struct run *run, struct asker *asker, const struct address *client)
{
    struct question question = retell_question(&run->config->retelling, &asker->query, &asker->retelling), referral;
    struct resolver_parts parts = run_parts(run);
    if (run->asking >= run->config->front.waiting_max && run->config->front.drops_when_busy) {
        run_trace(run, "  dropped: %u questions are being worked on", run->asking);
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

void run_ask(struct run *run, const struct story_step *step, const struct story_entry *entry)
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
    run_trace(run, "  => client asks: %s", run_question_text(run->arena, &packet.message));
    if (decision.verdict == FRONT_RESOLVE)
        resolve(run, asker, &client);
    else if (decision.verdict != FRONT_DROP)
        answer_at_once(run, asker, &packet.message, &decision);
}
