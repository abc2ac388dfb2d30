/* What became of a question in flight: a reply is filed, or there is none. */
#include "resolver/lookup.h"
#include "resolver/reply.h"

enum { REVALIDATE_S_MIN = 60 };

void lookup_await_no_more(struct resolver *r, struct lookup *l)
{
    if (!l->awaits_reply)
        return;
    timers_cancel(&r->exchange_timers, &l->timer);
    l->awaits_reply = false;
}

/* ---- a reply ---- */

static bool is_minimised(const struct lookup *l)
{
    return l->flight->question.qtype != l->question.qtype ||
           l->flight->question.qname.labels != l->question.qname.labels;
}

static void give_up_target(struct lookup *l)
{
    l->flight->target->given_up = true;
    l->refusals++;
}

/* The next question is another one: what RFC 9520 section 3.1 bounds is how often the same one is sent. */
static void return_question(struct lookup *l)
{
    if (l->flight->is_returned)
        return;
    l->flight->is_returned = true;
    if (l->flight->over_tcp)
        l->flight->target->tcp_sent--;
    else
        l->flight->target->udp_sent--;
}

/* The servers did not like the minimised question: ask the whole name (RFC 9156 section 2.3, "relaxed"). */
static bool fall_back_to_full_name(const struct resolver_options *options, struct lookup *l)
{
    if (!is_minimised(l) || options->minimisation == MINIMISATION_STRICT)
        return false;
    l->at_cut.full_name = true;
    return_question(l);
    return true;
}

/* A delegation does not outlive the one above it: a zone that its parent has taken away cannot keep its children in the
 * world (phoenix domains, CVE-2022-30698).  Configured cuts have no end (0). */
static void end_with_parent(struct delegation *delegation, const struct delegation *parent)
{
    if (parent->expires_ms != 0 && parent->expires_ms < delegation->expires_ms)
        delegation->expires_ms = parent->expires_ms;
}

static void absorb_referral(struct resolver *r, struct lookup *l, const struct reply *reply, struct now now)
{
    if (reply->delegation->server_count == 0 || ++l->referrals > REFERRALS_MAX) {
        give_up_target(l);
        return;
    }
    lookup_spare_parent(r, l, now);
    end_with_parent(reply->delegation, l->cut->delegation);
    if (lookup_is_current(r, l))
        cache_put_delegation(r->parts.cache, reply->delegation, now);
    if (reply->ds != NULL)
        lookup_keep(r, l, reply->ds, now);
    if (is_minimised(l))
        l->minimised++;
    lookup_wait_no_more(r, l); /* for addresses of the servers above */
    lookup_enter_cut(r, l, delegation_copy(l->arena, reply->delegation));
}

/* It has a trust anchor, or its parent has a DS set that is not known to lead to nothing. */
static bool zone_may_be_secure(struct resolver *r, const struct lookup *l, struct arena *scratch, struct now now)
{
    const struct dname *zone = &l->cut->delegation->zone;
    struct question ds = { .qname = *zone, .qtype = TYPE_DS, .qclass = CLASS_IN };
    struct dname anchored;
    struct answer *answer;
    if (trust_covers(r->parts.trust, &l->question.qname, now, &anchored) != COVERAGE_ANCHOR)
        return false;
    return dname_equal(&anchored, zone) ||
           (cache_find_answer(r->parts.cache, &ds, l->origin, now, scratch, &answer) == CACHE_FRESH &&
            answer->kind == ANSWER_DATA && answer->verdict.security != INSECURE);
}

/* A name error whose records can be proven speaks of all that lies below, too (RFC 8020 section 2): the whole name is
 * told to nobody.  Should the proof fail, it is.  Where nothing can be proven servers that deny empty non-terminals
 * would hide what is below. */
