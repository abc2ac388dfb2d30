#include "policy/dns64.h"

#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "message/pref64.h"

enum {
    MAPPED_ZEROS = 10,       /* ::ffff:0:0/96, which the default exclusion set holds (RFC 6147 section 5.1.4) */
    TTL_WITHOUT_SOA_S = 600, /* RFC 6147 section 5.1.7 */
    NIBBLES = 32,            /* labels of a name below ip6.arpa. (RFC 3596 section 2.5) */
    REVERSE_TEXT_MAX = 32,   /* "255.255.255.255.in-addr.arpa." and the NUL */
};

/* ---- names of addresses ---- */

static int nibble_of(struct octets label)
{
    if (label.len != 1)
        return -1;
    uint8_t c = label.data[0];
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool address_of(const struct dname *name, struct address *address)
{
    static const uint8_t ip6_arpa[] = { 3, 'i', 'p', '6', 4, 'a', 'r', 'p', 'a', 0 };
    struct dname suffix;
    if (name->labels != NIBBLES + 2)
        return false;
    dname_suffix(name, 2, &suffix);
    struct dname wanted = { .len = sizeof(ip6_arpa), .labels = 2 };
    memcpy(wanted.octets, ip6_arpa, sizeof(ip6_arpa));
    *address = (struct address) { .family = 6 };
    for (uint8_t i = 0; i < NIBBLES; i++) {
        int nibble = nibble_of(dname_label(name, i));
        if (nibble < 0)
            return false;
        address->octets[15 - i / 2] |= (uint8_t)(i % 2 == 0 ? nibble : nibble << 4);
    }
    return dname_equal(&suffix, &wanted);
}

bool dns64_reverse(const struct prefix *prefix, const struct dname *name, struct dname *reverse)
{
    struct address address;
    if (!address_of(name, &address) || !prefix_contains(prefix, &address))
        return false;
    uint8_t ipv4[4];
    pref64_extract(prefix, address.octets, ipv4);
    char text[REVERSE_TEXT_MAX];
    snprintf(text, sizeof(text), "%u.%u.%u.%u.in-addr.arpa.", ipv4[3], ipv4[2], ipv4[1], ipv4[0]);
    return dname_from_text(text, reverse) == OK;
}

/* ---- addresses ---- */

static bool is_mapped(struct octets rdata)
{
    static const uint8_t mapped[MAPPED_ZEROS + 2] = { [MAPPED_ZEROS] = 0xff, 0xff };
    return rdata.len == 16 && memcmp(rdata.data, mapped, sizeof(mapped)) == 0;
}

static bool is_ignored(const struct dns64 *dns64, const struct dname *name)
{
    for (uint16_t i = 0; i < dns64->ignored_count; i++)
        if (dname_is_subdomain(name, &dns64->ignored[i]))
            return true;
    return false;
}

/* Records outside of the exclusion set may be told.  One inside it beside them is not taken away: that would cost the
 * signature of the whole set, and what maps IPv4 is of no use to whoever validates or connects. */
static bool has_useful_address(const struct rrset *set)
{
    for (uint16_t i = 0; i < set->count; i++)
        if (!is_mapped(set->rdata[i]))
            return true;
    return false;
}

static const struct answer *last_link(const struct outcome *outcome)
{
    return outcome->link_count == 0 ? NULL : outcome->links[outcome->link_count - 1];
}

/* RFC 6147 section 5.1.2: servers that fail when they are asked for AAAA records may know A records all the same.  What
 * did not validate is no such failure. */
static bool nobody_answers(const struct outcome *outcome)
{
    return outcome->rcode == RCODE_SERVFAIL && outcome->link_count == 0 && outcome->ede_count > 0 &&
           outcome->edes[0].code == EDE_NO_REACHABLE_AUTHORITY;
}

bool dns64_wants_addresses(const struct dns64 *dns64, const struct outcome *outcome, struct now now,
                           uint32_t *ttl_max_s)
{
    const struct answer *last = last_link(outcome);
    *ttl_max_s = TTL_WITHOUT_SOA_S;
    if (nobody_answers(outcome))
        return true;
    if (outcome->rcode != RCODE_NOERROR || last == NULL)
        return false;
    const struct rrset *soa = answer_soa(last);
    if (last->kind == ANSWER_NODATA) {
        if (soa != NULL)
            *ttl_max_s = answer_ttl_left(last, soa->ttl_s, now);
        return true;
    }
    *ttl_max_s = TTL_S_MAX;
    return last->kind == ANSWER_DATA && last->rrsets.count > 0 &&
           (!has_useful_address(last->rrsets.items[0]) || is_ignored(dns64, &outcome->question.qname));
}

static struct rrset *embed_all(const struct prefix *prefix, const struct rrset *set, uint32_t ttl_s,
                               struct arena *arena)
{
    struct rrset *made = ARENA_NEW(arena, struct rrset);
    struct octets *rdata = ARENA_ARRAY(arena, set->count, struct octets);
    *made =
        (struct rrset) { .owner = set->owner, .type = TYPE_AAAA, .class = set->class, .ttl_s = ttl_s, .rdata = rdata };
    for (uint16_t i = 0; i < set->count; i++) {
        if (set->rdata[i].len != 4)
            continue;
        uint8_t *ipv6 = arena_alloc(arena, 16);
        pref64_embed(prefix, set->rdata[i].data, ipv6);
        rdata[made->count++] = (struct octets) { ipv6, 16 };
    }
    return made;
}

static struct answer *new_link(const struct question *question, enum answer_kind kind, struct rrset *set,
                               struct now now, struct arena *arena)
{
    struct answer *link = ARENA_NEW(arena, struct answer);
    *link = (struct answer) {
        .question = *question,
        .kind = kind,
        .rrsets = { .items = ARENA_NEW(arena, struct rrset *), .count = 1 },
        .received_ms = now.wall_ms,
        .expires_ms = now.wall_ms + (int64_t)set->ttl_s * 1000,
        .verdict = { .security = INSECURE, .ede = EDE_SYNTHESIZED, .site = "dns64", .valid_until_s = INT64_MAX },
    };
    link->rrsets.items[0] = set;
    return link;
}

static void mark_synthesized(struct outcome *told, const struct outcome *outcome, struct answer *const *links,
                             uint16_t link_count)
{
    outcome_retell(told, outcome, links, link_count);
    outcome_add_ede(told, EDE_SYNTHESIZED, "DNS64");
}

bool dns64_synthesize(const struct dns64 *dns64, const struct outcome *addresses, uint32_t ttl_max_s, struct now now,
                      struct arena *arena, struct outcome *told)
{
    const struct answer *last = last_link(addresses);
    if (addresses->rcode != RCODE_NOERROR || last == NULL || last->kind != ANSWER_DATA || last->rrsets.count == 0)
        return false;
    uint32_t ttl_s = answer_ttl_left(last, last->rrsets.items[0]->ttl_s, now);
    struct rrset *set = embed_all(&dns64->prefix, last->rrsets.items[0], ttl_s < ttl_max_s ? ttl_s : ttl_max_s, arena);
    if (set->count == 0)
        return false;
    struct answer **links = arena_copy(arena, addresses->links, addresses->link_count * sizeof(*links));
    struct question question = last->question;
    question.qtype = TYPE_AAAA;
    links[addresses->link_count - 1] = new_link(&question, ANSWER_DATA, set, now, arena);
    mark_synthesized(told, addresses, links, addresses->link_count);
    told->question.qtype = TYPE_AAAA;
    return true;
}

static struct answer *alias_link(const struct question *asked, const struct outcome *outcome, struct now now,
                                 struct arena *arena)
{
    struct rrset *cname = ARENA_NEW(arena, struct rrset);
    struct octets *target = ARENA_NEW(arena, struct octets);
    *target = octets_copy(arena, dname_octets(&outcome->question.qname));
    const struct answer *last = last_link(outcome);
    uint32_t ttl_s = last == NULL ? 0 : answer_ttl_left(last, TTL_WITHOUT_SOA_S, now);
    *cname = (struct rrset) {
        .owner = arena_copy(arena, &asked->qname, sizeof(asked->qname)),
        .type = TYPE_CNAME,
        .class = asked->qclass,
        .count = 1,
        .ttl_s = ttl_s,
        .rdata = target,
    };
    return new_link(asked, ANSWER_CNAME, cname, now, arena);
}

/* What the last link says, as if it said it of the name that was asked for: a denial's SOA, and no proofs. */
static struct answer *direct_link(const struct question *asked, const struct answer *last, struct now now,
                                  struct arena *arena)
{
    bool is_data = last->kind == ANSWER_DATA && last->rrsets.count > 0;
    const struct rrset *said = is_data ? last->rrsets.items[0] : answer_soa(last);
    if (said == NULL)
        return NULL;
    struct rrset *set = arena_copy(arena, said, sizeof(*said));
    set->ttl_s = answer_ttl_left(last, said->ttl_s, now);
    set->sig_count = 0;
    struct answer *link = new_link(asked, last->kind, set, now, arena);
    if (is_data) {
        set->owner = arena_copy(arena, &asked->qname, sizeof(asked->qname));
    } else {
        link->proofs = link->rrsets;
        link->rrsets.count = 0;
    }
    return link;
}

void dns64_lead_back(const struct dns64 *dns64, const struct question *asked, const struct outcome *outcome,
                     struct now now, struct arena *arena, struct outcome *told)
{
    struct answer **links = ARENA_ARRAY(arena, outcome->link_count + 1u, struct answer *);
    const struct answer *last = last_link(outcome);
    uint16_t count = 0;
    if (dns64->reverse_form == DNS64_REVERSE_ALIAS) {
        links[count++] = alias_link(asked, outcome, now, arena);
        for (uint16_t i = 0; i < outcome->link_count; i++)
            links[count++] = outcome->links[i];
    } else if (last != NULL) {
        links[0] = direct_link(asked, last, now, arena);
        count = links[0] != NULL;
    }
    mark_synthesized(told, outcome, links, count);
    told->question = *asked;
}
