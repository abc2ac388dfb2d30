#include "message/rrset.h"

#include <stdlib.h>

#include "message/text.h"

static const struct octets *octets_array_copy(struct arena *arena, const struct octets *from, uint16_t count)
{
    struct octets *copy = ARENA_ARRAY(arena, count, struct octets);
    for (uint16_t i = 0; i < count; i++)
        copy[i] = octets_copy(arena, from[i]);
    return copy;
}

struct rrset *rrset_copy(struct arena *arena, const struct rrset *rrset)
{
    struct rrset *copy = arena_copy(arena, rrset, sizeof(*rrset));
    copy->owner = dname_copy(arena, rrset->owner);
    copy->rdata = octets_array_copy(arena, rrset->rdata, rrset->count);
    copy->sigs = octets_array_copy(arena, rrset->sigs, rrset->sig_count);
    return copy;
}

struct rrset *rrset_list_find(const struct rrset_list *list, const struct dname *owner, uint16_t type)
{
    for (uint16_t i = 0; i < list->count; i++)
        if (list->items[i]->type == type && dname_equal(list->items[i]->owner, owner))
            return list->items[i];
    return NULL;
}

static void put_records(struct text *text, const struct rrset *rrset, uint16_t type, uint32_t ttl_s,
                        const struct octets *rdata, uint16_t count)
{
    char owner[DNAME_TEXT_MAX], class_text[RR_TYPE_TEXT_MAX], type_text[RR_TYPE_TEXT_MAX];
    dname_to_text(rrset->owner, owner);
    rr_class_to_text(rrset->class, class_text);
    rr_type_to_text(type, type_text);
    for (uint16_t i = 0; i < count; i++)
        text_printf(text, "%s\t%u\t%s\t%s\t%s\n", owner, ttl_s, class_text, type_text,
                    rdata_to_text(text->arena, type, rdata[i]));
}

char *rrset_to_text(struct arena *arena, const struct rrset *rrset)
{
    struct text text = text_new(arena);
    put_records(&text, rrset, rrset->type, rrset->ttl_s, rrset->rdata, rrset->count);
    put_records(&text, rrset, TYPE_RRSIG, rrset->sig_ttl_s, rrset->sigs, rrset->sig_count);
    return text.data;
}

static int compare_octets(const void *a, const void *b)
{
    return octets_compare(*(const struct octets *)a, *(const struct octets *)b);
}

/* Canonical form changes letter case only: the length stays (RFC 4034 section 6.2). */
static struct octets canonical_rdata(struct arena *arena, uint16_t type, struct octets rdata)
{
    struct writer w = writer_of(arena_alloc(arena, rdata.len), rdata.len);
    rdata_write_canonical(&w, type, rdata);
    return writer_octets(&w);
}

const struct octets *rrset_canonical_rdata(struct arena *arena, const struct rrset *rrset, uint16_t *count)
{
    struct octets *sorted = ARENA_ARRAY(arena, rrset->count, struct octets);
    for (uint16_t i = 0; i < rrset->count; i++)
        sorted[i] = canonical_rdata(arena, rrset->type, rrset->rdata[i]);
    qsort(sorted, rrset->count, sizeof(*sorted), compare_octets);
    *count = 0;
    for (uint16_t i = 0; i < rrset->count; i++)
        if (*count == 0 || !octets_equal(sorted[i], sorted[*count - 1]))
            sorted[(*count)++] = sorted[i];
    return sorted;
}
