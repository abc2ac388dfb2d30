/* Datagrams that wait to be worked on: a bounded buffer, filled by one thread and handed to another as a whole. */
#ifndef TRANSPORT_UDP_INBOX_H
#define TRANSPORT_UDP_INBOX_H

#include "transport/client.h"

enum {
    /* Some 4,000 short questions: as many as one worker lets wait.  A worker that is busy with signatures for some
     * milliseconds loses none at 100,000 a second; what would wait much longer, its client has asked again. */
    UDP_INBOX_OCTETS = 512 << 10,
};

struct udp_inbox;

struct udp_inbox *udp_inbox_new(void);
void udp_inbox_free(struct udp_inbox *inbox);

bool udp_inbox_is_empty(const struct udp_inbox *inbox);
/* Client and message are copied.  false: there is no room. */
MUST_USE bool udp_inbox_put(struct udp_inbox *inbox, const struct client *client, struct octets message);
/* The first one that was not taken yet; message: borrowed until the inbox is empty and something is put.  false:
 * there is none. */
bool udp_inbox_take(struct udp_inbox *inbox, struct client *client, struct octets *message);

#endif
