#include "validator/denial.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "crypto/verify.h"
#include "message/testing.h"
#include "validator/proofs.h"

static struct arena *arena;

static int set_up(void **state)
{
    (void)state;
    set_hash_secret();
    arena = arena_new();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}

/* ---- single records ---- */

enum { SETS_MAX = 8 };

static enum proof prove(const char *zone_text, const char *const sets_text[SETS_MAX], const char *qname_text,
                        const char *qtype_text, int encloser_labels)
{
    const struct rrset *sets[SETS_MAX];
    struct dname zone = name_of(zone_text), qname = name_of(qname_text);
    struct denial denial = { &zone, sets, 0, 50 };
    struct budget budget = budget_full();
    uint16_t qtype;
    for (size_t i = 0; i < SETS_MAX && sets_text[i] != NULL; i++)
        sets[denial.count++] = rrset_of(arena, sets_text[i]);
    if (encloser_labels >= 0)
        return denial_wildcard_expansion(&denial, &qname, (uint8_t)encloser_labels, &budget);
    if (strcmp(qtype_text, "NXDOMAIN") == 0)
        return denial_name_error(&denial, &qname, &budget);
    assert_int_equal(rr_type_from_text(qtype_text, &qtype), OK);
    return denial_no_data(&denial, &qname, qtype, &budget);
}

