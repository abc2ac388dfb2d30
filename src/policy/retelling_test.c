/* DNS64 (RFC 6147, 6052) and the root key sentinel (RFC 8509): what clients are told instead of what was resolved. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "message/pref64.h"
#include "message/testing.h"
#include "policy/retelling.h"

static const struct now now = { .wall_ms = INT64_C(1795000000000), .monotonic_ms = 1000, .wall_is_fit = true };

enum { A_TTL_S = 300, NEGATIVE_TTL_S = 60 };

static int set_up(void **state)
{
    *state = arena_new();
    return 0;
}

static int tear_down(void **state)
{
    arena_free(*state);
    return 0;
}

/* ---- the parts ---- */

/* RFC 6052 section 2.4, the table. */
static const struct {
    const char *prefix;
    const char *address;
} embedded[] = {
    { "2001:db8::/32", "2001:db8:c000:221::" },
    { "2001:db8:100::/40", "2001:db8:1c0:2:21::" },
    { "2001:db8:122::/48", "2001:db8:122:c000:2:2100::" },
    { "2001:db8:122:300::/56", "2001:db8:122:3c0:0:221::" },
    { "2001:db8:122:344::/64", "2001:db8:122:344:c0:2:2100::" },
    { "2001:db8:122:344::/96", "2001:db8:122:344::192.0.2.33" },
    { "64:ff9b::/96", "64:ff9b::192.0.2.33" },
};

static struct dname reverse_name_of(const uint8_t ipv6[16])
{
    char text[80];
    struct dname name;
    for (unsigned i = 0; i < 32; i++) {
        unsigned octet = ipv6[15 - i / 2];
        snprintf(text + 2 * i, 3, "%x.", i % 2 == 0 ? octet & 15 : octet >> 4);
    }
    strcpy(text + 64, "IP6.arpa.");
    assert_int_equal(dname_from_text(text, &name), OK);
    return name;
}

static void addresses_are_embedded_and_found_again(void **state)
{
    (void)state;
    static const uint8_t ipv4[4] = { 192, 0, 2, 33 };
    char text[DNAME_TEXT_MAX];
    for (size_t i = 0; i < ARRAY_LEN(embedded); i++) {
        struct prefix prefix;
        struct address expected;
        uint8_t ipv6[16];
        assert_int_equal(pref64_from_text(embedded[i].prefix, &prefix), OK);
        assert_int_equal(address_from_text(embedded[i].address, 0, &expected), OK);
        pref64_embed(&prefix, ipv4, ipv6);
        assert_memory_equal(ipv6, expected.octets, 16);
        struct dname name = reverse_name_of(ipv6), reverse;
        assert_true(dns64_reverse(&prefix, &name, &reverse));
        assert_string_equal(dname_to_text(&reverse, text), "33.2.0.192.in-addr.arpa.");
        dname_parent(&name, &name);
        assert_false(dns64_reverse(&prefix, &name, &reverse));
    }
}

static void other_prefixes_are_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = { "192.0.2.0/24", "64:ff9b::/95",          "64:ff9b::/128", "64:ff9b::1/96",
                                         "64:ff9b::",    "2001:db8:0:0:100::/96", "none",          "" };
    struct prefix prefix;
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
        assert_int_equal(pref64_from_text(wrong[i], &prefix), ERR_FORMAT);
}

/* ---- outcomes ---- */

static struct answer *new_answer(struct arena *arena, const char *name, uint16_t qtype, enum answer_kind kind,
                                 struct rrset *set)
{
    struct answer *answer = ARENA_NEW(arena, struct answer);
    *answer = (struct answer) {
        .question = { .qname = name_of(name), .qtype = qtype, .qclass = CLASS_IN },
        .kind = kind,
        .received_ms = now.wall_ms,
        .expires_ms = now.wall_ms + A_TTL_S * 1000,
    };
    struct rrset_list *list = kind == ANSWER_NODATA ? &answer->proofs : &answer->rrsets;
    list->items = ARENA_NEW(arena, struct rrset *);
    list->items[0] = set;
    list->count = set != NULL;
    return answer;
}

