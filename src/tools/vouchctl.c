/* vouchctl: asks and orders a running vouchd over its control socket.
 * Exit code: 0 done, 1 refused, 64 usage, 69 no vouchd there. */
#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sysexits.h>
#include <unistd.h>

#include "build_info.h"
#include "config/config.h"

enum {
    PROTOCOL_VERSION = 1, /* CONTROL_VERSION of control/control.h */
    EX_REFUSED = 1,
    ANSWER_TIMEOUT_S = 60, /* a vouchd that says nothing for so long is not there */
    WORDS_MAX = 2,
    PARAMETERS_MAX = 2,
};

enum parameter_kind { PARAMETER_TEXT, PARAMETER_NUMBER };

struct parameter {
    const char *key, *shown;
    enum parameter_kind kind;
    json_int_t max;
};

/* One reply on its way to the terminal. */
struct reply {
    const json_t *object;
    int argc; /* the parameters as written */
    char **argv;
};

struct command {
    const char *words[WORDS_MAX];
    struct parameter parameters[PARAMETERS_MAX];
    void (*print)(const struct reply *reply);
    bool is_stream; /* many objects; the last one has "end" */
    const char *help;
};

/* ---- text for people ---- */

/* Names and reasons come from the network: nothing but printable ASCII reaches the terminal. */
static void print_text(const char *text)
{
    for (const unsigned char *at = (const unsigned char *)text; *at != '\0'; at++) {
        if (*at >= 0x20 && *at < 0x7f)
            putchar(*at);
        else
            printf("\\%03u", *at);
    }
}

static void print_value(const json_t *value)
{
    if (json_is_integer(value))
        printf("%" JSON_INTEGER_FORMAT, json_integer_value(value));
    else if (json_is_boolean(value))
        fputs(json_is_true(value) ? "yes" : "no", stdout);
    else
        print_text(json_is_string(value) ? json_string_value(value) : "-");
}

static void print_field(const char *label, const json_t *value)
{
    printf("%-14s", label);
    print_value(value);
    putchar('\n');
}

static json_int_t number_of(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text == NULL ? "-" : text;
}

static void print_anchors(const json_t *trust)
{
    size_t i;
    const json_t *anchor;
    json_array_foreach(json_object_get(trust, "anchors"), i, anchor)
    {
        printf("%-14s", i == 0 ? "anchors" : "");
        print_text(text_of(anchor, "zone"));
        printf(" %" JSON_INTEGER_FORMAT " (algorithm %" JSON_INTEGER_FORMAT ", ", number_of(anchor, "key_tag"),
               number_of(anchor, "algorithm"));
        print_text(text_of(anchor, "type"));
        printf(", ");
        print_text(text_of(anchor, "source"));
        printf(")\n");
    }
}

static void print_cache(const json_t *cache)
{
    double hits = (double)number_of(cache, "hits"), all = hits + (double)number_of(cache, "misses");
    printf("%-14s%" JSON_INTEGER_FORMAT " entries, %.1f of %.1f MiB", "cache", number_of(cache, "entries"),
           (double)number_of(cache, "used_octets") / (1 << 20), (double)number_of(cache, "size_octets") / (1 << 20));
    if (all > 0)
        printf(", %.1f %% hits", 100 * hits / all);
    putchar('\n');
}

static void print_status(const struct reply *reply)
{
    const json_t *status = reply->object, *trust = json_object_get(status, "trust"), *address;
    size_t i;
    print_field("vouchd", json_object_get(status, "vouchd"));
    print_field("process", json_object_get(status, "pid"));
    print_field("started", json_object_get(status, "started"));
    print_field("now", json_object_get(status, "now"));
    print_field("clock is fit", json_object_get(status, "clock_is_fit"));
    print_field("configuration", json_object_get(status, "config"));
    print_field("workers", json_object_get(status, "workers"));
    json_array_foreach(json_object_get(status, "listen"), i, address) print_field(i == 0 ? "listen" : "", address);
    print_field("trust model", json_object_get(trust, "model"));
    print_anchors(trust);
    print_field("negative", json_object_get(trust, "negative_anchors"));
    print_field("insecure", json_object_get(trust, "insecure_zones"));
    print_cache(json_object_get(status, "cache"));
}

