#include <fts.h>
#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/scenario/story.h"

static enum err parse(struct arena *arena, const char *text, struct story **story, const char **error)
{
    return story_parse(arena, "test", text, strlen(text), story, error);
}

static const struct story_setting *find_setting(const struct story *story, const char *key)
{
    const struct story_setting *setting;
    STAILQ_FOREACH(setting, &story->settings, next)
    if (strcmp(setting->key, key) == 0)
        return setting;
    return NULL;
}

static void test_configuration(void **state)
{
    (void)state;
    static const char text[] = "; a comment\n"
                               "server:\n"
                               "\ttrust-anchor: \"example.com. DS 1 3 1 00 ;{id = 1}\"\n"
                               "\taccess-control: 127.0.0.1 allow_snoop # who\n"
                               "forward-zone: name: \".\" forward-addr: 216.0.0.1\n"
                               "stub-addr: 2001:7fe::53\n"
                               "CONFIG_END\n"
                               "SCENARIO_BEGIN title\n"
                               "SCENARIO_END\n";
    static const struct {
        const char *key, *value;
    } settings[] = {
        { "server", "" },
        { "trust-anchor", "example.com. DS 1 3 1 00 ;{id = 1}" },
        { "access-control", "127.0.0.1 allow_snoop" },
        { "name", "." },
        { "forward-addr", "216.0.0.1" },
        { "stub-addr", "2001:7fe::53" },
    };
    struct arena *arena = arena_new();
    struct story *story;
    const char *error;
    assert_int_equal(parse(arena, text, &story, &error), OK);
    assert_true(story->has_sections);
    for (size_t i = 0; i < ARRAY_LEN(settings); i++) {
        const struct story_setting *setting = find_setting(story, settings[i].key);
        assert_non_null(setting);
        assert_string_equal(setting->value, settings[i].value);
    }
    arena_free(arena);
}

static void test_directives(void **state)
{
    (void)state;
    static const char text[] = "CONFIG_END\n"
                               "SCENARIO_BEGIN title\n"
                               "$ORIGIN example.\n"
                               "$TTL 77\n"
                               "STEP 1 REPLY\n"
                               "ENTRY_BEGIN\n"
                               "REPLY NOTIMPL\n"
                               "SECTION ANSWER\n"
                               "www IN A 192.0.2.7\n"
                               "www 5 IN A 192.0.2.8\n"
                               "ENTRY_END\n"
                               "SCENARIO_END\n";
    struct arena *arena = arena_new();
    struct story *story;
    const char *error;
    assert_int_equal(parse(arena, text, &story, &error), OK);
    const struct story_entry *entry = STAILQ_FIRST(&STAILQ_FIRST(&story->steps)->entries);
    const struct story_record *record = STAILQ_FIRST(&entry->sections[SECTION_ANSWER]);
    assert_int_equal(entry->header.rcode, RCODE_NOTIMP);
    assert_int_equal(record->owner.labels, 2);
    assert_int_equal(record->ttl_s, 77);
    assert_int_equal(STAILQ_NEXT(record, next)->ttl_s, 5);
    arena_free(arena);
}

