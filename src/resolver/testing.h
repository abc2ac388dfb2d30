/* For tests and fuzz targets: the two ways to an answer, for the same client. */
#ifndef RESOLVER_TESTING_H
#define RESOLVER_TESTING_H

#include "resolver/response.h"

/* One client: how it asks. */
struct asking {
    uint16_t id;
    bool ad, cd, edns, dnssec_ok;
    uint16_t octets_max;
    struct dname qname;
    struct now now;
    struct octets options;
};

/* What is ready for it.  buffer: READY_BUFFER_OCTETS. */
static inline struct ready_answer ask_ready(struct cache *cache, const struct answer_options *options,
                                            const struct asking *asking, uint16_t qtype, uint8_t *buffer)
{
    struct plain_question plain = {
        .id = { (uint8_t)(asking->id >> 8), (uint8_t)asking->id },
        .name = asking->qname.octets,
        .name_octets = asking->qname.len,
        .qtype = qtype,
        .ad = asking->ad,
        .cd = asking->cd,
        .edns = asking->edns,
        .dnssec_ok = asking->dnssec_ok,
    };
    struct ready_manner manner = { .edns_octets = options->edns_octets,
                                   .ede = options->ede,
                                   .rotate = options->rotate,
                                   .octets_max = asking->octets_max,
                                   .options = asking->options };
    struct ready_key key;
    ready_key_make(cache, &plain, ORIGIN_ITERATIVE, &key);
    return ready_answer(cache, &key, &plain, &manner, asking->now, buffer);
}

/* What is made for it of the outcome. */
static inline struct octets ask_long_way(const struct answer_options *options, const struct asking *asking,
                                         const struct outcome *outcome, uint8_t *buffer, size_t size)
{
    struct client_query query = {
        .header = { .id = asking->id, .rd = true, .ad = asking->ad, .cd = asking->cd },
        .question = outcome->question,
        .edns = asking->edns,
        .dnssec_ok = asking->dnssec_ok,
        .size_max = asking->octets_max,
        .options = asking->options,
    };
    query.question.qname = asking->qname;
    return response_write(options, &query, outcome, asking->now, buffer, size);
}

#endif
