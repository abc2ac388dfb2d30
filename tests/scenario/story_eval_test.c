#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/scenario/story_eval.h"

static void test_numbers(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool is_good;
        int64_t value;
    } cases[] = {
        { "7", true, 7 },
        { "${30*24*3600}", true, 2592000 },
        { "${ ${20*24*3600} - 3000 }", true, 1725000 },
        { "${10 - 2 - 3}", true, 5 },
        { "${2 + 3 * 4 / 6}", true, 4 },
        { "${$t0 + $probe}", true, 1005 },
        { "${time}", true, 500 },
        { "${range 4800 ${timeout} 5400}", true, 5000 },
        { "${range 3200 ${timeout} 3600}", false, 0 },
        { "${$t}", false, 0 }, /* no such variable, though another one begins so */
        { "${7", false, 0 },
        { "", false, 0 },
        { "7 8", false, 0 },
        { "${1/0}", false, 0 },
        { "${9223372036854775807+1}", false, 0 },
        { "${${${${${${${${${${${${${${${${${1}}}}}}}}}}}}}}}}}", false, 0 },
    };
    struct arena *arena = arena_new();
    struct story_variables variables = { .time_s = 500, .timeout_s = 5000 };
    const char *error;
    assert_true(story_assign(arena, &variables, "t0 = ${1000}", &error));
    assert_true(story_assign(arena, &variables, "probe = 4", &error));
    assert_true(story_assign(arena, &variables, "probe = ${$probe+1}", &error));
    assert_false(story_assign(arena, &variables, "probe", &error));
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int64_t value = 0;
        if (story_evaluate(arena, &variables, cases[i].text, &value, &error) != cases[i].is_good ||
            (cases[i].is_good && value != cases[i].value))
            fail_msg("%s", cases[i].text);
    }
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
