#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "config/testing.h"
#include "control/commands.h"
#include "control/control.h"
#include "message/testing.h"

/* ---- a daemon that notes what it was ordered ---- */

enum { CLIENTS_OF_CHECK = 2 };

struct daemon {
    struct config *config;
    struct nta_set *ntas;
    struct ev_loop *loop;
    char ordered[2 * DNAME_TEXT_MAX];
    int stops;
    unsigned rows; /* of the cache */
    bool refuses_reload;
    uint64_t time_checks; /* the last of CLIENTS_OF_CHECK ends at once */
    bool is_busy;
    unsigned anchor_checks;
    struct control *control;
};

static void give_status(void *context, struct daemon_status *status)
{
    const struct daemon *daemon = context;
    *status = (struct daemon_status) {
        .program_version = "1.2.3",
        .started_s = now_wall_s(test_now) - 10,
        .now_s = now_wall_s(test_now),
        .wall_is_fit = true,
        .workers = 2,
        .config = daemon->config,
        .cache = { .size_octets = 1 << 20, .entries = 5 },
    };
}

static void give_stats(void *context, void (*metric)(void *to, const char *name, int64_t value), void *to)
{
    (void)context;
    metric(to, "vouch_answers_total{rcode=\"NOERROR\"}", INT64_C(1) << 40);
    metric(to, "vouch_uptime_seconds", 10);
}

static size_t flush_all(void *context)
{
    struct daemon *daemon = context;
    strcpy(daemon->ordered, "all");
    return 7;
}

static size_t flush_name(void *context, const struct dname *name)
{
    struct daemon *daemon = context;
    char text[DNAME_TEXT_MAX];
    snprintf(daemon->ordered, sizeof(daemon->ordered), "name %s", dname_to_text(name, text));
    return 1;
}

static size_t flush_zone(void *context, const struct dname *zone)
{
    struct daemon *daemon = context;
    char text[DNAME_TEXT_MAX];
    snprintf(daemon->ordered, sizeof(daemon->ordered), "zone %s", dname_to_text(zone, text));
    return 2;
}

static size_t flush_key(void *context, const struct dname *zone, uint16_t key_tag, size_t *keys)
{
    struct daemon *daemon = context;
    char text[DNAME_TEXT_MAX];
    snprintf(daemon->ordered, sizeof(daemon->ordered), "key %s %u", dname_to_text(zone, text), key_tag);
    *keys = 1;
    return 3;
}

static void dump_cache(void *context, bool (*row)(void *to, const struct cache_row *row), void *to)
{
    const struct daemon *daemon = context;
    struct answer answer = { .verdict = { .security = SECURE, .ede = EDE_NONE } };
    struct cache_row cache_row = {
        .kind = "answer",
        .question = { .qname = name_of("www.example."), .qtype = TYPE_AAAA, .qclass = CLASS_IN },
        .answer = &answer,
        .ttl_ms = 1999,
        .lineage = "example. 12345, . 38696",
    };
    bool goes_on = true;
    for (unsigned i = 0; i < daemon->rows && goes_on; i++)
        goes_on = row(to, &cache_row);
}

static bool reload(void *context, FILE *notes, struct order_failure *failure)
{
    const struct daemon *daemon = context;
    if (daemon->refuses_reload) {
        strcpy(failure->text, "FILE:1: cash: unknown key");
        strcpy(failure->hint, "did you mean cache?");
        return false;
    }
    fprintf(notes, "workers: stays 2\ncache.size: stays 1GiB\n");
    return true;
}

static void give_time(void *context, struct time_report *report)
{
    const struct daemon *daemon = context;
    *report = (struct time_report) {
        .now = test_now,
        .floors = { now_wall_s(test_now) - 10, CLOCK_NO_FLOOR, CLOCK_NO_FLOOR },
        .judgement = { CLOCK_DOUBTFUL, 1u << REASON_CONTRADICTED, .deciding = 1, .differing = 1, .offset_ms = 61500 },
        .max_offset_s = 60,
        .checks = daemon->time_checks,
        .checked_s = now_wall_s(test_now),
        .next_check_s = 64,
        .jumps = 1,
        .jump_s = now_wall_s(test_now),
        .jump_ms = -61500,
        .source_count = 4,
        .sources = { { .reply = { .end = SNTP_ANSWERED } },
                     { .has_reply = true, .reply = { .end = SNTP_ANSWERED, .stratum = 2 }, .offset_ms = 61500 },
                     { .has_reply = true, .reply = { .end = SNTP_KISSED, .kiss = "DENY" } },
                     { .nts = "time.example",
                       .cookies = 3,
                       .has_reply = true,
                       .reply = { .end = SNTP_UNAUTHENTICATED, .why = "its certificate has expired" } } },
    };
    for (unsigned i = 0; i < report->source_count; i++)
        assert_int_equal(address_from_text("192.0.2.1@123", 0, &report->sources[i].address), OK);
}

static void check_time(void *context)
{
    struct daemon *daemon = context;
    if (++daemon->time_checks == CLIENTS_OF_CHECK)
        control_time_checked(daemon->control);
}

static void stop(void *context)
{
    struct daemon *daemon = context;
    daemon->stops++;
    if (daemon->loop != NULL)
        ev_break(daemon->loop, EVBREAK_ALL);
}

