/* replay [--seed N] [--verbose] [--list FILE] FILE|DIRECTORY…: tells stories to the core and says which came out right.
 * Exit code 3: no story failed, but one has a word that is not known. */
#include <errno.h>
#include <fts.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

#include "base/hash.h"
#include "tests/scenario/story_run.h"

enum verdict_of_story {
    STORY_PASSED,
    STORY_FAILED,
    STORY_SKIPPED,
    STORY_NOT_APPLICABLE, /* it has a word that we do not know, and may mean anything */
};
enum { EXIT_NOT_APPLICABLE = 3 };

struct expected_failure { /* "path step reason" */
    const char *path;
    const char *step; /* as a report of its failure begins: whatever fails before is none that is expected */
    const char *reason;
};

struct replay {
    struct arena *arena;
    struct story_run_options options;
    struct expected_failure *expected;
    size_t expected_count;
    unsigned passed, failed, skipped, not_applicable;
    unsigned failed_as_expected;
    unsigned real, faked; /* of those that passed */
};

/* ---- expected failures ---- */

static bool ends_with_path(const char *path, const char *end)
{
    size_t len = strlen(path), end_len = strlen(end);
    return len >= end_len && strcmp(path + len - end_len, end) == 0 &&
           (len == end_len || path[len - end_len - 1] == '/');
}

static const struct expected_failure *find_expected(const struct replay *replay, const char *path)
{
    for (size_t i = 0; i < replay->expected_count; i++)
        if (ends_with_path(path, replay->expected[i].path))
            return &replay->expected[i];
    return NULL;
}

static void add_expected(struct replay *replay, char *line)
{
    line[strcspn(line, "\n")] = '\0';
    size_t len = strcspn(line, " \t");
    if (len == 0 || *line == '#')
        return;
    const char *step = line + len + strspn(line + len, " \t");
    size_t step_len = strcspn(step, " \t");
    const char *reason = step + step_len + strspn(step + step_len, " \t");
    replay->expected = memory_resize(replay->expected, replay->expected_count + 1, sizeof(*replay->expected));
    replay->expected[replay->expected_count++] = (struct expected_failure) {
        .path = arena_printf(replay->arena, "%.*s", (int)len, line),
        .step = arena_printf(replay->arena, "step %.*s ", (int)step_len, step),
        .reason = arena_strdup(replay->arena, reason),
    };
}

static void read_expected(struct replay *replay, const char *path)
{
    FILE *file = fopen(path, "r");
    char *line = NULL;
    size_t size = 0;
    if (file == NULL) {
        fprintf(stderr, "replay: %s: %s\n", path, strerror(errno));
        exit(EX_NOINPUT);
    }
    while (getline(&line, &size, file) >= 0)
        add_expected(replay, line);
    free(line);
    fclose(file);
}

/* ---- one story ---- */

static enum verdict_of_story tell(struct replay *replay, struct arena *arena, const char *path, const char **report)
{
    struct story *story;
    struct story_config config;
    const char *story_error, *config_error;
    enum err read = story_read(arena, path, &story, &story_error);
    if (read == ERR_SYSTEM) {
        *report = story_error;
        return STORY_FAILED;
    }
    enum err configured = story_configure(arena, story, &config, &config_error);
    enum verdict_of_story verdict = STORY_FAILED;
    if (config.needs != NULL) {
        *report = arena_printf(arena, "needs %s", config.needs);
        verdict = STORY_SKIPPED;
    } else if (read != OK || configured != OK) {
        *report = read != OK ? story_error : config_error;
        verdict = STORY_NOT_APPLICABLE;
    } else if (story_run(arena, story, &config, &replay->options, report)) {
        verdict = STORY_PASSED;
    }
    story_config_free(&config);
    return verdict;
}

static void count_passed(struct replay *replay, const char *path, bool is_expected_to_fail, bool is_faked)
{
    if (is_expected_to_fail) {
        printf("FAILED %s: passes, remove it from the list of expected failures\n", path);
        replay->failed++;
        return;
    }
    replay->passed++;
    if (is_faked)
        replay->faked++;
    else
        replay->real++;
}

