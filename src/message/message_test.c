#include "message/message.h"

#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>

#include "message/testing.h"
#include "message/text.h"

#define OCTETS(text)                                                                                                   \
    {                                                                                                                  \
        (const uint8_t *)(text), sizeof(text) - 1                                                                      \
    }
#define HEADER(flags, qd, an, ns, ar) "\x12\x34" flags "\0" qd "\0" an "\0" ns "\0" ar
#define QUESTION                      "\7example\0\0\1\0\1"
#define A_RECORD                      "\xc0\x0c\0\1\0\1\0\0\x0e\x10\0\4\xc0\0\2\1"
#define OPT_RECORD                    "\0\0\x29\x04\xd0\0\0\x80\0\0\0"
#define TSIG_RECORD                   "\0\0\xfa\0\xff\0\0\0\0\0\3\1\2\3"
#define SIG0_RECORD                   "\0\0\x18\0\xff\0\0\0\0\0\2\0\0"

static void test_header(void **state)
{
    (void)state;
    static const struct {
        struct octets octets;
        struct header expected;
    } cases[] = {
        { OCTETS("\0\1\x81\xa0\0\1\0\2\0\3\0\4"),
          { .id = 1, .qr = true, .rd = true, .ra = true, .ad = true, .counts = { 1, 2, 3, 4 } } },
        { OCTETS("\xff\xff\x2e\x15\0\0\0\0\0\0\xff\xff"),
          { .id = 65535, .opcode = 5, .aa = true, .tc = true, .cd = true, .rcode = 5, .counts = { 0, 0, 0, 65535 } } },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct header header;
        const struct header *expected = &cases[i].expected;
        assert_int_equal(header_read(cases[i].octets, &header), OK);
        assert_int_equal(header.id, expected->id);
        assert_int_equal(header.opcode, expected->opcode);
        assert_int_equal(header.rcode, expected->rcode);
        assert_int_equal(header.qr, expected->qr);
        assert_int_equal(header.aa, expected->aa);
        assert_int_equal(header.tc, expected->tc);
        assert_int_equal(header.rd, expected->rd);
        assert_int_equal(header.ra, expected->ra);
        assert_int_equal(header.ad, expected->ad);
        assert_int_equal(header.cd, expected->cd);
        assert_memory_equal(header.counts, expected->counts, sizeof(header.counts));
        assert_int_equal(header_read((struct octets) { cases[i].octets.data, 11 }, &header), ERR_FORMAT);
    }
}

