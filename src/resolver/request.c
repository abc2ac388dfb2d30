/* A client's question: the chain link by link, each link judged (RFC 4035 section 4.2), until there is an outcome. */
#include "resolver/request.h"

enum { REQUEST_MS_MAX = 15000 }; /* RFC 8767 section 4: the query resolution timer, 10 to 30 s */

static const char site_held[] = "validation-held";

/* ---- what lookups found ---- */

void request_deliver(struct resolver *r, struct request *q, const struct lookup *found, struct now now)
{
    (void)r;
    (void)now;
    struct pin *pin = pin_find(q, &found->question);
    if (pin == NULL || !pin->is_wanted)
        return;
    pin->is_wanted = false;
    if (found->end == LOOKUP_ANSWERED) {
        pin->answer = answer_copy(q->arena, found->answer);
        pin->from_cache = false;
        pin->from = found->from;
        if (found->from.agent != NULL)
            pin->from.agent = dname_copy(q->arena, found->from.agent);
        return;
    }
    if (found->failure.is_budget && found->purse != q->purse && !pin->retry_after_budget) {
        pin->retry_after_budget = true;
        return;
    }
    pin->failure = found->failure;
    pin->failure_is_cached = found->failure_is_cached;
    q->doubt_failed = q->doubted_links > 0;
}

void request_to_background(struct resolver *r, struct request *q)
{
    r->stats.background += !q->in_background;
    q->in_background = true;
}

void request_timed_out(struct resolver *r, struct request *q, struct now now)
{
    static const char text[] = "no answer in time";
    if (now.monotonic_ms < q->give_up_ms) {
        q->client_is_late = true;
        timers_set(&r->request_timers, &q->timer, q->give_up_ms);
        task_wake(r, &q->task);
        return;
    }
    if (stale_stands_in(r, q, text, now)) {
        request_finish(r, q, now);
        return;
    }
    outcome_add_ede(&q->outcome, EDE_NO_REACHABLE_AUTHORITY, text);
    request_finish_servfail(r, q, q->checking_disabled ? UNCHECKED : INDETERMINATE, "time", now);
}

/* ---- judging ---- */

/* Data of no TTL to speak of would be found Bogus again and again: it stays for as long as any failure (RFC 9520
 * section 3.2). */
static void keep_bogus(struct answer *bogus, struct now now)
{
    int64_t end_ms = now.wall_ms + FAILURE_TTL_S_FIRST * INT64_C(1000);
    if (bogus->expires_ms < end_ms)
        bogus->expires_ms = end_ms;
}

/* What stale data stands in for is tried again when failures are. */
static void hasten_recheck(struct resolver *r, const struct request *q, struct answer *bogus, struct now now)
{
    const struct stale_options *stale = &r->parts.options->stale;
    if (!stale->on_bogus || !stale_is_allowed(r, q, now))
        return;
    uint32_t recheck_s = stale_recheck_s(r, &bogus->question, now);
    int64_t end_ms = now.wall_ms + (int64_t)recheck_s * 1000;
    if (recheck_s > 0 && bogus->expires_ms > end_ms)
        bogus->expires_ms = end_ms;
}

static void store_verdicts(struct resolver *r, struct request *q, struct now now)
{
    if (q->rests_on_stale)
        return;
    for (uint16_t i = 0; i < q->pin_count; i++) {
        struct pin *pin = q->pins[i];
        struct answer *answer = pin->answer;
        if (answer == NULL || answer == pin->stored || !answer->verdict_is_new ||
            !origin_is_cached(r->parts.options, answer->origin))
            continue;
        if (answer->verdict.security != UNCHECKED)
            pin->stored = answer;
        enum security security = answer->verdict.security;
        if (security == BOGUS) {
            keep_bogus(answer, now);
            hasten_recheck(r, q, answer, now);
        }
        if (security_is_trusted(security) || security == BOGUS)
            cache_put_answer_since(r->parts.cache, answer, q->epoch, now);
        synthesis_learn(r, q, answer, now);
    }
}

enum step { STEP_ON, STEP_WAIT, STEP_TURN, STEP_END };

