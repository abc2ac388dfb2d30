#include "tools/reply_pieces.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* ---- pieces ---- */

void print_text(const char *text)
{
    for (const unsigned char *at = (const unsigned char *)text; *at != '\0'; at++) {
        if (*at >= 0x20 && *at < 0x7f)
            putchar(*at);
        else
            printf("\\%03u", *at);
    }
}

/* A number, "yes" or "no", a text; "-" for everything else. */
static void print_value(const json_t *value)
{
    if (json_is_integer(value))
        printf("%" JSON_INTEGER_FORMAT, json_integer_value(value));
    else if (json_is_boolean(value))
        fputs(json_is_true(value) ? "yes" : "no", stdout);
    else
        print_text(json_is_string(value) ? json_string_value(value) : "-");
}

void print_field(const char *label, const json_t *value)
{
    printf("%-14s", label);
    print_value(value);
    putchar('\n');
}

json_int_t number_of(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

const char *reply_text(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text == NULL ? "-" : text;
}

/* ---- status, stats, flush ---- */

static void print_anchors(const json_t *trust)
{
    size_t i;
    const json_t *anchor;
    json_array_foreach(json_object_get(trust, "anchors"), i, anchor)
    {
        printf("%-14s", i == 0 ? "anchors" : "");
        print_text(reply_text(anchor, "zone"));
        printf(" %" JSON_INTEGER_FORMAT " (algorithm %" JSON_INTEGER_FORMAT ", ", number_of(anchor, "key_tag"),
               number_of(anchor, "algorithm"));
        print_text(reply_text(anchor, "type"));
        printf(", ");
        print_text(reply_text(anchor, "source"));
        printf(")\n");
    }
}

static void print_cache(const json_t *cache)
{
    double hits = (double)number_of(cache, "hits"), all = hits + (double)number_of(cache, "misses");
    printf("%-14s%" JSON_INTEGER_FORMAT " entries, %.1f of %.1f MiB", "cache", number_of(cache, "entries"),
           (double)number_of(cache, "used_octets") / (1 << 20), (double)number_of(cache, "size_octets") / (1 << 20));
    if (all > 0)
        printf(", %.1f %% hits", 100 * hits / all);
    putchar('\n');
}

void reply_print_status(const struct reply *reply)
{
    const json_t *status = reply->object, *trust = json_object_get(status, "trust"), *address;
    size_t i;
    print_field("vouchd", json_object_get(status, "vouchd"));
    print_field("process", json_object_get(status, "pid"));
    print_field("started", json_object_get(status, "started"));
    print_field("now", json_object_get(status, "now"));
    print_field("clock is fit", json_object_get(status, "clock_is_fit"));
    print_field("configuration", json_object_get(status, "config"));
    print_field("workers", json_object_get(status, "workers"));
    json_array_foreach(json_object_get(status, "listen"), i, address) print_field(i == 0 ? "listen" : "", address);
    print_field("trust model", json_object_get(trust, "model"));
    print_anchors(trust);
    print_field("negative", json_object_get(trust, "negative_anchors"));
    print_field("insecure", json_object_get(trust, "insecure_zones"));
    print_cache(json_object_get(status, "cache"));
}

void reply_print_stats(const struct reply *reply)
{
    int width = 0;
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)reply->object, name, value) width =
        (int)strlen(name) > width ? (int)strlen(name) : width;
    json_object_foreach((json_t *)reply->object, name, value)
    {
        if (strcmp(name, "version") == 0)
            continue;
        print_text(name);
        printf("%*s  ", width - (int)strlen(name), "");
        print_value(value);
        putchar('\n');
    }
}

void reply_print_flushed(const struct reply *reply)
{
    json_int_t entries = number_of(reply->object, "entries");
    printf("%" JSON_INTEGER_FORMAT " %s flushed\n", entries, entries == 1 ? "entry" : "entries");
}

void reply_print_flushed_key(const struct reply *reply)
{
    if (number_of(reply->object, "keys") > 0) {
        reply_print_flushed(reply);
        return;
    }
    printf("nothing flushed: no key of ");
    print_text(reply->parameters[0]);
    printf(" with tag ");
    print_text(reply->parameters[1]);
    printf(" is known\n");
}

