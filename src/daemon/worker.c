#include "daemon/worker.h"

#include <assert.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "daemon/at_once.h"
#include "daemon/known.h"
#include "lib/driver.h"
#include "policy/sentinel.h"
#include "resolver/response.h"
#include "resolver/witness.h"
#include "transport/loop.h"

enum {
    CLIENT_BUCKETS = 4096,    /* a power of two; clients that share one share its limit */
    LOG_LINES_PER_SECOND = 5, /* about failed answers, by one worker: the network decides how many there are */
    BURST_QUESTIONS = 32,     /* waiting at a time: what they took, some 40 KiB each, goes back to the system … */
    TRIM_MS = 1000,           /* … when none waits any more, but not more often than that: it takes a millisecond */
};

static_assert((CLIENT_BUCKETS & (CLIENT_BUCKETS - 1)) == 0, "used as a mask");

/* A client's question that waits for its answer: the resolver's waiter. */
struct waiting {
    struct waiting *next_free;
    struct client client;
    struct client_query query;
    struct retelling retelling;
    struct front_asker asker;
    uint16_t bucket;
};

struct worker {
    struct workers *workers;
    unsigned index;
    pthread_t thread;
    struct ev_loop *loop;
    ev_async called; /* the main thread wants something */
    ev_prepare before_wait;
    bool has_call; /* guarded by workers->mutex */

    const struct settings *settings;
    struct cache *cache;
    struct clock *clock;
    struct watcher *watcher;
    struct key_tally *keys;
    struct witness witness;
    struct random *random;
    struct driver *driver;
    struct udp_server **udp; /* one an address; retired ones until they are done */
    unsigned udp_count;
    struct tcp_server *tcp;

    struct waiting *all, *free;
    uint64_t most_waiting; /* since memory went back to the system */
    int64_t trimmed_ms;
    uint64_t client_seed;
    uint16_t per_client[CLIENT_BUCKETS];
    int64_t log_second;
    unsigned log_lines;

    struct at_once *at_once;

    struct arena *arena; /* of the question being read */
    uint8_t buffer[MESSAGE_OCTETS_MAX];
    struct worker_stats stats;
};

/* The main thread has one call at a time done by all workers, and waits until it is. */
struct workers {
    pthread_mutex_t mutex;
    pthread_cond_t done;
    void (*call)(struct worker *worker, void *argument);
    void *argument;
    unsigned calls_left;
    struct siphash_key cookie_master;
    unsigned count;
    struct worker *list[];
};

/* ---- answers ---- */

static void send_response(struct worker *worker, const struct client *client, struct octets response, uint16_t rcode)
{
    struct header header;
    if (header_read(response, &header) == OK)
        worker->stats.answers_truncated += header.tc;
    if (rcode < RCODES_COUNTED)
        worker->stats.answers[rcode]++;
    client_reply(client, response);
}

static struct octets options_for(const struct worker *worker, const struct client *client,
                                 const struct front_asker *asker, uint8_t buffer[FRONT_OPTIONS_OCTETS_MAX])
{
    return front_write_options(&worker->settings->config->front, asker, client_idle_ms(client), buffer);
}

static void answer_error(struct worker *worker, const struct client *client, const struct client_query *query,
                         const struct question *question, const struct front_decision *why)
{
    struct client_query demand = *query;
    demand.use_stream = why->verdict == FRONT_USE_STREAM;
    struct octets response = response_write_error(&worker->settings->config->answers, &demand, question, why->rcode,
                                                  why->ede, why->text, worker->buffer, sizeof(worker->buffer));
    send_response(worker, client, response, why->rcode);
}

static bool may_log(struct worker *worker, struct now now)
{
    int64_t second = now.monotonic_ms / 1000;
    if (second != worker->log_second) {
        worker->log_second = second;
        worker->log_lines = 0;
    }
    return worker->log_lines++ < LOG_LINES_PER_SECOND;
}

/* One line names the question, the root cause and the check that spoke. */
static void log_failure(struct worker *worker, const struct outcome *outcome, struct now now)
{
    char name[DNAME_TEXT_MAX], type[RR_TYPE_TEXT_MAX];
    if (outcome->from_cache || !log_wanted(LOG_LEVEL_INFO) || !may_log(worker, now))
        return;
    bool has_ede = outcome->ede_count > 0;
    const char *kind = has_ede ? ede_text(outcome->edes[0].code) : NULL;
    const char *text = has_ede ? outcome->edes[0].text : NULL;
    log_info("no answer for %s %s (%s): %s%s%s [%s]", dname_to_text(&outcome->question.qname, name),
             rr_type_to_text(outcome->question.qtype, type), security_text(outcome->security),
             kind == NULL ? "failed" : kind, text == NULL ? "" : ": ", text == NULL ? "" : text,
             outcome->site == NULL ? "" : outcome->site);
}

