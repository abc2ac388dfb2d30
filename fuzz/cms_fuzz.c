/* Any octets as the signature of root-anchors.xml, and as the bundle beside it: never a crash, never genuine, and the
 * fault is a printable sentence. */
#include <assert.h>
#include <string.h>

#include "crypto/cms.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t content[] = "<TrustAnchor/>";
    struct cms_verdict verdict;
    struct cms_question question = {
        .content = { content, sizeof(content) },
        .signature = { data, size },
        .bundle = { data, size },
        .pins = cms_icann_pins,
        .pin_count = cms_icann_pin_count,
        .signer = "dnssec@iana.org",
        .now_s = 1800000000,
    };
    bool is_good = cms_verify(&question, &verdict);
    assert(!is_good); /* it would have to be ICANN's, of this very content */
    assert(verdict.fault[0] != '\0' && strlen(verdict.fault) < sizeof(verdict.fault));
    for (const char *at = verdict.fault; *at != '\0'; at++)
        assert(*at >= 0x20 && *at <= 0x7e);
    return 0;
}
