#include "control/command.h"

#include <stdio.h>

#include "base/writer.h"
#include "message/coding.h"

enum { HISTORY_ROWS = 20 };

static bool is_among(const struct trust *trust, const struct managed_zone *zone, const struct managed_key *key)
{
    size_t count;
    const struct anchor *anchor = trust_anchors(trust, &count);
    for (; count > 0; count--, anchor++)
        if (dname_equal(&anchor->zone, &zone->zone) && managed_key_is(zone, key, anchor->type, anchor->rdata))
            return true;
    return false;
}

/* "valid", "ended", "future", "absent"; null: no such file is known. */
static json_t *json_of_listing(const struct root_anchors *xml, const struct managed_zone *zone,
                               const struct managed_key *key, int64_t now_s)
{
    if (xml == NULL || !dname_is_root(&zone->zone))
        return json_null();
    for (size_t i = 0; i < xml->count; i++) {
        const struct key_digest *item = &xml->items[i];
        if (key_digest_is_of(item, key->type, key->rdata))
            return json_string(key_digest_is_current(item, now_s) ? "valid"
                               : now_s < item->valid_from_s       ? "future"
                                                                  : "ended");
    }
    return json_string("absent");
}

static json_t *json_of_bound(int64_t unix_s)
{
    return unix_s == INT64_MIN || unix_s == INT64_MAX ? json_null() : json_of_time(unix_s);
}

