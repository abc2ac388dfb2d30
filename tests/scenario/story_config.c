#include "tests/scenario/story_config.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <time.h>

#include "message/coding.h"
#include "message/pref64.h"
#include "message/text.h"
#include "tests/scenario/story_anchors.h"

enum {
    ZONE_RULES_MAX = 16,
    PREFIXES_MAX = 32,
    CACHE_OCTETS = 8 << 20,
    KEEPALIVE_MS = 10000,
    ALGORITHM_DSA = 3,
    UNBOUND_RECHECK_S = 5, /* its NORR_TTL */
    UNBOUND_TTL_S_MAX = 86400,
    UNBOUND_NEGATIVE_TTL_S_MAX = 3600,
    UNBOUND_DNAME_GRACE_S = 2, /* one, and the second in which that ends */
    ALGORITHM_DSA_NSEC3_SHA1 = 6,
    START_S = 1577836800, /* 2020-01-01, for stories that name no time */
};

struct mapping {
    struct arena *arena;
    struct story_config *config;
    struct zone_rule *rule;      /* of the section that is open; NULL in "server:" */
    bool starts_with_signatures; /* the date of the story is when its last signature begins */
    bool has_date;
    bool names_clients; /* who may ask */
    bool may_fake;      /* Unbound's stories */
    bool fakes_dsa, fakes_sha1;
    bool validates;
    bool demands_all; /* algorithms */
    bool uses_nat64;
    bool hides_identity, hides_version;
    const char *error; /* without the line */
};

/* ---- faked signatures ---- */

static unsigned long faked_checks;

unsigned long story_faked_checks(void)
{
    return faked_checks;
}

static enum signature_check fake_check(struct verifier *verifier, const struct algorithm *algorithm, struct octets key,
                                       struct octets data, struct octets signature)
{
    (void)verifier, (void)algorithm, (void)key, (void)data;
    faked_checks++;
    return signature.len > 0 ? SIGNATURE_GOOD : SIGNATURE_BAD; /* stories leave it out where it is to be bad */
}

static void fake_algorithm(struct crypto_policy *policy, uint8_t number)
{
    static const struct algorithm fakes[] = {
        { .number = ALGORITHM_DSA, .mnemonic = "DSA", .on_by_default = true, .check = fake_check },
        { .number = ALGORITHM_RSASHA1, .mnemonic = "RSASHA1", .on_by_default = true, .check = fake_check },
        { .number = ALGORITHM_DSA_NSEC3_SHA1, .mnemonic = "DSANSEC3SHA1", .on_by_default = true, .check = fake_check },
        { .number = ALGORITHM_RSASHA1_NSEC3_SHA1,
          .mnemonic = "RSASHA1NSEC3SHA1",
          .on_by_default = true,
          .check = fake_check },
    };
    for (size_t i = 0; i < ARRAY_LEN(fakes); i++)
        if (fakes[i].number == number)
            policy->algorithms[number] = &fakes[i];
}

static void make_policy(struct mapping *m)
{
    struct crypto_options options = crypto_options_default();
    options.allow_algorithms[options.allow_algorithm_count++] = ALGORITHM_RSASHA1;
    options.allow_algorithms[options.allow_algorithm_count++] = ALGORITHM_RSASHA1_NSEC3_SHA1;
    options.nsec3_iterations = NSEC3_ITERATIONS_CEILING;
    options.demand_all = m->demands_all;
    crypto_policy_make(&options, &m->config->policy);
    if (m->fakes_dsa || m->fakes_sha1) {
        fake_algorithm(&m->config->policy, ALGORITHM_DSA);
        fake_algorithm(&m->config->policy, ALGORITHM_DSA_NSEC3_SHA1);
    }
    if (m->fakes_sha1) {
        fake_algorithm(&m->config->policy, ALGORITHM_RSASHA1);
        fake_algorithm(&m->config->policy, ALGORITHM_RSASHA1_NSEC3_SHA1);
    }
}

/* ---- values ---- */

static const char pref64_well_known[] = "64:ff9b::/96"; /* RFC 6052 section 2.1 */

static bool fail(struct mapping *m, const char *expected, const char *value)
{
    m->error = arena_printf(m->arena, "expected %s, got \"%s\"", expected, value);
    return false;
}

static bool is_no(const char *value)
{
    return *value == '\0' || strcasecmp(value, "no") == 0 || strcasecmp(value, "off") == 0 || strcmp(value, "0") == 0;
}

static bool parse_switch(struct mapping *m, const char *value, bool *on)
{
    *on = strcasecmp(value, "yes") == 0 || strcasecmp(value, "on") == 0;
    return *on || is_no(value) || fail(m, "yes or no", value);
}

static bool parse_seconds(struct mapping *m, const char *value, uint32_t *seconds)
{
    char *end;
    unsigned long number = strtoul(value, &end, 10);
    *seconds = (uint32_t)number;
    return (*value != '\0' && *end == '\0' && number <= UINT32_MAX) || fail(m, "a number of seconds", value);
}

static bool parse_limit(struct mapping *m, const char *value, unsigned *limit)
{
    return sscanf(value, "%u", limit) == 1 || fail(m, "a number", value);
}

static bool parse_name(struct mapping *m, const char *value, struct dname *name)
{
    return dname_from_text(value, name) == OK || fail(m, "a name", value);
}

/* ---- the words ---- */

static bool set_validating(struct mapping *m, const char *value)
{
    static const char *const lacking[] = { "subnetcache", "cachedb", "ipsecmod", "ipset", "python", "dynlib" };
    m->validates = strstr(value, "validator") != NULL;
    m->config->retelling.dns64.is_on |= strstr(value, "dns64") != NULL;
    for (size_t i = 0; i < ARRAY_LEN(lacking); i++)
        if (strstr(value, lacking[i]) != NULL)
            m->config->needs = "modules of another program";
    return true;
}

static bool set_dns64_prefix(struct mapping *m, const char *value)
{
    struct dns64 *dns64 = &m->config->retelling.dns64;
    dns64->is_on = true;
    return pref64_from_text(value, &dns64->prefix) == OK || fail(m, "a prefix for DNS64", value);
}

static bool add_dns64_ignored(struct mapping *m, const char *value)
{
    struct dns64 *dns64 = &m->config->retelling.dns64;
    if (dns64->ignored_count == PREFIXES_MAX)
        return fail(m, "fewer names", value);
    return parse_name(m, value, &dns64->ignored[dns64->ignored_count++]);
}

/* IPv6 addresses are made for all names. */
static bool set_dns64_all(struct mapping *m, const char *value)
{
    return is_no(value) || add_dns64_ignored(m, ".");
}

static bool add_private_domain(struct mapping *m, const char *value)
{
    struct rebinding *rebinding = &m->config->retelling.rebinding;
    if (rebinding->allowed_count == PREFIXES_MAX)
        return fail(m, "fewer names", value);
    return parse_name(m, value, &rebinding->allowed[rebinding->allowed_count++]);
}

static bool set_sentinel(struct mapping *m, const char *value)
{
    m->config->retelling.sentinel = !is_no(value);
    return true;
}

/* DSA is faked wherever an anchor is a DSA key: such a story of Unbound's means nothing otherwise.  Deckard's are told
 * to real resolvers, which fail closed. */
