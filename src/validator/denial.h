/* Denial of existence: NSEC (RFC 4035 section 5.4, RFC 6840 section 4), NSEC3 (RFC 5155 section 8, RFC 9276), compact
 * denial (RFC 9824).  Pure functions over RRsets whose signatures were verified before; only the budget changes. */
#ifndef VALIDATOR_DENIAL_H
#define VALIDATOR_DENIAL_H

#include "base/budget.h"
#include "message/rrset.h"

enum proof {
    PROOF_NONE, /* nothing here proves it */
    PROOF_GOOD,
    PROOF_OPT_OUT,             /* proven up to an NSEC3 opt-out span: insecure, no AD (RFC 5155 section 9.2) */
    PROOF_INSECURE_DELEGATION, /* for DS: a delegation stands there, without DS (NS set, SOA and DS clear) */
    PROOF_ITERATIONS,          /* NSEC3 iterations above the limit: insecure, EDE 27 (RFC 9276 section 3.2) */
    PROOF_BUDGET,              /* hashes are used up */
    PROOF_TURN,                /* give the worker its turn back, then ask again */
    PROOF_NXNAME,              /* RFC 9824: the NSEC at the name says it does not exist */
};

/* NSEC and NSEC3 RRsets of one signer, all verified by keys of `zone`. */
struct denial {
    const struct dname *zone;
    const struct rrset *const *sets;
    uint16_t count;
    uint16_t iterations_max;
};

enum proof denial_name_error(const struct denial *denial, const struct dname *qname, struct budget *budget);
/* qtype TYPE_DS uses the parent's side and may yield PROOF_INSECURE_DELEGATION. */
enum proof denial_no_data(const struct denial *denial, const struct dname *qname, uint16_t qtype,
                          struct budget *budget);
/* The name expanded from a wildcard whose closest encloser has `encloser_labels` labels: no closer match exists. */
enum proof denial_wildcard_expansion(const struct denial *denial, const struct dname *qname, uint8_t encloser_labels,
                                     struct budget *budget);

/* What one name costs, in hashes of the default number of iterations over one SHA-1 block each. */
uint16_t denial_hash_cost(struct octets salt, uint16_t iterations);

#endif
