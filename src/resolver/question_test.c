/* What goes over the wire: QNAME minimisation (RFC 9156), letter case, flags. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "message/testing.h"
#include "resolver/lookup.h"

#define FIVE   "a.b.c.d.e."
#define TWENTY FIVE FIVE FIVE FIVE

static const struct {
    const char *what;
    enum minimisation minimisation;
    const char *qname, *zone;
    uint8_t known_labels, sent;
    bool recursive, full_name;
    const char *asked; /* NULL: the whole question */
} cases[] = {
    { "one label more than the zone", MINIMISATION_RELAXED, "www.example.com.", ".", 0, 0, false, false, "com." },
    { "the next label", MINIMISATION_RELAXED, "www.example.com.", "com.", 0, 1, false, false, "example.com." },
    { "the last label is the question itself", MINIMISATION_RELAXED, "www.example.com.", "example.com.", 0, 2, false,
      false, NULL },
    { "the apex", MINIMISATION_RELAXED, "example.com.", "example.com.", 0, 2, false, false, NULL },
    { "where no cut is known to be", MINIMISATION_STRICT, "a.b.example.com.", "example.com.", 3, 3, false, false,
      NULL },
    { "switched off", MINIMISATION_OFF, "www.example.com.", ".", 0, 0, false, false, NULL },
    { "forwarders get the whole question", MINIMISATION_STRICT, "www.example.com.", ".", 0, 0, true, false, NULL },
    { "the server did not like it", MINIMISATION_RELAXED, "www.example.com.", ".", 0, 0, false, true, NULL },
    { "no cuts at underscores (section 2.3)", MINIMISATION_RELAXED, "_25._tcp.mail.example.", "mail.example.", 0, 2,
      false, false, NULL },
    { "underscores in the middle", MINIMISATION_RELAXED, "x.y._dns.example.", "example.", 0, 1, false, false,
      "y._dns.example." },
    { "many labels: four single steps", MINIMISATION_STRICT, TWENTY, ".", 3, 3, false, false, "b.c.d.e." },
    { "… then the rest in six", MINIMISATION_STRICT, TWENTY, ".", 4, 4, false, false, "e.a.b.c.d.e." },
    { "… up to ten questions (section 2.3)", MINIMISATION_STRICT, TWENTY, ".", 6, MINIMISE_COUNT_MAX, false, false,
      NULL },
};

static void minimised_names(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct delegation delegation = { .zone = name_of(cases[i].zone) };
        struct cut cut = { .delegation = &delegation, .recursive = cases[i].recursive };
        struct lookup lookup = {
            .question = { .qname = name_of(cases[i].qname), .qtype = TYPE_MX, .qclass = CLASS_IN },
            .cut = &cut,
            .known_labels = cases[i].known_labels,
            .minimised = cases[i].sent,
            .at_cut.full_name = cases[i].full_name,
        };
        struct resolver_options options = { .minimisation = cases[i].minimisation, .minimisation_type = TYPE_NS };
        struct question ask;
        lookup_minimise(&options, &lookup, &ask);
        struct dname expected = name_of(cases[i].asked == NULL ? cases[i].qname : cases[i].asked);
        char text[DNAME_TEXT_MAX];
        if (!dname_equal(&ask.qname, &expected) || ask.qtype != (cases[i].asked == NULL ? TYPE_MX : TYPE_NS))
            fail_msg("%s: asks %s, type %u", cases[i].what, dname_to_text(&ask.qname, text), ask.qtype);
    }
}

/* However long the name, the whole question is asked after ten minimised ones at most. */
static void minimisation_ends(void **state)
{
    (void)state;
    struct delegation delegation = { .zone = *dname_root() };
    struct cut cut = { .delegation = &delegation };
    struct lookup lookup = { .question = { .qname = name_of(TWENTY TWENTY TWENTY), .qtype = TYPE_A }, .cut = &cut };
    struct resolver_options options = { .minimisation = MINIMISATION_STRICT, .minimisation_type = TYPE_NS };
    for (struct question ask;; lookup.known_labels = ask.qname.labels, lookup.minimised++) {
        lookup_minimise(&options, &lookup, &ask);
        if (ask.qname.labels == lookup.question.qname.labels)
            break;
        assert_true(ask.qname.labels > lookup.known_labels);
    }
    assert_true(lookup.minimised <= MINIMISE_COUNT_MAX);
}

static void ask(struct resolver_options *options, bool recursive, struct lookup *lookup, struct message *message,
                struct arena *arena)
{
    static uint8_t buffer[512];
    struct delegation delegation = { .zone = *dname_root() };
    struct cut cut = { .delegation = &delegation, .recursive = recursive };
    struct now now = { 1000, 1000, true };
    struct random *random = random_seeded_new(7);
    struct resolver r = { .parts = { .options = options, .random = random }, .servers = servers_new() };
    struct target target = { .address.family = 4 };
    lookup->cut = &cut;
    lookup->flight->target = &target;
    struct octets octets = lookup_write_question(&r, lookup, &lookup->question, now, buffer, sizeof(buffer));
    assert_int_equal(message_read(octets, arena, message), OK);
    assert_int_equal(message->header.id, lookup->flight->id);
    servers_free(r.servers);
    random_free(random);
}

static void questions_on_the_wire(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    struct message message;
    struct resolver_options options = { .random_case = true, .edns_octets = 1232 };
    struct flight flight = { .with_edns = true };
    struct lookup lookup = {
        .question = { .qname = name_of("a-long-name-with-many-letters.example."), .qtype = TYPE_A, .qclass = CLASS_IN },
        .flight = &flight,
    };
    ask(&options, false, &lookup, &message, arena);
    assert_true(!message.header.rd && message.header.cd && message.edns.dnssec_ok);
    assert_int_equal(message.edns.udp_octets, 1232);
    assert_true(flight.case_is_random && dname_equal(&message.question.qname, &lookup.question.qname));
    assert_false(dname_same_case(&message.question.qname, &lookup.question.qname));
    assert_true(dname_same_case(&message.question.qname, &flight.name_on_wire));

    flight.over_tcp = true; /* nobody forges there */
    flight.with_edns = false;
    ask(&options, true, &lookup, &message, arena);
    assert_true(message.header.rd && !message.edns.present && !flight.case_is_random);
    assert_true(dname_same_case(&message.question.qname, &lookup.question.qname));

    lookup.distrust.checking_enabled = true; /* a forwarder that is to sort Bogus data out itself */
    ask(&options, true, &lookup, &message, arena);
    assert_false(message.header.cd);
    arena_free(arena);
}

int main(void)
{
    set_hash_secret();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(minimised_names),
        cmocka_unit_test(minimisation_ends),
        cmocka_unit_test(questions_on_the_wire),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
