#include "validator/link.h"

#include "validator/answer_proofs.h"
#include "validator/finding.h"
#include "validator/memo.h"
#include "validator/negative.h"
#include "validator/signers.h"

const struct rrset *link_data(const struct answer *answer, const struct dname *name, uint16_t type)
{
    if (answer->kind != ANSWER_DATA || answer->rrsets.count == 0)
        return NULL;
    const struct rrset *rrset = answer->rrsets.items[0];
    return rrset->type == type && rrset->count > 0 && dname_equal(rrset->owner, name) ? rrset : NULL;
}

/* ---- one RRset ---- */

/* A zone that is known to begin between signer and data holds the data instead. */
static enum judgement judge_cut(struct judge *judge, const struct rrset *rrset, const struct dname *holder,
                                const struct zone *signer, struct verdict *verdict)
{
    struct zone cut;
    struct arena *arena = judge->v->arena;
    char type[RR_TYPE_TEXT_MAX];
    enum judgement judged = chain_cut_below(judge, &signer->name, holder, &cut);
    if (judged != JUDGED || cut.state == ZONE_NO_CUT)
        return judged;
    *verdict = verdict_from(&cut.verdict);
    if (cut.state == ZONE_SECURE)
        verdict_fail(verdict, arena, BOGUS, EDE_BOGUS, "rrsig-not-the-zone", rrset->owner, rrset->type,
                     "%s %s is signed by a zone above %s", name_text(arena, rrset->owner),
                     rr_type_to_text(rrset->type, type), name_text(arena, &cut.name));
    return JUDGED;
}

/* Denials do not come from wildcards, and a cut or an apex is not made by one. */
static bool may_be_expanded(uint16_t type)
{
    return type != TYPE_DS && type != TYPE_DNSKEY && type != TYPE_SOA && type != TYPE_NSEC && type != TYPE_NSEC3;
}

/* holder: the deepest zone that may hold the RRset. */
static enum judgement judge_rrset(struct judge *judge, const struct rrset *rrset, const struct dname *holder,
                                  struct rrset_judgement *judgement)
{
    struct dname anchor;
    struct signers signers = { .at = { false } };
    struct verdict *verdict = &judgement->verdict;
    judgement->expanded = false;
    if (!chain_covers(judge, holder, &anchor, verdict))
        return JUDGED;
    if (rrset->type == TYPE_RRSIG) { /* not signed themselves: RFC 4034 section 3 */
        *verdict = verdict_new();
        verdict_state(verdict, INSECURE, EDE_NONE, "rrsig-unsigned", "signatures are not signed");
        return JUDGED;
    }
    signers_add(rrset, &anchor, holder, &signers);
    enum judgement judged = signers_zone(judge, holder, &signers, &judgement->signer);
    if (judged != JUDGED)
        return judged;
    if (judgement->signer.state == ZONE_NO_CUT) {
        struct unsigned_data data = { holder,          rrset->owner,
                                      rrset->type,     EDE_RRSIGS_MISSING,
                                      "rrsig-missing", "has no RRSIG of its zone" };
        return chain_insecurity(judge, &anchor, &data, verdict);
    }
    *verdict = verdict_from(&judgement->signer.verdict);
    if (judgement->signer.state != ZONE_SECURE)
        return JUDGED;
    judged = signers_judge(judge, rrset, &judgement->signer, judgement);
    if (judged == JUDGED && verdict->security == SECURE && judgement->expanded && !may_be_expanded(rrset->type))
        signers_refuse_expansion(judge, rrset, verdict);
    if (judged == JUDGED && verdict->security == SECURE)
        judged = judge_cut(judge, rrset, holder, &judgement->signer, verdict);
    return judged;
}

/* ---- positive answers ---- */

/* RFC 4035 section 5.3.4, RFC 5155 section 8.8: the wildcard was the closest match. */
static enum judgement judge_expansion(struct judge *judge, const struct answer *answer, const struct rrset *rrset,
                                      struct rrset_judgement *judgement)
{
    struct answer_proofs proofs;
    enum judgement judged = answer_proofs_verify(judge, answer, &judgement->signer, &proofs);
    if (judged != JUDGED)
        return judged;
    verdict_weaken(&judgement->verdict, &proofs.ground);
    if (proofs.failure.security == INDETERMINATE) {
        verdict_weaken(&judgement->verdict, &proofs.failure);
        return JUDGED;
    }
    struct denial denial = answer_proofs_denial(judge, &judgement->signer.name, &proofs);
    enum proof proof = answer_proofs_of_expansion(judge, &denial, rrset, judgement->encloser_labels);
    if (proof == PROOF_TURN)
        return JUDGE_TURN;
    answer_proofs_apply(judge, proof, &proofs, rrset->owner, rrset->type, &judgement->verdict);
    return JUDGED;
}

