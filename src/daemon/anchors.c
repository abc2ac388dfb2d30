#include "daemon/anchors.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "lib/driver.h"

enum {
    TICK_S = 30,                /* how soon a time that has come is seen, and a store that failed is tried again */
    SOCKETS_MAX = 64,           /* the questions of a few chores */
    LATEST_TIME_EVERY_S = 3600, /* how old the time in the store may be */
};

static const char xml_name[] = "root-anchors.xml";

struct anchors {
    struct managed *managed;
    struct store *store; /* NULL: none */
    struct random *random;
    const struct settings *settings;
    struct cache *cache;
    const struct clock *clock;
    struct anchors_handler handler;
    struct driver *driver; /* NULL: not started */
    struct rollover *rollover;
    struct bootstrap *bootstrap;
    struct arena *xml_arena; /* of xml, NULL without */
    struct root_anchors xml; /* the one that was accepted last */
    struct octets xml_text;
    int64_t xml_signed_s;
    bool xml_is_new; /* the store has not got it */
    bool is_held;    /* none of the root's published keys is an anchor */
    bool is_lost;    /* what the store knew of revocations; nobody has been told to doubt anchors for it yet */
    struct ev_loop *loop;
    ev_timer tick;
    bool is_dirty; /* the store has not got what is in memory */
    int64_t latest_s;
    uint64_t changes;
};

/* ---- history ---- */

/* One change of one key: a line in the log, and later a row in the store. */
struct note {
    struct dname zone;
    uint16_t key_tag;
    uint8_t algorithm;
    char what[32];
    const char *why, *who;
};

static struct note note_of(const struct managed_zone *zone, const struct anchor_change *change, const char *who)
{
    struct note note = {
        .zone = zone->zone,
        .key_tag = change->key_tag,
        .algorithm = change->algorithm,
        .why = change->why,
        .who = who,
    };
    snprintf(note.what, sizeof(note.what), "%s -> %s", anchor_state_text(change->from), anchor_state_text(change->to));
    return note;
}

static void log_note(const struct note *note)
{
    char zone[DNAME_TEXT_MAX];
    log_warning("trust anchor %s %u (algorithm %u): %s: %s (%s)", dname_to_text(&note->zone, zone), note->key_tag,
                note->algorithm, note->what, note->why, note->who);
}

/* ---- the store ---- */

static enum err write_all(struct anchors *anchors, const struct note *notes, size_t count, struct now now)
{
    enum err err = store_begin(anchors->store);
    if (err != OK)
        return err;
    err = store_save_anchors(anchors->store, anchors->managed);
    if (err == OK && anchors->xml_is_new)
        err = store_put_document(anchors->store, xml_name, anchors->xml_signed_s, anchors->xml_text);
    for (size_t i = 0; i < count && err == OK; i++) {
        struct history_row row = { now_wall_s(now), notes[i].zone, notes[i].key_tag, notes[i].algorithm,
                                   notes[i].what,   notes[i].why,  notes[i].who };
        err = store_add_history(anchors->store, &row);
    }
    if (err == OK) {
        err = store_commit(anchors->store);
        anchors->xml_is_new = anchors->xml_is_new && err != OK;
        return err;
    }
    store_rollback(anchors->store);
    return err;
}

/* What cannot be kept now is tried again at each tick; the states at least, the log has their history. */
static void keep(struct anchors *anchors, const struct note *notes, size_t count, struct now now)
{
    if (anchors->store != NULL)
        anchors->is_dirty = write_all(anchors, notes, count, now) != OK;
}

static void keep_time(struct anchors *anchors, struct now now)
{
    int64_t since_s =
        now_wall_s(now) - anchors->latest_s; /* negative: that one was wrong, and time.floor is not stored */
    bool is_old = since_s >= LATEST_TIME_EVERY_S || since_s <= -LATEST_TIME_EVERY_S;
    if (anchors->store == NULL || !is_old || !clock_is_confirmed(anchors->clock))
        return;
    if (store_put_latest_time(anchors->store, now_wall_s(now)) == OK)
        anchors->latest_s = now_wall_s(now);
}

