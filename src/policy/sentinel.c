#include "policy/sentinel.h"

#include <string.h>
#include <strings.h>

#include "message/text.h"

static const char prefix[] = "root-key-sentinel-";

enum { PREFIX_OCTETS = sizeof(prefix) - 1, TAG_DIGITS = 5 };

bool sentinel_is_name(const struct dname *name)
{
    return name->labels > 0 && name->octets[0] >= PREFIX_OCTETS &&
           strncasecmp((const char *)name->octets + 1, prefix, PREFIX_OCTETS) == 0;
}

/* "is-ta-20326" or "not-ta-20326": always five digits (section 2). */
static bool read_claim(const struct dname *name, bool *is_trusted, uint16_t *key_tag)
{
    static const char *const claims[] = { "not-ta-", "is-ta-" };
    if (!sentinel_is_name(name))
        return false;
    struct octets label = dname_label(name, 0);
    const char *rest = (const char *)label.data + PREFIX_OCTETS;
    size_t len = label.len - PREFIX_OCTETS;
    for (size_t i = 0; i < ARRAY_LEN(claims); i++) {
        size_t claim_len = strlen(claims[i]);
        if (len != claim_len + TAG_DIGITS || strncasecmp(rest, claims[i], claim_len) != 0)
            continue;
        uint32_t tag = 0;
        for (size_t at = claim_len; at < len; at++) {
            if (rest[at] < '0' || rest[at] > '9')
                return false;
            tag = tag * 10 + (uint32_t)(rest[at] - '0');
        }
        *is_trusted = i == 1;
        *key_tag = (uint16_t)tag;
        return tag <= UINT16_MAX;
    }
    return false;
}

static bool is_root_key(const struct trust *trust, uint16_t key_tag, struct now now)
{
    uint16_t tags[SIGNALLED_TAGS_MAX];
    size_t count = trust_key_tags(trust, dname_root(), now, tags, SIGNALLED_TAGS_MAX);
    for (size_t i = 0; i < count; i++)
        if (tags[i] == key_tag)
            return true;
    return false;
}

/* Section 3.1: addresses alone, and only where the answer is Secure and validation was wanted. */
bool sentinel_denies(const struct client_query *query, const struct outcome *outcome, const struct trust *trust,
                     struct now now)
{
    bool is_trusted;
    uint16_t key_tag;
    uint16_t qtype = query->question.qtype;
    return (qtype == TYPE_A || qtype == TYPE_AAAA) && !query->header.cd && outcome->security == SECURE &&
           read_claim(&query->question.qname, &is_trusted, &key_tag) && is_root_key(trust, key_tag, now) != is_trusted;
}

const char *sentinel_anchors(const struct trust *trust, struct now now, struct arena *arena)
{
    struct text text = text_new(arena);
    size_t count;
    const struct anchor *anchors = trust_anchors(trust, &count);
    for (size_t i = 0; i < count; i++) {
        char zone[DNAME_TEXT_MAX];
        uint16_t tags[SIGNALLED_TAGS_MAX];
        if (i > 0 && dname_equal(&anchors[i].zone, &anchors[i - 1].zone))
            continue;
        text_printf(&text, "%s%s", i == 0 ? "" : "; ", dname_to_text(&anchors[i].zone, zone));
        size_t tag_count = trust_key_tags(trust, &anchors[i].zone, now, tags, SIGNALLED_TAGS_MAX);
        for (size_t k = 0; k < tag_count; k++)
            text_printf(&text, " %u", tags[k]);
    }
    return text.data;
}
