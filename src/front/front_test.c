#include "front/front.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "message/testing.h"

enum { ANYWHERE = 0xffff };
#define OCTETS(text)                                                                                                   \
    {                                                                                                                  \
        (const uint8_t *)(text), sizeof(text) - 1                                                                      \
    }

static struct prefix prefixes[4], with_cookie, refused, ignored;
static const struct now test_now = { .wall_ms = 1559731985000, .wall_is_fit = true };
static struct cookie_keys keys;
static struct front_options options = { .allow = prefixes,
                                        .allow_count = ARRAY_LEN(prefixes),
                                        .refuse = &refused,
                                        .refuse_count = 1,
                                        .ignore = &ignored,
                                        .ignore_count = 1,
                                        .cookies.enabled = true,
                                        .require_cookie = &with_cookie,
                                        .require_cookie_count = 1,
                                        .identity = "me" };

static int set_up(void **state)
{
    static const char *const texts[] = { "127.0.0.0/8", "::1", "2001:db8::/32", "2001:db8:3:1::/64" };
    (void)state;
    set_hash_secret();
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        assert_int_equal(prefix_from_text(texts[i], &prefixes[i]), OK);
    assert_int_equal(prefix_from_text("2001:db8:2::/48", &with_cookie), OK);
    assert_int_equal(prefix_from_text("2001:db8:3::/48", &refused), OK);
    assert_int_equal(prefix_from_text("2001:db8:3:1:1::/80", &ignored), OK);
    static const struct siphash_key master;
    cookie_keys_set(&keys, &options.cookies, &master, test_now);
    return 0;
}

static struct address address_of(const char *text)
{
    struct address address;
    assert_int_equal(address_from_text(text, 5353, &address), OK);
    return address;
}

struct sent {         /* what the client sends; zero is a plain question for "www.example. A" */
    const char *from; /* NULL: 127.0.0.1 */
    bool qr, no_rd;
    uint8_t opcode;
    uint16_t qtype, qclass; /* 0: A, IN; ANYWHERE: really 0 */
    bool edns;
    uint8_t edns_version;
    struct edns_option option;
    bool over_tcp;
    const char *qname;  /* NULL: www.example. */
    uint16_t questions; /* counted in the header: 0 is one, ANYWHERE is none */
    const char *tail;   /* octets behind the message */
    size_t tail_len;
};

static struct octets write_sent(const struct sent *sent, uint8_t *buffer, size_t size)
{
    struct header header = { .id = 7, .qr = sent->qr, .opcode = sent->opcode, .rd = !sent->no_rd };
    struct question question = {
        .qname = name_of(sent->qname == NULL ? "www.example." : sent->qname),
        .qtype = sent->qtype == 0          ? TYPE_A
                 : sent->qtype == ANYWHERE ? 0
                                           : sent->qtype,
        .qclass = sent->qclass == 0 ? CLASS_IN : sent->qclass,
    };
    struct edns edns = { .present = true, .version = sent->edns_version, .udp_octets = 1232 };
    if (sent->option.code != 0)
        edns.options[edns.option_count++] = sent->option;
    struct message_writer m;
    message_begin(&m, buffer, size, &header);
    if (sent->questions != ANYWHERE)
        message_put_question(&m, &question);
    if (sent->edns)
        assert_true(message_put_edns(&m, &edns));
    struct octets octets = message_end(&m);
    if (sent->questions != 0 && sent->questions != ANYWHERE)
        buffer[5] = (uint8_t)sent->questions;
    if (sent->tail_len > 0)
        memcpy(buffer + octets.len, sent->tail, sent->tail_len);
    octets.len += sent->tail_len;
    return octets;
}

static struct front_decision judge(const struct sent *sent)
{
    uint8_t buffer[1024];
    struct octets octets = write_sent(sent, buffer, sizeof(buffer));
    struct arena *arena = arena_new();
    struct message message;
    enum err read = message_read(octets, arena, &message);
    struct address client = address_of(sent->from == NULL ? "127.0.0.1" : sent->from);
    struct edns_wishes wishes = edns_wishes_of(&message.edns);
    struct front_asker asker = front_asker_of(&keys, &wishes, &client, sent->over_tcp, test_now);
    struct front_decision decision = front_judge(&options, &client, &asker, read, &message);
    arena_free(arena);
    return decision;
}

/* A TSIG record with an unknown key: owner, type 250, class ANY, TTL 0, and RDATA that only has to be well-formed. */
static const char tsig[] = "\x01k\0\0\xfa\0\xff\0\0\0\0\0\x1d\x0bhmac-sha256\0\0\0\0\0\0\0\x01\x2c\0\0\0\x07\0\0\0\0";

