#include "trust/root_anchors.h"

#include <expat.h>
#include <stdio.h>
#include <stdlib.h>

#include "crypto/verify.h"
#include "time/rfc3339.h"

enum {
    TEXT_OCTETS_MAX = 4096, /* of one element: a key of 2 KB in base64 */
    HASH_SALT = 5011,       /* keeps expat from asking the system for one: a name is never looked up twice here */
};

/* The schema of RFC 9718 section 2.1.1, in which elements have one order. */
enum element { TRUST_ANCHOR, ZONE, KEY_DIGEST, KEY_TAG, ALGORITHM, DIGEST_TYPE, DIGEST, PUBLIC_KEY, FLAGS, ELEMENTS };

static const struct element_row {
    const char *name;
    enum element parent;
    unsigned behind; /* bits: elements of the same parent of which one comes right before it; 0: it is the first */
    bool has_text;
} rows[ELEMENTS] = {
    [TRUST_ANCHOR] = { "TrustAnchor", ELEMENTS, 0, false },
    [ZONE] = { "Zone", TRUST_ANCHOR, 0, true },
    [KEY_DIGEST] = { "KeyDigest", TRUST_ANCHOR, 1u << ZONE | 1u << KEY_DIGEST, false },
    [KEY_TAG] = { "KeyTag", KEY_DIGEST, 0, true },
    [ALGORITHM] = { "Algorithm", KEY_DIGEST, 1u << KEY_TAG, true },
    [DIGEST_TYPE] = { "DigestType", KEY_DIGEST, 1u << ALGORITHM, true },
    [DIGEST] = { "Digest", KEY_DIGEST, 1u << DIGEST_TYPE, true },
    [PUBLIC_KEY] = { "PublicKey", KEY_DIGEST, 1u << DIGEST, true },
    [FLAGS] = { "Flags", KEY_DIGEST, 1u << PUBLIC_KEY, true },
};

/* How a parent may end: RFC 9718 has PublicKey and Flags together or not at all. */
static const unsigned last_children[ELEMENTS] = {
    [TRUST_ANCHOR] = 1u << KEY_DIGEST,
    [KEY_DIGEST] = 1u << DIGEST | 1u << FLAGS,
};

struct reading {
    XML_Parser parser;
    struct arena *arena;
    struct root_anchors *anchors;
    char *fault;
    enum element path[4]; /* from the outside in */
    size_t depth;
    enum element last_child[ELEMENTS]; /* by parent; ELEMENTS: none yet */
    char text[TEXT_OCTETS_MAX + 1];
    size_t len;
    const char *texts[ELEMENTS]; /* of the KeyDigest that is read */
};

/* The first fault stays. */
static void refuse(struct reading *reading, const char *format, ...) PRINTF_LIKE(2, 3);

static void refuse(struct reading *reading, const char *format, ...)
{
    va_list arguments;
    if (reading->fault[0] != '\0')
        return;
    int len = snprintf(reading->fault, ROOT_ANCHORS_FAULT_OCTETS_MAX,
                       "line %lu: ", (unsigned long)XML_GetCurrentLineNumber(reading->parser));
    va_start(arguments, format);
    vsnprintf(reading->fault + len, (size_t)(ROOT_ANCHORS_FAULT_OCTETS_MAX - len), format, arguments);
    va_end(arguments);
    XML_StopParser(reading->parser, XML_FALSE);
}

/* ---- values ---- */

static bool read_number(struct reading *reading, enum element element, unsigned max, unsigned *number)
{
    const char *text = reading->texts[element];
    char *end;
    unsigned long value = strtoul(text, &end, 10);
    *number = (unsigned)value;
    if (text[0] >= '0' && text[0] <= '9' && *end == '\0' && value <= max)
        return true;
    refuse(reading, "%s is not a number up to %u", rows[element].name, max);
    return false;
}

static bool read_time(struct reading *reading, const char *name, const char *text, int64_t *unix_s)
{
    if (rfc3339_from_text(text, unix_s) == OK)
        return true;
    refuse(reading, "%s is not a time", name);
    return false;
}

/* RDATA out of its presentation form: base64 and hex are read as in a zone file. */
static bool read_rdata(struct reading *reading, uint16_t type, const char *text, struct octets *rdata)
{
    if (rdata_from_text(reading->arena, type, text, NULL, rdata) == OK && trust_anchor_fault(type, *rdata) == NULL)
        return true;
    refuse(reading, "a KeyDigest that makes no %s", type == TYPE_DS ? "DS" : "DNSKEY of a signing key");
    return false;
}

static bool is_one_word(const char *text, const char *letters)
{
    return text[0] != '\0' && text[strspn(text, letters)] == '\0';
}