/* Denials that came along with an alias speak of its target.  The alias does not rest on them: those that verify stay
 * with it, others are no fault of its own. */
static enum judgement judge_companions(struct judge *judge, const struct answer *answer,
                                       struct rrset_judgement *judgement)
{
    struct answer_proofs proofs;
    enum judgement judged = answer_proofs_verify(judge, answer, &judgement->signer, &proofs);
    if (judged == JUDGED)
        verdict_weaken(&judgement->verdict, &proofs.ground);
    return judged;
}

/* The NS set that came along is seen by clients, so that AD speaks of it, too (RFC 4035 section 3.2.3).  What the zone
 * of the answer has not signed goes; the answer does not rest on it. */
static enum judgement judge_shown_ns(struct judge *judge, struct answer *answer, const struct zone *zone)
{
    struct signature_result result;
    if (answer->shown_ns == NULL)
        return JUDGED;
    if (!dname_equal(answer->shown_ns->owner, &zone->name)) {
        answer->shown_ns = NULL;
        return JUDGED;
    }
    enum judgement judged = chain_verify(judge, answer->shown_ns, zone, &result);
    if (judged == JUDGED && (result.out_of_budget || !signature_stands_in_zone(answer->shown_ns, &result)))
        answer->shown_ns = NULL;
    return judged;
}

/* The deepest zone that may hold this RRset of an answer.  A DS set is the parent's (RFC 4035 section 3.1.4.1), and so
 * is what the parent says instead of one. */
static void holder_of(const struct answer *answer, const struct rrset *rrset, struct dname *holder)
{
    bool is_parents = rrset->type == TYPE_DS ||
                      (answer->question.qtype == TYPE_DS && dname_equal(rrset->owner, &answer->question.qname));
    if (is_parents)
        dname_parent(rrset->owner, holder);
    else
        *holder = *rrset->owner;
}

static enum judgement judge_positive(struct judge *judge, struct answer *answer, struct verdict *verdict)
{
    *verdict = verdict_new();
    for (uint16_t i = 0; i < answer->rrsets.count; i++) {
        const struct rrset *rrset = answer->rrsets.items[i];
        struct rrset_judgement judgement;
        struct dname holder;
        holder_of(answer, rrset, &holder);
        enum judgement judged = judge_rrset(judge, rrset, &holder, &judgement);
        bool is_secure = judged == JUDGED && judgement.verdict.security == SECURE;
        if (is_secure && judgement.expanded) {
            if (answer->kind == ANSWER_DNAME) /* a wildcard's DNAME redirects nothing: RFC 6672 section 3.3 */
                signers_refuse_expansion(judge, rrset, &judgement.verdict);
            else
                judged = judge_expansion(judge, answer, rrset, &judgement);
        } else if (is_secure && answer_leads_on(answer)) {
            judged = judge_companions(judge, answer, &judgement);
        }
        if (is_secure && judged == JUDGED)
            judged = judge_shown_ns(judge, answer, &judgement.signer);
        if (judged != JUDGED)
            return judged;
        verdict_weaken(verdict, &judgement.verdict);
        if (verdict->security == BOGUS)
            break;
    }
    return JUDGED;
}

/* The keys of a zone: no other chain than that by anchor or DS set makes them what they are. */
static enum judgement judge_dnskeys(struct judge *judge, const struct answer *answer, struct verdict *verdict)
{
    struct zone zone;
    enum judgement judged = chain_keys(judge, &answer->question.qname, &zone);
    if (judged != JUDGED)
        return judged;
    *verdict = zone.verdict;
    if (zone.state == ZONE_NO_CUT || zone.state == ZONE_NO_NAME)
        verdict_fail(verdict, judge->v->arena, BOGUS, EDE_BOGUS, "dnskey-not-at-apex", &zone.name, TYPE_DNSKEY,
                     "DNSKEY %s, where the parent has no delegation", name_text(judge->v->arena, &zone.name));
    return JUDGED;
}

/* ---- a whole answer ---- */

/* What the resolver put together must be about the question: nobody else looks at names again. */
static bool rrset_fits(const struct answer *answer, const struct rrset *rrset)
{
    const struct question *question = &answer->question;
    if (rrset->count == 0 && rrset->type != TYPE_RRSIG)
        return false;
    switch (answer->kind) {
    case ANSWER_DATA:
        return dname_equal(rrset->owner, &question->qname) &&
               (rrset->type == question->qtype || question->qtype == TYPE_ANY || question->qtype == TYPE_RRSIG);
    case ANSWER_CNAME:
        return dname_equal(rrset->owner, &question->qname) && rrset->type == TYPE_CNAME;
    case ANSWER_DNAME:
        return dname_is_below(&question->qname, rrset->owner) && rrset->type == TYPE_DNAME;
    case ANSWER_NODATA:
    case ANSWER_NXDOMAIN:
        break;
    }
    return false;
}

