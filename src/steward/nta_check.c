#include "steward/nta_check.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/queue.h>

enum { DNS_PORT = 53 };
enum { JITTER_PARTS = 10 }; /* a tenth earlier at most: not all resolvers that have it ask at the same second */

/* What a round asks next. */
enum stage {
    STAGE_CUT,     /* is it a zone cut?  A round of its own */
    STAGE_ZONE,    /* all questions, of whoever answers */
    STAGE_NAMES,   /* the addresses of its servers */
    STAGE_SERVERS, /* all questions, of one server after another */
};

/* The questions that were asked for one purpose. */
struct round {
    struct dname zone; /* the anchor may be gone when the answers come */
    enum nta_source source;
    enum stage stage;
    uint16_t open; /* answers to come */
    char finding[NTA_FINDING_OCTETS_MAX];
    struct dname names[NTA_SERVERS_MAX]; /* of its servers */
    struct address servers[NTA_SERVERS_MAX];
    uint8_t name_count, server_count;
    uint8_t asked, answered; /* of servers */
    bool has_answered;       /* the one that is asked now */
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
        if ((round->stage == STAGE_CUT) == finds_cut && round->source == nta->source &&
            dname_equal(&round->zone, &nta->zone))
            return true;
    }
    return false;
}

static struct round *round_new(struct nta_check *check, const struct nta *nta, enum stage stage)
{
    struct round *round = memory_new(1, sizeof(*round));
    round->zone = nta->zone;
    round->source = nta->source;
    round->stage = stage;
    LIST_INSERT_HEAD(&check->rounds, round, next);
    return round;
}

static struct question question_at(const struct dname *name, uint16_t type)
{
    return (struct question) { .qname = *name, .qtype = type, .qclass = CLASS_IN };
}

/* Answers may come before this returns, and the last one may free the round. */
static void ask(struct nta_check *check, struct round *round, const struct question *questions, uint16_t count)
{
    bool is_of_zone = round->stage == STAGE_ZONE, is_single = round->stage == STAGE_SERVERS;
    struct single_server single = { .zone = round->zone };
    if (is_single)
        single.address = round->servers[round->asked++];
    round->has_answered = false;
    round->open = count;
    for (uint16_t i = 0; i < count; i++) {
        if (is_single)
            check->host.probe_server(check->host.context, &questions[i], &single, round);
        else
            check->host.probe(check->host.context, &questions[i], !is_of_zone, round);
    }
}

void nta_check_find_cut(struct nta_check *check, struct nta *nta)
{
    if (nta->cut != CUT_PENDING || is_under_way(check, nta, true))
        return;
    struct question question = question_at(&nta->zone, TYPE_SOA);
    ask(check, round_new(check, nta, STAGE_CUT), &question, 1);
}

static void ask_about_zone(struct nta_check *check, struct round *round, const struct nta *nta)
{
    static const uint16_t types[] = { TYPE_SOA, TYPE_DNSKEY, TYPE_NS };
    struct question questions[ARRAY_LEN(types) + NTA_QUESTIONS_MAX];
    uint16_t count = 0;
    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        questions[count++] = question_at(&nta->zone, types[i]);
    for (uint16_t i = 0; i < nta->question_count; i++)
        questions[count++] = nta->questions[i];
    ask(check, round, questions, count);
}

static void begin_round(struct nta_check *check, const struct nta *nta)
{
    check->host.refresh(check->host.context);
    ask_about_zone(check, round_new(check, nta, STAGE_ZONE), nta);
}

