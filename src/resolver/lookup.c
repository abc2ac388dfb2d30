/* One question, asked of authoritative servers from the closest known cut downwards (RFC 1034 section 5.3.3), or of
 * forwarders.  lookup_decide() names the next want from what is known, lookup_absorb() files what came. */
#include "resolver/internal.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    LOOKUP_MS_DISTRUSTFUL = 4000, /* there is an answer already, though a bad one */
    LOOKUP_MS_MAX = 12000,       /* RFC 8767 section 4 speaks of 10 to 30 s; clients give up earlier */
    NAMES_AT_ONCE = 2,           /* server names whose addresses are looked for at the same time */
    SCORE_UNKNOWN_MS = 80,       /* a server never asked is taken for a fair one, so that all get to be known */
    SCORE_BAND_MS = 60,          /* servers this close to the best share the load, and the ports */
    SCORE_RESEND_MS = 400,       /* asked already in this lookup: others first */
    SCORE_SILENT_MS = 10000,
    SCORE_AVOID_MS = 100000,
    WAITS_DEPTH_MAX = 64,        /* of the waits-for graph; deeper counts as a cycle */
    QUESTION_OCTETS_MAX = 512,
};

/* ---- the end ---- */

static void exchange_is_over(struct resolver *r, struct lookup *l)
{
    if (l->exchange == 0)
        return;
    LIST_REMOVE(l, exchange_bucket);
    timers_cancel(&r->exchange_timers, &l->timer);
    l->exchange = 0;
}

static void lookup_free(struct resolver *r, struct lookup *l)
{
    LIST_REMOVE(l, bucket);
    while (!LIST_EMPTY(&l->waits))
        wait_end(r, LIST_FIRST(&l->waits));
    purse_release(l->purse);
    l->purse = NULL;
    if (l->task.queued) {
        l->task.dead = true;
        return;
    }
    arena_free(l->arena);
}

void lookup_abandon(struct resolver *r, struct lookup *l)
{
    if (l->exchange != 0) {
        want_cancel(r, l->exchange);
        exchange_is_over(r, l);
    }
    lookup_free(r, l);
}

static void tell_waiters(struct resolver *r, struct lookup *l, struct now now)
{
    struct wait *wait;
    while ((wait = LIST_FIRST(&l->waiters)) != NULL) {
        struct task *waiter = wait->waiter;
        LIST_REMOVE(wait, of_lookup);
        LIST_REMOVE(wait, of_waiter);
        free(wait);
        if (waiter->kind == TASK_REQUEST)
            request_deliver(r, (struct request *)waiter, l, now);
        else
            lookup_deliver(r, (struct lookup *)waiter, l, now);
        task_wake(r, waiter);
    }
}

static void finish(struct resolver *r, struct lookup *l, struct answer *answer, struct now now)
{
    l->end = LOOKUP_ANSWERED;
    l->answer = answer;
    cache_put_answer(r->parts.cache, answer, now);
    cache_clear_failure(r->parts.cache, &l->question, l->origin);
    tell_waiters(r, l, now);
    lookup_free(r, l);
}

static void fail(struct resolver *r, struct lookup *l, int ede, const char *site, const char *text, struct now now)
{
    l->end = LOOKUP_FAILED;
    l->failure.ede = ede;
    l->failure.site = site;
    snprintf(l->failure.text, sizeof(l->failure.text), "%s", text);
    if (!l->failure_is_cached)
        cache_put_failure(r->parts.cache, &l->question, l->origin, &l->failure, now);
    tell_waiters(r, l, now);
    lookup_free(r, l);
}

static void fail_of_budget(struct resolver *r, struct lookup *l, struct now now)
{
    l->failure.is_budget = true;
    r->stats.budgets_spent++;
    fail(r, l, EDE_OTHER, "budget", l->purse->budget.spent != NULL ? l->purse->budget.spent : "depth", now);
}

static void fail_of_servers(struct resolver *r, struct lookup *l, struct now now)
{
    char zone[DNAME_TEXT_MAX], text[EXTRA_TEXT_MAX];
    dname_to_text(&l->cut->delegation->zone, zone);
    if (l->timeouts + l->refusals == 0)
        snprintf(text, sizeof(text), "no usable server address for %.100s", zone);
    else
        snprintf(text, sizeof(text), "servers of %.80s: %u time-outs, %u unusable replies", zone, l->timeouts,
                 l->refusals);
    fail(r, l, EDE_NO_REACHABLE_AUTHORITY, "no-reachable-authority", text, now);
}

