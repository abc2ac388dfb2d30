#include <assert.h>

#include "trust/trust.h"

/* The root's key signing keys and the beginning of their validity as IANA publishes them in root-anchors.xml (RFC 9718
 * section 2.1).  KSK-2010 (tag 19036) ended on 2019-01-11. */
static const struct {
    int64_t valid_from_s;
    const char *dnskey;
} root_keys[] = {
    { INT64_C(1485993600), /* KSK-2017, tag 20326: 2017-02-02T00:00:00Z */
      "257 3 8 "
      "AwEAAaz/tAm8yTn4Mfeh5eyI96WSVexTBAvkMgJzkKTOiW1vkIbzxeF3+/4RgWOq7HrxRixHlFlExOLAJr5emLvN7SWXgnLh"
      "4+B5xQlNVz8Og8kvArMtNROxVQuCaSnIDdD5LKyWbRd2n9WGe2R8PzgCmr3EgVLrjyBxWezF0jLHwVN8efS3rCj/EWgvIWgb"
      "9tarpVUDK/b58Da+sqqls3eNbuv7pr+eoZG+SrDK6nWeL3c6H5Apxz7LjVc1uTIdsIXxuOLYA4/ilBmSVIzuDWfdRUfhHdY6"
      "+cn8HFRm+2hM8AnXGXws9555KrUB5qihylGa8subX2Nn6UwNR1AkUTV74bU=" },
    { INT64_C(1721260800), /* KSK-2024, tag 38696: 2024-07-18T00:00:00Z */
      "257 3 8 "
      "AwEAAa96jeuknZlaeSrvyAJj6ZHv28hhOKkx3rLGXVaC6rXTsDc449/cidltpkyGwCJNnOAlFNKF2jBosZBU5eeHspaQWOmO"
      "ElZsjICMQMC3aeHbGiShvZsx4wMYSjH8e7Vrhbu6irwCzVBApESjbUdpWWmEnhathWu1jo+siFUiRAAxm9qyJNg/wOZqqzL/"
      "dL/q8PkcRU5oUKEpUge71M3ej2/7CPqpdVwuMoTvoB+ZOT4YeGyxMvHmbrxlFzGOHOijtzN+u1TQNatX2XBuzZNQ1K+s2CXk"
      "PIZo7s6JgZyvaBevYtxPvYLw4z9mR7K2vaF18UYH9Z9GNUUeayffKC73PYc=" },
};

void trust_add_built_in(struct trust *trust)
{
    struct arena *arena = arena_new();
    for (size_t i = 0; i < ARRAY_LEN(root_keys); i++) {
        struct anchor anchor = {
            .zone = *dname_root(),
            .type = TYPE_DNSKEY,
            .source = ANCHOR_BUILT_IN,
            .valid_from_s = root_keys[i].valid_from_s,
            .valid_until_s = INT64_MAX,
        };
        enum err err = rdata_from_text(arena, TYPE_DNSKEY, root_keys[i].dnskey, NULL, &anchor.rdata);
        if (err == OK)
            err = trust_add_anchor(trust, &anchor);
        assert(err == OK); /* the table above is good */
        (void)err;
    }
    arena_free(arena);
}