static void print_stats(const struct reply *reply)
{
    int width = 0;
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)reply->object, name, value) width =
        (int)strlen(name) > width ? (int)strlen(name) : width;
    json_object_foreach((json_t *)reply->object, name, value)
    {
        if (strcmp(name, "version") == 0)
            continue;
        print_text(name);
        printf("%*s  ", width - (int)strlen(name), "");
        print_value(value);
        putchar('\n');
    }
}

static void print_flushed(const struct reply *reply)
{
    json_int_t entries = number_of(reply->object, "entries");
    printf("%" JSON_INTEGER_FORMAT " %s flushed\n", entries, entries == 1 ? "entry" : "entries");
}

static void print_flushed_key(const struct reply *reply)
{
    if (number_of(reply->object, "keys") > 0) {
        print_flushed(reply);
        return;
    }
    printf("nothing flushed: no key of ");
    print_text(reply->argv[0]);
    printf(" with tag ");
    print_text(reply->argv[1]);
    printf(" is known\n");
}

/* ---- trust anchors ---- */

static void print_key(const json_t *key)
{
    print_text(text_of(key, "zone"));
    printf(" %" JSON_INTEGER_FORMAT " (algorithm %" JSON_INTEGER_FORMAT ")  ", number_of(key, "key_tag"),
           number_of(key, "algorithm"));
    printf("%s, %s, %s%s", text_of(key, "rfc5011"), text_of(key, "rfc7583"), text_of(key, "source"),
           json_is_true(json_object_get(key, "running")) ? "" : ", not trusted");
    printf(", since %s", text_of(key, "since"));
    if (json_is_string(json_object_get(key, "hold_down_ends")))
        printf(", hold-down until %s", text_of(key, "hold_down_ends"));
    putchar('\n');
}

static void print_refreshes(const json_t *zone)
{
    printf("zone ");
    print_text(text_of(zone, "zone"));
    printf("  refreshed %s, next %s", text_of(zone, "last_refreshed"), text_of(zone, "next_refresh"));
    if (number_of(zone, "failures") > 0)
        printf(", failed %" JSON_INTEGER_FORMAT " times: %s", number_of(zone, "failures"), text_of(zone, "failure"));
    putchar('\n');
}

static void print_change(const json_t *row)
{
    printf("%s  ", text_of(row, "time"));
    print_text(text_of(row, "zone"));
    printf(" %" JSON_INTEGER_FORMAT "  ", number_of(row, "key_tag"));
    print_text(text_of(row, "what"));
    printf(": ");
    print_text(text_of(row, "why"));
    printf(" (");
    print_text(text_of(row, "who"));
    printf(")\n");
}

static void print_all(const json_t *list, void (*print)(const json_t *item))
{
    size_t i;
    const json_t *item;
    json_array_foreach(list, i, item) print(item);
}

static void print_anchor_status(const struct reply *reply)
{
    const json_t *status = reply->object;
    print_field("updates", json_object_get(status, "automatic_update"));
    print_field("signals", json_object_get(status, "signal_anchors"));
    print_field("store", json_object_get(status, "store"));
    print_all(json_object_get(status, "anchors"), print_key);
    print_all(json_object_get(status, "zones"), print_refreshes);
    print_all(json_object_get(status, "history"), print_change);
}

static void print_asked(const struct reply *reply)
{
    printf("asked %" JSON_INTEGER_FORMAT " zones; see vouchctl ta status\n", number_of(reply->object, "zones"));
}

static void print_done(const struct reply *reply)
{
    (void)reply;
    printf("done\n");
}

static void print_row(const struct reply *reply)
{
    const json_t *row = reply->object;
    const json_t *ede = json_object_get(row, "ede");
    print_text(text_of(row, "name"));
    putchar('\t');
    print_text(text_of(row, "type"));
    printf("\t%s\t%s\t", text_of(row, "kind"), text_of(row, "security"));
    print_value(ede);
    printf("\t%" JSON_INTEGER_FORMAT "\t", number_of(row, "ttl_s"));
    print_text(text_of(row, "lineage"));
    putchar('\n');
}

static void print_reloaded(const struct reply *reply)
{
    size_t i;
    const json_t *note;
    printf("reloaded\n");
    json_array_foreach(json_object_get(reply->object, "notes"), i, note)
    {
        print_value(note);
        putchar('\n');
    }
}

