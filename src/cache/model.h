/* For tests and the fuzzer: the cache against a naive model of it.  A script of octets is read as a sequence of calls;
 * each is made to both, and whatever comes out is compared.  The model keeps everything in plain arrays, has no epochs
 * but a step counter, and no budget: the script's names are too few to evict anything. */
#ifndef CACHE_MODEL_H
#define CACHE_MODEL_H

#include <assert.h>
#include <stdlib.h>

#include "base/reader.h"
#include "cache/cache.h"

enum {
    MODEL_NAMES = 9,
    MODEL_TYPES = 6,
    MODEL_KEYS = 4,
    MODEL_KEEP_S = 100,
    MODEL_MAX_TTL_S = 200,
    MODEL_MAX_NEGATIVE_S = 50
};

static const char *const model_names[MODEL_NAMES] = {
    "a.", "b.a.", "c.b.a.", "d.b.a.", "e.", "f.e.", "a.e.", "g.f.e.", "h.g.f.e.",
};
/* The first is the place of name errors, no type of a question. */
static const uint16_t model_types[MODEL_TYPES] = { 0, TYPE_A, TYPE_AAAA, TYPE_CNAME, TYPE_DS, TYPE_DNAME };
enum { PLACE_NXDOMAIN = 0, PLACE_CNAME = 3, PLACE_DS = 4, PLACE_DNAME = 5 };

struct model_entry {
    bool exists, cuts;
    enum answer_kind kind;
    enum security security;
    unsigned key;    /* it rests on; below MODEL_KEYS */
    uint64_t judged; /* step */
    int64_t received_ms, expires_ms, valid_until_s;
};
struct model_delegation {
    bool exists, is_hint;
    int64_t expires_ms;
};
struct model_failure {
    bool exists, is_budget;
    int64_t expires_ms;
    uint32_t ttl_s;
};

struct model {
    struct cache *cache;
    struct arena *arena; /* of one step */
    struct now now;
    uint64_t step;
    uint64_t flushed[MODEL_KEYS], forgotten; /* steps */
    uint64_t old_epoch, old_step;            /* a query's that began some time ago */
    struct dname names[MODEL_NAMES];
    struct model_entry entries[MODEL_NAMES][MODEL_TYPES];
    struct model_delegation delegations[MODEL_NAMES];
    struct model_failure failures[MODEL_NAMES][MODEL_TYPES];
};

/* ---- what may be seen ---- */

static inline bool model_is_flushed(const struct model *m, const struct model_entry *entry)
{
    return m->flushed[entry->key] > entry->judged;
}

static inline enum security model_security(const struct model *m, const struct model_entry *entry)
{
    bool ended = security_is_trusted(entry->security) && entry->valid_until_s * 1000 <= m->now.wall_ms;
    return m->forgotten > entry->judged || ended ? UNCHECKED : entry->security;
}

static inline enum cache_hit model_see(const struct model *m, struct model_entry *entry)
{
    if (!entry->exists)
        return CACHE_MISS;
    if (model_is_flushed(m, entry) || m->now.wall_ms - entry->expires_ms > MODEL_KEEP_S * 1000) {
        entry->exists = false;
        return CACHE_MISS;
    }
    return m->now.wall_ms < entry->expires_ms ? CACHE_FRESH : CACHE_EXPIRED;
}

static inline bool model_may_replace(const struct model *m, const struct model_entry *old, enum security security)
{
    bool is_fresh_secure = old->exists && !model_is_flushed(m, old) && m->now.wall_ms < old->expires_ms &&
                           model_security(m, old) == SECURE;
    return security_is_trusted(security) || !is_fresh_secure;
}

/* ---- answers ---- */

static inline struct rrset *model_rrset(struct model *m, const struct dname *owner, uint16_t type)
{
    static const uint8_t address[16] = { 192, 0, 2, 1 }, target[] = { 1, 't', 0 };
    struct rrset *rrset = ARENA_NEW(m->arena, struct rrset);
    struct octets *rdata = ARENA_NEW(m->arena, struct octets);
    bool has_target = type == TYPE_CNAME || type == TYPE_DNAME;
    *rdata =
        has_target ? (struct octets) { target, sizeof(target) } : (struct octets) { address, type == TYPE_A ? 4 : 16 };
    *rrset =
        (struct rrset) { .owner = owner, .type = type, .class = CLASS_IN, .count = 1, .ttl_s = 100, .rdata = rdata };
    return rrset;
}

