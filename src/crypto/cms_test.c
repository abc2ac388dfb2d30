/* Signatures of root-anchors.xml (D5-init, RFC 9718 section 3), made here by authorities of the test's own: one good
 * message, and what is wrong with it one at a time. */
#include "crypto/cms.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/cms.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

enum { DAY_S = 86400, YEAR_S = 365 * DAY_S, NOW_S = 1800000000, MESSAGE_OCTETS_MAX = 16 << 10 };

#define SIGNER  "dnssec@iana.org"
#define CONTENT "<TrustAnchor/>"

struct party {
    EVP_PKEY *key;
    X509 *certificate;
};

/* How the message is made, and what the question about it is; zeros are good. */
struct flaw {
    const char *what, *fault; /* part of the sentence; NULL: it is good */
    const char *email;
    int64_t begins_s, ends_s; /* of the signer's certificate, from now; 0: a year before, a year after */
    unsigned rsa_bits;        /* of the signer's key; 0: P-256 */
    bool is_short_of_usage;   /* a certificate for web servers */
    bool lacks_intermediate, has_stranger_as_authority, has_no_bundle, is_attached, has_two_signers;
    bool is_sha1, lacks_time;
    const char *content; /* that the question is about */
    bool is_cut, has_junk_behind;
    bool is_about_time;
};

static const struct flaw flaws[] = {
    { .what = "nothing" },
    { "another document", "does not match the document", .content = "<TrustAnchor></TrustAnchor>" },
    { "another signer", "not that of dnssec@iana.org", .email = "somebody@iana.org" },
    { "a certificate of yesterday", "expired", .ends_s = -DAY_S, .is_about_time = true },
    { "a certificate of tomorrow", "not yet valid", .begins_s = DAY_S, .is_about_time = true },
    { "a weak key", "too weak", .rsa_bits = 1024 },
    { "a key for web servers", "its certificates", .is_short_of_usage = true },
    { "no intermediate", "its certificates", .lacks_intermediate = true },
    { "an authority that is not pinned", "no pinned certification authority", .has_stranger_as_authority = true },
    { "no authority at hand", "no pinned certification authority", .has_no_bundle = true },
    { "the document inside", "not a detached", .is_attached = true },
    { "two signers", "exactly one signer", .has_two_signers = true },
    { "SHA-1", "weaker than SHA-256", .is_sha1 = true },
    { "no signing time", "when it was signed", .lacks_time = true },
    { "half of it", "not a CMS message", .is_cut = true },
    { "something behind it", "not a CMS message", .has_junk_behind = true },
};

static EVP_PKEY *make_key(unsigned rsa_bits)
{
    EVP_PKEY *key = rsa_bits == 0 ? EVP_EC_gen("P-256") : EVP_RSA_gen(rsa_bits);
    assert_non_null(key);
    return key;
}

static void add_extension(X509 *certificate, int nid, const char *value)
{
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
    assert_int_equal(X509_add_ext(certificate, extension, -1), 1);
    X509_EXTENSION_free(extension);
}

/* issuer NULL: itself. */
static struct party make_party(const char *name, const struct party *issuer, const struct flaw *of_signer)
{
    static long serial = 1;
    bool is_signer = of_signer != NULL;
    int64_t begins_s = is_signer && of_signer->begins_s != 0 ? of_signer->begins_s : -YEAR_S;
    int64_t ends_s = is_signer && of_signer->ends_s != 0 ? of_signer->ends_s : YEAR_S;
    struct party party = { make_key(is_signer ? of_signer->rsa_bits : 0), X509_new() };
    X509_NAME *subject = X509_get_subject_name(party.certificate);
    X509_set_version(party.certificate, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(party.certificate), serial++);
    ASN1_TIME_set(X509_getm_notBefore(party.certificate), (time_t)(NOW_S + begins_s));
    ASN1_TIME_set(X509_getm_notAfter(party.certificate), (time_t)(NOW_S + ends_s));
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const unsigned char *)name, -1, -1, 0);
    if (is_signer)
        X509_NAME_add_entry_by_txt(subject, "emailAddress", MBSTRING_ASC,
                                   (const unsigned char *)(of_signer->email == NULL ? SIGNER : of_signer->email), -1,
                                   -1, 0);
    X509_set_issuer_name(party.certificate, issuer == NULL ? subject : X509_get_subject_name(issuer->certificate));
    X509_set_pubkey(party.certificate, party.key);
    add_extension(party.certificate, NID_basic_constraints, is_signer ? "critical,CA:FALSE" : "critical,CA:TRUE");
    if (is_signer)
        add_extension(party.certificate, NID_ext_key_usage,
                      of_signer->is_short_of_usage ? "serverAuth" : "emailProtection");
    assert_true(X509_sign(party.certificate, issuer == NULL ? party.key : issuer->key, EVP_sha256()) > 0);
    return party;
}

