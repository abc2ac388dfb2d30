/* What replies mean, and what of them is dropped: RFC 1034 section 5.3.3, RFC 2181 section 5.4.1, RFC 2308, RFC
 * 6672. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "message/testing.h"
#include "resolver/reply.h"

enum { LINES_MAX = 6 };

struct test_reply {
    const char *what;
    const char *qname, *qtype, *zone;
    uint16_t rcode;
    bool aa, ra, tc, recursive;
    const char *answer[LINES_MAX], *authority[LINES_MAX], *additional[LINES_MAX];
    enum reply_kind kind;
    int answers;            /* REPLY_ANSWER: how many links */
    enum answer_kind first; /* … and of which kind the first is */
    const char *target;     /* … or where a referral leads */
    bool contradicted;
    int glue; /* addresses that came with the referral */
};

static const struct test_reply replies[] = {
    { "data", "www.example.", "A", "example.", .aa = true, .answer = { "www.example. 60 A 192.0.2.1" },
      .kind = REPLY_ANSWER, .answers = 1, .first = ANSWER_DATA },
    { "data without AA, as forwarders and old servers send it", "www.example.", "A", "example.",
      .answer = { "www.example. 60 A 192.0.2.1" }, .kind = REPLY_ANSWER, .answers = 1, .first = ANSWER_DATA },
    { "an answer out of recursion", "www.example.", "A", "example.", .ra = true,
      .answer = { "www.example. 60 A 192.0.2.1" }, .kind = REPLY_RECURSION_LAME, .answers = 1 },
    { "truncated", "www.example.", "A", "example.", .aa = true, .tc = true, .kind = REPLY_TRUNCATED },
    { "refused", "www.example.", "A", "example.", .rcode = RCODE_REFUSED, .kind = REPLY_REFUSED },
    { "a server that knows no EDNS (RFC 6891 section 7)", "www.example.", "A", "example.", .rcode = RCODE_FORMERR,
      .kind = REPLY_NO_EDNS },
    { "data of another name is no answer", "www.example.", "A", "example.", .aa = true,
      .answer = { "mail.example. 60 A 192.0.2.1" }, .kind = REPLY_EMPTY },
    { "data of another zone is not the server's to say", "www.example.", "A", "example.", .aa = true,
      .answer = { "www.example. 60 CNAME www.victim.test.", "www.victim.test. 60 A 192.0.2.66" }, .kind = REPLY_ANSWER,
      .answers = 1, .first = ANSWER_CNAME, .target = "www.victim.test." },
    { "a chain inside the zone is followed", "a.example.", "A", "example.", .aa = true,
      .answer = { "a.example. 60 CNAME b.example.", "b.example. 60 CNAME c.example.", "c.example. 60 A 192.0.2.1" },
      .kind = REPLY_ANSWER, .answers = 3, .first = ANSWER_CNAME, .target = "b.example." },
    { "a chain that ends in nothing", "a.example.", "A", "example.", .aa = true, .rcode = RCODE_NXDOMAIN,
      .answer = { "a.example. 60 CNAME b.example." }, .authority = { "example. 60 SOA . . 1 2 3 4 5" },
      .kind = REPLY_ANSWER, .answers = 2, .first = ANSWER_CNAME, .target = "b.example." },
    { "a chain that bites its tail ends at the limit", "a.example.", "A", "example.", .aa = true,
      .answer = { "a.example. 60 CNAME b.example.", "b.example. 60 CNAME a.example." }, .kind = REPLY_ANSWER,
      .answers = CNAME_LINKS_MAX, .first = ANSWER_CNAME, .target = "b.example." },
    { "of two CNAMEs at one name the first one counts (RFC 2181 section 10.1)", "a.example.", "A", "example.",
      .aa = true, .answer = { "a.example. 60 CNAME b.example.\na.example. 60 CNAME c.example." }, .kind = REPLY_ANSWER,
      .answers = 1, .first = ANSWER_CNAME, .target = "b.example." },
    { "CNAME asked for is data", "a.example.", "CNAME", "example.", .aa = true,
      .answer = { "a.example. 60 CNAME b.example." }, .kind = REPLY_ANSWER, .answers = 1, .first = ANSWER_DATA },
    { "DNAME", "x.a.example.", "A", "example.", .aa = true,
      .answer = { "a.example. 60 DNAME b.test.", "x.a.example. 60 CNAME x.b.test." }, .kind = REPLY_ANSWER,
      .answers = 1, .first = ANSWER_DNAME, .target = "x.b.test." },
    { "a forged CNAME beside the DNAME is not believed (R4.8)", "x.a.example.", "A", "example.", .aa = true,
      .answer = { "a.example. 60 DNAME b.test.", "x.a.example. 60 CNAME evil.test." }, .kind = REPLY_ANSWER,
      .answers = 1, .first = ANSWER_DNAME, .target = "x.b.test.", .contradicted = true },
    { "a DNAME does not redirect itself", "a.example.", "A", "example.", .aa = true,
      .answer = { "a.example. 60 DNAME b.test." }, .authority = { "example. 60 SOA . . 1 2 3 4 5" },
      .kind = REPLY_ANSWER, .answers = 1, .first = ANSWER_NODATA },
    { "name error", "no.example.", "A", "example.", .aa = true, .rcode = RCODE_NXDOMAIN,
      .authority = { "example. 60 SOA . . 1 2 3 4 5" }, .kind = REPLY_ANSWER, .answers = 1, .first = ANSWER_NXDOMAIN },
    { "nothing at all", "www.example.", "A", "example.", .aa = true, .kind = REPLY_EMPTY },
    { "no data, without SOA", "www.example.", "A", "example.", .aa = true,
      .authority = { "a.example. 60 NSEC b.example. A" }, .kind = REPLY_ANSWER, .answers = 1, .first = ANSWER_NODATA },
    { "referral with glue", "www.sub.example.", "A", "example.", .authority = { "sub.example. 60 NS ns.sub.example." },
      .additional = { "ns.sub.example. 60 A 192.0.2.53", "ns.sub.example. 60 AAAA 2001:db8::53" },
      .kind = REPLY_REFERRAL, .target = "sub.example.", .glue = 2 },
    { "glue from outside the zone is not believed", "www.sub.example.", "A", "example.",
      .authority = { "sub.example. 60 NS ns.victim.test." }, .additional = { "ns.victim.test. 60 A 192.0.2.66" },
      .kind = REPLY_REFERRAL, .target = "sub.example.", .glue = 0 },
    { "addresses of other names are no glue", "www.sub.example.", "A", "example.",
      .authority = { "sub.example. 60 NS ns.sub.example." }, .additional = { "mail.sub.example. 60 A 192.0.2.66" },
      .kind = REPLY_REFERRAL, .target = "sub.example.", .glue = 0 },
    { "referral upwards", "www.example.", "A", "example.", .authority = { ". 60 NS a.root." }, .kind = REPLY_LAME },
    { "referral to the zone itself", "www.example.", "A", "example.", .authority = { "example. 60 NS ns.example." },
      .kind = REPLY_LAME },
    { "referral sideways", "www.example.", "A", "example.", .authority = { "other.example. 60 NS ns.example." },
      .kind = REPLY_LAME },
    { "referral to the name is the wrong side for DS (R4.2-d)", "sub.example.", "DS", "example.",
      .authority = { "sub.example. 60 NS ns.sub.example." }, .kind = REPLY_LAME },
    { "the child cannot deny its own DS (R4.2-d)", "sub.example.", "DS", "example.", .aa = true,
      .authority = { "sub.example. 60 SOA . . 1 2 3 4 5" }, .kind = REPLY_LAME },
    { "nor behind an alias", "a.example.", "DS", "example.", .aa = true, .answer = { "a.example. 60 CNAME example." },
      .authority = { "example. 60 SOA . . 1 2 3 4 5" }, .kind = REPLY_ANSWER, .answers = 1, .first = ANSWER_CNAME,
      .target = "example." },
    { "nor where its server is asked as its parent's", "a.example.", "DS", "example.", .aa = true,
      .answer = { "a.example. 60 CNAME sub.example." }, .authority = { "sub.example. 60 SOA . . 1 2 3 4 5" },
      .kind = REPLY_ANSWER, .answers = 1, .first = ANSWER_CNAME, .target = "sub.example." },
    { "the parent can", "sub.example.", "DS", "example.", .aa = true, .authority = { "example. 60 SOA . . 1 2 3 4 5" },
      .kind = REPLY_ANSWER, .answers = 1, .first = ANSWER_NODATA },
    { "CNAME asked for below a DNAME: the DNAME is what is signed", "x.a.example.", "CNAME", "example.", .aa = true,
      .answer = { "a.example. 60 DNAME b.test.", "x.a.example. 60 CNAME x.b.test." }, .kind = REPLY_ANSWER,
      .answers = 1, .first = ANSWER_DNAME, .target = "x.b.test." },
    { "ANY below a DNAME: the CNAME is nothing that the zone has signed (RFC 6672 section 5.3.1)", "x.a.example.",
      "ANY", "example.", .aa = true, .answer = { "a.example. 60 DNAME b.test.", "x.a.example. 60 CNAME x.b.test." },
      .kind = REPLY_ANSWER, .answers = 1, .first = ANSWER_DNAME, .target = "x.b.test." },
    { "a forwarder that does not resolve, but refers", "www.sub.example.", "A", ".", .ra = true, .recursive = true,
      .authority = { "sub.example. 60 NS ns.sub.example." }, .kind = REPLY_EMPTY },
    { "a forwarder that refers upwards", "www.sub.example.", "A", "example.", .ra = true, .recursive = true,
      .authority = { "test. 60 NS ns.sub.example." }, .kind = REPLY_LAME },
    { "a forwarder's no data", "www.example.", "A", ".", .ra = true, .recursive = true,
      .authority = { "example. 60 SOA . . 1 2 3 4 5" }, .kind = REPLY_ANSWER, .answers = 1, .first = ANSWER_NODATA },
    { "YXDOMAIN without a DNAME that makes it", "www.example.", "A", "example.", .aa = true, .rcode = RCODE_YXDOMAIN,
      .answer = { "www.example. 60 A 192.0.2.66" }, .kind = REPLY_REFUSED },
    { "what was asked for cannot be read: that is not \"no data\"", "www.example.", "A", "example.", .aa = true,
      .answer = { "!www.example. 60 A 192.0.2.1" }, .authority = { "example. 60 SOA . . 1 2 3 4 5" },
      .kind = REPLY_SPOILT },
    { "of ANY nothing may be left out", "www.example.", "ANY", "example.", .aa = true,
      .answer = { "www.example. 60 A 192.0.2.1", "!www.example. 60 TXT x" }, .kind = REPLY_SPOILT },
    { "the DNAME cannot be read", "x.a.example.", "A", "example.", .aa = true,
      .answer = { "!a.example. 60 DNAME b.test.", "x.a.example. 60 CNAME x.b.test." }, .kind = REPLY_SPOILT },
    { "the end of the chain cannot be read: it is asked for by its own name", "a.example.", "A", "example.", .aa = true,
      .answer = { "a.example. 60 CNAME b.example.", "!b.example. 60 A 192.0.2.1" },
      .authority = { "example. 60 SOA . . 1 2 3 4 5" }, .kind = REPLY_ANSWER, .answers = 1, .first = ANSWER_CNAME,
      .target = "b.example." },
    { "what nobody needs may be spoilt", "www.example.", "A", "example.", .aa = true,
      .answer = { "www.example. 60 A 192.0.2.1", "!www.example. 60 TXT x", "!mail.example. 60 A 192.0.2.2" },
      .authority = { "!example. 60 NS ns.example." }, .additional = { "!ns.example. 60 A 192.0.2.53" },
      .kind = REPLY_ANSWER, .answers = 1, .first = ANSWER_DATA },
    { "the proof cannot be read", "no.example.", "A", "example.", .aa = true, .rcode = RCODE_NXDOMAIN,
      .authority = { "example. 60 SOA . . 1 2 3 4 5", "!a.example. 60 NSEC b.example. A" }, .kind = REPLY_SPOILT },
    { "the SOA cannot be read", "no.example.", "A", "example.", .aa = true, .rcode = RCODE_NXDOMAIN,
      .authority = { "!example. 60 SOA . . 1 2 3 4 5" }, .kind = REPLY_SPOILT },
    { "where the referral leads cannot be read", "www.sub.example.", "A", "example.",
      .authority = { "!sub.example. 60 NS ns.sub.example." }, .kind = REPLY_SPOILT },
    { "the cut's DS set cannot be read", "www.sub.example.", "A", "example.",
      .authority = { "sub.example. 60 NS ns.sub.example.", "!sub.example. 60 DS 1 8 2 00" }, .kind = REPLY_SPOILT },
    { "glue that cannot be read is none", "www.sub.example.", "A", "example.",
      .authority = { "sub.example. 60 NS ns.sub.example." },
      .additional = { "!ns.sub.example. 60 A 192.0.2.53", "ns.sub.example. 60 AAAA 2001:db8::53" },
      .kind = REPLY_REFERRAL, .target = "sub.example.", .glue = 1 },
    { "another zone's records are not looked at", "www.example.", "A", "example.", .aa = true,
      .authority = { "!test. 60 SOA . . 1 2 3 4 5", "example. 60 SOA . . 1 2 3 4 5" }, .kind = REPLY_ANSWER,
      .answers = 1, .first = ANSWER_NODATA },
};

