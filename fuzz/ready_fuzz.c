/* One answer, three ways to a client: just resolved, out of the cache, made ready before.  Whoever asks, whenever and
 * however, it is the same message.  Input: how it is asked and when, then records; the first RRset is asked for, NSEC,
 * NSEC3 and SOA are its proofs, and what a CNAME leads to is the next link. */
#include <assert.h>

#include "fuzz/records.h"
#include "message/pref64.h"
#include "policy/retelling.h"
#include "resolver/testing.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LINKS_MAX = 3, CACHE_OCTETS = 1 << 20, TTL_MAX = 4000, STAGES_MAX = 4 };
enum { WITH_DNS64 = 1, WITH_REBINDING = 2, WITH_SENTINEL = 4 };
static const int64_t received_ms = 1700000000000;

struct situation {
    struct arena *arena;
    struct rrset_list sets;
    struct answer_options options;
    struct asking asking;
    enum answer_kind kind;
    enum security security;
    bool is_compact; /* RFC 9824 */
    uint8_t edes;
    uint8_t retelling;
    struct now then; /* when it was resolved */
};

static struct cache *the_cache(void)
{
    static struct cache *cache;
    if (cache == NULL) {
        struct cache_options options = cache_options_default();
        struct random *random = random_seeded_new(1);
        options.size_octets = CACHE_OCTETS;
        cache = cache_new(&options, random);
        random_free(random);
    }
    cache_flush_all(cache);
    return cache;
}

static void situation_read(struct situation *situation, struct reader *input)
{
    static const uint16_t sizes[] = { UDP_OCTETS_CLASSIC, 600, UDP_OCTETS_DEFAULT, 4096 };
    static const enum security securities[] = { SECURE, SECURE, INSECURE, UNCHECKED };
    static const enum answer_kind kinds[] = { ANSWER_DATA, ANSWER_DATA, ANSWER_NODATA, ANSWER_NXDOMAIN };
    uint16_t manner = reader_u16(input), client = reader_u16(input), later_s = reader_u16(input);
    situation->options = (struct answer_options) {
        .edns_octets = UDP_OCTETS_DEFAULT, .minimal = manner & 1, .ede = manner & 2, .rotate = manner & 4
    };
    situation->security = securities[manner >> 3 & 3];
    situation->kind = kinds[manner >> 5 & 3];
    situation->is_compact = manner >> 7 & 1;
    situation->edes = manner >> 8 & 3;
    situation->retelling = (uint8_t)(manner >> 12);
    situation->then = (struct now) { received_ms + (manner >> 10 & 3) * 333, 1000, true };
    situation->asking = (struct asking) { .id = (uint16_t)(client * 31),
                                          .ad = client & 1,
                                          .cd = client & 2,
                                          .edns = client & 4,
                                          .dnssec_ok = (client & 12) == 12,
                                          .octets_max = sizes[client >> 4 & 3],
                                          .now = situation->then };
    situation->asking.now.wall_ms += later_s % TTL_MAX * INT64_C(1000) + (client >> 6);
    uint8_t ttl = reader_u8(input);
    situation->asking.cd |= situation->security == UNCHECKED; /* nobody else gets it */
    struct octets text = reader_octets(input, reader_left(input));
    situation->sets = records_read(situation->arena, text.data, text.len);
    for (uint16_t i = 0; i < situation->sets.count; i++)
        situation->sets.items[i]->ttl_s = situation->sets.items[i]->sig_ttl_s = 1 + ttl * (i + 1u) % TTL_MAX;
}

/* ---- the answer ---- */

static void lower_deadline(struct answer *answer, const struct rrset *rrset)
{
    int64_t end_ms = answer->received_ms + rrset->ttl_s * INT64_C(1000);
    if (end_ms < answer->expires_ms)
        answer->expires_ms = end_ms;
}

static void add_set(struct answer *answer, struct rrset_list *list, struct rrset *rrset)
{
    list->items[list->count++] = rrset;
    lower_deadline(answer, rrset);
}

