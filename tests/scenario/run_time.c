/* Time, which runs only where the story says so, and the trust anchors that follow it. */
#include "tests/scenario/run.h"

#include <stdio.h>

#include "tests/scenario/story_anchors.h"

void run_let_pass(struct run *run, int64_t ms)
{
    run->now.wall_ms += ms;
    run->now.monotonic_ms += ms;
    resolver_tick(run->resolver, run->now);
    run_pump(run);
}

static void set_times(struct run *run)
{
    const struct managed *managed = run->config->managed;
    int64_t next_s = INT64_MAX;
    for (size_t i = 0; managed != NULL && i < managed->count; i++)
        if (managed->zones[i].next_s < next_s)
            next_s = managed->zones[i].next_s;
    run->variables.time_s = now_wall_s(run->now);
    run->variables.timeout_s = next_s - now_wall_s(run->now);
}

void run_tick_anchors(struct run *run)
{
    if (run->rollover != NULL)
        rollover_tick(run->rollover, run->now);
    run_pump(run);
}

bool run_let_time_out(struct run *run)
{
    int64_t deadline_ms = resolver_deadline_ms(run->resolver);
    if (deadline_ms == INT64_MAX)
        return false;
    if (++run->rounds > ROUNDS_MAX)
        return run_fail(run, "does not come to rest");
    run_let_pass(run, deadline_ms > run->now.monotonic_ms ? deadline_ms - run->now.monotonic_ms : 1);
    run_answer_all(run);
    return true;
}

/* "ELAPSE 1.5" or "EVAL ${30*24*3600}" */
static bool read_duration(struct run *run, const struct story_step *step, int64_t *ms)
{
    static const char eval[] = "EVAL ";
    double seconds;
    const char *error;
    if (sscanf(step->rest, "ELAPSE %lf", &seconds) == 1) {
        *ms = (int64_t)(seconds * 1000);
        return true;
    }
    if (strncmp(step->rest, eval, sizeof(eval) - 1) != 0)
        return run_fail(run, "TIME_PASSES wants ELAPSE or EVAL");
    set_times(run);
    if (!story_evaluate(run->arena, &run->variables, step->rest + sizeof(eval) - 1, ms, &error))
        return run_fail(run, "%s", error);
    *ms *= 1000;
    return true;
}

/* In Unbound's stories a question in flight ends by REPLY or TIMEOUT alone; only where a client's patience
 * counts do timers run. */
static bool has_no_timeouts(const struct run *run)
{
    const struct stale_options *stale = &run->config->resolver.stale;
    return run->story->has_sections && !TAILQ_EMPTY(&run->pending) && !stale->enabled;
}

bool run_pass_time(struct run *run, const struct story_step *step)
{
    int64_t ms;
    if (!read_duration(run, step, &ms))
        return false;
    if (has_no_timeouts(run)) {
        run->now.wall_ms += ms;
        return true;
    }
    int64_t until_ms = run->now.monotonic_ms + ms;
    while (run->failure == NULL && resolver_deadline_ms(run->resolver) < until_ms)
        run_let_time_out(run);
    if (until_ms > run->now.monotonic_ms)
        run_let_pass(run, until_ms - run->now.monotonic_ms);
    run_tick_anchors(run);
    return run->failure == NULL;
}

static void on_probe(void *context, const struct question *question, bool checking_disabled, void *waiter)
{
    struct run *run = context;
    struct asker *asker = ARENA_NEW(run->arena, struct asker);
    *asker = (struct asker) { .probe = waiter };
    run->probes++;
    resolver_probe(run->resolver, question, checking_disabled, asker, run->now);
}

static void use_anchors(struct run *run)
{
    struct rollover_options options = { .refresh = true };
    struct resolver_parts parts = run_parts(run);
    resolver_configure(run->resolver, &parts);
    rollover_configure(run->rollover, &options, parts.policy, parts.trust);
}

static void on_observed(void *context, const struct managed_zone *zone, const struct anchor_changes *changes,
                        struct now now)
{
    struct run *run = context;
    struct trust *old = run->trust;
    (void)now;
    run_trace(run, "  anchors: %s", zone->failure == NULL ? "refreshed" : zone->failure);
    for (size_t i = 0; i < changes->count; i++)
        run_trace(run, "  anchors: key %u: %s: %s", changes->items[i].key_tag, anchor_state_text(changes->items[i].to),
                  changes->items[i].why);
    run->trust = managed_snapshot(run->config->managed, run->config->trust);
    use_anchors(run);
    trust_free(old);
}

void run_follow_anchors(struct run *run)
{
    struct rollover_host host = { run, on_probe, on_observed };
    if (run->config->managed == NULL)
        return;
    run->rollover = rollover_new(&host, run->config->managed, run->random);
    use_anchors(run);
}

void run_settle(struct run *run)
{
    run_answer_all(run);
    while (run->failure == NULL && run->probes > 0 && run_let_time_out(run))
        continue;
}

bool run_assign(struct run *run, const struct story_step *step)
{
    const char *error;
    run_settle(run);
    set_times(run);
    return story_assign(run->arena, &run->variables, step->rest, &error) || run_fail(run, "%s", error);
}

bool run_check_anchors(struct run *run, const struct story_step *step)
{
    run_settle(run);
    const char *difference = run->config->managed == NULL ? "no trust anchors follow RFC 5011"
                                                          : story_anchors_difference(run->arena, run->config->managed,
                                                                                     step->file, now_wall_s(run->now));
    return difference == NULL || run_fail(run, "%s", difference);
}