/* Key 1 of corp.example., seen a minute ago, half a day before its hold-down ends. */
static void give_anchors(void *context, struct anchors_report *report)
{
    static struct managed *managed;
    static struct trust *running;
    (void)context;
    if (managed == NULL) {
        struct dname zone = name_of("corp.example.");
        managed = managed_new();
        running = trust_new();
        struct octets rdata = { (const uint8_t *)"\1\1\3\15key", 7 };
        struct managed_key *key = managed_add_key(managed_add_zone(managed, &zone), TYPE_DNSKEY, rdata);
        key->state = STATE_ADD_PEND;
        key->since_s = key->first_seen_s = key->last_seen_s = now_wall_s(test_now) - 60;
        key->due_s = now_wall_s(test_now) + 43200;
    }
    *report = (struct anchors_report) {
        .managed = managed,
        .running = running,
        .automatic_update = true,
        .store = STORE_FAILING,
        .now_s = now_wall_s(test_now),
        .configured = running,
    };
}

static void give_history(void *context, size_t max, void (*each)(void *to, const struct history_row *row), void *to)
{
    (void)context;
    struct history_row row = { now_wall_s(test_now), name_of("."), 20326, 8, "VALID -> REVOKED", "why", "rfc5011" };
    assert_true(max > 0);
    each(to, &row);
}

static bool refresh_anchors(void *context, size_t *asked, struct order_failure *failure)
{
    (void)context;
    (void)failure;
    *asked = 2;
    return true;
}

static bool add_anchors(void *context, const char *text, const char *who, struct order_failure *failure)
{
    struct daemon *daemon = context;
    snprintf(daemon->ordered, sizeof(daemon->ordered), "add %s", text);
    assert_memory_equal(who, "uid ", 4);
    strcpy(failure->text, "no record");
    return strcmp(text, "nonsense") != 0;
}

static bool remove_anchor(void *context, const struct dname *zone, uint16_t key_tag, const char *who,
                          struct order_failure *failure)
{
    struct daemon *daemon = context;
    char text[DNAME_TEXT_MAX];
    (void)who;
    (void)failure;
    snprintf(daemon->ordered, sizeof(daemon->ordered), "remove %s %u", dname_to_text(zone, text), key_tag);
    return true;
}

/* One that is ordered, with zone_cut not known yet until the daemon says so, and one that has ended. */
static void give_negatives(void *context, struct negatives_report *report)
{
    struct daemon *daemon = context;
    if (daemon->ntas == NULL) {
        struct dname zone = name_of("example."), over = name_of("over.example.");
        daemon->ntas = nta_set_new();
        struct nta *nta = nta_add(daemon->ntas, &zone, NTA_ORDERED);
        nta->since_s = now_wall_s(test_now);
        nta->until_s = now_wall_s(test_now) + 86400;
        nta_set_reason(nta, "keys lost");
        strcpy(nta->who, "uid 0 (root)");
        nta_add(daemon->ntas, &over, NTA_CONFIGURED)->has_ended = true;
    }
    *report = (struct negatives_report) { daemon->ntas, now_wall_s(test_now), STORE_NONE };
}

static void give_nta_history(void *context, size_t max, void (*each)(void *to, const struct nta_history_row *row),
                             void *to)
{
    (void)context;
    struct nta_history_row row = { now_wall_s(test_now), name_of("example."), "well", "why", "recheck" };
    assert_true(max > 0);
    each(to, &row);
}

static bool add_nta(void *context, const struct nta_order *order, struct order_failure *failure)
{
    struct daemon *daemon = context;
    char text[DNAME_TEXT_MAX];
    snprintf(daemon->ordered, sizeof(daemon->ordered), "nta %s %lld %s%s", dname_to_text(&order->zone, text),
             (long long)order->for_s, order->reason, order->may_be_tld ? " tld" : "");
    strcpy(failure->text, "the root");
    return !dname_is_root(&order->zone);
}

static bool remove_nta(void *context, const struct dname *zone, const char *who, size_t *entries,
                       struct order_failure *failure)
{
    struct daemon *daemon = context;
    char text[DNAME_TEXT_MAX];
    (void)who;
    (void)failure;
    snprintf(daemon->ordered, sizeof(daemon->ordered), "no nta %s", dname_to_text(zone, text));
    *entries = 3;
    return true;
}

/* The answer comes later: control_anchors_inquired(). */
static bool check_anchors(void *context, struct order_failure *failure)
{
    struct daemon *daemon = context;
    strcpy(failure->text, "busy");
    daemon->anchor_checks++;
    return !daemon->is_busy;
}

static bool bootstrap_anchors(void *context, struct documents *given, const char *who, struct order_failure *failure)
{
    struct daemon *daemon = context;
    (void)failure;
    (void)who;
    snprintf(daemon->ordered, sizeof(daemon->ordered), "bootstrap %.*s", given == NULL ? 4 : (int)given->xml.len,
             given == NULL ? "none" : (const char *)given->xml.data);
    return true;
}

static void give_inquiry(void *context, struct inquiry_report *report)
{
    static struct inquiry inquiry = { .xml_fault = "HTTP status 404" };
    static struct anchor_diagnosis diagnosis = {
        .verdict = VERDICT_MATCH,
        .findings = { { "signed-by-anchor", "dns", "key 1" } },
        .count = 1,
        .next_step = "nothing",
    };
    static struct anchor_changes changes;
    (void)context;
    *report = (struct inquiry_report) { &inquiry, &diagnosis, &changes, true, false, "no such file", 1 };
}

