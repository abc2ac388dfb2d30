/* Answers stored: which of them may be, for how long, and what they may replace. */
#include "cache/answers.h"

/* ---- may it be kept, and for how long? ---- */

/* RRSIGs never apart from what they sign (R4.5-b); meta types are no data, and ANY only as an answer to ANY. */
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
    if (security_is_trusted(security) && atomic_load_explicit(&cache->signature_ttl_cap, memory_order_relaxed)) {
        end_ms = least_of(end_ms, ms_of_s(answer->verdict.valid_until_s));
        end_ms = least_of(end_ms, answer->received_ms + ms_of_s(answer->verdict.ttl_cap_s));
    }
    if (security_is_trusted(security) && holds_dname(answer) && end_ms <= answer->received_ms)
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

/* ---- what it may replace ---- */

static bool is_fresh_secure(struct cache *cache, const struct answer_head *head, struct now now)
{
    uint64_t current;
    return head->security == SECURE && now.wall_ms < head->expires_ms &&
           !answer_is_from_future(head->received_ms, now) && !answer_signature_has_ended(head, now) &&
           lineages_judge(cache->lineages, head->epoch, head->lineage, &current) == STANDS;
}

/* What has been proven is not given up for what has not: whoever can send a forged answer could empty the cache. */
static bool may_replace(struct cache *cache, const struct answer_head *old, enum security security, struct now now)
{
    return security_is_trusted(security) || !is_fresh_secure(cache, old, now);
}

struct replacing {
    struct cache *cache;
    const struct blob_key *key;
    struct now now;
    enum security security;
};

static bool decide_replace(void *context, struct octets old, struct pool_write *write)
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
        rivals[count++] = answer_nxdomain_key(&answer->question, answer->origin);
    if (answer->kind != ANSWER_CNAME && answer_follows_cname(answer->question.qtype))
        rivals[count++] = answer_cname_key(&answer->question, answer->origin);
    if (answer->kind == ANSWER_CNAME || answer->kind == ANSWER_NXDOMAIN || answer->kind == ANSWER_DNAME)
        rivals[count++] = answer_key(&answer->question, answer->origin);
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
        stands[i] = !same_key(&rivals[i], own) && answer_peek_head(cache, &rivals[i], &head);
        if (stands[i] && !may_replace(cache, &head, security, now))
            return false;
    }
    for (size_t i = 0; i < count; i++)
        if (stands[i])
            cache_remove(cache, cache->entries, &rivals[i]);
    return true;
}

static struct blob_key aside_key(const struct blob_key *key)
{
    struct blob_key aside = *key;
    aside.kind = BLOB_ASIDE;
    return aside;
}

/* What has not been proven may take the place of what was, once that has expired: but if nobody can be asked later, the
 * old one is still good for a while (RFC 8767). */
static void set_aside(struct cache *cache, const struct blob_key *key, struct now now)
{
    uint8_t buffer[BLOB_KEY_OCTETS_MAX], aside_buffer[BLOB_KEY_OCTETS_MAX];
    struct answer_head head;
    if (!answer_peek_head(cache, key, &head) || !security_is_trusted(head.security) ||
        is_fresh_secure(cache, &head, now))
        return;
    struct arena *arena = arena_new();
    struct blob_key aside_blob = aside_key(key);
    struct pool_key stored = cache_key(cache, key, buffer), aside = cache_key(cache, &aside_blob, aside_buffer);
    struct pool_write write = {
        .expires_ms = head.expires_ms, .now_ms = now.wall_ms, .tag = TAG_ANSWER, .keep_ms = cache_keep_ms(cache)
    };
    if (pool_find_stamped(cache->entries, &stored, arena, &write.value, &write.stamp))
        pool_put(cache->entries, &aside, write);
    arena_free(arena);
}

/* Something proven has been said: nothing older counts any more. */
static void drop_aside(struct cache *cache, const struct blob_key *key)
{
    struct blob_key aside = aside_key(key);
    cache_remove(cache, cache->entries, &aside);
}

static void look_after_older(struct cache *cache, const struct answer *answer, const struct blob_key *own,
                             enum security security, struct now now)
{
    struct blob_key keys[1 + RIVALS_MAX] = { *own };
    size_t count = 1 + rivals_of(answer, keys + 1);
    for (size_t i = 0; i < count; i++) {
        if (security_is_trusted(security))
            drop_aside(cache, &keys[i]);
        else
            set_aside(cache, &keys[i], now);
    }
}

/* A TTL of 0 says that what was there before is over. */
static void end_older(struct cache *cache, const struct answer *answer, enum security security, struct now now)
{
    struct blob_key own = answer_entry_key(answer, security);
    if (!security_is_trusted(security) || !remove_rivals(cache, answer, &own, security, now))
        return;
    look_after_older(cache, answer, &own, security, now);
    cache_remove(cache, cache->entries, &own);
    ready_drop(cache, &answer->question, answer->origin);
}

/* ---- writing it ---- */

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
    uint8_t buffer[POOL_VALUE_OCTETS_MAX], key_buffer[BLOB_KEY_OCTETS_MAX];
    struct writer w = writer_of(buffer, sizeof(buffer));
    answer_encode(&w, key, head, answer);
    if (w.failed)
        return false;
    struct replacing replacing = { cache, key, now, head->security };
    struct pool_key stored = cache_key(cache, key, key_buffer);
    return pool_put(cache->entries, &stored,
                    (struct pool_write) {
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
    if (!is_cacheable(answer) || answer_is_from_future(answer->received_ms, now))
        return;
    name_keys(cache, answer);
    struct answer_head head = make_head(cache, answer, epoch, now);
    if (answer->expires_ms <= answer->received_ms)
        end_older(cache, answer, head.security, now);
    if (head.expires_ms <= now.wall_ms || head.expires_ms <= head.received_ms)
        return;
    struct blob_key key = answer_entry_key(answer, head.security);
    look_after_older(cache, answer, &key, head.security, now);
    if (!remove_rivals(cache, answer, &key, head.security, now))
        return;
    struct answer entry = *answer;
    if (answer_is_shared_dname(answer, head.security)) { /* the DNAME alone: the CNAME is made for each name below it */
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
