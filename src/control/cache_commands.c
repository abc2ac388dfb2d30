#include "control/command.h"

/* ---- flush ---- */

static json_t *flushed(size_t entries)
{
    json_t *object = new_object();
    json_object_set_new(object, "entries", json_integer((json_int_t)entries));
    return object;
}

json_t *run_flush_all(const struct orders *orders, const json_t *request, struct refusal *refusal)
{
    (void)request;
    (void)refusal;
    return flushed(orders->flush_all(orders->context));
}

json_t *run_flush_name(const struct orders *orders, const json_t *request, struct refusal *refusal)
{
    struct dname name;
    if (!name_argument(request, "name", &name, refusal))
        return NULL;
    return flushed(orders->flush_name(orders->context, &name));
}

json_t *run_flush_zone(const struct orders *orders, const json_t *request, struct refusal *refusal)
{
    struct dname zone;
    if (!name_argument(request, "zone", &zone, refusal))
        return NULL;
    return flushed(orders->flush_zone(orders->context, &zone));
}

json_t *run_flush_key(const struct orders *orders, const json_t *request, struct refusal *refusal)
{
    struct dname zone;
    uint16_t key_tag;
    size_t keys = 0;
    if (!name_argument(request, "zone", &zone, refusal) || !tag_argument(request, &key_tag, refusal))
        return NULL;
    json_t *object = flushed(orders->flush_key(orders->context, &zone, key_tag, &keys));
    json_object_set_new(object, "keys", json_integer((json_int_t)keys));
    return object;
}

/* ---- dump-cache ---- */

static void describe_verdict(json_t *object, const struct verdict *verdict)
{
    json_object_set_new(object, "security", json_string(security_text(verdict->security)));
    json_object_set_new(object, "ede", verdict->ede == EDE_NONE ? json_null() : json_integer(verdict->ede));
}

json_t *dump_row(const struct cache_row *row)
{
    char type[RR_TYPE_TEXT_MAX];
    json_t *object = new_object();
    json_object_set_new(object, "kind", json_string(row->kind));
    json_object_set_new(object, "name", json_of_name(&row->question.qname));
    json_object_set_new(object, "type", json_string(rr_type_to_text(row->question.qtype, type)));
    json_object_set_new(object, "security", json_null());
    json_object_set_new(object, "ede", json_null());
    if (row->answer != NULL)
        describe_verdict(object, &row->answer->verdict);
    else if (row->failure != NULL && row->failure->ede != EDE_NONE)
        json_object_set_new(object, "ede", json_integer(row->failure->ede));
    json_object_set_new(object, "ttl_s", json_integer(row->ttl_ms < 0 ? 0 : row->ttl_ms / 1000));
    json_object_set_new(object, "lineage", json_of_text(row->lineage));
    return object;
}

json_t *dump_end(size_t rows)
{
    json_t *object = new_object();
    json_object_set_new(object, "end", json_true());
    json_object_set_new(object, "entries", json_integer((json_int_t)rows));
    return object;
}
