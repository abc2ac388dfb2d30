/* Proofs of absence beside the truth: over a small zone made of the input, with its NSEC and NSEC3 chains, the proof
 * functions get any part of the chains.  What they say is what the zone says if the records that the RFCs want for it
 * are among them, and that nothing is proven if one is missing. */
#include <assert.h>

#include "fuzz/small_zone.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { QUESTIONS_MAX = 1, ITERATIONS_MAX = 2 };

/* Records by number: NSEC first, NSEC3 behind. */
typedef uint64_t record_set;
_Static_assert(2 * CHAIN_MAX <= 64, "a bit for each record");

/* What one kind of chain proves, and which of its records that takes. */
struct expected {
    enum proof proof;
    record_set needs;
};
static const struct expected nothing = { PROOF_NONE, 0 };

static record_set own(const struct small_zone *zone, int node)
{
    return (record_set)1 << record_of(zone->nsec, zone->nsec_count, node);
}

static record_set cover(const struct small_zone *zone, int node)
{
    return (record_set)1 << nsec_cover(zone, node);
}

static record_set own3(const struct small_zone *zone, int node)
{
    return (record_set)1 << (CHAIN_MAX + record_of(zone->nsec3, zone->nsec3_count, node));
}

static record_set cover3(struct small_zone *zone, int node)
{
    return (record_set)1 << (CHAIN_MAX + nsec3_cover(zone, node));
}

static bool is_opt_out(struct small_zone *zone, int node)
{
    return zone->nsec3[nsec3_cover(zone, node)].opt_out;
}

/* ---- what the zone says ---- */

static struct expected nsec_name_error_of(const struct small_zone *zone, int qname)
{
    int wildcard = node_child(encloser_of(zone->exists, qname), STAR);
    if (zone->exists[qname] || zone->is_elsewhere[qname] || zone->exists[wildcard])
        return nothing;
    return (struct expected) { PROOF_GOOD, cover(zone, qname) | cover(zone, wildcard) };
}

static struct expected nsec_no_data_of(const struct small_zone *zone, int qname, uint16_t qtype)
{
    if (zone->is_elsewhere[qname])
        return nothing;
    if (has_data(zone, qname))
        return (struct expected) { no_such_type(zone->types[qname], qtype), own(zone, qname) };
    if (zone->exists[qname])
        return (struct expected) { PROOF_GOOD, cover(zone, qname) };
    int wildcard = node_child(encloser_of(zone->exists, qname), STAR);
    if (has_data(zone, wildcard))
        return (struct expected) { no_such_type_at_wildcard(zone->types[wildcard], qtype),
                                   cover(zone, qname) | own(zone, wildcard) };
    if (zone->exists[wildcard])
        return (struct expected) { PROOF_GOOD, cover(zone, qname) | cover(zone, wildcard) };
    return nothing;
}

static struct expected nsec_expansion_of(const struct small_zone *zone, int qname, int encloser)
{
    if (zone->exists[qname] || zone->is_elsewhere[qname] || encloser_of(zone->exists, qname) != encloser)
        return nothing;
    return (struct expected) { PROOF_GOOD, cover(zone, qname) };
}

/* RFC 5155 section 8.3: the records that show the closest encloser of a name without an NSEC3.  None if it is somebody
 * else's to say what stands below that. */
static record_set encloser_proof(struct small_zone *zone, int qname, int *encloser, int *next_closer)
{
    *encloser = encloser_of(zone->is_hashed, qname);
    *next_closer = node_towards(*encloser, qname);
    if (has_data(zone, *encloser) && ends_authority(zone->types[*encloser]))
        return 0;
    return own3(zone, *encloser) | cover3(zone, *next_closer);
}

/* RFC 5155 section 8.4 */
static struct expected nsec3_name_error_of(struct small_zone *zone, int qname)
{
    int encloser, next_closer;
    if (zone->is_hashed[qname])
        return nothing;
    record_set needs = encloser_proof(zone, qname, &encloser, &next_closer);
    int wildcard = node_child(encloser, STAR);
    if (needs == 0 || zone->is_hashed[wildcard])
        return nothing;
    assert(is_opt_out(zone, next_closer) || (!zone->exists[qname] && !zone->is_elsewhere[qname]));
    return (struct expected) { is_opt_out(zone, next_closer) ? PROOF_OPT_OUT : PROOF_GOOD,
                               needs | cover3(zone, wildcard) };
}

/* RFC 5155 sections 8.5 to 8.7 */
static struct expected nsec3_no_data_of(struct small_zone *zone, int qname, uint16_t qtype)
{
    int encloser, next_closer;
    if (zone->is_hashed[qname])
        return (struct expected) { no_such_type(has_data(zone, qname) ? zone->types[qname] : 0, qtype),
                                   own3(zone, qname) };
    record_set needs = encloser_proof(zone, qname, &encloser, &next_closer);
    int wildcard = node_child(encloser, STAR);
    if (needs == 0)
        return nothing;
    if (is_opt_out(zone, next_closer))
        return (struct expected) { PROOF_OPT_OUT, needs };
    if (!zone->is_hashed[wildcard])
        return nothing;
    return (struct expected) { no_such_type_at_wildcard(has_data(zone, wildcard) ? zone->types[wildcard] : 0, qtype),
                               needs | own3(zone, wildcard) };
}

/* RFC 5155 section 8.8: the signature has shown that the encloser exists. */
static struct expected nsec3_expansion_of(struct small_zone *zone, int qname, int encloser)
{
    int next_closer = node_towards(encloser, qname);
    if (zone->is_hashed[next_closer])
        return nothing;
    return (struct expected) { is_opt_out(zone, next_closer) ? PROOF_OPT_OUT : PROOF_GOOD, cover3(zone, next_closer) };
}

