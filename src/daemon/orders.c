#include "daemon/orders.h"

#include <stdio.h>

#include "base/log.h"
#include "build_info.h"
#include "daemon/reload.h"
#include "daemon/stats.h"

enum { KEYS_WITH_ONE_TAG_MAX = 64 }; /* tags collide: all that carry this one go */

static void order_status(void *context, struct daemon_status *status)
{
    struct vouchd *vouchd = context;
    struct now now = now_from_system();
    *status = (struct daemon_status) {
        .program_version = BUILD_VERSION,
        .started_s = now_wall_s(vouchd->started),
        .now_s = now_wall_s(now),
        .wall_is_fit = clock_is_fit(vouchd->clock),
        .workers = workers_count(vouchd->workers),
        .config = vouchd->settings->config,
    };
    cache_get_stats(vouchd->cache, &status->cache);
}

static void order_stats(void *context, void (*metric)(void *to, const char *name, int64_t value), void *to)
{
    stats_walk(context, metric, to);
}

static size_t order_flush_all(void *context)
{
    struct vouchd *vouchd = context;
    size_t count = cache_flush_all(vouchd->cache);
    log_info("flushed everything: %zu entries", count);
    return count;
}

static size_t order_flush_name(void *context, const struct dname *name)
{
    struct vouchd *vouchd = context;
    char text[DNAME_TEXT_MAX];
    size_t count = cache_flush_name(vouchd->cache, name);
    log_info("flushed name %s: %zu entries", dname_to_text(name, text), count);
    return count;
}

static size_t order_flush_zone(void *context, const struct dname *zone)
{
    struct vouchd *vouchd = context;
    char text[DNAME_TEXT_MAX];
    size_t count = cache_flush_zone(vouchd->cache, zone);
    log_info("flushed zone %s: %zu entries", dname_to_text(zone, text), count);
    return count;
}

static size_t order_flush_key(void *context, const struct dname *zone, uint16_t key_tag, size_t *keys)
{
    struct vouchd *vouchd = context;
    uint64_t ids[KEYS_WITH_ONE_TAG_MAX];
    char text[DNAME_TEXT_MAX];
    *keys = cache_keys_of(vouchd->cache, zone, key_tag, ids, ARRAY_LEN(ids));
    size_t count = cache_flush_keys(vouchd->cache, ids, *keys);
    log_info("flushed key %u of %s: %zu entries", key_tag, dname_to_text(zone, text), count);
    return count;
}

static void order_dump_cache(void *context, bool (*row)(void *to, const struct cache_row *row), void *to)
{
    const struct vouchd *vouchd = context;
    cache_walk(vouchd->cache, now_from_system(), row, to);
}

static bool order_reload(void *context, FILE *notes, struct order_failure *failure)
{
    struct config_error error;
    if (vouchd_reload(context, notes, &error))
        return true;
    snprintf(failure->text, sizeof(failure->text), "%s", error.text);
    snprintf(failure->hint, sizeof(failure->hint), "vouchd --check -c FILE says what is wrong");
    return false;
}

static void order_time(void *context, struct time_report *report)
{
    const struct vouchd *vouchd = context;
    clock_report(vouchd->clock, report);
}

static void order_check_time(void *context)
{
    const struct vouchd *vouchd = context;
    clock_check(vouchd->clock);
}

static void order_anchors(void *context, struct anchors_report *report)
{
    const struct vouchd *vouchd = context;
    anchors_report(vouchd->anchors, report);
}

static void order_history(void *context, size_t max, void (*each)(void *to, const struct history_row *row), void *to)
{
    const struct vouchd *vouchd = context;
    anchors_walk_history(vouchd->anchors, max, each, to);
}

static bool order_refresh_anchors(void *context, size_t *asked, struct order_failure *failure)
{
    const struct vouchd *vouchd = context;
    return anchors_refresh(vouchd->anchors, asked, failure);
}

static bool order_add_anchors(void *context, const char *text, const char *who, struct order_failure *failure)
{
    const struct vouchd *vouchd = context;
    return anchors_add(vouchd->anchors, text, who, failure);
}

static bool order_remove_anchor(void *context, const struct dname *zone, uint16_t key_tag, const char *who,
                                struct order_failure *failure)
{
    const struct vouchd *vouchd = context;
    return anchors_remove(vouchd->anchors, zone, key_tag, who, failure);
}

static void order_keys(void *context, struct key_sum *sum)
{
    const struct vouchd *vouchd = context;
    workers_get_keys(vouchd->workers, sum);
}

static void order_failing(void *context, void (*each)(void *to, const struct evidence_zone *zone, int64_t now_s),
                          void *to)
{
    const struct vouchd *vouchd = context;
    watcher_walk(vouchd->watcher, each, to);
}

static bool order_explain(void *context, const struct dname *zone,
                          void (*show)(void *to, const struct evidence_zone *zone, const struct diagnosis *diagnosis),
                          void *to)
{
    const struct vouchd *vouchd = context;
    return watcher_show(vouchd->watcher, zone, show, to);
}

static void order_negatives(void *context, struct negatives_report *report)
{
    const struct vouchd *vouchd = context;
    negatives_report(vouchd->negatives, report);
}

static void order_nta_history(void *context, size_t max, void (*each)(void *to, const struct nta_history_row *row),
                              void *to)
{
    const struct vouchd *vouchd = context;
    negatives_walk_history(vouchd->negatives, max, each, to);
}

static bool order_add_nta(void *context, const struct nta_order *order, struct order_failure *failure)
{
    const struct vouchd *vouchd = context;
    return negatives_add(vouchd->negatives, order, failure);
}

static bool order_remove_nta(void *context, const struct dname *zone, const char *who, size_t *entries,
                             struct order_failure *failure)
{
    const struct vouchd *vouchd = context;
    return negatives_remove(vouchd->negatives, zone, who, entries, failure);
}

static bool order_check_anchors(void *context, struct order_failure *failure)
{
    const struct vouchd *vouchd = context;
    return anchors_check(vouchd->anchors, failure);
}

static bool order_bootstrap_anchors(void *context, struct documents *given, const char *who,
                                    struct order_failure *failure)
{
    const struct vouchd *vouchd = context;
    return anchors_bootstrap(vouchd->anchors, given, who, failure);
}

static void order_inquiry(void *context, struct inquiry_report *report)
{
    const struct vouchd *vouchd = context;
    anchors_inquiry(vouchd->anchors, report);
}

static void order_stop(void *context)
{
    log_info("stopping: ordered");
    vouchd_stop(context);
}

struct orders orders_of(struct vouchd *vouchd)
{
    return (struct orders) {
        .context = vouchd,
        .status = order_status,
        .stats = order_stats,
        .flush_all = order_flush_all,
        .flush_name = order_flush_name,
        .flush_zone = order_flush_zone,
        .flush_key = order_flush_key,
        .dump_cache = order_dump_cache,
        .reload = order_reload,
        .time = order_time,
        .check_time = order_check_time,
        .anchors = order_anchors,
        .history = order_history,
        .refresh_anchors = order_refresh_anchors,
        .add_anchors = order_add_anchors,
        .remove_anchor = order_remove_anchor,
        .keys = order_keys,
        .failing = order_failing,
        .explain = order_explain,
        .negatives = order_negatives,
        .nta_history = order_nta_history,
        .add_nta = order_add_nta,
        .remove_nta = order_remove_nta,
        .check_anchors = order_check_anchors,
        .bootstrap_anchors = order_bootstrap_anchors,
        .inquiry = order_inquiry,
        .stop = order_stop,
    };
}
