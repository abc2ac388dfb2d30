/* Answers that no server is asked for: of names below one that does not exist (RFC 8020), of names and types that
 * cached NSEC and NSEC3 records deny, and of cached wildcards (RFC 8198, RFC 9077).
 *
 * The denial index says which records speak of a name; that they prove it is for the validator's own functions to say.
 * A client gets what the zone would send: SOA, records and signatures, so that it can validate them again.  Nothing
 * made here is stored: each time it is made anew, of what is still true then. */
#include "resolver/request.h"

#include "crypto/verify.h"
#include "validator/denial.h"

static const char site_synthesis[] = "aggressive-use";

enum {
    FOUND_MAX = 3,           /* closest encloser, next closer name, wildcard: RFC 5155 section 8.4 */
    WILDCARDS_TRIED_MAX = 8, /* above one name: each costs several looks into the cache, and names have 127 labels */
};

struct synthesis {
    struct resolver *r;
    struct request *q;
    const struct question *question;
    struct dname zone;         /* the deepest one that the index knows */
    struct denial_asked asked; /* of that zone */
    bool is_nsec3;
    uint8_t encloser_labels; /* of the closest encloser */
    bool wildcard_stands;    /* there are records at the wildcard below it */
    uint16_t count;
    struct denial_found found[FOUND_MAX]; /* the first speaks of qname, or of the next closer name */
};

/* ---- may it be? ---- */

/* What forwarders and stub zones say differs from one to the next: there the operator must want it. */
static bool is_in_scope(const struct resolver_options *options, const struct question *question, uint16_t origin)
{
    const struct dname *qname = &question->qname;
    return !is_in_zones(qname, options->aggressive_except, options->aggressive_except_count) &&
           (origin == ORIGIN_ITERATIVE ||
            is_in_zones(qname, options->aggressive_include, options->aggressive_include_count));
}

bool synthesis_may_cut(const struct resolver_options *options, const struct question *question, uint16_t origin)
{
    return options->nxdomain_cut && is_in_scope(options, question, origin);
}

static bool may_be_aggressive(const struct resolver_options *options, const struct question *question, uint16_t origin)
{
    return options->aggressive_nsec && is_in_scope(options, question, origin);
}

/* Not where validation is switched off, nor by a clock that may be wrong.  ANY and RRSIG ask for whatever there is. */
static bool is_proven_here(const struct resolver *r, const struct question *question, struct now now)
{
    struct dname covered;
    return now.wall_is_fit && question->qclass == CLASS_IN && !rr_type_is_meta(question->qtype) &&
           question->qtype != TYPE_RRSIG &&
           trust_covers(r->parts.trust, &question->qname, now, &covered) == COVERAGE_ANCHOR;
}

/* A delegation is known that the records know nothing of: it is newer than they are, or hidden by them. */
static bool is_delegated(const struct synthesis *s)
{
    const struct dname *qname = &s->question->qname;
    uint8_t deepest = qname->labels - (s->question->qtype == TYPE_DS);
    for (uint8_t labels = (uint8_t)(s->zone.labels + 1); labels <= deepest; labels++) {
        struct dname cut;
        dname_suffix(qname, labels, &cut);
        if (cache_has_delegation(s->r->parts.cache, &cut, s->asked.origin, s->asked.now))
            return true;
    }
    return false;
}

/* ---- which records speak of it? ---- */

static void add_found(struct synthesis *s, const struct denial_found *found)
{
    for (uint16_t i = 0; i < s->count; i++)
        if (dname_equal(s->found[i].rrset->owner, found->rrset->owner))
            return;
    s->found[s->count++] = *found;
}

static bool wildcard_below_encloser(const struct synthesis *s, struct dname *wildcard)
{
    dname_suffix(&s->question->qname, s->encloser_labels, wildcard);
    return dname_wildcard(wildcard, wildcard) == OK;
}

