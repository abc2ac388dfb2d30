/* Evidence of failing zones comes back as it was saved, and stays bounded (row D6-confirm). */
#include "store/store.h"

#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { NOW_S = 1800000000 };

static int make_directory(void **state)
{
    static char path[64];
    snprintf(path, sizeof(path), "/tmp/vouch-evidence-XXXXXX");
    *state = path;
    return mkdtemp(path) == NULL;
}

static int remove_directory(void **state)
{
    char command[128];
    snprintf(command, sizeof(command), "rm -rf %s", (char *)*state);
    return system(command);
}

static struct store *open_store(const char *directory)
{
    struct store *store;
    assert_int_equal(store_open(directory, NOW_S, &store), OK);
    return store;
}

static void set_name(struct dname *name, const char *text)
{
    assert_int_equal(dname_from_text(text, name), OK);
}

static struct address address_of(const char *text)
{
    struct address address;
    assert_int_equal(address_from_text(text, 53, &address), OK);
    return address;
}

/* With something in every field. */
static struct evidence_zone *make_zone(int n)
{
    char name[32];
    struct evidence_zone *zone = calloc(1, sizeof(*zone));
    snprintf(name, sizeof(name), "z%d.example.", n);
    set_name(&zone->zone, name);
    zone->is_failing = true;
    zone->first_s = NOW_S;
    zone->last_s = NOW_S + n;
    zone->failures = 3;
    zone->rescued = 4;
    zone->by_cause[CAUSE_EXPIRED] = zone->record_count = 1;
    zone->server_count = 1;
    zone->servers[0] = (struct evidence_server) {
        .address = address_of("2001:db8::1"), .transport = TRANSPORT_TCP, .bad = 5, .good = 6, .last_bad_s = NOW_S
    };
    struct evidence_record *record = &zone->records[0];
    *record = (struct evidence_record) {
        .time_s = NOW_S,
        .question = { .qtype = TYPE_AAAA, .qclass = CLASS_IN },
        .outcome = BOGUS,
        .cause = CAUSE_EXPIRED,
        .ede = EDE_SIGNATURE_EXPIRED,
        .site = "rrsig-expired",
        .text = "it's \"quoted\"; 100% \\ \n",
        .failed_type = TYPE_NSEC3,
        .key_tag = 65535,
        .algorithm = 13,
        .ds_count = 1,
        .key_count = 1,
        .trial_count = 2,
        .is_healed = true,
        .ds = { { .key_tag = 1, .algorithm = 8, .digest_type = 2, .usable = true } },
        .keys = { { .key_tag = 2, .algorithm = 13, .flags = 257, .in_ds = true } },
        .trials = { { .security = BOGUS, .site = "rrsig-expired" },
                    { .server = address_of("192.0.2.1@5300"),
                      .transport = TRANSPORT_TCP,
                      .security = SECURE,
                      .site = "secure" } },
    };
    set_name(&record->question.qname, "w\\032w.example.");
    set_name(&record->failed_name, "hash.example.");
    return zone;
}

/* Those with the numbers from first to last. */
static void save_zones(struct store *store, int first, int last)
{
    assert_int_equal(store_begin(store), OK);
    for (int n = first; n <= last; n++) {
        struct evidence_zone *zone = make_zone(n);
        assert_int_equal(store_save_evidence(store, zone), OK);
        free(zone);
    }
    assert_int_equal(store_trim_evidence(store), OK);
    assert_int_equal(store_commit(store), OK);
}

static struct evidence *load(struct store *store)
{
    struct evidence *evidence = evidence_new();
    assert_int_equal(store_load_evidence(store, evidence), OK);
    return evidence;
}

