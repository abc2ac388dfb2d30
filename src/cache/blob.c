/* The compact forms.  What is almost always the same costs a bit; what the key says, or an earlier name, is referred to. */
#include "cache/blob.h"

#include "cache/store.h"

static const int64_t time_ms_max = INT64_C(0xffffffffffff); /* forty-eight bits: that late is never */

/* ---- numbers ---- */

/* Seven bits in an octet, the least first; the upper bit: there are more. */
static void put_number(struct writer *w, uint64_t number)
{
    for (; number > 0x7f; number >>= 7)
        writer_u8(w, (uint8_t)(number | 0x80));
    writer_u8(w, (uint8_t)number);
}

static uint64_t read_number(struct reader *r)
{
    uint64_t number = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        uint8_t octet = reader_u8(r);
        number |= (uint64_t)(octet & 0x7f) << shift;
        if (!(octet & 0x80))
            return number;
    }
    r->failed = true;
    return 0;
}

static uint64_t read_upto(struct reader *r, uint64_t max)
{
    uint64_t number = read_number(r);
    if (number > max)
        r->failed = true;
    return r->failed ? 0 : number;
}

static void put_time(struct writer *w, int64_t ms)
{
    writer_u48(w, ms < 0 ? 0 : ms > time_ms_max ? time_ms_max : (uint64_t)ms);
}

static int64_t read_time(struct reader *r)
{
    uint64_t ms = reader_u48(r);
    return ms == (uint64_t)time_ms_max ? INT64_MAX : (int64_t)ms;
}

enum { SPAN_HAS_MS = 1 };

/* Milliseconds that are mostly whole seconds, and no more than days: no TTL is kept for longer than TTL_S_MAX. */
static void put_span(struct writer *w, int64_t ms)
{
    put_number(w, ms % 1000 == 0 ? (uint64_t)ms / 1000 << 1 : (uint64_t)ms << 1 | SPAN_HAS_MS);
}

static int64_t read_span(struct reader *r)
{
    uint64_t span = read_upto(r, UINT32_MAX);
    return (int64_t)(span & SPAN_HAS_MS ? span >> 1 : (span >> 1) * 1000);
}

/* As much of it as `size` holds with its NUL. */
static void put_text(struct writer *w, const char *text, size_t size)
{
    size_t len = text == NULL ? 0 : strnlen(text, size - 1);
    writer_u8(w, (uint8_t)len);
    writer_octets_put(w, (struct octets) { (const uint8_t *)text, len });
}

static void read_text(struct reader *r, char *text, size_t size)
{
    struct octets octets = reader_octets(r, reader_u8(r));
    if (octets.len >= size)
        r->failed = true;
    else if (octets.len > 0)
        memcpy(text, octets.data, octets.len);
}

/* ---- names ---- */

/* The labels that two names share from the root, letter case and all. */
static uint8_t shared_labels(const struct dname *a, const struct dname *b)
{
    uint8_t most = a->labels < b->labels ? a->labels : b->labels;
    for (uint8_t labels = dname_common_labels(a, b); labels > 0; labels--) {
        struct dname suffix_a, suffix_b;
        if (labels > most)
            continue;
        dname_suffix(a, labels, &suffix_a);
        dname_suffix(b, labels, &suffix_b);
        if (dname_same_case(&suffix_a, &suffix_b))
            return labels;
    }
    return 0;
}

enum { NAME_SHARED_SHIFT = 4, NAME_LEN_MASK = 15, NAME_IS_LONG = 0xff };

/* The number of labels shared with base and that of the octets before them, mostly in one octet; then those. */
static void put_name(struct writer *w, const struct dname *base, const struct dname *name)
{
    struct dname suffix;
    uint8_t shared = shared_labels(base, name);
    dname_suffix(name, shared, &suffix);
    uint8_t len = name->len - suffix.len;
    if (shared < NAME_IS_LONG >> NAME_SHARED_SHIFT && len <= NAME_LEN_MASK) {
        writer_u8(w, (uint8_t)(shared << NAME_SHARED_SHIFT | len));
    } else {
        writer_u8(w, NAME_IS_LONG);
        writer_u8(w, shared);
        writer_u8(w, len);
    }
    writer_octets_put(w, (struct octets) { name->octets, len });
}