static bool gather_nsec(struct synthesis *s)
{
    struct cache *cache = s->r->parts.cache;
    const struct question *question = s->question;
    struct denial_found found;
    struct dname wildcard;
    struct nsec nsec;
    if (!cache_denial_nsec(cache, &s->asked, &question->qname, question->qtype, &found) ||
        nsec_read(found.rrset->rdata[0], &nsec) != OK)
        return false;
    add_found(s, &found);
    if (found.matches)
        return true;
    uint8_t owner = dname_common_labels(&question->qname, found.rrset->owner);
    uint8_t next = dname_common_labels(&question->qname, &nsec.next);
    s->encloser_labels = owner > next ? owner : next; /* both exist, and nothing between them does */
    if (wildcard_below_encloser(s, &wildcard) &&
        cache_denial_nsec(cache, &s->asked, &wildcard, question->qtype, &found)) {
        s->wildcard_stands = found.matches;
        add_found(s, &found);
    }
    return true;
}

/* The parameters of a chain, and what they make each name cost. */
struct chain {
    struct octets salt;
    uint16_t iterations;
};

/* false: out of budget, or no record speaks of the name. */
static bool find_nsec3(struct synthesis *s, const struct chain *chain, const struct dname *name,
                       struct denial_found *found)
{
    uint8_t hash[NSEC3_HASH_OCTETS];
    if (!budget_take_hashes(&s->q->synthesis, denial_hash_cost(chain->salt, chain->iterations)))
        return false;
    nsec3_hash(name, chain->salt, chain->iterations, hash);
    return cache_denial_nsec3(s->r->parts.cache, &s->asked, hash, s->question->qtype, found);
}

/* From qname upwards: the first name that matches is the closest encloser, the one before it must be covered (RFC 5155
 * section 8.3). */
static bool find_encloser(struct synthesis *s, const struct chain *chain)
{
    const struct dname *qname = &s->question->qname;
    struct denial_found found, next_closer = { .rrset = NULL };
    for (s->encloser_labels = qname->labels;; s->encloser_labels--) {
        struct dname name;
        dname_suffix(qname, s->encloser_labels, &name);
        bool is_known = find_nsec3(s, chain, &name, &found);
        if (is_known && found.matches)
            break;
        if (s->encloser_labels == s->zone.labels)
            return false;
        next_closer = is_known ? found : (struct denial_found) { .rrset = NULL };
    }
    if (next_closer.rrset != NULL)
        add_found(s, &next_closer);
    add_found(s, &found);
    return next_closer.rrset != NULL || s->encloser_labels == qname->labels;
}

static bool read_chain(const struct synthesis *s, struct chain *chain)
{
    return cache_denial_nsec3_chain(s->r->parts.cache, &s->asked, &chain->salt, &chain->iterations) &&
           chain->iterations <= s->r->parts.policy->nsec3_iterations;
}

static bool gather_nsec3(struct synthesis *s)
{
    struct chain chain;
    struct dname wildcard;
    struct denial_found found;
    s->is_nsec3 = true;
    s->count = 0;
    if (!read_chain(s, &chain) || !find_encloser(s, &chain))
        return false;
    if (s->found[0].matches)
        return true;
    if (wildcard_below_encloser(s, &wildcard) && find_nsec3(s, &chain, &wildcard, &found)) {
        s->wildcard_stands = found.matches;
        add_found(s, &found);
    }
    return true;
}

/* ---- what do they prove? ---- */

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* The answer rests on this record, too, and ends with it (RFC 8198 section 5.4). */
static void rest_on(struct answer *answer, const struct denial_found *found)
{
    struct verdict *verdict = &answer->verdict;
    answer->expires_ms = earlier(answer->expires_ms, found->expires_ms);
    verdict->valid_until_s = earlier(verdict->valid_until_s, found->expires_ms / 1000);
    lineage_merge(&verdict->lineage, &found->lineage);
    answer->proofs.items[answer->proofs.count++] = found->rrset;
}

static void make_room_for_proofs(const struct synthesis *s, struct answer *answer)
{
    enum { SOA = 1 };
    answer->proofs = (struct rrset_list) { ARENA_ARRAY(s->q->arena, FOUND_MAX + SOA, struct rrset *), 0 };
}

