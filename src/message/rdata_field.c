#include "message/rdata_field.h"

#include <arpa/inet.h>
#include <assert.h>
#include <time.h>

#include "message/coding.h"

/* ---- names ---- */

void dname_skip(struct reader *r)
{
    struct dname name;
    reader_dname_uncompressed(r, &name);
}

bool dname_print(struct text *text, struct reader *r)
{
    char name_text[DNAME_TEXT_MAX];
    struct dname name;
    reader_dname_uncompressed(r, &name);
    text_printf(text, "%s", dname_to_text(&name, name_text));
    return !r->failed;
}

/* ---- numbers ---- */

static void u8_skip(struct reader *r)
{
    reader_u8(r);
}

static bool u8_print(struct text *text, struct reader *r)
{
    text_printf(text, "%u", reader_u8(r));
    return !r->failed;
}

static bool u8_parse(struct tokens *tokens, struct writer *w)
{
    uint32_t value;
    if (!tokens_number(tokens, UINT8_MAX, &value))
        return false;
    writer_u8(w, (uint8_t)value);
    return !w->failed;
}

static void u16_skip(struct reader *r)
{
    reader_u16(r);
}

static bool u16_print(struct text *text, struct reader *r)
{
    text_printf(text, "%u", reader_u16(r));
    return !r->failed;
}

static bool u16_parse(struct tokens *tokens, struct writer *w)
{
    uint32_t value;
    if (!tokens_number(tokens, UINT16_MAX, &value))
        return false;
    writer_u16(w, (uint16_t)value);
    return !w->failed;
}

static void u32_skip(struct reader *r)
{
    reader_u32(r);
}

static bool u32_print(struct text *text, struct reader *r)
{
    text_printf(text, "%u", reader_u32(r));
    return !r->failed;
}

static bool u32_parse(struct tokens *tokens, struct writer *w)
{
    uint32_t value;
    if (!tokens_number(tokens, UINT32_MAX, &value))
        return false;
    writer_u32(w, value);
    return !w->failed;
}

static bool type_print(struct text *text, struct reader *r)
{
    char type[RR_TYPE_TEXT_MAX];
    text_printf(text, "%s", rr_type_to_text(reader_u16(r), type));
    return !r->failed;
}

static bool token_type(struct token token, uint16_t *type)
{
    char text[RR_TYPE_TEXT_MAX];
    return token_text(token, text, sizeof(text)) && rr_type_from_text(text, type) == OK;
}

static bool type_parse(struct tokens *tokens, struct writer *w)
{
    struct token token;
    uint16_t type;
    if (!tokens_next(tokens, &token) || !token_type(token, &type))
        return false;
    writer_u16(w, type);
    return !w->failed;
}

/* IANA "DNS Security Algorithm Numbers": people write mnemonics into anchor files (RFC 4034 sections 2.2 and 5.3).
 * What an algorithm is and can do stands in crypto/. */
static const struct {
    uint8_t number;
    const char *mnemonic;
} algorithms[] = {
    { 0, "DELETE" },
    { 1, "RSAMD5" },
    { 2, "DH" },
    { 3, "DSA" },
    { 5, "RSASHA1" },
    { 6, "DSA-NSEC3-SHA1" },
    { 7, "RSASHA1-NSEC3-SHA1" },
    { 8, "RSASHA256" },
    { 10, "RSASHA512" },
    { 12, "ECC-GOST" },
    { 13, "ECDSAP256SHA256" },
    { 14, "ECDSAP384SHA384" },
    { 15, "ED25519" },
    { 16, "ED448" },
    { 17, "SM2SM3" },
    { 23, "ECC-GOST12" },
    { 252, "INDIRECT" },
    { 253, "PRIVATEDNS" },
    { 254, "PRIVATEOID" },
};

static bool algorithm_parse(struct tokens *tokens, struct writer *w)
{
    struct tokens here = *tokens;
    struct token token;
    if (!tokens_next(&here, &token))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(algorithms); i++) {
        if (token_is(token, algorithms[i].mnemonic)) {
            writer_u8(w, algorithms[i].number);
            *tokens = here;
            return !w->failed;
        }
    }
    return u8_parse(tokens, w);
}

