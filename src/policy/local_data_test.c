/* Local data and local zones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "message/testing.h"
#include "policy/local.h"

static const char *const records[] = {
    "host.lan. 300 IN A 192.0.2.7", "host.lan. 200 IN A 192.0.2.8", "host.lan. IN TXT hello",
    "below.empty.lan. A 192.0.2.1", "alias.lan. CNAME host.lan.",   "portal. A 192.0.2.9",
    "below.portal. A 192.0.2.10",   "alone.example. A 192.0.2.11",  "host.refused. A 192.0.2.12",
    "host.blank. A 192.0.2.13",     "host.null. A 192.0.2.14",      "host.types. A 192.0.2.15",
};

static const struct {
    const char *name;
    enum local_zone_kind kind;
} zones[] = {
    { "lan.", LOCAL_STATIC },
    { "open.lan.", LOCAL_TRANSPARENT },
    { "portal.", LOCAL_REDIRECT },
    { "refused.", LOCAL_REFUSE },
    { "no.", LOCAL_NXDOMAIN },
    { "10.in-addr.arpa.", LOCAL_TRANSPARENT },
    { "blank.", LOCAL_NODATA },
    { "null.", LOCAL_NULL },
    { "types.", LOCAL_TYPE_TRANSPARENT },
};

enum { RESOLVED = -1, REFUSED = -2, RECORDS_MAX = 32 };

static const struct {
    const char *qname;
    uint16_t qtype;
    int kind; /* enum answer_kind, or one of those above */
    uint16_t count;
} cases[] = {
    { "host.lan.", TYPE_A, ANSWER_DATA, 2 },
    { "HOST.LAN.", TYPE_TXT, ANSWER_DATA, 1 },
    { "host.lan.", TYPE_AAAA, ANSWER_NODATA, 0 },
    { "empty.lan.", TYPE_A, ANSWER_NODATA, 0 },
    { "other.lan.", TYPE_A, ANSWER_NXDOMAIN, 0 },
    { "below.host.lan.", TYPE_A, ANSWER_NXDOMAIN, 0 },
    { "lan.", TYPE_A, ANSWER_NODATA, 0 },
    { "lan.", TYPE_DS, RESOLVED, 0 }, /* its parent's to say */
    { "alias.lan.", TYPE_A, ANSWER_CNAME, 1 },
    { "alias.lan.", TYPE_CNAME, ANSWER_DATA, 1 },
    { "www.open.lan.", TYPE_A, RESOLVED, 0 },
    { "portal.", TYPE_A, ANSWER_DATA, 1 },
    { "below.portal.", TYPE_A, ANSWER_DATA, 1 },
    { "x.y.portal.", TYPE_A, ANSWER_DATA, 1 },
    { "x.portal.", TYPE_MX, ANSWER_NODATA, 0 },
    { "host.refused.", TYPE_A, REFUSED, 0 },
    { "www.no.", TYPE_A, ANSWER_NXDOMAIN, 0 },
    { "host.blank.", TYPE_A, ANSWER_NODATA, 0 },
    { "x.blank.", TYPE_A, ANSWER_NODATA, 0 },
    { "host.null.", TYPE_AAAA, ANSWER_DATA, 1 },
    { "x.null.", TYPE_A, ANSWER_DATA, 1 },
    { "x.null.", TYPE_MX, ANSWER_NODATA, 0 },
    { "host.types.", TYPE_A, ANSWER_DATA, 1 },
    { "host.types.", TYPE_ANY, ANSWER_DATA, 1 },
    { "host.types.", TYPE_MX, RESOLVED, 0 },
    { "x.types.", TYPE_A, RESOLVED, 0 },
    { "alone.example.", TYPE_A, ANSWER_DATA, 1 },
    { "alone.example.", TYPE_MX, ANSWER_NODATA, 0 },
    { "below.alone.example.", TYPE_A, RESOLVED, 0 },
    { "example.", TYPE_A, RESOLVED, 0 },
    { "www.corp.lan.", TYPE_A, RESOLVED, 0 }, /* a stub zone */
    { "1.0.0.10.in-addr.arpa.", TYPE_PTR, RESOLVED, 0 },
    { "1.1.168.192.in-addr.arpa.", TYPE_PTR, ANSWER_NXDOMAIN, 0 }, /* special, and not opened */
};

