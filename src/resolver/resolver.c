#include "resolver/request.h"

#include <limits.h>
#include <stddef.h>
#include <stdlib.h>

#define CONTAINER(pointer, type, member) ((type *)((char *)(pointer)-offsetof(type, member)))

/* ---- tables and small things ---- */

uint64_t question_hash(const struct question *question, uint64_t seed)
{
    return dname_hash(&question->qname, seed ^ ((uint64_t)question->qtype << 16 | question->qclass) << 16);
}

bool question_equal(const struct question *a, const struct question *b)
{
    return a->qtype == b->qtype && a->qclass == b->qclass && dname_equal(&a->qname, &b->qname);
}

bool question_is_for_parent(const struct question *question)
{
    return question->qtype == TYPE_DS && !dname_is_root(&question->qname);
}

/* The deepest rule that holds the name and whose zone has at most so many labels. */
static const struct zone_rule *find_rule(const struct resolver_options *options, const struct question *question,
                                         unsigned labels_max, uint16_t *origin)
{
    const struct zone_rule *best = NULL;
    bool above = question_is_for_parent(question);
    *origin = ORIGIN_ITERATIVE;
    for (uint16_t i = 0; i < options->zone_rule_count; i++) {
        const struct zone_rule *rule = &options->zone_rules[i];
        bool holds =
            above ? dname_is_below(&question->qname, &rule->zone) : dname_is_subdomain(&question->qname, &rule->zone);
        if (!holds || rule->zone.labels > labels_max || (best != NULL && best->zone.labels >= rule->zone.labels))
            continue;
        best = rule;
        *origin = (uint16_t)(1 + i);
    }
    return best;
}

bool is_in_zones(const struct dname *name, const struct dname *zones, uint16_t count)
{
    for (uint16_t i = 0; i < count; i++)
        if (dname_is_subdomain(name, &zones[i]))
            return true;
    return false;
}

const struct zone_rule *zone_rule_for(const struct resolver_options *options, const struct question *question,
                                      uint16_t *origin)
{
    return find_rule(options, question, UINT_MAX, origin);
}

const struct zone_rule *zone_rule_above(const struct resolver_options *options, const struct zone_rule *rule,
                                        const struct question *question, uint16_t *origin)
{
    *origin = ORIGIN_ITERATIVE;
    return dname_is_root(&rule->zone) ? NULL : find_rule(options, question, rule->zone.labels - 1u, origin);
}

bool origin_is_cached(const struct resolver_options *options, uint16_t origin)
{
    return origin == ORIGIN_ITERATIVE || origin > options->zone_rule_count ||
           !options->zone_rules[origin - 1].is_uncached;
}

uint16_t resolver_origin(const struct resolver_options *options, const struct question *question)
{
    uint16_t origin;
    zone_rule_for(options, question, &origin);
    return origin;
}

struct purse *purse_new(const struct resolver_options *options)
{
    struct purse *purse = memory_new(1, sizeof(*purse));
    purse->budget = budget_full();
    purse->budget.packets = options->packets_max;
    purse->holders = 1;
    return purse;
}

struct purse *purse_hold(struct purse *purse)
{
    purse->holders++;
    return purse;
}

void purse_release(struct purse *purse)
{
    if (--purse->holders == 0)
        free(purse);
}

void task_wake(struct resolver *r, struct task *task)
{
    if (task->queued)
        return;
    task->queued = true;
    STAILQ_INSERT_TAIL(&r->ready, task, next);
}

/* ---- wants ---- */

static struct queued_want *new_want(struct resolver *r, enum want_kind kind)
{
    struct queued_want *queued = memory_new(1, sizeof(*queued));
    queued->want.kind = kind;
    STAILQ_INSERT_TAIL(&r->wants, queued, next);
    return queued;
}

void want_exchange(struct resolver *r, const struct exchange *exchange)
{
    struct queued_want *queued = new_want(r, WANT_EXCHANGE);
    uint8_t *packet = memory_new(1, exchange->packet.len);
    memcpy(packet, exchange->packet.data, exchange->packet.len);
    queued->want.exchange = *exchange;
    queued->packet = (struct octets) { packet, exchange->packet.len };
    queued->want.exchange.packet = queued->packet;
}