static void party_clear(struct party *party)
{
    EVP_PKEY_free(party->key);
    X509_free(party->certificate);
}

static void add_signer(CMS_ContentInfo *message, const struct party *signer, const struct flaw *flaw)
{
    unsigned flags = CMS_BINARY | CMS_PARTIAL | (flaw->lacks_time ? CMS_NOATTR : 0);
    CMS_SignerInfo *info =
        CMS_add1_signer(message, signer->certificate, signer->key, flaw->is_sha1 ? EVP_sha1() : EVP_sha256(), flags);
    assert_non_null(info);
    if (flaw->lacks_time)
        return;
    ASN1_TIME *time = ASN1_TIME_set(NULL, NOW_S - DAY_S);
    assert_int_equal(CMS_signed_add1_attr_by_NID(info, NID_pkcs9_signingTime, time->type, time, -1), 1);
    ASN1_TIME_free(time);
}

/* Number of octets written. */
static size_t make_message(const struct flaw *flaw, const struct party *signer, const struct party *intermediate,
                           uint8_t to[MESSAGE_OCTETS_MAX])
{
    unsigned flags = CMS_BINARY | CMS_PARTIAL | (flaw->is_attached ? 0 : CMS_DETACHED);
    CMS_ContentInfo *message = CMS_sign(NULL, NULL, NULL, NULL, flags);
    BIO *content = BIO_new_mem_buf(CONTENT, -1);
    add_signer(message, signer, flaw);
    if (flaw->has_two_signers)
        add_signer(message, intermediate, flaw);
    if (!flaw->lacks_intermediate && !flaw->has_two_signers) /* the second one is there already */
        assert_int_equal(CMS_add1_cert(message, intermediate->certificate), 1);
    assert_int_equal(CMS_final(message, content, NULL, flags), 1);
    uint8_t *at = to;
    int len = i2d_CMS_ContentInfo(message, NULL);
    assert_true(len > 0 && len < MESSAGE_OCTETS_MAX);
    assert_int_equal(i2d_CMS_ContentInfo(message, &at), len);
    BIO_free(content);
    CMS_ContentInfo_free(message);
    return (size_t)len;
}

static struct cms_pin pin_of(const struct party *party)
{
    struct cms_pin pin;
    unsigned len;
    assert_int_equal(X509_digest(party->certificate, EVP_sha256(), pin.sha256, &len), 1);
    return pin;
}