static struct answer *link_of(const struct situation *situation, const struct dname *qname, uint16_t qtype)
{
    struct answer *link = ARENA_NEW(situation->arena, struct answer);
    const struct rrset_list *sets = &situation->sets;
    struct rrset *rrset = rrset_list_find(sets, qname, qtype);
    link->kind = situation->kind;
    if (rrset == NULL || rrset->count == 0 || situation->kind != ANSWER_DATA) {
        rrset = rrset_list_find(sets, qname, TYPE_CNAME);
        link->kind = rrset != NULL && rrset->count > 0 ? ANSWER_CNAME
                     : link->kind == ANSWER_DATA       ? ANSWER_NODATA
                                                       : link->kind;
    }
    link->question = (struct question) { *qname, qtype, CLASS_IN };
    link->rcode = link->kind == ANSWER_NXDOMAIN ? RCODE_NXDOMAIN : RCODE_NOERROR;
    link->zone = link->target = *dname_root();
    link->received_ms = received_ms;
    link->expires_ms = received_ms + TTL_MAX * INT64_C(1000);
    link->rrsets.items = ARENA_NEW(situation->arena, struct rrset *);
    link->proofs.items = ARENA_ARRAY(situation->arena, sets->count, struct rrset *);
    if (link->kind == ANSWER_DATA || link->kind == ANSWER_CNAME)
        add_set(link, &link->rrsets, rrset);
    for (uint16_t i = 0; i < sets->count; i++) {
        uint16_t type = sets->items[i]->type;
        if (sets->items[i]->count > 0 && (type == TYPE_SOA || type == TYPE_NSEC || type == TYPE_NSEC3))
            add_set(link, &link->proofs, sets->items[i]);
    }
    bool is_compact = situation->is_compact && link->kind == ANSWER_NODATA;
    link->verdict = (struct verdict) { .security = situation->security,
                                       .ede = EDE_NONE,
                                       .site = is_compact ? SITE_COMPACT_DENIAL : "test-site",
                                       .valid_until_s = INT64_MAX,
                                       .ttl_cap_s = UINT32_MAX };
    return answer_set_target(link) ? link : NULL;
}

/* NULL: the records make no chain. */
static struct answer **chain_of(const struct situation *situation, const struct dname *qname, uint16_t qtype,
                                uint16_t *count)
{
    struct answer **links = ARENA_ARRAY(situation->arena, LINKS_MAX, struct answer *);
    for (*count = 0; *count < LINKS_MAX; qname = &links[*count - 1]->target) {
        struct answer *link = link_of(situation, qname, qtype);
        if (link == NULL)
            return NULL;
        links[(*count)++] = link;
        if (!answer_leads_on(link))
            return links;
    }
    return NULL;
}

static struct outcome outcome_of(const struct situation *situation, struct answer **links, uint16_t link_count)
{
    struct outcome outcome = {
        .question = links[0]->question,
        .rcode = links[link_count - 1]->rcode,
        .security = situation->security,
        .link_count = link_count,
        .links = links,
        .from_cache = true,
        .is_repeatable = true,
        .epoch = cache_epoch(the_cache()),
    };
    if (situation->edes & 1)
        outcome.edes[outcome.ede_count++] = (struct outcome_ede) { EDE_UNSUPPORTED_DNSKEY_ALGORITHM, "zone example." };
    if (situation->edes & 2)
        outcome.edes[outcome.ede_count++] = (struct outcome_ede) { EDE_UNSUPPORTED_DS_DIGEST, NULL };
    return outcome;
}

/* ---- the three ways ---- */

static uint8_t buffers[2][MESSAGE_OCTETS_MAX];

static void check_ready(const struct situation *situation, const struct outcome *outcome, struct octets fresh)
{
    uint8_t buffer[READY_BUFFER_OCTETS];
    struct ready_draft draft;
    struct cache *cache = the_cache();
    struct outcome now_known = *outcome;
    now_known.epoch = cache_epoch(cache);
    if (!response_make_ready(&situation->options, &now_known, situation->then, buffers[1], sizeof(buffers[1]), &draft))
        return;
    ready_put(cache, &outcome->question, ORIGIN_ITERATIVE, &draft, situation->then);
    struct ready_answer ready =
        ask_ready(cache, &situation->options, &situation->asking, outcome->question.qtype, buffer);
    assert(ready.message.len == 0 || octets_equal(ready.message, fresh));
}

static void check_cached(const struct situation *situation, const struct outcome *outcome, struct octets fresh)
{
    struct cache *cache = the_cache();
    struct outcome cached = *outcome;
    struct answer **links = ARENA_ARRAY(situation->arena, outcome->link_count, struct answer *);
    for (uint16_t i = 0; i < outcome->link_count; i++)
        cache_put_answer(cache, outcome->links[i], situation->then);
    for (uint16_t i = 0; i < outcome->link_count; i++) {
        const struct question *question = &outcome->links[i]->question;
        enum cache_hit hit =
            cache_find_answer(cache, question, ORIGIN_ITERATIVE, situation->asking.now, situation->arena, &links[i]);
        if (hit != CACHE_FRESH)
            return;
        assert(links[i]->verdict.security == situation->security);
    }
    cached.links = links;
    struct octets message =
        ask_long_way(&situation->options, &situation->asking, &cached, buffers[1], sizeof(buffers[1]));
    assert(octets_equal(message, fresh));
}

