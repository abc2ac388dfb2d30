#include "resolver/reply.h"

#include "validator/signature.h"

enum {
    PROOFS_MAX = PROOF_RRSETS_MAX + 2, /* and SOA and NS */
    COMPANIONS_MAX = 3,                /* denials beside an alias: as many as RFC 5155 section 7.2 puts together */
    ADOPTIONS_MAX = 64,                /* RRsets whose signatures are looked for in other sections; each costs a walk */
};

/* ---- what the server may speak of ---- */

static bool names_in_zone(const struct octets nsec_rdata, const struct rrsig *sig)
{
    struct nsec nsec;
    return nsec_read(nsec_rdata, &nsec) == OK && dname_is_subdomain(&nsec.next, &sig->signer);
}

/* A signed NSEC whose next name is in no zone that has signed it, though the last one of a zone names the
 * apex (RFC 4034 section 4.1.1): it is no data of the zone.  Where it should prove something the validator
 * says why it does not. */
static bool leads_out(const struct rrset *set)
{
    for (uint16_t i = 0; i < set->sig_count; i++) {
        struct rrsig sig;
        if (set->type != TYPE_NSEC || set->count == 0 || rrsig_read(set->sigs[i], &sig) != OK ||
            names_in_zone(set->rdata[0], &sig))
            return false;
    }
    return set->sig_count > 0;
}

static bool in_bailiwick(const struct rrset *set, const struct asked *asked)
{
    return set->class == asked->question->qclass && dname_is_subdomain(set->owner, asked->zone);
}

static struct rrset *find(const struct message *message, enum section section, const struct asked *asked,
                          const struct dname *owner, uint16_t type)
{
    struct rrset *set = rrset_list_find(&message->sections[section], owner, type);
    return set != NULL && set->count > 0 && in_bailiwick(set, asked) && !leads_out(set) ? set : NULL;
}

/* One of its records could not be read: of what it says nothing is known, not even that there is nothing. */
static bool is_spoilt(const struct rrset *set, const struct asked *asked)
{
    return set->count == 0 && in_bailiwick(set, asked);
}

static bool is_denial(const struct rrset *set)
{
    return set->type == TYPE_NSEC || set->type == TYPE_NSEC3;
}

/* ---- answers ---- */

/* Times to live are whole seconds; counted from a whole second they never show a zero before their end. */
static int64_t whole_seconds(struct now now)
{
    return now_wall_s(now) * 1000;
}

static struct answer *new_answer(const struct asked *asked, const struct dname *qname, enum answer_kind kind,
                                 struct arena *arena)
{
    struct answer *answer = ARENA_NEW(arena, struct answer);
    answer->question = *asked->question;
    answer->question.qname = *qname;
    answer->kind = kind;
    answer->origin = asked->origin;
    answer->zone = *asked->zone;
    answer->target = *dname_root();
    answer->received_ms = whole_seconds(asked->now);
    answer->verdict.ede = EDE_NONE;
    answer->verdict.valid_until_s = INT64_MAX;
    answer->verdict.ttl_cap_s = UINT32_MAX;
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

static void add_denial(struct answer *answer, const struct message *message, const struct asked *asked, uint16_t max,
                       struct arena *arena)
{
    const struct rrset_list *authority = &message->sections[SECTION_AUTHORITY];
    for (uint16_t i = 0; i < authority->count; i++) {
        struct rrset *set = authority->items[i];
        if (is_denial(set) && set->count > 0 && in_bailiwick(set, asked))
            list_add(&answer->proofs, set, max, arena);
    }
}

static uint32_t least_ttl(const struct rrset_list *list, uint32_t ttl_s)
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
    ttl_s = least_ttl(&answer->proofs, least_ttl(&answer->rrsets, ttl_s));
    if (ttl_s < least_s)
        ttl_s = least_s;
    answer->expires_ms = answer->received_ms + (int64_t)ttl_s * 1000;
}

static struct answer *positive(const struct message *message, const struct asked *asked, const struct dname *qname,
                               enum answer_kind kind, struct rrset *set, struct arena *arena)
{
    struct answer *answer = new_answer(asked, qname, kind, arena);
    list_add(&answer->rrsets, set, 1, arena);
    if (is_expanded(set))
        add_denial(answer, message, asked, PROOFS_MAX, arena);
    set_deadline(answer, asked);
    return answer;
}