static struct answer *negative(const struct synthesis *s, enum answer_kind kind)
{
    struct denial_found soa;
    if (!cache_denial_soa(s->r->parts.cache, &s->asked, &soa))
        return NULL;
    struct answer *answer = ARENA_NEW(s->q->arena, struct answer);
    *answer = (struct answer) {
        .question = *s->question,
        .kind = kind,
        .rcode = kind == ANSWER_NXDOMAIN ? RCODE_NXDOMAIN : RCODE_NOERROR,
        .origin = s->asked.origin,
        .zone = s->zone,
        .target = *dname_root(),
        .received_ms = now_wall_s(s->asked.now) * 1000,
        .expires_ms = INT64_MAX,
        .verdict = verdict_of(SECURE, site_synthesis),
    };
    make_room_for_proofs(s, answer);
    rest_on(answer, &soa);
    for (uint16_t i = 0; i < s->count; i++)
        rest_on(answer, &s->found[i]);
    return answer;
}

static struct answer *conclude(const struct synthesis *s, enum synthesis_kind *kind)
{
    const struct dname *qname = &s->question->qname;
    struct budget *budget = &s->q->synthesis;
    const struct rrset *sets[FOUND_MAX];
    for (uint16_t i = 0; i < s->count; i++)
        sets[i] = s->found[i].rrset;
    struct denial denial = { &s->zone, sets, s->count, s->r->parts.policy->nsec3_iterations };
    *kind = SYNTHESIS_NXDOMAIN;
    if (!s->found[0].matches && !s->wildcard_stands && denial_name_error(&denial, qname, budget) == PROOF_GOOD)
        return negative(s, ANSWER_NXDOMAIN);
    *kind = SYNTHESIS_NODATA;
    enum proof proof = denial_no_data(&denial, qname, s->question->qtype, budget);
    if (proof == PROOF_GOOD || proof == PROOF_INSECURE_DELEGATION)
        return negative(s, ANSWER_NODATA);
    return NULL;
}

/* ---- wildcards ---- */

/* The zone that proves the gap must hold the wildcard as well: to NSEC3, names below a cut are gaps like all others. */
static bool is_signed_by(const struct rrset *rrset, const struct dname *zone)
{
    for (uint16_t i = 0; i < rrset->sig_count; i++) {
        struct rrsig sig;
        if (rrsig_read(rrset->sigs[i], &sig) != OK || !dname_equal(&sig.signer, zone))
            return false;
    }
    return rrset->sig_count > 0;
}

/* What the cache knows of the wildcard below the encloser: one set of records, not what stands for it. */
static struct answer *find_wildcard(const struct synthesis *s)
{
    struct question question = *s->question;
    struct answer *answer;
    if (!wildcard_below_encloser(s, &question.qname) ||
        cache_find_answer(s->r->parts.cache, &question, s->asked.origin, s->asked.now, s->q->arena, &answer) !=
            CACHE_FRESH ||
        answer->verdict.security != SECURE || (answer->kind != ANSWER_DATA && answer->kind != ANSWER_CNAME) ||
        answer->rrsets.count != 1 || !dname_equal(answer->rrsets.items[0]->owner, &question.qname) ||
        !is_signed_by(answer->rrsets.items[0], &s->zone))
        return NULL;
    return answer;
}

/* Nothing stands between the encloser and qname (RFC 4035 section 5.3.4, RFC 5155 section 8.8).  That the encloser
 * exists the wildcard shows. */
static bool find_gap(struct synthesis *s, struct denial_found *found)
{
    const struct question *question = s->question;
    struct chain chain;
    struct dname next_closer;
    dname_suffix(&question->qname, (uint8_t)(s->encloser_labels + 1), &next_closer);
    s->is_nsec3 = !cache_denial_nsec(s->r->parts.cache, &s->asked, &question->qname, question->qtype, found);
    if (s->is_nsec3 && !(read_chain(s, &chain) && find_nsec3(s, &chain, &next_closer, found)))
        return false;
    const struct rrset *set = found->rrset;
    struct denial denial = { &s->zone, &set, 1, s->r->parts.policy->nsec3_iterations };
    return !found->matches &&
           denial_wildcard_expansion(&denial, &question->qname, s->encloser_labels, &s->q->synthesis) == PROOF_GOOD;
}

