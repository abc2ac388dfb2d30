#include "validator/link.h"

#include "validator/finding.h"
#include "validator/memo.h"

/* What is known of one RRset. */
struct rrset_judgement {
    struct verdict verdict;
    bool expanded;           /* Secure so far: from a wildcard, a proof is still needed … */
    uint8_t encloser_labels; /* … that nothing stands between this closest encloser and the owner */
    struct zone signer;      /* `expanded` only */
};

/* NSEC and NSEC3 RRsets of one zone, as far as they verified. */
struct proofs {
    const struct rrset *sets[PROOF_RRSETS_MAX];
    uint16_t count;
    struct verdict ground;  /* what they rest on */
    struct verdict failure; /* SECURE: none.  BOGUS: of one that did not verify.  INDETERMINATE: the budget is spent */
};

static bool is_denial(const struct rrset *rrset)
{
    return rrset->type == TYPE_NSEC || rrset->type == TYPE_NSEC3;
}

const struct rrset *link_data(const struct answer *answer, const struct dname *name, uint16_t type)
{
    if (answer->kind != ANSWER_DATA || answer->rrsets.count == 0)
        return NULL;
    const struct rrset *rrset = answer->rrsets.items[0];
    return rrset->type == type && rrset->count > 0 && dname_equal(rrset->owner, name) ? rrset : NULL;
}

/* ---- who signed ---- */

enum { NO_SIGNER = -1 };

/* Adds the signers of rrset that may hold data of `holder`: at or above it, at or below the anchor.  As they are all
 * ancestors of one name, their numbers of labels tell them apart. */
static void add_signers(const struct rrset *rrset, const struct dname *anchor, const struct dname *holder,
                        bool signers[DNAME_LABELS_MAX + 1])
{
    for (uint16_t i = 0; i < rrset->sig_count && i < RRSIGS_PER_RRSET_MAX; i++) {
        struct rrsig sig;
        if (rrsig_read(rrset->sigs[i], &sig) == OK && dname_is_subdomain(holder, &sig.signer) &&
            dname_is_subdomain(&sig.signer, anchor))
            signers[sig.signer.labels] = true;
    }
}

/* The keys of the deepest signer that is a zone.  ZONE_NO_CUT if none is. */
static enum judgement signer_zone(struct judge *judge, const struct dname *holder,
                                  const bool signers[DNAME_LABELS_MAX + 1], struct zone *zone)
{
    for (int labels = holder->labels; labels > NO_SIGNER; labels--) {
        struct dname name;
        if (!signers[labels])
            continue;
        dname_suffix(holder, (uint8_t)labels, &name);
        enum judgement judgement = chain_keys(judge, &name, zone);
        if (judgement != JUDGED || (zone->state != ZONE_NO_CUT && zone->state != ZONE_NO_NAME))
            return judgement;
    }
    zone->state = ZONE_NO_CUT;
    return JUDGED;
}

/* ---- one RRset ---- */

