#include "daemon/stats.h"

#include <stdio.h>

/* Names end in their unit or in _total; labels come from closed sets. */
#define WORKER_ROW(name, field)                                                                                        \
    {                                                                                                                  \
        name, offsetof(struct worker_stats, field)                                                                     \
    }
static const struct stats_row {
    const char *name;
    size_t offset;
} worker_rows[] = {
    WORKER_ROW("vouch_questions_total{transport=\"udp\"}", questions_udp),
    WORKER_ROW("vouch_questions_total{transport=\"tcp\"}", questions_tcp),
    WORKER_ROW("vouch_questions_malformed_total", malformed),
    WORKER_ROW("vouch_questions_overload_total", overloaded),
    WORKER_ROW("vouch_questions_waiting", waiting),
    WORKER_ROW("vouch_questions_cookie_total{cookie=\"none\"}", cookies[COOKIE_NONE]),
    WORKER_ROW("vouch_questions_cookie_total{cookie=\"client-only\"}", cookies[COOKIE_CLIENT_ONLY]),
    WORKER_ROW("vouch_questions_cookie_total{cookie=\"wrong\"}", cookies[COOKIE_WRONG]),
    WORKER_ROW("vouch_questions_cookie_total{cookie=\"good\"}", cookies[COOKIE_GOOD]),
    WORKER_ROW("vouch_answers_cached_total", answers_from_cache),
    WORKER_ROW("vouch_answers_ready_total", answers_ready),
    WORKER_ROW("vouch_answers_truncated_total", answers_truncated),
    WORKER_ROW("vouch_datagrams_received_total", udp.received),
    WORKER_ROW("vouch_datagrams_sent_total", udp.sent),
    WORKER_ROW("vouch_datagrams_cut_total", udp.cut),
    WORKER_ROW("vouch_datagrams_dropped_total", udp.dropped),
    WORKER_ROW("vouch_datagrams_overload_total", udp.overflowed),
    WORKER_ROW("vouch_tcp_connections", tcp.open),
    WORKER_ROW("vouch_tcp_connections_total{end=\"accepted\"}", tcp.accepted),
    WORKER_ROW("vouch_tcp_connections_total{end=\"refused\"}", tcp.refused),
    WORKER_ROW("vouch_tcp_connections_total{end=\"evicted\"}", tcp.evicted),
    WORKER_ROW("vouch_tcp_connections_total{end=\"timed-out\"}", tcp.timed_out),
    WORKER_ROW("vouch_tcp_connections_total{end=\"broken\"}", tcp.broken),
    WORKER_ROW("vouch_upstream_questions_total{transport=\"udp\"}", resolver.exchanges_udp),
    WORKER_ROW("vouch_upstream_questions_total{transport=\"tcp\"}", resolver.exchanges_tcp),
    WORKER_ROW("vouch_upstream_timeouts_total", resolver.timeouts),
    WORKER_ROW("vouch_upstream_forged_total", resolver.forged_dropped),
    WORKER_ROW("vouch_resolutions_total", resolver.questions),
    WORKER_ROW("vouch_resolutions_coalesced_total", resolver.coalesced),
    WORKER_ROW("vouch_resolutions_crowded_total", resolver.crowded_out),
    WORKER_ROW("vouch_resolutions_in_flight", resolver.in_flight),
    WORKER_ROW("vouch_resolutions_background", resolver.background),
    WORKER_ROW("vouch_stale_answers_total", resolver.stale_answers),
    WORKER_ROW("vouch_prefetches_total", resolver.prefetches),
    WORKER_ROW("vouch_error_reports_total", resolver.reports),
    WORKER_ROW("vouch_outcomes_total{security=\"secure\"}", resolver.secure),
    WORKER_ROW("vouch_outcomes_total{security=\"insecure\"}", resolver.insecure),
    WORKER_ROW("vouch_outcomes_total{security=\"bogus\"}", resolver.bogus),
    WORKER_ROW("vouch_outcomes_total{security=\"indeterminate\"}", resolver.indeterminate),
    WORKER_ROW("vouch_outcomes_servfail_total", resolver.servfail),
    WORKER_ROW("vouch_signature_checks_saved_total", resolver.signatures_recalled),
    WORKER_ROW("vouch_signature_checks_total", resolver.signature_checks),
    WORKER_ROW("vouch_nsec3_hashes_total", resolver.nsec3_hashes),
    WORKER_ROW("vouch_budgets_spent_total", resolver.budgets_spent),
    WORKER_ROW("vouch_synthesised_answers_total{from=\"nxdomain-cut\",kind=\"nxdomain\"}", resolver.synthesised_cut),
    WORKER_ROW("vouch_synthesised_answers_total{from=\"nsec\",kind=\"nxdomain\"}",
               resolver.synthesised[0][SYNTHESIS_NXDOMAIN]),
    WORKER_ROW("vouch_synthesised_answers_total{from=\"nsec\",kind=\"nodata\"}",
               resolver.synthesised[0][SYNTHESIS_NODATA]),
    WORKER_ROW("vouch_synthesised_answers_total{from=\"nsec\",kind=\"wildcard\"}",
               resolver.synthesised[0][SYNTHESIS_WILDCARD]),
    WORKER_ROW("vouch_synthesised_answers_total{from=\"nsec3\",kind=\"nxdomain\"}",
               resolver.synthesised[1][SYNTHESIS_NXDOMAIN]),
    WORKER_ROW("vouch_synthesised_answers_total{from=\"nsec3\",kind=\"nodata\"}",
               resolver.synthesised[1][SYNTHESIS_NODATA]),
    WORKER_ROW("vouch_synthesised_answers_total{from=\"nsec3\",kind=\"wildcard\"}",
               resolver.synthesised[1][SYNTHESIS_WILDCARD]),
};

