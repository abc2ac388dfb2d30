#include "transport/nts_records.h"

#include <gnutls/crypto.h>

#include "transport/testing.h"

enum { HEADER_OCTETS = 48, COOKIE_OCTETS = 100, SIV_OCTETS = 16 };

/* ---- key establishment, RFC 8915 section 4.1 ---- */

#define PROTOCOL  "\x80\x01\x00\x02\x00\x00"
#define ALGORITHM "\x80\x04\x00\x02\x00\x0f"
#define COOKIE                                                                                                         \
    "\x00\x05\x00\x10"                                                                                                 \
    "0123456789abcdef"
#define END  "\x80\x00\x00\x00"
#define GOOD PROTOCOL ALGORITHM COOKIE
#define OCTETS(x)                                                                                                      \
    {                                                                                                                  \
        (const uint8_t *)(x), sizeof(x) - 1                                                                            \
    }

static const struct {
    const char *what;
    struct octets octets;
    bool is_over;
    const char *fault; /* how it begins; NULL: none */
    unsigned cookies;
    const char *server;
    uint16_t port;
} replies[] = {
    { "good", OCTETS(GOOD END), true, NULL, 1, "", 0 },
    { "two cookies", OCTETS(GOOD COOKIE END), true, NULL, 2, "", 0 },
    { "ten cookies", OCTETS(GOOD COOKIE COOKIE COOKIE COOKIE COOKIE COOKIE COOKIE COOKIE COOKIE END), true, NULL, 8, "",
      0 },
    { "another server and port",
      OCTETS(GOOD "\x00\x06\x00\x09"
                  "192.0.2.1"
                  "\x00\x07\x00\x02\x04\x00" END),
      true, NULL, 1, "192.0.2.1", 1024 },
    { "something new", OCTETS("\x40\x00\x00\x01x" GOOD END), true, NULL, 1, "", 0 },
    { "something new, critical", OCTETS("\xc0\x00\x00\x01x" GOOD END), false, "it sent a critical record", 0, "", 0 },
    { "behind the end", OCTETS(GOOD END "\x80\x02\x00\x02\x00\x01"), true, NULL, 1, "", 0 },
    { "no end", OCTETS(GOOD), false, NULL, 1, "", 0 },
    { "half a record", OCTETS(GOOD "\x80\x00\x00"), false, NULL, 1, "", 0 },
    { "half a body",
      OCTETS(PROTOCOL ALGORITHM "\x00\x05\x00\x10"
                                "0123"),
      false, NULL, 0, "", 0 },
    { "an end with a body", OCTETS(GOOD "\x80\x00\x00\x01x"), true, "its last record", 1, "", 0 },
    { "nothing agreed", OCTETS(END), true, "it has not said", 0, "", 0 },
    { "no algorithm", OCTETS(PROTOCOL COOKIE END), true, "it has not said", 1, "", 0 },
    { "no cookies", OCTETS(PROTOCOL ALGORITHM END), true, "it gave no cookies", 0, "", 0 },
    { "a cookie that is too short",
      OCTETS(PROTOCOL ALGORITHM "\x00\x05\x00\x04"
                                "0123" END),
      true, "it gave no cookies", 0, "", 0 },
    { "a cookie that needs padding",
      OCTETS(PROTOCOL ALGORITHM "\x00\x05\x00\x11"
                                "0123456789abcdefg" END),
      true, "it gave no cookies", 0, "", 0 },
    { "no protocol in common", OCTETS("\x80\x01\x00\x00"), false, "it does not speak NTP", 0, "", 0 },
    { "two protocols", OCTETS("\x80\x01\x00\x04\x00\x00\x00\x01"), false, "it does not speak NTP", 0, "", 0 },
    { "protocol twice", OCTETS(PROTOCOL PROTOCOL), false, "it does not speak NTP", 0, "", 0 },
    { "another algorithm", OCTETS("\x80\x04\x00\x02\x00\x11"), false, "it has not AEAD", 0, "", 0 },
    { "no algorithm in common", OCTETS("\x80\x04\x00\x00"), false, "it has not AEAD", 0, "", 0 },
    { "error 1", OCTETS("\x80\x02\x00\x02\x00\x01"), false, "it calls our request bad", 0, "", 0 },
    { "error 9", OCTETS("\x80\x02\x00\x02\x00\x09"), false, "it reports an error", 0, "", 0 },
    { "error without a code", OCTETS("\x80\x02\x00\x00"), false, "it reports an error", 0, "", 0 },
    { "a warning", OCTETS("\x80\x03\x00\x02\x00\x01"), false, "it warns", 0, "", 0 },
    { "a server without a name", OCTETS("\x00\x06\x00\x00"), false, "it names no server", 0, "", 0 },
    { "a server for the terminal", OCTETS("\x00\x06\x00\x04\x1b[2J"), false, "it names no server", 0, "", 0 },
    { "port 0", OCTETS("\x00\x07\x00\x02\x00\x00"), false, "it names no port", 0, "", 0 },
    { "half a port", OCTETS("\x00\x07\x00\x01\x04"), false, "it names no port", 0, "", 0 },
};