static const struct {
    const char *about;
    struct octets octets;
    enum err err;
    bool has_question;
    uint16_t counts[SECTIONS]; /* of RRsets */
} messages[] = {
    { "nothing", { NULL, 0 }, ERR_FORMAT, false, { 0 } },
    { "a query", OCTETS(HEADER("\1\0", "\1", "\0", "\0", "\0") QUESTION), OK, true, { 0 } },
    { "no question: RFC 7873 section 5.4", OCTETS(HEADER("\1\0", "\0", "\0", "\0", "\0")), OK, false, { 0 } },
    { "two questions: RFC 9619",
      OCTETS(HEADER("\1\0", "\2", "\0", "\0", "\0") QUESTION QUESTION),
      ERR_FORMAT,
      false,
      { 0 } },
    { "half a question", OCTETS(HEADER("\1\0", "\1", "\0", "\0", "\0") "\7example\0\0\1\0"), ERR_FORMAT, false, { 0 } },
    { "qname points to itself",
      OCTETS(HEADER("\1\0", "\1", "\0", "\0", "\0") "\xc0\x0c\0\1\0\1"),
      ERR_FORMAT,
      false,
      { 0 } },
    { "octets behind the last record",
      OCTETS(HEADER("\1\0", "\1", "\0", "\0", "\0") QUESTION "\0"),
      ERR_FORMAT,
      true,
      { 0 } },
    { "an answer", OCTETS(HEADER("\x81\0", "\1", "\1", "\0", "\0") QUESTION A_RECORD), OK, true, { 1 } },
    { "in two sections",
      OCTETS(HEADER("\x81\0", "\1", "\1", "\0", "\1") QUESTION A_RECORD A_RECORD),
      OK,
      true,
      { 1, 0, 1 } },
    { "fewer records than announced",
      OCTETS(HEADER("\x81\0", "\1", "\2", "\0", "\0") QUESTION A_RECORD),
      ERR_FORMAT,
      true,
      { 0 } },
    { "owner points forward",
      OCTETS(HEADER("\x81\0", "\1", "\1", "\0", "\0") QUESTION "\xc0\x19\0\1\0\1\0\0\0\0\0\4\1\2\3\4"),
      ERR_FORMAT,
      true,
      { 0 } },
    { "RDLENGTH leads out",
      OCTETS(HEADER("\x81\0", "\1", "\1", "\0", "\0") QUESTION "\xc0\x0c\0\1\0\1\0\0\0\0\0\5\1\2\3\4"),
      ERR_FORMAT,
      true,
      { 0 } },
    { "RDATA does not fit A",
      OCTETS(HEADER("\x81\0", "\1", "\1", "\0", "\0") QUESTION "\xc0\x0c\0\1\0\1\0\0\0\0\0\3\1\2\3"),
      ERR_FORMAT,
      true,
      { 0 } },
    { "an unknown type, no RDATA: RFC 3597",
      OCTETS(HEADER("\x81\0", "\1", "\1", "\0", "\0") QUESTION "\xc0\x0c\xff\x00\0\1\0\0\0\0\0\0"),
      OK,
      true,
      { 1 } },
    { "EDNS", OCTETS(HEADER("\1\0", "\1", "\0", "\0", "\1") QUESTION OPT_RECORD), OK, true, { 0 } },
    { "two OPT: RFC 6891 section 6.1.1",
      OCTETS(HEADER("\1\0", "\1", "\0", "\0", "\2") QUESTION OPT_RECORD OPT_RECORD),
      ERR_FORMAT,
      true,
      { 0 } },
    { "OPT in Answer", OCTETS(HEADER("\1\0", "\1", "\1", "\0", "\0") QUESTION OPT_RECORD), ERR_FORMAT, true, { 0 } },
    { "OPT not at the root",
      OCTETS(HEADER("\1\0", "\1", "\0", "\0", "\1") QUESTION "\xc0\x0c\0\x29\x04\xd0\0\0\0\0\0\0"),
      ERR_FORMAT,
      true,
      { 0 } },
    { "an option leads out of OPT",
      OCTETS(HEADER("\1\0", "\1", "\0", "\0", "\2") QUESTION "\0\0\x29\x04\xd0\0\0\0\0\0\4\0\3\0\1" A_RECORD),
      ERR_FORMAT,
      true,
      { 0 } },
    { "TSIG last", OCTETS(HEADER("\1\0", "\1", "\0", "\0", "\2") QUESTION OPT_RECORD TSIG_RECORD), OK, true, { 0 } },
    { "TSIG not last: RFC 8945 section 5.1",
      OCTETS(HEADER("\1\0", "\1", "\0", "\0", "\2") QUESTION TSIG_RECORD OPT_RECORD),
      ERR_FORMAT,
      true,
      { 0 } },
    { "TSIG in Answer", OCTETS(HEADER("\1\0", "\1", "\1", "\0", "\0") QUESTION TSIG_RECORD), ERR_FORMAT, true, { 0 } },
    { "SIG(0) last: RFC 2931", OCTETS(HEADER("\1\0", "\1", "\0", "\0", "\1") QUESTION SIG0_RECORD), OK, true, { 0 } },
    { "truncated between records",
      OCTETS(HEADER("\x83\0", "\1", "\2", "\0", "\1") QUESTION A_RECORD),
      OK,
      true,
      { 1 } },
    { "truncated in an owner",
      OCTETS(HEADER("\x83\0", "\1", "\2", "\0", "\1") QUESTION A_RECORD "\xc0"),
      OK,
      true,
      { 1 } },
    { "truncated in RDATA",
      OCTETS(HEADER("\x83\0", "\1", "\2", "\0", "\1") QUESTION A_RECORD "\xc0\x0c\0\1\0\1\0\0\x0e\x10\0\4\xc0"),
      OK,
      true,
      { 1 } },
    { "truncated, but not there: RDATA does not fit A",
      OCTETS(HEADER("\x83\0", "\1", "\1", "\0", "\0") QUESTION "\xc0\x0c\0\1\0\1\0\0\0\0\0\3\1\2\3"),
      ERR_FORMAT,
      true,
      { 0 } },
};

