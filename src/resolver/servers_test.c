/* What is remembered of servers: RFC 6298, silence, lameness. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "message/testing.h"
#include "resolver/servers.h"

static struct address address_of(uint32_t number)
{
    return (struct address) {
        .family = 4,
        .port = 53,
        .octets = { 192, (uint8_t)(number >> 16), (uint8_t)(number >> 8), (uint8_t)number },
    };
}

static struct server *server_of(struct servers *servers, uint32_t number)
{
    struct address address = address_of(number);
    return servers_get(servers, &address);
}

static void round_trip_times(void **state) /* RFC 6298 sections 2.2 and 2.3 */
{
    (void)state;
    struct servers *servers = servers_new();
    struct server *server = server_of(servers, 1);
    assert_int_equal(server_timeout_ms(server, 0), RTT_UNKNOWN_MS);
    server_answered(server, 100);
    assert_int_equal(server->srtt_ms, 100);
    assert_int_equal(server->rttvar_ms, 50);
    assert_int_equal(server_timeout_ms(server, 0), 300);
    server_answered(server, 180);
    assert_int_equal(server->srtt_ms, 110);
    assert_int_equal(server->rttvar_ms, (3 * 50 + 80) / 4);
    server_answered(server, -5); /* a clock that went back */
    assert_true(server->srtt_ms < 110);
    servers_free(servers);
}

static void time_outs_double_up_to_a_limit(void **state)
{
    (void)state;
    struct servers *servers = servers_new();
    struct server *server = server_of(servers, 1);
    for (int i = 0; i < 30; i++)
        server_answered(server, 1);
    assert_int_equal(server_timeout_ms(server, 0), TIMEOUT_MIN_MS);
    assert_int_equal(server_timeout_ms(server, 1), 2 * TIMEOUT_MIN_MS);
    assert_int_equal(server_timeout_ms(server, 2), 4 * TIMEOUT_MIN_MS);
    assert_int_equal(server_timeout_ms(server, 200), 16 * TIMEOUT_MIN_MS);
    server_answered(server_of(servers, 2), 1000000);
    assert_int_equal(server_timeout_ms(server_of(servers, 2), 0), TIMEOUT_MAX_MS);
    servers_free(servers);
}

static void silence(void **state)
{
    (void)state;
    struct servers *servers = servers_new();
    struct server *server = server_of(servers, 1);
    for (int i = 0; i < SERVER_SILENT_AFTER; i++) {
        assert_false(server_is_silent(server, 1000));
        server_was_silent(server, 1000, 1000);
    }
    assert_true(server_is_silent(server, 1000));
    assert_false(server_is_silent(server, 1000 + SERVER_SILENT_S * 1000));
    for (int i = 0; i < 1000; i++)
        server_was_silent(server, 2000, 2000);
    assert_true(server_is_silent(server, 2000));
    server_answered(server, 20); /* one word ends it */
    assert_false(server_is_silent(server, 2000));
    servers_free(servers);
}

/* RFC 6298 sections 5.5 to 5.7: what now takes seconds is waited for in the end, by some lookup. */
static void who_has_become_slow_is_waited_for(void **state)
{
    (void)state;
    struct servers *servers = servers_new();
    struct server *server = server_of(servers, 1);
    server_answered(server, 5);
    assert_int_equal(server_timeout_ms(server, 0), TIMEOUT_MIN_MS);
    for (int i = 0; i < SERVER_SILENT_AFTER; i++) {
        assert_int_equal(server_timeout_ms(server, 0), TIMEOUT_MIN_MS << i);
        server_was_silent(server, 1000 * i, 1000 * i);
    }
    assert_int_equal(server_timeout_ms(server, 0), 16 * TIMEOUT_MIN_MS);
    server_answered(server, 2000);
    assert_true(server_timeout_ms(server, 0) > 2000);
    server = server_of(servers, 2); /* it never was there */
    for (int i = 0; i < SERVER_SILENT_AFTER; i++)
        server_was_silent(server, 1000 * i, 1000 * i);
    assert_int_equal(server_timeout_ms(server, 0), RTT_UNKNOWN_MS);
    servers_free(servers);
}

/* A server that pauses for a moment is not silent because many were waiting for it. */
static void what_is_in_flight_together_is_one_silence(void **state)
{
    (void)state;
    struct servers *servers = servers_new();
    struct server *server = server_of(servers, 1);
    for (int i = 0; i < 100; i++)
        server_was_silent(server, 1000 + i, 1400 + i);
    assert_false(server_is_silent(server, 1500));
    for (int i = 1; i < SERVER_SILENT_AFTER; i++) {
        assert_false(server_is_silent(server, 1500));
        server_was_silent(server, 1400 + 1000 * i, 1900 + 1000 * i);
    }
    assert_true(server_is_silent(server, 2000 + 1000 * SERVER_SILENT_AFTER));
    servers_free(servers);
}

static void lameness_is_for_one_zone_and_some_time(void **state)
{
    (void)state;
    struct servers *servers = servers_new();
    struct server *server = server_of(servers, 1);
    struct dname zone = name_of("example."), same = name_of("EXAMPLE."), other = name_of("other.");
    assert_false(server_lame_for(server, &zone, 1000));
    server_is_lame_for(server, &zone, 1000);
    assert_true(server_lame_for(server, &same, 1000));
    assert_false(server_lame_for(server, &other, 1000));
    assert_false(server_lame_for(server, &zone, 1000 + SERVER_LAME_S * 1000));
    servers_free(servers);
}

static void the_least_recently_used_goes(void **state)
{
    (void)state;
    struct servers *servers = servers_new();
    for (uint32_t i = 0; i < SERVERS_MAX; i++)
        server_answered(server_of(servers, i), 10);
    assert_true(server_of(servers, 0)->measured); /* used again: the next to go is number 1 */
    assert_false(server_of(servers, SERVERS_MAX)->measured);
    assert_true(server_of(servers, 0)->measured);
    assert_true(server_of(servers, 2)->measured);
    assert_false(server_of(servers, 1)->measured);
    servers_free(servers);
}

int main(void)
{
    set_hash_secret();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(round_trip_times),
        cmocka_unit_test(time_outs_double_up_to_a_limit),
        cmocka_unit_test(silence),
        cmocka_unit_test(who_has_become_slow_is_waited_for),
        cmocka_unit_test(what_is_in_flight_together_is_one_silence),
        cmocka_unit_test(lameness_is_for_one_zone_and_some_time),
        cmocka_unit_test(the_least_recently_used_goes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
