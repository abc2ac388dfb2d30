/* Any text can be read to its end, and a record that was read reads the same from its text form. */
#include <assert.h>

#include "message/master.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *record_to_text(struct arena *arena, const struct master_record *record)
{
    char owner[DNAME_TEXT_MAX], class_text[RR_TYPE_TEXT_MAX], type_text[RR_TYPE_TEXT_MAX];
    return arena_printf(arena, "%s %u %s %s %s", dname_to_text(&record->owner, owner), record->ttl_s,
                        rr_class_to_text(record->class, class_text), rr_type_to_text(record->type, type_text),
                        rdata_to_text(arena, record->type, record->rdata));
}

static void check(const struct master_record *record, struct arena *arena)
{
    assert(rdata_is_valid(record->type, record->rdata));
    const char *text = record_to_text(arena, record);
    struct master *master = master_new(text, strlen(text), NULL);
    struct master_record again;
    enum err err = master_next(master, &again);
    assert(err == OK);
    assert(dname_same_case(&again.owner, &record->owner));
    assert(again.type == record->type && again.class == record->class && again.ttl_s == record->ttl_s);
    assert(octets_equal(again.rdata, record->rdata));
    assert(master_next(master, &again) == ERR_NOT_FOUND);
    master_free(master);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_new();
    struct master *master = master_new((const char *)data, size, NULL);
    struct master_record record;
    for (enum err err; (err = master_next(master, &record)) != ERR_NOT_FOUND;) {
        if (err == OK)
            check(&record, arena);
        else
            assert(strlen(master_error(master)) > 0);
        arena_reset(arena);
    }
    master_free(master);
    arena_free(arena);
    return 0;
}
