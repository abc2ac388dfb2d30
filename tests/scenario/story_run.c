/* A story from its beginning to its end, and what must not be left over then. */
#include "tests/scenario/run.h"

enum { CLIENT_ID_FIRST = 1000 };

static void check_entries_used(struct run *run, const struct story_entries *entries)
{
    const struct story_entry *entry;
    STAILQ_FOREACH(entry, entries, next)
    if (entry->mandatory && !entry->used)
        run_fail(run, "the entry of line %u was never asked for", entry->line);
}

/* What is refreshed in the background may find no server any more: it comes to an end by itself. */
static bool may_outlast_story(const struct run *run)
{
    const struct resolver_options *resolver = &run->config->resolver;
    return run->story->has_sections && (resolver->stale.enabled || resolver->prefetch) && TAILQ_EMPTY(&run->answers);
}

static void check_end(struct run *run)
{
    const struct story_range *range;
    while (may_outlast_story(run) && !TAILQ_EMPTY(&run->pending) && run_let_time_out(run))
        continue;
    STAILQ_FOREACH(range, &run->story->ranges, next)
    check_entries_used(run, &range->entries);
    if (!TAILQ_EMPTY(&run->pending))
        run_fail(run, "an upstream question that nobody waits for");
    if (run->failure == NULL && run->story->has_sections && !TAILQ_EMPTY(&run->answers))
        run_fail(run, "an answer that the story does not tell of:\n%s",
                 message_to_text(run->arena, &TAILQ_FIRST(&run->answers)->packet.message));
}

bool story_run(struct arena *arena, const struct story *story, const struct story_config *config,
               const struct story_run_options *options, const char **report)
{
    struct run run = {
        .arena = arena,
        .story = story,
        .config = config,
        .options = options,
        .random = random_seeded_new(options->seed),
        .now = { .wall_ms = config->start_ms, .monotonic_ms = 1000, .wall_is_fit = true },
        .step = STAILQ_FIRST(&story->steps),
        .next_id = CLIENT_ID_FIRST,
        .local = { &config->resolver, &config->local },
    };
    local_hooks(&run.local, &run.hooks);
    TAILQ_INIT(&run.pending);
    TAILQ_INIT(&run.answers);
    STAILQ_INIT(&run.trace);
    if (run.step != NULL)
        run.range_step = run.step->number;
    run.cache = cache_new(&config->cache, run.random);
    struct resolver_parts parts = run_parts(&run);
    run.resolver = resolver_new(&parts);
    run_follow_anchors(&run);
    run_tell(&run);
    if (run.failure == NULL)
        check_end(&run);
    if (run.failure != NULL)
        *report = run_report(&run);
    resolver_free(run.resolver);
    rollover_free(run.rollover);
    trust_free(run.trust);
    cache_free(run.cache);
    random_free(run.random);
    return run.failure == NULL;
}
