#include "base/random.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include "base/arena.h"

/* One system call for some 50 upstream questions: each takes an id and the bits of its letter case. */
enum { BUFFER_OCTETS = 512 };

struct random_secure {
    struct random random;
    size_t left; /* the last `left` octets of buffer are fresh; those before them are wiped */
    uint8_t buffer[BUFFER_OCTETS];
};

struct random_seeded {
    struct random random;
    uint64_t state;
};

/* Without randomness no question may be sent and no table be built: the process ends. */
static void ask_kernel(uint8_t *to, size_t len)
{
    while (len > 0) {
        ssize_t got = getrandom(to, len, 0);
        if (got < 0 && errno != EINTR) {
            perror("fatal: getrandom");
            abort();
        }
        if (got > 0) {
            to += got;
            len -= (size_t)got;
        }
    }
}

static void secure_fill(struct random *random, void *to, size_t len)
{
    struct random_secure *secure = (struct random_secure *)random;
    if (len > sizeof(secure->buffer)) {
        ask_kernel(to, len);
        return;
    }
    if (secure->left < len) {
        ask_kernel(secure->buffer, sizeof(secure->buffer));
        secure->left = sizeof(secure->buffer);
    }
    uint8_t *from = secure->buffer + sizeof(secure->buffer) - secure->left;
    memcpy(to, from, len);
    explicit_bzero(from, len); /* what was handed out can be read here no more */
    secure->left -= len;
}

struct random *random_secure_new(void)
{
    struct random_secure *secure = memory_new(1, sizeof(*secure));
    secure->random.fill = secure_fill;
    return &secure->random;
}

/* SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", OOPSLA 2014). */
static uint64_t splitmix_next(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static void seeded_fill(struct random *random, void *to, size_t len)
{
    struct random_seeded *seeded = (struct random_seeded *)random;
    uint8_t *at = to;
    while (len > 0) {
        uint64_t value = splitmix_next(&seeded->state);
        size_t part = len < sizeof(value) ? len : sizeof(value);
        memcpy(at, &value, part);
        at += part;
        len -= part;
    }
}

struct random *random_seeded_new(uint64_t seed)
{
    struct random_seeded *seeded = memory_new(1, sizeof(*seeded));
    *seeded = (struct random_seeded) { .random.fill = seeded_fill, .state = seed };
    return &seeded->random;
}

void random_free(struct random *random)
{
    if (random == NULL)
        return;
    if (random->fill == secure_fill) {
        struct random_secure *secure = (struct random_secure *)random;
        explicit_bzero(secure->buffer, sizeof(secure->buffer));
    }
    free(random);
}

uint16_t random_u16(struct random *random)
{
    uint16_t value;
    random->fill(random, &value, sizeof(value));
    return value;
}

uint32_t random_u32(struct random *random)
{
    uint32_t value;
    random->fill(random, &value, sizeof(value));
    return value;
}

uint64_t random_u64(struct random *random)
{
    uint64_t value;
    random->fill(random, &value, sizeof(value));
    return value;
}

/* The high word of a 32 by 32 bit product; low words that would make some results more likely than others are
 * thrown away (Lemire: "Fast random integer generation in an interval", 2019). */
uint32_t random_below(struct random *random, uint32_t bound)
{
    assert(bound > 0);
    uint32_t unfair = -bound % bound;
    uint64_t wide;
    do {
        wide = (uint64_t)random_u32(random) * bound;
    } while ((uint32_t)wide < unfair);
    return (uint32_t)(wide >> 32);
}