/* The zone's signatures over data that it may hold. */
static enum judgement judge_signature(struct judge *judge, const struct rrset *rrset, const struct zone *zone,
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

/* DS and NSEC3 do not come from wildcards, and a cut or an apex is not made by one. */
static bool may_be_expanded(uint16_t type)
{
    return type != TYPE_DS && type != TYPE_DNSKEY && type != TYPE_SOA && !(type == TYPE_NSEC || type == TYPE_NSEC3);
}

static void refuse_expansion(struct judge *judge, const struct rrset *rrset, struct verdict *verdict)
{
    struct arena *arena = judge->v->arena;
    char type[RR_TYPE_TEXT_MAX];
    verdict_fail(verdict, arena, BOGUS, EDE_BOGUS, "expanded-type", rrset->owner, rrset->type,
                 "%s %s was expanded from a wildcard", name_text(arena, rrset->owner),
                 rr_type_to_text(rrset->type, type));
}

/* holder: the deepest zone that may hold the RRset. */
static enum judgement judge_rrset(struct judge *judge, const struct rrset *rrset, const struct dname *holder,
                                  struct rrset_judgement *judgement)
{
    struct dname anchor;
    bool signers[DNAME_LABELS_MAX + 1] = { false };
    struct verdict *verdict = &judgement->verdict;
    judgement->expanded = false;
    if (!chain_covers(judge, holder, &anchor, verdict))
        return JUDGED;
    if (rrset->type == TYPE_RRSIG) { /* not signed themselves: RFC 4034 section 3 */
        *verdict = verdict_new();
        verdict_state(verdict, INSECURE, EDE_NONE, "rrsig-unsigned", "signatures are not signed");
        return JUDGED;
    }
    add_signers(rrset, &anchor, holder, signers);
    enum judgement judged = signer_zone(judge, holder, signers, &judgement->signer);
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
    judged = judge_signature(judge, rrset, &judgement->signer, judgement);
    if (judged == JUDGED && verdict->security == SECURE && judgement->expanded && !may_be_expanded(rrset->type))
        refuse_expansion(judge, rrset, verdict);
    if (judged == JUDGED && verdict->security == SECURE)
        judged = judge_cut(judge, rrset, holder, &judgement->signer, verdict);
    return judged;
}

/* ---- proofs ---- */

static bool is_signed_by(const struct rrset *rrset, const struct dname *zone)
{
    for (uint16_t i = 0; i < rrset->sig_count && i < RRSIGS_PER_RRSET_MAX; i++) {
        struct rrsig sig;
        if (rrsig_read(rrset->sigs[i], &sig) == OK && dname_equal(&sig.signer, zone))
            return true;
    }
    return false;
}

/* The n-th NSEC or NSEC3 RRset of the answer; NULL behind the last one that is looked at. */
static const struct rrset *denial_set(const struct answer *answer, uint16_t n)
{
    if (n >= PROOF_RRSETS_MAX)
        return NULL;
    for (uint16_t i = 0; i < answer->proofs.count; i++)
        if (is_denial(answer->proofs.items[i]) && n-- == 0)
            return answer->proofs.items[i];
    return NULL;
}

/* A record of the chain itself, not one that a wildcard was made into. */
static bool stands_in_zone(const struct rrset *rrset, const struct signature_result *result)
{
    return result->fault == FAULT_NONE && !rrsig_is_expanded(&result->rrsig, rrset->owner);
}

/* Verifies the sets that the zone (ZONE_SECURE) signed; those of others prove nothing about it.  One that does not
 * verify is no proof, but what is wrong with it is the likely cause if the others do not suffice. */
static enum judgement verify_proofs(struct judge *judge, const struct answer *answer, const struct zone *zone,
                                    struct proofs *proofs)
{
    const struct validation *v = judge->v;
    const struct rrset *set;
    proofs->count = 0;
    proofs->ground = verdict_from(&zone->verdict);
    proofs->failure = verdict_new();
    for (uint16_t i = 0; (set = denial_set(answer, i)) != NULL; i++) {
        struct signature_result result;
        if (!is_signed_by(set, &zone->name))
            continue;
        enum judgement judged = chain_verify(judge, set, zone, &result);
        if (judged != JUDGED)
            return judged;
        if (result.out_of_budget) {
            verdict_fail_budget(&proofs->failure, v->arena, v->budget, set->owner, set->type);
            return JUDGED;
        }
        if (result.fault != FAULT_NONE) {
            verdict_fail_signature(&proofs->failure, v->arena, set, &zone->name, &result, v->now);
        } else if (stands_in_zone(set, &result)) {
            proofs->sets[proofs->count++] = set;
            verdict_rest_on_signature(&proofs->ground, &zone->name, &result, v->now);
        }
    }
    return JUDGED;
}

static struct denial denial_of(struct judge *judge, const struct dname *zone, const struct proofs *proofs)
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

static enum proof denial_proof(struct judge *judge, const struct denial *denial, struct answer *answer)
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

static enum proof expansion_proof(struct judge *judge, const struct denial *denial, const struct rrset *rrset,
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

/* What a proof, or its absence, makes of a verdict that was SECURE so far. */
static void apply_proof(struct judge *judge, enum proof proof, const struct proofs *proofs, const struct dname *name,
                        uint16_t type, struct verdict *verdict)
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

/* RFC 4035 section 5.3.4, RFC 5155 section 8.8: the wildcard was the closest match. */
static enum judgement judge_expansion(struct judge *judge, const struct answer *answer, const struct rrset *rrset,
                                      struct rrset_judgement *judgement)
{
    struct proofs proofs;
    enum judgement judged = verify_proofs(judge, answer, &judgement->signer, &proofs);
    if (judged != JUDGED)
        return judged;
    verdict_weaken(&judgement->verdict, &proofs.ground);
    if (proofs.failure.security == INDETERMINATE) {
        verdict_weaken(&judgement->verdict, &proofs.failure);
        return JUDGED;
    }
    struct denial denial = denial_of(judge, &judgement->signer.name, &proofs);
    enum proof proof = expansion_proof(judge, &denial, rrset, judgement->encloser_labels);
    if (proof == PROOF_TURN)
        return JUDGE_TURN;
    apply_proof(judge, proof, &proofs, rrset->owner, rrset->type, &judgement->verdict);
    return JUDGED;
}

/* Denials that came along with an alias speak of its target.  The alias does not rest on them: those that verify stay with it,
 * others are no fault of its own. */
static enum judgement judge_companions(struct judge *judge, const struct answer *answer,
                                       struct rrset_judgement *judgement)
{
    struct proofs proofs;
    enum judgement judged = verify_proofs(judge, answer, &judgement->signer, &proofs);
    if (judged == JUDGED)
        verdict_weaken(&judgement->verdict, &proofs.ground);
    return judged;
}

/* ---- positive answers ---- */

/* The NS set that came along is seen by clients, so that AD speaks of it, too (RFC 4035 section 3.2.3).  What the zone of the
 * answer has not signed goes; the answer does not rest on it. */
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
    if (judged == JUDGED && (result.out_of_budget || !stands_in_zone(answer->shown_ns, &result)))
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
                refuse_expansion(judge, rrset, &judgement.verdict);
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

/* ---- negative answers ---- */

/* The SOA of the zone that denies: unverified, its numbers would decide how long the denial is believed. */
static enum judgement judge_soa(struct judge *judge, const struct answer *answer, const struct zone *zone,
                                struct verdict *verdict)
{
    const struct rrset *soa = rrset_list_find(&answer->proofs, &zone->name, TYPE_SOA);
    struct rrset_judgement judgement = { .expanded = false };
    if (soa == NULL)
        return JUDGED;
    enum judgement judged = judge_signature(judge, soa, zone, &judgement);
    if (judged == JUDGED && judgement.expanded)
        refuse_expansion(judge, soa, &judgement.verdict);
    if (judged == JUDGED)
        verdict_weaken(verdict, &judgement.verdict);
    return judged;
}

static void signers_of_denial(const struct answer *answer, const struct dname *anchor, const struct dname *holder,
                              bool signers[DNAME_LABELS_MAX + 1])
{
    const struct rrset *set;
    for (uint16_t i = 0; (set = denial_set(answer, i)) != NULL; i++)
        add_signers(set, anchor, holder, signers);
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
    struct proofs proofs;
    enum judgement judged = verify_proofs(judge, answer, zone, &proofs);
    if (judged != JUDGED)
        return judged;
    *verdict = proofs.ground;
    if (proofs.failure.security == INDETERMINATE) {
        verdict_weaken(verdict, &proofs.failure);
        return JUDGED;
    }
    judged = judge_soa(judge, answer, zone, verdict);
    if (judged != JUDGED || verdict->security != SECURE)
        return judged;
    struct denial denial = denial_of(judge, &zone->name, &proofs);
    enum proof proof = denial_proof(judge, &denial, answer);
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
    apply_proof(judge, proof, &proofs, &question->qname, question->qtype, verdict);
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
    if (denial_set(answer, 0) != NULL) {
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

/* The zone of an anchor may have been given up: one above it, which has an anchor of its own, proves that there is nothing at that
 * name (RFC 6840 appendix C.2: any success is accepted).  Not where a stub or forward zone says that it is there.
 * *is_gone: so it is, and *verdict is SECURE. */
static enum judgement judge_lost_anchor(struct judge *judge, struct answer *answer, const struct dname *lost,
                                        struct verdict *verdict, bool *is_gone)
{
    bool signers[DNAME_LABELS_MAX + 1] = { false };
    struct dname parent, anchor;
    struct zone zone;
    struct proofs proofs;
    *is_gone = false;
    dname_parent(lost, &parent);
    if (dname_is_root(lost) || answer->kind != ANSWER_NXDOMAIN || answer->origin != ORIGIN_ITERATIVE ||
        !chain_covers(judge, &parent, &anchor, verdict))
        return JUDGED;
    signers_of_denial(answer, &anchor, &parent, signers);
    enum judgement judged = signer_zone(judge, &parent, signers, &zone);
    if (judged != JUDGED || zone.state != ZONE_SECURE)
        return judged;
    judged = verify_proofs(judge, answer, &zone, &proofs);
    if (judged != JUDGED)
        return judged;
    struct denial denial = denial_of(judge, &zone.name, &proofs);
    enum proof proof = denial_name_error(&denial, lost, judge->v->budget);
    if (proof != PROOF_GOOD)
        return proof == PROOF_TURN ? JUDGE_TURN : JUDGED;
    judged = judge_denial(judge, answer, &parent, &zone, verdict);
    *is_gone = judged == JUDGED && verdict->security == SECURE;
    return judged;
}

static enum judgement judge_negative(struct judge *judge, struct answer *answer, struct verdict *verdict)
{
    const struct question *question = &answer->question;
    bool signers[DNAME_LABELS_MAX + 1] = { false }, is_gone;
    struct dname holder, anchor;
    struct zone zone;
    negative_holder(question, &holder);
    if (!chain_covers(judge, &holder, &anchor, verdict))
        return JUDGED;
    enum judgement lost = judge_lost_anchor(judge, answer, &anchor, verdict, &is_gone);
    if (lost != JUDGED || is_gone)
        return lost;
    signers_of_denial(answer, &anchor, &holder, signers);
    enum judgement judged = signer_zone(judge, &holder, signers, &zone);
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

enum proof link_proof(struct judge *judge, struct answer *answer)
{
    bool signers[DNAME_LABELS_MAX + 1] = { false };
    struct dname holder, zone;
    struct proofs proofs;
    const struct rrset *set;
    negative_holder(&answer->question, &holder);
    signers_of_denial(answer, dname_root(), &holder, signers);
    int labels = holder.labels;
    while (labels > NO_SIGNER && !signers[labels])
        labels--;
    if (labels == NO_SIGNER)
        return PROOF_NONE;
    dname_suffix(&holder, (uint8_t)labels, &zone);
    proofs.count = 0;
    for (uint16_t i = 0; (set = denial_set(answer, i)) != NULL; i++)
        if (is_signed_by(set, &zone))
            proofs.sets[proofs.count++] = set;
    struct denial denial = denial_of(judge, &zone, &proofs);
    return denial_proof(judge, &denial, answer);
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
    return is_positive(answer) ? judge_positive(judge, answer, verdict) : judge_negative(judge, answer, verdict);
}

/* By a key of the zone that signed the set, whichever that was; NULL: it did not verify. */
static const struct signature_result *verification_of(const struct judge *judge, const struct rrset *rrset)
{
    for (uint16_t i = 0; i < rrset->sig_count && i < RRSIGS_PER_RRSET_MAX; i++) {
        struct rrsig sig;
        if (rrsig_read(rrset->sigs[i], &sig) != OK)
            continue;
        const struct signature_result *result = memo_signature(judge->v->memo, rrset, &sig.signer);
        if (result != NULL && stands_in_zone(rrset, result))
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

/* By an Insecure DS or DNSKEY set others are judged: a zone that becomes signed must not stay Insecure through the TTL that its
 * own keys have.  Data may be served for as long as they live. */
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
