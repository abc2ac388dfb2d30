#include "tests/scenario/story_anchors.h"

#include <stdio.h>
#include <stdlib.h>

#include "message/master.h"
#include "trust/rfc5011.h"

enum {
    KEEP_MISSING_S = 366 * 86400, /* Unbound forgets a key that has been missing for so long; RFC 5011 never does */
    STATE_TEXT_NONE = -1,
};

/* A line of the file that is a record. */
struct told_key {
    struct dname zone;
    uint16_t type;
    struct octets rdata; /* without REVOKE; in the arena */
    int state;           /* Unbound numbers them as we do; STATE_TEXT_NONE: not told */
    int64_t since_s;
};

struct told_keys {
    struct told_key items[2 * MANAGED_KEYS_MAX];
    size_t count;
};

/* ---- reading ---- */

/* The number behind a word such as ";;state="; `otherwise` if it is not there, or is no number. */
static int64_t number_behind(const char *text, const char *word, int64_t otherwise)
{
    const char *found = strstr(text, word);
    if (found == NULL)
        return otherwise;
    found += strlen(word);
    found += strspn(found, " $\t{");
    char *end;
    long long value = strtoll(found, &end, 10);
    return end == found ? otherwise : value;
}

/* Only keys with the SEP flag, and DS records, are trust points (RFC 5011 section 4.1). */
static bool is_trust_point(const struct master_record *record)
{
    struct dnskey key;
    if (record->type == TYPE_DS)
        return true;
    return record->type == TYPE_DNSKEY && dnskey_read(record->rdata, &key) == OK && (key.flags & DNSKEY_SEP) != 0;
}

static struct octets without_revoke(struct arena *arena, const struct master_record *record)
{
    struct octets copy = octets_copy(arena, record->rdata);
    if (record->type == TYPE_DNSKEY)
        ((uint8_t *)(uintptr_t)copy.data)[1] &= (uint8_t)~DNSKEY_REVOKE;
    return copy;
}

static bool read_line(struct arena *arena, const char *line, struct told_keys *keys, const char **error)
{
    struct master_record record;
    struct master *master = master_new(line, strlen(line), NULL);
    enum err err = master_next(master, &record);
    if (err == OK && is_trust_point(&record) && keys->count < ARRAY_LEN(keys->items))
        keys->items[keys->count++] = (struct told_key) {
            .zone = record.owner,
            .type = record.type,
            .rdata = without_revoke(arena, &record),
            .state = (int)number_behind(line, ";;state=", STATE_TEXT_NONE),
            .since_s = number_behind(line, ";;lastchange=", 0),
        };
    else if (err == ERR_FORMAT)
        *error = arena_strdup(arena, master_error(master));
    master_free(master);
    return err != ERR_FORMAT;
}

static bool read_keys(struct arena *arena, const char *text, struct told_keys *keys, const char **error)
{
    bool is_good = true;
    keys->count = 0;
    while (is_good && *text != '\0') {
        size_t len = strcspn(text, "\n");
        is_good = read_line(arena, arena_printf(arena, "%.*s", (int)len, text), keys, error);
        text += len + (text[len] == '\n');
    }
    return is_good;
}

/* ---- loading ---- */

static int64_t due_s(const struct told_key *told)
{
    return told->state == STATE_ADD_PEND  ? told->since_s + ADD_HOLD_DOWN_S
           : told->state == STATE_REVOKED ? told->since_s + REMOVE_HOLD_DOWN_S
                                          : 0;
}

static bool add_key(struct managed *managed, const struct told_key *told, const char **error)
{
    struct managed_zone *zone = managed_add_zone(managed, &told->zone);
    struct managed_key *key = managed_add_key(zone, told->type, told->rdata);
    *error = key == NULL ? "too many keys" : told->state >= ANCHOR_STATES ? "no such state" : NULL;
    if (*error != NULL)
        return false;
    key->source = ANCHOR_ORDERED; /* whoever writes such a file trusts it */
    key->state = told->state == STATE_TEXT_NONE ? STATE_VALID : (enum anchor_state)told->state;
    key->since_s = told->since_s;
    key->first_seen_s = told->since_s;
    key->last_seen_s = told->since_s;
    key->due_s = due_s(told);
    return true;
}

