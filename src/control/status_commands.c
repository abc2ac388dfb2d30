#include "control/command.h"

#include <unistd.h>

/* ---- status ---- */

static json_t *json_of_anchor(const struct anchor *anchor)
{
    struct ds ds;
    struct dnskey key;
    char type[RR_TYPE_TEXT_MAX];
    json_t *object = json_object();
    json_object_set_new(object, "zone", json_of_name(&anchor->zone));
    json_object_set_new(object, "type", json_string(rr_type_to_text(anchor->type, type)));
    if (anchor->type == TYPE_DS && ds_read(anchor->rdata, &ds) == OK) {
        json_object_set_new(object, "key_tag", json_integer(ds.key_tag));
        json_object_set_new(object, "algorithm", json_integer(ds.algorithm));
    } else if (anchor->type == TYPE_DNSKEY && dnskey_read(anchor->rdata, &key) == OK) {
        json_object_set_new(object, "key_tag", json_integer(key.key_tag));
        json_object_set_new(object, "algorithm", json_integer(key.algorithm));
    }
    json_object_set_new(object, "source", json_string(anchor_source_text(anchor->source)));
    return object;
}

static json_t *json_of_trust(const struct config *config, const struct nta_set *negatives)
{
    size_t count;
    json_t *object = json_object(), *anchors = json_array();
    const struct anchor *anchor = trust_anchors(config->trust, &count);
    for (; count > 0; count--, anchor++)
        json_array_append_new(anchors, json_of_anchor(anchor));
    json_object_set_new(object, "model", json_string(config->trust_model == TRUST_MODEL_ROOT ? "root" : "configured"));
    json_object_set_new(object, "anchors", anchors);
    json_object_set_new(object, "negative_anchors", json_integer((json_int_t)nta_count_active(negatives)));
    trust_insecures(config->trust, &count);
    json_object_set_new(object, "insecure_zones", json_integer((json_int_t)count));
    return object;
}

static json_t *json_of_listen(const struct config *config)
{
    json_t *list = json_array();
    for (uint16_t i = 0; i < config->listen_count; i++) {
        char text[ADDRESS_TEXT_MAX];
        json_array_append_new(list, json_string(address_to_text(&config->listen[i].address, text)));
    }
    return list;
}

static json_t *json_of_cache(const struct cache_stats *stats)
{
    json_t *object = json_object();
    json_object_set_new(object, "size_octets", json_integer((json_int_t)stats->size_octets));
    json_object_set_new(object, "used_octets", json_integer((json_int_t)stats->used_octets));
    json_object_set_new(object, "entries", json_integer((json_int_t)stats->entries));
    json_object_set_new(object, "hits", json_integer((json_int_t)stats->hits));
    json_object_set_new(object, "misses", json_integer((json_int_t)stats->misses));
    return object;
}

json_t *run_status(const struct orders *orders, const json_t *request, struct refusal *refusal)
{
    (void)request;
    (void)refusal;
    struct daemon_status status;
    struct negatives_report negatives;
    orders->status(orders->context, &status);
    orders->negatives(orders->context, &negatives);
    json_t *object = new_object();
    json_object_set_new(object, "vouchd", json_string(status.program_version));
    json_object_set_new(object, "pid", json_integer(getpid()));
    json_object_set_new(object, "now", json_of_time(status.now_s));
    json_object_set_new(object, "started", json_of_time(status.started_s));
    json_object_set_new(object, "uptime_s", json_integer(status.now_s - status.started_s));
    json_object_set_new(object, "clock_is_fit", json_boolean(status.wall_is_fit));
    json_object_set_new(object, "config", json_of_text(status.config->path));
    json_object_set_new(object, "listen", json_of_listen(status.config));
    json_object_set_new(object, "workers", json_integer(status.workers));
    json_object_set_new(object, "trust", json_of_trust(status.config, negatives.set));
    json_object_set_new(object, "cache", json_of_cache(&status.cache));
    return object;
}

/* ---- stats ---- */

static void add_metric(void *to, const char *name, int64_t value)
{
    json_object_set_new(to, name, json_integer(value));
}

json_t *run_stats(const struct orders *orders, const json_t *request, struct refusal *refusal)
{
    (void)request;
    (void)refusal;
    json_t *object = new_object();
    orders->stats(orders->context, add_metric, object);
    return object;
}