static bool may_be_proven(struct resolver *r, const struct lookup *l, const struct answer *answer,
                          struct arena *scratch, struct now now)
{
    bool is_proven = false, opts_out = false;
    for (uint16_t i = 0; i < answer->proofs.count; i++) {
        const struct rrset *set = answer->proofs.items[i];
        struct nsec3 nsec3;
        is_proven |= (set->type == TYPE_NSEC || set->type == TYPE_NSEC3) && set->sig_count > 0;
        opts_out |=
            set->type == TYPE_NSEC3 && (nsec3_read(set->rdata[0], &nsec3) != OK || (nsec3.flags & NSEC3_OPT_OUT) != 0);
    }
    return answer->kind == ANSWER_NXDOMAIN && is_proven && !opts_out && l->distrust.rounds == 0 &&
           synthesis_may_cut(r->parts.options, &l->question, l->origin) && zone_may_be_secure(r, l, scratch, now);
}

/* What a minimised question has told: there is no cut at that name, or nothing at all. */
static bool absorb_minimised(struct resolver *r, struct lookup *l, struct reply *reply, struct arena *scratch,
                             struct now now)
{
    struct answer *answer = reply->answers[0];
    l->minimised++;
    if (r->parts.options->minimisation != MINIMISATION_STRICT && !may_be_proven(r, l, answer, scratch, now)) {
        l->at_cut.full_name = true; /* most names are in this zone then, and some servers deny empty non-terminals */
        return_question(l);
        return false;
    }
    if (answer->kind != ANSWER_NXDOMAIN) {
        l->known_labels = l->flight->question.qname.labels;
        return_question(l);
        return false;
    }
    answer->question = l->question; /* RFC 8020: nothing below either */
    return true;
}

static void absorb_priming(struct resolver *r, const struct message *message, const struct asked *asked,
                           struct arena *scratch, struct now now)
{
    struct delegation *primed = reply_priming(message, asked, scratch);
    if (primed == NULL)
        return;
    for (uint16_t i = 0; i < primed->server_count; i++)
        if (primed->servers[i].address_count > 0) {
            cache_put_delegation(r->parts.cache, primed, now);
            return;
        }
}

/* The parent answers instead of delegating. */
static void forget_doubted_cut(struct resolver *r, const struct lookup *l)
{
    if (l->cut_is_doubted && dname_is_below(&l->doubted, &l->cut->delegation->zone) &&
        dname_is_subdomain(&l->flight->question.qname, &l->doubted))
        cache_drop_delegation(r->parts.cache, &l->doubted, l->origin);
}

/* A zone that means to move its servers says so by a short TTL of its own NS set: its parent is asked again by then
 * (draft-ietf-dnsop-ns-revalidation), or a little later, so that nobody's TTL of zero makes us ask it each time. */
static void end_with_apex_ns(struct resolver *r, struct lookup *l, const struct reply *reply, struct now now)
{
    struct delegation *delegation = l->cut->delegation;
    if (reply->apex_ns == NULL || l->cut->configured || delegation->is_hint || dname_is_root(&delegation->zone))
        return;
    uint32_t ttl_s = reply->apex_ns->ttl_s > REVALIDATE_S_MIN ? reply->apex_ns->ttl_s : REVALIDATE_S_MIN;
    int64_t end_ms = now.wall_ms + (int64_t)ttl_s * 1000;
    if (end_ms >= delegation->expires_ms || delegation->expires_ms <= now.wall_ms)
        return;
    delegation->expires_ms = end_ms;
    cache_put_delegation(r->parts.cache, delegation, now);
}

static bool has_address(const struct delegation_server *server, const struct address *address)
{
    for (uint16_t i = 0; i < server->address_count; i++)
        if (address_equal(&server->addresses[i], address))
            return true;
    return false;
}

