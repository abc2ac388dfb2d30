/* A view of octets that somebody else owns.  Every function that hands one out says whose it is. */
#ifndef BASE_OCTETS_H
#define BASE_OCTETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct octets {
    const uint8_t *data;
    size_t len;
};

static inline bool octets_equal(struct octets a, struct octets b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

/* Order of RFC 4034 section 6.3: left-justified unsigned octet sequences; absence of an octet sorts first. */
static inline int octets_compare(struct octets a, struct octets b)
{
    size_t common = a.len < b.len ? a.len : b.len;
    int order = common == 0 ? 0 : memcmp(a.data, b.data, common);
    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

#endif
