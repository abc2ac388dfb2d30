/* The end of a request: what its clients are told, and with which EDE codes, root cause first (RFC 8914). */
#include "resolver/request.h"

void outcome_add_ede(struct outcome *outcome, int code, const char *text)
{
    if (code == EDE_NONE || outcome->ede_count == ARRAY_LEN(outcome->edes))
        return;
    for (uint16_t i = 0; i < outcome->ede_count; i++)
        if (outcome->edes[i].code == code)
            return;
    outcome->edes[outcome->ede_count++] = (struct outcome_ede) { .code = code, .text = text };
}

void outcome_retell(struct outcome *told, const struct outcome *outcome, struct answer *const *links,
                    uint16_t link_count)
{
    *told = *outcome;
    told->links = links;
    told->link_count = link_count;
    told->is_repeatable = false;
    if (told->security == SECURE)
        told->security = INSECURE;
}

static void testify(struct resolver *r, struct request *q, struct now now)
{
    const struct witness *witness = r->parts.witness;
    q->testimony.outcome = &q->outcome;
    bool is_news = !q->outcome.is_stale || q->testimony.failure != NULL;
    if (witness != NULL && is_news && q->asked_somebody && !q->checking_disabled)
        witness->judged(witness->context, &q->testimony, now);
}

void request_tell_waiters(struct resolver *r, struct request *q, const struct outcome *outcome)
{
    struct waiter *waiter;
    STAILQ_FOREACH(waiter, &q->waiters, next)
    {
        r->stats.stale_answers += outcome->is_stale;
        want_done(r, waiter->who, outcome);
    }
    STAILQ_INIT(&q->waiters);
}

void request_abandon(struct resolver *r, struct request *q)
{
    q->finished = true;
    wait_no_more(r, &q->waits);
    timers_cancel(&r->request_timers, &q->timer);
    LIST_REMOVE(q, bucket);
    LIST_INSERT_HEAD(&r->buried, q, bucket);
}

void request_finish(struct resolver *r, struct request *q, struct now now)
{
    struct outcome *outcome = &q->outcome;
    outcome->question = q->question;
    outcome->from_cache = outcome->from_cache || !q->asked_somebody;
    outcome->budget = &q->purse->budget;
    if (outcome->rcode == RCODE_SERVFAIL)
        r->stats.servfail++;
    switch (outcome->security) {
    case SECURE:
        r->stats.secure++;
        break;
    case INSECURE:
        r->stats.insecure++;
        break;
    case BOGUS:
        r->stats.bogus++;
        break;
    case INDETERMINATE:
        r->stats.indeterminate++;
        break;
    case UNCHECKED:
        break;
    }
    testify(r, q, now);
    request_tell_waiters(r, q, outcome);
    r->stats.background -= q->in_background;
    request_abandon(r, q);
}

void request_finish_servfail(struct resolver *r, struct request *q, enum security security, const char *site,
                             struct now now)
{
    q->outcome.rcode = RCODE_SERVFAIL;
    q->outcome.security = security;
    q->outcome.site = site;
    report_failure(r, q, now);
    request_finish(r, q, now);
}

/* A spent budget is remembered for the client's question alone: others may ask for what it was not enough for. */
void request_finish_failed(struct resolver *r, struct request *q, const struct pin *pin, struct now now)
{
    if (pin->failure.is_budget && !pin->failure_is_cached)
        cache_put_failure(r->parts.cache, &q->question, q->links[0]->origin, &pin->failure, now);
    if (stale_stands_in(r, q, pin->failure.text, now)) {
        request_finish(r, q, now);
        return;
    }
    outcome_add_ede(&q->outcome, pin->failure.ede, pin->failure.text);
    if (pin->failure_is_cached)
        outcome_add_ede(&q->outcome, EDE_CACHED_ERROR, NULL);
    request_finish_servfail(r, q, q->checking_disabled ? UNCHECKED : INDETERMINATE, pin->failure.site, now);
}

static void set_links(struct request *q)
{
    struct answer **links = ARENA_ARRAY(q->arena, q->link_count, struct answer *);
    for (uint16_t i = 0; i < q->link_count; i++)
        links[i] = q->links[i]->answer;
    q->outcome.links = links;
    q->outcome.link_count = q->link_count;
}

