/* Keys that are out of date: a zone whose keys were exchanged in a hurry (RFC 6781 section 4.2) signs with what our
 * cache does not know yet, and would be Bogus until the TTL of its DNSKEY or DS set has run down. */
#include "resolver/request.h"

enum {
    RENEWAL_S_MIN = 60, /* a younger set is not asked for anew: so often at most for a zone, whatever is signed badly */
    WORD_DOUBTS_MAX = 2, /* whoever told it may be asked once more where that is not known: it came with a referral */
};

/* The sets that the culprit's signatures are judged by: the DS set of a DNSKEY set, else the keys of the closest
 * zone. */
static bool judges(const struct pin *judge, const struct pin *culprit)
{
    const struct question *asked = &culprit->question;
    if (judge == culprit || judge->answer == NULL)
        return false;
    bool is_at_name = dname_equal(&judge->question.qname, &asked->qname);
    if (asked->qtype == TYPE_DNSKEY && judge->question.qtype == TYPE_DS)
        return is_at_name && judge->answer->kind == ANSWER_DATA;
    if (asked->qtype == TYPE_DNSKEY && culprit->answer->kind == ANSWER_DATA)
        return false;
    if (asked->qtype == TYPE_DS && is_at_name)
        return false; /* it is the parent's */
    return judge->question.qtype == TYPE_DNSKEY && dname_is_subdomain(&asked->qname, &judge->question.qname);
}

static bool may_be_outdated(const struct pin *pin, struct now now)
{
    return pin->from_cache && pin->failure.site == NULL &&
           now.wall_ms - pin->answer->received_ms >= RENEWAL_S_MIN * INT64_C(1000);
}

struct pin *renewal_find(struct request *q, const struct pin *culprit, struct now now)
{
    struct pin *closest = NULL;
    if (culprit->answer->verdict.ede != EDE_DNSKEY_MISSING)
        return NULL;
    for (uint16_t i = 0; i < q->pin_count; i++)
        if (judges(q->pins[i], culprit) &&
            (closest == NULL || q->pins[i]->question.qname.labels > closest->question.qname.labels))
            closest = q->pins[i];
    return closest != NULL && may_be_outdated(closest, now) ? closest : NULL;
}

/* The parent's word, whether a zone begins at the name and what its keys are. */
static bool tells_of_a_cut(const struct pin *pin)
{
    return pin->question.qtype == TYPE_DS && pin->answer != NULL && pin->answer->verdict.security == SECURE;
}

/* By what the culprit is Bogus: keys where its signatures need one, a DS set or its denial where they are missing. */
static bool is_against(const struct pin *pin, const struct pin *culprit)
{
    switch (culprit->answer->verdict.ede) {
    case EDE_DNSKEY_MISSING:
        return judges(pin, culprit);
    case EDE_RRSIGS_MISSING:
    case EDE_NSEC_MISSING:
        return tells_of_a_cut(pin) && dname_is_subdomain(&culprit->question.qname, &pin->question.qname);
    default:
        return false;
    }
}

/* One server has told it now, and others may know better: a parent's that is behind the zone's rolls.  Where proofs are
 * missing the zone signs. */
static bool is_one_servers_word(const struct request *q, const struct pin *pin, const struct pin *culprit)
{
    return q->word_doubts < WORD_DOUBTS_MAX && culprit->answer->verdict.ede != EDE_NSEC_MISSING &&
           pin->answer->verdict_is_new && pin->answer->verdict.security == SECURE;
}

/* A zone that was delegated, or signs no more, or was signed anew is Bogus by what was true before, and nothing that
 * its servers say can take the place of that. */
struct pin *renewal_find_word(struct request *q, const struct pin *culprit, struct now now)
{
    struct pin *closest = NULL;
    for (uint16_t i = 0; i < q->pin_count; i++) {
        struct pin *pin = q->pins[i];
        if (pin != culprit && is_against(pin, culprit) &&
            (closest == NULL || pin->question.qname.labels > closest->question.qname.labels))
            closest = pin;
    }
    if (closest == NULL || !(may_be_outdated(closest, now) || is_one_servers_word(q, closest, culprit)))
        return NULL;
    q->word_doubts = (uint8_t)(q->word_doubts + (closest->from.server.family == 0 ? 1 : WORD_DOUBTS_MAX));
    return closest;
}
