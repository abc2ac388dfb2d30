#include "daemon/evidence.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/log.h"
#include "time/rfc3339.h"

struct watcher {
    struct ev_loop *loop;
    struct store *store; /* NULL: none */
    struct clock *clock;
    ev_async changed; /* there is something to keep */
    ev_timer keep, expire;
    _Atomic size_t failing; /* zones: read without the lock */

    pthread_mutex_t mutex; /* guards all below */
    struct evidence *evidence;
    uint64_t begun, healed;
    int64_t minute; /* of the log lines, monotonic */
    unsigned lines;
};

/* ---- events ---- */

/* Under the lock. */
static bool may_tell(struct watcher *watcher, struct now now)
{
    int64_t minute = now.monotonic_ms / 60000;
    if (minute != watcher->minute) {
        watcher->minute = minute;
        watcher->lines = 0;
    }
    if (watcher->lines == EVIDENCE_LINES_PER_MINUTE)
        log_warning("zone events: more zones than %d in this minute: vouchctl failures lists them",
                    EVIDENCE_LINES_PER_MINUTE);
    return watcher->lines++ < EVIDENCE_LINES_PER_MINUTE;
}

/* The first server that gave bad data. */
static const char *bad_server(const struct evidence_record *record, char text[ADDRESS_TEXT_MAX])
{
    for (uint8_t i = 0; i < record->trial_count; i++)
        if (record->trials[i].security == BOGUS && record->trials[i].server.family != 0)
            return address_to_text(&record->trials[i].server, text);
    return "-";
}

static void tell_begin(const struct evidence_zone *zone)
{
    char name[DNAME_TEXT_MAX], owner[DNAME_TEXT_MAX], type[RR_TYPE_TEXT_MAX], server[ADDRESS_TEXT_MAX];
    const struct evidence_record *record = &zone->records[0];
    log_warning("event=zone-fails zone=%s cause=%s check=%s name=%s type=%s key=%u/%u server=%s outcome=%s",
                dname_to_text(&zone->zone, name), cause_text(record->cause), record->site,
                dname_to_text(&record->failed_name, owner), rr_type_to_text(record->failed_type, type), record->key_tag,
                record->algorithm, bad_server(record, server), security_text(record->outcome));
}

static void tell_heal(const struct evidence_zone *zone)
{
    char name[DNAME_TEXT_MAX], since[RFC3339_TEXT_MAX];
    log_warning("event=zone-heals zone=%s failing-since=%s failures=%llu rescued=%llu",
                dname_to_text(&zone->zone, name), rfc3339_to_text(zone->first_s, since),
                (unsigned long long)zone->failures, (unsigned long long)zone->rescued);
}

/* Under the lock. */
static void note_event(struct watcher *watcher, enum evidence_event event, const struct evidence_zone *zone,
                       struct now now)
{
    watcher->begun += event == EVIDENCE_BEGINS;
    watcher->healed += event == EVIDENCE_HEALS;
    atomic_store_explicit(&watcher->failing, evidence_failing(watcher->evidence), memory_order_relaxed);
    if (event == EVIDENCE_NOTHING || !may_tell(watcher, now))
        return;
    if (event == EVIDENCE_BEGINS)
        tell_begin(zone);
    else
        tell_heal(zone);
}

void watcher_judged(struct watcher *watcher, const struct testimony *testimony, struct now now)
{
    const struct evidence_zone *zone = NULL;
    enum evidence_event event;
    bool is_good = testimony->failure == NULL && testimony->outcome->security == SECURE;
    bool may_heal = is_good && atomic_load_explicit(&watcher->failing, memory_order_relaxed) > 0;
    if (testimony->failure == NULL && !may_heal)
        return;
    pthread_mutex_lock(&watcher->mutex);
    if (testimony->failure != NULL)
        event = evidence_failed(watcher->evidence, testimony, now, &zone);
    else
        event = evidence_good(watcher->evidence, testimony, now, &zone);
    note_event(watcher, event, zone, now);
    pthread_mutex_unlock(&watcher->mutex);
    if (testimony->failure != NULL || event == EVIDENCE_HEALS)
        ev_async_send(watcher->loop, &watcher->changed);
}

/* ---- keeping ---- */

/* False: all is kept.  What is written stands still meanwhile. */
static bool take_changed(struct watcher *watcher, struct evidence_zone *copy)
{
    pthread_mutex_lock(&watcher->mutex);
    const struct evidence_zone *zone = evidence_next_changed(watcher->evidence);
    if (zone != NULL)
        *copy = *zone;
    pthread_mutex_unlock(&watcher->mutex);
    return zone != NULL;
}

/* Evidence is worth no second attempt: a zone that goes on failing is written with its next failure. */
static void keep(struct watcher *watcher)
{
    struct evidence_zone *zone = memory_new(1, sizeof(*zone));
    enum err err = watcher->store == NULL ? ERR_SYSTEM : store_begin(watcher->store);
    while (err == OK && take_changed(watcher, zone))
        err = store_save_evidence(watcher->store, zone);
    if (err == OK)
        err = store_trim_evidence(watcher->store);
    if (err == OK)
        err = store_commit(watcher->store);
    if (err != OK && watcher->store != NULL)
        store_rollback(watcher->store);
    free(zone);
}

