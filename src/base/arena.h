/* One arena per client query (and per parsed message, per configuration): everything that hangs from it dies with it.
 *
 * An allocation never fails: when the system refuses memory the process ends with a message, because no caller could
 * do better (doc/decisions/0002-memory.md).  What the network may make us allocate is bounded by the limits of
 * base/limits.h, asked through arena_octets(), not by failing allocations. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stdarg.h>
#include <stddef.h>

#include "base/err.h"
#include "base/octets.h"

struct arena;

struct arena *arena_new(void);
void arena_free(struct arena *arena); /* NULL is allowed */

/* Forgets everything in it but keeps the memory for the next use, or takes as much in one piece then. */
void arena_reset(struct arena *arena);

/* Octets handed out since arena_new() or arena_reset(). */
size_t arena_octets(const struct arena *arena);

/* Aligned for any type, zeroed. */
void *arena_alloc(struct arena *arena, size_t size) __attribute__((returns_nonnull));
/* count * size with overflow caught; zeroed; count may be 0. */
void *arena_array(struct arena *arena, size_t count, size_t size) __attribute__((returns_nonnull));

#define ARENA_NEW(arena, type)          ((type *)arena_alloc((arena), sizeof(type)))
#define ARENA_ARRAY(arena, count, type) ((type *)arena_array((arena), (count), sizeof(type)))

void *arena_copy(struct arena *arena, const void *data, size_t len) __attribute__((returns_nonnull));
struct octets octets_copy(struct arena *arena, struct octets octets);
char *arena_strdup(struct arena *arena, const char *text);
char *arena_printf(struct arena *arena, const char *format, ...) PRINTF_LIKE(2, 3);
char *arena_vprintf(struct arena *arena, const char *format, va_list arguments) PRINTF_LIKE(2, 0);

/* malloc() and friends that end the process with a message instead of returning NULL; the memory is zeroed. */
void *memory_new(size_t count, size_t size) __attribute__((returns_nonnull));
/* In cache lines of its own: what other threads write next to it does not slow its owner down. */
void *memory_new_apart(size_t size) __attribute__((returns_nonnull));
/* A copy of the text. */
char *memory_text(const char *text) __attribute__((returns_nonnull));
/* NULL grows from nothing; the added part is not zeroed. */
void *memory_resize(void *memory, size_t count, size_t size) __attribute__((returns_nonnull));

#endif
