/* The caches: answers (RRsets with signatures and proofs), delegations, failures, denial index.  One cache for all
 * workers.  Data enters by copy and leaves by copy into the caller's arena.  All calls are safe from any thread.
 *
 * Deadlines are wall time.  An entry has two: the TTL's and the verdict's (first signature to end); both are checked
 * when it is served.  Origins never cross.  Bogus data is only ever visible to those who say they want it. */
#ifndef CACHE_CACHE_H
#define CACHE_CACHE_H

#include <stdio.h>

#include "base/random.h"
#include "message/address.h"
#include "message/answer.h"
#include "time/now.h"

struct cache;

struct cache_options { /* cache.* in the configuration */
    uint64_t size_octets;
    uint32_t max_ttl_s;
    uint32_t max_negative_ttl_s;
    uint32_t max_bogus_ttl_s; /* data that does not validate */
    uint32_t keep_expired_s;
    uint32_t dname_grace_s; /* DNAMEs of TTL 0 are used so long */
    const char *file;       /* NULL: private memory */
    bool signature_ttl_cap; /* validation.signature-ttl-cap */
};
struct cache_options cache_options_default(void);

/* NULL: there is no room for so much among the addresses of this process. */
struct cache *cache_new(const struct cache_options *options, struct random *random);
void cache_free(struct cache *cache);

/* A cache that outlives the process, in memory of the caller's: a mapped file of cache_kept_octets(), zeroed or as
 * another process left it.  It must have been made under the same hash secret (base/hash.h); what does not fit begins
 * empty. */
struct cache_keeping {
    void *memory;    /* aligned to a page; NULL: there is none */
    uint64_t routes; /* what origins mean: with another value nothing is kept */
    uint64_t trust;  /* what verdicts rest on, the program included: with another value they are forgotten */
};
enum cache_warmth {
    CACHE_COLD,    /* nothing was there, or nothing that fits */
    CACHE_DEMOTED, /* data, but its verdicts are forgotten: trust has changed, or the process did not end in order */
    CACHE_WARM,
};
uint64_t cache_kept_octets(const struct cache_options *options);
/* NULL: as above, or the file has no space for what stands beside the entries. */
struct cache *cache_new_kept(const struct cache_options *options, struct random *random,
                             const struct cache_keeping *keeping, enum cache_warmth *warmth);
/* What routes and trust are from now on. */
void cache_bind(struct cache *cache, uint64_t routes, uint64_t trust);
/* Everything but the size takes effect at once. */
void cache_set_options(struct cache *cache, const struct cache_options *options);

/* ---- answers ---- */

enum cache_hit {
    CACHE_MISS,
    CACHE_FRESH,   /* both deadlines ahead */
    CACHE_EXPIRED, /* TTL over, still kept (RFC 8767) */
};
/* The link of a chain that answers the question: exact type, or a CNAME at qname.  TTLs of the copy are as received;
 * what is left follows from expires_ms and received_ms (answer_ttl_left()).  An entry whose verdict has died (signature
 * ended, lineage flushed, trust changed) comes back UNCHECKED. */
enum cache_hit cache_find_answer(struct cache *cache, const struct question *question, uint16_t origin, struct now now,
                                 struct arena *arena, struct answer **answer);
/* The same of what a client may still get when nobody can be asked (RFC 8767): expired no longer ago than max_age_s,
 * and Secure or Insecure until now: it was flushed by nobody, and the signatures of it and its proofs have not ended.
 * Data that has not been proven, or was found Bogus, hides nothing.  What is fresh and trusted is found, too.  NULL:
 * there is nothing. */
struct answer *cache_find_stale(struct cache *cache, const struct question *question, uint16_t origin,
                                uint32_t max_age_s, struct now now, struct arena *arena);
/* NXDOMAIN cut (RFC 8020): a fresh and Secure NXDOMAIN for an ancestor of qname, not from compact denial; NULL: there
 * is none. */
struct answer *cache_find_nxdomain_above(struct cache *cache, const struct question *question, uint16_t origin,
                                         struct now now, struct arena *arena);
/* Caps TTLs by the options.  Never replaces a fresh Secure entry by an UNCHECKED or BOGUS one.  BOGUS and INDETERMINATE
 * are kept for max_bogus_ttl_s at most.  A verdict with lineage.overflow enters as UNCHECKED.  TTL 0 is not stored, but
 * DNAMEs that are trusted for dname_grace_s: their TTL stays 0, and they are never stale. */
void cache_put_answer(struct cache *cache, const struct answer *answer, struct now now);
/* The same for a verdict made under an older epoch (cache_epoch() when the query began, or decided again): what was
 * flushed or changed since counts against it, however late it comes. */