/* ---- time ---- */

static void print_sources(const json_t *sources)
{
    size_t i;
    const json_t *source;
    json_array_foreach(sources, i, source)
    {
        printf("%-14s", i == 0 ? "servers" : "");
        print_text(text_of(source, "address"));
        printf(" %s", text_of(source, "state"));
        if (json_object_get(source, "offset_s") != NULL)
            printf(", %+.3f s from our time, give or take %.3f s, stratum %" JSON_INTEGER_FORMAT,
                   json_real_value(json_object_get(source, "offset_s")),
                   json_real_value(json_object_get(source, "error_s")), number_of(source, "stratum"));
        if (json_object_get(source, "kiss") != NULL) {
            printf(": ");
            print_text(text_of(source, "kiss"));
        }
        putchar('\n');
    }
}

/* RFC 8915. */
static void print_authenticated(const json_t *sources)
{
    size_t i, count = 0;
    const json_t *source;
    json_array_foreach(sources, i, source) count += json_is_true(json_object_get(source, "authenticated"));
    printf("%-14s%zu of %zu servers%s\n", "authenticated", count, json_array_size(sources),
           count == 0 ? ": let the daemon that sets the clock use NTS (RFC 8915), SNTP can be forged" : "");
}

static void print_floors(const json_t *floors)
{
    const char *name;
    json_t *floor;
    bool is_first = true;
    json_object_foreach((json_t *)floors, name, floor)
    {
        if (json_is_null(floor))
            continue;
        printf("%-14s%s (%s)\n", is_first ? "floors" : "", text_of(floors, name), name);
        is_first = false;
    }
    if (is_first)
        printf("%-14snone\n", "floors");
}

static void print_jump(const json_t *time)
{
    const json_t *jump = json_object_get(time, "last_jump");
    printf("%-14s%" JSON_INTEGER_FORMAT, "jumps", number_of(time, "jumps"));
    if (json_is_object(jump))
        printf(", the last one by %+.3f s, seen %s", json_real_value(json_object_get(jump, "by_s")),
               text_of(jump, "seen"));
    putchar('\n');
}

static void print_time(const struct reply *reply)
{
    const json_t *time = reply->object, *reason;
    size_t i;
    print_field("now", json_object_get(time, "now"));
    print_field("clock", json_object_get(time, "clock"));
    json_array_foreach(json_object_get(time, "reasons"), i, reason)
        print_field(i == 0 ? "because" : "", json_object_get(reason, "text"));
    print_field("held", json_object_get(time, "held"));
    print_field("kernel", json_object_get(time, "kernel"));
    print_floors(json_object_get(time, "floors"));
    print_sources(json_object_get(time, "sources"));
    print_authenticated(json_object_get(time, "sources"));
    print_field("last check", json_object_get(time, "last_check"));
    print_jump(time);
    if (json_array_size(json_object_get(time, "reasons")) > 0)
        printf("What to do: set the clock, let a daemon keep it, and name three or more servers in time.servers.\n");
}

static void print_stopping(const struct reply *reply)
{
    (void)reply;
    printf("stopping\n");
}

/* ---- the table ---- */

#define NAME(key_, shown_)                                                                                             \
    {                                                                                                                  \
        .key = (key_), .shown = (shown_)                                                                               \
    }
#define NUMBER(key_, shown_, max_)                                                                                     \
    {                                                                                                                  \
        .key = (key_), .shown = (shown_), .kind = PARAMETER_NUMBER, .max = (max_)                                      \
    }

