#include "validator/chain.h"

#include <string.h>

#include "validator/delegation.h"
#include "validator/finding.h"
#include "validator/link.h"
#include "validator/memo.h"
#include "validator/negative.h"

enum {
    /* below a secure zone in search of a cut: in ip6.arpa from a provider's /32 to beyond a customer's /64 */
    LABELS_WALKED_MAX = 12,
};

static enum judgement need(struct judge *judge, const struct dname *name, uint16_t type)
{
    *judge->need_name = *name;
    *judge->need_type = type;
    return JUDGE_NEEDS;
}

enum fact chain_find(const struct judge *judge, const struct dname *name, uint16_t type, struct answer **answer,
                     struct fact_failure *failure)
{
    const struct question *own = &judge->self->question;
    if (own->qtype == type && dname_equal(&own->qname, name)) {
        *answer = judge->self;
        return FACT_KNOWN;
    }
    *failure = (struct fact_failure) { EDE_NO_REACHABLE_AUTHORITY, NULL };
    return judge->v->facts->find(judge->v->facts->context, name, type, answer, failure);
}

static void zone_fail(struct zone *zone, struct judge *judge, int ede, const char *site, uint16_t type,
                      const char *words)
{
    char type_text[RR_TYPE_TEXT_MAX];
    zone->state = ZONE_FAILED;
    verdict_fail(&zone->verdict, judge->v->arena, BOGUS, ede, site, &zone->name, type, "%s %s %s",
                 rr_type_to_text(type, type_text), name_text(judge->v->arena, &zone->name), words);
}

/* RFC 4035 section 4.3 (Indeterminate): what is needed cannot be had. */
static void zone_fail_unavailable(struct zone *zone, struct judge *judge, uint16_t type,
                                  const struct fact_failure *failure)
{
    char type_text[RR_TYPE_TEXT_MAX];
    bool has_text = failure->text != NULL && failure->text[0] != '\0';
    zone->state = ZONE_FAILED;
    verdict_fail(&zone->verdict, judge->v->arena, INDETERMINATE, failure->ede, SITE_FACT_UNAVAILABLE, &zone->name, type,
                 "%s %s cannot be had%s%s", rr_type_to_text(type, type_text), name_text(judge->v->arena, &zone->name),
                 has_text ? ": " : "", has_text ? failure->text : "");
}

bool chain_covers(const struct judge *judge, const struct dname *name, struct dname *anchor, struct verdict *verdict)
{
    enum coverage coverage = trust_covers(judge->v->trust, name, judge->v->now, anchor);
    if (coverage == COVERAGE_ANCHOR)
        return true;
    *verdict = verdict_new();
    const char *text = name_text(judge->v->arena, anchor);
    if (coverage == COVERAGE_NEGATIVE) {
        verdict_state(verdict, INSECURE, EDE_NEGATIVE_TRUST_ANCHOR, "negative-anchor", "negative trust anchor at %s",
                      text);
        lineage_add(&verdict->lineage, key_id(anchor, (struct octets) { NULL, 0 })); /* dies with the anchor */
    } else if (coverage == COVERAGE_INSECURE) {
        verdict_state(verdict, INSECURE, EDE_NONE, "insecure-zone", "%s is configured as insecure", text);
    } else {
        verdict_state(verdict, INSECURE, EDE_NONE, "no-anchor", "no trust anchor above");
    }
    return false;
}

static struct signature_means means_of(const struct validation *v)
{
    return (struct signature_means) { v->arena, v->budget, v->verifier, v->policy, v->now, v->watch };
}

static bool holds_key(const struct rrset *dnskeys, struct octets key)
{
    for (uint16_t i = 0; i < dnskeys->count; i++)
        if (octets_equal(dnskeys->rdata[i], key))
            return true;
    return false;
}

/* A key that has verified something counts only while it is in the zone's validated set. */
static bool holds_keys(const struct rrset *dnskeys, const struct signature_result *result)
{
    for (; result != NULL; result = result->other)
        if (!holds_key(dnskeys, result->key))
            return false;
    return true;
}

static struct signer_keys keys_of_algorithm(struct arena *arena, const struct signer_keys *keys, uint8_t algorithm)
{
    struct signer_keys picked = *keys;
    struct octets *rdata = ARENA_ARRAY(arena, keys->count, struct octets);
    struct dnskey key;
    picked.rdata = rdata;
    picked.count = 0;
    for (uint16_t i = 0; i < keys->count; i++)
        if (dnskey_read(keys->rdata[i], &key) == OK && key.algorithm == algorithm)
            rdata[picked.count++] = keys->rdata[i];
    return picked;
}

