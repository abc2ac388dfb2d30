/* Addresses of name servers whose delegation did not tell them. */
#include "resolver/lookup.h"

enum {
    NAMES_AT_ONCE = 2, /* server names that are looked up at the same time, to begin with */
    NO_TYPE = 0,       /* RFC 6895 section 3.1: no RR has it */
};

/* false: it has none. */
static bool add_addresses(struct resolver *r, struct lookup *l, const struct answer *answer)
{
    if (answer->kind != ANSWER_DATA || answer->verdict.security == BOGUS)
        return false;
    const struct rrset *set = answer->rrsets.items[0];
    struct address address;
    for (uint16_t i = 0; i < set->count && i < ADDRESSES_PER_NS_MAX; i++)
        if (address_from_rdata(set->type, set->rdata[i], 53, &address) == OK)
            cut_add_target(r->parts.options, l->cut, &address);
    return true;
}

/* NULL: the cache has none. */
static const struct answer *add_cached_addresses(struct resolver *r, struct lookup *l, const struct question *question,
                                                 struct now now)
{
    struct answer *known;
    uint16_t origin;
    zone_rule_for(r->parts.options, question, &origin);
    if (cache_find_answer(r->parts.cache, question, origin, now, l->arena, &known) != CACHE_FRESH)
        return NULL;
    add_addresses(r, l, known);
    return known;
}

