#include "steward/nta_check.h"

#include <stdlib.h>
#include <sys/queue.h>

enum { JITTER_PARTS = 10 }; /* a tenth earlier at most: not all resolvers that have it ask at the same second */

/* The questions that were asked for one purpose. */
struct round {
    struct dname zone; /* the anchor may be gone when the answers come */
    enum nta_source source;
    bool finds_cut; /* else: is the zone well? */
    uint16_t open;  /* answers to come */
    const char *finding;
    LIST_ENTRY(round) next;
};

struct nta_check {
    struct nta_check_host host;
    struct nta_set *set;
    struct random *random;
    uint32_t interval_s;
    LIST_HEAD(, round) rounds;
    struct nta_check_stats stats;
};

struct nta_check *nta_check_new(const struct nta_check_host *host, struct nta_set *set, struct random *random)
{
    struct nta_check *check = memory_new(1, sizeof(*check));
    check->host = *host;
    check->set = set;
    check->random = random;
    LIST_INIT(&check->rounds);
    return check;
}

static void round_free(struct round *round)
{
    LIST_REMOVE(round, next);
    free(round);
}

void nta_check_free(struct nta_check *check)
{
    if (check == NULL)
        return;
    while (!LIST_EMPTY(&check->rounds))
        round_free(LIST_FIRST(&check->rounds));
    free(check);
}

void nta_check_configure(struct nta_check *check, uint32_t interval_s)
{
    if (check->interval_s != interval_s)
        for (size_t i = 0; i < check->set->count; i++)
            check->set->items[i]->next_ms = 0; /* a shorter one counts at once */
    check->interval_s = interval_s;
}

void nta_check_get_stats(const struct nta_check *check, struct nta_check_stats *stats)
{
    *stats = check->stats;
}

/* ---- asking ---- */

static bool is_under_way(const struct nta_check *check, const struct nta *nta, bool finds_cut)
{
    const struct round *round;
    LIST_FOREACH(round, &check->rounds, next)
    {
        if (round->finds_cut == finds_cut && round->source == nta->source && dname_equal(&round->zone, &nta->zone))
            return true;
    }
    return false;
}

static struct round *round_new(struct nta_check *check, const struct nta *nta, bool finds_cut, uint16_t questions)
{
    struct round *round = memory_new(1, sizeof(*round));
    round->zone = nta->zone;
    round->source = nta->source;
    round->finds_cut = finds_cut;
    round->open = questions;
    LIST_INSERT_HEAD(&check->rounds, round, next);
    return round;
}

/* An answer may come before this returns, and the last one frees the round. */
static void ask(struct nta_check *check, struct round *round, const struct question *question)
{
    check->host.probe(check->host.context, question, round->finds_cut, round);
}

static struct question question_at(const struct dname *zone, uint16_t type)
{
    return (struct question) { .qname = *zone, .qtype = type, .qclass = CLASS_IN };
}

void nta_check_find_cut(struct nta_check *check, struct nta *nta)
{
    if (nta->cut != CUT_PENDING || is_under_way(check, nta, true))
        return;
    struct question question = question_at(&nta->zone, TYPE_SOA);
    ask(check, round_new(check, nta, true, 1), &question);
}

static void begin_round(struct nta_check *check, const struct nta *nta)
{
    struct question questions[2 + NTA_QUESTIONS_MAX];
    uint16_t count = 0;
    questions[count++] = question_at(&nta->zone, TYPE_SOA);
    questions[count++] = question_at(&nta->zone, TYPE_DNSKEY);
    for (uint16_t i = 0; i < nta->question_count; i++)
        questions[count++] = nta->questions[i];
    check->host.refresh(check->host.context);
    struct round *round = round_new(check, nta, false, count);
    for (uint16_t i = 0; i < count; i++)
        ask(check, round, &questions[i]);
}

static void set_next(struct nta_check *check, struct nta *nta, struct now now)
{
    int64_t wait_s = check->interval_s;
    if (nta->good_rounds > 0 && wait_s > NTA_CONFIRM_S)
        wait_s = NTA_CONFIRM_S;
    int64_t wait_ms = wait_s * 1000;
    nta->next_ms = now.monotonic_ms + wait_ms - random_below(check->random, (uint32_t)(wait_ms / JITTER_PARTS));
}

void nta_check_tick(struct nta_check *check, struct now now)
{
    for (size_t i = check->set->count; i-- > 0 && now.wall_is_fit;) {
        struct nta *nta = check->set->items[i];
        if (!nta_is_active(nta) || is_under_way(check, nta, false))
            continue;
        if (nta->next_ms == 0)
            set_next(check, nta, now);
        else if (nta->next_ms <= now.monotonic_ms)
            begin_round(check, nta);
        if (i > check->set->count)
            i = check->set->count; /* answers that came at once have ended some */
    }
}

/* ---- what came ---- */

/* Proven to be unsigned is well, too: nothing fails that the anchor would cover. */
static const char *find_fault(const struct outcome *outcome)
{
    if (outcome->security == SECURE || outcome->security == INSECURE)
        return NULL;
    return outcome->site != NULL ? outcome->site : "no answer";
}

static enum zone_cut cut_of(const struct outcome *outcome, const struct dname *zone)
{
    if (outcome->rcode != RCODE_NOERROR && outcome->rcode != RCODE_NXDOMAIN)
        return CUT_UNKNOWN;
    if (outcome->link_count != 1 || outcome->links[0]->kind != ANSWER_DATA)
        return CUT_IS_NOT;
    return dname_equal(outcome->links[0]->rrsets.items[0]->owner, zone) ? CUT_IS : CUT_IS_NOT;
}

static void end_round(struct nta_check *check, struct nta *nta, const char *finding, struct now now)
{
    if (!now.wall_is_fit) {
        set_next(check, nta, now); /* nothing can be told while the clock is unfit */
        return;
    }
    nta->good_rounds = finding == NULL ? (uint8_t)(nta->good_rounds + 1) : 0;
    nta->finding = finding == NULL ? "well" : finding;
    nta->checked_s = now_wall_s(now);
    check->stats.rounds_good += finding == NULL;
    check->stats.rounds_bad += finding != NULL;
    set_next(check, nta, now);
    check->host.checked(check->host.context, nta);
}

void nta_check_answer(struct nta_check *check, void *waiter, const struct outcome *outcome, struct now now)
{
    struct round *round = waiter;
    struct nta *nta = nta_find(check->set, &round->zone, round->source);
    if (!round->finds_cut && round->finding == NULL)
        round->finding = find_fault(outcome);
    if (--round->open > 0)
        return;
    bool finds_cut = round->finds_cut;
    const char *finding = round->finding;
    round_free(round);
    if (nta == NULL || !nta_is_active(nta))
        return;
    if (finds_cut) {
        nta->cut = cut_of(outcome, &nta->zone);
        check->host.cut_known(check->host.context, nta);
    } else {
        end_round(check, nta, finding, now);
    }
}
