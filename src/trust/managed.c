#include "trust/managed.h"

#include <assert.h>
#include <stdlib.h>

#include "crypto/verify.h"

const char *anchor_state_text(enum anchor_state state)
{
    static const char *const texts[ANCHOR_STATES] = {
        [STATE_START] = "START",     [STATE_ADD_PEND] = "ADDPEND", [STATE_VALID] = "VALID",
        [STATE_MISSING] = "MISSING", [STATE_REVOKED] = "REVOKED",  [STATE_REMOVED] = "REMOVED",
        [STATE_DOUBTED] = "DOUBTED",
    };
    return texts[state];
}

/* ---- the set ---- */

struct managed *managed_new(void)
{
    return memory_new(1, sizeof(struct managed));
}

static void zone_clear(struct managed_zone *zone)
{
    while (zone->count > 0)
        managed_drop_key(zone, &zone->keys[zone->count - 1]);
    free(zone->keys);
}

void managed_free(struct managed *managed)
{
    if (managed == NULL)
        return;
    for (size_t i = 0; i < managed->count; i++)
        zone_clear(&managed->zones[i]);
    free(managed->zones);
    free(managed);
}

struct managed_zone *managed_find(struct managed *managed, const struct dname *zone)
{
    for (size_t i = 0; i < managed->count; i++)
        if (dname_equal(&managed->zones[i].zone, zone))
            return &managed->zones[i];
    return NULL;
}

struct managed_zone *managed_add_zone(struct managed *managed, const struct dname *zone)
{
    struct managed_zone *found = managed_find(managed, zone);
    if (found != NULL)
        return found;
    managed->zones = memory_resize(managed->zones, managed->count + 1, sizeof(managed->zones[0]));
    found = &managed->zones[managed->count++];
    *found = (struct managed_zone) { .zone = *zone };
    return found;
}

static void drop_zone(struct managed *managed, struct managed_zone *zone)
{
    zone_clear(zone);
    *zone = managed->zones[--managed->count];
}

/* ---- keys ---- */

bool managed_key_is(const struct managed_zone *zone, const struct managed_key *key, uint16_t type, struct octets rdata)
{
    if (key->type == type)
        return octets_equal(key->rdata, rdata);
    return type == TYPE_DS ? ds_is_of_key(rdata, &zone->zone, key->rdata)
                           : ds_is_of_key(key->rdata, &zone->zone, rdata);
}

struct managed_key *managed_find_key(struct managed_zone *zone, uint16_t type, struct octets rdata)
{
    for (size_t i = 0; i < zone->count; i++)
        if (managed_key_is(zone, &zone->keys[i], type, rdata))
            return &zone->keys[i];
    return NULL;
}

static struct octets copy_rdata(struct octets rdata)
{
    uint8_t *copy = memory_new(1, rdata.len);
    memcpy(copy, rdata.data, rdata.len);
    return (struct octets) { copy, rdata.len };
}

struct managed_key *managed_add_key(struct managed_zone *zone, uint16_t type, struct octets rdata)
{
    if (zone->count == MANAGED_KEYS_MAX)
        return NULL;
    zone->keys = memory_resize(zone->keys, zone->count + 1, sizeof(zone->keys[0]));
    struct managed_key *key = &zone->keys[zone->count++];
    *key = (struct managed_key) {
        .type = type,
        .rdata = copy_rdata(rdata),
        .source = ANCHOR_STORE,
        .valid_from_s = INT64_MIN,
        .valid_until_s = INT64_MAX,
    };
    return key;
}

void managed_drop_key(struct managed_zone *zone, struct managed_key *key)
{
    free((void *)(uintptr_t)key->rdata.data);
    size_t behind = (size_t)(&zone->keys[--zone->count] - key);
    memmove(key, key + 1, behind * sizeof(*key));
}

uint16_t managed_key_tag(const struct managed_key *key)
{
    struct ds ds;
    if (key->type == TYPE_DNSKEY)
        return dnskey_tag(key->rdata);
    return ds_read(key->rdata, &ds) == OK ? ds.key_tag : 0;
}

uint8_t managed_key_algorithm(const struct managed_key *key)
{
    struct ds ds;
    struct dnskey dnskey;
    if (key->type == TYPE_DNSKEY)
        return dnskey_read(key->rdata, &dnskey) == OK ? dnskey.algorithm : 0;
    return ds_read(key->rdata, &ds) == OK ? ds.algorithm : 0;
}

size_t managed_zone_trusted(const struct managed_zone *zone)
{
    size_t trusted = 0;
    for (size_t i = 0; i < zone->count; i++)
        trusted += managed_key_is_trusted(&zone->keys[i]);
    return trusted;
}

size_t managed_zone_doubted(const struct managed_zone *zone)
{
    size_t doubted = 0;
    for (size_t i = 0; i < zone->count; i++)
        doubted += zone->keys[i].state == STATE_DOUBTED;
    return doubted;
}

static void set_state(struct managed_key *key, enum anchor_state state, int64_t now_s)
{
    key->state = state;
    key->since_s = now_s;
    key->due_s = 0;
}

void managed_doubt(struct managed_zone *zone, int64_t now_s)
{
    for (size_t i = 0; i < zone->count; i++)
        if (managed_key_is_trusted(&zone->keys[i]))
            set_state(&zone->keys[i], STATE_DOUBTED, now_s);
}

