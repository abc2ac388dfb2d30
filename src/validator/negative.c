#include "validator/negative.h"

#include "validator/answer_proofs.h"
#include "validator/finding.h"
#include "validator/signers.h"

/* The SOA of the zone that denies: unverified, its numbers would decide how long the denial is believed. */
static enum judgement judge_soa(struct judge *judge, const struct answer *answer, const struct zone *zone,
                                struct verdict *verdict)
{
    const struct rrset *soa = rrset_list_find(&answer->proofs, &zone->name, TYPE_SOA);
    struct rrset_judgement judgement = { .expanded = false };
    if (soa == NULL)
        return JUDGED;
    enum judgement judged = signers_judge(judge, soa, zone, &judgement);
    if (judged == JUDGED && judgement.expanded)
        signers_refuse_expansion(judge, soa, &judgement.verdict);
    if (judged == JUDGED)
        verdict_weaken(verdict, &judgement.verdict);
    return judged;
}

static void signers_of_denial(const struct answer *answer, const struct dname *anchor, const struct dname *holder,
                              struct signers *signers)
{
    const struct rrset *set;
    for (uint16_t i = 0; (set = answer_proofs_set(answer, i)) != NULL; i++)
        signers_add(set, anchor, holder, signers);
}

/* The zone itself denies, not an unsigned one below it. */
static bool has_soa(const struct answer *answer, const struct zone *zone)
{
    return rrset_list_find(&answer->proofs, &zone->name, TYPE_SOA) != NULL;
}

/* The zone's signatures are good, but speak of something else: is it data of an unsigned zone below?  Not if what came
 * along shows that the zone itself holds the name. */
static enum judgement judge_stray_denial(struct judge *judge, const struct denial *denial, const struct dname *holder,
                                         const struct unsigned_data *data, struct verdict *verdict, bool *is_below)
{
    enum proof proof = denial_no_data(denial, holder, TYPE_DS, judge->v->budget);
    if (proof == PROOF_TURN)
        return JUDGE_TURN;
    *is_below = proof != PROOF_GOOD;
    return *is_below ? chain_insecurity(judge, denial->zone, data, verdict) : JUDGED;
}

/* RFC 4035 section 5.4, RFC 5155 sections 8.4 to 8.7.  The zone is ZONE_SECURE. */
static enum judgement judge_denial(struct judge *judge, struct answer *answer, const struct dname *holder,
                                   const struct zone *zone, struct verdict *verdict)
{
    const struct question *question = &answer->question;
    struct answer_proofs proofs;
    *verdict = verdict_from(&zone->verdict);
    enum judgement judged = judge_soa(judge, answer, zone, verdict); /* where it is bad the proofs cost nothing */
    if (judged != JUDGED || verdict->security != SECURE)
        return judged;
    judged = answer_proofs_verify(judge, answer, zone, &proofs);
    if (judged != JUDGED)
        return judged;
    verdict_weaken(verdict, &proofs.ground);
    if (proofs.failure.security == INDETERMINATE) {
        verdict_weaken(verdict, &proofs.failure);
        return JUDGED;
    }
    struct denial denial = answer_proofs_denial(judge, &zone->name, &proofs);
    enum proof proof = answer_proofs_of_denial(judge, &denial, answer);
    if (proof == PROOF_TURN)
        return JUDGE_TURN;
    if (proof == PROOF_NONE && proofs.failure.security == SECURE && !has_soa(answer, zone)) {
        struct unsigned_data data = { holder,           &question->qname, question->qtype,
                                      EDE_NSEC_MISSING, "nsec-missing",   "is denied without proof" };
        bool is_below;
        judged = judge_stray_denial(judge, &denial, holder, &data, verdict, &is_below);
        if (judged != JUDGED || is_below)
            return judged;
    }
    answer_proofs_apply(judge, proof, &proofs, &question->qname, question->qtype, verdict);
    return JUDGED;
}

static void negative_holder(const struct question *question, struct dname *holder)
{
    if (question->qtype == TYPE_DS) /* RFC 4035 section 4.2: the parent's side */
        dname_parent(&question->qname, holder);
    else
        *holder = question->qname;
}

/* A zone that signs sends the RRSIG of its SOA along (RFC 4035 section 3.1.3). */
static bool has_bare_soa(const struct answer *answer)
{
    for (uint16_t i = 0; i < answer->proofs.count; i++)
        if (answer->proofs.items[i]->type == TYPE_SOA)
            return answer->proofs.items[i]->sig_count == 0;
    return false;
}

