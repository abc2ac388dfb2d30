/* Batches: on two cores a generator with a system call for each packet would be what is measured. */
#include "load.h"

#include <err.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

enum { REST_RATE_MAX = 1000, REST_NS_MAX = 10000000 };
enum { CONTROL_OCTETS = CMSG_SPACE(sizeof(struct timespec)) };
enum { RECEIVE_OCTETS = 4096, SOCKET_BUFFER_OCTETS = 8 << 20, RECEIVE_TIMEOUT_US = 20000 };

struct batch {
    struct mmsghdr messages[BATCH];
    struct iovec parts[BATCH];
    /* of the receiving side */
    uint8_t buffers[BATCH][RECEIVE_OCTETS];
    _Alignas(struct cmsghdr) uint8_t controls[BATCH][CONTROL_OCTETS];
};

struct udp {
    struct load *load;
    int fd;
    int64_t ahead_ns; /* the kernel's stamps count from elsewhere than clock_ns() */
    struct flight flight;
    struct batch out, in;
};

static void batch_init(struct batch *batch)
{
    for (unsigned i = 0; i < BATCH; i++) {
        batch->parts[i] = (struct iovec) { batch->buffers[i], RECEIVE_OCTETS };
        batch->messages[i].msg_hdr = (struct msghdr) { .msg_iov = &batch->parts[i], .msg_iovlen = 1 };
    }
}

static int64_t nanoseconds(const struct timespec *time)
{
    return (int64_t)time->tv_sec * 1000000000 + time->tv_nsec;
}

static int64_t stamps_ahead_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return nanoseconds(&now) - clock_ns();
}

static int open_socket(const struct load *load)
{
    int fd = socket(load->server.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (const struct sockaddr *)&load->server, load->server_octets) != 0)
        err(EX_OSERR, "UDP socket");
    int octets = SOCKET_BUFFER_OCTETS;
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &octets, sizeof(octets)) != 0)
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &octets, sizeof(octets));
    struct timeval timeout = { .tv_usec = RECEIVE_TIMEOUT_US };
    if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) != 0)
        err(EX_OSERR, "SO_RCVTIMEO");
    int on = 1;
    if (load->wire && setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on)) != 0)
        err(EX_OSERR, "SO_TIMESTAMPNS");
    return fd;
}

static struct udp *udp_new(struct load *load, unsigned window)
{
    struct udp *udp = calloc(1, sizeof(*udp));
    if (udp == NULL)
        err(EX_OSERR, "calloc");
    udp->load = load;
    udp->fd = open_socket(load);
    udp->ahead_ns = stamps_ahead_ns();
    flight_init(&udp->flight, window, load->timeout_ns);
    batch_init(&udp->out);
    batch_init(&udp->in);
    return udp;
}

static void udp_free(struct udp *udp)
{
    flight_abandon(&udp->flight, &udp->load->tally);
    close(udp->fd);
    free(udp);
}

static void add(struct udp *udp, unsigned at, const struct question *question, int64_t since_ns)
{
    struct place *place = flight_take(&udp->flight, question, since_ns);
    udp->out.parts[at] = (struct iovec) { place->query, question->query_octets };
}

/* What cannot be sent (nobody listens yet, no buffer) counts as lost in time. */
static void send_batch(struct udp *udp, unsigned count)
{
    unsigned done = 0;
    while (done < count) {
        int sent = sendmmsg(udp->fd, udp->out.messages + done, count - done, 0);
        done += sent > 0 ? (unsigned)sent : 1;
    }
    udp->load->tally.sent += count;
}

/* When the kernel had it, which is before it was this program's turn to read it. */
static int64_t received_ns(const struct udp *udp, struct msghdr *header)
{
    struct cmsghdr *control = CMSG_FIRSTHDR(header);
    if (control == NULL || control->cmsg_level != SOL_SOCKET || control->cmsg_type != SCM_TIMESTAMPNS)
        errx(EX_OSERR, "a reply without the kernel's stamp");
    struct timespec stamp;
    memcpy(&stamp, CMSG_DATA(control), sizeof(stamp));
    return nanoseconds(&stamp) - udp->ahead_ns;
}

static void prepare_controls(struct udp *udp)
{
    for (unsigned i = 0; i < BATCH; i++) {
        udp->in.messages[i].msg_hdr.msg_control = udp->in.controls[i];
        udp->in.messages[i].msg_hdr.msg_controllen = CONTROL_OCTETS;
    }
}

static int receive_batch(struct udp *udp, int flags)
{
    bool wire = udp->load->wire;
    if (wire)
        prepare_controls(udp);
    int count = recvmmsg(udp->fd, udp->in.messages, BATCH, flags, NULL);
    int64_t now_ns = clock_ns();
    for (int i = 0; i < count; i++) {
        struct mmsghdr *message = &udp->in.messages[i];
        flight_reply(&udp->flight, udp->in.buffers[i], message->msg_len, udp->load->judge,
                     wire ? received_ns(udp, &message->msg_hdr) : now_ns, &udp->load->tally);
    }
    return count;
}

static unsigned fill_window(struct udp *udp, int64_t now_ns)
{
    unsigned count = 0;
    while (count < BATCH && !flight_is_full(&udp->flight) && load_goes_on(udp->load, now_ns))
        add(udp, count++, load_next_question(udp->load), now_ns);
    send_batch(udp, count);
    return count;
}

