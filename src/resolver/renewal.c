/* Keys that are out of date: a zone whose keys were exchanged in a hurry (RFC 6781 section 4.2) signs with what our
 * cache does not know yet, and would be Bogus until the TTL of its DNSKEY or DS set has run down. */
#include "resolver/request.h"

enum {
    RENEWAL_S_MIN = 60, /* a younger set is not asked for anew: so often at most for a zone, whatever is signed badly */
};

/* The sets that the culprit's signatures are judged by: the DS set of a DNSKEY set, else the keys
 * of the closest zone. */
static bool judges(const struct question *judge, const struct question *culprit)
{
    if (culprit->qtype == TYPE_DNSKEY)
        return judge->qtype == TYPE_DS && dname_equal(&judge->qname, &culprit->qname);
    if (culprit->qtype == TYPE_DS && dname_equal(&judge->qname, &culprit->qname))
        return false; /* it is the parent's */
    return judge->qtype == TYPE_DNSKEY && dname_is_subdomain(&culprit->qname, &judge->qname);
}

static bool may_be_outdated(const struct pin *pin, struct now now)
{
    return pin->from_cache && pin->answer != NULL && pin->failure.site == NULL &&
           now.wall_ms - pin->answer->received_ms >= RENEWAL_S_MIN * INT64_C(1000);
}

struct pin *renewal_find(struct request *q, const struct pin *culprit, struct now now)
{
    struct pin *closest = NULL;
    if (culprit->answer->verdict.ede != EDE_DNSKEY_MISSING)
        return NULL;
    for (uint16_t i = 0; i < q->pin_count; i++)
        if (judges(&q->pins[i]->question, &culprit->question) &&
            (closest == NULL || q->pins[i]->question.qname.labels > closest->question.qname.labels))
            closest = q->pins[i];
    return closest != NULL && may_be_outdated(closest, now) ? closest : NULL;
}

/* A delegation without DS set may be newer than the proof in the cache that no zone begins at that name: what the new
 * zone says would be Bogus until that has run down. */
static bool denies_a_cut(const struct pin *pin)
{
    const struct answer *answer = pin->answer;
    return pin->question.qtype == TYPE_DS && answer != NULL && answer->verdict.security == SECURE &&
           (answer->kind == ANSWER_NODATA || answer->kind == ANSWER_NXDOMAIN);
}

struct pin *renewal_find_denial(struct request *q, const struct pin *culprit, struct now now)
{
    int ede = culprit->answer->verdict.ede;
    struct pin *closest = NULL;
    for (uint16_t i = 0; i < q->pin_count && (ede == EDE_RRSIGS_MISSING || ede == EDE_NSEC_MISSING); i++) {
        struct pin *pin = q->pins[i];
        if (pin != culprit && denies_a_cut(pin) && may_be_outdated(pin, now) &&
            dname_is_subdomain(&culprit->question.qname, &pin->question.qname) &&
            (closest == NULL || pin->question.qname.labels > closest->question.qname.labels))
            closest = pin;
    }
    return closest;
}
