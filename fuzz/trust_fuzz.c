/* Any text as trust anchors: never a crash, an error has a sentence, and what was taken has the properties that the
 * validator counts on and is the same when printed and read again. */
#include <assert.h>
#include <stdlib.h>

#include "message/rdata.h"
#include "trust/trust.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void add_printed(struct trust *again, const struct anchor *anchor)
{
    struct arena *arena = arena_new();
    char owner[DNAME_TEXT_MAX], *error;
    const char *line =
        arena_printf(arena, "%s IN %s %s\n", dname_to_text(&anchor->zone, owner),
                     anchor->type == TYPE_DS ? "DS" : "DNSKEY", rdata_to_text(arena, anchor->type, anchor->rdata));
    size_t added;
    enum err err = trust_add_text(again, line, strlen(line), anchor->source, &added, &error);
    assert(err == OK && added == 1 && error == NULL);
    (void)err;
    arena_free(arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct trust *trust = trust_new(), *again = trust_new();
    struct now now = { .wall_ms = 0 };
    char *error;
    size_t added, count;
    enum err err = trust_add_text(trust, (const char *)data, size, ANCHOR_FILE, &added, &error);
    assert((err == OK) == (error == NULL));
    (void)err;
    const struct anchor *anchors = trust_anchors(trust, &count);
    assert(count == added);
    for (size_t i = 0; i < count; i++) {
        const struct anchor *found[1];
        struct dname zone;
        assert(i == 0 || dname_compare(&anchors[i - 1].zone, &anchors[i].zone) <= 0);
        assert(trust_covers(trust, &anchors[i].zone, now, &zone) == COVERAGE_ANCHOR);
        assert(dname_equal(&zone, &anchors[i].zone));
        assert(trust_anchors_at(trust, &zone, now, found, 1) == 1);
        add_printed(again, &anchors[i]);
    }
    assert(trust_fingerprint(again) == trust_fingerprint(trust));
    trust_free(again);
    trust_free(trust);
    free(error);
    return 0;
}
