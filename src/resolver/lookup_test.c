/* Lookups that wait for each other, and what they remember of servers:
 * through resolver.h, with delegations put into the cache beforehand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "message/testing.h"
#include "resolver/lookup.h"
#include "resolver/world.h"

enum { SENT_MAX = 2 * (LATE_QUESTIONS_MAX + 1) };

struct test {
    struct world world;
    struct exchange sent[SENT_MAX];
    unsigned sent_count;
    unsigned done;
};

static int set_up(void **state)
{
    struct test *test = memory_new(1, sizeof(*test));
    struct world *world = &test->world;
    set_hash_secret();
    world_make(world, 4 << 20, (struct now) { 1000000000000, 1000, true });
    world->options.random_case = false;
    world->options.minimisation = MINIMISATION_OFF;
    world->options.cookies = false;
    *state = test;
    return 0;
}

static int tear_down(void **state)
{
    struct test *test = *state;
    world_clear(&test->world);
    free(test);
    return 0;
}

static void run(struct test *test)
{
    struct want want;
    while (resolver_next(test->world.resolver, test->world.now, &want)) {
        if (want.kind == WANT_DONE)
            test->done++;
        if (want.kind != WANT_EXCHANGE)
            continue;
        assert_true(test->sent_count < SENT_MAX);
        struct exchange *sent = &test->sent[test->sent_count++];
        *sent = want.exchange;
        sent->packet = octets_copy(test->world.arena, want.exchange.packet);
    }
}

static void ask(struct test *test, const char *name, uint16_t type)
{
    struct question question = { .qname = name_of(name), .qtype = type, .qclass = CLASS_IN };
    resolver_ask(test->world.resolver, &question, false, test, test->world.now);
    run(test);
}

/* The zone's servers by name; at 185.49.140.10 if `has_glue`. */
static void delegate(struct test *test, const char *zone, const char *const *servers, uint16_t count, bool has_glue)
{
    struct delegation delegation = {
        .zone = name_of(zone),
        .expires_ms = test->world.now.wall_ms + 3600000,
        .server_count = count,
        .servers = ARENA_ARRAY(test->world.arena, count, struct delegation_server),
    };
    for (uint16_t i = 0; i < count; i++) {
        struct delegation_server *server = &delegation.servers[i];
        server->name = name_of(servers[i]);
        server->address_count = has_glue;
        server->addresses = ARENA_NEW(test->world.arena, struct address);
        server->addresses[0] = (struct address) { .family = 4, .port = 53, .octets = { 185, 49, 140, 10 } };
    }
    cache_put_delegation(test->world.cache, &delegation, test->world.now);
}

/* ---- the waits-for graph ---- */

/* Zones in pairs, each with its servers in both zones of the pair below: there are twice as many ways down for each
 * pair, and as often a lookup that starts asks whether the others wait for it. */
static void waits_are_walked_once(void **state)
{
    enum { PAIRS = 40, TEXT_MAX = 32 };
    struct test *test = *state;
    for (int i = 0; i < PAIRS; i++) {
        char zones[2][TEXT_MAX], hosts[2][TEXT_MAX];
        const char *servers[] = { hosts[0], hosts[1] };
        for (int side = 0; side < 2; side++) {
            snprintf(zones[side], sizeof(zones[side]), "%c%d.", 'a' + side, i);
            snprintf(hosts[side], sizeof(hosts[side]), "ns.%c%d.", 'a' + side, i > 0 ? i - 1 : 0);
        }
        for (int side = 0; side < 2; side++)
            delegate(test, zones[side], servers, 2, i == 0);
        for (int side = 0; side < 2; side++) {
            char host[TEXT_MAX];
            snprintf(host, sizeof(host), "ns.%c%d.", 'a' + side, i);
            ask(test, host, TYPE_A);
            ask(test, host, TYPE_AAAA);
        }
    }
    assert_int_equal(test->sent_count, 8); /* the lowest pair's, and the next one's by its glue */
    assert_int_equal(test->done, 0);
}

/* ---- EDNS ---- */

static bool has_edns(struct test *test, const struct exchange *sent)
{
    struct message message;
    assert_int_equal(message_read(sent->packet, test->world.arena, &message), OK);
    return message.edns.present;
}

/* The last question comes back with this RCODE and nothing else, not even OPT. */
static void reply(struct test *test, uint8_t rcode)
{
    const struct exchange *sent = &test->sent[test->sent_count - 1];
    size_t edns_octets = has_edns(test, sent) ? 11 : 0;
    struct octets packet = octets_copy(test->world.arena, sent->packet);
    uint8_t *octets = (uint8_t *)(uintptr_t)packet.data;
    packet.len -= edns_octets;
    octets[2] |= 0x80;
    octets[3] = (uint8_t)((octets[3] & 0xf0) | rcode);
    octets[11] = 0; /* ARCOUNT */
    assert_int_equal(resolver_absorb(test->world.resolver, sent->id, packet, test->world.now), ABSORBED);
    run(test);
}

/* NOTIMP or FORMERR may be about the type or the name: a client's odd question must not take the signatures away from
 * all that the server has. */
static void refusing_both_ways_says_nothing_of_edns(void **state)
{
    static const uint8_t rcodes[] = { RCODE_NOTIMP, RCODE_FORMERR };
    static const char *const names[] = { "odd.example.", "bad.example." };
    struct test *test = *state;
    delegate(test, "example.", (const char *const[]) { "ns.example." }, 1, true);
    for (size_t i = 0; i < ARRAY_LEN(rcodes); i++) {
        test->sent_count = 0;
        ask(test, names[i], 65280);
        reply(test, rcodes[i]);
        assert_int_equal(test->sent_count, 2);
        assert_false(has_edns(test, &test->sent[1]));
        reply(test, rcodes[i]);
    }
    ask(test, "www.example.", TYPE_A);
    assert_true(has_edns(test, &test->sent[test->sent_count - 1]));
}

static void an_answer_without_edns_does(void **state)
{
    struct test *test = *state;
    delegate(test, "example.", (const char *const[]) { "ns.example." }, 1, true);
    ask(test, "www.example.", TYPE_A);
    reply(test, RCODE_FORMERR);
    assert_false(has_edns(test, &test->sent[1]));
    reply(test, RCODE_NXDOMAIN);
    ask(test, "mail.example.", TYPE_A);
    assert_false(has_edns(test, &test->sent[2]));
}

/* ---- cookies (X-cookies, RFC 7873 section 5.3) ---- */

/* The cookie in the n-th question that was sent. */
static struct octets cookie_sent(struct test *test, unsigned n)
{
    struct message message;
    assert_true(n < test->sent_count);
    assert_int_equal(message_read(test->sent[n].packet, test->world.arena, &message), OK);
    const struct edns_option *option = edns_option_find(&message.edns, EDNS_COOKIE);
    return option == NULL ? (struct octets) { NULL, 0 } : octets_copy(test->world.arena, option->data);
}

