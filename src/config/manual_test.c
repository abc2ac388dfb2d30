#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "config/manual.h"

/* With VOUCH_WRITE_DOC set the files are written instead of compared: see README.md of this folder. */

static const char manual_path[] = VOUCH_SOURCE_ROOT "/doc/man/vouch.yaml.5";
static const char sample_path[] = VOUCH_SOURCE_ROOT "/dist/vouch.yaml";
static const char list_begins[] = ".\\\" The list of options begins here: made from src/config/table.c.\n";
static const char list_ends[] = ".\\\" The list of options ends here.\n";

static char *read_file(const char *path)
{
    char *text = NULL;
    size_t size = 0;
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    assert_true(getdelim(&text, &size, '\0', file) > 0);
    fclose(file);
    return text;
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

static char *printed(void (*print)(FILE *to))
{
    char *text;
    size_t len;
    FILE *to = open_memstream(&text, &len);
    print(to);
    fclose(to);
    return text;
}

static void compare_or_write(const char *path, const char *expected)
{
    if (getenv("VOUCH_WRITE_DOC") != NULL)
        write_file(path, expected);
    char *text = read_file(path);
    assert_string_equal(text, expected);
    free(text);
}

static void the_sample_is_made_from_the_table(void **state)
{
    (void)state;
    char *sample = printed(sample_print);
    compare_or_write(sample_path, sample);
    free(sample);
}

static void the_manual_lists_what_the_table_has(void **state)
{
    (void)state;
    char *page = read_file(manual_path), *list = printed(manual_print), *expected;
    const char *begin = strstr(page, list_begins), *end = strstr(page, list_ends);
    assert_true(begin != NULL && end > begin);
    int before = (int)(begin - page) + (int)strlen(list_begins);
    assert_true(asprintf(&expected, "%.*s%s%s", before, page, list, end) > 0);
    compare_or_write(manual_path, expected);
    free(expected);
    free(list);
    free(page);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_sample_is_made_from_the_table),
        cmocka_unit_test(the_manual_lists_what_the_table_has),
    };
    return cmocka_run_group_tests_name("config/manual", tests, NULL, NULL);
}
