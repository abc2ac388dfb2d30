#include "message/message.h"

#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>

#include "message/testing.h"

#define OCTETS(text)                                                                                                   \
    {                                                                                                                  \
        (const uint8_t *)(text), sizeof(text) - 1                                                                      \
    }

static const struct header response = { .id = 0x1234, .qr = true, .rd = true };

static void begin(struct message_writer *m, uint8_t *buffer, size_t size, const char *qname)
{
    const struct question question = { .qname = name_of(qname), .qtype = TYPE_A, .qclass = CLASS_IN };
    message_begin(m, buffer, size, &response);
    message_put_question(m, &question);
}

static void test_header(void **state)
{
    (void)state;
    static const struct {
        struct header header;
        struct octets expected;
    } cases[] = {
        { { .id = 0x1234, .qr = true, .rd = true, .ra = true, .ad = true, .rcode = 3 },
          OCTETS("\x12\x34\x81\xa3\0\0\0\0\0\0\0\0") },
        { { .opcode = 5, .aa = true, .tc = true, .cd = true }, OCTETS("\0\0\x2e\x10\0\0\0\0\0\0\0\0") },
        { { .opcode = 0xff, .rcode = 0xff }, OCTETS("\0\0\x78\x0f\0\0\0\0\0\0\0\0") },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct message_writer m;
        uint8_t buffer[HEADER_OCTETS];
        message_begin(&m, buffer, sizeof(buffer), &cases[i].header);
        assert_true(octets_equal(message_end(&m), cases[i].expected));
    }
}

/* What a record takes behind the question "www.example." (which begins at 12, "example." at 16). */
static void test_compression(void **state)
{
    (void)state;
    static const struct {
        const char *about, *rrset;
        struct octets expected;
    } cases[] = {
        { "the qname itself", "www.example. 1 A 192.0.2.1", OCTETS("\xc0\x0c\0\1\0\1\0\0\0\1\0\4\xc0\0\2\1") },
        { "a suffix of it", "example. 1 A 192.0.2.1", OCTETS("\xc0\x10\0\1\0\1\0\0\0\1\0\4\xc0\0\2\1") },
        { "below a suffix of it", "a.example. 1 A 192.0.2.1", OCTETS("\1a\xc0\x10\0\1\0\1\0\0\0\1\0\4\xc0\0\2\1") },
        { "in the question any letter case is the same", "WWW.Example. 1 A 192.0.2.1",
          OCTETS("\xc0\x0c\0\1\0\1\0\0\0\1\0\4\xc0\0\2\1") },
        { "RFC 4343: elsewhere it is kept", "a. 1 NS A.\na. 1 NS b.a.",
          OCTETS("\1a\0\0\2\0\1\0\0\0\1\0\3\1A\0\xc0\x1d\0\2\0\1\0\0\0\1\0\4\1b\xc0\x1d") },
        { "the root is shorter than a pointer", ". 1 A 192.0.2.1", OCTETS("\0\0\1\0\1\0\0\0\1\0\4\xc0\0\2\1") },
        { "nothing in common but the end of a label", "ample. 1 A 192.0.2.1",
          OCTETS("\5ample\0\0\1\0\1\0\0\0\1\0\4\xc0\0\2\1") },
        { "RFC 1035 types: RDATA, too", "example. 1 MX 5 www.example.",
          OCTETS("\xc0\x10\0\x0f\0\1\0\0\0\1\0\4\0\5\xc0\x0c") },
        { "RFC 3597 section 4: not in others", "example. 1 SRV 1 2 3 www.example.",
          OCTETS("\xc0\x10\0\x21\0\1\0\0\0\1\0\x13\0\1\0\2\0\3\3www\7example\0") },
        { "RFC 3597 section 4: nor in DNAME", "example. 1 DNAME www.example.",
          OCTETS("\xc0\x10\0\x27\0\1\0\0\0\1\0\x0d\3www\7example\0") },
        { "the second record points to the first", "a. 1 NS b.\na. 1 NS c.",
          OCTETS("\1a\0\0\2\0\1\0\0\0\1\0\3\1b\0\xc0\x1d\0\2\0\1\0\0\0\1\0\3\1c\0") },
        { "or to where that one points", "www.example. 1 NS b.\nwww.example. 1 NS b.example.",
          OCTETS("\xc0\x0c\0\2\0\1\0\0\0\1\0\3\1b\0\xc0\x0c\0\2\0\1\0\0\0\1\0\4\1b\xc0\x10") },
        { "within RDATA", "example. 1 SOA a.b. c.b. 1 2 3 4 5",
          OCTETS("\xc0\x10\0\6\0\1\0\0\0\1\0\x1d\1a\1b\0\1c\xc0\x2b\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0\4\0\0\0\5") },
        { "a signature, signer in full",
          "example. 1 A 192.0.2.1\nexample. 1 RRSIG A 8 1 2 19700101000004 19700101000003 5 example. Bg==",
          OCTETS("\xc0\x10\0\1\0\1\0\0\0\1\0\4\xc0\0\2\1"
                 "\xc0\x10\0\x2e\0\1\0\0\0\1\0\x1c\0\1\x08\1\0\0\0\2\0\0\0\4\0\0\0\3\0\5\7example\0\6") },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct arena *arena = arena_new();
        struct message_writer m;
        uint8_t buffer[512];
        begin(&m, buffer, sizeof(buffer), "www.example.");
        size_t before = m.w.len;
        assert_int_equal(before, 29);
        assert_true(put_signed(&m, SECTION_ANSWER, rrset_of(arena, cases[i].rrset), 1));
        const struct octets written = { buffer + before, m.w.len - before };
        if (!octets_equal(written, cases[i].expected))
            fail_msg("%s", cases[i].about);
        arena_free(arena);
    }
}

