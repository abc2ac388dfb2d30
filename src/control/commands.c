#include "control/commands.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "config/rfc3339.h"
#include "control/control.h"

enum { OBJECT_FLAGS = JSON_COMPACT | JSON_ENSURE_ASCII }; /* nothing in it speaks to a terminal */

struct refusal {
    const char *code;
    char text[sizeof(((struct order_failure *)NULL)->text)];
    char hint[sizeof(((struct order_failure *)NULL)->hint)];
};

struct command {
    const char *name;
    bool weakens; /* trust, or takes the cache away: not for everybody who can reach the socket */
    bool changes; /* worth a line in the log */
    enum next next;
    /* The reply but for its version; NULL: *refusal says why. */
    json_t *(*run)(const struct orders *orders, const json_t *request, struct refusal *refusal);
    /* The same where it counts who orders it. */
    json_t *(*run_for)(const struct orders *orders, const json_t *request, const struct peer *peer,
                       struct refusal *refusal);
};

/* ---- objects ---- */

/* JSON is UTF-8; paths need not be. */
static json_t *json_of_text(const char *text)
{
    json_t *string = text == NULL ? json_null() : json_string(text);
    if (string != NULL)
        return string;
    char *ascii = strdup(text);
    for (char *at = ascii; at != NULL && *at != '\0'; at++) {
        if ((unsigned char)*at >= 0x80)
            *at = '?';
    }
    string = json_string(ascii == NULL ? "" : ascii);
    free(ascii);
    return string;
}

static json_t *json_of_name(const struct dname *name)
{
    char text[DNAME_TEXT_MAX];
    return json_string(dname_to_text(name, text));
}

static json_t *json_of_time(int64_t unix_s)
{
    char text[RFC3339_TEXT_MAX];
    return json_string(rfc3339_to_text(unix_s, text));
}

static json_t *new_object(void)
{
    json_t *object = json_object();
    json_object_set_new(object, "version", json_integer(CONTROL_VERSION));
    return object;
}

size_t object_write(const json_t *object, char *buffer, size_t size)
{
    return json_dumpb(object, buffer, size, OBJECT_FLAGS);
}

/* object is given back. */
static char *line_of(json_t *object)
{
    size_t len = object_write(object, NULL, 0);
    char *line = memory_new(len + 2, 1);
    object_write(object, line, len);
    line[len] = '\n';
    json_decref(object);
    return line;
}

char *command_refusal(const char *code, const char *text, const char *hint)
{
    json_t *error = json_object(), *object = new_object();
    json_object_set_new(error, "code", json_string(code));
    json_object_set_new(error, "text", json_of_text(text));
    json_object_set_new(error, "hint", json_of_text(hint == NULL ? "" : hint));
    json_object_set_new(object, "error", error);
    return line_of(object);
}

static json_t *refuse(struct refusal *refusal, const char *code, const char *format, ...) PRINTF_LIKE(3, 4);

static json_t *refuse(struct refusal *refusal, const char *code, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    refusal->code = code;
    vsnprintf(refusal->text, sizeof(refusal->text), format, arguments);
    va_end(arguments);
    return NULL;
}

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