/* ---- the cut ---- */

static bool is_configured(const struct resolver_options *options, const struct address *address)
{
    for (uint16_t i = 0; i < options->root_hints->server_count; i++)
        for (uint16_t k = 0; k < options->root_hints->servers[i].address_count; k++)
            if (address_equal(&options->root_hints->servers[i].addresses[k], address))
                return true;
    for (uint16_t i = 0; i < options->zone_rule_count; i++)
        for (uint16_t k = 0; k < options->zone_rules[i].address_count; k++)
            if (address_equal(&options->zone_rules[i].addresses[k], address))
                return true;
    return false;
}

static bool may_be_asked(const struct resolver_options *options, const struct address *address)
{
    if (address->family == 4 ? !options->ask_ipv4 : !options->ask_ipv6)
        return false;
    if (!address_is_special(address) || is_configured(options, address))
        return true;
    for (uint16_t i = 0; i < options->query_private_count; i++)
        if (prefix_contains(&options->query_private[i], address))
            return true;
    return false;
}

static void cut_add_target(const struct resolver_options *options, struct cut *cut, const struct address *address)
{
    if (cut->target_count == CUT_TARGETS_MAX || !may_be_asked(options, address))
        return;
    for (uint16_t i = 0; i < cut->target_count; i++)
        if (address_equal(&cut->targets[i].address, address))
            return;
    cut->targets[cut->target_count++] = (struct target) { .address = *address };
}

static struct cut *cut_new(const struct resolver_options *options, struct lookup *l, struct delegation *delegation)
{
    struct cut *cut = ARENA_NEW(l->arena, struct cut);
    cut->delegation = delegation;
    for (uint16_t i = 0; i < delegation->server_count; i++)
        for (uint16_t k = 0; k < delegation->servers[i].address_count; k++)
            cut_add_target(options, cut, &delegation->servers[i].addresses[k]);
    return cut;
}

/* A forward or stub zone, as if it were delegated to the configured addresses. */
static struct cut *cut_of_rule(const struct resolver_options *options, struct lookup *l)
{
    struct delegation *delegation = ARENA_NEW(l->arena, struct delegation);
    delegation->zone = l->rule->zone;
    delegation->origin = l->origin;
    struct cut *cut = cut_new(options, l, delegation);
    for (uint16_t i = 0; i < l->rule->address_count; i++)
        cut_add_target(options, cut, &l->rule->addresses[i]);
    cut->configured = true;
    cut->recursive = l->rule->kind != ZONE_RULE_STUB;
    return cut;
}

static bool wants_parent_side(const struct question *question)
{
    return question->qtype == TYPE_DS && !dname_is_root(&question->qname);
}

static struct cut *cut_of_cache(struct resolver *r, struct lookup *l, struct now now)
{
    struct delegation *delegation;
    const struct dname *name = l->cut_is_doubted ? &l->doubted : &l->question.qname;
    bool above = l->cut_is_doubted || wants_parent_side(&l->question);
    if (!cache_find_delegation(r->parts.cache, name, above, l->origin, now, l->arena, &delegation))
        return NULL;
    if (l->rule != NULL && delegation->zone.labels <= l->rule->zone.labels)
        return NULL;
    struct cut *cut = cut_new(r->parts.options, l, delegation);
    cut->from_cache = true;
    return cut;
}

static bool join(struct resolver *r, struct lookup *l, const struct question *question, struct now now);

/* RFC 9609: the servers of the root are asked for themselves before anything else is asked of them. */
static bool waits_for_priming(struct resolver *r, struct lookup *l, struct now now)
{
    if (!r->parts.options->prime_root || l->is_priming || l->primed)
        return false;
    l->primed = true;
    struct question question = { .qname = *dname_root(), .qtype = TYPE_NS, .qclass = CLASS_IN };
    return join(r, l, &question, now);
}

