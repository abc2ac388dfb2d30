#include "validator/signers.h"

#include "validator/finding.h"

void signers_add(const struct rrset *rrset, const struct dname *anchor, const struct dname *holder,
                 struct signers *signers)
{
    for (uint16_t i = 0; i < rrset->sig_count && i < RRSIGS_PER_RRSET_MAX; i++) {
        struct rrsig sig;
        if (rrsig_read(rrset->sigs[i], &sig) == OK && dname_is_subdomain(holder, &sig.signer) &&
            dname_is_subdomain(&sig.signer, anchor))
            signers->at[sig.signer.labels] = true;
    }
}

enum judgement signers_zone(struct judge *judge, const struct dname *holder, const struct signers *signers,
                            struct zone *zone)
{
    for (int labels = holder->labels; labels > NO_SIGNER; labels--) {
        struct dname name;
        if (!signers->at[labels])
            continue;
        dname_suffix(holder, (uint8_t)labels, &name);
        enum judgement judgement = chain_keys(judge, &name, zone);
        if (judgement != JUDGED || (zone->state != ZONE_NO_CUT && zone->state != ZONE_NO_NAME))
            return judgement;
    }
    zone->state = ZONE_NO_CUT;
    return JUDGED;
}

bool signers_include(const struct rrset *rrset, const struct dname *zone)
{
    for (uint16_t i = 0; i < rrset->sig_count && i < RRSIGS_PER_RRSET_MAX; i++) {
        struct rrsig sig;
        if (rrsig_read(rrset->sigs[i], &sig) == OK && dname_equal(&sig.signer, zone))
            return true;
    }
    return false;
}

enum judgement signers_judge(struct judge *judge, const struct rrset *rrset, const struct zone *zone,
                             struct rrset_judgement *judgement)
{
    const struct validation *v = judge->v;
    struct verdict *verdict = &judgement->verdict;
    struct signature_result result;
    enum judgement judged = chain_verify(judge, rrset, zone, &result);
    if (judged != JUDGED)
        return judged;
    *verdict = verdict_from(&zone->verdict);
    if (result.out_of_budget) {
        verdict_fail_budget(verdict, v->arena, v->budget, rrset->owner, rrset->type);
    } else if (result.fault != FAULT_NONE) {
        verdict_fail_signature(verdict, v->arena, rrset, &zone->name, &result, v->now);
    } else {
        verdict_rest_on_signature(verdict, &zone->name, &result, v->now);
        judgement->expanded = rrsig_is_expanded(&result.rrsig, rrset->owner);
        judgement->encloser_labels = result.rrsig.labels;
    }
    return JUDGED;
}

void signers_refuse_expansion(struct judge *judge, const struct rrset *rrset, struct verdict *verdict)
{
    struct arena *arena = judge->v->arena;
    char type[RR_TYPE_TEXT_MAX];
    verdict_fail(verdict, arena, BOGUS, EDE_BOGUS, "expanded-type", rrset->owner, rrset->type,
                 "%s %s was expanded from a wildcard", name_text(arena, rrset->owner),
                 rr_type_to_text(rrset->type, type));
}