/* By any key, or by one of each algorithm that is demanded: the first one that is missing decides. */
static void verify(const struct validation *v, const struct rrset *rrset, const struct signer_keys *keys,
                   const struct zone *zone, struct signature_result *result)
{
    struct signature_means means = means_of(v);
    const struct signature_result *other = NULL;
    if (zone->demanded_count == 0) {
        rrset_verify(&means, rrset, keys, result);
        return;
    }
    for (uint8_t i = 0; i < zone->demanded_count; i++) {
        struct signer_keys picked = keys_of_algorithm(v->arena, keys, zone->demanded[i]);
        rrset_verify(&means, rrset, &picked, result);
        if (result->fault == FAULT_KEY_MISSING)
            result->fault = FAULT_NOT_BY_ALL;
        if (result->fault != FAULT_NONE || result->out_of_budget)
            return;
        result->other = other;
        other = arena_copy(v->arena, result, sizeof(*result));
    }
}

enum judgement chain_verify(struct judge *judge, const struct rrset *rrset, const struct zone *zone,
                            struct signature_result *result)
{
    const struct validation *v = judge->v;
    struct signer_keys keys = { .zone = &zone->name, .rdata = zone->rrset->rdata, .count = zone->rrset->count };
    const struct signature_result *known = memo_signature(v->memo, rrset, &zone->name);
    if (known != NULL && (known->fault != FAULT_NONE || holds_keys(zone->rrset, known))) {
        *result = *known;
        return JUDGED;
    }
    if (budget_turn_is_over(v->budget))
        return JUDGE_TURN;
    verify(v, rrset, &keys, zone, result);
    if (result->has_rrsig && !result->out_of_budget)
        memo_put_signature(v->memo, rrset, result);
    return JUDGED;
}

/* ---- the keys of a zone ---- */

/* What may vouch for keys at an anchor: zone->state is ZONE_FAILED if nothing may. */
static void vouchers_at_anchor(struct judge *judge, struct zone *zone, struct vouchers *vouchers)
{
    const struct validation *v = judge->v;
    size_t count = vouchers_of_anchors(v->policy, v->trust, &zone->name, v->now, vouchers);
    if (count == 0)
        zone_fail(zone, judge, EDE_DNSKEY_MISSING, "anchor-outside-validity", TYPE_DNSKEY,
                  "has no trust anchor that is valid now");
    else if (vouchers->count == 0) /* the operator asked for what cannot be done: closed, not open */
        zone_fail(zone, judge, EDE_UNSUPPORTED_DNSKEY_ALGORITHM, "anchor-unsupported", TYPE_DNSKEY,
                  "has no trust anchor of a supported algorithm");
}

/* RFC 4035 section 5.2: one of the vouched-for keys has signed the whole set; any such path will do (RFC 6840 section
 * 5.11).  Fills state, rrset and verdict. */
static enum judgement judge_key_set(struct judge *judge, const struct rrset *dnskeys, const struct vouchers *vouchers,
                                    struct zone *zone)
{
    const struct validation *v = judge->v;
    struct octets vouched[DNSKEYS_PER_ZONE_MAX];
    struct signature_result result;
    struct signer_keys keys = { .zone = &zone->name, .rdata = vouched };
    keys.count = vouched_keys(v->policy, vouchers, dnskeys, vouched);
    if (keys.count == 0) {
        zone_fail(zone, judge, EDE_DNSKEY_MISSING, "dnskey-no-match", TYPE_DNSKEY,
                  "has no key that the DS set or trust anchor names");
        return JUDGED;
    }
    if (budget_turn_is_over(v->budget))
        return JUDGE_TURN;
    verify(v, dnskeys, &keys, zone, &result);
    if (result.out_of_budget) {
        verdict_fail_budget(&zone->verdict, v->arena, v->budget, &zone->name, TYPE_DNSKEY);
        zone->state = ZONE_FAILED;
    } else if (result.fault == FAULT_KEY_MISSING) {
        zone_fail(zone, judge, EDE_RRSIGS_MISSING, "dnskey-unsigned-by-ksk", TYPE_DNSKEY,
                  "is not signed by a key that the DS set or trust anchor names");
    } else if (result.fault != FAULT_NONE) {
        verdict_fail_signature(&zone->verdict, v->arena, dnskeys, &zone->name, &result, v->now);
        zone->state = ZONE_FAILED;
    } else if (rrsig_is_expanded(&result.rrsig, dnskeys->owner)) {
        zone_fail(zone, judge, EDE_BOGUS, "dnskey-from-wildcard", TYPE_DNSKEY, "was expanded from a wildcard");
    } else {
        verdict_rest_on_signature(&zone->verdict, &zone->name, &result, v->now);
        zone->state = ZONE_SECURE;
        zone->rrset = dnskeys;
    }
    return JUDGED;
}

