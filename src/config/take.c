/* What special options do with their values. */
#include <errno.h>
#include <pwd.h>
#include <stdlib.h>

#include "config/option.h"
#include "message/coding.h"
#include "message/pref64.h"
#include "transport/fetch.h"

enum { LISTEN_MAX = 256 }; /* each takes two sockets of every worker */

/* ---- the server ---- */

enum err take_listen(struct loading *loading, const struct option *option, const struct value *value)
{
    const struct address *addresses = value->items;
    struct listen_address *listen = ARENA_ARRAY(loading->arena, value->count, struct listen_address);
    if (value->count == 0 || value->count > LISTEN_MAX)
        return config_refuse(loading, value->line, option->key, "expected 1 to %d addresses", LISTEN_MAX);
    for (uint16_t i = 0; i < value->count; i++) {
        for (uint16_t k = 0; k < i; k++) {
            char text[ADDRESS_TEXT_MAX];
            if (address_equal(&addresses[i], &addresses[k]))
                return config_refuse(loading, value->line, option->key, "%s is listed twice",
                                     address_to_text(&addresses[i], text));
        }
        listen[i] = (struct listen_address) { addresses[i], value->is_default };
    }
    loading->config->listen = listen;
    loading->config->listen_count = value->count;
    return OK;
}

/* A number is an id, whether or not it has a name. */
static bool user_id(const char *text, uid_t *id)
{
    char *end;
    unsigned long number = strtoul(text, &end, 10);
    if (text[0] >= '0' && text[0] <= '9' && *end == '\0') {
        *id = (uid_t)number;
        return number < UINT32_MAX; /* (uid_t)-1 is nobody's */
    }
    const struct passwd *user = getpwnam(text);
    if (user != NULL)
        *id = user->pw_uid;
    return user != NULL;
}

enum err take_admins(struct loading *loading, const struct option *option, const struct value *value)
{
    const struct line_text *lines = value->items;
    uid_t *admins = ARENA_ARRAY(loading->arena, value->count, uid_t);
    for (uint16_t i = 0; i < value->count; i++) {
        if (!user_id(lines[i].text, &admins[i]))
            return config_refuse(loading, lines[i].line, option->key, "expected a user's name or number, got %s",
                                 text_describe(loading->arena, lines[i].text));
    }
    loading->config->control_admins = admins;
    loading->config->control_admin_count = value->count;
    return OK;
}

enum err take_floor(struct loading *loading, const struct option *option, const struct value *value)
{
    struct clock_options *clock = &loading->config->clock;
    (void)option;
    if (value->is_word)
        clock->floor = FLOOR_NONE;
    else if (strcmp(value->text, "stored") == 0)
        clock->floor = FLOOR_STORED;
    else if (strcmp(value->text, "build") == 0)
        clock->floor = FLOOR_BUILD;
    else
        clock->floor = FLOOR_SET;
    clock->floor_s = value->number;
    return OK;
}

enum err take_pref64(struct loading *loading, const struct option *option, const struct value *value)
{
    struct dns64 *dns64 = &loading->config->retelling.dns64;
    (void)option;
    dns64->is_on = !value->is_word;
    return value->is_word ? OK : pref64_from_text(value->text, &dns64->prefix);
}

enum err take_nat64(struct loading *loading, const struct option *option, const struct value *value)
{
    (void)option;
    return value->is_word ? OK : pref64_from_text(value->text, &loading->config->resolver.nat64);
}

/* ---- local data ---- */

enum err take_local_data(struct loading *loading, const struct option *option, const struct value *value)
{
    const struct line_text *lines = value->items;
    struct local_data *data = &loading->config->local;
    local_data_init(loading->arena, data, value->count);
    for (uint16_t i = 0; i < value->count; i++) {
        const char *error;
        if (local_data_add(loading->arena, data, lines[i].text, &error) != OK)
            return config_refuse(loading, lines[i].line, option->key, "expected a record, got %s: %s",
                                 text_describe(loading->arena, lines[i].text), error);
    }
    return OK;
}

enum err take_local_zones(struct loading *loading, const struct option *option, const struct value *value)
{
    struct local_data *data = &loading->config->local;
    const struct local_zone *twice;
    char text[DNAME_TEXT_MAX];
    data->zones = arena_copy(loading->arena, value->items, value->count * sizeof(*data->zones));
    data->zone_count = value->count;
    if (local_data_sort(data, &twice))
        return OK;
    return config_refuse(loading, value->line, option->key, "%s is listed twice", dname_to_text(&twice->zone, text));
}

