#include "daemon/negatives.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "lib/driver.h"
#include "time/rfc3339.h"

enum {
    TICK_S = 1,             /* how soon an end is seen: answers out of the cache live as long */
    SOCKETS_MAX = 64,       /* the questions of a few rounds */
    CACHE_OCTETS = 4 << 20, /* of the rechecks: emptied before each round */
};

/* One change: a line in the log, a row in the store, and what it means for the cache. */
struct note {
    struct dname zone;
    enum nta_event event;
    char why[NTA_REASON_OCTETS_MAX + 1], who[NTA_WHO_OCTETS_MAX + 1];
};

struct negatives {
    struct nta_set *set;
    struct store *store; /* NULL: none */
    struct random *random;
    const struct settings *settings;
    const struct clock *clock;
    struct negatives_handler handler;
    struct cache *cache;   /* of the rechecks alone */
    struct trust *trust;   /* what they believe: all but negative anchors */
    struct driver *driver; /* NULL: not started */
    struct nta_check *check;
    struct ev_loop *loop;
    ev_timer tick;
    struct note *notes; /* changes that are not kept and published yet */
    size_t note_count;
    const char *orderer; /* who removes one now */
    bool is_dirty;       /* the store has not got what is in memory */
    uint64_t events[NTA_EVENTS];
};

/* ---- history ---- */

/* What changes one by itself, in the words of the history. */
static const struct {
    const char *why, *who;
} reasons[NTA_EVENTS] = {
    [NTA_REMOVED] = { "ordered", NULL },
    [NTA_EXPIRED] = { "its time is over", "clock" },
    [NTA_WELL] = { "the zone validates again", "recheck" },
    [NTA_UNCONFIGURED] = { "the configuration names it no more", "configuration" },
};

static void log_note(const struct note *note, const struct nta *nta)
{
    char zone[DNAME_TEXT_MAX], until[RFC3339_TEXT_MAX];
    dname_to_text(&note->zone, zone);
    if (nta_event_is_end(note->event))
        log_warning("negative trust anchor %s has ended: %s (%s): it is validated again", zone, note->why, note->who);
    else
        log_warning("negative trust anchor %s has %s: not validated until %s: %s (%s)", zone,
                    nta_event_text(note->event), rfc3339_to_text(nta->until_s, until),
                    note->why[0] != '\0' ? note->why : "no reason given", note->who);
}

static void on_event(void *context, struct nta *nta, enum nta_event event)
{
    struct negatives *negatives = context;
    const char *why = reasons[event].why, *who = reasons[event].who;
    negatives->notes = memory_resize(negatives->notes, negatives->note_count + 1, sizeof(struct note));
    struct note *note = &negatives->notes[negatives->note_count++];
    note->zone = nta->zone;
    note->event = event;
    if (event == NTA_REMOVED)
        who = negatives->orderer;
    snprintf(note->why, sizeof(note->why), "%s", why == NULL ? nta->reason : why);
    snprintf(note->who, sizeof(note->who), "%s", who == NULL ? nta->who : who);
    negatives->events[event]++;
    log_note(note, nta);
}

static struct nta_listener listener_of(struct negatives *negatives)
{
    return (struct nta_listener) { negatives, on_event };
}

/* ---- the store ---- */

static enum err write_all(const struct negatives *negatives, struct now now)
{
    enum err err = store_begin(negatives->store);
    if (err != OK)
        return err;
    err = store_save_ntas(negatives->store, negatives->set);
    for (size_t i = 0; i < negatives->note_count && err == OK; i++) {
        const struct note *note = &negatives->notes[i];
        struct nta_history_row row = { now_wall_s(now), note->zone, nta_event_text(note->event), note->why, note->who };
        err = store_add_nta_history(negatives->store, &row);
    }
    if (err == OK)
        return store_commit(negatives->store);
    store_rollback(negatives->store);
    return err;
}

/* What cannot be kept now is tried again at each tick; the set at least, the log has its history. */
static void keep(struct negatives *negatives, struct now now)
{
    if (negatives->store != NULL)
        negatives->is_dirty = write_all(negatives, now) != OK;
}

