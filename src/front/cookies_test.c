#include "front/cookies.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "base/err.h"
#include "base/writer.h"
#include "message/coding.h"

static struct octets octets_of(const char *hex, uint8_t *buffer, size_t size)
{
    struct writer w = writer_of(buffer, size);
    assert_true(hex_decode((struct octets) { (const uint8_t *)hex, strlen(hex) }, &w));
    return writer_octets(&w);
}

static struct cookie_keys keys_of(const char *first, const char *second)
{
    struct cookie_options options = { .enabled = true, .secret_count = second == NULL ? 1 : 2 };
    struct cookie_keys keys = { 0 };
    octets_of(first, options.secrets[0].octets, SIPHASH_KEY_OCTETS);
    if (second != NULL)
        octets_of(second, options.secrets[1].octets, SIPHASH_KEY_OCTETS);
    cookie_keys_set(&keys, &options, NULL, (struct now) { .wall_ms = 0 });
    assert_int_equal(keys.count, options.secret_count);
    return keys;
}

static struct now at(int64_t wall_s)
{
    return (struct now) { .wall_ms = wall_s * 1000, .wall_is_fit = true };
}

#define SECRET "e5e973e5a6b2a43f48e7dc849e37bfcf"
#define STORY  "000102030405060708090a0b0c0d0e0f"
#define FIRST  "2464c4abcf10c957010000005cf79f111f8130c3eee29480"
#define SECOND "fc93fc62807ddb8601abcdef5cf78f71a314227b6679ebf5"
#define OLD    "dd3bdf9344b678b185a6f5cb60fca715"
#define NEW    "445536bcd2513298075a5d379663c962"

static const struct {
    const char *about;
    const char *secrets[2];
    const char *client;
    const char *cookie;
    int64_t now_s;
    enum cookie_state state;
    const char *reply; /* NULL: not told */
} cases[] = {
    { "RFC 9018 appendix A.1: learning",
      { SECRET },
      "198.51.100.100",
      "2464c4abcf10c957",
      1559731985,
      COOKIE_CLIENT_ONLY,
      FIRST },
    { "RFC 9018 appendix A.2: the same 40 minutes later",
      { SECRET },
      "198.51.100.100",
      FIRST,
      1559734385,
      COOKIE_GOOD,
      "2464c4abcf10c957010000005cf7a871d4a564a1442aca77" },
    { "RFC 9018 appendix A.3: reserved bits, not 0",
      { SECRET },
      "203.0.113.203",
      SECOND,
      1559727985,
      COOKIE_GOOD,
      SECOND },
    { "RFC 9018 appendix A.4: IPv6, the secret before",
      { NEW, OLD },
      "2001:db8:220:1:59de:d0f4:8769:82b8",
      "22681ab97d52c298010000005cf7c57926556bd0934c72f8",
      1559741961,
      COOKIE_GOOD,
      "22681ab97d52c298010000005cf7c609a6bb79d16625507a" },
    { "of that secret alone",
      { NEW },
      "2001:db8:220:1:59de:d0f4:8769:82b8",
      "22681ab97d52c298010000005cf7c57926556bd0934c72f8",
      1559741961,
      COOKIE_WRONG,
      "22681ab97d52c298010000005cf7c609a6bb79d16625507a" },
    { "young: the same again", { SECRET }, "198.51.100.100", FIRST, 1559731985 + 1800, COOKIE_GOOD, FIRST },
    { "an hour old", { SECRET }, "198.51.100.100", FIRST, 1559731985 + 3600, COOKIE_GOOD, NULL },
    { "older", { SECRET }, "198.51.100.100", FIRST, 1559731985 + 3601, COOKIE_WRONG, NULL },
    { "five minutes ahead", { SECRET }, "198.51.100.100", FIRST, 1559731985 - 300, COOKIE_GOOD, FIRST },
    { "further ahead", { SECRET }, "198.51.100.100", FIRST, 1559731985 - 301, COOKIE_WRONG, NULL },
    { "another client's", { SECRET }, "198.51.100.101", FIRST, 1559731985, COOKIE_WRONG, NULL },
    { "another version",
      { SECRET },
      "198.51.100.100",
      "2464c4abcf10c957020000005cf79f111f8130c3eee29480",
      1559731985,
      COOKIE_WRONG,
      FIRST },
    { "another server's, longer",
      { SECRET },
      "198.51.100.100",
      "2464c4abcf10c957010000005cf79f111f8130c3eee294800000000000000000",
      1559731985,
      COOKIE_WRONG,
      FIRST },
    { "the story's",
      { STORY },
      "127.0.0.1",
      "3132333435363738010000000000000038527ba8c6a4ea96",
      0,
      COOKIE_GOOD,
      "3132333435363738010000000000000038527ba8c6a4ea96" },
    { "none", { SECRET }, "198.51.100.100", "", 1559731985, COOKIE_NONE, NULL },
};