static void read_name(struct reader *r, const struct dname *base, struct dname *name)
{
    uint8_t form = reader_u8(r), octets[2 * DNAME_OCTETS_MAX];
    uint8_t shared = form == NAME_IS_LONG ? reader_u8(r) : form >> NAME_SHARED_SHIFT;
    struct octets front = reader_octets(r, form == NAME_IS_LONG ? reader_u8(r) : form & NAME_LEN_MASK);
    struct dname suffix = *dname_root();
    *name = suffix;
    if (r->failed || shared > base->labels) {
        r->failed = true;
        return;
    }
    dname_suffix(base, shared, &suffix);
    if (front.len > 0)
        memcpy(octets, front.data, front.len);
    memcpy(octets + front.len, suffix.octets, suffix.len);
    if (dname_from_wire((struct octets) { octets, front.len + suffix.len }, name) != OK)
        r->failed = true;
}

/* ---- keys ---- */

enum { KEY_KIND = 3, KEY_IS_IN = 4, KEY_IS_ITERATIVE = 8, KEY_TYPE_SHIFT = 4 };

/* Their place here, counted from one, stands for them. */
static const uint16_t usual_types[] = {
    TYPE_A,    TYPE_NS,  TYPE_CNAME, TYPE_SOA,    TYPE_PTR,   TYPE_MX, TYPE_TXT,
    TYPE_AAAA, TYPE_SRV, TYPE_DS,    TYPE_DNSKEY, TYPE_HTTPS, 0, /* of a name error */
};
_Static_assert(ARRAY_LEN(usual_types) < 16, "four bits");

static uint8_t usual_type_number(uint16_t type)
{
    for (uint8_t i = 0; i < ARRAY_LEN(usual_types); i++) {
        if (usual_types[i] == type)
            return i + 1;
    }
    return 0;
}

struct octets blob_key_encode(const struct blob_key *key, uint8_t octets[BLOB_KEY_OCTETS_MAX])
{
    struct writer w = writer_of(octets, BLOB_KEY_OCTETS_MAX);
    struct dname lower;
    bool is_in = key->qclass == CLASS_IN, is_iterative = key->origin == ORIGIN_ITERATIVE;
    uint8_t type = usual_type_number(key->qtype);
    dname_lower(&key->qname, &lower);
    writer_u8(&w, (uint8_t)(key->kind | (is_in ? KEY_IS_IN : 0) | (is_iterative ? KEY_IS_ITERATIVE : 0) |
                            type << KEY_TYPE_SHIFT));
    if (!is_iterative)
        writer_u16(&w, key->origin);
    if (!is_in)
        writer_u16(&w, key->qclass);
    if (type == 0)
        writer_u16(&w, key->qtype);
    writer_dname(&w, &lower);
    return writer_octets(&w);
}

bool blob_key_decode(struct octets octets, struct blob_key *key)
{
    struct reader r = reader_of_octets(octets);
    uint8_t flags = reader_u8(&r);
    key->kind = flags & KEY_KIND;
    key->origin = flags & KEY_IS_ITERATIVE ? ORIGIN_ITERATIVE : reader_u16(&r);
    key->qclass = flags & KEY_IS_IN ? CLASS_IN : reader_u16(&r);
    uint8_t type = flags >> KEY_TYPE_SHIFT;
    if (type > ARRAY_LEN(usual_types))
        return false;
    key->qtype = type == 0 ? reader_u16(&r) : usual_types[type - 1];
    reader_dname_uncompressed(&r, &key->qname);
    return !r.failed;
}

/* ---- RRsets ---- */

enum { /* what is not as it mostly is */
       SET_HAS_CLASS = 1,
       SET_HAS_COUNT = 2,
       SET_HAS_SIG_COUNT = 4, /* else one signature if there are any … */
       SET_IS_SIGNED = 8,     /* … and there are */
       SET_HAS_SIG_TTL = 16,
       SET_HAS_OWNER = 32, /* else the base itself */
       SET_HAS_TYPE = 64,
       SET_HAS_TTL = 128,
};

/* What a set mostly is like. */
struct usual {
    const struct dname *owner;
    uint16_t type;
    uint32_t ttl_s;
};