static void judge(const struct flaw *flaw, struct cms_verdict *verdict, bool *is_good)
{
    static const char stranger_name[] = "stranger";
    uint8_t message[MESSAGE_OCTETS_MAX];
    struct party root = make_party("root", NULL, NULL), intermediate = make_party("intermediate", &root, NULL);
    struct party signer = make_party("signer", &intermediate, flaw), stranger = make_party(stranger_name, NULL, NULL);
    struct cms_pin pin = pin_of(flaw->has_stranger_as_authority ? &stranger : &root);
    const char *document = flaw->content == NULL ? CONTENT : flaw->content;
    size_t len = make_message(flaw, &signer, &intermediate, message);
    BIO *bundle = BIO_new(BIO_s_mem());
    char *pem;
    PEM_write_bio_X509(bundle, root.certificate);
    size_t pem_len = (size_t)BIO_get_mem_data(bundle, &pem);
    message[len] = 0;
    struct cms_question question = {
        .content = { (const uint8_t *)document, strlen(document) },
        .signature = { message, flaw->is_cut ? len / 2 : len + flaw->has_junk_behind },
        .bundle = { (const uint8_t *)pem, flaw->has_no_bundle ? 0 : pem_len },
        .pins = &pin,
        .pin_count = 1,
        .signer = SIGNER,
        .now_s = NOW_S,
    };
    *is_good = cms_verify(&question, verdict);
    BIO_free(bundle);
    party_clear(&root);
    party_clear(&intermediate);
    party_clear(&signer);
    party_clear(&stranger);
}

static void messages_are_judged(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(flaws); i++) {
        struct cms_verdict verdict;
        bool is_good, is_expected = flaws[i].fault == NULL;
        judge(&flaws[i], &verdict, &is_good);
        if (is_good != is_expected || is_good != (verdict.fault[0] == '\0') ||
            (!is_expected && strstr(verdict.fault, flaws[i].fault) == NULL) ||
            verdict.is_about_time != flaws[i].is_about_time)
            fail_msg("%s: %s", flaws[i].what, verdict.fault);
        if (is_good)
            assert_int_equal(verdict.signed_s, NOW_S - DAY_S);
        if (is_good)
            assert_int_equal(verdict.authority_ends_s, NOW_S + YEAR_S);
        assert_int_equal(ERR_peek_error(), 0);
    }
}

/* What the network may send in place of it. */
static void rubbish_is_refused(void **state)
{
    (void)state;
    static const uint8_t rubbish[] = { 0x30, 0x80, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7 };
    static uint8_t large[CMS_OCTETS_MAX + 1];
    const struct octets signatures[] = { { NULL, 0 }, { rubbish, sizeof(rubbish) }, { large, sizeof(large) } };
    for (size_t i = 0; i < ARRAY_LEN(signatures); i++) {
        struct cms_verdict verdict;
        struct cms_question question = {
            .content = { rubbish, sizeof(rubbish) },
            .signature = signatures[i],
            .pins = cms_icann_pins,
            .pin_count = cms_icann_pin_count,
            .signer = SIGNER,
            .now_s = NOW_S,
        };
        assert_false(cms_verify(&question, &verdict));
        assert_true(verdict.fault[0] != '\0');
        assert_false(verdict.is_about_time);
    }
}

static void pins_have_two_forms(void **state)
{
    (void)state;
    static const char plain[] = "aee89906d7cc60c5e151f3bb923abf8a1b28dc855d5e2127cb524ead4aad603d";
    static const char *const bad[] = { "", "ae", "zz", "aee8:", "ae:e8:99:06:d7:cc:60:c5:e1:51:f3:bb:92:3a:bf:8a" };
    struct cms_pin pin, other;
    char with_colons[3 * 32] = "", longer[70];
    for (size_t i = 0; i < 32; i++)
        snprintf(with_colons + strlen(with_colons), 4, "%s%.2s", i == 0 ? "" : ":", plain + 2 * i);
    assert_int_equal(cms_pin_from_text(plain, &pin), OK);
    assert_int_equal(cms_pin_from_text(with_colons, &other), OK);
    assert_memory_equal(&pin, &cms_icann_pins[0], sizeof(pin));
    assert_memory_equal(&pin, &other, sizeof(pin));
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_int_equal(cms_pin_from_text(bad[i], &pin), ERR_FORMAT);
    snprintf(longer, sizeof(longer), "%s00", plain);
    assert_int_equal(cms_pin_from_text(longer, &pin), ERR_FORMAT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_are_judged),
        cmocka_unit_test(rubbish_is_refused),
        cmocka_unit_test(pins_have_two_forms),
    };
    return cmocka_run_group_tests_name("crypto/cms", tests, NULL, NULL);
}