static void ask_for_addresses(struct nta_check *check, struct round *round)
{
    struct question questions[2 * NTA_SERVERS_MAX];
    uint16_t count = 0;
    for (uint8_t i = 0; i < round->name_count; i++) {
        questions[count++] = question_at(&round->names[i], TYPE_A);
        questions[count++] = question_at(&round->names[i], TYPE_AAAA);
    }
    ask(check, round, questions, count);
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
    if (security_is_trusted(outcome->security))
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

static const struct rrset *find_data(const struct outcome *outcome, uint16_t type)
{
    const struct answer *last = outcome->link_count == 0 ? NULL : outcome->links[outcome->link_count - 1];
    if (last == NULL || last->kind != ANSWER_DATA || last->rrsets.count == 0 || last->rrsets.items[0]->type != type)
        return NULL;
    return last->rrsets.items[0];
}

static void learn_names(struct round *round, const struct outcome *outcome)
{
    const struct rrset *set = find_data(outcome, TYPE_NS);
    for (uint16_t i = 0; set != NULL && i < set->count && round->name_count < NTA_SERVERS_MAX; i++)
        if (rdata_name(set->rdata[i], &round->names[round->name_count]) == OK)
            round->name_count++;
}

static void learn_addresses(struct round *round, const struct outcome *outcome)
{
    const struct rrset *set = find_data(outcome, outcome->question.qtype);
    for (uint16_t i = 0; set != NULL && i < set->count && round->server_count < NTA_SERVERS_MAX; i++)
        if (address_from_rdata(set->type, set->rdata[i], DNS_PORT, &round->servers[round->server_count]) == OK)
            round->server_count++;
}

/* Of a server that is asked by itself only bad data counts: silence is no news, for others have answered. */
static void learn_of_server(struct round *round, const struct outcome *outcome)
{
    char address[ADDRESS_TEXT_MAX];
    const char *fault = outcome->security == BOGUS ? find_fault(outcome) : NULL;
    round->has_answered = round->has_answered || outcome->security != INDETERMINATE;
    if (fault != NULL && round->finding[0] == '\0')
        snprintf(round->finding, sizeof(round->finding), "%s at %s", fault,
                 address_to_text(&round->servers[round->asked - 1], address));
}

static void learn(struct round *round, const struct outcome *outcome)
{
    const char *fault;
    switch (round->stage) {
    case STAGE_CUT:
        break;
    case STAGE_ZONE:
        fault = find_fault(outcome);
        if (fault != NULL && round->finding[0] == '\0')
            snprintf(round->finding, sizeof(round->finding), "%s", fault);
        if (outcome->question.qtype == TYPE_NS && dname_equal(&outcome->question.qname, &round->zone))
            learn_names(round, outcome);
        break;
    case STAGE_NAMES:
        learn_addresses(round, outcome);
        break;
    case STAGE_SERVERS:
        learn_of_server(round, outcome);
        break;
    }
}

static void end_round(struct nta_check *check, struct nta *nta, const struct round *round, struct now now)
{
    bool is_good = round->finding[0] == '\0';
    if (!now.wall_is_fit) {
        set_next(check, nta, now); /* nothing can be told while the clock is unfit */
        return;
    }
    nta->good_rounds = is_good ? (uint8_t)(nta->good_rounds + 1) : 0;
    snprintf(nta->finding, sizeof(nta->finding), "%s", is_good ? "well" : round->finding);
    nta->servers_asked = round->asked;
    nta->servers_answered = round->answered;
    nta->checked_s = now_wall_s(now);
    check->stats.rounds_good += is_good;
    check->stats.rounds_bad += !is_good;
    set_next(check, nta, now);
    check->host.checked(check->host.context, nta);
}

/* All answers of a stage are here.  false: there is no next one. */
static bool go_on(struct nta_check *check, struct round *round, const struct nta *nta)
{
    round->answered += round->stage == STAGE_SERVERS && round->has_answered;
    if (round->stage == STAGE_CUT || round->finding[0] != '\0')
        return false;
    if (round->stage == STAGE_ZONE && round->name_count > 0) {
        round->stage = STAGE_NAMES;
        ask_for_addresses(check, round);
        return true;
    }
    if (round->asked == round->server_count)
        return false;
    round->stage = STAGE_SERVERS;
    ask_about_zone(check, round, nta);
    return true;
}

void nta_check_answer(struct nta_check *check, void *waiter, const struct outcome *outcome, struct now now)
{
    struct round *round = waiter;
    struct nta *nta = nta_find(check->set, &round->zone, round->source);
    bool is_active = nta != NULL && nta_is_active(nta);
    learn(round, outcome);
    if (--round->open > 0 || (is_active && go_on(check, round, nta)))
        return;
    struct round ended = *round;
    round_free(round);
    if (!is_active)
        return;
    if (ended.stage == STAGE_CUT) {
        nta->cut = cut_of(outcome, &nta->zone);
        check->host.cut_known(check->host.context, nta);
    } else {
        end_round(check, nta, &ended, now);
    }
}