void cache_put_answer_since(struct cache *cache, const struct answer *answer, uint64_t epoch, struct now now);
/* Lowers answer->expires_ms to what cache_put_answer() would keep: so that the first client gets the same TTLs as those
 * after it (row D7-ttl). */
void cache_cap_answer(struct cache *cache, struct answer *answer, struct now now);
/* Seconds left of a TTL that ends then, at most ttl_s; 0 when expired. */
static inline uint32_t ttl_left(int64_t end_ms, uint32_t ttl_s, struct now now)
{
    int64_t left_s = end_ms <= now.wall_ms ? 0 : (end_ms - now.wall_ms + 999) / 1000; /* as on the whole second */
    return left_s < ttl_s ? (uint32_t)left_s : ttl_s; /* a clock that went back makes no TTL longer */
}
/* When the TTL of an RRset received with ttl_s in this answer ends; wall time. */
int64_t answer_ttl_end_ms(const struct answer *answer, uint32_t ttl_s);
/* Seconds left of an RRset received with ttl_s in this answer; 0 when expired. */
uint32_t answer_ttl_left(const struct answer *answer, uint32_t ttl_s, struct now now);

/* From when on a hit should have the answer asked for anew (wall time): in the last part in PREFETCH_SHARE of its TTL;
 * INT64_MAX if its TTL is too short for that, or it is not trusted. */
int64_t answer_refresh_ms(const struct answer *answer);
/* Is it up to the caller to do so?  Nobody else is told the same for FAILURE_TTL_S_FIRST. */
bool cache_claim_refresh(struct cache *cache, const struct question *question, uint16_t origin, struct now now);

/* ---- delegations: the parent's word, never served as answers ---- */

struct delegation_server {
    struct dname name;
    uint16_t address_count;
    struct address *addresses; /* glue, ADDRESSES_PER_NS_MAX at most; port 53 unless configured */
};
struct delegation {
    struct dname zone;
    uint16_t origin;
    bool is_hint;       /* root hints: to be primed */
    int64_t expires_ms; /* wall time */
    uint16_t server_count;
    struct delegation_server *servers; /* NS_PER_ZONE_MAX at most */
};
struct delegation *delegation_copy(struct arena *arena, const struct delegation *delegation);
/* NULL: it is not of them. */
struct delegation_server *delegation_find_server(const struct delegation *delegation, const struct dname *name);
/* The deepest one at or above name, in the arena; NULL if there is none, not even for the root. */
struct delegation *cache_find_delegation(struct cache *cache, const struct dname *name, uint16_t origin, struct now now,
                                         struct arena *arena);
/* The deepest one strictly above name. */
struct delegation *cache_find_delegation_above(struct cache *cache, const struct dname *name, uint16_t origin,
                                               struct now now, struct arena *arena);
/* The deepest one at or above name among those that have expired no longer ago than max_age_s, too: for when the parent
 * cannot be asked. */
struct delegation *cache_find_old_delegation(struct cache *cache, const struct dname *name, uint16_t origin,
                                             uint32_t max_age_s, struct now now, struct arena *arena);
/* Is there one at exactly this zone?  `had`: or was there, no longer ago than max_age_s? */
bool cache_has_delegation(struct cache *cache, const struct dname *zone, uint16_t origin, struct now now);
bool cache_had_delegation(struct cache *cache, const struct dname *zone, uint16_t origin, uint32_t max_age_s,
                          struct now now);
/* Replaces only what has expired, or what the same parent says again: expires_ms never moves on the child's word (ghost
 * domains, CVE-2012-1033): the caller passes the parent's TTL only. */
void cache_put_delegation(struct cache *cache, const struct delegation *delegation, struct now now);
void cache_drop_delegation(struct cache *cache, const struct dname *zone, uint16_t origin);

/* ---- failures (RFC 9520) ---- */

struct failure {
    int ede; /* the root cause */
    char text[EXTRA_TEXT_MAX];
    const char *site;   /* static storage */
    bool is_budget;     /* at most BUDGET_FAILURE_TTL_S, never doubling */
    bool is_momentary;  /* it says nothing of the question: not for the cache */
    uint32_t recheck_s; /* not 0: kept that long, never doubling */
};
/* For this question alone: FAILURE_TTL_S_FIRST, doubling up to FAILURE_TTL_S_MAX when it fails again. */
void cache_put_failure(struct cache *cache, const struct question *question, uint16_t origin,
                       const struct failure *failure, struct now now);
bool cache_find_failure(struct cache *cache, const struct question *question, uint16_t origin, struct now now,
                        struct failure *failure);
