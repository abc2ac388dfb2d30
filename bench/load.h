/* One run of the load generator: what is asked, how, and until when. */
#ifndef BENCH_LOAD_H
#define BENCH_LOAD_H

#include <sys/socket.h>

#include "flight.h"

enum { BATCH = 64, CONNECTIONS = 8, CONNECTIONS_MAX = 64 };

enum mode {
    MODE_HITS,  /* questions at random for a time, so many on their way at any moment */
    MODE_ONCE,  /* each question once, in order */
    MODE_RATE,  /* questions at random for a time, at even distances, whatever comes back */
    MODE_FIRST, /* the first question at even distances until the first right answer */
};

struct load {
    struct sockaddr_storage server;
    socklen_t server_octets;
    struct questions questions;
    enum mode mode;
    bool tcp;
    bool judge;           /* false: every reply is right (the echo loop) */
    unsigned window;      /* questions on their way, over all connections */
    unsigned connections; /* TCP; MODE_RATE: sockets, which ask in turn */
    double seconds;       /* MODE_HITS, MODE_RATE; MODE_FIRST: gives up after that */
    double rate;          /* MODE_RATE, MODE_FIRST: questions a second */
    bool wire;            /* MODE_RATE: latency as on the wire, and no question late: for a core that others use, too */
    int64_t timeout_ns;   /* then a question is lost */

    size_t next;      /* MODE_ONCE */
    uint64_t random;  /* state of the choice of questions */
    int64_t until_ns; /* no question after that */
    struct tally tally;
};

/* There are more questions to be asked. */
bool load_goes_on(const struct load *load, int64_t now_ns);
/* The next of them. */
const struct question *load_next_question(struct load *load);

void udp_window(struct load *load);
void udp_rate(struct load *load);
void udp_first(struct load *load);
void tcp_window(struct load *load);

#endif