static void on_keep(struct ev_loop *loop, ev_timer *timer, int events)
{
    (void)loop, (void)events;
    keep(timer->data);
}

static void on_changed(struct ev_loop *loop, ev_async *async, int events)
{
    (void)events;
    struct watcher *watcher = async->data;
    if (!ev_is_active(&watcher->keep)) {
        ev_timer_set(&watcher->keep, EVIDENCE_KEEP_DELAY_S, 0);
        ev_timer_start(loop, &watcher->keep);
    }
    if (!ev_is_active(&watcher->expire))
        ev_timer_again(loop, &watcher->expire);
}

/* Runs while zones fail. */
static void on_expire(struct ev_loop *loop, ev_timer *timer, int events)
{
    (void)events;
    struct watcher *watcher = timer->data;
    pthread_mutex_lock(&watcher->mutex);
    evidence_expire(watcher->evidence, now_from_system());
    size_t failing = evidence_failing(watcher->evidence);
    atomic_store_explicit(&watcher->failing, failing, memory_order_relaxed);
    pthread_mutex_unlock(&watcher->mutex);
    if (failing == 0)
        ev_timer_stop(loop, timer);
}

/* ---- beginning and end ---- */

static void recall(struct watcher *watcher)
{
    if (watcher->store != NULL && store_load_evidence(watcher->store, watcher->evidence) != OK)
        log_error("store: not all evidence could be read");
    evidence_expire(watcher->evidence, now_from_system());
    watcher->failing = evidence_failing(watcher->evidence);
    if (watcher->failing > 0)
        ev_timer_again(watcher->loop, &watcher->expire);
}

struct watcher *watcher_new(struct ev_loop *loop, struct store *store, struct clock *clock)
{
    struct watcher *watcher = memory_new(1, sizeof(*watcher));
    watcher->loop = loop;
    watcher->store = store;
    watcher->clock = clock;
    watcher->evidence = evidence_new();
    pthread_mutex_init(&watcher->mutex, NULL);
    ev_async_init(&watcher->changed, on_changed);
    ev_init(&watcher->keep, on_keep);
    ev_timer_init(&watcher->expire, on_expire, 0, EVIDENCE_EXPIRE_S);
    watcher->changed.data = watcher->keep.data = watcher->expire.data = watcher;
    ev_async_start(loop, &watcher->changed);
    recall(watcher);
    return watcher;
}

void watcher_free(struct watcher *watcher)
{
    if (watcher == NULL)
        return;
    keep(watcher);
    ev_async_stop(watcher->loop, &watcher->changed);
    ev_timer_stop(watcher->loop, &watcher->keep);
    ev_timer_stop(watcher->loop, &watcher->expire);
    evidence_free(watcher->evidence);
    pthread_mutex_destroy(&watcher->mutex);
    free(watcher);
}

/* ---- for people ---- */

void watcher_get_stats(struct watcher *watcher, struct watcher_stats *stats)
{
    pthread_mutex_lock(&watcher->mutex);
    *stats = (struct watcher_stats) {
        .zones = evidence_count(watcher->evidence),
        .failing = evidence_failing(watcher->evidence),
        .dropped = evidence_dropped(watcher->evidence),
        .begun = watcher->begun,
        .healed = watcher->healed,
    };
    pthread_mutex_unlock(&watcher->mutex);
}

static bool is_clock_doubted(struct watcher *watcher)
{
    struct time_report report;
    clock_report(watcher->clock, &report);
    const unsigned seems = 1u << REASON_SEEMS_FAST | 1u << REASON_SEEMS_SLOW;
    return !report.now.wall_is_fit || (report.judgement.reasons & seems) != 0;
}

void watcher_walk(struct watcher *watcher, void (*each)(void *to, const struct evidence_zone *zone, int64_t now_s),
                  void *to)
{
    int64_t now_s = now_from_system().monotonic_ms / 1000;
    pthread_mutex_lock(&watcher->mutex);
    for (size_t i = 0; i < evidence_count(watcher->evidence); i++)
        each(to, evidence_at(watcher->evidence, i), now_s);
    pthread_mutex_unlock(&watcher->mutex);
}

bool watcher_show(struct watcher *watcher, const struct dname *zone,
                  void (*show)(void *to, const struct evidence_zone *zone, const struct diagnosis *diagnosis), void *to)
{
    struct diagnosis diagnosis;
    bool doubted = is_clock_doubted(watcher);
    pthread_mutex_lock(&watcher->mutex);
    const struct evidence_zone *found = evidence_find(watcher->evidence, zone);
    if (found != NULL) {
        diagnose(found, doubted, &diagnosis);
        show(to, found, &diagnosis);
    }
    pthread_mutex_unlock(&watcher->mutex);
    return found != NULL;
}