static void test_what_was_saved_comes_back(void **state)
{
    struct store *store = open_store(*state);
    struct evidence_zone *saved = make_zone(1);
    save_zones(store, 1, 1);
    save_zones(store, 1, 1); /* takes the place of the one before */
    store_close(store);
    store = open_store(*state);
    struct evidence *evidence = load(store);
    assert_int_equal(evidence_count(evidence), 1);
    assert_int_equal(evidence_failing(evidence), 1);
    const struct evidence_zone *zone = evidence_find(evidence, &saved->zone);
    assert_non_null(zone);
    const struct evidence_record *was = &saved->records[0], *is = &zone->records[0];
    assert_int_equal(zone->last_s, saved->last_s);
    assert_int_equal(zone->failures + zone->rescued, 7);
    assert_int_equal(zone->by_cause[CAUSE_EXPIRED], 1);
    assert_true(address_equal(&zone->servers[0].address, &saved->servers[0].address));
    assert_int_equal(zone->servers[0].transport, TRANSPORT_TCP);
    assert_int_equal(zone->servers[0].bad, 5);
    assert_true(dname_equal(&is->question.qname, &was->question.qname));
    assert_true(dname_equal(&is->failed_name, &was->failed_name));
    assert_string_equal(is->text, was->text);
    assert_string_equal(is->site, was->site);
    assert_int_equal(is->key_tag, was->key_tag);
    assert_int_equal(is->failed_type, was->failed_type);
    assert_true(is->is_healed);
    assert_memory_equal(is->ds, was->ds, sizeof(is->ds));
    assert_memory_equal(is->keys, was->keys, sizeof(is->keys));
    assert_int_equal(is->trial_count, 2);
    assert_int_equal(is->trials[0].server.family, 0); /* out of the cache */
    assert_true(address_equal(&is->trials[1].server, &was->trials[1].server));
    assert_int_equal(is->trials[1].transport, TRANSPORT_TCP);
    assert_int_equal(is->trials[1].security, SECURE);
    evidence_free(evidence);
    store_close(store);
    free(saved);
}

static void test_the_file_is_bounded(void **state)
{
    struct store *store = open_store(*state);
    struct evidence_zone *newest = make_zone(EVIDENCE_ZONES_MAX + 9);
    save_zones(store, 0, EVIDENCE_ZONES_MAX + 9);
    struct evidence *evidence = load(store);
    assert_int_equal(evidence_count(evidence), EVIDENCE_ZONES_MAX);
    assert_non_null(evidence_find(evidence, &newest->zone));
    evidence_free(evidence);
    store_close(store);
    free(newest);
}

static void edit(const char *directory, const char *sql)
{
    char path[128];
    sqlite3 *db;
    snprintf(path, sizeof(path), "%s/" STORE_FILE, directory);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

/* A file that somebody else has written into. */
static void test_rows_that_make_no_sense_are_passed_over(void **state)
{
    static const char *const edits[] = {
        "UPDATE evidence SET outcome = 99",
        "UPDATE evidence SET cause = -1",
        "UPDATE evidence SET failed_name = 'a..b'",
        "UPDATE evidence_zones SET zone = 'a..b'",
        "UPDATE evidence SET place = 100, ds = 'x', keys = '1 2', trials = 'nowhere 0 99 x'",
    };
    for (size_t i = 0; i < ARRAY_LEN(edits); i++) {
        struct store *store = open_store(*state);
        save_zones(store, 1, 1);
        store_close(store);
        edit(*state, edits[i]);
        store = open_store(*state);
        struct evidence *evidence = load(store);
        if (i < ARRAY_LEN(edits) - 1)
            assert_int_equal(evidence_count(evidence), 0);
        else
            assert_int_equal(evidence_at(evidence, 0)->records[0].trial_count, 0);
        evidence_free(evidence);
        store_close(store);
    }
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, make_directory, remove_directory)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_what_was_saved_comes_back),
        TEST(test_the_file_is_bounded),
        TEST(test_rows_that_make_no_sense_are_passed_over),
    };
    return cmocka_run_group_tests_name("store/evidence", tests, NULL, NULL);
}
