#include "transport/sockaddr.h"

#include <netinet/in.h>

#include "transport/testing.h"

static void test_there_and_back(void **state)
{
    (void)state;
    static const char *const texts[] = { "192.0.2.1@53", "0.0.0.0@1", "2001:db8::1@65535", "::@53", "fe80::1%1@53" };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct sockaddr_storage storage;
        struct address address;
        if (address_from_text(texts[i], 53, &address) != OK)
            continue; /* a zone index is not everybody's */
        assert_int_equal(sockaddr_from_address(&address, &storage),
                         address.family == 4 ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6));
        struct address back = address_from_sockaddr(&storage);
        assert_true(address_equal(&address, &back));
    }
}

static void test_what_we_do_not_speak(void **state)
{
    (void)state;
    struct sockaddr_storage storage = { .ss_family = AF_UNIX };
    assert_int_equal(address_from_sockaddr(&storage).family, 0);
    struct sockaddr_in6 mapped = { .sin6_family = AF_INET6 };
    memcpy(&mapped.sin6_addr, "\0\0\0\0\0\0\0\0\0\0\xff\xff\x7f\0\0\1", 16);
    memcpy(&storage, &mapped, sizeof(mapped));
    assert_int_equal(address_from_sockaddr(&storage).family, 0);
}

static void test_wildcards(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool is_wildcard;
    } cases[] = { { "0.0.0.0@53", true }, { "::@53", true }, { "::1@53", false }, { "127.0.0.1@53", false } };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct address address = loopback(cases[i].text);
        assert_int_equal(address_is_wildcard(&address), cases[i].is_wildcard);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_there_and_back),
        cmocka_unit_test(test_what_we_do_not_speak),
        cmocka_unit_test(test_wildcards),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
