/* IPv6 addresses for hosts behind NAT64, made of the IPv4 addresses that a name has (RFC 6147, RFC 6052). */
#ifndef POLICY_DNS64_H
#define POLICY_DNS64_H

#include "message/address.h"
#include "resolver/resolver.h"

/* What stands at the name below ip6.arpa. of an address that was made: an alias of the name below in-addr.arpa. (RFC
 * 6147 section 5.3.1), or the PTR records found there. */
enum dns64_reverse_form { DNS64_REVERSE_ALIAS, DNS64_REVERSE_DIRECT };

struct dns64 {
    bool is_on;
    enum dns64_reverse_form reverse_form;
    struct prefix prefix;  /* Pref64::/n (RFC 6052 section 2.2) */
    struct dname *ignored; /* AAAA records at and below these names do not count */
    uint16_t ignored_count;
};

/* The name below ip6.arpa. of an address of the prefix becomes the one of the embedded address below in-addr.arpa. (RFC
 * 6147 section 5.3.1).  false: any other name. */
bool dns64_reverse(const struct prefix *prefix, const struct dname *name, struct dname *reverse);

/* Has the name no AAAA records by this outcome, so that its A records count (sections 5.1.2 to 5.1.4)?  *ttl_max_s: how
 * long that is true. */
bool dns64_wants_addresses(const struct dns64 *dns64, const struct outcome *outcome, struct now now,
                           uint32_t *ttl_max_s);
/* The outcome of the A question as the answer to the AAAA question (section 5.1.7), in the arena: unsigned, Insecure,
 * EDE 29.  false: there are no addresses. */
bool dns64_synthesize(const struct dns64 *dns64, const struct outcome *addresses, uint32_t ttl_max_s, struct now now,
                      struct arena *arena, struct outcome *told);
/* The outcome of the PTR question below in-addr.arpa. as the answer to the one below ip6.arpa., in the arena: Insecure,
 * EDE 29. */
void dns64_lead_back(const struct dns64 *dns64, const struct question *asked, const struct outcome *outcome,
                     struct now now, struct arena *arena, struct outcome *told);

#endif