/* A line that begins with "!": the RRset was there, but one of its records could not be read. */
static struct rrset *set_of(struct arena *arena, const char *line)
{
    struct rrset *set = rrset_of(arena, line + (*line == '!'));
    if (*line == '!')
        set->count = 0;
    return set;
}

static void fill(struct message *message, enum section section, const char *const lines[LINES_MAX], struct arena *arena)
{
    struct rrset_list *list = &message->sections[section];
    list->items = ARENA_ARRAY(arena, LINES_MAX, struct rrset *);
    for (int i = 0; i < LINES_MAX && lines[i] != NULL; i++)
        list->items[list->count++] = set_of(arena, lines[i]);
}

static void read_reply(const struct test_reply *test, struct arena *arena, struct reply *reply)
{
    struct message message = {
        .header = { .qr = true, .aa = test->aa, .ra = test->ra, .tc = test->tc },
        .rcode = test->rcode,
    };
    struct question question = { .qname = name_of(test->qname), .qclass = CLASS_IN };
    struct dname zone = name_of(test->zone);
    assert_int_equal(rr_type_from_text(test->qtype, &question.qtype), OK);
    fill(&message, SECTION_ANSWER, test->answer, arena);
    fill(&message, SECTION_AUTHORITY, test->authority, arena);
    fill(&message, SECTION_ADDITIONAL, test->additional, arena);
    struct asked asked = { .question = &question,
                           .zone = &zone,
                           .recursive = test->recursive,
                           .with_edns = true,
                           .now = { 1999, 1000, true } };
    reply_read(&message, &asked, arena, reply);
}