/* X-cookies */
static void test_cookies(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        uint8_t cookie[COOKIE_OCTETS_MAX], reply[COOKIE_OCTETS], expected[COOKIE_OCTETS];
        struct cookie_keys keys = keys_of(cases[i].secrets[0], cases[i].secrets[1]);
        struct address client;
        assert_int_equal(address_from_text(cases[i].client, 53, &client), OK);
        struct octets octets = octets_of(cases[i].cookie, cookie, sizeof(cookie));
        enum cookie_state got = cookie_judge(&keys, octets, &client, at(cases[i].now_s), reply);
        if (got != cases[i].state)
            fail_msg("%s: %d", cases[i].about, got);
        if (cases[i].reply == NULL)
            continue;
        octets_of(cases[i].reply, expected, sizeof(expected));
        if (memcmp(reply, expected, sizeof(reply)) != 0)
            fail_msg("%s: another reply", cases[i].about);
    }
}

/* RFC 7873 section 7.1: a secret of our own lasts a day, and is believed for one more. */
static void test_own_secrets_roll(void **state)
{
    (void)state;
    static const struct siphash_key master = { { 1, 2, 3 } };
    static const struct cookie_options options = { .enabled = true };
    const struct address client = { .family = 4, .octets = { 192, 0, 2, 1 } };
    const int64_t end_s = INT64_C(20000) * COOKIE_SECRET_S;
    uint8_t first[COOKIE_OCTETS], second[COOKIE_OCTETS], third[COOKIE_OCTETS];
    struct cookie_keys keys = { 0 }, other_worker = { 0 };
    cookie_keys_set(&keys, &options, &master, at(end_s - 60));
    cookie_keys_set(&other_worker, &options, &master, at(end_s - 60));
    assert_memory_equal(keys.keys, other_worker.keys, sizeof(keys.keys));
    struct octets client_part = { (const uint8_t *)"12345678", 8 };
    assert_int_equal(cookie_judge(&keys, client_part, &client, at(end_s - 60), first), COOKIE_CLIENT_ONLY);
    cookie_keys_set(&keys, &options, &master, at(end_s));
    assert_memory_not_equal(&keys.keys[0], &other_worker.keys[0], sizeof(keys.keys[0]));
    assert_int_equal(cookie_judge(&keys, (struct octets) { first, sizeof(first) }, &client, at(end_s), second),
                     COOKIE_GOOD);
    assert_memory_not_equal(first, second, sizeof(first)); /* made anew, with the secret of the day */
    assert_int_equal(cookie_judge(&keys, (struct octets) { second, sizeof(second) }, &client, at(end_s), third),
                     COOKIE_GOOD);
    assert_memory_equal(second, third, sizeof(third));
}

static void test_switched_off(void **state)
{
    (void)state;
    static const struct cookie_options off = { .enabled = false };
    struct cookie_keys keys = { 0 };
    uint8_t reply[COOKIE_OCTETS];
    const struct address client = { .family = 4 };
    cookie_keys_set(&keys, &off, NULL, at(0));
    struct octets cookie = { (const uint8_t *)"12345678", 8 };
    assert_int_equal(cookie_judge(&keys, cookie, &client, at(0), reply), COOKIE_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cookies),
        cmocka_unit_test(test_own_secrets_roll),
        cmocka_unit_test(test_switched_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
