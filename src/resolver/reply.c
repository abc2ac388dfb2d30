#include "resolver/reply_parts.h"

/* The apex of the zone speaks for the zone alone; whether it has a DS its parent knows (RFC 4035 section 3.1.4.1). */
static bool is_childs_word_on_ds(const struct asked *asked, const struct dname *qname, const struct dname *zone)
{
    return asked->question->qtype == TYPE_DS && !dname_is_root(qname) && dname_equal(zone, qname);
}

/* The name after the link, if this server's zone still holds it and the chain may grow. */
static bool next_in_zone(const struct answer *link, const struct asked *asked, const struct reply *reply)
{
    return answer_leads_on(link) && !link->contradicted && reply->answer_count < CNAME_LINKS_MAX &&
           dname_is_subdomain(&link->target, asked->zone) && !is_childs_word_on_ds(asked, &link->target, asked->zone);
}

/* The NS set of the zone that holds the name, as far as the server may speak of it. */
static struct rrset *find_ns_above(const struct message *message, const struct asked *asked, const struct dname *qname)
{
    const struct rrset_list *authority = &message->sections[SECTION_AUTHORITY];
    struct rrset *deepest = NULL;
    for (uint16_t i = 0; i < authority->count; i++) {
        struct rrset *set = authority->items[i];
        if (set->type == TYPE_NS && set->count > 0 && reply_in_bailiwick(set, asked) &&
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
        reply->is_spoilt = reply_link_is_spoilt(message, asked, &qname);
        if (reply->is_spoilt)
            return;
        struct answer *link = reply_link(message, asked, &qname, arena);
        if (link == NULL)
            break;
        if (reply->answer_count > 0 && reply_is_signed(reply->answers[0]->rrsets.items[0]) &&
            !reply_is_signed(link->rrsets.items[0]))
            return;
        reply->answers[reply->answer_count++] = link;
        if (!next_in_zone(link, asked, reply))
            return;
        qname = link->target;
    }
    if (reply->answer_count == 0 || reply->answer_count == CNAME_LINKS_MAX)
        return;
    struct rrset *soa = reply_find_soa(message, asked, &qname);
    if (soa != NULL && is_childs_word_on_ds(asked, &qname, soa->owner))
        return;
    if (soa != NULL && (message->rcode == RCODE_NOERROR || message->rcode == RCODE_NXDOMAIN))
        reply->answers[reply->answer_count++] = reply_negative(message, asked, &qname, soa, arena);
    else if (soa == NULL && message->rcode == RCODE_NOERROR)
        reply_add_companions(reply->answers[reply->answer_count - 1], message, asked, arena);
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

static bool has_name_servers(const struct message *message)
{
    const struct rrset_list *authority = &message->sections[SECTION_AUTHORITY];
    for (uint16_t i = 0; i < authority->count; i++)
        if (authority->items[i]->type == TYPE_NS)
            return true;
    return false;
}

/* A referral upwards, sideways or to the zone itself (RFC 2308 section 2.2.1: what tells referrals from "no
 * data").  One that leads down, by a forwarder, which is to resolve, says no more than nothing would: another
 * one may know better. */
static bool leads_nowhere(const struct message *message, const struct asked *asked, const struct rrset *referral)
{
    return (referral == NULL || !asked->recursive) && has_name_servers(message) && !message->header.aa &&
           message->rcode == RCODE_NOERROR;
}

/* No data for the name in the Answer section: a referral, a negative answer, or nothing of use. */
static enum reply_kind read_without_answer(const struct message *message, const struct asked *asked,
                                           struct arena *arena, struct reply *reply)
{
    const struct dname *qname = &asked->question->qname;
    if (reply->is_spoilt || reply_direction_is_spoilt(message, asked))
        return REPLY_SPOILT;
    struct rrset *soa = reply_find_soa(message, asked, qname);
    struct rrset *ns = reply_find_referral(message, asked);
    if (message->rcode == RCODE_NOERROR && soa == NULL && ns != NULL && !asked->recursive) {
        reply->delegation = reply_new_delegation(message, asked, ns, arena);
        reply->ds = reply_referral_ds(message, asked, ns, arena);
        return REPLY_REFERRAL;
    }
    if ((soa != NULL && is_childs_word_on_ds(asked, qname, soa->owner)) ||
        (soa == NULL && leads_nowhere(message, asked, ns)))
        return REPLY_LAME;
    reply->answers[reply->answer_count++] = reply_negative(message, asked, qname, soa, arena);
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
    const struct rrset *ns = reply_find(message, SECTION_AUTHORITY, asked, asked->zone, TYPE_NS);
    return ns != NULL ? ns : reply_find(message, SECTION_ANSWER, asked, asked->zone, TYPE_NS);
}

/* Its signatures tell whether it is the zone's (CVE-2025-11411). */
static struct answer *signed_apex_ns(const struct message *message, const struct asked *asked, struct arena *arena)
{
    struct question question = { .qname = *asked->zone, .qtype = TYPE_NS, .qclass = asked->question->qclass };
    struct asked about = *asked;
    about.question = &question;
    struct rrset *ns = reply_find(message, SECTION_AUTHORITY, asked, asked->zone, TYPE_NS);
    return ns == NULL || !reply_is_signed(ns) || asked->recursive
               ? NULL
               : reply_positive(message, &about, asked->zone, ANSWER_DATA, ns, arena);
}

static void read_apex(const struct message *message, const struct asked *asked, struct arena *arena,
                      struct reply *reply)
{
    if (reply->apex_ns != NULL)
        reply->apex = reply_new_delegation(message, asked, reply->apex_ns, arena);
    reply->apex_set = signed_apex_ns(message, asked, arena);
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
    reply_adopt_orphans(message, asked, arena);
    if (asked->ns_max > 0)
        reply_cut_ns_sets(message, asked);
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
