/* The load generator: asks, judges every reply, prints one JSON object.  See README.md. */
#include "load.h"

#include <arpa/inet.h>
#include <err.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

static const char usage_text[] =
    "usage: load --questions FILE [--server ADDRESS] [--port N] [--mode hits|once|rate|first] [--window N]\n"
    "            [--seconds S] [--rate N] [--timeout S] [--tcp] [--connections N] [--unjudged] [--wire]\n";

static const char *const mode_names[] = {
    [MODE_HITS] = "hits", [MODE_ONCE] = "once", [MODE_RATE] = "rate", [MODE_FIRST] = "first"
};

static _Noreturn void usage(void)
{
    fputs(usage_text, stderr);
    exit(EX_USAGE);
}

static enum mode mode_parse(const char *text)
{
    for (size_t i = 0; i < sizeof(mode_names) / sizeof(mode_names[0]); i++)
        if (strcmp(text, mode_names[i]) == 0)
            return (enum mode)i;
    usage();
}

static double number_parse(const char *text, double least, double most)
{
    char *end;
    double number = strtod(text, &end);
    if (*end != '\0' || !(number >= least && number <= most))
        errx(EX_USAGE, "%s: a number from %g to %g is expected", text, least, most);
    return number;
}

static void server_parse(struct load *load, const char *address, unsigned port)
{
    struct sockaddr_in *four = (struct sockaddr_in *)&load->server;
    struct sockaddr_in6 *six = (struct sockaddr_in6 *)&load->server;
    if (inet_pton(AF_INET, address, &four->sin_addr) == 1) {
        four->sin_family = AF_INET;
        four->sin_port = htons((uint16_t)port);
        load->server_octets = sizeof(*four);
    } else if (inet_pton(AF_INET6, address, &six->sin6_addr) == 1) {
        six->sin6_family = AF_INET6;
        six->sin6_port = htons((uint16_t)port);
        load->server_octets = sizeof(*six);
    } else {
        errx(EX_USAGE, "%s: not an address", address);
    }
}

static void refuse_contradictions(const struct load *load)
{
    if (!load->tcp && load->mode != MODE_RATE && load->connections > 1)
        errx(EX_USAGE, "--connections: not over UDP in mode %s", mode_names[load->mode]);
    if (load->tcp && (load->mode == MODE_RATE || load->mode == MODE_FIRST))
        errx(EX_USAGE, "--tcp: not in mode %s", mode_names[load->mode]);
    if (load->wire && load->mode != MODE_RATE)
        errx(EX_USAGE, "--wire: not in mode %s", mode_names[load->mode]);
}

/* The options that say how the questions are asked. */
static void take_manner(struct load *load, int option)
{
    switch (option) {
    case 'm':
        load->mode = mode_parse(optarg);
        break;
    case 't':
        load->tcp = true;
        break;
    case 'c':
        load->connections = (unsigned)number_parse(optarg, 1, CONNECTIONS_MAX);
        break;
    case 'w':
        load->window = (unsigned)number_parse(optarg, 1, WINDOW_MAX);
        break;
    case 'd':
        load->seconds = number_parse(optarg, 0, 3600);
        break;
    case 'r':
        load->rate = number_parse(optarg, 1, 1e7);
        break;
    case 'o':
        load->timeout_ns = (int64_t)(number_parse(optarg, 0, 3600) * 1e9);
        break;
    case 'u':
        load->judge = false;
        break;
    case 'i':
        load->wire = true;
        break;
    default:
        usage();
    }
}

static void options_parse(struct load *load, int argc, char **argv)
{
    static const struct option options[] = {
        { "questions", required_argument, NULL, 'q' },
        { "server", required_argument, NULL, 's' },
        { "port", required_argument, NULL, 'p' },
        { "mode", required_argument, NULL, 'm' },
        { "tcp", no_argument, NULL, 't' },
        { "connections", required_argument, NULL, 'c' },
        { "window", required_argument, NULL, 'w' },
        { "seconds", required_argument, NULL, 'd' },
        { "rate", required_argument, NULL, 'r' },
        { "timeout", required_argument, NULL, 'o' },
        { "unjudged", no_argument, NULL, 'u' },
        { "wire", no_argument, NULL, 'i' },
        { NULL, 0, NULL, 0 },
    };
    const char *server = "127.0.0.1", *questions = NULL;
    unsigned port = 53;
    int option;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == 'q')
            questions = optarg;
        else if (option == 's')
            server = optarg;
        else if (option == 'p')
            port = (unsigned)number_parse(optarg, 1, 65535);
        else
            take_manner(load, option);
    }
    if (load->connections == 0)
        load->connections = load->tcp ? CONNECTIONS : 1;
    if (questions == NULL || optind != argc || load->connections > load->window)
        usage();
    refuse_contradictions(load);
    server_parse(load, server, port);
    load->questions = questions_read(questions);
}

bool load_goes_on(const struct load *load, int64_t now_ns)
{
    return load->mode == MODE_ONCE ? load->next < load->questions.count : now_ns < load->until_ns;
}

const struct question *load_next_question(struct load *load)
{
    if (load->mode == MODE_ONCE)
        return &load->questions.list[load->next++];
    return &load->questions.list[next_random(&load->random) % load->questions.count];
}

static void load_run(struct load *load)
{
    if (load->tcp)
        tcp_window(load);
    else if (load->mode == MODE_RATE)
        udp_rate(load);
    else if (load->mode == MODE_FIRST)
        udp_first(load);
    else
        udp_window(load);
}

int main(int argc, char **argv)
{
    static struct load load = {
        .judge = true,
        .window = 128,
        .seconds = 3,
        .rate = 20000,
        .timeout_ns = INT64_C(2000000000),
        .random = UINT64_C(0x853c49e6748fea9b),
    };
    options_parse(&load, argc, argv);
    load.tally.started_ns = clock_ns();
    load.until_ns = load.tally.started_ns + (int64_t)(load.seconds * 1e9);
    load_run(&load);
    load.tally.ended_ns = clock_ns();
    tally_print(&load.tally);
    questions_free(&load.questions);
    return EX_OK;
}
