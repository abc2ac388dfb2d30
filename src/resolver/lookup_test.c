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
#include "resolver/internal.h"

enum { SENT_MAX = 2 * UPSTREAM_PACKETS_MAX };

struct world {
    struct arena *arena;
    struct random *random;
    struct cache *cache;
    struct trust *trust;
    struct resolver_options options;
    struct crypto_policy policy;
    struct resolver *resolver;
    struct now now;
    struct exchange sent[SENT_MAX];
    unsigned sent_count;
    unsigned done;
};

static int set_up(void **state)
{
    struct world *world = memory_new(1, sizeof(*world));
    set_hash_secret();
    world->now = (struct now) { 1000000000000, 1000, true };
    world->arena = arena_new();
    world->random = random_seeded_new(1);
    world->options = resolver_options_default(world->arena);
    world->options.prime_root = false;
    world->options.random_case = false;
    world->options.minimisation = MINIMISATION_OFF;
    world->options.cookies = false;
    struct cache_options cache_options = cache_options_default();
    cache_options.size_octets = 4 << 20;
    world->cache = cache_new(&cache_options, world->random);
    struct crypto_options crypto_options = crypto_options_default();
    crypto_policy_make(&crypto_options, &world->policy);
    world->trust = trust_new();
    world->resolver = resolver_new(&(const struct resolver_parts) {
        .cache = world->cache,
        .random = world->random,
        .options = &world->options,
        .policy = &world->policy,
        .trust = world->trust,
    });
    *state = world;
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;
    resolver_free(world->resolver);
    cache_free(world->cache);
    trust_free(world->trust);
    random_free(world->random);
    arena_free(world->arena);
    free(world);
    return 0;
}

static void run(struct world *world)
{
    struct want want;
    while (resolver_next(world->resolver, world->now, &want)) {
        if (want.kind == WANT_DONE)
            world->done++;
        if (want.kind != WANT_EXCHANGE)
            continue;
        assert_true(world->sent_count < SENT_MAX);
        struct exchange *sent = &world->sent[world->sent_count++];
        *sent = want.exchange;
        sent->packet = octets_copy(world->arena, want.exchange.packet);
    }
}

static void ask(struct world *world, const char *name, uint16_t type)
{
    struct question question = { .qname = name_of(name), .qtype = type, .qclass = CLASS_IN };
    resolver_ask(world->resolver, &question, false, world, world->now);
    run(world);
}

/* The zone's servers by name; at 185.49.140.10 if `has_glue`. */
static void delegate(struct world *world, const char *zone, const char *const *servers, uint16_t count, bool has_glue)
{
    struct delegation delegation = {
        .zone = name_of(zone),
        .expires_ms = world->now.wall_ms + 3600000,
        .server_count = count,
        .servers = ARENA_ARRAY(world->arena, count, struct delegation_server),
    };
    for (uint16_t i = 0; i < count; i++) {
        struct delegation_server *server = &delegation.servers[i];
        server->name = name_of(servers[i]);
        server->address_count = has_glue;
        server->addresses = ARENA_NEW(world->arena, struct address);
        server->addresses[0] = (struct address) { .family = 4, .port = 53, .octets = { 185, 49, 140, 10 } };
    }
    cache_put_delegation(world->cache, &delegation, world->now);
}

/* ---- the waits-for graph ---- */

/* Zones in pairs, each with its servers in both zones of the pair below: there are twice as many ways down for each
 * pair, and as often a lookup that starts asks whether the others wait for it. */
static void waits_are_walked_once(void **state)
{
    enum { PAIRS = 40, TEXT_MAX = 32 };
    struct world *world = *state;
    for (int i = 0; i < PAIRS; i++) {
        char zones[2][TEXT_MAX], hosts[2][TEXT_MAX];
        const char *servers[] = { hosts[0], hosts[1] };
        for (int side = 0; side < 2; side++) {
            snprintf(zones[side], sizeof(zones[side]), "%c%d.", 'a' + side, i);
            snprintf(hosts[side], sizeof(hosts[side]), "ns.%c%d.", 'a' + side, i > 0 ? i - 1 : 0);
        }
        for (int side = 0; side < 2; side++)
            delegate(world, zones[side], servers, 2, i == 0);
        for (int side = 0; side < 2; side++) {
            char host[TEXT_MAX];
            snprintf(host, sizeof(host), "ns.%c%d.", 'a' + side, i);
            ask(world, host, TYPE_A);
            ask(world, host, TYPE_AAAA);
        }
    }
    assert_int_equal(world->sent_count, 4); /* all wait for the servers of the lowest pair */
    assert_int_equal(world->done, 0);
}