static struct orders orders_of(struct daemon *daemon)
{
    return (struct orders) {
        .context = daemon,
        .status = give_status,
        .stats = give_stats,
        .flush_all = flush_all,
        .flush_name = flush_name,
        .flush_zone = flush_zone,
        .flush_key = flush_key,
        .dump_cache = dump_cache,
        .reload = reload,
        .anchors = give_anchors,
        .history = give_history,
        .refresh_anchors = refresh_anchors,
        .add_anchors = add_anchors,
        .remove_anchor = remove_anchor,
        .negatives = give_negatives,
        .nta_history = give_nta_history,
        .add_nta = add_nta,
        .remove_nta = remove_nta,
        .check_anchors = check_anchors,
        .bootstrap_anchors = bootstrap_anchors,
        .inquiry = give_inquiry,
        .time = give_time,
        .check_time = check_time,
        .stop = stop,
    };
}

static struct daemon daemon_new(const char *configuration)
{
    struct daemon daemon = { .config = NULL };
    struct config_error error;
    enum err err = load_text(configuration, &daemon.config, &error);
    assert_int_equal(err, OK);
    return daemon;
}

static void daemon_clear(struct daemon *daemon)
{
    config_free(daemon->config);
    nta_set_free(daemon->ntas);
}

/* ---- requests and replies ---- */

#define REFUSED(code, text, hint)                                                                                      \
    "{\"version\":1,\"error\":{\"code\":\"" code "\",\"text\":\"" text "\",\"hint\":\"" hint "\"}}"