/* RFC 8198 section 5.3: the wildcard that is nearest. */
static struct answer *expand(struct synthesis *s)
{
    struct denial_found gap;
    struct answer *answer = NULL;
    int labels = s->question->qname.labels;
    for (unsigned tried = 0; labels-- > s->zone.labels && tried < WILDCARDS_TRIED_MAX && answer == NULL; tried++) {
        s->encloser_labels = (uint8_t)labels;
        answer = find_wildcard(s);
    }
    if (answer == NULL || !find_gap(s, &gap))
        return NULL;
    answer->question = *s->question;
    answer->rrsets.items[0]->owner = &answer->question.qname;
    make_room_for_proofs(s, answer);
    rest_on(answer, &gap);
    return answer_set_target(answer) ? answer : NULL;
}

/* ---- the whole ---- */

/* RFC 8020: the proof for the name above is one for all names below it. */
static struct answer *below_nxdomain(const struct synthesis *s)
{
    struct answer *answer =
        cache_find_nxdomain_above(s->r->parts.cache, s->question, s->asked.origin, s->asked.now, s->q->arena);
    if (answer == NULL)
        return NULL;
    answer->question = *s->question;
    s->r->stats.synthesised_cut++;
    return answer;
}

/* A DS set is the parent's (RFC 4035 section 3.1.4.1). */
static bool find_zone(struct synthesis *s)
{
    struct dname from = s->question->qname;
    if (s->question->qtype == TYPE_DS) {
        if (dname_is_root(&from))
            return false;
        dname_parent(&from, &from);
    }
    return cache_denial_zone(s->r->parts.cache, &from, s->asked.origin, &s->zone);
}

struct answer *synthesise(struct resolver *r, struct request *q, const struct question *question, struct now now)
{
    struct synthesis s = { .r = r, .q = q, .question = question };
    s.asked = (struct denial_asked) { &s.zone, resolver_origin(r->parts.options, question), now, q->arena };
    if (!is_proven_here(r, question, now))
        return NULL;
    struct answer *answer = synthesis_may_cut(r->parts.options, question, s.asked.origin) ? below_nxdomain(&s) : NULL;
    if (answer != NULL || !may_be_aggressive(r->parts.options, question, s.asked.origin))
        return answer;
    if (!find_zone(&s) || is_delegated(&s))
        return NULL;
    enum synthesis_kind kind;
    if (gather_nsec(&s))
        answer = conclude(&s, &kind);
    if (answer == NULL && gather_nsec3(&s))
        answer = conclude(&s, &kind);
    if (answer == NULL) {
        kind = SYNTHESIS_WILDCARD;
        answer = expand(&s);
    }
    if (answer != NULL)
        r->stats.synthesised[s.is_nsec3][kind]++;
    return answer;
}

/* ---- learning of wildcards ---- */

/* The labels of the name that the wildcard stands below, if all signatures say the same. */
static bool was_expanded(const struct rrset *rrset, uint8_t *encloser_labels)
{
    for (uint16_t i = 0; i < rrset->sig_count; i++) {
        struct rrsig sig;
        if (rrsig_read(rrset->sigs[i], &sig) != OK || (i > 0 && sig.labels != *encloser_labels))
            return false;
        *encloser_labels = sig.labels;
    }
    return rrset->sig_count > 0 && *encloser_labels < rrset->owner->labels - dname_is_wildcard(rrset->owner);
}

void synthesis_learn(struct resolver *r, struct request *q, const struct answer *answer, struct now now)
{
    uint8_t encloser_labels = 0;
    struct answer learnt = *answer;
    if (answer->verdict.security != SECURE || (answer->kind != ANSWER_DATA && answer->kind != ANSWER_CNAME) ||
        answer->rrsets.count != 1 || !is_proven_here(r, &answer->question, now) ||
        !may_be_aggressive(r->parts.options, &answer->question, answer->origin) ||
        !was_expanded(answer->rrsets.items[0], &encloser_labels))
        return;
    struct rrset rrset = *answer->rrsets.items[0], *item = &rrset;
    dname_suffix(&answer->question.qname, encloser_labels, &learnt.question.qname);
    if (dname_wildcard(&learnt.question.qname, &learnt.question.qname) != OK)
        return;
    rrset.owner = &learnt.question.qname;
    learnt.rrsets = (struct rrset_list) { &item, 1 };
    learnt.proofs = (struct rrset_list) { NULL, 0 }; /* asked for by its own name it needs none */
    cache_put_answer_since(r->parts.cache, &learnt, q->epoch, now);
}
