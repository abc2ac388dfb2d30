#include "base/arena.h"

#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_POISONS 1
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define ARENA_POISONS 1
#endif

/* Under AddressSanitizer what is not handed out is poisoned, and a gap stands behind each allocation: an overrun
 * inside a chunk is caught like one of malloc's. */
#ifdef ARENA_POISONS
#include <sanitizer/asan_interface.h>
#define GAP_OCTETS 16
#else
#define ASAN_POISON_MEMORY_REGION(at, len)   ((void)(at), (void)(len))
#define ASAN_UNPOISON_MEMORY_REGION(at, len) ((void)(at), (void)(len))
#define GAP_OCTETS                           0
#endif

enum {
    ALIGNMENT = _Alignof(max_align_t),
    CHUNK_OCTETS_MIN = 4096, /* with its header */
    CHUNK_SHARE = 4, /* a further chunk has one part in so many of what there is: no more than that stays unused … */
    CHUNK_OCTETS_MAX = 1 << 16, /* … up to this; a larger allocation gets a chunk of its own size */
    APART_OCTETS = 128,         /* processors fetch cache lines in pairs */
};

struct chunk {
    struct chunk *older;
    size_t size; /* of data */
    size_t used;
    _Alignas(max_align_t) uint8_t data[];
};

struct arena {
    struct chunk *newest;
    size_t octets;      /* handed out */
    size_t held;        /* in chunks */
    size_t first_chunk; /* 0, or what was held before it was reset */
};

static _Noreturn void out_of_memory(size_t size)
{
    fprintf(stderr, "fatal: out of memory (%zu octets wanted)\n", size);
    abort();
}

static size_t product(size_t count, size_t size)
{
    size_t octets;
    if (__builtin_mul_overflow(count, size, &octets))
        out_of_memory(SIZE_MAX);
    return octets;
}

void *memory_new(size_t count, size_t size)
{
    size_t octets = product(count, size);
    void *memory = calloc(1, octets == 0 ? 1 : octets);
    if (memory == NULL)
        out_of_memory(octets);
    return memory;
}

void *memory_new_apart(size_t size)
{
    size_t octets = (size + APART_OCTETS - 1) / APART_OCTETS * APART_OCTETS;
    void *memory = aligned_alloc(APART_OCTETS, octets);
    if (memory == NULL)
        out_of_memory(octets);
    return memset(memory, 0, octets);
}

char *memory_text(const char *text)
{
    size_t octets = strlen(text) + 1;
    return memcpy(memory_new(octets, 1), text, octets);
}

void *memory_resize(void *memory, size_t count, size_t size)
{
    size_t octets = product(count, size);
    void *resized = realloc(memory, octets == 0 ? 1 : octets);
    if (resized == NULL)
        out_of_memory(octets);
    return resized;
}

static struct chunk *chunk_new(struct chunk *older, size_t size)
{
    struct chunk *chunk = malloc(sizeof(*chunk) + size);
    if (chunk == NULL)
        out_of_memory(size);
    *chunk = (struct chunk) { .older = older, .size = size };
    ASAN_POISON_MEMORY_REGION(chunk->data, size);
    return chunk;
}

static void chunk_free(struct chunk *chunk)
{
    ASAN_UNPOISON_MEMORY_REGION(chunk->data, chunk->size);
    free(chunk);
}

static size_t bounded(size_t size)
{
    size_t min = CHUNK_OCTETS_MIN - sizeof(struct chunk);
    return size < min ? min : size > CHUNK_OCTETS_MAX ? CHUNK_OCTETS_MAX : size;
}

static void add_chunk(struct arena *arena, size_t wanted)
{
    size_t size = bounded(arena->newest == NULL ? arena->first_chunk : arena->held / CHUNK_SHARE);
    arena->newest = chunk_new(arena->newest, size < wanted ? wanted : size);
    arena->held += arena->newest->size;
}

struct arena *arena_new(void)
{
    return memory_new(1, sizeof(struct arena));
}

static void free_chunks(struct arena *arena)
{
    while (arena->newest != NULL) {
        struct chunk *chunk = arena->newest;
        arena->newest = chunk->older;
        chunk_free(chunk);
    }
    arena->held = 0;
}

void arena_free(struct arena *arena)
{
    if (arena == NULL)
        return;
    free_chunks(arena);
    free(arena);
}

void arena_reset(struct arena *arena)
{
    struct chunk *only = arena->newest;
    arena->octets = 0;
    if (only == NULL)
        return;
    if (only->older != NULL || only->size > CHUNK_OCTETS_MAX) {
        arena->first_chunk = arena->held;
        free_chunks(arena);
        return;
    }
    ASAN_POISON_MEMORY_REGION(only->data, only->size);
    only->used = 0;
}

size_t arena_octets(const struct arena *arena)
{
    return arena->octets;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    if (size > SIZE_MAX / 2)
        out_of_memory(size);
    size_t taken = ((size == 0 ? 1 : size) + GAP_OCTETS + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (arena->newest == NULL || arena->newest->size - arena->newest->used < taken)
        add_chunk(arena, taken);
    struct chunk *chunk = arena->newest;
    void *memory = chunk->data + chunk->used;
    chunk->used += taken;
    assert(chunk->used <= chunk->size);
    arena->octets += size;
    ASAN_UNPOISON_MEMORY_REGION(memory, size);
    return memset(memory, 0, size);
}

void *arena_array(struct arena *arena, size_t count, size_t size)
{
    return arena_alloc(arena, product(count, size));
}

void *arena_copy(struct arena *arena, const void *data, size_t len)
{
    void *copy = arena_alloc(arena, len);
    return len == 0 ? copy : memcpy(copy, data, len);
}

struct octets octets_copy(struct arena *arena, struct octets octets)
{
    return (struct octets) { arena_copy(arena, octets.data, octets.len), octets.len };
}

char *arena_strdup(struct arena *arena, const char *text)
{
    return arena_copy(arena, text, strlen(text) + 1);
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *text = arena_vprintf(arena, format, arguments);
    va_end(arguments);
    return text;
}

char *arena_vprintf(struct arena *arena, const char *format, va_list arguments)
{
    assert(format != NULL);
    va_list again;
    va_copy(again, arguments);
    int len = vsnprintf(NULL, 0, format, arguments);
    assert(len >= 0); /* only a wrong format string makes it negative */
    char *text = arena_alloc(arena, (size_t)len + 1);
    vsnprintf(text, (size_t)len + 1, format, again);
    va_end(again);
    return text;
}
