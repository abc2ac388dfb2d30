/* Special-use names: the answers of RFC 6761 section 6, RFC 6303 section 3 and their kin. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "message/testing.h"
#include "policy/special_use.h"

enum { RESOLVED = -1 };

static const struct {
    const char *qname;
    uint16_t qtype;
    int kind; /* enum answer_kind, or RESOLVED */
    const char *rdata;
} cases[] = {
    { "localhost.", TYPE_A, ANSWER_DATA, "127.0.0.1" },
    { "LOCALHOST.", TYPE_AAAA, ANSWER_DATA, "::1" },
    { "x.y.localhost.", TYPE_A, ANSWER_DATA, "127.0.0.1" }, /* RFC 6761 section 6.3 */
    { "localhost.", TYPE_MX, ANSWER_NODATA, NULL },
    { "localhost.example.", TYPE_A, RESOLVED, NULL },
    { "notlocalhost.", TYPE_A, RESOLVED, NULL },
    { "invalid.", TYPE_A, ANSWER_NXDOMAIN, NULL },
    { "www.invalid.", TYPE_TXT, ANSWER_NXDOMAIN, NULL },
    { "www.test.", TYPE_A, ANSWER_NXDOMAIN, NULL },
    { "printer.local.", TYPE_A, ANSWER_NXDOMAIN, NULL },
    { "abcdef.onion.", TYPE_A, ANSWER_NXDOMAIN, NULL }, /* RFC 7686 section 2, 4 */
    { "x.alt.", TYPE_A, ANSWER_NXDOMAIN, NULL },
    { "home.arpa.", TYPE_SOA, ANSWER_DATA, "home.arpa. nobody.invalid. 1 3600 1200 604800 10800" },
    { "home.arpa.", TYPE_NS, ANSWER_DATA, "home.arpa." },
    { "home.arpa.", TYPE_A, ANSWER_NODATA, NULL },
    { "tv.home.arpa.", TYPE_A, ANSWER_NXDOMAIN, NULL },
    { "home.arpa.", TYPE_DS, RESOLVED, NULL }, /* RFC 8375 section 4 */
    { "tv.home.arpa.", TYPE_DS, ANSWER_NXDOMAIN, NULL },
    { "10.in-addr.arpa.", TYPE_DS, RESOLVED, NULL },
    { "onion.", TYPE_DS, ANSWER_NXDOMAIN, NULL },
    { "_dns.resolver.arpa.", TYPE_SVCB, ANSWER_NXDOMAIN, NULL }, /* RFC 9462 section 6.4 */
    { "1.0.0.10.in-addr.arpa.", TYPE_PTR, ANSWER_NXDOMAIN, NULL },
    { "10.in-addr.arpa.", TYPE_PTR, ANSWER_NODATA, NULL },
    { "1.0.0.127.in-addr.arpa.", TYPE_PTR, ANSWER_DATA, "localhost." }, /* RFC 1912 section 4.1 */
    { "1.0.0.127.in-addr.arpa.", TYPE_TXT, ANSWER_NODATA, NULL },
    { "0.127.in-addr.arpa.", TYPE_PTR, ANSWER_NODATA, NULL },
    { "127.in-addr.arpa.", TYPE_SOA, ANSWER_DATA, "127.in-addr.arpa. nobody.invalid. 1 3600 1200 604800 10800" },
    { "2.0.0.127.in-addr.arpa.", TYPE_PTR, ANSWER_NXDOMAIN, NULL },
    { "x.1.0.0.127.in-addr.arpa.", TYPE_PTR, ANSWER_NXDOMAIN, NULL },
    { "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6.arpa.", TYPE_PTR, ANSWER_DATA,
      "localhost." },
    { "0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6.arpa.", TYPE_PTR, ANSWER_NODATA, NULL },
    { "1.0.0.11.in-addr.arpa.", TYPE_PTR, RESOLVED, NULL },
    { "1.1.31.172.in-addr.arpa.", TYPE_PTR, ANSWER_NXDOMAIN, NULL },
    { "1.1.32.172.in-addr.arpa.", TYPE_PTR, RESOLVED, NULL },
    { "1.1.64.100.in-addr.arpa.", TYPE_PTR, ANSWER_NXDOMAIN, NULL }, /* RFC 7793 */
    { "127.100.in-addr.arpa.", TYPE_PTR, ANSWER_NODATA, NULL },
    { "1.1.63.100.in-addr.arpa.", TYPE_PTR, RESOLVED, NULL },
    { "1.1.128.100.in-addr.arpa.", TYPE_PTR, RESOLVED, NULL },
    { "1.1.064.100.in-addr.arpa.", TYPE_PTR, RESOLVED, NULL },
    { "1.1.6x.100.in-addr.arpa.", TYPE_PTR, RESOLVED, NULL },
    { "100.in-addr.arpa.", TYPE_PTR, RESOLVED, NULL },
    { "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.d.f.ip6.arpa.", TYPE_PTR, ANSWER_NXDOMAIN, NULL },
    { "1.8.b.d.0.1.0.0.2.ip6.arpa.", TYPE_PTR, ANSWER_NXDOMAIN, NULL },
    { "example.", TYPE_A, RESOLVED, NULL }, /* the public DNS answers for it */
    { "www.example.", TYPE_A, RESOLVED, NULL },
    { "ipv4only.arpa.", TYPE_A, RESOLVED, NULL },
    { ".", TYPE_NS, RESOLVED, NULL },
};