/* From the verdict of an answer that was judged before. */
static void zone_from_verdict(struct zone *zone, const struct verdict *verdict, const struct rrset *rrset)
{
    zone->verdict = verdict_from(verdict);
    zone->rrset = rrset;
    zone->state = verdict->security == SECURE     ? ZONE_SECURE
                  : verdict->security == INSECURE ? ZONE_INSECURE
                                                  : ZONE_FAILED;
}

static uint8_t algorithm_of(const struct voucher *voucher)
{
    struct dnskey key;
    if (voucher->type == TYPE_DS)
        return voucher->ds.algorithm;
    return dnskey_read(voucher->dnskey, &key) == OK ? key.algorithm : 0;
}

/* What RFC 6840 section 5.11 advises against, and the operator wants: each algorithm that the zone is vouched for by
 * counts. */
static void demand_all(const struct vouchers *vouchers, struct zone *zone)
{
    for (uint16_t i = 0; i < vouchers->count; i++) {
        uint8_t algorithm = algorithm_of(&vouchers->list[i]);
        if (memchr(zone->demanded, algorithm, zone->demanded_count) == NULL)
            zone->demanded[zone->demanded_count++] = algorithm;
    }
}

/* zone is ZONE_SECURE by its DS set or anchor, which names the vouchers. */
static enum judgement judge_keys_fact(struct judge *judge, enum fact fact, struct answer *answer,
                                      const struct fact_failure *failure, const struct vouchers *vouchers,
                                      struct zone *zone)
{
    if (fact == FACT_MISSING)
        return need(judge, &zone->name, TYPE_DNSKEY);
    if (fact == FACT_FAILED) {
        zone_fail_unavailable(zone, judge, TYPE_DNSKEY, failure);
        return JUDGED;
    }
    const struct rrset *dnskeys = link_data(answer, &zone->name, TYPE_DNSKEY);
    enum judgement judgement = JUDGED;
    if (dnskeys != NULL)
        judgement = judge_key_set(judge, dnskeys, vouchers, zone);
    else
        zone_fail(zone, judge, EDE_DNSKEY_MISSING, "dnskey-none", TYPE_DNSKEY,
                  "does not exist although a DS set or trust anchor names keys");
    if (judgement == JUDGED && zone->verdict.security != INDETERMINATE) {
        answer->verdict = zone->verdict;
        answer->verdict_is_new = true;
    }
    return judgement;
}

bool chain_fails_closed(struct judge *judge, const struct dname *holder, struct verdict *verdict)
{
    struct zone zone = { .state = ZONE_SECURE, .verdict = verdict_new() };
    struct vouchers vouchers;
    if (!chain_covers(judge, holder, &zone.name, verdict))
        return false;
    vouchers_at_anchor(judge, &zone, &vouchers);
    *verdict = zone.verdict;
    return zone.state == ZONE_FAILED;
}

/* What the parent says of a cut at name: its DS set.  name is not the root.  Judging that set needs the parent's
 * keys. */
static enum judgement judge_cut(struct judge *judge, const struct dname *name, struct zone *zone);

/* Where the chain comes to the zone: zone->state is ZONE_SECURE if there are any. */
static enum judgement find_vouchers(struct judge *judge, struct zone *zone, struct vouchers *vouchers)
{
    struct dname anchor, name = zone->name;
    if (!chain_covers(judge, &name, &anchor, &zone->verdict)) {
        zone->state = ZONE_INSECURE;
        return JUDGED;
    }
    if (dname_equal(&anchor, &name)) {
        vouchers_at_anchor(judge, zone, vouchers);
        return JUDGED;
    }
    enum judgement judgement = judge_cut(judge, &name, zone);
    if (judgement == JUDGED && zone->state == ZONE_SECURE)
        vouchers_of_ds(judge->v->policy, zone->rrset, vouchers);
    return judgement;
}

/* The keys have been judged: what they must sign with is for their vouchers to say. */
static enum judgement demand_of_judged(struct judge *judge, struct zone *zone)
{
    struct zone cut = { .name = zone->name, .state = ZONE_SECURE, .verdict = verdict_new() };
    struct vouchers vouchers;
    if (!judge->v->policy->demands_all || zone->state != ZONE_SECURE)
        return JUDGED;
    enum judgement judgement = find_vouchers(judge, &cut, &vouchers);
    if (judgement == JUDGED && cut.state == ZONE_SECURE)
        demand_all(&vouchers, zone);
    return judgement;
}