static enum step want_fact(struct resolver *r, struct request *q, struct pin *pin, struct now now)
{
    if (pin != NULL && budget_take_lookup(&q->purse->budget)) {
        pin_wish(r, q, pin, now);
        return STEP_WAIT;
    }
    q->outcome.ede_count = 0;
    outcome_add_ede(&q->outcome, EDE_OTHER, q->purse->budget.spent);
    r->stats.budgets_spent++;
    request_finish_servfail(r, q, INDETERMINATE, "budget", now);
    return STEP_END;
}

/* STEP_ON: there is a verdict. */
static enum step reach_verdict(struct resolver *r, struct request *q, struct pin *link,
                               const struct validation *validation)
{
    struct question fact = { .qclass = CLASS_IN };
    for (;;) {
        switch (validator_judge(validation, link->answer, &fact.qname, &fact.qtype)) {
        case JUDGE_TURN:
            return STEP_TURN;
        case JUDGED:
            return STEP_ON;
        case JUDGE_NEEDS:
            break;
        }
        struct pin *pin = pin_find(q, &fact);
        if (pin == NULL || !facts_take_companions(q, pin, validation))
            return want_fact(r, q, pin, validation->now);
    }
}

static struct validation validation_of(const struct resolver *r, const struct request *q, const struct facts *facts,
                                       struct now now)
{
    return (struct validation) {
        .arena = q->arena,
        .memo = q->memo,
        .budget = &q->purse->budget,
        .verifier = r->verifier,
        .policy = r->parts.policy,
        .trust = r->parts.trust,
        .now = now,
        .facts = facts,
        .watch = r->parts.witness == NULL ? NULL : &r->parts.witness->signatures,
        .explain = r->parts.explain,
    };
}

/* Without signatures, and whether that is right nobody tells: a server that knows nothing of DNSSEC says no more. */
static bool is_doubtful(const struct answer *answer)
{
    const struct rrset_list *list = answer->rrsets.count > 0 ? &answer->rrsets : &answer->proofs;
    bool is_unsigned = list->count > 0 && list->items[0]->sig_count == 0;
    return answer->verdict.security == BOGUS || (answer->verdict.security == INDETERMINATE && is_unsigned);
}

static void forget_before_flush(struct resolver *r)
{
    uint64_t epoch = cache_epoch(r->parts.cache);
    if (r->verifier_epoch != epoch)
        verifier_forget(r->verifier);
    r->verifier_epoch = epoch;
}

static enum step judge(struct resolver *r, struct request *q, struct pin *link, struct now now)
{
    struct fact_source source = { r, q, now };
    struct facts facts = facts_of(&source);
    struct validation validation = validation_of(r, q, &facts, now);
    forget_before_flush(r);
    budget_price_aliases(&q->purse->budget, (uint16_t)(q->link_count - 1));
    enum step step = reach_verdict(r, q, link, &validation);
    if (step != STEP_ON)
        return step;
    if (r->parts.witness != NULL)
        testimony_note(q, link, &validation);
    if (is_doubtful(link->answer) && doubt_begin(r, q, link, now))
        return STEP_WAIT;
    q->doubted_links = 0;
    store_verdicts(r, q, now);
    return STEP_ON;
}

static bool is_refused(enum security security)
{
    return security == BOGUS || security == INDETERMINATE;
}

/* ---- deciding ---- */

static bool is_in_chain(const struct request *q, const struct dname *name)
{
    for (uint16_t i = 0; i < q->link_count; i++)
        if (dname_equal(&q->links[i]->question.qname, name))
            return true;
    return false;
}

static bool local_answer(struct resolver *r, struct request *q, struct pin *pin, struct now now)
{
    const struct hooks *hooks = r->parts.hooks;
    if (hooks == NULL || hooks->local == NULL)
        return false;
    pin->answer = hooks->local(hooks->context, &pin->question, now, q->arena);
    return pin->answer != NULL;
}

/* A referral's proof that there is no DS is all that the validator needs; a client needs the SOA too (RFC 2308 section
 * 3), which the parent sends to whoever asks for the DS. */
static bool is_for_clients(const struct answer *answer)
{
    return answer->kind != ANSWER_NODATA || answer->question.qtype != TYPE_DS || answer_soa(answer) != NULL;
}