struct model_put {
    unsigned name, place;
    bool is_late;
    struct dname dname_owner;
    struct answer *answer;
};

static inline void model_read_put(struct model *m, struct reader *r, struct model_put *put)
{
    static const enum answer_kind kinds[] = { ANSWER_DATA,  ANSWER_DATA,   ANSWER_CNAME,
                                              ANSWER_DNAME, ANSWER_NODATA, ANSWER_NXDOMAIN };
    struct answer *answer = ARENA_NEW(m->arena, struct answer);
    put->name = reader_u8(r) % MODEL_NAMES;
    put->place = 1 + reader_u8(r) % (MODEL_TYPES - 1);
    put->answer = answer;
    uint8_t flags = reader_u8(r);
    put->is_late = flags & 1;
    answer->kind = kinds[flags / 2 % ARRAY_LEN(kinds)];
    answer->question = (struct question) { m->names[put->name], model_types[put->place], CLASS_IN };
    if ((answer->kind == ANSWER_CNAME && answer->question.qtype == TYPE_CNAME) ||
        (answer->kind == ANSWER_DNAME && answer->question.qname.labels == 1)) /* the root's is nowhere in the model */
        answer->kind = ANSWER_DATA;
    answer->zone = answer->target = *dname_root();
    answer->received_ms = m->now.wall_ms;
    answer->expires_ms = m->now.wall_ms + reader_u8(r) * 1000;
    uint8_t judgement = reader_u8(r);
    answer->verdict.security = judgement % (INDETERMINATE + 1);
    answer->verdict.site = "model";
    answer->verdict.ede = EDE_NONE;
    answer->verdict.ttl_cap_s = UINT32_MAX;
    answer->verdict.valid_until_s = judgement < 128 ? INT32_MAX : now_wall_s(m->now) + reader_u8(r);
    lineage_add(&answer->verdict.lineage, reader_u8(r) % MODEL_KEYS + 1);
    dname_parent(&answer->question.qname, &put->dname_owner);
    if (answer->kind == ANSWER_NODATA || answer->kind == ANSWER_NXDOMAIN)
        return;
    bool is_dname = answer->kind == ANSWER_DNAME;
    uint16_t type = is_dname ? TYPE_DNAME : answer->kind == ANSWER_CNAME ? TYPE_CNAME : answer->question.qtype;
    answer->rrsets = (struct rrset_list) { ARENA_NEW(m->arena, struct rrset *), 1 };
    answer->rrsets.items[0] = model_rrset(m, is_dname ? &put->dname_owner : &answer->question.qname, type);
}

static inline struct model_entry *model_entry_at(struct model *m, const struct dname *name, unsigned place)
{
    for (unsigned i = 0; i < MODEL_NAMES; i++)
        if (dname_equal(&m->names[i], name))
            return &m->entries[i][place];
    return NULL;
}

static inline void model_cap(const struct model *m, const struct answer *answer, struct model_entry *entry)
{
    bool is_negative = answer->kind == ANSWER_NODATA || answer->kind == ANSWER_NXDOMAIN;
    int64_t max_ms = m->now.wall_ms + (is_negative ? MODEL_MAX_NEGATIVE_S : MODEL_MAX_TTL_S) * 1000;
    entry->expires_ms = answer->expires_ms < max_ms ? answer->expires_ms : max_ms;
    int64_t end_ms = security_is_trusted(entry->security) ? answer->verdict.valid_until_s * 1000 : INT64_MAX;
    if (!security_is_trusted(entry->security) && entry->security != UNCHECKED)
        end_ms = m->now.wall_ms + BOGUS_TTL_S * 1000;
    entry->expires_ms = entry->expires_ms < end_ms ? entry->expires_ms : end_ms;
}