/* ---- times (RFC 4034 section 3.2) ---- */

static bool time_print(struct text *text, struct reader *r)
{
    char date[sizeof("YYYYMMDDHHmmSS")];
    time_t seconds = (time_t)reader_u32(r);
    struct tm tm;
    if (gmtime_r(&seconds, &tm) == NULL || strftime(date, sizeof(date), "%Y%m%d%H%M%S", &tm) == 0)
        return false;
    text_printf(text, "%s", date);
    return !r->failed;
}

static int digits(const char *text, size_t count)
{
    int value = 0;
    for (; count > 0; count--)
        value = value * 10 + (*text++ - '0');
    return value;
}

/* Fourteen digits.  A 31 February, which timegm() would carry into March, is refused. */
static bool date_to_seconds(const char *date, uint32_t *seconds)
{
    struct tm tm = {
        .tm_year = digits(date, 4) - 1900,
        .tm_mon = digits(date + 4, 2) - 1,
        .tm_mday = digits(date + 6, 2),
        .tm_hour = digits(date + 8, 2),
        .tm_min = digits(date + 10, 2),
        .tm_sec = digits(date + 12, 2),
    };
    struct tm carried = tm;
    time_t value = timegm(&carried);
    *seconds = (uint32_t)value;
    return value >= 0 && value <= UINT32_MAX && carried.tm_year == tm.tm_year && carried.tm_mon == tm.tm_mon &&
           carried.tm_mday == tm.tm_mday && carried.tm_hour == tm.tm_hour && carried.tm_min == tm.tm_min &&
           carried.tm_sec == tm.tm_sec;
}

static bool time_parse(struct tokens *tokens, struct writer *w)
{
    struct token token;
    uint32_t seconds;
    if (!tokens_next(tokens, &token))
        return false;
    bool is_date = token.len == 14 && strspn(token.text, "0123456789") == 14;
    if (is_date ? !date_to_seconds(token.text, &seconds) : !token_number(token, UINT32_MAX, &seconds))
        return false;
    writer_u32(w, seconds);
    return !w->failed;
}

/* ---- addresses and identifiers of fixed length ---- */

enum { IPV4_OCTETS = 4, IPV6_OCTETS = 16, EUI48_OCTETS = 6, EUI64_OCTETS = 8, NODE64_OCTETS = 8 };

static void ipv4_skip(struct reader *r)
{
    reader_octets(r, IPV4_OCTETS);
}

static void ipv6_skip(struct reader *r)
{
    reader_octets(r, IPV6_OCTETS);
}

static bool ip_print(struct text *text, struct reader *r, int family, size_t len)
{
    char address[INET6_ADDRSTRLEN];
    struct octets octets = reader_octets(r, len);
    if (r->failed || inet_ntop(family, octets.data, address, sizeof(address)) == NULL)
        return false;
    text_printf(text, "%s", address);
    return true;
}

static bool ip_parse(struct tokens *tokens, struct writer *w, int family, size_t len)
{
    struct token token;
    char text[INET6_ADDRSTRLEN];
    uint8_t octets[IPV6_OCTETS];
    if (!tokens_next(tokens, &token) || !token_text(token, text, sizeof(text)) || inet_pton(family, text, octets) != 1)
        return false;
    writer_octets_put(w, (struct octets) { octets, len });
    return !w->failed;
}

bool ipv4_print(struct text *text, struct reader *r)
{
    return ip_print(text, r, AF_INET, IPV4_OCTETS);
}

bool ipv4_parse(struct tokens *tokens, struct writer *w)
{
    return ip_parse(tokens, w, AF_INET, IPV4_OCTETS);
}

bool ipv6_print(struct text *text, struct reader *r)
{
    return ip_print(text, r, AF_INET6, IPV6_OCTETS);
}

bool ipv6_parse(struct tokens *tokens, struct writer *w)
{
    return ip_parse(tokens, w, AF_INET6, IPV6_OCTETS);
}

