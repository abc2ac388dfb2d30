#include "front/front.h"

#include "base/writer.h"

static const struct front_decision resolve = { .verdict = FRONT_RESOLVE, .ede = EDE_NONE };
static const struct front_decision drop = { .verdict = FRONT_DROP, .ede = EDE_NONE };

static struct front_decision answer(uint16_t rcode, int ede, const char *text)
{
    return (struct front_decision) { .verdict = FRONT_ANSWER, .rcode = rcode, .ede = ede, .text = text };
}

static bool is_in(const struct prefix *prefixes, uint16_t count, const struct address *client)
{
    for (uint16_t i = 0; i < count; i++)
        if (prefix_contains(&prefixes[i], client))
            return true;
    return false;
}

/* The length of the longest one that holds the client; -1: none does. */
static int longest(const struct prefix *prefixes, uint16_t count, const struct address *client)
{
    int bits = -1;
    for (uint16_t i = 0; i < count; i++)
        if (prefixes[i].bits > bits && prefix_contains(&prefixes[i], client))
            bits = prefixes[i].bits;
    return bits;
}

enum front_access front_access(const struct front_options *options, const struct address *client)
{
    int allowed = longest(options->allow, options->allow_count, client);
    int refused = longest(options->refuse, options->refuse_count, client);
    int ignored = longest(options->ignore, options->ignore_count, client);
    if (ignored >= 0 && ignored >= refused && ignored >= allowed)
        return FRONT_IS_IGNORED;
    return allowed > refused ? FRONT_MAY_ASK : FRONT_IS_REFUSED;
}

bool front_may_snoop(const struct front_options *options, const struct address *client)
{
    return is_in(options->snoop, options->snoop_count, client);
}

/* ---- EDNS options ---- */

struct front_asker front_asker_of(const struct cookie_keys *keys, const struct edns_wishes *wishes,
                                  const struct address *client, bool is_stream, struct now now)
{
    struct front_asker asker = {
        .is_stream = is_stream,
        .wants_nsid = wishes->nsid,
        .is_malformed =
            (keys->count > 0 && wishes->cookie_is_malformed) ||
            (is_stream && wishes->keepalive_is_malformed), /* RFC 7828 section 3.2.1: over UDP it is ignored */
    };
    asker.cookie = cookie_judge(keys, wishes->cookie, client, now, asker.reply_cookie);
    return asker;
}

bool front_is_proven(const struct front_asker *asker)
{
    return asker->is_stream || asker->cookie == COOKIE_GOOD;
}

bool front_lacks_cookie(const struct front_options *options, const struct address *client,
                        const struct front_asker *asker)
{
    return options->cookies.enabled && options->require_cookie_count > 0 && !front_is_proven(asker) &&
           is_in(options->require_cookie, options->require_cookie_count, client);
}

static void put_option(struct writer *w, uint16_t code, struct octets data)
{
    writer_u16(w, code);
    writer_u16(w, (uint16_t)data.len);
    writer_octets_put(w, data);
}

struct octets front_write_options(const struct front_options *options, const struct front_asker *asker,
                                  unsigned idle_ms, uint8_t buffer[FRONT_OPTIONS_OCTETS_MAX])
{
    struct writer w = writer_of(buffer, FRONT_OPTIONS_OCTETS_MAX);
    uint8_t idle[] = { (uint8_t)(idle_ms / 100 >> 8), (uint8_t)(idle_ms / 100) }; /* RFC 7828 section 3.1 */
    if (asker->cookie != COOKIE_NONE)
        put_option(&w, EDNS_COOKIE, (struct octets) { asker->reply_cookie, COOKIE_OCTETS });
    if (asker->wants_nsid && options->nsid.len > 0)
        put_option(&w, EDNS_NSID, options->nsid);
    if (asker->is_stream) /* RFC 7828 section 3.3.2: whether or not it was in the question */
        put_option(&w, EDNS_TCP_KEEPALIVE, (struct octets) { idle, sizeof(idle) });
    return writer_octets(&w);
}

/* ---- judging ---- */

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

static struct front_decision judge_type(const struct front_options *options, uint16_t type)
{
    if (type == TYPE_ANY && options->denies_any)
        return answer(RCODE_NOERROR, EDE_NOT_SUPPORTED, "ANY is not answered here: ask for a type"); /* RFC 8482 */
    for (size_t i = 0; i < ARRAY_LEN(refused_types); i++) {
        const struct refused_type *row = &refused_types[i];
        if (row->type == type)
            return answer(row->rcode, row->ede, row->text);
    }
    if (type != TYPE_ANY && rr_type_is_meta(type))
        return answer(RCODE_NOTIMP, EDE_NOT_SUPPORTED, "unknown QTYPE or meta type"); /* RFC 6895 section 3.1 */
    return resolve;
}