static const struct {
    const char *why;
    const char *zone;
    const char *sets[SETS_MAX];
    const char *qname, *qtype; /* "NXDOMAIN": a name error */
    enum proof proof;
} cases[] = {
    { "RFC 4035 5.4: the types at the name",
      "example.",
      { "a.example. NSEC b.example. A RRSIG NSEC" },
      "a.example.",
      "TXT",
      PROOF_GOOD },
    { "RFC 4343: letter case aside",
      "example.",
      { "A.Example. NSEC b.example. A RRSIG NSEC" },
      "a.eXample.",
      "TXT",
      PROOF_GOOD },
    { "the type is there", "example.", { "a.example. NSEC b.example. A RRSIG NSEC" }, "a.example.", "A", PROOF_NONE },
    { "RFC 6840 4.3: a CNAME is there",
      "example.",
      { "a.example. NSEC b.example. CNAME RRSIG NSEC" },
      "a.example.",
      "TXT",
      PROOF_NONE },
    { "RFC 6840 4.1: the parent's NSEC on the child's types",
      "example.",
      { "a.example. NSEC b.example. NS RRSIG NSEC" },
      "a.example.",
      "A",
      PROOF_NONE },
    { "RFC 4035 5.2: no DS at a delegation",
      "example.",
      { "a.example. NSEC b.example. NS RRSIG NSEC" },
      "a.example.",
      "DS",
      PROOF_INSECURE_DELEGATION },
    { "RFC 4035 5.2: no DS, and no delegation",
      "example.",
      { "a.example. NSEC b.example. A RRSIG NSEC" },
      "a.example.",
      "DS",
      PROOF_GOOD },
    { "the DS is there",
      "example.",
      { "a.example. NSEC b.example. NS DS RRSIG NSEC" },
      "a.example.",
      "DS",
      PROOF_NONE },
    { "RFC 6840 4.4: the child's NSEC on the parent's type",
      "a.example.",
      { "a.example. NSEC b.a.example. NS SOA RRSIG NSEC DNSKEY" },
      "a.example.",
      "DS",
      PROOF_NONE },
    { "the root has no parent", ".", { ". NSEC a. NS SOA RRSIG NSEC DNSKEY" }, ".", "DS", PROOF_GOOD },
    { "R4.2: an empty non-terminal has no types",
      "example.",
      { "a.example. NSEC x.b.example. A RRSIG NSEC" },
      "b.example.",
      "A",
      PROOF_GOOD },
    { "RFC 4592 2.2.2: an empty non-terminal exists",
      "example.",
      { "a.example. NSEC x.b.example. A RRSIG NSEC", "example. NSEC a.example. SOA NS RRSIG NSEC DNSKEY" },
      "b.example.",
      "NXDOMAIN",
      PROOF_NONE },
    { "RFC 4035 5.4: neither the name nor a wildcard",
      "example.",
      { "a.example. NSEC c.example. A RRSIG NSEC", "example. NSEC a.example. SOA NS RRSIG NSEC DNSKEY" },
      "b.example.",
      "NXDOMAIN",
      PROOF_GOOD },
    { "R4.2-b: a wildcard could be there",
      "example.",
      { "a.example. NSEC c.example. A RRSIG NSEC" },
      "b.example.",
      "NXDOMAIN",
      PROOF_NONE },
    { "one NSEC for both",
      "example.",
      { "example. NSEC c.example. SOA NS RRSIG NSEC DNSKEY" },
      "b.example.",
      "NXDOMAIN",
      PROOF_GOOD },
    { "the wildcard is an empty non-terminal: RFC 4592 2.2.2",
      "example.",
      { "example. NSEC x.*.example. SOA NS RRSIG NSEC DNSKEY", "x.*.example. NSEC c.example. A RRSIG NSEC" },
      "b.example.",
      "NXDOMAIN",
      PROOF_NONE },
    { "… and has no types",
      "example.",
      { "example. NSEC x.*.example. SOA NS RRSIG NSEC DNSKEY", "x.*.example. NSEC c.example. A RRSIG NSEC" },
      "b.example.",
      "A",
      PROOF_GOOD },
    { "RFC 4035 3.1.3.4: the wildcard lacks the type",
      "example.",
      { "*.example. NSEC a.example. A RRSIG NSEC", "a.example. NSEC c.example. A RRSIG NSEC" },
      "b.example.",
      "TXT",
      PROOF_GOOD },
    { "the wildcard has the type",
      "example.",
      { "*.example. NSEC a.example. TXT RRSIG NSEC", "a.example. NSEC c.example. A RRSIG NSEC" },
      "b.example.",
      "TXT",
      PROOF_NONE },
    { "RFC 6840 4.1: an ancestor delegation denies nothing below",
      "example.",
      { "a.example. NSEC c.example. NS RRSIG NSEC", "example. NSEC a.example. SOA NS RRSIG NSEC DNSKEY" },
      "x.a.example.",
      "NXDOMAIN",
      PROOF_NONE },
    { "RFC 6840 4.1: … nor that there is data",
      "example.",
      { "a.example. NSEC x.y.a.example. NS RRSIG NSEC" },
      "y.a.example.",
      "A",
      PROOF_NONE },
    { "RFC 6672 5.3.4.1: a DNAME denies nothing below",
      "example.",
      { "a.example. NSEC c.example. DNAME RRSIG NSEC", "example. NSEC a.example. SOA NS RRSIG NSEC DNSKEY" },
      "x.a.example.",
      "NXDOMAIN",
      PROOF_NONE },
    { "RFC 6672 5.3.4.1: … not even at the apex",
      "example.",
      { "example. NSEC c.example. SOA NS DNAME RRSIG NSEC DNSKEY" },
      "b.example.",
      "NXDOMAIN",
      PROOF_NONE },
    { "the last NSEC leads to the apex",
      "example.",
      { "c.example. NSEC example. A RRSIG NSEC" },
      "d.example.",
      "DS",
      PROOF_NONE }, /* the wildcard is still open */
    { "a zone of one name",
      "example.",
      { "example. NSEC example. SOA NS RRSIG NSEC DNSKEY" },
      "d.example.",
      "NXDOMAIN",
      PROOF_GOOD },
    { "CVE-2026-13321: next outside the zone",
      "example.",
      { "example. NSEC c.test. SOA NS RRSIG NSEC DNSKEY" },
      "d.example.",
      "NXDOMAIN",
      PROOF_NONE },
    { "next before owner, and not the apex",
      "example.",
      { "c.example. NSEC b.example. A RRSIG NSEC" },
      "d.example.",
      "NXDOMAIN",
      PROOF_NONE },
    { "owner outside the zone",
      "a.example.",
      { "example. NSEC z.a.example. SOA NS RRSIG NSEC DNSKEY" },
      "d.a.example.",
      "NXDOMAIN",
      PROOF_NONE },
    { "qname outside the zone",
      "a.example.",
      { "a.example. NSEC a.example. SOA NS RRSIG NSEC DNSKEY" },
      "d.example.",
      "NXDOMAIN",
      PROOF_NONE },
    { "RFC 9824: NXNAME",
      "example.",
      { "b.example. NSEC \\000.b.example. RRSIG NSEC NXNAME" },
      "b.example.",
      "A",
      PROOF_NXNAME },
    { "RFC 9824: NXNAME with the rcode restored by the server",
      "example.",
      { "b.example. NSEC \\000.b.example. RRSIG NSEC NXNAME" },
      "b.example.",
      "NXDOMAIN",
      PROOF_NXNAME },
    { "RFC 9824: NXNAME for DS",
      "example.",
      { "b.example. NSEC \\000.b.example. RRSIG NSEC NXNAME" },
      "b.example.",
      "DS",
      PROOF_NXNAME },
    { "an epsilon NSEC without NXNAME is no name error",
      "example.",
      { "b.example. NSEC \\000.b.example. RRSIG NSEC" },
      "b.example.",
      "NXDOMAIN",
      PROOF_NONE },
    { "ANY where nothing stands",
      "example.",
      { "b.example. NSEC \\000.b.example. RRSIG NSEC" },
      "b.example.",
      "ANY",
      PROOF_GOOD },
    { "ANY where something stands",
      "example.",
      { "b.example. NSEC \\000.b.example. A RRSIG NSEC" },
      "b.example.",
      "ANY",
      PROOF_NONE },
    { "ANY where something beyond the first window stands",
      "example.",
      { "b.example. NSEC \\000.b.example. RRSIG NSEC CAA" },
      "b.example.",
      "ANY",
      PROOF_NONE },
    { "two NSEC RRs at one name",
      "example.",
      { "b.example. NSEC c.example. RRSIG NSEC\nb.example. NSEC d.example. RRSIG NSEC" },
      "b.example.",
      "A",
      PROOF_NONE },
    { "nothing at all", "example.", { NULL }, "b.example.", "A", PROOF_NONE },
};

