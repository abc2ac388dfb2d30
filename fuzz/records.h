/* For targets whose input is a text in master format: its records as RRsets with their signatures. */
#ifndef FUZZ_RECORDS_H
#define FUZZ_RECORDS_H

#include "message/master.h"

enum { RECORDS_SETS_MAX = 64, RECORDS_PER_SET_MAX = 32 };

static inline struct rrset *records_set(struct arena *arena, struct rrset_list *list, const struct dname *owner,
                                        uint16_t type)
{
    struct rrset *set = rrset_list_find(list, owner, type);
    if (set != NULL || list->count == RECORDS_SETS_MAX)
        return set;
    set = ARENA_NEW(arena, struct rrset);
    *set = (struct rrset) {
        .owner = dname_copy(arena, owner),
        .type = type,
        .class = CLASS_IN,
        .ttl_s = 3600,
        .rdata = ARENA_ARRAY(arena, RECORDS_PER_SET_MAX, struct octets),
        .sigs = ARENA_ARRAY(arena, RECORDS_PER_SET_MAX, struct octets),
    };
    return list->items[list->count++] = set;
}

/* As a set holds it: without duplicates. */
static inline void records_add(struct arena *arena, const struct octets *items, uint16_t *count, struct octets rdata)
{
    for (uint16_t i = 0; i < *count; i++)
        if (octets_equal(items[i], rdata))
            return;
    if (*count < RECORDS_PER_SET_MAX)
        ((struct octets *)(uintptr_t)items)[(*count)++] = octets_copy(arena, rdata);
}

/* Bad lines are passed over; an RRSIG goes to the RRset that it covers, there or not yet there. */
static inline struct rrset_list records_read(struct arena *arena, const uint8_t *data, size_t size)
{
    struct rrset_list list = { ARENA_ARRAY(arena, RECORDS_SETS_MAX, struct rrset *), 0 };
    struct master *master = master_new((const char *)data, size, NULL);
    struct master_record record;
    enum err err;
    while ((err = master_next(master, &record)) != ERR_NOT_FOUND) {
        struct rrsig sig;
        bool is_sig = err == OK && record.type == TYPE_RRSIG && rrsig_read(record.rdata, &sig) == OK;
        struct rrset *set =
            err == OK ? records_set(arena, &list, &record.owner, is_sig ? sig.type_covered : record.type) : NULL;
        if (set == NULL)
            continue;
        if (is_sig)
            records_add(arena, set->sigs, &set->sig_count, record.rdata);
        else
            records_add(arena, set->rdata, &set->count, record.rdata);
    }
    master_free(master);
    return list;
}

#endif
