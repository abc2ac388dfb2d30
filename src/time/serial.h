/* Serial number arithmetic, RFC 1982, as RFC 4034 section 3.1.5 wants it for RRSIG times. */
#ifndef TIME_SERIAL_H
#define TIME_SERIAL_H

#include <stdbool.h>
#include <stdint.h>

/* a < b; false for the undefined case of a distance of exactly 2^31. */
static inline bool serial_lt(uint32_t a, uint32_t b)
{
    return a != b && (uint32_t)(b - a) < UINT32_C(0x80000000);
}

static inline bool serial_le(uint32_t a, uint32_t b)
{
    return a == b || serial_lt(a, b);
}

/* The UNIX time, within 68 years of near_s, that the 32-bit serial stands for. */
static inline int64_t serial_to_unix_s(uint32_t serial, int64_t near_s)
{
    return near_s + (int32_t)(serial - (uint32_t)near_s);
}

#endif