/* `count` groups of `group` octets in hexadecimal with a mark between them. */
static bool groups_print(struct text *text, struct reader *r, size_t count, size_t group, char mark)
{
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            text_printf(text, "%c", mark);
        text_hex(text, reader_octets(r, group));
    }
    return !r->failed;
}

static bool groups_parse(struct tokens *tokens, struct writer *w, size_t count, size_t group, char mark)
{
    struct token token;
    if (!tokens_next(tokens, &token) || token.len != count * (2 * group + 1) - 1)
        return false;
    for (size_t i = 0; i < count; i++) {
        const char *at = token.text + i * (2 * group + 1);
        if ((i > 0 && at[-1] != mark) || !hex_decode((struct octets) { (const uint8_t *)at, 2 * group }, w))
            return false;
    }
    return true;
}

static void eui48_skip(struct reader *r)
{
    reader_octets(r, EUI48_OCTETS);
}

static bool eui48_print(struct text *text, struct reader *r)
{
    return groups_print(text, r, EUI48_OCTETS, 1, '-');
}

static bool eui48_parse(struct tokens *tokens, struct writer *w)
{
    return groups_parse(tokens, w, EUI48_OCTETS, 1, '-');
}

static void eui64_skip(struct reader *r)
{
    reader_octets(r, EUI64_OCTETS);
}

static bool eui64_print(struct text *text, struct reader *r)
{
    return groups_print(text, r, EUI64_OCTETS, 1, '-');
}

static bool eui64_parse(struct tokens *tokens, struct writer *w)
{
    return groups_parse(tokens, w, EUI64_OCTETS, 1, '-');
}

static void node64_skip(struct reader *r)
{
    reader_octets(r, NODE64_OCTETS);
}

static bool node64_print(struct text *text, struct reader *r)
{
    return groups_print(text, r, NODE64_OCTETS / 2, 2, ':');
}

static bool node64_parse(struct tokens *tokens, struct writer *w)
{
    return groups_parse(tokens, w, NODE64_OCTETS / 2, 2, ':');
}

/* ---- strings ---- */

static struct octets reader_counted(struct reader *r)
{
    return reader_octets(r, reader_u8(r));
}

/* Octets behind a length octet, which stands at `at` and is filled in now. */
static bool close_counted(struct writer *w, size_t at)
{
    if (w->failed || w->len - at - 1 > UINT8_MAX)
        return false;
    w->data[at] = (uint8_t)(w->len - at - 1);
    return true;
}

static void print_quoted(struct text *text, struct octets octets)
{
    text_printf(text, "\"");
    text_escaped(text, octets);
    text_printf(text, "\"");
}

static void string_skip(struct reader *r)
{
    reader_counted(r);
}

static bool string_print(struct text *text, struct reader *r)
{
    print_quoted(text, reader_counted(r));
    return !r->failed;
}

static bool string_parse(struct tokens *tokens, struct writer *w)
{
    struct token token;
    size_t at = w->len;
    writer_u8(w, 0);
    return tokens_next(tokens, &token) && token_octets(token, w) && close_counted(w, at);
}

static void strings_skip(struct reader *r)
{
    do
        string_skip(r);
    while (!r->failed && reader_left(r) > 0);
}

static bool strings_print(struct text *text, struct reader *r)
{
    string_print(text, r);
    while (!r->failed && reader_left(r) > 0) {
        text_printf(text, " ");
        string_print(text, r);
    }
    return !r->failed;
}

static bool strings_parse(struct tokens *tokens, struct writer *w)
{
    bool good = string_parse(tokens, w);
    while (good && tokens_left(tokens))
        good = string_parse(tokens, w);
    return good;
}