static inline void model_put(struct model *m, struct reader *r)
{
    struct model_put put;
    model_read_put(m, r, &put);
    struct answer *answer = put.answer;
    cache_put_answer_since(m->cache, answer, put.is_late ? m->old_epoch : cache_epoch(m->cache), m->now);
    struct model_entry new = {
        .exists = true,
        .cuts = answer->kind == ANSWER_NXDOMAIN,
        .kind = answer->kind,
        .security = answer->verdict.security,
        .key = (unsigned)answer->verdict.lineage.keys[0] - 1,
        .judged = put.is_late ? m->old_step : m->step,
        .received_ms = answer->received_ms,
        .valid_until_s = answer->verdict.valid_until_s,
    };
    model_cap(m, answer, &new);
    bool is_shared_dname = answer->kind == ANSWER_DNAME && security_is_trusted(new.security);
    bool follows_cname = put.place != PLACE_CNAME && put.place != PLACE_DS;
    struct model_entry *of_name = m->entries[put.name], *own = &of_name[put.place];
    bool is_shared = security_is_trusted(new.security);
    if (answer->kind == ANSWER_NXDOMAIN && is_shared)
        own = &of_name[PLACE_NXDOMAIN];
    else if (answer->kind == ANSWER_CNAME && follows_cname && is_shared)
        own = &of_name[PLACE_CNAME];
    else if (is_shared_dname)
        own = model_entry_at(m, &put.dname_owner, PLACE_DNAME);
    struct model_entry *rivals[] = {
        answer->kind != ANSWER_NXDOMAIN ? &of_name[PLACE_NXDOMAIN] : NULL,
        follows_cname && answer->kind != ANSWER_CNAME ? &of_name[PLACE_CNAME] : NULL,
        answer->kind != ANSWER_DATA && answer->kind != ANSWER_NODATA ? &of_name[put.place] : NULL,
    };
    if (answer->expires_ms <= answer->received_ms && security_is_trusted(new.security)) { /* what was before is over */
        for (size_t i = 0; i < ARRAY_LEN(rivals); i++)
            if (rivals[i] != NULL)
                rivals[i]->exists = false;
        own->exists = false;
    }
    if (new.expires_ms <= m->now.wall_ms)
        return;
    for (size_t i = 0; i < ARRAY_LEN(rivals); i++)
        if (rivals[i] != NULL && rivals[i] != own && !model_may_replace(m, rivals[i], new.security))
            return;
    for (size_t i = 0; i < ARRAY_LEN(rivals); i++)
        if (rivals[i] != NULL && rivals[i] != own)
            rivals[i]->exists = false;
    if (!model_may_replace(m, own, new.security))
        return;
    new.kind = is_shared_dname ? ANSWER_DATA : new.kind;
    *own = new;
}

/* What answers the question: the entry, and the kind it has there. */
static inline enum cache_hit model_find(struct model *m, unsigned name, unsigned place, struct model_entry **found,
                                        enum answer_kind *kind)
{
    struct model_entry *of_name = m->entries[name];
    bool follows_cname = place != PLACE_CNAME && place != PLACE_DS;
    bool cname_counts = (of_name[PLACE_CNAME].kind == ANSWER_CNAME || of_name[PLACE_CNAME].kind == ANSWER_DATA) &&
                        model_security(m, &of_name[PLACE_CNAME]) != BOGUS;
    struct model_entry *ways[] = { &of_name[place], follows_cname && cname_counts ? &of_name[PLACE_CNAME] : NULL,
                                   &of_name[PLACE_NXDOMAIN] };
    enum cache_hit hit = CACHE_MISS;
    for (size_t i = 0; i < ARRAY_LEN(ways) && hit != CACHE_FRESH; i++) {
        enum cache_hit way = ways[i] == NULL ? CACHE_MISS : model_see(m, ways[i]);
        if (way == CACHE_MISS || (way == CACHE_EXPIRED && hit == CACHE_EXPIRED))
            continue;
        hit = way;
        *found = ways[i];
        *kind = i == 1 ? ANSWER_CNAME : ways[i]->kind;
        if (i == 0 && place == PLACE_CNAME && *kind == ANSWER_CNAME)
            *kind = ANSWER_DATA;
    }
    for (uint8_t labels = 1; labels < m->names[name].labels && hit != CACHE_FRESH; labels++) {
        struct dname owner;
        dname_suffix(&m->names[name], labels, &owner);
        struct model_entry *entry = model_entry_at(m, &owner, PLACE_DNAME);
        if (entry == NULL || model_see(m, entry) != CACHE_FRESH || entry->kind != ANSWER_DATA ||
            !security_is_trusted(model_security(m, entry)))
            continue;
        hit = CACHE_FRESH;
        *found = entry;
        *kind = ANSWER_DNAME;
    }
    return hit;
}

static inline void model_compare(struct model *m, struct reader *r)
{
    unsigned name = reader_u8(r) % MODEL_NAMES, place = 1 + reader_u8(r) % (MODEL_TYPES - 1);
    struct question question = { m->names[name], model_types[place], CLASS_IN };
    struct model_entry *expected = NULL;
    struct answer *answer = NULL;
    enum answer_kind kind = ANSWER_DATA;
    enum cache_hit hit = model_find(m, name, place, &expected, &kind);
    assert(cache_find_answer(m->cache, &question, ORIGIN_ITERATIVE, m->now, m->arena, &answer) == hit);
    if (hit == CACHE_MISS)
        return;
    assert(answer->kind == kind);
    assert(answer->received_ms == expected->received_ms && answer->expires_ms == expected->expires_ms);
    assert(answer->verdict.security == model_security(m, expected));
}