void udp_window(struct load *load)
{
    struct udp *udp = udp_new(load, load->window);
    int64_t now_ns;
    do {
        now_ns = clock_ns();
        if (fill_window(udp, now_ns) < BATCH)
            receive_batch(udp, MSG_WAITFORONE);
        flight_expire(&udp->flight, now_ns, &load->tally);
    } while (load_goes_on(load, now_ns) || !flight_is_empty(&udp->flight));
    udp_free(udp);
}

/* Latency counts from when the question was due: a generator that is late hides nothing. */
static int64_t due_at(const struct load *load, uint64_t question)
{
    return load->tally.started_ns + (int64_t)((double)question * 1e9 / load->rate);
}

/* Those that are due, as far as they fit into a batch and on their way; how many were asked. */
static unsigned ask_due(struct udp *udp, uint64_t asked, int64_t now_ns)
{
    struct load *load = udp->load;
    unsigned count = 0;
    while (count < BATCH && !flight_is_full(&udp->flight)) {
        int64_t due_ns = due_at(load, asked + count);
        if (due_ns > now_ns || due_ns >= load->until_ns)
            break;
        add(udp, count++, load_next_question(load), due_ns);
    }
    send_batch(udp, count);
    return count;
}

/* The one that is due now, if one is; those that were due while others had the core are not asked.  How many that
 * leaves behind. */
static uint64_t ask_now(struct udp *udp, uint64_t asked, int64_t now_ns)
{
    struct load *load = udp->load;
    uint64_t due = (uint64_t)((double)(now_ns - load->tally.started_ns) * load->rate / 1e9);
    if (due <= asked || now_ns >= load->until_ns || flight_is_full(&udp->flight))
        return 0;
    add(udp, 0, load_next_question(load), now_ns);
    send_batch(udp, 1);
    return due - asked;
}

/* Whatever was due before the end is asked, were it late; but on the wire there is no asking late. */
static bool has_more_to_ask(const struct load *load, uint64_t asked, int64_t now_ns)
{
    return (load->wire ? now_ns : due_at(load, asked)) < load->until_ns;
}

static bool are_empty(struct udp *const *sockets, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        if (!flight_is_empty(&sockets[i]->flight))
            return false;
    return true;
}

/* Of few questions: others need the core too. */
static void rest(struct udp *const *sockets, unsigned count, int64_t until_ns)
{
    struct pollfd polled[CONNECTIONS_MAX];
    int64_t left_ns = until_ns - clock_ns();
    struct timespec pause = { .tv_nsec = left_ns < 0 ? 0 : left_ns < REST_NS_MAX ? left_ns : REST_NS_MAX };
    for (unsigned i = 0; i < count; i++)
        polled[i] = (struct pollfd) { .fd = sockets[i]->fd, .events = POLLIN };
    ppoll(polled, count, &pause, NULL);
}

/* Spins, but for low rates: a sleep would be late by more than the distance between two questions.  The sockets ask in
 * turn. */
void udp_rate(struct load *load)
{
    struct udp *sockets[CONNECTIONS_MAX];
    for (unsigned i = 0; i < load->connections; i++)
        sockets[i] = udp_new(load, WINDOW_MAX);
    int64_t now_ns = load->tally.started_ns;
    unsigned turn = 0;
    for (uint64_t asked = 0; has_more_to_ask(load, asked, now_ns) || !are_empty(sockets, load->connections);
         now_ns = clock_ns()) {
        uint64_t count = load->wire ? ask_now(sockets[turn], asked, now_ns) : ask_due(sockets[turn], asked, now_ns);
        asked += count;
        turn = count > 0 ? (turn + 1) % load->connections : turn;
        if (load->rate <= REST_RATE_MAX)
            rest(sockets, load->connections, due_at(load, asked));
        for (unsigned i = 0; i < load->connections; i++) {
            receive_batch(sockets[i], MSG_DONTWAIT);
            flight_expire(&sockets[i]->flight, now_ns, &load->tally);
        }
    }
    for (unsigned i = 0; i < load->connections; i++)
        udp_free(sockets[i]);
}

/* Sleeps between two questions: the servers of the zones need the core too. */
void udp_first(struct load *load)
{
    struct udp *udp = udp_new(load, WINDOW_MAX);
    int64_t distance_ns = (int64_t)(1e9 / load->rate), now_ns = clock_ns();
    int64_t due_ns = now_ns;
    while (load->tally.replies[FAULT_NONE] == 0 && now_ns < load->until_ns) {
        if (now_ns >= due_ns) {
            if (!flight_is_full(&udp->flight)) {
                add(udp, 0, load->questions.list, now_ns);
                send_batch(udp, 1);
            }
            due_ns = now_ns + distance_ns;
        }
        struct timespec pause = { .tv_nsec = due_ns - now_ns };
        ppoll(&(struct pollfd) { .fd = udp->fd, .events = POLLIN }, 1, &pause, NULL);
        receive_batch(udp, MSG_DONTWAIT);
        now_ns = clock_ns();
        flight_expire(&udp->flight, now_ns, &load->tally);
    }
    udp_free(udp);
}
