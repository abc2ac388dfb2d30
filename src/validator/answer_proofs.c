#include "validator/answer_proofs.h"

#include "validator/finding.h"
#include "validator/memo.h"
#include "validator/signers.h"

static bool is_denial(const struct rrset *rrset)
{
    return rrset->type == TYPE_NSEC || rrset->type == TYPE_NSEC3;
}

const struct rrset *answer_proofs_set(const struct answer *answer, uint16_t n)
{
    if (n >= PROOF_RRSETS_MAX)
        return NULL;
    for (uint16_t i = 0; i < answer->proofs.count; i++)
        if (is_denial(answer->proofs.items[i]) && n-- == 0)
            return answer->proofs.items[i];
    return NULL;
}

bool signature_stands_in_zone(const struct rrset *rrset, const struct signature_result *result)
{
    return result->fault == FAULT_NONE && !rrsig_is_expanded(&result->rrsig, rrset->owner);
}

/* One of the answer's, beside so many before it. */
static enum judgement verify_proof(struct judge *judge, const struct rrset *set, const struct zone *zone,
                                   uint16_t before, struct signature_result *result)
{
    budget_price_proofs(judge->v->budget, before);
    enum judgement judged = chain_verify(judge, set, zone, result);
    budget_price_proofs(judge->v->budget, 0);
    return judged;
}

enum judgement answer_proofs_verify(struct judge *judge, const struct answer *answer, const struct zone *zone,
                                    struct answer_proofs *proofs)
{
    const struct validation *v = judge->v;
    const struct rrset *set;
    uint16_t before = 0;
    unsigned bad = 0;
    proofs->count = 0;
    proofs->ground = verdict_from(&zone->verdict);
    proofs->failure = verdict_new();
    for (uint16_t i = 0; (set = answer_proofs_set(answer, i)) != NULL && bad < BAD_PROOFS_MAX; i++) {
        struct signature_result result;
        if (!signers_include(set, &zone->name))
            continue;
        enum judgement judged = verify_proof(judge, set, zone, before++, &result);
        if (judged != JUDGED)
            return judged;
        if (result.out_of_budget && v->budget->spent == NULL)
            continue; /* one too many: not looked at, and no part of the proof */
        if (result.out_of_budget) {
            verdict_fail_budget(&proofs->failure, v->arena, v->budget, set->owner, set->type);
            return JUDGED;
        }
        if (result.fault != FAULT_NONE) {
            verdict_fail_signature(&proofs->failure, v->arena, set, &zone->name, &result, v->now);
            bad += result.fault == FAULT_BAD;
        } else if (signature_stands_in_zone(set, &result)) {
            proofs->sets[proofs->count++] = set;
            verdict_rest_on_signature(&proofs->ground, &zone->name, &result, v->now);
        }
    }
    return JUDGED;
}

struct denial answer_proofs_denial(struct judge *judge, const struct dname *zone, const struct answer_proofs *proofs)
{
    return (struct denial) { zone, proofs->sets, proofs->count, judge->v->policy->nsec3_iterations };
}

/* The name exists after all, without the type: some servers send a name error for empty non-terminals.  The RCODE is
 * not signed, the records are, and they win (RFC 8020 section 2: there is something below the name). */
static enum proof no_data_after_all(struct judge *judge, const struct denial *denial, struct answer *answer)
{
    const struct question *question = &answer->question;
    enum proof proof = denial_no_data(denial, &question->qname, question->qtype, judge->v->budget);
    if (proof == PROOF_TURN || proof == PROOF_BUDGET)
        return proof;
    if (proof != PROOF_GOOD)
        return PROOF_NONE;
    answer->kind = ANSWER_NODATA;
    answer->rcode = RCODE_NOERROR;
    return PROOF_GOOD;
}

enum proof answer_proofs_of_denial(struct judge *judge, const struct denial *denial, struct answer *answer)
{
    const struct question *question = &answer->question;
    enum proof proof;
    if (memo_proof(judge->v->memo, answer, &proof))
        return proof;
    if (answer->kind == ANSWER_NXDOMAIN) {
        proof = denial_name_error(denial, &question->qname, judge->v->budget);
        if (proof == PROOF_NONE)
            proof = no_data_after_all(judge, denial, answer);
    } else {
        proof = denial_no_data(denial, &question->qname, question->qtype, judge->v->budget);
    }
    if (proof != PROOF_TURN && proof != PROOF_BUDGET)
        memo_put_proof(judge->v->memo, answer, proof);
    return proof;
}

enum proof answer_proofs_of_expansion(struct judge *judge, const struct denial *denial, const struct rrset *rrset,
                                      uint8_t encloser_labels)
{
    enum proof proof;
    if (memo_proof(judge->v->memo, rrset, &proof))
        return proof;
    proof = denial_wildcard_expansion(denial, rrset->owner, encloser_labels, judge->v->budget);
    if (proof != PROOF_TURN && proof != PROOF_BUDGET)
        memo_put_proof(judge->v->memo, rrset, proof);
    return proof;
}

void answer_proofs_apply(struct judge *judge, enum proof proof, const struct answer_proofs *proofs,
                         const struct dname *name, uint16_t type, struct verdict *verdict)
{
    struct arena *arena = judge->v->arena;
    char type_text[RR_TYPE_TEXT_MAX];
    switch (proof) {
    case PROOF_GOOD:
    case PROOF_INSECURE_DELEGATION:
        return;
    case PROOF_NXNAME:
        verdict->site = SITE_COMPACT_DENIAL;
        return;
    case PROOF_OPT_OUT:
        verdict_state(verdict, INSECURE, EDE_NONE, "opt-out", "%s lies in an opt-out span of NSEC3",
                      name_text(arena, name));
        return;
    case PROOF_ITERATIONS:
        verdict_state(verdict, INSECURE, EDE_UNSUPPORTED_NSEC3_ITERATIONS, "nsec3-iterations",
                      "more than %u NSEC3 iterations", judge->v->policy->nsec3_iterations);
        return;
    case PROOF_BUDGET:
    case PROOF_TURN: /* the caller has gone back before */
        verdict_fail_budget(verdict, arena, judge->v->budget, name, type);
        return;
    case PROOF_NONE:
        break;
    }
    if (proofs->failure.security != SECURE)
        verdict_weaken(verdict, &proofs->failure);
    else
        verdict_fail(verdict, arena, BOGUS, EDE_NSEC_MISSING, "nsec-missing", name, type,
                     "%s %s: no NSEC or NSEC3 proves it", name_text(arena, name), rr_type_to_text(type, type_text));
}