int64_t anchors_latest_time(struct anchors *anchors)
{
    return anchors->latest_s;
}

/* text is copied.  false: it is not in order. */
static bool take_xml(struct anchors *anchors, struct octets text, int64_t signed_s)
{
    char fault[ROOT_ANCHORS_FAULT_OCTETS_MAX];
    struct arena *arena = arena_new();
    struct root_anchors xml;
    struct octets copy = octets_copy(arena, text);
    if (root_anchors_read(arena, copy, &xml, fault) != OK) {
        log_error("store: root-anchors.xml is not believed: %s", fault);
        arena_free(arena);
        return false;
    }
    arena_free(anchors->xml_arena);
    anchors->xml_arena = arena;
    anchors->xml = xml;
    anchors->xml_text = copy;
    anchors->xml_signed_s = signed_s;
    return true;
}

static void load_xml(struct anchors *anchors)
{
    struct arena *arena = arena_new();
    struct octets text;
    int64_t signed_s;
    if (store_get_document(anchors->store, xml_name, arena, &signed_s, &text) == OK)
        take_xml(anchors, text, signed_s);
    arena_free(arena);
}

static void load(struct anchors *anchors, const struct config *config, struct now now)
{
    enum err err = store_open(config->state_directory, now_wall_s(now), &anchors->store);
    anchors->is_lost = err == ERR_NOT_FOUND || (err == OK && store_is_lost(anchors->store));
    if (err != OK)
        return; /* it has said why */
    if (store_load_anchors(anchors->store, anchors->managed) != OK ||
        store_get_latest_time(anchors->store, &anchors->latest_s) != OK)
        log_error("store: not all of it could be read");
    load_xml(anchors);
}

/* ---- the set ---- */

struct trust *anchors_snapshot(const struct anchors *anchors, const struct config *config)
{
    struct trust *trust = managed_snapshot(anchors->managed, config->trust);
    if (anchors->is_held)
        trust_hold(trust);
    return trust;
}

void anchors_hold(struct anchors *anchors)
{
    anchors->is_held = true;
}

/* What root-anchors.xml says of validity, whatever was merged. */
static void bound(struct anchors *anchors)
{
    struct managed_zone *root = managed_find(anchors->managed, dname_root());
    if (root != NULL && anchors->xml_arena != NULL)
        bootstrap_bound(root, &anchors->xml);
}

/* The operator may not know that a key he names is not believed any more. */
static void warn_of_final(const struct anchors *anchors, const struct config *config)
{
    size_t count;
    const struct anchor *anchor = trust_anchors(config->trust, &count);
    for (; count > 0; count--, anchor++) {
        struct managed_zone *zone = managed_find(anchors->managed, &anchor->zone);
        const struct managed_key *key = zone == NULL ? NULL : managed_find_key(zone, anchor->type, anchor->rdata);
        char text[DNAME_TEXT_MAX];
        if (key != NULL && !managed_key_is_trusted(key))
            log_warning("trust anchor %s %u (algorithm %u) is configured, but %s: it is not believed",
                        dname_to_text(&anchor->zone, text), managed_key_tag(key), managed_key_algorithm(key),
                        anchor_state_text(key->state));
    }
}

/* Without the history of revocations the operator's word and ours may be older than a key's end: root-anchors.xml has
 * to agree.  Where it may not be asked for, somebody should look. */
static void doubt(struct anchors *anchors, const struct config *config, struct now now)
{
    struct managed_zone *root = managed_find(anchors->managed, dname_root());
    if (root != NULL && anchors->is_lost && settings_may_bootstrap(config))
        managed_doubt(root, now_wall_s(now));
    else if (root != NULL && !settings_may_bootstrap(config))
        managed_trust_doubted(root, now_wall_s(now));
    if (root != NULL && managed_zone_doubted(root) > 0)
        log_error("trust anchors of the root: revocations that were seen are forgotten: %zu anchors are not believed "
                  "until root-anchors.xml lists them (trust.bootstrap), or an order adds them (vouchctl ta add)",
                  managed_zone_doubted(root));
    else if (anchors->is_lost)
        log_error("trust anchors: revocations that were seen are forgotten, and trust.bootstrap does not ask whether "
                  "the anchors are good still: compare `vouchctl ta status` with what their zones say");
    anchors->is_lost = false;
}

