/* Where a question stands: the zone whose servers are asked next, and the choice among them. */
#include "message/pref64.h"
#include "resolver/lookup.h"

enum {
    SCORE_UNKNOWN_MS = 80, /* a server never asked is taken for a fair one, so that all get to be known */
    SCORE_BAND_MS = 60,    /* servers this close to the best share the load, and the ports */
    SCORE_RESEND_MS = 400, /* asked already in this lookup: others first */
    SCORE_SILENT_MS = 10000,
    SCORE_AVOID_MS = 100000,
    PATIENCE_MS = 4600,           /* clients give up after 5 s (resolv.conf(5), dig) */
    PATIENCE_MS_ADDRESSES = 3200, /* for the address of a server, which is to be asked then */
    PATIENCE_ROUND_TRIPS =
        7,         /* where servers are known to be slow: four questions, one of them behind TCP's handshake */
    TCP_MS = 3000, /* of it: the first segment, its repetition after 1 s (RFC 6298 section 2), the question … */
    LAST_REPLY_MS = 1500, /* … or else what the last question gets … */
    OVERRUN_MS = 800,     /* … of which many servers may take so much, until each was asked once */
};

/* ---- finding it ---- */

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

static bool contain(const struct prefix *prefixes, uint16_t count, const struct address *address)
{
    for (uint16_t i = 0; i < count; i++)
        if (prefix_contains(&prefixes[i], address))
            return true;
    return false;
}

bool cut_speaks_ipv4(const struct resolver_options *options)
{
    return options->nat64.address.family != 0 ? options->ask_ipv6 : options->ask_ipv4;
}

/* The IPv4 address that one behind NAT64 stands for. */
static struct address real_address(const struct resolver_options *options, const struct address *address)
{
    struct address ipv4 = { .family = 4, .port = address->port };
    if (options->nat64.address.family == 0 || !prefix_contains(&options->nat64, address))
        return *address;
    pref64_extract(&options->nat64, address->octets, ipv4.octets);
    return ipv4;
}

static struct address reached_address(const struct resolver_options *options, const struct address *address)
{
    struct address reached = { .family = 6, .port = address->port };
    if (options->nat64.address.family == 0 || address->family != 4)
        return *address;
    pref64_embed(&options->nat64, address->octets, reached.octets);
    return reached;
}

bool cut_may_ask(const struct resolver_options *options, const struct address *address)
{
    struct address real = real_address(options, address);
    if (!(address->family == 4 ? cut_speaks_ipv4(options) : options->ask_ipv6) ||
        contain(options->query_never, options->query_never_count, &real))
        return false;
    return !address_is_special(&real) || is_configured(options, address) ||
           contain(options->query_private, options->query_private_count, &real);
}

void cut_add_target(const struct resolver_options *options, struct cut *cut, const struct address *address)
{
    if (cut->target_count == CUT_TARGETS_MAX || !cut_may_ask(options, address) ||
        (cut->only != NULL && !address_equal(cut->only, address)))
        return;
    struct address reached = reached_address(options, address);
    for (uint16_t i = 0; i < cut->target_count; i++)
        if (address_equal(&cut->targets[i]->address, &reached))
            return;
    struct target *target = ARENA_NEW(cut->arena, struct target);
    *target = (struct target) { .address = reached, .use_tcp = options->tcp_alone || cut->tcp_alone };
    cut->targets[cut->target_count++] = target;
}

bool cut_uses_glue(const struct resolver_options *options, const struct delegation *delegation,
                   const struct delegation_server *server)
{
    return !options->verify_glue || delegation->is_hint || dname_is_root(&delegation->zone) ||
           dname_is_subdomain(&server->name, &delegation->zone);
}

