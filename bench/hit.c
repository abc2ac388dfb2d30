/* A cache hit without sockets, in both ways: ready-made, in batches as a worker does it; and the long way, which asks the
 * resolver and writes the response.  What remains of a hit in vouchd is the transport's.  See README.md. */
#include <err.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <time.h>

#include "base/hash.h"
#include "cache/ready.h"
#include "front/front.h"
#include "resolver/response.h"

enum { NAMES = 10000, HITS = 2000000, THREADS_MAX = 64, TTL_S = 86400, SIGNATURE_OCTETS = 64, DAY_MS = 86400000 };
enum { BATCH = 64, QUESTION_OCTETS = 96 };
enum { STRIDE = 7919 }; /* prime: all names in turn, neighbours far apart */

struct world {
    struct arena *arena;
    struct random *random;
    struct cache *cache;
    struct trust *trust;
    struct crypto_policy policy;
    struct resolver_options options;
    struct answer_options answer_options;
    struct now now;
    struct cookie_keys cookie_keys;
    struct front_options front;
    struct address client;
    struct dname names[NAMES];
};

struct worker {
    struct world *world;
    void (*way)(struct worker *worker);
    bool dnssec_ok, with_cookie;
    pthread_t thread;
    double cpu_ns; /* for one hit */
};

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
    for (unsigned i = 0; i < NAMES; i++) {
        char text[32];
        snprintf(text, sizeof(text), "h0.z%u.t%u.", i / 2, i % 10);
        if (dname_from_text(text, &world->names[i]) != OK)
            errx(EX_SOFTWARE, "%s", text);
        cache_put_answer(world->cache, secure_answer(world, arena, &world->names[i]), world->now);
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
    world->cache = cache_new(&cache_options, world->random);
    world->trust = trust_new();
    trust_add_built_in(world->trust);
    struct crypto_options crypto_options = crypto_options_default();
    crypto_policy_make(&crypto_options, &world->policy);
    world->options = resolver_options_default(world->arena);
    world->answer_options = (struct answer_options) { .edns_octets = UDP_OCTETS_DEFAULT, .minimal = true, .ede = true };
    static const struct siphash_key master = { "a secret" };
    world->front.cookies.enabled = true;
    world->client = (struct address) { .family = 4, .octets = { 127, 0, 0, 1 } };
    cookie_keys_set(&world->cookie_keys, &world->front.cookies, &master, world->now);
    fill_cache(world);
}

static void world_clear(struct world *world)
{
    trust_free(world->trust);
    cache_free(world->cache);
    random_free(world->random);
    arena_free(world->arena);
}

static const struct dname *name_of_hit(const struct world *world, unsigned i)
{
    return &world->names[(uint64_t)i * STRIDE % NAMES];
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
        .options = &world->options,
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
        response_write(&world->answer_options, query, want.outcome, world->now, buffer, sizeof(buffer));
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
    double began = thread_cpu_ns();
    for (unsigned i = 0; i < HITS; i++) {
        query.header.id = (uint16_t)i;
        query.question.qname = *name_of_hit(worker->world, i);
        hit(worker->world, resolver, &query);
    }
    worker->cpu_ns = (thread_cpu_ns() - began) / HITS;
    resolver_free(resolver);
    random_free(random);
}

/* What the clients send. */
static uint8_t (*make_questions(const struct worker *worker, size_t octets[NAMES]))[QUESTION_OCTETS]
{
    uint8_t(*questions)[QUESTION_OCTETS] = calloc(NAMES, sizeof(*questions));
    const struct header header = { .rd = true, .ad = true };
    struct edns edns = { .present = true, .udp_octets = UDP_OCTETS_DEFAULT, .dnssec_ok = worker->dnssec_ok };
    const struct world *world = worker->world;
    uint8_t cookie[COOKIE_OCTETS];
    struct octets client_part = { (const uint8_t *)"12345678", COOKIE_CLIENT_OCTETS };
    cookie_judge(&world->cookie_keys, client_part, &world->client, world->now, cookie);
    if (worker->with_cookie)
        edns.options[edns.option_count++] = (struct edns_option) { EDNS_COOKIE, { cookie, sizeof(cookie) } };
    for (unsigned i = 0; questions != NULL && i < NAMES; i++) {
        struct question question = { .qname = worker->world->names[i], .qtype = TYPE_A, .qclass = CLASS_IN };
        struct message_writer m;
        message_begin(&m, questions[i], QUESTION_OCTETS, &header);
        message_put_question(&m, &question);
        if (!message_put_edns(&m, &edns))
            errx(EX_SOFTWARE, "a question is too long");
        octets[i] = message_end(&m).len;
    }
    return questions;
}

