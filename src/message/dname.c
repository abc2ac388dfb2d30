#include "message/dname.h"

#include <assert.h>

#include "base/hash.h"
#include "base/limits.h"
#include "message/coding.h"

/* ASCII letters to lower case, every other octet to itself.  Whole names may go through it: a length octet is at most
 * 63, below 'A' (65). */
/* clang-format off */
static const uint8_t lower[256] = {
#define ROW(first)                                                                                                     \
    (first), (first) + 1, (first) + 2, (first) + 3, (first) + 4, (first) + 5, (first) + 6, (first) + 7, (first) + 8,   \
        (first) + 9, (first) + 10, (first) + 11, (first) + 12, (first) + 13, (first) + 14, (first) + 15
    ROW(0x00), ROW(0x10), ROW(0x20), ROW(0x30),
    0x40, 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o',
    'p', 'q', 'r', 's', 't', 'u', 'v', 'w', 'x', 'y', 'z', 0x5b, 0x5c, 0x5d, 0x5e, 0x5f,
    ROW(0x60), ROW(0x70), ROW(0x80), ROW(0x90), ROW(0xa0), ROW(0xb0), ROW(0xc0), ROW(0xd0), ROW(0xe0), ROW(0xf0),
#undef ROW
};
/* clang-format on */

static bool same_letters(const uint8_t *a, const uint8_t *b, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (lower[a[i]] != lower[b[i]])
            return false;
    }
    return true;
}

static void set_root(struct dname *name)
{
    name->len = 1;
    name->labels = 0;
    name->octets[0] = 0;
}

const struct dname *dname_root(void)
{
    static const struct dname root = { .len = 1 };
    return &root;
}

/* Where the suffix begins that remains when `labels` labels are taken away from the left. */
static size_t offset_behind(const struct dname *name, unsigned labels)
{
    size_t at = 0;
    for (; labels > 0; labels--)
        at += 1u + name->octets[at];
    return at;
}

/* ---- text form ---- */

/* Labels up to the end of the text, without the root label.  *absolute: the text ends with a dot of its own. */
static enum err parse_labels(const char *text, struct dname *name, bool *absolute)
{
    size_t len = 0;
    name->labels = 0;
    *absolute = false;
    while (*text != '\0') {
        uint8_t label[LABEL_OCTETS_MAX];
        size_t label_len = 0;
        while (*text != '\0' && *text != '.') {
            uint8_t octet;
            if (label_len == LABEL_OCTETS_MAX || unescape_octet(&text, &octet) != OK)
                return ERR_FORMAT;
            label[label_len++] = octet;
        }
        if (label_len == 0 || len + 1 + label_len + 1 > DNAME_OCTETS_MAX) /* the last 1 is the root label */
            return ERR_FORMAT;
        name->octets[len] = (uint8_t)label_len;
        memcpy(name->octets + len + 1, label, label_len);
        len += 1 + label_len;
        name->labels++;
        *absolute = *text == '.';
        if (*absolute)
            text++;
    }
    name->len = (uint8_t)len;
    return OK;
}

enum err dname_from_text_below(const char *text, const struct dname *origin, struct dname *name)
{
    struct dname parsed;
    bool absolute;
    if (strcmp(text, ".") == 0) {
        set_root(name);
        return OK;
    }
    if (strcmp(text, "@") == 0) {
        *name = *origin;
        return OK;
    }
    if (*text == '\0' || parse_labels(text, &parsed, &absolute) != OK)
        return ERR_FORMAT;
    const struct dname *tail = absolute ? dname_root() : origin;
    if (parsed.len + tail->len > DNAME_OCTETS_MAX)
        return ERR_FORMAT;
    memcpy(parsed.octets + parsed.len, tail->octets, tail->len);
    parsed.len = (uint8_t)(parsed.len + tail->len);
    parsed.labels = (uint8_t)(parsed.labels + tail->labels);
    *name = parsed;
    return OK;
}

enum err dname_from_text(const char *text, struct dname *name)
{
    if (strcmp(text, "@") == 0) /* the origin in master files: there is none here */
        return ERR_FORMAT;
    return dname_from_text_below(text, dname_root(), name);
}

/* One octet of a label at `to`; returns behind it. */
static char *escape(uint8_t octet, char *to)
{
    if (octet <= 0x20 || octet >= 0x7f) {
        *to++ = '\\';
        *to++ = (char)('0' + octet / 100);
        *to++ = (char)('0' + octet / 10 % 10);
        *to++ = (char)('0' + octet % 10);
        return to;
    }
    if (strchr("\"().;\\@$", octet) != NULL) /* what master files give a meaning */
        *to++ = '\\';
    *to++ = (char)octet;
    return to;
}