/* Where it stands beside the process: file, store, DNS, root-anchors.xml. */
static void add_places(json_t *object, const struct anchors_report *report, const struct managed_zone *zone,
                       const struct managed_key *key)
{
    bool was_asked = zone->refreshed_s != 0;
    json_object_set_new(object, "in_file", json_boolean(is_among(report->configured, zone, key)));
    json_object_set_new(object, "in_store", json_boolean(report->store == STORE_GOOD));
    json_object_set_new(object, "published",
                        was_asked ? json_boolean(key->last_seen_s == zone->refreshed_s) : json_null());
    json_object_set_new(object, "in_root_anchors_xml", json_of_listing(report->xml, zone, key, report->now_s));
    json_object_set_new(object, "valid_from", json_of_bound(key->valid_from_s));
    json_object_set_new(object, "valid_until", json_of_bound(key->valid_until_s));
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
    json_object_set_new(object, "running", json_boolean(managed_key_is_trusted(key) && is_among(running, zone, key)));
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

/* ---- inquiries ---- */

static json_t *json_of_last_check(const struct inquiry_report *report)
{
    if (report->inquiry == NULL)
        return json_null();
    json_t *object = json_object();
    json_object_set_new(object, "time", json_of_time(report->ended_s));
    json_object_set_new(object, "verdict", json_string(anchor_verdict_text(report->diagnosis->verdict)));
    return object;
}

static json_t *json_of_findings(const struct anchor_diagnosis *diagnosis)
{
    json_t *findings = json_array();
    for (size_t i = 0; i < diagnosis->count; i++) {
        json_t *object = json_object();
        json_object_set_new(object, "code", json_string(diagnosis->findings[i].code));
        json_object_set_new(object, "from", json_string(diagnosis->findings[i].from));
        json_object_set_new(object, "text", json_of_text(diagnosis->findings[i].text));
        json_array_append_new(findings, object);
    }
    return findings;
}

static json_t *json_of_live(const struct inquiry *inquiry)
{
    json_t *keys = json_array();
    for (size_t i = 0; inquiry->has_live && i < inquiry->live_count; i++) {
        struct dnskey key;
        if (dnskey_read(inquiry->live[i].rdata, &key) != OK)
            continue;
        json_t *object = json_object();
        json_object_set_new(object, "key_tag", json_integer(key.key_tag));
        json_object_set_new(object, "algorithm", json_integer(key.algorithm));
        json_object_set_new(object, "flags", json_integer(key.flags));
        json_object_set_new(object, "signs", json_boolean(inquiry->live[i].signs));
        json_array_append_new(keys, object);
    }
    return keys;
}

static json_t *json_of_digests(const struct inquiry *inquiry)
{
    json_t *items = json_array();
    for (size_t i = 0; inquiry->has_xml && i < inquiry->xml.count; i++) {
        const struct key_digest *item = &inquiry->xml.items[i];
        struct ds ds;
        if (ds_read(item->ds, &ds) != OK)
            continue;
        json_t *object = json_object();
        json_object_set_new(object, "id", json_of_text(item->id));
        json_object_set_new(object, "key_tag", json_integer(ds.key_tag));
        json_object_set_new(object, "algorithm", json_integer(ds.algorithm));
        json_object_set_new(object, "valid_from", json_of_bound(item->valid_from_s));
        json_object_set_new(object, "valid_until", json_of_bound(item->valid_until_s));
        json_array_append_new(items, object);
    }
    return items;
}

static json_t *json_of_xml(const struct inquiry *inquiry)
{
    json_t *object = json_object();
    json_object_set_new(object, "genuine", json_boolean(inquiry->has_xml));
    json_object_set_new(object, "source", inquiry->has_xml ? json_of_text(inquiry->source) : json_null());
    json_object_set_new(object, "fault", inquiry->has_xml ? json_null() : json_of_text(inquiry->xml_fault));
    json_object_set_new(object, "signed", inquiry->has_xml ? json_of_time(inquiry->cms.signed_s) : json_null());
    json_object_set_new(object, "authority_ends",
                        inquiry->has_xml ? json_of_time(inquiry->cms.authority_ends_s) : json_null());
    json_object_set_new(object, "keys", json_of_digests(inquiry));
    return object;
}

json_t *anchors_checked(const struct orders *orders)
{
    struct inquiry_report report;
    orders->inquiry(orders->context, &report);
    json_t *object = new_object();
    json_object_set_new(object, "verdict", json_string(anchor_verdict_text(report.diagnosis->verdict)));
    json_object_set_new(object, "reasons", json_of_findings(report.diagnosis));
    json_object_set_new(object, "next_step", json_string(report.diagnosis->next_step));
    json_object_set_new(object, "published", json_of_live(report.inquiry));
    json_object_set_new(object, "root_anchors_xml", json_of_xml(report.inquiry));
    return object;
}

json_t *anchors_bootstrapped(const struct orders *orders, struct refusal *refusal)
{
    struct inquiry_report report;
    orders->inquiry(orders->context, &report);
    if (!report.is_adopted) {
        snprintf(refusal->hint, sizeof(refusal->hint), "vouchctl ta check tells more; the anchors are as they were");
        return refuse(refusal, "failed", "%s", report.fault);
    }
    json_t *object = anchors_checked(orders), *changes = json_array();
    for (size_t i = 0; i < report.changes->count; i++) {
        const struct anchor_change *change = &report.changes->items[i];
        json_t *item = json_object();
        json_object_set_new(item, "key_tag", json_integer(change->key_tag));
        json_object_set_new(item, "algorithm", json_integer(change->algorithm));
        json_object_set_new(item, "from", json_string(anchor_state_text(change->from)));
        json_object_set_new(item, "to", json_string(anchor_state_text(change->to)));
        json_array_append_new(changes, item);
    }
    json_object_set_new(object, "changes", changes);
    return object;
}

json_t *run_ta_check(const struct orders *orders, const json_t *request, struct refusal *refusal)
{
    struct order_failure failure = { .text = "" };
    (void)request;
    return orders->check_anchors(orders->context, &failure) ? NULL : refuse_failed(refusal, &failure);
}

/* Files come as content, in base64 since a signature is no text. */
static bool take_file(const json_t *request, const char *key, bool is_optional, struct octets *file,
                      struct refusal *refusal)
{
    const char *text = json_string_value(json_object_get(request, key));
    size_t len = text == NULL ? 0 : strlen(text);
    uint8_t *data = memory_new(len + 1, 1);
    struct writer w = writer_of(data, len);
    bool is_good = text == NULL ? is_optional : base64_decode((struct octets) { (const uint8_t *)text, len }, &w);
    *file = (struct octets) { data, w.len };
    if (!is_good)
        refuse(refusal, "bad-argument", "%s: expected the content of a file in base64", key);
    return is_good;
}

static bool take_documents(const json_t *request, struct documents *documents, struct refusal *refusal)
{
    snprintf(documents->source, sizeof(documents->source), "vouchctl");
    return take_file(request, "file", false, &documents->xml, refusal) &&
           take_file(request, "signature", false, &documents->signature, refusal) &&
           take_file(request, "bundle", true, &documents->bundle, refusal);
}

json_t *run_ta_bootstrap(const struct orders *orders, const json_t *request, const struct peer *peer,
                         struct refusal *refusal)
{
    struct order_failure failure = { .text = "" };
    struct documents given = { .source = "" };
    char who[PEER_TEXT_MAX];
    bool is_given = json_object_get(request, "file") != NULL || json_object_get(request, "signature") != NULL ||
                    json_object_get(request, "bundle") != NULL;
    bool is_begun =
        (!is_given || take_documents(request, &given, refusal)) &&
        orders->bootstrap_anchors(orders->context, is_given ? &given : NULL, name_peer(peer, who), &failure);
    documents_clear(&given); /* what was not taken over */
    if (!is_begun && refusal->code == NULL)
        refuse_failed(refusal, &failure);
    return NULL;
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
        for (size_t k = 0; k < zone->count; k++) {
            json_t *key = json_of_key(zone, &zone->keys[k], report.running);
            add_places(key, &report, zone, &zone->keys[k]);
            json_array_append_new(anchors, key);
        }
    }
    orders->history(orders->context, HISTORY_ROWS, add_history_row, history);
    json_object_set_new(object, "automatic_update", json_boolean(report.automatic_update));
    json_object_set_new(object, "signal_anchors", json_boolean(report.signals));
    json_object_set_new(object, "store", json_string(store_condition_text(report.store)));
    json_object_set_new(object, "held", json_boolean(report.is_held));
    json_object_set_new(object, "root_anchors_xml_signed", json_of_time_or_null(report.xml_signed_s));
    json_object_set_new(object, "last_check", json_of_last_check(&report.inquiry));
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
