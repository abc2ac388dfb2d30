#include "trust/anchor_diagnosis.h"

#include <stdio.h>

#include "time/rfc3339.h"

enum { TAGS_TEXT_MAX = 64 };

const char *anchor_verdict_text(enum anchor_verdict verdict)
{
    static const char *const texts[VERDICTS] = {
        [VERDICT_MATCH] = "match",
        [VERDICT_NORMAL_ROLL] = "normal-roll",
        [VERDICT_EMERGENCY_ROLL] = "emergency-roll",
        [VERDICT_FAILED_ROLL] = "failed-roll",
        [VERDICT_STALE_CONFIGURATION] = "stale-configuration",
        [VERDICT_CLOCK_PROBLEM] = "clock-problem",
        [VERDICT_POSSIBLE_ATTACK] = "possible-attack",
        [VERDICT_UNKNOWN] = "unknown",
    };
    return texts[verdict];
}

static const char *const next_steps[VERDICTS] = {
    [VERDICT_MATCH] = "nothing has to be done",
    [VERDICT_NORMAL_ROLL] = "nothing has to be done while trust.automatic-update is on; vouchctl ta status shows when "
                            "the hold-down ends",
    [VERDICT_EMERGENCY_ROLL] = "vouchctl ta bootstrap takes the new key from root-anchors.xml",
    [VERDICT_FAILED_ROLL] = "wait for the root's operators to repair it, and add no key by hand that root-anchors.xml "
                            "does not list; compare with what other networks see",
    [VERDICT_STALE_CONFIGURATION] = "vouchctl ta bootstrap; then renew this release, dns-root-data or trust.anchors, "
                                    "and leave trust.automatic-update on",
    [VERDICT_CLOCK_PROBLEM] = "set the clock, then look at vouchctl time check",
    [VERDICT_POSSIBLE_ATTACK] = "add no key; ask the root for its keys over another network path and compare with "
                                "root-anchors.xml from https://data.iana.org/root-anchors/",
    [VERDICT_UNKNOWN] = "make sure that the root servers (port 53, UDP and TCP) and the addresses of "
                        "trust.bootstrap.sources can be reached, then ask again",
};

/* ---- what is there ---- */

/* Key tags as text, and how many there are. */
struct tags {
    char text[TAGS_TEXT_MAX];
    size_t len, count;
};

/* Longer lists than any root ever had are cut. */
static void add_tag(struct tags *tags, uint16_t tag)
{
    if (tags->len + 8 < sizeof(tags->text))
        tags->len += (size_t)snprintf(tags->text + tags->len, sizeof(tags->text) - tags->len, "%s%u",
                                      tags->count > 0 ? ", " : "", tag);
    tags->count++;
}

struct view {
    const struct anchor_facts *facts;
    struct anchor_diagnosis *diagnosis;
    /* our anchors: trusted, within their validity */
    struct tags published, signing, silent, expired, not_yet, missing, listed, ended;
    struct tags doubted; /* they were, before the store was lost */
    /* published keys with the SEP flag that are no anchors here */
    struct tags pending, unknown, revoked, strangers, strangers_listed;
    struct tags news;         /* current in the XML and no anchor here */
    int64_t stranger_since_s; /* validFrom of the youngest stranger that is listed */
};

static bool is_anchor(const struct managed_key *key, int64_t now_s)
{
    return managed_key_is_trusted(key) && key->valid_from_s <= now_s && now_s <= key->valid_until_s;
}

static const struct managed_key *find_managed(const struct view *view, struct octets dnskey_rdata)
{
    const struct managed_zone *zone = view->facts->zone;
    for (size_t i = 0; zone != NULL && i < zone->count; i++)
        if (managed_key_is(zone, &zone->keys[i], TYPE_DNSKEY, dnskey_rdata))
            return &zone->keys[i];
    return NULL;
}

static const struct key_digest *find_listed(const struct view *view, uint16_t type, struct octets rdata)
{
    const struct root_anchors *xml = view->facts->xml;
    for (size_t i = 0; xml != NULL && i < xml->count; i++)
        if (key_digest_is_of(&xml->items[i], type, rdata))
            return &xml->items[i];
    return NULL;
}

