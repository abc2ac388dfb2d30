/* Error reports to the agents that zones name (RFC 9567): a question whose name tells what failed. */
#include <stdio.h>
#include <string.h>

#include "resolver/request.h"

/* RFC 9567 section 5: uncompressed, and nothing behind it.  The root stands for nobody. */
const struct dname *report_agent_of(const struct edns *edns, struct arena *arena)
{
    const struct edns_option *option = edns_option_find(edns, EDNS_REPORT_CHANNEL);
    struct dname agent;
    if (option == NULL || dname_from_wire(option->data, &agent) != OK || dname_is_root(&agent))
        return NULL;
    return dname_copy(arena, &agent);
}

static bool prepend(const char *label, struct dname *name)
{
    return dname_prepend((struct octets) { (const uint8_t *)label, strlen(label) }, name, name) == OK;
}

static bool prepend_number(unsigned number, struct dname *name)
{
    char label[12];
    snprintf(label, sizeof(label), "%u", number);
    return prepend(label, name);
}

static bool prepend_name(const struct dname *labels, struct dname *name)
{
    for (uint8_t n = labels->labels; n > 0; n--)
        if (dname_prepend(dname_label(labels, (uint8_t)(n - 1)), name, name) != OK)
            return false;
    return true;
}

/* _er.TYPE.NAME.CODE._er.AGENT (section 6.1.1); false: it has no room in a name. */
static bool make_question(const struct question *failed, int code, const struct dname *agent, struct question *report)
{
    *report = (struct question) { .qname = *agent, .qtype = TYPE_TXT, .qclass = CLASS_IN };
    return prepend("_er", &report->qname) && prepend_number((unsigned)code, &report->qname) &&
           prepend_name(&failed->qname, &report->qname) && prepend_number(failed->qtype, &report->qname) &&
           prepend("_er", &report->qname);
}

/* What fails on the way of a report, or where the agent itself is, is not reported. */
static bool leads_back(const struct question *question, const struct dname *agent)
{
    static const struct octets label = { (const uint8_t *)"_er", 3 };
    return dname_is_subdomain(&question->qname, agent) ||
           (question->qname.labels > 0 && octets_equal(dname_label(&question->qname, 0), label));
}

/* Zones choose whom we ask: the agent may be a victim (section 9). */
static bool is_too_much(struct resolver *r, struct now now)
{
    if (now.monotonic_ms - r->reports_since_ms >= 1000) {
        r->reports_since_ms = now.monotonic_ms;
        r->reports_in_second = 0;
    }
    return r->reports_in_second++ >= REPORTS_PER_S_MAX || r->stats.background >= BACKGROUND_MAX;
}

/* The agent's answer is kept as any other, which is what keeps the same report from being sent again (section 4). */
void report_failure(struct resolver *r, const struct request *q, struct now now)
{
    const struct outcome *outcome = &q->outcome;
    struct question report;
    if (!r->parts.options->report_errors || q->link_count == 0 || outcome->ede_count == 0 || q->in_background)
        return;
    if (q->purse->budget.spent != NULL)
        return; /* that says nothing about the zone, and the question has cost enough */
    const struct pin *failed = q->links[q->link_count - 1];
    if (failed->from.agent == NULL || failed->from_cache || leads_back(&failed->question, failed->from.agent) ||
        is_too_much(r, now) || !make_question(&failed->question, outcome->edes[0].code, failed->from.agent, &report))
        return;
    struct request *background = request_new(r, &report, true, now); /* whatever the agent says, nobody relies on it */
    struct budget *budget = &background->purse->budget;
    budget->packets = budget->packets < REPORT_PACKETS_MAX ? budget->packets : REPORT_PACKETS_MAX;
    budget->reply_octets = REPORT_OCTETS_MAX;
    request_to_background(r, background);
    task_wake(r, &background->task);
    r->stats.reports++;
}