/* ---- EDNS ---- */

static bool has_edns(struct world *world, const struct exchange *sent)
{
    struct message message;
    assert_int_equal(message_read(sent->packet, world->arena, &message), OK);
    return message.edns.present;
}

/* The last question comes back with this RCODE and nothing else, not even OPT. */
static void reply(struct world *world, uint8_t rcode)
{
    const struct exchange *sent = &world->sent[world->sent_count - 1];
    size_t edns_octets = has_edns(world, sent) ? 11 : 0;
    struct octets packet = octets_copy(world->arena, sent->packet);
    uint8_t *octets = (uint8_t *)(uintptr_t)packet.data;
    packet.len -= edns_octets;
    octets[2] |= 0x80;
    octets[3] = (uint8_t)((octets[3] & 0xf0) | rcode);
    octets[11] = 0; /* ARCOUNT */
    assert_int_equal(resolver_absorb(world->resolver, sent->id, packet, world->now), ABSORBED);
    run(world);
}

/* NOTIMP or FORMERR may be about the type or the name: a client's odd question must not take the signatures away from
 * all that the server has. */
static void refusing_both_ways_says_nothing_of_edns(void **state)
{
    static const uint8_t rcodes[] = { RCODE_NOTIMP, RCODE_FORMERR };
    static const char *const names[] = { "odd.example.", "bad.example." };
    struct world *world = *state;
    delegate(world, "example.", (const char *const[]) { "ns.example." }, 1, true);
    for (size_t i = 0; i < ARRAY_LEN(rcodes); i++) {
        world->sent_count = 0;
        ask(world, names[i], 65280);
        reply(world, rcodes[i]);
        assert_int_equal(world->sent_count, 2);
        assert_false(has_edns(world, &world->sent[1]));
        reply(world, rcodes[i]);
    }
    ask(world, "www.example.", TYPE_A);
    assert_true(has_edns(world, &world->sent[world->sent_count - 1]));
}

static void an_answer_without_edns_does(void **state)
{
    struct world *world = *state;
    delegate(world, "example.", (const char *const[]) { "ns.example." }, 1, true);
    ask(world, "www.example.", TYPE_A);
    reply(world, RCODE_FORMERR);
    assert_false(has_edns(world, &world->sent[1]));
    reply(world, RCODE_NXDOMAIN);
    ask(world, "mail.example.", TYPE_A);
    assert_false(has_edns(world, &world->sent[2]));
}

/* ---- cookies (X-cookies, RFC 7873 section 5.3) ---- */

/* The cookie in the n-th question that was sent. */
static struct octets cookie_sent(struct world *world, unsigned n)
{
    struct message message;
    assert_true(n < world->sent_count);
    assert_int_equal(message_read(world->sent[n].packet, world->arena, &message), OK);
    const struct edns_option *option = edns_option_find(&message.edns, EDNS_COOKIE);
    return option == NULL ? (struct octets) { NULL, 0 } : octets_copy(world->arena, option->data);
}

static enum absorbed reply_with_cookie(struct world *world, uint16_t rcode, struct octets cookie)
{
    const struct exchange *sent = &world->sent[world->sent_count - 1];
    uint8_t buffer[512];
    struct message asked;
    assert_int_equal(message_read(sent->packet, world->arena, &asked), OK);
    struct header header = { .id = asked.header.id, .qr = true, .aa = true, .rcode = rcode & 0xf };
    struct edns edns = { .present = true, .udp_octets = 1232, .rcode_high = (uint8_t)(rcode >> 4) };
    if (cookie.len > 0)
        edns.options[edns.option_count++] = (struct edns_option) { EDNS_COOKIE, cookie };
    struct message_writer m;
    message_begin(&m, buffer, sizeof(buffer), &header);
    message_put_question(&m, &asked.question);
    assert_true(message_put_edns(&m, &edns));
    enum absorbed absorbed = resolver_absorb(world->resolver, sent->id, message_end(&m), world->now);
    run(world);
    return absorbed;
}

/* Ours as it was sent, and one of the server's. */
static struct octets full_cookie(struct world *world, const char *server_part)
{
    uint8_t *octets = arena_alloc(world->arena, 16);
    struct octets sent = cookie_sent(world, world->sent_count - 1);
    memcpy(octets, sent.data, 8);
    memcpy(octets + 8, server_part, 8);
    return (struct octets) { octets, 16 };
}