void want_cancel(struct resolver *r, uint64_t exchange)
{
    new_want(r, WANT_CANCEL)->want.exchange.id = exchange;
}

void want_done(struct resolver *r, void *waiter, const struct outcome *outcome)
{
    struct queued_want *queued = new_want(r, WANT_DONE);
    queued->want.waiter = waiter;
    queued->want.outcome = outcome;
}

static void free_want(struct queued_want *queued)
{
    if (queued == NULL)
        return;
    free((void *)(uintptr_t)queued->packet.data);
    free(queued);
}

/* What was lent to the host by the last resolver_next() is taken back by the next call of any kind. */
static void take_back(struct resolver *r)
{
    free_want(r->handed_out);
    r->handed_out = NULL;
}

/* Finished requests go once no WANT_DONE that points into them is queued or lent. */
static void bury(struct resolver *r)
{
    struct request *q, *next;
    for (q = LIST_FIRST(&r->buried); q != NULL; q = next) {
        next = LIST_NEXT(q, bucket);
        if (!q->task.queued)
            request_free(r, q);
    }
}

static bool hand_out(struct resolver *r, struct want *want)
{
    struct queued_want *queued = STAILQ_FIRST(&r->wants);
    if (queued == NULL)
        return false;
    STAILQ_REMOVE_HEAD(&r->wants, next);
    r->handed_out = queued;
    *want = queued->want;
    return true;
}

/* ---- running ---- */

static struct task *next_ready(struct resolver *r)
{
    struct task *task;
    while ((task = STAILQ_FIRST(&r->ready)) != NULL) {
        STAILQ_REMOVE_HEAD(&r->ready, next);
        task->queued = false;
        if (!task->dead)
            return task;
        if (task->kind == TASK_LOOKUP)
            arena_free(((struct lookup *)task)->arena);
    }
    return NULL;
}

/* true: the task wants another turn. */
static bool run(struct resolver *r, struct task *task, struct now now)
{
    if (task->kind == TASK_LOOKUP) {
        lookup_decide(r, (struct lookup *)task, now);
        return false;
    }
    struct request *q = (struct request *)task;
    bool turn_is_over = false;
    budget_new_turn(&q->purse->budget);
    request_decide(r, q, now, &turn_is_over);
    if (turn_is_over)
        task_wake(r, task);
    return turn_is_over;
}

bool resolver_next(struct resolver *r, struct now now, struct want *want)
{
    take_back(r);
    struct task *task;
    while (!hand_out(r, want)) {
        bury(r);
        task = next_ready(r);
        if (task == NULL) {
            *want = (struct want) { .kind = WANT_NOTHING };
            return false;
        }
        if (run(r, task, now)) {
            *want = (struct want) { .kind = WANT_TURN };
            return true;
        }
    }
    return true;
}

static bool is_same_server(const struct single_server *a, const struct single_server *b)
{
    return a == b ||
           (a != NULL && b != NULL && address_equal(&a->address, &b->address) && dname_equal(&a->zone, &b->zone));
}

/* How the question is to be answered: requests that differ in it are not joined. */
struct demand {
    bool checking_disabled;
    bool is_probe;
    const struct single_server *single; /* NULL: any server will do */
};

static bool is_same(const struct request *q, const struct question *question, const struct demand *demand)
{
    return q->checking_disabled == demand->checking_disabled && q->is_probe == demand->is_probe && !q->is_refresh &&
           is_same_server(q->single, demand->single) && question_equal(&q->question, question);
}

static void ask(struct resolver *r, const struct question *question, struct demand demand, void *who, struct now now)
{
    take_back(r);
    r->stats.questions++;
    struct request *q;
    LIST_FOREACH(q, &r->requests[question_hash(question, demand.checking_disabled) % TABLE_BUCKETS], bucket)
    if (is_same(q, question, &demand))
        break;
    if (q == NULL)
        q = request_new(r, question, demand.checking_disabled, now);
    else
        r->stats.coalesced++;
    q->is_probe = demand.is_probe;
    if (demand.single != NULL && q->single == NULL)
        q->single = arena_copy(q->arena, demand.single, sizeof(*demand.single));
    struct waiter *waiter = ARENA_NEW(q->arena, struct waiter);
    waiter->who = who;
    STAILQ_INSERT_TAIL(&q->waiters, waiter, next);
    task_wake(r, &q->task);
}

