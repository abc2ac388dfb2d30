/* A zone so small that the truth about every name can be looked up, for the targets that prove or deny.
 *
 * A node is a name of at most DEPTH labels below the apex, each out of LABELS, whether anything stands there or not.
 * The tree is complete, and each parent's children stand in canonical order: a walk from parents to children, first to
 * last, is the order of RFC 4034 section 6.1.  Nothing here compares names. */
#ifndef FUZZ_SMALL_ZONE_H
#define FUZZ_SMALL_ZONE_H

#include <assert.h>
#include <stdlib.h>

#include "base/reader.h"
#include "crypto/verify.h"
#include "message/coding.h"
#include "message/rrset.h"
#include "validator/denial.h"

enum {
    LABELS = 5,
    STAR = 1, /* the number of the label "*" */
    DEPTH = 3,
    NODES = 1 + LABELS + LABELS * LABELS + LABELS * LABELS * LABELS,
    APEX = 0,
    NO_NODE = -1,
    NAMES_MAX = 8, /* with types, the apex aside */
    CHAIN_MAX = 1 + NAMES_MAX * DEPTH,
    SALT_OCTETS_MAX = 8,
};

struct chain_record {
    int node;
    const uint8_t *hash; /* NSEC3 */
    bool opt_out;
    struct rrset *rrset;
};

struct small_zone {
    const struct dname *names; /* by node */
    uint8_t types[NODES];      /* of enum standing */
    bool left_out[NODES];      /* an insecure delegation without an NSEC3 of its own (RFC 5155 section 7.1) */

    /* What follows from these. */
    bool is_elsewhere[NODES]; /* below a zone cut or a DNAME: whatever stands there is not of this zone */
    bool exists[NODES];       /* data, or something below */
    bool is_hashed[NODES];    /* the same without what is left out: there is an NSEC3 */
    int order[NODES];         /* canonical */

    uint8_t salt[SALT_OCTETS_MAX];
    uint8_t salt_octets;
    uint16_t iterations;
    uint8_t hashes[NODES][NSEC3_HASH_OCTETS]; /* of the nodes that were hashed already */
    bool hash_is_known[NODES];
    unsigned nsec_count, nsec3_count;
    struct chain_record nsec[CHAIN_MAX], nsec3[CHAIN_MAX];
};

enum standing { HAS_A = 1, HAS_TXT = 2, HAS_CNAME = 4, HAS_DNAME = 8, HAS_NS = 16, HAS_DS = 32, HAS_APEX = 64 };

static inline int node_parent(int node)
{
    return (node - 1) / LABELS;
}

static inline int node_child(int node, int label)
{
    return 1 + node * LABELS + label;
}

static inline bool node_has_children(int node)
{
    return node_child(node, 0) < NODES;
}

static inline bool node_is_below(int node, int above)
{
    while (node > above)
        node = node_parent(node);
    return node == above;
}

/* The child of `above` on the way to node, which is below it. */
static inline int node_towards(int above, int node)
{
    while (node_parent(node) != above)
        node = node_parent(node);
    return node;
}

static inline bool is_cut(uint8_t types)
{
    return (types & HAS_NS) && !(types & HAS_APEX);
}

static inline bool ends_authority(uint8_t types)
{
    return is_cut(types) || (types & HAS_DNAME);
}

static inline bool has_data(const struct small_zone *zone, int node)
{
    return zone->types[node] != 0 && !zone->is_elsewhere[node];
}

/* ---- names ---- */

/* The same for all inputs: made once. */
static inline const struct dname *node_names(void)
{
    static const char *const labels[LABELS] = { "\x01", "*", "a", "ab", "b" };
    static struct dname names[NODES];
    if (names[APEX].len > 0)
        return names;
    enum err err = dname_from_text("zone.", &names[APEX]);
    for (int node = 1; node < NODES && err == OK; node++) {
        const char *label = labels[(node - 1) % LABELS];
        err = dname_prepend((struct octets) { (const uint8_t *)label, strlen(label) }, &names[node_parent(node)],
                            &names[node]);
    }
    assert(err == OK);
    return names;
}

/* ---- what follows ---- */

static inline int zone_order_below(struct small_zone *zone, int node, int next)
{
    zone->order[node] = next++;
    for (int label = 0; label < LABELS && node_has_children(node); label++)
        next = zone_order_below(zone, node_child(node, label), next);
    return next;
}

static inline void zone_settle(struct small_zone *zone)
{
    zone_order_below(zone, APEX, 0);
    for (int node = 1; node < NODES; node++) {
        int parent = node_parent(node);
        zone->is_elsewhere[node] = zone->is_elsewhere[parent] || ends_authority(zone->types[parent]);
        zone->left_out[node] = zone->left_out[node] && has_data(zone, node) && zone->types[node] == HAS_NS;
    }
    for (int node = NODES - 1; node >= 0; node--) {
        zone->exists[node] = zone->exists[node] || has_data(zone, node);
        zone->is_hashed[node] = zone->is_hashed[node] || (has_data(zone, node) && !zone->left_out[node]);
        if (node != APEX && zone->exists[node])
            zone->exists[node_parent(node)] = true;
        if (node != APEX && zone->is_hashed[node])
            zone->is_hashed[node_parent(node)] = true;
    }
}

