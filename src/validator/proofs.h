/* The two ways to deny, NSEC and NSEC3, behind denial.h.  For this folder alone. */
#ifndef VALIDATOR_PROOFS_H
#define VALIDATOR_PROOFS_H

#include "validator/denial.h"

/* qname is the zone itself or below it in all of these. */
enum proof nsec_name_error(const struct denial *denial, const struct dname *qname);
enum proof nsec_no_data(const struct denial *denial, const struct dname *qname, uint16_t qtype);
enum proof nsec_wildcard_expansion(const struct denial *denial, const struct dname *qname, uint8_t encloser_labels);

enum proof nsec3_name_error(const struct denial *denial, const struct dname *qname, struct budget *budget);
enum proof nsec3_no_data(const struct denial *denial, const struct dname *qname, uint16_t qtype, struct budget *budget);
enum proof nsec3_wildcard_expansion(const struct denial *denial, const struct dname *qname, uint8_t encloser_labels,
                                    struct budget *budget);

/* What the types at a name say of one that is not among them.  Yields PROOF_NONE, PROOF_GOOD, PROOF_NXNAME and, for DS,
 * PROOF_INSECURE_DELEGATION. */
enum proof bitmap_no_data(struct octets bitmap, const struct dname *name, uint16_t qtype);
/* The same for the types at the wildcard that qname would be expanded from: no delegation comes from there. */
enum proof bitmap_no_data_at_wildcard(struct octets bitmap, const struct dname *wildcard, uint16_t qtype);
/* The record stands at the parent's side of a zone cut, or at a DNAME: names below its owner are somebody else's
 * (RFC 6840 section 4.1, RFC 6672 section 5.3.4.1). */
bool bitmap_ends_authority(struct octets bitmap);

#endif
