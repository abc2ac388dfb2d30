#include "daemon/keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/log.h"

enum { KEEPER_PATH_MAX = 4096 };

static void give_up(struct keeper *keeper, const struct config *config, const char *why)
{
    log_warning("cache.file: %s: %s; the cache is in private memory", config->cache.file, why);
    if (keeper->fd >= 0)
        close(keeper->fd);
    keeper->fd = -1;
}

/* ---- the file ---- */

/* The directory that holds it. */
static bool parent_of(const char *path, char parent[KEEPER_PATH_MAX])
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL || slash == path || (size_t)(slash - path) >= KEEPER_PATH_MAX)
        return false;
    memcpy(parent, path, (size_t)(slash - path));
    parent[slash - path] = '\0';
    return true;
}

/* Nobody but root and we can put another file in its place. */
static bool is_own_directory(const char *path, uid_t uid)
{
    struct stat found;
    return lstat(path, &found) == 0 && S_ISDIR(found.st_mode) && (found.st_uid == uid || found.st_uid == 0) &&
           (found.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

static bool is_own_file(int fd, uid_t uid)
{
    struct stat found;
    return fstat(fd, &found) == 0 && S_ISREG(found.st_mode) && found.st_uid == uid && found.st_nlink == 1 &&
           (found.st_mode & 0777) == 0600;
}

/* A new one belongs to whom we become.  -1 with errno. */
static int open_file(const char *path, const struct identity *identity)
{
    enum { FLAGS = O_RDWR | O_NOFOLLOW | O_CLOEXEC };
    int fd = open(path, FLAGS | O_CREAT | O_EXCL, 0600);
    if (fd < 0)
        return errno == EEXIST ? open(path, FLAGS) : -1;
    if (!identity->is_change || fchown(fd, identity->uid, identity->gid) == 0)
        return fd;
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

void keeper_open(struct keeper *keeper, const struct config *config, const struct identity *identity)
{
    const char *path = config->cache.file;
    uid_t uid = identity->is_change ? identity->uid : geteuid();
    char parent[KEEPER_PATH_MAX];
    *keeper = (struct keeper) { .fd = -1 };
    if (path == NULL)
        return;
    if (!parent_of(path, parent)) {
        give_up(keeper, config, "not a path of a file in a directory");
        return;
    }
    privileges_make_directory(parent, 0700, identity);
    if (!is_own_directory(parent, uid)) {
        give_up(keeper, config, "its directory does not exist, or others may write there");
        return;
    }
    keeper->fd = open_file(path, identity);
    if (keeper->fd < 0)
        give_up(keeper, config, strerror(errno));
    else if (!is_own_file(keeper->fd, uid))
        give_up(keeper, config, "not a file of our own with mode 0600 and one name");
}

/* ---- the key ---- */

static bool read_key(int fd, uint8_t key[HASH_SECRET_OCTETS])
{
    return is_own_file(fd, geteuid()) && read(fd, key, HASH_SECRET_OCTETS) == HASH_SECRET_OCTETS;
}

static bool make_key(int directory, const char *name, struct random *random, uint8_t key[HASH_SECRET_OCTETS])
{
    int fd = openat(directory, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return false;
    random->fill(random, key, HASH_SECRET_OCTETS);
    bool is_written = write(fd, key, HASH_SECRET_OCTETS) == HASH_SECRET_OCTETS && fsync(fd) == 0;
    close(fd);
    if (!is_written)
        unlinkat(directory, name, 0);
    return is_written;
}

/* What is no key of ours is replaced: what it was good for is lost either way. */
static bool find_key(const char *state_directory, struct random *random, uint8_t key[HASH_SECRET_OCTETS])
{
    static const char name[] = "cache.key";
    int directory = open(state_directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0)
        return false;
    int fd = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    bool is_found = fd >= 0 && read_key(fd, key);
    if (fd >= 0)
        close(fd);
    if (!is_found && unlinkat(directory, name, 0) != 0 && errno != ENOENT)
        log_warning("%s/%s: %s", state_directory, name, strerror(errno));
    is_found = is_found || make_key(directory, name, random, key);
    close(directory);
    return is_found;
}

/* ---- mapping ---- */

/* All of it can be written to: a full tmpfs would end the process (SIGBUS). */
static bool has_space(int fd, uint64_t octets)
{
    struct stat file;
    struct statvfs system;
    enum { BLOCK_OCTETS = 512 }; /* of st_blocks */
    return fstat(fd, &file) == 0 && fstatvfs(fd, &system) == 0 &&
           (uint64_t)system.f_bavail * system.f_frsize + (uint64_t)file.st_blocks * BLOCK_OCTETS >= octets;
}

/* A file of another size begins empty. */
static bool resize(int fd, uint64_t octets)
{
    struct stat file;
    if (fstat(fd, &file) != 0)
        return false;
    if ((uint64_t)file.st_size == octets)
        return true;
    return ftruncate(fd, 0) == 0 && ftruncate(fd, (off_t)octets) == 0;
}

void keeper_map(struct keeper *keeper, const struct config *config, struct random *random)
{
    uint8_t key[HASH_SECRET_OCTETS];
    if (keeper->fd < 0)
        return;
    if (config->clock.floor == FLOOR_NONE) { /* replays and laboratories: time goes where it likes */
        close(keeper->fd);
        keeper->fd = -1;
        log_info("cache.file: not used: without time.floor nobody can tell what has expired");
        return;
    }
    keeper->octets = cache_kept_octets(&config->cache);
    if (flock(keeper->fd, LOCK_EX | LOCK_NB) != 0) {
        give_up(keeper, config, "another process uses it");
    } else if (!find_key(config->state_directory, random, key)) {
        give_up(keeper, config, "the state directory has no key for it, and takes none");
    } else if (!resize(keeper->fd, keeper->octets)) {
        give_up(keeper, config, strerror(errno));
    } else if (!has_space(keeper->fd, keeper->octets)) {
        give_up(keeper, config, "there is no space for all of it");
    } else {
        void *memory = mmap(NULL, keeper->octets, PROT_READ | PROT_WRITE, MAP_SHARED, keeper->fd, 0);
        if (memory == MAP_FAILED) {
            give_up(keeper, config, strerror(errno));
            return;
        }
        keeper->memory = memory;
        hash_init_kept(key);
    }
}

void keeper_close(struct keeper *keeper)
{
    if (keeper->memory != NULL)
        munmap(keeper->memory, keeper->octets);
    if (keeper->fd >= 0)
        close(keeper->fd);
}
