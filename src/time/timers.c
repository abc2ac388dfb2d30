#include "time/timers.h"

#include <assert.h>
#include <stdlib.h>

#include "base/arena.h"

enum { HEAP_SIZE_FIRST = 64 };

/* Invariants: heap[i]->slot == i + 1 for i < count, and no timer is due before its parent (i - 1) / 2. */

static void place(struct timers *timers, struct timer *timer, size_t i)
{
    timers->heap[i] = timer;
    timer->slot = i + 1;
}

static void sift_up(struct timers *timers, struct timer *timer, size_t i)
{
    while (i > 0 && timers->heap[(i - 1) / 2]->due_ms > timer->due_ms) {
        place(timers, timers->heap[(i - 1) / 2], i);
        i = (i - 1) / 2;
    }
    place(timers, timer, i);
}

static void sift_down(struct timers *timers, struct timer *timer, size_t i)
{
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= timers->count)
            break;
        if (child + 1 < timers->count && timers->heap[child + 1]->due_ms < timers->heap[child]->due_ms)
            child++;
        if (timers->heap[child]->due_ms >= timer->due_ms)
            break;
        place(timers, timers->heap[child], i);
        i = child;
    }
    place(timers, timer, i);
}

/* Puts the timer where the hole at i is, or where the order wants it from there. */
static void sift(struct timers *timers, struct timer *timer, size_t i)
{
    if (i > 0 && timers->heap[(i - 1) / 2]->due_ms > timer->due_ms)
        sift_up(timers, timer, i);
    else
        sift_down(timers, timer, i);
}

void timers_clear(struct timers *timers)
{
    free(timers->heap);
    *timers = (struct timers) { 0 };
}

void timers_set(struct timers *timers, struct timer *timer, int64_t due_ms)
{
    timer->due_ms = due_ms;
    if (timer->slot != 0) {
        assert(timer->slot <= timers->count && timers->heap[timer->slot - 1] == timer);
        sift(timers, timer, timer->slot - 1);
        return;
    }
    if (timers->count == timers->size) {
        timers->size = timers->size == 0 ? HEAP_SIZE_FIRST : 2 * timers->size;
        timers->heap = memory_resize(timers->heap, timers->size, sizeof(timers->heap[0]));
    }
    sift_up(timers, timer, timers->count++);
}

void timers_cancel(struct timers *timers, struct timer *timer)
{
    if (timer->slot == 0)
        return;
    size_t hole = timer->slot - 1;
    assert(hole < timers->count && timers->heap[hole] == timer);
    struct timer *last = timers->heap[--timers->count];
    timer->slot = 0;
    if (last != timer)
        sift(timers, last, hole);
}

int64_t timers_next_ms(const struct timers *timers)
{
    return timers->count == 0 ? INT64_MAX : timers->heap[0]->due_ms;
}

struct timer *timers_pop_due(struct timers *timers, int64_t now_ms)
{
    if (timers->count == 0 || timers->heap[0]->due_ms > now_ms)
        return NULL;
    struct timer *timer = timers->heap[0];
    timers_cancel(timers, timer);
    return timer;
}
