#include "transport/nts_records.h"

#include <assert.h>
#include <gnutls/crypto.h>

/* RFC 8915 section 4.1. */
enum record_type {
    RECORD_END = 0,
    RECORD_PROTOCOL = 1,
    RECORD_ERROR = 2,
    RECORD_WARNING = 3,
    RECORD_ALGORITHM = 4,
    RECORD_COOKIE = 5,
    RECORD_SERVER = 6,
    RECORD_PORT = 7,
};
enum {
    RECORD_CRITICAL = 0x8000,
    RECORD_HEADER_OCTETS = 4,
};

/* RFC 8915 section 5. */
enum field_type {
    FIELD_UNIQUE = 0x0104,
    FIELD_COOKIE = 0x0204,
    FIELD_PLACEHOLDER = 0x0304,
    FIELD_AUTHENTICATOR = 0x0404,
};
enum {
    HEADER_OCTETS = 48,      /* of NTP */
    FIELD_HEADER_OCTETS = 4, /* RFC 7822 section 3: type, and length with this header */
    NONCE_OCTETS = 16,       /* section 5.6: as many as the algorithm takes, or 16 */
    SIV_OCTETS = 16,         /* RFC 5297: what the ciphertext is longer by */
    AUTHENTICATOR_OCTETS = FIELD_HEADER_OCTETS + 4 + NONCE_OCTETS + SIV_OCTETS, /* around nothing */
};

/* ---- cookies ---- */

/* One that does not fit in a field as it is, or that is too many, is not kept. */
static void cookies_add(struct nts_cookies *cookies, struct octets octets)
{
    if (cookies->count == NTS_COOKIES_MAX || octets.len < NTS_COOKIE_OCTETS_MIN || octets.len > NTS_COOKIE_OCTETS_MAX ||
        octets.len % 4 != 0)
        return;
    struct nts_cookie *cookie = &cookies->cookies[cookies->count++];
    cookie->len = (uint16_t)octets.len;
    memcpy(cookie->octets, octets.data, octets.len);
}

/* ---- key establishment ---- */

void nts_ke_write(uint8_t request[NTS_KE_REQUEST_OCTETS])
{
    struct writer writer = writer_of(request, NTS_KE_REQUEST_OCTETS);
    writer_u16(&writer, RECORD_CRITICAL | RECORD_PROTOCOL);
    writer_u16(&writer, 2);
    writer_u16(&writer, NTS_NTPV4);
    writer_u16(&writer, RECORD_CRITICAL | RECORD_ALGORITHM);
    writer_u16(&writer, 2);
    writer_u16(&writer, NTS_AES_SIV_CMAC_256);
    writer_u16(&writer, RECORD_CRITICAL | RECORD_END);
    writer_u16(&writer, 0);
    assert(!writer.failed && writer.len == NTS_KE_REQUEST_OCTETS);
}

static bool says_alone(struct reader *body, uint16_t value)
{
    return reader_u16(body) == value && !body->failed && reader_left(body) == 0;
}

static const char *take_choice(bool *has, struct reader *body, uint16_t wanted, const char *fault)
{
    bool is_again = *has;
    *has = true;
    return !is_again && says_alone(body, wanted) ? NULL : fault;
}

static const char *error_text(struct reader *body)
{
    static const char *const texts[] = { "it does not know a record of ours", "it calls our request bad",
                                         "it has an internal error" }; /* RFC 8915 section 4.1.3 */
    uint16_t code = reader_u16(body);
    return !body->failed && code < ARRAY_LEN(texts) ? texts[code] : "it reports an error";
}

/* Names and addresses alike: printable ASCII (section 4.1.7). */
static const char *take_server(struct nts_ke_reply *reply, struct octets name)
{
    bool is_good = name.len > 0 && name.len <= NTS_NAME_OCTETS_MAX && reply->server[0] == '\0';
    for (size_t i = 0; is_good && i < name.len; i++)
        is_good = name.data[i] > 0x20 && name.data[i] < 0x7f;
    if (!is_good)
        return "it names no server that could be asked";
    memcpy(reply->server, name.data, name.len);
    reply->server[name.len] = '\0';
    return NULL;
}

static const char *take_port(struct nts_ke_reply *reply, struct reader *body)
{
    bool is_again = reply->port != 0;
    reply->port = reader_u16(body);
    return is_again || body->failed || reader_left(body) != 0 || reply->port == 0 ? "it names no port" : NULL;
}

static const char *take_end(struct nts_ke_reply *reply, struct reader *body)
{
    reply->is_over = true;
    if (reader_left(body) != 0)
        return "its last record is not empty";
    if (!reply->has_protocol || !reply->has_algorithm)
        return "it has not said what was agreed on";
    return reply->cookies.count == 0 ? "it gave no cookies of use" : NULL;
}