#define CACHE_ROW(name, field)                                                                                         \
    {                                                                                                                  \
        name, offsetof(struct cache_stats, field)                                                                      \
    }
static const struct stats_row cache_rows[] = {
    CACHE_ROW("vouch_cache_size_bytes", size_octets),
    CACHE_ROW("vouch_cache_used_bytes", used_octets),
    CACHE_ROW("vouch_cache_entries", entries),
    CACHE_ROW("vouch_cache_entries_kind{kind=\"answer\"}", answers),
    CACHE_ROW("vouch_cache_entries_kind{kind=\"delegation\"}", delegations),
    CACHE_ROW("vouch_cache_entries_kind{kind=\"failure\"}", failures),
    CACHE_ROW("vouch_cache_lookups_total{result=\"hit\"}", hits),
    CACHE_ROW("vouch_cache_lookups_total{result=\"miss\"}", misses),
    CACHE_ROW("vouch_cache_evictions_total", evictions),
    CACHE_ROW("vouch_cache_growth_refused_total", refusals),
    CACHE_ROW("vouch_cache_insertions_total", insertions),
};

typedef void row_function(void *context, const char *name, int64_t value);

static void walk_rows(const struct stats_row *rows, size_t count, const void *values, row_function *row, void *context)
{
    for (size_t i = 0; i < count; i++) {
        int64_t value;
        memcpy(&value, (const char *)values + rows[i].offset, sizeof(value));
        row(context, rows[i].name, value);
    }
}

/* One row for each RCODE that was sent, and always for the common ones. */
static void walk_answers(const struct worker_stats *stats, row_function *row, void *context)
{
    for (uint16_t rcode = 0; rcode < RCODES_COUNTED; rcode++) {
        char text[16], name[64];
        if (stats->answers[rcode] == 0 && rcode > RCODE_REFUSED)
            continue;
        snprintf(name, sizeof(name), "vouch_answers_total{rcode=\"%s\"}", rcode_to_text(rcode, text));
        row(context, name, (int64_t)stats->answers[rcode]);
    }
}

static void walk_failures(const struct worker_stats *stats, row_function *row, void *context)
{
    for (int cause = 0; cause < CAUSES; cause++) {
        char name[64];
        snprintf(name, sizeof(name), "vouch_validation_failures_total{reason=\"%s\"}", cause_text((enum cause)cause));
        row(context, name, (int64_t)stats->failures[cause]);
    }
}

/* Row D9-strip. */
static void walk_stripped(const struct worker_stats *stats, row_function *row, void *context)
{
    static const char *const fields[] = { "rrsig", "nsec", "edns" }, *const transports[] = { "udp", "tcp" };
    for (size_t field = 0; field < ARRAY_LEN(fields); field++) {
        for (size_t transport = 0; transport < ARRAY_LEN(transports); transport++) {
            char name[80];
            snprintf(name, sizeof(name), "vouch_stripped_total{field=\"%s\",transport=\"%s\"}", fields[field],
                     transports[transport]);
            row(context, name, (int64_t)stats->stripped[field][transport]);
        }
    }
}

