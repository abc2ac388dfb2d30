#include "message/plain.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <cmocka.h>

#include "message/testing.h"

#define OCTETS(text)                                                                                                   \
    {                                                                                                                  \
        (const uint8_t *)(text), sizeof(text) - 1                                                                      \
    }
#define QUESTION "\0\0\0\0\0\0\3wWw\7example\0\0\1\0\1"
#define WITH_OPT "\0\1\0\0\0\0\0\1\3wWw\7example\0\0\1\0\1"

static const struct {
    const char *about;
    struct octets message;
    bool plain;
} cases[] = {
    { "RD", OCTETS("\x12\x34\1\0\0\1" QUESTION), true },
    { "RD, AD, CD", OCTETS("\x12\x34\1\x30\0\1" QUESTION), true },
    { "the root", OCTETS("\x12\x34\1\0\0\1\0\0\0\0\0\0\0\0\2\0\1"), true },
    { "EDNS, DO", OCTETS("\x12\x34\1\0" WITH_OPT "\0\0\x29\x04\xd0\0\0\x80\0\0\0"), true },
    { "EDNS, fewer than 512 octets", OCTETS("\x12\x34\1\0" WITH_OPT "\0\0\x29\0\1\0\0\0\0\0\0"), true },
    { "EDNS version 1", OCTETS("\x12\x34\1\0" WITH_OPT "\0\0\x29\x04\xd0\0\1\0\0\0\0"), false },
    { "NSID", OCTETS("\x12\x34\1\0" WITH_OPT "\0\0\x29\x04\xd0\0\0\0\0\0\4\0\3\0\0"), true },
    { "a cookie, keepalive",
      OCTETS("\x12\x34\1\0" WITH_OPT "\0\0\x29\x04\xd0\0\0\0\0\0\x10\0\x0a\0\x08"
             "12345678"
             "\0\x0b\0\0"),
      true },
    { "a short cookie",
      OCTETS("\x12\x34\1\0" WITH_OPT "\0\0\x29\x04\xd0\0\0\0\0\0\x0b\0\x0a\0\7"
             "1234567"),
      false },
    { "padding", OCTETS("\x12\x34\1\0" WITH_OPT "\0\0\x29\x04\xd0\0\0\0\0\0\6\0\x0c\0\2\0\0"), true },
    { "an option that is cut off", OCTETS("\x12\x34\1\0" WITH_OPT "\0\0\x29\x04\xd0\0\0\0\0\0\6\0\x0c\0\3\0\0"),
      false },
    { "half an option", OCTETS("\x12\x34\1\0" WITH_OPT "\0\0\x29\x04\xd0\0\0\0\0\0\2\0\x0c"), false },
    { "another record", OCTETS("\x12\x34\1\0" WITH_OPT "\0\0\1\0\1\0\0\0\0\0\0"), false },
    { "RD=0", OCTETS("\x12\x34\0\0\0\1" QUESTION), false },
    { "a response", OCTETS("\x12\x34\x81\0\0\1" QUESTION), false },
    { "opcode NOTIFY", OCTETS("\x12\x34\x21\0\0\1" QUESTION), false },
    { "TC", OCTETS("\x12\x34\3\0\0\1" QUESTION), false },
    { "no question", OCTETS("\x12\x34\1\0\0\0\0\0\0\0\0\0"), false },
    { "octets behind it", OCTETS("\x12\x34\1\0\0\1" QUESTION "\0"), false },
    { "class CH", OCTETS("\x12\x34\1\0\0\1\0\0\0\0\0\0\1a\0\0\1\0\3"), false },
    { "a pointer", OCTETS("\x12\x34\1\0\0\1\0\0\0\0\0\0\xc0\0\0\1\0\1"), false },
    { "cut off", OCTETS("\x12\x34\1\0\0\1\0\0\0\0\0\0\3www\0\0\1\0"), false },
    { "a header", OCTETS("\x12\x34\1\0\0\1\0\0\0\0\0\0"), false },
};

/* What is plain, message_read() reads in the same way. */
static bool is_read_alike(struct octets octets)
{
    struct plain_question plain;
    struct message message;
    uint8_t *exact = malloc(octets.len == 0 ? 1 : octets.len); /* so that a sanitizer sees what is read behind it */
    memcpy(exact, octets.data, octets.len);
    bool is_plain = plain_question_read((struct octets) { exact, octets.len }, &plain);
    if (is_plain) {
        struct arena *arena = arena_new();
        assert_int_equal(message_read((struct octets) { exact, octets.len }, arena, &message), OK);
        assert_true(message.header.rd && !message.header.qr && message.header.opcode == OPCODE_QUERY);
        assert_int_equal(message.header.id, plain.id[0] << 8 | plain.id[1]);
        assert_int_equal(message.header.ad, plain.ad);
        assert_int_equal(message.header.cd, plain.cd);
        assert_int_equal(message.question.qclass, CLASS_IN);
        assert_int_equal(message.question.qtype, plain.qtype);
        assert_int_equal(message.question.qname.len, plain.name_octets);
        assert_memory_equal(message.question.qname.octets, plain.name, plain.name_octets);
        assert_int_equal(message.edns.present, plain.edns);
        assert_int_equal(message.edns.dnssec_ok, plain.dnssec_ok);
        struct edns_wishes wishes = edns_wishes_of(&message.edns);
        assert_int_equal(message.edns.option_count > 0, plain.has_options);
        assert_false(wishes.cookie_is_malformed || wishes.keepalive_is_malformed);
        if (plain.has_options) {
            assert_int_equal(wishes.nsid, plain.wishes.nsid);
            assert_true(octets_equal(wishes.cookie, plain.wishes.cookie));
        }
        assert_false(message.has_tsig);
        if (plain.edns)
            assert_int_equal(message.edns.udp_octets, plain.udp_octets);
        assert_true(!plain.edns || message.edns.version == 0);
        arena_free(arena);
    }
    free(exact);
    return is_plain;
}

static void test_cases(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        if (is_read_alike(cases[i].message) != cases[i].plain)
            fail_msg("%s", cases[i].about);
}

/* Every octet of every case with every value. */
static void test_changed_octets(void **state)
{
    (void)state;
    uint8_t changed[80];
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct octets message = cases[i].message;
        assert_true(message.len <= sizeof(changed));
        for (size_t at = 0; at < message.len; at++) {
            for (unsigned value = 0; value < 256; value++) {
                memcpy(changed, message.data, message.len);
                changed[at] = (uint8_t)value;
                is_read_alike((struct octets) { changed, message.len });
            }
        }
    }
}

static void test_longest_name(void **state)
{
    (void)state;
    for (size_t last = 60; last <= LABEL_OCTETS_MAX;
         last++) { /* 3 * 64 + 1 + last + 1 octets: 255 with a last label of 61 */
        uint8_t message[512] = { 0, 0, 1, 0, 0, 1 };
        size_t at = HEADER_OCTETS;
        for (int i = 0; i < 3; i++, at += 64)
            memset(message + at, 63, 64);
        memset(message + at, (int)last, 1 + last);
        at += 1 + last + 1;
        memcpy(message + at, "\0\1\0\1", 4);
        assert_int_equal(is_read_alike((struct octets) { message, at + 4 }), last <= 61);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_changed_octets),
        cmocka_unit_test(test_longest_name),
    };
    return cmocka_run_group_tests(tests, set_up_hashing, NULL);
}