void resolver_ask(struct resolver *r, const struct question *question, bool checking_disabled, void *who,
                  struct now now)
{
    ask(r, question, (struct demand) { .checking_disabled = checking_disabled }, who, now);
}

void resolver_probe(struct resolver *r, const struct question *question, bool checking_disabled, void *who,
                    struct now now)
{
    ask(r, question, (struct demand) { .checking_disabled = checking_disabled, .is_probe = true }, who, now);
}

void resolver_probe_server(struct resolver *r, const struct question *question, const struct single_server *single,
                           void *who, struct now now)
{
    ask(r, question, (struct demand) { .is_probe = true, .single = single }, who, now);
}

static bool take_waiter(struct request *q, const void *who)
{
    struct waiter *waiter;
    STAILQ_FOREACH(waiter, &q->waiters, next)
    {
        if (waiter->who == who) {
            STAILQ_REMOVE(&q->waiters, waiter, waiter, next);
            return true;
        }
    }
    return false;
}

bool resolver_abandon(struct resolver *r, const struct question *question, bool checking_disabled, const void *who)
{
    take_back(r);
    struct request *q;
    LIST_FOREACH(q, &r->requests[question_hash(question, checking_disabled) % TABLE_BUCKETS], bucket)
    if (take_waiter(q, who)) {
        if (STAILQ_EMPTY(&q->waiters) && !q->in_background)
            request_abandon(r, q);
        return true;
    }
    return false;
}

/* ---- replies ---- */

/* The name that was asked, and in its letter case where that was made random (0x20): servers need not keep it. */
static bool is_name_asked(const struct flight *flight, const struct dname *qname)
{
    return flight->case_is_random ? dname_same_case(qname, &flight->name_on_wire)
                                  : dname_equal(qname, &flight->question.qname);
}

static bool read_question(struct octets reply, struct question *question)
{
    struct reader reader = reader_of_octets(reply);
    reader_octets(&reader, HEADER_OCTETS);
    reader_dname_uncompressed(&reader, &question->qname);
    question->qtype = reader_u16(&reader);
    question->qclass = reader_u16(&reader);
    return !reader.failed;
}

/* Id, QR, opcode and the question (RFC 5452 section 9.1).  A server that does not understand us may leave the question
 * out. */
static bool belongs_to(const struct flight *flight, struct octets reply)
{
    struct header header;
    struct question question;
    if (header_read(reply, &header) != OK || header.id != flight->id || !header.qr || header.opcode != OPCODE_QUERY)
        return false;
    if (header.counts[0] == 0)
        return header.rcode != RCODE_NOERROR && header.rcode != RCODE_NXDOMAIN;
    return read_question(reply, &question) && question.qtype == flight->question.qtype &&
           question.qclass == flight->question.qclass && is_name_asked(flight, &question.qname);
}

/* A server's late reply to another question comes to whom the kernel has given its port since.  Nobody would guess
 * so. */
static bool is_stray(const struct flight *flight, struct octets reply)
{
    struct header header;
    struct question question;
    return header_read(reply, &header) == OK && header.qr && header.counts[0] == 1 && read_question(reply, &question) &&
           !question_equal(&question, &flight->question);
}

/* A copy with the question's name in the case it had before it was made random: names that are compressed against it
 * then show the case that people expect. */
static struct octets restore_case(const struct flight *flight, struct octets reply, struct arena *arena)
{
    struct octets copy = octets_copy(arena, reply);
    if (copy.len >= HEADER_OCTETS + (size_t)flight->question.qname.len && (reply.data[4] | reply.data[5]) != 0)
        memcpy((uint8_t *)(uintptr_t)copy.data + HEADER_OCTETS, flight->question.qname.octets,
               flight->question.qname.len);
    return copy;
}