static void look_for_dsa(struct mapping *m, const struct trust *trust)
{
    size_t count;
    const struct anchor *anchors = trust_anchors(trust, &count);
    for (size_t i = 0; i < count; i++) {
        struct dnskey key = { 0 };
        struct ds ds = { 0 };
        bool is_read = anchors[i].type == TYPE_DS ? ds_read(anchors[i].rdata, &ds) == OK
                                                  : dnskey_read(anchors[i].rdata, &key) == OK;
        uint8_t algorithm = anchors[i].type == TYPE_DS ? ds.algorithm : key.algorithm;
        m->fakes_dsa |= m->may_fake && is_read && (algorithm == ALGORITHM_DSA || algorithm == ALGORITHM_DSA_NSEC3_SHA1);
    }
}

static bool add_anchor(struct mapping *m, const char *value)
{
    size_t added;
    char *error = NULL;
    if (trust_add_text(m->config->trust, value, strlen(value), ANCHOR_CONFIGURED, &added, &error) != OK) {
        fail(m, error == NULL ? "a trust anchor" : arena_strdup(m->arena, error), value);
        free(error);
        return false;
    }
    look_for_dsa(m, m->config->trust);
    return true;
}

static bool add_managed(struct mapping *m, const char *value)
{
    const char *error = NULL;
    if (m->config->managed == NULL)
        m->config->managed = managed_new();
    return story_anchors_load(m->arena, m->config->managed, value, &error) || fail(m, "trust anchors", error);
}

static bool add_insecure(struct mapping *m, const char *value)
{
    struct dname name;
    if (!parse_name(m, value, &name))
        return false;
    trust_add_insecure(m->config->trust, &name, "domain-insecure");
    return true;
}

static bool set_timestamp(struct mapping *m, const char *value)
{
    uint32_t seconds;
    m->has_date = true;
    if (!parse_seconds(m, value, &seconds))
        return false;
    m->config->start_ms = (int64_t)seconds * 1000;
    return true;
}

static bool set_date(struct mapping *m, const char *value)
{
    struct tm date = { 0 };
    if (*value == '\0' || strcmp(value, "0") == 0) /* "off" */
        return true;
    m->has_date = true;
    m->starts_with_signatures = strcmp(value, "-1") == 0; /* Unbound: times of signatures do not count */
    if (m->starts_with_signatures)
        return true;
    if (strlen(value) != sizeof("20070916134226") - 1)
        return set_timestamp(m, value);
    const char *end = strptime(value, "%Y%m%d%H%M%S", &date);
    if (end == NULL || *end != '\0')
        return fail(m, "a date such as 20070916134226, or seconds", value);
    m->config->start_ms = (int64_t)timegm(&date) * 1000;
    return true;
}

static bool fake_sha1(struct mapping *m, const char *value)
{
    return parse_switch(m, value, &m->fakes_sha1);
}

static bool fake_dsa(struct mapping *m, const char *value)
{
    return parse_switch(m, value, &m->fakes_dsa);
}

static bool set_demanding(struct mapping *m, const char *value)
{
    return parse_switch(m, value, &m->demands_all);
}

static bool set_minimisation(struct mapping *m, const char *value)
{
    bool on;
    if (!parse_switch(m, value, &on))
        return false;
    m->config->resolver.minimisation = on ? MINIMISATION_RELAXED : MINIMISATION_OFF;
    m->config->resolver.minimisation_hides_type = m->may_fake; /* Unbound does */
    return true;
}

static bool set_minimisation_strict(struct mapping *m, const char *value)
{
    bool on;
    if (!parse_switch(m, value, &on))
        return false;
    if (on)
        m->config->resolver.minimisation = MINIMISATION_STRICT;
    return true;
}

static bool set_minimisation_type(struct mapping *m, const char *value)
{
    return rr_type_from_text(value, &m->config->resolver.minimisation_type) == OK || fail(m, "A or NS", value);
}

static bool set_report_errors(struct mapping *m, const char *value)
{
    return parse_switch(m, value, &m->config->resolver.report_errors);
}

/* Stories that speak of denials that speak for other names mean their stub zones, too. */
static void include_stub_zones(struct mapping *m)
{
    m->config->resolver.aggressive_include = dname_copy(m->arena, dname_root());
    m->config->resolver.aggressive_include_count = 1;
}

static bool set_aggressive(struct mapping *m, const char *value)
{
    include_stub_zones(m);
    return parse_switch(m, value, &m->config->resolver.aggressive_nsec);
}

static bool set_nxdomain_cut(struct mapping *m, const char *value)
{
    include_stub_zones(m);
    return parse_switch(m, value, &m->config->resolver.nxdomain_cut);
}

static bool set_query_case(struct mapping *m, const char *value)
{
    return parse_switch(m, value, &m->config->resolver.random_case);
}

static bool add_case_exception(struct mapping *m, const char *value)
{
    struct resolver_options *resolver = &m->config->resolver;
    if (resolver->case_except_count == PREFIXES_MAX)
        return fail(m, "fewer names", value);
    return parse_name(m, value, &resolver->case_except[resolver->case_except_count++]);
}

static bool set_priming(struct mapping *m, const char *value)
{
    return parse_switch(m, value, &m->config->resolver.prime_root);
}

static bool set_ipv4(struct mapping *m, const char *value)
{
    return parse_switch(m, value, &m->config->resolver.ask_ipv4);
}

static bool set_ipv6(struct mapping *m, const char *value)
{
    return parse_switch(m, value, &m->config->resolver.ask_ipv6);
}

static bool set_unanswered(struct mapping *m, const char *value)
{
    return parse_switch(m, value, &m->config->unanswered_fails);
}

static bool set_upstream_max(struct mapping *m, const char *value)
{
    return parse_limit(m, value, &m->config->upstream_max);
}

static bool set_checks_max(struct mapping *m, const char *value)
{
    return parse_limit(m, value, &m->config->checks_max);
}

static bool set_hashes_max(struct mapping *m, const char *value)
{
    return parse_limit(m, value, &m->config->hashes_max);
}

static bool set_max_ttl(struct mapping *m, const char *value)
{
    return parse_seconds(m, value, &m->config->cache.max_ttl_s);
}

static bool set_max_negative_ttl(struct mapping *m, const char *value)
{
    return parse_seconds(m, value, &m->config->cache.max_negative_ttl_s);
}

static bool set_max_bogus_ttl(struct mapping *m, const char *value)
{
    return parse_seconds(m, value, &m->config->cache.max_bogus_ttl_s);
}

/* Unbound's words for stale answers.  It serves them whenever fresh data is Bogus, with AD if they were Secure, and
 * tries again after five seconds. */
static bool set_stale(struct mapping *m, const char *value)
{
    m->config->answers.stale_ad = true;
    m->config->resolver.stale.on_bogus = true;
    m->config->resolver.stale.recheck_s = UNBOUND_RECHECK_S;
    return parse_switch(m, value, &m->config->resolver.stale.enabled);
}

static bool set_stale_timeout(struct mapping *m, const char *value)
{
    return parse_seconds(m, value, &m->config->resolver.stale.client_timeout_ms); /* which it gives in milliseconds */
}