/* ---- the chains ---- */

static const struct {
    uint8_t standing;
    uint8_t type;
} standing_types[] = { { HAS_A, TYPE_A },         { HAS_TXT, TYPE_TXT }, { HAS_CNAME, TYPE_CNAME },
                       { HAS_DNAME, TYPE_DNAME }, { HAS_NS, TYPE_NS },   { HAS_DS, TYPE_DS },
                       { HAS_APEX, TYPE_SOA },    { HAS_APEX, TYPE_NS }, { HAS_APEX, TYPE_DNSKEY } };

/* RFC 4034 section 4.1.2; all types are in the first window. */
static inline void write_bitmap(struct writer *w, uint8_t standing, bool is_nsec)
{
    uint8_t bits[7] = { 0 }, len = sizeof(bits);
    for (size_t i = 0; i < ARRAY_LEN(standing_types); i++)
        if (standing & standing_types[i].standing)
            bits[standing_types[i].type / 8] |= (uint8_t)(0x80 >> standing_types[i].type % 8);
    if (is_nsec)
        bits[TYPE_NSEC / 8] |= 0x80 >> TYPE_NSEC % 8;
    if (is_nsec || (standing != 0 && standing != HAS_NS))
        bits[TYPE_RRSIG / 8] |= 0x80 >> TYPE_RRSIG % 8;
    while (len > 0 && bits[len - 1] == 0)
        len--;
    if (len == 0)
        return;
    writer_u8(w, 0);
    writer_u8(w, len);
    writer_octets_put(w, (struct octets) { bits, len });
}

static inline struct rrset *denial_rrset(struct arena *arena, const struct dname *owner, uint16_t type,
                                         const struct writer *rdata)
{
    struct rrset *rrset = ARENA_NEW(arena, struct rrset);
    struct octets *octets = ARENA_NEW(arena, struct octets);
    *octets = octets_copy(arena, writer_octets(rdata));
    *rrset = (struct rrset) { .owner = dname_copy(arena, owner), .type = type, .class = CLASS_IN };
    rrset->count = 1;
    rrset->ttl_s = 3600;
    rrset->rdata = octets;
    return rrset;
}

static inline int by_node_order(const void *a, const void *b, void *zone)
{
    const int *order = ((const struct small_zone *)zone)->order;
    return order[((const struct chain_record *)a)->node] - order[((const struct chain_record *)b)->node];
}

static inline int by_hash(const void *a, const void *b)
{
    return memcmp(((const struct chain_record *)a)->hash, ((const struct chain_record *)b)->hash, NSEC3_HASH_OCTETS);
}

static inline void zone_make_nsec(struct small_zone *zone, struct arena *arena)
{
    for (int node = 0; node < NODES; node++)
        if (has_data(zone, node))
            zone->nsec[zone->nsec_count++].node = node;
    qsort_r(zone->nsec, zone->nsec_count, sizeof(zone->nsec[0]), by_node_order, zone);
    for (unsigned i = 0; i < zone->nsec_count; i++) {
        uint8_t buffer[DNAME_OCTETS_MAX + 16];
        struct writer w = writer_of(buffer, sizeof(buffer));
        int node = zone->nsec[i].node;
        writer_dname(&w, &zone->names[zone->nsec[(i + 1) % zone->nsec_count].node]);
        write_bitmap(&w, zone->types[node], true);
        zone->nsec[i].rrset = denial_rrset(arena, &zone->names[node], TYPE_NSEC, &w);
    }
}

static inline const uint8_t *node_hash(struct small_zone *zone, int node)
{
    if (!zone->hash_is_known[node])
        nsec3_hash(&zone->names[node], (struct octets) { zone->salt, zone->salt_octets }, zone->iterations,
                   zone->hashes[node]);
    zone->hash_is_known[node] = true;
    return zone->hashes[node];
}

/* Which record covers the node, that has none of its own. */
static inline unsigned nsec_cover(const struct small_zone *zone, int node)
{
    unsigned i = zone->nsec_count - 1;
    while (zone->order[zone->nsec[i].node] >= zone->order[node])
        i--;
    return i;
}

static inline unsigned nsec3_cover(struct small_zone *zone, int node)
{
    const uint8_t *hash = node_hash(zone, node);
    unsigned i = zone->nsec3_count - 1;
    while (i > 0 && memcmp(zone->nsec3[i].hash, hash, NSEC3_HASH_OCTETS) > 0)
        i--;
    return memcmp(zone->nsec3[i].hash, hash, NSEC3_HASH_OCTETS) < 0 ? i : zone->nsec3_count - 1;
}

