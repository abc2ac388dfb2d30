/* A cache hit without sockets, in both ways: ready-made, in batches as a worker does it; and the long way, which asks
 * the resolver and writes the response.  What remains of a hit in vouchd is the transport's.  See README.md. */
#include <err.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <time.h>

#include "base/hash.h"
#include "cache/ready.h"
#include "daemon/at_once.h"
#include "resolver/response.h"

enum { NAMES = 10000, HITS = 2000000, THREADS_MAX = 64, TTL_S = 86400 };
enum { SIGNATURE_OCTETS = 64, DAY_MS = 86400000 };
enum { BATCH = 64, QUESTION_OCTETS = 96 };
enum { ENTRY_OCTETS = 2048, CACHE_OCTETS = 256 << 20 }; /* of the cache: for each name, and at least */
enum {
    NUMBER_AT = HEADER_OCTETS + 2,
    NUMBER_DIGITS = 8,
    NAMES_MAX = 100000000,
    TLD_AT = NUMBER_AT + NUMBER_DIGITS + 5,
    TLDS = 10
};

struct world {
    struct arena *arena;
    struct random *random;
    struct cache *cache;
    struct trust *trust;
    struct crypto_policy policy;
    struct config config;
    struct prefix loopback;
    struct now now;
    struct siphash_key cookie_master;
    struct cookie_keys cookie_keys;
    struct address client;
    unsigned names, hits;
};

struct worker {
    struct world *world;
    void (*way)(struct worker *worker);
    bool dnssec_ok, with_cookie;
    pthread_t thread;
    double cpu_ns; /* for one hit */
    uint32_t chance;
    struct at_once *at_once;
    uint8_t questions[BATCH][QUESTION_OCTETS];
    uint8_t answers[BATCH][READY_BUFFER_OCTETS];
};

/* All of the same length, so that a question becomes another one by new digits. */
static struct dname name_of(unsigned i)
{
    char text[32];
    struct dname name;
    snprintf(text, sizeof(text), "h%0*u.z0.t%u.", NUMBER_DIGITS, i, i % TLDS);
    if (dname_from_text(text, &name) != OK)
        errx(EX_SOFTWARE, "%s", text);
    return name;
}

/* Every name as often as every other, in no order that a prefetcher could learn (xorshift, Marsaglia 2003). */
static unsigned any_name(struct worker *worker, unsigned names)
{
    worker->chance ^= worker->chance << 13;
    worker->chance ^= worker->chance >> 17;
    worker->chance ^= worker->chance << 5;
    return (unsigned)((uint64_t)worker->chance * names >> 32);
}

/* An A record and its signature, judged before: hits do not look at the signature's octets. */
static struct answer *secure_answer(struct world *world, struct arena *arena, const struct dname *name)
{
    static const uint8_t address[4] = { 198, 18, 0, 1 };
    uint8_t buffer[512];
    struct writer sig = writer_of(buffer, sizeof(buffer));
    writer_u16(&sig, TYPE_A);
    writer_u8(&sig, ALGORITHM_ECDSAP256SHA256);
    writer_u8(&sig, name->labels);
    writer_u32(&sig, TTL_S);
    writer_u32(&sig, (uint32_t)(now_wall_s(world->now) + TTL_S));
    writer_u32(&sig, (uint32_t)(now_wall_s(world->now) - TTL_S));
    writer_u16(&sig, 12345);
    struct dname zone;
    dname_parent(name, &zone);
    writer_octets_put(&sig, dname_octets(&zone));
    uint8_t signature[SIGNATURE_OCTETS] = { 1 };
    writer_octets_put(&sig, (struct octets) { signature, sizeof(signature) });