/* ---- trust anchors ---- */

static void print_place(const json_t *key, const char *member, const char *words)
{
    const json_t *value = json_object_get(key, member);
    printf("%s%s%s", strcmp(member, "in_file") == 0 ? "\n  " : ", ",
           json_is_null(value)   ? "perhaps "
           : json_is_true(value) ? ""
                                 : "not ",
           words);
}

static void print_key(const json_t *key)
{
    print_text(reply_text(key, "zone"));
    printf(" %" JSON_INTEGER_FORMAT " (algorithm %" JSON_INTEGER_FORMAT ")  ", number_of(key, "key_tag"),
           number_of(key, "algorithm"));
    printf("%s, %s, %s%s", reply_text(key, "rfc5011"), reply_text(key, "rfc7583"), reply_text(key, "source"),
           json_is_true(json_object_get(key, "running")) ? "" : ", not trusted");
    printf(", since %s", reply_text(key, "since"));
    if (json_is_string(json_object_get(key, "hold_down_ends")))
        printf(", hold-down until %s", reply_text(key, "hold_down_ends"));
    printf("\n  first seen %s, last seen %s", reply_text(key, "first_seen"), reply_text(key, "last_seen"));
    if (json_is_string(json_object_get(key, "valid_until")))
        printf(", valid until %s", reply_text(key, "valid_until"));
    print_place(key, "in_file", "in the configuration");
    print_place(key, "in_store", "in the store");
    print_place(key, "running", "in use");
    print_place(key, "published", "published");
    printf("\n  root-anchors.xml: %s\n", reply_text(key, "in_root_anchors_xml"));
}

static void print_refreshes(const json_t *zone)
{
    printf("zone ");
    print_text(reply_text(zone, "zone"));
    printf("  refreshed %s, next %s", reply_text(zone, "last_refreshed"), reply_text(zone, "next_refresh"));
    if (number_of(zone, "failures") > 0)
        printf(", failed %" JSON_INTEGER_FORMAT " times", number_of(zone, "failures"));
    if (json_is_string(json_object_get(zone, "failure")))
        printf(": %s", reply_text(zone, "failure"));
    putchar('\n');
}

static void print_change(const json_t *row)
{
    printf("%s  ", reply_text(row, "time"));
    print_text(reply_text(row, "zone"));
    printf(" %" JSON_INTEGER_FORMAT "  ", number_of(row, "key_tag"));
    print_text(reply_text(row, "what"));
    printf(": ");
    print_text(reply_text(row, "why"));
    printf(" (");
    print_text(reply_text(row, "who"));
    printf(")\n");
}

static void print_all(const json_t *list, void (*print)(const json_t *item))
{
    size_t i;
    const json_t *item;
    json_array_foreach(list, i, item) print(item);
}

void reply_print_anchor_status(const struct reply *reply)
{
    const json_t *status = reply->object;
    print_field("updates", json_object_get(status, "automatic_update"));
    print_field("signals", json_object_get(status, "signal_anchors"));
    print_field("store", json_object_get(status, "store"));
    print_field("held", json_object_get(status, "held"));
    print_field("last check", json_object_get(json_object_get(status, "last_check"), "verdict"));
    print_all(json_object_get(status, "anchors"), print_key);
    print_all(json_object_get(status, "zones"), print_refreshes);
    print_all(json_object_get(status, "history"), print_change);
}

static void print_finding(const json_t *finding)
{
    printf("  [%s] ", reply_text(finding, "from"));
    print_text(reply_text(finding, "text"));
    putchar('\n');
}

void reply_print_diagnosis(const struct reply *reply)
{
    printf("%s\n", reply_text(reply->object, "verdict"));
    print_all(json_object_get(reply->object, "reasons"), print_finding);
    printf("What to do: %s.\n", reply_text(reply->object, "next_step"));
}

