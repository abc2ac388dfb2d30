#include "policy/special_use.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "policy/local_answer.h"

enum content {
    EMPTY_ZONE,   /* an apex with SOA and NS, nothing below: NXDOMAIN */
    NO_SUCH_NAME, /* the zone does not exist at all: NXDOMAIN at the apex too */
    LOCALHOST,    /* the loopback addresses at the apex and below (RFC 6761 section 6.3) */
    IPV4ONLY,     /* what shows hosts that there is DNS64, where there is (RFC 8880 section 7.1) */
};

/* IANA "Special-Use Domain Names" and "Locally-Served DNS Zones"; what the public DNS answers by itself (example.) is
 * not here. */
static const struct local_zone {
    const char *name;
    enum content content;
} local_zones[] = {
    { "localhost.", LOCALHOST }, /* RFC 6761 */
    { "invalid.", NO_SUCH_NAME },
    { "test.", NO_SUCH_NAME },
    { "local.", NO_SUCH_NAME },       /* RFC 6762 */
    { "onion.", NO_SUCH_NAME },       /* RFC 7686 */
    { "alt.", NO_SUCH_NAME },         /* RFC 9476 */
    { "home.arpa.", EMPTY_ZONE },     /* RFC 8375 */
    { "resolver.arpa.", EMPTY_ZONE }, /* RFC 9462 */
    { "ipv4only.arpa.", IPV4ONLY },   /* RFC 8880 */
    { "170.0.0.192.in-addr.arpa.", IPV4ONLY },
    { "171.0.0.192.in-addr.arpa.", IPV4ONLY },
    { "0.in-addr.arpa.", EMPTY_ZONE }, /* RFC 6303 section 4.2 */
    { "127.in-addr.arpa.", EMPTY_ZONE },
    { "254.169.in-addr.arpa.", EMPTY_ZONE },
    { "2.0.192.in-addr.arpa.", EMPTY_ZONE },
    { "100.51.198.in-addr.arpa.", EMPTY_ZONE },
    { "113.0.203.in-addr.arpa.", EMPTY_ZONE },
    { "255.255.255.255.in-addr.arpa.", EMPTY_ZONE },
    { "10.in-addr.arpa.", EMPTY_ZONE }, /* section 4.1: RFC 1918 */
    { "16.172.in-addr.arpa.", EMPTY_ZONE },
    { "17.172.in-addr.arpa.", EMPTY_ZONE },
    { "18.172.in-addr.arpa.", EMPTY_ZONE },
    { "19.172.in-addr.arpa.", EMPTY_ZONE },
    { "20.172.in-addr.arpa.", EMPTY_ZONE },
    { "21.172.in-addr.arpa.", EMPTY_ZONE },
    { "22.172.in-addr.arpa.", EMPTY_ZONE },
    { "23.172.in-addr.arpa.", EMPTY_ZONE },
    { "24.172.in-addr.arpa.", EMPTY_ZONE },
    { "25.172.in-addr.arpa.", EMPTY_ZONE },
    { "26.172.in-addr.arpa.", EMPTY_ZONE },
    { "27.172.in-addr.arpa.", EMPTY_ZONE },
    { "28.172.in-addr.arpa.", EMPTY_ZONE },
    { "29.172.in-addr.arpa.", EMPTY_ZONE },
    { "30.172.in-addr.arpa.", EMPTY_ZONE },
    { "31.172.in-addr.arpa.", EMPTY_ZONE },
    { "168.192.in-addr.arpa.", EMPTY_ZONE },
    { "0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6.arpa.", EMPTY_ZONE }, /* section 4.3 */
    { "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6.arpa.", EMPTY_ZONE },
    { "d.f.ip6.arpa.", EMPTY_ZONE },   /* section 4.4 */
    { "8.e.f.ip6.arpa.", EMPTY_ZONE }, /* section 4.5 */
    { "9.e.f.ip6.arpa.", EMPTY_ZONE },
    { "a.e.f.ip6.arpa.", EMPTY_ZONE },
    { "b.e.f.ip6.arpa.", EMPTY_ZONE },
    { "8.b.d.0.1.0.0.2.ip6.arpa.", EMPTY_ZONE }, /* section 4.6 */
};
enum { FIRST_SHARED = 64, LAST_SHARED = 127 }; /* 64 to 127.100.in-addr.arpa.: RFC 7793 */

