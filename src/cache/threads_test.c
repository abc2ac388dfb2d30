#include "cache/testing.h"

#include <pthread.h>

/* All calls from four threads at once, on few names in little memory.  By itself it shows that what comes out is whole;
 * under ThreadSanitizer also that nothing is read while it is written. */
enum { THREADS = 4, STEPS = 15000, NAMES = 3000, KEYS = 8 };

static int start(void **state)
{
    (void)state;
    set_hash_secret();
    return 0;
}

struct worker {
    struct cache *cache;
    struct random *random;
    struct arena *arena;
    uint64_t found;
};

static const char *name_text(struct worker *w, uint32_t number)
{
    return arena_printf(w->arena, "n%u.z%u.", number, number % 7);
}

/* The TXT record says the number, over and over: a torn entry would show. */
static struct answer *numbered_answer(struct worker *w, uint32_t number)
{
    struct answer *answer = ARENA_NEW(w->arena, struct answer);
    struct rrset *rrset = ARENA_NEW(w->arena, struct rrset);
    struct octets *rdata = ARENA_NEW(w->arena, struct octets);
    size_t len = 4 + number % 50 * 4;
    uint32_t *data = arena_alloc(w->arena, len);
    for (size_t i = 0; i < len / 4; i++)
        data[i] = number;
    *rdata = (struct octets) { (const uint8_t *)data, len };
    answer->question = question_of(name_text(w, number), TYPE_TXT);
    *rrset = (struct rrset) { .owner = &answer->question.qname, .type = TYPE_TXT, .class = CLASS_IN, .count = 1 };
    rrset->rdata = rdata;
    answer->rrsets = (struct rrset_list) { ARENA_NEW(w->arena, struct rrset *), 1 };
    answer->rrsets.items[0] = rrset;
    answer->zone = *dname_root();
    answer->received_ms = at(0).wall_ms;
    answer->expires_ms = at(1 + number % 100).wall_ms;
    answer->verdict.valid_until_s = INT64_MAX;
    answer->verdict.ttl_cap_s = UINT32_MAX;
    lineage_add(&answer->verdict.lineage, number % KEYS + 1);
    lineage_add(&answer->verdict.lineage, number + 100);
    return judged(answer, number % 5 == 0 ? UNCHECKED : SECURE);
}

static void find_one(struct worker *w, uint32_t number)
{
    struct question question = question_of(name_text(w, number), TYPE_TXT);
    struct answer *answer;
    if (cache_find_answer(w->cache, &question, 0, at(number % 3), w->arena, &answer) == CACHE_MISS)
        return;
    struct octets rdata = answer->rrsets.items[0]->rdata[0];
    assert_int_equal(rdata.len, 4 + number % 50 * 4);
    for (size_t i = 0; i < rdata.len; i += 4)
        assert_memory_equal(rdata.data + i, &number, 4);
    assert_int_equal(answer->verdict.lineage.count, answer->verdict.security == UNCHECKED ? 0 : 2);
    w->found++;
}

static bool count_row(void *context, const struct cache_row *row)
{
    (void)row;
    return ++*(size_t *)context < 200;
}

static void deny(struct worker *w, uint32_t number)
{
    static const char signature[] = "13 2 60 20300101000000 20200101000000 7";
    const char *zone = arena_printf(w->arena, "z%u.", number % 7), *owner = name_text(w, number);
    const char *const proofs[] = {
        arena_printf(w->arena, "%s 60 IN NSEC %s A\n%s 60 IN RRSIG NSEC %s %s AAAA\n", owner, zone, owner, signature,
                     zone),
        NULL,
    };
    struct answer *answer =
        answer_of(w->arena, arena_printf(w->arena, "x.%s", owner), TYPE_A, ANSWER_NXDOMAIN, NULL, 60, at(0));
    answer->proofs = list_of(w->arena, proofs);
    cache_put_answer(w->cache, resting_on(answer, number % KEYS + 1), at(0));
}

static void use_denial(struct worker *w, uint32_t number)
{
    struct dname zone = name_of(arena_printf(w->arena, "z%u.", number % 7)), name = name_of(name_text(w, number));
    struct denial_asked asked = { &zone, 0, at(0), w->arena };
    struct denial_found found;
    if (cache_denial_nsec(w->cache, &asked, &name, TYPE_A, &found))
        assert_int_equal(found.rrset->type, TYPE_NSEC);
}

static void rare_step(struct worker *w, uint32_t number)
{
    struct dname name = name_of(name_text(w, number));
    uint64_t key = number % KEYS + 1, keys[4];
    struct cache_stats stats;
    size_t rows = 0;
    switch (random_below(w->random, 8)) {
    case 0:
        cache_flush_keys(w->cache, &key, 1);
        break;
    case 1:
        cache_forget_verdicts(w->cache);
        break;
    case 2:
        cache_flush_name(w->cache, &name);
        break;
    case 3:
        cache_flush_zone(w->cache, &name);
        break;
    case 4:
        cache_walk(w->cache, at(0), count_row, &rows);
        break;
    case 5:
        cache_keys_of(w->cache, &name, 1, keys, 4);
        break;
    default:
        cache_get_stats(w->cache, &stats);
        assert_true(stats.used_octets <= stats.size_octets);
        break;
    }
}

static void step(struct worker *w)
{
    uint32_t number = random_below(w->random, NAMES), what = random_below(w->random, 1000);
    struct question question = question_of(name_text(w, number), TYPE_MX);
    struct delegation delegation = { .zone = question.qname, .expires_ms = at(50).wall_ms };
    struct failure failure = { .site = "test" };
    if (what < 300)
        cache_put_answer(w->cache, numbered_answer(w, number), at(0));
    else if (what < 800)
        find_one(w, number);
    else if (what < 830)
        cache_put_delegation(w->cache, &delegation, at(0));
    else if (what < 860)
        cache_find_delegation(w->cache, &question.qname, 0, at(0), w->arena);
    else if (what < 890)
        cache_put_failure(w->cache, &question, 0, &failure, at(0));
    else if (what < 920)
        cache_find_failure(w->cache, &question, 0, at(0), &failure);
    else if (what < 960)
        deny(w, number);
    else if (what < 990)
        use_denial(w, number);
    else
        rare_step(w, number);
}

static void *work(void *context)
{
    struct worker *w = context;
    for (int i = 0; i < STEPS; i++) {
        arena_reset(w->arena);
        step(w);
    }
    return NULL;
}

static void test_all_at_once(void **state)
{
    (void)state;
    struct cache_options options = cache_options_default();
    options.size_octets = 0; /* the least there is: entries are evicted all the time */
    struct cache *cache = cache_of(&options);
    struct worker workers[THREADS];
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) {
        workers[i] = (struct worker) { cache, random_seeded_new((uint64_t)i), arena_new(), 0 };
        assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        assert_true(workers[i].found > 0);
        random_free(workers[i].random);
        arena_free(workers[i].arena);
    }
    cache_free(cache);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_at_once),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
