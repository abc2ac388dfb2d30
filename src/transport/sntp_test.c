#include "transport/sntp.h"

#include "transport/testing.h"

#define NTP_2026_11_21 0xeeab5d80u /* NTP seconds of UNIX time 1795219200 */
#define UNIX_MS        INT64_C(1795219200000)

static const uint8_t nonce[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };

/* A server's packet: what differs from a good one of version 4, stratum 2, at NTP_2026_11_21. */
struct answer_fields {
    uint8_t first, stratum; /* 0: as said */
    uint32_t root_delay, root_dispersion;
    const char *kiss; /* stratum 0 */
    bool wrong_origin;
    uint32_t receive_s, receive_fraction, transmit_s, transmit_fraction; /* later */
};

static void put_u32(uint8_t *to, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        to[i] = (uint8_t)(value >> (24 - 8 * i));
}

static void write_answer(const struct answer_fields *fields, const uint8_t origin[8], uint8_t packet[SNTP_OCTETS])
{
    memset(packet, 0, SNTP_OCTETS);
    packet[0] = fields->first == 0 ? 0x24 : fields->first;
    packet[1] = fields->kiss != NULL ? 0 : fields->stratum == 0 ? 2 : fields->stratum;
    put_u32(packet + 4, fields->root_delay);
    put_u32(packet + 8, fields->root_dispersion);
    if (fields->kiss != NULL)
        memcpy(packet + 12, fields->kiss, 4);
    memcpy(packet + 24, origin, 8);
    packet[24] ^= fields->wrong_origin;
    put_u32(packet + 32, NTP_2026_11_21 + fields->receive_s);
    put_u32(packet + 36, fields->receive_fraction);
    put_u32(packet + 40, NTP_2026_11_21 + fields->transmit_s);
    put_u32(packet + 44, fields->transmit_fraction);
}

/* D4-init-a; the question left at 10,000 ms, the answer came at 10,200 ms. */
static const struct {
    const char *what;
    struct answer_fields fields;
    bool is_answer;
    enum sntp_end end;
    const char *kiss;
} answers[] = {
    { "good", { .root_delay = 0x10000 }, true, SNTP_ANSWERED, "" },
    { "version 3", { .first = 0x1c }, true, SNTP_ANSWERED, "" },
    { "a leap second is announced", { .first = 0x64 }, true, SNTP_ANSWERED, "" },
    { "version 2", { .first = 0x14 }, false, 0, NULL },
    { "version 5", { .first = 0x2c }, false, 0, NULL },
    { "our own packet comes back: mode 3", { .first = 0x23 }, false, 0, NULL },
    { "broadcast: mode 5", { .first = 0x25 }, false, 0, NULL },
    { "forged: another origin", { .wrong_origin = true }, false, 0, NULL },
    { "sent before received", { .receive_fraction = 1u << 31 }, false, 0, NULL },
    { "longer at the server than away", { .transmit_s = 1 }, false, 0, NULL },
    { "leap 3: not synchronised", { .first = 0xe4 }, true, SNTP_UNSYNCHRONISED, "" },
    { "stratum 16", { .stratum = 16 }, true, SNTP_UNSYNCHRONISED, "" },
    { "dispersion of 16 s", { .root_dispersion = 16 << 16 }, true, SNTP_UNSYNCHRONISED, "" },
    { "go away", { .kiss = "DENY" }, true, SNTP_KISSED, "DENY" },
    { "slower", { .first = 0xe4, .kiss = "RATE" }, true, SNTP_KISSED, "RATE" },
    { "a kiss for the terminal", { .kiss = "\x1b[2J" }, true, SNTP_KISSED, "?[2J" },
    { "a forged kiss", { .kiss = "DENY", .wrong_origin = true }, false, 0, NULL },
};