static void every_case(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        enum proof proof = prove(cases[i].zone, cases[i].sets, cases[i].qname, cases[i].qtype, -1);
        if (proof != cases[i].proof)
            fail_msg("%s: %d instead of %d", cases[i].why, (int)proof, (int)cases[i].proof);
    }
}

static const struct {
    const char *why;
    const char *set, *qname;
    uint8_t encloser_labels;
    enum proof proof;
} expansions[] = {
    { "RFC 4035 5.3.4: no closer match", "a.example. NSEC c.example. A RRSIG NSEC", "b.example.", 1, PROOF_GOOD },
    { "the name exists", "b.example. NSEC c.example. A RRSIG NSEC", "b.example.", 1, PROOF_NONE },
    { "the name exists: it is an empty non-terminal", "a.example. NSEC x.b.example. A RRSIG NSEC", "b.example.", 1,
      PROOF_NONE },
    { "CVE-2026-52688: a closer encloser exists", "a.b.example. NSEC c.b.example. A RRSIG NSEC", "b.b.example.", 1,
      PROOF_NONE },
    { "the wildcard stands at that encloser", "a.b.example. NSEC c.b.example. A RRSIG NSEC", "b.b.example.", 2,
      PROOF_GOOD },
    { "labels of the name itself", "a.example. NSEC c.example. A RRSIG NSEC", "b.example.", 2, PROOF_NONE },
    { "labels above the zone", "a.example. NSEC c.example. A RRSIG NSEC", "b.example.", 0, PROOF_NONE },
};

static void every_expansion(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(expansions); i++) {
        const char *sets[SETS_MAX] = { expansions[i].set };
        enum proof proof = prove("example.", sets, expansions[i].qname, "A", expansions[i].encloser_labels);
        if (proof != expansions[i].proof)
            fail_msg("%s: %d instead of %d", expansions[i].why, (int)proof, (int)expansions[i].proof);
    }
}

/* ---- small zones, compared with what is true of them ---- */

enum { NODES_MAX = 40 };

/* Types as bits. */
enum {
    HAS_A = 1,
    HAS_TXT = 2,
    HAS_NS = 4,
    HAS_DS = 8,
    HAS_CNAME = 16,
    HAS_DNAME = 32,
    HAS_SOA = 64,
};
static const struct {
    unsigned bit;
    uint16_t type;
} type_bits[] = {
    { HAS_A, TYPE_A },     { HAS_NS, TYPE_NS },       { HAS_CNAME, TYPE_CNAME }, { HAS_SOA, TYPE_SOA },
    { HAS_TXT, TYPE_TXT }, { HAS_DNAME, TYPE_DNAME }, { HAS_DS, TYPE_DS },
};