/* ---- what validation sees ---- */

static void on_signature(void *context, const struct rrset *rrset, const struct rrsig *sig, enum signature_fault fault)
{
    (void)rrset;
    struct worker *worker = context;
    worker->stats.signatures[scheme_of(sig->algorithm)][fault == FAULT_NONE]++;
    key_tally_count(worker->keys, sig, fault, driver_now(worker->driver).monotonic_ms / 1000);
}

/* Of the signatures over the data, or over what denies it. */
static void count_schemes(struct worker *worker, const struct outcome *outcome)
{
    bool is_seen[SCHEMES_COUNTED] = { false };
    for (uint16_t i = 0; i < outcome->link_count; i++) {
        const struct answer *answer = outcome->links[i];
        const struct rrset_list *list = answer->rrsets.count > 0 ? &answer->rrsets : &answer->proofs;
        struct rrsig sig;
        if (list->count == 0 || list->items[0]->sig_count == 0 || rrsig_read(list->items[0]->sigs[0], &sig) != OK)
            continue;
        size_t scheme = scheme_of(sig.algorithm);
        worker->stats.answers_signed[scheme] += !is_seen[scheme];
        is_seen[scheme] = true;
    }
}

/* Row D9-strip: a signed zone's data came without what shows that it is the zone's. */
static void count_stripped(struct worker *worker, const struct testimony *testimony)
{
    enum cause cause = cause_of(testimony->failure->ede, testimony->failure->site);
    for (uint8_t i = 0; i < testimony->trial_count; i++) {
        const struct trial *trial = &testimony->trials[i];
        if (trial->security != BOGUS || (cause != CAUSE_RRSIGS_MISSING && cause != CAUSE_NSEC_MISSING))
            continue;
        worker->stats.stripped[cause == CAUSE_NSEC_MISSING][trial->transport == TRANSPORT_TCP]++;
        worker->stats.stripped[2][trial->transport == TRANSPORT_TCP] += trial->without_edns;
    }
}

/* Counts failures by their cause, tells the clock how zones fare by the time, files evidence. */
static void on_judged(void *context, const struct testimony *testimony, struct now now)
{
    struct worker *worker = context;
    const struct outcome *outcome = testimony->outcome;
    const struct verdict *failure = testimony->failure;
    enum cause cause = failure == NULL ? CAUSE_OTHER : cause_of(failure->ede, failure->site);
    enum security security = testimony_verdict(testimony);
    if (security == BOGUS || security == INDETERMINATE)
        worker->stats.failures[cause]++;
    if (security == SECURE) {
        count_schemes(worker, outcome);
        clock_note(worker->clock, SYMPTOM_SECURE, &outcome->question.qname, now);
    } else if (security == BOGUS && cause == CAUSE_EXPIRED) {
        clock_note(worker->clock, SYMPTOM_EXPIRED, &failure->explanation->failed_name, now);
    } else if (security == BOGUS && cause == CAUSE_NOT_YET_VALID) {
        clock_note(worker->clock, SYMPTOM_NOT_YET, &failure->explanation->failed_name, now);
    }
    if (failure != NULL)
        count_stripped(worker, testimony);
    watcher_judged(worker->watcher, testimony, now);
}

/* What the worker's resolver works by. */
static struct resolver_parts parts_of(const struct worker *worker)
{
    struct resolver_parts parts = settings_parts(worker->settings, worker->cache, worker->random);
    parts.witness = &worker->witness;
    return parts;
}

static void release(struct worker *worker, struct waiting *waiting)
{
    worker->per_client[waiting->bucket]--;
    worker->stats.waiting--;
    waiting->next_free = worker->free;
    worker->free = waiting;
}

static bool may_judge(void *context)
{
    const struct worker *worker = context;
    return clock_is_fit(worker->clock);
}

