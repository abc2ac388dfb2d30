#include "daemon/at_once.h"

#include <assert.h>
#include <stdlib.h>

#include "cache/ready.h"
#include "message/plain.h"

/* A question of the batch in hand. */
struct glance {
    bool is_plain;
    struct plain_question plain;
    struct ready_key key;
};
static_assert((int)FRONT_OPTIONS_OCTETS_MAX <= (int)READY_OPTIONS_OCTETS_MAX,
              "clients' options go into ready-made answers");
static_assert((int)READY_BUFFER_OCTETS <= (int)CLIENT_BUFFER_OCTETS,
              "ready-made answers are patched where they are sent from");

/* Who asked last: clients come in bursts, and access lists are long. */
struct asking {
    struct address address; /* without its port; family 0: nobody */
    bool may_ask;
};

struct at_once {
    struct cache *cache;
    const struct config *config;
    struct worker_stats *stats;
    struct siphash_key cookie_master;
    struct cookie_keys cookie_keys;
    struct now now;
    struct asking asking;
    unsigned refresh_count;
    struct question refreshes[AT_ONCE_REFRESHES_MAX];
    struct glance glances[CLIENT_BATCH_MAX];
};

struct at_once *at_once_new(struct cache *cache, const struct config *config, const struct siphash_key *cookie_master,
                            struct worker_stats *stats)
{
    struct at_once *at_once = memory_new_apart(sizeof(*at_once));
    at_once->cache = cache;
    at_once->stats = stats;
    at_once->cookie_master = *cookie_master;
    at_once_use(at_once, config);
    return at_once;
}

void at_once_free(struct at_once *at_once)
{
    free(at_once);
}

void at_once_use(struct at_once *at_once, const struct config *config)
{
    at_once->config = config;
    at_once->cookie_keys.count = 0; /* set again with the next batch */
    at_once->asking.address.family = 0;
}

/* ---- the batch ---- */

static uint16_t origin_of(const struct resolver_options *options, const struct plain_question *plain)
{
    if (options->zone_rule_count == 0)
        return ORIGIN_ITERATIVE;
    struct question question = { .qtype = plain->qtype, .qclass = CLASS_IN };
    enum err err = dname_from_wire((struct octets) { plain->name, plain->name_octets }, &question.qname);
    return err == OK ? resolver_origin(options, &question) : ORIGIN_ITERATIVE;
}

void at_once_expect(struct at_once *at_once, const struct octets *messages, unsigned count, struct now now)
{
    const struct config *config = at_once->config;
    at_once->now = now;
    cookie_keys_set(&at_once->cookie_keys, &config->front.cookies, &at_once->cookie_master, now);
    for (unsigned i = 0; i < count; i++) {
        struct glance *glance = &at_once->glances[i];
        glance->is_plain = plain_question_read(messages[i], &glance->plain);
        if (!glance->is_plain)
            continue;
        ready_key_make(at_once->cache, &glance->plain, origin_of(&config->resolver, &glance->plain), &glance->key);
        ready_prefetch_index(at_once->cache, &glance->key);
    }
    for (unsigned i = 0; i < count; i++)
        if (at_once->glances[i].is_plain)
            ready_prefetch_entry(at_once->cache, &at_once->glances[i].key);
}

/* ---- one question ---- */

uint16_t answer_octets_max(const struct config *config, const struct client *client, uint16_t theirs)
{
    if (client->transport->is_stream)
        return MESSAGE_OCTETS_MAX;
    uint16_t ours = config->answers.edns_octets;
    uint16_t least = theirs <= UDP_OCTETS_CLASSIC ? UDP_OCTETS_CLASSIC : theirs < ours ? theirs : ours;
    return least < UDP_ANSWER_OCTETS_MAX ? least : UDP_ANSWER_OCTETS_MAX;
}

uint64_t *questions_counter(struct worker_stats *stats, const struct client *client)
{
    return client->transport->is_stream ? &stats->questions_tcp : &stats->questions_udp;
}

