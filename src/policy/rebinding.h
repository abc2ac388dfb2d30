/* Protection of hosts inside against names outside that claim to be one of them (DNS rebinding): addresses of private
 * networks are left out of answers, but for names that may have them. */
#ifndef POLICY_REBINDING_H
#define POLICY_REBINDING_H

#include "message/address.h"
#include "resolver/resolver.h"

struct rebinding {
    struct prefix *networks; /* none: nothing is left out */
    uint16_t network_count;
    struct dname *allowed; /* names at and below these may have them, as may localhost (RFC 6761 section 6.3) */
    uint16_t allowed_count;
};

/* Does the outcome show an address that is to be left out: as A or AAAA record, or as a hint of SVCB or HTTPS? */
bool rebinding_is_shown(const struct rebinding *rebinding, const struct outcome *outcome);

/* The outcome without these records, in the arena and borrowing from the outcome: a set that lacks some of its records
 * is unsigned and Insecure, EDE 15. */
void rebinding_leave_out(const struct rebinding *rebinding, const struct outcome *outcome, struct arena *arena,
                         struct outcome *told);

#endif