/* ---- told otherwise ---- */

static struct retelling_options retelling_options_of(uint8_t flags)
{
    static struct prefix networks[] = { { .address.family = 4, .address.octets = { 192, 0, 2 }, .bits = 24 },
                                        { .address.family = 6, .address.octets = { 0xfd }, .bits = 8 } };
    struct retelling_options options = { .sentinel = flags & WITH_SENTINEL };
    enum err err = pref64_from_text("64:ff9b::/96", &options.dns64.prefix);
    assert(err == OK);
    (void)err;
    options.dns64.is_on = flags & WITH_DNS64;
    options.rebinding = (struct rebinding) { networks, flags & WITH_REBINDING ? ARRAY_LEN(networks) : 0, NULL, 0 };
    return options;
}

/* What is kept for everybody is told to everybody as it is; what is told otherwise shows nothing that it must not, and
 * is no longer Secure. */
static void check_retold(const struct situation *situation, const struct outcome *outcome)
{
    struct retelling_options options = retelling_options_of(situation->retelling);
    struct client_query query = { .header = { .id = 1, .rd = true, .cd = situation->asking.cd },
                                  .question = outcome->question,
                                  .edns = situation->asking.edns,
                                  .dnssec_ok = situation->asking.dnssec_ok,
                                  .size_max = situation->asking.octets_max };
    struct now now = situation->asking.now;
    struct trust *trust = trust_new();
    struct retelling retelling;
    struct question question = retell_question(&options, &query, &retelling);
    bool keeps = retelling_keeps(&options, outcome, now);
    const struct retelling_means means = { &options, trust, now, situation->arena };
    struct outcome resolved = *outcome;
    struct told told = { .question = question };
    enum retold retold = RETOLD_ASK;
    assert(!keeps || retelling.stage == RETELLING_ASKED);
    for (unsigned stage = 0; retold == RETOLD_ASK; stage++) {
        assert(stage < STAGES_MAX);
        uint16_t count;
        struct answer **links = chain_of(situation, &told.question.qname, told.question.qtype, &count);
        if (links == NULL)
            break;
        if (stage > 0 || retelling.stage != RETELLING_ASKED)
            resolved = outcome_of(situation, links, count);
        retold = retell_outcome(&means, &query, &retelling, &resolved, &told);
        assert(!keeps || retold == RETOLD_SAME);
    }
    if (retold == RETOLD_OTHER) {
        assert(told.outcome.security != SECURE || told.outcome.rcode == RCODE_SERVFAIL);
        assert(!rebinding_is_shown(&options.rebinding, &told.outcome));
        struct octets octets =
            response_write(&situation->options, &query, &told.outcome, now, buffers[1], sizeof(buffers[1]));
        assert(octets.len >= HEADER_OCTETS && octets.len <= query.size_max);
    }
    trust_free(trust);
}

static void check(struct situation *situation)
{
    uint16_t link_count;
    const struct rrset *first = situation->sets.items[0];
    struct answer **links = chain_of(situation, first->owner, first->type, &link_count);
    if (links == NULL)
        return;
    for (uint16_t i = 0; i < link_count; i++)
        cache_cap_answer(the_cache(), links[i], situation->then);
    struct outcome outcome = outcome_of(situation, links, link_count);
    situation->asking.qname = outcome.question.qname;
    struct octets fresh =
        ask_long_way(&situation->options, &situation->asking, &outcome, buffers[0], sizeof(buffers[0]));
    check_ready(situation, &outcome, fresh);
    check_cached(situation, &outcome, fresh);
    check_retold(situation, &outcome);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct situation situation = { .arena = arena_new() };
    struct reader input = reader_of(data, size);
    if (size <= 16384) {
        situation_read(&situation, &input);
        if (situation.sets.count > 0 && situation.sets.items[0]->type < TYPE_TSIG &&
            situation.sets.items[0]->type != TYPE_OPT)
            check(&situation);
    }
    arena_free(situation.arena);
    return 0;
}
