#include "monitor/evidence.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"

struct evidence {
    struct evidence_zone *zones[EVIDENCE_ZONES_MAX];
    size_t count, failing;
    uint64_t dropped;
};

struct evidence *evidence_new(void)
{
    return memory_new(1, sizeof(struct evidence));
}

void evidence_free(struct evidence *evidence)
{
    for (size_t i = 0; i < evidence->count; i++)
        free(evidence->zones[i]);
    free(evidence);
}

/* ---- zones ---- */

static struct evidence_zone *find_zone(const struct evidence *evidence, const struct dname *name)
{
    for (size_t i = 0; i < evidence->count; i++)
        if (dname_equal(&evidence->zones[i]->zone, name))
            return evidence->zones[i];
    return NULL;
}

/* Those that fail stay longest, then those that failed last. */
static struct evidence_zone **find_least(struct evidence *evidence)
{
    struct evidence_zone **least = &evidence->zones[0];
    for (size_t i = 1; i < evidence->count; i++) {
        struct evidence_zone *zone = evidence->zones[i];
        bool is_lesser = zone->is_failing != (*least)->is_failing ? !zone->is_failing : zone->last_s < (*least)->last_s;
        if (is_lesser)
            least = &evidence->zones[i];
    }
    return least;
}

static struct evidence_zone *add_zone(struct evidence *evidence, const struct dname *name)
{
    struct evidence_zone **place = &evidence->zones[evidence->count];
    if (evidence->count == EVIDENCE_ZONES_MAX) {
        place = find_least(evidence);
        evidence->failing -= (*place)->is_failing;
        evidence->dropped++;
        free(*place);
    } else {
        evidence->count++;
    }
    *place = memory_new(1, sizeof(**place));
    dname_lower(name, &(*place)->zone);
    return *place;
}

/* The zone whose keys had to sign what failed: the deepest cut above it that is not proven to be unsigned.  A DS set is
 * the parent's. */
static void failing_zone(const struct explanation *explanation, struct dname *zone)
{
    const struct dname *name = &explanation->failed_name;
    bool is_found = false;
    for (uint8_t i = 0; i < explanation->cut_count; i++) {
        const struct explained_cut *cut = &explanation->cuts[i];
        bool holds = explanation->failed_type == TYPE_DS ? dname_is_below(name, &cut->zone)
                                                         : dname_is_subdomain(name, &cut->zone);
        if (!holds || cut->security == INSECURE)
            continue;
        *zone = cut->zone;
        is_found = true;
    }
    if (is_found)
        return;
    *zone = *name;
    if (explanation->failed_type != TYPE_DNSKEY)
        dname_parent(name, zone);
}

/* ---- records ---- */

static void copy_text(char *to, size_t size, const char *text)
{
    snprintf(to, size, "%s", text == NULL ? "" : text);
}

static void describe_cut(const struct explanation *explanation, const struct dname *zone,
                         struct evidence_record *record)
{
    const struct explained_cut *cut = NULL;
    for (uint8_t i = 0; i < explanation->cut_count; i++)
        if (dname_equal(&explanation->cuts[i].zone, zone))
            cut = &explanation->cuts[i];
    if (cut == NULL)
        return;
    for (; record->ds_count < cut->ds_count && record->ds_count < EVIDENCE_DS_MAX; record->ds_count++)
        record->ds[record->ds_count] = (struct evidence_ds) {
            .key_tag = cut->ds[record->ds_count].key_tag,
            .algorithm = cut->ds[record->ds_count].algorithm,
            .digest_type = cut->ds[record->ds_count].digest_type,
            .usable = cut->ds[record->ds_count].usable,
            .matched = cut->ds[record->ds_count].matched,
        };
    for (; record->key_count < cut->key_count && record->key_count < EVIDENCE_KEYS_MAX; record->key_count++)
        record->keys[record->key_count] = cut->keys[record->key_count];
}

static void describe_trials(const struct testimony *testimony, struct evidence_record *record)
{
    for (uint8_t i = 0; i < testimony->trial_count; i++) {
        const struct trial *from = &testimony->trials[i];
        struct evidence_trial *to = &record->trials[record->trial_count++];
        *to = (struct evidence_trial) { .server = from->server,
                                        .transport = from->transport,
                                        .security = from->security };
        snprintf(to->site, sizeof(to->site), "%s%s", from->site == NULL ? "" : from->site,
                 from->without_edns ? "/no-edns" : "");
    }
}