static void check_reply(size_t i, const struct nts_ke_reply *reply)
{
    bool is_right = reply->is_over == replies[i].is_over && (reply->fault == NULL) == (replies[i].fault == NULL) &&
                    reply->cookies.count == replies[i].cookies;
    if (is_right && reply->fault != NULL)
        is_right = strncmp(reply->fault, replies[i].fault, strlen(replies[i].fault)) == 0;
    if (is_right && reply->fault == NULL)
        is_right = strcmp(reply->server, replies[i].server) == 0 && reply->port == replies[i].port;
    if (!is_right)
        fail_msg("%s: over %d, %u cookies, \"%s\" %u: %s", replies[i].what, reply->is_over, reply->cookies.count,
                 reply->server, reply->port, reply->fault == NULL ? "no fault" : reply->fault);
}

/* D4-run-d */
static void replies_are_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(replies); i++) {
        struct nts_ke_reply reply = { .is_over = false };
        struct reader reader = reader_of_octets(replies[i].octets);
        nts_ke_take(&reply, &reader);
        check_reply(i, &reply);
    }
}

/* TCP may cut it anywhere. */
static void replies_come_in_pieces(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(replies); i++) {
        struct nts_ke_reply reply = { .is_over = false };
        size_t taken = 0;
        for (size_t len = 0; len <= replies[i].octets.len; len++) {
            struct reader reader = reader_of(replies[i].octets.data, len);
            reader_octets(&reader, taken);
            nts_ke_take(&reply, &reader);
            taken = (size_t)(reader.at - reader.start);
        }
        check_reply(i, &reply);
    }
}

static void the_request_offers_what_we_have(void **state)
{
    (void)state;
    uint8_t request[NTS_KE_REQUEST_OCTETS];
    nts_ke_write(request);
    assert_memory_equal(request, PROTOCOL ALGORITHM END, sizeof(request));
}

/* ---- packets, RFC 8915 section 5 ---- */

static struct nts_session session_with(unsigned cookies)
{
    struct nts_session session = { .cookies.count = cookies };
    memset(session.to_server_key, 's', NTS_KEY_OCTETS);
    memset(session.to_client_key, 'c', NTS_KEY_OCTETS);
    for (unsigned i = 0; i < cookies; i++) {
        session.cookies.cookies[i].len = COOKIE_OCTETS;
        memset(session.cookies.cookies[i].octets, 'A' + (int)i, COOKIE_OCTETS);
    }
    return session;
}

