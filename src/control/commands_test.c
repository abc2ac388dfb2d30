/* Requests and replies, without a socket. */
#include "control/testing.h"

#include <jansson.h>

#include "base/log.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_are_carried_out_or_refused),
        cmocka_unit_test(a_refused_reload_says_why),
        cmocka_unit_test(status_shows_anchors),
        cmocka_unit_test(rights_depend_on_the_user),
        cmocka_unit_test(rows_say_what_is_cached),
    };
    return cmocka_run_group_tests_name("control/commands", tests, set_up_quietly, NULL);
}
