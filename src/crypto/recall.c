#include "crypto/recall.h"

#include "base/err.h"
#include "crypto/digest.h"

void fingerprint_of_check(uint8_t algorithm, struct octets public_key, struct octets signature, struct octets data,
                          uint8_t fingerprint[FINGERPRINT_OCTETS])
{
    const uint8_t lengths[] = { algorithm, (uint8_t)(public_key.len >> 8), (uint8_t)public_key.len,
                                (uint8_t)(signature.len >> 8), (uint8_t)signature.len };
    const struct octets parts[] = { { lengths, sizeof(lengths) }, public_key, signature, data };
    hash_compute_parts(HASH_SHA256, parts, ARRAY_LEN(parts), fingerprint);
}

static uint8_t (*set_of(struct recall *recall, const uint8_t *fingerprint))[FINGERPRINT_OCTETS]
{
    return recall->sets[(fingerprint[0] << 8 | fingerprint[1]) % RECALL_SETS];
}

/* Before those that stand ahead of it. */
static void put_first(uint8_t (*set)[FINGERPRINT_OCTETS], size_t at, const uint8_t *fingerprint)
{
    memmove(set[1], set[0], at * FINGERPRINT_OCTETS);
    memcpy(set[0], fingerprint, FINGERPRINT_OCTETS);
}

bool recall_has(struct recall *recall, const uint8_t fingerprint[FINGERPRINT_OCTETS])
{
    uint8_t(*set)[FINGERPRINT_OCTETS] = set_of(recall, fingerprint);
    for (size_t i = 0; i < RECALLED_PER_SET; i++) {
        if (memcmp(set[i], fingerprint, FINGERPRINT_OCTETS) == 0) {
            put_first(set, i, fingerprint);
            return true;
        }
    }
    return false;
}

void recall_put(struct recall *recall, const uint8_t fingerprint[FINGERPRINT_OCTETS])
{
    put_first(set_of(recall, fingerprint), RECALLED_PER_SET - 1, fingerprint);
}
