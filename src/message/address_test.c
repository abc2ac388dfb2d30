#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "message/address.h"
#include "message/testing.h"

static void addresses_in_text(void **state)
{
    (void)state;
    static const struct {
        const char *text, *printed; /* NULL: refused */
    } cases[] = {
        { "192.0.2.1", "192.0.2.1@53" },
        { "192.0.2.1@5353", "192.0.2.1@5353" },
        { "2001:DB8:0::1", "2001:db8::1@53" },
        { "::1@65535", "::1@65535" },
        { "::@0", "::@0" },
        { "::ffff:192.0.2.1@853", "192.0.2.1@853" }, /* one address, one form */
        { "fe80::1%3@53", "fe80::1%3@53" },
        { "fe80::1%eth0", NULL },
        { "[::1]:53", NULL },
        { "192.0.2.1:53", NULL },
        { "192.0.2.1@", NULL },
        { "192.0.2.1@65536", NULL },
        { "192.0.2.1@+1", NULL },
        { "192.0.2", NULL },
        { "192.0.2.1%1", NULL },
        { "", NULL },
        { "@53", NULL },
        { "localhost", NULL },
        { "0000000000000000000000000000000000000000000000000000000000000000000001", NULL },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct address address, again;
        char text[ADDRESS_TEXT_MAX];
        enum err err = address_from_text(cases[i].text, 53, &address);
        assert_int_equal(err, cases[i].printed == NULL ? ERR_FORMAT : OK);
        if (err != OK)
            continue;
        assert_string_equal(address_to_text(&address, text), cases[i].printed);
        assert_int_equal(address_from_text(text, 1, &again), OK);
        assert_true(address_equal(&address, &again));
        assert_int_equal(address_hash(&address, 1), address_hash(&again, 1));
        again.port ^= 1;
        assert_false(address_equal(&address, &again));
    }
}

static void prefixes(void **state)
{
    (void)state;
    static const struct {
        const char *text, *printed, *in, *out; /* NULL: refused, nothing to ask */
    } cases[] = {
        { "10.0.0.0/8", "10.0.0.0/8", "10.255.0.1", "11.0.0.0" },
        { "192.0.2.128/25", "192.0.2.128/25", "192.0.2.200", "192.0.2.127" },
        { "192.0.2.1", "192.0.2.1/32", "192.0.2.1", "192.0.2.0" },
        { "0.0.0.0/0", "0.0.0.0/0", "203.0.113.9", "::1" },
        { "::/0", "::/0", "2001:db8::1", "192.0.2.1" },
        { "2001:db8::/33", "2001:db8::/33", "2001:db8:7fff::", "2001:db8:8000::" },
        { "::1", "::1/128", "::1", "::2" },
        { "::ffff:10.0.0.0/104", "10.0.0.0/8", "10.1.1.1", "11.0.0.0" },
        { "10.0.0.1/8", NULL, NULL, NULL }, /* host bits */
        { "2001:db8::1/64", NULL, NULL, NULL },
        { "10.0.0.0/33", NULL, NULL, NULL },
        { "::/129", NULL, NULL, NULL },
        { "10.0.0.0/", NULL, NULL, NULL },
        { "/8", NULL, NULL, NULL },
        { "fe80::%1/64", NULL, NULL, NULL },
        { "::ffff:0.0.0.0/95", NULL, NULL, NULL },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct prefix prefix;
        struct address address;
        char text[ADDRESS_TEXT_MAX];
        enum err err = prefix_from_text(cases[i].text, &prefix);
        assert_int_equal(err, cases[i].printed == NULL ? ERR_FORMAT : OK);
        if (err != OK)
            continue;
        assert_string_equal(prefix_to_text(&prefix, text), cases[i].printed);
        assert_int_equal(address_from_text(cases[i].in, 53, &address), OK);
        assert_true(prefix_contains(&prefix, &address));
        assert_int_equal(address_from_text(cases[i].out, 53, &address), OK);
        assert_false(prefix_contains(&prefix, &address));
    }
}

static void addresses_in_rdata(void **state)
{
    (void)state;
    static const uint8_t octets[17] = { [10] = 0xff, [11] = 0xff, [12] = 192, [14] = 2, [15] = 1 };
    struct address address;
    char text[ADDRESS_TEXT_MAX];
    assert_int_equal(address_from_rdata(TYPE_A, (struct octets) { octets + 12, 4 }, 53, &address), OK);
    assert_string_equal(address_host_to_text(&address, text), "192.0.2.1");
    assert_int_equal(address_from_rdata(TYPE_AAAA, (struct octets) { octets, 16 }, 53, &address), OK);
    assert_string_equal(address_to_text(&address, text), "192.0.2.1@53");
    assert_int_equal(address_from_rdata(TYPE_A, (struct octets) { octets, 16 }, 53, &address), ERR_FORMAT);
    assert_int_equal(address_from_rdata(TYPE_AAAA, (struct octets) { octets, 17 }, 53, &address), ERR_FORMAT);
    assert_int_equal(address_from_rdata(TYPE_NS, (struct octets) { octets, 4 }, 53, &address), ERR_FORMAT);
}

static void special_addresses(void **state) /* RFC 6890 and its registries */
{
    (void)state;
    static const char *const special[] = {
        "0.0.0.0",       "10.1.2.3",        "100.64.0.1",       "100.127.255.255", "127.0.0.1",       "169.254.1.1",
        "172.16.0.1",    "172.31.255.1",    "192.168.0.1",      "224.0.0.1",       "255.255.255.255", "::",
        "::1",           "::ffff:10.0.0.1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "100::1",          "2001::1",
        "2002:7f00:1::", "fc00::1",         "fd12::1",          "fe80::1",         "fec0::1",         "ff02::1",
    };
    static const char *const public[] = {
        "1.1.1.1",       "9.9.9.9",         "11.0.0.0",        "100.63.255.255", "100.128.0.0",
        "172.15.0.1",    "172.32.0.1",      "192.0.1.1",       "192.31.196.1",   "192.175.48.1",
        "198.17.0.1",    "198.41.0.4",      "223.255.255.255", "::ffff:8.8.8.8", "2001:503:ba3e::2:30",
        "2001:4:112::1", "2620:4f:8000::6", "2003::1",         "2a00::1",        "3ffe::1",
        "192.0.2.1",     "198.51.100.7",    "203.0.113.1",     "198.18.0.1",     "2001:db8::1",
    };
    struct address address;
    for (size_t i = 0; i < ARRAY_LEN(special); i++) {
        assert_int_equal(address_from_text(special[i], 53, &address), OK);
        assert_true(address_is_special(&address));
    }
    for (size_t i = 0; i < ARRAY_LEN(public); i++) {
        assert_int_equal(address_from_text(public[i], 53, &address), OK);
        assert_false(address_is_special(&address));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_in_text),
        cmocka_unit_test(prefixes),
        cmocka_unit_test(addresses_in_rdata),
        cmocka_unit_test(special_addresses),
    };
    return cmocka_run_group_tests(tests, set_up_hashing, NULL);
}