/* false: wait for something first. */
static bool find_cut(struct resolver *r, struct lookup *l, struct now now)
{
    if (l->rule != NULL && l->rule->kind != ZONE_RULE_STUB) {
        l->cut = cut_of_rule(r->parts.options, l);
        return true;
    }
    l->cut = cut_of_cache(r, l, now);
    if (l->cut == NULL && l->rule != NULL)
        l->cut = cut_of_rule(r->parts.options, l);
    if (l->cut != NULL)
        return true;
    if (waits_for_priming(r, l, now))
        return false;
    l->cut = cut_of_cache(r, l, now);
    if (l->cut == NULL)
        l->cut = cut_new(r->parts.options, l, delegation_copy(l->arena, r->parts.options->root_hints));
    return true;
}

/* ---- whom to ask ---- */

static bool is_avoided(const struct lookup *l, const struct address *address)
{
    for (uint8_t i = 0; i < l->distrust.avoid_count; i++)
        if (address_equal(&l->distrust.avoid[i], address))
            return true;
    return false;
}

static bool can_be_asked(const struct lookup *l, const struct target *target)
{
    if (target->given_up || (target->recursion_lame && !l->accept_recursion_lame) ||
        (is_avoided(l, &target->address) && !l->accept_avoided))
        return false;
    bool tcp = target->use_tcp || is_avoided(l, &target->address);
    return (tcp ? target->tcp_sent : target->udp_sent) < SENDS_PER_TARGET_MAX;
}

static int64_t score(struct resolver *r, const struct lookup *l, const struct target *target, struct now now)
{
    const struct server *server = servers_get(r->servers, &target->address);
    int64_t score = server->measured ? server->srtt_ms : SCORE_UNKNOWN_MS;
    score += (int64_t)(target->udp_sent + target->tcp_sent) * SCORE_RESEND_MS;
    if (server_is_silent(server, now.monotonic_ms) ||
        server_lame_for(server, &l->cut->delegation->zone, now.monotonic_ms))
        score += SCORE_SILENT_MS;
    if (is_avoided(l, &target->address))
        score += SCORE_AVOID_MS;
    return score;
}

/* One of the fastest at random (RFC 5452 section 4.4: an attacker must not know which); NULL if none is left. */
static struct target *choose_target(struct resolver *r, struct lookup *l, struct now now)
{
    struct cut *cut = l->cut;
    int64_t scores[CUT_TARGETS_MAX], best = INT64_MAX;
    for (uint16_t i = 0; i < cut->target_count; i++) {
        scores[i] = can_be_asked(l, &cut->targets[i]) ? score(r, l, &cut->targets[i], now) : INT64_MAX;
        if (scores[i] < best)
            best = scores[i];
    }
    if (best == INT64_MAX)
        return NULL;
    struct target *chosen = NULL;
    uint32_t candidates = 0;
    for (uint16_t i = 0; i < cut->target_count; i++)
        if (scores[i] != INT64_MAX && scores[i] <= best + SCORE_BAND_MS &&
            random_below(r->parts.random, ++candidates) == 0)
            chosen = &cut->targets[i];
    return chosen;
}

/* ---- addresses of server names ---- */

/* Does `from` wait, however indirectly, for `l`? */
static bool leads_to(const struct lookup *from, const struct lookup *l, unsigned depth)
{
    if (from == l || depth == WAITS_DEPTH_MAX)
        return true;
    const struct wait *wait;
    LIST_FOREACH(wait, &from->waits, of_waiter)
        if (leads_to(wait->lookup, l, depth + 1))
            return true;
    return false;
}

/* Waits for the lookup of question; false: it would wait for us, or the budget says no. */
static bool join(struct resolver *r, struct lookup *l, const struct question *question, struct now now)
{
    if (l->depth >= LOOKUP_DEPTH_MAX || !budget_take_lookup(&l->purse->budget))
        return false;
    struct lookup_wish wish = { .question = question, .purse = l->purse, .depth = (uint8_t)(l->depth + 1) };
    struct lookup *other = lookup_want(r, &wish, now);
    if (leads_to(other, l, 0))
        return false;
    wait_for(&l->task, &l->waits, other);
    return true;
}

static void add_addresses(struct resolver *r, struct lookup *l, const struct answer *answer)
{
    if (answer->kind != ANSWER_DATA || answer->verdict.security == BOGUS)
        return;
    const struct rrset *set = answer->rrsets.items[0];
    struct address address;
    for (uint16_t i = 0; i < set->count && i < ADDRESSES_PER_NS_MAX; i++)
        if (address_from_rdata(set->type, set->rdata[i], 53, &address) == OK)
            cut_add_target(r->parts.options, l->cut, &address);
}

