/* Signatures that a thread has found good: the same octets need no second public-key operation.  What is remembered is
 * arithmetic alone.  Times, labels, signer, flags and policy are looked at each time, by the validator.  For this
 * folder alone. */
#ifndef CRYPTO_RECALL_H
#define CRYPTO_RECALL_H

#include <stdbool.h>

#include "base/octets.h"

enum {
    RECALL_SETS = 2048,
    RECALLED_PER_SET = 4,    /* the one longest unused gives way: 256 KiB in all, touched as far as they are filled */
    FINGERPRINT_OCTETS = 32, /* SHA-256: with less of it a collision would be a forged signature */
};

struct recall {
    uint8_t sets[RECALL_SETS][RECALLED_PER_SET][FINGERPRINT_OCTETS]; /* the last used first; zeros: an empty place */
};

/* Of all that a check depends on. */
void fingerprint_of_check(uint8_t algorithm, struct octets public_key, struct octets signature, struct octets data,
                          uint8_t fingerprint[FINGERPRINT_OCTETS]);
bool recall_has(struct recall *recall, const uint8_t fingerprint[FINGERPRINT_OCTETS]);
void recall_put(struct recall *recall, const uint8_t fingerprint[FINGERPRINT_OCTETS]);

#endif