void managed_trust_doubted(struct managed_zone *zone, int64_t now_s)
{
    for (size_t i = 0; i < zone->count; i++)
        if (zone->keys[i].state == STATE_DOUBTED)
            set_state(&zone->keys[i], STATE_VALID, now_s);
}

const char *managed_key_stage(const struct managed_key *key)
{
    switch (key->state) {
    case STATE_START:
    case STATE_DOUBTED:
        break;
    case STATE_ADD_PEND:
        return "published";
    case STATE_VALID:
        if (key->first_seen_s == 0)
            break;
        return key->signs ? "active" : key->has_signed ? "retired" : "ready";
    case STATE_MISSING:
    case STATE_REMOVED:
    case ANCHOR_STATES:
        return "removed";
    case STATE_REVOKED:
        return "revoked";
    }
    return "generated";
}

/* ---- the operator's word ---- */

static bool is_final(const struct managed_key *key)
{
    return key->state == STATE_REVOKED || key->state == STATE_REMOVED;
}

static const struct anchor *find_configured(const struct trust *configured, const struct managed_zone *zone,
                                            const struct managed_key *key)
{
    size_t count;
    const struct anchor *anchor = trust_anchors(configured, &count);
    for (; count > 0; count--, anchor++)
        if (dname_equal(&anchor->zone, &zone->zone) && managed_key_is(zone, key, anchor->type, anchor->rdata))
            return anchor;
    return NULL;
}

static bool is_configured(enum anchor_source source)
{
    return source != ANCHOR_STORE && source != ANCHOR_ORDERED && source != ANCHOR_XML;
}

/* Of the zone's keys, those that rest on a configuration that has changed. */
static void drop_forsaken(struct managed_zone *zone, const struct trust *configured)
{
    bool is_known = false;
    for (size_t i = zone->count; i-- > 0;) {
        struct managed_key *key = &zone->keys[i];
        bool is_named = find_configured(configured, zone, key) != NULL;
        is_known = is_known || is_named || (key->source == ANCHOR_ORDERED && !is_final(key));
        if (!is_named && is_configured(key->source) && !is_final(key))
            managed_drop_key(zone, key);
    }
    for (size_t i = zone->count; i-- > 0 && !is_known;)
        if (!is_final(&zone->keys[i]))
            managed_drop_key(zone, &zone->keys[i]);
}

static void take_anchor(struct managed *managed, const struct anchor *anchor, int64_t now_s)
{
    struct managed_zone *zone = managed_add_zone(managed, &anchor->zone);
    struct managed_key *key = managed_find_key(zone, anchor->type, anchor->rdata);
    if (key == NULL)
        key = managed_add_key(zone, anchor->type, anchor->rdata);
    if (key == NULL || is_final(key))
        return;
    key->source = anchor->source;
    key->valid_from_s = anchor->valid_from_s;
    key->valid_until_s = anchor->valid_until_s;
    if (!managed_key_is_trusted(key) && key->state != STATE_DOUBTED)
        set_state(key, STATE_VALID, now_s);
}

void managed_merge(struct managed *managed, const struct trust *configured, int64_t now_s)
{
    size_t count;
    const struct anchor *anchor = trust_anchors(configured, &count);
    for (size_t i = managed->count; i-- > 0;) {
        drop_forsaken(&managed->zones[i], configured);
        if (managed->zones[i].count == 0)
            drop_zone(managed, &managed->zones[i]);
    }
    for (; count > 0; count--, anchor++)
        take_anchor(managed, anchor, now_s);
}

/* ---- the snapshot ---- */

static void add_key(struct trust *trust, const struct managed_zone *zone, const struct managed_key *key,
                    int64_t valid_until_s)
{
    struct anchor anchor = {
        .zone = zone->zone,
        .type = key->type,
        .rdata = key->rdata,
        .source = key->source,
        .valid_from_s = key->valid_from_s,
        .valid_until_s = valid_until_s,
    };
    enum err err = trust_add_anchor(trust, &anchor);
    assert(err == OK); /* it came out of a configuration or a validated set, without REVOKE */
    (void)err;
}

/* Is the zone the operator's still, though none of its keys can be trusted any more? */
static bool is_lost(const struct managed_zone *zone, const struct trust *configured)
{
    bool is_named = false;
    for (size_t i = 0; i < zone->count; i++)
        is_named = is_named || find_configured(configured, zone, &zone->keys[i]) != NULL;
    return is_named && managed_zone_trusted(zone) == 0;
}

struct trust *managed_snapshot(const struct managed *managed, const struct trust *configured)
{
    struct trust *trust = trust_copy_exceptions(configured);
    for (size_t i = 0; i < managed->count; i++) {
        const struct managed_zone *zone = &managed->zones[i];
        bool fails_closed = dname_is_root(&zone->zone) && is_lost(zone, configured);
        for (size_t k = 0; k < zone->count; k++) {
            const struct managed_key *key = &zone->keys[k];
            if (managed_key_is_trusted(key))
                add_key(trust, zone, key, key->valid_until_s);
            else if (fails_closed && (is_final(key) || key->state == STATE_DOUBTED))
                add_key(trust, zone, key, INT64_MIN); /* covers, and is not usable */
        }
    }
    return trust;
}
