/* Words about resolving: who is asked, how, and what is made of it and of the cache. */
#include "message/pref64.h"
#include "tests/scenario/story_words.h"

const char pref64_well_known[] = "64:ff9b::/96";

enum { UNBOUND_RECHECK_S = 5 }; /* its NORR_TTL */

static bool set_minimisation(struct mapping *m, const char *value)
{
    bool on;
    if (!parse_switch(m, value, &on))
        return false;
    m->config.resolver.minimisation = on ? MINIMISATION_RELAXED : MINIMISATION_OFF;
    m->config.resolver.minimisation_hides_type = m->may_fake; /* Unbound does */
    return true;
}

static bool set_minimisation_strict(struct mapping *m, const char *value)
{
    bool on;
    if (!parse_switch(m, value, &on))
        return false;
    if (on)
        m->config.resolver.minimisation = MINIMISATION_STRICT;
    return true;
}

static bool set_minimisation_type(struct mapping *m, const char *value)
{
    return rr_type_from_text(value, &m->config.resolver.minimisation_type) == OK || story_fail(m, "A or NS", value);
}

/* Stories that speak of denials that speak for other names mean their stub zones, too. */
static void include_stub_zones(struct mapping *m)
{
    m->config.resolver.aggressive_include = dname_copy(m->arena, dname_root());
    m->config.resolver.aggressive_include_count = 1;
}

static bool set_aggressive(struct mapping *m, const char *value)
{
    include_stub_zones(m);
    return parse_switch(m, value, &m->config.resolver.aggressive_nsec);
}

static bool set_nxdomain_cut(struct mapping *m, const char *value)
{
    include_stub_zones(m);
    return parse_switch(m, value, &m->config.resolver.nxdomain_cut);
}

static bool add_case_exception(struct mapping *m, const char *value)
{
    struct resolver_options *resolver = &m->config.resolver;
    if (resolver->case_except_count == STORY_LIST_MAX)
        return story_fail(m, "fewer names", value);
    return parse_name(m, value, &resolver->case_except[resolver->case_except_count++]);
}

/* Unbound's words for stale answers.  It serves them whenever fresh data is Bogus, with AD if they were Secure, and
 * tries again after five seconds. */
static bool set_stale(struct mapping *m, const char *value)
{
    m->config.answers.stale_ad = true;
    m->config.resolver.stale.on_bogus = true;
    m->config.resolver.stale.recheck_s = UNBOUND_RECHECK_S;
    return parse_switch(m, value, &m->config.resolver.stale.enabled);
}

/* Unbound: denials, too, unless it has a word of their own. */
bool set_min_ttl(struct mapping *m, const char *value)
{
    struct resolver_options *resolver = &m->config.resolver;
    if (!parse_number(m, value, &resolver->least_ttl_s))
        return false;
    if (resolver->least_negative_ttl_s == 0)
        resolver->least_negative_ttl_s = resolver->least_ttl_s;
    return true;
}

static bool set_original_ttls(struct mapping *m, const char *value)
{
    m->config.resolver.original_ttls = !is_no(value);
    return parse_switch(m, value, &m->config.answers.original_ttls);
}

static bool set_localhost(struct mapping *m, const char *value)
{
    bool refused;
    if (!parse_switch(m, value, &refused))
        return false;
    struct resolver_options *resolver = &m->config.resolver;
    return refused || (add_prefix(m, resolver->query_private, &resolver->query_private_count, "127.0.0.0/8") &&
                       add_prefix(m, resolver->query_private, &resolver->query_private_count, "::1"));
}

static bool add_never_asked(struct mapping *m, const char *value)
{
    struct resolver_options *resolver = &m->config.resolver;
    return add_prefix(m, resolver->query_never, &resolver->query_never_count, value);
}

bool set_nat64_prefix(struct mapping *m, const char *value)
{
    return pref64_from_text(value, &m->config.resolver.nat64) == OK || story_fail(m, "a prefix for NAT64", value);
}

/* "10.0.0.0/24 a text" */
static bool add_client_string(struct mapping *m, const char *value)
{
    struct resolver_options *resolver = &m->config.resolver;
    size_t len = strcspn(value, " ");
    if (value[len] == '\0' || resolver->client_string_count == STORY_LIST_MAX)
        return story_fail(m, "a network and a text", value);
    struct client_string *string = &resolver->client_strings[resolver->client_string_count++];
    string->text = value + len + 1;
    return prefix_from_text(arena_printf(m->arena, "%.*s", (int)len, value), &string->to) == OK ||
           story_fail(m, "a network", value);
}

