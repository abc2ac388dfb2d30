/* What the validator is told: DS and DNSKEY sets, and where cuts may be. */
#include "resolver/request.h"

static enum fact fact_find(void *context, const struct dname *name, uint16_t type, struct answer **answer,
                           struct fact_failure *failure)
{
    struct fact_source *source = context;
    struct question question = { .qname = *name, .qtype = type, .qclass = CLASS_IN };
    struct pin *pin = pin_find(source->q, &question);
    if (pin == NULL)
        pin = pin_add(source->r, source->q, &question);
    if (pin == NULL) {
        *failure = (struct fact_failure) { .ede = EDE_OTHER, .text = "too many zones on the way" };
        return FACT_FAILED;
    }
    if (pin_is_open(pin) && !pin_take_cached(source->r, source->q, pin, source->now))
        return FACT_MISSING;
    if (pin->answer != NULL || stale_fact(source->r, source->q, pin, source->now)) {
        *answer = pin->answer;
        return FACT_KNOWN;
    }
    *failure = (struct fact_failure) { .ede = pin->failure.ede, .text = pin->failure.text };
    return FACT_FAILED;
}

static bool fact_next_cut(void *context, const struct dname *above, const struct dname *name, struct dname *cut)
{
    struct fact_source *source = context;
    struct question question = { .qname = *name, .qtype = TYPE_DNSKEY, .qclass = CLASS_IN };
    uint16_t origin;
    zone_rule_for(source->r->parts.options, &question, &origin);
    uint32_t age_s = source->q->rests_on_stale ? stale_last_age_s(source->r) : 0;
    for (uint8_t labels = (uint8_t)(above->labels + 1); labels <= name->labels; labels++) {
        dname_suffix(name, labels, cut);
        if (cache_had_delegation(source->r->parts.cache, cut, origin, age_s, source->now))
            return true;
    }
    return false;
}

struct facts facts_of(struct fact_source *source)
{
    return (struct facts) { .context = source, .find = fact_find, .next_cut = fact_next_cut };
}

/* What an alias has come with, as an answer to the question for a DS set; NULL: nothing that verified. */
static struct answer *denial_beside(struct request *q, const struct answer *alias, const struct pin *pin)
{
    if (alias == NULL || alias->proofs.count == 0 || alias->verdict.security != SECURE || alias->origin != pin->origin)
        return NULL;
    struct answer *denial = ARENA_NEW(q->arena, struct answer);
    *denial = (struct answer) {
        .question = pin->question,
        .kind = ANSWER_NODATA,
        .origin = alias->origin,
        .zone = alias->zone,
        .target = *dname_root(),
        .proofs = alias->proofs,
        .received_ms = alias->received_ms,
        .expires_ms = alias->expires_ms,
        .verdict = verdict_of(UNCHECKED, NULL),
    };
    return denial;
}

bool facts_take_companions(struct request *q, struct pin *pin, const struct validation *validation)
{
    struct dname name;
    uint16_t type;
    for (uint16_t i = 0; i < q->link_count && pin->question.qtype == TYPE_DS; i++) {
        struct answer *denial = denial_beside(q, q->links[i]->answer, pin);
        if (denial == NULL || validator_judge(validation, denial, &name, &type) != JUDGED ||
            (denial->verdict.security != SECURE && denial->verdict.security != INSECURE))
            continue;
        pin->answer = denial;
        return true;
    }
    return false;
}