/* A server's: header, whatever fields, authenticator around plain. */
static size_t seal_answer(uint8_t *packet, size_t size, struct octets fields, struct octets plain)
{
    uint8_t key[NTS_KEY_OCTETS], sealed[1024];
    const uint8_t nonce[16] = { 7 };
    size_t sealed_len = sizeof(sealed);
    struct writer writer = { .data = packet, .len = HEADER_OCTETS, .size = size };
    memset(packet, 0, HEADER_OCTETS);
    memset(key, 'c', sizeof(key));
    writer_octets_put(&writer, fields);
    gnutls_aead_cipher_hd_t cipher;
    const gnutls_datum_t datum = { key, sizeof(key) };
    assert_int_equal(gnutls_aead_cipher_init(&cipher, GNUTLS_CIPHER_AES_128_SIV, &datum), 0);
    assert_int_equal(gnutls_aead_cipher_encrypt(cipher, nonce, sizeof(nonce), packet, writer.len, SIV_OCTETS,
                                                plain.data, plain.len, sealed, &sealed_len),
                     0);
    gnutls_aead_cipher_deinit(cipher);
    writer_u16(&writer, 0x0404);
    writer_u16(&writer, (uint16_t)(4 + 4 + sizeof(nonce) + sealed_len));
    writer_u16(&writer, sizeof(nonce));
    writer_u16(&writer, (uint16_t)sealed_len);
    writer_octets_put(&writer, (struct octets) { nonce, sizeof(nonce) });
    writer_octets_put(&writer, (struct octets) { sealed, sealed_len });
    assert_false(writer.failed);
    return writer.len;
}

struct answer {
    uint8_t unique[NTS_UNIQUE_OCTETS];
    uint8_t packet[NTS_PACKET_OCTETS_MAX];
    size_t len;
};

/* Good, with two cookies. */
static struct answer good_answer(void)
{
    struct answer answer;
    uint8_t fields[4 + NTS_UNIQUE_OCTETS] = { 0x01, 0x04, 0, sizeof(fields) }, plain[2 * 24];
    memset(answer.unique, 'u', sizeof(answer.unique));
    memset(fields + 4, 'u', NTS_UNIQUE_OCTETS);
    memset(plain, 'n', sizeof(plain));
    memcpy(plain, "\x02\x04\x00\x18", 4);
    memcpy(plain + 24, "\x02\x04\x00\x18", 4);
    answer.len = seal_answer(answer.packet, sizeof(answer.packet), (struct octets) { fields, sizeof(fields) },
                             (struct octets) { plain, sizeof(plain) });
    return answer;
}

static enum nts_seal open_answer(const struct answer *answer, struct nts_session *session)
{
    return nts_open(session, answer->unique, (struct octets) { answer->packet, answer->len });
}

static void a_sealed_answer_brings_cookies(void **state)
{
    (void)state;
    struct answer answer = good_answer();
    struct nts_session session = session_with(3), full = session_with(8);
    assert_int_equal(open_answer(&answer, &session), NTS_GOOD);
    assert_int_equal(session.cookies.count, 5);
    assert_int_equal(session.cookies.cookies[4].len, 20);
    assert_int_equal(open_answer(&answer, &full), NTS_GOOD);
    assert_int_equal(full.cookies.count, 8);
}

/* Every octet that is changed, but those of the nonce's padding, which it has not, and every end that is missing. */
static void whatever_is_altered_is_forged(void **state)
{
    (void)state;
    const struct answer good = good_answer();
    struct nts_session session = session_with(3);
    for (size_t at = 0; at < good.len; at++) {
        struct answer answer = good;
        answer.packet[at] ^= 1;
        assert_int_not_equal(open_answer(&answer, &session), NTS_GOOD);
    }
    for (size_t len = 0; len < good.len; len++) {
        struct answer answer = good;
        answer.len = len;
        assert_int_not_equal(open_answer(&answer, &session), NTS_GOOD);
    }
    assert_int_equal(session.cookies.count, 3);
}