static void print_added(const json_t *change)
{
    printf("key %" JSON_INTEGER_FORMAT " (algorithm %" JSON_INTEGER_FORMAT "): %s -> %s\n",
           number_of(change, "key_tag"), number_of(change, "algorithm"), reply_text(change, "from"),
           reply_text(change, "to"));
}

void reply_print_bootstrap(const struct reply *reply)
{
    const json_t *changes = json_object_get(reply->object, "changes");
    if (json_array_size(changes) == 0)
        printf("nothing new: all that root-anchors.xml lists is known\n");
    print_all(changes, print_added);
    reply_print_diagnosis(reply);
}

void reply_print_asked(const struct reply *reply)
{
    printf("zones asked: %" JSON_INTEGER_FORMAT "; see vouchctl ta status\n", number_of(reply->object, "zones"));
}

void reply_print_done(const struct reply *reply)
{
    (void)reply;
    printf("done\n");
}

/* ---- negative trust anchors ---- */

static void print_reason(const char *reason)
{
    printf(reason[0] != '\0' ? ": " : ", no reason given");
    print_text(reason);
}

static void print_nta(const json_t *nta)
{
    print_text(reply_text(nta, "zone"));
    printf("  until %s, since %s, %s by ", reply_text(nta, "until"), reply_text(nta, "since"),
           reply_text(nta, "source"));
    print_text(reply_text(nta, "who"));
    print_reason(reply_text(nta, "reason"));
    if (json_is_string(json_object_get(nta, "last_check")))
        printf("; checked %s: %s", reply_text(nta, "last_check"), reply_text(nta, "finding"));
    if (json_is_false(json_object_get(nta, "zone_cut")))
        printf("; no zone cut");
    putchar('\n');
}

static void print_ended_nta(const json_t *nta)
{
    print_text(reply_text(nta, "zone"));
    printf("  has ended, though the configuration names it still; see vouchctl nta history\n");
}

static void warn_of_store(const json_t *object)
{
    if (strcmp(reply_text(object, "store"), "good") != 0)
        printf("not kept over a restart: the state directory cannot be written\n");
}

void reply_print_ntas(const struct reply *reply)
{
    const json_t *ntas = json_object_get(reply->object, "ntas");
    if (json_array_size(ntas) == 0)
        printf("no negative trust anchors\n");
    print_all(ntas, print_nta);
    print_all(json_object_get(reply->object, "ended"), print_ended_nta);
    if (json_array_size(ntas) > 0)
        warn_of_store(reply->object);
}

static void print_nta_change(const json_t *row)
{
    printf("%s  ", reply_text(row, "time"));
    print_text(reply_text(row, "zone"));
    printf("  %s", reply_text(row, "what"));
    print_reason(reply_text(row, "why"));
    printf(" (");
    print_text(reply_text(row, "who"));
    printf(")\n");
}

void reply_print_nta_history(const struct reply *reply)
{
    const json_t *history = json_object_get(reply->object, "history");
    if (json_array_size(history) == 0)
        printf("there has been no negative trust anchor\n");
    print_all(history, print_nta_change);
    warn_of_store(reply->object);
}

void reply_print_nta_added(const struct reply *reply)
{
    const json_t *nta = reply->object, *warning;
    size_t i;
    print_text(reply_text(nta, "zone"));
    printf(" is not validated until %s; %" JSON_INTEGER_FORMAT " entries of the cache judged anew\n",
           reply_text(nta, "until"), number_of(nta, "entries"));
    json_array_foreach(json_object_get(nta, "warnings"), i, warning)
        printf("warning: %s\n", json_string_value(warning));
}

void reply_print_nta_removed(const struct reply *reply)
{
    print_text(reply->parameters[0]);
    printf(" is validated again; ");
    reply_print_flushed(reply);
}

/* ---- time ---- */