/* A server of example. that has shown a cookie. */
static void know_each_other(struct world *world)
{
    world->options.cookies = true;
    delegate(world, "example.", (const char *const[]) { "ns.example." }, 1, true);
    ask(world, "first.example.", TYPE_A);
    assert_int_equal(cookie_sent(world, 0).len, COOKIE_CLIENT_OCTETS);
    assert_int_equal(reply_with_cookie(world, RCODE_NXDOMAIN, full_cookie(world, "SERVER01")), ABSORBED);
    world->sent_count = 0;
}

static void a_servers_cookie_is_shown_to_it(void **state)
{
    struct world *world = *state;
    know_each_other(world);
    ask(world, "second.example.", TYPE_A);
    struct octets cookie = cookie_sent(world, 0);
    assert_int_equal(cookie.len, 16);
    assert_memory_equal(cookie.data + 8, "SERVER01", 8);
    world->now.monotonic_ms += COOKIE_CLIENT_S * INT64_C(1000); /* another day, another cookie */
    world->now.wall_ms += 1000;
    ask(world, "third.example.", TYPE_A);
    assert_int_equal(cookie_sent(world, 1).len, COOKIE_CLIENT_OCTETS);
    assert_memory_not_equal(cookie_sent(world, 1).data, cookie.data, COOKIE_CLIENT_OCTETS);
}

static void another_cookie_is_a_forgery(void **state)
{
    struct world *world = *state;
    know_each_other(world);
    ask(world, "second.example.", TYPE_A);
    struct octets forged = { (const uint8_t *)"forged!!SERVER01", 16 }, malformed = { forged.data, 7 };
    assert_int_equal(reply_with_cookie(world, RCODE_NXDOMAIN, forged), ABSORB_WAIT);
    assert_int_equal(reply_with_cookie(world, RCODE_NXDOMAIN, malformed), ABSORB_WAIT);
    assert_int_equal(world->sent_count, 1);
    resolver_tick(world->resolver, (struct now) { world->now.wall_ms + 4000, world->now.monotonic_ms + 4000, true });
    run(world);
    assert_int_equal(world->sent[1].transport, TRANSPORT_TCP);
    assert_int_equal(reply_with_cookie(world, RCODE_NXDOMAIN, full_cookie(world, "SERVER02")), ABSORBED);
    ask(world, "third.example.", TYPE_A); /* remembered */
    assert_int_equal(world->sent[2].transport, TRANSPORT_TCP);
}

static void a_missing_cookie_is_asked_for_over_tcp(void **state)
{
    static const struct octets none = { NULL, 0 };
    struct world *world = *state;
    know_each_other(world);
    ask(world, "second.example.", TYPE_A);
    unsigned done = world->done;
    assert_int_equal(reply_with_cookie(world, RCODE_NXDOMAIN, none), ABSORBED);
    assert_int_equal(world->done, done);
    assert_int_equal(world->sent[1].transport, TRANSPORT_TCP);
    assert_int_equal(reply_with_cookie(world, RCODE_NXDOMAIN, none), ABSORBED); /* the server has stopped */
    ask(world, "third.example.", TYPE_A);
    assert_int_equal(world->sent[world->sent_count - 1].transport, TRANSPORT_UDP);
    assert_int_equal(cookie_sent(world, world->sent_count - 1).len, COOKIE_CLIENT_OCTETS);
}

static void a_bad_cookie_is_replaced_once(void **state)
{
    struct world *world = *state;
    know_each_other(world);
    ask(world, "second.example.", TYPE_A);
    reply_with_cookie(world, RCODE_BADCOOKIE, full_cookie(world, "SERVER02"));
    assert_int_equal(world->sent[1].transport, TRANSPORT_UDP);
    assert_memory_equal(cookie_sent(world, 1).data + 8, "SERVER02", 8);
    reply_with_cookie(world, RCODE_BADCOOKIE, full_cookie(world, "SERVER03"));
    assert_int_equal(world->sent[2].transport, TRANSPORT_TCP);
}

/* RFC 6891 section 6.1.2 wants options that are not known to be ignored. */
static void a_server_may_stumble_over_options(void **state)
{
    struct world *world = *state;
    world->options.cookies = true;
    delegate(world, "example.", (const char *const[]) { "ns.example." }, 1, true);
    ask(world, "first.example.", TYPE_A);
    reply_with_cookie(world, RCODE_FORMERR, (struct octets) { NULL, 0 });
    assert_true(has_edns(world, &world->sent[1]));
    assert_int_equal(cookie_sent(world, 1).len, 0);
    reply_with_cookie(world, RCODE_NXDOMAIN, (struct octets) { NULL, 0 });
    ask(world, "second.example.", TYPE_A);
    assert_int_equal(cookie_sent(world, world->sent_count - 1).len, 0);
}

