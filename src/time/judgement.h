/* May the clock be believed?  A function of facts that others bring: floors, the kernel's state, the answers of time
 * servers, how signatures fare.  None of them rests on DNSSEC, which cannot do without the time. */
#ifndef TIME_JUDGEMENT_H
#define TIME_JUDGEMENT_H

#include "time/now.h"

enum {
    CLOCK_SOURCES_MIN = 3, /* RFC 5905 section 11.2.1: of two that differ nobody knows which one is wrong */
    CLOCK_SAMPLES_MAX = 16,
    CLOCK_DRIFT_PPM = 500, /* RFC 5905 section 10: the worst oscillator it cares for (MAXFREQ) */
};

#define CLOCK_NO_FLOOR INT64_MIN

struct clock_options { /* time.* in the configuration */
    enum clock_floor { FLOOR_STORED, FLOOR_BUILD, FLOOR_NONE, FLOOR_SET } floor;
    int64_t floor_s; /* FLOOR_SET: UNIX time */
    uint32_t max_offset_s;
};

/* Times that have been: a clock below one of them is wrong.  UNIX times, or CLOCK_NO_FLOOR. */
struct clock_floors {
    int64_t build_s;
    int64_t seen_s; /* the latest time that was believed, remembered over restarts */
    int64_t set_s;  /* by the operator */
};
/* Those that the options let count. */
struct clock_floors clock_floors_of(const struct clock_options *options, int64_t build_s, int64_t seen_s);
/* The highest one; CLOCK_NO_FLOOR if there is none. */
int64_t clock_floors_max(const struct clock_floors *floors);

enum clock_kernel { KERNEL_SYNCHRONISED, KERNEL_UNSYNCHRONISED }; /* adjtimex(2) */

/* What one server said.  It stays true when our wall clock jumps. */
struct clock_sample {
    int64_t true_minus_monotonic_ms; /* its time of day less our monotonic time */
    int64_t error_ms;                /* it may be off by so much: half the way there and back, and its own doubts */
    bool is_authenticated;           /* RFC 8915; else anybody on the way can have said it */
};

struct clock_facts {
    struct clock_floors floors;
    enum clock_kernel kernel;
    unsigned server_count;  /* configured */
    unsigned proving_count; /* … that must prove who they are: if there are any, nobody else's samples count */
    unsigned sample_count;  /* of those that answered in the last check */
    struct clock_sample samples[CLOCK_SAMPLES_MAX];
    uint32_t max_offset_s;
    bool many_expired, many_not_yet; /* suspicion_points_at_us() */
};

enum clock_fitness {
    CLOCK_FIT,
    CLOCK_DOUBTFUL, /* validation goes on, and somebody should look */
    CLOCK_UNFIT,    /* validation is held */
};
enum clock_reason {
    REASON_BELOW_BUILD,
    REASON_BELOW_SEEN,
    REASON_BELOW_SET,
    REASON_OUTVOTED,     /* unsynchronised, and most of at least three servers say another time */
    REASON_CONTRADICTED, /* synchronised, and most servers say another time */
    REASON_UNCONFIRMED,  /* unsynchronised, and there is no majority of three for our time */
    REASON_NO_SERVERS,   /* unsynchronised, and nobody to ask */
    REASON_SEEMS_FAST,   /* many unrelated zones seem to have expired */
    REASON_SEEMS_SLOW,   /* … seem to lie in the future */
    CLOCK_REASONS,
};

struct clock_judgement {
    enum clock_fitness fitness;
    unsigned reasons;   /* 1u << enum clock_reason */
    unsigned deciding;  /* samples that counted: the authenticated ones if there are servers that prove who they are */
    unsigned differing; /* … whose time differs from ours by more than max_offset_s */
    int64_t offset_ms;  /* the middle one of theirs less our time; 0 if there are none */
};
struct clock_judgement clock_judge(const struct clock_facts *facts, struct now now);

/* A sample of some time ago: the monotonic clock has drifted meanwhile.  False: by so much that it says nothing. */
bool clock_sample_age(struct clock_sample *sample, int64_t age_ms, uint32_t max_offset_s);

/* What must be added to our time for the server's. */
int64_t clock_offset_ms(const struct clock_sample *sample, struct now now);

/* "fit", "doubtful", "unfit" */
const char *clock_fitness_text(enum clock_fitness fitness);
/* "below-build", … */
const char *clock_reason_code(enum clock_reason reason);
/* A sentence, without its end. */
const char *clock_reason_text(enum clock_reason reason);

/* How far the wall clock went beyond what has passed: forward, or back when negative.  A sleep of the machine looks
 * like a jump forward. */
int64_t clock_jump_ms(struct now before, struct now now);

#endif