static void test_messages(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(messages); i++) {
        struct arena *arena = arena_new();
        struct message message;
        enum err err = message_read(messages[i].octets, arena, &message);
        if (err != messages[i].err)
            fail_msg("%s: %s", messages[i].about, err_text(err));
        if (message.has_question != messages[i].has_question)
            fail_msg("%s: question", messages[i].about);
        for (enum section section = SECTION_ANSWER; section < SECTIONS; section++)
            if (message.sections[section].count != messages[i].counts[section])
                fail_msg("%s: %u RRsets in section %u", messages[i].about, message.sections[section].count, section);
        arena_free(arena);
    }
}

/* A message may be cut at any octet: never more than an error, and none at all with TC=1. */
static void test_every_prefix(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(messages); i++) {
        if (messages[i].err != OK || messages[i].octets.data[2] & 2)
            continue;
        for (size_t len = 0; len < messages[i].octets.len; len++) {
            struct arena *arena = arena_new();
            uint8_t *prefix = arena_copy(arena, messages[i].octets.data, len);
            struct message message;
            assert_int_equal(message_read((struct octets) { prefix, len }, arena, &message), ERR_FORMAT);
            if (len > 12)
                prefix[2] |= 2;
            enum err err = message_read((struct octets) { prefix, len }, arena, &message);
            assert_int_equal(err, message.has_question || (len > 12 && prefix[5] == 0) ? OK : ERR_FORMAT);
            arena_free(arena);
        }
    }
}

static void test_edns_and_extended_rcode(void **state)
{
    (void)state;
    static const struct octets octets =
        OCTETS(HEADER("\x81\7", "\1", "\0", "\0", "\1") QUESTION "\0\0\x29\x02\0\1\0\x80\0\0\4\0\3\0\0");
    struct arena *arena = arena_new();
    struct message message;
    assert_int_equal(message_read(octets, arena, &message), OK);
    assert_int_equal(message.header.rcode, 7);
    assert_int_equal(message.rcode, RCODE_BADCOOKIE);
    assert_true(message.edns.present && message.edns.dnssec_ok);
    assert_int_equal(message.edns.udp_octets, 512);
    assert_non_null(edns_option_find(&message.edns, EDNS_NSID));
    assert_false(message.has_tsig);
    arena_free(arena);
}

static void test_tsig_is_seen_and_dropped(void **state)
{
    (void)state;
    static const struct octets octets[] = {
        OCTETS(HEADER("\1\0", "\1", "\0", "\0", "\1") QUESTION TSIG_RECORD),
        OCTETS(HEADER("\1\0", "\1", "\0", "\0", "\1") QUESTION SIG0_RECORD),
        OCTETS(HEADER("\1\0", "\1", "\0", "\0", "\2") QUESTION SIG0_RECORD OPT_RECORD),
    };
    for (size_t i = 0; i < ARRAY_LEN(octets); i++) {
        struct arena *arena = arena_new();
        struct message message;
        assert_int_equal(message_read(octets[i], arena, &message), OK);
        assert_true(message.has_tsig);
        assert_int_equal(message.sections[SECTION_ADDITIONAL].count, 0);
        arena_free(arena);
    }
}

/* A response with these records in Answer, written without compression. */
static struct octets response_of(struct arena *arena, const char *text)
{
    struct writer w = writer_of(arena_alloc(arena, MESSAGE_OCTETS_MAX), MESSAGE_OCTETS_MAX);
    static const struct octets header = OCTETS(HEADER("\x80\0", "\0", "\0", "\0", "\0"));
    writer_octets_put(&w, header);
    struct master *master = master_new(text, strlen(text), NULL);
    struct master_record record;
    uint16_t count = 0;
    for (enum err err; (err = master_next(master, &record)) != ERR_NOT_FOUND; count++) {
        if (err != OK)
            fail_msg("%s", master_error(master));
        writer_dname(&w, &record.owner);
        writer_u16(&w, record.type);
        writer_u16(&w, record.class);
        writer_u32(&w, record.ttl_s);
        writer_u16(&w, (uint16_t)record.rdata.len);
        writer_octets_put(&w, record.rdata);
    }
    master_free(master);
    writer_u16_at(&w, 6, count);
    assert_false(w.failed);
    return writer_octets(&w);
}

#define RRSIG_OF(type, tag) "RRSIG\t" type " 8 1 300 20300101000000 20290101000000 " tag " example. AQID\n"