static void test_signatures_only_if_asked_for(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    const struct rrset *rrset = rrset_of(arena, "a. A 192.0.2.1\na. RRSIG A 8 1 2 3 4 5 a. AQID");
    struct message_writer m;
    uint8_t buffer[512];
    begin(&m, buffer, sizeof(buffer), "a.");
    assert_true(message_put_rrset(&m, SECTION_ANSWER, rrset, 1));
    assert_int_equal(m.counts[1], 1);
    assert_true(put_signed(&m, SECTION_AUTHORITY, rrset, 1));
    assert_int_equal(m.counts[2], 2);
    arena_free(arena);
}

static void test_signatures_alone(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    const struct rrset *rrset = rrset_of(arena, "a. A 192.0.2.1\na. RRSIG A 8 1 2 3 4 5 a. AQID");
    struct message_writer m;
    uint8_t buffer[512];
    begin(&m, buffer, sizeof(buffer), "a.");
    assert_true(message_put_signatures(&m, SECTION_ANSWER, rrset, 1));
    assert_int_equal(m.counts[1], 1);
    struct message message;
    assert_int_equal(message_read(message_end(&m), arena, &message), OK);
    assert_int_equal(message.sections[SECTION_ANSWER].items[0]->type, TYPE_RRSIG);
    arena_free(arena);
}

/* Names do not point at or above pointers_end, neither to earlier records nor within their own. */
static void test_end_of_pointers(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    const struct rrset *rrset = rrset_of(arena, "a.b. 1 NS c.b.\na.b. 1 NS d.b.");
    struct message_writer m;
    uint8_t buffer[512];
    begin(&m, buffer, sizeof(buffer), "b.");
    size_t end = m.w.len;
    assert_true(message_put_rrset(&m, SECTION_ANSWER, rrset, 1));
    size_t before = m.w.len;
    m.pointers_end = end;
    assert_true(message_put_rrset(&m, SECTION_AUTHORITY, rrset, 1));
    static const uint8_t expected[] = "\1a\xc0\x0c\0\2\0\1\0\0\0\1\0\4\1c\xc0\x0c"
                                      "\1a\xc0\x0c\0\2\0\1\0\0\0\1\0\4\1d\xc0\x0c";
    assert_int_equal(m.w.len - before, sizeof(expected) - 1);
    assert_memory_equal(buffer + before, expected, sizeof(expected) - 1);
    arena_free(arena);
}

/* In a buffer of any size: what does not fit leaves no trace, not even as the target of a pointer. */
static void test_all_or_nothing(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    const struct rrset *big =
        rrset_of(arena, "new.name. NS one.name.\nnew.name. NS two.name.\nnew.name. NS a.one.name.");
    const struct rrset *small = rrset_of(arena, "one.name. A 192.0.2.1");
    for (size_t size = 0; size < 140; size++) {
        struct message_writer m;
        uint8_t buffer[140];
        begin(&m, buffer, size, "a.");
        size_t before = m.w.len;
        bool has_big = message_put_rrset(&m, SECTION_ANSWER, big, 60);
        if (!has_big)
            assert_int_equal(m.w.len, before);
        bool has_small = message_put_rrset(&m, SECTION_ANSWER, small, 60);
        struct octets octets = message_end(&m);
        struct message message;
        enum err err = message_read(octets, arena, &message);
        if (size < 12 + 3 + 4) {
            assert_int_equal(octets.len, 0);
            assert_false(has_big || has_small);
            continue;
        }
        assert_int_equal(err, OK);
        const struct rrset_list *answer = &message.sections[SECTION_ANSWER];
        assert_int_equal(answer->count, has_big + has_small);
        if (has_big)
            assert_true(rrset_equal(answer->items[0], big));
        if (has_small)
            assert_true(rrset_equal(answer->items[has_big], small));
    }
    arena_free(arena);
}

