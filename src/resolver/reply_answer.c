/* Answers out of a reply: one link of a chain, or that there is nothing. */
#include "resolver/reply_parts.h"
#include "validator/signature.h"

enum {
    PROOFS_MAX = PROOF_RRSETS_MAX + 2, /* and SOA and NS */
    COMPANIONS_MAX = 3,                /* denials beside an alias: as many as RFC 5155 section 7.2 puts together */
};

/* Times to live are whole seconds; counted from a whole second they never show a zero before their end. */
int64_t reply_received_ms(struct now now)
{
    return now_wall_s(now) * 1000;
}

struct answer *reply_new_answer(const struct asked *asked, const struct dname *qname, enum answer_kind kind,
                                struct arena *arena)
{
    struct answer *answer = ARENA_NEW(arena, struct answer);
    answer->question = *asked->question;
    answer->question.qname = *qname;
    answer->kind = kind;
    answer->origin = asked->origin;
    answer->zone = *asked->zone;
    answer->target = *dname_root();
    answer->received_ms = reply_received_ms(asked->now);
    answer->verdict = verdict_of(UNCHECKED, NULL);
    return answer;
}

static void list_add(struct rrset_list *list, struct rrset *set, uint16_t max, struct arena *arena)
{
    if (list->items == NULL)
        list->items = ARENA_ARRAY(arena, max, struct rrset *);
    if (list->count < max)
        list->items[list->count++] = set;
}

/* A signature that says fewer labels than the owner has: expanded from a wildcard, a proof must come along. */
static bool is_expanded(const struct rrset *set)
{
    for (uint16_t i = 0; i < set->sig_count; i++) {
        struct rrsig sig;
        if (rrsig_read(set->sigs[i], &sig) == OK && rrsig_is_expanded(&sig, set->owner))
            return true;
    }
    return false;
}

static void add_denials(struct answer *answer, const struct message *message, const struct asked *asked, uint16_t max,
                        struct arena *arena)
{
    const struct rrset_list *authority = &message->sections[SECTION_AUTHORITY];
    for (uint16_t i = 0; i < authority->count; i++) {
        struct rrset *set = authority->items[i];
        if (reply_is_denial(set) && set->count > 0 && reply_in_bailiwick(set, asked))
            list_add(&answer->proofs, set, max, arena);
    }
}

void reply_add_denial(struct answer *answer, const struct message *message, const struct asked *asked,
                      struct arena *arena)
{
    add_denials(answer, message, asked, PROOFS_MAX, arena);
}

uint32_t reply_least_ttl(const struct rrset_list *list, uint32_t ttl_s)
{
    for (uint16_t i = 0; i < list->count; i++)
        if (list->items[i]->ttl_s < ttl_s)
            ttl_s = list->items[i]->ttl_s;
    return ttl_s;
}

/* RFC 2308 section 5: the lesser of the SOA's TTL and its MINIMUM.  Without SOA it is not to be cached, lest it
 * goes round for ever; but for as long as a failure "no data" may be (RFC 9520 section 3.2), which spares such
 * servers each client's question. */
static uint32_t negative_ttl(const struct answer *answer)
{
    const struct rrset *set = answer_soa(answer);
    struct soa soa;
    if (set == NULL || soa_read(set->rdata[0], &soa) != OK)
        return answer->kind == ANSWER_NODATA ? FAILURE_TTL_S_FIRST : 0;
    return soa.minimum_s < set->ttl_s ? soa.minimum_s : set->ttl_s;
}

static void raise_ttls(const struct rrset_list *list, uint32_t least_s)
{
    for (uint16_t i = 0; i < list->count; i++)
        if (list->items[i]->ttl_s < least_s)
            list->items[i]->ttl_s = least_s;
}

/* What the operator wants kept for longer than its zone does is, but not beyond what its signatures say: the cache sees
 * to that when they are judged (RFC 4035 section 5.3.3). */
static void set_deadline(struct answer *answer, const struct asked *asked)
{
    bool is_negative = answer->kind == ANSWER_NODATA || answer->kind == ANSWER_NXDOMAIN;
    uint32_t least_s = is_negative ? asked->least_negative_ttl_s : asked->least_ttl_s;
    uint32_t ttl_s = is_negative ? negative_ttl(answer) : TTL_S_MAX;
    if (!asked->original_ttls) {
        raise_ttls(&answer->rrsets, least_s);
        raise_ttls(&answer->proofs, least_s);
    }
    ttl_s = reply_least_ttl(&answer->proofs, reply_least_ttl(&answer->rrsets, ttl_s));
    if (ttl_s < least_s)
        ttl_s = least_s;
    answer->expires_ms = answer->received_ms + (int64_t)ttl_s * 1000;
}

