/* Stale answers (RFC 8767): what a client gets when nobody can be asked, or nobody answers in time.  Served are answers
 * that were Secure or Insecure when they were fresh and whose signatures have not ended, without AD unless the operator
 * wants it (doc/decisions/0015); links of a chain that are still fresh stay what they are. */
#include "resolver/request.h"

static const char site_stale[] = "stale";

bool stale_is_allowed(const struct resolver *r, const struct request *q, struct now now)
{
    return r->parts.options->stale.enabled && !q->is_probe && now.wall_is_fit;
}

uint32_t stale_last_age_s(const struct resolver *r)
{
    const struct stale_options *stale = &r->parts.options->stale;
    return stale->outlasts ? TTL_S_MAX : stale->max_age_s;
}

/* ---- what is at hand ---- */

/* One served at this time: its TTL is the least of STALE_TTL_S and its own. */
static void renew(const struct resolver *r, struct answer *answer, struct now now)
{
    int64_t ttl_ms = (int64_t)r->parts.options->stale.ttl_s * 1000;
    answer->received_ms = now.wall_ms;
    answer->expires_ms = now.wall_ms + ttl_ms;
}

static struct answer *find(struct resolver *r, const struct question *question, uint32_t max_age_s, struct now now,
                           struct arena *arena)
{
    uint16_t origin = resolver_origin(r->parts.options, question);
    return cache_find_stale(r->parts.cache, question, origin, max_age_s, now, arena);
}

static struct answer *find_link(struct resolver *r, struct request *q, const struct question *question,
                                uint32_t max_age_s, struct now now)
{
    const struct hooks *hooks = r->parts.hooks;
    struct answer *local = NULL;
    if (hooks != NULL && hooks->local != NULL)
        local = hooks->local(hooks->context, question, now, q->arena);
    return local != NULL ? local : find(r, question, max_age_s, now, q->arena);
}

static bool stands_before(struct answer *const *links, uint16_t count, const struct dname *name)
{
    for (uint16_t i = 0; i < count; i++)
        if (dname_equal(&links[i]->question.qname, name))
            return true;
    return false;
}

/* The whole chain, or nothing: half of one helps nobody. */
static uint16_t find_chain(struct resolver *r, struct request *q, uint32_t max_age_s, struct now now,
                           struct answer **links)
{
    struct question question = q->question;
    for (uint16_t count = 0; count <= CNAME_LINKS_MAX;) {
        bool is_loop = stands_before(links, count, &question.qname);
        struct answer *link = is_loop ? NULL : find_link(r, q, &question, max_age_s, now);
        if (link == NULL)
            return 0;
        links[count++] = link;
        if (!answer_leads_on(link))
            return count;
        question.qname = link->target;
    }
    return 0;
}

static enum security weakest(struct answer *const *links, uint16_t count)
{
    for (uint16_t i = 0; i < count; i++)
        if (links[i]->verdict.security != SECURE)
            return links[i]->verdict.security;
    return SECURE;
}

static void mark_stale(struct outcome *outcome, const char *why)
{
    outcome->is_stale = true;
    outcome->is_repeatable = false;
    outcome->site = site_stale;
    outcome->ede_count = 1;
    outcome->edes[0] = (struct outcome_ede) {
        .code = outcome->rcode == RCODE_NXDOMAIN ? EDE_STALE_NXDOMAIN_ANSWER : EDE_STALE_ANSWER,
        .text = why,
    };
}

/* The outcome that stands in; NULL if there is none.  It is looked for once, and again after a flush. */
static struct outcome *find_outcome(struct resolver *r, struct request *q, const char *why, uint32_t max_age_s,
                                    struct now now)
{
    uint64_t epoch = cache_epoch(r->parts.cache);
    struct stale_search *search = &q->stale_search;
    if (search->is_done && search->epoch == epoch && search->max_age_s == max_age_s)
        return search->found;
    struct answer **links = ARENA_ARRAY(q->arena, CNAME_LINKS_MAX + 1, struct answer *);
    uint16_t count = find_chain(r, q, max_age_s, now, links);
    *search = (struct stale_search) { .is_done = true, .epoch = epoch, .max_age_s = max_age_s };
    if (count == 0)
        return NULL;
    search->found = ARENA_NEW(q->arena, struct outcome);
    *search->found = (struct outcome) {
        .question = q->question,
        .rcode = links[count - 1]->rcode,
        .security = weakest(links, count),
        .link_count = count,
        .links = links,
        .from_cache = true,
        .budget = &q->purse->budget,
    };
    for (uint16_t i = 0; i < count; i++)
        if (links[i]->expires_ms <= now.wall_ms)
            renew(r, links[i], now);
    mark_stale(search->found, why);
    return search->found;
}