/* ---- answers ---- */

static bool octets_from_hex(const char *text, struct writer *w)
{
    return hex_decode((struct octets) { (const uint8_t *)text, strlen(text) }, w) && !w->failed;
}

enum err take_original_ttls(struct loading *loading, const struct option *option, const struct value *value)
{
    (void)option;
    loading->config->answers.original_ttls = value->number != 0;
    loading->config->resolver.original_ttls = value->number != 0;
    return OK;
}

enum err take_cookie_secrets(struct loading *loading, const struct option *option, const struct value *value)
{
    const struct line_text *lines = value->items;
    struct cookie_options *cookies = &loading->config->front.cookies;
    for (uint16_t i = 0; i < value->count; i++) {
        struct siphash_key *secret = &cookies->secrets[i];
        struct writer w = writer_of(secret->octets, sizeof(secret->octets));
        if (!octets_from_hex(lines[i].text, &w) || w.len != sizeof(secret->octets))
            return config_refuse(loading, lines[i].line, option->key, "expected %d hexadecimal digits",
                                 2 * SIPHASH_KEY_OCTETS); /* what was written is a secret, nearly */
    }
    cookies->secret_count = (uint8_t)value->count;
    return OK;
}

enum err take_nsid(struct loading *loading, const struct option *option, const struct value *value)
{
    struct octets *nsid = &loading->config->front.nsid;
    if (value->is_word)
        return OK;
    uint8_t octets[NSID_OCTETS_MAX];
    struct writer w = writer_of(octets, sizeof(octets));
    bool is_read = true;
    if (strncmp(value->text, "0x", 2) == 0)
        is_read = octets_from_hex(value->text + 2, &w);
    else
        writer_octets_put(&w, (struct octets) { (const uint8_t *)value->text, strlen(value->text) });
    if (!is_read || w.failed || w.len == 0)
        return config_refuse(loading, value->line, option->key,
                             "expected a text, or 0x and digits, of at most %d octets", NSID_OCTETS_MAX);
    *nsid = octets_copy(loading->arena, writer_octets(&w));
    return OK;
}

/* ---- files that the configuration names ---- */

/* *data is malloc'd when it returns OK. */
static enum err read_named_file(struct loading *loading, unsigned line, const char *key, const char *path, char **data,
                                size_t *len)
{
    enum err err = read_whole_file(path, data, len);
    if (err == OK)
        return OK;
    int error = errno;
    free(*data);
    config_refuse(loading, line, key, "cannot read %s: %s", path,
                  err == ERR_SYSTEM ? strerror(error) : "larger than 1 MiB");
    errno = error;
    return err;
}

enum err take_root_hints(struct loading *loading, const struct option *option, const struct value *value)
{
    struct delegation **hints = &loading->config->resolver.root_hints;
    const char *why;
    char *data;
    size_t len;
    if (value->is_word) {
        *hints = root_hints_built_in(loading->arena);
        return OK;
    }
    enum err err = read_named_file(loading, value->line, option->key, value->text, &data, &len);
    if (err != OK)
        return err;
    err = root_hints_from_text(loading->arena, data, len, hints, &why);
    free(data);
    return err == OK ? OK : config_refuse(loading, value->line, option->key, "%s: %s", value->text, why);
}

/* ---- resolving ---- */

enum err take_minimisation_type(struct loading *loading, const struct option *option, const struct value *value)
{
    (void)option;
    loading->config->resolver.minimisation_type = value->number == 0 ? TYPE_A : TYPE_NS;
    return OK;
}

/* Forward and stub zones become one list; the most specific one counts, so no two may be at one name. */
enum err take_zone_rules(struct loading *loading, const struct option *option, const struct value *value)
{
    struct resolver_options *resolver = &loading->config->resolver;
    const struct zone_rule *added = value->items;
    uint16_t before = resolver->zone_rule_count, count = (uint16_t)(before + value->count);
    struct zone_rule *rules = ARENA_ARRAY(loading->arena, count, struct zone_rule);
    for (uint16_t i = 0; i < count; i++) {
        rules[i] = i < before ? resolver->zone_rules[i] : added[i - before];
        for (uint16_t k = 0; k < i; k++) {
            char zone[DNAME_TEXT_MAX];
            if (dname_equal(&rules[i].zone, &rules[k].zone))
                return config_refuse(loading, value->line, option->key, "%s is a forward or stub zone twice",
                                     dname_to_text(&rules[i].zone, zone));
        }
    }
    resolver->zone_rules = rules;
    resolver->zone_rule_count = count;
    return OK;
}

