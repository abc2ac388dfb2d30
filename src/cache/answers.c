/* Answers in the cache: which entry answers a question, whether it may still be served, what may replace it. */
#include "cache/internal.h"

/* ---- keys ---- */

/* A question of any other type is answered by a CNAME at its name.  RRSIG and NSEC stand beside a CNAME (RFC 4034
 * sections 3 and 4), ANY means it too.  A DS set belongs to the parent, DNSKEY to the apex: a CNAME seen at the same
 * name from the other side of a cut says nothing of them. */
static bool follows_cname(uint16_t qtype)
{
    switch (qtype) {
    case TYPE_CNAME:
    case TYPE_DS:
    case TYPE_DNSKEY:
    case TYPE_RRSIG:
    case TYPE_NSEC:
    case TYPE_ANY:
        return false;
    default:
        return true;
    }
}

static struct blob_key key_of(const struct question *question, uint16_t origin)
{
    return (struct blob_key) {
        .kind = BLOB_ANSWER,
        .origin = origin,
        .qclass = question->qclass,
        .qtype = question->qtype,
        .qname = question->qname,
    };
}

static struct blob_key cname_key(const struct question *question, uint16_t origin)
{
    struct blob_key key = key_of(question, origin);
    key.qtype = TYPE_CNAME;
    return key;
}

/* A name error answers every type: one entry, under a type that is none (RFC 6895 section 3.1). */
static struct blob_key nxdomain_key(const struct question *question, uint16_t origin)
{
    struct blob_key key = key_of(question, origin);
    key.qtype = 0;
    return key;
}

static bool is_trusted(enum security security)
{
    return security == SECURE || security == INSECURE;
}

/* A DNAME that a client may rely on answers for every name below its owner; any other one for the question alone that
 * brought it. */
static bool is_shared_dname(const struct answer *answer, enum security security)
{
    return answer->kind == ANSWER_DNAME && is_trusted(security);
}

static struct blob_key dname_key(const struct dname *owner, uint16_t qclass, uint16_t origin)
{
    return (struct blob_key) {
        .kind = BLOB_ANSWER,
        .origin = origin,
        .qclass = qclass,
        .qtype = TYPE_DNAME,
        .qname = *owner,
    };
}

/* What a client may not rely on answers for the question alone that brought it (RFC 4035 section 4.7): a forged alias
 * or name error would take the name's other types away. */
static struct blob_key entry_key(const struct answer *answer, enum security security)
{
    if (!is_trusted(security))
        return key_of(&answer->question, answer->origin);
    if (answer->kind == ANSWER_NXDOMAIN)
        return nxdomain_key(&answer->question, answer->origin);
    if (answer->kind == ANSWER_CNAME && follows_cname(answer->question.qtype))
        return cname_key(&answer->question, answer->origin);
    if (is_shared_dname(answer, security))
        return dname_key(answer->rrsets.items[0]->owner, answer->question.qclass, answer->origin);
    return key_of(&answer->question, answer->origin);
}

/* ---- may it be served? ---- */

static bool is_from_future(int64_t received_ms, struct now now)
{
    return received_ms > now.wall_ms && received_ms - now.wall_ms > CACHE_FUTURE_MS;
}

static void forget_verdict(struct verdict *verdict)
{
    *verdict = (struct verdict) {
        .security = UNCHECKED,
        .ede = EDE_NONE,
        .valid_until_s = INT64_MAX,
        .ttl_cap_s = UINT32_MAX,
    };
}

/* RFC 4035 section 5.3.1: after the end of the first signature the data must be judged again. */
static bool signature_has_ended(const struct answer_head *head, struct now now)
{
    return is_trusted(head->security) && ms_of_s(head->valid_until_s) <= now.wall_ms;
}