void anchors_merge(struct anchors *anchors, const struct config *config, struct now now)
{
    managed_merge(anchors->managed, config->trust, now_wall_s(now));
    doubt(anchors, config, now);
    bound(anchors);
    warn_of_final(anchors, config);
    keep(anchors, NULL, 0, now);
}

struct anchors *anchors_new(const struct config *config, struct now now)
{
    struct anchors *anchors = memory_new(1, sizeof(*anchors));
    anchors->managed = managed_new();
    anchors->random = random_secure_new();
    load(anchors, config, now);
    anchors_merge(anchors, config, now);
    return anchors;
}

struct store *anchors_store(const struct anchors *anchors)
{
    return anchors->store;
}

bool anchors_are_kept(const struct anchors *anchors)
{
    return anchors->store != NULL && !anchors->is_dirty;
}

void anchors_free(struct anchors *anchors)
{
    if (anchors == NULL)
        return;
    if (anchors->driver != NULL)
        ev_timer_stop(anchors->loop, &anchors->tick);
    driver_free(anchors->driver);
    rollover_free(anchors->rollover);
    bootstrap_free(anchors->bootstrap);
    arena_free(anchors->xml_arena);
    managed_free(anchors->managed);
    store_close(anchors->store);
    random_free(anchors->random);
    free(anchors);
}

static void publish(struct anchors *anchors, bool is_other)
{
    anchors->handler.publish(anchors->handler.context, anchors_snapshot(anchors, anchors->settings->config), is_other);
}

/* ---- the chore ---- */

static void on_done(void *context, void *waiter, const struct outcome *outcome, struct now now)
{
    struct anchors *anchors = context;
    rollover_answer(anchors->rollover, waiter, outcome, now);
}

static bool may_judge(void *context)
{
    const struct anchors *anchors = context;
    return clock_is_fit(anchors->clock);
}

static void on_probe(void *context, const struct question *question, bool checking_disabled, void *waiter)
{
    struct anchors *anchors = context;
    driver_probe(anchors->driver, question, checking_disabled, waiter);
}

static void log_outcome(const struct managed_zone *zone)
{
    char text[DNAME_TEXT_MAX];
    dname_to_text(&zone->zone, text);
    if (zone->failures == 1)
        log_warning("trust anchors of %s: not refreshed: %s", text, zone->failure);
    else if (zone->failures == 0)
        log_debug("trust anchors of %s: refreshed", text);
    if (managed_zone_trusted(zone) == 0)
        log_error("trust anchors of %s: none is left that can be trusted%s", text,
                  dname_is_root(&zone->zone)
                      ? "; everything is answered with SERVFAIL: add the new one (vouchctl ta add)"
                      : "; it counts as if it had none");
}

static void release(struct anchors *anchors)
{
    log_warning("trust anchors of the root: good again, validation goes on");
    anchors->is_held = false;
}

/* Several keys of a zone have another state: log, and history, which is kept even if it is but a new time. */
static void tell(struct anchors *anchors, const struct managed_zone *zone, const struct anchor_changes *changes,
                 const char *who, struct now now)
{
    struct note *notes = memory_new(changes->count + 1, sizeof(*notes));
    for (size_t i = 0; i < changes->count; i++) {
        notes[i] = note_of(zone, &changes->items[i], who);
        log_note(&notes[i]);
    }
    anchors->changes += changes->count;
    keep(anchors, notes, changes->count, now);
    free(notes);
}

