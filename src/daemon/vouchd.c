#include "daemon/vouchd.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/log.h"
#include "daemon/notify.h"
#include "daemon/orders.h"
#include "daemon/privileges.h"
#include "daemon/reload.h"
#include "daemon/state.h"
#include "daemon/waiting.h"
#include "transport/sockets.h"

enum {
    DESCRIPTORS_RESERVED = 128, /* not sockets of clients or servers: log, state, control, libraries */
    TCP_CONNECTIONS_MAX = 1024, /* of one worker */
    TCP_PER_CLIENT_MAX = 256,   /* of one client at one worker */
    UPSTREAM_SOCKETS_MAX = FRONT_WAITING_MAX / 2 * SOCKETS_PER_TWO, /* of one worker */
    PORT_BITS_MIN = 14,                                             /* fewer source ports make forging too cheap */
};

/* ---- what the system gives ---- */

static unsigned choose_worker_count(const struct config *config)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    long count = config->workers != 0 ? config->workers : processors;
    return count < 1 ? 1 : count > CONFIG_WORKERS_MAX ? CONFIG_WORKERS_MAX : (unsigned)count;
}

static unsigned at_most(unsigned long value, unsigned limit)
{
    return value < limit ? (unsigned)value : limit;
}

/* Shares the descriptors that the system allows among the workers: one part for clients, three for servers. */
static void share_descriptors(unsigned workers, struct worker_parts *parts)
{
    unsigned long all = descriptor_limit_raise();
    unsigned long each = (all > 2 * DESCRIPTORS_RESERVED ? all - DESCRIPTORS_RESERVED : all / 2) / workers;
    parts->tcp_limits.connections_max = at_most(each / 4, TCP_CONNECTIONS_MAX);
    parts->tcp_limits.connections_per_prefix_max = at_most(each / 16, TCP_PER_CLIENT_MAX);
    parts->upstream_sockets_max = at_most(each / 4 * 3, UPSTREAM_SOCKETS_MAX);
    log_info("%lu descriptors: for each of %u workers %u connections of clients, %u questions to servers", all, workers,
             parts->tcp_limits.connections_max, parts->upstream_sockets_max);
}

static void report_port_range(void)
{
    struct port_range range;
    if (port_range_read(&range) != OK) {
        log_warning("the range of source ports cannot be read");
        return;
    }
    unsigned bits = port_range_bits(range);
    log_info("source ports %u to %u: %u bits of entropy", range.first, range.last, bits);
    if (bits < PORT_BITS_MIN)
        log_warning("the range of source ports is small: forged answers are easier; see net.ipv4.ip_local_port_range");
}

/* ---- signals ---- */

void vouchd_stop(struct vouchd *vouchd)
{
    ev_break(vouchd->loop, EVBREAK_ALL);
}

static void on_stop_signal(struct ev_loop *loop, ev_signal *watcher, int events)
{
    (void)loop, (void)events;
    log_info("stopping: signal %d", watcher->signum);
    vouchd_stop(watcher->data);
}

static void on_reload_signal(struct ev_loop *loop, ev_signal *watcher, int events)
{
    (void)loop, (void)events;
    struct vouchd *vouchd = watcher->data;
    struct config_error error;
    char *notes = NULL;
    size_t len = 0;
    FILE *memory = vouchd->workers == NULL ? NULL : open_memstream(&notes, &len); /* NULL: the clock settles yet */
    if (memory == NULL)
        return;
    vouchd_reload(vouchd, memory, &error); /* logs what is wrong */
    fclose(memory);
    char *rest = notes, *line;
    while ((line = strsep(&rest, "\n")) != NULL)
        if (*line != '\0')
            log_warning("needs a restart: %s", line);
    free(notes);
}

static void watch_signal(struct vouchd *vouchd, ev_signal *watcher, int signum,
                         void (*callback)(struct ev_loop *loop, ev_signal *watcher, int events))
{
    ev_signal_init(watcher, callback, signum);
    watcher->data = vouchd;
    ev_signal_start(vouchd->loop, watcher);
}

static void watch_signals(struct vouchd *vouchd)
{
    signal(SIGPIPE, SIG_IGN);
    watch_signal(vouchd, &vouchd->on_term, SIGTERM, on_stop_signal);
    watch_signal(vouchd, &vouchd->on_int, SIGINT, on_stop_signal);
    watch_signal(vouchd, &vouchd->on_hup, SIGHUP, on_reload_signal);
}

