#include "validator/signature.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "message/testing.h"
#include "tests/support/signer.h"

/* KeyTrap (CVE-2023-50387): many keys with one tag and algorithm, many signatures that could be by any of them.  The
 * algorithm here is one that counts and never agrees, except with one key. */

enum { FAKE = 200, KEYS = 64, SIGS = 40, NOW_S = 1795000000 };

static unsigned checks;
static struct octets good_key;
static enum signature_check otherwise;

static enum signature_check count_check(struct verifier *verifier, const struct algorithm *algorithm, struct octets key,
                                        struct octets data, struct octets signature)
{
    (void)verifier, (void)algorithm, (void)data, (void)signature;
    checks++;
    return good_key.data != NULL && octets_equal(key, good_key) ? SIGNATURE_GOOD : otherwise;
}

static const struct algorithm fake_algorithm = { .number = FAKE, .mnemonic = "FAKE", .check = count_check };

struct trap {
    struct arena *arena;
    struct crypto_policy policy;
    struct budget budget;
    struct dname zone;
    struct octets keys[KEYS];
    struct rrset *rrset;
    struct signature_means means;
    struct signature_result result;
};

/* Two octets changing places with two others leave the key tag as it is (RFC 4034 appendix B). */
static struct octets make_key(struct arena *arena, unsigned n)
{
    uint8_t rdata[4 + 16] = { 1, 0, 3, FAKE };
    rdata[4 + n / 8 * 2 % 16] ^= (uint8_t)(n + 1);
    rdata[4 + (n / 8 * 2 + 2 + n % 7 * 2) % 16] ^= (uint8_t)(0x80 - n - 1);
    return octets_copy(arena, (struct octets) { rdata, sizeof(rdata) });
}

static void add_signatures(struct trap *trap, uint16_t count)
{
    for (uint16_t i = 0; i < count; i++) {
        uint8_t buffer[18 + DNAME_OCTETS_MAX + 16];
        struct writer w = writer_of(buffer, sizeof(buffer));
        writer_u16(&w, TYPE_A);
        writer_u8(&w, FAKE);
        writer_u8(&w, 2);
        writer_u32(&w, 300);
        writer_u32(&w, NOW_S + 100);
        writer_u32(&w, NOW_S - 100);
        writer_u16(&w, dnskey_tag(trap->keys[0]));
        writer_dname(&w, &trap->zone);
        writer_u16(&w, i);
        add_signature(trap->arena, trap->rrset, octets_copy(trap->arena, writer_octets(&w)));
    }
}

static int set_up(void **state)
{
    struct trap *trap = memory_new(1, sizeof(*trap));
    set_hash_secret();
    trap->arena = arena_new();
    trap->policy.algorithms[FAKE] = &fake_algorithm;
    trap->budget = budget_full();
    trap->zone = name_of("example.");
    for (unsigned i = 0; i < KEYS; i++)
        trap->keys[i] = make_key(trap->arena, i);
    trap->rrset = rrset_of(trap->arena, "www.example. 300 A 192.0.2.1");
    trap->means = (struct signature_means) { trap->arena,
                                             &trap->budget,
                                             verifier_new(),
                                             &trap->policy,
                                             { .wall_ms = NOW_S * INT64_C(1000), .wall_is_fit = true },
                                             NULL };
    checks = 0;
    good_key = (struct octets) { NULL, 0 };
    otherwise = SIGNATURE_BAD;
    *state = trap;
    return 0;
}

static int tear_down(void **state)
{
    struct trap *trap = *state;
    verifier_free(trap->means.verifier);
    arena_free(trap->arena);
    free(trap);
    return 0;
}

static void verify(struct trap *trap)
{
    struct signer_keys keys = { .zone = &trap->zone, .rdata = trap->keys, .count = KEYS };
    verifier_forget(trap->means.verifier); /* each check counts */
    rrset_verify(&trap->means, trap->rrset, &keys, &trap->result);
}

static void note_fault(void *context, const struct rrset *rrset, const struct rrsig *sig, enum signature_fault fault)
{
    unsigned *counts = context;
    assert_int_equal(rrset->type, TYPE_A);
    assert_int_equal(sig->algorithm, FAKE);
    counts[fault]++;
}

