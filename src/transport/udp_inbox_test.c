#include "transport/udp_inbox.h"

#include "transport/testing.h"

static void test_first_in_first_out(void **state)
{
    (void)state;
    static const uint8_t octets[] = { 1, 2, 3, 4, 5, 6 };
    struct udp_inbox *inbox = udp_inbox_new();
    struct client client = { .address = loopback("127.0.0.1@7") };
    struct octets message;
    assert_false(udp_inbox_take(inbox, &client, &message));
    for (uint8_t i = 0; i < 3; i++) {
        client.address.port = (uint16_t)(7 + i);
        assert_true(udp_inbox_put(inbox, &client, (struct octets) { octets + i, sizeof(octets) - i }));
    }
    assert_false(udp_inbox_is_empty(inbox));
    for (uint8_t i = 0; i < 3; i++) {
        assert_true(udp_inbox_take(inbox, &client, &message));
        assert_int_equal(client.address.port, 7 + i);
        assert_int_equal(message.len, sizeof(octets) - i);
        assert_memory_equal(message.data, octets + i, message.len);
    }
    assert_true(udp_inbox_is_empty(inbox));
    udp_inbox_free(inbox);
}

/* What does not fit is refused, and all of the room is there again once it is empty. */
static void test_is_bounded(void **state)
{
    (void)state;
    static const uint8_t octets[4096];
    const struct octets message = { octets, sizeof(octets) };
    struct udp_inbox *inbox = udp_inbox_new();
    struct client client = { .transport = NULL };
    struct octets taken;
    for (int round = 0; round < 2; round++) {
        size_t count = 0;
        while (udp_inbox_put(inbox, &client, message))
            count++;
        assert_in_range(count, UDP_INBOX_OCTETS / (2 * sizeof(octets)), UDP_INBOX_OCTETS / sizeof(octets));
        while (udp_inbox_take(inbox, &client, &taken))
            count--;
        assert_int_equal(count, 0);
    }
    assert_true(udp_inbox_put(inbox, &client, (struct octets) { octets, 0 }));
    assert_true(udp_inbox_take(inbox, &client, &taken));
    assert_int_equal(taken.len, 0);
    udp_inbox_free(inbox);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first_in_first_out),
        cmocka_unit_test(test_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