static void look_at_anchor(struct view *view, const struct live_key *live, uint16_t tag)
{
    add_tag(&view->published, tag);
    if (live->signs)
        add_tag(&view->signing, tag);
    else if (live->timing == TIMING_EXPIRED)
        add_tag(&view->expired, tag);
    else if (live->timing == TIMING_NOT_YET)
        add_tag(&view->not_yet, tag);
    else
        add_tag(&view->silent, tag);
}

static void look_at_stranger(struct view *view, const struct live_key *live, const struct managed_key *managed,
                             uint16_t tag)
{
    const struct key_digest *listed = find_listed(view, TYPE_DNSKEY, live->rdata);
    bool is_current = listed != NULL && key_digest_is_current(listed, view->facts->now_s);
    add_tag(managed != NULL && managed->state == STATE_ADD_PEND ? &view->pending : &view->unknown, tag);
    if (!live->signs)
        return;
    add_tag(&view->strangers, tag);
    if (!is_current)
        return;
    add_tag(&view->strangers_listed, tag);
    if (view->strangers_listed.count == 1 || listed->valid_from_s > view->stranger_since_s)
        view->stranger_since_s = listed->valid_from_s;
}

static void look_at_live(struct view *view, const struct live_key *live)
{
    struct dnskey key;
    if (dnskey_read(live->rdata, &key) != OK || (key.flags & DNSKEY_SEP) == 0)
        return;
    const struct managed_key *managed = find_managed(view, live->rdata);
    if ((key.flags & DNSKEY_REVOKE) != 0)
        add_tag(&view->revoked, key.key_tag);
    else if (managed != NULL && is_anchor(managed, view->facts->now_s))
        look_at_anchor(view, live, key.key_tag);
    else
        look_at_stranger(view, live, managed, key.key_tag);
}

static void look_at_managed(struct view *view, const struct managed_key *key)
{
    const struct key_digest *listed = find_listed(view, key->type, key->rdata);
    if (key->state == STATE_DOUBTED)
        add_tag(&view->doubted, managed_key_tag(key));
    if (!managed_key_is_trusted(key))
        return;
    if (key->state == STATE_MISSING)
        add_tag(&view->missing, managed_key_tag(key));
    if (listed != NULL && key_digest_is_current(listed, view->facts->now_s))
        add_tag(&view->listed, managed_key_tag(key));
    else if (listed != NULL && listed->valid_until_s < view->facts->now_s)
        add_tag(&view->ended, managed_key_tag(key));
}

static void look_at_listed(struct view *view, const struct key_digest *item)
{
    const struct managed_zone *zone = view->facts->zone;
    struct ds ds;
    if (!key_digest_is_current(item, view->facts->now_s) || ds_read(item->ds, &ds) != OK)
        return;
    for (size_t i = 0; zone != NULL && i < zone->count; i++)
        if (key_digest_is_of(item, zone->keys[i].type, zone->keys[i].rdata) && zone->keys[i].state != STATE_ADD_PEND)
            return;
    add_tag(&view->news, ds.key_tag);
}

static void look(struct view *view)
{
    const struct anchor_facts *facts = view->facts;
    for (size_t i = 0; facts->live != NULL && i < facts->live_count; i++)
        look_at_live(view, &facts->live[i]);
    for (size_t i = 0; facts->zone != NULL && i < facts->zone->count; i++)
        look_at_managed(view, &facts->zone->keys[i]);
    for (size_t i = 0; facts->xml != NULL && i < facts->xml->count; i++)
        look_at_listed(view, &facts->xml->items[i]);
}

/* ---- findings ---- */

static void find(struct view *view, const char *from, const char *code, const char *format, ...) PRINTF_LIKE(4, 5);