static bool set_stale_ttl(struct mapping *m, const char *value)
{
    return parse_seconds(m, value, &m->config->resolver.stale.ttl_s);
}

static bool set_stale_max_age(struct mapping *m, const char *value)
{
    return parse_seconds(m, value, &m->config->resolver.stale.max_age_s);
}

static bool set_stale_outlasting(struct mapping *m, const char *value)
{
    return parse_switch(m, value, &m->config->resolver.stale.outlasts);
}

/* Ours, where they differ: behind serve-expired. */
static bool set_stale_on_bogus(struct mapping *m, const char *value)
{
    return parse_switch(m, value, &m->config->resolver.stale.on_bogus);
}

static bool set_stale_ad(struct mapping *m, const char *value)
{
    return parse_switch(m, value, &m->config->answers.stale_ad);
}

static bool set_stale_recheck(struct mapping *m, const char *value)
{
    return parse_seconds(m, value, &m->config->resolver.stale.recheck_s);
}

/* Unbound: denials, too, unless it has a word of their own. */
static bool set_min_ttl(struct mapping *m, const char *value)
{
    struct resolver_options *resolver = &m->config->resolver;
    if (!parse_seconds(m, value, &resolver->least_ttl_s))
        return false;
    if (resolver->least_negative_ttl_s == 0)
        resolver->least_negative_ttl_s = resolver->least_ttl_s;
    return true;
}

static bool set_min_negative_ttl(struct mapping *m, const char *value)
{
    return parse_seconds(m, value, &m->config->resolver.least_negative_ttl_s);
}

static bool set_original_ttls(struct mapping *m, const char *value)
{
    m->config->resolver.original_ttls = !is_no(value);
    return parse_switch(m, value, &m->config->answers.original_ttls);
}

/* What stands behind "name = " or "name="; NULL: the value is of another name. */
static const char *feature_of(const char *value, const char *name)
{
    size_t len = strlen(name);
    if (strncmp(value, name, len) != 0)
        return NULL;
    value += len + strspn(value + len, " ");
    return *value == '=' ? value + 1 + strspn(value + 1, " ") : NULL;
}

/* Deckard: "min_ttl = 5", "dns64_prefix=64:ff9b::" */
static bool set_features(struct mapping *m, const char *value)
{
    const char *least_ttl = feature_of(value, "min_ttl"), *prefix = feature_of(value, "dns64_prefix");
    if (least_ttl != NULL)
        return set_min_ttl(m, least_ttl);
    if (prefix != NULL)
        return set_dns64_prefix(m, strchr(prefix, '/') == NULL ? arena_printf(m->arena, "%s/96", prefix) : prefix);
    m->config->needs = "features of another program";
    return true;
}

static bool set_prefetch(struct mapping *m, const char *value)
{
    return parse_switch(m, value, &m->config->resolver.prefetch);
}

static bool parse_octets(struct mapping *m, const char *value, uint16_t *octets)
{
    uint32_t number;
    if (!parse_seconds(m, value, &number) || number > UINT16_MAX)
        return fail(m, "a number of octets", value);
    *octets = (uint16_t)number;
    return true;
}

static bool set_edns_octets(struct mapping *m, const char *value)
{
    return parse_octets(m, value, &m->config->resolver.edns_octets);
}

static bool add_prefix(struct mapping *m, struct prefix *list, uint16_t *count, const char *text)
{
    if (*count == PREFIXES_MAX)
        return fail(m, "fewer prefixes", text);
    return prefix_from_text(text, &list[(*count)++]) == OK || fail(m, "an address or prefix", text);
}

static bool add_private_address(struct mapping *m, const char *value)
{
    struct rebinding *rebinding = &m->config->retelling.rebinding;
    return add_prefix(m, rebinding->networks, &rebinding->network_count, value);
}

/* "127.0.0.0/8 allow_snoop".  What else more than "allow" or less than "deny" a client may do is not asked
 * for in these stories. */
static bool add_access(struct mapping *m, const char *value)
{
    struct front_options *front = &m->config->front;
    size_t len = strcspn(value, " ");
    const char *prefix = arena_printf(m->arena, "%.*s", (int)len, value);
    m->names_clients = true;
    if (strncmp(value + len, " refuse", 7) == 0)
        return add_prefix(m, front->refuse, &front->refuse_count, prefix);
    if (strncmp(value + len, " deny", 5) == 0)
        return add_prefix(m, front->ignore, &front->ignore_count, prefix);
    if (strncmp(value + len, " allow", 6) != 0)
        return fail(m, "allow, refuse or deny", value + len);
    if (strcmp(value + len, " allow_cookie") == 0 &&
        !add_prefix(m, front->require_cookie, &front->require_cookie_count, prefix))
        return false;
    if (strcmp(value + len, " allow_snoop") == 0 && !add_prefix(m, front->snoop, &front->snoop_count, prefix))
        return false;
    return add_prefix(m, front->allow, &front->allow_count, prefix);
}

static bool set_localhost(struct mapping *m, const char *value)
{
    bool refused;
    if (!parse_switch(m, value, &refused))
        return false;
    struct resolver_options *resolver = &m->config->resolver;
    return refused || (add_prefix(m, resolver->query_private, &resolver->query_private_count, "127.0.0.0/8") &&
                       add_prefix(m, resolver->query_private, &resolver->query_private_count, "::1"));
}

static bool add_never_asked(struct mapping *m, const char *value)
{
    struct resolver_options *resolver = &m->config->resolver;
    return add_prefix(m, resolver->query_never, &resolver->query_never_count, value);
}

static bool set_tcp(struct mapping *m, const char *value)
{
    return parse_switch(m, value, &m->config->resolver.tcp_alone);
}

static bool set_nat64(struct mapping *m, const char *value)
{
    return parse_switch(m, value, &m->uses_nat64);
}

static bool set_nat64_prefix(struct mapping *m, const char *value)
{
    return pref64_from_text(value, &m->config->resolver.nat64) == OK || fail(m, "a prefix for NAT64", value);
}

/* "10.0.0.0/24 a text" */
static bool add_client_string(struct mapping *m, const char *value)
{
    struct resolver_options *resolver = &m->config->resolver;
    size_t len = strcspn(value, " ");
    if (value[len] == '\0' || resolver->client_string_count == PREFIXES_MAX)
        return fail(m, "a network and a text", value);
    struct client_string *string = &resolver->client_strings[resolver->client_string_count++];
    string->text = value + len + 1;
    return prefix_from_text(arena_printf(m->arena, "%.*s", (int)len, value), &string->to) == OK ||
           fail(m, "a network", value);
}

static bool set_client_string_code(struct mapping *m, const char *value)
{
    uint32_t code;
    if (!parse_seconds(m, value, &code) || code > UINT16_MAX)
        return fail(m, "the number of an option", value);
    m->config->resolver.client_string_code = (uint16_t)code;
    return true;
}

/* Who asks beyond it gets no answer. */
static bool set_waiting_max(struct mapping *m, const char *value)
{
    unsigned limit;
    m->config->front.drops_when_busy = true;
    if (!parse_limit(m, value, &limit))
        return false;
    m->config->front.waiting_max = limit < FRONT_WAITING_MAX ? (uint16_t)limit : (uint16_t)FRONT_WAITING_MAX;
    return true;
}

