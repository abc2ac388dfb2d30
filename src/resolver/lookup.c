/* One question, asked of authoritative servers from the closest known cut downwards (RFC 1034 section 5.3.3), or of
 * forwarders: its beginning, its end, and lookup_decide(), which names the next want from what is known.  cut.c chooses
 * the server, addresses.c finds those whose addresses are missing, absorb.c files what came. */
#include "resolver/request.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    LOOKUP_MS_DISTRUSTFUL = 4000, /* there is an answer already, though a bad one */
    LOOKUP_MS_MAX = 12000,        /* RFC 8767 section 4 speaks of 10 to 30 s; clients give up earlier */
    SPREAD_MS_MAX = 300,
    HASTE_MS_MIN = 100, /* between questions to different servers, or to one that has had two already */
    LAST_CHANCE_MS_MIN = 1500,
    QUESTION_OCTETS_MAX = 1024, /* a name, and all options that we send */
};

bool lookup_is_current(const struct resolver *r, const struct lookup *l)
{
    return l->epoch == cache_epoch(r->parts.cache);
}

void lookup_keep(struct resolver *r, const struct lookup *l, const struct answer *answer, struct now now)
{
    if (lookup_is_current(r, l) && origin_is_cached(r->parts.options, l->origin))
        cache_put_answer(r->parts.cache, answer, now);
}

/* ---- the beginning ---- */

static struct lookup *find_running(struct resolver *r, const struct lookup_wish *wish, uint16_t origin)
{
    struct lookup *l;
    LIST_FOREACH(l, &r->lookups[question_hash(wish->question, origin) % TABLE_BUCKETS], bucket)
    if (!l->is_fresh && l->origin == origin && question_equal(&l->question, wish->question) && lookup_is_current(r, l))
        return l;
    return NULL;
}

/* Of the root, or of a stub zone. */
static bool is_priming(const struct zone_rule *rule, const struct question *question)
{
    const struct dname *zone = rule == NULL ? dname_root() : rule->primes ? &rule->zone : NULL;
    return zone != NULL && question->qtype == TYPE_NS && dname_equal(&question->qname, zone);
}