static int count_glue(const struct delegation *delegation)
{
    int count = 0;
    for (uint16_t i = 0; i < delegation->server_count; i++)
        count += delegation->servers[i].address_count;
    return count;
}

static void kinds(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(replies); i++) {
        const struct test_reply *test = &replies[i];
        struct arena *arena = arena_new();
        struct reply reply;
        read_reply(test, arena, &reply);
        if (reply.kind != test->kind)
            fail_msg("%s: kind %d instead of %d", test->what, reply.kind, test->kind);
        if (test->kind == REPLY_ANSWER) {
            if (reply.answer_count != test->answers || reply.answers[0]->kind != test->first)
                fail_msg("%s: %d links, the first of kind %d", test->what, reply.answer_count, reply.answers[0]->kind);
            struct dname target = test->target != NULL ? name_of(test->target) : *dname_root();
            assert_true(dname_equal(&reply.answers[0]->target, &target));
            assert_int_equal(reply.answers[0]->contradicted, test->contradicted);
        }
        if (test->kind == REPLY_REFERRAL) {
            struct dname zone = name_of(test->target);
            assert_true(dname_equal(&reply.delegation->zone, &zone));
            assert_int_equal(count_glue(reply.delegation), test->glue);
        }
        arena_free(arena);
    }
}

