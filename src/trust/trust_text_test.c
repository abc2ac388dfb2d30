#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "trust/trust.h"

#define DS     "20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D"
#define DNSKEY "257 3 15 l02Woi0iS8Aa25FQkUd9RMzZHJpBoRQwAQEX1SxZJA4="

/* R4.4-a: `trust.anchors` and `trust.anchor-files` */
static void test_texts(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t added;
        const char *error; /* a part of it; NULL: none */
    } cases[] = {
        { "", 0, NULL },
        { "; nothing but a comment\n", 0, NULL },
        { ". IN DS " DS, 1, NULL },
        { ". DS " DS "\n. 3600 IN DNSKEY " DNSKEY " ; as dns-root-data has it\n", 2, NULL },
        { "example. IN DS ( 20326 8 2 ; in several lines\n E06D44B80B8F1D39A95C0B0D7C65D084\n"
          " 58E880409BBC683457104237C7F8EC8D )\n",
          1, NULL },
        { "$ORIGIN example.\n@ IN DS " DS "\nsub IN DS " DS "\n", 2, NULL },
        { ". IN DS " DS "\n. IN DS " DS "\n", 1, NULL }, /* twice */
        { ". IN NS a.root-servers.net.\n. IN DS " DS "\n. IN RRSIG DS 8 0 1 2 1 3 . AAAA\n", 1, NULL },
        { ". IN DS " DS "\n\n. IN DNSKEY 385 3 15 l02Woi0iS8Aa25FQkUd9RMzZHJpBoRQwAQEX1SxZJA4=\n", 1,
          "line 3: no trust anchor: a DNSKEY that is revoked" },
        { ". IN DNSKEY 1 3 15 l02Woi0iS8Aa25FQkUd9RMzZHJpBoRQwAQEX1SxZJA4=\n", 0, "without the ZONE flag" },
        { ". IN DS 20326 8 2 E06D\n", 1, NULL }, /* cut short: it matches nothing, vouchd warns */
        { ". CH DS " DS "\n", 0, "line 1: no trust anchor: not of class IN" },
        { "\n. IN DS 20326 8 2 XY\n", 0, "line 2" },
        { ". IN DS ( " DS "\n", 0, "line 1" },
        { "example. IN", 0, "line 1" },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct trust *trust = trust_new();
        char *error;
        size_t added, count;
        enum err err = trust_add_text(trust, cases[i].text, strlen(cases[i].text), ANCHOR_FILE, &added, &error);
        if (added != cases[i].added || (err == OK) != (cases[i].error == NULL))
            fail_msg("%s\n%s, %zu added: %s", cases[i].text, err_text(err), added, error != NULL ? error : "-");
        assert_int_equal(error == NULL, cases[i].error == NULL);
        if (error != NULL && strstr(error, cases[i].error) == NULL)
            fail_msg("%s\n%s", cases[i].text, error);
        const struct anchor *anchors = trust_anchors(trust, &count);
        assert_int_equal(count, added);
        for (size_t j = 0; j < count; j++) {
            assert_int_equal(anchors[j].source, ANCHOR_FILE);
            assert_true(anchors[j].valid_from_s == INT64_MIN && anchors[j].valid_until_s == INT64_MAX);
        }
        assert_int_equal(trust_add_text(trust, cases[i].text, strlen(cases[i].text), ANCHOR_FILE, &added, NULL), err);
        assert_int_equal(added, 0);
        free(error);
        trust_free(trust);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
