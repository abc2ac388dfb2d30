/* Signature schemes as libcrypto sees them (one of them, nettle), and the keys a thread has parsed.  For this folder
 * alone: no other may see these libraries. */
#ifndef CRYPTO_SCHEME_H
#define CRYPTO_SCHEME_H

#include <openssl/evp.h>

#include "crypto/algorithms.h"
#include "crypto/digest.h"
#include "crypto/recall.h"

struct verifier_key {
    uint8_t algorithm;
    struct octets octets;  /* the Public Key field; owned; no data: an empty place */
    EVP_PKEY *key;         /* NULL for P-384 */
    EVP_PKEY_CTX *context; /* ready for EVP_PKEY_verify(), again and again; NULL for EdDSA, which has no use for one */
    struct ecc_point *point; /* nettle's; of P-384; else NULL */
    uint64_t last_used;
};

struct scheme {
    /* Makes a key of the Public Key field of a DNSKEY, which has key_octets.  False: it is malformed or outside the
     * limits; what was made of it is the caller's to clear. */
    bool (*parse)(const struct scheme *scheme, struct octets octets, struct verifier_key *key);
    const char *key_type;      /* libcrypto's name; NULL for P-384 */
    const char *group;         /* of libcrypto's ECDSA; else NULL */
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
enum signature_check p384_check(struct verifier *verifier, const struct algorithm *algorithm, struct octets key,
                                struct octets signed_data, struct octets signature);
enum signature_check eddsa_check(struct verifier *verifier, const struct algorithm *algorithm, struct octets key,
                                 struct octets signed_data, struct octets signature);

/* Of RSA. */
uint16_t rsa_cost(struct octets key);

bool rsa_parse(const struct scheme *scheme, struct octets octets, struct verifier_key *key);
bool ecdsa_parse(const struct scheme *scheme, struct octets octets, struct verifier_key *key);
bool p384_parse(const struct scheme *scheme, struct octets octets, struct verifier_key *key);
bool eddsa_parse(const struct scheme *scheme, struct octets octets, struct verifier_key *key);
void p384_clear(struct verifier_key *key);

/* The parsed key, from the thread's cache or parsed now; valid until the next call.  NULL: unusable. */
struct verifier_key *verifier_key(struct verifier *verifier, const struct algorithm *algorithm, struct octets key);
bool verifier_recalls(struct verifier *verifier, const uint8_t fingerprint[FINGERPRINT_OCTETS]);
void verifier_remember(struct verifier *verifier, const uint8_t fingerprint[FINGERPRINT_OCTETS]);
/* For one-shot operations; borrowed. */
EVP_MD_CTX *verifier_context(struct verifier *verifier);
/* Hashes data as the scheme says and checks the signature, which has libcrypto's form, over the hash. */
enum signature_check verify_hashed(struct verifier_key *key, const struct scheme *scheme, struct octets data,
                                   struct octets signature);
/* A key of the scheme's type out of libcrypto's parameters, ready for verify_hashed(); false if libcrypto refuses them,
 * or has no such hash function. */
bool key_from_params(const struct scheme *scheme, OSSL_PARAM *params, struct verifier_key *key);

#endif