static json_t *json_of_trust(const struct config *config)
{
    size_t count;
    json_t *object = json_object(), *anchors = json_array();
    const struct anchor *anchor = trust_anchors(config->trust, &count);
    for (; count > 0; count--, anchor++)
        json_array_append_new(anchors, json_of_anchor(anchor));
    json_object_set_new(object, "model", json_string(config->trust_model == TRUST_MODEL_ROOT ? "root" : "configured"));
    json_object_set_new(object, "anchors", anchors);
    trust_negatives(config->trust, &count);
    json_object_set_new(object, "negative_anchors", json_integer((json_int_t)count));
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

static json_t *run_status(const struct orders *orders, const json_t *request, struct refusal *refusal)
{
    (void)request;
    (void)refusal;
    struct daemon_status status;
    orders->status(orders->context, &status);
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
    json_object_set_new(object, "trust", json_of_trust(status.config));
    json_object_set_new(object, "cache", json_of_cache(&status.cache));
    return object;
}

/* ---- stats ---- */

static void add_metric(void *to, const char *name, int64_t value)
{
    json_object_set_new(to, name, json_integer(value));
}

static json_t *run_stats(const struct orders *orders, const json_t *request, struct refusal *refusal)
{
    (void)request;
    (void)refusal;
    json_t *object = new_object();
    orders->stats(orders->context, add_metric, object);
    return object;
}

/* ---- time ---- */

/* Seconds with their fraction. */
static json_t *json_of_ms(int64_t ms)
{
    return json_real((double)ms / 1000);
}

static json_t *json_of_floor(int64_t floor_s)
{
    return floor_s == CLOCK_NO_FLOOR ? json_null() : json_of_time(floor_s);
}

static json_t *json_of_floors(const struct clock_floors *floors)
{
    json_t *object = json_object();
    json_object_set_new(object, "build", json_of_floor(floors->build_s));
    json_object_set_new(object, "seen", json_of_floor(floors->seen_s));
    json_object_set_new(object, "set", json_of_floor(floors->set_s));
    return object;
}

static json_t *json_of_reasons(const struct clock_judgement *judgement)
{
    json_t *list = json_array();
    for (unsigned i = 0; i < CLOCK_REASONS; i++) {
        if ((judgement->reasons & 1u << i) == 0)
            continue;
        json_t *reason = json_object();
        json_object_set_new(reason, "code", json_string(clock_reason_code((enum clock_reason)i)));
        json_object_set_new(reason, "text", json_string(clock_reason_text((enum clock_reason)i)));
        json_array_append_new(list, reason);
    }
    return list;
}

static json_t *json_of_source(const struct time_source_report *source)
{
    char text[ADDRESS_TEXT_MAX];
    json_t *object = json_object();
    const struct sntp_reply *reply = &source->reply;
    json_object_set_new(object, "address", json_string(address_to_text(&source->address, text)));
    json_object_set_new(object, "state", json_string(source->has_reply ? sntp_end_text(reply->end) : "not asked"));
    json_object_set_new(object, "authenticated", json_boolean(reply->sample.is_authenticated));
    if (source->has_reply && reply->end == SNTP_KISSED)
        json_object_set_new(object, "kiss", json_string(reply->kiss));
    if (source->has_reply && reply->end == SNTP_ANSWERED) {
        json_object_set_new(object, "stratum", json_integer(reply->stratum));
        json_object_set_new(object, "offset_s", json_of_ms(source->offset_ms));
        json_object_set_new(object, "error_s", json_of_ms(reply->sample.error_ms));
        json_object_set_new(object, "delay_s", json_of_ms(reply->delay_ms));
    }
    return object;
}

static json_t *json_of_sources(const struct time_report *report)
{
    json_t *list = json_array();
    for (unsigned i = 0; i < report->source_count; i++)
        json_array_append_new(list, json_of_source(&report->sources[i]));
    return list;
}

static json_t *json_of_jump(const struct time_report *report)
{
    if (report->jumps == 0)
        return json_null();
    json_t *object = json_object();
    json_object_set_new(object, "seen", json_of_time(report->jump_s));
    json_object_set_new(object, "by_s", json_of_ms(report->jump_ms));
    return object;
}

static json_t *time_object(const struct orders *orders)
{
    static const char *const on_unfit[] = {
        [ON_UNFIT_HOLD] = "hold",
        [ON_UNFIT_WARN] = "warn",
        [ON_UNFIT_EXIT] = "exit",
    };
    struct time_report report;
    orders->time(orders->context, &report);
    json_t *object = new_object();
    json_object_set_new(object, "now", json_of_time(now_wall_s(report.now)));
    json_object_set_new(object, "clock", json_string(clock_fitness_text(report.judgement.fitness)));
    json_object_set_new(object, "held", json_boolean(!report.now.wall_is_fit));
    json_object_set_new(object, "reasons", json_of_reasons(&report.judgement));
    json_object_set_new(object, "on_unfit", json_string(on_unfit[report.on_unfit]));
    json_object_set_new(object, "kernel",
                        json_string(report.kernel == KERNEL_SYNCHRONISED ? "synchronised" : "unsynchronised"));
    json_object_set_new(object, "floors", json_of_floors(&report.floors));
    json_object_set_new(object, "offset_s",
                        report.judgement.deciding == 0 ? json_null() : json_of_ms(report.judgement.offset_ms));
    json_object_set_new(object, "max_offset_s", json_integer(report.max_offset_s));
    json_object_set_new(object, "deciding", json_integer(report.judgement.deciding));
    json_object_set_new(object, "differing", json_integer(report.judgement.differing));
    json_object_set_new(object, "sources", json_of_sources(&report));
    json_object_set_new(object, "checks", json_integer((json_int_t)report.checks));
    json_object_set_new(object, "last_check", report.checks == 0 ? json_null() : json_of_time(report.checked_s));
    json_object_set_new(object, "next_check_in_s",
                        report.checks == 0 ? json_null() : json_integer(report.next_check_s));
    json_object_set_new(object, "jumps", json_integer((json_int_t)report.jumps));
    json_object_set_new(object, "last_jump", json_of_jump(&report));
    return object;
}

static json_t *run_time(const struct orders *orders, const json_t *request, struct refusal *refusal)
{
    (void)request;
    (void)refusal;
    return time_object(orders);
}

char *command_time_checked(const struct orders *orders)
{
    return line_of(time_object(orders));
}

/* ---- flush ---- */

static bool name_argument(const json_t *request, const char *key, struct dname *name, struct refusal *refusal)
{
    const char *text = json_string_value(json_object_get(request, key));
    if (text != NULL && text[0] != '\0' && dname_from_text(text, name) == OK)
        return true;
    refuse(refusal, "bad-argument", "%s: expected a domain name", key);
    return false;
}

static bool tag_argument(const json_t *request, uint16_t *key_tag, struct refusal *refusal)
{
    const json_t *tag = json_object_get(request, "key_tag");
    bool is_good = json_is_integer(tag) && json_integer_value(tag) >= 0 && json_integer_value(tag) <= UINT16_MAX;
    *key_tag = is_good ? (uint16_t)json_integer_value(tag) : 0;
    if (!is_good)
        refuse(refusal, "bad-argument", "key_tag: expected a number from 0 to 65535");
    return is_good;
}

static json_t *flushed(size_t entries)
{
    json_t *object = new_object();
    json_object_set_new(object, "entries", json_integer((json_int_t)entries));
    return object;
}

static json_t *run_flush_all(const struct orders *orders, const json_t *request, struct refusal *refusal)
{
    (void)request;
    (void)refusal;
    return flushed(orders->flush_all(orders->context));
}

static json_t *run_flush_name(const struct orders *orders, const json_t *request, struct refusal *refusal)
{
    struct dname name;
    if (!name_argument(request, "name", &name, refusal))
        return NULL;
    return flushed(orders->flush_name(orders->context, &name));
}

static json_t *run_flush_zone(const struct orders *orders, const json_t *request, struct refusal *refusal)
{
    struct dname zone;
    if (!name_argument(request, "zone", &zone, refusal))
        return NULL;
    return flushed(orders->flush_zone(orders->context, &zone));
}

static json_t *run_flush_key(const struct orders *orders, const json_t *request, struct refusal *refusal)
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

/* ---- ta ---- */

enum { HISTORY_ROWS = 20 };

static json_t *json_of_time_or_null(int64_t unix_s)
{
    return unix_s == 0 ? json_null() : json_of_time(unix_s);
}

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

static json_t *run_ta_status(const struct orders *orders, const json_t *request, struct refusal *refusal)
{
    (void)request;
    (void)refusal;
    static const char *const conditions[] = {
        [STORE_NONE] = "none", [STORE_GOOD] = "good", [STORE_FAILING] = "failing"
    };
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
    json_object_set_new(object, "store", json_string(conditions[report.store]));
    json_object_set_new(object, "zones", zones);
    json_object_set_new(object, "anchors", anchors);
    json_object_set_new(object, "history", history);
    return object;
}

static json_t *refuse_failed(struct refusal *refusal, const struct order_failure *failure)
{
    refuse(refusal, "failed", "%s", failure->text);
    snprintf(refusal->hint, sizeof(refusal->hint), "%s", failure->hint);
    return NULL;
}

static json_t *run_ta_refresh(const struct orders *orders, const json_t *request, struct refusal *refusal)
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

/* For the history. */
static const char *name_peer(const struct peer *peer, char text[32])
{
    snprintf(text, 32, "uid %u", (unsigned)peer->uid);
    return text;
}

static json_t *run_ta_add(const struct orders *orders, const json_t *request, const struct peer *peer,
                          struct refusal *refusal)
{
    struct order_failure failure = { .text = "" };
    char who[32];
    const char *text = json_string_value(json_object_get(request, "anchor"));
    if (text == NULL)
        return refuse(refusal, "bad-argument", "anchor: expected a DS or DNSKEY record");
    if (!orders->add_anchors(orders->context, text, name_peer(peer, who), &failure))
        return refuse_failed(refusal, &failure);
    return new_object();
}

static json_t *run_ta_remove(const struct orders *orders, const json_t *request, const struct peer *peer,
                             struct refusal *refusal)
{
    struct order_failure failure = { .text = "" };
    struct dname zone;
    uint16_t key_tag;
    char who[32];
    if (!name_argument(request, "zone", &zone, refusal) || !tag_argument(request, &key_tag, refusal))
        return NULL;
    if (!orders->remove_anchor(orders->context, &zone, key_tag, name_peer(peer, who), &failure))
        return refuse_failed(refusal, &failure);
    return new_object();
}

/* ---- reload, stop ---- */

/* The lines of a text as an array. */
static json_t *json_of_lines(char *text)
{
    json_t *lines = json_array();
    char *rest = text, *line;
    while ((line = strsep(&rest, "\n")) != NULL) {
        if (line[0] != '\0')
            json_array_append_new(lines, json_of_text(line));
    }
    return lines;
}

static json_t *run_reload(const struct orders *orders, const json_t *request, struct refusal *refusal)
{
    (void)request;
    struct order_failure failure = { .text = "" };
    char *notes = NULL;
    size_t len;
    FILE *to = open_memstream(&notes, &len);
    if (to == NULL)
        return refuse(refusal, "failed", "%s", err_text(ERR_SYSTEM));
    bool is_done = orders->reload(orders->context, to, &failure);
    fclose(to);
    json_t *object = NULL;
    if (is_done) {
        object = new_object();
        json_object_set_new(object, "notes", json_of_lines(notes));
    } else {
        refuse_failed(refusal, &failure);
    }
    free(notes);
    return object;
}

static json_t *run_stop(const struct orders *orders, const json_t *request, struct refusal *refusal)
{
    (void)orders;
    (void)request;
    (void)refusal;
    return new_object();
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

/* ---- the table ---- */

static const struct command commands[] = {
    { "status", .run = run_status },
    { "stats", .run = run_stats },
    { "flush all", .run = run_flush_all, .weakens = true, .changes = true },
    { "flush name", .run = run_flush_name, .weakens = true, .changes = true },
    { "flush zone", .run = run_flush_zone, .weakens = true, .changes = true },
    { "flush key", .run = run_flush_key, .weakens = true, .changes = true },
    { "time", .run = run_time },
    { "time check", .next = NEXT_CHECK },
    { "dump-cache", .next = NEXT_DUMP },
    { "ta status", .run = run_ta_status },
    { "ta refresh", .run = run_ta_refresh, .changes = true },
    { "ta add", .run_for = run_ta_add, .weakens = true, .changes = true },
    { "ta remove", .run_for = run_ta_remove, .weakens = true, .changes = true },
    { "reload", .run = run_reload, .changes = true },
    { "stop", .run = run_stop, .weakens = true, .changes = true, .next = NEXT_STOP },
};

static const struct command *find_command(const char *name)
{
    for (size_t i = 0; name != NULL && i < ARRAY_LEN(commands); i++) {
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    }
    return NULL;
}

static bool is_allowed(const struct command *command, const struct admins *admins, const struct peer *peer)
{
    bool is_trusted = !command->weakens || peer->uid == 0 || peer->uid == geteuid();
    for (uint16_t i = 0; i < admins->count; i++)
        is_trusted = is_trusted || admins->uids[i] == peer->uid;
    return is_trusted;
}

/* Which command the request is for; NULL: *refusal says why it is for none. */
static const struct command *choose(const json_t *request, const struct admins *admins, const struct peer *peer,
                                    struct refusal *refusal)
{
    const json_t *version = json_object_get(request, "version");
    const struct command *command = find_command(json_string_value(json_object_get(request, "command")));
    if (!json_is_object(request)) {
        refuse(refusal, "bad-request", "expected one JSON object on one line");
    } else if (json_integer_value(version) != CONTROL_VERSION) {
        refuse(refusal, "bad-version", "expected \"version\":%d", CONTROL_VERSION);
        snprintf(refusal->hint, sizeof(refusal->hint), "vouchctl and vouchd must be of the same release");
    } else if (command == NULL) {
        refuse(refusal, "unknown-command", "this vouchd knows no such command");
    } else if (!is_allowed(command, admins, peer)) {
        refuse(refusal, "not-permitted", "user %u may not order \"%s\"", (unsigned)peer->uid, command->name);
        snprintf(refusal->hint, sizeof(refusal->hint), "ask as root, or list the user under control.admins");
        log_warning("control: user %u (process %d) is refused: %s", (unsigned)peer->uid, (int)peer->pid, command->name);
    } else {
        return command;
    }
    return NULL;
}

/* Orders are part of the history of a resolver: who, what, and about which name. */
static void log_order(const json_t *request, const struct peer *peer)
{
    char *text = json_dumps(request, OBJECT_FLAGS | JSON_SORT_KEYS);
    log_info("control: user %u (process %d): %s", (unsigned)peer->uid, (int)peer->pid, text == NULL ? "" : text);
    free(text);
}

char *command_answer(const struct orders *orders, const struct admins *admins, const struct peer *peer,
                     const char *line, size_t len, enum next *next)
{
    struct refusal refusal = { .code = NULL };
    json_t *reply = NULL, *request = json_loadb(line, len, JSON_REJECT_DUPLICATES, NULL);
    const struct command *command = choose(request, admins, peer, &refusal);
    if (command != NULL && command->changes)
        log_order(request, peer);
    if (command != NULL && command->run != NULL)
        reply = command->run(orders, request, &refusal);
    else if (command != NULL && command->run_for != NULL)
        reply = command->run_for(orders, request, peer, &refusal);
    json_decref(request);
    *next = refusal.code == NULL ? command->next : NEXT_NOTHING;
    if (refusal.code != NULL)
        return command_refusal(refusal.code, refusal.text, refusal.hint);
    return reply == NULL ? NULL : line_of(reply);
}
