/* For tests that run lock-free code through the schedules of a reader and a writer, access by access: two threads, one
 * of which goes on at a time.  Whoever includes this defines the atomic operations anew, so that they call stop_here(),
 * and then includes the sources under test. */
#ifndef CACHE_TURNS_H
#define CACHE_TURNS_H

#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stddef.h>

enum { NEVER = 1 << 30 }; /* as a turn: to the end */

enum role { NOBODY, READER, WRITER, ROLES };
static _Thread_local enum role role;
static sem_t may_go[ROLES];  /* by role; that of NOBODY is the test's */
static int turn_left[ROLES]; /* accesses until its turn ends */
static bool is_done[ROLES];
static void (*act_of[ROLES])(void);
static pthread_t thread_of[ROLES];
static bool is_over;

static void stop_here(void)
{
    if (role == NOBODY || turn_left[role]-- > 0)
        return;
    sem_post(&may_go[NOBODY]);
    sem_wait(&may_go[role]);
    turn_left[role]--;
}

/* Lets it go on for so many accesses, or to its end. */
static inline void give_turn(enum role to, int accesses)
{
    if (is_done[to])
        return;
    turn_left[to] = accesses;
    sem_post(&may_go[to]);
    sem_wait(&may_go[NOBODY]);
}

static inline void *take_turns(void *context)
{
    enum role own = *(const enum role *)context;
    for (;;) {
        sem_wait(&may_go[own]);
        if (is_over)
            return NULL;
        role = own;
        act_of[own]();
        role = NOBODY;
        is_done[own] = true;
        sem_post(&may_go[NOBODY]);
    }
}

static inline void turns_begin(void (*read)(void), void (*write)(void))
{
    static const enum role roles[ROLES] = { NOBODY, READER, WRITER };
    act_of[READER] = read;
    act_of[WRITER] = write;
    for (enum role i = NOBODY; i < ROLES; i++)
        sem_init(&may_go[i], 0, 0);
    for (enum role i = READER; i < ROLES; i++)
        pthread_create(&thread_of[i], NULL, take_turns, (void *)(size_t)&roles[i]);
}

static inline void turns_end(void)
{
    is_over = true;
    for (enum role i = READER; i < ROLES; i++) {
        sem_post(&may_go[i]);
        pthread_join(thread_of[i], NULL);
    }
}

/* So many accesses for the reader, the writer and the reader again, then both to their end.  false: one of them ended
 * before its turn was over. */
static inline bool turns_run(const int turns[3])
{
    is_done[READER] = is_done[WRITER] = false;
    give_turn(READER, turns[0]);
    give_turn(WRITER, turns[1]);
    bool is_of_use = !is_done[READER] && !is_done[WRITER];
    give_turn(READER, turns[2]);
    give_turn(WRITER, NEVER);
    give_turn(READER, NEVER);
    return is_of_use;
}

#endif
