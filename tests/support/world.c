#include "tests/support/world.h"

#include <setjmp.h>
#include <stdlib.h>
#include <cmocka.h>

#include "message/testing.h"

enum { DAY_S = 86400, TTL_S = 3600 };

static struct dname parent_of(const struct dname *name)
{
    struct dname parent;
    dname_parent(name, &parent);
    return parent;
}

/* The deepest zone at or above name. */
static struct world_zone *zone_of(struct world *world, const struct dname *name)
{
    struct world_zone *best = NULL;
    for (uint16_t i = 0; i < world->zone_count; i++) {
        struct world_zone *zone = world->zones[i];
        if (dname_is_subdomain(name, &zone->name) && (best == NULL || zone->name.labels > best->name.labels))
            best = zone;
    }
    return best;
}

struct world_zone *world_zone(struct world *world, const char *name_text)
{
    struct dname name = name_of(name_text);
    struct world_zone *zone = zone_of(world, &name);
    assert_true(dname_equal(&zone->name, &name));
    return zone;
}

struct rrsig world_fields(struct world *world, const struct world_zone *zone, const struct rrset *rrset)
{
    return honest_fields(zone->key, rrset, &zone->name, (uint32_t)(world->now_s - DAY_S),
                         (uint32_t)(world->now_s + DAY_S));
}

void world_sign_as(struct world *world, const struct world_zone *zone, struct rrset *rrset, const struct rrsig *fields)
{
    rrset->sig_count = 0;
    add_signature(world->arena, rrset, sign_as(world->arena, zone->key, rrset, fields));
}

void world_sign(struct world *world, const struct world_zone *zone, struct rrset *rrset)
{
    struct rrsig fields = world_fields(world, zone, rrset);
    world_sign_as(world, zone, rrset, &fields);
}

struct rrset *world_add(struct world *world, struct world_zone *zone, const char *text)
{
    struct rrset *rrset = rrset_of(world->arena, text);
    assert_true(zone->count < WORLD_SETS_MAX);
    if (zone->key != NULL)
        world_sign(world, zone, rrset);
    zone->sets[zone->count++] = rrset;
    return rrset;
}

static struct rrset *make_rrset(struct world *world, const struct dname *owner, uint16_t type,
                                const struct octets *rdata, uint16_t count)
{
    struct rrset *rrset = ARENA_NEW(world->arena, struct rrset);
    *rrset = (struct rrset) {
        .owner = dname_copy(world->arena, owner),
        .type = type,
        .class = CLASS_IN,
        .count = count,
        .ttl_s = TTL_S,
        .rdata = arena_copy(world->arena, rdata, count * sizeof(*rdata)),
    };
    return rrset;
}

void world_set_ds(struct world *world, struct world_zone *zone, const struct octets *rdata, uint16_t count)
{
    struct dname parent = parent_of(&zone->name);
    zone->ds = make_rrset(world, &zone->name, TYPE_DS, rdata, count);
    world_sign(world, zone_of(world, &parent), zone->ds);
}

static struct world_zone *new_zone(struct world *world, const struct dname *name, uint8_t algorithm)
{
    struct world_zone *zone = ARENA_NEW(world->arena, struct world_zone);
    char text[DNAME_TEXT_MAX];
    assert_true(world->zone_count < WORLD_ZONES_MAX);
    zone->name = *name;
    world->zones[world->zone_count] = zone;
    if (algorithm != 0) {
        const struct signer *keys[1];
        zone->key = signer_new(algorithm, DNSKEY_ZONE | DNSKEY_SEP, world->zone_count + 1u);
        keys[0] = zone->key;
        zone->sets[zone->count++] = dnskey_rrset(world->arena, name, TTL_S, keys, 1);
        world_sign(world, zone, zone->sets[0]);
    }
    world->zone_count++;
    dname_to_text(name, text);
    world_add(world, zone, arena_printf(world->arena, "%s 900 SOA ns. host. 1 3600 900 86400 300", text));
    return zone;
}

