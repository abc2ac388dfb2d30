/* For tests: a small signer.  Keys come out of a seed, so that a test has the same key tags in every run. */
#ifndef TESTS_SUPPORT_SIGNER_H
#define TESTS_SUPPORT_SIGNER_H

#include "base/arena.h"
#include "message/rrset.h"

struct signer; /* one key pair */

/* Flags are those of the DNSKEY: DNSKEY_ZONE, with DNSKEY_SEP for a KSK, DNSKEY_REVOKE for a revoked one (same seed:
 * the same key pair).  RSA keys have 1024 bits, quick to make; all algorithms that crypto/ verifies. */
struct signer *signer_new(uint8_t algorithm, uint16_t flags, uint64_t seed);
struct signer *signer_new_rsa(uint8_t algorithm, uint16_t flags, uint64_t seed, unsigned modulus_bits);
void signer_free(struct signer *signer);

/* RDATA of its DNSKEY; borrowed from the signer. */
struct octets signer_dnskey(const struct signer *signer);
uint16_t signer_key_tag(const struct signer *signer);

/* A signature over any octets, in the form of the Signature field. */
struct octets sign_octets(struct arena *arena, const struct signer *signer, struct octets data);
/* RDATA of an RRSIG over the RRset with the fields as they stand in *fields, sensible or not; its signature and
 * signed_part are not read. */
struct octets sign_as(struct arena *arena, const struct signer *signer, const struct rrset *rrset,
                      const struct rrsig *fields);
/* The fields that an honest signer of the zone would write: labels, TTL, key tag and algorithm from RRset and key. */
struct rrsig honest_fields(const struct signer *signer, const struct rrset *rrset, const struct dname *zone,
                           uint32_t inception, uint32_t expiration);
/* Adds the honest signature to the RRset. */
void sign_rrset(struct arena *arena, const struct signer *signer, struct rrset *rrset, const struct dname *zone,
                uint32_t inception, uint32_t expiration);
/* Any RRSIG RDATA added to the RRset. */
void add_signature(struct arena *arena, struct rrset *rrset, struct octets rrsig_rdata);

/* The DNSKEY set of a zone, not signed. */
struct rrset *dnskey_rrset(struct arena *arena, const struct dname *zone, uint32_t ttl_s,
                           const struct signer *const *signers, size_t count);
/* RDATA of the DS of a DNSKEY; digest types 1, 2 and 4. */
struct octets make_ds(struct arena *arena, const struct dname *zone, struct octets dnskey_rdata, uint8_t digest_type);
/* The NSEC3 hash of name in base32hex, lower case: the first label of the owner, or the next hash in text. */
char *nsec3_label(struct arena *arena, const struct dname *name, struct octets salt, uint16_t iterations);

#endif