enum absorbed resolver_absorb(struct resolver *r, uint64_t exchange, struct octets reply, struct now now)
{
    take_back(r);
    struct flight *flight = flight_find(r, exchange);
    if (flight == NULL)
        return ABSORBED;
    if (flight->cut != flight->lookup->cut) { /* it has gone elsewhere */
        flight_end(r, flight);
        return ABSORBED;
    }
    if (!belongs_to(flight, reply)) {
        if (is_stray(flight, reply) && flight->strays < STRAYS_MAX)
            flight->strays++;
        else
            lookup_forged(r, flight, now);
        return ABSORB_WAIT;
    }
    budget_count_reply(&flight->lookup->purse->budget, reply.len);
    struct message message;
    struct arena *scratch = arena_new();
    struct octets restored = restore_case(flight, reply, scratch);
    enum err read = r->parts.options->drops_malformed ? message_read_reply_records(restored, scratch, &message)
                                                      : message_read_reply(restored, scratch, &message);
    bool is_forged = read == OK && lookup_cookie_is_forged(flight, &message);
    if (is_forged)
        lookup_forged(r, flight, now);
    else
        lookup_absorb(r, flight, &message, read, scratch, now);
    arena_free(scratch);
    return is_forged ? ABSORB_WAIT : ABSORBED;
}

void resolver_exchange_failed(struct resolver *r, uint64_t exchange, enum exchange_failure how, struct now now)
{
    take_back(r);
    struct flight *flight = flight_find(r, exchange);
    if (flight != NULL)
        lookup_exchange_failed(r, flight, how, now);
}

int64_t resolver_deadline_ms(const struct resolver *r)
{
    int64_t exchange = timers_next_ms(&r->exchange_timers), request = timers_next_ms(&r->request_timers);
    return exchange < request ? exchange : request;
}

void resolver_tick(struct resolver *r, struct now now)
{
    take_back(r);
    struct timer *timer;
    while ((timer = timers_pop_due(&r->exchange_timers, now.monotonic_ms)) != NULL)
        lookup_timed_out(r, CONTAINER(timer, struct lookup, timer), now);
    while ((timer = timers_pop_due(&r->request_timers, now.monotonic_ms)) != NULL)
        request_timed_out(r, CONTAINER(timer, struct request, timer), now);
}

/* ---- the whole ---- */

struct resolver *resolver_new(const struct resolver_parts *parts)
{
    struct resolver *r = memory_new(1, sizeof(*r));
    r->parts = *parts;
    r->verifier = verifier_new();
    r->servers = servers_new();
    r->exchanges_max = EXCHANGES_MAX;
    STAILQ_INIT(&r->ready);
    STAILQ_INIT(&r->wants);
    TAILQ_INIT(&r->late);
    return r;
}

void resolver_limit_exchanges(struct resolver *r, unsigned exchanges_max)
{
    r->exchanges_max = exchanges_max < EXCHANGES_MAX ? exchanges_max : EXCHANGES_MAX;
}

void resolver_configure(struct resolver *r, const struct resolver_parts *parts)
{
    r->parts = *parts;
}

void resolver_free(struct resolver *r)
{
    if (r == NULL)
        return;
    take_back(r);
    for (size_t i = 0; i < TABLE_BUCKETS; i++)
        while (!LIST_EMPTY(&r->requests[i])) {
            struct request *q = LIST_FIRST(&r->requests[i]);
            LIST_REMOVE(q, bucket);
            LIST_INSERT_HEAD(&r->buried, q, bucket);
            wait_no_more(r, &q->waits);
        }
    struct task *task;
    while ((task = STAILQ_FIRST(&r->ready)) != NULL) {
        STAILQ_REMOVE_HEAD(&r->ready, next);
        task->queued = false;
        if (task->kind == TASK_LOOKUP && task->dead)
            arena_free(((struct lookup *)task)->arena);
    }
    bury(r);
    struct queued_want *queued;
    while ((queued = STAILQ_FIRST(&r->wants)) != NULL) {
        STAILQ_REMOVE_HEAD(&r->wants, next);
        free_want(queued);
    }
    timers_clear(&r->exchange_timers);
    timers_clear(&r->request_timers);
    servers_free(r->servers);
    verifier_free(r->verifier);
    free(r);
}

void resolver_get_stats(const struct resolver *r, struct resolver_stats *stats)
{
    *stats = r->stats;
    stats->signatures_recalled = verifier_recalled(r->verifier);
    stats->in_flight = 0;
    for (size_t i = 0; i < TABLE_BUCKETS; i++) {
        const struct flight *flight;
        LIST_FOREACH(flight, &r->exchanges[i], bucket)
        stats->in_flight++;
    }
}