static void find(struct view *view, const char *from, const char *code, const char *format, ...)
{
    struct anchor_diagnosis *diagnosis = view->diagnosis;
    va_list arguments;
    if (diagnosis->count == FINDINGS_MAX)
        return;
    struct anchor_finding *finding = &diagnosis->findings[diagnosis->count++];
    finding->code = code;
    finding->from = from;
    va_start(arguments, format);
    vsnprintf(finding->text, sizeof(finding->text), format, arguments);
    va_end(arguments);
}

static void find_tags(struct view *view, const struct tags *tags, const char *from, const char *code,
                      const char *before, const char *behind)
{
    if (tags->count > 0)
        find(view, from, code, "%s %s %s%s", tags->count == 1 ? "key" : "keys", tags->text, before, behind);
}

static int64_t refreshed_s(const struct view *view)
{
    return view->facts->zone == NULL ? 0 : view->facts->zone->refreshed_s;
}

/* Recently enough to have seen any key that was introduced as RFC 5011 has it. */
static bool was_refreshed_lately(const struct view *view)
{
    return refreshed_s(view) != 0 && view->facts->now_s - refreshed_s(view) < ADD_HOLD_DOWN_S;
}

static void find_refresh(struct view *view)
{
    char time[RFC3339_TEXT_MAX];
    if (refreshed_s(view) == 0)
        find(view, "store", "never-refreshed", "the anchors here have never been refreshed");
    else
        find(view, "store", "refreshed", "the anchors here were last refreshed at %s",
             rfc3339_to_text(refreshed_s(view), time));
}

static void find_clock(struct view *view)
{
    const struct anchor_facts *facts = view->facts;
    char time[RFC3339_TEXT_MAX];
    rfc3339_to_text(facts->now_s, time);
    if (!facts->clock_is_fit)
        find(view, "clock", "clock-unfit", "the clock says %s and is judged unfit", time);
    else if (!facts->clock_is_confirmed)
        find(view, "clock", "clock-unconfirmed", "the clock says %s, and nobody else vouches for that", time);
    else
        find(view, "clock", "clock-confirmed", "the clock says %s, which is confirmed", time);
}

static void find_xml(struct view *view)
{
    if (view->facts->xml == NULL)
        find(view, "xml", view->facts->xml_is_about_time ? "xml-outside-validity" : "xml-unavailable",
             "root-anchors.xml: %.320s", view->facts->xml_fault == NULL ? "not asked for" : view->facts->xml_fault);
    find_tags(view, &view->listed, "xml", "anchor-listed", "listed as valid in root-anchors.xml", "");
    find_tags(view, &view->ended, "xml", "anchor-ended", "no longer valid by root-anchors.xml", "");
    find_tags(view, &view->news, "xml", "new-key-listed", "valid in root-anchors.xml and not yet an anchor here", "");
}

static void find_signers(struct view *view)
{
    find_tags(view, &view->signing, "dns", "signed-by-anchor", "signed the root's DNSKEY set", ", an anchor here");
    find_tags(view, &view->expired, "dns", "signature-expired", "published; its signature has expired",
              " by our clock");
    find_tags(view, &view->not_yet, "dns", "signature-not-yet-valid", "published; its signature begins later",
              " by our clock");
    find_tags(view, &view->silent, "dns", "anchor-silent", "published, an anchor here,",
              " and no signature of it is good");
    find_tags(view, &view->strangers, "dns", "signed-by-stranger", "signed the root's DNSKEY set,",
              " and is no anchor here");
    if (view->facts->live != NULL && view->published.count == 0)
        find(view, "dns", "no-anchor-published", "none of the root's published keys is an anchor here");
}

static void find_changes(struct view *view)
{
    find_tags(view, &view->pending, "store", "hold-down", "waits for the end of the add hold-down", " (RFC 5011)");
    find_tags(view, &view->unknown, "dns", "new-key-published", "published, and not known here", "");
    find_tags(view, &view->revoked, "dns", "revoked-key-published", "published as revoked", "");
    find_tags(view, &view->doubted, "store", "anchor-doubted",
              "not believed: what the store knew of revocations is lost,",
              " and no root-anchors.xml has listed it since");
    find_tags(view, &view->missing, "store", "anchor-missing", "an anchor here that is not published any more", "");
}