/* What the zone says of one server; false: nothing new. */
static bool add_apex_server(struct delegation *delegation, const struct delegation_server *told)
{
    struct delegation_server *server = delegation_find_server(delegation, &told->name);
    if (server == NULL && delegation->server_count == NS_PER_ZONE_MAX)
        return false;
    if (server == NULL) {
        delegation->servers[delegation->server_count++] = *told;
        return true;
    }
    uint16_t before = server->address_count;
    for (uint16_t i = 0; i < told->address_count && server->address_count < ADDRESSES_PER_NS_MAX; i++)
        if (!has_address(server, &told->addresses[i]))
            server->addresses[server->address_count++] = told->addresses[i];
    return server->address_count > before;
}

/* With room for whatever is added. */
static void make_room(struct arena *arena, struct delegation *delegation)
{
    struct delegation_server *servers = ARENA_ARRAY(arena, NS_PER_ZONE_MAX, struct delegation_server);
    for (uint16_t i = 0; i < delegation->server_count; i++) {
        struct address *addresses = ARENA_ARRAY(arena, ADDRESSES_PER_NS_MAX, struct address);
        servers[i] = delegation->servers[i];
        for (uint16_t k = 0; k < servers[i].address_count; k++)
            addresses[k] = servers[i].addresses[k];
        servers[i].addresses = addresses;
    }
    delegation->servers = servers;
}

/* Servers that the zone names, and its parent does not, are asked as well, and at addresses that only the zone tells:
 * for as long as the parent's word counts. */
static void add_apex_servers(struct resolver *r, struct lookup *l, const struct reply *reply, struct now now)
{
    struct delegation *delegation = l->cut->delegation;
    bool has_news = false;
    if (reply->apex == NULL || l->cut->configured || delegation->is_hint)
        return;
    make_room(l->arena, delegation);
    const struct delegation *apex = delegation_copy(l->arena, reply->apex);
    for (uint16_t i = 0; i < apex->server_count; i++)
        has_news |= add_apex_server(delegation, &apex->servers[i]);
    if (has_news && delegation->expires_ms > now.wall_ms && lookup_is_current(r, l))
        cache_put_delegation(r->parts.cache, delegation, now);
}

static void absorb_answer(struct resolver *r, struct lookup *l, struct reply *reply, struct arena *scratch,
                          struct now now)
{
    forget_doubted_cut(r, l);
    end_with_apex_ns(r, l, reply, now);
    add_apex_servers(r, l, reply, now);
    if (reply->apex_set != NULL)
        lookup_keep(r, l, reply->apex_set, now);
    if (is_minimised(l) && !absorb_minimised(r, l, reply, scratch, now))
        return;
    for (uint16_t i = 1; i < reply->answer_count; i++)
        lookup_keep(r, l, reply->answers[i], now);
    reply->answers[0]->question.qname = l->question.qname; /* the case the client used, not ours */
    l->from.server = l->flight->target->address;
    l->from.over_tcp = l->flight->over_tcp;
    lookup_finish(r, l, reply->answers[0], now);
}

static bool may_know_better(const struct lookup *l, const struct target *target)
{
    return target != l->flight->target && !target->given_up && !target->is_last_resort &&
           (target->use_tcp ? target->tcp_sent : target->udp_sent) < SENDS_PER_TARGET_MAX;
}

static bool somebody_may_know_better(const struct lookup *l)
{
    for (uint16_t i = 0; i < l->cut->target_count; i++)
        if (may_know_better(l, l->cut->targets[i]))
            return true;
    return false;
}

/* Some servers say nothing at all where they have lost a zone, or cannot answer for a type.  One other server is
 * heard. */
static bool hears_another(struct lookup *l)
{
    if (l->at_cut.was_empty || is_minimised(l))
        return false;
    l->at_cut.was_empty = true;
    return somebody_may_know_better(l);
}

/* All of its servers are inside the zone, and no address of any is told. */
static bool has_no_way_in(const struct delegation *delegation)
{
    for (uint16_t i = 0; i < delegation->server_count; i++)
        if (delegation->servers[i].address_count > 0 ||
            !dname_is_subdomain(&delegation->servers[i].name, &delegation->zone))
            return false;
    return true;
}

