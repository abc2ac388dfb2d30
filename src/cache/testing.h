/* For unit tests only: caches and answers made of master-file text, in a time of their own. */
#ifndef CACHE_TESTING_H
#define CACHE_TESTING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "cache/cache.h"
#include "message/testing.h"

enum { SIZE_OF_TESTS = 2 << 20, TEST_TIME_S = 1700000000 };

/* Seconds since the beginning of the test. */
static inline struct now at(int64_t second)
{
    int64_t ms = second * 1000;
    return (struct now) { .wall_ms = (int64_t)TEST_TIME_S * 1000 + ms, .monotonic_ms = ms, .wall_is_fit = true };
}

static inline struct cache *cache_of(const struct cache_options *options)
{
    struct random *random = random_seeded_new(1);
    struct cache *cache = cache_new(options, random);
    random_free(random);
    return cache;
}

static inline struct cache *small_cache(void)
{
    struct cache_options options = cache_options_default();
    options.size_octets = SIZE_OF_TESTS;
    return cache_of(&options);
}

static inline struct question question_of(const char *qname, uint16_t qtype)
{
    return (struct question) { .qname = name_of(qname), .qtype = qtype, .qclass = CLASS_IN };
}

static inline struct rrset_list list_of(struct arena *arena, const char *const *texts)
{
    struct rrset_list list = { .count = 0 };
    while (texts != NULL && texts[list.count] != NULL)
        list.count++;
    list.items = ARENA_ARRAY(arena, list.count, struct rrset *);
    for (uint16_t i = 0; i < list.count; i++)
        list.items[i] = rrset_of(arena, texts[i]);
    return list;
}

/* An unchecked answer received now, to expire in ttl_s.  `rrset` may be NULL. */
static inline struct answer *answer_of(struct arena *arena, const char *qname, uint16_t qtype, enum answer_kind kind,
                                       const char *rrset, uint32_t ttl_s, struct now now)
{
    struct answer *answer = ARENA_NEW(arena, struct answer);
    const char *const texts[] = { rrset, NULL };
    answer->question = question_of(qname, qtype);
    answer->kind = kind;
    answer->rcode = kind == ANSWER_NXDOMAIN ? RCODE_NXDOMAIN : RCODE_NOERROR;
    answer->zone = *dname_root();
    answer->target = *dname_root();
    answer->rrsets = list_of(arena, texts);
    answer->received_ms = now.wall_ms;
    answer->expires_ms = now.wall_ms + (int64_t)ttl_s * 1000;
    answer->verdict = verdict_of(UNCHECKED, NULL);
    return answer;
}

static inline struct answer *judged(struct answer *answer, enum security security)
{
    answer->verdict.security = security;
    answer->verdict.site = "test-site";
    if (security == BOGUS)
        answer->verdict.ede = EDE_BOGUS;
    return answer;
}

static inline struct answer *resting_on(struct answer *answer, uint64_t key)
{
    lineage_add(&answer->verdict.lineage, key);
    return judged(answer, SECURE);
}

/* A Secure address of qname for an hour. */
static inline struct answer *secure_address(struct arena *arena, const char *qname, struct now now)
{
    char *text = arena_printf(arena, "%s 3600 IN A 192.0.2.1\n", qname);
    return judged(answer_of(arena, qname, TYPE_A, ANSWER_DATA, text, 3600, now), SECURE);
}

static inline enum cache_hit find(struct cache *cache, const char *qname, uint16_t qtype, struct now now,
                                  struct arena *arena, struct answer **answer)
{
    struct question question = question_of(qname, qtype);
    *answer = NULL;
    return cache_find_answer(cache, &question, ORIGIN_ITERATIVE, now, arena, answer);
}

static inline bool holds(struct cache *cache, const char *qname, uint16_t qtype, struct now now)
{
    struct arena *arena = arena_new();
    struct answer *answer;
    bool is_fresh = find(cache, qname, qtype, now, arena, &answer) == CACHE_FRESH;
    arena_free(arena);
    return is_fresh;
}

#endif
