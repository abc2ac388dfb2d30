#include "resolver/known.h"

static bool is_there(enum security security)
{
    (void)security;
    return true;
}

static bool is_local(const struct resolver_parts *parts, const struct question *question, struct now now,
                     struct arena *arena)
{
    const struct hooks *hooks = parts->hooks;
    return hooks != NULL && hooks->local != NULL && hooks->local(hooks->context, question, now, arena) != NULL;
}

/* The whole chain of aliases. */
static bool is_cached(const struct resolver_parts *parts, const struct question *question, struct now now,
                      struct arena *arena, bool (*counts)(enum security security))
{
    struct question link = *question;
    struct answer *answer;
    for (int i = 0; i <= CNAME_LINKS_MAX; i++) {
        uint16_t origin = resolver_origin(parts->options, &link);
        if (is_local(parts, &link, now, arena))
            return true;
        if (cache_find_answer(parts->cache, &link, origin, now, arena, &answer) != CACHE_FRESH ||
            !counts(answer->verdict.security))
            return false;
        if (!answer_leads_on(answer) || answer->verdict.security == BOGUS)
            return true;
        link.qname = answer->target;
    }
    return false;
}

enum known known_answer(const struct resolver_parts *parts, const struct question *question, struct now now,
                        struct arena *arena)
{
    return is_cached(parts, question, now, arena, security_is_trusted) ? KNOWN_ANSWER : KNOWN_NOTHING;
}

static bool find_ns(const struct resolver_parts *parts, const struct dname *name, struct now now, struct arena *arena,
                    struct question *ns)
{
    struct answer *answer;
    *ns = (struct question) { .qname = *name, .qtype = TYPE_NS, .qclass = CLASS_IN };
    return cache_find_answer(parts->cache, ns, resolver_origin(parts->options, ns), now, arena, &answer) ==
               CACHE_FRESH &&
           answer->kind == ANSWER_DATA && answer->verdict.security != BOGUS;
}

enum known known_at_all(const struct resolver_parts *parts, const struct question *question, struct now now,
                        struct arena *arena, struct question *ns)
{
    struct failure failure;
    if (is_cached(parts, question, now, arena, is_there) ||
        cache_find_failure(parts->cache, question, resolver_origin(parts->options, question), now, &failure))
        return KNOWN_ANSWER;
    struct dname at = question->qname;
    bool is_found = find_ns(parts, &at, now, arena, ns);
    while (!is_found && !dname_is_root(&at)) {
        dname_parent(&at, &at);
        is_found = find_ns(parts, &at, now, arena, ns);
    }
    return is_found ? KNOWN_CUT : KNOWN_NOTHING;
}
