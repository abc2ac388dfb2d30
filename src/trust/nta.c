#include "trust/nta.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

const char *nta_source_text(enum nta_source source)
{
    static const char *const texts[NTA_SOURCES] = { [NTA_CONFIGURED] = "configured", [NTA_ORDERED] = "ordered" };
    return texts[source];
}

const char *nta_event_text(enum nta_event event)
{
    static const char *const texts[NTA_EVENTS] = {
        [NTA_BEGUN] = "begun",     [NTA_CHANGED] = "changed", [NTA_REMOVED] = "removed",
        [NTA_EXPIRED] = "expired", [NTA_WELL] = "well",       [NTA_UNCONFIGURED] = "unconfigured",
    };
    return texts[event];
}

/* ---- the set ---- */

struct nta_set *nta_set_new(void)
{
    return memory_new(1, sizeof(struct nta_set));
}

void nta_set_free(struct nta_set *set)
{
    if (set == NULL)
        return;
    for (size_t i = 0; i < set->count; i++)
        free(set->items[i]);
    free(set->items);
    free(set);
}

struct nta *nta_find(const struct nta_set *set, const struct dname *zone, enum nta_source source)
{
    for (size_t i = 0; i < set->count; i++)
        if (set->items[i]->source == source && dname_equal(&set->items[i]->zone, zone))
            return set->items[i];
    return NULL;
}

struct nta *nta_add(struct nta_set *set, const struct dname *zone, enum nta_source source)
{
    assert(nta_find(set, zone, source) == NULL);
    if (set->count == NTAS_MAX)
        return NULL;
    set->items = memory_resize(set->items, set->count + 1, sizeof(struct nta *));
    struct nta *nta = memory_new(1, sizeof(*nta));
    nta->zone = *zone;
    nta->source = source;
    set->items[set->count++] = nta;
    return nta;
}

void nta_drop(struct nta_set *set, struct nta *nta)
{
    size_t i = 0;
    while (set->items[i] != nta)
        i++;
    memmove(&set->items[i], &set->items[i + 1], (--set->count - i) * sizeof(struct nta *));
    free(nta);
}

bool nta_is_active(const struct nta *nta)
{
    return !nta->has_ended;
}

size_t nta_count_active(const struct nta_set *set)
{
    size_t count = 0;
    for (size_t i = 0; i < set->count; i++)
        count += nta_is_active(set->items[i]);
    return count;
}

void nta_set_reason(struct nta *nta, const char *reason)
{
    size_t len = strnlen(reason, NTA_REASON_OCTETS_MAX);
    while (reason[len] != '\0' && len > 0 && ((unsigned char)reason[len] & 0xc0) == 0x80)
        len--;
    memcpy(nta->reason, reason, len);
    nta->reason[len] = '\0';
}

/* ---- what changes it ---- */

void nta_end(struct nta_set *set, struct nta *nta, enum nta_event event, const struct nta_listener *listener)
{
    bool was_active = nta_is_active(nta);
    nta->has_ended = true;
    if (was_active)
        listener->heard(listener->context, nta, event);
    if (nta->source == NTA_ORDERED)
        nta_drop(set, nta);
}

static const struct negative_anchor *find_configured(const struct trust *configured, const struct nta *nta)
{
    size_t count;
    const struct negative_anchor *negative = trust_negatives(configured, &count);
    for (; count > 0; count--, negative++)
        if (dname_equal(&negative->zone, &nta->zone))
            return negative;
    return NULL;
}

static int64_t within_week(int64_t until_s, int64_t now_s)
{
    return until_s < now_s + NTA_S_MAX ? until_s : now_s + NTA_S_MAX;
}

/* The end as it is written tells one exception from the next at the same zone: who writes another begins another. */
static void take_configured(struct nta_set *set, const struct negative_anchor *negative, int64_t now_s,
                            const struct nta_listener *listener)
{
    struct nta *nta = nta_find(set, &negative->zone, NTA_CONFIGURED);
    bool is_known = nta != NULL && nta->named_until_s == negative->until_s;
    enum nta_event event = nta != NULL && nta_is_active(nta) ? NTA_CHANGED : NTA_BEGUN;
    if (nta == NULL)
        nta = nta_add(set, &negative->zone, NTA_CONFIGURED);
    if (nta == NULL)
        return;
    nta_set_reason(nta, negative->reason);
    strcpy(nta->who, "configuration");
    if (is_known)
        return;
    nta->since_s = 0;
    nta->named_until_s = negative->until_s;
    nta->until_s = within_week(negative->until_s, now_s);
    nta->has_ended = false;
    listener->heard(listener->context, nta, event);
}

void nta_merge(struct nta_set *set, const struct trust *configured, int64_t now_s, const struct nta_listener *listener)
{
    size_t count;
    const struct negative_anchor *negative = trust_negatives(configured, &count);
    for (size_t i = set->count; i-- > 0;) {
        struct nta *nta = set->items[i];
        if (nta->source != NTA_CONFIGURED || find_configured(configured, nta) != NULL)
            continue;
        nta_end(set, nta, NTA_UNCONFIGURED, listener);
        nta_drop(set, nta);
    }
    for (; count > 0; count--, negative++)
        take_configured(set, negative, now_s, listener);
}

/* A configured one counts from when a believed clock first saw it; one that seems to begin in the future was written
 * under a clock that has been set back, and keeps its length. */
static bool settle_times(struct nta *nta, int64_t now_s)
{
    if (nta->since_s != 0 && nta->since_s <= now_s)
        return false;
    if (nta->source == NTA_CONFIGURED)
        nta->until_s = within_week(nta->named_until_s, now_s);
    else
        nta->until_s -= nta->since_s - now_s;
    nta->since_s = now_s;
    return true;
}

bool nta_tick(struct nta_set *set, int64_t now_s, const struct nta_listener *listener)
{
    bool has_changed = false;
    for (size_t i = set->count; i-- > 0;) {
        struct nta *nta = set->items[i];
        if (!nta_is_active(nta))
            continue;
        has_changed = settle_times(nta, now_s) || has_changed;
        if (now_s < nta->until_s)
            continue;
        nta_end(set, nta, NTA_EXPIRED, listener);
        has_changed = true;
    }
    return has_changed;
}

/* ---- the snapshot ---- */

/* Of two at one name the longer one counts. */
static bool outlasts(const struct nta_set *set, const struct nta *nta)
{
    for (size_t i = 0; i < set->count; i++) {
        const struct nta *other = set->items[i];
        if (other != nta && nta_is_active(other) && dname_equal(&other->zone, &nta->zone) &&
            other->until_s > nta->until_s)
            return false;
    }
    return true;
}

void nta_apply(const struct nta_set *set, struct trust *trust)
{
    trust_drop_negatives(trust);
    for (size_t i = 0; i < set->count; i++)
        if (nta_is_active(set->items[i]) && outlasts(set, set->items[i]))
            trust_add_negative(trust, &set->items[i]->zone, set->items[i]->until_s, set->items[i]->reason);
}