/* A key that comes or goes while others stay re-parents what hangs below; it makes no verdict wrong (RFC 5011). */
static void on_observed(void *context, const struct managed_zone *zone, const struct anchor_changes *changes,
                        struct now now)
{
    struct anchors *anchors = context;
    tell(anchors, zone, changes, "rfc5011", now);
    log_outcome(zone);
    bool is_root = dname_is_root(&zone->zone), is_good = zone->failures == 0;
    bool is_released = is_root && is_good && anchors->is_held;
    if (is_released)
        release(anchors);
    if (is_root)
        bootstrap_note_refresh(anchors->bootstrap, is_good);
    if (changes->count > 0 || is_released)
        publish(anchors, is_released || managed_zone_trusted(zone) == 0);
}

/* ---- bootstrap ---- */

static bool on_adopt(void *context, const struct inquiry *inquiry, const struct inquiry_rules *rules, const char *who,
                     struct anchor_changes *changes, const char **fault)
{
    struct anchors *anchors = context;
    struct managed_zone *root = managed_add_zone(anchors->managed, dname_root());
    if (!inquiry_adopt(inquiry, rules, root, changes, fault))
        return false;
    anchors->xml_is_new = take_xml(anchors, inquiry->xml_text, inquiry->cms.signed_s);
    root->next_s = 0; /* RFC 5011 goes on from here */
    tell(anchors, root, changes, who, rules->now);
    publish(anchors, true);
    return true;
}

static void on_hold(void *context, bool is_held)
{
    struct anchors *anchors = context;
    if (is_held == anchors->is_held)
        return;
    if (is_held)
        log_error("trust anchors of the root: none of its published keys is one of them; validation is held: SERVFAIL "
                  "to all who have not set CD");
    else
        release(anchors);
    anchors->is_held = is_held;
    publish(anchors, true);
}

static void on_inquired(void *context)
{
    const struct anchors *anchors = context;
    anchors->handler.inquired(anchors->handler.context);
}

static void on_tick(struct ev_loop *loop, ev_timer *watcher, int events)
{
    (void)loop, (void)events;
    struct anchors *anchors = watcher->data;
    struct now now = driver_now(anchors->driver);
    if (anchors->is_dirty)
        keep(anchors, NULL, 0, now);
    keep_time(anchors, now);
    rollover_tick(anchors->rollover, now);
    bootstrap_tick(anchors->bootstrap, anchors->is_held, now);
}

static void configure(struct anchors *anchors)
{
    const struct settings *settings = anchors->settings;
    struct rollover_options options = { settings->config->automatic_update, settings->config->resolver.signal_anchors };
    rollover_configure(anchors->rollover, &options, &settings->policy, settings->trust);
}

void anchors_start(struct anchors *anchors, struct ev_loop *loop, struct cache *cache, const struct clock *clock,
                   const struct settings *settings, const struct anchors_handler *handler)
{
    struct resolver_parts parts = settings_parts(settings, cache, anchors->random);
    struct driver_handler settled = { .context = anchors, .done = on_done, .clock_is_fit = may_judge };
    struct rollover_host host = { anchors, on_probe, on_observed };
    anchors->handler = *handler;
    anchors->settings = settings;
    anchors->clock = clock;
    anchors->loop = loop;
    anchors->driver = driver_new(loop, &parts, &settled, SOCKETS_MAX);
    anchors->rollover = rollover_new(&host, anchors->managed, anchors->random);
    anchors->cache = cache;
    struct bootstrap_host watched = { anchors, anchors->managed, on_adopt, on_hold, on_inquired };
    anchors->bootstrap = bootstrap_new(loop, cache, anchors->random, clock, settings, &watched);
    bootstrap_set_signed(anchors->bootstrap, anchors->xml_signed_s);
    configure(anchors);
    ev_timer_init(&anchors->tick, on_tick, 0.0, TICK_S);
    anchors->tick.data = anchors;
    ev_timer_start(loop, &anchors->tick);
}

void anchors_use(struct anchors *anchors, const struct settings *settings)
{
    struct resolver_parts parts = settings_parts(settings, anchors->cache, anchors->random);
    anchors->settings = settings;
    resolver_configure(driver_resolver(anchors->driver), &parts);
    bootstrap_use(anchors->bootstrap, settings);
    configure(anchors);
}

