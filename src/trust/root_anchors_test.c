#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "trust/root_anchors.h"

#define HEAD    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<TrustAnchor id=\"1\" source=\"http://example/\">"
#define ZONE    "<Zone>.</Zone>\n"
#define TAIL    "</TrustAnchor>\n"
#define BEGIN   "<KeyDigest id=\"Kmyv6jo\" validFrom=\"2024-07-18T00:00:00+00:00\">"
#define END     "</KeyDigest>"
#define NUMBERS "<KeyTag>38696</KeyTag><Algorithm>8</Algorithm><DigestType>2</DigestType>"
#define DIGEST  "<Digest>683D2D0ACB8C9B712A1948B27F741219298D0A450D612C483AF444A4C0FB2B16</Digest>"
#define KEY                                                                                                            \
    "<PublicKey>AwEAAa96jeuknZlaeSrvyAJj6ZHv28hhOKkx3rLGXVaC6rXTsDc449/cidltpkyGwCJNnOAlFNKF2jBosZBU5eeHspaQWOmO"      \
    "ElZsjICMQMC3aeHbGiShvZsx4wMYSjH8e7Vrhbu6irwCzVBApESjbUdpWWmEnhathWu1jo+siFUiRAAxm9qyJNg/wOZqqzL/"                 \
    "dL/q8PkcRU5oUKEpUge71M3ej2/7CPqpdVwuMoTvoB+ZOT4YeGyxMvHmbrxlFzGOHOijtzN+u1TQNatX2XBuzZNQ1K+s2CXk"                 \
    "PIZo7s6JgZyvaBevYtxPvYLw4z9mR7K2vaF18UYH9Z9GNUUeayffKC73PYc=</PublicKey>"
#define FLAGS "<Flags>257</Flags>"
#define GOOD  BEGIN NUMBERS DIGEST KEY FLAGS END

static const struct {
    const char *xml, *fault; /* NULL: good */
} cases[] = {
    { HEAD ZONE GOOD TAIL, NULL },
    { HEAD ZONE BEGIN NUMBERS DIGEST END TAIL, NULL }, /* RFC 7958 */
    { HEAD ZONE BEGIN NUMBERS DIGEST END GOOD TAIL, NULL },
    { HEAD "\n <!-- -->" ZONE GOOD TAIL "\n", NULL },
    { HEAD "<Zone> .\n</Zone>" GOOD TAIL, NULL },
    { "", "empty" },
    { "<", "line 1: " },
    { HEAD ZONE GOOD, "no element found" },
    { HEAD ZONE GOOD TAIL "<x/>", "junk after document element" },
    { "<Other/>", "does not belong there" },
    { HEAD TAIL, "lacks an element" },
    { HEAD ZONE TAIL, "lacks an element" },
    { HEAD GOOD ZONE TAIL, "does not belong there" },
    { HEAD ZONE ZONE GOOD TAIL, "does not belong there" },
    { HEAD ZONE GOOD ZONE TAIL, "does not belong there" },
    { HEAD "<Zone>example.</Zone>" GOOD TAIL, "another zone than the root" },
    { HEAD "<Zone></Zone>" GOOD TAIL, "another zone than the root" },
    { HEAD ZONE "text" GOOD TAIL, "text where none belongs" },
    { HEAD ZONE BEGIN DIGEST NUMBERS END TAIL, "does not belong there" },
    { HEAD ZONE BEGIN NUMBERS END TAIL, "KeyDigest lacks an element" },
    { HEAD ZONE BEGIN NUMBERS DIGEST KEY END TAIL, "KeyDigest lacks an element" },
    { HEAD ZONE BEGIN NUMBERS DIGEST FLAGS END TAIL, "does not belong there" },
    { HEAD ZONE BEGIN NUMBERS DIGEST DIGEST END TAIL, "does not belong there" },
    { HEAD ZONE BEGIN NUMBERS DIGEST KEY "<Flags>385</Flags>" END TAIL, "DNSKEY of a signing key" }, /* REVOKE */
    { HEAD ZONE BEGIN NUMBERS DIGEST KEY "<Flags>256</Flags>" END TAIL, "SEP flag" },
    { HEAD ZONE BEGIN NUMBERS DIGEST KEY "<Flags>65536</Flags>" END TAIL, "Flags is not a number" },
    { HEAD ZONE BEGIN NUMBERS DIGEST KEY "<Flags>259</Flags>" END TAIL, "not those of its Digest" },
    { HEAD ZONE BEGIN NUMBERS DIGEST "<PublicKey>AwEAAa96</PublicKey>" FLAGS END TAIL, "not those of its Digest" },
    { HEAD ZONE BEGIN NUMBERS DIGEST "<PublicKey>AwE(AAa96</PublicKey>" FLAGS END TAIL, "not in base64" },
    { HEAD ZONE BEGIN NUMBERS "<Digest>00</Digest>" KEY FLAGS END TAIL, "not those of its Digest" },
    { HEAD ZONE BEGIN NUMBERS "<Digest>0x</Digest>" END TAIL, "not hexadecimal" },
    { HEAD ZONE BEGIN NUMBERS "<Digest>000</Digest>" END TAIL, "makes no DS" },
    { HEAD ZONE BEGIN "<KeyTag>-1</KeyTag><Algorithm>8</Algorithm><DigestType>2</DigestType>" DIGEST END TAIL,
      "KeyTag is not a number" },
    { HEAD ZONE "<KeyDigest id=\"K\">" NUMBERS DIGEST END TAIL, "validFrom is missing" },
    { HEAD ZONE "<KeyDigest validFrom=\"2024-07-18T00:00:00+00:00\">" NUMBERS DIGEST END TAIL, "id is missing" },
    { HEAD ZONE "<KeyDigest id=\"K\" validFrom=\"2024-07-18\">" NUMBERS DIGEST END TAIL, "validFrom is not a time" },
    { HEAD ZONE
      "<KeyDigest id=\"K\" validFrom=\"2024-07-18T00:00:00Z\" validUntil=\"2024-07-17T00:00:00Z\">" NUMBERS DIGEST END
          TAIL,
      "before validFrom" },
    { "<!DOCTYPE TrustAnchor [<!ENTITY a \".\">]><TrustAnchor id=\"1\"><Zone>&a;</Zone>" GOOD TAIL,
      "document type definition" },
    { HEAD "<Zone>&a;</Zone>" GOOD TAIL, "undefined entity" },
};

