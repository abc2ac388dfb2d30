/* Randomness is injected like the time: a CSPRNG in the product, a seed in tests.  There is no switch between them. */
#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H

#include "base/octets.h"

struct random {
    void (*fill)(struct random *random, void *to, size_t len);
};

/* The kernel's CSPRNG (getrandom), buffered; one per thread.  Free with random_free(). */
struct random *random_secure_new(void);
/* The same numbers for the same seed: tests and fuzzers. */
struct random *random_seeded_new(uint64_t seed);
void random_free(struct random *random);

uint16_t random_u16(struct random *random);
uint32_t random_u32(struct random *random);
uint64_t random_u64(struct random *random);
/* Uniform in [0, bound); bound > 0. */
uint32_t random_below(struct random *random, uint32_t bound);

#endif