/* RFC 9471 section 3: a referral without the glue that it needs leads to nothing.  One other server is heard. */
static bool hears_another_referral(struct lookup *l, const struct delegation *delegation)
{
    if (l->at_cut.lacked_glue || !has_no_way_in(delegation))
        return false;
    l->at_cut.lacked_glue = true;
    return somebody_may_know_better(l);
}

/* FORMERR and NOTIMP may be about the name or the type.  Only a server that answers without EDNS what it refused with
 * it speaks none (RFC 6891 section 7); taking it for one costs it all signatures. */
static void learn_of_edns(struct server *server, const struct lookup *l, enum reply_kind kind, struct now now)
{
    if (l->flight->target->no_edns && (kind == REPLY_ANSWER || kind == REPLY_REFERRAL))
        server->no_edns_until_ms = now.monotonic_ms + NO_EDNS_S * 1000;
    else if (l->flight->target->no_options && (kind == REPLY_ANSWER || kind == REPLY_REFERRAL))
        server->no_options_until_ms = now.monotonic_ms + NO_OPTIONS_S * 1000;
}

/* No answer to any other question so far; it may be that packets were lost, but that shows when it answers another
 * one. */
static void learn_of_plainness(struct server *server, const struct lookup *l, enum reply_kind kind, struct now now)
{
    bool is_answer = kind == REPLY_ANSWER || kind == REPLY_REFERRAL;
    server->bears_all |= is_answer ? !l->flight->plainly : l->flight->plainly && kind == REPLY_REFUSED;
    if (is_answer && l->flight->plainly && !server->bears_all && !l->cut->tcp_is_tried)
        server->plain_until_ms = now.monotonic_ms + PLAIN_S * 1000;
}

/* Without options first: what a server says of those it does not know is not said of EDNS. */
static bool stumbled_over_options(const struct lookup *l, const struct message *message)
{
    return l->flight->with_options &&
           (message->rcode == RCODE_FORMERR || message->rcode == RCODE_NOTIMP || message->rcode == RCODE_BADVERS);
}

/* This way leads to nothing: TCP may, and if it was TCP the server does not. */
static void prefer_tcp(struct lookup *l)
{
    if (l->flight->over_tcp)
        give_up_target(l);
    l->flight->target->use_tcp = true;
}

static struct asked asked_of(const struct lookup *l, const struct resolver_options *options, struct now now)
{
    return (struct asked) {
        .question = &l->flight->question,
        .zone = &l->cut->delegation->zone,
        .origin = l->origin,
        .recursive = l->cut->recursive,
        .with_edns = l->flight->with_edns,
        .shows_ns = options->shows_ns,
        .child_ns = options->child_ns,
        .any_glue = options->any_glue,
        .ns_max = options->ns_max,
        .original_ttls = options->original_ttls,
        .least_ttl_s = options->least_ttl_s,
        .least_negative_ttl_s = options->least_negative_ttl_s,
        .now = now,
    };
}

/* Letter case and CD may be what was refused.  Once, when nobody else is left, and not of those who bear both. */
static bool is_worth_a_plain_question(struct resolver *r, const struct lookup *l, struct now now)
{
    return !l->flight->plainly && !l->asked_plainly && !l->cut->recursive &&
           !servers_get(r->servers, &l->flight->target->address)->bears_all && !cut_has_targets_left(r, l, now);
}

/* What a server cannot do now it may be able to do in a moment: somebody else is asked first, if there is one. */
static void bear_refusal(struct resolver *r, struct lookup *l, uint16_t rcode, struct now now)
{
    if (rcode == RCODE_SERVFAIL && l->refusals < REFUSALS_BORNE) {
        l->refusals++;
        return;
    }
    give_up_target(l);
    if (rcode == RCODE_SERVFAIL || !is_worth_a_plain_question(r, l, now))
        return;
    l->asked_plainly = true;
    l->flight->target->plain = true;
    l->flight->target->given_up = false;
}

