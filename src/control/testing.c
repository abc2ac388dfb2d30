#include "control/testing.h"

static void give_status(void *context, struct daemon_status *status)
{
    const struct daemon *daemon = context;
    *status = (struct daemon_status) {
        .program_version = "1.2.3",
        .started_s = now_wall_s(test_now) - 10,
        .now_s = now_wall_s(test_now),
        .wall_is_fit = true,
        .workers = 2,
        .config = daemon->config,
        .cache = { .size_octets = 1 << 20, .entries = 5 },
    };
}

static void give_stats(void *context, void (*metric)(void *to, const char *name, int64_t value), void *to)
{
    (void)context;
    metric(to, "vouch_answers_total{rcode=\"NOERROR\"}", INT64_C(1) << 40);
    metric(to, "vouch_uptime_seconds", 10);
}

static size_t flush_all(void *context)
{
    struct daemon *daemon = context;
    strcpy(daemon->ordered, "all");
    return 7;
}

static size_t flush_name(void *context, const struct dname *name)
{
    struct daemon *daemon = context;
    char text[DNAME_TEXT_MAX];
    snprintf(daemon->ordered, sizeof(daemon->ordered), "name %s", dname_to_text(name, text));
    return 1;
}

static size_t flush_zone(void *context, const struct dname *zone)
{
    struct daemon *daemon = context;
    char text[DNAME_TEXT_MAX];
    snprintf(daemon->ordered, sizeof(daemon->ordered), "zone %s", dname_to_text(zone, text));
    return 2;
}

static size_t flush_key(void *context, const struct dname *zone, uint16_t key_tag, size_t *keys)
{
    struct daemon *daemon = context;
    char text[DNAME_TEXT_MAX];
    snprintf(daemon->ordered, sizeof(daemon->ordered), "key %s %u", dname_to_text(zone, text), key_tag);
    *keys = 1;
    return 3;
}

static void dump_cache(void *context, bool (*row)(void *to, const struct cache_row *row), void *to)
{
    const struct daemon *daemon = context;
    struct answer answer = { .verdict = { .security = SECURE, .ede = EDE_NONE } };
    struct cache_row cache_row = {
        .kind = "answer",
        .question = { .qname = name_of("www.example."), .qtype = TYPE_AAAA, .qclass = CLASS_IN },
        .answer = &answer,
        .ttl_ms = 1999,
        .lineage = "example. 12345, . 38696",
    };
    bool goes_on = true;
    for (unsigned i = 0; i < daemon->rows && goes_on; i++)
        goes_on = row(to, &cache_row);
}

static bool reload(void *context, FILE *notes, struct order_failure *failure)
{
    const struct daemon *daemon = context;
    if (daemon->refuses_reload) {
        strcpy(failure->text, "FILE:1: cash: unknown key");
        strcpy(failure->hint, "did you mean cache?");
        return false;
    }
    fprintf(notes, "workers: stays 2\ncache.size: stays 1GiB\n");
    return true;
}

static void give_time(void *context, struct time_report *report)
{
    const struct daemon *daemon = context;
    *report = (struct time_report) {
        .now = test_now,
        .floors = { now_wall_s(test_now) - 10, CLOCK_NO_FLOOR, CLOCK_NO_FLOOR },
        .judgement = { CLOCK_DOUBTFUL, 1u << REASON_CONTRADICTED, .deciding = 1, .differing = 1, .offset_ms = 61500 },
        .max_offset_s = 60,
        .checks = daemon->time_checks,
        .checked_s = now_wall_s(test_now),
        .next_check_s = 64,
        .jumps = 1,
        .jump_s = now_wall_s(test_now),
        .jump_ms = -61500,
        .source_count = 4,
        .sources = { { .reply = { .end = SNTP_ANSWERED } },
                     { .has_reply = true, .reply = { .end = SNTP_ANSWERED, .stratum = 2 }, .offset_ms = 61500 },
                     { .has_reply = true, .reply = { .end = SNTP_KISSED, .kiss = "DENY" } },
                     { .nts = "time.example",
                       .cookies = 3,
                       .has_reply = true,
                       .reply = { .end = SNTP_UNAUTHENTICATED, .why = "its certificate has expired" } } },
    };
    for (unsigned i = 0; i < report->source_count; i++)
        assert_int_equal(address_from_text("192.0.2.1@123", 0, &report->sources[i].address), OK);
}

