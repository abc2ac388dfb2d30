#include "crypto/cms.h"

#include <ctype.h>
#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { SECURITY_LEVEL = 2 }; /* SSL_CTX_set_security_level(3): 112 bits, the least that NIST SP 800-57 allows */

const struct cms_pin cms_icann_pins[] = {
    /* C=US, O=ICANN, OU=ICANN Certification Authority, CN=ICANN Root CA: 2009-12-23 to 2029-12-18 */
    { { 0xae, 0xe8, 0x99, 0x06, 0xd7, 0xcc, 0x60, 0xc5, 0xe1, 0x51, 0xf3, 0xbb, 0x92, 0x3a, 0xbf, 0x8a,
        0x1b, 0x28, 0xdc, 0x85, 0x5d, 0x5e, 0x21, 0x27, 0xcb, 0x52, 0x4e, 0xad, 0x4a, 0xad, 0x60, 0x3d } },
    /* …, CN=ICANN Root CA v2: 2025-03-20 to 2045-03-20 */
    { { 0xd8, 0xee, 0xe1, 0xb7, 0x42, 0x08, 0xb8, 0x16, 0x3e, 0x1c, 0x2b, 0x99, 0x0f, 0x82, 0xdd, 0x9f,
        0x75, 0x22, 0x36, 0xba, 0x13, 0x0c, 0x92, 0x93, 0x9e, 0x77, 0x28, 0xea, 0x46, 0x4e, 0xbf, 0xc3 } },
};
const size_t cms_icann_pin_count = ARRAY_LEN(cms_icann_pins);

static int hex_value(char c)
{
    return isdigit((unsigned char)c) ? c - '0' : isxdigit((unsigned char)c) ? tolower((unsigned char)c) - 'a' + 10 : -1;
}

enum err cms_pin_from_text(const char *text, struct cms_pin *pin)
{
    for (size_t i = 0; i < sizeof(pin->sha256); i++) {
        if (i > 0 && *text == ':')
            text++;
        int high = hex_value(text[0]), low = high < 0 ? -1 : hex_value(text[1]);
        if (low < 0)
            return ERR_FORMAT;
        pin->sha256[i] = (uint8_t)(high << 4 | low);
        text += 2;
    }
    return *text == '\0' ? OK : ERR_FORMAT;
}

/* ---- one verification ---- */

struct check {
    const struct cms_question *question;
    struct cms_verdict *verdict;
    CMS_ContentInfo *message;
    X509_STORE *store;
};

static bool refuse(struct check *check, const char *format, ...) PRINTF_LIKE(2, 3);

static bool refuse(struct check *check, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(check->verdict->fault, sizeof(check->verdict->fault), format, arguments);
    va_end(arguments);
    return false;
}

static bool asn1_time_to_unix(const ASN1_TIME *time, int64_t *unix_s)
{
    int days, seconds;
    ASN1_TIME *epoch = ASN1_TIME_set(NULL, 0);
    bool is_good = time != NULL && epoch != NULL && ASN1_TIME_diff(&days, &seconds, epoch, time) == 1;
    ASN1_TIME_free(epoch);
    if (is_good)
        *unix_s = INT64_C(86400) * days + seconds;
    return is_good;
}

/* ---- the pinned authorities ---- */

static bool is_pinned(const struct cms_question *question, const X509 *certificate)
{
    struct cms_pin found;
    unsigned len = 0;
    if (X509_digest(certificate, EVP_sha256(), found.sha256, &len) != 1 || len != sizeof(found.sha256))
        return false;
    for (size_t i = 0; i < question->pin_count; i++)
        if (memcmp(question->pins[i].sha256, found.sha256, len) == 0)
            return true;
    return false;
}

