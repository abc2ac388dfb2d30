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
    copy->verdict.explanation = explanation_copy(arena, answer->verdict.explanation);
    return copy;
}

const struct rrset *answer_soa(const struct answer *answer)
{
    for (uint16_t i = 0; i < answer->proofs.count; i++)
        if (answer->proofs.items[i]->type == TYPE_SOA)
            return answer->proofs.items[i];
    return NULL;
}