static void want_address(struct resolver *r, struct lookup *l, const struct dname *name, uint16_t type, struct now now)
{
    struct question question = { .qname = *name, .qtype = type, .qclass = CLASS_IN };
    struct answer *known;
    uint16_t origin;
    zone_rule_for(r->parts.options, &question, &origin);
    if (cache_find_answer(r->parts.cache, &question, origin, now, l->arena, &known) == CACHE_FRESH)
        add_addresses(r, l, known);
    else
        join(r, l, &question, now);
}

static bool has_address(const struct delegation_server *server, const struct resolver_options *options)
{
    for (uint16_t i = 0; i < server->address_count; i++)
        if (may_be_asked(options, &server->addresses[i]))
            return true;
    return false;
}

/* Looks for addresses of server names that came without; true if there is something new to look at or to wait for.  Names
 * are taken from a random place on, so that a broken one does not always come first. */
static bool want_addresses(struct resolver *r, struct lookup *l, struct now now)
{
    struct cut *cut = l->cut;
    const struct delegation *delegation = cut->delegation;
    uint16_t targets_before = cut->target_count, asked = 0;
    if (delegation->server_count == 0)
        return false;
    uint32_t start = random_below(r->parts.random, delegation->server_count);
    for (uint16_t i = 0; i < delegation->server_count && asked < NAMES_AT_ONCE; i++) {
        uint16_t at = (uint16_t)((start + i) % delegation->server_count);
        const struct delegation_server *server = &delegation->servers[at];
        if (cut->name_states[at] != SERVER_NAME_UNASKED || has_address(server, r->parts.options) ||
            cut->names_asked == GLUELESS_PER_REFERRAL_MAX)
            continue;
        cut->name_states[at] = SERVER_NAME_ASKED;
        cut->names_asked++;
        asked++;
        if (r->parts.options->ask_ipv4)
            want_address(r, l, &server->name, TYPE_A, now);
        if (r->parts.options->ask_ipv6)
            want_address(r, l, &server->name, TYPE_AAAA, now);
    }
    return asked > 0 || cut->target_count > targets_before;
}

void lookup_deliver(struct resolver *r, struct lookup *l, const struct lookup *found, struct now now)
{
    (void)now;
    if (found->end == LOOKUP_ANSWERED && l->cut != NULL && !found->is_priming)
        add_addresses(r, l, found->answer);
}

/* ---- asking ---- */

static void send_question(struct resolver *r, struct lookup *l, struct target *target, struct now now)
{
    const struct server *server = servers_get(r->servers, &target->address);
    l->target = target;
    l->sent_tcp = target->use_tcp || is_avoided(l, &target->address);
    l->sent_edns = !target->no_edns && server->no_edns_until_ms <= now.monotonic_ms;
    uint8_t *sent = l->sent_tcp ? &target->tcp_sent : &target->udp_sent;
    int64_t timeout_ms = server_timeout_ms(server, *sent);
    if (l->sent_tcp)
        timeout_ms = timeout_ms * 2 < TIMEOUT_MAX_MS ? timeout_ms * 2 : TIMEOUT_MAX_MS; /* the handshake */
    (*sent)++;

    uint8_t buffer[QUESTION_OCTETS_MAX];
    struct question ask;
    lookup_minimise(r->parts.options, l, &ask);
    struct exchange exchange = {
        .id = ++r->last_exchange,
        .server = target->address,
        .transport = l->sent_tcp ? TRANSPORT_TCP : TRANSPORT_UDP,
        .packet = lookup_write_question(r, l, &ask, now, buffer, sizeof(buffer)),
    };
    l->exchange = exchange.id;
    l->forged = 0;
    l->sent_ms = now.monotonic_ms;
    LIST_INSERT_HEAD(&r->exchanges[exchange.id % TABLE_BUCKETS], l, exchange_bucket);
    timers_set(&r->exchange_timers, &l->timer, now.monotonic_ms + timeout_ms);
    if (l->sent_tcp)
        r->stats.exchanges_tcp++;
    else
        r->stats.exchanges_udp++;
    want_exchange(r, &exchange);
}

