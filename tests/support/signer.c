#include "tests/support/signer.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <stdlib.h>

#include "crypto/verify.h"

enum { RSA_BITS_DEFAULT = 1024, OCTETS_MAX = 1024 };

struct signer {
    EVP_PKEY *key;
    uint8_t algorithm;
    struct octets dnskey;
    uint16_t key_tag;
};

/* A test that cannot make its keys is no test. */
static void must(bool condition, const char *what)
{
    if (!condition) {
        fprintf(stderr, "signer: %s failed\n", what);
        abort();
    }
}

/* The seed's octets, as many as wanted. */
static void expand(uint64_t seed, const char *what, uint8_t *to, size_t len)
{
    char text[64];
    for (unsigned block = 0; len > 0; block++) {
        uint8_t digest[32];
        int text_len = snprintf(text, sizeof(text), "%llu %s %u", (unsigned long long)seed, what, block);
        sha256((struct octets) { (const uint8_t *)text, (size_t)text_len }, digest);
        size_t part = len < sizeof(digest) ? len : sizeof(digest);
        memcpy(to, digest, part);
        to += part;
        len -= part;
    }
}

static EVP_PKEY *key_pair_from(const char *type, OSSL_PARAM_BLD *builder)
{
    EVP_PKEY *key = NULL;
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(builder);
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    must(params != NULL && context != NULL && EVP_PKEY_fromdata_init(context) == 1 &&
             EVP_PKEY_fromdata(context, &key, EVP_PKEY_KEYPAIR, params) == 1,
         type);
    EVP_PKEY_CTX_free(context);
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(builder);
    return key;
}

/* ---- key pairs; each writes the Public Key field ---- */

/* The first prime behind the seed's number of that many bits, with its two upper bits set, such that e has an
 * inverse. */
static BIGNUM *prime_from(uint64_t seed, const char *what, unsigned bits, const BIGNUM *e, BN_CTX *context)
{
    uint8_t octets[OCTETS_MAX];
    BIGNUM *less_one = BN_new(), *common = BN_new();
    expand(seed, what, octets, (bits + 7) / 8);
    BIGNUM *prime = BN_bin2bn(octets, (int)(bits + 7) / 8, NULL);
    must(prime != NULL && less_one != NULL && common != NULL, "BN_new");
    BN_mask_bits(prime, (int)bits);
    BN_set_bit(prime, (int)bits - 1);
    BN_set_bit(prime, (int)bits - 2);
    BN_set_bit(prime, 0);
    for (;; BN_add_word(prime, 2)) {
        if (BN_check_prime(prime, context, NULL) != 1)
            continue;
        BN_sub(less_one, prime, BN_value_one());
        BN_gcd(common, less_one, e, context);
        if (BN_is_one(common))
            break;
    }
    BN_free(less_one);
    BN_free(common);
    return prime;
}

static size_t rsa_field(const BIGNUM *e, const BIGNUM *n, uint8_t *field) /* RFC 3110 section 2 */
{
    size_t e_len = (size_t)BN_num_bytes(e);
    field[0] = (uint8_t)e_len;
    BN_bn2bin(e, field + 1);
    return 1 + e_len + (size_t)BN_bn2bin(n, field + 1 + e_len);
}

static EVP_PKEY *rsa_pair(uint64_t seed, unsigned bits, uint8_t *field, size_t *field_len)
{
    BN_CTX *context = BN_CTX_new();
    BIGNUM *e = BN_new(), *n = BN_new(), *d = BN_new(), *phi = BN_new();
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    must(context != NULL && e != NULL && n != NULL && d != NULL && phi != NULL && builder != NULL, "BN_new");
    BN_set_word(e, RSA_F4);
    BIGNUM *p = prime_from(seed, "p", (bits + 1) / 2, e, context);
    BIGNUM *q = prime_from(seed, "q", bits / 2, e, context);
    BN_mul(n, p, q, context);
    must((unsigned)BN_num_bits(n) == bits, "making a modulus of the wanted length");
    BN_sub_word(p, 1);
    BN_sub_word(q, 1);
    BN_mul(phi, p, q, context);
    must(BN_mod_inverse(d, e, phi, context) != NULL, "BN_mod_inverse");
    must(OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
             OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, e) == 1 &&
             OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_D, d) == 1,
         "OSSL_PARAM_BLD_push_BN");
    EVP_PKEY *key = key_pair_from("RSA", builder);
    *field_len = rsa_field(e, n, field);
    BIGNUM *numbers[] = { e, n, d, phi, p, q };
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
        BN_free(numbers[i]);
    BN_CTX_free(context);
    return key;
}

