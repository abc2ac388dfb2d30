#include "tools/stub.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "base/hash.h"
#include "transport/loop.h"
#include "transport/upstream.h"

enum {
    UDP_TRIES_MAX = 3,
    SOCKETS_MAX = 2, /* TCP begins while the truncated answer's socket is still open */
    QUESTION_OCTETS_MAX = 512,
    EXIT_BOGUS = 1,
    EXIT_NO_ANSWER = 2,
    JSON_VERSION = 1,
};
static const double wait_s = 3.0;

struct stub {
    struct ev_loop *loop;
    struct upstream *upstream;
    struct ev_timer timer;
    struct address server;
    struct question question;
    struct random *random;
    uint16_t id;
    uint64_t exchange;
    unsigned udp_tries;
    bool tcp, checking_disabled;
    struct arena *arena;
    bool answered;
    struct message answer;
};

/* ---- asking ---- */

static void ask(struct stub *stub)
{
    uint8_t buffer[QUESTION_OCTETS_MAX];
    enum upstream_failure how;
    stub->id = random_u16(stub->random);
    /* AD in the question: we understand AD in the answer (RFC 6840 section 5.7). */
    struct header header = { .id = stub->id, .rd = true, .ad = true, .cd = stub->checking_disabled };
    struct edns edns = { .present = true, .dnssec_ok = true, .udp_octets = UDP_OCTETS_DEFAULT };
    struct message_writer m;
    message_begin(&m, buffer, sizeof(buffer), &header);
    message_put_question(&m, &stub->question);
    message_put_edns(&m, &edns);
    struct octets packet = message_end(&m);
    stub->exchange++;
    bool began = stub->tcp ? upstream_start_tcp(stub->upstream, stub->exchange, &stub->server, packet, &how)
                           : upstream_start_udp(stub->upstream, stub->exchange, &stub->server, packet, &how);
    if (!began) {
        ev_break(stub->loop, EVBREAK_ALL);
        return;
    }
    ev_timer_stop(stub->loop, &stub->timer);
    ev_timer_set(&stub->timer, wait_s, 0.0);
    ev_timer_start(stub->loop, &stub->timer);
}

static void on_timer(struct ev_loop *loop, struct ev_timer *timer, int events)
{
    (void)events;
    struct stub *stub = timer->data;
    upstream_cancel(stub->upstream, stub->exchange);
    if (stub->tcp || ++stub->udp_tries == UDP_TRIES_MAX)
        ev_break(loop, EVBREAK_ALL);
    else
        ask(stub);
}

static bool on_reply(void *context, uint64_t id, struct octets reply)
{
    struct stub *stub = context;
    struct header header;
    (void)id;
    if (header_read(reply, &header) != OK || header.id != stub->id || !header.qr)
        return false;
    if (message_read(octets_copy(stub->arena, reply), stub->arena, &stub->answer) != OK || !stub->answer.has_question ||
        stub->answer.question.qtype != stub->question.qtype ||
        !dname_equal(&stub->answer.question.qname, &stub->question.qname))
        return false;
    if (header.tc && !stub->tcp) {
        stub->tcp = true;
        ask(stub);
        return true;
    }
    stub->answered = true;
    ev_break(stub->loop, EVBREAK_ALL);
    return true;
}

static void on_failed(void *context, uint64_t id, enum upstream_failure how)
{
    struct stub *stub = context;
    (void)id;
    (void)how;
    ev_break(stub->loop, EVBREAK_ALL);
}

static bool system_resolver(struct address *server)
{
    FILE *file = fopen("/etc/resolv.conf", "re");
    char line[256], text[ADDRESS_TEXT_MAX];
    bool found = false;
    while (file != NULL && !found && fgets(line, sizeof(line), file) != NULL)
        found = sscanf(line, " nameserver %63s", text) == 1 && address_from_text(text, 53, server) == OK;
    if (file != NULL)
        fclose(file);
    return found;
}

/* ---- telling ---- */

