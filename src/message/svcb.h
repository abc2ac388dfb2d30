/* What SVCB and HTTPS records say (RFC 9460). */
#ifndef MESSAGE_SVCB_H
#define MESSAGE_SVCB_H

#include "base/octets.h"

enum { SVCPARAM_IPV4HINT = 4, SVCPARAM_IPV6HINT = 6 }; /* section 14.3.2 */

/* The value of a parameter of that RDATA; empty if it is not there, or the RDATA is malformed. */
struct octets svcb_param(struct octets rdata, uint16_t key);

#endif
