/* Addresses of name servers whose delegation did not tell them. */
#include "resolver/internal.h"

enum { NAMES_AT_ONCE = 2 }; /* server names whose addresses are looked for at the same time */

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

/* false: the cache has none. */
static bool add_cached_addresses(struct resolver *r, struct lookup *l, const struct question *question, struct now now)
{
    struct answer *known;
    uint16_t origin;
    zone_rule_for(r->parts.options, question, &origin);
    if (cache_find_answer(r->parts.cache, question, origin, now, l->arena, &known) != CACHE_FRESH)
        return false;
    add_addresses(r, l, known);
    return true;
}

static void want_address(struct resolver *r, struct lookup *l, const struct dname *name, uint16_t type, struct now now)
{
    struct question question = { .qname = *name, .qtype = type, .qclass = CLASS_IN };
    if (!add_cached_addresses(r, l, &question, now))
        lookup_join(r, l, &question, now);
}

static void add_named_server(struct resolver *r, struct lookup *l, const struct dname *name, uint16_t type,
                             struct now now)
{
    struct question question = { .qname = *name, .qtype = type, .qclass = CLASS_IN };
    if (!add_cached_addresses(r, l, &question, now) && !question_equal(&question, &l->question))
        refresh_start(r, &question, now);
}

void lookup_add_named_servers(struct resolver *r, struct lookup *l, struct now now)
{
    const struct delegation *delegation = l->cut->delegation;
    for (uint16_t i = 0; i < delegation->server_count && l->cut->only == NULL; i++) {
        if (cut_speaks_ipv4(r->parts.options))
            add_named_server(r, l, &delegation->servers[i].name, TYPE_A, now);
        if (r->parts.options->ask_ipv6)
            add_named_server(r, l, &delegation->servers[i].name, TYPE_AAAA, now);
    }
}

static bool has_address(const struct delegation *delegation, const struct delegation_server *server,
                        const struct resolver_options *options)
{
    for (uint16_t i = 0; i < server->address_count && cut_uses_glue(options, delegation, server); i++)
        if (cut_may_ask(options, &server->addresses[i]))
            return true;
    return false;
}

static bool may_be_looked_up(const struct resolver *r, const struct cut *cut, uint16_t at)
{
    const struct delegation *delegation = cut->delegation;
    return !cut->name_is_asked[at] && cut->names_asked < GLUELESS_PER_REFERRAL_MAX &&
           !has_address(delegation, &delegation->servers[at], r->parts.options);
}

bool lookup_has_names_left(const struct resolver *r, const struct lookup *l)
{
    for (uint16_t i = 0; i < l->cut->delegation->server_count && l->cut->only == NULL; i++)
        if (may_be_looked_up(r, l->cut, i))
            return true;
    return false;
}

/* Looks for addresses of server names that came without; true if there is something new to look at or to wait for.
 * Names are taken from a random place on, so that a broken one does not always come first. */
bool lookup_want_addresses(struct resolver *r, struct lookup *l, struct now now)
{
    struct cut *cut = l->cut;
    const struct delegation *delegation = cut->delegation;
    uint16_t targets_before = cut->target_count, asked = 0;
    if (delegation->server_count == 0 || cut->only != NULL)
        return false;
    uint32_t start = random_below(r->parts.random, delegation->server_count);
    for (uint16_t i = 0; i < delegation->server_count && asked < NAMES_AT_ONCE; i++) {
        uint16_t at = (uint16_t)((start + i) % delegation->server_count);
        const struct delegation_server *server = &delegation->servers[at];
        if (!may_be_looked_up(r, cut, at))
            continue;
        cut->name_is_asked[at] = true;
        cut->names_asked++;
        asked++;
        if (cut_speaks_ipv4(r->parts.options))
            want_address(r, l, &server->name, TYPE_A, now);
        if (r->parts.options->ask_ipv6)
            want_address(r, l, &server->name, TYPE_AAAA, now);
    }
    return asked > 0 || cut->target_count > targets_before;
}

/* Somebody else's budget was spent on it: our own may be enough. */
static void ask_name_again(struct cut *cut, const struct dname *name)
{
    for (uint16_t i = 0; i < cut->delegation->server_count; i++)
        if (dname_equal(&cut->delegation->servers[i].name, name))
            cut->name_is_asked[i] = false;
}

void lookup_deliver(struct resolver *r, struct lookup *l, const struct lookup *found, struct now now)
{
    (void)now;
    if (l->cut == NULL || found->is_priming)
        return;
    if (found->end == LOOKUP_ANSWERED)
        add_addresses(r, l, found->answer);
    else if (found->failure.is_budget && found->purse != l->purse)
        ask_name_again(l->cut, &found->question.qname);
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
bool lookup_use_foreign_glue(struct resolver *r, struct lookup *l, struct now now)
{
    const struct delegation *delegation = l->cut->delegation;
    uint16_t before = l->cut->target_count;
    if (l->glue_used || l->cut->configured)
        return false;
    l->glue_used = true;
    struct arena *scratch = arena_new();
    for (uint16_t i = 0; i < delegation->server_count; i++) {
        const struct dname *name = &delegation->servers[i].name;
        add_glue_of(r->parts.options, l->cut, delegation, name); /* which nobody has verified */
        struct delegation *other;
        bool above = false;
        for (struct dname at = *name;
             cache_find_delegation(r->parts.cache, &at, above, l->origin, now, scratch, &other); above = true) {
            add_glue_of(r->parts.options, l->cut, other, name);
            at = other->zone;
            arena_reset(scratch);
        }
    }
    arena_free(scratch);
    return l->cut->target_count > before;
}
