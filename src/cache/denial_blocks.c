/* Memory of the denial index, and who may still be reading it (denial_shared.h, rules 2 and 3). */
#include "cache/denial_shared.h"

#include <stdlib.h>

enum { MALLOC_OVERHEAD = 16 };

/* ---- readers ---- */

/* Threads begin their search at different places: each finds its own free, as a rule. */
static unsigned first_place(void)
{
    static _Atomic unsigned threads;
    static _Thread_local unsigned number;
    if (number == 0)
        number = atomic_fetch_add_explicit(&threads, 1, memory_order_relaxed) + 1;
    return number;
}

struct place *reader_enter(struct denial_index *index)
{
    unsigned first = first_place();
    uint64_t era = SHARED_GET(index->era);
    for (unsigned i = 0; i < READERS_MAX; i++) {
        struct place *place = &index->places[(first + i) % READERS_MAX];
        uint64_t nobody = 0;
        if (atomic_compare_exchange_strong_explicit(&place->era, &nobody, era, memory_order_seq_cst,
                                                    memory_order_seq_cst))
            return place;
    }
    return NULL;
}

void reader_leave(struct place *place)
{
    SHARED_SET(place->era, 0);
}

/* ---- blocks ---- */

uint64_t block_octets(size_t size)
{
    return size + MALLOC_OVERHEAD;
}

void *block_new(struct denial_index *index, size_t size)
{
    struct block *block = memory_new(1, size);
    block->octets = block_octets(size);
    index->used_octets += block->octets;
    return block;
}

void block_retire(struct denial_index *index, struct block *block)
{
    block->retired = SHARED_GET(index->era);
    block->next = index->retired;
    index->retired = block;
}

/* The oldest era that a reader is in. */
static uint64_t oldest_era(struct denial_index *index)
{
    uint64_t oldest = UINT64_MAX;
    for (unsigned i = 0; i < READERS_MAX; i++) {
        uint64_t era = SHARED_GET(index->places[i].era);
        if (era != 0 && era < oldest)
            oldest = era;
    }
    return oldest;
}

void blocks_reclaim(struct denial_index *index)
{
    if (index->retired == NULL)
        return;
    SHARED_SET(index->era, SHARED_GET(index->era) + 1);
    uint64_t oldest = oldest_era(index);
    struct block **place = &index->retired;
    while (*place != NULL) {
        struct block *block = *place;
        if (block->retired >= oldest) {
            place = &block->next;
            continue;
        }
        *place = block->next;
        index->used_octets -= block->octets;
        free(block);
    }
}
