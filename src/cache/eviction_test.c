#include "cache/pool.h"

#include <math.h>

#include "cache/testing.h"

/* Property: under pressure the pool keeps what is used: its hit ratio on Zipf traces, with ten times more names than
 * fit, is that of SIEVE with as many entries, or no more than 3 % below. */
enum { NAMES = 100000, REQUESTS = 1000000, WARM_UP = 300000, VALUE_OCTETS = 100 };

static int start(void **state)
{
    (void)state;
    set_hash_secret();
    return 0;
}

/* ---- traces ---- */

struct zipf {
    struct random *random;
    double sums[NAMES];
};

static struct zipf *zipf_new(double exponent)
{
    struct zipf *zipf = memory_new(1, sizeof(*zipf));
    zipf->random = random_seeded_new(7);
    double sum = 0;
    for (uint32_t i = 0; i < NAMES; i++)
        zipf->sums[i] = sum += 1 / pow(i + 1, exponent);
    for (uint32_t i = 0; i < NAMES; i++)
        zipf->sums[i] /= sum;
    return zipf;
}

static uint32_t zipf_next(struct zipf *zipf)
{
    double at = (double)random_u32(zipf->random) / UINT32_MAX;
    uint32_t low = 0, high = NAMES - 1;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (zipf->sums[middle] < at)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void zipf_free(struct zipf *zipf)
{
    random_free(zipf->random);
    free(zipf);
}

/* ---- SIEVE, as in the paper ---- */

struct sieve {
    uint32_t previous[NAMES + 1], next[NAMES + 1]; /* a ring through NAMES, the newest behind it */
    bool is_in[NAMES], visited[NAMES];
    uint32_t count, size, hand;
};

static void sieve_evict(struct sieve *sieve)
{
    uint32_t at = sieve->hand;
    while (at == NAMES || sieve->visited[at]) {
        if (at != NAMES)
            sieve->visited[at] = false;
        at = sieve->previous[at];
    }
    sieve->hand = sieve->previous[at];
    sieve->next[sieve->previous[at]] = sieve->next[at];
    sieve->previous[sieve->next[at]] = sieve->previous[at];
    sieve->is_in[at] = false;
    sieve->count--;
}

static bool sieve_ask(struct sieve *sieve, uint32_t name)
{
    if (sieve->is_in[name])
        return sieve->visited[name] = true;
    if (sieve->count == sieve->size)
        sieve_evict(sieve);
    sieve->previous[name] = NAMES;
    sieve->next[name] = sieve->next[NAMES];
    sieve->previous[sieve->next[name]] = name;
    sieve->next[NAMES] = name;
    sieve->is_in[name] = true;
    sieve->visited[name] = false;
    sieve->count++;
    return false;
}

static uint32_t sieve_hits(double exponent, uint32_t size)
{
    struct zipf *zipf = zipf_new(exponent);
    struct sieve *sieve = memory_new(1, sizeof(*sieve));
    uint32_t hits = 0;
    sieve->size = size;
    sieve->hand = sieve->next[NAMES] = sieve->previous[NAMES] = NAMES;
    for (uint32_t i = 0; i < REQUESTS; i++)
        hits += sieve_ask(sieve, zipf_next(zipf)) && i >= WARM_UP;
    free(sieve);
    zipf_free(zipf);
    return hits;
}

/* ---- the pool ---- */

static bool pool_ask(struct pool *pool, uint32_t name)
{
    uint8_t value[VALUE_OCTETS] = { 0 };
    struct octets octets = { (const uint8_t *)&name, sizeof(name) };
    struct pool_key key = { hash_octets(octets, 1), octets };
    if (pool_read(pool, &key, value, sizeof(value)) == sizeof(value))
        return true;
    assert_true(pool_put(pool, &key,
                         (struct pool_write) { .value = { value, sizeof(value) }, .expires_ms = INT64_C(3600000) }));
    return false;
}

static void test_hit_ratio(void **state)
{
    (void)state;
    static const double exponents[] = { 0.9, 1.0, 1.1 };
    enum { POOL_OCTETS = NAMES / 10 * 150 };
    for (size_t i = 0; i < ARRAY_LEN(exponents); i++) {
        struct zipf *zipf = zipf_new(exponents[i]);
        struct pool *pool = pool_new(POOL_OCTETS, 1);
        uint32_t hits = 0;
        uint64_t entries = 0, samples = 0;
        for (uint32_t k = 0; k < REQUESTS; k++) {
            hits += pool_ask(pool, zipf_next(zipf)) && k >= WARM_UP;
            if (k >= WARM_UP && k % 1000 == 0) {
                struct pool_stats stats;
                pool_measure(pool, &stats);
                entries += stats.entries[0];
                samples++;
            }
        }
        uint32_t same = (uint32_t)(entries / samples), expected = sieve_hits(exponents[i], same);
        print_message("Zipf %.1f, %u entries: %u hits, SIEVE %u\n", exponents[i], same, hits, expected);
        assert_in_range(same, NAMES / 20, NAMES / 5);
        assert_true(hits >= expected * 0.97);
        pool_free(pool);
        zipf_free(zipf);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hit_ratio),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
