/* The plain question, as nearly every client asks it: RD=1, one question of class IN, perhaps an OPT record with
 * a few options.  Reading one allocates nothing.  Everything else is left to message_read(). */
#ifndef MESSAGE_PLAIN_H
#define MESSAGE_PLAIN_H

#include "message/message.h"

struct plain_question {
    uint8_t id[2];       /* as it came */
    const uint8_t *name; /* wire form, uncompressed, in the client's letter case; borrowed from the message */
    uint8_t name_octets;
    uint16_t qtype;
    bool ad, cd;
    bool edns;
    bool dnssec_ok;
    uint16_t udp_octets; /* as offered, 512 at least; means something with edns */
    bool has_options;    /* then wishes means something */
    struct edns_wishes wishes;
};

/* false: it is not plain.  What is, message_read() reads in the same way. */
bool plain_question_read(struct octets message, struct plain_question *plain);

#endif
