/* A message that was read can be written, and what was written reads as the same message. */
#include <assert.h>

#include "message/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Expanded names may make a message longer than it was: room for any that read at all. */
static uint8_t buffers[2][1 << 21];

/* False if a record's RDATA became too long by expanding its names. */
static bool write_message(uint8_t *buffer, size_t size, const struct message *message, struct octets *octets)
{
    struct message_writer m;
    message_begin(&m, buffer, size, &message->header);
    if (message->has_question)
        message_put_question(&m, &message->question);
    for (enum section section = SECTION_ANSWER; section < SECTIONS; section++)
        for (uint16_t i = 0; i < message->sections[section].count; i++) {
            const struct rrset *rrset = message->sections[section].items[i];
            if (!message_put_rrset(&m, section, rrset, rrset->ttl_s, true))
                return false;
        }
    if (message->edns.present && !message_put_edns(&m, &message->edns))
        return false;
    *octets = message_end(&m);
    return true;
}

static void assert_octets_arrays_equal(const struct octets *a, const struct octets *b, uint16_t count)
{
    for (uint16_t i = 0; i < count; i++)
        assert(octets_equal(a[i], b[i]));
}

static void assert_same_rrset(const struct rrset *a, const struct rrset *b)
{
    assert(dname_same_case(a->owner, b->owner));
    assert(a->type == b->type && a->class == b->class && a->ttl_s == b->ttl_s);
    assert(a->count == b->count && a->sig_count == b->sig_count);
    assert_octets_arrays_equal(a->rdata, b->rdata, a->count);
    assert_octets_arrays_equal(a->sigs, b->sigs, a->sig_count);
}

static void assert_same_message(const struct message *a, const struct message *b)
{
    assert(a->header.id == b->header.id && a->rcode == b->rcode);
    assert(a->has_question == b->has_question);
    assert(!a->has_question || dname_same_case(&a->question.qname, &b->question.qname));
    assert(a->edns.present == b->edns.present && a->edns.option_count == b->edns.option_count);
    for (enum section section = SECTION_ANSWER; section < SECTIONS; section++) {
        assert(a->sections[section].count == b->sections[section].count);
        for (uint16_t i = 0; i < a->sections[section].count; i++)
            assert_same_rrset(a->sections[section].items[i], b->sections[section].items[i]);
    }
}

static void check(const struct message *message, struct arena *arena)
{
    struct octets written, written_again;
    if (!write_message(buffers[0], sizeof(buffers[0]), message, &written))
        return;
    struct message again;
    enum err err = message_read(written, arena, &again);
    assert(err == OK);
    assert_same_message(message, &again);
    bool fits = write_message(buffers[1], sizeof(buffers[1]), &again, &written_again);
    assert(fits && octets_equal(written, written_again));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_new();
    struct message message;
    if (message_read((struct octets) { data, size }, arena, &message) == OK) {
        assert(strlen(message_to_text(arena, &message)) > 0);
        check(&message, arena);
    }
    arena_free(arena);
    return 0;
}