static void packets_are_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
        uint8_t packet[SNTP_OCTETS];
        struct sntp_reply reply;
        write_answer(&answers[i].fields, nonce, packet);
        bool is_answer = sntp_read((struct octets) { packet, sizeof(packet) }, nonce, 10000, 10200, &reply);
        if (is_answer != answers[i].is_answer)
            fail_msg("%s: %d", answers[i].what, is_answer);
        if (is_answer && (reply.end != answers[i].end || strcmp(reply.kiss, answers[i].kiss) != 0))
            fail_msg("%s: %s %s", answers[i].what, sntp_end_text(reply.end), reply.kiss);
    }
}

/* RFC 5905 section 8: offset and delay; our monotonic clock in place of our time of day. */
static void the_offset_is_measured(void **state)
{
    (void)state;
    uint8_t packet[SNTP_OCTETS];
    struct sntp_reply reply;
    struct answer_fields fields = { .root_delay = 0x8000, .root_dispersion = 0x4000, .transmit_fraction = 0x20000000 };
    write_answer(&fields, nonce, packet);
    assert_true(sntp_read((struct octets) { packet, sizeof(packet) }, nonce, 10000, 10200, &reply));
    assert_int_equal(reply.delay_ms, 200 - 125);
    assert_int_equal(reply.sample.true_minus_monotonic_ms, UNIX_MS + 62 - 10100);
    assert_int_equal(reply.sample.error_ms, 37 + 250 + 250);
    assert_int_equal(reply.stratum, 2);
}

/* RFC 5905 section 6: era 1 begins in 2036. */
static void the_next_era_is_read(void **state)
{
    (void)state;
    uint8_t packet[SNTP_OCTETS];
    struct sntp_reply reply;
    struct answer_fields fields = { .receive_s = -NTP_2026_11_21, .transmit_s = -NTP_2026_11_21 };
    write_answer(&fields, nonce, packet);
    assert_true(sntp_read((struct octets) { packet, sizeof(packet) }, nonce, 0, 0, &reply));
    assert_int_equal(reply.sample.true_minus_monotonic_ms, INT64_C(2085978496000)); /* 2036-02-07T06:28:16Z */
}

static void short_packets_are_no_answers(void **state)
{
    (void)state;
    uint8_t packet[SNTP_OCTETS];
    struct sntp_reply reply;
    struct answer_fields fields = { .first = 0 };
    write_answer(&fields, nonce, packet);
    for (size_t len = 0; len < SNTP_OCTETS; len++)
        assert_false(sntp_read((struct octets) { packet, len }, nonce, 0, 1, &reply));
}

/* ---- with sockets ---- */

struct fixture {
    struct ev_loop *loop;
    struct random *random;
    int server;
    struct address address;
    struct sntp_question question;
    unsigned ends;
    struct sntp_reply reply;
};

static void on_done(void *context, const struct sntp_reply *reply)
{
    struct fixture *f = context;
    f->ends++;
    f->reply = *reply;
}

static struct fixture *start(void)
{
    struct fixture *f = memory_new(1, sizeof(*f));
    struct address any = loopback("127.0.0.1");
    f->server = socket_listen_udp(&any);
    f->address = bound_address(f->server);
    f->loop = loop_new();
    f->random = random_seeded_new(1);
    f->question.context = f;
    f->question.done = on_done;
    return f;
}

static void finish(struct fixture *f)
{
    sntp_cancel(&f->question);
    random_free(f->random);
    ev_loop_destroy(f->loop);
    if (f->server >= 0)
        close(f->server);
    free(f);
}

static bool has_question(const struct fixture *f)
{
    uint8_t octet;
    return recv(f->server, &octet, 1, MSG_DONTWAIT | MSG_PEEK) > 0;
}

