#include "trust/managed.h"

#include <setjmp.h>
#include <cmocka.h>

#include "message/testing.h"

enum { NOW_S = 1800000000 };
static const struct now now = { .wall_ms = INT64_C(1000) * NOW_S, .wall_is_fit = true };

#define DS_2017 ". DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D\n"
#define DS_2024 ". DS 38696 8 2 683D2D0ACB8C9B712A1948B27F741219298D0A450D612C483AF444A4C0FB2B16\n"
#define DS_CORP "corp.example. DS 1 13 2 0000000000000000000000000000000000000000000000000000000000000000\n"

static struct trust *configured(const char *text)
{
    struct trust *trust = trust_new();
    size_t added;
    char *why;
    assert_int_equal(trust_add_text(trust, text, strlen(text), ANCHOR_CONFIGURED, &added, &why), OK);
    return trust;
}

static void merge(struct managed *managed, const char *text)
{
    struct trust *trust = configured(text);
    managed_merge(managed, trust, NOW_S);
    trust_free(trust);
}

static struct managed_key *key_of(struct managed *managed, const char *zone, uint16_t tag)
{
    struct dname name = name_of(zone);
    struct managed_zone *found = managed_find(managed, &name);
    for (size_t i = 0; found != NULL && i < found->count; i++)
        if (managed_key_tag(&found->keys[i]) == tag)
            return &found->keys[i];
    return NULL;
}

/* D5-run: what an operator names is trusted at once, what he names no more goes, what is revoked stays so. */
static void test_the_operators_word(void **state)
{
    (void)state;
    struct managed *managed = managed_new();
    merge(managed, DS_2017 DS_2024 DS_CORP);
    assert_int_equal(managed->count, 2);
    assert_int_equal(key_of(managed, ".", 20326)->state, STATE_VALID);
    key_of(managed, ".", 20326)->state = STATE_REVOKED;
    key_of(managed, ".", 38696)->state = STATE_ADD_PEND;
    merge(managed, DS_2017 DS_2024);
    assert_int_equal(managed->count, 1);
    assert_int_equal(key_of(managed, ".", 20326)->state, STATE_REVOKED);
    assert_int_equal(key_of(managed, ".", 38696)->state, STATE_VALID);
    merge(managed, DS_2017);
    assert_int_equal(key_of(managed, ".", 20326)->state, STATE_REVOKED);
    assert_null(key_of(managed, ".", 38696));
    managed_free(managed);
}

/* D5-run: without the history of revocations nobody's word counts for the old keys but what ends the doubt. */
static void test_doubted_keys(void **state)
{
    (void)state;
    struct managed *managed = managed_new();
    struct trust *trust = configured(DS_2017 DS_2024);
    const struct anchor *usable[2];
    merge(managed, DS_2017 DS_2024 DS_CORP);
    struct managed_zone *root = managed_find(managed, dname_root());
    key_of(managed, ".", 20326)->state = STATE_REVOKED;
    managed_doubt(root, NOW_S);
    assert_int_equal(managed_zone_doubted(root), 1);
    assert_int_equal(managed_zone_trusted(root), 0);
    assert_int_equal(key_of(managed, ".", 20326)->state, STATE_REVOKED);
    assert_int_equal(key_of(managed, "corp.example.", 1)->state, STATE_VALID);
    merge(managed, DS_2017 DS_2024 DS_CORP); /* a reload is no news */
    assert_int_equal(key_of(managed, ".", 38696)->state, STATE_DOUBTED);
    struct trust *snapshot = managed_snapshot(managed, trust);
    assert_int_equal(trust_anchors_at(snapshot, dname_root(), now, usable, 2), 0);
    struct dname zone, name = name_of("www.example.");
    assert_int_equal(trust_covers(snapshot, &name, now, &zone), COVERAGE_ANCHOR); /* it fails closed */
    trust_free(snapshot);
    managed_trust_doubted(managed_find(managed, dname_root()), NOW_S);
    assert_int_equal(key_of(managed, ".", 38696)->state, STATE_VALID);
    assert_int_equal(key_of(managed, ".", 20326)->state, STATE_REVOKED);
    trust_free(trust);
    managed_free(managed);
}

