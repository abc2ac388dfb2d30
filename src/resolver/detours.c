/* What a lookup tries when all servers of its cut have failed: other addresses, TCP, those it had passed over, the way
 * that a rule keeps it from, the parent of a zone that may have moved, an expired delegation. */
#include "resolver/lookup.h"

enum {
    TYPE_OF_ZONE = 0, /* in the cache of failures: the zone as a whole; no RR type (RFC 6895 section 3.1) */
    TCP_TRIES =
        3, /* a first segment that is lost is sent again after a second (RFC 6298 section 2): too late for clients */
    TCP_TRIES_FORWARDER = 2, /* all questions go there: what is wrong with it one of them will find out */
};

/* ---- a delegation that may be outdated ---- */

static struct question question_of_zone(const struct lookup *l, const struct dname *zone)
{
    return (struct question) { .qname = *zone, .qtype = TYPE_OF_ZONE, .qclass = l->question.qclass };
}

void lookup_spare_parent(struct resolver *r, const struct lookup *l, struct now now)
{
    struct question whole = question_of_zone(l, &l->doubted);
    struct failure failure = { .site = "parent-asked",
                               .text = "servers of the zone do not respond",
                               .ede = EDE_NO_REACHABLE_AUTHORITY,
                               .recheck_s = PARENT_RECHECK_S };
    if (l->cut_is_doubted)
        cache_put_failure(r->parts.cache, &whole, l->origin, &failure, now);
}

static bool has_target(const struct cut *cut, const struct address *address)
{
    for (uint16_t i = 0; i < cut->target_count; i++)
        if (address_equal(&cut->targets[i]->address, address))
            return true;
    return false;
}

/* Somebody can be asked there who could not be asked here. */
static bool offers_more(const struct cut *news, const struct cut *old)
{
    for (uint16_t i = 0; i < news->delegation->server_count; i++)
        if (delegation_find_server(old->delegation, &news->delegation->servers[i].name) == NULL)
            return true;
    for (uint16_t i = 0; i < news->target_count; i++)
        if (!has_target(old, &news->targets[i]->address))
            return true;
    return false;
}

/* Another lookup has asked the parent lately.  What it was told is tried, if that is news.  true: it is. */
static bool use_news_of_parent(struct resolver *r, struct lookup *l, struct now now)
{
    struct cut *cut = l->news_used ? NULL : cut_of_cache(r, l, now);
    if (cut == NULL || !offers_more(cut, l->cut))
        return false;
    l->news_used = true;
    cut_inherit(cut, l->cut);
    l->cut = cut;
    return true;
}

/* Down again from the parent of the cut's zone. */
static bool doubt_cut(struct resolver *r, struct lookup *l, struct now now)
{
    struct question whole = question_of_zone(l, &l->cut->delegation->zone);
    struct failure before;
    if (!l->is_fresh && cache_find_failure(r->parts.cache, &whole, l->origin, now, &before))
        return use_news_of_parent(r, l, now);
    l->cut_is_doubted = true;
    l->doubted = l->cut->delegation->zone;
    l->doubted_cut = l->cut;
    l->cut = NULL;
    return true;
}

/* ---- TCP ---- */

/* Was it only that packets were lost?  TCP sends them again by itself, and RFC 9520 section 3.1 counts by transport.
 * Of one server at a cut, and not for addresses of name servers, which are many and may be meant to cost. */
bool lookup_may_try_tcp(struct resolver *r, const struct lookup *l, const struct target *target, struct now now)
{
    return !l->cut->tcp_is_tried && l->depth == 0 && l->distrust.rounds == 0 && !target->given_up && !target->use_tcp &&
           !target->udp_alone && target->tcp_sent == 0 && !target_is_silent(r, target, now);
}

static bool try_tcp(struct resolver *r, struct lookup *l, struct now now)
{
    struct target *fastest = NULL;
    for (uint16_t i = 0; i < l->cut->target_count; i++) {
        struct target *target = l->cut->targets[i];
        if (lookup_may_try_tcp(r, l, target, now) &&
            (fastest == NULL ||
             servers_get(r->servers, &target->address)->srtt_ms < servers_get(r->servers, &fastest->address)->srtt_ms))
            fastest = target;
    }
    if (fastest == NULL)
        return false;
    l->cut->tcp_is_tried = true;
    fastest->use_tcp = true;
    fastest->tcp_sent = SENDS_PER_TARGET_MAX - (l->cut->recursive ? TCP_TRIES_FORWARDER : TCP_TRIES);
    return true;
}

/* ---- the whole ---- */

/* The question goes where it would without its rule; what comes of it is kept as the rule's. */
static void leave_rule(struct resolver *r, struct lookup *l)
{
    uint16_t origin;
    const struct zone_rule *above = zone_rule_above(r->parts.options, l->rule, &l->question, &origin);
    l->rule = above == NULL ? NULL : zone_rule_copy(l->arena, above);
    l->cut = NULL;
}

/* All servers have failed.  A delegation that was in the cache may be outdated: come down again from its parent, once.
 * It stays until the parent has said something else: it may know addresses that nobody tells just now. */
bool lookup_try_another_way(struct resolver *r, struct lookup *l, struct now now)
{
    if (lookup_doubt_glue(r, l) || lookup_want_more_addresses(r, l) || lookup_use_foreign_glue(r, l, now))
        return true;
    if (try_tcp(r, l, now))
        return true;
    if (l->distrust.avoid_count > 0 && !l->at_cut.accepts_avoided) {
        l->at_cut.accepts_avoided = true;
        return true;
    }
    for (uint16_t i = 0; i < l->cut->target_count; i++)
        if (l->cut->targets[i]->is_last_resort && !l->at_cut.accepts_last_resorts) {
            l->at_cut.accepts_last_resorts = true;
            return true;
        }
    if (l->cut->configured && zone_rule_is_first(l->rule)) {
        leave_rule(r, l);
        return true;
    }
    bool may_be_outdated = l->cut->from_cache && !l->cut_is_doubted && !dname_is_root(&l->cut->delegation->zone);
    if (may_be_outdated && doubt_cut(r, l, now))
        return true;
    return stale_use_old_cut(r, l, now);
}
