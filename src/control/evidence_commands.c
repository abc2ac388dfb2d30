#include <stdio.h>
#include <stdlib.h>

#include "control/command.h"
#include "monitor/metrics.h"

enum { FAILURES_ROWS = 20 }; /* of each list, without a zone that is asked for */

/* ---- pieces ---- */

static json_t *json_of_count(uint64_t count)
{
    return json_integer((json_int_t)count);
}

static json_t *json_of_type(uint16_t type)
{
    char text[RR_TYPE_TEXT_MAX];
    return json_string(rr_type_to_text(type, text));
}

static json_t *json_of_server(const struct address *server)
{
    char text[ADDRESS_TEXT_MAX];
    return server->family == 0 ? json_null() : json_string(address_to_text(server, text));
}

static const char *transport_text(enum transport transport)
{
    return transport == TRANSPORT_TCP ? "tcp" : "udp";
}

static void add_algorithm(json_t *object, uint8_t algorithm)
{
    char text[8];
    json_object_set_new(object, "algorithm", json_integer(algorithm));
    json_object_set_new(object, "mnemonic", json_string(algorithm_text(algorithm, text)));
}

/* Causes that never happened are left out. */
static void add_cause(json_t *causes, enum cause cause, uint64_t count)
{
    if (count > 0)
        json_object_set_new(causes, cause_text(cause), json_of_count(count));
}

static void describe_spell(json_t *object, const struct evidence_zone *zone)
{
    json_t *causes = json_object();
    json_object_set_new(object, "zone", json_of_name(&zone->zone));
    json_object_set_new(object, "failing", json_boolean(zone->is_failing));
    json_object_set_new(object, "since", json_of_time(zone->first_s));
    json_object_set_new(object, "last", json_of_time(zone->last_s));
    json_object_set_new(object, "ended", json_of_time_or_null(zone->ended_s));
    json_object_set_new(object, "failures", json_of_count(zone->failures));
    json_object_set_new(object, "rescued", json_of_count(zone->rescued));
    for (int cause = 0; cause < CAUSES; cause++)
        add_cause(causes, (enum cause)cause, zone->by_cause[cause]);
    json_object_set_new(object, "causes", causes);
}

/* ---- failures ---- */

struct failures_request {
    bool has_zone;
    struct dname zone;
    enum window window;
    json_t *zones;
};

static bool failures_arguments(const json_t *request, struct failures_request *asked, struct refusal *refusal)
{
    const json_t *window = json_object_get(request, "window");
    asked->has_zone = json_object_get(request, "zone") != NULL;
    if (asked->has_zone && !name_argument(request, "zone", &asked->zone, refusal))
        return false;
    if (window == NULL || (json_is_string(window) && window_from_text(json_string_value(window), &asked->window)))
        return true;
    refuse(refusal, "bad-argument", "window: expected 1h or 1d");
    return false;
}

static void add_failing_zone(void *to, const struct evidence_zone *zone, int64_t now_s)
{
    struct failures_request *asked = to;
    if (asked->has_zone && !dname_equal(&asked->zone, &zone->zone))
        return;
    json_t *object = json_object(), *causes = json_object();
    describe_spell(object, zone);
    json_object_set_new(object, "in_window", json_of_count(windowed_sum(&zone->recent, asked->window, now_s)));
    for (int cause = 0; cause < CAUSES; cause++)
        add_cause(causes, (enum cause)cause, windowed_sum(&zone->recent_by_cause[cause], asked->window, now_s));
    json_object_set_new(object, "causes_in_window", causes);
    json_array_append_new(asked->zones, object);
}

/* The worst first: those that fail now, then by failures in the window, then as it comes. */
static int compare_zones(const void *a, const void *b)
{
    const json_t *first = *(json_t *const *)a, *second = *(json_t *const *)b;
    bool fails = json_is_true(json_object_get(first, "failing"));
    if (fails != json_is_true(json_object_get(second, "failing")))
        return fails ? -1 : 1;
    json_int_t x = json_integer_value(json_object_get(first, "in_window"));
    json_int_t y = json_integer_value(json_object_get(second, "in_window"));
    if (x != y)
        return x > y ? -1 : 1;
    return strcmp(json_string_value(json_object_get(first, "zone")),
                  json_string_value(json_object_get(second, "zone")));
}

static json_t *top_zones(json_t *zones)
{
    size_t count = json_array_size(zones);
    json_t *top = json_array(), **list = memory_new(count + 1, sizeof(*list));
    for (size_t i = 0; i < count; i++)
        list[i] = json_array_get(zones, i);
    qsort(list, count, sizeof(*list), compare_zones);
    for (size_t i = 0; i < count && i < FAILURES_ROWS; i++)
        json_array_append(top, list[i]);
    free(list);
    json_decref(zones);
    return top;
}

