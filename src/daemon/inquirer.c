#include "daemon/inquirer.h"

#include <stdio.h>
#include <stdlib.h>

#include "daemon/retrieval.h"

enum {
    SOCKETS_MAX = 16,
    INQUIRY_S_MAX = 45, /* vouchctl waits for 60 */
};

struct inquirer {
    struct ev_loop *loop;
    struct cache *cache;
    struct random *random;
    const struct clock *clock;
    const struct settings *settings;
    struct inquirer_handler handler;
    struct verifier *verifier;
    struct inquiry *inquiry; /* NULL: none is under way */
    struct driver *driver;
    struct retrieval *retrieval;
    struct documents given;
    bool has_given;
    int64_t last_signed_s;
    ev_timer begin, end, deadline;
};

struct inquiry_rules inquirer_rules(const struct inquirer *inquirer)
{
    const struct config *config = inquirer->settings->config;
    struct inquiry_rules rules = {
        .pins = config->bootstrap.pins,
        .pin_count = config->bootstrap.pin_count,
        .signer = config->bootstrap.signer,
        .last_signed_s = inquirer->last_signed_s,
        .policy = &inquirer->settings->policy,
        .verifier = inquirer->verifier,
        .now = now_from_system(),
        .clock_is_confirmed = clock_is_confirmed(inquirer->clock),
        .automatic_update = config->automatic_update,
    };
    rules.now.wall_is_fit = clock_is_fit(inquirer->clock);
    return rules;
}

bool inquirer_is_busy(const struct inquirer *inquirer)
{
    return inquirer->inquiry != NULL;
}

/* ---- steps; each end is left to the loop, since it frees what may be on the stack ---- */

static void end_soon(struct inquirer *inquirer)
{
    ev_timer_start(inquirer->loop, &inquirer->end);
}

static void take_documents(struct inquirer *inquirer, const struct documents *documents)
{
    struct inquiry_rules rules = inquirer_rules(inquirer);
    char before[sizeof(inquirer->inquiry->xml_fault)];
    bool is_first = inquirer->retrieval == NULL || inquirer->inquiry->source[0] == '\0';
    strcpy(before, inquirer->inquiry->xml_fault);
    bool is_good = inquiry_take_documents(inquirer->inquiry, &rules, documents);
    if (!is_good && !is_first) { /* what the sources before had to say belongs to it */
        char last[sizeof(before)];
        strcpy(last, inquirer->inquiry->xml_fault);
        snprintf(inquirer->inquiry->xml_fault, sizeof(before), "%.150s; %.150s", before, last);
    }
    snprintf(inquirer->inquiry->source, sizeof(inquirer->inquiry->source), "%s", documents->source);
    if (is_good || inquirer->retrieval == NULL || !retrieval_next(inquirer->retrieval))
        end_soon(inquirer);
}

static void on_documents(void *context, const struct documents *documents)
{
    take_documents(context, documents);
}

static void begin_documents(struct inquirer *inquirer)
{
    struct retrieval_handler handler = { inquirer, on_documents };
    if (inquirer->has_given)
        take_documents(inquirer, &inquirer->given);
    else if (inquirer->handler.wants_documents(inquirer->handler.context, inquirer->inquiry))
        inquirer->retrieval = retrieval_new(inquirer->loop, inquirer->driver, inquirer->settings, &handler);
    else
        end_soon(inquirer);
}

static void on_done(void *context, void *waiter, const struct outcome *outcome, struct now now)
{
    struct inquirer *inquirer = context;
    (void)now;
    if (waiter != inquirer) {
        retrieval_answer(inquirer->retrieval, waiter, outcome);
        return;
    }
    struct inquiry_rules rules = inquirer_rules(inquirer);
    inquiry_take_live(inquirer->inquiry, &rules, outcome);
    begin_documents(inquirer);
}