static void silence_may_be_about_options(void **state)
{
    struct world *world = *state;
    world->options.cookies = true;
    delegate(world, "example.", (const char *const[]) { "ns.example." }, 1, true);
    ask(world, "first.example.", TYPE_A);
    world->now.monotonic_ms += RTT_UNKNOWN_MS;
    resolver_tick(world->resolver, world->now);
    run(world);
    assert_int_equal(world->sent_count, 2);
    assert_int_equal(world->sent[1].transport, TRANSPORT_UDP);
    assert_true(has_edns(world, &world->sent[1]));
    assert_int_equal(cookie_sent(world, 1).len, 0);
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
    struct world *world = *state;
    struct message message;
    world->options.signal_algorithms = true;
    delegate(world, "example.", (const char *const[]) { "ns.example." }, 1, true);
    ask(world, "first.example.", TYPE_A);
    assert_int_equal(message_read(world->sent[0].packet, world->arena, &message), OK);
    for (size_t i = 0; i < ARRAY_LEN(expected); i++) {
        const struct edns_option *option = edns_option_find(&message.edns, expected[i].code);
        assert_non_null(option);
        assert_true(octets_equal(option->data, expected[i].numbers));
    }
}

/* ---- budgets ---- */

/* The zone has as many addresses as one lookup ever asks. */
static void delegate_to_many(struct world *world, const char *zone)
{
    enum { SERVERS = 4 };
    struct delegation delegation = {
        .zone = name_of(zone),
        .expires_ms = world->now.wall_ms + 3600000,
        .server_count = SERVERS,
        .servers = ARENA_ARRAY(world->arena, SERVERS, struct delegation_server),
    };
    for (uint8_t i = 0; i < SERVERS; i++) {
        struct delegation_server *server = &delegation.servers[i];
        server->name = delegation.zone;
        server->address_count = ADDRESSES_PER_NS_MAX;
        server->addresses = ARENA_ARRAY(world->arena, ADDRESSES_PER_NS_MAX, struct address);
        for (uint8_t k = 0; k < ADDRESSES_PER_NS_MAX; k++)
            server->addresses[k] = (struct address) { .family = 4, .port = 53, .octets = { 185, 49, i, k } };
    }
    cache_put_delegation(world->cache, &delegation, world->now);
}

/* All servers but the last one refuse; that one says what follows on the question's name. */
static void refuse_then_say(struct world *world, const char *record)
{
    uint8_t buffer[UDP_OCTETS_CLASSIC];
    struct message question;
    unsigned asked = 1;
    for (; asked < 4 * ADDRESSES_PER_NS_MAX; asked++)
        reply(world, RCODE_REFUSED);
    const struct exchange *sent = &world->sent[world->sent_count - 1];
    assert_int_equal(message_read(sent->packet, world->arena, &question), OK);
    struct message_writer m;
    struct header header = question.header;
    header.qr = header.aa = true;
    message_begin(&m, buffer, sizeof(buffer), &header);
    message_put_question(&m, &question.question);
    assert_true(message_put_rrset(&m, SECTION_ANSWER, rrset_of(world->arena, record), 0, false));
    assert_int_equal(resolver_absorb(world->resolver, sent->id, message_end(&m), world->now), ABSORBED);
    run(world);
}

/* Whoever spends his budget elsewhere, and then asks for the victim's name, its keys or its servers' addresses, must not keep
 * others from asking for them: a budget's failure is that of the client's question. */
static void a_spent_budget_is_not_held_against_others(void **state)
{
    struct world *world = *state;
    delegate_to_many(world, "evil1.");
    delegate_to_many(world, "evil2.");
    delegate(world, "victim.", (const char *const[]) { "ns.victim." }, 1, true);
    ask(world, "x.evil1.", TYPE_A);
    refuse_then_say(world, "x.evil1. 0 CNAME x.evil2.");
    refuse_then_say(world, "x.evil2. 0 CNAME www.victim.");
    assert_int_equal(world->sent_count, UPSTREAM_PACKETS_MAX);
    assert_int_equal(world->done, 1);

    ask(world, "www.victim.", TYPE_A);
    assert_int_equal(world->sent_count, UPSTREAM_PACKETS_MAX + 1);
    ask(world, "x.evil1.", TYPE_A);
    assert_int_equal(world->sent_count, UPSTREAM_PACKETS_MAX + 1);
    assert_int_equal(world->done, 2);
}

