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
#include "message/coding.h"
#include "tools/reply.h"

enum {
    PROTOCOL_VERSION = 1, /* CONTROL_VERSION of control/control.h */
    EX_REFUSED = 1,
    ANSWER_TIMEOUT_S = 60, /* a vouchd that says nothing for so long is not there */
    WORDS_MAX = 2,
    PARAMETERS_MAX = 2,
    CHOICES_MAX = 3,
    LETTER_CHOICE = 256, /* getopt's value for the first of choices[] */
};

enum parameter_kind { PARAMETER_TEXT, PARAMETER_NUMBER };

struct parameter {
    const char *key, *shown;
    enum parameter_kind kind;
    json_int_t max;
};

struct command {
    const char *words[WORDS_MAX];
    struct parameter parameters[PARAMETERS_MAX];
    void (*print)(const struct reply *reply);
    bool is_stream; /* many objects; the last one has "end" */
    const char *help;
    const char *choices[CHOICES_MAX]; /* names of those that it takes */
};

/* Options of single commands.  One that is given becomes a member of the request, text or true. */
static const struct choice {
    const char *name, *key, *shown; /* shown NULL: it has no argument */
    bool is_file;                   /* its argument is one, whose content is sent in base64 */
} choices[] = {
    { "bundle", "bundle", "FILE", true },       { "file", "file", "FILE", true },
    { "signature", "signature", "FILE", true }, { "zone", "zone", "ZONE", false },
    { "window", "window", "1h|1d", false },     { "for", "for", "DURATION", false },
    { "reason", "reason", "TEXT", false },      { "yes-this-is-a-tld", "yes_this_is_a_tld", NULL, false },
};

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
    { { "status" }, .print = reply_print_status, .help = "what runs, with which anchors, since when" },
    { { "stats" }, .print = reply_print_stats, .help = "all counters" },
    { { "metrics" }, .print = reply_print_metrics, .help = "the same as Prometheus reads it" },
    { { "failures" },
      .print = reply_print_failures,
      .help = "zones that fail, and signatures by key",
      .choices = { "zone", "window" } },
    { { "nta", "explain" },
      { NAME("zone", "ZONE") },
      reply_print_explained,
      .help = "what fails there, since when, where, and what it looks like" },
    { { "flush", "name" }, { NAME("name", "NAME") }, reply_print_flushed, .help = "forget all types at a name" },
    { { "flush", "zone" }, { NAME("zone", "ZONE") }, reply_print_flushed, .help = "forget a zone and all below it" },
    { { "flush", "key" },
      { NAME("zone", "ZONE"), NUMBER("key_tag", "TAG", UINT16_MAX) },
      reply_print_flushed_key,
      .help = "forget all that was validated through a key" },
    { { "flush", "all" }, .print = reply_print_flushed, .help = "forget everything" },
    { { "time" }, .print = reply_print_time, .help = "whether the clock is believed, and why" },
    { { "time", "check" }, .print = reply_print_time, .help = "ask the time servers now" },
    { { "ta", "status" },
      .print = reply_print_anchor_status,
      .help = "trust anchors, their states, timers and history" },
    { { "ta", "check" }, .print = reply_print_diagnosis, .help = "compare the root's anchors with what is published" },
    { { "ta", "bootstrap" },
      .print = reply_print_bootstrap,
      .help = "take the root's anchors from root-anchors.xml",
      .choices = { "file", "signature", "bundle" } },
    { { "ta", "refresh" }, .print = reply_print_asked, .help = "ask the zones of all anchors for their keys now" },
    { { "ta", "add" },
      { NAME("anchor", "RECORD") },
      reply_print_done,
      .help = "trust a key: \". DS 20326 8 2 E06D...\"" },
    { { "ta", "remove" },
      { NAME("zone", "ZONE"), NUMBER("key_tag", "TAG", UINT16_MAX) },
      reply_print_done,
      .help = "trust a key no more" },
    { { "nta", "list" }, .print = reply_print_ntas, .help = "negative trust anchors: what is not validated, and why" },
    { { "nta", "history" }, .print = reply_print_nta_history, .help = "when they began and ended, who and why" },
    { { "nta", "add" },
      { NAME("zone", "ZONE") },
      reply_print_nta_added,
      .help = "do not validate a zone for a while: one day, seven at most",
      .choices = { "for", "reason", "yes-this-is-a-tld" } },
    { { "nta", "remove" }, { NAME("zone", "ZONE") }, reply_print_nta_removed, .help = "validate it again" },
    { { "dump-cache" }, .print = reply_print_row, .is_stream = true, .help = "every entry of the cache" },
    { { "reload" }, .print = reply_print_reloaded, .help = "read the configuration again" },
    { { "stop" }, .print = reply_print_stopping, .help = "end vouchd" },
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

