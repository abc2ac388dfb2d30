/* Which questions are answered out of cached denials and wildcards, and which are not (RFC 8198, RFC 9077, RFC 8020):
 * the cache holds what has validated, and a question either reaches a server or does not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "cache/testing.h"
#include "message/text.h"
#include "resolver/request.h"
#include "resolver/world.h"
#include "tests/support/signer.h"

enum { KEY = 11 };

static int set_up(void **state)
{
    struct world *world = memory_new(1, sizeof(*world));
    set_hash_secret();
    world_make(world, SIZE_OF_TESTS, at(0));
    trust_add_built_in(world->trust);
    *state = world;
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;
    world_clear(world);
    free(world);
    return 0;
}

/* ---- what the cache knows ---- */

#define SIG(type, labels)         " RRSIG " type " 13 " labels " 3600 20300101000000 20200101000000 7 example. AAAA\n"
#define NSEC(owner, labels, rest) owner " 3600 NSEC " rest "\n" owner " 3600" SIG("NSEC", labels)
#define SOA                       "example. 3600 SOA ns. host. 1 2 3 4 900\nexample. 3600" SIG("SOA", "1")

static void put(struct world *world, struct answer *answer, enum security security, const char *const *proofs)
{
    answer->proofs = list_of(world->arena, proofs);
    lineage_add(&answer->verdict.lineage, KEY);
    cache_put_answer(world->cache, judged(answer, security), world->now);
}

static void put_proofs(struct world *world, const char *const *proofs)
{
    put(world, answer_of(world->arena, "asked-before.example.", TYPE_A, ANSWER_NODATA, NULL, 3600, world->now), SECURE,
        proofs);
}

static const char *const zone_nsecs[] = {
    SOA,
    NSEC("example.", "1", "a.example. NS SOA RRSIG NSEC"),
    NSEC("a.example.", "2", "cut.example. A RRSIG NSEC"),
    NSEC("cut.example.", "2", "d.example. NS RRSIG NSEC"),
    NSEC("d.example.", "2", "x.e.example. DNAME RRSIG NSEC"),
    NSEC("x.e.example.", "3", "*.w.example. A RRSIG NSEC"),
    NSEC("*.w.example.", "2", "y.w.example. A RRSIG NSEC"),
    NSEC("y.w.example.", "3", "z.example. CNAME RRSIG NSEC"),
    NULL,
};

/* ---- asking ---- */

/* "NXDOMAIN", "NODATA", "DATA", or "asked" if a server had to be; with the proofs' count at *proofs. */
static const char *ask_for(struct world *world, const char *name, uint16_t qtype, bool checking_disabled,
                           struct answer **last)
{
    struct question question = question_of(name, qtype);
    const char *said = "asked";
    struct want want;
    resolver_ask(world->resolver, &question, checking_disabled, world, world->now);
    while (resolver_next(world->resolver, world->now, &want)) {
        const struct outcome *outcome = want.outcome;
        if (want.kind != WANT_DONE || outcome->link_count == 0)
            continue;
        const struct answer *link = outcome->links[outcome->link_count - 1];
        assert_int_equal(outcome->security, SECURE);
        assert_false(outcome->is_repeatable);
        said = link->kind == ANSWER_NXDOMAIN ? "NXDOMAIN" : link->kind == ANSWER_NODATA ? "NODATA" : "DATA";
        *last = answer_copy(world->arena, link);
    }
    return said;
}

static const char *ask(struct world *world, const char *name, uint16_t qtype)
{
    struct answer *last;
    return ask_for(world, name, qtype, false, &last);
}

/* ---- rules ---- */