/* A DS and the DNSKEY it was made of are one key. */
static void test_digest_and_key_are_one(void **state)
{
    (void)state;
    struct managed *managed = managed_new();
    struct trust *built_in = trust_new();
    trust_add_built_in(built_in);
    managed_merge(managed, built_in, NOW_S);
    merge(managed, DS_2017 DS_2024);
    assert_int_equal(managed->zones[0].count, 2);
    assert_int_equal(managed->zones[0].keys[0].type, TYPE_DNSKEY);
    managed_free(managed);
    trust_free(built_in);
}

/* What was learnt from one anchor is worth nothing under another; what was ordered stays. */
static void test_learnt_keys_need_their_root(void **state)
{
    (void)state;
    struct managed *managed = managed_new();
    merge(managed, DS_2017);
    struct trust *other = configured(DS_2024);
    struct managed_zone *root = managed_find(managed, dname_root());
    size_t count;
    struct octets rdata = trust_anchors(other, &count)->rdata;
    struct managed_key *learnt = managed_add_key(root, TYPE_DS, rdata);
    learnt->state = STATE_VALID;
    merge(managed, DS_2017);
    assert_non_null(key_of(managed, ".", 38696));
    merge(managed, DS_CORP);
    assert_null(managed_find(managed, dname_root()));
    learnt = managed_add_key(managed_add_zone(managed, dname_root()), TYPE_DS, rdata);
    learnt->state = STATE_VALID;
    learnt->source = ANCHOR_ORDERED;
    merge(managed, DS_CORP);
    assert_non_null(key_of(managed, ".", 38696));
    trust_free(other);
    managed_free(managed);
}

/* RFC 5011 section 5: without any key the root fails closed, another zone is as if never configured. */
static void test_a_zone_without_keys(void **state)
{
    (void)state;
    struct managed *managed = managed_new();
    struct trust *trust = configured(DS_2017 DS_CORP);
    managed_merge(managed, trust, NOW_S);
    key_of(managed, ".", 20326)->state = STATE_REVOKED;
    key_of(managed, "corp.example.", 1)->state = STATE_REVOKED;
    struct trust *snapshot = managed_snapshot(managed, trust);
    struct dname name = name_of("www.corp.example."), zone;
    const struct anchor *anchors[4];
    assert_int_equal(trust_covers(snapshot, &name, now, &zone), COVERAGE_ANCHOR);
    assert_true(dname_is_root(&zone));
    assert_int_equal(trust_anchors_at(snapshot, &zone, now, anchors, 4), 0);
    trust_free(snapshot);
    trust_free(trust);
    managed_free(managed);
}

/* Negative anchors and exceptions are the configuration's; waiting keys are not in it. */
static void test_snapshot(void **state)
{
    (void)state;
    struct managed *managed = managed_new();
    struct trust *trust = configured(DS_2017 DS_2024);
    struct dname name = name_of("bad.example.");
    size_t count;
    trust_add_negative(trust, &name, NOW_S + 1, "test");
    managed_merge(managed, trust, NOW_S);
    key_of(managed, ".", 20326)->state = STATE_MISSING;
    key_of(managed, ".", 38696)->state = STATE_ADD_PEND;
    struct trust *snapshot = managed_snapshot(managed, trust);
    assert_int_equal(trust_anchors(snapshot, &count)->source, ANCHOR_CONFIGURED);
    assert_int_equal(count, 1);
    trust_negatives(snapshot, &count);
    assert_int_equal(count, 1);
    trust_free(snapshot);
    trust_free(trust);
    managed_free(managed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_operators_word),     cmocka_unit_test(test_doubted_keys),
        cmocka_unit_test(test_digest_and_key_are_one), cmocka_unit_test(test_learnt_keys_need_their_root),
        cmocka_unit_test(test_a_zone_without_keys),    cmocka_unit_test(test_snapshot),
    };
    set_hash_secret();
    return cmocka_run_group_tests_name("trust/managed", tests, NULL, NULL);
}