enum { /* RFC 4034 section 3.1 */
       SIG_TYPE_OCTETS = 2,
       SIG_ALGORITHM_OCTETS = 1,
       SIG_LABELS_OCTETS = 5, /* the owner's, and the original TTL: mostly those of the records … */
       SIG_FIXED_OCTETS = 18,
       SIG_IS_USUAL = 0x80, /* … which is a bit beside the labels of the signer */
       SIG_RAW = 0xff,
};

/* The labels of the signer, if the signature is for this type and the signer's name ends the owner's; else SIG_RAW. */
static uint8_t signer_labels(const struct rrset *rrset, struct octets sig)
{
    struct reader r = reader_of_octets(sig);
    struct dname signer;
    if (reader_u16(&r) != rrset->type)
        return SIG_RAW;
    reader_octets(&r, SIG_FIXED_OCTETS - SIG_TYPE_OCTETS);
    reader_dname_uncompressed(&r, &signer);
    return r.failed || shared_labels(&signer, rrset->owner) != signer.labels ? SIG_RAW : signer.labels;
}

/* What the labels and the original TTL of a signature mostly are. */
static struct octets usual_labels(const struct rrset *rrset, uint8_t octets[SIG_LABELS_OCTETS])
{
    struct writer w = writer_of(octets, SIG_LABELS_OCTETS);
    writer_u8(&w, rrset->owner->labels);
    writer_u32(&w, rrset->ttl_s);
    return writer_octets(&w);
}

static void put_sig(struct writer *w, const struct rrset *rrset, struct octets sig)
{
    uint8_t labels = signer_labels(rrset, sig), usual[SIG_LABELS_OCTETS];
    struct dname signer;
    size_t skip = 0;
    if (labels == SIG_RAW) {
        writer_u8(w, SIG_RAW);
    } else {
        const uint8_t *algorithm = sig.data + SIG_TYPE_OCTETS, *owner_labels = algorithm + SIG_ALGORITHM_OCTETS;
        bool is_usual = (labels | SIG_IS_USUAL) != SIG_RAW &&
                        octets_equal((struct octets) { owner_labels, SIG_LABELS_OCTETS }, usual_labels(rrset, usual));
        dname_suffix(rrset->owner, labels, &signer);
        writer_u8(w, (uint8_t)(labels | (is_usual ? SIG_IS_USUAL : 0)));
        writer_u8(w, *algorithm);
        const uint8_t *times = owner_labels + (is_usual ? SIG_LABELS_OCTETS : 0);
        writer_octets_put(w, (struct octets) { times, (size_t)(sig.data + SIG_FIXED_OCTETS - times) });
        skip = SIG_FIXED_OCTETS + (size_t)signer.len;
    }
    put_number(w, sig.len - skip);
    writer_octets_put(w, (struct octets) { sig.data + skip, sig.len - skip });
}

static struct octets read_sig(struct reader *r, const struct rrset *rrset, struct arena *arena)
{
    uint8_t form = reader_u8(r), labels = form & (SIG_IS_USUAL - 1), usual[SIG_LABELS_OCTETS], algorithm = 0;
    bool is_raw = form == SIG_RAW, is_usual = form & SIG_IS_USUAL;
    struct octets fixed = { NULL, 0 };
    struct dname signer;
    if (!is_raw && labels > rrset->owner->labels)
        r->failed = true;
    if (!is_raw) {
        size_t known = SIG_TYPE_OCTETS + SIG_ALGORITHM_OCTETS + (is_usual ? SIG_LABELS_OCTETS : 0);
        algorithm = reader_u8(r);
        fixed = reader_octets(r, SIG_FIXED_OCTETS - known);
    }
    struct octets rest = reader_octets(r, read_upto(r, UINT16_MAX));
    if (r->failed || is_raw)
        return rest;
    dname_suffix(rrset->owner, labels, &signer);
    size_t len = SIG_FIXED_OCTETS + signer.len + rest.len;
    struct writer w = writer_of(arena_alloc(arena, len), len);
    writer_u16(&w, rrset->type);
    writer_u8(&w, algorithm);
    if (is_usual)
        writer_octets_put(&w, usual_labels(rrset, usual));
    writer_octets_put(&w, fixed);
    writer_dname(&w, &signer);
    writer_octets_put(&w, rest);
    return writer_octets(&w);
}