static void test_nsec(void **state)
{
    struct world *world = *state;
    static const struct {
        const char *name;
        uint16_t qtype;
        const char *said;
    } cases[] = {
        { "b.example.", TYPE_A, "NXDOMAIN" },
        { "x.y.b.example.", TYPE_MX, "NXDOMAIN" },
        { "b.example.", TYPE_DS, "NXDOMAIN" },
        { "a.example.", TYPE_AAAA, "NODATA" },
        { "a.example.", TYPE_A, "asked" },
        { "a.example.", TYPE_ANY, "asked" },
        { "a.example.", TYPE_RRSIG, "asked" },
        { "e.example.", TYPE_A, "NODATA" }, /* an empty non-terminal: RFC 4592 section 2.2.2 */
        { "example.", TYPE_MX, "NODATA" },
        { "example.", TYPE_DS, "asked" }, /* the parent's: RFC 4035 section 3.1.4.1 */
        { "cut.example.", TYPE_DS, "NODATA" },
        { "cut.example.", TYPE_A, "asked" }, /* the child's: RFC 6840 section 4.1 */
        { "cut.example.", TYPE_MX, "asked" },
        { "www.cut.example.", TYPE_A, "asked" },
        { "www.cut.example.", TYPE_DS, "asked" },
        { "d.example.", TYPE_A, "NODATA" },
        { "x.d.example.", TYPE_A, "asked" },     /* below a DNAME: RFC 6672 section 5.3.4.1 */
        { "v.w.example.", TYPE_AAAA, "NODATA" }, /* at the wildcard: RFC 4035 section 3.1.3.4 */
        { "v.w.example.", TYPE_A, "asked" },     /* the wildcard has it, the cache does not */
        { "y.w.example.", TYPE_A, "asked" },     /* a CNAME: RFC 6840 section 4.3 */
        { "z.example.", TYPE_A, "asked" },       /* nothing is known of it */
        { "other.", TYPE_A, "asked" },
    };
    put_proofs(world, zone_nsecs);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const char *said = ask(world, cases[i].name, cases[i].qtype);
        if (strcmp(said, cases[i].said) != 0)
            fail_msg("%s type %u: expected %s, got %s", cases[i].name, cases[i].qtype, cases[i].said, said);
    }
}

/* A client with DO can validate it: SOA and two NSEC, each with its signature; it ends with the first of them (RFC 9077
 * section 3: the SOA's MINIMUM). */
static void test_answer_is_whole(void **state)
{
    struct world *world = *state;
    struct answer *answer;
    put_proofs(world, zone_nsecs);
    world->now = at(100);
    assert_string_equal(ask_for(world, "B.example.", TYPE_A, false, &answer), "NXDOMAIN");
    assert_int_equal(answer->rcode, RCODE_NXDOMAIN);
    assert_int_equal(answer->proofs.count, 3);
    assert_int_equal(answer->proofs.items[0]->type, TYPE_SOA);
    for (uint16_t i = 0; i < answer->proofs.count; i++)
        assert_int_equal(answer->proofs.items[i]->sig_count, 1);
    assert_int_equal(answer->expires_ms, at(900).wall_ms);
    assert_int_equal(answer->verdict.lineage.keys[0], KEY);
    assert_string_equal(ask_for(world, "B.example.", TYPE_A, true, &answer), "NXDOMAIN"); /* CD=1: it has validated */
    world->now = at(900);
    assert_string_equal(ask(world, "b.example.", TYPE_A), "asked");
}

static void test_without_soa(void **state)
{
    struct world *world = *state;
    put_proofs(world, zone_nsecs + 1);
    assert_string_equal(ask(world, "b.example.", TYPE_A), "asked");
}

/* Each of these keeps the same records from being used. */
static void test_switches(void **state)
{
    struct world *world = *state;
    struct dname example = name_of("example."), cut = name_of("b.example."), rule_zone = name_of("example.");
    struct zone_rule rule = { .zone = rule_zone, .kind = ZONE_RULE_STUB, .address_count = 1 };
    uint64_t key = KEY;
    put_proofs(world, zone_nsecs);
    assert_string_equal(ask(world, "b.example.", TYPE_A), "NXDOMAIN");

    world->options.aggressive_nsec = false;
    assert_string_equal(ask(world, "b1.example.", TYPE_A), "asked");
    world->options.aggressive_nsec = true;

    world->options.aggressive_except = &example;
    world->options.aggressive_except_count = 1;
    assert_string_equal(ask(world, "b2.example.", TYPE_A), "asked");
    world->options.aggressive_except_count = 0;

    world->options.zone_rules = &rule; /* another origin: nothing of the zone's own servers counts */
    world->options.zone_rule_count = 1;
    assert_string_equal(ask(world, "b3.example.", TYPE_A), "asked");
    world->options.zone_rule_count = 0;

    trust_add_negative(world->trust, &cut, INT64_MAX, NULL);
    assert_string_equal(ask(world, "x.b.example.", TYPE_A), "asked");
    assert_string_equal(ask(world, "b4.example.", TYPE_A), "NXDOMAIN");

    struct delegation delegation = { .zone = name_of("b5.example."), .expires_ms = at(60).wall_ms };
    cache_put_delegation(world->cache, &delegation, world->now); /* newer than the records */
    assert_string_equal(ask(world, "x.b5.example.", TYPE_A), "asked");

    cache_flush_keys(world->cache, &key, 1);
    assert_string_equal(ask(world, "b6.example.", TYPE_A), "asked");
}

