#include "base/log.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

static FILE *capture;
static int real_stderr;

static int capture_stderr(void **state)
{
    (void)state;
    capture = tmpfile();
    real_stderr = dup(STDERR_FILENO);
    return capture == NULL || real_stderr < 0 || dup2(fileno(capture), STDERR_FILENO) < 0;
}

static int restore_stderr(void **state)
{
    (void)state;
    dup2(real_stderr, STDERR_FILENO);
    close(real_stderr);
    fclose(capture);
    log_set_level(LOG_LEVEL_INFO);
    return 0;
}

/* All that was written since the last call. */
static const char *written(void)
{
    static char text[20000];
    rewind(capture);
    size_t len = fread(text, 1, sizeof(text) - 1, capture);
    text[len] = '\0';
    rewind(capture);
    assert_int_equal(ftruncate(fileno(capture), 0), 0);
    return text;
}

static void test_levels(void **state)
{
    (void)state;
    log_set_level(LOG_LEVEL_WARNING);
    log_error("one %d", 1);
    log_warning("two");
    log_info("three");
    log_debug("four");
    assert_string_equal(written(), "error: one 1\nwarning: two\n");
    assert_true(log_wanted(LOG_LEVEL_ERROR));
    assert_false(log_wanted(LOG_LEVEL_INFO));
}

static void test_one_event_one_line(void **state)
{
    (void)state;
    log_info("a\nerror: forged\x1b[2J\xc3\xa4\x7f");
    assert_string_equal(written(), "info: a\\010error: forged\\027[2J\\195\\164\\127\n");
}

static void test_long_lines_are_cut(void **state)
{
    (void)state;
    char text[9000];
    static const char fills[] = { 'x', '\n' }; /* as it is, and escaped to four times the length */
    for (size_t i = 0; i < ARRAY_LEN(fills); i++) {
        memset(text, fills[i], sizeof(text) - 1);
        text[sizeof(text) - 1] = '\0';
        log_info("%s", text);
        const char *line = written();
        assert_in_range(strlen(line), 4000, 4096);
        assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
    }
}

static void test_journal_prefix(void **state)
{
    (void)state;
    struct stat status;
    char stream[64];
    assert_int_equal(fstat(fileno(capture), &status), 0);
    snprintf(stream, sizeof(stream), "%ju:%ju", (uintmax_t)status.st_dev, (uintmax_t)status.st_ino);
    setenv("JOURNAL_STREAM", stream, 1);
    log_warning("x");
    assert_string_equal(written(), "<4>warning: x\n");
    setenv("JOURNAL_STREAM", "1:2", 1); /* the journal's stream was replaced by another file */
    log_warning("x");
    assert_string_equal(written(), "warning: x\n");
    unsetenv("JOURNAL_STREAM");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_levels, capture_stderr, restore_stderr),
        cmocka_unit_test_setup_teardown(test_one_event_one_line, capture_stderr, restore_stderr),
        cmocka_unit_test_setup_teardown(test_long_lines_are_cut, capture_stderr, restore_stderr),
        cmocka_unit_test_setup_teardown(test_journal_prefix, capture_stderr, restore_stderr),
    };
    unsetenv("JOURNAL_STREAM");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