/* Row D6-run: what is tried is counted once a signature, and what is not tried is not. */
static void every_signature_is_seen_once(void **state)
{
    struct trap *trap = *state;
    unsigned counts[FAULTS] = { 0 };
    const struct signature_watch watch = { counts, note_fault };
    trap->means.watch = &watch;
    add_signatures(trap, 2);
    good_key = (struct octets) { trap->keys[0].data + 4, trap->keys[0].len - 4 };
    verify(trap);
    assert_int_equal(counts[FAULT_NONE], 1); /* the second one was not needed */
    good_key = (struct octets) { NULL, 0 };
    trap->means.now.wall_ms = (NOW_S + 1000) * INT64_C(1000);
    verify(trap);
    assert_int_equal(counts[FAULT_EXPIRED], 2);
    trap->means.now.wall_ms = NOW_S * INT64_C(1000);
    verify(trap);
    assert_int_equal(counts[FAULT_BAD], 1); /* so many keys share its tag that nothing is left for the second one */
    assert_int_equal(counts[FAULT_NONE] + counts[FAULT_EXPIRED] + counts[FAULT_BAD], 4);
}

/* RFC 4035 section 5.3.4: the name's own signature spares the proof that a wildcard's would need, wherever it
 * stands. */
static void the_names_own_signature_comes_first(void **state)
{
    enum { LABELS_AT = 3 };
    struct trap *trap = *state;
    add_signatures(trap, 3);
    good_key = (struct octets) { trap->keys[0].data + 4, trap->keys[0].len - 4 };
    ((uint8_t *)(uintptr_t)trap->rrset->sigs[0].data)[LABELS_AT] = 1;
    ((uint8_t *)(uintptr_t)trap->rrset->sigs[1].data)[LABELS_AT] = 1;
    verify(trap);
    assert_int_equal(trap->result.fault, FAULT_NONE);
    assert_int_equal(trap->result.rrsig.labels, 2);
    assert_int_equal(checks, 1);
}

static unsigned same_tag(const struct trap *trap)
{
    unsigned count = 0;
    for (unsigned i = 0; i < KEYS; i++)
        count += dnskey_tag(trap->keys[i]) == dnskey_tag(trap->keys[0]);
    return count;
}

static void pairs_of_one_rrset_are_few(void **state)
{
    struct trap *trap = *state;
    add_signatures(trap, SIGS);
    assert_true(same_tag(trap) > RRSIG_CHECKS_PER_RRSET_MAX);
    verify(trap);
    assert_int_equal(trap->result.fault, FAULT_BAD);
    assert_false(trap->result.out_of_budget);
    assert_int_equal(checks, RRSIG_CHECKS_PER_RRSET_MAX);
    assert_int_equal(SIGNATURE_FAILURES_MAX - trap->budget.signature_failures, RRSIG_CHECKS_PER_RRSET_MAX);
}

static void failures_of_one_query_are_few(void **state)
{
    struct trap *trap = *state;
    add_signatures(trap, SIGS);
    for (int i = 0; i < 10; i++)
        verify(trap);
    assert_true(trap->result.out_of_budget);
    assert_string_equal(trap->budget.spent, "signature-failures");
    assert_true(checks <= SIGNATURE_FAILURES_MAX + 10);
    trap->budget.signature_checks = 0;
    checks = 0;
    verify(trap);
    assert_true(trap->result.out_of_budget);
    assert_int_equal(checks, 0);
}

/* No zone key, so that nothing is checked with it; what the flags lack stands in the key, and the tag is the same. */
static struct octets without_zone_bit(struct trap *trap, struct octets key)
{
    struct octets copy = octets_copy(trap->arena, key);
    uint8_t *rdata = (uint8_t *)(uintptr_t)copy.data;
    size_t at = 4;
    while (rdata[at] == UINT8_MAX)
        at += 2;
    rdata[0]--;
    rdata[at]++;
    assert_int_equal(dnskey_tag(copy), dnskey_tag(key));
    return copy;
}

/* Keys that the signature may mean, and that cost no check: the last that is looked at verifies, one more is not
 * seen. */
static void keys_that_are_looked_at_are_few(void **state)
{
    struct trap *trap = *state;
    struct octets good = trap->keys[0];
    for (unsigned before = CANDIDATES_MAX - 1; before <= CANDIDATES_MAX; before++) {
        for (unsigned i = 0; i < before; i++)
            trap->keys[i] = without_zone_bit(trap, good);
        trap->keys[before] = good;
        trap->rrset->sig_count = 0;
        add_signatures(trap, 1);
        good_key = (struct octets) { good.data + 4, good.len - 4 };
        checks = 0;
        verify(trap);
        bool is_seen = before < CANDIDATES_MAX;
        assert_int_equal(checks, is_seen);
        assert_int_equal(trap->result.fault, is_seen ? FAULT_NONE : FAULT_KEY_NOT_ZONE);
    }
}

static const struct algorithm *row_of(uint8_t number)
{
    size_t count;
    const struct algorithm *row = algorithm_table(&count);
    while (row->number != number)
        row++;
    return row;
}

