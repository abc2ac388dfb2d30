#include "policy/rebinding.h"

#include "message/svcb.h"

enum { IPV4_OCTETS = 4, IPV6_OCTETS = 16 };

static bool may_have_any(const struct rebinding *rebinding, const struct dname *owner)
{
    static const struct dname localhost = { .octets = "\11localhost", .len = 11, .labels = 1 };
    if (dname_is_subdomain(owner, &localhost))
        return true;
    for (uint16_t i = 0; i < rebinding->allowed_count; i++)
        if (dname_is_subdomain(owner, &rebinding->allowed[i]))
            return true;
    return false;
}

static bool is_private(const struct rebinding *rebinding, uint16_t type, struct octets rdata)
{
    struct address address;
    if (address_from_rdata(type, rdata, 0, &address) != OK)
        return false;
    for (uint16_t i = 0; i < rebinding->network_count; i++)
        if (prefix_contains(&rebinding->networks[i], &address))
            return true;
    return false;
}

/* RFC 9460 section 7.3: a list of addresses. */
static bool hints_at_private(const struct rebinding *rebinding, struct octets rdata, uint16_t key, uint16_t type,
                             size_t octets)
{
    struct octets hints = svcb_param(rdata, key);
    for (size_t at = 0; at + octets <= hints.len; at += octets)
        if (is_private(rebinding, type, (struct octets) { hints.data + at, octets }))
            return true;
    return false;
}

static bool is_left_out(const struct rebinding *rebinding, const struct rrset *set, uint16_t at)
{
    struct octets rdata = set->rdata[at];
    switch (set->type) {
    case TYPE_A:
    case TYPE_AAAA:
        return is_private(rebinding, set->type, rdata);
    case TYPE_SVCB:
    case TYPE_HTTPS:
        return hints_at_private(rebinding, rdata, SVCPARAM_IPV4HINT, TYPE_A, IPV4_OCTETS) ||
               hints_at_private(rebinding, rdata, SVCPARAM_IPV6HINT, TYPE_AAAA, IPV6_OCTETS);
    default:
        return false;
    }
}

static bool is_touched(const struct rebinding *rebinding, const struct rrset *set)
{
    for (uint16_t i = 0; i < set->count; i++)
        if (is_left_out(rebinding, set, i))
            return !may_have_any(rebinding, set->owner);
    return false;
}

static bool link_is_touched(const struct rebinding *rebinding, const struct answer *link)
{
    for (uint16_t i = 0; i < link->rrsets.count; i++)
        if (is_touched(rebinding, link->rrsets.items[i]))
            return true;
    return false;
}

bool rebinding_is_shown(const struct rebinding *rebinding, const struct outcome *outcome)
{
    if (rebinding->network_count == 0)
        return false;
    for (uint16_t i = 0; i < outcome->link_count; i++)
        if (link_is_touched(rebinding, outcome->links[i]))
            return true;
    return false;
}

static struct rrset *what_is_left(const struct rebinding *rebinding, const struct rrset *set, struct arena *arena)
{
    struct rrset *left = ARENA_NEW(arena, struct rrset);
    struct octets *rdata = ARENA_ARRAY(arena, set->count, struct octets);
    *left = (struct rrset) { .owner = set->owner, .type = set->type, .class = set->class, .ttl_s = set->ttl_s };
    left->rdata = rdata;
    for (uint16_t i = 0; i < set->count; i++)
        if (!is_left_out(rebinding, set, i))
            rdata[left->count++] = set->rdata[i];
    return left;
}

/* Without any records it is a denial that nothing proves. */
static struct answer *without_private(const struct rebinding *rebinding, const struct answer *link, struct arena *arena)
{
    struct answer *told = arena_copy(arena, link, sizeof(*link));
    told->verdict.security = INSECURE;
    told->proofs.count = 0;
    told->rrsets.count = 0;
    told->rrsets.items = ARENA_ARRAY(arena, link->rrsets.count, struct rrset *);
    for (uint16_t i = 0; i < link->rrsets.count; i++) {
        struct rrset *set = link->rrsets.items[i];
        struct rrset *left = is_touched(rebinding, set) ? what_is_left(rebinding, set, arena) : set;
        if (left->count > 0)
            told->rrsets.items[told->rrsets.count++] = left;
    }
    if (told->rrsets.count == 0)
        told->kind = ANSWER_NODATA;
    return told;
}

void rebinding_leave_out(const struct rebinding *rebinding, const struct outcome *outcome, struct arena *arena,
                         struct outcome *told)
{
    struct answer **links = arena_copy(arena, outcome->links, outcome->link_count * sizeof(*links));
    for (uint16_t i = 0; i < outcome->link_count; i++)
        if (link_is_touched(rebinding, links[i]))
            links[i] = without_private(rebinding, links[i], arena);
    outcome_retell(told, outcome, links, outcome->link_count);
    outcome_add_ede(told, EDE_BLOCKED, "private address");
}
