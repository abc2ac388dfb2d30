/* An answer of a time server: whoever sent it knew the nonce, and may say anything else. */
#include <assert.h>

#include "transport/sntp.h"

enum { ORIGIN_AT = 24, SENT_MS = 1000, AWAY_MS = 1500 };

#define ERA_BEGINS_MS INT64_C(1279152000000)
#define ERA_MS        (INT64_C(1000) << 32)

static void check_answer(const struct sntp_reply *reply)
{
    int64_t middle_ms = reply->sample.true_minus_monotonic_ms + SENT_MS + AWAY_MS / 2;
    assert(reply->stratum >= 1 && reply->stratum <= 15 && reply->kiss[0] == '\0');
    assert(reply->delay_ms >= 0 && reply->delay_ms <= AWAY_MS);
    assert(reply->sample.error_ms >= 0 && !reply->sample.is_authenticated);
    assert(middle_ms >= ERA_BEGINS_MS && middle_ms < ERA_BEGINS_MS + ERA_MS);
}

static void check_kiss(const struct sntp_reply *reply)
{
    assert(reply->stratum == 0 && reply->kiss[sizeof(reply->kiss) - 1] == '\0');
    for (const char *at = reply->kiss; *at != '\0'; at++)
        assert(*at > 0x20 && *at < 0x7f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t nonce[8] = { 0 };
    struct sntp_reply reply;
    if (size >= ORIGIN_AT + sizeof(nonce))
        memcpy(nonce, data + ORIGIN_AT, sizeof(nonce));
    struct octets packet = { data, size };
    if (!sntp_read(packet, nonce, SENT_MS, SENT_MS + AWAY_MS, &reply))
        return 0;
    assert(size >= SNTP_OCTETS);
    if (reply.end == SNTP_ANSWERED)
        check_answer(&reply);
    else if (reply.end == SNTP_KISSED)
        check_kiss(&reply);
    else
        assert(reply.end == SNTP_UNSYNCHRONISED);
    nonce[0] ^= 1; /* nobody else's answer is one */
    assert(!sntp_read(packet, nonce, SENT_MS, SENT_MS + AWAY_MS, &reply));
    return 0;
}
