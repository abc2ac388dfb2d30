/* Hashes for tables (XXH3 with a secret of the process, so that nobody outside can aim at a bucket).  Where an
 * attacker could gain from a collision a cryptographic hash is used instead: crypto/digest.h. */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include "base/octets.h"
#include "base/random.h"

/* Sets the secret of the process; before the first hash.  Tests pass a seeded source. */
void hash_init(struct random *random);
/* The same with a secret that was kept: for what outlives the process. */
enum { HASH_SECRET_OCTETS = 192 };
void hash_init_kept(const uint8_t kept[HASH_SECRET_OCTETS]);

uint64_t hash_octets(struct octets octets, uint64_t seed);

#endif