/* QTYPE ANY, and QTYPE RRSIG: signatures only ever travel with what they sign (R4.5-b), or alone as data that is asked
 * for by name and never validated. */
static struct answer *positive_any(const struct message *message, const struct asked *asked, const struct dname *qname,
                                   struct arena *arena)
{
    const struct rrset_list *section = &message->sections[SECTION_ANSWER];
    struct answer *answer = new_answer(asked, qname, ANSWER_DATA, arena);
    for (uint16_t i = 0; i < section->count; i++) {
        struct rrset *set = section->items[i];
        if (set->count > 0 && dname_equal(set->owner, qname) && in_bailiwick(set, asked))
            list_add(&answer->rrsets, set, section->count, arena);
    }
    if (answer->rrsets.count == 0)
        return NULL;
    if (is_expanded(answer->rrsets.items[0]))
        add_denial(answer, message, asked, PROOFS_MAX, arena);
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
        if (set->type == TYPE_DNAME && set->count > 0 && in_bailiwick(set, asked) &&
            dname_is_below(qname, set->owner) && (nearest == NULL || set->owner->labels > nearest->owner->labels))
            nearest = set;
    }
    return nearest;
}

static struct answer *alias(const struct message *message, const struct asked *asked, const struct dname *qname,
                            enum answer_kind kind, struct rrset *set, struct arena *arena)
{
    struct answer *answer = positive(message, asked, qname, kind, set, arena);
    return answer_set_target(answer) ? answer : NULL;
}

