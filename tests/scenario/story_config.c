#include "tests/scenario/story_config.h"

#include <stdlib.h>

#include "message/pref64.h"
#include "tests/scenario/story_words.h"

enum {
    CACHE_OCTETS = 8 << 20,
    OCTETS_OLD = 4096, /* over UDP, before DNS Flag Day 2020 */
    KEEPALIVE_MS = 10000,
    UNBOUND_TTL_S_MAX = 86400,
    UNBOUND_NEGATIVE_TTL_S_MAX = 3600,
    UNBOUND_DNAME_GRACE_S = 2, /* one, and the second in which that ends */
    START_S = 1577836800,      /* 2020-01-01, for stories that name no time */
};

/* ---- before the first word ---- */

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
    resolver->query_private = ARENA_ARRAY(arena, STORY_LIST_MAX, struct prefix);
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

static void begin_resolver(struct arena *arena, bool is_unbounds, struct resolver_options *resolver)
{
    *resolver = resolver_options_default(arena);
    resolver->prime_root = is_unbounds; /* Deckard's stories have no answer to priming */
    resolver->random_case = false;      /* entries that do not copy the question have their own case */
    resolver->special_use_names = false;
    resolver->cookies = false; /* told packets cannot repeat what is random */
    resolver->edns_octets = OCTETS_OLD;
    resolver->minimisation_type = is_unbounds ? TYPE_A : TYPE_NS;
    resolver->minimisation_hides_type = is_unbounds;
    resolver->shows_ns = !is_unbounds;
    resolver->query_never = ARENA_ARRAY(arena, STORY_LIST_MAX, struct prefix);
    resolver->client_strings = ARENA_ARRAY(arena, STORY_LIST_MAX, struct client_string);
    resolver->zone_rules = ARENA_ARRAY(arena, ZONE_RULES_MAX, struct zone_rule);
    resolver->zone_rule_count = 0;
    resolver->case_except = ARENA_ARRAY(arena, STORY_LIST_MAX, struct dname);
    allow_all_but_loopback(arena, resolver);
}

static struct cache_options begin_cache(bool is_unbounds)
{
    struct cache_options cache = cache_options_default();
    cache.size_octets = CACHE_OCTETS;
    cache.max_ttl_s = is_unbounds ? UNBOUND_TTL_S_MAX : TTL_S_MAX;
    if (is_unbounds)
        cache.max_negative_ttl_s = UNBOUND_NEGATIVE_TTL_S_MAX;
    cache.file = NULL;
    return cache;
}

static struct front_options begin_front(struct arena *arena)
{
    return (struct front_options) {
        .tells_anchors = true,
        .waiting_max = FRONT_WAITING_MAX,
        .allow = ARENA_ARRAY(arena, STORY_LIST_MAX, struct prefix),
        .refuse = ARENA_ARRAY(arena, STORY_LIST_MAX, struct prefix),
        .ignore = ARENA_ARRAY(arena, STORY_LIST_MAX, struct prefix),
        .snoop = ARENA_ARRAY(arena, STORY_LIST_MAX, struct prefix),
        .require_cookie = ARENA_ARRAY(arena, STORY_LIST_MAX, struct prefix),
    };
}

static void begin_retelling(struct arena *arena, struct retelling_options *retelling)
{
    retelling->sentinel = true;
    if (pref64_from_text(pref64_well_known, &retelling->dns64.prefix) != OK)
        abort();
    retelling->dns64.ignored = ARENA_ARRAY(arena, STORY_LIST_MAX, struct dname);
    retelling->rebinding.networks = ARENA_ARRAY(arena, STORY_LIST_MAX, struct prefix);
    retelling->rebinding.allowed = ARENA_ARRAY(arena, STORY_LIST_MAX, struct dname);
}

