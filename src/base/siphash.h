/* SipHash-2-4 with a result of 64 bits (Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012): keyed, and
 * good against whoever chooses the input.  Written here, a page of additions and rotations, because libcrypto's needs
 * memory and a context for each message, and because front/ and resolver/ both want it. */
#ifndef BASE_SIPHASH_H
#define BASE_SIPHASH_H

#include "base/octets.h"

enum { SIPHASH_KEY_OCTETS = 16, SIPHASH_OCTETS = 8 };

struct siphash_key {
    uint8_t octets[SIPHASH_KEY_OCTETS];
};

/* The result as octets on the wire (RFC 9018 section 4.4): the least significant one first. */
void siphash(const struct siphash_key *key, struct octets data, uint8_t hash[SIPHASH_OCTETS]);

#endif