static uint8_t set_flags(const struct rrset *rrset, const struct usual *usual)
{
    return (uint8_t)((rrset->class != CLASS_IN ? SET_HAS_CLASS : 0) | (rrset->count != 1 ? SET_HAS_COUNT : 0) |
                     (rrset->sig_count > 1 ? SET_HAS_SIG_COUNT : 0) | (rrset->sig_count > 0 ? SET_IS_SIGNED : 0) |
                     (rrset->sig_ttl_s != rrset->ttl_s ? SET_HAS_SIG_TTL : 0) |
                     (dname_same_case(rrset->owner, usual->owner) ? 0 : SET_HAS_OWNER) |
                     (rrset->type != usual->type ? SET_HAS_TYPE : 0) |
                     (rrset->ttl_s != usual->ttl_s ? SET_HAS_TTL : 0));
}

static void put_set(struct writer *w, const struct usual *usual, const struct rrset *rrset)
{
    uint8_t flags = set_flags(rrset, usual);
    writer_u8(w, flags);
    if (flags & SET_HAS_OWNER)
        put_name(w, usual->owner, rrset->owner);
    if (flags & SET_HAS_TYPE)
        writer_u16(w, rrset->type);
    if (flags & SET_HAS_CLASS)
        writer_u16(w, rrset->class);
    if (flags & SET_HAS_TTL)
        put_number(w, rrset->ttl_s);
    if (flags & SET_HAS_SIG_TTL)
        put_number(w, rrset->sig_ttl_s);
    if (flags & SET_HAS_COUNT)
        put_number(w, rrset->count);
    if (flags & SET_HAS_SIG_COUNT)
        put_number(w, rrset->sig_count);
    for (uint16_t i = 0; i < rrset->count; i++) {
        put_number(w, rrset->rdata[i].len);
        writer_octets_put(w, rrset->rdata[i]);
    }
    for (uint16_t i = 0; i < rrset->sig_count; i++)
        put_sig(w, rrset, rrset->sigs[i]);
}

void rrset_encode(struct writer *w, const struct dname *base, const struct rrset *rrset)
{
    put_set(w, &(struct usual) { .owner = base }, rrset);
}

/* A count of what takes an octet at least each. */
static uint16_t read_count(struct reader *r)
{
    uint64_t count = read_upto(r, UINT16_MAX);
    if (count > reader_left(r))
        r->failed = true;
    return r->failed ? 0 : (uint16_t)count;
}

static void read_records(struct reader *r, struct rrset *rrset, struct arena *arena)
{
    struct octets *rdata = ARENA_ARRAY(arena, rrset->count, struct octets);
    struct octets *sigs = ARENA_ARRAY(arena, rrset->sig_count, struct octets);
    for (uint16_t i = 0; i < rrset->count && !r->failed; i++)
        rdata[i] = reader_octets(r, read_upto(r, UINT16_MAX));
    for (uint16_t i = 0; i < rrset->sig_count && !r->failed; i++)
        sigs[i] = read_sig(r, rrset, arena);
    rrset->rdata = rdata;
    rrset->sigs = sigs;
}

static struct rrset *read_set(struct reader *r, const struct usual *usual, struct arena *arena)
{
    struct rrset *rrset = ARENA_NEW(arena, struct rrset);
    struct dname owner = *usual->owner;
    uint8_t flags = reader_u8(r);
    if (flags & SET_HAS_OWNER)
        read_name(r, usual->owner, &owner);
    rrset->owner = dname_copy(arena, &owner);
    rrset->type = flags & SET_HAS_TYPE ? reader_u16(r) : usual->type;
    rrset->class = flags & SET_HAS_CLASS ? reader_u16(r) : CLASS_IN;
    rrset->ttl_s = flags & SET_HAS_TTL ? (uint32_t)read_upto(r, UINT32_MAX) : usual->ttl_s;
    rrset->sig_ttl_s = flags & SET_HAS_SIG_TTL ? (uint32_t)read_upto(r, UINT32_MAX) : rrset->ttl_s;
    rrset->count = flags & SET_HAS_COUNT ? read_count(r) : 1;
    rrset->sig_count = flags & SET_HAS_SIG_COUNT ? read_count(r) : flags & SET_IS_SIGNED ? 1 : 0;
    read_records(r, rrset, arena);
    return rrset;
}

struct rrset *rrset_decode(struct reader *r, const struct dname *base, struct arena *arena)
{
    return read_set(r, &(struct usual) { .owner = base }, arena);
}