static bool says_bogus(const struct message *answer)
{
    for (uint16_t i = 0; i < answer->edns.option_count; i++) {
        const struct edns_option *option = &answer->edns.options[i];
        if (option->code != EDNS_EDE || option->data.len < 2)
            continue;
        int code = option->data.data[0] << 8 | option->data.data[1];
        if ((code >= EDE_BOGUS && code <= EDE_NSEC_MISSING) || code == EDE_EXPIRED_BEFORE_VALID)
            return true;
    }
    return false;
}

static const char *state_of(const struct message *answer, bool checking_disabled)
{
    if (answer->rcode == RCODE_SERVFAIL)
        return says_bogus(answer) ? "bogus" : "no answer";
    if (answer->rcode != RCODE_NOERROR && answer->rcode != RCODE_NXDOMAIN)
        return "no answer";
    if (checking_disabled)
        return "unchecked"; /* whoever sets CD ignores AD (RFC 4035 section 4.9.3) */
    return answer->header.ad ? "secure" : "insecure";
}

static int exit_code_of(const char *state)
{
    if (strcmp(state, "bogus") == 0)
        return EXIT_BOGUS;
    return strcmp(state, "no answer") == 0 ? EXIT_NO_ANSWER : EX_OK;
}

/* object is given back. */
static void print_json(json_t *object)
{
    json_dumpf(object, stdout, JSON_INDENT(2) | JSON_ENSURE_ASCII);
    fputc('\n', stdout);
    json_decref(object);
}

static void print_answer(struct stub *stub, const char *state, bool json)
{
    char server[ADDRESS_TEXT_MAX], rcode[16];
    char *text = message_to_text(stub->arena, &stub->answer);
    address_to_text(&stub->server, server);
    if (!json) {
        printf("%s\n%s says: %s\n", text, server, state);
        return;
    }
    json_t *object = json_pack("{s:i, s:s, s:s, s:s, s:s}", "version", JSON_VERSION, "server", server, "rcode",
                               rcode_to_text(stub->answer.rcode, rcode), "security", state, "message", text);
    print_json(object);
}

static void print_unavailable(const char *problem, bool json)
{
    static const char hint[] = "name a resolver that answers with @SERVER";
    if (json)
        print_json(json_pack("{s:i, s:{s:s, s:s, s:s}}", "version", JSON_VERSION, "error", "code", "unavailable",
                             "text", problem, "hint", hint));
    else
        fprintf(stderr, "vouch: %s\n%s\n", problem, hint);
}

int stub_ask(const struct question *question, const struct address *server, bool checking_disabled, bool json)
{
    struct stub stub = { .question = *question, .checking_disabled = checking_disabled };
    if (server != NULL)
        stub.server = *server;
    else if (!system_resolver(&stub.server)) {
        print_unavailable("/etc/resolv.conf: no nameserver in it", json);
        return EXIT_NO_ANSWER;
    }
    stub.random = random_secure_new();
    hash_init(stub.random);
    stub.arena = arena_new();
    stub.loop = loop_new();
    struct upstream_handler handler = { .context = &stub, .reply = on_reply, .failed = on_failed };
    stub.upstream = upstream_new(stub.loop, &handler, SOCKETS_MAX);
    ev_init(&stub.timer, on_timer);
    stub.timer.data = &stub;
    ask(&stub);
    ev_run(stub.loop, 0);

    int exit_code = EXIT_NO_ANSWER;
    if (stub.answered) {
        const char *state = state_of(&stub.answer, checking_disabled);
        print_answer(&stub, state, json);
        exit_code = exit_code_of(state);
    } else {
        char text[ADDRESS_TEXT_MAX], problem[sizeof("no answer from ") + ADDRESS_TEXT_MAX];
        snprintf(problem, sizeof(problem), "no answer from %s", address_to_text(&stub.server, text));
        print_unavailable(problem, json);
    }
    upstream_free(stub.upstream);
    ev_loop_destroy(stub.loop);
    arena_free(stub.arena);
    random_free(stub.random);
    return exit_code;
}