static bool is_tag(struct octets octets)
{
    for (size_t i = 0; i < octets.len; i++) {
        uint8_t c = octets.data[i];
        if (!((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z')))
            return false;
    }
    return octets.len > 0;
}

static void tag_skip(struct reader *r)
{
    if (!is_tag(reader_counted(r)))
        r->failed = true;
}

static bool tag_print(struct text *text, struct reader *r)
{
    struct octets tag = reader_counted(r);
    text_printf(text, "%.*s", (int)tag.len, (const char *)tag.data);
    return !r->failed;
}

static bool tag_parse(struct tokens *tokens, struct writer *w)
{
    size_t at = w->len;
    return string_parse(tokens, w) && is_tag((struct octets) { w->data + at + 1, w->len - at - 1 });
}

static void rest_skip(struct reader *r)
{
    reader_rest(r);
}

static bool text_rest_print(struct text *text, struct reader *r)
{
    print_quoted(text, reader_rest(r));
    return !r->failed;
}

static bool text_rest_parse(struct tokens *tokens, struct writer *w)
{
    struct token token;
    return tokens_next(tokens, &token) && token_octets(token, w);
}

/* ---- binary data ---- */

static bool hex_rest_print(struct text *text, struct reader *r)
{
    text_hex(text, reader_rest(r));
    return !r->failed;
}

static bool hex_rest_parse(struct tokens *tokens, struct writer *w)
{
    return hex_decode(tokens_join(tokens), w);
}

static bool base64_rest_print(struct text *text, struct reader *r)
{
    text_base64(text, reader_rest(r));
    return !r->failed;
}

static bool base64_rest_parse(struct tokens *tokens, struct writer *w)
{
    return base64_decode(tokens_join(tokens), w);
}

static bool salt_print(struct text *text, struct reader *r)
{
    struct octets salt = reader_counted(r);
    if (salt.len == 0)
        text_printf(text, "-");
    text_hex(text, salt);
    return !r->failed;
}

static bool salt_parse(struct tokens *tokens, struct writer *w)
{
    struct token token;
    size_t at = w->len;
    writer_u8(w, 0);
    return tokens_next(tokens, &token) && (token_is(token, "-") || hex_decode(token_characters(token), w)) &&
           close_counted(w, at);
}

/* RFC 5155 section 3.2: a hash length of 1 to 255. */
static void hash_skip(struct reader *r)
{
    if (reader_counted(r).len == 0)
        r->failed = true;
}

static bool hash_print(struct text *text, struct reader *r)
{
    text_base32hex(text, reader_counted(r));
    return !r->failed;
}

static bool hash_parse(struct tokens *tokens, struct writer *w)
{
    struct token token;
    size_t at = w->len;
    writer_u8(w, 0);
    return tokens_next(tokens, &token) && base32hex_decode(token_characters(token), w) && close_counted(w, at);
}

/* ---- type bit maps (RFC 4034 section 4.1.2) ---- */

enum { WINDOWS = 256, WINDOW_OCTETS_MAX = 32 };

/* Windows ascend and end with an octet that is not zero: the other large resolvers refuse anything else, so no signer
 * that is in use makes it. */
static void bitmap_skip(struct reader *r)
{
    int last_window = -1;
    while (!r->failed && reader_left(r) > 0) {
        uint8_t window = reader_u8(r);
        struct octets bits = reader_counted(r);
        if (r->failed || window <= last_window || bits.len == 0 || bits.len > WINDOW_OCTETS_MAX ||
            bits.data[bits.len - 1] == 0)
            r->failed = true;
        last_window = window;
    }
}

static void window_print(struct text *text, unsigned window, struct octets bits, const char **separator)
{
    char type[RR_TYPE_TEXT_MAX];
    for (unsigned bit = 0; bit < bits.len * 8; bit++) {
        if ((bits.data[bit / 8] & 0x80 >> bit % 8) == 0)
            continue;
        text_printf(text, "%s%s", *separator, rr_type_to_text((uint16_t)(window << 8 | bit), type));
        *separator = " ";
    }
}

static bool bitmap_print(struct text *text, struct reader *r)
{
    const char *separator = "";
    while (!r->failed && reader_left(r) > 0) {
        unsigned window = reader_u8(r);
        window_print(text, window, reader_counted(r), &separator);
    }
    return !r->failed;
}

static bool bitmap_parse(struct tokens *tokens, struct writer *w)
{
    uint8_t bits[WINDOWS][WINDOW_OCTETS_MAX] = { 0 };
    struct token token;
    while (tokens_left(tokens)) {
        uint16_t type;
        if (!tokens_next(tokens, &token) || !token_type(token, &type))
            return false;
        bits[type >> 8][(type & 0xff) / 8] |= (uint8_t)(0x80 >> type % 8);
    }
    for (unsigned window = 0; window < WINDOWS; window++) {
        uint8_t len = WINDOW_OCTETS_MAX;
        while (len > 0 && bits[window][len - 1] == 0)
            len--;
        if (len == 0)
            continue;
        writer_u8(w, (uint8_t)window);
        writer_u8(w, len);
        writer_octets_put(w, (struct octets) { bits[window], len });
    }
    return !w->failed;
}

/* ---- no presentation form of its own ---- */

static bool unknown_print(struct text *text, struct reader *r)
{
    (void)text, (void)r;
    return false;
}

static bool unknown_parse(struct tokens *tokens, struct writer *w)
{
    (void)tokens, (void)w;
    return false;
}

static const struct rdata_field_kind kinds[RDATA_FIELDS] = {
    [FIELD_NAME_COMPRESSIBLE] = { dname_skip, dname_print, tokens_dname },
    [FIELD_NAME_LOWER] = { dname_skip, dname_print, tokens_dname },
    [FIELD_NAME] = { dname_skip, dname_print, tokens_dname },
    [FIELD_U8] = { u8_skip, u8_print, u8_parse },
    [FIELD_U16] = { u16_skip, u16_print, u16_parse },
    [FIELD_U32] = { u32_skip, u32_print, u32_parse },
    [FIELD_TIME] = { u32_skip, time_print, time_parse },
    [FIELD_TYPE] = { u16_skip, type_print, type_parse },
    [FIELD_ALGORITHM] = { u8_skip, u8_print, algorithm_parse },
    [FIELD_IPV4] = { ipv4_skip, ipv4_print, ipv4_parse },
    [FIELD_IPV6] = { ipv6_skip, ipv6_print, ipv6_parse },
    [FIELD_STRING] = { string_skip, string_print, string_parse },
    [FIELD_STRINGS] = { strings_skip, strings_print, strings_parse },
    [FIELD_TAG] = { tag_skip, tag_print, tag_parse },
    [FIELD_TEXT_REST] = { rest_skip, text_rest_print, text_rest_parse },
    [FIELD_HEX_REST] = { rest_skip, hex_rest_print, hex_rest_parse },
    [FIELD_BASE64_REST] = { rest_skip, base64_rest_print, base64_rest_parse },
    [FIELD_SALT] = { string_skip, salt_print, salt_parse },
    [FIELD_HASH] = { hash_skip, hash_print, hash_parse },
    [FIELD_BITMAP] = { bitmap_skip, bitmap_print, bitmap_parse },
    [FIELD_EUI48] = { eui48_skip, eui48_print, eui48_parse },
    [FIELD_EUI64] = { eui64_skip, eui64_print, eui64_parse },
    [FIELD_NODE64] = { node64_skip, node64_print, node64_parse },
    [FIELD_LOC] = { loc_skip, loc_print, loc_parse },
    [FIELD_APL] = { apl_skip, apl_print, apl_parse },
    [FIELD_HIP] = { hip_skip, hip_print, hip_parse },
    [FIELD_IPSECKEY] = { ipseckey_skip, ipseckey_print, ipseckey_parse },
    [FIELD_AMTRELAY] = { amtrelay_skip, amtrelay_print, amtrelay_parse },
    [FIELD_A6] = { a6_skip, a6_print, a6_parse },
    [FIELD_SVCPARAMS] = { svcparams_skip, svcparams_print, svcparams_parse },
    [FIELD_UNKNOWN_REST] = { rest_skip, unknown_print, unknown_parse },
};

const struct rdata_field_kind *rdata_field_kind(enum rdata_field field)
{
    assert(field > FIELD_END && field < RDATA_FIELDS);
    return &kinds[field];
}
