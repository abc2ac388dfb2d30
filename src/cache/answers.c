/* Answers found: which entry answers a question, and whether it may still be served. */
#include "cache/answers.h"

/* ---- may it be served? ---- */

enum cache_hit answer_judge(struct cache *cache, const struct stored_answer *stored, struct now now,
                            struct arena *arena, struct judged *judged)
{
    struct answer *answer = ARENA_NEW(arena, struct answer);
    struct answer_head *head = &judged->head;
    stamp_read(stored->stamp, lineages_epoch(cache->lineages), head);
    if (!answer_decode(stored->blob, stored->key, arena, head, answer) || answer_is_from_future(head->received_ms, now))
        return CACHE_MISS;
    bool is_fresh = now.wall_ms < head->expires_ms;
    if (!is_fresh && now.wall_ms - head->expires_ms > cache_keep_ms(cache))
        return CACHE_MISS;
    judged->answer = answer;
    judged->renewed = *head;
    enum standing standing = lineages_judge(cache->lineages, head->epoch, head->lineage, &judged->renewed.epoch);
    if (standing == REVOKED)
        return CACHE_MISS;
    if (standing == FORGOTTEN)
        judged->renewed.security = UNCHECKED;
    if (judged->renewed.security == UNCHECKED || answer_signature_has_ended(head, now) ||
        !lineages_get(cache->lineages, head->lineage, &answer->verdict.lineage))
        answer->verdict = verdict_of(UNCHECKED, NULL);
    answer->question = *stored->question;
    answer->origin = stored->key->origin;
    if (!answer_set_target(answer))
        return CACHE_MISS;
    return is_fresh ? CACHE_FRESH : CACHE_EXPIRED;
}

/* ---- finding ---- */

/* The entry under this key, for this question.  What must not be seen any more goes; what an older epoch left is judged
 * once and stamped anew. */
static enum cache_hit find_entry(struct cache *cache, const struct blob_key *key, const struct question *question,
                                 struct now now, struct arena *arena, struct answer **answer)
{
    uint8_t buffer[BLOB_KEY_OCTETS_MAX];
    struct pool_key place = cache_key(cache, key, buffer);
    struct stored_answer stored = { .key = key, .question = question };
    struct judged judged;
    if (!pool_find_stamped(cache->entries, &place, arena, &stored.blob, &stored.stamp))
        return CACHE_MISS;
    enum cache_hit hit = answer_judge(cache, &stored, now, arena, &judged);
    if (hit == CACHE_MISS) {
        pool_remove(cache->entries, &place, stored.blob);
        return CACHE_MISS;
    }
    if (stamp_make(&judged.renewed) != stored.stamp)
        pool_restamp(cache->entries, &place, stored.blob, stored.stamp, stamp_make(&judged.renewed));
    *answer = judged.answer;
    return hit;
}

/* What is looked for, and where: among the entries themselves, or those set aside. */
struct search {
    struct cache *cache;
    const struct question *question;
    uint16_t origin;
    enum blob_kind kind;
    bool takes_expired; /* DNAMEs that have expired count, too */
    struct now now;
    struct arena *arena;
};

static enum cache_hit search_key(const struct search *search, struct blob_key key, struct answer **answer)
{
    key.kind = search->kind;
    return find_entry(search->cache, &key, search->question, search->now, search->arena, answer);
}

static enum cache_hit find_exact(const struct search *search, struct answer **answer)
{
    const struct question *question = search->question;
    enum cache_hit hit = search_key(search, answer_key(question, search->origin), answer);
    if (hit != CACHE_MISS && question->qtype == TYPE_CNAME && (*answer)->kind == ANSWER_CNAME) {
        (*answer)->kind = ANSWER_DATA; /* stored for another type: here it is what was asked for */
        answer_set_target(*answer);
    }
    return hit;
}

static enum cache_hit find_cname(const struct search *search, struct answer **answer)
{
    struct answer *found;
    if (!answer_follows_cname(search->question->qtype))
        return CACHE_MISS;
    enum cache_hit hit = search_key(search, answer_cname_key(search->question, search->origin), &found);
    if (hit == CACHE_MISS || (found->kind != ANSWER_CNAME && found->kind != ANSWER_DATA) ||
        found->verdict.security == BOGUS) /* found when it was asked for itself */
        return CACHE_MISS;
    found->kind = ANSWER_CNAME;
    if (!answer_set_target(found))
        return CACHE_MISS;
    *answer = found;
    return hit;
}

static enum cache_hit find_nxdomain(const struct search *search, struct answer **answer)
{
    return search_key(search, answer_nxdomain_key(search->question, search->origin), answer);
}

/* What the DNAME says of qname (RFC 6672 section 2.2). */
static bool apply_dname(struct answer *answer)
{
    if (answer->kind != ANSWER_DATA || !security_is_trusted(answer->verdict.security))
        return false;
    answer->kind = ANSWER_DNAME;
    return answer_set_target(answer);
}

