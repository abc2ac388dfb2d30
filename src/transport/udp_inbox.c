#include "transport/udp_inbox.h"

#include <stdlib.h>

#include "base/arena.h"

struct head { /* of a datagram in the buffer, which follows it */
    struct client client;
    size_t octets;
};

struct udp_inbox {
    size_t begin, end; /* what waits */
    uint8_t octets[UDP_INBOX_OCTETS];
};

struct udp_inbox *udp_inbox_new(void)
{
    return memory_new(1, sizeof(struct udp_inbox));
}

void udp_inbox_free(struct udp_inbox *inbox)
{
    free(inbox);
}

bool udp_inbox_is_empty(const struct udp_inbox *inbox)
{
    return inbox->begin == inbox->end;
}

bool udp_inbox_put(struct udp_inbox *inbox, const struct client *client, struct octets message)
{
    const struct head head = { .client = *client, .octets = message.len };
    if (udp_inbox_is_empty(inbox))
        inbox->begin = inbox->end = 0;
    uint8_t *to = inbox->octets + inbox->end;
    if (UDP_INBOX_OCTETS - inbox->end < sizeof(head) + message.len)
        return false;
    memcpy(to, &head, sizeof(head));
    memcpy(to + sizeof(head), message.data, message.len);
    inbox->end += sizeof(head) + message.len;
    return true;
}

bool udp_inbox_take(struct udp_inbox *inbox, struct client *client, struct octets *message)
{
    struct head head;
    if (udp_inbox_is_empty(inbox))
        return false;
    memcpy(&head, inbox->octets + inbox->begin, sizeof(head));
    *client = head.client;
    *message = (struct octets) { inbox->octets + inbox->begin + sizeof(head), head.octets };
    inbox->begin += sizeof(head) + head.octets;
    return true;
}