static void print_sources(const json_t *sources)
{
    size_t i;
    const json_t *source;
    json_array_foreach(sources, i, source)
    {
        printf("%-14s", i == 0 ? "servers" : "");
        print_text(reply_text(source, "address"));
        printf(" %s", reply_text(source, "state"));
        if (json_object_get(source, "offset_s") != NULL)
            printf(", %+.3f s from our time, give or take %.3f s, stratum %" JSON_INTEGER_FORMAT,
                   json_real_value(json_object_get(source, "offset_s")),
                   json_real_value(json_object_get(source, "error_s")), number_of(source, "stratum"));
        if (json_is_string(json_object_get(source, "nts"))) {
            printf(json_is_true(json_object_get(source, "authenticated")) ? ", proven to be " : ", not proven to be ");
            print_text(reply_text(source, "nts"));
        }
        if (json_object_get(source, "why") != NULL)
            printf(": %s", reply_text(source, "why"));
        if (json_object_get(source, "kiss") != NULL) {
            printf(": ");
            print_text(reply_text(source, "kiss"));
        }
        putchar('\n');
    }
}

/* RFC 8915. */
static void print_authenticated(const json_t *sources)
{
    size_t i, count = 0;
    const json_t *source;
    json_array_foreach(sources, i, source) count += json_is_true(json_object_get(source, "authenticated"));
    printf(
        "%-14s%zu of %zu servers%s\n", "authenticated", count, json_array_size(sources),
        count == 0
            ? ": SNTP can be forged, let the daemon that sets the clock use NTS, and name servers with nts here (RFC "
              "8915)"
            : "");
}

static void print_floors(const json_t *floors)
{
    const char *name;
    json_t *floor;
    bool is_first = true;
    json_object_foreach((json_t *)floors, name, floor)
    {
        if (json_is_null(floor))
            continue;
        printf("%-14s%s (%s)\n", is_first ? "floors" : "", reply_text(floors, name), name);
        is_first = false;
    }
    if (is_first)
        printf("%-14snone\n", "floors");
}

static void print_jump(const json_t *time)
{
    const json_t *jump = json_object_get(time, "last_jump");
    printf("%-14s%" JSON_INTEGER_FORMAT, "jumps", number_of(time, "jumps"));
    if (json_is_object(jump))
        printf(", the last one by %+.3f s, seen %s", json_real_value(json_object_get(jump, "by_s")),
               reply_text(jump, "seen"));
    putchar('\n');
}

void reply_print_time(const struct reply *reply)
{
    const json_t *time = reply->object, *reason;
    size_t i;
    print_field("now", json_object_get(time, "now"));
    print_field("clock", json_object_get(time, "clock"));
    json_array_foreach(json_object_get(time, "reasons"), i, reason)
        print_field(i == 0 ? "because" : "", json_object_get(reason, "text"));
    print_field("held", json_object_get(time, "held"));
    print_field("kernel", json_object_get(time, "kernel"));
    print_floors(json_object_get(time, "floors"));
    print_sources(json_object_get(time, "sources"));
    print_authenticated(json_object_get(time, "sources"));
    print_field("last check", json_object_get(time, "last_check"));
    print_jump(time);
    if (json_array_size(json_object_get(time, "reasons")) > 0)
        printf("What to do: set the clock, let a daemon keep it, and name three or more servers in time.servers.\n");
}

/* ---- dump-cache, reload, stop ---- */

void reply_print_row(const struct reply *reply)
{
    const json_t *row = reply->object;
    const json_t *ede = json_object_get(row, "ede");
    print_text(reply_text(row, "name"));
    putchar('\t');
    print_text(reply_text(row, "type"));
    printf("\t%s\t%s\t", reply_text(row, "kind"), reply_text(row, "security"));
    print_value(ede);
    printf("\t%" JSON_INTEGER_FORMAT "\t", number_of(row, "ttl_s"));
    print_text(reply_text(row, "lineage"));
    putchar('\n');
}

void reply_print_reloaded(const struct reply *reply)
{
    size_t i;
    const json_t *note;
    printf("reloaded\n");
    json_array_foreach(json_object_get(reply->object, "notes"), i, note)
    {
        print_value(note);
        putchar('\n');
    }
}

void reply_print_stopping(const struct reply *reply)
{
    (void)reply;
    printf("stopping\n");
}
