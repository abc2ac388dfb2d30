#include "daemon/reload.h"

#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

#include "base/log.h"
#include "daemon/notify.h"

/* ---- handing out ---- */

bool vouchd_listen_on(struct vouchd *vouchd, const struct listen_sockets *sockets)
{
    char text[ADDRESS_TEXT_MAX];
    bool receives = workers_listen(vouchd->workers, sockets);
    if (receives)
        log_info("listening on %s", address_to_text(&sockets->address, text));
    else
        log_error("nobody listens on %s by UDP", address_to_text(&sockets->address, text));
    return receives;
}

/* Hands new sockets to the workers; closes those no longer wanted.  Those that stay are not touched: no question is
 * lost. */
static void exchange_listeners(struct vouchd *vouchd, struct listeners *opened)
{
    const struct config *config = vouchd->settings->config;
    for (size_t i = vouchd->listeners.count; i-- > 0;) {
        struct address address = vouchd->listeners.items[i].address;
        bool is_wanted = false;
        for (uint16_t k = 0; k < config->listen_count; k++)
            is_wanted = is_wanted || address_equal(&config->listen[k].address, &address);
        if (!is_wanted) {
            char text[ADDRESS_TEXT_MAX];
            workers_unlisten(vouchd->workers, &address);
            log_info("not listening on %s any more", address_to_text(&address, text));
            listeners_remove(&vouchd->listeners, i);
        }
    }
    for (size_t i = 0; i < opened->count; i++) {
        vouchd_listen_on(vouchd, &opened->items[i]);
        listeners_add(&vouchd->listeners, &opened->items[i]);
    }
    free(opened->items); /* their parts have moved */
}

/* Everybody uses them when it returns; the ones before go to the caller. */
static struct settings *hand_out(struct vouchd *vouchd, struct settings *settings)
{
    struct settings *before = vouchd->settings;
    vouchd->settings = settings;
    workers_use(vouchd->workers, settings);
    anchors_use(vouchd->anchors, settings);
    negatives_use(vouchd->negatives, settings);
    return before;
}

void vouchd_bind_cache(const struct vouchd *vouchd)
{
    cache_bind(vouchd->cache, settings_route_fingerprint(vouchd->settings),
               settings_judge_fingerprint(vouchd->settings));
}

static void exchange_settings(struct vouchd *vouchd, struct settings *settings)
{
    struct settings *before = hand_out(vouchd, settings);
    cache_set_options(vouchd->cache, &settings->config->cache);
    if (settings_route_fingerprint(before) != settings_route_fingerprint(settings))
        cache_flush_all(vouchd->cache);
    else if (settings_judge_fingerprint(before) != settings_judge_fingerprint(settings))
        cache_forget_verdicts(vouchd->cache);
    else
        cache_drop_ready(vouchd->cache);
    vouchd_bind_cache(vouchd);
    log_set_level(settings->config->log_level);
    settings_free(before);
}

/* ---- trust that comes and goes ---- */

static void on_new_trust(void *context, struct trust *trust, bool is_other)
{
    struct vouchd *vouchd = context;
    negatives_apply(vouchd->negatives, trust);
    settings_free(hand_out(vouchd, settings_with_trust(vouchd->settings, trust)));
    if (is_other)
        cache_forget_verdicts(vouchd->cache);
    vouchd_bind_cache(vouchd);
}

static void on_new_negatives(void *context)
{
    const struct vouchd *vouchd = context;
    on_new_trust(context, trust_copy(vouchd->settings->trust), false);
}

/* What a worker decided under the trust before is in the cache when it has answered twice: once for the new trust, once
 * for the epoch that cache_drop_ready() has raised. */
static size_t on_negative_begun(void *context, const struct dname *zone, struct question *bogus, uint16_t *count)
{
    const struct vouchd *vouchd = context;
    cache_drop_ready(vouchd->cache);
    workers_use(vouchd->workers, vouchd->settings);
    return cache_doubt_zone(vouchd->cache, zone, bogus, count);
}

