/* What a response says and to whom: AD (RFC 6840 section 5.8), DO (RFC 4035 section 3.2.1), TC, EDE (RFC 8914), compact
 * denial (RFC 9824). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "message/testing.h"
#include "resolver/response.h"

static const struct answer_options options = { .edns_octets = 1232, .minimal = true, .ede = true };
static const struct now now = { 1000000, 1000, true };

#define SIGNED_A                                                                                                       \
    "www.example. 60 A 192.0.2.1\nwww.example. 60 RRSIG A 13 2 60 20300101000000 20200101000000 1 example. AAAA"
#define SOA "example. 60 SOA . . 1 2 3 4 5\nexample. 60 RRSIG SOA 13 1 60 20300101000000 20200101000000 1 example. AAAA"
#define NSEC_OF_WWW                                                                                                    \
    "www.example. 60 NSEC x.example. A RRSIG NSEC\n"                                                                   \
    "www.example. 60 RRSIG NSEC 13 2 60 20300101000000 20200101000000 1 example. AAAA"
#define NS_SET "example. 60 NS ns.example."

struct scene {
    struct arena *arena;
    struct answer answer;
    struct answer *links[1];
    struct outcome outcome;
    struct client_query query;
};

static void list_add(struct arena *arena, struct rrset_list *list, const char *text)
{
    enum { SETS_MAX = 4 };
    if (list->items == NULL)
        list->items = ARENA_ARRAY(arena, SETS_MAX, struct rrset *);
    list->items[list->count++] = rrset_of(arena, text);
}

static void set_scene(struct scene *scene, enum answer_kind kind, enum security security)
{
    struct question question = { .qname = name_of("www.example."), .qtype = TYPE_A, .qclass = CLASS_IN };
    *scene = (struct scene) {
        .arena = arena_new(),
        .answer = { .question = question, .kind = kind, .received_ms = now.wall_ms, .expires_ms = now.wall_ms + 60000 },
        .outcome = { .question = question, .security = security, .link_count = 1 },
        .query = { .header = { .id = 77, .rd = true }, .question = question, .size_max = 1232 },
    };
    scene->answer.verdict.security = security;
    scene->answer.verdict.ttl_cap_s = UINT32_MAX;
    scene->answer.verdict.valid_until_s = INT64_MAX;
    scene->links[0] = &scene->answer;
    scene->outcome.links = scene->links;
    if (kind == ANSWER_DATA) {
        list_add(scene->arena, &scene->answer.rrsets, SIGNED_A);
    } else {
        list_add(scene->arena, &scene->answer.proofs, SOA);
        list_add(scene->arena, &scene->answer.proofs, NS_SET);
        list_add(scene->arena, &scene->answer.proofs, NSEC_OF_WWW);
    }
}

static void respond(struct scene *scene, struct message *message)
{
    uint8_t *buffer = arena_alloc(scene->arena, MESSAGE_OCTETS_MAX);
    struct octets octets = response_write(&options, &scene->query, &scene->outcome, now, buffer, MESSAGE_OCTETS_MAX);
    assert_true(octets.len <= scene->query.size_max);
    assert_int_equal(message_read(octets, scene->arena, message), OK);
    assert_true(message->header.qr && message->header.ra && !message->header.aa);
    assert_int_equal(message->header.id, 77);
    assert_int_equal(message->edns.present, scene->query.edns);
}

static void authentic_data(void **state)
{
    (void)state;
    static const struct {
        enum security security;
        bool dnssec_ok, ad, cd, servfail, authentic;
    } cases[] = {
        { SECURE, true, false, false, false, true },   { SECURE, false, true, false, false, true },
        { SECURE, false, false, false, false, false }, /* who asked for nothing gets nothing */
        { SECURE, true, false, true, false, true },    /* CD=1, out of a Secure entry */
        { SECURE, true, true, false, true, false },    { INSECURE, true, true, false, false, false },
        { UNCHECKED, true, true, true, false, false }, { BOGUS, true, true, true, false, false },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct scene scene;
        struct message message;
        set_scene(&scene, ANSWER_DATA, cases[i].security);
        scene.query.edns = scene.query.dnssec_ok = cases[i].dnssec_ok;
        scene.query.header.ad = cases[i].ad;
        scene.query.header.cd = cases[i].cd;
        if (cases[i].servfail)
            scene.outcome.rcode = RCODE_SERVFAIL;
        respond(&scene, &message);
        if (message.header.ad != cases[i].authentic || message.header.cd != cases[i].cd)
            fail_msg("row %zu: AD %d, CD %d", i, message.header.ad, message.header.cd);
        assert_int_equal(message.sections[SECTION_ANSWER].count, cases[i].servfail ? 0 : 1);
        arena_free(scene.arena);
    }
}

/* A DNAME's result that is too long: what makes the error is authentic, unless the operator has it otherwise. */
static void yxdomain(void **state)
{
    (void)state;
    for (int without_ad = 0; without_ad < 2; without_ad++) {
        struct answer_options own = options;
        struct scene scene;
        uint8_t buffer[512];
        set_scene(&scene, ANSWER_DNAME, SECURE);
        scene.answer.rcode = scene.outcome.rcode = RCODE_YXDOMAIN;
        scene.answer.proofs.count = 0;
        list_add(scene.arena, &scene.answer.rrsets, "example. 60 DNAME other.example.");
        scene.query.header.ad = true;
        own.yxdomain_without_ad = without_ad;
        struct octets octets = response_write(&own, &scene.query, &scene.outcome, now, buffer, sizeof(buffer));
        struct message message;
        assert_int_equal(message_read(octets, scene.arena, &message), OK);
        assert_int_equal(message.header.rcode, RCODE_YXDOMAIN);
        assert_int_equal(message.header.ad, !without_ad);
        arena_free(scene.arena);
    }
}

