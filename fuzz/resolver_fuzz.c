/* The resolver as a function: every reply comes out of the input.  Whatever servers say, each question is settled
 * exactly once, within its budget, and nothing hangs. */
#include <assert.h>

#include "crypto/verify.h"
#include "fuzz/built_reply.h"
#include "resolver/response.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { EVENTS_MAX = 2000, WAITERS = 3, PIECE_OCTETS_MAX = 600, ROUNDS_MAX = 4, QUESTION_TAIL_OCTETS = 4 };
enum { SILENCES = 0xe0, FAILURES = 0xf0 }; /* an event's first octet */
enum {                                     /* the input's first octet */
       PRIME_ROOT = 1,
       SERVE_STALE = 2,
       ON_BOGUS = 4,
       PREFETCH = 8,
       AT_ONCE = 16,
       BUILT = 32, /* replies out of records that can be read */
       RULES = 64, /* forward and stub zones */
       BROAD = 128 /* all that is asked for and kept only if told to */
};
enum { REPLY_OCTETS_MAX = 16384 };

/* Every signature of algorithm 13 is good: what lies behind the checks is reached as well. */
static enum signature_check always_good(struct verifier *verifier, const struct algorithm *algorithm, struct octets key,
                                        struct octets signed_data, struct octets signature)
{
    (void)verifier, (void)algorithm, (void)key, (void)signed_data, (void)signature;
    return SIGNATURE_GOOD;
}

static void zeros(struct octets data, uint8_t *digest)
{
    (void)data;
    memset(digest, 0, DIGEST_SHA256_OCTETS);
}

struct world {
    struct resolver *resolver;
    struct arena *arena;
    uint8_t flags;
    bool has_signature; /* in any reply that was built */
    struct now now;
    struct reader input;
    uint64_t in_flight[64]; /* ids; a host has at most so many sockets */
    struct octets questions[64];
    unsigned settled[WAITERS];
    uint8_t packets[64][512];
};

/* One question, its name uncompressed. */
static struct octets question_of(struct octets packet)
{
    struct reader r = reader_of_octets(packet);
    struct dname name;
    reader_octets(&r, HEADER_OCTETS);
    reader_dname_uncompressed(&r, &name);
    reader_octets(&r, QUESTION_TAIL_OCTETS);
    assert(!r.failed);
    return (struct octets) { packet.data + HEADER_OCTETS, packet.len - HEADER_OCTETS - reader_left(&r) };
}

/* What the input spells out. */
static void put_spelt(struct world *world, struct writer *w, struct octets question)
{
    for (int i = 0; i < 3; i++)
        writer_u16(w, reader_u8(&world->input) & 7);
    writer_octets_put(w, question_of(question));
    size_t len = reader_u16(&world->input) % PIECE_OCTETS_MAX;
    if (len > reader_left(&world->input))
        len = reader_left(&world->input);
    writer_octets_put(w, reader_octets(&world->input, len));
}

static void put_built(struct world *world, struct writer *w, struct octets question)
{
    struct message asked;
    enum err err = message_read(question, world->arena, &asked);
    assert(err == OK);
    (void)err;
    struct built_reply reply = { &world->input, world->arena, &asked.question.qname, w, false };
    uint8_t counts = reader_u8(&world->input); /* two bits for each section, then EDNS */
    size_t counts_at = w->len;
    for (int i = 0; i < 3; i++)
        writer_u16(w, 0);
    writer_octets_put(w, question_of(question));
    for (unsigned section = 0; section < 3; section++) {
        uint16_t records = section == 2 && counts >> 7;
        for (unsigned n = counts >> 2 * section & 3; n > 0 && !world->input.failed; n--)
            records += built_records(&reply);
        writer_u16_at(w, counts_at + 2 * section, records);
    }
    if (counts >> 7)
        built_edns(&reply, &asked.edns);
    world->has_signature = world->has_signature || reply.has_signature;
}

/* Header and question are the ones that were asked: the rest of the message is the input's. */
static void reply(struct world *world, unsigned slot)
{
    static uint8_t buffer[REPLY_OCTETS_MAX];
    struct octets question = world->questions[slot];
    struct writer w = writer_of(buffer, sizeof(buffer));
    writer_octets_put(&w, (struct octets) { question.data, 2 });
    writer_u16(&w, (uint16_t)(reader_u16(&world->input) | 0x8000) & 0x87bf);
    writer_u16(&w, 1);
    if (world->flags & BUILT)
        put_built(world, &w, question);
    else
        put_spelt(world, &w, question);
    uint64_t id = world->in_flight[slot];
    if (resolver_absorb(world->resolver, id, writer_octets(&w), world->now) == ABSORBED)
        world->in_flight[slot] = 0;
}

