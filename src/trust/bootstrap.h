/* What a verified root-anchors.xml does to the anchors of the root: bootstrap (RFC 9718 section 1.1; RFC 7958).  It
 * adds keys and ends validities; taking keys away is left to RFC 5011 and the operator. */
#ifndef TRUST_BOOTSTRAP_H
#define TRUST_BOOTSTRAP_H

#include "trust/rfc5011.h"
#include "trust/root_anchors.h"

/* Adds its current keys as VALID, if one of them signs the root's DNSKEY set as it is published now; those that the
 * store knows as revoked or removed stay so.  zone: the root.  false: *fault says why nothing was done; static storage.
 * No change at all is no fault. */
bool bootstrap_adopt(struct managed_zone *zone, const struct root_anchors *xml, const struct observation *live,
                     int64_t now_s, struct anchor_changes *changes, const char **fault);

/* Keys whose validity has an end in the file are not believed after it, wherever they came from; a key that came from
 * the file has its beginning from there, too.  Behind each managed_merge(). */
void bootstrap_bound(struct managed_zone *zone, const struct root_anchors *xml);

#endif