static bool takes(const struct command *command, const struct choice *choice)
{
    for (size_t i = 0; i < CHOICES_MAX && command->choices[i] != NULL; i++)
        if (strcmp(command->choices[i], choice->name) == 0)
            return true;
    return false;
}

static void print_command(const struct command *command, FILE *to)
{
    enum { COLUMN = 22 };
    char *words = NULL;
    size_t len;
    FILE *text = open_memstream(&words, &len);
    if (text == NULL)
        return;
    fputs(command->words[0], text);
    if (command->words[1] != NULL)
        fprintf(text, " %s", command->words[1]);
    for (int k = 0; k < parameter_count(command); k++)
        fprintf(text, " %s", command->parameters[k].shown);
    for (size_t i = 0; i < ARRAY_LEN(choices); i++)
        if (takes(command, &choices[i]))
            fprintf(text, " [--%s%s%s]", choices[i].name, choices[i].shown == NULL ? "" : " ",
                    choices[i].shown == NULL ? "" : choices[i].shown);
    fclose(text);
    if (len > COLUMN)
        fprintf(to, "  %s\n  %-*s %s\n", words, COLUMN, "", command->help);
    else
        fprintf(to, "  %-*s %s\n", COLUMN, words, command->help);
    free(words);
}

static void print_usage(FILE *to)
{
    fputs("usage: vouchctl [-s SOCKET] [--json] COMMAND\n", to);
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        print_command(&commands[i], to);
}

/* How many of the words that begin argv are the command's. */
static int words_matched(const struct command *command, int argc, char **argv)
{
    int count = 0;
    while (count < word_count(command) && count < argc && strcmp(argv[count], command->words[count]) == 0)
        count++;
    return count;
}

/* NULL: there is none with so many parameters.  *matched: how many words of a command were there all the same. */
static const struct command *find_command(int argc, char **argv, int *matched)
{
    *matched = 0;
    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        const struct command *command = &commands[i];
        int words = words_matched(command, argc, argv);
        if (words == word_count(command) && argc == words + parameter_count(command))
            return command;
        if (words > *matched)
            *matched = words;
    }
    return NULL;
}

