/* Places for clients' questions: as many as configured, and no client takes them all. */
#include "daemon/waiting.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "message/testing.h"

static const struct front_asker asker;

static struct client client_at(const char *address)
{
    struct client client = { 0 };
    assert_int_equal(address_from_text(address, 53, &client.address), OK);
    return client;
}

static struct now at(int64_t ms)
{
    return (struct now) { .monotonic_ms = ms };
}

static struct waiting *admit(struct waiting_room *room, unsigned max, const char *address)
{
    const struct client client = client_at(address);
    return waiting_admit(room, max, &client, &asker, at(0));
}

static void as_many_as_configured(void **state)
{
    (void)state;
    struct waiting_room *room = waiting_room_new(1);
    struct waiting *one = admit(room, 1, "192.0.2.1");
    assert_non_null(one);
    assert_null(admit(room, 1, "192.0.2.2"));
    waiting_release(room, one);
    assert_non_null(admit(room, 1, "192.0.2.2"));
    assert_int_equal(waiting_count(room), 1);
    waiting_room_free(room);
}

static void no_client_takes_them_all(void **state)
{
    (void)state;
    enum { MAX = 16 };
    struct waiting_room *room = waiting_room_new(1);
    for (unsigned i = 0; i < MAX / 2; i++)
        assert_non_null(admit(room, MAX, "192.0.2.1"));
    assert_null(admit(room, MAX, "192.0.2.1"));
    for (unsigned i = 0; i < MAX / CLIENT_SHARE; i++)
        assert_non_null(admit(room, MAX, "2001:db8::1"));
    assert_null(admit(room, MAX, "2001:db8::1"));
    waiting_room_free(room);
}

/* X-floods: the one that has waited for longest, once all places are taken, and not before its time. */
static void the_oldest_gives_way(void **state)
{
    (void)state;
    enum { MAX = 4 };
    struct waiting_room *room = waiting_room_new(1);
    const struct client client = client_at("192.0.2.9");
    struct waiting *first = admit(room, MAX, "192.0.2.1");
    for (unsigned i = 1; i < MAX; i++) {
        const struct client other = { .address = { .family = 4, .octets = { 10, 0, 0, (uint8_t)i } } };
        assert_null(waiting_in_the_way(room, MAX, &client, &asker, at(1000)));
        assert_non_null(waiting_admit(room, MAX, &other, &asker, at(GIVE_WAY_MS)));
    }
    assert_null(waiting_admit(room, MAX, &client, &asker, at(GIVE_WAY_MS)));
    assert_null(waiting_in_the_way(room, MAX, &client, &asker, at(GIVE_WAY_MS)));
    assert_ptr_equal(waiting_in_the_way(room, MAX, &client, &asker, at(GIVE_WAY_MS + 1)), first);
    waiting_release(room, first);
    assert_non_null(waiting_admit(room, MAX, &client, &asker, at(GIVE_WAY_MS + 1)));
    assert_null(waiting_in_the_way(room, MAX, &client, &asker, at(2 * GIVE_WAY_MS))); /* no longer than that */
    /* Nobody has to give way to who has all that one client may have. */
    assert_null(waiting_in_the_way(room, MAX, &client, &asker, at(1000 * GIVE_WAY_MS)));
    waiting_room_free(room);
}

/* Answers at hand need no waiting: they have places of their own. */
static void what_is_at_hand_has_a_place(void **state)
{
    (void)state;
    struct waiting_room *room = waiting_room_new(1);
    const struct client client = client_at("192.0.2.1");
    for (unsigned i = 0; i < FRONT_WAITING_MAX; i++) {
        const struct client other = { .address = { .family = 4, .octets = { 10, 1, (uint8_t)(i >> 8), (uint8_t)i } } };
        assert_non_null(waiting_admit(room, FRONT_WAITING_MAX, &other, &asker, at(0)));
    }
    assert_null(waiting_admit(room, FRONT_WAITING_MAX, &client, &asker, at(0)));
    for (unsigned i = 0; i < PLACES_AT_HAND; i++)
        assert_non_null(waiting_admit_beside(room, &client, &asker, at(0)));
    assert_null(waiting_admit_beside(room, &client, &asker, at(0)));
    waiting_room_free(room);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_many_as_configured),
        cmocka_unit_test(no_client_takes_them_all),
        cmocka_unit_test(the_oldest_gives_way),
        cmocka_unit_test(what_is_at_hand_has_a_place),
    };
    set_hash_secret();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