static void negative_ttl(void **state) /* RFC 2308 section 5 */
{
    (void)state;
    static const struct {
        const char *soa;
        uint16_t rcode;
        int64_t expires_ms;
    } cases[] = {
        { "example. 60 SOA . . 1 2 3 4 5", RCODE_NXDOMAIN, 5000 + 1000 },
        { "example. 3 SOA . . 1 2 3 4 5", RCODE_NXDOMAIN, 1000 + 3000 },
        { NULL, RCODE_NXDOMAIN, 1000 }, /* without SOA it is not to be cached */
        { NULL, RCODE_NOERROR, 1000 + FAILURE_TTL_S_FIRST * 1000 },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct test_reply test = {
            "", "no.example.", "A", "example.", .aa = true, .rcode = cases[i].rcode, .authority = { cases[i].soa }
        };
        struct arena *arena = arena_new();
        struct reply reply;
        read_reply(&test, arena, &reply);
        assert_int_equal(reply.answers[0]->expires_ms, cases[i].expires_ms);
        arena_free(arena);
    }
}

static void overlong_dname(void **state) /* RFC 6672 section 2.2: YXDOMAIN */
{
    (void)state;
#define LABEL "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa."
    struct test_reply test = { "",         LABEL LABEL "d.example.",
                               "A",        "example.",
                               .aa = true, .answer = { "d.example. 60 DNAME " LABEL LABEL "e." } };
    struct arena *arena = arena_new();
    struct reply reply;
    read_reply(&test, arena, &reply);
    assert_int_equal(reply.kind, REPLY_ANSWER);
    assert_int_equal(reply.answers[0]->rcode, RCODE_YXDOMAIN);
    arena_free(arena);
}

