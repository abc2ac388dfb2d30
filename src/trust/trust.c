#include "trust/trust.h"

#include <assert.h>
#include <stdlib.h>

#include "base/writer.h"
#include "crypto/verify.h"

/* A sorted array.  Every item begins with its zone; canonical order of the zones, several items of one zone by their
 * own order. */
struct list {
    void *items;
    size_t count, size; /* items there, items that fit */
    size_t stride;      /* octets of an item */
};

struct trust {
    struct arena *arena; /* RDATA and reasons */
    struct list anchors, negatives, insecures;
    bool is_held;
};

_Static_assert(offsetof(struct anchor, zone) == 0 && offsetof(struct negative_anchor, zone) == 0 &&
                   offsetof(struct insecure_zone, zone) == 0,
               "lists compare the zone at the start of an item");

static const void *list_item(const struct list *list, size_t i)
{
    return (const uint8_t *)list->items + i * list->stride;
}

static const struct dname *list_zone(const struct list *list, size_t i)
{
    return list_item(list, i);
}

/* Number of items whose zone is before name, or at it when `through`. */
static size_t count_before(const struct list *list, const struct dname *name, bool through)
{
    size_t low = 0, high = list->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = dname_compare(list_zone(list, middle), name);
        if (order < 0 || (order == 0 && through))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* item is copied to place i. */
static void list_insert(struct list *list, size_t i, const void *item)
{
    if (list->count == list->size) {
        list->size = list->size == 0 ? 4 : 2 * list->size;
        list->items = memory_resize(list->items, list->size, list->stride);
    }
    uint8_t *at = (uint8_t *)list->items + i * list->stride;
    memmove(at + list->stride, at, (list->count - i) * list->stride);
    memcpy(at, item, list->stride);
    list->count++;
}

/* For lists with one item a zone. */
static void list_put(struct list *list, const void *item)
{
    const struct dname *zone = item;
    size_t i = count_before(list, zone, false);
    if (i < list->count && dname_equal(list_zone(list, i), zone))
        memcpy((uint8_t *)list->items + i * list->stride, item, list->stride);
    else
        list_insert(list, i, item);
}

/* ---- reading ---- */

static bool counts_always(const void *item, int64_t now_s)
{
    (void)item;
    (void)now_s;
    return true;
}

static bool negative_counts(const void *item, int64_t now_s)
{
    const struct negative_anchor *negative = item;
    return now_s < negative->until_s;
}

/* The closest item at or above name that counts; NULL if none does.  Between an ancestor of name and name itself only
 * names below that ancestor stand in canonical order: the item before name is the ancestor, or shares with name all
 * that an ancestor could be. */
static const void *list_closest(const struct list *list, const struct dname *name,
                                bool (*counts)(const void *item, int64_t now_s), int64_t now_s)
{
    struct dname at = *name;
    for (;;) {
        size_t before = count_before(list, &at, true);
        if (before == 0)
            return NULL;
        const struct dname *zone = list_zone(list, before - 1);
        uint8_t common = dname_common_labels(zone, &at);
        bool is_ancestor = common == zone->labels;
        if (is_ancestor && counts(list_item(list, before - 1), now_s))
            return list_item(list, before - 1);
        if (is_ancestor && common == 0)
            return NULL;
        dname_suffix(&at, is_ancestor ? (uint8_t)(common - 1) : common, &at);
    }
}

enum coverage trust_covers(const struct trust *trust, const struct dname *name, struct now now, struct dname *zone)
{
    const struct {
        enum coverage coverage;
        const struct dname *zone;
    } closest[] = {
        /* the first of equals wins */
        { COVERAGE_NEGATIVE, list_closest(&trust->negatives, name, negative_counts, now_wall_s(now)) },
        { COVERAGE_INSECURE, list_closest(&trust->insecures, name, counts_always, now_wall_s(now)) },
        { COVERAGE_ANCHOR, list_closest(&trust->anchors, name, counts_always, now_wall_s(now)) },
    };
    enum coverage coverage = COVERAGE_NONE;
    const struct dname *found = dname_root();
    for (size_t i = 0; i < ARRAY_LEN(closest); i++) {
        if (closest[i].zone != NULL && (coverage == COVERAGE_NONE || closest[i].zone->labels > found->labels)) {
            coverage = closest[i].coverage;
            found = closest[i].zone;
        }
    }
    *zone = *found;
    return coverage;
}

size_t trust_anchors_at(const struct trust *trust, const struct dname *zone, struct now now, const struct anchor **list,
                        size_t max)
{
    size_t written = 0, end = count_before(&trust->anchors, zone, true);
    for (size_t i = count_before(&trust->anchors, zone, false); i < end && written < max; i++) {
        const struct anchor *anchor = list_item(&trust->anchors, i);
        if (anchor->valid_from_s <= now_wall_s(now) && now_wall_s(now) <= anchor->valid_until_s)
            list[written++] = anchor;
    }
    return written;
}

static uint16_t anchor_key_tag(const struct anchor *anchor)
{
    struct ds ds;
    if (anchor->type == TYPE_DNSKEY)
        return dnskey_tag(anchor->rdata);
    return ds_read(anchor->rdata, &ds) == OK ? ds.key_tag : 0;
}

/* Puts the tag in its place unless it is there; the new number of them. */
static size_t insert_tag(uint16_t *tags, size_t count, uint16_t tag)
{
    size_t at = 0;
    while (at < count && tags[at] < tag)
        at++;
    if (at < count && tags[at] == tag)
        return count;
    memmove(&tags[at + 1], &tags[at], (count - at) * sizeof(tags[0]));
    tags[at] = tag;
    return count + 1;
}

size_t trust_key_tags(const struct trust *trust, const struct dname *zone, struct now now, uint16_t *tags, size_t max)
{
    const struct anchor *anchors[SIGNALLED_TAGS_MAX];
    size_t written = 0;
    size_t count = trust_anchors_at(trust, zone, now, anchors, max < ARRAY_LEN(anchors) ? max : ARRAY_LEN(anchors));
    for (size_t i = 0; i < count; i++)
        written = insert_tag(tags, written, anchor_key_tag(anchors[i]));
    return written;
}

const struct anchor *trust_anchors(const struct trust *trust, size_t *count)
{
    *count = trust->anchors.count;
    return trust->anchors.items;
}

bool trust_is_held(const struct trust *trust)
{
    return trust->is_held;
}

const struct negative_anchor *trust_negatives(const struct trust *trust, size_t *count)
{
    *count = trust->negatives.count;
    return trust->negatives.items;
}

const struct insecure_zone *trust_insecures(const struct trust *trust, size_t *count)
{
    *count = trust->insecures.count;
    return trust->insecures.items;
}

/* digest becomes the digest of itself and one item. */
static void digest_item(uint8_t digest[32], enum coverage kind, const struct dname *zone, int64_t from_s,
                        int64_t until_s, uint16_t type, struct octets rdata)
{
    uint8_t buffer[32 + 1 + DNAME_OCTETS_MAX + 8 + 8 + 2 + 32], rdata_digest[32];
    struct writer w = writer_of(buffer, sizeof(buffer));
    struct dname lower;
    dname_lower(zone, &lower);
    sha256(rdata, rdata_digest);
    writer_octets_put(&w, (struct octets) { digest, 32 });
    writer_u8(&w, (uint8_t)kind);
    writer_dname(&w, &lower);
    writer_u32(&w, (uint32_t)((uint64_t)from_s >> 32));
    writer_u32(&w, (uint32_t)from_s);
    writer_u32(&w, (uint32_t)((uint64_t)until_s >> 32));
    writer_u32(&w, (uint32_t)until_s);
    writer_u16(&w, type);
    writer_octets_put(&w, (struct octets) { rdata_digest, sizeof(rdata_digest) });
    assert(!w.failed);
    sha256(writer_octets(&w), digest);
}

uint64_t trust_fingerprint(const struct trust *trust)
{
    uint8_t digest[32] = { 0 };
    size_t count;
    const struct anchor *anchor = trust_anchors(trust, &count);
    for (; count > 0; count--, anchor++)
        digest_item(digest, COVERAGE_ANCHOR, &anchor->zone, anchor->valid_from_s, anchor->valid_until_s, anchor->type,
                    anchor->rdata);
    const struct negative_anchor *negative = trust_negatives(trust, &count);
    for (; count > 0; count--, negative++)
        digest_item(digest, COVERAGE_NEGATIVE, &negative->zone, 0, negative->until_s, 0, (struct octets) { NULL, 0 });
    const struct insecure_zone *insecure = trust_insecures(trust, &count);
    for (; count > 0; count--, insecure++)
        digest_item(digest, COVERAGE_INSECURE, &insecure->zone, 0, 0, 0, (struct octets) { NULL, 0 });
    uint64_t fingerprint;
    memcpy(&fingerprint, digest, sizeof(fingerprint));
    return fingerprint;
}

/* ---- making ---- */

struct trust *trust_new(void)
{
    struct trust *trust = memory_new(1, sizeof(*trust));
    trust->arena = arena_new();
    trust->anchors.stride = sizeof(struct anchor);
    trust->negatives.stride = sizeof(struct negative_anchor);
    trust->insecures.stride = sizeof(struct insecure_zone);
    return trust;
}

void trust_free(struct trust *trust)
{
    if (trust == NULL)
        return;
    free(trust->anchors.items);
    free(trust->negatives.items);
    free(trust->insecures.items);
    arena_free(trust->arena);
    free(trust);
}

struct trust *trust_copy_exceptions(const struct trust *trust)
{
    struct trust *copy = trust_new();
    size_t count;
    const struct negative_anchor *negative = trust_negatives(trust, &count);
    for (; count > 0; count--, negative++)
        trust_add_negative(copy, &negative->zone, negative->until_s, negative->reason);
    const struct insecure_zone *insecure = trust_insecures(trust, &count);
    for (; count > 0; count--, insecure++)
        trust_add_insecure(copy, &insecure->zone, insecure->reason);
    return copy;
}

struct trust *trust_copy(const struct trust *trust)
{
    struct trust *copy = trust_copy_exceptions(trust);
    size_t count;
    copy->is_held = trust->is_held;
    const struct anchor *anchor = trust_anchors(trust, &count);
    for (; count > 0; count--, anchor++) {
        enum err err = trust_add_anchor(copy, anchor);
        assert(err == OK); /* it was accepted once */
        (void)err;
    }
    return copy;
}

const char *anchor_source_text(enum anchor_source source)
{
    static const char *const texts[ANCHOR_SOURCES] = {
        [ANCHOR_BUILT_IN] = "built-in",    [ANCHOR_CONFIGURED] = "configured", [ANCHOR_FILE] = "file",
        [ANCHOR_STORE] = "learnt",         [ANCHOR_ORDERED] = "ordered",       [ANCHOR_SYSTEM] = "system",
        [ANCHOR_XML] = "root-anchors.xml",
    };
    return texts[source];
}

/* A digest of the wrong length is no fault: it matches nothing, and what hangs below fails closed. */
static const char *ds_fault(struct octets rdata)
{
    struct ds ds;
    return ds_read(rdata, &ds) != OK || ds.digest.len == 0 ? "malformed DS" : NULL;
}

static const char *dnskey_fault(struct octets rdata)
{
    struct dnskey key;
    if (dnskey_read(rdata, &key) != OK || key.public_key.len == 0)
        return "malformed DNSKEY";
    if ((key.flags & DNSKEY_ZONE) == 0)
        return "a DNSKEY without the ZONE flag";
    if ((key.flags & DNSKEY_REVOKE) != 0)
        return "a DNSKEY that is revoked";
    return key.protocol == 3 ? NULL : "a DNSKEY whose protocol is not 3"; /* RFC 4034 section 2.1.2 */
}

const char *trust_anchor_fault(uint16_t type, struct octets rdata)
{
    if (type == TYPE_DS)
        return ds_fault(rdata);
    if (type == TYPE_DNSKEY)
        return dnskey_fault(rdata);
    return "neither DS nor DNSKEY";
}

static int anchor_compare(const struct anchor *a, const struct anchor *b) /* at one zone */
{
    return a->type != b->type ? a->type - b->type : octets_compare(a->rdata, b->rdata);
}

enum err trust_add_anchor(struct trust *trust, const struct anchor *anchor)
{
    if (trust_anchor_fault(anchor->type, anchor->rdata) != NULL)
        return ERR_FORMAT;
    size_t i = count_before(&trust->anchors, &anchor->zone, false);
    size_t end = count_before(&trust->anchors, &anchor->zone, true);
    for (; i < end; i++) {
        int order = anchor_compare(list_item(&trust->anchors, i), anchor);
        if (order == 0)
            return OK;
        if (order > 0)
            break;
    }
    struct anchor owned = *anchor;
    owned.rdata = octets_copy(trust->arena, anchor->rdata);
    list_insert(&trust->anchors, i, &owned);
    return OK;
}

void trust_hold(struct trust *trust)
{
    trust->is_held = true;
}

void trust_add_negative(struct trust *trust, const struct dname *zone, int64_t until_s, const char *reason)
{
    struct negative_anchor negative = { .zone = *zone, .until_s = until_s };
    negative.reason = arena_strdup(trust->arena, reason != NULL ? reason : "");
    list_put(&trust->negatives, &negative);
}

void trust_drop_negatives(struct trust *trust)
{
    trust->negatives.count = 0; /* their reasons stay in the arena: a snapshot does not live long */
}

void trust_add_insecure(struct trust *trust, const struct dname *zone, const char *reason)
{
    struct insecure_zone insecure = { .zone = *zone };
    insecure.reason = arena_strdup(trust->arena, reason != NULL ? reason : "");
    list_put(&trust->insecures, &insecure);
}
