/* One document over HTTP or HTTPS (libcurl, on the event loop).  Addresses are handed in: no other resolver is
 * asked. */
#ifndef TRANSPORT_FETCH_H
#define TRANSPORT_FETCH_H

#include <ev.h>

#include "message/address.h"

enum {
    URL_OCTETS_MAX = 512,
    URL_HOST_OCTETS_MAX = 256,
    FETCH_ADDRESSES_MAX = 16,
    FETCH_FAULT_OCTETS_MAX = 256,
};

struct url {
    bool is_secure;                 /* https */
    char host[URL_HOST_OCTETS_MAX]; /* a name, or an address without brackets */
    uint16_t port;
};
/* http or https, without user and password.  ERR_FORMAT. */
MUST_USE enum err url_read(const char *text, struct url *url);

struct fetch_request {
    const char *url;
    const struct address *addresses; /* of its host; their ports are not looked at */
    size_t address_count;
    const char *ca_file; /* PEM: who vouches for the server's certificate; NULL: the system's */
    size_t octets_max;
    uint32_t timeout_ms; /* for all of it */
};

struct fetch_result {
    struct octets body;                 /* status 200 */
    const char *redirect;               /* where else it is to be had, absolute; NULL: no redirect */
    char fault[FETCH_FAULT_OCTETS_MAX]; /* printable; empty: there is a body or a redirect */
};

struct fetch;
/* done is called from the loop, once, unless fetch_free() comes before; result is borrowed.  It may free the fetch. */
struct fetch *fetch_new(struct ev_loop *loop, const struct fetch_request *request, void *context,
                        void (*done)(void *context, const struct fetch_result *result));
void fetch_free(struct fetch *fetch);

#endif
