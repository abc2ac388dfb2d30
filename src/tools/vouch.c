/* vouch: looks a name up, validates by itself (or asks a resolver to), prints records, state and chain of trust. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "build_info.h"
#include "base/hash.h"
#include "lib/driver.h"
#include "policy/local.h"
#include "tools/picture.h"
#include "tools/stub.h"
#include "transport/loop.h"

enum {
    SOCKETS_MAX = 64,
    FILE_OCTETS_MAX = 1 << 20,
    CACHE_OCTETS = 16 << 20, /* of one name's way from the root, with room to spare */
    EXIT_BOGUS = 1,
    EXIT_NO_ANSWER = 2,
};

struct arguments {
    struct question question;
    bool stub, checking_disabled, json;
    bool has_server;
    struct address server;
    const char *root_hints, *anchor;
};

static const char usage[] =
    "usage: vouch [--stub] [--cd] [@SERVER[:PORT]] NAME [TYPE] [--root-hints FILE] [--anchor FILE] [--json]\n"
    "\n"
    "Resolves NAME from the root, or through SERVER, and validates by itself.\n"
    "  --stub             ask SERVER (or the first of /etc/resolv.conf) and believe its AD bit\n"
    "  --cd               do not validate\n"
    "  --root-hints FILE  other root servers than those of the Internet (master format)\n"
    "  --anchor FILE      other trust anchors than those of IANA (DS or DNSKEY, master format)\n"
    "  --json             for programs\n"
    "  --version\n"
    "Exit code: 0 secure or insecure, 1 bogus, 2 indeterminate or no answer, 64 usage.\n";

static void __attribute__((noreturn)) wrong_usage(const char *problem, const char *what)
{
    fprintf(stderr, "vouch: %s: %s\n%s", problem, what, usage);
    exit(EX_USAGE);
}

/* problem may quote the file: nothing but printable ASCII of it reaches the terminal. */
static void __attribute__((noreturn)) wrong_file(const char *path, const char *problem)
{
    fprintf(stderr, "vouch: %s: ", path);
    for (const unsigned char *at = (const unsigned char *)problem; *at != '\0'; at++)
        fprintf(stderr, *at >= 0x20 && *at < 0x7f ? "%c" : "\\%03u", *at);
    fputc('\n', stderr);
    exit(EX_USAGE);
}

/* ---- arguments ---- */

/* "192.0.2.1", "192.0.2.1:5353", "2001:db8::1", "[2001:db8::1]:5353"; also with @port as vouchd's configuration has
 * it. */
static enum err parse_server(const char *text, struct address *address)
{
    char host[ADDRESS_TEXT_MAX];
    if (address_from_text(text, 53, address) == OK)
        return OK;
    const char *colon = strrchr(text, ':');
    if (colon == NULL || (size_t)(colon - text) >= sizeof(host))
        return ERR_FORMAT;
    char *end;
    unsigned long port = strtoul(colon + 1, &end, 10);
    if (end == colon + 1 || *end != '\0' || port == 0 || port > UINT16_MAX)
        return ERR_FORMAT;
    bool bracketed = text[0] == '[' && colon > text && colon[-1] == ']';
    snprintf(host, sizeof(host), "%.*s", (int)(colon - text) - (bracketed ? 2 : 0), text + (bracketed ? 1 : 0));
    return address_from_text(host, (uint16_t)port, address);
}

static const char *value_of(char **argv, int argc, int *at)
{
    if (*at + 1 >= argc)
        wrong_usage("needs a value", argv[*at]);
    return argv[++*at];
}

static void __attribute__((noreturn)) print_and_exit(const char *text)
{
    fputs(text, stdout);
    exit(fflush(stdout) == 0 ? EX_OK : EX_IOERR);
}

static void take_option(char **argv, int argc, int *at, struct arguments *arguments)
{
    const char *word = argv[*at];
    if (strcmp(word, "--stub") == 0)
        arguments->stub = true;
    else if (strcmp(word, "--cd") == 0)
        arguments->checking_disabled = true;
    else if (strcmp(word, "--json") == 0)
        arguments->json = true;
    else if (strcmp(word, "--root-hints") == 0)
        arguments->root_hints = value_of(argv, argc, at);
    else if (strcmp(word, "--anchor") == 0)
        arguments->anchor = value_of(argv, argc, at);
    else if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)
        print_and_exit(usage);
    else if (strcmp(word, "--version") == 0)
        print_and_exit("vouch " BUILD_VERSION "\n");
    else
        wrong_usage("unknown option", word);
}

