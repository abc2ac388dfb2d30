#include "daemon/known.h"

static bool rule_holds(const struct zone_rule *rule, const struct question *question)
{
    /* A DS set belongs to the parent's side of the cut (RFC 4035 section 3.1.4.1). */
    return question->qtype == TYPE_DS ? dname_is_below(&question->qname, &rule->zone)
                                      : dname_is_subdomain(&question->qname, &rule->zone);
}

static uint16_t origin_of(const struct resolver_options *options, const struct question *question)
{
    uint16_t origin = ORIGIN_ITERATIVE;
    uint8_t labels = 0;
    for (uint16_t i = 0; i < options->zone_rule_count; i++) {
        const struct zone_rule *rule = &options->zone_rules[i];
        if (rule_holds(rule, question) && (origin == ORIGIN_ITERATIVE || rule->zone.labels > labels)) {
            origin = (uint16_t)(i + 1);
            labels = rule->zone.labels;
        }
    }
    return origin;
}

static bool is_judged(const struct answer *answer)
{
    return answer->verdict.security == SECURE || answer->verdict.security == INSECURE;
}

bool is_known(const struct resolver_parts *parts, const struct question *question, struct now now, struct arena *arena)
{
    struct question link = *question;
    struct answer *answer;
    for (int i = 0; i <= CNAME_LINKS_MAX; i++) {
        uint16_t origin = origin_of(parts->options, &link);
        if (parts->hooks->local(parts->hooks->context, &link, now, arena) != NULL)
            return true;
        if (cache_find_answer(parts->cache, &link, origin, now, arena, &answer) != CACHE_FRESH || !is_judged(answer))
            return false;
        if (answer->kind != ANSWER_CNAME && answer->kind != ANSWER_DNAME)
            return true;
        link.qname = answer->target;
    }
    return false;
}