/* The validator looks for cuts label by label: that the label above is none needs not be asked for again. */
static uint8_t labels_without_cut(struct resolver *r, const struct lookup *l, struct now now)
{
    struct answer *answer;
    struct question above = l->question;
    if (above.qtype != TYPE_DS || dname_is_root(&above.qname))
        return 0;
    dname_parent(&above.qname, &above.qname);
    bool is_denied = cache_find_answer(r->parts.cache, &above, l->origin, now, l->arena, &answer) == CACHE_FRESH &&
                     answer->kind == ANSWER_NODATA;
    return is_denied ? above.qname.labels : 0;
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
        l->rule = zone_rule_copy(arena, rule);
    l->is_priming = is_priming(rule, &l->question);
    l->is_fresh = wish->is_fresh || wish->distrust != NULL;
    l->leeway_ms = wish->leeway_ms;
    l->depth = wish->depth;
    if (wish->single != NULL)
        l->single = arena_copy(arena, wish->single, sizeof(*wish->single));
    if (wish->distrust != NULL)
        l->distrust = *wish->distrust;
    l->known_labels = labels_without_cut(r, l, now);
    l->purse = purse_hold(wish->purse);
    LIST_INIT(&l->waiters);
    LIST_INIT(&l->waits);
    LIST_INIT(&l->in_flight);
    LIST_INIT(&l->landed);
    l->began_ms = now.monotonic_ms;
    l->epoch = cache_epoch(r->parts.cache);
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

/* ---- the end ---- */

void lookup_free(struct resolver *r, struct lookup *l)
{
    LIST_REMOVE(l, bucket);
    crowd_leave(r, l);
    lookup_await_no_more(r, l);
    flights_cancel(r, l, NULL);
    lookup_wait_no_more(r, l);
    purse_release(l->purse);
    l->purse = NULL;
    if (l->task.queued) {
        l->task.dead = true;
        return;
    }
    arena_free(l->arena);
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

void lookup_finish(struct resolver *r, struct lookup *l, struct answer *answer, struct now now)
{
    l->end = LOOKUP_ANSWERED;
    l->answer = answer;
    lookup_keep(r, l, answer, now);
    if (lookup_is_current(r, l))
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
    /* A purse's failure is its client's (request.c), a single server's is not the zone's. */
    bool is_news = !l->failure_is_cached && !l->failure.is_budget && !l->failure.is_momentary && l->single == NULL;
    if (is_news && lookup_is_current(r, l)) {
        lookup_spare_parent(r, l, now);
        l->failure.recheck_s = stale_recheck_s(r, &l->question, now);
        cache_put_failure(r->parts.cache, &l->question, l->origin, &l->failure, now);
    }
    tell_waiters(r, l, now);
    lookup_free(r, l);
}

static void fail_of_budget(struct resolver *r, struct lookup *l, struct now now)
{
    l->failure.is_budget = true;
    r->stats.budgets_spent++;
    fail(r, l, EDE_OTHER, "budget", l->purse->budget.spent != NULL ? l->purse->budget.spent : "depth", now);
}

/* Another name of the zone, or this one in a moment, may be luckier. */
static void fail_of_crowd(struct resolver *r, struct lookup *l, struct now now)
{
    char zone[DNAME_TEXT_MAX], text[EXTRA_TEXT_MAX];
    snprintf(text, sizeof(text), "too many questions wait for servers of %.80s",
             dname_to_text(&l->cut->delegation->zone, zone));
    l->failure.is_momentary = true;
    r->stats.crowded_out++;
    fail(r, l, EDE_OTHER, "crowd", text, now);
}

/* All have had what they get.  The zone's next question is not to wait for each of them as long once more. */
static void remember_silence(struct resolver *r, const struct lookup *l, struct now now)
{
    for (uint16_t i = 0; i < l->cut->target_count; i++) {
        const struct target *target = l->cut->targets[i];
        if (target->asked > 0 && !target->has_replied)
            server_counts_as_silent(servers_get(r->servers, &target->address), now.monotonic_ms);
    }
}

static void fail_of_servers(struct resolver *r, struct lookup *l, struct now now)
{
    remember_silence(r, l, now);
    char zone[DNAME_TEXT_MAX], text[EXTRA_TEXT_MAX];
    dname_to_text(&l->cut->delegation->zone, zone);
    if (l->timeouts + l->refusals == 0)
        snprintf(text, sizeof(text), "no usable server address for %.100s", zone);
    else
        snprintf(text, sizeof(text), "%s of %.80s: %u questions without reply, %u unusable replies",
                 l->cut->recursive ? "forwarders" : "servers", zone, l->timeouts, l->refusals);
    l->failure.is_budget = l->lacks_names;
    r->stats.budgets_spent += l->lacks_names;
    fail(r, l, EDE_NO_REACHABLE_AUTHORITY, "no-reachable-authority", text, now);
}

/* ---- waiting for another ---- */

bool lookup_is_under_way(struct resolver *r, const struct question *question)
{
    struct lookup_wish wish = { .question = question };
    uint16_t origin;
    zone_rule_for(r->parts.options, question, &origin);
    return find_running(r, &wish, origin) != NULL;
}

bool lookup_join(struct resolver *r, struct lookup *l, const struct question *question, struct now now)
{
    struct lookup_wish wish = { .question = question, .purse = l->purse, .depth = (uint8_t)(l->depth + 1) };
    uint16_t origin;
    zone_rule_for(r->parts.options, question, &origin);
    struct lookup *running = find_running(r, &wish, origin);
    if (l->depth >= LOOKUP_DEPTH_MAX || (running != NULL && waits_lead_to(r, running, l)) ||
        !budget_take_lookup(&l->purse->budget))
        return false;
    wait_for(&l->task, &l->waits, lookup_want(r, &wish, now));
    return true;
}

/* ---- the cut ---- */

/* RFC 9609: the servers of the root are asked for themselves before anything else is asked of them; so are those of a
 * stub zone that wants it. */
static bool waits_for_priming(struct resolver *r, struct lookup *l, struct now now)
{
    bool primes = l->rule == NULL ? r->parts.options->prime_root : l->rule->primes;
    if (!primes || l->is_priming || l->primed)
        return false;
    l->primed = true;
    struct question question = { .qtype = TYPE_NS, .qclass = CLASS_IN };
    question.qname = l->rule == NULL ? *dname_root() : l->rule->zone;
    return lookup_join(r, l, &question, now);
}

static void enter_rule(struct resolver *r, struct lookup *l, struct now now)
{
    l->cut = cut_of_rule(r->parts.options, l);
    lookup_add_named_servers(r, l, now);
}

/* false: wait for something first. */
static bool find_cut(struct resolver *r, struct lookup *l, struct now now)
{
    if (l->rule != NULL && zone_rule_forwards(l->rule)) {
        enter_rule(r, l, now);
        return true;
    }
    l->cut = cut_of_cache(r, l, now);
    if (l->cut != NULL)
        return true;
    if (waits_for_priming(r, l, now))
        return false;
    l->cut = cut_of_cache(r, l, now);
    if (l->cut == NULL && l->rule != NULL)
        enter_rule(r, l, now);
    else if (l->cut == NULL)
        l->cut = cut_new(r->parts.options, l, delegation_copy(l->arena, r->parts.options->root_hints));
    return true;
}

void lookup_enter_cut(struct resolver *r, struct lookup *l, struct delegation *delegation)
{
    crowd_leave(r, l);
    l->cut = cut_new(r->parts.options, l, delegation);
    if (l->doubted_cut != NULL && dname_equal(&delegation->zone, &l->doubted))
        cut_inherit(l->cut, l->doubted_cut);
    l->at_cut = (struct at_cut) { 0 };
}

/* ---- asking ---- */

/* Somebody waits for an address, and could look for that of another server instead. */
static bool is_one_of_several(const struct resolver *r, const struct lookup *l)
{
    const struct wait *wait;
    LIST_FOREACH(wait, &l->waiters, of_lookup)
    {
        const struct lookup *waiter = (const struct lookup *)wait->waiter;
        if (wait->waiter->kind == TASK_LOOKUP && waiter->cut != NULL && lookup_has_names_left(r, waiter))
            return true;
    }
    return false;
}

/* The zone has no other way to answer: a pause of its servers, or of the way there, is not to make it fail.  Not for
 * those that are known to be silent, nor where there is an answer already, though a bad one. */
static bool is_last_chance(struct resolver *r, const struct lookup *l, struct now now)
{
    return !target_is_silent(r, l->flight->target, now) && l->distrust.rounds == 0 && LIST_EMPTY(&l->waits) &&
           !cut_has_targets_left(r, l, now) && !lookup_has_names_left(r, l) && !is_one_of_several(r, l);
}

/* When nobody replies there are many to be asked before it is time to try TCP.  Who is slow is heard all the same. */
static int64_t haste_ms(struct resolver *r, const struct lookup *l, struct now now)
{
    int64_t share_ms = cut_hurry_ms(r, l, now) / (1 + (int64_t)cut_sends_left(r, l, now));
    return share_ms > HASTE_MS_MIN ? share_ms : HASTE_MS_MIN;
}

/* Of the n-th question to the target. */
static int64_t choose_timeout_ms(struct resolver *r, const struct lookup *l, uint8_t n, struct now now)
{
    const struct server *server = servers_get(r->servers, &l->flight->target->address);
    int64_t timeout_ms = crowd_is_large(r, l) ? server_timeout_in_crowd_ms(server, n) : server_timeout_ms(server, n);
    if (l->flight->over_tcp)
        timeout_ms *= 2; /* the handshake */
    int64_t most_ms = TIMEOUT_MAX_MS;
    if (is_last_chance(r, l, now)) {
        if (!lookup_may_try_tcp(r, l, l->flight->target, now)) {
            int64_t left_ms = cut_patience_left_ms(r, l, now);
            return left_ms > LAST_CHANCE_MS_MIN ? left_ms : LAST_CHANCE_MS_MIN;
        }
        most_ms = RTT_UNKNOWN_MS;
    } else if (l->cut->silences >= SILENCES_BORNE) {
        most_ms = haste_ms(r, l, now);
    } else if (target_is_silent(r, l->flight->target, now) && cut_has_targets_left(r, l, now)) {
        most_ms = RTT_UNKNOWN_MS;
    }
    return timeout_ms < most_ms ? timeout_ms : most_ms;
}

/* Many that have been lost together are not to be sent again together, and be lost again: a server's receive buffer
 * holds a few hundred. */
static int64_t spread_ms(const struct resolver *r, const struct lookup *l, int64_t timeout_ms)
{
    if (!crowd_is_large(r, l))
        return timeout_ms;
    int64_t most_ms = timeout_ms / 2 < SPREAD_MS_MAX ? timeout_ms / 2 : SPREAD_MS_MAX;
    return timeout_ms + random_below(r->parts.random, (uint32_t)most_ms + 1);
}

/* The last question may be heard by who did not hear the others. */
static bool is_to_be_plain(const struct lookup *l, const struct server *server, uint8_t n, struct now now)
{
    bool is_last = n + 1 == SENDS_PER_TARGET_MAX || server_is_silent(server, now.monotonic_ms);
    return !l->cut->recursive && (is_last || l->flight->target->plain || server->plain_until_ms > now.monotonic_ms);
}

static void send_question(struct resolver *r, struct lookup *l, struct target *target, struct now now)
{
    const struct server *server = servers_get(r->servers, &target->address);
    flights_cancel(r, l, l->cut);
    struct flight *flight = flight_begin(r, l, target, now);
    if (l->cut->silences == 0)
        l->cut->asked_ms = now.monotonic_ms;
    target->use_tcp |= server->tcp_until_ms > now.monotonic_ms;
    flight->over_tcp = target->use_tcp || lookup_avoids(l, &target->address);
    bool needs_signatures = l->distrust.rounds > 0; /* and there are none without EDNS */
    flight->with_edns = !target->no_edns && (needs_signatures || server->no_edns_until_ms <= now.monotonic_ms);
    uint8_t *sent = flight->over_tcp ? &target->tcp_sent : &target->udp_sent;
    uint8_t n = (*sent)++;
    if (target->asked < UINT8_MAX)
        target->asked++;
    flight->plainly = is_to_be_plain(l, server, n, now);
    int64_t timeout_ms = spread_ms(r, l, choose_timeout_ms(r, l, n, now));

    uint8_t buffer[QUESTION_OCTETS_MAX];
    struct question ask;
    lookup_minimise(r->parts.options, l, &ask);
    struct exchange exchange = {
        .id = flight->exchange,
        .server = target->address,
        .transport = flight->over_tcp ? TRANSPORT_TCP : TRANSPORT_UDP,
        .packet = lookup_write_question(r, l, &ask, now, buffer, sizeof(buffer)),
    };
    flight->is_hopeful = !target_is_silent(r, target, now);
    l->awaits_reply = true;
    timers_set(&r->exchange_timers, &l->timer, now.monotonic_ms + timeout_ms);
    if (flight->over_tcp)
        r->stats.exchanges_tcp++;
    else
        r->stats.exchanges_udp++;
    want_exchange(r, &exchange);
}

/* Others have found its target silent since it was sent. */
static bool is_hope(struct resolver *r, const struct lookup *l, const struct flight *flight, struct now now)
{
    return flight->is_late && flight->is_hopeful && flight->cut == l->cut && target_is_silent(r, flight->target, now) &&
           now.monotonic_ms - flight->at_ms < LAST_CHANCE_MS_MIN;
}

/* Nobody is left to be asked, since other lookups have found the servers silent meanwhile: but these may only be slow,
 * and have an answer on its way.  Not where there is one already, though a bad one. */
static bool waits_for_late_reply(struct resolver *r, struct lookup *l, struct now now)
{
    struct flight *flight;
    LIST_FOREACH(flight, &l->in_flight, of_lookup)
    if (l->distrust.rounds == 0 && is_hope(r, l, flight, now)) {
        flight_is_late_no_more(r, flight);
        l->flight = flight;
        l->awaits_reply = true;
        timers_set(&r->exchange_timers, &l->timer, flight->at_ms + LAST_CHANCE_MS_MIN);
        return true;
    }
    return false;
}

/* ---- deciding ---- */

/* The servers of a cut high up may be many: an expired delegation is not kept for when all of them have been tried. */
static bool is_kept_waiting(const struct resolver *r, const struct lookup *l, struct now now)
{
    return l->timeouts > 0 && now.monotonic_ms - l->began_ms >= r->parts.options->stale.client_timeout_ms;
}

static bool failed_before(struct resolver *r, struct lookup *l, struct now now)
{
    if (l->is_fresh || l->cut != NULL || !cache_find_failure(r->parts.cache, &l->question, l->origin, now, &l->failure))
        return false;
    l->failure_is_cached = true;
    return true;
}

static bool is_lame(struct resolver *r, const struct lookup *l, const struct target *target, struct now now)
{
    return server_lame_for(servers_get(r->servers, &target->address), &l->cut->delegation->zone, now.monotonic_ms);
}

void lookup_decide(struct resolver *r, struct lookup *l, struct now now)
{
    if (l->awaits_reply)
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
        if (is_kept_waiting(r, l, now))
            stale_use_old_cut(r, l, now);
        struct target *target = cut_choose_target(r, l, now);
        if (target != NULL && is_lame(r, l, target, now) && lookup_take_known_addresses(r, l, now))
            continue;
        if (target != NULL) {
            if (!crowd_admits(r, l))
                fail_of_crowd(r, l, now);
            else if (budget_take_packet(&l->purse->budget))
                send_question(r, l, target, now);
            else
                fail_of_budget(r, l, now);
            return;
        }
        if (!LIST_EMPTY(&l->waits))
            return;
        if (lookup_want_addresses(r, l, now))
            continue;
        if (waits_for_late_reply(r, l, now))
            return;
        if (!lookup_try_another_way(r, l, now))
            break;
    }
    if (l->purse->budget.spent != NULL)
        fail_of_budget(r, l, now);
    else
        fail_of_servers(r, l, now);
}
