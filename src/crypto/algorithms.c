#include "crypto/algorithms.h"

#include <stdio.h>
#include <strings.h>

#include "base/limits.h"
#include "crypto/scheme.h"

#define NOT_VERIFIED NULL, NULL
#define RSA(hash_, bits_)                                                                                              \
    rsa_check, &(const struct scheme)                                                                                  \
    {                                                                                                                  \
        .parse = rsa_parse, .key_type = "RSA", .hash = (hash_), .modulus_bits_min = (bits_)                            \
    }
#define ECDSA(group_, hash_, octets_, cost_)                                                                           \
    ecdsa_check, &(const struct scheme)                                                                                \
    {                                                                                                                  \
        .parse = ecdsa_parse, .key_type = "EC", .group = (group_), .hash = (hash_), .key_octets = (octets_),           \
        .signature_octets = (octets_), .cost = (cost_)                                                                 \
    }
#define P384(cost_)                                                                                                    \
    p384_check, &(const struct scheme)                                                                                 \
    {                                                                                                                  \
        .parse = p384_parse, .key_octets = 96, .signature_octets = 96, .cost = (cost_)                                 \
    }
#define EDDSA(key_type_, key_octets_, signature_octets_, cost_)                                                        \
    eddsa_check, &(const struct scheme)                                                                                \
    {                                                                                                                  \
        .parse = eddsa_parse, .key_type = (key_type_), .key_octets = (key_octets_),                                    \
        .signature_octets = (signature_octets_), .cost = (cost_)                                                       \
    }

/* IANA "DNS Security Algorithm Numbers", as of 2026-08-10.  0, 2 and 252 are registered for other uses than zone
 * signing and have no row.  5 and 7: the registry says RECOMMENDED, but RFC 9905 tells operators of resolvers to treat
 * them as unsupported. */
static const struct algorithm algorithms[] = {
    { 1, "RSAMD5", RECOMMEND_MUST_NOT, false, "RFC 9904", NOT_VERIFIED },
    { 3, "DSA", RECOMMEND_MUST_NOT, false, "RFC 9904", NOT_VERIFIED },
    { 5, "RSASHA1", RECOMMEND_RECOMMENDED, false, "RFC 9905", RSA(HASH_SHA1, RSA_MODULUS_BITS_MIN) },
    { 6, "DSA-NSEC3-SHA1", RECOMMEND_MUST_NOT, false, "RFC 9904", NOT_VERIFIED },
    { 7, "RSASHA1-NSEC3-SHA1", RECOMMEND_RECOMMENDED, false, "RFC 9905", RSA(HASH_SHA1, RSA_MODULUS_BITS_MIN) },
    { 8, "RSASHA256", RECOMMEND_RECOMMENDED, true, "RFC 9904", RSA(HASH_SHA256, RSA_MODULUS_BITS_MIN) },
    { 10, "RSASHA512", RECOMMEND_RECOMMENDED, true, "RFC 9904", RSA(HASH_SHA512, 1024) }, /* RFC 5702 section 2.2 */
    { 12, "ECC-GOST", RECOMMEND_MUST_NOT, false, "RFC 9906", NOT_VERIFIED },
    { 13, "ECDSAP256SHA256", RECOMMEND_RECOMMENDED, true, "RFC 9904", ECDSA("P-256", HASH_SHA256, 64, COST_OF_P256) },
    { 14, "ECDSAP384SHA384", RECOMMEND_RECOMMENDED, true, "RFC 9904", P384(7 * COST_OF_P256) },
    { 15, "ED25519", RECOMMEND_RECOMMENDED, true, "RFC 9904", EDDSA("ED25519", 32, 64, 7 * COST_OF_P256 / 4) },
    { 16, "ED448", RECOMMEND_RECOMMENDED, true, "RFC 9904", EDDSA("ED448", 57, 114, 3 * COST_OF_P256) },
    { 17, "SM2SM3", RECOMMEND_MAY, false, "RFC 9904", NOT_VERIFIED },
    { 18, "MLDSA44", RECOMMEND_MAY, false, "RFC 9904", NOT_VERIFIED },
    { 23, "ECC-GOST12", RECOMMEND_MAY, false, "RFC 9904", NOT_VERIFIED },
    { 253, "PRIVATEDNS", RECOMMEND_MAY, false, "RFC 9904", NOT_VERIFIED },
    { 254, "PRIVATEOID", RECOMMEND_MAY, false, "RFC 9904", NOT_VERIFIED },
};