/* A CNAME beside a DNAME must be the one that the DNAME yields (RFC 6672 section 3.1, row R4.8). */
static bool is_contradicted(const struct message *message, const struct asked *asked, const struct answer *dname)
{
    struct dname target;
    const struct rrset *cname = find(message, SECTION_ANSWER, asked, &dname->question.qname, TYPE_CNAME);
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

/* The CNAME asked for is the one that a DNAME yields: never
 * signed (RFC 6672 section 5.3.1), the DNAME stands for it. */
static bool is_yielded(const struct rrset *set, const struct rrset *dname)
{
    return set->type == TYPE_CNAME && set->sig_count == 0 && dname != NULL;
}

static bool is_signed(const struct rrset *set)
{
    return set->sig_count > 0;
}

/* Other data cannot be beside a CNAME or below a DNAME (RFC 2181 section 10.1, RFC 6672 section 2.4): if one of the two
 * is signed the other one is a lie. */
static bool is_outdone(const struct rrset *data, const struct rrset *alias)
{
    return alias != NULL && is_signed(alias) && !is_signed(data);
}

/* Where the zone has signed both it means what its server says first: an alias is answered with before anything else is
 * (RFC 1034 section 4.3.2 step 3a). */
static bool alias_comes_first(const struct message *message, const struct rrset *cname, const struct rrset *data)
{
    const struct rrset_list *section = &message->sections[SECTION_ANSWER];
    uint16_t at = 0;
    if (cname == NULL || cname == data || !is_signed(cname) || !is_signed(data))
        return false;
    while (section->items[at] != cname && section->items[at] != data)
        at++;
    return section->items[at] == cname;
}

/* There is one CNAME at a name (RFC 2181 section 10.1).  Of several the first one counts, as elsewhere; what is signed
 * must stay whole, or would not verify. */
static struct rrset *find_cname(const struct message *message, const struct asked *asked, const struct dname *qname)
{
    struct rrset *set = find(message, SECTION_ANSWER, asked, qname, TYPE_CNAME);
    if (set != NULL && !is_signed(set))
        set->count = 1;
    return set;
}

/* One link of the chain that starts at qname; NULL: the Answer section says nothing of it. */
static struct answer *positive_link(const struct message *message, const struct asked *asked, const struct dname *qname,
                                    struct arena *arena)
{
    uint16_t qtype = asked->question->qtype;
    if (qtype == TYPE_ANY || qtype == TYPE_RRSIG)
        return positive_any(message, asked, qname, arena);
    struct rrset *dname = find_dname(message, asked, qname);
    struct rrset *cname = find_cname(message, asked, qname);
    struct rrset *set = find(message, SECTION_ANSWER, asked, qname, qtype);
    if (set != NULL && !is_yielded(set, dname) && !is_outdone(set, dname) && !is_outdone(set, cname) &&
        !alias_comes_first(message, cname, set))
        return positive(message, asked, qname, ANSWER_DATA, set, arena);
    if (dname != NULL)
        return dname_link(message, asked, qname, dname, arena);
    return cname == NULL ? NULL : alias(message, asked, qname, ANSWER_CNAME, cname, arena);
}

/* ---- negative answers ---- */

static struct rrset *find_soa(const struct message *message, const struct asked *asked, const struct dname *qname)
{
    const struct rrset_list *authority = &message->sections[SECTION_AUTHORITY];
    for (uint16_t i = 0; i < authority->count; i++) {
        struct rrset *set = authority->items[i];
        if (set->type == TYPE_SOA && set->count > 0 && in_bailiwick(set, asked) &&
            dname_is_subdomain(qname, set->owner))
            return set;
    }
    return NULL;
}

/* The SOA, and the NS set where the server sends it along (RFC 2308 section 2.1, types 1 and 4 of such answers). */
static void add_apex(struct answer *answer, const struct message *message, const struct asked *asked, struct rrset *soa,
                     struct arena *arena)
{
    struct rrset *ns = find(message, SECTION_AUTHORITY, asked, soa->owner, TYPE_NS);
    list_add(&answer->proofs, soa, PROOFS_MAX, arena);
    if (ns != NULL)
        list_add(&answer->proofs, ns, PROOFS_MAX, arena);
}

static struct answer *negative(const struct message *message, const struct asked *asked, const struct dname *qname,
                               struct rrset *soa, struct arena *arena)
{
    bool name_error = message->rcode == RCODE_NXDOMAIN;
    struct answer *answer = new_answer(asked, qname, name_error ? ANSWER_NXDOMAIN : ANSWER_NODATA, arena);
    answer->rcode = message->rcode;
    if (soa != NULL)
        add_apex(answer, message, asked, soa, arena);
    add_denial(answer, message, asked, PROOFS_MAX, arena);
    set_deadline(answer, asked);
    return answer;
}

/* ---- referrals ---- */

static bool leads_down(const struct rrset *ns, const struct asked *asked)
{
    const struct question *question = asked->question;
    if (ns->type != TYPE_NS || ns->count == 0 || ns->class != question->qclass)
        return false;
    if (!dname_is_below(ns->owner, asked->zone) || !dname_is_subdomain(&question->qname, ns->owner))
        return false;
    /* DS lives above the cut: a referral to the name itself leads to the wrong side (R4.2-d). */
    return question->qtype != TYPE_DS || !dname_equal(ns->owner, &question->qname);
}

static struct rrset *find_referral(const struct message *message, const struct asked *asked)
{
    const struct rrset_list *authority = &message->sections[SECTION_AUTHORITY];
    struct rrset *deepest = NULL;
    for (uint16_t i = 0; i < authority->count; i++) {
        struct rrset *set = authority->items[i];
        if (leads_down(set, asked) && (deepest == NULL || set->owner->labels > deepest->owner->labels))
            deepest = set;
    }
    return deepest;
}

static bool has_name_servers(const struct message *message)
{
    const struct rrset_list *authority = &message->sections[SECTION_AUTHORITY];
    for (uint16_t i = 0; i < authority->count; i++)
        if (authority->items[i]->type == TYPE_NS)
            return true;
    return false;
}

static void add_glue(struct delegation_server *server, const struct message *message, const struct asked *asked,
                     uint16_t type)
{
    const struct rrset *set = rrset_list_find(&message->sections[SECTION_ADDITIONAL], &server->name, type);
    if (set == NULL || set->class != asked->question->qclass || !(asked->any_glue || in_bailiwick(set, asked)))
        return;
    for (uint16_t i = 0; i < set->count && server->address_count < ADDRESSES_PER_NS_MAX; i++)
        if (address_from_rdata(type, set->rdata[i], 53, &server->addresses[server->address_count]) == OK)
            server->address_count++;
}

static struct delegation *new_delegation(const struct message *message, const struct asked *asked,
                                         const struct rrset *ns, struct arena *arena)
{
    struct delegation *delegation = ARENA_NEW(arena, struct delegation);
    delegation->zone = *ns->owner;
    delegation->origin = asked->origin;
    delegation->expires_ms = whole_seconds(asked->now) + (int64_t)ns->ttl_s * 1000;
    uint16_t most = asked->ns_max > 0 && asked->ns_max < NS_PER_ZONE_MAX ? asked->ns_max : NS_PER_ZONE_MAX;
    uint16_t max = ns->count < most ? ns->count : most;
    delegation->servers = ARENA_ARRAY(arena, max, struct delegation_server);
    for (uint16_t i = 0; i < ns->count && delegation->server_count < max; i++) {
        struct delegation_server *server = &delegation->servers[delegation->server_count];
        if (rdata_name(ns->rdata[i], &server->name) != OK)
            continue;
        server->addresses = ARENA_ARRAY(arena, ADDRESSES_PER_NS_MAX, struct address);
        add_glue(server, message, asked, TYPE_A);
        add_glue(server, message, asked, TYPE_AAAA);
        delegation->server_count++;
    }
    return delegation;
}

struct delegation *reply_priming(const struct message *message, const struct asked *asked, struct arena *arena)
{
    const struct rrset *ns = find(message, SECTION_ANSWER, asked, asked->zone, TYPE_NS);
    return ns == NULL ? NULL : new_delegation(message, asked, ns, arena);
}

/* What the referral says about DS at the cut (RFC 4035 section 3.1.4.1): the set, or the proof that there is none. */
static struct answer *referral_ds(const struct message *message, const struct asked *asked, const struct rrset *ns,
                                  struct arena *arena)
{
    struct question question = { .qname = *ns->owner, .qtype = TYPE_DS, .qclass = asked->question->qclass };
    struct asked about = *asked;
    about.question = &question;
    struct rrset *ds = find(message, SECTION_AUTHORITY, asked, ns->owner, TYPE_DS);
    if (ds != NULL)
        return positive(message, &about, ns->owner, ANSWER_DATA, ds, arena);

    struct answer *answer = new_answer(&about, ns->owner, ANSWER_NODATA, arena);
    add_denial(answer, message, asked, PROOFS_MAX, arena);
    if (answer->proofs.count == 0)
        return NULL;
    uint32_t ttl_s = least_ttl(&answer->proofs, TTL_S_MAX);
    answer->expires_ms = answer->received_ms + (int64_t)ttl_s * 1000;
    return answer;
}

/* ---- signatures in the wrong section ---- */

static bool has_signature(const struct rrset *set, struct octets signature)
{
    for (uint16_t i = 0; i < set->sig_count; i++)
        if (octets_equal(set->sigs[i], signature))
            return true;
    return false;
}

static void take_signatures(struct rrset *set, const struct rrset *orphans, struct arena *arena)
{
    struct octets *sigs = ARENA_ARRAY(arena, RRSIGS_PER_RRSET_MAX, struct octets);
    for (uint16_t i = 0; i < set->sig_count; i++)
        sigs[i] = set->sigs[i];
    set->sig_ttl_s = set->sig_count > 0 && set->sig_ttl_s < orphans->ttl_s ? set->sig_ttl_s : orphans->ttl_s;
    set->sigs = sigs;
    for (uint16_t i = 0; i < orphans->count && set->sig_count < RRSIGS_PER_RRSET_MAX; i++) {
        struct rrsig sig;
        if (rrsig_read(orphans->rdata[i], &sig) == OK && sig.type_covered == set->type &&
            !has_signature(set, orphans->rdata[i]))
            sigs[set->sig_count++] = orphans->rdata[i];
    }
}

/* RFC 4035 section 3.1.1 wants an RRSIG in the section of what it signs.  A server that puts it elsewhere is forgiven:
 * whether it signs anything is the validator's to say. */
static void find_signatures(const struct message *message, struct rrset *set, struct arena *arena)
{
    for (enum section section = SECTION_ANSWER; section < SECTIONS; section++) {
        const struct rrset *orphans = rrset_list_find(&message->sections[section], set->owner, TYPE_RRSIG);
        if (orphans != NULL && orphans->class == set->class)
            take_signatures(set, orphans, arena);
    }
}

/* Most messages have none, and are done with one walk. */
static bool has_orphans(const struct message *message)
{
    for (enum section section = SECTION_ANSWER; section < SECTIONS; section++)
        for (uint16_t i = 0; i < message->sections[section].count; i++)
            if (message->sections[section].items[i]->type == TYPE_RRSIG)
                return true;
    return false;
}

static void adopt_orphans(const struct message *message, const struct asked *asked, struct arena *arena)
{
    uint16_t left = ADOPTIONS_MAX;
    if (asked->question->qtype == TYPE_RRSIG || !has_orphans(message))
        return;
    for (enum section section = SECTION_ANSWER; section <= SECTION_AUTHORITY; section++)
        for (uint16_t i = 0; i < message->sections[section].count && left > 0; i++) {
            struct rrset *set = message->sections[section].items[i];
            if (set->type == TYPE_RRSIG)
                continue;
            find_signatures(message, set, arena);
            left--;
        }
}

/* ---- records that cannot be read ---- */

/* Would it be the link of the chain at qname? */
static bool may_be_link(const struct rrset *set, const struct asked *asked, const struct dname *qname)
{
    uint16_t qtype = asked->question->qtype;
    if (set->type == TYPE_DNAME && dname_is_below(qname, set->owner))
        return true;
    return dname_equal(set->owner, qname) &&
           (set->type == qtype || set->type == TYPE_CNAME || qtype == TYPE_ANY || qtype == TYPE_RRSIG);
}

static bool link_is_spoilt(const struct message *message, const struct asked *asked, const struct dname *qname)
{
    const struct rrset_list *section = &message->sections[SECTION_ANSWER];
    for (uint16_t i = 0; i < section->count; i++)
        if (is_spoilt(section->items[i], asked) && may_be_link(section->items[i], asked, qname))
            return true;
    return false;
}

/* What tells "no data" from a referral, and where that leads; and what proves it. */
static bool direction_is_spoilt(const struct message *message, const struct asked *asked)
{
    const struct rrset_list *section = &message->sections[SECTION_AUTHORITY];
    for (uint16_t i = 0; i < section->count; i++) {
        const struct rrset *set = section->items[i];
        bool leads = set->type == TYPE_SOA || set->type == TYPE_NS || set->type == TYPE_DS;
        bool is_above = dname_is_subdomain(&asked->question->qname, set->owner);
        if (is_spoilt(set, asked) && (is_denial(set) || (leads && is_above)))
            return true;
    }
    return false;
}

/* ---- the whole ---- */

/* The name after the link, if this server's zone still holds it and the chain may grow. */
static bool next_in_zone(const struct answer *link, const struct asked *asked, const struct reply *reply)
{
    return answer_leads_on(link) && !link->contradicted && reply->answer_count < CNAME_LINKS_MAX &&
           dname_is_subdomain(&link->target, asked->zone);
}

/* Beside an alias whose target this server's zone holds, and does not tell of: they say why, for instance that the
 * target lies below a delegation without DS (RFC 4035 section 3.1.4). */
static void add_companions(struct answer *alias, const struct message *message, const struct asked *asked,
                           struct arena *arena)
{
    if (alias->proofs.count > 0 || !is_signed(alias->rrsets.items[0]))
        return;
    add_denial(alias, message, asked, COMPANIONS_MAX, arena);
    set_deadline(alias, asked);
}

/* The NS set of the zone that holds the name, as far as the server may speak of it. */
static struct rrset *find_ns_above(const struct message *message, const struct asked *asked, const struct dname *qname)
{
    const struct rrset_list *authority = &message->sections[SECTION_AUTHORITY];
    struct rrset *deepest = NULL;
    for (uint16_t i = 0; i < authority->count; i++) {
        struct rrset *set = authority->items[i];
        if (set->type == TYPE_NS && set->count > 0 && in_bailiwick(set, asked) &&
            dname_is_subdomain(qname, set->owner) && (deepest == NULL || set->owner->labels > deepest->owner->labels))
            deepest = set;
    }
    return deepest;
}

/* Only where the Authority section is sent anyway, for the proof of a link of the chain, does the NS set go along. */
static void show_ns(struct reply *reply, const struct message *message, const struct asked *asked)
{
    bool has_proofs = false;
    for (uint16_t i = 0; i < reply->answer_count; i++)
        has_proofs |= reply->answers[i]->rrsets.count > 0 && reply->answers[i]->proofs.count > 0;
    if (asked->shows_ns && has_proofs)
        reply->answers[0]->shown_ns = find_ns_above(message, asked, &reply->answers[0]->question.qname);
}

/* Follows the chain through the message (RFC 1034 section 4.3.2 step 3a: the server did the same).  What comes along
 * without signatures where the zone signs is better asked for by its own name than taken for unsigned. */
static void read_chain(const struct message *message, const struct asked *asked, struct arena *arena,
                       struct reply *reply)
{
    struct dname qname = asked->question->qname;
    for (;;) {
        reply->is_spoilt = link_is_spoilt(message, asked, &qname);
        if (reply->is_spoilt)
            return;
        struct answer *link = positive_link(message, asked, &qname, arena);
        if (link == NULL)
            break;
        if (reply->answer_count > 0 && is_signed(reply->answers[0]->rrsets.items[0]) &&
            !is_signed(link->rrsets.items[0]))
            return;
        reply->answers[reply->answer_count++] = link;
        if (!next_in_zone(link, asked, reply))
            return;
        qname = link->target;
    }
    if (reply->answer_count == 0 || reply->answer_count == CNAME_LINKS_MAX)
        return;
    struct rrset *soa = find_soa(message, asked, &qname);
    if (soa != NULL && (message->rcode == RCODE_NOERROR || message->rcode == RCODE_NXDOMAIN))
        reply->answers[reply->answer_count++] = negative(message, asked, &qname, soa, arena);
    else if (soa == NULL && message->rcode == RCODE_NOERROR)
        add_companions(reply->answers[reply->answer_count - 1], message, asked, arena);
}

/* RFC 6891 section 7; and who does not like version 0 likes none (section 6.1.3). */
static enum reply_kind of_rcode(const struct message *message, const struct asked *asked)
{
    bool unknown_edns = message->rcode == RCODE_FORMERR || message->rcode == RCODE_NOTIMP;
    bool is_without_edns = (unknown_edns && !message->edns.present) || message->rcode == RCODE_BADVERS;
    return is_without_edns && asked->with_edns ? REPLY_NO_EDNS : REPLY_REFUSED;
}

static bool is_out_of_recursion(const struct message *message, const struct asked *asked)
{
    return !asked->recursive && message->header.ra && !message->header.aa;
}

/* Whatever else it may be full of. */
static bool says_nothing(const struct message *message, const struct answer *denial)
{
    return message->rcode == RCODE_NOERROR && denial->proofs.count == 0;
}

/* No data for the name in the Answer section: a referral, a negative answer, or nothing of use. */
static enum reply_kind read_without_answer(const struct message *message, const struct asked *asked,
                                           struct arena *arena, struct reply *reply)
{
    const struct dname *qname = &asked->question->qname;
    if (reply->is_spoilt || direction_is_spoilt(message, asked))
        return REPLY_SPOILT;
    struct rrset *soa = find_soa(message, asked, qname);
    struct rrset *ns = find_referral(message, asked);
    if (message->rcode == RCODE_NOERROR && soa == NULL && ns != NULL && !asked->recursive) {
        reply->delegation = new_delegation(message, asked, ns, arena);
        reply->ds = referral_ds(message, asked, ns, arena);
        return REPLY_REFERRAL;
    }
    /* The child's apex speaks for itself alone; whether it has a DS its parent knows (RFC 4035 section 3.1.4.1). */
    if (asked->question->qtype == TYPE_DS && !dname_is_root(qname) && soa != NULL && dname_equal(soa->owner, qname))
        return REPLY_LAME;
    /* A referral upwards, sideways or to the zone itself (RFC 2308 section 2.2.1: what tells referrals from "no data").
     * One that leads down, by a forwarder, which is to resolve, says no more than nothing would: another one may know
     * better. */
    bool leads_nowhere = ns == NULL || !asked->recursive;
    if (soa == NULL && has_name_servers(message) && !message->header.aa && message->rcode == RCODE_NOERROR &&
        leads_nowhere)
        return REPLY_LAME;
    reply->answers[reply->answer_count++] = negative(message, asked, qname, soa, arena);
    if (is_out_of_recursion(message, asked))
        return REPLY_RECURSION_LAME;
    return says_nothing(message, reply->answers[0]) ? REPLY_EMPTY : REPLY_ANSWER;
}

/* YXDOMAIN says that a DNAME's result is too long (RFC 6672 section 2.2): the chain must show it. */
static bool fits_rcode(const struct message *message, const struct reply *reply)
{
    return message->rcode != RCODE_YXDOMAIN ||
           (reply->answer_count > 0 && reply->answers[reply->answer_count - 1]->rcode == RCODE_YXDOMAIN);
}

static const struct rrset *find_apex_ns(const struct message *message, const struct asked *asked)
{
    if (!message->header.aa || asked->recursive)
        return NULL;
    const struct rrset *ns = find(message, SECTION_AUTHORITY, asked, asked->zone, TYPE_NS);
    return ns != NULL ? ns : find(message, SECTION_ANSWER, asked, asked->zone, TYPE_NS);
}

/* Its signatures tell whether it is the zone's (CVE-2025-11411). */
static struct answer *signed_apex_ns(const struct message *message, const struct asked *asked, struct arena *arena)
{
    struct question question = { .qname = *asked->zone, .qtype = TYPE_NS, .qclass = asked->question->qclass };
    struct asked about = *asked;
    about.question = &question;
    struct rrset *ns = find(message, SECTION_AUTHORITY, asked, asked->zone, TYPE_NS);
    return ns == NULL || !is_signed(ns) || asked->recursive
               ? NULL
               : positive(message, &about, asked->zone, ANSWER_DATA, ns, arena);
}

static void read_apex(const struct message *message, const struct asked *asked, struct arena *arena,
                      struct reply *reply)
{
    if (reply->apex_ns != NULL)
        reply->apex = new_delegation(message, asked, reply->apex_ns, arena);
    reply->apex_set = signed_apex_ns(message, asked, arena);
}

/* What the operator wants no more than so many records of.  What is signed must stay whole, or would not verify. */
static void cut_ns_sets(const struct message *message, const struct asked *asked)
{
    for (enum section section = SECTION_ANSWER; section <= SECTION_AUTHORITY; section++)
        for (uint16_t i = 0; i < message->sections[section].count; i++) {
            struct rrset *set = message->sections[section].items[i];
            if (set->type == TYPE_NS && set->count > asked->ns_max && set->sig_count == 0)
                set->count = asked->ns_max;
        }
}

void reply_read(const struct message *message, const struct asked *asked, struct arena *arena, struct reply *reply)
{
    *reply = (struct reply) { .rcode = message->rcode };
    if (message->header.tc) {
        reply->kind = REPLY_TRUNCATED;
        return;
    }
    if (message->rcode != RCODE_NOERROR && message->rcode != RCODE_NXDOMAIN && message->rcode != RCODE_YXDOMAIN) {
        reply->kind = of_rcode(message, asked);
        return;
    }
    adopt_orphans(message, asked, arena);
    if (asked->ns_max > 0)
        cut_ns_sets(message, asked);
    reply->apex_ns = find_apex_ns(message, asked);
    if (asked->child_ns)
        read_apex(message, asked, arena, reply);
    read_chain(message, asked, arena, reply);
    show_ns(reply, message, asked);
    if (!fits_rcode(message, reply))
        reply->kind = REPLY_REFUSED;
    else if (reply->answer_count > 0)
        reply->kind = is_out_of_recursion(message, asked) ? REPLY_RECURSION_LAME : REPLY_ANSWER;
    else
        reply->kind = read_without_answer(message, asked, arena, reply);
    for (uint16_t i = 0; i < reply->answer_count; i++)
        reply->answers[i]->lacks_records = message->lacks_records;
}
