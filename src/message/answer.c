#include "message/answer.h"

static struct rrset_list rrset_list_copy(struct arena *arena, const struct rrset_list *list)
{
    struct rrset_list copy = { .items = ARENA_ARRAY(arena, list->count, struct rrset *), .count = list->count };
    for (uint16_t i = 0; i < list->count; i++)
        copy.items[i] = rrset_copy(arena, list->items[i]);
    return copy;
}

static struct explanation *explanation_copy(struct arena *arena, const struct explanation *explanation)
{
    if (explanation == NULL)
        return NULL;
    struct explanation *copy = arena_copy(arena, explanation, sizeof(*explanation));
    copy->cuts = arena_copy(arena, explanation->cuts, explanation->cut_count * sizeof(*explanation->cuts));
    return copy;
}

struct answer *answer_copy(struct arena *arena, const struct answer *answer)
{
    struct answer *copy = arena_copy(arena, answer, sizeof(*answer));
    copy->rrsets = rrset_list_copy(arena, &answer->rrsets);
    copy->proofs = rrset_list_copy(arena, &answer->proofs);
    copy->shown_ns = answer->shown_ns == NULL ? NULL : rrset_copy(arena, answer->shown_ns);
    copy->verdict.explanation = explanation_copy(arena, answer->verdict.explanation);
    return copy;
}

static bool set_dname_target(struct answer *answer, const struct rrset *dname)
{
    struct dname target;
    if (!dname_is_below(&answer->question.qname, dname->owner) || rdata_name(dname->rdata[0], &target) != OK)
        return false;
    answer->rcode = RCODE_NOERROR;
    if (dname_substitute(&answer->question.qname, dname->owner, &target, &answer->target) != OK)
        answer->rcode = RCODE_YXDOMAIN;
    return true;
}

bool answer_set_target(struct answer *answer)
{
    answer->target = *dname_root();
    if (answer->kind != ANSWER_CNAME && answer->kind != ANSWER_DNAME)
        return true;
    uint16_t type = answer->kind == ANSWER_CNAME ? TYPE_CNAME : TYPE_DNAME;
    const struct rrset *rrset = answer->rrsets.count > 0 ? answer->rrsets.items[0] : NULL;
    if (rrset == NULL || rrset->type != type || rrset->count != 1)
        return false; /* RFC 2181 section 10.1, RFC 6672 section 2.4: one at a name */
    return type == TYPE_DNAME ? set_dname_target(answer, rrset) : rdata_name(rrset->rdata[0], &answer->target) == OK;
}

bool answer_leads_on(const struct answer *answer)
{
    if (answer->rcode != RCODE_NOERROR)
        return false;
    return answer->kind == ANSWER_CNAME || (answer->kind == ANSWER_DNAME && answer->question.qtype != TYPE_CNAME);
}

const struct rrset *answer_soa(const struct answer *answer)
{
    for (uint16_t i = 0; i < answer->proofs.count; i++)
        if (answer->proofs.items[i]->type == TYPE_SOA)
            return answer->proofs.items[i];
    return NULL;
}