static void test_entry(void **state)
{
    (void)state;
    static const char text[] = "CONFIG_END\n"
                               "SCENARIO_BEGIN title\n"
                               "RANGE_BEGIN 3 70\n"
                               "  ADDRESS 192.0.2.1\n"
                               "  ADDRESS 2001:db8::1\n"
                               "ENTRY_BEGIN\n"
                               "MATCH opcode subdomain TCP\n"
                               "ADJUST copy_id copy_query\n"
                               "REPLY QR AA NXDOMAIN ; why not\n"
                               "SECTION QUESTION\n"
                               ". 86400 IN NS\n"
                               "SECTION ANSWER\n"
                               "example.com IN A 192.0.2.7 ; no TTL, no final dot\n"
                               "example.com. 60 A 192.0.2.8\n"
                               "SECTION ADDITIONAL\n"
                               "HEX_EDNSDATA_BEGIN\n"
                               "00 0a 0002 ; a cookie\n"
                               "3132\n"
                               "HEX_EDNSDATA_END\n"
                               "ENTRY_END\n"
                               "RANGE_END\n"
                               "STEP 5 CHECK_OUT_QUERY ADDRESS 192.0.2.1\n"
                               "ENTRY_BEGIN\n"
                               "MATCH all ede=9\n"
                               "ENTRY_END\n"
                               "STEP 6 TIME_PASSES ELAPSE 10 ; seconds\n"
                               "SCENARIO_END\n";
    struct arena *arena = arena_new();
    struct story *story;
    const char *error;
    assert_int_equal(parse(arena, text, &story, &error), OK);
    assert_false(story->has_sections);

    const struct story_range *range = STAILQ_FIRST(&story->ranges);
    assert_int_equal(range->first, 3);
    assert_int_equal(range->last, 70);
    assert_int_equal(range->address_count, 2);
    const struct story_entry *entry = STAILQ_FIRST(&range->entries);
    assert_int_equal(entry->match, MATCH_OPCODE | MATCH_SUBDOMAIN | MATCH_TCP);
    assert_int_equal(entry->adjust, ADJUST_COPY_ID | ADJUST_COPY_QUERY);
    assert_true(entry->header.qr && entry->header.aa && !entry->header.rd);
    assert_int_equal(entry->header.rcode, RCODE_NXDOMAIN);
    assert_true(dname_is_root(&entry->question.qname));
    assert_int_equal(entry->question.qtype, TYPE_NS);
    const struct story_record *record = STAILQ_FIRST(&entry->sections[SECTION_ANSWER]);
    assert_int_equal(record->ttl_s, 3600);
    assert_int_equal(record->owner.labels, 2);
    assert_int_equal(STAILQ_NEXT(record, next)->ttl_s, 60);
    assert_memory_equal(entry->edns_data.data, "\x00\x0a\x00\x02\x31\x32", 6);

    const struct story_step *step = STAILQ_FIRST(&story->steps);
    assert_int_equal(step->kind, STEP_CHECK_OUT_QUERY);
    assert_true(step->has_address);
    assert_int_equal(STAILQ_FIRST(&step->entries)->ede, 9);
    step = STAILQ_NEXT(step, next);
    assert_int_equal(step->kind, STEP_TIME_PASSES);
    assert_string_equal(step->rest, "ELAPSE 10");
    arena_free(arena);
}

/* What does not fit a header, or a zone file, can be told all the same. */
static void test_odd_values(void **state)
{
    (void)state;
    static const char text[] = "CONFIG_END\n"
                               "SCENARIO_BEGIN title\n"
                               "STEP 1 REPLY ADDRESS 192.0.2.1\n"
                               "ENTRY_BEGIN\n"
                               "ADJUST do_not_answer\n"
                               "REPLY BADVERS\n"
                               "SECTION ANSWER\n"
                               "a.example. 4294967295 IN A 192.0.2.7\n"
                               "b.example. IN 2147483648 A 192.0.2.8\n"
                               "ENTRY_END\n"
                               "SCENARIO_END\n";
    struct arena *arena = arena_new();
    struct story *story;
    const char *error;
    assert_int_equal(parse(arena, text, &story, &error), OK);
    const struct story_step *step = STAILQ_FIRST(&story->steps);
    const struct story_entry *entry = STAILQ_FIRST(&step->entries);
    const struct story_record *record = STAILQ_FIRST(&entry->sections[SECTION_ANSWER]);
    assert_true(step->has_address);
    assert_int_equal(entry->adjust, ADJUST_NO_ANSWER);
    assert_int_equal(entry->header.rcode, RCODE_BADVERS & 0xf);
    assert_int_equal(entry->rcode_high, RCODE_BADVERS >> 4);
    assert_int_equal(record->ttl_s, UINT32_MAX);
    assert_int_equal(STAILQ_NEXT(record, next)->ttl_s, 2147483648U);
    arena_free(arena);
}

