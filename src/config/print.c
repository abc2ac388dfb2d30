/* Everything that is printed from the table. */
#include <assert.h>

#include "config/manual.h"
#include "config/option.h"

enum { SAMPLE_COLUMNS = 100 };

/* The groups of key that the key before had not: "resolver:", "  serve-stale:".  Returns the last part of key and how
 * deep it is. */
static const char *print_groups(FILE *to, const char *prefix, const char *before, const char *key, int *depth)
{
    const char *part = key, *dot;
    for (*depth = 0; (dot = strchr(part, '.')) != NULL; part = dot + 1, (*depth)++) {
        size_t len = (size_t)(dot - key) + 1;
        if (strncmp(before, key, len) != 0)
            fprintf(to, "%s%*s%.*s:\n", prefix, 2 * *depth, "", (int)(dot - part), part);
    }
    return part;
}

void config_print(const struct config *config, FILE *to)
{
    struct arena *arena = arena_new();
    size_t count;
    const struct option *options = option_table(&count);
    const char *before = "";
    for (size_t i = 0; i < count; i++) {
        int depth;
        const char *part = print_groups(to, "", before, options[i].key, &depth);
        fprintf(to, "%*s%s: %s\n", 2 * depth, "", part, option_text(arena, &options[i], &config->values[i]));
        before = options[i].key;
    }
    arena_free(arena);
}

const char *config_where(const struct config *config, const char *key, char where[CONFIG_WHERE_OCTETS_MAX])
{
    int row = option_find(key);
    assert(row >= 0);
    if (config->path == NULL || config->values[row].is_default)
        snprintf(where, CONFIG_WHERE_OCTETS_MAX, "%s", key);
    else
        snprintf(where, CONFIG_WHERE_OCTETS_MAX, "%s:%u: %s", config->path, config->values[row].line, key);
    return where;
}

size_t config_needs_restart(const struct config *running, const struct config *wanted, FILE *to)
{
    struct arena *arena = arena_new();
    size_t count, differing = 0;
    const struct option *options = option_table(&count);
    for (size_t i = 0; i < count; i++) {
        const char *old = option_text(arena, &options[i], &running->values[i]);
        const char *new = option_text(arena, &options[i], &wanted->values[i]);
        if (!options[i].needs_restart || strcmp(old, new) == 0)
            continue;
        fprintf(to, "%s: stays %s until a restart makes it %s\n", options[i].key, old, new);
        differing++;
    }
    arena_free(arena);
    return differing;
}

/* ---- the sample file ---- */

/* Between words, so that no line is longer than SAMPLE_COLUMNS. */
static void print_wrapped(FILE *to, const char *text, int indent)
{
    int column = 0;
    for (const char *word = text; *word != '\0';) {
        int len = (int)strcspn(word, " ");
        if (column > 0 && column + 1 + len > SAMPLE_COLUMNS) {
            fputc('\n', to);
            column = 0;
        }
        column += column == 0 ? fprintf(to, "##%*s%.*s", indent, "", len, word) : fprintf(to, " %.*s", len, word);
        word += len + (word[len] == ' ');
    }
    fputc('\n', to);
}

void sample_print(FILE *to)
{
    size_t count;
    const struct option *options = option_table(&count);
    const char *before = "";
    fputs("## A sample of vouchd's configuration: every option at its default.  Take the first # from the lines\n"
          "## that you want to change, and from the names of the groups they stand in.  See vouch.yaml(5).\n",
          to);
    for (size_t i = 0; i < count; i++) {
        int depth;
        if (options[i].not_yet)
            continue;
        fputc('\n', to);
        const char *part = print_groups(to, "#", before, options[i].key, &depth);
        print_wrapped(to, options[i].help, 2 * depth + 1);
        fprintf(to, "#%*s%s: %s\n", 2 * depth, "", part, options[i].initial);
        before = options[i].key;
    }
}

/* ---- the manual page ---- */

/* One argument of a macro: quotes are doubled inside of quotes. */
static void print_argument(FILE *to, const char *text)
{
    fputc('"', to);
    for (; *text != '\0'; text++)
        fputs(*text == '"' ? "\"\"" : (char[]) { *text, '\0' }, to);
    fputc('"', to);
}

/* A line for each sentence, as mdoc(7) wants it. */
static void print_sentences(FILE *to, const char *text)
{
    for (; *text != '\0'; text++) {
        bool is_end = text[0] == '.' && text[1] == ' ';
        fputs(is_end ? ".\n" : (char[]) { *text, '\0' }, to);
        text += is_end;
    }
    fputc('\n', to);
}

static void print_manual_of(FILE *to, const struct option *option, struct arena *arena)
{
    fputs(".It Ic ", to);
    print_argument(to, option->key);
    fputc('\n', to);
    print_sentences(to, option->help);
    fprintf(to, "Takes %s.\n", option_expected(arena, option));
    if (option->needs_restart)
        fputs("A change waits for a restart.\n", to);
    if (option->not_yet)
        fputs(option->is_harmless ? "Not available yet: nothing comes of it.\n"
                                  : "Not available yet: nothing but the default may be written.\n",
              to);
    fputs("Default:\n.Li ", to);
    print_argument(to, option->initial);
    fputs(" .\n", to);
}

void manual_print(FILE *to)
{
    struct arena *arena = arena_new();
    size_t count;
    const struct option *options = option_table(&count);
    fputs(".Bl -tag -width Ds\n", to);
    for (size_t i = 0; i < count; i++)
        print_manual_of(to, &options[i], arena);
    fputs(".El\n", to);
    arena_free(arena);
}