static enum absorbed reply_with_cookie(struct test *test, uint16_t rcode, struct octets cookie)
{
    const struct exchange *sent = &test->sent[test->sent_count - 1];
    uint8_t buffer[512];
    struct message asked;
    assert_int_equal(message_read(sent->packet, test->world.arena, &asked), OK);
    struct header header = { .id = asked.header.id, .qr = true, .aa = true, .rcode = rcode & 0xf };
    struct edns edns = { .present = true, .udp_octets = 1232, .rcode_high = (uint8_t)(rcode >> 4) };
    if (cookie.len > 0)
        edns.options[edns.option_count++] = (struct edns_option) { EDNS_COOKIE, cookie };
    struct message_writer m;
    message_begin(&m, buffer, sizeof(buffer), &header);
    message_put_question(&m, &asked.question);
    assert_true(message_put_edns(&m, &edns));
    enum absorbed absorbed = resolver_absorb(test->world.resolver, sent->id, message_end(&m), test->world.now);
    run(test);
    return absorbed;
}

/* Ours as it was sent, and one of the server's. */
static struct octets full_cookie(struct test *test, const char *server_part)
{
    uint8_t *octets = arena_alloc(test->world.arena, 16);
    struct octets sent = cookie_sent(test, test->sent_count - 1);
    memcpy(octets, sent.data, 8);
    memcpy(octets + 8, server_part, 8);
    return (struct octets) { octets, 16 };
}

/* A server of example. that has shown a cookie. */
static void know_each_other(struct test *test)
{
    test->world.options.cookies = true;
    delegate(test, "example.", (const char *const[]) { "ns.example." }, 1, true);
    ask(test, "first.example.", TYPE_A);
    assert_int_equal(cookie_sent(test, 0).len, COOKIE_CLIENT_OCTETS);
    assert_int_equal(reply_with_cookie(test, RCODE_NXDOMAIN, full_cookie(test, "SERVER01")), ABSORBED);
    test->sent_count = 0;
}

static void a_servers_cookie_is_shown_to_it(void **state)
{
    struct test *test = *state;
    know_each_other(test);
    ask(test, "second.example.", TYPE_A);
    struct octets cookie = cookie_sent(test, 0);
    assert_int_equal(cookie.len, 16);
    assert_memory_equal(cookie.data + 8, "SERVER01", 8);
    test->world.now.monotonic_ms += COOKIE_CLIENT_S * INT64_C(1000); /* another day, another cookie */
    test->world.now.wall_ms += 1000;
    ask(test, "third.example.", TYPE_A);
    assert_int_equal(cookie_sent(test, 1).len, COOKIE_CLIENT_OCTETS);
    assert_memory_not_equal(cookie_sent(test, 1).data, cookie.data, COOKIE_CLIENT_OCTETS);
}

static void another_cookie_is_a_forgery(void **state)
{
    struct test *test = *state;
    know_each_other(test);
    ask(test, "second.example.", TYPE_A);
    struct octets forged = { (const uint8_t *)"forged!!SERVER01", 16 }, malformed = { forged.data, 7 };
    assert_int_equal(reply_with_cookie(test, RCODE_NXDOMAIN, forged), ABSORB_WAIT);
    assert_int_equal(reply_with_cookie(test, RCODE_NXDOMAIN, malformed), ABSORB_WAIT);
    assert_int_equal(test->sent_count, 1);
    resolver_tick(test->world.resolver,
                  (struct now) { test->world.now.wall_ms + 4000, test->world.now.monotonic_ms + 4000, true });
    run(test);
    assert_int_equal(test->sent[1].transport, TRANSPORT_TCP);
    assert_int_equal(reply_with_cookie(test, RCODE_NXDOMAIN, full_cookie(test, "SERVER02")), ABSORBED);
    ask(test, "third.example.", TYPE_A); /* remembered */
    assert_int_equal(test->sent[2].transport, TRANSPORT_TCP);
}

static void a_missing_cookie_is_asked_for_over_tcp(void **state)
{
    static const struct octets none = { NULL, 0 };
    struct test *test = *state;
    know_each_other(test);
    ask(test, "second.example.", TYPE_A);
    unsigned done = test->done;
    assert_int_equal(reply_with_cookie(test, RCODE_NXDOMAIN, none), ABSORBED);
    assert_int_equal(test->done, done);
    assert_int_equal(test->sent[1].transport, TRANSPORT_TCP);
    assert_int_equal(reply_with_cookie(test, RCODE_NXDOMAIN, none), ABSORBED); /* the server has stopped */
    ask(test, "third.example.", TYPE_A);
    assert_int_equal(test->sent[test->sent_count - 1].transport, TRANSPORT_UDP);
    assert_int_equal(cookie_sent(test, test->sent_count - 1).len, COOKIE_CLIENT_OCTETS);
}

static void a_bad_cookie_is_replaced_once(void **state)
{
    struct test *test = *state;
    know_each_other(test);
    ask(test, "second.example.", TYPE_A);
    reply_with_cookie(test, RCODE_BADCOOKIE, full_cookie(test, "SERVER02"));
    assert_int_equal(test->sent[1].transport, TRANSPORT_UDP);
    assert_memory_equal(cookie_sent(test, 1).data + 8, "SERVER02", 8);
    reply_with_cookie(test, RCODE_BADCOOKIE, full_cookie(test, "SERVER03"));
    assert_int_equal(test->sent[2].transport, TRANSPORT_TCP);
}

/* RFC 6891 section 6.1.2 wants options that are not known to be ignored. */
static void a_server_may_stumble_over_options(void **state)
{
    struct test *test = *state;
    test->world.options.cookies = true;
    delegate(test, "example.", (const char *const[]) { "ns.example." }, 1, true);
    ask(test, "first.example.", TYPE_A);
    reply_with_cookie(test, RCODE_FORMERR, (struct octets) { NULL, 0 });
    assert_true(has_edns(test, &test->sent[1]));
    assert_int_equal(cookie_sent(test, 1).len, 0);
    reply_with_cookie(test, RCODE_NXDOMAIN, (struct octets) { NULL, 0 });
    ask(test, "second.example.", TYPE_A);
    assert_int_equal(cookie_sent(test, test->sent_count - 1).len, 0);
}

static void silence_may_be_about_options(void **state)
{
    struct test *test = *state;
    test->world.options.cookies = true;
    delegate(test, "example.", (const char *const[]) { "ns.example." }, 1, true);
    ask(test, "first.example.", TYPE_A);
    test->world.now.monotonic_ms += RTT_UNKNOWN_MS;
    resolver_tick(test->world.resolver, test->world.now);
    run(test);
    assert_int_equal(test->sent_count, 2);
    assert_int_equal(test->sent[1].transport, TRANSPORT_UDP);
    assert_true(has_edns(test, &test->sent[1]));
    assert_int_equal(cookie_sent(test, 1).len, 0);
}

/* ---- servers with little patience ---- */

static void pass_ms(struct test *test, int64_t ms)
{
    test->world.now.monotonic_ms += ms;
    resolver_tick(test->world.resolver, test->world.now);
    run(test);
}

static void read_sent(struct test *test, unsigned n, struct message *message)
{
    assert_true(n < test->sent_count);
    assert_int_equal(message_read(test->sent[n].packet, test->world.arena, message), OK);
}

static bool is_plain(struct test *test, unsigned n)
{
    struct message message;
    read_sent(test, n, &message);
    struct dname lower;
    dname_lower(&message.question.qname, &lower);
    return !message.header.cd && dname_same_case(&message.question.qname, &lower);
}