static void describe(const struct testimony *testimony, const struct dname *zone, struct now now,
                     struct evidence_record *record)
{
    const struct verdict *failure = testimony->failure;
    const struct explanation *explanation = failure->explanation;
    *record = (struct evidence_record) {
        .time_s = now_wall_s(now),
        .question = testimony->outcome->question,
        .outcome = testimony_verdict(testimony),
        .cause = cause_of(failure->ede, failure->site),
        .ede = failure->ede,
        .failed_name = explanation->failed_name,
        .failed_type = explanation->failed_type,
        .key_tag = explanation->failed_key_tag,
        .algorithm = explanation->failed_algorithm,
    };
    copy_text(record->site, sizeof(record->site), failure->site);
    copy_text(record->text, sizeof(record->text), failure->text);
    describe_cut(explanation, zone, record);
    describe_trials(testimony, record);
}

static bool is_same_question(const struct question *a, const struct question *b)
{
    return a->qtype == b->qtype && a->qclass == b->qclass && dname_equal(&a->qname, &b->qname);
}

/* Where the record goes: over the one about the same, else in front of the newest, and the oldest of them goes. */
static struct evidence_record *place_record(struct evidence_zone *zone, const struct evidence_record *record)
{
    uint8_t at = 0;
    while (at < zone->record_count && !(is_same_question(&zone->records[at].question, &record->question) &&
                                        zone->records[at].cause == record->cause))
        at++;
    if (at < zone->record_count)
        return &zone->records[at];
    if (zone->record_count < EVIDENCE_RECORDS_MAX)
        zone->record_count++;
    if (zone->record_count == 1)
        return &zone->records[0];
    memmove(&zone->records[2], &zone->records[1], (zone->record_count - 2u) * sizeof(zone->records[0]));
    return &zone->records[1];
}

/* ---- servers ---- */

static struct evidence_server *find_server(struct evidence_zone *zone, const struct trial *trial)
{
    for (uint8_t i = 0; i < zone->server_count; i++)
        if (zone->servers[i].transport == trial->transport && address_equal(&zone->servers[i].address, &trial->server))
            return &zone->servers[i];
    if (zone->server_count == EVIDENCE_SERVERS_MAX)
        return NULL;
    struct evidence_server *server = &zone->servers[zone->server_count++];
    *server = (struct evidence_server) { .address = trial->server, .transport = trial->transport };
    return server;
}

static void count_servers(struct evidence_zone *zone, const struct testimony *testimony, struct now now)
{
    for (uint8_t i = 0; i < testimony->trial_count; i++) {
        const struct trial *trial = &testimony->trials[i];
        struct evidence_server *server = trial->server.family == 0 ? NULL : find_server(zone, trial);
        if (server == NULL)
            continue;
        if (trial->security == BOGUS) {
            server->bad++;
            server->last_bad_s = now_wall_s(now);
        } else {
            server->good++;
        }
    }
}

/* ---- spells ---- */

/* Another server had good data. */
static bool is_rescued(const struct evidence_record *record)
{
    return record->outcome != BOGUS && record->outcome != INDETERMINATE;
}

static void begin_spell(struct evidence *evidence, struct evidence_zone *zone, struct now now)
{
    zone->is_failing = true;
    zone->first_s = now_wall_s(now);
    zone->ended_s = 0;
    zone->failures = zone->rescued = 0;
    memset(zone->by_cause, 0, sizeof(zone->by_cause));
    zone->record_count = zone->server_count = 0;
    evidence->failing++;
}

static void end_spell(struct evidence *evidence, struct evidence_zone *zone, struct now now)
{
    zone->is_failing = false;
    zone->is_changed = true;
    zone->ended_s = now_wall_s(now);
    evidence->failing--;
}

enum evidence_event evidence_failed(struct evidence *evidence, const struct testimony *testimony, struct now now,
                                    const struct evidence_zone **where)
{
    struct dname name;
    struct evidence_record record;
    int64_t now_s = now.monotonic_ms / 1000;
    failing_zone(testimony->failure->explanation, &name);
    struct evidence_zone *zone = find_zone(evidence, &name);
    if (zone == NULL)
        zone = add_zone(evidence, &name);
    bool begins = !zone->is_failing;
    if (begins)
        begin_spell(evidence, zone, now);
    describe(testimony, &zone->zone, now, &record);
    *place_record(zone, &record) = record;
    count_servers(zone, testimony, now);
    zone->last_s = now_wall_s(now);
    zone->is_changed = true;
    zone->by_cause[record.cause]++;
    zone->failures += !is_rescued(&record);
    zone->rescued += is_rescued(&record);
    windowed_count(&zone->recent, now_s);
    windowed_count(&zone->recent_by_cause[record.cause], now_s);
    *where = zone;
    return begins ? EVIDENCE_BEGINS : EVIDENCE_NOTHING;
}