static struct answer *answer_to(const struct resolver_options *options, const char *qname, uint16_t qtype,
                                uint16_t qclass, struct arena *arena)
{
    struct question question = { .qname = name_of(qname), .qtype = qtype, .qclass = qclass };
    struct now now = { 1000, 1000, true };
    return special_use_answer(options, &question, NULL, now, arena);
}

static bool is_as_told(size_t i, const struct answer *answer, struct arena *arena)
{
    if (cases[i].kind == RESOLVED || answer == NULL)
        return cases[i].kind == RESOLVED && answer == NULL;
    if ((int)answer->kind != cases[i].kind || answer->verdict.security != INSECURE)
        return false;
    if (answer->kind != ANSWER_DATA)
        return answer_soa(answer) != NULL && (answer->rcode == RCODE_NXDOMAIN) == (answer->kind == ANSWER_NXDOMAIN);
    struct octets rdata;
    const struct rrset *set = answer->rrsets.items[0];
    return rdata_from_text(arena, cases[i].qtype, cases[i].rdata, NULL, &rdata) == OK && set->type == cases[i].qtype &&
           dname_equal(set->owner, &answer->question.qname) && octets_equal(set->rdata[0], rdata);
}

static void names(void **state)
{
    (void)state;
    struct resolver_options options = { .special_use_names = true };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct arena *arena = arena_new();
        struct answer *answer = answer_to(&options, cases[i].qname, cases[i].qtype, CLASS_IN, arena);
        if (!is_as_told(i, answer, arena))
            fail_msg("%s type %u: kind %d", cases[i].qname, cases[i].qtype,
                     answer == NULL ? RESOLVED : (int)answer->kind);
        arena_free(arena);
    }
}

/* RFC 8880 section 7.1: a resolver with DNS64 answers by itself, others do not. */
static void what_shows_that_there_is_dns64(void **state)
{
    static const struct {
        const char *qname;
        uint16_t qtype;
        int kind;
        uint16_t count;
    } rows[] = {
        { "ipv4only.arpa.", TYPE_A, ANSWER_DATA, 2 },
        { "IPv4only.arpa.", TYPE_SOA, ANSWER_DATA, 1 },
        { "ipv4only.arpa.", TYPE_NS, ANSWER_DATA, 1 },
        { "ipv4only.arpa.", TYPE_AAAA, ANSWER_NODATA, 0 },
        { "ipv4only.arpa.", TYPE_DS, RESOLVED, 0 },
        { "x.ipv4only.arpa.", TYPE_A, ANSWER_NXDOMAIN, 0 },
        { "170.0.0.192.in-addr.arpa.", TYPE_PTR, ANSWER_DATA, 1 },
        { "171.0.0.192.in-addr.arpa.", TYPE_PTR, ANSWER_DATA, 1 },
        { "171.0.0.192.in-addr.arpa.", TYPE_A, ANSWER_NODATA, 0 },
        { "172.0.0.192.in-addr.arpa.", TYPE_PTR, RESOLVED, 0 },
    };
    (void)state;
    struct resolver_options options = { .special_use_names = true };
    struct arena *arena = arena_new();
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        options.answers_ipv4only = false;
        assert_null(answer_to(&options, rows[i].qname, rows[i].qtype, CLASS_IN, arena));
        options.answers_ipv4only = true;
        const struct answer *answer = answer_to(&options, rows[i].qname, rows[i].qtype, CLASS_IN, arena);
        assert_int_equal(answer == NULL ? RESOLVED : (int)answer->kind, rows[i].kind);
        assert_int_equal(rows[i].count > 0 ? answer->rrsets.items[0]->count : 0, rows[i].count);
    }
    arena_free(arena);
}

static void somebody_else_may_answer(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    struct zone_rule rule = { .zone = name_of("corp.home.arpa."), .kind = ZONE_RULE_STUB };
    struct resolver_options options = { .special_use_names = true, .zone_rules = &rule, .zone_rule_count = 1 };
    assert_null(answer_to(&options, "www.corp.home.arpa.", TYPE_A, CLASS_IN, arena));
    assert_non_null(answer_to(&options, "www.home.arpa.", TYPE_A, CLASS_IN, arena));
    rule.zone = *dname_root(); /* forwarding everything says nothing about these names */
    assert_non_null(answer_to(&options, "www.home.arpa.", TYPE_A, CLASS_IN, arena));
    options.special_use_names = false;
    assert_null(answer_to(&options, "localhost.", TYPE_A, CLASS_IN, arena));
    options.special_use_names = true;
    assert_null(answer_to(&options, "localhost.", TYPE_A, 3 /* CH */, arena));
    arena_free(arena);
}

int main(void)
{
    set_hash_secret();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names),
        cmocka_unit_test(what_shows_that_there_is_dns64),
        cmocka_unit_test(somebody_else_may_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