/* Some drop what is not in lower case, or has CD set. */
static void the_last_question_is_plain(void **state)
{
    struct test *test = *state;
    test->world.options.random_case = true;
    delegate(test, "example.", (const char *const[]) { "ns.example." }, 1, true);
    ask(test, "a-name-with-many-letters.example.", TYPE_A);
    pass_ms(test, RTT_UNKNOWN_MS);
    pass_ms(test, 2 * RTT_UNKNOWN_MS);
    assert_int_equal(test->sent_count, SENDS_PER_TARGET_MAX);
    for (unsigned i = 0; i < SENDS_PER_TARGET_MAX; i++)
        assert_int_equal(is_plain(test, i), i == SENDS_PER_TARGET_MAX - 1);
    reply(test, RCODE_NXDOMAIN);
    ask(test, "another-name-with-many-letters.example.", TYPE_A); /* remembered … */
    assert_true(is_plain(test, test->sent_count - 1));
    reply(test, RCODE_NXDOMAIN);
    pass_ms(test, PLAIN_S * INT64_C(1000)); /* … for a while */
    ask(test, "a-third-name-with-many-letters.example.", TYPE_A);
    assert_false(is_plain(test, test->sent_count - 1));
}

/* The last question comes back as it was, with this RCODE. */
static void reply_with_edns(struct test *test, uint8_t rcode)
{
    const struct exchange *sent = &test->sent[test->sent_count - 1];
    struct octets packet = octets_copy(test->world.arena, sent->packet);
    uint8_t *octets = (uint8_t *)(uintptr_t)packet.data;
    octets[2] |= 0x80;
    octets[3] = (uint8_t)((octets[3] & 0xf0) | rcode);
    assert_int_equal(resolver_absorb(test->world.resolver, sent->id, packet, test->world.now), ABSORBED);
    run(test);
}

/* Others say FORMERR to it, and show that it is not about EDNS. */
static void whom_cd_confuses_is_asked_plainly(void **state)
{
    struct test *test = *state;
    test->world.options.cookies = false;
    delegate(test, "example.", (const char *const[]) { "ns.example." }, 1, true);
    ask(test, "www.example.", TYPE_A);
    assert_false(is_plain(test, 0));
    reply_with_edns(test, RCODE_FORMERR);
    assert_true(is_plain(test, 1));
    assert_true(has_edns(test, &test->sent[1]));
    reply(test, RCODE_NXDOMAIN);
    ask(test, "mail.example.", TYPE_A);
    assert_true(is_plain(test, 2));
}

/* Some refuse it. */
static void who_refuses_is_asked_plainly(void **state)
{
    struct test *test = *state;
    test->world.options.random_case = true;
    delegate(test, "example.", (const char *const[]) { "ns.example." }, 1, true);
    ask(test, "a-name-with-many-letters.example.", TYPE_A);
    reply(test, RCODE_REFUSED);
    assert_int_equal(test->sent_count, 2);
    assert_true(is_plain(test, 1));
    reply(test, RCODE_NXDOMAIN);
    ask(test, "another-name-with-many-letters.example.", TYPE_A); /* remembered */
    assert_true(is_plain(test, 2));
}

static void who_bears_all_is_believed(void **state)
{
    struct test *test = *state;
    delegate(test, "example.", (const char *const[]) { "ns.example." }, 1, true);
    ask(test, "a.example.", TYPE_A);
    reply(test, RCODE_NXDOMAIN);
    ask(test, "b.example.", TYPE_A);
    reply(test, RCODE_REFUSED);
    assert_false(is_plain(test, test->sent_count - 1));
}

static void a_failure_may_pass(void **state)
{
    struct test *test = *state;
    delegate(test, "example.", (const char *const[]) { "ns.example." }, 1, true);
    ask(test, "www.example.", TYPE_A);
    for (unsigned n = 0; n < SENDS_PER_TARGET_MAX; n++) {
        assert_true(address_equal(&test->sent[n].server, &test->sent[0].server));
        reply(test, RCODE_SERVFAIL);
    }
    /* but not for long: the zone's parent is asked */
    assert_false(address_equal(&test->sent[SENDS_PER_TARGET_MAX].server, &test->sent[0].server));
}

/* RFC 5452 section 9.2: TCP is better, but the server need not speak it. */
static void guessing_makes_no_server_unreachable(void **state)
{
    struct test *test = *state;
    delegate(test, "example.", (const char *const[]) { "ns.example." }, 1, true);
    ask(test, "www.example.", TYPE_A);
    for (unsigned round = 0; round < 2; round++) {
        const struct exchange sent = test->sent[test->sent_count - 1];
        assert_int_equal(sent.transport, TRANSPORT_UDP);
        struct octets guess = octets_copy(test->world.arena, sent.packet);
        ((uint8_t *)(uintptr_t)guess.data)[0] ^= 1;
        for (unsigned n = 0; n < 2 * FORGED_MAX; n++)
            resolver_absorb(test->world.resolver, sent.id, guess, test->world.now);
        run(test);
        if (round == 0) {
            assert_int_equal(test->sent[1].transport, TRANSPORT_TCP);
            resolver_exchange_failed(test->world.resolver, test->sent[1].id, EXCHANGE_REFUSED, test->world.now);
            run(test);
        }
    }
    assert_int_equal(test->sent_count, 3);
    reply(test, RCODE_NXDOMAIN);
    assert_int_equal(test->done, 1);
}

/* D8-signal: RFC 6975 */
static void algorithms_are_signalled(void **state)
{
    static const struct {
        uint16_t code;
        struct octets numbers;
    } expected[] = {
        { EDNS_DAU, { (const uint8_t *)"\x08\x0a\x0d\x0e\x0f\x10", 6 } },
        { EDNS_DHU, { (const uint8_t *)"\1\2\4", 3 } },
        { EDNS_N3U, { (const uint8_t *)"\1", 1 } },
    };
    struct test *test = *state;
    struct message message;
    test->world.options.signal_algorithms = true;
    delegate(test, "example.", (const char *const[]) { "ns.example." }, 1, true);
    ask(test, "first.example.", TYPE_A);
    assert_int_equal(message_read(test->sent[0].packet, test->world.arena, &message), OK);
    for (size_t i = 0; i < ARRAY_LEN(expected); i++) {
        const struct edns_option *option = edns_option_find(&message.edns, expected[i].code);
        assert_non_null(option);
        assert_true(octets_equal(option->data, expected[i].numbers));
    }
}

/* ---- budgets ---- */

/* To 185.49.0.1 and those that follow. */
static void delegate_to_addresses(struct test *test, const char *zone, uint8_t count)
{
    struct delegation delegation = {
        .zone = name_of(zone),
        .expires_ms = test->world.now.wall_ms + 3600000,
        .server_count = 1,
        .servers = ARENA_NEW(test->world.arena, struct delegation_server),
    };
    delegation.servers[0].name = delegation.zone;
    delegation.servers[0].address_count = count;
    delegation.servers[0].addresses = ARENA_ARRAY(test->world.arena, count, struct address);
    for (uint8_t i = 0; i < count; i++)
        delegation.servers[0].addresses[i] =
            (struct address) { .family = 4, .port = 53, .octets = { 185, 49, 0, (uint8_t)(i + 1) } };
    cache_put_delegation(test->world.cache, &delegation, test->world.now);
}