/* ---- healing ---- */

static bool was_bad_at(const struct evidence_record *record, const struct trial *good)
{
    for (uint8_t i = 0; i < record->trial_count; i++)
        if (record->trials[i].security == BOGUS && record->trials[i].transport == good->transport &&
            address_equal(&record->trials[i].server, &good->server))
            return true;
    return false;
}

/* Its keys had to sign the answer: a zone's own DS set is its parent's (RFC 4035 section 3.1.4.1). */
static bool is_of_zone(const struct question *asked, const struct dname *zone)
{
    bool is_of_parent = asked->qtype == TYPE_DS && dname_equal(&asked->qname, zone);
    return dname_is_subdomain(&asked->qname, zone) && !is_of_parent;
}

/* What another server mended is good again when the server that was bad says so; the rest when anybody does. */
static bool heals(const struct evidence_zone *zone, const struct evidence_record *record,
                  const struct testimony *testimony)
{
    const struct question *asked = &testimony->outcome->question;
    bool is_of_keys = record->failed_type == TYPE_DNSKEY && dname_equal(&record->failed_name, &zone->zone);
    if (is_rescued(record))
        return !is_of_keys && is_same_question(&record->question, asked) && testimony->trial_count > 0 &&
               was_bad_at(record, &testimony->trials[0]);
    return is_same_question(&record->question, asked) || (is_of_keys && is_of_zone(asked, &zone->zone));
}

static bool mark_healed(struct evidence_zone *zone, const struct testimony *testimony)
{
    bool all = true;
    for (uint8_t i = 0; i < zone->record_count; i++) {
        struct evidence_record *record = &zone->records[i];
        record->is_healed = record->is_healed || heals(zone, record, testimony);
        all = all && record->is_healed;
    }
    return all;
}

enum evidence_event evidence_good(struct evidence *evidence, const struct testimony *testimony, struct now now,
                                  const struct evidence_zone **where)
{
    for (size_t i = 0; i < evidence->count; i++) {
        struct evidence_zone *zone = evidence->zones[i];
        if (!zone->is_failing || !mark_healed(zone, testimony))
            continue;
        end_spell(evidence, zone, now);
        *where = zone;
        return EVIDENCE_HEALS;
    }
    return EVIDENCE_NOTHING;
}

void evidence_expire(struct evidence *evidence, struct now now)
{
    for (size_t i = 0; i < evidence->count; i++) {
        struct evidence_zone *zone = evidence->zones[i];
        if (zone->is_failing && now_wall_s(now) - zone->last_s > EVIDENCE_QUIET_S)
            end_spell(evidence, zone, now);
    }
}

/* ---- looking, keeping ---- */

const struct evidence_zone *evidence_find(const struct evidence *evidence, const struct dname *zone)
{
    return find_zone(evidence, zone);
}

const struct evidence_zone *evidence_at(const struct evidence *evidence, size_t i)
{
    return evidence->zones[i];
}

size_t evidence_count(const struct evidence *evidence)
{
    return evidence->count;
}

size_t evidence_failing(const struct evidence *evidence)
{
    return evidence->failing;
}

uint64_t evidence_dropped(const struct evidence *evidence)
{
    return evidence->dropped;
}

bool evidence_restore(struct evidence *evidence, const struct evidence_zone *zone)
{
    if (evidence->count == EVIDENCE_ZONES_MAX || find_zone(evidence, &zone->zone) != NULL)
        return false;
    struct evidence_zone *copy = add_zone(evidence, &zone->zone);
    *copy = *zone;
    dname_lower(&zone->zone, &copy->zone);
    copy->is_changed = false;
    evidence->failing += copy->is_failing;
    return true;
}

const struct evidence_zone *evidence_next_changed(struct evidence *evidence)
{
    for (size_t i = 0; i < evidence->count; i++) {
        if (evidence->zones[i]->is_changed) {
            evidence->zones[i]->is_changed = false;
            return evidence->zones[i];
        }
    }
    return NULL;
}