/* RFC 8198 section 5.3 */
static void test_wildcard(void **state)
{
    struct world *world = *state;
    struct answer *answer,
        *known = answer_of(world->arena, "*.w.example.", TYPE_A, ANSWER_DATA,
                           "*.w.example. 300 A 192.0.2.1\n*.w.example. 300" SIG("A", "2"), 300, world->now);
    put_proofs(world, zone_nsecs);
    put(world, known, SECURE, NULL);
    assert_string_equal(ask_for(world, "v.w.example.", TYPE_A, false, &answer), "DATA");
    assert_true(dname_equal(answer->rrsets.items[0]->owner, &answer->question.qname));
    assert_int_equal(answer->rrsets.items[0]->sig_count, 1);
    assert_int_equal(answer->proofs.count, 1);
    assert_int_equal(answer->expires_ms, at(300).wall_ms);
    assert_string_equal(ask(world, "u.v.w.example.", TYPE_A), "DATA");
    assert_string_equal(ask(world, "y.w.example.", TYPE_A), "asked"); /* it exists */
    assert_string_equal(ask(world, "yy.w.example.", TYPE_A), "DATA");
    assert_string_equal(ask(world, "x.y.w.example.", TYPE_A), "NXDOMAIN"); /* y.w.example. has no wildcard */
}

/* RFC 8020: Secure ones alone, and none of compact denial. */
static void test_below_nxdomain(void **state)
{
    struct world *world = *state;
    static const struct {
        const char *name;
        enum security security;
        const char *proof, *said;
    } cases[] = {
        { "n1.example.", SECURE, NSEC("n.example.", "2", "o.example. A"), "NXDOMAIN" },
        { "n2.example.", INSECURE, NSEC("n.example.", "2", "o.example. A"), "asked" },
        { "n3.example.", SECURE, NSEC("n3.example.", "2", "\\000.n3.example. NXNAME"), "asked" },
        { "n4.example.", SECURE,
          "0123456789abcdefghijklmnopqrstuv.example. 3600 NSEC3 1 0 0 - 0123456789abcdefghijklmnopqrsuvv NXNAME\n"
          "0123456789abcdefghijklmnopqrstuv.example. 3600" SIG("NSEC3", "2"),
          "asked" },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const char *const proofs[] = { cases[i].proof, NULL };
        char *below = arena_printf(world->arena, "a.b.%s", cases[i].name);
        put(world, answer_of(world->arena, cases[i].name, TYPE_A, ANSWER_NXDOMAIN, NULL, 600, world->now),
            cases[i].security, proofs);
        if (strcmp(ask(world, below, TYPE_A), cases[i].said) != 0)
            fail_msg("%s: expected %s", below, cases[i].said);
    }
    world->options.aggressive_nsec = false; /* has a switch of its own */
    assert_string_equal(ask(world, "c.n1.example.", TYPE_A), "NXDOMAIN");
    world->options.nxdomain_cut = false;
    assert_string_equal(ask(world, "c.n1.example.", TYPE_A), "asked");
}

/* ---- NSEC3 ---- */

