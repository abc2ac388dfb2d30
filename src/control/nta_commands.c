#include "control/command.h"
#include "control/control.h"

enum { NTA_HISTORY_ROWS = 100 };

/* ---- what there is ---- */

static json_t *json_of_cut(enum zone_cut cut)
{
    return cut == CUT_IS ? json_true() : cut == CUT_IS_NOT ? json_false() : json_null();
}

static json_t *json_of_nta(const struct nta *nta)
{
    json_t *object = json_object();
    json_object_set_new(object, "zone", json_of_name(&nta->zone));
    json_object_set_new(object, "until", json_of_time(nta->until_s));
    json_object_set_new(object, "reason", json_of_text(nta->reason));
    json_object_set_new(object, "since", json_of_time_or_null(nta->since_s));
    json_object_set_new(object, "who", json_of_text(nta->who));
    json_object_set_new(object, "source", json_string(nta_source_text(nta->source)));
    json_object_set_new(object, "zone_cut", json_of_cut(nta->cut));
    json_object_set_new(object, "last_check", json_of_time_or_null(nta->checked_s));
    json_object_set_new(object, "finding", nta->finding[0] == '\0' ? json_null() : json_of_text(nta->finding));
    json_object_set_new(object, "servers_asked", json_integer(nta->servers_asked));
    json_object_set_new(object, "servers_answered", json_integer(nta->servers_answered));
    json_object_set_new(object, "good_rounds", json_integer(nta->good_rounds));
    return object;
}

json_t *run_nta_list(const struct orders *orders, const json_t *request, struct refusal *refusal)
{
    (void)request;
    (void)refusal;
    struct negatives_report report;
    orders->negatives(orders->context, &report);
    json_t *object = new_object(), *ntas = json_array(), *ended = json_array();
    for (size_t i = 0; i < report.set->count; i++)
        json_array_append_new(nta_is_active(report.set->items[i]) ? ntas : ended, json_of_nta(report.set->items[i]));
    json_object_set_new(object, "ntas", ntas);
    json_object_set_new(object, "ended", ended); /* configured still, and over */
    json_object_set_new(object, "store", json_string(store_condition_text(report.store)));
    return object;
}

static void add_row(void *to, const struct nta_history_row *row)
{
    json_t *object = json_object();
    json_object_set_new(object, "time", json_of_time(row->time_s));
    json_object_set_new(object, "zone", json_of_name(&row->zone));
    json_object_set_new(object, "what", json_of_text(row->what));
    json_object_set_new(object, "why", json_of_text(row->why));
    json_object_set_new(object, "who", json_of_text(row->who));
    json_array_append_new(to, object);
}

json_t *run_nta_history(const struct orders *orders, const json_t *request, struct refusal *refusal)
{
    (void)request;
    (void)refusal;
    struct negatives_report report;
    json_t *object = new_object(), *history = json_array();
    orders->negatives(orders->context, &report);
    orders->nta_history(orders->context, NTA_HISTORY_ROWS, add_row, history);
    json_object_set_new(object, "history", history);
    json_object_set_new(object, "store", json_string(store_condition_text(report.store)));
    return object;
}

/* ---- orders ---- */

/* A text that may be left out. */
static bool text_argument(const json_t *request, const char *key, const char *usual, const char **text,
                          struct refusal *refusal)
{
    const json_t *value = json_object_get(request, key);
    *text = value == NULL ? usual : json_string_value(value);
    if (*text == NULL)
        refuse(refusal, "bad-argument", "%s: expected a text", key);
    return *text != NULL;
}

static bool life_argument(const json_t *request, int64_t *for_s, struct refusal *refusal)
{
    const char *text;
    int64_t ms = NTA_S_DEFAULT * INT64_C(1000);
    if (!text_argument(request, "for", "", &text, refusal))
        return false;
    if (text[0] != '\0' && !duration_from_text(text, &ms)) {
        refuse(refusal, "bad-argument", "for: expected a time such as 30m, 3h or 1d");
        return false;
    }
    *for_s = ms / 1000;
    return true;
}

