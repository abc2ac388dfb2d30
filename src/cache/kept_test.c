/* A cache in memory that outlives it. */
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cache/pages.h"
#include "cache/testing.h"

enum { NAMES = 3000, KILLS = 10 };

static int start(void **state)
{
    (void)state;
    set_hash_secret();
    return 0;
}

struct kept {
    struct cache_options options;
    struct cache_keeping keeping;
    struct random *random;
    struct arena *arena;
    enum cache_warmth warmth;
};

static struct kept kept_new(void)
{
    struct kept kept = { cache_options_default(), { NULL, 1, 2 }, random_seeded_new(1), arena_new(), CACHE_COLD };
    kept.options.size_octets = SIZE_OF_TESTS;
    kept.keeping.memory =
        mmap(NULL, cache_kept_octets(&kept.options), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(kept.keeping.memory != MAP_FAILED);
    return kept;
}

static void kept_clear(struct kept *kept)
{
    munmap(kept->keeping.memory, cache_kept_octets(&kept->options));
    random_free(kept->random);
    arena_free(kept->arena);
}

static struct cache *open_kept(struct kept *kept)
{
    return cache_new_kept(&kept->options, kept->random, &kept->keeping, &kept->warmth);
}

static const char *name_of_number(struct kept *kept, uint32_t number)
{
    return arena_printf(kept->arena, "n%u.example.", number);
}

/* The TXT record says the number: a wrong answer would show. */
static void put_number(struct kept *kept, struct cache *cache, uint32_t number)
{
    const char *name = name_of_number(kept, number);
    char *text = arena_printf(kept->arena, "%s 3600 IN TXT \"%0*u\"\n", name, (int)(number % 200 + 8), number);
    cache_put_answer(cache,
                     resting_on(answer_of(kept->arena, name, TYPE_TXT, ANSWER_DATA, text, 3600, at(0)), 1 + number % 5),
                     at(0));
}

/* The hits; each is the answer that was put. */
static uint32_t count_right(struct kept *kept, struct cache *cache, enum security security)
{
    uint32_t hits = 0;
    for (uint32_t i = 0; i < NAMES; i++) {
        struct answer *answer;
        arena_reset(kept->arena);
        if (find(cache, name_of_number(kept, i), TYPE_TXT, at(1), kept->arena, &answer) != CACHE_FRESH)
            continue;
        struct octets rdata = answer->rrsets.items[0]->rdata[0];
        assert_int_equal(rdata.len, i % 200 + 9);
        uint32_t number = 0;
        for (size_t k = 1; k < rdata.len; k++)
            number = number * 10 + rdata.data[k] - '0';
        assert_int_equal(number, i);
        assert_true(answer->verdict.security == security || answer->verdict.security == SECURE);
        hits += answer->verdict.security == security;
    }
    return hits;
}

static void test_clean_restart(void **state)
{
    (void)state;
    struct kept kept = kept_new();
    struct cache *cache = open_kept(&kept);
    assert_int_equal(kept.warmth, CACHE_COLD);
    for (uint32_t i = 0; i < NAMES; i++)
        put_number(&kept, cache, i);
    uint32_t before = count_right(&kept, cache, SECURE);
    uint64_t epoch = cache_epoch(cache), key = 2;
    cache_free(cache);
    cache = open_kept(&kept);
    assert_int_equal(kept.warmth, CACHE_WARM);
    assert_int_equal(cache_epoch(cache), epoch);
    assert_int_equal(count_right(&kept, cache, SECURE), before); /* nothing is lost */
    assert_true(before > NAMES / 2);
    assert_true(cache_flush_keys(cache, &key, 1) > before / 10); /* lineages, too */
    cache_free(cache);
    kept_clear(&kept);
}

/* Puts answers of this size under names n0.example. and so on, until something has to go. */
static void fill_up(struct kept *kept, struct cache *cache, size_t octets)
{
    struct cache_stats stats = { .evictions = 0 };
    uint8_t *data = memory_new(1, octets);
    for (uint32_t i = 0; stats.evictions == 0; i++) {
        arena_reset(kept->arena);
        const char *name = name_of_number(kept, i);
        struct answer *answer = answer_of(kept->arena, name, TYPE_TXT, ANSWER_DATA,
                                          arena_printf(kept->arena, "%s 3600 IN TXT \"\"\n", name), 3600, at(0));
        answer->rrsets.items[0]->rdata = &(struct octets) { data, octets };
        cache_put_answer(cache, resting_on(answer, 1000 + i), at(0));
        cache_get_stats(cache, &stats);
    }
    free(data);
}

static long faults(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_minflt;
}

/* A full cache is not read through before its first hit: it would take a fault for each 16 pages at the least. */
static void test_restart_is_lazy(void **state)
{
    (void)state;
    enum { FULL_OCTETS = 256 << 20, VALUE_OCTETS = 60000, FAULTS_MAX = FULL_OCTETS / PAGE_OCTETS / 16 / 4 };
    struct kept kept = kept_new();
    munmap(kept.keeping.memory, cache_kept_octets(&kept.options));
    kept.options.size_octets = FULL_OCTETS;
    uint64_t octets = cache_kept_octets(&kept.options);
    int fd = memfd_create("cache", MFD_CLOEXEC);
    assert_int_equal(ftruncate(fd, (off_t)octets), 0);
    kept.keeping.memory = mmap(NULL, octets, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    struct cache *cache = open_kept(&kept);
    fill_up(&kept, cache, VALUE_OCTETS);
    put_number(&kept, cache, 7);
    cache_free(cache);
    munmap(kept.keeping.memory, octets);
    kept.keeping.memory = mmap(NULL, octets, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    struct answer *answer;
    long before = faults();
    cache = open_kept(&kept);
    assert_int_equal(find(cache, name_of_number(&kept, 7), TYPE_TXT, at(1), kept.arena, &answer), CACHE_FRESH);
    long taken = faults() - before;
    assert_int_equal(kept.warmth, CACHE_WARM);
    assert_int_equal(answer->verdict.security, SECURE);
    print_message("%ld faults until the first hit\n", taken);
    assert_true(taken < FAULTS_MAX);
    cache_free(cache);
    close(fd);
    kept_clear(&kept);
}

static void test_what_changed(void **state)
{
    (void)state;
    struct kept kept = kept_new();
    struct cache *cache = open_kept(&kept);
    put_number(&kept, cache, 7);
    cache_free(cache);
    kept.keeping.trust++;
    cache = open_kept(&kept);
    assert_int_equal(kept.warmth, CACHE_DEMOTED);
    assert_int_equal(count_right(&kept, cache, UNCHECKED), 1);
    cache_free(cache);
    cache = open_kept(&kept);
    assert_int_equal(kept.warmth, CACHE_WARM);
    assert_int_equal(count_right(&kept, cache, UNCHECKED), 1); /* and stays so */
    cache_bind(cache, 1, 9);
    cache_free(cache);
    cache = open_kept(&kept);
    assert_int_equal(kept.warmth, CACHE_DEMOTED);
    cache_free(cache);
    kept.keeping.routes++;
    cache = open_kept(&kept);
    assert_int_equal(kept.warmth, CACHE_COLD);
    assert_int_equal(count_right(&kept, cache, UNCHECKED), 0);
    cache_free(cache);
    kept.options.size_octets /= 2; /* another layout */
    cache = open_kept(&kept);
    assert_int_equal(kept.warmth, CACHE_COLD);
    cache_free(cache);
    kept.options.size_octets *= 2;
    kept_clear(&kept);
}

/* Whatever octets stand there: no crash, no answer that was not put. */
static void test_foreign_octets(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 20; seed++) {
        struct kept kept = kept_new();
        struct random *random = random_seeded_new(seed);
        struct cache *cache = open_kept(&kept);
        for (uint32_t i = 0; i < NAMES; i++)
            put_number(&kept, cache, i);
        cache_free(cache);
        uint8_t *memory = kept.keeping.memory;
        uint64_t octets = cache_kept_octets(&kept.options);
        for (uint32_t i = 0; i < 50; i++) { /* behind the header, which would be refused */
            uint64_t at = 4096 + random_u64(random) % (octets - 8192);
            random->fill(random, memory + at, 1 + random_below(random, 4000));
        }
        cache = open_kept(&kept);
        count_right(&kept, cache, UNCHECKED);
        for (uint32_t i = 0; i < NAMES; i++)
            put_number(&kept, cache, i);
        count_right(&kept, cache, UNCHECKED);
        cache_flush_all(cache);
        cache_free(cache);
        random_free(random);
        kept_clear(&kept);
    }
}

/* A tmpfs of our own, with a file that is larger than it; nothing happens to the rest of the system.  -1: not allowed
 * here. */
static int open_in_small_tmpfs(uint64_t octets)
{
    char directory[] = "/tmp/vouch-kept.XXXXXX", path[64];
    if (mkdtemp(directory) == NULL)
        return -1;
    snprintf(path, sizeof(path), "%s/cache", directory);
    bool is_mounted = unshare(CLONE_NEWNS) == 0 && mount("", "/", "", MS_REC | MS_PRIVATE, NULL) == 0 &&
                      mount("tmpfs", directory, "tmpfs", 0, "size=1m") == 0;
    int fd = is_mounted ? open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600) : -1;
    if (is_mounted)
        umount2(directory, MNT_DETACH);
    rmdir(directory);
    return fd >= 0 && ftruncate(fd, (off_t)octets) == 0 ? fd : -1;
}

enum { CHILD_SKIPPED = 77 };

/* In a process of its own: SIGBUS would be its end. */
static void fill_small_tmpfs(void)
{
    struct kept kept = kept_new();
    uint64_t octets = cache_kept_octets(&kept.options);
    munmap(kept.keeping.memory, octets);
    int fd = open_in_small_tmpfs(octets);
    if (fd < 0)
        _exit(CHILD_SKIPPED);
    kept.keeping.memory = mmap(NULL, octets, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    struct cache *cache = open_kept(&kept);
    for (uint32_t i = 0; i < 4 * NAMES; i++) {
        arena_reset(kept.arena);
        put_number(&kept, cache, i);
    }
    uint32_t hits = 0;
    for (uint32_t i = 4 * NAMES - 200; i < 4 * NAMES; i++) {
        struct answer *answer;
        hits += find(cache, name_of_number(&kept, i), TYPE_TXT, at(1), kept.arena, &answer) == CACHE_FRESH;
    }
    struct cache_stats stats;
    cache_get_stats(cache, &stats);
    bool is_right = stats.refusals > 0 && stats.evictions > NAMES && hits > 150;
    if (!is_right)
        print_message("%u of the last 200, %lu refusals, %lu evictions\n", hits, (unsigned long)stats.refusals,
                      (unsigned long)stats.evictions);
    cache_free(cache);
    _exit(is_right ? 0 : 1);
}

/* The file is in a tmpfs that has less space than it was made for: the cache makes do with what it got. */
static void test_tmpfs_is_full(void **state)
{
    (void)state;
    int status;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        fill_small_tmpfs();
    waitpid(child, &status, 0);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == CHILD_SKIPPED)
        skip();
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void *write_for_ever(void *context)
{
    struct kept own = *(struct kept *)context;
    struct cache *cache = own.keeping.memory; /* the cache itself, here */
    own.arena = arena_new();
    for (uint32_t i = 0;; i++) {
        arena_reset(own.arena);
        put_number(&own, cache, i * 7 % NAMES);
        if (i % 5000 == 4999)
            cache_forget_verdicts(cache);
    }
    return NULL;
}

/* Whoever reads from the pipe learns that there is something to kill. */
static void write_until_killed(struct kept *kept, int ready)
{
    pthread_t other;
    struct kept parts = *kept;
    parts.keeping.memory = open_kept(kept);
    if (write(ready, "", 1) != 1)
        _exit(1);
    pthread_create(&other, NULL, write_for_ever, &parts);
    write_for_ever(&parts);
}

/* kill -9 under load: torn entries are dropped, none is wrong, and the rest is there. */
static void test_killed(void **state)
{
    (void)state;
    const char *wanted = getenv("VOUCH_KILLS");
    long kills = wanted == NULL ? KILLS : strtol(wanted, NULL, 10);
    struct kept kept = kept_new();
    uint32_t hits = 0;
    for (long i = 0; i < kills; i++) {
        int ready[2];
        char byte;
        assert_int_equal(pipe(ready), 0);
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0)
            write_until_killed(&kept, ready[1]);
        assert_int_equal(read(ready[0], &byte, 1), 1);
        close(ready[0]);
        close(ready[1]);
        usleep(30000 + (useconds_t)(i * 977 % 20000));
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        struct cache *cache = open_kept(&kept);
        assert_int_not_equal(kept.warmth, CACHE_WARM);
        hits += count_right(&kept, cache, UNCHECKED);
        cache_free(cache);
    }
    print_message("%u hits after %ld kills\n", hits, kills);
    assert_true(hits > 0);
    kept_clear(&kept);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_clean_restart), cmocka_unit_test(test_restart_is_lazy),
        cmocka_unit_test(test_what_changed),  cmocka_unit_test(test_foreign_octets),
        cmocka_unit_test(test_tmpfs_is_full), cmocka_unit_test(test_killed),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
