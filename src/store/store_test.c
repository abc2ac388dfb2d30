#include "store/store.h"

#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "message/testing.h"

enum { NOW_S = 1800000000, KILLS = 200 };

/* ---- a directory of the test's own ---- */

static int make_directory(void **state)
{
    static char path[64];
    snprintf(path, sizeof(path), "/tmp/vouch-store-XXXXXX");
    *state = path;
    return mkdtemp(path) == NULL;
}

static int remove_directory(void **state)
{
    char command[128];
    snprintf(command, sizeof(command), "chmod -R u+w %s && rm -rf %s", (char *)*state, (char *)*state);
    return system(command);
}

static char *path_in(const char *directory, const char *name)
{
    static char path[128];
    snprintf(path, sizeof(path), "%s/%s", directory, name);
    return path;
}

static struct store *open_store(const char *directory)
{
    struct store *store;
    assert_int_equal(store_open(directory, NOW_S, &store), OK);
    return store;
}

static void fill(struct managed *managed)
{
    struct trust *trust = trust_new();
    trust_add_built_in(trust);
    managed_merge(managed, trust, NOW_S);
    trust_free(trust);
}

/* All counters of the zone and its keys are n. */
static void set_all(struct managed *managed, int64_t n)
{
    struct managed_zone *zone = &managed->zones[0];
    zone->asked_s = zone->refreshed_s = zone->next_s = n;
    for (size_t i = 0; i < zone->count; i++)
        zone->keys[i].since_s = zone->keys[i].first_seen_s = zone->keys[i].last_seen_s = n;
}

static enum err save(struct store *store, const struct managed *managed)
{
    struct history_row row = { NOW_S, *dname_root(), 20326, 8, "VALID -> REVOKED", "revoked by itself", "rfc5011" };
    enum err err = store_begin(store);
    if (err == OK)
        err = store_save_anchors(store, managed);
    if (err == OK)
        err = store_add_history(store, &row);
    if (err == OK)
        return store_commit(store);
    store_rollback(store);
    return err;
}

static void count_row(void *to, const struct history_row *row)
{
    assert_string_equal(row->what, "VALID -> REVOKED");
    assert_int_equal(row->key_tag, 20326);
    ++*(int *)to;
}

/* ---- tests: D5-run ---- */

static void test_what_was_saved_comes_back(void **state)
{
    struct store *store = open_store(*state);
    struct managed *managed = managed_new(), *loaded = managed_new();
    int64_t latest;
    int rows = 0;
    fill(managed);
    set_all(managed, 7);
    managed->zones[0].failures = 3;
    managed->zones[0].keys[0].state = STATE_REVOKED;
    managed->zones[0].keys[0].due_s = 9;
    managed->zones[0].keys[1].has_signed = true;
    assert_int_equal(save(store, managed), OK);
    assert_int_equal(store_get_latest_time(store, &latest), OK);
    assert_int_equal(latest, 0);
    assert_int_equal(store_put_latest_time(store, NOW_S), OK);
    store_close(store);

    store = open_store(*state);
    assert_int_equal(store_load_anchors(store, loaded), OK);
    assert_int_equal(loaded->count, 1);
    const struct managed_zone *zone = &loaded->zones[0];
    assert_int_equal(zone->count, 2);
    assert_int_equal(zone->next_s, 7);
    assert_int_equal(zone->failures, 3);
    for (size_t i = 0; i < 2; i++) {
        const struct managed_key *was = &managed->zones[0].keys[i], *is = &zone->keys[i];
        assert_true(octets_equal(was->rdata, is->rdata));
        assert_int_equal(was->state, is->state);
        assert_int_equal(was->source, is->source);
        assert_int_equal(was->due_s, is->due_s);
        assert_int_equal(was->has_signed, is->has_signed);
        assert_int_equal(was->first_seen_s, is->first_seen_s);
    }
    assert_int_equal(store_get_latest_time(store, &latest), OK);
    assert_int_equal(latest, NOW_S);
    assert_int_equal(store_walk_history(store, 10, count_row, &rows), OK);
    assert_int_equal(rows, 1);
    store_close(store);
    managed_free(managed);
    managed_free(loaded);
}

static void note_row(void *to, const struct nta_history_row *row)
{
    char *text = to;
    sprintf(text + strlen(text), "%s %s %s;", row->what, row->why, row->who);
}