static enum anchor_verdict conclude(struct view *view, enum anchor_verdict verdict)
{
    find_signers(view);
    find_xml(view);
    find_changes(view);
    find_refresh(view);
    find_clock(view);
    return verdict;
}

/* ---- verdicts ---- */

/* Signatures of our own anchors, certificates, and what is said of the clock itself: two of three. */
static bool is_clock_problem(const struct view *view)
{
    const struct anchor_facts *facts = view->facts;
    bool by_signatures = view->signing.count == 0 && view->expired.count + view->not_yet.count > 0;
    bool by_certificates = facts->xml == NULL && facts->xml_is_about_time;
    bool by_clock = !facts->clock_is_fit || !facts->clock_is_confirmed;
    return (by_signatures && by_certificates) || (by_clock && (by_signatures || by_certificates));
}

static enum anchor_verdict judge_good(struct view *view)
{
    const struct anchor_facts *facts = view->facts;
    bool is_left_behind = view->news.count > 0 && !facts->automatic_update;
    if (view->ended.count > 0 || is_left_behind) {
        if (is_left_behind)
            find(view, "configuration", "automatic-update-off", "trust.automatic-update is off");
        else
            find(view, "store", "anchor-kept", "%s is still an anchor here", view->ended.text);
        return VERDICT_STALE_CONFIGURATION;
    }
    bool is_moving = view->pending.count + view->unknown.count + view->revoked.count + view->missing.count +
                         view->silent.count + view->news.count >
                     0;
    return is_moving ? VERDICT_NORMAL_ROLL : VERDICT_MATCH;
}

/* A verified XML lists the key that signs: it is genuine, and the question is why it is not known here. */
static enum anchor_verdict judge_rolled(struct view *view)
{
    char since[RFC3339_TEXT_MAX];
    bool is_recent = view->facts->now_s - view->stranger_since_s < ADD_HOLD_DOWN_S;
    find(view, "xml", "signer-listed", "key %s is valid in root-anchors.xml since %s", view->strangers_listed.text,
         rfc3339_to_text(view->stranger_since_s, since));
    return is_recent || was_refreshed_lately(view) ? VERDICT_EMERGENCY_ROLL : VERDICT_STALE_CONFIGURATION;
}

static enum anchor_verdict judge_bad(struct view *view)
{
    bool has_xml = view->facts->xml != NULL;
    if (view->strangers_listed.count > 0)
        return judge_rolled(view);
    if (view->expired.count + view->not_yet.count > 0) /* the clock is good: an old set, or one of a time to come */
        return VERDICT_POSSIBLE_ATTACK;
    if (view->published.count > 0 && (view->listed.count > 0 || view->pending.count > 0))
        return VERDICT_FAILED_ROLL;
    if (has_xml || was_refreshed_lately(view)) /* who signs is genuine by nobody's word */
        return view->published.count > 0 ? VERDICT_FAILED_ROLL : VERDICT_POSSIBLE_ATTACK;
    return VERDICT_STALE_CONFIGURATION;
}

void anchor_diagnose(const struct anchor_facts *facts, struct anchor_diagnosis *diagnosis)
{
    struct view view = { .facts = facts, .diagnosis = diagnosis };
    *diagnosis = (struct anchor_diagnosis) { .verdict = VERDICT_UNKNOWN };
    look(&view);
    diagnosis->is_mismatch = facts->live != NULL && view.published.count == 0;
    if (facts->live == NULL)
        find(&view, "dns", "dnskey-unavailable", "the root's DNSKEY set: %.320s", facts->live_fault);
    if (is_clock_problem(&view))
        diagnosis->verdict = conclude(&view, VERDICT_CLOCK_PROBLEM);
    else if (facts->live == NULL)
        diagnosis->verdict = conclude(&view, VERDICT_UNKNOWN);
    else if (view.signing.count > 0)
        diagnosis->verdict = conclude(&view, judge_good(&view));
    else
        diagnosis->verdict = conclude(&view, judge_bad(&view));
    diagnosis->next_step = next_steps[diagnosis->verdict];
}