struct answer *reply_positive(const struct message *message, const struct asked *asked, const struct dname *qname,
                              enum answer_kind kind, struct rrset *set, struct arena *arena)
{
    struct answer *answer = reply_new_answer(asked, qname, kind, arena);
    list_add(&answer->rrsets, set, 1, arena);
    if (is_expanded(set))
        reply_add_denial(answer, message, asked, arena);
    set_deadline(answer, asked);
    return answer;
}

/* The DNAME nearest above qname (RFC 6672 section 3.2), in one walk: names may have many labels, messages many sets. */
static struct rrset *find_dname(const struct message *message, const struct asked *asked, const struct dname *qname)
{
    const struct rrset_list *section = &message->sections[SECTION_ANSWER];
    struct rrset *nearest = NULL;
    for (uint16_t i = 0; i < section->count; i++) {
        struct rrset *set = section->items[i];
        if (set->type == TYPE_DNAME && set->count > 0 && reply_in_bailiwick(set, asked) &&
            dname_is_below(qname, set->owner) && (nearest == NULL || set->owner->labels > nearest->owner->labels))
            nearest = set;
    }
    return nearest;
}

static struct answer *alias(const struct message *message, const struct asked *asked, const struct dname *qname,
                            enum answer_kind kind, struct rrset *set, struct arena *arena)
{
    struct answer *answer = reply_positive(message, asked, qname, kind, set, arena);
    return answer_set_target(answer) ? answer : NULL;
}

/* A CNAME beside a DNAME must be the one that the DNAME yields (RFC 6672 section 3.1, row R4.8). */
static bool is_contradicted(const struct message *message, const struct asked *asked, const struct answer *dname)
{
    struct dname target;
    const struct rrset *cname = reply_find(message, SECTION_ANSWER, asked, &dname->question.qname, TYPE_CNAME);
    return dname->rcode == RCODE_NOERROR && cname != NULL &&
           (rdata_name(cname->rdata[0], &target) != OK || !dname_equal(&target, &dname->target));
}

static struct answer *dname_link(const struct message *message, const struct asked *asked, const struct dname *qname,
                                 struct rrset *set, struct arena *arena)
{
    struct answer *answer = alias(message, asked, qname, ANSWER_DNAME, set, arena);
    if (answer != NULL)
        answer->contradicted = is_contradicted(message, asked, answer);
    return answer;
}

/* The CNAME asked for is the one that a DNAME yields: never signed (RFC 6672 section 5.3.1), the DNAME stands for
 * it. */
static bool is_yielded(const struct rrset *set, const struct rrset *dname)
{
    return set->type == TYPE_CNAME && !reply_is_signed(set) && dname != NULL;
}

/* QTYPE ANY, and QTYPE RRSIG: signatures only ever travel with what they sign (R4.5-b), or alone as data that is asked
 * for by name and never validated. */
static struct answer *positive_any(const struct message *message, const struct asked *asked, const struct dname *qname,
                                   const struct rrset *dname, struct arena *arena)
{
    const struct rrset_list *section = &message->sections[SECTION_ANSWER];
    struct answer *answer = reply_new_answer(asked, qname, ANSWER_DATA, arena);
    for (uint16_t i = 0; i < section->count; i++) {
        struct rrset *set = section->items[i];
        if (set->count > 0 && dname_equal(set->owner, qname) && reply_in_bailiwick(set, asked) &&
            !is_yielded(set, dname))
            list_add(&answer->rrsets, set, section->count, arena);
    }
    if (answer->rrsets.count == 0)
        return NULL;
    if (is_expanded(answer->rrsets.items[0]))
        reply_add_denial(answer, message, asked, arena);
    set_deadline(answer, asked);
    return answer;
}

/* Other data cannot be beside a CNAME or below a DNAME (RFC 2181 section 10.1, RFC 6672 section 2.4): if one of the two
 * is signed the other one is a lie. */
static bool is_outdone(const struct rrset *data, const struct rrset *alias)
{
    return alias != NULL && reply_is_signed(alias) && !reply_is_signed(data);
}