static json_t *json_of_key_counts(const struct key_counts *key, enum window window)
{
    json_t *object = json_object();
    json_object_set_new(object, "zone", json_of_name(&key->zone));
    json_object_set_new(object, "key_tag", json_integer(key->key_tag));
    add_algorithm(object, key->algorithm);
    json_object_set_new(object, "good", json_of_count(key->good[window]));
    json_object_set_new(object, "failed", json_of_count(key->failed[window]));
    bool has_failed = key->failed[WINDOW_DAY] > 0;
    json_object_set_new(object, "last_cause", has_failed ? json_string(cause_text(key->last_failure)) : json_null());
    return object;
}

/* Of one zone all keys that were seen, else those that failed most. */
static json_t *json_of_keys(const struct orders *orders, const struct dname *zone, enum window window,
                            uint64_t *evicted)
{
    struct key_sum sum;
    json_t *list = json_array();
    orders->keys(orders->context, &sum);
    key_sum_sort(&sum, window);
    for (size_t i = 0; i < sum.count && (zone != NULL || json_array_size(list) < FAILURES_ROWS); i++) {
        const struct key_counts *key = &sum.keys[i];
        bool is_wanted = zone == NULL ? key->failed[window] > 0 : dname_equal(zone, &key->zone);
        if (is_wanted)
            json_array_append_new(list, json_of_key_counts(key, window));
    }
    *evicted = sum.evicted;
    key_sum_clear(&sum);
    return list;
}

json_t *run_failures(const struct orders *orders, const json_t *request, struct refusal *refusal)
{
    struct failures_request asked = { .window = WINDOW_DAY };
    uint64_t evicted;
    if (!failures_arguments(request, &asked, refusal))
        return NULL;
    asked.zones = json_array();
    orders->failing(orders->context, add_failing_zone, &asked);
    json_t *object = new_object();
    json_object_set_new(object, "window", json_string(window_text(asked.window)));
    json_object_set_new(object, "zones", top_zones(asked.zones));
    json_object_set_new(object, "keys",
                        json_of_keys(orders, asked.has_zone ? &asked.zone : NULL, asked.window, &evicted));
    json_object_set_new(object, "keys_evicted", json_of_count(evicted));
    return object;
}

/* ---- nta explain ---- */

static json_t *json_of_ds(const struct evidence_record *record)
{
    json_t *list = json_array();
    for (uint8_t i = 0; i < record->ds_count; i++) {
        json_t *object = json_object();
        json_object_set_new(object, "key_tag", json_integer(record->ds[i].key_tag));
        add_algorithm(object, record->ds[i].algorithm);
        json_object_set_new(object, "digest_type", json_integer(record->ds[i].digest_type));
        json_object_set_new(object, "usable", json_boolean(record->ds[i].usable));
        json_object_set_new(object, "matched", json_boolean(record->ds[i].matched));
        json_array_append_new(list, object);
    }
    return list;
}

static json_t *json_of_published(const struct evidence_record *record)
{
    json_t *list = json_array();
    for (uint8_t i = 0; i < record->key_count; i++) {
        json_t *object = json_object();
        json_object_set_new(object, "key_tag", json_integer(record->keys[i].key_tag));
        add_algorithm(object, record->keys[i].algorithm);
        json_object_set_new(object, "flags", json_integer(record->keys[i].flags));
        json_object_set_new(object, "in_ds", json_boolean(record->keys[i].in_ds));
        json_object_set_new(object, "signed_set", json_boolean(record->keys[i].signed_set));
        json_array_append_new(list, object);
    }
    return list;
}

static json_t *json_of_trials(const struct evidence_record *record)
{
    json_t *list = json_array();
    for (uint8_t i = 0; i < record->trial_count; i++) {
        const struct evidence_trial *trial = &record->trials[i];
        json_t *object = json_object();
        json_object_set_new(object, "server", json_of_server(&trial->server));
        json_object_set_new(object, "transport", json_string(transport_text(trial->transport)));
        json_object_set_new(object, "security", json_string(security_text(trial->security)));
        json_object_set_new(object, "check", json_of_text(trial->site));
        json_array_append_new(list, object);
    }
    return list;
}

static json_t *json_of_record(const struct evidence_record *record)
{
    json_t *object = json_object();
    json_object_set_new(object, "time", json_of_time(record->time_s));
    json_object_set_new(object, "name", json_of_name(&record->question.qname));
    json_object_set_new(object, "type", json_of_type(record->question.qtype));
    json_object_set_new(object, "outcome", json_string(security_text(record->outcome)));
    json_object_set_new(object, "healed", json_boolean(record->is_healed));
    json_object_set_new(object, "cause", json_string(cause_text(record->cause)));
    json_object_set_new(object, "ede", record->ede == EDE_NONE ? json_null() : json_integer(record->ede));
    json_object_set_new(object, "check", json_of_text(record->site));
    json_object_set_new(object, "text", json_of_text(record->text));
    json_object_set_new(object, "failed_name", json_of_name(&record->failed_name));
    json_object_set_new(object, "failed_type", json_of_type(record->failed_type));
    bool has_key = record->algorithm != 0;
    json_object_set_new(object, "key_tag", has_key ? json_integer(record->key_tag) : json_null());
    json_object_set_new(object, "algorithm", has_key ? json_integer(record->algorithm) : json_null());
    json_object_set_new(object, "answers", json_of_trials(record));
    json_object_set_new(object, "ds", json_of_ds(record));
    json_object_set_new(object, "dnskeys", json_of_published(record));
    return object;
}