static inline void model_compare_cut(struct model *m, struct reader *r)
{
    struct question question = { m->names[reader_u8(r) % MODEL_NAMES], TYPE_A, CLASS_IN };
    struct model_entry *expected = NULL;
    struct dname above = question.qname;
    while (above.labels > 1 && expected == NULL) {
        dname_parent(&above, &above);
        struct model_entry *entry = model_entry_at(m, &above, PLACE_NXDOMAIN);
        if (entry != NULL && entry->exists && entry->security == SECURE && model_see(m, entry) == CACHE_FRESH &&
            model_security(m, entry) == SECURE)
            expected = entry;
    }
    const struct answer *found = cache_find_nxdomain_above(m->cache, &question, ORIGIN_ITERATIVE, m->now, m->arena);
    assert((found != NULL) == (expected != NULL));
    assert(found == NULL || found->received_ms == expected->received_ms);
}

/* ---- delegations and failures ---- */

static inline void model_put_delegation(struct model *m, struct reader *r)
{
    unsigned name = reader_u8(r) % MODEL_NAMES;
    uint8_t ttl_s = reader_u8(r), is_hint = reader_u8(r) & 1;
    struct delegation delegation = {
        .zone = m->names[name],
        .is_hint = is_hint,
        .expires_ms = m->now.wall_ms + ttl_s * 1000,
    };
    struct model_delegation *old = &m->delegations[name];
    cache_put_delegation(m->cache, &delegation, m->now);
    if (!is_hint && ttl_s > MODEL_MAX_TTL_S)
        delegation.expires_ms = m->now.wall_ms + MODEL_MAX_TTL_S * 1000;
    bool keeps = is_hint && old->exists && !old->is_hint && m->now.wall_ms < old->expires_ms;
    if (ttl_s > 0 && !keeps)
        *old = (struct model_delegation) { true, is_hint, delegation.expires_ms };
}

static inline void model_compare_delegation(struct model *m, struct reader *r)
{
    unsigned name = reader_u8(r) % MODEL_NAMES;
    bool above = reader_u8(r) & 1;
    struct model_delegation *expected = NULL;
    uint8_t depth = 0;
    for (unsigned i = 0; i < MODEL_NAMES; i++) {
        struct model_delegation *d = &m->delegations[i];
        if (!d->exists || m->now.wall_ms >= d->expires_ms || !dname_is_subdomain(&m->names[name], &m->names[i]) ||
            (above && i == name) || m->names[i].labels <= depth)
            continue;
        expected = d;
        depth = m->names[i].labels;
    }
    const struct delegation *found =
        above ? cache_find_delegation_above(m->cache, &m->names[name], ORIGIN_ITERATIVE, m->now, m->arena)
              : cache_find_delegation(m->cache, &m->names[name], ORIGIN_ITERATIVE, m->now, m->arena);
    assert((found != NULL) == (expected != NULL));
    assert(found == NULL || (found->zone.labels == depth && found->expires_ms == expected->expires_ms));
}

static inline void model_put_failure(struct model *m, struct reader *r)
{
    unsigned name = reader_u8(r) % MODEL_NAMES, place = 1 + reader_u8(r) % (MODEL_TYPES - 1);
    struct question question = { m->names[name], model_types[place], CLASS_IN };
    struct failure failure = { .site = "model", .is_budget = reader_u8(r) & 1 };
    struct model_failure *old = &m->failures[name][place];
    cache_put_failure(m->cache, &question, ORIGIN_ITERATIVE, &failure, m->now);
    bool is_live = old->exists && m->now.wall_ms < old->expires_ms;
    if (is_live && (!old->is_budget || failure.is_budget))
        return;
    bool again = old->exists && m->now.wall_ms - old->expires_ms <= FAILURE_TTL_S_MAX * 1000;
    uint32_t last_s = again ? old->ttl_s : 0;
    uint32_t doubled = last_s > 0 ? 2 * last_s : FAILURE_TTL_S_FIRST;
    uint32_t ttl_s = doubled < FAILURE_TTL_S_MAX ? doubled : FAILURE_TTL_S_MAX;
    old->ttl_s = failure.is_budget ? last_s : ttl_s;
    old->exists = true;
    old->is_budget = failure.is_budget;
    old->expires_ms = m->now.wall_ms + (failure.is_budget ? BUDGET_FAILURE_TTL_S : ttl_s) * INT64_C(1000);
}

