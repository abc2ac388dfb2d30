#include "message/verdict.h"

#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>

#include "message/testing.h"

static void test_states_have_names(void **state)
{
    (void)state;
    assert_string_equal(security_text(UNCHECKED), "unchecked");
    assert_string_equal(security_text(SECURE), "secure");
    assert_string_equal(security_text(INSECURE), "insecure");
    assert_string_equal(security_text(BOGUS), "bogus");
    assert_string_equal(security_text(INDETERMINATE), "indeterminate"); /* R4.3 */
}

static void test_lineage_is_a_set(void **state)
{
    (void)state;
    struct lineage lineage = { 0 };
    for (int round = 0; round < 2; round++)
        for (uint64_t key = 0; key < LINEAGE_KEYS_MAX; key++)
            lineage_add(&lineage, key);
    assert_int_equal(lineage.count, LINEAGE_KEYS_MAX);
    assert_false(lineage.overflow);
    lineage_add(&lineage, LINEAGE_KEYS_MAX);
    assert_int_equal(lineage.count, LINEAGE_KEYS_MAX);
    assert_true(lineage.overflow);
}

/* D7-flush: a verdict that rests on two others rests on the keys of both. */
static void test_lineages_merge(void **state)
{
    (void)state;
    struct lineage a = { .count = 2, .keys = { 1, 2 } };
    const struct lineage b = { .count = 2, .keys = { 2, 3 } };
    lineage_merge(&a, &b);
    assert_int_equal(a.count, 3);
    assert_int_equal(a.keys[2], 3);
    assert_false(a.overflow);
    const struct lineage overflowed = { .overflow = true };
    lineage_merge(&a, &overflowed);
    assert_true(a.overflow);
}

/* D7-flush: a key is its zone and its whole RDATA, whatever the letter case of the zone. */
static void test_keys_are_told_apart(void **state)
{
    (void)state;
    const struct dname zone = name_of("example."), same = name_of("EXAMPLE."), other = name_of("example.org.");
    const struct octets rdata = { (const uint8_t *)"\1\1\3\10key", 7 }, longer = { rdata.data, 8 }, none = { NULL, 0 };
    assert_true(key_id(&zone, rdata) == key_id(&same, rdata));
    assert_true(key_id(&zone, rdata) != key_id(&other, rdata));
    assert_true(key_id(&zone, rdata) != key_id(&zone, longer));
    assert_true(key_id(&zone, none) != key_id(&other, none));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_states_have_names),
        cmocka_unit_test(test_lineage_is_a_set),
        cmocka_unit_test(test_lineages_merge),
        cmocka_unit_test(test_keys_are_told_apart),
    };
    return cmocka_run_group_tests(tests, set_up_hashing, NULL);
}