/* ---- what the validator says ---- */

enum kind { NAME_ERROR, NO_DATA, EXPANSION };

struct question_of_zone {
    enum kind kind;
    int qname;
    uint16_t qtype; /* NO_DATA */
    int encloser;   /* EXPANSION */
    struct expected nsec, nsec3;
};

static struct question_of_zone ask(struct small_zone *zone, enum kind kind, int qname, uint16_t qtype, int encloser)
{
    struct question_of_zone question = { kind, qname, qtype, encloser, nothing, nothing };
    switch (kind) {
    case NAME_ERROR:
        question.nsec = nsec_name_error_of(zone, qname);
        question.nsec3 = nsec3_name_error_of(zone, qname);
        break;
    case NO_DATA:
        question.nsec = nsec_no_data_of(zone, qname, qtype);
        question.nsec3 = nsec3_no_data_of(zone, qname, qtype);
        break;
    case EXPANSION:
        question.nsec = nsec_expansion_of(zone, qname, encloser);
        question.nsec3 = nsec3_expansion_of(zone, qname, encloser);
        break;
    }
    return question;
}

static enum proof prove(const struct denial *denial, const struct small_zone *zone,
                        const struct question_of_zone *question)
{
    struct budget budget = budget_full();
    const struct dname *qname = &zone->names[question->qname];
    switch (question->kind) {
    case NAME_ERROR:
        return denial_name_error(denial, qname, &budget);
    case NO_DATA:
        return denial_no_data(denial, qname, question->qtype, &budget);
    case EXPANSION:
        return denial_wildcard_expansion(denial, qname, zone->names[question->encloser].labels, &budget);
    }
    return PROOF_NONE;
}

static enum proof proof_out_of(const struct expected *expected, record_set given)
{
    return (expected->needs & ~given) == 0 ? expected->proof : PROOF_NONE;
}

static enum proof expected_out_of(const struct small_zone *zone, const struct question_of_zone *question,
                                  record_set given)
{
    enum proof proof = proof_out_of(&question->nsec, given);
    if (proof != PROOF_NONE)
        return proof;
    if (zone->iterations > ITERATIONS_MAX && given >> CHAIN_MAX != 0)
        return PROOF_ITERATIONS;
    return proof_out_of(&question->nsec3, given);
}

static const struct chain_record *record_number(const struct small_zone *zone, unsigned number)
{
    if (number < zone->nsec_count)
        return &zone->nsec[number];
    return number >= CHAIN_MAX && number < CHAIN_MAX + zone->nsec3_count ? &zone->nsec3[number - CHAIN_MAX] : NULL;
}

/* The wanted records, as many as are looked at, beginning with number `first`. */
static void check(const struct small_zone *zone, const struct question_of_zone *question, record_set wanted,
                  unsigned first)
{
    const struct rrset *sets[PROOF_RRSETS_MAX];
    struct denial denial = { &zone->names[APEX], sets, 0, ITERATIONS_MAX };
    record_set given = 0;
    for (unsigned i = 0; i < 2 * CHAIN_MAX && denial.count < PROOF_RRSETS_MAX; i++) {
        unsigned number = (first + i) % (2 * CHAIN_MAX);
        const struct chain_record *record = record_number(zone, number);
        if (record == NULL || (wanted >> number & 1) == 0)
            continue;
        sets[denial.count++] = record->rrset;
        given |= (record_set)1 << number;
    }
    assert(prove(&denial, zone, question) == expected_out_of(zone, question, given));
}

/* With any records; with those that it takes and no others; without one of them. */
static void check_all(const struct small_zone *zone, const struct question_of_zone *question, record_set wanted,
                      unsigned first)
{
    const struct expected *const both[] = { &question->nsec, &question->nsec3 };
    check(zone, question, wanted, first);
    for (size_t i = 0; i < ARRAY_LEN(both); i++) {
        record_set needs = both[i]->needs;
        check(zone, question, needs, first);
        check(zone, question, (wanted | needs) & ~(needs & -needs), first);
        check(zone, question, needs & (needs - 1), first);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint16_t types[] = { TYPE_A, TYPE_DS, TYPE_TXT, TYPE_ANY, TYPE_NS, TYPE_SOA, TYPE_CNAME, TYPE_DNAME };
    struct reader input = reader_of(data, size);
    struct arena *arena = arena_new();
    struct small_zone *zone = zone_read(&input, arena);
    assert(zone->nsec_count > 0 && zone->nsec_count <= CHAIN_MAX && zone->nsec3_count <= CHAIN_MAX);
    for (unsigned i = 0; i < QUESTIONS_MAX && reader_left(&input) > 0; i++) {
        int qname = reader_u8(&input) % NODES;
        unsigned first = reader_u8(&input);
        uint16_t qtype = types[first % ARRAY_LEN(types)];
        record_set wanted = (record_set)reader_u32(&input) << CHAIN_MAX;
        wanted ^= reader_u32(&input);
        struct question_of_zone question = ask(zone, NAME_ERROR, qname, 0, NO_NODE);
        check_all(zone, &question, wanted, first);
        question = ask(zone, NO_DATA, qname, qtype, NO_NODE);
        check_all(zone, &question, wanted, first);
        for (int above = qname; above != APEX;) {
            above = node_parent(above);
            if (!has_data(zone, node_child(above, STAR)))
                continue; /* no signature is expanded from there */
            question = ask(zone, EXPANSION, qname, 0, above);
            check_all(zone, &question, wanted, first);
        }
    }
    arena_free(arena);
    return 0;
}