static const struct {
    const char *request, *reply, *ordered;
} requests[] = {
    { "{\"version\":1,\"command\":\"stats\"}",
      "{\"version\":1,\"vouch_answers_total{rcode=\\\"NOERROR\\\"}\":1099511627776,\"vouch_uptime_seconds\":10}", "" },
    { "{\"version\":1,\"command\":\"flush all\"}", "{\"version\":1,\"entries\":7}", "all" },
    { "{\"version\":1,\"command\":\"flush name\",\"name\":\"www.example\"}", "{\"version\":1,\"entries\":1}",
      "name www.example." },
    { "{\"version\":1,\"command\":\"flush zone\",\"zone\":\".\"}", "{\"version\":1,\"entries\":2}", "zone ." },
    { "{\"version\":1,\"command\":\"flush key\",\"zone\":\"example.\",\"key_tag\":65535}", /* D7-flush */
      "{\"version\":1,\"entries\":3,\"keys\":1}", "key example. 65535" },
    { "{\"version\":1,\"command\":\"nta list\"}", /* D6-demand */
      "{\"version\":1,\"ntas\":[{\"zone\":\"example.\",\"until\":\"2026-11-22T00:00:00Z\",\"reason\":\"keys lost\","
      "\"since\":\"2026-11-21T00:00:00Z\",\"who\":\"uid 0 (root)\",\"source\":\"ordered\",\"zone_cut\":null,"
      "\"last_check\":null,\"finding\":null,\"servers_asked\":0,\"servers_answered\":0,\"good_rounds\":0}],\"ended\":[{"
      "\"zone\":\"over.example.\","
      "\"until\":\"1970-01-01T00:00:00Z\",\"reason\":\"\",\"since\":null,\"who\":\"\",\"source\":\"configured\","
      "\"zone_cut\":null,\"last_check\":null,\"finding\":null,\"servers_asked\":0,\"servers_answered\":0,\"good_"
      "rounds\":0}],\"store\":\"none\"}",
      "" },
    { "{\"version\":1,\"command\":\"nta history\"}",
      "{\"version\":1,\"history\":[{\"time\":\"2026-11-21T00:00:00Z\",\"zone\":\"example.\",\"what\":\"well\","
      "\"why\":\"why\",\"who\":\"recheck\"}],\"store\":\"none\"}",
      "" },
    { "{\"version\":1,\"command\":\"nta remove\",\"zone\":\"example\"}", "{\"version\":1,\"entries\":3}",
      "no nta example." },
    { "{\"version\":1,\"command\":\"nta add\",\"zone\":\".\",\"for\":\"90m\",\"yes_this_is_a_tld\":true}",
      REFUSED("failed", "the root", ""), "nta . 5400  tld" },
    { "{\"version\":1,\"command\":\"nta add\",\"zone\":\".\",\"reason\":\"r\"}", REFUSED("failed", "the root", ""),
      "nta . 86400 r" },
    { "{\"version\":1,\"command\":\"nta add\",\"zone\":\"a.\",\"for\":\"soon\"}",
      REFUSED("bad-argument", "for: expected a time such as 30m, 3h or 1d", ""), "" },
    { "{\"version\":1,\"command\":\"nta add\",\"zone\":\"a.\",\"reason\":7}",
      REFUSED("bad-argument", "reason: expected a text", ""), "" },
    { "{\"version\":1,\"command\":\"reload\"}",
      "{\"version\":1,\"notes\":[\"workers: stays 2\",\"cache.size: stays 1GiB\"]}", "" },
    { "{\"version\":1,\"command\":\"time\"}", /* D4-run-a */
      "{\"version\":1,\"now\":\"2026-11-21T00:00:00Z\",\"clock\":\"doubtful\",\"held\":false,"
      "\"reasons\":[{\"code\":\"contradicted\","
      "\"text\":\"the kernel says synchronised, but most time servers say another time\"}],\"on_unfit\":\"hold\","
      "\"kernel\":\"synchronised\",\"floors\":{\"build\":\"2026-11-20T23:59:50Z\",\"seen\":null,\"set\":null},"
      "\"offset_s\":61.5,\"max_offset_s\":60,\"deciding\":1,\"differing\":1,\"sources\":["
      "{\"address\":\"192.0.2.1@123\",\"state\":\"not asked\",\"authenticated\":false,\"nts\":null},"
      "{\"address\":\"192.0.2.1@123\",\"state\":\"answered\",\"authenticated\":false,\"nts\":null,\"stratum\":2,"
      "\"offset_s\":61.5,\"error_s\":0.0,\"delay_s\":0.0},"
      "{\"address\":\"192.0.2.1@123\",\"state\":\"refuses\",\"authenticated\":false,\"nts\":null,\"kiss\":\"DENY\"},"
      "{\"address\":\"192.0.2.1@123\",\"state\":\"unauthenticated\",\"authenticated\":false,\"nts\":\"time.example\","
      "\"cookies\":3,\"why\":\"its certificate has expired\"}],"
      "\"checks\":0,\"last_check\":null,\"next_check_in_s\":null,\"jumps\":1,"
      "\"last_jump\":{\"seen\":\"2026-11-21T00:00:00Z\",\"by_s\":-61.5}}",
      "" },
    { "{\"version\":1,\"command\":\"ta status\"}", /* D5-demand-a */
      "{\"version\":1,\"automatic_update\":true,\"signal_anchors\":false,\"store\":\"failing\",\"held\":false,"
      "\"root_anchors_xml_signed\":null,\"last_check\":null,\"zones\":["
      "{\"zone\":\"corp.example.\",\"last_asked\":null,\"last_refreshed\":null,\"next_refresh\":null,\"failures\":0,"
      "\"failure\":null}],\"anchors\":[{\"zone\":\"corp.example.\",\"type\":\"DNSKEY\",\"key_tag\":59507,"
      "\"algorithm\":13,\"rfc5011\":\"ADDPEND\",\"rfc7583\":\"published\",\"source\":\"learnt\",\"running\":false,"
      "\"signs\":false,\"since\":\"2026-11-20T23:59:00Z\",\"first_seen\":\"2026-11-20T23:59:00Z\","
      "\"last_seen\":\"2026-11-20T23:59:00Z\",\"hold_down_ends\":\"2026-11-21T12:00:00Z\",\"in_file\":false,"
      "\"in_store\":false,\"published\":null,\"in_root_anchors_xml\":null,"
      "\"valid_from\":null,\"valid_until\":null}],\"history\":["
      "{\"time\":\"2026-11-21T00:00:00Z\",\"zone\":\".\",\"key_tag\":20326,\"algorithm\":8,"
      "\"what\":\"VALID -> REVOKED\",\"why\":\"why\",\"who\":\"rfc5011\"}]}",
      "" },
    { "{\"version\":1,\"command\":\"ta refresh\"}", "{\"version\":1,\"zones\":2}", "" },
    { "{\"version\":1,\"command\":\"ta add\",\"anchor\":\". DS 1 13 2 00\"}", "{\"version\":1}", "add . DS 1 13 2 00" },
    { "{\"version\":1,\"command\":\"ta add\",\"anchor\":\"nonsense\"}", REFUSED("failed", "no record", ""),
      "add nonsense" },
    { "{\"version\":1,\"command\":\"ta add\"}", REFUSED("bad-argument", "anchor: expected a DS or DNSKEY record", ""),
      "" },
    { "{\"version\":1,\"command\":\"ta remove\",\"zone\":\".\",\"key_tag\":7}", "{\"version\":1}", "remove . 7" },
    { "{\"version\":1,\"command\":\"ta remove\",\"zone\":\".\"}",
      REFUSED("bad-argument", "key_tag: expected a number from 0 to 65535", ""), "" },
    { " {\"command\":\"flush all\", \"version\":1, \"later\":[]} \r", "{\"version\":1,\"entries\":7}", "all" },
    { "", REFUSED("bad-request", "expected one JSON object on one line", ""), "" },
    { "flush all", REFUSED("bad-request", "expected one JSON object on one line", ""), "" },
    { "[1]", REFUSED("bad-request", "expected one JSON object on one line", ""), "" },
    { "{\"version\":1,\"command\":\"stop\"} {}", REFUSED("bad-request", "expected one JSON object on one line", ""),
      "" },
    { "{\"version\":1,\"version\":1,\"command\":\"stop\"}",
      REFUSED("bad-request", "expected one JSON object on one line", ""), "" },
    { "{\"version\":2,\"command\":\"status\"}",
      REFUSED("bad-version", "expected \\\"version\\\":1", "vouchctl and vouchd must be of the same release"), "" },
    { "{\"command\":\"status\"}",
      REFUSED("bad-version", "expected \\\"version\\\":1", "vouchctl and vouchd must be of the same release"), "" },
    { "{\"version\":1,\"command\":\"flush\"}", REFUSED("unknown-command", "this vouchd knows no such command", ""),
      "" },
    { "{\"version\":1,\"command\":[]}", REFUSED("unknown-command", "this vouchd knows no such command", ""), "" },
    { "{\"version\":1,\"command\":\"flush name\"}", REFUSED("bad-argument", "name: expected a domain name", ""), "" },
    { "{\"version\":1,\"command\":\"flush name\",\"name\":\"a..b\"}",
      REFUSED("bad-argument", "name: expected a domain name", ""), "" },
    { "{\"version\":1,\"command\":\"flush zone\",\"zone\":7}",
      REFUSED("bad-argument", "zone: expected a domain name", ""), "" },
    { "{\"version\":1,\"command\":\"flush key\",\"zone\":\"a.\",\"key_tag\":65536}",
      REFUSED("bad-argument", "key_tag: expected a number from 0 to 65535", ""), "" },
    { "{\"version\":1,\"command\":\"flush key\",\"zone\":\"a.\",\"key_tag\":\"1\"}",
      REFUSED("bad-argument", "key_tag: expected a number from 0 to 65535", ""), "" },
};