struct world_zone *world_add_zone(struct world *world, const char *name_text, uint8_t algorithm)
{
    struct dname name = name_of(name_text);
    struct world_zone *zone = new_zone(world, &name, algorithm);
    if (zone->key != NULL) {
        struct octets ds = make_ds(world->arena, &name, signer_dnskey(zone->key), DIGEST_SHA256);
        world_set_ds(world, zone, &ds, 1);
    }
    return zone;
}

struct world *world_new(int64_t now_s)
{
    struct world *world = memory_new(1, sizeof(*world));
    struct crypto_options options = crypto_options_default();
    set_hash_secret();
    world->arena = arena_new();
    world->now_s = now_s;
    world->trust = trust_new();
    world->verifier = verifier_new();
    crypto_policy_make(&options, &world->policy);
    struct world_zone *root = new_zone(world, dname_root(), ALGORITHM_ECDSAP256SHA256);
    struct anchor anchor = { .zone = *dname_root(),
                             .type = TYPE_DNSKEY,
                             .rdata = signer_dnskey(root->key),
                             .valid_from_s = INT64_MIN,
                             .valid_until_s = INT64_MAX };
    assert_int_equal(trust_add_anchor(world->trust, &anchor), OK);
    return world;
}

void world_free(struct world *world)
{
    for (uint16_t i = 0; i < world->zone_count; i++)
        signer_free(world->zones[i]->key);
    verifier_free(world->verifier);
    trust_free(world->trust);
    arena_free(world->arena);
    free(world);
}

/* ---- the servers ---- */

static struct rrset *find_in(struct world_zone *zone, const struct dname *owner, uint16_t type)
{
    for (uint16_t i = 0; i < zone->count; i++)
        if (zone->sets[i]->type == type && dname_equal(zone->sets[i]->owner, owner))
            return zone->sets[i];
    return NULL;
}

struct rrset *world_set(struct world *world, const char *owner_text, uint16_t type)
{
    struct dname owner = name_of(owner_text), parent = parent_of(&owner);
    struct world_zone *zone = zone_of(world, type == TYPE_DS ? &parent : &owner);
    struct rrset *rrset = type == TYPE_DS ? zone_of(world, &owner)->ds : find_in(zone, &owner, type);
    assert_non_null(rrset);
    return rrset;
}

void world_put(struct world *world, struct rrset_list *list, const struct rrset *rrset)
{
    struct rrset **items = ARENA_ARRAY(world->arena, list->count + 1u, struct rrset *);
    for (uint16_t i = 0; i < list->count; i++)
        items[i] = list->items[i];
    items[list->count++] = (struct rrset *)rrset;
    list->items = items;
}

static struct answer *new_answer(struct world *world, const struct dname *qname, uint16_t qtype, enum answer_kind kind)
{
    struct answer *answer = ARENA_NEW(world->arena, struct answer);
    answer->question = (struct question) { *qname, qtype, CLASS_IN };
    answer->kind = kind;
    answer->rcode = kind == ANSWER_NXDOMAIN ? RCODE_NXDOMAIN : RCODE_NOERROR;
    return answer;
}

struct answer *world_new_answer(struct world *world, const char *qname_text, uint16_t qtype, enum answer_kind kind)
{
    struct dname qname = name_of(qname_text);
    return new_answer(world, &qname, qtype, kind);
}

static void put_denial(struct world *world, struct answer *answer, struct world_zone *zone)
{
    for (uint16_t i = 0; i < zone->count; i++) {
        uint16_t type = zone->sets[i]->type;
        if (type == TYPE_SOA || type == TYPE_NSEC || type == TYPE_NSEC3)
            world_put(world, &answer->proofs, zone->sets[i]);
    }
}

void world_put_denial(struct world *world, struct answer *answer, const char *zone)
{
    put_denial(world, answer, world_zone(world, zone));
}

