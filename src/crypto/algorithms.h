/* DNSSEC algorithms and DS digests as tables.  Three columns that must not be confused: what this build can verify
 * (a check function), what the operator wants verified (struct crypto_policy), what the current RFCs say
 * (recommendation: RFC 9904, 9905, 9906). */
#ifndef CRYPTO_ALGORITHMS_H
#define CRYPTO_ALGORITHMS_H

#include "base/err.h"
#include "base/octets.h"
#include "message/rdata.h"

/* IANA column "Use for DNSSEC Validation" / "Implement for DNSSEC Validation" (RFC 9904) */
enum recommendation {
    RECOMMEND_MUST,
    RECOMMEND_RECOMMENDED,
    RECOMMEND_MAY,
    RECOMMEND_NOT_RECOMMENDED,
    RECOMMEND_MUST_NOT,
};

enum algorithm_number {
    ALGORITHM_RSASHA1 = 5,
    ALGORITHM_RSASHA1_NSEC3_SHA1 = 7,
    ALGORITHM_RSASHA256 = 8,
    ALGORITHM_RSASHA512 = 10,
    ALGORITHM_ECDSAP256SHA256 = 13,
    ALGORITHM_ECDSAP384SHA384 = 14,
    ALGORITHM_ED25519 = 15,
    ALGORITHM_ED448 = 16,
};
enum digest_number { DIGEST_SHA1 = 1, DIGEST_SHA256 = 2, DIGEST_SHA384 = 4 };

enum signature_check {
    SIGNATURE_GOOD,
    SIGNATURE_BAD,
    SIGNATURE_KEY_UNUSABLE, /* malformed or outside the limits: a key that matches nothing, not an error */
};

struct verifier;
struct scheme;
struct algorithm {
    uint8_t number;
    const char *mnemonic;
    enum recommendation use_for_validation;
    bool on_by_default;  /* false: treated as unsupported unless validation.algorithms.allow names it */
    const char *edition; /* the RFC that says so */
    /* NULL: cannot be verified by this build.  key is the Public Key field of the DNSKEY. */
    enum signature_check (*check)(struct verifier *verifier, const struct algorithm *algorithm, struct octets key,
                                  struct octets signed_data, struct octets signature);
    const struct scheme *scheme; /* what the checks of this folder need to know (crypto/scheme.h); NULL without one */
};
struct digest {
    uint8_t number;
    const char *mnemonic;
    enum recommendation use_for_validation;
    bool on_by_default;
    const char *edition;
    uint8_t octets;                                       /* length of the digest */
    void (*compute)(struct octets data, uint8_t *digest); /* NULL: cannot be computed */
};

/* All rows registered for zone signing, those that cannot be verified (RSAMD5, DSA, GOST …) included, ascending by
 * number. */
const struct algorithm *algorithm_table(size_t *count);
const struct digest *digest_table(size_t *count);

/* What is verified: capability and the operator's wish together.  A row that is NULL is unsupported: a delegation all
 * of whose DS records are unsupported is insecure, not bogus (RFC 4035 section 5.2).  Tests may put rows of their own
 * here. */
struct crypto_policy {
    const struct algorithm *algorithms[256];
    const struct digest *digests[256];
    uint16_t nsec3_iterations; /* above: RFC 9276 section 3.2 */
    bool demands_all;          /* all usable algorithms of a DS set or of anchors must have signed */
};
struct crypto_options { /* validation.* in the configuration; lists hold numbers */
    uint8_t allow_algorithms[32], deny_algorithms[32], allow_digests[32], deny_digests[32];
    uint8_t allow_algorithm_count, deny_algorithm_count, allow_digest_count, deny_digest_count;
    uint16_t nsec3_iterations;
    bool demand_all;
};
void crypto_policy_make(const struct crypto_options *options, struct crypto_policy *policy);
struct crypto_options crypto_options_default(void);
/* A number (registered or not) or a mnemonic, letter case and hyphens aside ("sha256", "SHA-256"); ERR_NOT_FOUND. */
MUST_USE enum err algorithm_from_text(const char *text, uint8_t *number);
MUST_USE enum err digest_from_text(const char *text, uint8_t *number);
/* "ECDSAP256SHA256", or the number as text; `text` holds 8 octets at least and is used for numbers. */
const char *algorithm_text(uint8_t number, char text[8]);

static inline bool algorithm_is_usable(const struct crypto_policy *policy, uint8_t number)
{
    return policy->algorithms[number] != NULL;
}
static inline bool digest_is_usable(const struct crypto_policy *policy, uint8_t number)
{
    return policy->digests[number] != NULL;
}

#endif
