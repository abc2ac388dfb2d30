/* ECDSA over P-384 (RFC 6605), by nettle: libcrypto takes twice as long for this curve (doc/decisions/0016). */
#include <gmp.h>
#include <nettle/bignum.h>
#include <nettle/ecc-curve.h>
#include <nettle/ecdsa.h>
#include <stdlib.h>

#include "base/arena.h"
#include "crypto/scheme.h"

enum { NUMBER_OCTETS = 48, SHA384_OCTETS = 48 };

bool p384_parse(const struct scheme *scheme, struct octets octets, struct verifier_key *key)
{
    (void)scheme;
    mpz_t x, y;
    nettle_mpz_init_set_str_256_u(x, NUMBER_OCTETS, octets.data);
    nettle_mpz_init_set_str_256_u(y, NUMBER_OCTETS, octets.data + NUMBER_OCTETS);
    key->point = memory_new(1, sizeof(*key->point));
    ecc_point_init(key->point, nettle_get_secp_384r1());
    bool is_on_curve = ecc_point_set(key->point, x, y) == 1; /* and both are below the field's prime */
    mpz_clear(y);
    mpz_clear(x);
    return is_on_curve;
}

void p384_clear(struct verifier_key *key)
{
    if (key->point == NULL)
        return;
    ecc_point_clear(key->point);
    free(key->point);
}

enum signature_check p384_check(struct verifier *verifier, const struct algorithm *algorithm, struct octets key,
                                struct octets signed_data, struct octets signature)
{
    uint8_t hash[SHA384_OCTETS];
    struct dsa_signature numbers;
    struct verifier_key *parsed = verifier_key(verifier, algorithm, key);
    if (parsed == NULL)
        return SIGNATURE_KEY_UNUSABLE;
    if (signature.len != algorithm->scheme->signature_octets)
        return SIGNATURE_BAD;
    digest_sha384(signed_data, hash);
    nettle_mpz_init_set_str_256_u(numbers.r, NUMBER_OCTETS, signature.data);
    nettle_mpz_init_set_str_256_u(numbers.s, NUMBER_OCTETS, signature.data + NUMBER_OCTETS);
    bool good = ecdsa_verify(parsed->point, sizeof(hash), hash, &numbers) == 1; /* refuses 0, the order and above */
    dsa_signature_clear(&numbers);
    return good ? SIGNATURE_GOOD : SIGNATURE_BAD;
}