static bool name_exists(struct world *world, struct world_zone *zone, const struct dname *name)
{
    for (uint16_t i = 0; i < world->zone_count; i++)
        if (dname_is_subdomain(&world->zones[i]->name, name))
            return true;
    for (uint16_t i = 0; i < zone->count; i++)
        if (zone->sets[i]->type != TYPE_NSEC3 && dname_is_subdomain(zone->sets[i]->owner, name))
            return true;
    return false;
}

/* The RRset of the wildcard that answers for qname, expanded; NULL if there is none. */
static struct rrset *expand(struct world *world, struct world_zone *zone, const struct dname *qname, uint16_t qtype)
{
    struct dname encloser = *qname, wildcard;
    while (!name_exists(world, zone, &encloser))
        dname_parent(&encloser, &encloser);
    if (dname_equal(&encloser, qname))
        return NULL;
    assert_int_equal(dname_wildcard(&encloser, &wildcard), OK);
    struct rrset *found = find_in(zone, &wildcard, qtype);
    if (found == NULL)
        return NULL;
    struct rrset *copy = rrset_copy(world->arena, found);
    copy->owner = dname_copy(world->arena, qname);
    return copy;
}

static struct rrset *dname_above(struct world_zone *zone, const struct dname *qname)
{
    for (uint16_t i = 0; i < zone->count; i++)
        if (zone->sets[i]->type == TYPE_DNAME && dname_is_below(qname, zone->sets[i]->owner))
            return zone->sets[i];
    return NULL;
}

static struct answer *positive(struct world *world, const struct dname *qname, uint16_t qtype, enum answer_kind kind,
                               const struct rrset *rrset)
{
    struct answer *answer = new_answer(world, qname, qtype, kind);
    world_put(world, &answer->rrsets, rrset);
    return answer;
}

static struct answer *authoritative(struct world *world, const struct dname *qname, uint16_t qtype)
{
    struct dname parent = parent_of(qname);
    struct world_zone *zone = zone_of(world, qtype == TYPE_DS ? &parent : qname), *at = zone_of(world, qname);
    struct rrset *rrset = qtype != TYPE_DS                ? find_in(zone, qname, qtype)
                          : dname_equal(&at->name, qname) ? at->ds
                                                          : NULL;
    if (rrset != NULL)
        return positive(world, qname, qtype, ANSWER_DATA, rrset);
    if ((rrset = find_in(zone, qname, TYPE_CNAME)) != NULL)
        return positive(world, qname, qtype, ANSWER_CNAME, rrset);
    if ((rrset = dname_above(zone, qname)) != NULL)
        return positive(world, qname, qtype, ANSWER_DNAME, rrset);
    struct answer *answer;
    if ((rrset = expand(world, zone, qname, qtype)) != NULL) {
        answer = positive(world, qname, qtype, ANSWER_DATA, rrset);
    } else {
        bool exists = name_exists(world, zone, qname);
        struct dname encloser = *qname, wildcard;
        while (!name_exists(world, zone, &encloser))
            dname_parent(&encloser, &encloser);
        exists |= dname_wildcard(&encloser, &wildcard) == OK && name_exists(world, zone, &wildcard);
        answer = new_answer(world, qname, qtype, exists ? ANSWER_NODATA : ANSWER_NXDOMAIN);
    }
    put_denial(world, answer, zone);
    return answer;
}

struct answer *world_answer(struct world *world, const char *qname_text, uint16_t qtype)
{
    struct dname qname = name_of(qname_text);
    return authoritative(world, &qname, qtype);
}

static struct world_special *add_special(struct world *world, const char *qname, uint16_t qtype)
{
    assert_true(world->special_count < WORLD_SPECIALS_MAX);
    struct world_special *special = &world->specials[world->special_count++];
    special->question = (struct question) { name_of(qname), qtype, CLASS_IN };
    return special;
}

void world_answer_with(struct world *world, const char *qname, uint16_t qtype, struct answer *answer)
{
    add_special(world, qname, qtype)->answer = answer;
}