/* Whoever asks next gets it without being kept waiting. */
static void keep_ready(struct worker *worker, const struct outcome *outcome, struct now now)
{
    const struct config *config = worker->settings->config;
    struct ready_draft draft;
    if (retelling_keeps(&config->retelling, outcome, now) &&
        response_make_ready(&config->answers, outcome, now, worker->buffer, sizeof(worker->buffer), &draft))
        ready_put(worker->cache, &outcome->question, resolver_origin(&config->resolver, &outcome->question), &draft,
                  now);
}

static void on_done(void *context, void *waiter, const struct outcome *outcome, struct now now)
{
    struct worker *worker = context;
    struct waiting *waiting = waiter;
    const struct config *config = worker->settings->config;
    struct outcome told;
    struct question question;
    arena_reset(worker->arena);
    enum retold retold = retell_outcome(&config->retelling, worker->settings->trust, &waiting->query,
                                        &waiting->retelling, outcome, now, worker->arena, &told, &question);
    if (retold == RETOLD_ASK) {
        keep_ready(worker, outcome, now);
        driver_ask(worker->driver, &question, waiting->query.header.cd, waiting);
        return;
    }
    uint8_t options[FRONT_OPTIONS_OCTETS_MAX];
    waiting->query.options = options_for(worker, &waiting->client, &waiting->asker, options);
    struct octets response = response_write(&config->answers, &waiting->query, retold == RETOLD_OTHER ? &told : outcome,
                                            now, worker->buffer, sizeof(worker->buffer));
    uint16_t rcode = response.data[3] & 0x0f; /* RFC 1035 section 4.1.1; outcomes have no extended ones */
    worker->stats.answers_from_cache += outcome->from_cache;
    if (rcode == RCODE_SERVFAIL)
        log_failure(worker, outcome, now);
    send_response(worker, &waiting->client, response, rcode);
    release(worker, waiting);
    keep_ready(worker, outcome, now);
}

/* ---- questions ---- */

/* What counts as one client: an IPv4 address, an IPv6 /56.  Who has proven to be there does not share the limit of those
 * that only say so: nobody is shut out by questions that others forge in their name. */
static uint16_t client_bucket(const struct worker *worker, const struct address *client, bool is_proven)
{
    struct address prefix = { .family = client->family };
    memcpy(prefix.octets, client->octets, client->family == 4 ? 4 : TCP_PREFIX_BITS_IPV6 / 8);
    return (uint16_t)(address_hash(&prefix, worker->client_seed + is_proven) & (CLIENT_BUCKETS - 1));
}

/* NULL: too many are waiting. */
static struct waiting *admit(struct worker *worker, const struct client *client, const struct front_asker *asker)
{
    uint16_t bucket = client_bucket(worker, &client->address, front_is_proven(asker));
    bool is_busy = worker->stats.waiting >= WORKER_BUSY_QUESTIONS;
    struct waiting *waiting = worker->free;
    if (waiting == NULL || (is_busy && worker->per_client[bucket] >= WORKER_QUESTIONS_PER_CLIENT))
        return NULL;
    worker->free = waiting->next_free;
    worker->per_client[bucket]++;
    worker->stats.waiting++;
    if (worker->most_waiting < worker->stats.waiting)
        worker->most_waiting = worker->stats.waiting;
    waiting->client = *client;
    waiting->asker = *asker;
    waiting->bucket = bucket;
    return waiting;
}

static void resolve(struct worker *worker, const struct client *client, const struct front_asker *asker,
                    const struct client_query *query)
{
    static const struct front_decision overloaded = { .rcode = RCODE_SERVFAIL,
                                                      .ede = EDE_OTHER,
                                                      .text = "too many questions are being worked on" };
    static const struct front_decision would_have_to_ask = {
        .rcode = RCODE_REFUSED, .ede = EDE_NOT_AUTHORITATIVE, .text = "not in the cache, and recursion was not desired"
    };
    struct resolver_parts parts = parts_of(worker);
    if (!query->header.rd && !is_known(&parts, &query->question, driver_now(worker->driver), worker->arena)) {
        answer_error(worker, client, query, &query->question, &would_have_to_ask);
        return;
    }
    struct waiting *waiting = admit(worker, client, asker);
    if (waiting == NULL) {
        worker->stats.overloaded++;
        answer_error(worker, client, query, &query->question, &overloaded);
        return;
    }
    waiting->query = *query;
    struct question question = retell_question(&worker->settings->config->retelling, query, &waiting->retelling);
    driver_ask(worker->driver, &question, query->header.cd, waiting);
}