struct cut *cut_new(const struct resolver_options *options, struct lookup *l, struct delegation *delegation)
{
    struct cut *cut = ARENA_NEW(l->arena, struct cut);
    cut->arena = l->arena;
    cut->delegation = delegation;
    if (l->single != NULL && dname_equal(&l->single->zone, &delegation->zone)) {
        cut->only = &l->single->address;
        cut_add_target(options, cut, cut->only);
        return cut;
    }
    for (uint16_t i = 0; i < delegation->server_count; i++) {
        const struct delegation_server *server = &delegation->servers[i];
        for (uint16_t k = 0; k < server->address_count && cut_uses_glue(options, delegation, server); k++)
            cut_add_target(options, cut, &server->addresses[k]);
    }
    return cut;
}

struct zone_rule *zone_rule_copy(struct arena *arena, const struct zone_rule *rule)
{
    struct zone_rule *copy = arena_copy(arena, rule, sizeof(*rule));
    if (rule->name_count > 0)
        copy->names = arena_copy(arena, rule->names, rule->name_count * sizeof(*rule->names));
    return copy;
}

/* A forward or stub zone, as if it were delegated to the configured addresses. */
struct cut *cut_of_rule(const struct resolver_options *options, struct lookup *l)
{
    struct delegation *delegation = ARENA_NEW(l->arena, struct delegation);
    delegation->zone = l->rule->zone;
    delegation->origin = l->origin;
    delegation->server_count = l->rule->name_count;
    delegation->servers = ARENA_ARRAY(l->arena, l->rule->name_count, struct delegation_server);
    for (uint16_t i = 0; i < l->rule->name_count; i++)
        delegation->servers[i].name = l->rule->names[i];
    struct cut *cut = cut_new(options, l, delegation);
    cut->tcp_alone = l->rule->tcp;
    for (uint16_t i = 0; i < l->rule->address_count; i++)
        cut_add_target(options, cut, &l->rule->addresses[i]);
    cut->configured = true;
    cut->recursive = zone_rule_forwards(l->rule);
    return cut;
}

/* Below the zone of the rule; or that zone itself as its servers have told, but for those who ask them. */
static bool is_inside(const struct lookup *l, const struct delegation *delegation)
{
    uint8_t labels = delegation->zone.labels, zone_labels = l->rule->zone.labels;
    return labels > zone_labels || (labels == zone_labels && l->rule->primes && !l->is_priming);
}

struct cut *cut_of_cache(struct resolver *r, struct lookup *l, struct now now)
{
    const struct dname *name = l->cut_is_doubted ? &l->doubted : &l->question.qname;
    bool above = l->cut_is_doubted || question_is_for_parent(&l->question);
    now.wall_ms += l->leeway_ms;
    struct delegation *delegation = above ? cache_find_delegation_above(r->parts.cache, name, l->origin, now, l->arena)
                                          : cache_find_delegation(r->parts.cache, name, l->origin, now, l->arena);
    if (delegation == NULL || (l->rule != NULL && !is_inside(l, delegation)))
        return NULL;
    struct cut *cut = cut_new(r->parts.options, l, delegation);
    cut->from_cache = true;
    return cut;
}

/* ---- whom to ask ---- */

bool lookup_avoids(const struct lookup *l, const struct address *address)
{
    for (uint8_t i = 0; i < l->distrust.avoid_count; i++)
        if (address_equal(&l->distrust.avoid[i], address))
            return true;
    return false;
}

/* The longest round-trip time among its servers that have one, and are not known to be silent. */
static int64_t slowest_ms(struct resolver *r, const struct lookup *l, struct now now)
{
    int64_t slowest = 0;
    for (uint16_t i = 0; i < l->cut->target_count; i++) {
        const struct server *server = servers_get(r->servers, &l->cut->targets[i]->address);
        if (server->measured && !server_is_silent(server, now.monotonic_ms) && server->srtt_ms > slowest)
            slowest = server->srtt_ms;
    }
    return slowest;
}

int64_t cut_patience_left_ms(struct resolver *r, const struct lookup *l, struct now now)
{
    int64_t patience_ms = l->depth == 0 ? PATIENCE_MS : PATIENCE_MS_ADDRESSES;
    int64_t slow_ms = PATIENCE_ROUND_TRIPS * slowest_ms(r, l, now);
    return l->cut->asked_ms + (slow_ms > patience_ms ? slow_ms : patience_ms) - now.monotonic_ms;
}

