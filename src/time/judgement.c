#include "time/judgement.h"

#include <assert.h>

#include "base/err.h"

static const struct reason_row {
    enum clock_fitness fitness;
    const char *code, *text;
} reasons[] = {
    [REASON_BELOW_BUILD] = { CLOCK_UNFIT, "below-build", "the clock is before the day this program was built" },
    [REASON_BELOW_SEEN] = { CLOCK_UNFIT, "below-seen", "the clock is before a time that has been already" },
    [REASON_BELOW_SET] = { CLOCK_UNFIT, "below-set", "the clock is before the time that time.floor names" },
    [REASON_OUTVOTED] = { CLOCK_UNFIT, "outvoted",
                          "the kernel says unsynchronised, and most time servers say another time" },
    [REASON_CONTRADICTED] = { CLOCK_DOUBTFUL, "contradicted",
                              "the kernel says synchronised, but most time servers say another time" },
    [REASON_UNCONFIRMED] = { CLOCK_DOUBTFUL, "unconfirmed",
                             "the kernel says unsynchronised, and no majority of at least three time servers confirms "
                             "the clock" },
    [REASON_NO_SERVERS] = { CLOCK_DOUBTFUL, "no-servers",
                            "the kernel says unsynchronised, and time.servers names nobody to ask" },
    [REASON_SEEMS_FAST] = { CLOCK_DOUBTFUL, "seems-fast",
                            "signatures of many unrelated zones seem to have expired: the clock may be ahead" },
    [REASON_SEEMS_SLOW] = { CLOCK_DOUBTFUL, "seems-slow",
                            "signatures of many unrelated zones seem to lie in the future: the clock may be behind" },
};
static_assert(ARRAY_LEN(reasons) == CLOCK_REASONS, "a row each");

const char *clock_reason_code(enum clock_reason reason)
{
    return reasons[reason].code;
}

const char *clock_reason_text(enum clock_reason reason)
{
    return reasons[reason].text;
}

const char *clock_fitness_text(enum clock_fitness fitness)
{
    static const char *const texts[] = { [CLOCK_FIT] = "fit", [CLOCK_DOUBTFUL] = "doubtful", [CLOCK_UNFIT] = "unfit" };
    return texts[fitness];
}

/* ---- floors ---- */

struct clock_floors clock_floors_of(const struct clock_options *options, int64_t build_s, int64_t seen_s)
{
    enum clock_floor kind = options->floor;
    return (struct clock_floors) {
        .build_s = kind == FLOOR_STORED || kind == FLOOR_BUILD ? build_s : CLOCK_NO_FLOOR,
        .seen_s = kind == FLOOR_STORED ? seen_s : CLOCK_NO_FLOOR,
        .set_s = kind == FLOOR_SET ? options->floor_s : CLOCK_NO_FLOOR,
    };
}

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

int64_t clock_floors_max(const struct clock_floors *floors)
{
    return later(later(floors->build_s, floors->seen_s), floors->set_s);
}

/* The latest time seen is our own clock's word: what is no jump (max_offset_s) is not held against it. */
static unsigned judge_floors(const struct clock_facts *facts, int64_t wall_s)
{
    const struct clock_floors *floors = &facts->floors;
    unsigned found = 0;
    if (wall_s < floors->build_s)
        found |= 1u << REASON_BELOW_BUILD;
    if (floors->seen_s != CLOCK_NO_FLOOR && wall_s < floors->seen_s - (int64_t)facts->max_offset_s)
        found |= 1u << REASON_BELOW_SEEN;
    if (wall_s < floors->set_s)
        found |= 1u << REASON_BELOW_SET;
    return found;
}

/* ---- servers ---- */

int64_t clock_offset_ms(const struct clock_sample *sample, struct now now)
{
    return sample->true_minus_monotonic_ms + now.monotonic_ms - now.wall_ms;
}

/* Surely, whatever the error. */
static bool differs(const struct clock_sample *sample, uint32_t max_offset_s, struct now now)
{
    int64_t offset_ms = clock_offset_ms(sample, now);
    return (offset_ms < 0 ? -offset_ms : offset_ms) - sample->error_ms > (int64_t)max_offset_s * 1000;
}

static void insert_sorted(int64_t *offsets, unsigned count, int64_t offset)
{
    for (; count > 0 && offsets[count - 1] > offset; count--)
        offsets[count] = offsets[count - 1];
    offsets[count] = offset;
}

static void count_samples(const struct clock_facts *facts, struct now now, struct clock_judgement *judgement)
{
    int64_t offsets[CLOCK_SAMPLES_MAX];
    assert(facts->sample_count <= CLOCK_SAMPLES_MAX);
    for (unsigned i = 0; i < facts->sample_count; i++) {
        const struct clock_sample *sample = &facts->samples[i];
        if (facts->proving_count > 0 && !sample->is_authenticated)
            continue;
        insert_sorted(offsets, judgement->deciding, clock_offset_ms(sample, now));
        judgement->deciding++;
        judgement->differing += differs(sample, facts->max_offset_s, now);
    }
    if (judgement->deciding > 0)
        judgement->offset_ms = offsets[judgement->deciding / 2];
}

/* One server that nobody can impersonate says more than any number of others. */
static bool is_quorum(const struct clock_facts *facts, const struct clock_judgement *judgement)
{
    return judgement->deciding >= CLOCK_SOURCES_MIN || (facts->proving_count > 0 && judgement->deciding > 0);
}

static unsigned judge_servers(const struct clock_facts *facts, const struct clock_judgement *judgement)
{
    bool most_differ = 2 * judgement->differing > judgement->deciding;
    bool most_agree = 2 * judgement->differing < judgement->deciding;
    if (facts->kernel == KERNEL_SYNCHRONISED)
        return most_differ ? 1u << REASON_CONTRADICTED : 0;
    if (facts->server_count == 0)
        return 1u << REASON_NO_SERVERS;
    if (most_differ && is_quorum(facts, judgement))
        return 1u << REASON_OUTVOTED;
    return most_agree && is_quorum(facts, judgement) ? 0 : 1u << REASON_UNCONFIRMED;
}

/* ---- all of it ---- */

struct clock_judgement clock_judge(const struct clock_facts *facts, struct now now)
{
    struct clock_judgement judgement = { .fitness = CLOCK_FIT };
    count_samples(facts, now, &judgement);
    judgement.reasons = judge_floors(facts, now_wall_s(now)) | judge_servers(facts, &judgement);
    if (facts->many_expired)
        judgement.reasons |= 1u << REASON_SEEMS_FAST;
    if (facts->many_not_yet)
        judgement.reasons |= 1u << REASON_SEEMS_SLOW;
    for (unsigned i = 0; i < CLOCK_REASONS; i++)
        if ((judgement.reasons & 1u << i) != 0 && reasons[i].fitness > judgement.fitness)
            judgement.fitness = reasons[i].fitness;
    return judgement;
}

bool clock_sample_age(struct clock_sample *sample, int64_t age_ms, uint32_t max_offset_s)
{
    sample->error_ms += age_ms / 1000000 * CLOCK_DRIFT_PPM + age_ms % 1000000 * CLOCK_DRIFT_PPM / 1000000;
    return sample->error_ms <= (int64_t)max_offset_s * 1000;
}

int64_t clock_jump_ms(struct now before, struct now now)
{
    return (now.wall_ms - before.wall_ms) - (now.monotonic_ms - before.monotonic_ms);
}
