#include "message/master.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <setjmp.h>
#include <cmocka.h>

#include "message/testing.h"
#include "message/text.h"

enum { ROOT_ZONE_RECORDS = 22772 };

/* Every record as "owner ttl class type rdata", every fault as "! line 1: …". */
static char *read_all(struct arena *arena, const char *data, size_t len, const struct dname *origin)
{
    struct text text = text_new(arena);
    struct master *master = master_new(data, len, origin);
    for (;;) {
        struct master_record record;
        enum err err = master_next(master, &record);
        if (err == ERR_NOT_FOUND)
            break;
        char owner[DNAME_TEXT_MAX], class_text[RR_TYPE_TEXT_MAX], type_text[RR_TYPE_TEXT_MAX];
        if (err == OK)
            text_printf(&text, "%s %u %s %s %s\n", dname_to_text(&record.owner, owner), record.ttl_s,
                        rr_class_to_text(record.class, class_text), rr_type_to_text(record.type, type_text),
                        rdata_to_text(arena, record.type, record.rdata));
        else
            text_printf(&text, "! %s\n", master_error(master));
    }
    master_free(master);
    return text.data;
}

static void test_entries(void **state)
{
    (void)state;
    static const struct {
        const char *text, *expected;
    } cases[] = {
        /* RFC 1035 section 5.1 where nothing else is said */
        { "", "" },
        { "\n \n\t; nothing\n;\n", "" },
        { "a. 60 IN A 192.0.2.1", "a. 60 IN A 192.0.2.1\n" },
        { "a. IN 60 A 192.0.2.1\r\n", "a. 60 IN A 192.0.2.1\n" },
        { "a.\tA\t192.0.2.1", "a. 3600 IN A 192.0.2.1\n" },
        { "a a 192.0.2.1", "a.example. 3600 IN A 192.0.2.1\n" },
        { "@ NS ns\n NS @", "example. 3600 IN NS ns.example.\nexample. 3600 IN NS example.\n" },
        { "a. 1 CH TXT x\nb. TXT y\n", "a. 1 CH TXT \"x\"\nb. 1 CH TXT \"y\"\n" },
        { "a. 1h30m TXT x\nb. 1W TXT x", "a. 5400 IN TXT \"x\"\nb. 604800 IN TXT \"x\"\n" },
        { "a. 5 TXT x\n$TTL 7\na. TXT y\na. 9 TXT z\na. TXT w", /* RFC 2308 section 4 */
          "a. 5 IN TXT \"x\"\na. 7 IN TXT \"y\"\na. 9 IN TXT \"z\"\na. 7 IN TXT \"w\"\n" },
        { "$ORIGIN sub\nx TXT a\n$ORIGIN net.\nx TXT a\n",
          "x.sub.example. 3600 IN TXT \"a\"\nx.net. 3600 IN TXT \"a\"\n" },
        { "a. SOA x. y. ( 1 ; serial\n 2\n\n 3 4 5 ) ; end\n", "a. 3600 IN SOA x. y. 1 2 3 4 5\n" },
        { "a. TXT \"( ; )\" \"\" x\\;y\n", "a. 3600 IN TXT \"( ; )\" \"\" \"x;y\"\n" },
        { "a. TXT \"a \\\" b\" c\\\"d", "a. 3600 IN TXT \"a \\\" b\" \"c\\\"d\"\n" },
        { "a\\.b A 192.0.2.1", "a\\.b.example. 3600 IN A 192.0.2.1\n" },
        { "\\$x A 192.0.2.1", "\\$x.example. 3600 IN A 192.0.2.1\n" },
        { "a. CLASS32 TYPE65280 \\# 2 0a0b", "a. 3600 CLASS32 TYPE65280 \\# 2 0a0b\n" }, /* RFC 3597 section 5 */
        { "a. TYPE1 \\# 4 c0000201", "a. 3600 IN A 192.0.2.1\n" },
        { "in. IN A 192.0.2.1", "in. 3600 IN A 192.0.2.1\n" },
        { "(a. A 192.0.2.1)", "a. 3600 IN A 192.0.2.1\n" },
    };
    const struct dname origin = name_of("example.");
    struct arena *arena = arena_new();
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_string_equal(read_all(arena, cases[i].text, strlen(cases[i].text), &origin), cases[i].expected);
    arena_free(arena);
}