/* The n-th word that is neither an option nor a server. */
static void take_word(const char *word, int n, struct arguments *arguments)
{
    if (n == 0 && dname_from_text(word, &arguments->question.qname) != OK)
        wrong_usage("not a domain name", word);
    if (n == 1 && rr_type_from_text(word, &arguments->question.qtype) != OK)
        wrong_usage("not an RR type", word);
    if (n > 1)
        wrong_usage("one word too many", word);
}

static struct arguments parse_arguments(int argc, char **argv)
{
    struct arguments arguments = { .question = { .qtype = TYPE_A, .qclass = CLASS_IN } };
    bool options_are_over = false; /* behind "--": names may begin with a hyphen */
    int words = 0;
    for (int i = 1; i < argc; i++) {
        if (!options_are_over && strcmp(argv[i], "--") == 0) {
            options_are_over = true;
        } else if (!options_are_over && argv[i][0] == '-') {
            take_option(argv, argc, &i, &arguments);
        } else if (argv[i][0] == '@') {
            if (parse_server(argv[i] + 1, &arguments.server) != OK)
                wrong_usage("not an address", argv[i]);
            arguments.has_server = true;
        } else {
            take_word(argv[i], words++, &arguments);
        }
    }
    if (words == 0)
        wrong_usage("NAME is missing", "nothing to look up");
    if (arguments.stub && (arguments.root_hints != NULL || arguments.anchor != NULL))
        wrong_usage("has no use with --stub", arguments.anchor != NULL ? "--anchor" : "--root-hints");
    return arguments;
}

static char *read_file(const char *path, struct arena *arena, size_t *len)
{
    FILE *file = fopen(path, "re");
    if (file == NULL)
        wrong_file(path, strerror(errno));
    char *text = arena_alloc(arena, FILE_OCTETS_MAX + 1);
    *len = fread(text, 1, FILE_OCTETS_MAX + 1, file);
    if (ferror(file))
        wrong_file(path, strerror(errno));
    if (*len > FILE_OCTETS_MAX)
        wrong_file(path, "larger than 1 MiB");
    fclose(file);
    return text;
}

/* ---- what the resolver is made of ---- */

static struct trust *make_trust(const struct arguments *arguments, struct arena *arena)
{
    struct trust *trust = trust_new();
    if (arguments->anchor == NULL) {
        trust_add_built_in(trust);
        return trust;
    }
    size_t len, added;
    char *error = NULL;
    const char *text = read_file(arguments->anchor, arena, &len);
    if (trust_add_text(trust, text, len, ANCHOR_FILE, &added, &error) != OK)
        wrong_file(arguments->anchor, error);
    if (added == 0)
        wrong_file(arguments->anchor, "no DS or DNSKEY record in it");
    return trust;
}

static struct resolver_options make_options(const struct arguments *arguments, struct arena *arena)
{
    struct resolver_options options = resolver_options_default(arena);
    options.nxdomain_cut = false;
    options.aggressive_nsec = false; /* each link of a chain shows its own proof */
    if (arguments->root_hints != NULL) {
        size_t len;
        const char *error, *text = read_file(arguments->root_hints, arena, &len);
        if (root_hints_from_text(arena, text, len, &options.root_hints, &error) != OK)
            wrong_file(arguments->root_hints, error);
        /* Whoever brings a root of their own may have it anywhere. */
        struct prefix *everywhere = ARENA_ARRAY(arena, 2, struct prefix);
        everywhere[0].address.family = 4;
        everywhere[1].address.family = 6;
        options.query_private = everywhere;
        options.query_private_count = 2;
    }
    if (arguments->has_server) {
        struct zone_rule *rule = ARENA_NEW(arena, struct zone_rule);
        rule->zone = *dname_root();
        rule->kind = ZONE_RULE_FORWARD_ONLY;
        rule->addresses[0] = arguments->server;
        rule->address_count = 1;
        options.zone_rules = rule;
        options.zone_rule_count = 1;
    }
    return options;
}