char *dname_to_text(const struct dname *name, char text[DNAME_TEXT_MAX])
{
    char *to = text;
    if (name->labels == 0)
        *to++ = '.';
    for (size_t at = 0; name->octets[at] != 0;) {
        size_t end = at + 1 + name->octets[at];
        for (at++; at < end; at++)
            to = escape(name->octets[at], to);
        *to++ = '.';
    }
    *to = '\0';
    return text;
}

/* ---- wire form ---- */

enum err dname_from_wire(struct octets octets, struct dname *name)
{
    struct reader r = reader_of_octets(octets);
    reader_dname_uncompressed(&r, name);
    return r.failed || reader_left(&r) > 0 ? ERR_FORMAT : OK;
}

/* The walk of a name through a message: labels, and pointers that lead strictly back. */
struct walk {
    const uint8_t *start; /* of the message */
    const uint8_t *end;
    const uint8_t *at;
    const uint8_t *run;    /* where the name, or the last jump, began: the next pointer must lead below it */
    const uint8_t *behind; /* the first pointer's end: where the name ends in the message; NULL before a jump */
    unsigned jumps;
};

static bool walk_jump(struct walk *walk)
{
    if (walk->end - walk->at < 2 || walk->jumps++ == POINTER_JUMPS_MAX)
        return false;
    const uint8_t *target = walk->start + ((walk->at[0] & 0x3f) << 8 | walk->at[1]);
    if (target >= walk->run)
        return false;
    if (walk->behind == NULL)
        walk->behind = walk->at + 2;
    walk->at = walk->run = target;
    return true;
}

static bool walk_name(struct walk *walk, struct dname *name, bool pointers_allowed)
{
    size_t len = 0;
    name->labels = 0;
    while (walk->at < walk->end) {
        uint8_t label_len = *walk->at;
        if (label_len > LABEL_OCTETS_MAX) {
            if ((label_len & 0xc0) != 0xc0 || !pointers_allowed || !walk_jump(walk))
                return false;
            continue;
        }
        if (walk->end - walk->at < 1 + label_len || len + 1 + label_len > DNAME_OCTETS_MAX)
            return false;
        memcpy(name->octets + len, walk->at, 1u + label_len);
        len += 1u + label_len;
        walk->at += 1 + label_len;
        if (label_len == 0) {
            name->len = (uint8_t)len;
            return true;
        }
        name->labels++;
    }
    return false;
}

static void read_name(struct reader *r, struct dname *name, bool pointers_allowed)
{
    struct walk walk = { .start = r->start, .end = r->end, .at = r->at, .run = r->at };
    if (r->failed || !walk_name(&walk, name, pointers_allowed)) {
        r->failed = true;
        set_root(name);
        return;
    }
    r->at = walk.behind != NULL ? walk.behind : walk.at;
}

void reader_dname(struct reader *r, struct dname *name)
{
    read_name(r, name, true);
}

void reader_dname_uncompressed(struct reader *r, struct dname *name)
{
    read_name(r, name, false);
}

void writer_dname(struct writer *w, const struct dname *name)
{
    writer_octets_put(w, dname_octets(name));
}

/* ---- comparison ---- */

bool dname_equal(const struct dname *a, const struct dname *b)
{
    return a->len == b->len && same_letters(a->octets, b->octets, a->len);
}

bool dname_same_case(const struct dname *a, const struct dname *b)
{
    return a->len == b->len && memcmp(a->octets, b->octets, a->len) == 0;
}

static void label_offsets(const struct dname *name, uint8_t offsets[DNAME_LABELS_MAX])
{
    size_t at = 0;
    for (unsigned i = 0; i < name->labels; i++) {
        offsets[i] = (uint8_t)at;
        at += 1u + name->octets[at];
    }
}

/* Labels with their length octets. */
static int compare_labels(const uint8_t *a, const uint8_t *b)
{
    unsigned common = a[0] < b[0] ? a[0] : b[0];
    for (unsigned i = 1; i <= common; i++) {
        if (lower[a[i]] != lower[b[i]])
            return lower[a[i]] - lower[b[i]];
    }
    return a[0] - b[0];
}

int dname_compare(const struct dname *a, const struct dname *b)
{
    uint8_t a_offsets[DNAME_LABELS_MAX], b_offsets[DNAME_LABELS_MAX];
    unsigned a_left = a->labels, b_left = b->labels;
    label_offsets(a, a_offsets);
    label_offsets(b, b_offsets);
    while (a_left > 0 && b_left > 0) {
        int order = compare_labels(a->octets + a_offsets[--a_left], b->octets + b_offsets[--b_left]);
        if (order != 0)
            return order;
    }
    return (int)a_left - (int)b_left;
}