enum cache_hit answer_judge(struct cache *cache, const struct blob_key *key, const struct question *question,
                            struct octets blob, uint32_t stamp, struct now now, struct arena *arena,
                            struct judged *judged)
{
    struct answer *answer = ARENA_NEW(arena, struct answer);
    struct answer_head *head = &judged->head;
    stamp_read(stamp, lineages_epoch(cache->lineages), head);
    if (!answer_decode(blob, key, arena, head, answer) || is_from_future(head->received_ms, now))
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
    if (judged->renewed.security == UNCHECKED || signature_has_ended(head, now) ||
        !lineages_get(cache->lineages, head->lineage, &answer->verdict.lineage))
        forget_verdict(&answer->verdict);
    answer->question = *question;
    answer->origin = key->origin;
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
    struct store_key stored = cache_key(cache, key, buffer);
    struct octets blob;
    struct judged judged;
    uint32_t stamp;
    if (!store_find_stamped(cache->entries, &stored, arena, &blob, &stamp))
        return CACHE_MISS;
    enum cache_hit hit = answer_judge(cache, key, question, blob, stamp, now, arena, &judged);
    if (hit == CACHE_MISS) {
        store_remove(cache->entries, &stored, blob);
        return CACHE_MISS;
    }
    if (stamp_make(&judged.renewed) != stamp)
        store_restamp(cache->entries, &stored, blob, stamp, stamp_make(&judged.renewed));
    *answer = judged.answer;
    return hit;
}

static bool peek_head(struct cache *cache, const struct blob_key *key, struct answer_head *head)
{
    uint8_t buffer[BLOB_KEY_OCTETS_MAX], octets[ANSWER_HEAD_OCTETS_MAX];
    struct store_key stored = cache_key(cache, key, buffer);
    uint32_t stamp;
    size_t len = store_peek_upto(cache->entries, &stored, octets, sizeof(octets), &stamp);
    if (len == 0)
        return false;
    stamp_read(stamp, lineages_epoch(cache->lineages), head);
    return answer_head_decode((struct octets) { octets, len }, key, head);
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
    enum cache_hit hit = search_key(search, key_of(question, search->origin), answer);
    if (hit != CACHE_MISS && question->qtype == TYPE_CNAME && (*answer)->kind == ANSWER_CNAME) {
        (*answer)->kind = ANSWER_DATA; /* stored for another type: here it is what was asked for */
        answer_set_target(*answer);
    }
    return hit;
}

static enum cache_hit find_cname(const struct search *search, struct answer **answer)
{
    struct answer *found;
    if (!follows_cname(search->question->qtype))
        return CACHE_MISS;
    enum cache_hit hit = search_key(search, cname_key(search->question, search->origin), &found);
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
    return search_key(search, nxdomain_key(search->question, search->origin), answer);
}