static void test_rrsets(void **state)
{
    (void)state;
    static const struct {
        const char *about, *records, *rrsets;
    } cases[] = {
        { "records need not stand together", "a. A 192.0.2.1\nb. A 192.0.2.3\nA. A 192.0.2.2\n",
          "a.\t3600\tIN\tA\t192.0.2.1\na.\t3600\tIN\tA\t192.0.2.2\nb.\t3600\tIN\tA\t192.0.2.3\n" },
        { "type and class part RRsets", "a. A 192.0.2.1\na. TXT x\na. CH TXT x\na. IN TXT y\n",
          "a.\t3600\tIN\tA\t192.0.2.1\na.\t3600\tIN\tTXT\t\"x\"\na.\t3600\tIN\tTXT\t\"y\"\na."
          "\t3600\tCH\tTXT\t\"x\"\n" },
        { "RFC 2181 section 5: no duplicates", "a. A 192.0.2.1\na. A 192.0.2.1\n", "a.\t3600\tIN\tA\t192.0.2.1\n" },
        { "RFC 2181 section 5.2: the least TTL", "a. 5 A 192.0.2.1\na. 3 A 192.0.2.2\na. 2 A 192.0.2.1\n",
          "a.\t2\tIN\tA\t192.0.2.1\na.\t2\tIN\tA\t192.0.2.2\n" },
        { "RFC 4035 section 4.5: signatures with what they cover, in any order",
          "a.\t8\tIN\t" RRSIG_OF("A", "1") "a. 9 A 192.0.2.1\nA.\t7\tIN\t" RRSIG_OF("A", "2"),
          "a.\t9\tIN\tA\t192.0.2.1\na.\t7\tIN\t" RRSIG_OF("A", "1") "a.\t7\tIN\t" RRSIG_OF("A", "2") },
        { "the same signature twice",
          "a. 9 A 192.0.2.1\na.\t8\tIN\t" RRSIG_OF("A", "1") "a.\t8\tIN\t" RRSIG_OF("A", "1"),
          "a.\t9\tIN\tA\t192.0.2.1\na.\t8\tIN\t" RRSIG_OF("A", "1") },
        { "signatures of what is not there stand alone",
          "a.\t9\tIN\t" RRSIG_OF("A", "1") "b. 9 A 192.0.2.1\na.\t9\tIN\t" RRSIG_OF("AAAA", "1"),
          "b.\t9\tIN\tA\t192.0.2.1\na.\t9\tIN\t" RRSIG_OF("A", "1") "a.\t9\tIN\t" RRSIG_OF("AAAA", "1") },
        { "nothing signs signatures", "a.\t9\tIN\t" RRSIG_OF("A", "1") "a.\t9\tIN\t" RRSIG_OF("RRSIG", "1"),
          "a.\t9\tIN\t" RRSIG_OF("A", "1") "a.\t9\tIN\t" RRSIG_OF("RRSIG", "1") },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct arena *arena = arena_new();
        struct message message;
        assert_int_equal(message_read(response_of(arena, cases[i].records), arena, &message), OK);
        struct text text = text_new(arena);
        for (uint16_t n = 0; n < message.sections[SECTION_ANSWER].count; n++)
            text_printf(&text, "%s", rrset_to_text(arena, message.sections[SECTION_ANSWER].items[n]));
        if (strcmp(text.data, cases[i].rrsets) != 0)
            fail_msg("%s:\n%s", cases[i].about, text.data);
        arena_free(arena);
    }
}

/* RFC 2181 section 8: a TTL with its top bit set is zero. */
static void test_ttl_with_top_bit(void **state)
{
    (void)state;
    static const struct octets octets =
        OCTETS(HEADER("\x81\0", "\1", "\1", "\0", "\0") QUESTION "\xc0\x0c\0\1\0\1\x80\0\0\1\0\4\1\2\3\4");
    struct arena *arena = arena_new();
    struct message message;
    assert_int_equal(message_read(octets, arena, &message), OK);
    assert_int_equal(message.sections[SECTION_ANSWER].items[0]->ttl_s, 0);
    arena_free(arena);
}

static void test_too_many_signatures_are_ignored(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    struct text text = text_new(arena);
    text_printf(&text, "a. 9 A 192.0.2.1\n");
    for (unsigned tag = 0; tag <= RRSIGS_PER_RRSET_MAX; tag++)
        text_printf(&text, "a. 9 RRSIG A 8 1 300 20300101000000 20290101000000 %u example. AQID\n", tag);
    struct message message;
    assert_int_equal(message_read(response_of(arena, text.data), arena, &message), OK);
    assert_int_equal(message.sections[SECTION_ANSWER].count, 1);
    assert_int_equal(message.sections[SECTION_ANSWER].items[0]->sig_count, RRSIGS_PER_RRSET_MAX);
    arena_free(arena);
}