/* The one nearest to the root hides all others, unless it has expired.  Only depths are tried at which a DNAME was ever
 * cached. */
static enum cache_hit find_dname(const struct search *search, struct answer **answer)
{
    struct cache *cache = search->cache;
    const struct question *question = search->question;
    enum cache_hit hit = CACHE_MISS;
    for (uint8_t labels = 0; hit != CACHE_FRESH && labels < question->qname.labels; labels++) {
        uint64_t depths = atomic_load_explicit(&cache->dname_depths[labels / 64], memory_order_relaxed);
        if ((depths >> labels % 64 & 1) == 0)
            continue;
        struct dname owner;
        struct answer *found;
        dname_suffix(&question->qname, labels, &owner);
        enum cache_hit way = search_key(search, answer_dname_key(&owner, question->qclass, search->origin), &found);
        if ((way == CACHE_FRESH || (way == CACHE_EXPIRED && search->takes_expired && hit == CACHE_MISS)) &&
            apply_dname(found)) {
            *answer = found;
            hit = way;
        }
    }
    return hit;
}

typedef enum cache_hit find_function(const struct search *search, struct answer **answer);
static find_function *const ways[] = { find_exact, find_cname, find_nxdomain, find_dname };

enum cache_hit cache_find_answer(struct cache *cache, const struct question *question, uint16_t origin, struct now now,
                                 struct arena *arena, struct answer **answer)
{
    struct search search = { cache, question, origin, BLOB_ANSWER, false, now, arena };
    enum cache_hit hit = CACHE_MISS;
    for (size_t i = 0; hit != CACHE_FRESH && i < ARRAY_LEN(ways); i++) {
        struct answer *found;
        enum cache_hit way = ways[i](&search, &found);
        if (way == CACHE_FRESH || (way == CACHE_EXPIRED && hit == CACHE_MISS)) {
            hit = way;
            *answer = found;
        }
    }
    atomic_fetch_add_explicit(hit == CACHE_FRESH ? &cache->hits : &cache->misses, 1, memory_order_relaxed);
    return hit;
}

/* What is for one transaction outlives it by the operator's grace, not by RFC 8767. */
static uint32_t stale_age_s_max(const struct answer *answer, uint32_t max_age_s)
{
    bool is_momentary = answer->rrsets.count > 0 && answer->rrsets.items[0]->ttl_s == 0;
    return is_momentary ? 0 : max_age_s;
}

struct answer *cache_find_stale(struct cache *cache, const struct question *question, uint16_t origin,
                                uint32_t max_age_s, struct now now, struct arena *arena)
{
    static const enum blob_kind kinds[] = { BLOB_ANSWER, BLOB_ASIDE };
    for (size_t i = 0; i < ARRAY_LEN(kinds) * ARRAY_LEN(ways); i++) {
        struct search search = { cache, question, origin, kinds[i / ARRAY_LEN(ways)], true, now, arena };
        struct answer *answer;
        if (ways[i % ARRAY_LEN(ways)](&search, &answer) != CACHE_MISS &&
            security_is_trusted(answer->verdict.security) &&
            now.wall_ms - answer->expires_ms <= ms_of_s(stale_age_s_max(answer, max_age_s)))
            return answer;
    }
    return NULL;
}

struct answer *cache_find_nxdomain_above(struct cache *cache, const struct question *question, uint16_t origin,
                                         struct now now, struct arena *arena)
{
    struct question above = *question;
    while (above.qname.labels > 1) {
        struct answer_head head;
        struct answer *found;
        dname_parent(&above.qname, &above.qname);
        struct blob_key key = answer_nxdomain_key(&above, origin);
        if (!answer_peek_head(cache, &key, &head) || !head.may_cut || head.security != SECURE)
            continue;
        if (find_entry(cache, &key, &above, now, arena, &found) == CACHE_FRESH && found->verdict.security == SECURE)
            return found;
    }
    return NULL;
}

int64_t answer_ttl_end_ms(const struct answer *answer, uint32_t ttl_s)
{
    return least_of(answer->received_ms + ms_of_s(ttl_s), answer->expires_ms);
}

uint32_t answer_ttl_left(const struct answer *answer, uint32_t ttl_s, struct now now)
{
    return ttl_left(answer_ttl_end_ms(answer, ttl_s), ttl_s, now);
}

int64_t answer_refresh_ms(const struct answer *answer)
{
    int64_t ttl_ms = answer->expires_ms - answer->received_ms;
    if (ttl_ms < ms_of_s(PREFETCH_TTL_S_MIN) || !security_is_trusted(answer->verdict.security))
        return INT64_MAX;
    return answer->expires_ms - ttl_ms / PREFETCH_SHARE;
}