static void check_time(void *context)
{
    struct daemon *daemon = context;
    if (++daemon->time_checks == CLIENTS_OF_CHECK)
        control_time_checked(daemon->control);
}

static void stop(void *context)
{
    struct daemon *daemon = context;
    daemon->stops++;
    if (daemon->loop != NULL)
        ev_break(daemon->loop, EVBREAK_ALL);
}

/* Key 1 of corp.example., seen a minute ago, half a day before its hold-down ends. */
static void give_anchors(void *context, struct anchors_report *report)
{
    static struct managed *managed;
    static struct trust *running;
    (void)context;
    if (managed == NULL) {
        struct dname zone = name_of("corp.example.");
        managed = managed_new();
        running = trust_new();
        struct octets rdata = { (const uint8_t *)"\1\1\3\15key", 7 };
        struct managed_key *key = managed_add_key(managed_add_zone(managed, &zone), TYPE_DNSKEY, rdata);
        key->state = STATE_ADD_PEND;
        key->since_s = key->first_seen_s = key->last_seen_s = now_wall_s(test_now) - 60;
        key->due_s = now_wall_s(test_now) + 43200;
    }
    *report = (struct anchors_report) {
        .managed = managed,
        .running = running,
        .automatic_update = true,
        .store = STORE_FAILING,
        .now_s = now_wall_s(test_now),
        .configured = running,
    };
}

static void give_history(void *context, size_t max, void (*each)(void *to, const struct history_row *row), void *to)
{
    (void)context;
    struct history_row row = { now_wall_s(test_now), name_of("."), 20326, 8, "VALID -> REVOKED", "why", "rfc5011" };
    assert_true(max > 0);
    each(to, &row);
}

static bool refresh_anchors(void *context, size_t *asked, struct order_failure *failure)
{
    (void)context;
    (void)failure;
    *asked = 2;
    return true;
}

static bool add_anchors(void *context, const char *text, const char *who, struct order_failure *failure)
{
    struct daemon *daemon = context;
    snprintf(daemon->ordered, sizeof(daemon->ordered), "add %s", text);
    assert_memory_equal(who, "uid ", 4);
    strcpy(failure->text, "no record");
    return strcmp(text, "nonsense") != 0;
}

static bool remove_anchor(void *context, const struct dname *zone, uint16_t key_tag, const char *who,
                          struct order_failure *failure)
{
    struct daemon *daemon = context;
    char text[DNAME_TEXT_MAX];
    (void)who;
    (void)failure;
    snprintf(daemon->ordered, sizeof(daemon->ordered), "remove %s %u", dname_to_text(zone, text), key_tag);
    return true;
}

/* One that is ordered, with zone_cut not known yet until the daemon says so, and one that has ended. */
static void give_negatives(void *context, struct negatives_report *report)
{
    struct daemon *daemon = context;
    if (daemon->ntas == NULL) {
        struct dname zone = name_of("example."), over = name_of("over.example.");
        daemon->ntas = nta_set_new();
        struct nta *nta = nta_add(daemon->ntas, &zone, NTA_ORDERED);
        nta->since_s = now_wall_s(test_now);
        nta->until_s = now_wall_s(test_now) + 86400;
        nta_set_reason(nta, "keys lost");
        strcpy(nta->who, "uid 0 (root)");
        nta_add(daemon->ntas, &over, NTA_CONFIGURED)->has_ended = true;
    }
    *report = (struct negatives_report) { daemon->ntas, now_wall_s(test_now), STORE_NONE };
}

