/* Under which key an answer stands, and what can be seen of it there without unpacking it. */
#include "cache/answers.h"

/* A question of any other type is answered by a CNAME at its name.  RRSIG and NSEC stand beside a CNAME (RFC 4034
 * sections 3 and 4), ANY means it too.  A DS set belongs to the parent, DNSKEY to the apex: a CNAME seen at the same
 * name from the other side of a cut says nothing of them. */
bool answer_follows_cname(uint16_t qtype)
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

struct blob_key answer_key(const struct question *question, uint16_t origin)
{
    return (struct blob_key) {
        .kind = BLOB_ANSWER,
        .origin = origin,
        .qclass = question->qclass,
        .qtype = question->qtype,
        .qname = question->qname,
    };
}

struct blob_key answer_cname_key(const struct question *question, uint16_t origin)
{
    struct blob_key key = answer_key(question, origin);
    key.qtype = TYPE_CNAME;
    return key;
}

struct blob_key answer_nxdomain_key(const struct question *question, uint16_t origin)
{
    struct blob_key key = answer_key(question, origin);
    key.qtype = 0;
    return key;
}

bool answer_is_shared_dname(const struct answer *answer, enum security security)
{
    return answer->kind == ANSWER_DNAME && security_is_trusted(security);
}

struct blob_key answer_dname_key(const struct dname *owner, uint16_t qclass, uint16_t origin)
{
    return (struct blob_key) {
        .kind = BLOB_ANSWER,
        .origin = origin,
        .qclass = qclass,
        .qtype = TYPE_DNAME,
        .qname = *owner,
    };
}

struct blob_key answer_entry_key(const struct answer *answer, enum security security)
{
    if (!security_is_trusted(security))
        return answer_key(&answer->question, answer->origin);
    if (answer->kind == ANSWER_NXDOMAIN)
        return answer_nxdomain_key(&answer->question, answer->origin);
    if (answer->kind == ANSWER_CNAME && answer_follows_cname(answer->question.qtype))
        return answer_cname_key(&answer->question, answer->origin);
    if (answer_is_shared_dname(answer, security))
        return answer_dname_key(answer->rrsets.items[0]->owner, answer->question.qclass, answer->origin);
    return answer_key(&answer->question, answer->origin);
}

/* ---- at a glance ---- */

bool answer_is_from_future(int64_t received_ms, struct now now)
{
    return received_ms > now.wall_ms && received_ms - now.wall_ms > CACHE_FUTURE_MS;
}

bool answer_signature_has_ended(const struct answer_head *head, struct now now)
{
    return security_is_trusted(head->security) && ms_of_s(head->valid_until_s) <= now.wall_ms;
}

bool answer_peek_head(struct cache *cache, const struct blob_key *key, struct answer_head *head)
{
    uint8_t buffer[BLOB_KEY_OCTETS_MAX], octets[ANSWER_HEAD_OCTETS_MAX];
    struct pool_key stored = cache_key(cache, key, buffer);
    uint32_t stamp;
    size_t len = pool_peek_upto(cache->entries, &stored, octets, sizeof(octets), &stamp);
    if (len == 0)
        return false;
    stamp_read(stamp, lineages_epoch(cache->lineages), head);
    return answer_head_decode((struct octets) { octets, len }, key, head);
}
