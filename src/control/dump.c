#include "control/dump.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "control/commands.h"
#include "control/control.h"

enum { BUFFER_OCTETS = 64 << 10 }; /* a row takes some hundred octets, with a long lineage some thousand */

struct dump {
    struct orders orders;
    int fd;
    struct ev_loop *loop;
    ev_async *ended;
    pthread_t thread;
    atomic_bool is_over;
    size_t rows, used;
    char buffer[BUFFER_OCTETS];
};

/* false: the reader is gone, or too slow. */
static bool flush(struct dump *dump)
{
    for (size_t at = 0; at < dump->used;) {
        ssize_t sent = send(dump->fd, dump->buffer + at, dump->used - at, MSG_NOSIGNAL);
        if (sent < 0 && errno != EINTR)
            return false;
        at += sent > 0 ? (size_t)sent : 0;
    }
    dump->used = 0;
    return true;
}

/* object is given back. */
static bool put(struct dump *dump, json_t *object)
{
    size_t len = object_write(object, NULL, 0);
    bool fits = len < BUFFER_OCTETS;
    bool goes_on = dump->used + len < BUFFER_OCTETS || flush(dump);
    if (fits && goes_on) {
        object_write(object, dump->buffer + dump->used, len);
        dump->buffer[dump->used + len] = '\n';
        dump->used += len + 1;
    }
    json_decref(object);
    return goes_on;
}

static bool put_row(void *to, const struct cache_row *row)
{
    struct dump *dump = to;
    dump->rows++;
    return put(dump, dump_row(row));
}

static void make_patient(int fd)
{
    const struct timeval timeout = { .tv_sec = CONTROL_TIMEOUT_S };
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
}

static void *run(void *argument)
{
    struct dump *dump = argument;
    make_patient(dump->fd);
    dump->orders.dump_cache(dump->orders.context, put_row, dump);
    if (put(dump, dump_end(dump->rows)))
        flush(dump);
    atomic_store(&dump->is_over, true);
    ev_async_send(dump->loop, dump->ended);
    return NULL;
}

struct dump *dump_start(const struct orders *orders, int fd, struct ev_loop *loop, ev_async *ended)
{
    struct dump *dump = memory_new(1, sizeof(*dump));
    dump->orders = *orders;
    dump->fd = fd;
    dump->loop = loop;
    dump->ended = ended;
    sigset_t all, before;
    sigfillset(&all); /* signals are the main thread's */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&dump->thread, NULL, run, dump);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error == 0)
        return dump;
    free(dump);
    return NULL;
}

bool dump_is_over(struct dump *dump)
{
    return atomic_load(&dump->is_over);
}

void dump_free(struct dump *dump)
{
    if (!dump_is_over(dump))
        shutdown(dump->fd, SHUT_RDWR); /* a send() that waits fails now */
    pthread_join(dump->thread, NULL);
    close(dump->fd);
    free(dump);
}
