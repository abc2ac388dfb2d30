/* What a request has learnt, or waits for. */
#include "resolver/request.h"

struct pin *pin_find(struct request *q, const struct question *question)
{
    for (uint16_t i = 0; i < q->pin_count; i++)
        if (question_equal(&q->pins[i]->question, question))
            return q->pins[i];
    return NULL;
}

struct pin *pin_add(struct resolver *r, struct request *q, const struct question *question)
{
    if (q->pin_count == PINS_MAX)
        return NULL;
    struct pin *pin = ARENA_NEW(q->arena, struct pin);
    pin->question = *question;
    zone_rule_for(r->parts.options, question, &pin->origin);
    q->pins[q->pin_count++] = pin;
    return pin;
}

/* Once somebody's word is doubted, what nobody has judged yet may be his, too. */
static bool is_dubious(const struct request *q, const struct answer *answer)
{
    return q->distrust.rounds > 0 && answer->verdict.security == UNCHECKED;
}

bool pin_take_cached(struct resolver *r, struct request *q, struct pin *pin, struct now now)
{
    struct answer *answer;
    if (cache_find_answer(r->parts.cache, &pin->question, pin->origin, now, q->arena, &answer) != CACHE_FRESH ||
        is_dubious(q, answer))
        return false;
    if (!q->is_probe)
        prefetch_used(r, &pin->question, pin->origin, answer, now);
    pin->answer = answer;
    pin->from_cache = true;
    pin->from.server.family = 0;
    return true;
}

void pin_wish(struct resolver *r, struct request *q, struct pin *pin, struct now now)
{
    struct lookup_wish wish = {
        .question = &pin->question,
        .distrust = q->distrust.rounds > 0 ? &q->distrust : NULL,
        .single = q->links[0] == pin ? q->single : NULL,
        .is_fresh = pin->retry_after_budget || (q->is_probe && q->links[0] == pin),
        .leeway_ms = pin->left_ms,
        .purse = q->purse,
    };
    pin->is_wanted = true;
    q->asked_somebody = true;
    wait_for(&q->task, &q->waits, lookup_want(r, &wish, now));
}

bool pin_is_fact(const struct pin *pin)
{
    return pin->question.qtype == TYPE_DS || pin->question.qtype == TYPE_DNSKEY;
}

bool pin_is_open(const struct pin *pin)
{
    return pin->answer == NULL && pin->failure.site == NULL;
}