static bool set_ns_limit(struct mapping *m, const char *value)
{
    unsigned limit;
    if (!parse_number(m, value, &limit))
        return false;
    m->config.resolver.ns_max = limit < NS_PER_ZONE_MAX ? (uint16_t)limit : 0;
    return true;
}

static bool set_packets_max(struct mapping *m, const char *value)
{
    unsigned limit;
    if (!parse_number(m, value, &limit))
        return false;
    m->config.resolver.packets_max =
        limit < UPSTREAM_PACKETS_CEILING ? (uint16_t)limit : (uint16_t)UPSTREAM_PACKETS_CEILING;
    return true;
}

/* "no": what zones say of their own servers counts, and is passed on, over TCP if need be, where Unbound's minimal
 * responses have an Authority section. */
static bool set_promiscuous(struct mapping *m, const char *value)
{
    bool scrubs;
    if (!parse_switch(m, value, &scrubs))
        return false;
    m->config.resolver.child_ns = !scrubs;
    m->config.resolver.shows_ns = !scrubs;
    m->config.answers.minimal = scrubs;
    m->config.answers.tc_for_ns = !scrubs;
    return true;
}

static bool set_glue(struct mapping *m, const char *value)
{
    m->config.resolver.any_glue = is_no(value);
    return true;
}

/* ---- the table ---- */

static const struct word words[] = {
    { "qname-minimisation", .apply = set_minimisation },
    { "query-minimization", .apply = set_minimisation },
    { "qname-minimisation-strict", .apply = set_minimisation_strict },
    { "vouch-minimisation-type", .apply = set_minimisation_type },
    { "do-ip4", SWITCH(config.resolver.ask_ipv4) },
    { "do-ip6", SWITCH(config.resolver.ask_ipv6) },
    { "tcp-upstream", SWITCH(config.resolver.tcp_alone) },
    { "do-not-query-localhost", .apply = set_localhost },
    { "do-not-query-address", .apply = add_never_asked },
    { "use-caps-for-id", SWITCH(config.resolver.random_case) },
    { "caps-exempt", .apply = add_case_exception },
    { "caps-whitelist", .apply = add_case_exception },
    { "edns-buffer-size", SHORT(config.resolver.edns_octets) },
    { "edns-client-string", .apply = add_client_string },
    { "edns-client-string-opcode", SHORT(config.resolver.client_string_code) },
    { "do-nat64", SWITCH(uses_nat64) },
    { "nat64-prefix", .apply = set_nat64_prefix },
    { "dns-error-reporting", SWITCH(config.resolver.report_errors) },
    { "max-global-quota", .apply = set_packets_max },
    { "vouch-prime-root", SWITCH(config.resolver.prime_root) },
    { "vouch-more-addresses", SWITCH(config.resolver.more_addresses) },

    { "cache-max-ttl", NUMBER(config.cache.max_ttl_s) },
    { "cache-max-negative-ttl", NUMBER(config.cache.max_negative_ttl_s) },
    { "cache-min-ttl", .apply = set_min_ttl },
    { "cache-min-negative-ttl", NUMBER(config.resolver.least_negative_ttl_s) },
    { "serve-original-ttl", .apply = set_original_ttls },
    { "aggressive-nsec", .apply = set_aggressive },
    { "harden-below-nxdomain", .apply = set_nxdomain_cut },
    { "prefetch", SWITCH(config.resolver.prefetch) },
    { "vouch-dname-grace", NUMBER(config.cache.dname_grace_s) },

    { "serve-expired", .apply = set_stale },
    /* in milliseconds */
    { "serve-expired-client-timeout", NUMBER(config.resolver.stale.client_timeout_ms) },
    { "serve-expired-reply-ttl", NUMBER(config.resolver.stale.ttl_s) },
    { "serve-expired-ttl", NUMBER(config.resolver.stale.max_age_s) },
    { "serve-expired-ttl-reset", SWITCH(config.resolver.stale.outlasts) },
    /* ours, where they differ: behind serve-expired */
    { "vouch-stale-ad", SWITCH(config.answers.stale_ad) },
    { "vouch-stale-on-bogus", SWITCH(config.resolver.stale.on_bogus) },
    { "vouch-stale-recheck", NUMBER(config.resolver.stale.recheck_s) },

    { "harden-glue", .apply = set_glue },
    { "harden-unverified-glue", SWITCH(config.resolver.verify_glue) },
    { "iter-scrub-ns", .apply = set_ns_limit },
    { "iter-scrub-promiscuous", .apply = set_promiscuous },
    { "vouch-drop-malformed", SWITCH(config.resolver.drops_malformed) },
};

const struct word_list resolver_words = { words, ARRAY_LEN(words) };