static void add_glue_of(const struct resolver_options *options, struct cut *cut, const struct delegation *delegation,
                        const struct dname *name)
{
    for (uint16_t i = 0; i < delegation->server_count; i++)
        if (dname_equal(&delegation->servers[i].name, name))
            for (uint16_t k = 0; k < delegation->servers[i].address_count; k++)
                cut_add_target(options, cut, &delegation->servers[i].addresses[k]);
}

/* The last hope for server names whose addresses their own zone does not tell: glue that came with its delegation. */
static bool use_glue_of_other_zones(struct resolver *r, struct lookup *l, struct now now)
{
    const struct delegation *delegation = l->cut->delegation;
    uint16_t before = l->cut->target_count;
    if (l->glue_used || l->cut->configured)
        return false;
    l->glue_used = true;
    for (uint16_t i = 0; i < delegation->server_count; i++) {
        const struct dname *name = &delegation->servers[i].name;
        struct delegation *other;
        bool above = false;
        for (struct dname at = *name; cache_find_delegation(r->parts.cache, &at, above, l->origin, now, l->arena, &other);
             above = true) {
            add_glue_of(r->parts.options, l->cut, other, name);
            at = other->zone;
        }
    }
    return l->cut->target_count > before;
}

/* All servers have failed.  A delegation that was in the cache may be outdated: come down again from its parent, once.  It
 * stays until the parent has said something else: it may know addresses that nobody tells just now. */
static bool try_another_way(struct resolver *r, struct lookup *l, struct now now)
{
    if (use_glue_of_other_zones(r, l, now))
        return true;
    if (l->distrust.avoid_count > 0 && !l->accept_avoided) {
        l->accept_avoided = true;
        return true;
    }
    for (uint16_t i = 0; i < l->cut->target_count; i++)
        if (l->cut->targets[i].recursion_lame && !l->accept_recursion_lame) {
            l->accept_recursion_lame = true;
            return true;
        }
    if (l->cut->recursive && l->rule->kind == ZONE_RULE_FORWARD_FIRST) {
        l->rule = NULL;
        l->cut = NULL;
        return true;
    }
    if (l->cut->from_cache && !l->cut_is_doubted && !dname_is_root(&l->cut->delegation->zone)) {
        l->cut_is_doubted = true;
        l->doubted = l->cut->delegation->zone;
        l->cut = NULL;
        return true;
    }
    return false;
}

static bool failed_before(struct resolver *r, struct lookup *l, struct now now)
{
    if (l->is_fresh || l->cut != NULL ||
        !cache_find_failure(r->parts.cache, &l->question, l->origin, now, &l->failure))
        return false;
    l->failure_is_cached = true;
    return true;
}

void lookup_decide(struct resolver *r, struct lookup *l, struct now now)
{
    if (l->exchange != 0)
        return;
    if (failed_before(r, l, now)) {
        char text[EXTRA_TEXT_MAX];
        memcpy(text, l->failure.text, sizeof(text));
        fail(r, l, l->failure.ede, l->failure.site, text, now);
        return;
    }
    for (;;) {
        if (now.monotonic_ms >= l->give_up_ms) {
            fail(r, l, EDE_NO_REACHABLE_AUTHORITY, "time", "no answer in time", now);
            return;
        }
        if (l->cut == NULL && !find_cut(r, l, now))
            return;
        struct target *target = choose_target(r, l, now);
        if (target != NULL) {
            if (budget_take_packet(&l->purse->budget))
                send_question(r, l, target, now);
            else
                fail_of_budget(r, l, now);
            return;
        }
        if (!LIST_EMPTY(&l->waits))
            return;
        if (want_addresses(r, l, now))
            continue;
        if (!try_another_way(r, l, now))
            break;
    }
    if (l->purse->budget.spent != NULL)
        fail_of_budget(r, l, now);
    else
        fail_of_servers(r, l, now);
}

/* ---- absorbing ---- */

static bool is_minimised(const struct lookup *l)
{
    return l->asked.qtype != l->question.qtype || l->asked.qname.labels != l->question.qname.labels;
}

static void give_up_target(struct lookup *l)
{
    l->target->given_up = true;
    l->refusals++;
}

/* The servers did not like the minimised question: ask the whole name (RFC 9156 section 2.3, "relaxed"). */
static bool fall_back_to_full_name(const struct resolver_options *options, struct lookup *l)
{
    if (!is_minimised(l) || options->minimisation == MINIMISATION_STRICT)
        return false;
    l->full_name = true;
    if (l->sent_tcp)
        l->target->tcp_sent--;
    else
        l->target->udp_sent--;
    return true;
}