/* As our own user, who may do everything.  The caller frees it. */
static char *answer_to(const struct orders *orders, const char *request, enum next *next)
{
    const struct admins admins = { NULL, 0 };
    const struct peer peer = { geteuid(), getpid() };
    return command_answer(orders, &admins, &peer, request, strlen(request), next);
}

static void requests_are_carried_out_or_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(requests); i++) {
        struct daemon daemon = daemon_new("");
        struct orders orders = orders_of(&daemon);
        enum next next;
        char *reply = answer_to(&orders, requests[i].request, &next);
        assert_non_null(reply);
        assert_int_equal(reply[strlen(reply) - 1], '\n');
        reply[strlen(reply) - 1] = '\0';
        if (strcmp(reply, requests[i].reply) != 0)
            fail_msg("%s\nexpected: %s\ngot:      %s", requests[i].request, requests[i].reply, reply);
        assert_string_equal(daemon.ordered, requests[i].ordered);
        assert_int_equal(next, NEXT_NOTHING);
        free(reply);
        daemon_clear(&daemon);
    }
}

static void a_refused_reload_says_why(void **state)
{
    (void)state;
    static const char request[] = "{\"version\":1,\"command\":\"reload\"}";
    struct daemon daemon = daemon_new("");
    daemon.refuses_reload = true;
    struct orders orders = orders_of(&daemon);
    enum next next;
    char *reply = answer_to(&orders, request, &next);
    assert_string_equal(reply, REFUSED("failed", "FILE:1: cash: unknown key", "did you mean cache?") "\n");
    free(reply);
    daemon_clear(&daemon);
}

static void status_shows_anchors(void **state)
{
    (void)state;
    static const char request[] = "{\"version\":1,\"command\":\"status\"}";
    struct daemon daemon = daemon_new("listen: [192.0.2.1]\n");
    struct orders orders = orders_of(&daemon);
    enum next next;
    char *reply = answer_to(&orders, request, &next);
    json_t *status = json_loads(reply, 0, NULL);
    const json_t *trust = json_object_get(status, "trust");
    const json_t *anchor = json_array_get(json_object_get(trust, "anchors"), 1);
    assert_int_equal(json_integer_value(json_object_get(status, "version")), 1);
    assert_string_equal(json_string_value(json_object_get(status, "vouchd")), "1.2.3");
    assert_string_equal(json_string_value(json_object_get(status, "now")), "2026-11-21T00:00:00Z");
    assert_string_equal(json_string_value(json_array_get(json_object_get(status, "listen"), 0)), "192.0.2.1@53");
    assert_int_equal(json_integer_value(json_object_get(anchor, "key_tag")), 38696);
    assert_string_equal(json_string_value(json_object_get(anchor, "source")), "built-in");
    json_decref(status);
    free(reply);
    daemon_clear(&daemon);
}

/* What weakens trust or takes the cache away needs uid 0, our own, or control.admins. */
static const struct {
    const char *command;
    bool for_all;
} rights[] = {
    { "status", true },     { "stats", true },       { "reload", true },      { "dump-cache", true },
    { "flush all", false }, { "flush name", false }, { "flush zone", false }, { "flush key", false },
    { "stop", false },      { "nta list", true },    { "nta add", false },    { "nta remove", false },
};

static bool is_permitted(const struct orders *orders, const struct admins *admins, uid_t uid, const char *command)
{
    char request[128];
    const struct peer peer = { uid, 1 };
    enum next next;
    int len = snprintf(request, sizeof(request), "{\"version\":1,\"command\":\"%s\",\"name\":\"a.\",\"zone\":\"a.\"}",
                       command);
    char *reply = command_answer(orders, admins, &peer, request, (size_t)len, &next);
    bool is_refused = reply != NULL && strstr(reply, "not-permitted") != NULL;
    assert_true(!is_refused || next == NEXT_NOTHING);
    free(reply);
    return !is_refused;
}

static void rights_depend_on_the_user(void **state)
{
    (void)state;
    uid_t other = geteuid() + 4242, uids[] = { 12, geteuid() + 4343 };
    const struct admins admins = { uids, 2 };
    struct daemon daemon = daemon_new("");
    struct orders orders = orders_of(&daemon);
    for (size_t i = 0; i < ARRAY_LEN(rights); i++) {
        assert_true(is_permitted(&orders, &admins, 0, rights[i].command));
        assert_true(is_permitted(&orders, &admins, geteuid(), rights[i].command));
        assert_true(is_permitted(&orders, &admins, uids[1], rights[i].command));
        assert_int_equal(is_permitted(&orders, &admins, other, rights[i].command), rights[i].for_all);
    }
    assert_int_equal(daemon.stops, 0); /* stopping comes after the reply */
    daemon_clear(&daemon);
}

static void rows_say_what_is_cached(void **state)
{
    (void)state;
    struct answer answer = { .verdict = { .security = BOGUS, .ede = EDE_SIGNATURE_EXPIRED } };
    struct failure failure = { .ede = EDE_NO_REACHABLE_AUTHORITY };
    struct cache_row row = {
        .kind = "answer",
        .question = { .qname = name_of("a\\027.example."), .qtype = TYPE_A, .qclass = CLASS_IN },
        .answer = &answer,
        .ttl_ms = -5,
    };
    char text[512];
    json_t *object = dump_row(&row);
    text[object_write(object, text, sizeof(text))] = '\0';
    assert_string_equal(text, "{\"version\":1,\"kind\":\"answer\",\"name\":\"a\\\\027.example.\",\"type\":\"A\","
                              "\"security\":\"bogus\",\"ede\":7,\"ttl_s\":0,\"lineage\":null}");
    json_decref(object);
    row = (struct cache_row) { .kind = "failure", .question = row.question, .failure = &failure, .ttl_ms = 5000 };
    object = dump_row(&row);
    text[object_write(object, text, sizeof(text))] = '\0';
    assert_string_equal(text, "{\"version\":1,\"kind\":\"failure\",\"name\":\"a\\\\027.example.\",\"type\":\"A\","
                              "\"security\":null,\"ede\":22,\"ttl_s\":5,\"lineage\":null}");
    json_decref(object);
}