static enum store_condition condition(const struct negatives *negatives)
{
    return negatives->store == NULL ? STORE_NONE : negatives->is_dirty ? STORE_FAILING : STORE_GOOD;
}

/* ---- from the store and the configuration to what is in effect ---- */

void negatives_apply(const struct negatives *negatives, struct trust *trust)
{
    nta_apply(negatives->set, trust);
}

void negatives_merge(struct negatives *negatives, const struct config *config, struct now now)
{
    struct nta_listener listener = listener_of(negatives);
    nta_merge(negatives->set, config->trust, now_wall_s(now), &listener);
    keep(negatives, now);
    negatives->note_count = 0; /* whoever loads a configuration publishes all of it */
}

struct negatives *negatives_new(struct store *store, const struct config *config, struct now now)
{
    struct negatives *negatives = memory_new(1, sizeof(*negatives));
    negatives->set = nta_set_new();
    negatives->store = store;
    negatives->random = random_secure_new();
    if (store != NULL && store_load_ntas(store, negatives->set) != OK)
        log_error("store: not all negative trust anchors could be read");
    negatives_merge(negatives, config, now);
    return negatives;
}

void negatives_free(struct negatives *negatives)
{
    if (negatives == NULL)
        return;
    if (negatives->driver != NULL)
        ev_timer_stop(negatives->loop, &negatives->tick);
    driver_free(negatives->driver);
    nta_check_free(negatives->check);
    if (negatives->cache != NULL)
        cache_free(negatives->cache);
    trust_free(negatives->trust);
    nta_set_free(negatives->set);
    random_free(negatives->random);
    free(negatives->notes);
    free(negatives);
}

/* Ticks as long as there is something to watch. */
static void schedule(struct negatives *negatives)
{
    bool is_wanted = nta_count_active(negatives->set) > 0 || negatives->is_dirty;
    if (is_wanted && !ev_is_active(&negatives->tick))
        ev_timer_again(negatives->loop, &negatives->tick);
    else if (!is_wanted)
        ev_timer_stop(negatives->loop, &negatives->tick);
}

/* Changes reach the disk first, then the workers, then the cache: how many of its entries went with those that
 * ended. */
static size_t settle(struct negatives *negatives, struct now now)
{
    size_t entries = 0;
    keep(negatives, now);
    negatives->handler.publish(negatives->handler.context);
    for (size_t i = 0; i < negatives->note_count; i++)
        if (nta_event_is_end(negatives->notes[i].event))
            entries += negatives->handler.ended(negatives->handler.context, &negatives->notes[i].zone);
    negatives->note_count = 0;
    schedule(negatives);
    return entries;
}

/* ---- the chore ---- */

static void on_done(void *context, void *waiter, const struct outcome *outcome, struct now now)
{
    struct negatives *negatives = context;
    nta_check_answer(negatives->check, waiter, outcome, now);
}

static bool may_judge(void *context)
{
    const struct negatives *negatives = context;
    return clock_is_fit(negatives->clock);
}

static void on_probe(void *context, const struct question *question, bool checking_disabled, void *waiter)
{
    struct negatives *negatives = context;
    driver_probe(negatives->driver, question, checking_disabled, waiter);
}

static void on_probe_server(void *context, const struct question *question, const struct single_server *single,
                            void *waiter)
{
    struct negatives *negatives = context;
    driver_probe_server(negatives->driver, question, single, waiter);
}

static void on_refresh(void *context)
{
    struct negatives *negatives = context;
    cache_flush_all(negatives->cache);
}

static void on_checked(void *context, struct nta *nta)
{
    struct negatives *negatives = context;
    struct nta_listener listener = listener_of(negatives);
    char zone[DNAME_TEXT_MAX];
    log_info("negative trust anchor %s: checked: %s (%u of %u servers answered by themselves)",
             dname_to_text(&nta->zone, zone), nta->finding, nta->servers_answered, nta->servers_asked);
    if (nta->good_rounds < NTA_GOOD_ROUNDS)
        return;
    nta_end(negatives->set, nta, NTA_WELL, &listener);
    settle(negatives, driver_now(negatives->driver));
}

