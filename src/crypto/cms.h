/* Detached CMS signatures (RFC 5652) under certification authorities that are pinned by their fingerprints: how
 * root-anchors.xml is signed (RFC 9718 section 3). */
#ifndef CRYPTO_CMS_H
#define CRYPTO_CMS_H

#include "base/err.h"
#include "base/octets.h"

enum {
    CMS_OCTETS_MAX = 64 << 10, /* ICANN's has about 5 KB; an RSA-4096 chain of four has less than 12 */
    CMS_BUNDLE_OCTETS_MAX = 1 << 18,
    CMS_BUNDLE_CERTIFICATES_MAX = 64, /* ICANN's has fewer than ten */
    CMS_PINS_MAX = 8,
    CMS_FAULT_OCTETS_MAX = 192,
};

struct cms_pin {
    uint8_t sha256[32]; /* of the certificate in DER */
};
/* ICANN Root CA (2009 to 2029) and ICANN Root CA v2 (2025 to 2045). */
extern const struct cms_pin cms_icann_pins[];
extern const size_t cms_icann_pin_count;

/* "AE:E8:99:...", with or without colons. */
MUST_USE enum err cms_pin_from_text(const char *text, struct cms_pin *pin);

struct cms_question {
    struct octets content, signature; /* signature: DER */
    struct octets bundle;             /* PEM: where pinned authorities may be found, beside the signature itself */
    const struct cms_pin *pins;
    size_t pin_count;
    const char *signer; /* e-mail address in the signer's certificate */
    int64_t now_s;      /* at which all certificates must be valid */
};
struct cms_verdict {
    char fault[CMS_FAULT_OCTETS_MAX]; /* printable; empty: good */
    bool is_about_time;               /* the fault is one of validity: another clock could think otherwise */
    int64_t signed_s;                 /* the signer's word for when it signed */
    int64_t authority_ends_s;         /* end of the authority's certificate: a pin that will be needed no more */
};

/* Good: one signer whose certificate has that e-mail address, SHA-256 or better, a chain of certificates for S/MIME
 * from him to a pinned authority, intermediates from the message alone, nothing in it weaker than 112 bits. */
bool cms_verify(const struct cms_question *question, struct cms_verdict *verdict);

#endif