bool target_is_silent(struct resolver *r, const struct target *target, struct now now)
{
    const struct server *server = servers_get(r->servers, &target->address);
    return server_is_silent(server, now.monotonic_ms) && server->timeouts_in_a_row > target->asked;
}

int64_t cut_hurry_ms(struct resolver *r, const struct lookup *l, struct now now)
{
    return cut_patience_left_ms(r, l, now) - (l->depth == 0 ? TCP_MS : LAST_REPLY_MS);
}

/* A server that has been silent for others gets one chance: clients do not wait for three.  Where many are silent
 * together all get one over UDP; the second and third are for the time that there is. */
static uint8_t sends_max(struct resolver *r, const struct lookup *l, const struct target *target, bool tcp,
                         struct now now)
{
    bool is_late = l->cut->silences >= SILENCES_BORNE && cut_hurry_ms(r, l, now) < -OVERRUN_MS;
    return (is_late && !tcp) || target_is_silent(r, target, now) ? 1 : SENDS_PER_TARGET_MAX;
}

static unsigned sends_left(struct resolver *r, const struct lookup *l, const struct target *target, struct now now)
{
    if (target->given_up || (target->is_last_resort && !l->at_cut.accepts_last_resorts) ||
        (lookup_avoids(l, &target->address) && !l->at_cut.accepts_avoided))
        return 0;
    bool tcp = target->use_tcp || lookup_avoids(l, &target->address);
    uint8_t sent = tcp ? target->tcp_sent : target->udp_sent, most = sends_max(r, l, target, tcp, now);
    return sent < most ? most - sent : 0;
}

unsigned cut_sends_left(struct resolver *r, const struct lookup *l, struct now now)
{
    unsigned left = 0;
    for (uint16_t i = 0; i < l->cut->target_count; i++)
        left += sends_left(r, l, l->cut->targets[i], now);
    return left;
}

bool cut_has_targets_left(struct resolver *r, const struct lookup *l, struct now now)
{
    return cut_sends_left(r, l, now) > 0;
}

void cut_inherit(struct cut *cut, const struct cut *before)
{
    cut->tcp_is_tried = before->tcp_is_tried;
    for (uint16_t i = 0; i < cut->target_count; i++)
        for (uint16_t k = 0; k < before->target_count; k++)
            if (address_equal(&cut->targets[i]->address, &before->targets[k]->address) &&
                !before->targets[k]->has_replied)
                *cut->targets[i] = *before->targets[k];
}

static int64_t score(struct resolver *r, const struct lookup *l, const struct target *target, struct now now)
{
    const struct server *server = servers_get(r->servers, &target->address);
    int64_t score = server->measured ? server->srtt_ms : SCORE_UNKNOWN_MS;
    score += (int64_t)(target->udp_sent + target->tcp_sent) * SCORE_RESEND_MS;
    if (server_is_silent(server, now.monotonic_ms) ||
        server_lame_for(server, &l->cut->delegation->zone, now.monotonic_ms))
        score += SCORE_SILENT_MS;
    if (lookup_avoids(l, &target->address))
        score += SCORE_AVOID_MS;
    return score;
}

/* One of the fastest at random (RFC 5452 section 4.4: an attacker must not know which); NULL if none is left.  Who has
 * the answer, but could not send it over UDP, comes first: it would be the same with others (RFC 2181 section 9). */
struct target *cut_choose_target(struct resolver *r, struct lookup *l, struct now now)
{
    struct cut *cut = l->cut;
    struct target *truncating = cut->truncating;
    cut->truncating = NULL;
    if (truncating != NULL && sends_left(r, l, truncating, now) > 0)
        return truncating;
    int64_t scores[CUT_TARGETS_MAX], best = INT64_MAX;
    for (uint16_t i = 0; i < cut->target_count; i++) {
        scores[i] = sends_left(r, l, cut->targets[i], now) > 0 ? score(r, l, cut->targets[i], now) : INT64_MAX;
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
            chosen = cut->targets[i];
    return chosen;
}
