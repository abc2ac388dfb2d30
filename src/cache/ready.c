#include "cache/ready.h"

#include "base/hash.h"
#include "cache/internal.h"

enum {
    OPT_OCTETS = 11,         /* without options */
    OPTION_HEAD_OCTETS = 4,  /* code and length: RFC 6891 section 6.1.2 */
    RECORD_FIXED_OCTETS = 8, /* type, class, TTL */
    TTL_BEHIND_TYPE = 4,
    RDATA_BEHIND_TTL = 6,
    ADDRESS_OCTETS_MAX = 16,
    POINTER_BITS = 0xc0,
};

/* A blob: head, sets, marks, EDE options, message.  The message comes last, so that OPT can be written behind it. */
enum {
    BLOB_OCTETS_MAX = sizeof(struct ready_head) + READY_SETS_MAX * sizeof(struct ready_set) +
                      READY_MARKS_MAX * sizeof(struct ready_mark) + READY_EDE_OCTETS_MAX + READY_MESSAGE_OCTETS_MAX,
    BLOB_OCTETS_USED_MAX = READY_BUFFER_OCTETS - OPT_OCTETS - READY_EDE_OCTETS_MAX - READY_OPTIONS_OCTETS_MAX,
};

static void put_u16(uint8_t *at, size_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static uint16_t get_u16(const uint8_t *at)
{
    return (uint16_t)(at[0] << 8 | at[1]);
}

static void put_u32(uint8_t *at, uint32_t value)
{
    put_u16(at, value >> 16);
    put_u16(at + 2, value & 0xffff);
}

/* ---- making one ---- */

/* Behind the name at `at`, which was written by us. */
static size_t skip_name(const uint8_t *message, size_t at)
{
    while (message[at] != 0 && message[at] < POINTER_BITS)
        at += 1 + (size_t)message[at];
    return at + (message[at] == 0 ? 1 : 2);
}

bool ready_add_set(struct ready_draft *draft, enum ready_part part, struct octets message, size_t begin, int64_t end_ms,
                   uint32_t ttl_s)
{
    struct ready_head *head = &draft->head;
    if (begin == message.len)
        return true;
    if (head->set_count == READY_SETS_MAX || message.len > READY_MESSAGE_OCTETS_MAX)
        return false;
    for (size_t at = begin; at < message.len; head->mark_count++) {
        if (head->mark_count == READY_MARKS_MAX)
            return false;
        at = skip_name(message.data, at);
        draft->marks[head->mark_count] =
            (struct ready_mark) { .at = (uint16_t)(at + 4), .set = head->set_count, .part = (uint8_t)part };
        at += RECORD_FIXED_OCTETS;
        at += 2 + (size_t)get_u16(message.data + at);
    }
    draft->sets[head->set_count++] = (struct ready_set) { .end_ms = end_ms, .ttl_s = ttl_s };
    return true;
}

static struct pool_key key_of(const struct ready_key *key)
{
    return (struct pool_key) { .hash = key->hash, .octets = { key->octets, key->octet_count } };
}

/* Letters to lower case, eight octets at a time: bit 7 of each octet of `upper` says that it is one of A to Z.  Length
 * octets of labels are below them and stay. */
static uint64_t lower_word(uint64_t octets)
{
    const uint64_t each = UINT64_C(0x0101010101010101);
    uint64_t low = octets & 0x7f * each;
    uint64_t upper = (low + (0x80 - 'A') * each) & ~(low + (0x7f - 'Z') * each) & ~octets & 0x80 * each;
    return octets | upper >> 2;
}

static void lower_eight(uint8_t *to, const uint8_t *from)
{
    uint64_t word;
    memcpy(&word, from, sizeof(word));
    word = lower_word(word);
    memcpy(to, &word, sizeof(word));
}

static void copy_lower(uint8_t *to, const uint8_t *from, size_t len)
{
    size_t at = 0;
    for (; len - at >= sizeof(uint64_t); at += sizeof(uint64_t))
        lower_eight(to + at, from + at);
    if (at > 0 && at < len) /* the last eight, some of them once more */
        lower_eight(to + len - sizeof(uint64_t), from + len - sizeof(uint64_t));
    for (; at == 0 && len > 0; len--)
        to[len - 1] = (uint8_t)lower_word(from[len - 1]);
}

static void make_key(const struct cache *cache, const uint8_t *name, uint8_t name_octets, uint16_t qtype,
                     uint16_t origin, struct ready_key *key)
{
    put_u16(key->octets, origin);
    put_u16(key->octets + 2, qtype);
    copy_lower(key->octets + 4, name, name_octets);
    key->octet_count = (uint16_t)(4 + name_octets);
    key->hash = hash_octets((struct octets) { key->octets, key->octet_count }, cache->seed);
}

/* The long way is gone now and then for reasons of the client's own: that alone makes nothing new. */
static bool stands(struct cache *cache, const struct pool_key *key, const struct ready_head *head)
{
    struct ready_head old;
    return pool_peek(cache->ready, key, &old, sizeof(old)) && memcmp(&old, head, sizeof(old)) == 0;
}

void ready_put(struct cache *cache, const struct question *question, uint16_t origin, const struct ready_draft *draft,
               struct now now)
{
    const struct ready_head *head = &draft->head;
    uint8_t blob[BLOB_OCTETS_MAX];
    struct writer w = writer_of(blob, sizeof(blob));
    writer_octets_put(&w, (struct octets) { (const uint8_t *)head, sizeof(*head) });
    writer_octets_put(&w, (struct octets) { (const uint8_t *)draft->sets, head->set_count * sizeof(draft->sets[0]) });
    writer_octets_put(&w,
                      (struct octets) { (const uint8_t *)draft->marks, head->mark_count * sizeof(draft->marks[0]) });
    writer_octets_put(&w, (struct octets) { draft->ede, head->ede_octets });
    writer_octets_put(&w, draft->message);
    if (w.failed || w.len > BLOB_OCTETS_USED_MAX || question->qclass != CLASS_IN)
        return;
    struct ready_key key;
    make_key(cache, question->qname.octets, question->qname.len, question->qtype, origin, &key);
    struct pool_key stored = key_of(&key);
    struct pool_write write = { .value = writer_octets(&w), .expires_ms = head->expires_ms, .now_ms = now.wall_ms };
    if (!stands(cache, &stored, head))
        pool_put(cache->ready, &stored, write);
}

void ready_drop(struct cache *cache, const struct question *question, uint16_t origin)
{
    struct ready_key key;
    make_key(cache, question->qname.octets, question->qname.len, question->qtype, origin, &key);
    struct pool_key stored = key_of(&key);
    pool_remove(cache->ready, &stored, (struct octets) { NULL, 0 });
}

/* ---- refreshing what is in use ---- */

/* The upper half of the hash and the second of the claim in one word: claims that share a place drive each other
 * out. */
bool ready_claim_refresh(struct cache *cache, const struct ready_key *key, struct now now)
{
    _Atomic uint64_t *place = &cache->refreshes[key->hash % REFRESHES_MAX];
    uint64_t old = atomic_load_explicit(place, memory_order_relaxed);
    uint32_t now_s = (uint32_t)(now.monotonic_ms / 1000), hash = (uint32_t)(key->hash >> 32);
    if ((uint32_t)(old >> 32) == hash && now_s - (uint32_t)old < FAILURE_TTL_S_FIRST)
        return false;
    return atomic_compare_exchange_strong_explicit(place, &old, (uint64_t)hash << 32 | now_s, memory_order_relaxed,
                                                   memory_order_relaxed);
}

bool cache_claim_refresh(struct cache *cache, const struct question *question, uint16_t origin, struct now now)
{
    struct ready_key key;
    make_key(cache, question->qname.octets, question->qname.len, question->qtype, origin, &key);
    return ready_claim_refresh(cache, &key, now);
}

/* ---- using one ---- */

void ready_key_make(const struct cache *cache, const struct plain_question *plain, uint16_t origin,
                    struct ready_key *key)
{
    make_key(cache, plain->name, plain->name_octets, plain->qtype, origin, key);
}

void ready_prefetch_index(const struct cache *cache, const struct ready_key *key)
{
    pool_prefetch_index(cache->ready, key->hash);
}

void ready_prefetch_entry(const struct cache *cache, const struct ready_key *key)
{
    pool_prefetch_entry(cache->ready, key->hash);
}

/* One that was read: views into the buffer. */
struct ready {
    struct ready_head head;
    const uint8_t *sets, *marks, *ede;
    uint8_t *message;
};

/* What does not hold together is not used: a blob is memory like any other. */
static bool parts_fit(const struct ready_head *head, size_t message_octets)
{
    size_t begin = HEADER_OCTETS + (size_t)head->question_octets + 4;
    for (size_t i = 0; i < READY_PARTS; i++) {
        if (head->part_ends[i] < begin)
            return false;
        begin = head->part_ends[i];
    }
    return begin == message_octets && head->set_count <= READY_SETS_MAX && head->ede_octets <= READY_EDE_OCTETS_MAX;
}

static bool read_blob(uint8_t *blob, size_t octets, struct ready *ready)
{
    struct ready_head *head = &ready->head;
    if (octets < sizeof(*head))
        return false;
    memcpy(head, blob, sizeof(*head));
    ready->sets = blob + sizeof(*head);
    ready->marks = ready->sets + head->set_count * sizeof(struct ready_set);
    ready->ede = ready->marks + head->mark_count * sizeof(struct ready_mark);
    ready->message = blob + sizeof(*head) + head->set_count * sizeof(struct ready_set) +
                     head->mark_count * sizeof(struct ready_mark) + head->ede_octets;
    size_t message_at = (size_t)(ready->message - blob);
    return octets <= BLOB_OCTETS_USED_MAX && message_at < octets && parts_fit(head, octets - message_at);
}

/* Both deadlines, the epoch, and a clock that went back: as the long way does. */
static bool may_be_served(const struct cache *cache, const struct ready_head *head, bool cd, struct now now)
{
    return (cd || head->security != UNCHECKED) && now.wall_is_fit && now.wall_ms < head->expires_ms &&
           now.wall_ms >= head->received_ms - CACHE_FUTURE_MS && head->epoch == cache_epoch(cache);
}

/* How far the Authority section moves to the front without DO. */
static uint16_t shift_of(const struct ready_head *head)
{
    return (uint16_t)(head->part_ends[READY_ANSWER_SIGNATURES] - head->part_ends[READY_ANSWERS]);
}

static bool is_wanted(uint8_t part, bool dnssec_ok)
{
    return dnssec_ok || part == READY_ANSWERS || part == READY_AUTHORITY;
}

static bool patch_ttls(struct ready *ready, bool dnssec_ok, struct now now)
{
    uint32_t left_s[READY_SETS_MAX];
    const struct ready_head *head = &ready->head;
    for (uint8_t i = 0; i < head->set_count; i++) {
        struct ready_set set;
        memcpy(&set, ready->sets + i * sizeof(set), sizeof(set));
        left_s[i] = ttl_left(set.end_ms, set.ttl_s, now);
    }
    for (uint8_t i = 0; i < head->mark_count; i++) {
        struct ready_mark mark;
        memcpy(&mark, ready->marks + i * sizeof(mark), sizeof(mark));
        if (mark.set >= head->set_count || mark.at + 4u > head->part_ends[READY_PARTS - 1])
            return false;
        if (is_wanted(mark.part, dnssec_ok))
            put_u32(ready->message + mark.at, left_s[mark.set]);
    }
    return true;
}

/* `count` records of one set of addresses: their owners, types and TTLs are the same, their RDATA change places. */
static void turn(uint8_t *message, const struct ready_mark *marks, unsigned count, size_t octets, uint16_t id)
{
    uint8_t rdata[ROTATED_RECORDS_MAX][ADDRESS_OCTETS_MAX];
    for (unsigned i = 0; i < count; i++)
        memcpy(rdata[i], message + marks[i].at + RDATA_BEHIND_TTL, octets);
    for (unsigned i = 0; i < count; i++)
        memcpy(message + marks[i].at + RDATA_BEHIND_TTL, rdata[(i + id) % count], octets);
}

static struct ready_mark mark_at(const struct ready *ready, unsigned i)
{
    struct ready_mark mark;
    memcpy(&mark, ready->marks + i * sizeof(mark), sizeof(mark));
    return mark;
}

/* RDLENGTH is looked at, too: a blob is memory like any other. */
static bool is_address(const struct ready *ready, struct ready_mark mark, uint16_t type, size_t octets)
{
    size_t end = mark.at + RDATA_BEHIND_TTL + octets;
    return mark.part == READY_ANSWERS && end <= ready->head.part_ends[READY_ANSWERS] &&
           get_u16(ready->message + mark.at - TTL_BEHIND_TYPE) == type &&
           get_u16(ready->message + mark.at + 4) == octets;
}

/* Marks of one set stand together. */
static void rotate(struct ready *ready, const struct plain_question *plain)
{
    struct ready_mark marks[ROTATED_RECORDS_MAX + 1];
    size_t octets = plain->qtype == TYPE_A ? 4 : ADDRESS_OCTETS_MAX;
    for (unsigned i = 0, count; i < ready->head.mark_count; i += count) {
        marks[0] = mark_at(ready, i);
        for (count = 1; i + count < ready->head.mark_count; count++) {
            struct ready_mark next = mark_at(ready, i + count);
            if (next.set != marks[0].set)
                break;
            if (count <= ROTATED_RECORDS_MAX)
                marks[count] = next;
        }
        bool all = is_rotated(plain->qtype, count);
        for (unsigned k = 0; all && k < count; k++)
            all = is_address(ready, marks[k], plain->qtype, octets);
        if (all)
            turn(ready->message, marks, count, octets, get_u16(plain->id));
    }
}

/* Takes out what only DO asks for; returns the octets that stay. */
static size_t take_out(struct ready *ready, bool dnssec_ok)
{
    const uint16_t *ends = ready->head.part_ends;
    if (dnssec_ok)
        return ends[READY_PARTS - 1];
    uint16_t authority_octets = (uint16_t)(ends[READY_AUTHORITY] - ends[READY_ANSWER_SIGNATURES]);
    memmove(ready->message + ends[READY_ANSWERS], ready->message + ends[READY_ANSWER_SIGNATURES], authority_octets);
    return (size_t)ends[READY_AUTHORITY] - shift_of(&ready->head);
}

static void write_opt(uint8_t *at, const struct plain_question *plain, const struct ready_manner *manner,
                      struct octets edes)
{
    static const uint8_t root_opt[] = { 0, 0, TYPE_OPT };
    memcpy(at, root_opt, sizeof(root_opt));
    put_u16(at + 3, manner->edns_octets);
    put_u32(at + 5, plain->dnssec_ok ? 0x8000 : 0);
    put_u16(at + 9, edes.len + manner->options.len);
    if (edes.len > 0)
        memcpy(at + OPT_OCTETS, edes.data, edes.len);
    if (manner->options.len > 0)
        memcpy(at + OPT_OCTETS + edes.len, manner->options.data, manner->options.len);
}

static void write_header(struct ready *ready, const struct plain_question *plain, uint8_t rcode, bool is_truncated)
{
    uint8_t *header = ready->message;
    bool authentic = ready->head.security == SECURE && (plain->dnssec_ok || plain->ad); /* RFC 6840 section 5.8 */
    unsigned flags = FLAG_QR | FLAG_RD | FLAG_RA | rcode | (is_truncated ? FLAG_TC : 0) | (authentic ? FLAG_AD : 0) |
                     (plain->cd ? FLAG_CD : 0);
    const uint16_t *counts = ready->head.counts;
    unsigned dnssec = plain->dnssec_ok && !is_truncated, plainly = !is_truncated;
    memcpy(header, plain->id, sizeof(plain->id));
    put_u16(header + 2, flags);
    put_u16(header + 4, 1);
    put_u16(header + 6, plainly * counts[READY_ANSWERS] + dnssec * counts[READY_ANSWER_SIGNATURES]);
    put_u16(header + 8, plainly * counts[READY_AUTHORITY] + dnssec * counts[READY_AUTHORITY_DNSSEC]);
    put_u16(header + 10, plain->edns);
    memcpy(header + HEADER_OCTETS, plain->name, plain->name_octets); /* in the client's letter case */
}

struct ready_answer ready_answer(struct cache *cache, const struct ready_key *key, const struct plain_question *plain,
                                 const struct ready_manner *manner, struct now now, uint8_t buffer[READY_BUFFER_OCTETS])
{
    static const struct ready_answer none = { .message = { NULL, 0 } };
    struct pool_key stored = key_of(key);
    struct ready ready;
    size_t octets = pool_read(cache->ready, &stored, buffer, BLOB_OCTETS_USED_MAX);
    if (octets == 0 || !read_blob(buffer, octets, &ready) || !may_be_served(cache, &ready.head, plain->cd, now) ||
        ready.head.question_octets != plain->name_octets || !patch_ttls(&ready, plain->dnssec_ok, now))
        return none;
    if (manner->rotate && ready.head.mark_count > 1 && (plain->qtype == TYPE_A || plain->qtype == TYPE_AAAA))
        rotate(&ready, plain);
    struct octets edes = { ready.ede, manner->ede ? ready.head.ede_octets : 0u };
    size_t message_octets = take_out(&ready, plain->dnssec_ok);
    size_t opt = plain->edns ? OPT_OCTETS + edes.len + manner->options.len : 0;
    bool is_truncated = message_octets + opt > manner->octets_max;
    if (is_truncated && (ready.head.has_extras || (plain->edns && edes.len > 0)))
        return none; /* NS records would have to go, or EXTRA-TEXT to be shortened */
    if (is_truncated)
        message_octets = HEADER_OCTETS + (size_t)plain->name_octets + 4;
    uint8_t rcode = plain->dnssec_ok ? ready.head.rcode_dnssec : ready.head.rcode;
    write_header(&ready, plain, rcode, is_truncated);
    if (opt > 0)
        write_opt(ready.message + message_octets, plain, manner, edes);
    return (struct ready_answer) {
        .message = { ready.message, message_octets + opt },
        .rcode = rcode,
        .is_truncated = is_truncated,
        .is_ending = now.wall_ms >= ready.head.refresh_ms,
    };
}
