/* A client's datagram up to the verdict on it.  What is answered at once is a response that reads, fits, carries the id
 * of the question, and that we would never answer ourselves (no loops between two servers). */
#include <assert.h>

#include "front/front.h"
#include "resolver/response.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct prefix everybody = { .address.family = 4 };
static const struct front_options options = { .allow = &everybody, .allow_count = 1 };
static const struct answer_options answers = { .edns_octets = UDP_OCTETS_DEFAULT, .minimal = true, .ede = true };
static const struct address client = { .family = 4, .port = 53, .octets = { 127, 0, 0, 1 } };

static void check_answer(const struct message *message, const struct front_decision *decision, struct arena *arena)
{
    uint8_t buffer[UDP_OCTETS_DEFAULT];
    struct client_query query = {
        .header = message->header,
        .question = message->question,
        .edns = message->edns.present,
        .dnssec_ok = message->edns.dnssec_ok,
        .size_max = message->edns.present ? UDP_OCTETS_DEFAULT : UDP_OCTETS_CLASSIC,
    };
    struct octets octets = response_write_error(&answers, &query, message->has_question ? &message->question : NULL,
                                                decision->rcode, decision->ede, decision->text, buffer, sizeof(buffer));
    struct message response;
    assert(octets.len <= query.size_max);
    assert(message_read(octets, arena, &response) == OK);
    assert(response.header.qr && response.header.id == message->header.id && response.rcode == decision->rcode);
    assert(front_judge(&options, &client, OK, &response).verdict == FRONT_DROP);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_new();
    struct message message;
    enum err read = message_read((struct octets) { data, size }, arena, &message);
    struct front_decision decision = front_judge(&options, &client, read, &message);
    assert(decision.verdict != FRONT_RESOLVE || (read == OK && message.has_question && !message.header.qr));
    if (decision.verdict == FRONT_ANSWER)
        check_answer(&message, &decision, arena);
    arena_free(arena);
    return 0;
}