/* ---- validation ---- */

enum err take_allowed_algorithms(struct loading *loading, const struct option *option, const struct value *value)
{
    struct crypto_policy policy;
    const uint8_t *numbers = value->items;
    struct crypto_options allowed = crypto_options_default();
    memcpy(allowed.allow_algorithms, numbers, value->count);
    allowed.allow_algorithm_count = (uint8_t)value->count;
    crypto_policy_make(&allowed, &policy);
    for (uint16_t i = 0; i < value->count; i++) {
        char text[8];
        if (!algorithm_is_usable(&policy, numbers[i]))
            config_warn(loading, value->line, option->key, "this build cannot verify %s",
                        algorithm_text(numbers[i], text));
    }
    return OK;
}

/* ---- trust ---- */

/* What the distribution knows of the root by now may be newer than this release.  It need not be there. */
static void take_system_anchors(struct loading *loading, const struct option *option, const struct value *value)
{
    static const char path[] = "/usr/share/dns/root.key"; /* Debian: dns-root-data */
    char *data, *why = NULL;
    size_t len, added;
    if (read_whole_file(path, &data, &len) == OK &&
        trust_add_text(loading->config->trust, data, len, ANCHOR_SYSTEM, &added, &why) != OK)
        config_warn(loading, value->line, option->key, "%s is not used: %s", path,
                    why == NULL ? "not in master format" : why);
    free(why);
    free(data);
}

enum err take_anchors(struct loading *loading, const struct option *option, const struct value *value)
{
    struct trust *trust = loading->config->trust;
    const struct line_text *lines = value->items;
    loading->config->anchors_are_built_in = value->is_word;
    loading->config->anchors_are_named |= value->is_word || value->count > 0;
    if (value->is_word) {
        trust_add_built_in(trust);
        take_system_anchors(loading, option, value);
    }
    for (uint16_t i = 0; i < value->count; i++) {
        const char *text = lines[i].text;
        char *why;
        size_t added;
        if (trust_add_text(trust, text, strlen(text), ANCHOR_CONFIGURED, &added, &why) != OK) {
            config_refuse(loading, lines[i].line, option->key, "expected a DS or DNSKEY record, got %s: %s",
                          text_describe(loading->arena, text), why == NULL ? "" : why);
            free(why);
            return ERR_FORMAT;
        }
        if (added == 0)
            return config_refuse(loading, lines[i].line, option->key,
                                 "expected a DS or DNSKEY record not listed yet, got %s",
                                 text_describe(loading->arena, text));
    }
    return OK;
}

static enum err take_anchor_file(struct loading *loading, const struct option *option, const struct line_text *file)
{
    char *data, *why;
    size_t len, added;
    enum err err = read_named_file(loading, file->line, option->key, file->text, &data, &len);
    if (err != OK)
        return err;
    err = trust_add_text(loading->config->trust, data, len, ANCHOR_FILE, &added, &why);
    free(data);
    if (err == OK && added == 0)
        config_warn(loading, file->line, option->key, "%s: no trust anchor that is not there already", file->text);
    if (err == OK)
        return OK;
    config_refuse(loading, file->line, option->key, "%s: %s", file->text, why == NULL ? "not in master format" : why);
    free(why);
    return ERR_FORMAT;
}

enum err take_anchor_files(struct loading *loading, const struct option *option, const struct value *value)
{
    const struct line_text *files = value->items;
    loading->config->anchors_are_named |= value->count > 0;
    for (uint16_t i = 0; i < value->count; i++) {
        enum err err = take_anchor_file(loading, option, &files[i]);
        if (err != OK)
            return err;
    }
    return OK;
}

/* "https://data.iana.org/root-anchors/", "file:///etc/vouch/root-anchors/" */
static bool is_source(const char *text)
{
    struct url url;
    size_t len = strlen(text);
    bool is_directory = len > 0 && len < URL_OCTETS_MAX - SOURCE_FILE_OCTETS_MAX && text[len - 1] == '/';
    return is_directory && (strncmp(text, "file:///", 8) == 0 || url_read(text, &url) == OK);
}

enum err take_bootstrap_sources(struct loading *loading, const struct option *option, const struct value *value)
{
    struct bootstrap_options *bootstrap = &loading->config->bootstrap;
    const struct line_text *lines = value->items;
    bootstrap->sources = ARENA_ARRAY(loading->arena, value->count, const char *);
    bootstrap->source_count = value->count;
    for (uint16_t i = 0; i < value->count; i++) {
        if (!value->is_default &&
            !is_source(lines[i].text)) /* libcurl, which knows URLs, is not loaded for the default */
            return config_refuse(loading, lines[i].line, option->key,
                                 "expected an http, https or file URL that ends with \"/\", got %s",
                                 text_describe(loading->arena, lines[i].text));
        bootstrap->sources[i] = lines[i].text;
    }
    return OK;
}

