#include "daemon/state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/log.h"

/* An octet reaches the disk: a directory on a full or read-only one is no better than none.  False with errno. */
static bool is_writable(const char *directory)
{
    char path[4096];
    if ((size_t)snprintf(path, sizeof(path), "%s/.vouchd-%ld", directory, (long)getpid()) >= sizeof(path)) {
        errno = ENAMETOOLONG;
        return false;
    }
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return false;
    bool is_written = write(fd, "", 1) == 1 && fsync(fd) == 0;
    int saved = errno;
    close(fd);
    unlink(path);
    errno = saved;
    return is_written;
}

int state_check(const struct config *config)
{
    if (is_writable(config->state_directory))
        return EX_OK;
    const char *why = strerror(errno);
    char where[CONFIG_WHERE_OCTETS_MAX];
    config_where(config, "state-directory", where);
    if (config->state_required) {
        log_error("%s: cannot write to %s: %s (and `state: required`)", where, config->state_directory, why);
        return EX_CANTCREAT;
    }
    log_warning("%s: cannot write to %s: %s; nothing is remembered over a restart", where, config->state_directory,
                why);
    return EX_OK;
}
