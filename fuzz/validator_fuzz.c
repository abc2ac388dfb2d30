/* The judge, with every signature of algorithm 13 good and every digest of type 2 zeros: what lies behind the checks is
 * reached.  Input: an octet that chooses the kind of answer, then records; the first RRset is asked for, the others are
 * facts and proofs.  Each judgement ends, asks for nothing twice, stays within the budget, and lets nothing unverified
 * stand in a Secure answer.  The same records in another order, letter case and message give the same verdict. */
#include <assert.h>

#include "base/hash.h"
#include "fuzz/records.h"
#include "fuzz/retold.h"
#include "validator/validator.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FACTS_MAX = 400, CALLS_MAX = 2000, NOW_S = 1795000000 };
enum { NEVER_GOOD = 0xff, GOOD_BY_DATA = 0xfe }; /* first octet of a signature */

/* A signature that is good by the data: what is signed must be the same octets in whatever order records come. */
static bool is_good(struct octets signed_data, struct octets signature)
{
    if (signature.len == 0)
        return true;
    if (signature.data[0] == GOOD_BY_DATA)
        return hash_octets(signed_data, 0) & 1;
    return signature.data[0] != NEVER_GOOD;
}

static enum signature_check mostly_good(struct verifier *verifier, const struct algorithm *algorithm, struct octets key,
                                        struct octets signed_data, struct octets signature)
{
    (void)verifier, (void)algorithm;
    return key.len > 0 && key.data[0] == 0 && is_good(signed_data, signature) ? SIGNATURE_GOOD : SIGNATURE_BAD;
}

static void zeros(struct octets data, uint8_t *digest)
{
    (void)data;
    memset(digest, 0, 32);
}

static const struct algorithm good_algorithm = { .number = 13, .mnemonic = "GOOD", .check = mostly_good };
static const struct digest good_digest = { .number = 2, .mnemonic = "ZEROS", .octets = 32, .compute = zeros };

struct world {
    struct arena *arena;
    struct rrset_list sets;
    struct answer *facts[FACTS_MAX];
    unsigned fact_count;
};

static void put_proofs(struct world *world, struct answer *answer)
{
    answer->proofs.items = ARENA_ARRAY(world->arena, world->sets.count, struct rrset *);
    for (uint16_t i = 0; i < world->sets.count; i++) {
        uint16_t type = world->sets.items[i]->type;
        if (world->sets.items[i]->count > 0 && (type == TYPE_NSEC || type == TYPE_NSEC3 || type == TYPE_SOA))
            answer->proofs.items[answer->proofs.count++] = world->sets.items[i];
    }
}

static struct answer *make_answer(struct world *world, const struct dname *name, uint16_t type, enum answer_kind kind,
                                  struct rrset *rrset)
{
    struct answer *answer = ARENA_NEW(world->arena, struct answer);
    answer->question = (struct question) { *name, type, CLASS_IN };
    answer->kind = kind;
    if (kind == ANSWER_DATA || kind == ANSWER_CNAME || kind == ANSWER_DNAME) {
        answer->rrsets.items = ARENA_NEW(world->arena, struct rrset *);
        answer->rrsets.items[0] = rrset;
        answer->rrsets.count = 1;
    }
    put_proofs(world, answer);
    return answer;
}

/* What servers that know nothing but the input's records would say. */
static struct answer *make_fact(struct world *world, const struct dname *name, uint16_t type)
{
    struct rrset *set = rrset_list_find(&world->sets, name, type);
    if (set != NULL && set->count > 0)
        return make_answer(world, name, type, ANSWER_DATA, set);
    set = rrset_list_find(&world->sets, name, TYPE_CNAME);
    if (set != NULL && set->count > 0)
        return make_answer(world, name, type, ANSWER_CNAME, set);
    set = rrset_list_find(&world->sets, name, TYPE_TXT); /* says that the name exists */
    return make_answer(world, name, type, set != NULL ? ANSWER_NODATA : ANSWER_NXDOMAIN, NULL);
}

static struct answer *known(const struct world *world, const struct dname *name, uint16_t type)
{
    for (unsigned i = 0; i < world->fact_count; i++)
        if (world->facts[i]->question.qtype == type && dname_equal(&world->facts[i]->question.qname, name))
            return world->facts[i];
    return NULL;
}

static enum fact find(void *context, const struct dname *name, uint16_t type, struct answer **answer,
                      struct fact_failure *failure)
{
    const struct world *world = context;
    struct rrset *gone = rrset_list_find(&world->sets, name, TYPE_MX); /* says that nobody answers */
    assert(type == TYPE_DS || type == TYPE_DNSKEY);
    *failure = (struct fact_failure) { EDE_NETWORK_ERROR, "gone" };
    *answer = known(world, name, type);
    return gone != NULL && gone->count > 0 ? FACT_FAILED : *answer == NULL ? FACT_MISSING : FACT_KNOWN;
}

static bool next_cut(void *context, const struct dname *above, const struct dname *name, struct dname *cut)
{
    const struct world *world = context;
    bool found = false;
    for (uint16_t i = 0; i < world->sets.count; i++) {
        const struct rrset *set = world->sets.items[i];
        if (set->type == TYPE_NS && dname_is_below(set->owner, above) && dname_is_subdomain(name, set->owner) &&
            (!found || set->owner->labels < cut->labels)) {
            *cut = *set->owner;
            found = true;
        }
    }
    return found;
}

