#include "base/reader.h"

#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>

static const uint8_t message[] = { 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x0e };

static void test_numbers_in_network_order(void **state)
{
    (void)state;
    struct reader r = reader_of(message, sizeof(message));
    assert_int_equal(reader_u8(&r), 0x01);
    assert_int_equal(reader_u16(&r), 0x0203);
    assert_int_equal(reader_u32(&r), 0x04050607);
    assert_int_equal(reader_u48(&r), UINT64_C(0x08090a0b0c0d));
    assert_int_equal(reader_left(&r), 1);
    assert_false(r.failed);
}

static void test_failure_sticks_and_moves_nothing(void **state)
{
    (void)state;
    struct reader r = reader_of(message, 3);
    assert_int_equal(reader_u32(&r), 0);
    assert_true(r.failed);
    assert_ptr_equal(r.at, message);
    assert_int_equal(reader_u8(&r), 0); /* would fit, but the failure sticks */
    assert_int_equal(reader_rest(&r).len, 0);
    assert_ptr_equal(r.at, message);
}

static void test_octets_are_borrowed(void **state)
{
    (void)state;
    struct reader r = reader_of(message, sizeof(message));
    reader_u16(&r);
    struct octets octets = reader_octets(&r, 4);
    assert_ptr_equal(octets.data, message + 2);
    assert_int_equal(octets.len, 4);
    assert_int_equal(reader_rest(&r).len, sizeof(message) - 6);
    assert_int_equal(reader_rest(&r).len, 0);
    assert_false(r.failed);
    assert_int_equal(reader_octets(&r, SIZE_MAX).len, 0);
    assert_true(r.failed);
}

static void test_sub_reader_sees_the_whole_message(void **state)
{
    (void)state;
    struct reader r = reader_of(message, sizeof(message));
    reader_u16(&r);
    struct reader sub = reader_sub(&r, 4);
    assert_ptr_equal(sub.start, message);
    assert_ptr_equal(sub.at, message + 2);
    assert_int_equal(reader_left(&sub), 4);
    assert_ptr_equal(r.at, message + 6);
    reader_u32(&sub);
    assert_int_equal(reader_u8(&sub), 0); /* its end is not the message's */
    assert_true(sub.failed);
    assert_false(r.failed);
}

static void test_sub_reader_beyond_the_end_is_empty(void **state)
{
    (void)state;
    struct reader r = reader_of(message, 4);
    struct reader sub = reader_sub(&r, 5);
    assert_true(r.failed);
    assert_true(sub.failed);
    assert_int_equal(reader_left(&sub), 0);
    assert_ptr_equal(r.at, message);
}

static void test_nothing_at_all(void **state)
{
    (void)state;
    struct reader r = reader_of(NULL, 0);
    assert_int_equal(reader_rest(&r).len, 0);
    assert_false(r.failed);
    assert_int_equal(reader_u8(&r), 0);
    assert_true(r.failed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers_in_network_order),
        cmocka_unit_test(test_failure_sticks_and_moves_nothing),
        cmocka_unit_test(test_octets_are_borrowed),
        cmocka_unit_test(test_sub_reader_sees_the_whole_message),
        cmocka_unit_test(test_sub_reader_beyond_the_end_is_empty),
        cmocka_unit_test(test_nothing_at_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
