/* A message that was read can be written, and what was written reads as the same message: names that stand in
 * the question take its letter case (they are pointers to it), all else is as it was.  Written once more
 * nothing changes at all. */
#include <assert.h>

#include "message/message.h"
#include "message/testing.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Expanded names may make a message longer than it was: room for any that read at all. */
static uint8_t buffers[3][1 << 21];

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
            if (!put_signed(&m, section, rrset, rrset->ttl_s))
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

static void assert_same_but_for_case(const struct rrset *a, const struct rrset *b)
{
    assert(a->type == TYPE_RRSIG || rrset_equal(a, b));
    assert(a->type == b->type && a->ttl_s == b->ttl_s && a->sig_count == b->sig_count);
    assert_octets_arrays_equal(a->sigs, b->sigs, a->sig_count);
}

static void assert_same(const struct rrset *a, const struct rrset *b)
{
    assert_same_but_for_case(a, b);
    assert(dname_same_case(a->owner, b->owner) && a->class == b->class && a->count == b->count);
    assert_octets_arrays_equal(a->rdata, b->rdata, a->count);
}

static void compare(const struct message *a, const struct message *b,
                    void (*compare_rrsets)(const struct rrset *a, const struct rrset *b))
{
    assert(a->header.id == b->header.id && a->rcode == b->rcode);
    assert(a->has_question == b->has_question);
    assert(!a->has_question || dname_same_case(&a->question.qname, &b->question.qname));
    assert(a->edns.present == b->edns.present && a->edns.option_count == b->edns.option_count);
    for (enum section section = SECTION_ANSWER; section < SECTIONS; section++) {
        assert(a->sections[section].count == b->sections[section].count);
        for (uint16_t i = 0; i < a->sections[section].count; i++)
            compare_rrsets(a->sections[section].items[i], b->sections[section].items[i]);
    }
}

static void check(const struct message *message, struct arena *arena)
{
    struct octets written[3];
    const struct message *last = message;
    for (size_t i = 0; i < ARRAY_LEN(written); i++) {
        struct message *again = ARENA_NEW(arena, struct message);
        if (!write_message(buffers[i], sizeof(buffers[i]), last, &written[i])) {
            assert(i == 0);
            return;
        }
        enum err err = message_read(written[i], arena, again);
        assert(err == OK);
        compare(last, again, i == 0 && message->has_question ? assert_same_but_for_case : assert_same);
        last = again;
    }
    assert(octets_equal(written[1], written[2]));
    assert(message->has_question || octets_equal(written[0], written[1]));
}

/* What is well-formed reads the same as a reply; of what is not, spoilt RRsets hold nothing, or are not there. */
static void check_reply(struct octets octets, const struct message *strict, struct arena *arena)
{
    struct message reply, records;
    enum err err = message_read_reply(octets, arena, &reply),
             records_err = message_read_reply_records(octets, arena, &records);
    assert(strict == NULL || (err == OK && records_err == OK));
    if (strict != NULL) {
        compare(strict, &reply, assert_same);
        compare(strict, &records, assert_same);
    }
    for (enum section section = SECTION_ANSWER; records_err == OK && section < SECTIONS; section++)
        for (uint16_t i = 0; i < records.sections[section].count; i++)
            assert(records.sections[section].items[i]->count > 0);
    if (err != OK)
        return;
    for (enum section section = SECTION_ANSWER; section < SECTIONS; section++)
        for (uint16_t i = 0; i < reply.sections[section].count; i++) {
            const struct rrset *set = reply.sections[section].items[i];
            assert(set->count > 0 || set->sig_count == 0);
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_new();
    struct octets octets = { data, size };
    struct message message;
    bool is_strict = message_read(octets, arena, &message) == OK;
    if (is_strict) {
        assert(strlen(message_to_text(arena, &message)) > 0);
        check(&message, arena);
    }
    check_reply(octets, is_strict ? &message : NULL, arena);
    arena_free(arena);
    return 0;
}
