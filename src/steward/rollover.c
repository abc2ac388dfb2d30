#include "steward/rollover.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/queue.h>

#include "time/serial.h"
#include "validator/signature.h"

enum {
    JITTER_PARTS = 10,    /* a tenth earlier at most: not all resolvers of the world ask at the same second */
    SIGNAL_TAGS_MAX = 12, /* RFC 8145 section 5.1: what one label of 63 octets holds */
    SIGNAL_LABEL_OCTETS = 3 + 5 * SIGNAL_TAGS_MAX,
};

/* A question under way. */
struct probe {
    struct dname zone;
    bool is_signal; /* nobody cares for its answer */
    LIST_ENTRY(probe) next;
};

struct rollover {
    struct rollover_host host;
    struct managed *managed;
    struct random *random;
    struct rollover_options options;
    const struct crypto_policy *policy;
    const struct trust *trust;
    struct verifier *verifier;
    LIST_HEAD(, probe) probes;
    struct rollover_stats stats;
};

struct rollover *rollover_new(const struct rollover_host *host, struct managed *managed, struct random *random)
{
    struct rollover *rollover = memory_new(1, sizeof(*rollover));
    rollover->host = *host;
    rollover->managed = managed;
    rollover->random = random;
    rollover->verifier = verifier_new();
    LIST_INIT(&rollover->probes);
    return rollover;
}

static void probe_free(struct probe *probe)
{
    LIST_REMOVE(probe, next);
    free(probe);
}

void rollover_free(struct rollover *rollover)
{
    if (rollover == NULL)
        return;
    while (!LIST_EMPTY(&rollover->probes))
        probe_free(LIST_FIRST(&rollover->probes));
    verifier_free(rollover->verifier);
    free(rollover);
}

void rollover_configure(struct rollover *rollover, const struct rollover_options *options,
                        const struct crypto_policy *policy, const struct trust *trust)
{
    rollover->options = *options;
    rollover->policy = policy;
    rollover->trust = trust;
}

void rollover_get_stats(const struct rollover *rollover, struct rollover_stats *stats)
{
    *stats = rollover->stats;
}

/* ---- asking ---- */

static bool is_asked(const struct rollover *rollover, const struct dname *zone)
{
    const struct probe *probe;
    LIST_FOREACH(probe, &rollover->probes, next)
    if (!probe->is_signal && dname_equal(&probe->zone, zone))
        return true;
    return false;
}

static void ask(struct rollover *rollover, const struct dname *zone, bool is_signal, const struct question *question)
{
    struct probe *probe = memory_new(1, sizeof(*probe));
    probe->zone = *zone;
    probe->is_signal = is_signal;
    LIST_INSERT_HEAD(&rollover->probes, probe, next);
    rollover->host.probe(rollover->host.context, question, is_signal, probe);
}

/* RFC 8145 section 5.1: _ta-4f66-9728.<zone>, hexadecimal, ascending.  false: no anchor, or the name would be too
 * long. */
static bool signal_name(const struct rollover *rollover, const struct dname *zone, struct now now, struct dname *name)
{
    uint16_t tags[SIGNAL_TAGS_MAX];
    char label[SIGNAL_LABEL_OCTETS + 1];
    size_t count = trust_key_tags(rollover->trust, zone, now, tags, ARRAY_LEN(tags));
    int len = snprintf(label, sizeof(label), "_ta");
    for (size_t i = 0; i < count; i++)
        len += snprintf(label + len, sizeof(label) - (size_t)len, "-%04x", tags[i]);
    return count > 0 && dname_prepend((struct octets) { (const uint8_t *)label, (size_t)len }, zone, name) == OK;
}

static void signal_anchors(struct rollover *rollover, const struct dname *zone, struct now now)
{
    struct question question = { .qtype = TYPE_NULL, .qclass = CLASS_IN };
    if (!rollover->options.signal || !signal_name(rollover, zone, now, &question.qname))
        return;
    rollover->stats.signals++;
    ask(rollover, zone, true, &question);
}

/* CD=0: the resolver then doubts a server whose set does not validate, and asks others (RFC 4035 section 4.7). */
static bool refresh(struct rollover *rollover, struct managed_zone *zone, struct now now)
{
    struct dname name = zone->zone; /* the zones may move while others are asked */
    struct question question = { .qname = name, .qtype = TYPE_DNSKEY, .qclass = CLASS_IN };
    if (is_asked(rollover, &name) || managed_zone_trusted(zone) == 0)
        return false;
    zone->asked_s = now_wall_s(now);
    ask(rollover, &name, false, &question);
    signal_anchors(rollover, &name, now);
    return true;
}

/* A time that is further off than any interval was written under a clock that has been set back. */
static bool is_due(const struct managed_zone *zone, struct now now)
{
    return zone->next_s <= now_wall_s(now) || zone->next_s > now_wall_s(now) + REFRESH_S_MAX;
}

static bool may_ask(const struct rollover *rollover, struct now now)
{
    return rollover->options.refresh && now.wall_is_fit;
}

void rollover_tick(struct rollover *rollover, struct now now)
{
    for (size_t i = 0; i < rollover->managed->count && may_ask(rollover, now); i++)
        if (is_due(&rollover->managed->zones[i], now))
            refresh(rollover, &rollover->managed->zones[i], now);
}