static void absorb_referral(struct resolver *r, struct lookup *l, const struct reply *reply, struct now now)
{
    if (reply->delegation->server_count == 0 || ++l->referrals > REFERRALS_MAX) {
        give_up_target(l);
        return;
    }
    cache_put_delegation(r->parts.cache, reply->delegation, now);
    if (reply->ds != NULL)
        cache_put_answer(r->parts.cache, reply->ds, now);
    if (is_minimised(l))
        l->minimised++;
    l->cut = cut_new(r->parts.options, l, reply->delegation);
    l->accept_recursion_lame = false;
    l->accept_avoided = false;
    l->glue_used = false;
    l->full_name = false;
}

/* What a minimised question has told: there is no cut at that name, or nothing at all. */
static bool absorb_minimised(struct resolver *r, struct lookup *l, struct reply *reply)
{
    struct answer *answer = reply->answers[0];
    l->minimised++;
    if (r->parts.options->minimisation != MINIMISATION_STRICT) {
        l->full_name = true; /* no cut here: most names are in this zone then; and some servers deny empty non-terminals */
        return false;
    }
    if (answer->kind != ANSWER_NXDOMAIN) {
        l->known_labels = l->asked.qname.labels;
        return false;
    }
    answer->question = l->question; /* RFC 8020: nothing below either */
    return true;
}

static void absorb_priming(struct resolver *r, struct lookup *l, const struct message *message,
                           const struct asked *asked, struct now now)
{
    struct delegation *root = reply_priming(message, asked, l->arena);
    if (root == NULL)
        return;
    for (uint16_t i = 0; i < root->server_count; i++)
        if (root->servers[i].address_count > 0) {
            cache_put_delegation(r->parts.cache, root, now);
            return;
        }
}

/* The parent answers instead of delegating. */
static void forget_doubted_cut(struct resolver *r, const struct lookup *l)
{
    if (l->cut_is_doubted && dname_is_below(&l->doubted, &l->cut->delegation->zone) &&
        dname_is_subdomain(&l->asked.qname, &l->doubted))
        cache_drop_delegation(r->parts.cache, &l->doubted, l->origin);
}

static void absorb_answer(struct resolver *r, struct lookup *l, struct reply *reply, struct now now)
{
    forget_doubted_cut(r, l);
    if (is_minimised(l) && !absorb_minimised(r, l, reply))
        return;
    for (uint16_t i = 1; i < reply->answer_count; i++)
        cache_put_answer(r->parts.cache, reply->answers[i], now);
    reply->answers[0]->question.qname = l->question.qname; /* the case the client used, not ours */
    l->from = l->target->address;
    l->from_tcp = l->sent_tcp;
    finish(r, l, reply->answers[0], now);
}

static void absorb_reply(struct resolver *r, struct lookup *l, const struct message *message, struct now now)
{
    struct asked asked = {
        .question = &l->asked,
        .zone = &l->cut->delegation->zone,
        .origin = l->origin,
        .recursive = l->cut->recursive,
        .with_edns = l->sent_edns,
        .now = now,
    };
    struct server *server = servers_get(r->servers, &l->target->address);
    struct reply reply;
    reply_read(message, &asked, l->arena, &reply);
    if (reply.kind == REPLY_RECURSION_LAME && l->accept_recursion_lame)
        reply.kind = REPLY_ANSWER;
    switch (reply.kind) {
    case REPLY_ANSWER:
        if (l->is_priming)
            absorb_priming(r, l, message, &asked, now);
        absorb_answer(r, l, &reply, now);
        return;
    case REPLY_REFERRAL:
        absorb_referral(r, l, &reply, now);
        return;
    case REPLY_RECURSION_LAME:
        l->target->recursion_lame = true;
        return;
    case REPLY_TRUNCATED:
        if (l->sent_tcp)
            give_up_target(l);
        l->target->use_tcp = true;
        return;
    case REPLY_NO_EDNS:
        l->target->no_edns = true;
        server->no_edns_until_ms = now.monotonic_ms + NO_EDNS_S * 1000;
        return;
    case REPLY_LAME:
        if (!fall_back_to_full_name(r->parts.options, l)) {
            give_up_target(l);
            server_is_lame_for(server, asked.zone, now.monotonic_ms);
        }
        return;
    case REPLY_REFUSED:
        if (!fall_back_to_full_name(r->parts.options, l))
            give_up_target(l);
        return;
    }
}