    struct octets *rdata = ARENA_ARRAY(arena, 2, struct octets);
    rdata[0] = (struct octets) { address, sizeof(address) };
    rdata[1] = octets_copy(arena, writer_octets(&sig));
    struct rrset *rrset = ARENA_NEW(arena, struct rrset);
    *rrset = (struct rrset) {
        .owner = name,
        .type = TYPE_A,
        .class = CLASS_IN,
        .count = 1,
        .sig_count = 1,
        .ttl_s = TTL_S,
        .sig_ttl_s = TTL_S,
        .rdata = &rdata[0],
        .sigs = &rdata[1],
    };
    struct answer *answer = ARENA_NEW(arena, struct answer);
    answer->question = (struct question) { .qname = *name, .qtype = TYPE_A, .qclass = CLASS_IN };
    answer->kind = ANSWER_DATA;
    answer->zone = zone;
    answer->rrsets.items = ARENA_NEW(arena, struct rrset *);
    answer->rrsets.items[0] = rrset;
    answer->rrsets.count = 1;
    answer->received_ms = world->now.wall_ms;
    answer->expires_ms = world->now.wall_ms + DAY_MS;
    answer->verdict.security = SECURE;
    answer->verdict.ede = EDE_NONE;
    answer->verdict.site = "bench";
    answer->verdict.valid_until_s = now_wall_s(world->now) + TTL_S;
    answer->verdict.ttl_cap_s = TTL_S;
    lineage_add(&answer->verdict.lineage, key_id(&zone, rdata[1]));
    return answer;
}

static void fill_cache(struct world *world)
{
    struct arena *arena = arena_new();
    for (unsigned i = 0; i < world->names; i++) {
        struct dname name = name_of(i);
        cache_put_answer(world->cache, secure_answer(world, arena, &name), world->now);
        arena_reset(arena);
    }
    arena_free(arena);
}

static void world_init(struct world *world)
{
    world->arena = arena_new();
    world->random = random_secure_new();
    hash_init(world->random);
    world->now = now_from_system();
    world->now.wall_is_fit = true;
    struct cache_options cache_options = cache_options_default();
    cache_options.size_octets = (uint64_t)world->names * ENTRY_OCTETS;
    if (cache_options.size_octets < CACHE_OCTETS)
        cache_options.size_octets = CACHE_OCTETS;
    world->cache = cache_new(&cache_options, world->random);
    world->trust = trust_new();
    trust_add_built_in(world->trust);
    struct crypto_options crypto_options = crypto_options_default();
    crypto_policy_make(&crypto_options, &world->policy);
    world->config.resolver = resolver_options_default(world->arena);
    world->config.answers = (struct answer_options) { .edns_octets = UDP_OCTETS_DEFAULT, .minimal = true, .ede = true };
    world->cookie_master = (struct siphash_key) { "a secret" };
    world->config.front.cookies.enabled = true;
    if (prefix_from_text("127.0.0.0/8", &world->loopback) != OK)
        errx(EX_SOFTWARE, "loopback");
    world->config.front.allow = &world->loopback;
    world->config.front.allow_count = 1;
    world->client = (struct address) { .family = 4, .octets = { 127, 0, 0, 1 } };
    cookie_keys_set(&world->cookie_keys, &world->config.front.cookies, &world->cookie_master, world->now);
    fill_cache(world);
}

static void world_clear(struct world *world)
{
    trust_free(world->trust);
    cache_free(world->cache);
    random_free(world->random);
    arena_free(world->arena);
}

static struct client_query query_of(const struct worker *worker)
{
    return (struct client_query) {
        .header = { .rd = true, .ad = true },
        .question = { .qtype = TYPE_A, .qclass = CLASS_IN },
        .edns = true,
        .dnssec_ok = worker->dnssec_ok,
        .size_max = UDP_OCTETS_DEFAULT,
    };
}

static struct resolver *resolver_of(struct world *world, struct random *random)
{
    struct resolver_parts parts = {
        .cache = world->cache,
        .random = random,
        .options = &world->config.resolver,
        .policy = &world->policy,
        .trust = world->trust,
    };
    return resolver_new(&parts);
}

