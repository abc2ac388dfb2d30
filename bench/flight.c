#include "flight.h"

#include <string.h>

enum { LOOK_FOR_EXPIRED_NS = 50000000 };

_Static_assert(WINDOW_MAX == 1 << ID_PLACE_BITS, "an id names its place");
_Static_assert(WINDOW_MAX *ID_ROUNDS == 1 << 16, "an id has 16 bits");

uint64_t next_random(uint64_t *state)
{
    uint64_t x = *state;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    *state = x;
    return x * UINT64_C(0x2545f4914f6cdd1d);
}

void flight_init(struct flight *flight, unsigned window, int64_t timeout_ns)
{
    memset(flight, 0, sizeof(*flight));
    flight->window = window;
    flight->timeout_ns = timeout_ns;
    flight->random = UINT64_C(0x9e3779b97f4a7c15);
    for (unsigned place = window; place-- > 0;) {
        flight->places[place].id = (uint16_t)place;
        flight->free[flight->free_count++] = (uint16_t)place;
    }
}

static bool is_letter(uint8_t octet)
{
    return (octet | 0x20) >= 'a' && (octet | 0x20) <= 'z';
}

/* A label's length is at most 63, which is no letter. */
static void mix_case(uint8_t *section, size_t octets, uint64_t *random)
{
    uint64_t bits = next_random(random);
    for (size_t i = 0; i < octets - 4; i++)
        if (is_letter(section[i]))
            section[i] ^= (uint8_t)(bits >> (i & 63) & 1) << 5;
}

struct place *flight_take(struct flight *flight, const struct question *question, int64_t since_ns)
{
    struct place *place = &flight->places[flight->free[--flight->free_count]];
    place->question = question;
    place->since_ns = since_ns;
    memcpy(place->query, question->query, question->query_octets);
    place->query[0] = (uint8_t)(place->id >> 8);
    place->query[1] = (uint8_t)place->id;
    if (question->mixed_case)
        mix_case(place->query + DNS_HEADER_OCTETS, question->section_octets, &flight->random);
    return place;
}

static void release(struct flight *flight, struct place *place)
{
    place->question = NULL;
    place->id = (uint16_t)(place->id + WINDOW_MAX);
    flight->free[flight->free_count++] = (uint16_t)(place - flight->places);
}

void flight_reply(struct flight *flight, const uint8_t *reply, size_t octets, bool judge, int64_t now_ns,
                  struct tally *tally)
{
    uint16_t id = octets < 2 ? 0 : (uint16_t)(reply[0] << 8 | reply[1]);
    struct place *place = &flight->places[id & (WINDOW_MAX - 1)];
    if (octets < 2 || place->question == NULL || place->id != id) {
        tally->strays++;
        return;
    }
    enum fault fault = judge ? question_judge(place->question, place->query, reply, octets) : FAULT_NONE;
    tally_reply(tally, fault, octets, now_ns - place->since_ns);
    release(flight, place);
}

void flight_expire(struct flight *flight, int64_t now_ns, struct tally *tally)
{
    if (now_ns - flight->expired_ns < LOOK_FOR_EXPIRED_NS)
        return;
    flight->expired_ns = now_ns;
    for (unsigned i = 0; i < flight->window; i++) {
        struct place *place = &flight->places[i];
        if (place->question != NULL && now_ns - place->since_ns > flight->timeout_ns) {
            tally->lost++;
            release(flight, place);
        }
    }
}

void flight_abandon(struct flight *flight, struct tally *tally)
{
    for (unsigned i = 0; i < flight->window; i++) {
        if (flight->places[i].question != NULL) {
            tally->lost++;
            release(flight, &flight->places[i]);
        }
    }
}
