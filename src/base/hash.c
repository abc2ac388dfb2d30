#include "base/hash.h"

#include <assert.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

static uint8_t secret[XXH3_SECRET_DEFAULT_SIZE];
static bool secret_is_set;
_Static_assert(sizeof(secret) == HASH_SECRET_OCTETS, "all of it is kept");

void hash_init(struct random *random)
{
    random->fill(random, secret, sizeof(secret));
    secret_is_set = true;
}

void hash_init_kept(const uint8_t kept[HASH_SECRET_OCTETS])
{
    memcpy(secret, kept, sizeof(secret));
    secret_is_set = true;
}

/* XXH3 takes a secret or, for all lengths, a seed, not both: the seed is mixed in behind it by a bijection (the
 * finalizer of MurmurHash3), so that equal input under different seeds lands in unrelated buckets. */
static uint64_t mix(uint64_t hash, uint64_t seed)
{
    hash ^= seed * UINT64_C(0x9e3779b97f4a7c15);
    hash = (hash ^ hash >> 33) * UINT64_C(0xff51afd7ed558ccd);
    hash = (hash ^ hash >> 33) * UINT64_C(0xc4ceb9fe1a85ec53);
    return hash ^ hash >> 33;
}

uint64_t hash_octets(struct octets octets, uint64_t seed)
{
    assert(secret_is_set);
    return mix(XXH3_64bits_withSecret(octets.data, octets.len, secret, sizeof(secret)), seed);
}