static void answer_text(struct worker *worker, const struct client *client, const struct client_query *query,
                        const char *text)
{
    struct octets response =
        response_write_text(&worker->settings->config->answers, query, text, worker->buffer, sizeof(worker->buffer));
    send_response(worker, client, response, RCODE_NOERROR);
}

static void on_question(void *context, const struct client *client, struct octets octets)
{
    struct worker *worker = context;
    struct message message;
    ++*questions_counter(&worker->stats, client);
    if (octets.len < HEADER_OCTETS) {
        worker->stats.malformed++;
        client_drop(client);
        return;
    }
    arena_reset(worker->arena);
    enum err read = message_read(octets, worker->arena, &message);
    uint8_t options[FRONT_OPTIONS_OCTETS_MAX];
    struct edns_wishes wishes = edns_wishes_of(&message.edns);
    struct front_asker asker = front_asker_of(at_once_cookie_keys(worker->at_once), &wishes, &client->address,
                                              client->transport->is_stream, at_once_now(worker->at_once));
    struct front_decision decision =
        front_judge(&worker->settings->config->front, &client->address, &asker, read, &message);
    struct client_query query = {
        .header = message.header,
        .question = message.question,
        .edns = message.edns.present,
        .dnssec_ok = message.edns.dnssec_ok,
        .options = options_for(worker, client, &asker, options),
        .size_max =
            answer_octets_max(worker->settings->config, client, message.edns.present ? message.edns.udp_octets : 0),
    };
    worker->stats.malformed += read != OK;
    worker->stats.cookies[asker.cookie]++;
    switch (decision.verdict) {
    case FRONT_RESOLVE:
        resolve(worker, client, &asker, &query);
        break;
    case FRONT_TEXT:
        answer_text(worker, client, &query, decision.text);
        break;
    case FRONT_ANCHORS:
        answer_text(worker, client, &query,
                    sentinel_anchors(worker->settings->trust, driver_now(worker->driver), worker->arena));
        break;
    case FRONT_ANSWER:
    case FRONT_USE_STREAM:
        answer_error(worker, client, &query, message.has_question ? &message.question : NULL, &decision);
        break;
    case FRONT_DROP:
        client_drop(client);
        break;
    }
}

static void on_expect(void *context, const struct octets *messages, unsigned count)
{
    struct worker *worker = context;
    at_once_expect(worker->at_once, messages, count, driver_now(worker->driver));
}

static struct octets on_at_once(void *context, unsigned place, const struct client *client, uint8_t *buffer)
{
    struct worker *worker = context;
    return at_once_answer(worker->at_once, place, client, buffer);
}

static struct client_handler client_handler_of(struct worker *worker)
{
    return (struct client_handler) {
        .context = worker, .question = on_question, .expect = on_expect, .at_once = on_at_once
    };
}

/* ---- the thread ---- */

static void free_done_servers(struct worker *worker)
{
    for (unsigned i = worker->udp_count; i-- > 0;) {
        if (udp_server_is_done(worker->udp[i])) {
            udp_server_free(worker->udp[i]);
            worker->udp[i] = worker->udp[--worker->udp_count];
        }
    }
}

/* The allocator keeps what a burst took, for the next one: it is not the operator's only program. */
static void give_back_memory(struct worker *worker)
{
    if (worker->stats.waiting > 0 || worker->most_waiting < BURST_QUESTIONS)
        return;
    int64_t now_ms = driver_now(worker->driver).monotonic_ms;
    if (now_ms - worker->trimmed_ms < TRIM_MS)
        return;
    malloc_trim(0);
    worker->trimmed_ms = now_ms;
    worker->most_waiting = 0;
}

static void refresh_ending(struct worker *worker)
{
    struct question question;
    while (at_once_next_refresh(worker->at_once, &question))
        driver_refresh(worker->driver, &question);
}

static void on_before_wait(struct ev_loop *loop, ev_prepare *watcher, int events)
{
    (void)loop, (void)events;
    struct worker *worker = watcher->data;
    free_done_servers(worker);
    refresh_ending(worker);
    give_back_memory(worker);
}