static void test_malformed_rdata_is_not_written(void **state)
{
    (void)state;
    static const struct octets malformed[] = { OCTETS("\1"), OCTETS("\1a\0x"), OCTETS("\xc0\x0c") };
    for (size_t i = 0; i < ARRAY_LEN(malformed); i++) {
        const struct rrset rrset = {
            .owner = dname_root(), .type = TYPE_NS, .class = CLASS_IN, .count = 1, .rdata = &malformed[i]
        };
        struct message_writer m;
        uint8_t buffer[100];
        message_begin(&m, buffer, sizeof(buffer), &response);
        assert_false(put_signed(&m, SECTION_ANSWER, &rrset, 60));
        assert_int_equal(message_end(&m).len, HEADER_OCTETS);
    }
}

static void test_edns(void **state)
{
    (void)state;
    static const struct edns edns = { .present = true, .udp_octets = 1232 };
    for (size_t size = HEADER_OCTETS; size < HEADER_OCTETS + 20; size++) {
        struct message_writer m;
        uint8_t buffer[HEADER_OCTETS + 20];
        message_begin(&m, buffer, size, &response);
        bool fits = size >= HEADER_OCTETS + 11;
        assert_int_equal(message_put_edns(&m, &edns), fits);
        struct octets octets = message_end(&m);
        assert_int_equal(octets.len, fits ? HEADER_OCTETS + 11 : HEADER_OCTETS);
        assert_int_equal(octets.data[11], fits);
    }
}

/* Names behind the first 16 KiB cannot be pointed to (RFC 1035 section 4.1.4), and a table of places that is full
 * makes longer messages, not wrong ones. */
static void test_large_message(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    static uint8_t buffer[MESSAGE_OCTETS_MAX];
    struct message_writer m;
    begin(&m, buffer, sizeof(buffer), "test.");
    uint16_t count = 0;
    for (bool fits = true; fits; count += fits) {
        const char *text = arena_printf(arena, "n%u.Sub%u.example. 60 NS ns.n%u.%s.", count, count % 50, count,
                                        count % 2 ? "example" : "Example");
        fits = put_signed(&m, SECTION_ANSWER, rrset_of(arena, text), 60);
    }
    struct octets octets = message_end(&m);
    assert_in_range(octets.len, MESSAGE_OCTETS_MAX - 100, MESSAGE_OCTETS_MAX);
    struct message message;
    assert_int_equal(message_read(octets, arena, &message), OK);
    const struct rrset_list *answer = &message.sections[SECTION_ANSWER];
    assert_int_equal(answer->count, count);
    for (uint16_t i = 0; i < count; i++) {
        const char *expected = arena_printf(arena, "n%u.Sub%u.example.\t60\tIN\tNS\tns.n%u.%s.\n", i, i % 50, i,
                                            i % 2 ? "example" : "Example");
        assert_string_equal(rrset_to_text(arena, answer->items[i]), expected);
    }
    arena_free(arena);
}

/* 127 labels, each of which could be the target of a pointer. */
static void test_deepest_names(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    struct dname name = *dname_root();
    for (unsigned i = 0; i < DNAME_LABELS_MAX; i++)
        assert_int_equal(dname_prepend((struct octets) { (const uint8_t *)&"ab"[i % 2], 1 }, &name, &name), OK);
    struct message_writer m;
    uint8_t buffer[4096];
    message_begin(&m, buffer, sizeof(buffer), &response);
    static const struct octets address = OCTETS("\1\2\3\4");
    for (uint8_t labels = DNAME_LABELS_MAX; labels > 0; labels--) {
        struct dname owner;
        dname_suffix(&name, labels, &owner);
        const struct rrset rrset = {
            .owner = &owner, .type = TYPE_A, .class = CLASS_IN, .count = 1, .rdata = &address
        };
        assert_true(message_put_rrset(&m, SECTION_ANSWER, &rrset, 1));
    }
    struct message message;
    assert_int_equal(message_read(message_end(&m), arena, &message), OK);
    assert_int_equal(message.sections[SECTION_ANSWER].count, DNAME_LABELS_MAX);
    for (uint8_t labels = DNAME_LABELS_MAX; labels > 0; labels--) {
        struct dname owner;
        dname_suffix(&name, labels, &owner);
        assert_true(dname_same_case(message.sections[SECTION_ANSWER].items[DNAME_LABELS_MAX - labels]->owner, &owner));
    }
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_header),
        cmocka_unit_test(test_compression),
        cmocka_unit_test(test_signatures_only_if_asked_for),
        cmocka_unit_test(test_signatures_alone),
        cmocka_unit_test(test_end_of_pointers),
        cmocka_unit_test(test_all_or_nothing),
        cmocka_unit_test(test_malformed_rdata_is_not_written),
        cmocka_unit_test(test_edns),
        cmocka_unit_test(test_large_message),
        cmocka_unit_test(test_deepest_names),
    };
    return cmocka_run_group_tests(tests, set_up_hashing, NULL);
}
