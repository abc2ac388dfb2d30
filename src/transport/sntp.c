#include "transport/sntp.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/reader.h"
#include "transport/sockets.h"

enum {
    MODE_CLIENT = 3, /* RFC 5905 section 7.3, as all below */
    MODE_SERVER = 4,
    VERSION_MIN = 3,
    VERSION = 4,
    LEAP_UNKNOWN = 3,
    STRATUM_MAX = 15,
    DISTANCE_MS_MAX = 16000, /* MAXDISP */
    TRANSMIT_AT = 40,
    DATAGRAMS_PER_TURN = 8,     /* a flood of forgeries leaves others their turn */
    DATAGRAM_OCTETS_MAX = 2048, /* extensions may follow */
};

/* The 32 bits of seconds begin anew in 2036 (RFC 5905 section 6): they are read as the 136 years from this time on,
 * the day the root was signed.  Before it there is no DNSSEC to need the time. */
#define ERA_BEGINS_S    INT64_C(1279152000)                     /* 2010-07-15 */
#define NTP_TO_UNIX_S   INT64_C(2208988800)                     /* from 1900 to 1970 */
#define MILLISECONDS(x) ((int64_t)(((x)*UINT64_C(1000)) >> 32)) /* of a fraction of 2^32 */

const char *sntp_end_text(enum sntp_end end)
{
    static const char *const texts[] = {
        [SNTP_ANSWERED] = "answered",       [SNTP_SILENT] = "silent",
        [SNTP_UNREACHABLE] = "unreachable", [SNTP_UNSYNCHRONISED] = "unsynchronised",
        [SNTP_KISSED] = "refuses",          [SNTP_UNAUTHENTICATED] = "unauthenticated",
    };
    return texts[end];
}

/* ---- the packet ---- */

static void sntp_write(const uint8_t nonce[8], uint8_t packet[SNTP_OCTETS])
{
    memset(packet, 0, SNTP_OCTETS);
    packet[0] = VERSION << 3 | MODE_CLIENT;
    memcpy(packet + TRANSMIT_AT, nonce, 8);
}

/* UNIX time in milliseconds. */
static int64_t read_timestamp(struct reader *reader)
{
    uint32_t seconds = reader_u32(reader);
    uint64_t fraction = reader_u32(reader);
    uint32_t from_era = seconds - (uint32_t)(ERA_BEGINS_S + NTP_TO_UNIX_S);
    return (ERA_BEGINS_S + (int64_t)from_era) * 1000 + MILLISECONDS(fraction);
}

/* "NTP short format": 16 bits of seconds, 16 of their fraction. */
static int64_t read_short_ms(struct reader *reader)
{
    return MILLISECONDS((uint64_t)reader_u32(reader) << 16);
}

static void read_kiss(struct octets code, struct sntp_reply *reply)
{
    for (size_t i = 0; i < sizeof(reply->kiss) - 1; i++) {
        uint8_t c = code.data[i];
        reply->kiss[i] = c == 0 ? '\0' : c > 0x20 && c < 0x7f ? (char)c : '?';
    }
    reply->end = SNTP_KISSED;
}

/* RFC 5905 section 8: T1 and T4 are ours, and monotonic; T2 and T3 are the server's.  False: such times cannot be. */
static bool read_times(struct reader *reader, int64_t sent_ms, int64_t received_ms, struct sntp_reply *reply)
{
    int64_t receive_ms = read_timestamp(reader), transmit_ms = read_timestamp(reader);
    int64_t inside_ms = transmit_ms - receive_ms, all_ms = received_ms - sent_ms;
    if (inside_ms < 0 || inside_ms > all_ms + 1) /* milliseconds are rounded */
        return false;
    reply->delay_ms = all_ms > inside_ms ? all_ms - inside_ms : 0;
    reply->sample.true_minus_monotonic_ms = (receive_ms + transmit_ms) / 2 - (sent_ms + received_ms) / 2;
    return true;
}

bool sntp_read(struct octets packet, const uint8_t nonce[8], int64_t sent_ms, int64_t received_ms,
               struct sntp_reply *reply)
{
    *reply = (struct sntp_reply) { .end = SNTP_ANSWERED };
    struct reader reader = reader_of_octets(packet);
    uint8_t first = reader_u8(&reader);
    reply->stratum = reader_u8(&reader);
    reader_u16(&reader);                              /* poll, precision */
    int64_t distance_ms = read_short_ms(&reader) / 2; /* root delay, there and back */
    distance_ms += read_short_ms(&reader);            /* root dispersion */
    struct octets reference = reader_octets(&reader, 4);
    reader_octets(&reader, 8); /* reference timestamp */
    struct octets origin = reader_octets(&reader, 8);
    uint8_t version = first >> 3 & 7;
    if (reader.failed || (first & 7) != MODE_SERVER || version < VERSION_MIN || version > VERSION ||
        memcmp(origin.data, nonce, 8) != 0 || packet.len < SNTP_OCTETS)
        return false;
    if (reply->stratum == 0) {
        read_kiss(reference, reply);
        return true;
    }
    if (first >> 6 == LEAP_UNKNOWN || reply->stratum > STRATUM_MAX || distance_ms >= DISTANCE_MS_MAX) {
        reply->end = SNTP_UNSYNCHRONISED;
        return true;
    }
    bool is_possible = read_times(&reader, sent_ms, received_ms, reply);
    reply->sample.error_ms = reply->delay_ms / 2 + distance_ms;
    return is_possible;
}