void world_fail(struct world *world, const char *qname, uint16_t qtype, int ede, const char *text)
{
    add_special(world, qname, qtype)->failure = (struct fact_failure) { ede, text };
}

void world_hint(struct world *world, const char *cut)
{
    assert_true(world->cut_count < WORLD_ZONES_MAX);
    world->cuts[world->cut_count++] = name_of(cut);
}

/* ---- the resolver's side ---- */

static const struct world_special *special_of(const struct world *world, const struct dname *name, uint16_t type)
{
    for (uint16_t i = 0; i < world->special_count; i++)
        if (world->specials[i].question.qtype == type && dname_equal(&world->specials[i].question.qname, name))
            return &world->specials[i];
    return NULL;
}

static struct answer *brought(const struct world *world, const struct dname *name, uint16_t type)
{
    for (uint16_t i = 0; i < world->asked_count; i++)
        if (world->brought[i]->question.qtype == type && dname_equal(&world->brought[i]->question.qname, name))
            return world->brought[i];
    return NULL;
}

static enum fact find(void *context, const struct dname *name, uint16_t type, struct answer **answer,
                      struct fact_failure *failure)
{
    const struct world *world = context;
    const struct world_special *special = special_of(world, name, type);
    *answer = brought(world, name, type);
    if (special != NULL && special->answer == NULL) {
        *failure = special->failure;
        return FACT_FAILED;
    }
    return *answer == NULL ? FACT_MISSING : FACT_KNOWN;
}

static bool next_cut(void *context, const struct dname *above, const struct dname *name, struct dname *cut)
{
    const struct world *world = context;
    bool found = false;
    for (uint16_t i = 0; i < world->cut_count; i++) {
        const struct dname *at = &world->cuts[i];
        if (dname_is_below(at, above) && dname_is_subdomain(name, at) && (!found || at->labels < cut->labels)) {
            *cut = *at;
            found = true;
        }
    }
    return found;
}

static void bring(struct world *world, const struct dname *name, uint16_t type)
{
    const struct world_special *special = special_of(world, name, type);
    char text[DNAME_TEXT_MAX], type_text[RR_TYPE_TEXT_MAX];
    assert_true(world->asked_count < WORLD_ASKED_MAX);
    assert_null(brought(world, name, type)); /* nothing is asked for twice */
    world->asked[world->asked_count] =
        arena_printf(world->arena, "%s %s", rr_type_to_text(type, type_text), dname_to_text(name, text));
    struct answer *answer = special != NULL ? special->answer : authoritative(world, name, type);
    answer->verdict = (struct verdict) { .security = UNCHECKED };
    world->brought[world->asked_count++] = answer;
}

const struct verdict *world_judge(struct world *world, struct answer *answer)
{
    const struct facts facts = { world, find, next_cut };
    struct validation validation = {
        .arena = world->arena,
        .memo = validation_memo_new(world->arena),
        .budget = &world->budget,
        .verifier = world->verifier,
        .policy = &world->policy,
        .trust = world->trust,
        .now = { .wall_ms = world->now_s * 1000, .wall_is_fit = true },
        .facts = &facts,
        .explain = world->explain,
    };
    struct dname need_name;
    uint16_t need_type;
    world->budget = budget_full();
    world->asked_count = 0;
    world->turns = 0;
    answer->verdict = (struct verdict) { .security = UNCHECKED };
    for (;;) {
        switch (validator_judge(&validation, answer, &need_name, &need_type)) {
        case JUDGED:
            assert_int_not_equal(answer->verdict.security, UNCHECKED);
            assert_non_null(answer->verdict.site);
            return &answer->verdict;
        case JUDGE_NEEDS:
            bring(world, &need_name, need_type);
            break;
        case JUDGE_TURN:
            assert_true(budget_turn_is_over(&world->budget));
            assert_true(++world->turns < 200);
            budget_new_turn(&world->budget);
            break;
        }
    }
}
