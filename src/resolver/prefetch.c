/* Prefetch: what is in use is asked for anew before it expires, by requests that nobody waits for. */
#include "resolver/request.h"

bool prefetch_is_due(const struct answer *answer, struct now now)
{
    return now.wall_ms >= answer_refresh_ms(answer);
}

static bool is_under_way(const struct resolver *r, const struct question *question)
{
    const struct request *q;
    LIST_FOREACH(q, &r->requests[question_hash(question, false) % TABLE_BUCKETS], bucket)
    if (q->is_refresh && question_equal(&q->question, question))
        return true;
    return false;
}

/* NULL: one is under way, or there are too many. */
static struct request *refresh_new(struct resolver *r, const struct question *question, struct now now)
{
    if (r->stats.background >= BACKGROUND_MAX || is_under_way(r, question))
        return NULL;
    struct request *q = request_new(r, question, false, now);
    q->is_refresh = true;
    request_to_background(r, q);
    task_wake(r, &q->task);
    return q;
}

void refresh_join(struct resolver *r, const struct question *question, struct now now)
{
    struct request *q = refresh_new(r, question, now);
    bool turn_is_over;
    if (q != NULL)
        request_decide(r, q, now, &turn_is_over); /* which it does once more on its turn */
}

void refresh_start(struct resolver *r, const struct question *question, struct now now)
{
    refresh_new(r, question, now);
}

void resolver_refresh(struct resolver *r, const struct question *question, struct now now)
{
    if (r->parts.options->prefetch && refresh_new(r, question, now) != NULL)
        r->stats.prefetches++;
}

void prefetch_used(struct resolver *r, const struct question *question, uint16_t origin, const struct answer *answer,
                   struct now now)
{
    if (r->parts.options->prefetch && prefetch_is_due(answer, now) &&
        cache_claim_refresh(r->parts.cache, question, origin, now))
        resolver_refresh(r, question, now);
}
