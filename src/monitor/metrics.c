#include "monitor/metrics.h"

#include <string.h>

#include "base/err.h"

static const struct metric metrics[] = {
    { "vouch_anchor_bootstraps_total",
      "Bootstraps of the root's trust anchors from root-anchors.xml (RFC 9718), by their result." },
    { "vouch_anchor_changes_total", "Changes of the state of a trust anchor." },
    { "vouch_anchor_held", "1 while validation is held because the root publishes none of the trust anchors." },
    { "vouch_anchor_inquiries_total",
      "Questions to the root, and to those who publish its anchors, whether the trust anchors are right." },
    { "vouch_anchor_refreshed_time_seconds",
      "When the anchors were last refreshed, as UNIX time, of the zone that waits longest; 0: one has never been." },
    { "vouch_anchor_refreshes_total", "Active refreshes of trust anchors (RFC 5011), by their result." },
    { "vouch_anchor_signals_total", "Key tag signals sent (RFC 8145)." },
    { "vouch_anchor_verdict", "1 for the last verdict on the root's trust anchors, as vouchctl ta check gives it." },
    { "vouch_anchors", "Trust anchors by their RFC 5011 state." },
    { "vouch_answers_cached_total", "Answers that came out of the cache." },
    { "vouch_answers_ready_total", "Answers that were ready-made, of those from the cache." },
    { "vouch_answers_signed_total", "Secure answers that were resolved, not those from the cache, by the algorithm of "
                                    "the signature over their data." },
    { "vouch_answers_total", "Answers sent to clients, by RCODE." },
    { "vouch_answers_truncated_total",
      "Answers sent with TC, since they are larger than the client or answers.edns-size takes." },
    { "vouch_budgets_spent_total", "Questions given up because their budget was spent." },
    { "vouch_cache_entries", "Entries in the cache." },
    { "vouch_cache_entries_kind", "Entries in the cache, by their kind." },
    { "vouch_cache_evictions_total", "Entries that went before their time, for want of room." },
    { "vouch_cache_growth_refused_total",
      "Times that the file of the cache had no space to grow into: what there is has "
      "to do." },
    { "vouch_cache_insertions_total", "Entries put into the cache." },
    { "vouch_cache_lookups_total", "Looks into the cache, by their result." },
    { "vouch_cache_size_bytes", "What the cache may use." },
    { "vouch_cache_used_bytes", "What the cache uses." },
    { "vouch_datagrams_cut_total", "Answers sent with TC, since they are larger than the way to the client takes." },
    { "vouch_datagrams_dropped_total", "Datagrams of clients that were not answered for want of room." },
    { "vouch_datagrams_overload_total",
      "Datagrams of clients that were given up because the worker was behind with others." },
    { "vouch_datagrams_received_total", "Datagrams from clients." },
    { "vouch_datagrams_sent_total", "Datagrams to clients." },
    { "vouch_error_reports_total", "Failures reported to the agents that zones name (RFC 9567)." },
    { "vouch_evidence_dropped_total", "Zones whose evidence was given up for that of others." },
    { "vouch_evidence_zones", "Zones of which there is evidence, failing or healed." },
    { "vouch_nsec3_hashes_total", "NSEC3 hashes computed." },
    { "vouch_nta_active", "Negative trust anchors in effect, by where they come from." },
    { "vouch_nta_changes_total", "Negative trust anchors that began, or got another end or reason." },
    { "vouch_nta_ends_total", "Negative trust anchors that ended, by what ended them." },
    { "vouch_nta_rechecks_total",
      "Rounds of questions whether a zone with a negative trust anchor is well again, by their result." },
    { "vouch_outcomes_servfail_total", "Questions that were resolved to SERVFAIL." },
    { "vouch_outcomes_total", "Questions that were resolved, by their security (RFC 4035 section 4.3)." },
    { "vouch_prefetches_total", "Answers that were resolved anew before their TTL ended, because they are in use." },
    { "vouch_questions_cookie_total", "Questions of clients by what their cookie was (RFC 7873)." },
    { "vouch_questions_malformed_total", "Messages of clients that were no questions." },
    { "vouch_questions_overload_total", "Questions refused, or given up, because too many were waiting." },
    { "vouch_questions_total", "Questions of clients, by transport." },
    { "vouch_questions_waiting", "Questions of clients that wait for their answers." },
    { "vouch_reloads_total", "Orders to read the configuration again, by their result." },
    { "vouch_resolutions_background",
      "Questions being resolved for nobody who still waits: prefetches, and what a stale answer stood in for." },
    { "vouch_resolutions_coalesced_total", "Questions that joined one already under way." },
    { "vouch_resolutions_crowded_total", "Questions given up because too many waited for servers of the same zone." },
    { "vouch_resolutions_in_flight", "Questions to servers that wait for their replies." },
    { "vouch_resolutions_total", "Questions handed to the resolver." },
    { "vouch_signature_checks_saved_total", "Public-key operations spared: the same octets were found good before." },
    { "vouch_signature_checks_total", "Public-key operations of validation, those spared included." },
    { "vouch_signature_keys_evicted_total", "Keys whose counts were given up for those of others." },
    { "vouch_signatures_total",
      "Signatures that were looked at, by algorithm and result: hints, nothing decides by it." },
    { "vouch_stale_answers_total", "Questions that were answered with stale data (RFC 8767)." },
    { "vouch_start_time_seconds", "When vouchd was ready, as UNIX time." },
    { "vouch_store_available", "1: what must outlive the process can be written." },
    { "vouch_store_failures_total", "Writes to the store that failed." },
    { "vouch_store_set_aside_total", "Corrupted stores that were set aside." },
    { "vouch_store_writes_total", "Writes to the store." },
    { "vouch_stripped_total",
      "Data of signed zones that came without what DNSSEC needs, by what was missing and the transport it came over." },
    { "vouch_synthesised_answers_total",
      "Answers made of validated denials and wildcards (RFC 8198), by what they were made from." },
    { "vouch_tcp_connections", "TCP connections of clients that are open." },
    { "vouch_tcp_connections_total", "TCP connections of clients, by what became of them." },
    { "vouch_time_checks_total", "Checks of the clock." },
    { "vouch_time_fit", "1: the clock is believed, be it with doubts." },
    { "vouch_time_held", "1: validation is held because the clock is unfit." },
    { "vouch_time_jumps_total", "Jumps of the clock." },
    { "vouch_time_last_check_timestamp_seconds", "When the clock was last checked, as UNIX time." },
    { "vouch_time_offset_seconds", "A time server's time less ours, in whole seconds." },
    { "vouch_upstream_forged_total", "Replies of servers that did not belong to the question." },
    { "vouch_upstream_questions_total", "Questions to servers, by transport." },
    { "vouch_upstream_timeouts_total", "Questions to servers that got no reply in time." },
    { "vouch_uptime_seconds", "How long vouchd has been ready." },
    { "vouch_validation_failures_total",
      "Answers that were resolved and found Bogus, or could not be judged, by the root cause." },
    { "vouch_workers", "Workers that serve clients." },
    { "vouch_zone_events_total", "Zones that began to fail, and zones that healed." },
    { "vouch_zones_failing", "Zones whose data does not validate, at one server at least." },
    { "vouch_zones_signed",
      "Zones that were seen to sign with the algorithm within a day, of those whose keys are counted." },
};

const struct metric *metric_table(size_t *count)
{
    *count = ARRAY_LEN(metrics);
    return metrics;
}

const struct metric *metric_find(const char *name)
{
    size_t len = strcspn(name, "{");
    for (size_t i = 0; i < ARRAY_LEN(metrics); i++)
        if (strncmp(metrics[i].family, name, len) == 0 && metrics[i].family[len] == '\0')
            return &metrics[i];
    return NULL;
}

const char *metric_type(const struct metric *metric)
{
    static const char ending[] = "_total";
    size_t len = strlen(metric->family);
    return len > strlen(ending) && strcmp(metric->family + len - strlen(ending), ending) == 0 ? "counter" : "gauge";
}
