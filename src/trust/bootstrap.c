#include "trust/bootstrap.h"

/* The managed key that it speaks of; NULL: none. */
static struct managed_key *find_key(struct managed_zone *zone, const struct key_digest *item)
{
    for (size_t i = 0; i < zone->count; i++)
        if (key_digest_is_of(item, zone->keys[i].type, zone->keys[i].rdata))
            return &zone->keys[i];
    return NULL;
}

static bool is_final(const struct managed_key *key)
{
    return key->state == STATE_REVOKED || key->state == STATE_REMOVED;
}

static bool may_be_used(struct managed_zone *zone, const struct key_digest *item, int64_t now_s)
{
    const struct managed_key *key = find_key(zone, item);
    return key_digest_is_current(item, now_s) && (key == NULL || !is_final(key));
}

static bool signs(const struct key_digest *item, const struct observation *live)
{
    struct dnskey key;
    for (size_t i = 0; i < live->count; i++)
        if (live->keys[i].signs && dnskey_read(live->keys[i].rdata, &key) == OK && (key.flags & DNSKEY_REVOKE) == 0 &&
            key_digest_is_of(item, TYPE_DNSKEY, live->keys[i].rdata))
            return true;
    return false;
}

static const char *find_fault(struct managed_zone *zone, const struct root_anchors *xml, const struct observation *live,
                              int64_t now_s)
{
    size_t usable = 0, signing = 0;
    for (size_t i = 0; i < xml->count; i++) {
        if (!may_be_used(zone, &xml->items[i], now_s))
            continue;
        usable++;
        signing += signs(&xml->items[i], live);
    }
    if (usable == 0)
        return "no key of root-anchors.xml is valid now and neither revoked nor removed";
    return signing == 0 ? "no key of root-anchors.xml signs the root's DNSKEY set" : NULL;
}

static void adopt(struct managed_zone *zone, const struct key_digest *item, int64_t now_s,
                  struct anchor_changes *changes)
{
    struct managed_key *key = find_key(zone, item);
    enum anchor_state before = key == NULL ? STATE_START : key->state;
    struct anchor anchor = key_digest_anchor(item);
    if (key != NULL && managed_key_is_trusted(key))
        return;
    if (key == NULL)
        key = managed_add_key(zone, anchor.type, anchor.rdata);
    if (key == NULL || changes->count == ANCHOR_CHANGES_MAX)
        return;
    key->state = STATE_VALID;
    key->source = ANCHOR_XML;
    key->since_s = now_s;
    key->due_s = 0;
    changes->items[changes->count++] = (struct anchor_change) {
        before,
        STATE_VALID,
        managed_key_tag(key),
        managed_key_algorithm(key),
        "in root-anchors.xml, and that validates the published DNSKEY set",
    };
}

bool bootstrap_adopt(struct managed_zone *zone, const struct root_anchors *xml, const struct observation *live,
                     int64_t now_s, struct anchor_changes *changes, const char **fault)
{
    changes->count = 0;
    *fault = find_fault(zone, xml, live, now_s);
    if (*fault != NULL)
        return false;
    for (size_t i = 0; i < xml->count; i++)
        if (may_be_used(zone, &xml->items[i], now_s))
            adopt(zone, &xml->items[i], now_s, changes);
    bootstrap_bound(zone, xml);
    return true;
}

void bootstrap_bound(struct managed_zone *zone, const struct root_anchors *xml)
{
    for (size_t i = 0; i < xml->count; i++) {
        struct managed_key *key = find_key(zone, &xml->items[i]);
        if (key == NULL)
            continue;
        key->valid_until_s = xml->items[i].valid_until_s;
        if (key->source == ANCHOR_XML)
            key->valid_from_s = xml->items[i].valid_from_s;
    }
}