/* The fault; NULL: none. */
static const char *take_record(struct nts_ke_reply *reply, uint16_t type, struct reader *body)
{
    switch (type & ~RECORD_CRITICAL) {
    case RECORD_END:
        return take_end(reply, body);
    case RECORD_PROTOCOL:
        return take_choice(&reply->has_protocol, body, NTS_NTPV4, "it does not speak NTP");
    case RECORD_ALGORITHM:
        return take_choice(&reply->has_algorithm, body, NTS_AES_SIV_CMAC_256, "it has not AEAD_AES_SIV_CMAC_256");
    case RECORD_ERROR:
        return error_text(body);
    case RECORD_WARNING: /* section 4.1.4: there are none yet, and an unknown one is an error */
        return "it warns of something unknown";
    case RECORD_COOKIE:
        cookies_add(&reply->cookies, reader_rest(body));
        return NULL;
    case RECORD_SERVER:
        return take_server(reply, reader_rest(body));
    case RECORD_PORT:
        return take_port(reply, body);
    default:
        return (type & RECORD_CRITICAL) != 0 ? "it sent a critical record that is unknown" : NULL;
    }
}

void nts_ke_take(struct nts_ke_reply *reply, struct reader *reader)
{
    while (!reply->is_over && reply->fault == NULL && reader_left(reader) >= RECORD_HEADER_OCTETS) {
        struct reader whole = *reader;
        uint16_t type = reader_u16(reader), len = reader_u16(reader);
        if (reader_left(reader) < len) {
            *reader = whole;
            return;
        }
        struct reader body = reader_sub(reader, len);
        reply->fault = take_record(reply, type, &body);
    }
}

/* ---- the algorithm ---- */

static gnutls_aead_cipher_hd_t cipher_of(uint8_t key[NTS_KEY_OCTETS])
{
    gnutls_aead_cipher_hd_t cipher;
    const gnutls_datum_t datum = { key, NTS_KEY_OCTETS };
    return gnutls_aead_cipher_init(&cipher, GNUTLS_CIPHER_AES_128_SIV, &datum) == 0 ? cipher : NULL;
}

/* Around nothing: what is sent has no secrets. */
static bool encrypt_nothing(uint8_t key[NTS_KEY_OCTETS], struct octets nonce, struct octets associated,
                            uint8_t siv[SIV_OCTETS])
{
    size_t len = SIV_OCTETS;
    gnutls_aead_cipher_hd_t cipher = cipher_of(key);
    if (cipher == NULL)
        return false;
    bool is_done = gnutls_aead_cipher_encrypt(cipher, nonce.data, nonce.len, associated.data, associated.len,
                                              SIV_OCTETS, "", 0, siv, &len) == 0;
    gnutls_aead_cipher_deinit(cipher);
    return is_done && len == SIV_OCTETS;
}

static bool decrypt(uint8_t key[NTS_KEY_OCTETS], struct octets nonce, struct octets associated, struct octets sealed,
                    uint8_t *plain, size_t *len)
{
    gnutls_aead_cipher_hd_t cipher = cipher_of(key);
    if (cipher == NULL)
        return false;
    bool is_done = gnutls_aead_cipher_decrypt(cipher, nonce.data, nonce.len, associated.data, associated.len,
                                              SIV_OCTETS, sealed.data, sealed.len, plain, len) == 0;
    gnutls_aead_cipher_deinit(cipher);
    return is_done;
}

/* ---- questions ---- */

static void write_field(struct writer *packet, uint16_t type, struct octets body)
{
    writer_u16(packet, type);
    writer_u16(packet, (uint16_t)(FIELD_HEADER_OCTETS + body.len));
    writer_octets_put(packet, body);
}

/* Each makes room in the answer for a cookie more than the one that is spent, so that there are eight again; a packet
 * that would be cut in pieces asks for fewer (RFC 8915 section 5.5). */
static void write_placeholders(struct writer *packet, unsigned wanted, size_t cookie_len)
{
    static const uint8_t zeros[NTS_COOKIE_OCTETS_MAX];
    for (; wanted > 0; wanted--) {
        if (packet->len + FIELD_HEADER_OCTETS + cookie_len + AUTHENTICATOR_OCTETS > NTS_PACKET_OCTETS_MAX)
            return;
        write_field(packet, FIELD_PLACEHOLDER, (struct octets) { zeros, cookie_len });
    }
}

