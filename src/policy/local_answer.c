#include "policy/local_answer.h"

#include <stdlib.h>

static void list_of_one(struct arena *arena, struct rrset_list *list, struct rrset *set)
{
    list->items = ARENA_ARRAY(arena, 1, struct rrset *);
    list->items[0] = set;
    list->count = 1;
}

static void expire(struct answer *answer, uint32_t ttl_s)
{
    answer->expires_ms = answer->received_ms + (int64_t)ttl_s * 1000;
}

struct answer *local_answer_new(struct arena *arena, const struct question *question, const struct dname *zone,
                                const char *site, struct now now)
{
    struct answer *answer = ARENA_NEW(arena, struct answer);
    answer->question = *question;
    answer->kind = ANSWER_NODATA;
    answer->is_local = true;
    answer->zone = *zone;
    answer->target = *dname_root();
    answer->received_ms = now.wall_ms;
    expire(answer, LOCAL_TTL_S);
    answer->verdict = verdict_of(INSECURE, site);
    return answer;
}

void local_answer_put(struct arena *arena, struct answer *answer, struct rrset *set)
{
    answer->kind = ANSWER_DATA;
    expire(answer, set->ttl_s);
    list_of_one(arena, &answer->rrsets, set);
}

void local_answer_deny(struct arena *arena, struct answer *answer, bool name_exists, struct rrset *soa)
{
    answer->kind = name_exists ? ANSWER_NODATA : ANSWER_NXDOMAIN;
    answer->rcode = name_exists ? RCODE_NOERROR : RCODE_NXDOMAIN;
    expire(answer, soa->ttl_s);
    list_of_one(arena, &answer->proofs, soa);
}

struct rrset *local_rrset_new(struct arena *arena, const struct dname *owner, uint16_t type, struct octets rdata)
{
    struct rrset *set = ARENA_NEW(arena, struct rrset);
    struct octets *list = ARENA_NEW(arena, struct octets);
    *list = rdata;
    set->owner = dname_copy(arena, owner);
    set->type = type;
    set->class = CLASS_IN;
    set->count = 1;
    set->ttl_s = LOCAL_TTL_S;
    set->rdata = list;
    return set;
}

struct octets local_rdata(struct arena *arena, uint16_t type, const char *text)
{
    struct octets rdata;
    if (rdata_from_text(arena, type, text, NULL, &rdata) != OK)
        abort(); /* the texts are ours */
    return rdata;
}

struct rrset *local_soa_new(struct arena *arena, const struct dname *apex)
{
    char name[DNAME_TEXT_MAX];
    dname_to_text(apex, name);
    char *text = arena_printf(arena, "%s nobody.invalid. 1 3600 1200 604800 10800", name);
    return local_rrset_new(arena, apex, TYPE_SOA, local_rdata(arena, TYPE_SOA, text));
}
