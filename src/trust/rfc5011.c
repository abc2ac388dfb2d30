#include "trust/rfc5011.h"

#include <stdlib.h>

enum anchor_event { NEW_KEY, KEY_PRES, KEY_REM, ADD_TIME, REV_BIT, REM_TIME, ANCHOR_EVENTS };

/* RFC 5011 section 4: states and events as in its tables.  An empty cell, without a reason, is no change. */
static const struct transition {
    enum anchor_state next;
    const char *why;
} table[ANCHOR_STATES][ANCHOR_EVENTS] = {
    [STATE_START] = {
        [NEW_KEY] = { STATE_ADD_PEND, "new in a validated set: the add hold-down begins" },
    },
    [STATE_ADD_PEND] = {
        [KEY_REM] = { STATE_START, "not in the validated set during the add hold-down: forgotten" },
        [ADD_TIME] = { STATE_VALID, "still in the validated set after the add hold-down" },
    },
    [STATE_VALID] = {
        [KEY_REM] = { STATE_MISSING, "not in the validated set, and not revoked" },
        [REV_BIT] = { STATE_REVOKED, "revoked by itself" },
    },
    [STATE_MISSING] = {
        [KEY_PRES] = { STATE_VALID, "in the validated set again" },
        [REV_BIT] = { STATE_REVOKED, "revoked by itself" },
    },
    [STATE_DOUBTED] = { /* ours: it was trusted once */
        [REV_BIT] = { STATE_REVOKED, "revoked by itself" },
    },
    [STATE_REVOKED] = {
        [REM_TIME] = { STATE_REMOVED, "the remove hold-down is over" },
    },
};

/* ---- keys ---- */

static bool is_revoked(struct octets rdata)
{
    struct dnskey key;
    return dnskey_read(rdata, &key) == OK && (key.flags & DNSKEY_REVOKE) != 0;
}

/* A key's RDATA as it was before it was revoked. */
static struct octets without_revoke(struct octets rdata, struct arena *arena)
{
    struct octets copy = octets_copy(arena, rdata);
    if (copy.len > 1)
        ((uint8_t *)(uintptr_t)copy.data)[1] &= (uint8_t)~DNSKEY_REVOKE;
    return copy;
}

/* What of the set is about one key that is managed, or could be. */
struct sighting {
    struct octets rdata; /* without REVOKE */
    bool is_present;     /* without REVOKE */
    bool is_revoked;     /* with REVOKE, and signed by itself */
    bool signs;
};

struct sightings {
    struct arena *arena;
    struct sighting items[DNSKEYS_PER_ZONE_MAX];
    size_t count;
};

static struct sighting *sighting_of(struct sightings *all, struct octets rdata)
{
    for (size_t i = 0; i < all->count; i++)
        if (octets_equal(all->items[i].rdata, rdata))
            return &all->items[i];
    if (all->count == ARRAY_LEN(all->items))
        return NULL;
    all->items[all->count] = (struct sighting) { .rdata = rdata };
    return &all->items[all->count++];
}

static void look(const struct observation *seen, struct sightings *all)
{
    for (size_t i = 0; i < seen->count; i++) {
        const struct seen_key *key = &seen->keys[i];
        bool revoked = is_revoked(key->rdata);
        struct octets rdata = without_revoke(key->rdata, all->arena);
        if (trust_anchor_fault(TYPE_DNSKEY, rdata) != NULL)
            continue;
        struct sighting *sighting = sighting_of(all, rdata);
        if (sighting == NULL)
            return;
        sighting->is_present = sighting->is_present || !revoked;
        sighting->is_revoked = sighting->is_revoked || (revoked && key->signs); /* section 2.1: self-signed */
        sighting->signs = sighting->signs || (!revoked && key->signs);
    }
}

bool rfc5011_wants_signature(struct managed_zone *zone, struct octets dnskey_rdata)
{
    struct arena *arena = arena_new();
    struct managed_key *key = managed_find_key(zone, TYPE_DNSKEY, without_revoke(dnskey_rdata, arena));
    arena_free(arena);
    return key != NULL && managed_key_is_trusted(key);
}

/* ---- steps ---- */

struct step {
    struct managed_zone *zone;
    int64_t now_s;
    uint32_t original_ttl_s;
    struct anchor_changes *changes;
};

static int64_t hold_down_s(const struct step *step, enum anchor_state state)
{
    switch (state) {
    case STATE_ADD_PEND: /* section 2.4.1 */
        return step->original_ttl_s > ADD_HOLD_DOWN_S ? (int64_t)step->original_ttl_s : ADD_HOLD_DOWN_S;
    case STATE_REVOKED: /* section 2.4.2 */
        return REMOVE_HOLD_DOWN_S;
    default:
        return 0;
    }
}

/* A key that goes back to START stays in its place until forget() comes. */
static void happen(const struct step *step, struct managed_key *key, enum anchor_event event)
{
    const struct transition *transition = &table[key->state][event];
    if (transition->why == NULL)
        return;
    if (step->changes->count < ANCHOR_CHANGES_MAX)
        step->changes->items[step->changes->count++] = (struct anchor_change) {
            .from = key->state,
            .to = transition->next,
            .key_tag = managed_key_tag(key),
            .algorithm = managed_key_algorithm(key),
            .why = transition->why,
        };
    int64_t hold_s = hold_down_s(step, transition->next);
    key->state = transition->next;
    key->since_s = step->now_s;
    key->due_s = hold_s == 0 ? 0 : step->now_s + hold_s;
}

static void forget(struct managed_zone *zone)
{
    for (size_t i = zone->count; i-- > 0;)
        if (zone->keys[i].state == STATE_START)
            managed_drop_key(zone, &zone->keys[i]);
}