/* No signature over a denial: were they left out alone, or the records with them? */
static struct unsigned_data unsigned_denial(const struct answer *answer, const struct dname *holder)
{
    const struct question *question = &answer->question;
    struct unsigned_data data = {
        holder, &question->qname, question->qtype, EDE_RRSIGS_MISSING, "rrsig-missing", NULL
    };
    if (answer_proofs_set(answer, 0) != NULL) {
        data.words = "is denied by NSEC or NSEC3 without RRSIG of its zone";
    } else if (has_bare_soa(answer)) {
        data.words = "is denied by a lone SOA without RRSIG";
    } else {
        data.ede = EDE_NSEC_MISSING;
        data.site = "nsec-missing";
        data.words = "is denied without NSEC or NSEC3";
    }
    return data;
}

/* The zone of an anchor may have been given up: one above it, which has an anchor of its own, proves that there is
 * nothing at that name (RFC 6840 appendix C.2: any success is accepted).  Not where a stub or forward zone says that it
 * is there.  *is_gone: so it is, and *verdict is SECURE. */
static enum judgement judge_lost_anchor(struct judge *judge, struct answer *answer, const struct dname *lost,
                                        struct verdict *verdict, bool *is_gone)
{
    struct signers signers = { .at = { false } };
    struct dname parent, anchor;
    struct zone zone;
    struct answer_proofs proofs;
    *is_gone = false;
    dname_parent(lost, &parent);
    if (dname_is_root(lost) || answer->kind != ANSWER_NXDOMAIN || answer->origin != ORIGIN_ITERATIVE ||
        !chain_covers(judge, &parent, &anchor, verdict))
        return JUDGED;
    signers_of_denial(answer, &anchor, &parent, &signers);
    enum judgement judged = signers_zone(judge, &parent, &signers, &zone);
    if (judged != JUDGED || zone.state != ZONE_SECURE)
        return judged;
    judged = answer_proofs_verify(judge, answer, &zone, &proofs);
    if (judged != JUDGED)
        return judged;
    struct denial denial = answer_proofs_denial(judge, &zone.name, &proofs);
    enum proof proof = denial_name_error(&denial, lost, judge->v->budget);
    if (proof != PROOF_GOOD)
        return proof == PROOF_TURN ? JUDGE_TURN : JUDGED;
    judged = judge_denial(judge, answer, &parent, &zone, verdict);
    *is_gone = judged == JUDGED && verdict->security == SECURE;
    return judged;
}

enum judgement negative_judge(struct judge *judge, struct answer *answer, struct verdict *verdict)
{
    const struct question *question = &answer->question;
    struct signers signers = { .at = { false } };
    bool is_gone;
    struct dname holder, anchor;
    struct zone zone;
    negative_holder(question, &holder);
    if (!chain_covers(judge, &holder, &anchor, verdict))
        return JUDGED;
    enum judgement lost = judge_lost_anchor(judge, answer, &anchor, verdict, &is_gone);
    if (lost != JUDGED || is_gone)
        return lost;
    signers_of_denial(answer, &anchor, &holder, &signers);
    enum judgement judged = signers_zone(judge, &holder, &signers, &zone);
    if (judged != JUDGED)
        return judged;
    if (zone.state == ZONE_SECURE)
        return judge_denial(judge, answer, &holder, &zone, verdict);
    if (zone.state == ZONE_NO_CUT) {
        struct unsigned_data data = unsigned_denial(answer, &holder);
        return chain_insecurity(judge, &anchor, &data, verdict);
    }
    *verdict = verdict_from(&zone.verdict);
    return JUDGED;
}

enum proof negative_proof(struct judge *judge, struct answer *answer)
{
    struct signers signers = { .at = { false } };
    struct dname holder, zone;
    struct answer_proofs proofs;
    const struct rrset *set;
    negative_holder(&answer->question, &holder);
    signers_of_denial(answer, dname_root(), &holder, &signers);
    int labels = holder.labels;
    while (labels > NO_SIGNER && !signers.at[labels])
        labels--;
    if (labels == NO_SIGNER)
        return PROOF_NONE;
    dname_suffix(&holder, (uint8_t)labels, &zone);
    proofs.count = 0;
    for (uint16_t i = 0; (set = answer_proofs_set(answer, i)) != NULL; i++)
        if (signers_include(set, &zone))
            proofs.sets[proofs.count++] = set;
    struct denial denial = answer_proofs_denial(judge, &zone, &proofs);
    return answer_proofs_of_denial(judge, &denial, answer);
}