struct node {
    struct dname name;
    unsigned types; /* 0: an empty non-terminal */
};
struct small_zone {
    struct dname apex;
    size_t count;
    struct node nodes[NODES_MAX]; /* canonical order, empty non-terminals included; nodes[0] is the apex */
};

static struct node *node_at(struct small_zone *zone, const struct dname *name)
{
    for (size_t i = 0; i < zone->count; i++)
        if (dname_equal(&zone->nodes[i].name, name))
            return &zone->nodes[i];
    return NULL;
}

static unsigned random_types(struct random *random, const struct dname *name)
{
    static const unsigned choices[] = {
        HAS_A, HAS_A | HAS_TXT, HAS_TXT, HAS_NS, HAS_NS | HAS_DS, HAS_CNAME, HAS_DNAME
    };
    return choices[random_below(random, dname_is_wildcard(name) ? 3 : ARRAY_LEN(choices))];
}

static bool is_occluded(struct small_zone *zone, const struct dname *name)
{
    struct dname above = *name;
    while (above.labels > zone->apex.labels + 1) {
        dname_parent(&above, &above);
        struct node *node = node_at(zone, &above);
        if (node != NULL && (node->types & (HAS_NS | HAS_DNAME)) != 0)
            return true;
    }
    return false;
}

static void add_node(struct small_zone *zone, const struct dname *name, unsigned types)
{
    struct node *node = node_at(zone, name);
    if (node == NULL) {
        assert_true(zone->count < NODES_MAX);
        zone->nodes[zone->count] = (struct node) { *name, 0 };
        node = &zone->nodes[zone->count++];
    }
    node->types |= types;
}

static int compare_nodes(const void *a, const void *b)
{
    return dname_compare(&((const struct node *)a)->name, &((const struct node *)b)->name);
}

/* Names of up to three labels under the apex, shorter ones first. */
static size_t small_names(const char *labels, struct dname *names)
{
    size_t count = 0, begin = 0;
    names[count++] = name_of("e.");
    for (int depth = 0; depth < 3; depth++) {
        size_t end = count;
        for (; begin < end; begin++)
            for (const char *label = labels; *label != '\0'; label++)
                assert_int_equal(
                    dname_prepend((struct octets) { (const uint8_t *)label, 1 }, &names[begin], &names[count++]), OK);
    }
    return count;
}

static void make_zone(struct random *random, struct small_zone *zone)
{
    struct dname names[1 + 3 + 9 + 27];
    size_t count = small_names("ab*", names);
    *zone = (struct small_zone) { .apex = names[0] };
    add_node(zone, &names[0], HAS_SOA | HAS_NS);
    for (size_t i = 1; i < count; i++)
        if (random_below(random, 5) == 0 && !is_occluded(zone, &names[i]))
            add_node(zone, &names[i], random_types(random, &names[i]));
    for (size_t i = 1, end = zone->count; i < end; i++) /* empty non-terminals */
        for (struct dname above = zone->nodes[i].name; above.labels > zone->apex.labels; dname_parent(&above, &above))
            add_node(zone, &above, 0);
    qsort(zone->nodes, zone->count, sizeof(zone->nodes[0]), compare_nodes);
}

/* Only unsigned delegations stand there or below: opt-out leaves the name out (RFC 5155 section 7.1). */
static bool is_left_out(struct small_zone *zone, const struct node *node)
{
    for (size_t i = 0; i < zone->count; i++)
        if (dname_is_subdomain(&zone->nodes[i].name, &node->name) && zone->nodes[i].types != 0 &&
            zone->nodes[i].types != HAS_NS)
            return false;
    return true;
}

/* What is true (RFC 1034 section 4.3.2, RFC 4592). */
struct truth {
    bool name_error, no_data, insecure_delegation, expands;
    uint8_t encloser_labels;
    bool encloser_left_out; /* by opt-out: the wildcard is then looked for below another one */
};

static bool has_type(const struct node *node, uint16_t qtype)
{
    if (qtype == TYPE_ANY)
        return node->types != 0;
    for (size_t i = 0; i < ARRAY_LEN(type_bits); i++)
        if (type_bits[i].type == qtype && (node->types & type_bits[i].bit) != 0)
            return true;
    return false;
}

