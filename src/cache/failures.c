/* Failures in the cache (RFC 9520): what could not be resolved is not asked again at once. */
#include "cache/internal.h"

static const char site_unknown[] = "cached-failure";

/* ---- names of checks ---- */

/* Callers hand in static strings and get static strings back, while the blob holds text. */
static void remember_site(struct cache *cache, const char *site)
{
    size_t i = 0;
    pthread_mutex_lock(&cache->sites_lock);
    while (i < cache->site_count && strcmp(cache->sites[i], site) != 0)
        i++;
    if (i == cache->site_count && i < SITES_MAX)
        cache->sites[cache->site_count++] = site;
    pthread_mutex_unlock(&cache->sites_lock);
}

static const char *site_of_text(struct cache *cache, const char *text)
{
    const char *site = site_unknown;
    pthread_mutex_lock(&cache->sites_lock);
    for (size_t i = 0; i < cache->site_count; i++) {
        if (strncmp(cache->sites[i], text, FAILURE_SITE_OCTETS - 1) == 0)
            site = cache->sites[i];
    }
    pthread_mutex_unlock(&cache->sites_lock);
    return site;
}

/* ---- reading ---- */

static struct blob_key key_of(const struct question *question, uint16_t origin)
{
    return (struct blob_key) {
        .kind = BLOB_FAILURE,
        .origin = origin,
        .qclass = question->qclass,
        .qtype = question->qtype,
        .qname = question->qname,
    };
}

static bool is_live(const struct failure_blob *blob, struct now now)
{
    return now.wall_ms < blob->expires_ms && blob->failed_ms - now.wall_ms <= CACHE_FUTURE_MS;
}

bool failure_read(struct cache *cache, const struct failure_blob *blob, struct now now, struct failure *failure)
{
    if (!is_live(blob, now))
        return false;
    *failure = (struct failure) { .ede = blob->ede, .is_budget = blob->is_budget };
    failure->site = site_of_text(cache, blob->site);
    memcpy(failure->text, blob->text, sizeof(failure->text));
    failure->text[sizeof(failure->text) - 1] = '\0';
    return true;
}

bool cache_find_failure(struct cache *cache, const struct question *question, uint16_t origin, struct now now,
                        struct failure *failure)
{
    uint8_t buffer[BLOB_KEY_OCTETS_MAX], octets[FAILURE_OCTETS_MAX];
    struct blob_key key = key_of(question, origin);
    struct pool_key stored = cache_key(cache, &key, buffer);
    struct failure_blob blob;
    size_t len = pool_read(cache->failures, &stored, octets, sizeof(octets));
    return failure_decode((struct octets) { octets, len }, &blob) && failure_read(cache, &blob, now, failure);
}

/* ---- writing ---- */

/* The TTL of the failure before, if it ended no longer ago than the longest time a failure is kept; 0: none. */
static uint32_t last_ttl(const struct failure_blob *old, struct now now)
{
    return now.wall_ms - old->expires_ms <= ms_of_s(FAILURE_TTL_S_MAX) ? old->ttl_s : 0;
}

/* RFC 9520 section 3.2: it doubles when the question fails again. */
static uint32_t next_ttl(uint32_t last_s)
{
    uint32_t ttl_s = last_s > 0 ? 2 * last_s : FAILURE_TTL_S_FIRST;
    return ttl_s < FAILURE_TTL_S_MAX ? ttl_s : FAILURE_TTL_S_MAX;
}

struct failing {
    struct failure_blob blob;
    uint32_t recheck_s;
    uint8_t octets[FAILURE_OCTETS_MAX];
};

/* While a failure stands, another worker's word on the same question is the same failure, not one more.  A budget's
 * failure gives way to any other, and remembers what was before it. */
static bool decide_failure(void *context, struct octets old, struct pool_write *write)
{
    struct failing *failing = context;
    struct failure_blob *blob = &failing->blob, old_blob;
    struct writer w = writer_of(failing->octets, sizeof(failing->octets));
    struct now now = { .wall_ms = write->now_ms };
    if (!failure_decode(old, &old_blob))
        memset(&old_blob, 0, sizeof(old_blob));
    if (is_live(&old_blob, now) && (!old_blob.is_budget || blob->is_budget))
        return false;
    uint32_t last_s = last_ttl(&old_blob, now);
    uint32_t ttl_s = blob->is_budget          ? BUDGET_FAILURE_TTL_S
                     : failing->recheck_s > 0 ? failing->recheck_s
                                              : next_ttl(last_s);
    blob->ttl_s = blob->is_budget ? last_s : ttl_s;
    blob->expires_ms = now.wall_ms + ms_of_s(ttl_s);
    write->expires_ms = blob->expires_ms;
    failure_encode(&w, blob);
    write->value = writer_octets(&w);
    return true;
}

void cache_put_failure(struct cache *cache, const struct question *question, uint16_t origin,
                       const struct failure *failure, struct now now)
{
    uint8_t buffer[BLOB_KEY_OCTETS_MAX];
    struct blob_key key = key_of(question, origin);
    struct pool_key stored = cache_key(cache, &key, buffer);
    const char *site = failure->site != NULL ? failure->site : site_unknown;
    struct failing failing = {
        .blob = { .failed_ms = now.wall_ms, .ede = failure->ede, .is_budget = failure->is_budget },
        .recheck_s = failure->recheck_s,
    };
    memcpy(failing.blob.site, site, strnlen(site, sizeof(failing.blob.site) - 1));
    memcpy(failing.blob.text, failure->text, strnlen(failure->text, sizeof(failing.blob.text) - 1));
    remember_site(cache, site);
    pool_put(cache->failures, &stored,
             (struct pool_write) {
                 .now_ms = now.wall_ms,
                 .keep_ms = ms_of_s(FAILURE_TTL_S_MAX),
                 .decide = decide_failure,
                 .context = &failing,
             });
}

void cache_clear_failure(struct cache *cache, const struct question *question, uint16_t origin)
{
    struct blob_key key = key_of(question, origin);
    cache_remove(cache, cache->failures, &key);
}