static void delegate_to_many(struct test *test, const char *zone)
{
    enum { SERVERS = 4 };
    struct delegation delegation = {
        .zone = name_of(zone),
        .expires_ms = test->world.now.wall_ms + 3600000,
        .server_count = SERVERS,
        .servers = ARENA_ARRAY(test->world.arena, SERVERS, struct delegation_server),
    };
    for (uint8_t i = 0; i < SERVERS; i++) {
        struct delegation_server *server = &delegation.servers[i];
        server->name = delegation.zone;
        server->address_count = ADDRESSES_PER_NS_MAX;
        server->addresses = ARENA_ARRAY(test->world.arena, ADDRESSES_PER_NS_MAX, struct address);
        for (uint8_t k = 0; k < ADDRESSES_PER_NS_MAX; k++)
            server->addresses[k] = (struct address) { .family = 4, .port = 53, .octets = { 185, 49, i, k } };
    }
    cache_put_delegation(test->world.cache, &delegation, test->world.now);
}

/* All servers but the last one refuse; that one says what follows on the question's name. */
static void refuse_then_say(struct test *test, const char *record)
{
    uint8_t buffer[UDP_OCTETS_CLASSIC];
    struct message question;
    unsigned asked = 1;
    for (; asked < 4 * ADDRESSES_PER_NS_MAX; asked++)
        reply(test, RCODE_REFUSED);
    const struct exchange *sent = &test->sent[test->sent_count - 1];
    assert_int_equal(message_read(sent->packet, test->world.arena, &question), OK);
    struct message_writer m;
    struct header header = question.header;
    header.qr = header.aa = true;
    message_begin(&m, buffer, sizeof(buffer), &header);
    message_put_question(&m, &question.question);
    assert_true(message_put_rrset(&m, SECTION_ANSWER, rrset_of(test->world.arena, record), 0));
    assert_int_equal(resolver_absorb(test->world.resolver, sent->id, message_end(&m), test->world.now), ABSORBED);
    run(test);
}

/* Whoever spends his budget elsewhere, and then asks for the victim's name, its keys or its servers' addresses, must
 * not keep others from asking for them: a budget's failure is that of the client's question. */
static void a_spent_budget_is_not_held_against_others(void **state)
{
    struct test *test = *state;
    delegate_to_many(test, "evil1.");
    delegate_to_many(test, "evil2.");
    delegate(test, "victim.", (const char *const[]) { "ns.victim." }, 1, true);
    ask(test, "x.evil1.", TYPE_A);
    refuse_then_say(test, "x.evil1. 0 CNAME x.evil2.");
    refuse_then_say(test, "x.evil2. 0 CNAME www.victim.");
    assert_int_equal(test->sent_count, UPSTREAM_PACKETS_MAX);
    assert_int_equal(test->done, 1);

    ask(test, "www.victim.", TYPE_A);
    assert_int_equal(test->sent_count, UPSTREAM_PACKETS_MAX + 1);
    ask(test, "x.evil1.", TYPE_A);
    assert_int_equal(test->sent_count, UPSTREAM_PACKETS_MAX + 1);
    assert_int_equal(test->done, 2);
}

/* ---- time-outs ---- */

/* How long the question that was sent last is waited for; then it has timed out. */
static int64_t wait_in_vain(struct test *test)
{
    int64_t timeout_ms = resolver_deadline_ms(test->world.resolver) - test->world.now.monotonic_ms;
    test->world.now.monotonic_ms += timeout_ms;
    test->world.now.wall_ms += timeout_ms;
    resolver_tick(test->world.resolver, test->world.now);
    run(test);
    return timeout_ms;
}

/* A zone whose servers pause does not fail at once; one that is known to be silent gets no such time. */
static void the_last_question_is_waited_for(void **state)
{
    struct test *test = *state;
    test->world.options.stale.enabled = false;
    delegate(test, "example.", (const char *const[]) { "ns.example." }, 1, true);
    ask(test, "www.example.", TYPE_A);
    assert_int_equal(wait_in_vain(test), RTT_UNKNOWN_MS);
    assert_int_equal(wait_in_vain(test), 2 * RTT_UNKNOWN_MS);
    assert_int_equal(test->sent_count, SENDS_PER_TARGET_MAX);
    assert_int_equal(wait_in_vain(test), RTT_UNKNOWN_MS); /* for TCP to begin */
    while (test->sent_count < 2 * SENDS_PER_TARGET_MAX)
        assert_true(wait_in_vain(test) < RTT_UNKNOWN_MS);
    assert_true(wait_in_vain(test) > 2 * RTT_UNKNOWN_MS);
    struct server *server = servers_get(test->world.resolver->servers, &test->sent[0].server);
    for (int i = 0; i < SERVER_SILENT_AFTER; i++)
        server_was_silent(server, test->world.now.monotonic_ms, test->world.now.monotonic_ms);
    ask(test, "mail.example.", TYPE_A);
    assert_int_equal(wait_in_vain(test), RTT_UNKNOWN_MS);
}

/* ---- flushes ---- */

/* The n-th question that was sent is answered with this record. */
static void answer(struct test *test, unsigned n, const char *record)
{
    uint8_t buffer[512];
    struct message question;
    assert_int_equal(message_read(test->sent[n].packet, test->world.arena, &question), OK);
    struct header header = { .id = question.header.id, .qr = true, .aa = true, .ra = true };
    struct message_writer m;
    message_begin(&m, buffer, sizeof(buffer), &header);
    message_put_question(&m, &question.question);
    assert_true(message_put_rrset(&m, SECTION_ANSWER, rrset_of(test->world.arena, record), 3600));
    assert_int_equal(resolver_absorb(test->world.resolver, test->sent[n].id, message_end(&m), test->world.now),
                     ABSORBED);
    run(test);
}

/* … or refused. */
static void refuse(struct test *test, unsigned n)
{
    uint8_t buffer[512];
    struct message question;
    assert_int_equal(message_read(test->sent[n].packet, test->world.arena, &question), OK);
    struct header header = { .id = question.header.id, .qr = true, .ra = true, .rcode = RCODE_REFUSED };
    struct message_writer m;
    message_begin(&m, buffer, sizeof(buffer), &header);
    message_put_question(&m, &question.question);
    assert_int_equal(resolver_absorb(test->world.resolver, test->sent[n].id, message_end(&m), test->world.now),
                     ABSORBED);
    run(test);
}

/* RFC 2181 section 9: what is truncated is asked for again over TCP, and of the same server: no other one is asked over
 * UDP in vain. */
static void what_is_truncated_is_asked_for_over_tcp_at_once(void **state)
{
    struct test *test = *state;
    delegate_to_addresses(test, "example.", 8);
    ask(test, "www.example.", TYPE_A);
    struct octets packet = octets_copy(test->world.arena, test->sent[0].packet);
    ((uint8_t *)(uintptr_t)packet.data)[2] |= 0x82; /* QR, TC */
    assert_int_equal(resolver_absorb(test->world.resolver, test->sent[0].id, packet, test->world.now), ABSORBED);
    run(test);
    assert_int_equal(test->sent_count, 2);
    assert_int_equal(test->sent[1].transport, TRANSPORT_TCP);
    assert_true(address_equal(&test->sent[1].server, &test->sent[0].server));
}

