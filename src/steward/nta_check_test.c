/* The recheck of negative trust anchors (D6-demand, D6-run; RFC 7646 section 2), with a host that answers by hand. */
#include "steward/nta_check.h"

#include <setjmp.h>
#include <cmocka.h>

#include "message/testing.h"

enum { INTERVAL_S = 300, ASKED_MAX = 64 };

struct net {
    struct nta_set *set;
    struct random *random;
    struct nta_check *check;
    struct {
        struct question question;
        bool checking_disabled;
        struct address server; /* family 0: whoever answers */
        void *waiter;
    } asked[ASKED_MAX];
    size_t asked_count;
    unsigned refreshes, rounds, cuts;
};

static struct now at(int64_t second)
{
    return (struct now) { .wall_ms = (INT64_C(1795000000) + second) * 1000,
                          .monotonic_ms = 1 + second * 1000,
                          .wall_is_fit = true };
}

static void on_probe(void *context, const struct question *question, bool checking_disabled, void *waiter)
{
    struct net *net = context;
    assert_true(net->asked_count < ASKED_MAX);
    net->asked[net->asked_count].server = (struct address) { .family = 0 };
    net->asked[net->asked_count].question = *question;
    net->asked[net->asked_count].checking_disabled = checking_disabled;
    net->asked[net->asked_count++].waiter = waiter;
}

static void on_probe_server(void *context, const struct question *question, const struct single_server *single,
                            void *waiter)
{
    struct net *net = context;
    assert_true(dname_equal(&single->zone, &net->set->items[0]->zone));
    on_probe(context, question, false, waiter);
    net->asked[net->asked_count - 1].server = single->address;
}

static void on_refresh(void *context)
{
    struct net *net = context;
    net->refreshes++;
}

static void on_checked(void *context, struct nta *nta)
{
    struct net *net = context;
    net->rounds++;
    if (nta->good_rounds == NTA_GOOD_ROUNDS)
        nta_drop(net->set, nta);
}

static void on_cut_known(void *context, struct nta *nta)
{
    struct net *net = context;
    (void)nta;
    net->cuts++;
}

static struct nta *net_init(struct net *net, const char *zone)
{
    struct nta_check_host host = { net, on_probe, on_probe_server, on_refresh, on_checked, on_cut_known };
    struct dname name = name_of(zone);
    *net = (struct net) { .set = nta_set_new(), .random = random_seeded_new(7) };
    net->check = nta_check_new(&host, net->set, net->random);
    nta_check_configure(net->check, INTERVAL_S);
    return nta_add(net->set, &name, NTA_ORDERED);
}

static void net_clear(struct net *net)
{
    nta_check_free(net->check);
    nta_set_free(net->set);
    random_free(net->random);
}

/* All that was asked; from the question numbered `bad` on it is Bogus. */
static void answer_all(struct net *net, size_t bad, struct now now)
{
    for (size_t i = 0; i < net->asked_count; i++) {
        struct outcome outcome = { .question = net->asked[i].question, .security = i >= bad ? BOGUS : SECURE };
        outcome.site = i >= bad ? "rrsig-expired" : NULL;
        nta_check_answer(net->check, net->asked[i].waiter, &outcome, now);
    }
    net->asked_count = 0;
}

