#include "cache/pages.h"

#include <errno.h>
#include <stdint.h>
#include <sys/mman.h>

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23 /* Linux 5.14 */
#endif

static uintptr_t page_of(const uint8_t *at)
{
    return (uintptr_t)at / PAGE_OCTETS;
}

bool pages_reserve(void *memory, size_t octets)
{
    uint8_t *first = (uint8_t *)memory - (uintptr_t)memory % PAGE_OCTETS;
    size_t len = (size_t)((uint8_t *)memory + octets - first);
    /* An older kernel knows no such advice, and we know no more than before. */
    return madvise(first, len, MADV_POPULATE_WRITE) == 0 || errno == EINVAL;
}

bool pages_reserve_next(void *record, size_t octets)
{
    uint8_t *begin = record;
    return page_of(begin - 1) == page_of(begin + octets - 1) || pages_reserve(begin, octets);
}
