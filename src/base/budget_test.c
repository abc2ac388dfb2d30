#include "base/budget.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "base/err.h"

static bool take_one_hash(struct budget *budget)
{
    return budget_take_hashes(budget, 1);
}

static bool take_check(struct budget *budget)
{
    return budget_take_check(budget, 1);
}

static bool take_failure(struct budget *budget)
{
    return budget_take_failure(budget, 1);
}

static void test_each_limit_is_reached_exactly(void **state)
{
    (void)state;
    static const struct {
        bool (*take)(struct budget *budget);
        unsigned limit;
        const char *name;
    } cases[] = {
        { budget_take_packet, UPSTREAM_PACKETS_MAX, "packets" },
        { budget_take_lookup, LOOKUPS_MAX, "lookups" },
        { take_check, SIGNATURE_CHECKS_MAX, "signature-checks" },
        { take_failure, SIGNATURE_FAILURES_MAX, "signature-failures" }, /* CVE-2023-50387 */
        { take_one_hash, NSEC3_HASHES_MAX, "hashes" },                  /* CVE-2023-50868 */
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct budget budget = budget_full();
        for (unsigned n = 0; n < cases[i].limit; n++)
            assert_true(cases[i].take(&budget));
        assert_null(budget.spent);
        assert_false(cases[i].take(&budget));
        assert_false(cases[i].take(&budget));
        assert_string_equal(budget.spent, cases[i].name);
    }
}

/* CVE-2020-8616: names that lead to nothing cost, the others do not. */
static void test_server_names(void **state)
{
    (void)state;
    struct budget budget = budget_full();
    for (unsigned n = 0; n < 2 * SERVER_NAMES_MAX; n++) {
        assert_true(budget_take_server_name(&budget));
        budget_return_server_name(&budget);
    }
    for (unsigned n = 0; n < SERVER_NAMES_MAX; n++)
        assert_true(budget_take_server_name(&budget));
    assert_false(budget_take_server_name(&budget));
    assert_null(budget.spent);
}

static void test_reply_octets(void **state)
{
    (void)state;
    struct budget budget = budget_full();
    for (unsigned n = 0; n < UPSTREAM_OCTETS_MAX / MESSAGE_OCTETS_MAX; n++)
        budget_count_reply(&budget, MESSAGE_OCTETS_MAX);
    assert_true(budget_take_packet(&budget));
    budget_count_reply(&budget, MESSAGE_OCTETS_MAX);
    assert_false(budget_take_packet(&budget));
    assert_string_equal(budget.spent, "reply-octets");
}

static void test_the_first_one_spent_is_named(void **state)
{
    (void)state;
    struct budget budget = budget_full();
    budget.lookups = 0;
    budget.packets = 0;
    assert_false(budget_take_lookup(&budget));
    assert_false(budget_take_packet(&budget));
    assert_string_equal(budget.spent, "lookups");
}

static void test_turns(void **state)
{
    (void)state;
    struct budget budget = budget_full();
    for (int i = 0; i < CHECKS_PER_TURN; i++) {
        assert_false(budget_turn_is_over(&budget));
        assert_true(budget_take_check(&budget, 1));
    }
    assert_true(budget_turn_is_over(&budget));
    budget_new_turn(&budget);
    for (int i = 0; i < HASHES_PER_TURN; i++) {
        assert_false(budget_turn_is_over(&budget));
        assert_true(take_one_hash(&budget));
    }
    assert_true(budget_turn_is_over(&budget));
    assert_int_equal(budget.signature_checks, SIGNATURE_CHECKS_MAX - CHECKS_PER_TURN);
    assert_null(budget.spent);
}

/* CVE-2023-50387: a check that costs as much as several is paid like them. */
static void test_costly_checks(void **state)
{
    (void)state;
    struct budget budget = budget_full();
    const uint16_t cost = 8 * COST_OF_P256;
    assert_true(budget_take_check(&budget, cost));
    assert_true(budget_turn_is_over(&budget));
    assert_true(budget_take_failure(&budget, cost));
    assert_true(budget_bears_failures(&budget));
    assert_true(budget_take_failure(&budget, cost));
    assert_false(budget_bears_failures(&budget));
    for (unsigned left = FAILED_WORK_MAX - 2 * cost; left >= cost; left -= cost)
        assert_true(budget_take_failure(&budget, cost));
    assert_null(budget.spent);
    assert_false(budget_take_check(&budget, cost)); /* it might fail */
    assert_string_equal(budget.spent, "signature-failures");
}