static void three_good_rounds_in_a_row_end_it(void **state)
{
    (void)state;
    static const size_t bad[] = { 0, ASKED_MAX, ASKED_MAX, 2, ASKED_MAX, ASKED_MAX, ASKED_MAX };
    static const uint8_t good[] = { 0, 1, 2, 0, 1, 2, 3 };
    struct net net;
    struct nta *nta = net_init(&net, "example.");
    nta->questions[nta->question_count++] =
        (struct question) { .qname = name_of("www.example."), .qtype = TYPE_A, .qclass = CLASS_IN };
    int64_t second = 0;
    nta_check_tick(net.check, at(second));
    assert_int_equal(net.asked_count, 0); /* not before its first interval is over */
    for (size_t round = 0; round < ARRAY_LEN(bad); round++) {
        int64_t wait_s = round > 0 && good[round - 1] > 0 ? NTA_CONFIRM_S : INTERVAL_S;
        nta_check_tick(net.check, at(second + wait_s * 9 / 10 - 1));
        assert_int_equal(net.asked_count, 0);
        second += wait_s;
        nta_check_tick(net.check, at(second));
        nta_check_tick(net.check, at(second)); /* under way */
        assert_int_equal(net.asked_count, 4);
        assert_int_equal(net.asked[0].question.qtype, TYPE_SOA);
        assert_int_equal(net.asked[1].question.qtype, TYPE_DNSKEY);
        assert_int_equal(net.asked[2].question.qtype, TYPE_NS);
        assert_true(dname_equal(&net.asked[3].question.qname, &nta->questions[0].qname));
        assert_false(net.asked[0].checking_disabled);
        assert_int_equal(net.refreshes, round + 1);
        answer_all(&net, bad[round], at(second));
        assert_int_equal(net.rounds, round + 1);
        if (round + 1 < ARRAY_LEN(bad)) {
            assert_int_equal(nta->good_rounds, good[round]);
            assert_string_equal(nta->finding, good[round] > 0 ? "well" : "rrsig-expired");
        }
    }
    assert_int_equal(net.set->count, 0);
    struct nta_check_stats stats;
    nta_check_get_stats(net.check, &stats);
    assert_int_equal(stats.rounds_good, 5);
    assert_int_equal(stats.rounds_bad, 2);
    net_clear(&net);
}

/* What was asked under a fit clock and answered under an unfit one tells nothing. */
static void nothing_is_concluded_while_the_clock_is_unfit(void **state)
{
    (void)state;
    struct net net;
    struct nta *nta = net_init(&net, "example.");
    struct now unfit = at(2 * INTERVAL_S);
    unfit.wall_is_fit = false;
    nta_check_tick(net.check, at(0));
    nta_check_tick(net.check, unfit);
    assert_int_equal(net.asked_count, 0);
    nta_check_tick(net.check, at(2 * INTERVAL_S));
    assert_int_equal(net.asked_count, 3);
    answer_all(&net, ASKED_MAX, unfit);
    assert_int_equal(net.rounds, 0);
    assert_int_equal(nta->good_rounds, 0);
    nta_check_tick(net.check, at(4 * INTERVAL_S));
    assert_int_equal(net.asked_count, 3); /* again */
    net_clear(&net);
}

static void answers_may_come_behind_its_end(void **state)
{
    (void)state;
    struct net net;
    struct nta *nta = net_init(&net, "example.");
    nta_check_tick(net.check, at(0));
    nta_check_tick(net.check, at(INTERVAL_S));
    nta_check_find_cut(net.check, nta);
    nta_drop(net.set, nta);
    answer_all(&net, ASKED_MAX, at(INTERVAL_S));
    assert_int_equal(net.rounds + net.cuts, 0);
    net_clear(&net);
}

/* ---- one by one ---- */

/* A zone with two servers, of three addresses.  bad: this address has bad data; silent: this one does not answer; 0:
 * none. */
struct servers {
    struct arena *arena;
    uint8_t bad, silent;
};

static const struct rrset *data_of(const struct servers *servers, const struct question *question)
{
    struct dname second = name_of("b.example.");
    bool is_second = dname_equal(&question->qname, &second);
    switch (question->qtype) {
    case TYPE_NS:
        return rrset_of(servers->arena, "example. 60 IN NS a.example.\nexample. 60 IN NS b.example.\n");
    case TYPE_A:
        return rrset_of(servers->arena, is_second ? "b.example. 60 IN A 192.0.2.3\n"
                                                  : "a.example. 60 IN A 192.0.2.1\na.example. 60 IN A 192.0.2.2\n");
    default:
        return NULL;
    }
}

