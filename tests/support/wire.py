"""What goes over the loopback interface of a network namespace: the questions that a resolver puts to servers."""

import contextlib
import socket
import struct
import threading

import dns.exception
import dns.message
import dns.rdatatype

from lab import network

DNS_PORT = 53
POLL_S = 0.1
ETHERNET_OCTETS, IPV6_OCTETS, UDP_OCTETS = 14, 40, 8
ETHERTYPE_ALL, ETHERTYPE_IPV4, ETHERTYPE_IPV6 = 0x0003, 0x0800, 0x86DD


class Wire(threading.Thread):
    """with Wire(lab.netns, but=["127.0.0.1"]) as wire: …; wire.asked() — but: addresses whose questions do not count."""

    def __init__(self, netns, but=()):
        super().__init__()
        self._but = set(but)
        self._questions = []
        self._is_over = threading.Event()
        with network.inside(netns):
            self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETHERTYPE_ALL))
            self._socket.bind(("lo", 0))
        self._socket.settimeout(POLL_S)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self._is_over.set()
        self.join()
        self._socket.close()

    def run(self):
        while not self._is_over.is_set():
            with contextlib.suppress(TimeoutError):
                frame, (_, _, direction, *_) = self._socket.recvfrom(65535)
                if direction == socket.PACKET_OUTGOING:     # on loopback each packet is seen leaving and coming
                    self._take(frame)

    def asked(self):
        """(server, name, type) of each question since the last call."""
        questions, self._questions = self._questions, []
        return questions

    def _take(self, frame):
        server, message = question_in(frame)
        if message is None or server in self._but:
            return
        with contextlib.suppress(dns.exception.DNSException):
            question, = dns.message.from_wire(message, ignore_trailing=True).question
            self._questions.append((server, question.name.to_text().lower(), dns.rdatatype.to_text(question.rdtype)))


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
