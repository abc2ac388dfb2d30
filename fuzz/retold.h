/* The same RRsets as another server would send them: through a message whose records are shuffled, some of them
 * doubled, owners in any letter case, names compressed.  Nothing of that may matter to who validates (RFC 4034 section
 * 6, RFC 2181 section 5, RFC 4343). */
#ifndef FUZZ_RETOLD_H
#define FUZZ_RETOLD_H

#include "base/random.h"
#include "message/message.h"

enum { RETOLD_OCTETS_MAX = MESSAGE_OCTETS_MAX, RETOLD_RECORDS_MAX = 256 };

struct retold_record {
    const struct rrset *rrset;
    struct octets rdata;
    uint16_t type; /* of the set, or RRSIG */
};

static inline uint16_t retold_gather(const struct rrset_list *sets, struct retold_record *records)
{
    uint16_t count = 0;
    for (uint16_t i = 0; i < sets->count; i++) {
        const struct rrset *set = sets->items[i];
        if (set->count + set->sig_count + count > RETOLD_RECORDS_MAX)
            return 0;
        for (uint16_t n = 0; n < set->count; n++)
            records[count++] = (struct retold_record) { set, set->rdata[n], set->type };
        for (uint16_t n = 0; n < set->sig_count; n++)
            records[count++] = (struct retold_record) { set, set->sigs[n], TYPE_RRSIG };
    }
    return count;
}

static inline void shuffle_case(struct random *random, struct dname *name)
{
    for (uint8_t at = 0; at < name->len; at += 1 + name->octets[at])
        for (uint8_t i = 1; i <= name->octets[at]; i++)
            if (((name->octets[at + i] | 0x20) >= 'a' && (name->octets[at + i] | 0x20) <= 'z') &&
                random_below(random, 2))
                name->octets[at + i] ^= 0x20;
}

static inline bool retold_put(struct random *random, struct message_writer *m, const struct retold_record *record)
{
    struct dname owner = *record->rrset->owner;
    struct rrset one = {
        .owner = &owner, .type = record->type, .class = CLASS_IN, .count = 1, .rdata = &record->rdata
    };
    shuffle_case(random, &owner);
    return message_put_rrset(m, SECTION_ANSWER, &one, record->rrset->ttl_s);
}

/* false: it does not fit into a message. */
static inline bool retold_message(struct random *random, struct arena *arena, const struct rrset_list *sets,
                                  struct message *message)
{
    static uint8_t buffer[RETOLD_OCTETS_MAX];
    static const struct header header = { .qr = true };
    struct retold_record records[RETOLD_RECORDS_MAX];
    uint16_t count = retold_gather(sets, records);
    struct message_writer m;
    message_begin(&m, buffer, sizeof(buffer), &header);
    for (uint16_t i = count; i > 0; i--) {
        uint16_t at = (uint16_t)random_below(random, i);
        struct retold_record record = records[at];
        records[at] = records[i - 1];
        if (!retold_put(random, &m, &record) || (random_below(random, 8) == 0 && !retold_put(random, &m, &record)))
            return false;
    }
    return count > 0 && message_read(message_end(&m), arena, message) == OK;
}

/* The sets in another order, out of that message.  Those that have signatures alone stay as they are.  false: as
 * above. */
static inline bool sets_retell(struct random *random, struct arena *arena, const struct rrset_list *sets,
                               struct rrset_list *retold)
{
    struct message message;
    if (!retold_message(random, arena, sets, &message))
        return false;
    *retold = (struct rrset_list) { ARENA_ARRAY(arena, sets->count, struct rrset *), sets->count };
    for (uint16_t i = 0; i < sets->count; i++) {
        const struct rrset *set = sets->items[i];
        uint16_t at = (uint16_t)random_below(random, i + 1);
        struct rrset *found = rrset_list_find(&message.sections[SECTION_ANSWER], set->owner, set->type);
        if (set->count > 0 && found == NULL)
            return false;
        retold->items[i] = retold->items[at];
        retold->items[at] = set->count > 0 ? found : sets->items[i];
    }
    return true;
}

#endif
