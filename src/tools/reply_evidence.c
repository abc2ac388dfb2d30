/* failures, nta explain, metrics. */
#include <stdio.h>
#include <string.h>

#include "tools/reply.h"
#include "tools/reply_pieces.h"

/* "bad_signature 3, expired 1" */
static void print_causes(const json_t *causes)
{
    const char *cause, *between = "";
    json_t *count;
    json_object_foreach((json_t *)causes, cause, count)
    {
        printf("%s", between);
        print_text(cause);
        printf(" %" JSON_INTEGER_FORMAT, json_integer_value(count));
        between = ", ";
    }
    if (*between == '\0')
        printf("-");
}

static void print_key(const json_t *key)
{
    printf("%5" JSON_INTEGER_FORMAT "  %-16s %8" JSON_INTEGER_FORMAT " good %8" JSON_INTEGER_FORMAT " failed",
           number_of(key, "key_tag"), reply_text(key, "mnemonic"), number_of(key, "good"), number_of(key, "failed"));
    if (json_is_string(json_object_get(key, "last_cause")))
        printf("  %s", reply_text(key, "last_cause"));
    putchar('\n');
}

/* Nothing of what was before vouchd was started: when each of them was is not kept. */
static void print_window(const json_t *zone, const char *window)
{
    printf("    ");
    if (number_of(zone, "in_window") == 0)
        return;
    printf("in %s: %" JSON_INTEGER_FORMAT " (", window, number_of(zone, "in_window"));
    print_causes(json_object_get(zone, "causes_in_window"));
    printf("); ");
}

void reply_print_failures(const struct reply *reply)
{
    const json_t *zones = json_object_get(reply->object, "zones"), *keys = json_object_get(reply->object, "keys"), *row;
    const char *window = reply_text(reply->object, "window");
    size_t i;
    if (json_array_size(zones) == 0)
        printf("no zone is known to fail\n");
    json_array_foreach(zones, i, row)
    {
        print_text(reply_text(row, "zone"));
        printf("  %s since %s, last %s\n", json_is_true(json_object_get(row, "failing")) ? "fails" : "failed",
               reply_text(row, "since"), reply_text(row, "last"));
        print_window(row, window);
        printf("in all %" JSON_INTEGER_FORMAT " failed, %" JSON_INTEGER_FORMAT " rescued by another server\n",
               number_of(row, "failures"), number_of(row, "rescued"));
    }
    if (json_array_size(keys) > 0)
        printf("signatures by key, %s\n", window);
    json_array_foreach(keys, i, row)
    {
        printf("    ");
        print_text(reply_text(row, "zone"));
        printf("  ");
        print_key(row);
    }
}

/* ---- nta explain ---- */

static void print_servers(const json_t *explained)
{
    size_t i;
    const json_t *server;
    json_array_foreach(json_object_get(explained, "servers"), i, server)
    {
        printf("%-14s", i == 0 ? "servers" : "");
        print_text(reply_text(server, "server"));
        printf(" %s: %" JSON_INTEGER_FORMAT " bad, %" JSON_INTEGER_FORMAT " good\n", reply_text(server, "transport"),
               number_of(server, "bad"), number_of(server, "good"));
    }
    print_field("all fail", json_object_get(explained, "all_servers_fail"));
    print_field("UDP and TCP", json_object_get(explained, "tcp"));
}

static void print_ds(const json_t *explained)
{
    size_t i;
    const json_t *ds, *list = json_object_get(explained, "ds");
    if (json_array_size(list) == 0)
        printf("%-14snot known\n", "parent's DS");
    json_array_foreach(list, i, ds)
        printf("%-14s%" JSON_INTEGER_FORMAT " %s digest %" JSON_INTEGER_FORMAT ": %s\n", i == 0 ? "parent's DS" : "",
               number_of(ds, "key_tag"), reply_text(ds, "mnemonic"), number_of(ds, "digest_type"),
               json_is_true(json_object_get(ds, "matched"))  ? "names a key of the zone"
               : json_is_true(json_object_get(ds, "usable")) ? "names no key of the zone"
                                                             : "not usable");
}