/* D6-demand: kept until its end, and the history behind it. */
static void test_negative_anchors_come_back(void **state)
{
    struct store *store = open_store(*state);
    struct nta_set *set = nta_set_new(), *loaded = nta_set_new();
    struct dname zone = name_of("Example.");
    struct nta_history_row row = { NOW_S, zone, "begun", "keys 'lost'", "uid 0 (root)" };
    char history[256] = "";
    struct nta *nta = nta_add(set, &zone, NTA_ORDERED);
    nta->since_s = NOW_S;
    nta->until_s = NOW_S + 3600;
    nta_set_reason(nta, "keys 'lost'");
    strcpy(nta->who, "uid 0 (root)");
    nta->questions[nta->question_count++] =
        (struct question) { .qname = name_of("a\\032b.example."), .qtype = TYPE_AAAA, .qclass = CLASS_IN };
    struct nta *configured = nta_add(set, &zone, NTA_CONFIGURED);
    configured->named_until_s = NOW_S + 7200;
    configured->has_ended = true;
    assert_int_equal(store_begin(store), OK);
    assert_int_equal(store_save_ntas(store, set), OK);
    assert_int_equal(store_add_nta_history(store, &row), OK);
    row.what = "expired";
    assert_int_equal(store_add_nta_history(store, &row), OK);
    assert_int_equal(store_commit(store), OK);
    store_close(store);

    store = open_store(*state);
    assert_int_equal(store_load_ntas(store, loaded), OK);
    assert_int_equal(loaded->count, 2);
    const struct nta *back = nta_find(loaded, &zone, NTA_ORDERED);
    assert_int_equal(back->since_s, NOW_S);
    assert_int_equal(back->until_s, NOW_S + 3600);
    assert_string_equal(back->reason, "keys 'lost'");
    assert_string_equal(back->who, "uid 0 (root)");
    assert_int_equal(back->question_count, 1);
    assert_true(dname_equal(&back->questions[0].qname, &nta->questions[0].qname));
    assert_int_equal(back->questions[0].qtype, TYPE_AAAA);
    back = nta_find(loaded, &zone, NTA_CONFIGURED);
    assert_true(back->has_ended);
    assert_int_equal(back->named_until_s, NOW_S + 7200);
    assert_int_equal(store_walk_nta_history(store, 10, note_row, history), OK);
    assert_string_equal(history, "expired keys 'lost' uid 0 (root);begun keys 'lost' uid 0 (root);");
    store_close(store);
    nta_set_free(set);
    nta_set_free(loaded);
}

/* Killed at any point: the state before a change or the one after it. */
static void write_until_killed(const char *directory, int64_t from)
{
    struct store *store;
    struct managed *managed = managed_new();
    fill(managed);
    if (store_open(directory, NOW_S, &store) != OK)
        _exit(1);
    for (int64_t n = from;; n++) {
        set_all(managed, n);
        if (save(store, managed) != OK)
            _exit(1);
    }
}

static int64_t assert_whole_in(struct store *store)
{
    struct managed *loaded = managed_new();
    struct store_stats stats;
    assert_int_equal(store_load_anchors(store, loaded), OK);
    store_get_stats(store, &stats);
    assert_int_equal(stats.set_aside, 0);
    int64_t n = loaded->count == 0 ? 0 : loaded->zones[0].next_s;
    for (size_t i = 0; loaded->count > 0 && i < loaded->zones[0].count; i++)
        assert_int_equal(loaded->zones[0].keys[i].since_s, n);
    assert_true(loaded->count == 0 || loaded->zones[0].count == 2);
    managed_free(loaded);
    return n;
}

static int64_t assert_whole(const char *directory)
{
    struct store *store = open_store(directory);
    int64_t n = assert_whole_in(store);
    store_close(store);
    return n;
}

static void test_survives_kills(void **state)
{
    int64_t last = 0;
    for (int i = 0; i < KILLS || last == 0; i++) {
        int status;
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0)
            write_until_killed(*state, last + 1);
        /* anywhere between two moments of its work; a slow machine gets more time, until something has been written */
        usleep((useconds_t)(2000 + (i * 7919) % 30000 + i / KILLS * 100000));
        kill(pid, SIGKILL);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFSIGNALED(status));
        int64_t n = assert_whole(*state);
        assert_true(n >= last);
        last = n;
    }
    assert_true(last > 0);
}

static void write_rubbish(const char *path)
{
    FILE *file = fopen(path, "w");
    fputs("rubbish, and that for sure", file);
    fclose(file);
    chmod(path, 0600);
}

static void test_a_corrupted_file_is_set_aside(void **state)
{
    struct store_stats stats;
    struct managed *loaded = managed_new();
    write_rubbish(path_in(*state, STORE_FILE));
    struct store *store = open_store(*state);
    store_get_stats(store, &stats);
    assert_int_equal(stats.set_aside, 1);
    assert_int_equal(store_load_anchors(store, loaded), OK);
    assert_int_equal(loaded->count, 0);
    assert_int_equal(access(path_in(*state, STORE_FILE ".corrupt-1800000000"), F_OK), 0);
    store_close(store);
    managed_free(loaded);
}