static struct outcome outcome_of(struct arena *arena, struct answer *answer, enum security security)
{
    struct answer **links = ARENA_NEW(arena, struct answer *);
    links[0] = answer;
    return (struct outcome) {
        .question = answer->question,
        .security = security,
        .links = links,
        .link_count = 1,
        .is_repeatable = true,
    };
}

static struct outcome no_data(struct arena *arena, enum security security)
{
    struct rrset *soa = rrset_of(arena, "example. 60 IN SOA ns.example. root.example. 1 2 3 4 60");
    struct answer *answer = new_answer(arena, "www.example.", TYPE_AAAA, ANSWER_NODATA, soa);
    answer->expires_ms = now.wall_ms + NEGATIVE_TTL_S * 1000;
    return outcome_of(arena, answer, security);
}

static struct outcome addresses(struct arena *arena)
{
    struct rrset *set = rrset_of(arena, "www.example. 300 IN A 192.0.2.1\nwww.example. 300 IN A 192.0.2.2");
    return outcome_of(arena, new_answer(arena, "www.example.", TYPE_A, ANSWER_DATA, set), SECURE);
}

static struct retelling_options behind_nat64(void)
{
    struct retelling_options options = { .dns64.is_on = true, .sentinel = true };
    assert_int_equal(pref64_from_text("64:ff9b::/96", &options.dns64.prefix), OK);
    return options;
}

static struct client_query query_for(const char *name, uint16_t qtype)
{
    return (struct client_query) {
        .question = { .qname = name_of(name), .qtype = qtype, .qclass = CLASS_IN },
        .edns = true,
    };
}

/* X: RFC 6147 sections 5.1.2, 5.1.7, 5.5. */
static void addresses_are_made_where_there_are_none(void **state)
{
    struct arena *arena = *state;
    struct retelling_options options = behind_nat64();
    struct client_query query = query_for("www.example.", TYPE_AAAA);
    query.dnssec_ok = true;
    struct retelling_means means = { &options, NULL, now, arena };
    struct retelling retelling;
    struct told told;
    struct outcome first = no_data(arena, SECURE), second = addresses(arena);
    struct question question = retell_question(&options, &query, &retelling);
    assert_int_equal(question.qtype, TYPE_AAAA);
    assert_int_equal(retell_outcome(&means, &query, &retelling, &first, &told), RETOLD_ASK);
    assert_int_equal(told.question.qtype, TYPE_A);
    assert_int_equal(retell_outcome(&means, &query, &retelling, &second, &told), RETOLD_OTHER);
    assert_int_equal(told.outcome.security, INSECURE);
    assert_false(told.outcome.is_repeatable);
    assert_int_equal(told.outcome.edes[0].code, EDE_SYNTHESIZED);
    const struct rrset *set = told.outcome.links[0]->rrsets.items[0];
    assert_int_equal(set->type, TYPE_AAAA);
    assert_int_equal(set->count, 2);
    assert_int_equal(set->sig_count, 0);
    assert_int_equal(set->ttl_s, NEGATIVE_TTL_S);
    assert_int_equal(set->rdata[1].data[15], 2);
    assert_int_equal(second.links[0]->rrsets.items[0]->type, TYPE_A);
}

static void a_name_without_addresses_keeps_its_denial(void **state)
{
    struct arena *arena = *state;
    struct retelling_options options = behind_nat64();
    struct client_query query = query_for("www.example.", TYPE_AAAA);
    struct retelling_means means = { &options, NULL, now, arena };
    struct retelling retelling;
    struct told told;
    struct outcome first = no_data(arena, SECURE), second = no_data(arena, SECURE);
    retell_question(&options, &query, &retelling);
    assert_int_equal(retell_outcome(&means, &query, &retelling, &first, &told), RETOLD_ASK);
    assert_int_equal(retell_outcome(&means, &query, &retelling, &second, &told), RETOLD_ASK);
    assert_int_equal(told.question.qtype, TYPE_AAAA);
    assert_int_equal(retell_outcome(&means, &query, &retelling, &first, &told), RETOLD_SAME);
}