/* `count` records without RDATA at the root, of as many types without a row or all of one. */
static struct octets many_records(struct arena *arena, uint16_t count, bool same_type)
{
    struct writer w = writer_of(arena_alloc(arena, MESSAGE_OCTETS_MAX), MESSAGE_OCTETS_MAX);
    static const struct octets header = OCTETS(HEADER("\x80\0", "\0", "\0", "\0", "\0"));
    writer_octets_put(&w, header);
    writer_u16_at(&w, 6, count);
    for (uint16_t i = 0; i < count; i++) {
        writer_u8(&w, 0);
        writer_u16(&w, same_type ? 65280 : (uint16_t)(40000 + i));
        writer_u16(&w, CLASS_IN);
        writer_u32(&w, 60);
        writer_u16(&w, 0);
    }
    assert_false(w.failed);
    return writer_octets(&w);
}

static void test_limit_of_records(void **state)
{
    (void)state;
    static const struct {
        uint16_t count;
        bool same_type;
        enum err err;
        uint16_t rrsets;
    } cases[] = {
        { MESSAGE_RRS_MAX, true, OK, 1 },
        { MESSAGE_RRS_MAX, false, OK, MESSAGE_RRS_MAX },
        { MESSAGE_RRS_MAX + 1, true, ERR_LIMIT, 0 },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct arena *arena = arena_new();
        struct message message;
        struct octets octets = many_records(arena, cases[i].count, cases[i].same_type);
        assert_int_equal(message_read(octets, arena, &message), cases[i].err);
        assert_int_equal(message.sections[SECTION_ANSWER].count, cases[i].rrsets);
        arena_free(arena);
    }
}

/* The largest message of names that expand most: what it may cost in time and memory stays small. */
static void test_expansion_is_bounded(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    struct writer w = writer_of(arena_alloc(arena, MESSAGE_OCTETS_MAX), MESSAGE_OCTETS_MAX);
    static const struct octets header = OCTETS(HEADER("\x80\0", "\0", "\0", "\0", "\0"));
    writer_octets_put(&w, header);
    size_t name_at = w.len + 11; /* the RDATA of the first record */
    uint16_t count = 1;
    writer_octets_put(&w, (struct octets)OCTETS("\0\0\2\0\1\0\0\0\0\0\xff"));
    for (int i = 0; i < 127; i++)
        writer_octets_put(&w, (struct octets)OCTETS("\1x"));
    writer_u8(&w, 0);
    for (; count < MESSAGE_RRS_MAX && w.size - w.len >= 14; count++) {
        uint16_t pointer = (uint16_t)(0xc000 + name_at + 2u * (count % 100u));
        writer_u16(&w, pointer);
        writer_octets_put(&w, (struct octets)OCTETS("\0\2\0\1\0\0\0\0\0\2"));
        writer_u16(&w, pointer);
    }
    writer_u16_at(&w, 6, count);
    assert_false(w.failed);
    struct arena *target = arena_new();
    struct message message;
    assert_int_equal(message_read(writer_octets(&w), target, &message), ERR_LIMIT);
    writer_u16_at(&w, 6, NAME_OCTETS_MAX / (2 * DNAME_OCTETS_MAX));
    arena_free(target);
    target = arena_new();
    assert_int_equal(message_read_reply(writer_octets(&w), target, &message), OK);
    assert_int_equal(message.sections[SECTION_ANSWER].count, 101);
    assert_in_range(arena_octets(target), 1, 1 << 20);
    arena_free(target);
    arena_free(arena);
}

static void test_owners_are_shared(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    struct message message;
    assert_int_equal(message_read(response_of(arena, "a. A 192.0.2.1\na. TXT x\nb. TXT x\n"), arena, &message), OK);
    struct rrset **items = message.sections[SECTION_ANSWER].items;
    assert_ptr_equal(items[0]->owner, items[1]->owner);
    assert_ptr_not_equal(items[0]->owner, items[2]->owner);
    arena_free(arena);
}