static void begin(struct mapping *m, const struct story *story)
{
    bool is_unbounds = story->has_sections;
    m->config = (struct story_config) {
        .answers = { .edns_octets = is_unbounds ? UDP_OCTETS_DEFAULT : OCTETS_OLD,
                     .minimal = is_unbounds,
                     .ede = true },
        .cache = begin_cache(is_unbounds),
        .front = begin_front(m->arena),
        .trust = trust_new(),
        .start_ms = is_unbounds ? 0 : (int64_t)START_S * 1000,
        .unanswered_fails = !is_unbounds,
        .keepalive_ms = KEEPALIVE_MS,
    };
    begin_resolver(m->arena, is_unbounds, &m->config.resolver);
    begin_retelling(m->arena, &m->config.retelling);
    local_data_init(m->arena, &m->config.local, STORY_LIST_MAX);
    m->config.local.zones = ARENA_ARRAY(m->arena, ZONE_RULES_MAX, struct local_zone);
    if (is_unbounds && !is_ours(story))
        do_as_unbound(&m->config);
}

/* ---- word by word ---- */

static const struct word *find_in(const struct word_list *list, const char *key)
{
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->words[i].key, key) == 0)
            return &list->words[i];
    return NULL;
}

static bool find_word(struct arena *arena, const char *key, struct word *word)
{
    static const struct word_list *const lists[] = {
        &validation_words, &resolver_words, &answer_words, &zone_words, &other_words,
    };
    for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
        const struct word *found = find_in(lists[i], key);
        if (found == NULL)
            continue;
        *word = *found;
        return true;
    }
    return foreign_word(arena, key, word);
}

static bool apply_setting(struct mapping *m, const struct story_setting *setting)
{
    struct word word;
    if (!find_word(m->arena, setting->key, &word))
        return story_fail(m, "a word of the table", setting->key);
    void *field = (char *)m + word.field;
    switch (word.kind) {
    case WORD_SWITCH:
        return parse_switch(m, setting->value, field);
    case WORD_NUMBER:
        return parse_number(m, setting->value, field);
    case WORD_SHORT:
        return parse_short(m, setting->value, field);
    case WORD_OTHER:
        break;
    }
    if (word.apply != NULL)
        return word.apply(m, setting->value);
    if (word.needs != NULL && !is_no(setting->value) && m->config.needs == NULL)
        m->config.needs = word.needs;
    return true;
}

/* ---- after the last word ---- */

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
    m->config.resolver.root_hints = hints;
}

static void take_root_hints(struct mapping *m)
{
    struct resolver_options *resolver = &m->config.resolver;
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
    m->config.start_ms = (int64_t)start_s * 1000;
}

/* Their snapshot is the story's trust.  Such stories name no date and begin at the epoch. */
static void use_managed(struct mapping *m)
{
    struct story_config *config = &m->config;
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
        m->config.needs = "files";
}

/* Without a prefix of its own it is that of DNS64, or the well-known one (RFC 6052 section 2.1). */
static void finish_nat64(struct mapping *m)
{
    struct prefix *prefix = &m->config.resolver.nat64;
    if (!m->uses_nat64)
        prefix->address.family = 0;
    else if (prefix->address.family == 0 && m->config.retelling.dns64.is_on)
        *prefix = m->config.retelling.dns64.prefix;
    else if (prefix->address.family == 0)
        set_nat64_prefix(m, pref64_well_known);
}

static void finish(struct mapping *m, const struct story *story)
{
    finish_nat64(m);
    if (m->config.managed != NULL)
        use_managed(m);
    take_root_hints(m);
    const struct local_zone *twice;
    if (!local_data_sort(&m->config.local, &twice))
        m->config.needs = "a zone that is two local zones";
    if (m->starts_with_signatures)
        start_with_signatures(m, story);
    struct front_options *front = &m->config.front;
    if (!m->names_clients && prefix_from_text("127.0.0.0/8", &front->allow[0]) == OK)
        front->allow_count = 1;
    if (m->hides_identity)
        front->identity = NULL;
    if (m->hides_version)
        front->version = NULL;
    if (!m->validates) {
        trust_free(m->config.trust);
        m->config.trust = trust_new();
    }
    make_policy(m);
}

/* ---- the whole ---- */

enum err story_configure(struct arena *arena, const struct story *story, struct story_config *config,
                         const char **error)
{
    struct mapping m = { .arena = arena, .validates = true, .may_fake = story->has_sections };
    const struct story_setting *setting;
    begin(&m, story);
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
    *config = m.config;
    return *error == NULL ? OK : ERR_FORMAT;
}

void story_config_free(struct story_config *config)
{
    trust_free(config->trust);
    managed_free(config->managed);
}
