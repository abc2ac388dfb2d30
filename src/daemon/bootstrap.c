#include "daemon/bootstrap.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"

enum {
    WATCH_S_FIRST = 60, /* when a mismatch could not be mended; doubled each time … */
    WATCH_S_MAX = 3600, /* … up to the shortest refresh of RFC 5011 section 2.3 */
    WHO_OCTETS_MAX = 32,
};

enum purpose { PURPOSE_WATCH, PURPOSE_CHECK, PURPOSE_ORDER };

struct bootstrap {
    struct bootstrap_host host;
    const struct settings *settings;
    struct inquirer *inquirer;
    enum purpose purpose;
    char who[WHO_OCTETS_MAX]; /* PURPOSE_ORDER */
    int64_t signed_s;
    int64_t next_ms, retry_s; /* monotonic; of watching; retry_s 0: all is well */
    /* the last inquiry */
    struct inquiry *inquiry; /* NULL: none yet */
    struct anchor_diagnosis diagnosis;
    struct anchor_changes changes;
    bool tried, is_adopted; /* bootstrap */
    char fault[INQUIRY_FAULT_OCTETS_MAX];
    int64_t ended_s;
    struct bootstrap_stats stats;
};

static struct managed_zone *root_of(const struct bootstrap *bootstrap)
{
    return managed_find(bootstrap->host.managed, dname_root());
}

static void diagnose_now(struct bootstrap *bootstrap, const struct inquiry *inquiry, struct anchor_diagnosis *diagnosis)
{
    struct inquiry_rules rules = inquirer_rules(bootstrap->inquirer);
    inquiry_diagnose(inquiry, &rules, root_of(bootstrap), diagnosis);
}

static bool wants_documents(void *context, const struct inquiry *inquiry)
{
    struct bootstrap *bootstrap = context;
    struct anchor_diagnosis diagnosis;
    if (bootstrap->purpose != PURPOSE_WATCH)
        return true;
    diagnose_now(bootstrap, inquiry, &diagnosis);
    return diagnosis.is_mismatch && settings_may_bootstrap(bootstrap->settings->config);
}

/* ---- the end of an inquiry ---- */

static void adopt(struct bootstrap *bootstrap)
{
    struct inquiry_rules rules = inquirer_rules(bootstrap->inquirer);
    const char *who = bootstrap->purpose == PURPOSE_ORDER ? bootstrap->who : "bootstrap", *fault;
    bootstrap->tried = true;
    bootstrap->is_adopted =
        bootstrap->host.adopt(bootstrap->host.context, bootstrap->inquiry, &rules, who, &bootstrap->changes, &fault);
    if (bootstrap->is_adopted) {
        bootstrap->stats.adopted++;
        bootstrap->signed_s = bootstrap->inquiry->cms.signed_s;
        log_warning("bootstrap: root-anchors.xml from %s is genuine and validates the root's keys: %zu anchors added",
                    bootstrap->inquiry->source, bootstrap->changes.count);
    } else {
        bootstrap->stats.failed++;
        snprintf(bootstrap->fault, sizeof(bootstrap->fault), "%s", fault);
        log_error("bootstrap: no anchor of the root was taken from root-anchors.xml: %s", bootstrap->fault);
    }
}

static void log_verdict(const struct bootstrap *bootstrap, enum anchor_verdict before)
{
    const struct anchor_diagnosis *diagnosis = &bootstrap->diagnosis;
    bool is_well = diagnosis->verdict == VERDICT_MATCH || diagnosis->verdict == VERDICT_NORMAL_ROLL;
    if (diagnosis->verdict == before && is_well)
        return;
    if (is_well) {
        log_info("trust anchors of the root: %s", anchor_verdict_text(diagnosis->verdict));
        return;
    }
    log_warning("trust anchors of the root: %s: %s", anchor_verdict_text(diagnosis->verdict), diagnosis->next_step);
    for (size_t i = 0; i < diagnosis->count; i++)
        log_warning("trust anchors of the root: (%s) %s", diagnosis->findings[i].from, diagnosis->findings[i].text);
}

static void set_next(struct bootstrap *bootstrap, struct now now)
{
    if (!bootstrap->diagnosis.is_mismatch && bootstrap->inquiry->has_live) {
        bootstrap->retry_s = 0;
        return;
    }
    bootstrap->retry_s = bootstrap->retry_s == 0 ? WATCH_S_FIRST : 2 * bootstrap->retry_s;
    if (bootstrap->retry_s > WATCH_S_MAX)
        bootstrap->retry_s = WATCH_S_MAX;
    bootstrap->next_ms = now.monotonic_ms + bootstrap->retry_s * 1000;
}

/* `model: configured` may do without anchors of the root. */
static bool rests_on_root(const struct bootstrap *bootstrap)
{
    return bootstrap->settings->config->trust_model == TRUST_MODEL_ROOT || root_of(bootstrap) != NULL;
}

