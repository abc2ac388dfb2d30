#include "policy/retelling.h"

#include "policy/sentinel.h"

/* A client that validates by itself must see what the zone says (RFC 6147 section 5.5). */
static bool is_for_dns64(const struct retelling_options *options, const struct client_query *query)
{
    return options->dns64.is_on && query->question.qclass == CLASS_IN && !(query->header.cd && query->dnssec_ok);
}

struct question retell_question(const struct retelling_options *options, const struct client_query *query,
                                struct retelling *retelling)
{
    struct question question = query->question;
    question.qclass = CLASS_IN; /* QCLASS ANY may be answered by any class (RFC 1034 section 3.7.1): we know one */
    *retelling = (struct retelling) { .stage = RETELLING_ASKED };
    if (is_for_dns64(options, query) && question.qtype == TYPE_PTR &&
        dns64_reverse(&options->dns64.prefix, &query->question.qname, &question.qname))
        retelling->stage = RETELLING_REVERSE;
    return question;
}

static bool is_failed(const struct outcome *outcome)
{
    return outcome->rcode == RCODE_SERVFAIL;
}

static enum retold ask(struct retelling *retelling, int stage, const struct client_query *query, uint16_t qtype,
                       struct told *told)
{
    retelling->stage = stage;
    told->question = query->question;
    told->question.qtype = qtype;
    return RETOLD_ASK;
}

/* As if validation had failed (RFC 8509 section 3.2). */
static void deny(const struct outcome *outcome, struct outcome *told)
{
    *told = *outcome;
    told->rcode = RCODE_SERVFAIL;
    told->link_count = 0;
    told->is_repeatable = false;
    told->ede_count = 1;
    told->edes[0] = (struct outcome_ede) { .code = EDE_BOGUS, .text = "root key sentinel (RFC 8509)" };
}

static enum retold retell_asked(const struct retelling_means *means, const struct client_query *query,
                                struct retelling *retelling, const struct outcome *outcome, struct told *told)
{
    const struct retelling_options *options = means->options;
    if (options->sentinel && sentinel_denies(query, outcome, means->trust, means->now)) {
        deny(outcome, &told->outcome);
        return RETOLD_OTHER;
    }
    if (is_for_dns64(options, query) && query->question.qtype == TYPE_AAAA &&
        dns64_wants_addresses(&options->dns64, outcome, means->now, &retelling->ttl_max_s))
        return ask(retelling, RETELLING_ADDRESSES, query, TYPE_A, told);
    return RETOLD_SAME;
}

static enum retold retell_allowed(const struct retelling_means *means, const struct client_query *query,
                                  struct retelling *retelling, const struct outcome *outcome, struct told *told)
{
    const struct dns64 *dns64 = &means->options->dns64;
    switch (retelling->stage) {
    case RETELLING_ASKED:
        return retell_asked(means, query, retelling, outcome, told);
    case RETELLING_REVERSE:
        dns64_lead_back(dns64, &query->question, outcome, means->now, means->arena, &told->outcome);
        return RETOLD_OTHER;
    case RETELLING_ADDRESSES:
        if (is_failed(outcome))
            return RETOLD_SAME;
        /* a reload may have switched it off since the addresses were asked for */
        if (dns64->is_on &&
            dns64_synthesize(dns64, outcome, retelling->ttl_max_s, means->now, means->arena, &told->outcome))
            return RETOLD_OTHER;
        return ask(retelling, RETELLING_AS_IT_IS, query, TYPE_AAAA, told);
    case RETELLING_AS_IT_IS:
        break;
    }
    return RETOLD_SAME;
}

enum retold retell_outcome(const struct retelling_means *means, const struct client_query *query,
                           struct retelling *retelling, const struct outcome *outcome, struct told *told)
{
    const struct rebinding *rebinding = &means->options->rebinding;
    struct outcome allowed;
    if (!rebinding_is_shown(rebinding, outcome))
        return retell_allowed(means, query, retelling, outcome, told);
    rebinding_leave_out(rebinding, outcome, means->arena, &allowed);
    enum retold retold = retell_allowed(means, query, retelling, &allowed, told);
    if (retold != RETOLD_SAME)
        return retold;
    told->outcome = allowed;
    return RETOLD_OTHER;
}

bool retelling_keeps(const struct retelling_options *options, const struct outcome *outcome, struct now now)
{
    const struct dns64 *dns64 = &options->dns64;
    const struct question *question = &outcome->question;
    struct dname reverse;
    uint32_t ttl_max_s;
    if ((options->sentinel && sentinel_is_name(&question->qname)) || rebinding_is_shown(&options->rebinding, outcome))
        return false;
    if (!dns64->is_on)
        return true;
    if (question->qtype == TYPE_PTR)
        return !dns64_reverse(&dns64->prefix, &question->qname, &reverse);
    return question->qtype != TYPE_AAAA || !dns64_wants_addresses(dns64, outcome, now, &ttl_max_s);
}