enum err take_bootstrap_authorities(struct loading *loading, const struct option *option, const struct value *value)
{
    struct bootstrap_options *bootstrap = &loading->config->bootstrap;
    const struct line_text *lines = value->items;
    size_t count = value->is_word ? cms_icann_pin_count : value->count;
    bootstrap->pins = ARENA_ARRAY(loading->arena, count, struct cms_pin);
    bootstrap->pin_count = (uint16_t)count;
    for (size_t i = 0; i < count; i++) {
        if (value->is_word)
            bootstrap->pins[i] = cms_icann_pins[i];
        else if (cms_pin_from_text(lines[i].text, &bootstrap->pins[i]) != OK)
            return config_refuse(loading, lines[i].line, option->key,
                                 "expected the SHA-256 fingerprint of a certificate, got %s",
                                 text_describe(loading->arena, lines[i].text));
    }
    return OK;
}

enum err take_negatives(struct loading *loading, const struct option *option, const struct value *value)
{
    const struct line_negative *negatives = value->items;
    for (uint16_t i = 0; i < value->count; i++) {
        char zone[DNAME_TEXT_MAX];
        if (negatives[i].until_s > now_wall_s(loading->now))
            trust_add_negative(loading->config->trust, &negatives[i].zone, negatives[i].until_s, negatives[i].reason);
        else
            config_warn(loading, negatives[i].line, option->key, "%s is ignored: its end has passed",
                        dname_to_text(&negatives[i].zone, zone));
    }
    return OK;
}

static bool is_resolved(const struct local_zone *local)
{
    return local->kind == LOCAL_TRANSPARENT || local->kind == LOCAL_TYPE_TRANSPARENT;
}

/* Somebody must serve the zone here: for what the public tree serves there are negative trust anchors, which end. */
static bool is_served_here(const struct config *config, const struct dname *zone)
{
    const struct local_zone *nearest = NULL; /* it counts, and those above it do not */
    for (uint16_t i = 0; i < config->local.zone_count; i++) {
        const struct local_zone *local = &config->local.zones[i];
        if (dname_is_subdomain(zone, &local->zone) && (nearest == NULL || local->zone.labels > nearest->zone.labels))
            nearest = local;
    }
    bool is_served = nearest != NULL && !is_resolved(nearest);
    for (uint16_t i = 0; i < config->resolver.zone_rule_count; i++)
        is_served |= dname_is_subdomain(zone, &config->resolver.zone_rules[i].zone);
    return is_served && !dname_is_root(zone);
}

enum err take_least_ttl(struct loading *loading, const struct option *option, const struct value *value)
{
    if (loading->config->resolver.least_ttl_s > loading->config->cache.max_ttl_s)
        config_warn(loading, value->line, option->key, "more than cache.max-ttl, which counts");
    return OK;
}

enum err take_least_negative_ttl(struct loading *loading, const struct option *option, const struct value *value)
{
    if (loading->config->resolver.least_negative_ttl_s > loading->config->cache.max_negative_ttl_s)
        config_warn(loading, value->line, option->key, "more than cache.max-negative-ttl, which counts");
    return OK;
}

enum err take_families(struct loading *loading, const struct option *option, const struct value *value)
{
    const struct resolver_options *resolver = &loading->config->resolver;
    if (!resolver->ask_ipv4 && !resolver->ask_ipv6)
        config_warn(loading, value->line, option->key, "false, as resolver.ask-ipv4: nobody is ever asked");
    return OK;
}

enum err take_insecures(struct loading *loading, const struct option *option, const struct value *value)
{
    const struct line_insecure *insecures = value->items;
    for (uint16_t i = 0; i < value->count; i++) {
        char zone[DNAME_TEXT_MAX];
        if (!is_served_here(loading->config, &insecures[i].zone))
            return config_refuse(loading, insecures[i].line, option->key,
                                 "expected a zone at or below one of resolver.forward, resolver.stub or local.zones "
                                 "(that are not resolved), and not the root, got %s",
                                 dname_to_text(&insecures[i].zone, zone));
        trust_add_insecure(loading->config->trust, &insecures[i].zone, insecures[i].reason);
    }
    return OK;
}
