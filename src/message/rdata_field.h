/* What can be done with one field of RDATA, kind by kind: rdata.c and rdata_text.c walk a type's row in
 * message/rrtype.h and ask this table for each field of it.  For these files alone. */
#ifndef MESSAGE_RDATA_FIELD_H
#define MESSAGE_RDATA_FIELD_H

#include "message/rrtype.h"
#include "message/text.h"
#include "message/token.h"

struct rdata_field_kind {
    /* Goes past the field in uncompressed RDATA; sets r->failed if it is not laid out as it must be. */
    void (*skip)(struct reader *r);
    /* Presentation form.  False: it has none, the whole RDATA is printed as RFC 3597 says. */
    bool (*print)(struct text *text, struct reader *r);
    /* Wire form from presentation form.  False: malformed, or it does not fit. */
    bool (*parse)(struct tokens *tokens, struct writer *w);
};

/* FIELD_END has no row. */
const struct rdata_field_kind *rdata_field_kind(enum rdata_field field);

static inline void rdata_field_skip(struct reader *r, enum rdata_field field)
{
    rdata_field_kind(field)->skip(r);
}

/* Names without compression. */
void dname_skip(struct reader *r);
bool dname_print(struct text *text, struct reader *r);
/* Addresses as their RDATA has them. */
bool ipv4_print(struct text *text, struct reader *r);
bool ipv4_parse(struct tokens *tokens, struct writer *w);
bool ipv6_print(struct text *text, struct reader *r);
bool ipv6_parse(struct tokens *tokens, struct writer *w);

/* Kinds with a layout of their own. */
void loc_skip(struct reader *r); /* loc.c */
bool loc_print(struct text *text, struct reader *r);
bool loc_parse(struct tokens *tokens, struct writer *w);
void apl_skip(struct reader *r); /* apl.c */
bool apl_print(struct text *text, struct reader *r);
bool apl_parse(struct tokens *tokens, struct writer *w);
void hip_skip(struct reader *r); /* hip.c */
bool hip_print(struct text *text, struct reader *r);
bool hip_parse(struct tokens *tokens, struct writer *w);
void ipseckey_skip(struct reader *r); /* gateway.c */
bool ipseckey_print(struct text *text, struct reader *r);
bool ipseckey_parse(struct tokens *tokens, struct writer *w);
void amtrelay_skip(struct reader *r);
bool amtrelay_print(struct text *text, struct reader *r);
bool amtrelay_parse(struct tokens *tokens, struct writer *w);
void a6_skip(struct reader *r); /* a6.c */
bool a6_print(struct text *text, struct reader *r);
bool a6_parse(struct tokens *tokens, struct writer *w);
void a6_write_canonical(struct writer *w, struct octets field);
void svcparams_skip(struct reader *r); /* svcb.c */
bool svcparams_print(struct text *text, struct reader *r);
bool svcparams_parse(struct tokens *tokens, struct writer *w);

#endif