/* All that is asked now and after it, as those servers say. */
static void let_answer(struct net *net, const struct servers *servers, struct now now)
{
    for (size_t i = 0; i < net->asked_count; i++) {
        uint8_t server = net->asked[i].server.family == 0 ? 0 : net->asked[i].server.octets[3];
        struct rrset *set = (struct rrset *)(uintptr_t)data_of(servers, &net->asked[i].question);
        struct answer answer = { .kind = set == NULL ? ANSWER_NODATA : ANSWER_DATA, .rrsets = { &set, set != NULL } };
        struct answer *links[] = { &answer };
        struct outcome outcome = { .question = net->asked[i].question, .links = links, .link_count = 1 };
        outcome.security = server == 0                 ? SECURE
                           : server == servers->bad    ? BOGUS
                           : server == servers->silent ? INDETERMINATE
                                                       : SECURE;
        outcome.site = outcome.security == SECURE ? NULL : "rrsig-bad";
        nta_check_answer(net->check, net->asked[i].waiter, &outcome, now);
    }
    net->asked_count = 0;
}

static void each_server_is_asked_by_itself(void **state)
{
    (void)state;
    static const struct {
        uint8_t bad, silent, good_rounds, asked, answered;
        const char *finding;
    } cases[] = {
        { 0, 0, 1, 3, 3, "well" },
        { 0, 2, 1, 3, 2, "well" }, /* silence is no bad data */
        { 2, 0, 0, 2, 2, "rrsig-bad at 192.0.2.2@53" },
        { 3, 1, 0, 3, 2, "rrsig-bad at 192.0.2.3@53" }, /* though whoever answered first was well */
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct net net;
        struct servers servers = { arena_new(), cases[i].bad, cases[i].silent };
        struct nta *nta = net_init(&net, "example.");
        nta_check_tick(net.check, at(0));
        nta_check_tick(net.check, at(INTERVAL_S));
        let_answer(&net, &servers, at(INTERVAL_S));
        assert_int_equal(net.rounds, 1);
        assert_int_equal(nta->good_rounds, cases[i].good_rounds);
        assert_int_equal(nta->servers_asked, cases[i].asked);
        assert_int_equal(nta->servers_answered, cases[i].answered);
        assert_string_equal(nta->finding, cases[i].finding);
        net_clear(&net);
        arena_free(servers.arena);
    }
}

static void zone_cuts_have_an_soa_of_their_own(void **state)
{
    (void)state;
    static const struct {
        uint16_t rcode;
        enum answer_kind kind;
        enum zone_cut cut;
    } cases[] = {
        { RCODE_NOERROR, ANSWER_DATA, CUT_IS },
        { RCODE_NOERROR, ANSWER_NODATA, CUT_IS_NOT },
        { RCODE_NXDOMAIN, ANSWER_NXDOMAIN, CUT_IS_NOT },
        { RCODE_SERVFAIL, ANSWER_DATA, CUT_UNKNOWN },
    };
    struct arena *arena = arena_new();
    struct rrset *soa = rrset_of(arena, "example. 60 IN SOA ns. host. 1 2 3 4 5\n");
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct net net;
        struct nta *nta = net_init(&net, "example.");
        nta_check_find_cut(net.check, nta);
        nta_check_find_cut(net.check, nta); /* once */
        assert_int_equal(net.asked_count, 1);
        assert_true(net.asked[0].checking_disabled); /* the zone is broken */
        struct answer answer = { .kind = cases[i].kind, .rrsets = { &soa, 1 } };
        struct answer *links[] = { &answer };
        struct outcome outcome = { .rcode = cases[i].rcode, .links = links, .link_count = 1 };
        nta_check_answer(net.check, net.asked[0].waiter, &outcome, at(0));
        assert_int_equal(nta->cut, cases[i].cut);
        assert_int_equal(net.cuts, 1);
        nta_check_find_cut(net.check, nta);
        assert_int_equal(net.asked_count, 1);
        net_clear(&net);
    }
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(three_good_rounds_in_a_row_end_it),
        cmocka_unit_test(nothing_is_concluded_while_the_clock_is_unfit),
        cmocka_unit_test(answers_may_come_behind_its_end),
        cmocka_unit_test(each_server_is_asked_by_itself),
        cmocka_unit_test(zone_cuts_have_an_soa_of_their_own),
    };
    return cmocka_run_group_tests_name("steward/nta_check", tests, NULL, NULL);
}