static void answers_to_others_are_forged(void **state)
{
    (void)state;
    struct answer answer = good_answer();
    struct nts_session session = session_with(3), of_others = session_with(3);
    of_others.to_client_key[0] ^= 1;
    assert_int_equal(open_answer(&answer, &of_others), NTS_FORGED);
    answer.unique[31] ^= 1;
    assert_int_equal(open_answer(&answer, &session), NTS_FORGED);
}

static void an_answer_without_a_seal_is_told_apart(void **state)
{
    (void)state;
    struct answer answer = good_answer();
    struct nts_session session = session_with(3);
    answer.len = HEADER_OCTETS + 4 + NTS_UNIQUE_OCTETS;
    assert_int_equal(open_answer(&answer, &session), NTS_UNSEALED);
    answer.len = HEADER_OCTETS;
    assert_int_equal(open_answer(&answer, &session), NTS_FORGED);
}

/* How many fields of that type. */
static unsigned count_fields(struct octets packet, uint16_t wanted)
{
    unsigned count = 0;
    struct reader reader = reader_of_octets(packet);
    reader_octets(&reader, HEADER_OCTETS);
    while (reader_left(&reader) > 0) {
        uint16_t type = reader_u16(&reader), len = reader_u16(&reader);
        reader_octets(&reader, len - 4);
        count += type == wanted;
    }
    assert_false(reader.failed);
    return count;
}

/* Sections 5.5 and 5.7: the cookie is spent, and as many are asked for as make eight. */
static void a_question_spends_a_cookie(void **state)
{
    (void)state;
    struct random *random = random_seeded_new(1);
    for (unsigned cookies = 1; cookies <= NTS_COOKIES_MAX; cookies++) {
        uint8_t packet[NTS_PACKET_OCTETS_MAX] = { 0 }, unique[NTS_UNIQUE_OCTETS];
        struct writer writer = { .data = packet, .len = HEADER_OCTETS, .size = sizeof(packet) };
        struct nts_session session = session_with(cookies);
        assert_true(nts_seal(&session, random, &writer, unique));
        struct octets sent = writer_octets(&writer);
        assert_int_equal(session.cookies.count, cookies - 1);
        assert_int_equal(count_fields(sent, 0x0104), 1);
        assert_int_equal(count_fields(sent, 0x0204), 1);
        assert_int_equal(count_fields(sent, 0x0304), NTS_COOKIES_MAX - cookies);
        assert_int_equal(count_fields(sent, 0x0404), 1);
        assert_memory_equal(packet + HEADER_OCTETS + 4, unique, sizeof(unique));
        assert_int_equal(packet[HEADER_OCTETS + 4 + NTS_UNIQUE_OCTETS + 4], 'A' + cookies - 1);
    }
    random_free(random);
}

/* Eight large ones would be cut in pieces on their way. */
static void large_cookies_keep_a_packet_whole(void **state)
{
    (void)state;
    struct random *random = random_seeded_new(1);
    uint8_t packet[NTS_PACKET_OCTETS_MAX] = { 0 }, unique[NTS_UNIQUE_OCTETS];
    struct writer writer = { .data = packet, .len = HEADER_OCTETS, .size = sizeof(packet) };
    struct nts_session session = session_with(1);
    session.cookies.cookies[0].len = NTS_COOKIE_OCTETS_MAX;
    assert_true(nts_seal(&session, random, &writer, unique));
    assert_int_equal(count_fields(writer_octets(&writer), 0x0304), 3);
    random_free(random);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(replies_are_read),
        cmocka_unit_test(replies_come_in_pieces),
        cmocka_unit_test(the_request_offers_what_we_have),
        cmocka_unit_test(a_sealed_answer_brings_cookies),
        cmocka_unit_test(whatever_is_altered_is_forged),
        cmocka_unit_test(answers_to_others_are_forged),
        cmocka_unit_test(an_answer_without_a_seal_is_told_apart),
        cmocka_unit_test(a_question_spends_a_cookie),
        cmocka_unit_test(large_cookies_keep_a_packet_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