static struct truth truth_of(struct small_zone *zone, const struct dname *qname, uint16_t qtype)
{
    struct truth truth = { .encloser_labels = qname->labels };
    struct node *node = node_at(zone, qname);
    if (is_occluded(zone, qname))
        return truth;
    if (node != NULL) {
        bool is_cut = (node->types & (HAS_NS | HAS_SOA)) == HAS_NS, is_apex = (node->types & HAS_SOA) != 0;
        if (has_type(node, qtype) || (node->types & HAS_CNAME) != 0)
            return truth;
        truth.insecure_delegation = is_cut && qtype == TYPE_DS;
        truth.no_data = !is_cut && !(is_apex && qtype == TYPE_DS);
        return truth;
    }
    struct dname encloser = *qname, wildcard;
    while (node_at(zone, &encloser) == NULL)
        dname_parent(&encloser, &encloser);
    truth.expands = true;
    truth.encloser_labels = encloser.labels;
    truth.encloser_left_out = is_left_out(zone, node_at(zone, &encloser));
    assert_int_equal(dname_wildcard(&encloser, &wildcard), OK);
    node = node_at(zone, &wildcard);
    truth.name_error = node == NULL;
    truth.no_data = node != NULL && !has_type(node, qtype) && (node->types & HAS_CNAME) == 0;
    return truth;
}

static void put_bitmap(struct writer *w, unsigned types, bool nsec)
{
    uint8_t bits[8] = { 0 };
    for (size_t i = 0; i < ARRAY_LEN(type_bits); i++)
        if ((types & type_bits[i].bit) != 0)
            bits[type_bits[i].type / 8] |= (uint8_t)(0x80 >> type_bits[i].type % 8);
    if (nsec)
        bits[TYPE_NSEC / 8] |= 0x80 >> TYPE_NSEC % 8;
    if (nsec || types != 0)
        bits[TYPE_RRSIG / 8] |= 0x80 >> TYPE_RRSIG % 8;
    uint8_t len = sizeof(bits);
    while (len > 0 && bits[len - 1] == 0)
        len--;
    if (len == 0)
        return;
    writer_u8(w, 0);
    writer_u8(w, len);
    writer_octets_put(w, (struct octets) { bits, len });
}

static struct rrset *record(const struct dname *owner, uint16_t type, const struct writer *w)
{
    struct rrset *rrset = ARENA_NEW(arena, struct rrset);
    struct octets rdata = octets_copy(arena, writer_octets(w));
    *rrset = (struct rrset) { .owner = dname_copy(arena, owner),
                              .type = type,
                              .class = CLASS_IN,
                              .count = 1,
                              .ttl_s = 60,
                              .rdata = arena_copy(arena, &rdata, sizeof(rdata)) };
    return rrset;
}

static uint16_t nsec_chain(struct small_zone *zone, const struct rrset *sets[NODES_MAX])
{
    struct node *owners[NODES_MAX];
    uint16_t count = 0;
    for (size_t i = 0; i < zone->count; i++)
        if (zone->nodes[i].types != 0)
            owners[count++] = &zone->nodes[i];
    for (uint16_t i = 0; i < count; i++) {
        uint8_t buffer[DNAME_OCTETS_MAX + 16];
        struct writer w = writer_of(buffer, sizeof(buffer));
        writer_dname(&w, &owners[(i + 1) % count]->name);
        put_bitmap(&w, owners[i]->types, true);
        sets[i] = record(&owners[i]->name, TYPE_NSEC, &w);
    }
    return count;
}

struct hashed {
    uint8_t hash[NSEC3_HASH_OCTETS];
    const struct node *node;
};

static int compare_hashed(const void *a, const void *b)
{
    return memcmp(((const struct hashed *)a)->hash, ((const struct hashed *)b)->hash, NSEC3_HASH_OCTETS);
}

static void hash_label(const uint8_t *hash, const struct dname *zone, struct dname *owner)
{
    static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUV";
    uint8_t label[32];
    for (unsigned i = 0; i < 32; i++) {
        unsigned bit = 5 * i, two = (unsigned)hash[bit / 8] << 8 | (bit / 8 + 1 < 20 ? hash[bit / 8 + 1] : 0);
        label[i] = (uint8_t)digits[two >> (11 - bit % 8) & 31];
    }
    assert_int_equal(dname_prepend((struct octets) { label, sizeof(label) }, zone, owner), OK);
}

