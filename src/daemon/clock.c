#include "daemon/clock.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/timex.h>

#include "base/log.h"
#include "build_info.h"
#include "transport/nts.h"

enum {
    TICK_S = 1,     /* jumps are noticed, and floors and kernel looked at, so often */
    CHECK_S = 1024, /* between checks of the servers: the longest poll interval that is usual (RFC 5905 section 7.2) */
    CHECK_AGAIN_S = 64, /* when the clock is not fit: the shortest one that is (RFC 4330 section 10 asks for 15 s) */
    RATE_KISS_S = 3600, /* a server that says RATE is left alone for so long (RFC 5905 section 7.4) */
    RELATED_LABELS = 2, /* zones with the same last labels are related */
};

struct source {
    struct clock *clock;
    struct address address;
    struct sntp_question question; /* of a plain one */
    struct nts_client *nts;        /* NULL: it is a plain one */
    bool has_reply;
    struct sntp_reply reply;
    struct clock_sample proven; /* the last one that was, and when; silence does not take it back */
    int64_t proven_ms;          /* monotonic; 0: none was */
    int64_t not_before_ms;      /* monotonic: a kiss was sent */
};

struct clock {
    struct ev_loop *loop;
    struct random *random;
    struct clock_handler handler;
    struct clock_options options;
    enum on_unfit on_unfit;
    int64_t seen_s; /* before the start */

    char *nts_authorities; /* NULL: the system's */
    struct source *sources;
    unsigned source_count, asked; /* asked: answers are awaited of so many */
    bool is_checking, is_settling;
    ev_timer tick, next_check;

    struct now last; /* of the tick before */
    enum clock_kernel kernel;
    struct clock_judgement judgement;
    uint64_t checks, jumps;
    int64_t checked_s, jump_s, jump_ms;

    atomic_bool is_fit;
    pthread_mutex_t mutex; /* guards suspicion */
    struct suspicion suspicion;
};

/* ---- judging ---- */

static enum clock_kernel ask_kernel(void)
{
    struct timex timex = { .modes = 0 };
    int state = adjtimex(&timex);
    return state < 0 || state == TIME_ERROR || (timex.status & STA_UNSYNC) != 0 ? KERNEL_UNSYNCHRONISED
                                                                                : KERNEL_SYNCHRONISED;
}

static struct clock_floors floors_of(const struct clock *clock)
{
    return clock_floors_of(&clock->options, BUILD_TIME_S, clock->seen_s);
}

/* Whoever can keep a server's answers from us could end a hold by that, or keep a clock unconfirmed: what was proven
 * counts as long as our monotonic clock can have kept it. */
static bool find_sample(const struct clock *clock, const struct source *source, struct now now,
                        struct clock_sample *sample)
{
    bool is_answered = source->has_reply && source->reply.end == SNTP_ANSWERED;
    if (is_answered || source->proven_ms == 0) {
        *sample = source->reply.sample;
        return is_answered;
    }
    *sample = source->proven;
    return clock_sample_age(sample, now.monotonic_ms - source->proven_ms, clock->options.max_offset_s);
}

static struct clock_facts collect_facts(struct clock *clock, struct now now)
{
    struct clock_facts facts = {
        .floors = floors_of(clock),
        .kernel = clock->kernel,
        .server_count = clock->source_count,
        .max_offset_s = clock->options.max_offset_s,
    };
    for (unsigned i = 0; i < clock->source_count; i++) {
        facts.proving_count += clock->sources[i].nts != NULL;
        facts.sample_count += find_sample(clock, &clock->sources[i], now, &facts.samples[facts.sample_count]);
    }
    pthread_mutex_lock(&clock->mutex);
    facts.many_expired = suspicion_points_at_us(&clock->suspicion, SYMPTOM_EXPIRED, now);
    facts.many_not_yet = suspicion_points_at_us(&clock->suspicion, SYMPTOM_NOT_YET, now);
    pthread_mutex_unlock(&clock->mutex);
    return facts;
}

static void log_reasons(const struct clock_judgement *judgement)
{
    for (unsigned i = 0; i < CLOCK_REASONS; i++)
        if ((judgement->reasons & 1u << i) != 0)
            log_warning("clock: %s: %s", clock_fitness_text(judgement->fitness),
                        clock_reason_text((enum clock_reason)i));
}