/* It may be that packets are lost: RFC 9520 section 3.1 counts by transport. */
static void who_is_silent_over_udp_is_asked_over_tcp(void **state)
{
    struct test *test = *state;
    test->world.options.stale.enabled = false;
    delegate(test, "example.", (const char *const[]) { "ns.example." }, 1, true);
    ask(test, "www.example.", TYPE_A);
    for (unsigned i = 0; i < SENDS_PER_TARGET_MAX; i++) {
        assert_int_equal(test->sent[i].transport, TRANSPORT_UDP);
        wait_in_vain(test);
    }
    assert_int_equal(test->sent_count, SENDS_PER_TARGET_MAX + 1);
    assert_int_equal(test->sent[SENDS_PER_TARGET_MAX].transport, TRANSPORT_TCP);
    answer(test, SENDS_PER_TARGET_MAX, "www.example. 3600 A 192.0.2.7");
    assert_int_equal(test->done, 1);
    const struct server *server = servers_get(test->world.resolver->servers, &test->sent[0].server);
    assert_int_equal(server->tcp_until_ms, 0);
    assert_int_equal(server->plain_until_ms, 0);
}

static unsigned in_flight(const struct test *test)
{
    struct resolver_stats stats;
    resolver_get_stats(test->world.resolver, &stats);
    return stats.in_flight;
}

/* Silence may have been meant for minimised questions: the whole name gets one more, which is no reason not to try
 * TCP. */
static void silence_to_minimised_questions_keeps_nobody_from_tcp(void **state)
{
    struct test *test = *state;
    test->world.options.stale.enabled = false;
    test->world.options.minimisation = MINIMISATION_RELAXED;
    delegate(test, "example.", (const char *const[]) { "ns.example." }, 1, true);
    ask(test, "a.b.c.example.", TYPE_TXT);
    for (unsigned i = 0; i < SENDS_PER_TARGET_MAX + 1; i++) {
        assert_int_equal(test->sent[i].transport, TRANSPORT_UDP);
        wait_in_vain(test);
    }
    assert_int_equal(test->sent_count, SENDS_PER_TARGET_MAX + 2);
    assert_int_equal(test->sent[test->sent_count - 1].transport, TRANSPORT_TCP);
}

/* A server that is slow, or so far away: asked again meanwhile, but what it says to the first question counts. */
static void a_late_reply_is_heard(void **state)
{
    struct test *test = *state;
    test->world.options.stale.enabled = false;
    delegate(test, "example.", (const char *const[]) { "ns.example." }, 1, true);
    ask(test, "www.example.", TYPE_A);
    wait_in_vain(test);
    wait_in_vain(test);
    assert_int_equal(in_flight(test), 3);
    answer(test, 0, "www.example. 3600 A 192.0.2.7");
    assert_int_equal(test->done, 1);
    assert_int_equal(in_flight(test), 0);
    const struct server *server = servers_get(test->world.resolver->servers, &test->sent[0].server);
    assert_true(server->measured);
    assert_int_equal(server->srtt_ms, 3 * RTT_UNKNOWN_MS);
    assert_int_equal(server->timeouts_in_a_row, 0);
}

/* The questions of several clients together find a server silent before any of them would: what each has asked is
 * waited for all the same. */
static void a_server_that_others_find_silent_may_be_slow(void **state)
{
    enum { ROUND_TRIP_MS = 1500 };
    struct test *test = *state;
    test->world.options.stale.enabled = false;
    delegate(test, "example.", (const char *const[]) { "ns.example." }, 1, true);
    ask(test, "www.example.", TYPE_A);
    wait_in_vain(test);
    struct server *server = servers_get(test->world.resolver->servers, &test->sent[0].server);
    for (int i = 0; i < SERVER_SILENT_AFTER; i++)
        server_was_silent(server, test->world.now.monotonic_ms, test->world.now.monotonic_ms);
    wait_in_vain(test);
    assert_int_equal(test->sent_count, 2); /* no third one */
    assert_int_equal(wait_in_vain(test), ROUND_TRIP_MS - 2 * RTT_UNKNOWN_MS);
    assert_int_equal(test->sent_count, 3); /* to the parent */
    assert_int_equal(test->sent[2].transport, TRANSPORT_UDP);
}

/* … but nobody has longer to guess at it than before (RFC 5452 section 9.2). */
static void a_forged_late_reply_ends_the_wait_for_it(void **state)
{
    static const uint8_t forged[12] = { 0 };
    struct test *test = *state;
    delegate(test, "example.", (const char *const[]) { "ns.example." }, 1, true);
    ask(test, "www.example.", TYPE_A);
    wait_in_vain(test);
    assert_int_equal(in_flight(test), 2);
    assert_int_equal(resolver_absorb(test->world.resolver, test->sent[0].id, (struct octets) { forged, sizeof(forged) },
                                     test->world.now),
                     ABSORB_WAIT);
    assert_int_equal(in_flight(test), 1);
    answer(test, 1, "www.example. 3600 A 192.0.2.7");
    assert_int_equal(test->done, 1);
}

/* Sockets are few: when one question more is late the oldest of them is not heard any more. */
static void late_questions_are_bounded(void **state)
{
    struct test *test = *state;
    struct resolver *r = test->world.resolver;
    delegate(test, "example.", (const char *const[]) { "ns.example." }, 1, true);
    for (unsigned i = 0; i < LATE_QUESTIONS_MAX + 1; i++) {
        char name[32];
        if (i == LATE_QUESTIONS_MAX) {
            while (r->late_count < LATE_QUESTIONS_MAX)
                wait_in_vain(test);
            assert_int_equal(in_flight(test), 2 * LATE_QUESTIONS_MAX);
            assert_non_null(flight_find(r, test->sent[0].id));
        }
        snprintf(name, sizeof(name), "n%u.example.", i);
        ask(test, name, TYPE_A);
    }
    unsigned newest = test->sent_count - 1;
    while (!flight_find(r, test->sent[newest].id)->is_late)
        wait_in_vain(test);
    assert_null(flight_find(r, test->sent[0].id));
    assert_int_equal(r->late_count, LATE_QUESTIONS_MAX);
}

/* A refusal that comes late leaves the question that was sent since then its time. */
static void a_late_refusal_is_no_end(void **state)
{
    struct test *test = *state;
    delegate_to_many(test, "example.");
    ask(test, "www.example.", TYPE_A);
    wait_in_vain(test);
    refuse(test, 0);
    assert_int_equal(test->sent_count, 3);
    answer(test, 1, "www.example. 3600 A 192.0.2.7");
    assert_int_equal(test->done, 1);
    assert_int_equal(in_flight(test), 0);
}

static bool is_of_the_zone(const struct exchange *sent)
{
    return sent->server.octets[0] == 185 && sent->server.octets[1] == 49;
}

/* The parent says what it has said before. */
static void refer_again(struct test *test, unsigned n, const char *ns, const char *glue)
{
    uint8_t buffer[512];
    struct message question;
    assert_int_equal(message_read(test->sent[n].packet, test->world.arena, &question), OK);
    struct header header = { .id = question.header.id, .qr = true };
    struct message_writer m;
    message_begin(&m, buffer, sizeof(buffer), &header);
    message_put_question(&m, &question.question);
    assert_true(message_put_rrset(&m, SECTION_AUTHORITY, rrset_of(test->world.arena, ns), 3600));
    assert_true(message_put_rrset(&m, SECTION_ADDITIONAL, rrset_of(test->world.arena, glue), 3600));
    assert_int_equal(resolver_absorb(test->world.resolver, test->sent[n].id, message_end(&m), test->world.now),
                     ABSORBED);
    run(test);
}

