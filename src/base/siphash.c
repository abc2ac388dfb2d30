#include "base/siphash.h"

#include <string.h>

enum { COMPRESSION_ROUNDS = 2, FINAL_ROUNDS = 4, WORD_OCTETS = 8 };

struct state {
    uint64_t v0, v1, v2, v3;
};

static uint64_t rotated(uint64_t value, unsigned bits)
{
    return value << bits | value >> (64 - bits);
}

static void mix(struct state *s, unsigned rounds)
{
    while (rounds-- > 0) {
        s->v0 += s->v1;
        s->v2 += s->v3;
        s->v1 = rotated(s->v1, 13) ^ s->v0;
        s->v3 = rotated(s->v3, 16) ^ s->v2;
        s->v0 = rotated(s->v0, 32) + s->v3;
        s->v2 += s->v1;
        s->v3 = rotated(s->v3, 21) ^ s->v0;
        s->v1 = rotated(s->v1, 17) ^ s->v2;
        s->v2 = rotated(s->v2, 32);
    }
}

/* Up to eight octets, the first the least significant. */
static uint64_t word_at(const uint8_t *at, size_t octets)
{
    uint64_t word = 0;
    for (size_t i = 0; i < octets; i++)
        word |= (uint64_t)at[i] << (8 * i);
    return word;
}

static void absorb(struct state *s, uint64_t word)
{
    s->v3 ^= word;
    mix(s, COMPRESSION_ROUNDS);
    s->v0 ^= word;
}

void siphash(const struct siphash_key *key, struct octets data, uint8_t hash[SIPHASH_OCTETS])
{
    uint64_t k0 = word_at(key->octets, WORD_OCTETS), k1 = word_at(key->octets + WORD_OCTETS, WORD_OCTETS);
    struct state s = { /* "somepseudorandomlygeneratedbytes" */
                       k0 ^ UINT64_C(0x736f6d6570736575), k1 ^ UINT64_C(0x646f72616e646f6d),
                       k0 ^ UINT64_C(0x6c7967656e657261), k1 ^ UINT64_C(0x7465646279746573)
    };
    size_t at = 0;
    for (; data.len - at >= WORD_OCTETS; at += WORD_OCTETS)
        absorb(&s, word_at(data.data + at, WORD_OCTETS));
    absorb(&s, word_at(data.data + at, data.len - at) | (uint64_t)data.len << 56);
    s.v2 ^= 0xff;
    mix(&s, FINAL_ROUNDS);
    uint64_t result = s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
    for (size_t i = 0; i < SIPHASH_OCTETS; i++)
        hash[i] = (uint8_t)(result >> (8 * i));
}