/* Of the set that follows this one: near its owner, and with the same TTL. */
static struct usual usual_after(const struct rrset *rrset)
{
    return (struct usual) { rrset->owner, rrset->type, rrset->ttl_s };
}

static void put_sets(struct writer *w, struct usual usual, const struct rrset_list *list)
{
    for (uint16_t i = 0; i < list->count; i++) {
        put_set(w, &usual, list->items[i]);
        usual = usual_after(list->items[i]);
    }
}

static struct rrset_list read_sets(struct reader *r, struct usual usual, uint16_t count, struct arena *arena)
{
    struct rrset_list list = { .count = count };
    list.items = ARENA_ARRAY(arena, list.count, struct rrset *);
    for (uint16_t i = 0; i < list.count; i++) {
        list.items[i] = read_set(r, &usual, arena);
        usual = usual_after(list.items[i]);
    }
    return r->failed ? (struct rrset_list) { .count = 0 } : list;
}

/* ---- answers ---- */

enum { /* what is not as it mostly is */
       HEAD_KIND = 7,
       HEAD_MAY_CUT = 8,
       HEAD_HAS_END = 16, /* of a signature */
       HEAD_HAS_LINEAGE = 32,
       HEAD_HAS_CAP = 64,
       HEAD_HAS_MORE = 128, /* type, rcode, EDE */
};
enum { STAMP_EPOCH_MASK = (1 << EPOCH_BITS) - 1 };
_Static_assert(INDETERMINATE <= STORE_STAMP_MAX >> EPOCH_BITS, "it fits");

uint32_t stamp_make(const struct answer_head *head)
{
    return (uint32_t)head->security << EPOCH_BITS | (uint32_t)(head->epoch & STAMP_EPOCH_MASK);
}

void stamp_read(uint32_t stamp, uint64_t current, struct answer_head *head)
{
    uint64_t behind = (current - stamp) & STAMP_EPOCH_MASK;
    head->epoch = behind > current ? 0 : current - behind;
    head->security = stamp >> EPOCH_BITS;
}

static uint16_t usual_rcode(enum answer_kind kind)
{
    return kind == ANSWER_NXDOMAIN ? RCODE_NXDOMAIN : RCODE_NOERROR;
}

/* That of the only set, and of its signatures. */
static uint32_t usual_ttl(const struct answer_head *head)
{
    return (uint32_t)((head->expires_ms - head->received_ms) / 1000);
}

static void head_encode(struct writer *w, const struct blob_key *key, const struct answer_head *head)
{
    bool has_more = head->qtype != key->qtype || head->rcode != usual_rcode(head->kind) || head->ede != EDE_NONE;
    bool has_end = head->valid_until_s != INT64_MAX, has_cap = head->ttl_cap_s != UINT32_MAX;
    writer_u8(w, (uint8_t)(head->kind | (head->may_cut ? HEAD_MAY_CUT : 0) | (has_end ? HEAD_HAS_END : 0) |
                           (head->lineage.slot != 0 ? HEAD_HAS_LINEAGE : 0) | (has_cap ? HEAD_HAS_CAP : 0) |
                           (has_more ? HEAD_HAS_MORE : 0)));
    put_time(w, head->received_ms);
    put_span(w, head->expires_ms - head->received_ms);
    if (has_end)
        put_number(w, (uint64_t)(head->valid_until_s - head->received_ms / 1000));
    if (head->lineage.slot != 0) {
        put_number(w, head->lineage.slot);
        put_number(w, head->lineage.generation);
    }
    if (has_cap)
        put_number(w, head->ttl_cap_s == usual_ttl(head) ? 0 : (uint64_t)head->ttl_cap_s + 1);
    if (!has_more)
        return;
    writer_u16(w, head->qtype);
    writer_u16(w, head->rcode);
    writer_u16(w, (uint16_t)head->ede);
}