/* ---- the question ---- */

void sntp_cancel(struct sntp_question *question)
{
    if (question->loop == NULL)
        return;
    ev_timer_stop(question->loop, &question->timeout);
    if (question->io.fd >= 0) {
        ev_io_stop(question->loop, &question->io);
        close(question->io.fd);
    }
    question->loop = NULL;
}

static void end(struct sntp_question *question, const struct sntp_reply *reply)
{
    sntp_cancel(question);
    question->done(question->context, reply);
}

static void end_without(struct sntp_question *question, enum sntp_end how)
{
    struct sntp_reply reply = { .end = how };
    end(question, &reply);
}

/* A new nonce each time: a late answer to the one before would tell a wrong delay. */
static bool send_packet(struct sntp_question *question)
{
    uint8_t packet[NTS_PACKET_OCTETS_MAX];
    struct writer writer = { .data = packet, .len = SNTP_OCTETS, .size = sizeof(packet) };
    question->random->fill(question->random, question->nonce, sizeof(question->nonce));
    sntp_write(question->nonce, packet);
    question->sends++;
    if (question->session != NULL && !nts_seal(question->session, question->random, &writer, question->unique))
        return false;
    question->sent_ms = now_from_system().monotonic_ms;
    return send(question->io.fd, packet, writer.len, MSG_NOSIGNAL) == (ssize_t)writer.len || errno == EAGAIN;
}

/* RFC 8915 section 5.7: nobody has sealed the refusal, so it counts only if nothing better has come. */
static void end_with_nak(struct sntp_question *question)
{
    struct sntp_reply reply = { .end = SNTP_KISSED, .kiss = SNTP_KISS_NAK };
    end(question, &reply);
}

static bool may_send_again(const struct sntp_question *question)
{
    return question->sends < SNTP_SENDS_MAX && (question->session == NULL || question->session->cookies.count > 0);
}

static void on_timeout(struct ev_loop *loop, ev_timer *watcher, int events)
{
    (void)loop, (void)events;
    struct sntp_question *question = watcher->data;
    if (question->io.fd < 0)
        end_without(question, SNTP_UNREACHABLE);
    else if (question->has_nak)
        end_with_nak(question);
    else if (!may_send_again(question))
        end_without(question, SNTP_SILENT);
    else if (!send_packet(question))
        end_without(question, SNTP_UNREACHABLE);
}

/* True: it is what the question awaits. */
static bool accept_packet(struct sntp_question *question, struct octets packet, struct sntp_reply *reply)
{
    int64_t received_ms = now_from_system().monotonic_ms;
    if (!sntp_read(packet, question->nonce, question->sent_ms, received_ms, reply))
        return false;
    if (question->session == NULL)
        return true;
    enum nts_seal seal = nts_open(question->session, question->unique, packet);
    reply->sample.is_authenticated = seal == NTS_GOOD;
    if (seal == NTS_UNSEALED && reply->end == SNTP_KISSED && strcmp(reply->kiss, SNTP_KISS_NAK) == 0)
        question->has_nak = true;
    return seal == NTS_GOOD;
}

static void on_readable(struct ev_loop *loop, ev_io *watcher, int events)
{
    (void)loop, (void)events;
    struct sntp_question *question = watcher->data;
    uint8_t packet[DATAGRAM_OCTETS_MAX];
    struct sntp_reply reply;
    for (int i = 0; i < DATAGRAMS_PER_TURN; i++) {
        ssize_t got = recv(watcher->fd, packet, sizeof(packet), MSG_DONTWAIT);
        if (got < 0 && (errno == EAGAIN || errno == EINTR || errno == EMSGSIZE))
            return;
        if (got < 0) {
            end_without(question, SNTP_UNREACHABLE);
            return;
        }
        if (accept_packet(question, (struct octets) { packet, (size_t)got }, &reply)) {
            end(question, &reply);
            return;
        }
    }
}

/* Without a socket the time-out says so: done() is never called from here. */
void sntp_ask_sealed(struct sntp_question *question, struct ev_loop *loop, struct random *random,
                     const struct address *server, struct nts_session *session)
{
    question->loop = loop;
    question->random = random;
    question->session = session;
    question->has_nak = false;
    question->sends = 0;
    ev_io_init(&question->io, on_readable, socket_connect_udp(server), EV_READ);
    question->io.data = question;
    if (question->io.fd >= 0 && !send_packet(question)) {
        close(question->io.fd);
        question->io.fd = -1;
    }
    if (question->io.fd >= 0)
        ev_io_start(loop, &question->io);
    ev_timer_init(&question->timeout, on_timeout, question->io.fd >= 0 ? SNTP_TIMEOUT_MS / 1000.0 : 0,
                  SNTP_TIMEOUT_MS / 1000.0);
    question->timeout.data = question;
    ev_timer_start(loop, &question->timeout);
}

void sntp_ask(struct sntp_question *question, struct ev_loop *loop, struct random *random, const struct address *server)
{
    sntp_ask_sealed(question, loop, random, server, NULL);
}
