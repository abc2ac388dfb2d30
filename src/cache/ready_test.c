#include "cache/ready.h"

#include "cache/testing.h"

static int start(void **state)
{
    (void)state;
    set_hash_secret();
    return 0;
}

/* RFC 4343: A to Z and nothing else, wherever it stands in a name of whatever length. */
static void test_key_is_in_lower_case(void **state)
{
    (void)state;
    struct cache *cache = small_cache();
    for (unsigned octets = 1; octets <= DNAME_OCTETS_MAX; octets++) {
        uint8_t name[DNAME_OCTETS_MAX], lower[DNAME_OCTETS_MAX];
        for (unsigned i = 0; i < octets; i++) {
            name[i] = (uint8_t)(i + 3 * octets);
            lower[i] = name[i] >= 'A' && name[i] <= 'Z' ? (uint8_t)(name[i] + 'a' - 'A') : name[i];
        }
        struct plain_question plain = { .name = name, .name_octets = (uint8_t)octets, .qtype = TYPE_A };
        struct ready_key key, same;
        ready_key_make(cache, &plain, 0, &key);
        assert_int_equal(key.octet_count, octets + 4);
        assert_memory_equal(key.octets + 4, lower, octets);
        plain.name = lower;
        ready_key_make(cache, &plain, 0, &same);
        assert_true(key.hash == same.hash);
    }
    cache_free(cache);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_key_is_in_lower_case),
    };
    return cmocka_run_group_tests_name("cache/ready", tests, start, NULL);
}
