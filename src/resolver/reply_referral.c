/* Referrals: the servers of a zone further down, with their glue and what is said of the DS set. */
#include "resolver/reply_parts.h"

static bool leads_down(const struct rrset *ns, const struct asked *asked)
{
    const struct question *question = asked->question;
    if (ns->type != TYPE_NS || ns->count == 0 || ns->class != question->qclass)
        return false;
    if (!dname_is_below(ns->owner, asked->zone) || !dname_is_subdomain(&question->qname, ns->owner))
        return false;
    /* DS lives above the cut: a referral to the name itself leads to the wrong side (R4.2-d). */
    return question->qtype != TYPE_DS || !dname_equal(ns->owner, &question->qname);
}

struct rrset *reply_find_referral(const struct message *message, const struct asked *asked)
{
    const struct rrset_list *authority = &message->sections[SECTION_AUTHORITY];
    struct rrset *deepest = NULL;
    for (uint16_t i = 0; i < authority->count; i++) {
        struct rrset *set = authority->items[i];
        if (leads_down(set, asked) && (deepest == NULL || set->owner->labels > deepest->owner->labels))
            deepest = set;
    }
    return deepest;
}

static void add_glue(struct delegation_server *server, const struct message *message, const struct asked *asked,
                     uint16_t type)
{
    const struct rrset *set = rrset_list_find(&message->sections[SECTION_ADDITIONAL], &server->name, type);
    if (set == NULL || set->class != asked->question->qclass || !(asked->any_glue || reply_in_bailiwick(set, asked)))
        return;
    for (uint16_t i = 0; i < set->count && server->address_count < ADDRESSES_PER_NS_MAX; i++)
        if (address_from_rdata(type, set->rdata[i], 53, &server->addresses[server->address_count]) == OK)
            server->address_count++;
}

struct delegation *reply_new_delegation(const struct message *message, const struct asked *asked,
                                        const struct rrset *ns, struct arena *arena)
{
    struct delegation *delegation = ARENA_NEW(arena, struct delegation);
    delegation->zone = *ns->owner;
    delegation->origin = asked->origin;
    delegation->expires_ms = reply_received_ms(asked->now) + (int64_t)ns->ttl_s * 1000;
    uint16_t most = asked->ns_max > 0 && asked->ns_max < NS_PER_ZONE_MAX ? asked->ns_max : NS_PER_ZONE_MAX;
    uint16_t max = ns->count < most ? ns->count : most;
    delegation->servers = ARENA_ARRAY(arena, max, struct delegation_server);
    for (uint16_t i = 0; i < ns->count && delegation->server_count < max; i++) {
        struct delegation_server *server = &delegation->servers[delegation->server_count];
        if (rdata_name(ns->rdata[i], &server->name) != OK)
            continue;
        server->addresses = ARENA_ARRAY(arena, ADDRESSES_PER_NS_MAX, struct address);
        add_glue(server, message, asked, TYPE_A);
        add_glue(server, message, asked, TYPE_AAAA);
        delegation->server_count++;
    }
    return delegation;
}

struct delegation *reply_priming(const struct message *message, const struct asked *asked, struct arena *arena)
{
    const struct rrset *ns = reply_find(message, SECTION_ANSWER, asked, asked->zone, TYPE_NS);
    return ns == NULL ? NULL : reply_new_delegation(message, asked, ns, arena);
}

struct answer *reply_referral_ds(const struct message *message, const struct asked *asked, const struct rrset *ns,
                                 struct arena *arena)
{
    struct question question = { .qname = *ns->owner, .qtype = TYPE_DS, .qclass = asked->question->qclass };
    struct asked about = *asked;
    about.question = &question;
    struct rrset *ds = reply_find(message, SECTION_AUTHORITY, asked, ns->owner, TYPE_DS);
    if (ds != NULL)
        return reply_positive(message, &about, ns->owner, ANSWER_DATA, ds, arena);

    struct answer *answer = reply_new_answer(&about, ns->owner, ANSWER_NODATA, arena);
    reply_add_denial(answer, message, asked, arena);
    if (answer->proofs.count == 0)
        return NULL;
    uint32_t ttl_s = reply_least_ttl(&answer->proofs, TTL_S_MAX);
    answer->expires_ms = answer->received_ms + (int64_t)ttl_s * 1000;
    return answer;
}