/* Where the zone signs, what came along without signatures is asked for by its own name. */
static void unsigned_company(void **state)
{
    (void)state;
    struct test_reply test = {
        "",         "a.example.", "A",
        "example.", .aa = true,   .answer = { "a.example. 60 CNAME b.example.", "b.example. 60 A 192.0.2.66" }
    };
    struct arena *arena = arena_new();
    struct rrset *cname = rrset_of(arena, test.answer[0]), *address = rrset_of(arena, test.answer[1]);
    struct rrset *sets[] = { cname, address };
    struct octets sig =
        rrset_of(arena, "a.example. 60 RRSIG CNAME 13 2 60 20300101000000 20200101000000 1 example. AAAA")->rdata[0];
    struct question question = { .qname = name_of(test.qname), .qtype = TYPE_A, .qclass = CLASS_IN };
    struct dname zone = name_of(test.zone);
    struct asked asked = { .question = &question, .zone = &zone, .now = { 1999, 1000, true } };
    struct message message = { .header = { .qr = true, .aa = true }, .sections[SECTION_ANSWER] = { sets, 2 } };
    struct reply reply;
    reply_read(&message, &asked, arena, &reply);
    assert_int_equal(reply.answer_count, 2);
    cname->sigs = &sig;
    cname->sig_count = 1;
    reply_read(&message, &asked, arena, &reply);
    assert_int_equal(reply.answer_count, 1);
    assert_int_equal(reply.answers[0]->kind, ANSWER_CNAME);
    arena_free(arena);
}