static void on_cut_known(void *context, struct nta *nta)
{
    struct negatives *negatives = context;
    (void)nta;
    negatives->handler.cut_known(negatives->handler.context);
}

static void watch(struct negatives *negatives)
{
    struct nta_listener listener = listener_of(negatives);
    struct now now = driver_now(negatives->driver);
    if (now.wall_is_fit && nta_tick(negatives->set, now_wall_s(now), &listener))
        settle(negatives, now);
    else if (negatives->is_dirty)
        keep(negatives, now);
    nta_check_tick(negatives->check, now);
    schedule(negatives);
}

static void on_tick(struct ev_loop *loop, ev_timer *watcher, int events)
{
    (void)loop, (void)events;
    watch(watcher->data);
}

/* The recheck judges as if there were no negative anchor. */
static struct resolver_parts parts_of(struct negatives *negatives, struct trust *trust)
{
    struct resolver_parts parts = settings_parts(negatives->settings, negatives->cache, negatives->random);
    trust_drop_negatives(trust);
    parts.trust = trust;
    return parts;
}

void negatives_start(struct negatives *negatives, struct ev_loop *loop, const struct clock *clock,
                     const struct settings *settings, const struct negatives_handler *handler)
{
    struct cache_options options = settings->config->cache;
    struct driver_handler settled = { .context = negatives, .done = on_done, .clock_is_fit = may_judge };
    struct nta_check_host host = { negatives, on_probe, on_probe_server, on_refresh, on_checked, on_cut_known };
    options.size_octets = CACHE_OCTETS;
    options.file = NULL;
    negatives->handler = *handler;
    negatives->settings = settings;
    negatives->clock = clock;
    negatives->loop = loop;
    negatives->cache = cache_new(&options, negatives->random);
    negatives->trust = trust_copy(settings->trust);
    struct resolver_parts parts = parts_of(negatives, negatives->trust);
    negatives->driver = driver_new(loop, &parts, &settled, SOCKETS_MAX);
    negatives->check = nta_check_new(&host, negatives->set, negatives->random);
    nta_check_configure(negatives->check, settings->config->negative_recheck_s);
    ev_timer_init(&negatives->tick, on_tick, TICK_S, TICK_S);
    negatives->tick.data = negatives;
    watch(negatives); /* those that have ended meanwhile cover nobody's question any more */
}

void negatives_use(struct negatives *negatives, const struct settings *settings)
{
    struct trust *trust = trust_copy(settings->trust), *before = negatives->trust;
    negatives->settings = settings;
    struct resolver_parts parts = parts_of(negatives, trust);
    resolver_configure(driver_resolver(negatives->driver), &parts);
    negatives->trust = trust;
    trust_free(before);
    nta_check_configure(negatives->check, settings->config->negative_recheck_s);
    schedule(negatives);
}

/* ---- orders ---- */

static bool refuse(struct order_failure *failure, const char *hint, const char *format, ...) PRINTF_LIKE(3, 4);

static bool refuse(struct order_failure *failure, const char *hint, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(failure->text, sizeof(failure->text), format, arguments);
    va_end(arguments);
    snprintf(failure->hint, sizeof(failure->hint), "%s", hint);
    return false;
}

static bool may_add(const struct negatives *negatives, const struct nta_order *order, struct order_failure *failure)
{
    char zone[DNAME_TEXT_MAX];
    dname_to_text(&order->zone, zone);
    if (dname_is_root(&order->zone))
        return refuse(failure, "name the zone that fails: vouchctl nta explain ZONE, or vouch NAME, shows it",
                      "the root gets no negative trust anchor: nothing would be validated any more");
    if (order->zone.labels == 1 && !order->may_be_tld)
        return refuse(failure, "if all of it fails and you have made sure that it is no attack: --yes-this-is-a-tld",
                      "%s is a top-level domain: no name below it would be validated", zone);
    if (order->for_s <= 0 || order->for_s > NTA_S_MAX)
        return refuse(failure, "RFC 7646 section 2: it is a stopgap, not a setting; add it again when it ends",
                      "expected a time from 1s to 7d");
    if (!clock_is_fit(negatives->clock))
        return refuse(failure, "vouchctl time says why; set the clock first",
                      "the clock is not believed: no end could be set, and validation is held anyway");
    return true;
}

