/* The configuration: one YAML file under one table of options (config/table.c); a row of it serves the parser, the
 * range checks, --print-config and the manual page.  Each folder owns the struct of its options; this one fills
 * them. */
#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H

#include <stdio.h>
#include <sys/types.h>

#include "cache/cache.h"
#include "crypto/algorithms.h"
#include "front/front.h"
#include "policy/local.h"
#include "policy/retelling.h"
#include "base/log.h"
#include "resolver/options.h"
#include "steward/inquiry.h"
#include "time/judgement.h"
#include "trust/trust.h"

#define CONFIG_PATH_DEFAULT    "/etc/vouch/vouch.yaml"
#define CONTROL_SOCKET_DEFAULT "/run/vouch/control.sock"

enum { CONFIG_WORKERS_MAX = 64 };

enum on_unfit { ON_UNFIT_HOLD, ON_UNFIT_WARN, ON_UNFIT_EXIT }; /* what to do while the clock is unfit */

enum trust_model { TRUST_MODEL_ROOT, TRUST_MODEL_CONFIGURED };

struct listen_address {
    struct address address;
    bool is_default; /* not written by the operator: a host without ::1 warns only */
};

struct time_server {
    struct address address;
    const char *nts; /* who it must prove to be, without the final dot (RFC 8915); NULL: plain SNTP is enough */
};

struct config {
    struct arena *arena; /* everything below lives in it */
    const char *path;    /* NULL: defaults alone */

    struct listen_address *listen;
    uint16_t listen_count;
    uint16_t workers; /* 0: auto */
    const char *user; /* NULL: stay who we are */
    const char *state_directory;
    bool state_required;        /* state: required | optional */
    const char *control_socket; /* NULL: none */
    uid_t *control_admins;      /* who may give orders that weaken trust, beside root and ourselves */
    uint16_t control_admin_count;
    enum log_level log_level;

    struct front_options front;
    struct answer_options answers;
    struct retelling_options retelling; /* answers.dns64, trust.sentinel */
    struct cache_options cache;
    struct resolver_options resolver;
    struct local_data local;
    struct crypto_options crypto;
    enum trust_model trust_model;
    bool automatic_update;     /* RFC 5011 */
    bool anchors_are_built_in; /* trust.anchors */
    bool anchors_are_named;    /* by trust.anchors or trust.anchor-files, usable or not */
    struct bootstrap_options bootstrap;
    uint32_t negative_recheck_s;
    struct trust *trust; /* built from trust.*; freed with the configuration: take a trust_copy() */

    struct clock_options clock;
    struct time_server *time_servers;
    uint16_t time_server_count;
    const char *nts_authorities; /* a file; NULL: the system's */
    enum on_unfit on_unfit;

    const struct value *values; /* by row of the option table: what config_print() prints */
};

/* "1800ms", "30s", "5m", "3h", "1d"; false: none. */
bool duration_from_text(const char *text, int64_t *ms);

/* Where and what: "/etc/vouch/vouch.yaml:12: cache.size: expected a size such as 256MiB, got \"big\"". */
struct config_error {
    char text[512];
};

/* The file to read, now: the one that was asked for, or else the default one if there is one; NULL if not. */
const char *config_path(const char *asked_for);

/* path NULL: the defaults.  ERR_FORMAT: *error says file, line, key and what was expected (exit 78).  ERR_SYSTEM: the
 * file cannot be read (exit 78, or 77 when errno is EACCES); *error says so.  now: for negative anchors whose end has
 * passed.  Warnings go to the log. */
MUST_USE enum err config_load(const char *path, struct now now, struct config **config, struct config_error *error);
/* The same from a text; path, for messages, may be NULL. */
MUST_USE enum err config_read(struct octets text, const char *path, struct now now, struct config **config,
                              struct config_error *error);
void config_free(struct config *config);

/* The whole configuration in effect, as YAML that config_load() reads back to the same. */
void config_print(const struct config *config, FILE *to);

enum { CONFIG_WHERE_OCTETS_MAX = 512 };
/* Where a setting stands, for messages: "/etc/vouch/vouch.yaml:12: listen", or the key alone if nobody has written it.
 * Returns where. */
const char *config_where(const struct config *config, const char *key, char where[CONFIG_WHERE_OCTETS_MAX]);

/* One line for each setting that differs and cannot change without a restart; the number of them. */
size_t config_needs_restart(const struct config *running, const struct config *wanted, FILE *to);

/* A file of at most 1 MiB, malloc'd.  ERR_SYSTEM: errno says why, *data is NULL; ERR_LIMIT: larger, *data is its
 * beginning. */
MUST_USE enum err read_whole_file(const char *path, char **data, size_t *len);

#endif