bool dname_is_subdomain(const struct dname *name, const struct dname *ancestor)
{
    if (name->labels < ancestor->labels || name->len < ancestor->len)
        return false;
    size_t at = offset_behind(name, name->labels - ancestor->labels);
    return name->len - at == ancestor->len && same_letters(name->octets + at, ancestor->octets, ancestor->len);
}

bool dname_is_below(const struct dname *name, const struct dname *ancestor)
{
    return name->labels > ancestor->labels && dname_is_subdomain(name, ancestor);
}

uint8_t dname_common_labels(const struct dname *a, const struct dname *b)
{
    unsigned left = a->labels < b->labels ? a->labels : b->labels;
    const uint8_t *in_a = a->octets + offset_behind(a, a->labels - left);
    const uint8_t *in_b = b->octets + offset_behind(b, b->labels - left);
    unsigned common = 0;
    for (; left > 0; left--) {
        common = compare_labels(in_a, in_b) == 0 ? common + 1 : 0;
        in_a += 1 + in_a[0];
        in_b += 1 + in_b[0];
    }
    return (uint8_t)common;
}

bool dname_is_root(const struct dname *name)
{
    return name->len == 1;
}

bool dname_is_wildcard(const struct dname *name)
{
    return name->octets[0] == 1 && name->octets[1] == '*';
}

uint64_t dname_hash(const struct dname *name, uint64_t seed)
{
    uint8_t octets[DNAME_OCTETS_MAX];
    for (unsigned i = 0; i < name->len; i++)
        octets[i] = lower[name->octets[i]];
    return hash_octets((struct octets) { octets, name->len }, seed);
}

/* ---- names made of names ---- */

void dname_suffix(const struct dname *name, uint8_t labels, struct dname *to)
{
    assert(labels <= name->labels);
    size_t at = offset_behind(name, name->labels - labels);
    to->len = (uint8_t)(name->len - at);
    to->labels = labels;
    memmove(to->octets, name->octets + at, to->len);
}

void dname_parent(const struct dname *name, struct dname *to)
{
    dname_suffix(name, name->labels > 0 ? (uint8_t)(name->labels - 1) : 0, to);
}

enum err dname_prepend(struct octets label, const struct dname *name, struct dname *to)
{
    assert(label.len >= 1 && label.len <= LABEL_OCTETS_MAX);
    uint8_t head[1 + LABEL_OCTETS_MAX] = { (uint8_t)label.len };
    if (1 + label.len + name->len > DNAME_OCTETS_MAX)
        return ERR_SPACE;
    memcpy(head + 1, label.data, label.len); /* the label may be one of `to`, which moves now */
    memmove(to->octets + 1 + label.len, name->octets, name->len);
    memcpy(to->octets, head, 1 + label.len);
    to->len = (uint8_t)(name->len + 1 + label.len);
    to->labels = (uint8_t)(name->labels + 1);
    return OK;
}

enum err dname_wildcard(const struct dname *name, struct dname *to)
{
    return dname_prepend((struct octets) { (const uint8_t *)"*", 1 }, name, to);
}

enum err dname_substitute(const struct dname *name, const struct dname *from, const struct dname *target,
                          struct dname *to)
{
    assert(dname_is_below(name, from));
    size_t kept = name->len - (size_t)from->len;
    if (kept + target->len > DNAME_OCTETS_MAX)
        return ERR_SPACE;
    struct dname result = { .len = (uint8_t)(kept + target->len),
                            .labels = (uint8_t)(name->labels - from->labels + target->labels) };
    memcpy(result.octets, name->octets, kept);
    memcpy(result.octets + kept, target->octets, target->len);
    *to = result;
    return OK;
}

struct octets dname_label(const struct dname *name, uint8_t n)
{
    assert(n < name->labels);
    const uint8_t *label = name->octets + offset_behind(name, n);
    return (struct octets) { label + 1, label[0] };
}

void dname_lower(const struct dname *name, struct dname *to)
{
    for (unsigned i = 0; i < name->len; i++)
        to->octets[i] = lower[name->octets[i]];
    to->len = name->len;
    to->labels = name->labels;
}

struct dname *dname_copy(struct arena *arena, const struct dname *name)
{
    struct dname *copy = ARENA_NEW(arena, struct dname);
    copy->len = name->len;
    copy->labels = name->labels;
    memcpy(copy->octets, name->octets, name->len);
    return copy;
}