static unsigned take_from_message(struct check *check)
{
    unsigned taken = 0;
    STACK_OF(X509) *certificates = CMS_get1_certs(check->message);
    for (int i = 0; i < sk_X509_num(certificates); i++) /* NULL has -1 */
        if (is_pinned(check->question, sk_X509_value(certificates, i)))
            taken += X509_STORE_add_cert(check->store, sk_X509_value(certificates, i)) == 1;
    sk_X509_pop_free(certificates, X509_free);
    return taken;
}

static int no_password(char *buffer, int size, int is_writing, void *context)
{
    (void)buffer, (void)size, (void)is_writing, (void)context;
    return -1; /* nobody is asked for one */
}

static unsigned take_from_bundle(struct check *check)
{
    unsigned taken = 0;
    struct octets pem = check->question->bundle;
    X509 *certificate;
    BIO *from = pem.len > 0 && pem.len <= CMS_BUNDLE_OCTETS_MAX ? BIO_new_mem_buf(pem.data, (int)pem.len) : NULL;
    for (unsigned i = 0; from != NULL && i < CMS_BUNDLE_CERTIFICATES_MAX; i++) {
        certificate = PEM_read_bio_X509(from, NULL, no_password, NULL);
        if (certificate == NULL)
            break;
        if (is_pinned(check->question, certificate))
            taken += X509_STORE_add_cert(check->store, certificate) == 1;
        X509_free(certificate);
    }
    BIO_free(from);
    return taken;
}

static bool make_store(struct check *check)
{
    check->store = X509_STORE_new();
    X509_VERIFY_PARAM *rules = check->store == NULL ? NULL : X509_STORE_get0_param(check->store);
    if (rules == NULL)
        return refuse(check, "no memory");
    X509_VERIFY_PARAM_set_time(rules, (time_t)check->question->now_s);
    X509_VERIFY_PARAM_set_auth_level(rules, SECURITY_LEVEL);
    X509_VERIFY_PARAM_set_purpose(rules, X509_PURPOSE_SMIME_SIGN);
    if (take_from_message(check) + take_from_bundle(check) == 0)
        return refuse(check, "no pinned certification authority is in the bundle or the signature");
    return true;
}

/* ---- the signer ---- */

static CMS_SignerInfo *only_signer(const struct check *check)
{
    STACK_OF(CMS_SignerInfo) *signers = CMS_get0_SignerInfos(check->message);
    return sk_CMS_SignerInfo_num(signers) == 1 ? sk_CMS_SignerInfo_value(signers, 0) : NULL;
}

static bool digest_is_strong(CMS_SignerInfo *signer)
{
    X509_ALGOR *digest = NULL;
    CMS_SignerInfo_get0_algs(signer, NULL, NULL, &digest, NULL);
    int number = digest == NULL ? NID_undef : OBJ_obj2nid(digest->algorithm);
    return number == NID_sha256 || number == NID_sha384 || number == NID_sha512;
}

static bool is_of(X509 *certificate, const char *email)
{
    bool is_it = false;
    STACK_OF(OPENSSL_STRING) *addresses = X509_get1_email(certificate);
    for (int i = 0; i < sk_OPENSSL_STRING_num(addresses); i++)
        is_it = is_it || strcasecmp(sk_OPENSSL_STRING_value(addresses, i), email) == 0;
    X509_email_free(addresses);
    return is_it;
}

static bool read_signing_time(const CMS_SignerInfo *signer, int64_t *signed_s)
{
    int at = CMS_signed_get_attr_by_NID(signer, NID_pkcs9_signingTime, -1);
    X509_ATTRIBUTE *attribute = at < 0 ? NULL : CMS_signed_get_attr(signer, at);
    const ASN1_TYPE *value = attribute == NULL ? NULL : X509_ATTRIBUTE_get0_type(attribute, 0);
    bool is_time = value != NULL && (value->type == V_ASN1_UTCTIME || value->type == V_ASN1_GENERALIZEDTIME);
    return is_time && asn1_time_to_unix((const ASN1_TIME *)value->value.asn1_string, signed_s);
}

