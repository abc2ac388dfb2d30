/* vouchd: the arguments; what they ask for is done elsewhere. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <sysexits.h>

#include "base/hash.h"
#include "base/log.h"
#include "build_info.h"
#include "daemon/privileges.h"
#include "daemon/vouchd.h"

enum action { ACTION_RUN, ACTION_CHECK, ACTION_PRINT, ACTION_VERSION, ACTION_HELP };

#define USAGE "usage: vouchd [-c FILE] [--check] [--print-config] [--version] [--help]\n"

static const char help[] =
    USAGE "\n"
          "  -c, --config FILE  read this configuration, not /etc/vouch/vouch.yaml\n"
          "      --check        check the configuration, the trust anchors and the user, and exit\n"
          "      --print-config print the configuration in effect, and exit\n"
          "      --version      print the version, and exit\n"
          "      --help         print this, and exit\n"
          "\n"
          "It stays in the foreground and logs to stderr. See vouchd(8), vouch.yaml(5), vouchctl(8).\n";

static int wrong_usage(void)
{
    fputs(USAGE, stderr);
    return EX_USAGE;
}

/* EX_OK, or EX_USAGE after saying so. */
static int read_arguments(int argc, char **argv, enum action *action, const char **path)
{
    static const struct option options[] = {
        { "config", required_argument, NULL, 'c' }, { "check", no_argument, NULL, 'k' },
        { "print-config", no_argument, NULL, 'p' }, { "version", no_argument, NULL, 'V' },
        { "help", no_argument, NULL, 'h' },         { NULL, 0, NULL, 0 },
    };
    int option;
    while ((option = getopt_long(argc, argv, "c:", options, NULL)) != -1) {
        if (option == 'c')
            *path = optarg;
        else if (option == 'k')
            *action = ACTION_CHECK;
        else if (option == 'p')
            *action = ACTION_PRINT;
        else if (option == 'V')
            *action = ACTION_VERSION;
        else if (option == 'h')
            *action = ACTION_HELP;
        else
            return wrong_usage();
    }
    if (optind == argc)
        return EX_OK;
    fprintf(stderr, "%s: unexpected argument -- '%s'\n", argv[0], argv[optind]);
    return wrong_usage();
}

static int load(const char *path, struct settings **settings)
{
    struct config *config;
    struct config_error error;
    errno = 0;
    enum err err = config_load(config_path(path), now_from_system(), &config, &error);
    if (err != OK) {
        int code = err == ERR_SYSTEM && errno == EACCES ? EX_NOPERM : EX_CONFIG;
        log_error("%s", error.text);
        return code;
    }
    *settings = settings_new(config);
    log_set_level(config->log_level);
    return EX_OK;
}

static int act(enum action action, const char *path, struct random *random)
{
    struct settings *settings;
    int code = load(path, &settings);
    if (code != EX_OK)
        return code;
    struct now now = now_from_system();
    /* A run that has an anchor looks at all of them again, with what the store knows, and warns then. */
    if (action == ACTION_PRINT)
        config_print(settings->config, stdout);
    else if (action != ACTION_RUN || !settings_have_anchor(settings, now))
        code = settings_check_trust(settings, now);
    if (action == ACTION_CHECK && code == EX_OK)
        code = privileges_check(settings->config);
    if (action == ACTION_RUN && code == EX_OK)
        return vouchd_run(path, settings, random);
    settings_free(settings);
    return fflush(stdout) == 0 ? code : EX_IOERR;
}

int main(int argc, char **argv)
{
    enum action action = ACTION_RUN;
    const char *path = NULL;
    if (read_arguments(argc, argv, &action, &path) != EX_OK)
        return EX_USAGE;
    if (action == ACTION_VERSION || action == ACTION_HELP) {
        fputs(action == ACTION_HELP ? help : "vouchd " BUILD_VERSION "\n", stdout);
        return fflush(stdout) == 0 ? EX_OK : EX_IOERR;
    }
    struct random *random = random_secure_new();
    hash_init(random);
    int code = act(action, path, random);
    random_free(random);
    return code;
}
