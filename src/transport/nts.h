/* A client of one time server that proves who it is: NTS, RFC 8915.  Keys are asked for when there are none, and
 * cookies are spent one a datagram. */
#ifndef TRANSPORT_NTS_H
#define TRANSPORT_NTS_H

#include "transport/nts_handshake.h"
#include "transport/sntp.h"

struct nts_client;
/* server: of key establishment; copied.  done() is called once for each nts_ask(). */
struct nts_client *nts_client_new(struct ev_loop *loop, struct random *random, const struct nts_server *server,
                                  void (*done)(void *context, const struct sntp_reply *reply), void *context);
void nts_client_free(struct nts_client *client);

/* It needs new keys, and has asked for some a short while ago in vain (section 4.2, retry intervals): it may not be
 * asked yet. */
bool nts_must_wait(const struct nts_client *client);
/* Asks for keys if there are none, and then for the time.  Nothing is under way.  done() is called from the loop. */
void nts_ask(struct nts_client *client, const struct nts_dates *dates);
const char *nts_name(const struct nts_client *client);
/* Unspent. */
unsigned nts_cookie_count(const struct nts_client *client);

#endif
