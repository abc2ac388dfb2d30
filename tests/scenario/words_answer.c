/* Words about clients: who may ask, and what they are told. */

#include "message/coding.h"
#include "message/pref64.h"
#include "tests/scenario/story_words.h"

/* "127.0.0.0/8 allow_snoop".  What else more than "allow" or less than "deny" a client may do is not asked for in these
 * stories. */
static bool add_access(struct mapping *m, const char *value)
{
    struct front_options *front = &m->config.front;
    size_t len = strcspn(value, " ");
    const char *prefix = arena_printf(m->arena, "%.*s", (int)len, value);
    m->names_clients = true;
    if (strncmp(value + len, " refuse", 7) == 0)
        return add_prefix(m, front->refuse, &front->refuse_count, prefix);
    if (strncmp(value + len, " deny", 5) == 0)
        return add_prefix(m, front->ignore, &front->ignore_count, prefix);
    if (strncmp(value + len, " allow", 6) != 0)
        return story_fail(m, "allow, refuse or deny", value + len);
    if (strcmp(value + len, " allow_cookie") == 0 &&
        !add_prefix(m, front->require_cookie, &front->require_cookie_count, prefix))
        return false;
    if (strcmp(value + len, " allow_snoop") == 0 && !add_prefix(m, front->snoop, &front->snoop_count, prefix))
        return false;
    return add_prefix(m, front->allow, &front->allow_count, prefix);
}

/* Who asks beyond it gets no answer. */
static bool set_waiting_max(struct mapping *m, const char *value)
{
    unsigned limit;
    m->config.front.drops_when_busy = true;
    if (!parse_number(m, value, &limit))
        return false;
    m->config.front.waiting_max = limit < FRONT_WAITING_MAX ? (uint16_t)limit : (uint16_t)FRONT_WAITING_MAX;
    return true;
}

/* "hide-…: yes" wins, wherever it stands. */
static bool set_identity(struct mapping *m, const char *value)
{
    m->config.front.identity = value;
    return true;
}

static bool set_version(struct mapping *m, const char *value)
{
    m->config.front.version = value;
    return true;
}

static bool hide_anchors(struct mapping *m, const char *value)
{
    bool hides;
    if (!parse_switch(m, value, &hides))
        return false;
    m->config.front.tells_anchors = !hides;
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
        return story_fail(m, "ascii_ and a text, or hexadecimal digits", value);
    m->config.front.nsid = octets_copy(m->arena, writer_octets(&w));
    return !w.failed || story_fail(m, "a shorter identifier", value);
}

static bool set_cookie_secret(struct mapping *m, const char *value)
{
    struct cookie_options *cookies = &m->config.front.cookies;
    struct writer w = writer_of(cookies->secrets[0].octets, SIPHASH_KEY_OCTETS);
    cookies->secret_count = 1;
    return (hex_decode((struct octets) { (const uint8_t *)value, strlen(value) }, &w) && w.len == SIPHASH_KEY_OCTETS) ||
           story_fail(m, "32 hexadecimal digits", value);
}

static bool set_sentinel(struct mapping *m, const char *value)
{
    m->config.retelling.sentinel = !is_no(value);
    return true;
}

static bool set_dns64_prefix(struct mapping *m, const char *value)
{
    struct dns64 *dns64 = &m->config.retelling.dns64;
    dns64->is_on = true;
    return pref64_from_text(value, &dns64->prefix) == OK || story_fail(m, "a prefix for DNS64", value);
}

static bool add_dns64_ignored(struct mapping *m, const char *value)
{
    struct dns64 *dns64 = &m->config.retelling.dns64;
    if (dns64->ignored_count == STORY_LIST_MAX)
        return story_fail(m, "fewer names", value);
    return parse_name(m, value, &dns64->ignored[dns64->ignored_count++]);
}

/* IPv6 addresses are made for all names. */
static bool set_dns64_all(struct mapping *m, const char *value)
{
    return is_no(value) || add_dns64_ignored(m, ".");
}

static bool add_private_address(struct mapping *m, const char *value)
{
    struct rebinding *rebinding = &m->config.retelling.rebinding;
    return add_prefix(m, rebinding->networks, &rebinding->network_count, value);
}

static bool add_private_domain(struct mapping *m, const char *value)
{
    struct rebinding *rebinding = &m->config.retelling.rebinding;
    if (rebinding->allowed_count == STORY_LIST_MAX)
        return story_fail(m, "fewer names", value);
    return parse_name(m, value, &rebinding->allowed[rebinding->allowed_count++]);
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
    m->config.needs = "features of another program";
    return true;
}

/* ---- the table ---- */

static const struct word words[] = {
    { "access-control", .apply = add_access },
    { "num-queries-per-thread", .apply = set_waiting_max },
    { "deny-any", SWITCH(config.front.denies_any) },
    { "ignore-cd-flag", SWITCH(config.front.ignores_cd) },
    { "max-udp-size", SHORT(config.answers.edns_octets) }, /* ours is one limit for what is offered and what is sent */
    { "answer-cookie", SWITCH(config.front.cookies.enabled) },
    { "cookie-secret", .apply = set_cookie_secret },
    { "edns-tcp-keepalive", SWITCH(config.keepalive) },
    { "edns-tcp-keepalive-timeout", NUMBER(config.keepalive_ms) },
    { "nsid", .apply = set_nsid },
    { "identity", .apply = set_identity },
    { "version", .apply = set_version },
    { "hide-identity", SWITCH(hides_identity) },
    { "hide-version", SWITCH(hides_version) },
    { "hide-trustanchor", .apply = hide_anchors },
    { "root-key-sentinel", .apply = set_sentinel },
    { "dns64-prefix", .apply = set_dns64_prefix },
    { "dns64-synthall", .apply = set_dns64_all },
    { "dns64-ignore-aaaa", .apply = add_dns64_ignored },
    { "private-address", .apply = add_private_address },
    { "private-domain", .apply = add_private_domain },
    { "features", .apply = set_features },
    { "feature-list", .apply = set_features },
};

const struct word_list answer_words = { words, ARRAY_LEN(words) };
