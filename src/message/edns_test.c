#include "message/edns.h"

#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>

#define OCTETS(text)                                                                                                   \
    {                                                                                                                  \
        (const uint8_t *)(text), sizeof(text) - 1                                                                      \
    }

static void test_read(void **state)
{
    (void)state;
    static const struct {
        const char *about;
        uint16_t class;
        uint32_t ttl;
        struct octets rdata;
        enum err err;
        struct edns expected;
    } cases[] = {
        { "plain", 1232, 0, OCTETS(""), OK, { .udp_octets = 1232 } },
        { "RFC 6891 section 6.2.3: below 512 is 512", 100, 0, OCTETS(""), OK, { .udp_octets = 512 } },
        { "DO: RFC 3225", 512, 0x8000, OCTETS(""), OK, { .udp_octets = 512, .dnssec_ok = true } },
        { "other flags are ignored", 512, 0x7fff, OCTETS(""), OK, { .udp_octets = 512 } },
        { "BADVERS", 512, 0x01020000, OCTETS(""), OK, { .udp_octets = 512, .rcode_high = 1, .version = 2 } },
        { "an empty option", 512, 0, OCTETS("\0\3\0\0"), OK, { .udp_octets = 512, .option_count = 1 } },
        { "two options", 512, 0, OCTETS("\0\3\0\0\0\x0c\0\2\0\0"), OK, { .udp_octets = 512, .option_count = 2 } },
        { "half an option", 512, 0, OCTETS("\0\3"), ERR_FORMAT, { 0 } },
        { "an option that is too long", 512, 0, OCTETS("\0\3\0\2\0"), ERR_FORMAT, { 0 } },
        { "an octet behind the last", 512, 0, OCTETS("\0\3\0\0\0"), ERR_FORMAT, { 0 } },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct edns edns;
        enum err err = edns_read(cases[i].class, cases[i].ttl, cases[i].rdata, &edns);
        if (err != cases[i].err)
            fail_msg("%s: %s", cases[i].about, err_text(err));
        if (err != OK)
            continue;
        assert_true(edns.present);
        assert_int_equal(edns.udp_octets, cases[i].expected.udp_octets);
        assert_int_equal(edns.dnssec_ok, cases[i].expected.dnssec_ok);
        assert_int_equal(edns.rcode_high, cases[i].expected.rcode_high);
        assert_int_equal(edns.version, cases[i].expected.version);
        assert_int_equal(edns.option_count, cases[i].expected.option_count);
    }
}

/* CVE-2026-41292: a long list of options is walked once and cut. */
static void test_options_beyond_the_limit_are_ignored(void **state)
{
    (void)state;
    uint8_t rdata[4 * (EDNS_OPTIONS_MAX + 1)] = { 0 };
    rdata[1] = EDNS_NSID;
    rdata[sizeof(rdata) - 3] = EDNS_COOKIE;
    struct edns edns;
    assert_int_equal(edns_read(1232, 0, (struct octets) { rdata, sizeof(rdata) }, &edns), OK);
    assert_int_equal(edns.option_count, EDNS_OPTIONS_MAX);
    assert_non_null(edns_option_find(&edns, EDNS_NSID));
    assert_null(edns_option_find(&edns, EDNS_COOKIE));
}

static void test_write(void **state)
{
    (void)state;
    static const uint8_t expected[] = "\0\0\x29\x04\xd0\1\0\x80\0\0\x0a\0\x0f\0\6\0\6text";
    const struct edns edns = {
        .present = true,
        .udp_octets = 1232,
        .rcode_high = 1,
        .dnssec_ok = true,
        .option_count = 1,
        .options = { { EDNS_EDE, OCTETS("\0\6text") } },
    };
    uint8_t buffer[64];
    struct writer w = writer_of(buffer, sizeof(buffer));
    writer_edns(&w, &edns);
    assert_false(w.failed);
    assert_int_equal(w.len, sizeof(expected) - 1);
    assert_memory_equal(buffer, expected, sizeof(expected) - 1);
    for (size_t size = 0; size < sizeof(expected) - 1; size++) {
        w = writer_of(buffer, size);
        writer_edns(&w, &edns);
        assert_true(w.failed);
    }
}

static void test_too_much_for_one_rdata(void **state)
{
    (void)state;
    static uint8_t data[40000], buffer[100000];
    const struct edns edns = {
        .option_count = 2,
        .options = { { EDNS_PADDING, { data, sizeof(data) } }, { EDNS_PADDING, { data, sizeof(data) } } },
    };
    struct writer w = writer_of(buffer, sizeof(buffer));
    writer_edns(&w, &edns);
    assert_true(w.failed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read),
        cmocka_unit_test(test_options_beyond_the_limit_are_ignored),
        cmocka_unit_test(test_write),
        cmocka_unit_test(test_too_much_for_one_rdata),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
