/* The trust epoch, and what its steps mean for older verdicts. */
#include "cache/lineage_shared.h"

uint64_t lineages_epoch(const struct lineages *lineages)
{
    return atomic_load_explicit(&lineages->table->epoch, memory_order_acquire);
}

/* Under the lock; what the epoch means is written before it is raised. */
static void publish_epoch(struct lineages *lineages, uint64_t epoch)
{
    atomic_store_explicit(&lineages->table->epoch, epoch, memory_order_release);
}

/* ---- raising it ---- */

/* Place of the key among the revoked, or where it would stand. */
static size_t revoked_place(const struct lineages *lineages, uint64_t key)
{
    size_t low = 0, high = lineages->table->revoked_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (lineages->table->revoked[middle].key < key)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void revoke_key(struct lineages *lineages, uint64_t key, uint64_t epoch)
{
    struct table *table = lineages->table;
    size_t at = revoked_place(lineages, key);
    if (at < table->revoked_count && table->revoked[at].key == key) {
        table->revoked[at].epoch = epoch;
        return;
    }
    if (table->revoked_count == REVOKED_MAX) {
        table->forgotten_before = epoch;
        table->revoked_count = 0;
        return;
    }
    memmove(&table->revoked[at + 1], &table->revoked[at], (table->revoked_count - at) * sizeof(struct revoked));
    table->revoked[at] = (struct revoked) { key, epoch };
    table->revoked_count++;
}

void lineages_raise(struct lineages *lineages)
{
    lineages_revoke(lineages, NULL, 0);
}

void lineages_revoke(struct lineages *lineages, const uint64_t *keys, size_t count)
{
    pthread_mutex_lock(&lineages->lock);
    uint64_t epoch = lineages_epoch(lineages) + 1;
    for (size_t i = 0; i < count; i++)
        revoke_key(lineages, keys[i], epoch);
    publish_epoch(lineages, epoch);
    pthread_mutex_unlock(&lineages->lock);
}

void lineages_revoke_zone(struct lineages *lineages, const struct dname *zone)
{
    pthread_mutex_lock(&lineages->lock);
    uint64_t epoch = lineages_epoch(lineages) + 1;
    for (uint32_t i = 1; i < lineages->table->key_supply.fresh; i++) {
        const struct key_record *record = &lineages->keys[i];
        struct dname of;
        if (record->is_live && key_zone(lineages, record, &of) && dname_is_subdomain(&of, zone))
            revoke_key(lineages, record->id, epoch);
    }
    publish_epoch(lineages, epoch);
    pthread_mutex_unlock(&lineages->lock);
}

void lineages_forget(struct lineages *lineages)
{
    pthread_mutex_lock(&lineages->lock);
    uint64_t epoch = lineages_epoch(lineages) + 1;
    lineages->table->forgotten_before = epoch;
    publish_epoch(lineages, epoch);
    pthread_mutex_unlock(&lineages->lock);
}

/* ---- judging by it ---- */

static bool is_revoked(const struct lineages *lineages, uint64_t key, uint64_t since)
{
    const struct table *table = lineages->table;
    size_t at = revoked_place(lineages, key);
    return at < table->revoked_count && table->revoked[at].key == key && table->revoked[at].epoch > since;
}

static enum standing judge_set(const struct lineages *lineages, uint64_t epoch, struct lineage_ref ref)
{
    uint32_t keys[LINEAGE_KEYS_MAX];
    if (ref.slot == 0)
        return STANDS;
    size_t count = set_keys(lineages, ref, keys);
    for (size_t i = 0; i < count; i++) {
        if (is_revoked(lineages, lineages->keys[keys[i]].id, epoch))
            return REVOKED;
    }
    return count == 0 ? FORGOTTEN : STANDS;
}

enum standing lineages_judge(struct lineages *lineages, uint64_t epoch, struct lineage_ref ref, uint64_t *current)
{
    *current = lineages_epoch(lineages);
    if (epoch == *current)
        return STANDS;
    pthread_mutex_lock(&lineages->lock);
    *current = lineages_epoch(lineages);
    enum standing standing = judge_set(lineages, epoch, ref);
    if (standing == STANDS && epoch < lineages->table->forgotten_before)
        standing = FORGOTTEN;
    pthread_mutex_unlock(&lineages->lock);
    return standing;
}