/* CVE-2026-11605: so are those that succeed. */
static void test_good_checks_cost_as_much(void **state)
{
    (void)state;
    struct budget budget = budget_full();
    const uint16_t cost = 8 * COST_OF_P256;
    for (unsigned left = SIGNATURE_WORK_MAX; left >= cost; left -= cost)
        assert_true(budget_take_check(&budget, cost));
    assert_null(budget.spent);
    assert_false(budget_take_check(&budget, cost));
    assert_string_equal(budget.spent, "signature-work");
    assert_true(budget.signature_checks > 0);
}

static void takes_dear_checks(struct budget *budget)
{
    const uint16_t dear = DEAR_CHECK_PRICE * COST_OF_P256;
    for (unsigned left = budget->signature_work; left >= dear; left -= dear)
        assert_true(budget_take_check(budget, COST_OF_P256));
    assert_null(budget->spent);
    assert_false(budget_take_check(budget, COST_OF_P256));
    assert_string_equal(budget->spent, "signature-work");
    assert_int_equal(budget->failed_work, FAILED_WORK_MAX); /* what fails costs the same everywhere */
}

/* A chain of aliases is paid like any other data up to the fifth alias, and dearer behind it. */
static void test_checks_behind_aliases(void **state)
{
    (void)state;
    struct budget budget = budget_full();
    budget_price_aliases(&budget, ALIASES_AT_PAR);
    assert_true(budget_take_check(&budget, COST_OF_P256));
    assert_int_equal(budget.signature_work, SIGNATURE_WORK_MAX - COST_OF_P256);
    budget_price_aliases(&budget, ALIASES_AT_PAR + 1);
    takes_dear_checks(&budget);
    budget_price_aliases(&budget, 0);
    assert_true(budget_take_check(&budget, COST_OF_P256));
}

/* CVE-2026-11605: so are proofs, beyond those that are needed; for the last of the work they are not checked, and
 * nothing is spent that others may need. */
static void test_checks_beside_proofs(void **state)
{
    (void)state;
    struct budget budget = budget_full();
    budget_price_proofs(&budget, PROOFS_AT_PAR - 1);
    assert_true(budget_take_check(&budget, COST_OF_P256));
    assert_int_equal(budget.signature_work, SIGNATURE_WORK_MAX - COST_OF_P256);
    budget_price_proofs(&budget, PROOFS_AT_PAR);
    while (budget_take_check(&budget, COST_OF_P256))
        continue;
    assert_null(budget.spent);
    assert_in_range(budget.signature_work, WORK_BESIDE_PROOFS,
                    WORK_BESIDE_PROOFS + DEAR_CHECK_PRICE * COST_OF_P256 - 1);
    budget_price_proofs(&budget, 0);
    for (unsigned n = 0; n < WORK_BESIDE_PROOFS / COST_OF_P256; n++)
        assert_true(budget_take_check(&budget, COST_OF_P256));
}

/* What many replies have cost is not there for signatures any more; without those it goes on. */
static void test_replies_take_work(void **state)
{
    (void)state;
    struct budget budget = budget_full();
    for (unsigned n = 0; n < REPLIES_AT_PAR; n++)
        budget_count_reply(&budget, 1);
    assert_int_equal(budget.signature_work, SIGNATURE_WORK_MAX);
    budget_count_reply(&budget, 1);
    assert_int_equal(budget.signature_work, SIGNATURE_WORK_MAX - WORK_OF_REPLY);
    for (unsigned n = 0; n < SIGNATURE_WORK_MAX / WORK_OF_REPLY; n++)
        budget_count_reply(&budget, 1);
    assert_int_equal(budget.signature_work, 0);
    assert_true(budget_take_packet(&budget));
    assert_null(budget.spent);
    assert_false(budget_take_check(&budget, 1));
    assert_string_equal(budget.spent, "signature-work");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_limit_is_reached_exactly),
        cmocka_unit_test(test_server_names),
        cmocka_unit_test(test_reply_octets),
        cmocka_unit_test(test_the_first_one_spent_is_named),
        cmocka_unit_test(test_turns),
        cmocka_unit_test(test_costly_checks),
        cmocka_unit_test(test_good_checks_cost_as_much),
        cmocka_unit_test(test_checks_behind_aliases),
        cmocka_unit_test(test_checks_beside_proofs),
        cmocka_unit_test(test_replies_take_work),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