static void signatures_and_proofs_for_those_who_ask(void **state)
{
    (void)state;
    for (int dnssec_ok = 0; dnssec_ok < 2; dnssec_ok++) {
        struct scene scene;
        struct message message;
        set_scene(&scene, ANSWER_DATA, SECURE);
        scene.query.edns = true;
        scene.query.dnssec_ok = dnssec_ok;
        respond(&scene, &message);
        assert_int_equal(message.sections[SECTION_ANSWER].items[0]->sig_count, dnssec_ok);
        assert_int_equal(message.edns.dnssec_ok, dnssec_ok);
        arena_free(scene.arena);

        set_scene(&scene, ANSWER_NODATA, SECURE);
        scene.query.edns = true;
        scene.query.dnssec_ok = dnssec_ok;
        respond(&scene, &message);
        const struct rrset_list *authority = &message.sections[SECTION_AUTHORITY];
        assert_int_equal(authority->count, 1 + dnssec_ok); /* NS records for nobody: responses are minimal */
        assert_int_equal(rrset_list_find(authority, rrset_of(scene.arena, SOA)->owner, TYPE_SOA)->sig_count, dnssec_ok);
        arena_free(scene.arena);
    }
}

static void what_does_not_fit(void **state)
{
    (void)state;
    struct scene scene;
    struct message message;
    set_scene(&scene, ANSWER_DATA, SECURE);
    scene.query.edns = scene.query.dnssec_ok = true;
    scene.query.size_max = 80;
    scene.outcome.ede_count = 1;
    scene.outcome.edes[0] =
        (struct outcome_ede) { EDE_OTHER, "a text that is longer than the room that is left for it" };
    respond(&scene, &message);
    assert_true(message.header.tc);
    assert_int_equal(message.sections[SECTION_ANSWER].count, 0); /* RFC 2181 section 9: no part of an RRset */
    assert_int_equal(message.edns.option_count, 1);
    assert_int_equal(message.edns.options[0].data.len, 2); /* the code stays */
    arena_free(scene.arena);
}

static void extended_errors(void **state)
{
    (void)state;
    struct scene scene;
    struct message message;
    set_scene(&scene, ANSWER_DATA, BOGUS);
    scene.outcome.rcode = RCODE_SERVFAIL;
    scene.outcome.ede_count = 2;
    scene.outcome.edes[0] = (struct outcome_ede) { EDE_SIGNATURE_EXPIRED, "ended" };
    scene.outcome.edes[1] = (struct outcome_ede) { EDE_CACHED_ERROR, NULL };
    scene.query.edns = true;
    respond(&scene, &message);
    assert_int_equal(message.edns.option_count, 2);
    assert_int_equal(message.edns.options[0].code, EDNS_EDE);
    assert_memory_equal(message.edns.options[0].data.data, "\0\7ended", 7);
    assert_memory_equal(message.edns.options[1].data.data, "\0\15", 2);
    scene.query.edns = false; /* without OPT there is no place for them */
    respond(&scene, &message);
    assert_int_equal(message.rcode, RCODE_SERVFAIL);
    arena_free(scene.arena);
}

static void compact_denial(void **state) /* RFC 9824 section 5 */
{
    (void)state;
    struct scene scene;
    struct message message;
    set_scene(&scene, ANSWER_NODATA, SECURE);
    scene.answer.verdict.site = SITE_COMPACT_DENIAL;
    respond(&scene, &message);
    assert_int_equal(message.rcode, RCODE_NXDOMAIN);
    scene.query.edns = scene.query.dnssec_ok = true;
    respond(&scene, &message);
    assert_int_equal(message.rcode, RCODE_NOERROR);
    scene.outcome.rcode = RCODE_NXDOMAIN; /* what the server said, too */
    respond(&scene, &message);
    assert_int_equal(message.rcode, RCODE_NOERROR);
    scene.outcome.rcode = RCODE_NOERROR;
    scene.answer.verdict.security = INSECURE; /* nobody vouches for the bitmap */
    scene.query.dnssec_ok = false;
    respond(&scene, &message);
    assert_int_equal(message.rcode, RCODE_NOERROR);
    arena_free(scene.arena);
}

static void errors_without_data(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    struct client_query query = { .header = { .id = 77, .opcode = 5, .rd = true }, .edns = true, .size_max = 512 };
    uint8_t buffer[512];
    struct message message;
    enum { BADVERS = 16 }; /* RFC 6891 section 9: needs the OPT record's upper bits */
    const struct response_error error = { .rcode = BADVERS, .ede = EDE_NOT_SUPPORTED };
    struct octets octets = response_write_error(&options, &query, &error, buffer, sizeof(buffer));
    assert_int_equal(message_read(octets, arena, &message), OK);
    assert_int_equal(message.rcode, BADVERS);
    assert_int_equal(message.header.opcode, 5);
    assert_false(message.has_question || message.header.ad);
    assert_int_equal(message.edns.options[0].data.len, 2);
    arena_free(arena);
}

int main(void)
{
    set_hash_secret();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(authentic_data),
        cmocka_unit_test(yxdomain),
        cmocka_unit_test(signatures_and_proofs_for_those_who_ask),
        cmocka_unit_test(what_does_not_fit),
        cmocka_unit_test(extended_errors),
        cmocka_unit_test(compact_denial),
        cmocka_unit_test(errors_without_data),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