static void read_spoilt(const char *about, enum err (*read)(struct octets, struct arena *, struct message *),
                        struct octets octets, enum err expected, uint16_t sets, uint16_t records)
{
    struct arena *arena = arena_new();
    struct message message;
    enum err err = read(octets, arena, &message);
    const struct rrset_list *answer = &message.sections[SECTION_ANSWER];
    if (err != expected || answer->count != sets)
        fail_msg("%s: %s, %u RRsets", about, err_text(err), answer->count);
    if (answer->count > 0 && answer->items[0]->count != records)
        fail_msg("%s: %u records", about, answer->items[0]->count);
    if (answer->count > 0)
        assert_int_equal(answer->items[0]->sig_count, 0);
    arena_free(arena);
}

/* RFC 1035 section 4.1.3: one record that cannot be read does not hide where the next one begins. */
static void test_spoilt_records_of_replies(void **state)
{
    (void)state;
#define SHORT_A    "\xc0\x0c\0\1\0\1\0\0\0\0\0\3\1\2\3"
#define SHORT_SIG  "\xc0\x0c\0\x2e\0\1\0\0\0\0\0\1\0"
#define TXT_RECORD "\xc0\x0c\0\x10\0\1\0\0\0\0\0\2\1x"
    static const struct {
        const char *about;
        struct octets octets;
        enum err err;
        uint16_t sets;                    /* in Answer */
        uint16_t records;                 /* of the first of them */
        uint16_t sets_left, records_left; /* where records go alone */
    } cases[] = {
        { "alone", OCTETS(HEADER("\x81\0", "\1", "\1", "\0", "\0") QUESTION SHORT_A), OK, 1, 0, 0, 0 },
        { "its RRset goes with it", OCTETS(HEADER("\x81\0", "\1", "\3", "\0", "\0") QUESTION A_RECORD SHORT_A A_RECORD),
          OK, 1, 0, 1, 1 },
        { "others stay", OCTETS(HEADER("\x81\0", "\1", "\2", "\0", "\1") QUESTION TXT_RECORD SHORT_A A_RECORD), OK, 2,
          1, 1, 1 },
        { "other sections stay", OCTETS(HEADER("\x81\0", "\1", "\1", "\0", "\1") QUESTION A_RECORD SHORT_A), OK, 1, 1,
          1, 1 },
        { "a signature is left out", OCTETS(HEADER("\x81\0", "\1", "\2", "\0", "\0") QUESTION A_RECORD SHORT_SIG), OK,
          1, 1, 1, 1 },
        { "octets after the last record", OCTETS(HEADER("\x81\0", "\1", "\1", "\0", "\0") QUESTION A_RECORD "\0\1"), OK,
          1, 1, 1, 1 },
        { "OPT of another name", OCTETS(HEADER("\x81\0", "\1", "\1", "\0", "\1") QUESTION A_RECORD "\1a" OPT_RECORD),
          OK, 1, 1, 1, 1 },
        { "OPT twice", OCTETS(HEADER("\x81\0", "\1", "\1", "\0", "\2") QUESTION A_RECORD OPT_RECORD OPT_RECORD), OK, 1,
          1, 1, 1 },
        { "an option without end",
          OCTETS(HEADER("\x81\0", "\1", "\1", "\0", "\1") QUESTION A_RECORD "\0\0\x29\x04\xd0\0\0\x80\0\0\3\0\3\0"), OK,
          1, 1, 1, 1 },
        { "RDLENGTH leads out",
          OCTETS(HEADER("\x81\0", "\1", "\1", "\0", "\0") QUESTION "\xc0\x0c\0\1\0\1\0\0\0\0\0\5\1\2\3\4"), ERR_FORMAT,
          0, 0, 0, 0 },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        read_spoilt(cases[i].about, message_read_reply, cases[i].octets, cases[i].err, cases[i].sets, cases[i].records);
        read_spoilt(cases[i].about, message_read_reply_records, cases[i].octets, cases[i].err, cases[i].sets_left,
                    cases[i].records_left);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_header),
        cmocka_unit_test(test_messages),
        cmocka_unit_test(test_every_prefix),
        cmocka_unit_test(test_edns_and_extended_rcode),
        cmocka_unit_test(test_tsig_is_seen_and_dropped),
        cmocka_unit_test(test_rrsets),
        cmocka_unit_test(test_ttl_with_top_bit),
        cmocka_unit_test(test_too_many_signatures_are_ignored),
        cmocka_unit_test(test_limit_of_records),
        cmocka_unit_test(test_expansion_is_bounded),
        cmocka_unit_test(test_owners_are_shared),
        cmocka_unit_test(test_spoilt_records_of_replies),
    };
    return cmocka_run_group_tests(tests, set_up_hashing, NULL);
}
