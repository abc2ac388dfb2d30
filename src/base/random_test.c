#include "base/random.h"

#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>

static void test_same_seed_same_numbers(void **state)
{
    (void)state;
    struct random *a = random_seeded_new(7), *b = random_seeded_new(7), *c = random_seeded_new(8);
    bool differs = false;
    for (int i = 0; i < 100; i++) {
        uint64_t value = random_u64(a);
        assert_true(value == random_u64(b));
        differs |= value != random_u64(c);
    }
    assert_true(differs);
    random_free(a);
    random_free(b);
    random_free(c);
}

static void test_below_is_below_and_reaches_all(void **state)
{
    (void)state;
    struct random *random = random_seeded_new(1);
    static const uint32_t bounds[] = { 1, 2, 3, 7, 10, 1000, UINT32_C(0x80000001), UINT32_MAX };
    for (size_t i = 0; i < sizeof(bounds) / sizeof(bounds[0]); i++)
        for (int n = 0; n < 1000; n++)
            assert_true(random_below(random, bounds[i]) < bounds[i]);
    unsigned counts[6] = { 0 };
    for (int n = 0; n < 60000; n++)
        counts[random_below(random, 6)]++;
    for (int side = 0; side < 6; side++)
        assert_in_range(counts[side], 9500, 10500);
    random_free(random);
}

/* Every size that starts, ends and crosses the buffer: no octet stays unfilled (one in 2^64 by chance). */
static void test_secure_fills_every_octet(void **state)
{
    (void)state;
    struct random *random = random_secure_new();
    for (size_t size = 1; size <= 1100; size += 13) {
        uint8_t seen[1100] = { 0 }, part[1100];
        for (int round = 0; round < 8; round++) {
            random->fill(random, part, size);
            for (size_t i = 0; i < size; i++)
                seen[i] |= part[i];
        }
        for (size_t i = 0; i < size; i++)
            assert_int_not_equal(seen[i], 0);
    }
    random_free(random);
}

/* CVE-2025-40780: ports, ids and letter case come from the kernel's generator. */
static void test_secure_never_repeats(void **state)
{
    (void)state;
    struct random *a = random_secure_new(), *b = random_secure_new();
    for (int i = 0; i < 1000; i++)
        assert_true(random_u64(a) != random_u64(b));
    random_free(a);
    random_free(b);
    random_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_seed_same_numbers),
        cmocka_unit_test(test_below_is_below_and_reaches_all),
        cmocka_unit_test(test_secure_fills_every_octet),
        cmocka_unit_test(test_secure_never_repeats),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