static EVP_PKEY *ecdsa_pair(uint64_t seed, int nid, const char *group_name, uint8_t *field, size_t *field_len)
{
    uint8_t octets[48], point_octets[1 + 2 * 48];
    size_t scalar_len = nid == NID_X9_62_prime256v1 ? 32 : 48;
    EC_GROUP *group = EC_GROUP_new_by_curve_name(nid);
    EC_POINT *point = EC_POINT_new(group);
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    expand(seed, group_name, octets, scalar_len);
    octets[0] &= 0x7f; /* below the order of the group */
    BIGNUM *scalar = BN_bin2bn(octets, (int)scalar_len, NULL);
    must(scalar != NULL && EC_POINT_mul(group, point, scalar, NULL, NULL, NULL) == 1, "EC_POINT_mul");
    size_t len =
        EC_POINT_point2oct(group, point, POINT_CONVERSION_UNCOMPRESSED, point_octets, sizeof(point_octets), NULL);
    must(len == 1 + 2 * scalar_len, "EC_POINT_point2oct");
    must(OSSL_PARAM_BLD_push_utf8_string(builder, OSSL_PKEY_PARAM_GROUP_NAME, group_name, 0) == 1 &&
             OSSL_PARAM_BLD_push_octet_string(builder, OSSL_PKEY_PARAM_PUB_KEY, point_octets, len) == 1 &&
             OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_PRIV_KEY, scalar) == 1,
         "OSSL_PARAM_BLD_push");
    EVP_PKEY *key = key_pair_from("EC", builder);
    memcpy(field, point_octets + 1, len - 1);
    *field_len = len - 1;
    BN_free(scalar);
    EC_POINT_free(point);
    EC_GROUP_free(group);
    return key;
}

static EVP_PKEY *eddsa_pair(uint64_t seed, int type, uint8_t *field, size_t *field_len)
{
    uint8_t octets[57];
    size_t len = type == EVP_PKEY_ED25519 ? 32 : 57;
    expand(seed, "EdDSA", octets, len);
    EVP_PKEY *key = EVP_PKEY_new_raw_private_key(type, NULL, octets, len);
    *field_len = len;
    must(key != NULL && EVP_PKEY_get_raw_public_key(key, field, field_len) == 1, "EVP_PKEY_new_raw_private_key");
    return key;
}

static EVP_PKEY *pair_for(uint8_t algorithm, uint64_t seed, unsigned bits, uint8_t *field, size_t *field_len)
{
    switch (algorithm) {
    case ALGORITHM_ECDSAP256SHA256:
        return ecdsa_pair(seed, NID_X9_62_prime256v1, "P-256", field, field_len);
    case ALGORITHM_ECDSAP384SHA384:
        return ecdsa_pair(seed, NID_secp384r1, "P-384", field, field_len);
    case ALGORITHM_ED25519:
        return eddsa_pair(seed, EVP_PKEY_ED25519, field, field_len);
    case ALGORITHM_ED448:
        return eddsa_pair(seed, EVP_PKEY_ED448, field, field_len);
    default:
        return rsa_pair(seed, bits, field, field_len);
    }
}

struct signer *signer_new_rsa(uint8_t algorithm, uint16_t flags, uint64_t seed, unsigned modulus_bits)
{
    uint8_t buffer[4 + OCTETS_MAX], field[OCTETS_MAX];
    size_t field_len;
    struct signer *signer = memory_new(1, sizeof(*signer));
    signer->algorithm = algorithm;
    signer->key = pair_for(algorithm, seed, modulus_bits, field, &field_len);
    struct writer w = writer_of(buffer, sizeof(buffer));
    writer_u16(&w, flags);
    writer_u8(&w, 3); /* RFC 4034 section 2.1.2 */
    writer_u8(&w, algorithm);
    writer_octets_put(&w, (struct octets) { field, field_len });
    must(!w.failed, "writing a DNSKEY");
    uint8_t *rdata = memory_new(w.len, 1);
    memcpy(rdata, w.data, w.len);
    signer->dnskey = (struct octets) { rdata, w.len };
    signer->key_tag = dnskey_tag(signer->dnskey);
    return signer;
}