static void hit(struct world *world, struct resolver *resolver, const struct client_query *query)
{
    static _Thread_local uint8_t buffer[UDP_OCTETS_DEFAULT];
    struct want want;
    resolver_ask(resolver, &query->question, query->header.cd, buffer, world->now);
    if (!resolver_next(resolver, world->now, &want) || want.kind != WANT_DONE || want.outcome->security != SECURE)
        errx(EX_SOFTWARE, "not a hit");
    struct octets response =
        response_write(&world->config.answers, query, want.outcome, world->now, buffer, sizeof(buffer));
    if (response.len <= HEADER_OCTETS || resolver_next(resolver, world->now, &want))
        errx(EX_SOFTWARE, "not an answer");
}

static double thread_cpu_ns(void)
{
    struct timespec spent;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &spent);
    return (double)spent.tv_sec * 1e9 + (double)spent.tv_nsec;
}

static void the_long_way(struct worker *worker)
{
    struct random *random = random_secure_new();
    struct resolver *resolver = resolver_of(worker->world, random);
    struct client_query query = query_of(worker);
    struct dname *names = memory_new(NAMES, sizeof(*names));
    for (unsigned i = 0; i < NAMES; i++)
        names[i] = name_of(i);
    double began = thread_cpu_ns();
    for (unsigned i = 0; i < worker->world->hits; i++) {
        query.header.id = (uint16_t)i;
        query.question.qname = names[any_name(worker, NAMES)];
        hit(worker->world, resolver, &query);
    }
    worker->cpu_ns = (thread_cpu_ns() - began) / worker->world->hits;
    free(names);
    resolver_free(resolver);
    random_free(random);
}

/* What the clients send, but for the digits: its octets. */
static size_t make_question(const struct worker *worker, uint8_t octets[QUESTION_OCTETS])
{
    const struct header header = { .rd = true, .ad = true };
    struct edns edns = { .present = true, .udp_octets = UDP_OCTETS_DEFAULT, .dnssec_ok = worker->dnssec_ok };
    const struct world *world = worker->world;
    uint8_t cookie[COOKIE_OCTETS];
    struct octets client_part = { (const uint8_t *)"12345678", COOKIE_CLIENT_OCTETS };
    cookie_judge(&world->cookie_keys, client_part, &world->client, world->now, cookie);
    if (worker->with_cookie)
        edns.options[edns.option_count++] = (struct edns_option) { EDNS_COOKIE, { cookie, sizeof(cookie) } };
    struct question question = { .qname = name_of(0), .qtype = TYPE_A, .qclass = CLASS_IN };
    struct message_writer m;
    message_begin(&m, octets, QUESTION_OCTETS, &header);
    message_put_question(&m, &question);
    if (!message_put_edns(&m, &edns))
        errx(EX_SOFTWARE, "a question is too long");
    return message_end(&m).len;
}

static void ask_for(uint8_t question[QUESTION_OCTETS], unsigned name)
{
    question[TLD_AT] = (uint8_t)('0' + name % TLDS);
    for (unsigned i = NUMBER_DIGITS; i-- > 0; name /= 10)
        question[NUMBER_AT + i] = (uint8_t)('0' + name % 10);
}

static void make_all_ready(struct world *world)
{
    static _Thread_local uint8_t buffer[MESSAGE_OCTETS_MAX];
    struct random *random = random_secure_new();
    struct resolver *resolver = resolver_of(world, random);
    struct want want;
    for (unsigned i = 0; i < world->names; i++) {
        struct question question = { .qname = name_of(i), .qtype = TYPE_A, .qclass = CLASS_IN };
        struct ready_draft draft;
        resolver_ask(resolver, &question, false, buffer, world->now);
        if (!resolver_next(resolver, world->now, &want) || want.kind != WANT_DONE ||
            !response_make_ready(&world->config.answers, want.outcome, world->now, buffer, sizeof(buffer), &draft))
            errx(EX_SOFTWARE, "cannot be made ready");
        ready_put(world->cache, &question, ORIGIN_ITERATIVE, &draft, world->now);
        resolver_next(resolver, world->now, &want);
    }
    resolver_free(resolver);
    random_free(random);
}