/* Its servers are silent until somebody else is asked: its parent.  Returns the number of that question. */
static unsigned wait_for_dead_zone(struct test *test, uint8_t servers)
{
    enum { CLIENT_GIVES_UP_MS = 5000 };
    int64_t began_ms = test->world.now.monotonic_ms;
    test->world.options.stale.enabled = false;
    test->world.options.prime_root = false;
    delegate_to_addresses(test, "example.", servers);
    ask(test, "www.example.", TYPE_A);
    while (is_of_the_zone(&test->sent[test->sent_count - 1]))
        wait_in_vain(test);
    unsigned asked = test->sent_count - 1;
    assert_true(test->world.now.monotonic_ms - began_ms < CLIENT_GIVES_UP_MS);
    assert_true(asked > servers && asked <= SENDS_PER_TARGET_MAX * (servers + 1U));
    assert_int_equal(test->sent[asked - 1].transport, TRANSPORT_TCP);
    return asked;
}

/* However many servers a zone has: when all are dead its client is told so before it gives up, after five seconds
 * (resolv.conf(5), dig). */
static void dead_zones_fail_in_time(void **state)
{
    static const uint8_t counts[] = { 1, 2, 3, 4, 8, ADDRESSES_PER_NS_MAX };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
        void *test;
        set_up(&test);
        wait_for_dead_zone(test, counts[i]);
        tear_down(&test);
    }
}

/* … and those that its parent names once more are not asked once more (RFC 9520 section 3.1), nor for long for another
 * name. */
static void dead_servers_are_not_asked_again(void **state)
{
    struct test *test = *state;
    unsigned asked = wait_for_dead_zone(test, 1);
    refer_again(test, asked, "example. NS ns.example.", "ns.example. A 185.49.0.1");
    assert_int_equal(test->sent_count, asked + 1);
    assert_int_equal(test->done, 1);
    ask(test, "mail.example.", TYPE_A);
    assert_int_equal(wait_in_vain(test), RTT_UNKNOWN_MS);
    assert_int_equal(test->sent_count, asked + 2);
    assert_int_equal(test->done, 2);
}

/* To 192.0.2.1. */
static void forward_example(struct test *test, struct zone_rule *rule)
{
    *rule = (struct zone_rule) { .zone = name_of("example."),
                                 .kind = ZONE_RULE_FORWARD_ONLY,
                                 .address_count = 1,
                                 .addresses = { { .family = 4, .port = 53, .octets = { 192, 0, 2, 1 } } } };
    test->world.options.zone_rules = rule;
    test->world.options.zone_rule_count = 1;
}

/* A forwarder that is restarted: it is asked again, but not at once, nor for ever. */
static void a_lone_forwarder_may_come_back(void **state)
{
    struct test *test = *state;
    struct zone_rule rule;
    test->world.options.stale.enabled = false;
    forward_example(test, &rule);
    ask(test, "www.example.", TYPE_A);
    for (unsigned n = 1; n <= SENDS_PER_TARGET_MAX; n++) {
        assert_int_equal(test->sent_count, n);
        resolver_exchange_failed(test->world.resolver, test->sent[n - 1].id, EXCHANGE_REFUSED, test->world.now);
        run(test);
        if (n < SENDS_PER_TARGET_MAX)
            wait_in_vain(test);
    }
    assert_int_equal(test->sent_count, SENDS_PER_TARGET_MAX);
    assert_int_equal(test->done, 1);
}

/* A reload sends the zone's questions elsewhere and flushes the cache: what was asked before must not come into it. */
static void what_was_asked_before_a_flush_is_not_kept(void **state)
{
    struct test *test = *state;
    struct question question = { .qname = name_of("www.example."), .qtype = TYPE_A, .qclass = CLASS_IN };
    struct zone_rule rule;
    struct answer *kept;
    forward_example(test, &rule);
    ask(test, "www.example.", TYPE_A);
    rule.addresses[0].octets[3] = 2;
    cache_flush_all(test->world.cache);
    answer(test, 0, "www.example. 3600 A 203.0.113.1");
    assert_int_equal(test->done, 0);
    assert_int_equal(test->sent_count, 2);
    assert_int_equal(test->sent[1].server.octets[3], 2);
    assert_int_equal(cache_find_answer(test->world.cache, &question, 1, test->world.now, test->world.arena, &kept),
                     CACHE_MISS);
    answer(test, 1, "www.example. 3600 A 203.0.113.2");
    assert_int_equal(test->done, 1);
    assert_int_equal(cache_find_answer(test->world.cache, &question, 1, test->world.now, test->world.arena, &kept),
                     CACHE_FRESH);
    assert_int_equal(kept->rrsets.items[0]->rdata[0].data[3], 2);
}

/* Who asks for the address of a forwarder must ask the forwarder: that comes to an end, and no packet is sent. */
static void forwarders_that_only_they_know_are_given_up(void **state)
{
    struct test *test = *state;
    struct dname names[] = { name_of("ns1.example."), name_of("ns2.example.") };
    struct zone_rule rule;
    forward_example(test, &rule);
    rule.address_count = 0;
    rule.names = names;
    rule.name_count = ARRAY_LEN(names);
    ask(test, "ns1.example.", TYPE_A);
    ask(test, "www.example.", TYPE_A);
    assert_int_equal(test->done, 2);
    assert_int_equal(test->sent_count, 0);
    assert_int_equal(test->world.resolver->stats.background, 0);
}

/* RFC 9520: nor is a failure to be known that is of another time. */
static void what_failed_before_a_flush_is_forgotten(void **state)
{
    struct test *test = *state;
    struct question question = { .qname = name_of("www.example."), .qtype = TYPE_A, .qclass = CLASS_IN };
    struct zone_rule rule;
    struct failure failure;
    forward_example(test, &rule);
    for (unsigned flushes = 0; flushes < 2; flushes++) {
        bool is_flushed = flushes == 0;
        ask(test, "www.example.", TYPE_A);
        unsigned first = test->sent_count - 1;
        if (is_flushed)
            cache_flush_all(test->world.cache);
        refuse(test, first);
        assert_int_equal(cache_find_failure(test->world.cache, &question, 1, test->world.now, &failure), !is_flushed);
    }
}

/* ---- memory ---- */

/* Every server of the zone refuses, at length: what a lookup keeps in mind must not grow with it. */
static void replies_do_not_pile_up(void **state)
{
    enum { KEPT_OCTETS_MAX = 64 << 10 };
    static uint8_t buffer[MESSAGE_OCTETS_MAX];
    struct test *test = *state;
    delegate_to_many(test, "evil1.");
    ask(test, "x.evil1.", TYPE_A);
    const struct rrset *padding =
        rrset_of(test->world.arena, "x.evil1. 0 NULL \\# 16 00112233445566778899aabbccddeeff");
    for (unsigned asked = 1; asked < 4 * ADDRESSES_PER_NS_MAX; asked++) {
        const struct exchange *sent = &test->sent[test->sent_count - 1];
        struct lookup *l = flight_find(test->world.resolver, sent->id)->lookup;
        assert_true(arena_octets(l->arena) <= KEPT_OCTETS_MAX);
        l->purse->budget.reply_octets = UPSTREAM_OCTETS_MAX; /* which would end it earlier */
        struct message question;
        assert_int_equal(message_read(sent->packet, test->world.arena, &question), OK);
        struct message_writer m;
        struct header header = question.header;
        header.qr = true;
        header.rcode = RCODE_REFUSED;
        message_begin(&m, buffer, sizeof(buffer), &header);
        message_put_question(&m, &question.question);
        for (int i = 0; i < 2000; i++)
            assert_true(message_put_rrset(&m, SECTION_ANSWER, padding, 0));
        assert_int_equal(resolver_absorb(test->world.resolver, sent->id, message_end(&m), test->world.now), ABSORBED);
        run(test);
    }
}