struct signer *signer_new(uint8_t algorithm, uint16_t flags, uint64_t seed)
{
    return signer_new_rsa(algorithm, flags, seed, RSA_BITS_DEFAULT);
}

void signer_free(struct signer *signer)
{
    if (signer == NULL)
        return;
    EVP_PKEY_free(signer->key);
    free((void *)signer->dnskey.data);
    free(signer);
}

struct octets signer_dnskey(const struct signer *signer)
{
    return signer->dnskey;
}

uint16_t signer_key_tag(const struct signer *signer)
{
    return signer->key_tag;
}

/* ---- signatures ---- */

static const char *hash_of(uint8_t algorithm)
{
    switch (algorithm) {
    case ALGORITHM_RSASHA1:
    case ALGORITHM_RSASHA1_NSEC3_SHA1:
        return "SHA1";
    case ALGORITHM_RSASHA256:
    case ALGORITHM_ECDSAP256SHA256:
        return "SHA256";
    case ALGORITHM_ECDSAP384SHA384:
        return "SHA384";
    case ALGORITHM_RSASHA512:
        return "SHA512";
    default:
        return NULL; /* EdDSA hashes by itself */
    }
}

/* r and s of the DER side by side (RFC 6605 section 4). */
static size_t from_der(const uint8_t *der, size_t der_len, size_t half, uint8_t *signature)
{
    const BIGNUM *r, *s;
    ECDSA_SIG *parsed = d2i_ECDSA_SIG(NULL, &der, (long)der_len);
    must(parsed != NULL, "d2i_ECDSA_SIG");
    ECDSA_SIG_get0(parsed, &r, &s);
    BN_bn2binpad(r, signature, (int)half);
    BN_bn2binpad(s, signature + half, (int)half);
    ECDSA_SIG_free(parsed);
    return 2 * half;
}

struct octets sign_octets(struct arena *arena, const struct signer *signer, struct octets data)
{
    uint8_t made[OCTETS_MAX], signature[OCTETS_MAX];
    size_t len = sizeof(made);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    must(EVP_DigestSignInit_ex(context, NULL, hash_of(signer->algorithm), NULL, NULL, signer->key, NULL) == 1 &&
             EVP_DigestSign(context, made, &len, data.data, data.len) == 1,
         "EVP_DigestSign");
    EVP_MD_CTX_free(context);
    if (signer->algorithm == ALGORITHM_ECDSAP256SHA256)
        len = from_der(made, len, 32, signature);
    else if (signer->algorithm == ALGORITHM_ECDSAP384SHA384)
        len = from_der(made, len, 48, signature);
    else
        memcpy(signature, made, len);
    return octets_copy(arena, (struct octets) { signature, len });
}

struct rrsig honest_fields(const struct signer *signer, const struct rrset *rrset, const struct dname *zone,
                           uint32_t inception, uint32_t expiration)
{
    return (struct rrsig) {
        .type_covered = rrset->type,
        .algorithm = signer->algorithm,
        .labels = (uint8_t)(rrset->owner->labels - (dname_is_wildcard(rrset->owner) ? 1 : 0)),
        .original_ttl_s = rrset->ttl_s,
        .expiration = expiration,
        .inception = inception,
        .key_tag = signer->key_tag,
        .signer = *zone,
    };
}

struct octets sign_as(struct arena *arena, const struct signer *signer, const struct rrset *rrset,
                      const struct rrsig *fields)
{
    uint8_t buffer[18 + DNAME_OCTETS_MAX + OCTETS_MAX];
    struct writer w = writer_of(buffer, sizeof(buffer));
    writer_u16(&w, fields->type_covered);
    writer_u8(&w, fields->algorithm);
    writer_u8(&w, fields->labels);
    writer_u32(&w, fields->original_ttl_s);
    writer_u32(&w, fields->expiration);
    writer_u32(&w, fields->inception);
    writer_u16(&w, fields->key_tag);
    writer_dname(&w, &fields->signer);
    struct rrsig sig = *fields;
    sig.signed_part = writer_octets(&w);
    writer_octets_put(&w, sign_octets(arena, signer, signed_data(arena, rrset, &sig)));
    must(!w.failed, "writing an RRSIG");
    return octets_copy(arena, writer_octets(&w));
}

