/* The hash functions under DS digests, signatures and NSEC3.  For this folder: others call crypto/verify.h. */
#ifndef CRYPTO_DIGEST_H
#define CRYPTO_DIGEST_H

#include "base/octets.h"

enum hash_function { HASH_SHA1, HASH_SHA256, HASH_SHA384, HASH_SHA512, HASH_FUNCTIONS };
enum { HASH_OCTETS_MAX = 64 };

/* libcrypto's name of it.  Static storage. */
const char *hash_function_name(enum hash_function function);
/* Length of its result. */
size_t hash_function_octets(enum hash_function function);
/* digest holds hash_function_octets(). */
void hash_compute(enum hash_function function, struct octets data, uint8_t *digest);

/* Of several pieces, one behind the other. */
void hash_compute_parts(enum hash_function function, const struct octets *parts, size_t count, uint8_t *digest);

/* The rows of the table of DS digests. */
void digest_sha1(struct octets data, uint8_t *digest);
void digest_sha256(struct octets data, uint8_t *digest);
void digest_sha384(struct octets data, uint8_t *digest);

#endif