static const uint8_t salt[] = { 0xca, 0xfe };

static uint16_t nsec3_chain(struct small_zone *zone, uint16_t iterations, bool opt_out,
                            const struct rrset *sets[NODES_MAX])
{
    struct hashed hashed[NODES_MAX];
    uint16_t count = 0;
    for (size_t i = 0; i < zone->count; i++) {
        if (opt_out && is_left_out(zone, &zone->nodes[i]))
            continue;
        hashed[count].node = &zone->nodes[i];
        nsec3_hash(&zone->nodes[i].name, (struct octets) { salt, sizeof(salt) }, iterations, hashed[count++].hash);
    }
    qsort(hashed, count, sizeof(hashed[0]), compare_hashed);
    for (uint16_t i = 0; i < count; i++) {
        uint8_t buffer[128];
        struct dname owner;
        struct writer w = writer_of(buffer, sizeof(buffer));
        writer_u8(&w, 1);
        writer_u8(&w, opt_out ? NSEC3_OPT_OUT : 0);
        writer_u16(&w, iterations);
        writer_u8(&w, sizeof(salt));
        writer_octets_put(&w, (struct octets) { salt, sizeof(salt) });
        writer_u8(&w, NSEC3_HASH_OCTETS);
        writer_octets_put(&w, (struct octets) { hashed[(i + 1) % count].hash, NSEC3_HASH_OCTETS });
        put_bitmap(&w, hashed[i].node->types, false);
        hash_label(hashed[i].hash, &zone->apex, &owner);
        sets[i] = record(&owner, TYPE_NSEC3, &w);
    }
    return count;
}

static uint16_t random_subset(struct random *random, const struct rrset *sets[NODES_MAX], uint16_t count)
{
    uint16_t kept = 0;
    for (uint16_t i = 0; i < count; i++)
        if (random_below(random, 2) == 0)
            sets[kept++] = sets[i];
    return kept;
}

struct outcome {
    enum proof name_error, no_data, expansion;
};

static struct outcome ask(const struct denial *denial, const struct dname *qname, uint16_t qtype,
                          uint8_t encloser_labels)
{
    struct outcome outcome;
    struct budget budget = budget_full();
    outcome.name_error = denial_name_error(denial, qname, &budget);
    budget = budget_full();
    outcome.no_data = denial_no_data(denial, qname, qtype, &budget);
    budget = budget_full();
    outcome.expansion = denial_wildcard_expansion(denial, qname, encloser_labels, &budget);
    return outcome;
}

static enum proof expected_no_data(const struct truth *truth)
{
    return truth->insecure_delegation ? PROOF_INSECURE_DELEGATION : truth->no_data ? PROOF_GOOD : PROOF_NONE;
}

/* `complete`: every record of the chain was at hand.  With opt-out a proof may say less than the truth, never more. */
static void compare_with_truth(const struct outcome *outcome, const struct truth *truth, bool complete, bool opt_out)
{
    enum proof no_data = expected_no_data(truth);
    if (outcome->name_error == PROOF_GOOD)
        assert_true(truth->name_error);
    if (outcome->no_data == PROOF_GOOD || outcome->no_data == PROOF_INSECURE_DELEGATION)
        assert_int_equal(outcome->no_data, no_data);
    if (outcome->expansion == PROOF_GOOD)
        assert_true(truth->expands);
    if (!opt_out) {
        assert_int_not_equal(outcome->name_error, PROOF_OPT_OUT);
        assert_int_not_equal(outcome->no_data, PROOF_OPT_OUT);
    }
    if (!complete)
        return;
    if (truth->name_error && !(opt_out && truth->encloser_left_out))
        assert_true(outcome->name_error == PROOF_GOOD || (opt_out && outcome->name_error == PROOF_OPT_OUT));
    if (no_data != PROOF_NONE)
        assert_true(outcome->no_data == no_data || (opt_out && outcome->no_data == PROOF_OPT_OUT));
    if (truth->expands)
        assert_true(outcome->expansion == PROOF_GOOD || (opt_out && outcome->expansion == PROOF_OPT_OUT));
}

enum chain_kind { CHAIN_NSEC, CHAIN_NSEC3, CHAIN_NSEC3_OPT_OUT };