/* Their names have a PTR record (RFC 1912 section 4.1), which programs ask for before they log who has connected. */
static const char *const loopback_reverse[] = {
    "1.0.0.127.in-addr.arpa.",
    "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6.arpa.",
};

/* RFC 7050 section 8.2 */
static const char *const ipv4only_addresses[] = { "192.0.0.170", "192.0.0.171" };

static const char localhost_soa[] = "localhost. nobody.invalid. 1 3600 1200 604800 10800";

/* ---- finding ---- */

/* 100.64/10 has 64 reverse zones: a number instead of 64 rows. */
static bool is_shared_address_space(const struct dname *name, struct dname *apex)
{
    struct dname parent;
    if (name->labels < 4 || dname_from_text("100.in-addr.arpa.", &parent) != OK || !dname_is_below(name, &parent))
        return false;
    dname_suffix(name, 4, apex);
    struct octets label = dname_label(apex, 0);
    unsigned number = 0;
    for (size_t i = 0; i < label.len; i++) {
        if (label.data[i] < '0' || label.data[i] > '9' || label.len > 3)
            return false;
        number = number * 10 + (unsigned)(label.data[i] - '0');
    }
    return label.data[0] != '0' && number >= FIRST_SHARED && number <= LAST_SHARED;
}

/* Compares the top-level labels: spares ordinary names all the rest. */
static bool same_top(const struct dname *name, const char *zone)
{
    if (name->labels == 0)
        return false;
    struct octets top = dname_label(name, (uint8_t)(name->labels - 1));
    size_t len = strlen(zone) - 1; /* without the final dot */
    return len >= top.len && strncasecmp(zone + len - top.len, (const char *)top.data, top.len) == 0 &&
           (len == top.len || zone[len - top.len - 1] == '.');
}

static bool find_local_zone(const struct resolver_options *options, const struct dname *name, struct dname *apex,
                            enum content *content)
{
    for (size_t i = 0; i < ARRAY_LEN(local_zones); i++) {
        bool is_told = local_zones[i].content != IPV4ONLY || options->answers_ipv4only;
        if (!is_told || !same_top(name, local_zones[i].name))
            continue;
        if (dname_from_text(local_zones[i].name, apex) != OK)
            abort();
        *content = local_zones[i].content;
        if (dname_is_subdomain(name, apex))
            return true;
    }
    *content = EMPTY_ZONE;
    return is_shared_address_space(name, apex);
}

/* One that the public DNS delegates as well, with an apex that has SOA and NS. */
static bool is_zone(enum content content)
{
    return content == EMPTY_ZONE || content == IPV4ONLY;
}

/* Whether a zone that is told of here has a DS set is its parent's to say, which proves that it has none: validating
 * clients need that proof (RFC 8375 section 4). */
static bool is_parents(const struct question *question, const struct dname *apex, enum content content)
{
    return question->qtype == TYPE_DS && is_zone(content) && dname_equal(&question->qname, apex);
}

/* A forward or stub zone inside the special name: the operator knows who serves it. */
static bool is_served(const struct resolver_options *options, const struct dname *name, const struct dname *apex)
{
    for (uint16_t i = 0; i < options->zone_rule_count; i++) {
        const struct dname *zone = &options->zone_rules[i].zone;
        if (dname_is_subdomain(name, zone) && dname_is_subdomain(zone, apex))
            return true;
    }
    return false;
}

/* ---- answering ---- */