/* ---- over sockets ---- */

struct server {
    struct daemon daemon;
    struct control *control;
    pthread_t thread;
    ev_async leave;
};

static void on_leave(struct ev_loop *loop, ev_async *watcher, int events)
{
    (void)watcher, (void)events;
    ev_break(loop, EVBREAK_ALL);
}

static void *run_loop(void *argument)
{
    struct server *server = argument;
    ev_run(server->daemon.loop, 0);
    return NULL;
}

static void server_start(struct server *server, int listen_fd, int connected_fd)
{
    server->daemon = daemon_new("");
    server->daemon.loop = loop_new();
    struct orders orders = orders_of(&server->daemon);
    server->control = control_new(server->daemon.loop, listen_fd, &orders, server->daemon.config);
    if (connected_fd >= 0)
        control_serve(server->control, connected_fd);
    ev_async_init(&server->leave, on_leave);
    ev_async_start(server->daemon.loop, &server->leave);
}

static void server_run(struct server *server)
{
    assert_int_equal(pthread_create(&server->thread, NULL, run_loop, server), 0);
}

static void server_end(struct server *server)
{
    ev_async_send(server->daemon.loop, &server->leave);
    pthread_join(server->thread, NULL);
    control_free(server->control);
    ev_loop_destroy(server->daemon.loop);
    daemon_clear(&server->daemon);
}

/* Everything until the end of the connection; malloc'd. */
static char *read_all(int fd, size_t *len)
{
    size_t size = 1 << 16;
    char *text = malloc(size);
    ssize_t got;
    *len = 0;
    while ((got = read(fd, text + *len, size - *len - 1)) > 0) {
        *len += (size_t)got;
        if (size - *len < 1024)
            text = realloc(text, size *= 2);
    }
    text[*len] = '\0';
    close(fd);
    return text;
}

static void connected_pair(int fds[2])
{
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
}

