#include "transport/sockaddr.h"

#include <assert.h>
#include <netinet/in.h>

socklen_t sockaddr_from_address(const struct address *address, struct sockaddr_storage *to)
{
    if (address->family == 4) {
        struct sockaddr_in *in = (struct sockaddr_in *)to;
        *in = (struct sockaddr_in) { .sin_family = AF_INET, .sin_port = htons(address->port) };
        memcpy(&in->sin_addr, address->octets, 4);
        return sizeof(*in);
    }
    assert(address->family == 6);
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)to;
    *in6 = (struct sockaddr_in6) { .sin6_family = AF_INET6,
                                   .sin6_port = htons(address->port),
                                   .sin6_scope_id = address->scope };
    memcpy(&in6->sin6_addr, address->octets, 16);
    return sizeof(*in6);
}

struct address address_from_sockaddr(const struct sockaddr_storage *from)
{
    struct address address = { 0 };
    if (from->ss_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)from;
        address.family = 4;
        address.port = ntohs(in->sin_port);
        memcpy(address.octets, &in->sin_addr, 4);
    } else if (from->ss_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)from;
        if (IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr))
            return address;
        address.family = 6;
        address.port = ntohs(in6->sin6_port);
        address.scope = in6->sin6_scope_id;
        memcpy(address.octets, &in6->sin6_addr, 16);
    }
    return address;
}

bool address_is_wildcard(const struct address *address)
{
    static const uint8_t zeros[16];
    return memcmp(address->octets, zeros, address->family == 4 ? 4 : 16) == 0;
}
