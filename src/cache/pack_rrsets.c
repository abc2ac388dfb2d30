/* What is almost always the same costs a bit; what the name before says is referred to. */
#include "cache/blob.h"
#include "cache/pack.h"

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

static void pack_sig(struct writer *w, const struct rrset *rrset, struct octets sig)
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
    pack_number(w, sig.len - skip);
    writer_octets_put(w, (struct octets) { sig.data + skip, sig.len - skip });
}

static struct octets unpack_sig(struct reader *r, const struct rrset *rrset, struct arena *arena)
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
    struct octets rest = reader_octets(r, unpack_upto(r, UINT16_MAX));
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

static void pack_set(struct writer *w, const struct usual *usual, const struct rrset *rrset)
{
    uint8_t flags = set_flags(rrset, usual);
    writer_u8(w, flags);
    if (flags & SET_HAS_OWNER)
        pack_name(w, usual->owner, rrset->owner);
    if (flags & SET_HAS_TYPE)
        writer_u16(w, rrset->type);
    if (flags & SET_HAS_CLASS)
        writer_u16(w, rrset->class);
    if (flags & SET_HAS_TTL)
        pack_number(w, rrset->ttl_s);
    if (flags & SET_HAS_SIG_TTL)
        pack_number(w, rrset->sig_ttl_s);
    if (flags & SET_HAS_COUNT)
        pack_number(w, rrset->count);
    if (flags & SET_HAS_SIG_COUNT)
        pack_number(w, rrset->sig_count);
    for (uint16_t i = 0; i < rrset->count; i++) {
        pack_number(w, rrset->rdata[i].len);
        writer_octets_put(w, rrset->rdata[i]);
    }
    for (uint16_t i = 0; i < rrset->sig_count; i++)
        pack_sig(w, rrset, rrset->sigs[i]);
}

void rrset_encode(struct writer *w, const struct dname *base, const struct rrset *rrset)
{
    pack_set(w, &(struct usual) { .owner = base }, rrset);
}

static void unpack_records(struct reader *r, struct rrset *rrset, struct arena *arena)
{
    struct octets *rdata = ARENA_ARRAY(arena, rrset->count, struct octets);
    struct octets *sigs = ARENA_ARRAY(arena, rrset->sig_count, struct octets);
    for (uint16_t i = 0; i < rrset->count && !r->failed; i++)
        rdata[i] = reader_octets(r, unpack_upto(r, UINT16_MAX));
    for (uint16_t i = 0; i < rrset->sig_count && !r->failed; i++)
        sigs[i] = unpack_sig(r, rrset, arena);
    rrset->rdata = rdata;
    rrset->sigs = sigs;
}

static struct rrset *unpack_set(struct reader *r, const struct usual *usual, struct arena *arena)
{
    struct rrset *rrset = ARENA_NEW(arena, struct rrset);
    struct dname owner = *usual->owner;
    uint8_t flags = reader_u8(r);
    if (flags & SET_HAS_OWNER)
        unpack_name(r, usual->owner, &owner);
    rrset->owner = dname_copy(arena, &owner);
    rrset->type = flags & SET_HAS_TYPE ? reader_u16(r) : usual->type;
    rrset->class = flags & SET_HAS_CLASS ? reader_u16(r) : CLASS_IN;
    rrset->ttl_s = flags & SET_HAS_TTL ? (uint32_t)unpack_upto(r, UINT32_MAX) : usual->ttl_s;
    rrset->sig_ttl_s = flags & SET_HAS_SIG_TTL ? (uint32_t)unpack_upto(r, UINT32_MAX) : rrset->ttl_s;
    rrset->count = flags & SET_HAS_COUNT ? unpack_count(r) : 1;
    rrset->sig_count = flags & SET_HAS_SIG_COUNT ? unpack_count(r) : flags & SET_IS_SIGNED ? 1 : 0;
    unpack_records(r, rrset, arena);
    return rrset;
}

struct rrset *rrset_decode(struct reader *r, const struct dname *base, struct arena *arena)
{
    return unpack_set(r, &(struct usual) { .owner = base }, arena);
}

/* Of the set that follows this one: near its owner, and with the same TTL. */
static struct usual usual_after(const struct rrset *rrset)
{
    return (struct usual) { rrset->owner, rrset->type, rrset->ttl_s };
}

void pack_sets(struct writer *w, struct usual usual, const struct rrset_list *list)
{
    for (uint16_t i = 0; i < list->count; i++) {
        pack_set(w, &usual, list->items[i]);
        usual = usual_after(list->items[i]);
    }
}

struct rrset_list unpack_sets(struct reader *r, struct usual usual, uint16_t count, struct arena *arena)
{
    struct rrset_list list = { .count = count };
    list.items = ARENA_ARRAY(arena, list.count, struct rrset *);
    for (uint16_t i = 0; i < list.count; i++) {
        list.items[i] = unpack_set(r, &usual, arena);
        usual = usual_after(list.items[i]);
    }
    return r->failed ? (struct rrset_list) { .count = 0 } : list;
}