static void write_text(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

static void a_request_may_come_in_pieces(void **state)
{
    (void)state;
    struct server server;
    int fds[2];
    size_t len;
    connected_pair(fds);
    server_start(&server, -1, fds[1]);
    server_run(&server);
    write_text(fds[0], "{\"version\":1,\"comm");
    usleep(20000);
    write_text(fds[0], "and\":\"flush all\"}\n{\"version\":1,\"command\":\"stop\"}\n");
    char *reply = read_all(fds[0], &len);
    assert_string_equal(reply, "{\"version\":1,\"entries\":7}\n"); /* one request a connection */
    free(reply);
    server_end(&server);
    assert_int_equal(server.daemon.stops, 0);
}

/* D4-demand: all who wait get the outcome of the same check. */
static void a_check_of_the_clock_is_waited_for(void **state)
{
    (void)state;
    struct server server;
    int fds[CLIENTS_OF_CHECK][2];
    size_t len;
    server_start(&server, -1, -1);
    server.daemon.control = server.control;
    for (unsigned i = 0; i < CLIENTS_OF_CHECK; i++) {
        connected_pair(fds[i]);
        control_serve(server.control, fds[i][1]);
        write_text(fds[i][0], "{\"version\":1,\"command\":\"time check\"}\n");
    }
    server_run(&server);
    for (unsigned i = 0; i < CLIENTS_OF_CHECK; i++) {
        char *reply = read_all(fds[i][0], &len);
        assert_non_null(strstr(reply, "\"checks\":2,\"last_check\":\"2026-11-21T00:00:00Z\",\"next_check_in_s\":64,"));
        free(reply);
    }
    server_end(&server);
    assert_int_equal(server.daemon.time_checks, CLIENTS_OF_CHECK);
}

/* The order counts at once; the reply waits until it is known whether the name is a zone cut. */
static void what_an_nta_covers_is_waited_for(void **state)
{
    (void)state;
    static const char request[] = "{\"version\":1,\"command\":\"nta add\",\"zone\":\"example.\"}";
    struct daemon daemon = daemon_new("");
    struct orders orders = orders_of(&daemon);
    struct negatives_report report;
    enum next next;
    give_negatives(&daemon, &report);
    assert_null(answer_to(&orders, request, &next));
    assert_int_equal(next, NEXT_NTA);
    assert_string_equal(daemon.ordered, "nta example. 86400 ");
    assert_null(command_nta_added(&orders, request, sizeof(request) - 1, false));
    char *reply = command_nta_added(&orders, request, sizeof(request) - 1, true);
    assert_non_null(strstr(reply, "could not be found out"));
    free(reply);
    report.set->items[0]->cut = CUT_IS_NOT;
    reply = command_nta_added(&orders, request, sizeof(request) - 1, false);
    assert_non_null(strstr(reply, "\"zone_cut\":false"));
    assert_non_null(strstr(reply, "this is no zone cut"));
    assert_non_null(strstr(reply, "a restart forgets it"));
    free(reply);
    nta_drop(daemon.ntas, daemon.ntas->items[0]);
    reply = command_nta_added(&orders, request, sizeof(request) - 1, false);
    assert_non_null(strstr(reply, "it has ended meanwhile"));
    free(reply);
    daemon_clear(&daemon);
}

/* An inquiry answers those who wait for it, each in its way, and nobody else. */
static void an_inquiry_is_waited_for(void **state)
{
    (void)state;
    struct daemon daemon = daemon_new("");
    struct orders orders = orders_of(&daemon);
    static const char check[] = "{\"version\":1,\"command\":\"ta check\"}";
    static const char given[] = "{\"version\":1,\"command\":\"ta bootstrap\",\"file\":\"PGE+\",\"signature\":\"MA==\"}";
    static const char half[] = "{\"version\":1,\"command\":\"ta bootstrap\",\"file\":\"PGE+\"}";
    enum next next;
    assert_null(answer_to(&orders, check, &next));
    assert_int_equal(next, NEXT_ANCHOR_CHECK);
    assert_int_equal(daemon.anchor_checks, 1);
    char *reply = command_awaited(&orders, next);
    assert_string_equal(reply, "{\"version\":1,\"verdict\":\"match\",\"reasons\":[{\"code\":\"signed-by-anchor\","
                               "\"from\":\"dns\",\"text\":\"key 1\"}],\"next_step\":\"nothing\",\"published\":[],"
                               "\"root_anchors_xml\":{\"genuine\":false,\"source\":null,\"fault\":\"HTTP status 404\","
                               "\"signed\":null,\"authority_ends\":null,\"keys\":[]}}\n");
    free(reply);
    assert_null(answer_to(&orders, given, &next));
    assert_int_equal(next, NEXT_BOOTSTRAP);
    assert_string_equal(daemon.ordered, "bootstrap <a>");
    reply = command_awaited(&orders, next);
    assert_non_null(strstr(reply, "\"text\":\"no such file\""));
    free(reply);
    reply = answer_to(&orders, half, &next);
    assert_non_null(strstr(reply, "signature: expected the content of a file in base64"));
    assert_int_equal(next, NEXT_NOTHING);
    free(reply);
    daemon.is_busy = true;
    reply = answer_to(&orders, check, &next);
    assert_non_null(strstr(reply, "\"code\":\"failed\",\"text\":\"busy\""));
    assert_int_equal(next, NEXT_NOTHING);
    free(reply);
    daemon_clear(&daemon);
}

static void stop_comes_after_its_reply(void **state)
{
    (void)state;
    struct server server;
    int fds[2];
    size_t len;
    connected_pair(fds);
    server_start(&server, -1, fds[1]);
    server_run(&server);
    write_text(fds[0], "{\"version\":1,\"command\":\"stop\"}\n");
    char *reply = read_all(fds[0], &len);
    assert_string_equal(reply, "{\"version\":1}\n");
    free(reply);
    server_end(&server);
    assert_int_equal(server.daemon.stops, 1);
}

static void a_request_without_end_is_refused(void **state)
{
    (void)state;
    struct server server;
    int fds[2];
    size_t len;
    connected_pair(fds);
    server_start(&server, -1, fds[1]);
    server_run(&server);
    char *request = malloc(CONTROL_REQUEST_OCTETS_MAX);
    memset(request, ' ', CONTROL_REQUEST_OCTETS_MAX);
    size_t sent = 0;
    while (sent < CONTROL_REQUEST_OCTETS_MAX) {
        ssize_t now = send(fds[0], request + sent, CONTROL_REQUEST_OCTETS_MAX - sent, MSG_NOSIGNAL);
        assert_true(now > 0);
        sent += (size_t)now;
    }
    free(request);
    char *reply = read_all(fds[0], &len);
    assert_string_equal(reply, REFUSED("bad-request", "the request is larger than 64 KiB", "") "\n");
    free(reply);
    server_end(&server);
}

static void who_says_nothing_is_sent_away(void **state)
{
    (void)state;
    struct server server;
    int fds[2];
    size_t len;
    connected_pair(fds);
    server_start(&server, -1, fds[1]);
    server_run(&server);
    int64_t before_ms = now_from_system().monotonic_ms;
    char *reply = read_all(fds[0], &len);
    int64_t waited_ms = now_from_system().monotonic_ms - before_ms;
    assert_int_equal(len, 0);
    assert_true(waited_ms > 4000 && waited_ms < 20000);
    free(reply);
    server_end(&server);
}

static void connections_are_limited(void **state)
{
    (void)state;
    struct server server;
    int fds[CONTROL_CONNECTIONS_MAX + 1][2];
    char octet;
    connected_pair(fds[0]);
    server_start(&server, -1, fds[0][1]);
    for (int i = 1; i <= CONTROL_CONNECTIONS_MAX; i++) {
        connected_pair(fds[i]);
        control_serve(server.control, fds[i][1]);
    }
    assert_int_equal(recv(fds[CONTROL_CONNECTIONS_MAX][0], &octet, 1, MSG_DONTWAIT), 0); /* closed */
    assert_int_equal(recv(fds[0][0], &octet, 1, MSG_DONTWAIT), -1);
    server_run(&server);
    server_end(&server); /* gives back what is open */
    for (int i = 0; i <= CONTROL_CONNECTIONS_MAX; i++)
        close(fds[i][0]);
}

static void a_dump_is_a_line_for_each_entry(void **state)
{
    (void)state;
    enum { ROWS = 5000 }; /* more than socket and buffer take at once */
    static const char row[] = "{\"version\":1,\"kind\":\"answer\",\"name\":\"www.example.\",\"type\":\"AAAA\","
                              "\"security\":\"secure\",\"ede\":null,\"ttl_s\":1,"
                              "\"lineage\":\"example. 12345, . 38696\"}\n";
    struct server server;
    int fds[2];
    size_t len;
    connected_pair(fds);
    server_start(&server, -1, fds[1]);
    server.daemon.rows = ROWS;
    server_run(&server);
    write_text(fds[0], "{\"version\":1,\"command\":\"dump-cache\"}\n");
    char *reply = read_all(fds[0], &len);
    assert_true(len > ROWS * (sizeof(row) - 1));
    for (size_t i = 0; i < ROWS; i++)
        assert_memory_equal(reply + i * (sizeof(row) - 1), row, sizeof(row) - 1);
    assert_string_equal(reply + ROWS * (sizeof(row) - 1), "{\"version\":1,\"end\":true,\"entries\":5000}\n");
    free(reply);
    server_end(&server);
}

/* Who reads slowly holds up neither the loop nor the end of the process. */
static void dumps_are_limited_and_end_with_the_process(void **state)
{
    (void)state;
    struct server server;
    int fds[CONTROL_DUMPS_MAX + 1][2];
    size_t len;
    connected_pair(fds[0]);
    server_start(&server, -1, fds[0][1]);
    server.daemon.rows = 1000000;
    for (int i = 1; i <= CONTROL_DUMPS_MAX; i++) {
        connected_pair(fds[i]);
        control_serve(server.control, fds[i][1]);
    }
    server_run(&server);
    for (int i = 0; i < CONTROL_DUMPS_MAX; i++) {
        char octet;
        write_text(fds[i][0], "{\"version\":1,\"command\":\"dump-cache\"}\n");
        assert_int_equal(recv(fds[i][0], &octet, 1, 0), 1); /* it has begun */
    }
    write_text(fds[CONTROL_DUMPS_MAX][0], "{\"version\":1,\"command\":\"dump-cache\"}\n");
    char *reply = read_all(fds[CONTROL_DUMPS_MAX][0], &len);
    assert_string_equal(reply, REFUSED("busy", "the cache is being dumped already", "try again later") "\n");
    free(reply);
    server_end(&server);
    for (int i = 0; i < CONTROL_DUMPS_MAX; i++) {
        reply = read_all(fds[i][0], &len);
        assert_null(strstr(reply, "\"end\""));
        free(reply);
    }
}

/* ---- the listening socket ---- */

static int connect_to(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    strcpy(address.sun_path, path);
    assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

static unsigned mode_of(const char *path)
{
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    return status.st_mode & 07777;
}

static void the_socket_is_for_its_group(void **state)
{
    (void)state;
    char directory[] = "/tmp/vouch-test-XXXXXX", inner[64], path[64];
    struct server server;
    int fd, other;
    size_t len;
    assert_non_null(mkdtemp(directory));
    snprintf(inner, sizeof(inner), "%s/run", directory);
    snprintf(path, sizeof(path), "%s/run/control.sock", directory);
    assert_int_equal(control_listen(path, getegid(), &fd), OK);
    assert_int_equal(mode_of(inner), 0750);
    assert_int_equal(mode_of(path), 0660);

    assert_int_equal(control_listen(path, getegid(), &other), ERR_SYSTEM); /* somebody listens */
    assert_int_equal(errno, EADDRINUSE);

    server_start(&server, fd, -1);
    server_run(&server);
    close(connect_to(path)); /* what the attempt above left behind is no harm either */
    int client = connect_to(path);
    write_text(client, "{\"version\":1,\"command\":\"flush all\"}\n");
    char *reply = read_all(client, &len);
    assert_string_equal(reply, "{\"version\":1,\"entries\":7}\n");
    free(reply);
    server_end(&server);
    assert_int_equal(access(path, F_OK), -1); /* a clean end leaves nothing behind */

    assert_int_equal(control_listen(path, getegid(), &fd), OK);
    close(fd);
    assert_int_equal(control_listen(path, getegid(), &fd), OK); /* what a process left behind is replaced */
    control_close(fd);
    assert_int_equal(access(path, F_OK), -1);
    assert_int_equal(close(creat(path, 0600)), 0);
    assert_int_equal(control_listen(path, getegid(), &fd), ERR_SYSTEM); /* but nothing else is */
    assert_int_equal(errno, ENOTSOCK);
    unlink(path);
    rmdir(inner);
    rmdir(directory);
}

static int set_up(void **state)
{
    (void)state;
    set_hash_secret();
    log_set_level(LOG_LEVEL_ERROR);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_are_carried_out_or_refused),
        cmocka_unit_test(a_refused_reload_says_why),
        cmocka_unit_test(status_shows_anchors),
        cmocka_unit_test(rights_depend_on_the_user),
        cmocka_unit_test(rows_say_what_is_cached),
        cmocka_unit_test(a_request_may_come_in_pieces),
        cmocka_unit_test(a_check_of_the_clock_is_waited_for),
        cmocka_unit_test(what_an_nta_covers_is_waited_for),
        cmocka_unit_test(an_inquiry_is_waited_for),
        cmocka_unit_test(stop_comes_after_its_reply),
        cmocka_unit_test(a_request_without_end_is_refused),
        cmocka_unit_test(who_says_nothing_is_sent_away),
        cmocka_unit_test(connections_are_limited),
        cmocka_unit_test(a_dump_is_a_line_for_each_entry),
        cmocka_unit_test(dumps_are_limited_and_end_with_the_process),
        cmocka_unit_test(the_socket_is_for_its_group),
    };
    return cmocka_run_group_tests_name("control/control", tests, set_up, NULL);
}
