/* Any octets as root-anchors.xml: never a crash, a fault is a sentence, and what was taken can be a trust anchor. */
#include <assert.h>

#include "trust/root_anchors.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_new();
    struct trust *trust = trust_new();
    struct root_anchors anchors;
    char fault[ROOT_ANCHORS_FAULT_OCTETS_MAX];
    enum err err = root_anchors_read(arena, (struct octets) { data, size }, &anchors, fault);
    assert((err == OK) == (fault[0] == '\0'));
    for (size_t i = 0; err == OK && i < anchors.count; i++) {
        const struct key_digest *item = &anchors.items[i];
        struct anchor anchor = key_digest_anchor(item);
        assert(item->valid_from_s <= item->valid_until_s);
        assert(key_digest_is_of(item, anchor.type, anchor.rdata) && key_digest_is_of(item, TYPE_DS, item->ds));
        err = trust_add_anchor(trust, &anchor);
        assert(err == OK);
    }
    trust_free(trust);
    arena_free(arena);
    return 0;
}