/* A word that the runner does not know is an error: nothing is silently passed over. */
static void test_faults(void **state)
{
    (void)state;
    static const struct {
        const char *text, *error;
    } faults[] = {
        { "server:\n", "line 1: no CONFIG_END" },
        { "CONFIG_END\n", "line 1: no SCENARIO_BEGIN" },
        { "word\nCONFIG_END\n", "line 1: expected a setting, got \"word\"" },
        { "CONFIG_END\nSCENARIO_BEGIN\nSTEP 1 DANCE\n", "line 3: no such kind of STEP: \"DANCE\"" },
        { "CONFIG_END\nSCENARIO_BEGIN\nSTEP one QUERY\n", "line 3: not a number: \"one\"" },
        { "CONFIG_END\nSCENARIO_BEGIN\nENTRY_BEGIN\n", "line 3: an entry before the first STEP" },
        { "CONFIG_END\nSCENARIO_BEGIN\nSTEP 1 QUERY\nENTRY_BEGIN\nMATCH colour\n",
          "line 5: MATCH knows no \"colour\"" },
        { "CONFIG_END\nSCENARIO_BEGIN\nSTEP 1 QUERY\nENTRY_BEGIN\nADJUST it\n", "line 5: ADJUST knows no \"it\"" },
        { "CONFIG_END\nSCENARIO_BEGIN\nSTEP 1 QUERY\nENTRY_BEGIN\nREPLY XX\n", "line 5: REPLY knows no \"XX\"" },
        { "CONFIG_END\nSCENARIO_BEGIN\nSTEP 1 QUERY\nENTRY_BEGIN\nRAW\n0x\n", "line 6: not hexadecimal: \"0x\"" },
        { "CONFIG_END\nSCENARIO_BEGIN\nRANGE_BEGIN 1 2\nADDRESS here\n", "line 4: not an address: \"here\"" },
        { "CONFIG_END\nSCENARIO_BEGIN\nSTEP 1 QUERY\nENTRY_BEGIN\nSECTION QUESTION\nname B A\n",
          "line 6: not a class: \"B\"" },
        { "CONFIG_END\nSCENARIO_BEGIN\nSTEP 1 QUERY\nENTRY_BEGIN\nSECTION QUESTION\nname IN\n",
          "line 6: not a type: \"IN\"" },
    };
    for (size_t i = 0; i < ARRAY_LEN(faults); i++) {
        struct arena *arena = arena_new();
        struct story *story;
        const char *error;
        assert_int_equal(parse(arena, faults[i].text, &story, &error), ERR_FORMAT);
        assert_string_equal(error, faults[i].error);
        arena_free(arena);
    }
}

/* Its SOA has a number too many. */
static const char broken_story[] = "nsid_bogus.rpl";

static size_t parse_all_below(char *path)
{
    char *paths[] = { path, NULL };
    FTS *tree = fts_open(paths, FTS_LOGICAL | FTS_NOCHDIR, NULL);
    size_t stories = 0;
    assert_non_null(tree);
    for (FTSENT *entry; (entry = fts_read(tree)) != NULL;) {
        size_t len = strlen(entry->fts_name);
        if (entry->fts_info != FTS_F || len < 4 || strcmp(entry->fts_name + len - 4, ".rpl") != 0)
            continue;
        struct arena *arena = arena_new();
        struct story *story;
        const char *error;
        if (story_read(arena, entry->fts_path, &story, &error) != OK && strcmp(entry->fts_name, broken_story) != 0)
            fail_msg("%s: %s", entry->fts_path, error);
        stories++;
        arena_free(arena);
    }
    fts_close(tree);
    return stories;
}

static void test_public_sets(void **state)
{
    (void)state;
    static char path[] = VOUCH_SOURCE_ROOT "/../shared/scenarios";
    if (access(path, R_OK) != 0) {
        print_message("SKIPPED: %s is missing, the public story sets are not parsed\n", path);
        skip();
    }
    assert_true(parse_all_below(path) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_configuration), cmocka_unit_test(test_directives), cmocka_unit_test(test_entry),
        cmocka_unit_test(test_odd_values),    cmocka_unit_test(test_faults),     cmocka_unit_test(test_public_sets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