static const struct command commands[] = {
    { { "status" }, .print = print_status, .help = "what runs, with which anchors, since when" },
    { { "stats" }, .print = print_stats, .help = "all counters" },
    { { "flush", "name" }, { NAME("name", "NAME") }, print_flushed, .help = "forget all types at a name" },
    { { "flush", "zone" }, { NAME("zone", "ZONE") }, print_flushed, .help = "forget a zone and all below it" },
    { { "flush", "key" },
      { NAME("zone", "ZONE"), NUMBER("key_tag", "TAG", UINT16_MAX) },
      print_flushed_key,
      .help = "forget all that was validated through a key" },
    { { "flush", "all" }, .print = print_flushed, .help = "forget everything" },
    { { "time" }, .print = print_time, .help = "whether the clock is believed, and why" },
    { { "time", "check" }, .print = print_time, .help = "ask the time servers now" },
    { { "ta", "status" }, .print = print_anchor_status, .help = "trust anchors, their states, timers and history" },
    { { "ta", "refresh" }, .print = print_asked, .help = "ask the zones of all anchors for their keys now" },
    { { "ta", "add" }, { NAME("anchor", "RECORD") }, print_done, .help = "trust a key: \". DS 20326 8 2 E06D...\"" },
    { { "ta", "remove" },
      { NAME("zone", "ZONE"), NUMBER("key_tag", "TAG", UINT16_MAX) },
      print_done,
      .help = "trust a key no more" },
    { { "dump-cache" }, .print = print_row, .is_stream = true, .help = "every entry of the cache" },
    { { "reload" }, .print = print_reloaded, .help = "read the configuration again" },
    { { "stop" }, .print = print_stopping, .help = "end vouchd" },
};

static int word_count(const struct command *command)
{
    return command->words[1] == NULL ? 1 : 2;
}

static int parameter_count(const struct command *command)
{
    int count = 0;
    while (count < PARAMETERS_MAX && command->parameters[count].key != NULL)
        count++;
    return count;
}

static void print_usage(FILE *to)
{
    fputs("usage: vouchctl [-s SOCKET] [--json] COMMAND\n", to);
    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        const struct command *command = &commands[i];
        char words[64];
        int len = snprintf(words, sizeof(words), "%s", command->words[0]);
        if (command->words[1] != NULL)
            len += snprintf(words + len, sizeof(words) - (size_t)len, " %s", command->words[1]);
        for (int k = 0; k < parameter_count(command); k++)
            len += snprintf(words + len, sizeof(words) - (size_t)len, " %s", command->parameters[k].shown);
        fprintf(to, "  %-22s %s\n", words, command->help);
    }
}

static const struct command *find_command(int argc, char **argv)
{
    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        const struct command *command = &commands[i];
        int words = word_count(command);
        bool is_it = argc == words + parameter_count(command);
        for (int k = 0; k < words && is_it; k++)
            is_it = strcmp(argv[k], command->words[k]) == 0;
        if (is_it)
            return command;
    }
    return NULL;
}

/* ---- the request ---- */

/* NULL: not what the parameter wants. */
static json_t *parameter_value(const struct parameter *parameter, const char *text)
{
    if (parameter->kind == PARAMETER_TEXT)
        return json_string(text);
    char *end;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    bool is_good = errno == 0 && end != text && *end == '\0' && number >= 0 && number <= parameter->max;
    return is_good ? json_integer(number) : NULL;
}

/* One line, malloc'd; NULL after a message: usage. */
static char *request_of(const struct command *command, char **arguments)
{
    char words[64];
    snprintf(words, sizeof(words), "%s%s%s", command->words[0], command->words[1] == NULL ? "" : " ",
             command->words[1] == NULL ? "" : command->words[1]);
    json_t *request = json_pack("{s:i,s:s}", "version", PROTOCOL_VERSION, "command", words);
    for (int i = 0; i < parameter_count(command); i++) {
        const struct parameter *parameter = &command->parameters[i];
        json_t *value = parameter_value(parameter, arguments[i]);
        if (value == NULL) {
            fprintf(stderr, "vouchctl: %s: not a good %s: %s\n", words, parameter->shown, arguments[i]);
            json_decref(request);
            return NULL;
        }
        json_object_set_new(request, parameter->key, value);
    }
    char *line = json_dumps(request, JSON_COMPACT | JSON_ENSURE_ASCII);
    json_decref(request);
    return line;
}

/* ---- answers ---- */

static bool wants_json;

static void print_object(const json_t *object)
{
    json_dumpf(object, stdout, JSON_COMPACT | JSON_ENSURE_ASCII);
    putchar('\n');
}

static int refused(const json_t *object)
{
    const json_t *error = json_object_get(object, "error");
    if (wants_json) {
        print_object(object);
        return EX_REFUSED;
    }
    fflush(stdout);
    fprintf(stderr, "vouchctl: %s\n", text_of(error, "text"));
    if (json_string_length(json_object_get(error, "hint")) > 0)
        fprintf(stderr, "%s\n", text_of(error, "hint"));
    return EX_REFUSED;
}

