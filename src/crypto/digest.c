#include "crypto/digest.h"

#include <openssl/evp.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/log.h"
#include "crypto/verify.h"

static const struct {
    const char *name;
    size_t octets;
} functions[HASH_FUNCTIONS] = {
    [HASH_SHA1] = { "SHA1", 20 },
    [HASH_SHA256] = { "SHA256", 32 },
    [HASH_SHA384] = { "SHA384", 48 },
    [HASH_SHA512] = { "SHA512", 64 },
};

/* libcrypto's look-up of a function by its name and the making of a context cost more than hashing a name: each thread
 * does both once.  NSEC3 proofs take up to NSEC3_HASHES_MAX times the iterations. */
struct hashers {
    EVP_MD *function[HASH_FUNCTIONS];
    EVP_MD_CTX *context[HASH_FUNCTIONS];
};

static _Thread_local struct hashers *hashers;
static pthread_key_t hashers_key; /* only for its destructor: gives the memory of a thread that ends back */
static pthread_once_t hashers_key_once = PTHREAD_ONCE_INIT;

static void hashers_free(void *memory)
{
    struct hashers *ended = memory;
    for (int i = 0; i < HASH_FUNCTIONS; i++) {
        EVP_MD_CTX_free(ended->context[i]);
        EVP_MD_free(ended->function[i]);
    }
    free(ended);
}

static void make_hashers_key(void)
{
    if (pthread_key_create(&hashers_key, hashers_free) != 0)
        abort();
}

static _Noreturn void no_hash_function(enum hash_function function)
{
    log_error("libcrypto cannot compute %s: no validation is possible", functions[function].name);
    abort();
}

static struct hashers *hashers_of_thread(void)
{
    if (hashers != NULL)
        return hashers;
    hashers = memory_new(1, sizeof(*hashers));
    for (int i = 0; i < HASH_FUNCTIONS; i++) {
        hashers->function[i] = EVP_MD_fetch(NULL, functions[i].name, NULL);
        hashers->context[i] = EVP_MD_CTX_new();
        if (hashers->function[i] == NULL || hashers->context[i] == NULL)
            no_hash_function(i);
    }
    pthread_once(&hashers_key_once, make_hashers_key);
    pthread_setspecific(hashers_key, hashers);
    return hashers;
}

const char *hash_function_name(enum hash_function function)
{
    return functions[function].name;
}

size_t hash_function_octets(enum hash_function function)
{
    return functions[function].octets;
}

void hash_compute_parts(enum hash_function function, const struct octets *parts, size_t count, uint8_t *digest)
{
    struct hashers *own = hashers_of_thread();
    EVP_MD_CTX *context = own->context[function];
    bool is_done = EVP_DigestInit_ex2(context, own->function[function], NULL) == 1;
    for (size_t i = 0; i < count; i++)
        is_done = is_done && EVP_DigestUpdate(context, parts[i].data, parts[i].len) == 1;
    if (!is_done || EVP_DigestFinal_ex(context, digest, NULL) != 1)
        no_hash_function(function);
}

void hash_compute(enum hash_function function, struct octets data, uint8_t *digest)
{
    hash_compute_parts(function, &data, 1, digest);
}

void digest_sha1(struct octets data, uint8_t *digest)
{
    hash_compute(HASH_SHA1, data, digest);
}

void digest_sha256(struct octets data, uint8_t *digest)
{
    hash_compute(HASH_SHA256, data, digest);
}

void digest_sha384(struct octets data, uint8_t *digest)
{
    hash_compute(HASH_SHA384, data, digest);
}

void sha256(struct octets data, uint8_t digest[32])
{
    hash_compute(HASH_SHA256, data, digest);
}

void nsec3_hash(const struct dname *name, struct octets salt, uint16_t iterations, uint8_t hash[NSEC3_HASH_OCTETS])
{
    uint8_t salted[DNAME_OCTETS_MAX + UINT8_MAX]; /* the name, later a hash, with the salt behind it */
    struct dname lower;
    size_t salt_len = salt.len < UINT8_MAX ? salt.len : UINT8_MAX; /* RFC 5155 section 3.1.4: one octet of length */
    dname_lower(name, &lower);
    memcpy(salted, lower.octets, lower.len);
    if (salt_len > 0)
        memcpy(salted + lower.len, salt.data, salt_len);
    hash_compute(HASH_SHA1, (struct octets) { salted, lower.len + salt_len }, hash);

    if (iterations > 0 && salt_len > 0)
        memcpy(salted + NSEC3_HASH_OCTETS, salt.data, salt_len);
    for (unsigned i = 0; i < iterations; i++) {
        memcpy(salted, hash, NSEC3_HASH_OCTETS);
        hash_compute(HASH_SHA1, (struct octets) { salted, NSEC3_HASH_OCTETS + salt_len }, hash);
    }
}