/* Nobody is asked for what would be Bogus anyway. */
static bool fails_closed(struct resolver *r, struct request *q, const struct question *question, struct now now)
{
    struct validation validation = validation_of(r, q, NULL, now);
    struct verdict verdict;
    if (q->checking_disabled || !validator_fails_closed(&validation, question, &verdict))
        return false;
    outcome_add_ede(&q->outcome, verdict.ede, arena_strdup(q->arena, verdict.text)); /* the outcome outlives us */
    request_finish_servfail(r, q, verdict.security, verdict.site, now);
    return true;
}

/* An open link, by what is at hand; else it is looked up. */
static enum step open_link(struct resolver *r, struct request *q, struct pin *pin, struct now now)
{
    bool is_cached = pin_take_cached(r, q, pin, now);
    if (is_cached && q->is_refresh && prefetch_is_due(pin->answer, now)) {
        pin->left_ms = pin->answer->expires_ms - now.wall_ms;
        pin->answer = NULL;
        return STEP_ON;
    }
    if (is_cached && is_for_clients(pin->answer))
        return STEP_ON;
    pin->from_cache = false; /* should the parent say nothing, this will do, but is not to be repeated */
    struct answer *synthesised = synthesise(r, q, &pin->question, now);
    if (synthesised != NULL) {
        pin->answer = synthesised;
        return STEP_ON;
    }
    if (fails_closed(r, q, &pin->question, now))
        return STEP_END;
    if (pin_is_open(pin))
        return STEP_ON;
    pin_wish(r, q, pin, now);
    return STEP_WAIT;
}

/* The next name of the chain becomes a link of its own. */
static enum step extend(struct resolver *r, struct request *q, const struct dname *name, struct now now)
{
    struct question question = q->question;
    question.qname = *name;
    if (q->link_count > CNAME_LINKS_MAX || is_in_chain(q, name)) {
        outcome_add_ede(&q->outcome, EDE_OTHER,
                        q->link_count > CNAME_LINKS_MAX ? "CNAME chain too long" : "CNAME loop");
        request_finish_servfail(r, q, INDETERMINATE, "cname-chain", now);
        return STEP_END;
    }
    struct pin *pin = pin_find(q, &question);
    bool is_known = pin != NULL;
    if (!is_known)
        pin = pin_add(r, q, &question);
    if (pin == NULL) {
        request_finish_servfail(r, q, INDETERMINATE, "budget", now);
        return STEP_END;
    }
    q->links[q->link_count++] = pin;
    if (q->is_probe)
        return STEP_ON;
    /* Known, but open: forgotten, since its server is doubted, and the cache may have it from there. */
    if (!pin_is_open(pin) || local_answer(r, q, pin, now) || is_known)
        return STEP_ON;
    return open_link(r, q, pin, now);
}

static enum step follow_link(struct resolver *r, struct request *q, struct now now)
{
    struct pin *link = q->links[q->link_count - 1];
    if (pin_is_open(link)) {
        pin_wish(r, q, link, now);
        return STEP_WAIT;
    }
    if (link->answer == NULL) {
        request_finish_failed(r, q, link, now);
        return STEP_END;
    }
    if (!q->checking_disabled && link->answer->verdict.security == UNCHECKED) {
        enum step step = judge(r, q, link, now);
        if (step != STEP_ON)
            return step;
    }
    if (!q->checking_disabled && is_refused(link->answer->verdict.security)) {
        request_finish_refused(r, q, link, now);
        return STEP_END;
    }
    if (link->answer->contradicted && link->answer->verdict.security == SECURE) {
        if (doubt_begin(r, q, link, now))
            return STEP_WAIT;
        request_finish_contradicted(r, q, now);
        return STEP_END;
    }
    if (answer_leads_on(link->answer))
        return extend(r, q, &link->answer->target, now);
    request_finish_answered(r, q, now);
    return STEP_END;
}

/* Something was flushed, or trust has changed, since this request began: what it has pinned may be what had to go. */
static bool outdated(struct resolver *r, struct request *q)
{
    uint64_t epoch = cache_epoch(r->parts.cache);
    if (q->epoch == epoch || q->epoch_restarts == EPOCH_RESTARTS_MAX)
        return false;
    q->epoch = epoch;
    q->epoch_restarts++;
    return true;
}