static void absorb_reply(struct resolver *r, struct lookup *l, const struct message *message, struct arena *scratch,
                         struct now now)
{
    struct asked asked = asked_of(l, r->parts.options, now);
    struct server *server = servers_get(r->servers, &l->flight->target->address);
    struct reply reply;
    reply_read(message, &asked, scratch, &reply);
    bool is_accepted = l->at_cut.accepts_last_resorts || (reply.kind == REPLY_EMPTY && !hears_another(l));
    if ((reply.kind == REPLY_RECURSION_LAME || reply.kind == REPLY_EMPTY) && is_accepted)
        reply.kind = REPLY_ANSWER;
    learn_of_edns(server, l, reply.kind, now);
    learn_of_plainness(server, l, reply.kind, now);
    switch (reply.kind) {
    case REPLY_ANSWER:
        if (l->is_priming && lookup_is_current(r, l))
            absorb_priming(r, message, &asked, scratch, now);
        l->from.agent = report_agent_of(&message->edns, l->arena);
        absorb_answer(r, l, &reply, scratch, now);
        return;
    case REPLY_REFERRAL:
        if (hears_another_referral(l, reply.delegation))
            l->flight->target->is_last_resort = true;
        else
            absorb_referral(r, l, &reply, now);
        return;
    case REPLY_RECURSION_LAME:
    case REPLY_EMPTY:
        l->flight->target->is_last_resort = true;
        return;
    case REPLY_TRUNCATED:
        prefer_tcp(l);
        l->cut->truncating = l->flight->target;
        return;
    case REPLY_SPOILT: /* middleboxes mangle UDP more often */
        prefer_tcp(l);
        return;
    case REPLY_NO_EDNS:
        l->flight->target->no_edns = true;
        return;
    case REPLY_LAME:
        if (!fall_back_to_full_name(r->parts.options, l)) {
            give_up_target(l);
            server_is_lame_for(server, asked.zone, now.monotonic_ms);
        }
        return;
    case REPLY_REFUSED:
        if (!fall_back_to_full_name(r->parts.options, l))
            bear_refusal(r, l, reply.rcode, now);
        return;
    }
}

/* A late reply: what the next question has to say is heard as well. */
static void turn_to(struct resolver *r, struct lookup *l, struct flight *flight)
{
    if (l->awaits_reply && l->flight != flight)
        flight_is_late(r, l->flight);
    lookup_await_no_more(r, l);
    l->flight = flight;
    flight_end(r, flight);
}

void lookup_absorb(struct resolver *r, struct flight *flight, const struct message *reply, enum err read,
                   struct arena *scratch, struct now now)
{
    struct lookup *l = flight->lookup;
    server_answered(servers_get(r->servers, &flight->target->address), now.monotonic_ms - flight->at_ms);
    turn_to(r, l, flight);
    l->cut->silences = 0;
    flight->target->has_replied = true;
    task_wake(r, &l->task);
    if (read == OK && lookup_cookie_wants_more(r, l, reply))
        return;
    if (read == OK && stumbled_over_options(l, reply)) {
        l->flight->target->no_options = true;
        return;
    }
    if (read == OK) {
        l->from.without_edns = !reply->edns.present;
        absorb_reply(r, l, reply, scratch, now);
        return;
    }
    prefer_tcp(l); /* not a DNS message, but over TCP it may be one */
}

/* ---- no reply ---- */

/* Somebody answers in the server's place. */
static void use_tcp_alone(struct resolver *r, struct lookup *l, struct now now)
{
    servers_get(r->servers, &l->flight->target->address)->tcp_until_ms = now.monotonic_ms + TCP_ALONE_S * 1000;
    l->flight->target->use_tcp = true;
}