static void add_named_server(struct resolver *r, struct lookup *l, const struct dname *name, uint16_t type,
                             struct now now)
{
    struct question question = { .qname = *name, .qtype = type, .qclass = CLASS_IN };
    if (add_cached_addresses(r, l, &question, now) == NULL && !question_equal(&question, &l->question))
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

bool lookup_take_known_addresses(struct resolver *r, struct lookup *l, struct now now)
{
    const struct delegation *delegation = l->cut->delegation;
    uint16_t before = l->cut->target_count;
    if (l->cut->names_are_known || l->cut->only != NULL)
        return false;
    l->cut->names_are_known = true;
    for (uint16_t i = 0; i < delegation->server_count; i++) {
        struct question question = { .qname = delegation->servers[i].name, .qtype = TYPE_A, .qclass = CLASS_IN };
        add_cached_addresses(r, l, &question, now);
        question.qtype = TYPE_AAAA;
        add_cached_addresses(r, l, &question, now);
    }
    return l->cut->target_count > before;
}

enum { FAMILY_4 = 1, FAMILY_6 = 2 };

/* Of the addresses by which it may be asked. */
static unsigned families_told(const struct delegation *delegation, const struct delegation_server *server,
                              const struct resolver_options *options)
{
    unsigned families = 0;
    for (uint16_t i = 0; i < server->address_count && cut_uses_glue(options, delegation, server); i++)
        if (cut_may_ask(options, &server->addresses[i]))
            families |= server->addresses[i].family == 4 ? FAMILY_4 : FAMILY_6;
    return families;
}

/* The families that need not be looked for.  Glue that the zone's own servers would have to correct cannot be looked
 * up. */
static unsigned families_known(const struct resolver *r, const struct cut *cut, const struct delegation_server *server)
{
    bool is_doubted = cut->glue_is_doubted && !dname_is_subdomain(&server->name, &cut->delegation->zone);
    unsigned told = is_doubted ? 0 : families_told(cut->delegation, server, r->parts.options);
    return told == 0 || cut->wants_more ? told : FAMILY_4 | FAMILY_6;
}

/* IPv6 addresses are looked for where IPv4 ones are of no use: for most names half of the questions will do. */
static uint16_t type_to_ask(const struct resolver *r, const struct cut *cut, uint16_t at)
{
    const struct server_name *name = &cut->names[at];
    unsigned known = families_known(r, cut, &cut->delegation->servers[at]);
    if (!name->asked_ipv4 && !(known & FAMILY_4) && cut_speaks_ipv4(r->parts.options))
        return TYPE_A;
    return !name->asked_ipv6 && !(known & FAMILY_6) && r->parts.options->ask_ipv6 ? TYPE_AAAA : NO_TYPE;
}

static bool is_begun(const struct server_name *name)
{
    return name->asked_ipv4 || name->asked_ipv6;
}

static bool may_be_looked_up(const struct resolver *r, const struct cut *cut, uint16_t at)
{
    return (is_begun(&cut->names[at]) || cut->names_asked < GLUELESS_PER_REFERRAL_MAX) &&
           type_to_ask(r, cut, at) != NO_TYPE;
}

bool lookup_has_names_left(const struct resolver *r, const struct lookup *l)
{
    for (uint16_t i = 0; i < l->cut->delegation->server_count && l->cut->only == NULL; i++)
        if (!is_begun(&l->cut->names[i]) && may_be_looked_up(r, l->cut, i))
            return true;
    return false;
}

bool lookup_doubt_glue(struct resolver *r, struct lookup *l)
{
    if (l->cut->glue_is_doubted || l->cut->configured)
        return false;
    l->cut->glue_is_doubted = true;
    return lookup_has_names_left(r, l);
}

bool lookup_want_more_addresses(struct resolver *r, struct lookup *l)
{
    if (!r->parts.options->more_addresses || l->distrust.rounds == 0 || l->cut->wants_more || l->cut->configured)
        return false;
    l->cut->wants_more = true;
    return lookup_has_names_left(r, l);
}

static bool take_name(struct lookup *l, struct server_name *name)
{
    name->is_paid = name->is_paid || budget_take_server_name(&l->purse->budget);
    l->lacks_names |= !name->is_paid;
    return name->is_paid;
}

static void return_name(struct lookup *l, struct server_name *name)
{
    if (name->is_paid)
        budget_return_server_name(&l->purse->budget);
    name->is_paid = false;
}

static const struct dname *name_to_ask_for(const struct cut *cut, uint16_t at)
{
    return cut->names[at].target != NULL ? cut->names[at].target : &cut->delegation->servers[at].name;
}

/* It counts as another name, lest there is no end. */
static bool ask_name_again(struct cut *cut, struct server_name *name, uint16_t type)
{
    if (cut->names_asked >= GLUELESS_PER_REFERRAL_MAX)
        return false;
    cut->names_asked++;
    *(type == TYPE_A ? &name->asked_ipv4 : &name->asked_ipv6) = false;
    return true;
}

/* One alias, not a chain (CAMP); its target is paid for like another name. */
static void follow_alias(struct cut *cut, struct server_name *name, const struct answer *answer)
{
    if (!answer_leads_on(answer) || answer->verdict.security == BOGUS || name->target != NULL ||
        !ask_name_again(cut, name, answer->question.qtype))
        return;
    name->is_paid = false;
    name->target = dname_copy(cut->arena, &answer->target);
}

static void add_glue_of(const struct resolver_options *options, struct cut *cut, const struct delegation *delegation,
                        const struct dname *name)
{
    const struct delegation_server *server = delegation_find_server(delegation, name);
    for (uint16_t i = 0; server != NULL && i < server->address_count; i++)
        cut_add_target(options, cut, &server->addresses[i]);
}

/* Glue that came with the delegation of the zone that a server's name is in, or of one above: the way to whoever knows
 * better leads over it anyway.  true: there is somebody new to ask. */
static bool add_glue_from_above(struct resolver *r, struct lookup *l, const struct dname *name, struct now now)
{
    uint16_t before = l->cut->target_count;
    struct arena *scratch = arena_new();
    const struct delegation *delegation = cache_find_delegation(r->parts.cache, name, l->origin, now, scratch);
    while (delegation != NULL) {
        struct dname zone = delegation->zone;
        add_glue_of(r->parts.options, l->cut, delegation, name);
        arena_reset(scratch);
        delegation = cache_find_delegation_above(r->parts.cache, &zone, l->origin, now, scratch);
    }
    arena_free(scratch);
    return l->cut->target_count > before;
}

/* Once, before anybody is asked for them, unless glue is to be verified. */
static bool add_addresses_by_hint(struct resolver *r, struct lookup *l, struct server_name *name,
                                  const struct dname *target, struct now now)
{
    bool is_first = !name->is_hinted;
    name->is_hinted = true;
    return is_first && !r->parts.options->verify_glue && add_glue_from_above(r, l, target, now);
}

static void ask_for_name(struct resolver *r, struct lookup *l, uint16_t at, struct now now)
{
    struct cut *cut = l->cut;
    struct server_name *name = &cut->names[at];
    struct question question = { .qname = *name_to_ask_for(cut, at), .qclass = CLASS_IN };
    question.qtype = type_to_ask(r, cut, at);
    const struct answer *known = add_cached_addresses(r, l, &question, now);
    if (known == NULL && add_addresses_by_hint(r, l, name, &question.qname, now))
        return;
    cut->names_asked += !is_begun(name);
    *(question.qtype == TYPE_A ? &name->asked_ipv4 : &name->asked_ipv6) = true;
    if (known != NULL) {
        follow_alias(cut, name, known);
        return;
    }
    /* What somebody asks already is free, as what is cached is. */
    if (lookup_is_under_way(r, &question) || take_name(l, name))
        name->is_awaited = lookup_join(r, l, &question, now);
}

/* Two, as the servers of one may be silent; but where they have led to nothing names may be meant to cost. */
static uint16_t names_at_once(const struct cut *cut)
{
    return cut->names_asked < NAMES_AT_ONCE ? NAMES_AT_ONCE : 1;
}

enum name_state {
    NAME_TOLD, /* something, though no address that will do: the other family is to be asked for */
    NAME_NEW,
    NAME_FAILED, /* so it may again */
};

static enum name_state name_state(const struct server_name *name)
{
    if (name->has_failed)
        return NAME_FAILED;
    return is_begun(name) ? NAME_TOLD : NAME_NEW;
}

/* Names are taken from a random place on, so that a broken one does not always come first. */
static bool ask_for_names(struct resolver *r, struct lookup *l, enum name_state state, struct now now)
{
    uint16_t count = l->cut->delegation->server_count, asked = 0;
    uint16_t asked_max = names_at_once(l->cut);
    uint32_t start = random_below(r->parts.random, count);
    for (uint16_t i = 0; i < count && asked < asked_max; i++) {
        uint16_t at = (uint16_t)((start + i) % count);
        if (name_state(&l->cut->names[at]) != state || !may_be_looked_up(r, l->cut, at))
            continue;
        ask_for_name(r, l, at, now);
        asked++;
    }
    return asked > 0;
}

/* Looks for addresses of server names that came without; true if there is something new to look at or to wait for. */
bool lookup_want_addresses(struct resolver *r, struct lookup *l, struct now now)
{
    if (l->cut->delegation->server_count == 0 || l->cut->only != NULL)
        return false;
    return ask_for_names(r, l, NAME_TOLD, now) || ask_for_names(r, l, NAME_NEW, now) ||
           ask_for_names(r, l, NAME_FAILED, now);
}

static struct server_name *find_name(struct cut *cut, const struct dname *name)
{
    for (uint16_t i = 0; i < cut->delegation->server_count; i++)
        if (dname_equal(name_to_ask_for(cut, i), name))
            return &cut->names[i];
    return NULL;
}

void lookup_deliver(struct resolver *r, struct lookup *l, const struct lookup *found, struct now now)
{
    (void)now;
    struct server_name *name = l->cut == NULL ? NULL : find_name(l->cut, &found->question.qname);
    if (name == NULL || found->is_priming)
        return;
    name->is_awaited = false;
    if (found->end == LOOKUP_ANSWERED && add_addresses(r, l, found->answer))
        return_name(l, name);
    else if (found->end == LOOKUP_ANSWERED)
        follow_alias(l->cut, name, found->answer);
    else
        name->has_failed = true;
    l->lacks_names |= found->failure.is_budget && found->purse == l->purse;
    if (found->failure.is_budget && found->purse != l->purse) /* our own may be enough */
        ask_name_again(l->cut, name, found->question.qtype);
}

void lookup_wait_no_more(struct resolver *r, struct lookup *l)
{
    wait_no_more(r, &l->waits);
    for (uint16_t i = 0; l->cut != NULL && i < l->cut->delegation->server_count; i++)
        if (l->cut->names[i].is_awaited)
            return_name(l, &l->cut->names[i]);
}

/* The last hope for server names whose addresses their own zone does not tell: glue that came with its delegation. */
bool lookup_use_foreign_glue(struct resolver *r, struct lookup *l, struct now now)
{
    const struct delegation *delegation = l->cut->delegation;
    uint16_t before = l->cut->target_count;
    if (l->at_cut.glue_used || l->cut->configured)
        return false;
    l->at_cut.glue_used = true;
    for (uint16_t i = 0; i < delegation->server_count; i++) {
        add_glue_of(r->parts.options, l->cut, delegation, &delegation->servers[i].name); /* which nobody has verified */
        add_glue_from_above(r, l, &delegation->servers[i].name, now);
    }
    return l->cut->target_count > before;
}