/* D5-run: that revocations are forgotten is not, until somebody has drawn the conclusions and kept them. */
static void test_a_loss_is_remembered(void **state)
{
    struct managed *managed = managed_new();
    struct store *store = open_store(*state);
    fill(managed);
    assert_false(store_is_lost(store));
    assert_int_equal(save(store, managed), OK);
    store_close(store);
    write_rubbish(path_in(*state, STORE_FILE));
    for (int i = 0; i < 2; i++) { /* killed before anything was saved */
        store = open_store(*state);
        assert_true(store_is_lost(store));
        store_close(store);
    }
    assert_int_equal(unlink(path_in(*state, STORE_FILE)), 0); /* … and before there was a new one */
    store = open_store(*state);
    assert_true(store_is_lost(store));
    assert_int_equal(save(store, managed), OK);
    store_close(store);
    store = open_store(*state);
    assert_false(store_is_lost(store));
    store_close(store);
    managed_free(managed);
}

/* D5-init: the root-anchors.xml that was accepted last, one of each name. */
static void test_documents(void **state)
{
    static const uint8_t first[] = "<TrustAnchor/>", second[] = "";
    const struct octets texts[] = { { first, sizeof(first) }, { second, 1 } };
    struct arena *arena = arena_new();
    struct octets found;
    int64_t time_s;
    struct store *store = open_store(*state);
    assert_int_equal(store_get_document(store, "a", arena, &time_s, &found), ERR_NOT_FOUND);
    for (int64_t i = 0; i < (int64_t)ARRAY_LEN(texts); i++) {
        assert_int_equal(store_put_document(store, "a", NOW_S + i, texts[i]), OK);
        store_close(store);
        store = open_store(*state);
        assert_int_equal(store_get_document(store, "a", arena, &time_s, &found), OK);
        assert_int_equal(time_s, NOW_S + i);
        assert_true(octets_equal(found, texts[i]));
    }
    assert_int_equal(store_get_document(store, "b", arena, &time_s, &found), ERR_NOT_FOUND);
    store_close(store);
    arena_free(arena);
}

/* A page in the middle of a good file is overwritten. */
static void test_a_damaged_page_is_found(void **state)
{
    struct store *store = open_store(*state);
    struct managed *managed = managed_new();
    struct store_stats stats;
    fill(managed);
    assert_int_equal(save(store, managed), OK);
    store_close(store);
    int fd = open(path_in(*state, STORE_FILE), O_WRONLY);
    char rubbish[2048];
    memset(rubbish, 0x5a, sizeof(rubbish));
    for (int page = 1; page < 6; page++)
        assert_int_equal(pwrite(fd, rubbish, sizeof(rubbish), 4096 * page), (ssize_t)sizeof(rubbish));
    close(fd);
    store = open_store(*state);
    store_get_stats(store, &stats);
    assert_int_equal(stats.set_aside, 1);
    store_close(store);
    managed_free(managed);
}