static void revoke(const struct step *step, const struct sightings *all)
{
    for (size_t i = 0; i < all->count; i++) {
        if (!all->items[i].is_revoked)
            continue;
        for (size_t k = 0; k < step->zone->count; k++) { /* several DS records may stand for it */
            struct managed_key *key = &step->zone->keys[k];
            if (managed_key_is(step->zone, key, TYPE_DNSKEY, all->items[i].rdata))
                happen(step, key, REV_BIT);
        }
    }
}

static bool is_validated(struct managed_zone *zone, const struct sightings *all)
{
    for (size_t i = 0; i < all->count; i++) {
        const struct managed_key *key = managed_find_key(zone, TYPE_DNSKEY, all->items[i].rdata);
        if (all->items[i].signs && key != NULL && managed_key_is_trusted(key))
            return true;
    }
    return false;
}

/* DS records whose key is in the set become that key. */
static void resolve_digests(struct managed_zone *zone, const struct sightings *all)
{
    for (size_t i = 0; i < all->count; i++) {
        struct managed_key found = { 0 };
        for (size_t k = zone->count; k-- > 0 && all->items[i].is_present;) {
            struct managed_key *key = &zone->keys[k];
            if (key->type != TYPE_DS || !managed_key_is(zone, key, TYPE_DNSKEY, all->items[i].rdata))
                continue;
            found = *key;
            managed_drop_key(zone, key);
        }
        if (found.type != TYPE_DS || managed_find_key(zone, TYPE_DNSKEY, all->items[i].rdata) != NULL)
            continue;
        struct managed_key *key = managed_add_key(zone, TYPE_DNSKEY, all->items[i].rdata); /* one has just gone */
        struct octets rdata = key->rdata;
        *key = found;
        key->type = TYPE_DNSKEY;
        key->rdata = rdata;
    }
}

static void see(const struct step *step, struct managed_key *key, const struct sighting *sighting)
{
    if (key->first_seen_s == 0)
        key->first_seen_s = step->now_s;
    key->last_seen_s = step->now_s;
    key->signs = sighting->signs;
    key->has_signed = key->has_signed || sighting->signs;
    happen(step, key, KEY_PRES);
    if (key->state == STATE_ADD_PEND && step->now_s >= key->due_s)
        happen(step, key, ADD_TIME);
}

/* Only keys with the SEP flag become anchors: section 4.1, NewKey. */
static bool may_be_added(struct octets rdata)
{
    struct dnskey key;
    return dnskey_read(rdata, &key) == OK && (key.flags & DNSKEY_SEP) != 0;
}

static void see_new(const struct step *step, const struct sighting *sighting)
{
    struct managed_key *key = managed_add_key(step->zone, TYPE_DNSKEY, sighting->rdata);
    if (key == NULL)
        return;
    happen(step, key, NEW_KEY);
    see(step, key, sighting);
}

static void see_present(const struct step *step, const struct sightings *all)
{
    for (size_t i = 0; i < all->count; i++) {
        const struct sighting *sighting = &all->items[i];
        if (!sighting->is_present)
            continue;
        struct managed_key *key = managed_find_key(step->zone, TYPE_DNSKEY, sighting->rdata);
        if (key != NULL)
            see(step, key, sighting);
        else if (may_be_added(sighting->rdata))
            see_new(step, sighting);
    }
}

/* A key of the configuration that has never been published yet is not missing. */
static void miss_absent(const struct step *step, struct sightings *all)
{
    for (size_t i = 0; i < step->zone->count; i++) {
        struct managed_key *key = &step->zone->keys[i];
        bool is_present = false;
        for (size_t k = 0; k < all->count; k++)
            is_present = is_present || (all->items[k].is_present && octets_equal(all->items[k].rdata, key->rdata));
        if (is_present || key->first_seen_s == 0)
            continue;
        key->signs = false;
        happen(step, key, KEY_REM);
    }
}

static void end_removals(const struct step *step)
{
    for (size_t i = 0; i < step->zone->count; i++)
        if (step->zone->keys[i].state == STATE_REVOKED && step->now_s >= step->zone->keys[i].due_s)
            happen(step, &step->zone->keys[i], REM_TIME);
}

bool rfc5011_observe(struct managed_zone *zone, const struct observation *seen, int64_t now_s,
                     struct anchor_changes *changes)
{
    struct step step = { zone, now_s, seen->original_ttl_s, changes };
    struct sightings *all = memory_new(1, sizeof(*all));
    all->arena = arena_new();
    changes->count = 0;
    look(seen, all);
    revoke(&step, all); /* before all else: a revoked key vouches for nothing more */
    bool validated = is_validated(zone, all);
    if (validated) {
        resolve_digests(zone, all);
        see_present(&step, all);
        miss_absent(&step, all);
        end_removals(&step);
        forget(zone);
    }
    arena_free(all->arena);
    free(all);
    return validated;
}

/* ---- intervals ---- */

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t between(int64_t value_s, int64_t max_s)
{
    int64_t capped = least(value_s, max_s);
    return capped < REFRESH_S_MIN ? REFRESH_S_MIN : capped;
}

int64_t rfc5011_refresh_interval_s(uint32_t original_ttl_s, int64_t life_s)
{
    return between(least(original_ttl_s / 2, life_s / 2), REFRESH_S_MAX);
}

int64_t rfc5011_retry_interval_s(uint32_t original_ttl_s, int64_t life_s)
{
    return between(least(original_ttl_s / 10, life_s / 10), RETRY_S_MAX);
}