static void on_called(struct ev_loop *loop, ev_async *watcher, int events)
{
    (void)loop, (void)events;
    struct worker *worker = watcher->data;
    struct workers *workers = worker->workers;
    pthread_mutex_lock(&workers->mutex);
    bool has_call = worker->has_call;
    worker->has_call = false;
    pthread_mutex_unlock(&workers->mutex);
    if (!has_call)
        return;
    workers->call(worker, workers->argument); /* stays the same until calls_left is 0 */
    pthread_mutex_lock(&workers->mutex);
    if (--workers->calls_left == 0)
        pthread_cond_signal(&workers->done);
    pthread_mutex_unlock(&workers->mutex);
}

static void *run(void *argument)
{
    struct worker *worker = argument;
    ev_run(worker->loop, 0);
    return NULL;
}

static void init_watchers(struct worker *worker)
{
    ev_async_init(&worker->called, on_called);
    worker->called.data = worker;
    ev_async_start(worker->loop, &worker->called);
    ev_prepare_init(&worker->before_wait, on_before_wait);
    worker->before_wait.data = worker;
    ev_prepare_start(worker->loop, &worker->before_wait);
}

static void init_waiting(struct worker *worker)
{
    worker->all = memory_new(WORKER_QUESTIONS_MAX, sizeof(*worker->all));
    for (size_t i = WORKER_QUESTIONS_MAX; i-- > 0;) {
        worker->all[i].next_free = worker->free;
        worker->free = &worker->all[i];
    }
}

static struct worker *worker_new(struct workers *workers, unsigned index, const struct worker_parts *parts)
{
    struct worker *worker = memory_new_apart(sizeof(*worker));
    worker->workers = workers;
    worker->index = index;
    worker->settings = parts->settings;
    worker->cache = parts->cache;
    worker->clock = parts->clock;
    worker->loop = loop_new();
    worker->random = random_secure_new();
    worker->client_seed = random_u64(worker->random);
    worker->arena = arena_new();
    worker->watcher = parts->watcher;
    worker->keys = key_tally_new();
    worker->witness = (struct witness) { .context = worker,
                                         .signatures = { .context = worker, .saw = on_signature },
                                         .judged = on_judged };
    struct resolver_parts resolver_parts = parts_of(worker);
    struct driver_handler settled = { .context = worker, .done = on_done, .clock_is_fit = may_judge };
    worker->driver = driver_new(worker->loop, &resolver_parts, &settled, parts->upstream_sockets_max);
    worker->at_once = at_once_new(worker->cache, worker->settings->config, &workers->cookie_master, &worker->stats);
    struct client_handler clients = client_handler_of(worker);
    worker->tcp = tcp_server_new(worker->loop, &parts->tcp_limits, &clients, &worker->stats.tcp);
    init_waiting(worker);
    init_watchers(worker);
    return worker;
}

static void worker_free(struct worker *worker)
{
    for (unsigned i = 0; i < worker->udp_count; i++)
        udp_server_free(worker->udp[i]);
    free(worker->udp);
    tcp_server_free(worker->tcp);
    driver_free(worker->driver);
    at_once_free(worker->at_once);
    key_tally_free(worker->keys);
    ev_loop_destroy(worker->loop);
    arena_free(worker->arena);
    random_free(worker->random);
    free(worker->all);
    free(worker);
}

/* ---- from the main thread ---- */

static void call_all(struct workers *workers, void (*call)(struct worker *worker, void *argument), void *argument)
{
    pthread_mutex_lock(&workers->mutex);
    workers->call = call;
    workers->argument = argument;
    workers->calls_left = workers->count;
    for (unsigned i = 0; i < workers->count; i++) {
        workers->list[i]->has_call = true;
        ev_async_send(workers->list[i]->loop, &workers->list[i]->called);
    }
    while (workers->calls_left > 0)
        pthread_cond_wait(&workers->done, &workers->mutex);
    pthread_mutex_unlock(&workers->mutex);
}

static void start_thread(struct worker *worker)
{
    int error = pthread_create(&worker->thread, NULL, run, worker);
    if (error != 0) {
        log_error("the system gives no thread for worker %u: %s", worker->index, strerror(error));
        abort();
    }
    char name[16]; /* pthread_setname_np(3) */
    snprintf(name, sizeof(name), "worker %u", worker->index);
    pthread_setname_np(worker->thread, name);
}

