#include "crypto/verify.h"

#include <assert.h>
#include <openssl/err.h>

#include "crypto/scheme.h"

enum {
    RRSIG_FIXED_OCTETS = 18, /* RFC 4034 section 3.1: what stands before the signer's name */
    RR_FIXED_OCTETS = 10,    /* type, class, TTL, RDATA length */
};

/* The owner as the signer saw it (RFC 4035 section 5.3.2), in lower case. */
static void signed_owner(const struct dname *owner, uint8_t labels, struct dname *to)
{
    dname_lower(owner, to);
    if (labels >= to->labels)
        return;
    dname_suffix(to, labels, to);
    enum err err = dname_wildcard(to, to);
    assert(err == OK); /* the label taken away had two octets at least */
    (void)err;
}

struct octets signed_data(struct arena *arena, const struct rrset *rrset, const struct rrsig *sig)
{
    uint16_t count;
    const struct octets *rdata = rrset_canonical_rdata(arena, rrset, &count);
    struct dname owner, signer;
    signed_owner(rrset->owner, sig->labels, &owner);
    dname_lower(&sig->signer, &signer);

    size_t size = RRSIG_FIXED_OCTETS + (size_t)signer.len;
    for (uint16_t i = 0; i < count; i++)
        size += owner.len + RR_FIXED_OCTETS + rdata[i].len;
    struct writer w = writer_of(arena_alloc(arena, size), size);

    assert(sig->signed_part.len >= RRSIG_FIXED_OCTETS);
    writer_octets_put(&w, (struct octets) { sig->signed_part.data, RRSIG_FIXED_OCTETS });
    writer_dname(&w, &signer);
    for (uint16_t i = 0; i < count; i++) {
        writer_dname(&w, &owner);
        writer_u16(&w, rrset->type);
        writer_u16(&w, rrset->class);
        writer_u32(&w, sig->original_ttl_s);
        writer_u16(&w, (uint16_t)rdata[i].len);
        writer_octets_put(&w, rdata[i]);
    }
    assert(!w.failed);
    return writer_octets(&w);
}

uint16_t signature_cost(const struct algorithm *algorithm, struct octets key)
{
    if (algorithm->scheme == NULL)
        return 1;
    return algorithm->scheme->cost > 0 ? algorithm->scheme->cost : rsa_cost(key);
}

enum signature_check signature_verify(struct verifier *verifier, const struct algorithm *algorithm,
                                      const struct dnskey *key, struct octets data, struct octets signature)
{
    uint8_t fingerprint[FINGERPRINT_OCTETS];
    fingerprint_of_check(algorithm->number, key->public_key, signature, data, fingerprint);
    if (verifier_recalls(verifier, fingerprint))
        return SIGNATURE_GOOD;
    enum signature_check check = algorithm->check(verifier, algorithm, key->public_key, data, signature);
    if (check == SIGNATURE_GOOD)
        verifier_remember(verifier, fingerprint);
    else
        ERR_clear_error(); /* libcrypto keeps a queue of reasons for each thread */
    return check;
}

bool dnskey_read_usable(struct octets rdata, struct dnskey *key)
{
    return rdata.len <= DNSKEY_OCTETS_MAX && dnskey_read(rdata, key) == OK;
}

bool ds_matches(const struct digest *digest, const struct ds *ds, const struct dname *owner, struct octets dnskey_rdata)
{
    uint8_t data[DNAME_OCTETS_MAX + DNSKEY_OCTETS_MAX];
    uint8_t computed[UINT8_MAX];
    struct dnskey key;
    struct dname lower;
    if (!dnskey_read_usable(dnskey_rdata, &key))
        return false;
    if (ds->key_tag != key.key_tag || ds->algorithm != key.algorithm || ds->digest.len != digest->octets)
        return false;
    dname_lower(owner, &lower);
    memcpy(data, lower.octets, lower.len);
    memcpy(data + lower.len, dnskey_rdata.data, dnskey_rdata.len);
    digest->compute((struct octets) { data, lower.len + dnskey_rdata.len }, computed);
    return octets_equal((struct octets) { computed, digest->octets }, ds->digest);
}

bool ds_is_of_key(struct octets ds_rdata, const struct dname *owner, struct octets dnskey_rdata)
{
    struct ds ds;
    size_t count;
    const struct digest *digests = digest_table(&count);
    if (ds_read(ds_rdata, &ds) != OK)
        return false;
    for (size_t i = 0; i < count; i++)
        if (digests[i].number == ds.digest_type && digests[i].compute != NULL)
            return ds_matches(&digests[i], &ds, owner, dnskey_rdata);
    return false;
}