static void print_published(const json_t *explained)
{
    size_t i;
    const json_t *key;
    json_array_foreach(json_object_get(explained, "dnskeys"), i, key)
        printf("%-14s%" JSON_INTEGER_FORMAT " %s flags %" JSON_INTEGER_FORMAT "%s%s\n", i == 0 ? "DNSKEY set" : "",
               number_of(key, "key_tag"), reply_text(key, "mnemonic"), number_of(key, "flags"),
               json_is_true(json_object_get(key, "in_ds")) ? ", named by the parent" : "",
               json_is_true(json_object_get(key, "signed_set")) ? ", signed the set" : "");
    json_array_foreach(json_object_get(explained, "keys"), i, key)
    {
        printf("%-14s", i == 0 ? "signatures" : "");
        print_key(key);
    }
}

static void print_suggestion(const json_t *suggestion)
{
    size_t i;
    const json_t *reason;
    print_field("looks", json_object_get(suggestion, "looks"));
    json_array_foreach(json_object_get(suggestion, "reasons"), i, reason)
    {
        printf("%-14s", i == 0 ? "because" : "");
        printf("(%s) %s\n", reply_text(reason, "towards"), reply_text(reason, "text"));
    }
    print_field("others", json_object_get(suggestion, "others"));
}

static void print_record(const json_t *record)
{
    size_t i;
    const json_t *answer;
    printf("  %s ", reply_text(record, "time"));
    print_text(reply_text(record, "name"));
    printf(" %s: %s%s [%s]\n    ", reply_text(record, "type"), reply_text(record, "outcome"),
           json_is_true(json_object_get(record, "healed")) ? ", good since" : "", reply_text(record, "check"));
    print_text(reply_text(record, "text"));
    putchar('\n');
    json_array_foreach(json_object_get(record, "answers"), i, answer)
    {
        const json_t *server = json_object_get(answer, "server");
        printf("    from ");
        print_text(json_is_string(server) ? json_string_value(server) : "the cache");
        if (json_is_string(server))
            printf(" %s", reply_text(answer, "transport"));
        printf(": %s [%s]\n", reply_text(answer, "security"), reply_text(answer, "check"));
    }
}

void reply_print_explained(const struct reply *reply)
{
    const json_t *explained = reply->object, *record;
    size_t i;
    if (!json_is_true(json_object_get(explained, "known"))) {
        printf("nothing is known to fail at ");
        print_text(reply_text(explained, "asked"));
        printf(" or above: look a name of it up first\n");
        return;
    }
    print_field("zone", json_object_get(explained, "zone"));
    print_field("failing", json_object_get(explained, "failing"));
    print_field("since", json_object_get(explained, "since"));
    print_field("last", json_object_get(explained, "last"));
    print_field("ended", json_object_get(explained, "ended"));
    printf("%-14s%" JSON_INTEGER_FORMAT " failed, %" JSON_INTEGER_FORMAT " rescued by another server (", "questions",
           number_of(explained, "failures"), number_of(explained, "rescued"));
    print_causes(json_object_get(explained, "causes"));
    printf(")\n");
    print_servers(explained);
    print_ds(explained);
    print_published(explained);
    print_suggestion(json_object_get(explained, "suggestion"));
    printf("seen, the newest first\n");
    json_array_foreach(json_object_get(explained, "records"), i, record) print_record(record);
}

/* ---- metrics ---- */

/* The text format that Prometheus reads, version 0.0.4. */
void reply_print_metrics(const struct reply *reply)
{
    const char *family, *sample;
    json_t *metric, *value;
    json_object_foreach(json_object_get(reply->object, "families"), family, metric)
    {
        if (json_is_string(json_object_get(metric, "help")))
            printf("# HELP %s %s\n# TYPE %s %s\n", family, reply_text(metric, "help"), family,
                   reply_text(metric, "type"));
        json_object_foreach(json_object_get(metric, "samples"), sample, value)
            printf("%s %" JSON_INTEGER_FORMAT "\n", sample, json_integer_value(value));
    }
}
