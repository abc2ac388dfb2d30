#include <pthread.h>

#include "cache/denial_index.h"
#include "cache/testing.h"

/* Readers and writers at once.  What is found is whole, and a record that nobody takes away is always found, while its
 * table grows, shrinks and is replaced.  Under ThreadSanitizer also: nothing is read while it is written. */
enum { READERS = 3, WRITERS = 2, ROUNDS = 1500, NAMES = 40, BUDGET_OCTETS = 1 << 20, LINEAGES_OCTETS = 1 << 17 };

static struct lineages *lineages;
static struct denial_index *denials;
static _Atomic unsigned writing = WRITERS;
static const struct denial_stamp stamp = {
    .received_ms = (int64_t)TEST_TIME_S * 1000,
    .expires_ms_max = INT64_MAX,
};

static void file(struct arena *arena, const char *owner, const char *next, const char *zone, uint64_t key)
{
    static const char signature[] = "RRSIG NSEC 13 2 3600 20300101000000 20200101000000 7";
    struct answer *answer = answer_of(arena, "q.", TYPE_A, ANSWER_NXDOMAIN, NULL, 3600, at(0));
    struct lineage lineage = { .count = 1, .keys = { key } };
    struct denial_stamp own = stamp;
    const char *const proofs[] = {
        arena_printf(arena, "%s 3600 IN NSEC %s A\n%s 3600 IN %s %s AAAA\n", owner, next, owner, signature, zone), NULL
    };
    answer->proofs = list_of(arena, proofs);
    own.epoch = lineages_epoch(lineages);
    assert_true(lineages_intern(lineages, &lineage, &own.lineage));
    denial_index_add(denials, answer, &own, at(0));
}

static void *write_all(void *context)
{
    unsigned own = *(const unsigned *)context;
    struct arena *arena = arena_new();
    for (unsigned i = 0; i < ROUNDS; i++) {
        unsigned number = i * 7 % NAMES;
        uint64_t flushed = 2 + own;
        arena_reset(arena);
        file(arena, arena_printf(arena, "n%u-%u.example.", own, number),
             arena_printf(arena, "n%u-%ux.example.", own, number), "example.", flushed);
        file(arena, "a.other.", "b.other.", "other.", flushed);
        file(arena, "b.example.", "d.example.", "example.", 1); /* refreshed, never away */
        if (i % 16 == own) {
            struct dname other = name_of("other.");
            denial_index_drop_below(denials, &other);
        }
        if (i % 50 == own) {
            lineages_revoke(lineages, &flushed, 1);
            denial_index_drop_fallen(denials);
        }
    }
    arena_free(arena);
    atomic_fetch_sub(&writing, 1);
    return NULL;
}

static void *read_all(void *context)
{
    unsigned *rounds = context;
    struct arena *arena = arena_new();
    struct dname zone = name_of("example."), other = name_of("other."), always = name_of("c.example.");
    struct dname sometimes = name_of("n0-7a.example.");
    for (; atomic_load(&writing) > 0; ++*rounds) {
        struct denial_asked asked = { &zone, 0, at(1), arena }, elsewhere = { &other, 0, at(1), arena };
        struct denial_found found;
        arena_reset(arena);
        assert_true(denial_index_nsec(denials, &asked, &always, TYPE_A, &found));
        assert_int_equal(found.rrset->owner->octets[1], 'b');
        assert_int_equal(found.lineage.keys[0], 1);
        if (denial_index_nsec(denials, &asked, &sometimes, TYPE_A, &found))
            assert_true(dname_is_subdomain(found.rrset->owner, &zone));
        denial_index_nsec(denials, &elsewhere, &other, TYPE_A, &found);
        assert_true(denial_index_zone(denials, &always, 0, &zone));
    }
    arena_free(arena);
    return NULL;
}

static void test_readers_and_writers(void **state)
{
    (void)state;
    static const unsigned numbers[WRITERS] = { 0, 1 };
    pthread_t readers[READERS], writers[WRITERS];
    unsigned rounds[READERS] = { 0 };
    struct arena *arena = arena_new();
    set_hash_secret();
    lineages = lineages_new(LINEAGES_OCTETS);
    denials = denial_index_new(BUDGET_OCTETS, lineages);
    uint64_t empty = denial_index_octets(denials);
    file(arena, "b.example.", "d.example.", "example.", 1);
    for (size_t i = 0; i < READERS; i++)
        assert_int_equal(pthread_create(&readers[i], NULL, read_all, &rounds[i]), 0);
    for (size_t i = 0; i < WRITERS; i++)
        assert_int_equal(pthread_create(&writers[i], NULL, write_all, (void *)(uintptr_t)&numbers[i]), 0);
    for (size_t i = 0; i < WRITERS; i++)
        pthread_join(writers[i], NULL);
    for (size_t i = 0; i < READERS; i++)
        pthread_join(readers[i], NULL);
    denial_index_drop_all(denials);
    assert_int_equal(denial_index_octets(denials), empty);
    denial_index_free(denials);
    lineages_free(lineages);
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_readers_and_writers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
