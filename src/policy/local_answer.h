/* Answers that nobody was asked for: what special-use names and local data are told with. */
#ifndef POLICY_LOCAL_ANSWER_H
#define POLICY_LOCAL_ANSWER_H

#include "message/answer.h"
#include "time/now.h"

enum { LOCAL_TTL_S = 10800 }; /* RFC 6303 section 3 */

/* Insecure, judged, NODATA until something is put into it.  site: which table it is from. */
struct answer *local_answer_new(struct arena *arena, const struct question *question, const struct dname *zone,
                                const char *site, struct now now);
/* It is the answer: lives as long as its TTL. */
void local_answer_put(struct arena *arena, struct answer *answer, struct rrset *set);
/* A denial with this SOA. */
void local_answer_deny(struct arena *arena, struct answer *answer, bool name_exists, struct rrset *soa);

/* One record with LOCAL_TTL_S. */
struct rrset *local_rrset_new(struct arena *arena, const struct dname *owner, uint16_t type, struct octets rdata);
/* RDATA out of a text of ours. */
struct octets local_rdata(struct arena *arena, uint16_t type, const char *text);
/* The SOA of a zone that is told of here alone: its own name as MNAME, as RFC 6303 section 3 writes it. */
struct rrset *local_soa_new(struct arena *arena, const struct dname *apex);

#endif