enum judgement chain_keys(struct judge *judge, const struct dname *name, struct zone *zone)
{
    struct answer *answer = NULL;
    struct fact_failure failure;
    struct vouchers vouchers;
    enum fact fact = chain_find(judge, name, TYPE_DNSKEY, &answer, &failure);
    *zone = (struct zone) { .name = *name, .state = ZONE_SECURE, .verdict = verdict_new() };
    if (fact == FACT_KNOWN && answer->verdict.security != UNCHECKED && link_data(answer, name, TYPE_DNSKEY) != NULL) {
        zone_from_verdict(zone, &answer->verdict, link_data(answer, name, TYPE_DNSKEY));
        return demand_of_judged(judge, zone);
    }
    enum judgement judgement = find_vouchers(judge, zone, &vouchers);
    if (judgement != JUDGED || zone->state != ZONE_SECURE)
        return judgement;
    if (judge->v->policy->demands_all)
        demand_all(&vouchers, zone);
    return judge_keys_fact(judge, fact, answer, &failure, &vouchers, zone);
}

/* ---- what the parent says ---- */

/* The DS set is Secure: what does it demand of the child? */
static void judge_ds_set(struct judge *judge, struct zone *zone)
{
    struct vouchers vouchers;
    vouchers_of_ds(judge->v->policy, zone->rrset, &vouchers);
    if (vouchers.count > 0)
        return;
    zone->state = ZONE_INSECURE; /* RFC 4035 section 5.2 */
    verdict_state(&zone->verdict, INSECURE, vouchers.ede, "ds-unsupported", "DS %s: no supported %s (%u)",
                  name_text(judge->v->arena, &zone->name),
                  vouchers.ede == EDE_UNSUPPORTED_DS_DIGEST ? "digest" : "algorithm", vouchers.unsupported);
}

/* The denial of a DS set is Secure: is there a cut? */
static enum judgement judge_no_ds(struct judge *judge, struct answer *answer, struct zone *zone)
{
    switch (negative_proof(judge, answer)) {
    case PROOF_INSECURE_DELEGATION:
        zone->state = ZONE_INSECURE;
        verdict_state(&zone->verdict, INSECURE, EDE_NONE, "insecure-delegation", "%s is delegated without DS",
                      name_text(judge->v->arena, &zone->name));
        return JUDGED;
    case PROOF_GOOD:
        zone->state = answer->kind == ANSWER_NXDOMAIN ? ZONE_NO_NAME : ZONE_NO_CUT;
        return JUDGED;
    case PROOF_NXNAME:
        zone->state = ZONE_NO_NAME;
        return JUDGED;
    case PROOF_OPT_OUT:
    case PROOF_ITERATIONS: /* Secure is no verdict for these: the answer came from elsewhere, or policy changed */
        zone->state = ZONE_INSECURE;
        verdict_state(&zone->verdict, INSECURE, EDE_NONE, "opt-out", "%s may be delegated without DS",
                      name_text(judge->v->arena, &zone->name));
        return JUDGED;
    case PROOF_TURN:
        return JUDGE_TURN;
    case PROOF_BUDGET:
        zone->state = ZONE_FAILED;
        verdict_fail_budget(&zone->verdict, judge->v->arena, judge->v->budget, &zone->name, TYPE_DS);
        return JUDGED;
    case PROOF_NONE:
        break;
    }
    zone_fail(zone, judge, EDE_NSEC_MISSING, "nsec-missing", TYPE_DS, "is denied without proof");
    return JUDGED;
}

/* *found: what was asked for, FACT_KNOWN only. */
static enum judgement judge_delegation(struct judge *judge, const struct dname *name, struct zone *zone,
                                       struct answer **found)
{
    struct fact_failure failure;
    enum fact fact = chain_find(judge, name, TYPE_DS, found, &failure);
    *zone = (struct zone) { .name = *name, .state = ZONE_SECURE, .verdict = verdict_new() };
    if (fact == FACT_MISSING)
        return need(judge, name, TYPE_DS);
    if (fact == FACT_FAILED) {
        zone_fail_unavailable(zone, judge, TYPE_DS, &failure);
        return JUDGED;
    }
    struct answer *answer = *found;
    struct verdict verdict;
    enum judgement judgement = link_judge(judge, answer, &verdict);
    if (judgement != JUDGED)
        return judgement;
    zone_from_verdict(zone, &verdict, link_data(answer, name, TYPE_DS));
    if (zone->state != ZONE_SECURE)
        return JUDGED;
    if (answer->kind == ANSWER_NODATA || answer->kind == ANSWER_NXDOMAIN)
        return judge_no_ds(judge, answer, zone);
    if (answer->kind != ANSWER_DATA) { /* an alias, or a name below a DNAME: the parent's own data */
        zone->state = ZONE_NO_CUT;
        return JUDGED;
    }
    if (zone->rrset == NULL)
        zone_fail(zone, judge, EDE_INVALID_DATA, "not-an-answer", TYPE_DS, "was answered with something else");
    else
        judge_ds_set(judge, zone);
    return JUDGED;
}