/* ---- orders ---- */

bool anchors_refresh(struct anchors *anchors, size_t *asked, struct order_failure *failure)
{
    *asked = 0;
    if (!anchors->settings->config->automatic_update) {
        snprintf(failure->text, sizeof(failure->text), "trust.automatic-update is off");
        snprintf(failure->hint, sizeof(failure->hint), "switch it on and reload");
        return false;
    }
    *asked = rollover_refresh_all(anchors->rollover, driver_now(anchors->driver));
    return true;
}

/* An order changes one key: log, history, workers, cache. */
static void carry_out(struct anchors *anchors, const struct managed_zone *zone, const struct anchor_change *change,
                      const char *who)
{
    struct note note = note_of(zone, change, who);
    log_note(&note);
    anchors->changes++;
    keep(anchors, &note, 1, driver_now(anchors->driver));
    publish(anchors, true);
}

/* false: MANAGED_KEYS_MAX are there. */
static bool order_anchor(struct anchors *anchors, const struct anchor *anchor, const char *who)
{
    struct managed_zone *zone = managed_add_zone(anchors->managed, &anchor->zone);
    struct managed_key *key = managed_find_key(zone, anchor->type, anchor->rdata);
    struct anchor_change change = { .from = key == NULL ? STATE_START : key->state, .to = STATE_VALID, .why = "added" };
    if (key == NULL)
        key = managed_add_key(zone, anchor->type, anchor->rdata);
    if (key == NULL || change.from == STATE_VALID)
        return key != NULL;
    key->state = STATE_VALID;
    key->source = ANCHOR_ORDERED;
    key->since_s = now_wall_s(driver_now(anchors->driver));
    key->due_s = 0;
    zone->next_s = 0; /* ask for it soon */
    change.key_tag = managed_key_tag(key);
    change.algorithm = managed_key_algorithm(key);
    carry_out(anchors, zone, &change, who);
    return true;
}

static bool can_use_all(const struct anchors *anchors, const struct trust *trust)
{
    size_t count;
    const struct anchor *anchor = trust_anchors(trust, &count);
    for (; count > 0; count--, anchor++)
        if (!settings_can_use(anchors->settings, anchor))
            return false;
    return true;
}

static bool order_all(struct anchors *anchors, const struct trust *trust, const char *who)
{
    size_t count;
    const struct anchor *anchor = trust_anchors(trust, &count);
    for (; count > 0; count--, anchor++)
        if (!order_anchor(anchors, anchor, who))
            return false;
    return true;
}

bool anchors_add(struct anchors *anchors, const char *text, const char *who, struct order_failure *failure)
{
    struct trust *trust = trust_new();
    size_t added;
    char *why = NULL;
    bool is_read = trust_add_text(trust, text, strlen(text), ANCHOR_ORDERED, &added, &why) == OK && added > 0;
    bool is_usable = is_read && can_use_all(anchors, trust);
    bool is_done = is_usable && order_all(anchors, trust, who);
    if (is_read && !is_usable) {
        snprintf(failure->text, sizeof(failure->text), "no key that can be verified here matches it");
        snprintf(failure->hint, sizeof(failure->hint),
                 "is the digest complete, and are algorithm and digest type supported and allowed?");
    } else if (!is_read) {
        snprintf(failure->text, sizeof(failure->text), "%s", why == NULL ? "no DS or DNSKEY record" : why);
        snprintf(failure->hint, sizeof(failure->hint), "give it as in a zone file: \". DS 20326 8 2 E06D...\"");
    } else if (!is_done) {
        snprintf(failure->text, sizeof(failure->text), "no more than %d keys of a zone are kept", MANAGED_KEYS_MAX);
        snprintf(failure->hint, sizeof(failure->hint), "vouchctl ta status lists them");
    }
    free(why);
    trust_free(trust);
    return is_done;
}

static struct managed_key *find_trusted(struct managed_zone *zone, uint16_t key_tag)
{
    for (size_t i = 0; zone != NULL && i < zone->count; i++)
        if (managed_key_is_trusted(&zone->keys[i]) && managed_key_tag(&zone->keys[i]) == key_tag)
            return &zone->keys[i];
    return NULL;
}

