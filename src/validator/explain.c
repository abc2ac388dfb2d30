/* The chain of trust for people, from what is known: no public-key operation, no question. */
#include "validator/delegation.h"
#include "validator/link.h"
#include "validator/memo.h"

/* What is known of one name on the way. */
struct known {
    const struct answer *ds; /* NULL: not known */
    const struct answer *dnskey;
};

static const struct answer *known_fact(const struct judge *judge, const struct dname *name, uint16_t type)
{
    struct answer *answer = NULL;
    struct fact_failure failure;
    return chain_find(judge, name, type, &answer, &failure) == FACT_KNOWN ? answer : NULL;
}

static bool is_unsigned_cut(const struct judge *judge, const struct answer *ds)
{
    enum proof proof;
    return memo_proof(judge->v->memo, ds, &proof) && proof == PROOF_INSECURE_DELEGATION;
}

static bool is_cut(const struct judge *judge, const struct dname *name, const struct answer *ds)
{
    if (ds == NULL)
        return false;
    return link_data(ds, name, TYPE_DS) != NULL || ds->verdict.security == INSECURE || is_unsigned_cut(judge, ds);
}

static const char *how_of(const struct judge *judge, const struct known *known, const struct dname *name)
{
    if (known->ds == NULL)
        return "trust anchor";
    if (is_unsigned_cut(judge, known->ds))
        return "no DS: proven";
    if (link_data(known->ds, name, TYPE_DS) == NULL)
        return known->ds->verdict.site;
    return known->ds->verdict.security == SECURE ? "DS secure" : "DS not secure";
}

static void explain_ds(const struct judge *judge, const struct rrset *ds_set, const struct rrset *dnskeys,
                       struct explained_cut *cut)
{
    const struct crypto_policy *policy = judge->v->policy;
    for (uint16_t i = 0; i < ds_set->count && cut->ds_count < EXPLAINED_KEYS_MAX; i++) {
        struct ds ds;
        if (ds_read(ds_set->rdata[i], &ds) != OK)
            continue;
        bool usable = algorithm_is_usable(policy, ds.algorithm) && digest_is_usable(policy, ds.digest_type);
        bool matched = false;
        for (uint16_t k = 0; usable && dnskeys != NULL && k < dnskeys->count && k < EXPLAINED_KEYS_MAX; k++)
            matched |= ds_matches(policy->digests[ds.digest_type], &ds, ds_set->owner, dnskeys->rdata[k]);
        cut->ds[cut->ds_count].key_tag = ds.key_tag;
        cut->ds[cut->ds_count].algorithm = ds.algorithm;
        cut->ds[cut->ds_count].digest_type = ds.digest_type;
        cut->ds[cut->ds_count].usable = usable;
        cut->ds[cut->ds_count].matched = matched;
        cut->ds_count++;
    }
}

static bool rests_on(const struct verdict *verdict, uint64_t key)
{
    for (uint16_t i = 0; i < verdict->lineage.count; i++)
        if (verdict->lineage.keys[i] == key)
            return true;
    return false;
}

static bool contains(const struct octets *list, uint16_t count, struct octets octets)
{
    for (uint16_t i = 0; i < count; i++)
        if (octets_equal(list[i], octets))
            return true;
    return false;
}

static void explain_keys(const struct judge *judge, const struct answer *answer, const struct rrset *dnskeys,
                         const struct vouchers *vouchers, struct explained_cut *cut)
{
    struct octets vouched[DNSKEYS_PER_ZONE_MAX];
    uint16_t vouched_count = vouched_keys(judge->v->policy, vouchers, dnskeys, vouched);
    for (uint16_t i = 0; i < dnskeys->count && cut->key_count < EXPLAINED_KEYS_MAX; i++) {
        struct dnskey key;
        if (dnskey_read(dnskeys->rdata[i], &key) != OK)
            continue;
        cut->keys[cut->key_count++] = (struct explained_key) {
            .key_tag = key.key_tag,
            .algorithm = key.algorithm,
            .flags = key.flags,
            .in_ds = contains(vouched, vouched_count, dnskeys->rdata[i]),
            .signed_set = rests_on(&answer->verdict, key_id(&cut->zone, dnskeys->rdata[i])),
        };
    }
}

