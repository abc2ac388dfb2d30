/* A client's datagram up to the verdict on it.  What is answered at once is a response that reads, fits, carries the id
 * of the question, and that we would never answer ourselves (no loops between two servers). */
#include <assert.h>

#include "front/front.h"
#include "message/plain.h"
#include "resolver/response.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct prefix everybody = { .address.family = 4 };
static const uint8_t nsid[] = "nsid";
static const struct front_options lenient = { .allow = &everybody,
                                              .allow_count = 1,
                                              .cookies.enabled = true,
                                              .nsid = { nsid, sizeof(nsid) },
                                              .identity = "identity" };
static const struct front_options strict = { .allow = &everybody,
                                             .allow_count = 1,
                                             .require_cookie = &everybody,
                                             .require_cookie_count = 1,
                                             .denies_any = true,
                                             .cookies.enabled = true,
                                             .tells_anchors = true };
static const struct answer_options answers = { .edns_octets = UDP_OCTETS_DEFAULT, .minimal = true, .ede = true };
static const struct siphash_key master;
static const struct now now = { .wall_ms = 1767225600000 };
static const struct address client = { .family = 4, .port = 53, .octets = { 127, 0, 0, 1 } };

static void check_answer(const struct front_options *options, const struct message *message,
                         const struct front_asker *asker, const struct front_decision *decision, struct arena *arena)
{
    static const struct front_asker nobody;
    uint8_t own[FRONT_OPTIONS_OCTETS_MAX];
    uint8_t buffer[UDP_OCTETS_DEFAULT];
    struct client_query query = {
        .header = message->header,
        .question = message->question,
        .edns = message->edns.present,
        .dnssec_ok = message->edns.dnssec_ok,
        .options = front_write_options(options, asker, 0, own),
        .size_max = message->edns.present ? UDP_OCTETS_DEFAULT : UDP_OCTETS_CLASSIC,
    };
    const struct response_error error = {
        .question = message->has_question ? &message->question : NULL,
        .rcode = decision->rcode,
        .ede = decision->ede,
        .text = decision->text,
        .use_stream = decision->verdict == FRONT_USE_STREAM,
    };
    struct octets octets =
        decision->verdict == FRONT_TEXT || decision->verdict == FRONT_ANCHORS
            ? response_write_text(&answers, &query, decision->verdict == FRONT_TEXT ? decision->text : ".", buffer,
                                  sizeof(buffer))
            : response_write_error(&answers, &query, &error, buffer, sizeof(buffer));
    struct message response;
    assert(octets.len <= query.size_max);
    assert(message_read(octets, arena, &response) == OK);
    assert(response.header.qr && response.header.id == message->header.id && response.rcode == decision->rcode);
    assert(front_judge(options, &client, &nobody, OK, &response).verdict == FRONT_DROP);
}

/* What is read at a glance is read in the same way at leisure. */
static void check_plain(struct octets octets, enum err read, const struct message *message,
                        const struct edns_wishes *wishes)
{
    struct plain_question plain;
    if (!plain_question_read(octets, &plain))
        return;
    assert(read == OK && message->has_question && !message->has_tsig && message->edns.version == 0);
    assert(!message->header.qr && message->header.opcode == OPCODE_QUERY && message->header.rd);
    assert(message->header.ad == plain.ad && message->header.cd == plain.cd);
    assert(message->question.qtype == plain.qtype && message->question.qclass == CLASS_IN);
    assert(octets_equal((struct octets) { message->question.qname.octets, message->question.qname.len },
                        (struct octets) { plain.name, plain.name_octets }));
    assert(message->edns.present == plain.edns && message->edns.dnssec_ok == plain.dnssec_ok);
    assert(!plain.edns || message->edns.udp_octets == plain.udp_octets);
    assert((message->edns.option_count > 0) == plain.has_options);
    assert(!plain.has_options ||
           (wishes->nsid == plain.wishes.nsid && octets_equal(wishes->cookie, plain.wishes.cookie)));
}

static enum front_verdict check_decision(const struct front_options *options, enum err read,
                                         const struct message *message, const struct front_asker *asker,
                                         struct arena *arena)
{
    struct front_decision decision = front_judge(options, &client, asker, read, message);
    assert(decision.verdict != FRONT_RESOLVE || (read == OK && message->has_question && !message->header.qr));
    if (decision.verdict != FRONT_RESOLVE && decision.verdict != FRONT_DROP)
        check_answer(options, message, asker, &decision, arena);
    return decision.verdict;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_new();
    struct message message;
    enum err read = message_read((struct octets) { data, size }, arena, &message);
    struct cookie_keys keys = { 0 };
    struct edns_wishes wishes = edns_wishes_of(&message.edns);
    check_plain((struct octets) { data, size }, read, &message, &wishes);
    cookie_keys_set(&keys, &lenient.cookies, &master, now);
    struct front_asker asker = front_asker_of(&keys, &wishes, &client, false, now);
    check_decision(&lenient, read, &message, &asker, arena);
    if (check_decision(&strict, read, &message, &asker, arena) == FRONT_RESOLVE)
        assert(front_is_proven(&asker));
    arena_free(arena);
    return 0;
}
