/* Aggressive use of cached denials beside the truth: the cache gets any part of a small zone's NSEC and NSEC3 chains,
 * and what the resolver answers without asking anybody is what the zone says (RFC 8198, RFC 9077). */
#include <assert.h>

#include "fuzz/small_zone.h"
#include "resolver/world.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { QUESTIONS_MAX = 2, KEY = 11, TTL_S = 3600, CACHE_OCTETS = 1 << 20 };
static const struct now now = { 1700000000000, 1000, true };

/* The same for all inputs; nothing is in the cache. */
static struct world *the_world(void)
{
    static struct world world;
    if (world.arena == NULL) {
        world_make(&world, CACHE_OCTETS, now);
        trust_add_built_in(world.trust);
    }
    cache_flush_all(world.cache);
    return &world;
}

/* ---- what is cached ---- */

/* As the zone's own: not expanded from a wildcard. */
static void sign(struct arena *arena, struct rrset *rrset, const struct dname *zone)
{
    uint8_t buffer[32 + DNAME_OCTETS_MAX];
    struct writer w = writer_of(buffer, sizeof(buffer));
    struct octets *sig = ARENA_NEW(arena, struct octets);
    uint32_t now_s = (uint32_t)(now.wall_ms / 1000);
    writer_u16(&w, rrset->type);
    writer_u8(&w, 13);
    writer_u8(&w, (uint8_t)(rrset->owner->labels - dname_is_wildcard(rrset->owner)));
    writer_u32(&w, TTL_S);
    writer_u32(&w, now_s + 2 * TTL_S);
    writer_u32(&w, now_s - TTL_S);
    writer_u16(&w, 7);
    writer_dname(&w, zone);
    writer_u8(&w, 0);
    *sig = octets_copy(arena, writer_octets(&w));
    rrset->sigs = sig;
    rrset->sig_count = 1;
    rrset->sig_ttl_s = TTL_S;
}

static struct rrset *soa_of(struct arena *arena, const struct dname *zone)
{
    uint8_t buffer[2 * DNAME_OCTETS_MAX + 20];
    struct writer w = writer_of(buffer, sizeof(buffer));
    writer_dname(&w, dname_root());
    writer_dname(&w, dname_root());
    for (int i = 0; i < 5; i++)
        writer_u32(&w, TTL_S);
    return denial_rrset(arena, zone, TYPE_SOA, &w);
}

static void add(struct arena *arena, struct rrset_list *list, struct rrset *rrset, const struct dname *zone)
{
    sign(arena, rrset, zone);
    list->items[list->count++] = rrset;
}

/* The records whose bits are set, as proofs of an answer to a question that nobody asks again. */
static void put_denials(struct cache *cache, struct arena *arena, struct small_zone *zone, uint32_t nsec,
                        uint32_t nsec3)
{
    const struct dname *apex = &zone->names[APEX];
    struct answer *answer = ARENA_NEW(arena, struct answer);
    enum err err = dname_from_text("asked.before.zone.", &answer->question.qname);
    assert(err == OK);
    answer->question.qtype = TYPE_A;
    answer->question.qclass = CLASS_IN;
    answer->kind = ANSWER_NODATA;
    answer->zone = *apex;
    answer->target = *dname_root();
    answer->received_ms = now.wall_ms;
    answer->expires_ms = now.wall_ms + TTL_S * INT64_C(1000);
    answer->verdict = (struct verdict) {
        .security = SECURE, .ede = EDE_NONE, .site = "fuzz", .valid_until_s = INT64_MAX, .ttl_cap_s = UINT32_MAX
    };
    lineage_add(&answer->verdict.lineage, KEY);
    answer->proofs.items = ARENA_ARRAY(arena, 1 + 2 * CHAIN_MAX, struct rrset *);
    add(arena, &answer->proofs, soa_of(arena, apex), apex);
    for (unsigned i = 0; i < zone->nsec_count; i++)
        if (nsec >> i & 1)
            add(arena, &answer->proofs, zone->nsec[i].rrset, apex);
    for (unsigned i = 0; i < zone->nsec3_count; i++)
        if (nsec3 >> i & 1)
            add(arena, &answer->proofs, zone->nsec3[i].rrset, apex);
    cache_put_answer(cache, answer, now);
}

/* ---- what is said ---- */

enum saying { NAME_ERROR, NO_DATA, SOMETHING_ELSE };

static enum saying truth(const struct small_zone *zone, int qname, uint16_t qtype)
{
    if (zone->is_elsewhere[qname])
        return SOMETHING_ELSE;
    if (has_data(zone, qname))
        return no_such_type(zone->types[qname], qtype) != PROOF_NONE ? NO_DATA : SOMETHING_ELSE;
    if (zone->exists[qname])
        return NO_DATA;
    int wildcard = node_child(encloser_of(zone->exists, qname), STAR);
    if (has_data(zone, wildcard))
        return no_such_type_at_wildcard(zone->types[wildcard], qtype) != PROOF_NONE ? NO_DATA : SOMETHING_ELSE;
    return zone->exists[wildcard] ? NO_DATA : NAME_ERROR;
}

static void check_outcome(const struct small_zone *zone, int qname, uint16_t qtype, const struct outcome *outcome)
{
    assert(outcome->security == SECURE && outcome->link_count == 1);
    switch (outcome->links[0]->kind) {
    case ANSWER_NXDOMAIN:
        assert(truth(zone, qname, qtype) == NAME_ERROR);
        break;
    case ANSWER_NODATA:
        assert(truth(zone, qname, qtype) == NO_DATA);
        break;
    default:
        assert(false); /* no data was cached */
    }
}

/* Until it is answered, or waits for a server. */
static void ask(struct resolver *resolver, const struct small_zone *zone, int qname, uint16_t qtype)
{
    struct question question = { zone->names[qname], qtype, CLASS_IN };
    struct want want;
    resolver_ask(resolver, &question, false, &question, now);
    while (resolver_next(resolver, now, &want))
        if (want.kind == WANT_DONE && want.outcome->link_count > 0)
            check_outcome(zone, qname, qtype, want.outcome);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint16_t types[] = { TYPE_A, TYPE_DS, TYPE_TXT, TYPE_NS, TYPE_SOA, TYPE_CNAME };
    struct reader input = reader_of(data, size);
    struct arena *arena = arena_new();
    struct world *world = the_world();
    struct small_zone *zone = zone_read(&input, arena);
    uint32_t nsec = reader_u32(&input), nsec3 = reader_u32(&input);
    put_denials(world->cache, arena, zone, nsec, nsec3);
    struct resolver *resolver = world_resolver(world);
    for (unsigned i = 0; i < QUESTIONS_MAX && reader_left(&input) > 0; i++) {
        int qname = reader_u8(&input) % NODES;
        ask(resolver, zone, qname, types[reader_u8(&input) % ARRAY_LEN(types)]);
    }
    resolver_free(resolver);
    arena_free(arena);
    return 0;
}