static void compare_zones(enum chain_kind kind, unsigned zones)
{
    static const uint16_t qtypes[] = { TYPE_A, TYPE_TXT, TYPE_MX, TYPE_DS, TYPE_ANY };
    struct random *random = random_seeded_new(5155);
    struct dname names[1 + 4 + 16 + 64];
    size_t name_count = small_names("abc*", names);
    for (unsigned n = 0; n < zones; n++) {
        struct small_zone zone;
        const struct rrset *sets[NODES_MAX];
        bool complete = n % 3 != 0, opt_out = kind == CHAIN_NSEC3_OPT_OUT;
        arena_reset(arena);
        make_zone(random, &zone);
        struct denial denial = { &zone.apex, sets, 0, 50 };
        denial.count = kind == CHAIN_NSEC ? nsec_chain(&zone, sets) : nsec3_chain(&zone, n % 3, opt_out, sets);
        if (denial.count > PROOF_RRSETS_MAX)
            continue;
        if (!complete)
            denial.count = random_subset(random, sets, denial.count);
        for (size_t i = 0; i < name_count; i++) {
            for (size_t t = 0; t < ARRAY_LEN(qtypes); t++) {
                struct truth truth = truth_of(&zone, &names[i], qtypes[t]);
                struct outcome outcome = ask(&denial, &names[i], qtypes[t], truth.encloser_labels);
                compare_with_truth(&outcome, &truth, complete, opt_out);
            }
        }
    }
    random_free(random);
}

/* RFC 4035 section 5.4, R4.2-b: proven if and only if it is true. */
static void nsec_says_what_is_true(void **state)
{
    (void)state;
    compare_zones(CHAIN_NSEC, 200);
}

/* RFC 5155 section 8 */
static void nsec3_says_what_is_true(void **state)
{
    (void)state;
    compare_zones(CHAIN_NSEC3, 100);
}

/* RFC 5155 section 9.2 */
static void opt_out_never_says_more_than_is_true(void **state)
{
    (void)state;
    compare_zones(CHAIN_NSEC3_OPT_OUT, 100);
}

/* No wildcard below another encloser passes for the right one: CVE-2026-11721 and its kin. */
static void expansion_wants_the_right_encloser(void **state)
{
    (void)state;
    struct random *random = random_seeded_new(4592);
    struct dname names[1 + 4 + 16 + 64];
    size_t name_count = small_names("abc*", names);
    for (unsigned n = 0; n < 100; n++) {
        struct small_zone zone;
        const struct rrset *sets[NODES_MAX];
        arena_reset(arena);
        make_zone(random, &zone);
        struct denial denial = { &zone.apex, sets, nsec_chain(&zone, sets), 50 };
        for (size_t i = 0; i < name_count; i++) {
            struct truth truth = truth_of(&zone, &names[i], TYPE_A);
            for (uint8_t labels = 0; labels <= names[i].labels; labels++) {
                struct budget budget = budget_full();
                enum proof proof = denial_wildcard_expansion(&denial, &names[i], labels, &budget);
                assert_int_equal(proof == PROOF_GOOD, truth.expands && labels == truth.encloser_labels);
            }
        }
    }
    random_free(random);
}

/* ---- NSEC3: which records count, and what they cost ---- */

struct nsec3_world {
    struct small_zone zone;
    const struct rrset *sets[NODES_MAX];
    struct denial denial;
    struct budget budget;
};

/* "e.", "a.e." and nothing else. */
static void two_names(struct nsec3_world *world, uint16_t iterations, uint16_t iterations_max)
{
    struct dname a = name_of("a.e.");
    *world = (struct nsec3_world) { .zone.apex = name_of("e."), .budget = budget_full() };
    add_node(&world->zone, &world->zone.apex, HAS_SOA | HAS_NS);
    add_node(&world->zone, &a, HAS_A);
    world->denial = (struct denial) { &world->zone.apex, world->sets,
                                      nsec3_chain(&world->zone, iterations, false, world->sets), iterations_max };
}

/* RFC 9276 section 3.2 */
static void too_many_iterations_prove_nothing_but_insecurity(void **state)
{
    (void)state;
    static const struct {
        uint16_t iterations, max;
        enum proof proof;
    } rows[] = { { 50, 50, PROOF_GOOD }, { 51, 50, PROOF_ITERATIONS }, { 150, 150, PROOF_GOOD }, { 0, 0, PROOF_GOOD } };
    struct dname qname = name_of("b.e.");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct nsec3_world world;
        two_names(&world, rows[i].iterations, rows[i].max);
        assert_int_equal(denial_name_error(&world.denial, &qname, &world.budget), rows[i].proof);
    }
}