static void head_read(struct reader *r, const struct blob_key *key, struct answer_head *head)
{
    uint8_t flags = reader_u8(r);
    bool has_more = flags & HEAD_HAS_MORE;
    head->kind = flags & HEAD_KIND;
    head->may_cut = flags & HEAD_MAY_CUT;
    head->received_ms = read_time(r);
    if (head->received_ms == INT64_MAX)
        r->failed = true;
    head->expires_ms = r->failed ? 0 : head->received_ms + read_span(r);
    head->valid_until_s = INT64_MAX;
    if (flags & HEAD_HAS_END)
        head->valid_until_s = (int64_t)(read_number(r) + (uint64_t)head->received_ms / 1000);
    head->lineage = (struct lineage_ref) { 0, 0 };
    if (flags & HEAD_HAS_LINEAGE) {
        head->lineage.slot = (uint32_t)read_upto(r, UINT32_MAX);
        head->lineage.generation = (uint32_t)read_upto(r, UINT32_MAX);
    }
    uint64_t cap = flags & HEAD_HAS_CAP ? read_upto(r, UINT32_MAX) : 0;
    head->ttl_cap_s = !(flags & HEAD_HAS_CAP) ? UINT32_MAX : cap == 0 ? usual_ttl(head) : (uint32_t)(cap - 1);
    head->qtype = has_more ? reader_u16(r) : key->qtype;
    head->rcode = has_more ? reader_u16(r) : usual_rcode(head->kind);
    head->ede = has_more ? (int16_t)reader_u16(r) : EDE_NONE;
    if (head->kind > ANSWER_NXDOMAIN)
        r->failed = true;
}

bool answer_head_decode(struct octets blob, const struct blob_key *key, struct answer_head *head)
{
    struct reader r = reader_of_octets(blob);
    head_read(&r, key, head);
    return !r.failed;
}

/* Words are for clients that get an EDE, and for who asks what failed. */
static bool has_words(const struct verdict *verdict)
{
    return verdict->security == BOGUS || verdict->security == INDETERMINATE ||
           (verdict->security != UNCHECKED && verdict->ede != EDE_NONE);
}

/* That of no data decides the RCODE: compact denial (RFC 9824 section 5). */
static bool has_site(const struct answer *answer)
{
    return has_words(&answer->verdict) || (answer->kind == ANSWER_NODATA && answer->verdict.security == SECURE);
}

enum {                   /* what is not as it mostly is */
       FORM_LABELS = 15, /* that the zone's name has less than the base; else it is written */
       FORM_HAS_WORDS = 16,
       FORM_HAS_COUNT = 32, /* else one set */
       FORM_HAS_PROOFS = 64,
};

static uint8_t form_of(const struct dname *base, const struct answer *answer)
{
    const struct dname *zone = &answer->zone;
    bool is_above = shared_labels(base, zone) == zone->labels && base->labels - zone->labels < FORM_LABELS;
    return (uint8_t)((is_above ? base->labels - zone->labels : FORM_LABELS) |
                     (has_site(answer) || has_words(&answer->verdict) ? FORM_HAS_WORDS : 0) |
                     (answer->rrsets.count != 1 ? FORM_HAS_COUNT : 0) |
                     (answer->proofs.count > 0 ? FORM_HAS_PROOFS : 0));
}

void answer_encode(struct writer *w, const struct blob_key *key, const struct answer_head *head,
                   const struct answer *answer)
{
    struct dname base;
    dname_lower(&key->qname, &base);
    struct usual usual = { &base, key->qtype, usual_ttl(head) };
    uint8_t form = form_of(&base, answer);
    head_encode(w, key, head);
    writer_u8(w, form);
    if ((form & FORM_LABELS) == FORM_LABELS)
        put_name(w, &base, &answer->zone);
    if (form & FORM_HAS_WORDS) {
        put_text(w, has_site(answer) ? answer->verdict.site : NULL, UINT8_MAX);
        put_text(w, has_words(&answer->verdict) ? answer->verdict.text : NULL, EXTRA_TEXT_MAX);
    }
    if (form & FORM_HAS_COUNT)
        put_number(w, answer->rrsets.count);
    if (form & FORM_HAS_PROOFS)
        put_number(w, answer->proofs.count);
    put_sets(w, usual, &answer->rrsets);
    put_sets(w, usual, &answer->proofs);
}

static void read_verdict(struct reader *r, uint8_t form, struct arena *arena, const struct answer_head *head,
                         struct verdict *verdict)
{
    char site[UINT8_MAX] = "";
    if (form & FORM_HAS_WORDS) {
        read_text(r, site, sizeof(site));
        read_text(r, verdict->text, sizeof(verdict->text));
    }
    verdict->site = site[0] == '\0' ? "cached" : arena_strdup(arena, site);
    verdict->security = head->security;
    verdict->ede = head->ede;
    verdict->valid_until_s = head->valid_until_s;
    verdict->ttl_cap_s = head->ttl_cap_s;
}