static inline void model_compare_failure(struct model *m, struct reader *r)
{
    unsigned name = reader_u8(r) % MODEL_NAMES, place = 1 + reader_u8(r) % (MODEL_TYPES - 1);
    struct question question = { m->names[name], model_types[place], CLASS_IN };
    const struct model_failure *expected = &m->failures[name][place];
    struct failure failure;
    bool any = cache_find_failure(m->cache, &question, ORIGIN_ITERATIVE, m->now, &failure);
    assert(any == (expected->exists && m->now.wall_ms < expected->expires_ms));
    assert(!any || failure.is_budget == expected->is_budget);
}

/* ---- flushing ---- */

static inline void model_flush_below(struct model *m, const struct dname *zone, bool below)
{
    for (unsigned i = 0; i < MODEL_NAMES; i++) {
        if (below ? !dname_is_subdomain(&m->names[i], zone) : !dname_equal(&m->names[i], zone))
            continue;
        m->delegations[i].exists = false;
        for (unsigned place = 0; place < MODEL_TYPES; place++) {
            m->entries[i][place].exists = false;
            m->failures[i][place] = (struct model_failure) { .exists = false };
        }
    }
}

static inline void model_flush(struct model *m, struct reader *r)
{
    uint8_t how = reader_u8(r), which = reader_u8(r);
    const struct dname *name = &m->names[which % MODEL_NAMES];
    uint64_t key = which % MODEL_KEYS + 1;
    switch (how % 5) {
    case 0:
        cache_flush_name(m->cache, name);
        model_flush_below(m, name, false);
        break;
    case 1:
        cache_flush_zone(m->cache, name);
        model_flush_below(m, name, true);
        break;
    case 2:
        cache_flush_keys(m->cache, &key, 1);
        m->flushed[key - 1] = m->step;
        for (unsigned i = 0; i < MODEL_NAMES * MODEL_TYPES; i++) { /* at once, though also at the next use */
            struct model_entry *entry = &m->entries[i / MODEL_TYPES][i % MODEL_TYPES];
            entry->exists = entry->exists && !model_is_flushed(m, entry);
        }
        break;
    case 3:
        cache_forget_verdicts(m->cache);
        m->forgotten = m->step;
        break;
    case 4:
        cache_flush_all(m->cache);
        model_flush_below(m, dname_root(), true);
        break;
    }
}

/* ---- the script ---- */

static inline void model_step(struct model *m, struct reader *r)
{
    uint8_t what = reader_u8(r);
    arena_reset(m->arena);
    m->step++;
    if (what < 90)
        model_put(m, r);
    else if (what < 170)
        model_compare(m, r);
    else if (what < 180)
        model_compare_cut(m, r);
    else if (what < 195)
        model_put_delegation(m, r);
    else if (what < 210)
        model_compare_delegation(m, r);
    else if (what < 220)
        model_put_failure(m, r);
    else if (what < 230)
        model_compare_failure(m, r);
    else if (what < 235)
        model_flush(m, r);
    else if (what < 240)
        m->old_epoch = cache_epoch(m->cache), m->old_step = m->step;
    else
        m->now.wall_ms += reader_u8(r) * INT64_C(500);
}

static inline void model_run(struct octets script)
{
    struct cache_options options = cache_options_default();
    struct random *random = random_seeded_new(1);
    struct reader r = reader_of_octets(script);
    options.size_octets = 1024 * 1024;
    options.max_ttl_s = MODEL_MAX_TTL_S;
    options.max_negative_ttl_s = MODEL_MAX_NEGATIVE_S;
    options.keep_expired_s = MODEL_KEEP_S;
    struct model *m = memory_new(1, sizeof(*m));
    m->cache = cache_new(&options, random);
    m->arena = arena_new();
    m->now = (struct now) { .wall_ms = INT64_C(1700000000000), .wall_is_fit = true };
    m->old_epoch = cache_epoch(m->cache);
    for (unsigned i = 0; i < MODEL_NAMES; i++) {
        enum err err = dname_from_text(model_names[i], &m->names[i]);
        assert(err == OK);
        (void)err;
    }
    while (!r.failed && reader_left(&r) > 0)
        model_step(m, &r);
    cache_free(m->cache);
    arena_free(m->arena);
    free(m);
    random_free(random);
}

#endif