/* CVE-2023-50387: those of an algorithm that costs more are fewer, by as much. */
static void costly_failures_are_fewer(void **state)
{
    struct trap *trap = *state;
    struct algorithm slow = *row_of(ALGORITHM_ECDSAP384SHA384);
    const unsigned cost = signature_cost(&slow, trap->keys[0]);
    slow.number = FAKE;
    slow.check = count_check;
    trap->policy.algorithms[FAKE] = &slow;
    add_signatures(trap, SIGS);
    verify(trap);
    assert_true(trap->result.out_of_budget);
    assert_string_equal(trap->budget.spent, "signature-failures");
    assert_int_equal(checks, FAILED_WORK_MAX / cost);
    assert_true(budget_turn_is_over(&trap->budget));
}

/* A key that cannot be used is one that does not match: no failure of the zone's (rules: keys). */
static void unusable_keys_do_not_match(void **state)
{
    struct trap *trap = *state;
    otherwise = SIGNATURE_KEY_UNUSABLE;
    add_signatures(trap, 1);
    verify(trap);
    assert_int_equal(fault_rows[trap->result.fault].ede, EDE_DNSKEY_MISSING);
    assert_int_equal(trap->budget.signature_failures, SIGNATURE_FAILURES_MAX);
    good_key = (struct octets) { trap->keys[3].data + 4, trap->keys[3].len - 4 };
    uint8_t *tag = (uint8_t *)trap->rrset->sigs[0].data + 16;
    tag[0] = (uint8_t)(dnskey_tag(trap->keys[3]) >> 8);
    tag[1] = (uint8_t)dnskey_tag(trap->keys[3]);
    verify(trap);
    assert_int_equal(trap->result.fault, FAULT_NONE);
    assert_true(octets_equal(trap->result.key, trap->keys[3]));
}

/* Nothing that is cheap to refuse costs a check. */
static void cheap_faults_cost_nothing(void **state)
{
    struct trap *trap = *state;
    static const struct {
        size_t at;
        uint8_t value;
        enum signature_fault fault;
    } rows[] = {
        { 0, 9, FAULT_MALFORMED }, { 2, FAKE + 1, FAULT_ALGORITHM }, { 3, 3, FAULT_LABELS },
        { 3, 0, FAULT_LABELS },    { 16, 0x77, FAULT_KEY_MISSING },  { 8, 0, FAULT_INVERTED },
        { 18, 6, FAULT_MISSING },  { 19, 'x', FAULT_MISSING },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        trap->rrset->sig_count = 0;
        add_signatures(trap, 1);
        ((uint8_t *)trap->rrset->sigs[0].data)[rows[i].at] = rows[i].value;
        verify(trap);
        assert_int_equal(trap->result.fault, rows[i].fault);
    }
    trap->rrset->sig_count = 0;
    verify(trap);
    assert_int_equal(trap->result.fault, FAULT_MISSING);
    assert_false(trap->result.has_rrsig);
    assert_int_equal(checks, 0);
}

/* RFC 4034 section 3.1.3 */
static void labels_are_counted(void **state)
{
    (void)state;
    static const struct {
        const char *owner;
        uint8_t labels;
    } rows[] = { { ".", 0 }, { "example.", 1 }, { "*.example.", 1 }, { "*.", 0 }, { "a.*.example.", 3 } };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct dname owner = name_of(rows[i].owner);
        struct rrsig sig = { .labels = rows[i].labels };
        assert_int_equal(owner_labels(&owner), rows[i].labels);
        assert_false(rrsig_is_expanded(&sig, &owner));
    }
}

/* Every fault has its words. */
static void faults_are_told(void **state)
{
    (void)state;
    for (int fault = 0; fault < FAULTS; fault++) {
        assert_non_null(fault_rows[fault].site);
        assert_non_null(fault_rows[fault].words);
        if (fault != FAULT_NONE)
            assert_non_null(ede_text(fault_rows[fault].ede));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_signature_is_seen_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_names_own_signature_comes_first, set_up, tear_down),
        cmocka_unit_test_setup_teardown(pairs_of_one_rrset_are_few, set_up, tear_down),
        cmocka_unit_test_setup_teardown(failures_of_one_query_are_few, set_up, tear_down),
        cmocka_unit_test_setup_teardown(keys_that_are_looked_at_are_few, set_up, tear_down),
        cmocka_unit_test_setup_teardown(costly_failures_are_fewer, set_up, tear_down),
        cmocka_unit_test_setup_teardown(unusable_keys_do_not_match, set_up, tear_down),
        cmocka_unit_test_setup_teardown(cheap_faults_cost_nothing, set_up, tear_down),
        cmocka_unit_test(labels_are_counted),
        cmocka_unit_test(faults_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