void cache_clear_failure(struct cache *cache, const struct question *question, uint16_t origin);

/* ---- denial index: Secure NSEC and NSEC3 per zone, for aggressive use (RFC 8198, 9077) ---- */

/* Filled by cache_put_answer() from Secure negative answers and wildcard proofs.  What must not be used aggressively is
 * not in it: denial_index.h. */
struct denial_asked {
    const struct dname *zone;
    uint16_t origin;
    struct now now;
    struct arena *arena; /* where results go */
};
struct denial_found {
    struct rrset *rrset;
    bool matches;       /* the owner, or its hash, is what was asked for; else it lies in the gap */
    int64_t expires_ms; /* wall time: by TTL, signatures and the configured maximum */
    struct lineage lineage;
};
/* The deepest zone at or above name of which there are records; false if there is none. */
bool cache_denial_zone(struct cache *cache, const struct dname *name, uint16_t origin, struct dname *zone);
/* The NSEC that speaks of name in the zone.  One from the parent's side of a cut speaks of the DS type at the cut and
 * of the gap behind the cut alone, one at a DNAME of no name below it. */
bool cache_denial_nsec(struct cache *cache, const struct denial_asked *asked, const struct dname *name, uint16_t qtype,
                       struct denial_found *found);
/* The same for an NSEC3 hash (20 octets). */
bool cache_denial_nsec3(struct cache *cache, const struct denial_asked *asked, const uint8_t *hash, uint16_t qtype,
                        struct denial_found *found);
/* Parameters of the NSEC3 chain indexed for zone; false if none. */
bool cache_denial_nsec3_chain(struct cache *cache, const struct denial_asked *asked, struct octets *salt,
                              uint16_t *iterations);
/* The SOA of zone, verified together with its denials: a synthesized negative answer needs it (RFC 8198 section
 * 5.4). */
bool cache_denial_soa(struct cache *cache, const struct denial_asked *asked, struct denial_found *found);

/* ---- flushing: each returns how many entries went or lost their verdict ---- */

size_t cache_flush_all(struct cache *cache);
/* All types at this name, its failures too. */
size_t cache_flush_name(struct cache *cache, const struct dname *name);
/* The zone, all below it, delegations, failures, denial index, and every verdict that rests on keys of the zone. */
size_t cache_flush_zone(struct cache *cache, const struct dname *zone);
/* Everything whose lineage holds one of these keys is removed: raises the trust epoch. */
size_t cache_flush_keys(struct cache *cache, const uint64_t *keys, size_t count);
/* The ids of keys with this tag that the zone's cached DNSKEY sets hold or lineages were recorded with; number
 * written. */
size_t cache_keys_of(struct cache *cache, const struct dname *zone, uint16_t key_tag, uint64_t *keys, size_t max);
/* The verdicts at and below zone become UNCHECKED; what is Bogus there goes, and so do failures; delegations stay (a
 * negative trust anchor begins: RFC 7646 section 2).  *bogus_count: how many of the questions that were Bogus fit into
 * bogus, and then how many are there. */
size_t cache_doubt_zone(struct cache *cache, const struct dname *zone, struct question *bogus, uint16_t *bogus_count);
/* All verdicts become UNCHECKED (trust, NTA or algorithm policy has changed). */
void cache_forget_verdicts(struct cache *cache);
/* Ready-made answers (ready.h) are to be made anew: settings that they depend on have changed.  Raises the epoch. */
void cache_drop_ready(struct cache *cache);
/* Raised by every flush and by cache_forget_verdicts(): a query that began under an older epoch decides again before it
 * stores or answers. */
uint64_t cache_epoch(const struct cache *cache);

/* ---- looking inside ---- */

struct cache_row {    /* one entry, for dump-cache; pointers valid during the callback */
    const char *kind; /* "answer", "delegation", "failure" */
    struct question question;
    const struct answer *answer;         /* kind "answer" */
    const struct delegation *delegation; /* kind "delegation" */
    const struct failure *failure;       /* kind "failure" */
    int64_t ttl_ms;
    const char *lineage; /* "example. 12345, . 38696", zone and tag of every key; NULL if none */
};
/* Calls back for each entry, without stopping others for long.  The callback returns false to end. */
void cache_walk(struct cache *cache, struct now now, bool (*row)(void *context, const struct cache_row *row),
                void *context);

struct cache_stats {
    uint64_t size_octets, used_octets, entries, answers, delegations, failures, ready, hits, misses, evictions,
        insertions, refusals; /* the times that cache.file had no space to grow into */
};
void cache_get_stats(struct cache *cache, struct cache_stats *stats);

#endif