static void on_begin(struct ev_loop *loop, ev_timer *watcher, int events)
{
    (void)events;
    struct inquirer *inquirer = watcher->data;
    struct question question = { .qname = *dname_root(), .qtype = TYPE_DNSKEY, .qclass = CLASS_IN };
    struct resolver_parts parts = settings_parts(inquirer->settings, inquirer->cache, inquirer->random);
    struct driver_handler settled = { .context = inquirer, .done = on_done };
    inquirer->driver = driver_new(loop, &parts, &settled, SOCKETS_MAX);
    driver_probe(inquirer->driver, &question, true, inquirer);
}

static void stop(struct inquirer *inquirer)
{
    ev_timer_stop(inquirer->loop, &inquirer->begin);
    ev_timer_stop(inquirer->loop, &inquirer->end);
    ev_timer_stop(inquirer->loop, &inquirer->deadline);
    retrieval_free(inquirer->retrieval);
    driver_free(inquirer->driver);
    inquirer->retrieval = NULL;
    inquirer->driver = NULL;
}

static void on_end(struct ev_loop *loop, ev_timer *watcher, int events)
{
    (void)loop, (void)events;
    struct inquirer *inquirer = watcher->data;
    struct inquiry *inquiry = inquirer->inquiry;
    stop(inquirer);
    documents_clear(&inquirer->given);
    inquirer->inquiry = NULL;
    inquirer->handler.done(inquirer->handler.context, inquiry);
}

static void on_deadline(struct ev_loop *loop, ev_timer *watcher, int events)
{
    struct inquirer *inquirer = watcher->data;
    struct inquiry *inquiry = inquirer->inquiry;
    if (!inquiry->has_live)
        inquiry_fail_live(inquiry, "was not answered in time");
    else if (!inquiry->has_xml)
        snprintf(inquiry->xml_fault, sizeof(inquiry->xml_fault), "was not there within %d s", INQUIRY_S_MAX);
    on_end(loop, watcher, events);
}

static void start(struct inquirer *inquirer)
{
    inquirer->inquiry = inquiry_new();
    ev_timer_start(inquirer->loop, &inquirer->begin);
    ev_timer_start(inquirer->loop, &inquirer->deadline);
}

void inquirer_begin(struct inquirer *inquirer, struct documents *given, int64_t last_signed_s)
{
    inquirer->has_given = given != NULL;
    if (given != NULL) {
        inquirer->given = *given;
        *given = (struct documents) { .source = "" };
    }
    inquirer->last_signed_s = last_signed_s;
    start(inquirer);
}

void inquirer_abandon(struct inquirer *inquirer)
{
    stop(inquirer);
    documents_clear(&inquirer->given);
    inquiry_free(inquirer->inquiry);
    inquirer->inquiry = NULL;
}

void inquirer_use(struct inquirer *inquirer, const struct settings *settings)
{
    inquirer->settings = settings;
    if (inquirer->inquiry == NULL)
        return;
    stop(inquirer);
    inquiry_free(inquirer->inquiry);
    start(inquirer);
}

/* ---- beginning and end ---- */

static void timer_init(struct inquirer *inquirer, ev_timer *timer,
                       void (*callback)(struct ev_loop *loop, ev_timer *watcher, int events), double after_s)
{
    ev_timer_init(timer, callback, after_s, 0.0);
    timer->data = inquirer;
}

struct inquirer *inquirer_new(struct ev_loop *loop, struct cache *cache, struct random *random,
                              const struct clock *clock, const struct settings *settings,
                              const struct inquirer_handler *handler)
{
    struct inquirer *inquirer = memory_new(1, sizeof(*inquirer));
    inquirer->loop = loop;
    inquirer->cache = cache;
    inquirer->random = random;
    inquirer->clock = clock;
    inquirer->settings = settings;
    inquirer->handler = *handler;
    inquirer->verifier = verifier_new();
    timer_init(inquirer, &inquirer->begin, on_begin, 0.0);
    timer_init(inquirer, &inquirer->end, on_end, 0.0);
    timer_init(inquirer, &inquirer->deadline, on_deadline, INQUIRY_S_MAX);
    return inquirer;
}

void inquirer_free(struct inquirer *inquirer)
{
    if (inquirer == NULL)
        return;
    inquirer_abandon(inquirer);
    verifier_free(inquirer->verifier);
    free(inquirer);
}