static void restart(struct resolver *r, struct request *q)
{
    wait_no_more(r, &q->waits);
    q->doubted_links = 0;
    q->doubt_failed = false;
    q->pin_count = 0;
    q->link_count = 0;
    q->memo = validation_memo_new(q->arena);
    q->rests_on_stale = false;
}

static void wait_on(struct resolver *r, struct request *q, struct now now)
{
    if (stale_while_waiting(r, q, now))
        request_finish(r, q, now);
    else if (stale_facts_stand_in(r, q, now))
        task_wake(r, &q->task);
}

/* Validation is held: what for; NULL: it is not.  Our own probes find out whether the anchors are good again. */
static const char *lacks_to_judge(const struct resolver *r, const struct request *q, struct now now)
{
    if (!now.wall_is_fit)
        return "clock";
    return trust_is_held(r->parts.trust) && !q->is_probe ? "anchors" : NULL;
}

void request_decide(struct resolver *r, struct request *q, struct now now, bool *turn_is_over)
{
    if (q->finished)
        return;
    if (outdated(r, q))
        restart(r, q);
    const char *lacking = q->checking_disabled ? NULL : lacks_to_judge(r, q, now);
    if (lacking != NULL) {
        outcome_add_ede(&q->outcome, EDE_NOT_READY, lacking);
        request_finish_servfail(r, q, INDETERMINATE, site_held, now);
        return;
    }
    if (!LIST_EMPTY(&q->waits)) {
        wait_on(r, q, now);
        return;
    }
    if (q->doubt_failed) {
        doubt_give_up(q);
        if (doubt_begin(r, q, q->links[q->link_count - 1], now)) {
            wait_on(r, q, now);
            return;
        }
        store_verdicts(r, q, now);
    }
    if (arena_octets(q->arena) > QUERY_ARENA_OCTETS_MAX) {
        outcome_add_ede(&q->outcome, EDE_OTHER, "memory of one query");
        request_finish_servfail(r, q, INDETERMINATE, "budget", now);
        return;
    }
    enum step step = q->link_count == 0 ? extend(r, q, &q->question.qname, now) : STEP_ON;
    while (step == STEP_ON)
        step = follow_link(r, q, now);
    *turn_is_over = step == STEP_TURN;
    if (step == STEP_WAIT)
        wait_on(r, q, now);
}

/* ---- the beginning ---- */

struct request *request_new(struct resolver *r, const struct question *question, bool checking_disabled, struct now now)
{
    struct arena *arena = arena_new();
    struct request *q = ARENA_NEW(arena, struct request);
    q->task.kind = TASK_REQUEST;
    q->arena = arena;
    q->question = *question;
    q->checking_disabled = checking_disabled;
    q->purse = purse_new(r->parts.options);
    q->synthesis = budget_full();
    q->synthesis.hashes = SYNTHESIS_HASHES_MAX;
    q->epoch = cache_epoch(r->parts.cache);
    q->memo = validation_memo_new(arena);
    STAILQ_INIT(&q->waiters);
    LIST_INIT(&q->waits);
    LIST_INSERT_HEAD(&r->requests[question_hash(question, checking_disabled) % TABLE_BUCKETS], q, bucket);
    const struct stale_options *stale = &r->parts.options->stale;
    q->give_up_ms = now.monotonic_ms + REQUEST_MS_MAX;
    q->client_is_late = stale->enabled && stale->client_timeout_ms == 0;
    bool has_stages = stale->enabled && !q->client_is_late && stale->client_timeout_ms < REQUEST_MS_MAX;
    timers_set(&r->request_timers, &q->timer, has_stages ? now.monotonic_ms + stale->client_timeout_ms : q->give_up_ms);
    return q;
}

void request_free(struct resolver *r, struct request *q)
{
    timers_cancel(&r->request_timers, &q->timer);
    wait_no_more(r, &q->waits);
    LIST_REMOVE(q, bucket);
    const struct budget full = budget_full();
    r->stats.signature_checks += (uint64_t)(full.signature_checks - q->purse->budget.signature_checks);
    r->stats.nsec3_hashes += (uint64_t)(full.hashes - q->purse->budget.hashes);
    r->stats.nsec3_hashes += (uint64_t)(SYNTHESIS_HASHES_MAX - q->synthesis.hashes);
    purse_release(q->purse);
    arena_free(q->arena);
}
