#include "daemon/settings.h"

#include <stdlib.h>
#include <sysexits.h>

#include "base/hash.h"
#include "base/log.h"
#include "build_info.h"

static void use_local_names(struct settings *settings)
{
    settings->local = (struct local_names) { &settings->config->resolver, &settings->config->local };
    local_hooks(&settings->local, &settings->hooks);
}

struct settings *settings_new(struct config *config)
{
    struct settings *settings = memory_new(1, sizeof(*settings));
    settings->config = config;
    settings->config_users = memory_new(1, sizeof(*settings->config_users));
    *settings->config_users = 1;
    settings->trust = trust_copy(config->trust);
    crypto_policy_make(&config->crypto, &settings->policy);
    config->resolver.shows_ns = !config->answers.minimal;
    config->resolver.answers_ipv4only = config->retelling.dns64.is_on;
    use_local_names(settings);
    return settings;
}

struct settings *settings_with_trust(const struct settings *settings, struct trust *trust)
{
    struct settings *other = memory_new(1, sizeof(*other));
    *other = *settings;
    other->trust = trust;
    use_local_names(other);
    ++*other->config_users;
    return other;
}

void settings_free(struct settings *settings)
{
    if (settings == NULL)
        return;
    if (--*settings->config_users == 0) {
        config_free(settings->config);
        free(settings->config_users);
    }
    trust_free(settings->trust);
    free(settings);
}

struct resolver_parts settings_parts(const struct settings *settings, struct cache *cache, struct random *random)
{
    return (struct resolver_parts) {
        .cache = cache,
        .random = random,
        .options = &settings->config->resolver,
        .policy = &settings->policy,
        .trust = settings->trust,
        .hooks = &settings->hooks,
    };
}

/* ---- trust ---- */

static bool is_current(const struct anchor *anchor, struct now now)
{
    return anchor->valid_from_s <= now_wall_s(now) && now_wall_s(now) < anchor->valid_until_s;
}

bool settings_can_use(const struct settings *settings, const struct anchor *anchor)
{
    const struct crypto_policy *policy = &settings->policy;
    struct ds ds;
    struct dnskey key;
    if (anchor->type == TYPE_DS) /* a digest that was cut short matches no key */
        return ds_read(anchor->rdata, &ds) == OK && algorithm_is_usable(policy, ds.algorithm) &&
               digest_is_usable(policy, ds.digest_type) && policy->digests[ds.digest_type]->octets == ds.digest.len;
    return dnskey_read(anchor->rdata, &key) == OK && algorithm_is_usable(policy, key.algorithm);
}

/* Anchors come sorted by zone.  One whose zone has no usable anchor fails closed: the operator asked for what cannot be
 * done. */
static void warn_of_unusable_anchors(const struct settings *settings)
{
    size_t count;
    const struct anchor *anchors = trust_anchors(settings->trust, &count);
    for (size_t first = 0, i = 0; first < count; first = i) {
        bool is_usable = false;
        for (i = first; i < count && dname_equal(&anchors[i].zone, &anchors[first].zone); i++)
            is_usable = is_usable || settings_can_use(settings, &anchors[i]);
        char zone[DNAME_TEXT_MAX];
        if (!is_usable)
            log_warning("trust anchor %s: no algorithm or digest of it can be used here; everything below is answered "
                        "with SERVFAIL",
                        dname_to_text(&anchors[first].zone, zone));
    }
}

static size_t count_current(const struct trust *trust, struct now now, bool root_alone)
{
    size_t count, current = 0;
    const struct anchor *anchors = trust_anchors(trust, &count);
    for (size_t i = 0; i < count; i++)
        current += is_current(&anchors[i], now) && (!root_alone || dname_is_root(&anchors[i].zone));
    return current;
}

/* A clock that is surely wrong turns no anchor down: validation is held until it is right (row D4-init-b). */
static struct now not_below_floors(const struct config *config, struct now now)
{
    struct clock_floors floors = clock_floors_of(&config->clock, BUILD_TIME_S, CLOCK_NO_FLOOR);
    if (now_wall_s(now) < clock_floors_max(&floors))
        now.wall_ms = clock_floors_max(&floors) * 1000;
    return now;
}

bool settings_may_bootstrap(const struct config *config)
{
    enum bootstrap_when when = config->bootstrap.when;
    return when == BOOTSTRAP_ALWAYS || (when == BOOTSTRAP_BUILT_IN && config->anchors_are_built_in);
}