static void row_of_scheme(const char *format, const char *scheme, uint64_t value, row_function *row, void *context)
    __attribute__((format(printf, 1, 0)));

static void row_of_scheme(const char *format, const char *scheme, uint64_t value, row_function *row, void *context)
{
    char name[96];
    snprintf(name, sizeof(name), format, scheme);
    row(context, name, (int64_t)value);
}

/* Row D8-run-a: signature schemes by what was seen of them; those never seen have no row. */
static void walk_schemes(const struct worker_stats *stats, row_function *row, void *context)
{
    for (size_t scheme = 0; scheme_text(scheme) != NULL; scheme++) {
        const char *text = scheme_text(scheme);
        const uint64_t *tried = stats->signatures[scheme];
        if (tried[0] + tried[1] == 0)
            continue;
        row_of_scheme("vouch_signatures_total{algorithm=\"%s\",result=\"good\"}", text, tried[1], row, context);
        row_of_scheme("vouch_signatures_total{algorithm=\"%s\",result=\"failed\"}", text, tried[0], row, context);
        row_of_scheme("vouch_answers_signed_total{algorithm=\"%s\"}", text, stats->answers_signed[scheme], row,
                      context);
    }
}

/* Sorted by zone, a zone counts once for each scheme. */
static void walk_zones_signed(struct vouchd *vouchd, row_function *row, void *context)
{
    struct key_sum sum;
    uint64_t zones[SCHEMES_COUNTED] = { 0 };
    bool is_seen[SCHEMES_COUNTED] = { false };
    workers_get_keys(vouchd->workers, &sum);
    for (size_t i = 0; i < sum.count; i++) {
        const struct key_counts *key = &sum.keys[i];
        size_t scheme = scheme_of(key->algorithm);
        if (i > 0 && !dname_equal(&key->zone, &sum.keys[i - 1].zone))
            memset(is_seen, 0, sizeof(is_seen));
        zones[scheme] += key->good[WINDOW_DAY] > 0 && !is_seen[scheme];
        is_seen[scheme] = is_seen[scheme] || key->good[WINDOW_DAY] > 0;
    }
    for (size_t scheme = 0; scheme_text(scheme) != NULL; scheme++)
        if (zones[scheme] > 0)
            row_of_scheme("vouch_zones_signed{algorithm=\"%s\"}", scheme_text(scheme), zones[scheme], row, context);
    row(context, "vouch_signature_keys_evicted_total", (int64_t)sum.evicted);
    key_sum_clear(&sum);
}

static void walk_evidence(struct watcher *watcher, row_function *row, void *context)
{
    struct watcher_stats stats;
    watcher_get_stats(watcher, &stats);
    row(context, "vouch_zones_failing", (int64_t)stats.failing);
    row(context, "vouch_zone_events_total{event=\"fails\"}", (int64_t)stats.begun);
    row(context, "vouch_zone_events_total{event=\"heals\"}", (int64_t)stats.healed);
    row(context, "vouch_evidence_zones", (int64_t)stats.zones);
    row(context, "vouch_evidence_dropped_total", (int64_t)stats.dropped);
}

/* Offsets are in whole seconds: vouchctl time has the fractions. */
static void walk_time(struct clock *clock, row_function *row, void *context)
{
    struct time_report report;
    clock_report(clock, &report);
    row(context, "vouch_time_fit", report.judgement.fitness != CLOCK_UNFIT);
    row(context, "vouch_time_held", !report.now.wall_is_fit);
    row(context, "vouch_time_checks_total", (int64_t)report.checks);
    row(context, "vouch_time_last_check_timestamp_seconds", report.checked_s);
    row(context, "vouch_time_jumps_total", (int64_t)report.jumps);
    for (unsigned i = 0; i < report.source_count; i++) {
        const struct time_source_report *source = &report.sources[i];
        char name[128], text[ADDRESS_TEXT_MAX];
        if (!source->has_reply || source->reply.end != SNTP_ANSWERED)
            continue;
        snprintf(name, sizeof(name), "vouch_time_offset_seconds{source=\"%s\"}",
                 address_to_text(&source->address, text));
        row(context, name, source->offset_ms / 1000);
    }
}