static bool read_ds(struct reading *reading, struct key_digest *item)
{
    unsigned tag, algorithm, digest_type;
    if (!read_number(reading, KEY_TAG, UINT16_MAX, &tag) || !read_number(reading, ALGORITHM, UINT8_MAX, &algorithm) ||
        !read_number(reading, DIGEST_TYPE, UINT8_MAX, &digest_type))
        return false;
    if (!is_one_word(reading->texts[DIGEST], "0123456789ABCDEFabcdef")) {
        refuse(reading, "Digest is not hexadecimal");
        return false;
    }
    const char *text = arena_printf(reading->arena, "%u %u %u %s", tag, algorithm, digest_type, reading->texts[DIGEST]);
    return read_rdata(reading, TYPE_DS, text, &item->ds);
}

/* RFC 9718 section 2.1.2: a key that contradicts its digest must not be used, and nor must who published it. */
static bool read_dnskey(struct reading *reading, struct key_digest *item)
{
    struct ds ds;
    struct dnskey key;
    unsigned flags;
    if (!read_number(reading, FLAGS, UINT16_MAX, &flags) || ds_read(item->ds, &ds) != OK)
        return false;
    if (!is_one_word(reading->texts[PUBLIC_KEY], "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=")) {
        refuse(reading, "PublicKey is not in base64");
        return false;
    }
    const char *text = arena_printf(reading->arena, "%u 3 %u %s", flags, ds.algorithm, reading->texts[PUBLIC_KEY]);
    if (!read_rdata(reading, TYPE_DNSKEY, text, &item->dnskey) || dnskey_read(item->dnskey, &key) != OK)
        return false;
    if ((key.flags & DNSKEY_SEP) == 0)
        refuse(reading, "Flags of key %u lack the SEP flag", ds.key_tag);
    else if (!ds_is_of_key(item->ds, dname_root(), item->dnskey))
        refuse(reading, "PublicKey and Flags of key %u are not those of its Digest", ds.key_tag);
    return reading->fault[0] == '\0';
}

static void end_key_digest(struct reading *reading)
{
    struct key_digest *item = &reading->anchors->items[reading->anchors->count - 1];
    if (read_ds(reading, item) && reading->texts[PUBLIC_KEY] != NULL)
        read_dnskey(reading, item);
}

/* ---- elements ---- */

static const char *attribute(const XML_Char **attributes, const char *name)
{
    for (; attributes[0] != NULL; attributes += 2)
        if (strcmp(attributes[0], name) == 0)
            return attributes[1];
    return NULL;
}

static const char *text_attribute(struct reading *reading, const XML_Char **attributes, const char *name)
{
    const char *text = attribute(attributes, name);
    if (text == NULL)
        refuse(reading, "the attribute %s is missing", name);
    return text == NULL ? "" : arena_strdup(reading->arena, text);
}

static void begin_key_digest(struct reading *reading, const XML_Char **attributes)
{
    struct root_anchors *anchors = reading->anchors;
    if (anchors->count == ROOT_ANCHORS_MAX) {
        refuse(reading, "more than %d keys", ROOT_ANCHORS_MAX);
        return;
    }
    struct key_digest *item = &anchors->items[anchors->count++];
    const char *until = attribute(attributes, "validUntil");
    *item = (struct key_digest) { .valid_until_s = INT64_MAX };
    item->id = text_attribute(reading, attributes, "id");
    read_time(reading, "validFrom", text_attribute(reading, attributes, "validFrom"), &item->valid_from_s);
    if (until != NULL && read_time(reading, "validUntil", until, &item->valid_until_s) &&
        item->valid_until_s < item->valid_from_s)
        refuse(reading, "validUntil is before validFrom");
    memset(reading->texts, 0, sizeof(reading->texts));
    reading->last_child[KEY_DIGEST] = ELEMENTS;
}

static enum element find_element(const struct reading *reading, const char *name)
{
    enum element parent = reading->depth == 0 ? ELEMENTS : reading->path[reading->depth - 1];
    for (unsigned i = 0; i < ELEMENTS; i++)
        if (rows[i].parent == parent && strcmp(rows[i].name, name) == 0)
            return (enum element)i;
    return ELEMENTS;
}

static bool is_in_place(struct reading *reading, enum element element)
{
    if (rows[element].parent == ELEMENTS)
        return true;
    enum element before = reading->last_child[rows[element].parent];
    reading->last_child[rows[element].parent] = element;
    return before == ELEMENTS ? rows[element].behind == 0 : (rows[element].behind & 1u << before) != 0;
}

static void on_start(void *context, const XML_Char *name, const XML_Char **attributes)
{
    struct reading *reading = context;
    if (reading->fault[0] != '\0')
        return; /* some calls come even behind a stop */
    enum element element = find_element(reading, name);
    if (element == ELEMENTS || !is_in_place(reading, element)) {
        refuse(reading, "an element that does not belong there");
        return;
    }
    reading->path[reading->depth++] = element; /* the schema is three deep */
    reading->len = 0;
    if (element == TRUST_ANCHOR)
        reading->anchors->id = text_attribute(reading, attributes, "id");
    else if (element == KEY_DIGEST)
        begin_key_digest(reading, attributes);
}

