"""What goes over the loopback interface of a network namespace: the questions that a resolver puts to servers."""

import contextlib
import socket
import struct

import dns.exception
import dns.message
import dns.rdatatype

from lab import network

DNS_PORT = 53
BUFFER_OCTETS = 4 << 20     # what is not taken yet
ETHERNET_OCTETS, IPV6_OCTETS, UDP_OCTETS = 14, 40, 8
ETHERTYPE_ALL, ETHERTYPE_IPV4, ETHERTYPE_IPV6 = 0x0003, 0x0800, 0x86DD


class Wire:
    """with Wire(lab.netns, but=["127.0.0.1"]) as wire: …; wire.asked() — but: addresses whose questions do not
    count."""

    def __init__(self, netns, but=()):
        self._but = set(but)
        with network.inside(netns):
            self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETHERTYPE_ALL))
            self._socket.bind(("lo", 0))
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_OCTETS)
        self._socket.setblocking(False)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._socket.close()

    def asked(self):
        """{(name, type)} of all questions since the last call; one that was lost may have been sent twice."""
        questions = set()
        with contextlib.suppress(BlockingIOError):
            while True:
                frame, (_, _, direction, *_) = self._socket.recvfrom(65535)
                if direction == socket.PACKET_OUTGOING:     # on loopback each packet is seen leaving and coming
                    questions |= self._questions_in(frame)
        return questions

    def _questions_in(self, frame):
        server, message = question_in(frame)
        if message is None or server in self._but:
            return set()
        try:
            question, = dns.message.from_wire(message, ignore_trailing=True).question
        except dns.exception.DNSException:
            return set()
        return {(question.name.to_text().lower(), dns.rdatatype.to_text(question.rdtype))}


def question_in(frame):
    """Whom a frame asks, and what; what is None if it is no question over UDP or TCP."""
    ethertype, = struct.unpack_from("!H", frame, ETHERNET_OCTETS - 2)
    packet = frame[ETHERNET_OCTETS:]
    if ethertype == ETHERTYPE_IPV4:
        protocol, server, payload = packet[9], socket.inet_ntoa(packet[16:20]), packet[packet[0] % 16 * 4:]
    elif ethertype == ETHERTYPE_IPV6:
        protocol, server, payload = packet[6], socket.inet_ntop(socket.AF_INET6, packet[24:40]), packet[IPV6_OCTETS:]
    else:
        return None, None
    if protocol not in (socket.IPPROTO_UDP, socket.IPPROTO_TCP) or struct.unpack_from("!H", payload, 2)[0] != DNS_PORT:
        return server, None
    if protocol == socket.IPPROTO_UDP:
        return server, payload[UDP_OCTETS:]
    segment = payload[payload[12] // 16 * 4:]
    return server, segment[2:] or None