static void log_judgement(const struct clock *clock, const struct clock_judgement *before)
{
    const struct clock_judgement *now = &clock->judgement;
    if (now->reasons != before->reasons)
        log_reasons(now);
    if (now->reasons == 0 && before->reasons != 0)
        log_info("clock: fit");
    if (now->fitness == CLOCK_UNFIT && before->fitness != CLOCK_UNFIT && clock->on_unfit == ON_UNFIT_HOLD)
        log_warning("clock: validation is held: SERVFAIL to all who have not set CD");
}

static void judge(struct clock *clock, struct now now)
{
    struct clock_judgement before = clock->judgement;
    clock->kernel = ask_kernel();
    struct clock_facts facts = collect_facts(clock, now);
    clock->judgement = clock_judge(&facts, now);
    bool is_unfit = clock->judgement.fitness == CLOCK_UNFIT;
    atomic_store(&clock->is_fit, !is_unfit || clock->on_unfit == ON_UNFIT_WARN);
    log_judgement(clock, &before);
    if (is_unfit && clock->on_unfit == ON_UNFIT_EXIT)
        clock->handler.must_exit(clock->handler.context);
}

/* ---- checking ---- */

static void end_check(struct clock *clock)
{
    struct now now = now_from_system();
    clock->is_checking = false;
    clock->checks++;
    clock->checked_s = now_wall_s(now);
    judge(clock, now);
    double pause_s = clock->judgement.fitness == CLOCK_FIT || clock->source_count == 0 ? CHECK_S : CHECK_AGAIN_S;
    ev_timer_stop(clock->loop, &clock->next_check);
    ev_timer_set(&clock->next_check, pause_s, 0);
    ev_timer_start(clock->loop, &clock->next_check);
    if (clock->is_settling)
        ev_break(clock->loop, EVBREAK_ONE);
    clock->handler.checked(clock->handler.context);
}

/* RFC 5905 section 7.4: DENY and RSTR are for good, as long as it is the same process. */
static void obey_kiss(struct source *source)
{
    const char *kiss = source->reply.kiss;
    char text[ADDRESS_TEXT_MAX];
    if (strcmp(kiss, "RATE") == 0)
        source->not_before_ms = now_from_system().monotonic_ms + RATE_KISS_S * INT64_C(1000);
    else if (strcmp(kiss, "DENY") == 0 || strcmp(kiss, "RSTR") == 0)
        source->not_before_ms = INT64_MAX;
    log_warning("clock: time server %s does not want to be asked: %s", address_to_text(&source->address, text), kiss);
}

/* Once, not at every check. */
static void warn_of_missing_proof(const struct source *source, const struct sntp_reply *before)
{
    char text[ADDRESS_TEXT_MAX];
    if (before->why == NULL || strcmp(before->why, source->reply.why) != 0)
        log_warning("clock: time server %s has not proven to be %s: %s", address_to_text(&source->address, text),
                    nts_name(source->nts), source->reply.why);
}

static void on_reply(void *context, const struct sntp_reply *reply)
{
    struct source *source = context;
    struct clock *clock = source->clock;
    struct sntp_reply before = source->reply;
    source->has_reply = true;
    source->reply = *reply;
    if (reply->end == SNTP_ANSWERED && source->nts != NULL) {
        source->proven = reply->sample;
        source->proven_ms = now_from_system().monotonic_ms;
    }
    if (reply->end == SNTP_KISSED)
        obey_kiss(source);
    else if (reply->end == SNTP_UNAUTHENTICATED)
        warn_of_missing_proof(source, &before);
    if (--clock->asked == 0)
        end_check(clock);
}

/* RFC 8915 section 8.5: certificates are good for a time, and a clock that nobody vouches for cannot tell which. */
static struct nts_dates dates_of(const struct clock *clock, struct now now)
{
    struct clock_floors floors = floors_of(clock);
    int64_t floor_s = clock_floors_max(&floors);
    return (struct nts_dates) { clock->kernel == KERNEL_SYNCHRONISED && now_wall_s(now) >= floor_s, floor_s };
}