static void read_zone(struct reader *r, uint8_t form, const struct dname *base, struct dname *zone)
{
    uint8_t labels = form & FORM_LABELS;
    *zone = *dname_root();
    if (labels == FORM_LABELS)
        read_name(r, base, zone);
    else if (labels > base->labels)
        r->failed = true;
    else
        dname_suffix(base, base->labels - labels, zone);
}

bool answer_decode(struct octets blob, const struct blob_key *key, struct arena *arena, struct answer_head *head,
                   struct answer *answer)
{
    struct reader r = reader_of_octets(blob);
    struct dname base;
    dname_lower(&key->qname, &base);
    *answer = (struct answer) { .kind = ANSWER_DATA };
    head_read(&r, key, head);
    struct usual usual = { &base, key->qtype, usual_ttl(head) };
    uint8_t form = reader_u8(&r);
    read_zone(&r, form, &base, &answer->zone);
    read_verdict(&r, form, arena, head, &answer->verdict);
    uint16_t count = form & FORM_HAS_COUNT ? read_count(&r) : 1;
    uint16_t proof_count = form & FORM_HAS_PROOFS ? read_count(&r) : 0;
    answer->rrsets = read_sets(&r, usual, count, arena);
    answer->proofs = read_sets(&r, usual, proof_count, arena);
    answer->kind = head->kind;
    answer->rcode = head->rcode;
    answer->received_ms = head->received_ms;
    answer->expires_ms = head->expires_ms;
    return !r.failed && head->security <= INDETERMINATE;
}

/* ---- delegations ---- */

enum { ADDRESS_IS_4 = 1, ADDRESS_HAS_PORT = 2, ADDRESS_HAS_SCOPE = 4, PORT_USUAL = 53 };

static uint8_t address_form(const struct address *address)
{
    return (uint8_t)((address->family == 4 ? ADDRESS_IS_4 : 0) | (address->port != PORT_USUAL ? ADDRESS_HAS_PORT : 0) |
                     (address->scope != 0 ? ADDRESS_HAS_SCOPE : 0));
}

static void put_address(struct writer *w, bool has_form, const struct address *address)
{
    uint8_t form = address_form(address);
    if (has_form)
        writer_u8(w, form);
    if (form & ADDRESS_HAS_PORT)
        writer_u16(w, address->port);
    if (form & ADDRESS_HAS_SCOPE)
        writer_u32(w, address->scope);
    writer_octets_put(w, (struct octets) { address->octets, form & ADDRESS_IS_4 ? 4 : 16 });
}

static void read_address(struct reader *r, bool has_form, struct address *address)
{
    uint8_t flags = has_form ? reader_u8(r) : ADDRESS_IS_4;
    address->family = flags & ADDRESS_IS_4 ? 4 : 6;
    address->port = flags & ADDRESS_HAS_PORT ? reader_u16(r) : PORT_USUAL;
    address->scope = flags & ADDRESS_HAS_SCOPE ? reader_u32(r) : 0;
    struct octets octets = reader_octets(r, flags & ADDRESS_IS_4 ? 4 : 16);
    if (!r->failed)
        memcpy(address->octets, octets.data, octets.len);
}

enum { /* beside the number of addresses */
       SERVER_COUNT = 31,
       SERVER_HAS_FORMS = 32, /* else all are of IPv4 and have the usual port */
};
_Static_assert((int)ADDRESSES_PER_NS_MAX <= (int)SERVER_COUNT, "they fit");

static void put_server(struct writer *w, const struct dname *base, const struct delegation_server *server)
{
    bool has_forms = false;
    for (uint16_t i = 0; i < server->address_count; i++)
        has_forms = has_forms || address_form(&server->addresses[i]) != ADDRESS_IS_4;
    put_name(w, base, &server->name);
    writer_u8(w, (uint8_t)(server->address_count | (has_forms ? SERVER_HAS_FORMS : 0)));
    for (uint16_t i = 0; i < server->address_count; i++)
        put_address(w, has_forms, &server->addresses[i]);
}

