#include "message/message.h"

#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>

#include "message/testing.h"

static void test_rcodes(void **state)
{
    (void)state;
    static const struct {
        uint16_t rcode;
        const char *text;
    } cases[] = {
        { RCODE_NOERROR, "NOERROR" }, { RCODE_SERVFAIL, "SERVFAIL" },   { RCODE_NXDOMAIN, "NXDOMAIN" },
        { RCODE_BADVERS, "BADVERS" }, { RCODE_BADCOOKIE, "BADCOOKIE" }, { 42, "RCODE42" },
        { 65535, "RCODE65535" },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char text[16];
        uint16_t rcode;
        assert_string_equal(rcode_to_text(cases[i].rcode, text), cases[i].text);
        assert_int_equal(rcode_from_text(cases[i].text, &rcode), OK);
        assert_int_equal(rcode, cases[i].rcode);
    }
    static const char *const faults[] = {
        "", "NO", "RCODE", "RCODE1x", "RCODE65536", "RCODE99999999999999999999", "1"
    };
    for (size_t i = 0; i < ARRAY_LEN(faults); i++) {
        uint16_t rcode;
        assert_int_equal(rcode_from_text(faults[i], &rcode), ERR_FORMAT);
    }
}

/* D9-run-a: what went wrong can be read off. */
static void test_message(void **state)
{
    (void)state;
    static const char expected[] = ";; ->>HEADER<<- opcode: QUERY, status: BADVERS, id: 7\n"
                                   ";; flags: qr rd ra ad; QUERY: 1, ANSWER: 1, AUTHORITY: 0, ADDITIONAL: 1\n"
                                   "\n;; OPT PSEUDOSECTION:\n"
                                   "; EDNS: version: 0, flags: do; udp: 1232\n"
                                   "; EDE: 7 (Signature Expired): \"a\\\"b\\010\"\n"
                                   "; COOKIE: 0102\n"
                                   "; OPT=65001: \n"
                                   "\n;; QUESTION SECTION:\n"
                                   ";example.\tIN\tA\n"
                                   "\n;; ANSWER SECTION:\n"
                                   "example.\t300\tIN\tA\t192.0.2.1\n";
    struct arena *arena = arena_new();
    static const struct header header = { .id = 7, .qr = true, .rd = true, .ra = true, .ad = true };
    static const struct edns edns = {
        .present = true,
        .udp_octets = 1232,
        .dnssec_ok = true,
        .rcode_high = 1,
        .option_count = 3,
        .options = { { EDNS_EDE, { (const uint8_t *)"\0\7a\"b\n", 6 } },
                     { EDNS_COOKIE, { (const uint8_t *)"\1\2", 2 } },
                     { 65001, { NULL, 0 } } },
    };
    const struct question question = { .qname = name_of("example."), .qtype = TYPE_A, .qclass = CLASS_IN };
    struct message_writer m;
    uint8_t buffer[512];
    message_begin(&m, buffer, sizeof(buffer), &header);
    message_put_question(&m, &question);
    assert_true(message_put_rrset(&m, SECTION_ANSWER, rrset_of(arena, "example. A 192.0.2.1"), 300));
    assert_true(message_put_edns(&m, &edns));
    struct message message;
    assert_int_equal(message_read(message_end(&m), arena, &message), OK);
    assert_string_equal(message_to_text(arena, &message), expected);
    arena_free(arena);
}

static void test_long_text_grows(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    struct rrset *items[50];
    for (size_t i = 0; i < ARRAY_LEN(items); i++)
        items[i] = rrset_of(arena, "a. TXT 0123456789012345678901234567890123456789");
    const struct message message = { .sections = { { items, ARRAY_LEN(items) } } };
    const char *text = message_to_text(arena, &message);
    size_t lines = 0;
    for (const char *at = text; (at = strstr(at, "0123456789\"\n")) != NULL; at++)
        lines++;
    assert_int_equal(lines, ARRAY_LEN(items));
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rcodes),
        cmocka_unit_test(test_message),
        cmocka_unit_test(test_long_text_grows),
    };
    return cmocka_run_group_tests(tests, set_up_hashing, NULL);
}