/* The server takes one question and answers with these fields. */
static void answer_one(struct fixture *f, const struct answer_fields *fields)
{
    uint8_t question[2 * SNTP_OCTETS], packet[SNTP_OCTETS];
    struct sockaddr_storage from;
    socklen_t len = sizeof(from);
    TURN_UNTIL(f->loop, has_question(f));
    assert_int_equal(recvfrom(f->server, question, sizeof(question), 0, (struct sockaddr *)&from, &len), SNTP_OCTETS);
    assert_int_equal(question[0], 0x23); /* version 4, client; nothing else is told */
    for (int i = 1; i < SNTP_OCTETS - 8; i++)
        assert_int_equal(question[i], 0);
    write_answer(fields, question + SNTP_OCTETS - 8, packet);
    assert_int_equal(sendto(f->server, packet, sizeof(packet), 0, (struct sockaddr *)&from, len), SNTP_OCTETS);
}

static void a_server_is_asked(void **state)
{
    (void)state;
    struct fixture *f = start();
    struct answer_fields fields = { .first = 0 };
    sntp_ask(&f->question, f->loop, f->random, &f->address);
    answer_one(f, &fields);
    TURN_UNTIL(f->loop, f->ends == 1);
    assert_int_equal(f->reply.end, SNTP_ANSWERED);
    finish(f);
}

/* A forgery does not end the question; the next packet is a new question with a new nonce. */
static void forgeries_and_losses_are_outlived(void **state)
{
    (void)state;
    struct fixture *f = start();
    struct answer_fields forged = { .wrong_origin = true }, fields = { .first = 0 };
    uint8_t first[8];
    sntp_ask(&f->question, f->loop, f->random, &f->address);
    memcpy(first, f->question.nonce, sizeof(first));
    answer_one(f, &forged);
    answer_one(f, &fields);
    TURN_UNTIL(f->loop, f->ends == 1);
    assert_memory_not_equal(f->question.nonce, first, sizeof(first));
    assert_int_equal(f->reply.end, SNTP_ANSWERED);
    finish(f);
}

static void silence_ends(void **state)
{
    (void)state;
    struct fixture *f = start();
    sntp_ask(&f->question, f->loop, f->random, &f->address);
    TURN_UNTIL(f->loop, f->ends == 1);
    assert_int_equal(f->reply.end, SNTP_SILENT);
    assert_int_equal(f->question.sends, SNTP_SENDS_MAX);
    finish(f);
}

static void nobody_there(void **state)
{
    (void)state;
    struct fixture *f = start();
    close(f->server);
    f->server = -1;
    sntp_ask(&f->question, f->loop, f->random, &f->address);
    TURN_UNTIL(f->loop, f->ends == 1);
    assert_int_equal(f->reply.end, SNTP_UNREACHABLE);
    finish(f);
}

/* The system's "no" comes from the loop, too. */
static void the_system_says_no(void **state)
{
    (void)state;
    struct fixture *f = start();
    struct address nowhere;
    assert_int_equal(address_from_text("255.255.255.255", SNTP_PORT, &nowhere), OK); /* needs SO_BROADCAST */
    sntp_ask(&f->question, f->loop, f->random, &nowhere);
    assert_int_equal(f->ends, 0);
    TURN_UNTIL(f->loop, f->ends == 1);
    assert_int_equal(f->reply.end, SNTP_UNREACHABLE);
    finish(f);
}

static void a_cancelled_question_is_silent(void **state)
{
    (void)state;
    struct fixture *f = start();
    sntp_ask(&f->question, f->loop, f->random, &f->address);
    sntp_cancel(&f->question);
    sntp_cancel(&f->question);
    turn_for(f->loop, SNTP_SENDS_MAX * SNTP_TIMEOUT_MS + 100);
    assert_int_equal(f->ends, 0);
    finish(f);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(packets_are_read),     cmocka_unit_test(the_offset_is_measured),
        cmocka_unit_test(the_next_era_is_read), cmocka_unit_test(short_packets_are_no_answers),
        cmocka_unit_test(a_server_is_asked),    cmocka_unit_test(forgeries_and_losses_are_outlived),
        cmocka_unit_test(silence_ends),         cmocka_unit_test(nobody_there),
        cmocka_unit_test(the_system_says_no),   cmocka_unit_test(a_cancelled_question_is_silent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