/* ---- serving it ---- */

bool stale_stands_in(struct resolver *r, struct request *q, const char *why, struct now now)
{
    struct outcome *stale = stale_is_allowed(r, q, now) ? find_outcome(r, q, why, stale_last_age_s(r), now) : NULL;
    if (stale == NULL)
        return false;
    q->outcome = *stale;
    return true;
}

bool stale_while_waiting(struct resolver *r, struct request *q, struct now now)
{
    static const char late[] = "no fresh answer in time";
    if (!q->client_is_late || STAILQ_EMPTY(&q->waiters) || !stale_is_allowed(r, q, now))
        return false;
    struct outcome *stale = find_outcome(r, q, late, r->parts.options->stale.max_age_s, now);
    if (stale == NULL)
        return false;
    if (!q->in_background && r->stats.background >= BACKGROUND_MAX) {
        q->outcome = *stale;
        return true;
    }
    request_to_background(r, q);
    request_tell_waiters(r, q, stale);
    return false;
}

bool stale_fact(struct resolver *r, struct request *q, struct pin *pin, struct now now)
{
    if (pin->stale_is_known || !stale_is_allowed(r, q, now))
        return false;
    pin->stale_is_known = true;
    struct answer *answer = find(r, &pin->question, stale_last_age_s(r), now, q->arena);
    if (answer == NULL)
        return false;
    pin->answer = answer;
    pin->from_cache = true;
    q->rests_on_stale = true;
    return true;
}

static bool is_link(const struct request *q, const struct pin *pin)
{
    for (uint16_t i = 0; i < q->link_count; i++)
        if (q->links[i] == pin)
            return true;
    return false;
}

/* Are all sets that are awaited facts, and is there an expired one for each?  While a link is doubted those behind the
 * first one are not in the chain, but are no facts for that. */
static bool find_late_facts(struct resolver *r, struct request *q, struct now now)
{
    for (uint16_t i = 0; i < q->pin_count; i++) {
        struct pin *pin = q->pins[i];
        if (pin->is_wanted && (!pin_is_fact(pin) || is_link(q, pin) || !stale_fact(r, q, pin, now)))
            return false;
    }
    return true;
}

bool stale_facts_stand_in(struct resolver *r, struct request *q, struct now now)
{
    if (!q->client_is_late || STAILQ_EMPTY(&q->waiters) || !find_late_facts(r, q, now))
        return false;
    for (uint16_t i = 0; i < q->pin_count; i++) {
        if (q->pins[i]->is_wanted)
            refresh_join(r, &q->pins[i]->question, now);
        q->pins[i]->is_wanted = false;
    }
    wait_no_more(r, &q->waits);
    return true;
}

void stale_mark_verdict(struct resolver *r, struct request *q, struct now now)
{
    int64_t ends_ms = now.wall_ms + (int64_t)r->parts.options->stale.ttl_s * 1000;
    for (uint16_t i = 0; i < q->outcome.link_count; i++)
        if (q->outcome.links[i]->expires_ms > ends_ms)
            q->outcome.links[i]->expires_ms = ends_ms;
    mark_stale(&q->outcome, "validated by expired DS or DNSKEY records");
}

/* ---- lookups ---- */

uint32_t stale_recheck_s(struct resolver *r, const struct question *question, struct now now)
{
    if (!r->parts.options->stale.enabled)
        return 0;
    struct arena *scratch = arena_new();
    bool is_at_hand = find(r, question, stale_last_age_s(r), now, scratch) != NULL;
    arena_free(scratch);
    return is_at_hand ? r->parts.options->stale.recheck_s : 0;
}

/* An expired delegation leads on where no server above it can tell.  One that can has moved the zone, or taken it away:
 * its word counts (ghost domains, CVE-2012-1033). */
bool stale_use_old_cut(struct resolver *r, struct lookup *l, struct now now)
{
    const struct stale_options *stale = &r->parts.options->stale;
    struct dname name = l->question.qname;
    if (!stale->enabled || l->is_fresh || l->old_cut_is_tried || l->cut->recursive)
        return false;
    l->old_cut_is_tried = true;
    if (question_is_for_parent(&l->question))
        dname_parent(&name, &name);
    struct delegation *delegation =
        cache_find_old_delegation(r->parts.cache, &name, l->origin, stale_last_age_s(r), now, l->arena);
    if (delegation == NULL || !dname_is_below(&delegation->zone, &l->cut->delegation->zone))
        return false;
    wait_no_more(r, &l->waits); /* for addresses of the servers above */
    lookup_enter_cut(r, l, delegation);
    return true;
}
