/* Words about validation: trust anchors, the time, what counts as signed. */
#include <stdlib.h>
#include <time.h>

#include "tests/scenario/story_anchors.h"
#include "tests/scenario/story_words.h"

static bool set_validating(struct mapping *m, const char *value)
{
    static const char *const lacking[] = { "subnetcache", "cachedb", "ipsecmod", "ipset", "python", "dynlib" };
    m->validates = strstr(value, "validator") != NULL;
    m->config.retelling.dns64.is_on |= strstr(value, "dns64") != NULL;
    for (size_t i = 0; i < ARRAY_LEN(lacking); i++)
        if (strstr(value, lacking[i]) != NULL)
            m->config.needs = "modules of another program";
    return true;
}

static bool add_anchor(struct mapping *m, const char *value)
{
    size_t added;
    char *error = NULL;
    if (trust_add_text(m->config.trust, value, strlen(value), ANCHOR_CONFIGURED, &added, &error) != OK) {
        story_fail(m, error == NULL ? "a trust anchor" : arena_strdup(m->arena, error), value);
        free(error);
        return false;
    }
    look_for_dsa(m, m->config.trust);
    return true;
}

static bool add_managed(struct mapping *m, const char *value)
{
    const char *error = NULL;
    if (m->config.managed == NULL)
        m->config.managed = managed_new();
    return story_anchors_load(m->arena, m->config.managed, value, &error) || story_fail(m, "trust anchors", error);
}

static bool add_insecure(struct mapping *m, const char *value)
{
    struct dname name;
    if (!parse_name(m, value, &name))
        return false;
    trust_add_insecure(m->config.trust, &name, "domain-insecure");
    return true;
}

static bool set_timestamp(struct mapping *m, const char *value)
{
    uint32_t seconds;
    m->has_date = true;
    if (!parse_number(m, value, &seconds))
        return false;
    m->config.start_ms = (int64_t)seconds * 1000;
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
        return story_fail(m, "a date such as 20070916134226, or seconds", value);
    m->config.start_ms = (int64_t)timegm(&date) * 1000;
    return true;
}

/* ---- the table ---- */

static const struct word words[] = {
    { "module-config", .apply = set_validating },
    { "trust-anchor", .apply = add_anchor },
    { "AUTOTRUST_FILE", .apply = add_managed },
    { "domain-insecure", .apply = add_insecure },
    { "val-override-date", .apply = set_date },
    { "val-override-timestamp", .apply = set_timestamp },
    { "fake-sha1", SWITCH(fakes_sha1) },
    { "fake-dsa", SWITCH(fakes_dsa) },
    { "val-nsec3-keysize-iterations", .why = "the limit is 150 in all stories" },
    { "val-max-restart", .why = "tuning of an implementation, no rule of the protocol" },
    { "val-bogus-ttl", NUMBER(config.cache.max_bogus_ttl_s) },
    { "harden-algo-downgrade", SWITCH(demands_all) },
    { "trust-anchor-signaling", .why = "signals are not sent in stories" },
};

const struct word_list validation_words = { words, ARRAY_LEN(words) };