/* ---- the clock ---- */

static void on_jumped_back(void *context)
{
    const struct vouchd *vouchd = context;
    if (vouchd->cache != NULL)
        cache_forget_verdicts(vouchd->cache); /* what comes from the future is dropped when it is looked for */
}

static void on_clock_must_exit(void *context)
{
    struct vouchd *vouchd = context;
    if (vouchd->exit_code == EX_OK)
        log_error("the clock is unfit, and `time: on-unfit` is exit");
    vouchd->exit_code = EX_TEMPFAIL;
    vouchd_stop(vouchd);
}

static void on_clock_checked(void *context)
{
    const struct vouchd *vouchd = context;
    if (vouchd->control != NULL)
        control_time_checked(vouchd->control);
}

/* False: vouchd shall end, be it that the clock is unfit, be it that somebody said so. */
static bool start_clock(struct vouchd *vouchd)
{
    struct clock_handler handler = { vouchd, on_jumped_back, on_clock_must_exit, on_clock_checked };
    int64_t seen_s = anchors_latest_time(vouchd->anchors);
    vouchd->clock = clock_new(vouchd->loop, vouchd->random, vouchd->settings->config,
                              seen_s > 0 ? seen_s : CLOCK_NO_FLOOR, &handler);
    return clock_settle(vouchd->clock) && vouchd->exit_code == EX_OK;
}

/* ---- start and end ---- */

static int listen_for_orders(struct vouchd *vouchd, const struct identity *identity)
{
    const char *path = vouchd->settings->config->control_socket;
    if (path == NULL || control_listen(path, identity->gid, &vouchd->control_fd) == OK)
        return EX_OK;
    int error = errno;
    char where[CONFIG_WHERE_OCTETS_MAX];
    log_error("%s: cannot listen on %s: %s", config_where(vouchd->settings->config, "control-socket", where), path,
              strerror(error));
    switch (error) {
    case EADDRINUSE:
        return EX_UNAVAILABLE;
    case EACCES:
    case EPERM:
    case EROFS:
        return EX_NOPERM;
    default:
        return EX_CONFIG;
    }
}

/* Everything that may need root. */
static int prepare(struct vouchd *vouchd, unsigned workers)
{
    const struct config *config = vouchd->settings->config;
    struct identity identity;
    int code = privileges_find(config, &identity);
    if (code == EX_OK)
        code = listeners_open(config, NULL, workers, &vouchd->listeners);
    if (code == EX_OK)
        code = listen_for_orders(vouchd, &identity);
    if (code != EX_OK)
        return code;
    privileges_make_directory(config->state_directory, 0700, &identity);
    keeper_open(&vouchd->keeper, config, &identity);
    code = privileges_drop(&identity);
    if (code != EX_OK)
        return code;
    code = state_check(config);
    if (code == EX_OK)
        keeper_map(&vouchd->keeper, config, vouchd->random);
    return code;
}

/* What the store knows decides about the start, too: exit 69 when every anchor was revoked.  `state: required` means
 * that it can be written. */
static int recall_anchors(struct vouchd *vouchd)
{
    struct now now = now_from_system();
    vouchd->anchors = anchors_new(vouchd->settings->config, now);
    vouchd->negatives = negatives_new(anchors_store(vouchd->anchors), vouchd->settings->config, now);
    vouchd->settings = vouchd_follow_anchors(vouchd, vouchd->settings);
    if (vouchd->settings->config->state_required && !anchors_are_kept(vouchd->anchors))
        return EX_CANTCREAT;
    return settings_check_trust(vouchd->settings, now);
}

/* In the keeper's memory, where there is some.  What was kept is believed by a fit clock alone: no other one can tell
 * what has expired. */
