/* LOC, RFC 1876: sizes as mantissa and power of ten in centimetres, angles in thousandths of a second of arc from the
 * equator or the prime meridian at 2^31, altitudes in centimetres from 100 km below the ellipsoid. */
#include "message/rdata_field.h"

enum {
    LOC_OCTETS = 16,
    LATITUDE_MAX = 90 * 3600000,
    LONGITUDE_MAX = 180 * 3600000,
    ALTITUDE_ZERO_CM = 10000000,
    SIZE_DEFAULT_CM = 100, /* RFC 1876 section 3, as the two below */
    HORIZONTAL_PRECISION_DEFAULT_CM = 1000000,
    VERTICAL_PRECISION_DEFAULT_CM = 1000,
};
static const uint32_t ANGLE_ZERO = 1u << 31;

/* Another version may have any layout (section 2). */
void loc_skip(struct reader *r)
{
    if (reader_left(r) > 0 && *r->at != 0)
        reader_rest(r);
    else
        reader_octets(r, LOC_OCTETS);
}

static uint64_t power_of_ten(unsigned exponent)
{
    uint64_t value = 1;
    for (; exponent > 0; exponent--)
        value *= 10;
    return value;
}

static void print_cm(struct text *text, uint64_t cm)
{
    text_printf(text, "%llu.%02um", (unsigned long long)(cm / 100), (unsigned)(cm % 100));
}

/* False: a digit above nine, or one of the many ways to write zero that text cannot keep apart. */
static bool print_size(struct text *text, uint8_t size)
{
    unsigned mantissa = size >> 4, exponent = size & 0xf;
    if (mantissa > 9 || exponent > 9 || (mantissa == 0 && exponent > 0))
        return false;
    text_printf(text, " ");
    print_cm(text, mantissa * power_of_ten(exponent));
    return true;
}

static bool print_angle(struct text *text, uint32_t angle, uint32_t max, char positive, char negative)
{
    uint32_t size = angle >= ANGLE_ZERO ? angle - ANGLE_ZERO : ANGLE_ZERO - angle;
    if (size > max)
        return false;
    text_printf(text, "%u %u %u.%03u %c ", size / 3600000, size / 60000 % 60, size / 1000 % 60, size % 1000,
                angle >= ANGLE_ZERO ? positive : negative);
    return true;
}

bool loc_print(struct text *text, struct reader *r)
{
    uint8_t version = reader_u8(r), size = reader_u8(r), horizontal = reader_u8(r), vertical = reader_u8(r);
    uint32_t latitude = reader_u32(r), longitude = reader_u32(r), altitude = reader_u32(r);
    if (r->failed || version != 0 || !print_angle(text, latitude, LATITUDE_MAX, 'N', 'S') ||
        !print_angle(text, longitude, LONGITUDE_MAX, 'E', 'W'))
        return false;
    if (altitude < ALTITUDE_ZERO_CM)
        text_printf(text, "-");
    print_cm(text, altitude < ALTITUDE_ZERO_CM ? ALTITUDE_ZERO_CM - altitude : altitude - ALTITUDE_ZERO_CM);
    return print_size(text, size) && print_size(text, horizontal) && print_size(text, vertical);
}

/* "12", "12.3", "12.345" with `decimals` digits kept behind the point, as a whole number of the last of them. */
static bool token_decimal(struct token token, unsigned decimals, uint64_t max, uint64_t *value)
{
    size_t i = 0;
    *value = 0;
    for (; i < token.len && token.text[i] >= '0' && token.text[i] <= '9' && *value <= max; i++)
        *value = *value * 10 + (uint64_t)(token.text[i] - '0');
    bool has_digits = i > 0;
    if (i < token.len && token.text[i] == '.') {
        for (i++; decimals > 0 && i < token.len && token.text[i] >= '0' && token.text[i] <= '9'; i++, decimals--)
            *value = *value * 10 + (uint64_t)(token.text[i] - '0');
    }
    *value *= power_of_ten(decimals);
    return has_digits && i == token.len && *value <= max;
}

/* Degrees, minutes and seconds, of which the last two may be missing, and the hemisphere. */
static bool parse_angle(struct tokens *tokens, uint64_t max, const char *positive, const char *negative,
                        uint32_t *angle)
{
    static const struct {
        unsigned decimals;
        uint64_t max, unit;
    } parts[] = { { 0, 180, 3600000 }, { 0, 59, 60000 }, { 3, 59999, 1 } };
    uint64_t sum = 0;
    struct token token;
    for (size_t part = 0; tokens_next(tokens, &token); part++) {
        if (part > 0 && (token_is(token, positive) || token_is(token, negative))) {
            *angle = (uint32_t)(token_is(token, positive) ? ANGLE_ZERO + sum : ANGLE_ZERO - sum);
            return sum <= max;
        }
        uint64_t value;
        if (part == ARRAY_LEN(parts) || !token_decimal(token, parts[part].decimals, parts[part].max, &value))
            return false;
        sum += value * parts[part].unit;
    }
    return false;
}

/* Metres with an optional "m", in centimetres. */
static bool token_cm(struct token token, uint64_t max, uint64_t *cm)
{
    if (token.len > 0 && (token.text[token.len - 1] | 0x20) == 'm')
        token.len--;
    return token_decimal(token, 2, max, cm);
}

static bool parse_altitude(struct tokens *tokens, uint32_t *altitude)
{
    struct token token;
    uint64_t cm;
    if (!tokens_next(tokens, &token))
        return false;
    bool negative = token.text[0] == '-';
    if (negative) {
        token.text++;
        token.len--;
    }
    if (!token_cm(token, negative ? ALTITUDE_ZERO_CM : UINT32_MAX - ALTITUDE_ZERO_CM, &cm))
        return false;
    *altitude = (uint32_t)(negative ? ALTITUDE_ZERO_CM - cm : ALTITUDE_ZERO_CM + cm);
    return true;
}

static bool parse_size(struct tokens *tokens, uint64_t cm, uint8_t *size)
{
    struct token token;
    unsigned exponent = 0;
    if (tokens_left(tokens) && (!tokens_next(tokens, &token) || !token_cm(token, 9 * power_of_ten(9), &cm)))
        return false;
    for (; cm > 9; cm /= 10)
        exponent++;
    *size = (uint8_t)(cm << 4 | exponent);
    return true;
}

bool loc_parse(struct tokens *tokens, struct writer *w)
{
    uint8_t size, horizontal, vertical;
    uint32_t latitude, longitude, altitude;
    if (!parse_angle(tokens, LATITUDE_MAX, "N", "S", &latitude) ||
        !parse_angle(tokens, LONGITUDE_MAX, "E", "W", &longitude) || !parse_altitude(tokens, &altitude) ||
        !parse_size(tokens, SIZE_DEFAULT_CM, &size) ||
        !parse_size(tokens, HORIZONTAL_PRECISION_DEFAULT_CM, &horizontal) ||
        !parse_size(tokens, VERTICAL_PRECISION_DEFAULT_CM, &vertical))
        return false;
    writer_u8(w, 0);
    writer_u8(w, size);
    writer_u8(w, horizontal);
    writer_u8(w, vertical);
    writer_u32(w, latitude);
    writer_u32(w, longitude);
    writer_u32(w, altitude);
    return !w->failed;
}