/* ---- flushes ---- */

/* The n-th question that was sent is answered with this record. */
static void answer(struct world *world, unsigned n, const char *record)
{
    uint8_t buffer[512];
    struct message question;
    assert_int_equal(message_read(world->sent[n].packet, world->arena, &question), OK);
    struct header header = { .id = question.header.id, .qr = true, .ra = true };
    struct message_writer m;
    message_begin(&m, buffer, sizeof(buffer), &header);
    message_put_question(&m, &question.question);
    assert_true(message_put_rrset(&m, SECTION_ANSWER, rrset_of(world->arena, record), 3600, false));
    assert_int_equal(resolver_absorb(world->resolver, world->sent[n].id, message_end(&m), world->now), ABSORBED);
    run(world);
}

/* A reload sends the zone's questions elsewhere and flushes the cache: what was asked before must not come into it. */
static void what_was_asked_before_a_flush_is_not_kept(void **state)
{
    struct world *world = *state;
    struct question question = { .qname = name_of("www.example."), .qtype = TYPE_A, .qclass = CLASS_IN };
    struct zone_rule rule = { .zone = name_of("example."),
                              .kind = ZONE_RULE_FORWARD_ONLY,
                              .address_count = 1,
                              .addresses = { { .family = 4, .port = 53, .octets = { 192, 0, 2, 1 } } } };
    struct answer *kept;
    world->options.zone_rules = &rule;
    world->options.zone_rule_count = 1;
    ask(world, "www.example.", TYPE_A);
    rule.addresses[0].octets[3] = 2;
    cache_flush_all(world->cache);
    answer(world, 0, "www.example. 3600 A 203.0.113.1");
    assert_int_equal(world->done, 0);
    assert_int_equal(world->sent_count, 2);
    assert_int_equal(world->sent[1].server.octets[3], 2);
    assert_int_equal(cache_find_answer(world->cache, &question, 1, world->now, world->arena, &kept), CACHE_MISS);
    answer(world, 1, "www.example. 3600 A 203.0.113.2");
    assert_int_equal(world->done, 1);
    assert_int_equal(cache_find_answer(world->cache, &question, 1, world->now, world->arena, &kept), CACHE_FRESH);
    assert_int_equal(kept->rrsets.items[0]->rdata[0].data[3], 2);
}

/* ---- memory ---- */

/* Every server of the zone refuses, at length: what a lookup keeps in mind must not grow with it. */
static void replies_do_not_pile_up(void **state)
{
    enum { KEPT_OCTETS_MAX = 64 << 10 };
    static uint8_t buffer[MESSAGE_OCTETS_MAX];
    struct world *world = *state;
    delegate_to_many(world, "evil1.");
    ask(world, "x.evil1.", TYPE_A);
    const struct rrset *padding = rrset_of(world->arena, "x.evil1. 0 NULL \\# 16 00112233445566778899aabbccddeeff");
    for (unsigned asked = 1; asked < 4 * ADDRESSES_PER_NS_MAX; asked++) {
        const struct exchange *sent = &world->sent[world->sent_count - 1];
        const struct lookup *l = LIST_FIRST(&world->resolver->exchanges[sent->id % TABLE_BUCKETS]);
        assert_true(arena_octets(l->arena) <= KEPT_OCTETS_MAX);
        struct message question;
        assert_int_equal(message_read(sent->packet, world->arena, &question), OK);
        struct message_writer m;
        struct header header = question.header;
        header.qr = true;
        header.rcode = RCODE_REFUSED;
        message_begin(&m, buffer, sizeof(buffer), &header);
        message_put_question(&m, &question.question);
        for (int i = 0; i < 2000; i++)
            assert_true(message_put_rrset(&m, SECTION_ANSWER, padding, 0, false));
        assert_int_equal(resolver_absorb(world->resolver, sent->id, message_end(&m), world->now), ABSORBED);
        run(world);
    }
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
        cmocka_unit_test_setup_teardown(algorithms_are_signalled, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_spent_budget_is_not_held_against_others, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_was_asked_before_a_flush_is_not_kept, set_up, tear_down),
        cmocka_unit_test_setup_teardown(replies_do_not_pile_up, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
