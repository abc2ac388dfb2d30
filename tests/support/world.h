/* For tests: a small signed world and its resolver's side, in memory.  Zones with one key each, names of a few zones;
 * each question is answered as an authoritative server would, and what the validator asks for is brought one by one. */
#ifndef TESTS_SUPPORT_WORLD_H
#define TESTS_SUPPORT_WORLD_H

#include "tests/support/signer.h"
#include "validator/validator.h"

enum { WORLD_SETS_MAX = 48, WORLD_ZONES_MAX = 140, WORLD_ASKED_MAX = 300, WORLD_SPECIALS_MAX = 16 };

struct world_zone {
    struct dname name;
    struct signer *key;                 /* NULL: not signed */
    struct rrset *sets[WORLD_SETS_MAX]; /* signed; NSEC, NSEC3 and SOA too */
    uint16_t count;
    struct rrset *ds; /* at the parent, signed by it; NULL: none */
};

struct world_special { /* what is answered to one question instead */
    struct question question;
    struct answer *answer; /* NULL: cannot be had */
    struct fact_failure failure;
};

struct world {
    struct arena *arena;
    int64_t now_s;
    struct world_zone *zones[WORLD_ZONES_MAX];
    uint16_t zone_count;
    struct world_special specials[WORLD_SPECIALS_MAX];
    uint16_t special_count;
    struct dname cuts[WORLD_ZONES_MAX]; /* what delegations hint at */
    uint16_t cut_count;
    struct trust *trust;
    struct crypto_policy policy;
    struct verifier *verifier;
    /* of the last judgement */
    struct budget budget;
    struct answer *brought[WORLD_ASKED_MAX];
    char *asked[WORLD_ASKED_MAX]; /* "DS example." in order */
    uint16_t asked_count;
    unsigned turns;
    bool explain;
};

struct world *world_new(int64_t now_s); /* the root zone, signed, and an anchor for its key */
void world_free(struct world *world);

/* algorithm 0: not signed and without DS.  The zone above exists already. */
struct world_zone *world_add_zone(struct world *world, const char *name, uint8_t algorithm);
struct world_zone *world_zone(struct world *world, const char *name);
/* One RRset in master-file text, signed by the zone's key. */
struct rrset *world_add(struct world *world, struct world_zone *zone, const char *text);
/* Signs again with the zone's key, honestly or with these fields. */
void world_sign(struct world *world, const struct world_zone *zone, struct rrset *rrset);
void world_sign_as(struct world *world, const struct world_zone *zone, struct rrset *rrset, const struct rrsig *fields);
struct rrsig world_fields(struct world *world, const struct world_zone *zone, const struct rrset *rrset);
/* The zone's DS set from these RDATA, signed by the zone above. */
void world_set_ds(struct world *world, struct world_zone *zone, const struct octets *rdata, uint16_t count);
struct rrset *world_set(struct world *world, const char *owner, uint16_t type);

/* The answer of the world's servers, not judged. */
struct answer *world_answer(struct world *world, const char *qname, uint16_t qtype);
struct answer *world_new_answer(struct world *world, const char *qname, uint16_t qtype, enum answer_kind kind);
void world_put(struct world *world, struct rrset_list *list, const struct rrset *rrset);
/* All NSEC or NSEC3 RRsets and the SOA of the zone, into the proofs. */
void world_put_denial(struct world *world, struct answer *answer, const char *zone);
void world_answer_with(struct world *world, const char *qname, uint16_t qtype, struct answer *answer);
void world_fail(struct world *world, const char *qname, uint16_t qtype, int ede, const char *text);
void world_hint(struct world *world, const char *cut);

/* Judges with fresh memo, budget and facts. */
const struct verdict *world_judge(struct world *world, struct answer *answer);

#endif
