#include "daemon/privileges.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/log.h"
#include "transport/precedence.h"

/* NULL: after a line in the log. */
static const struct passwd *find_user(const struct config *config)
{
    char where[CONFIG_WHERE_OCTETS_MAX];
    errno = 0;
    const struct passwd *entry = getpwnam(config->user);
    if (entry == NULL)
        log_error("%s: expected a user of this host, got \"%s\"%s%s", config_where(config, "user", where), config->user,
                  errno == 0 ? "" : ": ", errno == 0 ? "" : strerror(errno));
    return entry;
}

int privileges_check(const struct config *config)
{
    return config->user == NULL || find_user(config) != NULL ? EX_OK : EX_CONFIG;
}

int privileges_find(const struct config *config, struct identity *identity)
{
    const char *user = config->user;
    *identity = (struct identity) { .user = user, .uid = geteuid(), .gid = getegid() };
    if (user == NULL) {
        if (geteuid() == 0)
            log_warning("running as root: set `user` in the configuration");
        return EX_OK;
    }
    const struct passwd *entry = find_user(config);
    if (entry == NULL)
        return EX_CONFIG;
    identity->is_change = entry->pw_uid != geteuid();
    identity->uid = entry->pw_uid;
    identity->gid = entry->pw_gid;
    if (identity->is_change && geteuid() != 0) {
        char where[CONFIG_WHERE_OCTETS_MAX];
        log_error("%s: only root can become \"%s\"", config_where(config, "user", where), user);
        return EX_NOPERM;
    }
    return EX_OK;
}

void privileges_make_directory(const char *path, mode_t mode, const struct identity *identity)
{
    if (mkdir(path, mode) != 0)
        return;
    if (chmod(path, mode) != 0 || (identity->is_change && lchown(path, identity->uid, identity->gid) != 0))
        log_warning("%s: %s", path, strerror(errno));
}

int privileges_drop(const struct identity *identity)
{
    if (identity->is_change)
        precedence_permit();
    if (identity->is_change &&
        (setgroups(0, NULL) != 0 || setresgid(identity->gid, identity->gid, identity->gid) != 0 ||
         setresuid(identity->uid, identity->uid, identity->uid) != 0)) {
        log_error("user: cannot become \"%s\": %s", identity->user, strerror(errno));
        return EX_NOPERM;
    }
    if (identity->is_change && identity->uid != 0 && setuid(0) == 0) {
        log_error("user: root could be had back after becoming \"%s\"", identity->user);
        return EX_NOPERM;
    }
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        log_warning("no_new_privs cannot be set: %s", strerror(errno));
    return EX_OK;
}
