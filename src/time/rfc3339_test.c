#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "time/rfc3339.h"

static const struct {
    const char *text;
    int64_t unix_s;
    const char *printed; /* NULL: as text */
} good[] = {
    { "1970-01-01T00:00:00Z", 0, NULL },
    { "2026-12-01T00:00:00Z", INT64_C(1796083200), NULL },
    { "2024-02-29T23:59:59Z", INT64_C(1709251199), NULL },
    { "1937-01-01T12:00:27.87+00:20", INT64_C(-1041337173), "1937-01-01T11:40:27Z" }, /* section 5.8 */
    { "1996-12-19T16:39:57-08:00", INT64_C(851042397), "1996-12-20T00:39:57Z" },      /* section 5.8 */
    { "1990-12-31T23:59:60Z", INT64_C(662688000), "1991-01-01T00:00:00Z" },           /* section 5.8: a leap second */
    { "1990-12-31t23:59:59z", INT64_C(662687999), "1990-12-31T23:59:59Z" },
    { "1990-12-31 23:59:59Z", INT64_C(662687999), "1990-12-31T23:59:59Z" }, /* section 5.6 */
    { "0000-01-01T00:00:00Z", INT64_C(-62167219200), NULL },
    { "9999-12-31T23:59:59Z", INT64_C(253402300799), NULL },
};

static void times_are_read_and_printed(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        char text[RFC3339_TEXT_MAX];
        int64_t unix_s;
        assert_int_equal(rfc3339_from_text(good[i].text, &unix_s), OK);
        assert_int_equal(unix_s, good[i].unix_s);
        assert_string_equal(rfc3339_to_text(unix_s, text), good[i].printed == NULL ? good[i].text : good[i].printed);
    }
}

static const char *const bad[] = {
    "",
    "2026-12-01",
    "2026-12-01T00:00:00", /* no offset */
    "2026-12-01T00:00Z",
    "2026-12-01T00:00:00.Z",
    "2026-12-01T00:00:00Zulu",
    "2026-12-01T00:00:00+01",
    "2026-12-01T00:00:00+24:00",
    "2026-12-01T24:00:00Z",
    "2026-12-01T00:60:00Z",
    "2026-12-01T00:00:61Z",
    "2026-13-01T00:00:00Z",
    "2026-00-01T00:00:00Z",
    "2026-12-00T00:00:00Z",
    "2026-02-29T00:00:00Z",
    "2026-12-1T00:00:00Z",
    "26-12-01T00:00:00Z",
    "-2026-12-01T00:00:00Z",
    "2026/12/01T00:00:00Z",
};

static void other_texts_are_refused(void **state)
{
    (void)state;
    int64_t unix_s;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        if (rfc3339_from_text(bad[i], &unix_s) != ERR_FORMAT)
            fail_msg("%s", bad[i]);
    }
}

static void what_has_no_text_is_the_nearest_that_has(void **state)
{
    (void)state;
    char text[RFC3339_TEXT_MAX];
    assert_string_equal(rfc3339_to_text(INT64_MAX, text), "9999-12-31T23:59:59Z");
    assert_string_equal(rfc3339_to_text(INT64_MIN, text), "0000-01-01T00:00:00Z");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_are_read_and_printed),
        cmocka_unit_test(other_texts_are_refused),
        cmocka_unit_test(what_has_no_text_is_the_nearest_that_has),
    };
    return cmocka_run_group_tests_name("time/rfc3339", tests, NULL, NULL);
}