struct workers *workers_start(unsigned count, const struct worker_parts *parts)
{
    struct workers *workers = memory_new(1, sizeof(*workers) + count * sizeof(workers->list[0]));
    sigset_t all, before;
    pthread_mutex_init(&workers->mutex, NULL);
    pthread_cond_init(&workers->done, NULL);
    workers->count = count;
    struct random *random = random_secure_new();
    random->fill(random, workers->cookie_master.octets, sizeof(workers->cookie_master.octets));
    random_free(random);
    for (unsigned i = 0; i < count; i++)
        workers->list[i] = worker_new(workers, i, parts);
    sigfillset(&all); /* signals are the main thread's */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    for (unsigned i = 0; i < count; i++)
        start_thread(workers->list[i]);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return workers;
}

static void stop_worker(struct worker *worker, void *argument)
{
    (void)argument;
    ev_break(worker->loop, EVBREAK_ALL);
}

void workers_stop(struct workers *workers)
{
    if (workers == NULL)
        return;
    call_all(workers, stop_worker, NULL);
    for (unsigned i = 0; i < workers->count; i++)
        pthread_join(workers->list[i]->thread, NULL);
    for (unsigned i = 0; i < workers->count; i++)
        worker_free(workers->list[i]);
    pthread_cond_destroy(&workers->done);
    pthread_mutex_destroy(&workers->mutex);
    free(workers);
}

unsigned workers_count(const struct workers *workers)
{
    return workers->count;
}

static void worker_listen(struct worker *worker, void *argument)
{
    const struct listen_sockets *sockets = argument;
    const int *fds = sockets->fds[worker->index];
    struct client_handler clients = client_handler_of(worker);
    worker->udp = memory_resize(worker->udp, worker->udp_count + 1, sizeof(worker->udp[0]));
    worker->udp[worker->udp_count++] =
        udp_server_new(worker->loop, fds[0], &sockets->address, &clients, &worker->stats.udp);
    tcp_server_listen(worker->tcp, fds[1], &sockets->address);
}

void workers_listen(struct workers *workers, const struct listen_sockets *sockets)
{
    call_all(workers, worker_listen, (void *)sockets);
}

static void worker_unlisten(struct worker *worker, void *argument)
{
    const struct address *address = argument;
    for (unsigned i = 0; i < worker->udp_count; i++) {
        struct udp_server *server = worker->udp[i];
        if (!udp_server_is_retired(server) && address_equal(udp_server_address(server), address))
            udp_server_retire(server);
    }
    tcp_server_unlisten(worker->tcp, address);
}

void workers_unlisten(struct workers *workers, const struct address *address)
{
    call_all(workers, worker_unlisten, (void *)address);
}

static void worker_use(struct worker *worker, void *argument)
{
    worker->settings = argument;
    at_once_use(worker->at_once, worker->settings->config);
    struct resolver_parts parts = parts_of(worker);
    resolver_configure(driver_resolver(worker->driver), &parts);
}

void workers_use(struct workers *workers, const struct settings *settings)
{
    call_all(workers, worker_use, (void *)settings);
}

/* One sum for all workers, which come here at the same time. */
struct stats_call {
    pthread_mutex_t mutex;
    struct worker_stats *sum;
};

static void worker_add_stats(struct worker *worker, void *argument)
{
    struct stats_call *call = argument;
    resolver_get_stats(driver_resolver(worker->driver), &worker->stats.resolver);
    pthread_mutex_lock(&call->mutex);
    worker_stats_add(call->sum, &worker->stats);
    pthread_mutex_unlock(&call->mutex);
}

void workers_get_stats(struct workers *workers, struct worker_stats *stats)
{
    struct stats_call call = { .mutex = PTHREAD_MUTEX_INITIALIZER, .sum = stats };
    *stats = (struct worker_stats) { 0 };
    call_all(workers, worker_add_stats, &call);
}

/* ---- keys ---- */

struct keys_call {
    pthread_mutex_t mutex;
    struct key_sum *sum;
};

static void worker_add_keys(struct worker *worker, void *argument)
{
    struct keys_call *call = argument;
    pthread_mutex_lock(&call->mutex);
    key_sum_add(call->sum, worker->keys, driver_now(worker->driver).monotonic_ms / 1000);
    pthread_mutex_unlock(&call->mutex);
}

void workers_get_keys(struct workers *workers, struct key_sum *sum)
{
    struct keys_call call = { .mutex = PTHREAD_MUTEX_INITIALIZER, .sum = sum };
    *sum = (struct key_sum) { .count = 0 };
    call_all(workers, worker_add_keys, &call);
}
