#include "daemon/listeners.h"

#include <errno.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/log.h"
#include "transport/sockets.h"

/* What an error of bind(2) means to the operator. */
static const struct bind_error {
    int error;
    int exit_code;
    const char *hint;
} bind_errors[] = {
    { EADDRINUSE, EX_UNAVAILABLE, "another program listens there" },
    { EACCES, EX_NOPERM, "ports below 1024 need root or CAP_NET_BIND_SERVICE" },
    { EPERM, EX_NOPERM, "ports below 1024 need root or CAP_NET_BIND_SERVICE" },
    { EADDRNOTAVAIL, EX_CONFIG, "this host does not have that address" },
    { EAFNOSUPPORT, EX_CONFIG, "this host does not speak that protocol" },
    { ENODEV, EX_CONFIG, "this host does not have that interface" },
    { EINVAL, EX_CONFIG, "a link-local address needs the number of its interface: fe80::1%2" },
};

static const struct bind_error *bind_error_of(int error)
{
    static const struct bind_error other = { 0, EX_OSERR, "the system refuses" };
    for (size_t i = 0; i < ARRAY_LEN(bind_errors); i++)
        if (bind_errors[i].error == error)
            return &bind_errors[i];
    return &other;
}

static void close_sockets(struct listen_sockets *sockets, unsigned workers)
{
    for (unsigned i = 0; i < workers; i++)
        for (unsigned k = 0; k < ARRAY_LEN(sockets->fds[i]); k++)
            if (sockets->fds[i][k] >= 0)
                close(sockets->fds[i][k]);
    free(sockets->fds);
    sockets->fds = NULL;
}

/* False with errno; then nothing is open. */
static bool open_sockets(const struct address *address, unsigned workers, struct listen_sockets *sockets)
{
    if (socket_probe_listen(address) != OK)
        return false;
    sockets->address = *address;
    sockets->fds = memory_new(workers, sizeof(sockets->fds[0]));
    memset(sockets->fds, 0xff, workers * sizeof(sockets->fds[0])); /* -1: not open */
    for (unsigned i = 0; i < workers; i++) {
        sockets->fds[i][0] = socket_listen_udp(address);
        sockets->fds[i][1] = sockets->fds[i][0] < 0 ? -1 : socket_listen_tcp(address);
        if (sockets->fds[i][1] < 0) {
            int saved = errno;
            close_sockets(sockets, workers);
            errno = saved;
            return false;
        }
    }
    return true;
}

static int open_one(const struct config *config, const struct listen_address *wanted, unsigned workers,
                    struct listeners *opened)
{
    struct listen_sockets sockets = { 0 };
    char text[ADDRESS_TEXT_MAX];
    address_to_text(&wanted->address, text);
    if (open_sockets(&wanted->address, workers, &sockets)) {
        listeners_add(opened, &sockets);
        return EX_OK;
    }
    const struct bind_error *why = bind_error_of(errno);
    if (wanted->is_default && why->exit_code == EX_CONFIG) {
        log_warning("not listening on %s: %s", text, why->hint);
        return EX_OK;
    }
    char where[CONFIG_WHERE_OCTETS_MAX];
    int error = errno;
    log_error("%s: cannot listen on %s: %s (%s)", config_where(config, "listen", where), text, why->hint,
              strerror(error));
    return why->exit_code;
}

static bool have(const struct listeners *listeners, const struct address *address)
{
    for (size_t i = 0; i < listeners->count; i++)
        if (address_equal(&listeners->items[i].address, address))
            return true;
    return false;
}

int listeners_open(const struct config *config, const struct listeners *open, unsigned workers,
                   struct listeners *opened)
{
    *opened = (struct listeners) { 0 };
    for (uint16_t i = 0; i < config->listen_count; i++) {
        const struct listen_address *wanted = &config->listen[i];
        if (open != NULL && have(open, &wanted->address))
            continue;
        int code = open_one(config, wanted, workers, opened);
        if (code != EX_OK) {
            listeners_close(opened, workers);
            return code;
        }
    }
    if (open == NULL && opened->count == 0) {
        log_error("there is no address to listen on");
        return EX_UNAVAILABLE;
    }
    return EX_OK;
}

void listeners_close(struct listeners *listeners, unsigned workers)
{
    for (size_t i = 0; i < listeners->count; i++)
        close_sockets(&listeners->items[i], workers);
    listeners_clear(listeners);
}

void listeners_clear(struct listeners *listeners)
{
    for (size_t i = 0; i < listeners->count; i++)
        free(listeners->items[i].fds);
    free(listeners->items);
    *listeners = (struct listeners) { 0 };
}

void listeners_add(struct listeners *listeners, const struct listen_sockets *sockets)
{
    listeners->items = memory_resize(listeners->items, listeners->count + 1, sizeof(listeners->items[0]));
    listeners->items[listeners->count++] = *sockets;
}

void listeners_remove(struct listeners *listeners, size_t index)
{
    free(listeners->items[index].fds);
    listeners->items[index] = listeners->items[--listeners->count];
}