/* A reload in the middle: there is no prefix any more. */
static void a_switch_between_the_questions_counts(void **state)
{
    struct arena *arena = *state;
    struct retelling_options options = behind_nat64(), without = { .sentinel = true };
    struct client_query query = query_for("www.example.", TYPE_AAAA);
    struct retelling_means means = { &options, NULL, now, arena };
    struct retelling retelling;
    struct told told;
    struct outcome first = no_data(arena, SECURE), second = addresses(arena);
    retell_question(&options, &query, &retelling);
    assert_int_equal(retell_outcome(&means, &query, &retelling, &first, &told), RETOLD_ASK);
    means.options = &without;
    assert_int_equal(retell_outcome(&means, &query, &retelling, &second, &told), RETOLD_ASK);
    assert_int_equal(told.question.qtype, TYPE_AAAA);
}

static void what_failed_is_told(void **state)
{
    struct arena *arena = *state;
    struct retelling_options options = behind_nat64();
    struct client_query query = query_for("www.example.", TYPE_AAAA);
    struct retelling_means means = { &options, NULL, now, arena };
    struct retelling retelling;
    struct told told;
    struct outcome bogus = no_data(arena, BOGUS), first = no_data(arena, SECURE);
    bogus.rcode = RCODE_SERVFAIL;
    retell_question(&options, &query, &retelling);
    assert_int_equal(retell_outcome(&means, &query, &retelling, &bogus, &told), RETOLD_SAME);
    retell_question(&options, &query, &retelling);
    assert_int_equal(retell_outcome(&means, &query, &retelling, &first, &told), RETOLD_ASK);
    assert_int_equal(retell_outcome(&means, &query, &retelling, &bogus, &told), RETOLD_SAME);
}

/* RFC 6147 section 5.5: CD and DO together. */
static void validators_see_the_zone(void **state)
{
    struct arena *arena = *state;
    struct retelling_options options = behind_nat64();
    struct client_query query = query_for("www.example.", TYPE_AAAA);
    struct retelling_means means = { &options, NULL, now, arena };
    struct retelling retelling;
    struct told told;
    struct outcome first = no_data(arena, SECURE);
    query.header.cd = query.dnssec_ok = true;
    retell_question(&options, &query, &retelling);
    assert_int_equal(retell_outcome(&means, &query, &retelling, &first, &told), RETOLD_SAME);
    /* … and nobody else gets that */
    assert_false(retelling_keeps(&options, &first, now));
    struct outcome kept = addresses(arena);
    assert_true(retelling_keeps(&options, &kept, now));
    options.dns64.is_on = false;
    assert_true(retelling_keeps(&options, &first, now));
}

/* Section 5.1.4 */
static void mapped_addresses_do_not_count(void **state)
{
    struct arena *arena = *state;
    struct retelling_options options = behind_nat64();
    struct client_query query = query_for("www.example.", TYPE_AAAA);
    static const struct {
        const char *record;
        enum retold retold;
    } cases[] = {
        { "www.example. 300 IN AAAA ::ffff:192.0.2.1", RETOLD_ASK },
        { "www.example. 300 IN AAAA 2001:db8::1", RETOLD_SAME },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct retelling_means means = { &options, NULL, now, arena };
        struct retelling retelling;
        struct told told;
        struct outcome outcome = outcome_of(
            arena, new_answer(arena, "www.example.", TYPE_AAAA, ANSWER_DATA, rrset_of(arena, cases[i].record)),
            INSECURE);
        retell_question(&options, &query, &retelling);
        assert_int_equal(retell_outcome(&means, &query, &retelling, &outcome, &told), cases[i].retold);
    }
}

/* Section 5.3.1 */
static void names_of_addresses_lead_back(void **state)
{
    struct arena *arena = *state;
    struct retelling_options options = behind_nat64();
    struct address address;
    assert_int_equal(address_from_text("64:ff9b::192.0.2.33", 0, &address), OK);
    struct client_query query = query_for(".", TYPE_PTR);
    query.question.qname = reverse_name_of(address.octets);
    struct retelling_means means = { &options, NULL, now, arena };
    struct retelling retelling;
    struct told told;
    struct question question = retell_question(&options, &query, &retelling);
    struct dname expected = name_of("33.2.0.192.in-addr.arpa.");
    assert_true(dname_equal(&question.qname, &expected));
    struct outcome outcome = outcome_of(arena,
                                        new_answer(arena, "33.2.0.192.in-addr.arpa.", TYPE_PTR, ANSWER_DATA,
                                                   rrset_of(arena, "33.2.0.192.in-addr.arpa. 300 IN PTR www.example.")),
                                        SECURE);
    assert_int_equal(retell_outcome(&means, &query, &retelling, &outcome, &told), RETOLD_OTHER);
    assert_int_equal(told.outcome.link_count, 2);
    assert_int_equal(told.outcome.links[0]->rrsets.items[0]->type, TYPE_CNAME);
    assert_true(dname_equal(told.outcome.links[0]->rrsets.items[0]->owner, &query.question.qname));
    assert_int_equal(told.outcome.security, INSECURE);
}