/* The same form for what goes wrong on this side. */
static int fail(int code, const char *name, const char *text, const char *hint)
{
    json_t *object = json_pack("{s:i,s:{s:s,s:s,s:s}}", "version", PROTOCOL_VERSION, "error", "code", name, "text",
                               text, "hint", hint);
    refused(object);
    json_decref(object);
    return code;
}

static int no_vouchd(const char *path, int error)
{
    char text[256];
    snprintf(text, sizeof(text), "%s: %s", path, strerror(error));
    if (error == EACCES || error == EPERM)
        return fail(EX_REFUSED, "not-permitted", text, "ask as root or as a member of the group of the socket");
    return fail(EX_UNAVAILABLE, "unavailable", text, "is vouchd running, and is this its control-socket?");
}

static int show(const struct command *command, const json_t *object, char **arguments)
{
    if (json_object_get(object, "error") != NULL)
        return refused(object);
    if (wants_json) {
        print_object(object);
        return EX_OK;
    }
    struct reply reply = { .object = object, .argc = parameter_count(command), .argv = arguments };
    command->print(&reply);
    return EX_OK;
}

static int show_all(const struct command *command, FILE *from, const char *path, char **arguments)
{
    int code = EX_OK;
    bool is_whole = false;
    json_t *object;
    while (code == EX_OK && !is_whole &&
           (object = json_loadf(from, JSON_DISABLE_EOF_CHECK | JSON_REJECT_DUPLICATES, NULL)) != NULL) {
        bool is_end = command->is_stream && json_is_true(json_object_get(object, "end"));
        if (!is_end)
            code = show(command, object, arguments);
        is_whole = is_end || !command->is_stream;
        json_decref(object);
    }
    if (code == EX_OK && !is_whole)
        return fail(EX_UNAVAILABLE, "cut-short", "the answer was cut short", path);
    return code;
}

/* ---- the socket ---- */

static int connect_to(const char *path)
{
    const struct timeval timeout = { .tv_sec = ANSWER_TIMEOUT_S };
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    if (strlen(path) >= sizeof(address.sun_path)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    strcpy(address.sun_path, path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
    if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0)
        return fd;
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

static bool send_line(int fd, const char *line)
{
    size_t len = strlen(line);
    struct iovec parts[] = { { (void *)line, len }, { (void *)"\n", 1 } };
    struct msghdr message = { .msg_iov = parts, .msg_iovlen = 2 };
    return sendmsg(fd, &message, MSG_NOSIGNAL) == (ssize_t)len + 1;
}

static int ask(const char *path, const struct command *command, const char *request, char **arguments)
{
    int fd = connect_to(path);
    if (fd < 0)
        return no_vouchd(path, errno);
    FILE *from = fdopen(fd, "r");
    int code =
        from != NULL && send_line(fd, request) ? show_all(command, from, path, arguments) : no_vouchd(path, errno);
    if (from != NULL)
        fclose(from);
    else
        close(fd);
    return code;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        { "socket", required_argument, NULL, 's' },
        { "json", no_argument, NULL, 'j' },
        { "help", no_argument, NULL, 'h' },
        { "version", no_argument, NULL, 'V' },
        { NULL, 0, NULL, 0 },
    };
    const char *path = CONTROL_SOCKET_DEFAULT;
    int letter;
    while ((letter = getopt_long(argc, argv, "s:h", options, NULL)) != -1) {
        switch (letter) {
        case 's':
            path = optarg;
            break;
        case 'j':
            wants_json = true;
            break;
        case 'h':
            print_usage(stdout);
            return EX_OK;
        case 'V':
            puts("vouchctl " BUILD_VERSION);
            return EX_OK;
        default:
            print_usage(stderr);
            return EX_USAGE;
        }
    }
    const struct command *command = find_command(argc - optind, argv + optind);
    if (command == NULL) {
        print_usage(stderr);
        return EX_USAGE;
    }
    char **arguments = argv + optind + word_count(command);
    char *request = request_of(command, arguments);
    if (request == NULL)
        return EX_USAGE;
    int code = ask(path, command, request, arguments);
    free(request);
    if (fflush(stdout) != 0)
        return fail(EX_IOERR, "output", "cannot write the answer", "");
    return code;
}
