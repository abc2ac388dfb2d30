#include "message/rrset.h"

#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>

#include "message/testing.h"

static void test_copy_is_deep(void **state)
{
    (void)state;
    static const char text[] = "Example.\t300\tIN\tNS\tA.example.\n"
                               "Example.\t300\tIN\tNS\tb.example.\n"
                               "Example.\t300\tIN\tRRSIG\tNS 8 1 300 20300101000000 20290101000000 1 example. AQID\n";
    struct arena *first = arena_new(), *second = arena_new();
    struct rrset *copy = rrset_copy(second, rrset_of(first, text));
    arena_free(first);
    assert_string_equal(rrset_to_text(second, copy), text);
    arena_free(second);
}

static void test_equal(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        bool equal;
    } cases[] = {
        { "x. 1 A 192.0.2.1", "X. 2 A 192.0.2.1", true }, /* RFC 4343; TTL aside */
        { "x. A 192.0.2.1", "y. A 192.0.2.1", false },
        { "x. A 192.0.2.1", "x. CH A 192.0.2.1", false },
        { "x. A 192.0.2.1", "x. TXT 1", false },
        { "x. A 192.0.2.1\nx. A 192.0.2.2", "x. A 192.0.2.2\nx. A 192.0.2.1", true },
        { "x. A 192.0.2.1\nx. A 192.0.2.2", "x. A 192.0.2.1", false },
        { "x. NS a.b.", "x. NS A.B.", true },             /* RFC 4034 section 6.2 */
        { "x. NS a.b.\nx. NS A.B.", "x. NS A.B.", true }, /* one record in canonical form */
        { "x. TXT a", "x. TXT A", false },
    };
    struct arena *arena = arena_new();
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        if (rrset_equal(rrset_of(arena, cases[i].a), rrset_of(arena, cases[i].b)) != cases[i].equal)
            fail_msg("%s: %s", cases[i].a, cases[i].b);
    arena_free(arena);
}

static void test_find(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    struct rrset *items[] = { rrset_of(arena, "x. A 192.0.2.1"), rrset_of(arena, "x. TXT a"),
                              rrset_of(arena, "y. TXT b") };
    const struct rrset_list list = { items, ARRAY_LEN(items) };
    const struct dname x = name_of("X."), y = name_of("y.");
    assert_ptr_equal(rrset_list_find(&list, &x, TYPE_TXT), items[1]);
    assert_ptr_equal(rrset_list_find(&list, &y, TYPE_TXT), items[2]);
    assert_null(rrset_list_find(&list, &y, TYPE_A));
    arena_free(arena);
}

/* RFC 4034 section 6.3: left-justified unsigned octets, shorter first, duplicates once. */
static void test_canonical_order(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    const struct rrset *rrset = rrset_of(arena, "x. MX 10 b.\nx. MX 10 A.\nx. MX 2 z.\nx. MX 10 B.\nx. MX 200 a.b.");
    static const uint8_t *const expected[] = { (const uint8_t *)"\0\2\1z", (const uint8_t *)"\0\x0a\1a",
                                               (const uint8_t *)"\0\x0a\1b", (const uint8_t *)"\0\xc8\1a\1b" };
    uint16_t count;
    const struct octets *rdata = rrset_canonical_rdata(arena, rrset, &count);
    assert_int_equal(count, ARRAY_LEN(expected));
    for (uint16_t i = 0; i < count; i++)
        assert_memory_equal(rdata[i].data, expected[i], rdata[i].len);
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_copy_is_deep),
        cmocka_unit_test(test_equal),
        cmocka_unit_test(test_find),
        cmocka_unit_test(test_canonical_order),
    };
    return cmocka_run_group_tests(tests, set_up_hashing, NULL);
}
