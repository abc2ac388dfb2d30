/* Places for clients' questions: as many as configured, and no client takes them all. */
#include "daemon/waiting.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "message/testing.h"

static struct waiting *admit(struct waiting_room *room, unsigned max, const char *address)
{
    static const struct front_asker asker;
    struct client client = { 0 };
    assert_int_equal(address_from_text(address, 53, &client.address), OK);
    return waiting_admit(room, max, &client, &asker);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_many_as_configured),
        cmocka_unit_test(no_client_takes_them_all),
    };
    set_hash_secret();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
