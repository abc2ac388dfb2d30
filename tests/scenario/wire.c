/* replay-wire FILE CLOCK RESOLVER SERVER…: tells one story to a resolver over real sockets.
 *
 * FILE is a story in Deckard's dialect, CLOCK a file of libfaketime's that holds the story's time, RESOLVER the address
 * that the client asks, SERVER… those at which the story's servers are asked, all at port 53.  To be run where these
 * exist and nothing else listens on them (a network namespace).  Says "ready" once the servers listen; then waits for a
 * line on standard input. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "base/hash.h"
#include "message/text.h"
#include "tests/scenario/story_config.h"
#include "tests/scenario/story_servers.h"
#include "transport/sockaddr.h"

enum {
    PORT = 53,
    SOCKETS_MAX = 256,
    BACKLOG = 16,
    CLIENT_ID_FIRST = 1000,
    RESEND_AFTER_MS = 10000, /* what came before may have filled the resolver's socket */
    TRIES_MAX = 6,
};

enum socket_kind {
    SOCKET_SERVER_UDP,
    SOCKET_SERVER_LISTENING,
    SOCKET_SERVER_TCP,
    SOCKET_CLIENT_UDP,
    SOCKET_CLIENT_TCP
};

struct story_socket {
    enum socket_kind kind;
    int fd;
    struct address address; /* of the server, or of the resolver that the client asks */
};

struct wire {
    struct arena *arena;
    struct story *story;
    const char *clock_path;
    int64_t now_ms;
    struct address resolver;
    struct story_socket sockets[SOCKETS_MAX];
    size_t socket_count;
    unsigned range_step; /* which ranges count: the last question's */
    uint16_t next_id;
    struct packet answer; /* to the last question; no octets: it has not come */
    const struct story_step *step;
    const char *failure;
};

/* ---- telling people ---- */

static PRINTF_LIKE(2, 3) void fail(struct wire *wire, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    const char *what = arena_vprintf(wire->arena, format, arguments);
    va_end(arguments);
    if (wire->failure == NULL && wire->step != NULL)
        wire->failure = arena_printf(wire->arena, "step %u (%s, line %u): %s", wire->step->number,
                                     step_kind_text(wire->step->kind), wire->step->line, what);
    else if (wire->failure == NULL)
        wire->failure = what;
}

static const char *question_text(struct arena *arena, const struct message *message)
{
    char name[DNAME_TEXT_MAX], type[RR_TYPE_TEXT_MAX];
    if (!message->has_question)
        return "(no question)";
    return arena_printf(arena, "%s %s", dname_to_text(&message->question.qname, name),
                        rr_type_to_text(message->question.qtype, type));
}

static void say_exchange(struct wire *wire, const struct address *server, const struct packet *question,
                         const char *what)
{
    char text[ADDRESS_TEXT_MAX];
    printf("    -> %s %s %s: %s\n", address_host_to_text(server, text),
           question->transport == TRANSPORT_TCP ? "TCP" : "UDP", question_text(wire->arena, &question->message), what);
}

/* ---- time ---- */

/* In libfaketime's form, and in one step: it may be read at any moment. */
static void write_clock(struct wire *wire)
{
    const char *fresh = arena_printf(wire->arena, "%s.new", wire->clock_path);
    time_t seconds = (time_t)(wire->now_ms / 1000);
    char text[sizeof("2007-09-16 13:42:26")];
    struct tm utc;
    strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", gmtime_r(&seconds, &utc));
    FILE *file = fopen(fresh, "w");
    if (file == NULL || fprintf(file, "%s\n", text) < 0 || fclose(file) != 0 || rename(fresh, wire->clock_path) != 0)
        fail(wire, "%s: %s", wire->clock_path, strerror(errno));
}

/* ---- sockets ---- */

static struct story_socket *add_socket(struct wire *wire, enum socket_kind kind, int fd, const struct address *address)
{
    if (fd < 0 || wire->socket_count == SOCKETS_MAX) {
        char text[ADDRESS_TEXT_MAX];
        fail(wire, "%s: %s", address_to_text(address, text), fd < 0 ? strerror(errno) : "too many sockets");
        return NULL;
    }
    wire->sockets[wire->socket_count] = (struct story_socket) { .kind = kind, .fd = fd, .address = *address };
    return &wire->sockets[wire->socket_count++];
}