/* What the parent says holds as long as it is known, whatever the TTL of what is judged by it. */
static void note_insecurity(struct judge *judge, const struct zone *zone, const struct answer *answer)
{
    int64_t until_s = answer->expires_ms / 1000;
    if (zone->verdict.valid_until_s < until_s)
        until_s = zone->verdict.valid_until_s;
    if (until_s < judge->insecure_until_s)
        judge->insecure_until_s = until_s;
}

static enum judgement judge_cut(struct judge *judge, const struct dname *name, struct zone *zone)
{
    struct answer *answer = NULL;
    enum judgement judgement = judge_delegation(judge, name, zone, &answer);
    if (judgement == JUDGED && zone->state == ZONE_INSECURE)
        note_insecurity(judge, zone, answer);
    return judgement;
}

/* ---- down from a secure zone ---- */

/* The next name between `at` and `name` where a cut is known to be.  What facts say is a hint: it must lead on. */
static bool next_known_cut(struct judge *judge, const struct dname *at, const struct dname *name, struct dname *cut)
{
    const struct facts *facts = judge->v->facts;
    return facts->next_cut(facts->context, at, name, cut) && dname_is_below(cut, at) && dname_is_subdomain(name, cut);
}

/* Behind the last known cut, which is looked for once, label by label. */
static void next_name(struct judge *judge, const struct dname *at, const struct dname *name, bool *more_cuts,
                      struct dname *next)
{
    *more_cuts = *more_cuts && next_known_cut(judge, at, name, next);
    if (!*more_cuts)
        dname_suffix(name, (uint8_t)(at->labels + 1), next);
}

static void fail_unsigned(struct judge *judge, const struct unsigned_data *data, const struct dname *secure,
                          struct verdict *verdict)
{
    struct arena *arena = judge->v->arena;
    char type[RR_TYPE_TEXT_MAX];
    verdict_fail(verdict, arena, BOGUS, data->ede, data->site, data->owner, data->type, "%s %s %s, but %s is signed",
                 name_text(arena, data->owner), rr_type_to_text(data->type, type), data->words,
                 name_text(arena, secure));
}

enum judgement chain_insecurity(struct judge *judge, const struct dname *from, const struct unsigned_data *data,
                                struct verdict *verdict)
{
    struct zone zone;
    struct dname at = *from, secure = *from, next;
    bool more_cuts = true;
    unsigned walked = 0;
    enum judgement judgement = chain_keys(judge, from, &zone);
    if (judgement != JUDGED)
        return judgement;
    while (zone.state != ZONE_NO_NAME && !dname_equal(&at, data->name)) {
        if (zone.state == ZONE_INSECURE || zone.state == ZONE_FAILED)
            break;
        next_name(judge, &at, data->name, &more_cuts, &next);
        if (!more_cuts && walked++ == LABELS_WALKED_MAX)
            break;
        at = next;
        judgement = judge_cut(judge, &at, &zone);
        if (judgement == JUDGED && zone.state == ZONE_SECURE) {
            walked = 0;
            secure = at;
            judgement = chain_keys(judge, &at, &zone); /* broken ones are the root cause of all that is wrong below */
        }
        if (judgement != JUDGED)
            return judgement;
    }
    *verdict = verdict_from(&zone.verdict);
    if (zone.state != ZONE_INSECURE && zone.state != ZONE_FAILED)
        fail_unsigned(judge, data, &secure, verdict);
    return JUDGED;
}

enum judgement chain_cut_below(struct judge *judge, const struct dname *signer, const struct dname *holder,
                               struct zone *zone)
{
    struct dname at = *signer, cut;
    while (next_known_cut(judge, &at, holder, &cut)) {
        enum judgement judgement = judge_cut(judge, &cut, zone);
        if (judgement != JUDGED || (zone->state != ZONE_NO_CUT && zone->state != ZONE_NO_NAME))
            return judgement;
        at = cut;
    }
    zone->name = *signer;
    zone->state = ZONE_NO_CUT;
    return JUDGED;
}