static void give_nta_history(void *context, size_t max, void (*each)(void *to, const struct nta_history_row *row),
                             void *to)
{
    (void)context;
    struct nta_history_row row = { now_wall_s(test_now), name_of("example."), "well", "why", "recheck" };
    assert_true(max > 0);
    each(to, &row);
}

static bool add_nta(void *context, const struct nta_order *order, struct order_failure *failure)
{
    struct daemon *daemon = context;
    char text[DNAME_TEXT_MAX];
    snprintf(daemon->ordered, sizeof(daemon->ordered), "nta %s %lld %s%s", dname_to_text(&order->zone, text),
             (long long)order->for_s, order->reason, order->may_be_tld ? " tld" : "");
    strcpy(failure->text, "the root");
    return !dname_is_root(&order->zone);
}

static bool remove_nta(void *context, const struct dname *zone, const char *who, size_t *entries,
                       struct order_failure *failure)
{
    struct daemon *daemon = context;
    char text[DNAME_TEXT_MAX];
    (void)who;
    (void)failure;
    snprintf(daemon->ordered, sizeof(daemon->ordered), "no nta %s", dname_to_text(zone, text));
    *entries = 3;
    return true;
}

/* The answer comes later: control_anchors_inquired(). */
static bool check_anchors(void *context, struct order_failure *failure)
{
    struct daemon *daemon = context;
    strcpy(failure->text, "busy");
    daemon->anchor_checks++;
    return !daemon->is_busy;
}

static bool bootstrap_anchors(void *context, struct documents *given, const char *who, struct order_failure *failure)
{
    struct daemon *daemon = context;
    (void)failure;
    (void)who;
    snprintf(daemon->ordered, sizeof(daemon->ordered), "bootstrap %.*s", given == NULL ? 4 : (int)given->xml.len,
             given == NULL ? "none" : (const char *)given->xml.data);
    return true;
}

static void give_inquiry(void *context, struct inquiry_report *report)
{
    static struct inquiry inquiry = { .xml_fault = "HTTP status 404" };
    static struct anchor_diagnosis diagnosis = {
        .verdict = VERDICT_MATCH,
        .findings = { { "signed-by-anchor", "dns", "key 1" } },
        .count = 1,
        .next_step = "nothing",
    };
    static struct anchor_changes changes;
    (void)context;
    *report = (struct inquiry_report) { &inquiry, &diagnosis, &changes, true, false, "no such file", 1 };
}

struct orders orders_of(struct daemon *daemon)
{
    return (struct orders) {
        .context = daemon,
        .status = give_status,
        .stats = give_stats,
        .flush_all = flush_all,
        .flush_name = flush_name,
        .flush_zone = flush_zone,
        .flush_key = flush_key,
        .dump_cache = dump_cache,
        .reload = reload,
        .anchors = give_anchors,
        .history = give_history,
        .refresh_anchors = refresh_anchors,
        .add_anchors = add_anchors,
        .remove_anchor = remove_anchor,
        .negatives = give_negatives,
        .nta_history = give_nta_history,
        .add_nta = add_nta,
        .remove_nta = remove_nta,
        .check_anchors = check_anchors,
        .bootstrap_anchors = bootstrap_anchors,
        .inquiry = give_inquiry,
        .time = give_time,
        .check_time = check_time,
        .stop = stop,
    };
}

struct daemon daemon_new(const char *configuration)
{
    struct daemon daemon = { .config = NULL };
    struct config_error error;
    enum err err = load_text(configuration, &daemon.config, &error);
    assert_int_equal(err, OK);
    return daemon;
}

void daemon_clear(struct daemon *daemon)
{
    config_free(daemon->config);
    nta_set_free(daemon->ntas);
}

char *answer_to(const struct orders *orders, const char *request, enum next *next)
{
    const struct admins admins = { NULL, 0 };
    const struct peer peer = { geteuid(), getpid() };
    return command_answer(orders, &admins, &peer, request, strlen(request), next);
}