void lookup_absorb(struct resolver *r, struct lookup *l, const struct message *reply, enum err read, struct now now)
{
    server_answered(servers_get(r->servers, &l->target->address), now.monotonic_ms - l->sent_ms);
    exchange_is_over(r, l);
    task_wake(r, &l->task);
    if (read == OK) {
        absorb_reply(r, l, reply, now);
        return;
    }
    /* Not a DNS message.  Over TCP it may be one: middleboxes mangle UDP more often. */
    if (l->sent_tcp)
        give_up_target(l);
    l->target->use_tcp = true;
}

void lookup_exchange_failed(struct resolver *r, struct lookup *l, enum exchange_failure how, struct now now)
{
    if (how != EXCHANGE_NO_SOCKET) {
        server_was_silent(servers_get(r->servers, &l->target->address), now.monotonic_ms);
        l->target->given_up = true;
    }
    l->timeouts++;
    exchange_is_over(r, l);
    task_wake(r, &l->task);
}

void lookup_timed_out(struct resolver *r, struct lookup *l, struct now now)
{
    r->stats.timeouts++;
    l->timeouts++;
    server_was_silent(servers_get(r->servers, &l->target->address), now.monotonic_ms);
    if (l->forged > 0)
        l->target->use_tcp = true;
    want_cancel(r, l->exchange);
    exchange_is_over(r, l);
    task_wake(r, &l->task);
}

/* Somebody guesses: keep waiting for the true reply, but not while thousands of guesses come in. */
void lookup_forged(struct resolver *r, struct lookup *l)
{
    r->stats.forged_dropped++;
    if (l->forged < FORGED_MAX)
        l->forged++;
    if (l->forged < FORGED_MAX || l->sent_tcp)
        return;
    l->target->use_tcp = true;
    want_cancel(r, l->exchange);
    exchange_is_over(r, l);
    task_wake(r, &l->task);
}

/* ---- the beginning ---- */

static struct lookup *find_running(struct resolver *r, const struct lookup_wish *wish, uint16_t origin)
{
    struct lookup *l;
    LIST_FOREACH(l, &r->lookups[question_hash(wish->question, origin) % TABLE_BUCKETS], bucket)
        if (!l->is_fresh && l->origin == origin && question_equal(&l->question, wish->question))
            return l;
    return NULL;
}

static struct lookup *lookup_new(struct resolver *r, const struct lookup_wish *wish, const struct zone_rule *rule,
                                 uint16_t origin, struct now now)
{
    struct arena *arena = arena_new();
    struct lookup *l = ARENA_NEW(arena, struct lookup);
    l->task.kind = TASK_LOOKUP;
    l->arena = arena;
    l->question = *wish->question;
    l->origin = origin;
    if (rule != NULL)
        l->rule = arena_copy(arena, rule, sizeof(*rule));
    l->is_priming = rule == NULL && dname_is_root(&l->question.qname) && l->question.qtype == TYPE_NS;
    l->is_fresh = wish->is_fresh || wish->distrust != NULL;
    l->depth = wish->depth;
    if (wish->distrust != NULL)
        l->distrust = *wish->distrust;
    l->purse = purse_hold(wish->purse);
    LIST_INIT(&l->waiters);
    LIST_INIT(&l->waits);
    l->give_up_ms = now.monotonic_ms + (wish->distrust == NULL ? LOOKUP_MS_MAX : LOOKUP_MS_DISTRUSTFUL);
    LIST_INSERT_HEAD(&r->lookups[question_hash(wish->question, origin) % TABLE_BUCKETS], l, bucket);
    return l;
}

struct lookup *lookup_want(struct resolver *r, const struct lookup_wish *wish, struct now now)
{
    uint16_t origin;
    const struct zone_rule *rule = zone_rule_for(r->parts.options, wish->question, &origin);
    bool shared = !wish->is_fresh && wish->distrust == NULL;
    struct lookup *l = shared ? find_running(r, wish, origin) : NULL;
    if (l != NULL) {
        r->stats.coalesced++;
        return l;
    }
    l = lookup_new(r, wish, rule, origin, now);
    task_wake(r, &l->task);
    return l;
}