static bool set_ns_limit(struct mapping *m, const char *value)
{
    unsigned limit;
    if (!parse_limit(m, value, &limit))
        return false;
    m->config->resolver.ns_max = limit < NS_PER_ZONE_MAX ? (uint16_t)limit : 0;
    return true;
}

static bool set_packets_max(struct mapping *m, const char *value)
{
    unsigned limit;
    if (!parse_limit(m, value, &limit))
        return false;
    m->config->resolver.packets_max =
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
    m->config->resolver.child_ns = !scrubs;
    m->config->resolver.shows_ns = !scrubs;
    m->config->answers.minimal = scrubs;
    m->config->answers.tc_for_ns = !scrubs;
    return true;
}

static bool set_glue(struct mapping *m, const char *value)
{
    m->config->resolver.any_glue = is_no(value);
    return true;
}

static bool set_verified_glue(struct mapping *m, const char *value)
{
    return parse_switch(m, value, &m->config->resolver.verify_glue);
}

static bool set_dname_grace(struct mapping *m, const char *value)
{
    return parse_seconds(m, value, &m->config->cache.dname_grace_s);
}

static bool set_more_addresses(struct mapping *m, const char *value)
{
    return parse_switch(m, value, &m->config->resolver.more_addresses);
}

static bool set_drop_malformed(struct mapping *m, const char *value)
{
    return parse_switch(m, value, &m->config->resolver.drops_malformed);
}

/* Ours is one limit for what is offered and what is sent. */
static bool set_answer_octets(struct mapping *m, const char *value)
{
    return parse_octets(m, value, &m->config->answers.edns_octets);
}

static bool set_denied_any(struct mapping *m, const char *value)
{
    return parse_switch(m, value, &m->config->front.denies_any);
}

static bool set_ignored_cd(struct mapping *m, const char *value)
{
    return parse_switch(m, value, &m->config->front.ignores_cd);
}

/* "hide-…: yes" wins, wherever it stands. */
static bool set_identity(struct mapping *m, const char *value)
{
    m->config->front.identity = value;
    return true;
}

static bool set_version(struct mapping *m, const char *value)
{
    m->config->front.version = value;
    return true;
}

static bool hide_identity(struct mapping *m, const char *value)
{
    return parse_switch(m, value, &m->hides_identity);
}

static bool hide_version(struct mapping *m, const char *value)
{
    return parse_switch(m, value, &m->hides_version);
}

static bool hide_anchors(struct mapping *m, const char *value)
{
    bool hides;
    if (!parse_switch(m, value, &hides))
        return false;
    m->config->front.tells_anchors = !hides;
    return true;
}

/* "ascii_…", or hexadecimal digits. */
static bool set_nsid(struct mapping *m, const char *value)
{
    static const char text_begins[] = "ascii_";
    size_t begin = sizeof(text_begins) - 1, len = strlen(value);
    uint8_t octets[NSID_OCTETS_MAX];
    struct writer w = writer_of(octets, sizeof(octets));
    bool is_text = strncmp(value, text_begins, begin) == 0;
    if (is_text)
        writer_octets_put(&w, (struct octets) { (const uint8_t *)value + begin, len - begin });
    else if (!hex_decode((struct octets) { (const uint8_t *)value, len }, &w))
        return fail(m, "ascii_ and a text, or hexadecimal digits", value);
    m->config->front.nsid = octets_copy(m->arena, writer_octets(&w));
    return !w.failed || fail(m, "a shorter identifier", value);
}

static bool set_answer_cookies(struct mapping *m, const char *value)
{
    return parse_switch(m, value, &m->config->front.cookies.enabled);
}

static bool set_cookie_secret(struct mapping *m, const char *value)
{
    struct cookie_options *cookies = &m->config->front.cookies;
    struct writer w = writer_of(cookies->secrets[0].octets, SIPHASH_KEY_OCTETS);
    cookies->secret_count = 1;
    return (hex_decode((struct octets) { (const uint8_t *)value, strlen(value) }, &w) && w.len == SIPHASH_KEY_OCTETS) ||
           fail(m, "32 hexadecimal digits", value);
}

static bool set_keepalive(struct mapping *m, const char *value)
{
    return parse_switch(m, value, &m->config->keepalive);
}

static bool set_keepalive_timeout(struct mapping *m, const char *value)
{
    return parse_limit(m, value, &m->config->keepalive_ms);
}

/* ---- zones ---- */

static struct zone_rule *add_rule(struct mapping *m, enum zone_rule_kind kind)
{
    struct resolver_options *resolver = &m->config->resolver;
    if (resolver->zone_rule_count == ZONE_RULES_MAX)
        return NULL;
    struct zone_rule *rule = &resolver->zone_rules[resolver->zone_rule_count++];
    *rule = (struct zone_rule) { .zone = *dname_root(), .kind = kind };
    return rule;
}

static bool open_section(struct mapping *m, enum zone_rule_kind kind)
{
    m->rule = add_rule(m, kind);
    return m->rule != NULL || fail(m, "fewer zones", "");
}

static bool begin_server(struct mapping *m, const char *value)
{
    (void)value;
    m->rule = NULL;
    return true;
}

/* The words of both programs for the same; what is not here, ours has not. */
static bool add_local_zone(struct mapping *m, const char *value)
{
    static const struct {
        const char *type;
        enum local_zone_kind kind;
    } kinds[] = {
        { "nodefault", LOCAL_TRANSPARENT },
        { "transparent", LOCAL_TRANSPARENT },
        { "inform", LOCAL_TRANSPARENT },
        { "always_transparent", LOCAL_TRANSPARENT },
        { "static", LOCAL_STATIC },
        { "redirect", LOCAL_REDIRECT },
        { "inform_redirect", LOCAL_REDIRECT },
        { "refuse", LOCAL_REFUSE },
        { "always_refuse", LOCAL_REFUSE },
        { "always_nxdomain", LOCAL_NXDOMAIN },
        { "always_nodata", LOCAL_NODATA },
        { "always_null", LOCAL_NULL },
        { "typetransparent", LOCAL_TYPE_TRANSPARENT },
    };
    const char *type = value + strcspn(value, " ");
    struct local_data *data = &m->config->local;
    type += strspn(type, " ");
    if (data->zone_count == ZONE_RULES_MAX)
        return fail(m, "fewer zones", value);
    struct local_zone *zone = &data->zones[data->zone_count];
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        if (strcmp(type, kinds[i].type) != 0)
            continue;
        zone->kind = kinds[i].kind;
        data->zone_count++;
        return parse_name(m, arena_printf(m->arena, "%.*s", (int)strcspn(value, " "), value), &zone->zone);
    }
    m->config->needs = "local zones of another kind";
    return true;
}

static bool add_local_data(struct mapping *m, const char *value)
{
    const char *error;
    if (m->config->local.set_count == PREFIXES_MAX)
        return fail(m, "fewer records", value);
    return local_data_add(m->arena, &m->config->local, value, &error) == OK || fail(m, error, value);
}

