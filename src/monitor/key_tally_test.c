/* Counts for each DNSKEY (row D6-run), and their bounds. */
#include "monitor/key_tally.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/hash.h"

enum { NOW_S = 100000 };

static void count(struct key_tally *tally, const char *zone, uint16_t key_tag, enum signature_fault fault)
{
    struct rrsig sig = { .algorithm = ALGORITHM_ECDSAP256SHA256, .key_tag = key_tag };
    assert_int_equal(dname_from_text(zone, &sig.signer), OK);
    key_tally_count(tally, &sig, fault, NOW_S);
}

static const struct key_counts *find(const struct key_sum *sum, const char *zone, uint16_t key_tag)
{
    struct dname name;
    assert_int_equal(dname_from_text(zone, &name), OK);
    for (size_t i = 0; i < sum->count; i++)
        if (sum->keys[i].key_tag == key_tag && dname_equal(&sum->keys[i].zone, &name))
            return &sum->keys[i];
    return NULL;
}

static void test_sums_of_several_threads(void **state)
{
    (void)state;
    struct key_tally *tallies[] = { key_tally_new(), key_tally_new() };
    struct key_sum sum = { .count = 0 };
    count(tallies[0], "EXAMPLE.", 7, FAULT_NONE);
    count(tallies[1], "example.", 7, FAULT_NONE);
    count(tallies[1], "example.", 7, FAULT_EXPIRED);
    count(tallies[1], "example.", 8, FAULT_BAD);
    count(tallies[1], "example.", 8, FAULT_BAD);
    for (size_t i = 0; i < 2; i++)
        key_sum_add(&sum, tallies[i], NOW_S);
    assert_int_equal(sum.count, 2);
    const struct key_counts *key = find(&sum, "example.", 7);
    assert_non_null(key);
    assert_int_equal(key->good[WINDOW_HOUR], 2);
    assert_int_equal(key->failed[WINDOW_DAY], 1);
    assert_int_equal(key->last_failure, CAUSE_EXPIRED);
    key_sum_sort(&sum, WINDOW_HOUR);
    assert_int_equal(sum.keys[0].key_tag, 8); /* the worst first */
    assert_int_equal(sum.keys[0].last_failure, CAUSE_BAD_SIGNATURE);
    key_sum_clear(&sum);
    for (size_t i = 0; i < 2; i++)
        key_tally_free(tallies[i]);
}

/* However many zones there are: the table keeps its size, and a zone that fails is not pushed out by those that are
 * well. */
static void test_failing_keys_stay(void **state)
{
    (void)state;
    struct key_tally *tally = key_tally_new();
    struct key_sum sum = { .count = 0 };
    for (int i = 0; i < 3; i++)
        count(tally, "failing.example.", 1, FAULT_BAD);
    for (int i = 0; i < 20 * KEY_TALLY_KEYS_MAX; i++) {
        char zone[32];
        snprintf(zone, sizeof(zone), "z%d.example.", i);
        count(tally, zone, (uint16_t)i, FAULT_NONE);
    }
    key_sum_add(&sum, tally, NOW_S);
    assert_in_range(sum.count, KEY_TALLY_KEYS_MAX / 2, KEY_TALLY_KEYS_MAX);
    assert_true(sum.evicted >= 19 * KEY_TALLY_KEYS_MAX);
    assert_non_null(find(&sum, "failing.example.", 1));
    key_sum_clear(&sum);
    key_tally_free(tally);
}

/* A zone that makes key tags up takes the places of one set. */
static void test_made_up_tags_crowd_out_few(void **state)
{
    (void)state;
    struct key_tally *tally = key_tally_new();
    struct key_sum sum = { .count = 0 };
    for (int i = 0; i <= UINT16_MAX; i++)
        count(tally, "evil.example.", (uint16_t)i, FAULT_KEY_MISSING);
    key_sum_add(&sum, tally, NOW_S);
    assert_int_equal(sum.count, KEY_TALLY_WAYS);
    key_sum_clear(&sum);
    key_tally_free(tally);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sums_of_several_threads),
        cmocka_unit_test(test_failing_keys_stay),
        cmocka_unit_test(test_made_up_tags_crowd_out_few),
    };
    struct random *random = random_seeded_new(1);
    hash_init(random);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    random_free(random);
    return failed;
}