static void files_are_read_or_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct arena *arena = arena_new();
        struct root_anchors anchors;
        char fault[ROOT_ANCHORS_FAULT_OCTETS_MAX];
        struct octets xml = { (const uint8_t *)cases[i].xml, strlen(cases[i].xml) };
        enum err err = root_anchors_read(arena, xml, &anchors, fault);
        if ((err == OK) != (cases[i].fault == NULL) || (err != OK && strstr(fault, cases[i].fault) == NULL))
            fail_msg("case %zu: \"%s\"", i, fault);
        arena_free(arena);
    }
}

static void what_it_lists_is_what_is_built_in(void **state)
{
    (void)state;
    static const char xml[] = HEAD ZONE BEGIN NUMBERS DIGEST END GOOD TAIL;
    struct arena *arena = arena_new();
    struct trust *trust = trust_new();
    struct root_anchors anchors;
    char fault[ROOT_ANCHORS_FAULT_OCTETS_MAX];
    size_t count, same = 0;
    struct octets text = { (const uint8_t *)xml, sizeof(xml) - 1 };
    assert_int_equal(root_anchors_read(arena, text, &anchors, fault), OK);
    assert_int_equal(anchors.count, 2);
    assert_int_equal(anchors.items[0].valid_from_s, 1721260800);
    assert_true(anchors.items[0].valid_until_s == INT64_MAX);
    assert_string_equal(anchors.items[0].id, "Kmyv6jo");
    assert_int_equal(anchors.items[0].dnskey.len, 0);
    trust_add_built_in(trust);
    const struct anchor *anchor = trust_anchors(trust, &count);
    for (; count > 0; count--, anchor++)
        same += key_digest_is_of(&anchors.items[0], TYPE_DNSKEY, anchor->rdata) &&
                key_digest_is_of(&anchors.items[1], TYPE_DNSKEY, anchor->rdata);
    assert_int_equal(same, 1);
    assert_true(key_digest_is_of(&anchors.items[1], TYPE_DS, anchors.items[0].ds));
    assert_int_equal(key_digest_anchor(&anchors.items[0]).type, TYPE_DS);
    assert_int_equal(key_digest_anchor(&anchors.items[1]).type, TYPE_DNSKEY);
    trust_free(trust);
    arena_free(arena);
}

static void sizes_and_numbers_have_limits(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    struct root_anchors anchors;
    char fault[ROOT_ANCHORS_FAULT_OCTETS_MAX], *xml;
    size_t len;
    FILE *to = open_memstream(&xml, &len);
    fputs(HEAD ZONE, to);
    for (int i = 0; i <= ROOT_ANCHORS_MAX; i++)
        fputs(BEGIN NUMBERS DIGEST END, to);
    fputs(TAIL, to);
    fclose(to);
    struct octets text = { (const uint8_t *)xml, len };
    assert_int_equal(root_anchors_read(arena, text, &anchors, fault), ERR_FORMAT);
    assert_non_null(strstr(fault, "more than 32 keys"));
    free(xml);
    xml = calloc(1, ROOT_ANCHORS_OCTETS_MAX + 1);
    text = (struct octets) { (const uint8_t *)xml, ROOT_ANCHORS_OCTETS_MAX + 1 };
    assert_int_equal(root_anchors_read(arena, text, &anchors, fault), ERR_FORMAT);
    assert_non_null(strstr(fault, "larger than"));
    free(xml);
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_are_read_or_refused),
        cmocka_unit_test(what_it_lists_is_what_is_built_in),
        cmocka_unit_test(sizes_and_numbers_have_limits),
    };
    return cmocka_run_group_tests_name("trust/root_anchors", tests, NULL, NULL);
}
