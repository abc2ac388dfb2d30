/* NSEC3: RFC 5155 section 8, RFC 9276. */
#include "crypto/verify.h"
#include "message/coding.h"
#include "validator/proofs.h"

enum { NSEC3_SHA1 = 1, NSEC3_LABEL_OCTETS = 32 }; /* 20 octets in base32hex */

struct hash {
    uint8_t octets[NSEC3_HASH_OCTETS];
};

struct span {
    struct hash owner, next;
    bool opt_out;
    struct octets bitmap;
};

/* The records of one chain: the same salt and iterations (RFC 5155 section 8.2). */
struct chain {
    const struct dname *zone;
    struct budget *budget;
    struct octets salt;
    uint16_t iterations;
    uint16_t count;
    struct span spans[PROOF_RRSETS_MAX];
};

static int compare(const struct hash *a, const struct hash *b)
{
    return memcmp(a->octets, b->octets, NSEC3_HASH_OCTETS);
}

/* "<hash>.<zone>" with exactly one label before the zone. */
static bool owner_hash(const struct dname *owner, const struct dname *zone, struct hash *hash)
{
    if (owner->labels != zone->labels + 1 || !dname_is_below(owner, zone))
        return false;
    struct octets label = dname_label(owner, 0);
    struct writer w = writer_of(hash->octets, NSEC3_HASH_OCTETS);
    return label.len == NSEC3_LABEL_OCTETS && base32hex_decode(label, &w) && !w.failed && w.len == NSEC3_HASH_OCTETS;
}

/* False: not a record that could prove anything; unknown hashes and flags are ignored (RFC 5155 sections 8.1, 8.2). */
static bool record_read(const struct denial *denial, uint16_t i, struct nsec3 *record, struct span *span)
{
    const struct rrset *set = denial->sets[i];
    if (set->type != TYPE_NSEC3 || set->count != 1 || !owner_hash(set->owner, denial->zone, &span->owner) ||
        nsec3_read(set->rdata[0], record) != OK)
        return false;
    if (record->hash_algorithm != NSEC3_SHA1 || (record->flags & ~NSEC3_OPT_OUT) != 0 ||
        record->next.len != NSEC3_HASH_OCTETS)
        return false;
    memcpy(span->next.octets, record->next.data, NSEC3_HASH_OCTETS);
    span->opt_out = record->flags & NSEC3_OPT_OUT;
    span->bitmap = record->bitmap;
    return true;
}

/* PROOF_GOOD: there is a chain to look at. */
static enum proof chain_read(const struct denial *denial, struct budget *budget, struct chain *chain)
{
    bool too_costly = false;
    *chain = (struct chain) { .zone = denial->zone, .budget = budget };
    for (uint16_t i = 0; i < denial->count && chain->count < PROOF_RRSETS_MAX; i++) {
        struct nsec3 record;
        struct span *span = &chain->spans[chain->count];
        if (!record_read(denial, i, &record, span))
            continue;
        if (record.iterations > denial->iterations_max) {
            too_costly = true;
            continue;
        }
        if (chain->count == 0) {
            chain->salt = record.salt;
            chain->iterations = record.iterations;
        }
        if (record.iterations == chain->iterations && octets_equal(record.salt, chain->salt))
            chain->count++;
    }
    if (chain->count == 0)
        return too_costly ? PROOF_ITERATIONS : PROOF_NONE;
    return budget_turn_is_over(budget) ? PROOF_TURN : PROOF_GOOD;
}

uint16_t denial_hash_cost(struct octets salt, uint16_t iterations)
{
    enum { SHA1_BLOCK_OCTETS = 64, SHA1_PADDING_OCTETS = 9 };
    size_t octets = NSEC3_HASH_OCTETS + salt.len + SHA1_PADDING_OCTETS;
    size_t blocks = (octets + SHA1_BLOCK_OCTETS - 1) / SHA1_BLOCK_OCTETS;
    size_t cost = iterations * blocks / NSEC3_ITERATIONS_DEFAULT;
    return cost > 0 ? (uint16_t)cost : 1;
}

static bool chain_hash(const struct chain *chain, const struct dname *name, struct hash *hash)
{
    if (!budget_take_hashes(chain->budget, denial_hash_cost(chain->salt, chain->iterations)))
        return false;
    nsec3_hash(name, chain->salt, chain->iterations, hash->octets);
    return true;
}

static const struct span *chain_match(const struct chain *chain, const struct hash *hash)
{
    for (uint16_t i = 0; i < chain->count; i++)
        if (compare(&chain->spans[i].owner, hash) == 0)
            return &chain->spans[i];
    return NULL;
}

/* The last one of a chain leads back to the first. */
static bool span_covers(const struct span *span, const struct hash *hash)
{
    bool behind_owner = compare(&span->owner, hash) < 0, before_next = compare(hash, &span->next) < 0;
    if (compare(&span->owner, &span->next) < 0)
        return behind_owner && before_next;
    return behind_owner || before_next;
}

static const struct span *chain_cover(const struct chain *chain, const struct hash *hash)
{
    for (uint16_t i = 0; i < chain->count; i++)
        if (span_covers(&chain->spans[i], hash))
            return &chain->spans[i];
    return NULL;
}

