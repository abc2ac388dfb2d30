/* The catalogue is sorted, and doc/metrics.md lists it word for word. */
#include "monitor/metrics.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void test_rows_are_sorted_and_well_formed(void **state)
{
    (void)state;
    size_t count;
    const struct metric *metric = metric_table(&count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(strncmp(metric[i].family, "vouch_", 6), 0);
        assert_null(strpbrk(metric[i].help, "\n\\|"));
        if (i > 0)
            assert_true(strcmp(metric[i - 1].family, metric[i].family) < 0);
        assert_ptr_equal(metric_find(metric[i].family), &metric[i]);
    }
}

static void test_names_with_labels_are_found(void **state)
{
    (void)state;
    const struct metric *metric = metric_find("vouch_answers_total{rcode=\"NOERROR\"}");
    assert_non_null(metric);
    assert_string_equal(metric->family, "vouch_answers_total");
    assert_string_equal(metric_type(metric), "counter");
    assert_string_equal(metric_type(metric_find("vouch_workers")), "gauge");
    assert_null(metric_find("vouch_answers"));
    assert_null(metric_find("vouch_answers_total_of_another_kind"));
}

/* Name, type and words, in columns of one line. */
static bool has_row(FILE *document, const struct metric *metric)
{
    char line[1024], name[128], type[32], help[512];
    bool is_found = false;
    rewind(document);
    snprintf(name, sizeof(name), "| `%s` |", metric->family);
    snprintf(type, sizeof(type), "| %s |", metric_type(metric));
    snprintf(help, sizeof(help), "| %s |\n", metric->help);
    while (!is_found && fgets(line, sizeof(line), document) != NULL)
        is_found = strncmp(line, name, strlen(name)) == 0 && strstr(line, type) != NULL && strstr(line, help) != NULL;
    return is_found;
}

static void test_the_document_lists_them(void **state)
{
    (void)state;
    size_t count, rows = 0;
    char line[1024];
    const struct metric *metric = metric_table(&count);
    FILE *document = fopen(VOUCH_SOURCE_ROOT "/doc/metrics.md", "r");
    assert_non_null(document);
    while (fgets(line, sizeof(line), document) != NULL)
        rows += strncmp(line, "| `vouch_", 9) == 0;
    assert_int_equal(rows, count);
    for (size_t i = 0; i < count; i++) {
        if (!has_row(document, &metric[i]))
            print_error("doc/metrics.md lacks %s, or its words\n", metric[i].family);
        assert_true(has_row(document, &metric[i]));
    }
    fclose(document);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_are_sorted_and_well_formed),
        cmocka_unit_test(test_names_with_labels_are_found),
        cmocka_unit_test(test_the_document_lists_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
