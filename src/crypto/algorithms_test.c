#include "crypto/algorithms.h"

#include <setjmp.h>
#include <cmocka.h>

#include "base/limits.h"

static struct crypto_policy policy_of(const struct crypto_options *options)
{
    struct crypto_policy policy;
    crypto_policy_make(options, &policy);
    return policy;
}

static void test_tables_ascend(void **state)
{
    (void)state;
    size_t count;
    const struct algorithm *algorithms = algorithm_table(&count);
    for (size_t i = 0; i < count; i++) {
        assert_true(i == 0 || algorithms[i - 1].number < algorithms[i].number);
        assert_non_null(algorithms[i].mnemonic);
        assert_non_null(algorithms[i].edition);
        assert_true((algorithms[i].check == NULL) == (algorithms[i].scheme == NULL));
        assert_true(!algorithms[i].on_by_default || algorithms[i].check != NULL);
        assert_true(algorithms[i].check == NULL || algorithms[i].use_for_validation != RECOMMEND_MUST_NOT);
    }
    const struct digest *digests = digest_table(&count);
    for (size_t i = 0; i < count; i++) {
        assert_true(i == 0 || digests[i - 1].number < digests[i].number);
        assert_true(!digests[i].on_by_default || digests[i].compute != NULL);
    }
}

/* R4.2-a, D8-init; RFC 9904, 9905, 9906 */
static void test_default_policy(void **state)
{
    (void)state;
    static const uint8_t algorithms_on[] = { 8, 10, 13, 14, 15, 16 }, digests_on[] = { 1, 2, 4 };
    struct crypto_options options = crypto_options_default();
    struct crypto_policy policy = policy_of(&options);
    assert_int_equal(policy.nsec3_iterations, NSEC3_ITERATIONS_DEFAULT);
    for (unsigned number = 0; number < 256; number++) {
        bool algorithm_on = memchr(algorithms_on, (int)number, sizeof(algorithms_on)) != NULL;
        bool digest_on = memchr(digests_on, (int)number, sizeof(digests_on)) != NULL;
        assert_int_equal(algorithm_is_usable(&policy, (uint8_t)number), algorithm_on);
        assert_int_equal(digest_is_usable(&policy, (uint8_t)number), digest_on);
    }
}

static void test_operators_policy(void **state)
{
    (void)state;
    struct crypto_options options = crypto_options_default();
    options.allow_algorithms[0] = ALGORITHM_RSASHA1;
    options.allow_algorithms[1] = ALGORITHM_RSASHA1_NSEC3_SHA1;
    options.allow_algorithms[2] = 1; /* RSAMD5: a wish does not make it possible */
    options.allow_algorithms[3] = ALGORITHM_ED448;
    options.allow_algorithm_count = 4;
    options.deny_algorithms[0] = ALGORITHM_RSASHA512;
    options.deny_algorithms[1] = ALGORITHM_ED448; /* deny wins */
    options.deny_algorithm_count = 2;
    options.deny_digests[0] = DIGEST_SHA1;
    options.deny_digest_count = 1;
    options.allow_digests[0] = 3; /* GOST */
    options.allow_digest_count = 1;
    options.nsec3_iterations = 2500;
    struct crypto_policy policy = policy_of(&options);
    assert_true(algorithm_is_usable(&policy, ALGORITHM_RSASHA1));
    assert_true(algorithm_is_usable(&policy, ALGORITHM_RSASHA1_NSEC3_SHA1));
    assert_false(algorithm_is_usable(&policy, 1));
    assert_false(algorithm_is_usable(&policy, ALGORITHM_RSASHA512));
    assert_false(algorithm_is_usable(&policy, ALGORITHM_ED448));
    assert_true(algorithm_is_usable(&policy, ALGORITHM_RSASHA256));
    assert_false(digest_is_usable(&policy, DIGEST_SHA1));
    assert_false(digest_is_usable(&policy, 3));
    assert_true(digest_is_usable(&policy, DIGEST_SHA256));
    assert_int_equal(policy.nsec3_iterations, NSEC3_ITERATIONS_CEILING);
}

static void test_text(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int algorithm, digest; /* -1: none */
    } cases[] = {
        { "13", 13, 13 },
        { "0", 0, 0 },
        { "255", 255, 255 },
        { "256", -1, -1 },
        { "4294967304", -1, -1 },
        { "", -1, -1 },
        { "-8", -1, -1 },
        { "8 ", -1, -1 },
        { "ECDSAP256SHA256", 13, -1 },
        { "ed25519", 15, -1 },
        { "rsasha1-nsec3-sha1", 7, -1 },
        { "RSASHA1", 5, -1 },
        { "RSASHA", -1, -1 },
        { "RSASHA2567", -1, -1 },
        { "SHA-256", -1, 2 },
        { "sha384", -1, 4 },
        { "sha1", -1, 1 },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        uint8_t number;
        int found = algorithm_from_text(cases[i].text, &number) == OK ? number : -1;
        assert_int_equal(found, cases[i].algorithm);
        found = digest_from_text(cases[i].text, &number) == OK ? number : -1;
        assert_int_equal(found, cases[i].digest);
    }
    char text[8];
    assert_string_equal(algorithm_text(13, text), "ECDSAP256SHA256");
    assert_string_equal(algorithm_text(200, text), "200");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tables_ascend),
        cmocka_unit_test(test_default_policy),
        cmocka_unit_test(test_operators_policy),
        cmocka_unit_test(test_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