/* ---- error reports (RFC 9567): what the way to an agent may cost ---- */

static const char report_name[] = "_er.1.www.example.0._er.agent.";

/* Pads a reply to the n-th question up to so many octets.  record: NULL without; agent: a Report-Channel, the root
 * without. */
static void reply_large(struct test *test, unsigned n, uint8_t rcode, const char *record, const char *agent,
                        size_t octets)
{
    static uint8_t buffer[MESSAGE_OCTETS_MAX], zeros[MESSAGE_OCTETS_MAX];
    struct message question;
    read_sent(test, n, &question);
    struct header header = { .id = question.header.id, .qr = true, .aa = true, .rcode = rcode };
    struct edns edns = { .present = true, .udp_octets = 1232 };
    struct dname name = name_of(agent);
    if (!dname_is_root(&name))
        edns.options[edns.option_count++] = (struct edns_option) { EDNS_REPORT_CHANNEL, { name.octets, name.len } };
    struct edns_option *padding = &edns.options[edns.option_count++];
    *padding = (struct edns_option) { EDNS_PADDING, { zeros, 0 } };
    struct message_writer m;
    struct octets written = { NULL, 0 };
    do {
        padding->data.len = written.len < octets && written.len > 0 ? octets - written.len : 0;
        message_begin(&m, buffer, sizeof(buffer), &header);
        message_put_question(&m, &question.question);
        if (record != NULL)
            assert_true(message_put_rrset(&m, SECTION_ANSWER, rrset_of(test->world.arena, record), 3600));
        assert_true(message_put_edns(&m, &edns));
        written = message_end(&m);
    } while (written.len < octets);
    assert_true(octets == 0 || written.len == octets);
    assert_int_equal(resolver_absorb(test->world.resolver, test->sent[n].id, written, test->world.now), ABSORBED);
    run(test);
}

/* An alias of itself is reported by its server's wish.  The question to the agent is the next one then. */
static void fail_with_report(struct test *test)
{
    test->world.options.report_errors = true;
    delegate(test, "example.", (const char *const[]) { "ns.example." }, 1, true);
    delegate_to_many(test, "agent.");
    ask(test, "www.example.", TYPE_A);
    reply_large(test, 0, RCODE_NOERROR, "www.example. CNAME www.example.", "agent.", 0);
    assert_int_equal(test->done, 1);
    assert_int_equal(test->sent_count, 2);
}

static bool is_cached(struct test *test, const char *name, uint16_t type)
{
    struct question question = { .qname = name_of(name), .qtype = type, .qclass = CLASS_IN };
    struct answer *found;
    return cache_find_answer(test->world.cache, &question, ORIGIN_ITERATIVE, test->world.now, test->world.arena,
                             &found) == CACHE_FRESH;
}

static void the_last_packet_of_a_report_is_sent(void **state)
{
    struct test *test = *state;
    fail_with_report(test);
    for (unsigned n = 1; n < REPORT_PACKETS_MAX; n++) {
        assert_int_equal(test->sent_count, 1 + n);
        refuse(test, n);
    }
    assert_int_equal(test->sent_count, 1 + REPORT_PACKETS_MAX);
    answer(test, REPORT_PACKETS_MAX, "_er.1.www.example.0._er.agent. TXT \"heard\"");
    assert_true(is_cached(test, report_name, TYPE_TXT));
}

static void a_report_has_no_more_packets(void **state)
{
    struct test *test = *state;
    fail_with_report(test);
    for (unsigned n = 1; n <= REPORT_PACKETS_MAX; n++)
        refuse(test, n);
    assert_int_equal(test->sent_count, 1 + REPORT_PACKETS_MAX);
    assert_int_equal(in_flight(test), 0);
    assert_false(is_cached(test, report_name, TYPE_TXT));
}

/* While one octet is left there is one packet more; it may bring any number. */
static void the_last_octet_of_a_report_is_for_a_packet(void **state)
{
    struct test *test = *state;
    fail_with_report(test);
    reply_large(test, 1, RCODE_REFUSED, NULL, ".", REPORT_OCTETS_MAX - 1);
    assert_int_equal(test->sent_count, 3);
    answer(test, 2, "_er.1.www.example.0._er.agent. TXT \"heard\"");
    assert_true(is_cached(test, report_name, TYPE_TXT));
}

static void a_report_has_no_more_octets(void **state)
{
    struct test *test = *state;
    fail_with_report(test);
    reply_large(test, 1, RCODE_REFUSED, NULL, ".", REPORT_OCTETS_MAX);
    assert_int_equal(test->sent_count, 2);
    assert_int_equal(in_flight(test), 0);
}

/* A late reply to another question, to whom the kernel has given its port since: no reason to leave UDP for a quarter
 * of an hour. */
static void strays_are_no_guesses(void **state)
{
    struct test *test = *state;
    delegate(test, "example.", (const char *const[]) { "ns.example." }, 1, true);
    ask(test, "www.example.", TYPE_A);
    struct octets stray = octets_copy(test->world.arena, test->sent[0].packet);
    uint8_t *octets = (uint8_t *)(uintptr_t)stray.data;
    octets[0] ^= 1;
    octets[2] |= 0x80;
    octets[HEADER_OCTETS + 1] = 'v'; /* vww.example. */
    for (unsigned n = 0; n < STRAYS_MAX; n++)
        assert_int_equal(resolver_absorb(test->world.resolver, test->sent[0].id, stray, test->world.now), ABSORB_WAIT);
    wait_in_vain(test);
    assert_int_equal(test->sent_count, 2);
    assert_int_equal(test->sent[1].transport, TRANSPORT_UDP);
    for (unsigned n = 0; n < STRAYS_MAX + FORGED_MAX; n++) /* that many are no accident */
        resolver_absorb(test->world.resolver, test->sent[1].id, stray, test->world.now);
    run(test);
    assert_int_equal(test->sent[2].transport, TRANSPORT_TCP);
}

/* ---- floods ---- */

enum { SOCKETS = 64 };

/* So many names of the zone are asked for; returns how many of them were not refused at once. */
static unsigned flood(struct test *test, const char *zone, unsigned count)
{
    unsigned before = test->done;
    for (unsigned i = 0; i < count; i++) {
        char name[64];
        snprintf(name, sizeof(name), "f%u-%u.%s", i, test->sent_count, zone);
        ask(test, name, TYPE_A);
    }
    return count - (test->done - before);
}

