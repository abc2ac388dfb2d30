#include "base/writer.h"

#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>

#include "base/reader.h"

static void test_what_is_written_is_read(void **state)
{
    (void)state;
    uint8_t buffer[16];
    struct writer w = writer_of(buffer, sizeof(buffer));
    writer_u8(&w, 0xfe);
    writer_u16(&w, 0xfedc);
    writer_u32(&w, UINT32_C(0xfedcba98));
    writer_u48(&w, UINT64_C(0xfedcba987654));
    writer_octets_put(&w, (struct octets) { (const uint8_t *)"abc", 3 });
    assert_false(w.failed);
    assert_int_equal(w.len, sizeof(buffer));

    struct reader r = reader_of_octets(writer_octets(&w));
    assert_int_equal(reader_u8(&r), 0xfe);
    assert_int_equal(reader_u16(&r), 0xfedc);
    assert_int_equal(reader_u32(&r), UINT32_C(0xfedcba98));
    assert_int_equal(reader_u48(&r), UINT64_C(0xfedcba987654));
    assert_memory_equal(reader_rest(&r).data, "abc", 3);
}

static void test_failure_sticks_and_writes_nothing(void **state)
{
    (void)state;
    uint8_t buffer[4] = { 0 };
    struct writer w = writer_of(buffer, 3);
    writer_u16(&w, 0x0102);
    writer_u16(&w, 0x0304);
    assert_true(w.failed);
    writer_u8(&w, 0x05); /* would fit, but the failure sticks */
    assert_int_equal(w.len, 2);
    assert_memory_equal(buffer, "\x01\x02\x00\x00", 4);
}

static void test_rewind_clears_the_failure(void **state)
{
    (void)state;
    uint8_t buffer[4];
    struct writer w = writer_of(buffer, sizeof(buffer));
    writer_u16(&w, 0x0102);
    size_t mark = w.len;
    writer_u32(&w, 0);
    assert_true(w.failed);
    writer_rewind(&w, mark);
    writer_u16(&w, 0x0304);
    assert_false(w.failed);
    assert_memory_equal(buffer, "\x01\x02\x03\x04", 4);
}

static void test_overwriting_what_stands(void **state)
{
    (void)state;
    uint8_t buffer[4];
    struct writer w = writer_of(buffer, sizeof(buffer));
    writer_u32(&w, 0);
    writer_u16_at(&w, 2, 0x0a0b);
    assert_memory_equal(buffer, "\x00\x00\x0a\x0b", 4);
    assert_int_equal(w.len, 4);
}

static void test_no_buffer(void **state)
{
    (void)state;
    struct writer w = writer_of(NULL, 0);
    writer_octets_put(&w, (struct octets) { NULL, 0 });
    assert_false(w.failed);
    writer_u8(&w, 1);
    assert_true(w.failed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_written_is_read),
        cmocka_unit_test(test_failure_sticks_and_writes_nothing),
        cmocka_unit_test(test_rewind_clears_the_failure),
        cmocka_unit_test(test_overwriting_what_stands),
        cmocka_unit_test(test_no_buffer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