bool negatives_add(struct negatives *negatives, const struct nta_order *order, struct order_failure *failure)
{
    if (!may_add(negatives, order, failure))
        return false;
    struct nta *nta = nta_find(negatives->set, &order->zone, NTA_ORDERED);
    struct now now = driver_now(negatives->driver);
    enum nta_event event = nta == NULL ? NTA_BEGUN : NTA_CHANGED;
    if (nta == NULL)
        nta = nta_add(negatives->set, &order->zone, NTA_ORDERED);
    if (nta == NULL)
        return refuse(failure, "vouchctl nta list shows them: remove those that are needed no more",
                      "there are %u negative trust anchors: no more are kept", NTAS_MAX);
    nta->since_s = now_wall_s(now);
    nta->until_s = nta->since_s + order->for_s;
    nta_set_reason(nta, order->reason);
    snprintf(nta->who, sizeof(nta->who), "%s", order->who);
    on_event(negatives, nta, event);
    settle(negatives, now);
    uint16_t count = NTA_QUESTIONS_MAX;
    struct question bogus[NTA_QUESTIONS_MAX];
    nta->forgotten = negatives->handler.begun(negatives->handler.context, &nta->zone, bogus, &count);
    if (count > 0) {
        memcpy(nta->questions, bogus, count * sizeof(bogus[0]));
        nta->question_count = count;
        keep(negatives, now);
    }
    nta_check_find_cut(negatives->check, nta);
    return true;
}

bool negatives_remove(struct negatives *negatives, const struct dname *zone, const char *who, size_t *entries,
                      struct order_failure *failure)
{
    struct nta_listener listener = listener_of(negatives);
    struct nta *nta = nta_find(negatives->set, zone, NTA_ORDERED);
    const struct nta *configured = nta_find(negatives->set, zone, NTA_CONFIGURED);
    char text[DNAME_TEXT_MAX];
    dname_to_text(zone, text);
    if (nta == NULL && configured != NULL && nta_is_active(configured))
        return refuse(failure, "take it out of trust.negative, then: vouchctl reload",
                      "the negative trust anchor %s is the configuration's", text);
    if (nta == NULL)
        return refuse(failure, "vouchctl nta list shows all of them", "there is no negative trust anchor %s", text);
    negatives->orderer = who;
    nta_end(negatives->set, nta, NTA_REMOVED, &listener);
    negatives->orderer = NULL;
    *entries = settle(negatives, driver_now(negatives->driver));
    return true;
}

void negatives_report(const struct negatives *negatives, struct negatives_report *report)
{
    *report = (struct negatives_report) {
        .set = negatives->set,
        .now_s = now_wall_s(driver_now(negatives->driver)),
        .store = condition(negatives),
    };
}

void negatives_walk_history(struct negatives *negatives, size_t max,
                            void (*each)(void *to, const struct nta_history_row *row), void *to)
{
    if (negatives->store != NULL && store_walk_nta_history(negatives->store, max, each, to) != OK)
        log_error("store: the history of negative trust anchors could not be read");
}

void negatives_get_stats(const struct negatives *negatives, struct negatives_stats *stats)
{
    *stats = (struct negatives_stats) { .active = { 0 } };
    for (size_t i = 0; i < negatives->set->count; i++)
        stats->active[negatives->set->items[i]->source] += nta_is_active(negatives->set->items[i]);
    memcpy(stats->events, negatives->events, sizeof(stats->events));
    nta_check_get_stats(negatives->check, &stats->check);
}
