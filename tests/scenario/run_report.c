/* What people read of a story as it runs, and of one that fails. */
#include "tests/scenario/run.h"

#include <stdio.h>

#include "message/text.h"

enum { TRACE_LINES_MAX = 60 }; /* of a failed story's report */

bool run_fail(struct run *run, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    const char *what = arena_vprintf(run->arena, format, arguments);
    va_end(arguments);
    if (run->failure == NULL && run->step != NULL)
        run->failure = arena_printf(run->arena, "step %u (%s, line %u): %s", run->step->number,
                                    step_kind_text(run->step->kind), run->step->line, what);
    else if (run->failure == NULL)
        run->failure = arena_printf(run->arena, "at the end: %s", what);
    return false;
}

void run_trace(struct run *run, const char *format, ...)
{
    struct trace_line *line = ARENA_NEW(run->arena, struct trace_line);
    va_list arguments;
    va_start(arguments, format);
    line->text = arena_vprintf(run->arena, format, arguments);
    va_end(arguments);
    STAILQ_INSERT_TAIL(&run->trace, line, next);
    if (++run->trace_count > TRACE_LINES_MAX) {
        STAILQ_REMOVE_HEAD(&run->trace, next);
        run->trace_count--;
    }
    if (run->options->verbose)
        puts(line->text);
}

void run_show_message(struct run *run, const struct message *message)
{
    if (run->options->verbose)
        puts(message_to_text(run->arena, message));
}

const char *run_question_text(struct arena *arena, const struct message *message)
{
    char name[DNAME_TEXT_MAX], type[RR_TYPE_TEXT_MAX];
    if (!message->has_question)
        return "no question";
    return arena_printf(arena, "%s %s", dname_to_text(&message->question.qname, name),
                        rr_type_to_text(message->question.qtype, type));
}

static void explain_cuts(struct text *text, const struct explanation *explanation)
{
    char name[DNAME_TEXT_MAX];
    for (uint8_t i = 0; i < explanation->cut_count; i++) {
        const struct explained_cut *cut = &explanation->cuts[i];
        text_printf(text, "        cut %s: %s (%s)\n", dname_to_text(&cut->zone, name), security_text(cut->security),
                    cut->how == NULL ? "" : cut->how);
    }
}

const char *run_explain(struct run *run, const struct outcome *outcome)
{
    struct text text = text_new(run->arena);
    text_printf(&text, "    %s", security_text(outcome->security));
    if (outcome->site != NULL)
        text_printf(&text, ", site %s", outcome->site);
    for (uint16_t i = 0; i < outcome->ede_count; i++)
        text_printf(&text, ", EDE %d \"%s\"", outcome->edes[i].code,
                    outcome->edes[i].text == NULL ? "" : outcome->edes[i].text);
    text_printf(&text, "\n");
    for (uint16_t i = 0; i < outcome->link_count; i++) {
        const struct verdict *verdict = &outcome->links[i]->verdict;
        char name[DNAME_TEXT_MAX];
        text_printf(&text, "      link %s: %s, site %s %s\n", dname_to_text(&outcome->links[i]->question.qname, name),
                    security_text(verdict->security), verdict->site == NULL ? "-" : verdict->site, verdict->text);
        if (verdict->explanation != NULL)
            explain_cuts(&text, verdict->explanation);
    }
    return text.data;
}

const char *run_report(struct run *run)
{
    struct text text = text_new(run->arena);
    struct trace_line *line;
    text_printf(&text, "%s\n--- what happened\n", run->failure);
    STAILQ_FOREACH(line, &run->trace, next)
    text_printf(&text, "%s\n", line->text);
    return text.data;
}
