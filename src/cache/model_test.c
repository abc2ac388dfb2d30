#include "cache/model.h"

#include "cache/testing.h"

static int start(void **state)
{
    (void)state;
    set_hash_secret();
    return 0;
}

/* Property: whatever is called in whatever order, the cache answers as a naive one would (R4.5-a, R4.5-b, R4.7,
 * D7-flush, D7-ttl in all their combinations). */
static void test_random_scripts(void **state)
{
    (void)state;
    enum { SCRIPTS = 400, OCTETS = 6000 };
    struct random *random = random_seeded_new(20261121);
    uint8_t *script = memory_new(1, OCTETS);
    for (int i = 0; i < SCRIPTS; i++) {
        random->fill(random, script, OCTETS);
        model_run((struct octets) { script, OCTETS });
    }
    free(script);
    random_free(random);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_scripts),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