/* Signatures in the wrong section are forgiven, but a message full of them costs little. */
static void orphans_cost_little(void **state)
{
    (void)state;
    enum { SETS = 1500, ORPHANS = 1500, OCTETS_MAX = 256 << 10 };
    struct arena *arena = arena_new();
    struct rrset *rrsig =
        rrset_of(arena, "www.example. 60 RRSIG A 13 2 60 20300101000000 20200101000000 1 example. AAAA");
    struct octets *sigs = ARENA_ARRAY(arena, ORPHANS, struct octets);
    struct rrset **sets = ARENA_ARRAY(arena, SETS, struct rrset *);
    for (int i = 0; i < ORPHANS; i++) {
        sigs[i] = octets_copy(arena, rrsig->rdata[0]);
        uint8_t *end = (uint8_t *)(uintptr_t)sigs[i].data + sigs[i].len;
        end[-1] = (uint8_t)i;
        end[-2] = (uint8_t)(i >> 8);
    }
    rrsig->rdata = sigs;
    rrsig->count = ORPHANS;
    for (int i = 0; i < SETS; i++) {
        sets[i] = rrset_of(arena, "www.example. 60 A 192.0.2.1");
        sets[i]->type = (uint16_t)(TYPE_A + (i == 0 ? 0 : 1000 + i));
    }
    struct question question = { .qname = name_of("www.example."), .qtype = TYPE_A, .qclass = CLASS_IN };
    struct dname zone = name_of("example.");
    struct asked asked = { .question = &question, .zone = &zone, .now = { 1999, 1000, true } };
    struct message message = {
        .header = { .qr = true, .aa = true },
        .sections = { [SECTION_ANSWER] = { sets, SETS }, [SECTION_ADDITIONAL] = { &rrsig, 1 } },
    };
    struct reply reply;
    size_t before = arena_octets(arena);
    reply_read(&message, &asked, arena, &reply);
    assert_int_equal(reply.answers[0]->rrsets.items[0]->sig_count, RRSIGS_PER_RRSET_MAX);
    assert_true(arena_octets(arena) - before < OCTETS_MAX);
    arena_free(arena);
}

static void referral_ds(void **state) /* RFC 4035 section 3.1.4.1: DS, or the proof that there is none */
{
    (void)state;
    struct test_reply test = { "", "www.sub.example.", "A", "example.",
                               .authority = { "sub.example. 60 NS ns.sub.example.",
                                              "sub.example. 30 DS 1 13 2 "
                                              "0000000000000000000000000000000000000000000000000000000000000000" } };
    struct arena *arena = arena_new();
    struct reply reply;
    read_reply(&test, arena, &reply);
    assert_int_equal(reply.ds->kind, ANSWER_DATA);
    assert_int_equal(reply.ds->question.qtype, TYPE_DS);
    assert_int_equal(reply.ds->expires_ms, 1000 + 30000);

    test.authority[1] = "sub.example. 30 NSEC t.example. NS RRSIG NSEC";
    read_reply(&test, arena, &reply);
    assert_int_equal(reply.ds->kind, ANSWER_NODATA);
    assert_int_equal(reply.ds->proofs.count, 1);

    test.authority[1] = NULL;
    read_reply(&test, arena, &reply);
    assert_null(reply.ds);
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kinds),
        cmocka_unit_test(negative_ttl),
        cmocka_unit_test(overlong_dname),
        cmocka_unit_test(unsigned_company),
        cmocka_unit_test(orphans_cost_little),
        cmocka_unit_test(referral_ds),
    };
    return cmocka_run_group_tests_name("resolver/reply", tests, set_up_hashing, NULL);
}
