/* Pages of a file that is mapped: a tmpfs that is full would end the process (SIGBUS) when one is used for the first
 * time.  So whoever grows into them asks for them first. */
#ifndef CACHE_PAGES_H
#define CACHE_PAGES_H

#include <stdbool.h>
#include <stddef.h>

enum { PAGE_OCTETS = 4096 };

/* Pages that hold any of these octets are there from now on; false: there is no space for them. */
bool pages_reserve(void *memory, size_t octets);
/* The same for a record whose predecessors in memory have been there: asks only when it begins another page. */
bool pages_reserve_next(void *record, size_t octets);

#endif