/* Where the zone has signed both it means what its server says first: an alias is answered with before anything else is
 * (RFC 1034 section 4.3.2 step 3a). */
static bool alias_comes_first(const struct message *message, const struct rrset *cname, const struct rrset *data)
{
    const struct rrset_list *section = &message->sections[SECTION_ANSWER];
    uint16_t at = 0;
    if (cname == NULL || cname == data || !reply_is_signed(cname) || !reply_is_signed(data))
        return false;
    while (section->items[at] != cname && section->items[at] != data)
        at++;
    return section->items[at] == cname;
}

/* There is one CNAME at a name (RFC 2181 section 10.1).  Of several the first one counts, as elsewhere; what is signed
 * must stay whole, or would not verify. */
static struct rrset *find_cname(const struct message *message, const struct asked *asked, const struct dname *qname)
{
    struct rrset *set = reply_find(message, SECTION_ANSWER, asked, qname, TYPE_CNAME);
    if (set != NULL && !reply_is_signed(set))
        set->count = 1;
    return set;
}

struct answer *reply_link(const struct message *message, const struct asked *asked, const struct dname *qname,
                          struct arena *arena)
{
    uint16_t qtype = asked->question->qtype;
    struct rrset *dname = find_dname(message, asked, qname);
    if (qtype == TYPE_ANY || qtype == TYPE_RRSIG) {
        struct answer *answer = positive_any(message, asked, qname, dname, arena);
        return answer != NULL || dname == NULL ? answer : dname_link(message, asked, qname, dname, arena);
    }
    struct rrset *cname = find_cname(message, asked, qname);
    struct rrset *set = reply_find(message, SECTION_ANSWER, asked, qname, qtype);
    if (set != NULL && !is_yielded(set, dname) && !is_outdone(set, dname) && !is_outdone(set, cname) &&
        !alias_comes_first(message, cname, set))
        return reply_positive(message, asked, qname, ANSWER_DATA, set, arena);
    if (dname != NULL)
        return dname_link(message, asked, qname, dname, arena);
    return cname == NULL ? NULL : alias(message, asked, qname, ANSWER_CNAME, cname, arena);
}

/* ---- negative answers ---- */

struct rrset *reply_find_soa(const struct message *message, const struct asked *asked, const struct dname *qname)
{
    const struct rrset_list *authority = &message->sections[SECTION_AUTHORITY];
    for (uint16_t i = 0; i < authority->count; i++) {
        struct rrset *set = authority->items[i];
        if (set->type == TYPE_SOA && set->count > 0 && reply_in_bailiwick(set, asked) &&
            dname_is_subdomain(qname, set->owner))
            return set;
    }
    return NULL;
}

/* The SOA, and the NS set where the server sends it along (RFC 2308 section 2.1, types 1 and 4 of such answers). */
static void add_apex(struct answer *answer, const struct message *message, const struct asked *asked, struct rrset *soa,
                     struct arena *arena)
{
    struct rrset *ns = reply_find(message, SECTION_AUTHORITY, asked, soa->owner, TYPE_NS);
    list_add(&answer->proofs, soa, PROOFS_MAX, arena);
    if (ns != NULL)
        list_add(&answer->proofs, ns, PROOFS_MAX, arena);
}

struct answer *reply_negative(const struct message *message, const struct asked *asked, const struct dname *qname,
                              struct rrset *soa, struct arena *arena)
{
    bool name_error = message->rcode == RCODE_NXDOMAIN;
    struct answer *answer = reply_new_answer(asked, qname, name_error ? ANSWER_NXDOMAIN : ANSWER_NODATA, arena);
    answer->rcode = message->rcode;
    if (soa != NULL)
        add_apex(answer, message, asked, soa, arena);
    reply_add_denial(answer, message, asked, arena);
    set_deadline(answer, asked);
    return answer;
}

/* Beside an alias whose target this server's zone holds, and does not tell of: they say why, for instance that the
 * target lies below a delegation without DS (RFC 4035 section 3.1.4). */
void reply_add_companions(struct answer *alias, const struct message *message, const struct asked *asked,
                          struct arena *arena)
{
    if (alias->proofs.count > 0 || !reply_is_signed(alias->rrsets.items[0]))
        return;
    add_denials(alias, message, asked, COMPANIONS_MAX, arena);
    set_deadline(alias, asked);
}