/* It speaks no TCP: who sends forged replies is not to make it unreachable. */
static bool goes_back_to_udp(struct server *server, struct flight *flight, struct now now)
{
    if (!flight->over_tcp || server->tcp_until_ms <= now.monotonic_ms)
        return false;
    server->tcp_until_ms = 0;
    flight->target->use_tcp = false;
    flight->target->udp_alone = true;
    return true;
}

/* One that is being restarted refuses for a moment.  Who has no other forwarder waits as if it were silent, and asks
 * again. */
static bool waits_for_forwarder(const struct lookup *l)
{
    uint8_t sent = l->flight->over_tcp ? l->flight->target->tcp_sent : l->flight->target->udp_sent;
    return l->cut->recursive && l->cut->target_count == 1 && sent < SENDS_PER_TARGET_MAX &&
           !zone_rule_is_first(l->rule);
}

void lookup_exchange_failed(struct resolver *r, struct flight *flight, enum exchange_failure how, struct now now)
{
    struct lookup *l = flight->lookup;
    struct server *server = servers_get(r->servers, &flight->target->address);
    bool is_awaited = l->awaits_reply && flight == l->flight;
    if (is_awaited && how == EXCHANGE_NO_SOCKET)
        flight_cancel_oldest(r);
    if (is_awaited && how != EXCHANGE_NO_SOCKET && waits_for_forwarder(l)) {
        flight->is_hopeful = false;
        return;
    }
    flight_end(r, flight);
    if (flight->cut != l->cut)
        return;
    if (how != EXCHANGE_NO_SOCKET && !goes_back_to_udp(server, flight, now)) {
        server_was_silent(server, flight->at_ms, now.monotonic_ms);
        flight->target->given_up = true;
    }
    if (!is_awaited)
        return;
    l->timeouts++;
    lookup_await_no_more(r, l);
    task_wake(r, &l->task);
}

/* Silence may be meant for the minimised question alone. */
static void doubt_minimised_question(const struct resolver_options *options, struct lookup *l)
{
    if (!is_minimised(l))
        return;
    if (++l->at_cut.minimised_timeouts == MINIMISED_TIMEOUTS_MAX)
        fall_back_to_full_name(options, l);
}

void lookup_timed_out(struct resolver *r, struct lookup *l, struct now now)
{
    struct flight *flight = l->flight;
    r->stats.timeouts += !flight->is_counted;
    l->timeouts += !flight->is_counted;
    flight->is_counted = true;
    if (l->cut->silences < UINT8_MAX)
        l->cut->silences++;
    struct server *server = servers_get(r->servers, &flight->target->address);
    server_was_silent(server, flight->at_ms, now.monotonic_ms);
    doubt_minimised_question(r->parts.options, l);
    if (flight->with_options && server->cookie.server_octets == 0)
        flight->target->no_options = true; /* it may not bear them; one that has shown a cookie does */
    if (flight->forged > 0 && !flight->target->udp_alone)
        use_tcp_alone(r, l, now);
    if (flight->forged > 0)
        flight_cancel(r, flight);
    else
        flight_is_late(r, flight);
    lookup_await_no_more(r, l);
    task_wake(r, &l->task);
}

/* Somebody guesses: keep waiting for the true reply, but not while thousands of guesses come in, nor for one that is
 * late. */
void lookup_forged(struct resolver *r, struct flight *flight, struct now now)
{
    struct lookup *l = flight->lookup;
    r->stats.forged_dropped++;
    if (flight->is_late) {
        flight_cancel(r, flight);
        return;
    }
    if (flight->forged < FORGED_MAX)
        flight->forged++;
    if (flight->forged < FORGED_MAX || flight->over_tcp || flight->target->udp_alone)
        return;
    use_tcp_alone(r, l, now);
    flight_cancel(r, flight);
    lookup_await_no_more(r, l);
    task_wake(r, &l->task);
}