enum { /* beside the number of servers */
       DELEGATION_COUNT = 63,
       DELEGATION_HAS_SPAN = 64, /* else it never expires */
       DELEGATION_IS_HINT = 128,
};
_Static_assert((int)NS_PER_ZONE_MAX <= (int)DELEGATION_COUNT, "they fit");

void delegation_encode(struct writer *w, const struct delegation_head *head, const struct delegation *delegation)
{
    struct dname lower;
    const struct dname *base = &lower;
    int64_t span_ms = head->expires_ms - head->stored_ms;
    bool has_span = span_ms <= (int64_t)TTL_S_MAX * 1000;
    dname_lower(&delegation->zone, &lower);
    put_time(w, head->stored_ms);
    writer_u8(w, (uint8_t)(head->server_count | (has_span ? DELEGATION_HAS_SPAN : 0) |
                           (head->is_hint ? DELEGATION_IS_HINT : 0)));
    if (has_span)
        put_span(w, span_ms);
    for (uint16_t i = 0; i < head->server_count; i++) {
        put_server(w, base, &delegation->servers[i]);
        base = &delegation->servers[i].name;
    }
}

static void read_delegation_head(struct reader *r, struct delegation_head *head)
{
    head->stored_ms = read_time(r);
    uint8_t form = reader_u8(r);
    head->server_count = form & DELEGATION_COUNT;
    head->is_hint = form & DELEGATION_IS_HINT;
    if (head->stored_ms == INT64_MAX)
        r->failed = true;
    head->expires_ms = INT64_MAX;
    if (form & DELEGATION_HAS_SPAN && !r->failed)
        head->expires_ms = head->stored_ms + read_span(r);
    if (head->server_count > NS_PER_ZONE_MAX)
        r->failed = true;
}

bool delegation_head_decode(struct octets blob, struct delegation_head *head)
{
    struct reader r = reader_of_octets(blob);
    read_delegation_head(&r, head);
    return !r.failed;
}

static void read_server(struct reader *r, const struct dname *base, struct arena *arena,
                        struct delegation_server *server)
{
    read_name(r, base, &server->name);
    uint8_t form = reader_u8(r);
    server->address_count = form & SERVER_COUNT;
    if (server->address_count > ADDRESSES_PER_NS_MAX)
        r->failed = true;
    if (r->failed)
        return;
    server->addresses = ARENA_ARRAY(arena, server->address_count, struct address);
    for (uint16_t i = 0; i < server->address_count && !r->failed; i++)
        read_address(r, form & SERVER_HAS_FORMS, &server->addresses[i]);
}

bool delegation_decode(struct octets blob, struct arena *arena, struct delegation_head *head,
                       struct delegation *delegation)
{
    struct reader r = reader_of_octets(blob);
    read_delegation_head(&r, head);
    if (r.failed)
        return false;
    struct dname lower;
    const struct dname *base = &lower;
    dname_lower(&delegation->zone, &lower);
    delegation->is_hint = head->is_hint;
    delegation->expires_ms = head->expires_ms;
    delegation->server_count = head->server_count;
    delegation->servers = ARENA_ARRAY(arena, head->server_count, struct delegation_server);
    for (uint16_t i = 0; i < head->server_count && !r.failed; i++) {
        read_server(&r, base, arena, &delegation->servers[i]);
        base = &delegation->servers[i].name;
    }
    return !r.failed;
}

/* ---- failures ---- */

void failure_encode(struct writer *w, const struct failure_blob *failure)
{
    put_time(w, failure->failed_ms);
    put_time(w, failure->expires_ms);
    put_number(w, failure->ttl_s);
    writer_u16(w, (uint16_t)failure->ede);
    writer_u8(w, failure->is_budget);
    put_text(w, failure->site, sizeof(failure->site));
    put_text(w, failure->text, sizeof(failure->text));
}

bool failure_decode(struct octets blob, struct failure_blob *failure)
{
    struct reader r = reader_of_octets(blob);
    memset(failure, 0, sizeof(*failure));
    failure->failed_ms = read_time(&r);
    failure->expires_ms = read_time(&r);
    failure->ttl_s = (uint32_t)read_upto(&r, UINT32_MAX);
    failure->ede = (int16_t)reader_u16(&r);
    failure->is_budget = reader_u8(&r);
    read_text(&r, failure->site, sizeof(failure->site));
    read_text(&r, failure->text, sizeof(failure->text));
    return !r.failed;
}