/* Without the alias: records and denials, whatever aliases led to them (RFC 2317). */
static void names_of_addresses_have_records(void **state)
{
    struct arena *arena = *state;
    struct retelling_options options = behind_nat64();
    options.dns64.reverse_form = DNS64_REVERSE_DIRECT;
    struct question asked = query_for("8.b.d.0.1.0.0.2.ip6.arpa.", TYPE_PTR).question;
    struct outcome told, outcome = { .question.qname = name_of("33.2.0.192.in-addr.arpa."), .security = SECURE };
    struct rrset *ptr = rrset_of(arena, "33.0-63.2.0.192.in-addr.arpa. 300 IN PTR www.example.");
    struct rrset *cname = rrset_of(arena, "33.2.0.192.in-addr.arpa. 60 IN CNAME 33.0-63.2.0.192.in-addr.arpa.");
    struct rrset *soa = rrset_of(arena, "2.0.192.in-addr.arpa. 60 IN SOA ns.example. root.example. 1 2 3 4 60");
    struct answer *links[] = { new_answer(arena, "33.2.0.192.in-addr.arpa.", TYPE_PTR, ANSWER_CNAME, cname),
                               new_answer(arena, "33.0-63.2.0.192.in-addr.arpa.", TYPE_PTR, ANSWER_DATA, ptr) };
    outcome.links = links;
    outcome.link_count = ARRAY_LEN(links);
    dns64_lead_back(&options.dns64, &asked, &outcome, now, arena, &told);
    assert_int_equal(told.link_count, 1);
    const struct rrset *set = told.links[0]->rrsets.items[0];
    assert_true(set->type == TYPE_PTR && set->ttl_s == A_TTL_S && dname_equal(set->owner, &asked.qname));
    assert_true(told.security == INSECURE && told.edes[0].code == EDE_SYNTHESIZED && !told.is_repeatable);
    assert_string_equal(dname_to_text(ptr->owner, (char[DNAME_TEXT_MAX]) { 0 }), "33.0-63.2.0.192.in-addr.arpa.");

    links[1] = new_answer(arena, "33.0-63.2.0.192.in-addr.arpa.", TYPE_PTR, ANSWER_NODATA, soa);
    dns64_lead_back(&options.dns64, &asked, &outcome, now, arena, &told);
    assert_int_equal(told.link_count, 1);
    assert_int_equal(told.links[0]->rrsets.count, 0);
    assert_int_equal(told.links[0]->proofs.items[0]->type, TYPE_SOA);

    outcome.link_count = 0; /* it failed */
    dns64_lead_back(&options.dns64, &asked, &outcome, now, arena, &told);
    assert_int_equal(told.link_count, 0);
}

/* D5-signal: RFC 8509 section 3.2, with both root keys of this release trusted. */
static const struct {
    const char *qname;
    uint16_t qtype;
    enum security security;
    bool cd, denied;
} claims[] = {
    { "root-key-sentinel-is-ta-20326.example.", TYPE_A, SECURE, false, false },
    { "root-key-sentinel-is-ta-11111.example.", TYPE_A, SECURE, false, true },
    { "ROOT-key-sentinel-IS-ta-11111.example.", TYPE_AAAA, SECURE, false, true },
    { "root-key-sentinel-not-ta-38696.example.", TYPE_AAAA, SECURE, false, true },
    { "root-key-sentinel-not-ta-11111.example.", TYPE_A, SECURE, false, false },
    { "root-key-sentinel-is-ta-11111.example.", TYPE_TXT, SECURE, false, false },
    { "root-key-sentinel-is-ta-11111.example.", TYPE_A, INSECURE, false, false },
    { "root-key-sentinel-is-ta-11111.example.", TYPE_A, SECURE, true, false },
    { "root-key-sentinel-is-ta-1111.example.", TYPE_A, SECURE, false, false },
    { "root-key-sentinel-is-ta-99999.example.", TYPE_A, SECURE, false, false },
    { "root-key-sentinel-is-ta-1111x.example.", TYPE_A, SECURE, false, false },
    { "x.root-key-sentinel-is-ta-11111.example.", TYPE_A, SECURE, false, false },
};