/* Stays where it is: hooks and policy are borrowed. */
struct means {
    struct arena *arena;
    struct random *random;
    struct crypto_policy policy;
    struct resolver_options options;
    struct local_data local_data; /* none */
    struct local_names local_names;
    struct hooks hooks;
    struct trust *trust;
    struct cache *cache;
};

static void means_init(struct means *means, const struct arguments *arguments)
{
    struct crypto_options crypto_options = crypto_options_default();
    struct cache_options cache_options = cache_options_default();
    cache_options.size_octets = CACHE_OCTETS;
    *means = (struct means) { .arena = arena_new(), .random = random_secure_new() };
    hash_init(means->random);
    crypto_policy_make(&crypto_options, &means->policy);
    means->options = make_options(arguments, means->arena);
    means->local_names = (struct local_names) { &means->options, &means->local_data };
    local_hooks(&means->local_names, &means->hooks);
    means->trust = make_trust(arguments, means->arena);
    means->cache = cache_new(&cache_options, means->random);
    if (means->cache == NULL) {
        fprintf(stderr, "vouch: there is no memory for a cache\n");
        exit(EX_OSERR);
    }
}

static void means_clear(struct means *means)
{
    cache_free(means->cache);
    trust_free(means->trust);
    random_free(means->random);
    arena_free(means->arena);
}

static struct resolver_parts means_parts(const struct means *means)
{
    return (struct resolver_parts) {
        .cache = means->cache,
        .random = means->random,
        .options = &means->options,
        .policy = &means->policy,
        .trust = means->trust,
        .hooks = &means->hooks,
        .explain = true,
    };
}

/* ---- looking up ---- */

struct lookup_run {
    struct ev_loop *loop;
    bool json, checking_disabled, done;
    int exit_code;
};

static int exit_code_for(const struct outcome *outcome, bool checking_disabled)
{
    switch (outcome->security) {
    case BOGUS:
        return EXIT_BOGUS;
    case INDETERMINATE:
        return EXIT_NO_ANSWER;
    case UNCHECKED:
        return checking_disabled && outcome->link_count > 0 ? EX_OK : EXIT_NO_ANSWER;
    case SECURE:
    case INSECURE:
        break;
    }
    return EX_OK;
}

static void on_done(void *context, void *waiter, const struct outcome *outcome, struct now now)
{
    (void)waiter;
    struct lookup_run *run = context;
    if (run->json)
        picture_print_json(outcome, now, stdout);
    else
        picture_print(outcome, now, stdout);
    run->exit_code = exit_code_for(outcome, run->checking_disabled);
    run->done = true;
    ev_break(run->loop, EVBREAK_ALL);
}

static int look_up(const struct arguments *arguments)
{
    struct means means;
    means_init(&means, arguments);
    struct lookup_run run = {
        .loop = loop_new(),
        .json = arguments->json,
        .checking_disabled = arguments->checking_disabled,
        .exit_code = EXIT_NO_ANSWER,
    };
    struct resolver_parts parts = means_parts(&means);
    struct driver_handler handler = { .context = &run, .done = on_done };
    struct driver *driver = driver_new(run.loop, &parts, &handler, SOCKETS_MAX);
    driver_ask(driver, &arguments->question, arguments->checking_disabled, &run);
    if (!run.done)
        ev_run(run.loop, 0);
    driver_free(driver);
    ev_loop_destroy(run.loop);
    means_clear(&means);
    return run.exit_code;
}

int main(int argc, char **argv)
{
    struct arguments arguments = parse_arguments(argc, argv);
    const struct address *server = arguments.has_server ? &arguments.server : NULL;
    int code = arguments.stub ? stub_ask(&arguments.question, server, arguments.checking_disabled, arguments.json)
                              : look_up(&arguments);
    if (fflush(stdout) == 0)
        return code;
    fprintf(stderr, "vouch: cannot write the answer: %s\n", strerror(errno));
    return EX_IOERR;
}