static bool is_positive(const struct answer *answer)
{
    return answer->kind == ANSWER_DATA || answer->kind == ANSWER_CNAME || answer->kind == ANSWER_DNAME;
}

static bool answer_fits(const struct answer *answer)
{
    if (is_positive(answer) && answer->rrsets.count == 0)
        return false;
    for (uint16_t i = 0; i < answer->rrsets.count; i++)
        if (!rrset_fits(answer, answer->rrsets.items[i]))
            return false;
    return true;
}

static enum judgement judge_anew(struct judge *judge, struct answer *answer, struct verdict *verdict)
{
    const struct question *question = &answer->question;
    *verdict = verdict_new();
    if (question->qclass != CLASS_IN) {
        verdict_state(verdict, INSECURE, EDE_NONE, "other-class", "no trust anchors in this class");
        return JUDGED;
    }
    if (!answer_fits(answer)) {
        verdict_fail(verdict, judge->v->arena, BOGUS, EDE_INVALID_DATA, "not-an-answer", &question->qname,
                     question->qtype, "records that do not answer the question");
        return JUDGED;
    }
    if (link_data(answer, &question->qname, TYPE_DNSKEY) != NULL && question->qtype == TYPE_DNSKEY)
        return judge_dnskeys(judge, answer, verdict);
    return is_positive(answer) ? judge_positive(judge, answer, verdict) : negative_judge(judge, answer, verdict);
}

/* By a key of the zone that signed the set, whichever that was; NULL: it did not verify. */
static const struct signature_result *verification_of(const struct judge *judge, const struct rrset *rrset)
{
    for (uint16_t i = 0; i < rrset->sig_count && i < RRSIGS_PER_RRSET_MAX; i++) {
        struct rrsig sig;
        if (rrsig_read(rrset->sigs[i], &sig) != OK)
            continue;
        const struct signature_result *result = memo_signature(judge->v->memo, rrset, &sig.signer);
        if (result != NULL && signature_stands_in_zone(rrset, result))
            return result;
    }
    return NULL;
}

/* Whoever reads the proof again, out of the cache, is to find the zone that it is of by its signatures. */
static void keep_signatures_by(struct judge *judge, struct rrset *rrset, const struct dname *zone)
{
    struct octets *sigs = ARENA_ARRAY(judge->v->arena, rrset->sig_count, struct octets);
    uint16_t count = 0;
    for (uint16_t i = 0; i < rrset->sig_count; i++) {
        struct rrsig sig;
        if (rrsig_read(rrset->sigs[i], &sig) == OK && dname_equal(&sig.signer, zone))
            sigs[count++] = rrset->sigs[i];
    }
    rrset->sigs = sigs;
    rrset->sig_count = count;
}

static void keep_verified_proofs(struct judge *judge, struct answer *answer)
{
    struct rrset_list kept = { ARENA_ARRAY(judge->v->arena, answer->proofs.count, struct rrset *), 0 };
    for (uint16_t i = 0; i < answer->proofs.count; i++) {
        struct rrset *proof = answer->proofs.items[i];
        const struct signature_result *result = verification_of(judge, proof);
        if (result == NULL)
            continue;
        keep_signatures_by(judge, proof, &result->rrsig.signer);
        kept.items[kept.count++] = proof;
    }
    answer->proofs = kept;
}

/* By an Insecure DS or DNSKEY set others are judged: a zone that becomes signed must not stay Insecure through the TTL
 * that its own keys have.  Data may be served for as long as they live. */
static void end_with_insecurity(const struct judge *judge, const struct answer *answer, struct verdict *verdict)
{
    uint16_t qtype = answer->question.qtype;
    if (verdict->security == INSECURE && (qtype == TYPE_DS || qtype == TYPE_DNSKEY) &&
        judge->insecure_until_s < verdict->valid_until_s)
        verdict->valid_until_s = judge->insecure_until_s;
}

enum judgement link_judge(struct judge *judge, struct answer *answer, struct verdict *verdict)
{
    if (answer->verdict.security != UNCHECKED) {
        *verdict = answer->verdict;
        return JUDGED;
    }
    enum judgement judged = judge_anew(judge, answer, verdict);
    if (judged != JUDGED)
        return judged;
    if (verdict->security == SECURE)
        keep_verified_proofs(judge, answer);
    end_with_insecurity(judge, answer, verdict);
    if (verdict->security != INDETERMINATE) {
        answer->verdict = *verdict;
        answer->verdict_is_new = true;
    }
    return JUDGED;
}
