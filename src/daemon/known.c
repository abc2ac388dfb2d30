#include "daemon/known.h"

static bool is_judged(const struct answer *answer)
{
    return answer->verdict.security == SECURE || answer->verdict.security == INSECURE;
}

bool is_known(const struct resolver_parts *parts, const struct question *question, struct now now, struct arena *arena)
{
    struct question link = *question;
    struct answer *answer;
    for (int i = 0; i <= CNAME_LINKS_MAX; i++) {
        uint16_t origin = resolver_origin(parts->options, &link);
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