/* A set that could not be had says nothing about the anchors: what was so before stays. */
static void on_inquired(void *context, struct inquiry *inquiry)
{
    struct bootstrap *bootstrap = context;
    struct now now = now_from_system();
    enum anchor_verdict before = bootstrap->diagnosis.verdict;
    inquiry_free(bootstrap->inquiry);
    bootstrap->inquiry = inquiry;
    bootstrap->stats.inquiries++;
    bootstrap->ended_s = now_wall_s(now);
    bootstrap->tried = bootstrap->is_adopted = false;
    bootstrap->changes.count = 0;
    bootstrap->fault[0] = '\0';
    diagnose_now(bootstrap, inquiry, &bootstrap->diagnosis);
    log_verdict(bootstrap, before);
    bool is_wanted = bootstrap->purpose == PURPOSE_WATCH && bootstrap->diagnosis.is_mismatch &&
                     settings_may_bootstrap(bootstrap->settings->config);
    if (bootstrap->purpose == PURPOSE_ORDER || is_wanted) {
        adopt(bootstrap);
        diagnose_now(bootstrap, inquiry, &bootstrap->diagnosis);
    }
    bootstrap->stats.verdict = bootstrap->diagnosis.verdict;
    set_next(bootstrap, now);
    if (inquiry->has_live && rests_on_root(bootstrap))
        bootstrap->host.hold(bootstrap->host.context, bootstrap->diagnosis.is_mismatch);
    bootstrap->host.inquired(bootstrap->host.context);
}

/* ---- beginnings ---- */

static void begin(struct bootstrap *bootstrap, enum purpose purpose, struct documents *given)
{
    bootstrap->purpose = purpose;
    inquirer_begin(bootstrap->inquirer, given, bootstrap->signed_s);
}

void bootstrap_note_refresh(struct bootstrap *bootstrap, bool is_good)
{
    if (is_good)
        bootstrap->retry_s = 0;
    else if (bootstrap->retry_s == 0 && !inquirer_is_busy(bootstrap->inquirer))
        begin(bootstrap, PURPOSE_WATCH, NULL);
}

void bootstrap_tick(struct bootstrap *bootstrap, bool is_held, struct now now)
{
    bool is_due = bootstrap->retry_s > 0 ? bootstrap->next_ms <= now.monotonic_ms : is_held;
    if (is_due && !inquirer_is_busy(bootstrap->inquirer))
        begin(bootstrap, PURPOSE_WATCH, NULL);
}

/* Our own watching stands back for orders. */
static bool make_way(struct bootstrap *bootstrap, struct order_failure *failure)
{
    if (bootstrap->purpose == PURPOSE_WATCH)
        inquirer_abandon(bootstrap->inquirer);
    if (!inquirer_is_busy(bootstrap->inquirer))
        return true;
    snprintf(failure->text, sizeof(failure->text), "the anchors are being looked at already");
    snprintf(failure->hint, sizeof(failure->hint), "try again in a minute");
    return false;
}

/* Several that ask at a time get one answer, of what is under way. */
bool bootstrap_check(struct bootstrap *bootstrap, struct order_failure *failure)
{
    if (inquirer_is_busy(bootstrap->inquirer) && bootstrap->purpose == PURPOSE_CHECK)
        return true;
    if (!make_way(bootstrap, failure))
        return false;
    begin(bootstrap, PURPOSE_CHECK, NULL);
    return true;
}

bool bootstrap_order(struct bootstrap *bootstrap, struct documents *given, const char *who,
                     struct order_failure *failure)
{
    if (!make_way(bootstrap, failure))
        return false;
    snprintf(bootstrap->who, sizeof(bootstrap->who), "%s", who);
    begin(bootstrap, PURPOSE_ORDER, given);
    return true;
}

void bootstrap_report(const struct bootstrap *bootstrap, struct inquiry_report *report)
{
    *report = (struct inquiry_report) {
        .inquiry = bootstrap->inquiry,
        .diagnosis = &bootstrap->diagnosis,
        .changes = &bootstrap->changes,
        .is_bootstrap = bootstrap->tried,
        .is_adopted = bootstrap->is_adopted,
        .fault = bootstrap->fault,
        .ended_s = bootstrap->ended_s,
    };
}

/* ---- the whole ---- */

void bootstrap_set_signed(struct bootstrap *bootstrap, int64_t signed_s)
{
    bootstrap->signed_s = signed_s;
}

void bootstrap_get_stats(const struct bootstrap *bootstrap, struct bootstrap_stats *stats)
{
    *stats = bootstrap->stats;
}

struct bootstrap *bootstrap_new(struct ev_loop *loop, struct cache *cache, struct random *random,
                                const struct clock *clock, const struct settings *settings,
                                const struct bootstrap_host *host)
{
    struct bootstrap *bootstrap = memory_new(1, sizeof(*bootstrap));
    struct inquirer_handler handler = { bootstrap, wants_documents, on_inquired };
    bootstrap->host = *host;
    bootstrap->settings = settings;
    bootstrap->diagnosis.verdict = bootstrap->stats.verdict = VERDICT_UNKNOWN;
    bootstrap->inquirer = inquirer_new(loop, cache, random, clock, settings, &handler);
    return bootstrap;
}

void bootstrap_free(struct bootstrap *bootstrap)
{
    if (bootstrap == NULL)
        return;
    inquirer_free(bootstrap->inquirer);
    inquiry_free(bootstrap->inquiry);
    free(bootstrap);
}

void bootstrap_use(struct bootstrap *bootstrap, const struct settings *settings)
{
    bool is_reloaded = settings->config != bootstrap->settings->config; /* else another trust came */
    bootstrap->settings = settings;
    inquirer_use(bootstrap->inquirer, settings);
    if (is_reloaded && bootstrap->retry_s > 0 &&
        !inquirer_is_busy(bootstrap->inquirer)) /* it may be what was lacking */
        begin(bootstrap, PURPOSE_WATCH, NULL);
}
