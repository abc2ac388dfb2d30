/* Domain names in wire form, letter case kept (RFC 1035 section 3.1, RFC 4343).
 *
 * Invariant of struct dname: octets[0..len) is a sequence of labels that ends with the root label, len is 1 to 255,
 * labels counts them without the root.  A zeroed struct is not a name: use dname_root(). */
#ifndef MESSAGE_DNAME_H
#define MESSAGE_DNAME_H

#include "base/arena.h"
#include "base/err.h"
#include "base/reader.h"
#include "base/writer.h"

enum {
    DNAME_OCTETS_MAX = 255, /* RFC 1035 section 2.3.4, root label included */
    LABEL_OCTETS_MAX = 63,
    DNAME_LABELS_MAX = 127,                    /* without the root */
    DNAME_TEXT_MAX = 4 * DNAME_OCTETS_MAX + 1, /* every octet as \DDD, and the NUL */
};

struct dname {
    uint8_t len;
    uint8_t labels;
    uint8_t octets[DNAME_OCTETS_MAX];
};

const struct dname *dname_root(void);

/* Master-file form (RFC 1035 section 5.1: \DDD and \X escapes).  A name without the final dot is taken as absolute. */
MUST_USE enum err dname_from_text(const char *text, struct dname *name);
/* As in a master file: a name without the final dot is completed with origin, "@" is the origin. */
MUST_USE enum err dname_from_text_below(const char *text, const struct dname *origin, struct dname *name);
/* With the final dot, everything but letters, digits, '-' and '_' … escaped as RFC 1035 section 5.1 says.  Returns
 * text. */
char *dname_to_text(const struct dname *name, char text[DNAME_TEXT_MAX]);
/* Uncompressed wire form that fills octets exactly. */
MUST_USE enum err dname_from_wire(struct octets octets, struct dname *name);
static inline struct octets dname_octets(const struct dname *name)
{
    return (struct octets) { name->octets, name->len };
}

/* Reads one name at the reader's position, following compression pointers (RFC 1035 section 4.1.4).
 * Each pointer must lead below the place where the name, or the jump before it, began: the walk ends.
 * Letter case is kept (RFC 4343).  Afterwards r stands behind the name as it appears in the message.
 * Sets r->failed, and *name to the root, on a bad label type, a pointer that does not go back, a name
 * above DNAME_OCTETS_MAX or the end of the message. */
void reader_dname(struct reader *r, struct dname *name);
/* The same, but a compression pointer is a failure: names that must not be compressed (RFC 3597 section 4). */
void reader_dname_uncompressed(struct reader *r, struct dname *name);

/* ASCII letters compare without case in all of these (RFC 4343). */
bool dname_equal(const struct dname *a, const struct dname *b);
/* Octet for octet, case and all: the 0x20 check. */
bool dname_same_case(const struct dname *a, const struct dname *b);
/* Canonical order, RFC 4034 section 6.1: <0, 0, >0. */
int dname_compare(const struct dname *a, const struct dname *b);
/* name is ancestor itself or below it. */
bool dname_is_subdomain(const struct dname *name, const struct dname *ancestor);
/* name is below ancestor and not ancestor itself. */
bool dname_is_below(const struct dname *name, const struct dname *ancestor);
/* How many labels the two share, counted from the root (0: only the root). */
uint8_t dname_common_labels(const struct dname *a, const struct dname *b);
bool dname_is_root(const struct dname *name);
/* The leftmost label is "*" (RFC 4592). */
bool dname_is_wildcard(const struct dname *name);

/* The last `labels` labels of name; labels <= name->labels.  `to` may be `name`. */
void dname_suffix(const struct dname *name, uint8_t labels, struct dname *to);
/* One label less; the parent of the root is the root.  `to` may be `name`. */
void dname_parent(const struct dname *name, struct dname *to);
/* label (1 to 63 octets) in front of name.  ERR_SPACE above DNAME_OCTETS_MAX.  `to` may be `name`. */
MUST_USE enum err dname_prepend(struct octets label, const struct dname *name, struct dname *to);
/* "*." in front of name. */
MUST_USE enum err dname_wildcard(const struct dname *name, struct dname *to);
/* name with its suffix `from` replaced by `target` (RFC 6672 section 2.2).  name is below `from`.  ERR_SPACE: too
 * long. */
MUST_USE enum err dname_substitute(const struct dname *name, const struct dname *from, const struct dname *target,
                                   struct dname *to);
/* The n-th label from the left, without its length octet; borrowed from name.  n < name->labels. */
struct octets dname_label(const struct dname *name, uint8_t n);
/* ASCII letters to lower case; `to` may be `name`. */
void dname_lower(const struct dname *name, struct dname *to);
/* Independent of letter case. */
uint64_t dname_hash(const struct dname *name, uint64_t seed);

struct dname *dname_copy(struct arena *arena, const struct dname *name);

/* Uncompressed.  The message writer compresses. */
void writer_dname(struct writer *w, const struct dname *name);

#endif
