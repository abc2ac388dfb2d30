#include "validator/finding.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "message/testing.h"

static int set_up(void **state)
{
    set_hash_secret();
    *state = arena_new();
    return 0;
}

static int tear_down(void **state)
{
    arena_free(*state);
    return 0;
}

/* RFC 3339 times, as far as 32-bit serials reach (RFC 4034 section 3.1.5). */
static void times_are_told(void **state)
{
    static const struct {
        int64_t expiration_s;
        const char *text;
    } rows[] = {
        { 0, "1970-01-01T00:00:00Z" },
        { 1793491200, "2026-11-01T00:00:00Z" },
        { 4294967296, "2106-02-07T06:28:16Z" },
    };
    struct arena *arena = *state;
    struct rrset *rrset = rrset_of(arena, "www.example. A 192.0.2.1");
    struct dname zone = name_of("example.");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char text[EXTRA_TEXT_MAX];
        struct verdict verdict = verdict_new();
        struct signature_result result = { .fault = FAULT_EXPIRED, .has_rrsig = true };
        struct now now = { .wall_ms = (rows[i].expiration_s + 1) * 1000 };
        result.rrsig.expiration = (uint32_t)rows[i].expiration_s;
        result.rrsig.key_tag = 12345;
        result.rrsig.algorithm = 13;
        verdict_fail_signature(&verdict, arena, rrset, &zone, &result, now);
        snprintf(text, sizeof(text), "RRSIG A www.example. by example. key 12345 alg 13 expired %s", rows[i].text);
        assert_string_equal(verdict.text, text);
    }
}

/* R4.3: a chain is as secure as its weakest link, and rests on all of them. */
static void the_weakest_speaks(void **state)
{
    (void)state;
    static const enum security order[] = { SECURE, INSECURE, INDETERMINATE, BOGUS };
    for (size_t i = 0; i < ARRAY_LEN(order); i++) {
        for (size_t k = 0; k < ARRAY_LEN(order); k++) {
            struct verdict a = verdict_new(), b = verdict_new();
            verdict_state(&a, order[i], EDE_NONE, "a", "%s", "");
            verdict_state(&b, order[k], EDE_NONE, "b", "%s", "");
            lineage_add(&a.lineage, 1);
            lineage_add(&b.lineage, 2);
            a.valid_until_s = 10;
            b.valid_until_s = 20;
            a.ttl_cap_s = 40;
            b.ttl_cap_s = 30;
            verdict_weaken(&a, &b);
            assert_int_equal(a.security, order[i > k ? i : k]);
            assert_string_equal(a.site, k > i ? "b" : "a");
            assert_int_equal(a.lineage.count, 2);
            assert_true(a.valid_until_s == 10 && a.ttl_cap_s == 30);
        }
    }
}

/* The longest names fit into no EXTRA-TEXT: cut, never overrun. */
static void long_names_are_cut(void **state)
{
    struct arena *arena = *state;
    struct dname name = *dname_root();
    struct verdict verdict = verdict_new();
    static const uint8_t label[60] = { 0 };
    for (int i = 0; i < 4; i++)
        assert_int_equal(dname_prepend((struct octets) { label, sizeof(label) }, &name, &name), OK);
    verdict_fail(&verdict, arena, BOGUS, EDE_BOGUS, "site", &name, TYPE_A, "%s", name_text(arena, &name));
    assert_int_equal(strlen(verdict.text), EXTRA_TEXT_MAX - 1);
    assert_true(dname_equal(&verdict.explanation->failed_name, &name));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_are_told),
        cmocka_unit_test(the_weakest_speaks),
        cmocka_unit_test(long_names_are_cut),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