/* Removed is final, over restarts and whatever the configuration says, until it is added by order again. */
bool anchors_remove(struct anchors *anchors, const struct dname *name, uint16_t key_tag, const char *who,
                    struct order_failure *failure)
{
    struct managed_zone *zone = managed_find(anchors->managed, name);
    struct managed_key *key = find_trusted(zone, key_tag);
    bool needs_root = anchors->settings->config->trust_model == TRUST_MODEL_ROOT;
    char text[DNAME_TEXT_MAX];
    if (key == NULL) {
        snprintf(failure->text, sizeof(failure->text), "no key %u of %s is trusted", key_tag,
                 dname_to_text(name, text));
        snprintf(failure->hint, sizeof(failure->hint), "vouchctl ta status lists them");
        return false;
    }
    if (dname_is_root(name) && managed_zone_trusted(zone) == 1 && needs_root) {
        snprintf(failure->text, sizeof(failure->text), "it is the last anchor of the root, and trust.model is root");
        snprintf(failure->hint, sizeof(failure->hint), "add its successor first");
        return false;
    }
    struct anchor_change change = { key->state, STATE_REMOVED, key_tag, managed_key_algorithm(key), "removed" };
    key->state = STATE_REMOVED;
    key->since_s = now_wall_s(driver_now(anchors->driver));
    key->due_s = 0;
    carry_out(anchors, zone, &change, who);
    return true;
}

/* ---- reports ---- */

void anchors_report(const struct anchors *anchors, struct anchors_report *report)
{
    *report = (struct anchors_report) {
        .managed = anchors->managed,
        .running = anchors->settings->trust,
        .automatic_update = anchors->settings->config->automatic_update,
        .signals = anchors->settings->config->resolver.signal_anchors,
        .store = anchors->store == NULL ? STORE_NONE
                 : anchors->is_dirty    ? STORE_FAILING
                                        : STORE_GOOD,
        .now_s = now_wall_s(driver_now(anchors->driver)),
        .is_held = anchors->is_held,
        .configured = anchors->settings->config->trust,
        .xml = anchors->xml_arena == NULL ? NULL : &anchors->xml,
        .xml_signed_s = anchors->xml_signed_s,
    };
    bootstrap_report(anchors->bootstrap, &report->inquiry);
}

bool anchors_check(struct anchors *anchors, struct order_failure *failure)
{
    return bootstrap_check(anchors->bootstrap, failure);
}

bool anchors_bootstrap(struct anchors *anchors, struct documents *given, const char *who, struct order_failure *failure)
{
    return bootstrap_order(anchors->bootstrap, given, who, failure);
}

void anchors_inquiry(const struct anchors *anchors, struct inquiry_report *report)
{
    bootstrap_report(anchors->bootstrap, report);
}

void anchors_walk_history(struct anchors *anchors, size_t max, void (*each)(void *to, const struct history_row *row),
                          void *to)
{
    if (anchors->store != NULL && store_walk_history(anchors->store, max, each, to) != OK)
        log_error("store: the history could not be read");
}

void anchors_get_stats(const struct anchors *anchors, struct anchors_stats *stats)
{
    *stats = (struct anchors_stats) { .changes = anchors->changes, .has_store = anchors->store != NULL };
    for (size_t i = 0; i < anchors->managed->count; i++) {
        const struct managed_zone *zone = &anchors->managed->zones[i];
        if (i == 0 || zone->refreshed_s < stats->refreshed_s)
            stats->refreshed_s = zone->refreshed_s;
        for (size_t k = 0; k < zone->count; k++)
            stats->in_state[zone->keys[k].state]++;
    }
    rollover_get_stats(anchors->rollover, &stats->rollover);
    bootstrap_get_stats(anchors->bootstrap, &stats->bootstrap);
    stats->is_held = anchors->is_held;
    if (anchors->store != NULL)
        store_get_stats(anchors->store, &stats->store);
}