static void test_faults(void **state)
{
    (void)state;
    static const struct {
        const char *text, *expected;
    } cases[] = {
        { " A 192.0.2.1", "! line 1: the first record has no owner\n" },
        { "a..b. A 192.0.2.1\n A 192.0.2.1", /* the second must not go to some owner before it */
          "! line 1: not a domain name: a..b.\n! line 2: the first record has no owner\n" },
        { "\na.", "! line 2: the record has no type\n" },
        { "a. 60 IN", "! line 1: the record has no type\n" },
        { "a. BOO 1", "! line 1: neither TTL, class nor type of data: BOO\n" },
        { "a. ANY 1", "! line 1: neither TTL, class nor type of data: ANY\n" },
        { "a. IN CH A 192.0.2.1", "! line 1: neither TTL, class nor type of data: CH\n" },
        { "a. 2147483648 A 192.0.2.1", /* RFC 2181 section 8 */
          "! line 1: neither TTL, class nor type of data: 2147483648\n" },
        { "a. 99999999999999999999w A 192.0.2.1",
          "! line 1: neither TTL, class nor type of data: 99999999999999999999w\n" },
        { "a. A 192.0.2\nb. A 192.0.2.1", "! line 1: not the RDATA of A: 192.0.2\nb. 3600 IN A 192.0.2.1\n" },
        { "a. A", "! line 1: not the RDATA of A: \n" },
        { "a. TXT \"x\n\nb. A 192.0.2.1", "! line 1: the quoted string does not end\nb. 3600 IN A 192.0.2.1\n" },
        { "a. TXT \"x", "! line 1: the quoted string does not end\n" },
        { "a. A 192.0.2.1 )\nb. A 192.0.2.1",
          "! line 1: a closing parenthesis without an opening one\nb. 3600 IN A 192.0.2.1\n" },
        { "a. A ( 192.0.2.1\n\n", "! line 1: the parenthesis is never closed\n" },
        { "$INCLUDE /etc/passwd", "! line 1: $INCLUDE is not followed\n" },
        { "$TTL", "! line 1: $TTL takes one value\n" },
        { "$TTL 1 2", "! line 1: $TTL takes one value\n" },
        { "$TTL 1x", "! line 1: not a TTL: 1x\n" },
        { "$ORIGIN a..b", "! line 1: not a domain name: a..b\n" },
        { "$GENERATE 1", "! line 1: unknown directive $GENERATE\n" },
        { "a. TXT \"x\ny\"\n", "! line 1: the quoted string does not end\n! line 2: the quoted string does not end\n" },
    };
    struct arena *arena = arena_new();
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_string_equal(read_all(arena, cases[i].text, strlen(cases[i].text), NULL), cases[i].expected);
    static const char nul[] = "a. TXT x\0y\nb. TXT z";
    assert_string_equal(read_all(arena, nul, sizeof(nul) - 1, NULL), "! line 1: a NUL octet\nb. 3600 IN TXT \"z\"\n");
    arena_free(arena);
}

static void test_line_numbers(void **state)
{
    (void)state;
    static const char text[] = "; comment\na. SOA a. b. (\n1 2\n3 4 5)\n\n b. A 192.0.2.1\nc. A 192.0.2.1\n";
    static const unsigned lines[] = { 2, 6, 7 };
    struct master *master = master_new(text, strlen(text), NULL);
    struct master_record record;
    assert_int_equal(master_next(master, &record), OK);
    assert_int_equal(record.line, lines[0]);
    assert_int_equal(master_next(master, &record), ERR_FORMAT); /* "b." is no type */
    assert_int_equal(record.line, lines[1]);
    assert_int_equal(master_next(master, &record), OK);
    assert_int_equal(record.line, lines[2]);
    assert_int_equal(master_next(master, &record), ERR_NOT_FOUND);
    assert_int_equal(master_next(master, &record), ERR_NOT_FOUND);
    master_free(master);
}

static char *gunzip(const char *path, size_t *len)
{
    char command[512];
    snprintf(command, sizeof(command), "gzip -dc '%s'", path);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    char *data = NULL;
    size_t size = 0;
    *len = 0;
    do {
        size += 1 << 20;
        data = memory_resize(data, size, 1);
        *len += fread(data + *len, 1, size - *len, pipe);
    } while (*len == size);
    assert_int_equal(pclose(pipe), 0);
    return data;
}

/* The root zone of 2017-08-21: every record parses, and its text form parses to the same octets. */
static void test_root_zone(void **state)
{
    (void)state;
    static const char path[] = VOUCH_SOURCE_ROOT "/../shared/data/root-20170821.zone.gz";
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        print_message("SKIPPED: no %s\n", path);
        skip();
    }
    fclose(file);
    size_t len;
    char *data = gunzip(path, &len);
    struct master *master = master_new(data, len, NULL);
    struct master_record record;
    struct arena *arena = arena_new();
    unsigned count = 0;
    for (enum err err; (err = master_next(master, &record)) != ERR_NOT_FOUND; count++) {
        if (err != OK)
            fail_msg("%s", master_error(master));
        struct octets again;
        const char *text = rdata_to_text(arena, record.type, record.rdata);
        assert_int_equal(rdata_from_text(arena, record.type, text, NULL, &again), OK);
        assert_true(octets_equal(record.rdata, again));
        arena_reset(arena);
    }
    assert_int_equal(count, ROOT_ZONE_RECORDS);
    arena_free(arena);
    master_free(master);
    free(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_entries),
        cmocka_unit_test(test_faults),
        cmocka_unit_test(test_line_numbers),
        cmocka_unit_test(test_root_zone),
    };
    return cmocka_run_group_tests(tests, set_up_hashing, NULL);
}