static void start(struct world *world, const struct exchange *exchange)
{
    for (unsigned i = 0; i < ARRAY_LEN(world->in_flight); i++)
        if (world->in_flight[i] == 0) {
            assert(exchange->packet.len <= sizeof(world->packets[i]));
            memcpy(world->packets[i], exchange->packet.data, exchange->packet.len);
            world->questions[i] = (struct octets) { world->packets[i], exchange->packet.len };
            world->in_flight[i] = exchange->id;
            return;
        }
    resolver_exchange_failed(world->resolver, exchange->id, EXCHANGE_NO_SOCKET, world->now);
}

/* The root is signed: as long as nobody has shown a signature nothing is Secure, nor proven to be unsigned. */
static void settle(struct world *world, unsigned *waiter, const struct outcome *outcome)
{
    static uint8_t buffer[MESSAGE_OCTETS_MAX];
    static const struct answer_options options = { .edns_octets = 1232, .minimal = true, .ede = true };
    struct client_query query = {
        .header = { .id = 1, .rd = true },
        .question = outcome->question,
        .edns = true,
        .dnssec_ok = true,
        .size_max = 1232,
    };
    struct octets response = response_write(&options, &query, outcome, world->now, buffer, sizeof(buffer));
    assert(response.len >= HEADER_OCTETS && response.len <= 1232);
    (*waiter)++;
    assert(*waiter == 1);
    if (world->flags & BUILT && !world->has_signature)
        assert(outcome->security != SECURE && outcome->security != INSECURE);
}

static void run_wants(struct world *world)
{
    struct want want;
    while (resolver_next(world->resolver, world->now, &want)) {
        switch (want.kind) {
        case WANT_EXCHANGE:
            start(world, &want.exchange);
            break;
        case WANT_CANCEL:
            for (unsigned i = 0; i < ARRAY_LEN(world->in_flight); i++)
                if (world->in_flight[i] == want.exchange.id)
                    world->in_flight[i] = 0;
            break;
        case WANT_DONE:
            settle(world, want.waiter, want.outcome);
            break;
        case WANT_TURN:
        case WANT_NOTHING:
            break;
        }
    }
}

static void fail(struct world *world, unsigned slot, enum exchange_failure how)
{
    uint64_t id = world->in_flight[slot];
    world->in_flight[slot] = 0;
    resolver_exchange_failed(world->resolver, id, how, world->now);
}

/* One thing happens: a reply to one of the questions in flight, or none can come, or time passes. */
static void step(struct world *world)
{
    uint8_t choice = reader_u8(&world->input);
    for (unsigned i = 0; i < ARRAY_LEN(world->in_flight) && !world->input.failed; i++) {
        unsigned at = (choice + i) % ARRAY_LEN(world->in_flight);
        if (world->in_flight[at] == 0)
            continue;
        if (choice >= FAILURES)
            fail(world, at, choice % (EXCHANGE_NO_SOCKET + 1));
        else if (choice < SILENCES)
            reply(world, at);
        else
            break;
        return;
    }
    int64_t deadline = resolver_deadline_ms(world->resolver);
    if (deadline != INT64_MAX && deadline > world->now.monotonic_ms) {
        world->now.wall_ms += deadline - world->now.monotonic_ms;
        world->now.monotonic_ms = deadline;
    }
    resolver_tick(world->resolver, world->now);
}

static void ask(struct world *world, const struct dname *name, unsigned round)
{
    static const uint16_t rare_types[ROUNDS_MAX] = { TYPE_A, TYPE_ANY, TYPE_AAAA, TYPE_DNSKEY };
    memset(world->settled, 0, sizeof(world->settled));
    for (unsigned i = 0; i < WAITERS; i++) {
        struct question question = { .qname = *name, .qtype = i == 2 ? TYPE_DS : TYPE_A, .qclass = CLASS_IN };
        if (world->flags & PREFETCH)
            resolver_refresh(world->resolver, &question, world->now);
        if (world->flags & BROAD && i == 0) {
            question.qtype = rare_types[round];
            resolver_probe(world->resolver, &question, false, &world->settled[i], world->now);
        } else {
            resolver_ask(world->resolver, &question, i == 1, &world->settled[i], world->now);
        }
    }
}

/* Until nothing is under way any more, in the background neither. */
static void come_to_rest(struct world *world)
{
    unsigned events = 0;
    for (run_wants(world); resolver_deadline_ms(world->resolver) != INT64_MAX; run_wants(world)) {
        assert(++events < EVENTS_MAX);
        step(world);
    }
    for (unsigned i = 0; i < WAITERS; i++)
        assert(world->settled[i] == 1);
}

/* The same once more, a while later: of what is known by then some has expired, and some soon will have. */
static void ask_again_and_again(struct world *world, const struct dname *name)
{
    for (unsigned round = 0; round < ROUNDS_MAX; round++) {
        ask(world, name, round);
        come_to_rest(world);
        int64_t ms = (int64_t)reader_u16(&world->input) * 1000;
        if (world->input.failed)
            break;
        world->now.wall_ms += ms;
        world->now.monotonic_ms += ms;
    }
}

