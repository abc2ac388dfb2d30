#include "base/arena.h"

#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

static void test_memory_is_zeroed_and_aligned(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    for (size_t size = 0; size < 300; size++) {
        uint8_t *memory = arena_alloc(arena, size);
        assert_int_equal((uintptr_t)memory % _Alignof(max_align_t), 0);
        for (size_t i = 0; i < size; i++)
            assert_int_equal(memory[i], 0);
        memset(memory, 0xff, size);
    }
    arena_free(arena);
}

static void test_allocations_do_not_overlap(void **state)
{
    (void)state;
    enum { COUNT = 2000 };
    struct arena *arena = arena_new();
    uint32_t *blocks[COUNT];
    for (uint32_t i = 0; i < COUNT; i++) {
        blocks[i] = ARENA_ARRAY(arena, 1 + i % 97, uint32_t);
        for (uint32_t j = 0; j <= i % 97; j++)
            blocks[i][j] = i;
    }
    for (uint32_t i = 0; i < COUNT; i++)
        for (uint32_t j = 0; j <= i % 97; j++)
            assert_int_equal(blocks[i][j], i);
    arena_free(arena);
}

static void test_octets_are_counted(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    assert_int_equal(arena_octets(arena), 0);
    arena_alloc(arena, 10);
    arena_alloc(arena, 1 << 20); /* above any chunk */
    assert_int_equal(arena_octets(arena), 10 + (1 << 20));
    arena_reset(arena);
    assert_int_equal(arena_octets(arena), 0);
    arena_alloc(arena, 3);
    assert_int_equal(arena_octets(arena), 3);
    arena_free(arena);
    arena_free(NULL);
}

static void test_reset_zeroes_again(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 100; i++) {
            uint8_t *memory = arena_alloc(arena, 1000);
            assert_int_equal(memory[0], 0);
            assert_int_equal(memory[999], 0);
            memset(memory, 0xaa, 1000);
        }
        arena_reset(arena);
    }
    arena_free(arena);
}

static void test_copies(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    assert_string_equal(arena_strdup(arena, "vouch"), "vouch");
    assert_string_equal(arena_printf(arena, "%s:%d", "port", 53), "port:53");
    struct octets empty = octets_copy(arena, (struct octets) { NULL, 0 });
    assert_int_equal(empty.len, 0);
    assert_non_null(empty.data);
    struct octets copy = octets_copy(arena, (struct octets) { (const uint8_t *)"\0ab", 3 });
    assert_memory_equal(copy.data, "\0ab", 3);
    arena_free(arena);
}

static void test_memory_resize_keeps_the_content(void **state)
{
    (void)state;
    uint16_t *numbers = memory_resize(NULL, 2, sizeof(*numbers));
    numbers[0] = 1;
    numbers[1] = 2;
    numbers = memory_resize(numbers, 1000, sizeof(*numbers));
    assert_int_equal(numbers[0], 1);
    assert_int_equal(numbers[1], 2);
    free(numbers);
}

static void test_octets_order(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        int order;
    } cases[] = {
        /* RFC 4034 section 6.3 */
        { "", "", 0 }, { "", "a", -1 }, { "a", "", 1 }, { "a", "ab", -1 }, { "b", "ab", 1 }, { "\x7f", "\x80", -1 },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct octets a = { (const uint8_t *)cases[i].a, strlen(cases[i].a) };
        struct octets b = { (const uint8_t *)cases[i].b, strlen(cases[i].b) };
        int order = octets_compare(a, b);
        assert_int_equal((order > 0) - (order < 0), cases[i].order);
        assert_int_equal(octets_equal(a, b), cases[i].order == 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_memory_is_zeroed_and_aligned),
        cmocka_unit_test(test_allocations_do_not_overlap),
        cmocka_unit_test(test_octets_are_counted),
        cmocka_unit_test(test_reset_zeroes_again),
        cmocka_unit_test(test_copies),
        cmocka_unit_test(test_memory_resize_keeps_the_content),
        cmocka_unit_test(test_octets_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