size_t rollover_refresh_all(struct rollover *rollover, struct now now)
{
    size_t asked = 0;
    for (size_t i = 0; i < rollover->managed->count && may_ask(rollover, now); i++)
        asked += refresh(rollover, &rollover->managed->zones[i], now);
    return asked;
}

/* ---- what came ---- */

static const struct rrset *dnskeys_of(const struct outcome *outcome, const struct dname *zone)
{
    if (outcome->link_count != 1 || outcome->links[0]->kind != ANSWER_DATA || outcome->links[0]->rrsets.count == 0)
        return NULL;
    const struct rrset *rrset = outcome->links[0]->rrsets.items[0];
    return rrset->type == TYPE_DNSKEY && dname_equal(rrset->owner, zone) ? rrset : NULL;
}

/* What the signatures that counted say of times. */
struct signed_times {
    uint32_t original_ttl_s;
    int64_t life_s;
};

static void note_times(struct signed_times *times, const struct rrsig *sig, struct now now)
{
    int64_t life_s = serial_to_unix_s(sig->expiration, now_wall_s(now)) - now_wall_s(now);
    if (life_s < times->life_s)
        times->life_s = life_s;
    if (sig->original_ttl_s < times->original_ttl_s)
        times->original_ttl_s = sig->original_ttl_s;
}

static bool verifies(const struct signature_means *means, const struct rrset *rrset, const struct octets *key,
                     struct signed_times *times)
{
    struct dnskey dnskey;
    struct signature_result result;
    bool is_revoked = dnskey_read(*key, &dnskey) == OK && (dnskey.flags & DNSKEY_REVOKE) != 0;
    struct signer_keys keys = { .zone = rrset->owner, .rdata = key, .count = 1, .are_revoked = is_revoked };
    rrset_verify(means, rrset, &keys, &result);
    bool is_good = result.fault == FAULT_NONE && !result.out_of_budget;
    if (is_good && !is_revoked)
        note_times(times, &result.rrsig, means->now);
    return is_good;
}

static void set_next(struct rollover *rollover, struct managed_zone *zone, int64_t interval_s, struct now now)
{
    int64_t in_s = interval_s - random_below(rollover->random, (uint32_t)(interval_s / JITTER_PARTS));
    zone->next_s = now_wall_s(now) + (in_s < REFRESH_S_MIN ? REFRESH_S_MIN : in_s);
}

static void succeed(struct rollover *rollover, struct managed_zone *zone, const struct signed_times *times,
                    struct now now)
{
    rollover->stats.refreshes++;
    zone->refreshed_s = now_wall_s(now);
    zone->failures = 0;
    zone->failure = NULL;
    zone->retry_s = rfc5011_retry_interval_s(times->original_ttl_s, times->life_s);
    set_next(rollover, zone, rfc5011_refresh_interval_s(times->original_ttl_s, times->life_s), now);
}

static void fail(struct rollover *rollover, struct managed_zone *zone, const char *why, struct now now)
{
    rollover->stats.failures++;
    zone->failures++;
    zone->failure = why;
    set_next(rollover, zone, zone->retry_s < REFRESH_S_MIN ? REFRESH_S_MIN : zone->retry_s, now);
}

static void observe(struct rollover *rollover, struct managed_zone *zone, const struct rrset *rrset, struct now now,
                    struct anchor_changes *changes)
{
    struct arena *arena = arena_new();
    struct budget budget = budget_full();
    struct signature_means means = { arena, &budget, rollover->verifier, rollover->policy, now, NULL };
    struct seen_key keys[DNSKEYS_PER_ZONE_MAX];
    struct observation seen = { .keys = keys, .count = rrset->count };
    struct signed_times times = { UINT32_MAX, INT64_MAX };
    for (uint16_t i = 0; i < rrset->count; i++) {
        bool is_wanted = rfc5011_wants_signature(zone, rrset->rdata[i]);
        keys[i] = (struct seen_key) { rrset->rdata[i], is_wanted && verifies(&means, rrset, &rrset->rdata[i], &times) };
    }
    seen.original_ttl_s = times.original_ttl_s;
    if (rfc5011_observe(zone, &seen, now_wall_s(now), changes))
        succeed(rollover, zone, &times, now);
    else
        fail(rollover, zone, "no trusted key signed the DNSKEY set", now);
    arena_free(arena);
}

void rollover_answer(struct rollover *rollover, void *waiter, const struct outcome *outcome, struct now now)
{
    struct probe *probe = waiter;
    struct anchor_changes changes = { .count = 0 };
    struct managed_zone *zone = managed_find(rollover->managed, &probe->zone);
    bool is_over = probe->is_signal || zone == NULL || !now.wall_is_fit; /* an unfit clock makes it wait: asked again */
    probe_free(probe);
    if (is_over)
        return;
    const struct rrset *rrset = dnskeys_of(outcome, &zone->zone);
    if (rrset == NULL)
        fail(rollover, zone, "no DNSKEY set was answered", now);
    else if (rrset->count > DNSKEYS_PER_ZONE_MAX)
        fail(rollover, zone, "the DNSKEY set is too large", now);
    else
        observe(rollover, zone, rrset, now, &changes);
    rollover->host.observed(rollover->host.context, zone, &changes, now);
}