static inline unsigned record_of(const struct chain_record *chain, unsigned count, int node)
{
    unsigned i = 0;
    while (i < count && chain[i].node != node)
        i++;
    return i;
}

/* RFC 5155 section 7.1.  opt_outs: which spans say so although nothing was left out there. */
static inline void zone_make_nsec3(struct small_zone *zone, struct arena *arena, uint32_t opt_outs)
{
    for (int node = 0; node < NODES; node++)
        if (zone->is_hashed[node]) {
            struct chain_record *record = &zone->nsec3[zone->nsec3_count++];
            record->node = node;
            record->hash = node_hash(zone, node);
        }
    qsort(zone->nsec3, zone->nsec3_count, sizeof(zone->nsec3[0]), by_hash);
    for (unsigned i = 0; i < zone->nsec3_count; i++)
        zone->nsec3[i].opt_out = opt_outs >> i % 32 & 1;
    for (int node = 0; node < NODES; node++)
        if (zone->exists[node] && !zone->is_hashed[node])
            zone->nsec3[nsec3_cover(zone, node)].opt_out = true;
    for (unsigned i = 0; i < zone->nsec3_count; i++) {
        struct chain_record *record = &zone->nsec3[i];
        uint8_t buffer[64];
        struct writer w = writer_of(buffer, sizeof(buffer));
        struct text label = text_new(arena);
        struct dname owner;
        text_base32hex(&label, (struct octets) { record->hash, NSEC3_HASH_OCTETS });
        enum err err =
            dname_prepend((struct octets) { (const uint8_t *)label.data, label.len }, &zone->names[APEX], &owner);
        assert(err == OK);
        (void)err;
        writer_u8(&w, 1);
        writer_u8(&w, record->opt_out ? NSEC3_OPT_OUT : 0);
        writer_u16(&w, zone->iterations);
        writer_u8(&w, zone->salt_octets);
        writer_octets_put(&w, (struct octets) { zone->salt, zone->salt_octets });
        writer_u8(&w, NSEC3_HASH_OCTETS);
        writer_octets_put(&w, (struct octets) { zone->nsec3[(i + 1) % zone->nsec3_count].hash, NSEC3_HASH_OCTETS });
        write_bitmap(&w, zone->types[record->node], false);
        record->rrset = denial_rrset(arena, &owner, TYPE_NSEC3, &w);
    }
}

/* ---- what it says ---- */

static inline int encloser_of(const bool exists[NODES], int node)
{
    while (!exists[node])
        node = node_parent(node);
    return node;
}

/* Of a type where these stand: RFC 4035 section 5.4, RFC 6840 sections 4.1, 4.3, 4.4. */
static inline enum proof no_such_type(uint8_t types, uint16_t qtype)
{
    if (types & HAS_CNAME)
        return PROOF_NONE;
    for (size_t i = 0; i < ARRAY_LEN(standing_types); i++)
        if ((types & standing_types[i].standing) && (standing_types[i].type == qtype || qtype == TYPE_ANY))
            return PROOF_NONE;
    if (qtype == TYPE_DS && is_cut(types))
        return PROOF_INSECURE_DELEGATION;
    return is_cut(types) || (qtype == TYPE_DS && (types & HAS_APEX)) ? PROOF_NONE : PROOF_GOOD;
}

static inline enum proof no_such_type_at_wildcard(uint8_t types, uint16_t qtype)
{
    return no_such_type(types, qtype) == PROOF_GOOD ? PROOF_GOOD : PROOF_NONE;
}

/* ---- made of the input ---- */

static inline struct small_zone *zone_read(struct reader *input, struct arena *arena)
{
    static const uint8_t kinds[] = { HAS_A,  HAS_TXT,         HAS_A | HAS_TXT,   HAS_CNAME,
                                     HAS_NS, HAS_NS | HAS_DS, HAS_DNAME | HAS_A, HAS_NS };
    struct small_zone *zone = ARENA_NEW(arena, struct small_zone);
    uint8_t manner = reader_u8(input), count = reader_u8(input) % (NAMES_MAX + 1);
    zone->names = node_names();
    zone->types[APEX] = HAS_APEX | (manner & 1 ? HAS_A : 0) | (manner >> 1 & 7 ? 0 : HAS_DNAME);
    zone->iterations = manner >> 4 & 3;
    zone->salt_octets = manner >> 6;
    memset(zone->salt, manner, sizeof(zone->salt));
    for (uint8_t i = 0; i < count; i++) {
        int node = 1 + reader_u8(input) % (NODES - 1);
        uint8_t kind = reader_u8(input);
        zone->types[node] = kinds[kind % ARRAY_LEN(kinds)];
        zone->left_out[node] = kind & 0x80;
    }
    uint32_t opt_outs = reader_u32(input);
    zone_settle(zone);
    zone_make_nsec(zone, arena);
    zone_make_nsec3(zone, arena, opt_outs);
    return zone;
}

#endif
