/* ECDSA (RFC 6605) and EdDSA (RFC 8080), by libcrypto. */
#include <openssl/core_names.h>
#include <openssl/params.h>

#include "base/writer.h"
#include "crypto/scheme.h"

enum {
    ECDSA_KEY_OCTETS_MAX = 96, /* of P-384, for tests; two coordinates, and a signature has the same length */
    DER_INTEGER = 0x02,
    DER_SEQUENCE = 0x30,
    DER_SIGNATURE_OCTETS_MAX = 2 + 2 * (2 + 1 + ECDSA_KEY_OCTETS_MAX / 2),
    POINT_UNCOMPRESSED = 0x04, /* SEC 1 section 2.3.3 */
};
_Static_assert(DER_SIGNATURE_OCTETS_MAX - 2 < 0x80, "DER lengths fit one octet");

bool ecdsa_parse(const struct scheme *scheme, struct octets octets, struct verifier_key *key)
{
    uint8_t point[1 + ECDSA_KEY_OCTETS_MAX] = { POINT_UNCOMPRESSED };
    memcpy(point + 1, octets.data, octets.len);
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, (char *)scheme->group, 0),
        OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point, 1 + octets.len),
        OSSL_PARAM_construct_end(),
    };
    return key_from_params(scheme, params, key); /* refuses a point that is not on the curve */
}

/* An unsigned number as a DER INTEGER: without leading zeros, but with one where the first bit would make it
 * negative. */
static void put_der_integer(struct writer *w, struct octets number)
{
    while (number.len > 1 && number.data[0] == 0) {
        number.data++;
        number.len--;
    }
    bool padded = (number.data[0] & 0x80) != 0;
    writer_u8(w, DER_INTEGER);
    writer_u8(w, (uint8_t)(number.len + padded));
    if (padded)
        writer_u8(w, 0);
    writer_octets_put(w, number);
}

/* RFC 6605 section 4 has r and s side by side; libcrypto wants the DER of RFC 3279 section 2.2.3. */
static struct octets to_der(struct octets signature, uint8_t der[DER_SIGNATURE_OCTETS_MAX])
{
    struct writer w = writer_of(der, DER_SIGNATURE_OCTETS_MAX);
    size_t half = signature.len / 2;
    writer_u8(&w, DER_SEQUENCE);
    writer_u8(&w, 0); /* the length, once it is known */
    put_der_integer(&w, (struct octets) { signature.data, half });
    put_der_integer(&w, (struct octets) { signature.data + half, half });
    der[1] = (uint8_t)(w.len - 2);
    return writer_octets(&w);
}

enum signature_check ecdsa_check(struct verifier *verifier, const struct algorithm *algorithm, struct octets key,
                                 struct octets signed_data, struct octets signature)
{
    uint8_t der[DER_SIGNATURE_OCTETS_MAX];
    struct verifier_key *parsed = verifier_key(verifier, algorithm, key);
    if (parsed == NULL)
        return SIGNATURE_KEY_UNUSABLE;
    if (signature.len != algorithm->scheme->signature_octets)
        return SIGNATURE_BAD;
    return verify_hashed(parsed, algorithm->scheme, signed_data, to_der(signature, der));
}

bool eddsa_parse(const struct scheme *scheme, struct octets octets, struct verifier_key *key)
{
    key->key = EVP_PKEY_new_raw_public_key_ex(NULL, scheme->key_type, NULL, octets.data, octets.len);
    return key->key != NULL;
}

enum signature_check eddsa_check(struct verifier *verifier, const struct algorithm *algorithm, struct octets key,
                                 struct octets signed_data, struct octets signature)
{
    struct verifier_key *parsed = verifier_key(verifier, algorithm, key);
    if (parsed == NULL)
        return SIGNATURE_KEY_UNUSABLE;
    if (signature.len != algorithm->scheme->signature_octets)
        return SIGNATURE_BAD;
    EVP_MD_CTX *context = verifier_context(verifier);
    bool good = EVP_DigestVerifyInit_ex(context, NULL, NULL, NULL, NULL, parsed->key, NULL) == 1 &&
                EVP_DigestVerify(context, signature.data, signature.len, signed_data.data, signed_data.len) == 1;
    EVP_MD_CTX_reset(context); /* lets go of the key, which may leave the cache */
    return good ? SIGNATURE_GOOD : SIGNATURE_BAD;
}
