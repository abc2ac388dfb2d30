/* What the files of reply.h share.  All of them walk over sections of one message; what they make of it lives in the
 * arena and borrows the message's RRsets. */
#ifndef RESOLVER_REPLY_PARTS_H
#define RESOLVER_REPLY_PARTS_H

#include "resolver/reply.h"

/* reply_scrub.c: what of the message counts */
/* The server may speak of that name. */
bool reply_in_bailiwick(const struct rrset *set, const struct asked *asked);
/* In bailiwick, and with data; NULL: there is none. */
struct rrset *reply_find(const struct message *message, enum section section, const struct asked *asked,
                         const struct dname *owner, uint16_t type);
bool reply_is_signed(const struct rrset *set);
/* NSEC or NSEC3. */
bool reply_is_denial(const struct rrset *set);
/* The Answer section has the link of the chain at qname, but it cannot be read. */
bool reply_link_is_spoilt(const struct message *message, const struct asked *asked, const struct dname *qname);
/* Nor can what tells "no data" from a referral, where that leads, or what proves it. */
bool reply_direction_is_spoilt(const struct message *message, const struct asked *asked);
/* RRsets get the signatures that stand in other sections than theirs. */
void reply_adopt_orphans(const struct message *message, const struct asked *asked, struct arena *arena);
/* No NS set has more than asked->ns_max records, unless it is signed. */
void reply_cut_ns_sets(const struct message *message, const struct asked *asked);

/* reply_answer.c: answers, UNCHECKED */
int64_t reply_received_ms(struct now now);
uint32_t reply_least_ttl(const struct rrset_list *list, uint32_t ttl_s);
/* Without records, or a deadline. */
struct answer *reply_new_answer(const struct asked *asked, const struct dname *qname, enum answer_kind kind,
                                struct arena *arena);
/* The denials of the Authority section. */
void reply_add_denial(struct answer *answer, const struct message *message, const struct asked *asked,
                      struct arena *arena);
struct answer *reply_positive(const struct message *message, const struct asked *asked, const struct dname *qname,
                              enum answer_kind kind, struct rrset *set, struct arena *arena);
/* One link of the chain that starts at qname; NULL: the Answer section says nothing of it. */
struct answer *reply_link(const struct message *message, const struct asked *asked, const struct dname *qname,
                          struct arena *arena);
/* Of a zone that holds qname; NULL: there is none. */
struct rrset *reply_find_soa(const struct message *message, const struct asked *asked, const struct dname *qname);
/* soa may be NULL. */
struct answer *reply_negative(const struct message *message, const struct asked *asked, const struct dname *qname,
                              struct rrset *soa, struct arena *arena);
/* The denials beside the last link, an alias whose target this server's zone holds and does not tell of. */
void reply_add_companions(struct answer *alias, const struct message *message, const struct asked *asked,
                          struct arena *arena);

/* reply_referral.c */
/* The deepest NS set that leads down from the zone towards the name; NULL: there is none. */
struct rrset *reply_find_referral(const struct message *message, const struct asked *asked);
/* To the servers of the set, with their glue. */
struct delegation *reply_new_delegation(const struct message *message, const struct asked *asked,
                                        const struct rrset *ns, struct arena *arena);
/* What the referral says about DS at the cut (RFC 4035 section 3.1.4.1): the set, or the proof that there is none;
 * NULL: nothing. */
struct answer *reply_referral_ds(const struct message *message, const struct asked *asked, const struct rrset *ns,
                                 struct arena *arena);

#endif