static void fill(struct arena *arena, struct local_data *data)
{
    const char *error;
    const struct local_zone *twice;
    local_data_init(arena, data, RECORDS_MAX);
    for (size_t i = 0; i < ARRAY_LEN(records); i++)
        assert_int_equal(local_data_add(arena, data, records[i], &error), OK);
    data->zones = ARENA_ARRAY(arena, ARRAY_LEN(zones), struct local_zone);
    for (size_t i = 0; i < ARRAY_LEN(zones); i++)
        data->zones[data->zone_count++] = (struct local_zone) { name_of(zones[i].name), zones[i].kind };
    assert_true(local_data_sort(data, &twice));
}

static int kind_of(const struct answer *answer)
{
    if (answer == NULL)
        return RESOLVED;
    assert_true(answer->is_local);
    assert_int_equal(answer->verdict.security, INSECURE);
    assert_true(answer->kind != ANSWER_NXDOMAIN || answer->rcode == RCODE_NXDOMAIN);
    return answer->rcode == RCODE_REFUSED ? REFUSED : (int)answer->kind;
}

static void names(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    struct zone_rule rule = { .zone = name_of("corp.lan."), .kind = ZONE_RULE_STUB };
    struct resolver_options options = { .special_use_names = true, .zone_rules = &rule, .zone_rule_count = 1 };
    struct local_data data = { 0 };
    struct local_names local = { &options, &data };
    struct hooks hooks;
    fill(arena, &data);
    local_hooks(&local, &hooks);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct question question = { name_of(cases[i].qname), cases[i].qtype, CLASS_IN };
        struct answer *answer = hooks.local(hooks.context, &question, (struct now) { 1000, 1000, true }, arena);
        if (kind_of(answer) != cases[i].kind)
            fail_msg("%s type %u: kind %d", cases[i].qname, cases[i].qtype, kind_of(answer));
        if (cases[i].count > 0)
            assert_int_equal(answer->rrsets.items[0]->count, cases[i].count);
    }
    arena_free(arena);
}

static void any_shows_all(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    struct resolver_options options = { 0 };
    struct local_data data = { 0 };
    const struct local_zone *zone;
    struct question question = { name_of("host.lan."), TYPE_ANY, CLASS_IN };
    fill(arena, &data);
    struct answer *answer =
        local_data_answer(&data, &options, &question, (struct now) { 1000, 1000, true }, arena, &zone);
    assert_int_equal(answer->kind, ANSWER_DATA);
    assert_int_equal(answer->rrsets.count, 2);
    question.qclass = CLASS_CH;
    assert_null(local_data_answer(&data, &options, &question, (struct now) { 1000, 1000, true }, arena, &zone));
    arena_free(arena);
}

static void an_rrset_has_its_least_ttl(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    struct local_data data = { 0 };
    fill(arena, &data);
    for (uint16_t i = 0; i < data.set_count; i++)
        if (data.sets[i]->type == TYPE_A && data.sets[i]->count == 2)
            assert_int_equal(data.sets[i]->ttl_s, 200);
    arena_free(arena);
}

static void faults(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "", "host.lan. CNAME other.lan.", "alias.lan. A 192.0.2.1", "x. CH TXT a", "x. A here", "x. DNAME y.",
    };
    struct arena *arena = arena_new();
    struct local_data data = { 0 };
    fill(arena, &data);
    uint16_t before = data.set_count;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        const char *error = NULL;
        assert_int_equal(local_data_add(arena, &data, bad[i], &error), ERR_FORMAT);
        assert_non_null(error);
    }
    assert_int_equal(data.set_count, before);
    const struct local_zone *twice;
    data.zones[0].zone = data.zones[1].zone;
    assert_false(local_data_sort(&data, &twice));
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names),
        cmocka_unit_test(any_shows_all),
        cmocka_unit_test(an_rrset_has_its_least_ttl),
        cmocka_unit_test(faults),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
