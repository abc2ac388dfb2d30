#include "daemon/worker_stats.h"

#include <assert.h>

#include "crypto/algorithms.h"

/* They add up as one array. */
static_assert(sizeof(struct worker_stats) % sizeof(uint64_t) == 0, "nothing but counters");

void worker_stats_add(struct worker_stats *sum, const struct worker_stats *part)
{
    uint64_t *to = (uint64_t *)sum;
    const uint64_t *from = (const uint64_t *)part;
    for (size_t i = 0; i < sizeof(*sum) / sizeof(uint64_t); i++)
        to[i] += from[i];
}

size_t scheme_of(uint8_t algorithm)
{
    size_t count, row = 0;
    const struct algorithm *table = algorithm_table(&count);
    assert(count < SCHEMES_COUNTED);
    while (row < count && table[row].number != algorithm)
        row++;
    return row;
}

const char *scheme_text(size_t scheme)
{
    size_t count;
    const struct algorithm *table = algorithm_table(&count);
    return scheme < count ? table[scheme].mnemonic : scheme == count ? "other" : NULL;
}