static void test_decisions(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        struct sent sent;
        struct front_decision want;
    } cases[] = {
        { "a plain question", { 0 }, { FRONT_RESOLVE, 0, EDE_NONE, NULL } },
        { "with EDNS", { .edns = true }, { FRONT_RESOLVE, 0, EDE_NONE, NULL } },
        { "RD=0 is for the worker to look at", { .no_rd = true }, { FRONT_RESOLVE, 0, EDE_NONE, NULL } },
        { "RFC 8482: ANY", { .qtype = TYPE_ANY }, { FRONT_RESOLVE, 0, EDE_NONE, NULL } },
        { "RFC 3597: unknown type", { .qtype = 65280 }, { FRONT_RESOLVE, 0, EDE_NONE, NULL } },
        { "RFC 4035 section 4.5: RRSIG", { .qtype = TYPE_RRSIG }, { FRONT_RESOLVE, 0, EDE_NONE, NULL } },
        { "a response", { .qr = true }, { FRONT_DROP, 0, EDE_NONE, NULL } },
        { "a response from outside", { .qr = true, .from = "192.0.2.1" }, { FRONT_DROP, 0, EDE_NONE, NULL } },
        { "D-monitor: not allowed", { .from = "192.0.2.1" }, { FRONT_ANSWER, RCODE_REFUSED, EDE_PROHIBITED, NULL } },
        { "D-monitor: not allowed", { .from = "2001:db9::1" }, { FRONT_ANSWER, RCODE_REFUSED, EDE_PROHIBITED, NULL } },
        { "D-monitor: allowed", { .from = "2001:db8:1::1" }, { FRONT_RESOLVE, 0, EDE_NONE, NULL } },
        { "the most specific network counts: refused",
          { .from = "2001:db8:3::1" },
          { FRONT_ANSWER, RCODE_REFUSED, EDE_PROHIBITED, NULL } },
        { "allowed again", { .from = "2001:db8:3:1::1" }, { FRONT_RESOLVE, 0, EDE_NONE, NULL } },
        { "ignored", { .from = "2001:db8:3:1:1::1" }, { FRONT_DROP, 0, EDE_NONE, NULL } },
        { "access before opcode",
          { .from = "192.0.2.1", .opcode = OPCODE_NOTIFY },
          { FRONT_ANSWER, RCODE_REFUSED, EDE_PROHIBITED, NULL } },
        { "NOTIFY", { .opcode = OPCODE_NOTIFY }, { FRONT_ANSWER, RCODE_NOTIMP, EDE_NOT_SUPPORTED, NULL } },
        { "UPDATE", { .opcode = OPCODE_UPDATE }, { FRONT_ANSWER, RCODE_NOTIMP, EDE_NOT_SUPPORTED, NULL } },
        { "RFC 9619: no question", { .questions = ANYWHERE }, { FRONT_ANSWER, RCODE_FORMERR, EDE_NONE, NULL } },
        { "RFC 9619: two questions", { .questions = 2 }, { FRONT_ANSWER, RCODE_FORMERR, EDE_NONE, NULL } },
        { "octets behind it", { .tail = "x", .tail_len = 1 }, { FRONT_ANSWER, RCODE_FORMERR, EDE_NONE, NULL } },
        { "RFC 6891 section 6.1.3",
          { .edns = true, .edns_version = 1 },
          { FRONT_ANSWER, RCODE_BADVERS, EDE_NONE, NULL } },
        { "class CH", { .qclass = CLASS_CH }, { FRONT_ANSWER, RCODE_REFUSED, EDE_NOT_SUPPORTED, NULL } },
        { "RFC 4892",
          { .qclass = CLASS_CH, .qtype = TYPE_TXT, .qname = "ID.server." },
          { FRONT_TEXT, 0, EDE_NONE, "me" } },
        { "its elder",
          { .qclass = CLASS_CH, .qtype = TYPE_TXT, .qname = "hostname.bind." },
          { FRONT_TEXT, 0, EDE_NONE, "me" } },
        { "hidden",
          { .qclass = CLASS_CH, .qtype = TYPE_TXT, .qname = "version.bind." },
          { FRONT_ANSWER, RCODE_REFUSED, EDE_NOT_SUPPORTED, NULL } },
        { "another type",
          { .qclass = CLASS_CH, .qname = "id.server." },
          { FRONT_ANSWER, RCODE_REFUSED, EDE_NOT_SUPPORTED, NULL } },
        { "X-cookies: too short",
          { .edns = true, .option = { EDNS_COOKIE, OCTETS("1234567") } },
          { FRONT_ANSWER, RCODE_FORMERR, EDE_NONE, NULL } },
        { "X-cookies: between the lengths",
          { .edns = true, .option = { EDNS_COOKIE, OCTETS("123456789012345") } },
          { FRONT_ANSWER, RCODE_FORMERR, EDE_NONE, NULL } },
        { "X-cookies: learning",
          { .edns = true, .option = { EDNS_COOKIE, OCTETS("12345678") } },
          { FRONT_RESOLVE, 0, EDE_NONE, NULL } },
        { "X-cookies: needed, none",
          { .from = "2001:db8:2::1" },
          { FRONT_USE_STREAM, RCODE_REFUSED, EDE_PROHIBITED, NULL } },
        { "X-cookies: needed, none, TCP",
          { .from = "2001:db8:2::1", .over_tcp = true },
          { FRONT_RESOLVE, 0, EDE_NONE, NULL } },
        { "X-cookies: needed, learning",
          { .from = "2001:db8:2::1", .edns = true, .option = { EDNS_COOKIE, OCTETS("12345678") } },
          { FRONT_ANSWER, RCODE_BADCOOKIE, EDE_NONE, NULL } },
        { "X-cookies: needed, wrong",
          { .from = "2001:db8:2::1", .edns = true, .option = { EDNS_COOKIE, OCTETS("1234567890123456") } },
          { FRONT_ANSWER, RCODE_BADCOOKIE, EDE_NONE, NULL } },
        { "RFC 7873 section 5.4: no question, a cookie",
          { .questions = ANYWHERE, .edns = true, .option = { EDNS_COOKIE, OCTETS("12345678") } },
          { FRONT_ANSWER, RCODE_NOERROR, EDE_NONE, NULL } },
        { "the same with a wrong one",
          { .questions = ANYWHERE, .edns = true, .option = { EDNS_COOKIE, OCTETS("1234567890123456") } },
          { FRONT_ANSWER, RCODE_BADCOOKIE, EDE_NONE, NULL } },
        { "RFC 7828: a time in a question",
          { .edns = true, .over_tcp = true, .option = { EDNS_TCP_KEEPALIVE, OCTETS("\0\1") } },
          { FRONT_ANSWER, RCODE_FORMERR, EDE_NONE, NULL } },
        { "RFC 7828 section 3.2.1: over UDP it is ignored",
          { .edns = true, .option = { EDNS_TCP_KEEPALIVE, OCTETS("\0\1") } },
          { FRONT_RESOLVE, 0, EDE_NONE, NULL } },
        { "class ANY", { .qclass = CLASS_ANY }, { FRONT_RESOLVE, 0, EDE_NONE, NULL } },
        { "type 0", { .qtype = ANYWHERE }, { FRONT_ANSWER, RCODE_FORMERR, EDE_INVALID_QUERY_TYPE, NULL } },
        { "AXFR", { .qtype = TYPE_AXFR }, { FRONT_ANSWER, RCODE_REFUSED, EDE_NOT_SUPPORTED, NULL } },
        { "IXFR", { .qtype = TYPE_IXFR }, { FRONT_ANSWER, RCODE_REFUSED, EDE_NOT_SUPPORTED, NULL } },
        { "MAILA", { .qtype = TYPE_MAILA }, { FRONT_ANSWER, RCODE_NOTIMP, EDE_NOT_SUPPORTED, NULL } },
        { "MAILB", { .qtype = TYPE_MAILB }, { FRONT_ANSWER, RCODE_NOTIMP, EDE_NOT_SUPPORTED, NULL } },
        { "TKEY", { .qtype = TYPE_TKEY }, { FRONT_ANSWER, RCODE_NOTIMP, EDE_NOT_SUPPORTED, NULL } },
        { "OPT", { .qtype = TYPE_OPT }, { FRONT_ANSWER, RCODE_FORMERR, EDE_INVALID_QUERY_TYPE, NULL } },
        { "TSIG", { .qtype = TYPE_TSIG }, { FRONT_ANSWER, RCODE_FORMERR, EDE_INVALID_QUERY_TYPE, NULL } },
        { "RFC 9824 section 3.5",
          { .qtype = TYPE_NXNAME },
          { FRONT_ANSWER, RCODE_FORMERR, EDE_INVALID_QUERY_TYPE, NULL } },
        { "RFC 6895 section 3.1: unassigned meta type",
          { .qtype = 200 },
          { FRONT_ANSWER, RCODE_NOTIMP, EDE_NOT_SUPPORTED, NULL } },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct front_decision got = judge(&cases[i].sent);
        if (got.verdict != cases[i].want.verdict || got.rcode != cases[i].want.rcode || got.ede != cases[i].want.ede)
            fail_msg("%s: verdict %d, RCODE %u, EDE %d", cases[i].name, got.verdict, got.rcode, got.ede);
        assert_true(got.ede == EDE_NONE || got.text != NULL);
    }
}