static bool may_ask(struct at_once *at_once, const struct address *client)
{
    struct asking *asking = &at_once->asking;
    if (asking->address.family != client->family ||
        memcmp(asking->address.octets, client->octets, sizeof(client->octets)) != 0)
        *asking = (struct asking) { *client, front_access(&at_once->config->front, client) == FRONT_MAY_ASK };
    return asking->may_ask;
}

/* A ready-made answer tells no resolver that it is in use: it is noted here, and done when the batch is. */
static void note_ending(struct at_once *at_once, const struct glance *glance)
{
    const struct plain_question *plain = &glance->plain;
    struct question *question = &at_once->refreshes[at_once->refresh_count];
    if (!at_once->config->resolver.prefetch || at_once->refresh_count == AT_ONCE_REFRESHES_MAX ||
        !ready_claim_refresh(at_once->cache, &glance->key, at_once->now))
        return;
    *question = (struct question) { .qtype = plain->qtype, .qclass = CLASS_IN };
    if (dname_from_wire((struct octets) { plain->name, plain->name_octets }, &question->qname) == OK)
        at_once->refresh_count++;
}

unsigned at_once_refreshes(const struct at_once *at_once)
{
    return at_once->refresh_count;
}

unsigned at_once_take_refreshes(struct at_once *at_once, struct question questions[AT_ONCE_REFRESHES_MAX])
{
    unsigned count = at_once->refresh_count;
    memcpy(questions, at_once->refreshes, count * sizeof(questions[0]));
    at_once->refresh_count = 0;
    return count;
}

static struct octets answer(struct at_once *at_once, const struct glance *glance, const struct client *client,
                            enum cookie_state cookie, struct octets options, uint8_t *buffer)
{
    const struct config *config = at_once->config;
    struct worker_stats *stats = at_once->stats;
    const struct ready_manner manner = {
        .edns_octets = config->answers.edns_octets,
        .ede = config->answers.ede,
        .rotate = config->answers.rotate,
        .options = options,
        .octets_max = answer_octets_max(config, client, glance->plain.edns ? glance->plain.udp_octets : 0),
    };
    struct ready_answer answer =
        ready_answer(at_once->cache, &glance->key, &glance->plain, &manner, at_once->now, buffer);
    if (answer.message.len > 0) {
        ++*questions_counter(stats, client);
        stats->answers[answer.rcode]++;
        stats->cookies[cookie]++;
        stats->answers_from_cache++;
        stats->answers_ready++;
        stats->answers_truncated += answer.is_truncated;
        if (answer.is_ending)
            note_ending(at_once, glance);
    }
    return answer.message;
}

/* The client has something of its own in the OPT record, or must show something there. */
static struct octets answer_with_options(struct at_once *at_once, const struct glance *glance,
                                         const struct client *client, uint8_t *buffer)
{
    static const struct edns_wishes none = { 0 };
    const struct front_options *front = &at_once->config->front;
    uint8_t options[FRONT_OPTIONS_OCTETS_MAX];
    struct front_asker asker =
        front_asker_of(&at_once->cookie_keys, glance->plain.has_options ? &glance->plain.wishes : &none,
                       &client->address, client->transport->is_stream, at_once->now);
    if (front_lacks_cookie(front, &client->address, &asker))
        return (struct octets) { NULL, 0 }; /* the long way says why */
    return answer(at_once, glance, client, asker.cookie,
                  front_write_options(front, &asker, client_idle_ms(client), options), buffer);
}

struct octets at_once_answer(struct at_once *at_once, unsigned place, const struct client *client, uint8_t *buffer)
{
    static const struct octets nothing = { NULL, 0 };
    const struct glance *glance = &at_once->glances[place];
    if (!glance->is_plain || !may_ask(at_once, &client->address))
        return nothing;
    bool has_options =
        glance->plain.has_options || client->transport->is_stream || at_once->config->front.require_cookie_count > 0;
    return has_options ? answer_with_options(at_once, glance, client, buffer)
                       : answer(at_once, glance, client, COOKIE_NONE, nothing, buffer);
}
