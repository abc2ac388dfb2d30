#include "base/hash.h"

#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>

static struct octets text(const char *s)
{
    return (struct octets) { (const uint8_t *)s, strlen(s) };
}

static void set_secret(uint64_t seed)
{
    struct random *random = random_seeded_new(seed);
    hash_init(random);
    random_free(random);
}

static void test_secret_seed_and_input_all_count(void **state)
{
    (void)state;
    char long_text[400];
    memset(long_text, 'x', sizeof(long_text) - 1); /* XXH3 treats more than 240 octets by other code */
    long_text[sizeof(long_text) - 1] = '\0';
    const char *const inputs[] = { "", "a", "www.example.", long_text };
    for (size_t i = 0; i < sizeof(inputs) / sizeof(inputs[0]); i++) {
        set_secret(1);
        uint64_t hash = hash_octets(text(inputs[i]), 5);
        assert_true(hash == hash_octets(text(inputs[i]), 5));
        assert_true(hash != hash_octets(text(inputs[i]), 6));
        assert_true(hash != hash_octets(text("other"), 5));
        set_secret(2);
        assert_true(hash != hash_octets(text(inputs[i]), 5));
    }
}

static void test_buckets_fill_evenly(void **state)
{
    (void)state;
    set_secret(3);
    unsigned counts[64] = { 0 };
    for (uint32_t i = 0; i < 64000; i++)
        counts[hash_octets((struct octets) { (const uint8_t *)&i, sizeof(i) }, i % 3) % 64]++;
    for (int bucket = 0; bucket < 64; bucket++)
        assert_in_range(counts[bucket], 800, 1200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_secret_seed_and_input_all_count),
        cmocka_unit_test(test_buckets_fill_evenly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