static bool reason_argument(const json_t *request, const char **reason, struct refusal *refusal)
{
    if (!text_argument(request, "reason", "", reason, refusal))
        return false;
    if (strlen(*reason) > NTA_REASON_OCTETS_MAX)
        refuse(refusal, "bad-argument", "reason: expected at most %d octets", NTA_REASON_OCTETS_MAX);
    return refusal->code == NULL;
}

/* The reply comes from command_nta_added(), once more is known. */
json_t *run_nta_add(const struct orders *orders, const json_t *request, const struct peer *peer,
                    struct refusal *refusal)
{
    struct order_failure failure = { .text = "" };
    struct nta_order order = { .may_be_tld = json_is_true(json_object_get(request, "yes_this_is_a_tld")) };
    char who[PEER_TEXT_MAX];
    if (!name_argument(request, "zone", &order.zone, refusal) || !life_argument(request, &order.for_s, refusal) ||
        !reason_argument(request, &order.reason, refusal))
        return NULL;
    order.who = name_peer(peer, who);
    return orders->add_nta(orders->context, &order, &failure) ? NULL : refuse_failed(refusal, &failure);
}

static bool has_anchor_below(const struct trust *trust, const struct dname *zone)
{
    size_t count;
    const struct anchor *anchor = trust_anchors(trust, &count);
    for (; count > 0; count--, anchor++)
        if (dname_is_below(&anchor->zone, zone))
            return true;
    return false;
}

/* What the operator should know of what he has ordered. */
static json_t *json_of_warnings(const struct orders *orders, const struct negatives_report *report,
                                const struct nta *nta)
{
    json_t *list = json_array();
    struct anchors_report anchors;
    orders->anchors(orders->context, &anchors);
    if (nta->cut == CUT_IS_NOT)
        json_array_append_new(list, json_string("this is no zone cut: what fails is probably the zone above it"));
    if (nta->cut == CUT_UNKNOWN || nta->cut == CUT_PENDING)
        json_array_append_new(list, json_string("whether this is a zone cut could not be found out"));
    if (nta->reason[0] == '\0')
        json_array_append_new(list, json_string("no reason was given: nobody will know why it is there"));
    if (has_anchor_below(anchors.running, &nta->zone))
        json_array_append_new(list, json_string("a trust anchor below it stays in force for its own subtree"));
    if (report->store != STORE_GOOD)
        json_array_append_new(list, json_string("it cannot be written to the state directory: a restart forgets it"));
    return list;
}

char *command_nta_added(const struct orders *orders, const char *line, size_t len, bool is_late)
{
    struct refusal refusal = { .code = NULL };
    struct dname zone;
    struct negatives_report report;
    json_t *request = json_loadb(line, len, JSON_REJECT_DUPLICATES, NULL);
    bool is_good = name_argument(request, "zone", &zone, &refusal);
    json_decref(request);
    orders->negatives(orders->context, &report);
    const struct nta *nta = is_good ? nta_find(report.set, &zone, NTA_ORDERED) : NULL;
    if (nta == NULL)
        return command_refusal("failed", "it has ended meanwhile", "vouchctl nta history says why");
    if (nta->cut == CUT_PENDING && !is_late)
        return NULL;
    json_t *object = json_of_nta(nta);
    json_object_set_new(object, "version", json_integer(CONTROL_VERSION));
    json_object_set_new(object, "entries", json_integer((json_int_t)nta->forgotten));
    json_object_set_new(object, "warnings", json_of_warnings(orders, &report, nta));
    return line_of(object);
}

json_t *run_nta_remove(const struct orders *orders, const json_t *request, const struct peer *peer,
                       struct refusal *refusal)
{
    struct order_failure failure = { .text = "" };
    struct dname zone;
    size_t entries;
    char who[PEER_TEXT_MAX];
    if (!name_argument(request, "zone", &zone, refusal))
        return NULL;
    if (!orders->remove_nta(orders->context, &zone, name_peer(peer, who), &entries, &failure))
        return refuse_failed(refusal, &failure);
    json_t *object = new_object();
    json_object_set_new(object, "entries", json_integer((json_int_t)entries));
    return object;
}