/* "192.0.2.1 3600 name." */
static bool add_local_pointer(struct mapping *m, const char *value)
{
    struct address address;
    size_t len = strcspn(value, " ");
    if (address_from_text(arena_printf(m->arena, "%.*s", (int)len, value), 53, &address) != OK)
        return fail(m, "an address and a name", value);
    struct text text = text_new(m->arena);
    for (int i = address.family == 4 ? 3 : 15; i >= 0; i--) {
        unsigned octet = address.octets[i];
        if (address.family == 4)
            text_printf(&text, "%u.", octet);
        else
            text_printf(&text, "%x.%x.", octet & 15, octet >> 4);
    }
    const char *rest = value + len + strspn(value + len, " ");
    size_t ttl = strspn(rest, "0123456789"); /* stands before the name, as it would before a type */
    text_printf(&text, "%s. %.*s PTR %s", address.family == 4 ? "in-addr.arpa" : "ip6.arpa",
                rest[ttl] == ' ' ? (int)ttl : 0, rest, rest[ttl] == ' ' ? rest + ttl : rest);
    return add_local_data(m, text.data);
}

static bool begin_stub(struct mapping *m, const char *value)
{
    (void)value;
    return open_section(m, ZONE_RULE_STUB);
}

static bool begin_forward(struct mapping *m, const char *value)
{
    (void)value;
    return open_section(m, ZONE_RULE_FORWARD_ONLY);
}

static bool set_zone_name(struct mapping *m, const char *value)
{
    return (m->rule != NULL || fail(m, "a zone around it", value)) && parse_name(m, value, &m->rule->zone);
}

/* Deckard's flat configuration names no zone: it means the root. */
static bool add_zone_address(struct mapping *m, const char *value, enum zone_rule_kind kind)
{
    if (m->rule == NULL && !open_section(m, kind))
        return false;
    if (m->rule->address_count == ADDRESSES_PER_NS_MAX)
        return fail(m, "fewer addresses", value);
    return address_from_text(value, 53, &m->rule->addresses[m->rule->address_count++]) == OK ||
           fail(m, "an address", value);
}

static bool add_stub_address(struct mapping *m, const char *value)
{
    return add_zone_address(m, value, ZONE_RULE_STUB);
}

static bool add_forward_address(struct mapping *m, const char *value)
{
    return add_zone_address(m, value, ZONE_RULE_FORWARD_ONLY);
}

static bool add_zone_server(struct mapping *m, const char *value)
{
    if (m->rule == NULL || m->rule->name_count == RULE_NAMES_MAX)
        return fail(m, "a zone around it, and fewer names", value);
    struct dname *names = ARENA_ARRAY(m->arena, RULE_NAMES_MAX, struct dname);
    for (uint16_t i = 0; i < m->rule->name_count; i++)
        names[i] = m->rule->names[i];
    m->rule->names = names;
    return parse_name(m, value, &names[m->rule->name_count++]);
}

static bool set_uncached(struct mapping *m, const char *value)
{
    return m->rule == NULL ? fail(m, "a zone around it", value) : parse_switch(m, value, &m->rule->is_uncached);
}

static bool set_forward_first(struct mapping *m, const char *value)
{
    bool first;
    if (m->rule == NULL || !parse_switch(m, value, &first))
        return fail(m, "yes or no in a forward-zone", value);
    m->rule->kind = first ? ZONE_RULE_FORWARD_FIRST : ZONE_RULE_FORWARD_ONLY;
    return true;
}

static bool set_stub_first(struct mapping *m, const char *value)
{
    bool first;
    if (m->rule == NULL || !parse_switch(m, value, &first))
        return fail(m, "yes or no in a stub-zone", value);
    m->rule->kind = first ? ZONE_RULE_STUB_FIRST : ZONE_RULE_STUB;
    return true;
}

static bool set_stub_prime(struct mapping *m, const char *value)
{
    return m->rule == NULL ? fail(m, "a stub-zone around it", value) : parse_switch(m, value, &m->rule->primes);
}

static bool set_zone_tcp(struct mapping *m, const char *value)
{
    if (m->rule == NULL)
        return fail(m, "a zone around it", value);
    return parse_switch(m, value, &m->rule->tcp);
}

/* ---- the table ---- */

/* One row a word: `apply` maps it; else `needs` says what we lack, unless the value switches it off; else it is
 * harmless, which `why` explains. */
struct word {
    const char *key;
    bool (*apply)(struct mapping *m, const char *value);
    const char *needs;
    const char *why;
};

static const char tuning[] = "tuning of an implementation, no rule of the protocol";
static const char not_asked[] = "we never ask by ourselves here";
static const char stricter[] = "our scrubbing is no option";

