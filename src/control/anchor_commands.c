#include "control/command.h"

enum { HISTORY_ROWS = 20 };

static bool is_running(const struct trust *running, const struct managed_zone *zone, const struct managed_key *key)
{
    size_t count;
    const struct anchor *anchor = trust_anchors(running, &count);
    for (; count > 0; count--, anchor++)
        if (dname_equal(&anchor->zone, &zone->zone) && managed_key_is(zone, key, anchor->type, anchor->rdata))
            return managed_key_is_trusted(key);
    return false;
}

static json_t *json_of_key(const struct managed_zone *zone, const struct managed_key *key, const struct trust *running)
{
    char type[RR_TYPE_TEXT_MAX];
    json_t *object = json_object();
    json_object_set_new(object, "zone", json_of_name(&zone->zone));
    json_object_set_new(object, "type", json_string(rr_type_to_text(key->type, type)));
    json_object_set_new(object, "key_tag", json_integer(managed_key_tag(key)));
    json_object_set_new(object, "algorithm", json_integer(managed_key_algorithm(key)));
    json_object_set_new(object, "rfc5011", json_string(anchor_state_text(key->state)));
    json_object_set_new(object, "rfc7583", json_string(managed_key_stage(key)));
    json_object_set_new(object, "source", json_string(anchor_source_text(key->source)));
    json_object_set_new(object, "running", json_boolean(is_running(running, zone, key)));
    json_object_set_new(object, "signs", json_boolean(key->signs));
    json_object_set_new(object, "since", json_of_time_or_null(key->since_s));
    json_object_set_new(object, "first_seen", json_of_time_or_null(key->first_seen_s));
    json_object_set_new(object, "last_seen", json_of_time_or_null(key->last_seen_s));
    json_object_set_new(object, "hold_down_ends", json_of_time_or_null(key->due_s));
    return object;
}

static json_t *json_of_zone(const struct managed_zone *zone)
{
    json_t *object = json_object();
    json_object_set_new(object, "zone", json_of_name(&zone->zone));
    json_object_set_new(object, "last_asked", json_of_time_or_null(zone->asked_s));
    json_object_set_new(object, "last_refreshed", json_of_time_or_null(zone->refreshed_s));
    json_object_set_new(object, "next_refresh", json_of_time_or_null(zone->next_s));
    json_object_set_new(object, "failures", json_integer(zone->failures));
    json_object_set_new(object, "failure", json_of_text(zone->failure));
    return object;
}

static void add_history_row(void *to, const struct history_row *row)
{
    json_t *object = json_object();
    json_object_set_new(object, "time", json_of_time(row->time_s));
    json_object_set_new(object, "zone", json_of_name(&row->zone));
    json_object_set_new(object, "key_tag", json_integer(row->key_tag));
    json_object_set_new(object, "algorithm", json_integer(row->algorithm));
    json_object_set_new(object, "what", json_of_text(row->what));
    json_object_set_new(object, "why", json_of_text(row->why));
    json_object_set_new(object, "who", json_of_text(row->who));
    json_array_append_new(to, object);
}

json_t *run_ta_status(const struct orders *orders, const json_t *request, struct refusal *refusal)
{
    (void)request;
    (void)refusal;
    struct anchors_report report;
    orders->anchors(orders->context, &report);
    json_t *object = new_object(), *zones = json_array(), *anchors = json_array(), *history = json_array();
    for (size_t i = 0; i < report.managed->count; i++) {
        const struct managed_zone *zone = &report.managed->zones[i];
        json_array_append_new(zones, json_of_zone(zone));
        for (size_t k = 0; k < zone->count; k++)
            json_array_append_new(anchors, json_of_key(zone, &zone->keys[k], report.running));
    }
    orders->history(orders->context, HISTORY_ROWS, add_history_row, history);
    json_object_set_new(object, "automatic_update", json_boolean(report.automatic_update));
    json_object_set_new(object, "signal_anchors", json_boolean(report.signals));
    json_object_set_new(object, "store", json_string(store_condition_text(report.store)));
    json_object_set_new(object, "zones", zones);
    json_object_set_new(object, "anchors", anchors);
    json_object_set_new(object, "history", history);
    return object;
}

json_t *run_ta_refresh(const struct orders *orders, const json_t *request, struct refusal *refusal)
{
    (void)request;
    struct order_failure failure = { .text = "" };
    size_t asked;
    if (!orders->refresh_anchors(orders->context, &asked, &failure))
        return refuse_failed(refusal, &failure);
    json_t *object = new_object();
    json_object_set_new(object, "zones", json_integer((json_int_t)asked));
    return object;
}

json_t *run_ta_add(const struct orders *orders, const json_t *request, const struct peer *peer, struct refusal *refusal)
{
    struct order_failure failure = { .text = "" };
    char who[PEER_TEXT_MAX];
    const char *text = json_string_value(json_object_get(request, "anchor"));
    if (text == NULL)
        return refuse(refusal, "bad-argument", "anchor: expected a DS or DNSKEY record");
    if (!orders->add_anchors(orders->context, text, name_peer(peer, who), &failure))
        return refuse_failed(refusal, &failure);
    return new_object();
}

json_t *run_ta_remove(const struct orders *orders, const json_t *request, const struct peer *peer,
                      struct refusal *refusal)
{
    struct order_failure failure = { .text = "" };
    struct dname zone;
    uint16_t key_tag;
    char who[PEER_TEXT_MAX];
    if (!name_argument(request, "zone", &zone, refusal) || !tag_argument(request, &key_tag, refusal))
        return NULL;
    if (!orders->remove_anchor(orders->context, &zone, key_tag, name_peer(peer, who), &failure))
        return refuse_failed(refusal, &failure);
    return new_object();
}
