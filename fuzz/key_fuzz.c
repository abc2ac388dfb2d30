/* Keys and signatures of any octets through signature_verify() and ds_matches().  The same question asked of a fresh
 * verifier, of its cache and of a busy verifier must have the same answer, and of P-384 so must libcrypto.  The corpus
 * holds good signatures too. */
#include <assert.h>

#include "crypto/verify.h"
#include "tests/support/p384_by_libcrypto.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum signature_check check(struct verifier *verifier, const struct algorithm *algorithm,
                                  const struct dnskey *key, struct octets signature)
{
    static const struct octets data = { (const uint8_t *)"data", 4 };
    return signature_verify(verifier, algorithm, key, data, signature);
}

static enum signature_check check_by_libcrypto(const struct dnskey *key, struct octets signature)
{
    struct verifier *fresh = verifier_new();
    enum signature_check result = check(fresh, &p384_by_libcrypto, key, signature);
    verifier_free(fresh);
    return result;
}

/* Input: algorithm's place in the table, digest's place, length of the signature, signature, Public Key field. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t algorithm_count, digest_count;
    const struct algorithm *algorithms = algorithm_table(&algorithm_count);
    const struct digest *digests = digest_table(&digest_count);
    struct reader r = reader_of(data, size);
    const struct algorithm *algorithm = &algorithms[reader_u8(&r) % algorithm_count];
    const struct digest *digest = &digests[reader_u8(&r) % digest_count];
    size_t signature_len = reader_u16(&r);
    if (signature_len > reader_left(&r))
        signature_len = reader_left(&r);
    struct octets signature = reader_octets(&r, signature_len);
    struct dnskey key = { .flags = DNSKEY_ZONE, .protocol = 3, .algorithm = algorithm->number };
    key.public_key = reader_rest(&r);
    if (r.failed)
        return 0;

    if (algorithm->check != NULL) {
        static struct verifier *busy; /* its cache fills and turns over */
        struct verifier *fresh = verifier_new();
        if (busy == NULL)
            busy = verifier_new();
        enum signature_check result = check(fresh, algorithm, &key, signature);
        assert(check(fresh, algorithm, &key, signature) == result);
        assert(check(busy, algorithm, &key, signature) == result);
        verifier_free(fresh);
        if (algorithm->number == ALGORITHM_ECDSAP384SHA384)
            assert(check_by_libcrypto(&key, signature) == result);
    }
    if (digest->compute != NULL) {
        struct ds ds = { .algorithm = algorithm->number, .digest_type = digest->number, .digest = signature };
        ds_matches(digest, &ds, dname_root(), (struct octets) { data, size });
    }
    return 0;
}
