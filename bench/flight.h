/* The questions that are on their way: a table by message id. */
#ifndef BENCH_FLIGHT_H
#define BENCH_FLIGHT_H

#include "tally.h"

enum {
    WINDOW_MAX = 4096,  /* a message id holds the place in the table, */
    ID_PLACE_BITS = 12, /* … */
    ID_ROUNDS = 16,     /* and how often the place was used, so that late replies are told apart */
};

struct place {
    const struct question *question;
    int64_t since_ns;
    uint16_t id;
    uint8_t query[QUERY_OCTETS_MAX];
};

struct flight {
    unsigned window; /* places in use at most */
    unsigned free_count;
    uint16_t free[WINDOW_MAX];
    struct place places[WINDOW_MAX];
    uint64_t random; /* state of the letters' case */
    int64_t timeout_ns;
    int64_t expired_ns; /* when flight_expire() last looked */
};

void flight_init(struct flight *flight, unsigned window, int64_t timeout_ns);
static inline bool flight_is_full(const struct flight *flight)
{
    return flight->free_count == 0;
}
static inline bool flight_is_empty(const struct flight *flight)
{
    return flight->free_count == flight->window;
}

/* Takes a place, which must be there, and writes the query into it.  since_ns: latency counts from then. */
struct place *flight_take(struct flight *flight, const struct question *question, int64_t since_ns);
/* Files a reply: its place is free again.  judge: false counts any reply with a known id as right. */
void flight_reply(struct flight *flight, const uint8_t *reply, size_t octets, bool judge, int64_t now_ns,
                  struct tally *tally);
/* Gives up what has waited too long; cheap to call often. */
void flight_expire(struct flight *flight, int64_t now_ns, struct tally *tally);
/* Gives up everything. */
void flight_abandon(struct flight *flight, struct tally *tally);

/* xorshift64*: fast, and good enough to pick questions. */
uint64_t next_random(uint64_t *state);

#endif