/* A copy of the record in which one octet of the RDATA, or the owner, is another. */
static const struct rrset *altered(const struct rrset *set, size_t at, uint8_t value)
{
    struct rrset *copy = rrset_copy(arena, set);
    uint8_t *octets = arena_copy(arena, set->rdata[0].data, set->rdata[0].len);
    octets[at] = value;
    struct octets rdata = { octets, set->rdata[0].len };
    copy->rdata = arena_copy(arena, &rdata, sizeof(rdata));
    return copy;
}

/* RFC 5155 sections 8.1 and 8.2: unknown hash algorithms and flags; one chain at a time. */
static void odd_records_are_ignored(void **state)
{
    (void)state;
    static const struct {
        size_t at;
        uint8_t value;
    } rows[] = { { 0, 2 }, { 1, 0x80 }, { 1, 3 }, { 3, 1 }, { 5, 0x99 } }; /* hash, flags, flags, iterations, salt */
    struct dname qname = name_of("b.e.");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct nsec3_world world;
        two_names(&world, 0, 50);
        assert_int_equal(world.denial.count, 2);
        world.sets[1] = altered(world.sets[1], rows[i].at, rows[i].value);
        assert_int_equal(denial_name_error(&world.denial, &qname, &world.budget), PROOF_NONE);
    }
}

/* CVE-2026-10723: a record of another zone, whatever its hash; an owner of the wrong form. */
static void owner_is_a_hash_below_the_zone(void **state)
{
    (void)state;
    static const char *const owners[] = {
        "b5h2bmmdh1e3g6q4eft6m5d1slhqfs3n.x.e.", "x.b5h2bmmdh1e3g6q4eft6m5d1slhqfs3n.e.", "b5h2.e.",
        "b5h2bmmdh1e3g6q4eft6m5d1slhqfs3z.e.",   "b5h2bmmdh1e3g6q4eft6m5d1slhqfs3n.f.",   "e.",
    };
    struct dname qname = name_of("b.e.");
    for (size_t i = 0; i < ARRAY_LEN(owners); i++) {
        struct nsec3_world world;
        struct dname owner = name_of(owners[i]);
        two_names(&world, 0, 50);
        for (uint16_t n = 0; n < world.denial.count; n++) {
            struct rrset *copy = rrset_copy(arena, world.sets[n]);
            copy->owner = &owner;
            world.sets[n] = copy;
        }
        assert_int_equal(denial_name_error(&world.denial, &qname, &world.budget), PROOF_NONE);
        assert_int_equal(world.budget.hashes, NSEC3_HASHES_MAX);
    }
}

/* CVE-2023-50868: hashes come out of the query's budget, and of the turn. */
static void hashes_are_counted(void **state)
{
    (void)state;
    struct nsec3_world world;
    struct dname qname = name_of("a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.e.");
    two_names(&world, 50, 50);
    assert_int_equal(denial_name_error(&world.denial, &qname, &world.budget), PROOF_GOOD);
    assert_int_equal(NSEC3_HASHES_MAX - world.budget.hashes, 18); /* 17 names up to the apex, and the wildcard */
    world.budget.turn_hashes = 0;
    assert_int_equal(denial_name_error(&world.denial, &qname, &world.budget), PROOF_TURN);
    budget_new_turn(&world.budget);
    world.budget.hashes = 17;
    assert_int_equal(denial_name_error(&world.denial, &qname, &world.budget), PROOF_BUDGET);
    assert_string_equal(world.budget.spent, "hashes");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_case),
        cmocka_unit_test(every_expansion),
        cmocka_unit_test(nsec_says_what_is_true),
        cmocka_unit_test(nsec3_says_what_is_true),
        cmocka_unit_test(opt_out_never_says_more_than_is_true),
        cmocka_unit_test(expansion_wants_the_right_encloser),
        cmocka_unit_test(too_many_iterations_prove_nothing_but_insecurity),
        cmocka_unit_test(odd_records_are_ignored),
        cmocka_unit_test(owner_is_a_hash_below_the_zone),
        cmocka_unit_test(hashes_are_counted),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