static json_t *json_of_servers(const struct evidence_zone *zone)
{
    json_t *list = json_array();
    for (uint8_t i = 0; i < zone->server_count; i++) {
        const struct evidence_server *server = &zone->servers[i];
        json_t *object = json_object();
        json_object_set_new(object, "server", json_of_server(&server->address));
        json_object_set_new(object, "transport", json_string(transport_text(server->transport)));
        json_object_set_new(object, "bad", json_of_count(server->bad));
        json_object_set_new(object, "good", json_of_count(server->good));
        json_object_set_new(object, "last_bad", json_of_time_or_null(server->last_bad_s));
        json_array_append_new(list, object);
    }
    return list;
}

static json_t *json_of_suggestion(const struct diagnosis *diagnosis)
{
    json_t *object = json_object(), *reasons = json_array();
    for (uint8_t i = 0; i < diagnosis->reason_count; i++) {
        json_t *reason = json_object();
        json_object_set_new(reason, "towards", json_string(leaning_text(diagnosis->reasons[i].towards)));
        json_object_set_new(reason, "text", json_string(diagnosis->reasons[i].text));
        json_array_append_new(reasons, reason);
    }
    json_object_set_new(object, "looks", json_string(leaning_text(diagnosis->leaning)));
    json_object_set_new(object, "reasons", reasons);
    json_object_set_new(object, "others", json_string(diagnosis_others(diagnosis)));
    return object;
}

/* The newest record that says what the parent says. */
static const struct evidence_record *record_with_ds(const struct evidence_zone *zone)
{
    for (uint8_t i = 1; i < zone->record_count; i++)
        if (zone->records[i].ds_count > 0)
            return &zone->records[i];
    return &zone->records[0];
}

static void explain_zone(void *to, const struct evidence_zone *zone, const struct diagnosis *diagnosis)
{
    json_t *object = to, *records = json_array();
    const struct evidence_record *newest = record_with_ds(zone);
    describe_spell(object, zone);
    json_object_set_new(object, "all_servers_fail", json_boolean(diagnosis->all_servers_fail));
    json_object_set_new(object, "tcp", json_string(tcp_says_text(diagnosis->tcp)));
    json_object_set_new(object, "servers", json_of_servers(zone));
    json_object_set_new(object, "ds", json_of_ds(newest));
    json_object_set_new(object, "dnskeys", json_of_published(newest));
    json_object_set_new(object, "suggestion", json_of_suggestion(diagnosis));
    for (uint8_t i = 0; i < zone->record_count; i++) /* the newest first, then the one that the spell began with */
        json_array_append_new(records, json_of_record(&zone->records[(i + 1) % zone->record_count]));
    json_object_set_new(object, "records", records);
}

/* The zone itself, or the next one above of which something is known: what fails there fails below. */
json_t *run_nta_explain(const struct orders *orders, const json_t *request, struct refusal *refusal)
{
    struct dname zone, asked;
    uint64_t evicted;
    if (!name_argument(request, "zone", &asked, refusal))
        return NULL;
    json_t *object = new_object();
    zone = asked;
    bool is_known = orders->explain(orders->context, &zone, explain_zone, object);
    while (!is_known && !dname_is_root(&zone)) {
        dname_parent(&zone, &zone);
        is_known = orders->explain(orders->context, &zone, explain_zone, object);
    }
    json_object_set_new(object, "asked", json_of_name(&asked));
    json_object_set_new(object, "known", json_boolean(is_known));
    if (is_known)
        json_object_set_new(object, "keys", json_of_keys(orders, &zone, WINDOW_DAY, &evicted));
    return object;
}

/* ---- metrics ---- */

static void add_sample(void *to, const char *name, int64_t value)
{
    const struct metric *metric = metric_find(name);
    char family[128];
    snprintf(family, sizeof(family), "%.*s", (int)strcspn(name, "{"), name);
    json_t *object = json_object_get(to, family);
    if (object == NULL) {
        object = json_object();
        json_object_set_new(object, "type", metric == NULL ? json_null() : json_string(metric_type(metric)));
        json_object_set_new(object, "help", metric == NULL ? json_null() : json_string(metric->help));
        json_object_set_new(object, "samples", json_object());
        json_object_set_new(to, family, object);
    }
    json_object_set_new(json_object_get(object, "samples"), name, json_integer(value));
}

json_t *run_metrics(const struct orders *orders, const json_t *request, struct refusal *refusal)
{
    (void)request;
    (void)refusal;
    json_t *object = new_object(), *families = json_object();
    orders->stats(orders->context, add_sample, families);
    json_object_set_new(object, "families", families);
    return object;
}