static void test_rows_that_make_no_sense_are_passed_over(void **state)
{
    store_close(open_store(*state));
    sqlite3 *db;
    assert_int_equal(sqlite3_open(path_in(*state, STORE_FILE), &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db,
                                  "INSERT INTO anchors VALUES ('.', 48, x'0101030d00', 99, 0, 0, 0, 0, 0, 0, 0);"
                                  "INSERT INTO anchors VALUES ('.', 48, x'', 2, 0, 0, 0, 0, 0, 0, 0);"
                                  "INSERT INTO anchors VALUES ('.', 1, x'0101030d00', 2, 0, 0, 0, 0, 0, 0, 0);"
                                  "INSERT INTO anchors VALUES ('a..b', 48, x'0101030d00', 2, 0, 0, 0, 0, 0, 0, 0);",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    sqlite3_close(db);
    struct store *store = open_store(*state);
    struct managed *loaded = managed_new();
    assert_int_equal(store_load_anchors(store, loaded), OK);
    assert_int_equal(loaded->count, 0);
    store_close(store);
    managed_free(loaded);
}

static void test_a_later_release_is_left_alone(void **state)
{
    store_close(open_store(*state));
    sqlite3 *db;
    struct store *store;
    assert_int_equal(sqlite3_open(path_in(*state, STORE_FILE), &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "PRAGMA user_version = 2", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    assert_int_equal(store_open(*state, NOW_S, &store), ERR_FORMAT);
    assert_null(store);
    assert_int_equal(access(path_in(*state, STORE_FILE), F_OK), 0);
}

/* Two that share a directory would write over what the other has learnt: the second goes without. */
static void test_one_process_at_a_time(void **state)
{
    struct store *first = open_store(*state), *second;
    assert_int_equal(store_open(*state, NOW_S, &second), ERR_SYSTEM);
    assert_null(second);
    store_close(first);
    store_close(open_store(*state));
}

/* Links, other people's directories, no directory at all. */
static void test_places_that_are_not_ours(void **state)
{
    struct store *store;
    assert_int_equal(store_open(path_in(*state, "none"), NOW_S, &store), ERR_SYSTEM);
    chmod(*state, 0777);
    assert_int_equal(store_open(*state, NOW_S, &store), ERR_SYSTEM);
    chmod(*state, 0700);
    assert_int_equal(symlink("/etc/passwd", path_in(*state, STORE_FILE)), 0);
    assert_int_equal(store_open(*state, NOW_S, &store), ERR_SYSTEM);
    assert_null(store);
}

/* Whatever keeps it from being written: the change fails, what was there stays, and later ones succeed. */
static void test_a_failed_change_loses_nothing(void **state)
{
    struct store *store = open_store(*state);
    struct managed *managed = managed_new();
    struct store_stats stats;
    sqlite3 *other;
    fill(managed);
    set_all(managed, 1);
    assert_int_equal(save(store, managed), OK);
    assert_int_equal(sqlite3_open(path_in(*state, STORE_FILE), &other), SQLITE_OK); /* holds the right to write */
    assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    set_all(managed, 2);
    assert_int_equal(save(store, managed), ERR_SYSTEM);
    store_get_stats(store, &stats);
    assert_true(stats.is_failing);
    assert_int_equal(stats.failures, 1);
    sqlite3_close(other);
    assert_int_equal(assert_whole_in(store), 1);
    assert_int_equal(save(store, managed), OK);
    store_get_stats(store, &stats);
    assert_false(stats.is_failing);
    assert_int_equal(assert_whole_in(store), 2);
    store_close(store);
    managed_free(managed);
}

/* A container whose state directory was filled elsewhere and cannot be written: what is known of revocations counts. */
static void test_a_read_only_directory_is_read(void **state)
{
    struct store *store = open_store(*state);
    struct managed *managed = managed_new(), *loaded = managed_new();
    fill(managed);
    managed->zones[0].keys[0].state = STATE_REVOKED;
    assert_int_equal(save(store, managed), OK);
    store_close(store);
    char command[256];
    snprintf(command, sizeof(command), "mount --bind %s %s 2>/dev/null && mount -o remount,ro,bind %s 2>/dev/null",
             (char *)*state, (char *)*state, (char *)*state);
    if (unshare(CLONE_NEWNS) != 0 || system("mount --make-rprivate / 2>/dev/null") != 0 || system(command) != 0) {
        print_message("SKIPPED: needs the right to mount\n");
        managed_free(managed);
        managed_free(loaded);
        skip();
    }
    store = open_store(*state);
    assert_int_equal(store_load_anchors(store, loaded), OK);
    assert_int_equal(loaded->zones[0].keys[0].state, STATE_REVOKED);
    assert_int_equal(save(store, loaded), ERR_SYSTEM);
    struct store_stats stats;
    store_get_stats(store, &stats);
    assert_true(stats.is_failing);
    store_close(store);
    snprintf(command, sizeof(command), "umount %s", (char *)*state);
    assert_int_equal(system(command), 0);
    managed_free(managed);
    managed_free(loaded);
}

static void test_files_are_private(void **state)
{
    struct stat found;
    store_close(open_store(*state));
    assert_int_equal(stat(path_in(*state, STORE_FILE), &found), 0);
    assert_int_equal(found.st_mode & 0777, 0600);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, make_directory, remove_directory)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_what_was_saved_comes_back),
        TEST(test_negative_anchors_come_back),
        TEST(test_survives_kills),
        TEST(test_a_corrupted_file_is_set_aside),
        TEST(test_a_loss_is_remembered),
        TEST(test_documents),
        TEST(test_a_damaged_page_is_found),
        TEST(test_rows_that_make_no_sense_are_passed_over),
        TEST(test_a_later_release_is_left_alone),
        TEST(test_one_process_at_a_time),
        TEST(test_places_that_are_not_ours),
        TEST(test_a_failed_change_loses_nothing),
        TEST(test_a_read_only_directory_is_read),
        TEST(test_files_are_private),
    };
    set_hash_secret();
    return cmocka_run_group_tests_name("store/store", tests, NULL, NULL);
}