static const char space[] = " \t\r\n";

/* White space around it, and within base64, is layout. */
static void squeeze(char *text)
{
    char *to = text;
    for (; *text != '\0'; text++)
        if (strchr(space, *text) == NULL)
            *to++ = *text;
    *to = '\0';
}

static void on_text(void *context, const XML_Char *text, int len)
{
    struct reading *reading = context;
    if (reading->fault[0] != '\0')
        return;
    bool has_text = reading->depth > 0 && rows[reading->path[reading->depth - 1]].has_text;
    for (int i = 0; i < len && !has_text; i++)
        if (memchr(space, text[i], sizeof(space) - 1) == NULL) {
            refuse(reading, "text where none belongs");
            return;
        }
    if (!has_text)
        return;
    if (reading->len + (size_t)len > TEXT_OCTETS_MAX) {
        refuse(reading, "a text of more than %d octets", TEXT_OCTETS_MAX);
        return;
    }
    memcpy(reading->text + reading->len, text, (size_t)len);
    reading->len += (size_t)len;
}

static void on_end(void *context, const XML_Char *name)
{
    struct reading *reading = context;
    (void)name;
    if (reading->fault[0] != '\0')
        return;
    enum element element = reading->path[--reading->depth];
    enum element last = reading->last_child[element];
    if (rows[element].has_text) {
        reading->text[reading->len] = '\0';
        squeeze(reading->text);
        reading->texts[element] = arena_strdup(reading->arena, reading->text);
        if (element == ZONE && strcmp(reading->text, ".") != 0)
            refuse(reading, "anchors of another zone than the root");
    } else if (last == ELEMENTS || (last_children[element] & 1u << last) == 0) {
        refuse(reading, "%s lacks an element", rows[element].name);
    } else if (element == KEY_DIGEST) {
        end_key_digest(reading);
    }
}

static void on_doctype(void *context, const XML_Char *name, const XML_Char *system, const XML_Char *public,
                       int has_internal_subset)
{
    (void)name, (void)system, (void)public, (void)has_internal_subset;
    refuse(context, "a document type definition");
}

/* ---- the whole ---- */

static void parse(struct reading *reading, struct octets xml)
{
    XML_SetUserData(reading->parser, reading);
    XML_SetHashSalt(reading->parser, HASH_SALT);
    XML_SetElementHandler(reading->parser, on_start, on_end);
    XML_SetCharacterDataHandler(reading->parser, on_text);
    XML_SetStartDoctypeDeclHandler(reading->parser, on_doctype); /* entities are declared in one alone */
    enum XML_Status status = XML_Parse(reading->parser, (const char *)xml.data, (int)xml.len, XML_TRUE);
    if (status != XML_STATUS_OK)
        refuse(reading, "%s", XML_ErrorString(XML_GetErrorCode(reading->parser)));
}

enum err root_anchors_read(struct arena *arena, struct octets xml, struct root_anchors *anchors,
                           char fault[ROOT_ANCHORS_FAULT_OCTETS_MAX])
{
    *anchors = (struct root_anchors) { .id = "" };
    fault[0] = '\0';
    if (xml.len == 0 || xml.len > ROOT_ANCHORS_OCTETS_MAX) {
        snprintf(fault, ROOT_ANCHORS_FAULT_OCTETS_MAX, "empty, or larger than %d octets", ROOT_ANCHORS_OCTETS_MAX);
        return ERR_FORMAT;
    }
    struct reading *reading = memory_new(1, sizeof(*reading));
    *reading = (struct reading) { XML_ParserCreate("UTF-8"), arena, anchors, fault, .depth = 0 };
    for (unsigned i = 0; i < ELEMENTS; i++)
        reading->last_child[i] = ELEMENTS;
    if (reading->parser != NULL)
        parse(reading, xml);
    else
        snprintf(fault, ROOT_ANCHORS_FAULT_OCTETS_MAX, "no memory");
    XML_ParserFree(reading->parser);
    free(reading);
    return fault[0] == '\0' ? OK : ERR_FORMAT;
}

bool key_digest_is_of(const struct key_digest *item, uint16_t type, struct octets rdata)
{
    struct octets own = type == TYPE_DS ? item->ds : item->dnskey;
    if (own.len > 0 && octets_equal(own, rdata))
        return true;
    if (type == TYPE_DNSKEY)
        return ds_is_of_key(item->ds, dname_root(), rdata);
    return item->dnskey.len > 0 && ds_is_of_key(rdata, dname_root(), item->dnskey);
}

struct anchor key_digest_anchor(const struct key_digest *item)
{
    bool has_key = item->dnskey.len > 0;
    return (struct anchor) {
        .zone = *dname_root(),
        .type = has_key ? TYPE_DNSKEY : TYPE_DS,
        .rdata = has_key ? item->dnskey : item->ds,
        .source = ANCHOR_XML,
        .valid_from_s = item->valid_from_s,
        .valid_until_s = item->valid_until_s,
    };
}