static bool judge_signer(struct check *check, CMS_SignerInfo *signer, X509 *certificate)
{
    if (!is_of(certificate, check->question->signer))
        return refuse(check, "the signer's certificate is not that of %.80s", check->question->signer);
    if (!digest_is_strong(signer))
        return refuse(check, "its digest is weaker than SHA-256");
    if (!read_signing_time(signer, &check->verdict->signed_s))
        return refuse(check, "it does not say when it was signed");
    return true;
}

/* ---- the chain ---- */

static bool is_about_time(int error)
{
    return error == X509_V_ERR_CERT_NOT_YET_VALID || error == X509_V_ERR_CERT_HAS_EXPIRED;
}

/* CMS_verify() would keep the reason to itself. */
static bool judge_chain(struct check *check, X509 *certificate)
{
    STACK_OF(X509) *intermediates = CMS_get1_certs(check->message);
    X509_STORE_CTX *context = X509_STORE_CTX_new();
    bool is_ready = context != NULL && X509_STORE_CTX_init(context, check->store, certificate, intermediates) == 1;
    bool is_good = is_ready && X509_verify_cert(context) == 1;
    if (!is_ready) {
        refuse(check, "no memory");
    } else if (!is_good) {
        int error = X509_STORE_CTX_get_error(context);
        check->verdict->is_about_time = is_about_time(error);
        refuse(check, "its certificates: %s", X509_verify_cert_error_string(error));
    } else {
        STACK_OF(X509) *chain = X509_STORE_CTX_get0_chain(context);
        const X509 *authority = sk_X509_value(chain, sk_X509_num(chain) - 1);
        asn1_time_to_unix(X509_get0_notAfter(authority), &check->verdict->authority_ends_s);
    }
    X509_STORE_CTX_free(context);
    sk_X509_pop_free(intermediates, X509_free);
    return is_good;
}

/* Also finds the signer's certificate, which must be in the message. */
static bool judge_signature(struct check *check)
{
    struct octets document = check->question->content;
    BIO *content = BIO_new_mem_buf(document.data, (int)document.len);
    bool is_good = content != NULL &&
                   CMS_verify(check->message, NULL, NULL, content, NULL, CMS_BINARY | CMS_NO_SIGNER_CERT_VERIFY) == 1;
    BIO_free(content);
    return is_good || refuse(check, "the signature does not match the document");
}

static bool read_message(struct check *check)
{
    const uint8_t *at = check->question->signature.data;
    size_t len = check->question->signature.len;
    if (len == 0 || len > CMS_OCTETS_MAX || check->question->content.len > CMS_BUNDLE_OCTETS_MAX)
        return refuse(check, "too large, or empty");
    check->message = d2i_CMS_ContentInfo(NULL, &at, (long)len);
    if (check->message == NULL || at != check->question->signature.data + len)
        return refuse(check, "not a CMS message in DER");
    if (OBJ_obj2nid(CMS_get0_type(check->message)) != NID_pkcs7_signed || CMS_is_detached(check->message) != 1)
        return refuse(check, "not a detached CMS signature");
    return true;
}

static bool judge(struct check *check)
{
    CMS_SignerInfo *signer = only_signer(check);
    X509 *certificate = NULL;
    if (signer == NULL)
        return refuse(check, "not signed by exactly one signer");
    if (!judge_signature(check))
        return false;
    CMS_SignerInfo_get0_algs(signer, NULL, &certificate, NULL, NULL);
    return judge_signer(check, signer, certificate) && make_store(check) && judge_chain(check, certificate);
}

bool cms_verify(const struct cms_question *question, struct cms_verdict *verdict)
{
    struct check check = { .question = question, .verdict = verdict };
    *verdict = (struct cms_verdict) { .fault = "" };
    bool is_good = read_message(&check) && judge(&check);
    X509_STORE_free(check.store);
    CMS_ContentInfo_free(check.message);
    ERR_clear_error();
    return is_good;
}