static void set_timers(struct managed_zone *zone, const char *text)
{
    zone->asked_s = number_behind(text, ";;last_queried:", 0);
    zone->refreshed_s = number_behind(text, ";;last_success:", 0);
    zone->next_s = number_behind(text, ";;next_probe_time:", 0);
    zone->retry_s = number_behind(text, ";;retry_time:", 0);
    zone->failures = (uint32_t)number_behind(text, ";;query_failed:", 0);
}

bool story_anchors_load(struct arena *arena, struct managed *managed, const char *text, const char **error)
{
    struct told_keys *keys = ARENA_NEW(arena, struct told_keys);
    if (!read_keys(arena, text, keys, error))
        return false;
    for (size_t i = 0; i < keys->count; i++)
        if (!add_key(managed, &keys->items[i], error))
            return false;
    for (size_t i = 0; i < keys->count; i++)
        set_timers(managed_find(managed, &keys->items[i].zone), text);
    return true;
}

/* ---- comparing ---- */

static const char *difference_of(struct arena *arena, struct managed *managed, const struct told_key *told)
{
    struct managed_zone *zone = managed_find(managed, &told->zone);
    const struct managed_key *key = zone == NULL ? NULL : managed_find_key(zone, told->type, told->rdata);
    struct managed_key as_told = { .type = told->type, .rdata = told->rdata };
    if (told->state < 0 || told->state >= ANCHOR_STATES)
        return "a key without a state is expected";
    if (key != NULL && key->state == (enum anchor_state)told->state)
        return NULL;
    return arena_printf(arena, "key %u: expected %s, got %s", managed_key_tag(&as_told),
                        anchor_state_text((enum anchor_state)told->state),
                        key == NULL ? "none" : anchor_state_text(key->state));
}

static bool is_told(const struct managed_zone *zone, const struct managed_key *key, const struct told_keys *keys)
{
    for (size_t i = 0; i < keys->count; i++)
        if (dname_equal(&keys->items[i].zone, &zone->zone) &&
            managed_key_is(zone, key, keys->items[i].type, keys->items[i].rdata))
            return true;
    return false;
}

static bool may_be_left_out(const struct managed_key *key, int64_t now_s)
{
    return key->state == STATE_REMOVED || (key->state == STATE_MISSING && now_s - key->since_s > KEEP_MISSING_S);
}

static const char *surplus_of(struct arena *arena, const struct managed_zone *zone, const struct told_keys *keys,
                              int64_t now_s)
{
    for (size_t i = 0; i < zone->count; i++) {
        const struct managed_key *key = &zone->keys[i];
        if (!is_told(zone, key, keys) && !may_be_left_out(key, now_s))
            return arena_printf(arena, "key %u: expected none, got %s", managed_key_tag(key),
                                anchor_state_text(key->state));
    }
    return NULL;
}

/* ";;id: example.com. 1": a file is about one zone. */
static struct managed_zone *zone_of_file(struct managed *managed, const char *text)
{
    struct dname name;
    char buffer[DNAME_TEXT_MAX];
    const char *id = strstr(text, ";;id: ");
    if (id == NULL || snprintf(buffer, sizeof(buffer), "%.*s", (int)strcspn(id + 6, " \n"), id + 6) < 0)
        return NULL;
    return dname_from_text(buffer, &name) == OK ? managed_find(managed, &name) : NULL;
}

const char *story_anchors_difference(struct arena *arena, struct managed *managed, const char *text, int64_t now_s)
{
    struct told_keys *keys = ARENA_NEW(arena, struct told_keys);
    const char *difference = NULL;
    if (!read_keys(arena, text, keys, &difference))
        return difference;
    for (size_t i = 0; i < keys->count && difference == NULL; i++)
        difference = difference_of(arena, managed, &keys->items[i]);
    const struct managed_zone *zone = zone_of_file(managed, text);
    if (difference == NULL && zone != NULL)
        difference = surplus_of(arena, zone, keys, now_s);
    return difference;
}