/* X-floods: names of a zone that does not reply take half of the places, and leave the others to other zones. */
static void no_zone_takes_all_places(void **state)
{
    struct test *test = *state;
    resolver_limit_exchanges(test->world.resolver, SOCKETS);
    delegate(test, "dead.", (const char *const[]) { "ns.dead." }, 1, true);
    delegate(test, "example.", (const char *const[]) { "ns.example." }, 1, true);
    assert_int_equal(flood(test, "dead.", 4 * SOCKETS), SOCKETS / CROWD_BUSY_SHARE);
    assert_int_equal(test->sent_count, SOCKETS / CROWD_BUSY_SHARE);
    assert_int_equal(flood(test, "example.", 2 * SOCKETS), SOCKETS / CROWD_ZONE_SHARE);
    reply(test, RCODE_NXDOMAIN);
    assert_int_equal(flood(test, "example.", 2), 1);
    struct failure failure;
    struct question refused = { .qtype = TYPE_A, .qclass = CLASS_IN };
    refused.qname = name_of("f255-32.dead.");
    assert_false(cache_find_failure(test->world.cache, &refused, ORIGIN_ITERATIVE, test->world.now, &failure));
    struct resolver_stats stats;
    resolver_get_stats(test->world.resolver, &stats);
    assert_int_equal(stats.crowded_out, 4 * SOCKETS - SOCKETS / 2 + 2 * SOCKETS - SOCKETS / 8 + 1);
    while (test->world.resolver->crowds.total > 0)
        wait_in_vain(test);
    assert_int_equal(flood(test, "dead.", 1), 1);
}

/* All questions go to a forwarder, whatever zone they are of. */
static void a_forwarder_has_all_places(void **state)
{
    struct test *test = *state;
    struct zone_rule rule;
    forward_example(test, &rule);
    resolver_limit_exchanges(test->world.resolver, SOCKETS);
    assert_int_equal(flood(test, "example.", 2 * SOCKETS), 2 * SOCKETS);
}

/* What was lost together is not sent again together. */
static void time_outs_of_many_are_spread(void **state)
{
    struct test *test = *state;
    delegate(test, "example.", (const char *const[]) { "ns.example." }, 1, true);
    flood(test, "example.", 2 * CROWD_LARGE);
    unsigned at_once = 0, most = 0;
    for (unsigned before = test->sent_count; test->sent_count < 3 * CROWD_LARGE; before = test->sent_count) {
        wait_in_vain(test);
        at_once = test->sent_count - before;
        most = at_once > most ? at_once : most;
    }
    assert_in_range(most, 1, CROWD_LARGE + CROWD_LARGE / 2); /* those before there were so many, and a few */
}

/* A server that was stopped for a moment has back those who had asked it meanwhile as soon as it goes on: else they
 * would take all places until their doubled time-outs are over. */
static void a_crowd_does_not_wait_twice_as_long_each_time(void **state)
{
    struct test *test = *state;
    struct resolver *r = test->world.resolver;
    delegate(test, "example.", (const char *const[]) { "ns.example." }, 1, true);
    ask(test, "www.example.", TYPE_A);
    reply(test, RCODE_NXDOMAIN);
    for (unsigned i = 0; i < 2; i++) {
        servers_get(r->servers, &test->sent[0].server)->timeouts_in_a_row = SERVER_SILENT_AFTER - 1;
        ask(test, i == 0 ? "alone.example." : "among-many.example.", TYPE_A);
        const struct lookup *lookup = flight_find(r, test->sent[test->sent_count - 1].id)->lookup;
        int64_t in_ms = lookup->timer.due_ms - test->world.now.monotonic_ms;
        assert_in_range(in_ms, i == 0 ? 2 * TIMEOUT_MIN_MS : TIMEOUT_MIN_MS,
                        i == 0 ? TIMEOUT_MAX_MS : 2 * TIMEOUT_MIN_MS);
        flood(test, "example.", 2 * CROWD_LARGE);
    }
}

/* Who does not wait any more is not told, and what nobody waits for is given up. */
static void questions_can_be_abandoned(void **state)
{
    struct test *test = *state;
    struct resolver *r = test->world.resolver;
    struct question question = { .qname = name_of("www.example."), .qtype = TYPE_A, .qclass = CLASS_IN };
    int first, second;
    delegate(test, "example.", (const char *const[]) { "ns.example." }, 1, true);
    resolver_ask(r, &question, false, &first, test->world.now);
    resolver_ask(r, &question, false, &second, test->world.now);
    run(test);
    assert_false(resolver_abandon(r, &question, true, &first));
    assert_true(resolver_abandon(r, &question, false, &first));
    assert_false(resolver_abandon(r, &question, false, &first));
    assert_int_equal(in_flight(test), 1);
    resolver_ask(r, &question, false, &first, test->world.now);
    run(test);
    assert_int_equal(test->sent_count, 1); /* one question for all, still */
    assert_true(resolver_abandon(r, &question, false, &second));
    assert_true(resolver_abandon(r, &question, false, &first));
    run(test);
    assert_int_equal(in_flight(test), 0);
    assert_int_equal(r->crowds.total, 0);
    assert_int_equal(test->done, 0);
    ask(test, "www.example.", TYPE_A);
    assert_int_equal(test->sent_count, 2);
    reply(test, RCODE_NXDOMAIN);
    assert_int_equal(test->done, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(waits_are_walked_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refusing_both_ways_says_nothing_of_edns, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_answer_without_edns_does, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_servers_cookie_is_shown_to_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(another_cookie_is_a_forgery, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_missing_cookie_is_asked_for_over_tcp, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_bad_cookie_is_replaced_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_server_may_stumble_over_options, set_up, tear_down),
        cmocka_unit_test_setup_teardown(silence_may_be_about_options, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_last_question_is_plain, set_up, tear_down),
        cmocka_unit_test_setup_teardown(whom_cd_confuses_is_asked_plainly, set_up, tear_down),
        cmocka_unit_test_setup_teardown(who_refuses_is_asked_plainly, set_up, tear_down),
        cmocka_unit_test_setup_teardown(who_bears_all_is_believed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_failure_may_pass, set_up, tear_down),
        cmocka_unit_test_setup_teardown(guessing_makes_no_server_unreachable, set_up, tear_down),
        cmocka_unit_test_setup_teardown(algorithms_are_signalled, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_spent_budget_is_not_held_against_others, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_last_question_is_waited_for, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_truncated_is_asked_for_over_tcp_at_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(who_is_silent_over_udp_is_asked_over_tcp, set_up, tear_down),
        cmocka_unit_test_setup_teardown(silence_to_minimised_questions_keeps_nobody_from_tcp, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_late_reply_is_heard, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_server_that_others_find_silent_may_be_slow, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_forged_late_reply_ends_the_wait_for_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(late_questions_are_bounded, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_late_refusal_is_no_end, set_up, tear_down),
        cmocka_unit_test_setup_teardown(dead_servers_are_not_asked_again, set_up, tear_down),
        cmocka_unit_test(dead_zones_fail_in_time),
        cmocka_unit_test_setup_teardown(a_lone_forwarder_may_come_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_was_asked_before_a_flush_is_not_kept, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_failed_before_a_flush_is_forgotten, set_up, tear_down),
        cmocka_unit_test_setup_teardown(forwarders_that_only_they_know_are_given_up, set_up, tear_down),
        cmocka_unit_test_setup_teardown(replies_do_not_pile_up, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_last_packet_of_a_report_is_sent, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_report_has_no_more_packets, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_last_octet_of_a_report_is_for_a_packet, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_report_has_no_more_octets, set_up, tear_down),
        cmocka_unit_test_setup_teardown(strays_are_no_guesses, set_up, tear_down),
        cmocka_unit_test_setup_teardown(no_zone_takes_all_places, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_forwarder_has_all_places, set_up, tear_down),
        cmocka_unit_test_setup_teardown(time_outs_of_many_are_spread, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_crowd_does_not_wait_twice_as_long_each_time, set_up, tear_down),
        cmocka_unit_test_setup_teardown(questions_can_be_abandoned, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
