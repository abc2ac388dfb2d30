#include "time/serial.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "base/err.h"
#include "time/now.h"

static void test_order(void **state)
{
    (void)state;
    static const struct {
        uint32_t a, b;
        bool lt;
    } cases[] = {
        /* RFC 1982 sections 3.2 and 5.1 */
        { 0, 1, true },
        { 1, 0, false },
        { 44, 44, false },
        { 0, 0x7fffffff, true },
        { 0, 0x80000000, false }, /* undefined in both directions */
        { 0x80000000, 0, false },
        { 0, 0x80000001, false },
        { 0xffffffff, 0, true }, /* over the wrap */
        { 0xfffffff0, 0x10, true },
        { 0x10, 0xfffffff0, false },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_int_equal(serial_lt(cases[i].a, cases[i].b), cases[i].lt);
        assert_int_equal(serial_le(cases[i].a, cases[i].b), cases[i].lt || cases[i].a == cases[i].b);
    }
}

static void test_to_unix_time(void **state)
{
    (void)state;
    static const struct {
        uint32_t serial;
        int64_t near_s, unix_s;
    } cases[] = {
        /* RFC 4034 section 3.1.5: the times of an RRSIG outlive 2106-02-07 */
        { 1700000000, 1700000100, 1700000000 },
        { 0, INT64_C(4294967295), INT64_C(4294967296) },
        { 5, INT64_C(4294967290), INT64_C(4294967301) },
        { 0xffffffff, INT64_C(4294967296), INT64_C(4294967295) },
        { 0xffffffff, 0, -1 },
        { 0x7fffffff, 0, INT64_C(2147483647) },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_true(serial_to_unix_s(cases[i].serial, cases[i].near_s) == cases[i].unix_s);
}

static void test_system_clocks(void **state)
{
    (void)state;
    struct now before = now_from_system(), after = now_from_system();
    assert_true(after.monotonic_ms >= before.monotonic_ms);
    assert_true(now_wall_s(before) > 1700000000); /* a test machine with a clock before 2023 cannot test DNSSEC */
    assert_true(before.wall_is_fit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_to_unix_time),
        cmocka_unit_test(test_system_clocks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
