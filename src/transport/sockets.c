#include "transport/sockets.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "transport/sockaddr.h"

static int new_socket(const struct address *address, int type)
{
    return socket(address->family == 4 ? AF_INET : AF_INET6, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

static int close_keeping_errno(int fd)
{
    int saved = errno;
    close(fd);
    errno = saved;
    return -1;
}

static bool set_option(int fd, int level, int option, int value)
{
    return setsockopt(fd, level, option, &value, sizeof(value)) == 0;
}

/* DF is set and what ICMP says of the path is not believed: no fragments for others to forge, and a forged
 * "fragmentation needed" changes nothing (RFC 9715 section 3.1). */
static bool set_no_fragments(int fd, uint8_t family)
{
    return family == 4 ? set_option(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE)
                       : set_option(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_PROBE);
}

/* Answers to a wildcard socket leave from the address that was asked: the kernel must tell which one that is. */
static bool set_local_address_wanted(int fd, uint8_t family)
{
    return family == 4 ? set_option(fd, IPPROTO_IP, IP_PKTINFO, 1) : set_option(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
}

static bool set_v6_only(int fd, uint8_t family)
{
    return family == 4 || set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
}

static bool bind_address(int fd, const struct address *address)
{
    struct sockaddr_storage storage;
    socklen_t len = sockaddr_from_address(address, &storage);
    return set_v6_only(fd, address->family) && bind(fd, (struct sockaddr *)&storage, len) == 0;
}

int socket_listen_udp(const struct address *address)
{
    int fd = new_socket(address, SOCK_DGRAM);
    if (fd < 0)
        return -1;
    set_option(fd, SOL_SOCKET, SO_RCVBUF, SOCKET_BUFFER_OCTETS); /* as much as there is: smaller ones work */
    set_option(fd, SOL_SOCKET, SO_SNDBUF, SOCKET_BUFFER_OCTETS);
    if (set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1) && set_no_fragments(fd, address->family) &&
        (!address_is_wildcard(address) || set_local_address_wanted(fd, address->family)) && bind_address(fd, address))
        return fd;
    return close_keeping_errno(fd);
}

int socket_listen_tcp(const struct address *address)
{
    int fd = new_socket(address, SOCK_STREAM);
    if (fd < 0)
        return -1;
    if (set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1) && set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1) &&
        set_option(fd, IPPROTO_TCP, TCP_MAXSEG, TCP_MSS_OCTETS) && bind_address(fd, address) &&
        listen(fd, TCP_BACKLOG) == 0)
        return fd;
    return close_keeping_errno(fd);
}

void socket_make_blocking(int fd)
{
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
}

static enum err probe(const struct address *address, int type)
{
    int fd = new_socket(address, type);
    if (fd < 0)
        return ERR_SYSTEM;
    /* Connections of a predecessor that linger in TIME-WAIT do not count. */
    bool is_free = (type != SOCK_STREAM || set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1)) && bind_address(fd, address);
    close_keeping_errno(fd);
    return is_free ? OK : ERR_SYSTEM;
}

enum err socket_probe_listen(const struct address *address)
{
    enum err err = probe(address, SOCK_DGRAM);
    return err == OK ? probe(address, SOCK_STREAM) : err;
}

static int connect_socket(int fd, const struct address *server)
{
    struct sockaddr_storage storage;
    socklen_t len = sockaddr_from_address(server, &storage);
    if (server->port == 0) { /* a socket connected to port 0 takes datagrams from every port */
        errno = EINVAL;
        return close_keeping_errno(fd);
    }
    if (connect(fd, (struct sockaddr *)&storage, len) == 0 || errno == EINPROGRESS)
        return fd;
    return close_keeping_errno(fd);
}

int socket_connect_udp(const struct address *server)
{
    int fd = new_socket(server, SOCK_DGRAM);
    if (fd < 0)
        return -1;
    return set_no_fragments(fd, server->family) ? connect_socket(fd, server) : close_keeping_errno(fd);
}

int socket_connect_tcp(const struct address *server)
{
    int fd = new_socket(server, SOCK_STREAM);
    if (fd < 0)
        return -1;
    if (set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1) && set_option(fd, IPPROTO_TCP, TCP_MAXSEG, TCP_MSS_OCTETS))
        return connect_socket(fd, server);
    return close_keeping_errno(fd);
}

void socket_reset_on_close(int fd)
{
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger) { .l_onoff = 1, .l_linger = 0 }, sizeof(struct linger));
}

enum err port_range_read(struct port_range *range)
{
    FILE *file = fopen("/proc/sys/net/ipv4/ip_local_port_range", "re"); /* IPv6 uses it as well */
    if (file == NULL)
        return ERR_SYSTEM;
    unsigned first, last;
    int fields = fscanf(file, "%u %u", &first, &last);
    fclose(file);
    if (fields != 2 || first > last || last > UINT16_MAX)
        return ERR_FORMAT;
    *range = (struct port_range) { (uint16_t)first, (uint16_t)last };
    return OK;
}

unsigned port_range_bits(struct port_range range)
{
    unsigned bits = 0;
    for (unsigned ports = range.last - range.first + 1U; ports > 1; ports /= 2)
        bits++;
    return bits;
}

unsigned long descriptor_limit_raise(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return 1024; /* what POSIX systems give at least */
    rlim_t before = limit.rlim_cur;
    limit.rlim_cur = limit.rlim_max;
    return setrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_max : before;
}