/* The operator says that there is no anchor: nothing is validated, and nothing was promised (row D5-model). */
static bool is_without_anchors(const struct settings *settings)
{
    return settings->config->trust_model == TRUST_MODEL_CONFIGURED && !settings->config->anchors_are_named;
}

bool settings_have_anchor(const struct settings *settings, struct now now)
{
    bool wants_root = settings->config->trust_model == TRUST_MODEL_ROOT;
    return is_without_anchors(settings) ||
           count_current(settings->trust, not_below_floors(settings->config, now), wants_root) > 0;
}

int settings_check_trust(const struct settings *settings, struct now now)
{
    bool wants_root = settings->config->trust_model == TRUST_MODEL_ROOT;
    if (!settings_have_anchor(settings, now)) {
        log_error("no usable trust anchor%s: name one that is valid now in trust.anchors or trust.anchor-files%s",
                  wants_root ? " for the root, and `trust: model` is root" : " at all",
                  wants_root ? ", renew the package dns-root-data, or set trust.bootstrap.enabled to true" : "");
        if (!settings_may_bootstrap(settings->config))
            return EX_UNAVAILABLE;
        log_warning("validation is held until root-anchors.xml gives an anchor (trust.bootstrap)");
    } else if (count_current(settings->trust, not_below_floors(settings->config, now), true) == 0) {
        log_warning("no trust anchor for the root: %s",
                    is_without_anchors(settings) ? "none is configured, nothing is validated"
                                                 : "names that no configured anchor covers are not validated");
    }
    warn_of_unusable_anchors(settings);
    return EX_OK;
}

/* ---- fingerprints ---- */

static uint64_t add(uint64_t fingerprint, const void *data, size_t len)
{
    return hash_octets((struct octets) { data, len }, fingerprint);
}

uint64_t settings_judge_fingerprint(const struct settings *settings)
{
    static const char program[] = BUILD_VERSION;
    const int64_t built_s = BUILD_TIME_S;
    uint64_t trust = trust_fingerprint(settings->trust), fingerprint = add(0, program, sizeof(program));
    bool usable[2][256];
    for (size_t i = 0; i < 256; i++) {
        usable[0][i] = settings->policy.algorithms[i] != NULL;
        usable[1][i] = settings->policy.digests[i] != NULL;
    }
    fingerprint = add(fingerprint, &built_s, sizeof(built_s));
    fingerprint = add(fingerprint, &trust, sizeof(trust));
    fingerprint = add(fingerprint, usable, sizeof(usable));
    fingerprint = add(fingerprint, &settings->policy.demands_all, sizeof(settings->policy.demands_all));
    return add(fingerprint, &settings->policy.nsec3_iterations, sizeof(settings->policy.nsec3_iterations));
}

static uint64_t add_address(uint64_t fingerprint, const struct address *address)
{
    fingerprint = add(fingerprint, &address->family, sizeof(address->family));
    fingerprint = add(fingerprint, &address->port, sizeof(address->port));
    fingerprint = add(fingerprint, &address->scope, sizeof(address->scope));
    return add(fingerprint, address->octets, address->family == 4 ? 4 : 16);
}

uint64_t settings_route_fingerprint(const struct settings *settings)
{
    const struct resolver_options *options = &settings->config->resolver;
    uint64_t fingerprint = 0;
    for (uint16_t i = 0; i < options->root_hints->server_count; i++) {
        const struct delegation_server *server = &options->root_hints->servers[i];
        fingerprint = dname_hash(&server->name, fingerprint);
        for (uint16_t k = 0; k < server->address_count; k++)
            fingerprint = add_address(fingerprint, &server->addresses[k]);
    }
    for (uint16_t i = 0; i < options->zone_rule_count; i++) {
        const struct zone_rule *rule = &options->zone_rules[i];
        fingerprint = dname_hash(&rule->zone, fingerprint);
        fingerprint = add(fingerprint, &rule->kind, sizeof(rule->kind));
        fingerprint = add(fingerprint, &rule->is_uncached, sizeof(rule->is_uncached));
        fingerprint = add(fingerprint, &rule->primes, sizeof(rule->primes));
        fingerprint = add(fingerprint, &rule->address_count, sizeof(rule->address_count));
        for (uint16_t k = 0; k < rule->address_count; k++)
            fingerprint = add_address(fingerprint, &rule->addresses[k]);
        for (uint16_t k = 0; k < rule->name_count; k++)
            fingerprint = dname_hash(&rule->names[k], fingerprint);
    }
    return fingerprint;
}