/* RFC 7873 section 5.2.3: one that speaks cookies is told the right one, another one that there is a way that needs
 * none. */
static struct front_decision demand_cookie(const struct front_asker *asker)
{
    struct front_decision decision = answer(RCODE_BADCOOKIE, EDE_NONE, NULL);
    if (asker->cookie == COOKIE_NONE) {
        decision = answer(RCODE_REFUSED, EDE_PROHIBITED, "this client needs a DNS cookie, or TCP");
        decision.verdict = FRONT_USE_STREAM;
    }
    return decision;
}

/* Our own name, and the one that tools know from Unbound. */
static bool asks_for_anchors(const struct dname *qname)
{
    static const char *const names[] = { "trustanchor.vouch.", "trustanchor.unbound." };
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct dname name;
        if (dname_from_text(names[i], &name) == OK && dname_equal(&name, qname))
            return true;
    }
    return false;
}

/* Names that ask who answers: RFC 4892, and what BIND made of it.  What is hidden is refused like all of its class. */
static struct front_decision judge_chaos(const struct front_options *options, const struct question *question)
{
    const struct {
        const char *name;
        const char *text;
    } names[] = {
        { "id.server.", options->identity },
        { "hostname.bind.", options->identity },
        { "version.server.", options->version },
        { "version.bind.", options->version },
    };
    bool is_text = question->qtype == TYPE_TXT || question->qtype == TYPE_ANY;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct dname name;
        if (is_text && names[i].text != NULL && dname_from_text(names[i].name, &name) == OK &&
            dname_equal(&name, &question->qname))
            return (struct front_decision) { .verdict = FRONT_TEXT, .ede = EDE_NONE, .text = names[i].text };
    }
    if (is_text && options->tells_anchors && asks_for_anchors(&question->qname))
        return (struct front_decision) { .verdict = FRONT_ANCHORS, .ede = EDE_NONE };
    return answer(RCODE_REFUSED, EDE_NOT_SUPPORTED, "only class IN is known here");
}

/* Nothing but a cookie is asked for: RFC 7873 section 5.4, which RFC 9619 section 4 leaves standing. */
static bool asks_for_cookie_alone(const struct message *message, const struct front_asker *asker)
{
    return message->header.counts[0] == 0 && asker->cookie != COOKIE_NONE;
}

struct front_decision front_judge(const struct front_options *options, const struct address *client,
                                  const struct front_asker *asker, enum err read, const struct message *message)
{
    if (message->header.qr)
        return drop;
    enum front_access access = front_access(options, client);
    if (access == FRONT_IS_IGNORED)
        return drop;
    if (access == FRONT_IS_REFUSED)
        return answer(RCODE_REFUSED, EDE_PROHIBITED, "this client may not ask here");
    if (message->header.opcode != OPCODE_QUERY)
        return answer(RCODE_NOTIMP, EDE_NOT_SUPPORTED, "only opcode QUERY is known here");
    bool is_for_cookie = read == OK && asks_for_cookie_alone(message, asker);
    if (read != OK || (!message->has_question && !is_for_cookie))
        return answer(RCODE_FORMERR, EDE_NONE, NULL); /* RFC 9619 section 4: exactly one question */
    if (message->edns.present && message->edns.version > 0)
        return answer(RCODE_BADVERS, EDE_NONE, NULL); /* RFC 6891 section 6.1.3 */
    if (asker->is_malformed)
        return answer(RCODE_FORMERR, EDE_NONE, NULL); /* RFC 7873 section 5.2.2 */
    if (is_for_cookie) {
        bool is_bad = asker->cookie == COOKIE_WRONG && !asker->is_stream;
        return answer(is_bad ? RCODE_BADCOOKIE : RCODE_NOERROR, EDE_NONE, NULL);
    }
    if (front_lacks_cookie(options, client, asker))
        return demand_cookie(asker);
    if (message->has_tsig)
        return answer(RCODE_NOTAUTH, EDE_NOT_SUPPORTED,
                      "no TSIG or SIG(0) key is known here"); /* RFC 8945 section 5.2.1 */
    if (message->question.qclass == CLASS_CH)
        return judge_chaos(options, &message->question);
    if (message->question.qclass != CLASS_IN && message->question.qclass != CLASS_ANY)
        return answer(RCODE_REFUSED, EDE_NOT_SUPPORTED, "only class IN is known here");
    return judge_type(options, message->question.qtype);
}
