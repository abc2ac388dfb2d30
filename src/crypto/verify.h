/* The cryptographic part of RFC 4035 section 5.3.3 and of the DS match of section 5.2, nothing else: times, labels,
 * signer, flags and policy are the validator's. */
#ifndef CRYPTO_VERIFY_H
#define CRYPTO_VERIFY_H

#include "base/arena.h"
#include "base/limits.h"
#include "crypto/algorithms.h"
#include "message/rrset.h"

/* Working state of one thread: digest contexts and parsed public keys of the busy zones.  Free with verifier_free(). */
struct verifier *verifier_new(void);
void verifier_free(struct verifier *verifier);
/* Good signatures are checked anew: trust or policy has changed, or something was flushed. */
void verifier_forget(struct verifier *verifier);
/* How many were recognised. */
uint64_t verifier_recalled(const struct verifier *verifier);

/* Signed data of RFC 4034 section 3.1.8.1: sig's RDATA without signature (signer lower-cased), then the RRset in
 * canonical form and order with the original TTL; the owner becomes "*.<closest encloser>" when sig->labels is smaller
 * than the owner's.  sig->labels is not larger than the owner's.  In the arena. */
struct octets signed_data(struct arena *arena, const struct rrset *rrset, const struct rrsig *sig);

/* One public-key operation; none where the same octets were found good before.  algorithm: the policy's row for
 * sig->algorithm, not NULL. */
enum signature_check signature_verify(struct verifier *verifier, const struct algorithm *algorithm,
                                      const struct dnskey *key, struct octets data, struct octets signature);

/* What that costs, with the parsing of a key not seen before, in quarters of a P-256 check (COST_OF_P256); 1 at
 * least. */
uint16_t signature_cost(const struct algorithm *algorithm, struct octets key);

/* RFC 3110 section 2: no key that can be used has more.  To look at larger ones would be work for nothing: not even
 * their tags are computed.  False: not usable. */
enum { DNSKEY_OCTETS_MAX = 4 + 3 + 2 * RSA_MODULUS_BITS_MAX / 8 };
bool dnskey_read_usable(struct octets rdata, struct dnskey *key);

/* Does the DS record match the key (RFC 4034 section 5.1.4): tag, algorithm, digest over owner and RDATA?  digest: the
 * policy's row for ds->digest_type, not NULL. */
bool ds_matches(const struct digest *digest, const struct ds *ds, const struct dname *owner,
                struct octets dnskey_rdata);

/* The same for RDATA, by whatever digest can be computed, policy aside. */
bool ds_is_of_key(struct octets ds_rdata, const struct dname *owner, struct octets dnskey_rdata);

/* RFC 5155 section 5, SHA-1.  hash holds 20 octets.  name is lower-cased inside. */
enum { NSEC3_HASH_OCTETS = 20 };
void nsec3_hash(const struct dname *name, struct octets salt, uint16_t iterations, uint8_t hash[NSEC3_HASH_OCTETS]);

void sha256(struct octets data, uint8_t digest[32]);

#endif