static bool must_wait(const struct source *source, struct now now)
{
    return source->not_before_ms > now.monotonic_ms || (source->nts != NULL && nts_must_wait(source->nts));
}

static void ask_source(struct source *source, struct now now)
{
    struct clock *clock = source->clock;
    struct nts_dates dates = dates_of(clock, now);
    clock->asked++;
    if (source->nts != NULL)
        nts_ask(source->nts, &dates);
    else
        sntp_ask(&source->question, clock->loop, clock->random, &source->address);
}

void clock_check(struct clock *clock)
{
    if (clock->is_checking)
        return;
    struct now now = now_from_system();
    clock->is_checking = true;
    for (unsigned i = 0; i < clock->source_count; i++)
        if (!must_wait(&clock->sources[i], now))
            ask_source(&clock->sources[i], now);
    if (clock->asked == 0)
        end_check(clock);
}

static void on_next_check(struct ev_loop *loop, ev_timer *watcher, int events)
{
    (void)loop, (void)events;
    clock_check(watcher->data);
}

/* ---- watching ---- */

static void note_jump(struct clock *clock, int64_t jump_ms, struct now now)
{
    int64_t size_ms = jump_ms < 0 ? -jump_ms : jump_ms;
    clock->jumps++;
    clock->jump_s = now_wall_s(now);
    clock->jump_ms = jump_ms;
    log_warning("clock: jumped %s by %lld.%03d s%s", jump_ms < 0 ? "back" : "forward", (long long)(size_ms / 1000),
                (int)(size_ms % 1000), jump_ms < 0 ? "" : ", or the machine slept");
    for (unsigned i = 0; i < clock->source_count && jump_ms > 0; i++)
        clock->sources[i].proven_ms = 0; /* the monotonic clock stands still while a machine sleeps */
    if (jump_ms < 0)
        clock->handler.jumped_back(clock->handler.context);
    clock_check(clock);
}

static void on_tick(struct ev_loop *loop, ev_timer *watcher, int events)
{
    (void)loop, (void)events;
    struct clock *clock = watcher->data;
    struct now now = now_from_system();
    int64_t jump_ms = clock_jump_ms(clock->last, now), limit_ms = (int64_t)clock->options.max_offset_s * 1000;
    clock->last = now;
    judge(clock, now);
    if (jump_ms > limit_ms || jump_ms < -limit_ms)
        note_jump(clock, jump_ms, now);
}

bool clock_is_fit(const struct clock *clock)
{
    return atomic_load_explicit(&clock->is_fit, memory_order_relaxed);
}

bool clock_is_confirmed(const struct clock *clock)
{
    return clock->judgement.fitness == CLOCK_FIT;
}

void clock_note(struct clock *clock, enum symptom symptom, const struct dname *zone, struct now now)
{
    struct dname related = *zone;
    if (zone->labels > RELATED_LABELS)
        dname_suffix(zone, RELATED_LABELS, &related);
    pthread_mutex_lock(&clock->mutex);
    if (dname_is_root(zone))
        suspicion_note_root(&clock->suspicion, symptom, now);
    else
        suspicion_note(&clock->suspicion, symptom, dname_hash(&related, 0), now);
    pthread_mutex_unlock(&clock->mutex);
}

/* ---- looking ---- */

static void report_source(const struct source *source, struct now now, struct time_source_report *report)
{
    *report = (struct time_source_report) {
        .address = source->address,
        .nts = source->nts == NULL ? NULL : nts_name(source->nts),
        .cookies = source->nts == NULL ? 0 : nts_cookie_count(source->nts),
        .has_reply = source->has_reply,
        .reply = source->reply,
        .offset_ms = clock_offset_ms(&source->reply.sample, now),
    };
}

void clock_report(struct clock *clock, struct time_report *report)
{
    struct now now = now_from_system();
    *report = (struct time_report) {
        .now = now,
        .judgement = clock->judgement,
        .floors = floors_of(clock),
        .kernel = clock->kernel,
        .on_unfit = clock->on_unfit,
        .max_offset_s = clock->options.max_offset_s,
        .checks = clock->checks,
        .checked_s = clock->checked_s,
        .next_check_s = (int64_t)ev_timer_remaining(clock->loop, &clock->next_check),
        .jumps = clock->jumps,
        .jump_s = clock->jump_s,
        .jump_ms = clock->jump_ms,
        .source_count = clock->source_count,
    };
    report->now.wall_is_fit = clock_is_fit(clock);
    for (unsigned i = 0; i < clock->source_count; i++)
        report_source(&clock->sources[i], now, &report->sources[i]);
}