/* Two records, of the apex and of another name with these types, which share all other hashes. */
static void put_two_nsec3(struct world *world, unsigned flags, unsigned iterations, const char *name, const char *types)
{
    struct dname apex = name_of("example."), other = name_of(name);
    char *labels[2];
    const struct dname *names[2] = { &apex, &other };
    for (int i = 0; i < 2; i++) {
        labels[i] = nsec3_label(world->arena, names[i], (struct octets) { NULL, 0 }, (uint16_t)iterations);
    }
#define NSEC3_OF(owner, next, types)                                                                                   \
    arena_printf(world->arena, "%s.example. 3600 NSEC3 1 %u %u - %s %s\n%s.example. 3600" SIG("NSEC3", "2"), owner,    \
                 flags, iterations, next, types, owner)
    const char *const proofs[] = { SOA, NSEC3_OF(labels[0], labels[1], "NS SOA RRSIG"),
                                   NSEC3_OF(labels[1], labels[0], types), NULL };
    put_proofs(world, proofs);
}

static void put_nsec3(struct world *world, unsigned flags, unsigned iterations)
{
    put_two_nsec3(world, flags, iterations, "a.example.", "A RRSIG");
}

static void test_nsec3(void **state)
{
    struct world *world = *state;
    struct answer *answer;
    put_nsec3(world, 0, 5);
    assert_string_equal(ask_for(world, "b.example.", TYPE_A, false, &answer), "NXDOMAIN");
    assert_true(answer->proofs.count >= 2 && answer->proofs.count <= 4);
    assert_string_equal(ask(world, "x.y.a.example.", TYPE_A), "NXDOMAIN");
    assert_string_equal(ask(world, "a.example.", TYPE_AAAA), "NODATA");
    assert_string_equal(ask(world, "a.example.", TYPE_A), "asked");
    assert_string_equal(ask(world, "example.", TYPE_DS), "asked");
    struct resolver_stats before, after;
    resolver_get_stats(world->resolver, &before);
    assert_string_equal(
        ask(world, "1.2.3.4.5.6.7.8.9.a.b.c.d.e.f.0.1.2.3.4.5.6.7.8.9.a.b.c.d.e.f.0.1.2.3.4.a.example.", TYPE_A),
        "asked");
    resolver_get_stats(world->resolver, &after);
    assert_true(after.nsec3_hashes - before.nsec3_hashes <= SYNTHESIS_HASHES_MAX);
}

/* A hash tells nothing of the cuts above its name: the zone above covers it, too, and must not vouch for the zone
 * below, where the name may exist (RFC 5155 section 8.8). */
static void test_nsec3_wildcard_below_a_cut(void **state)
{
    struct world *world = *state;
    static const char wildcard[] = "*.sub.example. 3600 A 192.0.2.1\n*.sub.example. 3600 RRSIG A 13 2 3600 "
                                   "20300101000000 20200101000000 7 sub.example. AAAA";
    put_two_nsec3(world, 0, 0, "sub.example.", "NS DS RRSIG");
    put(world, answer_of(world->arena, "*.sub.example.", TYPE_A, ANSWER_DATA, wildcard, 3600, world->now), SECURE,
        NULL);
    assert_string_equal(ask(world, "www.sub.example.", TYPE_A), "asked");
}

/* A name of many labels is not looked for under each of them: looks into the cache are counted, too. */
static void test_long_name_is_cheap(void **state)
{
    enum { LABELS = 100, LOOKS_MAX = 16 };
    struct world *world = *state;
    struct text name = text_new(world->arena);
    struct cache_stats before, after;
    for (unsigned i = 0; i < LABELS; i++)
        text_printf(&name, "x.");
    text_printf(&name, "w.example.");
    put_nsec3(world, 0, 0);
    cache_get_stats(world->cache, &before);
    assert_string_equal(ask(world, name.data, TYPE_A), "asked");
    cache_get_stats(world->cache, &after);
    assert_true(after.hits + after.misses - before.hits - before.misses <= LOOKS_MAX);
}

/* RFC 5155 section 9.2, RFC 9276 section 3.2 */
static void test_nsec3_not_used(void **state)
{
    struct world *world = *state;
    put_nsec3(world, 1, 0);
    assert_string_equal(ask(world, "b.example.", TYPE_A), "asked");
    put_nsec3(world, 0, NSEC3_ITERATIONS_DEFAULT + 1);
    assert_string_equal(ask(world, "b.example.", TYPE_A), "asked");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_nsec, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_answer_is_whole, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_without_soa, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_switches, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_wildcard, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_below_nxdomain, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_nsec3, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_nsec3_wildcard_below_a_cut, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_long_name_is_cheap, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_nsec3_not_used, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