/* Those that begin as the command line does, or else all. */
static int wrong_command(int argc, char **argv, int matched)
{
    if (matched == 0) {
        if (argc > 0)
            fprintf(stderr, "vouchctl: unknown command: %s\n", argv[0]);
        print_usage(stderr);
        return EX_USAGE;
    }
    fprintf(stderr, "vouchctl: %s: expected\n", argv[0]);
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        if (words_matched(&commands[i], argc, argv) == matched)
            print_command(&commands[i], stderr);
    return EX_USAGE;
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

static const char *chosen[ARRAY_LEN(choices)]; /* what the command line says of each; NULL: nothing */

/* NULL after a message: it cannot be read, or is larger than any request may be. */
static json_t *json_of_file(const char *words, const char *path)
{
    struct arena *arena = arena_new();
    struct text text = text_new(arena);
    char *data;
    size_t len;
    json_t *value = NULL;
    enum err err = read_whole_file(path, &data, &len);
    if (err == OK) {
        text_base64(&text, (struct octets) { (const uint8_t *)data, len });
        value = json_string(text.data);
    } else {
        fprintf(stderr, "vouchctl: %s: %s: %s\n", words, path,
                err == ERR_SYSTEM ? strerror(errno) : "larger than any request may be");
    }
    free(data);
    arena_free(arena);
    return value;
}

/* NULL after a message. */
static json_t *choice_value(const struct choice *choice, const char *words, const char *given)
{
    if (choice->shown == NULL)
        return json_true();
    if (choice->is_file)
        return json_of_file(words, given);
    json_t *value = json_string(given);
    if (value == NULL)
        fprintf(stderr, "vouchctl: %s: --%s is not UTF-8\n", words, choice->name);
    return value;
}

/* False after a message: usage. */
static bool add_choices(const struct command *command, const char *words, json_t *request)
{
    for (size_t i = 0; i < ARRAY_LEN(choices); i++) {
        const struct choice *choice = &choices[i];
        if (chosen[i] == NULL)
            continue;
        if (!takes(command, choice)) {
            fprintf(stderr, "vouchctl: %s: takes no --%s\n", words, choice->name);
            return false;
        }
        json_t *value = choice_value(choice, words, chosen[i]);
        if (value == NULL)
            return false;
        json_object_set_new(request, choice->key, value);
    }
    return true;
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
    char *line = add_choices(command, words, request) ? json_dumps(request, JSON_COMPACT | JSON_ENSURE_ASCII) : NULL;
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
    fprintf(stderr, "vouchctl: %s\n", reply_text(error, "text"));
    if (json_string_length(json_object_get(error, "hint")) > 0)
        fprintf(stderr, "%s\n", reply_text(error, "hint"));
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
    struct reply reply = { .object = object, .parameters = arguments };
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

static const char *socket_path = CONTROL_SOCKET_DEFAULT;

enum { OPTIONS_OF_ALL = 4 };

/* The options of all commands, and those of single ones behind them. */
static const struct option *list_options(void)
{
    static struct option list[OPTIONS_OF_ALL + ARRAY_LEN(choices) + 1] = {
        { "socket", required_argument, NULL, 's' },
        { "json", no_argument, NULL, 'j' },
        { "help", no_argument, NULL, 'h' },
        { "version", no_argument, NULL, 'V' },
    };
    for (size_t i = 0; i < ARRAY_LEN(choices); i++)
        list[OPTIONS_OF_ALL + i] =
            (struct option) { choices[i].name, choices[i].shown == NULL ? no_argument : required_argument, NULL,
                              LETTER_CHOICE + (int)i };
    return list;
}

/* An exit code, or -1: go on. */
static int take_option(int letter)
{
    switch (letter) {
    case 's':
        socket_path = optarg;
        return -1;
    case 'j':
        wants_json = true;
        return -1;
    case 'h':
        print_usage(stdout);
        return EX_OK;
    case 'V':
        puts("vouchctl " BUILD_VERSION);
        return EX_OK;
    case '?':
        print_usage(stderr);
        return EX_USAGE;
    default:
        chosen[letter - LETTER_CHOICE] = optarg == NULL ? "" : optarg;
        return -1;
    }
}

int main(int argc, char **argv)
{
    const struct option *options = list_options();
    int letter, code = -1;
    while (code < 0 && (letter = getopt_long(argc, argv, "s:h", options, NULL)) != -1)
        code = take_option(letter);
    if (code >= 0)
        return code;
    int matched;
    const struct command *command = find_command(argc - optind, argv + optind, &matched);
    if (command == NULL)
        return wrong_command(argc - optind, argv + optind, matched);
    char **arguments = argv + optind + word_count(command);
    char *request = request_of(command, arguments);
    if (request == NULL)
        return EX_USAGE;
    code = ask(socket_path, command, request, arguments);
    free(request);
    if (fflush(stdout) != 0)
        return fail(EX_IOERR, "output", "cannot write the answer", "");
    return code;
}