/* What the DNAME says of qname (RFC 6672 section 2.2). */
static bool apply_dname(struct answer *answer)
{
    if (answer->kind != ANSWER_DATA || !is_trusted(answer->verdict.security))
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
        enum cache_hit way = search_key(search, dname_key(&owner, question->qclass, search->origin), &found);
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

bool cache_find_stale(struct cache *cache, const struct question *question, uint16_t origin, uint32_t max_age_s,
                      struct now now, struct arena *arena, struct answer **answer)
{
    static const enum blob_kind kinds[] = { BLOB_ANSWER, BLOB_ASIDE };
    for (size_t i = 0; i < ARRAY_LEN(kinds) * ARRAY_LEN(ways); i++) {
        struct search search = { cache, question, origin, kinds[i / ARRAY_LEN(ways)], true, now, arena };
        if (ways[i % ARRAY_LEN(ways)](&search, answer) != CACHE_MISS && is_trusted((*answer)->verdict.security) &&
            now.wall_ms - (*answer)->expires_ms <= ms_of_s(stale_age_s_max(*answer, max_age_s)))
            return true;
    }
    return false;
}

enum cache_hit cache_find_nxdomain_above(struct cache *cache, const struct question *question, uint16_t origin,
                                         struct now now, struct arena *arena, struct answer **answer)
{
    struct question above = *question;
    while (above.qname.labels > 1) {
        struct answer_head head;
        struct answer *found;
        dname_parent(&above.qname, &above.qname);
        struct blob_key key = nxdomain_key(&above, origin);
        if (!peek_head(cache, &key, &head) || !head.may_cut || head.security != SECURE)
            continue;
        if (find_entry(cache, &key, &above, now, arena, &found) == CACHE_FRESH && found->verdict.security == SECURE) {
            *answer = found;
            return CACHE_FRESH;
        }
    }
    return CACHE_MISS;
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
    if (ttl_ms < ms_of_s(PREFETCH_TTL_S_MIN) || !is_trusted(answer->verdict.security))
        return INT64_MAX;
    return answer->expires_ms - ttl_ms / PREFETCH_SHARE;
}

/* ---- storing ---- */

/* May it be kept at all?  RRSIGs never apart from what they sign (R4.5-b); meta types are no data, and ANY only as an
 * answer to ANY. */
static bool is_cacheable(const struct answer *answer)
{
    uint16_t qtype = answer->question.qtype;
    if (qtype == TYPE_RRSIG || (rr_type_is_meta(qtype) && qtype != TYPE_ANY))
        return answer->kind == ANSWER_NXDOMAIN;
    bool needs_record = answer->kind == ANSWER_CNAME || answer->kind == ANSWER_DNAME || answer->kind == ANSWER_DATA;
    if (needs_record && (answer->rrsets.count == 0 || answer->rrsets.items[0]->count == 0))
        return false;
    for (uint16_t i = 0; i < answer->rrsets.count; i++) {
        if (answer->rrsets.items[i]->type == TYPE_RRSIG)
            return false;
    }
    return answer->kind != ANSWER_DNAME || dname_is_below(&answer->question.qname, answer->rrsets.items[0]->owner);
}

static bool denies_by_nxname(const struct rrset *set)
{
    struct nsec3 nsec3;
    return set->type == TYPE_NSEC3 && nsec3_read(set->rdata[0], &nsec3) == OK && bitmap_has(nsec3.bitmap, TYPE_NXNAME);
}

/* RFC 8020, but no NSEC may stand at the name itself, nor an NSEC3: then the denial speaks of this name alone (RFC
 * 9824). */
static bool may_cut(const struct answer *answer)
{
    if (answer->kind != ANSWER_NXDOMAIN)
        return false;
    for (uint16_t i = 0; i < answer->proofs.count; i++) {
        const struct rrset *set = answer->proofs.items[i];
        if ((set->type == TYPE_NSEC && dname_equal(set->owner, &answer->question.qname)) || denies_by_nxname(set))
            return false;
    }
    return true;
}

static bool holds_dname(const struct answer *answer)
{
    return answer->rrsets.count > 0 && answer->rrsets.items[0]->type == TYPE_DNAME;
}

/* A TTL of 0 is for one transaction (RFC 1035 section 3.2.1), but for what the operator adds. */
static int64_t grace_end_ms(const struct cache *cache, const struct answer *answer)
{
    return answer->received_ms + ms_of_s(atomic_load_explicit(&cache->dname_grace_s, memory_order_relaxed));
}

/* RFC 2181 section 8, RFC 2308 section 5, RFC 4035 sections 4.5, 4.7 and 5.3.3, RFC 8767 section 4. */
static int64_t deadline(const struct cache *cache, const struct answer *answer, enum security security, struct now now)
{
    bool is_negative = answer->kind == ANSWER_NODATA || answer->kind == ANSWER_NXDOMAIN;
    uint32_t max_s =
        atomic_load_explicit(is_negative ? &cache->max_negative_ttl_s : &cache->max_ttl_s, memory_order_relaxed);
    int64_t end_ms = least_of(answer->expires_ms, answer->received_ms + ms_of_s(max_s));
    if (security == BOGUS || security == INDETERMINATE)
        end_ms = least_of(end_ms,
                          now.wall_ms + ms_of_s(atomic_load_explicit(&cache->max_bogus_ttl_s, memory_order_relaxed)));
    if (is_trusted(security) && atomic_load_explicit(&cache->signature_ttl_cap, memory_order_relaxed)) {
        end_ms = least_of(end_ms, ms_of_s(answer->verdict.valid_until_s));
        end_ms = least_of(end_ms, answer->received_ms + ms_of_s(answer->verdict.ttl_cap_s));
    }
    if (is_trusted(security) && holds_dname(answer) && end_ms <= answer->received_ms)
        end_ms = least_of(grace_end_ms(cache, answer), ms_of_s(answer->verdict.valid_until_s));
    return end_ms;
}

/* The ids of a zone's keys, by which lineages name them, get zone and tag. */
static void name_keys(struct cache *cache, const struct answer *answer)
{
    if (answer->verdict.security != SECURE || answer->kind != ANSWER_DATA || answer->question.qtype != TYPE_DNSKEY)
        return;
    const struct rrset *set = answer->rrsets.items[0];
    struct named_key keys[DNSKEYS_PER_ZONE_MAX];
    size_t count = set->type != TYPE_DNSKEY ? 0 : set->count < DNSKEYS_PER_ZONE_MAX ? set->count : DNSKEYS_PER_ZONE_MAX;
    for (size_t i = 0; i < count; i++)
        keys[i] = (struct named_key) { key_id(set->owner, set->rdata[i]), dnskey_tag(set->rdata[i]) };
    lineages_name_keys(cache->lineages, set->owner, keys, count);
}

static struct answer_head make_head(struct cache *cache, const struct answer *answer, uint64_t epoch, struct now now)
{
    struct answer_head head = { .security = answer->verdict.security };
    if (!lineages_intern(cache->lineages, &answer->verdict.lineage, &head.lineage))
        head.security = UNCHECKED;
    head.received_ms = answer->received_ms;
    head.expires_ms = deadline(cache, answer, head.security, now);
    head.valid_until_s = answer->verdict.valid_until_s;
    head.epoch = epoch;
    head.ttl_cap_s = answer->verdict.ttl_cap_s;
    head.ede = answer->verdict.ede;
    head.qtype = answer->question.qtype;
    head.rcode = answer->rcode;
    head.kind = answer->kind;
    head.may_cut = may_cut(answer);
    return head;
}

void cache_cap_answer(struct cache *cache, struct answer *answer, struct now now)
{
    answer->expires_ms = deadline(cache, answer, answer->verdict.security, now);
}

static bool is_fresh_secure(struct cache *cache, const struct answer_head *head, struct now now)
{
    uint64_t current;
    return head->security == SECURE && now.wall_ms < head->expires_ms && !is_from_future(head->received_ms, now) &&
           !signature_has_ended(head, now) &&
           lineages_judge(cache->lineages, head->epoch, head->lineage, &current) == STANDS;
}

/* What has been proven is not given up for what has not: whoever can send a forged answer could empty the cache. */
static bool may_replace(struct cache *cache, const struct answer_head *old, enum security security, struct now now)
{
    return is_trusted(security) || !is_fresh_secure(cache, old, now);
}

struct replacing {
    struct cache *cache;
    const struct blob_key *key;
    struct now now;
    enum security security;
};

static bool decide_replace(void *context, struct octets old, struct store_write *write)
{
    const struct replacing *replacing = context;
    struct answer_head head;
    stamp_read(write->old_stamp, lineages_epoch(replacing->cache->lineages), &head);
    return old.len == 0 || !answer_head_decode(old, replacing->key, &head) ||
           may_replace(replacing->cache, &head, replacing->security, replacing->now);
}

/* Other entries that would answer the same question: they say the opposite of the new one. */
enum { RIVALS_MAX = 3 };
static size_t rivals_of(const struct answer *answer, struct blob_key rivals[RIVALS_MAX])
{
    size_t count = 0;
    if (answer->kind != ANSWER_NXDOMAIN)
        rivals[count++] = nxdomain_key(&answer->question, answer->origin);
    if (answer->kind != ANSWER_CNAME && follows_cname(answer->question.qtype))
        rivals[count++] = cname_key(&answer->question, answer->origin);
    if (answer->kind == ANSWER_CNAME || answer->kind == ANSWER_NXDOMAIN || answer->kind == ANSWER_DNAME)
        rivals[count++] = key_of(&answer->question, answer->origin);
    return count;
}

static bool same_key(const struct blob_key *a, const struct blob_key *b)
{
    return a->qtype == b->qtype && dname_equal(&a->qname, &b->qname); /* the rest is the same for rivals */
}

/* Removes them, if all of them may be replaced. */
static bool remove_rivals(struct cache *cache, const struct answer *answer, const struct blob_key *own,
                          enum security security, struct now now)
{
    struct blob_key rivals[RIVALS_MAX];
    bool stands[RIVALS_MAX];
    size_t count = rivals_of(answer, rivals);
    for (size_t i = 0; i < count; i++) {
        struct answer_head head;
        stands[i] = !same_key(&rivals[i], own) && peek_head(cache, &rivals[i], &head);
        if (stands[i] && !may_replace(cache, &head, security, now))
            return false;
    }
    for (size_t i = 0; i < count; i++) {
        uint8_t buffer[BLOB_KEY_OCTETS_MAX];
        struct store_key stored = cache_key(cache, &rivals[i], buffer);
        if (stands[i])
            store_remove(cache->entries, &stored, (struct octets) { NULL, 0 });
    }
    return true;
}

static struct store_key aside_key(const struct cache *cache, const struct blob_key *key,
                                  uint8_t buffer[BLOB_KEY_OCTETS_MAX])
{
    struct blob_key aside = *key;
    aside.kind = BLOB_ASIDE;
    return cache_key(cache, &aside, buffer);
}

/* What has not been proven may take the place of what was, once that has expired: but if nobody can be asked later, the
 * old one is still good for a while (RFC 8767). */
static void set_aside(struct cache *cache, const struct blob_key *key, struct now now)
{
    uint8_t buffer[BLOB_KEY_OCTETS_MAX], aside_buffer[BLOB_KEY_OCTETS_MAX];
    struct answer_head head;
    if (!peek_head(cache, key, &head) || !is_trusted(head.security) || is_fresh_secure(cache, &head, now))
        return;
    struct arena *arena = arena_new();
    struct store_key stored = cache_key(cache, key, buffer), aside = aside_key(cache, key, aside_buffer);
    struct store_write write = {
        .expires_ms = head.expires_ms, .now_ms = now.wall_ms, .tag = TAG_ANSWER, .keep_ms = cache_keep_ms(cache)
    };
    if (store_find_stamped(cache->entries, &stored, arena, &write.value, &write.stamp))
        store_put(cache->entries, &aside, write);
    arena_free(arena);
}

/* Something proven has been said: nothing older counts any more. */
static void drop_aside(struct cache *cache, const struct blob_key *key)
{
    uint8_t buffer[BLOB_KEY_OCTETS_MAX];
    struct store_key aside = aside_key(cache, key, buffer);
    store_remove(cache->entries, &aside, (struct octets) { NULL, 0 });
}

static void look_after_older(struct cache *cache, const struct answer *answer, const struct blob_key *own,
                             enum security security, struct now now)
{
    struct blob_key keys[1 + RIVALS_MAX] = { *own };
    size_t count = 1 + rivals_of(answer, keys + 1);
    for (size_t i = 0; i < count; i++) {
        if (is_trusted(security))
            drop_aside(cache, &keys[i]);
        else
            set_aside(cache, &keys[i], now);
    }
}

/* A TTL of 0 says that what was there before is over. */
static void end_older(struct cache *cache, const struct answer *answer, enum security security, struct now now)
{
    struct blob_key own = entry_key(answer, security);
    uint8_t buffer[BLOB_KEY_OCTETS_MAX];
    struct store_key stored = cache_key(cache, &own, buffer);
    if (!is_trusted(security) || !remove_rivals(cache, answer, &own, security, now))
        return;
    look_after_older(cache, answer, &own, security, now);
    store_remove(cache->entries, &stored, (struct octets) { NULL, 0 });
    ready_drop(cache, &answer->question, answer->origin);
}

static void remember_depth(struct cache *cache, const struct answer *answer)
{
    if (!holds_dname(answer))
        return;
    uint8_t labels = answer->rrsets.items[0]->owner->labels;
    atomic_fetch_or_explicit(&cache->dname_depths[labels / 64], UINT64_C(1) << labels % 64, memory_order_relaxed);
}

static bool write_entry(struct cache *cache, const struct blob_key *key, const struct answer_head *head,
                        const struct answer *answer, struct now now)
{
    uint8_t buffer[STORE_VALUE_OCTETS_MAX], key_buffer[BLOB_KEY_OCTETS_MAX];
    struct writer w = writer_of(buffer, sizeof(buffer));
    answer_encode(&w, key, head, answer);
    if (w.failed)
        return false;
    struct replacing replacing = { cache, key, now, head->security };
    struct store_key stored = cache_key(cache, key, key_buffer);
    return store_put(cache->entries, &stored,
                     (struct store_write) {
                         .value = writer_octets(&w),
                         .expires_ms = head->expires_ms,
                         .now_ms = now.wall_ms,
                         .tag = TAG_ANSWER,
                         .stamp = stamp_make(head),
                         .keep_ms = cache_keep_ms(cache),
                         .decide = decide_replace,
                         .context = &replacing,
                     });
}

static void index_denial(struct cache *cache, const struct answer *answer, const struct answer_head *head,
                         struct now now)
{
    uint32_t max_s = atomic_load_explicit(&cache->max_negative_ttl_s, memory_order_relaxed);
    struct denial_stamp stamp = {
        .origin = answer->origin,
        .received_ms = head->received_ms,
        .expires_ms_max = least_of(ms_of_s(head->valid_until_s), head->received_ms + ms_of_s(max_s)),
        .epoch = head->epoch,
        .lineage = head->lineage,
    };
    if (head->security == SECURE && answer->question.qclass == CLASS_IN && answer->proofs.count > 0)
        denial_index_add(cache->denial, answer, &stamp, now);
}

void cache_put_answer_since(struct cache *cache, const struct answer *answer, uint64_t epoch, struct now now)
{
    if (!is_cacheable(answer) || is_from_future(answer->received_ms, now))
        return;
    name_keys(cache, answer);
    struct answer_head head = make_head(cache, answer, epoch, now);
    if (answer->expires_ms <= answer->received_ms)
        end_older(cache, answer, head.security, now);
    if (head.expires_ms <= now.wall_ms || head.expires_ms <= head.received_ms)
        return;
    struct blob_key key = entry_key(answer, head.security);
    look_after_older(cache, answer, &key, head.security, now);
    if (!remove_rivals(cache, answer, &key, head.security, now))
        return;
    struct answer entry = *answer;
    if (is_shared_dname(answer, head.security)) { /* the DNAME alone: the CNAME is made for each name below it */
        head.kind = ANSWER_DATA;
        head.qtype = TYPE_DNAME;
        head.rcode = RCODE_NOERROR;
        entry.rrsets.count = 1;
    }
    if (!write_entry(cache, &key, &head, &entry, now))
        return;
    ready_drop(cache, &answer->question, answer->origin);
    remember_depth(cache, &entry);
    index_denial(cache, answer, &head, now);
}

void cache_put_answer(struct cache *cache, const struct answer *answer, struct now now)
{
    cache_put_answer_since(cache, answer, cache_epoch(cache), now);
}