static const struct word words[] = {
    { "server", .apply = begin_server },
    { "stub-zone", .apply = begin_stub },
    { "forward-zone", .apply = begin_forward },
    { "name", .apply = set_zone_name },
    { "stub-addr", .apply = add_stub_address },
    { "forward-addr", .apply = add_forward_address },
    { "forward-first", .apply = set_forward_first },
    { "stub-name", .why = "the name of the root server; its address counts" },
    { "stub-prime", .apply = set_stub_prime },
    { "stub-first", .apply = set_stub_first },
    { "stub-tcp-upstream", .apply = set_zone_tcp },
    { "forward-tcp-upstream", .apply = set_zone_tcp },
    { "tcp-upstream", .apply = set_tcp },
    { "stub-no-cache", .apply = set_uncached },
    { "forward-no-cache", .apply = set_uncached },
    { "forward-host", .apply = add_zone_server },
    { "stub-host", .apply = add_zone_server },

    { "module-config", .apply = set_validating },
    { "trust-anchor", .apply = add_anchor },
    { "domain-insecure", .apply = add_insecure },
    { "val-override-date", .apply = set_date },
    { "val-override-timestamp", .apply = set_timestamp },
    { "fake-sha1", .apply = fake_sha1 },
    { "fake-dsa", .apply = fake_dsa },
    { "AUTOTRUST_FILE", .apply = add_managed },
    { "val-nsec3-keysize-iterations", .why = "the limit is 150 in all stories" },
    { "val-max-restart", .why = tuning },
    { "val-bogus-ttl", .apply = set_max_bogus_ttl },
    { "harden-algo-downgrade", .apply = set_demanding },
    { "trust-anchor-signaling", .why = "signals are not sent in stories" },
    { "root-key-sentinel", .apply = set_sentinel },

    { "qname-minimisation", .apply = set_minimisation },
    { "query-minimization", .apply = set_minimisation },
    { "qname-minimisation-strict", .apply = set_minimisation_strict },
    { "do-ip4", .apply = set_ipv4 },
    { "do-ip6", .apply = set_ipv6 },
    { "do-not-query-localhost", .apply = set_localhost },
    { "do-not-query-address", .apply = add_never_asked },
    { "use-caps-for-id", .apply = set_query_case },
    { "caps-exempt", .apply = add_case_exception },
    { "caps-whitelist", .apply = add_case_exception },
    { "edns-buffer-size", .apply = set_edns_octets },
    { "access-control", .apply = add_access },
    { "minimal-responses", .why = "what minimal responses leave out may be missing in all stories" },
    { "cache-max-ttl", .apply = set_max_ttl },
    { "cache-max-negative-ttl", .apply = set_max_negative_ttl },

    { "aggressive-nsec", .apply = set_aggressive },
    { "harden-below-nxdomain", .apply = set_nxdomain_cut },
    { "serve-expired", .apply = set_stale },
    { "serve-expired-client-timeout", .apply = set_stale_timeout },
    { "serve-expired-reply-ttl", .apply = set_stale_ttl },
    { "serve-expired-ttl", .apply = set_stale_max_age },
    { "serve-expired-ttl-reset", .apply = set_stale_outlasting },
    { "prefetch", .apply = set_prefetch },
    { "cache-min-ttl", .apply = set_min_ttl },
    { "cache-min-negative-ttl", .apply = set_min_negative_ttl },
    { "serve-original-ttl", .apply = set_original_ttls },
    { "local-data", .apply = add_local_data },
    { "local-data-ptr", .apply = add_local_pointer },
    { "private-address", .apply = add_private_address },
    { "private-domain", .apply = add_private_domain },
    { "dns64-prefix", .apply = set_dns64_prefix },
    { "dns64-synthall", .apply = set_dns64_all },
    { "dns64-ignore-aaaa", .apply = add_dns64_ignored },
    { "do-nat64", .apply = set_nat64 },
    { "nat64-prefix", .apply = set_nat64_prefix },
    { "edns-client-string", .apply = add_client_string },
    { "edns-client-string-opcode", .apply = set_client_string_code },
    { "edns-tcp-keepalive", .apply = set_keepalive },
    { "edns-tcp-keepalive-timeout", .apply = set_keepalive_timeout },
    { "nsid", .apply = set_nsid },
    { "answer-cookie", .apply = set_answer_cookies },
    { "cookie-secret", .apply = set_cookie_secret },
    { "dns-error-reporting", .apply = set_report_errors },
    { "deny-any", .apply = set_denied_any },
    { "ignore-cd-flag", .apply = set_ignored_cd },
    { "identity", .apply = set_identity },
    { "version", .apply = set_version },
    { "hide-identity", .apply = hide_identity },
    { "hide-version", .apply = hide_version },
    { "hide-trustanchor", .apply = hide_anchors },
    { "features", .apply = set_features },
    { "feature-list", .apply = set_features },
    { "force-ipv6", .why = "addresses of servers are as told" },
    { "iter-scrub-ns", .apply = set_ns_limit },
    { "iter-scrub-rrsig", .why = tuning },
    { "iter-scrub-cname", .why = "a chain that is cut short is asked for link by link, with the same outcome" },
    { "num-queries-per-thread", .apply = set_waiting_max },

    { "ede", .why = "ours are always sent; MATCH ede= compares them" },
    { "ede-serve-expired", .why = "goes with serve-expired" },
    { "local-zone", .apply = add_local_zone },
    { "target-fetch-policy", .why = tuning },
    { "outbound-msg-retry", .why = tuning },
    { "max-global-quota", .apply = set_packets_max },
    { "max-query-restarts", .why = tuning },
    { "discard-timeout", .why = tuning },
    { "rrset-roundrobin", .why = "sections are compared as sets" },
    { "harden-glue", .apply = set_glue },
    { "harden-unverified-glue", .apply = set_verified_glue },
    { "max-udp-size", .apply = set_answer_octets },
    { "harden-referral-path", .why = not_asked },
    { "harden-dnssec-stripped", .why = stricter },
    { "harden-unknown-additional", .why = stricter },
    { "iter-scrub-promiscuous", .apply = set_promiscuous },
    { "log-time-ascii", .why = "logging" },
    { "log-servfail", .why = "logging" },
    { "verbosity", .why = "logging" },
    { "directory", .why = "no files are read" },

    { "vouch-minimisation-type", .apply = set_minimisation_type },
    { "vouch-prime-root", .apply = set_priming },
    { "vouch-unanswered-fails", .apply = set_unanswered },
    { "vouch-upstream-max", .apply = set_upstream_max },
    { "vouch-checks-max", .apply = set_checks_max },
    { "vouch-hashes-max", .apply = set_hashes_max },
    { "vouch-dname-grace", .apply = set_dname_grace },
    { "vouch-drop-malformed", .apply = set_drop_malformed },
    { "vouch-more-addresses", .apply = set_more_addresses },
    { "vouch-stale-ad", .apply = set_stale_ad },
    { "vouch-stale-on-bogus", .apply = set_stale_on_bogus },
    { "vouch-stale-recheck", .apply = set_stale_recheck },
};

