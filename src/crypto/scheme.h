/* Signature schemes as libcrypto sees them, and the keys a thread has parsed.  For this folder alone: no other may see
 * libcrypto. */
#ifndef CRYPTO_SCHEME_H
#define CRYPTO_SCHEME_H

#include <openssl/evp.h>

#include "crypto/algorithms.h"
#include "crypto/digest.h"

struct scheme {
    /* The Public Key field of a DNSKEY as libcrypto's key; NULL: malformed or outside the limits. */
    EVP_PKEY *(*parse)(const struct scheme *scheme, struct octets key);
    const char *key_type;      /* libcrypto's name */
    const char *group;         /* of ECDSA; else NULL */
    enum hash_function hash;   /* of RSA and ECDSA; EdDSA hashes by itself */
    uint16_t key_octets;       /* of the Public Key field; 0: varies */
    uint16_t signature_octets; /* 0: varies */
    uint16_t modulus_bits_min; /* of RSA */
    uint16_t cost;             /* of a check, as signature_cost() tells; 0: depends on the key */
};

enum signature_check rsa_check(struct verifier *verifier, const struct algorithm *algorithm, struct octets key,
                               struct octets signed_data, struct octets signature);
enum signature_check ecdsa_check(struct verifier *verifier, const struct algorithm *algorithm, struct octets key,
                                 struct octets signed_data, struct octets signature);
enum signature_check eddsa_check(struct verifier *verifier, const struct algorithm *algorithm, struct octets key,
                                 struct octets signed_data, struct octets signature);

/* Of RSA. */
uint16_t rsa_cost(struct octets key);

EVP_PKEY *rsa_parse(const struct scheme *scheme, struct octets key);
EVP_PKEY *ecdsa_parse(const struct scheme *scheme, struct octets key);
EVP_PKEY *eddsa_parse(const struct scheme *scheme, struct octets key);

struct verifier_key {
    uint8_t algorithm;
    struct octets octets; /* the Public Key field; owned; no data: an empty place */
    EVP_PKEY *key;
    EVP_PKEY_CTX *context; /* ready for EVP_PKEY_verify(), again and again; NULL for EdDSA, which has no use for one */
    uint64_t last_used;
};

/* The parsed key, from the thread's cache or parsed now; valid until the next call.  NULL: unusable. */
struct verifier_key *verifier_key(struct verifier *verifier, const struct algorithm *algorithm, struct octets key);
/* For one-shot operations; borrowed. */
EVP_MD_CTX *verifier_context(struct verifier *verifier);
/* Hashes data as the scheme says and checks the signature, which has libcrypto's form, over the hash. */
enum signature_check verify_hashed(struct verifier_key *key, const struct scheme *scheme, struct octets data,
                                   struct octets signature);
/* A key of the scheme's type out of libcrypto's parameters; NULL if libcrypto refuses them. */
EVP_PKEY *key_from_params(const struct scheme *scheme, OSSL_PARAM *params);

#endif