/* The validator's lineage for what it found below one: the zone, without a key. */
static size_t on_negative_ended(void *context, const struct dname *zone)
{
    const struct vouchd *vouchd = context;
    const uint64_t id = key_id(zone, (struct octets) { NULL, 0 });
    return cache_flush_keys(vouchd->cache, &id, 1);
}

static void on_cut_known(void *context)
{
    const struct vouchd *vouchd = context;
    if (vouchd->control != NULL)
        control_nta_checked(vouchd->control);
}

static void on_inquired(void *context)
{
    const struct vouchd *vouchd = context;
    if (vouchd->control != NULL)
        control_anchors_inquired(vouchd->control);
}

struct anchors_handler vouchd_anchors_handler(struct vouchd *vouchd)
{
    return (struct anchors_handler) { vouchd, on_new_trust, on_inquired };
}

struct negatives_handler vouchd_negatives_handler(struct vouchd *vouchd)
{
    return (struct negatives_handler) { vouchd, on_new_negatives, on_negative_begun, on_negative_ended, on_cut_known };
}

static struct trust *take_snapshot(const struct vouchd *vouchd, const struct config *config)
{
    struct trust *trust = anchors_snapshot(vouchd->anchors, config);
    negatives_apply(vouchd->negatives, trust);
    return trust;
}

struct settings *vouchd_follow_anchors(const struct vouchd *vouchd, struct settings *settings)
{
    struct settings *followed = settings_with_trust(settings, take_snapshot(vouchd, settings->config));
    if (!settings_have_anchor(followed, now_from_system())) { /* the start ends here, or one will come */
        anchors_hold(vouchd->anchors);
        settings_free(followed);
        followed = settings_with_trust(settings, take_snapshot(vouchd, settings->config));
    }
    settings_free(settings);
    return followed;
}

/* ---- reload ---- */

static struct settings *load_again(struct vouchd *vouchd, struct config_error *error)
{
    struct config *config;
    struct now now = now_from_system();
    if (config_load(config_path(vouchd->path_asked_for), now, &config, error) != OK)
        return NULL;
    struct settings *settings = settings_new(config);
    if (settings_check_trust(settings, now) != EX_OK) {
        snprintf(error->text, sizeof(error->text), "no usable trust anchor for the declared model");
        settings_free(settings);
        return NULL;
    }
    return settings;
}

static bool reload(struct vouchd *vouchd, FILE *notes, struct config_error *error)
{
    struct listeners opened;
    struct settings *settings = load_again(vouchd, error);
    if (settings == NULL)
        return false;
    unsigned workers = workers_count(vouchd->workers);
    if (listeners_open(settings->config, &vouchd->listeners, workers, &opened) != EX_OK) {
        snprintf(error->text, sizeof(error->text), "an address of `listen` cannot be listened on: the log says why");
        settings_free(settings);
        return false;
    }
    config_needs_restart(vouchd->first->config, settings->config, notes);
    anchors_merge(vouchd->anchors, settings->config, now_from_system());
    negatives_merge(vouchd->negatives, settings->config, now_from_system());
    exchange_settings(vouchd, vouchd_follow_anchors(vouchd, settings)); /* takes settings over */
    exchange_listeners(vouchd, &opened);
    clock_configure(vouchd->clock, vouchd->settings->config);
    if (vouchd->control != NULL)
        control_configure(vouchd->control, vouchd->settings->config);
    return true;
}

bool vouchd_reload(struct vouchd *vouchd, FILE *notes, struct config_error *error)
{
    char began[64];
    snprintf(began, sizeof(began), "RELOADING=1\nMONOTONIC_USEC=%lld",
             (long long)now_from_system().monotonic_ms * 1000);
    notify_manager(began);
    bool is_done = reload(vouchd, notes, error);
    if (is_done) {
        vouchd->reloads++;
        log_info("reloaded");
    } else {
        vouchd->reloads_failed++;
        log_error("not reloaded, all stays as it was: %s", error->text);
    }
    notify_manager("READY=1");
    return is_done;
}
