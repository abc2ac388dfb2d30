#include <openssl/core_names.h>
#include <openssl/params.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/hash.h"
#include "crypto/scheme.h"
#include "crypto/verify.h"

/* Parsing a key costs nearly as much as verifying with it (RSA) or half of that (P-256), and it takes some 2 KB: the
 * busy keys of a thread (root, TLDs, large operators) are kept parsed, not one for each zone.  A key has one set of
 * places; in it the one longest unused gives way. */
enum { KEY_SETS = 64, KEYS_PER_SET = 4 };

struct verifier {
    EVP_MD_CTX *context;
    uint64_t uses;
    struct verifier_key keys[KEY_SETS][KEYS_PER_SET];
    uint64_t recalled;
    struct recall recall;
};

struct verifier *verifier_new(void)
{
    struct verifier *verifier = memory_new(1, sizeof(*verifier));
    verifier->context = EVP_MD_CTX_new();
    if (verifier->context == NULL)
        abort();
    return verifier;
}

static void key_clear(struct verifier_key *key)
{
    p384_clear(key);
    EVP_PKEY_CTX_free(key->context);
    EVP_PKEY_free(key->key);
    free((void *)key->octets.data);
    *key = (struct verifier_key) { 0 };
}

void verifier_free(struct verifier *verifier)
{
    if (verifier == NULL)
        return;
    for (int set = 0; set < KEY_SETS; set++)
        for (int i = 0; i < KEYS_PER_SET; i++)
            key_clear(&verifier->keys[set][i]);
    EVP_MD_CTX_free(verifier->context);
    free(verifier);
}

void verifier_forget(struct verifier *verifier)
{
    memset(&verifier->recall, 0, sizeof(verifier->recall));
}

uint64_t verifier_recalled(const struct verifier *verifier)
{
    return verifier->recalled;
}

bool verifier_recalls(struct verifier *verifier, const uint8_t fingerprint[FINGERPRINT_OCTETS])
{
    bool is_known = recall_has(&verifier->recall, fingerprint);
    verifier->recalled += is_known;
    return is_known;
}

void verifier_remember(struct verifier *verifier, const uint8_t fingerprint[FINGERPRINT_OCTETS])
{
    recall_put(&verifier->recall, fingerprint);
}

EVP_MD_CTX *verifier_context(struct verifier *verifier)
{
    return verifier->context;
}

static bool make_context(const struct scheme *scheme, struct verifier_key *key)
{
    OSSL_PARAM params[3] = {
        OSSL_PARAM_construct_utf8_string(OSSL_SIGNATURE_PARAM_DIGEST, (char *)hash_function_name(scheme->hash), 0),
        OSSL_PARAM_construct_end(),
        OSSL_PARAM_construct_end(),
    };
    if (scheme->group == NULL) /* PKCS #1 v1.5, RFC 3110 section 3 and RFC 5702 section 3 */
        params[1] = OSSL_PARAM_construct_utf8_string(OSSL_SIGNATURE_PARAM_PAD_MODE, OSSL_PKEY_RSA_PAD_MODE_PKCSV15, 0);
    key->context = EVP_PKEY_CTX_new_from_pkey(NULL, key->key, NULL);
    return key->context != NULL && EVP_PKEY_verify_init_ex(key->context, params) == 1;
}

bool key_from_params(const struct scheme *scheme, OSSL_PARAM *params, struct verifier_key *key)
{
    EVP_PKEY_CTX *maker = EVP_PKEY_CTX_new_from_name(NULL, scheme->key_type, NULL);
    bool is_made = maker != NULL && EVP_PKEY_fromdata_init(maker) == 1 &&
                   EVP_PKEY_fromdata(maker, &key->key, EVP_PKEY_PUBLIC_KEY, params) == 1;
    EVP_PKEY_CTX_free(maker);
    return is_made && make_context(scheme, key);
}

static bool key_parse(const struct algorithm *algorithm, struct octets octets, struct verifier_key *key)
{
    const struct scheme *scheme = algorithm->scheme;
    *key = (struct verifier_key) { .algorithm = algorithm->number };
    if (scheme->key_octets != 0 && octets.len != scheme->key_octets)
        return false;
    if (!scheme->parse(scheme, octets, key)) {
        key_clear(key);
        return false;
    }
    uint8_t *copy = memory_new(octets.len, 1);
    memcpy(copy, octets.data, octets.len);
    key->octets = (struct octets) { copy, octets.len };
    return true;
}

struct verifier_key *verifier_key(struct verifier *verifier, const struct algorithm *algorithm, struct octets key)
{
    struct verifier_key *set = verifier->keys[hash_octets(key, algorithm->number) % KEY_SETS];
    struct verifier_key *oldest = set, parsed;
    verifier->uses++;
    for (int i = 0; i < KEYS_PER_SET; i++) {
        if (set[i].octets.data != NULL && set[i].algorithm == algorithm->number && octets_equal(set[i].octets, key)) {
            set[i].last_used = verifier->uses;
            return &set[i];
        }
        if (set[i].last_used < oldest->last_used)
            oldest = &set[i];
    }
    if (!key_parse(algorithm, key, &parsed))
        return NULL;
    key_clear(oldest);
    *oldest = parsed;
    oldest->last_used = verifier->uses;
    return oldest;
}

enum signature_check verify_hashed(struct verifier_key *key, const struct scheme *scheme, struct octets data,
                                   struct octets signature)
{
    uint8_t hash[HASH_OCTETS_MAX];
    hash_compute(scheme->hash, data, hash);
    int good = EVP_PKEY_verify(key->context, signature.data, signature.len, hash, hash_function_octets(scheme->hash));
    return good == 1 ? SIGNATURE_GOOD : SIGNATURE_BAD;
}