static void test_signed_questions(void **state)
{
    (void)state;
    uint8_t buffer[1024];
    struct sent sent = { .tail = tsig, .tail_len = sizeof(tsig) - 1 };
    struct octets octets = write_sent(&sent, buffer, sizeof(buffer));
    buffer[11] = 1; /* ARCOUNT */
    struct arena *arena = arena_new();
    struct message message;
    assert_int_equal(message_read(octets, arena, &message), OK);
    assert_true(message.has_tsig);
    struct address client = address_of("::1");
    static const struct front_asker nobody;
    struct front_decision decision = front_judge(&options, &client, &nobody, OK, &message); /* RFC 8945 section 5.2.1 */
    assert_int_equal(decision.verdict, FRONT_ANSWER);
    assert_int_equal(decision.rcode, RCODE_NOTAUTH);
    arena_free(arena);
}

/* RFC 5001 section 2.1, RFC 7828 section 3.3.2, RFC 7873 section 5.2 */
static void test_options_of_answers(void **state)
{
    (void)state;
    static const uint8_t nsid[] = "x1";
    const struct front_options with_nsid = { .cookies.enabled = true, .nsid = { nsid, 2 } };
    const struct address client = address_of("192.0.2.1");
    const struct edns_wishes all = { .nsid = true, .cookie = OCTETS("12345678") }, none = { 0 };
    uint8_t buffer[FRONT_OPTIONS_OCTETS_MAX];
    struct front_asker asker = front_asker_of(&keys, &all, &client, true, test_now);
    struct octets written = front_write_options(&with_nsid, &asker, 30000, buffer);
    static const uint8_t behind_cookie[] = { 0, 3, 0, 2, 'x', '1', 0, 11, 0, 2, 0x01, 0x2c };
    assert_int_equal(written.len, 4 + COOKIE_OCTETS + sizeof(behind_cookie));
    assert_memory_equal(written.data,
                        "\0\x0a\0\x18"
                        "12345678\1",
                        13);
    assert_memory_equal(written.data + 4 + COOKIE_OCTETS, behind_cookie, sizeof(behind_cookie));
    asker = front_asker_of(&keys, &all, &client, false, test_now); /* UDP: no keepalive */
    assert_int_equal(front_write_options(&with_nsid, &asker, 0, buffer).len, 4 + COOKIE_OCTETS + 6);
    asker = front_asker_of(&keys, &none, &client, true, test_now);
    written = front_write_options(&with_nsid, &asker, 30000, buffer);
    assert_int_equal(written.len, 6);
    assert_memory_equal(written.data, behind_cookie + 6, 6);
    asker = front_asker_of(&keys, &none, &client, false, test_now);
    assert_int_equal(front_write_options(&with_nsid, &asker, 30000, buffer).len, 0);
}

static void test_nobody_is_allowed_by_an_empty_list(void **state)
{
    (void)state;
    struct front_options nobody = { 0 };
    struct front_asker asker = { 0 };
    struct message message = { .header.rd = true, .has_question = true };
    struct address client = address_of("127.0.0.1");
    assert_int_equal(front_judge(&nobody, &client, &asker, OK, &message).rcode, RCODE_REFUSED);
}

static void test_any_is_denied_where_wanted(void **state) /* RFC 8482 */
{
    (void)state;
    struct sent any = { .qtype = TYPE_ANY };
    options.denies_any = true;
    struct front_decision decision = judge(&any);
    options.denies_any = false;
    assert_int_equal(decision.verdict, FRONT_ANSWER);
    assert_int_equal(decision.rcode, RCODE_NOERROR);
    assert_int_equal(decision.ede, EDE_NOT_SUPPORTED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decisions),
        cmocka_unit_test(test_signed_questions),
        cmocka_unit_test(test_options_of_answers),
        cmocka_unit_test(test_any_is_denied_where_wanted),
        cmocka_unit_test(test_nobody_is_allowed_by_an_empty_list),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