static void count_failed(struct replay *replay, const char *path, const char *report,
                         const struct expected_failure *expected)
{
    if (expected != NULL && strncmp(report, expected->step, strlen(expected->step)) == 0) {
        printf("expected failure %s: %s\n", path, expected->reason);
        replay->failed_as_expected++;
        return;
    }
    printf("FAILED %s: %s%s\n", path, expected != NULL ? "elsewhere than listed: " : "", report);
    replay->failed++;
}

static void replay_file(struct replay *replay, const char *path)
{
    struct arena *arena = arena_new();
    const char *report = "";
    unsigned long faked_before = story_faked_checks();
    if (replay->options.verbose)
        printf("=== %s\n", path);
    enum verdict_of_story verdict = tell(replay, arena, path, &report);
    const struct expected_failure *expected = find_expected(replay, path);
    if (verdict == STORY_PASSED) {
        count_passed(replay, path, expected != NULL, story_faked_checks() != faked_before);
    } else if (verdict == STORY_FAILED) {
        count_failed(replay, path, report, expected);
    } else if (verdict == STORY_NOT_APPLICABLE) {
        printf("NOT APPLICABLE %s: %s\n", path, report);
        replay->not_applicable++;
    } else {
        printf("skipped %s: %s\n", path, report);
        replay->skipped++;
    }
    fflush(stdout);
    arena_free(arena);
}

/* ---- all of them ---- */

/* A file that was named, or a .rpl file below a directory that was. */
static bool is_story(const FTSENT *entry)
{
    bool has_suffix = entry->fts_namelen > 4 && strcmp(entry->fts_name + entry->fts_namelen - 4, ".rpl") == 0;
    return entry->fts_info == FTS_F && (has_suffix || entry->fts_level == FTS_ROOTLEVEL);
}

static int by_name(const FTSENT **a, const FTSENT **b)
{
    return strcmp((*a)->fts_name, (*b)->fts_name);
}

static void replay_path(struct replay *replay, char *path)
{
    char *paths[] = { path, NULL };
    FTS *tree = fts_open(paths, FTS_LOGICAL | FTS_NOCHDIR, by_name);
    for (FTSENT *entry; tree != NULL && (entry = fts_read(tree)) != NULL;) {
        if (entry->fts_info == FTS_NS && entry->fts_level == FTS_ROOTLEVEL) {
            printf("SKIPPED: %s IS MISSING, its stories are not told\n", path);
            replay->skipped++;
        } else if (is_story(entry)) {
            replay_file(replay, entry->fts_path);
        }
    }
    if (tree != NULL)
        fts_close(tree);
}

static void parse_options(struct replay *replay, int argc, char **argv)
{
    static const struct option options[] = {
        { "seed", required_argument, NULL, 's' },
        { "verbose", no_argument, NULL, 'v' },
        { "list", required_argument, NULL, 'l' },
        { 0 },
    };
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (option == 's')
            replay->options.seed = strtoull(optarg, NULL, 10);
        else if (option == 'v')
            replay->options.verbose = true;
        else if (option == 'l')
            read_expected(replay, optarg);
        else
            exit(EX_USAGE);
    }
}

int main(int argc, char **argv)
{
    struct replay replay = { .arena = arena_new(), .options = { .seed = 1 } };
    parse_options(&replay, argc, argv);
    struct random *random = random_seeded_new(replay.options.seed);
    hash_init(random);
    random_free(random);
    for (int i = optind; i < argc; i++)
        replay_path(&replay, argv[i]);
    printf("%u passed with real signatures or none, %u with faked ones\n", replay.real, replay.faked);
    printf("%u failed as expected\n", replay.failed_as_expected);
    if (replay.not_applicable > 0)
        printf("%u not applicable\n", replay.not_applicable);
    printf("%u passed, %u failed, %u skipped\n", replay.passed, replay.failed, replay.skipped);
    free(replay.expected);
    arena_free(replay.arena);
    return replay.failed > 0 ? EXIT_FAILURE : replay.not_applicable > 0 ? EXIT_NOT_APPLICABLE : EXIT_SUCCESS;
}
