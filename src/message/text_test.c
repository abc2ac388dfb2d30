#include "message/text.h"

#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>

static void test_grows(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    struct text text = text_new(arena);
    assert_string_equal(text.data, "");
    for (unsigned i = 0; i < 5000; i++)
        text_printf(&text, "%c", 'a' + i % 26);
    assert_int_equal(text.len, 5000);
    text_printf(&text, "%*d", 20000, 7); /* more than twice what there is */
    assert_int_equal(text.len, 25000);
    assert_int_equal(strlen(text.data), 25000);
    for (unsigned i = 0; i < 5000; i++)
        assert_int_equal(text.data[i], 'a' + i % 26);
    assert_string_equal(text.data + 24998, " 7");
    arena_free(arena);
}

static void test_octets_of_strangers(void **state)
{
    (void)state;
    static const uint8_t octets[] = { 'a', ' ', '"', '\\', '\n', 0, 0x1b, 0x7f, 0xff };
    struct arena *arena = arena_new();
    struct text text = text_new(arena);
    text_escaped(&text, (struct octets) { octets, sizeof(octets) });
    assert_string_equal(text.data, "a \\\"\\\\\\010\\000\\027\\127\\255");
    text_hex(&text, (struct octets) { octets + 7, 2 });
    assert_string_equal(text.data + text.len - 4, "7fff");
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_grows),
        cmocka_unit_test(test_octets_of_strangers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
