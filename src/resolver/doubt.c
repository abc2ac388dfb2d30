/* When data does not validate, or is unsigned and nobody tells whether it may be: before that is final keys that may be
 * out of date are asked for anew, then other servers of the zone, then TCP, within the budget. */
#include "resolver/request.h"

static void remember_doubted(struct request *q)
{
    q->doubted_links = q->link_count;
    for (uint16_t i = 0; i < q->pin_count; i++) {
        struct pin *pin = q->pins[i];
        pin->doubted = pin->answer;
        if (pin->answer != NULL)
            pin->doubted_verdict = arena_copy(q->arena, &pin->answer->verdict, sizeof(pin->answer->verdict));
    }
}

void doubt_give_up(struct request *q)
{
    q->link_count = q->doubted_links;
    q->doubted_links = 0;
    q->doubt_failed = false;
    for (uint16_t i = 0; i < q->pin_count; i++) {
        struct pin *pin = q->pins[i];
        if (pin->doubted == NULL)
            continue;
        pin->stored = NULL;
        pin->answer = pin->doubted;
        pin->answer->verdict = *pin->doubted_verdict;
    }
}

static void forget_verdicts(struct request *q)
{
    for (uint16_t i = 0; i < q->pin_count; i++) {
        struct answer *answer = q->pins[i]->answer;
        q->pins[i]->stored = NULL;
        if (answer != NULL && answer->verdict_is_new)
            answer->verdict = verdict_of(UNCHECKED, NULL);
    }
    validation_memo_doubt(q->memo);
}

struct pin *doubt_culprit(struct request *q, struct pin *link)
{
    struct pin *culprit = link;
    for (uint16_t i = 0; i < q->pin_count; i++) {
        struct pin *pin = q->pins[i];
        if (!pin_is_fact(pin) || pin->answer == NULL || pin->answer->verdict.security != BOGUS)
            continue;
        bool above = pin->question.qname.labels < culprit->question.qname.labels ||
                     (pin->question.qname.labels == culprit->question.qname.labels && pin->question.qtype == TYPE_DS);
        if (culprit == link || above)
            culprit = pin;
    }
    return culprit;
}

static bool is_distrusted(const struct distrust *distrust, const struct address *address)
{
    for (uint8_t i = 0; i < distrust->avoid_count; i++)
        if (address_equal(&distrust->avoid[i], address))
            return true;
    return false;
}

/* What the server has said besides is not worth more, unless it has validated; what the cache has may be its word,
 * too. */
static void forget_word_of(struct request *q, const struct address *server)
{
    for (uint16_t i = 0; i < q->pin_count; i++) {
        struct pin *pin = q->pins[i];
        if (pin->answer != NULL && !security_is_trusted(pin->answer->verdict.security) &&
            (pin->from.server.family == 0 || address_equal(&pin->from.server, server)))
            pin->answer = NULL;
    }
}

static void avoid(struct distrust *distrust, const struct address *server)
{
    if (server->family != 0 && !is_distrusted(distrust, server) && distrust->avoid_count < AVOID_MAX)
        distrust->avoid[distrust->avoid_count++] = *server;
}

/* Rather than the culprit, which somebody else has said as well, what it is judged by may be wrong. */
static struct pin *find_outdated(struct request *q, const struct pin *culprit, struct now now)
{
    struct pin *outdated = renewal_find(q, culprit, now);
    if (outdated == NULL && q->distrust.rounds > 0)
        outdated = renewal_find_word(q, culprit, now);
    if (outdated != NULL)
        avoid(&q->distrust, &outdated->from.server);
    return outdated;
}

static bool is_forwarded(struct resolver *r, const struct pin *pin)
{
    uint16_t origin;
    const struct zone_rule *rule = zone_rule_for(r->parts.options, &pin->question, &origin);
    return rule != NULL && zone_rule_forwards(rule);
}

/* Whom to ask next time: not the server that said it; the same one over TCP if there is no other; at last a forwarder's
 * own validation.  false: all that has been tried. */
static bool learn_distrust(struct resolver *r, struct request *q, const struct pin *culprit)
{
    struct distrust *distrust = &q->distrust;
    if (distrust->rounds == DISTRUST_ROUNDS_MAX || !budget_bears_failures(&q->purse->budget))
        return false; /* another set as bad as this one would only spend the rest */
    distrust->rounds++;
    if (culprit->from.server.family == 0)
        return true;
    if (!is_distrusted(distrust, &culprit->from.server)) {
        avoid(distrust, &culprit->from.server);
        return true;
    }
    bool sorts_out = is_forwarded(r, culprit) && !distrust->checking_enabled;
    distrust->checking_enabled = true;
    return sorts_out;
}

/* It knows nothing of DNSSEC, or what stands before it takes signatures and proofs away: the zone's other servers are
 * asked first for a while. */
static void remember_stripping(struct resolver *r, const struct pin *culprit, struct now now)
{
    int ede = culprit->answer->verdict.ede;
    if (culprit->from.server.family != 0 && (ede == EDE_RRSIGS_MISSING || ede == EDE_NSEC_MISSING))
        server_is_lame_for(servers_get(r->servers, &culprit->from.server), &culprit->answer->zone, now.monotonic_ms);
}

bool doubt_begin(struct resolver *r, struct request *q, struct pin *link, struct now now)
{
    struct pin *culprit = doubt_culprit(q, link);
    if (!culprit->answer->verdict_is_new || q->single != NULL)
        return false;
    struct pin *outdated = find_outdated(q, culprit, now);
    bool asks_another = outdated == NULL && learn_distrust(r, q, culprit);
    if ((outdated == NULL && !asks_another) || !budget_take_lookup(&q->purse->budget))
        return false;
    remember_stripping(r, culprit, now);
    remember_doubted(q);
    if (asks_another && culprit->from.server.family != 0)
        forget_word_of(q, &culprit->from.server);
    forget_verdicts(q);
    q->link_count = 1; /* each link is judged anew, from the first one on */
    pin_wish(r, q, outdated != NULL ? outdated : culprit, now);
    return true;
}