static void add_anchor(struct trust *trust)
{
    static const uint8_t rdata[] = { 1, 1, 3, 13, 0, 0, 0 };
    struct anchor anchor = { .zone = *dname_root(),
                             .type = TYPE_DNSKEY,
                             .rdata = { rdata, sizeof(rdata) },
                             .valid_from_s = INT64_MIN,
                             .valid_until_s = INT64_MAX };
    enum err err = trust_add_anchor(trust, &anchor);
    assert(err == OK);
    (void)err;
}

static void check_verdict(const struct answer *answer)
{
    const struct verdict *verdict = &answer->verdict;
    assert(verdict->security != UNCHECKED && verdict->site != NULL);
    assert(memchr(verdict->text, '\0', sizeof(verdict->text)) != NULL);
    assert(verdict->security != BOGUS || verdict->ede != EDE_NONE);
    assert(verdict->security != SECURE || (verdict->lineage.count > 0 && verdict->valid_until_s >= NOW_S));
    for (uint16_t i = 0; verdict->security == SECURE && i < answer->proofs.count; i++)
        assert(answer->proofs.items[i]->sig_count > 0);
}

/* That remembers nothing. */
static struct verifier *new_verifier(void)
{
    static struct verifier *verifier;
    if (verifier == NULL)
        verifier = verifier_new();
    verifier_forget(verifier);
    return verifier;
}

/* false: the budget was spent, or so much of it that proofs may have been left out (WORK_BESIDE_PROOFS). */
static bool judge(struct world *world, struct answer *answer, struct trust *trust)
{
    struct crypto_policy policy = { .algorithms[13] = &good_algorithm,
                                    .digests[2] = &good_digest,
                                    .nsec3_iterations = NSEC3_ITERATIONS_DEFAULT };
    const struct facts facts = { world, find, next_cut };
    struct budget budget = budget_full();
    struct validation validation = {
        .arena = world->arena,
        .memo = validation_memo_new(world->arena),
        .budget = &budget,
        .verifier = new_verifier(),
        .policy = &policy,
        .trust = trust,
        .now = { .wall_ms = NOW_S * INT64_C(1000), .wall_is_fit = true },
        .facts = &facts,
        .explain = true,
    };
    struct dname name;
    uint16_t type;
    for (unsigned calls = 0;; calls++) {
        enum judgement judgement = validator_judge(&validation, answer, &name, &type);
        assert(calls < CALLS_MAX);
        if (judgement == JUDGED)
            break;
        if (judgement == JUDGE_TURN) {
            assert(budget_turn_is_over(&budget));
            budget_new_turn(&budget);
            continue;
        }
        assert(known(world, &name, type) == NULL && world->fact_count < FACTS_MAX);
        world->facts[world->fact_count++] = make_fact(world, &name, type);
    }
    check_verdict(answer);
    return budget.spent == NULL && budget.signature_work > SIGNATURE_WORK_MAX / 2;
}

/* Where all that is there is looked at, it does not matter what is looked at first. */
static bool is_within_limits(const struct rrset_list *sets)
{
    enum { KEYS_MAX = 4, SIGS_MAX = RRSIG_CHECKS_PER_RRSET_MAX / KEYS_MAX, DS_MAX = DS_PER_ZONE_MAX / KEYS_MAX };
    unsigned proofs = 0;
    for (uint16_t i = 0; i < sets->count; i++) {
        const struct rrset *set = sets->items[i];
        proofs += set->type == TYPE_NSEC || set->type == TYPE_NSEC3;
        if (set->sig_count > SIGS_MAX || set->count > (set->type == TYPE_DNSKEY ? KEYS_MAX : DS_MAX))
            return false;
    }
    return proofs <= PROOF_RRSETS_MAX;
}

static void judge_retold(const struct world *world, const struct question *question, enum answer_kind kind,
                         const struct verdict *verdict, uint64_t seed, struct trust *trust)
{
    struct random *random = random_seeded_new(seed);
    struct world retold = { .arena = world->arena };
    if (sets_retell(random, world->arena, &world->sets, &retold.sets)) {
        struct rrset *first = rrset_list_find(&retold.sets, &question->qname, question->qtype);
        struct answer *answer = make_answer(&retold, &question->qname, question->qtype, kind, first);
        if (judge(&retold, answer, trust))
            assert(answer->verdict.security == verdict->security);
    }
    random_free(random);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_new();
    struct world world = { .arena = arena };
    if (size > 1 && size <= 16384) {
        enum answer_kind kind = data[0] % 5;
        world.sets = records_read(arena, data + 1, size - 1);
        if (world.sets.count > 0) {
            struct trust *trust = trust_new();
            struct rrset *first = world.sets.items[0];
            struct answer *answer = make_answer(&world, first->owner, first->type, kind, first);
            bool is_comparable = is_within_limits(&world.sets);
            add_anchor(trust);
            if (judge(&world, answer, trust) && is_comparable)
                judge_retold(&world, &answer->question, kind, &answer->verdict,
                             hash_octets((struct octets) { data, size }, 0), trust);
            trust_free(trust);
        }
    }
    arena_free(arena);
    return 0;
}