/* The rest of Unbound's manual.  needs or why count for all of a row. */
static const struct word_group {
    const char *needs, *why;
    const char *keys; /* with blanks around each */
} word_groups[] = {
    { .why = "logging and statistics",
      .keys =
          " statistics-interval statistics-cumulative statistics-inhibit-zero extended-statistics shm-enable shm-key"
          " logfile use-syslog log-identity log-time-iso log-queries log-replies log-tag-queryreply log-destaddr"
          " log-local-actions log-thread-id val-log-level val-log-squelch rpz-log rpz-log-name dnstap-bidirectional"
          " dnstap-socket-path dnstap-ip dnstap-tls dnstap-send-identity dnstap-send-version dnstap-identity"
          " dnstap-version dnstap-log-resolver-query-messages dnstap-log-resolver-response-messages"
          " dnstap-log-client-query-messages dnstap-log-client-response-messages"
          " dnstap-log-forwarder-query-messages dnstap-log-forwarder-response-messages " },
    { .why = "sockets, processes and files of another program",
      .keys = " num-threads port interface interface-automatic interface-automatic-ports outgoing-interface"
              " outgoing-range outgoing-port-permit outgoing-port-avoid outgoing-num-tcp incoming-num-tcp so-rcvbuf"
              " so-sndbuf so-reuseport ip-transparent ip-freebind ip-dscp tcp-mss outgoing-tcp-mss tcp-idle-timeout"
              " tcp-reuse-timeout max-reuse-tcp-queries tcp-auth-query-timeout tcp-connection-limit use-systemd"
              " do-daemonize chroot username pidfile udp-upstream-without-downstream sock-queue-timeout"
              " stream-wait-size msg-buffer-size tls-service-key tls-service-pem tls-port tls-cert-bundle"
              " tls-win-cert tls-system-cert tls-additional-port tls-session-ticket-keys tls-ciphers"
              " tls-ciphersuites tls-use-sni pad-responses pad-responses-block-size pad-queries"
              " pad-queries-block-size ssl-service-key ssl-service-pem ssl-port https-port http-endpoint"
              " http-max-streams http-query-buffer-size http-response-buffer-size http-nodelay"
              " http-notls-downstream http-user-agent hide-http-user-agent quic-port quic-size remote-control"
              " control-enable control-interface control-port control-use-cert server-key-file server-cert-file"
              " control-key-file control-cert-file ip-address proxy-protocol-port ssl-cert-bundle tls-protocols " },
    { .why = tuning,
      .keys = " msg-cache-size msg-cache-slabs rrset-cache-size rrset-cache-slabs infra-host-ttl infra-lame-ttl"
              " infra-cache-slabs infra-cache-numhosts infra-cache-lame-size infra-cache-min-rtt"
              " infra-cache-max-rtt infra-keep-probing key-cache-size key-cache-slabs neg-cache-size jostle-timeout"
              " delay-close unknown-server-time-limit wait-limit wait-limit-cookie wait-limit-netblock"
              " wait-limit-cookie-netblock unwanted-reply-threshold prefer-ip4 prefer-ip6 max-sent-count"
              " fast-server-permil fast-server-num low-rtt low-rtt-permil cookie-secret-file"
              " val-sig-skew-min val-sig-skew-max val-clean-additional harden-short-bufsize harden-large-queries"
              " do-tcp do-udp "
              " disable-dnssec-lame-check low-rtt-pct udp-connect zonemd-permissive-mode define-tag ratelimit-size "
              "ratelimit-slabs"
              " ratelimit-factor ratelimit-backoff ip-ratelimit-size ip-ratelimit-slabs ip-ratelimit-factor"
              " ip-ratelimit-backoff permit-small-holddown keep-missing prefetch-key " },
    { .why = "special-use names are resolved in all stories", .keys = " unblock-lan-zones insecure-lan-zones " },
    { .needs = "files",
      .keys =
          " TEMPFILE root-hints trust-anchor-file auto-trust-anchor-file trusted-keys-file include dlv-anchor-file " },
    { .needs = "other hold-downs than those of RFC 5011", .keys = " add-holddown del-holddown " },
    { .needs = "passing on what is Bogus", .keys = " val-permissive-mode disable-edns-do " },
    { .needs = "lookaside validation", .keys = " dlv-anchor " },
    { .needs = "rate limits",
      .keys = " ratelimit ratelimit-for-domain ratelimit-below-domain ip-ratelimit ip-ratelimit-cookie " },
    { .needs = "policy by client or address",
      .keys = " local-zone-tag local-zone-override view view-first access-control-tag access-control-tag-action "
              "access-control-tag-data"
              " access-control-view interface-action interface-tag interface-tag-action interface-tag-data"
              " interface-view response-ip response-ip-data response-ip-tag rpz rpz-action-override " },
    { .needs = "zones of its own",
      .keys = " auth-zone zonefile primary master url allow-notify fallback-enabled for-downstream for-upstream"
              " zonemd-check zonemd-reject-absence " },
    { .needs = "DNS over TLS towards servers",
      .keys = " stub-tls-upstream stub-ssl-upstream forward-tls-upstream forward-ssl-upstream tls-upstream"
              " ssl-upstream " },
    { .needs = "client subnets",
      .keys = " send-client-subnet client-subnet-zone client-subnet-always-forward client-subnet-opcode"
              " max-client-subnet-ipv6 max-client-subnet-ipv4 min-client-subnet-ipv6 min-client-subnet-ipv4"
              " max-ecs-tree-size-ipv4 max-ecs-tree-size-ipv6 " },
    { .needs = "modules of another program",
      .keys = " cachedb backend secret-seed cachedb-no-store cachedb-check-when-serve-expired redis-server-host"
              " python python-script dynlib dynlib-file ipset name-v4 name-v6 dnstap dnstap-enable dnscrypt"
              " dnscrypt-enable ipsecmod-enabled ipsecmod-hook ipsecmod-strict " },
};

/* A word of a group as a row; false: it is in none. */
static bool find_in_groups(struct arena *arena, const char *key, struct word *word)
{
    const char *wanted = arena_printf(arena, " %s ", key);
    for (size_t i = 0; i < ARRAY_LEN(word_groups); i++) {
        *word = (struct word) { .key = key, .needs = word_groups[i].needs, .why = word_groups[i].why };
        if (strstr(word_groups[i].keys, wanted) != NULL)
            return true;
    }
    return false;
}

static const struct word *find_word(const char *key)
{
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (strcmp(words[i].key, key) == 0)
            return &words[i];
    return NULL;
}

static bool apply_setting(struct mapping *m, const struct story_setting *setting)
{
    struct word other;
    const struct word *word = find_word(setting->key);
    if (word == NULL && find_in_groups(m->arena, setting->key, &other))
        word = &other;
    if (word == NULL)
        return fail(m, "a word of the table", setting->key);
    if (word->apply != NULL)
        return word->apply(m, setting->value);
    if (word->needs != NULL && !is_no(setting->value) && m->config->needs == NULL)
        m->config->needs = word->needs;
    return true;
}

/* ---- what no word says ---- */

/* The prefixes that cover all addresses but those that share the first `bits` bits with `out`. */
static void allow_all_but(struct resolver_options *resolver, const struct address *out, uint8_t bits)
{
    for (uint8_t i = 0; i < bits; i++) {
        struct prefix *prefix = &resolver->query_private[resolver->query_private_count++];
        *prefix = (struct prefix) { .address = { .family = out->family }, .bits = (uint8_t)(i + 1) };
        memcpy(prefix->address.octets, out->octets, i / 8 + 1u);
        uint8_t *last = &prefix->address.octets[i / 8], bit = (uint8_t)(0x80 >> i % 8);
        *last = (uint8_t)((*last ^ bit) & ~(bit - 1));
    }
}

/* Stories give their servers any address, documentation and private ones too; but loopback only when they say so. */
static void allow_all_but_loopback(struct arena *arena, struct resolver_options *resolver)
{
    static const struct address loopback = { .family = 4, .octets = { 127 } }, low = { .family = 6 };
    resolver->query_private = ARENA_ARRAY(arena, PREFIXES_MAX, struct prefix);
    allow_all_but(resolver, &loopback, 8);
    allow_all_but(resolver, &low, 16);
}

static bool is_ours(const struct story *story)
{
    const struct story_setting *setting;
    STAILQ_FOREACH(setting, &story->settings, next)
    if (strncmp(setting->key, "vouch-", strlen("vouch-")) == 0)
        return true;
    return false;
}

/* What Unbound does by itself, and ours where the operator says so. */
static void do_as_unbound(struct story_config *config)
{
    config->cache.dname_grace_s = UNBOUND_DNAME_GRACE_S;
    config->retelling.dns64.reverse_form = DNS64_REVERSE_DIRECT;
    config->resolver.drops_malformed = true;
    config->resolver.more_addresses = true;
    config->answers.yxdomain_without_ad = true;
}

