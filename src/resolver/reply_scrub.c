/* What of a reply counts: what the server may speak of, and can be read; and what was put into the wrong section. */
#include "resolver/reply_parts.h"

enum {
    ADOPTIONS_MAX = 64, /* RRsets whose signatures are looked for in other sections; each costs a walk */
};

/* ---- what the server may speak of ---- */

static bool names_in_zone(const struct octets nsec_rdata, const struct rrsig *sig)
{
    struct nsec nsec;
    return nsec_read(nsec_rdata, &nsec) == OK && dname_is_subdomain(&nsec.next, &sig->signer);
}

/* A signed NSEC whose next name is in no zone that has signed it, though the last one of a zone names the apex (RFC
 * 4034 section 4.1.1): it is no data of the zone.  Where it should prove something the validator says why it does
 * not. */
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

bool reply_in_bailiwick(const struct rrset *set, const struct asked *asked)
{
    return set->class == asked->question->qclass && dname_is_subdomain(set->owner, asked->zone);
}

struct rrset *reply_find(const struct message *message, enum section section, const struct asked *asked,
                         const struct dname *owner, uint16_t type)
{
    struct rrset *set = rrset_list_find(&message->sections[section], owner, type);
    return set != NULL && set->count > 0 && reply_in_bailiwick(set, asked) && !leads_out(set) ? set : NULL;
}

/* One of its records could not be read: of what it says nothing is known, not even that there is nothing. */
static bool is_spoilt(const struct rrset *set, const struct asked *asked)
{
    return set->count == 0 && reply_in_bailiwick(set, asked);
}

bool reply_is_denial(const struct rrset *set)
{
    return set->type == TYPE_NSEC || set->type == TYPE_NSEC3;
}

bool reply_is_signed(const struct rrset *set)
{
    return set->sig_count > 0;
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

bool reply_link_is_spoilt(const struct message *message, const struct asked *asked, const struct dname *qname)
{
    const struct rrset_list *section = &message->sections[SECTION_ANSWER];
    for (uint16_t i = 0; i < section->count; i++)
        if (is_spoilt(section->items[i], asked) && may_be_link(section->items[i], asked, qname))
            return true;
    return false;
}

bool reply_direction_is_spoilt(const struct message *message, const struct asked *asked)
{
    const struct rrset_list *section = &message->sections[SECTION_AUTHORITY];
    for (uint16_t i = 0; i < section->count; i++) {
        const struct rrset *set = section->items[i];
        bool leads = set->type == TYPE_SOA || set->type == TYPE_NS || set->type == TYPE_DS;
        bool is_above = dname_is_subdomain(&asked->question->qname, set->owner);
        if (is_spoilt(set, asked) && (reply_is_denial(set) || (leads && is_above)))
            return true;
    }
    return false;
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

void reply_adopt_orphans(const struct message *message, const struct asked *asked, struct arena *arena)
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

/* ---- more than the operator wants ---- */

/* What is signed must stay whole, or would not verify. */
void reply_cut_ns_sets(const struct message *message, const struct asked *asked)
{
    for (enum section section = SECTION_ANSWER; section <= SECTION_AUTHORITY; section++)
        for (uint16_t i = 0; i < message->sections[section].count; i++) {
            struct rrset *set = message->sections[section].items[i];
            if (set->type == TYPE_NS && set->count > asked->ns_max && !reply_is_signed(set))
                set->count = asked->ns_max;
        }
}