static void make_all_ready(struct worker *worker)
{
    static _Thread_local uint8_t buffer[MESSAGE_OCTETS_MAX];
    struct world *world = worker->world;
    struct random *random = random_secure_new();
    struct resolver *resolver = resolver_of(world, random);
    struct want want;
    for (unsigned i = 0; i < NAMES; i++) {
        struct question question = { .qname = world->names[i], .qtype = TYPE_A, .qclass = CLASS_IN };
        struct ready_draft draft;
        resolver_ask(resolver, &question, false, buffer, world->now);
        if (!resolver_next(resolver, world->now, &want) || want.kind != WANT_DONE ||
            !response_make_ready(&world->answer_options, want.outcome, world->now, buffer, sizeof(buffer), &draft))
            errx(EX_SOFTWARE, "cannot be made ready");
        ready_put(world->cache, &question, ORIGIN_ITERATIVE, &draft, world->now);
        resolver_next(resolver, world->now, &want);
    }
    resolver_free(resolver);
    random_free(random);
}

/* As the worker does it for each plain question. */
static struct octets write_options(const struct world *world, const struct plain_question *plain,
                                   uint8_t buffer[FRONT_OPTIONS_OCTETS_MAX])
{
    static const struct edns_wishes none;
    struct front_asker asker = front_asker_of(&world->cookie_keys, plain->has_options ? &plain->wishes : &none,
                                              &world->client, false, world->now);
    if (plain->has_options != (asker.cookie == COOKIE_GOOD))
        errx(EX_SOFTWARE, "not a good cookie");
    return front_write_options(&world->front, &asker, 0, buffer);
}

static void answer_batch(struct worker *worker, const struct octets questions[BATCH])
{
    static _Thread_local struct plain_question plains[BATCH];
    static _Thread_local struct ready_key keys[BATCH];
    static _Thread_local uint8_t answers[BATCH][READY_BUFFER_OCTETS];
    const struct cache *cache = worker->world->cache;
    uint8_t options[FRONT_OPTIONS_OCTETS_MAX];
    struct ready_manner manner = { .edns_octets = UDP_OCTETS_DEFAULT, .ede = true, .octets_max = UDP_OCTETS_DEFAULT };
    for (unsigned i = 0; i < BATCH; i++) {
        if (!plain_question_read(questions[i], &plains[i]))
            errx(EX_SOFTWARE, "not plain");
        ready_key_make(cache, &plains[i], ORIGIN_ITERATIVE, &keys[i]);
        ready_prefetch_index(cache, &keys[i]);
    }
    for (unsigned i = 0; i < BATCH; i++)
        ready_prefetch_entry(cache, &keys[i]);
    for (unsigned i = 0; i < BATCH; i++) {
        manner.options = write_options(worker->world, &plains[i], options);
        if (ready_answer(worker->world->cache, &keys[i], &plains[i], &manner, worker->world->now, answers[i])
                .message.len == 0)
            errx(EX_SOFTWARE, "not ready");
    }
}

static void ready_made(struct worker *worker)
{
    static _Thread_local size_t octets[NAMES];
    uint8_t(*questions)[QUESTION_OCTETS] = make_questions(worker, octets);
    if (questions == NULL)
        err(EX_OSERR, "calloc");
    make_all_ready(worker);
    double began = thread_cpu_ns();
    for (unsigned i = 0; i < HITS; i += BATCH) {
        struct octets batch[BATCH];
        for (unsigned k = 0; k < BATCH; k++) {
            size_t name = (uint64_t)(i + k) * STRIDE % NAMES;
            batch[k] = (struct octets) { questions[name], octets[name] };
        }
        answer_batch(worker, batch);
    }
    worker->cpu_ns = (thread_cpu_ns() - began) / HITS;
    free(questions);
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
    struct worker workers[THREADS_MAX];
    double cpu_ns = 0;
    for (unsigned i = 0; i < threads; i++) {
        workers[i] = (struct worker) { .world = world, .way = way, .dnssec_ok = dnssec_ok, .with_cookie = with_cookie };
        if (pthread_create(&workers[i].thread, NULL, work, &workers[i]) != 0)
            errx(EX_OSERR, "pthread_create");
    }
    for (unsigned i = 0; i < threads; i++) {
        pthread_join(workers[i].thread, NULL);
        cpu_ns += workers[i].cpu_ns;
    }
    printf("%s, %u thread%s, DO=%d%s: %.0f ns a hit\n", way == ready_made ? "ready-made" : "the long way", threads,
           threads == 1 ? "" : "s", dnssec_ok, with_cookie ? ", a cookie" : "", cpu_ns / threads);
}

int main(int argc, char **argv)
{
    static struct world world;
    unsigned threads = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 2;
    if (argc > 2 || threads == 0 || threads > THREADS_MAX)
        errx(EX_USAGE, "usage: hit [THREADS]");
    world_init(&world);
    for (unsigned count = 1; count <= threads; count *= 2) {
        measure(&world, ready_made, count, false, false);
        measure(&world, ready_made, count, false, true);
        measure(&world, ready_made, count, true, false);
        measure(&world, ready_made, count, true, true);
        measure(&world, the_long_way, count, false, false);
        measure(&world, the_long_way, count, true, false);
    }
    world_clear(&world);
    return EX_OK;
}