/* ---- beginning and end ---- */

static void drop_sources(struct clock *clock)
{
    for (unsigned i = 0; i < clock->source_count; i++) {
        sntp_cancel(&clock->sources[i].question);
        nts_client_free(clock->sources[i].nts);
    }
    free(clock->sources);
    free(clock->nts_authorities);
    clock->asked = 0;
    clock->is_checking = false;
}

static void take_sources(struct clock *clock, const struct config *config)
{
    clock->source_count = config->time_server_count;
    clock->nts_authorities = config->nts_authorities == NULL ? NULL : memory_text(config->nts_authorities);
    clock->sources = memory_new(clock->source_count + 1u, sizeof(clock->sources[0]));
    for (unsigned i = 0; i < clock->source_count; i++) {
        struct source *source = &clock->sources[i];
        source->clock = clock;
        const struct time_server *server = &config->time_servers[i];
        source->address = server->address;
        source->question.context = source;
        source->question.done = on_reply;
        const struct nts_server nts = { server->address, server->nts, config->nts_authorities };
        if (server->nts != NULL)
            source->nts = nts_client_new(clock->loop, clock->random, &nts, on_reply, source);
    }
}

static bool is_same_text(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static bool is_same_source(const struct source *source, const struct time_server *server)
{
    return address_equal(&source->address, &server->address) &&
           is_same_text(source->nts == NULL ? NULL : nts_name(source->nts), server->nts);
}

static bool has_these_sources(const struct clock *clock, const struct config *config)
{
    bool is_same = clock->source_count == config->time_server_count &&
                   is_same_text(clock->nts_authorities, config->nts_authorities);
    for (unsigned i = 0; i < clock->source_count && is_same; i++)
        is_same = is_same_source(&clock->sources[i], &config->time_servers[i]);
    return is_same;
}

void clock_configure(struct clock *clock, const struct config *config)
{
    clock->options = config->clock;
    clock->on_unfit = config->on_unfit;
    if (has_these_sources(clock, config)) { /* what they said, and did not want to hear, still holds */
        judge(clock, now_from_system());
        return;
    }
    drop_sources(clock);
    take_sources(clock, config);
    judge(clock, now_from_system());
    clock_check(clock);
}

static void start_timers(struct clock *clock)
{
    ev_timer_init(&clock->tick, on_tick, TICK_S, TICK_S);
    ev_init(&clock->next_check, on_next_check);
    clock->tick.data = clock;
    clock->next_check.data = clock;
    ev_timer_start(clock->loop, &clock->tick);
}

struct clock *clock_new(struct ev_loop *loop, struct random *random, const struct config *config, int64_t seen_s,
                        const struct clock_handler *handler)
{
    struct clock *clock = memory_new(1, sizeof(*clock));
    clock->loop = loop;
    clock->random = random;
    clock->handler = *handler;
    clock->options = config->clock;
    clock->on_unfit = config->on_unfit;
    clock->seen_s = seen_s;
    clock->last = now_from_system();
    pthread_mutex_init(&clock->mutex, NULL);
    start_timers(clock);
    take_sources(clock, config);
    judge(clock, clock->last);
    clock_check(clock);
    return clock;
}

void clock_free(struct clock *clock)
{
    if (clock == NULL)
        return;
    drop_sources(clock);
    ev_timer_stop(clock->loop, &clock->tick);
    ev_timer_stop(clock->loop, &clock->next_check);
    pthread_mutex_destroy(&clock->mutex);
    free(clock);
}

bool clock_settle(struct clock *clock)
{
    if (clock->kernel == KERNEL_SYNCHRONISED || !clock->is_checking)
        return true;
    log_info("clock: asking %u time servers before the first answer", clock->source_count);
    clock->is_settling = true;
    ev_run(clock->loop, 0);
    clock->is_settling = false;
    return !clock->is_checking;
}