/* The one whose word counts for the whole chain: its weakest link (RFC 4035 section 4.6). */
static const struct answer *weakest_link(const struct request *q)
{
    static const uint8_t strength[] = {
        [BOGUS] = 0, [INDETERMINATE] = 1, [UNCHECKED] = 2, [INSECURE] = 3, [SECURE] = 4,
    };
    const struct answer *weakest = q->links[0]->answer;
    for (uint16_t i = 1; i < q->link_count; i++)
        if (strength[q->links[i]->answer->verdict.security] < strength[weakest->verdict.security])
            weakest = q->links[i]->answer;
    return weakest;
}

/* Fresh data that is Bogus is not made up for by what was good once, unless the operator wants that (`on-bogus`).  What
 * expired keys say of fresh data is no such verdict. */
static bool may_be_stale_instead(const struct resolver *r, const struct request *q, enum security security)
{
    return security == INDETERMINATE || q->rests_on_stale || r->parts.options->stale.on_bogus;
}

/* The set that cannot be had; NULL: that is not the cause. */
static const struct pin *missing_fact(struct request *q, const struct verdict *verdict)
{
    const struct explanation *explanation = verdict->explanation;
    if (explanation == NULL || strcmp(verdict->site, SITE_FACT_UNAVAILABLE) != 0)
        return NULL;
    struct question question = { .qname = explanation->failed_name,
                                 .qtype = explanation->failed_type,
                                 .qclass = CLASS_IN };
    return pin_find(q, &question);
}

void request_finish_refused(struct resolver *r, struct request *q, const struct pin *pin, struct now now)
{
    const struct verdict *verdict = &pin->answer->verdict;
    if (may_be_stale_instead(r, q, verdict->security) && stale_stands_in(r, q, verdict->text, now)) {
        request_finish(r, q, now);
        return;
    }
    outcome_add_ede(&q->outcome, verdict->ede, verdict->text);
    /* No key could be found for what a DS set or an anchor names: RFC 8914 section 4.10, beside the reason why. */
    const struct pin *missing = missing_fact(q, verdict);
    if (missing != NULL && missing->question.qtype == TYPE_DNSKEY)
        outcome_add_ede(&q->outcome, EDE_DNSKEY_MISSING, NULL);
    if (verdict->security == INDETERMINATE)
        outcome_add_ede(&q->outcome, EDE_INDETERMINATE, NULL);
    if (missing != NULL ? missing->failure_is_cached : pin->from_cache && !pin->answer->verdict_is_new)
        outcome_add_ede(&q->outcome, EDE_CACHED_ERROR, NULL);
    set_links(q);
    request_finish_servfail(r, q, verdict->security, verdict->site, now);
}

/* The DNAME is good and stays in the cache; the reply it came with was tampered with (row R4.8). */
void request_finish_contradicted(struct resolver *r, struct request *q, struct now now)
{
    outcome_add_ede(&q->outcome, EDE_BOGUS, "CNAME is not what the DNAME yields");
    request_finish_servfail(r, q, BOGUS, "cname-not-of-dname", now);
}

void request_finish_answered(struct resolver *r, struct request *q, struct now now)
{
    bool lacks_records = false;
    set_links(q);
    q->outcome.is_repeatable = true;
    q->outcome.epoch = q->epoch;
    for (uint16_t i = 0; i < q->link_count; i++) {
        cache_cap_answer(r->parts.cache, q->links[i]->answer, now);
        q->outcome.is_repeatable = q->outcome.is_repeatable && q->links[i]->from_cache;
        lacks_records |= q->links[i]->answer->lacks_records;
    }
    const struct verdict *weakest = &weakest_link(q)->verdict;
    q->outcome.rcode = q->links[q->link_count - 1]->answer->rcode;
    q->outcome.security = weakest->security;
    q->outcome.site = weakest->site;
    if (weakest->security == INSECURE)
        outcome_add_ede(&q->outcome, weakest->ede, weakest->text);
    if (lacks_records)
        outcome_add_ede(&q->outcome, EDE_OTHER, "malformed records were left out");
    if (q->rests_on_stale)
        stale_mark_verdict(r, q, now);
    request_finish(r, q, now);
}
