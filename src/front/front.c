#include "front/front.h"

static const struct front_decision resolve = { .verdict = FRONT_RESOLVE, .ede = EDE_NONE };
static const struct front_decision drop = { .verdict = FRONT_DROP, .ede = EDE_NONE };

static struct front_decision answer(uint16_t rcode, int ede, const char *text)
{
    return (struct front_decision) { .verdict = FRONT_ANSWER, .rcode = rcode, .ede = ede, .text = text };
}

bool front_may_ask(const struct front_options *options, const struct address *client)
{
    for (uint16_t i = 0; i < options->allow_count; i++)
        if (prefix_contains(&options->allow[i], client))
            return true;
    return false;
}

/* QTYPEs that no resolver can look up.  TYPE ANY (RFC 8482) is not one of them. */
static const struct refused_type {
    uint16_t type;
    uint16_t rcode;
    int ede;
    const char *text;
} refused_types[] = {
    { 0, RCODE_FORMERR, EDE_INVALID_QUERY_TYPE, "type 0 is reserved" },                     /* RFC 6895 section 3.1 */
    { TYPE_OPT, RCODE_FORMERR, EDE_INVALID_QUERY_TYPE, "OPT is no type to ask for" },       /* RFC 6891 section 6.1.1 */
    { TYPE_NXNAME, RCODE_FORMERR, EDE_INVALID_QUERY_TYPE, "NXNAME is no type to ask for" }, /* RFC 9824 section 3.5 */
    { TYPE_TSIG, RCODE_FORMERR, EDE_INVALID_QUERY_TYPE, "TSIG is no type to ask for" },     /* RFC 8945 section 4.2 */
    { TYPE_TKEY, RCODE_NOTIMP, EDE_NOT_SUPPORTED, "no keys are agreed on here" },           /* RFC 2930 */
    { TYPE_IXFR, RCODE_REFUSED, EDE_NOT_SUPPORTED, "a resolver has no zones to transfer" }, /* RFC 1995 */
    { TYPE_AXFR, RCODE_REFUSED, EDE_NOT_SUPPORTED, "a resolver has no zones to transfer" }, /* RFC 5936 section 2.2.1 */
    { TYPE_MAILB, RCODE_NOTIMP, EDE_NOT_SUPPORTED, "MAILB is obsolete" },                   /* RFC 1035 section 3.2.3 */
    { TYPE_MAILA, RCODE_NOTIMP, EDE_NOT_SUPPORTED, "MAILA is obsolete" },                   /* RFC 1035 section 3.2.3 */
};

static struct front_decision judge_type(uint16_t type)
{
    for (size_t i = 0; i < ARRAY_LEN(refused_types); i++) {
        const struct refused_type *row = &refused_types[i];
        if (row->type == type)
            return answer(row->rcode, row->ede, row->text);
    }
    if (type != TYPE_ANY && rr_type_is_meta(type))
        return answer(RCODE_NOTIMP, EDE_NOT_SUPPORTED, "unknown QTYPE or meta type"); /* RFC 6895 section 3.1 */
    return resolve;
}

struct front_decision front_judge(const struct front_options *options, const struct address *client, enum err read,
                                  const struct message *message)
{
    if (message->header.qr)
        return drop;
    if (!front_may_ask(options, client))
        return answer(RCODE_REFUSED, EDE_PROHIBITED, "this client may not ask here");
    if (message->header.opcode != OPCODE_QUERY)
        return answer(RCODE_NOTIMP, EDE_NOT_SUPPORTED, "only opcode QUERY is known here");
    if (read != OK || !message->has_question)
        return answer(RCODE_FORMERR, EDE_NONE, NULL); /* RFC 9619 section 4: exactly one question */
    if (message->edns.present && message->edns.version > 0)
        return answer(RCODE_BADVERS, EDE_NONE, NULL); /* RFC 6891 section 6.1.3 */
    if (message->has_tsig)
        return answer(RCODE_NOTAUTH, EDE_NOT_SUPPORTED,
                      "no TSIG or SIG(0) key is known here"); /* RFC 8945 section 5.2.1 */
    if (message->question.qclass != CLASS_IN)
        return answer(RCODE_REFUSED, EDE_NOT_SUPPORTED, "only class IN is resolved");
    return judge_type(message->question.qtype);
}