static void walk_anchors(const struct anchors *anchors, row_function *row, void *context)
{
    struct anchors_stats stats;
    anchors_get_stats(anchors, &stats);
    for (int state = STATE_ADD_PEND; state < ANCHOR_STATES; state++) {
        char name[64];
        snprintf(name, sizeof(name), "vouch_anchors{state=\"%s\"}", anchor_state_text((enum anchor_state)state));
        row(context, name, (int64_t)stats.in_state[state]);
    }
    row(context, "vouch_anchor_changes_total", (int64_t)stats.changes);
    row(context, "vouch_anchor_refreshes_total{result=\"done\"}", (int64_t)stats.rollover.refreshes);
    row(context, "vouch_anchor_refreshes_total{result=\"failed\"}", (int64_t)stats.rollover.failures);
    row(context, "vouch_anchor_signals_total", (int64_t)stats.rollover.signals);
    row(context, "vouch_anchor_refreshed_time_seconds", stats.refreshed_s);
    row(context, "vouch_anchor_held", stats.is_held);
    row(context, "vouch_anchor_inquiries_total", (int64_t)stats.bootstrap.inquiries);
    row(context, "vouch_anchor_bootstraps_total{result=\"done\"}", (int64_t)stats.bootstrap.adopted);
    row(context, "vouch_anchor_bootstraps_total{result=\"failed\"}", (int64_t)stats.bootstrap.failed);
    for (int verdict = 0; verdict < VERDICTS; verdict++) {
        char name[64];
        snprintf(name, sizeof(name), "vouch_anchor_verdict{verdict=\"%s\"}",
                 anchor_verdict_text((enum anchor_verdict)verdict));
        row(context, name, stats.bootstrap.verdict == (enum anchor_verdict)verdict);
    }
    row(context, "vouch_store_available", stats.has_store && !stats.store.is_failing);
    row(context, "vouch_store_writes_total", (int64_t)stats.store.writes);
    row(context, "vouch_store_failures_total", (int64_t)stats.store.failures);
    row(context, "vouch_store_set_aside_total", (int64_t)stats.store.set_aside);
}

static void walk_negatives(const struct negatives *negatives, row_function *row, void *context)
{
    struct negatives_stats stats;
    char name[64];
    negatives_get_stats(negatives, &stats);
    for (int source = 0; source < NTA_SOURCES; source++) {
        snprintf(name, sizeof(name), "vouch_nta_active{source=\"%s\"}", nta_source_text((enum nta_source)source));
        row(context, name, (int64_t)stats.active[source]);
    }
    for (int event = 0; event < NTA_EVENTS; event++) {
        snprintf(name, sizeof(name), "vouch_nta_%s_total{%s=\"%s\"}",
                 nta_event_is_end((enum nta_event)event) ? "ends" : "changes",
                 nta_event_is_end((enum nta_event)event) ? "reason" : "change", nta_event_text((enum nta_event)event));
        row(context, name, (int64_t)stats.events[event]);
    }
    row(context, "vouch_nta_rechecks_total{result=\"well\"}", (int64_t)stats.check.rounds_good);
    row(context, "vouch_nta_rechecks_total{result=\"failing\"}", (int64_t)stats.check.rounds_bad);
}

void stats_walk(struct vouchd *vouchd, row_function *row, void *context)
{
    struct worker_stats workers;
    struct cache_stats cache;
    workers_get_stats(vouchd->workers, &workers);
    cache_get_stats(vouchd->cache, &cache);
    row(context, "vouch_start_time_seconds", now_wall_s(vouchd->started));
    row(context, "vouch_uptime_seconds", (now_from_system().monotonic_ms - vouchd->started.monotonic_ms) / 1000);
    row(context, "vouch_workers", workers_count(vouchd->workers));
    row(context, "vouch_reloads_total{result=\"done\"}", (int64_t)vouchd->reloads);
    row(context, "vouch_reloads_total{result=\"refused\"}", (int64_t)vouchd->reloads_failed);
    walk_anchors(vouchd->anchors, row, context);
    walk_negatives(vouchd->negatives, row, context);
    walk_answers(&workers, row, context);
    walk_failures(&workers, row, context);
    walk_stripped(&workers, row, context);
    walk_schemes(&workers, row, context);
    walk_zones_signed(vouchd, row, context);
    walk_evidence(vouchd->watcher, row, context);
    walk_time(vouchd->clock, row, context);
    walk_rows(worker_rows, ARRAY_LEN(worker_rows), &workers, row, context);
    walk_rows(cache_rows, ARRAY_LEN(cache_rows), &cache, row, context);
}
