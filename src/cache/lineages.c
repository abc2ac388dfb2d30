/* The table as a whole: its memory, and what is asked of several of its parts. */
#include "cache/lineages.h"

#include <stdlib.h>
#include <sys/mman.h>

#include "base/hash.h"
#include "cache/lineage_shared.h"
#include "message/text.h"

enum {
    ZONES_MIN = 64,
    ZONES_MAX = 1 << 19,
    SETS_PER_ZONE = 2, /* one for its DNSKEY set, one for all else */
    KEYS_PER_ZONE = 3, /* two sign, one stands by */
    BLOCKS_PER_ZONE = 3,
};

static uint64_t octets_of(uint64_t zones)
{
    return sizeof(struct table) + zones * (SETS_PER_ZONE * (sizeof(struct set_record) + sizeof(uint32_t)) +
                                           KEYS_PER_ZONE * (sizeof(struct key_record) + sizeof(uint32_t)) +
                                           BLOCKS_PER_ZONE * sizeof(struct block));
}

static uint32_t zones_for(uint64_t octets)
{
    uint32_t zones = ZONES_MIN;
    while (zones < ZONES_MAX && octets_of(zones + ZONES_MIN) <= octets)
        zones += ZONES_MIN;
    return zones;
}

static struct supply supply_of(uint32_t count)
{
    return (struct supply) { .fresh = 1, .count = count };
}

static void clear_used(void *records, size_t size, const struct supply *supply, uint32_t count)
{
    memset(records, 0, size * (supply->fresh < count ? supply->fresh : count));
}

/* Everything that was there is gone, but no verdict made before may be believed: the epoch goes on. */
static void empty_table(struct lineages *lineages)
{
    struct table *table = lineages->table;
    uint32_t zones = lineages->zone_count;
    uint64_t epoch = atomic_load(&table->epoch) + 1;
    clear_used(lineages->sets, sizeof(struct set_record), &table->set_supply, zones * SETS_PER_ZONE);
    clear_used(lineages->keys, sizeof(struct key_record), &table->key_supply, zones * KEYS_PER_ZONE);
    clear_used(lineages->blocks, sizeof(struct block), &table->block_supply, zones * BLOCKS_PER_ZONE);
    clear_used(lineages->set_buckets, sizeof(uint32_t), &table->set_supply, zones * SETS_PER_ZONE);
    clear_used(lineages->key_buckets, sizeof(uint32_t), &table->key_supply, zones * KEYS_PER_ZONE);
    memset((void *)table, 0, sizeof(*table));
    atomic_store(&table->epoch, epoch);
    table->forgotten_before = epoch;
    table->set_supply = supply_of(zones * SETS_PER_ZONE);
    table->key_supply = supply_of(zones * KEYS_PER_ZONE);
    table->block_supply = supply_of(zones * BLOCKS_PER_ZONE);
}

/* The table, and the first record of each array, which none has been before. */
static bool reserve_first(struct lineages *lineages)
{
    void *const arrays[] = { lineages->sets, lineages->keys, lineages->blocks, lineages->set_buckets,
                             lineages->key_buckets };
    bool is_reserved = pages_reserve(lineages->table, sizeof(struct table));
    for (size_t i = 0; i < ARRAY_LEN(arrays); i++)
        is_reserved = is_reserved && pages_reserve(arrays[i], 1);
    return is_reserved;
}

struct lineages *lineages_new_at(void *memory, uint64_t octets, bool is_whole)
{
    size_t zones = zones_for(octets);
    struct lineages *lineages = memory_new(1, sizeof(*lineages));
    pthread_mutex_init(&lineages->lock, NULL);
    lineages->octets = octets_of(zones);
    lineages->zone_count = (uint32_t)zones;
    lineages->table = memory;
    lineages->keys = (struct key_record *)(lineages->table + 1);
    lineages->sets = (struct set_record *)(void *)(lineages->keys + zones * KEYS_PER_ZONE);
    lineages->blocks = (struct block *)(void *)(lineages->sets + zones * SETS_PER_ZONE);
    lineages->set_buckets = (uint32_t *)(void *)(lineages->blocks + zones * BLOCKS_PER_ZONE);
    lineages->key_buckets = lineages->set_buckets + zones * SETS_PER_ZONE;
    if (!reserve_first(lineages)) {
        lineages_free(lineages);
        return NULL;
    }
    if (!is_whole)
        empty_table(lineages);
    return lineages;
}

struct lineages *lineages_new(uint64_t size_octets)
{
    uint64_t octets = octets_of(zones_for(size_octets));
    void *memory = mmap(NULL, octets, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED)
        return NULL;
    struct lineages *lineages = lineages_new_at(memory, octets, false);
    lineages->mapped = memory;
    return lineages;
}

uint64_t lineages_check(const struct lineages *lineages)
{
    const struct table *table = lineages->table;
    const uint32_t zones = lineages->zone_count;
    const struct { /* what was never used is all zeros */
        const void *data;
        size_t size, used, max;
    } parts[] = {
        { table, 1, sizeof(*table), sizeof(*table) },
        { lineages->sets, sizeof(struct set_record), table->set_supply.fresh, table->set_supply.count },
        { lineages->keys, sizeof(struct key_record), table->key_supply.fresh, table->key_supply.count },
        { lineages->blocks, sizeof(struct block), table->block_supply.fresh, table->block_supply.count },
        { lineages->set_buckets, sizeof(uint32_t), table->set_supply.fresh, table->set_supply.count },
        { lineages->key_buckets, sizeof(uint32_t), table->key_supply.fresh, table->key_supply.count },
    };
    uint64_t check = 0;
    if (table->set_supply.count != zones * SETS_PER_ZONE || table->key_supply.count != zones * KEYS_PER_ZONE ||
        table->block_supply.count != zones * BLOCKS_PER_ZONE)
        return 0;
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        size_t count = parts[i].used < parts[i].max ? parts[i].used : parts[i].max;
        check = hash_octets((struct octets) { parts[i].data, count * parts[i].size }, check);
    }
    return check | 1;
}

void lineages_reset(struct lineages *lineages)
{
    empty_table(lineages);
}

void lineages_free(struct lineages *lineages)
{
    if (lineages == NULL)
        return;
    pthread_mutex_destroy(&lineages->lock);
    if (lineages->mapped != NULL)
        munmap(lineages->mapped, lineages->octets);
    free(lineages);
}

uint64_t lineages_octets(const struct lineages *lineages)
{
    return lineages->octets;
}

char *lineages_text(struct lineages *lineages, struct lineage_ref ref, struct arena *arena)
{
    struct text text = text_new(arena);
    uint32_t keys[LINEAGE_KEYS_MAX];
    pthread_mutex_lock(&lineages->lock);
    size_t count = set_keys(lineages, ref, keys);
    for (size_t i = 0; i < count; i++) {
        const struct key_record *key = &lineages->keys[keys[i]];
        struct dname zone;
        char name[DNAME_TEXT_MAX];
        const char *separator = i == 0 ? "" : ", ";
        if (key_zone(lineages, key, &zone))
            text_printf(&text, "%s%s %u", separator, dname_to_text(&zone, name), key->key_tag);
        else
            text_printf(&text, "%skey %016llx", separator, (unsigned long long)key->id);
    }
    pthread_mutex_unlock(&lineages->lock);
    return count == 0 ? NULL : text.data;
}
