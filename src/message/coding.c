#include "message/coding.h"

enum err unescape_octet(const char **text, uint8_t *octet)
{
    const char *at = *text;
    if (*at == '\\')
        at++;
    if (at == *text || *at < '0' || *at > '9') {
        if (*at == '\0')
            return ERR_FORMAT;
        *octet = (uint8_t)*at;
        *text = at + 1;
        return OK;
    }
    unsigned value = 0;
    for (int digit = 0; digit < 3; digit++, at++) {
        if (*at < '0' || *at > '9')
            return ERR_FORMAT;
        value = value * 10 + (unsigned)(*at - '0');
    }
    if (value > UINT8_MAX)
        return ERR_FORMAT;
    *octet = (uint8_t)value;
    *text = at;
    return OK;
}

static const char hex_digits[] = "0123456789abcdef";
static const char base32hex_digits[] = "0123456789abcdefghijklmnopqrstuv";
static const char base64_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* All three encodings are the octets as one string of bits, taken `bits` at a time.  Returns the digits written. */
static size_t encode(struct text *text, struct octets octets, unsigned bits, const char *digits)
{
    uint32_t pending = 0;
    unsigned pending_bits = 0;
    size_t written = 0;
    for (size_t i = 0; i < octets.len; i++) {
        pending = pending << 8 | octets.data[i];
        for (pending_bits += 8; pending_bits >= bits; written++) {
            pending_bits -= bits;
            text_printf(text, "%c", digits[pending >> pending_bits & ((1u << bits) - 1)]);
        }
        pending &= (1u << pending_bits) - 1;
    }
    if (pending_bits == 0)
        return written;
    text_printf(text, "%c", digits[pending << (bits - pending_bits) & ((1u << bits) - 1)]);
    return written + 1;
}

void text_base64(struct text *text, struct octets octets)
{
    for (size_t written = encode(text, octets, 6, base64_digits); written % 4 != 0; written++)
        text_printf(text, "=");
}

void text_base32hex(struct text *text, struct octets octets)
{
    encode(text, octets, 5, base32hex_digits);
}

/* The value of a digit; -1: none.  Encodings without capitals are read in any case. */
static int digit_value(uint8_t character, unsigned bits, const char *digits)
{
    if (bits < 6 && character >= 'A' && character <= 'Z')
        character |= 0x20;
    const char *digit = memchr(digits, character, (size_t)1 << bits);
    return digit == NULL ? -1 : (int)(digit - digits);
}

static bool decode(struct octets characters, unsigned bits, const char *digits, struct writer *w)
{
    uint32_t pending = 0;
    unsigned pending_bits = 0;
    for (size_t i = 0; i < characters.len; i++) {
        int value = digit_value(characters.data[i], bits, digits);
        if (value < 0)
            return false;
        pending = pending << bits | (uint32_t)value;
        pending_bits += bits;
        if (pending_bits >= 8) {
            pending_bits -= 8;
            writer_u8(w, (uint8_t)(pending >> pending_bits));
            pending &= (1u << pending_bits) - 1;
        }
    }
    return pending_bits < bits && pending == 0 && !w->failed;
}

bool hex_decode(struct octets characters, struct writer *w)
{
    return decode(characters, 4, hex_digits, w);
}

bool base32hex_decode(struct octets characters, struct writer *w)
{
    return decode(characters, 5, base32hex_digits, w);
}

bool base64_decode(struct octets characters, struct writer *w)
{
    if (characters.len % 4 != 0)
        return false;
    for (int padding = 0; padding < 2 && characters.len > 0 && characters.data[characters.len - 1] == '='; padding++)
        characters.len--;
    return decode(characters, 6, base64_digits, w);
}