void add_signature(struct arena *arena, struct rrset *rrset, struct octets rrsig_rdata)
{
    struct octets *sigs = ARENA_ARRAY(arena, rrset->sig_count + 1u, struct octets);
    for (uint16_t i = 0; i < rrset->sig_count; i++)
        sigs[i] = rrset->sigs[i];
    sigs[rrset->sig_count++] = rrsig_rdata;
    rrset->sigs = sigs;
    rrset->sig_ttl_s = rrset->ttl_s;
}

void sign_rrset(struct arena *arena, const struct signer *signer, struct rrset *rrset, const struct dname *zone,
                uint32_t inception, uint32_t expiration)
{
    struct rrsig fields = honest_fields(signer, rrset, zone, inception, expiration);
    add_signature(arena, rrset, sign_as(arena, signer, rrset, &fields));
}

/* ---- records about keys and names ---- */

struct rrset *dnskey_rrset(struct arena *arena, const struct dname *zone, uint32_t ttl_s,
                           const struct signer *const *signers, size_t count)
{
    struct rrset *rrset = ARENA_NEW(arena, struct rrset);
    struct octets *rdata = ARENA_ARRAY(arena, count, struct octets);
    for (size_t i = 0; i < count; i++)
        rdata[i] = octets_copy(arena, signers[i]->dnskey);
    rrset->owner = dname_copy(arena, zone);
    rrset->type = TYPE_DNSKEY;
    rrset->class = CLASS_IN;
    rrset->ttl_s = ttl_s;
    rrset->count = (uint16_t)count;
    rrset->rdata = rdata;
    return rrset;
}

struct octets make_ds(struct arena *arena, const struct dname *zone, struct octets dnskey_rdata, uint8_t digest_type)
{
    uint8_t buffer[DNAME_OCTETS_MAX + 4 + OCTETS_MAX], digest[EVP_MAX_MD_SIZE], ds[4 + EVP_MAX_MD_SIZE];
    const EVP_MD *function = digest_type == DIGEST_SHA1     ? EVP_sha1()
                             : digest_type == DIGEST_SHA384 ? EVP_sha384()
                                                            : EVP_sha256();
    unsigned digest_len = 0;
    struct dname lower;
    struct writer digested = writer_of(buffer, sizeof(buffer)), w = writer_of(ds, sizeof(ds));
    dname_lower(zone, &lower);
    writer_dname(&digested, &lower);
    writer_octets_put(&digested, dnskey_rdata);
    must(!digested.failed && EVP_Digest(digested.data, digested.len, digest, &digest_len, function, NULL) == 1,
         "EVP_Digest");
    writer_u16(&w, dnskey_tag(dnskey_rdata));
    writer_u8(&w, dnskey_rdata.data[3]);
    writer_u8(&w, digest_type);
    writer_octets_put(&w, (struct octets) { digest, digest_len });
    return octets_copy(arena, writer_octets(&w));
}

char *nsec3_label(struct arena *arena, const struct dname *name, struct octets salt, uint16_t iterations)
{
    static const char digits[] = "0123456789abcdefghijklmnopqrstuv"; /* RFC 4648 section 7 */
    uint8_t hash[NSEC3_HASH_OCTETS];
    char *text = arena_alloc(arena, NSEC3_HASH_OCTETS * 8 / 5 + 1);
    nsec3_hash(name, salt, iterations, hash);
    for (unsigned i = 0; i < NSEC3_HASH_OCTETS * 8 / 5; i++) {
        unsigned bit = 5 * i,
                 two = (unsigned)hash[bit / 8] << 8 | (bit / 8 + 1 < NSEC3_HASH_OCTETS ? hash[bit / 8 + 1] : 0);
        text[i] = digits[two >> (11 - bit % 8) & 31];
    }
    return text;
}