/* Read once.  Few root servers: what the input does not say costs each of them all its timeouts. */
static struct resolver_options default_options(void)
{
    static const char text[] =
        ". 3600000 NS a.\n. 3600000 NS b.\n"
        "a. 3600000 A 198.41.0.4\na. 3600000 AAAA 2001:503:ba3e::2:30\nb. 3600000 A 170.247.170.2\n";
    static struct arena *kept; /* as long as the process */
    static struct resolver_options options;
    if (kept == NULL) {
        kept = arena_new();
        options = resolver_options_default(kept);
        const char *error;
        enum err err = root_hints_from_text(kept, text, sizeof(text) - 1, &options.root_hints, &error);
        assert(err == OK);
        (void)err;
    }
    return options;
}

/* Three kinds of rule for the names that built replies speak of most: a forwarder, a stub zone, servers known by name
 * alone. */
static void add_rules(struct resolver_options *options)
{
    static const uint8_t server[] = { 45, 83, 0, 1 };
    static struct dname server_name;
    static struct zone_rule rules[] = {
        { .kind = ZONE_RULE_FORWARD_FIRST, .address_count = 1 },
        { .kind = ZONE_RULE_STUB, .address_count = 1 },
        { .kind = ZONE_RULE_STUB_FIRST, .name_count = 1, .names = &server_name },
    };
    static const char *const zones[ARRAY_LEN(rules)] = { "a.", "b.", "zz.a." };
    enum err err = dname_from_text("ns.other.", &server_name);
    for (size_t i = 0; i < ARRAY_LEN(rules) && err == OK; i++) {
        err = dname_from_text(zones[i], &rules[i].zone);
        if (err == OK && rules[i].address_count > 0)
            err = address_from_rdata(TYPE_A, (struct octets) { server, sizeof(server) }, 53, &rules[i].addresses[0]);
    }
    assert(err == OK);
    options->zone_rules = rules;
    options->zone_rule_count = ARRAY_LEN(rules);
}

static void set_options(struct resolver_options *options, uint8_t flags)
{
    options->prime_root = flags & PRIME_ROOT;
    options->random_case = false;
    options->stale.enabled = flags & SERVE_STALE;
    options->stale.on_bogus = flags & ON_BOGUS;
    options->stale.client_timeout_ms = flags & AT_ONCE ? 0 : STALE_CLIENT_TIMEOUT_MS;
    options->prefetch = flags & PREFETCH;
    options->shows_ns = options->child_ns = options->any_glue = options->verify_glue = flags & BROAD;
    options->report_errors = options->signal_anchors = flags & BROAD;
    if (flags & RULES)
        add_rules(options);
}

static struct trust *new_trust(void)
{
    static const char anchor[] = ". IN DNSKEY " KEY_TEXT;
    struct trust *trust = trust_new();
    size_t added;
    enum err err = trust_add_text(trust, anchor, sizeof(anchor) - 1, ANCHOR_CONFIGURED, &added, NULL);
    assert(err == OK && added == 1);
    (void)err;
    return trust;
}

static struct cache *new_cache(struct random *random)
{
    struct cache_options options = cache_options_default();
    options.size_octets = 1 << 20;
    return cache_new(&options, random);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct world world = { .input = reader_of(data, size), .now = { 1000000000000, 1000, true }, .arena = arena_new() };
    struct random *random = random_seeded_new(1);
    struct resolver_options options = default_options();
    world.flags = reader_u8(&world.input);
    set_options(&options, world.flags);
    struct crypto_options crypto_options = crypto_options_default();
    struct crypto_policy policy;
    crypto_policy_make(&crypto_options, &policy);
    struct algorithm easy = *policy.algorithms[ALGORITHM_ECDSAP256SHA256];
    easy.check = always_good;
    policy.algorithms[ALGORITHM_ECDSAP256SHA256] = &easy;
    struct digest easy_digest = *policy.digests[DIGEST_SHA256];
    easy_digest.compute = zeros;
    if (world.flags & BUILT)
        policy.digests[DIGEST_SHA256] = &easy_digest;
    struct trust *trust = new_trust();
    struct cache *cache = new_cache(random);
    struct resolver_parts parts = {
        .cache = cache,
        .random = random,
        .options = &options,
        .policy = &policy,
        .trust = trust,
        .explain = true,
    };
    world.resolver = resolver_new(&parts);

    struct dname name;
    reader_dname_uncompressed(&world.input, &name);
    ask_again_and_again(&world, &name);
    resolver_free(world.resolver);
    cache_free(cache);
    trust_free(trust);
    random_free(random);
    arena_free(world.arena);
    return 0;
}