static int open_socket(const struct address *address, int type, int (*use)(int, const struct sockaddr *, socklen_t))
{
    static const int on = 1;
    struct sockaddr_storage storage;
    socklen_t len = sockaddr_from_address(address, &storage);
    int fd = socket(storage.ss_family, type | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (use(fd, (struct sockaddr *)&storage, len) == 0)
        return fd;
    close(fd);
    return -1;
}

static void serve_address(struct wire *wire, const struct address *address)
{
    add_socket(wire, SOCKET_SERVER_UDP, open_socket(address, SOCK_DGRAM, bind), address);
    struct story_socket *listening =
        add_socket(wire, SOCKET_SERVER_LISTENING, open_socket(address, SOCK_STREAM, bind), address);
    if (listening != NULL && listen(listening->fd, BACKLOG) != 0)
        fail(wire, "listen: %s", strerror(errno));
}

static void drop_socket(struct wire *wire, size_t index)
{
    close(wire->sockets[index].fd);
    wire->sockets[index] = wire->sockets[--wire->socket_count];
}

/* ---- messages ---- */

static bool read_all(int fd, uint8_t *to, size_t len)
{
    for (size_t have = 0; have < len;) {
        ssize_t got = read(fd, to + have, len - have);
        if (got <= 0)
            return false;
        have += (size_t)got;
    }
    return true;
}

/* RFC 1035 section 4.2.2; blocks: the other end sends a message whole. */
static bool receive_from_stream(struct wire *wire, int fd, struct octets *octets)
{
    uint8_t prefix[2];
    if (!read_all(fd, prefix, sizeof(prefix)))
        return false;
    size_t len = (size_t)prefix[0] << 8 | prefix[1];
    uint8_t *data = arena_alloc(wire->arena, len);
    *octets = (struct octets) { data, len };
    return read_all(fd, data, len);
}

static bool send_to_stream(struct wire *wire, int fd, struct octets octets)
{
    struct writer w = writer_of(arena_alloc(wire->arena, octets.len + 2), octets.len + 2);
    writer_u16(&w, (uint16_t)octets.len);
    writer_octets_put(&w, octets);
    return send(fd, w.data, w.len, MSG_NOSIGNAL) == (ssize_t)w.len;
}

static struct octets receive_datagram(struct wire *wire, int fd, struct sockaddr_storage *from, socklen_t *from_len)
{
    static uint8_t buffer[MESSAGE_OCTETS_MAX];
    *from_len = sizeof(*from);
    ssize_t len = recvfrom(fd, buffer, sizeof(buffer), 0, (struct sockaddr *)from, from_len);
    return octets_copy(wire->arena, (struct octets) { buffer, len < 0 ? 0 : (size_t)len });
}

/* ---- servers ---- */

/* Nothing: the story tells of no answer, and fails. */
static struct octets reply_to(struct wire *wire, const struct address *server, struct packet *question)
{
    static const struct octets nothing = { 0 };
    if (message_read(question->octets, wire->arena, &question->message) != OK) {
        fail(wire, "a question that cannot be read");
        return nothing;
    }
    struct story_entry *entry = story_find_reply(wire->arena, wire->story, wire->range_step, server, question);
    if (entry == NULL) {
        say_exchange(wire, server, question, "no entry");
        fail(wire, "no entry answers the question %s", question_text(wire->arena, &question->message));
        return nothing;
    }
    entry->used = true;
    say_exchange(wire, server, question, arena_printf(wire->arena, "entry of line %u", entry->line));
    return story_write_reply(wire->arena, wire->story, entry, question);
}

static void answer_datagram(struct wire *wire, const struct story_socket *server)
{
    struct sockaddr_storage from;
    socklen_t from_len;
    struct packet question = { .transport = TRANSPORT_UDP };
    question.octets = receive_datagram(wire, server->fd, &from, &from_len);
    struct octets reply = reply_to(wire, &server->address, &question);
    if (reply.len > 0)
        sendto(server->fd, reply.data, reply.len, 0, (struct sockaddr *)&from, from_len);
}

/* False: the connection is at its end. */
static bool answer_stream(struct wire *wire, const struct story_socket *server)
{
    struct packet question = { .transport = TRANSPORT_TCP };
    if (!receive_from_stream(wire, server->fd, &question.octets))
        return false;
    struct octets reply = reply_to(wire, &server->address, &question);
    return reply.len > 0 && send_to_stream(wire, server->fd, reply);
}

/* ---- the client ---- */

static void keep_answer(struct wire *wire, struct octets octets, enum transport transport)
{
    wire->answer = (struct packet) { .octets = octets, .transport = transport };
    if (message_read(octets, wire->arena, &wire->answer.message) != OK)
        fail(wire, "the resolver's answer cannot be read");
    printf("  <= client: %s\n", question_text(wire->arena, &wire->answer.message));
}

static void send_question(struct wire *wire, const struct story_entry *entry)
{
    bool is_stream = (entry->match & MATCH_TCP) != 0;
    struct octets question = story_write_entry(wire->arena, entry, wire->next_id++);
    struct story_socket *client =
        add_socket(wire, is_stream ? SOCKET_CLIENT_TCP : SOCKET_CLIENT_UDP,
                   open_socket(&wire->resolver, is_stream ? SOCK_STREAM : SOCK_DGRAM, connect), &wire->resolver);
    if (client == NULL)
        return;
    bool is_sent = is_stream ? send_to_stream(wire, client->fd, question)
                             : send(client->fd, question.data, question.len, 0) == (ssize_t)question.len;
    if (!is_sent)
        fail(wire, "send: %s", strerror(errno));
}

/* ---- what comes ---- */

static void take_from(struct wire *wire, size_t index)
{
    struct story_socket *from = &wire->sockets[index];
    struct sockaddr_storage storage;
    socklen_t len;
    struct octets octets;
    switch (from->kind) {
    case SOCKET_SERVER_UDP:
        answer_datagram(wire, from);
        return;
    case SOCKET_SERVER_LISTENING:
        add_socket(wire, SOCKET_SERVER_TCP, accept(from->fd, NULL, NULL), &from->address);
        return;
    case SOCKET_SERVER_TCP:
        if (!answer_stream(wire, from))
            drop_socket(wire, index);
        return;
    case SOCKET_CLIENT_UDP:
        keep_answer(wire, receive_datagram(wire, from->fd, &storage, &len), TRANSPORT_UDP);
        drop_socket(wire, index);
        return;
    case SOCKET_CLIENT_TCP:
        if (receive_from_stream(wire, from->fd, &octets))
            keep_answer(wire, octets, TRANSPORT_TCP);
        else
            fail(wire, "the resolver closed the connection");
        drop_socket(wire, index);
        return;
    }
}

/* Serves one socket that has something; false if for so long none had. */
static bool serve(struct wire *wire, int timeout_ms)
{
    struct pollfd polled[SOCKETS_MAX];
    for (size_t i = 0; i < wire->socket_count; i++)
        polled[i] = (struct pollfd) { .fd = wire->sockets[i].fd, .events = POLLIN };
    if (poll(polled, wire->socket_count, timeout_ms) <= 0)
        return false;
    for (size_t i = 0; i < wire->socket_count; i++) {
        if (polled[i].revents != 0) {
            take_from(wire, i);
            return true;
        }
    }
    return false;
}

/* ---- steps ---- */

/* A client waits for its answer before the story goes on, but for junk that it sent. */
static void query(struct wire *wire)
{
    wire->range_step = wire->step->number;
    wire->answer.octets.len = 0;
    const struct story_entry *entry = STAILQ_FIRST(&wire->step->entries);
    send_question(wire, entry);
    if (entry->has_raw && wire->failure == NULL)
        drop_socket(wire, wire->socket_count - 1);
    for (int tries = 1; !entry->has_raw && wire->failure == NULL && wire->answer.octets.len == 0;) {
        if (serve(wire, RESEND_AFTER_MS))
            continue;
        if (tries++ < TRIES_MAX)
            send_question(wire, entry);
        else
            fail(wire, "no answer");
    }
}

static void check_answer(struct wire *wire)
{
    struct comparison comparison = { .arena = wire->arena, .without_keepalive = true };
    if (story_entries_find(&comparison, &wire->step->entries, &wire->answer) == NULL)
        fail(wire, "%s\n%s", comparison.difference, message_to_text(wire->arena, &wire->answer.message));
}

static void pass_time(struct wire *wire)
{
    double seconds;
    if (sscanf(wire->step->rest, "ELAPSE %lf", &seconds) != 1) {
        fail(wire, "TIME_PASSES wants ELAPSE");
        return;
    }
    wire->now_ms += (int64_t)(seconds * 1000);
    write_clock(wire);
}

static void do_step(struct wire *wire)
{
    switch (wire->step->kind) {
    case STEP_QUERY:
        query(wire);
        return;
    case STEP_CHECK_ANSWER:
        check_answer(wire);
        return;
    case STEP_TIME_PASSES:
        pass_time(wire);
        return;
    case STEP_REPLY: /* said by whoever is asked: story_find_reply() */
    case STEP_CHECK_OUT_QUERY:
    case STEP_NOTHING:
        return;
    default:
        fail(wire, "a step that is not of Deckard's dialect");
    }
}

static void check_entries_used(struct wire *wire)
{
    const struct story_range *range;
    const struct story_entry *entry;
    STAILQ_FOREACH(range, &wire->story->ranges, next)
    STAILQ_FOREACH(entry, &range->entries, next)
    if (entry->mandatory && !entry->used)
        fail(wire, "the entry of line %u was never asked for", entry->line);
}

static void tell(struct wire *wire)
{
    STAILQ_FOREACH(wire->step, &wire->story->steps, next)
    {
        printf("%u %s\n", wire->step->number, step_kind_text(wire->step->kind));
        do_step(wire);
        if (wire->failure != NULL)
            return;
    }
    check_entries_used(wire);
}

/* ---- beginning and end ---- */

/* The time that the story begins at; what else it says of its configuration is the resolver's. */
static void set_clock(struct wire *wire)
{
    struct story_config config;
    const char *error;
    if (story_configure(wire->arena, wire->story, &config, &error) != OK)
        fail(wire, "%s", error);
    wire->now_ms = config.start_ms;
    story_config_free(&config);
    write_clock(wire);
}

static void serve_all(struct wire *wire, char **texts, int count)
{
    for (int i = 0; i < count; i++) {
        struct address address;
        if (address_from_text(texts[i], PORT, &address) != OK)
            fail(wire, "%s: no address", texts[i]);
        else
            serve_address(wire, &address);
    }
}

static void run(struct wire *wire, char **servers, int server_count)
{
    set_clock(wire);
    serve_all(wire, servers, server_count);
    if (wire->failure != NULL)
        return;
    puts("ready");
    fflush(stdout);
    getchar();
    tell(wire);
}

int main(int argc, char **argv)
{
    struct wire wire = { .arena = arena_new(), .next_id = CLIENT_ID_FIRST };
    struct random *random = random_seeded_new(1);
    hash_init(random);
    random_free(random);
    if (argc < 4 || address_from_text(argv[3], PORT, &wire.resolver) != OK) {
        fputs("replay-wire FILE CLOCK RESOLVER SERVER...\n", stderr);
        return EX_USAGE;
    }
    wire.clock_path = argv[2];
    const char *error;
    if (story_read(wire.arena, argv[1], &wire.story, &error) != OK)
        fail(&wire, "%s", error);
    else
        run(&wire, argv + 4, argc - 4);
    printf("%s%s\n", wire.failure == NULL ? "passed" : "FAILED ", wire.failure == NULL ? "" : wire.failure);
    for (size_t i = 0; i < wire.socket_count; i++)
        close(wire.sockets[i].fd);
    int code = wire.failure == NULL ? EXIT_SUCCESS : EXIT_FAILURE;
    arena_free(wire.arena);
    return code;
}