static void answer_batch(struct worker *worker, const struct octets questions[BATCH])
{
    static const struct client_transport udp = { .name = "udp" };
    const struct client client = { .transport = &udp, .address = worker->world->client };
    at_once_expect(worker->at_once, questions, BATCH, worker->world->now);
    for (unsigned i = 0; i < BATCH; i++)
        if (at_once_answer(worker->at_once, i, &client, worker->answers[i]).len == 0)
            errx(EX_SOFTWARE, "not ready");
}

static void ready_made(struct worker *worker)
{
    struct world *world = worker->world;
    struct worker_stats *stats = memory_new_apart(sizeof(*stats));
    struct octets batch[BATCH];
    worker->at_once = at_once_new(world->cache, &world->config, &world->cookie_master, stats);
    for (unsigned i = 0; i < BATCH; i++)
        batch[i] = (struct octets) { worker->questions[i], make_question(worker, worker->questions[i]) };
    double began = thread_cpu_ns();
    for (unsigned i = 0; i < world->hits; i += BATCH) {
        for (unsigned k = 0; k < BATCH; k++)
            ask_for(worker->questions[k], any_name(worker, world->names));
        answer_batch(worker, batch);
    }
    worker->cpu_ns = (thread_cpu_ns() - began) / world->hits;
    if (stats->cookies[worker->with_cookie ? COOKIE_GOOD : COOKIE_NONE] != stats->answers_ready)
        errx(EX_SOFTWARE, "cookies are not what they should be");
    at_once_free(worker->at_once);
    free(stats);
}

static void *work(void *context)
{
    struct worker *worker = context;
    worker->way(worker);
    return NULL;
}

static void measure(struct world *world, void (*way)(struct worker *worker), unsigned threads, bool dnssec_ok,
                    bool with_cookie)
{
    struct worker *workers[THREADS_MAX];
    double cpu_ns = 0;
    for (unsigned i = 0; i < threads; i++) {
        workers[i] = memory_new_apart(sizeof(*workers[i]));
        workers[i]->world = world;
        workers[i]->way = way;
        workers[i]->dnssec_ok = dnssec_ok;
        workers[i]->with_cookie = with_cookie;
        workers[i]->chance = 1 + i;
        if (pthread_create(&workers[i]->thread, NULL, work, workers[i]) != 0)
            errx(EX_OSERR, "pthread_create");
    }
    for (unsigned i = 0; i < threads; i++) {
        pthread_join(workers[i]->thread, NULL);
        cpu_ns += workers[i]->cpu_ns;
        free(workers[i]);
    }
    printf("%s, %u thread%s, DO=%d%s: %.0f ns a hit\n", way == ready_made ? "ready-made" : "the long way", threads,
           threads == 1 ? "" : "s", dnssec_ok, with_cookie ? ", a cookie" : "", cpu_ns / threads);
}

static unsigned number_of(int argc, char **argv, int at, unsigned usual, unsigned most)
{
    unsigned long number = argc > at ? strtoul(argv[at], NULL, 10) : usual;
    if (number == 0 || number > most)
        errx(EX_USAGE, "usage: hit [THREADS [NAMES [HITS]]]");
    return (unsigned)number;
}

int main(int argc, char **argv)
{
    static struct world world;
    unsigned threads = number_of(argc, argv, 1, 2, THREADS_MAX);
    world.names = number_of(argc, argv, 2, NAMES, NAMES_MAX);
    world.hits = number_of(argc, argv, 3, HITS, UINT32_MAX) / BATCH * BATCH;
    world_init(&world);
    make_all_ready(&world);
    for (unsigned count = 1; count <= threads; count *= 2) {
        for (unsigned kind = 0; kind < 4; kind++)
            measure(&world, ready_made, count, kind / 2, kind % 2);
        for (unsigned kind = 0; kind < 2 && world.names == NAMES; kind++)
            measure(&world, the_long_way, count, kind, false);
    }
    world_clear(&world);
    return EX_OK;
}