static struct story_config initial(struct arena *arena, const struct story *story)
{
    struct story_config config = {
        .resolver = resolver_options_default(arena),
        .answers = { .edns_octets = story->has_sections ? UDP_OCTETS_DEFAULT : 4096,
                     .minimal = story->has_sections,
                     .ede = true },
        .cache = cache_options_default(),
        .trust = trust_new(),
        .start_ms = story->has_sections ? 0 : (int64_t)START_S * 1000,
        .unanswered_fails = !story->has_sections,
    };
    config.resolver.shows_ns = !config.answers.minimal;
    config.retelling.sentinel = true;
    if (pref64_from_text(pref64_well_known, &config.retelling.dns64.prefix) != OK)
        abort();
    config.retelling.dns64.ignored = ARENA_ARRAY(arena, PREFIXES_MAX, struct dname);
    config.retelling.rebinding.networks = ARENA_ARRAY(arena, PREFIXES_MAX, struct prefix);
    config.retelling.rebinding.allowed = ARENA_ARRAY(arena, PREFIXES_MAX, struct dname);
    config.cache.size_octets = CACHE_OCTETS;
    config.cache.max_ttl_s = story->has_sections ? UNBOUND_TTL_S_MAX : TTL_S_MAX;
    if (story->has_sections)
        config.cache.max_negative_ttl_s = UNBOUND_NEGATIVE_TTL_S_MAX;
    config.cache.file = NULL;
    config.front.tells_anchors = true;
    config.front.waiting_max = FRONT_WAITING_MAX;
    config.front.allow = ARENA_ARRAY(arena, PREFIXES_MAX, struct prefix);
    config.front.refuse = ARENA_ARRAY(arena, PREFIXES_MAX, struct prefix);
    config.front.ignore = ARENA_ARRAY(arena, PREFIXES_MAX, struct prefix);
    config.front.snoop = ARENA_ARRAY(arena, PREFIXES_MAX, struct prefix);
    config.front.require_cookie = ARENA_ARRAY(arena, PREFIXES_MAX, struct prefix);
    config.keepalive_ms = KEEPALIVE_MS;
    struct resolver_options *resolver = &config.resolver;
    resolver->prime_root = story->has_sections; /* Deckard's stories have no answer to priming */
    resolver->random_case = false;              /* entries that do not copy the question have their own case */
    resolver->special_use_names = false;
    resolver->cookies = false; /* told packets cannot repeat what is random */
    resolver->edns_octets = 4096;
    resolver->minimisation_type = story->has_sections ? TYPE_A : TYPE_NS;
    resolver->minimisation_hides_type = story->has_sections;
    resolver->query_never = ARENA_ARRAY(arena, PREFIXES_MAX, struct prefix);
    resolver->client_strings = ARENA_ARRAY(arena, PREFIXES_MAX, struct client_string);
    resolver->zone_rules = ARENA_ARRAY(arena, ZONE_RULES_MAX, struct zone_rule);
    resolver->zone_rule_count = 0;
    resolver->case_except = ARENA_ARRAY(arena, PREFIXES_MAX, struct dname);
    local_data_init(arena, &config.local, PREFIXES_MAX);
    config.local.zones = ARENA_ARRAY(arena, ZONE_RULES_MAX, struct local_zone);
    allow_all_but_loopback(arena, resolver);
    if (story->has_sections && !is_ours(story))
        do_as_unbound(&config);
    return config;
}

/* A stub zone for the root stands for root hints. */
static void make_root_hints(struct mapping *m, const struct zone_rule *rule)
{
    struct delegation *hints = ARENA_NEW(m->arena, struct delegation);
    *hints = (struct delegation) {
        .zone = *dname_root(),
        .is_hint = true,
        .server_count = 1,
        .servers = ARENA_NEW(m->arena, struct delegation_server),
    };
    hints->servers[0].name = *dname_root();
    hints->servers[0].address_count = rule->address_count;
    hints->servers[0].addresses = arena_copy(m->arena, rule->addresses, sizeof(rule->addresses));
    m->config->resolver.root_hints = hints;
}

static void take_root_hints(struct mapping *m)
{
    struct resolver_options *resolver = &m->config->resolver;
    uint16_t kept = 0;
    for (uint16_t i = 0; i < resolver->zone_rule_count; i++) {
        const struct zone_rule *rule = &resolver->zone_rules[i];
        if (rule->kind == ZONE_RULE_STUB && dname_is_root(&rule->zone))
            make_root_hints(m, rule);
        else
            resolver->zone_rules[kept++] = *rule;
    }
    resolver->zone_rule_count = kept;
}

static uint32_t last_inception(const struct story_entries *entries, uint32_t last)
{
    const struct story_entry *entry;
    const struct story_record *record;
    struct rrsig sig;
    STAILQ_FOREACH(entry, entries, next)
    STAILQ_FOREACH(record, &entry->sections[SECTION_ANSWER], next)
    if (record->type == TYPE_RRSIG && rrsig_read(record->rdata, &sig) == OK && sig.inception > last)
        last = sig.inception;
    return last;
}

static void start_with_signatures(struct mapping *m, const struct story *story)
{
    const struct story_range *range;
    uint32_t start_s = 0;
    STAILQ_FOREACH(range, &story->ranges, next)
    start_s = last_inception(&range->entries, start_s);
    m->config->start_ms = (int64_t)start_s * 1000;
}

/* Their snapshot is the story's trust.  Such stories name no date and begin at the epoch. */
static void use_managed(struct mapping *m)
{
    struct story_config *config = m->config;
    if (!m->has_date)
        config->start_ms = 0;
    managed_merge(config->managed, config->trust, config->start_ms / 1000);
    struct trust *snapshot = managed_snapshot(config->managed, config->trust);
    trust_free(config->trust);
    config->trust = snapshot;
    look_for_dsa(m, snapshot);
}

static void look_for_steps(struct mapping *m, const struct story *story)
{
    const struct story_step *step;
    STAILQ_FOREACH(step, &story->steps, next)
    if (step->kind == STEP_CHECK_TEMPFILE)
        m->config->needs = "files";
}

/* Without a prefix of its own it is that of DNS64, or the well-known one (RFC 6052 section 2.1). */
static void finish_nat64(struct mapping *m)
{
    struct prefix *prefix = &m->config->resolver.nat64;
    if (!m->uses_nat64)
        prefix->address.family = 0;
    else if (prefix->address.family == 0 && m->config->retelling.dns64.is_on)
        *prefix = m->config->retelling.dns64.prefix;
    else if (prefix->address.family == 0)
        set_nat64_prefix(m, pref64_well_known);
}

static void finish(struct mapping *m, const struct story *story)
{
    finish_nat64(m);
    if (m->config->managed != NULL)
        use_managed(m);
    take_root_hints(m);
    const struct local_zone *twice;
    if (!local_data_sort(&m->config->local, &twice))
        m->config->needs = "a zone that is two local zones";
    if (m->starts_with_signatures)
        start_with_signatures(m, story);
    struct front_options *front = &m->config->front;
    if (!m->names_clients && prefix_from_text("127.0.0.0/8", &front->allow[0]) == OK)
        front->allow_count = 1;
    if (m->hides_identity)
        front->identity = NULL;
    if (m->hides_version)
        front->version = NULL;
    if (!m->validates) {
        trust_free(m->config->trust);
        m->config->trust = trust_new();
    }
    make_policy(m);
}

enum err story_configure(struct arena *arena, const struct story *story, struct story_config *config,
                         const char **error)
{
    struct mapping m = { .arena = arena, .config = config, .validates = true, .may_fake = story->has_sections };
    const struct story_setting *setting;
    *config = initial(arena, story);
    *error = NULL;
    STAILQ_FOREACH(setting, &story->settings, next)
    {
        if (!apply_setting(&m, setting)) {
            *error = arena_printf(arena, "line %u: %s: %s", setting->line, setting->key, m.error);
            break;
        }
    }
    look_for_steps(&m, story);
    finish(&m, story);
    return *error == NULL ? OK : ERR_FORMAT;
}

void story_config_free(struct story_config *config)
{
    trust_free(config->trust);
    managed_free(config->managed);
}