static struct cache *make_cache(const struct vouchd *vouchd)
{
    static const char *const words[] = { "begins empty", "keeps its data, verdicts are made anew", "is warm" };
    const struct cache_options *options = &vouchd->settings->config->cache;
    bool is_fit = vouchd->clock == NULL || clock_is_fit(vouchd->clock);
    struct cache_keeping keeping = {
        .memory = vouchd->keeper.memory,
        .routes = settings_route_fingerprint(vouchd->settings),
        .trust = is_fit ? settings_judge_fingerprint(vouchd->settings) : 0,
    };
    enum cache_warmth warmth;
    if (keeping.memory == NULL)
        return cache_new(options, vouchd->random);
    struct cache *cache = cache_new_kept(options, vouchd->random, &keeping, &warmth);
    if (cache == NULL) {
        log_warning("cache.file: %s: there is no space for it; the cache is in private memory", options->file);
        return cache_new(options, vouchd->random);
    }
    log_info("cache.file: %s: the cache %s", options->file, words[warmth]);
    return cache;
}

static bool start_cache(struct vouchd *vouchd)
{
    vouchd->cache = make_cache(vouchd);
    if (vouchd->cache != NULL)
        return true;
    log_error("cache.size: there is no room for so much among the addresses of this process");
    vouchd->exit_code = EX_OSERR;
    return false;
}

static void start(struct vouchd *vouchd, unsigned count)
{
    struct worker_parts parts = { .settings = vouchd->settings };
    share_descriptors(count, &parts);
    report_port_range();
    vouchd_bind_cache(vouchd);
    parts.cache = vouchd->cache;
    parts.clock = vouchd->clock;
    vouchd->watcher = watcher_new(vouchd->loop, anchors_store(vouchd->anchors), vouchd->clock);
    parts.watcher = vouchd->watcher;
    vouchd->workers = workers_start(count, &parts);
    struct anchors_handler handler = vouchd_anchors_handler(vouchd);
    anchors_start(vouchd->anchors, vouchd->loop, vouchd->cache, vouchd->clock, vouchd->settings, &handler);
    struct negatives_handler negatives_handler = vouchd_negatives_handler(vouchd);
    negatives_start(vouchd->negatives, vouchd->loop, vouchd->clock, vouchd->settings, &negatives_handler);
    for (size_t i = 0; i < vouchd->listeners.count; i++)
        if (!vouchd_listen_on(vouchd, &vouchd->listeners.items[i]))
            vouchd->exit_code = EX_OSERR;
    workers_give_precedence(vouchd->workers);
    struct orders orders = orders_of(vouchd);
    vouchd->started = now_from_system();
    if (vouchd->control_fd >= 0)
        vouchd->control = control_new(vouchd->loop, vouchd->control_fd, &orders, vouchd->settings->config);
}

static void serve(struct vouchd *vouchd)
{
    log_info("ready");
    notify_manager("READY=1");
    ev_run(vouchd->loop, 0);
    notify_manager("STOPPING=1");
}

int vouchd_run(const char *path_asked_for, struct settings *settings, struct random *random)
{
    struct vouchd vouchd = { .path_asked_for = path_asked_for,
                             .settings = settings,
                             .random = random,
                             .control_fd = -1,
                             .keeper = { .fd = -1 } };
    unsigned workers = choose_worker_count(settings->config);
    vouchd.first = settings_with_trust(settings, trust_new());
    vouchd.loop = ev_default_loop(EVBACKEND_EPOLL | EVFLAG_NOENV); /* the one that gets signals */
    watch_signals(&vouchd);                                        /* those that come from now on wait for serve() */
    vouchd.exit_code = prepare(&vouchd, workers);
    if (vouchd.exit_code == EX_OK)
        vouchd.exit_code = recall_anchors(&vouchd);
    if (vouchd.exit_code == EX_OK && start_clock(&vouchd) && start_cache(&vouchd)) {
        start(&vouchd, workers);
        if (vouchd.exit_code == EX_OK)
            serve(&vouchd);
        control_free(vouchd.control);
        negatives_free(vouchd.negatives);
        workers_stop(vouchd.workers);
        watcher_free(vouchd.watcher);
        anchors_free(vouchd.anchors);
        listeners_clear(&vouchd.listeners);
        cache_free(vouchd.cache);
    } else {
        negatives_free(vouchd.negatives);
        anchors_free(vouchd.anchors);
        listeners_close(&vouchd.listeners, workers);
        if (vouchd.control_fd >= 0)
            control_close(vouchd.control_fd);
    }
    keeper_close(&vouchd.keeper);
    clock_free(vouchd.clock);
    ev_loop_destroy(vouchd.loop);
    settings_free(vouchd.settings);
    settings_free(vouchd.first);
    return vouchd.exit_code;
}