static bool write_authenticator(struct nts_session *session, struct random *random, struct writer *packet)
{
    uint8_t nonce[NONCE_OCTETS], siv[SIV_OCTETS];
    random->fill(random, nonce, sizeof(nonce));
    if (!encrypt_nothing(session->to_server_key, (struct octets) { nonce, sizeof(nonce) }, writer_octets(packet), siv))
        return false;
    writer_u16(packet, FIELD_AUTHENTICATOR);
    writer_u16(packet, AUTHENTICATOR_OCTETS);
    writer_u16(packet, NONCE_OCTETS);
    writer_u16(packet, SIV_OCTETS);
    writer_octets_put(packet, (struct octets) { nonce, sizeof(nonce) });
    writer_octets_put(packet, (struct octets) { siv, sizeof(siv) });
    return !packet->failed;
}

bool nts_seal(struct nts_session *session, struct random *random, struct writer *packet,
              uint8_t unique[NTS_UNIQUE_OCTETS])
{
    struct nts_cookies *cookies = &session->cookies;
    assert(cookies->count > 0 && packet->len == HEADER_OCTETS);
    const struct nts_cookie *cookie = &cookies->cookies[--cookies->count];
    random->fill(random, unique, NTS_UNIQUE_OCTETS);
    write_field(packet, FIELD_UNIQUE, (struct octets) { unique, NTS_UNIQUE_OCTETS });
    write_field(packet, FIELD_COOKIE, (struct octets) { cookie->octets, cookie->len });
    write_placeholders(packet, NTS_COOKIES_MAX - cookies->count - 1, cookie->len);
    return write_authenticator(session, random, packet);
}

/* ---- answers ---- */

struct field {
    uint16_t type;
    struct octets body;
};

/* False: no more, or none (reader->failed). */
static bool read_field(struct reader *reader, struct field *field)
{
    if (reader->failed || reader_left(reader) == 0)
        return false;
    field->type = reader_u16(reader);
    uint16_t len = reader_u16(reader);
    if (len < FIELD_HEADER_OCTETS || len % 4 != 0)
        reader->failed = true;
    else
        field->body = reader_octets(reader, len - FIELD_HEADER_OCTETS);
    return !reader->failed;
}

static size_t padded(size_t len)
{
    return (len + 3) & ~(size_t)3;
}

/* Section 5.6. */
static bool read_authenticator(struct octets body, struct octets *nonce, struct octets *sealed)
{
    struct reader reader = reader_of_octets(body);
    size_t nonce_len = reader_u16(&reader), sealed_len = reader_u16(&reader);
    *nonce = reader_octets(&reader, nonce_len);
    reader_octets(&reader, padded(nonce_len) - nonce_len);
    *sealed = reader_octets(&reader, sealed_len);
    return !reader.failed && nonce_len > 0 && sealed_len >= SIV_OCTETS;
}

static void take_cookies(struct nts_session *session, struct octets fields)
{
    struct reader reader = reader_of_octets(fields);
    struct field field;
    while (read_field(&reader, &field))
        if (field.type == FIELD_COOKIE)
            cookies_add(&session->cookies, field.body);
}

static enum nts_seal open_authenticator(struct nts_session *session, struct octets before, struct octets body)
{
    struct octets nonce, sealed;
    uint8_t plain[NTS_COOKIES_MAX * (FIELD_HEADER_OCTETS + NTS_COOKIE_OCTETS_MAX)];
    size_t len = sizeof(plain);
    if (!read_authenticator(body, &nonce, &sealed) || sealed.len - SIV_OCTETS > sizeof(plain) ||
        !decrypt(session->to_client_key, nonce, before, sealed, plain, &len))
        return NTS_FORGED;
    take_cookies(session, (struct octets) { plain, len });
    return NTS_GOOD;
}

/* What stands behind the authenticator is nobody's word (section 5.7), and not looked at. */
enum nts_seal nts_open(struct nts_session *session, const uint8_t unique[NTS_UNIQUE_OCTETS], struct octets packet)
{
    struct reader reader = reader_of_octets(packet);
    struct field field;
    bool is_ours = false;
    reader_octets(&reader, HEADER_OCTETS);
    for (const uint8_t *at = reader.at; read_field(&reader, &field); at = reader.at) {
        if (field.type == FIELD_UNIQUE)
            is_ours = octets_equal(field.body, (struct octets) { unique, NTS_UNIQUE_OCTETS });
        else if (field.type == FIELD_AUTHENTICATOR)
            return is_ours ? open_authenticator(session, (struct octets) { packet.data, (size_t)(at - packet.data) },
                                                field.body)
                           : NTS_FORGED;
    }
    return is_ours && !reader.failed ? NTS_UNSEALED : NTS_FORGED;
}