static void explain_cut(const struct judge *judge, const struct known *known, struct explained_cut *cut)
{
    struct vouchers vouchers = { .count = 0 };
    const struct rrset *ds_set = known->ds != NULL ? link_data(known->ds, &cut->zone, TYPE_DS) : NULL;
    const struct rrset *dnskeys = known->dnskey != NULL ? link_data(known->dnskey, &cut->zone, TYPE_DNSKEY) : NULL;
    const struct validation *v = judge->v;
    if (cut->is_anchor)
        vouchers_of_anchors(v->policy, v->trust, &cut->zone, v->now, &vouchers);
    else if (ds_set != NULL)
        vouchers_of_ds(v->policy, ds_set, &vouchers);
    if (ds_set != NULL)
        explain_ds(judge, ds_set, dnskeys, cut);
    if (dnskeys != NULL)
        explain_keys(judge, known->dnskey, dnskeys, &vouchers, cut);
    cut->how = how_of(judge, known, &cut->zone);
    cut->security = known->ds != NULL ? known->ds->verdict.security : UNCHECKED;
    if (ds_set == NULL && known->ds != NULL)
        cut->security = INSECURE;
    if (dnskeys != NULL && known->dnskey->verdict.security != UNCHECKED)
        cut->security = known->dnskey->verdict.security;
}

/* The zones from the anchor down to name, as far as they are known. */
static void explain_cuts(const struct judge *judge, const struct dname *anchor, const struct dname *name,
                         struct explanation *explanation)
{
    explanation->cuts = ARENA_ARRAY(judge->v->arena, EXPLAINED_CUTS_MAX, struct explained_cut);
    for (unsigned labels = anchor->labels; labels <= name->labels && explanation->cut_count < EXPLAINED_CUTS_MAX;
         labels++) {
        struct explained_cut *cut = &explanation->cuts[explanation->cut_count];
        struct known known = { NULL, NULL };
        dname_suffix(name, (uint8_t)labels, &cut->zone);
        cut->is_anchor = labels == anchor->labels;
        if (!cut->is_anchor)
            known.ds = known_fact(judge, &cut->zone, TYPE_DS);
        if (!cut->is_anchor && !is_cut(judge, &cut->zone, known.ds))
            continue;
        known.dnskey = known_fact(judge, &cut->zone, TYPE_DNSKEY);
        explain_cut(judge, &known, cut);
        explanation->cut_count++;
    }
}

/* The signature over the data, or over its denial: the one that verified, else the first. */
static void explain_signature(const struct judge *judge, const struct answer *answer, struct explanation *explanation)
{
    const struct rrset_list *list = answer->rrsets.count > 0 ? &answer->rrsets : &answer->proofs;
    const struct rrset *rrset = list->count > 0 ? list->items[0] : NULL;
    for (uint16_t i = 0; rrset != NULL && i < rrset->sig_count && i < RRSIGS_PER_RRSET_MAX; i++) {
        struct rrsig sig;
        if (rrsig_read(rrset->sigs[i], &sig) != OK)
            continue;
        const struct signature_result *result = memo_signature(judge->v->memo, rrset, &sig.signer);
        bool decided = result != NULL && result->fault == FAULT_NONE;
        if (explanation->has_signature && !decided)
            continue;
        const struct rrsig *chosen = decided ? &result->rrsig : &sig;
        explanation->has_signature = true;
        explanation->key_tag = chosen->key_tag;
        explanation->algorithm = chosen->algorithm;
        explanation->inception = chosen->inception;
        explanation->expiration = chosen->expiration;
        explanation->signer = chosen->signer;
    }
}

struct explanation *validator_explain(const struct validation *validation, const struct answer *answer)
{
    /* judge.self is only read: link_judge() is never called from here. */
    struct judge judge = { validation, (struct answer *)answer, .insecure_until_s = INT64_MAX };
    struct explanation *explanation = ARENA_NEW(validation->arena, struct explanation);
    struct dname name = answer->question.qname, anchor;
    if (answer->verdict.explanation != NULL)
        *explanation = *answer->verdict.explanation;
    else
        explanation->signer = explanation->failed_name = *dname_root();
    explanation->cut_count = 0;
    explanation->has_signature = false;
    if (answer->question.qtype == TYPE_DS)
        dname_parent(&name, &name);
    if (trust_covers(validation->trust, &name, validation->now, &anchor) == COVERAGE_ANCHOR)
        explain_cuts(&judge, &anchor, &name, explanation);
    explain_signature(&judge, answer, explanation);
    return explanation;
}
