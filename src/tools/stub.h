/* A security-aware stub (RFC 4035 section 4.9): asks a resolver with DO set and reports its word. */
#ifndef TOOLS_STUB_H
#define TOOLS_STUB_H

#include "message/address.h"
#include "message/message.h"

/* server NULL: the first nameserver of /etc/resolv.conf.  Prints the answer and returns the exit code of the
 * contract. */
int stub_ask(const struct question *question, const struct address *server, bool checking_disabled, bool json);

#endif