static struct rrset *soa_of(struct arena *arena, const struct dname *apex, enum content content)
{
    return is_zone(content) ? local_soa_new(arena, apex)
                            : local_rrset_new(arena, apex, TYPE_SOA, local_rdata(arena, TYPE_SOA, localhost_soa));
}

/* The name of a loopback address that is at or below this one; false: there is none. */
static bool find_loopback(const struct dname *name, struct dname *reverse)
{
    for (size_t i = 0; i < ARRAY_LEN(loopback_reverse); i++)
        if (dname_from_text(loopback_reverse[i], reverse) == OK && dname_is_subdomain(reverse, name))
            return true;
    return false;
}

/* At the apex: the addresses, and the way back from each. */
static struct rrset *ipv4only_data(struct arena *arena, const struct question *question)
{
    enum { COUNT = ARRAY_LEN(ipv4only_addresses) };
    struct dname forward;
    if (dname_from_text("ipv4only.arpa.", &forward) != OK)
        abort();
    bool is_forward = dname_equal(&question->qname, &forward);
    if (question->qtype == TYPE_PTR && !is_forward)
        return local_rrset_new(arena, &question->qname, TYPE_PTR, octets_copy(arena, dname_octets(&forward)));
    if (question->qtype != TYPE_A || !is_forward)
        return NULL;
    struct rrset *set = local_rrset_new(arena, &question->qname, TYPE_A, (struct octets) { NULL, 0 });
    struct octets *rdata = ARENA_ARRAY(arena, COUNT, struct octets);
    for (size_t i = 0; i < COUNT; i++)
        rdata[i] = local_rdata(arena, TYPE_A, ipv4only_addresses[i]);
    set->rdata = rdata;
    set->count = COUNT;
    return set;
}

static struct rrset *data_for(struct arena *arena, const struct question *question, const struct dname *apex,
                              enum content content)
{
    bool at_apex = dname_equal(&question->qname, apex);
    uint16_t qtype = question->qtype;
    struct dname reverse;
    if (qtype == TYPE_PTR && find_loopback(&question->qname, &reverse) && dname_equal(&question->qname, &reverse))
        return local_rrset_new(arena, &question->qname, qtype, local_rdata(arena, qtype, "localhost."));
    if (content == LOCALHOST && qtype == TYPE_A)
        return local_rrset_new(arena, &question->qname, qtype, local_rdata(arena, qtype, "127.0.0.1"));
    if (content == LOCALHOST && qtype == TYPE_AAAA)
        return local_rrset_new(arena, &question->qname, qtype, local_rdata(arena, qtype, "::1"));
    if (!is_zone(content) || !at_apex)
        return NULL;
    if (qtype == TYPE_SOA)
        return soa_of(arena, apex, content);
    if (qtype == TYPE_NS)
        return local_rrset_new(arena, apex, TYPE_NS, octets_copy(arena, dname_octets(apex)));
    return content == IPV4ONLY ? ipv4only_data(arena, question) : NULL;
}

struct answer *special_use_answer(const struct resolver_options *options, const struct question *question,
                                  const struct dname *open, struct now now, struct arena *arena)
{
    struct dname apex;
    enum content content;
    if (!options->special_use_names || question->qclass != CLASS_IN ||
        !find_local_zone(options, &question->qname, &apex, &content) || is_parents(question, &apex, content) ||
        is_served(options, &question->qname, &apex) || (open != NULL && open->labels >= apex.labels))
        return NULL;

    struct answer *answer = local_answer_new(arena, question, &apex, "special-use-name", now);
    struct rrset *data = data_for(arena, question, &apex, content);
    struct dname reverse;
    bool exists = content == LOCALHOST || find_loopback(&question->qname, &reverse) ||
                  (is_zone(content) && dname_equal(&question->qname, &apex));
    if (data != NULL)
        local_answer_put(arena, answer, data);
    else
        local_answer_deny(arena, answer, exists, soa_of(arena, &apex, content));
    return answer;
}