struct encloser {
    const struct span *match; /* at the closest encloser; NULL: no proof */
    const struct span *cover; /* of the next closer name; NULL if the encloser is qname itself, or no proof */
    uint8_t labels;
};

/* RFC 5155 section 8.3, from qname upwards: the first ancestor that matches, and the name before it is covered.
 * PROOF_GOOD also when nothing is proven: match or cover tell. */
static enum proof find_encloser(const struct chain *chain, const struct dname *qname, struct encloser *encloser)
{
    struct hash hash, next_closer = { { 0 } };
    struct dname name;
    *encloser = (struct encloser) { NULL, NULL, qname->labels };
    for (;; encloser->labels--, next_closer = hash) {
        dname_suffix(qname, encloser->labels, &name);
        if (!chain_hash(chain, &name, &hash))
            return PROOF_BUDGET;
        encloser->match = chain_match(chain, &hash);
        if (encloser->match != NULL || encloser->labels == chain->zone->labels)
            break;
    }
    bool is_qname = encloser->labels == qname->labels;
    if (encloser->match != NULL && !is_qname && !bitmap_ends_authority(encloser->match->bitmap))
        encloser->cover = chain_cover(chain, &next_closer);
    return PROOF_GOOD;
}

/* What every proof about qname itself begins with. */
static enum proof read_encloser(const struct denial *denial, const struct dname *qname, struct budget *budget,
                                struct chain *chain, struct encloser *encloser)
{
    enum proof proof = chain_read(denial, budget, chain);
    return proof == PROOF_GOOD ? find_encloser(chain, qname, encloser) : proof;
}

static bool wildcard_hash(const struct chain *chain, const struct dname *qname, uint8_t encloser_labels,
                          struct dname *wildcard, struct hash *hash, enum proof *proof)
{
    dname_suffix(qname, encloser_labels, wildcard);
    *proof = PROOF_NONE;
    if (dname_wildcard(wildcard, wildcard) != OK)
        return false;
    *proof = PROOF_BUDGET;
    return chain_hash(chain, wildcard, hash);
}

enum proof nsec3_name_error(const struct denial *denial, const struct dname *qname, struct budget *budget)
{
    struct chain chain;
    struct encloser encloser;
    struct dname wildcard;
    struct hash hash;
    enum proof proof = read_encloser(denial, qname, budget, &chain, &encloser);
    if (proof != PROOF_GOOD)
        return proof;
    if (encloser.match != NULL && encloser.labels == qname->labels)
        return bitmap_has(encloser.match->bitmap, TYPE_NXNAME) ? PROOF_NXNAME : PROOF_NONE;
    if (encloser.cover == NULL)
        return PROOF_NONE;
    if (!wildcard_hash(&chain, qname, encloser.labels, &wildcard, &hash, &proof)) /* RFC 5155 section 8.4 */
        return proof;
    if (chain_cover(&chain, &hash) == NULL)
        return PROOF_NONE;
    return encloser.cover->opt_out ? PROOF_OPT_OUT : PROOF_GOOD;
}

enum proof nsec3_no_data(const struct denial *denial, const struct dname *qname, uint16_t qtype, struct budget *budget)
{
    struct chain chain;
    struct encloser encloser;
    struct dname wildcard;
    struct hash hash;
    enum proof proof = read_encloser(denial, qname, budget, &chain, &encloser);
    if (proof != PROOF_GOOD)
        return proof;
    if (encloser.match != NULL && encloser.labels == qname->labels) /* RFC 5155 sections 8.5, 8.6 */
        return bitmap_no_data(encloser.match->bitmap, qname, qtype);
    if (encloser.cover == NULL)
        return PROOF_NONE;
    /* RFC 5155 section 8.6 for DS.  For other types: an empty non-terminal above unsigned delegations alone may lack an
     * NSEC3 of its own (RFC 5155 section 7.1). */
    if (encloser.cover->opt_out)
        return PROOF_OPT_OUT;
    if (!wildcard_hash(&chain, qname, encloser.labels, &wildcard, &hash, &proof)) /* RFC 5155 section 8.7 */
        return proof;
    const struct span *match = chain_match(&chain, &hash);
    return match == NULL ? PROOF_NONE : bitmap_no_data_at_wildcard(match->bitmap, &wildcard, qtype);
}

/* RFC 5155 section 8.8 */
enum proof nsec3_wildcard_expansion(const struct denial *denial, const struct dname *qname, uint8_t encloser_labels,
                                    struct budget *budget)
{
    struct chain chain;
    struct dname next_closer;
    struct hash hash;
    enum proof proof = chain_read(denial, budget, &chain);
    if (proof != PROOF_GOOD)
        return proof;
    dname_suffix(qname, (uint8_t)(encloser_labels + 1), &next_closer);
    if (!chain_hash(&chain, &next_closer, &hash))
        return PROOF_BUDGET;
    const struct span *cover = chain_cover(&chain, &hash);
    if (cover == NULL)
        return PROOF_NONE;
    return cover->opt_out ? PROOF_OPT_OUT : PROOF_GOOD;
}
