#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/param_build.h>

#include "base/limits.h"
#include "base/reader.h"
#include "crypto/scheme.h"

/* RFC 3110 section 2 prohibits leading zero octets; BIND and Unbound ignore them, and so do we: the key is the
 * number. */
static struct octets without_leading_zeros(struct octets number)
{
    while (number.len > 0 && number.data[0] == 0) {
        number.data++;
        number.len--;
    }
    return number;
}

static unsigned bit_count(struct octets number) /* without leading zeros */
{
    return number.len == 0 ? 0 : (unsigned)(8 * number.len) - (unsigned)__builtin_clz(number.data[0]) + 24;
}

static bool is_odd(struct octets number)
{
    return number.len > 0 && (number.data[number.len - 1] & 1) == 1;
}

/* RFC 3110 section 2: the exponent's length in one octet, or in two behind a zero octet; exponent; modulus. */
static bool split(struct octets key, struct octets *exponent, struct octets *modulus)
{
    struct reader r = reader_of_octets(key);
    size_t exponent_len = reader_u8(&r);
    if (exponent_len == 0)
        exponent_len = reader_u16(&r);
    *exponent = without_leading_zeros(reader_octets(&r, exponent_len));
    *modulus = without_leading_zeros(reader_rest(&r));
    return !r.failed;
}

static bool is_usable(const struct scheme *scheme, struct octets exponent, struct octets modulus)
{
    /* 1 and even exponents are no keys: with 1 anybody can sign, an even one has no inverse. */
    if (bit_count(exponent) < 2 || bit_count(exponent) > RSA_EXPONENT_BITS_MAX || !is_odd(exponent))
        return false;
    return bit_count(modulus) >= scheme->modulus_bits_min && bit_count(modulus) <= RSA_MODULUS_BITS_MAX &&
           is_odd(modulus);
}

uint16_t rsa_cost(struct octets key)
{
    /* A modular multiplication for each bit of the exponent; 2048 bits to the 17th cost a third of a P-256 check. */
    enum { WORK_OF_UNIT = 3 * 17 * 256 * 256 / COST_OF_P256 };
    struct octets exponent, modulus;
    if (!split(key, &exponent, &modulus) || bit_count(exponent) > RSA_EXPONENT_BITS_MAX ||
        bit_count(modulus) > RSA_MODULUS_BITS_MAX)
        return 1; /* unusable */
    return (uint16_t)(1 + bit_count(exponent) * modulus.len * modulus.len / WORK_OF_UNIT);
}

bool rsa_parse(const struct scheme *scheme, struct octets octets, struct verifier_key *key)
{
    struct octets exponent, modulus;
    if (!split(octets, &exponent, &modulus) || !is_usable(scheme, exponent, modulus))
        return false;
    OSSL_PARAM *params = NULL;
    BIGNUM *e = BN_bin2bn(exponent.data, (int)exponent.len, NULL);
    BIGNUM *n = BN_bin2bn(modulus.data, (int)modulus.len, NULL);
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    if (e != NULL && n != NULL && builder != NULL && OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, e) == 1 &&
        OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, n) == 1)
        params = OSSL_PARAM_BLD_to_param(builder);
    bool is_made = params != NULL && key_from_params(scheme, params, key);
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(builder);
    BN_free(n);
    BN_free(e);
    return is_made;
}

enum signature_check rsa_check(struct verifier *verifier, const struct algorithm *algorithm, struct octets key,
                               struct octets signed_data, struct octets signature)
{
    struct verifier_key *parsed = verifier_key(verifier, algorithm, key);
    if (parsed == NULL)
        return SIGNATURE_KEY_UNUSABLE;
    return verify_hashed(parsed, algorithm->scheme, signed_data, signature);
}