/* IANA "DS Digest Algorithms", as of 2026-01-13. */
static const struct digest digests[] = {
    { 0, "NULL", RECOMMEND_MUST_NOT, false, "RFC 9904", 0, NULL }, /* only in CDS, RFC 8078 */
    { DIGEST_SHA1, "SHA-1", RECOMMEND_RECOMMENDED, true, "RFC 9904", 20, digest_sha1 },
    { DIGEST_SHA256, "SHA-256", RECOMMEND_RECOMMENDED, true, "RFC 9904", 32, digest_sha256 },
    { 3, "GOST R 34.11-94", RECOMMEND_MUST_NOT, false, "RFC 9906", 32, NULL },
    { DIGEST_SHA384, "SHA-384", RECOMMEND_RECOMMENDED, true, "RFC 9904", 48, digest_sha384 },
    { 5, "GOST R 34.11-2012", RECOMMEND_MAY, false, "RFC 9904", 32, NULL },
    { 6, "SM3", RECOMMEND_MAY, false, "RFC 9904", 32, NULL },
};

const struct algorithm *algorithm_table(size_t *count)
{
    *count = ARRAY_LEN(algorithms);
    return algorithms;
}

const struct digest *digest_table(size_t *count)
{
    *count = ARRAY_LEN(digests);
    return digests;
}

/* ---- policy ---- */

static bool list_has(const uint8_t *list, uint8_t count, uint8_t number)
{
    return count > 0 && memchr(list, number, count) != NULL;
}

struct crypto_options crypto_options_default(void)
{
    return (struct crypto_options) { .nsec3_iterations = NSEC3_ITERATIONS_DEFAULT };
}

void crypto_policy_make(const struct crypto_options *options, struct crypto_policy *policy)
{
    *policy =
        (struct crypto_policy) { .nsec3_iterations = options->nsec3_iterations, .demands_all = options->demand_all };
    if (policy->nsec3_iterations > NSEC3_ITERATIONS_CEILING)
        policy->nsec3_iterations = NSEC3_ITERATIONS_CEILING;
    for (const struct algorithm *row = algorithms; row < algorithms + ARRAY_LEN(algorithms); row++) {
        bool wanted =
            (row->on_by_default || list_has(options->allow_algorithms, options->allow_algorithm_count, row->number)) &&
            !list_has(options->deny_algorithms, options->deny_algorithm_count, row->number);
        if (wanted && row->check != NULL)
            policy->algorithms[row->number] = row;
    }
    for (const struct digest *row = digests; row < digests + ARRAY_LEN(digests); row++) {
        bool wanted =
            (row->on_by_default || list_has(options->allow_digests, options->allow_digest_count, row->number)) &&
            !list_has(options->deny_digests, options->deny_digest_count, row->number);
        if (wanted && row->compute != NULL)
            policy->digests[row->number] = row;
    }
}

/* ---- text ---- */

static enum err number_from_text(const char *text, uint8_t *number)
{
    unsigned value = 0;
    const char *at = text;
    for (; *at >= '0' && *at <= '9' && value <= UINT8_MAX; at++)
        value = 10 * value + (unsigned)(*at - '0');
    if (at == text || *at != '\0' || value > UINT8_MAX)
        return ERR_NOT_FOUND;
    *number = (uint8_t)value;
    return OK;
}

static const char *behind_hyphens(const char *text)
{
    return text + strspn(text, "-");
}

static bool same_mnemonic(const char *a, const char *b)
{
    for (;;) {
        a = behind_hyphens(a);
        b = behind_hyphens(b);
        if (strncasecmp(a, b, 1) != 0)
            return false;
        if (*a == '\0')
            return true;
        a++;
        b++;
    }
}

enum err algorithm_from_text(const char *text, uint8_t *number)
{
    for (const struct algorithm *row = algorithms; row < algorithms + ARRAY_LEN(algorithms); row++) {
        if (same_mnemonic(row->mnemonic, text)) {
            *number = row->number;
            return OK;
        }
    }
    return number_from_text(text, number);
}

enum err digest_from_text(const char *text, uint8_t *number)
{
    for (const struct digest *row = digests; row < digests + ARRAY_LEN(digests); row++) {
        if (same_mnemonic(row->mnemonic, text)) {
            *number = row->number;
            return OK;
        }
    }
    return number_from_text(text, number);
}

const char *algorithm_text(uint8_t number, char text[8])
{
    for (const struct algorithm *row = algorithms; row < algorithms + ARRAY_LEN(algorithms); row++) {
        if (row->number == number)
            return row->mnemonic;
    }
    snprintf(text, 8, "%u", number);
    return text;
}