static void the_sentinel_says_what_is_trusted(void **state)
{
    struct arena *arena = *state;
    struct retelling_options options = { .sentinel = true };
    struct trust *trust = trust_new();
    trust_add_built_in(trust);
    for (size_t i = 0; i < ARRAY_LEN(claims); i++) {
        struct client_query query = query_for(claims[i].qname, claims[i].qtype);
        query.header.cd = claims[i].cd;
        struct retelling_means means = { &options, trust, now, arena };
        struct retelling retelling;
        struct told told;
        struct outcome outcome = addresses(arena);
        outcome.question = query.question;
        outcome.security = claims[i].security;
        retell_question(&options, &query, &retelling);
        assert_int_equal(retell_outcome(&means, &query, &retelling, &outcome, &told),
                         claims[i].denied ? RETOLD_OTHER : RETOLD_SAME);
        assert_true(!claims[i].denied || (told.outcome.rcode == RCODE_SERVFAIL && told.outcome.link_count == 0));
        assert_int_equal(retelling_keeps(&options, &outcome, now), i == ARRAY_LEN(claims) - 1);
    }
    trust_free(trust);
}

/* A signed set that lacks a record is no longer what was signed, and never ready-made. */
static void private_addresses_are_left_out(void **state)
{
    struct arena *arena = *state;
    struct prefix networks[1];
    struct dname allowed = name_of("example.");
    struct retelling_options options = { .rebinding = {
                                             .networks = networks, .network_count = 1, .allowed = &allowed } };
    struct client_query query = query_for("www.example.", TYPE_A);
    struct retelling_means means = { &options, NULL, now, arena };
    struct retelling retelling;
    struct told told;
    struct outcome outcome = addresses(arena);
    outcome.links[0]->verdict.security = SECURE;
    retell_question(&options, &query, &retelling);
    assert_int_equal(prefix_from_text("192.0.2.2/32", &networks[0]), OK);
    assert_int_equal(retell_outcome(&means, &query, &retelling, &outcome, &told), RETOLD_OTHER);
    assert_int_equal(told.outcome.security, INSECURE);
    assert_int_equal(told.outcome.edes[0].code, EDE_BLOCKED);
    assert_int_equal(told.outcome.links[0]->verdict.security, INSECURE);
    assert_int_equal(told.outcome.links[0]->rrsets.items[0]->count, 1);
    assert_int_equal(told.outcome.links[0]->rrsets.items[0]->sig_count, 0);
    assert_int_equal(told.outcome.links[0]->rrsets.items[0]->rdata[0].data[3], 1);
    assert_int_equal(outcome.links[0]->rrsets.items[0]->count, 2);
    assert_false(retelling_keeps(&options, &outcome, now));
    assert_int_equal(prefix_from_text("192.0.2.0/24", &networks[0]), OK);
    assert_int_equal(retell_outcome(&means, &query, &retelling, &outcome, &told), RETOLD_OTHER);
    assert_int_equal(told.outcome.links[0]->kind, ANSWER_NODATA);
    options.rebinding.allowed_count = 1;
    assert_int_equal(retell_outcome(&means, &query, &retelling, &outcome, &told), RETOLD_SAME);
    assert_true(retelling_keeps(&options, &outcome, now));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_are_embedded_and_found_again),
        cmocka_unit_test(other_prefixes_are_refused),
        cmocka_unit_test_setup_teardown(addresses_are_made_where_there_are_none, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_name_without_addresses_keeps_its_denial, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_switch_between_the_questions_counts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_failed_is_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(validators_see_the_zone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(mapped_addresses_do_not_count, set_up, tear_down),
        cmocka_unit_test_setup_teardown(names_of_addresses_lead_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(names_of_addresses_have_records, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_sentinel_says_what_is_trusted, set_up, tear_down),
        cmocka_unit_test_setup_teardown(private_addresses_are_left_out, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
